#include "common/base/base.h"
#include "nss_iam/internal.h"

#include <time.h>

#define WAIT_MS 200

/* glibc lets one thread at a time in here. Others wait, but not for ever: the
 * one that holds it may have been left behind by fork. */
static bool
enter(struct nss_walk *w)
{
	const struct timespec ms = { 0, 1000000 };
	unsigned n;

	for (n = 0; atomic_flag_test_and_set_explicit(&w->busy,
	    memory_order_acquire); n++) {
		if (n == WAIT_MS)
			return false;
		nanosleep(&ms, NULL);
	}
	return true;
}

static void
leave(struct nss_walk *w)
{
	atomic_flag_clear_explicit(&w->busy, memory_order_release);
}

static void
let_go(struct nss_walk *w)
{
	snap_cursor_release(&w->cursor);
	snap_close(w->snap);
	w->snap = NULL;
}

int
nss_walk_rewind(struct nss_walk *w)
{
	if (!enter(w))
		return IAM_ERR_BUSY;
	let_go(w);
	w->ended = false;
	leave(w);
	return 0;
}

/* The next record that is to be served; what is not is passed over. */
static int
next(struct nss_walk *w, nss_step *step, void *arg, bool *ret_found)
{
	bool found, taken = false;
	uint64_t at;
	int r;

	while (!taken) {
		at = w->cursor.at;
		found = false;
		r = step(w->snap, &w->cursor, arg, &found, &taken);
		if (r != 0)
			w->cursor.at = at;
		if (r != 0 || !found)
			return r;
	}
	*ret_found = true;
	return 0;
}

int
nss_walk_next(struct nss_walk *w, nss_step *step, void *arg, bool *ret_found)
{
	int r = 0;

	*ret_found = false;
	if (!enter(w))
		return IAM_ERR_BUSY;
	if (w->snap == NULL && !w->ended)
		r = snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &w->snap);
	if (r == 0 && !w->ended)
		r = next(w, step, arg, ret_found);
	if (r == 0 && !*ret_found) {
		let_go(w);
		w->ended = true;
	}
	leave(w);
	return r;
}
