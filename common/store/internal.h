/* The store's own: shared by its files and their tests. */
#ifndef IAM_STORE_INTERNAL_H
#define IAM_STORE_INTERNAL_H

#include <sqlite3.h>

#include "common/store/store.h"

#define STORE_APPLICATION_ID 0x49414d31 /* "IAM1" in the file's header */
#define STORE_BUSY_MS 10000
#define STORE_KEY_MAX 512
#define STORE_DOCUMENT_MAX ((size_t)1 << 20)

enum store_stmt {
	STMT_GET = 0, STMT_FIRST, STMT_NEXT, STMT_ALL, STMT_COUNT, STMT_NEXT_WITH,
	STMT_COUNT_WITH, STMT_COUNT_WITH_ANY,
	STMT_REFERENCE_ADD, STMT_REFERENCE_REMOVE, STMT_REFERENCE_CLEAR, STMT_UPDATE, STMT_INSERT, STMT_DELETE, STMT_HISTORY_ADD, STMT_HISTORY,
	STMT_HISTORY_LAST, STMT_CHANGED, STMT_BEFORE, STMT_REVISION,
	STMT_REVISION_ADD, STMT_REVISION_SET, STMT_ID_LAST, STMT_ID_GAP, STMT_ID_ADD,
	STMT_BEGIN, STMT_BEGIN_READ, STMT_COMMIT, STMT_ROLLBACK,
	STORE_STMT_COUNT
};

struct store {
	sqlite3 *db;
	char *path;           /* absolute, no symbolic link in it */
	sqlite3_stmt *stmt[STORE_STMT_COUNT]; /* prepared when first used */
	bool writing;         /* between store_begin and its end */
	bool changed;         /* something was put or deleted since */
	int failed;           /* a part of the transaction failed: no commit */
	uint64_t revision;    /* what this transaction will be */
	uint8_t salt[32];     /* of the digests that stand for secrets in the history */
};

/* SQLite's result as ours. */
int store_err(int rc);
/* The statement, reset and unbound; NULL with *ret_err set. */
sqlite3_stmt *store_stmt(struct store *s, enum store_stmt which, int *ret_err);
/* Step a statement without rows to its end and reset it. */
int store_step(sqlite3_stmt *st);
/* The key and the document of the row that the statement stands on. *ret_key may
 * be NULL, else owned. */
int store_take_row(sqlite3_stmt *st, char **ret_key, json_t **ret_doc);
/* Run one of the statements that take nothing. */
int store_run(struct store *s, enum store_stmt which);
int store_read_revision(struct store *s, uint64_t *ret);
/* The first key that does not start with prefix any more. */
void store_prefix_end(const char *prefix, char ret[STORE_KEY_MAX + 1]);

/* ---- text.c: documents as the texts that they are ---- */

/*
 * Each document whose key starts with prefix, in key order. key and text are borrowed;
 * returning non-zero stops and is returned. One statement reads them all, so the
 * visitor must not change the store, and must not visit.
 */
typedef int store_visit_text(void *arg, const char *key, const char *text,
    size_t len);
int store_each_text(struct store *s, const char *prefix,
    store_visit_text *visit, void *arg);
/* *ret (reset) is the text; *ret_found false: there is no such document. */
int store_text(struct store *s, const char *key, struct buf *ret,
    bool *ret_found);

/* ---- schema.c ---- */

/*
 * Bring the schema to version count: steps[i] leads from version i to i + 1,
 * all in one transaction. An empty file is IAM_ERR_ABSENT unless create.
 */
int store_migrate(sqlite3 *db, const char *const *steps, int count,
    bool create);
/* The store's own steps. */
extern const char *const store_schema[];
extern const int store_schema_version;
/* Rows of what the index of documents has and they have not, or the other way. */
extern const char *const store_schema_check;

/* ---- reference.c: the index by which documents are found ---- */

/* was has become is, under the key; either may be NULL. Inside a transaction. */
int store_reference_change(struct store *s, const char *key,
    const json_t *was, const json_t *is);
/* Whatever is noted of the key goes. Reads the whole index. */
int store_reference_clear(struct store *s, const char *key);

/* ---- history.c ---- */

/* Keep what a document has become (NULL: it was removed), without its secrets. */
int store_history_add(struct store *s, const char *key, const json_t *doc);

/* ---- changes.c: what the history says of changes ---- */

/* One row of the history, and what tells it from the row of another history
 * (a store that was restored goes on with the same numbers). */
struct store_point {
	uint64_t id;   /* 0: there is none */
	uint64_t mark;
};
/* A number that tells contents apart. */
uint64_t store_digest(const void *data, size_t len);
int store_point_now(struct store *s, struct store_point *ret);
/* Has this store's history come from there? */
int store_point_is_past(struct store *s, const struct store_point *point,
    bool *ret);
/* The keys that were written since, each once: *ret is new (an array). More than
 * max: IAM_ERR_LIMIT. */
int store_changed_since(struct store *s, const struct store_point *point,
    size_t max, json_t **ret);
/* A document's text as it was then, without its secrets; as store_text. */
int store_text_then(struct store *s, const struct store_point *point,
    const char *key, struct buf *ret, bool *ret_found);

/* ---- local.c: what passwd(5) and group(5) files say; never NSS ---- */

struct local {
	json_t *names; /* name -> "local user" or "local group" */
	json_t *ids;   /* the same by id in decimal, users' and groups' */
	json_t *gids;  /* group name -> gid */
};

int local_read(struct local *l, const char *passwd, const char *group,
    struct iam_why *why);
void local_release(struct local *l);

#endif
