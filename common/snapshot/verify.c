#include "common/base/base.h"
#include "common/snapshot/internal.h"

static int
verify_spare(const uint8_t *p, size_t len)
{
	while (len > 0 && p[len - 1] == 0)
		len--;
	return len == 0 ? 0 : IAM_ERR_FORMAT;
}

/* Every bucket holds together; *ret_entries counts. */
static int
verify_buckets(const struct snap_file *f, const struct snap_row *row,
    uint64_t *ret_entries)
{
	const uint8_t *b;
	uint64_t entries = 0;
	uint32_t i;
	size_t n;
	int r;

	for (i = 0; i < row->buckets; i++) {
		if ((r = snap_bucket_at(f, row, i, &b)) != 0)
			return r;
		for (n = 0; n < SNAP_BUCKET_ENTRIES; n++) {
			if (snap_get32(b + n * SNAP_ENTRY_LEN + 4) == 0)
				break;
		}
		entries += n;
		n *= SNAP_ENTRY_LEN;
		if ((r = verify_spare(b + n, SNAP_BUCKET_LEN - n)) != 0)
			return r;
	}
	*ret_entries = entries;
	return 0;
}

/* Every record is found under the key by which it is listed; *ret_keys counts. */
static int
verify_records(const struct snap_file *f, enum snap_table table,
    uint64_t *ret_keys)
{
	const struct snap_row *row = &f->rows[table];
	struct snap_record rec, hit;
	uint64_t cursor = 0, keys = 0;
	struct snap_bytes key;
	bool found;
	int r;

	for (;;) {
		r = snap_record_next(f, row, &cursor, SNAP_AHEAD, &found, &rec);
		if (r != 0)
			return r;
		if (!found)
			break;
		key = table == SNAP_MEMBER_OF ? snap_key_of(&rec, table) :
		    snap_listed_key(&rec, snap_table_by_id(table));
		if (key.len == 0)
			continue;
		if ((r = snap_find_in(f, table, key.p, key.len,
		    snap_hash(table, key.p, key.len), &found, &hit)) != 0)
			return r;
		if (!found || hit.end != rec.end)
			return IAM_ERR_FORMAT;
		keys++;
	}
	*ret_keys = keys;
	return 0;
}

static int
verify_file(const struct snap_file *f)
{
	uint64_t entries, keys;
	unsigned t;
	int r;

	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (!snap_table_in_kind(t, f->info.kind))
			continue;
		if ((r = verify_buckets(f, &f->rows[t], &entries)) != 0 ||
		    (r = verify_records(f, t, &keys)) != 0)
			return r;
		if (keys != f->rows[t].keys ||
		    (t != SNAP_MEMBER_OF && entries != keys))
			return IAM_ERR_FORMAT;
	}
	return 0;
}

/* What the upper file says of both together. */
static int
verify_totals(const struct snap *s)
{
	struct snap_bytes value;
	uint64_t cursor, n;
	bool found;
	unsigned t;
	int r;

	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (!snap_table_in_kind(t, s->top->info.kind))
			continue;
		for (cursor = n = 0;; n++) {
			r = snap_next(s, t, &cursor, &found, NULL, &value);
			if (r != 0)
				return r;
			if (!found)
				break;
		}
		if (n != s->top->rows[t].total)
			return IAM_ERR_FORMAT;
	}
	return 0;
}

int
snap_verify(const struct snap *s)
{
	int r;

	if ((r = verify_file(s->top)) != 0 ||
	    (s->under != NULL && (r = verify_file(s->under)) != 0))
		return r;
	return verify_totals(s);
}
