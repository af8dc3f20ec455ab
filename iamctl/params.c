#include "common/base/base.h"

#include <ctype.h>

#include "iamctl/call.h"
#include "iamctl/cli.h"

/* How errors and events write a name: "userName". */
static const char *
camel(const char *name, char ret[OP_KEBAB_MAX])
{
	snprintf(ret, OP_KEBAB_MAX, "%s", name);
	ret[0] = (char)tolower((unsigned char)ret[0]);
	return ret;
}

static int
constraint(struct op_call *c, const struct op_param *p, const char *fmt,
    const char *what)
{
	char name[OP_KEBAB_MAX], text[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), fmt, what);
#pragma GCC diagnostic pop
	return op_fail(c, "ValidationError", "1 validation error detected: Value "
	    "at '%s' failed to satisfy constraint: %s", camel(p->name, name), text);
}

static int
bound(struct op_call *c, const struct op_param *p, const char *fmt, long n)
{
	char number[32];

	snprintf(number, sizeof(number), "%ld", n);
	return constraint(c, p, fmt, number);
}

static bool
is_code(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return s[n] == '\0' && (n == 6 || n == 8);
}

/* Source: AWS, iam CreateAccountAlias: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$ */
bool
call_is_alias(const char *s)
{
	size_t i, n = strlen(s);

	if (n < 3 || n > 63 || s[0] == '-' || s[n - 1] == '-' ||
	    strstr(s, "--") != NULL)
		return false;
	for (i = 0; i < n; i++)
		if (!islower((unsigned char)s[i]) &&
		    !isdigit((unsigned char)s[i]) && s[i] != '-')
			return false;
	return true;
}

static bool
is_path_prefix(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (s[i] < 0x21 || s[i] > 0x7e)
			return false;
	return s[0] == '/';
}

/* arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, without blanks. */
static bool
is_arn(const char *s)
{
	unsigned colons = 0;
	const char *p;

	if (strncmp(s, "arn:", 4) != 0)
		return false;
	for (p = s; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
		if (*p == ':' && ++colons == 5 && p[1] == '\0')
			return false;
	}
	return colons >= 5;
}

/* An absolute path without "." and "..", which passwd(5) can hold. */
static bool
is_unix_path(const char *s)
{
	const char *p;

	if (s[0] != '/' || strlen(s) > 255)
		return false;
	for (p = s; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == ':')
			return false;
		if (p[0] == '/' && p[1] == '.' && (p[2] == '/' || p[2] == '\0' ||
		    (p[2] == '.' && (p[3] == '/' || p[3] == '\0'))))
			return false;
	}
	return true;
}

static int
check_pattern(struct op_call *c, const struct op_param *p, const char *s)
{
	char name[OP_KEBAB_MAX];

	camel(p->name, name);
	switch (p->pattern) {
	case OP_ANY:
		return 0;
	case OP_IAM_NAME:
		return name_is_iam(s, 128) ? 0 : op_fail(c, "ValidationError",
		    "The specified value for %s is invalid. It must contain only "
		    "alphanumeric characters and/or the following: +=,.@_-", name);
	case OP_PATH:
		return name_is_path(s) ? 0 : op_fail(c, "ValidationError",
		    "The specified value for %s is invalid. It must begin and end "
		    "with / and contain only visible ASCII characters.", name);
	case OP_PATH_PREFIX:
		return is_path_prefix(s) ? 0 : op_fail(c, "ValidationError",
		    "The specified value for %s is invalid. It must begin with / "
		    "and contain only visible ASCII characters.", name);
	case OP_ARN:
		return is_arn(s) ? 0 : op_fail(c, "InvalidInput", "ARN %s is not "
		    "valid.", s);
	case OP_CODE6:
		return is_code(s) ? 0 : constraint(c, p, "Member must satisfy "
		    "regular expression pattern: %s", "[\\d]+, six digits");
	case OP_ACCOUNT_ALIAS:
		return call_is_alias(s) ? 0 : constraint(c, p, "Member must satisfy "
		    "regular expression pattern: %s",
		    "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$");
	case OP_UNIX_NAME:
		return name_is_unix(s) ? 0 : op_fail(c, "ValidationError",
		    "The specified value for %s is invalid. A Unix name is "
		    "[a-z_][a-z0-9_.-]*, at most %d characters, and not all digits.",
		    name, IAM_UNIX_NAME_MAX);
	case OP_UNIX_PATH:
		return is_unix_path(s) ? 0 : op_fail(c, "ValidationError",
		    "The specified value for %s is invalid. It must be an absolute "
		    "path without '.', '..', ':' and control characters.", name);
	}
	return op_fail_err(c, IAM_ERR_BUG, p->name);
}

static int
check_choice(struct op_call *c, const struct op_param *p, const char *s)
{
	char list[256];
	size_t i, n = 0;

	if (p->choices == NULL || cli_is_choice(p->choices, s))
		return 0;
	for (i = 0; p->choices[i] != '\0' && n + 3 < sizeof(list); i++) {
		list[n++] = p->choices[i] == '|' ? ',' : p->choices[i];
		if (p->choices[i] == '|')
			list[n++] = ' ';
	}
	list[n] = '\0';
	return constraint(c, p, "Member must satisfy enum value set: [%s]", list);
}

static int
check_string(struct op_call *c, const struct op_param *p, const json_t *v)
{
	const char *s = json_string_value(v);
	long len = (long)json_string_length(v);

	if (strlen(s) != (size_t)len)
		return constraint(c, p, "%s", "Member must not contain NUL");
	if (p->min != 0 && len < p->min)
		return bound(c, p, "Member must have length greater than or equal "
		    "to %s", p->min);
	if (p->max != 0 && len > p->max)
		return bound(c, p, "Member must have length less than or equal to "
		    "%s", p->max);
	if (check_pattern(c, p, s) != 0)
		return -1;
	return check_choice(c, p, s);
}

static int
check_int(struct op_call *c, const struct op_param *p, const json_t *v)
{
	json_int_t n = json_integer_value(v);

	if (p->min == 0 && p->max == 0)
		return 0;
	if (n < p->min)
		return bound(c, p, "Member must have value greater than or equal to "
		    "%s", p->min);
	if (p->max != 0 && n > p->max)
		return bound(c, p, "Member must have value less than or equal to %s",
		    p->max);
	return 0;
}

static int
check_list(struct op_call *c, const struct op_param *p, const json_t *v)
{
	const json_t *item;
	size_t i;
	long n = (long)json_array_size(v);

	if (p->min != 0 && n < p->min)
		return bound(c, p, "Member must have length greater than or equal "
		    "to %s", p->min);
	if (p->max != 0 && n > p->max)
		return bound(c, p, "Member must have length less than or equal to "
		    "%s", p->max);
	if (p->type != OP_LIST && p->type != OP_TAG_KEYS)
		return 0;
	json_array_foreach(v, i, item)
		if (check_pattern(c, p, json_string_value(item)) != 0 ||
		    check_choice(c, p, json_string_value(item)) != 0)
			return -1;
	return 0;
}

static int
check_value(struct op_call *c, const struct op_param *p, const json_t *v)
{
	switch (p->type) {
	case OP_STRING:
	case OP_DOCUMENT:
	case OP_SECRET:
	case OP_OUTFILE:
	case OP_INFILE:
		return json_is_string(v) ? check_string(c, p, v) :
		    constraint(c, p, "%s", "Member must be a string");
	case OP_INT:
		return json_is_integer(v) ? check_int(c, p, v) :
		    constraint(c, p, "%s", "Member must be a whole number");
	case OP_BOOL:
		return json_is_boolean(v) ? 0 :
		    constraint(c, p, "%s", "Member must be true or false");
	case OP_LIST:
	case OP_TAGS:
	case OP_TAG_KEYS:
	case OP_STRUCTS:
		return json_is_array(v) ? check_list(c, p, v) :
		    constraint(c, p, "%s", "Member must be a list");
	}
	return op_fail_err(c, IAM_ERR_BUG, p->name);
}

static json_t *
fallback_value(const struct op_param *p)
{
	json_error_t e;

	if (p->type == OP_STRING || p->type == OP_DOCUMENT ||
	    p->type == OP_OUTFILE || p->type == OP_INFILE)
		return json_string(p->fallback);
	/* Numbers, booleans and lists as JSON. */
	return json_loads(p->fallback, JSON_DECODE_ANY, &e);
}

static int
put_default(struct op_call *c, const struct op_param *p)
{
	if (json_object_set_new(c->in, p->name, fallback_value(p)) != 0)
		return op_fail_err(c, IAM_ERR_MEMORY, p->name);
	return 0;
}

static int
check_unknown(struct op_call *c)
{
	const char *name;
	json_t *v;

	json_object_foreach(c->in, name, v)
		if (op_param_find(c->op, name) == NULL)
			return op_fail(c, "ValidationError",
			    "Unknown parameter '%s'.", name);
	return 0;
}

int
call_check_params(struct op_call *c)
{
	const struct op_param *p;
	const json_t *v;

	if (check_unknown(c) != 0)
		return -1;
	for (p = c->op->params; p != NULL && p->name != NULL; p++) {
		v = json_object_get(c->in, p->name);
		if (v == NULL && p->required)
			return constraint(c, p, "%s", "Member must not be null");
		if (v != NULL && check_value(c, p, v) != 0)
			return -1;
		if (v == NULL && p->fallback != NULL && put_default(c, p) != 0)
			return -1;
	}
	return 0;
}
