#include "common/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
file_owner_ok(uid_t uid)
{
#ifdef IAM_TEST_BUILD
	if (uid == geteuid())
		return true;
#endif
	return uid == 0;
}

static bool
mode_ok(mode_t mode, enum file_trust trust)
{
	switch (trust) {
	case FILE_ROOT_ONLY:
		return (mode & (S_IWGRP | S_IWOTH)) == 0;
	case FILE_SECRET:
		return (mode & (S_IWGRP | S_IRWXO)) == 0;
	case FILE_GROUP_WRITE:
		return (mode & S_IWOTH) == 0;
	case FILE_ANY:
		return true;
	}
	return false;
}

int
file_open(const char *path, enum file_trust trust, int *ret_fd, struct stat *st)
{
	struct stat own;
	int fd, saved;

	/* O_NONBLOCK: a fifo planted in our place must not hang a login. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
	    (trust == FILE_ANY ? 0 : O_NOFOLLOW));
	if (fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return IAM_ERR_ABSENT;
		return errno == ELOOP || errno == ENXIO ? IAM_ERR_UNSAFE : IAM_ERR_IO;
	}
	if (fstat(fd, &own) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return IAM_ERR_IO;
	}
	if (!S_ISREG(own.st_mode) || !mode_ok(own.st_mode, trust) ||
	    (trust != FILE_ANY && !file_owner_ok(own.st_uid))) {
		close(fd);
		return IAM_ERR_UNSAFE;
	}
	if (st != NULL)
		*st = own;
	*ret_fd = fd;
	return 0;
}

static int
read_fd(int fd, size_t size, size_t max, struct buf *b)
{
	uint8_t chunk[16384];
	size_t total = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		total += (size_t)n;
		if (total > max) {
			explicit_bzero(chunk, sizeof(chunk));
			return IAM_ERR_LIMIT;
		}
		buf_put(b, chunk, (size_t)n);
		if (total == size && (size_t)n < sizeof(chunk))
			break; /* a regular file gives less only at its end */
	}
	explicit_bzero(chunk, sizeof(chunk));
	return n < 0 ? IAM_ERR_IO : b->err;
}

int
file_read(const char *path, enum file_trust trust, size_t max, struct buf *b)
{
	struct stat st;
	int fd, r, saved;

	if ((r = file_open(path, trust, &fd, &st)) != 0)
		return r;
	if ((uint64_t)st.st_size <= max) /* a hint: what is read decides */
		buf_reserve(b, (size_t)st.st_size);
	r = read_fd(fd, (size_t)st.st_size, max, b);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

int
file_write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return IAM_ERR_IO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The directory part of path into dir; "." when there is none. */
static int
dir_of(const char *path, char dir[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len;

	if (slash == NULL) {
		dir[0] = '.';
		dir[1] = '\0';
		return 0;
	}
	len = slash == path ? 1 : (size_t)(slash - path);
	if (len >= PATH_MAX)
		return IAM_ERR_LIMIT;
	memcpy(dir, path, len);
	dir[len] = '\0';
	return 0;
}

int
file_sync_dir(const char *path)
{
	char dir[PATH_MAX];
	int fd, r, saved;

	if ((r = dir_of(path, dir)) != 0)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return IAM_ERR_IO;
	r = fsync(fd) == 0 ? 0 : IAM_ERR_IO;
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static int
write_temporary(int fd, file_fill *fill, void *arg, mode_t mode, gid_t gid)
{
	int r;

	if ((r = fill(fd, arg)) != 0)
		return r;
	if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) != 0)
		return IAM_ERR_IO;
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
		return IAM_ERR_IO;
	return 0;
}

int
file_replace_by(const char *path, file_fill *fill, void *arg, mode_t mode,
    gid_t gid)
{
	char tmp[PATH_MAX];
	int fd, n, r, saved;

	n = snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return IAM_ERR_LIMIT;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return IAM_ERR_IO;
	r = write_temporary(fd, fill, arg, mode, gid);
	saved = errno;
	if (close(fd) != 0 && r == 0) {
		saved = errno;
		r = IAM_ERR_IO;
	}
	if (r == 0 && rename(tmp, path) != 0) {
		saved = errno;
		r = IAM_ERR_IO;
	}
	if (r != 0) {
		unlink(tmp);
		errno = saved;
		return r;
	}
	return file_sync_dir(path);
}

struct content {
	const void *data;
	size_t len;
};

static int
write_content(int fd, void *arg)
{
	const struct content *c = arg;

	return file_write_all(fd, c->data, c->len);
}

int
file_replace(const char *path, const void *data, size_t len, mode_t mode,
    gid_t gid)
{
	struct content c = { data, len };

	return file_replace_by(path, write_content, &c, mode, gid);
}
