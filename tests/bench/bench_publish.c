/*
 * How long a publish takes: bench_publish [USERS [DIR [changes]]]. Prints one line a figure;
 * nothing is asserted but that a change can be seen. People are in ten groups, as
 * tests/bench/names/people.h has it (teams of a thousand, one group of ten
 * thousand), and have a password, an SSH key and two tags; each group has an
 * attached policy, every tenth of them an inline one, one of a hundred texts. With
 * DIR, the store is made there or, when there is one, used once more; with
 * "changes", its snapshots are not made anew.
 */
#include "common/base/base.h"

#include <ftw.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/snapshot/accounts.h"
#include "common/store/store.h"
#include "tests/bench/names/people.h"

#define CHANGES 20

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" \
	"AABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f bench"

struct bench {
	char dir[64];
	char path[9][96];
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
		.managed = name(b, 8, "managed"), /* there is none */
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

#define MANAGED "arn:aws:iam::123456789012:policy/p"

static void
group_name(uint32_t gid, char ret[24])
{
	if (gid == EVERYONE_ID)
		snprintf(ret, 24, "everyone");
	else
		snprintf(ret, 24, "team%u-%u", (gid - TEAM_ID) / TEAMS_MAX,
		    (gid - TEAM_ID) % TEAMS_MAX);
}

static json_t *
login_policy(unsigned i)
{
	return json_sprintf("{\"Version\":\"2012-10-17\",\"Statement\":"
	    "[{\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"*\","
	    "\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/team\":\"t%u\"}}}]}",
	    i % 100);
}

static json_t *
groups_of(unsigned users, unsigned i)
{
	json_t *v = json_array();
	char group[24];
	unsigned n;

	for (n = 0; n < GROUPS_EACH; n++) {
		group_name(group_id(users, i, n), group);
		json_array_append_new(v, json_string(group));
	}
	return v;
}

static int
put_user(struct bench *b, unsigned users, unsigned i)
{
	char user[24], key[48], home[48];
	json_t *inline_policies = json_object();

	user_name(i, user);
	snprintf(key, sizeof(key), "users/%s", user);
	snprintf(home, sizeof(home), "/home/%s", user);
	if (i % 10 == 0)
		json_object_set_new(inline_policies, "P", login_policy(i));
	return put(b, key, json_pack("{s:s, s:s, s:o, s:s, s:I, s:I, s:s, s:s, s:s,"
	    " s:b, s:o, s:[], s:o, s:{s:s}, s:[{s:s,s:s}, {s:s,s:s}],"
	    " s:[{s:s,s:s,s:s,s:s}], s:s, s:s}", "UserName", user, "UserId",
	    "AIDABENCHBENCHBENCH12", "Arn", json_sprintf("arn:aws:iam::123456789012:"
	    "user/%s", user), "UnixName", user, "Uid", (json_int_t)USER_ID + i, "Gid",
	    (json_int_t)USER_ID + i, "Gecos", "", "Home", home, "Shell", "/bin/bash",
	    "Enabled", 1, "Groups", groups_of(users, i), "AttachedPolicies",
	    "InlinePolicies", inline_policies, "LoginProfile", "PasswordHash",
	    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
	    "Tags", "Key", "team", "Value", "t1", "Key", "site", "Value", "x",
	    "SSHPublicKeys", "SSHPublicKeyBody", KEY, "SSHPublicKeyId",
	    "APKABENCHBENCHBENCH12", "Status", "Active", "UploadDate",
	    "2026-11-24T09:30:00Z", "CreateDate", "2026-11-24T09:30:00Z", "Path",
	    "/"));
}

static int
put_group(struct bench *b, uint32_t gid)
{
	char group[24], key[32];

	group_name(gid, group);
	snprintf(key, sizeof(key), "groups/%s", group);
	return put(b, key, json_pack("{s:s, s:s, s:I, s:[o]}", "GroupName", group,
	    "UnixName", group, "Gid", (json_int_t)gid, "AttachedPolicies",
	    json_sprintf(MANAGED "%u", gid % 100)));
}

static int
put_groups(struct bench *b, unsigned users)
{
	unsigned set, i;
	int r = put_group(b, EVERYONE_ID);

	for (set = 0; set < GROUPS_EACH; set++) {
		for (i = 0; i < teams(users) && r == 0; i++)
			r = put_group(b, TEAM_ID + set * TEAMS_MAX + i);
	}
	return r;
}

static int
put_policies(struct bench *b)
{
	char key[32];
	unsigned i;
	int r = 0;

	for (i = 0; i < 100 && r == 0; i++) {
		snprintf(key, sizeof(key), "policies/p%u", i);
		r = put(b, key, json_pack("{s:s, s:o, s:s, s:[{s:s, s:o}]}",
		    "PolicyName", key + 9, "Arn", json_sprintf(MANAGED "%u", i),
		    "DefaultVersionId", "v1", "Versions", "VersionId", "v1", "Document",
		    login_policy(i)));
	}
	return r;
}

static int
fill(struct bench *b, unsigned users)
{
	unsigned i;
	int r;

	if ((r = store_begin(b->store)) != 0 ||
	    (r = put(b, "account", json_pack("{s:s}", "AccountId",
	    "123456789012"))) != 0 ||
	    (r = put_policies(b)) != 0)
		return r;
	r = put_groups(b, users);
	for (i = 0; i < users && r == 0; i++)
		r = put_user(b, users, i);
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
	    snap_user_by_name(s, "user42", &found, &u) != 0)
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
	    (r = store_get(b->store, "users/user42", &doc)) != 0)
		return r;
	json_object_set_new(doc, "Gecos", json_string(gecos));
	if ((r = store_put(b->store, "users/user42", doc)) == 0)
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

/* Of the whole process until now: the store's cache, too. */
static double
peak_mib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_maxrss / 1024;
}

static double
processor_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static int
run_whole(struct bench *b)
{
	json_t *warnings = NULL;
	struct iam_why why;
	double t, cpu;
	int i, r;

	for (i = 0; i < 3; i++) {
		t = now_ms();
		cpu = processor_ms();
		if ((r = store_publish(b->store, &b->paths, &warnings, &why)) != 0) {
			fprintf(stderr, "%s\n", why.text);
			return r;
		}
		printf("everything published: %.0f ms, %.0f of them the processor's;"
		    " %zu warnings, %.0f MiB at most\n", now_ms() - t,
		    processor_ms() - cpu, json_array_size(warnings), peak_mib());
		json_decref(warnings);
	}
	return 0;
}

static int
run(struct bench *b, unsigned users, bool whole)
{
	double t = now_ms();
	bool current;
	int r = 0;

	if (store_revision(b->store) == 0) {
		if ((r = fill(b, users)) != 0)
			return r;
		printf("store: %u users in one transaction: %.0f ms\n", users,
		    now_ms() - t);
	}
	if ((whole && (r = run_whole(b)) != 0) || (r = run_changes(b)) != 0)
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

	if (argc > 4 || (argc > 1 && (!name_parse_u32(argv[1], &users) ||
	    users < 1000 || users > 1000000))) {
		fprintf(stderr, "usage: bench_publish [USERS [DIR [changes]]]\n");
		return 2;
	}
	if (argc > 2)
		snprintf(b.dir, sizeof(b.dir), "%s", argv[2]);
	else if (mkdtemp(b.dir) == NULL) {
		perror("mkdtemp");
		return 1;
	}
	if ((r = make_host(&b)) == 0 &&
	    (r = store_open(name(&b, 7, "iam.db"), true, &b.store, NULL)) == 0)
		r = run(&b, users, argc <= 3);
	if (r != 0)
		fprintf(stderr, "bench_publish: %s\n", iam_strerror(r));
	store_close(b.store);
	if (argc <= 2)
		nftw(b.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return r == 0 ? 0 : 1;
}
