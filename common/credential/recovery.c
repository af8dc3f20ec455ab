/*
 * Recovery codes. Why a fast hash is right: a code is 80 random bits, which
 * nobody guesses at any speed, so a slow hash would cost the login and gain
 * nothing. It is keyed from the seal key, so that a copy of store or snapshot
 * does not even allow to try; and it has the user's id in it, so that a hash in
 * another user's document is worthless.
 */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "common/credential/internal.h"

#include <sodium.h>
#include <string.h>

#define KDF_CONTEXT "recovery" /* crypto_kdf_CONTEXTBYTES */
#define TEXT_MAX 64            /* with whatever blanks and dashes */

_Static_assert(SEAL_KEY_LEN == crypto_kdf_KEYBYTES, "the master key");
_Static_assert(sizeof(KDF_CONTEXT) - 1 == crypto_kdf_CONTEXTBYTES, "its use");
_Static_assert(RECOVERY_RAW_LEN * 8 / 5 == 16, "four groups of four");

int
recovery_new(char ret[RECOVERY_TEXT_LEN + 1])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t raw[16];
	size_t i, n = 0;
	int r;

	if ((r = credential_init()) != 0)
		return r;
	randombytes_buf(raw, sizeof(raw));
	for (i = 0; i < sizeof(raw); i++) {
		if (i > 0 && i % 4 == 0)
			ret[n++] = '-';
		ret[n++] = digits[raw[i] & 31];
	}
	ret[n] = '\0';
	explicit_bzero(raw, sizeof(raw));
	return 0;
}

static int
keyed_hash(const struct seal_key *key, const char *user_id,
    const struct secret *raw, uint8_t ret[RECOVERY_HASH_LEN])
{
	uint8_t sub[crypto_generichash_KEYBYTES];
	crypto_generichash_state state;
	int r;

	if ((r = credential_init()) != 0)
		return r;
	if (crypto_kdf_derive_from_key(sub, sizeof(sub), 1, KDF_CONTEXT,
	    key->bytes) != 0 ||
	    crypto_generichash_init(&state, sub, sizeof(sub),
	    RECOVERY_HASH_LEN) != 0 ||
	    crypto_generichash_update(&state, raw->p, raw->len) != 0 ||
	    crypto_generichash_update(&state, (const uint8_t *)user_id,
	    strlen(user_id)) != 0 ||
	    crypto_generichash_final(&state, ret, RECOVERY_HASH_LEN) != 0)
		r = IAM_ERR_CRYPTO;
	explicit_bzero(sub, sizeof(sub));
	explicit_bzero(&state, sizeof(state));
	return r;
}

int
recovery_hash(const struct seal_key *key, const char *user_id, const char *text,
    bool *ret_is, uint8_t ret[RECOVERY_HASH_LEN])
{
	struct secret raw = SECRET_INIT;
	int r;

	*ret_is = false;
	if (strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
		return 0;
	r = base32_decode(text, &raw);
	if (r == IAM_ERR_FORMAT || r == IAM_ERR_LIMIT)
		return 0;
	if (r == 0 && raw.len == RECOVERY_RAW_LEN &&
	    (r = keyed_hash(key, user_id, &raw, ret)) == 0)
		*ret_is = true;
	secret_release(&raw);
	return r;
}

int
recovery_find(const uint8_t hash[RECOVERY_HASH_LEN], const uint8_t *hashes,
    size_t n)
{
	int at = -1;
	size_t i;

	for (i = 0; i < n; i++) {
		if (secret_equal(hash, hashes + i * RECOVERY_HASH_LEN,
		    RECOVERY_HASH_LEN))
			at = (int)i;
	}
	return at;
}
