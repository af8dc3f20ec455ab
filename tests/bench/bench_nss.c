/*
 * What a look-up costs: the module's functions in this process, at several sizes
 * of the store; and a fresh process that loads the module and asks once. Prints
 * nanoseconds; the best of several rounds, since noise only ever adds.
 */
#include "common/base/base.h"
#include "nss_iam/internal.h"

#include <dlfcn.h>
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_ID 2100000000u
#define ROUNDS 5
#define GROUPS_EACH 10
#define BIG_GROUP 10000u

static unsigned users;
static char buffer[1 << 20];

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
must(int r, const char *what)
{
	if (r != 0)
		errx(1, "%s: %s", what, iam_strerror(r));
}

static void
add(struct snap_builder *b, enum snap_table t, const void *key, size_t len,
    struct buf *v)
{
	must(v->err, "encode");
	must(snap_builder_add(b, t, key, len, buf_cstr(v), v->len), "add");
}

static void
add_account(struct snap_builder *b, unsigned i)
{
	char name[32], home[64];
	struct snap_user u = { FIRST_ID + i, FIRST_ID + i, name, "Some One", home,
		"/bin/bash" };
	struct snap_group g = { .gid = u.gid, .name = name };
	uint32_t id = htole32(u.uid), n;
	struct buf v = BUF_INIT;

	snprintf(name, sizeof(name), "user%u", i);
	snprintf(home, sizeof(home), "/home/user%u", i);
	snap_user_encode(&u, &v);
	add(b, SNAP_USER_NAME, name, strlen(name), &v);
	add(b, SNAP_USER_UID, &id, sizeof(id), &v);
	buf_reset(&v);
	snap_group_encode(&g, &v);
	add(b, SNAP_GROUP_NAME, name, strlen(name), &v);
	add(b, SNAP_GROUP_GID, &id, sizeof(id), &v);
	buf_reset(&v);
	for (n = 0; n < GROUPS_EACH; n++)
		buf_u32(&v, FIRST_ID + 10000000 + n * 1000 + i % 1000);
	add(b, SNAP_MEMBER_OF, name, strlen(name), &v);
	buf_release(&v);
}

static void
add_big_group(struct snap_builder *b)
{
	struct snap_group g = { .gid = FIRST_ID + 9999999, .name = "everyone" };
	struct buf m = BUF_INIT, v = BUF_INIT;
	uint32_t id = htole32(g.gid);

	for (; g.member_count < BIG_GROUP; g.member_count++) {
		buf_printf(&m, "user%u", g.member_count);
		buf_u8(&m, 0);
	}
	g.members = buf_cstr(&m);
	g.members_len = m.len;
	snap_group_encode(&g, &v);
	add(b, SNAP_GROUP_NAME, g.name, strlen(g.name), &v);
	add(b, SNAP_GROUP_GID, &id, sizeof(id), &v);
	buf_release(&m);
	buf_release(&v);
}

static void
publish(void)
{
	uint64_t start = now_ns(), written;
	struct snap_builder *b;
	struct stat st;
	unsigned i;

	must(snap_builder_new(SNAP_PUBLIC, users, 0, &b), "builder");
	for (i = 0; i < users; i++)
		add_account(b, i);
	add_big_group(b);
	written = now_ns();
	must(snap_builder_write(b, IAM_PATH_PUBLIC, 0644, (gid_t)-1), "write");
	snap_builder_free(b);
	if (stat(IAM_PATH_PUBLIC, &st) != 0)
		err(1, "%s", IAM_PATH_PUBLIC);
	printf("%u users: %.1f MB, collected in %.3f s, written in %.3f s\n", users,
	    (double)st.st_size / 1e6, (double)(written - start) / 1e9,
	    (double)(now_ns() - written) / 1e9);
}

/* ---- questions ---- */

static unsigned
scatter(unsigned i)
{
	return (unsigned)((uint64_t)i * 2654435761u % users);
}

static bool
ask_name(unsigned i)
{
	struct passwd pw;
	char name[32];
	int e;

	snprintf(name, sizeof(name), "user%u", i);
	return _nss_iam_getpwnam_r(name, &pw, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_SUCCESS;
}

static bool
known_hot(unsigned i)
{
	struct passwd pw;
	int e;

	(void)i;
	return _nss_iam_getpwnam_r("user7", &pw, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_SUCCESS;
}

static bool
known_random(unsigned i)
{
	return ask_name(scatter(i));
}

static bool
uid_random(unsigned i)
{
	struct passwd pw;
	int e;

	return _nss_iam_getpwuid_r(FIRST_ID + scatter(i), &pw, buffer,
	    sizeof(buffer), &e) == NSS_STATUS_SUCCESS;
}

static bool
unknown_hot(unsigned i)
{
	struct passwd pw;
	int e;

	(void)i;
	return _nss_iam_getpwnam_r("daemon", &pw, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_NOTFOUND;
}

static bool
unknown_random(unsigned i)
{
	return !ask_name(users + scatter(i));
}

static bool
groups_of(unsigned i)
{
	static gid_t *gids;
	static long size;
	long start = 0;
	char name[32];
	int e;

	snprintf(name, sizeof(name), "user%u", i);
	return _nss_iam_initgroups_dyn(name, 1, &start, &size, &gids, -1, &e) ==
	    NSS_STATUS_SUCCESS && start == GROUPS_EACH;
}

static bool
groups_hot(unsigned i)
{
	(void)i;
	return groups_of(7);
}

static bool
groups_random(unsigned i)
{
	return groups_of(scatter(i));
}

static bool
big_group(unsigned i)
{
	struct group gr;
	int e;

	(void)i;
	return _nss_iam_getgrnam_r("everyone", &gr, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_SUCCESS;
}

static bool
next_user(unsigned i)
{
	struct passwd pw;
	int e;

	if (i == 0)
		_nss_iam_setpwent(0);
	return _nss_iam_getpwent_r(&pw, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_SUCCESS;
}

static void
measure(const char *what, bool (*ask)(unsigned), unsigned count)
{
	uint64_t best = UINT64_MAX, start, took;
	unsigned round, i;

	for (round = 0; round < ROUNDS; round++) {
		start = now_ns();
		for (i = 0; i < count; i++) {
			if (!ask(i))
				errx(1, "%s: wrong answer to question %u", what, i);
		}
		took = now_ns() - start;
		best = took < best ? took : best;
	}
	printf("  %-44s %9.0f ns\n", what, (double)best / count);
}

/* A process that has never asked: load, first look-up. */
static uint64_t
fresh_process(const char *module)
{
	enum nss_status (*getpwnam_in)(const char *, struct passwd *, char *,
	    size_t, int *);
	uint64_t took = 0, start;
	struct passwd pw;
	int fds[2], e;
	void *so;

	if (pipe(fds) != 0)
		err(1, "pipe");
	fflush(stdout);
	if (fork() == 0) {
		start = now_ns();
		so = dlopen(module, RTLD_NOW);
		if (so == NULL)
			errx(1, "%s", dlerror());
		*(void **)&getpwnam_in = dlsym(so, "_nss_iam_getpwnam_r");
		if (getpwnam_in("user7", &pw, buffer, sizeof(buffer), &e) !=
		    NSS_STATUS_SUCCESS)
			errx(1, "fresh process: wrong answer");
		took = now_ns() - start;
		if (write(fds[1], &took, sizeof(took)) != sizeof(took))
			err(1, "write");
		_exit(0);
	}
	if (wait(NULL) < 0 || read(fds[0], &took, sizeof(took)) != sizeof(took))
		errx(1, "fresh process: no answer");
	close(fds[0]);
	close(fds[1]);
	return took;
}

static void
measure_cold(const char *module)
{
	uint64_t best = UINT64_MAX, took;
	unsigned i;

	for (i = 0; i < 20; i++) {
		took = fresh_process(module);
		best = took < best ? took : best;
	}
	printf("  %-44s %9.0f ns\n", "fresh process: load, first look-up",
	    (double)best);
}

int
main(int argc, char **argv)
{
	static const unsigned sizes[] = { 1000, 100000 };
	size_t i;

	umask(022);
	for (i = 0; i < IAM_COUNT(sizes) + (argc > 1); i++) {
		/* One more size by argument: 1000000 takes a while. */
		users = i < IAM_COUNT(sizes) ? sizes[i] :
		    (unsigned)strtoul(argv[1], NULL, 10);
		publish();
		measure_cold(IAM_TEST_BIN "/libnss_iam.so.2");
		measure("known name, hot", known_hot, 200000);
		measure("known name, random", known_random, 200000);
		measure("known uid, random", uid_random, 200000);
		measure("unknown name, hot", unknown_hot, 200000);
		measure("unknown name, random", unknown_random, 200000);
		measure("initgroups, 10 groups, hot", groups_hot, 200000);
		measure("initgroups, 10 groups, random", groups_random, 200000);
		measure("group of 10000 members", big_group, 100);
		measure("enumeration, per entry", next_user, users);
	}
	unlink(IAM_PATH_PUBLIC);
	return 0;
}
