#include "common/base/base.h"
#include "common/credential/credential.h"
#include "common/credential/internal.h"

#include <sodium.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 16384 /* OpenSSH's own limit */

#define CERT "-cert-v01@openssh.com"

static const struct ssh_kind kinds[] = {
	{ "ssh-ed25519", "ssh-ed25519" CERT, NULL, 256, false },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" CERT, "nistp256", 256, false },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" CERT, "nistp384", 384, false },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" CERT, "nistp521", 521, false },
	{ "ssh-rsa", "ssh-rsa" CERT, NULL, 0, false },
	{ "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519" CERT, NULL, 256, true },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256" CERT,
	    "nistp256", 256, true },
};

bool
ssh_take_number(struct wire *w, unsigned bytes, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned i;

	if (w->len < bytes)
		return false;
	for (i = 0; i < bytes; i++)
		v = v << 8 | w->p[i];
	w->p += bytes;
	w->len -= bytes;
	*ret = v;
	return true;
}

bool
ssh_take_string(struct wire *w, struct wire *ret)
{
	uint64_t n;

	if (!ssh_take_number(w, 4, &n) || n > w->len)
		return false;
	ret->p = w->p;
	ret->len = (size_t)n;
	w->p += n;
	w->len -= (size_t)n;
	return true;
}

bool
ssh_take_text(struct wire *w, const char *want)
{
	struct wire s;

	return ssh_take_string(w, &s) && s.len == strlen(want) &&
	    memcmp(s.p, want, s.len) == 0;
}

/* A positive mpint in its only form; *ret without the sign byte. */
static bool
take_mpint(struct wire *w, struct wire *ret)
{
	if (!ssh_take_string(w, ret) || ret->len == 0 || ret->p[0] >= 0x80)
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
take_point(struct wire *w, const struct ssh_kind *k)
{
	size_t side = (k->bits + 7) / 8;
	struct wire q;

	if (k->curve == NULL)
		return ssh_take_string(w, &q) && q.len == 32;
	return ssh_take_text(w, k->curve) && ssh_take_string(w, &q) &&
	    q.len == 1 + 2 * side && q.p[0] == 0x04;
}

int
ssh_take_key(struct wire *w, const struct ssh_kind *k, unsigned *ret_bits,
    struct iam_why *why)
{
	struct wire application;

	*ret_bits = k->bits;
	if (k->bits == 0)
		return take_rsa(w, ret_bits, why) ? 0 : IAM_ERR_FORMAT;
	if (take_point(w, k) &&
	    (!k->security_key || ssh_take_string(w, &application)))
		return 0;
	iam_why_set(why, 0, 0, "the %s key is malformed", k->type);
	return IAM_ERR_FORMAT;
}

static int
parse_blob(const struct ssh_kind *k, struct wire w, struct ssh_key *ret,
    struct iam_why *why)
{
	if (!ssh_take_text(&w, k->type)) {
		iam_why_set(why, 0, 0, "the key says another type inside than %s",
		    k->type);
		return IAM_ERR_FORMAT;
	}
	if (ssh_take_key(&w, k, &ret->bits, why) != 0)
		return IAM_ERR_FORMAT;
	if (w.len != 0) {
		iam_why_set(why, 0, 0, "%zu bytes follow the end of the key", w.len);
		return IAM_ERR_FORMAT;
	}
	return 0;
}

void
ssh_fingerprint(const void *blob, size_t len, char ret[SSH_FINGERPRINT_SIZE])
{
	uint8_t sha[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];

	crypto_hash_sha256(sha, blob, len);
	sodium_bin2base64(text, sizeof(text), sha, sizeof(sha),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	snprintf(ret, SSH_FINGERPRINT_SIZE, "SHA256:%s", text);
}

static void
fingerprints(const uint8_t *blob, size_t len, struct ssh_key *ret)
{
	static const char hex[] = "0123456789abcdef";
	char *p = ret->fingerprint_md5;
	uint8_t sum[MD5_LEN];
	unsigned i;

	ssh_fingerprint(blob, len, ret->fingerprint);
	md5(blob, len, sum);
	for (i = 0; i < MD5_LEN; i++) {
		*p++ = hex[sum[i] >> 4];
		*p++ = hex[sum[i] & 15];
		*p++ = i + 1 < MD5_LEN ? ':' : '\0';
	}
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

const struct ssh_kind *
ssh_kind_find(const char *line, size_t len, bool cert)
{
	const char *type;
	size_t i;

	for (i = 0; i < IAM_COUNT(kinds); i++) {
		type = cert ? kinds[i].cert_type : kinds[i].type;
		if (strlen(type) == len && memcmp(type, line, len) == 0)
			return &kinds[i];
	}
	return NULL;
}

int
ssh_line_blob(const char *line, bool cert, uint8_t blob[SSH_BLOB_MAX],
    struct ssh_line *ret, struct iam_why *why)
{
	size_t len, type_len, text_len;
	const char *text, *end;
	int r;

	if ((r = credential_init()) != 0 || (r = line_length(line, &len, why)) != 0)
		return r;
	type_len = strcspn(line, " \t\r\n");
	if ((ret->kind = ssh_kind_find(line, type_len, cert)) == NULL) {
		iam_why_set(why, 1, 1,
		    "the line must begin with a supported key type such as ssh-ed25519");
		return IAM_ERR_FORMAT;
	}
	text = line + type_len + (line[type_len] == ' ');
	text_len = strcspn(text, " \t\r\n");
	if (sodium_base642bin(blob, SSH_BLOB_MAX, text, text_len, NULL,
	    &ret->blob_len, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    end != text + text_len || text_len == 0) {
		iam_why_set(why, 1, (unsigned)type_len + 2,
		    "the key type must be followed by one space and Base64");
		return IAM_ERR_FORMAT;
	}
	ret->body_len = (size_t)(text - line) + text_len;
	return 0;
}

int
ssh_key_parse(const char *line, struct ssh_key *ret, struct iam_why *why)
{
	uint8_t blob[SSH_BLOB_MAX];
	struct ssh_key key = { .bits = 0 };
	struct ssh_line l;
	int r;

	if ((r = ssh_line_blob(line, false, blob, &l, why)) != 0 ||
	    (r = parse_blob(l.kind, (struct wire){ blob, l.blob_len }, &key, why)) != 0)
		return r;
	fingerprints(blob, l.blob_len, &key);
	memcpy(key.type, l.kind->type, strlen(l.kind->type) + 1);
	key.body = line;
	key.body_len = l.body_len;
	*ret = key;
	return 0;
}
