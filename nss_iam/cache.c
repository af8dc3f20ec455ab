/*
 * The snapshot that the process keeps.
 *
 * A few slots, each with a count of the look-ups that use it, and the number of
 * the current one. There is no lock to wait for: a slot is pinned by counting up
 * and then seeing that it is still current, and it is emptied or filled only by
 * who has moved its count from zero to CLAIMED. A count that a fork froze in the
 * child costs that child a slot; without a free slot a look-up opens a snapshot
 * for itself alone.
 */
#include "common/base/base.h"
#include "nss_iam/internal.h"

#include <errno.h>

#define SLOTS 8
#define NO_SLOT SLOTS
#define CLAIMED 0x40000000u
#define TRIES 3
/* With more of the file than this in memory, start afresh. */
#define CACHED_MAX ((size_t)16 << 20)

struct slot {
	atomic_uint users;
	struct snap *snap; /* written by the claimant only */
};

static struct {
	atomic_uint current; /* slot + 1; 0: none */
	struct slot slots[SLOTS];
} cache;

struct pin {
	unsigned slot;
	struct snap *snap;
};

static bool
claim(unsigned i)
{
	unsigned none = 0;

	if (!atomic_compare_exchange_strong(&cache.slots[i].users, &none,
	    CLAIMED))
		return false;
	if (atomic_load(&cache.current) != i + 1)
		return true;
	atomic_fetch_sub(&cache.slots[i].users, CLAIMED);
	return false;
}

static void
empty_claimed(unsigned i)
{
	snap_close(cache.slots[i].snap);
	cache.slots[i].snap = NULL;
}

static void
unpin(struct pin *p)
{
	unsigned i = p->slot;

	if (i == NO_SLOT) {
		snap_close(p->snap);
		return;
	}
	if (atomic_fetch_sub(&cache.slots[i].users, 1) != 1 ||
	    atomic_load(&cache.current) == i + 1 || !claim(i))
		return;
	empty_claimed(i);
	atomic_fetch_sub(&cache.slots[i].users, CLAIMED);
}

static bool
pin_current(struct pin *p)
{
	unsigned current = atomic_load(&cache.current);

	if (current == 0)
		return false;
	p->slot = current - 1;
	atomic_fetch_add(&cache.slots[p->slot].users, 1);
	if (atomic_load(&cache.current) != current) {
		unpin(p);
		return false;
	}
	p->snap = cache.slots[p->slot].snap;
	return true;
}

/* No look-up after this one begins with it. */
static void
retire(const struct pin *p)
{
	unsigned current = p->slot + 1;

	if (p->slot != NO_SLOT)
		atomic_compare_exchange_strong(&cache.current, &current, 0);
}

/* Keep a snapshot and make it the current one, unless another thread was
 * quicker; pinned either way. */
static void
install(struct snap *s, struct pin *p)
{
	unsigned i, none = 0;

	p->snap = s;
	p->slot = NO_SLOT;
	for (i = 0; i < SLOTS; i++) {
		if (claim(i))
			break;
	}
	if (i == SLOTS)
		return;
	empty_claimed(i);
	cache.slots[i].snap = s;
	p->slot = i;
	atomic_fetch_sub(&cache.slots[i].users, CLAIMED - 1);
	atomic_compare_exchange_strong(&cache.current, &none, i + 1);
}

static int
pin(struct pin *p)
{
	struct snap *s;
	int r;

	if (pin_current(p)) {
		if (snap_is_current(p->snap, IAM_PATH_PUBLIC) &&
		    snap_cached(p->snap) < CACHED_MAX)
			return 0;
		retire(p);
		unpin(p);
	}
	if ((r = snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &s)) != 0)
		return r;
	snap_park(s);
	install(s, p);
	return 0;
}

int
nss_query(nss_look *look, void *arg)
{
	int r = IAM_ERR_BUSY, saved;
	struct pin p = { NO_SLOT, NULL };
	unsigned n;

	for (n = 0; n < TRIES; n++) {
		if ((r = pin(&p)) != 0)
			return r;
		r = look(p.snap, arg);
		saved = errno;
		if (r != 0 && r != IAM_ERR_RANGE)
			retire(&p);
		unpin(&p);
		errno = saved;
		/* Replaced while we looked, or left half-read by a thread that
		 * a fork took away: a fresh snapshot knows. */
		if (r != IAM_ERR_CONFLICT && r != IAM_ERR_BUSY &&
		    r != IAM_ERR_ABSENT)
			break;
	}
	return r;
}
