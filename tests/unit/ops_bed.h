/* A store, a host and calls of operations, for the tests of iamctl/ops_*.c. */
#ifndef TESTS_OPS_BED_H
#define TESTS_OPS_BED_H

#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/credential/credential.h"
#include "common/store/store.h"
#include "iamctl/op.h"

#define BED_ACCOUNT "123456789012"
#define BED_NOW 1795512600 /* 2026-11-24T09:30:00Z, a Tuesday */
#define BED_ARN "arn:aws:iam::" BED_ACCOUNT ":"
#define BED_ALLOW "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"In\"," \
	"\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"*\"}]}"
#define BED_MANAGED "arn:aws:iam::aws:policy/HostLogin"

struct bed {
	char dir[64], db[96];
	struct store *store;
	const char *caller;   /* UserName, NULL: root */
	void (*around)(bool begins); /* called before and after the handler; NULL */
	bool dry;             /* roll back what succeeded, too */
	struct op_call c;     /* of the last call */
	json_t *in, *who;
};

static inline void
bed_dir(const char *path)
{
	char part[512];
	size_t i;

	for (i = 1; path[i] != '\0'; i++) {
		if (path[i + 1] != '/' && path[i + 1] != '\0')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i + 1, path);
		mkdir(part, 0755);
	}
}

static inline void
bed_file(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(file_replace(path, text, strlen(text), mode, (gid_t)-1),
	    0);
}

/* Only what a test puts there: other suites copy the policies that ship. */
static inline void
bed_empty_dir(const char *path)
{
	char file[512];
	struct dirent *e;
	DIR *d;

	bed_dir(path);
	assert_non_null(d = opendir(path));
	while ((e = readdir(d)) != NULL) {
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			assert_int_equal(unlink(file), 0);
	}
	closedir(d);
}

static inline void
bed_host(void)
{
	bed_dir(IAM_PATH_ETC);
	bed_empty_dir(IAM_PATH_MANAGED "/managed");
	bed_dir(IAM_PATH_SNAPSHOT_DIR);
	bed_dir(IAM_PATH_LOG_DIR);
	bed_file(IAM_PATH_PASSWD, "root:x:0:0::/root:/bin/sh\n"
	    "local:x:1000:1000::/home/local:/bin/sh\n"
	    "strange:x:2100000003:2100000003::/:/bin/sh\n", 0644);
	bed_file(IAM_PATH_GROUP, "root:x:0:\nadm:x:4:\nlocals:x:1000:\n", 0644);
	bed_file(IAM_PATH_SEAL_KEY, "0123456789abcdef0123456789abcdef", 0600);
	bed_file(IAM_PATH_MANAGED "/managed/HostLogin.json", BED_ALLOW, 0644);
	unlink(IAM_PATH_SETTINGS);
}

static inline int
bed_setup(void **state)
{
	static const char account[] = "{\"AccountId\":\"" BED_ACCOUNT "\","
	    "\"CreateDate\":\"2026-11-01T00:00:00Z\"}";
	struct bed *b = calloc(1, sizeof(*b));
	json_t *doc = json_loads(account, 0, NULL);

	bed_host();
	snprintf(b->dir, sizeof(b->dir), "/tmp/ops.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->db, sizeof(b->db), "%s/iam.db", b->dir);
	assert_int_equal(store_open(b->db, true, &b->store, NULL), 0);
	assert_int_equal(store_begin(b->store), 0);
	assert_int_equal(store_put(b->store, "account", doc), 0);
	assert_int_equal(store_commit(b->store, "test", "Test", NULL), 0);
	json_decref(doc);
	*state = b;
	return 0;
}

static inline void
bed_forget(struct bed *b)
{
	json_decref(b->in);
	json_decref(b->who);
	json_decref(b->c.out);
	json_decref(b->c.warnings);
	buf_release(&b->c.outfile);
	buf_release(&b->c.picture);
	buf_release(&b->c.lines);
	b->in = b->who = NULL;
	b->c = (struct op_call){ 0 };
}

static inline int
bed_teardown(void **state)
{
	struct bed *b = *state;
	char side[128];

	bed_forget(b);
	store_close(b->store);
	unlink(b->db);
	snprintf(side, sizeof(side), "%s-wal", b->db);
	unlink(side);
	snprintf(side, sizeof(side), "%s-shm", b->db);
	unlink(side);
	rmdir(b->dir);
	free(b);
	unlink(IAM_PATH_PASSWD);
	unlink(IAM_PATH_GROUP);
	unlink(IAM_PATH_SEAL_KEY);
	unlink(IAM_PATH_SETTINGS);
	unlink(IAM_PATH_MANAGED "/managed/HostLogin.json");
	return 0;
}

/* The snapshots of what is in the store now, for a host in eu-central-1. */
static inline void
bed_publish(struct bed *b)
{
	const struct store_paths paths = { .host = IAM_PATH_HOST,
		.settings = IAM_PATH_SETTINGS, .governed = IAM_PATH_GOVERNED,
		.public_snapshot = IAM_PATH_PUBLIC,
		.private_snapshot = IAM_PATH_PRIVATE, .passwd = IAM_PATH_PASSWD,
		.group = IAM_PATH_GROUP, .managed = IAM_PATH_MANAGED "/managed",
		.auth_gid = (gid_t)-1 };
	struct iam_why why = { 0 };

	bed_file(IAM_PATH_HOST, "{\"region\":\"eu-central-1\",\"hostname\":\"web1\"}",
	    0644);
	if (store_publish(b->store, &paths, NULL, &why) != 0)
		fail_msg("%s", why.text);
}

static inline void
bed_unpublish(void)
{
	unlink(IAM_PATH_HOST);
	unlink(IAM_PATH_GOVERNED);
	unlink(IAM_PATH_PUBLIC);
	unlink(IAM_PATH_PRIVATE);
}

static inline json_t *
bed_who(const struct bed *b)
{
	if (b->caller == NULL)
		return json_pack("{s:s,s:s,s:s}", "Arn", BED_ARN "root", "UserId",
		    BED_ACCOUNT, "Account", BED_ACCOUNT);
	return json_pack("{s:s+,s:s,s:s,s:s}", "Arn", BED_ARN "user/", b->caller,
	    "UserId", "AIDAQQQQQQQQQQQQQQQQQ", "Account", BED_ACCOUNT,
	    "UserName", b->caller);
}

/* Run a row as the front does; in is taken. The error's code, or "". */
static inline const char *
bed_run(struct bed *b, const char *name, json_t *in)
{
	const struct op *op = op_find(name);
	int r;

	assert_non_null(op);
	assert_non_null(in);
	bed_forget(b);
	b->in = in;
	b->who = bed_who(b);
	b->c = (struct op_call){ .op = op, .store = b->store, .in = in,
		.out = json_object(), .account_id = BED_ACCOUNT, .now_s = BED_NOW,
		.caller = b->who, .publish = !op->read_only,
		.warnings = json_array(), .outfile = BUF_INIT,
		.picture = BUF_INIT };
	if (!op->read_only)
		assert_int_equal(store_begin(b->store), 0);
	if (b->around != NULL)
		b->around(true);
	r = op->run(&b->c);
	if (b->around != NULL)
		b->around(false);
	if (r != 0 || b->dry)
		store_rollback(b->store);
	else if (!op->read_only)
		assert_int_equal(store_commit(b->store, "test", name, NULL), 0);
	assert_int_equal(r, b->c.error_code != NULL ? -1 : 0);
	return r != 0 ? b->c.error_code : "";
}

/* The same with the input as JSON text; ' stands for ". */
static inline const char *
bed_call(struct bed *b, const char *name, const char *text)
{
	char json[8192];
	size_t i;

	snprintf(json, sizeof(json), "%s", text);
	for (i = 0; json[i] != '\0'; i++)
		if (json[i] == '\'')
			json[i] = '"';
	return bed_run(b, name, json_loads(json, 0, NULL));
}

static inline void
bed_ok(struct bed *b, const char *name, const char *text)
{
	const char *error = bed_call(b, name, text);

	if (error[0] != '\0')
		fail_msg("%s %s: %s: %s", name, text, error, b->c.error_text);
}

#define bed_fails(b, name, text, code) \
	assert_string_equal(bed_call((b), (name), (text)), (code))

/* A value of the last answer: "Users.0.UserName"; NULL when it is not there. */
static inline json_t *
bed_at(const struct bed *b, const char *path)
{
	json_t *v = b->c.out;
	char part[64];
	size_t len;

	while (v != NULL && *path != '\0') {
		len = strcspn(path, ".");
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		v = json_is_array(v) ?
		    json_array_get(v, strtoul(part, NULL, 10)) :
		    json_object_get(v, part);
		path += len + (path[len] == '.' ? 1 : 0);
	}
	return v;
}

static inline const char *
bed_text(const struct bed *b, const char *path)
{
	const char *s = json_string_value(bed_at(b, path));

	return s != NULL ? s : "(none)";
}

static inline json_int_t
bed_int(const struct bed *b, const char *path)
{
	return json_integer_value(bed_at(b, path));
}

static inline size_t
bed_size(const struct bed *b, const char *path)
{
	return json_array_size(bed_at(b, path));
}

/* A document as the store has it; new. */
static inline json_t *
bed_doc(struct bed *b, const char *key)
{
	json_t *doc = NULL;

	assert_int_equal(store_get(b->store, key, &doc), 0);
	return doc;
}

/* A call with a policy document, which has quotation marks of its own. */
static inline const char *
bed_policy(struct bed *b, const char *name, const char *key, const char *value,
    const char *policy_name, const char *document)
{
	return bed_run(b, name, json_pack("{s:s,s:s,s:s}", key, value,
	    policy_name != NULL ? "PolicyName" : "Path",
	    policy_name != NULL ? policy_name : "/", "PolicyDocument", document));
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

#endif
