/* The request side of a simulation: context entries, and policies that are given. */
#include "common/base/base.h"

#include "iamctl/simulate.h"

#define INPUT_POLICY_CHARS 131072

/* ---- context entries ---- */

static const struct {
	const char *name;
	enum pol_type type;
	const char *example;
} types[] = {
	{ "string", POL_T_STRING, "" },
	{ "numeric", POL_T_NUMERIC, "900" },
	{ "boolean", POL_T_BOOLEAN, "true" },
	{ "ip", POL_T_IP, "192.0.2.7" },
	{ "binary", POL_T_BINARY, "QQ==" },
	{ "date", POL_T_DATE, "2026-11-24T09:30:00Z" },
};

/* "numeric" and "numericList" are one; -1. */
static int
type_find(const char *type)
{
	size_t i, n;

	for (i = 0; i < IAM_COUNT(types); i++) {
		n = strlen(types[i].name);
		if (strncmp(type, types[i].name, n) == 0 &&
		    (type[n] == '\0' || strcmp(type + n, "List") == 0))
			return (int)i;
	}
	return -1;
}

static bool
is_list_type(const char *type)
{
	size_t len = strlen(type);

	return len > 4 && strcmp(type + len - 4, "List") == 0;
}

static int
check_entry(struct op_call *c, const json_t *entry, const struct context *x)
{
	const json_t *values = json_object_get(entry, "ContextKeyValues"), *v;
	const char *name = text_of(entry, "ContextKeyName");
	const char *type = text_of(entry, "ContextKeyType");
	int t = type_find(type);
	size_t i;

	if (name[0] == '\0' || strchr(name, ':') == NULL)
		return op_fail(c, "InvalidInput", "\"%.64s\" is not the name of a"
		    " context key; an example: aws:CurrentTime.", name);
	if (type[0] != '\0' && t < 0)
		return op_fail(c, "InvalidInput", "%s: \"%.32s\" is not a type of a"
		    " context key; an example: string.", name, type);
	if (json_array_size(values) > 1 && !is_list_type(type))
		return op_fail(c, "InvalidInput", "%s has several values: its"
		    " ContextKeyType must be a list, such as stringList.", name);
	json_array_foreach(values, i, v) {
		if (!json_is_string(v))
			return op_fail(c, "InvalidInput", "%s: a value is not a text.",
			    name);
		if (t >= 0 && !pol_value_is(types[t].type, json_string_value(v),
		    json_string_length(v)))
			return op_fail(c, "InvalidInput", "%s: \"%.64s\" is not a %s; an"
			    " example: %s. The type string takes any text.", name,
			    json_string_value(v), types[t].name, types[t].example);
	}
	for (i = 0; i < x->count; i++)
		if (name_cmp(x->keys[i].name, name) == 0)
			return op_fail(c, "InvalidInput", "The context key %s is given"
			    " twice.", name);
	return 0;
}

static int
add_entry(struct op_call *c, const json_t *entry, struct context *x)
{
	const json_t *values = json_object_get(entry, "ContextKeyValues");
	size_t i, n = json_array_size(values);
	struct pol_value *v;

	if (check_entry(c, entry, x) != 0)
		return -1;
	if ((v = calloc(n + 1, sizeof(*v))) == NULL)
		return no_memory(c);
	for (i = 0; i < n; i++) {
		v[i].p = json_string_value(json_array_get(values, i));
		v[i].len = json_string_length(json_array_get(values, i));
	}
	x->values[x->count] = v;
	x->keys[x->count++] = (struct pol_key){
		.name = text_of(entry, "ContextKeyName"), .values = v, .n = n,
		.multivalued = is_list_type(text_of(entry, "ContextKeyType")) };
	return 0;
}

/* Another present: day and time of the day follow it. */
int
context_now(struct op_call *c, const struct pol_key *keys, size_t n, int64_t *ret)
{
	char text[48]; /* no time is longer */
	size_t i, len;

	for (i = 0; i < n; i++) {
		if (keys[i].n != 1 || (name_cmp(keys[i].name, "aws:CurrentTime") != 0 &&
		    name_cmp(keys[i].name, "aws:EpochTime") != 0))
			continue;
		len = keys[i].values[0].len;
		if (len >= sizeof(text))
			len = sizeof(text) - 1;
		memcpy(text, keys[i].values[0].p, len);
		text[len] = '\0';
		if (!time_parse(text, ret))
			return op_fail(c, "InvalidInput", "%s: \"%.40s\" is not a time; an"
			    " example: 2026-11-24T09:30:00Z.", keys[i].name, text);
	}
	return 0;
}

int
context_read(struct op_call *c, struct context *x)
{
	const json_t *entries = json_object_get(c->in, "ContextEntries"), *entry;
	size_t i;

	if (json_array_size(entries) > CONTEXT_ENTRIES_MAX)
		return op_fail(c, "InvalidInput", "At most %d context entries.",
		    CONTEXT_ENTRIES_MAX);
	json_array_foreach(entries, i, entry) {
		if (add_entry(c, entry, x) != 0)
			return -1;
	}
	x->now_s = c->now_s;
	return context_now(c, x->keys, x->count, &x->now_s);
}

void
context_release(struct context *x)
{
	size_t i;

	for (i = 0; i < x->count; i++)
		free(x->values[i]);
	x->count = 0;
}

/* ---- policies ---- */

void
input_release(struct input_policies *in)
{
	size_t i;

	for (i = 0; i < in->n; i++)
		buf_release(&in->compiled[i]);
}

int
input_add(struct op_call *c, struct input_policies *in, const char *what,
    const char *text, enum pol_kind kind)
{
	struct buf *b = &in->compiled[in->n];
	json_t *warnings = c->warnings;
	int r;

	if (in->n == INPUT_POLICIES_MAX - 1)
		return op_fail(c, "InvalidInput", "At most %d policies in one list.",
		    INPUT_POLICIES_MAX - 1);
	snprintf(in->names[in->n], sizeof(in->names[in->n]), "%s.%zu", what,
	    in->n + 1);
	in->sources[in->n].name = in->names[in->n];
	in->n++;
	c->warnings = NULL; /* validate-policy warns */
	r = policy_compile(c, in->sources[in->n - 1].name, text, kind,
	    INPUT_POLICY_CHARS, b);
	c->warnings = warnings;
	if (r != 0) {
		/* What this operation calls a bad document. */
		if (strcmp(c->error_code, "MalformedPolicyDocument") == 0)
			c->error_code = "InvalidInput";
		return -1;
	}
	r = pol_open(b->p, b->len, &in->sources[in->n - 1].doc);
	return r != 0 ? op_fail_err(c, r, in->sources[in->n - 1].name) : 0;
}

int
input_read(struct op_call *c, struct input_policies *in, const char *param,
    enum pol_kind kind)
{
	const json_t *text;
	size_t i;

	json_array_foreach(json_object_get(c->in, param), i, text) {
		if (!json_is_string(text))
			return op_fail(c, "InvalidInput", "%s: a policy is not a text.",
			    param);
		if (input_add(c, in, param, json_string_value(text), kind) != 0)
			return -1;
	}
	return 0;
}
