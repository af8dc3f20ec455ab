/* Recovery codes and enrolment: iamctl/ops_recovery.c. */
#include "tests/unit/ops_bed.h"

#define SERIAL BED_ARN "mfa/phone"

/* bob, with a device that shows codes of the RFC's seed. */
static void
make_bob(struct bed *b)
{
	struct totp_params params = { TOTP_SHA1, 6, 30, 0 };
	struct secret seed = SECRET_INIT;
	char in[400], first[9], second[9];

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'phone'}");
	assert_int_equal(base32_decode(bed_text(b,
	    "VirtualMFADevice.Base32StringSeed"), &seed), 0);
	assert_int_equal(totp_code(&seed, &params, BED_NOW / 30 - 1, first), 0);
	assert_int_equal(totp_code(&seed, &params, BED_NOW / 30, second), 0);
	secret_release(&seed);
	snprintf(in, sizeof(in), "{'UserName':'bob','SerialNumber':'" SERIAL
	    "','AuthenticationCode1':'%s','AuthenticationCode2':'%s'}", first, second);
	bed_ok(b, "EnableMFADevice", in);
}

static const char *
use(struct bed *b, const char *code)
{
	char in[128];

	snprintf(in, sizeof(in), "{'UserName':'bob','RecoveryCode':'%s'}", code);
	return bed_call(b, "UseRecoveryCode", in);
}

static void
test_create_recovery_codes__ten_hashed_and_shown_once(void **state)
{
	struct bed *b = *state;
	char code[32], *text;
	json_t *doc;

	make_bob(b);
	bed_ok(b, "CreateRecoveryCodes", "{'UserName':'bob'}");
	assert_int_equal(bed_size(b, "RecoveryCodes.Codes"), 10);
	snprintf(code, sizeof(code), "%s", bed_text(b, "RecoveryCodes.Codes.3"));
	/* Kept out of events, and of the store. */
	assert_string_equal(b->c.secret_members[0], "Codes");
	doc = bed_doc(b, "users/bob");
	text = json_dumps(doc, 0);
	assert_null(strstr(text, code));
	assert_int_equal(json_array_size(json_object_get(json_object_get(doc,
	    "RecoveryCodes"), "Hashes")), 10);
	free(text);
	json_decref(doc);
	bed_ok(b, "GetUser", "{'UserName':'bob'}");
	assert_null(bed_at(b, "User.RecoveryCodes"));
	bed_ok(b, "GetLoginStatus", "{'UserName':'bob'}");
	assert_int_equal(bed_int(b, "LoginStatus.RecoveryCodesLeft"), 10);
}

static void
test_create_recovery_codes__needs_a_device(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'nora'}");
	bed_fails(b, "CreateRecoveryCodes", "{'UserName':'nora'}", "NoSuchEntity");
	bed_fails(b, "CreateRecoveryCodes", "{'UserName':'none'}", "NoSuchEntity");
}

/* S35: each is good once. */
static void
test_use_recovery_code__S35_each_is_good_once(void **state)
{
	struct bed *b = *state;
	char codes[10][32];
	size_t i;

	make_bob(b);
	bed_ok(b, "CreateRecoveryCodes", "{'UserName':'bob'}");
	for (i = 0; i < 10; i++) {
		char path[40];

		snprintf(path, sizeof(path), "RecoveryCodes.Codes.%zu", i);
		snprintf(codes[i], sizeof(codes[i]), "%s", bed_text(b, path));
	}
	assert_string_equal(use(b, "aaaa-bbbb-cccc-dddd"),
	    "InvalidAuthenticationCode");
	assert_string_equal(use(b, "123456"), "InvalidAuthenticationCode");
	for (i = 0; i < 10; i++) {
		assert_string_equal(use(b, codes[i]), "");
		assert_int_equal(bed_int(b, "RecoveryCodesLeft"), 9 - (json_int_t)i);
		assert_string_equal(use(b, codes[i]), "InvalidAuthenticationCode");
	}
	bed_ok(b, "GetLoginStatus", "{'UserName':'bob'}");
	assert_int_equal(bed_int(b, "LoginStatus.RecoveryCodesLeft"), 0);
}

static void
test_create_recovery_codes__those_before_are_worthless(void **state)
{
	struct bed *b = *state;
	char code[32];

	make_bob(b);
	bed_ok(b, "CreateRecoveryCodes", "{'UserName':'bob'}");
	snprintf(code, sizeof(code), "%s", bed_text(b, "RecoveryCodes.Codes.0"));
	bed_ok(b, "CreateRecoveryCodes", "{'UserName':'bob'}");
	assert_string_equal(use(b, code), "InvalidAuthenticationCode");
	snprintf(code, sizeof(code), "%s", bed_text(b, "RecoveryCodes.Codes.0"));
	bed_ok(b, "DeleteRecoveryCodes", "{'UserName':'bob'}");
	assert_string_equal(use(b, code), "InvalidAuthenticationCode");
	bed_fails(b, "DeleteRecoveryCodes", "{'UserName':'bob'}", "NoSuchEntity");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_create_recovery_codes__ten_hashed_and_shown_once),
		BED_TEST(test_create_recovery_codes__needs_a_device),
		BED_TEST(test_use_recovery_code__S35_each_is_good_once),
		BED_TEST(test_create_recovery_codes__those_before_are_worthless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
