#include "common/base/base.h"
#include "nss_iam/internal.h"

#include <errno.h>
#include <string.h>

struct ask {
	const char *name; /* or, when NULL, */
	uid_t uid;
	struct passwd *pw;
	char *buf;
	size_t len;
	bool found;
};

static NSS_STATE struct nss_walk walk = NSS_WALK_INIT;

/* The decoder has seen to it that the name is a Unix name. */
static bool
may_serve(const struct snap_user *u)
{
	return !nss_is_root(u->name) && nss_id_ok(u->uid) &&
	    nss_id_ok(u->gid);
}

/* All of it or nothing. The password field is "x" (S21). */
static int
fill(const struct snap_user *u, struct ask *a)
{
	char *p = a->buf;

	if (a->len < u->name_len + u->gecos_len + u->home_len + u->shell_len + 4 +
	    sizeof("x"))
		return IAM_ERR_RANGE;
	a->pw->pw_name = nss_copy(&p, u->name, u->name_len);
	a->pw->pw_gecos = nss_copy(&p, u->gecos, u->gecos_len);
	a->pw->pw_dir = nss_copy(&p, u->home, u->home_len);
	a->pw->pw_shell = nss_copy(&p, u->shell, u->shell_len);
	a->pw->pw_passwd = nss_copy(&p, "x", 1);
	a->pw->pw_uid = u->uid;
	a->pw->pw_gid = u->gid;
	return 0;
}

static int
look(const struct snap *s, void *arg)
{
	struct ask *a = arg;
	struct snap_user u;
	bool found;
	int r;

	r = a->name != NULL ? snap_user_by_name(s, a->name, &found, &u) :
	    snap_user_by_uid(s, a->uid, &found, &u);
	if (r != 0 || !found || !may_serve(&u))
		return r;
	if ((r = fill(&u, a)) == 0)
		a->found = true;
	return r;
}

enum nss_status
_nss_iam_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t len,
    int *errnop)
{
	struct ask a = { name, 0, pw, buf, len, false };
	int saved = errno, r;

	if (!nss_user_name_ok(name))
		return NSS_STATUS_NOTFOUND;
	r = nss_query(look, &a);
	return nss_answer(r, a.found, saved, errnop);
}

enum nss_status
_nss_iam_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t len,
    int *errnop)
{
	struct ask a = { NULL, uid, pw, buf, len, false };
	int saved = errno, r;

	if (!nss_id_ok(uid))
		return NSS_STATUS_NOTFOUND;
	r = nss_query(look, &a);
	return nss_answer(r, a.found, saved, errnop);
}

static int
step(const struct snap *s, struct snap_cursor *cursor, void *arg,
    bool *ret_found, bool *ret_taken)
{
	struct snap_user u;
	int r;

	r = snap_user_next(s, cursor, ret_found, &u);
	if (r != 0 || !*ret_found || !may_serve(&u))
		return r;
	if ((r = fill(&u, arg)) == 0)
		*ret_taken = true;
	return r;
}

enum nss_status
_nss_iam_setpwent(int stayopen)
{
	int saved = errno;

	(void)stayopen;
	return nss_answer(nss_walk_rewind(&walk), true, saved, &errno);
}

enum nss_status
_nss_iam_getpwent_r(struct passwd *pw, char *buf, size_t len, int *errnop)
{
	struct ask a = { NULL, 0, pw, buf, len, false };
	int saved = errno, r;

	r = nss_walk_next(&walk, step, &a, &a.found);
	return nss_answer(r, a.found, saved, errnop);
}

enum nss_status
_nss_iam_endpwent(void)
{
	return _nss_iam_setpwent(0);
}
