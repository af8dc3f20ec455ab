#include "common/base/base.h"

#include "common/store/internal.h"

int
store_each_text(struct store *s, const char *prefix, store_visit_text *visit,
    void *arg)
{
	char end[STORE_KEY_MAX + 1];
	const char *key, *text;
	int rc = SQLITE_DONE, r;
	sqlite3_stmt *st;

	store_prefix_end(prefix, end);
	if ((st = store_stmt(s, STMT_ALL, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, prefix, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, end, -1, SQLITE_STATIC);
	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		key = (const char *)sqlite3_column_text(st, 0);
		text = (const char *)sqlite3_column_text(st, 1);
		r = key == NULL || text == NULL ? IAM_ERR_MEMORY :
		    visit(arg, key, text, (size_t)sqlite3_column_bytes(st, 1));
	}
	sqlite3_reset(st);
	return r != 0 ? r : store_err(rc);
}

/* The document of the one row of a statement, if there is one. */
static int
take_text(sqlite3_stmt *st, struct buf *ret, bool *ret_found)
{
	const void *text;
	int rc = sqlite3_step(st), r = 0;

	buf_reset(ret);
	*ret_found = rc == SQLITE_ROW &&
	    sqlite3_column_type(st, 1) != SQLITE_NULL;
	if (*ret_found) {
		text = sqlite3_column_text(st, 1);
		if (text != NULL)
			buf_put(ret, text, (size_t)sqlite3_column_bytes(st, 1));
		r = text == NULL ? IAM_ERR_MEMORY : ret->err;
	}
	sqlite3_reset(st);
	return r != 0 || rc == SQLITE_ROW ? r : store_err(rc);
}

int
store_text(struct store *s, const char *key, struct buf *ret, bool *ret_found)
{
	sqlite3_stmt *st;
	int r;

	*ret_found = false;
	if ((st = store_stmt(s, STMT_GET, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	return take_text(st, ret, ret_found);
}

int
store_text_then(struct store *s, const struct store_point *point,
    const char *key, struct buf *ret, bool *ret_found)
{
	sqlite3_stmt *st;
	int r;

	*ret_found = false;
	if ((st = store_stmt(s, STMT_BEFORE, &r)) == NULL)
		return r;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)point->id);
	return take_text(st, ret, ret_found);
}
