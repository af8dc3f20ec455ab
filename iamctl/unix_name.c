/*
 * Unix names and ids that may be given out. Rules that this file keeps: a name
 * belongs to one document or one local account, never two (S27); an id that
 * was ever in use is never given out again, and neither is one of a local account
 * (S26). Local accounts are read from the files, never through NSS, which is us.
 */
#include "common/base/base.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "iamctl/entity.h"

/* ---- local accounts ---- */

static int
open_local(struct op_call *c, const char *path, FILE **ret)
{
	int fd, r;

	*ret = NULL;
	r = file_open(path, FILE_ROOT_ONLY, &fd, NULL);
	if (r == IAM_ERR_ABSENT)
		return 0;
	if (r != 0)
		return op_fail_err(c, r, path);
	if ((*ret = fdopen(fd, "re")) == NULL) {
		close(fd);
		return no_memory(c);
	}
	return 0;
}

/* name NULL: only the id counts; id 0: only the name does. */
static int
local_user(struct op_call *c, const char *name, uint32_t id, bool *ret)
{
	const struct passwd *pw;
	FILE *f;

	if (open_local(c, IAM_PATH_PASSWD, &f) != 0)
		return -1;
	while (f != NULL && (pw = fgetpwent(f)) != NULL) {
		if ((name != NULL && strcmp(pw->pw_name, name) == 0) ||
		    (id != 0 && (pw->pw_uid == id || pw->pw_gid == id)))
			*ret = true;
	}
	if (f != NULL)
		fclose(f);
	return 0;
}

static int
local_group(struct op_call *c, const char *name, uint32_t id, bool *ret)
{
	const struct group *gr;
	FILE *f;

	if (open_local(c, IAM_PATH_GROUP, &f) != 0)
		return -1;
	while (f != NULL && (gr = fgetgrent(f)) != NULL) {
		if ((name != NULL && strcmp(gr->gr_name, name) == 0) ||
		    (id != 0 && gr->gr_gid == id))
			*ret = true;
	}
	if (f != NULL)
		fclose(f);
	return 0;
}

/* ---- names ---- */

struct name_search {
	const char *own_key;
	const char *kind; /* "user", "group", "role", of the document that has the name */
	char holder[160];
};

static int
search_name(void *arg, const char *key, json_t *doc)
{
	struct name_search *s = arg;

	if (name_cmp(key, s->own_key) == 0)
		return VISIT_NEXT;
	s->kind = entity_kind_of(doc)->noun;
	snprintf(s->holder, sizeof(s->holder), "%s", strchr(key, '/') + 1);
	return VISIT_STOP;
}

static int
document_has_name(struct op_call *c, const char *unix_name,
    const char *own_key)
{
	struct name_search s = { .own_key = own_key };
	const struct entity_kind *k;

	for (k = entity_kinds; k->noun != NULL && s.kind == NULL; k++)
		if (document_each_with(c, k->documents, "UnixName", unix_name,
		    search_name, &s) != 0)
			return -1;
	if (s.kind != NULL)
		return op_fail(c, "EntityAlreadyExists", "The Unix name %s belongs to"
		    " the %s %s already; choose another with --unix-name.",
		    unix_name, s.kind, s.holder);
	return 0;
}

static int
local_has_name(struct op_call *c, const char *unix_name)
{
	bool user = false, group = false;

	if (local_user(c, unix_name, 0, &user) != 0 ||
	    local_group(c, unix_name, 0, &group) != 0)
		return -1;
	if (user || group)
		return op_fail(c, "EntityAlreadyExists", "The Unix name %s belongs to"
		    " a local %s of this host; choose another with --unix-name.",
		    unix_name, user ? "account" : "group");
	return 0;
}

int
unix_name_check(struct op_call *c, const char *unix_name, const char *own_kind,
    const char *own_name)
{
	char own_key[512] = "";

	if (!name_is_unix(unix_name))
		return op_fail(c, "InvalidInput", "%s is not a Unix name: a lower-case"
		    " letter or _, then at most 31 of a-z 0-9 _ - and ., the last one"
		    " not a dot.", unix_name);
	if (own_kind != NULL)
		snprintf(own_key, sizeof(own_key), "%s/%s", own_kind, own_name);
	/* root has no entry to be found where /etc/passwd is not there. */
	if (strcmp(unix_name, "root") == 0)
		return op_fail(c, "InvalidInput", "root is the host's own and never an"
		    " IAM name; choose another with --unix-name.");
	if (local_has_name(c, unix_name) != 0)
		return -1;
	return document_has_name(c, unix_name, own_key);
}

int
unix_group_name_check(struct op_call *c, const char *unix_name,
    const char *own_name)
{
	if (name_is_privileged_group(unix_name))
		return op_fail(c, "InvalidInput", "%s is a group by whose name hosts"
		    " give privileges, and never an IAM one. To put people into a"
		    " local group, name it with --local-groups.", unix_name);
	return unix_name_check(c, unix_name, own_name != NULL ? "groups" : NULL,
	    own_name);
}

int
unix_name_free(struct op_call *c, const char *unix_name)
{
	return document_has_name(c, unix_name, "");
}

int
unix_local_account(struct op_call *c, const char *name, json_t **ret)
{
	const struct passwd *pw;
	FILE *f;

	*ret = NULL;
	if (open_local(c, IAM_PATH_PASSWD, &f) != 0)
		return -1;
	while (f != NULL && *ret == NULL && (pw = fgetpwent(f)) != NULL) {
		if (strcmp(pw->pw_name, name) != 0)
			continue;
		*ret = json_pack("{s:s,s:I,s:I,s:s,s:s,s:s}", "UnixName", name, "Uid",
		    (json_int_t)pw->pw_uid, "Gid", (json_int_t)pw->pw_gid, "Gecos",
		    pw->pw_gecos, "Home", pw->pw_dir, "Shell", pw->pw_shell);
		if (*ret == NULL) {
			fclose(f);
			return op_fail(c, "InvalidInput", "The entry of %s in %s is not"
			    " valid UTF-8.", name, IAM_PATH_PASSWD);
		}
	}
	if (f != NULL)
		fclose(f);
	return 0;
}

int
unix_name_default(struct op_call *c, const char *name, char *ret)
{
	size_t i;

	for (i = 0; name[i] != '\0' && i < IAM_UNIX_NAME_MAX; i++)
		ret[i] = name[i] >= 'A' && name[i] <= 'Z' ?
		    (char)(name[i] + ('a' - 'A')) : name[i];
	ret[i] = '\0';
	if (name[i] != '\0' || !name_is_unix(ret))
		return op_fail(c, "InvalidInput", "%s gives no Unix name (a lower-case"
		    " letter or _, then at most 31 of a-z 0-9 _ - and .); choose one"
		    " with --unix-name.", name);
	return 0;
}

/* ---- ids ---- */

static int
local_has_id(struct op_call *c, uint32_t id, bool *ret)
{
	*ret = false;
	return local_user(c, NULL, id, ret) != 0 ||
	    local_group(c, NULL, id, ret) != 0 ? -1 : 0;
}

static int
id_claim(struct op_call *c, const struct host_limits *limits, uint32_t wanted,
    uint32_t *ret)
{
	bool local;
	int r;

	if (wanted < limits->id_min || wanted > limits->id_max)
		return op_fail(c, "InvalidInput", "The id %u is outside this account's"
		    " range, %u to %u.", wanted, limits->id_min, limits->id_max);
	if (local_has_id(c, wanted, &local) != 0)
		return -1;
	if (local)
		return op_fail(c, "EntityAlreadyExists", "The id %u belongs to a local"
		    " account or group of this host; choose another.", wanted);
	r = store_next_id(c->store, wanted, wanted, ret);
	if (r == IAM_ERR_LIMIT)
		return op_fail(c, "EntityAlreadyExists", "The id %u is or was in use,"
		    " and ids are never used twice; choose another, or none.", wanted);
	return r != 0 ? op_fail_err(c, r, "No id could be given") : 0;
}

int
unix_id_new(struct op_call *c, uint32_t wanted, uint32_t *ret)
{
	struct host_limits limits;
	bool local;
	int r;

	if (host_limits_get(c, &limits) != 0)
		return -1;
	if (wanted != 0)
		return id_claim(c, &limits, wanted, ret);
	do {
		r = store_next_id(c->store, limits.id_min, limits.id_max, ret);
		if (r == IAM_ERR_LIMIT)
			return op_fail(c, "LimitExceeded", "The ids from %u to %u are used"
			    " up; widen \"ids\" in %s.", limits.id_min, limits.id_max,
			    IAM_PATH_SETTINGS);
		if (r != 0)
			return op_fail_err(c, r, "No id could be given");
		if (local_has_id(c, *ret, &local) != 0)
			return -1;
	} while (local);
	return 0;
}

int
unix_field_check(struct op_call *c, const char *name)
{
	const char *s = op_str(c, name);
	size_t i;

	for (i = 0; s != NULL && s[i] != '\0'; i++) {
		if (s[i] == ':' || (unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return op_fail(c, "InvalidInput", "%s must not have a colon, a line"
			    " break or another control character: it stands in a line"
			    " of passwd(5).", name);
	}
	return 0;
}
