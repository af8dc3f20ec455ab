/*
 * How long a publish takes: bench_publish [USERS]. Prints one line a figure;
 * nothing is asserted but that a change can be seen. Each user has two groups,
 * an SSH key, two tags, and an inline policy, one of a hundred texts.
 */
#include "common/base/base.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/snapshot/accounts.h"
#include "common/store/store.h"

#define CHANGES 20

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" \
	"AABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f bench"

struct bench {
	char dir[64];
	char path[8][96];
	struct store_paths paths;
	struct store *store;
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static const char *
name(struct bench *b, int i, const char *file)
{
	snprintf(b->path[i], sizeof(b->path[i]), "%s/%s", b->dir, file);
	return b->path[i];
}

static int
put_text(const char *path, const char *text)
{
	return file_replace(path, text, strlen(text), 0644, (gid_t)-1);
}

static int
make_host(struct bench *b)
{
	int r;

	b->paths = (struct store_paths){
		.host = name(b, 0, "host.json"),
		.settings = name(b, 1, "iam.json"),
		.governed = name(b, 2, "governed"),
		.public_snapshot = name(b, 3, "snapshot/public"),
		.private_snapshot = name(b, 4, "snapshot/private"),
		.passwd = name(b, 5, "passwd"),
		.group = name(b, 6, "group"),
		.managed = b->dir,
		.auth_gid = (gid_t)-1,
	};
	if ((r = put_text(b->paths.host,
	    "{\"region\": \"bench-1\", \"hostname\": \"bench\"}")) != 0 ||
	    (r = put_text(b->paths.passwd, "root:x:0:0::/root:/bin/sh\n")) != 0)
		return r;
	return put_text(b->paths.group, "root:x:0:\n");
}

static int
put(struct bench *b, const char *key, json_t *doc)
{
	int r = doc == NULL ? IAM_ERR_MEMORY : store_put(b->store, key, doc);

	json_decref(doc);
	return r;
}

static int
put_user(struct bench *b, int i)
{
	char user[32], key[48], home[48], policy[256], group[2][16];

	snprintf(user, sizeof(user), "user%05d", i);
	snprintf(key, sizeof(key), "users/%s", user);
	snprintf(home, sizeof(home), "/home/%s", user);
	snprintf(group[0], sizeof(group[0]), "group%d", i % 50);
	snprintf(group[1], sizeof(group[1]), "group%d", 50 + i % 7);
	snprintf(policy, sizeof(policy), "{\"Version\":\"2012-10-17\",\"Statement\":"
	    "[{\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"*\","
	    "\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/team\":\"t%d\"}}}]}",
	    i % 100);
	return put(b, key, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s,"
	    " s:b, s:[s,s], s:[], s:{s:s}, s:{s:s}, s:[{s:s,s:s}, {s:s,s:s}],"
	    " s:[{s:s,s:s,s:s}], s:s}", "UserName", user, "UserId", "AIDABENCH", "Arn",
	    user, "UnixName", user, "Uid", 2100001000 + i, "Gid", 2100001000 + i,
	    "Gecos", "", "Home", home, "Shell", "/bin/bash", "Enabled", 1, "Groups",
	    group[0], group[1], "AttachedPolicies", "InlinePolicies", "P", policy,
	    "LoginProfile", "PasswordHash", "$y$j9T$bench$0123456789abcdef",
	    "Tags", "Key", "team", "Value", "t1", "Key", "site", "Value", "x",
	    "SSHPublicKeys", "SSHPublicKeyBody", KEY, "SSHPublicKeyId",
	    "APKABENCH", "Status", "Active",
	    "CreateDate", "2026-11-24T09:30:00Z"));
}

static int
fill(struct bench *b, int users)
{
	char group[16], key[32];
	int i, r;

	if ((r = store_begin(b->store)) != 0)
		return r;
	r = put(b, "account", json_pack("{s:s}", "AccountId", "123456789012"));
	for (i = 0; i < 57 && r == 0; i++) {
		snprintf(group, sizeof(group), "group%d", i);
		snprintf(key, sizeof(key), "groups/%s", group);
		r = put(b, key, json_pack("{s:s, s:s, s:i}", "GroupName", group,
		    "UnixName", group, "Gid", 2100000000 + i));
	}
	for (i = 0; i < users && r == 0; i++)
		r = put_user(b, i);
	return r != 0 ? r : store_commit(b->store, "bench", "bench", NULL);
}

/* Her name in the public snapshot, as getent would see it. */
static bool
is_seen(struct bench *b, const char *gecos)
{
	struct snap *s = NULL;
	struct snap_user u;
	bool found = false;

	if (snap_open(b->paths.public_snapshot, SNAP_PUBLIC, &s) != 0 ||
	    snap_user_by_name(s, "user00042", &found, &u) != 0)
		found = false;
	found = found && strcmp(u.gecos, gecos) == 0;
	snap_close(s);
	return found;
}

static int
change(struct bench *b, const char *gecos)
{
	json_t *doc = NULL;
	int r;

	if ((r = store_begin(b->store)) != 0 ||
	    (r = store_get(b->store, "users/user00042", &doc)) != 0)
		return r;
	json_object_set_new(doc, "Gecos", json_string(gecos));
	if ((r = store_put(b->store, "users/user00042", doc)) == 0)
		r = store_commit(b->store, "bench", "bench", NULL);
	json_decref(doc);
	return r;
}

/* One change, from its commit until it is seen. */
static int
run_changes(struct bench *b)
{
	double start, committed, sum = 0, worst = 0, took;
	char gecos[16];
	struct iam_why why;
	int i, r;

	for (i = 0; i < CHANGES; i++) {
		snprintf(gecos, sizeof(gecos), "change %d", i);
		start = now_ms();
		if ((r = change(b, gecos)) != 0)
			return r;
		committed = now_ms();
		if ((r = store_publish_changes(b->store, &b->paths, NULL, &why)) != 0)
			return r;
		if (!is_seen(b, gecos))
			return IAM_ERR_BUG;
		took = now_ms() - committed;
		sum += took;
		worst = took > worst ? took : worst;
		if (i == 0)
			printf("commit: %.1f ms\n", committed - start);
	}
	printf("one change, published and seen: %.1f ms on average, %.1f ms at"
	    " worst, of %d\n", sum / CHANGES, worst, CHANGES);
	return 0;
}

static int
run(struct bench *b, int users)
{
	double t = now_ms();
	json_t *warnings = NULL;
	struct iam_why why;
	bool current;
	int i, r;

	if ((r = fill(b, users)) != 0)
		return r;
	printf("store: %d users in one transaction: %.0f ms\n", users, now_ms() - t);
	for (i = 0; i < 3; i++) {
		t = now_ms();
		if ((r = store_publish(b->store, &b->paths, &warnings, &why)) != 0) {
			fprintf(stderr, "%s\n", why.text);
			return r;
		}
		printf("publish: %d users: %.0f ms, %zu warnings\n", users,
		    now_ms() - t, json_array_size(warnings));
		json_decref(warnings);
	}
	if ((r = run_changes(b)) != 0)
		return r;
	t = now_ms();
	r = store_published(b->store, &b->paths, &current);
	printf("published? %s: %.1f ms\n", current ? "yes" : "no", now_ms() - t);
	return r;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

int
main(int argc, char **argv)
{
	struct bench b = { .dir = "/tmp/iam-bench.XXXXXX" };
	uint32_t users = 10000;
	int r;

	if (argc > 1 && (!name_parse_u32(argv[1], &users) || users > 1000000)) {
		fprintf(stderr, "usage: bench_publish [USERS]\n");
		return 2;
	}
	if (mkdtemp(b.dir) == NULL) {
		perror("mkdtemp");
		return 1;
	}
	if ((r = make_host(&b)) == 0 &&
	    (r = store_open(name(&b, 7, "iam.db"), true, &b.store, NULL)) == 0)
		r = run(&b, (int)users);
	if (r != 0)
		fprintf(stderr, "bench_publish: %s\n", iam_strerror(r));
	store_close(b.store);
	nftw(b.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return r == 0 ? 0 : 1;
}
