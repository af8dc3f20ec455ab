#include "common/base/base.h"

#include "common/store/password_policy.h"

static uint32_t
number(const json_t *policy, const char *name, uint32_t min, uint32_t max,
    uint32_t fallback)
{
	const json_t *v = json_object_get(policy, name);
	json_int_t n = json_integer_value(v);

	return json_is_integer(v) && n >= min && n <= max ? (uint32_t)n : fallback;
}

static bool
flag(const json_t *policy, const char *name)
{
	return json_is_true(json_object_get(policy, name));
}

void
password_policy_of(const json_t *account, struct password_policy *ret)
{
	const json_t *p = json_object_get(account, PASSWORD_POLICY);

	*ret = (struct password_policy){ .min_len = 8, .users_may_change = true };
	if (p == NULL)
		return;
	*ret = (struct password_policy){
		.min_len = number(p, "MinimumPasswordLength",
		    PASSWORD_POLICY_LENGTH_MIN, PASSWORD_POLICY_LENGTH_MAX,
		    PASSWORD_POLICY_LENGTH_MIN),
		.symbols = flag(p, "RequireSymbols"),
		.numbers = flag(p, "RequireNumbers"),
		.uppercase = flag(p, "RequireUppercaseCharacters"),
		.lowercase = flag(p, "RequireLowercaseCharacters"),
		.users_may_change = flag(p, "AllowUsersToChangePassword"),
		.max_age_days = number(p, "MaxPasswordAge", 1,
		    PASSWORD_POLICY_AGE_MAX, 0),
		.reuse = number(p, "PasswordReusePrevention", 1,
		    PASSWORD_POLICY_REUSE_MAX, 0),
		.hard_expiry = flag(p, "HardExpiry"),
	};
}
