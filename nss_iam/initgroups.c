#include "common/base/base.h"
#include "nss_iam/internal.h"

#include <errno.h>
#include <stdlib.h>

/* glibc's growing array of a user's gids; limit 0 or less: none. */
struct ask {
	const char *user;
	gid_t group;
	long *start, *size;
	gid_t **groups;
	long limit;
	gid_t top; /* the largest one added */
	bool found;
};

/* Room for count more, as far as the limit allows. */
static int
reserve(struct ask *a, size_t count)
{
	long need;
	gid_t *p;

	if (count > INT32_MAX || *a->start > INT32_MAX)
		return IAM_ERR_LIMIT;
	need = *a->start + (long)count;
	if (a->limit > 0 && need > a->limit)
		need = a->limit;
	if (need <= *a->size)
		return 0;
	p = reallocarray(*a->groups, (size_t)need, sizeof(**a->groups));
	if (p == NULL)
		return IAM_ERR_MEMORY;
	*a->groups = p;
	*a->size = need;
	return 0;
}

static bool
is_listed(const gid_t *p, long from, long to, gid_t gid)
{
	for (; from < to; from++) {
		if (p[from] == gid)
			return true;
	}
	return false;
}

/*
 * Add what is not there yet: before first are other services' gids. gid 0 never,
 * whatever the snapshot says (S27); local groups below 1000 are there because
 * the host's administrator listed them.
 */
static void
add(struct ask *a, long first, gid_t gid)
{
	gid_t *p = *a->groups;
	long n = *a->start;

	if (gid == 0 || gid == (gid_t)-1 || gid == a->group)
		return;
	/* Short where the snapshot's list ascends. */
	if (is_listed(p, 0, first, gid) ||
	    (gid <= a->top && is_listed(p, first, n, gid)))
		return;
	if (gid > a->top)
		a->top = gid;
	p[(*a->start)++] = gid;
}

static int
look(const struct snap *s, void *arg)
{
	struct ask *a = arg;
	struct snap_gids gids;
	long first = *a->start, end;
	bool found;
	int r;

	r = snap_member_of(s, a->user, &found, &gids);
	if (r != 0 || !found)
		return r;
	if ((r = reserve(a, gids.count)) != 0)
		return r;
	end = a->limit > 0 && a->limit < *a->size ? a->limit : *a->size;
	while (gids.count > 0 && *a->start < end)
		add(a, first, snap_gids_next(&gids));
	a->found = true;
	return 0;
}

enum nss_status
_nss_iam_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
    gid_t **groups, long limit, int *errnop)
{
	struct ask a = { user, group, start, size, groups, limit, 0, false };
	int saved = errno, r;

	if (!nss_user_name_ok(user))
		return NSS_STATUS_NOTFOUND;
	r = nss_query(look, &a);
	return nss_answer(r, a.found, saved, errnop);
}
