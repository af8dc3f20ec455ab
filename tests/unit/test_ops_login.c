/* Passwords, MFA devices, SSH keys: iamctl/ops_login.c, ops_mfa.c, ops_sshkey.c. */
#include "common/runtime/lastlogin.h"
#include "tests/unit/ops_bed.h"

#define SERIAL BED_ARN "mfa/phone"
/* ssh-keygen -t ed25519; its fingerprint by ssh-keygen -l -E md5. */
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5" \
	"C9okWi0dh2l9GKJl"
#define KEY_MD5 "65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd"

static bool
password_is(struct bed *b, const char *password)
{
	json_t *user = bed_doc(b, "users/bob");
	struct secret s = SECRET_INIT;
	bool ok;

	assert_int_equal(secret_set(&s, password, strlen(password)), 0);
	assert_int_equal(password_check(&s, json_string_value(json_object_get(
	    json_object_get(user, "LoginProfile"), "PasswordHash")), &ok), 0);
	secret_release(&s);
	json_decref(user);
	return ok;
}

static void
test_login_profile__create_update_delete(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_fails(b, "GetLoginProfile", "{'UserName':'bob'}", "NoSuchEntity");
	bed_ok(b, "CreateLoginProfile", "{'UserName':'bob','Password':'first one',"
	    "'PasswordResetRequired':true}");
	assert_true(json_is_true(bed_at(b, "LoginProfile.PasswordResetRequired")));
	assert_int_equal(json_object_size(bed_at(b, "LoginProfile")), 3);
	assert_true(password_is(b, "first one"));
	bed_fails(b, "CreateLoginProfile",
	    "{'UserName':'bob','Password':'second one'}", "EntityAlreadyExists");
	bed_ok(b, "UpdateLoginProfile",
	    "{'UserName':'bob','PasswordResetRequired':false}");
	assert_true(password_is(b, "first one"));
	bed_ok(b, "UpdateLoginProfile",
	    "{'UserName':'bob','Password':'second one'}");
	assert_true(password_is(b, "second one"));
	bed_ok(b, "DeleteLoginProfile", "{'UserName':'bob'}");
	bed_fails(b, "UpdateLoginProfile", "{'UserName':'bob'}", "NoSuchEntity");
}

/* The length is in characters, and its minimum is the account's. */
static void
test_login_profile__password_rules(void **state)
{
	struct bed *b = *state;
	char in[256];

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_fails(b, "CreateLoginProfile", "{'UserName':'bob','Password':'short77'}",
	    "PasswordPolicyViolation");
	bed_fails(b, "CreateLoginProfile",
	    "{'UserName':'bob','Password':'\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9'}",
	    "PasswordPolicyViolation");
	bed_fails(b, "CreateLoginProfile",
	    "{'UserName':'bob','Password':'long\\nenough'}",
	    "PasswordPolicyViolation");
	snprintf(in, sizeof(in), "{'UserName':'bob','Password':'%0129d'}", 1);
	bed_fails(b, "CreateLoginProfile", in, "PasswordPolicyViolation");
	bed_ok(b, "UpdateAccountPasswordPolicy", "{'MinimumPasswordLength':14}");
	bed_fails(b, "CreateLoginProfile",
	    "{'UserName':'bob','Password':'thirteen char'}",
	    "PasswordPolicyViolation");
	assert_non_null(strstr(b->c.error_text, "minimum length of 14"));
	assert_null(strstr(b->c.error_text, "thirteen"));
}

static void
test_change_password__root_for_a_user_needs_no_old_one(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_fails(b, "ChangePassword",
	    "{'UserName':'bob','NewPassword':'new password'}", "NoSuchEntity");
	bed_ok(b, "CreateLoginProfile", "{'UserName':'bob','Password':'first one',"
	    "'PasswordResetRequired':true}");
	bed_fails(b, "ChangePassword",
	    "{'UserName':'bob','NewPassword':'first one'}",
	    "PasswordPolicyViolation");
	bed_ok(b, "ChangePassword",
	    "{'UserName':'bob','NewPassword':'new password'}");
	assert_true(password_is(b, "new password"));
	bed_ok(b, "GetLoginProfile", "{'UserName':'bob'}");
	assert_true(json_is_false(bed_at(b, "LoginProfile.PasswordResetRequired")));
	bed_fails(b, "ChangePassword", "{'NewPassword':'new password'}",
	    "InvalidUserType");
}

static void
test_change_password__a_user_proves_the_old_one(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateUser", "{'UserName':'eve'}");
	bed_ok(b, "CreateLoginProfile", "{'UserName':'bob','Password':'first one'}");
	b->caller = "eve";
	bed_fails(b, "ChangePassword",
	    "{'UserName':'bob','NewPassword':'new password'}", "AccessDenied");
	b->caller = "bob";
	bed_fails(b, "ChangePassword", "{'NewPassword':'new password'}",
	    "InvalidInput");
	bed_fails(b, "ChangePassword",
	    "{'UserName':'bob','NewPassword':'new password'}", "InvalidInput");
	bed_fails(b, "ChangePassword",
	    "{'OldPassword':'wrong one','NewPassword':'new password'}",
	    "AccessDenied");
	assert_true(password_is(b, "first one"));
	bed_ok(b, "ChangePassword",
	    "{'OldPassword':'first one','NewPassword':'new password'}");
	assert_true(password_is(b, "new password"));
}

/* ---- the account's password policy ---- */

/* IAM API reference, UpdateAccountPasswordPolicy: no partial updates. */
static void
test_password_policy__update_get_delete(void **state)
{
	struct bed *b = *state;

	bed_fails(b, "GetAccountPasswordPolicy", "{}", "NoSuchEntity");
	bed_fails(b, "DeleteAccountPasswordPolicy", "{}", "NoSuchEntity");
	bed_ok(b, "UpdateAccountPasswordPolicy", "{'MinimumPasswordLength':12,"
	    "'MaxPasswordAge':90,'RequireSymbols':true}");
	bed_ok(b, "GetAccountPasswordPolicy", "{}");
	assert_int_equal(bed_int(b, "PasswordPolicy.MinimumPasswordLength"), 12);
	assert_int_equal(bed_int(b, "PasswordPolicy.MaxPasswordAge"), 90);
	assert_true(json_is_true(bed_at(b, "PasswordPolicy.ExpirePasswords")));
	assert_true(json_is_true(bed_at(b, "PasswordPolicy.RequireSymbols")));
	bed_ok(b, "UpdateAccountPasswordPolicy", "{'RequireNumbers':true}");
	bed_ok(b, "GetAccountPasswordPolicy", "{}");
	assert_true(json_is_false(bed_at(b, "PasswordPolicy.ExpirePasswords")));
	assert_null(bed_at(b, "PasswordPolicy.MaxPasswordAge"));
	assert_null(bed_at(b, "PasswordPolicy.RequireSymbols"));
	bed_ok(b, "DeleteAccountPasswordPolicy", "{}");
	bed_fails(b, "GetAccountPasswordPolicy", "{}", "NoSuchEntity");
}

static void
test_password_policy__each_class(void **state)
{
	static const struct {
		const char *policy, *bad, *good, *says;
	} cases[] = {
		{ "{'RequireSymbols':true}", "abcDEF123", "abc DEF",
		    "at least one symbol" },
		{ "{'RequireNumbers':true}", "abcdefghi", "abcdef1",
		    "at least one number" },
		{ "{'RequireUppercaseCharacters':true}", "abc1\xc3\x84\xc3\x96",
		    "abcdeF", "at least one uppercase letter" },
		{ "{'RequireLowercaseCharacters':true}", "ABC123!", "ABCDEf",
		    "at least one lowercase letter" },
		{ "{}", "abcde", "abcdef", "minimum length of 6" },
	};
	struct bed *b = *state;
	char in[256];
	size_t i;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateLoginProfile", "{'UserName':'bob','Password':'first one'}");
	for (i = 0; i < IAM_COUNT(cases); i++) {
		bed_ok(b, "UpdateAccountPasswordPolicy", cases[i].policy);
		snprintf(in, sizeof(in), "{'UserName':'bob','Password':'%s'}",
		    cases[i].bad);
		bed_fails(b, "UpdateLoginProfile", in, "PasswordPolicyViolation");
		assert_non_null(strstr(b->c.error_text, cases[i].says));
		snprintf(in, sizeof(in), "{'UserName':'bob','NewPassword':'%s'}",
		    cases[i].bad);
		bed_fails(b, "ChangePassword", in, "PasswordPolicyViolation");
		snprintf(in, sizeof(in), "{'UserName':'bob','Password':'%s'}",
		    cases[i].good);
		bed_ok(b, "UpdateLoginProfile", in);
	}
}

/* Sealed, so that a copy of the store gives no old password away; and of the
 * history, not even that. */
static int
no_hash(void *arg, const char *key, json_t *entry)
{
	char *text = json_dumps(entry, 0);

	(void)key;
	(*(unsigned *)arg)++;
	assert_null(strstr(text, "$y$"));
	assert_true(strstr(text, "SealedHash") == NULL ||
	    strstr(text, "\"SealedHash\": \"digest:") != NULL);
	free(text);
	return 0;
}

static void
test_password_policy__last_passwords_are_not_taken_again(void **state)
{
	struct bed *b = *state;
	json_t *user;
	char *text;
	unsigned seen = 0;

	bed_ok(b, "UpdateAccountPasswordPolicy", "{'PasswordReusePrevention':3}");
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateLoginProfile", "{'UserName':'bob','Password':'number 1'}");
	bed_fails(b, "UpdateLoginProfile",
	    "{'UserName':'bob','Password':'number 1'}", "PasswordPolicyViolation");
	bed_ok(b, "UpdateLoginProfile", "{'UserName':'bob','Password':'number 2'}");
	bed_ok(b, "ChangePassword", "{'UserName':'bob','NewPassword':'number 3'}");
	bed_fails(b, "ChangePassword",
	    "{'UserName':'bob','NewPassword':'number 1'}", "PasswordPolicyViolation");
	assert_non_null(strstr(b->c.error_text, "the last 3"));
	bed_fails(b, "ChangePassword",
	    "{'UserName':'bob','NewPassword':'number 2'}", "PasswordPolicyViolation");
	assert_true(password_is(b, "number 3"));
	user = bed_doc(b, "users/bob");
	text = json_dumps(user, 0);
	assert_null(strstr(strstr(text, "$y$") + 1, "$y$"));
	assert_int_equal(json_array_size(json_object_get(json_object_get(user,
	    "LoginProfile"), "FormerPasswords")), 2);
	free(text);
	json_decref(user);
	bed_ok(b, "ChangePassword", "{'UserName':'bob','NewPassword':'number 4'}");
	bed_ok(b, "ChangePassword", "{'UserName':'bob','NewPassword':'number 1'}");
	assert_int_equal(store_history(b->store, "users/bob", no_hash, &seen), 0);
	assert_true(seen >= 5);
	/* Without the policy nothing is kept. */
	bed_ok(b, "DeleteAccountPasswordPolicy", "{}");
	bed_ok(b, "ChangePassword", "{'UserName':'bob','NewPassword':'number 5'}");
	user = bed_doc(b, "users/bob");
	assert_null(json_object_get(json_object_get(user, "LoginProfile"),
	    "FormerPasswords"));
	json_decref(user);
}

static void
set_changed(struct bed *b, const char *when)
{
	json_t *user = bed_doc(b, "users/bob");

	json_object_set_new(json_object_get(user, "LoginProfile"),
	    "PasswordChanged", json_string(when));
	assert_int_equal(store_begin(b->store), 0);
	assert_int_equal(store_put(b->store, "users/bob", user), 0);
	assert_int_equal(store_commit(b->store, "test", "Test", NULL), 0);
	json_decref(user);
}

static void
test_password_policy__expired(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateLoginProfile", "{'UserName':'bob','Password':'first one'}");
	bed_ok(b, "GetLoginStatus", "{'UserName':'bob'}");
	assert_null(bed_at(b, "LoginStatus.PasswordExpires"));
	bed_ok(b, "UpdateAccountPasswordPolicy", "{'MaxPasswordAge':10,"
	    "'AllowUsersToChangePassword':true}");
	set_changed(b, "2026-11-14T09:30:01Z"); /* a second less than ten days */
	bed_ok(b, "GetLoginStatus", "{'UserName':'bob'}");
	assert_string_equal(bed_text(b, "LoginStatus.PasswordExpires"),
	    "2026-11-24T09:30:01Z");
	assert_true(json_is_false(bed_at(b, "LoginStatus.PasswordExpired")));
	set_changed(b, "2026-11-14T09:30:00Z");
	bed_ok(b, "GetLoginStatus", "{'UserName':'bob'}");
	assert_true(json_is_true(bed_at(b, "LoginStatus.PasswordExpired")));
	/* The same one does not become young again. */
	bed_fails(b, "ChangePassword",
	    "{'UserName':'bob','NewPassword':'first one'}", "PasswordPolicyViolation");
	bed_ok(b, "UnlockUser", "{'UserName':'bob'}");
	b->caller = "bob";
	bed_ok(b, "ChangePassword",
	    "{'OldPassword':'first one','NewPassword':'second one'}");
	b->caller = NULL;
	bed_ok(b, "UpdateAccountPasswordPolicy", "{'MaxPasswordAge':10,"
	    "'HardExpiry':true}");
	set_changed(b, "2026-11-14T09:30:00Z");
	b->caller = "bob";
	bed_fails(b, "ChangePassword",
	    "{'OldPassword':'second one','NewPassword':'third one'}",
	    "AccessDenied");
	b->caller = NULL;
	bed_ok(b, "UpdateLoginProfile", "{'UserName':'bob','Password':'third one'}");
	assert_true(password_is(b, "third one"));
}

/* S33: at an open terminal the old password cannot be guessed without end. */
static void
test_change_password__guesses_are_throttled(void **state)
{
	struct bed *b = *state;
	int i;

	bed_dir(IAM_PATH_RUN);
	bed_file(IAM_PATH_SETTINGS, "{\"throttle\":{\"freeAttempts\":2,"
	    "\"maxDelaySeconds\":60}}", 0644);
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateLoginProfile", "{'UserName':'bob','Password':'first one'}");
	bed_ok(b, "UnlockUser", "{'UserName':'bob'}");
	b->caller = "bob";
	for (i = 0; i < 3; i++)
		bed_fails(b, "ChangePassword",
		    "{'OldPassword':'wrong one','NewPassword':'new password'}",
		    "AccessDenied");
	bed_fails(b, "ChangePassword",
	    "{'OldPassword':'first one','NewPassword':'new password'}",
	    "EntityTemporarilyUnmodifiable");
	assert_true(password_is(b, "first one"));
	b->caller = NULL;
	bed_ok(b, "UnlockUser", "{'UserName':'bob'}");
	b->caller = "bob";
	bed_ok(b, "ChangePassword",
	    "{'OldPassword':'first one','NewPassword':'new password'}");
	b->caller = NULL;
	bed_ok(b, "UnlockUser", "{'UserName':'bob'}");
}

/* ---- MFA ---- */

static struct secret seed;
static const struct totp_params params = { TOTP_SHA1, 6, 30, 0 };

static void
make_device(struct bed *b)
{
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'phone'}");
	assert_int_equal(base32_decode(bed_text(b,
	    "VirtualMFADevice.Base32StringSeed"), &seed), 0);
}

/* Enable or resynchronise with the codes of two steps. */
static const char *
with_codes(struct bed *b, const char *op, long step1, long step2)
{
	char one[9], two[9], in[300];

	assert_int_equal(totp_code(&seed, &params, BED_NOW / 30 + step1, one), 0);
	assert_int_equal(totp_code(&seed, &params, BED_NOW / 30 + step2, two), 0);
	snprintf(in, sizeof(in), "{'UserName':'bob','SerialNumber':'" SERIAL "',"
	    "'AuthenticationCode1':'%s','AuthenticationCode2':'%s'}", one, two);
	return bed_call(b, op, in);
}

static json_int_t
device_int(struct bed *b, const char *member)
{
	json_t *doc = bed_doc(b, "mfa/phone");
	json_int_t v = json_integer_value(json_object_get(doc, member));

	json_decref(doc);
	return v;
}

/* S9: the seed is shown once, kept sealed, and marked as secret. */
static void
test_create_virtual_mfa_device__seed_is_sealed(void **state)
{
	struct bed *b = *state;
	const char *base32;
	json_t *doc;
	char *text;

	make_device(b);
	assert_string_equal(bed_text(b, "VirtualMFADevice.SerialNumber"), SERIAL);
	base32 = bed_text(b, "VirtualMFADevice.Base32StringSeed");
	assert_int_equal(seed.len, TOTP_SEED_NEW);
	assert_non_null(strstr(bed_text(b, "VirtualMFADevice.OtpauthUri"), base32));
	assert_string_equal(b->c.secret_members[0], "Base32StringSeed");
	assert_string_equal(b->c.secret_members[1], "OtpauthUri");
	assert_true(b->c.picture.len > 1000);
	assert_int_equal(b->c.outfile.len, 0);
	doc = bed_doc(b, "mfa/phone");
	text = json_dumps(doc, 0);
	assert_null(strstr(text, base32));
	free(text);
	json_decref(doc);
	bed_fails(b, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'PHONE'}",
	    "EntityAlreadyExists");
	secret_release(&seed);
}

static void
test_create_virtual_mfa_device__outfile(void **state)
{
	static const uint8_t png[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
	struct bed *b = *state;

	bed_ok(b, "CreateVirtualMFADevice",
	    "{'VirtualMFADeviceName':'a','Outfile':'/tmp/a.png'}");
	assert_memory_equal(b->c.outfile.p, png, sizeof(png));
	assert_int_equal(json_object_size(bed_at(b, "VirtualMFADevice")), 1);
	assert_int_equal(b->c.picture.len, 0);
	bed_ok(b, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'b',"
	    "'Outfile':'/tmp/b','BootstrapMethod':'Base32StringSeed'}");
	assert_int_equal(base32_decode(buf_cstr(&b->c.outfile), &seed), 0);
	assert_int_equal(seed.len, TOTP_SEED_NEW);
	secret_release(&seed);
	bed_fails(b, "CreateVirtualMFADevice",
	    "{'VirtualMFADeviceName':'c','Digits':7}", "InvalidInput");
}

/* S35: the codes that enable a device are used up. */
static void
test_enable_mfa_device__two_consecutive_codes(void **state)
{
	struct bed *b = *state;

	make_device(b);
	assert_string_equal(with_codes(b, "EnableMFADevice", 0, 0),
	    "InvalidAuthenticationCode");
	assert_string_equal(with_codes(b, "EnableMFADevice", 1, 0),
	    "InvalidAuthenticationCode");
	assert_string_equal(with_codes(b, "EnableMFADevice", -1, 1),
	    "InvalidAuthenticationCode");
	assert_string_equal(with_codes(b, "EnableMFADevice", -500, -499),
	    "InvalidAuthenticationCode");
	assert_string_equal(with_codes(b, "EnableMFADevice", -1, 0), "");
	assert_int_equal(device_int(b, "EnableStep"), BED_NOW / 30);
	assert_int_equal(device_int(b, "DriftSteps"), 0);
	assert_string_equal(with_codes(b, "EnableMFADevice", 1, 2),
	    "EntityAlreadyExists");
	bed_ok(b, "ListMFADevices", "{'UserName':'bob'}");
	assert_string_equal(bed_text(b, "MFADevices.0.EnableDate"),
	    "2026-11-24T09:30:00Z");
	bed_ok(b, "ListVirtualMFADevices", "{'AssignmentStatus':'Assigned'}");
	assert_string_equal(bed_text(b, "VirtualMFADevices.0.User.UserName"), "bob");
	assert_null(bed_at(b, "VirtualMFADevices.0.SealedSeed"));
	bed_ok(b, "TagMFADevice", "{'SerialNumber':'" SERIAL "','Tags':["
	    "{'Key':'a','Value':'1'},{'Key':'b','Value':'2'}]}");
	bed_ok(b, "UntagMFADevice", "{'SerialNumber':'" SERIAL "','TagKeys':['a']}");
	bed_ok(b, "ListMFADeviceTags", "{'SerialNumber':'" SERIAL "'}");
	assert_string_equal(bed_text(b, "Tags.0.Key"), "b");
	assert_null(bed_at(b, "Tags.1"));
	bed_fails(b, "TagMFADevice", "{'SerialNumber':'" SERIAL "x','Tags':["
	    "{'Key':'a','Value':'1'}]}", "NoSuchEntity");
	bed_fails(b, "DeleteVirtualMFADevice", "{'SerialNumber':'" SERIAL "'}",
	    "DeleteConflict");
	bed_fails(b, "DeleteUser", "{'UserName':'bob'}", "DeleteConflict");
	/* Deactivated and enabled again: not with the same codes. */
	bed_ok(b, "DeactivateMFADevice", "{'SerialNumber':'" SERIAL "'}");
	assert_string_equal(with_codes(b, "EnableMFADevice", -1, 0),
	    "InvalidAuthenticationCode");
	assert_string_equal(with_codes(b, "EnableMFADevice", 1, 2), "");
	bed_ok(b, "DeactivateMFADevice",
	    "{'UserName':'bob','SerialNumber':'" SERIAL "'}");
	bed_fails(b, "DeactivateMFADevice",
	    "{'UserName':'bob','SerialNumber':'" SERIAL "'}", "NoSuchEntity");
	bed_ok(b, "DeleteVirtualMFADevice", "{'SerialNumber':'" SERIAL "'}");
	secret_release(&seed);
}

static void
test_resync_mfa_device__learns_the_drift(void **state)
{
	struct bed *b = *state;

	make_device(b);
	assert_string_equal(with_codes(b, "ResyncMFADevice", 0, 1), "NoSuchEntity");
	assert_string_equal(with_codes(b, "EnableMFADevice", -1, 0), "");
	assert_string_equal(with_codes(b, "ResyncMFADevice", 59, 60), "");
	assert_int_equal(device_int(b, "DriftSteps"), 60);
	/* S39: what was used before that is not good again. */
	assert_string_equal(with_codes(b, "ResyncMFADevice", 59, 60),
	    "InvalidAuthenticationCode");
	secret_release(&seed);
}

static void
test_enable_mfa_device__seed_in_another_devices_place_is_refused(void **state)
{
	struct bed *b = *state;
	json_t *a, *other;

	make_device(b);
	bed_ok(b, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'other'}");
	a = bed_doc(b, "mfa/phone");
	other = bed_doc(b, "mfa/other");
	json_object_set(a, "SealedSeed", json_object_get(other, "SealedSeed"));
	assert_int_equal(store_begin(b->store), 0);
	assert_int_equal(store_put(b->store, "mfa/phone", a), 0);
	assert_int_equal(store_commit(b->store, "t", "t", NULL), 0);
	assert_string_equal(with_codes(b, "EnableMFADevice", -1, 0),
	    "ServiceFailure");
	json_decref(a);
	json_decref(other);
	secret_release(&seed);
}

/* ---- SSH keys ---- */

/* What two logins of hers leave: with the password, then with the key. */
static void
used_from(struct bed *b, const char *user, const char *id)
{
	struct lastlogin l = { .at_s = BED_NOW - 120, .password_s = BED_NOW - 120 },
	    before;
	char in[80];
	uint32_t uid;
	bool found;

	snprintf(in, sizeof(in), "{'UserName':'%s'}", user);
	bed_ok(b, "GetUser", in);
	uid = (uint32_t)json_integer_value(json_object_get(json_object_get(b->c.out,
	    "User"), "Uid"));
	assert_true(uid != 0);
	assert_int_equal(lastlogin_swap(IAM_PATH_LOGINS, uid, &l, &found, &before), 0);
	l = (struct lastlogin){ .at_s = BED_NOW - 60 };
	l.keys[0] = (struct lastlogin_key){ .at_s = BED_NOW - 60, .service = "sshd",
		.rhost = "192.0.2.7" };
	snprintf(l.keys[0].id, sizeof(l.keys[0].id), "%s", id);
	assert_int_equal(lastlogin_swap(IAM_PATH_LOGINS, uid, &l, &found, &before), 0);
}

static void
test_ssh_public_key__upload_update_delete(void **state)
{
	struct bed *b = *state;
	char id[32], in[200];

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "UploadSSHPublicKey", "{'UserName':'bob','SSHPublicKeyBody':'"
	    KEY " bob@home\\n'}");
	assert_string_equal(bed_text(b, "SSHPublicKey.SSHPublicKeyBody"), KEY);
	assert_string_equal(bed_text(b, "SSHPublicKey.Fingerprint"), KEY_MD5);
	assert_string_equal(bed_text(b, "SSHPublicKey.Status"), "Active");
	snprintf(id, sizeof(id), "%s", bed_text(b, "SSHPublicKey.SSHPublicKeyId"));
	assert_memory_equal(id, "APKA", 4);
	bed_fails(b, "UploadSSHPublicKey", "{'UserName':'bob','SSHPublicKeyBody':'"
	    KEY "'}", "DuplicateSSHPublicKey");
	bed_fails(b, "UploadSSHPublicKey", "{'UserName':'bob','SSHPublicKeyBody':"
	    "'command=\\\"x\\\" " KEY "'}", "InvalidPublicKey");
	bed_fails(b, "UploadSSHPublicKey", "{'UserName':'bob','SSHPublicKeyBody':"
	    "'" KEY "\\n" KEY "'}", "InvalidPublicKey");
	snprintf(in, sizeof(in), "{'UserName':'bob','SSHPublicKeyId':'%s',"
	    "'Status':'Inactive'}", id);
	bed_ok(b, "UpdateSSHPublicKey", in);
	bed_ok(b, "ListSSHPublicKeys", "{'UserName':'bob'}");
	assert_string_equal(bed_text(b, "SSHPublicKeys.0.Status"), "Inactive");
	used_from(b, "bob", id);
	bed_ok(b, "ListSSHPublicKeys", "{'UserName':'bob'}");
	assert_string_equal(bed_text(b, "SSHPublicKeys.0.LastUsed.LastUsedDate"),
	    "2026-11-24T09:29:00Z");
	assert_string_equal(bed_text(b, "SSHPublicKeys.0.LastUsed.SourceIPAddress"),
	    "192.0.2.7");
	snprintf(in, sizeof(in), "{'UserName':'bob','SSHPublicKeyId':'%s'}", id);
	bed_ok(b, "GetSSHPublicKey", in);
	assert_string_equal(bed_text(b, "SSHPublicKey.LastUsed.ServiceName"), "sshd");
	bed_ok(b, "GetUser", "{'UserName':'bob'}");
	assert_string_equal(bed_text(b, "User.PasswordLastUsed"),
	    "2026-11-24T09:28:00Z");
	snprintf(in, sizeof(in), "{'UserName':'bob','SSHPublicKeyId':'%s',"
	    "'Encoding':'PEM'}", id);
	bed_fails(b, "GetSSHPublicKey", in, "UnrecognizedPublicKeyEncoding");
	snprintf(in, sizeof(in), "{'UserName':'bob','SSHPublicKeyId':'%s'}", id);
	bed_ok(b, "DeleteSSHPublicKey", in);
	bed_fails(b, "GetSSHPublicKey", in, "NoSuchEntity");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_login_profile__create_update_delete),
		BED_TEST(test_login_profile__password_rules),
		BED_TEST(test_change_password__root_for_a_user_needs_no_old_one),
		BED_TEST(test_change_password__a_user_proves_the_old_one),
		BED_TEST(test_change_password__guesses_are_throttled),
		BED_TEST(test_password_policy__update_get_delete),
		BED_TEST(test_password_policy__each_class),
		BED_TEST(test_password_policy__last_passwords_are_not_taken_again),
		BED_TEST(test_password_policy__expired),
		BED_TEST(test_create_virtual_mfa_device__seed_is_sealed),
		BED_TEST(test_create_virtual_mfa_device__outfile),
		BED_TEST(test_enable_mfa_device__two_consecutive_codes),
		BED_TEST(test_resync_mfa_device__learns_the_drift),
		BED_TEST(test_enable_mfa_device__seed_in_another_devices_place_is_refused),
		BED_TEST(test_ssh_public_key__upload_update_delete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
