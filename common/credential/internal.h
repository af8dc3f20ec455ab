/* For common/credential and its tests. */
#ifndef IAM_CREDENTIAL_INTERNAL_H
#define IAM_CREDENTIAL_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/credential/credential.h"

/* Times beyond this (the year 9999) are nobody's clock. */
#define TOTP_NOW_MAX INT64_C(253402300799)

/* libsodium's one-time initialisation: before its first use in every function. */
int credential_init(void);

/*
 * MD5, only to print AWS's Fingerprint of an SSH key; nothing relies on its
 * strength, and no library that is linked anyway has it. Source: RFC 1321.
 */
#define MD5_LEN 16
void md5(const void *data, size_t len, uint8_t ret[MD5_LEN]);

/* ---- SSH keys and certificates (sshkey.c) ---- */

/* The wire form of RFC 4251 section 5: big-endian lengths. Takers move on behind
 * what they took; false when it is not there. */
struct wire {
	const uint8_t *p;
	size_t len;
};
bool ssh_take_number(struct wire *w, unsigned bytes, uint64_t *ret);
bool ssh_take_string(struct wire *w, struct wire *ret);
bool ssh_take_text(struct wire *w, const char *want);

struct ssh_kind {
	const char *type, *cert_type;
	const char *curve; /* NULL: not ECDSA */
	unsigned bits;     /* 0: by the key */
	bool security_key; /* ends with an application string */
};
const struct ssh_kind *ssh_kind_find(const char *type, size_t len, bool cert);
/* The numbers of a key, which follow its type; IAM_ERR_FORMAT. */
int ssh_take_key(struct wire *w, const struct ssh_kind *k, unsigned *ret_bits,
    struct iam_why *why);

#define SSH_BLOB_MAX (SSH_KEY_LINE_MAX / 4 * 3)
struct ssh_line {
	const struct ssh_kind *kind;
	size_t blob_len, body_len;
};
/* Take "TYPE BASE64 [comment]" apart; only the types of certificates when cert. */
int ssh_line_blob(const char *line, bool cert, uint8_t blob[SSH_BLOB_MAX],
    struct ssh_line *ret, struct iam_why *why);
void ssh_fingerprint(const void *blob, size_t len, char ret[SSH_FINGERPRINT_SIZE]);

#endif
