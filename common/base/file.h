/*
 * Files that a privileged program may believe.
 *
 * Everything is opened O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK and checked through the
 * descriptor (S25, S36, S37): a regular file, owned by root, not writable by
 * anyone else than root (and the owning group where the caller allows it).
 * Test builds accept the test's own user id beside root. Thread-safe, no
 * global state; errno is kept for IAM_ERR_IO.
 */
#ifndef IAM_BASE_FILE_H
#define IAM_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/buf.h"

enum file_trust {
	FILE_ROOT_ONLY,  /* group and others may not write */
	FILE_SECRET,     /* others may not even read; group may not write */
	FILE_GROUP_WRITE,/* group may write, others may not write */
	FILE_ANY,        /* no owner or mode check: a file that the administrator named */
};

/* May this uid own a trusted file? root; in test builds also geteuid(). */
bool file_owner_ok(uid_t uid);

/*
 * Open for reading. *ret_fd is owned by the caller (close); st may be NULL.
 * IAM_ERR_ABSENT: no such file; IAM_ERR_UNSAFE: symlink, not a regular file,
 * wrong owner or mode; IAM_ERR_IO: anything else.
 */
int file_open(const char *path, enum file_trust trust, int *ret_fd,
    struct stat *st);

/* The whole file, appended to *b; more than max bytes is IAM_ERR_LIMIT. */
int file_read(const char *path, enum file_trust trust, size_t max,
    struct buf *b);

/*
 * Replace path by these bytes: a temporary file beside it, fsync, rename,
 * fsync of the directory. Either the old or the new content is there after a
 * crash. gid (gid_t)-1 leaves the group alone.
 */
int file_replace(const char *path, const void *data, size_t len, mode_t mode,
    gid_t gid);
/* The same with content that fill writes to the descriptor, piece by piece. */
typedef int file_fill(int fd, void *arg);
int file_replace_by(const char *path, file_fill *fill, void *arg, mode_t mode,
    gid_t gid);

/* fsync the directory that holds path. */
int file_sync_dir(const char *path);

/* Write all len bytes, over EINTR and short writes. */
int file_write_all(int fd, const void *data, size_t len);

#endif
