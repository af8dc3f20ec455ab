/*
 * Login profiles: a user's password on hosts. Rule that this file keeps: who
 * changes her own proves the old one first.
 */
#include "common/base/base.h"

#include <unistd.h>

#include "common/credential/credential.h"
#include "common/runtime/runtime.h"
#include "iamctl/password.h"

#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"

/* ---- login profiles ---- */

static json_t *
profile_shape(const json_t *user)
{
	const json_t *profile = json_object_get(user, "LoginProfile");

	return json_pack("{s:s,s:s,s:b}", "UserName", text_of(user, "UserName"),
	    "CreateDate", text_of(profile, "CreateDate"), "PasswordResetRequired",
	    json_is_true(json_object_get(profile, "PasswordResetRequired")));
}

/* The user of the call and her profile (borrowed); NoSuchEntity without one. */
static int
profile_get(struct op_call *c, json_t **ret_user, json_t **ret_profile)
{
	if (user_of_call(c, ret_user) != 0)
		return -1;
	*ret_profile = json_object_get(*ret_user, "LoginProfile");
	if (*ret_profile == NULL)
		return op_fail(c, "NoSuchEntity", "Login Profile for User %s cannot be"
		    " found; create-login-profile makes one.",
		    text_of(*ret_user, "UserName"));
	return 0;
}

static int
new_profile(struct op_call *c, json_t *user)
{
	json_t *profile = json_pack("{s:o,s:b}", "CreateDate", time_now(c),
	    "PasswordResetRequired", op_bool(c, "PasswordResetRequired", false));

	if (member_set(c, user, "LoginProfile", profile) != 0)
		return -1;
	return password_set(c, user, op_str(c, "Password"));
}

static int
create_login_profile(struct op_call *c)
{
	json_t *user = NULL;
	int r = -1;

	if (user_of_call(c, &user) != 0)
		goto out;
	if (json_object_get(user, "LoginProfile") != NULL) {
		op_fail(c, "EntityAlreadyExists", "Login Profile for user %s already"
		    " exists; update-login-profile changes the password.",
		    text_of(user, "UserName"));
		goto out;
	}
	if (new_profile(c, user) == 0 && user_put(c, user) == 0)
		r = out_set(c, "LoginProfile", profile_shape(user));
out:
	json_decref(user);
	return r;
}

static int
get_login_profile(struct op_call *c)
{
	json_t *user = NULL, *profile;
	int r = -1;

	if (profile_get(c, &user, &profile) == 0)
		r = out_set(c, "LoginProfile", profile_shape(user));
	json_decref(user);
	return r;
}

static int
update_login_profile(struct op_call *c)
{
	const char *password = op_str(c, "Password");
	json_t *user = NULL, *profile;
	int r = -1;

	if (profile_get(c, &user, &profile) != 0 ||
	    (password != NULL && password_set(c, user, password) != 0))
		goto out;
	if (op_has(c, "PasswordResetRequired") &&
	    member_set(c, profile, "PasswordResetRequired",
	    json_boolean(op_bool(c, "PasswordResetRequired", false))) != 0)
		goto out;
	r = user_put(c, user);
out:
	json_decref(user);
	return r;
}

static int
delete_login_profile(struct op_call *c)
{
	json_t *user = NULL, *profile;
	int r = -1;

	if (profile_get(c, &user, &profile) == 0 &&
	    json_object_del(user, "LoginProfile") == 0)
		r = user_put(c, user);
	json_decref(user);
	return r;
}

/* ---- ChangePassword ---- */

/* Guesses count here as they do at a login: it is the same password (S33). */
static int
old_password_matches(struct op_call *c, const json_t *user,
    const char *password, bool *ret)
{
	uint32_t uid = (uint32_t)json_integer_value(json_object_get(user, "Uid"));
	struct runtime_attempt attempt;
	struct host_limits limits;
	struct runtime *rt = NULL;
	bool begun = false;
	int r = 0, r2 = 0;

	*ret = false;
	if (host_limits_get(c, &limits) != 0 || host_runtime_open(c, &rt) != 0)
		return -1;
	if (rt != NULL && (r = runtime_attempt_begin(rt, uid,
	    runtime_source_local(uid), c->now_s, &(struct runtime_limits){
	    limits.throttle_free, limits.throttle_max_s }, &begun, &attempt)) != 0)
		r = op_fail_err(c, r, "The attempt could not be counted");
	else if (rt != NULL && !begun)
		r = op_fail(c, "EntityTemporarilyUnmodifiable", "Too many failed"
		    " attempts; try again later.");
	else
		r = password_is_present(c, json_object_get(user, "LoginProfile"),
		    password, ret);
	if (begun && (r2 = runtime_attempt_end(rt, &attempt, r == 0 && *ret ?
	    RUNTIME_NEITHER : RUNTIME_FAILED, c->now_s, NULL)) != 0 && r == 0)
		r = op_fail_err(c, r2, "The failed attempt could not be counted");
	runtime_close(rt);
	return r;
}

/*
 * May the caller do this without the old password? Only root, for a user she
 * names: an administrator, or the PAM module, which has asked for it already.
 * Whether a user may do it at all was authorized before: by the password policy,
 * or by her own policies.
 */
static int
check_caller(struct op_call *c, const json_t *user,
    const struct password_policy *policy)
{
	bool is_user = json_object_get(c->caller, "UserName") != NULL, ok;
	const char *old = op_str(c, "OldPassword");
	int64_t expires;

	if (!is_user && op_has(c, "UserName") && old == NULL)
		return 0;
	if (is_user && op_has(c, "UserName") && name_cmp(op_str(c, "UserName"),
	    text_of(c->caller, "UserName")) != 0)
		return op_fail(c, "AccessDenied", "change-password is for one's own"
		    " password; update-login-profile sets another user's.");
	expires = password_expires_s(policy, json_object_get(user, "LoginProfile"));
	if (is_user && policy->hard_expiry && expires != 0 && c->now_s >= expires)
		return op_fail(c, "AccessDenied", "The password has expired; an"
		    " administrator has to set a new one.");
	if (old == NULL)
		return op_fail(c, "InvalidInput", "The old password is missing"
		    " (--old-password-stdin).");
	if (old_password_matches(c, user, old, &ok) != 0)
		return -1;
	return ok ? 0 :
	    op_fail(c, "AccessDenied", "The old password was incorrect.");
}

/* A reset that puts the same password back is none, and neither is a change that
 * only makes it young again. */
static int
check_changed(struct op_call *c, const json_t *profile,
    const struct password_policy *policy)
{
	bool same;

	if (!json_is_true(json_object_get(profile, "PasswordResetRequired")) &&
	    policy->max_age_days == 0)
		return 0;
	if (password_is_present(c, profile, op_str(c, "NewPassword"), &same) != 0)
		return -1;
	return !same ? 0 : op_fail(c, "PasswordPolicyViolation",
	    "The new password must differ from the old one.");
}

static int
change_password(struct op_call *c)
{
	struct password_policy policy;
	json_t *user = NULL, *profile;
	int r = -1;

	/* Whatever its policies allow: a role has no password to prove itself by. */
	if (json_object_get(c->caller, "RoleArn") != NULL)
		return op_fail(c, "InvalidUserType", "Only IAM Users can change their own"
		    " password.");
	if (!op_has(c, "UserName") &&
	    json_object_get(c->caller, "UserName") == NULL)
		return op_fail(c, "InvalidUserType", "Root has no IAM password; say"
		    " whose password is to be changed with --user-name.");
	if (profile_get(c, &user, &profile) != 0 ||
	    password_policy_get(c, &policy) != 0 ||
	    check_caller(c, user, &policy) != 0 ||
	    password_check_form(c, &policy, op_str(c, "NewPassword")) != 0 ||
	    check_changed(c, profile, &policy) != 0 ||
	    password_set(c, user, op_str(c, "NewPassword")) != 0 ||
	    member_set(c, profile, "PasswordResetRequired", json_false()) != 0)
		goto out;
	r = user_put(c, user);
out:
	json_decref(user);
	return r;
}

/* ---- UpgradePasswordHash ---- */

/* The same password, as yescrypt: for logins, which have it anyway. */
static int
upgrade_password_hash(struct op_call *c)
{
	json_t *user = NULL, *profile;
	bool same = false;
	int r = -1;

	if (profile_get(c, &user, &profile) != 0)
		goto out;
	if (password_hash_is_current(text_of(profile, "PasswordHash"))) {
		c->publish = false;
		r = 0;
		goto out;
	}
	if (old_password_matches(c, user, op_str(c, "Password"), &same) != 0)
		goto out;
	if (!same)
		op_fail(c, "AccessDenied", "The password was incorrect.");
	else if (password_rehash(c, profile, op_str(c, "Password")) == 0)
		r = user_put(c, user);
out:
	json_decref(user);
	return r;
}

/* ---- throttle ---- */

static json_t *
source_shape(struct op_call *c, const struct runtime_throttle *t)
{
	char source[RUNTIME_SOURCE_TEXT];
	json_t *shape;

	runtime_source_text(t->source, source);
	shape = json_pack("{s:s,s:i}", "Source", source, "FailedAttempts",
	    (int)t->failures);
	if (shape == NULL || time_put(c, shape, "LastFailure", t->last_s) != 0 ||
	    time_put(c, shape, "RetryAt", t->retry_at_s) != 0) {
		json_decref(shape);
		return NULL;
	}
	return shape;
}

static int
show_throttle(struct op_call *c, json_t *status, uint32_t uid)
{
	struct runtime_throttle sources[RUNTIME_SOURCES_MAX];
	struct host_limits limits;
	struct runtime *rt;
	json_t *list = json_array();
	unsigned i, n = 0;
	uint32_t all = 0;
	int r = 0;

	if (member_set(c, status, "Sources", list) != 0 ||
	    host_limits_get(c, &limits) != 0 || host_runtime_open(c, &rt) != 0)
		return -1;
	if (rt != NULL)
		r = runtime_throttle_list(rt, uid, c->now_s,
		    &(struct runtime_limits){ limits.throttle_free,
		    limits.throttle_max_s }, sources, &n, &all);
	runtime_close(rt);
	if (r != 0)
		return op_fail_err(c, r, "The failed attempts could not be read");
	for (i = 0; i < n; i++) {
		if (json_array_append_new(list, source_shape(c, &sources[i])) != 0)
			return no_memory(c);
	}
	return member_set(c, status, "FailedAttempts", json_integer(all));
}

static int
show_expiry(struct op_call *c, json_t *status, const json_t *profile)
{
	struct password_policy policy;
	int64_t expires;

	if (password_policy_get(c, &policy) != 0)
		return -1;
	if (profile != NULL && json_object_get(profile, "PasswordChanged") != NULL &&
	    member_set(c, status, "PasswordChanged",
	    json_string(text_of(profile, "PasswordChanged"))) != 0)
		return -1;
	expires = password_expires_s(&policy, profile);
	if (time_put(c, status, "PasswordExpires", expires) != 0)
		return -1;
	return expires == 0 ? 0 : member_set(c, status, "PasswordExpired",
	    json_boolean(c->now_s >= expires));
}

static int
get_login_status(struct op_call *c)
{
	json_t *user = NULL, *profile, *status = NULL;
	int r = -1;

	if (user_of_call(c, &user) != 0)
		goto out;
	profile = json_object_get(user, "LoginProfile");
	status = json_pack("{s:s,s:s,s:b,s:b,s:b}", "UserName",
	    text_of(user, "UserName"), "UnixName", text_of(user, "UnixName"),
	    "Enabled", json_is_true(json_object_get(user, "Enabled")),
	    "HasPassword", profile != NULL, "PasswordResetRequired",
	    json_is_true(json_object_get(profile, "PasswordResetRequired")));
	if (status == NULL)
		no_memory(c);
	else if (member_set(c, status, "RecoveryCodesLeft", json_integer((json_int_t)
	    json_array_size(json_object_get(json_object_get(user, "RecoveryCodes"),
	    "Hashes")))) == 0 && show_expiry(c, status, profile) == 0 &&
	    show_throttle(c, status, (uint32_t)json_integer_value(
	    json_object_get(user, "Uid"))) == 0)
		r = out_set(c, "LoginStatus", json_incref(status));
out:
	json_decref(status);
	json_decref(user);
	return r;
}

static int
unlock_user(struct op_call *c)
{
	struct runtime *rt = NULL;
	json_t *user = NULL;
	int r = -1;

	/* No document changes: nothing has to follow. */
	c->publish = false;
	if (user_get(c, op_str(c, "UserName"), &user) != 0 ||
	    host_runtime_open(c, &rt) != 0)
		goto out;
	r = rt == NULL ? 0 : runtime_throttle_clear(rt,
	    (uint32_t)json_integer_value(json_object_get(user, "Uid")));
	if (r != 0)
		r = op_fail_err(c, r, "The failed attempts could not be forgotten");
out:
	runtime_close(rt);
	json_decref(user);
	return r;
}

/* ---- rows ---- */

#define PARAM_RESET \
	{ .name = "PasswordResetRequired", .type = OP_BOOL, \
	    .help = "Whether a new password has to be chosen at the next login." }
#define PARAM_PASSWORD(param, must, text) \
	{ .name = (param), .type = OP_SECRET, .required = (must), .min = 1, \
	    .max = PASSWORD_MAX, .help = (text) }

static const struct op_param create_params[] = {
	PARAM_USER_NAME(true, "The user who gets a password."),
	PARAM_PASSWORD("Password", true, "The password."),
	PARAM_RESET,
	PARAM_END
};

static const struct op_param get_params[] = {
	PARAM_USER_NAME(false, "The user; by default the caller."),
	PARAM_END
};

static const struct op_param update_params[] = {
	PARAM_USER_NAME(true, "The user whose password is set."),
	PARAM_PASSWORD("Password", false, "The new password."),
	PARAM_RESET,
	PARAM_END
};

static const struct op_param delete_params[] = {
	PARAM_USER_NAME(true, "The user who has no password any more."),
	PARAM_END
};

static const struct op_param change_params[] = {
	PARAM_USER_NAME(false, "Whose password; by default the caller's. Root needs"
	    " no old password. (Extension.)"),
	PARAM_PASSWORD("OldPassword", false, "The present password."),
	PARAM_PASSWORD("NewPassword", true, "The new password."),
	PARAM_END
};

static const struct op_param upgrade_params[] = {
	PARAM_USER_NAME(true, "Whose password."),
	PARAM_PASSWORD("Password", true, "The password that she has."),
	PARAM_END
};

static const struct op_param status_params[] = {
	PARAM_USER_NAME(false, "The user; by default the caller."),
	PARAM_END
};

static const struct op_param unlock_params[] = {
	PARAM_USER_NAME(true, "The user whose failed attempts are forgotten."),
	PARAM_END
};

const struct op ops_login[] = {
	{ .name = "CreateLoginProfile", .service = "iam",
	    .summary = "Give a user a password.",
	    .params = create_params, .resource = USER_ARN, .needs_init = true,
	    .run = create_login_profile },
	{ .name = "GetLoginProfile", .service = "iam",
	    .summary = "Show whether a user has a password, and since when.",
	    .params = get_params, .resource = USER_ARN, .read_only = true,
	    .needs_init = true, .run = get_login_profile },
	{ .name = "UpdateLoginProfile", .service = "iam",
	    .summary = "Set a user's password.",
	    .params = update_params, .resource = USER_ARN, .needs_init = true,
	    .run = update_login_profile },
	{ .name = "DeleteLoginProfile", .service = "iam",
	    .summary = "Take a user's password away.",
	    .params = delete_params, .resource = USER_ARN, .needs_init = true,
	    .run = delete_login_profile },
	{ .name = "ChangePassword", .service = "iam",
	    .summary = "Change one's own password.",
	    .params = change_params, .resource = USER_ARN, .needs_init = true,
	    .run = change_password,
	    .access = OP_ACCESS_OWN_PASSWORD },
	{ .name = "UpgradePasswordHash", .service = "host",
	    .summary = "Keep a password, which is to be typed once more, as a yescrypt"
	    " hash; its age and the password policy are of no matter. Logins do so"
	    " by themselves.",
	    .params = upgrade_params, .resource = USER_ARN, .needs_init = true,
	    .run = upgrade_password_hash },
	{ .name = "GetLoginStatus", .service = "host",
	    .summary = "Show whether a user may log in, and failed attempts.",
	    .params = status_params, .resource = USER_ARN, .read_only = true,
	    .needs_init = true, .run = get_login_status },
	{ .name = "UnlockUser", .service = "host",
	    .summary = "Forget a user's failed attempts, so that the next one is"
	    " looked at without delay.",
	    .params = unlock_params, .resource = USER_ARN, .needs_init = true,
	    .run = unlock_user },
	{ .name = NULL },
};
