/*
 * Who calls, when no login session is found, or one that is another's: a process may
 * have detached itself from the one that it came from (a daemon, tmux, setsid, su that
 * has ended). sudo goes on as a child of whoever called it, with that one's real user
 * id: that is who calls. Else the kernel keeps the user id of the login (pam_loginuid
 * sets it) through sudo, su and fork; a root process can only change it on purpose,
 * and not at all after auditctl --loginuid-immutable.
 */
#include "common/base/base.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <unistd.h>

#include "common/base/governed.h"
#include "common/snapshot/accounts.h"
#include "common/snapshot/principal.h"
#include "iamctl/caller.h"

#ifdef IAM_TEST_BUILD
#define LOGIN_UID_PATH IAM_ROOT "/loginuid"
#else
#define LOGIN_UID_PATH "/proc/self/loginuid"
#endif
#define UNSET UINT32_MAX
#define HOPS_MAX 64
#define WALKS_MAX 3

/* UNSET: no login (a service, a container), or a kernel without audit. */
static int
login_uid(uint32_t *ret)
{
	struct buf b = BUF_INIT;
	int r;

	*ret = UNSET;
	r = file_read(LOGIN_UID_PATH, FILE_ANY, 64, &b);
	if (r == 0 && !name_parse_u32(buf_cstr(&b), ret))
		r = IAM_ERR_FORMAT;
	buf_release(&b);
	return r == IAM_ERR_ABSENT ? 0 : r;
}

/* The real user id of a process, and its parent: proc(5), where a newline in the
 * process's name is escaped. */
static int
read_status(pid_t pid, uint32_t *ret_uid, pid_t *ret_parent)
{
	struct buf b = BUF_INIT;
	const char *uid, *parent;
	char path[40];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((r = file_read(path, FILE_ANY, 16384, &b)) == 0) {
		uid = strstr(buf_cstr(&b), "\nUid:\t");
		parent = strstr(buf_cstr(&b), "\nPPid:\t");
		if (uid == NULL || sscanf(uid, "\nUid:\t%" SCNu32, ret_uid) != 1 ||
		    parent == NULL || sscanf(parent, "\nPPid:\t%d", ret_parent) != 1)
			r = IAM_ERR_FORMAT;
	}
	buf_release(&b);
	return r;
}

/* Of the nearest ancestor (or this process) that is not root's, below the process until;
 * 0: none. IAM_ERR_ABSENT: one has ended in between. */
static int
walk(pid_t until, uint32_t *ret)
{
	pid_t pid = getpid();
	int hops, r;

	*ret = 0;
	for (hops = 0; pid > 1 && pid != until; hops++) {
		if (hops == HOPS_MAX)
			return IAM_ERR_LIMIT;
		if ((r = read_status(pid, ret, &pid)) != 0 || *ret != 0)
			return r;
	}
	return 0;
}

static int
uid_above(pid_t until, uint32_t *ret)
{
	int i, r = IAM_ERR_BUG;

	for (i = 0; i < WALKS_MAX; i++) {
		r = walk(until, ret);
		if (r != IAM_ERR_ABSENT)
			break;
	}
	return r;
}

/* "": nobody knows it. */
static int
name_of(uint32_t uid, char *ret, size_t size)
{
	const struct passwd *pw;
	struct snap *snap;
	struct snap_user user;
	bool found = false;

	ret[0] = '\0';
	if (snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &snap) == 0) {
		if (snap_user_by_uid(snap, uid, &found, &user) == 0 && found)
			snprintf(ret, size, "%s", user.name);
		snap_close(snap);
	}
	if (found)
		return 0;
	errno = 0;
	if ((pw = getpwuid(uid)) == NULL)
		return errno == 0 || errno == ENOENT ? 0 : IAM_ERR_IO;
	return snprintf(ret, size, "%s", pw->pw_name) < (int)size ? 0 : IAM_ERR_RANGE;
}

/* Is it an IAM user's? Any doubt is an error. */
static int
in_snapshot(const struct snap *snap, uint32_t uid, const char *name, bool *ret)
{
	struct snap_principal *p;
	struct snap_account *account;
	int r = IAM_ERR_MEMORY;

	p = malloc(sizeof(*p));
	account = malloc(sizeof(*account));
	if (p == NULL || account == NULL ||
	    (r = snap_account_get(snap, account)) != 0)
		goto out;
	if (name_is_unix(name) &&
	    (r = snap_principal_by_name(snap, name, ret, p)) == 0 && *ret)
		r = p->uid == uid ? 0 : IAM_ERR_CONFLICT;
	else if (r == 0 && uid >= account->id_min && uid <= account->id_max)
		r = IAM_ERR_ABSENT; /* deleted, and still logged in */
out:
	free(account);
	free(p);
	return r;
}

static int
from_uid(uint32_t uid, struct caller *ret)
{
	char name[sizeof(ret->session.user)];
	bool governed = false;
	struct snap *snap;
	int r;

	if (uid == 0 || uid == UNSET || access(IAM_PATH_HOST, F_OK) != 0)
		return 0;
	if ((r = name_of(uid, name, sizeof(name))) != 0)
		return r;
	if ((r = snap_open(IAM_PATH_PRIVATE, SNAP_PRIVATE, &snap)) == 0) {
		r = in_snapshot(snap, uid, name, &governed);
		snap_close(snap);
	} else if (governed_without_snapshot(name, IAM_PATH_GOVERNED,
	    IAM_PATH_PASSWD) == GOVERNED_NO)
		r = 0;
	if (r != 0 || !governed)
		return r;
	ret->user = true;
	ret->session = (struct runtime_evidence){ .uid = uid };
	memcpy(ret->session.user, name, sizeof(name));
	return 0;
}

int
caller_from_login(struct caller *ret)
{
	uint32_t uid;
	int r;

	if ((r = uid_above(1, &uid)) != 0 || (r = from_uid(uid, ret)) != 0 ||
	    ret->user)
		return r;
	if ((r = login_uid(&uid)) != 0)
		return r;
	return from_uid(uid, ret);
}

int
caller_within(pid_t session_pid, struct caller *ret)
{
	struct caller other = { .user = false };
	uint32_t uid;
	int r;

	if ((r = uid_above(session_pid, &uid)) != 0)
		return r;
	if (uid == ret->session.uid || (r = from_uid(uid, &other)) != 0 ||
	    !other.user)
		return r;
	caller_release(ret);
	*ret = other;
	return 0;
}
