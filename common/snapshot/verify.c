#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <string.h>

/* Every bucket holds together; *ret_entries counts. */
static int
verify_buckets(const struct snap *s, const struct snap_row *row,
    uint64_t *ret_entries)
{
	static const uint8_t zero[SNAP_BUCKET_LEN];
	const uint8_t *b;
	uint64_t entries = 0;
	uint32_t i;
	size_t used;
	int r;

	for (i = 0; i < row->buckets; i++) {
		if ((r = snap_bucket_at(s, row, i, &b)) != 0)
			return r;
		used = 8 + (size_t)b[4] * 8;
		if (memcmp(b + 6, zero, 2) != 0 ||
		    memcmp(b + used, zero, SNAP_BUCKET_LEN - used) != 0 ||
		    (b[5] != 0 && b[4] != SNAP_BUCKET_ENTRIES))
			return IAM_ERR_FORMAT;
		entries += b[4];
	}
	*ret_entries = entries;
	return 0;
}

/* Every record is found under its key; *ret_keys counts. */
static int
verify_records(const struct snap *s, enum snap_table table, uint64_t *ret_keys)
{
	struct snap_bytes key, value, hit;
	uint64_t cursor = 0, keys = 0;
	bool found;
	int r;

	for (;;) {
		if ((r = snap_next(s, table, &cursor, &found, &key, &value)) != 0)
			return r;
		if (!found)
			break;
		r = snap_find(s, table, key.p, key.len, &found, &hit);
		if (r != 0)
			return r;
		if (!found || hit.p != value.p)
			return IAM_ERR_FORMAT;
		keys++;
	}
	*ret_keys = keys;
	return 0;
}

int
snap_verify(const struct snap *s)
{
	uint64_t entries, keys;
	unsigned t;
	int r;

	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (!snap_table_in_kind(t, s->info.kind))
			continue;
		if ((r = verify_buckets(s, &s->rows[t], &entries)) != 0 ||
		    (r = verify_records(s, t, &keys)) != 0)
			return r;
		if (entries != s->rows[t].keys || keys != s->rows[t].keys)
			return IAM_ERR_FORMAT;
	}
	return 0;
}
