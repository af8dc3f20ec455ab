/* The account's password policy: a member of the account's document. */
#include "common/base/base.h"

#include "iamctl/password.h"

static const char *const members[] = { "MinimumPasswordLength",
	"RequireSymbols", "RequireNumbers", "RequireUppercaseCharacters",
	"RequireLowercaseCharacters", "AllowUsersToChangePassword",
	"MaxPasswordAge", "PasswordReusePrevention", "HardExpiry", NULL };

static int
change_account(struct op_call *c, json_t *policy)
{
	json_t *account = NULL;
	int r;

	if ((r = store_get(c->store, "account", &account)) != 0) {
		json_decref(policy);
		return op_fail_err(c, r, "The account could not be read");
	}
	if (policy != NULL)
		r = member_set(c, account, PASSWORD_POLICY, policy);
	else if (json_object_del(account, PASSWORD_POLICY) != 0)
		r = op_fail(c, "NoSuchEntity",
		    "The account policy with name PasswordPolicy cannot be found.");
	if (r == 0 && (r = store_put(c->store, "account", account)) != 0)
		r = op_fail_err(c, r, "The account could not be kept");
	json_decref(account);
	return r;
}

/* No partial updates, as in AWS: what is not given has its default. */
static int
update_policy(struct op_call *c)
{
	json_t *policy = members_of(c->in, members);

	return policy != NULL ? change_account(c, policy) : no_memory(c);
}

static int
delete_policy(struct op_call *c)
{
	return change_account(c, NULL);
}

static int
get_policy(struct op_call *c)
{
	json_t *account = NULL, *policy;
	struct password_policy p;
	int r;

	if ((r = store_get(c->store, "account", &account)) != 0)
		return op_fail_err(c, r, "The account could not be read");
	policy = json_copy(json_object_get(account, PASSWORD_POLICY));
	password_policy_of(account, &p);
	json_decref(account);
	if (policy == NULL)
		return op_fail(c, "NoSuchEntity", "The Password Policy with domain name"
		    " %s cannot be found. Without one a password has at least %u"
		    " characters and its user may change it.", c->account_id,
		    p.min_len);
	if (out_set(c, "PasswordPolicy", policy) != 0)
		return -1;
	return member_set(c, policy, "ExpirePasswords",
	    json_boolean(p.max_age_days != 0));
}

#define PARAM_FLAG(param, text) \
	{ .name = (param), .type = OP_BOOL, .fallback = "false", .help = (text) }

static const struct op_param update_params[] = {
	{ .name = "MinimumPasswordLength", .type = OP_INT,
	    .min = PASSWORD_POLICY_LENGTH_MIN, .max = PASSWORD_POLICY_LENGTH_MAX,
	    .fallback = "6", .help = "The fewest characters of a password." },
	PARAM_FLAG("RequireSymbols",
	    "At least one character that is no letter and no digit."),
	PARAM_FLAG("RequireNumbers", "At least one of 0 to 9."),
	PARAM_FLAG("RequireUppercaseCharacters", "At least one of A to Z."),
	PARAM_FLAG("RequireLowercaseCharacters", "At least one of a to z."),
	PARAM_FLAG("AllowUsersToChangePassword", "Users may change their own"
	    " passwords; else those whose policies allow iam:ChangePassword, with"
	    " iamctl change-password."),
	{ .name = "MaxPasswordAge", .type = OP_INT, .min = 1,
	    .max = PASSWORD_POLICY_AGE_MAX, .help = "Days until a password expires"
	    " and a new one has to be chosen at the login; never if left out." },
	{ .name = "PasswordReusePrevention", .type = OP_INT, .min = 1,
	    .max = PASSWORD_POLICY_REUSE_MAX, .help = "So many last passwords, the"
	    " present one included, are not taken again; any is if left out." },
	PARAM_FLAG("HardExpiry", "Who lets the password expire is denied until an"
	    " administrator sets a new one."),
	PARAM_END
};

static const struct op_param no_params[] = {
	PARAM_END
};

const struct op ops_password_policy[] = {
	{ .name = "UpdateAccountPasswordPolicy", .service = "iam",
	    .summary = "Say what passwords have to be like from now on. What is not"
	    " given has its default again.",
	    .params = update_params, .needs_init = true, .run = update_policy },
	{ .name = "GetAccountPasswordPolicy", .service = "iam",
	    .summary = "Show the account's password policy.",
	    .params = no_params, .read_only = true, .needs_init = true,
	    .run = get_policy },
	{ .name = "DeleteAccountPasswordPolicy", .service = "iam",
	    .summary = "Remove the account's password policy: at least eight"
	    " characters, and users may change their passwords.",
	    .params = no_params, .needs_init = true, .run = delete_policy },
	{ .name = NULL },
};
