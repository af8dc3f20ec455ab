#include "common/base/base.h"

#include "iamctl/simulate.h"

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

/* ---- the answer ---- */

static const char *
decision_name(enum pol_effect effect)
{
	switch (effect) {
	case POL_ALLOWED:
		return "allowed";
	case POL_EXPLICIT_DENY:
		return "explicitDeny";
	case POL_IMPLICIT_DENY:
		break;
	}
	return "implicitDeny";
}

static bool
begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* botocore's PolicySourceType. */
static const char *
source_type(const struct pol_match *m)
{
	if (m->layer == POL_L_RESOURCE)
		return "resource";
	if (begins(m->policy, AWS_POLICY_PREFIX))
		return "aws-managed";
	if (begins(m->policy, "arn:"))
		return "user-managed";
	if (begins(m->policy, "user_"))
		return "user";
	return begins(m->policy, "group_") ? "group" : "none";
}

static json_t *
match_shape(const struct pol_match *m)
{
	json_t *ret = json_pack("{s:s,s:s,s:i,s:s}", "SourcePolicyId", m->policy,
	    "SourcePolicyType", source_type(m), "StatementIndex",
	    (int)m->statement, "Effect", m->deny ? "Deny" : "Allow");

	if (ret != NULL && m->sid[0] != '\0' &&
	    json_object_set_new(ret, "Sid", json_string(m->sid)) != 0) {
		json_decref(ret);
		return NULL;
	}
	return ret;
}

static int
put_matches(struct op_call *c, json_t *result, const struct pol_explanation *e)
{
	json_t *list = json_array();
	unsigned i;

	if (member_set(c, result, "MatchedStatements", list) != 0)
		return -1;
	for (i = 0; i < e->decision.match_count; i++)
		if (list_add(c, list, match_shape(&e->decision.matches[i])) != 0)
			return -1;
	return 0;
}

static int
put_missing(struct op_call *c, json_t *result, const struct pol_explanation *e)
{
	json_t *list = json_array();
	unsigned i;

	if (member_set(c, result, "MissingContextValues", list) != 0)
		return -1;
	for (i = 0; i < e->missing_count; i++)
		if (list_add(c, list, json_string(e->missing[i])) != 0)
			return -1;
	return 0;
}

static int
put_reasons(struct op_call *c, json_t *result, const struct pol_explanation *e)
{
	json_t *list = json_array(), *item;
	unsigned i;

	if (member_set(c, result, "Explanation", list) != 0)
		return -1;
	for (i = 0; i < e->reason_count; i++) {
		item = match_shape(&e->reasons[i].match);
		if (list_add(c, list, item) != 0 ||
		    member_set(c, item, "Text", json_string(e->reasons[i].text)) != 0)
			return -1;
	}
	return 0;
}

/* Said only when it is known: a deny elsewhere leaves the boundary open. */
static int
put_boundary(struct op_call *c, json_t *result, const struct pol_decision *d)
{
	bool allowed = d->effect == POL_ALLOWED;

	if (!allowed && d->denied_by != POL_L_BOUNDARY)
		return 0;
	return member_set(c, result, "PermissionsBoundaryDecisionDetail",
	    json_pack("{s:b}", "AllowedByPermissionsBoundary", allowed));
}

static int
put_result(struct op_call *c, json_t *result, bool boundary,
    const struct pol_explanation *e)
{
	if (put_matches(c, result, e) != 0 || put_missing(c, result, e) != 0 ||
	    put_reasons(c, result, e) != 0)
		return -1;
	return boundary ? put_boundary(c, result, &e->decision) : 0;
}

/* ---- every action on every resource ---- */

struct run {
	struct op_call *c;
	struct page page;
	const char *host_arn;
	bool boundary;
	simulate_one *one;
	void *arg;
	struct pol_explanation *why;
	size_t n;
};

static int
run_one(struct run *run, const char *action, const char *resource)
{
	struct op_call *c = run->c;
	json_t *result;
	char key[32];

	snprintf(key, sizeof(key), "%09zu", run->n++);
	if (!page_wants(&run->page, key))
		return 0;
	if (run->one(run->arg, action, resource, run->why) != 0)
		return -1;
	result = json_pack("{s:s,s:s,s:s}", "EvalActionName", action,
	    "EvalResourceName", resource, "EvalDecision",
	    decision_name(run->why->decision.effect));
	if (page_add(&run->page, c, key, result) != 0)
		return -1;
	return put_result(c, result, run->boundary, run->why);
}

static int
run_action(struct run *run, const char *action)
{
	const json_t *arns = json_object_get(run->c->in, "ResourceArns"), *arn;
	const char *colon = strchr(action, ':');
	size_t i;

	if (colon == NULL || colon == action || colon[1] == '\0' ||
	    strpbrk(action, "*? ") != NULL)
		return op_fail(run->c, "InvalidInput", "\"%.64s\" is not the name of one"
		    " action; an example: host:Login.", action);
	if (json_array_size(arns) == 0)
		return run_one(run, action, run->host_arn[0] != '\0' &&
		    begins(action, "host:") ? run->host_arn : "*");
	json_array_foreach(arns, i, arn) {
		if (run_one(run, action, json_is_string(arn) ?
		    json_string_value(arn) : "") != 0)
			return -1;
	}
	return 0;
}

int
simulate(struct op_call *c, const char *host_arn, bool boundary,
    simulate_one *one, void *arg)
{
	struct run run = { .c = c, .host_arn = host_arn, .boundary = boundary,
		.one = one, .arg = arg };
	const json_t *action;
	size_t i;
	int r = -1;

	if (page_init(&run.page, c) != 0)
		return -1;
	if ((run.why = calloc(1, sizeof(*run.why))) == NULL) {
		no_memory(c);
		goto out;
	}
	json_array_foreach(json_object_get(c->in, "ActionNames"), i, action) {
		if (run_action(&run, json_is_string(action) ?
		    json_string_value(action) : "") != 0)
			goto out;
	}
	r = page_end(&run.page, c, "EvaluationResults");
out:
	page_release(&run.page);
	free(run.why);
	return r;
}
