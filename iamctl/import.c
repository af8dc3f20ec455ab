/*
 * Read back what export wrote: into an account that has nothing yet, which
 * then takes over the number of the one exported, or into the same account,
 * where documents of the same name are replaced and others stay.
 *
 * All of it runs in the row's transaction, so that one mistake anywhere changes
 * nothing. Checked are the members of every document by the tables below
 * (unknown ones are refused), every policy by the language, ids against what
 * the host has ever given out, and, when all is in, every reference.
 */
#include "common/base/base.h"

#include <sodium.h>
#include <stdarg.h>

#include "common/credential/credential.h"
#include "iamctl/host.h"
#include "iamctl/policies.h"

enum shape { TEXT, NUMBER, FLAG, TEXTS, TEXT_MAP, OBJECT, OBJECTS };

struct member {
	const char *name;
	enum shape shape;
	bool required;
};

static const struct member user_members[] = {
	{ "UserName", TEXT, true }, { "UserId", TEXT, true },
	{ "Path", TEXT, true }, { "CreateDate", TEXT, true },
	{ "Arn", TEXT, true }, { "Tags", OBJECTS, false },
	{ "PermissionsBoundary", TEXT, false }, { "UnixName", TEXT, true },
	{ "Uid", NUMBER, true }, { "Gid", NUMBER, true },
	{ "Gecos", TEXT, false }, { "Home", TEXT, true },
	{ "Shell", TEXT, true }, { "Enabled", FLAG, true },
	{ "Groups", TEXTS, true }, { "AttachedPolicies", TEXTS, true },
	{ "InlinePolicies", TEXT_MAP, true }, { "LoginProfile", OBJECT, false },
	{ "SSHPublicKeys", OBJECTS, false }, { NULL, TEXT, false },
};
static const struct member profile_members[] = {
	{ "CreateDate", TEXT, true }, { "PasswordHash", TEXT, false },
	{ "PasswordResetRequired", FLAG, false },
	{ "PasswordChanged", TEXT, false }, { NULL, TEXT, false },
};
static const struct member key_members[] = {
	{ "SSHPublicKeyId", TEXT, true }, { "Fingerprint", TEXT, true },
	{ "SSHPublicKeyBody", TEXT, true }, { "Status", TEXT, true },
	{ "UploadDate", TEXT, true }, { NULL, TEXT, false },
};
static const struct member group_members[] = {
	{ "GroupName", TEXT, true }, { "GroupId", TEXT, true },
	{ "Path", TEXT, true }, { "CreateDate", TEXT, true },
	{ "Arn", TEXT, true }, { "UnixName", TEXT, true },
	{ "Gid", NUMBER, true }, { "LocalGroups", TEXTS, false },
	{ "AttachedPolicies", TEXTS, true }, { "InlinePolicies", TEXT_MAP, true },
	{ NULL, TEXT, false },
};
static const struct member policy_members[] = {
	{ "PolicyName", TEXT, true }, { "PolicyId", TEXT, true },
	{ "Path", TEXT, true }, { "Arn", TEXT, true },
	{ "Description", TEXT, false }, { "CreateDate", TEXT, true },
	{ "UpdateDate", TEXT, true }, { "DefaultVersionId", TEXT, true },
	{ "NextVersion", NUMBER, true }, { "Tags", OBJECTS, false },
	{ "Versions", OBJECTS, true }, { NULL, TEXT, false },
};
static const struct member version_members[] = {
	{ "VersionId", TEXT, true }, { "Document", TEXT, true },
	{ "CreateDate", TEXT, true }, { NULL, TEXT, false },
};
static const struct member device_members[] = {
	{ "SerialNumber", TEXT, true }, { "Path", TEXT, true },
	{ "CreateDate", TEXT, true }, { "Tags", OBJECTS, false },
	{ "Base32StringSeed", TEXT, false }, { "Algorithm", TEXT, true },
	{ "Digits", NUMBER, true }, { "Period", NUMBER, true },
	{ "UserName", TEXT, false }, { "EnableDate", TEXT, false },
	{ "EnableStep", NUMBER, false }, { "DriftSteps", NUMBER, false },
	{ NULL, TEXT, false },
};
static const struct member account_members[] = {
	{ "AccountId", TEXT, true }, { "AccountAlias", TEXT, false },
	{ "CreateDate", TEXT, true }, { NULL, TEXT, false },
};

struct import {
	struct op_call *c;
	const char *account;
	struct seal_key key;
	json_t *unix_names, *ids; /* who has them, over the whole account */
	unsigned policies, groups, users, devices;
};

static int
bad(struct import *im, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
bad(struct import *im, const char *what, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return op_fail(im->c, "InvalidInput", "%s: %s. Nothing was imported.", what,
	    text);
}

/* ---- shapes ---- */

static bool
all_are(const json_t *list, bool objects)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (objects ? !json_is_object(v) : !json_is_string(v))
			return false;
	return json_is_array(list);
}

static bool
all_texts(const json_t *map)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)map, name, v)
		if (!json_is_string(v))
			return false;
	return json_is_object(map);
}

static bool
has_shape(const json_t *v, enum shape shape)
{
	switch (shape) {
	case TEXT:
		return json_is_string(v);
	case NUMBER:
		return json_is_integer(v);
	case FLAG:
		return json_is_boolean(v);
	case TEXTS:
		return all_are(v, false);
	case TEXT_MAP:
		return all_texts(v);
	case OBJECT:
		return json_is_object(v);
	case OBJECTS:
		return all_are(v, true);
	}
	return false;
}

static int
check_members(struct import *im, const char *what, const json_t *doc,
    const struct member *members)
{
	const struct member *m;
	const char *name;
	json_t *v;

	if (!json_is_object(doc))
		return bad(im, what, "expected an object");
	json_object_foreach((json_t *)doc, name, v) {
		for (m = members; m->name != NULL && strcmp(m->name, name) != 0; m++)
			;
		if (m->name == NULL)
			return bad(im, what, "unknown member '%s'", name);
		if (!has_shape(v, m->shape))
			return bad(im, what, "'%s' has the wrong type", name);
	}
	for (m = members; m->name != NULL; m++)
		if (m->required && json_object_get(doc, m->name) == NULL)
			return bad(im, what, "'%s' is missing", m->name);
	return 0;
}

static int
check_objects(struct import *im, const char *what, const json_t *list,
    const struct member *members)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (check_members(im, what, v, members) != 0)
			return -1;
	return 0;
}

/* ---- what users, groups and policies share ---- */

/* Name, path, ARN and id prefix fit together. */
static int
check_entity(struct import *im, const char *what, const json_t *doc,
    const char *kind, const char *name_member, unsigned name_max)
{
	const char *name = text_of(doc, name_member), *path = text_of(doc, "Path");
	char arn[1024];

	if (!name_is_iam(name, name_max))
		return bad(im, what, "'%s' is not a name", name);
	if (!name_is_path(path))
		return bad(im, what, "'%s' is not a path", path);
	snprintf(arn, sizeof(arn), "arn:aws:iam::%s:%s%s%s", im->account, kind,
	    path, name);
	if (strcmp(arn, text_of(doc, "Arn")) != 0)
		return bad(im, what, "the ARN is not %s", arn);
	if (json_object_get(doc, "Tags") != NULL)
		return tags_check(im->c, json_object_get(doc, "Tags"));
	return 0;
}

static int
check_unix(struct import *im, const char *what, const json_t *doc)
{
	const char *name = text_of(doc, "UnixName");

	/* Clashes with local names are found, and kept out, when publishing. */
	if (!name_is_unix(name) || strcmp(name, "root") == 0)
		return bad(im, what, "'%s' is not a Unix name of an IAM user or group",
		    name);
	return 0;
}

static int
check_inline(struct import *im, const char *what, const json_t *doc,
    size_t max_chars)
{
	const char *name;
	json_t *v;

	json_object_foreach(json_object_get(doc, "InlinePolicies"), name, v) {
		if (!name_is_iam(name, 128))
			return bad(im, what, "'%s' is not a policy name", name);
		if (policy_check(im->c, name, json_string_value(v), POL_IDENTITY,
		    max_chars) != 0)
			return -1;
	}
	return 0;
}

/* A new id is taken for ever; one that a document has stays with it. */
static int
claim_id(struct import *im, const char *what, const json_t *doc,
    const json_t *old, const char *member)
{
	json_int_t id = json_integer_value(json_object_get(doc, member));
	uint32_t got;

	if (id <= 0 || id > UINT32_MAX)
		return bad(im, what, "%s %lld is no id", member, (long long)id);
	if (old == NULL)
		return unix_id_new(im->c, (uint32_t)id, &got);
	if (json_integer_value(json_object_get(old, member)) != id)
		return bad(im, what, "%s %lld differs from the one it has here", member,
		    (long long)id);
	return 0;
}

static int
put(struct import *im, const char *kind, const char *name, const json_t *doc)
{
	return document_put(im->c, kind, name, doc);
}

/* ---- policies ---- */

static int
import_policy(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "PolicyName");
	json_t *v;
	size_t i;
	bool has_default = false;

	if (check_members(im, what[0] != '\0' ? what : "Policies", doc,
	    policy_members) != 0 ||
	    check_entity(im, what, doc, "policy", "PolicyName", 128) != 0 ||
	    check_objects(im, what, json_object_get(doc, "Versions"),
	    version_members) != 0)
		return -1;
	json_array_foreach(json_object_get(doc, "Versions"), i, v) {
		if (policy_check(im->c, what, text_of(v, "Document"), POL_IDENTITY,
		    SIZE_POLICY) != 0)
			return -1;
		has_default |= strcmp(text_of(v, "VersionId"),
		    text_of(doc, "DefaultVersionId")) == 0;
	}
	if (!has_default)
		return bad(im, what, "the default version is not among the versions");
	im->policies++;
	return put(im, "policies", what, doc);
}

/* ---- groups ---- */

static int
import_group(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "GroupName");
	json_t *old = NULL;
	int r;

	if (check_members(im, what[0] != '\0' ? what : "Groups", doc,
	    group_members) != 0 ||
	    check_entity(im, what, doc, "group", "GroupName", 128) != 0 ||
	    check_unix(im, what, doc) != 0 ||
	    check_inline(im, what, doc, SIZE_GROUP_INLINE) != 0 ||
	    document_find(im->c, "groups", what, &old) != 0)
		return -1;
	r = claim_id(im, what, doc, old, "Gid");
	json_decref(old);
	im->groups++;
	return r != 0 ? -1 : put(im, "groups", what, doc);
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
	if (check_members(im, what, profile, profile_members) != 0)
		return -1;
	text = json_string_value(json_object_get(profile, "PasswordHash"));
	if (text != NULL)
		return text[0] == '$' && strlen(text) < PASSWORD_HASH_MAX &&
		    is_passwd_field(text) ? 0 :
		    bad(im, what, "the password hash is not one of crypt(5)");
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
check_keys(struct import *im, const char *what, const json_t *doc)
{
	struct ssh_key key;
	struct iam_why why = { 0, 0, "" };
	json_t *v;
	size_t i;

	if (check_objects(im, what, json_object_get(doc, "SSHPublicKeys"),
	    key_members) != 0)
		return -1;
	json_array_foreach(json_object_get(doc, "SSHPublicKeys"), i, v) {
		if (ssh_key_parse(text_of(v, "SSHPublicKeyBody"), &key, &why) != 0)
			return bad(im, what, "SSH key: %s", why.text);
		if (strcmp(text_of(v, "Status"), "Active") != 0 &&
		    strcmp(text_of(v, "Status"), "Inactive") != 0)
			return bad(im, what, "SSH key: the status is Active or Inactive");
	}
	return 0;
}

static int
import_user(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "UserName");
	json_t *old = NULL;
	int r;

	if (check_members(im, what[0] != '\0' ? what : "Users", doc,
	    user_members) != 0 ||
	    check_entity(im, what, doc, "user", "UserName", 64) != 0 ||
	    check_unix(im, what, doc) != 0 || check_keys(im, what, doc) != 0 ||
	    check_inline(im, what, doc, SIZE_USER_INLINE) != 0)
		return -1;
	if (!is_passwd_field(text_of(doc, "Gecos")) ||
	    !is_passwd_field(text_of(doc, "Home")) || text_of(doc, "Home")[0] != '/' ||
	    !is_passwd_field(text_of(doc, "Shell")) || text_of(doc, "Shell")[0] != '/')
		return bad(im, what, "Gecos, Home or Shell does not fit passwd(5)");
	if (!json_equal(json_object_get(doc, "Uid"), json_object_get(doc, "Gid")))
		return bad(im, what, "Uid and Gid differ");
	if (document_find(im->c, "users", what, &old) != 0)
		return -1;
	r = claim_id(im, what, doc, old, "Uid");
	if (r == 0)
		r = import_profile(im, what, doc, old);
	json_decref(old);
	im->users++;
	return r != 0 ? -1 : put(im, "users", what, doc);
}

/* ---- devices ---- */

static int
seal_seed(struct import *im, const char *serial, json_t *doc)
{
	struct secret seed = SECRET_INIT;
	struct buf sealed = BUF_INIT;
	char text[512];
	int r;

	r = base32_decode(text_of(doc, "Base32StringSeed"), &seed);
	if (r != 0 || seed.len < TOTP_SEED_MIN || seed.len > TOTP_SEED_MAX) {
		r = bad(im, serial, "the seed is not Base32 of %d to %d bytes",
		    TOTP_SEED_MIN, TOTP_SEED_MAX);
		goto out;
	}
	if ((r = seal(&im->key, serial, &seed, &sealed)) != 0 ||
	    sodium_base64_ENCODED_LEN(sealed.len,
	    sodium_base64_VARIANT_ORIGINAL) > sizeof(text)) {
		r = op_fail_err(im->c, r != 0 ? r : IAM_ERR_BUG, serial);
		goto out;
	}
	sodium_bin2base64(text, sizeof(text), sealed.p, sealed.len,
	    sodium_base64_VARIANT_ORIGINAL);
	(void)json_object_del(doc, "Base32StringSeed");
	if (json_object_set_new(doc, "SealedSeed", json_string(text)) != 0)
		r = op_fail_err(im->c, IAM_ERR_MEMORY, serial);
out:
	secret_release(&seed);
	buf_release(&sealed);
	return r;
}

static int
check_device(struct import *im, const char *serial, const json_t *doc)
{
	json_int_t digits = json_integer_value(json_object_get(doc, "Digits"));
	json_int_t period = json_integer_value(json_object_get(doc, "Period"));
	const char *alg = text_of(doc, "Algorithm");

	if ((digits != 6 && digits != 8) || (period != 30 && period != 60) ||
	    (strcmp(alg, "SHA1") != 0 && strcmp(alg, "SHA256") != 0 &&
	    strcmp(alg, "SHA512") != 0))
		return bad(im, serial, "unknown algorithm, digits or period");
	if (json_object_get(doc, "Tags") != NULL)
		return tags_check(im->c, json_object_get(doc, "Tags"));
	return 0;
}

static int
import_device(struct import *im, json_t *doc)
{
	const char *serial = text_of(doc, "SerialNumber"), *path, *name;
	char prefix[1024];
	json_t *old = NULL, *seed;
	int r = 0;

	if (check_members(im, serial[0] != '\0' ? serial : "MFADevices", doc,
	    device_members) != 0 || check_device(im, serial, doc) != 0)
		return -1;
	path = text_of(doc, "Path");
	snprintf(prefix, sizeof(prefix), "arn:aws:iam::%s:mfa%s", im->account, path);
	name = serial + strlen(prefix);
	if (!name_is_path(path) || strncmp(serial, prefix, strlen(prefix)) != 0 ||
	    !name_is_iam(name, 226))
		return bad(im, serial, "the serial number is not %sNAME", prefix);
	if (document_find(im->c, "mfa", name, &old) != 0)
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
	return r != 0 ? -1 : put(im, "mfa", name, doc);
}

/* ---- references, over the whole account ---- */

static int
once(struct import *im, json_t *set, const char *key, const char *what)
{
	const char *other = json_string_value(json_object_get(set, key));

	if (other != NULL)
		return bad(im, what, "'%s' belongs to %s as well", key, other);
	if (json_object_set_new(set, key, json_string(what)) != 0)
		return op_fail_err(im->c, IAM_ERR_MEMORY, what);
	return 0;
}

static int
check_attached(struct import *im, const json_t *doc)
{
	const char *boundary = json_string_value(json_object_get(doc,
	    "PermissionsBoundary"));
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(doc, "AttachedPolicies"), i, v)
		if (policy_attachable(im->c, json_string_value(v)) != 0)
			return -1;
	return boundary != NULL ? policy_attachable(im->c, boundary) : 0;
}

static int
check_account_ids(struct import *im, const char *what, const json_t *doc,
    const char *id_member)
{
	char id[32];

	snprintf(id, sizeof(id), "%lld",
	    (long long)json_integer_value(json_object_get(doc, id_member)));
	if (once(im, im->unix_names, text_of(doc, "UnixName"), what) != 0 ||
	    once(im, im->ids, id, what) != 0)
		return -1;
	return check_attached(im, doc);
}

static int
check_user_refs(void *arg, const char *key, json_t *doc)
{
	struct import *im = arg;
	json_t *v, *group;
	size_t i;

	json_array_foreach(json_object_get(doc, "Groups"), i, v) {
		if (group_get(im->c, json_string_value(v), &group) != 0)
			return VISIT_FAILED;
		json_decref(group);
	}
	return check_account_ids(im, key, doc, "Uid") == 0 ? VISIT_NEXT :
	    VISIT_FAILED;
}

static int
check_group_refs(void *arg, const char *key, json_t *doc)
{
	return check_account_ids(arg, key, doc, "Gid") == 0 ? VISIT_NEXT :
	    VISIT_FAILED;
}

static int
check_device_refs(void *arg, const char *key, json_t *doc)
{
	struct import *im = arg;
	const char *name = json_string_value(json_object_get(doc, "UserName"));
	json_t *user;

	(void)key;
	if (name == NULL)
		return VISIT_NEXT;
	if (user_get(im->c, name, &user) != 0)
		return VISIT_FAILED;
	json_decref(user);
	return VISIT_NEXT;
}

static int
check_references(struct import *im)
{
	return document_each(im->c, "groups", check_group_refs, im) != 0 ||
	    document_each(im->c, "users", check_user_refs, im) != 0 ||
	    document_each(im->c, "mfa", check_device_refs, im) != 0 ? -1 : 0;
}

/* ---- all of it ---- */

static int
is_empty(struct op_call *c, bool *ret)
{
	static const char *const kinds[] = { "users/", "groups/", "policies/", "mfa/" };
	uint64_t n, sum = 0;
	size_t i;
	int r;

	for (i = 0; i < IAM_COUNT(kinds); i++) {
		if ((r = store_count(c->store, kinds[i], &n)) != 0)
			return op_fail_err(c, r, kinds[i]);
		sum += n;
	}
	*ret = sum == 0;
	return 0;
}

static int
import_account(struct import *im, const json_t *all)
{
	json_t *doc = json_object_get(all, "Account");
	bool empty = false;
	int r;

	if (check_members(im, "Account", doc, account_members) != 0)
		return -1;
	im->account = text_of(doc, "AccountId");
	if (strlen(im->account) != 12 || strspn(im->account, "0123456789") != 12)
		return bad(im, "Account", "'%s' is not an account number", im->account);
	if (strcmp(im->account, im->c->account_id) != 0) {
		if (is_empty(im->c, &empty) != 0)
			return -1;
		if (!empty)
			return bad(im, "Account", "the document is of account %s and this "
			    "one, %s, is not empty", im->account, im->c->account_id);
	}
	if ((r = store_put(im->c->store, "account", doc)) != 0)
		return op_fail_err(im->c, r, "account");
	return 0;
}

static const struct {
	const char *name;
	int (*one)(struct import *im, json_t *doc);
} lists[] = {
	{ "Policies", import_policy }, { "Groups", import_group },
	{ "Users", import_user }, { "MFADevices", import_device },
};

static int
import_all(struct import *im, const json_t *all)
{
	static const struct member members[] = { { "FormatVersion", NUMBER, true },
		{ "Account", OBJECT, true }, { "Policies", OBJECTS, true },
		{ "Groups", OBJECTS, true }, { "Users", OBJECTS, true },
		{ "MFADevices", OBJECTS, true }, { NULL, TEXT, false } };
	json_t *doc;
	size_t i, j;

	if (check_members(im, "Document", all, members) != 0)
		return -1;
	if (json_integer_value(json_object_get(all, "FormatVersion")) != 1)
		return bad(im, "Document", "this program reads FormatVersion 1 only");
	if (import_account(im, all) != 0)
		return -1;
	for (i = 0; i < IAM_COUNT(lists); i++)
		json_array_foreach(json_object_get(all, lists[i].name), j, doc)
			if (lists[i].one(im, doc) != 0)
				return -1;
	return check_references(im);
}

static int
answer(struct import *im)
{
	json_t *done = json_pack("{s:i,s:i,s:i,s:i}", "Policies", (int)im->policies,
	    "Groups", (int)im->groups, "Users", (int)im->users, "MFADevices",
	    (int)im->devices);

	return out_set(im->c, im->c->dry_run ? "WouldImport" : "Imported", done);
}

int
host_run_import(struct op_call *c)
{
	struct import im = { .c = c };
	json_error_t e;
	json_t *all;
	int r;

	c->dry_run = op_bool(c, "DryRun", false);
	all = json_loads(op_str(c, "Document"), JSON_REJECT_DUPLICATES, &e);
	if (all == NULL)
		return op_fail(c, "InvalidInput", "Document: not valid JSON: line %d, "
		    "column %d: %s. Give the file as file://FILE.", e.line, e.column,
		    e.text);
	im.unix_names = json_object();
	im.ids = json_object();
	if ((r = seal_key_load(IAM_PATH_SEAL_KEY, &im.key)) != 0)
		r = op_fail_err(c, r, IAM_PATH_SEAL_KEY);
	else if ((r = import_all(&im, all)) == 0)
		r = answer(&im);
	explicit_bzero(&im.key, sizeof(im.key));
	json_decref(im.unix_names);
	json_decref(im.ids);
	json_decref(all);
	return r;
}
