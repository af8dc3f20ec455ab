/*
 * Snapshots of two files: the changes, and what they are changes to. Readers see
 * one whole revision, S25: whatever happens to either file, and whenever the
 * writer dies.
 */
#include "tests/unit/snap_faults.h"
#include "tests/unit/snap_fixture.h"
#include "tests/unit/snap_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/snapshot/internal.h"

#define MANY 3000u
#define ROUNDS 400u
#define READERS 8

/* ---- helpers ---- */

static struct snap *
must_open(void)
{
	struct snap *s = NULL;

	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), 0);
	return s;
}

/* u0 to u2999, and a group of three. */
static void
publish_many(void)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	const uint32_t gid = FIRST_ID + 100000;
	char user[32];
	unsigned i;

	for (i = 0; i < MANY; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		add_plain_user(b, user, FIRST_ID + i);
		if (i < 3)
			add_member_of(b, user, &gid, 1);
	}
	add_group(b, "three", gid, "u0 u1 u2");
	publish(b, path);
}

static struct snap_builder *
over(const struct snap *s, uint64_t revision)
{
	struct snap_builder *b = NULL;

	assert_int_equal(snap_builder_over(s, revision, 1795512600, &b), 0);
	return b;
}

/* u7 has another id, u8 is gone, u9 is called nine, new is new. */
static void
publish_changes(uint64_t revision)
{
	struct snap *s = must_open();
	struct snap_builder *b = over(s, revision);

	add_plain_user(b, "u7", FIRST_ID + 50007);
	assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, "u8", 2), 0);
	assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, "u9", 2), 0);
	add_plain_user(b, "nine", FIRST_ID + 9);
	add_plain_user(b, "new", FIRST_ID + 60000);
	add_group(b, "three", FIRST_ID + 100000, "u0 u1");
	assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, "u2", 2), 0);
	add_plain_user(b, "u2", FIRST_ID + 2);
	publish(b, path);
	snap_close(s);
}

static void
assert_user(const struct snap *s, const char *name, uint32_t uid)
{
	struct snap_user u;
	bool found;

	assert_int_equal(snap_user_by_name(s, name, &found, &u), 0);
	assert_int_equal(found, uid != 0);
	if (uid == 0)
		return;
	assert_int_equal(u.uid, uid);
	assert_int_equal(snap_user_by_uid(s, uid, &found, &u), 0);
	assert_true(found);
	assert_string_equal(u.name, name);
}

static void
assert_no_uid(const struct snap *s, uint32_t uid)
{
	struct snap_user u;
	bool found;

	assert_int_equal(snap_user_by_uid(s, uid, &found, &u), 0);
	assert_false(found);
}

static void
assert_changed(const struct snap *s)
{
	struct snap_gids gids;
	struct snap_group g;
	bool found;

	assert_user(s, "u6", FIRST_ID + 6);
	assert_user(s, "u7", FIRST_ID + 50007);
	assert_no_uid(s, FIRST_ID + 7);
	assert_user(s, "u8", 0);
	assert_no_uid(s, FIRST_ID + 8);
	assert_user(s, "u9", 0);
	assert_user(s, "nine", FIRST_ID + 9);
	assert_user(s, "new", FIRST_ID + 60000);
	assert_int_equal(snap_group_by_name(s, "three", &found, &g), 0);
	assert_true(found && g.member_count == 2);
	assert_int_equal(snap_member_of(s, "u1", &found, &gids), 0);
	assert_true(found);
	assert_int_equal(snap_member_of(s, "u2", &found, &gids), 0);
	assert_false(found);
	assert_int_equal(snap_count(s, SNAP_USER_NAME), MANY);
	assert_int_equal(snap_count(s, SNAP_USER_UID), MANY);
	assert_int_equal(snap_count(s, SNAP_MEMBER_OF), 2);
	assert_int_equal(snap_verify(s), 0);
}

static void
under_path(char ret[96])
{
	struct snap *s = must_open();

	assert_int_equal(snap_under_path(path, s->top->under, ret, 96), 0);
	snap_close(s);
}

/* ---- what readers see ---- */

static void
test_snap_builder_over__changes_and_nothing_else(void **state)
{
	struct snap_info info;
	struct snap *s;

	(void)state;
	publish_many();
	assert_int_equal(count_files(), 1);
	publish_changes(2);
	assert_int_equal(count_files(), 2);
	s = must_open();
	snap_info(s, &info);
	assert_int_equal(info.revision, 2);
	assert_in_range(info.changes, 1, 64 << 10);
	assert_changed(s);
	snap_close(s);
}

static void
test_snap_builder_over__changes_to_changes(void **state)
{
	struct snap_builder *b;
	struct snap *s;

	(void)state;
	publish_many();
	publish_changes(2);
	s = must_open();
	b = over(s, 3);
	/* Back again, gone after all, and a name that was left. */
	add_plain_user(b, "u8", FIRST_ID + 8);
	assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, "new", 3), 0);
	add_plain_user(b, "u9", FIRST_ID + 70000);
	publish(b, path);
	snap_close(s);
	s = must_open();
	assert_non_null(s->under);
	assert_user(s, "u8", FIRST_ID + 8);
	assert_user(s, "new", 0);
	assert_no_uid(s, FIRST_ID + 60000);
	assert_user(s, "u9", FIRST_ID + 70000);
	assert_user(s, "nine", FIRST_ID + 9);
	assert_user(s, "u7", FIRST_ID + 50007);
	assert_int_equal(snap_count(s, SNAP_USER_NAME), MANY + 1);
	assert_int_equal(snap_verify(s), 0);
	snap_close(s);
}

static void
test_snap_next__each_once(void **state)
{
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_user u;
	unsigned n, seven = 0;
	struct snap *s;
	bool found;

	(void)state;
	publish_many();
	publish_changes(2);
	s = must_open();
	for (n = 0;; n++) {
		assert_int_equal(snap_user_next(s, &cursor, &found, &u), 0);
		if (!found)
			break;
		seven += strcmp(u.name, "u7") == 0;
		assert_string_not_equal(u.name, "u8");
	}
	assert_int_equal(n, MANY);
	assert_int_equal(seven, 1);
	snap_cursor_release(&cursor);
	snap_close(s);
}

static void
test_snap_merge__one_file_and_the_same_answers(void **state)
{
	struct snap_info info;
	struct snap *s;

	(void)state;
	publish_many();
	publish_changes(2);
	assert_int_equal(snap_merge(path, SNAP_PUBLIC, 0644, (gid_t)-1), 0);
	assert_int_equal(count_files(), 1);
	s = must_open();
	snap_info(s, &info);
	assert_int_equal(info.revision, 2);
	assert_int_equal(info.changes, 0);
	assert_changed(s);
	snap_close(s);
	/* Nothing to do. */
	assert_int_equal(snap_merge(path, SNAP_PUBLIC, 0644, (gid_t)-1), 0);
}

/* Few changes to little are a file of everything. */
static void
test_snap_builder_write__small_ones_are_whole(void **state)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	struct snap *s;

	(void)state;
	add_plain_user(b, "sarah", FIRST_ID);
	add_plain_user(b, "bob", FIRST_ID + 1);
	publish(b, path);
	s = must_open();
	b = over(s, 2);
	assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, "bob", 3), 0);
	publish(b, path);
	snap_close(s);
	assert_int_equal(count_files(), 1);
	s = must_open();
	assert_null(s->under);
	assert_user(s, "sarah", FIRST_ID);
	assert_user(s, "bob", 0);
	assert_int_equal(snap_count(s, SNAP_USER_NAME), 1);
	snap_close(s);
}

/* What was in the changes until now and is removed stays so, too, when they have
 * become too many and everything is written. */
static void
test_snap_builder_write__removed_and_then_whole(void **state)
{
	struct snap_builder *b;
	struct snap *s;
	char name[32];
	unsigned i;

	(void)state;
	publish_many();
	publish_changes(2);
	s = must_open();
	b = over(s, 3);
	assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, "new", 3), 0);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		add_plain_user(b, name, FIRST_ID + 300000 + i);
	}
	publish(b, path);
	snap_close(s);
	s = must_open();
	assert_null(s->under);
	assert_user(s, "new", 0);
	assert_no_uid(s, FIRST_ID + 60000);
	assert_user(s, "more7", FIRST_ID + 300007);
	assert_user(s, "u7", FIRST_ID + 50007);
	assert_int_equal(snap_count(s, SNAP_USER_NAME), 2 * MANY - 1);
	assert_int_equal(snap_verify(s), 0);
	snap_close(s);
}

/* What has been read of the large file stays, and is not read again. */
static void
test_snap_open_next__the_large_file_is_shared(void **state)
{
	struct snap_builder *b;
	struct snap *s, *next;

	(void)state;
	publish_many();
	publish_changes(2);
	s = must_open();
	assert_user(s, "u2000", FIRST_ID + 2000);
	b = over(s, 3);
	add_plain_user(b, "u2001", FIRST_ID + 80000);
	publish(b, path);
	assert_false(snap_is_current(s, path));
	assert_int_equal(snap_open_next(path, SNAP_PUBLIC, s, &next), 0);
	assert_ptr_equal(s->under, next->under);
	snap_close(s);
	assert_user(next, "u2000", FIRST_ID + 2000);
	assert_user(next, "u2001", FIRST_ID + 80000);
	snap_close(next);
}

/* Parked, the large file is opened by its own name; when it is gone, by the
 * reader's next look at the first. */
static void
test_snap_find__the_large_file_is_gone(void **state)
{
	struct snap_user u;
	struct snap *s;
	char name[96];
	bool found;

	(void)state;
	publish_many();
	publish_changes(2);
	s = must_open();
	snap_park(s);
	assert_user(s, "u100", FIRST_ID + 100);
	assert_int_equal(snap_merge(path, SNAP_PUBLIC, 0644, (gid_t)-1), 0);
	assert_false(snap_is_current(s, path));
	assert_int_equal(snap_user_by_name(s, "u2999", &found, &u),
	    IAM_ERR_ABSENT);
	snap_close(s);
	publish_changes(3);
	under_path(name);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), IAM_ERR_FORMAT);
}

/* ---- damage ---- */

/* Right, or an error. */
static void
check_answers(const struct snap *s)
{
	struct snap_user u;
	bool found;

	if (snap_user_by_name(s, "u7", &found, &u) == 0)
		assert_true(found && u.uid == FIRST_ID + 50007);
	if (snap_user_by_name(s, "u8", &found, &u) == 0)
		assert_false(found);
	if (snap_user_by_uid(s, FIRST_ID + 7, &found, &u) == 0)
		assert_false(found);
	if (snap_user_by_name(s, "u6", &found, &u) == 0)
		assert_true(found && u.uid == FIRST_ID + 6);
	if (snap_user_by_name(s, "new", &found, &u) == 0)
		assert_true(found);
}

static void
try_answers(bool *ret_refused)
{
	struct snap *s;

	*ret_refused = true;
	if (snap_open(path, SNAP_PUBLIC, &s) != 0)
		return;
	check_answers(s);
	*ret_refused = snap_verify(s) != 0;
	snap_close(s);
}

/* S2, S25: every byte of the changes flipped. */
static void
test_snap_find__S25_flipped_byte_of_the_changes(void **state)
{
	struct buf f = BUF_INIT;
	uint8_t c;
	bool refused;
	size_t i;
	int fd;

	(void)state;
	publish_many();
	publish_changes(2);
	assert_int_equal(file_read(path, FILE_ROOT_ONLY, 1 << 20, &f), 0);
	assert_true((fd = open(path, O_WRONLY | O_CLOEXEC)) >= 0);
	for (i = 0; i < f.len; i += i % SNAP_BLOCK < 512 ? 1 : 37) {
		c = f.p[i] ^ (i % 2 == 0 ? 0xff : 0x01);
		assert_int_equal(pwrite(fd, &c, 1, (off_t)i), 1);
		try_answers(&refused);
		assert_true(refused);
		assert_int_equal(pwrite(fd, &f.p[i], 1, (off_t)i), 1);
	}
	close(fd);
	buf_release(&f);
}

/* S25: both files cut off, at every page and around it. */
static void
test_snap_open__S25_truncation_of_either_file(void **state)
{
	char name[96];
	const char *file[2] = { path, name };
	struct stat st;
	bool refused;
	off_t len;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		publish_many();
		publish_changes(2);
		under_path(name);
		assert_int_equal(stat(file[i], &st), 0);
		for (len = st.st_size - 1; len >= 0;
		    len -= len % SNAP_BLOCK == 1 ? SNAP_BLOCK - 2 : 1) {
			assert_int_equal(truncate(file[i], len), 0);
			try_answers(&refused);
			assert_true(refused);
		}
	}
}

/* S38: a full disk leaves the old revision in place, whichever writes. */
static void
test_snap_builder_write__S38_disk_full(void **state)
{
	struct snap_builder *b;
	struct snap *s;

	(void)state;
	publish_many();
	publish_changes(2);
	s = must_open();
	b = over(s, 3);
	add_plain_user(b, "late", FIRST_ID + 90000);
	disk_full = true;
	assert_int_equal(snap_builder_write(b, path, 0644, (gid_t)-1), IAM_ERR_IO);
	assert_int_equal(snap_merge(path, SNAP_PUBLIC, 0644, (gid_t)-1),
	    IAM_ERR_IO);
	disk_full = false;
	snap_builder_free(b);
	snap_close(s);
	assert_int_equal(count_files(), 2);
	s = must_open();
	assert_changed(s);
	snap_close(s);
}

static int
change_and_read(void)
{
	struct snap_builder *b = NULL;
	struct snap_user u;
	struct snap *s = NULL;
	bool found = false;
	int r;

	if ((r = snap_open(path, SNAP_PUBLIC, &s)) != 0 ||
	    (r = snap_builder_over(s, 3, 1, &b)) != 0 ||
	    (r = snap_builder_add(b, SNAP_SSH_KEYS, "u1", 2, "x\n", 2)) != 0 ||
	    (r = snap_builder_remove(b, SNAP_USER_NAME, "u5", 2)) != 0 ||
	    (r = snap_builder_write(b, path, 0644, (gid_t)-1)) != 0)
		goto out;
	snap_close(s);
	s = NULL;
	if ((r = snap_open(path, SNAP_PUBLIC, &s)) == 0 &&
	    (r = snap_user_by_name(s, "u5", &found, &u)) == 0)
		assert_false(found);
out:
	snap_close(s);
	snap_builder_free(b);
	return r;
}

static void
test_snap_builder_over__every_allocation_failing(void **state)
{
	struct snap *s;
	long n;
	int r;

	(void)state;
	publish_many();
	for (n = 1;; n++) {
		fail_at = n;
		r = change_and_read();
		if (fail_at > 0)
			break; /* there was no n-th */
		fail_at = 0;
		assert_int_equal(r, IAM_ERR_MEMORY);
		s = must_open();
		assert_user(s, "u6", FIRST_ID + 6);
		snap_close(s);
	}
	fail_at = 0;
	assert_int_equal(r, 0);
	assert_in_range(n, 8, 200);
}

/* ---- readers beside writers that are killed ---- */

/*
 * Revision n has user "mark" with the id FIRST_ID + 200000 + n, and "odd" for odd
 * revisions only. An answer that mixes revisions has one of them wrong.
 */
static void
write_revision(const struct snap *s, uint64_t n)
{
	struct snap_builder *b = over(s, n);
	char name[32];

	snprintf(name, sizeof(name), "mark");
	add_plain_user(b, name, FIRST_ID + 200000 + (uint32_t)n);
	if (n % 2 == 1)
		add_plain_user(b, "odd", FIRST_ID + 190000);
	else if (n > 2)
		assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, "odd", 3),
		    0);
	publish(b, path);
}

static void
write_for_ever(uint64_t n)
{
	struct snap *s;

	for (;; n++) {
		s = must_open();
		write_revision(s, n);
		snap_close(s);
		if (n % 16 == 0)
			(void)snap_merge(path, SNAP_PUBLIC, 0644, (gid_t)-1);
	}
}

/* 0: one whole revision. */
static int
read_once(struct snap **s)
{
	struct snap_user mark, odd, u;
	struct snap *next;
	bool found, is_odd;
	struct snap_info info;
	int r;

	if (*s == NULL || !snap_is_current(*s, path)) {
		if ((r = snap_open_next(path, SNAP_PUBLIC, *s, &next)) != 0)
			return r;
		snap_close(*s);
		*s = next;
		snap_park(*s);
	}
	snap_info(*s, &info);
	if ((r = snap_user_by_name(*s, "mark", &found, &mark)) != 0 ||
	    (r = snap_user_by_name(*s, "odd", &is_odd, &odd)) != 0 ||
	    (r = snap_user_by_uid(*s, FIRST_ID + 77, &found, &u)) != 0) {
		snap_close(*s); /* replaced meanwhile: open it again */
		*s = NULL;
		return r == IAM_ERR_CONFLICT || r == IAM_ERR_ABSENT ? 0 : r;
	}
	return info.revision > 1 && (mark.uid != FIRST_ID + 200000 +
	    info.revision || is_odd != (info.revision % 2 == 1) || !found) ? 1 : 0;
}

static void
read_for_ever(int fd)
{
	struct snap *s = NULL;
	unsigned n;
	int r;

	for (n = 0;; n++) {
		if ((r = read_once(&s)) != 0)
			_exit(r > 0 ? 2 : 3);
		if (n == 0 && write(fd, "", 1) != 1)
			_exit(4);
	}
}

static void
test_changes__S25_readers_while_writers_are_killed(void **state)
{
	pid_t reader[READERS], writer;
	struct snap_info info;
	uint64_t revision = 1;
	volatile unsigned spin;
	struct snap *s;
	unsigned i, round;
	int fds[2], status;
	char c;

	(void)state;
	publish_many();
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	for (i = 0; i < READERS; i++) {
		if ((reader[i] = fork()) == 0)
			read_for_ever(fds[1]);
	}
	for (i = 0; i < READERS; i++)
		assert_int_equal(read(fds[0], &c, 1), 1);
	for (round = 0; round < ROUNDS / 8; round++) {
		if ((writer = fork()) == 0)
			write_for_ever(revision + 1);
		/* Until it has written something, and then for a while that differs. */
		do {
			s = must_open();
			snap_info(s, &info);
			snap_close(s);
		} while (info.revision == revision && waitpid(writer, &status,
		    WNOHANG) == 0);
		for (spin = 0; spin < round * 40000; spin++)
			;
		kill(writer, SIGKILL);
		assert_int_equal(waitpid(writer, &status, 0), writer);
		assert_true(WIFSIGNALED(status));
		s = must_open();
		assert_int_equal(snap_verify(s), 0);
		snap_info(s, &info);
		assert_true(info.revision > revision);
		revision = info.revision;
		snap_close(s);
	}
	print_message("%llu revisions\n", (unsigned long long)revision);
	for (i = 0; i < READERS; i++) {
		assert_int_equal(waitpid(reader[i], &status, WNOHANG), 0);
		kill(reader[i], SIGKILL);
		assert_int_equal(waitpid(reader[i], &status, 0), reader[i]);
	}
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snap_builder_over__changes_and_nothing_else),
		cmocka_unit_test(test_snap_builder_over__changes_to_changes),
		cmocka_unit_test(test_snap_next__each_once),
		cmocka_unit_test(test_snap_merge__one_file_and_the_same_answers),
		cmocka_unit_test(test_snap_builder_write__small_ones_are_whole),
		cmocka_unit_test(test_snap_builder_write__removed_and_then_whole),
		cmocka_unit_test(test_snap_open_next__the_large_file_is_shared),
		cmocka_unit_test(test_snap_find__the_large_file_is_gone),
		cmocka_unit_test(test_snap_find__S25_flipped_byte_of_the_changes),
		cmocka_unit_test(test_snap_open__S25_truncation_of_either_file),
		cmocka_unit_test(test_snap_builder_write__S38_disk_full),
		cmocka_unit_test(test_snap_builder_over__every_allocation_failing),
		cmocka_unit_test(test_changes__S25_readers_while_writers_are_killed),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
