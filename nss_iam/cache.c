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
/* With more of the file than this in memory, start afresh. A process comes here that
 * has asked for a good part of a million users, each of which would else cost
 * system calls every time. */
#define CACHED_MAX ((size_t)(sizeof(void *) > 4 ? 256 : 16) << 20)

struct slot {
	atomic_uint users;
	struct snap *snap; /* written by the claimant only */
};

static NSS_STATE struct {
	atomic_uint current; /* slot + 1; 0: none */
	struct slot slots[SLOTS];
} cache = { 0 };

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
unpin(unsigned i)
{
	if (atomic_fetch_sub(&cache.slots[i].users, 1) != 1 ||
	    atomic_load(&cache.current) == i + 1 || !claim(i))
		return;
	empty_claimed(i);
	atomic_fetch_sub(&cache.slots[i].users, CLAIMED);
}

static bool
pin_current(unsigned *ret)
{
	unsigned current = atomic_load(&cache.current);

	if (current == 0)
		return false;
	atomic_fetch_add(&cache.slots[current - 1].users, 1);
	if (atomic_load(&cache.current) != current) {
		unpin(current - 1);
		return false;
	}
	*ret = current - 1;
	return true;
}

/* No look-up after this one begins with it. */
static void
retire(unsigned i)
{
	unsigned current = i + 1;

	atomic_compare_exchange_strong(&cache.current, &current, 0);
}

static uint64_t
revision_of(unsigned i)
{
	struct snap_info info;

	snap_info(cache.slots[i].snap, &info);
	return info.revision;
}

/*
 * Slot i, which is pinned, is the current one from now on, unless another thread
 * was quicker with the same or a newer revision: between two ticks of the clock
 * nobody looks at the file, and who has seen a revision must not see an older.
 */
static void
make_current(unsigned i)
{
	unsigned other, expected = 0;

	if (atomic_compare_exchange_strong(&cache.current, &expected, i + 1) ||
	    !pin_current(&other))
		return;
	expected = other + 1;
	if (revision_of(other) < revision_of(i))
		atomic_compare_exchange_strong(&cache.current, &expected, i + 1);
	unpin(other);
}

/* Keep a snapshot (taken) and make it the current one, unless there is no slot. */
static void
install(struct snap *s)
{
	unsigned i;

	for (i = 0; i < SLOTS && !claim(i); i++)
		;
	if (i == SLOTS) {
		snap_close(s);
		return;
	}
	empty_claimed(i);
	snap_park(s);
	cache.slots[i].snap = s;
	atomic_fetch_sub(&cache.slots[i].users, CLAIMED - 1);
	make_current(i);
	unpin(i);
}

/*
 * Ask the one that is kept. false: there is none, or it is of the past; then a
 * new one is opened, which has what is still good of it.
 */
static bool
ask_current(nss_look *look, void *arg, int *ret, struct snap **ret_fresh)
{
	const struct snap *s;
	unsigned i;
	int saved;
	bool small;

	if (!pin_current(&i)) {
		*ret = snap_open_next(IAM_PATH_PUBLIC, SNAP_PUBLIC, NULL,
		    ret_fresh);
		return false;
	}
	s = cache.slots[i].snap;
	small = snap_cached(s) < CACHED_MAX;
	if (!small || !snap_is_current(s, IAM_PATH_PUBLIC)) {
		retire(i);
		*ret = snap_open_next(IAM_PATH_PUBLIC, SNAP_PUBLIC,
		    small ? s : NULL, ret_fresh);
		saved = errno;
		unpin(i);
		errno = saved;
		return false;
	}
	*ret = look(s, arg);
	saved = errno;
	if (*ret != 0 && *ret != IAM_ERR_RANGE)
		retire(i);
	unpin(i);
	errno = saved;
	return true;
}

/* s is taken. */
static int
ask_fresh(struct snap *s, nss_look *look, void *arg)
{
	int r = look(s, arg), saved = errno;

	if (r == 0 || r == IAM_ERR_RANGE)
		install(s);
	else
		snap_close(s);
	errno = saved;
	return r;
}

int
nss_query(nss_look *look, void *arg)
{
	int r = IAM_ERR_BUSY;
	struct snap *s;
	unsigned n;

	for (n = 0; n < TRIES; n++) {
		if (!ask_current(look, arg, &r, &s)) {
			if (r != 0)
				return r;
			r = ask_fresh(s, look, arg);
		}
		/* Replaced while we looked, or left half-read by a thread that
		 * a fork took away: a fresh snapshot knows. */
		if (r != IAM_ERR_CONFLICT && r != IAM_ERR_BUSY &&
		    r != IAM_ERR_ABSENT)
			break;
	}
	return r;
}
