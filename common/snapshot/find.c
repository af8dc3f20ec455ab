#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <string.h>

uint32_t
snap_bucket_of(uint64_t hash, uint32_t buckets)
{
	return (uint32_t)((hash >> 32) * buckets >> 32);
}

int
snap_bucket_at(const struct snap *s, const struct snap_row *row,
    uint32_t index, const uint8_t **ret)
{
	uint64_t off = row->bucket_off + (uint64_t)index * SNAP_BUCKET_LEN;
	struct snap_bytes b;
	int r;

	if ((r = snap_slice(s, off, SNAP_BUCKET_LEN, 0, &b)) != 0)
		return r;
	if ((uint32_t)snap_check64(b.p + 4, SNAP_BUCKET_LEN - 4,
	    s->salt ^ off) != snap_get32(b.p))
		return IAM_ERR_FORMAT;
	if (b.p[4] > SNAP_BUCKET_ENTRIES || b.p[5] > 1)
		return IAM_ERR_FORMAT;
	*ret = b.p;
	return 0;
}

/* The lengths in a record's head; IAM_ERR_FORMAT when they leave the table. */
static int
record_extent(const struct snap_row *row, uint64_t off, const uint8_t *head,
    uint64_t *ret_value, uint64_t *ret_len)
{
	uint64_t value_len = snap_get32(head + 4);
	uint64_t name_len = snap_get16(head + 8);
	uint64_t id_len = snap_get16(head + 10);
	uint64_t value = snap_round(SNAP_RECORD_HEAD + name_len + id_len, 8);
	uint64_t len = value + snap_round(value_len, 8);

	if (value_len > SNAP_VALUE_MAX || name_len > SNAP_KEY_MAX ||
	    (id_len != 0 && id_len != SNAP_ID_LEN) ||
	    len > row->record_off + row->record_len - off)
		return IAM_ERR_FORMAT;
	*ret_value = value;
	*ret_len = len;
	return 0;
}

static struct snap_bytes
bytes_of(const uint8_t *p, size_t len)
{
	struct snap_bytes b = { p, len };

	return b;
}

int
snap_record_at(const struct snap *s, const struct snap_row *row, uint64_t off,
    uint64_t ahead, struct snap_record *ret)
{
	struct snap_bytes b;
	uint64_t value, len;
	size_t name_len, id_len;
	int r;

	if (off % 8 != 0 || off < row->record_off ||
	    off - row->record_off > row->record_len ||
	    row->record_off + row->record_len - off < SNAP_RECORD_HEAD)
		return IAM_ERR_FORMAT;
	if ((r = snap_slice(s, off, SNAP_RECORD_HEAD, ahead, &b)) != 0 ||
	    (r = record_extent(row, off, b.p, &value, &len)) != 0 ||
	    (r = snap_slice(s, off, len, ahead, &b)) != 0)
		return r;
	if ((uint32_t)snap_check64(b.p + 4, b.len - 4, s->salt ^ off) !=
	    snap_get32(b.p))
		return IAM_ERR_FORMAT;
	name_len = snap_get16(b.p + 8);
	id_len = snap_get16(b.p + 10);
	ret->name = bytes_of(b.p + SNAP_RECORD_HEAD, name_len);
	ret->id = bytes_of(b.p + SNAP_RECORD_HEAD + name_len, id_len);
	ret->value = bytes_of(b.p + value, snap_get32(b.p + 4));
	ret->end = off + len;
	return 0;
}

static const struct snap_bytes *
key_of(const struct snap_record *rec, enum snap_table table)
{
	return snap_table_by_id(table) ? &rec->id : &rec->name;
}

struct wanted {
	enum snap_table table;
	const void *key;
	size_t len;
	uint32_t tag;
};

static int
find_in_bucket(const struct snap *s, const struct snap_row *row,
    const uint8_t *bucket, const struct wanted *w, bool *ret_found,
    struct snap_bytes *ret)
{
	const struct snap_bytes *key;
	struct snap_record rec;
	const uint8_t *e;
	unsigned i;
	int r;

	for (i = 0; i < bucket[4]; i++) {
		e = bucket + 8 + (size_t)i * 8;
		if (snap_get32(e) != w->tag)
			continue;
		r = snap_record_at(s, row, (uint64_t)snap_get32(e + 4) * 8, 0,
		    &rec);
		if (r != 0)
			return r;
		key = key_of(&rec, w->table);
		if (key->len == w->len && memcmp(key->p, w->key, w->len) == 0) {
			*ret = rec.value;
			*ret_found = true;
			return 0;
		}
	}
	return 0;
}

int
snap_find(const struct snap *s, enum snap_table table, const void *key,
    size_t key_len, bool *ret_found, struct snap_bytes *ret)
{
	const struct snap_row *row;
	const uint8_t *bucket;
	struct wanted w = { table, key, key_len, 0 };
	uint32_t i, n;
	uint64_t hash;
	int r;

	*ret_found = false;
	if (!snap_table_in_kind(table, s->info.kind))
		return IAM_ERR_ARG;
	if (key_len == 0 || key_len > SNAP_KEY_MAX)
		return 0;
	row = &s->rows[table];
	hash = snap_check64(key, key_len, (uint64_t)table);
	w.tag = (uint32_t)hash;
	i = snap_bucket_of(hash, row->buckets);
	for (n = 0; n < row->buckets; n++) {
		if ((r = snap_bucket_at(s, row, i, &bucket)) != 0)
			return r;
		r = find_in_bucket(s, row, bucket, &w, ret_found, ret);
		if (r != 0 || *ret_found || bucket[5] == 0)
			return r;
		i = i + 1 < row->buckets ? i + 1 : 0;
	}
	return 0;
}

int
snap_next(const struct snap *s, enum snap_table table, uint64_t *cursor,
    bool *ret_found, struct snap_bytes *key, struct snap_bytes *ret)
{
	const struct snap_row *row;
	struct snap_record rec;
	uint64_t off;
	int r;

	*ret_found = false;
	if (!snap_table_in_kind(table, s->info.kind))
		return IAM_ERR_ARG;
	row = &s->rows[table];
	for (off = *cursor; off < row->record_len; off = rec.end - row->record_off) {
		r = snap_record_at(s, row, row->record_off + off, SNAP_AHEAD,
		    &rec);
		if (r != 0)
			return r;
		if (key_of(&rec, table)->len == 0)
			continue;
		*cursor = rec.end - row->record_off;
		if (key != NULL)
			*key = *key_of(&rec, table);
		*ret = rec.value;
		*ret_found = true;
		return 0;
	}
	*cursor = off;
	return 0;
}
