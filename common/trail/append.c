/*
 * Appending to the trail's file, under its lock.
 */
#include "common/base/base.h"
#include "common/trail/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How far back a sequence number is looked for when the end is damaged. */
#define WINDOW_MIN ((off_t)16 * 1024)
#define WINDOW_MAX ((off_t)1024 * 1024)

static int64_t
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* By trying again: waiting in flock(2) could only be ended by a signal, and
 * signals belong to the process that we are a guest of. */
int
trail_lock(int fd, int operation, unsigned wait_ms)
{
	const struct timespec pause = { 0, 3000000 };
	int64_t until = monotonic_ms() + wait_ms;

	while (flock(fd, operation | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return IAM_ERR_IO;
		if (monotonic_ms() >= until)
			return IAM_ERR_BUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int
read_at(int fd, void *p, size_t len, off_t off)
{
	uint8_t *to = p;
	ssize_t n;

	while (len > 0) {
		n = pread(fd, to, len, off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return IAM_ERR_IO;
		to += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * Find the last line and the last sequence number in the file's last bytes;
 * false when more of them are needed. whole: these are all bytes.
 */
static bool
scan_tail(const char *p, size_t len, bool whole, struct trail_file *f)
{
	const char *nl;
	bool hashed = false;
	size_t start;

	f->torn = p[len - 1] != '\n';
	if (!f->torn)
		len--;
	for (;;) {
		nl = memrchr(p, '\n', len);
		start = nl == NULL ? 0 : (size_t)(nl - p) + 1;
		if (nl == NULL && !whole && len - start < TRAIL_LINE_MAX && !hashed)
			return false;
		if (!hashed)
			trail_link_hash(&f->link, p + start, len - start);
		hashed = true;
		if (trail_link_seq(p + start, len - start, &f->link.seq))
			return true;
		if (nl == NULL)
			return whole;
		len = start - 1;
	}
}

/* Fill in f->link and f->torn. When the last MiB holds no record the numbers
 * begin anew, and trail_validate says so. */
static int
read_tail(struct trail_file *f)
{
	off_t window;
	bool done;
	char *p;
	int r;

	trail_link_init(&f->link);
	f->torn = false;
	for (window = WINDOW_MIN; f->end > 0; window *= 4) {
		if (window > f->end)
			window = f->end;
		if ((p = malloc((size_t)window)) == NULL)
			return IAM_ERR_MEMORY;
		r = read_at(f->fd, p, (size_t)window, f->end - window);
		done = r != 0 || scan_tail(p, (size_t)window, window == f->end, f) ||
		    window >= WINDOW_MAX;
		free(p);
		if (done)
			return r;
	}
	return 0;
}

static int
open_or_make(const char *path, int *ret_fd)
{
	char dir[4096];
	size_t len;
	int fd, tries, flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

	for (tries = 0; (fd = open(path, flags, 0600)) < 0; tries++) {
		if (errno == ELOOP)
			return IAM_ERR_UNSAFE;
		if (errno != ENOENT || tries > 0 || strrchr(path, '/') == NULL)
			return IAM_ERR_IO;
		len = (size_t)(strrchr(path, '/') - path);
		if (len >= sizeof(dir))
			return IAM_ERR_LIMIT;
		memcpy(dir, path, len);
		dir[len] = '\0';
		if (mkdir(dir, 0700) != 0 && errno != EEXIST)
			return IAM_ERR_IO;
	}
	*ret_fd = fd;
	return 0;
}

/* Is the locked file still the one that the name stands for? It may have been
 * rotated while we waited. */
static int
check_file(int fd, const char *path, struct stat *st, bool *ret_same)
{
	struct stat named;

	if (fstat(fd, st) != 0)
		return IAM_ERR_IO;
	if (!S_ISREG(st->st_mode) || (st->st_mode & (S_IWGRP | S_IWOTH)) != 0 ||
	    !file_owner_ok(st->st_uid))
		return IAM_ERR_UNSAFE;
	*ret_same = lstat(path, &named) == 0 && named.st_dev == st->st_dev &&
	    named.st_ino == st->st_ino;
	return 0;
}

static int
open_locked(const char *path, struct trail_file *ret)
{
	struct stat st;
	bool same = false;
	int r, tries;

	for (tries = 0; tries < 5; tries++) {
		if ((r = open_or_make(path, &ret->fd)) != 0)
			return r;
		if ((r = trail_lock(ret->fd, LOCK_EX, TRAIL_LOCK_WAIT_MS)) != 0 ||
		    (r = check_file(ret->fd, path, &st, &same)) != 0 || same)
			break;
		close(ret->fd);
		ret->fd = -1;
	}
	ret->end = st.st_size;
	return r != 0 || same ? r : IAM_ERR_BUSY;
}

int
trail_file_open(const char *path, struct trail_file *ret)
{
	int r, saved;

	ret->fd = -1;
	if ((r = open_locked(path, ret)) == 0)
		r = read_tail(ret);
	if (r == 0 && ret->end == 0)
		r = file_sync_dir(path);
	if (r != 0) {
		saved = errno;
		trail_file_close(ret);
		errno = saved;
	}
	return r;
}

void
trail_file_close(struct trail_file *f)
{
	if (f->fd < 0)
		return;
	/* Not by closing alone: a child that another thread has just forked
	 * may hold the descriptor until it executes something. */
	flock(f->fd, LOCK_UN);
	close(f->fd);
	f->fd = -1;
}

int
trail_file_append(struct trail_file *f, const char *body, size_t len,
    int64_t spool_uid)
{
	struct buf b = BUF_INIT;
	size_t start = f->torn ? 1 : 0;
	int r, saved;

	/* An earlier crash left a line without its end: what it holds stays,
	 * and what comes after it stays readable. */
	if (f->torn)
		buf_putc(&b, '\n');
	trail_link_record(&b, body, len, spool_uid, &f->link);
	buf_putc(&b, '\n');
	if ((r = b.err) == 0 && b.len - start - 1 > TRAIL_LINE_MAX)
		r = IAM_ERR_LIMIT;
	if (r == 0 && (r = file_write_all(f->fd, b.p, b.len)) != 0) {
		saved = errno;
		if (ftruncate(f->fd, f->end) != 0)
			f->torn = true;
		errno = saved;
	}
	if (r == 0) {
		f->end += (off_t)b.len;
		f->torn = false;
		f->link.seq++;
		trail_link_hash(&f->link, b.p + start, b.len - start - 1);
	}
	saved = errno;
	buf_release(&b);
	errno = saved;
	return r;
}

int
trail_file_sync(const struct trail_file *f)
{
	return fdatasync(f->fd) == 0 ? 0 : IAM_ERR_IO;
}
