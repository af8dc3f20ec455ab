/*
 * Every operator with every qualifier, with and without IfExists, on a key in
 * every state. The tables are the IAM User Guide's ("Condition operators",
 * "Multivalued context keys", "IfExists") and iam-policy(5)'s for what the guide
 * leaves open.
 */
#include "tests/policy/harness.h"

static const struct {
	const char *name;
	bool negated;
	const char *wanted;           /* in the document, as JSON */
	const char *yes, *also, *no;  /* in the request: two that match, one that does not */
	const char *odd;              /* cannot be read as the type; NULL: all can */
} operators[] = {
	{ "StringEquals", false, "[\"a\",\"b\"]", "a", "b", "A", NULL },
	{ "StringNotEquals", true, "[\"a\",\"b\"]", "a", "b", "A", NULL },
	{ "StringEqualsIgnoreCase", false, "[\"aB\",\"\xc3\xa9\"]", "Ab", "\xc3\xa9", "\xc3\x89", NULL },
	{ "StringNotEqualsIgnoreCase", true, "[\"aB\",\"\xc3\xa9\"]", "Ab", "\xc3\xa9", "\xc3\x89", NULL },
	{ "StringLike", false, "[\"a*\",\"?\"]", "abc", "\xe2\x82\xac", "ba", NULL },
	{ "StringNotLike", true, "[\"a*\",\"?\"]", "abc", "\xe2\x82\xac", "ba", NULL },
	{ "NumericEquals", false, "[5,\"7.0\"]", "5.00", "7", "5.0001", "5x" },
	{ "NumericNotEquals", true, "[5,\"7.0\"]", "5.00", "7", "5.0001", "5x" },
	{ "NumericLessThan", false, "\"10\"", "9", "-11", "10", "9a" },
	{ "NumericLessThanEquals", false, "\"10\"", "10", "9.99", "10.01", "" "0x1" },
	{ "NumericGreaterThan", false, "\"10\"", "10.5", "100", "10", "1e3" },
	{ "NumericGreaterThanEquals", false, "\"10\"", "10", "11", "9.999", "ten" },
	{ "DateEquals", false, "\"2026-11-24T09:30:00Z\"", "1795512600", "2026-11-24T10:30:00+01:00", "2026-11-24", "2026-02-30" },
	{ "DateNotEquals", true, "\"2026-11-24T09:30:00Z\"", "1795512600", "2026-11-24T10:30:00+01:00", "2026-11-24", "2026-02-30" },
	{ "DateLessThan", false, "\"2026-11-24\"", "2026-11-23T23:59:59Z", "0", "2026-11-24T00:00:00Z", "yesterday" },
	{ "DateLessThanEquals", false, "\"2026-11-24\"", "2026-11-24T00:00:00Z", "-5", "2026-11-24T00:00:00.5Z", "24.11.2026" },
	{ "DateGreaterThan", false, "\"2026-11-24\"", "2026-11-24T00:00:00.001Z", "2100-01-01", "2026-11-24", "2026-11-24T10:00" },
	{ "DateGreaterThanEquals", false, "\"2026-11-24\"", "2026-11-24", "2027", "2026-11-23T23:59:59Z", "2026-13" },
	{ "Bool", false, "\"true\"", "true", "true", "false", "True" },
	{ "BinaryEquals", false, "[\"YQ==\",\"YWI=\"]", "YQ==", "YWI=", "YWJj", "YQ" },
	{ "IpAddress", false, "[\"192.0.2.0/24\",\"2001:db8::/32\"]", "192.0.2.255", "2001:DB8::9", "192.0.3.0", "192.0.2" },
	{ "NotIpAddress", true, "[\"192.0.2.0/24\",\"2001:db8::/32\"]", "192.0.2.255", "2001:DB8::9", "192.0.3.0", "192.0.2" },
	{ "ArnEquals", false, "[\"arn:aws:s3:::a*\",\"arn:aws:sns:*:*:t:?\"]", "arn:aws:s3:::ab:c", "arn:aws:sns:e:1:t:x", "arn:aws:s3:e::a", "arn:aws:s3" },
	{ "ArnNotEquals", true, "[\"arn:aws:s3:::a*\",\"arn:aws:sns:*:*:t:?\"]", "arn:aws:s3:::ab:c", "arn:aws:sns:e:1:t:x", "arn:aws:s3:e::a", "arn:aws:s3" },
	{ "ArnLike", false, "[\"arn:aws:s3:::a*\",\"arn:aws:sns:*:*:t:?\"]", "arn:aws:s3:::ab:c", "arn:aws:sns:e:1:t:x", "arn:aws:s3:e::a", "user/sarah" },
	{ "ArnNotLike", true, "[\"arn:aws:s3:::a*\",\"arn:aws:sns:*:*:t:?\"]", "arn:aws:s3:::ab:c", "arn:aws:sns:e:1:t:x", "arn:aws:s3:e::a", "user/sarah" },
	{ "TimeOfDayWithin", false, "[\"Tue 09:00-17:00\",\"Fri 22:00-06:00\"]", "2026-11-24T09:30:00Z", "2026-11-28T05:59:59Z", "2026-11-24T17:00:00Z", "Tue" },
	{ "TimeOfDayNotWithin", true, "[\"Tue 09:00-17:00\",\"Fri 22:00-06:00\"]", "2026-11-24T09:30:00Z", "2026-11-28T05:59:59Z", "2026-11-24T17:00:00Z", "Tue" },
};

enum state { MATCH, NO_MATCH, MISSING, EMPTY_TEXT, EMPTY_SET, EMPTY_TEXTS, BOTH_MATCH, ONE_MATCHES,
	NONE_MATCHES, ODD, MATCH_AND_ODD, STATES };

/* One column each: none, IfExists, ForAllValues, ForAllValues and IfExists,
 * ForAnyValue, ForAnyValue and IfExists. y: the condition holds; n: it does not;
 * ?: nobody can tell, so no Allow applies, and every Deny. */
static const char plain[STATES][7] = {
	[MATCH] = "yyyyyy",
	[NO_MATCH] = "nnnnnn",
	[MISSING] = "nyyynn",
	[EMPTY_TEXT] = "nyyynn",
	[EMPTY_SET] = "nyyynn",
	[EMPTY_TEXTS] = "nyyynn",
	[BOTH_MATCH] = "??yyyy",
	[ONE_MATCHES] = "??nnyy",
	[NONE_MATCHES] = "??nnnn",
	[ODD] = "??????",
	[MATCH_AND_ODD] = "??????",
};
static const char negated[STATES][7] = {
	[MATCH] = "nnnnnn",
	[NO_MATCH] = "yyyyyy",
	[MISSING] = "yyyynn",
	[EMPTY_TEXT] = "yyyynn",
	[EMPTY_SET] = "yyyynn",
	[EMPTY_TEXTS] = "yyyynn",
	[BOTH_MATCH] = "??nnnn",
	[ONE_MATCHES] = "??nnyy",
	[NONE_MATCHES] = "??yyyy",
	[ODD] = "??????",
	[MATCH_AND_ODD] = "??????",
};

static const char *const qualifiers[3] = { "", "ForAllValues:", "ForAnyValue:" };

/* Put the key in its state; false where the operator has no such state. */
static bool
put_key(struct asker *a, size_t op, enum state state)
{
	const char *yes = operators[op].yes, *no = operators[op].no;

	switch (state) {
	case MATCH: asker_key(a, "aws:PrincipalTag/t", yes, NULL); break;
	case NO_MATCH: asker_key(a, "aws:PrincipalTag/t", no, NULL); break;
	case EMPTY_TEXT: asker_key(a, "aws:PrincipalTag/t", "", NULL); break;
	case EMPTY_SET: asker_key(a, "aws:PrincipalTag/t", NULL, NULL); break;
	case EMPTY_TEXTS: asker_key(a, "aws:PrincipalTag/t", "", "", NULL); break;
	case BOTH_MATCH: asker_key(a, "aws:PrincipalTag/t", yes, operators[op].also, NULL); break;
	case ONE_MATCHES: asker_key(a, "aws:PrincipalTag/t", no, yes, NULL); break;
	case NONE_MATCHES: asker_key(a, "aws:PrincipalTag/t", no, no, NULL); break;
	case ODD: asker_key(a, "aws:PrincipalTag/t", operators[op].odd, NULL); break;
	case MATCH_AND_ODD: asker_key(a, "aws:PrincipalTag/t", yes, operators[op].odd, NULL); break;
	case MISSING: case STATES: break;
	}
	return operators[op].odd != NULL || state < ODD;
}

static bool
holds(struct asker *a, const char *effect, const char *operator, const char *wanted)
{
	struct pol_set set = { 0 };
	enum pol_effect e;
	char json[512];

	snprintf(json, sizeof(json), "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
	    "\"%s\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"%s\":"
	    "{\"aws:principaltag/T\":%s}}}}", effect, operator, wanted);
	a->docs = 0;
	set.identity = (struct pol_list){ asker_doc(a, POL_IDENTITY, json), 1 };
	e = asker_ask(a, &set);
	asker_release(a);
	return e == (effect[0] == 'A' ? POL_ALLOWED : POL_EXPLICIT_DENY);
}

static void
check(size_t op, enum state state, unsigned column)
{
	char want = (operators[op].negated ? negated : plain)[state][column], name[64];
	struct asker a;

	asker_init(&a);
	if (!put_key(&a, op, state))
		return;
	snprintf(name, sizeof(name), "%s%s%s", qualifiers[column / 2], operators[op].name,
	    column % 2 != 0 ? "IfExists" : "");
	if (holds(&a, "Allow", name, operators[op].wanted) != (want == 'y'))
		fail_msg("%s, state %d: the Allow", name, (int)state);
	if (holds(&a, "Deny", name, operators[op].wanted) != (want != 'n'))
		fail_msg("%s, state %d: the Deny", name, (int)state);
}

static void
test_conditions__operators_qualifiers_states(void **state)
{
	unsigned column;
	size_t op;
	int s;

	(void)state;
	for (op = 0; op < IAM_COUNT(operators); op++)
		for (s = 0; s < STATES; s++)
			for (column = 0; column < 6; column++)
				check(op, (enum state)s, column);
}

/* Null asks for existence, with any qualifier; both truth values always hold. */
static void
test_conditions__null(void **state)
{
	static const char *const names[] = { "Null", "ForAllValues:Null", "ForAnyValue:Null" };
	struct asker a;
	bool missing;
	size_t i;
	int s;

	(void)state;
	for (i = 0; i < IAM_COUNT(names); i++)
		for (s = 0; s < STATES; s++) {
			missing = s == MISSING || s == EMPTY_TEXT || s == EMPTY_SET || s == EMPTY_TEXTS;
			asker_init(&a);
			if (!put_key(&a, 0, (enum state)s))
				continue;
			assert_true(holds(&a, "Allow", names[i], "\"true\"") == missing);
			assert_true(holds(&a, "Allow", names[i], "false") == !missing);
			assert_true(holds(&a, "Deny", names[i], "[true,\"false\"]"));
			assert_false(holds(&a, "Deny", names[i], "[]"));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions__operators_qualifiers_states),
		cmocka_unit_test(test_conditions__null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
