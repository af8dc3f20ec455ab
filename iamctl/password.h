/*
 * Passwords of login profiles, as the account's password policy wants them.
 *
 * Rules kept here: a password is in memory only as long as it takes to hash it
 * and never in an answer or message (S9); former hashes, kept as long as the policy
 * forbids to use them again, are sealed with this host's key.
 */
#ifndef IAM_IAMCTL_PASSWORD_H
#define IAM_IAMCTL_PASSWORD_H

#include "common/store/password_policy.h"
#include "iamctl/util.h"

/* The account's policy, or what holds without one. */
int password_policy_get(struct op_call *c, struct password_policy *ret);

/* PasswordPolicyViolation unless it has the length and the characters that the policy wants. */
int password_check_form(struct op_call *c, const struct password_policy *policy,
    const char *password);
/*
 * Put a password's hash into the user's profile (a member of user), with the
 * date, after password_check_form and unless it is one of the last ones; those are
 * remembered as the policy says.
 */
int password_set(struct op_call *c, json_t *user, const char *password);
/* A new hash of the same password: nothing is asked, and its date stays. */
int password_rehash(struct op_call *c, json_t *profile, const char *password);
/* Is it the profile's present one? */
int password_is_present(struct op_call *c, const json_t *profile,
    const char *password, bool *ret);
/* Seconds since 1970 when the profile's password expires; 0: never. */
int64_t password_expires_s(const struct password_policy *policy,
    const json_t *profile);

#endif
