/*
 * The account's password policy: AWS's ten members, kept in the account's
 * document, carried by the private snapshot for logins.
 *
 * Source: IAM API reference, UpdateAccountPasswordPolicy and PasswordPolicy.
 */
#ifndef IAM_STORE_PASSWORD_POLICY_H
#define IAM_STORE_PASSWORD_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define PASSWORD_POLICY "PasswordPolicy" /* the member of the account's document */
#define PASSWORD_POLICY_LENGTH_MIN 6
#define PASSWORD_POLICY_LENGTH_MAX 128
#define PASSWORD_POLICY_AGE_MAX 1095 /* days */
#define PASSWORD_POLICY_REUSE_MAX 24

struct password_policy {
	uint32_t min_len;      /* characters */
	bool symbols, numbers, uppercase, lowercase; /* at least one of each */
	bool users_may_change; /* without a policy that allows iam:ChangePassword */
	uint32_t max_age_days; /* 0: passwords do not expire */
	uint32_t reuse;        /* so many last passwords, the present one included; 0: any is good */
	bool hard_expiry;      /* an expired one is changed by an administrator only */
};

/*
 * The policy of an account document (may be NULL). Without one: at least eight
 * characters, and users may change their passwords. What is damaged or missing
 * in one has AWS's default for it: six characters, nothing else.
 */
void password_policy_of(const json_t *account, struct password_policy *ret);

#endif
