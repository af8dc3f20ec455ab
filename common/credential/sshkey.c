#include "common/base/base.h"
#include "common/credential/credential.h"
#include "common/credential/internal.h"

#include <sodium.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 16384 /* OpenSSH's own limit */

/* The wire form of RFC 4251 section 5: big-endian lengths. */
struct wire {
	const uint8_t *p;
	size_t len;
};

struct kind {
	const char *type;
	const char *curve; /* NULL: not ECDSA */
	unsigned bits;     /* 0: by the key */
	bool security_key; /* ends with an application string */
};

static const struct kind kinds[] = {
	{ "ssh-ed25519", NULL, 256, false },
	{ "ecdsa-sha2-nistp256", "nistp256", 256, false },
	{ "ecdsa-sha2-nistp384", "nistp384", 384, false },
	{ "ecdsa-sha2-nistp521", "nistp521", 521, false },
	{ "ssh-rsa", NULL, 0, false },
	{ "sk-ssh-ed25519@openssh.com", NULL, 256, true },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", 256, true },
};

static bool
take_string(struct wire *w, struct wire *ret)
{
	uint32_t n;

	if (w->len < 4)
		return false;
	n = (uint32_t)w->p[0] << 24 | (uint32_t)w->p[1] << 16 |
	    (uint32_t)w->p[2] << 8 | w->p[3];
	if (n > w->len - 4)
		return false;
	ret->p = w->p + 4;
	ret->len = n;
	w->p += 4 + (size_t)n;
	w->len -= 4 + (size_t)n;
	return true;
}

static bool
take_text(struct wire *w, const char *want)
{
	struct wire s;

	return take_string(w, &s) && s.len == strlen(want) &&
	    memcmp(s.p, want, s.len) == 0;
}

/* A positive mpint in its only form; *ret without the sign byte. */
static bool
take_mpint(struct wire *w, struct wire *ret)
{
	if (!take_string(w, ret) || ret->len == 0 || ret->p[0] >= 0x80)
		return false;
	if (ret->p[0] != 0)
		return true;
	if (ret->len < 2 || ret->p[1] < 0x80)
		return false;
	ret->p++;
	ret->len--;
	return true;
}

static unsigned
count_bits(const struct wire *n)
{
	unsigned bits = (unsigned)n->len * 8;
	uint8_t top = n->p[0];

	while ((top & 0x80) == 0) {
		top = (uint8_t)(top << 1);
		bits--;
	}
	return bits;
}

static bool
take_rsa(struct wire *w, unsigned *ret_bits, struct iam_why *why)
{
	struct wire e, n;

	if (!take_mpint(w, &e) || !take_mpint(w, &n)) {
		iam_why_set(why, 0, 0, "the numbers of the RSA key are malformed");
		return false;
	}
	*ret_bits = count_bits(&n);
	if (*ret_bits < RSA_BITS_MIN || *ret_bits > RSA_BITS_MAX) {
		iam_why_set(why, 0, 0, "an RSA key has %u to %u bits, this one %u",
		    RSA_BITS_MIN, RSA_BITS_MAX, *ret_bits);
		return false;
	}
	if ((e.p[e.len - 1] & 1) == 0 || (e.len == 1 && e.p[0] < 3) ||
	    (n.p[n.len - 1] & 1) == 0) {
		iam_why_set(why, 0, 0, "these are not the numbers of an RSA key");
		return false;
	}
	return true;
}

/* An uncompressed point (SEC 1 section 2.3.3), or the 32 bytes of RFC 8709. */
static bool
take_point(struct wire *w, const struct kind *k)
{
	size_t side = (k->bits + 7) / 8;
	struct wire q;

	if (k->curve == NULL)
		return take_string(w, &q) && q.len == 32;
	return take_text(w, k->curve) && take_string(w, &q) &&
	    q.len == 1 + 2 * side && q.p[0] == 0x04;
}

static int
parse_blob(const struct kind *k, struct wire w, struct ssh_key *ret,
    struct iam_why *why)
{
	struct wire application;

	if (!take_text(&w, k->type)) {
		iam_why_set(why, 0, 0, "the key says another type inside than %s",
		    k->type);
		return IAM_ERR_FORMAT;
	}
	ret->bits = k->bits;
	if (k->bits == 0) {
		if (!take_rsa(&w, &ret->bits, why))
			return IAM_ERR_FORMAT;
	} else if (!take_point(&w, k) ||
	    (k->security_key && !take_string(&w, &application))) {
		iam_why_set(why, 0, 0, "the %s key is malformed", k->type);
		return IAM_ERR_FORMAT;
	}
	if (w.len != 0) {
		iam_why_set(why, 0, 0, "%zu bytes follow the end of the key", w.len);
		return IAM_ERR_FORMAT;
	}
	return 0;
}

static int
fingerprints(const uint8_t *blob, size_t len, struct ssh_key *ret)
{
	uint8_t sha[crypto_hash_sha256_BYTES], sum[MD5_LEN];
	char text[sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];
	unsigned i;

	crypto_hash_sha256(sha, blob, len);
	sodium_bin2base64(text, sizeof(text), sha, sizeof(sha),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	if (snprintf(ret->fingerprint, sizeof(ret->fingerprint), "SHA256:%s",
	    text) >= (int)sizeof(ret->fingerprint))
		return IAM_ERR_BUG;
	md5(blob, len, sum);
	for (i = 0; i < MD5_LEN; i++)
		snprintf(ret->fingerprint_md5 + (size_t)3 * i, 4, "%02x%s", sum[i],
		    i + 1 < MD5_LEN ? ":" : "");
	return 0;
}

/* The length of the line without one end-of-line; control characters, a second
 * line among them, are refused. */
static int
line_length(const char *line, size_t *ret, struct iam_why *why)
{
	size_t len = strnlen(line, SSH_KEY_LINE_MAX + 1), i;

	if (len > SSH_KEY_LINE_MAX) {
		iam_why_set(why, 0, 0, "an SSH public key has at most %d bytes",
		    SSH_KEY_LINE_MAX);
		return IAM_ERR_LIMIT;
	}
	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	for (i = 0; i < len; i++) {
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') ||
		    line[i] == 0x7f) {
			iam_why_set(why, 1, (unsigned)i + 1,
			    "an SSH public key is one line without control characters");
			return IAM_ERR_FORMAT;
		}
	}
	*ret = len;
	return 0;
}

static const struct kind *
find_kind(const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < IAM_COUNT(kinds); i++) {
		if (strlen(kinds[i].type) == len &&
		    memcmp(kinds[i].type, line, len) == 0)
			return &kinds[i];
	}
	return NULL;
}

int
ssh_key_parse(const char *line, struct ssh_key *ret, struct iam_why *why)
{
	uint8_t blob[SSH_KEY_LINE_MAX / 4 * 3];
	struct ssh_key key = { .bits = 0 };
	size_t len, type_len, text_len, blob_len;
	const struct kind *kind;
	const char *text, *end;
	int r;

	if ((r = credential_init()) != 0 || (r = line_length(line, &len, why)) != 0)
		return r;
	type_len = strcspn(line, " \t\r\n");
	if ((kind = find_kind(line, type_len)) == NULL) {
		iam_why_set(why, 1, 1,
		    "the line must begin with a supported key type such as ssh-ed25519");
		return IAM_ERR_FORMAT;
	}
	text = line + type_len + (line[type_len] == ' ');
	text_len = strcspn(text, " \t\r\n");
	if (sodium_base642bin(blob, sizeof(blob), text, text_len, NULL, &blob_len,
	    &end, sodium_base64_VARIANT_ORIGINAL) != 0 || end != text + text_len ||
	    text_len == 0) {
		iam_why_set(why, 1, (unsigned)type_len + 2,
		    "the key type must be followed by one space and Base64");
		return IAM_ERR_FORMAT;
	}
	r = parse_blob(kind, (struct wire){ blob, blob_len }, &key, why);
	if (r != 0 || (r = fingerprints(blob, blob_len, &key)) != 0)
		return r;
	memcpy(key.type, kind->type, type_len + 1);
	key.body = line;
	key.body_len = (size_t)(text - line) + text_len;
	*ret = key;
	return 0;
}
