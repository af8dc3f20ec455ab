/*
 * Temporary credentials: SSH certificates that the account's own CA signs.
 *
 * A certificate is a session: its key id is the user's ARN, it lives for twelve hours at
 * most, and it carries when MFA was proved in the login session that asked for
 * it, as the credentials of AWS's GetSessionToken do. It is signed by ssh-keygen(1),
 * accepted by sshd (TrustedUserCAKeys) and read again by the account phase.
 */
#include "common/base/base.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/credential/credential.h"
#include "common/snapshot/principal.h"
#include "iamctl/program.h"
#include "iamctl/token.h"
#include "iamctl/util.h"

#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"
#define SSH_KEYGEN "/usr/bin/ssh-keygen"
#define SCRATCH_MAX 320
#define FILE_NAME_MAX (SCRATCH_MAX + 16)
#define CA_MEMBER "SSHCertificateAuthority"

/* ---- ssh-keygen ---- */

static int
keygen(struct op_call *c, const char *const argv[])
{
	struct buf said = BUF_INIT;
	int status = 0, r;

	r = program_run(SSH_KEYGEN, argv, &said, &status);
	if (r != 0 && errno == ENOENT)
		r = op_fail(c, "ServiceFailure", "There is no %s, which signs SSH"
		    " certificates: apt install openssh-client.", SSH_KEYGEN);
	else if (r != 0)
		r = op_fail_err(c, r, SSH_KEYGEN);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		r = op_fail(c, "ServiceFailure", "%s has failed: %.400s", SSH_KEYGEN,
		    buf_cstr(&said));
	buf_release(&said);
	return r;
}

/* A folder of our own for what ssh-keygen reads and writes. */
static int
scratch_make(struct op_call *c, char path[SCRATCH_MAX])
{
	snprintf(path, SCRATCH_MAX, "%s/token.XXXXXX", IAM_PATH_LIB);
	return mkdtemp(path) != NULL ? 0 : op_fail_err(c, IAM_ERR_IO, path);
}

static void
scratch_remove(const char *path)
{
	static const char *const names[] = { "key", "key.pub", "key-cert.pub" };
	char file[FILE_NAME_MAX];
	size_t i;

	for (i = 0; i < IAM_COUNT(names); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, names[i]);
		(void)unlink(file);
	}
	(void)rmdir(path);
}

/* ---- the CA ---- */

static json_t *
ca_shape(const struct ssh_key *key, const char *line, json_t *date)
{
	return json_pack("{s:s,s:s%,s:o,s:[]}", "Fingerprint", key->fingerprint,
	    "PublicKey", line, key->body_len, "CreateDate", date, "Revoked");
}

/* Put the new pair in its place: the private half first, since sshd trusts whatever
 * the public one says. */
static int
ca_install(struct op_call *c, const char *dir, json_t *account)
{
	char private[FILE_NAME_MAX], public[FILE_NAME_MAX];
	struct buf line = BUF_INIT, secret = BUF_INIT;
	struct ssh_key key;
	int r;

	snprintf(private, sizeof(private), "%s/key", dir);
	snprintf(public, sizeof(public), "%s/key.pub", dir);
	if ((r = file_read(private, FILE_SECRET, 4096, &secret)) != 0 ||
	    (r = file_read(public, FILE_ROOT_ONLY, 4096, &line)) != 0 ||
	    (r = ssh_key_parse(buf_cstr(&line), &key, NULL)) != 0 ||
	    (r = file_replace(IAM_PATH_SSH_CA, secret.p, secret.len, 0600,
	    (gid_t)-1)) != 0 ||
	    (r = file_replace(IAM_PATH_SSH_CA_PUB, line.p, line.len, 0644,
	    (gid_t)-1)) != 0)
		r = op_fail_err(c, r, IAM_PATH_SSH_CA);
	else
		r = member_set(c, account, CA_MEMBER, ca_shape(&key,
		    buf_cstr(&line), time_now(c)));
	buf_release(&secret);
	buf_release(&line);
	return r;
}

int
token_ca_make(struct op_call *c, json_t *account)
{
	char dir[SCRATCH_MAX], file[FILE_NAME_MAX], comment[64];
	const char *const argv[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N", "",
		"-C", comment, "-f", file, NULL };
	int r;

	if (json_object_get(account, CA_MEMBER) != NULL &&
	    access(IAM_PATH_SSH_CA, F_OK) == 0)
		return op_fail(c, "EntityAlreadyExists", "The account has an SSH"
		    " certificate authority already: get-ssh-certificate-authority"
		    " shows it.");
	if (scratch_make(c, dir) != 0)
		return -1;
	snprintf(file, sizeof(file), "%s/key", dir);
	snprintf(comment, sizeof(comment), "Host IAM %s",
	    text_of(account, "AccountId"));
	if ((r = keygen(c, argv)) == 0)
		r = ca_install(c, dir, account);
	scratch_remove(dir);
	return r;
}

static int
account_get(struct op_call *c, json_t **ret)
{
	int r;

	*ret = NULL;
	if ((r = store_get(c->store, "account", ret)) != 0)
		return op_fail_err(c, r, IAM_PATH_DB);
	return *ret != NULL ? 0 : op_fail_err(c, IAM_ERR_BUG, "account");
}

static int
account_put(struct op_call *c, const json_t *account)
{
	int r = store_put(c->store, "account", account);

	return r != 0 ? op_fail_err(c, r, IAM_PATH_DB) : 0;
}

/* The account's document and, borrowed from it, its CA. */
static int
ca_get(struct op_call *c, json_t **ret_account, json_t **ret_ca)
{
	if (account_get(c, ret_account) != 0)
		return -1;
	*ret_ca = json_object_get(*ret_account, CA_MEMBER);
	if (*ret_ca == NULL)
		return op_fail(c, "NoSuchEntity", "The account has no SSH certificate"
		    " authority: create-ssh-certificate-authority makes it.");
	return 0;
}

static int
create_ssh_certificate_authority(struct op_call *c)
{
	json_t *account = NULL;
	int r = -1;

	if (account_get(c, &account) == 0 && token_ca_make(c, account) == 0 &&
	    account_put(c, account) == 0)
		r = out_set(c, CA_MEMBER, json_incref(json_object_get(account,
		    CA_MEMBER)));
	json_decref(account);
	return r;
}

static int
get_ssh_certificate_authority(struct op_call *c)
{
	json_t *account = NULL, *ca;
	int r = -1;

	if (ca_get(c, &account, &ca) == 0)
		r = out_set(c, CA_MEMBER, json_incref(ca));
	json_decref(account);
	return r;
}

/* ---- GetSessionToken ---- */

struct signing {
	const struct token *t;
	const char *dir;
	uint64_t serial;
};

static int
random_serial(struct op_call *c, uint64_t *ret)
{
	if (getrandom(ret, sizeof(*ret), 0) != (ssize_t)sizeof(*ret))
		return op_fail_err(c, IAM_ERR_IO, "getrandom");
	*ret = *ret >> 1 | 1; /* never 0, which is what others do not number */
	return 0;
}

/* What ssh-keygen is told of an extension; nothing when there is none. */
static void
add_option(const char *argv[], size_t *n, const char *option)
{
	if (option[0] == '\0')
		return;
	argv[(*n)++] = "-O";
	argv[(*n)++] = option;
}

static int
sign(struct op_call *c, const struct signing *s)
{
	const struct token *t = s->t;
	char file[FILE_NAME_MAX], serial[24], life[64], mfa[64] = "";
	struct buf session = BUF_INIT;
	const char *argv[20] = { "ssh-keygen", "-q", "-s", IAM_PATH_SSH_CA, "-I",
		t->key_id, "-n", t->unix_name, "-z", serial, "-V", life };
	size_t n = 12;
	int r;

	snprintf(file, sizeof(file), "%s/key.pub", s->dir);
	snprintf(serial, sizeof(serial), "%" PRIu64, s->serial);
	snprintf(life, sizeof(life), "0x%" PRIx64 ":0x%" PRIx64,
	    (uint64_t)c->now_s, (uint64_t)(c->now_s + t->life_s));
	if (t->mfa_s != 0)
		snprintf(mfa, sizeof(mfa), "extension:" SSH_CERT_MFA "=%" PRId64,
		    t->mfa_s);
	if (t->session != NULL)
		buf_printf(&session, "extension:" SSH_CERT_SESSION "=%s", t->session);
	add_option(argv, &n, mfa);
	add_option(argv, &n, buf_cstr(&session));
	argv[n] = file;
	r = session.err != 0 ? op_fail_err(c, session.err, file) : keygen(c, argv);
	buf_release(&session);
	return r;
}

/* The key that is to be certified, checked: ssh-keygen gets one clean line. */
static int
write_key(struct op_call *c, const struct signing *s)
{
	struct buf line = BUF_INIT;
	struct ssh_key key;
	char file[FILE_NAME_MAX];
	int r;

	if (public_key_read(c, op_str(c, "SSHPublicKey"), &key) != 0)
		return -1;
	snprintf(file, sizeof(file), "%s/key.pub", s->dir);
	/* Without a comment of its own the certificate would have the file's name. */
	buf_put(&line, key.body, key.body_len);
	buf_printf(&line, " %s\n", s->t->unix_name);
	r = line.err;
	if (r == 0)
		r = file_replace(file, line.p, line.len, 0600, (gid_t)-1);
	buf_release(&line);
	return r != 0 ? op_fail_err(c, r, file) : 0;
}

/* What sshd will hand to the module must be something that it reads. */
static int
check_cert(struct op_call *c, const char *line)
{
	struct ssh_cert *cert = malloc(sizeof(*cert));
	struct iam_why why = { 0 };
	int r;

	if (cert == NULL)
		return no_memory(c);
	r = ssh_cert_parse(line, cert, &why);
	free(cert);
	return r == 0 ? 0 : op_fail(c, "PackedPolicyTooLarge", "Policies and tags of"
	    " the session, packed, are larger than a certificate may be: %s. Use a"
	    " smaller policy, or a key of another type (ssh-ed25519).", why.text);
}

static int
give(struct op_call *c, const struct signing *s)
{
	const struct token *t = s->t;
	char file[FILE_NAME_MAX], serial[24], date[TZ_ISO_LEN], id[AWS_ID_LEN + 1];
	struct buf cert = BUF_INIT;
	json_t *shape;
	int r;

	snprintf(file, sizeof(file), "%s/key-cert.pub", s->dir);
	snprintf(serial, sizeof(serial), "%" PRIu64, s->serial);
	tz_iso(c->now_s + t->life_s, date);
	if (aws_id_new(c, "ASIA", id) != 0)
		return -1;
	if ((r = file_read(file, FILE_ROOT_ONLY, 65536, &cert)) != 0) {
		r = op_fail_err(c, r, file);
	} else if ((r = check_cert(c, buf_cstr(&cert))) == 0) {
		shape = json_pack("{s:s,s:s,s:s,s:b,s:s%}", "AccessKeyId", id,
		    "Expiration", date, "SerialNumber", serial,
		    "MultiFactorAuthPresent", t->mfa_s != 0, "SSHCertificate",
		    buf_cstr(&cert), cert.len - (cert.len > 0));
		buf_put(&c->outfile, cert.p, cert.len);
		r = out_set(c, "Credentials", shape);
	}
	buf_release(&cert);
	return r;
}

int
token_give(struct op_call *c, const struct token *t)
{
	json_t *account = NULL, *ca;
	char dir[SCRATCH_MAX] = "";
	struct signing s = { .t = t, .dir = dir };
	int r = -1;

	if (ca_get(c, &account, &ca) != 0)
		goto out;
	if (access(IAM_PATH_SSH_CA, F_OK) != 0) {
		op_fail(c, "ServiceFailure", "%s is gone: restore it, or make a new"
		    " authority with create-ssh-certificate-authority.",
		    IAM_PATH_SSH_CA);
		goto out;
	}
	if (random_serial(c, &s.serial) == 0 && scratch_make(c, dir) == 0 &&
	    write_key(c, &s) == 0 && sign(c, &s) == 0)
		r = give(c, &s);
out:
	if (dir[0] != '\0')
		scratch_remove(dir);
	json_decref(account);
	return r;
}

static int
get_session_token(struct op_call *c)
{
	struct token t = { .mfa_s = c->caller_mfa_s,
		.life_s = op_int(c, "DurationSeconds", TOKEN_LIFE_MAX_S) };
	json_t *user = NULL;
	int r = -1;

	/* As AWS: or whoever has a stolen one could prolong it for ever, and revoke no end. */
	if (c->caller_temporary)
		return op_fail(c, "AccessDenied", "Cannot call GetSessionToken with session"
		    " credentials: a login with password or key is needed, and a process"
		    " that has not left its session.");
	if (user_of_call(c, &user) != 0)
		goto out;
	t.key_id = text_of(user, "Arn");
	t.unix_name = text_of(user, "UnixName");
	/* Another's MFA is not hers. */
	if (name_cmp(text_of(c->caller, "UserName"), text_of(user, "UserName")) != 0)
		t.mfa_s = 0;
	r = token_give(c, &t);
out:
	json_decref(user);
	return r;
}

/* ---- RevokeSSHCertificate ---- */

static bool
is_serial(const char *s)
{
	char *end;

	errno = 0;
	return s[0] >= '1' && s[0] <= '9' && strtoull(s, &end, 10) != 0 &&
	    *end == '\0' && errno == 0;
}

/* Whatever was signed before the longest life has ended by itself. */
static void
drop_ended(const struct op_call *c, json_t *revoked)
{
	size_t i = json_array_size(revoked);
	int64_t t;

	while (i-- > 0) {
		if (time_parse(text_of(json_array_get(revoked, i), "RevokeDate"), &t) &&
		    t + TOKEN_LIFE_MAX_S < c->now_s)
			(void)json_array_remove(revoked, i);
	}
}

static int
add_revoked(struct op_call *c, json_t *revoked, const char *serial)
{
	const json_t *one;
	size_t i;

	json_array_foreach(revoked, i, one) {
		if (strcmp(text_of(one, "Serial"), serial) == 0)
			return 0;
	}
	if (json_array_size(revoked) >= SNAP_REVOKED_MAX)
		return op_fail(c, "LimitExceeded", "Cannot exceed quota for"
		    " RevokedSSHCertificates: %d. Deny the users themselves, by"
		    " aws:TokenIssueTime, until the oldest have ended.",
		    SNAP_REVOKED_MAX);
	return list_add(c, revoked, json_pack("{s:s,s:o}", "Serial", serial,
	    "RevokeDate", time_now(c)));
}

static int
revoke_ssh_certificate(struct op_call *c)
{
	const char *serial = op_str(c, "SerialNumber");
	json_t *account = NULL, *ca, *revoked;
	int r = -1;

	if (!is_serial(serial))
		return op_fail(c, "InvalidInput", "\"%.40s\" is not a serial number of a"
		    " certificate: get-session-token and ssh-keygen -L show it.",
		    serial);
	if (ca_get(c, &account, &ca) == 0) {
		revoked = json_object_get(ca, "Revoked");
		drop_ended(c, revoked);
		if (add_revoked(c, revoked, serial) == 0)
			r = account_put(c, account);
	}
	json_decref(account);
	return r;
}

/* ---- rows ---- */

static const struct op_param no_params[] = { PARAM_END };

static const struct op_param session_token_params[] = {
	PARAM_USER_NAME(false, "The user whom the certificate is for; by default the"
	    " caller. For another one it is without MFA."),
	PARAM_SSH_PUBLIC_KEY,
	{ .name = "DurationSeconds", .type = OP_INT, .min = TOKEN_LIFE_MIN_S,
	    .max = TOKEN_LIFE_MAX_S, .fallback = "43200",
	    .help = "How long it is good." },
	PARAM_CERT_OUTFILE,
	PARAM_END
};

static const struct op_param revoke_params[] = {
	{ .name = "SerialNumber", .type = OP_STRING, .required = true, .min = 1,
	    .max = 20, .help = "The certificate's serial number." },
	PARAM_END
};

const struct op ops_token[] = {
	{ .name = "GetSessionToken", .service = "sts", .run = get_session_token,
	    .params = session_token_params, .resource = USER_ARN,
	    .needs_init = true, .read_only = true,
	    .summary = "Get an SSH certificate: temporary credentials that carry the MFA"
	    " of the caller's login session. Not in a session that began with one." },
	{ .name = "CreateSSHCertificateAuthority", .service = "host",
	    .run = create_ssh_certificate_authority, .params = no_params,
	    .needs_init = true, .summary = "Make the key that signs SSH"
	    " certificates, or a new one where it was lost." },
	{ .name = "GetSSHCertificateAuthority", .service = "host",
	    .run = get_ssh_certificate_authority, .params = no_params,
	    .needs_init = true, .read_only = true, .summary = "Show the public key"
	    " that signs SSH certificates, and which certificates were revoked." },
	{ .name = "RevokeSSHCertificate", .service = "host",
	    .run = revoke_ssh_certificate, .params = revoke_params,
	    .needs_init = true, .summary = "Refuse an SSH certificate from now on." },
	{ .name = NULL },
};
