/*
 * Who is governed. Rules kept here:
 *
 *  - "root", and every name of uid 0, is never ours, whatever the snapshot says;
 *  - without /etc/iam/host.json nobody is;
 *  - "not ours" needs a valid snapshot in which the name is positively absent and a
 *    list of adopted accounts that has not got it either, or a local account
 *    that governed_without_snapshot() lets go (S0, S2);
 *  - every other doubt is FLOW_BROKEN: denied.
 */
#include "common/base/base.h"
#include "common/base/governed.h"
#include "pam_iam/internal.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PASSWD_ROOM_MAX ((size_t)1 << 20)
/* Longer names are nobody's: no name service is bothered with them. */
#define LOGIN_NAME_MAX_ASKED 256

/* One of getpwnam_r and getpwuid_r with room that grows. *ret_room is owned. */
static int
passwd_find(const char *name, uid_t uid, struct passwd *pw, char **ret_room,
    bool *ret_known)
{
	struct passwd *hit = NULL;
	size_t size = 4096;
	char *room;
	int e;

	for (;;) {
		if ((room = malloc(size)) == NULL)
			return IAM_ERR_MEMORY;
		e = name != NULL ? getpwnam_r(name, pw, room, size, &hit) :
		    getpwuid_r(uid, pw, room, size, &hit);
		if (e != ERANGE || size >= PASSWD_ROOM_MAX)
			break;
		free(room);
		size *= 4;
	}
	if (hit == NULL && e != 0 && e != ENOENT && e != ESRCH) {
		free(room);
		return IAM_ERR_IO;
	}
	*ret_room = room;
	*ret_known = hit != NULL;
	return 0;
}

int
identify_uid_of(const char *name, bool *ret_known, uid_t *ret_uid)
{
	struct passwd pw;
	char *room;
	int r;

	if ((r = passwd_find(name, 0, &pw, &room, ret_known)) != 0)
		return r;
	if (*ret_known)
		*ret_uid = pw.pw_uid;
	free(room);
	return 0;
}

int
identify_name_of(uid_t uid, bool *ret_known, char *ret, size_t size)
{
	struct passwd pw;
	char *room;
	int r;

	if ((r = passwd_find(NULL, uid, &pw, &room, ret_known)) != 0)
		return r;
	if (*ret_known) {
		if (strlen(pw.pw_name) >= size)
			r = IAM_ERR_RANGE;
		else
			memcpy(ret, pw.pw_name, strlen(pw.pw_name) + 1);
	}
	free(room);
	return r;
}

bool
flow_initialised(const struct flow_host *host)
{
	struct stat st;

	return lstat(host->host_file, &st) == 0 ||
	    (errno != ENOENT && errno != ENOTDIR);
}

static bool
configuration_current(const struct flow_host *host,
    const struct snap_account *account)
{
	return snap_mark_current(host->host_file, &account->host_mark) &&
	    snap_mark_current(host->settings_file, &account->settings_mark);
}

bool
identity_is_current(const struct flow_host *host, const struct identity *id)
{
	return id->have_account &&
	    snap_is_current(id->snap, host->private_snapshot) &&
	    configuration_current(host, &id->account);
}

static void
forget(struct identity *id)
{
	snap_close(id->snap);
	id->snap = NULL;
	id->have_account = false;
}

/* Open the snapshot and look the name up in it. */
static int
look_up(const struct flow_host *host, const char *name, struct identity *id,
    bool *ret_found)
{
	int r;

	*ret_found = false;
	forget(id);
	/* Read, and parked before the program has its turn. */
	r = snap_open_next(host->private_snapshot, SNAP_PRIVATE, NULL, &id->snap);
	if (r != 0) {
		id->snap = NULL;
		return r;
	}
	if ((r = snap_account_get(id->snap, &id->account)) == 0 &&
	    name_is_unix(name))
		r = snap_principal_by_name(id->snap, name, ret_found,
		    &id->principal);
	if (r != 0) {
		*ret_found = false;
		forget(id);
		return r;
	}
	id->have_account = true;
	return 0;
}

static void
broken(struct identity *id, int err, const char *reason)
{
	id->who = FLOW_BROKEN;
	id->err = err;
	id->reason = reason;
}

/* Not in a valid snapshot: does anybody else know the name? */
static void
not_found(const struct flow_host *host, const char *name, struct identity *id)
{
	bool known = false;
	uid_t uid;

	if (name[0] != '\0' && strnlen(name, LOGIN_NAME_MAX_ASKED) < LOGIN_NAME_MAX_ASKED &&
	    host->uid_of(name, &known, &uid) != 0) {
		/* A name service is down: the next module says so. */
		id->who = FLOW_UNMANAGED;
		return;
	}
	if (!known)
		id->who = FLOW_NOBODY;
	else if (uid == 0)
		id->who = FLOW_ROOT;
	else if (governed_adopted(name, host->governed))
		broken(id, IAM_ERR_ABSENT, "AdoptedUserMissing");
	else
		id->who = FLOW_UNMANAGED;
}

/* In the snapshot: ours, unless the local files disagree about who that is. */
static void
found(const struct flow_host *host, const char *name, struct identity *id)
{
	bool known = false;
	uid_t uid = 0;

	if (host->uid_of(name, &known, &uid) != 0)
		known = false;
	if ((known && uid == 0) || id->principal.uid == 0)
		id->who = FLOW_ROOT;
	else if (known && uid != id->principal.uid)
		broken(id, IAM_ERR_CONFLICT, "NameClash");
	else
		id->who = FLOW_OURS;
}

/*
 * host.json or iam.json was edited since the snapshot was made: have it made
 * anew before anything is decided by it.
 */
static void
refresh(const struct flow_host *host, const char *name, struct identity *id)
{
	bool hit;
	int r = IAM_ERR_CONFLICT;

	if (host->publish != NULL && (r = host->publish(host->publish_arg)) == 0 &&
	    (r = look_up(host, name, id, &hit)) == 0) {
		if (!hit) {
			not_found(host, name, id);
			return;
		}
		found(host, name, id);
		if (id->who != FLOW_OURS || configuration_current(host, &id->account))
			return;
		r = IAM_ERR_CONFLICT;
	}
	broken(id, r, "StaleConfiguration");
}

void
identify(const struct flow_host *host, const char *name, enum flow_mode mode,
    struct identity *id)
{
	bool hit, current;
	int r;

	*id = (struct identity){ .who = FLOW_BROKEN, .err = IAM_ERR_BUG };
	r = look_up(host, name, id, &hit);
	/* A snapshot of the host.json that is there says that it is there. */
	current = r == 0 && hit && mode != FLOW_LOOK &&
	    id->account.host_mark.ino != 0 &&
	    configuration_current(host, &id->account);
	if (!current && !flow_initialised(host)) {
		forget(id);
		id->who = FLOW_UNMANAGED;
		id->err = 0;
		return;
	}
	if (strcmp(name, "root") == 0) {
		id->who = FLOW_ROOT;
	} else if (r != 0) {
		if (governed_without_snapshot(name, host->governed,
		    host->passwd) == GOVERNED_NO)
			id->who = FLOW_UNMANAGED;
		else
			broken(id, r, "SnapshotUnavailable");
	} else if (!hit) {
		not_found(host, name, id);
	} else {
		found(host, name, id);
		if (id->who == FLOW_OURS && mode != FLOW_LOOK && !current)
			refresh(host, name, id);
	}
	if (id->who != FLOW_BROKEN)
		id->err = 0;
}

void
identity_release(struct identity *id)
{
	forget(id);
}
