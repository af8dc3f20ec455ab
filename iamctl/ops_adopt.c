/*
 * Local accounts under policy. Rules that this file keeps: the account's entry, its
 * home and its files stay as they are, and it is never the host's root or a
 * system account (S0, S27); who is adopted is listed in the account's document,
 * so that every publish, and a login without a snapshot, knows all of them (S2).
 */
#include "common/base/base.h"

#include "common/runtime/runtime.h"
#include "iamctl/entity.h"
#include "iamctl/host.h"
#include "iamctl/role.h"

#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"
#define ADOPTED "AdoptedUsers" /* Unix names, in the account's document */
#define UID_PEOPLE_MIN 1000 /* Debian policy 9.2.2: below are system accounts */
#define UID_NOBODY 65534

/* ---- the list ---- */

static int
change_list(struct op_call *c, const char *unix_name, bool add)
{
	json_t *account = NULL, *list;
	int at, r;

	if ((r = store_get(c->store, "account", &account)) != 0)
		return op_fail_err(c, r, "The account could not be read");
	if ((list = json_object_get(account, ADOPTED)) == NULL &&
	    (list = json_array()) != NULL &&
	    (r = member_set(c, account, ADOPTED, list)) != 0)
		goto out;
	at = list_index(list, unix_name);
	if (add && at < 0)
		r = list_add(c, list, json_string(unix_name));
	else if (!add && at >= 0)
		json_array_remove(list, (size_t)at);
	if (json_array_size(list) == 0)
		json_object_del(account, ADOPTED);
	if (r == 0 && (r = store_put(c->store, "account", account)) != 0)
		r = op_fail_err(c, r, "The account could not be kept");
out:
	json_decref(account);
	return r;
}

/* ---- AdoptLocalUser ---- */

#define HOLDER_MAX 160

static int
take_holder(void *arg, const char *key, json_t *doc)
{
	(void)doc;
	snprintf(arg, HOLDER_MAX, "%s", key);
	return VISIT_STOP;
}

/* May this account be governed at all? */
static int
check_local(struct op_call *c, const json_t *local, const char *name)
{
	json_int_t id = json_integer_value(json_object_get(local, "Uid"));
	char text[24], holder[HOLDER_MAX] = "";
	struct host_limits limits;

	if (host_limits_get(c, &limits) != 0)
		return -1;
	if (id == 0)
		return op_fail(c, "InvalidInput", "%s is the host's own root and is"
		    " never governed.", name);
	if (id < UID_PEOPLE_MIN || id == UID_NOBODY)
		return op_fail(c, "InvalidInput", "%s has the id %lld of a system"
		    " account; only people are adopted.", name, (long long)id);
	if (id >= limits.id_min && id <= limits.id_max)
		return op_fail(c, "InvalidInput", "%s has the id %lld, which lies in"
		    " this account's own range.", name, (long long)id);
	snprintf(text, sizeof(text), "%lld", (long long)id);
	if (document_each_with(c, "users", "Uid", text, take_holder, holder) != 0)
		return -1;
	if (holder[0] != '\0')
		return op_fail(c, "EntityAlreadyExists", "The id %lld of %s belongs to"
		    " %s already.", (long long)id, name, holder);
	return 0;
}

/* The local account that is meant; *ret is new: its passwd(5) fields as members of a user. */
static int
find_local(struct op_call *c, json_t **ret)
{
	const char *name = op_str(c, "UnixName");
	char lower[IAM_UNIX_NAME_MAX + 1];

	*ret = NULL;
	if (name == NULL) {
		if (unix_name_default(c, op_str(c, "UserName"), lower) != 0)
			return -1;
		name = lower;
	}
	if (unix_local_account(c, name, ret) != 0 ||
	    unix_name_free(c, name) != 0)
		return -1;
	if (*ret == NULL)
		return op_fail(c, "NoSuchEntity", "There is no account %s in %s;"
		    " --unix-name says which is meant.", name, IAM_PATH_PASSWD);
	return check_local(c, *ret, name);
}

static int
adopt(struct op_call *c, json_t *user, json_t *local)
{
	if (json_object_update(user, local) != 0)
		return no_memory(c);
	if (member_set(c, user, "Adopted", json_true()) != 0 ||
	    member_set(c, user, "Enabled", json_true()) != 0 ||
	    tags_merge(c, user) != 0 ||
	    (op_bool(c, "TakePassword", false) &&
	    import_shadow_password(c, user) != 0) ||
	    change_list(c, text_of(user, "UnixName"), true) != 0)
		return -1;
	return user_put(c, user);
}

static int
adopt_local_user(struct op_call *c)
{
	const char *name = op_str(c, "UserName");
	json_t *user = NULL, *local = NULL, *old = NULL;
	int r = -1;

	if (document_find(c, "users", name, &old) != 0)
		goto out;
	if (old != NULL)
		op_fail(c, "EntityAlreadyExists", "User with name %s already exists.",
		    name);
	else if (find_local(c, &local) == 0 &&
	    quota_check(c, "users", QUOTA_USERS, "Users") == 0 &&
	    user_new(c, name, &user) == 0 && adopt(c, user, local) == 0)
		r = out_set(c, "User", user_shape(user, false));
out:
	json_decref(old);
	json_decref(local);
	json_decref(user);
	return r;
}

/* ---- ReleaseLocalUser ---- */

struct release {
	struct op_call *c;
	const char *user_name;
};

static int
free_device(void *arg, const char *key, json_t *device)
{
	struct release *f = arg;

	json_object_del(device, "UserName");
	json_object_del(device, "EnableDate");
	return document_put(f->c, "mfa", strchr(key, '/') + 1, device) == 0 ?
	    VISIT_NEXT : VISIT_FAILED;
}

/* Everything that was hers in IAM goes; the local account is what it was. */
static int
release_local_user(struct op_call *c)
{
	struct release f = { .c = c };
	json_t *user = NULL;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) != 0)
		goto out;
	f.user_name = text_of(user, "UserName");
	if (!json_is_true(json_object_get(user, "Adopted"))) {
		op_fail(c, "InvalidInput", "%s is a user of IAM's own and no adopted"
		    " local account; delete-user deletes it.", f.user_name);
		goto out;
	}
	if (document_each_with(c, "mfa", "UserName", f.user_name,
	    free_device, &f) == 0 &&
	    change_list(c, text_of(user, "UnixName"), false) == 0 &&
	    document_delete(c, "users", f.user_name) == 0)
		r = role_principal_becomes(c, text_of(user, "Arn"),
		    text_of(user, "UserId"));
out:
	json_decref(user);
	return r;
}

/* ---- rows ---- */

static const struct op_param adopt_params[] = {
	PARAM_USER_NAME(true, "The new user's name; unique without regard to case."),
	{ .name = "UnixName", .type = OP_STRING, .min = 1, .max = 32,
	    .pattern = OP_UNIX_NAME, .help = "The local account; by default the one"
	    " of the user's name in lower case." },
	PARAM_PATH,
	PARAM_TAGS(false),
	{ .name = "TakePassword", .type = OP_BOOL, .help = "Take over the local"
	    " password from shadow(5), where it stays as well." },
	PARAM_END
};

static const struct op_param release_params[] = {
	PARAM_USER_NAME(true, "The user to be given back to the host."),
	PARAM_END
};

const struct op ops_adopt[] = {
	{ .name = "AdoptLocalUser", .service = "host",
	    .summary = "Put a local account of this host under policy: a user of its"
	    " name decides how it logs in from now on, so that it needs a policy that"
	    " allows it to. Its entry in passwd(5), home and"
	    " files stay as they are. Whether shadow(5) has it locked or expired is of no"
	    " matter meanwhile: update-user --no-enabled locks it. Should the module be removed, its local password"
	    " counts again, unless it is locked with 'passwd -l'.",
	    .params = adopt_params, .resource = USER_ARN, .needs_init = true,
	    .run = adopt_local_user },
	{ .name = "ReleaseLocalUser", .service = "host",
	    .summary = "Give an adopted local account back to the host: the user is"
	    " deleted with her password, keys, policies and memberships, her MFA"
	    " devices are deactivated, and the account is a local one as before.",
	    .params = release_params, .resource = USER_ARN, .needs_init = true,
	    .run = release_local_user },
	{ .name = NULL },
};
