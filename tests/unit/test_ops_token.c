/* SSH certificates: iamctl/ops_token.c, with the real ssh-keygen. */
#include "tests/unit/ops_bed.h"

#include "iamctl/caller.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5" \
	"C9okWi0dh2l9GKJl"
#define ASK "{'UserName':'bob','SSHPublicKey':'" KEY "','DurationSeconds':900}"
#define MFA_S (BED_NOW - 60)

static int64_t caller_mfa_s;
static bool caller_temporary;

/* Called around the handler, as the front would have filled it in. */
static struct bed *bed_of_mfa;
static void
with_mfa(bool begins)
{
	if (begins)
		bed_of_mfa->c.caller_mfa_s = caller_mfa_s;
	if (begins)
		bed_of_mfa->c.caller_temporary = caller_temporary;
}

static void
forget_ca(void)
{
	unlink(IAM_PATH_SSH_CA);
	unlink(IAM_PATH_SSH_CA_PUB);
}

static void
make_ca(struct bed *b)
{
	forget_ca();
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateSSHCertificateAuthority", "{}");
	bed_of_mfa = b;
	b->around = with_mfa;
	caller_mfa_s = 0;
	caller_temporary = false;
}

static void
test_create_ssh_certificate_authority__once(void **state)
{
	struct bed *b = *state;
	char fingerprint[64];
	struct buf text = BUF_INIT;
	struct ssh_key key;

	make_ca(b);
	snprintf(fingerprint, sizeof(fingerprint), "%s",
	    bed_text(b, "SSHCertificateAuthority.Fingerprint"));
	assert_int_equal(file_read(IAM_PATH_SSH_CA_PUB, FILE_ROOT_ONLY, 4096, &text), 0);
	assert_int_equal(ssh_key_parse(buf_cstr(&text), &key, NULL), 0);
	assert_string_equal(key.fingerprint, fingerprint);
	buf_reset(&text);
	/* Nobody else may read what signs. */
	assert_int_equal(file_read(IAM_PATH_SSH_CA, FILE_SECRET, 4096, &text), 0);
	buf_release(&text);
	bed_fails(b, "CreateSSHCertificateAuthority", "{}", "EntityAlreadyExists");
	bed_ok(b, "GetSSHCertificateAuthority", "{}");
	assert_string_equal(bed_text(b, "SSHCertificateAuthority.Fingerprint"), fingerprint);
	/* Lost, it is made anew, and the account names the new one. */
	unlink(IAM_PATH_SSH_CA);
	bed_fails(b, "GetSessionToken", ASK, "ServiceFailure");
	bed_ok(b, "CreateSSHCertificateAuthority", "{}");
	assert_string_not_equal(bed_text(b, "SSHCertificateAuthority.Fingerprint"),
	    fingerprint);
	forget_ca();
}

static void
test_get_session_token__a_certificate_of_the_caller(void **state)
{
	struct bed *b = *state;
	struct ssh_cert cert;
	char ca[64];

	make_ca(b);
	snprintf(ca, sizeof(ca), "%s", bed_text(b, "SSHCertificateAuthority.Fingerprint"));
	b->caller = "bob";
	caller_mfa_s = MFA_S;
	bed_ok(b, "GetSessionToken", "{'SSHPublicKey':'" KEY " bob@laptop\\n',"
	    "'DurationSeconds':900}");
	assert_int_equal(ssh_cert_parse(bed_text(b, "Credentials.SSHCertificate"),
	    &cert, NULL), 0);
	assert_string_equal(cert.key_id, BED_ARN "user/bob");
	assert_string_equal(cert.ca, ca);
	assert_int_equal(cert.valid_after_s, BED_NOW);
	assert_int_equal(cert.valid_before_s, BED_NOW + 900);
	assert_int_equal(cert.mfa_s, MFA_S);
	assert_string_equal(bed_text(b, "Credentials.Expiration"), "2026-11-24T09:45:00Z");
	assert_true(json_is_true(bed_at(b, "Credentials.MultiFactorAuthPresent")));
	assert_int_equal(strncmp(buf_cstr(&b->c.outfile),
	    "ssh-ed25519-cert-v01@openssh.com ", 33), 0);
}

static void
test_get_session_token__mfa_is_not_given_to_another(void **state)
{
	struct bed *b = *state;
	struct ssh_cert cert;

	make_ca(b);
	caller_mfa_s = MFA_S;
	bed_ok(b, "CreateUser", "{'UserName':'eve'}");
	b->caller = "eve";
	bed_ok(b, "GetSessionToken", ASK);
	assert_int_equal(ssh_cert_parse(bed_text(b, "Credentials.SSHCertificate"),
	    &cert, NULL), 0);
	assert_int_equal(cert.mfa_s, 0);
	assert_true(json_is_false(bed_at(b, "Credentials.MultiFactorAuthPresent")));
	b->caller = NULL;
	bed_ok(b, "GetSessionToken", ASK);
	assert_int_equal(ssh_cert_parse(bed_text(b, "Credentials.SSHCertificate"),
	    &cert, NULL), 0);
	assert_int_equal(cert.mfa_s, 0);
}

/* Who came by a certificate gets no other: it would outlive its revocation. */
static void
test_get_session_token__not_by_temporary_credentials(void **state)
{
	struct caller who = { .user = true };
	struct bed *b = *state;

	make_ca(b);
	b->caller = "bob";
	caller_temporary = true;
	bed_fails(b, "GetSessionToken", "{'SSHPublicKey':'" KEY "'}", "AccessDenied");
	bed_fails(b, "GetSessionToken", ASK, "AccessDenied");
	caller_temporary = false;
	bed_ok(b, "GetSessionToken", ASK);
	/* A process that has left its session; one that has not. */
	assert_true(caller_is_temporary(&who));
	who.session.session_id[0] = 'x';
	who.session.methods = RUNTIME_PUBLICKEY | RUNTIME_MFA;
	assert_false(caller_is_temporary(&who));
	who.session.methods |= RUNTIME_CERTIFICATE;
	assert_true(caller_is_temporary(&who));
	who.session.methods = RUNTIME_PASSWORD;
	who.session.role_session[0] = 'x';
	assert_true(caller_is_temporary(&who));
	who.user = false;
	assert_false(caller_is_temporary(&who));
}

static void
test_get_session_token__what_is_refused(void **state)
{
	struct bed *b = *state;

	forget_ca();
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_fails(b, "GetSessionToken", ASK, "NoSuchEntity");
	bed_fails(b, "RevokeSSHCertificate", "{'SerialNumber':'1'}", "NoSuchEntity");
	bed_ok(b, "CreateSSHCertificateAuthority", "{}");
	bed_fails(b, "GetSessionToken", "{'UserName':'eve','SSHPublicKey':'" KEY "'}",
	    "NoSuchEntity");
	bed_fails(b, "GetSessionToken", "{'SSHPublicKey':'" KEY "'}", "InvalidInput");
	bed_fails(b, "GetSessionToken", "{'UserName':'bob','SSHPublicKey':'"
	    "command=\\\"x\\\" " KEY "'}", "InvalidPublicKey");
	bed_fails(b, "GetSessionToken", "{'UserName':'bob','SSHPublicKey':'" KEY "\\n" KEY
	    "'}", "InvalidPublicKey");
	forget_ca();
}

static void
test_revoke_ssh_certificate__the_list_is_kept_and_pruned(void **state)
{
	struct bed *b = *state;
	json_t *account;

	make_ca(b);
	bed_ok(b, "RevokeSSHCertificate", "{'SerialNumber':'18446744073709551615'}");
	bed_ok(b, "RevokeSSHCertificate", "{'SerialNumber':'7'}");
	bed_ok(b, "RevokeSSHCertificate", "{'SerialNumber':'7'}");
	bed_fails(b, "RevokeSSHCertificate", "{'SerialNumber':'0'}", "InvalidInput");
	bed_fails(b, "RevokeSSHCertificate", "{'SerialNumber':'7x'}", "InvalidInput");
	bed_fails(b, "RevokeSSHCertificate", "{'SerialNumber':'18446744073709551616'}",
	    "InvalidInput");
	bed_ok(b, "GetSSHCertificateAuthority", "{}");
	assert_int_equal(bed_size(b, "SSHCertificateAuthority.Revoked"), 2);
	/* Half a day later nothing that was signed then is good. */
	account = bed_doc(b, "account");
	assert_int_equal(json_object_set_new(json_array_get(json_object_get(
	    json_object_get(account, "SSHCertificateAuthority"), "Revoked"), 0),
	    "RevokeDate", json_string("2026-11-23T21:29:59Z")), 0);
	assert_int_equal(store_begin(b->store), 0);
	assert_int_equal(store_put(b->store, "account", account), 0);
	assert_int_equal(store_commit(b->store, "test", "Test", NULL), 0);
	json_decref(account);
	bed_ok(b, "RevokeSSHCertificate", "{'SerialNumber':'8'}");
	bed_ok(b, "GetSSHCertificateAuthority", "{}");
	assert_int_equal(bed_size(b, "SSHCertificateAuthority.Revoked"), 2);
	assert_string_equal(bed_text(b, "SSHCertificateAuthority.Revoked.0.Serial"), "7");
	forget_ca();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_create_ssh_certificate_authority__once),
		BED_TEST(test_get_session_token__a_certificate_of_the_caller),
		BED_TEST(test_get_session_token__mfa_is_not_given_to_another),
		BED_TEST(test_get_session_token__not_by_temporary_credentials),
		BED_TEST(test_get_session_token__what_is_refused),
		BED_TEST(test_revoke_ssh_certificate__the_list_is_kept_and_pruned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
