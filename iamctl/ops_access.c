/* Who one is, and what policies would decide. */
#include "common/base/base.h"

#include "common/store/settings.h"
#include "iamctl/access.h"
#include "iamctl/findings.h"
#include "iamctl/simulate.h"

#define ARN_MAX 2048

/* ---- GetCallerIdentity ---- */

static int
get_caller_identity(struct op_call *c)
{
	static const char *const names[] = { "UserId", "Account", "Arn" };
	size_t i;

	for (i = 0; i < IAM_COUNT(names); i++)
		if (out_set(c, names[i],
		    json_string(text_of(c->caller, names[i]))) != 0)
			return -1;
	return 0;
}

/* ---- given policies ---- */

/* What both simulations take. About 4 KiB with its lists: zeroed, on the heap. */
struct given {
	struct input_policies identity, boundary, scp, resource;
	struct pol_list boundary_list, scp_list;
};

static int
given_read(struct op_call *c, struct given *g)
{
	const char *resource = op_str(c, "ResourcePolicy");

	if (input_read(c, &g->identity, "PolicyInputList", POL_IDENTITY) != 0 ||
	    input_read(c, &g->boundary, "PermissionsBoundaryPolicyInputList",
	    POL_BOUNDARY) != 0 || input_read(c, &g->scp,
	    "ServiceControlPolicyInputList", POL_SCP) != 0)
		return -1;
	if (resource != NULL && input_add(c, &g->resource, "ResourcePolicy", resource,
	    POL_RESOURCE) != 0)
		return -1;
	g->boundary_list = (struct pol_list){ g->boundary.sources, g->boundary.n };
	g->scp_list = (struct pol_list){ g->scp.sources, g->scp.n };
	return 0;
}

static void
given_release(struct given *g)
{
	input_release(&g->identity);
	input_release(&g->boundary);
	input_release(&g->scp);
	input_release(&g->resource);
}

static int
put_texts(struct op_call *c, const char *param, const struct input_policies *in,
    json_t *texts)
{
	const json_t *v = json_object_get(c->in, param);
	size_t i;

	for (i = 0; i < in->n; i++)
		if (member_set(c, texts, in->sources[i].name, json_incref(
		    json_is_array(v) ? json_array_get(v, i) : (json_t *)(uintptr_t)v)) != 0)
			return -1;
	return 0;
}

static int
given_texts(struct op_call *c, const struct given *g, json_t *texts)
{
	if (put_texts(c, "PolicyInputList", &g->identity, texts) != 0 ||
	    put_texts(c, "PermissionsBoundaryPolicyInputList", &g->boundary,
	    texts) != 0 || put_texts(c, "ServiceControlPolicyInputList", &g->scp,
	    texts) != 0)
		return -1;
	return put_texts(c, "ResourcePolicy", &g->resource, texts);
}

static int
undecided(struct op_call *c, const struct simulate_request *q, int r)
{
	return op_fail(c, "PolicyEvaluation", "%s on %s could not be decided: %s. A"
	    " login would be denied.", q->action, q->resource, iam_strerror(r));
}

/* ---- SimulatePrincipalPolicy ---- */

struct principal_simulation {
	struct simulation base;
	struct subject subject;
	struct context context;
	struct given given;
};

static int
decide_principal(void *arg, const struct simulate_request *q,
    struct pol_decision *d, struct pol_explanation *why)
{
	struct principal_simulation *s = arg;
	struct authz_extra extra = { .keys = q->keys, .count = q->key_count,
		.caller = op_str(s->base.c, "CallerArn") };
	struct authz_attempt at = { .action = q->action, .resource = q->resource,
		.now_s = q->now_s };
	char owner[13];
	int r;

	extra.resource_account = simulate_owner(s->base.c, q->resource, owner);
	if (s->given.resource.n > 0)
		extra.resource = &s->given.resource.sources[0];
	if (s->given.boundary.n > 0)
		extra.boundary = &s->given.boundary_list;
	if (s->given.scp.n > 0)
		extra.scp = &s->given.scp_list;
	r = why != NULL ? authz_explain(s->subject.authz, &at, &extra, why) :
	    authz_simulate(s->subject.authz, &at, &extra, d);
	return r != 0 ? undecided(s->base.c, q, r) : 0;
}

static int
open_principal(struct principal_simulation *s, const json_t *entity)
{
	struct op_call *c = s->base.c;
	size_t i;
	int r;

	if (context_read(c, &s->context) != 0 || given_read(c, &s->given) != 0 ||
	    subject_open(c, &s->subject) != 0)
		return -1;
	r = json_object_get(entity, "GroupName") != NULL ?
	    subject_group(&s->subject, entity) : subject_user(&s->subject, entity);
	for (i = 0; r == 0 && i < s->given.identity.n; i++)
		if (authz_try(s->subject.authz, &s->given.identity.sources[i], NULL) != 0)
			r = no_memory(c);
	if (r != 0 || subject_texts(c, entity, &s->base.texts) != 0 ||
	    given_texts(c, &s->given, s->base.texts) != 0)
		return -1;
	return 0;
}

static int
run_principal(struct principal_simulation *s, const json_t *entity)
{
	char host_arn[ARN_MAX];
	int r;

	if (open_principal(s, entity) != 0)
		return -1;
	r = authz_instance_arn(&s->subject.account, host_arn, sizeof(host_arn));
	if (r != 0)
		return op_fail_err(s->base.c, r, "The host's ARN could not be made");
	s->base.host_arn = host_arn;
	s->base.boundary = s->given.boundary.n > 0 ||
	    authz_boundary(s->subject.authz) != NULL;
	s->base.scp = s->given.scp.n > 0;
	s->base.account = s->base.c->account_id;
	s->base.context = &s->context;
	s->base.decide = decide_principal;
	s->base.arg = s;
	return simulate(&s->base);
}

static int
simulate_principal_policy(struct op_call *c)
{
	struct principal_simulation *s = calloc(1, sizeof(*s));
	json_t *entity = NULL;
	int r = -1;

	if (s == NULL)
		return no_memory(c);
	s->base.c = c;
	if (subject_find(c, op_str(c, "PolicySourceArn"), &entity) == 0)
		r = run_principal(s, entity);
	subject_release(&s->subject);
	context_release(&s->context);
	given_release(&s->given);
	json_decref(s->base.texts);
	free(s);
	json_decref(entity);
	return r;
}

/* ---- SimulateCustomPolicy ---- */

/* As in AWS, the request has nothing but what is given: no host, no time. */
struct custom_simulation {
	struct simulation base;
	struct given given;
	struct context context;
	struct authz_clock clock;
	char principal[ARN_MAX];
	char account[13];
};

static int
decide_custom(void *arg, const struct simulate_request *q, struct pol_decision *d,
    struct pol_explanation *why)
{
	struct custom_simulation *s = arg;
	char owner[13];
	struct pol_request req = { .principal = s->principal, .action = q->action,
		.resource = q->resource, .keys = q->keys, .key_count = q->key_count,
		.local_time = authz_local_time, .local_time_arg = &s->clock };
	struct pol_set set = { .identity = { s->given.identity.sources,
		s->given.identity.n } };
	int r;

	req.resource_account = simulate_owner(s->base.c, q->resource, owner);
	set.boundary = s->base.boundary ? &s->given.boundary_list : NULL;
	set.scp = s->base.scp ? &s->given.scp_list : NULL;
	set.scp_levels = s->base.scp ? 1 : 0;
	set.resource = s->given.resource.n > 0 ? &s->given.resource.sources[0] : NULL;
	r = why != NULL ? pol_explain(&set, &req, why) : pol_eval(&set, &req, d);
	return r != 0 ? undecided(s->base.c, q, r) : 0;
}

/* This host's ARN; "" before the host has one. */
static int
host_arn(struct op_call *c, char *ret, size_t size)
{
	struct settings_host *host = calloc(1, sizeof(*host));
	struct iam_why why = { 0 };
	int r;

	if (host == NULL)
		return no_memory(c);
	ret[0] = '\0';
	r = settings_host_read(IAM_PATH_HOST, host, &why);
	if (r == 0)
		snprintf(ret, size, "arn:aws:host:%s:%s:instance/%s", host->region,
		    c->account_id, host->hostname);
	else if (r != IAM_ERR_ABSENT)
		r = op_fail(c, "ServiceFailure", "%s: %s", IAM_PATH_HOST, why.text);
	settings_host_release(host);
	free(host);
	return r == IAM_ERR_ABSENT ? 0 : r;
}

static int
set_caller(struct custom_simulation *s)
{
	struct op_call *c = s->base.c;
	const char *caller = op_str(c, "CallerArn");

	if (caller == NULL && op_has(c, "ResourcePolicy"))
		return op_fail(c, "InvalidInput", "A ResourcePolicy says who may: give"
		    " the CallerArn that it is asked about.");
	if (caller != NULL)
		snprintf(s->principal, sizeof(s->principal), "%s", caller);
	else
		snprintf(s->principal, sizeof(s->principal),
		    "arn:aws:iam::%s:user/simulated", c->account_id);
	if (simulate_owner(c, s->principal, s->account) == NULL)
		snprintf(s->account, sizeof(s->account), "%s", c->account_id);
	return 0;
}

static int
run_custom(struct custom_simulation *s)
{
	struct op_call *c = s->base.c;
	char arn[ARN_MAX];

	if (set_caller(s) != 0 || context_read(c, &s->context) != 0 ||
	    given_read(c, &s->given) != 0 || host_arn(c, arn, sizeof(arn)) != 0)
		return -1;
	if ((s->base.texts = json_object()) == NULL)
		return no_memory(c);
	if (given_texts(c, &s->given, s->base.texts) != 0)
		return -1;
	s->base.host_arn = arn;
	s->base.boundary = s->given.boundary.n > 0;
	s->base.scp = s->given.scp.n > 0;
	s->base.account = s->account;
	s->base.context = &s->context;
	s->base.decide = decide_custom;
	s->base.arg = s;
	return simulate(&s->base);
}

static int
simulate_custom_policy(struct op_call *c)
{
	struct custom_simulation *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return no_memory(c);
	s->base.c = c;
	r = run_custom(s);
	given_release(&s->given);
	context_release(&s->context);
	authz_clock_release(&s->clock);
	json_decref(s->base.texts);
	free(s);
	return r;
}

/* ---- GetContextKeysFor… ---- */

static int
put_keys(struct op_call *c, json_t *names, const struct pol_source *v, size_t n)
{
	const char *name;
	size_t i, cursor;

	for (i = 0; i < n; i++) {
		cursor = 0;
		while (pol_key_next(&v[i].doc, &cursor, &name))
			if (list_index(names, name) < 0 &&
			    list_add(c, names, json_string(name)) != 0)
				return -1;
	}
	return 0;
}

static int
keys_end(struct op_call *c, json_t *names)
{
	json_t *sorted = list_sorted(names, NULL);

	return sorted != NULL ? out_set(c, "ContextKeyNames", sorted) : no_memory(c);
}

static int
get_context_keys_for_custom_policy(struct op_call *c)
{
	struct input_policies *in = calloc(1, sizeof(*in));
	json_t *names = json_array();
	int r = -1;

	if (in == NULL || names == NULL)
		no_memory(c);
	else if (input_read(c, in, "PolicyInputList", POL_IDENTITY) == 0 &&
	    put_keys(c, names, in->sources, in->n) == 0)
		r = keys_end(c, names);
	if (in != NULL)
		input_release(in);
	free(in);
	json_decref(names);
	return r;
}

static int
principal_keys(struct op_call *c, struct principal_simulation *s,
    const json_t *entity, json_t *names)
{
	const struct pol_list *list;

	s->base.c = c;
	if (open_principal(s, entity) != 0)
		return -1;
	list = authz_identity(s->subject.authz);
	if (put_keys(c, names, list->v, list->n) != 0)
		return -1;
	list = authz_boundary(s->subject.authz);
	if (list != NULL && put_keys(c, names, list->v, list->n) != 0)
		return -1;
	return keys_end(c, names);
}

static int
get_context_keys_for_principal_policy(struct op_call *c)
{
	struct principal_simulation *s = calloc(1, sizeof(*s));
	json_t *names = json_array(), *entity = NULL;
	int r = -1;

	if (s == NULL || names == NULL)
		no_memory(c);
	else if (subject_find(c, op_str(c, "PolicySourceArn"), &entity) == 0)
		r = principal_keys(c, s, entity, names);
	if (s != NULL) {
		subject_release(&s->subject);
		given_release(&s->given);
		json_decref(s->base.texts);
	}
	free(s);
	json_decref(names);
	json_decref(entity);
	return r;
}

/* ---- ValidatePolicy ---- */

/* What the document is for. A role's trust policy is a resource policy of a role. */
static int
validate_kind(struct op_call *c, enum pol_kind *ret)
{
	const char *type = op_str_or(c, "policyType", "IDENTITY_POLICY");
	bool resource = strcmp(type, "RESOURCE_POLICY") == 0;

	*ret = resource ? POL_RESOURCE :
	    strcmp(type, "SERVICE_CONTROL_POLICY") == 0 ? POL_SCP : POL_IDENTITY;
	if (op_str(c, "validatePolicyResourceType") == NULL)
		return 0;
	if (!resource)
		return op_fail(c, "ValidationException", "validatePolicyResourceType is"
		    " for policies of the type RESOURCE_POLICY only.");
	*ret = POL_TRUST;
	return 0;
}

static int
validate_policy(struct op_call *c)
{
	const char *text = op_str(c, "policyDocument");
	enum pol_kind kind;
	const struct pol_limits limits = { .zone_known = policy_zone_known };
	struct pol_findings found = { 0 };
	json_t *list = NULL;
	int r;

	if (validate_kind(c, &kind) != 0)
		return -1;
	if ((r = pol_validate(text, strlen(text), kind, &limits, &found)) != 0) {
		r = op_fail_err(c, r, "The policy could not be checked");
		goto out;
	}
	list = findings_shape(text, &found);
	if (list == NULL)
		r = no_memory(c);
	else
		r = out_set(c, "findings", json_incref(list));
out:
	json_decref(list);
	pol_findings_release(&found);
	return r;
}

/* ---- rows ---- */

#define PARAM_CONTEXT \
	{ .name = "ContextEntries", .type = OP_STRUCTS, \
	    .choices = "ContextKeyName|ContextKeyValues[]|ContextKeyType", \
	    .help = "Condition keys of the request, such as aws:SourceIp." }
#define PARAM_INPUT_LIST(must, text) \
	{ .name = "PolicyInputList", .type = OP_LIST, .required = (must), \
	    .help = (text) }
#define PARAM_SOURCE \
	{ .name = "PolicySourceArn", .type = OP_STRING, .required = true, \
	    .min = 20, .max = 2048, .pattern = OP_ARN, \
	    .help = "ARN of the user, group or role whose policies decide." }
#define PARAMS_REQUEST \
	{ .name = "ActionNames", .type = OP_LIST, \
	    .help = "The actions, such as host:Login." }, \
	{ .name = "ResourceArns", .type = OP_LIST, .help = "The resources; by" \
	    " default this host for its own actions, else *." }, \
	{ .name = "Requests", .type = OP_INFILE, .min = 1, .help = "A table of" \
	    " requests in place of ActionNames; see TABLES OF REQUESTS." }, \
	PARAM_CONTEXT, \
	{ .name = "PermissionsBoundaryPolicyInputList", .type = OP_LIST, \
	    .help = "A permissions boundary, as JSON or file://FILE." }, \
	{ .name = "ServiceControlPolicyInputList", .type = OP_LIST, \
	    .help = "Service control policies, of which one must allow." }, \
	{ .name = "ResourcePolicy", .type = OP_DOCUMENT, .min = 1, .max = 131072, \
	    .help = "A policy of the resource." }, \
	{ .name = "ResourceOwner", .type = OP_STRING, .min = 12, .max = 2048, \
	    .help = "The account, or its ARN, that a resource belongs to whose" \
	    " own ARN does not say so." }, \
	{ .name = "CallerArn", .type = OP_STRING, .min = 20, .max = 2047, \
	    .pattern = OP_ARN, .help = "ARN of who asks, for the ResourcePolicy." }, \
	{ .name = "ResourceHandlingOption", .type = OP_STRING, \
	    .choices = "EC2-Classic-InstanceStore|EC2-Classic-EBS|" \
	    "EC2-VPC-InstanceStore|EC2-VPC-InstanceStore-Subnet|EC2-VPC-EBS|" \
	    "EC2-VPC-EBS-Subnet", .help = "One call needs all of ResourceArns." }, \
	PARAM_PAGING

static const struct op_param no_params[] = {
	PARAM_END
};

static const struct op_param principal_params[] = {
	PARAM_SOURCE,
	PARAM_INPUT_LIST(false, "Policies beside those of the principal, each as"
	    " JSON or file://FILE."),
	PARAMS_REQUEST,
	PARAM_END
};

static const struct op_param custom_params[] = {
	PARAM_INPUT_LIST(true, "The policies, each as JSON or file://FILE."),
	PARAMS_REQUEST,
	PARAM_END
};

static const struct op_param custom_keys_params[] = {
	PARAM_INPUT_LIST(true, "The policies, each as JSON or file://FILE."),
	PARAM_END
};

static const struct op_param principal_keys_params[] = {
	PARAM_SOURCE,
	PARAM_INPUT_LIST(false, "Policies beside those of the principal, each as"
	    " JSON or file://FILE."),
	PARAM_END
};

static const struct op_param show_params[] = {
	PARAM_USER_NAME(false, "The user whose access is shown. Without one,"
	    " PolicyDocument alone decides."),
	{ .name = "Host", .type = OP_STRING, .min = 1, .max = 512,
	    .help = "Another host, by its name or ARN; its tags count as unknown."
	    " By default this one." },
	{ .name = "Action", .type = OP_STRING, .min = 3, .max = 128,
	    .help = "The action; by default that of Service, else host:Login." },
	{ .name = "Resource", .type = OP_STRING, .min = 1, .max = 2048,
	    .help = "The resource; by default the host." },
	{ .name = "Service", .type = OP_STRING, .min = 1, .max = 64,
	    .help = "The PAM service through which it goes, such as sshd." },
	{ .name = "SourceIp", .type = OP_STRING, .min = 2, .max = 64,
	    .help = "The address from which it comes." },
	PARAM_CONTEXT,
	{ .name = "WeekOf", .type = OP_STRING, .min = 10, .max = 10,
	    .help = "A day of the week to be shown, as 2026-11-24; by default"
	    " today." },
	{ .name = "Zone", .type = OP_STRING, .min = 1, .max = 63,
	    .help = "The time zone of the drawing, such as Europe/Berlin; by"
	    " default the host's." },
	{ .name = "PolicyDocument", .type = OP_DOCUMENT, .min = 1, .max = 131072,
	    .help = "A policy that is not saved yet, as JSON or file://FILE: the"
	    " view is as if the user had it." },
	{ .name = "InPlaceOf", .type = OP_STRING, .min = 1, .max = 2048,
	    .help = "The ARN or inline name of the user's policy whose place"
	    " PolicyDocument takes; by default none." },
	{ .name = "Outfile", .type = OP_OUTFILE, .min = 1, .max = 4095,
	    .help = "A new file for the drawing as SVG." },
	PARAM_END
};

static const struct op_param validate_params[] = {
	{ .name = "policyDocument", .type = OP_DOCUMENT, .required = true,
	    .min = 1, .max = 131072, .help = "The policy, as JSON or file://FILE." },
	{ .name = "policyType", .type = OP_STRING,
	    .choices = "IDENTITY_POLICY|RESOURCE_POLICY|SERVICE_CONTROL_POLICY",
	    .fallback = "IDENTITY_POLICY", .help = "What the policy is for." },
	{ .name = "validatePolicyResourceType", .type = OP_STRING,
	    .choices = "AWS::IAM::AssumeRolePolicyDocument",
	    .help = "With RESOURCE_POLICY: that it is the trust policy of a role." },
	PARAM_END
};

#define RESULT_COLUMNS "EvalActionName,EvalResourceName,EvalDecision"

const struct op ops_access[] = {
	{ .name = "GetCallerIdentity", .service = "sts",
	    .summary = "Show who the caller is.",
	    .params = no_params, .read_only = true, .needs_init = true,
	    .run = get_caller_identity, .access = OP_ACCESS_ANY },
	{ .name = "SimulatePrincipalPolicy", .service = "iam",
	    .summary = "Say what the policies of a user, group or role would decide on this host, and"
	    " why.",
	    .params = principal_params, .resource = "{PolicySourceArn}",
	    .read_only = true, .needs_init = true,
	    .run = simulate_principal_policy, .columns = RESULT_COLUMNS,
	    .show = simulate_text },
	{ .name = "SimulateCustomPolicy", .service = "iam",
	    .summary = "Say what given policies would decide, and why.",
	    .params = custom_params, .read_only = true, .needs_init = true,
	    .run = simulate_custom_policy, .columns = RESULT_COLUMNS,
	    .show = simulate_text },
	{ .name = "GetContextKeysForPrincipalPolicy", .service = "iam",
	    .summary = "List the condition keys that the policies of a user, group"
	    " or role ask for.", .params = principal_keys_params,
	    .resource = "{PolicySourceArn}", .read_only = true, .needs_init = true,
	    .run = get_context_keys_for_principal_policy },
	{ .name = "GetContextKeysForCustomPolicy", .service = "iam",
	    .summary = "List the condition keys that given policies ask for.",
	    .params = custom_keys_params, .read_only = true, .needs_init = true,
	    .run = get_context_keys_for_custom_policy },
	{ .name = "ShowAccess", .service = "host",
	    .summary = "Draw the week: at which hours a user's policies let her in.",
	    .params = show_params,
	    .resource = "arn:aws:iam::{account}:user{path}{UserName}",
	    .read_only = true, .needs_init = true, .run = access_show,
	    .show = access_text, .show_first = true },
	{ .name = "ValidatePolicy", .service = "access-analyzer",
	    .summary = "Check a policy: errors, security warnings, suggestions.",
	    .params = validate_params, .read_only = true, .needs_init = true,
	    .run = validate_policy,
	    .columns = "findingType,issueCode,findingDetails",
	    .show = findings_text },
	{ .name = NULL },
};
