/* A store and a host of its own in a directory under /tmp, for tests. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "common/base/base.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/store.h"

#define FIX_ACCOUNT "123456789012"
#define FIX_ALLOW "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":" \
	"\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"*\"}]}"
#define FIX_MANAGED "arn:aws:iam::aws:policy/HostLogin"

struct fix {
	char dir[64];
	char path[11][96];
	struct store_paths paths;
	struct store *store;
};

static inline void
fix_file(const char *path, const char *text)
{
	assert_int_equal(file_replace(path, text, strlen(text), 0644, (gid_t)-1), 0);
}

static inline const char *
fix_name(struct fix *f, int i, const char *name)
{
	snprintf(f->path[i], sizeof(f->path[i]), "%s/%s", f->dir, name);
	return f->path[i];
}

static inline json_t *
fix_json(const char *text)
{
	json_error_t e;
	json_t *v = json_loads(text, 0, &e);

	if (v == NULL)
		fail_msg("%s: %s", e.text, text);
	return v;
}

/* One document in a transaction of its own. */
static inline void
fix_put(struct fix *f, const char *key, const char *text)
{
	json_t *doc = fix_json(text);

	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_put(f->store, key, doc), 0);
	assert_int_equal(store_commit(f->store, "arn:root", "Test", NULL), 0);
	json_decref(doc);
}

static inline void
fix_files(struct fix *f)
{
	f->paths = (struct store_paths){
		.host = fix_name(f, 1, "host.json"),
		.settings = fix_name(f, 2, "iam.json"),
		.governed = fix_name(f, 3, "governed"),
		.public_snapshot = fix_name(f, 4, "snapshot/public"),
		.private_snapshot = fix_name(f, 5, "snapshot/private"),
		.passwd = fix_name(f, 6, "passwd"),
		.group = fix_name(f, 7, "group"),
		.managed = fix_name(f, 8, "managed"),
		.auth_gid = (gid_t)-1,
	};
	fix_file(f->paths.host, "{\"region\": \"eu-central-1\", \"hostname\":"
	    " \"web1\", \"tags\": {\"environment\": \"prod\"}}");
	fix_file(f->paths.settings, "{\"localGroups\": [\"sudo\"]}");
	fix_file(f->paths.passwd, "root:x:0:0:root:/root:/bin/bash\n"
	    "alice:x:1000:1000:,,,:/home/alice:/bin/bash\n");
	fix_file(f->paths.group, "root:x:0:\nsudo:x:27:alice\nadm:x:4:\n"
	    "alice:x:1000:\n");
	assert_int_equal(mkdir(f->paths.managed, 0755), 0);
	fix_file(fix_name(f, 9, "managed/HostLogin.json"), FIX_ALLOW);
}

static inline void
fix_open(struct fix *f, bool create)
{
	struct iam_why why = { 0 };

	if (store_open(f->path[0], create, &f->store, &why) != 0)
		fail_msg("%s", why.text);
}

static inline void
fix_setup(struct fix *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/iam-store.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	fix_files(f);
	fix_name(f, 0, "iam.db");
	fix_open(f, true);
	fix_put(f, "account", "{\"AccountId\": \"" FIX_ACCOUNT "\"}");
}

static inline int
fix_remove_one(const char *path, const struct stat *st, int type,
    struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline void
fix_teardown(struct fix *f)
{
	store_close(f->store);
	nftw(f->dir, fix_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A user's document; more is appended to it, beginning with a comma, or "". */
static inline void
fix_user(struct fix *f, const char *name, unsigned id, const char *more)
{
	char lower[65], text[4096], key[80];
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z' ?
		    (char)(name[i] + 32) : name[i];
	lower[i] = '\0';
	snprintf(text, sizeof(text), "{\"UserName\": \"%s\", \"UserId\":"
	    " \"AIDA%s\", \"Path\": \"/\", \"CreateDate\":"
	    " \"2026-11-24T09:30:00Z\", \"Arn\": \"arn:aws:iam::" FIX_ACCOUNT
	    ":user/%s\", \"UnixName\": \"%s\", \"Uid\": %u, \"Gid\": %u,"
	    " \"Gecos\": \"\", \"Home\": \"/home/%s\", \"Shell\": \"/bin/bash\","
	    " \"Enabled\": true %s}", name, name, name, lower, id, id, lower, more);
	snprintf(key, sizeof(key), "users/%s", name);
	fix_put(f, key, text);
}

static inline void
fix_group(struct fix *f, const char *name, const char *unix_name, unsigned id,
    const char *more)
{
	char text[4096], key[160];

	snprintf(text, sizeof(text), "{\"GroupName\": \"%s\", \"GroupId\": \"AGPA\","
	    " \"Arn\": \"arn:aws:iam::" FIX_ACCOUNT ":group/%s\", \"UnixName\":"
	    " \"%s\", \"Gid\": %u %s}", name, name, unix_name, id, more);
	snprintf(key, sizeof(key), "groups/%s", name);
	fix_put(f, key, text);
}

#endif
