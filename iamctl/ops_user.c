/* Users: CreateUser … UpdateUser, their tags and permissions boundary. */
#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/last_used.h"
#include "iamctl/role.h"
#include "iamctl/unix_account.h"

#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"

/* ---- CreateUser ---- */

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
	    user_new(c, name, &user) != 0 || entity_set_boundary(c, user) != 0 ||
	    tags_merge(c, user) != 0 || account_create(c, user) != 0 ||
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
	json_t *user = NULL, *shape = NULL;
	struct lastlogin last;
	int r = -1;

	if (!op_has(c, "UserName") &&
	    json_object_get(c->caller, "UserName") == NULL &&
	    json_object_get(c->caller, "RoleArn") == NULL)
		return root_user(c);
	if (user_of_call(c, &user) == 0) {
		last_used_read(user, &last);
		shape = user_shape(user, false);
		r = shape == NULL ? no_memory(c) :
		    last_used_password(c, &last, shape);
	}
	if (r == 0)
		r = out_set(c, "User", json_incref(shape));
	json_decref(shape);
	json_decref(user);
	return r;
}

static json_t *
listed_user(const json_t *user)
{
	return user_shape(user, true);
}

static int
list_users(struct op_call *c)
{
	return entity_list(c, "users", "Users", listed_user, NULL, NULL);
}

/* ---- UpdateUser ---- */

/* Devices know their user by name. */
static int
rename_in_device(void *arg, const char *key, json_t *device)
{
	const struct entity_rename *n = arg;

	if (member_set(n->c, device, "UserName", json_string(n->new_name)) != 0 ||
	    document_put(n->c, "mfa", strchr(key, '/') + 1, device) != 0)
		return VISIT_FAILED;
	return VISIT_NEXT;
}

/* Uid, Unix name and home stay when the name changes. */
static int
update_user(struct op_call *c)
{
	struct entity e;
	char *arn = NULL;
	int r = -1;

	if (entity_get(c, &e) != 0)
		goto out;
	if ((arn = strdup(text_of(e.doc, "Arn"))) == NULL)
		no_memory(c);
	else if (account_update(c, e.doc) == 0 &&
	    entity_move(c, &e, rename_in_device) == 0 &&
	    role_principal_becomes(c, arn, text_of(e.doc, "Arn")) == 0)
		r = entity_put(c, &e);
out:
	free(arn);
	entity_release(&e);
	return r;
}

/* ---- DeleteUser ---- */

#define SERIAL_MAX 300

static int
take_serial(void *arg, const char *key, json_t *device)
{
	(void)key;
	snprintf(arg, SERIAL_MAX, "%s", text_of(device, "SerialNumber"));
	return VISIT_STOP;
}

/* Nothing is deleted by the way: who deletes a user has seen what she had. */
static int
check_deletable(struct op_call *c, const json_t *user)
{
	char serial[SERIAL_MAX] = "";
	const json_t *keys = json_object_get(user, "SSHPublicKeys");
	char names[400];

	if (json_is_true(json_object_get(user, "Adopted")))
		return entity_conflict(c, "release the local account", "",
		    "release-local-user");
	if (json_object_get(user, "LoginProfile") != NULL)
		return entity_conflict(c, "delete login profile", "",
		    "delete-login-profile");
	if (document_each_with(c, "mfa", "UserName", text_of(user, "UserName"),
	    take_serial, serial) != 0)
		return -1;
	if (serial[0] != '\0')
		return entity_conflict(c, "deactivate MFA device", serial,
		    "deactivate-mfa-device");
	if (json_array_size(keys) > 0)
		return entity_conflict(c, "delete SSH public keys",
		    text_of(json_array_get(keys, 0), "SSHPublicKeyId"),
		    "delete-ssh-public-key");
	if (entity_without_policies(c, user) != 0)
		return -1;
	list_join(json_object_get(user, "Groups"), names, sizeof(names));
	return names[0] == '\0' ? 0 : entity_conflict(c,
	    "remove the user from all groups", names, "remove-user-from-group");
}

static int
delete_user(struct op_call *c)
{
	json_t *user = NULL;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) == 0 &&
	    check_deletable(c, user) == 0 &&
	    document_delete(c, "users", text_of(user, "UserName")) == 0)
		r = role_principal_becomes(c, text_of(user, "Arn"),
		    text_of(user, "UserId"));
	json_decref(user);
	return r;
}

/* ---- rows ---- */

#define USER_UNIX_NAME "The login name on hosts; by default the user's name in" \
	" lower case. (Extension.)"
#define USER_GECOS "The comment field, usually the full name. (Extension.)"
#define USER_SUBORDINATE_IDS "Whether the user has 65536 subordinate user and group" \
	" ids, for containers of her own (libsubid_iam(8)). Those given up are never" \
	" given again. (Extension.)"
#define USER_ENABLED "Whether the user may log in at all; a disabled one is refused" \
	" like a wrong password. (Extension.)"

static const struct op_param create_user_params[] = {
	PARAM_USER_NAME(true, "The new user's name; unique without regard to case."),
	PARAM_PATH,
	PARAM_BOUNDARY(false),
	PARAM_TAGS(false),
	PARAM_UNIX_NAME(USER_UNIX_NAME),
	PARAM_UID,
	PARAM_HOME("The home directory; by default /home/ and the Unix name."
	    " (Extension.)"),
	PARAM_SHELL("The login shell; by default /bin/bash. (Extension.)"),
	PARAM_GECOS(USER_GECOS),
	PARAM_SUBORDINATE_IDS(USER_SUBORDINATE_IDS),
	PARAM_ENABLED(USER_ENABLED),
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
	PARAM_UNIX_NAME(USER_UNIX_NAME),
	PARAM_HOME("A new home directory; nothing is moved. (Extension.)"),
	PARAM_SHELL("A new login shell. (Extension.)"),
	PARAM_GECOS(USER_GECOS),
	PARAM_SUBORDINATE_IDS(USER_SUBORDINATE_IDS),
	PARAM_ENABLED(USER_ENABLED),
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
	    .run = tag_entity },
	{ .name = "UntagUser", .service = "iam",
	    .summary = "Remove tags from a user.",
	    .params = untag_user_params, .resource = USER_ARN, .needs_init = true,
	    .run = untag_entity },
	{ .name = "ListUserTags", .service = "iam",
	    .summary = "List the tags of a user.",
	    .params = list_user_tags_params, .resource = USER_ARN,
	    .read_only = true, .needs_init = true, .run = list_entity_tags,
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
