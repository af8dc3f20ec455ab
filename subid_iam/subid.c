/*
 * libsubid_iam.so: subordinate ids for shadow's libsubid, which newuidmap(1),
 * newgidmap(1), getsubids(1) and podman ask. Both kinds are one range: what a user
 * has as subordinate uids she has as subordinate gids.
 *
 * Rules: those of the name service module. libc only; one look at one whole
 * revision of the public snapshot; "not hers" is said only when it is certain.
 * newuidmap is set-user-ID root and maps what we say is the caller's: the reader
 * has checked that a range is a whole one of ours (snap_subids).
 *
 * The interface is shadow's lib/subid.h and lib/nss.c (4.9 and later), which
 * installs no header for it: these are its types.
 */
#include "common/base/base.h"

#include <stdlib.h>

#include "common/snapshot/accounts.h"

enum subid_type { ID_TYPE_UID = 1, ID_TYPE_GID = 2 };

enum subid_status {
	SUBID_STATUS_SUCCESS = 0,
	SUBID_STATUS_UNKNOWN_USER = 1,
	SUBID_STATUS_ERROR_CONN = 2,
	SUBID_STATUS_ERROR = 3,
};

struct subid_range {
	unsigned long start, count;
};

enum subid_status shadow_subid_has_range(const char *owner,
    unsigned long start, unsigned long count, enum subid_type type,
    bool *result);
enum subid_status shadow_subid_list_owner_ranges(const char *owner,
    enum subid_type type, struct subid_range **ranges, int *count);
enum subid_status shadow_subid_find_subid_owners(unsigned long id,
    enum subid_type type, uid_t **uids, int *count);
void shadow_subid_free(void *p);

static enum subid_status
status_of(int r, bool user_found)
{
	if (r == 0)
		return user_found ? SUBID_STATUS_SUCCESS :
		    SUBID_STATUS_UNKNOWN_USER;
	return r == IAM_ERR_MEMORY || r == IAM_ERR_ARG ? SUBID_STATUS_ERROR :
	    SUBID_STATUS_ERROR_CONN;
}

static bool
type_ok(enum subid_type type)
{
	return type == ID_TYPE_UID || type == ID_TYPE_GID;
}

/* What the user has, if she is one of ours; ret->count is 0 when nothing. */
static enum subid_status
ranges_of(const char *owner, enum subid_type type, struct snap_subids *ret)
{
	struct snap_user user;
	bool known = false, found = false;
	struct snap *s;
	int r;

	ret->count = 0;
	if (owner == NULL || !type_ok(type))
		return SUBID_STATUS_ERROR;
	if ((r = snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &s)) != 0)
		return status_of(r, false);
	if ((r = snap_user_by_name(s, owner, &known, &user)) == 0 && known)
		r = snap_subids_by_owner(s, owner, &found, ret);
	if (r == 0 && found && ret->uid != user.uid)
		r = IAM_ERR_FORMAT;
	if (r != 0 || !found)
		ret->count = 0;
	ret->owner = NULL; /* it lies in the snapshot */
	snap_close(s);
	return status_of(r, known);
}

enum subid_status
shadow_subid_has_range(const char *owner, unsigned long start,
    unsigned long count, enum subid_type type, bool *result)
{
	struct snap_subids has;
	enum subid_status status;

	*result = false;
	if ((status = ranges_of(owner, type, &has)) != SUBID_STATUS_SUCCESS)
		return status;
	*result = count > 0 && count <= has.count && start >= has.start &&
	    start - has.start <= has.count - count;
	return SUBID_STATUS_SUCCESS;
}

/* *ranges is NULL when there are none; else the caller frees it. */
enum subid_status
shadow_subid_list_owner_ranges(const char *owner, enum subid_type type,
    struct subid_range **ranges, int *count)
{
	struct snap_subids has;
	enum subid_status status;

	*ranges = NULL;
	*count = 0;
	status = ranges_of(owner, type, &has);
	if (status != SUBID_STATUS_SUCCESS || has.count == 0)
		return status;
	if ((*ranges = malloc(sizeof(**ranges))) == NULL)
		return SUBID_STATUS_ERROR;
	(*ranges)->start = has.start;
	(*ranges)->count = has.count;
	*count = 1;
	return SUBID_STATUS_SUCCESS;
}

enum subid_status
shadow_subid_find_subid_owners(unsigned long id, enum subid_type type,
    uid_t **uids, int *count)
{
	struct snap_subids has;
	bool found = false;
	struct snap *s;
	int r;

	*uids = NULL;
	*count = 0;
	if (!type_ok(type) || id > UINT32_MAX)
		return SUBID_STATUS_ERROR;
	if ((r = snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &s)) != 0)
		return status_of(r, false);
	r = snap_subids_by_id(s, (uint32_t)id, &found, &has);
	snap_close(s);
	if (r != 0 || !found)
		return status_of(r, true);
	if ((*uids = malloc(sizeof(**uids))) == NULL)
		return SUBID_STATUS_ERROR;
	**uids = has.uid;
	*count = 1;
	return SUBID_STATUS_SUCCESS;
}

void
shadow_subid_free(void *p)
{
	free(p);
}
