/* Explanations: what people read, and what S42 keeps out of it. */
#include "tests/policy/harness.h"

static struct pol_explanation *
explain(struct asker *a, const char *json)
{
	struct pol_explanation *x = malloc(sizeof(*x));
	struct pol_set set = { 0 };

	assert_non_null(x);
	set.identity = (struct pol_list){ asker_doc(a, POL_IDENTITY, json), 1 };
	assert_int_equal(pol_explain(&set, &a->req, x), 0);
	return x;
}

/* More statements allow than there is room for: what denies, and what each kind
 * of policies says, is told none the less. */
static void
explain_crowd(const char *limits, struct pol_explanation *x)
{
	struct buf b = BUF_INIT;
	struct pol_set set = { 0 };
	struct pol_list boundary, scp[2];
	struct asker a;
	int i;

	asker_init(&a);
	buf_puts(&b, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (i = 0; i < 3 * POL_REASONS_MAX; i++)
		buf_printf(&b, "%s{\"Effect\":\"Allow\",\"Action\":\"s3:*\","
		    "\"Resource\":\"*\"}", i > 0 ? "," : "");
	buf_puts(&b, "]}");
	set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, buf_cstr(&b)), 1 };
	scp[0] = set.identity;
	scp[1] = boundary = (struct pol_list){ asker_doc(&a, POL_BOUNDARY, limits), 1 };
	set.boundary = &boundary;
	set.scp = scp;
	set.scp_levels = 2;
	assert_int_equal(pol_explain(&set, &a.req, x), 0);
	buf_release(&b);
	asker_release(&a);
}

#define ONE(effect, action) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"" \
	effect "\",\"Action\":\"" action "\",\"Resource\":\"*\"}}"

static void
test_pol_explain__no_crowd_hides_a_limit(void **state)
{
	struct pol_explanation *x = malloc(sizeof(*x));
	unsigned i, denies = 0;

	(void)state;
	assert_non_null(x);
	explain_crowd(ONE("Allow", "*"), x);
	assert_int_equal(x->decision.effect, POL_ALLOWED);
	assert_int_equal(x->says[POL_L_IDENTITY], POL_ALLOWED);
	assert_int_equal(x->says[POL_L_BOUNDARY], POL_ALLOWED);
	assert_int_equal(x->says[POL_L_SCP], POL_ALLOWED);
	assert_int_equal(x->says[POL_L_RESOURCE], POL_IMPLICIT_DENY);

	explain_crowd(ONE("Allow", "ec2:*"), x);
	assert_int_equal(x->decision.effect, POL_IMPLICIT_DENY);
	assert_int_equal(x->says[POL_L_BOUNDARY], POL_IMPLICIT_DENY);
	assert_int_equal(x->says[POL_L_SCP], POL_IMPLICIT_DENY);

	explain_crowd(ONE("Deny", "s3:*"), x);
	assert_int_equal(x->decision.effect, POL_EXPLICIT_DENY);
	assert_int_equal(x->says[POL_L_IDENTITY], POL_ALLOWED);
	assert_int_equal(x->says[POL_L_BOUNDARY], POL_EXPLICIT_DENY);
	assert_int_equal(x->says[POL_L_SCP], POL_EXPLICIT_DENY);
	for (i = 0; i < x->reason_count; i++)
		denies += x->reasons[i].match.deny;
	assert_int_equal(denies, 2);
	free(x);
}

/* The wall clock of a host in Berlin, in winter. */
static int
winter(void *arg, const char *zone, int64_t t, struct tz_local *ret)
{
	(void)arg;
	(void)zone;
	return tz_utc(t + 3600, ret);
}

#define TUESDAYS(zone) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Sid\":\"Tuesdays\"," \
	"\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\",\"Condition\":" \
	"{\"TimeOfDayWithin\":{\"aws:CurrentTime\":\"Tue 09:00-17:00" zone "\"}}}}"

static void
test_pol_explain__window_in_words(void **state)
{
	struct pol_explanation *x;
	struct asker a;

	(void)state;
	asker_init(&a);
	a.req.local_time = winter;
	asker_key(&a, "aws:CurrentTime", "2026-11-23T09:02:00Z", NULL);
	x = explain(&a, TUESDAYS(" Europe/Berlin"));
	assert_int_equal(x->decision.effect, POL_IMPLICIT_DENY);
	assert_int_equal(x->reason_count, 1);
	assert_int_equal(x->reasons[0].near, POL_NEAR_CONDITION);
	assert_string_equal(x->reasons[0].key, "aws:CurrentTime");
	assert_string_equal(x->reasons[0].op, "TimeOfDayWithin");
	assert_string_equal(x->reasons[0].text, "Statement 1 'Tuesdays' of identity policy "
	    "test would allow, but aws:CurrentTime was Mon 10:02 Europe/Berlin and the "
	    "window is Tue 09:00-17:00 Europe/Berlin.");
	free(x);
	x = explain(&a, TUESDAYS(""));
	assert_non_null(strstr(x->reasons[0].text, "was Mon 10:02 (the host's time)"));
	free(x);
	asker_release(&a);
}

static void
test_pol_explain__missing_keys_and_near_statements(void **state)
{
	struct pol_explanation *x;
	struct asker a;

	(void)state;
	asker_init(&a);
	x = explain(&a, "{\"Version\":\"2012-10-17\",\"Statement\":["
	    "{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":"
	    "\"arn:aws:s3:::box/${aws:username}\"},"
	    "{\"Effect\":\"Allow\",\"Action\":\"ec2:*\",\"Resource\":\"*\",\"Condition\":"
	    "{\"StringEquals\":{\"aws:userid\":\"x\"}}},"
	    "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\",\"Condition\":"
	    "{\"StringEquals\":{\"aws:PrincipalTag/t\":[\"a\",\"b\"]}}}]}");
	assert_int_equal(x->missing_count, 2);
	assert_string_equal(x->missing[0], "aws:username");
	assert_string_equal(x->missing[1], "aws:PrincipalTag/t");
	assert_int_equal(x->reason_count, 2);
	assert_int_equal(x->reasons[0].near, POL_NEAR_CONDITION);
	assert_string_equal(x->reasons[0].text, "Statement 3 of identity policy test would "
	    "allow, but aws:PrincipalTag/t is not in the request and StringEquals asks "
	    "for \"a\" or \"b\".");
	assert_int_equal(x->reasons[1].near, POL_NEAR_ACTION_ONLY);
	assert_string_equal(x->reasons[1].text, "Statement 1 of identity policy test would "
	    "allow it on arn:aws:s3:::box/${aws:username}, which has no value here, not on "
	    THING ".");
	free(x);
	asker_release(&a);
}

static void
test_pol_explain__deny_comes_with_its_statement(void **state)
{
	struct pol_explanation *x;
	struct asker a;

	(void)state;
	asker_init(&a);
	asker_key(&a, "aws:MultiFactorAuthAge", "soon", NULL);
	x = explain(&a, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
	    "\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"*\","
	    "\"Resource\":\"*\",\"Condition\":{\"NumericGreaterThan\":"
	    "{\"aws:MultiFactorAuthAge\":\"900\"}}}]}");
	assert_int_equal(x->decision.effect, POL_EXPLICIT_DENY);
	assert_int_equal(x->decision.denied_by, POL_L_IDENTITY);
	assert_int_equal(x->reason_count, 2);
	assert_string_equal(x->reasons[1].text, "Statement 2 of identity policy test denies "
	    "out of caution: aws:MultiFactorAuthAge was \"soon\", which cannot be compared, "
	    "NumericGreaterThan asks for \"900\".");
	free(x);
	asker_release(&a);
}

/* A dozen decisions as an administrator reads them. */
static void
test_pol_explain__texts(void **state)
{
	static const struct {
		const char *effect, *condition, *key, *value, *text;
	} cases[] = {
		{ "Allow", "\"StringEquals\":{\"aws:ResourceTag/project\":"
		    "\"${aws:PrincipalTag/project}\"}", "aws:ResourceTag/project", "apollo",
		    "would allow, but aws:ResourceTag/project was \"apollo\" and StringEquals "
		    "asks for \"${aws:PrincipalTag/project}\", which has no value here." },
		{ "Allow", "\"StringLike\":{\"aws:ResourceTag/project\":\"x-${aws:userid, 'me'}*\"}",
		    "aws:ResourceTag/project", "apollo", "asks for \"x-${aws:userid, 'me'}*\", "
		    "here \"x-me*\"." },
		{ "Deny", "\"TimeOfDayNotWithin\":{\"aws:CurrentTime\":[\"Mon-Thu 08:00-18:00\","
		    "\"Fri 08:00-16:00\"]}", "aws:CurrentTime", "2026-11-28T09:02:00Z", "denies: "
		    "aws:CurrentTime was Sat 10:02 (the host's time), outside Mon-Thu 08:00-18:00 "
		    "or Fri 08:00-16:00." },
		{ "Deny", "\"TimeOfDayWithin\":{\"aws:CurrentTime\":\"Sat,Sun\"}",
		    "aws:CurrentTime", "2026-11-28T09:02:00Z", "denies: aws:CurrentTime was Sat "
		    "10:02 (the host's time), within Sat,Sun." },
		{ "Allow", "\"TimeOfDayNotWithin\":{\"aws:CurrentTime\":\"Sat,Sun\"}",
		    "aws:CurrentTime", "2026-11-28T09:02:00Z", "would allow, but aws:CurrentTime "
		    "was Sat 10:02 (the host's time), within Sat,Sun." },
		{ "Deny", "\"StringNotEquals\":{\"aws:RequestedRegion\":[\"us-east-1\","
		    "\"us-west-2\"]}", "aws:RequestedRegion", "eu-central-1", "denies: "
		    "aws:RequestedRegion was \"eu-central-1\" and StringNotEquals excludes "
		    "\"us-east-1\" or \"us-west-2\"." },
		{ "Deny", "\"BoolIfExists\":{\"aws:MultiFactorAuthPresent\":\"false\"}", "aws:userid",
		    "x", "denies: aws:MultiFactorAuthPresent is not in the request and "
		    "BoolIfExists asks for false." },
		{ "Allow", "\"NumericLessThanEquals\":{\"aws:MultiFactorAuthAge\":\"900\"}",
		    "aws:MultiFactorAuthAge", "soon", "was \"soon\", which cannot be compared, "
		    "NumericLessThanEquals asks for \"900\"." },
	};
	struct pol_explanation *x;
	char json[700];
	struct asker a;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(cases); i++) {
		asker_init(&a);
		a.req.local_time = winter;
		asker_key(&a, cases[i].key, cases[i].value, NULL);
		snprintf(json, sizeof(json), "{\"Version\":\"2012-10-17\",\"Statement\":{"
		    "\"Effect\":\"%s\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{%s}}}",
		    cases[i].effect, cases[i].condition);
		x = explain(&a, json);
		assert_int_equal(x->reason_count, 1);
		if (strstr(x->reasons[0].text, cases[i].text) == NULL)
			fail_msg("%s\nnot: %s", x->reasons[0].text, cases[i].text);
		free(x);
		asker_release(&a);
	}
}

/* S42: nothing out of a request moves a terminal's cursor or breaks a line. */
static void
test_pol_explain__S42_values_are_escaped(void **state)
{
	struct pol_explanation *x;
	struct asker a;
	const char *p;

	(void)state;
	asker_init(&a);
	asker_key(&a, "aws:username", "a\x1b[2J\n\xc2\x9b" "b", NULL);
	x = explain(&a, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
	    "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
	    "{\"aws:username\":\"x\"}}}}");
	assert_int_equal(x->reason_count, 1);
	for (p = x->reasons[0].text; *p != 0; p++)
		assert_true((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
	assert_non_null(strstr(x->reasons[0].text, "a\\x1b[2J\\x0a\\xc2\\x9bb"));
	free(x);
	asker_release(&a);
}

static void
test_pol_explain__long_text_is_cut(void **state)
{
	struct pol_explanation *x;
	struct buf json = BUF_INIT;
	struct asker a;
	int i;

	(void)state;
	asker_init(&a);
	asker_key(&a, "aws:username", "y", NULL);
	buf_puts(&json, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
	    "\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
	    "{\"aws:username\":[\"x\"");
	for (i = 0; i < 20; i++)
		buf_printf(&json, ",\"%0150d\"", i);
	buf_puts(&json, "]}}}]}");
	x = explain(&a, buf_cstr(&json));
	assert_int_equal(x->reason_count, 1);
	assert_true(strlen(x->reasons[0].text) < sizeof(x->reasons[0].text));
	assert_non_null(strstr(x->reasons[0].text, "or 17 more"));
	free(x);
	buf_release(&json);
	asker_release(&a);
}

static void
test_pol_key_next__names_every_key_once(void **state)
{
	static const char *const expected[] = { "aws:username", "aws:PrincipalTag/t" };
	const struct pol_source *s;
	const char *name;
	size_t cursor = 0, n = 0;
	struct asker a;

	(void)state;
	asker_init(&a);
	s = asker_doc(&a, POL_IDENTITY, "{\"Version\":\"2012-10-17\",\"Statement\":{"
	    "\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::${aws:username}\","
	    "\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/t\":\"${AWS:UserName}\"}}}}");
	for (; pol_key_next(&s->doc, &cursor, &name); n++)
		assert_string_equal(name, expected[n]);
	assert_int_equal(n, 2);
	asker_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pol_explain__window_in_words),
		cmocka_unit_test(test_pol_explain__missing_keys_and_near_statements),
		cmocka_unit_test(test_pol_explain__no_crowd_hides_a_limit),
		cmocka_unit_test(test_pol_explain__deny_comes_with_its_statement),
		cmocka_unit_test(test_pol_explain__texts),
		cmocka_unit_test(test_pol_explain__S42_values_are_escaped),
		cmocka_unit_test(test_pol_explain__long_text_is_cut),
		cmocka_unit_test(test_pol_key_next__names_every_key_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
