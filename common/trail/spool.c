/*
 * The spool: records that could not be appended, one file each, in a
 * directory where only root and the helper's group may write.
 *
 * Rules that keep forged events out:
 * - The directory is root's and nobody else may write there; nobody outside
 *   the group can even reach a file in it, so a user whose uid the helper ran
 *   under cannot touch his record again although it is his.
 * - A file counts only if root owns it or its group is the helper's: a uid
 *   alone proves nothing.
 * - Names begin with the time, and a file gets its name when it is complete.
 */
#include "common/base/base.h"
#include "common/trail/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define UNFINISHED ".new"
#define NAME_SIZE 64
/* An unfinished file this old has lost its writer. */
#define UNFINISHED_OLD_S 600
/* The text of a damaged record that its event shows. */
#define EXCERPT_MAX ((size_t)4096)

static int
make_dir(const struct trail_where *w)
{
	int fd, r = 0;

	/* Made by anyone else it would be his, and nobody would trust it. */
	if (!file_owner_ok(geteuid()))
		return IAM_ERR_ABSENT;
	if (mkdir(w->spool, 0700) != 0 && errno != EEXIST)
		return IAM_ERR_IO;
	fd = open(w->spool, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return IAM_ERR_IO;
	if (w->auth_gid != (gid_t)-1 && fchown(fd, (uid_t)-1, w->auth_gid) != 0)
		r = IAM_ERR_IO;
	if (r == 0 && fchmod(fd, 0770) != 0)
		r = IAM_ERR_IO;
	close(fd);
	return r;
}

static int
open_dir(const struct trail_where *w, bool make, int *ret_fd)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd, r;

	fd = open(w->spool, flags);
	if (fd < 0 && errno == ENOENT && make) {
		if ((r = make_dir(w)) != 0)
			return r;
		fd = open(w->spool, flags);
	}
	if (fd < 0)
		return errno == ENOENT ? IAM_ERR_ABSENT :
		    errno == ELOOP || errno == ENOTDIR ? IAM_ERR_UNSAFE : IAM_ERR_IO;
	if (fstat(fd, &st) != 0 || !file_owner_ok(st.st_uid) ||
	    (st.st_mode & S_IRWXO) != 0) {
		close(fd);
		return IAM_ERR_UNSAFE;
	}
	*ret_fd = fd;
	return 0;
}

/* ---- leaving a record ---- */

/* The last sixteenth of /run is not ours to fill: programs that have nothing
 * to do with us need it. And what anybody can run, again and again, leaves half of
 * it to root's own events. */
static int
check_room(int dir)
{
	unsigned part = file_owner_ok(geteuid()) ? 16 : 2;
	struct statvfs v;

	if (fstatvfs(dir, &v) != 0)
		return IAM_ERR_IO;
	if (v.f_bavail < v.f_blocks / part || v.f_favail < v.f_files / part) {
		errno = ENOSPC;
		return IAM_ERR_IO;
	}
	return 0;
}

static int
write_unfinished(int dir, const char *name, const char *body, size_t len)
{
	int fd, r, saved;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == EEXIST ? IAM_ERR_CONFLICT : IAM_ERR_IO;
	r = file_write_all(fd, body, len);
	if (r == 0 && fdatasync(fd) != 0)
		r = IAM_ERR_IO;
	saved = errno;
	close(fd);
	if (r != 0)
		unlinkat(dir, name, 0);
	errno = saved;
	return r;
}

/* IAM_ERR_CONFLICT: that name was taken. */
static int
put_named(int dir, const char *name, const char *body, size_t len)
{
	char unfinished[NAME_SIZE + sizeof(UNFINISHED)];
	int r, saved;

	snprintf(unfinished, sizeof(unfinished), "%s%s", name, UNFINISHED);
	if ((r = write_unfinished(dir, unfinished, body, len)) != 0)
		return r;
	if (renameat2(dir, unfinished, dir, name, RENAME_NOREPLACE) == 0)
		return 0;
	saved = errno;
	unlinkat(dir, unfinished, 0);
	errno = saved;
	return saved == EEXIST ? IAM_ERR_CONFLICT : IAM_ERR_IO;
}

int
trail_spool_put(const struct trail_where *w, const char *body, size_t len)
{
	char name[NAME_SIZE];
	struct timespec ts;
	unsigned i;
	int dir, r, saved;

	if ((r = open_dir(w, true, &dir)) != 0)
		return r;
	r = check_room(dir);
	clock_gettime(CLOCK_REALTIME, &ts);
	for (i = 0; r == 0 && i < 100; i++) { /* threads of one process */
		snprintf(name, sizeof(name), "%012lld%09ld-%010d-%02u",
		    (long long)ts.tv_sec, ts.tv_nsec, (int)getpid(), i);
		if ((r = put_named(dir, name, body, len)) != IAM_ERR_CONFLICT)
			break;
		r = 0;
	}
	saved = errno;
	close(dir);
	errno = saved;
	return i == 100 ? IAM_ERR_CONFLICT : r;
}

/* ---- moving records into the trail ---- */

struct spooled { /* one file, read */
	struct stat st;
	struct buf text;
	const char *wrong; /* NULL: may be appended */
};

static bool
is_record(const struct dirent *d)
{
	return d->d_name[0] != '.' && strlen(d->d_name) < NAME_SIZE;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Nearly always. /run is a tmpfs, which tells all at once when there is room. */
static bool
is_empty(int dir)
{
	union {
		char bytes[512];
		struct dirent64 first; /* for its alignment */
	} room;
	const struct dirent64 *d;
	ssize_t n, at;

	n = getdents64(dir, room.bytes, sizeof(room));
	for (at = 0; at < n; at += d->d_reclen) {
		d = (const struct dirent64 *)(const void *)(room.bytes + at);
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			return false;
	}
	return n > 0;
}

/* The oldest names, sorted. *ret_names is owned, NULL when there is none. */
static int
list(int dir, char (**ret_names)[NAME_SIZE], size_t *ret_n)
{
	char (*names)[NAME_SIZE] = NULL, (*more)[NAME_SIZE];
	size_t n = 0, cap = 0;
	struct dirent *d;
	DIR *open_dirp;
	int fd;

	if ((fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return IAM_ERR_IO;
	if ((open_dirp = fdopendir(fd)) == NULL) {
		close(fd);
		return IAM_ERR_MEMORY;
	}
	while ((d = readdir(open_dirp)) != NULL) {
		if (!is_record(d))
			continue;
		if (n == cap) {
			cap = cap == 0 ? 16 : cap * 2;
			if ((more = reallocarray(names, cap, NAME_SIZE)) == NULL)
				break;
			names = more;
		}
		memcpy(names[n++], d->d_name, strlen(d->d_name) + 1);
	}
	closedir(open_dirp);
	if (d != NULL) {
		free(names);
		return IAM_ERR_MEMORY;
	}
	if (n > 0)
		qsort(names, n, NAME_SIZE, compare_names);
	*ret_names = names;
	*ret_n = n;
	return 0;
}

static const char *
judge(const struct trail_where *w, const struct spooled *s)
{
	if (!S_ISREG(s->st.st_mode) || s->st.st_nlink != 1)
		return "not a regular file";
	if (!file_owner_ok(s->st.st_uid) && (w->auth_gid == (gid_t)-1 ||
	    s->st.st_gid != w->auth_gid))
		return "not left by a writer of the trail";
	if ((s->st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "writable by others";
	if (s->st.st_size > (off_t)TRAIL_BODY_MAX)
		return "too long";
	return NULL;
}

static int
read_spooled(int fd, struct buf *b)
{
	char chunk[8192];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return IAM_ERR_IO;
		buf_put(b, chunk, (size_t)n);
		if (b->len > TRAIL_BODY_MAX)
			break;
	}
	return b->err;
}

/* 0 with s->wrong set: the file is there, but no record. IAM_ERR_ABSENT: gone. */
static int
take(const struct trail_where *w, int dir, const char *name, struct spooled *s)
{
	int fd, r = 0;

	s->wrong = "cannot be opened";
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return IAM_ERR_ABSENT;
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return IAM_ERR_IO;
	if (fd < 0)
		return fstatat(dir, name, &s->st, AT_SYMLINK_NOFOLLOW) == 0 ? 0 :
		    IAM_ERR_IO;
	if (fstat(fd, &s->st) != 0)
		r = IAM_ERR_IO;
	else if ((s->wrong = judge(w, s)) == NULL)
		r = read_spooled(fd, &s->text);
	close(fd);
	if (r == 0 && s->wrong == NULL &&
	    !trail_body_ok(buf_cstr(&s->text), s->text.len))
		s->wrong = "not a record";
	return r;
}

/* CloudTrail has nothing like it; as an AwsServiceEvent it names the service
 * itself as the actor. */
static int
append_damaged(struct trail_file *f, const char *name, const struct spooled *s)
{
	struct trail_event e = { 0 };
	struct buf body = BUF_INIT, extra = BUF_INIT;
	struct json_out j;
	int r;

	json_out_init(&j, &extra);
	json_out_object(&j, NULL);
	json_out_str(&j, "file", name);
	json_out_str(&j, "reason", s->wrong);
	json_out_int(&j, "uid", (int64_t)s->st.st_uid);
	json_out_int(&j, "gid", (int64_t)s->st.st_gid);
	json_out_int(&j, "size", (int64_t)s->st.st_size);
	json_out_raw(&j, "text", "\"");
	json_put_escaped(&extra, buf_cstr(&s->text), s->text.len, EXCERPT_MAX);
	buf_puts(&extra, "\"");
	json_out_end(&j, '}');
	e.who = (struct trail_identity){ .type = "AWSService", .mfa = -1 };
	e.source = "host.iam";
	e.name = "TrailRecordDamaged";
	e.type = "AwsServiceEvent";
	e.error_code = "TrailRecordDamaged";
	e.management = true;
	e.additional = buf_cstr(&extra);
	e.now_s = (int64_t)time(NULL);
	if ((r = extra.err) == 0 && (r = trail_event_id(e.event_id)) == 0) {
		trail_body(&body, &e);
		r = body.err;
	}
	if (r == 0)
		r = trail_file_append(f, buf_cstr(&body), body.len, -1);
	buf_release(&body);
	buf_release(&extra);
	return r;
}

static int
move_one(const struct trail_where *w, int dir, const char *name,
    struct trail_file *f, bool *ret_moved)
{
	struct spooled s = { .text = BUF_INIT };
	size_t len = strlen(name), tail = sizeof(UNFINISHED) - 1;
	int r;

	*ret_moved = false;
	if ((r = take(w, dir, name, &s)) == IAM_ERR_ABSENT) {
		buf_release(&s.text);
		return 0;
	}
	if (r == 0 && len > tail && strcmp(name + len - tail, UNFINISHED) == 0) {
		if (time(NULL) - s.st.st_mtime < UNFINISHED_OLD_S)
			goto out; /* its writer is at work */
		s.wrong = "its writer did not finish";
	}
	if (r == 0 && s.wrong != NULL)
		r = append_damaged(f, name, &s);
	else if (r == 0)
		r = trail_file_append(f, buf_cstr(&s.text), s.text.len,
		    (int64_t)s.st.st_uid);
	*ret_moved = r == 0;
out:
	buf_release(&s.text);
	return r;
}

/* A directory can only have been planted by root; it is removed when empty. */
static bool
discard(int dir, const char *name)
{
	return unlinkat(dir, name, 0) == 0 ||
	    (errno == EISDIR && unlinkat(dir, name, AT_REMOVEDIR) == 0);
}

static int
move_all(const struct trail_where *w, int dir, struct trail_file *f,
    unsigned *ret_moved)
{
	char (*names)[NAME_SIZE] = NULL;
	bool moved[TRAIL_SPOOL_BATCH];
	struct trail_file before = *f;
	size_t n = 0, i, done;
	int r, saved;

	*ret_moved = 0;
	if ((r = list(dir, &names, &n)) != 0 || n == 0)
		return r;
	if (n > TRAIL_SPOOL_BATCH)
		n = TRAIL_SPOOL_BATCH;
	for (done = 0; done < n; done++) {
		if ((r = move_one(w, dir, names[done], f, &moved[done])) != 0)
			break;
	}
	saved = errno;
	/* One sync for all of them; removed only after it. A crash in between
	 * leaves records twice, with the same eventID, never lost. */
	if (done > 0 && f->end > before.end && trail_file_sync(f) != 0) {
		saved = errno;
		r = IAM_ERR_IO;
		done = 0;
		if (ftruncate(f->fd, before.end) == 0)
			*f = before;
	}
	for (i = 0; i < done; i++) {
		if (!moved[i])
			continue;
		if (discard(dir, names[i])) {
			++*ret_moved;
		} else if (r == 0) {
			saved = errno;
			r = IAM_ERR_IO;
		}
	}
	free(names);
	errno = saved;
	return r;
}

int
trail_spool_move(const struct trail_where *w, struct trail_file *f,
    unsigned *ret_moved)
{
	int dir, r, saved;

	*ret_moved = 0;
	r = open_dir(w, false, &dir);
	if (r == IAM_ERR_ABSENT) {
		/* The helper cannot make it, and must find it when it needs it. */
		(void)make_dir(w);
		return 0;
	}
	if (r != 0)
		return r;
	if (!is_empty(dir))
		r = move_all(w, dir, f, ret_moved);
	saved = errno;
	close(dir);
	errno = saved;
	return r;
}
