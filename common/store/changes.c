#include "common/base/base.h"

#include <sodium.h>

#include "common/store/internal.h"

uint64_t
store_digest(const void *data, size_t len)
{
	uint8_t digest[crypto_generichash_BYTES_MIN];
	struct rd r;

	crypto_generichash(digest, sizeof(digest), data, len, NULL, 0);
	rd_init(&r, digest, sizeof(digest));
	return rd_u64(&r);
}

/* Everything of the row: who, when and what it became. */
static int
mark_of(sqlite3_stmt *st, uint64_t *ret)
{
	struct buf row = BUF_INIT;
	int i, r;

	for (i = 0; i < sqlite3_column_count(st); i++)
		buf_str(&row, (const char *)sqlite3_column_text(st, i));
	*ret = store_digest(row.p, row.len);
	r = row.err;
	buf_release(&row);
	return r;
}

/* id 0: the last one. */
static int
read_point(struct store *s, uint64_t id, struct store_point *ret)
{
	sqlite3_stmt *st;
	int rc, r;

	*ret = (struct store_point){ 0 };
	if ((st = store_stmt(s, STMT_HISTORY_LAST, &r)) == NULL)
		return r;
	if (id != 0)
		sqlite3_bind_int64(st, 1, (sqlite3_int64)id);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		ret->id = (uint64_t)sqlite3_column_int64(st, 0);
		r = mark_of(st, &ret->mark);
		rc = SQLITE_OK;
	}
	sqlite3_reset(st);
	return r != 0 ? r : store_err(rc);
}

int
store_point_now(struct store *s, struct store_point *ret)
{
	return read_point(s, 0, ret);
}

int
store_point_is_past(struct store *s, const struct store_point *point, bool *ret)
{
	struct store_point found;
	int r;

	*ret = false;
	if (point->id == 0)
		return 0;
	if ((r = read_point(s, point->id, &found)) != 0)
		return r;
	*ret = found.id == point->id && found.mark == point->mark;
	return 0;
}

int
store_changed_since(struct store *s, const struct store_point *point,
    size_t max, json_t **ret)
{
	json_t *keys = json_array();
	sqlite3_stmt *st;
	int rc = SQLITE_DONE, r = 0;

	if (keys == NULL)
		return IAM_ERR_MEMORY;
	if ((st = store_stmt(s, STMT_CHANGED, &r)) == NULL)
		goto out;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)point->id);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)max + 1);
	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (json_array_append_new(keys, json_string(
		    (const char *)sqlite3_column_text(st, 0))) != 0)
			r = IAM_ERR_MEMORY;
	}
	sqlite3_reset(st);
	if (r == 0)
		r = rc != SQLITE_DONE ? store_err(rc) :
		    json_array_size(keys) > max ? IAM_ERR_LIMIT : 0;
out:
	if (r == 0)
		*ret = keys;
	else
		json_decref(keys);
	return r;
}
