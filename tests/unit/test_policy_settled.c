/*
 * The settled answers of iam-policy(5), one table row or more for each, asked
 * through SimulateCustomPolicy. A row is named after its answer; the manual page
 * has the same names in comments, and tests/lint/settled.sh compares.
 */
#include "tests/unit/ops_bed.h"

#define S "allowed"
#define N "implicitDeny"
#define D "explicitDeny"
#define BAD "InvalidInput" /* refused */

struct row {
	const char *answer;
	const char *statement; /* ' stands for ", ` for '; the effect, A or D, in front */
	const char *keys;      /* "name=value|value;name=value", "+name" is a list */
	const char *decision;
	const char *resource;  /* NULL: arn:aws:s3:::box/thing */
};

#define C(condition) "A'Action':'*','Resource':'*','Condition':{" condition "}"
#define DC(condition) "D'Action':'*','Resource':'*','Condition':{" condition "}"
#define R(resource) "A'Action':'*','Resource':'" resource "'"

static const struct row rows[] = {
	/* ---- lists and missing keys ---- */
	{ "nor", C("'StringNotEquals':{'s3:k':['a','b']}"), "s3:k=a", N, NULL },
	{ "nor", C("'StringNotEquals':{'s3:k':['a','b']}"), "s3:k=c", S, NULL },
	{ "nor", C("'NotIpAddress':{'s3:k':['192.0.2.0/24','198.51.100.0/24']}"), "s3:k=198.51.100.7", N, NULL },
	{ "missing-key", C("'StringEquals':{'s3:k':'a'}"), "", N, NULL },
	{ "missing-key", C("'StringNotEquals':{'s3:k':'a'}"), "", S, NULL },
	{ "missing-key", C("'ArnNotLike':{'s3:k':'arn:aws:s3:::x'}"), "", S, NULL },
	{ "missing-key", C("'StringEqualsIfExists':{'s3:k':'a'}"), "", S, NULL },
	{ "for-all-for-any", C("'ForAllValues:StringEquals':{'s3:k':'a'}"), "", S, NULL },
	{ "for-all-for-any", C("'ForAllValues:StringEquals':{'s3:k':'a'}"), "+s3:k=", S, NULL },
	{ "for-all-for-any", C("'ForAnyValue:StringEquals':{'s3:k':'a'}"), "", N, NULL },
	{ "for-all-for-any", C("'ForAnyValue:StringEqualsIfExists':{'s3:k':'a'}"), "", N, NULL },
	{ "for-all-for-any", C("'ForAllValues:StringEquals':{'s3:k':['a','b']}"), "+s3:k=a|c", N, NULL },
	{ "for-all-for-any", C("'ForAnyValue:StringEquals':{'s3:k':['a','b']}"), "+s3:k=c|a", S, NULL },
	{ "empty-is-missing", C("'Null':{'s3:k':'true'}"), "s3:k=", S, NULL },
	{ "empty-is-missing", C("'Null':{'s3:k':'false'}"), "s3:k=", N, NULL },
	{ "empty-is-missing", C("'Null':{'s3:k':'false'}"), "s3:k=x", S, NULL },
	{ "empty-is-missing", C("'StringNotEquals':{'s3:k':'a'}"), "s3:k=", S, NULL },
	{ "bool-false", C("'Bool':{'s3:k':'false'}"), "", N, NULL },
	{ "bool-false", C("'Bool':{'s3:k':'false'}"), "s3:k=false", S, NULL },

	/* ---- variables ---- */
	{ "variable-without-value", R("arn:aws:s3:::${s3:k}/thing"), "", N, NULL },
	{ "variable-without-value", R("arn:aws:s3:::${s3:k}/thing"), "s3:k=", N, "arn:aws:s3:::/thing" },
	{ "variable-without-value", C("'StringNotEquals':{'s3:a':'${s3:k}'}"), "s3:a=x", S, NULL },
	{ "variable-without-value", "D'Action':'*','NotResource':'arn:aws:s3:::${s3:k}*'", "", D, NULL },
	{ "variable-without-value", "D'Action':'*','NotResource':'arn:aws:s3:::${s3:k}*'", "s3:k=box", N, NULL },
	{ "variable-without-value", R("arn:aws:s3:::${s3:k, `box`}/thing"), "", S, NULL },
	{ "variable-without-value", R("arn:aws:s3:::${s3:k, `box`}/thing"), "s3:k=tub", N, NULL },
	{ "variable-several", R("arn:aws:s3:::${s3:k}/thing"), "+s3:k=box|tub", N, NULL },
	{ "variable-several", "D'Action':'*','Resource':'arn:aws:s3:::${s3:k}/thing'", "+s3:k=a|b", D, NULL },
	{ "variable-plain", R("arn:aws:s3:::${s3:k}/thing"), "s3:k=*", N, NULL },
	{ "variable-plain", R("arn:aws:s3:::${s3:k}/thing"), "s3:k=*", S, "arn:aws:s3:::*/thing" },
	{ "variable-plain", C("'StringLike':{'s3:a':'${s3:k}'}"), "s3:a=ab;s3:k=a*", N, NULL },
	{ "variable-escapes", C("'StringLike':{'s3:a':'a${*}'}"), "s3:a=ab", N, NULL },
	{ "variable-escapes", C("'StringLike':{'s3:a':'a${*}'}"), "s3:a=a*", S, NULL },
	{ "variable-escapes", C("'StringEquals':{'s3:a':'a${?}${$}'}"), "s3:a=a?$", S, NULL },
	{ "variable-anywhere", R("arn:aws:s3:::b${s3:k}x/th*${s3:l}"), "s3:k=o;s3:l=ng", S, NULL },

	/* ---- text ---- */
	{ "arn-by-part", C("'ArnLike':{'s3:k':'arn:aws:s*:*:*:x'}"), "s3:k=arn:aws:sns:eu:1:a:x", N, NULL },
	{ "arn-by-part", C("'ArnLike':{'s3:k':'arn:aws:*:*:*:x'}"), "s3:k=arn:aws:s3:::x", S, NULL },
	{ "arn-by-part", C("'ArnEquals':{'s3:k':'arn:aws:sns:eu:*:a:*'}"), "s3:k=arn:aws:sns:eu:1:a:b:c", S, NULL },
	{ "text-whole", C("'StringLike':{'s3:k':'arn:aws:s*:*:*:x'}"), "s3:k=arn:aws:sns:eu:1:a:x", S, NULL },
	{ "text-whole", R("arn:aws:s*:*:*:x"), "", S, "arn:aws:sns:eu:123456789012:a:x" },
	{ "any-character", C("'StringLike':{'s3:k':'a*b?c'}"), "s3:k=a\nx\nb\nc", S, NULL },
	{ "any-character", C("'StringLike':{'s3:k':'a?b'}"), "s3:k=a\xc3\xa4" "b", S, NULL },
	{ "any-character", C("'StringLike':{'s3:k':'a??b'}"), "s3:k=a\xc3\xa4" "b", N, NULL },
	{ "ascii-case", "A'Action':'S3:gETobject','Resource':'*'", "", S, NULL },
	{ "ascii-case", C("'StringEquals':{'S3:K':'a'}"), "s3:k=a", S, NULL },
	{ "ascii-case", C("'StringEquals':{'s3:k':'A'}"), "s3:k=a", N, NULL },
	{ "ascii-case", R("arn:aws:s3:::Box/thing"), "", N, NULL },
	{ "ascii-case", C("'StringEqualsIgnoreCase':{'s3:k':'\xc3\x84'}"), "s3:k=\xc3\xa4", N, NULL },
	{ "short-arn", R("arn:aws:s3"), "", BAD, NULL },

	/* ---- types ---- */
	{ "numbers", C("'NumericEquals':{'s3:k':'10'}"), "s3:k=010.0", S, NULL },
	{ "numbers", C("'NumericLessThan':{'s3:k':'9007199254740993'}"), "s3:k=9007199254740992", S, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':10}"), "s3:k=10", S, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':1e23}"), "s3:k=100000000000000000000000", S, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':-2.5e-7}"), "s3:k=-0.00000025", S, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':100000000000e99}"), "s3:k=100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000", S, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':-0.00000001e-99}"), "s3:k=-0.00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001", S, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':1234.5}"), "s3:k=1234.5", S, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':1e-400}"), "", BAD, NULL },
	{ "numbers", C("'Bool':{'s3:k':true}"), "s3:k=true", S, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':'12abc'}"), "", BAD, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':'5,000'}"), "", BAD, NULL },
	{ "numbers", C("'NumericEquals':{'s3:k':'0x10'}"), "", BAD, NULL },
	{ "dates", C("'DateEquals':{'s3:k':'2026-11-24T10:30:00+01:00'}"), "s3:k=2026-11-24T09:30:00Z", S, NULL },
	{ "dates", C("'DateEquals':{'s3:k':'2026-11-24T09:30:00Z'}"), "s3:k=1795512600", S, NULL },
	{ "dates", C("'DateGreaterThan':{'s3:k':'2040-01-01T00:00:00Z'}"), "s3:k=2040-01-01T00:00:01Z", S, NULL },
	{ "dates", C("'DateEquals':{'s3:k':'2026-02-29'}"), "", BAD, NULL },
	{ "dates", C("'DateEquals':{'s3:k':'2026-11-24T09:30:00'}"), "", BAD, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'0.0.0.0/0'}"), "s3:k=203.0.113.9", S, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'0.0.0.0/0'}"), "s3:k=2001:db8::1", N, NULL },
	{ "addresses", C("'NotIpAddress':{'s3:k':'0.0.0.0/0'}"), "s3:k=2001:db8::1", S, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'128.0.0.0/1'}"), "s3:k=127.255.255.255", N, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'192.0.2.6/31'}"), "s3:k=192.0.2.7", S, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'192.0.2.6/32'}"), "s3:k=192.0.2.7", N, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'2001:db8:8000::/33'}"), "s3:k=2001:db8:7fff::", N, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'192.0.2.0/24'}"), "s3:k=::ffff:192.0.2.1", S, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'2001:db8::1'}"), "s3:k=2001:0DB8:0:0:0:0:0:1", S, NULL },
	{ "addresses", C("'IpAddress':{'s3:k':'192.0.2.77/24'}"), "s3:k=192.0.2.1", S, NULL },
	{ "malformed-value", C("'Bool':{'s3:k':'yes'}"), "", BAD, NULL },
	{ "malformed-value", C("'NumericNotEquals':{'s3:k':'1'}"), "s3:k=soon", N, NULL },
	{ "malformed-value", DC("'NumericEquals':{'s3:k':'1'}"), "s3:k=soon", D, NULL },
	{ "malformed-value", C("'Bool':{'s3:k':'true'}"), "s3:k=True", N, NULL },
	{ "single-over-several", C("'StringEquals':{'s3:k':'a'}"), "+s3:k=a|b", N, NULL },
	{ "single-over-several", DC("'StringEquals':{'s3:k':'x'}"), "+s3:k=a|b", D, NULL },
	{ "single-over-several", C("'StringEquals':{'aws:TagKeys':'a'}"), "", BAD, NULL },
	{ "conditions-and", C("'StringEquals':{'s3:a':'a'},'Bool':{'s3:k':'true'}"), "s3:a=a;s3:k=false", N, NULL },
	{ "conditions-and", C("'StringEquals':{'s3:a':'a','s3:b':'b'}"), "s3:a=a;s3:b=b", S, NULL },

	/* ---- documents ---- */
	{ "unknown-refused", C("'StringMatches':{'s3:k':'a'}"), "", BAD, NULL },
	{ "unknown-refused", "A'Action':'*','Resource':'*','Comment':'x'", "", BAD, NULL },
	{ "unknown-refused", "A'Action':'*','Action':'*','Resource':'*'", "", BAD, NULL },
	{ "unknown-refused", C("'StringEquals':{'s3:k':'a','S3:K':'b'}"), "", BAD, NULL },
	{ "unknown-refused", C("'StringEquals':{'s3:k':'\\u0000'}"), "", BAD, NULL },
	{ "unknown-refused", C("'StringEquals':{'s3:k':{}}"), "", BAD, NULL },
	{ "names-exact", C("'stringEquals':{'s3:k':'a'}"), "", BAD, NULL },
	{ "names-exact", C("'Bool':{'s3:k':'True'}"), "", BAD, NULL },
	{ "names-exact", "A'action':'*','Resource':'*'", "", BAD, NULL },
	{ "action-service", "A'Action':'s*:GetObject','Resource':'*'", "", BAD, NULL },
	{ "action-service", "A'Action':[],'Resource':'*'", "", BAD, NULL },
};

/* {"s3:k": …} as ContextEntries; new. */
static json_t *
entries(const char *keys)
{
	json_t *ret = json_array(), *values;
	char text[400], *p = text, *key, *value, *v;
	bool list;

	snprintf(text, sizeof(text), "%s", keys);
	while ((key = strsep(&p, ";")) != NULL && *key != '\0') {
		list = *key == '+';
		value = strchr(key, '=');
		*value++ = '\0';
		values = json_array();
		while ((v = strsep(&value, "|")) != NULL)
			if (!list || *v != '\0')
				json_array_append_new(values, json_string(v));
		json_array_append_new(ret, json_pack("{s:s,s:o,s:s}", "ContextKeyName",
		    key + list, "ContextKeyValues", values, "ContextKeyType",
		    list ? "stringList" : "string"));
	}
	return ret;
}

static void
document(const char *version, const char *statement, struct buf *ret)
{
	const char *p;

	buf_printf(ret, "{%s\"Statement\":[{\"Effect\":\"%s\",", version,
	    *statement == 'A' ? "Allow" : "Deny");
	for (p = statement + 1; *p != '\0'; p++)
		buf_putc(ret, *p == '\'' ? '"' : *p == '`' ? '\'' : *p);
	buf_puts(ret, "}]}");
}

static const char *
ask(struct bed *b, const char *version, const struct row *r)
{
	struct buf json = BUF_INIT;
	const char *error;

	document(version, r->statement, &json);
	error = bed_run(b, "SimulateCustomPolicy", json_pack("{s:[s],s:[s],s:[s],s:o}",
	    "PolicyInputList", buf_cstr(&json), "ActionNames", "s3:GetObject",
	    "ResourceArns", r->resource != NULL ? r->resource :
	    "arn:aws:s3:::box/thing", "ContextEntries", entries(r->keys)));
	buf_release(&json);
	return error[0] != '\0' ? error : bed_text(b, "EvaluationResults.0.EvalDecision");
}

#define VERSION "\"Version\":\"2012-10-17\","

static void
test_settled_answers(void **state)
{
	struct bed *b = *state;
	const char *got;
	size_t i;

	for (i = 0; i < IAM_COUNT(rows); i++) {
		got = ask(b, VERSION, &rows[i]);
		if (strcmp(got, rows[i].decision) != 0)
			fail_msg("%s: %s [%s]: %s, not %s (%s)", rows[i].answer,
			    rows[i].statement, rows[i].keys, got, rows[i].decision,
			    b->c.error_text);
	}
}

/* no-expansion */
static void
test_settled_answers__no_expansion_without_2012(void **state)
{
	static const struct row r = { "no-expansion", R("arn:aws:s3:::${s3:k}/thing"),
		"s3:k=box", N, NULL };
	static const struct row plain = { "no-expansion",
		R("arn:aws:s3:::${s3:k}/thing"), "s3:k=box", S,
		"arn:aws:s3:::${s3:k}/thing" };
	struct bed *b = *state;

	assert_string_equal(ask(b, VERSION, &r), S);
	assert_string_equal(ask(b, "", &r), N);
	assert_string_equal(ask(b, "\"Version\":\"2008-10-17\",", &r), N);
	assert_string_equal(ask(b, "\"Version\":\"2008-10-17\",", &plain), S);
}

/* Layers that SimulateCustomPolicy takes; the others are in
 * test_pol_eval__layers: "role ARN, boundary silent", "session ARN, session
 * silent", "trust is needed in one account". */
static void
test_settled_answers__layers(void **state)
{
	static const struct {
		const char *answer, *principal, *effect, *who, *boundary, *decision;
	} cases[] = {
		{ "grant-exact", "Principal", "Allow", "{'AWS':'" BED_ARN "user/bob'}", "ec2:*", S },
		{ "grant-exact", "Principal", "Allow", "'*'", "ec2:*", N },
		{ "grant-exact", "Principal", "Allow", "'*'", "s3:*", S },
		{ "not-principal", "NotPrincipal", "Deny", "{'AWS':['" BED_ARN "user/bob','" BED_ACCOUNT "']}", NULL, N },
		/* who has a boundary is never spared */
		{ "not-principal", "NotPrincipal", "Deny", "{'AWS':['" BED_ARN "user/bob','" BED_ACCOUNT "']}", "s3:*", D },
		{ "not-principal", "NotPrincipal", "Deny", "{'AWS':'" BED_ARN "user/bob'}", "s3:*", D },
		{ "deny-anywhere", "Principal", "Deny", "'*'", "s3:*", D },
	};
	struct bed *b = *state;
	char policy[600], boundary[300], *p;
	json_t *in;
	size_t i;

	for (i = 0; i < IAM_COUNT(cases); i++) {
		snprintf(policy, sizeof(policy), "{'Version':'2012-10-17','Statement':{"
		    "'Effect':'%s','Action':'s3:*','Resource':'*','%s':%s}}",
		    cases[i].effect, cases[i].principal, cases[i].who);
		snprintf(boundary, sizeof(boundary), "{'Version':'2012-10-17',"
		    "'Statement':{'Effect':'Allow','Action':'%s','Resource':'*'}}",
		    cases[i].boundary != NULL ? cases[i].boundary : "");
		for (p = policy; (p = strchr(p, '\'')) != NULL; )
			*p = '"';
		for (p = boundary; (p = strchr(p, '\'')) != NULL; )
			*p = '"';
		in = json_pack("{s:[s],s:s,s:s,s:[s],s:[s]}", "PolicyInputList",
		    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\","
		    "\"Action\":\"ec2:x\",\"Resource\":\"*\"}}", "ResourcePolicy", policy,
		    "CallerArn", BED_ARN "user/bob", "ActionNames", "s3:GetObject",
		    "ResourceArns", "arn:aws:s3:::box/thing");
		if (cases[i].boundary != NULL)
			json_object_set_new(in, "PermissionsBoundaryPolicyInputList",
			    json_pack("[s]", boundary));
		assert_string_equal(bed_run(b, "SimulateCustomPolicy", in), "");
		if (strcmp(bed_text(b, "EvaluationResults.0.EvalDecision"),
		    cases[i].decision) != 0)
			fail_msg("%s, case %zu: %s", cases[i].answer, i,
			    bed_text(b, "EvaluationResults.0.EvalDecision"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_settled_answers),
		BED_TEST(test_settled_answers__no_expansion_without_2012),
		BED_TEST(test_settled_answers__layers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
