/* AssumeRole: iamctl/ops_assume.c, with the real ssh-keygen. Shapes, limits and errors
 * after the STS API reference. Who may is tested in test_cli_call. */
#include "tests/unit/ops_bed.h"

#include <sodium.h>

#include "common/authz/authz.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5" \
	"C9okWi0dh2l9GKJl"
#define ROLE BED_ARN "role/ops/Deploy"
#define SESSION "arn:aws:sts::" BED_ACCOUNT ":assumed-role/Deploy/ci-42"
#define MFA_S (BED_NOW - 60)

static struct bed *bed_now;
static bool as_role; /* the caller is a session of another role */

/* Called around the handler, as the front would have filled it in. */
static void
who_calls(bool begins)
{
	json_t *who = bed_now->c.caller;

	if (!begins)
		return;
	bed_now->c.caller_mfa_s = MFA_S;
	if (!as_role)
		return;
	json_object_del(who, "UserName");
	json_object_set_new(who, "RoleArn", json_string(BED_ARN "role/Other"));
	json_object_set_new(who, "SourceIdentity", json_string("sarah"));
}

static void
make(struct bed *b)
{
	unlink(IAM_PATH_SSH_CA);
	unlink(IAM_PATH_SSH_CA_PUB);
	as_role = false;
	assert_string_equal(bed_run(b, "CreateRole", json_pack("{s:s,s:s,s:s,s:i}",
	    "RoleName", "Deploy", "Path", "/ops/", "AssumeRolePolicyDocument",
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
	    "\"Principal\":\"*\",\"Action\":\"sts:AssumeRole\"}}",
	    "MaxSessionDuration", 7200)), "");
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateSSHCertificateAuthority", "{}");
	b->caller = "bob";
	bed_now = b;
	b->around = who_calls;
}

static json_t *
ask(const char *more)
{
	json_t *in = json_pack("{s:s,s:s,s:s}", "RoleArn", ROLE, "RoleSessionName",
	    "ci-42", "SSHPublicKey", KEY), *add = json_loads(more, 0, NULL);

	assert_non_null(add);
	json_object_update(in, add);
	json_decref(add);
	return in;
}

static void
read_cert(struct bed *b, struct ssh_cert *ret)
{
	assert_int_equal(ssh_cert_parse(bed_text(b, "Credentials.SSHCertificate"),
	    ret, NULL), 0);
}

static void
test_assume_role__a_certificate_of_the_session(void **state)
{
	struct bed *b = *state;
	struct ssh_cert cert;
	char id[64];

	make(b);
	bed_ok(b, "GetRole", "{'RoleName':'Deploy'}");
	snprintf(id, sizeof(id), "%s:ci-42", bed_text(b, "Role.RoleId"));
	assert_string_equal(bed_run(b, "AssumeRole", ask("{}")), "");
	read_cert(b, &cert);
	assert_string_equal(cert.key_id, SESSION);
	assert_int_equal(cert.valid_before_s, BED_NOW + 3600);
	assert_int_equal(cert.mfa_s, MFA_S);
	assert_int_equal(cert.session_len, 0);
	assert_string_equal(bed_text(b, "AssumedRoleUser.Arn"), SESSION);
	assert_string_equal(bed_text(b, "AssumedRoleUser.AssumedRoleId"), id);
	assert_memory_equal(bed_text(b, "Credentials.AccessKeyId"), "ASIA", 4);
	assert_string_equal(bed_text(b, "Credentials.Expiration"),
	    "2026-11-24T10:30:00Z");
	assert_true(json_is_true(bed_at(b, "Credentials.MultiFactorAuthPresent")));
	assert_null(bed_at(b, "PackedPolicySize"));
	assert_true(b->c.event_answer);
	assert_memory_equal(buf_cstr(&b->c.outfile), "ssh-ed25519-cert-v01@", 21);
}

static void
test_assume_role__policies_tags_and_source_identity_go_along(void **state)
{
	struct bed *b = *state;
	struct authz_session s;
	struct ssh_cert cert;
	json_t *in;

	make(b);
	in = ask("{\"Tags\":[{\"Key\":\"team\",\"Value\":\"blue\"}],"
	    "\"PolicyArns\":[{\"arn\":\"" BED_MANAGED "\"}],"
	    "\"SourceIdentity\":\"bob@example.org\",\"DurationSeconds\":7200}");
	json_object_set_new(in, "Policy", json_string(BED_ALLOW));
	assert_string_equal(bed_run(b, "AssumeRole", in), "");
	read_cert(b, &cert);
	assert_int_equal(cert.valid_before_s, BED_NOW + 7200);
	assert_int_equal(authz_session_decode(cert.session, cert.session_len, &s), 0);
	assert_string_equal(s.source_identity, "bob@example.org");
	assert_int_equal(s.tag_count, 1);
	assert_string_equal(s.tags[0].value, "blue");
	assert_int_equal(s.policy_count, 2);
	assert_string_equal(s.policies[0].name, BED_MANAGED);
	assert_string_equal(s.policies[1].name, "SessionPolicy");
	assert_in_range(bed_int(b, "PackedPolicySize"), 1, 100);
	assert_string_equal(bed_text(b, "SourceIdentity"), "bob@example.org");
}

static void
test_assume_role__what_is_refused(void **state)
{
	static const struct {
		const char *more, *code, *text;
	} t[] = {
		{ "{\"DurationSeconds\":7201}", "ValidationError", "MaxSessionDuration" },
		{ "{\"RoleArn\":\"" BED_ARN "role/Deploy\"}", "AccessDenied",
		    "not authorized to perform: sts:AssumeRole" }, /* another path */
		{ "{\"RoleArn\":\"" BED_ARN "role/None\"}", "AccessDenied", "" },
		{ "{\"RoleArn\":\"" BED_ARN "user/bob\"}", "AccessDenied", "" },
		{ "{\"Policy\":\"{\"}", "MalformedPolicyDocument", "SessionPolicy" },
		{ "{\"PolicyArns\":[{\"arn\":\"" BED_ARN "policy/none\"}]}",
		    "NoSuchEntity", "policy/none" },
		{ "{\"Tags\":[{\"Key\":\"aws:x\",\"Value\":\"\"}]}", "InvalidInput",
		    "aws:x" },
		{ "{\"SSHPublicKey\":\"x\"}", "InvalidPublicKey", "" },
	};
	struct bed *b = *state;
	size_t i;

	make(b);
	for (i = 0; i < IAM_COUNT(t); i++) {
		assert_string_equal(bed_run(b, "AssumeRole", ask(t[i].more)), t[i].code);
		assert_non_null(strstr(b->c.error_text, t[i].text));
		assert_null(bed_at(b, "Credentials"));
	}
	b->caller = NULL;
	assert_string_equal(bed_run(b, "AssumeRole", ask("{}")), "AccessDenied");
	assert_non_null(strstr(b->c.error_text,
	    "Roles may not be assumed by root accounts."));
	b->caller = "bob";
	bed_ok(b, "UpdateRole", "{'RoleName':'Deploy','Enabled':false}");
	assert_string_equal(bed_run(b, "AssumeRole", ask("{}")), "AccessDenied");
}

/* IAM User Guide, "Role chaining": an hour; the source identity stays. */
static void
test_assume_role__by_a_role(void **state)
{
	struct bed *b = *state;
	struct authz_session s;
	struct ssh_cert cert;

	make(b);
	as_role = true;
	assert_string_equal(bed_run(b, "AssumeRole", ask("{\"DurationSeconds\":3601}")),
	    "ValidationError");
	assert_non_null(strstr(b->c.error_text, "role chaining"));
	assert_string_equal(bed_run(b, "AssumeRole", ask("{\"SourceIdentity\":\"eve\"}")),
	    "AccessDenied");
	assert_string_equal(bed_run(b, "AssumeRole", ask("{}")), "");
	read_cert(b, &cert);
	assert_int_equal(authz_session_decode(cert.session, cert.session_len, &s), 0);
	assert_string_equal(s.source_identity, "sarah");
}

/* What sshd could not hand over whole is not signed. */
static void
test_assume_role__too_much_for_a_certificate(void **state)
{
	struct bed *b = *state;
	json_t *in, *tags = json_array();
	char value[257];
	int i;

	make(b);
	memset(value, 'x', 256);
	value[256] = '\0';
	for (i = 0; i < 40; i++)
		json_array_append_new(tags, json_pack("{s:o,s:s}", "Key",
		    json_sprintf("k%d", i), "Value", value));
	in = ask("{}");
	json_object_set_new(in, "Tags", tags);
	assert_string_equal(bed_run(b, "AssumeRole", in), "PackedPolicyTooLarge");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_assume_role__a_certificate_of_the_session),
		BED_TEST(test_assume_role__policies_tags_and_source_identity_go_along),
		BED_TEST(test_assume_role__what_is_refused),
		BED_TEST(test_assume_role__by_a_role),
		BED_TEST(test_assume_role__too_much_for_a_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
