/*
 * Cold cost: from exec of a process to its first decision, with a policy of
 * 10,000 statements and with one of three, from snapshots of 100 and of 100,000
 * principals, and from JSON. Least and median of many runs.
 */
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/snapshot/principal.h"
#include "tests/bench/policies.h"

#define RUNS 60

extern char **environ;

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
measure(const char *what, const char *const *argv)
{
	int64_t t[RUNS];
	int i, status;
	pid_t pid;

	for (i = 0; i < RUNS; i++) {
		t[i] = now_ns();
		if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv,
		    environ) != 0 || waitpid(pid, &status, 0) != pid || status != 0) {
			fprintf(stderr, "%s: failed\n", argv[0]);
			exit(1);
		}
		t[i] = now_ns() - t[i];
	}
	qsort(t, RUNS, sizeof(*t), by_size);
	printf("  %-52s %7.2f ms least %7.2f ms median\n", what, (double)t[0] / 1e6,
	    (double)t[RUNS / 2] / 1e6);
}

static void
must(int r)
{
	if (r == 0)
		return;
	fprintf(stderr, "bench_policy_exec: %s\n", iam_strerror(r));
	exit(1);
}

static void
add_policy(struct snap_builder *b, const char *key, unsigned statements)
{
	struct buf json = BUF_INIT, bytes = BUF_INIT, v = BUF_INIT;
	struct snap_policy p = { .name = key };

	if (statements == 10000)
		put_document(&json, BY_RESOURCE, statements);
	else
		buf_puts(&json, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
		    "\"Action\":\"host:Login\",\"Resource\":\"*\",\"Condition\":"
		    "{\"TimeOfDayWithin\":{\"aws:CurrentTime\":\"Mon-Fri 00:00-24:00\"}}}}");
	compile_or_die(&json, &bytes);
	p.compiled = bytes.p;
	p.compiled_len = bytes.len;
	snap_policy_encode(&p, &v);
	must(snap_builder_add(b, SNAP_POLICY, key, strlen(key), v.p, v.len));
	buf_release(&json);
	buf_release(&bytes);
	buf_release(&v);
}

static void
add_principal(struct snap_builder *b, unsigned i)
{
	static struct snap_principal p;
	char name[32], arn[80];
	struct buf v = BUF_INIT;

	snprintf(name, sizeof(name), "user%u", i);
	snprintf(arn, sizeof(arn), "arn:aws:iam::123456789012:user/%s", name);
	p = (struct snap_principal){ .uid = 2100000000u + i, .gid = 2100000000u + i,
		.unix_name = name, .user_name = name, .user_id = "AIDABENCH", .arn = arn,
		.home = "/home/x", .shell = "/bin/sh", .enabled = 1, .policy_count = 1 };
	p.policies[0] = (struct snap_policy_ref){ SNAP_LAYER_IDENTITY,
		i == 7 ? "big" : "small", "user" };
	snap_principal_encode(&p, &v);
	must(snap_builder_add(b, SNAP_PRINCIPAL, name, strlen(name), v.p, v.len));
	buf_release(&v);
}

static void
make_snapshot(const char *path, unsigned principals)
{
	static struct snap_account account = { .account_id = "123456789012",
		.id_min = 2100000000u, .id_max = 2146999999u, .home_umask = 0077,
		.region = "eu-central-1", .hostname = "web5000" };
	struct snap_builder *b;
	struct buf v = BUF_INIT;
	unsigned i;

	must(snap_builder_new(SNAP_PRIVATE, 1, 1795512600, &b));
	snap_account_encode(&account, &v);
	must(snap_builder_add(b, SNAP_ACCOUNT, "account", 7, v.p, v.len));
	add_policy(b, "big", 10000);
	add_policy(b, "small", 1);
	for (i = 0; i < principals; i++)
		add_principal(b, i);
	must(snap_builder_write(b, path, 0600, (gid_t)-1));
	snap_builder_free(b);
	buf_release(&v);
}

static void
from_snapshot(const char *dir, unsigned principals)
{
	char path[96], what[80];

	snprintf(path, sizeof(path), "%s/private", dir);
	make_snapshot(path, principals);
	snprintf(what, sizeof(what), "one statement, %u principals", principals);
	measure(what, (const char *[]){ IAM_TEST_BIN "/../bench/policy_first_snapshot", path, "user42", NULL });
	snprintf(what, sizeof(what), "10,000 statements, %u principals", principals);
	measure(what, (const char *[]){ IAM_TEST_BIN "/../bench/policy_first_snapshot", path, "user7", NULL });
	unlink(path);
}

int
main(void)
{
	char dir[] = "/tmp/iam-bench.XXXXXX", path[96];
	struct buf json = BUF_INIT;

	if (mkdtemp(dir) == NULL)
		return 1;
	printf("from exec to the first decision\n");
	measure("nothing but a process (/bin/true)", (const char *[]){ "/bin/true", NULL });
	from_snapshot(dir, 100);
	from_snapshot(dir, 100000);
	snprintf(path, sizeof(path), "%s/policy.json", dir);
	put_document(&json, BY_RESOURCE, 10000);
	must(file_replace(path, json.p, json.len, 0644, (gid_t)-1));
	measure("10,000 statements, from JSON", (const char *[]){ IAM_TEST_BIN "/../bench/policy_first_json", path, NULL });
	unlink(path);
	rmdir(dir);
	buf_release(&json);
	return 0;
}
