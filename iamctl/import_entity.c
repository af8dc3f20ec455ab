/* One policy, group, user, role or MFA device of an export. */
#include "common/base/base.h"

#include "common/credential/credential.h"
#include "common/store/settings.h"
#include "iamctl/import.h"
#include "iamctl/mfa.h"
#include "iamctl/password.h"
#include "iamctl/policies.h"

/* Further off, a device is not resynchronised but made anew. */
#define DRIFT_MAX 120

static const struct import_member user_members[] = {
	{ "UserName", TEXT, true }, { "UserId", TEXT, true },
	{ "Path", TEXT, true }, { "CreateDate", DATE, true },
	{ "Arn", TEXT, true }, { "Tags", OBJECTS, false },
	{ "PermissionsBoundary", TEXT, false }, { "UnixName", TEXT, true },
	{ "Uid", NUMBER, true }, { "Gid", NUMBER, true },
	{ "Gecos", TEXT, false }, { "Home", TEXT, true },
	{ "Shell", TEXT, true }, { "Enabled", FLAG, true },
	{ "Adopted", FLAG, false },
	{ "SubordinateIdStart", NUMBER, false },
	{ "Groups", TEXTS, true }, { "AttachedPolicies", TEXTS, true },
	{ "InlinePolicies", TEXT_MAP, true }, { "LoginProfile", OBJECT, false },
	{ "SSHPublicKeys", OBJECTS, false }, { NULL, TEXT, false },
};
static const struct import_member role_members[] = {
	{ "RoleName", TEXT, true }, { "RoleId", TEXT, true },
	{ "Path", TEXT, true }, { "CreateDate", DATE, true },
	{ "Arn", TEXT, true }, { "Description", TEXT, false },
	{ "AssumeRolePolicyDocument", TEXT, true },
	{ "MaxSessionDuration", NUMBER, true }, { "Tags", OBJECTS, false },
	{ "PermissionsBoundary", TEXT, false }, { "UnixName", TEXT, true },
	{ "Uid", NUMBER, true }, { "Gid", NUMBER, true },
	{ "Gecos", TEXT, false }, { "Home", TEXT, true },
	{ "Shell", TEXT, true }, { "Enabled", FLAG, true },
	{ "SubordinateIdStart", NUMBER, false },
	{ "AttachedPolicies", TEXTS, true }, { "InlinePolicies", TEXT_MAP, true },
	{ NULL, TEXT, false },
};
static const struct import_member profile_members[] = {
	{ "CreateDate", DATE, true }, { "PasswordHash", TEXT, false },
	{ "PasswordResetRequired", FLAG, false },
	{ "PasswordChanged", DATE, false }, { NULL, TEXT, false },
};
static const struct import_member key_members[] = {
	{ "SSHPublicKeyId", TEXT, true }, { "Fingerprint", TEXT, true },
	{ "SSHPublicKeyBody", TEXT, true }, { "Status", TEXT, true },
	{ "UploadDate", DATE, true }, { NULL, TEXT, false },
};
static const struct import_member group_members[] = {
	{ "GroupName", TEXT, true }, { "GroupId", TEXT, true },
	{ "Path", TEXT, true }, { "CreateDate", DATE, true },
	{ "Arn", TEXT, true }, { "UnixName", TEXT, true },
	{ "Gid", NUMBER, true }, { "LocalGroups", TEXTS, false },
	{ "AttachedPolicies", TEXTS, true }, { "InlinePolicies", TEXT_MAP, true },
	{ NULL, TEXT, false },
};
static const struct import_member policy_members[] = {
	{ "PolicyName", TEXT, true }, { "PolicyId", TEXT, true },
	{ "Path", TEXT, true }, { "Arn", TEXT, true },
	{ "Description", TEXT, false }, { "CreateDate", DATE, true },
	{ "UpdateDate", DATE, true }, { "DefaultVersionId", TEXT, true },
	{ "NextVersion", NUMBER, true }, { "Tags", OBJECTS, false },
	{ "Versions", OBJECTS, true }, { NULL, TEXT, false },
};
static const struct import_member version_members[] = {
	{ "VersionId", TEXT, true }, { "Document", TEXT, true },
	{ "CreateDate", DATE, true }, { NULL, TEXT, false },
};
static const struct import_member device_members[] = {
	{ "SerialNumber", TEXT, true }, { "Path", TEXT, true },
	{ "CreateDate", DATE, true }, { "Tags", OBJECTS, false },
	{ "Base32StringSeed", TEXT, false }, { "Algorithm", TEXT, true },
	{ "Digits", NUMBER, true }, { "Period", NUMBER, true },
	{ "UserName", TEXT, false }, { "EnableDate", DATE, false },
	{ "EnableStep", NUMBER, false }, { "DriftSteps", NUMBER, false },
	{ NULL, TEXT, false },
};

/* ---- policies ---- */

/* "v3", below NextVersion: what the next version will not be called. */
static int
check_version_id(struct import *im, const char *what, const json_t *doc,
    const char *id)
{
	json_int_t next = json_integer_value(json_object_get(doc, "NextVersion"));
	uint32_t n = 0;

	if (id[0] != 'v' || !name_parse_u32(id + 1, &n) || n == 0 ||
	    next > INT32_MAX || (json_int_t)n >= next)
		return import_bad(im, what, "'%s' is not the id of a version before "
		    "NextVersion", id);
	return 0;
}

static int
check_versions(struct import *im, const char *what, const json_t *doc)
{
	const json_t *versions = json_object_get(doc, "Versions"), *v;
	bool has_default = false;
	size_t i;

	if (import_check_objects(im, what, versions, version_members) != 0)
		return -1;
	if (json_array_size(versions) > QUOTA_POLICY_VERSIONS)
		return import_bad(im, what, "more than %d versions", QUOTA_POLICY_VERSIONS);
	json_array_foreach(versions, i, v) {
		if (check_version_id(im, what, doc, text_of(v, "VersionId")) != 0 ||
		    policy_check(im->c, what, text_of(v, "Document"), POL_IDENTITY,
		    SIZE_POLICY) != 0)
			return -1;
		if (policy_version(doc, text_of(v, "VersionId")) != v)
			return import_bad(im, what, "version %s is there twice",
			    text_of(v, "VersionId"));
		has_default |= strcmp(text_of(v, "VersionId"),
		    text_of(doc, "DefaultVersionId")) == 0;
	}
	return has_default ? 0 :
	    import_bad(im, what, "the default version is not among the versions");
}

int
import_policy(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "PolicyName");

	if (import_check_members(im, what[0] != '\0' ? what : "Policies", doc,
	    policy_members) != 0 ||
	    import_check_entity(im, what, doc, "policy", "PolicyName", 128) != 0 ||
	    import_check_id(im, what, doc, "PolicyId", "ANPA") != 0 ||
	    check_versions(im, what, doc) != 0 ||
	    import_put_default(im, what, doc, "Tags", json_array()) != 0)
		return -1;
	im->policies++;
	return document_put(im->c, "policies", what, doc);
}

/* ---- groups ---- */

/* Hosts give privileges by these names (S27). */
static int
check_group_name(struct import *im, const char *what, const json_t *doc)
{
	if (name_is_privileged_group(text_of(doc, "UnixName")))
		return import_bad(im, what, "'%s' is the name of a group with privileges",
		    text_of(doc, "UnixName"));
	return import_check_unix(im, what, doc);
}

static int
check_local_groups(struct import *im, const char *what, const json_t *doc)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(doc, "LocalGroups"), i, v)
		if (!name_is_unix(json_string_value(v)) ||
		    strcmp(json_string_value(v), "root") == 0)
			return import_bad(im, what, "'%s' is not the name of a local group that "
			    "members may be put into", json_string_value(v));
	return import_check_list(im, what, doc, "LocalGroups",
	    SETTINGS_LOCAL_GROUPS_MAX);
}

int
import_group(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "GroupName");
	json_t *old = NULL;
	int r;

	if (import_check_members(im, what[0] != '\0' ? what : "Groups", doc,
	    group_members) != 0 ||
	    import_check_entity(im, what, doc, "group", "GroupName", 128) != 0 ||
	    import_check_id(im, what, doc, "GroupId", "AGPA") != 0 ||
	    check_group_name(im, what, doc) != 0 ||
	    import_check_list(im, what, doc, "AttachedPolicies",
	    QUOTA_ATTACHED) != 0 ||
	    check_local_groups(im, what, doc) != 0 ||
	    import_check_inline(im, what, doc, SIZE_GROUP_INLINE) != 0 ||
	    import_put_default(im, what, doc, "LocalGroups", json_array()) != 0 ||
	    document_find(im->c, "groups", what, &old) != 0)
		return -1;
	r = import_claim_id(im, "groups", what, doc, old, "Gid");
	json_decref(old);
	im->groups++;
	return r != 0 ? -1 : document_put(im->c, "groups", what, doc);
}

/* ---- users ---- */

static bool
is_passwd_field(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == ':' || (unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

int
import_keep(struct import *im, const char *what, json_t *doc, const json_t *old,
    const char *member)
{
	json_t *v = json_object_get(old, member);

	if (v == NULL || doc == NULL)
		return 0;
	return json_object_set(doc, member, v) == 0 ? 0 :
	    op_fail_err(im->c, IAM_ERR_MEMORY, what);
}

/* What is good with this host's key alone is never in a document: it stays. */
static int
keep_sealed(struct import *im, const char *what, json_t *doc,
    const json_t *old)
{
	if (import_keep(im, what, doc, old, "RecoveryCodes") != 0)
		return -1;
	return import_keep(im, what, json_object_get(doc, "LoginProfile"),
	    json_object_get(old, "LoginProfile"), "FormerPasswords");
}

/* Without a hash in the document the one that is here stays; without either
 * there is no password. */
static int
import_profile(struct import *im, const char *what, json_t *doc,
    const json_t *old)
{
	json_t *profile = json_object_get(doc, "LoginProfile");
	json_t *hash = json_object_get(json_object_get(old, "LoginProfile"),
	    "PasswordHash");
	const char *text;

	if (profile == NULL)
		return 0;
	if (import_check_members(im, what, profile, profile_members) != 0)
		return -1;
	text = json_string_value(json_object_get(profile, "PasswordHash"));
	if (text != NULL)
		return strlen(text) < PASSWORD_HASH_MAX && is_passwd_field(text) &&
		    password_hash_known(text) ? 0 :
		    import_bad(im, what, "the password hash is not one of crypt(5)");
	if (hash != NULL)
		return json_object_set(profile, "PasswordHash", hash) == 0 ? 0 :
		    op_fail_err(im->c, IAM_ERR_MEMORY, what);
	(void)json_object_del(doc, "LoginProfile");
	(void)json_array_append_new(im->c->warnings, json_sprintf(
	    "%s: no password hash in the document: the login profile was left out",
	    what));
	return 0;
}

static int
check_key(struct import *im, const char *what, const json_t *doc,
    const json_t *key)
{
	const json_t *keys = json_object_get(doc, "SSHPublicKeys"), *v;
	struct ssh_key parsed;
	struct iam_why why = { 0, 0, "" };
	size_t i;

	if (ssh_key_parse(text_of(key, "SSHPublicKeyBody"), &parsed, &why) != 0)
		return import_bad(im, what, "SSH key: %s", why.text);
	if (strcmp(text_of(key, "Fingerprint"), parsed.fingerprint_md5) != 0)
		return import_bad(im, what, "SSH key: its fingerprint is %s",
		    parsed.fingerprint_md5);
	if (strcmp(text_of(key, "Status"), "Active") != 0 &&
	    strcmp(text_of(key, "Status"), "Inactive") != 0)
		return import_bad(im, what, "SSH key: the status is Active or Inactive");
	json_array_foreach(keys, i, v)
		if (v != key && (strcmp(text_of(v, "Fingerprint"),
		    text_of(key, "Fingerprint")) == 0 ||
		    strcmp(text_of(v, "SSHPublicKeyId"),
		    text_of(key, "SSHPublicKeyId")) == 0))
			return import_bad(im, what, "SSH key %s is there twice",
			    text_of(key, "SSHPublicKeyId"));
	return import_check_id(im, what, key, "SSHPublicKeyId", "APKA");
}

static int
check_keys(struct import *im, const char *what, const json_t *doc)
{
	const json_t *keys = json_object_get(doc, "SSHPublicKeys"), *v;
	size_t i;

	if (import_check_objects(im, what, keys, key_members) != 0)
		return -1;
	if (json_array_size(keys) > QUOTA_SSH_KEYS)
		return import_bad(im, what, "more than %d SSH keys", QUOTA_SSH_KEYS);
	json_array_foreach(keys, i, v)
		if (check_key(im, what, doc, v) != 0)
			return -1;
	return 0;
}

/* The Unix side of a user fits passwd(5). */
static int
check_passwd(struct import *im, const char *what, const json_t *doc)
{
	const char *home = text_of(doc, "Home"), *shell = text_of(doc, "Shell");

	if (!is_passwd_field(text_of(doc, "Gecos")) || !is_passwd_field(home) ||
	    home[0] != '/' || !is_passwd_field(shell) || (shell[0] != '/' &&
	    (shell[0] != '\0' || !json_is_true(json_object_get(doc, "Adopted")))))
		return import_bad(im, what, "Gecos, Home or Shell does not fit passwd(5)");
	if (!json_is_true(json_object_get(doc, "Adopted")) &&
	    !json_equal(json_object_get(doc, "Uid"), json_object_get(doc, "Gid")))
		return import_bad(im, what, "Uid and Gid differ");
	return import_check_unix(im, what, doc);
}

static int
user_defaults(struct import *im, const char *what, json_t *doc)
{
	return import_put_default(im, what, doc, "Tags", json_array()) != 0 ||
	    import_put_default(im, what, doc, "SSHPublicKeys", json_array()) != 0 ||
	    import_put_default(im, what, doc, "Gecos", json_string("")) != 0 ? -1 : 0;
}

int
import_user(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "UserName");
	json_t *old = NULL;
	int r;

	if (import_check_members(im, what[0] != '\0' ? what : "Users", doc,
	    user_members) != 0 ||
	    import_check_entity(im, what, doc, "user", "UserName", 64) != 0 ||
	    import_check_id(im, what, doc, "UserId", "AIDA") != 0 ||
	    check_keys(im, what, doc) != 0 ||
	    import_check_list(im, what, doc, "Groups", QUOTA_GROUPS_PER_USER) != 0 ||
	    import_check_list(im, what, doc, "AttachedPolicies",
	    QUOTA_ATTACHED) != 0 ||
	    import_check_inline(im, what, doc, SIZE_USER_INLINE) != 0 ||
	    check_passwd(im, what, doc) != 0 ||
	    user_defaults(im, what, doc) != 0 ||
	    document_find(im->c, "users", what, &old) != 0)
		return -1;
	r = import_claim_id(im, "users", what, doc, old, "Uid");
	if (r == 0)
		r = import_claim_subordinate_ids(im, what, doc, old);
	if (r == 0)
		r = import_profile(im, what, doc, old);
	if (r == 0)
		r = keep_sealed(im, what, doc, old);
	json_decref(old);
	im->users++;
	return r != 0 ? -1 : document_put(im->c, "users", what, doc);
}

/* ---- roles ---- */

static int
check_session(struct import *im, const char *what, const json_t *doc)
{
	json_int_t s = json_integer_value(json_object_get(doc, "MaxSessionDuration"));

	return s >= 3600 && s <= 43200 ? 0 : import_bad(im, what,
	    "MaxSessionDuration is not from 3600 to 43200");
}

int
import_role(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "RoleName");
	json_t *old = NULL;
	int r;

	if (import_check_members(im, what[0] != '\0' ? what : "Roles", doc,
	    role_members) != 0 ||
	    import_check_entity(im, what, doc, "role", "RoleName", 64) != 0 ||
	    import_check_id(im, what, doc, "RoleId", "AROA") != 0 ||
	    check_session(im, what, doc) != 0 ||
	    import_check_list(im, what, doc, "AttachedPolicies",
	    QUOTA_ATTACHED) != 0 ||
	    import_check_inline(im, what, doc, SIZE_ROLE_INLINE) != 0 ||
	    check_passwd(im, what, doc) != 0 ||
	    import_put_default(im, what, doc, "Tags", json_array()) != 0 ||
	    import_put_default(im, what, doc, "Gecos", json_string("")) != 0 ||
	    document_find(im->c, "roles", what, &old) != 0)
		return -1;
	r = import_claim_id(im, "roles", what, doc, old, "Uid");
	if (r == 0)
		r = import_claim_subordinate_ids(im, what, doc, old);
	json_decref(old);
	im->roles++;
	return r != 0 ? -1 : document_put(im->c, "roles", what, doc);
}

/* ---- devices ---- */

static int
seal_seed(struct import *im, const char *serial, json_t *doc)
{
	struct secret seed = SECRET_INIT;
	int r;

	r = base32_decode(text_of(doc, "Base32StringSeed"), &seed);
	if (r != 0 || seed.len < TOTP_SEED_MIN || seed.len > TOTP_SEED_MAX)
		r = import_bad(im, serial, "the seed is not Base32 of %d to %d bytes",
		    TOTP_SEED_MIN, TOTP_SEED_MAX);
	else
		r = mfa_seal_seed(im->c, doc, &seed);
	(void)json_object_del(doc, "Base32StringSeed");
	secret_release(&seed);
	return r;
}

static int
check_device(struct import *im, const char *serial, const json_t *doc)
{
	json_int_t digits = json_integer_value(json_object_get(doc, "Digits"));
	json_int_t period = json_integer_value(json_object_get(doc, "Period"));
	json_int_t step = json_integer_value(json_object_get(doc, "EnableStep"));
	json_int_t drift = json_integer_value(json_object_get(doc, "DriftSteps"));
	const char *alg = text_of(doc, "Algorithm");

	if ((digits != 6 && digits != 8) || (period != 30 && period != 60) ||
	    (strcmp(alg, "SHA1") != 0 && strcmp(alg, "SHA256") != 0 &&
	    strcmp(alg, "SHA512") != 0))
		return import_bad(im, serial, "unknown algorithm, digits or period");
	if (step < 0 || drift < -DRIFT_MAX || drift > DRIFT_MAX)
		return import_bad(im, serial, "EnableStep or DriftSteps is out of range");
	if ((json_object_get(doc, "UserName") == NULL) !=
	    (json_object_get(doc, "EnableDate") == NULL))
		return import_bad(im, serial, "UserName and EnableDate go together");
	return import_check_tags(im, serial, doc);
}

int
import_device(struct import *im, json_t *doc)
{
	const char *serial = text_of(doc, "SerialNumber"), *path, *name;
	char prefix[1024];
	json_t *old = NULL, *seed;
	int r = 0;

	if (import_check_members(im, serial[0] != '\0' ? serial : "MFADevices", doc,
	    device_members) != 0 || check_device(im, serial, doc) != 0)
		return -1;
	path = text_of(doc, "Path");
	snprintf(prefix, sizeof(prefix), "arn:aws:iam::%s:mfa%s", im->account, path);
	name = serial + strlen(prefix);
	if (!name_is_path(path) || strncmp(serial, prefix, strlen(prefix)) != 0 ||
	    !name_is_iam(name, 226))
		return import_bad(im, serial, "the serial number is not %sNAME", prefix);
	if (import_check_new_name(im, serial, "mfa", name) != 0 ||
	    import_put_default(im, serial, doc, "Tags", json_array()) != 0 ||
	    import_put_default(im, serial, doc, "EnableStep", json_integer(0)) != 0 ||
	    import_put_default(im, serial, doc, "DriftSteps", json_integer(0)) != 0 ||
	    document_find(im->c, "mfa", name, &old) != 0)
		return -1;
	seed = json_object_get(old, "SealedSeed");
	im->devices++;
	if (json_object_get(doc, "Base32StringSeed") != NULL) {
		r = seal_seed(im, serial, doc);
	} else if (seed != NULL) {
		if (json_object_set(doc, "SealedSeed", seed) != 0)
			r = op_fail_err(im->c, IAM_ERR_MEMORY, serial);
	} else {
		im->devices--;
		(void)json_array_append_new(im->c->warnings, json_sprintf("%s: no seed "
		    "in the document: the device was left out", serial));
		json_decref(old);
		return 0;
	}
	json_decref(old);
	return r != 0 ? -1 : document_put(im->c, "mfa", name, doc);
}
