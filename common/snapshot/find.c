#include "common/base/base.h"
#include "common/snapshot/internal.h"

/* ---- pages ---- */

/* The content is constant, its presence is not. */
static struct snap_file *
to_read(const struct snap_file *f)
{
	return (struct snap_file *)(uintptr_t)f;
}

static void
set_checked(struct snap_file *f, uint64_t off)
{
	atomic_store_explicit(&f->page[off / SNAP_PAGE], PAGE_CHECKED,
	    memory_order_release);
}

/* Bytes off to off + len, which begin with the check of the rest. */
static int
check(const struct snap_file *f, uint64_t off, uint64_t len, uint64_t ahead)
{
	struct snap_bytes b;
	int r;

	if ((r = snap_slice(to_read(f), off, len, ahead, &b)) != 0)
		return r;
	if ((uint32_t)snap_check64(b.p + 4, b.len - 4, f->salt ^ off) !=
	    snap_get32(b.p))
		return IAM_ERR_FORMAT;
	set_checked(to_read(f), off);
	return 0;
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

int
snap_bucket_at(const struct snap_file *f, const struct snap_row *row,
    uint32_t index, const uint8_t **ret)
{
	uint64_t page = row->bucket_off +
	    (uint64_t)(index / SNAP_PAGE_BUCKETS) * SNAP_PAGE;
	int r;

	if (!snap_is_checked(f, page) &&
	    (r = check(f, page, SNAP_PAGE, 0)) != 0)
		return r;
	*ret = f->base + page +
	    (size_t)(1 + index % SNAP_PAGE_BUCKETS) * SNAP_BUCKET_LEN;
	return 0;
}

/* ---- records ---- */

struct extent {
	uint64_t value, extra, len; /* from the start of the record */
};

/* Of the head of a record, by what it says; within 2^30 whatever it says. */
static int
extent_of(const uint8_t *head, struct extent *ret)
{
	uint64_t value_len = snap_get32(head), extra_len = snap_get32(head + 4);
	uint64_t name_len = snap_get16(head + 8);

	if (value_len > SNAP_VALUE_MAX || extra_len > SNAP_VALUE_MAX ||
	    name_len > SNAP_KEY_MAX ||
	    (head[10] != 0 && head[10] != SNAP_ID_LEN))
		return IAM_ERR_FORMAT;
	ret->value = snap_round(SNAP_RECORD_HEAD + name_len + head[10], 8);
	ret->extra = ret->value + snap_round(value_len, 4);
	ret->len = snap_round(ret->extra + extra_len, 8);
	return 0;
}

/*
 * Check the page of a record, or all pages of one that begins there and does
 * not fit into it. What its head says is not yet known to be true: only that
 * it stays within the table is, and then the check decides.
 */
static int
check_records(const struct snap_file *f, const struct snap_row *row,
    uint64_t page, uint64_t ahead)
{
	uint64_t left = row->record_off + row->record_len - page;
	uint64_t len = SNAP_PAGE;
	struct snap_bytes b;
	struct extent e;
	int r;

	if ((r = snap_slice(to_read(f), page, SNAP_PAGE, ahead, &b)) != 0 ||
	    (r = extent_of(b.p + SNAP_PAGE_HEAD, &e)) != 0)
		return r;
	if (SNAP_PAGE_HEAD + e.len > SNAP_PAGE)
		len = snap_round(SNAP_PAGE_HEAD + e.len, SNAP_PAGE);
	return len > left ? IAM_ERR_FORMAT : check(f, page, len, ahead);
}

static inline struct snap_bytes
bytes_of(const uint8_t *p, size_t len)
{
	struct snap_bytes b = { p, len };

	return b;
}

/* The keys of a user or group are in its value and nowhere else. */
static int
keys_inside(struct snap_record *rec)
{
	const uint8_t *p = rec->value.p;

	if (rec->value.len <= SNAP_INSIDE_NAME || rec->value.len -
	    SNAP_INSIDE_NAME <= p[SNAP_INSIDE_LEN])
		return IAM_ERR_FORMAT;
	rec->id = bytes_of(p, SNAP_ID_LEN);
	rec->name = bytes_of(p + SNAP_INSIDE_NAME, p[SNAP_INSIDE_LEN]);
	return 0;
}

int
snap_record_at(const struct snap_file *f, const struct snap_row *row,
    uint64_t off, uint64_t ahead, struct snap_record *ret)
{
	uint64_t page = off & ~(uint64_t)(SNAP_PAGE - 1), in = off - page;
	const uint8_t *p = f->base + off;
	struct snap_bytes b;
	struct extent e;
	int r;

	if (off % 8 != 0 || off < row->record_off ||
	    off - row->record_off >= row->record_len ||
	    in < SNAP_PAGE_HEAD || in + SNAP_RECORD_HEAD > SNAP_PAGE)
		return IAM_ERR_FORMAT;
	if (!snap_is_checked(f, page) &&
	    (r = check_records(f, row, page, ahead)) != 0)
		return r;
	if ((r = extent_of(p, &e)) != 0)
		return r;
	/* Only the first record of a page may reach beyond it: see above. It is
	 * there, unless the page was checked as something else. */
	if (in + e.len > SNAP_PAGE && (in != SNAP_PAGE_HEAD ||
	    off - row->record_off + e.len > row->record_len))
		return IAM_ERR_FORMAT;
	if (in + e.len > SNAP_PAGE &&
	    (r = snap_slice(to_read(f), off, e.len, 0, &b)) != 0)
		return r;
	ret->flags = p[11];
	ret->value = bytes_of(p + e.value, snap_get32(p));
	ret->extra = bytes_of(p + e.extra, snap_get32(p + 4));
	ret->end = off + e.len;
	if (in + e.len > SNAP_PAGE)
		ret->end = snap_round(ret->end, SNAP_PAGE);
	if ((ret->flags & SNAP_INSIDE) != 0)
		return keys_inside(ret);
	ret->name = bytes_of(p + SNAP_RECORD_HEAD, snap_get16(p + 8));
	ret->id = bytes_of(ret->name.p + ret->name.len, p[10]);
	return 0;
}

/* Where the next record is when the one before ended at off: on the same page,
 * or at the start of the next. */
static uint64_t
page_after(uint64_t off)
{
	return snap_round(off, SNAP_PAGE) + SNAP_PAGE_HEAD;
}

int
snap_record_next(const struct snap_file *f, const struct snap_row *row,
    uint64_t *cursor, uint64_t ahead, bool *ret_found,
    struct snap_record *ret)
{
	uint64_t off = row->record_off + *cursor, in, end;
	int r;

	*ret_found = false;
	end = row->record_off + row->record_len;
	if (*cursor >= row->record_len)
		return 0;
	for (;;) {
		in = off % SNAP_PAGE;
		if (in == 0)
			off += SNAP_PAGE_HEAD;
		else if (in + SNAP_RECORD_HEAD > SNAP_PAGE)
			off = page_after(off);
		if (off >= end)
			break;
		if ((r = snap_record_at(f, row, off, ahead, ret)) != 0)
			return r;
		if (ret->flags != 0) {
			*cursor = ret->end - row->record_off;
			*ret_found = true;
			return 0;
		}
		off = page_after(off); /* the rest of the page is empty */
	}
	*cursor = row->record_len;
	return 0;
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

struct wanted {
	const void *key;
	size_t len;
	bool by_id;
	uint32_t tag;
};

/* *ret_full: what did not fit in here is in the next one. */
static int
find_in_bucket(const struct snap_file *f, const struct snap_row *row,
    const uint8_t *bucket, const struct wanted *w, bool *ret_found,
    bool *ret_full, struct snap_record *ret)
{
	const uint8_t *e;
	uint32_t at = 0;
	unsigned i;
	int r;

	for (i = 0; i < SNAP_BUCKET_ENTRIES; i++) {
		e = bucket + (size_t)i * SNAP_ENTRY_LEN;
		if ((at = snap_get32(e + 4)) == 0)
			break;
		if (snap_get32(e) != w->tag)
			continue;
		if ((r = snap_record_at(f, row, (uint64_t)at * 8, 0, ret)) != 0)
			return r;
		if (is_key(ret, w->by_id, w->key, w->len)) {
			*ret_found = true;
			return 0;
		}
	}
	*ret_full = at != 0;
	return 0;
}

int
snap_find_in(const struct snap_file *f, enum snap_table table, const void *key,
    size_t key_len, uint64_t hash, bool *ret_found, struct snap_record *ret)
{
	const struct snap_row *row = &f->rows[table];
	struct wanted w = { key, key_len, snap_table_by_id(table),
		(uint32_t)hash };
	uint32_t i = snap_bucket_of(hash, row->buckets), n;
	const uint8_t *bucket;
	bool full;
	int r;

	*ret_found = false;
	for (n = 0; n < row->buckets; n++) {
		if ((r = snap_bucket_at(f, row, i, &bucket)) != 0)
			return r;
		r = find_in_bucket(f, row, bucket, &w, ret_found, &full, ret);
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

/* Does the upper file say something else, or that it is gone? */
static int
is_covered(const struct snap *s, enum snap_table table, struct snap_bytes key,
    bool *ret)
{
	struct snap_record rec;

	*ret = false;
	if (s->under == NULL)
		return 0;
	return snap_find_in(s->top, table, key.p, key.len,
	    snap_hash(table, key.p, key.len), ret, &rec);
}

/* The next one of a file that counts; upper: there is nothing above it. */
static int
next_in(const struct snap *s, const struct snap_file *f, enum snap_table table,
    uint64_t *cursor, bool *ret_found, struct snap_bytes *key,
    struct snap_bytes *ret)
{
	const struct snap_row *row = &f->rows[table];
	bool upper = f == s->top, found, covered = false;
	struct snap_record rec;
	struct snap_bytes k;
	int r;

	*ret_found = false;
	for (;;) {
		r = snap_record_next(f, row, cursor, SNAP_AHEAD, &found, &rec);
		if (r != 0 || !found)
			return r;
		k = snap_key_of(&rec, table);
		if (k.len == 0 || (rec.flags & SNAP_GONE) != 0)
			continue;
		if (!upper && (r = is_covered(s, table, k, &covered)) != 0)
			return r;
		if (!covered)
			break;
	}
	if (key != NULL)
		*key = k;
	*ret = snap_value_of(&rec, table);
	*ret_found = true;
	return 0;
}

/* Offsets of the upper file follow those of the one under it. */
int
snap_next(const struct snap *s, enum snap_table table, uint64_t *cursor,
    bool *ret_found, struct snap_bytes *key, struct snap_bytes *ret)
{
	uint64_t at = *cursor, first = 0;
	int r;

	*ret_found = false;
	if (!snap_table_in_kind(table, s->top->info.kind))
		return IAM_ERR_ARG;
	if (s->under != NULL) {
		first = s->under->rows[table].record_len;
		if (at < first) {
			r = next_in(s, s->under, table, &at, ret_found, key, ret);
			if (r != 0)
				return r;
			*cursor = at;
			if (*ret_found)
				return 0;
		}
	}
	at -= first;
	if ((r = next_in(s, s->top, table, &at, ret_found, key, ret)) == 0)
		*cursor = at + first;
	return r;
}
