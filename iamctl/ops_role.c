/*
 * Roles: a Unix account without credentials, which one becomes by AssumeRole. Its
 * trust policy says who may.
 */
#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/last_used.h"
#include "iamctl/policies.h"
#include "iamctl/role.h"
#include "iamctl/unix_account.h"

#define ROLE_ARN "arn:aws:iam::{account}:role{path}{RoleName}"
#define SESSION_DEFAULT_S 3600

/* ---- the trust policy ---- */

/* Users and roles of this account that are not there could be anybody who is
 * made later. Other principals are not ours to know. */
static int
check_principal(struct op_call *c, const char *account, const char *arn)
{
	const struct entity_kind *kind = entity_kind_of_arn(arn);
	const char *name = strrchr(arn, '/');
	char own[40];
	json_t *doc = NULL;
	bool there;

	snprintf(own, sizeof(own), "arn:aws:iam::%s:", account);
	if (strncmp(arn, own, strlen(own)) != 0 || kind == NULL || name == NULL)
		return 0;
	if (name_is_iam(name + 1, 64) &&
	    document_find(c, kind->documents, name + 1, &doc) != 0)
		return -1;
	there = doc != NULL && strcmp(text_of(doc, "Arn"), arn) == 0;
	json_decref(doc);
	return there ? 0 : op_fail(c, "MalformedPolicyDocument",
	    "Invalid principal in policy: \"AWS\":\"%s\": there is no such %s.", arn,
	    kind->noun);
}

static int
check_principals(struct op_call *c, const char *account, const json_t *v)
{
	const json_t *one;
	size_t i;

	if (json_is_string(v))
		return check_principal(c, account, json_string_value(v));
	json_array_foreach(v, i, one)
		if (json_is_string(one) &&
		    check_principal(c, account, json_string_value(one)) != 0)
			return -1;
	return 0;
}

static int
check_statement(struct op_call *c, const char *account, const json_t *statement)
{
	const json_t *in = json_object_get(statement, "Principal");
	const json_t *not_in = json_object_get(statement, "NotPrincipal");

	if (check_principals(c, account, json_object_get(in, "AWS")) != 0)
		return -1;
	return check_principals(c, account, json_object_get(not_in, "AWS"));
}

int
role_check_trust(struct op_call *c, const char *account, const char *role_name,
    const char *text)
{
	json_t *doc, *statements, *one;
	char what[200];
	size_t i;
	int r = 0;

	snprintf(what, sizeof(what), "The trust policy of %s", role_name);
	if (policy_check(c, what, text, POL_TRUST, SIZE_TRUST) != 0)
		return -1;
	doc = policy_json(text);
	statements = json_object_get(doc, "Statement");
	if (json_is_object(statements))
		r = check_statement(c, account, statements);
	json_array_foreach(statements, i, one)
		if (r == 0)
			r = check_statement(c, account, one);
	json_decref(doc);
	return r;
}

static int
set_trust(struct op_call *c, json_t *role, const char *param)
{
	const char *text = op_str(c, param);

	if (role_check_trust(c, c->account_id, text_of(role, "RoleName"), text) != 0)
		return -1;
	return member_set(c, role, "AssumeRolePolicyDocument", json_string(text));
}

/* ---- CreateRole ---- */

static int
role_put(struct op_call *c, const json_t *role)
{
	return document_put(c, "roles", text_of(role, "RoleName"), role);
}

/* Description and MaxSessionDuration, as far as the call has them. */
static int
set_members(struct op_call *c, json_t *role)
{
	if (op_has(c, "Description") && member_set(c, role, "Description",
	    json_string(op_str(c, "Description"))) != 0)
		return -1;
	return op_has(c, "MaxSessionDuration") ? member_set(c, role,
	    "MaxSessionDuration", json_integer(op_int(c, "MaxSessionDuration",
	    SESSION_DEFAULT_S))) : 0;
}

static int
new_role(struct op_call *c, const char *name, json_t **ret)
{
	const char *path = op_str_or(c, "Path", "/");
	char id[AWS_ID_LEN + 1];

	if (aws_id_new(c, "AROA", id) != 0)
		return -1;
	*ret = json_pack("{s:s,s:s,s:s,s:o,s:o,s:i,s:[],s:[],s:{}}", "RoleName", name,
	    "RoleId", id, "Path", path, "CreateDate", time_now(c), "Arn",
	    arn_new(c, "role", path, name), "MaxSessionDuration", SESSION_DEFAULT_S,
	    "Tags", "AttachedPolicies", "InlinePolicies");
	if (*ret == NULL)
		return no_memory(c);
	return set_members(c, *ret);
}

static int
create_role(struct op_call *c)
{
	const char *name = op_str(c, "RoleName");
	json_t *role = NULL, *old = NULL;
	int r = -1;

	if (document_find(c, "roles", name, &old) != 0)
		goto out;
	if (old != NULL) {
		op_fail(c, "EntityAlreadyExists",
		    "Role with name %s already exists.", name);
		goto out;
	}
	if (quota_check(c, "roles", QUOTA_ROLES, "Roles") != 0 ||
	    new_role(c, name, &role) != 0 ||
	    set_trust(c, role, "AssumeRolePolicyDocument") != 0 ||
	    entity_set_boundary(c, role) != 0 || tags_merge(c, role) != 0 ||
	    account_create(c, role) != 0 || role_put(c, role) != 0)
		goto out;
	r = out_set(c, "Role", role_shape(role, false));
out:
	json_decref(old);
	json_decref(role);
	return r;
}

/* ---- GetRole, ListRoles ---- */

static int
get_role(struct op_call *c)
{
	struct lastlogin used;
	json_t *shape = NULL;
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) != 0)
		goto out;
	last_used_read(e.doc, &used);
	if ((shape = role_shape(e.doc, false)) == NULL)
		no_memory(c);
	else if (last_used_role(c, &used, shape) == 0)
		r = out_set(c, "Role", json_incref(shape));
out:
	json_decref(shape);
	entity_release(&e);
	return r;
}

static json_t *
listed_role(const json_t *role)
{
	return role_shape(role, true);
}

static int
list_roles(struct op_call *c)
{
	return entity_list(c, "roles", "Roles", listed_role, NULL, NULL);
}

/* ---- changes ---- */

static int
update_role(struct op_call *c)
{
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0 && set_members(c, e.doc) == 0 &&
	    account_update(c, e.doc) == 0)
		r = entity_put(c, &e);
	entity_release(&e);
	return r;
}

static int
update_assume_role_policy(struct op_call *c)
{
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0 && set_trust(c, e.doc, "PolicyDocument") == 0)
		r = entity_put(c, &e);
	entity_release(&e);
	return r;
}

static int
delete_role(struct op_call *c)
{
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0 && entity_without_policies(c, e.doc) == 0 &&
	    document_delete(c, "roles", e.name) == 0)
		r = role_principal_becomes(c, text_of(e.doc, "Arn"),
		    text_of(e.doc, "RoleId"));
	entity_release(&e);
	return r;
}

/* ---- rows ---- */

#define PARAM_DESCRIPTION \
	{ .name = "Description", .type = OP_STRING, .max = 1000, \
	    .help = "What the role is for." }
#define PARAM_SESSION \
	{ .name = "MaxSessionDuration", .type = OP_INT, .min = 3600, \
	    .max = 43200, .help = "How many seconds a session of the role may" \
	    " last; 3600 when nothing is said." }
#define ROLE_UNIX_NAME "The role's name on hosts; by default its name in lower" \
	" case. (Extension.)"
#define ROLE_GECOS "The comment field of passwd(5). (Extension.)"
#define ROLE_SUBORDINATE_IDS "Whether the role has 65536 subordinate user and group" \
	" ids (libsubid_iam(8)). Those given up are never given again. (Extension.)"
#define ROLE_ENABLED "Whether the role can be assumed at all. (Extension.)"

static const struct op_param create_params[] = {
	PARAM_ROLE_NAME("The new role's name; unique without regard to case."),
	PARAM_PATH,
	{ .name = "AssumeRolePolicyDocument", .type = OP_DOCUMENT, .required = true,
	    .min = 1, .max = 131072, .help = "The trust policy, which says who may"
	    " assume the role, as JSON or file://FILE." },
	PARAM_DESCRIPTION,
	PARAM_SESSION,
	PARAM_BOUNDARY(false),
	PARAM_TAGS(false),
	PARAM_UNIX_NAME(ROLE_UNIX_NAME),
	PARAM_UID,
	PARAM_HOME("The home directory; by default /home/ and the Unix name."
	    " (Extension.)"),
	PARAM_SHELL("The shell of its sessions; by default /bin/bash. (Extension.)"),
	PARAM_GECOS(ROLE_GECOS),
	PARAM_SUBORDINATE_IDS(ROLE_SUBORDINATE_IDS),
	PARAM_ENABLED(ROLE_ENABLED),
	PARAM_END
};

static const struct op_param list_params[] = {
	PARAM_PATH_PREFIX,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param update_params[] = {
	PARAM_ROLE_NAME("The role to be changed."),
	PARAM_DESCRIPTION,
	PARAM_SESSION,
	PARAM_UNIX_NAME(ROLE_UNIX_NAME),
	PARAM_HOME("A new home directory; nothing is moved. (Extension.)"),
	PARAM_SHELL("A new shell. (Extension.)"),
	PARAM_GECOS(ROLE_GECOS),
	PARAM_SUBORDINATE_IDS(ROLE_SUBORDINATE_IDS),
	PARAM_ENABLED(ROLE_ENABLED),
	PARAM_END
};

static const struct op_param trust_params[] = {
	PARAM_ROLE_NAME("The role."),
	PARAM_POLICY_DOCUMENT("The new trust policy, as JSON or file://FILE."),
	PARAM_END
};

static const struct op_param role_params[] = {
	PARAM_ROLE_NAME("The role's name."),
	PARAM_END
};

static const struct op_param paged_params[] = {
	PARAM_ROLE_NAME("The role."),
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param tag_params[] = {
	PARAM_ROLE_NAME("The role to be tagged."),
	PARAM_TAGS(true),
	PARAM_END
};

static const struct op_param untag_params[] = {
	PARAM_ROLE_NAME("The role whose tags go."),
	{ .name = "TagKeys", .type = OP_TAG_KEYS, .required = true,
	    .max = QUOTA_TAGS, .help = "The keys of the tags to be removed." },
	PARAM_END
};

static const struct op_param boundary_params[] = {
	PARAM_ROLE_NAME("The role to be bounded."),
	PARAM_BOUNDARY(true),
	PARAM_END
};

static const struct op_param arn_params[] = {
	PARAM_ROLE_NAME("The role."),
	PARAM_POLICY_ARN("ARN of the managed policy."),
	PARAM_END
};

static const struct op_param attached_params[] = {
	PARAM_ROLE_NAME("The role."),
	PARAM_PATH_PREFIX,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param put_policy_params[] = {
	PARAM_ROLE_NAME("The role."),
	PARAM_POLICY_NAME("The inline policy's name."),
	PARAM_POLICY_DOCUMENT("The policy, as JSON or file://FILE."),
	PARAM_END
};

static const struct op_param policy_params[] = {
	PARAM_ROLE_NAME("The role."),
	PARAM_POLICY_NAME("The inline policy's name."),
	PARAM_END
};

#define ROLE_COLUMNS "RoleName,RoleId,Arn,UnixName,Uid,MaxSessionDuration,CreateDate"

const struct op ops_role[] = {
	{ .name = "CreateRole", .service = "iam",
	    .summary = "Make a role: a Unix account on every host, without password"
	    " and keys, that its trust policy lets others become.",
	    .params = create_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = create_role, .columns = ROLE_COLUMNS },
	{ .name = "GetRole", .service = "iam",
	    .summary = "Show a role and its trust policy.",
	    .params = role_params, .resource = ROLE_ARN, .read_only = true,
	    .needs_init = true, .run = get_role },
	{ .name = "ListRoles", .service = "iam",
	    .summary = "List the roles.",
	    .params = list_params, .read_only = true, .needs_init = true,
	    .run = list_roles, .columns = ROLE_COLUMNS },
	{ .name = "UpdateRole", .service = "iam",
	    .summary = "Change a role's description, the length of its sessions, or"
	    " its Unix account.",
	    .params = update_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = update_role },
	{ .name = "UpdateAssumeRolePolicy", .service = "iam",
	    .summary = "Replace a role's trust policy.",
	    .params = trust_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = update_assume_role_policy },
	{ .name = "DeleteRole", .service = "iam",
	    .summary = "Delete a role that has no policies any more.",
	    .params = role_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = delete_role },
	{ .name = "AttachRolePolicy", .service = "iam",
	    .summary = "Attach a managed policy to a role.",
	    .params = arn_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = attach_policy },
	{ .name = "DetachRolePolicy", .service = "iam",
	    .summary = "Detach a managed policy from a role.",
	    .params = arn_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = detach_policy },
	{ .name = "ListAttachedRolePolicies", .service = "iam",
	    .summary = "List the managed policies attached to a role.",
	    .params = attached_params, .resource = ROLE_ARN,
	    .read_only = true, .needs_init = true,
	    .run = list_attached_policies, .columns = "PolicyName,PolicyArn" },
	{ .name = "PutRolePolicy", .service = "iam",
	    .summary = "Add or replace an inline policy of a role.",
	    .params = put_policy_params, .resource = ROLE_ARN,
	    .needs_init = true, .run = put_inline_policy },
	{ .name = "GetRolePolicy", .service = "iam",
	    .summary = "Show an inline policy of a role.",
	    .params = policy_params, .resource = ROLE_ARN,
	    .read_only = true, .needs_init = true, .run = get_inline_policy },
	{ .name = "DeleteRolePolicy", .service = "iam",
	    .summary = "Delete an inline policy of a role.",
	    .params = policy_params, .resource = ROLE_ARN,
	    .needs_init = true, .run = delete_inline_policy },
	{ .name = "ListRolePolicies", .service = "iam",
	    .summary = "List the names of a role's inline policies.",
	    .params = paged_params, .resource = ROLE_ARN,
	    .read_only = true, .needs_init = true, .run = list_inline_policies },
	{ .name = "PutRolePermissionsBoundary", .service = "iam",
	    .summary = "Set the managed policy that bounds what a role may do.",
	    .params = boundary_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = put_boundary },
	{ .name = "DeleteRolePermissionsBoundary", .service = "iam",
	    .summary = "Remove the permissions boundary of a role.",
	    .params = role_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = delete_boundary },
	{ .name = "TagRole", .service = "iam",
	    .summary = "Add tags to a role, or change their values.",
	    .params = tag_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = tag_entity },
	{ .name = "UntagRole", .service = "iam",
	    .summary = "Remove tags from a role.",
	    .params = untag_params, .resource = ROLE_ARN, .needs_init = true,
	    .run = untag_entity },
	{ .name = "ListRoleTags", .service = "iam",
	    .summary = "List the tags of a role.",
	    .params = paged_params, .resource = ROLE_ARN,
	    .read_only = true, .needs_init = true, .run = list_entity_tags,
	    .columns = "Key,Value" },
	{ .name = NULL },
};
