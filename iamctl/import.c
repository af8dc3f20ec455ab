/*
 * Read back what export wrote: into an account that has nothing yet, which
 * then takes over the number of the one exported, or into the same account,
 * where documents of the same name are replaced and others stay.
 *
 * All of it runs in the row's transaction, so that one mistake anywhere changes
 * nothing. Checked are the members of every document by the tables below
 * (unknown ones are refused), quotas, every policy by the language, ids against
 * what the host has ever given out (who was deleted here comes back with her
 * own), and, when all is in, every reference.
 */
#include "common/base/base.h"

#include <ctype.h>
#include <sodium.h>
#include <stdarg.h>

#include "common/credential/credential.h"
#include "iamctl/call.h"
#include "iamctl/host.h"
#include "iamctl/password.h"
#include "iamctl/policies.h"

/* Further off, a device is not resynchronised but made anew. */
#define DRIFT_MAX 120

enum shape { TEXT, DATE, NUMBER, FLAG, TEXTS, TEXT_MAP, OBJECT, OBJECTS };

struct member {
	const char *name;
	enum shape shape;
	bool required;
};

static const struct member user_members[] = {
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
static const struct member profile_members[] = {
	{ "CreateDate", DATE, true }, { "PasswordHash", TEXT, false },
	{ "PasswordResetRequired", FLAG, false },
	{ "PasswordChanged", DATE, false }, { NULL, TEXT, false },
};
static const struct member key_members[] = {
	{ "SSHPublicKeyId", TEXT, true }, { "Fingerprint", TEXT, true },
	{ "SSHPublicKeyBody", TEXT, true }, { "Status", TEXT, true },
	{ "UploadDate", DATE, true }, { NULL, TEXT, false },
};
static const struct member group_members[] = {
	{ "GroupName", TEXT, true }, { "GroupId", TEXT, true },
	{ "Path", TEXT, true }, { "CreateDate", DATE, true },
	{ "Arn", TEXT, true }, { "UnixName", TEXT, true },
	{ "Gid", NUMBER, true }, { "LocalGroups", TEXTS, false },
	{ "AttachedPolicies", TEXTS, true }, { "InlinePolicies", TEXT_MAP, true },
	{ NULL, TEXT, false },
};
static const struct member policy_members[] = {
	{ "PolicyName", TEXT, true }, { "PolicyId", TEXT, true },
	{ "Path", TEXT, true }, { "Arn", TEXT, true },
	{ "Description", TEXT, false }, { "CreateDate", DATE, true },
	{ "UpdateDate", DATE, true }, { "DefaultVersionId", TEXT, true },
	{ "NextVersion", NUMBER, true }, { "Tags", OBJECTS, false },
	{ "Versions", OBJECTS, true }, { NULL, TEXT, false },
};
static const struct member version_members[] = {
	{ "VersionId", TEXT, true }, { "Document", TEXT, true },
	{ "CreateDate", DATE, true }, { NULL, TEXT, false },
};
static const struct member device_members[] = {
	{ "SerialNumber", TEXT, true }, { "Path", TEXT, true },
	{ "CreateDate", DATE, true }, { "Tags", OBJECTS, false },
	{ "Base32StringSeed", TEXT, false }, { "Algorithm", TEXT, true },
	{ "Digits", NUMBER, true }, { "Period", NUMBER, true },
	{ "UserName", TEXT, false }, { "EnableDate", DATE, false },
	{ "EnableStep", NUMBER, false }, { "DriftSteps", NUMBER, false },
	{ NULL, TEXT, false },
};
static const struct member tag_members[] = {
	{ "Key", TEXT, true }, { "Value", TEXT, true }, { NULL, TEXT, false },
};
static const struct member account_members[] = {
	{ "AccountId", TEXT, true }, { "AccountAlias", TEXT, false },
	{ "CreateDate", DATE, true }, { PASSWORD_POLICY, OBJECT, false },
	{ "AdoptedUsers", TEXTS, false },
	{ NULL, TEXT, false },
};

struct import {
	struct op_call *c;
	const char *account;
	struct seal_key key;
	json_t *names;            /* documents of this import: "users/sarah" */
	json_t *unix_names, *ids; /* who has them, over the whole account */
	json_t *devices_of;       /* how many a user has */
	json_t *adopted;          /* Unix names of adopted local accounts */
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

/* As we write them: 2026-11-24T09:30:00Z. */
static bool
is_date(const char *s)
{
	int64_t t;

	return s != NULL && strlen(s) == TZ_ISO_LEN - 1 &&
	    s[TZ_ISO_LEN - 2] == 'Z' && time_parse(s, &t);
}

static bool
has_shape(const json_t *v, enum shape shape)
{
	switch (shape) {
	case TEXT:
		return json_is_string(v);
	case DATE:
		return is_date(json_string_value(v));
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

/* Names differ in more than case: the second would take the first one's place. */
static int
check_new_name(struct import *im, const char *what, const char *kind,
    const char *name)
{
	char key[320];
	size_t i;

	snprintf(key, sizeof(key), "%s/%s", kind, name);
	for (i = 0; key[i] != '\0'; i++)
		key[i] = (char)tolower((unsigned char)key[i]);
	if (json_object_get(im->names, key) != NULL)
		return bad(im, what, "the name is there twice");
	if (json_object_set_new(im->names, key, json_true()) != 0)
		return op_fail_err(im->c, IAM_ERR_MEMORY, what);
	return 0;
}

/* "AIDA" and capitals and digits. */
static int
check_id(struct import *im, const char *what, const json_t *doc,
    const char *member, const char *prefix)
{
	const char *id = text_of(doc, member);
	size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	if (strncmp(id, prefix, 4) != 0 || id[n] != '\0' || n < 16 || n > 128)
		return bad(im, what, "%s is not %s and 12 to 124 of A-Z0-9", member,
		    prefix);
	return 0;
}

/* A list without repetitions, as long as the operations would make it. */
static int
check_list(struct import *im, const char *what, const json_t *doc,
    const char *member, size_t max)
{
	const json_t *list = json_object_get(doc, member), *v;
	size_t i;

	if (json_array_size(list) > max)
		return bad(im, what, "%s has more than %zu entries", member, max);
	json_array_foreach(list, i, v)
		if ((size_t)list_index(list, json_string_value(v)) != i)
			return bad(im, what, "%s has '%s' twice", member,
			    json_string_value(v));
	return 0;
}

static int
check_tags(struct import *im, const char *what, const json_t *doc)
{
	const json_t *tags = json_object_get(doc, "Tags");

	if (check_objects(im, what, tags, tag_members) != 0)
		return -1;
	return tags != NULL ? tags_check(im->c, tags) : 0;
}

/* What may be left out is there afterwards, as the operations make it. */
static int
put_default(struct import *im, const char *what, json_t *doc,
    const char *member, json_t *value)
{
	int r;

	if (json_object_get(doc, member) != NULL)
		json_decref(value);
	else if ((r = json_object_set_new(doc, member, value)) != 0)
		return op_fail_err(im->c, IAM_ERR_MEMORY, what);
	return 0;
}

/* Name, path and ARN fit together. */
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
	if (check_new_name(im, what, kind, name) != 0)
		return -1;
	return check_tags(im, what, doc);
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
	json_t *all = json_object_get(doc, "InlinePolicies"), *v;
	const char *name;
	size_t chars = 0;

	if (json_object_size(all) > QUOTA_INLINE)
		return bad(im, what, "more than %d inline policies", QUOTA_INLINE);
	json_object_foreach(all, name, v) {
		if (!name_is_iam(name, 128))
			return bad(im, what, "'%s' is not a policy name", name);
		if (policy_check(im->c, name, json_string_value(v), POL_IDENTITY,
		    max_chars) != 0)
			return -1;
		chars += policy_chars(json_string_value(v));
	}
	if (chars > max_chars)
		return bad(im, what, "the inline policies together have more than %zu "
		    "characters", max_chars);
	return 0;
}

/* ---- ids ---- */

struct former {
	const char *id_member; /* "UserId" */
	const char *member;    /* "Uid" */
	const json_t *doc;
	bool same;
};

/* The last document under the key: was it this very user or group? */
static int
look_at_former(void *arg, const char *key, json_t *entry)
{
	struct former *f = arg;
	json_t *was = json_object_get(entry, "document");

	(void)key;
	if (!json_is_object(was))
		return 0; /* its deletion */
	f->same = strcmp(text_of(was, f->id_member),
	    text_of(f->doc, f->id_member)) == 0 && json_equal(
	    json_object_get(was, f->member), json_object_get(f->doc, f->member));
	return 1;
}

/* Somebody who was deleted here and comes back with her own id. */
static int
is_restored(struct import *im, const char *kind, const char *name,
    const json_t *doc, const char *member, bool *ret)
{
	struct former f = { .doc = doc, .member = member,
		.id_member = strcmp(kind, "users") == 0 ? "UserId" : "GroupId" };
	char key[320];
	int r;

	snprintf(key, sizeof(key), "%s/%s", kind, name);
	r = store_history(im->c->store, key, look_at_former, &f);
	*ret = f.same;
	return r < 0 ? op_fail_err(im->c, r, key) : 0;
}

/* The host's own id: of a person, and outside our range. */
static int
check_adopted(struct import *im, const char *what, json_int_t id)
{
	struct host_limits limits;

	if (host_limits_get(im->c, &limits) != 0)
		return -1;
	if (id < 1000 || (id >= limits.id_min && id <= limits.id_max))
		return bad(im, what, "%lld is not the id of a local account that may be"
		    " adopted", (long long)id);
	return 0;
}

/* A new id is taken for ever; one that a document has, or had, stays with it. */
static int
claim_id(struct import *im, const char *kind, const char *what,
    const json_t *doc, const json_t *old, const char *member)
{
	json_int_t id = json_integer_value(json_object_get(doc, member));
	bool restored;
	uint32_t got;

	if (id <= 0 || id > UINT32_MAX)
		return bad(im, what, "%s %lld is no id", member, (long long)id);
	if (json_is_true(json_object_get(doc, "Adopted")))
		return check_adopted(im, what, id);
	if (old == NULL) {
		if (is_restored(im, kind, what, doc, member, &restored) != 0)
			return -1;
		return restored ? 0 : unix_id_new(im->c, (uint32_t)id, &got);
	}
	if (json_integer_value(json_object_get(old, member)) != id)
		return bad(im, what, "%s %lld differs from the one it has here", member,
		    (long long)id);
	return 0;
}

/* Likewise for subordinate ids, which a user need not have. */
static int
claim_subordinate_ids(struct import *im, const char *what, const json_t *doc,
    const json_t *old)
{
	const json_t *start = json_object_get(doc, "SubordinateIdStart");
	json_int_t first = json_integer_value(start);
	uint32_t got;

	if (start == NULL ||
	    json_equal(start, json_object_get(old, "SubordinateIdStart")))
		return 0;
	if (first <= 0 || first > UINT32_MAX)
		return bad(im, what, "SubordinateIdStart %lld is no id",
		    (long long)first);
	return subordinate_ids_new(im->c, (uint32_t)first, &got);
}

static int
put(struct import *im, const char *kind, const char *name, const json_t *doc)
{
	return document_put(im->c, kind, name, doc);
}

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
		return bad(im, what, "'%s' is not the id of a version before "
		    "NextVersion", id);
	return 0;
}

static int
check_versions(struct import *im, const char *what, const json_t *doc)
{
	const json_t *versions = json_object_get(doc, "Versions"), *v;
	bool has_default = false;
	size_t i;

	if (check_objects(im, what, versions, version_members) != 0)
		return -1;
	if (json_array_size(versions) > QUOTA_POLICY_VERSIONS)
		return bad(im, what, "more than %d versions", QUOTA_POLICY_VERSIONS);
	json_array_foreach(versions, i, v) {
		if (check_version_id(im, what, doc, text_of(v, "VersionId")) != 0 ||
		    policy_check(im->c, what, text_of(v, "Document"), POL_IDENTITY,
		    SIZE_POLICY) != 0)
			return -1;
		if (policy_version(doc, text_of(v, "VersionId")) != v)
			return bad(im, what, "version %s is there twice",
			    text_of(v, "VersionId"));
		has_default |= strcmp(text_of(v, "VersionId"),
		    text_of(doc, "DefaultVersionId")) == 0;
	}
	return has_default ? 0 :
	    bad(im, what, "the default version is not among the versions");
}

static int
import_policy(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "PolicyName");

	if (check_members(im, what[0] != '\0' ? what : "Policies", doc,
	    policy_members) != 0 ||
	    check_entity(im, what, doc, "policy", "PolicyName", 128) != 0 ||
	    check_id(im, what, doc, "PolicyId", "ANPA") != 0 ||
	    check_versions(im, what, doc) != 0 ||
	    put_default(im, what, doc, "Tags", json_array()) != 0)
		return -1;
	im->policies++;
	return put(im, "policies", what, doc);
}

/* ---- groups ---- */

/* Hosts give privileges by these names (S27). */
static int
check_group_name(struct import *im, const char *what, const json_t *doc)
{
	if (name_is_privileged_group(text_of(doc, "UnixName")))
		return bad(im, what, "'%s' is the name of a group with privileges",
		    text_of(doc, "UnixName"));
	return check_unix(im, what, doc);
}

static int
check_local_groups(struct import *im, const char *what, const json_t *doc)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(doc, "LocalGroups"), i, v)
		if (!name_is_unix(json_string_value(v)) ||
		    strcmp(json_string_value(v), "root") == 0)
			return bad(im, what, "'%s' is not the name of a local group that "
			    "members may be put into", json_string_value(v));
	return check_list(im, what, doc, "LocalGroups", SETTINGS_LOCAL_GROUPS_MAX);
}

static int
import_group(struct import *im, json_t *doc)
{
	const char *what = text_of(doc, "GroupName");
	json_t *old = NULL;
	int r;

	if (check_members(im, what[0] != '\0' ? what : "Groups", doc,
	    group_members) != 0 ||
	    check_entity(im, what, doc, "group", "GroupName", 128) != 0 ||
	    check_id(im, what, doc, "GroupId", "AGPA") != 0 ||
	    check_group_name(im, what, doc) != 0 ||
	    check_list(im, what, doc, "AttachedPolicies", QUOTA_ATTACHED) != 0 ||
	    check_local_groups(im, what, doc) != 0 ||
	    check_inline(im, what, doc, SIZE_GROUP_INLINE) != 0 ||
	    put_default(im, what, doc, "LocalGroups", json_array()) != 0 ||
	    document_find(im->c, "groups", what, &old) != 0)
		return -1;
	r = claim_id(im, "groups", what, doc, old, "Gid");
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

static int
keep(struct import *im, const char *what, json_t *doc, const json_t *old,
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
	if (keep(im, what, doc, old, "RecoveryCodes") != 0)
		return -1;
	return keep(im, what, json_object_get(doc, "LoginProfile"),
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
	if (check_members(im, what, profile, profile_members) != 0)
		return -1;
	text = json_string_value(json_object_get(profile, "PasswordHash"));
	if (text != NULL)
		return strlen(text) < PASSWORD_HASH_MAX && is_passwd_field(text) &&
		    password_hash_known(text) ? 0 :
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
check_key(struct import *im, const char *what, const json_t *doc,
    const json_t *key)
{
	const json_t *keys = json_object_get(doc, "SSHPublicKeys"), *v;
	struct ssh_key parsed;
	struct iam_why why = { 0, 0, "" };
	size_t i;

	if (ssh_key_parse(text_of(key, "SSHPublicKeyBody"), &parsed, &why) != 0)
		return bad(im, what, "SSH key: %s", why.text);
	if (strcmp(text_of(key, "Fingerprint"), parsed.fingerprint_md5) != 0)
		return bad(im, what, "SSH key: its fingerprint is %s",
		    parsed.fingerprint_md5);
	if (strcmp(text_of(key, "Status"), "Active") != 0 &&
	    strcmp(text_of(key, "Status"), "Inactive") != 0)
		return bad(im, what, "SSH key: the status is Active or Inactive");
	json_array_foreach(keys, i, v)
		if (v != key && (strcmp(text_of(v, "Fingerprint"),
		    text_of(key, "Fingerprint")) == 0 ||
		    strcmp(text_of(v, "SSHPublicKeyId"),
		    text_of(key, "SSHPublicKeyId")) == 0))
			return bad(im, what, "SSH key %s is there twice",
			    text_of(key, "SSHPublicKeyId"));
	return check_id(im, what, key, "SSHPublicKeyId", "APKA");
}

static int
check_keys(struct import *im, const char *what, const json_t *doc)
{
	const json_t *keys = json_object_get(doc, "SSHPublicKeys"), *v;
	size_t i;

	if (check_objects(im, what, keys, key_members) != 0)
		return -1;
	if (json_array_size(keys) > QUOTA_SSH_KEYS)
		return bad(im, what, "more than %d SSH keys", QUOTA_SSH_KEYS);
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
		return bad(im, what, "Gecos, Home or Shell does not fit passwd(5)");
	if (!json_is_true(json_object_get(doc, "Adopted")) &&
	    !json_equal(json_object_get(doc, "Uid"), json_object_get(doc, "Gid")))
		return bad(im, what, "Uid and Gid differ");
	return check_unix(im, what, doc);
}

static int
user_defaults(struct import *im, const char *what, json_t *doc)
{
	return put_default(im, what, doc, "Tags", json_array()) != 0 ||
	    put_default(im, what, doc, "SSHPublicKeys", json_array()) != 0 ||
	    put_default(im, what, doc, "Gecos", json_string("")) != 0 ? -1 : 0;
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
	    check_id(im, what, doc, "UserId", "AIDA") != 0 ||
	    check_keys(im, what, doc) != 0 ||
	    check_list(im, what, doc, "Groups", QUOTA_GROUPS_PER_USER) != 0 ||
	    check_list(im, what, doc, "AttachedPolicies", QUOTA_ATTACHED) != 0 ||
	    check_inline(im, what, doc, SIZE_USER_INLINE) != 0 ||
	    check_passwd(im, what, doc) != 0 ||
	    user_defaults(im, what, doc) != 0 ||
	    document_find(im->c, "users", what, &old) != 0)
		return -1;
	r = claim_id(im, "users", what, doc, old, "Uid");
	if (r == 0)
		r = claim_subordinate_ids(im, what, doc, old);
	if (r == 0)
		r = import_profile(im, what, doc, old);
	if (r == 0)
		r = keep_sealed(im, what, doc, old);
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
	json_int_t step = json_integer_value(json_object_get(doc, "EnableStep"));
	json_int_t drift = json_integer_value(json_object_get(doc, "DriftSteps"));
	const char *alg = text_of(doc, "Algorithm");

	if ((digits != 6 && digits != 8) || (period != 30 && period != 60) ||
	    (strcmp(alg, "SHA1") != 0 && strcmp(alg, "SHA256") != 0 &&
	    strcmp(alg, "SHA512") != 0))
		return bad(im, serial, "unknown algorithm, digits or period");
	if (step < 0 || drift < -DRIFT_MAX || drift > DRIFT_MAX)
		return bad(im, serial, "EnableStep or DriftSteps is out of range");
	if ((json_object_get(doc, "UserName") == NULL) !=
	    (json_object_get(doc, "EnableDate") == NULL))
		return bad(im, serial, "UserName and EnableDate go together");
	return check_tags(im, serial, doc);
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
	if (check_new_name(im, serial, "mfa", name) != 0 ||
	    put_default(im, serial, doc, "Tags", json_array()) != 0 ||
	    put_default(im, serial, doc, "EnableStep", json_integer(0)) != 0 ||
	    put_default(im, serial, doc, "DriftSteps", json_integer(0)) != 0 ||
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
	return r != 0 ? -1 : put(im, "mfa", name, doc);
}

/* ---- references, over the whole account ---- */

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
	if (json_is_true(json_object_get(doc, "Adopted")) &&
	    list_add(im->c, im->adopted, json_string(text_of(doc, "UnixName"))) != 0)
		return VISIT_FAILED;
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
	json_int_t n;
	json_t *user;

	if (name == NULL)
		return VISIT_NEXT;
	if (user_get(im->c, name, &user) != 0)
		return VISIT_FAILED;
	name = text_of(user, "UserName");
	n = 1 + json_integer_value(json_object_get(im->devices_of, name));
	if (n > QUOTA_DEVICES_PER_USER)
		bad(im, key, "%s has more than %d devices", name,
		    QUOTA_DEVICES_PER_USER);
	else
		(void)member_set(im->c, im->devices_of, name, json_integer(n));
	json_decref(user);
	return im->c->error_code != NULL ? VISIT_FAILED : VISIT_NEXT;
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

/* By the row that would have made it. */
static int
check_password_policy(struct import *im, json_t *policy)
{
	struct op_call check = { .op = op_find("UpdateAccountPasswordPolicy"),
		.in = policy };

	if (policy == NULL || call_check_params(&check) == 0)
		return 0;
	return bad(im, PASSWORD_POLICY, "%s", check.error_text);
}

/* The key of the certificate authority is this host's own. */
static int
keep_authority(struct import *im, json_t *doc)
{
	json_t *old = NULL;
	int r;

	if ((r = store_get(im->c->store, "account", &old)) != 0)
		return op_fail_err(im->c, r, "account");
	r = keep(im, "Account", doc, old, "SSHCertificateAuthority");
	json_decref(old);
	return r;
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
	if (json_object_get(doc, "AccountAlias") != NULL &&
	    !call_is_alias(text_of(doc, "AccountAlias")))
		return bad(im, "Account", "'%s' is not an alias",
		    text_of(doc, "AccountAlias"));
	if (check_password_policy(im, json_object_get(doc, PASSWORD_POLICY)) != 0)
		return -1;
	if (strlen(im->account) != 12 || strspn(im->account, "0123456789") != 12)
		return bad(im, "Account", "'%s' is not an account number", im->account);
	if (strcmp(im->account, im->c->account_id) != 0) {
		if (is_empty(im->c, &empty) != 0)
			return -1;
		if (!empty)
			return bad(im, "Account", "the document is of account %s and this "
			    "one, %s, is not empty", im->account, im->c->account_id);
	}
	if (keep_authority(im, doc) != 0)
		return -1;
	if ((r = store_put(im->c->store, "account", doc)) != 0)
		return op_fail_err(im->c, r, "account");
	return 0;
}

/* The list in the account is what the users say, whatever the document says. */
static int
list_adopted(struct import *im)
{
	json_t *account = NULL;
	int r;

	if ((r = store_get(im->c->store, "account", &account)) != 0)
		return op_fail_err(im->c, r, "account");
	json_object_del(account, "AdoptedUsers");
	if (json_array_size(im->adopted) > 0)
		r = json_object_set(account, "AdoptedUsers", im->adopted);
	if (r != 0)
		r = op_fail_err(im->c, IAM_ERR_MEMORY, "account");
	else if ((r = store_put(im->c->store, "account", account)) != 0)
		r = op_fail_err(im->c, r, "account");
	json_decref(account);
	return r;
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
	return check_references(im) != 0 ? -1 : list_adopted(im);
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
import_export(struct op_call *c)
{
	struct import im = { .c = c };
	json_error_t e;
	json_t *all;
	int r;

	if (!op_has(c, "Document"))
		return op_fail(c, "InvalidInput", "Say which file with --document"
		    " file://FILE.");
	all = json_loads(op_str(c, "Document"), JSON_REJECT_DUPLICATES, &e);
	if (all == NULL)
		return op_fail(c, "InvalidInput", "Document: not valid JSON: line %d, "
		    "column %d: %s. Give the file as file://FILE.", e.line, e.column,
		    e.text);
	im.names = json_object();
	im.unix_names = json_object();
	im.ids = json_object();
	im.devices_of = json_object();
	im.adopted = json_array();
	if ((r = seal_key_load(IAM_PATH_SEAL_KEY, &im.key)) != 0)
		r = op_fail_err(c, r, IAM_PATH_SEAL_KEY);
	else if ((r = import_all(&im, all)) == 0)
		r = answer(&im);
	explicit_bzero(&im.key, sizeof(im.key));
	json_decref(im.names);
	json_decref(im.unix_names);
	json_decref(im.ids);
	json_decref(im.devices_of);
	json_decref(im.adopted);
	json_decref(all);
	return r;
}
