#include "common/base/base.h"
#include "nss_iam/internal.h"

#include <errno.h>
#include <string.h>

struct ask {
	const char *name; /* or, when NULL, */
	gid_t gid;
	struct group *gr;
	char *buf;
	size_t len;
	bool found;
};

static NSS_STATE struct nss_walk walk = NSS_WALK_INIT;

/* The decoder has seen to it that the name is a Unix name. */
static bool
may_serve(const struct snap_group *g)
{
	return !name_is_privileged_group(g->name) && nss_id_ok(g->gid);
}

/* All of it or nothing: the list of members first, for its alignment. */
static int
fill(const struct snap_group *g, struct ask *a)
{
	size_t pad = -(uintptr_t)a->buf & (_Alignof(char *) - 1);
	size_t list = ((size_t)g->member_count + 1) * sizeof(char *);
	size_t name_len = strlen(g->name);
	size_t need = pad + list + name_len + 1 + sizeof("x") + g->members_len;
	char **member, *p;
	int r;

	if (need > a->len)
		return IAM_ERR_RANGE;
	member = (char **)(void *)(a->buf + pad);
	p = a->buf + pad + list;
	if ((r = snap_group_unpack(g, p, a->len - pad - list, member)) != 0)
		return r;
	member[g->member_count] = NULL;
	p += g->members_len;
	a->gr->gr_mem = member;
	a->gr->gr_gid = g->gid;
	a->gr->gr_name = nss_copy(&p, g->name, name_len);
	a->gr->gr_passwd = nss_copy(&p, "x", 1);
	return 0;
}

static int
look(const struct snap *s, void *arg)
{
	struct ask *a = arg;
	struct snap_group g;
	bool found;
	int r;

	r = a->name != NULL ? snap_group_by_name(s, a->name, &found, &g) :
	    snap_group_by_gid(s, a->gid, &found, &g);
	if (r != 0 || !found || !may_serve(&g))
		return r;
	if ((r = fill(&g, a)) == 0)
		a->found = true;
	return r;
}

enum nss_status
_nss_iam_getgrnam_r(const char *name, struct group *gr, char *buf, size_t len,
    int *errnop)
{
	struct ask a = { name, 0, gr, buf, len, false };
	int saved = errno, r;

	if (!nss_group_name_ok(name))
		return NSS_STATUS_NOTFOUND;
	r = nss_query(look, &a);
	return nss_answer(r, a.found, saved, errnop);
}

enum nss_status
_nss_iam_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t len,
    int *errnop)
{
	struct ask a = { NULL, gid, gr, buf, len, false };
	int saved = errno, r;

	if (!nss_id_ok(gid))
		return NSS_STATUS_NOTFOUND;
	r = nss_query(look, &a);
	return nss_answer(r, a.found, saved, errnop);
}

static int
step(const struct snap *s, struct snap_cursor *cursor, void *arg,
    bool *ret_found, bool *ret_taken)
{
	struct snap_group g;
	int r;

	r = snap_group_next(s, cursor, ret_found, &g);
	if (r != 0 || !*ret_found || !may_serve(&g))
		return r;
	if ((r = fill(&g, arg)) == 0)
		*ret_taken = true;
	return r;
}

enum nss_status
_nss_iam_setgrent(int stayopen)
{
	int saved = errno;

	(void)stayopen;
	return nss_answer(nss_walk_rewind(&walk), true, saved, &errno);
}

enum nss_status
_nss_iam_getgrent_r(struct group *gr, char *buf, size_t len, int *errnop)
{
	struct ask a = { NULL, 0, gr, buf, len, false };
	int saved = errno, r;

	r = nss_walk_next(&walk, step, &a, &a.found);
	return nss_answer(r, a.found, saved, errnop);
}

enum nss_status
_nss_iam_endgrent(void)
{
	return _nss_iam_setgrent(0);
}
