/*
 * The directory and its files. Kept here:
 *
 * - Only root makes files; a helper with the auth group changes what is there. For a
 *   service it makes principal files as well. They belong to the service's uid, but only who
 *   reaches them could make use of that, and the directory is closed to it.
 * - A file comes into being whole, under a name of its own, and is then put in place.
 * - No lock is ever held: whoever runs su may stop it at any moment.
 */
#include "common/base/base.h"
#include "common/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

bool
rt_is_owner(void)
{
	return file_owner_ok(geteuid());
}

uint64_t
rt_sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Made by the helper: nobody outside the group can give a file to it. */
static bool
owner_ok(const struct runtime *rt, gid_t group, const struct stat *st)
{
	return file_owner_ok(st->st_uid) || (rt->closed &&
	    group != (gid_t)-1 && st->st_gid == group &&
	    (st->st_mode & 07777) == 0660);
}

int
rt_check(const struct runtime *rt, int fd, gid_t group, struct stat *st)
{
	if (fstat(fd, st) != 0)
		return IAM_ERR_IO;
	if (!S_ISREG(st->st_mode) || !owner_ok(rt, group, st) ||
	    (st->st_mode & S_IRWXO) != 0)
		return IAM_ERR_UNSAFE;
	if ((st->st_mode & S_IRWXG) != 0 &&
	    (group == (gid_t)-1 || st->st_gid != group))
		return IAM_ERR_UNSAFE;
	return 0;
}

static int
from_open(int err)
{
	switch (err) {
	case ENOENT:
		return IAM_ERR_ABSENT;
	case ELOOP:
	case ENXIO:
	case EISDIR:
		return IAM_ERR_UNSAFE;
	default:
		return IAM_ERR_IO;
	}
}

int
rt_open(const struct runtime *rt, const char *name, int flags, gid_t group,
    int *ret_fd, struct stat *st)
{
	int fd, r, saved;

	fd = openat(rt->dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return from_open(errno);
	if ((r = rt_check(rt, fd, group, st)) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int
write_new(const struct runtime *rt, int fd, const void *data, size_t len,
    mode_t mode)
{
	int r;

	if ((r = file_write_all(fd, data, len)) != 0)
		return r;
	if (rt->auth_gid == (gid_t)-1)
		mode &= (mode_t)~S_IRWXG;
	if ((mode & S_IRWXG) != 0 && fchown(fd, (uid_t)-1, rt->auth_gid) != 0)
		return IAM_ERR_IO;
	return fchmod(fd, mode) == 0 ? 0 : IAM_ERR_IO;
}

/* new.PID.RANDOM: the pid lets a sweep tell what a dead process left. */
static void
temporary_name(int try, char name[RUNTIME_NAME_MAX])
{
	uint32_t salt;

	if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) != sizeof(salt))
		salt = (uint32_t)try;
	snprintf(name, RUNTIME_NAME_MAX, "new.%u.%08x", (unsigned)getpid(), salt);
}

static int
make_temporary(const struct runtime *rt, char name[RUNTIME_NAME_MAX],
    int *ret_fd)
{
	int i;

	for (i = 0; i < 16; i++) {
		temporary_name(i, name);
		*ret_fd = openat(rt->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL |
		    O_CLOEXEC | O_NOFOLLOW, 0600);
		if (*ret_fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return IAM_ERR_IO;
}

/* Give the new thing its name; what is left of it is removed on failure. */
static int
put_in_place(const struct runtime *rt, const char *tmp, const char *name,
    bool replace)
{
	int r, saved;

	if (renameat2(rt->dir_fd, tmp, rt->dir_fd, name,
	    replace ? 0 : RENAME_NOREPLACE) == 0)
		return 0;
	saved = errno;
	r = saved == EEXIST ? IAM_ERR_CONFLICT : IAM_ERR_IO;
	unlinkat(rt->dir_fd, tmp, 0);
	errno = saved;
	return r;
}

int
rt_put_link(const struct runtime *rt, const char *name, const char *target,
    bool replace)
{
	char tmp[RUNTIME_NAME_MAX];
	int i;

	if (!replace && symlinkat(target, rt->dir_fd, name) == 0)
		return 0;
	if (!replace)
		return errno == EEXIST ? IAM_ERR_CONFLICT : IAM_ERR_IO;
	for (i = 0; i < 16; i++) {
		temporary_name(i, tmp);
		if (symlinkat(target, rt->dir_fd, tmp) == 0)
			return put_in_place(rt, tmp, name, true);
		if (errno != EEXIST)
			break;
	}
	return IAM_ERR_IO;
}

int
rt_put(const struct runtime *rt, const char *name, const void *data,
    size_t len, mode_t mode, bool replace)
{
	char tmp[RUNTIME_NAME_MAX];
	int fd, r, saved;

	if (!rt_is_owner() && !(rt->may_make && mode == 0660 && !replace))
		return IAM_ERR_ABSENT;
	if ((r = make_temporary(rt, tmp, &fd)) != 0)
		return r;
	r = write_new(rt, fd, data, len, mode);
	saved = errno;
	if (close(fd) != 0 && r == 0) {
		saved = errno;
		r = IAM_ERR_IO;
	}
	if (r == 0)
		return put_in_place(rt, tmp, name, replace);
	unlinkat(rt->dir_fd, tmp, 0);
	errno = saved;
	return r;
}

/* One of that name is of an earlier attempt, or planted: it makes way. O_EXCL, so that
 * nobody else has a descriptor of the new one. */
static int
make_own(const struct runtime *rt, const char *name, int *ret_fd)
{
	int i;

	for (i = 0; i < 16; i++) {
		*ret_fd = openat(rt->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL |
		    O_CLOEXEC | O_NOFOLLOW, 0600);
		if (*ret_fd >= 0)
			return 0;
		if (errno != EEXIST ||
		    (unlinkat(rt->dir_fd, name, 0) != 0 && errno != ENOENT))
			break;
	}
	return IAM_ERR_IO;
}

int
rt_put_own(const struct runtime *rt, const char *name, const void *data,
    size_t len)
{
	int fd, r, saved;

	if ((r = make_own(rt, name, &fd)) != 0)
		return r;
	r = file_write_all(fd, data, len);
	saved = errno;
	close(fd);
	if (r != 0)
		unlinkat(rt->dir_fd, name, 0);
	errno = saved;
	return r;
}

int
rt_read(int fd, void *data, size_t len, size_t *ret_len)
{
	uint8_t *p = data;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, p + done, len - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return IAM_ERR_IO;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_len = done;
	return 0;
}
