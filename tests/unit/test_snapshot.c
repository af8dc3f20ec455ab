/*
 * The snapshot format, its writer and its readers.
 * S2: "not there" is proved. S25: truncation, garbage and replacement give
 * errors, never SIGBUS, a torn record or a wrong answer. S29: bytes are the same
 * on every machine (compared with docs/snapshot-format.md, byte by byte).
 */
#include "tests/unit/snap_faults.h"
#include "tests/unit/snap_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/snapshot/internal.h"

static char dir[] = "/tmp/test_snapshot.XXXXXX";
static char path[64], other[64];

#define MANY 20000u

/* ---- faults ---- */

static unsigned stats;     /* calls of fstatat */
static unsigned frozen_ms; /* what the coarse clock says; 0: the truth */

void *__real_mmap64(void *p, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *p, size_t len, int prot, int flags, int fd, off_t off);
/* Where time_t had 32 bits once, glibc has other names for the calls with 64. */
#if __TIMESIZE == 64
#define TIME64(real)
#else
#define TIME64(real) __asm__(real)
#endif
int __real_fstatat64(int fd, const char *p, struct stat *st, int flags)
    TIME64("__real___fstatat64_time64");
int __wrap_fstatat64(int fd, const char *p, struct stat *st, int flags)
    TIME64("__wrap___fstatat64_time64");
int __real_clock_gettime(clockid_t id, struct timespec *t)
    TIME64("__real___clock_gettime64");
int __wrap_clock_gettime(clockid_t id, struct timespec *t)
    TIME64("__wrap___clock_gettime64");

void *
__wrap_mmap64(void *p, size_t len, int prot, int flags, int fd, off_t off)
{
	return fails() ? MAP_FAILED : __real_mmap64(p, len, prot, flags, fd, off);
}

int
__wrap_fstatat64(int fd, const char *p, struct stat *st, int flags)
{
	stats++;
	return __real_fstatat64(fd, p, st, flags);
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	if (frozen_ms == 0)
		return __real_clock_gettime(id, t);
	t->tv_sec = frozen_ms / 1000;
	t->tv_nsec = (long)(frozen_ms % 1000) * 1000000;
	return 0;
}

/* ---- helpers ---- */

static struct buf
slurp(const char *name)
{
	struct buf b = BUF_INIT;

	assert_int_equal(file_read(name, FILE_ROOT_ONLY, 1 << 28, &b), 0);
	return b;
}

/* In place, as an administrator's shell would: same inode. */
static void
overwrite(const char *name, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, data, len), 0);
	close(fd);
}

static void
publish_small(const char *name, uint64_t revision)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, revision);
	const uint32_t gids[] = { 27, FIRST_ID + 2 };
	const char keys[] = "ssh-ed25519 AAAA sarah\n";

	add_plain_user(b, "sarah", FIRST_ID);
	add_plain_user(b, "bob", FIRST_ID + 1);
	add_group(b, "marketing", FIRST_ID + 2, "sarah bob");
	add_member_of(b, "sarah", gids, IAM_COUNT(gids));
	must_add(b, SNAP_SSH_KEYS, "sarah", 5, keys, strlen(keys));
	publish(b, name);
}

static void
publish_many(const char *name, unsigned count)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	char user[32];
	unsigned i;

	for (i = 0; i < count; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		add_plain_user(b, user, FIRST_ID + i);
	}
	publish(b, name);
}

static struct snap *
must_open(const char *name)
{
	struct snap *s = NULL;

	assert_int_equal(snap_open(name, SNAP_PUBLIC, &s), 0);
	return s;
}

static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* ---- checksums and layout ---- */

/* Source: xxHash's own sanity check, cli/xsum_sanity_check.c of release 0.7. */
static void
test_snap_check64__known_answers(void **state)
{
	static const struct { size_t len; uint64_t seed, want; } t[] = {
		{ 0, 0, 0xEF46DB3751D8E999 }, { 0, 2654435761, 0xAC75FDA2929B17EF },
		{ 1, 0, 0x4FCE394CC88952D8 }, { 1, 2654435761, 0x739840CB819FA723 },
		{ 14, 0, 0xCFFA8DB881BC3A3D }, { 14, 2654435761, 0x5B9611585EFCC9CB },
		{ 101, 0, 0x0EAB543384F878AD }, { 101, 2654435761, 0xCAA65939306F1E21 },
	};
	uint32_t gen = 2654435761u;
	uint8_t in[101];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(in); i++) {
		in[i] = (uint8_t)(gen >> 24);
		gen *= gen;
	}
	for (i = 0; i < IAM_COUNT(t); i++)
		assert_true(snap_check64(in, t[i].len, t[i].seed) == t[i].want);
	assert_true(snap_check64("abc", 3, 0) == 0x44BC2CF5AD770999);
}

/* A whole file by docs/snapshot-format.md, with no reader or writer of ours. */
static void
test_snap_builder_write__layout_as_documented(void **state)
{
	struct snap_builder *b = new_builder(SNAP_PRIVATE, 0x0102030405060708);
	const uint8_t *p, *row, *block;
	struct buf f;
	uint64_t salt, h;

	(void)state;
	must_add(b, SNAP_ACCOUNT, "account", 7, "value", 5);
	publish(b, path);
	f = slurp(path);
	p = f.p;
	/* A header, five tables of a block each, one block of records. */
	assert_int_equal(f.len, 7 * 1024);
	assert_memory_equal(p, "\x89IAMS\r\n\x1a", 8);
	assert_memory_equal(p + 8, "\3\0\0\0" "\2\0\0\0" "\0\4\0\0", 12);
	assert_memory_equal(p + 20, "\5\0\0\0" "\10\7\6\5\4\3\2\1", 12);
	assert_true(le_u64(p + 32) == 1795512600);
	assert_true(le_u64(p + 40) == f.len);
	assert_true(le_u64(p + 56) == 0);
	assert_true(snap_check64(p, 1016, 0) == le_u64(p + 1016));
	salt = le_u64(p + 48);
	/* Row 3: table 8, one bucket on the fourth block, one block of records. */
	row = p + 64 + 2 * 48;
	assert_memory_equal(row, "\10\0\0\0" "\1\0\0\0", 8);
	assert_true(le_u64(row + 8) == 3 * 1024);
	assert_true(le_u64(row + 16) == 6 * 1024);
	assert_true(le_u64(row + 24) == 1024);
	assert_true(le_u64(row + 32) == 1);
	assert_true(le_u64(row + 40) == 1);
	block = p + 3 * 1024;
	h = snap_check64("account", 7, 8);
	assert_int_equal(le_u32(block),
	    (uint32_t)snap_check64(block + 4, 1020, salt ^ (3 * 1024)));
	assert_int_equal(le_u16(block + 4), (uint16_t)h);
	assert_int_equal(le_u16(block + 6), 0);
	assert_int_equal(le_u32(block + 24), (6 * 1024 + 4) / 4);
	assert_int_equal(le_u32(block + 28), 0);
	block = p + 6 * 1024;
	assert_int_equal(le_u32(block),
	    (uint32_t)snap_check64(block + 4, 1020, salt ^ (6 * 1024)));
	assert_memory_equal(block + 4, "\4\0\7\0" "\5\0\0\0" "\0\0\0\0"
	    "account\0" "value\0\0\0", 28);
	for (p = block + 32; p < f.p + f.len; p++)
		assert_int_equal(*p, 0);
	buf_release(&f);
}

/* A user has its keys in its value, and its memberships behind it. */
static void
test_snap_builder_write__a_user_as_documented(void **state)
{
	const uint8_t *p, *rec;
	struct buf f;

	(void)state;
	publish_small(path, 1);
	f = slurp(path);
	p = f.p;
	/* The second row is that of the uids: the same records. */
	assert_true(le_u64(p + 64 + 16) == le_u64(p + 64 + 48 + 16));
	rec = p + le_u64(p + 64 + 16) + 4;
	/* V is 36, E is 9. */
	assert_int_equal(le_u32(rec), 0x1d | 36 << 8 | 9 << 20);
	rec += 4;
	assert_int_equal(le_u32(rec), FIRST_ID);
	/* sarah's name begins at byte 18; shell 1, a private group. */
	assert_memory_equal(rec + 4, "\5" "\1" "\x12\0" "\x0b\0" "\x0b\0", 8);
	assert_memory_equal(rec + 12, "/home/sarah\0Some One,,,\0", 24);
	assert_memory_equal(rec + 36, "\4" "\x1b\0\0\0", 5);
	assert_int_equal(le_u32(rec + 41), FIRST_ID + 2 - 27);
	buf_release(&f);
}

/* The members of a group: runs of names that begin alike. */
static void
test_snap_builder_write__a_group_as_documented(void **state)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	const uint8_t *p, *rec;
	struct buf f;

	(void)state;
	add_group(b, "crew", FIRST_ID + 5, "bob user10 user11 user7 user8");
	publish(b, path);
	f = slurp(path);
	p = f.p;
	rec = p + le_u64(p + 64 + 2 * 48 + 16) + 4;
	assert_int_equal(le_u32(rec), 0x1d | 43 << 8);
	rec += 4;
	assert_int_equal(le_u32(rec), FIRST_ID + 5);
	assert_memory_equal(rec + 4, "\4" "\0" "\x10\0" "\5\0\0\0" "\x1e\0\0\0"
	    "crew\0", 17);
	assert_memory_equal(rec + 21, "\1\0" "\3" "bob" "\4\4" "user"
	    "\2\2\1\1" "101178", 22);
	buf_release(&f);
}

static void
test_snap_builder_write__same_input_same_bytes(void **state)
{
	struct buf a, b;

	(void)state;
	publish_small(path, 1);
	publish_small(other, 1);
	a = slurp(path);
	b = slurp(other);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.p, b.p, a.len);
	buf_release(&a);
	buf_release(&b);
}

/* ---- adding ---- */

static void
test_snap_builder_add__refuses(void **state)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	char key[SNAP_KEY_MAX + 1];

	(void)state;
	memset(key, 'k', sizeof(key));
	must_add(b, SNAP_SSH_KEYS, "a", 1, "x", 1);
	assert_int_equal(snap_builder_add(b, SNAP_SSH_KEYS, "a", 1, "y", 1),
	    IAM_ERR_CONFLICT);
	must_add(b, SNAP_USER_NAME, "a", 1, "x", 1);
	must_add(b, SNAP_MEMBER_OF, "a", 1, "\1\0\0\0", 4);
	assert_int_equal(snap_builder_add(b, SNAP_MEMBER_OF, "a", 1, "\1\0\0\0",
	    4), IAM_ERR_CONFLICT);
	assert_int_equal(snap_builder_add(b, SNAP_MEMBER_OF, "b", 1, "\1\0\0", 3),
	    IAM_ERR_ARG);
	assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, "a", 1),
	    IAM_ERR_ARG);
	assert_int_equal(snap_builder_add(b, SNAP_POLICY, "a", 1, "y", 1),
	    IAM_ERR_ARG);
	assert_int_equal(snap_builder_add(b, SNAP_USER_UID, "abc", 3, "y", 1),
	    IAM_ERR_ARG);
	assert_int_equal(snap_builder_add(b, SNAP_USER_NAME, "", 0, "y", 1),
	    IAM_ERR_ARG);
	assert_int_equal(snap_builder_add(b, SNAP_USER_NAME, key, sizeof(key),
	    "y", 1), IAM_ERR_ARG);
	assert_int_equal(snap_builder_add(b, SNAP_USER_NAME, "n", 1, "y",
	    SNAP_VALUE_MAX + 1), IAM_ERR_LIMIT);
	snap_builder_free(b);
	snap_builder_free(NULL);
}

/* By id before by name, ids without names, and records that differ. */
static void
test_snap_builder_add__ids_and_names_in_any_order(void **state)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	struct snap_bytes by_name, by_id;
	struct snap *s;
	bool found;

	(void)state;
	must_add(b, SNAP_USER_UID, "\1\0\0\0", 4, "one", 3);
	must_add(b, SNAP_USER_UID, "\2\0\0\0", 4, "two", 3);
	must_add(b, SNAP_USER_NAME, "uno", 3, "one", 3);
	must_add(b, SNAP_USER_NAME, "tres", 4, "three", 5);
	publish(b, path);
	s = must_open(path);
	assert_int_equal(snap_verify(s), 0);
	assert_int_equal(snap_count(s, SNAP_USER_NAME), 2);
	assert_int_equal(snap_count(s, SNAP_USER_UID), 2);
	assert_int_equal(snap_count(s, SNAP_POLICY), 0);
	assert_int_equal(snap_find(s, SNAP_USER_NAME, "uno", 3, &found, &by_name), 0);
	assert_true(found);
	assert_int_equal(snap_find(s, SNAP_USER_UID, "\1\0\0\0", 4, &found, &by_id), 0);
	assert_true(found);
	assert_ptr_equal(by_name.p, by_id.p);
	assert_int_equal(snap_find(s, SNAP_USER_NAME, "two", 3, &found, &by_id), 0);
	assert_false(found);
	snap_close(s);
}

/* ---- finding ---- */

static void
test_snap_find__every_key_and_no_other(void **state)
{
	/* An eighth of the buckets overflows, and the process's own map of blocks
	 * grows more than once, until it has a place for each. */
	const unsigned count = MANY;
	struct snap_user u;
	struct snap *s;
	char name[32];
	unsigned i;
	bool found;

	(void)state;
	publish_many(path, count);
	s = must_open(path);
	for (i = 0; i < 2 * count; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		assert_int_equal(snap_user_by_name(s, name, &found, &u), 0);
		assert_int_equal(found, i < count);
		if (found)
			assert_int_equal(u.uid, FIRST_ID + i);
		assert_int_equal(snap_user_by_uid(s, FIRST_ID + i, &found, &u), 0);
		assert_int_equal(found, i < count);
		if (found)
			assert_string_equal(u.name, name);
	}
	assert_int_equal(snap_verify(s), 0);
	snap_close(s);
}

/* Of a local account that is in groups of ours: no user, and yet memberships. */
static void
test_snap_find__memberships_without_a_user(void **state)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	const uint32_t gid = FIRST_ID + 5;
	struct snap_gids gids;
	struct snap_user u;
	struct snap *s;
	bool found;

	(void)state;
	add_plain_user(b, "sarah", FIRST_ID);
	add_member_of(b, "alice", &gid, 1);
	publish(b, path);
	s = must_open(path);
	assert_int_equal(snap_user_by_name(s, "alice", &found, &u), 0);
	assert_false(found);
	assert_int_equal(snap_member_of(s, "alice", &found, &gids), 0);
	assert_true(found && gids.count == 1 && snap_gids_next(&gids) == gid);
	assert_int_equal(snap_count(s, SNAP_USER_NAME), 1);
	assert_int_equal(snap_count(s, SNAP_MEMBER_OF), 1);
	assert_int_equal(snap_user_next(s, &cursor, &found, &u), 0);
	assert_true(found);
	assert_string_equal(u.name, "sarah");
	assert_int_equal(snap_user_next(s, &cursor, &found, &u), 0);
	assert_false(found);
	snap_cursor_release(&cursor);
	assert_int_equal(snap_verify(s), 0);
	snap_close(s);
}

static void
test_snap_find__empty_tables(void **state)
{
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_bytes v, key;
	struct snap *s;
	unsigned t;
	bool found;

	(void)state;
	publish(new_builder(SNAP_PUBLIC, 9), path);
	s = must_open(path);
	for (t = SNAP_USER_NAME; t <= SNAP_SSH_KEYS; t++) {
		found = true;
		assert_int_equal(snap_find(s, t, "abcd", 4, &found, &v), 0);
		assert_false(found);
		assert_int_equal(snap_next(s, t, &cursor, &found, &key, &v), 0);
		assert_false(found);
		snap_cursor_release(&cursor);
	}
	assert_int_equal(snap_find(s, SNAP_POLICY, "abcd", 4, &found, &v),
	    IAM_ERR_ARG);
	assert_int_equal(snap_find(s, SNAP_TABLE_COUNT, "abcd", 4, &found, &v),
	    IAM_ERR_ARG);
	assert_int_equal(snap_verify(s), 0);
	snap_close(s);
}

static void
test_snap_next__all_in_order(void **state)
{
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_bytes key, v;
	struct snap_user u;
	struct snap *s;
	char name[32];
	unsigned i;
	bool found;

	(void)state;
	publish_many(path, 1000);
	s = must_open(path);
	for (i = 0;; i++) {
		assert_int_equal(snap_next(s, SNAP_USER_UID, &cursor, &found,
		    &key, &v), 0);
		if (!found)
			break;
		snprintf(name, sizeof(name), "u%u", i);
		assert_int_equal(le_u32(key.p), FIRST_ID + i);
		assert_int_equal(snap_user_decode(v, &u), 0);
		assert_string_equal(u.name, name);
	}
	assert_int_equal(i, 1000);
	/* Nothing of it is left in the process. */
	assert_int_equal(snap_cached(s), 0);
	snap_cursor_release(&cursor);
	snap_close(s);
}

static void
test_snap_info__what_the_builder_was_told(void **state)
{
	struct snap_info info;
	struct snap *s;

	(void)state;
	publish_small(path, 77);
	s = must_open(path);
	snap_info(s, &info);
	assert_int_equal(info.kind, SNAP_PUBLIC);
	assert_int_equal(info.revision, 77);
	assert_int_equal(info.created_s, 1795512600);
	snap_close(s);
}

/* ---- damage ---- */

static int
try_open(const char *name, enum snap_kind kind)
{
	struct snap *s = NULL;
	int r = snap_open(name, kind, &s);

	snap_close(s);
	return r;
}

static void
test_snap_open__refuses(void **state)
{
	struct buf f;

	(void)state;
	assert_int_equal(try_open("/nonexistent/x", SNAP_PUBLIC), IAM_ERR_ABSENT);
	publish_small(path, 1);
	assert_int_equal(try_open(path, 7), IAM_ERR_ARG);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(try_open(path, SNAP_PUBLIC), IAM_ERR_UNSAFE);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(try_open(path, SNAP_PRIVATE), IAM_ERR_FORMAT);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(try_open(path, SNAP_PRIVATE), IAM_ERR_UNSAFE);
	f = slurp(path);
	f.p[8]++;
	overwrite(path, f.p, f.len);
	assert_int_equal(try_open(path, SNAP_PUBLIC), IAM_ERR_VERSION);
	buf_release(&f);
	unlink(path);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(try_open(path, SNAP_PUBLIC), IAM_ERR_UNSAFE);
	unlink(path);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(try_open(path, SNAP_PUBLIC), IAM_ERR_UNSAFE);
	unlink(path);
}

static void
test_snap_open__foreign_owner_is_unsafe(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	publish_small(path, 1);
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	assert_int_equal(try_open(path, SNAP_PUBLIC), IAM_ERR_UNSAFE);
	unlink(path);
}

/* S25: every truncation. */
static void
test_snap_open__every_truncation_is_refused(void **state)
{
	struct stat st;

	(void)state;
	publish_small(path, 1);
	assert_int_equal(stat(path, &st), 0);
	while (st.st_size-- > 0) {
		assert_int_equal(truncate(path, st.st_size), 0);
		assert_int_equal(try_open(path, SNAP_PUBLIC), IAM_ERR_FORMAT);
	}
}

/* A walk through a file that may be damaged: all, or an error on the way. */
static void
check_walk(const struct snap *s)
{
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_group g;
	struct snap_user u;
	unsigned n = 0;
	bool found;
	int r;

	while ((r = snap_user_next(s, &cursor, &found, &u)) == 0 && found) {
		assert_string_equal(u.name, n == 0 ? "sarah" : "bob");
		assert_int_equal(u.uid, FIRST_ID + n++);
	}
	assert_true(r != 0 || n == 2);
	snap_cursor_release(&cursor);
	for (n = 0; (r = snap_group_next(s, &cursor, &found, &g)) == 0 && found;
	    n++)
		assert_members(&g, "sarah\0bob", 10);
	assert_true(r != 0 || n == 1);
	snap_cursor_release(&cursor);
}

/* What holds of a file that may be damaged: right, or an error. */
static void
check_answers(const struct snap *s)
{
	struct snap_group g;
	struct snap_user u;
	struct snap_gids gids;
	const char *text;
	size_t n;
	bool found;

	if (snap_user_by_name(s, "sarah", &found, &u) == 0)
		assert_true(found && u.uid == FIRST_ID &&
		    strcmp(u.home, "/home/sarah") == 0);
	if (snap_user_by_uid(s, FIRST_ID + 1, &found, &u) == 0)
		assert_true(found && strcmp(u.name, "bob") == 0);
	if (snap_user_by_name(s, "mallory", &found, &u) == 0)
		assert_false(found);
	if (snap_user_by_uid(s, 1000, &found, &u) == 0)
		assert_false(found);
	if (snap_group_by_gid(s, FIRST_ID + 2, &found, &g) == 0) {
		assert_true(found && g.member_count == 2);
		assert_members(&g, "sarah\0bob", 10);
	}
	if (snap_member_of(s, "sarah", &found, &gids) == 0)
		assert_true(found && gids.count == 2 && snap_gids_next(&gids) == 27);
	if (snap_ssh_keys(s, "sarah", &found, &text, &n) == 0)
		assert_true(found && n == 23);
	check_walk(s);
	(void)snap_verify(s);
}

static void
put_byte(int fd, size_t off, unsigned v)
{
	uint8_t c = (uint8_t)v;

	assert_int_equal(pwrite(fd, &c, 1, (off_t)off), 1);
}

/* S2, S25: every byte flipped, all bits or one bit. */
static void
test_snap_find__flipped_byte_is_no_wrong_answer(void **state)
{
	static const uint8_t masks[] = { 0xff, 0x01 };
	size_t i, refused = 0;
	struct snap *s;
	struct buf f;
	int fd;

	(void)state;
	publish_small(path, 1);
	f = slurp(path);
	assert_true((fd = open(path, O_WRONLY | O_CLOEXEC)) >= 0);
	for (i = 0; i < f.len; i++) {
		if (i > 0)
			put_byte(fd, i - 1, f.p[i - 1]);
		put_byte(fd, i, f.p[i] ^ masks[i % 2]);
		if (snap_open(path, SNAP_PUBLIC, &s) != 0) {
			refused++;
			continue;
		}
		check_answers(s);
		refused += snap_verify(s) != 0;
		snap_close(s);
	}
	assert_int_equal(refused, f.len);
	close(fd);
	buf_release(&f);
}

static void
test_snap_open__random_bytes(void **state)
{
	uint8_t junk[8192];
	uint64_t x = 88172645463325252u;
	size_t i, n;

	(void)state;
	for (n = 0; n < 50; n++) {
		for (i = 0; i < sizeof(junk); i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			junk[i] = (uint8_t)x;
		}
		if (n % 2 != 0)
			memcpy(junk, SNAP_MAGIC "\3\0\0\0\1\0\0\0", 16);
		overwrite(path, junk, sizeof(junk));
		assert_int_equal(try_open(path, SNAP_PUBLIC), IAM_ERR_FORMAT);
	}
}

/* S25: no SIGBUS in a process that has it open, whatever was touched before. */
static void
test_snap_find__truncated_while_open(void **state)
{
	struct snap_user u;
	struct snap *s;
	struct buf f;
	size_t len;
	bool found;
	int r;

	(void)state;
	publish_many(path, 200);
	f = slurp(path);
	for (len = 0; len < f.len; len += 1000) {
		overwrite(path, f.p, f.len);
		s = must_open(path);
		assert_int_equal(snap_user_by_name(s, "u7", &found, &u), 0);
		assert_true(found);
		assert_int_equal(truncate(path, (off_t)len), 0);
		/* What was read is the process's own. */
		assert_int_equal(snap_user_by_name(s, "u7", &found, &u), 0);
		assert_true(found);
		r = snap_user_by_name(s, "u199", &found, &u);
		assert_true(r == IAM_ERR_FORMAT || (r == 0 && found));
		r = snap_user_by_name(s, "nobody-else", &found, &u);
		assert_true(r == IAM_ERR_FORMAT || (r == 0 && !found));
		snap_close(s);
	}
	buf_release(&f);
}

/* S25: an answer is from one whole revision, even when a good file of the same
 * shape is copied over the open one. */
static void
test_snap_find__other_snapshot_copied_over_open_one(void **state)
{
	struct snap_builder *b;
	struct snap_user u;
	struct snap *s;
	struct buf f;
	bool found;

	(void)state;
	b = new_builder(SNAP_PUBLIC, 2);
	add_plain_user(b, "sarah", FIRST_ID + 50);
	publish(b, other);
	f = slurp(other);
	b = new_builder(SNAP_PUBLIC, 1);
	add_plain_user(b, "sarah", FIRST_ID);
	publish(b, path);
	s = must_open(path);
	assert_int_equal(f.len, s->top->info.size);
	overwrite(path, f.p, f.len);
	assert_int_equal(snap_user_by_name(s, "sarah", &found, &u),
	    IAM_ERR_FORMAT);
	assert_false(found);
	frozen_ms = 1; /* another tick, for certain */
	assert_false(snap_is_current(s, path));
	frozen_ms = 0;
	snap_close(s);
	buf_release(&f);
}

/* ---- currency ---- */

static void
test_snap_is_current__sees_what_was_published(void **state)
{
	struct snap *s;
	unsigned i;

	(void)state;
	publish_small(path, 1);
	for (i = 2; i < 12; i++) {
		s = must_open(path);
		assert_true(snap_is_current(s, path));
		publish_small(path, i);
		/* At once: the writer has waited for the readers' clock. */
		assert_false(snap_is_current(s, path));
		snap_close(s);
	}
}

static void
test_snap_is_current__no_system_call_within_a_tick(void **state)
{
	struct snap *s;
	unsigned i;

	(void)state;
	publish_small(path, 1);
	frozen_ms = 5000;
	s = must_open(path);
	stats = 0;
	for (i = 0; i < 1000; i++)
		assert_true(snap_is_current(s, path));
	assert_int_equal(stats, 0);
	frozen_ms = 5004;
	assert_true(snap_is_current(s, path));
	assert_int_equal(stats, 1);
	unlink(path);
	assert_true(snap_is_current(s, path));
	frozen_ms = 5008;
	assert_false(snap_is_current(s, path));
	assert_false(snap_is_current(s, path));
	frozen_ms = 0;
	snap_close(s);
}

/* ---- descriptors ---- */

static void
test_snap_park__no_descriptor_is_left(void **state)
{
	int before = count_fds();
	struct snap_user u;
	struct snap *s;
	bool found;

	(void)state;
	publish_many(path, 500);
	s = must_open(path);
	assert_int_equal(count_fds(), before + 1);
	snap_park(s);
	assert_int_equal(count_fds(), before);
	assert_int_equal(snap_user_by_name(s, "u400", &found, &u), 0);
	assert_true(found);
	assert_int_equal(count_fds(), before);
	publish_many(path, 501);
	assert_int_equal(snap_user_by_name(s, "u9", &found, &u),
	    IAM_ERR_CONFLICT);
	unlink(path);
	assert_int_equal(snap_user_by_name(s, "u9", &found, &u),
	    IAM_ERR_ABSENT);
	snap_close(s);
	assert_int_equal(count_fds(), before);
}

/* A program that closes everything and opens files of its own. */
static void
test_snap_close__never_a_descriptor_of_the_program(void **state)
{
	struct snap_user u;
	struct snap *s;
	bool found;
	int fd;

	(void)state;
	publish_many(path, 500);
	s = must_open(path);
	fd = atomic_load(&s->top->fd);
	assert_int_equal(dup2(STDERR_FILENO, fd), fd);
	assert_int_equal(snap_user_by_name(s, "u400", &found, &u), 0);
	assert_true(found);
	snap_close(s);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	close(fd);
}

static void
test_snap_open__leaves_standard_descriptors_alone(void **state)
{
	struct snap *s;
	pid_t pid;
	int status;

	(void)state;
	publish_small(path, 1);
	if ((pid = fork()) == 0) {
		close(0);
		close(1);
		close(2);
		if (snap_open(path, SNAP_PUBLIC, &s) != 0)
			_exit(1);
		_exit(fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 &&
		    fcntl(2, F_GETFD) < 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- threads and fork ---- */

static void *
look_up_all(void *arg)
{
	const struct snap *s = arg;
	struct snap_user u;
	uintptr_t bad = 0;
	char name[32];
	unsigned i;
	bool found;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "u%u", i * 7 % MANY);
		bad += snap_user_by_name(s, name, &found, &u) != 0 || !found ||
		    u.uid != FIRST_ID + i * 7 % MANY;
	}
	return (void *)bad;
}

static void
test_snap_find__threads_share_a_snapshot(void **state)
{
	pthread_t t[4];
	struct snap *s;
	void *bad;
	size_t i;

	(void)state;
	publish_many(path, MANY);
	s = must_open(path);
	for (i = 0; i < IAM_COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, look_up_all, s), 0);
	for (i = 0; i < IAM_COUNT(t); i++) {
		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
	assert_true(snap_cached(s) <= s->top->info.size);
	snap_close(s);
}

/* The child of a fork in the middle of another thread's read. */
static void
test_snap_find__block_that_nobody_finishes_is_busy(void **state)
{
	struct snap_user u;
	struct snap *s;
	bool found;

	(void)state;
	publish_many(path, 500);
	s = must_open(path);
	atomic_flag_test_and_set(&s->top->busy);
	assert_int_equal(snap_user_by_name(s, "u0", &found, &u), IAM_ERR_BUSY);
	assert_false(found);
	snap_close(s);
}

/* ---- failures ---- */

static int
build_and_read(void)
{
	struct snap_builder *b = NULL;
	struct snap_user u;
	struct snap *s = NULL;
	bool found = false;
	int r;

	if ((r = snap_builder_new(SNAP_PUBLIC, 3, 1, &b)) != 0 ||
	    (r = snap_builder_add(b, SNAP_SSH_KEYS, "a", 1, "x\n", 2)) != 0 ||
	    (r = snap_builder_add(b, SNAP_USER_UID, "\1\0\0\0", 4, "v", 1)) != 0 ||
	    (r = snap_builder_write(b, path, 0644, (gid_t)-1)) != 0 ||
	    (r = snap_open(path, SNAP_PUBLIC, &s)) != 0 ||
	    (r = snap_user_by_name(s, "nobody", &found, &u)) != 0)
		goto out;
	assert_false(found);
out:
	snap_close(s);
	snap_builder_free(b);
	return r;
}

static void
test_snapshot__every_allocation_failing(void **state)
{
	long n;
	int r;

	(void)state;
	for (n = 1;; n++) {
		fail_at = n;
		r = build_and_read();
		if (fail_at > 0)
			break; /* there was no n-th */
		assert_int_equal(r, IAM_ERR_MEMORY);
	}
	fail_at = 0;
	assert_int_equal(r, 0);
	assert_in_range(n, 8, 40);
}

static unsigned
count_files(void)
{
	struct dirent *e;
	unsigned n = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* S38: a full disk leaves the old revision in place. */
static void
test_snap_builder_write__disk_full(void **state)
{
	struct snap_builder *b;
	struct snap_info info;
	struct snap *s;
	unsigned files;

	(void)state;
	publish_small(path, 1);
	files = count_files();
	b = new_builder(SNAP_PUBLIC, 2);
	disk_full = true;
	assert_int_equal(snap_builder_write(b, path, 0644, (gid_t)-1), IAM_ERR_IO);
	disk_full = false;
	snap_builder_free(b);
	assert_int_equal(count_files(), files);
	s = must_open(path);
	snap_info(s, &info);
	assert_int_equal(info.revision, 1);
	snap_close(s);
}

static void
test_snap_builder_write__sweeps_what_a_killed_writer_left(void **state)
{
	char left[80], kept[80];

	(void)state;
	snprintf(left, sizeof(left), "%s.aB3xYz", path);
	snprintf(kept, sizeof(kept), "%s.backup", path);
	overwrite(left, "x", 1);
	overwrite(kept, "x", 1);
	kept[strlen(kept) - 1] = '-'; /* not six letters */
	overwrite(kept, "x", 1);
	publish_small(path, 1);
	assert_int_equal(access(left, F_OK), -1);
	assert_int_equal(access(kept, F_OK), 0);
	unlink(kept);
}

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/public", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snap_check64__known_answers),
		cmocka_unit_test(test_snap_builder_write__layout_as_documented),
		cmocka_unit_test(test_snap_builder_write__a_user_as_documented),
		cmocka_unit_test(test_snap_builder_write__a_group_as_documented),
		cmocka_unit_test(test_snap_builder_write__same_input_same_bytes),
		cmocka_unit_test(test_snap_builder_add__refuses),
		cmocka_unit_test(test_snap_builder_add__ids_and_names_in_any_order),
		cmocka_unit_test(test_snap_find__every_key_and_no_other),
		cmocka_unit_test(test_snap_find__memberships_without_a_user),
		cmocka_unit_test(test_snap_find__empty_tables),
		cmocka_unit_test(test_snap_next__all_in_order),
		cmocka_unit_test(test_snap_info__what_the_builder_was_told),
		cmocka_unit_test(test_snap_open__refuses),
		cmocka_unit_test(test_snap_open__foreign_owner_is_unsafe),
		cmocka_unit_test(test_snap_open__every_truncation_is_refused),
		cmocka_unit_test(test_snap_find__flipped_byte_is_no_wrong_answer),
		cmocka_unit_test(test_snap_open__random_bytes),
		cmocka_unit_test(test_snap_find__truncated_while_open),
		cmocka_unit_test(test_snap_find__other_snapshot_copied_over_open_one),
		cmocka_unit_test(test_snap_is_current__sees_what_was_published),
		cmocka_unit_test(test_snap_is_current__no_system_call_within_a_tick),
		cmocka_unit_test(test_snap_park__no_descriptor_is_left),
		cmocka_unit_test(test_snap_close__never_a_descriptor_of_the_program),
		cmocka_unit_test(test_snap_open__leaves_standard_descriptors_alone),
		cmocka_unit_test(test_snap_find__threads_share_a_snapshot),
		cmocka_unit_test(test_snap_find__block_that_nobody_finishes_is_busy),
		cmocka_unit_test(test_snapshot__every_allocation_failing),
		cmocka_unit_test(test_snap_builder_write__disk_full),
		cmocka_unit_test(test_snap_builder_write__sweeps_what_a_killed_writer_left),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
