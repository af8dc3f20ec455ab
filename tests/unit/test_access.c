/* The week view: what it shows is what the evaluator says, at every edge. */
#include "tests/unit/ops_bed.h"

#include "common/base/tz.h"
#include "common/store/store.h"

/* Statements as "EFFECT CONDITION", two at most. */
static char *
policy(const char *const v[4])
{
	struct buf b = BUF_INIT;
	size_t i;

	buf_puts(&b, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (i = 0; i < 4 && v[i] != NULL; i += 2)
		buf_printf(&b, "%s{\"Effect\":\"%s\",\"Action\":\"host:Login\","
		    "\"Resource\":\"*\",\"Condition\":%s}", i > 0 ? "," : "", v[i],
		    v[i + 1]);
	buf_puts(&b, "]}");
	return buf_steal(&b);
}

static void
show(struct bed *b, const char *document, const char *week, const char *zone)
{
	const char *error = bed_run(b, "ShowAccess", json_pack("{s:s,s:s,s:s}",
	    "PolicyDocument", document, "WeekOf", week, "Zone", zone));

	if (error[0] != '\0')
		fail_msg("%s: %s", error, b->c.error_text);
}

static int64_t
seconds(const char *iso)
{
	int y, mo, d, h, mi, s;

	assert_int_equal(sscanf(iso, "%d-%d-%dT%d:%d:%dZ", &y, &mo, &d, &h, &mi, &s), 6);
	return tz_from_utc(y, mo, d, h * 3600 + mi * 60 + s);
}

/* proof: 0 a password, 1 with a code, 2 a key alone, without the MFA keys. */
static bool
decides(struct bed *b, const char *document, int64_t t, int proof)
{
	char iso[TZ_ISO_LEN];
	json_t *entries;

	tz_iso(t, iso);
	entries = json_pack("[{s:s,s:[s]}]", "ContextKeyName", "aws:CurrentTime",
	    "ContextKeyValues", iso);
	if (proof < 2)
		json_array_append_new(entries, json_pack("{s:s,s:[s]}",
		    "ContextKeyName", "aws:MultiFactorAuthPresent",
		    "ContextKeyValues", proof == 1 ? "true" : "false"));
	assert_string_equal(bed_run(b, "SimulateCustomPolicy", json_pack(
	    "{s:[s],s:[s],s:o}", "PolicyInputList", document, "ActionNames",
	    "host:Login", "ContextEntries", entries)), "");
	return strcmp(bed_text(b, "EvaluationResults.0.EvalDecision"), "allowed") == 0;
}

static void
check_span(struct bed *b, const char *document, const json_t *entry)
{
	const char *state = json_string_value(json_object_get(entry, "State"));
	int64_t begin = seconds(json_string_value(json_object_get(entry, "Begin")));
	int64_t end = seconds(json_string_value(json_object_get(entry, "End")));
	int64_t at[3] = { begin, begin + (end - begin) / 2, end - 1 };
	bool plain, code, key;
	size_t i;

	assert_true(begin < end);
	for (i = 0; i < IAM_COUNT(at); i++) {
		plain = decides(b, document, at[i], 0);
		code = decides(b, document, at[i], 1);
		key = decides(b, document, at[i], 2);
		assert_string_equal(state, plain && code ? "allowed" : code ?
		    "allowedWithCode" : plain ? "allowedWithoutCode" : "denied");
		assert_true(json_is_true(json_object_get(entry, "WithKeyAlone")) == key);
	}
}

/* Spans follow one another, fill the week, and differ from their neighbours;
 * at their ends and within, SimulateCustomPolicy says the same. */
static void
check_week(struct bed *b, const char *document, int hours)
{
	json_t *answer = json_incref(b->c.out), *day, *entry;
	int64_t last = 0, total = 0;
	size_t i, j;

	json_array_foreach(json_object_get(answer, "Days"), i, day)
		json_array_foreach(json_object_get(day, "Access"), j, entry) {
			const char *begin = json_string_value(json_object_get(entry,
			    "Begin"));

			if (last != 0)
				assert_int_equal(seconds(begin), last);
			last = seconds(json_string_value(json_object_get(entry, "End")));
			total += last - seconds(begin);
			check_span(b, document, entry);
		}
	assert_int_equal(total, hours * 3600);
	json_decref(answer);
}

#define WITHIN(w) "{\"TimeOfDayWithin\":{\"aws:CurrentTime\":" w "}}"

/* S44, S45: the drawing and a decision are one evaluator's. */
static void
test_show_access__S44_S45_is_what_the_evaluator_says(void **state)
{
	static const struct {
		const char *statements[4], *week, *zone;
		int hours;
	} cases[] = {
		{ { "Allow", WITHIN("\"Tue 09:00-17:00 Europe/Berlin\"") },
		    "2026-11-24", "Europe/Berlin", 168 },
		{ { "Allow", WITHIN("[\"Mon-Fri 08:30-18:00 Europe/Berlin\","
		    "\"Sat 12:00-12:05 America/New_York\"]") }, "2026-10-25",
		    "Europe/Berlin", 169 },
		{ { "Allow", WITHIN("\"Sun 01:30-02:30 Europe/Berlin\"") },
		    "2026-03-29", "Europe/Berlin", 167 },
		{ { "Allow", WITHIN("\"Sat 22:00-06:00 Asia/Kolkata\""), "Deny",
		    "{\"Bool\":{\"aws:MultiFactorAuthPresent\":\"false\"}}" },
		    "2026-11-24", "Asia/Kathmandu", 168 },
		{ { "Allow", "{\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}}",
		    "Allow", WITHIN("\"Mon-Fri 07:59-08:01\"") }, "2026-11-24",
		    "UTC", 168 },
		{ { "Allow", "{\"DateGreaterThan\":{\"aws:CurrentTime\":"
		    "\"2026-11-24T12:00:10Z\"},\"DateLessThanEquals\":"
		    "{\"aws:CurrentTime\":\"2026-11-24T12:00:40.5Z\"}}" },
		    "2026-11-24", "UTC", 168 },
		{ { "Allow", WITHIN("\"Sat,Sun\""), "Deny",
		    "{\"BoolIfExists\":{\"aws:MultiFactorAuthPresent\":\"true\"}}" },
		    "2026-11-24", "Australia/Lord_Howe", 168 },
	};
	struct bed *b = *state;
	char *document;
	size_t i;

	bed_publish(b);
	for (i = 0; i < IAM_COUNT(cases); i++) {
		document = policy(cases[i].statements);
		show(b, document, cases[i].week, cases[i].zone);
		check_week(b, document, cases[i].hours);
		free(document);
	}
	bed_unpublish();
}

/* Nothing is lost between two minutes. */
static void
test_show_access__seconds_that_a_policy_names(void **state)
{
	static const char *const statements[4] = { "Allow", "{\"DateGreaterThan\":"
	    "{\"aws:CurrentTime\":\"2026-11-24T12:00:10Z\"},\"DateLessThan\":"
	    "{\"aws:CurrentTime\":\"2026-11-24T12:00:40Z\"}}" };
	struct bed *b = *state;
	char *document = policy(statements);

	bed_publish(b);
	show(b, document, "2026-11-24", "UTC");
	assert_int_equal(bed_size(b, "Days.1.Access"), 3);
	assert_string_equal(bed_text(b, "Days.1.Access.1.From"), "12:00:11");
	assert_string_equal(bed_text(b, "Days.1.Access.1.Until"), "12:00:40");
	assert_int_equal(bed_int(b, "Reasons.1.Seconds"), 29);
	free(document);
	bed_unpublish();
}

/* A day of 25 hours is two lines of the clock; nothing is merged or dropped. */
static void
test_show_access__the_hour_that_comes_twice(void **state)
{
	static const char *const statements[4] = { "Allow",
	    WITHIN("\"Sun 02:15-02:45 Europe/Berlin\"") };
	struct bed *b = *state;
	char *document = policy(statements);

	bed_publish(b);
	show(b, document, "2026-10-25", "Europe/Berlin");
	assert_int_equal(bed_int(b, "Days.6.Minutes"), 1500);
	assert_string_equal(bed_text(b, "Days.6.Access.1.Begin"), "2026-10-25T00:15:00Z");
	assert_string_equal(bed_text(b, "Days.6.Access.4.Begin"), "2026-10-25T01:15:00Z");
	assert_string_equal(bed_text(b, "Days.6.Access.4.From"), "02:15");
	assert_int_equal(bed_int(b, "Reasons.1.Seconds"), 3600);
	show(b, document, "2026-03-29", "Europe/Berlin");
	assert_int_equal(bed_int(b, "Days.6.Minutes"), 1380);
	assert_int_equal(bed_size(b, "Reasons"), 1); /* the half hour never comes */
	free(document);
	bed_unpublish();
}

/* Facts of the login: tags, service, address, device, a disabled user. */
static void
test_show_access__as_the_login_would_be(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'sarah','Tags':[{'Key':'department',"
	    "'Value':'marketing'}]}");
	bed_policy(b, "PutUserPolicy", "UserName", "sarah", "Own",
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
	    "\"host:Login\",\"Resource\":\"arn:aws:host:eu-central-1:*:instance/web1\","
	    "\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/department\":"
	    "\"marketing\",\"host:Service\":\"sshd\"},\"Bool\":{\"host:Remote\":\"true\"}}}}");
	bed_publish(b);
	bed_ok(b, "ShowAccess", "{'UserName':'sarah'}");
	assert_string_equal(bed_text(b, "Reasons.0.State"), "denied");
	assert_int_equal(bed_size(b, "MissingContextValues"), 2);
	bed_ok(b, "ShowAccess", "{'UserName':'sarah','Service':'sshd','SourceIp':"
	    "'192.0.2.1'}");
	assert_string_equal(bed_text(b, "Reasons.0.State"), "allowed");
	assert_string_equal(bed_text(b, "ActionName"), "host:Login");
	bed_ok(b, "ShowAccess", "{'UserName':'sarah','Service':'sshd','SourceIp':"
	    "'192.0.2.1','Host':'web2'}");
	assert_string_equal(bed_text(b, "Reasons.0.State"), "denied");
	bed_unpublish();
}

/* Both decide: her own policies, and the role's trust policy with its windows. */
static void
test_show_access__becoming_a_role(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'sarah'}");
	bed_policy(b, "PutUserPolicy", "UserName", "sarah", "p", "{\"Version\":"
	    "\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
	    "\"sts:AssumeRole\",\"Resource\":\"*\"}}");
	assert_string_equal(bed_run(b, "CreateRole", json_pack("{s:s,s:s}",
	    "RoleName", "Deploy", "AssumeRolePolicyDocument", "{\"Version\":"
	    "\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":"
	    "{\"AWS\":\"" BED_ACCOUNT "\"},\"Action\":\"sts:AssumeRole\","
	    "\"Condition\":{\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"},"
	    "\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-11-24T09:30:15Z\"},"
	    "\"TimeOfDayWithin\":{\"aws:CurrentTime\":\"Tue 08:00-10:00 UTC\"}}}}")),
	    "");
	bed_publish(b);
	bed_ok(b, "ShowAccess", "{'UserName':'sarah','Action':'sts:AssumeRole',"
	    "'Resource':'" BED_ARN "role/Deploy','WeekOf':'2026-11-24','Zone':'UTC'}");
	/* Tuesday, from the second after the date until the window's end. */
	assert_string_equal(bed_text(b, "Days.1.Access.0.State"), "denied");
	assert_string_equal(bed_text(b, "Days.1.Access.1.State"), "allowedWithCode");
	assert_string_equal(bed_text(b, "Days.1.Access.1.Begin"),
	    "2026-11-24T09:30:16Z");
	assert_string_equal(bed_text(b, "Days.1.Access.1.End"), "2026-11-24T10:00:00Z");
	assert_string_equal(bed_text(b, "Days.2.Access.0.State"), "denied");
	bed_fails(b, "ShowAccess", "{'UserName':'sarah','Action':'sts:AssumeRole',"
	    "'Resource':'" BED_ARN "role/None'}", "NoSuchEntity");
	bed_unpublish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_show_access__becoming_a_role),
		BED_TEST(test_show_access__S44_S45_is_what_the_evaluator_says),
		BED_TEST(test_show_access__seconds_that_a_policy_names),
		BED_TEST(test_show_access__the_hour_that_comes_twice),
		BED_TEST(test_show_access__as_the_login_would_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
