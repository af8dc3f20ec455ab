/* The request side of a simulation: context entries, and policies that are given. */
#include "common/base/base.h"

#include "iamctl/simulate.h"

#define INPUT_POLICY_CHARS 131072

/* ---- context entries ---- */

static bool
type_known(const char *type)
{
	static const char *const types[] = { "string", "stringList", "numeric",
		"numericList", "boolean", "booleanList", "ip", "ipList", "binary",
		"binaryList", "date", "dateList" };
	size_t i;

	for (i = 0; i < IAM_COUNT(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
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
	size_t i;

	if (name[0] == '\0' || strchr(name, ':') == NULL)
		return op_fail(c, "InvalidInput", "\"%.64s\" is not the name of a"
		    " context key; an example: aws:CurrentTime.", name);
	if (type[0] != '\0' && !type_known(type))
		return op_fail(c, "InvalidInput", "%s: \"%.32s\" is not a type of a"
		    " context key; an example: string.", name, type);
	if (json_array_size(values) > 1 && !is_list_type(type))
		return op_fail(c, "InvalidInput", "%s has several values: its"
		    " ContextKeyType must be a list, such as stringList.", name);
	json_array_foreach(values, i, v) {
		if (!json_is_string(v))
			return op_fail(c, "InvalidInput", "%s: a value is not a text.",
			    name);
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
static int
set_now(struct op_call *c, struct context *x)
{
	const struct pol_key *k;
	size_t i;

	x->now_s = c->now_s;
	for (i = 0; i < x->count; i++) {
		k = &x->keys[i];
		if (k->n != 1 || (name_cmp(k->name, "aws:CurrentTime") != 0 &&
		    name_cmp(k->name, "aws:EpochTime") != 0))
			continue;
		if (!time_parse(k->values[0].p, &x->now_s))
			return op_fail(c, "InvalidInput", "%s: \"%.40s\" is not a time; an"
			    " example: 2026-11-24T09:30:00Z.", k->name, k->values[0].p);
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
	return set_now(c, x);
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
	int r;

	if (in->n == INPUT_POLICIES_MAX - 1)
		return op_fail(c, "InvalidInput", "At most %d policies in one list.",
		    INPUT_POLICIES_MAX - 1);
	snprintf(in->names[in->n], sizeof(in->names[in->n]), "%s.%zu", what,
	    in->n + 1);
	in->sources[in->n].name = in->names[in->n];
	in->n++;
	if (policy_compile(c, in->sources[in->n - 1].name, text, kind,
	    INPUT_POLICY_CHARS, b) != 0) {
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
	const char *what = strcmp(param, "PolicyInputList") == 0 ?
	    "PolicyInputList" : "PermissionsBoundaryPolicyInputList";
	const json_t *text;
	size_t i;

	json_array_foreach(json_object_get(c->in, param), i, text) {
		if (!json_is_string(text))
			return op_fail(c, "InvalidInput", "%s: a policy is not a text.",
			    param);
		if (input_add(c, in, what, json_string_value(text), kind) != 0)
			return -1;
	}
	return 0;
}
