/*
 * The directory itself, and when replay protection began.
 */
#include "common/base/base.h"
#include "common/runtime/principal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EPOCH_MAX 96

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

/* "wall boot checksum": all of it in the target of a symbolic link, which is made
 * and read at once, by one call. Nothing ever follows it. */
static int
epoch_text(const struct epoch *e, char *ret, size_t size)
{
	int n = snprintf(ret, size, "%" PRId64 " %" PRId64, e->wall_s, e->boot_s);
	uint64_t sum = rt_sum(ret, (size_t)n);

	return n + snprintf(ret + n, size - (size_t)n, " %016" PRIx64, sum);
}

static int
epoch_write(const struct runtime *rt, const struct epoch *e, bool replace)
{
	char text[EPOCH_MAX];

	epoch_text(e, text, sizeof(text));
	return rt_put_link(rt, "epoch", text, replace);
}

/* Who could make one: root, and in a directory that is closed to others the group. */
static bool
epoch_is_trusted(const struct runtime *rt)
{
	struct stat st;

	return rt->closed || (fstatat(rt->dir_fd, "epoch", &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && file_owner_ok(st.st_uid));
}

static int
epoch_read(const struct runtime *rt, struct epoch *ret)
{
	char text[EPOCH_MAX], same[EPOCH_MAX];
	ssize_t n;

	n = readlinkat(rt->dir_fd, "epoch", text, sizeof(text) - 1);
	if (n < 0 && errno == ENOENT)
		return IAM_ERR_ABSENT;
	if (n < 0 && errno != EINVAL) /* something else of that name */
		return IAM_ERR_IO;
	text[n < 0 ? 0 : n] = '\0';
	if (sscanf(text, "%" SCNd64 " %" SCNd64, &ret->wall_s, &ret->boot_s) != 2)
		return IAM_ERR_FORMAT;
	epoch_text(ret, same, sizeof(same));
	if (strcmp(text, same) != 0)
		return IAM_ERR_FORMAT;
	return epoch_is_trusted(rt) ? 0 : IAM_ERR_UNSAFE;
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
check_dir(int fd, gid_t auth_gid, struct runtime *rt)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return IAM_ERR_IO;
	if (!file_owner_ok(st.st_uid) || (st.st_mode & S_IWOTH) != 0)
		return IAM_ERR_UNSAFE;
	if ((st.st_mode & S_IWGRP) != 0 && st.st_gid != auth_gid)
		return IAM_ERR_UNSAFE;
	rt->closed = (st.st_mode & S_IRWXO) == 0;
	rt->dir_size = st.st_size;
	return 0;
}

int
runtime_open(const char *dir, gid_t auth_gid, struct runtime **ret)
{
	struct runtime *rt;
	int r;

	if ((rt = calloc(1, sizeof(*rt))) == NULL)
		return IAM_ERR_MEMORY;
	rt->auth_gid = auth_gid;
	rt->dir_fd = -1;
	rt->principal.fd = -1;
	r = open_dir(dir, &rt->dir_fd);
	if (r == IAM_ERR_ABSENT && rt_is_owner() &&
	    (r = make_dir(dir, auth_gid)) == 0)
		r = open_dir(dir, &rt->dir_fd);
	if (r == 0)
		r = check_dir(rt->dir_fd, auth_gid, rt);
	if (r == 0)
		r = epoch_load(rt);
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

int64_t
runtime_epoch_s(const struct runtime *rt)
{
	return rt->epoch_s;
}
