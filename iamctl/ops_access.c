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

/* ---- SimulatePrincipalPolicy ---- */

struct principal_simulation {
	struct subject subject;
	struct context context;
};

static int
simulate_principal(void *arg, const char *action, const char *resource,
    struct pol_explanation *ret)
{
	struct principal_simulation *s = arg;
	struct authz_extra extra = { s->context.keys, s->context.count };
	struct authz_attempt at = { .action = action, .resource = resource,
		.now_s = s->context.now_s };
	int r = authz_explain(s->subject.authz, &at, &extra, ret);

	return r != 0 ? op_fail(s->subject.c, "PolicyEvaluation", "%s on %s could"
	    " not be decided: %s. A login would be denied.", action, resource,
	    iam_strerror(r)) : 0;
}

static int
run_principal(struct principal_simulation *s, const json_t *user)
{
	struct op_call *c = s->subject.c;
	char host_arn[ARN_MAX];
	int r;

	if (context_read(c, &s->context) != 0 ||
	    subject_open(c, &s->subject) != 0 ||
	    subject_user(&s->subject, user) != 0)
		return -1;
	r = authz_instance_arn(&s->subject.account, host_arn, sizeof(host_arn));
	if (r != 0)
		return op_fail_err(c, r, "The host's ARN could not be made");
	return simulate(c, host_arn, authz_boundary(s->subject.authz) != NULL,
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
	s->subject.c = c;
	if (subject_find(c, op_str(c, "PolicySourceArn"), &user) == 0)
		r = run_principal(s, user);
	subject_release(&s->subject);
	context_release(&s->context);
	free(s);
	json_decref(user);
	return r;
}

/* ---- SimulateCustomPolicy ---- */

struct custom_simulation {
	struct op_call *c;
	struct input_policies identity, boundary, resource;
	struct pol_list boundary_list;
	struct pol_set set;
	struct context context;
	char principal[ARN_MAX];
};

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

#define PARAM_CONTEXT \
	{ .name = "ContextEntries", .type = OP_STRUCTS, \
	    .choices = "ContextKeyName|ContextKeyValues[]|ContextKeyType", \
	    .help = "Condition keys of the request, such as aws:SourceIp." }
#define PARAMS_REQUEST \
	{ .name = "ActionNames", .type = OP_LIST, .required = true, \
	    .help = "The actions, such as host:Login." }, \
	{ .name = "ResourceArns", .type = OP_LIST, .help = "The resources; by" \
	    " default this host for its own actions, else *." }, \
	PARAM_CONTEXT, \
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
	    .columns = "findingType,issueCode,findingDetails" },
	{ .name = NULL },
};
