/*
 * Writing the trail: into the file if possible, else into the spool.
 */
#include "common/base/base.h"
#include "common/trail/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int
trail_event_id(char ret[37])
{
	uint8_t u[16];
	size_t i, at = 0;
	ssize_t n;

	do
		n = getrandom(u, sizeof(u), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(u))
		return IAM_ERR_IO;
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	for (i = 0; i < sizeof(u); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			ret[at++] = '-';
		snprintf(ret + at, 3, "%02x", u[i]);
		at += 2;
	}
	return 0;
}

/*
 * A caller of su may have set RLIMIT_FSIZE so low that a write raises SIGXFSZ,
 * which would end the process before anything is logged. The signal is held
 * in this thread alone, and what we caused is taken back: the write fails with
 * EFBIG instead.
 */
struct held {
	bool needed; /* there is a limit */
	sigset_t old;
	bool was_pending;
};

static void
hold_signal(struct held *h)
{
	struct rlimit limit;
	sigset_t set;

	h->needed = getrlimit(RLIMIT_FSIZE, &limit) != 0 ||
	    limit.rlim_cur != RLIM_INFINITY;
	if (!h->needed)
		return;
	sigpending(&set);
	h->was_pending = sigismember(&set, SIGXFSZ) == 1;
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &set, &h->old);
}

static void
release_signal(const struct held *h)
{
	const struct timespec none = { 0, 0 };
	int saved = errno;
	sigset_t set;

	if (!h->needed)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	if (!h->was_pending)
		sigtimedwait(&set, NULL, &none);
	pthread_sigmask(SIG_SETMASK, &h->old, NULL);
	errno = saved;
}

/* One fdatasync a record: what is reported as written survives the power. */
static int
write_to_file(const struct trail_where *w, const struct buf *body)
{
	struct trail_file f, before;
	unsigned moved;
	int r, saved;

	if ((r = trail_file_open(w->file, &f)) != 0)
		return r;
	/* A spool that cannot be read is no reason to lose this record. */
	(void)trail_spool_move(w, &f, &moved);
	before = f;
	r = trail_file_append(&f, buf_cstr(body), body->len, -1);
	if (r == 0 && (r = trail_file_sync(&f)) != 0) {
		saved = errno;
		(void)!ftruncate(f.fd, before.end);
		errno = saved;
	}
	saved = errno;
	trail_file_close(&f);
	errno = saved;
	return r;
}

/*
 * Whoever runs su may stop it (SIGSTOP, a frozen cgroup) while it holds the
 * trail's lock, and would hold up everybody's events until the spool is full and
 * nobody is let in. Only a process whose real user is root is out of reach.
 */
static bool
may_lock(void)
{
	return file_owner_ok(getuid());
}

static int
keep(const struct trail_where *w, const struct buf *body,
    enum trail_kept *ret_kept)
{
	int r;

	if (may_lock() && write_to_file(w, body) == 0) {
		*ret_kept = TRAIL_WRITTEN;
		return 0;
	}
	if ((r = trail_spool_put(w, buf_cstr(body), body->len)) == 0) {
		*ret_kept = TRAIL_SPOOLED;
		return 0;
	}
	/* /run is full, which no user can bring about. */
	if (!may_lock() && write_to_file(w, body) == 0) {
		*ret_kept = TRAIL_WRITTEN;
		return 0;
	}
	return r;
}

int
trail_write(const struct trail_where *where, const struct trail_event *e,
    enum trail_kept *ret_kept)
{
	struct trail_event own = *e;
	struct buf body = BUF_INIT;
	enum trail_kept kept;
	struct held held;
	int r = 0, saved;

	if (own.event_id[0] == '\0' && (r = trail_event_id(own.event_id)) != 0)
		return r;
	trail_body(&body, &own);
	if ((r = body.err) == 0 && !trail_body_ok(buf_cstr(&body), body.len))
		r = IAM_ERR_BUG;
	hold_signal(&held);
	if (r == 0 && (r = keep(where, &body, &kept)) == 0 && ret_kept != NULL)
		*ret_kept = kept;
	release_signal(&held);
	saved = errno;
	buf_release(&body);
	errno = saved;
	return r;
}

static int
flush(const struct trail_where *where, unsigned *ret_moved)
{
	struct trail_file f;
	unsigned moved, total = 0;
	int r, saved;

	if ((r = trail_file_open(where->file, &f)) != 0)
		return r;
	do {
		r = trail_spool_move(where, &f, &moved);
		total += moved;
	} while (r == 0 && moved > 0);
	saved = errno;
	trail_file_close(&f);
	errno = saved;
	*ret_moved = total;
	return r;
}

int
trail_flush(const struct trail_where *where, unsigned *ret_moved)
{
	struct held held;
	int r;

	if (!may_lock())
		return IAM_ERR_UNSAFE;
	hold_signal(&held);
	r = flush(where, ret_moved);
	release_signal(&held);
	return r;
}
