#include "common/base/base.h"

#include "common/store/internal.h"

/*
 * What reference.c writes, read from all documents at once: for a store that has
 * no index yet, and to check the one that it has. Damaged text names nothing.
 */
#define MEMBERS "document AS d," \
	"  json_each(iif(json_valid(d.document), d.document, '{}')) AS m"
#define REFERENCES_OF_DOCUMENTS \
	"SELECT m.key AS member, CAST(m.value AS TEXT) COLLATE NOCASE AS value," \
	"  d.key AS key FROM " MEMBERS \
	"  WHERE m.type IN ('text', 'integer', 'true', 'false') AND (m.key IN" \
	"    ('Adopted', 'PermissionsBoundary', 'Uid', 'UnixName')" \
	"    OR m.key = 'UserName' AND d.key LIKE 'mfa/%') " \
	"UNION SELECT m.key, CAST(v.value AS TEXT) COLLATE NOCASE, d.key FROM " MEMBERS "," \
	"  json_each(iif(m.type = 'array', m.value, '[]')) AS v" \
	"  WHERE m.key IN ('AttachedPolicies', 'Groups') AND v.type = 'text'"

/*
 * One entry a version, never changed once released: docs/store-format.md.
 */
const char *const store_schema[] = {
	"CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
	"INSERT INTO secret VALUES ('history-salt', randomblob(32));"
	"CREATE TABLE revision ("
	"  revision INTEGER PRIMARY KEY,"
	"  time INTEGER NOT NULL,"
	"  who TEXT NOT NULL,"
	"  what TEXT NOT NULL) STRICT;"
	"CREATE TABLE document ("
	"  key TEXT PRIMARY KEY COLLATE NOCASE,"
	"  revision INTEGER NOT NULL"
	"    REFERENCES revision DEFERRABLE INITIALLY DEFERRED,"
	"  document TEXT NOT NULL) STRICT;"
	"CREATE TABLE history ("
	"  id INTEGER PRIMARY KEY,"
	"  revision INTEGER NOT NULL"
	"    REFERENCES revision DEFERRABLE INITIALLY DEFERRED,"
	"  key TEXT NOT NULL COLLATE NOCASE,"
	"  document TEXT) STRICT;"
	"CREATE INDEX history_key ON history (key, id);"
	"CREATE TABLE used_id (id INTEGER PRIMARY KEY) STRICT;",

	"CREATE TABLE reference ("
	"  member TEXT NOT NULL,"
	"  value TEXT NOT NULL COLLATE NOCASE,"
	"  key TEXT NOT NULL COLLATE NOCASE,"
	"  PRIMARY KEY (member, value, key)) STRICT, WITHOUT ROWID;"
	"INSERT OR IGNORE INTO reference " REFERENCES_OF_DOCUMENTS ";"
};
const char *const store_schema_check =
	"SELECT 'the index of documents misses or has too much: ' || key FROM ("
	"  SELECT * FROM (SELECT * FROM (" REFERENCES_OF_DOCUMENTS ")"
	"    EXCEPT SELECT * FROM reference) UNION ALL"
	"  SELECT * FROM (SELECT * FROM reference EXCEPT"
	"    SELECT * FROM (" REFERENCES_OF_DOCUMENTS "))) LIMIT 1";
const int store_schema_version = IAM_COUNT(store_schema);

static int
pragma_int(sqlite3 *db, const char *sql, int *ret)
{
	sqlite3_stmt *st = NULL;
	int rc;

	*ret = 0;
	rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*ret = sqlite3_column_int(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return store_err(rc);
}

/* Ours, or nobody's yet: an empty file has neither id nor version. */
static int
schema_state(sqlite3 *db, int *ret_version)
{
	int id, version, r;

	if ((r = pragma_int(db, "PRAGMA application_id", &id)) != 0 ||
	    (r = pragma_int(db, "PRAGMA user_version", &version)) != 0)
		return r;
	if ((id != STORE_APPLICATION_ID && (id != 0 || version != 0)) ||
	    version < 0)
		return IAM_ERR_FORMAT;
	*ret_version = version;
	return 0;
}

static int
schema_steps(sqlite3 *db, const char *const *steps, int from, int to)
{
	char marks[96];
	int i, rc = SQLITE_OK;

	for (i = from; i < to && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return store_err(rc);
	snprintf(marks, sizeof(marks),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    STORE_APPLICATION_ID, to);
	return store_err(sqlite3_exec(db, marks, NULL, NULL, NULL));
}

int
store_migrate(sqlite3 *db, const char *const *steps, int count, bool create)
{
	int version, r;

	if ((r = schema_state(db, &version)) != 0)
		return r;
	if (version > count)
		return IAM_ERR_VERSION;
	if (version == 0 && !create)
		return IAM_ERR_ABSENT;
	if (version == count)
		return 0;
	r = store_err(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	if (r != 0)
		return r;
	/* Once more, with the lock: another process may have been first. */
	if ((r = schema_state(db, &version)) == 0 && version > count)
		r = IAM_ERR_VERSION;
	if (r == 0 && version < count)
		r = schema_steps(db, steps, version, count);
	if (r == 0)
		r = store_err(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
	if (r != 0)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}
