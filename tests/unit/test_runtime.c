#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/base.h"
#include "common/runtime/principal.h"

#define SARAH 2100000001u
#define DEV "arn:aws:iam::123456789012:mfa/sarah"

/* ---- the clock and the allocator, to be moved ---- */

static int64_t wall_add, boot_add;
static int allocs_left = -1; /* -1: no limit */
/* Where time_t had 32 bits once, glibc has another name for the call with 64. */
#if __TIMESIZE == 64
#define TIME64(real)
#else
#define TIME64(real) __asm__(real)
#endif
int __real_clock_gettime(clockid_t id, struct timespec *ts)
    TIME64("__real___clock_gettime64");
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
    TIME64("__wrap___clock_gettime64");
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = __real_clock_gettime(id, ts);

	if (id == CLOCK_REALTIME)
		ts->tv_sec += wall_add;
	if (id == CLOCK_BOOTTIME)
		ts->tv_sec += boot_add;
	return r;
}

static bool
starve(void)
{
	return allocs_left >= 0 && allocs_left-- == 0;
}

void *
__wrap_malloc(size_t n)
{
	return starve() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t m)
{
	return starve() ? NULL : __real_calloc(n, m);
}

/* ---- a directory for each test ---- */

struct bed {
	char dir[64], run[96];
	struct runtime *rt;
};

static int
setup(void **state)
{
	struct bed *b = test_calloc(1, sizeof(*b));

	wall_add = boot_add = 0;
	snprintf(b->dir, sizeof(b->dir), "/tmp/test_runtime.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->run, sizeof(b->run), "%s/run", b->dir);
	assert_int_equal(runtime_open(b->run, getegid(), &b->rt), 0);
	*state = b;
	return 0;
}

static void
empty(const char *dir)
{
	const struct dirent *d;
	char path[400];
	DIR *dp = opendir(dir);

	while (dp != NULL && (d = readdir(dp)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		if (d->d_name[0] != '.')
			remove(path);
	}
	if (dp != NULL)
		closedir(dp);
}

static int
teardown(void **state)
{
	struct bed *b = *state;

	runtime_close(b->rt);
	empty(b->run);
	rmdir(b->run);
	empty(b->dir);
	assert_int_equal(rmdir(b->dir), 0);
	test_free(b);
	return 0;
}

static unsigned
count_files(const struct bed *b, const char *prefix)
{
	const struct dirent *d;
	DIR *dp = opendir(b->run);
	unsigned n = 0;

	while ((d = readdir(dp)) != NULL)
		n += strncmp(d->d_name, prefix, strlen(prefix)) == 0;
	closedir(dp);
	return n;
}

static char *
path_of(const struct bed *b, const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", b->run, name);
	return path;
}

#define PRINCIPAL "principal.2100000001"

static void
slurp(const char *path, uint8_t *data, size_t len)
{
	int fd = open(path, O_RDONLY);

	assert_int_equal(read(fd, data, len), len);
	close(fd);
}

static void
spill(const char *path, const uint8_t *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static bool
claim(struct bed *b, const char *device, uint64_t step)
{
	bool won = true;

	assert_int_equal(runtime_totp_claim(b->rt, SARAH, device, step, &won), 0);
	return won;
}

static uint64_t
last(struct bed *b, const char *device)
{
	uint64_t step = 99;

	assert_int_equal(runtime_totp_last(b->rt, SARAH, device, &step), 0);
	return step;
}

/* ---- the directory ---- */

static void
test_runtime_open__makes_and_checks(void **state)
{
	struct bed *b = *state;
	struct runtime *rt = NULL;
	struct stat st;

	assert_int_equal(stat(b->run, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0770);
	assert_int_equal(chmod(b->run, 0777), 0);
	assert_int_equal(runtime_open(b->run, getegid(), &rt), IAM_ERR_UNSAFE);
	assert_int_equal(chmod(b->run, 0770), 0);
	/* writable for a group that is not ours */
	assert_int_equal(runtime_open(b->run, getegid() + 1, &rt), IAM_ERR_UNSAFE);
	assert_null(rt);
}

/* S37: links, fifos and foreign files are met without waiting or following. */
static void
test_runtime__planted_files_S37(void **state)
{
	struct bed *b = *state;
	char link[200], *path;
	struct runtime *rt;
	bool won = true;

	snprintf(link, sizeof(link), "%s/link", b->dir);
	assert_int_equal(symlink(b->run, link), 0);
	assert_int_equal(runtime_open(link, getegid(), &rt), IAM_ERR_UNSAFE);
	path = path_of(b, PRINCIPAL);
	assert_int_equal(mkfifo(path, 0660), 0);
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, 5, &won), IAM_ERR_UNSAFE);
	assert_false(won);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, 5, &won), IAM_ERR_UNSAFE);
	assert_int_equal(unlink(path), 0);
	assert_true(claim(b, DEV, 5));
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, 6, &won), IAM_ERR_UNSAFE);
	assert_int_equal(chmod(path, 0660), 0);
	if (geteuid() != 0)
		return;
	/* Not root's: only as the helper makes it, where nobody else could. */
	assert_int_equal(chown(path, 12345, getegid()), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, 6, &won), IAM_ERR_UNSAFE);
	assert_int_equal(chmod(path, 0660), 0);
	assert_int_equal(chmod(b->run, 0771), 0);
	assert_int_equal(runtime_open(b->run, getegid(), &rt), 0);
	assert_int_equal(runtime_totp_claim(rt, SARAH, DEV, 6, &won), IAM_ERR_UNSAFE);
	runtime_close(rt);
	assert_int_equal(chmod(b->run, 0770), 0);
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, 6, &won), 0);
	assert_true(won);
	assert_int_equal(chown(path, 0, getegid() + 1), 0);
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, 6, &won), IAM_ERR_UNSAFE);
}

static int64_t
epoch_again(struct bed *b)
{
	struct runtime *rt;
	int64_t s;

	assert_int_equal(runtime_open(b->run, getegid(), &rt), 0);
	s = runtime_epoch_s(rt);
	runtime_close(rt);
	return s;
}

static void
test_runtime_epoch__stays(void **state)
{
	struct bed *b = *state;
	int64_t first = runtime_epoch_s(b->rt);

	assert_in_range(first, time(NULL) - 10, time(NULL));
	wall_add = boot_add = 5000;
	assert_int_equal(epoch_again(b), first);
}

/* S39: put back, it stays; put right after a boot in the past, it moves along. */
static void
test_runtime_epoch__clock_was_moved_S39(void **state)
{
	struct bed *b = *state;
	int64_t first = runtime_epoch_s(b->rt);

	wall_add = -100000;
	assert_int_equal(epoch_again(b), first);
	wall_add = 100000;
	assert_in_range(epoch_again(b), first + 99999, first + 100001);
	wall_add = 0;
	boot_add = -1000000; /* written in another boot */
	assert_true(epoch_again(b) >= first);
}

/* tmpfiles makes the directory, and the first login's code must not be from before. */
static void
test_runtime_epoch__begins_when_the_directory_is_opened(void **state)
{
	struct bed *b = *state;
	char text[128];
	struct runtime *rt;

	assert_int_equal(unlink(path_of(b, "epoch")), 0);
	assert_int_equal(runtime_open(b->run, getegid(), &rt), 0);
	assert_true(readlink(path_of(b, "epoch"), text, sizeof(text)) > 0);
	runtime_close(rt);
}

static void
link_again(const char *path, const char *text)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(text, path), 0);
}

static const char *
cut(const char *text, size_t n)
{
	static char room[128];

	snprintf(room, sizeof(room), "%.*s", (int)n, text);
	return room;
}

static void
test_runtime_epoch__damaged_or_missing_is_now(void **state)
{
	struct bed *b = *state;
	char *path = path_of(b, "epoch");
	char text[128];
	ssize_t n, i;

	assert_true((n = readlink(path, text, sizeof(text) - 1)) > 0);
	text[n] = '\0';
	wall_add = boot_add = 7000;
	for (i = 0; i < n; i++) {
		text[i] ^= 0x40;
		link_again(path, text);
		text[i] ^= 0x40;
		assert_true(epoch_again(b) >= runtime_epoch_s(b->rt) + 6999);
		if (i > 0)
			link_again(path, cut(text, (size_t)i));
		assert_true(epoch_again(b) >= runtime_epoch_s(b->rt) + 6999);
	}
	/* Something else of that name is damage, too, and is replaced. */
	assert_int_equal(unlink(path), 0);
	assert_true((n = open(path, O_CREAT | O_WRONLY, 0660)) >= 0);
	close((int)n);
	assert_true(epoch_again(b) >= runtime_epoch_s(b->rt) + 6999);
	assert_true(readlink(path, text, sizeof(text) - 1) > 0);
	assert_int_equal(unlink(path), 0);
	assert_true(epoch_again(b) >= runtime_epoch_s(b->rt) + 6999);
	wall_add += 100;
	boot_add += 100;
	assert_true(epoch_again(b) < runtime_epoch_s(b->rt) + 7099); /* written down */
}

/* ---- sources of many names ---- */

static bool
source_may(struct bed *b, uint64_t source, int64_t now_s)
{
	const struct runtime_limits limits = { 2, 60 };
	bool allowed = false;

	assert_int_equal(runtime_source_ask(b->rt, source, now_s, &limits, &allowed), 0);
	return allowed;
}

static void
source_fails(struct bed *b, uint64_t source, int64_t now_s, unsigned n)
{
	while (n-- > 0)
		assert_int_equal(runtime_source_failed(b->rt, source, now_s), 0);
}

static void
test_runtime_source__delay_doubles_and_ends(void **state)
{
	uint64_t bad = runtime_source_remote("198.51.100.7");
	struct bed *b = *state;

	assert_true(source_may(b, bad, 1000)); /* no file: nobody has failed */
	source_fails(b, bad, 1000, 2);
	assert_true(source_may(b, bad, 1000));
	source_fails(b, bad, 1000, 1);
	assert_false(source_may(b, bad, 1000));
	assert_true(source_may(b, bad, 1001));
	source_fails(b, bad, 1000, 3);
	assert_false(source_may(b, bad, 1007));
	assert_true(source_may(b, bad, 1008));
	source_fails(b, bad, 1000, 100);
	assert_false(source_may(b, bad, 1059));
	assert_true(source_may(b, bad, 1060));
	/* A clock that was put back restarts it, and a day ends it. */
	assert_true(source_may(b, bad, 1000 + 86401));
	assert_true(source_may(b, runtime_source_remote("198.51.100.8"), 1000));
	assert_true(source_may(b, runtime_source_remote("2001:db8::1"), 1000));
}

static void
test_runtime_source__a_success_forgives_one(void **state)
{
	uint64_t bad = runtime_source_remote("198.51.100.7");
	struct bed *b = *state;

	assert_int_equal(runtime_source_proved(b->rt, bad, 1000), 0);
	source_fails(b, bad, 1000, 4);
	assert_false(source_may(b, bad, 1001));
	assert_int_equal(runtime_source_proved(b->rt, bad, 1001), 0);
	assert_true(source_may(b, bad, 1001));
	assert_int_equal(runtime_source_proved(b->rt, bad, 1001), 0);
	assert_true(source_may(b, bad, 1000));
}

/* The table is full of others: who fails gets a place, and nobody inherits. */
static void
test_runtime_source__more_sources_than_places(void **state)
{
	struct bed *b = *state;
	char text[32];
	uint64_t s = 0;
	unsigned i;

	for (i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.1", i / 256, i % 256);
		s = runtime_source_remote(text);
		source_fails(b, s, 1000 + i / 100, 1);
	}
	assert_true(source_may(b, s, 1200));
	source_fails(b, s, 1200, 2);
	assert_false(source_may(b, s, 1200));
	assert_int_equal(count_files(b, "sources"), 1);
}

static void
test_runtime_source__damage_forgets(void **state)
{
	uint64_t bad = runtime_source_remote("198.51.100.7");
	static uint8_t data[2050 * 8];
	struct bed *b = *state;
	char *path = path_of(b, "sources");
	size_t i;

	source_fails(b, bad, 1000, 9);
	slurp(path, data, sizeof(data));
	for (i = 0; i < sizeof(data); i += 4) {
		data[i] ^= 0x10;
		spill(path, data, sizeof(data));
		data[i] ^= 0x10;
		source_may(b, bad, 1000); /* one or the other, and no more */
		source_fails(b, bad, 1000, 1);
	}
	spill(path, data, 100);
	assert_true(source_may(b, bad, 1000));
	source_fails(b, bad, 1000, 3);
	assert_false(source_may(b, bad, 1000));
}

/* S33: as root alone; the helper's people do not count here. */
static void
test_runtime_source__known_where_she_logged_in(void **state)
{
	const struct runtime_limits limits = { 5, 60 };
	struct bed *b = *state;
	struct runtime_attempt a;
	bool known, begun;

	assert_int_equal(runtime_source_known(b->rt, SARAH, 77, &known), 0);
	assert_false(known);
	assert_int_equal(runtime_attempt_begin(b->rt, SARAH, 77, 1000, &limits, &begun,
	    &a), 0);
	assert_int_equal(runtime_attempt_end(b->rt, &a, RUNTIME_NEITHER, 1000, NULL), 0);
	assert_int_equal(runtime_source_known(b->rt, SARAH, 77, &known), 0);
	assert_false(known);
	assert_int_equal(runtime_attempt_begin(b->rt, SARAH, 77, 1000, &limits, &begun,
	    &a), 0);
	assert_int_equal(runtime_attempt_end(b->rt, &a, RUNTIME_PROVED, 1000, NULL), 0);
	assert_int_equal(runtime_source_known(b->rt, SARAH, 77, &known), 0);
	assert_true(known);
	assert_int_equal(runtime_source_known(b->rt, SARAH, 78, &known), 0);
	assert_false(known);
	assert_int_equal(runtime_source_known(b->rt, SARAH + 1, 77, &known), 0);
	assert_false(known);
}

/* ---- used codes ---- */

/* S39: monotonic, whatever order the steps come in. */
static void
test_runtime_totp_claim__monotonic_S39(void **state)
{
	static const struct {
		uint64_t step;
		bool won;
	} rows[] = { { 100, true }, { 100, false }, { 99, false }, { 101, true },
		{ 1, false }, { 100000, true }, { 102, false }, { 100001, true } };
	struct bed *b = *state;
	size_t i;

	assert_int_equal(last(b, DEV), 0);
	for (i = 0; i < IAM_COUNT(rows); i++)
		assert_int_equal(claim(b, DEV, rows[i].step), rows[i].won);
	assert_int_equal(last(b, DEV), 100001);
	assert_int_equal(last(b, "other"), 0);
	assert_true(claim(b, "other", 5)); /* a device of its own */
	assert_int_equal(last(b, DEV), 100001);
}

/* ---- drift ---- */

/* A code that many steps ahead of our clock; *d as it is then. */
static bool
learn(struct bed *b, uint64_t step, int32_t base, int32_t start, int32_t offset,
    struct runtime_drift *d)
{
	bool moved = false, won = false;

	*d = (struct runtime_drift){ base, start, 0 };
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, step, &won), 0);
	assert_true(won);
	assert_int_equal(runtime_totp_learn(b->rt, SARAH, DEV, offset, d, &moved), 0);
	return moved;
}

static int32_t
drift_now(struct bed *b, int32_t base, int32_t start)
{
	struct runtime_drift d = { base, start, 0 };
	uint64_t last;

	assert_int_equal(runtime_totp_drift(b->rt, SARAH, DEV, &d, &last), 0);
	return d.drift;
}

static void
test_runtime_totp_learn__slow_and_bounded(void **state)
{
	struct bed *b = *state;
	struct runtime_drift d;
	uint64_t step = 100;
	int i;

	assert_int_equal(drift_now(b, 0, 0), 0);
	/* Two late ones and one that fits: nothing. */
	assert_false(learn(b, step++, 0, 0, -1, &d));
	assert_false(learn(b, step++, 0, 0, -1, &d));
	assert_false(learn(b, step++, 0, 0, 0, &d));
	assert_false(learn(b, step++, 0, 0, -1, &d));
	assert_false(learn(b, step++, 0, 0, 1, &d));
	assert_int_equal(drift_now(b, 0, 0), 0);
	/* Three in a row: one step. */
	assert_false(learn(b, step++, 0, 0, 1, &d));
	assert_true(learn(b, step++, 0, 0, 1, &d));
	assert_int_equal(d.drift, 1);
	assert_int_equal(drift_now(b, 0, 0), 1);
	/* Never further than that. */
	for (i = 0; i < 60; i++)
		learn(b, step++, 0, 0, 50, &d);
	assert_int_equal(d.drift, RUNTIME_DRIFT_MAX);
	for (i = 0; i < 60; i++)
		learn(b, step++, 0, 0, -50, &d);
	assert_int_equal(d.drift, -RUNTIME_DRIFT_MAX);
	/* Synchronised anew: it belongs to the old base. */
	assert_int_equal(drift_now(b, 7, 7), 7);
	assert_int_equal(drift_now(b, 0, 0), -RUNTIME_DRIFT_MAX);
	/* S39: the last step is what it was. */
	assert_int_equal(runtime_totp_last(b->rt, SARAH, DEV, &step), 0);
	assert_int_equal(step, 226);
}

static void
test_runtime_totp_drift__what_the_snapshot_knows(void **state)
{
	struct bed *b = *state;
	struct runtime_drift d;
	bool moved;

	/* After a reboot: from where it was. */
	assert_int_equal(drift_now(b, 0, 2), 2);
	/* A snapshot that says too much. */
	assert_int_equal(drift_now(b, 0, 2000), RUNTIME_DRIFT_MAX);
	assert_int_equal(drift_now(b, 0, INT32_MIN), -RUNTIME_DRIFT_MAX);
	assert_false(learn(b, 10, 0, 2, 3, &d));
	assert_false(learn(b, 11, 0, 2, 3, &d));
	assert_true(learn(b, 12, 0, 2, 3, &d));
	assert_int_equal(d.drift, 3);
	/* A device that nobody claimed a code of has nothing to learn. */
	d = (struct runtime_drift){ 0, 0, 0 };
	assert_int_equal(runtime_totp_learn(b->rt, SARAH, "other", 1, &d, &moved), 0);
	assert_false(moved);
	d.base = INT32_MIN;
	assert_int_equal(runtime_totp_learn(b->rt, SARAH, DEV, 1, &d, &moved),
	    IAM_ERR_ARG);
}

static void
test_runtime_totp_claim__impossible_steps(void **state)
{
	struct bed *b = *state;
	bool won = true;

	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, 0, &won), IAM_ERR_ARG);
	assert_false(won);
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, UINT64_MAX, &won),
	    IAM_ERR_ARG);
	/* the year 9999 is still to come */
	assert_int_equal(runtime_totp_claim(b->rt, SARAH, DEV, 8446521599, &won), 0);
	assert_true(won);
}

static void
test_runtime_totp_claim__more_devices_than_places(void **state)
{
	struct bed *b = *state;
	char name[16];
	unsigned i;

	for (i = 0; i < PRINCIPAL_DEVICES; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		assert_true(claim(b, name, 100 + i));
	}
	assert_true(claim(b, "one more", 500)); /* d0 is forgotten ... */
	assert_false(claim(b, "d0", 101));      /* ... and not believed */
	assert_false(claim(b, "d0", 103));
	assert_true(claim(b, "d0", 104));
}

/* After every truncation and every flipped bit, no used step is won again. */
static void
test_runtime_totp_claim__damaged_file_replays_nothing(void **state)
{
	struct bed *b = *state;
	char *path = path_of(b, PRINCIPAL);
	uint8_t data[PRINCIPAL_SIZE];
	uint64_t step;
	size_t i;

	for (step = 50; step <= 60; step++)
		assert_true(claim(b, DEV, step));
	slurp(path, data, sizeof(data));
	for (i = 0; i < sizeof(data) * 8; i++) {
		data[i / 8] ^= (uint8_t)(1 << i % 8);
		spill(path, data, sizeof(data));
		data[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(claim(b, DEV, 59));
		assert_false(claim(b, DEV, 60));
		assert_true(claim(b, DEV, 62)); /* 59 + 2 could have been used */
		if (i % 64 == 0) {
			spill(path, data, i / 8);
			assert_false(claim(b, DEV, 60));
			assert_false(claim(b, DEV, 62));
			assert_true(claim(b, DEV, 63));
		}
	}
	spill(path, data, sizeof(data));
	assert_int_equal(last(b, DEV), 60);
}

/* The device's own word lost its bits: the first code shown is refused. */
static void
test_runtime_totp_claim__damaged_word_makes_strict(void **state)
{
	struct bed *b = *state;
	char *path = path_of(b, PRINCIPAL);
	uint8_t data[PRINCIPAL_SIZE];
	unsigned bit;

	assert_true(claim(b, DEV, 60));
	slurp(path, data, sizeof(data));
	for (bit = 0; bit < 64; bit++) {
		data[8 * WORD_DEVICES + bit / 8] ^= (uint8_t)(1 << bit % 8);
		spill(path, data, sizeof(data));
		data[8 * WORD_DEVICES + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(claim(b, DEV, 61));
		assert_false(claim(b, DEV, 63));
		assert_true(claim(b, DEV, 64));
	}
}

/* Another user's file in this one's place. */
static void
test_principal__of_another_user(void **state)
{
	struct bed *b = *state;
	uint8_t data[PRINCIPAL_SIZE];
	bool won;

	assert_true(claim(b, DEV, 10));
	assert_int_equal(runtime_totp_claim(b->rt, 7, DEV, 5, &won), 0);
	slurp(path_of(b, "principal.7"), data, sizeof(data));
	spill(path_of(b, PRINCIPAL), data, sizeof(data));
	assert_false(claim(b, DEV, 10));
	assert_true(claim(b, DEV, 13));
}

/* S38: on a full file system what cannot be stored is no win, and what is
 * there already works on. */
static void
test_runtime__full_file_system_S38(void **state)
{
	struct bed *b = *state;
	char path[200], junk[4096];
	struct runtime *rt;
	bool won = true;
	int fd;

	if (geteuid() != 0 || mkdir(b->run, 0770) == 0 ||
	    mount("test", b->run, "tmpfs", 0, "size=64k,mode=0700") != 0)
		skip();
	assert_int_equal(runtime_open(b->run, getegid(), &rt), 0);
	assert_int_equal(runtime_totp_claim(rt, SARAH, DEV, 10, &won), 0);
	assert_true(won);
	snprintf(path, sizeof(path), "%s/junk", b->run);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	memset(junk, 1, sizeof(junk));
	while (write(fd, junk, sizeof(junk)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
	won = true;
	assert_int_equal(runtime_totp_claim(rt, 7, DEV, 10, &won), IAM_ERR_IO);
	assert_false(won);
	assert_int_equal(runtime_totp_claim(rt, SARAH, DEV, 10, &won), 0);
	assert_false(won);
	assert_int_equal(runtime_totp_claim(rt, SARAH, DEV, 11, &won), 0);
	assert_true(won);
	runtime_close(rt); /* it keeps a file open */
	assert_int_equal(mount(NULL, b->run, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(runtime_open(b->run, getegid(), &rt), 0);
	assert_int_not_equal(runtime_totp_claim(rt, SARAH, DEV, 12, &won), 0);
	assert_false(won);
	runtime_close(rt);
	assert_int_equal(umount(b->run), 0);
}

/* ---- as the helper: the group, but a user's own uid ---- */

static int
as_user(int (*what)(struct bed *), struct bed *b, gid_t gid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (chmod(b->dir, 0755) != 0 || setgroups(0, NULL) != 0 ||
		    setresgid(gid, gid, gid) != 0 || setresuid(12345, 12345, 12345) != 0)
			_exit(99);
		_exit(what(b));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int
claims_step_20(struct bed *b)
{
	bool won;

	return runtime_totp_claim(b->rt, SARAH, DEV, 20, &won) != 0 || !won;
}

static int
cannot_open(struct bed *b)
{
	return open(path_of(b, PRINCIPAL), O_RDONLY) >= 0 ||
	    open(b->run, O_RDONLY) >= 0;
}

static void
test_runtime_totp_claim__helper_changes_what_root_made(void **state)
{
	struct bed *b = *state;
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_true(claim(b, DEV, 10));
	assert_int_equal(stat(path_of(b, PRINCIPAL), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(as_user(claims_step_20, b, getegid()), 0);
	assert_int_equal(as_user(cannot_open, b, 54321), 0);
	assert_false(claim(b, DEV, 20));
}

static int
makes_file(struct bed *b)
{
	bool won;

	runtime_allow_make(b->rt);
	return runtime_totp_claim(b->rt, 77, DEV, 20, &won) != 0 || !won;
}

/* For a service; and root believes it. (That others make none does not hold in a
 * test build, where everybody is an owner: the story has it.) */
static void
test_runtime_allow_make__file_of_the_helper(void **state)
{
	struct bed *b = *state;
	bool won = true;

	if (geteuid() != 0)
		skip();
	assert_int_equal(as_user(makes_file, b, getegid()), 0);
	assert_int_equal(runtime_totp_claim(b->rt, 77, DEV, 20, &won), 0);
	assert_false(won);
	assert_int_equal(as_user(cannot_open, b, 54321), 0);
}

static int
finds_no_session(struct bed *b)
{
	struct runtime_evidence e;
	bool found = true;
	pid_t pid;

	return runtime_session_find(b->rt, getppid(), &found, &pid, &e) != 0 || found;
}

/* ---- throttle ---- */

#define LOCAL runtime_source_local(0)

static const struct runtime_limits limits = { 3, 300 }, endless = { 1000, 300 };

static uint64_t
from(const char *rhost)
{
	return runtime_source_remote(rhost);
}

/* All zero when nothing is kept of the source. */
static struct runtime_throttle
look(struct bed *b, uint64_t source, int64_t now, uint32_t *ret_all)
{
	struct runtime_throttle t[RUNTIME_SOURCES_MAX];
	unsigned i, n;

	assert_int_equal(runtime_throttle_list(b->rt, SARAH, now, &limits, t, &n,
	    ret_all), 0);
	for (i = 0; i < n; i++) {
		if (t[i].source == source)
			return t[i];
	}
	return (struct runtime_throttle){ 0 };
}

static int64_t
retry_at(struct bed *b, uint64_t source, int64_t now)
{
	uint32_t all;

	return look(b, source, now, &all).retry_at_s;
}

static uint32_t
failures(struct bed *b, uint64_t source, int64_t now)
{
	uint32_t all;

	return look(b, source, now, &all).failures;
}

static bool
try(struct bed *b, uint64_t source, int64_t now, enum runtime_outcome outcome,
    uint32_t *ret_before)
{
	struct runtime_attempt a;
	bool begun = true;

	assert_int_equal(runtime_attempt_begin(b->rt, SARAH, source, now, &limits,
	    &begun, &a), 0);
	if (begun)
		assert_int_equal(runtime_attempt_end(b->rt, &a, outcome, now,
		    ret_before), 0);
	return begun;
}

/* A failure, whether it would be looked at or not. */
static void
fail_from(struct bed *b, uint64_t source, int64_t now)
{
	struct runtime_attempt a;
	bool begun = false;

	assert_int_equal(runtime_attempt_begin(b->rt, SARAH, source, now, &endless,
	    &begun, &a), 0);
	assert_true(begun);
	assert_int_equal(runtime_attempt_end(b->rt, &a, RUNTIME_FAILED, now, NULL), 0);
}

static void
test_runtime_attempt__delay_doubles(void **state)
{
	static const int64_t delays[] = { 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256,
		300, 300, 300 };
	struct bed *b = *state;
	struct runtime_throttle t;
	uint32_t all = 99;
	int64_t now = 1000;
	size_t i;

	t = look(b, LOCAL, now, &all);
	assert_int_equal(t.failures + all + t.last_s + t.retry_at_s, 0);
	for (i = 0; i < IAM_COUNT(delays); i++) {
		assert_true(try(b, LOCAL, now, RUNTIME_FAILED, NULL));
		t = look(b, LOCAL, now, &all);
		assert_int_equal(t.failures, i + 1);
		assert_int_equal(t.last_s, now);
		assert_int_equal(all, i + 1);
		assert_int_equal(t.retry_at_s, delays[i] == 0 ? 0 : now + delays[i]);
		/* Too early is not looked at, and not counted (S16). */
		if (delays[i] != 0)
			assert_false(try(b, LOCAL, now + delays[i] - 1,
			    RUNTIME_PROVED, NULL));
		now += delays[i];
	}
	assert_int_equal(failures(b, LOCAL, now), IAM_COUNT(delays));
	assert_int_equal(failures(b, LOCAL, now + PRINCIPAL_FORGET_S + 1), 0);
}

/* S15: what proved nothing forgets nothing. */
static void
test_runtime_attempt__neither_forgets_nothing_S15(void **state)
{
	struct bed *b = *state;
	uint32_t before = 0;
	unsigned i;

	for (i = 0; i < 3; i++)
		fail_from(b, LOCAL, 1000);
	assert_true(try(b, LOCAL, 1001, RUNTIME_NEITHER, NULL));
	assert_int_equal(failures(b, LOCAL, 1001), 3);
	assert_true(try(b, LOCAL, 1001, RUNTIME_PROVED, &before));
	assert_int_equal(before, 3);
	assert_int_equal(failures(b, LOCAL, 1001), 0);
}

/* Guesses in flight at once have the tries that one after the other has. */
static void
test_runtime_attempt__in_flight_counts_S33(void **state)
{
	struct runtime_attempt a[8];
	struct bed *b = *state;
	bool begun = true;
	unsigned n;
	int64_t now = 1000;

	for (n = 0; n <= limits.free; n++) {
		assert_int_equal(runtime_attempt_begin(b->rt, SARAH, LOCAL, now,
		    &limits, &begun, &a[n]), 0);
		assert_true(begun);
	}
	/* One ends well: a place is free. One ends badly: none is. */
	assert_int_equal(runtime_attempt_end(b->rt, &a[0], RUNTIME_NEITHER, now, NULL), 0);
	assert_int_equal(runtime_attempt_begin(b->rt, SARAH, LOCAL, now, &limits,
	    &begun, &a[0]), 0);
	assert_true(begun);
	for (n = 0; n <= limits.free; n++)
		assert_int_equal(runtime_attempt_end(b->rt, &a[n], RUNTIME_FAILED,
		    now, NULL), 0);
	assert_false(try(b, LOCAL, now, RUNTIME_PROVED, NULL));
	assert_int_equal(failures(b, LOCAL, now), limits.free + 1);
}

/* A process that was killed or stopped while its attempt was judged has failed;
 * it hinders others no longer than that takes, and when it goes on after all it
 * is not counted twice. */
static void
test_runtime_attempt__lost_in_flight_has_failed(void **state)
{
	struct runtime_attempt a[5];
	struct bed *b = *state;
	bool begun = false;
	uint32_t all;
	unsigned n;

	for (n = 0; n <= limits.free; n++)
		assert_int_equal(runtime_attempt_begin(b->rt, SARAH, LOCAL, 1000,
		    &limits, &begun, &a[n]), 0);
	assert_true(begun);
	/* Four failures at 1000: the delay is over long before. */
	assert_true(try(b, LOCAL, 1000 + RUNTIME_FLIGHT_S, RUNTIME_NEITHER, NULL));
	assert_int_equal(look(b, LOCAL, 1000 + RUNTIME_FLIGHT_S, &all).failures, 4);
	assert_int_equal(all, 4);
	boot_add = RUNTIME_FLIGHT_S;
	for (n = 0; n <= limits.free; n++)
		assert_int_equal(runtime_attempt_end(b->rt, &a[n], RUNTIME_FAILED,
		    1000 + RUNTIME_FLIGHT_S, NULL), 0);
	assert_int_equal(look(b, LOCAL, 1000 + RUNTIME_FLIGHT_S, &all).failures, 4);
	assert_int_equal(all, 4);
}

/* S16: the attacker's address waits, the victim's does not. */
static void
test_runtime_attempt__another_source_is_free_S16(void **state)
{
	uint64_t bad = from("198.51.100.7");
	struct bed *b = *state;
	uint32_t before;
	unsigned i;

	for (i = 0; i < 50; i++)
		fail_from(b, bad, 1000);
	assert_true(retry_at(b, bad, 1000) > 0);
	assert_int_equal(retry_at(b, from("192.0.2.1"), 1000), 0);
	/* S15: her success elsewhere does not clear the attacker's delay. */
	assert_true(try(b, from("192.0.2.1"), 1001, RUNTIME_PROVED, &before));
	assert_int_equal(before, 50);
	assert_true(retry_at(b, bad, 1001) > 0);
	assert_int_equal(runtime_throttle_clear(b->rt, SARAH), 0);
	assert_int_equal(retry_at(b, bad, 1001), 0);
}

/* More addresses than places are no way around the delay; hers stays free. */
static void
test_runtime_attempt__many_sources_S16(void **state)
{
	struct bed *b = *state;
	unsigned i, round, tries = 0;
	char ip[16];

	assert_true(try(b, from("192.0.2.1"), 999, RUNTIME_PROVED, NULL));
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 200; i++) {
			snprintf(ip, sizeof(ip), "203.0.113.%u", i);
			tries += try(b, from(ip), 1000, RUNTIME_FAILED, NULL);
		}
	}
	assert_in_range(tries, PRINCIPAL_SOURCES, PRINCIPAL_SOURCES * 4);
	assert_true(try(b, from("192.0.2.1"), 1000, RUNTIME_PROVED, NULL));
}

static void
test_runtime_source__what_is_kept_apart(void **state)
{
	static const struct {
		const char *rhost, *text;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::/64" },
		{ "2001:db8:0:0:ffff::2", "2001:db8::/64" },
		{ "2001:db8:0:1::1", "2001:db8:0:1::/64" },
		{ "::1", "::/64" },
		{ "255.255.255.255", "255.255.255.255" },
	};
	char text[RUNTIME_SOURCE_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		runtime_source_text(from(rows[i].rhost), text);
		assert_string_equal(text, rows[i].text);
	}
	runtime_source_text(LOCAL, text);
	assert_string_equal(text, "local");
	runtime_source_text(runtime_source_local(4000000000u), text);
	assert_string_equal(text, "uid 4000000000");
	/* S13: a name is never the host, whatever it says. */
	runtime_source_text(from("local"), text);
	assert_memory_equal(text, "name ", 5);
	assert_true(from("a.example") != from("b.example"));
	assert_true(runtime_source_local(1) != from("0.0.0.1"));
}

static void
test_runtime_attempt__clock_put_back(void **state)
{
	struct bed *b = *state;
	unsigned i;

	for (i = 0; i < 8; i++) /* 16 s */
		fail_from(b, LOCAL, 1000000);
	assert_int_equal(retry_at(b, LOCAL, 500), 516);
	assert_false(try(b, LOCAL, 500, RUNTIME_PROVED, NULL));
	assert_true(try(b, LOCAL, 1000016, RUNTIME_NEITHER, NULL));
	/* A clock that says nonsense ends no login. */
	assert_true(try(b, LOCAL, INT64_MAX, RUNTIME_NEITHER, NULL));
	assert_true(try(b, from("192.0.2.1"), -5, RUNTIME_PROVED, NULL));
}

static void
test_runtime_attempt__known_sources_are_limited(void **state)
{
	struct bed *b = *state;
	uint64_t words[PRINCIPAL_WORDS];
	unsigned i, known = 0;
	char ip[16];

	for (i = 0; i < 40; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%u", i);
		assert_true(try(b, from(ip), 1000 + i, RUNTIME_PROVED, NULL));
	}
	slurp(path_of(b, PRINCIPAL), (uint8_t *)words, sizeof(words));
	for (i = 0; i < PRINCIPAL_SOURCES; i++)
		known += words[WORD_SOURCES + 2 * i] != 0;
	assert_int_equal(known, PRINCIPAL_KNOWN_MAX);
}

static void
test_runtime_event_allowed__so_many_a_minute(void **state)
{
	struct bed *b = *state;
	bool allowed;
	unsigned i;

	for (i = 0; i <= RUNTIME_EVENTS_A_MINUTE; i++) {
		assert_int_equal(runtime_event_allowed(b->rt, SARAH, 6000, &allowed), 0);
		assert_int_equal(allowed, i < RUNTIME_EVENTS_A_MINUTE);
	}
	assert_int_equal(runtime_event_allowed(b->rt, 7, 6000, &allowed), 0);
	assert_true(allowed);
	assert_int_equal(runtime_event_allowed(b->rt, SARAH, 6060, &allowed), 0);
	assert_true(allowed);
}

/* Damaged counters are forgotten one by one, and the others stay. */
static void
test_runtime_attempt__damaged_word(void **state)
{
	struct bed *b = *state;
	uint8_t data[PRINCIPAL_SIZE];
	char *path = path_of(b, PRINCIPAL);

	fail_from(b, LOCAL, 1000);
	fail_from(b, from("192.0.2.1"), 1000);
	slurp(path, data, sizeof(data));
	data[8 * (WORD_SOURCES + 1) + 5] ^= 0x20;
	spill(path, data, sizeof(data));
	assert_int_equal(failures(b, LOCAL, 1000), 0);
	assert_int_equal(failures(b, from("192.0.2.1"), 1000), 1);
	fail_from(b, LOCAL, 1000);
	assert_int_equal(failures(b, LOCAL, 1000), 1);
}

/* ---- evidence and sessions ---- */

static const struct runtime_evidence proof = {
	.uid = SARAH, .methods = RUNTIME_PASSWORD | RUNTIME_MFA, .auth_s = 5000,
	.mfa_s = 5000, .user = "sarah", .service = "sshd", .rhost = "192.0.2.1",
	.tty = "ssh", .device = DEV,
	.session_id = "123e4567-e89b-12d3-a456-426614174000",
};

static void
test_runtime_evidence__found_once(void **state)
{
	struct bed *b = *state;
	struct runtime_evidence e;
	struct stat st;
	char name[48];
	struct process me;
	bool found;

	assert_int_equal(runtime_evidence_put(b->rt, getpid(), &proof), 0);
	assert_int_equal(process_read(getpid(), &me), 0);
	snprintf(name, sizeof(name), "evidence.%d.%llu", (int)getpid(),
	    (unsigned long long)me.start);
	assert_int_equal(stat(path_of(b, name), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(runtime_evidence_peek(b->rt, getpid(), 5001, &found, &e), 0);
	assert_true(found);
	assert_memory_equal(&e, &proof, sizeof(e));
	assert_int_equal(runtime_evidence_take(b->rt, getppid(), 5001, &found, &e), 0);
	assert_false(found);
	assert_int_equal(runtime_evidence_take(b->rt, getpid(), 5001, &found, &e), 0);
	assert_true(found);
	assert_string_equal(e.device, DEV);
	assert_int_equal(runtime_evidence_take(b->rt, getpid(), 5001, &found, &e), 0);
	assert_false(found);
}

static void
test_runtime_evidence__ten_minutes(void **state)
{
	struct bed *b = *state;
	struct runtime_evidence e;
	bool found;

	assert_int_equal(runtime_evidence_put(b->rt, getpid(), &proof), 0);
	assert_int_equal(runtime_evidence_peek(b->rt, getpid(), 5600, &found, &e), 0);
	assert_true(found);
	assert_int_equal(runtime_evidence_peek(b->rt, getpid(), 4999, &found, &e), 0);
	assert_true(found);
	assert_int_equal(runtime_evidence_peek(b->rt, getpid(), 4399, &found, &e), 0);
	assert_false(found);
	assert_int_equal(runtime_evidence_take(b->rt, getpid(), 5601, &found, &e), 0);
	assert_false(found);
	assert_int_equal(count_files(b, "evidence."), 0);
}

static void
test_runtime_evidence__no_such_process(void **state)
{
	struct bed *b = *state;
	struct runtime_evidence e = proof;
	pid_t pid = fork();
	bool found = true;

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_int_equal(runtime_evidence_put(b->rt, pid, &proof), IAM_ERR_ABSENT);
	assert_int_equal(runtime_evidence_take(b->rt, pid, 0, &found, &e), IAM_ERR_ABSENT);
	assert_false(found);
	memset(e.tty, 'x', sizeof(e.tty));
	assert_int_equal(runtime_evidence_put(b->rt, getpid(), &e), IAM_ERR_ARG);
}

static void
test_record_decode__every_truncation_and_flip(void **state)
{
	struct record rec = { 77, proof }, back;
	uint8_t data[RECORD_SIZE], cut[RECORD_SIZE];
	size_t i;

	(void)state;
	assert_int_equal(record_encode(&rec, data), 0);
	assert_int_equal(record_decode(data, &back), 0);
	assert_memory_equal(&back.e, &proof, sizeof(proof));
	assert_int_equal(back.start, 77);
	for (i = 0; i < RECORD_SIZE; i++) {
		memset(cut, 0, sizeof(cut));
		memcpy(cut, data, i);
		if (memcmp(cut, data, sizeof(cut)) != 0)
			assert_int_equal(record_decode(cut, &back), IAM_ERR_FORMAT);
		data[i] ^= 0x80;
		assert_int_equal(record_decode(data, &back), IAM_ERR_FORMAT);
		data[i] ^= 0x80;
	}
}

static void
test_record_decode__sessions_from_before_an_upgrade(void **state)
{
	struct record rec = { 77, proof }, back;
	uint8_t data[RECORD_SIZE];
	uint64_t sum;

	(void)state;
	assert_int_equal(record_encode(&rec, data), 0);
	assert_memory_equal(data, "IMTRCE02", 8);
	/* What it has behind the session id was zeros then. */
	data[7] = '1';
	sum = htole64(rt_sum(data, RECORD_SIZE - 8));
	memcpy(data + RECORD_SIZE - 8, &sum, sizeof(sum));
	assert_int_equal(record_decode(data, &back), 0);
	assert_string_equal(back.e.session_id, proof.session_id);
	assert_string_equal(back.e.role_session, "");
	assert_int_equal(back.e.expires_s, 0);
}

static void
test_record_encode__the_longest_texts_fit(void **state)
{
	struct record rec = { 77, proof }, back;
	uint8_t data[RECORD_SIZE];

	(void)state;
#define FULL(member) memset(rec.e.member, 'x', sizeof(rec.e.member) - 1); \
	rec.e.member[sizeof(rec.e.member) - 1] = '\0'
	FULL(user);
	FULL(service);
	FULL(rhost);
	FULL(tty);
	FULL(device);
	FULL(session_id);
	FULL(role_session);
	FULL(source_identity);
	assert_int_equal(record_encode(&rec, data), 0);
	assert_int_equal(record_decode(data, &back), 0);
	assert_memory_equal(&back.e, &rec.e, sizeof(back.e));
}

/* What a session has beside its record goes with it, and damage shows. */
static void
test_runtime_extra__belongs_to_the_session(void **state)
{
	struct bed *b = *state;
	uint8_t large[RUNTIME_EXTRA_MAX + 1] = { 1, 2, 3 };
	struct buf got = BUF_INIT;

	assert_int_equal(runtime_extra_get(b->rt, getpid(), &got), IAM_ERR_ABSENT);
	assert_int_equal(runtime_extra_put(b->rt, getpid(), large, sizeof(large)),
	    IAM_ERR_LIMIT);
	assert_int_equal(runtime_extra_put(b->rt, getpid(), large,
	    RUNTIME_EXTRA_MAX), 0);
	assert_int_equal(runtime_extra_get(b->rt, getpid(), &got), 0);
	assert_int_equal(got.len, RUNTIME_EXTRA_MAX);
	assert_memory_equal(got.p, large, RUNTIME_EXTRA_MAX);
	buf_reset(&got);
	assert_int_equal(runtime_extra_put(b->rt, getpid(), "abc", 3), 0);
	assert_int_equal(runtime_session_open(b->rt, getpid(), &proof), 0);
	assert_int_equal(runtime_sweep(b->rt, time(NULL)), 0);
	assert_int_equal(runtime_extra_get(b->rt, getpid(), &got), 0);
	assert_string_equal(buf_cstr(&got), "abc");
	assert_int_equal(runtime_session_close(b->rt, getpid()), 0);
	buf_reset(&got);
	assert_int_equal(runtime_extra_get(b->rt, getpid(), &got), IAM_ERR_ABSENT);
	buf_release(&got);
}

/* Run in a child, depth more forks down; its exit status comes back up. */
static int
below(unsigned depth, int (*what)(struct bed *, pid_t), struct bed *b, pid_t top)
{
	int status;
	pid_t pid;

	if (depth == 0)
		return what(b, top);
	if ((pid = fork()) == 0)
		_exit(below(depth - 1, what, b, top));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int
session_is(struct bed *b, pid_t want)
{
	struct runtime_evidence e;
	bool found;
	pid_t pid;

	if (runtime_session_find(b->rt, getpid(), &found, &pid, &e) != 0)
		return 1;
	if (!found)
		return 2;
	return pid == want && strcmp(e.user, "sarah") == 0 ? 0 : 3;
}

static int
find_error(struct bed *b, pid_t want)
{
	struct runtime_evidence e;
	bool found = true;
	pid_t pid;
	int r = runtime_session_find(b->rt, getpid(), &found, &pid, &e);

	(void)want;
	return found ? 77 : -r;
}

static void
test_runtime_session_find__ancestors(void **state)
{
	struct bed *b = *state;

	assert_int_equal(session_is(b, getpid()), 2);
	assert_int_equal(runtime_session_open(b->rt, getpid(), &proof), 0);
	assert_int_equal(below(0, session_is, b, getpid()), 0);
	assert_int_equal(below(5, session_is, b, getpid()), 0);
	assert_int_equal(below(63, session_is, b, getpid()), 0);
	assert_int_equal(below(64, find_error, b, getpid()), -IAM_ERR_LIMIT);
	if (geteuid() == 0)
		assert_int_equal(as_user(finds_no_session, b, getegid()), 0);
	assert_int_equal(runtime_session_close(b->rt, getpid()), 0);
	assert_int_equal(below(2, session_is, b, getpid()), 2);
	assert_int_equal(runtime_session_close(b->rt, getpid()), 0);
}

/* Damage is an error and not "no session": that would be taken for root. */
static void
test_runtime_session_find__damaged(void **state)
{
	struct bed *b = *state;
	struct process me;
	char name[48];

	assert_int_equal(runtime_session_open(b->rt, getpid(), &proof), 0);
	assert_int_equal(process_read(getpid(), &me), 0);
	snprintf(name, sizeof(name), "session.%d.%llu", (int)getpid(),
	    (unsigned long long)me.start);
	assert_int_equal(truncate(path_of(b, name), 1000), 0);
	assert_int_equal(below(1, find_error, b, 0), -IAM_ERR_FORMAT);
	assert_int_equal(truncate(path_of(b, name), RECORD_SIZE), 0);
	assert_int_equal(below(1, find_error, b, 0), -IAM_ERR_FORMAT);
}

/* A session file of the same pid with another start time is not found. */
static void
test_runtime_session_find__reused_pid(void **state)
{
	struct bed *b = *state;
	struct process me;
	char from[48], to[48], old[200];

	assert_int_equal(runtime_session_open(b->rt, getpid(), &proof), 0);
	assert_int_equal(process_read(getpid(), &me), 0);
	snprintf(from, sizeof(from), "session.%d.%llu", (int)getpid(),
	    (unsigned long long)me.start);
	snprintf(to, sizeof(to), "session.%d.%llu", (int)getpid(),
	    (unsigned long long)me.start - 1);
	snprintf(old, sizeof(old), "%s", path_of(b, from));
	assert_int_equal(rename(old, path_of(b, to)), 0);
	assert_int_equal(session_is(b, getpid()), 2);
	assert_int_equal(runtime_sweep(b->rt, 5000), 0);
	assert_int_equal(count_files(b, "session."), 0);
}

static void
test_runtime_session_mfa__is_only_raised(void **state)
{
	struct bed *b = *state;
	struct runtime_evidence e = proof;
	bool found;
	pid_t pid;

	assert_int_equal(runtime_session_mfa(b->rt, getpid(), 6000, "d"), IAM_ERR_ABSENT);
	e.methods = RUNTIME_PUBLICKEY;
	e.mfa_s = 0;
	assert_int_equal(runtime_session_open(b->rt, getpid(), &e), 0);
	assert_int_equal(runtime_session_mfa(b->rt, getpid(), 6000, "d1"), 0);
	assert_int_equal(runtime_session_mfa(b->rt, getpid(), 5999, "d2"), 0);
	assert_int_equal(runtime_session_find(b->rt, getpid(), &found, &pid, &e), 0);
	assert_true(found);
	assert_int_equal(e.mfa_s, 6000);
	assert_int_equal(e.methods, RUNTIME_PUBLICKEY | RUNTIME_MFA);
	assert_string_equal(e.device, "d1");
	assert_string_equal(e.user, "sarah");
}

static void
test_runtime_sweep__removes_only_the_dead(void **state)
{
	struct bed *b = *state;
	int tube[2], fd;
	char name[48];
	pid_t pid;

	assert_int_equal(pipe(tube), 0);
	if ((pid = fork()) == 0) {
		close(tube[1]);
		_exit(read(tube[0], name, 1) != 0);
	}
	assert_int_equal(runtime_session_open(b->rt, pid, &proof), 0);
	assert_int_equal(runtime_evidence_put(b->rt, pid, &proof), 0);
	assert_int_equal(runtime_session_open(b->rt, getpid(), &proof), 0);
	assert_true(claim(b, DEV, 1));
	snprintf(name, sizeof(name), "new.%d.0123abcd", (int)pid);
	fd = open(path_of(b, name), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(runtime_sweep(b->rt, 5000), 0);
	assert_int_equal(count_files(b, "session."), 2);
	assert_int_equal(count_files(b, "new."), 1);
	close(tube[0]);
	close(tube[1]);
	waitpid(pid, NULL, 0);
	assert_int_equal(runtime_sweep(b->rt, 5000), 0);
	assert_int_equal(count_files(b, "session."), 1);
	assert_int_equal(count_files(b, "evidence."), 0);
	assert_int_equal(count_files(b, "new."), 0);
	assert_int_equal(count_files(b, "epoch"), 1);
	assert_int_equal(last(b, DEV), 1);
}

/* proc(5): the name may hold parentheses, blanks and digits. */
static void
test_process_parse__odd_names(void **state)
{
	const char *good = "42 (a) R 1 (2) 3) S 17 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 "
	    "20 0 1 0 987654 1000 200 18446744073709551615 0 0\n";
	char cut[256];
	struct process p;
	size_t i, end = (size_t)(strstr(good, "987654") - good);

	(void)state;
	assert_int_equal(process_parse(good, &p), 0);
	assert_int_equal(p.parent, 17);
	assert_int_equal(p.start, 987654);
	for (i = 0; i <= end; i++) {
		memcpy(cut, good, i);
		cut[i] = '\0';
		assert_int_equal(process_parse(cut, &p), IAM_ERR_FORMAT);
	}
	assert_int_equal(process_parse("1 (x) S -1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 "
	    "20 0 1 0 987654 1", &p), IAM_ERR_FORMAT);
	assert_int_equal(prctl(PR_SET_NAME, "a) S 1 2 (", 0, 0, 0), 0);
	assert_int_equal(process_read(getpid(), &p), 0);
	assert_int_equal(p.parent, getppid());
}

/* The n-th allocation fails: an error, and nothing won or found. */
static void
test_runtime__nth_allocation_fails(void **state)
{
	struct bed *b = *state;
	struct runtime *rt;
	int n, r;

	for (n = 0; n < 100; n++) {
		allocs_left = n;
		rt = NULL;
		r = runtime_open(b->run, getegid(), &rt);
		if (r == 0)
			r = runtime_evidence_put(rt, getpid(), &proof);
		if (r == 0)
			r = runtime_sweep(rt, 5000);
		allocs_left = -1;
		runtime_close(rt);
		if (r == 0)
			break;
		assert_true(r == IAM_ERR_MEMORY || r == IAM_ERR_IO);
	}
	assert_in_range(n, 1, 99);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_runtime_open__makes_and_checks),
		T(test_runtime__planted_files_S37),
		T(test_runtime_source__delay_doubles_and_ends),
		T(test_runtime_source__a_success_forgives_one),
		T(test_runtime_source__more_sources_than_places),
		T(test_runtime_source__damage_forgets),
		T(test_runtime_source__known_where_she_logged_in),
		T(test_runtime_epoch__stays),
		T(test_runtime_epoch__begins_when_the_directory_is_opened),
		T(test_runtime_epoch__clock_was_moved_S39),
		T(test_runtime_epoch__damaged_or_missing_is_now),
		T(test_runtime_totp_claim__monotonic_S39),
		T(test_runtime_totp_learn__slow_and_bounded),
		T(test_runtime_totp_drift__what_the_snapshot_knows),
		T(test_runtime_totp_claim__impossible_steps),
		T(test_runtime_totp_claim__more_devices_than_places),
		T(test_runtime_totp_claim__damaged_file_replays_nothing),
		T(test_runtime_totp_claim__damaged_word_makes_strict),
		T(test_principal__of_another_user),
		T(test_runtime__full_file_system_S38),
		T(test_runtime_totp_claim__helper_changes_what_root_made),
		T(test_runtime_allow_make__file_of_the_helper),
		T(test_runtime_attempt__delay_doubles),
		T(test_runtime_attempt__neither_forgets_nothing_S15),
		T(test_runtime_attempt__in_flight_counts_S33),
		T(test_runtime_attempt__lost_in_flight_has_failed),
		T(test_runtime_attempt__another_source_is_free_S16),
		T(test_runtime_attempt__many_sources_S16),
		T(test_runtime_source__what_is_kept_apart),
		T(test_runtime_attempt__clock_put_back),
		T(test_runtime_attempt__known_sources_are_limited),
		T(test_runtime_attempt__damaged_word),
		T(test_runtime_event_allowed__so_many_a_minute),
		T(test_runtime_evidence__found_once),
		T(test_runtime_evidence__ten_minutes),
		T(test_runtime_evidence__no_such_process),
		T(test_record_decode__every_truncation_and_flip),
		T(test_record_decode__sessions_from_before_an_upgrade),
		T(test_record_encode__the_longest_texts_fit),
		T(test_runtime_extra__belongs_to_the_session),
		T(test_runtime_session_find__ancestors),
		T(test_runtime_session_find__damaged),
		T(test_runtime_session_find__reused_pid),
		T(test_runtime_session_mfa__is_only_raised),
		T(test_runtime_sweep__removes_only_the_dead),
		T(test_process_parse__odd_names),
		T(test_runtime__nth_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
