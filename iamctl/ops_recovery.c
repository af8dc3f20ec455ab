/*
 * Recovery codes: what lets a user in who has lost her MFA device. Rules that
 * this file keeps: a code is shown when it is made and never again; only its hash
 * is kept; using one removes the hash in the transaction that finds it, so that of
 * several uses one wins, and none is good again after a reboot (S35, S38).
 */
#include "common/base/base.h"

#include <sodium.h>

#include "iamctl/mfa.h"
#include "iamctl/sealed.h"

#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"
#define HASH_TEXT_LEN 64 /* Base64 of 32 bytes, with room */

static const char *const secret_members[] = { "Codes", NULL };

/* ---- CreateRecoveryCodes ---- */

static int
add_code(struct op_call *c, const struct seal_key *key, const char *user_id,
    json_t *codes, json_t *hashes)
{
	char code[RECOVERY_TEXT_LEN + 1], text[HASH_TEXT_LEN];
	uint8_t hash[RECOVERY_HASH_LEN];
	bool is = false;
	int r;

	if ((r = recovery_new(code)) == 0)
		r = recovery_hash(key, user_id, code, &is, hash);
	if (r == 0 && !is)
		r = IAM_ERR_BUG;
	if (r != 0)
		return op_fail_err(c, r, "No recovery code could be made");
	sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL);
	r = list_add(c, hashes, json_string(text));
	if (r == 0)
		r = list_add(c, codes, json_string(code));
	explicit_bzero(code, sizeof(code));
	return r;
}

int
recovery_make(struct op_call *c, json_t *user, json_t **ret)
{
	json_t *codes = json_array(), *hashes = json_array(), *doc;
	struct seal_key key;
	int i, r;

	doc = json_pack("{s:o,s:O}", "CreateDate", time_now(c), "Hashes", hashes);
	if (codes == NULL || doc == NULL)
		r = no_memory(c);
	else
		r = sealed_key_load(c, &key);
	for (i = 0; r == 0 && i < RECOVERY_CODES; i++)
		r = add_code(c, &key, text_of(user, "UserId"), codes, hashes);
	explicit_bzero(&key, sizeof(key));
	if (r == 0)
		r = member_set(c, user, "RecoveryCodes", json_incref(doc));
	json_decref(doc);
	json_decref(hashes);
	if (r == 0)
		*ret = codes;
	else
		json_decref(codes);
	return r;
}

static int
create_recovery_codes(struct op_call *c)
{
	json_t *user = NULL, *codes = NULL, *shape;
	uint64_t devices = 0;
	int r = -1;

	c->secret_members = secret_members;
	if (user_of_call(c, &user) != 0 ||
	    mfa_count_devices(c, user, &devices) != 0)
		goto out;
	if (devices == 0) {
		op_fail(c, "NoSuchEntity", "User %s has no MFA device that recovery"
		    " codes could stand in for; enable-mfa-device comes first.",
		    text_of(user, "UserName"));
		goto out;
	}
	if (recovery_make(c, user, &codes) != 0 || user_put(c, user) != 0)
		goto out;
	shape = json_pack("{s:s,s:o,s:O}", "UserName", text_of(user, "UserName"),
	    "CreateDate", time_now(c), "Codes", codes);
	r = out_set(c, "RecoveryCodes", shape);
out:
	json_decref(codes);
	json_decref(user);
	return r;
}

/* ---- UseRecoveryCode ---- */

/* Where the code is in the list, -1: nowhere. */
static int
find_code(struct op_call *c, const json_t *user, const json_t *hashes,
    int *ret)
{
	char text[HASH_TEXT_LEN];
	uint8_t hash[RECOVERY_HASH_LEN];
	const json_t *v;
	struct seal_key key;
	bool is = false;
	size_t i;
	int r;

	*ret = -1;
	if (sealed_key_load(c, &key) != 0)
		return -1;
	r = recovery_hash(&key, text_of(user, "UserId"), op_str(c, "RecoveryCode"),
	    &is, hash);
	explicit_bzero(&key, sizeof(key));
	if (r != 0)
		return op_fail_err(c, r, "The recovery code could not be checked");
	if (!is)
		return 0;
	sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL);
	/* Keyed hashes: how long their comparison takes tells nothing. */
	json_array_foreach(hashes, i, v) {
		if (json_is_string(v) && strcmp(json_string_value(v), text) == 0)
			*ret = (int)i;
	}
	return 0;
}

static int
use_recovery_code(struct op_call *c)
{
	json_t *user = NULL, *hashes;
	int at, r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) != 0)
		goto out;
	hashes = json_object_get(json_object_get(user, "RecoveryCodes"), "Hashes");
	if (find_code(c, user, hashes, &at) != 0)
		goto out;
	if (at < 0) {
		op_fail(c, "InvalidAuthenticationCode", "This is none of the recovery"
		    " codes of user %s, or it has been used.",
		    text_of(user, "UserName"));
		goto out;
	}
	json_array_remove(hashes, (size_t)at);
	if (user_put(c, user) == 0)
		r = out_set(c, "RecoveryCodesLeft",
		    json_integer((json_int_t)json_array_size(hashes)));
out:
	json_decref(user);
	return r;
}

/* ---- DeleteRecoveryCodes ---- */

static int
delete_recovery_codes(struct op_call *c)
{
	json_t *user = NULL;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) != 0)
		goto out;
	if (json_object_del(user, "RecoveryCodes") != 0)
		op_fail(c, "NoSuchEntity", "User %s has no recovery codes.",
		    text_of(user, "UserName"));
	else
		r = user_put(c, user);
out:
	json_decref(user);
	return r;
}

/* ---- rows ---- */

static const struct op_param create_params[] = {
	PARAM_USER_NAME(false, "The user; by default the caller."),
	PARAM_END
};

static const struct op_param use_params[] = {
	PARAM_USER_NAME(true, "The user."),
	{ .name = "RecoveryCode", .type = OP_SECRET, .required = true, .min = 1,
	    .max = 64, .help = "One of the codes." },
	PARAM_END
};

static const struct op_param delete_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_END
};

const struct op ops_recovery[] = {
	{ .name = "CreateRecoveryCodes", .service = "host",
	    .summary = "Make ten recovery codes for a user who has an MFA device, in"
	    " place of those before. They are shown this once.",
	    .params = create_params, .resource = USER_ARN, .needs_init = true,
	    .run = create_recovery_codes },
	/* The code itself is what entitles whoever has it to use it up. */
	{ .name = "UseRecoveryCode", .service = "host",
	    .summary = "Use up a recovery code; logins do it.",
	    .params = use_params, .resource = USER_ARN, .needs_init = true,
	    .run = use_recovery_code, .access = OP_ACCESS_ANY },
	{ .name = "DeleteRecoveryCodes", .service = "host",
	    .summary = "Make a user's recovery codes worthless.",
	    .params = delete_params, .resource = USER_ARN, .needs_init = true,
	    .run = delete_recovery_codes },
	{ .name = NULL },
};
