/* Users: CreateUser … UpdateUser, their tags and permissions boundary. */
#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/policies.h"

#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"

/* ---- CreateUser ---- */

static int
new_unix_name(struct op_call *c, const char *name, char *ret)
{
	const char *given = op_str(c, "UnixName");

	if (given == NULL) {
		if (unix_name_default(c, name, ret) != 0)
			return -1;
	} else
		snprintf(ret, IAM_UNIX_NAME_MAX + 1, "%s", given);
	/* What was given is checked whole, not what fits here. */
	return unix_name_check(c, given != NULL ? given : ret, NULL, NULL);
}

/* A range of subordinate ids: one at most, and when given up, gone (S26). */
static int
set_subordinate_ids(struct op_call *c, json_t *user)
{
	static const char member[] = "SubordinateIdStart";
	uint32_t first;

	if (!op_has(c, "SubordinateIds"))
		return 0;
	if (!op_bool(c, "SubordinateIds", false)) {
		(void)json_object_del(user, member);
		return 0;
	}
	if (json_object_get(user, member) != NULL)
		return 0;
	if (subordinate_ids_new(c, 0, &first) != 0)
		return -1;
	return member_set(c, user, member, json_integer(first));
}

/* The Unix side of a new user. */
static int
set_account(struct op_call *c, json_t *user)
{
	char unix_name[IAM_UNIX_NAME_MAX + 1];
	const char *home = op_str(c, "Home");
	uint32_t id;

	if (new_unix_name(c, text_of(user, "UserName"), unix_name) != 0 ||
	    unix_field_check(c, "Home") != 0 ||
	    unix_field_check(c, "Shell") != 0 ||
	    unix_field_check(c, "Gecos") != 0 ||
	    unix_id_new(c, (uint32_t)op_int(c, "Uid", 0), &id) != 0)
		return -1;
	if (member_set(c, user, "UnixName", json_string(unix_name)) != 0 ||
	    member_set(c, user, "Uid", json_integer(id)) != 0 ||
	    member_set(c, user, "Gid", json_integer(id)) != 0 ||
	    member_set(c, user, "Gecos",
	    json_string(op_str_or(c, "Gecos", ""))) != 0 ||
	    member_set(c, user, "Home", home != NULL ? json_string(home) :
	    json_sprintf("/home/%s", unix_name)) != 0 ||
	    member_set(c, user, "Shell",
	    json_string(op_str_or(c, "Shell", "/bin/bash"))) != 0 ||
	    set_subordinate_ids(c, user) != 0)
		return -1;
	return member_set(c, user, "Enabled",
	    json_boolean(op_bool(c, "Enabled", true)));
}

/* The IAM side: AWS's members, nothing granted yet. */
int
user_new(struct op_call *c, const char *name, json_t **ret)
{
	const char *path = op_str_or(c, "Path", "/");
	char id[AWS_ID_LEN + 1];
	json_t *user;

	if (aws_id_new(c, "AIDA", id) != 0)
		return -1;
	user = json_pack("{s:s,s:s,s:s,s:[],s:[],s:[],s:{},s:[]}", "UserName",
	    name, "UserId", id, "Path", path, "Tags", "Groups",
	    "AttachedPolicies", "InlinePolicies", "SSHPublicKeys");
	if (user == NULL)
		return no_memory(c);
	*ret = user;
	if (member_set(c, user, "CreateDate", time_now(c)) != 0)
		return -1;
	return member_set(c, user, "Arn", arn_new(c, "user", path, name));
}

static int
set_boundary(struct op_call *c, json_t *user)
{
	const char *arn = op_str(c, "PermissionsBoundary");

	if (arn == NULL)
		return 0;
	if (policy_attachable(c, arn) != 0)
		return -1;
	return member_set(c, user, "PermissionsBoundary", json_string(arn));
}

static int
create_user(struct op_call *c)
{
	const char *name = op_str(c, "UserName");
	json_t *user = NULL, *old = NULL;
	int r = -1;

	if (document_find(c, "users", name, &old) != 0)
		goto out;
	if (old != NULL) {
		op_fail(c, "EntityAlreadyExists",
		    "User with name %s already exists.", name);
		goto out;
	}
	if (quota_check(c, "users", QUOTA_USERS, "Users") != 0 ||
	    user_new(c, name, &user) != 0 || set_boundary(c, user) != 0 ||
	    tags_merge(c, user) != 0 || set_account(c, user) != 0 ||
	    user_put(c, user) != 0)
		goto out;
	r = out_set(c, "User", user_shape(user, false));
out:
	json_decref(old);
	json_decref(user);
	return r;
}

/* ---- GetUser, ListUsers ---- */

/* The account's root is the caller and has no document. */
static int
root_user(struct op_call *c)
{
	json_t *account = NULL;
	int r;

	if ((r = store_get(c->store, "account", &account)) != 0)
		return op_fail_err(c, r, "The account could not be read");
	r = out_set(c, "User", json_pack("{s:s,s:s,s:s}", "UserId", c->account_id,
	    "Arn", text_of(c->caller, "Arn"), "CreateDate",
	    text_of(account, "CreateDate")));
	json_decref(account);
	return r;
}

static int
get_user(struct op_call *c)
{
	json_t *user = NULL;
	int r = -1;

	if (!op_has(c, "UserName") &&
	    json_object_get(c->caller, "UserName") == NULL)
		return root_user(c);
	if (user_of_call(c, &user) == 0)
		r = out_set(c, "User", user_shape(user, false));
	json_decref(user);
	return r;
}

struct listing {
	struct op_call *c;
	struct page page;
	const char *path_prefix;
};

static int
list_user(void *arg, const char *key, json_t *user)
{
	struct listing *l = arg;
	const char *name = text_of(user, "UserName");

	(void)key;
	if (strncmp(text_of(user, "Path"), l->path_prefix,
	    strlen(l->path_prefix)) != 0)
		return VISIT_NEXT;
	if (!page_wants(&l->page, name))
		return l->page.truncated ? VISIT_STOP : VISIT_NEXT;
	return page_add(&l->page, l->c, name, user_shape(user, true)) == 0 ?
	    VISIT_NEXT : VISIT_FAILED;
}

static int
list_users(struct op_call *c)
{
	struct listing l = { .c = c,
		.path_prefix = op_str_or(c, "PathPrefix", "/") };
	int r = -1;

	if (page_init(&l.page, c) != 0)
		return -1;
	if (document_each(c, "users", list_user, &l) == 0)
		r = page_end(&l.page, c, "Users");
	page_release(&l.page);
	return r;
}

/* ---- UpdateUser ---- */

/* Devices know their user by name. */
static int
rename_in_device(void *arg, const char *key, json_t *device)
{
	const struct entity_rename *n = arg;

	if (name_cmp(text_of(device, "UserName"), n->old_name) != 0)
		return VISIT_NEXT;
	if (member_set(n->c, device, "UserName", json_string(n->new_name)) != 0 ||
	    document_put(n->c, "mfa", strchr(key, '/') + 1, device) != 0)
		return VISIT_FAILED;
	return VISIT_NEXT;
}

static int
update_account(struct op_call *c, json_t *user)
{
	static const char *const fields[] = { "Home", "Shell", "Gecos" };
	const char *unix_name = op_str(c, "UnixName");
	size_t i;

	if (json_is_true(json_object_get(user, "Adopted")) && (unix_name != NULL ||
	    op_has(c, "Home") || op_has(c, "Shell") || op_has(c, "Gecos") ||
	    op_has(c, "SubordinateIds")))
		return op_fail(c, "InvalidInput", "%s is an adopted local account; its"
		    " entries in passwd(5) and subuid(5) are changed with usermod.",
		    text_of(user, "UserName"));
	for (i = 0; i < IAM_COUNT(fields); i++) {
		if (!op_has(c, fields[i]))
			continue;
		if (unix_field_check(c, fields[i]) != 0 ||
		    member_set(c, user, fields[i],
		    json_string(op_str(c, fields[i]))) != 0)
			return -1;
	}
	if (unix_name != NULL &&
	    (unix_name_check(c, unix_name, "users", text_of(user, "UserName")) != 0 ||
	    member_set(c, user, "UnixName", json_string(unix_name)) != 0))
		return -1;
	if (set_subordinate_ids(c, user) != 0)
		return -1;
	if (!op_has(c, "Enabled"))
		return 0;
	return member_set(c, user, "Enabled",
	    json_boolean(op_bool(c, "Enabled", true)));
}

/* Uid, Unix name and home stay when the name changes. */
static int
update_user(struct op_call *c)
{
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0 && update_account(c, e.doc) == 0 &&
	    entity_move(c, &e, "mfa", rename_in_device) == 0)
		r = entity_put(c, &e);
	entity_release(&e);
	return r;
}

/* ---- DeleteUser ---- */

struct device_search {
	const char *user_name;
	char serial[300];
};

static int
find_device(void *arg, const char *key, json_t *device)
{
	struct device_search *s = arg;

	(void)key;
	if (name_cmp(text_of(device, "UserName"), s->user_name) != 0)
		return VISIT_NEXT;
	snprintf(s->serial, sizeof(s->serial), "%s",
	    text_of(device, "SerialNumber"));
	return VISIT_STOP;
}

static int
conflict(struct op_call *c, const char *what, const char *which,
    const char *mend)
{
	return op_fail(c, "DeleteConflict", "Cannot delete entity, must %s first"
	    "%s%s (%s).", what, which[0] != '\0' ? ": " : "", which, mend);
}

static int
conflict_list(struct op_call *c, const json_t *user, const char *member,
    const char *what, const char *mend)
{
	const json_t *list = json_object_get(user, member);
	char names[400];

	if (json_array_size(list) == 0)
		return 0;
	list_join(list, names, sizeof(names));
	return conflict(c, what, names, mend);
}

/* Nothing is deleted by the way: who deletes a user has seen what she had. */
static int
check_deletable(struct op_call *c, const json_t *user)
{
	struct device_search s = { .user_name = text_of(user, "UserName") };
	const json_t *keys = json_object_get(user, "SSHPublicKeys");
	json_t *inline_policies = json_object_get(user, "InlinePolicies");

	if (json_is_true(json_object_get(user, "Adopted")))
		return conflict(c, "release the local account", "",
		    "release-local-user");
	if (json_object_get(user, "LoginProfile") != NULL)
		return conflict(c, "delete login profile", "",
		    "delete-login-profile");
	if (document_each(c, "mfa", find_device, &s) != 0)
		return -1;
	if (s.serial[0] != '\0')
		return conflict(c, "deactivate MFA device", s.serial,
		    "deactivate-mfa-device");
	if (json_array_size(keys) > 0)
		return conflict(c, "delete SSH public keys",
		    text_of(json_array_get(keys, 0), "SSHPublicKeyId"),
		    "delete-ssh-public-key");
	if (json_object_size(inline_policies) > 0)
		return conflict(c, "delete policies",
		    json_object_iter_key(json_object_iter(inline_policies)),
		    "delete-user-policy");
	if (conflict_list(c, user, "AttachedPolicies", "detach all policies",
	    "detach-user-policy") != 0)
		return -1;
	return conflict_list(c, user, "Groups", "remove the user from all groups",
	    "remove-user-from-group");
}

static int
delete_user(struct op_call *c)
{
	json_t *user = NULL;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) == 0 &&
	    check_deletable(c, user) == 0)
		r = document_delete(c, "users", text_of(user, "UserName"));
	json_decref(user);
	return r;
}

/* ---- tags, permissions boundary ---- */

static int
change_user(struct op_call *c, int (*change)(struct op_call *, json_t *))
{
	json_t *user = NULL;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) == 0 &&
	    change(c, user) == 0)
		r = user_put(c, user);
	json_decref(user);
	return r;
}

static int
tag_user(struct op_call *c)
{
	return change_user(c, tags_merge);
}

static int
untag_user(struct op_call *c)
{
	return change_user(c, tags_remove);
}

static int
list_user_tags(struct op_call *c)
{
	json_t *user = NULL;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) == 0)
		r = tags_list(c, user);
	json_decref(user);
	return r;
}

static int
put_boundary(struct op_call *c)
{
	return change_user(c, set_boundary);
}

static int
drop_boundary(struct op_call *c, json_t *user)
{
	if (json_object_del(user, "PermissionsBoundary") != 0)
		return op_fail(c, "NoSuchEntity", "The user with name %s has no"
		    " permissions boundary.", text_of(user, "UserName"));
	return 0;
}

static int
delete_boundary(struct op_call *c)
{
	return change_user(c, drop_boundary);
}

/* ---- rows ---- */

#define PARAM_BOUNDARY(must) \
	{ .name = "PermissionsBoundary", .type = OP_STRING, .required = (must), \
	    .min = 20, .max = 2048, .pattern = OP_ARN, \
	    .help = "ARN of the managed policy that bounds what the user may do." }
#define PARAM_UNIX_NAME \
	{ .name = "UnixName", .type = OP_STRING, .min = 1, .max = 32, \
	    .pattern = OP_UNIX_NAME, .help = "The login name on hosts; by default" \
	    " the user's name in lower case. (Extension.)" }
#define PARAM_HOME(text) \
	{ .name = "Home", .type = OP_STRING, .min = 1, .max = 255, \
	    .pattern = OP_UNIX_PATH, .help = (text) }
#define PARAM_SHELL(text) \
	{ .name = "Shell", .type = OP_STRING, .min = 1, .max = 255, \
	    .pattern = OP_UNIX_PATH, .help = (text) }
#define PARAM_GECOS \
	{ .name = "Gecos", .type = OP_STRING, .max = 255, \
	    .help = "The comment field, usually the full name. (Extension.)" }
#define PARAM_SUBORDINATE_IDS \
	{ .name = "SubordinateIds", .type = OP_BOOL, .help = "Whether the user has" \
	    " 65536 subordinate user and group ids, for containers of her own" \
	    " (libsubid_iam(8)). Those given up are never given again. (Extension.)" }
#define PARAM_ENABLED \
	{ .name = "Enabled", .type = OP_BOOL, .help = "Whether the user may log in" \
	    " at all; a disabled one is refused like a wrong password. (Extension.)" }

static const struct op_param create_user_params[] = {
	PARAM_USER_NAME(true, "The new user's name; unique without regard to case."),
	PARAM_PATH,
	PARAM_BOUNDARY(false),
	PARAM_TAGS(false),
	PARAM_UNIX_NAME,
	{ .name = "Uid", .type = OP_INT, .min = 1, .max = 4294967293,
	    .help = "The user id, within the account's range and never used before;"
	    " by default the next one. (Extension.)" },
	PARAM_HOME("The home directory; by default /home/ and the Unix name."
	    " (Extension.)"),
	PARAM_SHELL("The login shell; by default /bin/bash. (Extension.)"),
	PARAM_GECOS,
	PARAM_SUBORDINATE_IDS,
	PARAM_ENABLED,
	PARAM_END
};

static const struct op_param get_user_params[] = {
	PARAM_USER_NAME(false, "The user; by default the caller."),
	PARAM_END
};

static const struct op_param list_users_params[] = {
	PARAM_PATH_PREFIX,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param update_user_params[] = {
	PARAM_USER_NAME(true, "The user to be changed."),
	{ .name = "NewPath", .type = OP_STRING, .min = 1, .max = 512,
	    .pattern = OP_PATH, .help = "A new path." },
	{ .name = "NewUserName", .type = OP_STRING, .min = 1, .max = 64,
	    .pattern = OP_IAM_NAME, .help = "A new name; user id, Unix name and home"
	    " stay as they are." },
	PARAM_UNIX_NAME,
	PARAM_HOME("A new home directory; nothing is moved. (Extension.)"),
	PARAM_SHELL("A new login shell. (Extension.)"),
	PARAM_GECOS,
	PARAM_SUBORDINATE_IDS,
	PARAM_ENABLED,
	PARAM_END
};

static const struct op_param user_params[] = {
	PARAM_USER_NAME(true, "The user's name."),
	PARAM_END
};

static const struct op_param tag_user_params[] = {
	PARAM_USER_NAME(true, "The user to be tagged."),
	PARAM_TAGS(true),
	PARAM_END
};

static const struct op_param untag_user_params[] = {
	PARAM_USER_NAME(true, "The user whose tags go."),
	{ .name = "TagKeys", .type = OP_TAG_KEYS, .required = true,
	    .max = QUOTA_TAGS, .help = "The keys of the tags to be removed." },
	PARAM_END
};

static const struct op_param list_user_tags_params[] = {
	PARAM_USER_NAME(true, "The user whose tags are shown."),
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param boundary_params[] = {
	PARAM_USER_NAME(true, "The user to be bounded."),
	PARAM_BOUNDARY(true),
	PARAM_END
};

#define USER_COLUMNS "UserName,UserId,Arn,UnixName,Uid,Enabled,CreateDate"

const struct op ops_user[] = {
	{ .name = "CreateUser", .service = "iam",
	    .summary = "Make a user, with a Unix account on every host.",
	    .params = create_user_params, .resource = USER_ARN,
	    .needs_init = true, .run = create_user, .columns = USER_COLUMNS },
	{ .name = "GetUser", .service = "iam",
	    .summary = "Show a user, or the caller.",
	    .params = get_user_params, .resource = USER_ARN, .read_only = true,
	    .needs_init = true, .run = get_user },
	{ .name = "ListUsers", .service = "iam",
	    .summary = "List the users.",
	    .params = list_users_params, .read_only = true, .needs_init = true,
	    .run = list_users, .columns = USER_COLUMNS },
	{ .name = "UpdateUser", .service = "iam",
	    .summary = "Rename a user, move it to another path, or change its Unix"
	    " account.",
	    .params = update_user_params, .resource = USER_ARN,
	    .target = "arn:aws:iam::{account}:user{NewPath}{NewUserName}",
	    .needs_init = true, .run = update_user },
	{ .name = "DeleteUser", .service = "iam",
	    .summary = "Delete a user that has no credentials, policies and groups"
	    " any more.",
	    .params = user_params, .resource = USER_ARN, .needs_init = true,
	    .run = delete_user },
	{ .name = "TagUser", .service = "iam",
	    .summary = "Add tags to a user, or change their values.",
	    .params = tag_user_params, .resource = USER_ARN, .needs_init = true,
	    .run = tag_user },
	{ .name = "UntagUser", .service = "iam",
	    .summary = "Remove tags from a user.",
	    .params = untag_user_params, .resource = USER_ARN, .needs_init = true,
	    .run = untag_user },
	{ .name = "ListUserTags", .service = "iam",
	    .summary = "List the tags of a user.",
	    .params = list_user_tags_params, .resource = USER_ARN,
	    .read_only = true, .needs_init = true, .run = list_user_tags,
	    .columns = "Key,Value" },
	{ .name = "PutUserPermissionsBoundary", .service = "iam",
	    .summary = "Set the managed policy that bounds what a user may do.",
	    .params = boundary_params, .resource = USER_ARN, .needs_init = true,
	    .run = put_boundary },
	{ .name = "DeleteUserPermissionsBoundary", .service = "iam",
	    .summary = "Remove the permissions boundary of a user.",
	    .params = user_params, .resource = USER_ARN, .needs_init = true,
	    .run = delete_boundary },
	{ .name = NULL },
};
