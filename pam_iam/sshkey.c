/*
 * The SSH key of a login: what sshd says of it, and what IAM knows of it.
 *
 * A certificate that the account's own CA signed is a session of temporary
 * credentials: it carries when MFA was proved, as GetSessionToken's do.
 */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/internal.h"

#include <stdlib.h>
#include <string.h>

/* The key id is the ARN of the user, or of a session of the role, whose name it ends with. */
static bool
is_of(const struct ssh_cert *cert, const struct snap_account *account,
    const struct snap_principal *principal, struct login_key *ret)
{
	struct buf arn = BUF_INIT;
	const char *name;
	bool is;

	if (principal->role == 0)
		return strcmp(cert->key_id, principal->arn) == 0;
	authz_put_session(&arn, account->account_id, principal->arn, "");
	is = arn.err == 0 &&
	    strncmp(cert->key_id, buf_cstr(&arn), arn.len) == 0;
	name = cert->key_id + (is ? arn.len : 0);
	buf_release(&arn);
	if (!is || !name_is_iam(name, sizeof(ret->role_session) - 1))
		return false;
	snprintf(ret->role_session, sizeof(ret->role_session), "%s", name);
	return true;
}

static bool
read_session(const struct ssh_cert *cert, struct login_key *ret)
{
	ret->extra_len = cert->session_len;
	memcpy(ret->extra, cert->session, cert->session_len);
	if (ret->extra_len > 0 &&
	    authz_session_decode(ret->extra, ret->extra_len, &ret->as) != 0)
		return false;
	ret->as.name = ret->role_session;
	return true;
}

/* NULL: good. The ARN and the date tell a user from another one who had the name before. */
static const char *
why_refused(const struct ssh_cert *cert, const struct snap_account *account,
    const struct snap_principal *principal, int64_t now_s, struct login_key *ret)
{
	uint32_t i;

	if (!is_of(cert, account, principal, ret) ||
	    cert->valid_after_s < principal->created_s)
		return "CertificateOfAnother";
	/* sshd looked when the key came; a role has no credential beyond that moment. */
	if (principal->role != 0 && now_s >= cert->valid_before_s)
		return "CertificateExpired";
	if (principal->role != 0 && !read_session(cert, ret))
		return "CertificateDamaged";
	for (i = 0; i < account->revoked_count && i < SNAP_REVOKED_MAX; i++) {
		if (account->revoked[i] == cert->serial)
			return "CertificateRevoked";
	}
	return NULL;
}

static void
read_cert(const struct ssh_cert *cert, const struct snap_account *account,
    const struct snap_principal *principal, int64_t now_s, struct login_key *ret)
{
	memcpy(ret->type, cert->type, sizeof(ret->type));
	ret->bits = cert->bits;
	/* Another CA's, in the user's own authorized_keys: a key like any other. */
	if (account->ssh_ca == NULL || strcmp(account->ssh_ca, cert->ca) != 0)
		return;
	ret->serial = cert->serial;
	ret->refused = why_refused(cert, account, principal, now_s, ret);
	ret->certified = ret->refused == NULL;
	if (ret->certified) {
		ret->issued_s = cert->valid_after_s;
		ret->mfa_s = cert->mfa_s;
		ret->expires_s = cert->valid_before_s;
	}
}

static void
read_key(const struct ssh_key *key, const struct snap_principal *principal,
    struct login_key *ret)
{
	uint32_t i;

	memcpy(ret->type, key->type, sizeof(ret->type));
	memcpy(ret->fingerprint, key->fingerprint, sizeof(ret->fingerprint));
	ret->bits = key->bits;
	for (i = 0; i < principal->key_count && i < SNAP_USER_KEYS_MAX; i++) {
		if (strcmp(principal->keys[i].fingerprint, key->fingerprint) == 0)
			ret->known = &principal->keys[i];
	}
}

int
login_key_read(const char *line, const struct snap_account *account,
    const struct snap_principal *principal, int64_t now_s, struct login_key *ret)
{
	struct ssh_cert cert;
	struct ssh_key key;
	char *first;

	*ret = (struct login_key){ .bits = 0 };
	if (line == NULL)
		return 0;
	if ((first = strndup(line, strcspn(line, "\n"))) == NULL)
		return IAM_ERR_MEMORY;
	if (ssh_key_parse(first, &key, NULL) == 0)
		read_key(&key, principal, ret);
	else if (ssh_cert_parse(first, &cert, NULL) == 0)
		read_cert(&cert, account, principal, now_s, ret);
	else /* of a kind that is not read here: the type counts all the same */
		snprintf(ret->type, sizeof(ret->type), "%.*s",
		    (int)strcspn(first, " \t\r"), first);
	free(first);
	return 0;
}
