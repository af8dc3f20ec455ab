#include "tests/unit/store_fixture.h"

#include <errno.h>
#include <fcntl.h>

#include "common/store/internal.h"

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fix_setup(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fix_teardown(*state);
	free(*state);
	return 0;
}

static void
reopen(struct fix *f)
{
	store_close(f->store);
	f->store = NULL;
	fix_open(f, false);
}

static int
open_fails(struct fix *f, struct iam_why *why)
{
	struct store *s = NULL;
	int r;

	memset(why, 0, sizeof(*why));
	r = store_open(f->path[0], false, &s, why);
	assert_int_not_equal(r, 0);
	assert_null(s);
	assert_true(why->text[0] != '\0');
	return r;
}

static void
exec(struct fix *f, const char *sql)
{
	if (sqlite3_exec(f->store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(f->store->db));
}

/* ---- opening ---- */

static void
test_store_open__only_files_to_be_trusted(void **state)
{
	struct fix *f = *state;
	struct iam_why why;
	char aside[128];

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(chmod(f->path[0], 0640), 0);
	assert_int_equal(open_fails(f, &why), IAM_ERR_UNSAFE);
	assert_int_equal(chmod(f->path[0], 0600), 0);
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_int_equal(open_fails(f, &why), IAM_ERR_UNSAFE);
	assert_int_equal(chmod(f->dir, 0700), 0);
	snprintf(aside, sizeof(aside), "%s/aside", f->dir);
	assert_int_equal(rename(f->path[0], aside), 0);
	assert_int_equal(open_fails(f, &why), IAM_ERR_ABSENT);
	assert_int_equal(symlink(aside, f->path[0]), 0);
	assert_int_equal(open_fails(f, &why), IAM_ERR_UNSAFE);
	assert_int_equal(unlink(f->path[0]), 0);
	assert_int_equal(mkfifo(f->path[0], 0600), 0);
	assert_int_equal(open_fails(f, &why), IAM_ERR_UNSAFE);
}

static void
test_store_open__only_stores_of_a_known_version(void **state)
{
	struct fix *f = *state;
	struct iam_why why;

	exec(f, "PRAGMA user_version = 99");
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(open_fails(f, &why), IAM_ERR_VERSION);
	assert_non_null(strstr(why.text, "newer"));
	fix_file(f->path[0], "");
	assert_int_equal(chmod(f->path[0], 0600), 0);
	assert_int_equal(open_fails(f, &why), IAM_ERR_ABSENT);
	fix_file(f->path[0], "This is not a database, it is a text that is long"
	    " enough to have a header where one would look for it.............");
	assert_int_equal(chmod(f->path[0], 0600), 0);
	assert_int_equal(open_fails(f, &why), IAM_ERR_FORMAT);
}

static void
test_store_open__another_programs_database_is_refused(void **state)
{
	struct fix *f = *state;
	struct iam_why why;

	exec(f, "PRAGMA application_id = 7");
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(open_fails(f, &why), IAM_ERR_FORMAT);
}

static void
test_store_open__settings_of_sqlite(void **state)
{
	static const char *const pragmas[][2] = {
		{ "PRAGMA journal_mode", "wal" },
		{ "PRAGMA synchronous", "2" },
		{ "PRAGMA foreign_keys", "1" },
		{ "PRAGMA trusted_schema", "0" },
		{ "PRAGMA secure_delete", "1" },
	};
	struct fix *f = *state;
	sqlite3_stmt *st;
	struct stat file;
	size_t i;

	for (i = 0; i < IAM_COUNT(pragmas); i++) {
		assert_int_equal(sqlite3_prepare_v2(f->store->db, pragmas[i][0], -1,
		    &st, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		assert_string_equal(sqlite3_column_text(st, 0), pragmas[i][1]);
		sqlite3_finalize(st);
	}
	assert_int_equal(stat(f->path[0], &file), 0);
	assert_int_equal(file.st_mode & 07777, 0600);
}

static void
test_store_migrate__steps_follow_each_other_or_none_is_taken(void **state)
{
	static const char *const steps[] = { "CREATE TABLE a (x)",
		"ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)",
		"INSERT INTO nowhere VALUES (1)" };
	struct fix *f = *state;
	sqlite3 *db;

	(void)f;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(store_migrate(db, steps, 1, false), IAM_ERR_ABSENT);
	assert_int_equal(store_migrate(db, steps, 1, true), 0);
	assert_int_equal(store_migrate(db, steps, 2, false), 0);
	assert_int_equal(store_migrate(db, steps, 2, false), 0);
	assert_int_equal(store_migrate(db, steps, 3, false), IAM_ERR_BUG);
	assert_int_equal(store_migrate(db, steps, 1, false), IAM_ERR_VERSION);
	assert_int_equal(sqlite3_exec(db, "UPDATE a SET y = 3 WHERE x = 1", NULL,
	    NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_close(db);
}

/* ---- documents ---- */

static void
test_store_get__keys_have_no_case_and_keep_it(void **state)
{
	struct fix *f = *state;
	json_t *doc;

	fix_put(f, "users/Sarah", "{\"a\": 1}");
	fix_put(f, "users/SARAH", "{\"a\": 2}");
	assert_int_equal(store_get(f->store, "users/sarah", &doc), 0);
	assert_int_equal(json_integer_value(json_object_get(doc, "a")), 2);
	json_decref(doc);
	assert_int_equal(store_get(f->store, "users/sara", &doc), 0);
	assert_null(doc);
}

struct seen {
	struct store *s;
	unsigned n;
	char keys[8][32];
	bool delete;
};

static int
see(void *arg, const char *key, json_t *doc)
{
	struct seen *seen = arg;

	assert_non_null(doc);
	assert_true(seen->n < IAM_COUNT(seen->keys));
	snprintf(seen->keys[seen->n++], sizeof(seen->keys[0]), "%s", key);
	return seen->delete ? store_delete(seen->s, key, NULL) : 0;
}

static void
test_store_each__a_prefix_in_order_while_it_changes(void **state)
{
	struct fix *f = *state;
	struct seen seen = { .s = f->store };
	uint64_t n;

	fix_put(f, "users/b", "{}");
	fix_put(f, "users/A", "{}");
	fix_put(f, "users/_x", "{}");
	fix_put(f, "users/@x", "{}");
	fix_put(f, "usert", "{}");
	fix_put(f, "mfa/a", "{}");
	assert_int_equal(store_each(f->store, "USERS/", see, &seen), 0);
	assert_int_equal(seen.n, 4);
	assert_string_equal(seen.keys[0], "users/@x");
	assert_string_equal(seen.keys[1], "users/_x");
	assert_string_equal(seen.keys[2], "users/A");
	assert_string_equal(seen.keys[3], "users/b");
	assert_int_equal(store_count(f->store, "users/", &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(store_count(f->store, "users/@", &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_count(f->store, "", &n), 0);
	assert_int_equal(n, 7);
	seen.n = 0;
	assert_int_equal(store_each(f->store, "account", see, &seen), 0);
	assert_int_equal(seen.n, 1);
	seen.n = 0;
	seen.delete = true;
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_each(f->store, "users/", see, &seen), 0);
	assert_int_equal(store_commit(f->store, "w", "d", NULL), 0);
	assert_int_equal(seen.n, 4);
	assert_int_equal(store_count(f->store, "users/", &n), 0);
	assert_int_equal(n, 0);
}

static void
test_store_put__refuses_what_is_no_document(void **state)
{
	struct fix *f = *state;
	json_t *doc = json_object(), *list = json_array();
	char long_key[600];

	memset(long_key, 'k', sizeof(long_key));
	long_key[sizeof(long_key) - 1] = '\0';
	assert_int_equal(store_put(f->store, "a", doc), IAM_ERR_ARG); /* no transaction */
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_begin(f->store), IAM_ERR_ARG);
	assert_int_equal(store_put(f->store, "", doc), IAM_ERR_ARG);
	assert_int_equal(store_put(f->store, "a b", doc), IAM_ERR_ARG);
	assert_int_equal(store_put(f->store, "\xc3\xa9", doc), IAM_ERR_ARG);
	assert_int_equal(store_put(f->store, long_key, doc), IAM_ERR_ARG);
	assert_int_equal(store_put(f->store, "a", list), IAM_ERR_ARG);
	store_rollback(f->store);
	json_decref(doc);
	json_decref(list);
}

/* ---- transactions ---- */

static void
test_store_commit__one_revision_and_none_without_a_change(void **state)
{
	struct fix *f = *state;
	uint64_t before = store_revision(f->store), after;
	json_t *doc = json_pack("{s:i, s:i}", "b", 1, "a", 2);

	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_put(f->store, "x", doc), 0);
	assert_int_equal(store_put(f->store, "y", doc), 0);
	assert_int_equal(store_commit(f->store, "w", "d", &after), 0);
	assert_int_equal(after, before + 1);
	reopen(f);
	assert_int_equal(store_revision(f->store), after);
	json_object_clear(doc);
	json_object_set_new(doc, "a", json_integer(2));
	json_object_set_new(doc, "b", json_integer(1));
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_put(f->store, "x", doc), 0);
	assert_int_equal(store_delete(f->store, "nobody", NULL), 0);
	assert_int_equal(store_commit(f->store, "w", "d", &before), 0);
	assert_int_equal(before, after);
	json_decref(doc);
}

/* Steps of SQLite's machine that one change takes. */
static int
steps_of_a_change(struct store *s, const char *text)
{
	json_t *doc = fix_json(text);
	int steps = 0;
	size_t i;

	for (i = 0; i < STORE_STMT_COUNT; i++)
		if (s->stmt[i] != NULL)
			sqlite3_stmt_status(s->stmt[i], SQLITE_STMTSTATUS_VM_STEP, 1);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_put(s, "users/one", doc), 0);
	assert_int_equal(store_commit(s, "arn:root", "Test", NULL), 0);
	json_decref(doc);
	for (i = 0; i < STORE_STMT_COUNT; i++)
		if (s->stmt[i] != NULL)
			steps += sqlite3_stmt_status(s->stmt[i],
			    SQLITE_STMTSTATUS_VM_STEP, 0);
	return steps;
}

static void
test_store_commit__costs_the_same_in_a_large_store(void **state)
{
	struct fix *f = *state;
	int few, many, i;
	char key[32];

	fix_put(f, "users/one", "{\"n\": 1}");
	few = steps_of_a_change(f->store, "{\"n\": 2}");
	assert_int_equal(store_begin(f->store), 0);
	for (i = 0; i < 1000; i++) {
		json_t *doc = json_pack("{s:i}", "n", i);

		snprintf(key, sizeof(key), "users/u%d", i);
		assert_int_equal(store_put(f->store, key, doc), 0);
		json_decref(doc);
	}
	assert_int_equal(store_commit(f->store, "arn:root", "Test", NULL), 0);
	many = steps_of_a_change(f->store, "{\"n\": 3}");
	if (many > few + 20)
		fail_msg("%d steps, and %d with a few documents", many, few);
}

static void
test_store_rollback__nothing_stays(void **state)
{
	struct fix *f = *state;
	uint64_t before = store_revision(f->store);
	json_t *doc = json_object(), *got;
	uint32_t id, again;

	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_put(f->store, "x", doc), 0);
	assert_int_equal(store_next_id(f->store, 10, 20, &id), 0);
	store_rollback(f->store);
	assert_int_equal(store_revision(f->store), before);
	assert_int_equal(store_get(f->store, "x", &got), 0);
	assert_null(got);
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_next_id(f->store, 10, 20, &again), 0);
	assert_int_equal(id, again);
	store_rollback(f->store);
	json_decref(doc);
}

static void
test_store_commit__not_after_a_part_has_failed(void **state)
{
	struct fix *f = *state;
	json_t *doc = json_object(), *got;

	exec(f, "CREATE TRIGGER full BEFORE INSERT ON history"
	    " WHEN new.key = 'bad' BEGIN SELECT raise(ABORT, 'x'); END");
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_put(f->store, "good", doc), 0);
	assert_int_not_equal(store_put(f->store, "bad", doc), 0);
	assert_int_not_equal(store_put(f->store, "more", doc), 0);
	assert_int_not_equal(store_commit(f->store, "w", "d", NULL), 0);
	assert_int_equal(store_get(f->store, "good", &got), 0);
	assert_null(got);
	json_decref(doc);
}

/* SQLite gives a transaction up by itself when the disk is full. */
static void
test_store_put__not_outside_a_transaction_that_was_given_up(void **state)
{
	struct fix *f = *state;
	json_t *doc = json_object(), *got;

	exec(f, "CREATE TRIGGER full BEFORE INSERT ON history"
	    " WHEN new.key = 'bad' BEGIN SELECT raise(ROLLBACK, 'x'); END");
	assert_int_equal(store_begin(f->store), 0);
	assert_int_not_equal(store_put(f->store, "bad", doc), 0);
	assert_int_not_equal(store_put(f->store, "more", doc), 0);
	assert_int_not_equal(store_delete(f->store, "account", NULL), 0);
	assert_int_not_equal(store_commit(f->store, "w", "d", NULL), 0);
	/* The same when it was a read that made SQLite do so. */
	assert_int_equal(store_begin(f->store), 0);
	exec(f, "ROLLBACK");
	assert_int_equal(store_put(f->store, "more", doc), IAM_ERR_IO);
	assert_int_equal(store_commit(f->store, "w", "d", NULL), IAM_ERR_IO);
	assert_int_equal(store_get(f->store, "more", &got), 0);
	assert_null(got);
	assert_int_equal(store_get(f->store, "account", &got), 0);
	assert_non_null(got);
	json_decref(got);
	json_decref(doc);
}

static void
test_store_begin__a_reader_keeps_its_revision(void **state)
{
	struct fix *f = *state;
	struct store *other;
	uint64_t before = store_revision(f->store), seen;

	assert_int_equal(store_open(f->path[0], false, &other, NULL), 0);
	assert_int_equal(store_begin_read(other), 0);
	assert_int_equal(store_read_revision(other, &seen), 0);
	fix_put(f, "x", "{}");
	assert_int_equal(store_read_revision(other, &seen), 0);
	assert_int_equal(seen, before);
	store_rollback(other);
	assert_int_equal(store_revision(other), before + 1);
	store_close(other);
}

/* ---- ids ---- */

static void
test_store_next_id__S26_never_twice(void **state)
{
	struct fix *f = *state;
	uint32_t id;

	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_next_id(f->store, 100, 104, &id), 0);
	assert_int_equal(id, 100);
	assert_int_equal(store_commit(f->store, "w", "d", NULL), 0);
	fix_put(f, "users/a", "{\"Uid\": 101, \"Gid\": 102}");
	fix_put(f, "other/a", "{\"Uid\": 103}");
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_delete(f->store, "users/a", NULL), 0);
	assert_int_equal(store_commit(f->store, "w", "d", NULL), 0);
	reopen(f);
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_next_id(f->store, 100, 104, &id), 0);
	assert_int_equal(id, 103);
	assert_int_equal(store_next_id(f->store, 100, 104, &id), 0);
	assert_int_equal(id, 104);
	assert_int_equal(store_next_id(f->store, 100, 104, &id), IAM_ERR_LIMIT);
	/* Another range is another matter. */
	assert_int_equal(store_next_id(f->store, 50, 60, &id), 0);
	assert_int_equal(id, 50);
	assert_int_equal(store_next_id(f->store, 0, 60, &id), IAM_ERR_ARG);
	assert_int_equal(store_commit(f->store, "w", "d", NULL), 0);
}

static void
test_store_next_ids__S26_whole_ranges_never_twice(void **state)
{
	struct fix *f = *state;
	uint32_t id;

	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_next_ids(f->store, 65536, 327679, 65536, &id), 0);
	assert_int_equal(id, 65536);
	/* A range that is begun is not given. */
	assert_int_equal(store_next_id(f->store, 131073, 131073, &id), 0);
	assert_int_equal(store_next_ids(f->store, 65536, 327679, 65536, &id), 0);
	assert_int_equal(id, 196608);
	assert_int_equal(store_commit(f->store, "w", "d", NULL), 0);
	fix_put(f, "users/a", "{\"SubordinateIdStart\": 262144}");
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_delete(f->store, "users/a", NULL), 0);
	assert_int_equal(store_next_ids(f->store, 65536, 327679, 65536, &id),
	    IAM_ERR_LIMIT);
	/* Nor one that does not fit. */
	assert_int_equal(store_next_ids(f->store, 65536, 390000, 65536, &id),
	    IAM_ERR_LIMIT);
	assert_int_equal(store_next_ids(f->store, 65537, 400000, 65536, &id),
	    IAM_ERR_ARG);
	assert_int_equal(store_next_ids(f->store, 65536, 400000, 0, &id),
	    IAM_ERR_ARG);
	store_rollback(f->store);
}

#define NAMES 100000u

/* A user document with the next id; the id is stored, not computed from the name. */
static uint32_t
new_user(struct fix *f, unsigned i)
{
	char key[32];
	uint32_t id;
	json_t *doc;

	snprintf(key, sizeof(key), "users/n%u", (unsigned)(i * 7919u % NAMES));
	assert_int_equal(store_next_id(f->store, IAM_ID_MIN_DEFAULT,
	    IAM_ID_MAX_DEFAULT, &id), 0);
	assert_in_range(id, IAM_ID_MIN_DEFAULT, IAM_ID_MAX_DEFAULT);
	doc = json_pack("{s:i, s:i}", "Uid", id, "Gid", id);
	assert_int_equal(store_put(f->store, key, doc), 0);
	json_decref(doc);
	return id;
}

/* Over a hundred thousand names, a tenth of which go and come again. */
static void
test_store_next_id__S26_a_hundred_thousand_names(void **state)
{
	struct fix *f = *state;
	uint8_t *used = calloc(1, 2 * NAMES);
	unsigned i, again = 0;
	uint32_t id;
	char key[32];

	assert_non_null(used);
	assert_int_equal(store_begin(f->store), 0);
	for (i = 0; i < NAMES; i++) {
		id = new_user(f, i) - IAM_ID_MIN_DEFAULT;
		assert_true(id < 2 * NAMES && used[id] == 0);
		used[id] = 1;
	}
	for (i = 0; i < NAMES; i += 10) {
		snprintf(key, sizeof(key), "users/n%u",
		    (unsigned)(i * 7919u % NAMES));
		assert_int_equal(store_delete(f->store, key, NULL), 0);
	}
	assert_int_equal(store_commit(f->store, "arn:root", "Test", NULL), 0);
	assert_int_equal(store_begin(f->store), 0);
	for (i = 0; i < NAMES; i += 10, again++) {
		id = new_user(f, i) - IAM_ID_MIN_DEFAULT;
		assert_true(id < 2 * NAMES && used[id] == 0);
		used[id] = 1;
	}
	assert_int_equal(again, NAMES / 10);
	assert_int_equal(store_commit(f->store, "arn:root", "Test", NULL), 0);
	free(used);
}

static void
test_store_next_id__gaps_when_the_highest_was_claimed(void **state)
{
	struct fix *f = *state;
	uint32_t id, want;

	fix_put(f, "users/a", "{\"Uid\": 104, \"Gid\": 102}");
	assert_int_equal(store_begin(f->store), 0);
	for (want = 100; want <= 103; want++) {
		if (want == 102)
			continue;
		assert_int_equal(store_next_id(f->store, 100, 104, &id), 0);
		assert_int_equal(id, want);
	}
	assert_int_equal(store_next_id(f->store, 100, 104, &id), IAM_ERR_LIMIT);
	assert_int_equal(store_next_id(f->store, 104, 104, &id), IAM_ERR_LIMIT);
	assert_int_equal(store_commit(f->store, "w", "d", NULL), 0);
}

/* ---- history ---- */

struct entries {
	unsigned n;
	json_t *v[8];
};

static int
keep(void *arg, const char *key, json_t *doc)
{
	struct entries *e = arg;

	(void)key;
	assert_true(e->n < IAM_COUNT(e->v));
	e->v[e->n++] = json_incref(doc);
	return 0;
}

static const char *
hash_of(json_t *entry)
{
	return json_string_value(json_object_get(json_object_get(
	    json_object_get(entry, "document"), "LoginProfile"), "PasswordHash"));
}

static void
test_store_history__newest_first_without_secrets(void **state)
{
	struct fix *f = *state;
	struct entries e = { 0 };
	unsigned i;

	fix_put(f, "users/A", "{\"n\": 1, \"LoginProfile\": {\"PasswordHash\": \"$y$1\"}}");
	fix_put(f, "users/A", "{\"n\": 2, \"LoginProfile\": {\"PasswordHash\": \"$y$1\"}}");
	fix_put(f, "users/A", "{\"n\": 2, \"LoginProfile\": {\"PasswordHash\": \"$y$2\"}}");
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_delete(f->store, "users/a", NULL), 0);
	assert_int_equal(store_commit(f->store, "arn:x", "DeleteUser", NULL), 0);
	fix_put(f, "mfa/A", "{\"SealedSeed\": \"secret\", \"l\": [{\"SealedSeed\": 5}]}");
	assert_int_equal(store_history(f->store, "users/a", keep, &e), 0);
	assert_int_equal(e.n, 4);
	assert_true(json_is_null(json_object_get(e.v[0], "document")));
	assert_string_equal(json_string_value(json_object_get(e.v[0], "what")),
	    "DeleteUser");
	assert_string_equal(json_string_value(json_object_get(e.v[0], "who")),
	    "arn:x");
	assert_int_equal(strlen(json_string_value(json_object_get(e.v[0],
	    "time"))), 20);
	/* Equal secrets look equal, others do not, and none can be read. */
	assert_memory_equal(hash_of(e.v[1]), "digest:", 7);
	assert_string_equal(hash_of(e.v[2]), hash_of(e.v[3]));
	assert_string_not_equal(hash_of(e.v[1]), hash_of(e.v[2]));
	for (i = 0; i < e.n; i++)
		json_decref(e.v[i]);
	exec(f, "CREATE TEMP TABLE found AS SELECT * FROM history"
	    " WHERE instr(document, '$y$') OR instr(document, 'secret')"
	    " OR instr(document, 'Seed\":5')");
	assert_int_equal(sqlite3_exec(f->store->db, "DELETE FROM found", NULL, NULL,
	    NULL), SQLITE_OK);
	assert_int_equal(sqlite3_changes(f->store->db), 0);
}

static void
test_store_check__finds_damage(void **state)
{
	struct fix *f = *state;
	struct iam_why why;
	uint8_t bad[512];
	int fd;

	memset(bad, 0xa5, sizeof(bad));
	assert_int_equal(store_check(f->store, &why), 0);
	store_close(f->store);
	f->store = NULL;
	assert_true((fd = open(f->path[0], O_WRONLY | O_CLOEXEC)) >= 0);
	/* The pages behind the schema: 4096 bytes each. */
	assert_int_equal(pwrite(fd, bad, sizeof(bad), 3 * 4096), sizeof(bad));
	close(fd);
	fix_open(f, false);
	assert_int_equal(store_check(f->store, &why), IAM_ERR_FORMAT);
}

/* ---- the index by what documents name ---- */

static int
add_key(void *arg, const char *key, json_t *doc)
{
	(void)doc;
	buf_printf(arg, "%s ", key);
	return 0;
}

/* Keys of the documents that name it, each with a blank behind it. */
static const char *
keys_with(struct fix *f, const char *prefix, const char *member,
    const char *value)
{
	static char text[512];
	struct buf b = BUF_INIT;

	assert_int_equal(store_find(f->store, &(struct store_query){ .prefix = prefix,
	    .member = member, .value = value }, add_key, &b), 0);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_release(&b);
	return text;
}

static const char *
keys_behind(struct fix *f, const char *prefix, const char *group,
    const char *after)
{
	static char text[512];
	struct buf b = BUF_INIT;

	assert_int_equal(store_find(f->store, &(struct store_query){ .prefix = prefix,
	    .after = after, .member = group != NULL ? "Groups" : NULL,
	    .value = group }, add_key, &b), 0);
	snprintf(text, sizeof(text), "%s", buf_cstr(&b));
	buf_release(&b);
	return text;
}

static void
assert_index_whole(struct fix *f)
{
	struct iam_why why = { 0 };

	if (store_check(f->store, &why) != 0)
		fail_msg("%s", why.text);
}

static void
test_store_find__finds_what_documents_name_now(void **state)
{
	struct fix *f = *state;
	uint64_t n;

	fix_put(f, "users/Sarah", "{\"UnixName\":\"sarah\",\"Uid\":2100000001,"
	    "\"UserName\":\"Sarah\",\"Groups\":[\"Devs\",\"ops\"],"
	    "\"AttachedPolicies\":[\"arn:a\"],\"PermissionsBoundary\":\"arn:b\"}");
	fix_put(f, "users/bob", "{\"UnixName\":\"bob\",\"Adopted\":true,"
	    "\"Groups\":[\"devs\"],\"AttachedPolicies\":[]}");
	fix_put(f, "groups/devs", "{\"UnixName\":\"devs\",\"AttachedPolicies\":"
	    "[\"arn:a\"]}");
	fix_put(f, "mfa/phone", "{\"UserName\":\"sarah\"}");
	assert_string_equal(keys_with(f, "users/", "UnixName", "bob"), "users/bob ");
	assert_string_equal(keys_with(f, "users/", "Groups", "DEVS"),
	    "users/bob users/Sarah ");
	assert_string_equal(keys_with(f, "users/", "Uid", "2100000001"),
	    "users/Sarah ");
	assert_string_equal(keys_with(f, "users/", "Adopted", "1"), "users/bob ");
	assert_string_equal(keys_with(f, "mfa/", "UserName", "Sarah"), "mfa/phone ");
	assert_string_equal(keys_with(f, "users/", "UserName", "Sarah"), "");
	assert_string_equal(keys_with(f, "groups/", "AttachedPolicies", "arn:a"),
	    "groups/devs ");
	assert_int_equal(store_count_with(f->store, "AttachedPolicies", "arn:a",
	    &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(store_count_with(f->store, "UserName", NULL, &n), 0);
	assert_int_equal(n, 1);
	assert_index_whole(f);

	fix_put(f, "users/Sarah", "{\"UnixName\":\"sarah2\",\"Groups\":"
	    "[\"DEVS\"]}");
	assert_string_equal(keys_with(f, "users/", "UnixName", "sarah"), "");
	assert_string_equal(keys_with(f, "users/", "UnixName", "sarah2"),
	    "users/Sarah ");
	assert_string_equal(keys_with(f, "users/", "Groups", "ops"), "");
	assert_string_equal(keys_with(f, "users/", "Groups", "devs"),
	    "users/bob users/Sarah ");
	assert_string_equal(keys_with(f, "users/", "PermissionsBoundary", "arn:b"),
	    "");
	assert_index_whole(f);

	assert_string_equal(keys_behind(f, "users/", NULL, "alice"),
	    "users/bob users/Sarah ");
	assert_string_equal(keys_behind(f, "users/", NULL, "BOB"), "users/Sarah ");
	assert_string_equal(keys_behind(f, "users/", "devs", "bob"), "users/Sarah ");
	assert_string_equal(keys_behind(f, "users/", "devs", "sarah"), "");
	assert_int_equal(store_begin(f->store), 0);
	assert_int_equal(store_delete(f->store, "users/SARAH", NULL), 0);
	assert_string_equal(keys_with(f, "users/", "Groups", "devs"), "users/bob ");
	store_rollback(f->store);
	assert_string_equal(keys_with(f, "users/", "Groups", "devs"),
	    "users/bob users/Sarah ");
	assert_index_whole(f);
}

/* SQL as somebody else would run it, on a store that is closed. */
static void
change_file(struct fix *f, const char *sql)
{
	sqlite3 *db;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(sqlite3_open(f->path[0], &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	fix_open(f, false);
}

static void
test_store_open__a_store_without_index_gets_one(void **state)
{
	struct fix *f = *state;

	fix_put(f, "users/sarah", "{\"UnixName\":\"sarah\",\"Uid\":7,"
	    "\"Adopted\":false,\"Groups\":[\"devs\",\"Devs\"]}");
	fix_put(f, "mfa/phone", "{\"UserName\":\"sarah\"}");
	change_file(f, "DROP TABLE reference; PRAGMA user_version = 1");
	assert_string_equal(keys_with(f, "users/", "Groups", "devs"),
	    "users/sarah ");
	assert_string_equal(keys_with(f, "mfa/", "UserName", "sarah"), "mfa/phone ");
	assert_index_whole(f);
}

static void
test_store_put__a_damaged_document_leaves_nothing_in_the_index(void **state)
{
	struct fix *f = *state;

	fix_put(f, "users/sarah", "{\"UnixName\":\"sarah\"}");
	change_file(f, "UPDATE document SET document = '{\"UnixName'");
	fix_put(f, "users/sarah", "{\"UnixName\":\"sally\"}");
	assert_string_equal(keys_with(f, "users/", "UnixName", "sarah"), "");
	assert_string_equal(keys_with(f, "users/", "UnixName", "sally"),
	    "users/sarah ");
	assert_index_whole(f);
}

static unsigned
pick(unsigned n)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13, x ^= x >> 7, x ^= x << 17;
	return (unsigned)(x >> 33) % n;
}

/* A value of any kind; names differ in nothing but case now and then. */
static json_t *
some_value(unsigned depth)
{
	static const char *const names[] = { "a", "A", "b", "B", "1", "0", "1.5",
		"", "\xc3\xa4", "\xc3\x84" };
	unsigned kind = pick(depth == 0 ? 7 : 9), n;
	json_t *v;

	if (kind < 3)
		return json_string(names[pick(IAM_COUNT(names))]);
	if (kind < 7)
		return kind == 3 ? json_integer((json_int_t)pick(3) - 1) :
		    kind == 4 ? json_boolean(pick(2)) :
		    kind == 5 ? json_real(1.5) : json_null();
	if (kind == 8)
		return json_pack("{s:o}", "Groups", some_value(depth - 1));
	v = json_array();
	for (n = pick(4); n > 0; n--)
		json_array_append_new(v, some_value(depth - 1));
	return v;
}

static void
put_some_document(struct fix *f)
{
	static const char *const members[] = { "Adopted", "AttachedPolicies",
		"Groups", "PermissionsBoundary", "Uid", "UnixName", "UserName",
		"Home" };
	static const char *const prefixes[] = { "users/", "groups/", "mfa/", "MFA/" };
	json_t *doc = json_object();
	char key[32];
	size_t i;

	for (i = 0; i < IAM_COUNT(members); i++)
		if (pick(3) != 0)
			json_object_set_new(doc, members[i], some_value(2));
	snprintf(key, sizeof(key), "%s%c", prefixes[pick(4)], "aAbBcC"[pick(6)]);
	if (pick(4) == 0)
		assert_int_equal(store_delete(f->store, key, NULL), 0);
	else
		assert_int_equal(store_put(f->store, key, doc), 0);
	json_decref(doc);
}

/* The index is what the documents say, odd ones as well: kept with each change, and made
 * at once for a store that has none, it is the same. */
static void
test_store_put__the_index_is_what_documents_say(void **state)
{
	struct fix *f = *state;
	unsigned round, n;

	for (round = 0; round < 200; round++) {
		assert_int_equal(store_begin(f->store), 0);
		for (n = 1 + pick(5); n > 0; n--)
			put_some_document(f);
		assert_int_equal(store_commit(f->store, "arn:root", "Test", NULL), 0);
		assert_index_whole(f);
	}
	change_file(f, "DROP TABLE reference; PRAGMA user_version = 1");
	assert_index_whole(f);
}

static void
test_store_check__an_index_that_does_not_fit(void **state)
{
	struct fix *f = *state;
	struct iam_why why;

	fix_put(f, "users/sarah", "{\"UnixName\":\"sarah\"}");
	change_file(f, "DELETE FROM reference");
	assert_int_equal(store_check(f->store, &why), IAM_ERR_FORMAT);
	assert_non_null(strstr(why.text, "users/sarah"));
	change_file(f, "INSERT INTO reference VALUES ('UnixName', 'sarah',"
	    " 'users/sarah'), ('UnixName', 'sarah', 'users/eve')");
	assert_int_equal(store_check(f->store, &why), IAM_ERR_FORMAT);
	assert_non_null(strstr(why.text, "users/eve"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_store_open__only_files_to_be_trusted),
		T(test_store_open__only_stores_of_a_known_version),
		T(test_store_open__another_programs_database_is_refused),
		T(test_store_open__settings_of_sqlite),
		T(test_store_migrate__steps_follow_each_other_or_none_is_taken),
		T(test_store_get__keys_have_no_case_and_keep_it),
		T(test_store_each__a_prefix_in_order_while_it_changes),
		T(test_store_put__refuses_what_is_no_document),
		T(test_store_commit__one_revision_and_none_without_a_change),
		T(test_store_commit__costs_the_same_in_a_large_store),
		T(test_store_rollback__nothing_stays),
		T(test_store_commit__not_after_a_part_has_failed),
		T(test_store_put__not_outside_a_transaction_that_was_given_up),
		T(test_store_begin__a_reader_keeps_its_revision),
		T(test_store_next_id__S26_never_twice),
		T(test_store_next_ids__S26_whole_ranges_never_twice),
		T(test_store_next_id__S26_a_hundred_thousand_names),
		T(test_store_next_id__gaps_when_the_highest_was_claimed),
		T(test_store_history__newest_first_without_secrets),
		T(test_store_check__finds_damage),
		T(test_store_find__finds_what_documents_name_now),
		T(test_store_open__a_store_without_index_gets_one),
		T(test_store_put__a_damaged_document_leaves_nothing_in_the_index),
		T(test_store_put__the_index_is_what_documents_say),
		T(test_store_check__an_index_that_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
