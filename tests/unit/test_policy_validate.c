/*
 * Findings: severity, issue code, line, column, path. Codes are those of the
 * IAM User Guide, "Access Analyzer policy check reference", where it has one.
 */
#include "tests/policy/harness.h"

#define DOC(statement) "{\"Version\":\"2012-10-17\",\"Statement\":[\n" statement "]}"
#define ST(more) DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"" more "}")
#define COND(c) ST(",\n\"Condition\":" c)

struct row {
	const char *json;
	enum pol_kind kind;
	enum pol_severity severity;
	const char *code, *path;
	unsigned line, col;
};

static const struct row rows[] = {
	{ "{\"Version\":\"2012-10-17\",\n \"Statement\" [] }", POL_IDENTITY, POL_ERROR, "JSON_SYNTAX_ERROR", "", 2, 14 },
	{ "{\"Version\":\"2012-10-17\",\n \"Statement\": [\"a\" \"bcd\"]}", POL_IDENTITY, POL_ERROR, "JSON_SYNTAX_ERROR", "", 2, 20 },
	{ "{\"Version\":\"2012-10-17\", \xc3\xa9}", POL_IDENTITY, POL_ERROR, "JSON_SYNTAX_ERROR", "", 1, 26 },
	{ "\xef\xbb\xbf" DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_ERROR, "JSON_SYNTAX_ERROR", "", 1, 1 },
	{ "{\"Statement\":1,\"Statement\":2}", POL_IDENTITY, POL_ERROR, "JSON_SYNTAX_ERROR", "", 1, 0 },
	{ "[]", POL_IDENTITY, POL_ERROR, "DATA_TYPE_MISMATCH", "", 1, 1 },
	{ "{\"Version\":\"2012-10-17\"}", POL_IDENTITY, POL_ERROR, "MISSING_STATEMENT", "", 1, 1 },
	{ "{\"Version\":\"2012-10-17\",\"Statement\":[]}", POL_IDENTITY, POL_ERROR, "MISSING_STATEMENT", "Statement", 1, 37 },
	{ "{\"Version\":\"2013\",\"Statement\":{}}", POL_IDENTITY, POL_ERROR, "INVALID_VERSION", "Version", 1, 12 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\",\n  \"Extra\":1}"), POL_IDENTITY, POL_ERROR, "INVALID_POLICY_ELEMENT", "Statement[0].Extra", 3, 3 },
	{ DOC("{\"Effect\":\"allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_ERROR, "INVALID_EFFECT", "Statement[0].Effect", 2, 11 },
	{ DOC("{\"Action\":\"s3:*\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_ERROR, "MISSING_EFFECT", "Statement[0]", 2, 1 },
	{ DOC("{\"Effect\":\"Allow\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_ERROR, "MISSING_ACTION", "Statement[0]", 2, 1 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\"}"), POL_IDENTITY, POL_ERROR, "MISSING_RESOURCE", "Statement[0]", 2, 1 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":[\"s3:*\",\n\"Get\"],\"Resource\":\"*\"}"), POL_IDENTITY, POL_ERROR, "INVALID_ACTION", "Statement[0].Action[1]", 3, 1 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"s*:Get\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_ERROR, "INVALID_SERVICE_IN_ACTION", "Statement[0].Action", 2, 28 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"NotAction\":\"s3:*\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_ERROR, "UNSUPPORTED_ELEMENT_COMBINATION", "Statement[0].NotAction", 2, 35 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3\"}"), POL_IDENTITY, POL_ERROR, "MISSING_ARN_FIELD", "Statement[0].Resource", 2, 46 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"box\"}"), POL_IDENTITY, POL_ERROR, "INVALID_ARN_PREFIX", "Statement[0].Resource", 2, 46 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::${aws:username\"}"), POL_IDENTITY, POL_ERROR, "MISSING_BRACE_IN_VARIABLE", "Statement[0].Resource", 2, 46 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:iam::${aws:userid}:user/x\"}"), POL_IDENTITY, POL_ERROR, "VARIABLE_UNSUPPORTED_IN_ELEMENT", "Statement[0].Resource", 2, 46 },
	{ ST(",\"Principal\":\"*\""), POL_IDENTITY, POL_ERROR, "UNSUPPORTED_PRINCIPAL", "Statement[0].Principal", 2, 0 },
	{ ST(",\"Sid\":\"a b\""), POL_IDENTITY, POL_ERROR, "UNSUPPORTED_SID", "Statement[0].Sid", 2, 0 },
	{ ST(""), POL_RESOURCE, POL_ERROR, "MISSING_PRINCIPAL", "Statement[0]", 2, 1 },
	{ ST(",\"Principal\":{\"AWS\":\"arn:aws:iam::1:user/x\"}"), POL_RESOURCE, POL_ERROR, "INVALID_PRINCIPAL_FORMAT", "Statement[0].Principal.AWS", 2, 0 },
	{ ST(",\"Principal\":{\"AWS\":\"arn:aws:iam::123456789012:user/*\"}"), POL_RESOURCE, POL_ERROR, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "Statement[0].Principal.AWS", 2, 0 },
	{ ST(",\"Principal\":\"*\""), POL_RESOURCE, POL_SECURITY_WARNING, "ALLOW_EVERYONE", "Statement[0].Principal", 2, 0 },
	{ ST(",\"NotPrincipal\":{\"AWS\":\"123456789012\"}"), POL_RESOURCE, POL_SECURITY_WARNING, "ALLOW_WITH_NOT_PRINCIPAL", "Statement[0].NotPrincipal", 2, 0 },
	{ COND("{\"StringEqual\":{\"aws:username\":\"a\"}}"), POL_IDENTITY, POL_ERROR, "INVALID_CONDITION_OPERATOR", "Statement[0].Condition.StringEqual", 3, 14 },
	{ COND("{\"NullIfExists\":{\"aws:username\":true}}"), POL_IDENTITY, POL_ERROR, "NULL_WITH_IF_EXISTS", "Statement[0].Condition.NullIfExists", 3, 14 },
	{ COND("{\"Bool\":{\"aws:SecureTransport\":\n\"True\"}}"), POL_IDENTITY, POL_ERROR, "INVALID_CONDITION_DATA_TYPE", "Statement[0].Condition.Bool.aws:SecureTransport", 4, 1 },
	{ COND("{\"NumericEquals\":{\"aws:MultiFactorAuthAge\":[1,\"x\"]}}"), POL_IDENTITY, POL_ERROR, "INVALID_CONDITION_DATA_TYPE", "Statement[0].Condition.NumericEquals.aws:MultiFactorAuthAge[1]", 3, 0 },
	{ COND("{\"DateEquals\":{\"aws:CurrentTime\":\"2026-02-30\"}}"), POL_IDENTITY, POL_ERROR, "INVALID_CONDITION_DATA_TYPE", "Statement[0].Condition.DateEquals.aws:CurrentTime", 3, 0 },
	{ COND("{\"TimeOfDayWithin\":{\"aws:CurrentTime\":\"Tue 9:00-17:00\"}}"), POL_IDENTITY, POL_ERROR, "INVALID_CONDITION_DATA_TYPE", "Statement[0].Condition.TimeOfDayWithin.aws:CurrentTime", 3, 0 },
	{ COND("{\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:s3\"}}"), POL_IDENTITY, POL_ERROR, "INVALID_CONDITION_DATA_TYPE", "Statement[0].Condition.ArnLike.aws:SourceArn", 3, 0 },
	{ COND("{\"StringEquals\":{\"username\":\"a\"}}"), POL_IDENTITY, POL_ERROR, "INVALID_CONDITION_KEY_FORMAT", "Statement[0].Condition.StringEquals.username", 3, 0 },
	{ COND("{\"StringEquals\":{\"aws:PrincipalTag/\":\"a\"}}"), POL_IDENTITY, POL_ERROR, "MISSING_TAG_KEY_IN_CONDITION", "Statement[0].Condition.StringEquals.aws:PrincipalTag/", 3, 0 },
	{ COND("{\"StringEquals\":{\"aws:userid\":\"a\",\"aws:UserID\":\"b\"}}"), POL_IDENTITY, POL_ERROR, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", "Statement[0].Condition.StringEquals.aws:UserID", 3, 0 },
	{ COND("{\"StringEquals\":{\"aws:TagKeys\":\"a\"}}"), POL_IDENTITY, POL_ERROR, "MISSING_QUALIFIER", "Statement[0].Condition.StringEquals.aws:TagKeys", 3, 0 },
	{ COND("{\"NumericEquals\":{\"aws:MultiFactorAuthAge\":1234567890123456}}"), POL_IDENTITY, POL_ERROR, "DATA_TYPE_MISMATCH", "", 3, 0 },
	{ COND("{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.9/24\"}}"), POL_IDENTITY, POL_WARNING, "IMPROVE_IP_RANGE", "Statement[0].Condition.IpAddress.aws:SourceIp", 3, 0 },
	{ COND("{\"StringEquals\":{\"aws:username\":\"a*\"}}"), POL_IDENTITY, POL_WARNING, "WILDCARD_WITHOUT_LIKE_OPERATOR", "Statement[0].Condition.StringEquals.aws:username", 3, 0 },
	{ COND("{\"Bool\":{\"aws:MultiFactorAuthPresnt\":true}}"), POL_IDENTITY, POL_WARNING, "INVALID_GLOBAL_CONDITION_KEY", "Statement[0].Condition.Bool.aws:MultiFactorAuthPresnt", 3, 0 },
	{ COND("{\"ForAllValues:StringEquals\":{\"aws:username\":\"a\"}}"), POL_IDENTITY, POL_SECURITY_WARNING, "FORALLVALUES_WITH_SINGLE_VALUED_KEY", "Statement[0].Condition.ForAllValues:StringEquals.aws:username", 3, 0 },
	{ COND("{\"ForAnyValue:Null\":{\"aws:TagKeys\":true}}"), POL_IDENTITY, POL_SUGGESTION, "NULL_WITH_QUALIFIER", "Statement[0].Condition.ForAnyValue:Null", 3, 0 },
	{ COND("{\"StringEquals\":{\"aws:username\":[]}}"), POL_IDENTITY, POL_SUGGESTION, "EMPTY_ARRAY_CONDITION", "Statement[0].Condition.StringEquals.aws:username", 3, 0 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":[\"s3:*\",\"s3:GetObject\"],\"Resource\":\"*\"}"), POL_IDENTITY, POL_SUGGESTION, "REDUNDANT_ACTION", "Statement[0].Action[1]", 2, 0 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"host:Logn\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_WARNING, "INVALID_ACTION", "Statement[0].Action", 2, 28 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"iam:*\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_SECURITY_WARNING, "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", "Statement[0]", 2, 1 },
	{ "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::${aws:username}\"}}", POL_IDENTITY, POL_WARNING, "VARIABLE_UNSUPPORTED_IN_VERSION", "Statement.Resource", 1, 0 },
	{ "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}}", POL_IDENTITY, POL_WARNING, "MISSING_VERSION", "", 1, 1 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"*\",\"Principal\":\"*\"}"), POL_TRUST, POL_ERROR, "UNSUPPORTED_RESOURCE_ARN_IN_POLICY", "Statement[0].Resource", 2, 0 },
	{ DOC("{\"Effect\":\"Deny\",\"Action\":\"sts:AssumeRole\",\"NotPrincipal\":{\"AWS\":\"123456789012\"}}"), POL_TRUST, POL_ERROR, "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", "Statement[0].NotPrincipal", 2, 0 },
	{ COND("{\"NumericEquals\":{\"aws:SourceIp\":\"1\"}}"), POL_IDENTITY, POL_WARNING, "TYPE_MISMATCH", "Statement[0].Condition.NumericEquals.aws:SourceIp", 3, 0 },
	{ COND("{\"StringEquals\":{\"aws:MultiFactorAuthPresent\":\"true\"}}"), POL_IDENTITY, POL_WARNING, "TYPE_MISMATCH", "Statement[0].Condition.StringEquals.aws:MultiFactorAuthPresent", 3, 0 },
	{ COND("{\"NumericLessThan\":{\"aws:MultiFactorAuthAge\":[1,2]}}"), POL_IDENTITY, POL_SUGGESTION, "REDUNDANT_CONDITION_VALUE_NUM", "Statement[0].Condition.NumericLessThan.aws:MultiFactorAuthAge", 3, 0 },
	{ COND("{\"Null\":{\"aws:username\":\"true\"},\"StringEquals\":{\"aws:UserName\":\"a\"}}"), POL_IDENTITY, POL_WARNING, "CONDITION_NEVER_HOLDS", "Statement[0].Condition.StringEquals.aws:UserName", 3, 0 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"iam:GetUser\",\"Resource\":\"arn:aws:iam:eu:*:user/x\"}"), POL_IDENTITY, POL_WARNING, "ARN_REGION_NOT_ALLOWED", "Statement[0].Resource", 2, 0 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"arn:aws:host::*:instance/web1\"}"), POL_IDENTITY, POL_WARNING, "MISSING_ARN_REGION", "Statement[0].Resource", 2, 0 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"arn:aws:host:*::instance/web1\"}"), POL_IDENTITY, POL_WARNING, "INVALID_ARN_ACCOUNT", "Statement[0].Resource", 2, 0 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":\"host:*\",\"Resource\":[\"*\",\n\"arn:aws:host:*:*:host/web1\"]}"), POL_IDENTITY, POL_WARNING, "INVALID_ARN_RESOURCE", "Statement[0].Resource[1]", 3, 1 },
	{ DOC("{\"Effect\":\"Allow\",\"Action\":[\"host:Login\",\"host:SwitchUser\"],\"Resource\":\"arn:aws:host:*:*:instance/*\"}"), POL_IDENTITY, POL_WARNING, "UNSUPPORTED_RESOURCE_FOR_ACTION", "Statement[0].Action[1]", 2, 0 },
	{ "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"A\",\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"},\n{\"Sid\":\"B\",\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}", POL_IDENTITY, POL_SUGGESTION, "REDUNDANT_STATEMENT", "Statement[1]", 2, 1 },
	{ ST(",\"Principal\":\"*\""), POL_SCP, POL_ERROR, "SCP_SYNTAX_ERROR_PRINCIPAL", "Statement[0].Principal", 2, 0 },
	{ "{\"Version\":\"2012-10-17\",\n \"Statement\":[],\n \"Version\":1}", POL_IDENTITY, POL_ERROR, "JSON_SYNTAX_ERROR", "", 3, 2 },
	{ "{\"Id\":\"\\u0000\"}", POL_IDENTITY, POL_ERROR, "JSON_SYNTAX_ERROR", "", 1, 0 },
	/* columns count characters: two bytes stand before the mistake as one */
	{ DOC("{\"Sid\":\"\xc3\xa9\",\"Effect\":1,\"Action\":\"s3:*\",\"Resource\":\"*\"}"), POL_IDENTITY, POL_ERROR, "DATA_TYPE_MISMATCH", "Statement[0].Effect", 2, 21 },
};

static const struct pol_finding *
find(const struct pol_findings *f, const struct row *r)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->v[i].severity == r->severity && strcmp(f->v[i].code, r->code) == 0 &&
		    strcmp(f->v[i].path, r->path) == 0)
			return &f->v[i];
	return NULL;
}

static void
test_pol_validate__finding_and_place(void **state)
{
	const struct pol_finding *got;
	struct pol_findings f;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		assert_int_equal(pol_validate(rows[i].json, strlen(rows[i].json),
		    rows[i].kind, NULL, &f), 0);
		got = find(&f, &rows[i]);
		if (got == NULL)
			fail_msg("%s at %s: not found; first: %s at %s (%s)", rows[i].code,
			    rows[i].path, f.n > 0 ? f.v[0].code : "none",
			    f.n > 0 ? f.v[0].path : "", f.n > 0 ? f.v[0].text : "");
		if (got->line != rows[i].line ||
		    (rows[i].col != 0 && got->col != rows[i].col))
			fail_msg("%s at %s: %u:%u", got->code, got->path, got->line, got->col);
		assert_true(strlen(got->text) > 10);
		pol_findings_release(&f);
	}
}

/* Names that are nearly right: what was meant. */
static void
test_pol_validate__did_you_mean(void **state)
{
	static const struct {
		const char *json, *hint;
	} cases[] = {
		{ COND("{\"StringEqual\":{\"aws:username\":\"a\"}}"), "Did you mean StringEquals?" },
		{ COND("{\"stringlike\":{\"aws:username\":\"a\"}}"), "Did you mean StringLike?" },
		{ COND("{\"ForAnyValue:StringMatchIfExists\":{\"aws:TagKeys\":\"a\"}}"), "There is no operator" },
		{ COND("{\"ForAnyValue:StringLickIfExists\":{\"aws:TagKeys\":\"a\"}}"), "Did you mean ForAnyValue:StringLikeIfExists?" },
		{ COND("{\"TimeOfDayWithn\":{\"aws:CurrentTime\":\"Tue\"}}"), "Did you mean TimeOfDayWithin?" },
		{ COND("{\"Bool\":{\"aws:MultifactorAuthPresnt\":true}}"), "Did you mean aws:MultiFactorAuthPresent?" },
		{ COND("{\"StringEquals\":{\"host:Servise\":\"sshd\"}}"), "Did you mean host:Service?" },
		{ DOC("{\"Effect\":\"Allow\",\"Action\":\"host:Logn\",\"Resource\":\"*\"}"), "Did you mean host:Login?" },
		{ DOC("{\"Effect\":\"Allow\",\"Actions\":\"host:Login\",\"Resource\":\"*\"}"), "Did you mean Action?" },
		{ "{\"Version\":\"2012-10-17\",\"statements\":[]}", "Did you mean Statement?" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "The member \"a\" is there twice" },
		{ "{\"Version\":\"2012-10-17\"", "still open" },
	};
	struct pol_findings f;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(cases); i++) {
		assert_int_equal(pol_validate(cases[i].json, strlen(cases[i].json),
		    POL_IDENTITY, NULL, &f), 0);
		assert_true(f.n > 0);
		if (strstr(f.v[0].text, cases[i].hint) == NULL)
			fail_msg("%s: %s", cases[i].json, f.v[0].text);
		pol_findings_release(&f);
	}
}

static void
test_pol_compile__errors_refuse_and_warnings_do_not(void **state)
{
	struct buf b = BUF_INIT;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		buf_reset(&b);
		r = pol_compile(rows[i].json, strlen(rows[i].json), rows[i].kind, NULL, NULL, &b);
		if (rows[i].severity == POL_ERROR)
			assert_true(r == IAM_ERR_FORMAT && b.len == 0);
		else
			assert_true(r == 0 && b.len > 0);
	}
	buf_release(&b);
}

/* A document of exactly n characters, white space not counted. */
static void
sized(struct buf *b, size_t n, bool spaces)
{
	static const char head[] = "{\"Version\":\"2012-10-17\",\"Id\":\"";
	static const char tail[] = "\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
	    "\"Resource\":\"*\"}}";
	size_t i;

	buf_puts(b, head);
	for (i = sizeof(head) - 1 + sizeof(tail) - 1; i < n; i++)
		buf_puts(b, "\xc3\xa9"); /* one character */
	buf_puts(b, tail);
	for (i = 0; spaces && i < 5000; i++)
		buf_puts(b, " \n");
}

static void
test_pol_compile__size_in_characters(void **state)
{
	const struct pol_limits inline_limit = { .max_chars = 2048 };
	struct buf json = BUF_INIT, b = BUF_INIT;
	struct pol_findings f;

	(void)state;
	sized(&json, POL_MAX_MANAGED, true);
	assert_int_equal(pol_compile(buf_cstr(&json), json.len, POL_IDENTITY, NULL, NULL, &b), 0);
	assert_int_equal(pol_compile(buf_cstr(&json), json.len, POL_IDENTITY, &inline_limit,
	    &f, &b), IAM_ERR_LIMIT);
	assert_string_equal(f.v[0].code, "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA");
	pol_findings_release(&f);
	buf_reset(&json);
	sized(&json, POL_MAX_MANAGED + 1, false);
	assert_int_equal(pol_compile(buf_cstr(&json), json.len, POL_IDENTITY, NULL, &f, &b),
	    IAM_ERR_LIMIT);
	pol_findings_release(&f);
	buf_release(&json);
	buf_release(&b);
}

static void
test_pol_validate__findings_are_at_most_a_hundred(void **state)
{
	const struct pol_limits limits = { .max_chars = 100000 };
	struct buf json = BUF_INIT;
	struct pol_findings f;
	int i;

	(void)state;
	buf_puts(&json, "{\"Version\":\"2012-10-17\",\"Statement\":[1");
	for (i = 0; i < 500; i++)
		buf_puts(&json, ",1");
	buf_puts(&json, "]}");
	assert_int_equal(pol_validate(buf_cstr(&json), json.len, POL_IDENTITY, &limits, &f), 0);
	assert_int_equal(f.n, 100);
	assert_true(f.truncated);
	pol_findings_release(&f);
	buf_release(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pol_validate__finding_and_place),
		cmocka_unit_test(test_pol_validate__did_you_mean),
		cmocka_unit_test(test_pol_compile__errors_refuse_and_warnings_do_not),
		cmocka_unit_test(test_pol_compile__size_in_characters),
		cmocka_unit_test(test_pol_validate__findings_are_at_most_a_hundred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
