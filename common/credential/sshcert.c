/* SSH certificates, as sshd hands them to PAM: OpenSSH PROTOCOL.certkeys. */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "common/credential/internal.h"

#include <sodium.h>
#include <string.h>

#define USER_CERTIFICATE 1
#define DIGITS_MAX 15 /* of a time */

static bool
take_time(struct wire *w, int64_t *ret)
{
	uint64_t v;

	if (!ssh_take_number(w, 8, &v))
		return false;
	*ret = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	return true;
}

/* Printable ASCII: it goes into messages and events. */
static bool
take_key_id(struct wire *w, char ret[SSH_CERT_KEY_ID_MAX + 1])
{
	struct wire s;
	size_t i;

	if (!ssh_take_string(w, &s) || s.len > SSH_CERT_KEY_ID_MAX)
		return false;
	for (i = 0; i < s.len; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	}
	memcpy(ret, s.p, s.len);
	ret[s.len] = '\0';
	return true;
}

static bool
decimal(struct wire s, int64_t *ret)
{
	int64_t v = 0;
	size_t i;

	if (s.len == 0 || s.len > DIGITS_MAX)
		return false;
	for (i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
	}
	*ret = v;
	return true;
}

static bool
is_name(struct wire s, const char *name)
{
	return s.len == strlen(name) && memcmp(s.p, name, s.len) == 0;
}

static bool
take_session(struct wire s, struct ssh_cert *ret)
{
	const char *end;

	return ret->session_len == 0 && sodium_base642bin(ret->session,
	    sizeof(ret->session), (const char *)s.p, s.len, NULL, &ret->session_len,
	    &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    end == (const char *)s.p + s.len && ret->session_len > 0;
}

/* Pairs of name and data, the data of ours being a string within, and each of ours at
 * most once. */
static bool
read_extensions(struct wire w, struct ssh_cert *ret)
{
	struct wire name, data, value;
	bool mfa;

	while (w.len > 0) {
		if (!ssh_take_string(&w, &name) || !ssh_take_string(&w, &data))
			return false;
		mfa = is_name(name, SSH_CERT_MFA);
		if (!mfa && !is_name(name, SSH_CERT_SESSION))
			continue;
		if (!ssh_take_string(&data, &value) || data.len != 0)
			return false;
		if (mfa ? ret->mfa_s != 0 || !decimal(value, &ret->mfa_s) :
		    !take_session(value, ret))
			return false;
	}
	return true;
}

static bool
take_cert(struct wire *w, struct ssh_cert *ret)
{
	struct wire principals, critical, extensions, reserved, ca, signature;
	uint64_t type;

	if (!ssh_take_number(w, 8, &ret->serial) ||
	    !ssh_take_number(w, 4, &type) || type != USER_CERTIFICATE ||
	    !take_key_id(w, ret->key_id) || !ssh_take_string(w, &principals) ||
	    !take_time(w, &ret->valid_after_s) ||
	    !take_time(w, &ret->valid_before_s) ||
	    !ssh_take_string(w, &critical) || !ssh_take_string(w, &extensions) ||
	    !ssh_take_string(w, &reserved) || !ssh_take_string(w, &ca) ||
	    !ssh_take_string(w, &signature) || w->len != 0)
		return false;
	ssh_fingerprint(ca.p, ca.len, ret->ca);
	return read_extensions(extensions, ret);
}

int
ssh_cert_parse(const char *line, struct ssh_cert *ret, struct iam_why *why)
{
	uint8_t blob[SSH_BLOB_MAX];
	struct ssh_cert cert = { .bits = 0 };
	struct wire w, nonce;
	struct ssh_line l;
	int r;

	if ((r = ssh_line_blob(line, true, blob, &l, why)) != 0)
		return r;
	w = (struct wire){ blob, l.blob_len };
	if (!ssh_take_text(&w, l.kind->cert_type) || !ssh_take_string(&w, &nonce) ||
	    ssh_take_key(&w, l.kind, &cert.bits, why) != 0 || !take_cert(&w, &cert)) {
		iam_why_set(why, 0, 0, "the SSH certificate is malformed");
		return IAM_ERR_FORMAT;
	}
	memcpy(cert.type, l.kind->cert_type, strlen(l.kind->cert_type) + 1);
	*ret = cert;
	return 0;
}
