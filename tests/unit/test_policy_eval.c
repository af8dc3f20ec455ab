/*
 * The settled answers of iam-policy(5), one by one. Their source is the IAM
 * User Guide ("Condition operators", "Policy evaluation logic", "Variables")
 * and, where that is silent, the section SETTLED ANSWERS of the manual.
 */
#include "tests/policy/harness.h"

struct row {
	const char *what;
	const char *condition; /* of an Allow, and then of a Deny */
	const char *key;       /* "name=value|value"; NULL: not in the request */
	int allow, deny;       /* does it apply? */
};

#define AGE "aws:MultiFactorAuthAge="
#define IP "aws:SourceIp="
#define NOW "aws:CurrentTime="
#define T "aws:PrincipalTag/t="
#define C(op, key, value) "{\"" op "\":{\"" key "\":" value "}}"

static const struct row rows[] = {
	/* lists, missing keys */
	{ "NOR", C("StringNotEquals", "aws:PrincipalTag/t", "[\"a\",\"b\"]"), T "b", 0, 0 },
	{ "NOR holds", C("StringNotEquals", "aws:PrincipalTag/t", "[\"a\",\"b\"]"), T "c", 1, 1 },
	{ "negated, missing", C("StringNotEquals", "aws:PrincipalTag/t", "\"a\""), NULL, 1, 1 },
	{ "plain, missing", C("StringEquals", "aws:PrincipalTag/t", "\"a\""), NULL, 0, 0 },
	{ "ForAllValues, missing", C("ForAllValues:StringEquals", "aws:TagKeys", "\"a\""), NULL, 1, 1 },
	{ "ForAllValues, empty", C("ForAllValues:StringEquals", "aws:TagKeys", "\"a\""), "aws:TagKeys=", 1, 1 },
	{ "ForAnyValue, missing", C("ForAnyValue:StringNotEquals", "aws:TagKeys", "\"a\""), NULL, 0, 0 },
	{ "ForAnyValueIfExists, missing", C("ForAnyValue:StringEqualsIfExists", "aws:TagKeys", "\"a\""), NULL, 0, 0 },
	{ "ForAnyValue one of two", C("ForAnyValue:StringEquals", "aws:TagKeys", "\"a\""), "aws:TagKeys=b|a", 1, 1 },
	{ "ForAllValues one of two", C("ForAllValues:StringEquals", "aws:TagKeys", "\"a\""), "aws:TagKeys=b|a", 0, 0 },
	{ "Null true, missing", C("Null", "aws:PrincipalTag/t", "\"true\""), NULL, 1, 1 },
	{ "Null true, empty string", C("Null", "aws:PrincipalTag/t", "\"true\""), T, 1, 1 },
	{ "Null false, there", C("Null", "aws:PrincipalTag/t", "\"false\""), T "x", 1, 1 },
	{ "Bool false, missing", C("Bool", "aws:MultiFactorAuthPresent", "\"false\""), NULL, 0, 0 },
	{ "several values, no set operator", C("StringEquals", "aws:PrincipalTag/t", "\"a\""), T "a|b", 0, 1 },
	/* variables */
	{ "variable missing", C("StringEquals", "aws:PrincipalTag/t", "\"${aws:username}\""), T "x", 0, 0 },
	{ "variable missing, negated", C("StringNotEquals", "aws:PrincipalTag/t", "\"${aws:username}\""), T "x", 1, 1 },
	{ "default", C("StringEquals", "aws:PrincipalTag/t", "\"${aws:username, 'x'}\""), T "x", 1, 1 },
	{ "empty default", C("StringEquals", "aws:PrincipalTag/t", "\"x${aws:username, ''}\""), T "x", 1, 1 },
	{ "own value as a wildcard is a plain character", C("StringLike", "aws:PrincipalTag/t", "\"${aws:PrincipalTag/t}x\""), T "*", 0, 0 },
	{ "${*} in StringEquals", C("StringEquals", "aws:PrincipalTag/t", "\"a${*}\""), T "a*", 1, 1 },
	{ "variable of several values: anything", C("ForAnyValue:StringEquals", "aws:TagKeys", "\"b${aws:TagKeys}\""), "aws:TagKeys=a|b", 0, 1 },
	{ "variable of several values: not even so", C("ForAnyValue:StringEquals", "aws:TagKeys", "\"c${aws:TagKeys}\""), "aws:TagKeys=a|b", 0, 0 },
	{ "and one without a value never matches", C("ForAnyValue:StringEquals", "aws:TagKeys", "\"${aws:TagKeys}${aws:username}\""), "aws:TagKeys=a|b", 0, 0 },
	{ "variable that is no UTF-8", C("StringEquals", "aws:PrincipalTag/t", "\"${aws:PrincipalTag/t}\""), T "\xff", 0, 1 },
	{ "${?} and ${$}", C("StringLike", "aws:PrincipalTag/t", "\"${?}${$}\""), T "?$", 1, 1 },
	/* text */
	{ "* over a line feed", C("StringLike", "aws:PrincipalTag/t", "\"a*b\""), T "a\nb", 1, 1 },
	{ "? is one character", C("StringLike", "aws:PrincipalTag/t", "\"?\""), T "\xc3\xa9", 1, 1 },
	{ "?? is not one of two bytes", C("StringLike", "aws:PrincipalTag/t", "\"??\""), T "\xc3\xa9", 0, 0 },
	{ "* does not split a character", C("StringLike", "aws:PrincipalTag/t", "\"*?\""), T "\xe2\x82\xac", 1, 1 },
	{ "only ASCII folds", C("StringEqualsIgnoreCase", "aws:PrincipalTag/t", "\"\\u00c9\""), T "\xc3\xa9", 0, 0 },
	{ "one text under two operators", "{\"StringLike\":{\"aws:PrincipalTag/t\":\"a*\"},\"StringEquals\":{\"aws:PrincipalTag/t\":\"a*\"}}", T "ab", 0, 0 },
	/* ARNs */
	{ "component by component", C("ArnLike", "aws:SourceArn", "\"arn:aws:s3:::*\""), "aws:SourceArn=arn:aws:s3:eu:1:x", 0, 0 },
	{ "the last holds colons", C("ArnLike", "aws:SourceArn", "\"arn:aws:sns:*:*:a:*\""), "aws:SourceArn=arn:aws:sns:e:1:a:b:c", 1, 1 },
	{ "no ARN in the request", C("ArnNotLike", "aws:SourceArn", "\"arn:aws:s3:::x\""), "aws:SourceArn=nonsense", 0, 1 },
	/* numbers */
	{ "12abc", C("NumericLessThan", "aws:MultiFactorAuthAge", "\"900\""), AGE "12abc", 0, 1 },
	{ "5,000", C("NumericGreaterThan", "aws:MultiFactorAuthAge", "\"900\""), AGE "5,000", 0, 1 },
	{ "0x10", C("NumericEquals", "aws:MultiFactorAuthAge", "16"), AGE "0x10", 0, 1 },
	{ "10 is 10.00", C("NumericEquals", "aws:MultiFactorAuthAge", "10.0"), AGE "10.00", 1, 1 },
	{ "-0 is 0", C("NumericEquals", "aws:MultiFactorAuthAge", "\"-0\""), AGE "0", 1, 1 },
	{ "no rounding", C("NumericEquals", "aws:MultiFactorAuthAge", "\"9007199254740993\""), AGE "9007199254740992", 0, 0 },
	{ "-2 < -1", C("NumericLessThan", "aws:MultiFactorAuthAge", "\"-1\""), AGE "-2", 1, 1 },
	/* dates */
	{ "epoch and calendar", C("DateEquals", "aws:CurrentTime", "\"2026-11-24T09:30:00Z\""), NOW "1795512600", 1, 1 },
	{ "zones", C("DateEquals", "aws:CurrentTime", "\"2026-11-24T10:30:00+01:00\""), NOW "2026-11-24T09:30Z", 1, 1 },
	{ "no such day", C("DateLessThan", "aws:CurrentTime", "\"2027-01-01\""), NOW "2026-02-29", 0, 1 },
	{ "time without zone", C("DateLessThan", "aws:CurrentTime", "\"2027-01-01\""), NOW "2026-02-28T10:00:00", 0, 1 },
	{ "before 1970", C("DateLessThan", "aws:CurrentTime", "\"-99\""), NOW "-999", 1, 1 },
	{ "beyond 2038", C("DateGreaterThan", "aws:CurrentTime", "\"2038-01-19T03:14:08Z\""), NOW "2100-01-01", 1, 1 },
	/* truth, bytes */
	{ "Bool in upper case", C("Bool", "aws:SecureTransport", "true"), "aws:SecureTransport=TRUE", 0, 1 },
	{ "bytes, not text", C("BinaryEquals", "aws:PrincipalTag/t", "\"Zm9v\""), T "Zm9v", 1, 1 },
	{ "base64 with bits to spare", C("BinaryEquals", "aws:PrincipalTag/t", "\"YQ==\""), T "YR==", 0, 1 },
	{ "no base64", C("BinaryEquals", "aws:PrincipalTag/t", "\"Zm9v\""), T "Zm9", 0, 1 },
	/* addresses */
	{ "0.0.0.0/0", C("IpAddress", "aws:SourceIp", "\"0.0.0.0/0\""), IP "255.255.255.255", 1, 1 },
	{ "/1", C("IpAddress", "aws:SourceIp", "\"128.0.0.0/1\""), IP "127.255.255.255", 0, 0 },
	{ "/31", C("IpAddress", "aws:SourceIp", "\"192.0.2.6/31\""), IP "192.0.2.7", 1, 1 },
	{ "/32", C("IpAddress", "aws:SourceIp", "\"192.0.2.6/32\""), IP "192.0.2.7", 0, 0 },
	{ "IPv6 off group borders", C("IpAddress", "aws:SourceIp", "\"2001:db8:8000::/33\""), IP "2001:db8:7fff::1", 0, 0 },
	{ "IPv6 as a number", C("IpAddress", "aws:SourceIp", "\"2001:DB8:0:0::1\""), IP "2001:db8::0:1", 1, 1 },
	{ "families differ", C("IpAddress", "aws:SourceIp", "\"::/0\""), IP "192.0.2.1", 0, 0 },
	{ "families differ, negated", C("NotIpAddress", "aws:SourceIp", "\"::/0\""), IP "192.0.2.1", 1, 1 },
	{ "IPv4-mapped", C("IpAddress", "aws:SourceIp", "\"192.0.2.0/24\""), IP "::ffff:192.0.2.9", 1, 1 },
	{ "host bits", C("IpAddress", "aws:SourceIp", "\"192.0.2.77/24\""), IP "192.0.2.1", 1, 1 },
	{ "no address", C("NotIpAddress", "aws:SourceIp", "\"192.0.2.0/24\""), IP "web1", 0, 1 },
	/* windows, without a zone: UTC here */
	{ "within", C("TimeOfDayWithin", "aws:CurrentTime", "\"Tue 09:00-17:00\""), NOW "2026-11-24T09:00:00Z", 1, 1 },
	{ "end is exclusive", C("TimeOfDayWithin", "aws:CurrentTime", "\"09:00-17:00\""), NOW "2026-11-24T17:00:00Z", 0, 0 },
	{ "24:00", C("TimeOfDayWithin", "aws:CurrentTime", "\"Tue 22:00-24:00\""), NOW "2026-11-24T23:59:59Z", 1, 1 },
	{ "over midnight", C("TimeOfDayWithin", "aws:CurrentTime", "\"Mon 22:00-06:00\""), NOW "2026-11-24T05:59:59Z", 1, 1 },
	{ "the day names the start", C("TimeOfDayWithin", "aws:CurrentTime", "\"Tue 22:00-06:00\""), NOW "2026-11-24T05:59:59Z", 0, 0 },
	{ "days wrap", C("TimeOfDayWithin", "aws:CurrentTime", "\"Fri-Mon\""), NOW "2026-11-22T12:00:00Z", 1, 1 },
	{ "list of days", C("TimeOfDayWithin", "aws:CurrentTime", "\"Sat,Sun\""), NOW "2026-11-24T12:00:00Z", 0, 0 },
	{ "any window", C("TimeOfDayWithin", "aws:CurrentTime", "[\"Sat\",\"Tue\"]"), NOW "2026-11-24T12:00:00Z", 1, 1 },
	{ "not within any", C("TimeOfDayNotWithin", "aws:CurrentTime", "[\"Sat\",\"Tue\"]"), NOW "2026-11-24T12:00:00Z", 0, 0 },
	{ "IfExists", C("TimeOfDayWithinIfExists", "aws:CurrentTime", "\"Sat\""), NULL, 1, 1 },
	{ "zone not known", C("TimeOfDayWithin", "aws:CurrentTime", "\"09:00-10:00 Europe/Berlin\""), NOW "2026-11-24T12:00:00Z", 0, 1 },
	{ "seconds since 1970", C("TimeOfDayWithin", "aws:EpochTime", "\"09:30-09:31\""), "aws:EpochTime=1795512600", 1, 1 },
	/* S45: conditions combine as AND; no hides doubt */
	{ "AND", "{\"StringEquals\":{\"aws:PrincipalTag/t\":\"a\"},\"Null\":{\"aws:PrincipalTag/t\":\"true\"}}", T "a", 0, 0 },
	{ "no and doubt is no", "{\"NumericEquals\":{\"aws:PrincipalTag/t\":\"1\"},\"Null\":{\"aws:PrincipalTag/t\":\"true\"}}", T "a", 0, 0 },
};

static void
set_key(struct asker *a, char *text)
{
	struct pol_key *k = &a->keys[0];
	char *v = strchr(text, '='), *next;

	*v++ = 0;
	k->name = text;
	k->values = a->values[0];
	for (; v != NULL; v = next) {
		if ((next = strchr(v, '|')) != NULL)
			*next++ = 0;
		a->values[0][k->n++] = (struct pol_value){ v, strlen(v) };
	}
	a->req.key_count = 1;
}

static bool
applies(const struct row *r, const char *effect)
{
	struct asker a;
	struct pol_set set = { 0 };
	enum pol_effect e;
	char json[700], key[200];

	asker_init(&a);
	snprintf(json, sizeof(json), "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
	    "\"%s\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":%s}}", effect, r->condition);
	if (r->key != NULL) {
		snprintf(key, sizeof(key), "%s", r->key);
		set_key(&a, key);
	}
	set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, json), 1 };
	e = asker_ask(&a, &set);
	asker_release(&a);
	return e == (effect[0] == 'A' ? POL_ALLOWED : POL_EXPLICIT_DENY);
}

static void
test_conditions__settled_answers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		if (applies(&rows[i], "Allow") != (rows[i].allow != 0))
			fail_msg("%s: the Allow", rows[i].what);
		if (applies(&rows[i], "Deny") != (rows[i].deny != 0))
			fail_msg("%s: the Deny", rows[i].what);
	}
}

#define ALLOW_ALL "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," \
	"\"Action\":\"*\",\"Resource\":\"*\"}}"
#define ALLOW_EC2 "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," \
	"\"Action\":\"ec2:*\",\"Resource\":\"*\"}}"
#define GRANT(who) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," \
	"\"Action\":\"*\",\"Resource\":\"*\",\"Principal\":" who "}}"
#define TRUST(who) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," \
	"\"Action\":\"sts:AssumeRole\",\"Principal\":" who "}}"
/* The IAM User Guide, "NotPrincipal": "regardless of the values" with a boundary. */
#define SPARE(who) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\"," \
	"\"Action\":\"*\",\"Resource\":\"*\",\"NotPrincipal\":{\"AWS\":[" who "]}}}"
#define ROOT "arn:aws:iam::" ACCOUNT ":root"
#define ROLE "arn:aws:iam::" ACCOUNT ":role/Ops"
#define SESSION "arn:aws:sts::" ACCOUNT ":assumed-role/Ops/s1"

struct layers_row {
	const char *what, *principal, *identity, *boundary, *session, *resource;
	bool trust;
	const char *resource_account;
	enum pol_effect effect;
	enum pol_layer denied_by;
};

static const struct layers_row layers[] = {
	{ "exact user, boundary silent", ALICE, NULL, ALLOW_EC2, NULL, GRANT("{\"AWS\":\"" ALICE "\"}"), false, ACCOUNT, POL_ALLOWED, 0 },
	{ "star, boundary silent", ALICE, NULL, ALLOW_EC2, NULL, GRANT("\"*\""), false, ACCOUNT, POL_IMPLICIT_DENY, POL_L_BOUNDARY },
	{ "role ARN, boundary silent", SESSION, NULL, ALLOW_EC2, NULL, GRANT("{\"AWS\":\"arn:aws:iam::" ACCOUNT ":role/Ops\"}"), false, ACCOUNT, POL_IMPLICIT_DENY, POL_L_BOUNDARY },
	{ "unique id", SESSION, "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}", NULL, NULL, TRUST("{\"AWS\":\"AROAEXAMPLE2100000020\"}"), true, ACCOUNT, POL_IMPLICIT_DENY, POL_L_RESOURCE },
	{ "role with a path", SESSION, NULL, NULL, NULL, GRANT("{\"AWS\":\"arn:aws:iam::" ACCOUNT ":role/a/b/Ops\"}"), false, ACCOUNT, POL_ALLOWED, 0 },
	{ "role of another account", SESSION, NULL, NULL, NULL, GRANT("{\"AWS\":\"arn:aws:iam::999999999999:role/Ops\"}"), false, ACCOUNT, POL_IMPLICIT_DENY, POL_L_IDENTITY },
	{ "session ARN, session silent", SESSION, NULL, NULL, ALLOW_EC2, GRANT("{\"AWS\":\"" SESSION "\"}"), false, ACCOUNT, POL_ALLOWED, 0 },
	{ "role ARN, session silent", SESSION, NULL, NULL, ALLOW_EC2, GRANT("{\"AWS\":\"arn:aws:iam::" ACCOUNT ":role/Ops\"}"), false, ACCOUNT, POL_IMPLICIT_DENY, POL_L_SESSION },
	{ "account only delegates", ALICE, NULL, NULL, NULL, GRANT("{\"AWS\":\"" ACCOUNT "\"}"), false, ACCOUNT, POL_IMPLICIT_DENY, POL_L_IDENTITY },
	{ "other account, identity alone", ALICE, ALLOW_ALL, NULL, NULL, NULL, false, "999999999999", POL_IMPLICIT_DENY, POL_L_RESOURCE },
	{ "other account, both", ALICE, ALLOW_ALL, NULL, NULL, GRANT("{\"AWS\":\"" ACCOUNT "\"}"), false, "999999999999", POL_ALLOWED, 0 },
	{ "other account, exact but no identity", ALICE, NULL, NULL, NULL, GRANT("{\"AWS\":\"" ALICE "\"}"), false, "999999999999", POL_IMPLICIT_DENY, POL_L_IDENTITY },
	{ "trust is needed in one account", ALICE, ALLOW_ALL, NULL, NULL, TRUST("{\"AWS\":\"arn:aws:iam::" ACCOUNT ":user/bob\"}"), true, ACCOUNT, POL_IMPLICIT_DENY, POL_L_RESOURCE },
	{ "no trust policy at all", ALICE, ALLOW_ALL, NULL, NULL, NULL, true, ACCOUNT, POL_IMPLICIT_DENY, POL_L_RESOURCE },
	{ "trust in the account, identity allows", ALICE, ALLOW_ALL, NULL, NULL, TRUST("{\"AWS\":\"" ACCOUNT "\"}"), true, ACCOUNT, POL_ALLOWED, 0 },
	{ "trust in the account, identity silent", ALICE, NULL, NULL, NULL, TRUST("{\"AWS\":\"" ACCOUNT "\"}"), true, ACCOUNT, POL_IMPLICIT_DENY, POL_L_IDENTITY },
	/* NotPrincipal spares who is named in full, and with a boundary nobody */
	{ "NotPrincipal, user and account", ALICE, ALLOW_ALL, NULL, NULL, SPARE("\"" ALICE "\",\"" ROOT "\""), false, ACCOUNT, POL_ALLOWED, 0 },
	{ "NotPrincipal, user without account", ALICE, ALLOW_ALL, NULL, NULL, SPARE("\"" ALICE "\""), false, ACCOUNT, POL_EXPLICIT_DENY, POL_L_RESOURCE },
	{ "NotPrincipal, account without user", ALICE, ALLOW_ALL, NULL, NULL, SPARE("\"" ACCOUNT "\""), false, ACCOUNT, POL_EXPLICIT_DENY, POL_L_RESOURCE },
	{ "NotPrincipal, another user", ALICE, ALLOW_ALL, NULL, NULL, SPARE("\"" ALICE "x\",\"" ROOT "\""), false, ACCOUNT, POL_EXPLICIT_DENY, POL_L_RESOURCE },
	{ "NotPrincipal, session, role and account", SESSION, ALLOW_ALL, NULL, NULL, SPARE("\"" SESSION "\",\"" ROLE "\",\"" ROOT "\""), false, ACCOUNT, POL_ALLOWED, 0 },
	{ "NotPrincipal, session without role", SESSION, ALLOW_ALL, NULL, NULL, SPARE("\"" SESSION "\",\"" ROOT "\""), false, ACCOUNT, POL_EXPLICIT_DENY, POL_L_RESOURCE },
	{ "NotPrincipal, role without session", SESSION, ALLOW_ALL, NULL, NULL, SPARE("\"" ROLE "\",\"" ROOT "\""), false, ACCOUNT, POL_EXPLICIT_DENY, POL_L_RESOURCE },
	{ "NotPrincipal, boundary", ALICE, ALLOW_ALL, ALLOW_ALL, NULL, SPARE("\"" ALICE "\",\"" ROOT "\""), false, ACCOUNT, POL_EXPLICIT_DENY, POL_L_RESOURCE },
	{ "NotPrincipal, boundary of a role", SESSION, ALLOW_ALL, ALLOW_ALL, NULL, SPARE("\"" SESSION "\",\"" ROLE "\",\"" ROOT "\""), false, ACCOUNT, POL_EXPLICIT_DENY, POL_L_RESOURCE },
	{ "NotPrincipal, session policy", SESSION, ALLOW_ALL, NULL, ALLOW_ALL, SPARE("\"" SESSION "\",\"" ROLE "\",\"" ROOT "\""), false, ACCOUNT, POL_ALLOWED, 0 },
	{ "a service is not a user", ALICE, NULL, NULL, NULL, GRANT("{\"Service\":\"ec2.amazonaws.com\"}"), false, ACCOUNT, POL_IMPLICIT_DENY, POL_L_IDENTITY },
};

static void
test_pol_eval__layers(void **state)
{
	const struct layers_row *r;
	struct pol_list boundary, session;
	struct pol_decision d;
	struct pol_set set;
	struct asker a;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(layers); i++) {
		r = &layers[i];
		asker_init(&a);
		memset(&set, 0, sizeof(set));
		a.req.principal = r->principal;
		a.req.resource_account = r->resource_account;
		a.req.action = r->trust ? "sts:AssumeRole" : "s3:GetObject";
		if (r->identity != NULL)
			set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, r->identity), 1 };
		if (r->boundary != NULL) {
			boundary = (struct pol_list){ asker_doc(&a, POL_BOUNDARY, r->boundary), 1 };
			set.boundary = &boundary;
		}
		if (r->session != NULL) {
			session = (struct pol_list){ asker_doc(&a, POL_SESSION, r->session), 1 };
			set.session = &session;
		}
		if (r->resource != NULL)
			set.resource = asker_doc(&a, r->trust ? POL_TRUST : POL_RESOURCE, r->resource);
		set.trust = r->trust;
		assert_int_equal(pol_eval(&set, &a.req, &d), 0);
		if (d.effect != r->effect ||
		    (r->effect != POL_ALLOWED && d.denied_by != r->denied_by))
			fail_msg("%s: %x by %d", r->what, (unsigned)d.effect, (int)d.denied_by);
		asker_release(&a);
	}
}

static void
test_pol_eval__empty_boundary_allows_nothing(void **state)
{
	struct pol_list none = { NULL, 0 };
	struct pol_set set = { .boundary = &none };
	struct asker a;

	(void)state;
	asker_init(&a);
	set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, ALLOW_ALL), 1 };
	assert_int_equal(asker_ask(&a, &set), POL_IMPLICIT_DENY);
	asker_release(&a);
}

static void
test_pol_eval__each_scp_level_must_allow(void **state)
{
	struct pol_list levels[2];
	struct pol_set set = { .scp = levels, .scp_levels = 2 };
	struct pol_decision d;
	struct asker a;

	(void)state;
	asker_init(&a);
	set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, ALLOW_ALL), 1 };
	levels[0] = (struct pol_list){ asker_doc(&a, POL_SCP, ALLOW_EC2), 1 };
	levels[1] = (struct pol_list){ asker_doc(&a, POL_SCP, ALLOW_ALL), 1 };
	assert_int_equal(pol_eval(&set, &a.req, &d), 0);
	assert_int_equal(d.effect, POL_IMPLICIT_DENY);
	assert_int_equal(d.denied_by, POL_L_SCP);
	a.req.action = "ec2:RunInstances";
	assert_int_equal(asker_ask(&a, &set), POL_ALLOWED);
	asker_release(&a);
}

/* S10: anything but POL_ALLOWED denies, and errors leave a deny behind. */
static void
test_pol_eval__S10_errors_leave_a_deny(void **state)
{
	struct pol_set set = { 0 };
	struct pol_decision d = { .effect = POL_ALLOWED };
	char action[400], resource[3000];
	struct asker a;

	(void)state;
	asker_init(&a);
	set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, ALLOW_ALL), 1 };
	a.req.action = NULL;
	assert_int_equal(pol_eval(&set, &a.req, &d), IAM_ERR_ARG);
	assert_int_equal(d.effect, POL_IMPLICIT_DENY);
	memset(action, 'a', sizeof(action));
	action[sizeof(action) - 1] = 0;
	a.req.action = action;
	d.effect = POL_ALLOWED;
	assert_int_equal(pol_eval(&set, &a.req, &d), IAM_ERR_ARG);
	assert_int_equal(d.effect, POL_IMPLICIT_DENY);
	memset(resource, 'r', sizeof(resource));
	resource[sizeof(resource) - 1] = 0;
	a.req.action = "s3:GetObject";
	a.req.resource = resource;
	assert_int_equal(pol_eval(&set, &a.req, &d), IAM_ERR_ARG);
	asker_release(&a);
}

static void
test_pol_eval__variables_have_no_effect_in_2008(void **state)
{
	struct pol_set set = { 0 };
	struct asker a;

	(void)state;
	asker_init(&a);
	asker_key(&a, "aws:username", "thing", NULL);
	set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, "{\"Version\":"
	    "\"2008-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\","
	    "\"Resource\":\"arn:aws:s3:::box/${aws:username}\"}}"), 1 };
	assert_int_equal(asker_ask(&a, &set), POL_IMPLICIT_DENY);
	a.req.resource = "arn:aws:s3:::box/${aws:username}";
	assert_int_equal(asker_ask(&a, &set), POL_ALLOWED);
	asker_release(&a);
}

static void
test_pol_eval__variable_without_value_excludes_nothing(void **state)
{
	struct pol_set set = { 0 };
	struct asker a;

	(void)state;
	asker_init(&a);
	set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, "{\"Version\":"
	    "\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
	    "\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Action\":\"*\",\"NotResource\":"
	    "\"arn:aws:s3:::${aws:username}*\"}]}"), 1 };
	assert_int_equal(asker_ask(&a, &set), POL_EXPLICIT_DENY);
	asker_key(&a, "aws:username", "box", NULL);
	assert_int_equal(asker_ask(&a, &set), POL_ALLOWED);
	asker_release(&a);
}

static void
test_pol_eval__deciding_statements_are_named(void **state)
{
	struct pol_set set = { 0 };
	struct pol_decision d;
	struct asker a;

	(void)state;
	asker_init(&a);
	set.identity = (struct pol_list){ asker_doc(&a, POL_IDENTITY, "{\"Version\":"
	    "\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
	    "\"Resource\":\"*\"},{\"Sid\":\"NoBoxes\",\"Effect\":\"Deny\",\"Action\":"
	    "[\"s3:*\",\"s3:Get*\"],\"Resource\":\"arn:aws:s3:::box*\"}]}"), 1 };
	assert_int_equal(pol_eval(&set, &a.req, &d), 0);
	assert_int_equal(d.effect, POL_EXPLICIT_DENY);
	assert_int_equal(d.match_count, 1);
	assert_int_equal(d.matches[0].statement, 1);
	assert_string_equal(d.matches[0].sid, "NoBoxes");
	assert_true(d.matches[0].deny);
	a.req.resource = "arn:aws:s3:::crate";
	assert_int_equal(pol_eval(&set, &a.req, &d), 0);
	assert_int_equal(d.effect, POL_ALLOWED);
	assert_int_equal(d.match_count, 1);
	assert_int_equal(d.matches[0].statement, 0);
	asker_release(&a);
}

/* The index must find what a scan finds: many statements of all shapes. */
static void
test_pol_eval__index_finds_each_of_a_thousand(void **state)
{
	const struct pol_limits limits = { .max_chars = 10000000 };
	struct pol_source src = { .name = "many" };
	struct pol_set set = { .identity = { &src, 1 } };
	struct buf json = BUF_INIT, b = BUF_INIT;
	struct pol_decision d;
	char resource[64];
	struct asker a;
	unsigned i;

	(void)state;
	asker_init(&a);
	buf_puts(&json, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (i = 0; i < 1000; i++)
		buf_printf(&json, "%s{\"Effect\":\"Allow\",\"Action\":\"s3:%s\",\"Resource\":"
		    "\"arn:aws:s3:::%.*sb%u%s\"}", i > 0 ? "," : "",
		    i % 3 == 0 ? "GetObject" : i % 3 == 1 ? "Get*" : "*Object",
		    (int)(i % 40), "0123456789012345678901234567890123456789", i,
		    i % 2 == 0 ? "" : "/*");
	buf_puts(&json, "]}");
	assert_int_equal(pol_compile(buf_cstr(&json), json.len, POL_IDENTITY, &limits,
	    NULL, &b), 0);
	assert_int_equal(pol_open(b.p, b.len, &src.doc), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(resource, sizeof(resource), "arn:aws:s3:::%.*sb%u%s", (int)(i % 40),
		    "0123456789012345678901234567890123456789", i, i % 2 == 0 ? "" : "/x");
		a.req.resource = resource;
		assert_int_equal(pol_eval(&set, &a.req, &d), 0);
		assert_int_equal(d.effect, POL_ALLOWED);
		assert_int_equal(d.matches[0].statement, i);
	}
	a.req.resource = "arn:aws:s3:::b1000";
	assert_int_equal(pol_eval(&set, &a.req, &d), 0);
	assert_int_equal(d.effect, POL_IMPLICIT_DENY);
	buf_release(&json);
	buf_release(&b);
	asker_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions__settled_answers),
		cmocka_unit_test(test_pol_eval__layers),
		cmocka_unit_test(test_pol_eval__empty_boundary_allows_nothing),
		cmocka_unit_test(test_pol_eval__each_scp_level_must_allow),
		cmocka_unit_test(test_pol_eval__S10_errors_leave_a_deny),
		cmocka_unit_test(test_pol_eval__variables_have_no_effect_in_2008),
		cmocka_unit_test(test_pol_eval__variable_without_value_excludes_nothing),
		cmocka_unit_test(test_pol_eval__deciding_statements_are_named),
		cmocka_unit_test(test_pol_eval__index_finds_each_of_a_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
