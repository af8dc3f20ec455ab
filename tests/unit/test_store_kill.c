/*
 * SIGKILL at every system call that changes a file, in a process that opens
 * the store, makes a user and publishes: what is left must open, be whole, hold
 * the user or not, and the next publisher must bring the snapshots to its
 * revision. No sleeps: the calls themselves are counted, by functions of the
 * same names that the libraries find first.
 */
#include "tests/unit/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/snapshot/accounts.h"

#define NEVER (-1)

static long countdown = NEVER; /* calls until the end; set in children only */
static bool only_changes;      /* published; else everything */
static bool merging;           /* while the two files are made one */

static void
step(void)
{
	if (countdown != NEVER && countdown-- == 0)
		kill(getpid(), SIGKILL);
}

/* Each of these may be the last thing that the process does not do. */
ssize_t
write(int fd, const void *p, size_t n)
{
	step();
	return syscall(SYS_write, fd, p, n);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t off)
{
	step();
	return syscall(SYS_pwrite64, fd, p, n, off);
}

/* With 64-bit file offsets, as here, C has no name left for this one. */
ssize_t pwrite_plain(int fd, const void *p, size_t n, long off)
    __asm__("pwrite");

ssize_t
pwrite_plain(int fd, const void *p, size_t n, long off)
{
	step();
	return syscall(SYS_pwrite64, fd, p, n, off);
}

int
fsync(int fd)
{
	step();
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	step();
	return (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate64(int fd, off_t len)
{
	step();
	return (int)syscall(SYS_ftruncate, fd, len);
}

int ftruncate_plain(int fd, long len) __asm__("ftruncate");

int
ftruncate_plain(int fd, long len)
{
	step();
	return (int)syscall(SYS_ftruncate, fd, len);
}

int
rename(const char *from, const char *to)
{
	step();
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
unlink(const char *path)
{
	step();
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int
link(const char *from, const char *to)
{
	step();
	return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
unlinkat(int dir, const char *path, int flags)
{
	step();
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

/* ---- the process that dies ---- */

static int
create_and_publish(struct fix *f, unsigned n)
{
	const char *path = f->paths.public_snapshot;
	char key[32], text[512];
	struct store *s = NULL;
	struct snap *then = NULL;
	json_t *doc;
	int r;

	snprintf(key, sizeof(key), "users/u%u", n);
	snprintf(text, sizeof(text), "{\"UserName\": \"u%u\", \"UserId\": \"A\","
	    " \"Arn\": \"arn:u%u\", \"UnixName\": \"u%u\", \"Uid\": %u, \"Gid\": %u,"
	    " \"Home\": \"/h\", \"Shell\": \"/bin/sh\", \"Enabled\": true}", n, n, n,
	    2100000000u + n, 2100000000u + n);
	if ((doc = json_loads(text, 0, NULL)) == NULL)
		return IAM_ERR_MEMORY;
	if ((!merging || (r = snap_merge_begin(path, SNAP_PUBLIC, 0644, (gid_t)-1,
	    &then)) == 0) &&
	    (r = store_open(f->path[0], false, &s, NULL)) == 0 &&
	    (r = store_begin(s)) == 0 &&
	    (r = store_put(s, key, doc)) == 0 &&
	    (r = store_commit(s, "arn:root", "CreateUser", NULL)) == 0)
		r = only_changes ?
		    store_publish_changes(s, &f->paths, NULL, NULL) :
		    store_publish(s, &f->paths, NULL, NULL);
	if (r == 0 && then != NULL)
		r = snap_merge_end(path, SNAP_PUBLIC, 0644, (gid_t)-1, then);
	snap_close(then);
	store_close(s);
	json_decref(doc);
	return r;
}

/* How the child ended: true when it was killed, false when it got through. */
static bool
run_child(struct fix *f, unsigned n, long calls)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		countdown = calls;
		_exit(create_and_publish(f, n) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

/* ---- what it leaves ---- */

static uint64_t
snapshot_revision(const char *path, enum snap_kind kind)
{
	struct snap_info info;
	struct snap *s;

	assert_int_equal(snap_open(path, kind, &s), 0);
	assert_int_equal(snap_verify(s), 0);
	snap_info(s, &info);
	snap_close(s);
	return info.revision;
}

static bool
snapshot_has(const char *path, const char *name)
{
	struct snap_user u;
	struct snap *s;
	bool found;

	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), 0);
	assert_int_equal(snap_user_by_name(s, name, &found, &u), 0);
	snap_close(s);
	return found;
}

static void
check_what_is_left(struct fix *f, unsigned n, uint64_t before)
{
	struct iam_why why = { 0 };
	uint64_t pub, priv, now;
	json_t *doc = NULL;
	char name[16], key[32];
	bool current;
	int r;

	snprintf(name, sizeof(name), "u%u", n);
	snprintf(key, sizeof(key), "users/%s", name);
	fix_open(f, false);
	if (store_check(f->store, &why) != 0)
		fail_msg("%s", why.text);
	now = store_revision(f->store);
	assert_true(now == before || now == before + 1);
	assert_int_equal(store_get(f->store, key, &doc), 0);
	assert_int_equal(doc != NULL, now == before + 1);
	json_decref(doc);

	/* Before anybody mends anything: whole, of a revision there was, private first. */
	pub = snapshot_revision(f->paths.public_snapshot, SNAP_PUBLIC);
	priv = snapshot_revision(f->paths.private_snapshot, SNAP_PRIVATE);
	assert_true(pub >= before && pub <= priv && priv <= now);
	assert_int_equal(store_published(f->store, &f->paths, &current), 0);
	assert_int_equal(current, pub == now && priv == now);

	r = only_changes ?
	    store_publish_changes(f->store, &f->paths, NULL, &why) :
	    store_publish(f->store, &f->paths, NULL, &why);
	if (r != 0)
		fail_msg("%s", why.text);
	assert_int_equal(store_published(f->store, &f->paths, &current), 0);
	assert_true(current);
	assert_int_equal(snapshot_has(f->paths.public_snapshot, name),
	    now == before + 1);
	store_close(f->store);
	f->store = NULL;
}

static void
test_store__killed_at_every_call_leaves_whole_revisions(void **state)
{
	struct fix *f = *state;
	uint64_t before;
	unsigned n;
	bool killed;

	for (n = 1, killed = true; killed; n++) {
		before = store_revision(f->store);
		store_close(f->store);
		f->store = NULL;
		killed = run_child(f, n, (long)n - 1);
		check_what_is_left(f, n, before);
		fix_open(f, false);
	}
	/* The loop has seen more than the opening: WAL, commit, two snapshots. */
	assert_true(n > 15);
}

/* So many that a change is published by itself. */
static void
add_many(struct fix *f)
{
	char key[32];
	unsigned i;
	json_t *doc;

	assert_int_equal(store_begin(f->store), 0);
	for (i = 0; i < 900; i++) {
		snprintf(key, sizeof(key), "users/many%u", i);
		doc = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:b}",
		    "UserName", key + 6, "UserId", "A", "Arn", key, "UnixName", key + 6,
		    "Uid", 2100100000 + (int)i, "Gid", 2100100000 + (int)i, "Home",
		    "/a/home/with/a/name/that/takes/some/room/in/the/snapshot/that/is"
		    "/published/and/then/some/more/so/that/changes/are/few", "Shell",
		    "/bin/sh", "Enabled", 1);
		assert_int_equal(store_put(f->store, key, doc), 0);
		json_decref(doc);
	}
	assert_int_equal(store_commit(f->store, "arn:root", "Many", NULL), 0);
	assert_int_equal(store_publish(f->store, &f->paths, NULL, NULL), 0);
}

static void
test_store__killed_at_every_call_of_a_publish_of_changes(void **state)
{
	struct fix *f = *state;
	struct snap_info info;
	struct snap *s;

	add_many(f);
	only_changes = true;
	test_store__killed_at_every_call_leaves_whole_revisions(state);
	only_changes = false;
	assert_int_equal(snap_open(f->paths.public_snapshot, SNAP_PUBLIC, &s), 0);
	snap_info(s, &info);
	assert_true(info.changes > 0);
	snap_close(s);
}

static void
test_store__killed_at_every_call_while_two_files_become_one(void **state)
{
	merging = true;
	test_store__killed_at_every_call_of_a_publish_of_changes(state);
	merging = false;
}

/*
 * Killed from outside as well, wherever it happens to be: the child says by a
 * byte that a round begins, and the parent spins for a while that differs.
 */
static void
test_store__killed_anywhere_leaves_whole_revisions(void **state)
{
	struct fix *f = *state;
	volatile unsigned spin;
	unsigned round, n = 1000;
	struct iam_why why;
	int pipe_fd[2];
	bool current;
	pid_t pid;
	char c;

	store_close(f->store);
	f->store = NULL;
	for (round = 0; round < 40; round++) {
		assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			for (n = 1000 * (round + 1);; n++) {
				if (syscall(SYS_write, pipe_fd[1], "", 1) != 1 ||
				    create_and_publish(f, n) != 0)
					_exit(1);
			}
		}
		close(pipe_fd[1]);
		assert_int_equal(read(pipe_fd[0], &c, 1), 1);
		for (spin = 0; spin < round * 200000; spin++)
			;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(pipe_fd[0]);
		fix_open(f, false);
		if (store_check(f->store, &why) != 0)
			fail_msg("%s", why.text);
		snapshot_revision(f->paths.public_snapshot, SNAP_PUBLIC);
		snapshot_revision(f->paths.private_snapshot, SNAP_PRIVATE);
		assert_int_equal(store_publish(f->store, &f->paths, NULL, &why), 0);
		assert_int_equal(store_published(f->store, &f->paths, &current), 0);
		assert_true(current);
		store_close(f->store);
		f->store = NULL;
	}
}

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fix_setup(f);
	assert_int_equal(store_publish(f->store, &f->paths, NULL, NULL), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fix_teardown(*state);
	free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_store__killed_at_every_call_leaves_whole_revisions,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_store__killed_at_every_call_of_a_publish_of_changes,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_store__killed_at_every_call_while_two_files_become_one,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_store__killed_anywhere_leaves_whole_revisions, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
