/*
 * The exported functions of the name service module, called as glibc calls them.
 * S2, S14, S21 to S25, S27 by name below.
 */
#include "tests/unit/snap_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nss_iam/internal.h"

#define MARK 0x5a
#define BUF 4096

static long fail_at; /* the n-th allocation fails; 0: none */

static struct {
	unsigned opens, fstats, preads, closes;
} calls;

/* Where time_t had 32 bits once, glibc has other names for the calls with 64. */
#if __TIMESIZE == 64
#define TIME64(real)
#else
#define TIME64(real) __asm__(real)
#endif
int __real_fstat64(int fd, struct stat *st) TIME64("__real___fstat64_time64");
int __wrap_fstat64(int fd, struct stat *st) TIME64("__wrap___fstat64_time64");
ssize_t __real_pread64(int fd, void *p, size_t len, off_t off);
ssize_t __wrap_pread64(int fd, void *p, size_t len, off_t off);
int __real_open64(const char *p, int flags, mode_t mode);
int __wrap_open64(const char *p, int flags, mode_t mode);
int __real_close(int fd);
int __wrap_close(int fd);
void *__real_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m);
void *__real_reallocarray(void *p, size_t n, size_t m);
void *__wrap_reallocarray(void *p, size_t n, size_t m);

static bool
fails(void)
{
	return fail_at > 0 && --fail_at == 0;
}

void *
__wrap_calloc(size_t n, size_t m)
{
	return fails() ? NULL : __real_calloc(n, m);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t m)
{
	return fails() ? NULL : __real_reallocarray(p, n, m);
}

int
__wrap_fstat64(int fd, struct stat *st)
{
	calls.fstats++;
	return __real_fstat64(fd, st);
}

ssize_t
__wrap_pread64(int fd, void *p, size_t len, off_t off)
{
	calls.preads++;
	return __real_pread64(fd, p, len, off);
}

int
__wrap_open64(const char *p, int flags, mode_t mode)
{
	calls.opens++;
	return __real_open64(p, flags, mode);
}

int
__wrap_close(int fd)
{
	calls.closes++;
	return __real_close(fd);
}

/* ---- a host with a snapshot ---- */

static uint64_t revision;

static void
make_dirs(const char *file)
{
	char part[512];
	const char *p;

	for (p = strchr(file + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - file), file);
		if (mkdir(part, 0755) != 0)
			assert_int_equal(errno, EEXIST);
	}
}

static void
touch(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static struct snap_builder *
next_revision(void)
{
	return new_builder(SNAP_PUBLIC, ++revision);
}

static void
publish_usual(void)
{
	struct snap_builder *b = next_revision();
	const uint32_t gids[] = { 27, FIRST_ID + 2, FIRST_ID + 3 };

	add_plain_user(b, "sarah", FIRST_ID);
	add_plain_user(b, "bob", FIRST_ID + 1);
	add_group(b, "sarah", FIRST_ID, "");
	add_group(b, "marketing", FIRST_ID + 2, "sarah bob");
	add_member_of(b, "sarah", gids, IAM_COUNT(gids));
	publish(b, IAM_PATH_PUBLIC);
}

static int
setup(void **state)
{
	(void)state;
	make_dirs(IAM_PATH_PUBLIC);
	make_dirs(IAM_PATH_HOST);
	touch(IAM_PATH_HOST);
	publish_usual();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fail_at = 0;
	_nss_iam_endpwent();
	_nss_iam_endgrent();
	unlink(IAM_PATH_PUBLIC);
	unlink(IAM_PATH_HOST);
	return 0;
}

/* ---- asking ---- */

static struct passwd pw;
static struct group gr;
static char buf[BUF];
static int err;

/* Each call starts with an errno that must survive a success or a "no". */
static enum nss_status
pwnam(const char *name)
{
	enum nss_status s;

	errno = ECHILD;
	err = ECHILD;
	s = _nss_iam_getpwnam_r(name, &pw, buf, sizeof(buf), &err);
	assert_int_equal(errno, ECHILD);
	if (s == NSS_STATUS_SUCCESS || s == NSS_STATUS_NOTFOUND)
		assert_int_equal(err, ECHILD);
	return s;
}

static enum nss_status
pwuid(uid_t uid)
{
	return _nss_iam_getpwuid_r(uid, &pw, buf, sizeof(buf), &err);
}

static enum nss_status
grnam(const char *name)
{
	return _nss_iam_getgrnam_r(name, &gr, buf, sizeof(buf), &err);
}

static enum nss_status
grgid(gid_t gid)
{
	return _nss_iam_getgrgid_r(gid, &gr, buf, sizeof(buf), &err);
}

/* S21: "x", and every field. */
static void
test_getpwnam__serves_all_fields(void **state)
{
	(void)state;
	assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "sarah");
	assert_string_equal(pw.pw_passwd, "x");
	assert_int_equal(pw.pw_uid, FIRST_ID);
	assert_int_equal(pw.pw_gid, FIRST_ID);
	assert_string_equal(pw.pw_gecos, "Some One,,,");
	assert_string_equal(pw.pw_dir, "/home/sarah");
	assert_string_equal(pw.pw_shell, "/bin/bash");
	assert_int_equal(pwuid(FIRST_ID + 1), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "bob");
	assert_int_equal(pwnam("nobody-there"), NSS_STATUS_NOTFOUND);
	assert_int_equal(pwuid(FIRST_ID + 99), NSS_STATUS_NOTFOUND);
}

static void
test_getgrnam__serves_all_fields(void **state)
{
	(void)state;
	assert_int_equal(grnam("marketing"), NSS_STATUS_SUCCESS);
	assert_string_equal(gr.gr_name, "marketing");
	assert_string_equal(gr.gr_passwd, "x");
	assert_int_equal(gr.gr_gid, FIRST_ID + 2);
	assert_string_equal(gr.gr_mem[0], "sarah");
	assert_string_equal(gr.gr_mem[1], "bob");
	assert_null(gr.gr_mem[2]);
	assert_int_equal(grgid(FIRST_ID), NSS_STATUS_SUCCESS);
	assert_string_equal(gr.gr_name, "sarah");
	assert_null(gr.gr_mem[0]);
	assert_int_equal(grnam("bob"), NSS_STATUS_NOTFOUND);
}

/* S14: one canonical form; all else is not there, without a look. */
static void
test_getpwnam__odd_names_are_not_there(void **state)
{
	static const char *const odd[] = { "", "Sarah", "SARAH", "sarah.", "-x",
		"..", ".", "a/b", "../etc/passwd", "#2100000000", "2100000000", "-1",
		"sarah ", " sarah", "sarah\n", "sar:ah", "s\xc3\xa4rah", "root",
		"abcdefghijklmnopqrstuvwxyz0123456", };
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(odd); i++) {
		assert_int_equal(pwnam(odd[i]), NSS_STATUS_NOTFOUND);
		assert_int_equal(grnam(odd[i]), NSS_STATUS_NOTFOUND);
	}
}

/* ---- S24: every size of the buffer ---- */

typedef enum nss_status call(char *b, size_t len, int *e);

static enum nss_status
call_pwnam(char *b, size_t len, int *e)
{
	return _nss_iam_getpwnam_r("sarah", &pw, b, len, e);
}

static enum nss_status
call_pwuid(char *b, size_t len, int *e)
{
	return _nss_iam_getpwuid_r(FIRST_ID, &pw, b, len, e);
}

static enum nss_status
call_pwent(char *b, size_t len, int *e)
{
	return _nss_iam_getpwent_r(&pw, b, len, e);
}

static enum nss_status
call_grnam(char *b, size_t len, int *e)
{
	return _nss_iam_getgrnam_r("marketing", &gr, b, len, e);
}

static enum nss_status
call_grgid(char *b, size_t len, int *e)
{
	return _nss_iam_getgrgid_r(FIRST_ID + 2, &gr, b, len, e);
}

/* Needs exactly need bytes at this alignment; below it ERANGE and nothing done. */
static void
every_size(call *f, size_t need, size_t shift)
{
	struct passwd pw_mark;
	struct group gr_mark;
	char *b;
	size_t len, i;
	int e;

	memset(&pw_mark, MARK, sizeof(pw_mark));
	memset(&gr_mark, MARK, sizeof(gr_mark));
	for (len = 0; len <= need; len++) {
		b = malloc(len + shift); /* exact, for the sanitizer */
		assert_non_null(b);
		memset(b, MARK, len + shift);
		pw = pw_mark;
		gr = gr_mark;
		e = 0;
		if (len == need) {
			assert_int_equal(f(b + shift, len, &e), NSS_STATUS_SUCCESS);
			assert_int_equal(e, 0);
		} else {
			assert_int_equal(f(b + shift, len, &e), NSS_STATUS_TRYAGAIN);
			assert_int_equal(e, ERANGE);
			assert_memory_equal(&pw, &pw_mark, sizeof(pw));
			assert_memory_equal(&gr, &gr_mark, sizeof(gr));
			for (i = 0; i < len; i++)
				assert_int_equal(b[shift + i], MARK);
		}
		free(b);
	}
}

static void
test_buffers__S24_every_size_and_alignment(void **state)
{
	const size_t user = sizeof("sarah") + sizeof("x") + sizeof("Some One,,,") +
	    sizeof("/home/sarah") + sizeof("/bin/bash");
	const size_t group = 3 * sizeof(char *) + sizeof("marketing") +
	    sizeof("x") + sizeof("sarah") + sizeof("bob");
	size_t shift;

	(void)state;
	every_size(call_pwnam, user, 0);
	every_size(call_pwuid, user, 1);
	_nss_iam_setpwent(0);
	every_size(call_pwent, user, 3); /* the cursor stays until it fits */
	assert_int_equal(pw.pw_uid, FIRST_ID);
	for (shift = 0; shift < 2 * sizeof(char *); shift++) {
		every_size(call_grnam, group +
		    (-shift & (sizeof(char *) - 1)), shift);
		assert_int_equal((uintptr_t)gr.gr_mem % sizeof(char *), 0);
	}
	every_size(call_grgid, group, 0);
}

/* ---- S23: enumeration ---- */

static unsigned
count_users(void)
{
	unsigned n = 0;

	while (n < 1000 && (err = 0, _nss_iam_getpwent_r(&pw, buf, sizeof(buf),
	    &err)) == NSS_STATUS_SUCCESS)
		n++;
	return n;
}

static void
test_getpwent__S23_interleaved_and_restarted(void **state)
{
	(void)state;
	assert_int_equal(_nss_iam_setpwent(0), NSS_STATUS_SUCCESS);
	assert_int_equal(call_pwent(buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "sarah");
	assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
	assert_int_equal(grgid(FIRST_ID + 2), NSS_STATUS_SUCCESS);
	assert_int_equal(call_pwent(buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "bob");
	assert_int_equal(_nss_iam_setpwent(1), NSS_STATUS_SUCCESS);
	assert_int_equal(call_pwent(buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_name, "sarah");
	assert_int_equal(count_users(), 1);
	errno = ECHILD;
	err = ECHILD;
	assert_int_equal(call_pwent(buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(call_pwent(buf, sizeof(buf), &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(err, ECHILD);
	assert_int_equal(_nss_iam_endpwent(), NSS_STATUS_SUCCESS);
	assert_int_equal(count_users(), 2); /* without setpwent, too */
}

static void
test_getgrent__S23_all_groups(void **state)
{
	(void)state;
	_nss_iam_setgrent(0);
	assert_int_equal(_nss_iam_getgrent_r(&gr, buf, 3, &err),
	    NSS_STATUS_TRYAGAIN);
	assert_int_equal(err, ERANGE);
	assert_int_equal(_nss_iam_getgrent_r(&gr, buf, BUF, &err),
	    NSS_STATUS_SUCCESS);
	assert_string_equal(gr.gr_name, "sarah");
	assert_int_equal(_nss_iam_getgrent_r(&gr, buf, BUF, &err),
	    NSS_STATUS_SUCCESS);
	assert_string_equal(gr.gr_name, "marketing");
	assert_int_equal(_nss_iam_getgrent_r(&gr, buf, BUF, &err),
	    NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_iam_endgrent(), NSS_STATUS_SUCCESS);
}

/* An enumeration goes on in the revision that it began with. */
static void
test_getpwent__goes_on_while_a_revision_is_published(void **state)
{
	struct snap_builder *b;
	char name[32];
	unsigned i;

	(void)state;
	b = next_revision();
	for (i = 0; i < 800; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		add_plain_user(b, name, FIRST_ID + i);
	}
	publish(b, IAM_PATH_PUBLIC);
	_nss_iam_setpwent(0);
	assert_int_equal(call_pwent(buf, sizeof(buf), &err), NSS_STATUS_SUCCESS);
	publish_usual();
	assert_int_equal(pwnam("u5"), NSS_STATUS_NOTFOUND);
	assert_int_equal(count_users(), 799);
	_nss_iam_endpwent();
	assert_int_equal(count_users(), 2);
}

/* ---- S22: initgroups ---- */

static gid_t *gids;
static long start, size;

static enum nss_status
initgroups_of(const char *user, gid_t primary, long limit)
{
	return _nss_iam_initgroups_dyn(user, primary, &start, &size, &gids,
	    limit, &err);
}

static void
begin_groups(long n)
{
	free(gids);
	size = n;
	gids = malloc((size_t)n * sizeof(*gids));
	gids[0] = FIRST_ID;
	start = 1;
}

static void
test_initgroups__S22_local_groups_and_no_duplicates(void **state)
{
	(void)state;
	begin_groups(1);
	assert_int_equal(initgroups_of("sarah", FIRST_ID, -1), NSS_STATUS_SUCCESS);
	assert_int_equal(start, 4);
	assert_int_equal(gids[0], FIRST_ID);
	assert_int_equal(gids[1], 27);
	assert_int_equal(gids[2], FIRST_ID + 2);
	assert_int_equal(gids[3], FIRST_ID + 3);
	assert_int_equal(initgroups_of("sarah", FIRST_ID, -1), NSS_STATUS_SUCCESS);
	assert_int_equal(start, 4);
	/* The primary group is not repeated. */
	begin_groups(1);
	assert_int_equal(initgroups_of("sarah", FIRST_ID + 2, -1),
	    NSS_STATUS_SUCCESS);
	assert_int_equal(start, 3);
	begin_groups(1);
	assert_int_equal(initgroups_of("bob", FIRST_ID, -1), NSS_STATUS_NOTFOUND);
	assert_int_equal(initgroups_of("root", 0, -1), NSS_STATUS_NOTFOUND);
	assert_int_equal(start, 1);
}

static void
test_initgroups__S22_limit(void **state)
{
	(void)state;
	begin_groups(1);
	assert_int_equal(initgroups_of("sarah", FIRST_ID, 3), NSS_STATUS_SUCCESS);
	assert_int_equal(start, 3);
	assert_true(size <= 3);
	begin_groups(8);
	assert_int_equal(initgroups_of("sarah", FIRST_ID, 2), NSS_STATUS_SUCCESS);
	assert_int_equal(start, 2);
	begin_groups(1);
	assert_int_equal(initgroups_of("sarah", FIRST_ID, 1), NSS_STATUS_SUCCESS);
	assert_int_equal(start, 1);
}

static void
test_initgroups__S22_65536_groups(void **state)
{
	struct snap_builder *b = next_revision();
	uint32_t *many = malloc(65536 * sizeof(*many));
	uint32_t i;

	(void)state;
	for (i = 0; i < 65536; i++)
		many[i] = FIRST_ID + i;
	add_plain_user(b, "sarah", FIRST_ID);
	add_plain_user(b, "bob", FIRST_ID + 1);
	add_member_of(b, "sarah", many, 65536);
	add_member_of(b, "bob", many, 0);
	publish(b, IAM_PATH_PUBLIC);
	begin_groups(16);
	assert_int_equal(initgroups_of("sarah", FIRST_ID, -1), NSS_STATUS_SUCCESS);
	assert_int_equal(start, 65536);
	for (i = 0; i < 65536; i++)
		assert_int_equal(gids[i], FIRST_ID + i);
	free(many);
}

/* A list that does not ascend, with doubles, and with gid 0 (S27). */
static void
test_initgroups__S27_never_gid_0(void **state)
{
	const uint32_t odd[] = { 50, 0, 40, 50, 40, UINT32_MAX, 60 };
	struct snap_builder *b = next_revision();

	(void)state;
	add_plain_user(b, "sarah", FIRST_ID);
	add_member_of(b, "sarah", odd, IAM_COUNT(odd));
	publish(b, IAM_PATH_PUBLIC);
	begin_groups(1);
	assert_int_equal(initgroups_of("sarah", FIRST_ID, -1), NSS_STATUS_SUCCESS);
	assert_int_equal(start, 4);
	assert_int_equal(gids[1], 40);
	assert_int_equal(gids[2], 50);
	assert_int_equal(gids[3], 60);
	free(gids);
	gids = NULL;
}

/* ---- what it costs ---- */

/* S19: a look-up in a process that knows nothing yet. */
static void
assert_first_look_up(unsigned users)
{
	struct snap_builder *b = next_revision();
	char name[32];
	unsigned i;

	for (i = 0; i < users; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		add_plain_user(b, name, FIRST_ID + i);
	}
	publish(b, IAM_PATH_PUBLIC);
	memset(&calls, 0, sizeof(calls));
	assert_int_equal(pwnam("u2"), NSS_STATUS_SUCCESS);
	/* The header, a block of buckets, a block of records. */
	assert_int_equal(calls.opens, 1);
	assert_int_equal(calls.fstats, 1);
	assert_int_equal(calls.preads, 3);
	assert_int_equal(calls.closes, 1);
	/* And again: nothing. */
	assert_int_equal(pwnam("u2"), NSS_STATUS_SUCCESS);
	assert_int_equal(calls.opens + calls.preads, 4);
}

static void
test_query__S19_the_same_six_calls_at_every_size(void **state)
{
	(void)state;
	assert_first_look_up(3);
	assert_first_look_up(20000);
}

/* ---- S27: what a snapshot must not make us say ---- */

/* The encoders refuse most of it: bytes by hand. */
static void
add_raw_user(struct snap_builder *b, const char *name, uint32_t uid,
    uint32_t gid)
{
	struct buf v = BUF_INIT;
	uint32_t id = htole32(uid);

	buf_u32(&v, uid);
	buf_u8(&v, (uint8_t)strlen(name));
	buf_u8(&v, 0x60); /* gid and name are apart, the shell is text */
	buf_u16(&v, 18);
	buf_u16(&v, 1);
	buf_u16(&v, 0);
	buf_u32(&v, gid);
	buf_put(&v, "/", 2);
	buf_put(&v, name, strlen(name) + 1);
	buf_put(&v, "/bin/sh", 8);
	must_add(b, SNAP_USER_NAME, name, strlen(name), v.p, v.len);
	must_add(b, SNAP_USER_UID, &id, sizeof(id), v.p, v.len);
	buf_release(&v);
}

static void
test_passwd__S27_never_root_nor_the_system(void **state)
{
	static const uint32_t ids[] = { 1, 33, 999, 61184, 65534, 65535,
		UINT32_MAX - 1, UINT32_MAX };
	struct snap_builder *b = next_revision();
	char name[32];
	size_t i;

	(void)state;
	add_raw_user(b, "root", FIRST_ID, FIRST_ID);
	for (i = 0; i < IAM_COUNT(ids); i++) {
		snprintf(name, sizeof(name), "by-uid%zu", i);
		add_raw_user(b, name, ids[i], FIRST_ID);
		snprintf(name, sizeof(name), "by-gid%zu", i);
		add_raw_user(b, name, FIRST_ID + 10 + (uint32_t)i, ids[i]);
	}
	add_plain_user(b, "alice", 1000);
	publish(b, IAM_PATH_PUBLIC);
	assert_int_equal(pwnam("root"), NSS_STATUS_NOTFOUND);
	assert_int_equal(pwuid(FIRST_ID), NSS_STATUS_NOTFOUND);
	assert_int_equal(pwuid(0), NSS_STATUS_NOTFOUND);
	for (i = 0; i < IAM_COUNT(ids); i++) {
		snprintf(name, sizeof(name), "by-uid%zu", i);
		assert_int_equal(pwnam(name), NSS_STATUS_NOTFOUND);
		assert_int_equal(pwuid(ids[i]), NSS_STATUS_NOTFOUND);
		snprintf(name, sizeof(name), "by-gid%zu", i);
		assert_int_equal(pwnam(name), NSS_STATUS_NOTFOUND);
		assert_int_equal(pwuid(FIRST_ID + 10 + (uint32_t)i),
		    NSS_STATUS_NOTFOUND);
	}
	_nss_iam_setpwent(0);
	assert_int_equal(count_users(), 1);
	assert_string_equal(pwnam("alice") == NSS_STATUS_SUCCESS ? pw.pw_name : "",
	    "alice");
}

/* uid 0 in a record is damage: the decoder refuses it. */
static void
test_passwd__S27_uid_0_is_no_answer(void **state)
{
	struct snap_builder *b = next_revision();

	(void)state;
	add_raw_user(b, "mallory", 0, 0);
	publish(b, IAM_PATH_PUBLIC);
	assert_int_equal(pwnam("mallory"), NSS_STATUS_UNAVAIL);
	assert_int_equal(err, EIO);
	assert_int_equal(pwuid(0), NSS_STATUS_NOTFOUND);
	_nss_iam_setpwent(0);
	assert_int_equal(count_users(), 0);
}

static void
test_group__S27_never_a_privileged_one(void **state)
{
	static const char *const names[] = { "root", "sudo", "adm", "docker",
		"lxd", "disk", "shadow", "wheel", "iam-auth", "libvirt" };
	struct snap_builder *b = next_revision();
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(names); i++)
		add_group(b, names[i], FIRST_ID + (uint32_t)i, "sarah");
	add_group(b, "local", 27, "sarah");
	publish(b, IAM_PATH_PUBLIC);
	for (i = 0; i < IAM_COUNT(names); i++) {
		assert_int_equal(grnam(names[i]), NSS_STATUS_NOTFOUND);
		assert_int_equal(grgid(FIRST_ID + (gid_t)i), NSS_STATUS_NOTFOUND);
	}
	assert_int_equal(grnam("local"), NSS_STATUS_NOTFOUND);
	assert_int_equal(grgid(27), NSS_STATUS_NOTFOUND);
	assert_int_equal(grgid(0), NSS_STATUS_NOTFOUND);
	_nss_iam_setgrent(0);
	assert_int_equal(_nss_iam_getgrent_r(&gr, buf, sizeof(buf), &err),
	    NSS_STATUS_NOTFOUND);
}

/* ---- S2, S25: states of the snapshot ---- */

/* What every question gets; *want_err 0: errno is not touched. */
static void
all_answer(enum nss_status want, int want_err)
{
	assert_int_equal(pwnam("sarah"), want);
	if (want_err != 0)
		assert_int_equal(err, want_err);
	assert_int_equal(pwnam("nobody-there"), want);
	assert_int_equal(pwuid(FIRST_ID), want);
	assert_int_equal(grnam("marketing"), want);
	assert_int_equal(grgid(FIRST_ID + 2), want);
	begin_groups(1);
	assert_int_equal(initgroups_of("sarah", FIRST_ID, -1), want);
	assert_int_equal(start, 1);
	free(gids);
	gids = NULL;
	_nss_iam_setpwent(0);
	assert_int_equal(call_pwent(buf, sizeof(buf), &err), want);
	_nss_iam_setgrent(0);
	assert_int_equal(_nss_iam_getgrent_r(&gr, buf, sizeof(buf), &err), want);
}

/* An installed package changes nothing before "iamctl init". */
static void
test_states__not_initialised_is_a_plain_no(void **state)
{
	(void)state;
	unlink(IAM_PATH_HOST);
	unlink(IAM_PATH_PUBLIC);
	all_answer(NSS_STATUS_NOTFOUND, 0);
}

static void
wait_for_readers(void)
{
	const struct timespec t = { 0, 20000000 };

	nanosleep(&t, NULL); /* two ticks of the slowest coarse clock */
}

static void
test_states__S2_deleted_is_unavailable(void **state)
{
	(void)state;
	assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
	unlink(IAM_PATH_PUBLIC);
	wait_for_readers();
	all_answer(NSS_STATUS_UNAVAIL, EIO);
	publish_usual();
	assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
}

static void
test_states__S25_truncated_is_unavailable(void **state)
{
	struct stat st;
	off_t len;

	(void)state;
	assert_int_equal(stat(IAM_PATH_PUBLIC, &st), 0);
	for (len = st.st_size - 1; len >= 0; len = len * 2 / 3 - 1) {
		publish_usual();
		assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
		assert_int_equal(truncate(IAM_PATH_PUBLIC, len), 0);
		wait_for_readers();
		all_answer(NSS_STATUS_UNAVAIL, EIO);
	}
}

static void
test_states__S25_garbage_and_wrong_mode_are_unavailable(void **state)
{
	char junk[20000];
	int fd;

	(void)state;
	assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(IAM_PATH_PUBLIC, O_WRONLY | O_CLOEXEC);
	assert_int_equal(file_write_all(fd, junk, sizeof(junk)), 0);
	close(fd);
	wait_for_readers();
	all_answer(NSS_STATUS_UNAVAIL, EIO);
	publish_usual();
	assert_int_equal(chmod(IAM_PATH_PUBLIC, 0646), 0);
	wait_for_readers();
	all_answer(NSS_STATUS_UNAVAIL, EIO);
}

static void
test_states__each_publish_is_seen_at_the_next_call(void **state)
{
	struct snap_builder *b;
	unsigned i;

	(void)state;
	for (i = 0; i < 10; i++) {
		b = next_revision();
		add_plain_user(b, "sarah", FIRST_ID + i);
		publish(b, IAM_PATH_PUBLIC);
		assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
		assert_int_equal(pw.pw_uid, FIRST_ID + i);
	}
}

static void
test_states__no_descriptor_is_left(void **state)
{
	DIR *d;
	int n[2];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (n[i] = 0, d = opendir("/proc/self/fd"); readdir(d) != NULL;)
			n[i]++;
		closedir(d);
		publish_usual();
		assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
		assert_int_equal(grnam("marketing"), NSS_STATUS_SUCCESS);
		_nss_iam_setpwent(0);
		assert_int_equal(count_users(), 2);
	}
	assert_int_equal(n[0], n[1]);
}

static void
test_states__every_allocation_failing(void **state)
{
	long n;

	(void)state;
	for (n = 1; n < 100; n++) {
		publish_usual();
		begin_groups(1);
		fail_at = n;
		err = 0;
		if (initgroups_of("sarah", FIRST_ID, -1) == NSS_STATUS_SUCCESS)
			break;
		assert_int_equal(err, ENOMEM);
		assert_int_equal(start, 1);
	}
	assert_in_range(n, 4, 20);
	fail_at = 0;
	free(gids);
	gids = NULL;
}

/* ---- threads and fork ---- */

static atomic_bool stop;

static void *
ask_for_ever(void *arg)
{
	struct passwd p;
	struct group g;
	uintptr_t bad = 0;
	char b[BUF];
	int e;

	(void)arg;
	while (!atomic_load(&stop)) {
		/* Both ids of an answer come from one revision. */
		bad += _nss_iam_getpwnam_r("sarah", &p, b, sizeof(b), &e) !=
		    NSS_STATUS_SUCCESS || p.pw_uid != p.pw_gid;
		bad += _nss_iam_getpwnam_r("nobody-there", &p, b, sizeof(b), &e) !=
		    NSS_STATUS_NOTFOUND;
		bad += _nss_iam_getgrnam_r("crew", &g, b, sizeof(b), &e) !=
		    NSS_STATUS_SUCCESS || strcmp(g.gr_mem[0], "sarah") != 0;
	}
	return (void *)bad;
}

static void
publish_crew(unsigned i)
{
	struct snap_builder *b = next_revision();

	add_plain_user(b, "sarah", FIRST_ID + i);
	add_group(b, "crew", FIRST_ID + i, "sarah");
	publish(b, IAM_PATH_PUBLIC);
}

static void
test_threads__look_ups_during_changes_and_forks(void **state)
{
	pthread_t t[4];
	unsigned i;
	pid_t pid;
	void *bad;
	int status;

	(void)state;
	publish_crew(0);
	atomic_store(&stop, false);
	for (i = 0; i < IAM_COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask_for_ever, NULL), 0);
	for (i = 1; i <= 60; i++) {
		publish_crew(i);
		assert_int_equal(pwnam("sarah"), NSS_STATUS_SUCCESS);
		assert_int_equal(pw.pw_uid, FIRST_ID + i);
		if (i % 6 != 0)
			continue;
		if ((pid = fork()) == 0) { /* whatever the others were doing */
			publish_crew(i);
			_exit(pwnam("sarah") == NSS_STATUS_SUCCESS &&
			    grnam("crew") == NSS_STATUS_SUCCESS &&
			    (_nss_iam_setpwent(0), count_users()) == 1 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	atomic_store(&stop, true);
	for (i = 0; i < IAM_COUNT(t); i++) {
		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: nothing is known in this process yet. */
		TEST(test_query__S19_the_same_six_calls_at_every_size),
		TEST(test_getpwnam__serves_all_fields),
		TEST(test_getgrnam__serves_all_fields),
		TEST(test_getpwnam__odd_names_are_not_there),
		TEST(test_buffers__S24_every_size_and_alignment),
		TEST(test_getpwent__S23_interleaved_and_restarted),
		TEST(test_getgrent__S23_all_groups),
		TEST(test_getpwent__goes_on_while_a_revision_is_published),
		TEST(test_initgroups__S22_local_groups_and_no_duplicates),
		TEST(test_initgroups__S22_limit),
		TEST(test_initgroups__S22_65536_groups),
		TEST(test_initgroups__S27_never_gid_0),
		TEST(test_passwd__S27_never_root_nor_the_system),
		TEST(test_passwd__S27_uid_0_is_no_answer),
		TEST(test_group__S27_never_a_privileged_one),
		TEST(test_states__not_initialised_is_a_plain_no),
		TEST(test_states__S2_deleted_is_unavailable),
		TEST(test_states__S25_truncated_is_unavailable),
		TEST(test_states__S25_garbage_and_wrong_mode_are_unavailable),
		TEST(test_states__each_publish_is_seen_at_the_next_call),
		TEST(test_states__no_descriptor_is_left),
		TEST(test_states__every_allocation_failing),
		TEST(test_threads__look_ups_during_changes_and_forks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
