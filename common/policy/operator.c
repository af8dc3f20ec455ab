/* Names of the language: operators, and keys of which more is known. */
#include "common/base/base.h"
#include "common/policy/internal.h"

static const struct cf_operator operators[] = {
	{ "StringEquals", OP_STRING_EQ, 0 },
	{ "StringNotEquals", OP_STRING_EQ, PC_NEGATED },
	{ "StringEqualsIgnoreCase", OP_STRING_EQ_CASE, 0 },
	{ "StringNotEqualsIgnoreCase", OP_STRING_EQ_CASE, PC_NEGATED },
	{ "StringLike", OP_STRING_LIKE, 0 },
	{ "StringNotLike", OP_STRING_LIKE, PC_NEGATED },
	{ "NumericEquals", OP_NUM_EQ, 0 },
	{ "NumericNotEquals", OP_NUM_EQ, PC_NEGATED },
	{ "NumericLessThan", OP_NUM_LT, 0 },
	{ "NumericLessThanEquals", OP_NUM_LE, 0 },
	{ "NumericGreaterThan", OP_NUM_GT, 0 },
	{ "NumericGreaterThanEquals", OP_NUM_GE, 0 },
	{ "DateEquals", OP_DATE_EQ, 0 },
	{ "DateNotEquals", OP_DATE_EQ, PC_NEGATED },
	{ "DateLessThan", OP_DATE_LT, 0 },
	{ "DateLessThanEquals", OP_DATE_LE, 0 },
	{ "DateGreaterThan", OP_DATE_GT, 0 },
	{ "DateGreaterThanEquals", OP_DATE_GE, 0 },
	{ "Bool", OP_BOOL, 0 },
	{ "BinaryEquals", OP_BINARY, 0 },
	{ "IpAddress", OP_IP, 0 },
	{ "NotIpAddress", OP_IP, PC_NEGATED },
	{ "ArnEquals", OP_ARN, PC_ARN_EQUALS },
	{ "ArnNotEquals", OP_ARN, PC_ARN_EQUALS | PC_NEGATED },
	{ "ArnLike", OP_ARN, 0 },
	{ "ArnNotLike", OP_ARN, PC_NEGATED },
	{ "Null", OP_NULL, 0 },
	{ "TimeOfDayWithin", OP_WINDOW, 0 },
	{ "TimeOfDayNotWithin", OP_WINDOW, PC_NEGATED },
};

static const struct {
	const char *name;
	uint8_t qual;
} qualifiers[] = {
	{ "ForAllValues:", QUAL_ALL },
	{ "ForAnyValue:", QUAL_ANY },
};

static const char if_exists[] = "IfExists";

bool
cf_operator_parse(const char *name, uint8_t *ret_op, uint8_t *ret_qual,
    uint8_t *ret_flags)
{
	size_t i, n, tail = sizeof(if_exists) - 1;
	bool optional = false;

	*ret_qual = QUAL_NONE;
	for (i = 0; i < IAM_COUNT(qualifiers); i++) {
		n = strlen(qualifiers[i].name);
		if (strncmp(name, qualifiers[i].name, n) == 0) {
			*ret_qual = qualifiers[i].qual;
			name += n;
			break;
		}
	}
	n = strlen(name);
	if (n > tail && memcmp(name + n - tail, if_exists, tail) == 0) {
		optional = true;
		n -= tail;
	}
	for (i = 0; i < IAM_COUNT(operators); i++) {
		if (strlen(operators[i].name) != n ||
		    memcmp(operators[i].name, name, n) != 0)
			continue;
		*ret_op = operators[i].op;
		*ret_flags = (uint8_t)(operators[i].flags | (optional ? PC_IF_EXISTS : 0));
		return !(optional && operators[i].op == OP_NULL);
	}
	return false;
}

const char *
cf_operator_name(uint8_t op, uint8_t flags)
{
	size_t i;

	flags &= (uint8_t)~PC_IF_EXISTS;
	for (i = 0; i < IAM_COUNT(operators); i++)
		if (operators[i].op == op && operators[i].flags == flags)
			return operators[i].name;
	return NULL;
}

const char *
cf_operator_at(size_t i)
{
	return i < IAM_COUNT(operators) ? operators[i].name : NULL;
}

/* Keys that AWS documents as multivalued; tags under them have a key part. */
static const char *const multivalued[] = { "aws:CalledVia", "aws:PrincipalOrgPaths",
	"aws:PrincipalServiceNamesList", "aws:ResourceOrgPaths", "aws:SourceOrgPaths",
	"aws:TagKeys" };

static const char *const single[] = { "aws:CurrentTime", "aws:EpochTime",
	"aws:MultiFactorAuthAge", "aws:MultiFactorAuthPresent", "aws:PrincipalAccount",
	"aws:PrincipalArn", "aws:PrincipalType", "aws:RequestedRegion",
	"aws:ResourceAccount", "aws:SecureTransport", "aws:SourceAccount",
	"aws:SourceArn", "aws:SourceIp", "aws:SourceIdentity", "aws:TokenIssueTime",
	"aws:userid", "aws:username", "aws:VpcSourceIp", "host:AuthenticationMethod",
	"host:CommandLine", "host:DayOfWeek", "host:KeyAge", "host:KeyId",
	"host:KeySize", "host:KeyType", "host:LocalTime", "host:Remote",
	"host:RunAsGroup", "host:RunAsUser", "host:Service", "host:Tty" };

static bool
among(const char *const *list, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ascii_equal_case(list[i], strlen(list[i]), name, strlen(name)))
			return true;
	return false;
}

bool
key_is_multivalued(const char *name)
{
	return among(multivalued, IAM_COUNT(multivalued), name);
}

bool
key_is_single(const char *name)
{
	return among(single, IAM_COUNT(single), name);
}

bool
key_is_date(const char *name)
{
	static const char *const dates[] = { "aws:CurrentTime", "aws:EpochTime",
		"aws:TokenIssueTime" };

	return among(dates, IAM_COUNT(dates), name);
}
