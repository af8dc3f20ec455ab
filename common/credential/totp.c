#include "common/base/base.h"
#include "common/credential/credential.h"
#include "common/credential/internal.h"

#include <liboath/oath.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static int
check_params(const struct secret *seed, const struct totp_params *p)
{
	if (seed->len < TOTP_SEED_MIN || seed->len > TOTP_SEED_MAX)
		return IAM_ERR_LIMIT;
	if ((p->digits != 6 && p->digits != 8) ||
	    (p->period_s != 30 && p->period_s != 60))
		return IAM_ERR_ARG;
	if (p->alg != TOTP_SHA1 && p->alg != TOTP_SHA256 && p->alg != TOTP_SHA512)
		return IAM_ERR_ARG;
	return 0;
}

/* Lengths are no secret: the prompt says how many digits are wanted. */
static bool
is_code(const char *code, unsigned digits)
{
	unsigned i;

	for (i = 0; i < digits; i++) {
		if (code[i] < '0' || code[i] > '9')
			return false;
	}
	return code[digits] == '\0';
}

/* The HMAC of the step, as eight bytes from the most significant one on (RFC 4226). */
static size_t
mac(const struct secret *seed, uint32_t alg, uint64_t step,
    uint8_t ret[crypto_auth_hmacsha512_BYTES])
{
	union {
		crypto_auth_hmacsha256_state sha256;
		crypto_auth_hmacsha512_state sha512;
	} st;
	uint8_t counter[8];
	size_t i;

	for (i = 0; i < sizeof(counter); i++)
		counter[i] = (uint8_t)(step >> (56 - 8 * i));
	if (alg == TOTP_SHA256) {
		crypto_auth_hmacsha256_init(&st.sha256, seed->p, seed->len);
		crypto_auth_hmacsha256_update(&st.sha256, counter, sizeof(counter));
		crypto_auth_hmacsha256_final(&st.sha256, ret);
	} else {
		crypto_auth_hmacsha512_init(&st.sha512, seed->p, seed->len);
		crypto_auth_hmacsha512_update(&st.sha512, counter, sizeof(counter));
		crypto_auth_hmacsha512_final(&st.sha512, ret);
	}
	explicit_bzero(&st, sizeof(st));
	return alg == TOTP_SHA256 ? crypto_auth_hmacsha256_BYTES :
	    crypto_auth_hmacsha512_BYTES;
}

/*
 * liboath has SHA-256 and SHA-512 only where it takes a time_t, and that is as
 * wide there as liboath was built, not as this file is.
 */
static void
sha2_code(const struct secret *seed, const struct totp_params *params,
    uint64_t step, char ret[9])
{
	uint8_t m[crypto_auth_hmacsha512_BYTES];
	size_t at, len = mac(seed, params->alg, step, m);
	uint32_t n;

	at = m[len - 1] & 15;
	n = (uint32_t)(m[at] & 127) << 24 | (uint32_t)m[at + 1] << 16 |
	    (uint32_t)m[at + 2] << 8 | m[at + 3];
	snprintf(ret, 9, "%0*u", (int)params->digits,
	    params->digits == 6 ? n % 1000000 : n % 100000000);
	explicit_bzero(m, sizeof(m));
	explicit_bzero(&n, sizeof(n));
}

int
totp_code(const struct secret *seed, const struct totp_params *params,
    uint64_t step, char ret[9])
{
	int r;

	if ((r = check_params(seed, params)) != 0)
		return r;
	if (step > (uint64_t)INT64_MAX / params->period_s)
		return IAM_ERR_ARG;
	if (params->alg != TOTP_SHA1) {
		sha2_code(seed, params, step, ret);
		return 0;
	}
	r = oath_hotp_generate((const char *)seed->p, seed->len, step,
	    params->digits, false, OATH_HOTP_DYNAMIC_TRUNCATION, ret);
	if (r == OATH_MALLOC_ERROR)
		return IAM_ERR_MEMORY;
	return r == OATH_OK ? 0 : IAM_ERR_CRYPTO;
}

/* *ret is 1 when code is the code of this step, else 0. */
static int
matches(const struct secret *seed, const struct totp_params *params,
    const char *code, int64_t step, unsigned *ret)
{
	char right[9];
	int r;

	*ret = 0;
	if (step < 0) /* before 1970 there are no codes */
		return 0;
	if ((r = totp_code(seed, params, (uint64_t)step, right)) == 0)
		*ret = secret_equal(right, code, params->digits);
	explicit_bzero(right, sizeof(right));
	return r;
}

int
totp_check(const struct secret *seed, const struct totp_params *params,
    const char *code, int64_t now_s, uint64_t min_step, bool *ret_ok,
    uint64_t *ret_step, bool *ret_reused)
{
	unsigned hit, fresh = 0, old = 0;
	int64_t step, centre;
	uint64_t best = 0;
	int i, r;

	*ret_ok = false;
	if (ret_reused != NULL)
		*ret_reused = false;
	if ((r = check_params(seed, params)) != 0)
		return r;
	if (now_s < 0 || now_s > TOTP_NOW_MAX)
		return IAM_ERR_ARG;
	if (!is_code(code, params->digits))
		return 0;
	centre = now_s / params->period_s + params->drift_steps;
	for (i = -TOTP_WINDOW; i <= TOTP_WINDOW; i++) {
		step = centre + i;
		if ((r = matches(seed, params, code, step, &hit)) != 0)
			return r;
		/* Two steps may share a code; the later one counts, or the same
		 * code would be good again for it. */
		if (hit != 0 && step >= 0 && (uint64_t)step > min_step) {
			fresh = 1;
			best = (uint64_t)step;
		} else
			old |= hit;
	}
	if (fresh != 0) {
		*ret_ok = true;
		*ret_step = best;
	} else if (ret_reused != NULL)
		*ret_reused = old != 0;
	return 0;
}

int
totp_sync(const struct secret *seed, const struct totp_params *params,
    const char *code1, const char *code2, int64_t now_s, uint64_t min_step,
    unsigned search_steps, bool *ret_ok, int32_t *ret_drift, uint64_t *ret_step)
{
	int64_t now_step, step, d, span;
	unsigned first, second;
	int r;

	*ret_ok = false;
	if ((r = check_params(seed, params)) != 0)
		return r;
	if (search_steps > TOTP_SEARCH_MAX)
		return IAM_ERR_LIMIT;
	if (now_s < 0 || now_s > TOTP_NOW_MAX)
		return IAM_ERR_ARG;
	if (!is_code(code1, params->digits) || !is_code(code2, params->digits))
		return 0;
	now_step = now_s / params->period_s;
	span = search_steps;
	first = 0;
	/* first: whether code1 was that of the step before. */
	for (d = -span - 1; d <= span; d++) {
		step = now_step + d;
		if ((r = matches(seed, params, code2, step, &second)) != 0)
			return r;
		if (d > -span - 1 && (first & second) != 0 && step >= 1 &&
		    (uint64_t)step - 1 > min_step &&
		    (!*ret_ok || llabs(d) < llabs((int64_t)*ret_drift))) {
			*ret_ok = true; /* the nearest of several */
			*ret_drift = (int32_t)d;
			*ret_step = (uint64_t)step;
		}
		if ((r = matches(seed, params, code1, step, &first)) != 0) {
			*ret_ok = false;
			return r;
		}
	}
	return 0;
}

int
totp_seed_new(struct secret *ret)
{
	uint8_t raw[TOTP_SEED_NEW];
	int r;

	if ((r = credential_init()) != 0)
		return r;
	randombytes_buf(raw, sizeof(raw));
	r = secret_set(ret, raw, sizeof(raw));
	explicit_bzero(raw, sizeof(raw));
	return r;
}
