/* Groups and who is in them. Membership is kept on the user only. */
#include "common/base/base.h"

#include "iamctl/entity.h"

#define GROUP_ARN "arn:aws:iam::{account}:group{path}{GroupName}"

/* ---- LocalGroups ---- */

/* Only the form: which of them count is said by each host's iam.json (S27). */
static int
set_local_groups(struct op_call *c, json_t *group)
{
	json_t *given = json_object_get(c->in, "LocalGroups");
	const json_t *v;
	size_t i;

	json_array_foreach(given, i, v) {
		if (!json_is_string(v) || !name_is_unix(json_string_value(v)) ||
		    strcmp(json_string_value(v), "root") == 0)
			return op_fail(c, "InvalidInput", "\"%.64s\" is not the name of a"
			    " local group that members may be put into.",
			    json_is_string(v) ? json_string_value(v) : "");
	}
	return member_set(c, group, "LocalGroups",
	    given != NULL ? json_copy(given) : json_array());
}

/* ---- CreateGroup ---- */

static int
set_account(struct op_call *c, json_t *group)
{
	const char *unix_name = op_str(c, "UnixName");
	char lower[IAM_UNIX_NAME_MAX + 1];
	uint32_t gid;

	if (unix_name == NULL) {
		if (unix_name_default(c, text_of(group, "GroupName"), lower) != 0)
			return -1;
		unix_name = lower;
	}
	if (unix_group_name_check(c, unix_name, NULL) != 0 ||
	    unix_id_new(c, 0, &gid) != 0 ||
	    member_set(c, group, "UnixName", json_string(unix_name)) != 0 ||
	    member_set(c, group, "Gid", json_integer(gid)) != 0)
		return -1;
	return set_local_groups(c, group);
}

static int
new_group(struct op_call *c, const char *name, json_t **ret)
{
	const char *path = op_str_or(c, "Path", "/");
	char id[AWS_ID_LEN + 1];
	json_t *group;

	if (aws_id_new(c, "AGPA", id) != 0)
		return -1;
	group = json_pack("{s:s,s:s,s:s,s:[],s:{}}", "GroupName", name, "GroupId",
	    id, "Path", path, "AttachedPolicies", "InlinePolicies");
	if (group == NULL)
		return no_memory(c);
	*ret = group;
	if (member_set(c, group, "CreateDate", time_now(c)) != 0)
		return -1;
	return member_set(c, group, "Arn", arn_new(c, "group", path, name));
}

static int
create_group(struct op_call *c)
{
	const char *name = op_str(c, "GroupName");
	json_t *group = NULL, *old = NULL;
	int r = -1;

	if (document_find(c, "groups", name, &old) != 0)
		goto out;
	if (old != NULL) {
		op_fail(c, "EntityAlreadyExists",
		    "Group with name %s already exists.", name);
		goto out;
	}
	if (quota_check(c, "groups", QUOTA_GROUPS, "Groups") != 0 ||
	    new_group(c, name, &group) != 0 || set_account(c, group) != 0 ||
	    group_put(c, group) != 0)
		goto out;
	r = out_set(c, "Group", group_shape(group));
out:
	json_decref(old);
	json_decref(group);
	return r;
}

/* ---- GetGroup, ListGroups, ListGroupsForUser ---- */

static json_t *
member_shape(const json_t *user)
{
	return user_shape(user, true);
}

static int
get_group(struct op_call *c)
{
	const char *name = op_str(c, "GroupName");
	json_t *group = NULL;
	int r = -1;

	if (group_get(c, name, &group) == 0 &&
	    out_set(c, "Group", group_shape(group)) == 0)
		r = entity_list(c, "users", "Users", member_shape, "Groups", name);
	json_decref(group);
	return r;
}

static int
list_groups(struct op_call *c)
{
	return entity_list(c, "groups", "Groups", group_shape, NULL, NULL);
}

static int
add_group(struct op_call *c, struct page *page, const char *name)
{
	json_t *group = NULL;
	int r = -1;

	if (!page_wants(page, name))
		return 0;
	if (group_get(c, name, &group) == 0)
		r = page_add(page, c, name, group_shape(group));
	json_decref(group);
	return r;
}

static int
list_groups_for_user(struct op_call *c)
{
	json_t *user = NULL, *names = NULL;
	struct page page = { 0 };
	const json_t *name;
	size_t i;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) != 0 ||
	    page_init(&page, c) != 0)
		goto out;
	names = list_sorted(json_object_get(user, "Groups"), NULL);
	if (names == NULL) {
		no_memory(c);
		goto out;
	}
	json_array_foreach(names, i, name) {
		if (add_group(c, &page, json_string_value(name)) != 0)
			goto out;
	}
	r = page_end(&page, c, "Groups");
out:
	page_release(&page);
	json_decref(names);
	json_decref(user);
	return r;
}

/* ---- UpdateGroup ---- */

/* Users know their groups by name. */
static int
rename_in_user(void *arg, const char *key, json_t *user)
{
	const struct entity_rename *n = arg;
	json_t *groups = json_object_get(user, "Groups");
	int at = list_index(groups, n->old_name);

	(void)key;
	if (json_array_set_new(groups, (size_t)at, json_string(n->new_name)) != 0) {
		no_memory(n->c);
		return VISIT_FAILED;
	}
	return user_put(n->c, user) == 0 ? VISIT_NEXT : VISIT_FAILED;
}

static int
update_account(struct op_call *c, json_t *group)
{
	const char *unix_name = op_str(c, "UnixName");

	if (unix_name != NULL && (unix_group_name_check(c, unix_name,
	    text_of(group, "GroupName")) != 0 ||
	    member_set(c, group, "UnixName", json_string(unix_name)) != 0))
		return -1;
	return op_has(c, "LocalGroups") ? set_local_groups(c, group) : 0;
}

/* Gid and Unix name stay when the name changes. */
static int
update_group(struct op_call *c)
{
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0 && update_account(c, e.doc) == 0 &&
	    entity_move(c, &e, rename_in_user) == 0)
		r = entity_put(c, &e);
	entity_release(&e);
	return r;
}

/* ---- DeleteGroup ---- */

#define MEMBER_MAX 160

static int
take_member(void *arg, const char *key, json_t *user)
{
	(void)key;
	snprintf(arg, MEMBER_MAX, "%s", text_of(user, "UserName"));
	return VISIT_STOP;
}

static int
check_deletable(struct op_call *c, const json_t *group)
{
	char member[MEMBER_MAX] = "";

	if (document_each_with(c, "users", "Groups", text_of(group, "GroupName"),
	    take_member, member) != 0)
		return -1;
	if (member[0] != '\0')
		return entity_conflict(c, "remove users from group", member,
		    "remove-user-from-group");
	return entity_without_policies(c, group);
}

static int
delete_group(struct op_call *c)
{
	json_t *group = NULL;
	int r = -1;

	if (group_get(c, op_str(c, "GroupName"), &group) == 0 &&
	    check_deletable(c, group) == 0)
		r = document_delete(c, "groups", text_of(group, "GroupName"));
	json_decref(group);
	return r;
}

/* ---- membership ---- */

static int
join(struct op_call *c, json_t *user, const json_t *group)
{
	json_t *groups = json_object_get(user, "Groups");
	const char *name = text_of(group, "GroupName");

	if (list_index(groups, name) >= 0)
		return 0;
	if (json_array_size(groups) >= QUOTA_GROUPS_PER_USER)
		return op_fail(c, "LimitExceeded", "Cannot exceed quota for"
		    " GroupsPerUser: %d; remove %s from another group first.",
		    QUOTA_GROUPS_PER_USER, text_of(user, "UserName"));
	return list_add(c, groups, json_string(name));
}

static int
leave(struct op_call *c, json_t *user, const json_t *group)
{
	json_t *groups = json_object_get(user, "Groups");
	int at = list_index(groups, text_of(group, "GroupName"));

	if (at < 0)
		return op_fail(c, "NoSuchEntity", "The user %s is not in the group"
		    " %s.", text_of(user, "UserName"), text_of(group, "GroupName"));
	json_array_remove(groups, (size_t)at);
	return 0;
}

static int
change_membership(struct op_call *c,
    int (*change)(struct op_call *, json_t *, const json_t *))
{
	json_t *user = NULL, *group = NULL;
	int r = -1;

	if (group_get(c, op_str(c, "GroupName"), &group) == 0 &&
	    user_get(c, op_str(c, "UserName"), &user) == 0 &&
	    change(c, user, group) == 0)
		r = user_put(c, user);
	json_decref(user);
	json_decref(group);
	return r;
}

static int
add_user_to_group(struct op_call *c)
{
	return change_membership(c, join);
}

static int
remove_user_from_group(struct op_call *c)
{
	return change_membership(c, leave);
}

/* ---- rows ---- */

#define PARAM_UNIX_NAME \
	{ .name = "UnixName", .type = OP_STRING, .min = 1, .max = 32, \
	    .pattern = OP_UNIX_NAME, .help = "The group's name on hosts; by default" \
	    " its name in lower case. (Extension.)" }
#define PARAM_LOCAL_GROUPS \
	{ .name = "LocalGroups", .type = OP_LIST, .help = "Local groups that" \
	    " members are put into, where the host's iam.json lists them." \
	    " (Extension.)" }

static const struct op_param create_group_params[] = {
	PARAM_GROUP_NAME("The new group's name; unique without regard to case."),
	PARAM_PATH,
	PARAM_UNIX_NAME,
	PARAM_LOCAL_GROUPS,
	PARAM_END
};

static const struct op_param group_params[] = {
	PARAM_GROUP_NAME("The group's name."),
	PARAM_END
};

static const struct op_param get_group_params[] = {
	PARAM_GROUP_NAME("The group's name."),
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param list_groups_params[] = {
	PARAM_PATH_PREFIX,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param update_group_params[] = {
	PARAM_GROUP_NAME("The group to be changed."),
	{ .name = "NewPath", .type = OP_STRING, .min = 1, .max = 512,
	    .pattern = OP_PATH, .help = "A new path." },
	{ .name = "NewGroupName", .type = OP_STRING, .min = 1, .max = 128,
	    .pattern = OP_IAM_NAME, .help = "A new name; group id, Unix name and"
	    " members stay as they are." },
	PARAM_UNIX_NAME,
	PARAM_LOCAL_GROUPS,
	PARAM_END
};

static const struct op_param membership_params[] = {
	PARAM_GROUP_NAME("The group."),
	PARAM_USER_NAME(true, "The user."),
	PARAM_END
};

static const struct op_param groups_for_user_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_PAGING,
	PARAM_END
};

#define GROUP_COLUMNS "GroupName,GroupId,Arn,UnixName,Gid,CreateDate"

const struct op ops_group[] = {
	{ .name = "CreateGroup", .service = "iam",
	    .summary = "Make a group, with a Unix group on every host.",
	    .params = create_group_params, .resource = GROUP_ARN,
	    .needs_init = true, .run = create_group, .columns = GROUP_COLUMNS },
	{ .name = "GetGroup", .service = "iam",
	    .summary = "Show a group and its users.",
	    .params = get_group_params, .resource = GROUP_ARN, .read_only = true,
	    .needs_init = true, .run = get_group },
	{ .name = "ListGroups", .service = "iam",
	    .summary = "List the groups.",
	    .params = list_groups_params, .read_only = true, .needs_init = true,
	    .run = list_groups, .columns = GROUP_COLUMNS },
	{ .name = "UpdateGroup", .service = "iam",
	    .summary = "Rename a group, move it to another path, or change its Unix"
	    " group.",
	    .params = update_group_params, .resource = GROUP_ARN,
	    .target = "arn:aws:iam::{account}:group{NewPath}{NewGroupName}",
	    .needs_init = true, .run = update_group },
	{ .name = "DeleteGroup", .service = "iam",
	    .summary = "Delete a group that has no users and policies any more.",
	    .params = group_params, .resource = GROUP_ARN, .needs_init = true,
	    .run = delete_group },
	{ .name = "AddUserToGroup", .service = "iam",
	    .summary = "Put a user into a group.",
	    .params = membership_params, .resource = GROUP_ARN,
	    .needs_init = true, .run = add_user_to_group },
	{ .name = "RemoveUserFromGroup", .service = "iam",
	    .summary = "Take a user out of a group.",
	    .params = membership_params, .resource = GROUP_ARN,
	    .needs_init = true, .run = remove_user_from_group },
	{ .name = "ListGroupsForUser", .service = "iam",
	    .summary = "List the groups that a user is in.",
	    .params = groups_for_user_params,
	    .resource = "arn:aws:iam::{account}:user{path}{UserName}",
	    .read_only = true, .needs_init = true, .run = list_groups_for_user,
	    .columns = GROUP_COLUMNS },
	{ .name = NULL },
};
