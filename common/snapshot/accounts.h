/*
 * Records of the public snapshot: what NSS and AuthorizedKeysCommand serve.
 *
 * Encoders are for the store, decoders for the readers. Decoded strings are
 * borrowed from the snapshot. Links libc only.
 */
#ifndef IAM_SNAPSHOT_ACCOUNTS_H
#define IAM_SNAPSHOT_ACCOUNTS_H

#include "common/snapshot/snapshot.h"

struct snap_user {
	uint32_t uid, gid; /* never 0 */
	const char *name, *gecos, *home, *shell;
	/* There is a group of this name and of the id uid (which gid then is),
	 * without members and without a record of its own. */
	bool private_group;
	/* Set by the decoder: lengths of the four, without their NULs. */
	size_t name_len, gecos_len, home_len, shell_len;
};

struct snap_group {
	uint32_t gid; /* never 0 */
	const char *name;
	uint32_t member_count;
	/* For the encoder: member_count names, each with its NUL, end to end. */
	const char *members;
	size_t members_len; /* of that text; set by the decoder as well */
	/* Set by the decoder: the members as they are stored (snap_group_unpack). */
	struct snap_bytes packed;
};

/*
 * Encode; the errors are kept in *b. The decoders check everything that the
 * encoders promise: ids in range (never 0), names valid, lengths inside.
 */
void snap_user_encode(const struct snap_user *u, struct buf *b);
int snap_user_decode(struct snap_bytes in, struct snap_user *ret);
void snap_group_encode(const struct snap_group *g, struct buf *b);
int snap_group_decode(struct snap_bytes in, struct snap_group *ret);

/*
 * The members of a decoded group, in the order in which they were encoded: the names,
 * each with its NUL, into text, which has room for members_len bytes at least (what
 * is beyond them in room is scratch), and pointers to them into list (NULL: not
 * wanted), which has room for member_count.
 */
int snap_group_unpack(const struct snap_group *g, char *text, size_t room,
    char **list);
/* The same text behind what is in *b. */
int snap_group_members(const struct snap_group *g, struct buf *b);

/*
 * Look up and decode in one step. Groups are found with the private ones of
 * users. Of a group that was found so, and only then, the members have not been
 * looked at: there may be 10,000. snap_group_unpack fails when they are damaged.
 */
int snap_user_by_name(const struct snap *s, const char *name, bool *ret_found,
    struct snap_user *ret);
int snap_user_by_uid(const struct snap *s, uint32_t uid, bool *ret_found,
    struct snap_user *ret);
int snap_group_by_name(const struct snap *s, const char *name, bool *ret_found,
    struct snap_group *ret);
int snap_group_by_gid(const struct snap *s, uint32_t gid, bool *ret_found,
    struct snap_group *ret);

/* Walk them as snap_next does. */
int snap_user_next(const struct snap *s, struct snap_cursor *cursor,
    bool *ret_found, struct snap_user *ret);
int snap_group_next(const struct snap *s, struct snap_cursor *cursor,
    bool *ret_found, struct snap_group *ret);

/*
 * Supplementary gids of a user, the primary one excluded, in ascending order. *ret
 * is where snap_gids_next begins. Not found: no such user, or none.
 */
struct snap_gids {
	const uint8_t *p; /* borrowed from the snapshot */
	size_t count;     /* so many are to come */
	uint32_t last;
	unsigned width; /* of a step; 0: the first one is to come */
};
int snap_member_of(const struct snap *s, const char *name, bool *ret_found,
    struct snap_gids *ret);
uint32_t snap_gids_next(struct snap_gids *g);

/* A range of subordinate ids, the same as uids and as gids. */
struct snap_subids {
	uint32_t uid;          /* of the owner */
	const char *owner;     /* Unix name */
	uint32_t start, count; /* count is IAM_SUBID_COUNT, start a multiple of it */
};

/*
 * The record is in SNAP_SUBIDS under two keys: the owner's name, and "#" with
 * the first id in decimal (snap_subids_key). Encoder and decoder refuse ranges
 * that touch ids of local accounts, system, containers, or (uid_t)-1 (S26, S27).
 */
#define SNAP_SUBIDS_KEY_MAX 12
void snap_subids_key(uint32_t start, char ret[SNAP_SUBIDS_KEY_MAX]);
void snap_subids_encode(const struct snap_subids *r, struct buf *b);
int snap_subids_decode(struct snap_bytes in, struct snap_subids *ret);
int snap_subids_by_owner(const struct snap *s, const char *name,
    bool *ret_found, struct snap_subids *ret);
/* The range that id is in. */
int snap_subids_by_id(const struct snap *s, uint32_t id, bool *ret_found,
    struct snap_subids *ret);

/* authorized_keys lines of the user's active keys, each ending in '\n'. */
int snap_ssh_keys(const struct snap *s, const char *name, bool *ret_found,
    const char **ret_text, size_t *ret_len);

#endif
