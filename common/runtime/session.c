/*
 * Evidence and sessions: records that belong to a process, by its pid and
 * start time. Only root makes them and only root reads them.
 *
 * Both are in the name as well, so a sweep can never remove the record of a
 * new process with an old pid. A record is never changed, only replaced: it
 * is read without a lock.
 */
#include "common/base/base.h"
#include "common/runtime/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVIDENCE_S 600
#define HOPS_MAX 64
#define WALKS_MAX 3
#define CROWDED_SIZE 65536

static void
record_name(const char *kind, const struct process *proc,
    char ret[RUNTIME_NAME_MAX])
{
	snprintf(ret, RUNTIME_NAME_MAX, "%s.%d.%" PRIu64, kind, (int)proc->pid,
	    proc->start);
}

static bool
is_text(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

static bool
is_terminated(const struct runtime_evidence *e)
{
	return is_text(e->user, sizeof(e->user)) &&
	    is_text(e->service, sizeof(e->service)) &&
	    is_text(e->rhost, sizeof(e->rhost)) &&
	    is_text(e->tty, sizeof(e->tty)) &&
	    is_text(e->device, sizeof(e->device)) &&
	    is_text(e->session_id, sizeof(e->session_id)) &&
	    is_text(e->role_session, sizeof(e->role_session)) &&
	    is_text(e->source_identity, sizeof(e->source_identity));
}

/* seen: other processes may be reading the one that it replaces. */
static int
put_record(struct runtime *rt, const char *kind, pid_t pid,
    const struct runtime_evidence *e, bool seen)
{
	char name[RUNTIME_NAME_MAX];
	uint8_t data[RECORD_SIZE];
	struct process proc;
	struct record rec;
	int r;

	if (!is_terminated(e))
		return IAM_ERR_ARG;
	if (!rt_is_owner())
		return IAM_ERR_UNSAFE;
	if ((r = process_read(pid, &proc)) != 0)
		return r;
	rec.start = proc.start;
	rec.e = *e;
	if ((r = record_encode(&rec, data)) != 0)
		return r;
	record_name(kind, &proc, name);
	return seen ? rt_put(rt, name, data, sizeof(data), 0600, true) :
	    rt_put_own(rt, name, data, sizeof(data));
}

/* IAM_ERR_ABSENT: none, or none that the caller may see. */
static int
read_record(const struct runtime *rt, const char *kind,
    const struct process *proc, struct record *ret)
{
	uint8_t data[RECORD_SIZE];
	char name[RUNTIME_NAME_MAX];
	struct stat st;
	size_t len;
	int fd, r;

	record_name(kind, proc, name);
	r = rt_open(rt, name, O_RDONLY, (gid_t)-1, &fd, &st);
	if (r == IAM_ERR_IO && errno == EACCES)
		return IAM_ERR_ABSENT;
	if (r != 0)
		return r;
	r = rt_read(fd, data, sizeof(data), &len);
	close(fd);
	if (r == 0)
		r = len == sizeof(data) ? record_decode(data, ret) : IAM_ERR_FORMAT;
	if (r == 0 && ret->start != proc->start)
		return IAM_ERR_FORMAT;
	return r;
}

int
runtime_evidence_put(struct runtime *rt, pid_t pid,
    const struct runtime_evidence *e)
{
	return put_record(rt, "evidence", pid, e, false);
}

static int
peek(const struct runtime *rt, const struct process *proc, int64_t now_s,
    bool *ret_found, struct runtime_evidence *ret)
{
	struct record rec;
	int64_t age;
	int r;

	*ret_found = false;
	r = read_record(rt, "evidence", proc, &rec);
	if (r == IAM_ERR_ABSENT)
		return 0;
	if (r != 0)
		return r;
	/* A clock that was put back a little in between makes no difference. */
	if (__builtin_sub_overflow(now_s, rec.e.auth_s, &age) ||
	    age > EVIDENCE_S || age < -EVIDENCE_S)
		return 0;
	*ret_found = true;
	*ret = rec.e;
	return 0;
}

int
runtime_evidence_peek(struct runtime *rt, pid_t pid, int64_t now_s,
    bool *ret_found, struct runtime_evidence *ret)
{
	struct process proc;
	int r;

	*ret_found = false;
	if ((r = process_read(pid, &proc)) != 0)
		return r;
	return peek(rt, &proc, now_s, ret_found, ret);
}

int
runtime_evidence_take(struct runtime *rt, pid_t pid, int64_t now_s,
    bool *ret_found, struct runtime_evidence *ret)
{
	char name[RUNTIME_NAME_MAX];
	struct runtime_evidence e;
	struct process proc;
	bool found;
	int r;

	*ret_found = false;
	if ((r = process_read(pid, &proc)) != 0)
		return r;
	r = peek(rt, &proc, now_s, &found, &e);
	record_name("evidence", &proc, name);
	/* Whoever removes it has it. What is stale or damaged goes, too. */
	if (unlinkat(rt->dir_fd, name, 0) != 0)
		return r == 0 && errno != ENOENT ? IAM_ERR_IO : r;
	if (r == 0 && found) {
		*ret_found = true;
		*ret = e;
	}
	return r;
}

int
runtime_session_open(struct runtime *rt, pid_t pid,
    const struct runtime_evidence *e)
{
	return put_record(rt, "session", pid, e, true);
}

int
runtime_extra_put(struct runtime *rt, pid_t pid, const void *data, size_t len)
{
	char name[RUNTIME_NAME_MAX];
	struct buf b = BUF_INIT;
	struct process proc;
	int r;

	if (len > RUNTIME_EXTRA_MAX)
		return IAM_ERR_LIMIT;
	if (!rt_is_owner())
		return IAM_ERR_UNSAFE;
	if ((r = process_read(pid, &proc)) != 0)
		return r;
	record_name("extra", &proc, name);
	buf_put(&b, data, len);
	buf_u64(&b, rt_sum(data, len));
	r = b.err != 0 ? b.err : rt_put(rt, name, b.p, b.len, 0600, true);
	buf_release(&b);
	return r;
}

/* Cut the checksum off. */
static int
check_extra(struct buf *b)
{
	struct rd sum;

	if (b->len < 8)
		return IAM_ERR_FORMAT;
	b->len -= 8;
	rd_init(&sum, b->p + b->len, 8);
	if (rd_u64(&sum) != rt_sum(b->p, b->len))
		return IAM_ERR_FORMAT;
	b->p[b->len] = '\0';
	return 0;
}

int
runtime_extra_get(const struct runtime *rt, pid_t session_pid, struct buf *ret)
{
	char name[RUNTIME_NAME_MAX];
	uint8_t *data;
	struct process proc;
	struct stat st;
	size_t len = 0;
	int fd, r;

	if ((r = process_read(session_pid, &proc)) != 0)
		return r;
	record_name("extra", &proc, name);
	if ((data = malloc(RUNTIME_EXTRA_MAX + 8)) == NULL)
		return IAM_ERR_MEMORY;
	if ((r = rt_open(rt, name, O_RDONLY, (gid_t)-1, &fd, &st)) == 0) {
		r = rt_read(fd, data, RUNTIME_EXTRA_MAX + 8, &len);
		close(fd);
	}
	if (r == 0)
		buf_put(ret, data, len);
	free(data);
	if (r == 0 && (r = ret->err) == 0)
		r = check_extra(ret);
	if (r != 0)
		buf_release(ret);
	return r;
}

int
runtime_session_close(struct runtime *rt, pid_t pid)
{
	char name[RUNTIME_NAME_MAX];
	struct process proc;
	int r;

	if ((r = process_read(pid, &proc)) != 0)
		return r;
	record_name("extra", &proc, name);
	(void)unlinkat(rt->dir_fd, name, 0);
	record_name("session", &proc, name);
	if (unlinkat(rt->dir_fd, name, 0) != 0 && errno != ENOENT)
		return IAM_ERR_IO;
	return 0;
}

/*
 * One walk up. IAM_ERR_CONFLICT: an ancestor ended in between, or its pid is
 * somebody else's already (a parent is never younger than its child); who the
 * ancestors are has to be asked anew.
 */
static int
walk(const struct runtime *rt, pid_t pid, bool *ret_found, pid_t *ret_pid,
    struct runtime_evidence *ret)
{
	struct process proc;
	struct record rec;
	uint64_t child = UINT64_MAX;
	unsigned hops;
	int r;

	for (hops = 0; hops < HOPS_MAX; hops++) {
		if (pid <= 1)
			return 0;
		r = process_read(pid, &proc);
		if (r == IAM_ERR_ABSENT && hops > 0)
			return IAM_ERR_CONFLICT;
		if (r != 0)
			return r;
		if (proc.start > child)
			return IAM_ERR_CONFLICT;
		r = read_record(rt, "session", &proc, &rec);
		if (r == 0) {
			*ret_found = true;
			*ret_pid = pid;
			*ret = rec.e;
			return 0;
		}
		if (r != IAM_ERR_ABSENT)
			return r;
		child = proc.start;
		pid = proc.parent;
	}
	return pid <= 1 ? 0 : IAM_ERR_LIMIT;
}

int
runtime_session_find(struct runtime *rt, pid_t pid, bool *ret_found,
    pid_t *ret_pid, struct runtime_evidence *ret)
{
	int i, r = IAM_ERR_BUG;

	*ret_found = false;
	for (i = 0; i < WALKS_MAX; i++) {
		r = walk(rt, pid, ret_found, ret_pid, ret);
		if (r != IAM_ERR_CONFLICT)
			break;
	}
	return r;
}

/* Of two at once the one that comes last stays: both were a moment ago. */
int
runtime_session_mfa(struct runtime *rt, pid_t session_pid, int64_t mfa_s,
    const char *device)
{
	struct process proc;
	struct record rec;
	int r;

	if (strlen(device) >= sizeof(rec.e.device))
		return IAM_ERR_ARG;
	if (!rt_is_owner())
		return IAM_ERR_UNSAFE;
	if ((r = process_read(session_pid, &proc)) != 0 ||
	    (r = read_record(rt, "session", &proc, &rec)) != 0)
		return r;
	if (mfa_s <= rec.e.mfa_s)
		return 0;
	rec.e.mfa_s = mfa_s;
	rec.e.methods |= RUNTIME_MFA;
	snprintf(rec.e.device, sizeof(rec.e.device), "%s", device);
	return put_record(rt, "session", session_pid, &rec.e, true);
}

/* Whose process is gone: "evidence.PID.START", "session.PID.START", "extra.PID.START", and what a
 * writer left, "new.PID.RANDOM". */
static bool
is_stale(const char *name)
{
	struct process proc;
	uint64_t start;
	int pid, used = 0;

	if (sscanf(name, "new.%9d.%*8x%n", &pid, &used) == 1 && used > 0)
		return pid > 0 && process_read(pid, &proc) == IAM_ERR_ABSENT;
	if (sscanf(name, "evidence.%9d.%" SCNu64 "%n", &pid, &start, &used) != 2 &&
	    sscanf(name, "session.%9d.%" SCNu64 "%n", &pid, &start, &used) != 2 &&
	    sscanf(name, "extra.%9d.%" SCNu64 "%n", &pid, &start, &used) != 2)
		return false;
	if (pid <= 0 || name[used] != '\0')
		return false;
	switch (process_read(pid, &proc)) {
	case 0:
		return proc.start != start;
	case IAM_ERR_ABSENT:
		return true;
	default:
		return false;
	}
}

bool
runtime_is_crowded(const struct runtime *rt)
{
	return rt->dir_size >= CROWDED_SIZE;
}

int
runtime_sweep(struct runtime *rt, int64_t now_s)
{
	const struct dirent *d;
	int fd;
	DIR *dir;

	(void)now_s; /* a record lives as long as its process, whatever the clock says */
	fd = openat(rt->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return IAM_ERR_IO;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return IAM_ERR_IO;
	}
	while ((d = readdir(dir)) != NULL) {
		if (is_stale(d->d_name))
			unlinkat(rt->dir_fd, d->d_name, 0);
	}
	closedir(dir);
	return 0;
}
