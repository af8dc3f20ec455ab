#include "common/base/base.h"

#include "iamctl/simulate.h"

/* ---- the answer ---- */

const char *
simulate_decision(enum pol_effect effect)
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

json_t *
simulate_match(const struct pol_match *m)
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

static const char *
silent_layer(enum pol_layer layer)
{
	switch (layer) {
	case POL_L_RESOURCE:
		return "The resource's policy does not allow it.";
	case POL_L_BOUNDARY:
		return "The permissions boundary does not allow it.";
	case POL_L_SCP:
		return "A service control policy does not allow it.";
	case POL_L_SESSION:
		return "The session policy does not allow it.";
	case POL_L_IDENTITY:
		break;
	}
	return "No statement allows it.";
}

void
simulate_sentence(const struct pol_decision *d, struct buf *ret)
{
	bool allowed = d->effect == POL_ALLOWED;
	const struct pol_match *m;
	unsigned i, n = 0;

	if (d->effect != POL_ALLOWED && d->effect != POL_EXPLICIT_DENY) {
		buf_puts(ret, silent_layer(d->denied_by));
		return;
	}
	for (i = 0; i < d->match_count; i++) {
		m = &d->matches[i];
		if (m->deny == allowed)
			continue;
		buf_puts(ret, n++ > 0 ? " and " : allowed ? "Allowed by " :
		    "Denied by ");
		buf_printf(ret, "statement %u", m->statement + 1);
		if (m->sid[0] != '\0')
			buf_printf(ret, " '%s'", m->sid);
		buf_printf(ret, " of %s", m->policy);
	}
	buf_puts(ret, n > 0 ? "." : allowed ? "Allowed." : "Denied.");
}

static int
put_matches(struct op_call *c, json_t *result, const struct pol_explanation *e)
{
	json_t *list = json_array();
	unsigned i;

	if (member_set(c, result, "MatchedStatements", list) != 0)
		return -1;
	for (i = 0; i < e->decision.match_count; i++)
		if (list_add(c, list, simulate_match(&e->decision.matches[i])) != 0)
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
		item = simulate_match(&e->reasons[i].match);
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
	    simulate_decision(run->why->decision.effect));
	if (page_add(&run->page, c, key, result) != 0)
		return -1;
	return put_result(c, result, run->boundary, run->why);
}

int
simulate_check_action(struct op_call *c, const char *action)
{
	const char *colon = strchr(action, ':');

	if (colon == NULL || colon == action || colon[1] == '\0' ||
	    strpbrk(action, "*? ") != NULL)
		return op_fail(c, "InvalidInput", "\"%.64s\" is not the name of one"
		    " action; an example: host:Login.", action);
	return 0;
}

static int
run_action(struct run *run, const char *action)
{
	const json_t *arns = json_object_get(run->c->in, "ResourceArns"), *arn;
	size_t i;

	if (simulate_check_action(run->c, action) != 0)
		return -1;
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
