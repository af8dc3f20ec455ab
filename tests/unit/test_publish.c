#include "tests/unit/members.h"
#include "tests/unit/store_fixture.h"

#include <limits.h>

#include "common/base/governed.h"
#include "common/credential/credential.h"
#include "common/policy/policy.h"
#include "common/snapshot/accounts.h"
#include "common/authz/authz.h"
#include "common/snapshot/principal.h"

#define UID1 2100000001u
/* A key made with ssh-keygen -t ed25519 for this test. */
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJOGGRbvkgaqy5qvM1o4IX8CEkDwOOkyt6hanDGmzi51"
#define KEY_FINGERPRINT "SHA256:6MbQQ++awBYuY0UnUCDthQJsM+weOqFMPwcHkMwKR1A" /* ssh-keygen -l */

struct host {
	struct fix fix;
	json_t *warnings;
	struct snap *pub, *priv;
	struct snap_principal principal;
};

static int
setup(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	fix_setup(&h->fix);
	*state = h;
	return 0;
}

static void
forget(struct host *h)
{
	snap_close(h->pub);
	snap_close(h->priv);
	h->pub = h->priv = NULL;
	json_decref(h->warnings);
	h->warnings = NULL;
}

static int
teardown(void **state)
{
	struct host *h = *state;

	forget(h);
	fix_teardown(&h->fix);
	free(h);
	return 0;
}

/* Publish, open both, see that they are whole and current. */
static void
publish(struct host *h)
{
	const struct store_paths *paths = &h->fix.paths;
	struct iam_why why = { 0 };
	struct snap_info a, b;
	bool current;

	forget(h);
	if (store_publish(h->fix.store, paths, &h->warnings, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(snap_open(paths->public_snapshot, SNAP_PUBLIC, &h->pub), 0);
	assert_int_equal(snap_open(paths->private_snapshot, SNAP_PRIVATE, &h->priv), 0);
	assert_int_equal(snap_verify(h->pub), 0);
	assert_int_equal(snap_verify(h->priv), 0);
	snap_info(h->pub, &a);
	snap_info(h->priv, &b);
	assert_int_equal(a.revision, store_revision(h->fix.store));
	assert_int_equal(b.revision, a.revision);
	assert_int_equal(store_published(h->fix.store, paths, &current), 0);
	assert_true(current);
}

static bool
has_user(const struct host *h, const char *name)
{
	struct snap_user u;
	bool found;

	assert_int_equal(snap_user_by_name(h->pub, name, &found, &u), 0);
	return found;
}

static bool
principal(struct host *h, const char *name)
{
	bool found;

	assert_int_equal(snap_principal_by_name(h->priv, name, &found,
	    &h->principal), 0);
	return found;
}

/* One warning has both of these in it. */
static bool
warned(const struct host *h, const char *key, const char *what)
{
	const char *text;
	json_t *v;
	size_t i;

	json_array_foreach(h->warnings, i, v) {
		text = json_string_value(v);
		if (strncmp(text, key, strlen(key)) == 0 &&
		    strstr(text, what) != NULL)
			return true;
	}
	return false;
}

static void
assert_quiet(const struct host *h)
{
	if (json_array_size(h->warnings) != 0)
		fail_msg("%s", json_string_value(json_array_get(h->warnings, 0)));
}

static const char *
policy_key(const struct host *h, unsigned i, unsigned layer, const char *via)
{
	assert_true(i < h->principal.policy_count);
	assert_int_equal(h->principal.policies[i].layer, layer);
	assert_string_equal(h->principal.policies[i].via, via);
	return h->principal.policies[i].key;
}

static void
assert_policy(const struct host *h, const char *key, const char *name)
{
	struct snap_policy policy;
	struct pol_doc doc;
	bool found;

	assert_int_equal(snap_policy_by_key(h->priv, key, &found, &policy), 0);
	assert_true(found);
	assert_string_equal(policy.name, name);
	assert_int_equal(pol_open(policy.compiled, policy.compiled_len, &doc), 0);
}

static bool
has_policy(const struct host *h, const char *key)
{
	struct snap_policy policy;
	bool found;

	assert_int_equal(snap_policy_by_key(h->priv, key, &found, &policy), 0);
	return found;
}

/* ---- a whole user ---- */

static void
test_store_publish__everything_of_a_user_arrives(void **state)
{
	struct host *h = *state;
	struct fix *f = &h->fix;
	struct snap_gids gids;
	struct snap_user u;
	struct snap_group g;
	const char *text;
	size_t n;
	bool found;

	fix_put(f, "policies/Deploy", "{\"PolicyName\": \"Deploy\", \"Arn\":"
	    " \"arn:aws:iam::" FIX_ACCOUNT ":policy/Deploy\", \"DefaultVersionId\":"
	    " \"v1\", \"Versions\": [{\"VersionId\": \"v1\", \"Document\":"
	    " \"{\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":"
	    "\\\"host:Sudo\\\",\\\"Resource\\\":\\\"*\\\"}}\"}]}");
	fix_group(f, "Marketing", "marketing", 2100000002u, ", \"LocalGroups\":"
	    " [\"sudo\"], \"AttachedPolicies\": [\"arn:aws:iam::" FIX_ACCOUNT
	    ":policy/Deploy\"], \"InlinePolicies\": {\"In\": \"{\\\"Statement\\\":"
	    "{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"host:Login\\\","
	    "\\\"Resource\\\":\\\"*\\\"}}\"}");
	fix_put(f, "mfa/phone", "{\"SerialNumber\": \"arn:aws:iam::" FIX_ACCOUNT
	    ":mfa/phone\", \"SealedSeed\": \"AAECAw==\", \"Algorithm\": \"SHA1\","
	    " \"Digits\": 6, \"Period\": 30, \"UserName\": \"SARAH\", \"EnableDate\":"
	    " \"2026-11-24T09:30:00Z\", \"EnableStep\": 100, \"DriftSteps\": 1}");
	fix_put(f, "mfa/spare", "{\"SerialNumber\": \"arn:aws:iam::" FIX_ACCOUNT
	    ":mfa/spare\", \"SealedSeed\": \"AAECAw==\"}");
	fix_user(f, "Sarah", UID1, ", \"Groups\": [\"marketing\"],"
	    " \"Tags\": [{\"Key\": \"department\", \"Value\": \"marketing\"}],"
	    " \"AttachedPolicies\": [\"" FIX_MANAGED "\"], \"PermissionsBoundary\":"
	    " \"" FIX_MANAGED "\", \"InlinePolicies\": {\"Tue\": \"{\\\"Statement\\\":"
	    "{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"host:Login\\\","
	    "\\\"Resource\\\":\\\"*\\\"}}\"}, \"LoginProfile\": {\"PasswordHash\":"
	    " \"$y$hash\", \"PasswordResetRequired\": true, \"PasswordChanged\":"
	    " \"1970-01-01T00:00:07Z\"}, \"SSHPublicKeys\":"
	    " [{\"SSHPublicKeyId\": \"APKA1\", \"UploadDate\": \"1970-01-01T00:00:09Z\", \"SSHPublicKeyBody\": \"" KEY " sarah@laptop\", \"Status\":"
	    " \"Active\"}, {\"SSHPublicKeyId\": \"APKA1\", \"UploadDate\": \"1970-01-01T00:00:09Z\", \"SSHPublicKeyBody\": \"" KEY "\", \"Status\":"
	    " \"Inactive\"}]");
	publish(h);
	assert_quiet(h);

	assert_int_equal(snap_user_by_uid(h->pub, UID1, &found, &u), 0);
	assert_true(found);
	assert_string_equal(u.name, "sarah");
	assert_string_equal(u.home, "/home/sarah");
	assert_int_equal(u.gid, UID1);
	assert_int_equal(snap_group_by_gid(h->pub, UID1, &found, &g), 0);
	assert_true(found);
	assert_string_equal(g.name, "sarah");
	assert_int_equal(g.member_count, 0);
	assert_int_equal(snap_group_by_name(h->pub, "marketing", &found, &g), 0);
	assert_true(found);
	assert_int_equal(g.member_count, 1);
	assert_members(&g, "sarah", sizeof("sarah"));
	assert_int_equal(snap_member_of(h->pub, "sarah", &found, &gids), 0);
	assert_true(found);
	assert_int_equal(gids.count, 2);
	assert_int_equal(snap_gids_next(&gids), 27);
	assert_int_equal(snap_gids_next(&gids), 2100000002u);
	assert_int_equal(snap_ssh_keys(h->pub, "sarah", &found, &text, &n), 0);
	assert_true(found);
	assert_int_equal(n, strlen(KEY) + 1);
	assert_memory_equal(text, KEY "\n", n);

	assert_true(principal(h, "sarah"));
	assert_string_equal(h->principal.user_name, "Sarah");
	assert_int_equal(h->principal.enabled, 1);
	assert_string_equal(h->principal.password_hash, "$y$hash");
	assert_int_equal(h->principal.password_reset_required, 1);
	assert_int_equal(h->principal.password_changed_s, 7);
	assert_int_equal(h->principal.created_s, 1795512600);
	assert_int_equal(h->principal.tag_count, 1);
	assert_string_equal(h->principal.tags[0].value, "marketing");
	assert_int_equal(h->principal.device_count, 1);
	assert_int_equal(h->principal.devices[0].seed_len, 4);
	/* Step 100 of a device that runs one ahead is our 99, and is used up. */
	assert_int_equal(h->principal.devices[0].enabled_s, 99 * 30);
	assert_int_equal(h->principal.key_count, 1);
	assert_string_equal(h->principal.keys[0].id, "APKA1");
	assert_string_equal(h->principal.keys[0].fingerprint, KEY_FINGERPRINT);
	assert_int_equal(h->principal.keys[0].uploaded_s, 9);
	assert_int_equal(h->principal.policy_count, 5);
	assert_policy(h, policy_key(h, 0, SNAP_LAYER_IDENTITY, "user"), FIX_MANAGED);
	assert_policy(h, policy_key(h, 1, SNAP_LAYER_IDENTITY, "user"),
	    "user_Sarah_Tue");
	assert_string_equal(h->principal.policies[1].key, "user/Sarah/Tue");
	assert_policy(h, policy_key(h, 2, SNAP_LAYER_IDENTITY, "group Marketing"),
	    "arn:aws:iam::" FIX_ACCOUNT ":policy/Deploy");
	assert_policy(h, policy_key(h, 3, SNAP_LAYER_IDENTITY, "group Marketing"),
	    "group_Marketing_In");
	assert_policy(h, policy_key(h, 4, SNAP_LAYER_BOUNDARY, "boundary"),
	    FIX_MANAGED);
}

#define ROLE_UID 2100000007u

/* An account on the host with nothing to log in with, although a user of the same name
 * has a device, and whatever the document says. */
static void
test_store_publish__everything_of_a_role_arrives(void **state)
{
	struct host *h = *state;
	struct fix *f = &h->fix;
	struct pol_source trust;
	struct snap_user u;
	struct snap_group g;
	const char *text;
	size_t n;
	bool found;

	fix_put(f, "mfa/phone", "{\"SerialNumber\": \"arn:aws:iam::" FIX_ACCOUNT
	    ":mfa/phone\", \"SealedSeed\": \"AAECAw==\", \"Algorithm\": \"SHA1\","
	    " \"Digits\": 6, \"Period\": 30, \"UserName\": \"Deploy\", \"EnableDate\":"
	    " \"2026-11-24T09:30:00Z\", \"EnableStep\": 100}");
	fix_put(f, "users/Deploy", "{\"UserName\": \"Deploy\", \"UserId\": \"AIDA\","
	    " \"Arn\": \"arn:aws:iam::" FIX_ACCOUNT ":user/Deploy\", \"UnixName\": \"u\","
	    " \"Uid\": 2100000001, \"Gid\": 2100000001, \"Home\": \"/\", \"Shell\": \"\","
	    " \"Enabled\": true}");
	fix_put(f, "roles/Deploy", "{\"RoleName\": \"Deploy\", \"RoleId\": \"AROA1\","
	    " \"Arn\": \"arn:aws:iam::" FIX_ACCOUNT ":role/Deploy\", \"UnixName\":"
	    " \"deploy\", \"Uid\": 2100000007, \"Gid\": 2100000007, \"Home\":"
	    " \"/home/deploy\", \"Shell\": \"/bin/sh\", \"Enabled\": true,"
	    " \"MaxSessionDuration\": 7200, \"Tags\": [{\"Key\": \"t\", \"Value\":"
	    " \"1\"}], \"LoginProfile\": {\"PasswordHash\": \"$y$hash\"},"
	    " \"SSHPublicKeys\": [{\"SSHPublicKeyId\": \"APKA1\", \"SSHPublicKeyBody\":"
	    " \"" KEY "\", \"Status\": \"Active\"}], \"AttachedPolicies\": [\""
	    FIX_MANAGED "\"], \"PermissionsBoundary\": \"" FIX_MANAGED "\","
	    " \"InlinePolicies\": {\"In\": \"{\\\"Statement\\\":{\\\"Effect\\\":"
	    "\\\"Allow\\\",\\\"Action\\\":\\\"host:Login\\\",\\\"Resource\\\":\\\"*\\\"}}"
	    "\"}, \"AssumeRolePolicyDocument\": \"{\\\"Statement\\\":{\\\"Effect\\\":"
	    "\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":"
	    "\\\"sts:AssumeRole\\\"}}\"}");
	publish(h);
	assert_quiet(h);
	assert_int_equal(snap_user_by_uid(h->pub, ROLE_UID, &found, &u), 0);
	assert_true(found);
	assert_string_equal(u.name, "deploy");
	assert_string_equal(u.shell, "/bin/sh");
	assert_int_equal(snap_group_by_gid(h->pub, ROLE_UID, &found, &g), 0);
	assert_true(found);
	assert_string_equal(g.name, "deploy");
	assert_int_equal(snap_ssh_keys(h->pub, "deploy", &found, &text, &n), 0);
	assert_false(found);

	assert_true(principal(h, "deploy"));
	assert_int_equal(h->principal.role, 1);
	assert_int_equal(h->principal.max_session_s, 7200);
	assert_string_equal(h->principal.user_id, "AROA1");
	assert_null(h->principal.password_hash);
	assert_int_equal(h->principal.device_count, 0);
	assert_int_equal(h->principal.key_count, 0);
	assert_string_equal(h->principal.tags[0].key, "t");
	assert_int_equal(h->principal.policy_count, 4);
	assert_policy(h, policy_key(h, 0, SNAP_LAYER_IDENTITY, "role"), FIX_MANAGED);
	assert_policy(h, policy_key(h, 1, SNAP_LAYER_IDENTITY, "role"),
	    "role_Deploy_In");
	assert_policy(h, policy_key(h, 2, SNAP_LAYER_TRUST, "trust"), "trust_Deploy");
	assert_policy(h, policy_key(h, 3, SNAP_LAYER_BOUNDARY, "boundary"),
	    FIX_MANAGED);
	assert_int_equal(authz_trust(h->priv, &h->principal, &trust), 0);
	/* The device is the user's. */
	assert_true(principal(h, "u"));
	assert_int_equal(h->principal.device_count, 1);
	assert_int_equal(h->principal.role, 0);
}

static void
test_store_publish__the_account_has_host_settings_and_marks(void **state)
{
	struct host *h = *state;
	struct snap_account *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	publish(h);
	assert_int_equal(snap_account_get(h->priv, a), 0);
	assert_string_equal(a->account_id, FIX_ACCOUNT);
	assert_string_equal(a->region, "eu-central-1");
	assert_string_equal(a->hostname, "web1");
	assert_int_equal(a->host_tag_count, 1);
	assert_int_equal(a->id_min, IAM_ID_MIN_DEFAULT);
	assert_int_equal(a->mfa_memory_s, 900);
	assert_string_equal(snap_action_for(a, "sshd"), "host:Login");
	assert_string_equal(snap_action_for(a, "gdm-password"), "host:Login");
	assert_string_equal(snap_action_for(a, "su-l"), "host:SwitchUser");
	assert_string_equal(snap_action_for(a, "polkit-1"), "host:Authenticate");
	assert_true(a->host_mark.ino != 0);
	free(a);
}

/* ---- S26, S27: a local account is never shadowed ---- */

static void
test_store_publish__S27_local_names_and_ids_are_left_out(void **state)
{
	struct host *h = *state;
	struct fix *f = &h->fix;
	struct snap_group g;
	bool found;

	fix_group(f, "All", "all", 2100000009u, "");
	fix_group(f, "Admins", "adm", 2100000010u, "");
	fix_user(f, "alice", UID1, ", \"Groups\": [\"All\"]");
	fix_user(f, "sudo", UID1 + 1, "");
	fix_user(f, "bob", 1000, "");
	fix_user(f, "root", UID1 + 2, "");
	fix_user(f, "carol", 0, "");
	fix_user(f, "dave", UID1 + 3, ", \"Groups\": [\"All\", \"Admins\"]");
	publish(h);
	assert_true(has_user(h, "dave"));
	assert_false(has_user(h, "alice") || principal(h, "alice"));
	assert_false(has_user(h, "sudo") || principal(h, "sudo"));
	assert_false(has_user(h, "bob") || principal(h, "bob"));
	assert_false(has_user(h, "root") || principal(h, "root"));
	assert_false(has_user(h, "carol") || principal(h, "carol"));
	assert_true(warned(h, "users/alice", "taken by local user"));
	assert_true(warned(h, "users/sudo", "taken by local group"));
	assert_true(warned(h, "users/bob", "not within"));
	assert_true(warned(h, "users/root", "the host's own"));
	assert_true(warned(h, "groups/Admins", "taken by local group"));
	assert_int_equal(snap_group_by_name(h->pub, "all", &found, &g), 0);
	assert_true(found);
	assert_int_equal(g.member_count, 1);
	assert_members(&g, "dave", sizeof("dave"));
	assert_int_equal(snap_group_by_name(h->pub, "adm", &found, &g), 0);
	assert_false(found);
}

static void
test_store_publish__S26_a_local_account_in_our_range_is_not_shadowed(void **state)
{
	struct host *h = *state;

	fix_file(h->fix.paths.passwd, "root:x:0:0::/root:/bin/sh\n"
	    "local:x:2100000001:100::/:/bin/sh\n");
	fix_user(&h->fix, "sarah", UID1, "");
	publish(h);
	assert_false(has_user(h, "sarah") || principal(h, "sarah"));
	assert_true(warned(h, "users/sarah", "id 2100000001 is taken by local user"));
}

static void
test_store_publish__S27_local_groups_only_where_listed(void **state)
{
	struct host *h = *state;
	struct snap_gids gids;
	bool found;

	fix_file(h->fix.paths.settings, "{\"localGroups\": [\"sudo\", \"gone\"]}");
	fix_group(&h->fix, "G", "g", 2100000002u, ", \"LocalGroups\": [\"adm\","
	    " \"gone\", \"sudo\", \"root\"]");
	fix_user(&h->fix, "sarah", UID1, ", \"Groups\": [\"G\", \"G\"]");
	publish(h);
	assert_int_equal(snap_member_of(h->pub, "sarah", &found, &gids), 0);
	assert_true(found);
	assert_int_equal(gids.count, 2);
	assert_int_equal(snap_gids_next(&gids), 27);
	assert_true(warned(h, "groups/G", "local group adm: not listed"));
	assert_true(warned(h, "groups/G", "local group gone: not in"));
	assert_true(warned(h, "groups/G", "local group root: not listed"));
}

static void
test_store_publish__two_documents_with_one_name_or_id(void **state)
{
	struct host *h = *state;

	fix_user(&h->fix, "a", UID1, "");
	fix_user(&h->fix, "b", UID1, "");
	fix_group(&h->fix, "G", "a", UID1 + 5, "");
	publish(h);
	/* Groups come first. */
	assert_true(warned(h, "users/a", "taken by groups/G"));
	assert_true(has_user(h, "b"));
}

/* ---- what cannot be published whole is denied ---- */

static void
test_store_publish__damaged_documents_deny_and_do_not_stop_others(void **state)
{
	static const struct {
		const char *name, *more, *warning;
	} v[] = {
		{ "nogroup", ", \"Groups\": [\"Gone\"]", "groups does not exist" },
		{ "badtag", ", \"Tags\": [{\"Key\": \"a\"}]", "a tag without" },
		{ "baddev", "", "an MFA device is damaged" },
		{ "badbound", ", \"PermissionsBoundary\": 1", "boundary" },
	};
	struct host *h = *state;
	size_t i;

	fix_put(&h->fix, "mfa/x", "{\"SerialNumber\": \"s\", \"SealedSeed\": \"?\","
	    " \"Algorithm\": \"SHA1\", \"Digits\": 6, \"Period\": 30, \"UserName\":"
	    " \"baddev\", \"EnableDate\": \"2026-11-24T09:30:00Z\"}");
	for (i = 0; i < IAM_COUNT(v); i++)
		fix_user(&h->fix, v[i].name, UID1 + (unsigned)i, v[i].more);
	fix_user(&h->fix, "good", UID1 + 100, "");
	fix_user(&h->fix, "homeless", UID1 + 101, ", \"Home\": \"a:b\"");
	publish(h);
	for (i = 0; i < IAM_COUNT(v); i++) {
		assert_true(principal(h, v[i].name));
		assert_int_equal(h->principal.enabled, 0);
		assert_true(warned(h, "users/", v[i].warning));
	}
	assert_true(principal(h, "good"));
	assert_int_equal(h->principal.enabled, 1);
	assert_false(has_user(h, "homeless") || principal(h, "homeless"));
}

static void
test_store_publish__policies_that_are_missing_leave_their_reference(void **state)
{
	struct host *h = *state;

	fix_user(&h->fix, "sarah", UID1, ", \"AttachedPolicies\": [\""
	    "arn:aws:iam::aws:policy/../../etc/passwd\", \"arn:aws:iam::1:policy/No\"],"
	    " \"InlinePolicies\": {\"Bad\": \"{}\"}");
	publish(h);
	assert_true(principal(h, "sarah"));
	assert_int_equal(h->principal.policy_count, 3);
	assert_false(has_policy(h, "user/sarah/Bad"));
	assert_false(has_policy(h, "arn:aws:iam::1:policy/No"));
	assert_true(warned(h, "user/sarah/Bad", "left out"));
	assert_int_equal(json_array_size(h->warnings), 3);
}

static void
test_store_publish__ssh_keys_bring_no_options_and_no_second_line(void **state)
{
	struct host *h = *state;
	const char *text;
	bool found;
	size_t n;

	fix_user(&h->fix, "sarah", UID1, ", \"SSHPublicKeys\": ["
	    "{\"SSHPublicKeyId\": \"APKA1\", \"UploadDate\": \"1970-01-01T00:00:09Z\", \"SSHPublicKeyBody\": \"command=\\\"x\\\" " KEY "\", \"Status\": \"Active\"},"
	    "{\"SSHPublicKeyId\": \"APKA1\", \"UploadDate\": \"1970-01-01T00:00:09Z\", \"SSHPublicKeyBody\": \"" KEY "\\n" KEY "\", \"Status\": \"Active\"}]");
	fix_user(&h->fix, "off", UID1 + 1, ", \"Enabled\": false, \"SSHPublicKeys\": ["
	    "{\"SSHPublicKeyId\": \"APKA1\", \"UploadDate\": \"1970-01-01T00:00:09Z\", \"SSHPublicKeyBody\": \"" KEY "\", \"Status\": \"Active\"}]");
	publish(h);
	assert_int_equal(snap_ssh_keys(h->pub, "sarah", &found, &text, &n), 0);
	assert_false(found);
	assert_int_equal(snap_ssh_keys(h->pub, "off", &found, &text, &n), 0);
	assert_false(found);
	assert_true(has_user(h, "off"));
	assert_int_equal(json_array_size(h->warnings), 2);
}

/* ---- when a snapshot is stale ---- */

static void
test_store_published__changes_of_store_and_files_are_seen(void **state)
{
	struct host *h = *state;
	const struct store_paths *paths = &h->fix.paths;
	bool current;

	publish(h);
	fix_user(&h->fix, "sarah", UID1, "");
	assert_int_equal(store_published(h->fix.store, paths, &current), 0);
	assert_false(current);
	publish(h);
	fix_file(paths->host, "{\"region\": \"us-east-1\", \"hostname\": \"web1\"}");
	assert_int_equal(store_published(h->fix.store, paths, &current), 0);
	assert_false(current);
	publish(h);
	unlink(paths->settings);
	assert_int_equal(store_published(h->fix.store, paths, &current), 0);
	assert_false(current);
	publish(h);
	unlink(paths->public_snapshot);
	assert_int_equal(store_published(h->fix.store, paths, &current), 0);
	assert_false(current);
	publish(h);
	assert_int_equal(truncate(paths->private_snapshot, 5000), 0);
	assert_int_equal(store_published(h->fix.store, paths, &current), 0);
	assert_false(current);
	publish(h);
}

static void
test_store_publish__bad_files_publish_nothing_and_say_why(void **state)
{
	struct host *h = *state;
	const struct store_paths *paths = &h->fix.paths;
	struct iam_why why;

	fix_file(paths->settings, "{\n \"mfa\": {\"memory\": 1}}");
	assert_int_equal(store_publish(h->fix.store, paths, NULL, &why),
	    IAM_ERR_FORMAT);
	assert_non_null(strstr(why.text, "mfa.memory: there is no such member"));
	unlink(paths->settings);
	unlink(paths->host);
	assert_int_equal(store_publish(h->fix.store, paths, NULL, &why),
	    IAM_ERR_ABSENT);
	assert_non_null(strstr(why.text, "host.json"));
	fix_file(paths->host, "{\"region\": \"r\", \"hostname\": \"h\"}");
	unlink(paths->passwd);
	assert_int_equal(store_publish(h->fix.store, paths, NULL, &why),
	    IAM_ERR_ABSENT);
	assert_int_not_equal(access(paths->public_snapshot, F_OK), 0);
	assert_int_not_equal(access(paths->private_snapshot, F_OK), 0);
	fix_file(paths->passwd, "");
	assert_int_equal(store_begin(h->fix.store), 0);
	assert_int_equal(store_publish(h->fix.store, paths, NULL, &why),
	    IAM_ERR_ARG);
	store_rollback(h->fix.store);
	publish(h);
}

/* An adopted account's decisions are ours; its entry in passwd(5) stays the host's. */
static void
test_store_publish__S2_adopted_local_account(void **state)
{
	struct host *h = *state;
	const struct store_paths *paths = &h->fix.paths;
	const char *const user = "{\"UserName\": \"Anna\", \"UserId\": \"AIDA\","
	    " \"Arn\": \"arn:aws:iam::" FIX_ACCOUNT ":user/Anna\", \"UnixName\": \"anna\","
	    " \"Uid\": 1001, \"Gid\": 100, \"Home\": \"/srv/anna\", \"Shell\": \"\","
	    " \"Groups\": [\"Team\"], \"AttachedPolicies\": [], \"Adopted\": true,"
	    " \"Enabled\": true}";
	struct buf text = BUF_INIT;
	struct snap_group group;
	bool found;

	fix_file(paths->passwd, "root:x:0:0::/:/bin/sh\n"
	    "anna:x:1001:100::/srv/anna:\nbert:x:1002:100::/:\n");
	fix_put(&h->fix, "account", "{\"AccountId\": \"" FIX_ACCOUNT "\","
	    " \"AdoptedUsers\": [\"anna\"]}");
	fix_put(&h->fix, "groups/Team", "{\"GroupName\": \"Team\", \"UnixName\":"
	    " \"team\", \"Gid\": 2100000009, \"AttachedPolicies\": [\"" FIX_MANAGED
	    "\"]}");
	fix_put(&h->fix, "users/Anna", user);
	publish(h);
	assert_quiet(h);
	assert_false(has_user(h, "anna"));
	/* Her group's policies count, and the host's group file is what it was. */
	assert_int_equal(snap_group_by_name(h->pub, "team", &found, &group), 0);
	assert_true(found);
	assert_int_equal(group.member_count, 0);
	assert_true(principal(h, "anna"));
	assert_int_equal(h->principal.uid, 1001);
	assert_int_equal(h->principal.gid, 100);
	assert_int_equal(h->principal.enabled, 1);
	assert_int_equal(h->principal.policy_count, 1);
	/* Without a snapshot she stays governed, and the others are not. */
	assert_int_equal(governed_without_snapshot("anna", paths->governed,
	    paths->passwd), GOVERNED_YES);
	assert_int_equal(governed_without_snapshot("bert", paths->governed,
	    paths->passwd), GOVERNED_NO);
	/* An account that is gone, or another now, stays governed as well. */
	fix_file(paths->passwd, "root:x:0:0::/:/bin/sh\n");
	publish(h);
	assert_true(warned(h, "users/Anna", "not there"));
	assert_true(principal(h, "anna"));
	/* Never root, nor a system account, nor one of our own ids (S0, S27). */
	fix_put(&h->fix, "users/Anna", "{\"UserName\": \"Anna\", \"UserId\": \"AIDA\","
	    " \"Arn\": \"a\", \"UnixName\": \"anna\", \"Uid\": 33, \"Gid\": 33,"
	    " \"Home\": \"/\", \"Shell\": \"\", \"Adopted\": true, \"Enabled\": true}");
	publish(h);
	assert_true(warned(h, "users/Anna", "left out"));
	assert_false(principal(h, "anna"));
	/* Released: a local account again. */
	fix_put(&h->fix, "account", "{\"AccountId\": \"" FIX_ACCOUNT "\"}");
	publish(h);
	assert_int_equal(file_read(paths->governed, FILE_ROOT_ONLY, 4096, &text), 0);
	assert_null(strstr(buf_cstr(&text), "adopt"));
	buf_release(&text);
}

static void
test_store_publish__files_have_their_modes_and_governed_its_range(void **state)
{
	struct host *h = *state;
	const struct store_paths *paths = &h->fix.paths;
	struct stat st;

	fix_file(paths->settings, "{\"ids\": {\"min\": 70000, \"max\": 79999}}");
	publish(h);
	assert_int_equal(stat(paths->public_snapshot, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(stat(paths->private_snapshot, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	fix_file(paths->passwd, "x:x:70001:1::/:\ny:x:80000:1::/:\n");
	assert_int_equal(governed_without_snapshot("x", paths->governed,
	    paths->passwd), GOVERNED_YES);
	assert_int_equal(governed_without_snapshot("y", paths->governed,
	    paths->passwd), GOVERNED_NO);
}

/* ---- the n-th allocation failing ---- */

static unsigned long allocations_left = ULONG_MAX;

static bool
refused(void)
{
	if (allocations_left == 0)
		return true;
	if (allocations_left != ULONG_MAX)
		allocations_left--;
	return false;
}

/* Wrapped by the linker (flags.mk): what this program's objects call. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *
__wrap_malloc(size_t n)
{
	return refused() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return refused() ? NULL : __real_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return refused() ? NULL : __real_reallocarray(p, n, size);
}

/*
 * Whatever the error is called (jansson may take short memory for a damaged
 * text): a snapshot with something missing is never the outcome.
 */
static void
test_store_publish__every_allocation_failing_publishes_nothing_less(void **state)
{
	struct host *h = *state;
	struct fix *f = &h->fix;
	unsigned long n;
	int r;

	fix_group(f, "G", "g", 2100000002u, ", \"LocalGroups\": [\"sudo\"]");
	fix_user(f, "sarah", UID1, ", \"Groups\": [\"G\"], \"AttachedPolicies\":"
	    " [\"" FIX_MANAGED "\"]");
	publish(h);
	for (n = 0, r = 1; r != 0; n++) {
		allocations_left = n;
		json_set_alloc_funcs(__wrap_malloc, free);
		r = store_publish(f->store, &f->paths, NULL, NULL);
		allocations_left = ULONG_MAX;
		json_set_alloc_funcs(malloc, free);
	}
	assert_true(n > 100);
	forget(h);
	assert_int_equal(snap_open(f->paths.private_snapshot, SNAP_PRIVATE,
	    &h->priv), 0);
	assert_true(principal(h, "sarah"));
	assert_int_equal(h->principal.enabled, 1);
	assert_int_equal(h->principal.policy_count, 1);
	assert_true(has_policy(h, FIX_MANAGED));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_store_publish__everything_of_a_user_arrives),
		T(test_store_publish__everything_of_a_role_arrives),
		T(test_store_publish__the_account_has_host_settings_and_marks),
		T(test_store_publish__S27_local_names_and_ids_are_left_out),
		T(test_store_publish__S26_a_local_account_in_our_range_is_not_shadowed),
		T(test_store_publish__S27_local_groups_only_where_listed),
		T(test_store_publish__two_documents_with_one_name_or_id),
		T(test_store_publish__damaged_documents_deny_and_do_not_stop_others),
		T(test_store_publish__policies_that_are_missing_leave_their_reference),
		T(test_store_publish__ssh_keys_bring_no_options_and_no_second_line),
		T(test_store_published__changes_of_store_and_files_are_seen),
		T(test_store_publish__bad_files_publish_nothing_and_say_why),
		T(test_store_publish__S2_adopted_local_account),
		T(test_store_publish__files_have_their_modes_and_governed_its_range),
		T(test_store_publish__every_allocation_failing_publishes_nothing_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
