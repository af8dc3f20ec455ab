#include "common/base/base.h"
#include "common/snapshot/internal.h"

/* ---- blocks ---- */

int
snap_unit_len(const struct snap_file *f, uint64_t off, const uint8_t *b,
    size_t *ret)
{
	struct snap_extent e;
	int r;

	*ret = SNAP_BLOCK;
	if (off < f->records || le_u32(b + SNAP_CHECK_LEN) == 0)
		return 0;
	/* What the head says is not yet known to be true: only that it stays in
	 * the file is, and then the check decides. */
	if ((r = snap_extent_of(b + SNAP_CHECK_LEN, SNAP_BLOCK - SNAP_CHECK_LEN,
	    off + SNAP_CHECK_LEN, &e)) != 0)
		return r;
	*ret = (size_t)snap_round(SNAP_CHECK_LEN + (uint64_t)e.len, SNAP_BLOCK);
	return *ret > f->info.size - off ? IAM_ERR_FORMAT : 0;
}

int
snap_unit_check(const struct snap_file *f, uint64_t off, const uint8_t *b,
    size_t len)
{
	return (uint32_t)snap_check64(b + SNAP_CHECK_LEN, len - SNAP_CHECK_LEN,
	    f->salt ^ off) == le_u32(b) ? 0 : IAM_ERR_FORMAT;
}

/* ---- buckets ---- */

/* Memberships are found through the user whose they are. */
uint64_t
snap_hash(enum snap_table table, const void *key, size_t len)
{
	if (table == SNAP_MEMBER_OF)
		table = SNAP_USER_NAME;
	return snap_check64(key, len, (uint64_t)table);
}

uint32_t
snap_bucket_of(uint64_t hash, uint32_t buckets)
{
	return (uint32_t)((hash >> 32) * buckets >> 32);
}

const uint8_t *
snap_bucket_in(const struct snap_kept *block, uint32_t index)
{
	return block->p + (size_t)(index % SNAP_BLOCK_BUCKETS) * SNAP_BUCKET_LEN;
}

/* ---- records ---- */

int
snap_extent_of(const uint8_t *p, size_t avail, uint64_t off,
    struct snap_extent *ret)
{
	uint32_t head = le_u32(p), value, extra, id = head >> 8 & 0xff;
	unsigned odd = off % 8;

	if ((head & SNAP_SHORT) != 0) {
		value = head >> 8 & SNAP_SHORT_MAX;
		ret->name = ret->value = SNAP_HEAD_SHORT;
		ret->extra = SNAP_HEAD_SHORT + value;
		ret->len = (size_t)snap_round(ret->extra + (head >> 20), SNAP_ALIGN);
		return 0;
	}
	if (avail < SNAP_HEAD_LONG)
		return IAM_ERR_FORMAT;
	value = le_u32(p + 4);
	extra = le_u32(p + 8);
	if (value > SNAP_VALUE_MAX || extra > SNAP_VALUE_MAX ||
	    head >> 16 > SNAP_KEY_MAX || (id != 0 && id != SNAP_ID_LEN))
		return IAM_ERR_FORMAT;
	ret->name = SNAP_HEAD_LONG;
	/* At a multiple of 8 in the file: some values are read in place. */
	ret->value = (size_t)snap_round(odd + SNAP_HEAD_LONG + (head >> 16) + id,
	    8) - odd;
	ret->extra = ret->value + value;
	ret->len = (size_t)snap_round((uint64_t)ret->extra + extra, SNAP_ALIGN);
	return 0;
}

static inline struct snap_bytes
bytes_of(const uint8_t *p, size_t len)
{
	struct snap_bytes b = { p, len };

	return b;
}

/* The keys of a user or group are in its value and nowhere else. */
static inline int
keys_inside(struct snap_record *rec)
{
	const uint8_t *p = rec->value.p;
	size_t len, place;

	if (rec->value.len < SNAP_INSIDE_MIN)
		return IAM_ERR_FORMAT;
	len = p[SNAP_INSIDE_LEN];
	place = le_u16(p + SNAP_INSIDE_PLACE);
	if (place + len > rec->value.len)
		return IAM_ERR_FORMAT;
	rec->id = bytes_of(p, SNAP_ID_LEN);
	rec->name = bytes_of(p + place, len);
	return 0;
}

/* As nearly all are; avail bytes are left of the block. */
static inline int
short_record(const uint8_t *p, size_t avail, uint64_t off,
    struct snap_record *ret)
{
	uint32_t head = le_u32(p), value = head >> 8 & SNAP_SHORT_MAX;
	size_t len = SNAP_HEAD_SHORT + value + (head >> 20);

	if (len > avail || (head & SNAP_INSIDE) == 0)
		return IAM_ERR_FORMAT;
	ret->value = bytes_of(p + SNAP_HEAD_SHORT, value);
	ret->extra = bytes_of(p + SNAP_HEAD_SHORT + value, head >> 20);
	ret->end = off + snap_round(len, SNAP_ALIGN);
	return keys_inside(ret);
}

int
snap_record_in(const uint8_t *unit, size_t unit_len, uint64_t off,
    struct snap_record *ret)
{
	size_t in = off % SNAP_BLOCK;
	/* Only the first record of a block may reach beyond it. */
	size_t avail = (in == SNAP_CHECK_LEN ? unit_len : SNAP_BLOCK) - in;
	const uint8_t *p = unit + in;
	uint32_t head = le_u32(p);
	struct snap_extent e;
	int r;

	ret->flags = head & 0xff;
	if (ret->flags == 0)
		return 0;
	if ((head & SNAP_SHORT) != 0)
		return short_record(p, SNAP_BLOCK - in, off, ret);
	if ((r = snap_extent_of(p, avail, off, &e)) != 0)
		return r;
	if (e.len > avail)
		return IAM_ERR_FORMAT;
	ret->value = bytes_of(p + e.value, le_u32(p + 4));
	ret->extra = bytes_of(p + e.extra, le_u32(p + 8));
	ret->end = off + e.len;
	if (in + e.len > SNAP_BLOCK)
		ret->end = snap_round(ret->end, SNAP_BLOCK);
	if ((head & SNAP_INSIDE) != 0)
		return keys_inside(ret);
	ret->name = bytes_of(p + e.name, head >> 16);
	ret->id = bytes_of(p + e.name + (head >> 16), head >> 8 & 0xff);
	return 0;
}

int
snap_record_at(const struct snap_file *f, const struct snap_row *row,
    uint64_t off, struct snap_record *ret)
{
	uint64_t in = off % SNAP_BLOCK;
	const struct snap_kept *k;
	int r;

	if (off % SNAP_ALIGN != 0 || off < row->record_off ||
	    off - row->record_off >= row->record_len || in < SNAP_CHECK_LEN)
		return IAM_ERR_FORMAT;
	if ((r = snap_block_at(f, off - in, &k)) != 0)
		return r;
	return snap_record_in(k->p, k->len, off, ret);
}

/* ---- keys ---- */

struct snap_bytes
snap_key_of(const struct snap_record *rec, enum snap_table table)
{
	if (snap_table_by_id(table))
		return (rec->flags & SNAP_NUMBERED) != 0 ? rec->id :
		    bytes_of(NULL, 0);
	/* A record may have one of two values, which two tables list. */
	if ((rec->flags & SNAP_NAMED) == 0 ||
	    (table == SNAP_MEMBER_OF && rec->extra.len == 0) ||
	    (table == SNAP_USER_NAME && rec->value.len == 0))
		return bytes_of(NULL, 0);
	return rec->name;
}

struct snap_bytes
snap_listed_key(const struct snap_record *rec, bool by_id)
{
	if ((rec->flags & (by_id ? SNAP_NUMBERED : SNAP_NAMED)) == 0)
		return bytes_of(NULL, 0);
	return by_id ? rec->id : rec->name;
}

static inline bool
is_key(const struct snap_record *rec, bool by_id, const void *key, size_t len)
{
	const struct snap_bytes *k = by_id ? &rec->id : &rec->name;

	return (rec->flags & (by_id ? SNAP_NUMBERED : SNAP_NAMED)) != 0 &&
	    k->len == len && memcmp(k->p, key, len) == 0;
}

/* Of 16-bit lanes: the top bit of those that are zero. */
static inline uint64_t
zero_lanes(uint64_t v)
{
	const uint64_t low = UINT64_C(0x7fff7fff7fff7fff);

	return ~(((v & low) + low) | v | low);
}

/* The entries whose tag this is: bit 16 * lane + word of the bucket. */
static inline uint64_t
tag_matches(const uint8_t *bucket, uint16_t tag)
{
	uint64_t all = tag * UINT64_C(0x0001000100010001);
	/* The first four bytes are no tags. */
	uint64_t first = zero_lanes(le_u64(bucket) ^ all) >> 32 << 32;

	return first >> 15 | zero_lanes(le_u64(bucket + 8) ^ all) >> 14 |
	    zero_lanes(le_u64(bucket + 16) ^ all) >> 13;
}

static inline unsigned
entry_of(uint64_t matches)
{
	unsigned bit = (unsigned)__builtin_ctzll(matches);

	return bit % 16 * 4 + bit / 16 - 2;
}

struct wanted {
	const void *key;
	size_t len;
	bool by_id;
	uint16_t tag;
};

/* *ret_full: what did not fit in here is in the next one. */
static int
find_in_bucket(const struct snap_file *f, const struct snap_row *row,
    const uint8_t *bucket, const struct wanted *w, bool *ret_found,
    bool *ret_full, struct snap_record *ret)
{
	const uint8_t *offsets = bucket + SNAP_BUCKET_OFFSETS;
	uint64_t left = tag_matches(bucket, w->tag);
	uint32_t at;
	int r;

	*ret_full = le_u32(offsets + 4 * (SNAP_BUCKET_ENTRIES - 1)) != 0;
	for (; left != 0; left &= left - 1) {
		at = le_u32(offsets + 4 * (size_t)entry_of(left));
		if (at == 0)
			continue; /* an unused one has no tag */
		r = snap_record_at(f, row, (uint64_t)at * SNAP_ALIGN, ret);
		if (r != 0)
			return r;
		if (is_key(ret, w->by_id, w->key, w->len)) {
			*ret_found = true;
			return 0;
		}
	}
	return 0;
}

int
snap_find_in(const struct snap_file *f, enum snap_table table, const void *key,
    size_t key_len, uint64_t hash, bool *ret_found, struct snap_record *ret)
{
	const struct snap_row *row = &f->rows[table];
	struct wanted w = { key, key_len, snap_table_by_id(table),
		(uint16_t)hash };
	uint32_t i = snap_bucket_of(hash, row->buckets), n;
	const struct snap_kept *k;
	bool full;
	int r;

	*ret_found = false;
	for (n = 0; n < row->buckets; n++) {
		if ((r = snap_block_at(f, snap_bucket_block(row, i), &k)) != 0)
			return r;
		r = find_in_bucket(f, row, snap_bucket_in(k, i), &w, ret_found,
		    &full, ret);
		if (r != 0 || *ret_found || !full)
			return r;
		i = i + 1 < row->buckets ? i + 1 : 0;
	}
	return 0;
}

/* ---- both files ---- */

int
snap_find(const struct snap *s, enum snap_table table, const void *key,
    size_t key_len, bool *ret_found, struct snap_bytes *ret)
{
	struct snap_record rec;
	uint64_t hash;
	bool found;
	int r;

	*ret_found = false;
	if (!snap_table_in_kind(table, s->top->info.kind))
		return IAM_ERR_ARG;
	if (key_len == 0 || key_len > SNAP_KEY_MAX)
		return 0;
	hash = snap_hash(table, key, key_len);
	r = snap_find_in(s->top, table, key, key_len, hash, &found, &rec);
	if (r == 0 && !found && s->under != NULL)
		r = snap_find_in(s->under, table, key, key_len, hash, &found,
		    &rec);
	if (r != 0 || !found || (rec.flags & SNAP_GONE) != 0 ||
	    snap_key_of(&rec, table).len == 0)
		return r;
	*ret = snap_value_of(&rec, table);
	*ret_found = true;
	return 0;
}
