/* Recovery codes and enrolment: iamctl/ops_recovery.c, ops_enrol.c. */
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

/* ---- drift ---- */

static void
test_record_mfa_drift__within_what_is_learnt(void **state)
{
	struct bed *b = *state;
	json_t *doc;

	make_bob(b);
	bed_ok(b, "RecordMFADrift", "{'UserName':'bob','SerialNumber':'" SERIAL
	    "','DriftSteps':-3}");
	doc = bed_doc(b, "mfa/phone");
	assert_int_equal(json_integer_value(json_object_get(doc,
	    "LearntDriftSteps")), -3);
	assert_int_equal(json_integer_value(json_object_get(doc, "DriftSteps")), 0);
	json_decref(doc);
	bed_fails(b, "RecordMFADrift", "{'UserName':'bob','SerialNumber':'" SERIAL
	    "','DriftSteps':5}", "InvalidInput");
	bed_fails(b, "RecordMFADrift", "{'UserName':'bob','SerialNumber':'" BED_ARN
	    "mfa/other','DriftSteps':1}", "NoSuchEntity");
}

/* ---- enrolment ---- */

static void
allow_enrolment(const char *mode)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"mfa\": {\"selfEnrolment\": \"%s\","
	    " \"selfEnrolmentDays\": 3}}", mode);
	bed_file(IAM_PATH_SETTINGS, text, 0644);
}

/* The seed of the last BeginMFAEnrolment, with the codes of these steps. */
static const char *
finish(struct bed *b, const char *base32, int first, int second)
{
	const struct totp_params params = { TOTP_SHA1, 6, 30, 0 };
	struct secret seed = SECRET_INIT;
	char in[400], one[9], two[9];

	assert_int_equal(base32_decode(base32, &seed), 0);
	assert_int_equal(seed.len, 20); /* 160 bits */
	assert_int_equal(totp_code(&seed, &params,
	    (uint64_t)(BED_NOW / 30 + first), one), 0);
	assert_int_equal(totp_code(&seed, &params,
	    (uint64_t)(BED_NOW / 30 + second), two), 0);
	secret_release(&seed);
	snprintf(in, sizeof(in), "{'UserName':'Nora','Seed':'%s',"
	    "'AuthenticationCode1':'%s','AuthenticationCode2':'%s'}", base32, one, two);
	return bed_call(b, "CompleteMFAEnrolment", in);
}

static void
test_enrolment__a_device_and_ten_codes(void **state)
{
	struct bed *b = *state;
	char base32[80];
	json_t *doc;
	size_t i;

	allow_enrolment("policy");
	bed_ok(b, "CreateUser", "{'UserName':'Nora'}");
	bed_ok(b, "BeginMFAEnrolment", "{'UserName':'Nora'}");
	snprintf(base32, sizeof(base32), "%s", bed_text(b,
	    "Enrolment.Base32StringSeed"));
	assert_non_null(strstr(bed_text(b, "Enrolment.OtpauthUri"), base32));
	/* 80x24, with a line for the prompt. */
	assert_in_range(bed_size(b, "Enrolment.QRCode"), 11, 23);
	/* All of it is secret, and nothing is kept yet. */
	for (i = 0; b->c.secret_members[i] != NULL; i++)
		json_object_del(json_object_get(b->c.out, "Enrolment"),
		    b->c.secret_members[i]);
	assert_int_equal(json_object_size(bed_at(b, "Enrolment")), 0);
	bed_ok(b, "ListVirtualMFADevices", "{}");
	assert_int_equal(bed_size(b, "VirtualMFADevices"), 0);

	assert_string_equal(finish(b, base32, 0, 0), "InvalidAuthenticationCode");
	assert_string_equal(finish(b, base32, 1, 0), "InvalidAuthenticationCode");
	assert_string_equal(finish(b, base32, -1, 0), "");
	assert_string_equal(bed_text(b, "Enrolment.SerialNumber"),
	    BED_ARN "mfa/Nora");
	assert_int_equal(bed_size(b, "Enrolment.Codes"), 10);
	doc = bed_doc(b, "mfa/Nora");
	assert_string_equal(json_string_value(json_object_get(doc, "UserName")),
	    "Nora");
	assert_int_equal(json_integer_value(json_object_get(doc, "EnableStep")),
	    BED_NOW / 30);
	json_decref(doc);
	/* Never a second one. */
	bed_fails(b, "BeginMFAEnrolment", "{'UserName':'Nora'}",
	    "EntityAlreadyExists");
	assert_string_equal(finish(b, base32, 1, 2), "EntityAlreadyExists");
}

static void
test_enrolment__off_or_over(void **state)
{
	struct bed *b = *state;
	json_t *user;

	bed_ok(b, "CreateUser", "{'UserName':'Nora'}");
	bed_fails(b, "BeginMFAEnrolment", "{'UserName':'Nora'}", "AccessDenied");
	allow_enrolment("off");
	bed_fails(b, "BeginMFAEnrolment", "{'UserName':'Nora'}", "AccessDenied");
	assert_string_equal(finish(b, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", -1, 0),
	    "AccessDenied");
	allow_enrolment("always");
	bed_ok(b, "BeginMFAEnrolment", "{'UserName':'Nora'}");
	/* Three days and a second after she was made. */
	user = bed_doc(b, "users/Nora");
	json_object_set_new(user, "CreateDate", json_string("2026-11-21T09:29:59Z"));
	assert_int_equal(store_begin(b->store), 0);
	assert_int_equal(store_put(b->store, "users/Nora", user), 0);
	assert_int_equal(store_commit(b->store, "test", "Test", NULL), 0);
	json_decref(user);
	bed_fails(b, "BeginMFAEnrolment", "{'UserName':'Nora'}", "AccessDenied");
	assert_string_equal(finish(b, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", -1, 0),
	    "AccessDenied");
	/* The administrator gives her time again. */
	bed_ok(b, "AllowMFAEnrolment", "{'UserName':'Nora'}");
	assert_string_equal(bed_text(b, "EnrolUntil"), "2026-11-27T09:30:00Z");
	bed_ok(b, "BeginMFAEnrolment", "{'UserName':'Nora'}");
	/* A seed of less than 160 bits. */
	bed_fails(b, "CompleteMFAEnrolment", "{'UserName':'Nora','Seed':"
	    "'GEZDGNBVGY3TQOJQ','AuthenticationCode1':'000000',"
	    "'AuthenticationCode2':'000000'}", "InvalidInput");
}

static void
test_enrolment__a_device_that_was_lost(void **state)
{
	struct bed *b = *state;
	char base32[80];
	json_t *user;

	allow_enrolment("policy");
	bed_ok(b, "CreateUser", "{'UserName':'Nora'}");
	bed_ok(b, "BeginMFAEnrolment", "{'UserName':'Nora'}");
	snprintf(base32, sizeof(base32), "%s", bed_text(b,
	    "Enrolment.Base32StringSeed"));
	assert_string_equal(finish(b, base32, -1, 0), "");
	bed_ok(b, "DeactivateMFADevice", "{'SerialNumber':'" BED_ARN "mfa/Nora'}");
	user = bed_doc(b, "users/Nora");
	assert_string_equal(json_string_value(json_object_get(user,
	    "MFAEnrolmentFrom")), "2026-11-24T09:30:00Z");
	json_decref(user);
	/* The old device keeps its name. */
	bed_ok(b, "BeginMFAEnrolment", "{'UserName':'Nora'}");
	snprintf(base32, sizeof(base32), "%s", bed_text(b,
	    "Enrolment.Base32StringSeed"));
	assert_string_equal(finish(b, base32, -1, 0), "");
	assert_string_equal(bed_text(b, "Enrolment.SerialNumber"),
	    BED_ARN "mfa/Nora-2");
}

/* The longest name there is, and one with the most bytes in a URI. */
static void
test_enrolment__long_names_still_fit_the_screen(void **state)
{
	struct bed *b = *state;

	allow_enrolment("policy");
	bed_ok(b, "CreateUser", "{'UserName':'abcdefghijklmnopqrstuvwxyzabcdefghij"
	    "klmnopqrstuvwxyzabcdefghijkl','UnixName':'long'}");
	bed_ok(b, "BeginMFAEnrolment", "{'UserName':'abcdefghijklmnopqrstuvwxyzabcd"
	    "efghijklmnopqrstuvwxyzabcdefghijkl'}");
	assert_in_range(bed_size(b, "Enrolment.QRCode"), 11, 23);
	bed_ok(b, "CreateUser", "{'UserName':'nora'}");
	bed_ok(b, "BeginMFAEnrolment", "{'UserName':'nora','Charset':'ASCII'}");
	assert_in_range(strlen(bed_text(b, "Enrolment.QRCode.0")), 42, 80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_create_recovery_codes__ten_hashed_and_shown_once),
		BED_TEST(test_create_recovery_codes__needs_a_device),
		BED_TEST(test_use_recovery_code__S35_each_is_good_once),
		BED_TEST(test_create_recovery_codes__those_before_are_worthless),
		BED_TEST(test_record_mfa_drift__within_what_is_learnt),
		BED_TEST(test_enrolment__a_device_and_ten_codes),
		BED_TEST(test_enrolment__off_or_over),
		BED_TEST(test_enrolment__a_device_that_was_lost),
		BED_TEST(test_enrolment__long_names_still_fit_the_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
