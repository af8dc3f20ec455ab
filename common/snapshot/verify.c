#include "common/base/base.h"
#include "common/snapshot/internal.h"

static bool
all_zero(const uint8_t *p, size_t len)
{
	while (len > 0 && p[len - 1] == 0)
		len--;
	return len == 0;
}

/* Used entries come first; nothing is in the others. */
static int
verify_bucket(const uint8_t *b, bool first, uint64_t *entries)
{
	const uint8_t *tags = b + SNAP_CHECK_LEN, *offsets;
	size_t n = 0;

	offsets = b + SNAP_BUCKET_OFFSETS;
	while (n < SNAP_BUCKET_ENTRIES && le_u32(offsets + 4 * n) != 0)
		n++;
	*entries += n;
	return (first || all_zero(b, SNAP_CHECK_LEN)) &&
	    all_zero(tags + 2 * n, 2 * (SNAP_BUCKET_ENTRIES - n)) &&
	    all_zero(offsets + 4 * n, 4 * (SNAP_BUCKET_ENTRIES - n)) ? 0 :
	    IAM_ERR_FORMAT;
}

/* Every bucket holds together, also those that fill the last block and are never
 * looked at; *ret_entries counts. */
static int
verify_buckets(const struct snap_file *f, const struct snap_row *row,
    uint64_t *ret_entries)
{
	uint64_t entries = 0, spare = 0;
	const struct snap_kept *k;
	uint32_t i, last;
	int r;

	last = (uint32_t)snap_round(row->buckets, SNAP_BLOCK_BUCKETS);
	for (i = 0; i < last; i++) {
		if ((r = snap_block_at(f, snap_bucket_block(row, i), &k)) != 0 ||
		    (r = verify_bucket(snap_bucket_in(k, i),
		    i % SNAP_BLOCK_BUCKETS == 0,
		    i < row->buckets ? &entries : &spare)) != 0)
			return r;
	}
	*ret_entries = entries;
	return spare == 0 ? 0 : IAM_ERR_FORMAT;
}

/* Every record is found under the key by which it is listed; *ret_keys counts. */
static int
verify_records(const struct snap_file *f, enum snap_table table,
    uint64_t *ret_keys)
{
	const struct snap_row *row = &f->rows[table];
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_record rec, hit;
	struct snap_bytes key;
	uint64_t keys = 0;
	bool found;
	int r;

	while ((r = snap_record_next(f, row, &cursor, &found, &rec)) == 0 &&
	    found) {
		key = table == SNAP_MEMBER_OF ? snap_key_of(&rec, table) :
		    snap_listed_key(&rec, snap_table_by_id(table));
		if (key.len == 0)
			continue;
		if ((r = snap_find_in(f, table, key.p, key.len,
		    snap_hash(table, key.p, key.len), &found, &hit)) != 0)
			break;
		if (!found || hit.end != rec.end) {
			r = IAM_ERR_FORMAT;
			break;
		}
		keys++;
	}
	snap_cursor_release(&cursor);
	*ret_keys = keys;
	return r;
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
verify_total(const struct snap *s, enum snap_table t)
{
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_bytes value;
	uint64_t n = 0;
	bool found;
	int r;

	while ((r = snap_next(s, t, &cursor, &found, NULL, &value)) == 0 && found)
		n++;
	snap_cursor_release(&cursor);
	return r == 0 && n != s->top->rows[t].total ? IAM_ERR_FORMAT : r;
}

int
snap_verify(const struct snap *s)
{
	unsigned t;
	int r;

	if ((r = verify_file(s->top)) != 0 ||
	    (s->under != NULL && (r = verify_file(s->under)) != 0))
		return r;
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (snap_table_in_kind(t, s->top->info.kind) &&
		    (r = verify_total(s, t)) != 0)
			return r;
	}
	return 0;
}
