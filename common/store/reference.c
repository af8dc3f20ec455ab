/*
 * Which documents name what: the table "reference" has a row for each value of
 * the members below, so that "whose Unix name is this?" or "who is in this group?"
 * is one look-up and not a walk through all users.
 *
 * The same is said in SQL in schema.c; store_check compares the two.
 */
#include "common/base/base.h"

#include <inttypes.h>

#include "common/store/internal.h"

static const struct member {
	const char *name;
	const char *prefix; /* of keys; NULL: of all */
	bool list;          /* of texts; else one text, whole number, true or false */
} members[] = {
	{ "Adopted", NULL, false }, { "AttachedPolicies", NULL, true },
	{ "Groups", NULL, true }, { "PermissionsBoundary", NULL, false },
	{ "Uid", NULL, false }, { "UnixName", NULL, false },
	{ "UserName", "mfa/", false },
};

/* One value as text; NULL: of a kind that nothing is found by. */
static const char *
value_text(const struct member *m, const json_t *v, char buf[24])
{
	if (json_is_string(v))
		return json_string_value(v);
	if (m->list)
		return NULL;
	if (json_is_boolean(v))
		return json_is_true(v) ? "1" : "0";
	if (!json_is_integer(v))
		return NULL;
	snprintf(buf, 24, "%" PRId64, (int64_t)json_integer_value(v));
	return buf;
}

static bool
is_same(const json_t *a, const json_t *b)
{
	if (json_is_string(a) && json_is_string(b))
		return sqlite3_stricmp(json_string_value(a),
		    json_string_value(b)) == 0;
	return json_equal(a, b);
}

static bool
names(const json_t *doc, const struct member *m, const json_t *value)
{
	const json_t *v = json_object_get(doc, m->name), *one;
	size_t i;

	if (!m->list)
		return v != NULL && is_same(v, value);
	json_array_foreach(v, i, one)
		if (is_same(one, value))
			return true;
	return false;
}

static int
write_row(struct store *s, enum store_stmt which, const char *key,
    const struct member *m, const json_t *value)
{
	char buf[24];
	const char *text = value_text(m, value, buf);
	sqlite3_stmt *st;
	int r;

	if (text == NULL)
		return 0;
	if ((st = store_stmt(s, which, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, m->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, text, -1, SQLITE_STATIC);
	return store_step(st);
}

/* A row for each value that doc has in the member and other has not. */
static int
write_member(struct store *s, enum store_stmt which, const char *key,
    const struct member *m, const json_t *doc, const json_t *other)
{
	const json_t *v = json_object_get(doc, m->name), *one;
	size_t i;
	int r;

	if (v == NULL)
		return 0;
	if (!m->list)
		return names(other, m, v) ? 0 : write_row(s, which, key, m, v);
	json_array_foreach(v, i, one)
		if (!names(other, m, one) &&
		    (r = write_row(s, which, key, m, one)) != 0)
			return r;
	return 0;
}

static int
write_all(struct store *s, enum store_stmt which, const char *key,
    const json_t *doc, const json_t *other)
{
	size_t i;
	int r;

	for (i = 0; i < IAM_COUNT(members); i++) {
		if (members[i].prefix != NULL && sqlite3_strnicmp(key,
		    members[i].prefix, (int)strlen(members[i].prefix)) != 0)
			continue;
		r = write_member(s, which, key, &members[i], doc, other);
		if (r != 0)
			return r;
	}
	return 0;
}

int
store_reference_change(struct store *s, const char *key, const json_t *was,
    const json_t *is)
{
	int r = write_all(s, STMT_REFERENCE_REMOVE, key, was, is);

	return r != 0 ? r : write_all(s, STMT_REFERENCE_ADD, key, is, was);
}

int
store_reference_clear(struct store *s, const char *key)
{
	sqlite3_stmt *st;
	int r;

	if ((st = store_stmt(s, STMT_REFERENCE_CLEAR, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	return store_step(st);
}
