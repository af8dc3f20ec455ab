/* Who one is, and what policies would decide. */
#include "common/base/base.h"

#include "common/authz/authz.h"
#include "common/snapshot/principal.h"
#include "common/store/settings.h"
#include "iamctl/findings.h"
#include "iamctl/simulate.h"

#define INPUT_POLICIES_MAX 32
#define INPUT_POLICY_CHARS 131072
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

/* ---- SimulatePrincipalPolicy ---- */

/* The user whose ARN this is; new. */
static int
principal_user(struct op_call *c, const char *arn, json_t **ret)
{
	const char *name = strrchr(arn, '/');

	*ret = NULL;
	if (strstr(arn, ":user/") == NULL || name == NULL)
		return op_fail(c, "InvalidInput", "%s is not the ARN of a user:"
		    " get-user shows it.", arn);
	if (name_is_iam(name + 1, 64) &&
	    document_find(c, "users", name + 1, ret) != 0)
		return -1;
	if (*ret == NULL || strcmp(text_of(*ret, "Arn"), arn) != 0)
		return op_fail(c, "NoSuchEntity", "The user %s cannot be found.", arn);
	return 0;
}

struct principal_simulation {
	struct op_call *c;
	struct snap *snap;
	struct snap_account account;
	struct snap_principal principal;
	struct authz *authz;
	struct context context;
};

static int
warn_stale(struct op_call *c, const struct snap *snap)
{
	struct snap_info info;

	snap_info(snap, &info);
	if (info.revision == store_revision(c->store) || c->warnings == NULL)
		return 0;
	return list_add(c, c->warnings, json_string("The snapshot, by which logins"
	    " decide, is older than the store: 'iamctl publish' makes it anew."));
}

static int
open_principal(struct principal_simulation *s, const char *unix_name)
{
	struct op_call *c = s->c;
	bool found = false;
	int r;

	if ((r = snap_open(IAM_PATH_PRIVATE, SNAP_PRIVATE, &s->snap)) != 0)
		return op_fail_err(c, r, IAM_PATH_PRIVATE);
	if ((r = snap_account_get(s->snap, &s->account)) != 0 ||
	    (r = snap_principal_by_name(s->snap, unix_name, &found,
	    &s->principal)) != 0)
		return op_fail_err(c, r, IAM_PATH_PRIVATE);
	if (!found)
		return op_fail(c, "PolicyEvaluation", "The user is not in the snapshot,"
		    " by which logins decide: 'iamctl publish' makes it anew.");
	if ((r = authz_open(s->snap, &s->account, &s->principal, &s->authz)) != 0)
		return op_fail(c, "PolicyEvaluation", "A policy of the user cannot be"
		    " read from %s (%s): every login is denied; 'iamctl publish' makes"
		    " it anew.", IAM_PATH_PRIVATE, iam_strerror(r));
	return warn_stale(c, s->snap);
}

static int
simulate_principal(void *arg, const char *action, const char *resource,
    struct pol_explanation *ret)
{
	struct principal_simulation *s = arg;
	struct authz_extra extra = { s->context.keys, s->context.count };
	struct authz_attempt at = { .action = action, .resource = resource,
		.now_s = s->context.now_s };
	int r = authz_explain(s->authz, &at, &extra, ret);

	return r != 0 ? op_fail(s->c, "PolicyEvaluation", "%s on %s could not be"
	    " decided: %s. A login would be denied.", action, resource,
	    iam_strerror(r)) : 0;
}

static bool
has_boundary(const struct snap_principal *p)
{
	uint32_t i;

	for (i = 0; i < p->policy_count; i++)
		if (p->policies[i].layer == SNAP_LAYER_BOUNDARY)
			return true;
	return false;
}

static int
run_principal(struct principal_simulation *s, const char *unix_name)
{
	char host_arn[ARN_MAX];
	int r;

	if (context_read(s->c, &s->context) != 0 ||
	    open_principal(s, unix_name) != 0)
		return -1;
	r = authz_instance_arn(&s->account, host_arn, sizeof(host_arn));
	if (r != 0)
		return op_fail_err(s->c, r, "The host's ARN could not be made");
	return simulate(s->c, host_arn, has_boundary(&s->principal),
	    simulate_principal, s);
}

static int
simulate_principal_policy(struct op_call *c)
{
	struct principal_simulation *s = calloc(1, sizeof(*s));
	json_t *user = NULL;
	int r = -1;

	if (s == NULL)
		return no_memory(c);
	s->c = c;
	if (principal_user(c, op_str(c, "PolicySourceArn"), &user) == 0)
		r = run_principal(s, text_of(user, "UnixName"));
	authz_free(s->authz);
	snap_close(s->snap);
	context_release(&s->context);
	free(s);
	json_decref(user);
	return r;
}

/* ---- SimulateCustomPolicy ---- */

struct input_policies {
	struct buf compiled[INPUT_POLICIES_MAX];
	struct pol_source sources[INPUT_POLICIES_MAX];
	char names[INPUT_POLICIES_MAX][64];
	size_t n;
};

struct custom_simulation {
	struct op_call *c;
	struct input_policies identity, boundary, resource;
	struct pol_list boundary_list;
	struct pol_set set;
	struct context context;
	char principal[ARN_MAX];
};

static void
input_release(struct input_policies *in)
{
	size_t i;

	for (i = 0; i < in->n; i++)
		buf_release(&in->compiled[i]);
}

static int
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

static int
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

static int
custom_policies(struct custom_simulation *s)
{
	struct op_call *c = s->c;
	const char *resource = op_str(c, "ResourcePolicy");

	if (input_read(c, &s->identity, "PolicyInputList", POL_IDENTITY) != 0 ||
	    input_read(c, &s->boundary, "PermissionsBoundaryPolicyInputList",
	    POL_BOUNDARY) != 0 || (resource != NULL && input_add(c, &s->resource,
	    "ResourcePolicy", resource, POL_RESOURCE) != 0))
		return -1;
	s->set.identity = (struct pol_list){ s->identity.sources, s->identity.n };
	s->boundary_list = (struct pol_list){ s->boundary.sources, s->boundary.n };
	if (s->boundary.n > 0)
		s->set.boundary = &s->boundary_list;
	if (s->resource.n > 0)
		s->set.resource = &s->resource.sources[0];
	return 0;
}

static int
zone_time(void *arg, const char *zone, int64_t t, struct tz_local *ret)
{
	struct tz *tz = NULL;
	int r;

	(void)arg;
	if ((r = tz_load(zone, &tz)) == 0)
		r = tz_at(tz, t, ret);
	tz_free(tz);
	return r;
}

static int
simulate_custom(void *arg, const char *action, const char *resource,
    struct pol_explanation *ret)
{
	struct custom_simulation *s = arg;
	struct pol_request req = { .principal = s->principal, .action = action,
		.resource = resource, .resource_account = op_str(s->c, "ResourceOwner"),
		.keys = s->context.keys, .key_count = s->context.count,
		.local_time = zone_time };
	int r = pol_explain(&s->set, &req, ret);

	return r != 0 ? op_fail(s->c, "PolicyEvaluation", "%s on %s could not be"
	    " decided: %s.", action, resource, iam_strerror(r)) : 0;
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
simulate_custom_policy(struct op_call *c)
{
	struct custom_simulation *s = calloc(1, sizeof(*s));
	const char *caller = op_str(c, "CallerArn");
	char arn[ARN_MAX];
	int r = -1;

	if (s == NULL)
		return no_memory(c);
	s->c = c;
	if (caller != NULL)
		snprintf(s->principal, sizeof(s->principal), "%s", caller);
	else
		snprintf(s->principal, sizeof(s->principal),
		    "arn:aws:iam::%s:user/simulated", c->account_id);
	if (context_read(c, &s->context) == 0 && custom_policies(s) == 0 &&
	    host_arn(c, arn, sizeof(arn)) == 0)
		r = simulate(c, arn, s->boundary.n > 0, simulate_custom, s);
	input_release(&s->identity);
	input_release(&s->boundary);
	input_release(&s->resource);
	context_release(&s->context);
	free(s);
	return r;
}

/* ---- ValidatePolicy ---- */

static int
validate_policy(struct op_call *c)
{
	const char *text = op_str(c, "policyDocument");
	const char *type = op_str_or(c, "policyType", "IDENTITY_POLICY");
	enum pol_kind kind = strcmp(type, "RESOURCE_POLICY") == 0 ? POL_RESOURCE :
	    strcmp(type, "SERVICE_CONTROL_POLICY") == 0 ? POL_SCP : POL_IDENTITY;
	struct pol_findings found = { 0 };
	json_t *list = NULL;
	int r;

	if ((r = pol_validate(text, strlen(text), kind, NULL, &found)) != 0) {
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

#define PARAMS_REQUEST \
	{ .name = "ActionNames", .type = OP_LIST, .required = true, \
	    .help = "The actions, such as host:Login." }, \
	{ .name = "ResourceArns", .type = OP_LIST, .help = "The resources; by" \
	    " default this host for its own actions, else *." }, \
	{ .name = "ContextEntries", .type = OP_STRUCTS, \
	    .choices = "ContextKeyName|ContextKeyValues[]|ContextKeyType", \
	    .help = "Condition keys of the request, such as aws:CurrentTime." }, \
	PARAM_PAGING

static const struct op_param no_params[] = {
	PARAM_END
};

static const struct op_param principal_params[] = {
	{ .name = "PolicySourceArn", .type = OP_STRING, .required = true,
	    .min = 20, .max = 2048, .pattern = OP_ARN,
	    .help = "ARN of the user whose policies decide." },
	PARAMS_REQUEST,
	PARAM_END
};

static const struct op_param custom_params[] = {
	{ .name = "PolicyInputList", .type = OP_LIST, .required = true,
	    .help = "The policies, each as JSON or file://FILE." },
	{ .name = "PermissionsBoundaryPolicyInputList", .type = OP_LIST,
	    .help = "A permissions boundary, as JSON or file://FILE." },
	PARAMS_REQUEST,
	{ .name = "ResourcePolicy", .type = OP_DOCUMENT, .min = 1, .max = 131072,
	    .help = "A policy of the resource." },
	{ .name = "ResourceOwner", .type = OP_STRING, .min = 12, .max = 12,
	    .help = "The account that the resource belongs to." },
	{ .name = "CallerArn", .type = OP_STRING, .min = 20, .max = 2047,
	    .pattern = OP_ARN, .help = "ARN of the user who asks." },
	PARAM_END
};

static const struct op_param validate_params[] = {
	{ .name = "policyDocument", .type = OP_DOCUMENT, .required = true,
	    .min = 1, .max = 131072, .help = "The policy, as JSON or file://FILE." },
	{ .name = "policyType", .type = OP_STRING,
	    .choices = "IDENTITY_POLICY|RESOURCE_POLICY|SERVICE_CONTROL_POLICY",
	    .fallback = "IDENTITY_POLICY", .help = "What the policy is for." },
	PARAM_END
};

#define RESULT_COLUMNS "EvalActionName,EvalResourceName,EvalDecision"

const struct op ops_access[] = {
	{ .name = "GetCallerIdentity", .service = "sts",
	    .summary = "Show who the caller is.",
	    .params = no_params, .read_only = true, .needs_init = true,
	    .run = get_caller_identity, .access = OP_ACCESS_ANY },
	{ .name = "SimulatePrincipalPolicy", .service = "iam",
	    .summary = "Say what a user's policies would decide on this host, and"
	    " why.",
	    .params = principal_params, .resource = "{PolicySourceArn}",
	    .read_only = true, .needs_init = true,
	    .run = simulate_principal_policy, .columns = RESULT_COLUMNS },
	{ .name = "SimulateCustomPolicy", .service = "iam",
	    .summary = "Say what given policies would decide, and why.",
	    .params = custom_params, .read_only = true, .needs_init = true,
	    .run = simulate_custom_policy, .columns = RESULT_COLUMNS },
	{ .name = "ValidatePolicy", .service = "access-analyzer",
	    .summary = "Check a policy: errors, security warnings, suggestions.",
	    .params = validate_params, .read_only = true, .needs_init = true,
	    .run = validate_policy,
	    .columns = "findingType,issueCode,findingDetails" },
	{ .name = NULL },
};
