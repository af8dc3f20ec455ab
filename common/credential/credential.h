/*
 * What a person proves identity with: passwords, one-time codes, SSH keys; and
 * the seal that keeps TOTP seeds apart from the files they lie in.
 *
 * No global state beyond libsodium's own one-time initialisation, which is
 * thread-safe; no I/O but seal_key_load and seal_key_create.
 */
#ifndef IAM_CREDENTIAL_CREDENTIAL_H
#define IAM_CREDENTIAL_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/base.h"

/* ---- passwords (crypt(5)) ---- */

#define PASSWORD_MAX 511   /* longer answers are a wrong password; not hashed themselves */
#define PASSWORD_HASH_MAX 384

/* Hash with yescrypt at the cost of Debian's login.defs default. IAM_ERR_ARG
 * for one that is empty, longer than PASSWORD_MAX or has a NUL inside. */
int password_hash(const struct secret *password, char ret[PASSWORD_HASH_MAX]);

/*
 * Compare a password with a crypt(5) hash. Exactly one crypt() runs whatever
 * the arguments are: hash NULL (no such user, no login profile, disabled)
 * hashes against a fixed yescrypt hash of the same cost and answers false (S8).
 * *ret_ok starts out false. IAM_ERR_FORMAT: a hash that crypt(5) does not know
 * ("!", "*", damaged); it costs as much.
 */
int password_check(const struct secret *password, const char *hash,
    bool *ret_ok);

/* Is it a hash that password_check can compare with ("!", "*" and "" are none)? */
bool password_hash_known(const char *hash);
/* Is it yescrypt, or one that crypt(5) calls better? Others are replaced when the
 * password is known anyway: at a good login. */
bool password_hash_is_current(const char *hash);

/* ---- one-time codes ---- */

#define TOTP_SEED_MIN 16
#define TOTP_SEED_MAX 64
#define TOTP_SEED_NEW 32 /* bytes in a new device's seed */
#define TOTP_WINDOW 1    /* steps either side */
#define TOTP_SEARCH_MAX 2880 /* totp_sync: a day of 30 s steps */

enum totp_alg { TOTP_SHA1 = 1, TOTP_SHA256 = 2, TOTP_SHA512 = 3 }; /* as snap_mfa_alg */

struct totp_params {
	uint32_t alg;      /* enum totp_alg */
	uint32_t digits;   /* 6 or 8 */
	uint32_t period_s; /* 30 or 60 */
	int32_t drift_steps; /* the device's clock runs so many steps ahead */
};

/*
 * Decide whether a code is good now, and not a replay.
 *
 *   seed      raw bytes, TOTP_SEED_MIN..TOTP_SEED_MAX; borrowed
 *   code      what the user typed; anything but exactly `digits` ASCII digits is a no
 *   now_s     seconds since the epoch, from the caller's clock
 *   min_step  only steps after this one count: the one accepted last, or the
 *             step that was running when replay protection began
 *   ret_ok    true when the code matches a step in now-WINDOW..now+WINDOW
 *             (shifted by drift_steps) later than min_step; false otherwise,
 *             also on error
 *   ret_step  that step, written only when *ret_ok. Store it before letting
 *             the user in, or replay is open
 *   ret_reused (may be NULL) true when the code was right for a step in the
 *             window, but not later than min_step: for the event, never for
 *             the person
 *
 * All steps of the window are computed whatever matches, and compared in
 * constant time; of two steps that share a code the later one is taken.
 * Errors: IAM_ERR_LIMIT for a seed of another length, IAM_ERR_ARG for other
 * parameters or a time outside 1970..9999.
 * Source: RFC 6238 section 5.2, RFC 4226.
 */
int totp_check(const struct secret *seed, const struct totp_params *params,
    const char *code, int64_t now_s, uint64_t min_step, bool *ret_ok,
    uint64_t *ret_step, bool *ret_reused);

/*
 * Enabling or resynchronising a device: two consecutive codes, the second of
 * them within search_steps (TOTP_SEARCH_MAX at most) either side of now, both later
 * than min_step; the nearest to now when there are several. *ret_drift is the offset
 * of the second code's step from now's, *ret_step the second code's step; both
 * are to be used only when *ret_ok. drift_steps of params is not looked at.
 * Source: RFC 6238 section 6.
 */
int totp_sync(const struct secret *seed, const struct totp_params *params,
    const char *code1, const char *code2, int64_t now_s, uint64_t min_step,
    unsigned search_steps, bool *ret_ok, int32_t *ret_drift, uint64_t *ret_step);

/* The code of a step, NUL-terminated, for tests and for showing in the demo. */
int totp_code(const struct secret *seed, const struct totp_params *params,
    uint64_t step, char ret[9]);

int totp_seed_new(struct secret *ret);

/* Base32 of RFC 4648 without padding, in capitals; owned (secret_release). */
int base32_encode(const struct secret *raw, struct secret *ret);
/* Takes lower case, spaces, dashes and padding as well. IAM_ERR_FORMAT else, and for
 * an empty text; IAM_ERR_LIMIT for more than BASE32_TEXT_MAX characters. */
#define BASE32_TEXT_MAX 1024
int base32_decode(const char *text, struct secret *ret);

/* Percent-encoded: everything but RFC 3986's unreserved characters. */
void uri_encode(struct buf *b, const char *s);
/* otpauth://totp/ISSUER:LABEL?secret=…&issuer=…&algorithm=…&digits=…&period=…
 * (Key Uri Format of google-authenticator's wiki), percent-encoded; owned. */
int otpauth_uri(const char *issuer, const char *label,
    const struct secret *seed, const struct totp_params *params,
    struct secret *ret);

/* ---- sealing (libsodium: XChaCha20-Poly1305-IETF, context as additional data) ---- */

#define SEAL_KEY_LEN 32
#define SEAL_PLAIN_MAX 65536

struct seal_key {
	uint8_t bytes[SEAL_KEY_LEN];
};

/* Read /etc/iam/seal.key: FILE_SECRET trust, exactly 32 bytes. The caller
 * wipes it with explicit_bzero. */
int seal_key_load(const char *path, struct seal_key *ret);
/* Make one; IAM_ERR_CONFLICT if the file is there. Mode 0640, group gid. */
int seal_key_create(const char *path, gid_t gid);

/*
 * context (the device's serial) is bound into the seal, so that one device's
 * seed cannot be put in another's place. Sealed form: 24 bytes of random nonce,
 * ciphertext, 16 bytes of tag; appended.
 */
int seal(const struct seal_key *key, const char *context,
    const struct secret *plain, struct buf *ret);
/* IAM_ERR_CRYPTO when the seal is broken, the key or the context another. */
int unseal(const struct seal_key *key, const char *context,
    const uint8_t *sealed, size_t len, struct secret *ret);

/* ---- recovery codes ---- */

#define RECOVERY_CODES 10      /* that a user gets at once */
#define RECOVERY_RAW_LEN 10    /* 80 random bits */
#define RECOVERY_TEXT_LEN 19   /* "k3fq-7w2m-abcd-efgh": Base32 in small letters */
#define RECOVERY_HASH_LEN 32

/* A new one, NUL-terminated; the caller wipes it. */
int recovery_new(char ret[RECOVERY_TEXT_LEN + 1]);
/*
 * What is kept of a code: keyed BLAKE2b-256 of its bits and of the user's id;
 * the key is derived from the seal key (crypto_kdf). *ret_is is false, and ret not
 * written, for a text that is no recovery code at all. Capitals, blanks and
 * dashes do not matter.
 */
int recovery_hash(const struct seal_key *key, const char *user_id,
    const char *text, bool *ret_is, uint8_t ret[RECOVERY_HASH_LEN]);
/* Which of n hashes it is, -1: none. All are compared, each in constant time. */
int recovery_find(const uint8_t hash[RECOVERY_HASH_LEN], const uint8_t *hashes,
    size_t n);

/* ---- SSH public keys ---- */

#define SSH_KEY_LINE_MAX 16384
#define SSH_FINGERPRINT_SIZE 64

struct ssh_key {
	char type[64];        /* "ssh-ed25519" */
	unsigned bits;        /* RSA modulus, curve size; 256 for ed25519 */
	char fingerprint[SSH_FINGERPRINT_SIZE]; /* "SHA256:…", as ssh-keygen -l prints it */
	char fingerprint_md5[48]; /* "aa:bb:…": AWS's Fingerprint member */
	const char *body;     /* "TYPE BASE64" within the input, borrowed */
	size_t body_len;
};

/*
 * Read one public key line: "TYPE BASE64 [comment]", TYPE and BASE64 one space
 * apart; no options, one line (its end may be there), at most SSH_KEY_LINE_MAX bytes. Types: ssh-ed25519, ecdsa-sha2-nistp{256,384,521},
 * ssh-rsa of 2048 bits or more, sk-ssh-ed25519@openssh.com,
 * sk-ecdsa-sha2-nistp256@openssh.com. The inner type must equal the outer, and
 * the lengths must add up. why says what is wrong.
 * Source: RFC 4253 section 6.6, RFC 5656, RFC 8709, OpenSSH PROTOCOL.u2f.
 */
int ssh_key_parse(const char *line, struct ssh_key *ret, struct iam_why *why);

/* ---- SSH certificates ---- */

/* An extension of certificates that IAM signs: when MFA was proved, in seconds since
 * 1970. Its content is a string in decimal; sshd ignores what it does not know. */
#define SSH_CERT_MFA "mfa-time@host-iam"
/* What a session of a role has of its own: authz_session_encode's bytes in Base64. */
#define SSH_CERT_SESSION "session@host-iam"
#define SSH_CERT_SESSION_MAX 9216
#define SSH_CERT_KEY_ID_MAX 512

struct ssh_cert {
	char type[64];           /* "ssh-ed25519-cert-v01@openssh.com" */
	unsigned bits;           /* of the certified key */
	char ca[SSH_FINGERPRINT_SIZE]; /* fingerprint of the key that signed it */
	uint64_t serial;
	char key_id[SSH_CERT_KEY_ID_MAX + 1];
	int64_t valid_after_s, valid_before_s; /* INT64_MAX: for ever */
	int64_t mfa_s;           /* SSH_CERT_MFA; 0: none */
	size_t session_len;      /* SSH_CERT_SESSION; 0: none */
	_Alignas(8) uint8_t session[SSH_CERT_SESSION_MAX];
};

/*
 * Read a user certificate, one line as ssh_key_parse. The signature is NOT verified:
 * for lines that sshd has verified. IAM_ERR_FORMAT: no user certificate, malformed, a
 * key id that is longer than SSH_CERT_KEY_ID_MAX or no printable text.
 * Source: OpenSSH PROTOCOL.certkeys.
 */
int ssh_cert_parse(const char *line, struct ssh_cert *ret, struct iam_why *why);

#endif
