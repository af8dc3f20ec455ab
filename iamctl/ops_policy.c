/* Managed policies and their versions; what is attached to whom. */
#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/policies.h"

#define POLICY_ARN "{PolicyArn}"
#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"
#define GROUP_ARN "arn:aws:iam::{account}:group{path}{GroupName}"

static int
policy_put(struct op_call *c, const json_t *policy)
{
	return document_put(c, "policies", text_of(policy, "PolicyName"), policy);
}

static int
check_document(struct op_call *c, const char *name)
{
	char what[200];

	snprintf(what, sizeof(what), "The policy %s", name);
	return policy_check(c, what, op_str(c, "PolicyDocument"), POL_IDENTITY,
	    SIZE_POLICY);
}

static json_t *
new_version(struct op_call *c, int number)
{
	return json_pack("{s:o,s:s,s:o}", "VersionId",
	    json_sprintf("v%d", number), "Document", op_str(c, "PolicyDocument"),
	    "CreateDate", time_now(c));
}

/* ---- CreatePolicy ---- */

static int
new_policy(struct op_call *c, const char *name, json_t **ret)
{
	const char *path = op_str_or(c, "Path", "/");
	const char *description = op_str(c, "Description");
	char id[AWS_ID_LEN + 1];
	json_t *policy;

	if (aws_id_new(c, "ANPA", id) != 0)
		return -1;
	policy = json_pack("{s:s,s:s,s:s,s:s,s:i,s:[],s:[o]}", "PolicyName", name,
	    "PolicyId", id, "Path", path, "DefaultVersionId", "v1", "NextVersion",
	    2, "Tags", "Versions", new_version(c, 1));
	if (policy == NULL)
		return no_memory(c);
	*ret = policy;
	if ((description != NULL && member_set(c, policy, "Description",
	    json_string(description)) != 0) ||
	    member_set(c, policy, "CreateDate", time_now(c)) != 0 ||
	    member_set(c, policy, "UpdateDate", time_now(c)) != 0)
		return -1;
	return member_set(c, policy, "Arn", arn_new(c, "policy", path, name));
}

static int
create_policy(struct op_call *c)
{
	const char *name = op_str(c, "PolicyName");
	json_t *policy = NULL, *old = NULL;
	int r = -1;

	if (document_find(c, "policies", name, &old) != 0)
		goto out;
	if (old != NULL) {
		op_fail(c, "EntityAlreadyExists", "A policy called %s already exists."
		    " Duplicate names are not allowed.", name);
		goto out;
	}
	if (quota_check(c, "policies", QUOTA_POLICIES, "Policies") != 0 ||
	    check_document(c, name) != 0 || new_policy(c, name, &policy) != 0 ||
	    tags_merge(c, policy) != 0 || policy_put(c, policy) != 0)
		goto out;
	r = out_set(c, "Policy", policy_shape(policy,
	    &(struct policy_usage){ 0 }, false));
out:
	json_decref(old);
	json_decref(policy);
	return r;
}

/* ---- GetPolicy, ListPolicies ---- */

static int
get_policy(struct op_call *c)
{
	struct policy_usage usage;
	json_t *policy = NULL;
	int r = -1;

	if (policy_get(c, op_str(c, "PolicyArn"), &policy) == 0 &&
	    policy_usage(c, text_of(policy, "Arn"), &usage) == 0)
		r = out_set(c, "Policy", policy_shape(policy, &usage, false));
	json_decref(policy);
	return r;
}

struct listing {
	struct op_call *c;
	struct page page;
	const char *path_prefix, *use; /* PolicyUsageFilter, NULL: any */
	bool only_attached;
};

static bool
is_wanted(const struct listing *l, const struct policy_usage *usage)
{
	if (l->use != NULL)
		return (strcmp(l->use, "PermissionsBoundary") == 0 ?
		    usage->boundary : usage->attached) > 0;
	return !l->only_attached || usage->attached + usage->boundary > 0;
}

/* Ours come first, then those that ship; the ARN tells them apart in a marker. */
static int
list_policy(void *arg, const char *key, json_t *policy)
{
	struct policy_usage usage;
	struct listing *l = arg;
	char order[MARKER_MAX + 1];

	(void)key;
	if (policy_usage(l->c, text_of(policy, "Arn"), &usage) != 0)
		return VISIT_FAILED;
	snprintf(order, sizeof(order), "%c%s",
	    strncmp(text_of(policy, "Arn"), AWS_POLICY_PREFIX,
	    strlen(AWS_POLICY_PREFIX)) == 0 ? '1' : '0',
	    text_of(policy, "PolicyName"));
	if (strncmp(text_of(policy, "Path"), l->path_prefix,
	    strlen(l->path_prefix)) != 0 || !is_wanted(l, &usage))
		return VISIT_NEXT;
	if (!page_wants(&l->page, order))
		return l->page.truncated ? VISIT_STOP : VISIT_NEXT;
	return page_add(&l->page, l->c, order,
	    policy_shape(policy, &usage, true)) == 0 ? VISIT_NEXT :
	    VISIT_FAILED;
}

static int
list_shipped(struct listing *l)
{
	json_t *names = NULL, *policy, *name;
	char arn[256];
	size_t i;
	int r = -1;

	if (policy_shipped(l->c, &names) != 0)
		goto out;
	json_array_foreach(names, i, name) {
		snprintf(arn, sizeof(arn), "%s%s", AWS_POLICY_PREFIX,
		    json_string_value(name));
		if (policy_get(l->c, arn, &policy) != 0)
			goto out;
		r = list_policy(l, arn, policy);
		json_decref(policy);
		if (r != VISIT_NEXT)
			break;
		r = -1;
	}
	r = r == VISIT_FAILED ? -1 : 0;
out:
	json_decref(names);
	return r;
}

static int
list_policies(struct op_call *c)
{
	const char *scope = op_str_or(c, "Scope", "All");
	struct listing l = { .c = c,
		.path_prefix = op_str_or(c, "PathPrefix", "/"),
		.use = op_str(c, "PolicyUsageFilter"),
		.only_attached = op_bool(c, "OnlyAttached", false) };
	int r = -1;

	if (page_init(&l.page, c) != 0)
		goto out;
	if (strcmp(scope, "AWS") != 0 &&
	    document_each(c, "policies", list_policy, &l) != 0)
		goto out;
	if (strcmp(scope, "Local") != 0 && !l.page.truncated &&
	    list_shipped(&l) != 0)
		goto out;
	r = page_end(&l.page, c, "Policies");
out:
	page_release(&l.page);
	return r;
}

/* ---- DeletePolicy ---- */

static int
check_deletable(struct op_call *c, const json_t *policy)
{
	const char *arn = text_of(policy, "Arn");
	struct policy_usage usage;

	if (policy_usage(c, arn, &usage) != 0)
		return -1;
	if (usage.attached + usage.boundary > 0)
		return op_fail(c, "DeleteConflict", "Cannot delete a policy attached to"
		    " entities: list-entities-for-policy --policy-arn %s shows them;"
		    " detach it from them first.", arn);
	if (json_array_size(json_object_get(policy, "Versions")) > 1)
		return op_fail(c, "DeleteConflict", "This policy has more than one"
		    " version. Before you delete a policy, you must delete the policy's"
		    " versions (delete-policy-version). The default version is deleted"
		    " with the policy.");
	return 0;
}

static int
delete_policy(struct op_call *c)
{
	json_t *policy = NULL;
	int r = -1;

	if (policy_get_own(c, op_str(c, "PolicyArn"), &policy) == 0 &&
	    check_deletable(c, policy) == 0)
		r = document_delete(c, "policies", text_of(policy, "PolicyName"));
	json_decref(policy);
	return r;
}

/* ---- versions ---- */

static int
version_get(struct op_call *c, const json_t *policy, json_t **ret)
{
	const char *id = op_str(c, "VersionId");

	if ((*ret = policy_version(policy, id)) == NULL)
		return op_fail(c, "NoSuchEntity", "Policy %s version %s does not"
		    " exist or is not attachable.", text_of(policy, "Arn"), id);
	return 0;
}

static int
set_default(struct op_call *c, json_t *policy, const char *version_id)
{
	if (member_set(c, policy, "DefaultVersionId",
	    json_string(version_id)) != 0)
		return -1;
	return member_set(c, policy, "UpdateDate", time_now(c));
}

static int
add_version(struct op_call *c, json_t *policy, json_t **ret)
{
	json_t *versions = json_object_get(policy, "Versions");
	json_int_t n = json_integer_value(json_object_get(policy, "NextVersion"));

	if (json_array_size(versions) >= QUOTA_POLICY_VERSIONS)
		return op_fail(c, "LimitExceeded", "A managed policy can have up to %d"
		    " versions. Before you create a new version, you must delete an"
		    " existing version (delete-policy-version).",
		    QUOTA_POLICY_VERSIONS);
	if (check_document(c, text_of(policy, "PolicyName")) != 0 ||
	    list_add(c, versions, new_version(c, (int)n)) != 0 ||
	    member_set(c, policy, "NextVersion", json_integer(n + 1)) != 0 ||
	    member_set(c, policy, "UpdateDate", time_now(c)) != 0)
		return -1;
	*ret = json_array_get(versions, json_array_size(versions) - 1);
	return op_bool(c, "SetAsDefault", false) ?
	    set_default(c, policy, text_of(*ret, "VersionId")) : 0;
}

static int
create_policy_version(struct op_call *c)
{
	json_t *policy = NULL, *version = NULL;
	int r = -1;

	if (policy_get_own(c, op_str(c, "PolicyArn"), &policy) == 0 &&
	    add_version(c, policy, &version) == 0 && policy_put(c, policy) == 0)
		r = out_set(c, "PolicyVersion",
		    policy_version_shape(policy, version, false));
	json_decref(policy);
	return r;
}

static int
get_policy_version(struct op_call *c)
{
	json_t *policy = NULL, *version = NULL;
	int r = -1;

	if (policy_get(c, op_str(c, "PolicyArn"), &policy) == 0 &&
	    version_get(c, policy, &version) == 0)
		r = out_set(c, "PolicyVersion",
		    policy_version_shape(policy, version, true));
	json_decref(policy);
	return r;
}

/* Newest first, as AWS; the marker is the version after which to go on. */
static int
list_versions(struct op_call *c, const json_t *policy, struct page *page)
{
	const json_t *versions = json_object_get(policy, "Versions"), *version;
	size_t i = json_array_size(versions);
	char key[32];

	while (i-- > 0) {
		version = json_array_get(versions, i);
		/* Descending numbers in ascending keys. */
		snprintf(key, sizeof(key), "%09ld",
		    999999999 - strtol(text_of(version, "VersionId") + 1, NULL, 10));
		if (page_wants(page, key) && page_add(page, c, key,
		    policy_version_shape(policy, version, false)) != 0)
			return -1;
	}
	return page_end(page, c, "Versions");
}

static int
list_policy_versions(struct op_call *c)
{
	struct page page = { 0 };
	json_t *policy = NULL;
	int r = -1;

	if (policy_get(c, op_str(c, "PolicyArn"), &policy) == 0 &&
	    page_init(&page, c) == 0)
		r = list_versions(c, policy, &page);
	page_release(&page);
	json_decref(policy);
	return r;
}

static int
drop_version(struct op_call *c, json_t *policy, const json_t *version)
{
	json_t *versions = json_object_get(policy, "Versions");
	size_t i;

	if (strcmp(text_of(version, "VersionId"),
	    text_of(policy, "DefaultVersionId")) == 0)
		return op_fail(c, "DeleteConflict", "Cannot delete the default version"
		    " of a policy; make another one the default first"
		    " (set-default-policy-version).");
	for (i = 0; json_array_get(versions, i) != version; i++)
		;
	json_array_remove(versions, i);
	return 0;
}

static int
delete_policy_version(struct op_call *c)
{
	json_t *policy = NULL, *version = NULL;
	int r = -1;

	if (policy_get_own(c, op_str(c, "PolicyArn"), &policy) == 0 &&
	    version_get(c, policy, &version) == 0 &&
	    drop_version(c, policy, version) == 0)
		r = policy_put(c, policy);
	json_decref(policy);
	return r;
}

static int
set_default_policy_version(struct op_call *c)
{
	json_t *policy = NULL, *version = NULL;
	int r = -1;

	if (policy_get_own(c, op_str(c, "PolicyArn"), &policy) == 0 &&
	    version_get(c, policy, &version) == 0 &&
	    set_default(c, policy, text_of(version, "VersionId")) == 0)
		r = policy_put(c, policy);
	json_decref(policy);
	return r;
}

/* ---- ListEntitiesForPolicy ---- */

struct entities {
	struct op_call *c;
	struct page page; /* over groups, then roles, then users; see list_kind */
	json_t *lists[3]; /* by the place in entity_kinds */
	const char *arn, *path_prefix;
	bool attached;    /* those that have it attached count */
	bool by_boundary; /* on the second walk of a kind */
};

static int
list_entity(void *arg, const char *key, json_t *doc)
{
	struct entities *e = arg;
	const struct entity_kind *kind = entity_kind_of(doc);
	char order[MARKER_MAX + 1];

	(void)key;
	if (strncmp(text_of(doc, "Path"), e->path_prefix,
	    strlen(e->path_prefix)) != 0 || (e->by_boundary && e->attached &&
	    list_index(json_object_get(doc, "AttachedPolicies"), e->arn) >= 0))
		return VISIT_NEXT;
	snprintf(order, sizeof(order), "%s/%d/%s", kind->noun, e->by_boundary,
	    entity_name(doc));
	if (!page_wants(&e->page, order))
		return e->page.truncated ? VISIT_STOP : VISIT_NEXT;
	if (list_add(e->c, e->lists[kind - entity_kinds], json_pack("{s:s,s:s}",
	    kind->name, entity_name(doc), kind->id, text_of(doc, kind->id))) != 0 ||
	    page_add(&e->page, e->c, order, json_null()) != 0)
		return VISIT_FAILED;
	return VISIT_NEXT;
}

/* Those that have the policy attached, then those that have it as boundary alone. */
static int
list_kind(struct entities *e, const char *kind)
{
	const char *use = op_str(e->c, "PolicyUsageFilter");

	e->attached = use == NULL || strcmp(use, "PermissionsPolicy") == 0;
	e->by_boundary = false;
	if (e->attached && document_each_with(e->c, kind, "AttachedPolicies",
	    e->arn, list_entity, e) != 0)
		return -1;
	e->by_boundary = true;
	if ((use != NULL && e->attached) || e->page.truncated)
		return 0;
	return document_each_with(e->c, kind, "PermissionsBoundary", e->arn,
	    list_entity, e);
}

static bool
filter_has(struct op_call *c, const char *kind)
{
	const char *filter = op_str(c, "EntityFilter");

	return filter == NULL || strcmp(filter, kind) == 0;
}

static int
list_entities(struct op_call *c, struct entities *e)
{
	static const char *const order[] = { "Group", "Role", "User" };
	const struct entity_kind *k;
	char member[32];
	size_t i;

	if (page_init(&e->page, c) != 0)
		return -1;
	for (i = 0; i < IAM_COUNT(order); i++)
		for (k = entity_kinds; k->noun != NULL; k++)
			if (strcmp(k->title, order[i]) == 0 && filter_has(c, k->title) &&
			    !e->page.truncated && list_kind(e, k->documents) != 0)
				return -1;
	for (k = entity_kinds; k->noun != NULL; k++) {
		snprintf(member, sizeof(member), "Policy%ss", k->title);
		if (out_set(c, member, json_incref(e->lists[k - entity_kinds])) != 0)
			return -1;
	}
	return page_mark(&e->page, c);
}

static int
list_entities_for_policy(struct op_call *c)
{
	struct entities e = { .c = c, .arn = op_str(c, "PolicyArn"),
		.path_prefix = op_str_or(c, "PathPrefix", "/"),
		.lists = { json_array(), json_array(), json_array() } };
	json_t *policy = NULL;
	size_t i;
	int r = -1;

	if (policy_get(c, e.arn, &policy) == 0)
		r = list_entities(c, &e);
	page_release(&e.page);
	for (i = 0; i < IAM_COUNT(e.lists); i++)
		json_decref(e.lists[i]);
	json_decref(policy);
	return r;
}

/* ---- tags ---- */

static int
change_policy(struct op_call *c, int (*change)(struct op_call *, json_t *))
{
	json_t *policy = NULL;
	int r = -1;

	if (policy_get_own(c, op_str(c, "PolicyArn"), &policy) == 0 &&
	    change(c, policy) == 0)
		r = policy_put(c, policy);
	json_decref(policy);
	return r;
}

static int
tag_policy(struct op_call *c)
{
	return change_policy(c, tags_merge);
}

static int
untag_policy(struct op_call *c)
{
	return change_policy(c, tags_remove);
}

static int
list_policy_tags(struct op_call *c)
{
	json_t *policy = NULL;
	int r = -1;

	if (policy_get(c, op_str(c, "PolicyArn"), &policy) == 0)
		r = tags_list(c, policy);
	json_decref(policy);
	return r;
}

/* ---- rows ---- */

#define PARAM_VERSION_ID(text) \
	{ .name = "VersionId", .type = OP_STRING, .required = true, .min = 2, \
	    .max = 16, .help = (text) }
#define PARAM_USAGE_FILTER \
	{ .name = "PolicyUsageFilter", .type = OP_STRING, \
	    .choices = "PermissionsPolicy|PermissionsBoundary", \
	    .help = "Only this kind of use." }

static const struct op_param create_policy_params[] = {
	PARAM_POLICY_NAME("The new policy's name; unique without regard to case."),
	PARAM_PATH,
	PARAM_POLICY_DOCUMENT("The policy, as JSON or file://FILE."),
	{ .name = "Description", .type = OP_STRING, .max = 1000,
	    .help = "What the policy is for; cannot be changed later." },
	PARAM_TAGS(false),
	PARAM_END
};

static const struct op_param policy_params[] = {
	PARAM_POLICY_ARN("ARN of the policy."),
	PARAM_END
};

static const struct op_param list_policies_params[] = {
	{ .name = "Scope", .type = OP_STRING, .choices = "All|AWS|Local",
	    .fallback = "All", .help = "AWS: those that ship with the program;"
	    " Local: your own." },
	{ .name = "OnlyAttached", .type = OP_BOOL,
	    .help = "Only policies that are in use." },
	PARAM_PATH_PREFIX,
	PARAM_USAGE_FILTER,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param create_version_params[] = {
	PARAM_POLICY_ARN("ARN of the policy."),
	PARAM_POLICY_DOCUMENT("The new version, as JSON or file://FILE."),
	{ .name = "SetAsDefault", .type = OP_BOOL,
	    .help = "Make it the version that is in force." },
	PARAM_END
};

static const struct op_param version_params[] = {
	PARAM_POLICY_ARN("ARN of the policy."),
	PARAM_VERSION_ID("The version, such as v2."),
	PARAM_END
};

static const struct op_param paged_policy_params[] = {
	PARAM_POLICY_ARN("ARN of the policy."),
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param list_entities_params[] = {
	PARAM_POLICY_ARN("ARN of the policy."),
	{ .name = "EntityFilter", .type = OP_STRING,
	    .choices = "User|Role|Group|LocalManagedPolicy|AWSManagedPolicy",
	    .help = "Only entities of this kind." },
	PARAM_PATH_PREFIX,
	PARAM_USAGE_FILTER,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param tag_policy_params[] = {
	PARAM_POLICY_ARN("ARN of the policy."),
	PARAM_TAGS(true),
	PARAM_END
};

static const struct op_param untag_policy_params[] = {
	PARAM_POLICY_ARN("ARN of the policy."),
	{ .name = "TagKeys", .type = OP_TAG_KEYS, .required = true,
	    .max = QUOTA_TAGS, .help = "The keys of the tags to be removed." },
	PARAM_END
};

static const struct op_param user_arn_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_POLICY_ARN("ARN of the managed policy."),
	PARAM_END
};

static const struct op_param group_arn_params[] = {
	PARAM_GROUP_NAME("The group."),
	PARAM_POLICY_ARN("ARN of the managed policy."),
	PARAM_END
};

static const struct op_param user_attached_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_PATH_PREFIX,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param group_attached_params[] = {
	PARAM_GROUP_NAME("The group."),
	PARAM_PATH_PREFIX,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param put_user_policy_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_POLICY_NAME("The inline policy's name."),
	PARAM_POLICY_DOCUMENT("The policy, as JSON or file://FILE."),
	PARAM_END
};

static const struct op_param put_group_policy_params[] = {
	PARAM_GROUP_NAME("The group."),
	PARAM_POLICY_NAME("The inline policy's name."),
	PARAM_POLICY_DOCUMENT("The policy, as JSON or file://FILE."),
	PARAM_END
};

static const struct op_param user_policy_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_POLICY_NAME("The inline policy's name."),
	PARAM_END
};

static const struct op_param group_policy_params[] = {
	PARAM_GROUP_NAME("The group."),
	PARAM_POLICY_NAME("The inline policy's name."),
	PARAM_END
};

static const struct op_param user_policies_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param group_policies_params[] = {
	PARAM_GROUP_NAME("The group."),
	PARAM_PAGING,
	PARAM_END
};

const struct op ops_policy[] = {
	{ .name = "CreatePolicy", .service = "iam",
	    .summary = "Make a managed policy.",
	    .params = create_policy_params,
	    .resource = "arn:aws:iam::{account}:policy{path}{PolicyName}",
	    .needs_init = true, .run = create_policy },
	{ .name = "GetPolicy", .service = "iam",
	    .summary = "Show a managed policy; its text is in its versions.",
	    .params = policy_params, .resource = POLICY_ARN, .read_only = true,
	    .needs_init = true, .run = get_policy },
	{ .name = "ListPolicies", .service = "iam",
	    .summary = "List the managed policies.",
	    .params = list_policies_params, .read_only = true,
	    .needs_init = true, .run = list_policies,
	    .columns = "PolicyName,Arn,DefaultVersionId,AttachmentCount,UpdateDate" },
	{ .name = "DeletePolicy", .service = "iam",
	    .summary = "Delete a managed policy that is attached to nobody.",
	    .params = policy_params, .resource = POLICY_ARN, .needs_init = true,
	    .run = delete_policy },
	{ .name = "CreatePolicyVersion", .service = "iam",
	    .summary = "Add a version to a managed policy.",
	    .params = create_version_params, .resource = POLICY_ARN,
	    .needs_init = true, .run = create_policy_version },
	{ .name = "GetPolicyVersion", .service = "iam",
	    .summary = "Show a version of a managed policy with its text.",
	    .params = version_params, .resource = POLICY_ARN, .read_only = true,
	    .needs_init = true, .run = get_policy_version },
	{ .name = "ListPolicyVersions", .service = "iam",
	    .summary = "List the versions of a managed policy.",
	    .params = paged_policy_params, .resource = POLICY_ARN,
	    .read_only = true, .needs_init = true, .run = list_policy_versions,
	    .columns = "VersionId,IsDefaultVersion,CreateDate" },
	{ .name = "DeletePolicyVersion", .service = "iam",
	    .summary = "Delete a version that is not the default.",
	    .params = version_params, .resource = POLICY_ARN,
	    .needs_init = true, .run = delete_policy_version },
	{ .name = "SetDefaultPolicyVersion", .service = "iam",
	    .summary = "Choose the version that is in force.",
	    .params = version_params, .resource = POLICY_ARN,
	    .needs_init = true, .run = set_default_policy_version },
	{ .name = "ListEntitiesForPolicy", .service = "iam",
	    .summary = "List the users, groups and roles that a managed policy is"
	    " attached to.",
	    .params = list_entities_params, .resource = POLICY_ARN,
	    .read_only = true, .needs_init = true,
	    .run = list_entities_for_policy },
	{ .name = "TagPolicy", .service = "iam",
	    .summary = "Add tags to a managed policy, or change their values.",
	    .params = tag_policy_params, .resource = POLICY_ARN,
	    .needs_init = true, .run = tag_policy },
	{ .name = "UntagPolicy", .service = "iam",
	    .summary = "Remove tags from a managed policy.",
	    .params = untag_policy_params, .resource = POLICY_ARN,
	    .needs_init = true, .run = untag_policy },
	{ .name = "ListPolicyTags", .service = "iam",
	    .summary = "List the tags of a managed policy.",
	    .params = paged_policy_params, .resource = POLICY_ARN,
	    .read_only = true, .needs_init = true, .run = list_policy_tags,
	    .columns = "Key,Value" },
	{ .name = "AttachUserPolicy", .service = "iam",
	    .summary = "Attach a managed policy to a user.",
	    .params = user_arn_params, .resource = USER_ARN, .needs_init = true,
	    .run = attach_policy },
	{ .name = "DetachUserPolicy", .service = "iam",
	    .summary = "Detach a managed policy from a user.",
	    .params = user_arn_params, .resource = USER_ARN, .needs_init = true,
	    .run = detach_policy },
	{ .name = "ListAttachedUserPolicies", .service = "iam",
	    .summary = "List the managed policies attached to a user.",
	    .params = user_attached_params, .resource = USER_ARN,
	    .read_only = true, .needs_init = true,
	    .run = list_attached_policies, .columns = "PolicyName,PolicyArn" },
	{ .name = "AttachGroupPolicy", .service = "iam",
	    .summary = "Attach a managed policy to a group.",
	    .params = group_arn_params, .resource = GROUP_ARN,
	    .needs_init = true, .run = attach_policy },
	{ .name = "DetachGroupPolicy", .service = "iam",
	    .summary = "Detach a managed policy from a group.",
	    .params = group_arn_params, .resource = GROUP_ARN,
	    .needs_init = true, .run = detach_policy },
	{ .name = "ListAttachedGroupPolicies", .service = "iam",
	    .summary = "List the managed policies attached to a group.",
	    .params = group_attached_params, .resource = GROUP_ARN,
	    .read_only = true, .needs_init = true,
	    .run = list_attached_policies, .columns = "PolicyName,PolicyArn" },
	{ .name = "PutUserPolicy", .service = "iam",
	    .summary = "Add or replace an inline policy of a user.",
	    .params = put_user_policy_params, .resource = USER_ARN,
	    .needs_init = true, .run = put_inline_policy },
	{ .name = "GetUserPolicy", .service = "iam",
	    .summary = "Show an inline policy of a user.",
	    .params = user_policy_params, .resource = USER_ARN,
	    .read_only = true, .needs_init = true, .run = get_inline_policy },
	{ .name = "DeleteUserPolicy", .service = "iam",
	    .summary = "Delete an inline policy of a user.",
	    .params = user_policy_params, .resource = USER_ARN,
	    .needs_init = true, .run = delete_inline_policy },
	{ .name = "ListUserPolicies", .service = "iam",
	    .summary = "List the names of a user's inline policies.",
	    .params = user_policies_params, .resource = USER_ARN,
	    .read_only = true, .needs_init = true, .run = list_inline_policies },
	{ .name = "PutGroupPolicy", .service = "iam",
	    .summary = "Add or replace an inline policy of a group.",
	    .params = put_group_policy_params, .resource = GROUP_ARN,
	    .needs_init = true, .run = put_inline_policy },
	{ .name = "GetGroupPolicy", .service = "iam",
	    .summary = "Show an inline policy of a group.",
	    .params = group_policy_params, .resource = GROUP_ARN,
	    .read_only = true, .needs_init = true, .run = get_inline_policy },
	{ .name = "DeleteGroupPolicy", .service = "iam",
	    .summary = "Delete an inline policy of a group.",
	    .params = group_policy_params, .resource = GROUP_ARN,
	    .needs_init = true, .run = delete_inline_policy },
	{ .name = "ListGroupPolicies", .service = "iam",
	    .summary = "List the names of a group's inline policies.",
	    .params = group_policies_params, .resource = GROUP_ARN,
	    .read_only = true, .needs_init = true, .run = list_inline_policies },
	{ .name = NULL },
};
