/* The account as a whole: its alias, what is in it, and everything in one list. */
#include "common/base/base.h"

#include "iamctl/policies.h"

/* ---- alias ---- */

static int
account_get(struct op_call *c, json_t **ret)
{
	int r;

	*ret = NULL;
	if ((r = store_get(c->store, "account", ret)) != 0 || *ret == NULL)
		return op_fail_err(c, r != 0 ? r : IAM_ERR_ABSENT,
		    "The account could not be read");
	return 0;
}

static int
account_put(struct op_call *c, const json_t *account)
{
	int r = store_put(c->store, "account", account);

	return r != 0 ? op_fail_err(c, r, "The account could not be kept") : 0;
}

/* An account has one alias: a new one takes the old one's place, as in AWS. */
static int
create_account_alias(struct op_call *c)
{
	json_t *account = NULL;
	int r = -1;

	if (account_get(c, &account) == 0 && member_set(c, account,
	    "AccountAlias", json_string(op_str(c, "AccountAlias"))) == 0)
		r = account_put(c, account);
	json_decref(account);
	return r;
}

static int
delete_account_alias(struct op_call *c)
{
	const char *alias = op_str(c, "AccountAlias");
	json_t *account = NULL;
	int r = -1;

	if (account_get(c, &account) != 0)
		goto out;
	if (strcmp(text_of(account, "AccountAlias"), alias) != 0) {
		op_fail(c, "NoSuchEntity",
		    "The account alias %s does not exist.", alias);
		goto out;
	}
	json_object_del(account, "AccountAlias");
	r = account_put(c, account);
out:
	json_decref(account);
	return r;
}

static int
list_account_aliases(struct op_call *c)
{
	json_t *account = NULL, *aliases = json_array(), *alias;
	int r = -1;

	if (account_get(c, &account) != 0)
		goto out;
	alias = json_object_get(account, "AccountAlias");
	if ((alias != NULL && list_add(c, aliases, json_incref(alias)) != 0) ||
	    out_set(c, "AccountAliases", json_incref(aliases)) != 0)
		goto out;
	r = out_set(c, "IsTruncated", json_false());
out:
	json_decref(aliases);
	json_decref(account);
	return r;
}

/* ---- GetAccountSummary ---- */

static int
count_versions(void *arg, const char *key, json_t *policy)
{
	json_int_t *n = arg;

	(void)key;
	*n += (json_int_t)json_array_size(
	    json_object_get(policy, "Versions"));
	return VISIT_NEXT;
}

static int
put_count(struct op_call *c, json_t *map, const char *name, const char *kind)
{
	uint64_t n;

	if (document_count(c, kind, &n) != 0)
		return -1;
	return member_set(c, map, name, json_integer((json_int_t)n));
}

static int
put_quotas(struct op_call *c, json_t *map)
{
	static const struct {
		const char *name;
		int value;
	} fixed[] = {
		{ "UsersQuota", QUOTA_USERS },
		{ "GroupsQuota", QUOTA_GROUPS },
		{ "RolesQuota", QUOTA_ROLES },
		{ "PoliciesQuota", QUOTA_POLICIES },
		{ "GroupsPerUserQuota", QUOTA_GROUPS_PER_USER },
		{ "AttachedPoliciesPerUserQuota", QUOTA_ATTACHED },
		{ "AttachedPoliciesPerGroupQuota", QUOTA_ATTACHED },
		{ "AttachedPoliciesPerRoleQuota", QUOTA_ATTACHED },
		{ "VersionsPerPolicyQuota", QUOTA_POLICY_VERSIONS },
		{ "PolicySizeQuota", SIZE_POLICY },
		{ "UserPolicySizeQuota", SIZE_USER_INLINE },
		{ "GroupPolicySizeQuota", SIZE_GROUP_INLINE },
		{ "RolePolicySizeQuota", SIZE_ROLE_INLINE },
		{ "AssumeRolePolicySizeQuota", SIZE_TRUST },
		{ "AccessKeysPerUserQuota", 0 },
		{ "SigningCertificatesPerUserQuota", 0 },
		{ "AccountAccessKeysPresent", 0 },
		{ "AccountSigningCertificatesPresent", 0 },
		{ "AccountMFAEnabled", 0 }, /* the host's root is not ours */
		{ "PolicyVersionsInUseQuota", QUOTA_POLICIES * QUOTA_POLICY_VERSIONS },
	};
	size_t i;

	for (i = 0; i < IAM_COUNT(fixed); i++)
		if (member_set(c, map, fixed[i].name,
		    json_integer(fixed[i].value)) != 0)
			return -1;
	return 0;
}

static int
get_account_summary(struct op_call *c)
{
	json_t *map = json_object();
	json_int_t versions = 0;
	uint64_t devices_in_use;
	int r = -1;

	if (document_count_with(c, "UserName", NULL, &devices_in_use) != 0 ||
	    document_each(c, "policies", count_versions, &versions) != 0 ||
	    put_count(c, map, "Users", "users") != 0 ||
	    put_count(c, map, "Groups", "groups") != 0 ||
	    put_count(c, map, "Roles", "roles") != 0 ||
	    put_count(c, map, "Policies", "policies") != 0 ||
	    put_count(c, map, "MFADevices", "mfa") != 0 ||
	    member_set(c, map, "MFADevicesInUse",
	    json_integer((json_int_t)devices_in_use)) != 0 ||
	    member_set(c, map, "PolicyVersionsInUse",
	    json_integer(versions)) != 0 || put_quotas(c, map) != 0)
		goto out;
	r = out_set(c, "SummaryMap", json_incref(map));
out:
	json_decref(map);
	return r;
}

/* ---- GetAccountAuthorizationDetails ---- */

enum detail { DETAIL_USER, DETAIL_GROUP, DETAIL_ROLE, DETAIL_POLICY, DETAIL_COUNT };

struct details {
	struct op_call *c;
	struct page page; /* over users, groups, roles and policies */
	enum detail kind;
	json_t *lists[DETAIL_COUNT];
};

static json_t *
inline_list(json_t *policies)
{
	json_t *ret = json_array(), *text;
	const char *name;

	json_object_foreach(policies, name, text) {
		if (json_array_append_new(ret, json_pack("{s:s,s:o}", "PolicyName",
		    name, "PolicyDocument",
		    policy_json(json_string_value(text)))) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

static json_t *
attached_list(const json_t *arns)
{
	json_t *ret = json_array();
	const json_t *arn;
	size_t i;

	json_array_foreach(arns, i, arn) {
		if (json_array_append_new(ret,
		    policy_attached_shape(json_string_value(arn))) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

/* shape is taken: the entity's own members. */
static json_t *
with_policies(json_t *shape, const json_t *doc, const char *inline_name)
{
	if (shape != NULL && json_object_set_new(shape, inline_name,
	    inline_list(json_object_get(doc, "InlinePolicies"))) == 0 &&
	    json_object_set_new(shape, "AttachedManagedPolicies",
	    attached_list(json_object_get(doc, "AttachedPolicies"))) == 0)
		return shape;
	json_decref(shape);
	return NULL;
}

static json_t *
user_detail(const json_t *user)
{
	json_t *ret = with_policies(user_shape(user, false), user,
	    "UserPolicyList");

	if (ret != NULL && json_object_set_new(ret, "GroupList",
	    json_copy(json_object_get(user, "Groups"))) != 0) {
		json_decref(ret);
		return NULL;
	}
	return ret;
}

static json_t *
policy_detail(struct op_call *c, const json_t *policy)
{
	struct policy_usage usage;
	const json_t *version;
	json_t *ret, *list;
	size_t i;

	if (policy_usage(c, text_of(policy, "Arn"), &usage) != 0)
		return NULL;
	ret = policy_shape(policy, &usage, false);
	list = json_array();
	json_array_foreach(json_object_get(policy, "Versions"), i, version) {
		if (json_array_append_new(list,
		    policy_version_shape(policy, version, true)) != 0)
			goto fail;
	}
	if (ret != NULL && json_object_set(ret, "PolicyVersionList", list) == 0) {
		json_decref(list);
		return ret;
	}
fail:
	json_decref(list);
	json_decref(ret);
	return NULL;
}

static json_t *
detail_shape(const struct details *d, const json_t *doc)
{
	switch (d->kind) {
	case DETAIL_USER:
		return user_detail(doc);
	case DETAIL_GROUP:
		return with_policies(group_shape(doc), doc, "GroupPolicyList");
	case DETAIL_ROLE:
		return with_policies(role_shape(doc, false), doc, "RolePolicyList");
	case DETAIL_POLICY:
		return policy_detail(d->c, doc);
	case DETAIL_COUNT:
		break;
	}
	return NULL;
}

static int
add_detail(void *arg, const char *key, json_t *doc)
{
	struct details *d = arg;
	char order[MARKER_MAX + 1];

	snprintf(order, sizeof(order), "%d/%s", (int)d->kind,
	    strchr(key, '/') + 1);
	if (!page_wants(&d->page, order))
		return d->page.truncated ? VISIT_STOP : VISIT_NEXT;
	if (list_add(d->c, d->lists[d->kind], detail_shape(d, doc)) != 0 ||
	    page_add(&d->page, d->c, order, json_null()) != 0)
		return VISIT_FAILED;
	return VISIT_NEXT;
}

static bool
filter_has(struct op_call *c, const char *kind)
{
	const json_t *filter = json_object_get(c->in, "Filter");

	return filter == NULL || list_index(filter, kind) >= 0;
}

static int
add_shipped(struct details *d)
{
	json_t *names = NULL, *name, *policy;
	struct policy_usage usage;
	char arn[256];
	size_t i;
	int r = -1;

	if (policy_shipped(d->c, &names) != 0)
		return -1;
	json_array_foreach(names, i, name) {
		snprintf(arn, sizeof(arn), "%s%s", AWS_POLICY_PREFIX,
		    json_string_value(name));
		/* As AWS, only those that are in use. */
		if (policy_usage(d->c, arn, &usage) != 0)
			goto out;
		if (usage.attached + usage.boundary == 0)
			continue;
		if (policy_get(d->c, arn, &policy) != 0)
			goto out;
		r = add_detail(d, strrchr(arn, ':') + 1, policy);
		json_decref(policy);
		if (r == VISIT_FAILED) {
			r = -1;
			goto out;
		}
	}
	r = 0;
out:
	json_decref(names);
	return r;
}

static int
add_kind(struct details *d, enum detail kind, const char *filter,
    const char *documents)
{
	d->kind = kind;
	if (!filter_has(d->c, filter) || d->page.truncated)
		return 0;
	return document_each(d->c, documents, add_detail, d);
}

static int
collect_details(struct details *d)
{
	if (add_kind(d, DETAIL_USER, "User", "users") != 0 ||
	    add_kind(d, DETAIL_GROUP, "Group", "groups") != 0 ||
	    add_kind(d, DETAIL_ROLE, "Role", "roles") != 0 ||
	    add_kind(d, DETAIL_POLICY, "LocalManagedPolicy", "policies") != 0)
		return -1;
	if (filter_has(d->c, "AWSManagedPolicy") && !d->page.truncated)
		return add_shipped(d);
	return 0;
}

static int
give_details(struct details *d)
{
	struct op_call *c = d->c;

	if (out_set(c, "UserDetailList",
	    json_incref(d->lists[DETAIL_USER])) != 0 ||
	    out_set(c, "GroupDetailList",
	    json_incref(d->lists[DETAIL_GROUP])) != 0 ||
	    out_set(c, "RoleDetailList",
	    json_incref(d->lists[DETAIL_ROLE])) != 0 ||
	    out_set(c, "Policies", json_incref(d->lists[DETAIL_POLICY])) != 0)
		return -1;
	return page_mark(&d->page, c);
}

static int
get_account_authorization_details(struct op_call *c)
{
	struct details d = { .c = c };
	size_t i;
	int r = 0;

	for (i = 0; i < DETAIL_COUNT; i++)
		if ((d.lists[i] = json_array()) == NULL)
			r = no_memory(c);
	if (r == 0 && (r = page_init(&d.page, c)) == 0 &&
	    (r = collect_details(&d)) == 0)
		r = give_details(&d);
	page_release(&d.page);
	for (i = 0; i < DETAIL_COUNT; i++)
		json_decref(d.lists[i]);
	return r;
}

/* ---- rows ---- */

static const struct op_param alias_params[] = {
	{ .name = "AccountAlias", .type = OP_STRING, .required = true, .min = 3,
	    .max = 63, .pattern = OP_ACCOUNT_ALIAS,
	    .help = "The alias: lower-case letters, digits and single hyphens." },
	PARAM_END
};

static const struct op_param list_aliases_params[] = {
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param no_params[] = {
	PARAM_END
};

static const struct op_param details_params[] = {
	{ .name = "Filter", .type = OP_LIST,
	    .choices = "User|Role|Group|LocalManagedPolicy|AWSManagedPolicy",
	    .help = "Only these kinds." },
	PARAM_PAGING,
	PARAM_END
};

const struct op ops_account[] = {
	{ .name = "CreateAccountAlias", .service = "iam",
	    .summary = "Give the account an alias, in place of the one it had.",
	    .params = alias_params, .needs_init = true,
	    .run = create_account_alias },
	{ .name = "DeleteAccountAlias", .service = "iam",
	    .summary = "Take the account's alias away.",
	    .params = alias_params, .needs_init = true,
	    .run = delete_account_alias },
	{ .name = "ListAccountAliases", .service = "iam",
	    .summary = "Show the account's alias.",
	    .params = list_aliases_params, .read_only = true,
	    .needs_init = true, .run = list_account_aliases },
	{ .name = "GetAccountSummary", .service = "iam",
	    .summary = "Count what is in the account, with the quotas.",
	    .params = no_params, .read_only = true, .needs_init = true,
	    .run = get_account_summary },
	{ .name = "GetAccountAuthorizationDetails", .service = "iam",
	    .summary = "Show all users, groups, roles and policies, and who has what.",
	    .params = details_params, .read_only = true, .needs_init = true,
	    .run = get_account_authorization_details },
	{ .name = NULL },
};
