/*
 * Making one file of two when changes have become many.
 *
 * Rules that this file keeps: whoever publishes a change does not wait for it; two
 * are never at it at once; and whenever it is killed, readers have what they had, and the
 * next one begins anew.
 */
#include "common/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/store/publish.h"

/* So many bytes of changes are worth it. */
#define DUE ((uint64_t)1 << 20)
/* So many, and nobody has come to do it: then the writer does, or each change would
 * cost more than the one before for ever. */
#define OVERDUE ((uint64_t)16 << 20)
#define LOCK_POLL_MS 10

/* ioprio_set(2); glibc has no name for it. */
#define WHO_PROCESS 1
#define CLASS_NONE 0
#define CLASS_IDLE (3 << 13)

int
pub_lock(const struct store *s, const char *what, int wait_ms, int *ret_fd,
    struct iam_why *why)
{
	const struct timespec poll = { 0, LOCK_POLL_MS * 1000000L };
	struct buf path = BUF_INIT;
	int fd, waited, r = 0;

	buf_printf(&path, "%s.%s", s->path, what);
	if (path.err != 0)
		return path.err;
	fd = open(buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK, 0600);
	if (fd < 0)
		r = IAM_ERR_IO;
	for (waited = 0; r == 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
	    waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			r = IAM_ERR_IO;
		else if (waited >= wait_ms)
			r = IAM_ERR_BUSY;
		else
			nanosleep(&poll, NULL);
	}
	if (r != 0)
		iam_why_set(why, 0, 0, "%s: %s", buf_cstr(&path), iam_strerror(r));
	buf_release(&path);
	if (r == 0)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return r;
}

/* Bytes of changes beside a snapshot; 0 also when it cannot be opened. */
static uint64_t
changes_of(const char *path, enum snap_kind kind)
{
	struct snap_info info = { 0 };
	struct snap *s;

	if (snap_open(path, kind, &s) == 0) {
		snap_info(s, &info);
		snap_close(s);
	}
	return info.changes;
}

bool
store_merge_due(const struct store_paths *paths)
{
	return changes_of(paths->private_snapshot, SNAP_PRIVATE) > DUE ||
	    changes_of(paths->public_snapshot, SNAP_PUBLIC) > DUE;
}

void
pub_merge_overdue(const struct store_paths *paths)
{
	if (changes_of(paths->private_snapshot, SNAP_PRIVATE) > OVERDUE)
		(void)snap_merge(paths->private_snapshot, SNAP_PRIVATE, 0640,
		    paths->auth_gid);
	if (changes_of(paths->public_snapshot, SNAP_PUBLIC) > OVERDUE)
		(void)snap_merge(paths->public_snapshot, SNAP_PUBLIC, 0644,
		    (gid_t)-1);
}

/* Best effort: it is only slower, or in the way. */
static void
be_idle(bool idle, int nice_was)
{
	(void)setpriority(PRIO_PROCESS, 0, idle ? PRIO_MAX - 1 : nice_was);
	(void)syscall(SYS_ioprio_set, WHO_PROCESS, 0,
	    idle ? CLASS_IDLE : CLASS_NONE);
}

/* What takes long goes on in nobody's way; who holds the lock is in everybody's. */
static int
merge_one(const struct store *s, const char *path, enum snap_kind kind,
    mode_t mode, gid_t gid)
{
	int nice_was = getpriority(PRIO_PROCESS, 0), fd, r;
	struct snap *then = NULL;

	be_idle(true, nice_was);
	r = snap_merge_begin(path, kind, mode, gid, &then);
	be_idle(false, nice_was);
	if (r != 0 || then == NULL)
		return r;
	if ((r = pub_lock(s, "lock", PUB_LOCK_WAIT_MS, &fd, NULL)) == 0) {
		r = snap_merge_end(path, kind, mode, gid, then);
		close(fd);
	}
	snap_close(then);
	return r;
}

static int
merge_due(const struct store *s, const struct store_paths *paths)
{
	int r = 0;

	if (changes_of(paths->private_snapshot, SNAP_PRIVATE) > DUE)
		r = merge_one(s, paths->private_snapshot, SNAP_PRIVATE, 0640,
		    paths->auth_gid);
	if (r == 0 && changes_of(paths->public_snapshot, SNAP_PUBLIC) > DUE)
		r = merge_one(s, paths->public_snapshot, SNAP_PUBLIC, 0644,
		    (gid_t)-1);
	return r;
}

int
store_merge(const struct store *s, const struct store_paths *paths)
{
	int fd, r;

	if ((r = pub_lock(s, "merge", 0, &fd, NULL)) != 0)
		return r == IAM_ERR_BUSY ? 0 : r;
	r = merge_due(s, paths);
	close(fd);
	return r;
}
