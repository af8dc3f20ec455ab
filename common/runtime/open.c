/*
 * The directory itself, and when replay protection began.
 */
#include "common/base/base.h"
#include "common/runtime/principal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EPOCH_MAGIC UINT64_C(0x31434f5045544e52) /* "RNTEPOC1" */
#define EPOCH_SIZE 32

struct epoch {
	int64_t wall_s; /* seconds since 1970 */
	int64_t boot_s; /* CLOCK_BOOTTIME at the same moment */
};

static int
now(struct epoch *ret)
{
	struct timespec wall, boot;

	if (clock_gettime(CLOCK_REALTIME, &wall) != 0 ||
	    clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
		return IAM_ERR_IO;
	ret->wall_s = wall.tv_sec;
	ret->boot_s = boot.tv_sec;
	return 0;
}

static int
epoch_write(const struct runtime *rt, const struct epoch *e, bool replace)
{
	struct buf b = BUF_INIT;
	int r;

	buf_u64(&b, EPOCH_MAGIC);
	buf_u64(&b, (uint64_t)e->wall_s);
	buf_u64(&b, (uint64_t)e->boot_s);
	buf_u64(&b, rt_sum(b.p, b.len));
	if ((r = b.err) == 0)
		r = rt_put(rt, "epoch", b.p, b.len, 0660, replace);
	buf_release(&b);
	return r;
}

static int
epoch_read(const struct runtime *rt, struct epoch *ret)
{
	uint8_t data[EPOCH_SIZE];
	struct rd rd;
	uint64_t magic, sum;
	struct stat st;
	size_t len;
	int fd, r;

	if ((r = rt_open(rt, "epoch", O_RDONLY, rt->auth_gid, &fd, &st)) != 0)
		return r;
	r = rt_read(fd, data, sizeof(data), &len);
	close(fd);
	if (r != 0)
		return r;
	rd_init(&rd, data, len);
	magic = rd_u64(&rd);
	ret->wall_s = (int64_t)rd_u64(&rd);
	ret->boot_s = (int64_t)rd_u64(&rd);
	sum = rd_u64(&rd);
	if (rd_end(&rd) != 0 || magic != EPOCH_MAGIC ||
	    sum != rt_sum(data, sizeof(data) - 8))
		return IAM_ERR_FORMAT;
	return 0;
}

/*
 * The wall clock's time when the directory was made, by the clock of then or of now,
 * whichever is later. A host without a battery-backed clock boots in the past and is
 * put right afterwards: by the clock of then, codes from before the boot would be good.
 */
static int
epoch_effective(const struct epoch *e, int64_t *ret)
{
	struct epoch t;
	int64_t age, by_now;
	int r;

	if ((r = now(&t)) != 0)
		return r;
	if (__builtin_sub_overflow(t.boot_s, e->boot_s, &age) || age < 0 ||
	    __builtin_sub_overflow(t.wall_s, age, &by_now))
		return IAM_ERR_FORMAT; /* of another boot */
	*ret = by_now > e->wall_s ? by_now : e->wall_s;
	return 0;
}

/* Missing or damaged: replay protection begins now, and root writes that down. */
static int
epoch_begin(struct runtime *rt, bool damaged)
{
	struct epoch e;
	int r;

	if ((r = now(&e)) != 0)
		return r;
	rt->epoch_s = e.wall_s;
	if (!rt_is_owner())
		return 0;
	r = epoch_write(rt, &e, damaged);
	if (r != IAM_ERR_CONFLICT)
		return r;
	if ((r = epoch_read(rt, &e)) != 0) /* another process was first */
		return r;
	return epoch_effective(&e, &rt->epoch_s);
}

static int
epoch_load(struct runtime *rt)
{
	struct epoch e;
	int r;

	if ((r = epoch_read(rt, &e)) == 0)
		r = epoch_effective(&e, &rt->epoch_s);
	if (r == IAM_ERR_ABSENT || r == IAM_ERR_FORMAT)
		return epoch_begin(rt, r == IAM_ERR_FORMAT);
	return r;
}

/* Closed to all until its group is right. */
static int
make_dir(const char *dir, gid_t auth_gid)
{
	int fd, r = 0, saved;

	if (mkdir(dir, 0700) != 0)
		return errno == EEXIST ? 0 : IAM_ERR_IO;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return IAM_ERR_IO;
	if (auth_gid != (gid_t)-1 &&
	    (fchown(fd, (uid_t)-1, auth_gid) != 0 || fchmod(fd, 0770) != 0))
		r = IAM_ERR_IO;
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static int
open_dir(const char *dir, int *ret_fd)
{
	*ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENOENT)
		return IAM_ERR_ABSENT;
	return errno == ELOOP || errno == ENOTDIR ? IAM_ERR_UNSAFE : IAM_ERR_IO;
}

static int
check_dir(int fd, gid_t auth_gid, bool *ret_closed)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return IAM_ERR_IO;
	if (!file_owner_ok(st.st_uid) || (st.st_mode & S_IWOTH) != 0)
		return IAM_ERR_UNSAFE;
	if ((st.st_mode & S_IWGRP) != 0 && st.st_gid != auth_gid)
		return IAM_ERR_UNSAFE;
	*ret_closed = (st.st_mode & S_IRWXO) == 0;
	return 0;
}

int
runtime_open(const char *dir, gid_t auth_gid, struct runtime **ret)
{
	struct runtime *rt;
	bool made = false;
	int64_t epoch_s;
	int r;

	if ((rt = calloc(1, sizeof(*rt))) == NULL)
		return IAM_ERR_MEMORY;
	rt->auth_gid = auth_gid;
	rt->dir_fd = -1;
	rt->principal.fd = -1;
	r = open_dir(dir, &rt->dir_fd);
	if (r == IAM_ERR_ABSENT && rt_is_owner() &&
	    (r = make_dir(dir, auth_gid)) == 0) {
		made = true;
		r = open_dir(dir, &rt->dir_fd);
	}
	if (r == 0)
		r = check_dir(rt->dir_fd, auth_gid, &rt->closed);
	if (r == 0 && made)
		r = runtime_epoch(rt, &epoch_s);
	if (r != 0) {
		runtime_close(rt);
		return r;
	}
	*ret = rt;
	return 0;
}

void
runtime_close(struct runtime *rt)
{
	int saved = errno;

	if (rt == NULL)
		return;
	principal_close(&rt->principal);
	if (rt->dir_fd >= 0)
		close(rt->dir_fd);
	free(rt);
	errno = saved;
}

void
runtime_allow_make(struct runtime *rt)
{
	rt->may_make = true;
}

int
runtime_epoch(struct runtime *rt, int64_t *ret_s)
{
	int r;

	if (!rt->has_epoch && (r = epoch_load(rt)) != 0)
		return r;
	rt->has_epoch = true;
	*ret_s = rt->epoch_s;
	return 0;
}
