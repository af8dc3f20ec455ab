#include "common/base/base.h"

#include <sodium.h>
#include <string.h>

#include "common/store/internal.h"

/*
 * The history outlives what it describes, and would keep every password hash
 * and sealed seed that ever was for whoever gets a copy of the store. So a
 * keyed digest stands in their place: equal as long as the secret is the same,
 * and good for nothing else.
 */
static const char *const secret_members[] = { "PasswordHash", "SealedSeed", "SealedHash" };

/* new; NULL when out of memory. */
static json_t *
marker(const struct store *s, const json_t *secret)
{
	uint8_t digest[crypto_generichash_BYTES_MIN];
	char hex[2 * sizeof(digest) + 1];
	const char *text = json_string_value(secret);

	if (text == NULL) /* nothing that we write; nothing to be kept either */
		return json_null();
	if (crypto_generichash(digest, sizeof(digest), (const uint8_t *)text,
	    strlen(text), s->salt, sizeof(s->salt)) != 0)
		return NULL;
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	return json_sprintf("digest:%s", hex);
}

static bool
is_secret(const char *name)
{
	size_t i;

	for (i = 0; i < IAM_COUNT(secret_members); i++) {
		if (strcmp(name, secret_members[i]) == 0)
			return true;
	}
	return false;
}

/* Members of that name, however deep: documents grow, this must not forget. */
static int
redact(const struct store *s, json_t *v)
{
	json_t *member;
	void *it;
	size_t i;
	int r = 0;

	json_array_foreach(v, i, member) {
		if ((r = redact(s, member)) != 0)
			return r;
	}
	for (it = json_object_iter(v); it != NULL && r == 0;
	    it = json_object_iter_next(v, it)) {
		member = json_object_iter_value(it);
		if (!is_secret(json_object_iter_key(it)))
			r = redact(s, member);
		else if (json_object_iter_set_new(v, it, marker(s, member)) != 0)
			r = IAM_ERR_MEMORY;
	}
	return r;
}

/* *ret is owned (free). */
static int
redacted_text(const struct store *s, const json_t *doc, char **ret)
{
	json_t *copy;
	int r;

	if ((copy = json_deep_copy(doc)) == NULL)
		return IAM_ERR_MEMORY;
	if ((r = redact(s, copy)) == 0 &&
	    (*ret = json_dumps(copy, JSON_SORT_KEYS | JSON_COMPACT)) == NULL)
		r = IAM_ERR_MEMORY;
	json_decref(copy);
	return r;
}

int
store_history_add(struct store *s, const char *key, const json_t *doc)
{
	sqlite3_stmt *st;
	char *text = NULL;
	int r;

	if (doc != NULL && (r = redacted_text(s, doc, &text)) != 0)
		return r;
	if ((st = store_stmt(s, STMT_HISTORY_ADD, &r)) == NULL)
		goto out;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)s->revision);
	sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, text, -1, SQLITE_STATIC); /* NULL: null */
	r = store_step(st);
out:
	free(text);
	return r;
}

static json_t *
history_entry(sqlite3_stmt *st)
{
	const char *text = (const char *)sqlite3_column_text(st, 5);
	char time[TZ_ISO_LEN];

	tz_iso(sqlite3_column_int64(st, 2), time);
	return json_pack("{s:I, s:s, s:s, s:s, s:o}", "revision",
	    (json_int_t)sqlite3_column_int64(st, 1), "time", time,
	    "who", (const char *)sqlite3_column_text(st, 3),
	    "what", (const char *)sqlite3_column_text(st, 4), "document",
	    text == NULL ? json_null() :
	    json_loads(text, JSON_REJECT_DUPLICATES, NULL));
}

/* The newest entry of key that is older than *id. NULL: none, or *ret_err. */
static json_t *
history_before(struct store *s, const char *key, sqlite3_int64 *id,
    int *ret_err)
{
	json_t *entry = NULL;
	sqlite3_stmt *st;
	int rc;

	if ((st = store_stmt(s, STMT_HISTORY, ret_err)) == NULL)
		return NULL;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, *id);
	rc = sqlite3_step(st);
	*ret_err = rc == SQLITE_ROW ? 0 : store_err(rc);
	if (rc == SQLITE_ROW) {
		*id = sqlite3_column_int64(st, 0);
		if ((entry = history_entry(st)) == NULL)
			*ret_err = IAM_ERR_FORMAT;
	}
	sqlite3_reset(st);
	return entry;
}

int
store_history(struct store *s, const char *key, store_visit *visit, void *arg)
{
	sqlite3_int64 id = INT64_MAX;
	json_t *entry;
	int r;

	while ((entry = history_before(s, key, &id, &r)) != NULL) {
		r = visit(arg, key, entry);
		json_decref(entry);
		if (r != 0)
			break;
	}
	return r;
}
