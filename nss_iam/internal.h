/*
 * The name service module: passwd, group and initgroups out of the public
 * snapshot. It lives in every process of the host.
 *
 * Rules: libc only (S18). No lock that a forked child could find taken for ever,
 * no descriptor left open between look-ups, no environment, no output. errno is
 * the caller's unless the answer is a failure. Whatever the snapshot says, root
 * and ids of the system are not served (S27). "Not there" is said only when it
 * is certain; anything else is UNAVAIL or TRYAGAIN with an errno (S2).
 */
#ifndef IAM_NSS_IAM_INTERNAL_H
#define IAM_NSS_IAM_INTERNAL_H

#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdatomic.h>
#include <string.h>

#include "common/base/base.h"
#include "common/snapshot/accounts.h"

/* What the module keeps goes into the file's own page of data: as .bss it would be a
 * mapping of its own, one system call more for every process. */
#define NSS_STATE __attribute__((section(".data")))

/* A question to one whole revision. Sets what it found through arg;
 * IAM_ERR_RANGE when the caller's buffer is too small. */
typedef int nss_look(const struct snap *s, void *arg);

/*
 * Ask the current snapshot, which the process keeps open: opened at the first
 * question, replaced when a newer one is there. Safe in threads and after fork.
 */
int nss_query(nss_look *look, void *arg);

/* The one place where errors become NSS's answers. saved_errno is errno at
 * entry; errnop is touched on failure only. */
enum nss_status nss_failure(int err, int saved_errno, int *errnop);
static inline enum nss_status
nss_answer(int err, bool found, int saved_errno, int *errnop)
{
	if (err != 0)
		return nss_failure(err, saved_errno, errnop);
	errno = saved_errno;
	return found ? NSS_STATUS_SUCCESS : NSS_STATUS_NOTFOUND;
}

/*
 * An enumeration. As glibc expects, and as its own files service does it, there
 * is one for the process and not one for each thread: glibc keeps the place in
 * the list of services for the process, too. It has a snapshot of its own, so
 * that look-ups and new revisions do not disturb it, and keeps its descriptor
 * until the end.
 */
struct nss_walk {
	atomic_flag busy;
	struct snap *snap;
	struct snap_cursor cursor;
	bool ended;
};
#define NSS_WALK_INIT { ATOMIC_FLAG_INIT, NULL, SNAP_CURSOR_INIT, false }

/* Put the next record into the caller's result and move *cursor behind it. Both
 * flags start out false; not taken: it is not to be served. */
typedef int nss_step(const struct snap *s, struct snap_cursor *cursor,
    void *arg, bool *ret_found, bool *ret_taken);

int nss_walk_rewind(struct nss_walk *w);
/* After IAM_ERR_RANGE the next call gets the same record. */
int nss_walk_next(struct nss_walk *w, nss_step *step, void *arg,
    bool *ret_found);

/* May a user or group of ours have this id, this name? */
bool nss_id_ok(uint32_t id);
bool nss_user_name_ok(const char *name);
bool nss_group_name_ok(const char *name);

static inline bool
nss_is_root(const char *name)
{
	return name[0] == 'r' && strcmp(name, "root") == 0;
}

/* Copy a string of len bytes and its NUL to *p, and move *p behind it. The room was
 * checked. Names are short: a call costs as much as the copy. */
static inline char *
nss_copy(char **p, const char *s, size_t len)
{
	size_t n = len + 1;
	char *at = *p;

	if (n > 32)
		memcpy(at, s, n);
	else if (n >= 16) {
		memcpy(at, s, 16);
		memcpy(at + n - 16, s + n - 16, 16);
	} else if (n >= 8) {
		memcpy(at, s, 8);
		memcpy(at + n - 8, s + n - 8, 8);
	} else {
		for (; n > 0; n--)
			*at++ = *s++;
		at = *p;
	}
	*p += len + 1;
	return at;
}

enum nss_status _nss_iam_getpwnam_r(const char *name, struct passwd *pw,
    char *buf, size_t len, int *errnop);
enum nss_status _nss_iam_getpwuid_r(uid_t uid, struct passwd *pw, char *buf,
    size_t len, int *errnop);
enum nss_status _nss_iam_setpwent(int stayopen);
enum nss_status _nss_iam_getpwent_r(struct passwd *pw, char *buf, size_t len,
    int *errnop);
enum nss_status _nss_iam_endpwent(void);
enum nss_status _nss_iam_getgrnam_r(const char *name, struct group *gr,
    char *buf, size_t len, int *errnop);
enum nss_status _nss_iam_getgrgid_r(gid_t gid, struct group *gr, char *buf,
    size_t len, int *errnop);
enum nss_status _nss_iam_setgrent(int stayopen);
enum nss_status _nss_iam_getgrent_r(struct group *gr, char *buf, size_t len,
    int *errnop);
enum nss_status _nss_iam_endgrent(void);
enum nss_status _nss_iam_initgroups_dyn(const char *user, gid_t group,
    long *start, long *size, gid_t **groups, long limit, int *errnop);

#endif
