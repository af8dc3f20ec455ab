/*
 * Host snapshots: the constant databases that logins and name look-ups read.
 *
 * A file is never changed once it is in its place. It is one whole revision; or
 * the changes to one other file, which it names, and both together are one whole
 * revision. Readers see no difference. The public one is for everyone; the
 * private one is for root and the group iam-auth. The format, byte by byte, is
 * in docs/snapshot-format.md. Links libc only: this lives in other people's
 * processes.
 *
 * Trust: the file must be a regular file of root that nobody else may write.
 * Damage (truncation, random bytes, a torn disk) is found before use: every block
 * has a checksum, so that "not there" is as certain as "there" (S2, S25). Blocks
 * are copied into the process and checked when first touched, so that nothing
 * that happens to the file later can crash or mislead a reader.
 */
#ifndef IAM_SNAPSHOT_SNAPSHOT_H
#define IAM_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/buf.h"

enum snap_kind { SNAP_PUBLIC = 1, SNAP_PRIVATE = 2 };

/* The tables. A key is bytes; ids are 4 bytes little-endian. */
enum snap_table {
	/* public */
	SNAP_USER_NAME = 0,  /* Unix name      -> user record */
	SNAP_USER_UID,       /* uid            -> the same record */
	SNAP_GROUP_NAME,     /* Unix name      -> group record */
	SNAP_GROUP_GID,      /* gid            -> the same record */
	SNAP_MEMBER_OF,      /* Unix name      -> gids, packed (accounts.h) */
	SNAP_SSH_KEYS,       /* Unix name      -> authorized_keys lines */
	/* private */
	SNAP_PRINCIPAL,      /* Unix name      -> struct snap_principal */
	SNAP_POLICY,         /* policy key     -> ARN, name, compiled policy */
	SNAP_ACCOUNT,        /* "account"      -> struct snap_account */
	SNAP_GROUP_POLICIES, /* IAM name of a group, lower case -> its policies */
	SNAP_PUBLISH,        /* "publish"      -> what it was made from, for the next */
	/* public */
	SNAP_SUBIDS,         /* Unix name, "#START" -> subordinate ids */
	SNAP_TABLE_COUNT
};

#define SNAP_KEY_MAX 1024
#define SNAP_VALUE_MAX ((size_t)1 << 28)

struct snap;

struct snap_info {
	enum snap_kind kind;
	uint64_t revision;  /* of the store that it was made from */
	int64_t created_s;  /* seconds since 1970 */
	uint64_t size;      /* of the file, and of the one that it lies on */
	uint64_t changes;   /* of the file alone when it lies on another, else 0 */
	gid_t gid;          /* of the file */
};

/*
 * Open a snapshot. *ret is owned (snap_close), and may be shared by threads.
 * IAM_ERR_ABSENT, IAM_ERR_UNSAFE, IAM_ERR_IO as file_open; IAM_ERR_VERSION for
 * a format of the future; IAM_ERR_FORMAT for anything damaged or of the wrong
 * kind. Costs the same at every size: only the header is checked here.
 */
int snap_open(const char *path, enum snap_kind kind, struct snap **ret);
/*
 * The same for the name service, which has an older one open (borrowed; NULL: none):
 * a large file that both lie on is shared with all that has been read of it. Until
 * snap_park or snap_close the caller does not return to the program, nor share *ret:
 * so the descriptors are still ours, and are not looked at each time.
 */
int snap_open_next(const char *path, enum snap_kind kind,
    const struct snap *old, struct snap **ret);
void snap_close(struct snap *s);
void snap_info(const struct snap *s, struct snap_info *ret);

/*
 * Is this still the current revision of path? Looks at the file name once in a
 * tick of the coarse clock (1 to 10 ms) and makes no system call in between.
 * snap_builder_write waits for the next tick, so that whoever knows of a
 * published revision gets it. False also when the file is gone or changed.
 */
bool snap_is_current(const struct snap *s, const char *path);

/*
 * Keep no descriptor open, for readers in other people's processes. A look-up
 * that then needs a block not yet read opens the path again, and is
 * IAM_ERR_CONFLICT when another file is there now: open that one and repeat.
 */
void snap_park(struct snap *s);
/* Bytes of this process's memory that hold blocks of the file. */
size_t snap_cached(const struct snap *s);

/* Check every byte: all buckets, all records. For doctor and tests. */
int snap_verify(const struct snap *s);

struct snap_bytes {
	const uint8_t *p; /* borrowed until snap_close */
	size_t len;
};

/*
 * Look up one key. *ret_found says whether it is there; on an error nothing
 * may be concluded about the key. *ret is written when found.
 * IAM_ERR_FORMAT: damage on the way; IAM_ERR_IO, IAM_ERR_ABSENT,
 * IAM_ERR_CONFLICT: a block that was needed could not be read; IAM_ERR_BUSY:
 * another thread keeps blocks and does not come to an end (10 ms at most).
 * IAM_ERR_MEMORY: no room for a block. No allocation and no system call when all is
 * there already.
 */
int snap_find(const struct snap *s, enum snap_table table, const void *key,
    size_t key_len, bool *ret_found, struct snap_bytes *ret);

/*
 * Walk a table's records: begin with SNAP_CURSOR_INIT; *ret_found is false at the
 * end. key may be NULL. What is returned is borrowed until the next call with this
 * cursor: a walk reads through 64 KiB of its own, and leaves nothing in *s. at may be
 * set back to what it was. Released at the end, and also after an error.
 */
struct snap_window;
struct snap_cursor {
	uint64_t at;
	struct snap_window *window; /* owned; NULL: none yet */
};
#define SNAP_CURSOR_INIT { 0, NULL }

int snap_next(const struct snap *s, enum snap_table table,
    struct snap_cursor *cursor, bool *ret_found, struct snap_bytes *key,
    struct snap_bytes *ret);
void snap_cursor_release(struct snap_cursor *cursor);

/* How many keys a table has; 0 for one that is not in this kind. */
uint64_t snap_count(const struct snap *s, enum snap_table table);

/* ---- writing (common/snapshot/build.c; not linked into the modules) ---- */

struct snap_builder;

int snap_builder_new(enum snap_kind kind, uint64_t revision, int64_t created_s,
    struct snap_builder **ret);
/*
 * One that begins with what under has (borrowed until snap_builder_free), and
 * writes no more than what differs from the file that under lies on.
 */
int snap_builder_over(const struct snap *under, uint64_t revision,
    int64_t created_s, struct snap_builder **ret);
void snap_builder_free(struct snap_builder *b);
/*
 * Copies key and value. A key twice in one table is IAM_ERR_CONFLICT (what lies
 * under is replaced: the record of this key, with the other key that it had); a
 * table of the other kind, or a key outside its form, IAM_ERR_ARG. A record under
 * a name and the same bytes under an id are one: they are stored once, and go
 * together. Memberships are the user's of that name, who comes first if there is
 * one; they go with the user. They are given as gids of 4 bytes, little-endian, in
 * any order, and packed. A user's value is not empty.
 */
int snap_builder_add(struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len, const void *value, size_t value_len);
/* Without the record of this name that lies under, and its id. */
int snap_builder_remove(struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len);
/*
 * Write the file beside path, fsync, rename over it, fsync the directory, and
 * wait until every reader looks at the file name again (snap_is_current). gid
 * (gid_t)-1 leaves the group alone. After an error the old file is in place,
 * unless only the fsync of the directory failed. Writers must be serialised:
 * what a killed one left beside path is removed, and what nothing lies on.
 * A builder over another writes changes when they are few (a quarter of the
 * file that they lie on), and else everything.
 */
int snap_builder_write(struct snap_builder *b, const char *path, mode_t mode,
    gid_t gid);
/*
 * Make one file of two: the same revision, and what readers see is the same.
 * Nothing to do for one that lies on no other.
 */
int snap_merge(const char *path, enum snap_kind kind, mode_t mode, gid_t gid);
/*
 * The same in two steps, for large files: the first takes long, and writers may go on
 * meanwhile; only one process at a time may be at it. *ret is owned (snap_close), NULL when
 * there is nothing to do. The second is quick, and needs to be serialised with the
 * writers; then is *ret. What was changed in between stays changed. Killed anywhere in
 * between, readers have what they had, and the file "path.merge" stays until the next begin.
 */
int snap_merge_begin(const char *path, enum snap_kind kind, mode_t mode,
    gid_t gid, struct snap **ret);
int snap_merge_end(const char *path, enum snap_kind kind, mode_t mode,
    gid_t gid, const struct snap *then);

#endif
