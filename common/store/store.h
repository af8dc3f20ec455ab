/*
 * The identity store: JSON documents under keys, every change a new revision
 * in one history, and the snapshots made from it.
 *
 * SQLite, WAL, synchronous=FULL, 0600 root. Control plane only. One struct
 * store per thread; not to be used across fork. JSON values are jansson's:
 * "taken" means the reference is stolen, "new" that the caller owns one.
 *
 * Keys: "account", "users/NAME", "groups/NAME", "roles/NAME", "policies/NAME",
 * "mfa/NAME" - the last part as the user typed it; keys are unique without
 * regard to ASCII case (AWS), so a look-up by another case finds the document.
 */
#ifndef IAM_STORE_STORE_H
#define IAM_STORE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/base.h"

struct store;

/*
 * Open (create: make and initialise one where there is none). Migrates an older schema
 * in one transaction; a newer one is IAM_ERR_VERSION. why names the file and
 * the reason. *ret is owned (store_close).
 */
int store_open(const char *path, bool create, struct store **ret,
    struct iam_why *why);
void store_close(struct store *s);

/* One writer at a time: BEGIN IMMEDIATE, waiting up to 10 s (IAM_ERR_BUSY).
 * Everything until store_commit is one revision, all or nothing. */
int store_begin(struct store *s);
/* After a failed put, delete or next_id the commit fails with the same error,
 * and after any error the transaction is rolled back. who, what: principal ARN and operation, kept in the history. *ret_revision (may be NULL)
 * is the new revision; the old one when nothing was changed. */
int store_commit(struct store *s, const char *who, const char *what,
    uint64_t *ret_revision);
void store_rollback(struct store *s); /* without a transaction: nothing */

/* Read one revision throughout, until store_rollback. */
int store_begin_read(struct store *s);

uint64_t store_revision(struct store *s);

/* *ret is new, NULL when there is no such document. */
int store_get(struct store *s, const char *key, json_t **ret);
/* Insert or replace; doc is borrowed. Inside a transaction only. A document
 * that is there keeps its key's case: to change that, delete it first. Uid,
 * Gid and SubordinateIdStart of users, groups and roles are used up for store_next_id. Text that is the same
 * is no change. At most 1 MiB (IAM_ERR_LIMIT). */
int store_put(struct store *s, const char *key, const json_t *doc);
/* Remove; *ret_was may be NULL. Inside a transaction only. */
int store_delete(struct store *s, const char *key, bool *ret_was);

/* Each document whose key starts with prefix, in key order. doc is borrowed;
 * returning non-zero stops and is returned. The visitor may change the store. */
typedef int store_visit(void *arg, const char *key, json_t *doc);
int store_each(struct store *s, const char *prefix, store_visit *visit,
    void *arg);
int store_count(struct store *s, const char *prefix, uint64_t *ret);
/* Which documents, in key order. */
struct store_query {
	const char *prefix;
	const char *after;  /* only keys behind prefix + after; NULL: all */
	/*
	 * Only documents that name value as this member, or in the list that it is,
	 * without regard to case; found by an index. Members: Adopted (value "1"),
	 * AttachedPolicies, Groups, PermissionsBoundary, Uid (decimal), UnixName;
	 * UserName of mfa/ (docs/store-format.md). NULL: all.
	 */
	const char *member, *value;
};
/* As store_each. */
int store_find(struct store *s, const struct store_query *q,
    store_visit *visit, void *arg);
/* How many documents name value as the member; value NULL: that name anything there. */
int store_count_with(struct store *s, const char *member, const char *value,
    uint64_t *ret);

/* Everything that SQLite can check (doctor); IAM_ERR_FORMAT and why: damage. */
int store_check(struct store *s, struct iam_why *why);

/*
 * An id that was never used: the one after the highest, or, when the highest of
 * the range was claimed, the first that was left out. Users, groups and roles share one
 * range; AWS-like ids come from the operations. Inside a transaction.
 * IAM_ERR_LIMIT when used up.
 */
int store_next_id(struct store *s, uint32_t min, uint32_t max, uint32_t *ret);
/* A range of count ids behind the last that was ever used: *ret is the first one,
 * and a multiple of count, as min is. */
int store_next_ids(struct store *s, uint32_t min, uint32_t max, uint32_t count,
    uint32_t *ret);

/* History of one key, newest first: {revision, time, who, what, document|null}.
 * PasswordHash and SealedSeed are "digest:…" there (docs/store-format.md). */
int store_history(struct store *s, const char *key, store_visit *visit,
    void *arg);

/* ---- publishing (publish.c) ---- */

struct store_paths {
	const char *host, *settings, *governed;          /* /etc/iam/… */
	const char *ssh_revoked;                         /* NULL: not written */
	const char *public_snapshot, *private_snapshot;
	const char *passwd, *group;                      /* local names: never shadowed (S26, S27) */
	const char *managed;                             /* directory of NAME.json; NULL: IAM_PATH_MANAGED "/managed" */
	gid_t auth_gid;                                  /* (gid_t)-1: leave groups alone */
};

/*
 * Make both snapshots from the store's current revision and the host's files,
 * under an exclusive lock beside the store (IAM_ERR_BUSY after 10 s), private
 * first; and the governed file. Not inside a transaction. Policies are compiled
 * here from the documents; every one of them was validated when it was saved.
 *
 * One bad document never keeps the others, nor a revocation, from being
 * published; what cannot be published whole is denied. Each case is named in
 * *warnings (an array of strings, new; may be NULL; also after an error):
 * - a user or group whose name or id is a local account's or group's (S27), is
 *   out of the id range, or is another document's: left out of both snapshots, and
 *   out of the groups' members. The local account goes on as a local account;
 * - a policy that does not compile or is not there: left out; whoever it
 *   applies to is denied, because no decision is made with policies missing;
 * - a user with a group, a device or a limit that does not hold: disabled.
 * why says what failed.
 */
int store_publish(struct store *s, const struct store_paths *paths,
    json_t **warnings, struct iam_why *why);
/*
 * The same outcome, after a change: what has changed since the snapshots were made
 * is read from the history and written beside them, so that it costs what the change
 * is and not what the store is. *warnings are of all documents that were warned of and still
 * are. When what the changes come to is not certain (there is something new
 * to warn of, the settings or managed policies are others,
 * another store or version has made the snapshots, damage was met), everything is
 * published. Damage elsewhere in the snapshots stays: store_publish mends it.
 */
int store_publish_changes(struct store *s, const struct store_paths *paths,
    json_t **warnings, struct iam_why *why);
/*
 * Published changes lie in a small file beside a large one. Are they so many that it is
 * time to make one of both?
 */
bool store_merge_due(const struct store_paths *paths);
/*
 * Do so, unless somebody is at it. It takes as long as publishing everything, at the
 * lowest priority, while others publish: for a process that nobody waits for, and that
 * may be killed at any moment. Of s only the path is used: also in a process that was
 * forked since it was opened.
 */
int store_merge(const struct store *s, const struct store_paths *paths);
/*
 * Do the snapshots match the store's revision and the host's files? No answer is
 * "no". Costs the same at every size: of the snapshots, the headers, what lies where the
 * look-up of the account goes, and no more. Damage elsewhere is an error for whoever
 * comes across it (snap_verify reads everything).
 */
int store_published(struct store *s, const struct store_paths *paths,
    bool *ret_current);

/*
 * The document of arn:aws:iam::aws:policy/NAME, appended to *ret; dir as in
 * store_paths.managed. IAM_ERR_ABSENT: no such policy, or not such an ARN.
 */
int store_managed_policy(const char *dir, const char *arn, struct buf *ret);

#endif
