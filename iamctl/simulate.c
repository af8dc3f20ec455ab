#include "common/base/base.h"

#include "iamctl/output.h"
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
	if (begins(m->policy, "role_"))
		return "role";
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
simulate_sentence(const struct pol_explanation *e, const char *action, struct buf *ret)
{
	const struct pol_decision *d = &e->decision;
	bool allowed = d->effect == POL_ALLOWED;
	const struct pol_match *m;
	unsigned i, n = 0;

	if (d->effect != POL_ALLOWED && d->effect != POL_EXPLICIT_DENY) {
		if (e->reason_count == 0)
			buf_printf(ret, "No statement names %s.", action);
		else
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

/* Where the statement stands in its document, if that is at hand. */
static int
put_position(struct op_call *c, json_t *match, const struct pol_match *m,
    const json_t *texts)
{
	const json_t *text = json_object_get(texts, m->policy);
	struct pol_span span;

	if (text == NULL || !pol_statement_span(json_string_value(text),
	    json_string_length(text), m->statement, &span))
		return 0;
	if (member_set(c, match, "StartPosition", json_pack("{s:i,s:i}", "Line",
	    (int)span.line, "Column", (int)span.col)) != 0)
		return -1;
	return member_set(c, match, "EndPosition", json_pack("{s:i,s:i}", "Line",
	    (int)span.end_line, "Column", (int)span.end_col));
}

static int
put_matches(const struct simulation *s, json_t *result,
    const struct pol_explanation *e)
{
	json_t *list = json_array(), *item;
	unsigned i;

	if (member_set(s->c, result, "MatchedStatements", list) != 0)
		return -1;
	for (i = 0; i < e->decision.match_count; i++) {
		item = simulate_match(&e->decision.matches[i]);
		if (list_add(s->c, list, item) != 0 ||
		    put_position(s->c, item, &e->decision.matches[i], s->texts) != 0)
			return -1;
	}
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

/* Between accounts both sides must allow: what each says. Within one, as in AWS,
 * the member is empty. */
static int
put_details(const struct simulation *s, json_t *result, const char *resource,
    const struct pol_explanation *e)
{
	json_t *details = json_object();
	char room[13];
	const char *owner = simulate_owner(s->c, resource, room);

	if (member_set(s->c, result, "EvalDecisionDetails", details) != 0)
		return -1;
	if (owner == NULL || strcmp(owner, s->account) == 0)
		return 0;
	if (member_set(s->c, details, "IAM Policy", json_string(simulate_decision(
	    e->says[POL_L_IDENTITY]))) != 0)
		return -1;
	return member_set(s->c, details, "Resource Policy", json_string(
	    simulate_decision(e->says[POL_L_RESOURCE])));
}

static int
put_limits(const struct simulation *s, json_t *result,
    const struct pol_explanation *e)
{
	bool allows;

	if (s->boundary) {
		allows = e->says[POL_L_BOUNDARY] == POL_ALLOWED;
		if (member_set(s->c, result, "PermissionsBoundaryDecisionDetail",
		    json_pack("{s:b}", "AllowedByPermissionsBoundary", allows)) != 0)
			return -1;
	}
	if (!s->scp)
		return 0;
	allows = e->says[POL_L_SCP] == POL_ALLOWED;
	return member_set(s->c, result, "OrganizationsDecisionDetail",
	    json_pack("{s:b}", "AllowedByOrganizations", allows));
}

/* Beyond AWS's shape: a sentence, and one about each statement that is near. */
static int
put_reasons(struct op_call *c, json_t *result, const struct pol_explanation *e)
{
	static const char *const nearness[] = { [POL_NEAR_MATCHED] = "full",
		[POL_NEAR_ACTION_ONLY] = "action", [POL_NEAR_CONDITION] = "condition" };
	json_t *list = json_array(), *item;
	struct buf b = BUF_INIT;
	unsigned i;
	int r;

	simulate_sentence(e, text_of(result, "EvalActionName"), &b);
	r = member_set(c, result, "Summary", json_string(buf_cstr(&b)));
	buf_release(&b);
	if (r != 0 || member_set(c, result, "Explanation", list) != 0)
		return -1;
	for (i = 0; i < e->reason_count; i++) {
		item = simulate_match(&e->reasons[i].match);
		if (list_add(c, list, item) != 0 || member_set(c, item, "Match",
		    json_string(nearness[e->reasons[i].near])) != 0 ||
		    member_set(c, item, "Text", json_string(e->reasons[i].text)) != 0)
			return -1;
	}
	return 0;
}

static int
put_result(const struct simulation *s, json_t *result, const char *resource,
    const struct pol_explanation *e)
{
	if (put_matches(s, result, e) != 0 || put_missing(s->c, result, e) != 0 ||
	    put_details(s, result, resource, e) != 0)
		return -1;
	return put_limits(s, result, e);
}

/* ---- every action on every resource ---- */

static const char *
item_text(const json_t *item)
{
	return json_is_string(item) ? json_string_value(item) : "";
}

struct run {
	struct simulation *s;
	struct page page;
	struct pol_explanation *why;
	size_t n;
};

bool
simulate_is_resource(const char *resource)
{
	const char *p = resource;
	int colons;

	if (strcmp(resource, "*") == 0)
		return true;
	for (colons = 0; colons < 5 && p != NULL; colons++)
		if ((p = strchr(p, ':')) != NULL)
			p++;
	return p != NULL && *p != '\0' && begins(resource, "arn:") &&
	    strlen(resource) <= 2048;
}

static int
ask(struct run *run, const char *action, const char *resource)
{
	const struct context *x = run->s->context;
	struct simulate_request q = { action, resource, x->keys, x->count, x->now_s };

	if (!simulate_is_resource(resource))
		return op_fail(run->s->c, "InvalidInput", "\"%.64s\" is no resource: give"
		    " an ARN of at most 2048 bytes, or *.", resource);
	return run->s->decide(run->s->arg, &q, NULL, run->why);
}

static int
add_specific(struct run *run, json_t *list, const char *resource)
{
	struct op_call *c = run->s->c;
	json_t *item = json_pack("{s:s,s:s}", "EvalResourceName", resource,
	    "EvalResourceDecision", simulate_decision(run->why->decision.effect));

	if (list_add(c, list, item) != 0)
		return -1;
	return put_result(run->s, item, resource, run->why);
}

static int
run_one(struct run *run, const char *action, const char *resource, bool named)
{
	struct op_call *c = run->s->c;
	json_t *result, *list;
	char key[32];

	snprintf(key, sizeof(key), "%09zu", run->n++);
	if (!page_wants(&run->page, key))
		return 0;
	if (ask(run, action, resource) != 0)
		return -1;
	result = json_pack("{s:s,s:s,s:s}", "EvalActionName", action,
	    "EvalResourceName", resource, "EvalDecision",
	    simulate_decision(run->why->decision.effect));
	if (page_add(&run->page, c, key, result) != 0 ||
	    put_result(run->s, result, resource, run->why) != 0 ||
	    put_reasons(c, result, run->why) != 0)
		return -1;
	if (!named)
		return 0;
	list = json_array();
	if (member_set(c, result, "ResourceSpecificResults", list) != 0)
		return -1;
	return add_specific(run, list, resource);
}

/* ResourceHandlingOption: the call needs all of the resources, and is allowed
 * when it is on each of them. */
static int
run_together(struct run *run, const char *action, const json_t *arns)
{
	struct op_call *c = run->s->c;
	enum pol_effect all = POL_ALLOWED;
	json_t *result, *list = json_array();
	const json_t *arn;
	char key[32];
	size_t i;

	result = json_pack("{s:s,s:s,s:s,s:o}", "EvalActionName", action,
	    "EvalResourceName", "*", "EvalDecision", "", "ResourceSpecificResults",
	    list);
	snprintf(key, sizeof(key), "%09zu", run->n++);
	if (!page_wants(&run->page, key)) {
		json_decref(result);
		return 0;
	}
	if (page_add(&run->page, c, key, result) != 0)
		return -1;
	json_array_foreach(arns, i, arn) {
		if (ask(run, action, item_text(arn)) != 0 ||
		    add_specific(run, list, item_text(arn)) != 0)
			return -1;
		if (all == POL_ALLOWED ||
		    run->why->decision.effect == POL_EXPLICIT_DENY)
			all = run->why->decision.effect;
	}
	return member_set(c, result, "EvalDecision", json_string(simulate_decision(all)));
}

int
simulate_check_action(struct op_call *c, const char *action)
{
	const char *colon = strchr(action, ':');

	if (colon == NULL || colon == action || colon[1] == '\0' ||
	    strpbrk(action, "*? ") != NULL || strlen(action) > 128)
		return op_fail(c, "InvalidInput", "\"%.64s\" is not the name of one"
		    " action; an example: host:Login.", action);
	return 0;
}

static int
run_action(struct run *run, const char *action)
{
	const json_t *arns = json_object_get(run->s->c->in, "ResourceArns"), *arn;
	const char *host_arn = run->s->host_arn;
	size_t i;

	if (simulate_check_action(run->s->c, action) != 0)
		return -1;
	if (json_array_size(arns) == 0)
		return run_one(run, action, host_arn[0] != '\0' &&
		    begins(action, "host:") ? host_arn : "*", false);
	if (op_has(run->s->c, "ResourceHandlingOption"))
		return run_together(run, action, arns);
	json_array_foreach(arns, i, arn) {
		if (run_one(run, action, item_text(arn), true) != 0)
			return -1;
	}
	return 0;
}

int
simulate(struct simulation *s)
{
	struct run run = { .s = s };
	const json_t *action, *actions = json_object_get(s->c->in, "ActionNames");
	size_t i;
	int r = -1;

	if (op_has(s->c, "Requests"))
		return simulate_lines(s);
	if (json_array_size(actions) == 0)
		return op_fail(s->c, "InvalidInput", "Say which actions are simulated"
		    " with --action-names, or give a table with --requests.");
	if (page_init(&run.page, s->c) != 0)
		return -1;
	if ((run.why = calloc(1, sizeof(*run.why))) == NULL) {
		no_memory(s->c);
		goto out;
	}
	json_array_foreach(actions, i, action) {
		if (run_action(&run, item_text(action)) != 0)
			goto out;
	}
	r = page_end(&run.page, s->c, "EvaluationResults");
out:
	page_release(&run.page);
	free(run.why);
	return r;
}

const char *
simulate_owner(const struct op_call *c, const char *resource, char *ret)
{
	const char *owner = op_str(c, "ResourceOwner"), *p = resource;
	unsigned colons;

	for (colons = 0; colons < 4 && p != NULL; colons++)
		if ((p = strchr(p, ':')) != NULL)
			p++;
	if (p != NULL && strspn(p, "0123456789") == 12 && p[12] == ':') {
		memcpy(ret, p, 12);
		ret[12] = '\0';
		return ret;
	}
	if (owner == NULL)
		return NULL;
	/* An account, or its ARN: arn:aws:iam::123456789012:root */
	if (begins(owner, "arn:aws:iam::"))
		owner += strlen("arn:aws:iam::");
	snprintf(ret, 13, "%.12s", owner);
	return ret;
}

/* ---- for people ---- */

static void
put_wrapped(struct buf *ret, const char *text, size_t indent)
{
	struct buf b = BUF_INIT;

	output_escape(&b, text, strlen(text));
	output_wrap(ret, buf_cstr(&b), indent, 0);
	buf_release(&b);
}

static const char *
decision_color(const char *decision)
{
	return strcmp(decision, "allowed") == 0 ? "36;1" : "33;1";
}

static bool
is_denial(const json_t *reason)
{
	return strcmp(text_of(reason, "Match"), "full") == 0 &&
	    strcmp(text_of(reason, "Effect"), "Deny") == 0;
}

static void
text_result(const json_t *result, const struct op_face *face, struct buf *ret)
{
	const char *decision = text_of(result, "EvalDecision");
	bool silent = strcmp(decision, "implicitDeny") == 0;
	const json_t *missing = json_object_get(result, "MissingContextValues");
	json_t *item;
	char names[512], line[640];
	size_t i;

	put_wrapped(ret, text_of(result, "EvalActionName"), 0);
	snprintf(names, sizeof(names), "on %s", text_of(result, "EvalResourceName"));
	put_wrapped(ret, names, 2);
	if (face->color)
		buf_printf(ret, "  \033[%sm%s\033[0m\n", decision_color(decision),
		    decision);
	else
		buf_printf(ret, "  %s\n", decision);
	if (strcmp(decision, "explicitDeny") != 0)
		put_wrapped(ret, text_of(result, "Summary"), 4);
	json_array_foreach(json_object_get(result, "Explanation"), i, item)
		if (silent || is_denial(item))
			put_wrapped(ret, text_of(item, "Text"), 4);
	json_array_foreach(json_object_get(result, "ResourceSpecificResults"), i, item) {
		if (json_object_get(result, "Summary") != NULL)
			break;
		snprintf(line, sizeof(line), "%s on %s",
		    text_of(item, "EvalResourceDecision"),
		    text_of(item, "EvalResourceName"));
		put_wrapped(ret, line, 4);
	}
	if (json_array_size(missing) == 0)
		return;
	list_join(missing, names, sizeof(names));
	snprintf(line, sizeof(line), "Not in the request: %s.", names);
	put_wrapped(ret, line, 4);
}

void
simulate_text(const json_t *in, const json_t *answer, const struct op_face *face,
    struct buf *ret)
{
	json_t *result;
	size_t i;

	(void)in;
	json_array_foreach(json_object_get(answer, "EvaluationResults"), i, result)
		text_result(result, face, ret);
	if (json_is_true(json_object_get(answer, "IsTruncated")))
		put_wrapped(ret, "There are more (--marker).", 0);
}
