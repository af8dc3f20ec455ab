/*
 * Rules that this file keeps: the store is a file of root that nobody else may
 * touch, in a directory that nobody else may change, and not reached through a
 * link; a transaction is one revision, all or nothing; a document is canonical
 * JSON, so that "has it changed?" is a comparison of texts.
 */
#include "common/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common/store/internal.h"

static const char *const statements[STORE_STMT_COUNT] = {
	[STMT_GET] = "SELECT key, document FROM document WHERE key = ?1",
	[STMT_FIRST] = "SELECT key, document FROM document"
	    " WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1",
	[STMT_NEXT] = "SELECT key, document FROM document"
	    " WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT 1",
	[STMT_ALL] = "SELECT key, document FROM document"
	    " WHERE key >= ?1 AND key < ?2 ORDER BY key",
	[STMT_NEXT_WITH] = "SELECT d.key, d.document FROM reference AS r"
	    " JOIN document AS d ON d.key = r.key WHERE r.member = ?3"
	    " AND r.value = ?4 AND r.key > ?1 AND r.key < ?2"
	    " ORDER BY r.key LIMIT 1",
	[STMT_COUNT_WITH] = "SELECT count(*) FROM reference"
	    " WHERE member = ?1 AND value = ?2",
	[STMT_COUNT_WITH_ANY] = "SELECT count(*) FROM reference"
	    " WHERE member = ?1",
	[STMT_REFERENCE_ADD] = "INSERT OR IGNORE INTO reference"
	    " (key, member, value) VALUES (?1, ?2, ?3)",
	[STMT_REFERENCE_REMOVE] = "DELETE FROM reference"
	    " WHERE key = ?1 AND member = ?2 AND value = ?3",
	[STMT_REFERENCE_CLEAR] = "DELETE FROM reference WHERE key = ?1",
	[STMT_COUNT] = "SELECT count(*) FROM document"
	    " WHERE key >= ?1 AND key < ?2",
	[STMT_UPDATE] = "UPDATE document SET revision = ?2, document = ?3"
	    " WHERE key = ?1",
	[STMT_INSERT] = "INSERT INTO document (key, revision, document)"
	    " VALUES (?1, ?2, ?3)",
	[STMT_DELETE] = "DELETE FROM document WHERE key = ?1",
	[STMT_HISTORY_ADD] = "INSERT INTO history (revision, key, document)"
	    " VALUES (?1, ?2, ?3)",
	[STMT_HISTORY] = "SELECT id, revision, time, who, what, document"
	    " FROM history JOIN revision USING (revision)"
	    " WHERE key = ?1 AND id < ?2 ORDER BY id DESC LIMIT 1",
	[STMT_HISTORY_LAST] = "SELECT id, revision, time, who, what, key, document"
	    " FROM history JOIN revision USING (revision)"
	    " WHERE id = coalesce(?1, (SELECT max(id) FROM history))",
	/* Not by the index of keys, all of which would have to be read. */
	[STMT_CHANGED] = "SELECT DISTINCT key FROM history NOT INDEXED"
	    " WHERE id > ?1 LIMIT ?2",
	[STMT_BEFORE] = "SELECT key, document FROM history"
	    " WHERE key = ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1",
	[STMT_REVISION] = "SELECT coalesce(max(revision), 0) FROM revision",
	[STMT_REVISION_ADD] = "INSERT INTO revision (revision, time, who, what)"
	    " VALUES (?1, 0, '', '')",
	[STMT_REVISION_SET] = "UPDATE revision SET time = unixepoch(), who = ?2,"
	    " what = ?3 WHERE revision = ?1",
	[STMT_ID_LAST] = "SELECT max(id) FROM used_id WHERE id BETWEEN ?1 AND ?2",
	[STMT_ID_GAP] = "SELECT id + 1 FROM used_id AS u WHERE id >= ?1 AND id < ?2"
	    " AND NOT EXISTS (SELECT 1 FROM used_id WHERE id = u.id + 1)"
	    " ORDER BY id LIMIT 1",
	[STMT_ID_ADD] = "INSERT OR IGNORE INTO used_id (id) VALUES (?1)",
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_BEGIN_READ] = "BEGIN",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
};

int
store_err(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return IAM_ERR_BUSY;
	case SQLITE_NOMEM:
		return IAM_ERR_MEMORY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return IAM_ERR_FORMAT;
	case SQLITE_TOOBIG:
		return IAM_ERR_LIMIT;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISUSE:
	case SQLITE_ERROR:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return IAM_ERR_BUG;
	default:
		return IAM_ERR_IO;
	}
}

sqlite3_stmt *
store_stmt(struct store *s, enum store_stmt which, int *ret_err)
{
	sqlite3_stmt **st = &s->stmt[which];

	*ret_err = 0;
	if (*st == NULL)
		*ret_err = store_err(sqlite3_prepare_v3(s->db, statements[which],
		    -1, SQLITE_PREPARE_PERSISTENT, st, NULL));
	if (*ret_err != 0)
		return NULL;
	sqlite3_reset(*st);
	sqlite3_clear_bindings(*st);
	return *st;
}

int
store_step(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return rc == SQLITE_ROW ? IAM_ERR_BUG : store_err(rc);
}

int
store_run(struct store *s, enum store_stmt which)
{
	sqlite3_stmt *st;
	int r;

	if ((st = store_stmt(s, which, &r)) == NULL)
		return r;
	return store_step(st);
}

/* ---- opening ---- */

/*
 * The directory decides who can put another file into the store's place, and
 * the journal beside it. Its real path goes to SQLite, which refuses links.
 */
static int
real_path(const char *path, char ret[PATH_MAX], struct iam_why *why)
{
	char dir[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;
	int n;

	n = slash == NULL ? snprintf(dir, sizeof(dir), ".") :
	    snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - path), path);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return IAM_ERR_LIMIT;
	if (realpath(dir, real) == NULL || stat(real, &st) != 0) {
		iam_why_set(why, 0, 0, "%s: no such directory", dir);
		return errno == ENOENT ? IAM_ERR_ABSENT : IAM_ERR_IO;
	}
	if (!S_ISDIR(st.st_mode) || !file_owner_ok(st.st_uid) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		iam_why_set(why, 0, 0, "%s: must belong to root and be writable"
		    " by nobody else", real);
		return IAM_ERR_UNSAFE;
	}
	n = snprintf(ret, PATH_MAX, "%s/%s", real,
	    slash == NULL ? path : slash + 1);
	return n < 0 || n >= PATH_MAX ? IAM_ERR_LIMIT : 0;
}

/*
 * Never through a descriptor: closing one would drop the locks that another
 * connection of this process has on the file. The directory is root's alone,
 * so nobody changes the answer in between.
 */
static int
check_file(const char *path, struct iam_why *why)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		iam_why_set(why, 0, 0, "%s: there is no store; run 'iamctl init'",
		    path);
		return errno == ENOENT ? IAM_ERR_ABSENT : IAM_ERR_IO;
	}
	if (!S_ISREG(st.st_mode) || !file_owner_ok(st.st_uid) ||
	    (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		iam_why_set(why, 0, 0, "%s: must be a regular file of root with"
		    " mode 0600", path);
		return IAM_ERR_UNSAFE;
	}
	return 0;
}

static int
create_file(const char *path, struct iam_why *why)
{
	int fd, r = 0;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0 || fchmod(fd, 0600) != 0) {
		iam_why_set(why, 0, 0, "%s: cannot be made", path);
		r = IAM_ERR_IO;
	}
	if (fd >= 0)
		close(fd);
	return r != 0 ? r : file_sync_dir(path);
}

static int
wal_row(void *arg, int n, char **values, char **names)
{
	bool *wal = arg;

	(void)names;
	*wal = n == 1 && values[0] != NULL && strcmp(values[0], "wal") == 0;
	return 0;
}

static int
configure(sqlite3 *db)
{
	bool wal = false;
	int rc;

	sqlite3_busy_timeout(db, STORE_BUSY_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	rc = sqlite3_exec(db,
	    "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;"
	    "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
	    "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL;"
	    "PRAGMA secure_delete = ON", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL", wal_row, &wal,
		    NULL);
	return rc == SQLITE_OK && !wal ? IAM_ERR_IO : store_err(rc);
}

static int
read_salt(struct store *s)
{
	sqlite3_stmt *st = NULL;
	int rc, r;

	rc = sqlite3_prepare_v2(s->db, "SELECT value FROM secret"
	    " WHERE name = 'history-salt'", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && sqlite3_column_bytes(st, 0) == sizeof(s->salt)) {
		memcpy(s->salt, sqlite3_column_blob(st, 0), sizeof(s->salt));
		r = 0;
	} else
		r = rc == SQLITE_ROW || rc == SQLITE_DONE ? IAM_ERR_FORMAT :
		    store_err(rc);
	sqlite3_finalize(st);
	return r;
}

static int
open_db(struct store *s, bool create, struct iam_why *why)
{
	int r;

	r = store_err(sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
	    NULL));
	if (r == 0 && (r = configure(s->db)) == 0 &&
	    (r = store_migrate(s->db, store_schema, store_schema_version,
	    create)) == 0)
		r = read_salt(s);
	if (r == IAM_ERR_ABSENT)
		iam_why_set(why, 0, 0, "%s: the store is empty; run 'iamctl init'",
		    s->path);
	else if (r == IAM_ERR_VERSION)
		iam_why_set(why, 0, 0, "%s: made by a newer version of this program",
		    s->path);
	else if (r != 0)
		iam_why_set(why, 0, 0, "%s: %s (SQLite: %s)", s->path,
		    iam_strerror(r), sqlite3_errmsg(s->db));
	return r;
}

int
store_open(const char *path, bool create, struct store **ret,
    struct iam_why *why)
{
	char real[PATH_MAX];
	struct store *s = NULL;
	int r;

	if ((r = real_path(path, real, why)) != 0 ||
	    (create && (r = create_file(real, why)) != 0) ||
	    (r = check_file(real, why)) != 0)
		return r;
	if ((s = calloc(1, sizeof(*s))) == NULL ||
	    (s->path = strdup(real)) == NULL) {
		iam_why_set(why, 0, 0, "%s: out of memory", path);
		free(s);
		return IAM_ERR_MEMORY;
	}
	if ((r = open_db(s, create, why)) != 0)
		store_close(s);
	else
		*ret = s;
	return r;
}

void
store_close(struct store *s)
{
	size_t i;

	if (s == NULL)
		return;
	store_rollback(s);
	for (i = 0; i < STORE_STMT_COUNT; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->db);
	explicit_bzero(s->salt, sizeof(s->salt));
	free(s->path);
	free(s);
}

/* ---- transactions ---- */

static int
read_revision(struct store *s, uint64_t *ret)
{
	sqlite3_stmt *st;
	int rc, r;

	if ((st = store_stmt(s, STMT_REVISION, &r)) == NULL)
		return r;
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_reset(st);
	return store_err(rc);
}

int
store_read_revision(struct store *s, uint64_t *ret)
{
	if (s->writing && s->changed) {
		*ret = s->revision;
		return 0;
	}
	return read_revision(s, ret);
}

uint64_t
store_revision(struct store *s)
{
	uint64_t revision;

	return store_read_revision(s, &revision) == 0 ? revision : 0;
}

int
store_begin(struct store *s)
{
	int r;

	if (s->writing || !sqlite3_get_autocommit(s->db))
		return IAM_ERR_ARG;
	if ((r = store_run(s, STMT_BEGIN)) != 0)
		return r;
	s->writing = true;
	s->changed = false;
	s->failed = 0;
	if ((r = read_revision(s, &s->revision)) != 0)
		store_rollback(s);
	s->revision++;
	return r;
}

int
store_begin_read(struct store *s)
{
	if (s->writing || !sqlite3_get_autocommit(s->db))
		return IAM_ERR_ARG;
	return store_run(s, STMT_BEGIN_READ);
}

/*
 * Its row comes before whatever refers to it: with references that wait for it,
 * SQLite would look through all documents and the whole history for them.
 */
static int
add_revision(struct store *s)
{
	sqlite3_stmt *st;
	int r;

	if (s->changed)
		return 0;
	if ((st = store_stmt(s, STMT_REVISION_ADD, &r)) == NULL)
		return r;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)s->revision);
	s->changed = true;
	return store_step(st);
}

static int
set_revision(struct store *s, const char *who, const char *what)
{
	sqlite3_stmt *st;
	int r;

	if ((st = store_stmt(s, STMT_REVISION_SET, &r)) == NULL)
		return r;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)s->revision);
	sqlite3_bind_text(st, 2, who, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, what, -1, SQLITE_STATIC);
	return store_step(st);
}

/*
 * May this transaction go on? Not once a part of it has failed, and not when
 * SQLite has given it up by itself (disk full): what followed would be on its own.
 */
static int
transaction_ok(const struct store *s)
{
	if (!s->writing)
		return IAM_ERR_ARG;
	if (s->failed != 0)
		return s->failed;
	return sqlite3_get_autocommit(s->db) ? IAM_ERR_IO : 0;
}

int
store_commit(struct store *s, const char *who, const char *what,
    uint64_t *ret_revision)
{
	uint64_t revision = s->changed ? s->revision : s->revision - 1;
	int r;

	if (!s->writing)
		return IAM_ERR_ARG;
	if ((r = transaction_ok(s)) != 0 ||
	    (s->changed && (r = set_revision(s, who, what)) != 0) ||
	    (r = store_run(s, STMT_COMMIT)) != 0) {
		store_rollback(s);
		return r;
	}
	s->writing = s->changed = false;
	if (ret_revision != NULL)
		*ret_revision = revision;
	return 0;
}

void
store_rollback(struct store *s)
{
	if (s->db != NULL && !sqlite3_get_autocommit(s->db))
		store_run(s, STMT_ROLLBACK);
	s->writing = s->changed = false;
}

/* ---- reading ---- */

static bool
key_ok(const char *key)
{
	size_t i;

	for (i = 0; key[i] != '\0'; i++) {
		if (i == STORE_KEY_MAX || key[i] < 0x21 || key[i] > 0x7e)
			return false;
	}
	return i > 0;
}

int
store_take_row(sqlite3_stmt *st, char **ret_key, json_t **ret_doc)
{
	const char *key = (const char *)sqlite3_column_text(st, 0);
	const char *text = (const char *)sqlite3_column_text(st, 1);
	size_t len = (size_t)sqlite3_column_bytes(st, 1);
	json_error_t e;
	json_t *doc;

	if (key == NULL || text == NULL)
		return IAM_ERR_MEMORY;
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (doc == NULL) /* jansson has a text for all but short memory */
		return e.text[0] == '\0' ? IAM_ERR_MEMORY : IAM_ERR_FORMAT;
	if (ret_key != NULL && (*ret_key = strdup(key)) == NULL) {
		json_decref(doc);
		return IAM_ERR_MEMORY;
	}
	*ret_doc = doc;
	return 0;
}

int
store_get(struct store *s, const char *key, json_t **ret)
{
	sqlite3_stmt *st;
	int rc, r;

	if ((st = store_stmt(s, STMT_GET, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		r = store_take_row(st, NULL, ret);
	else if ((r = store_err(rc)) == 0)
		*ret = NULL;
	sqlite3_reset(st);
	return r;
}

/*
 * The first key that does not start with prefix any more. Keys compare in
 * lower case, so the last character has to go up in lower case.
 */
void
store_prefix_end(const char *prefix, char ret[STORE_KEY_MAX + 1])
{
	size_t len = strnlen(prefix, STORE_KEY_MAX);
	char last;

	memcpy(ret, prefix, len);
	ret[len] = '\0';
	if (len == 0) {
		ret[0] = 0x7f;
		ret[1] = '\0';
		return;
	}
	last = ret[len - 1];
	if (last >= 'A' && last <= 'Z')
		last += 'a' - 'A';
	/* '@' is followed by letters, which compare as lower case. */
	ret[len - 1] = last == '@' ? '[' : last + 1;
}

/* The first document of the query behind key, or with STMT_FIRST from it on;
 * *ret_key NULL: none. */
static int
next_row(struct store *s, enum store_stmt which, const struct store_query *q,
    const char *key, char **ret_key, json_t **ret_doc)
{
	char end[STORE_KEY_MAX + 1];
	sqlite3_stmt *st;
	int rc, r;

	*ret_key = NULL;
	if ((st = store_stmt(s, which, &r)) == NULL)
		return r;
	store_prefix_end(q->prefix, end);
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, end, -1, SQLITE_STATIC);
	if (which == STMT_NEXT_WITH) {
		sqlite3_bind_text(st, 3, q->member, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 4, q->value, -1, SQLITE_STATIC);
	}
	rc = sqlite3_step(st);
	r = rc == SQLITE_ROW ? store_take_row(st, ret_key, ret_doc) : store_err(rc);
	sqlite3_reset(st);
	return r;
}

/* By key and not by an open cursor: the visitor may change what it visits. */
int
store_find(struct store *s, const struct store_query *q, store_visit *visit,
    void *arg)
{
	enum store_stmt which = q->member != NULL ? STMT_NEXT_WITH : STMT_NEXT;
	char first[2 * STORE_KEY_MAX + 1], *key, *next;
	json_t *doc;
	int r;

	snprintf(first, sizeof(first), "%s%s", q->prefix,
	    q->after != NULL ? q->after : "");
	r = next_row(s, q->member == NULL && q->after == NULL ? STMT_FIRST : which,
	    q, first, &key, &doc);
	while (r == 0 && key != NULL) {
		r = visit(arg, key, doc);
		json_decref(doc);
		next = NULL;
		if (r == 0)
			r = next_row(s, which, q, key, &next, &doc);
		free(key);
		key = next;
	}
	return r;
}

int
store_each(struct store *s, const char *prefix, store_visit *visit, void *arg)
{
	const struct store_query q = { .prefix = prefix };

	return store_find(s, &q, visit, arg);
}

static int
take_count(sqlite3_stmt *st, uint64_t *ret)
{
	int rc;

	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_reset(st);
	return store_err(rc);
}

int
store_count_with(struct store *s, const char *member, const char *value,
    uint64_t *ret)
{
	sqlite3_stmt *st;
	int r;

	if ((st = store_stmt(s, value != NULL ? STMT_COUNT_WITH :
	    STMT_COUNT_WITH_ANY, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, member, -1, SQLITE_STATIC);
	if (value != NULL)
		sqlite3_bind_text(st, 2, value, -1, SQLITE_STATIC);
	return take_count(st, ret);
}

int
store_count(struct store *s, const char *prefix, uint64_t *ret)
{
	char end[STORE_KEY_MAX + 1];
	sqlite3_stmt *st;
	int r;

	store_prefix_end(prefix, end);
	if ((st = store_stmt(s, STMT_COUNT, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, prefix, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, end, -1, SQLITE_STATIC);
	return take_count(st, ret);
}

/* ---- writing ---- */

static int
put_row(struct store *s, const char *key, const char *text)
{
	sqlite3_stmt *st;
	int i, r;

	for (i = 0; i < 2; i++) {
		st = store_stmt(s, i == 0 ? STMT_UPDATE : STMT_INSERT, &r);
		if (st == NULL)
			return r;
		sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 2, (sqlite3_int64)s->revision);
		sqlite3_bind_text(st, 3, text, -1, SQLITE_STATIC);
		if ((r = store_step(st)) != 0 || sqlite3_changes(s->db) != 0)
			return r;
	}
	return IAM_ERR_BUG;
}

static int
add_id(struct store *s, sqlite3_int64 id)
{
	sqlite3_stmt *st;
	int r;

	if ((st = store_stmt(s, STMT_ID_ADD, &r)) == NULL)
		return r;
	sqlite3_bind_int64(st, 1, id);
	return store_step(st);
}

/* Ids that come with a document (import) are used up as well (S26). */
static int
note_ids(struct store *s, const char *key, const json_t *doc)
{
	static const char *const members[] = { "Uid", "Gid", "SubordinateIdStart" };
	static const uint32_t to_last[] = { 0, 0, IAM_SUBID_COUNT - 1 };
	const json_t *id;
	size_t i;
	int r = 0;

	if (sqlite3_strnicmp(key, "users/", 6) != 0 &&
	    sqlite3_strnicmp(key, "groups/", 7) != 0 &&
	    sqlite3_strnicmp(key, "roles/", 6) != 0)
		return 0;
	for (i = 0; i < IAM_COUNT(members) && r == 0; i++) {
		id = json_object_get(doc, members[i]);
		if (json_is_integer(id))
			r = add_id(s, json_integer_value(id) + to_last[i]);
	}
	return r;
}

/* What a change finds under its key. */
struct former {
	bool same;    /* this very text */
	bool damaged; /* no document can be read from it */
	json_t *doc;  /* else; NULL: nothing is there */
};

static int
read_former(struct store *s, const char *key, const char *text,
    struct former *ret)
{
	const char *old;
	sqlite3_stmt *st;
	int rc, r;

	*ret = (struct former){ 0 };
	if ((st = store_stmt(s, STMT_GET, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		old = (const char *)sqlite3_column_text(st, 1);
		ret->same = text != NULL && old != NULL && strcmp(old, text) == 0;
		r = ret->same ? 0 : store_take_row(st, NULL, &ret->doc);
		if (r == IAM_ERR_FORMAT) {
			ret->damaged = true;
			r = 0;
		}
	} else
		r = store_err(rc);
	sqlite3_reset(st);
	return r;
}

/* What follows from another document under the key: ids, index, history. */
static int
note_change(struct store *s, const char *key, const struct former *former,
    const json_t *doc)
{
	int r;

	if (former->damaged && (r = store_reference_clear(s, key)) != 0)
		return r;
	if ((r = store_reference_change(s, key, former->doc, doc)) != 0 ||
	    (doc != NULL && (r = note_ids(s, key, doc)) != 0))
		return r;
	return store_history_add(s, key, doc);
}

int
store_put(struct store *s, const char *key, const json_t *doc)
{
	struct former former = { 0 };
	char *text = NULL;
	int r;

	if ((r = transaction_ok(s)) != 0)
		return r;
	if (!key_ok(key) || !json_is_object(doc))
		return IAM_ERR_ARG;
	if ((text = json_dumps(doc, JSON_SORT_KEYS | JSON_COMPACT)) == NULL)
		return IAM_ERR_MEMORY;
	if (strlen(text) > STORE_DOCUMENT_MAX) {
		r = IAM_ERR_LIMIT;
		goto out;
	}
	if ((r = read_former(s, key, text, &former)) != 0 || former.same)
		goto out;
	if ((r = add_revision(s)) != 0 || (r = put_row(s, key, text)) != 0 ||
	    (r = note_change(s, key, &former, doc)) != 0)
		s->failed = r;
out:
	json_decref(former.doc);
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	return r;
}

int
store_delete(struct store *s, const char *key, bool *ret_was)
{
	struct former former;
	sqlite3_stmt *st;
	bool was = false;
	int r;

	if ((r = transaction_ok(s)) != 0 ||
	    (r = read_former(s, key, NULL, &former)) != 0)
		return r;
	if ((st = store_stmt(s, STMT_DELETE, &r)) != NULL) {
		sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
		r = store_step(st);
	}
	if (r == 0 && (was = sqlite3_changes(s->db) != 0) &&
	    (r = add_revision(s)) == 0)
		r = note_change(s, key, &former, NULL);
	json_decref(former.doc);
	if (r != 0)
		s->failed = r;
	else if (ret_was != NULL)
		*ret_was = was;
	return r;
}

/* The id that one of the two statements finds; 0: none. */
static int
find_id(struct store *s, enum store_stmt which, uint32_t min, uint32_t max,
    uint64_t *ret)
{
	sqlite3_stmt *st;
	int rc, r;

	*ret = 0;
	if ((st = store_stmt(s, which, &r)) == NULL)
		return r;
	sqlite3_bind_int64(st, 1, min);
	sqlite3_bind_int64(st, 2, max);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		*ret = (uint64_t)sqlite3_column_int64(st, 0); /* null: 0 */
		rc = SQLITE_DONE;
	}
	sqlite3_reset(st);
	return store_err(rc);
}

static int
is_used(struct store *s, uint32_t id, bool *ret)
{
	uint64_t last;
	int r = find_id(s, STMT_ID_LAST, id, id, &last);

	*ret = last != 0;
	return r;
}

int
store_next_id(struct store *s, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t next;
	bool used;
	int r;

	if ((r = transaction_ok(s)) != 0)
		return r;
	if (min == 0 || min > max)
		return IAM_ERR_ARG;
	if ((r = find_id(s, STMT_ID_LAST, min, max, &next)) != 0)
		return r;
	next = next == 0 ? min : next + 1;
	if (next > max && (r = is_used(s, min, &used)) == 0) {
		next = min;
		if (used)
			r = find_id(s, STMT_ID_GAP, min, max, &next);
	}
	if (r != 0)
		return r;
	if (next == 0)
		return IAM_ERR_LIMIT;
	if ((r = add_id(s, (sqlite3_int64)next)) != 0)
		s->failed = r;
	else
		*ret = (uint32_t)next;
	return r;
}

/* A range is used up by its last id. */
int
store_next_ids(struct store *s, uint32_t min, uint32_t max, uint32_t count,
    uint32_t *ret)
{
	uint64_t last, next = min;
	int r;

	if ((r = transaction_ok(s)) != 0)
		return r;
	if (min == 0 || min > max || count == 0 || min % count != 0)
		return IAM_ERR_ARG;
	if ((r = find_id(s, STMT_ID_LAST, min, max, &last)) != 0)
		return r;
	if (last != 0)
		next = (last + count) / count * count;
	if (next + count - 1 > max)
		return IAM_ERR_LIMIT;
	if ((r = add_id(s, (sqlite3_int64)(next + count - 1))) != 0)
		s->failed = r;
	else
		*ret = (uint32_t)next;
	return r;
}

/* ---- for doctor ---- */

static int
check_row(void *arg, int n, char **values, char **names)
{
	struct iam_why *why = arg;

	(void)names;
	if (n == 1 && values[0] != NULL && strcmp(values[0], "ok") == 0)
		return 0;
	iam_why_set(why, 0, 0, "%s", n == 1 && values[0] != NULL ? values[0] :
	    "a reference leads nowhere");
	return 1;
}

int
store_check(struct store *s, struct iam_why *why)
{
	int rc;

	rc = sqlite3_exec(s->db, "PRAGMA integrity_check(1);"
	    "PRAGMA foreign_key_check", check_row, why, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, store_schema_check, check_row, why, NULL);
	return rc == SQLITE_ABORT ? IAM_ERR_FORMAT : store_err(rc);
}
