/*
 * Makes snapshots. Not linked into the modules.
 *
 * Keys and values are collected in one arena; the file is laid out and filled in
 * memory in one go, since its checksums need the salt, and the salt all content.
 */
#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <dirent.h>
#include <endian.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#define NO_ITEM UINT32_MAX
#define ENTRIES_PER_BUCKET 5 /* of 7: one bucket in eight overflows */
#define TICK_WAIT_MS 100

/* The records that one or two tables share. */
enum part_number { PART_USER, PART_GROUP, PART_MEMBER_OF, PART_SSH_KEYS,
	PART_PRINCIPAL, PART_POLICY, PART_ACCOUNT, PART_COUNT };

struct item {
	size_t name, value; /* in the arena */
	uint32_t name_len, value_len;
	uint64_t off;       /* in the file */
	uint8_t id[SNAP_ID_LEN];
	bool has_id;
};

struct slot {
	uint64_t hash;
	uint32_t item; /* + 1; 0: free */
};

/* Open addressing; several items may have one hash. */
struct index {
	struct slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t count;
};

struct part {
	struct item *items;
	uint32_t count, cap;
	struct index by_name, by_id, by_value;
};

struct snap_builder {
	struct snap_info info;
	struct buf arena;
	struct part parts[PART_COUNT];
};

/* The file being laid out. */
struct image {
	uint8_t *p;
	uint64_t size;
	uint64_t salt;
	struct snap_row rows[SNAP_TABLE_COUNT];
};

static enum part_number
part_of(enum snap_table t)
{
	switch (t) {
	case SNAP_USER_NAME:
	case SNAP_USER_UID:
		return PART_USER;
	case SNAP_GROUP_NAME:
	case SNAP_GROUP_GID:
		return PART_GROUP;
	case SNAP_MEMBER_OF:
		return PART_MEMBER_OF;
	case SNAP_SSH_KEYS:
		return PART_SSH_KEYS;
	case SNAP_PRINCIPAL:
		return PART_PRINCIPAL;
	case SNAP_POLICY:
		return PART_POLICY;
	case SNAP_ACCOUNT:
	case SNAP_TABLE_COUNT:
		break;
	}
	return PART_ACCOUNT;
}

static void
index_put(struct index *ix, uint64_t hash, uint32_t item)
{
	size_t i = (size_t)hash & (ix->cap - 1);

	while (ix->slots[i].item != 0)
		i = (i + 1) & (ix->cap - 1);
	ix->slots[i].hash = hash;
	ix->slots[i].item = item + 1;
	ix->count++;
}

/* Room for one more. */
static int
index_reserve(struct index *ix)
{
	struct index bigger = { NULL, ix->cap < 8 ? 16 : ix->cap * 2, 0 };
	size_t i;

	if ((ix->count + 1) * 4 <= ix->cap * 3)
		return 0;
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return IAM_ERR_MEMORY;
	for (i = 0; i < ix->cap; i++) {
		if (ix->slots[i].item != 0)
			index_put(&bigger, ix->slots[i].hash,
			    ix->slots[i].item - 1);
	}
	free(ix->slots);
	*ix = bigger;
	return 0;
}

/* Walk the items with this hash: start with *pos = 0; NO_ITEM at the end. */
static uint32_t
index_next(const struct index *ix, uint64_t hash, size_t *pos)
{
	const struct slot *s;

	if (ix->cap == 0)
		return NO_ITEM;
	for (;;) {
		s = &ix->slots[((size_t)hash + *pos) & (ix->cap - 1)];
		if (s->item == 0)
			return NO_ITEM;
		++*pos;
		if (s->hash == hash)
			return s->item - 1;
	}
}

int
snap_builder_new(enum snap_kind kind, uint64_t revision, int64_t created_s,
    struct snap_builder **ret)
{
	struct snap_builder *b;

	if (kind != SNAP_PUBLIC && kind != SNAP_PRIVATE)
		return IAM_ERR_ARG;
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return IAM_ERR_MEMORY;
	b->info.kind = kind;
	b->info.revision = revision;
	b->info.created_s = created_s;
	*ret = b;
	return 0;
}

void
snap_builder_free(struct snap_builder *b)
{
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; i < PART_COUNT; i++) {
		free(b->parts[i].items);
		free(b->parts[i].by_name.slots);
		free(b->parts[i].by_id.slots);
		free(b->parts[i].by_value.slots);
	}
	buf_release(&b->arena);
	free(b);
}

static bool
has_key(const struct snap_builder *b, const struct item *it, bool by_id,
    const void *key, size_t len)
{
	if (by_id)
		return it->has_id && memcmp(it->id, key, len) == 0;
	return it->name_len == len &&
	    memcmp(b->arena.p + it->name, key, len) == 0;
}

static bool
key_taken(const struct snap_builder *b, const struct part *p, bool by_id,
    uint64_t hash, const void *key, size_t len)
{
	const struct index *ix = by_id ? &p->by_id : &p->by_name;
	size_t pos = 0;
	uint32_t i;

	while ((i = index_next(ix, hash, &pos)) != NO_ITEM) {
		if (has_key(b, &p->items[i], by_id, key, len))
			return true;
	}
	return false;
}

/* An item with these bytes that has no such key yet. */
static uint32_t
same_value(const struct snap_builder *b, const struct part *p, bool by_id,
    uint64_t hash, const void *value, size_t len)
{
	const struct item *it;
	size_t pos = 0;
	uint32_t i;

	while ((i = index_next(&p->by_value, hash, &pos)) != NO_ITEM) {
		it = &p->items[i];
		if ((by_id ? !it->has_id : it->name_len == 0) &&
		    it->value_len == len &&
		    memcmp(b->arena.p + it->value, value, len) == 0)
			return i;
	}
	return NO_ITEM;
}

static int
items_reserve(struct part *p)
{
	uint32_t cap = p->cap < 16 ? 16 : p->cap + p->cap / 2;
	struct item *items;

	if (p->count < p->cap)
		return 0;
	if (cap >= NO_ITEM / 2)
		return IAM_ERR_LIMIT;
	items = reallocarray(p->items, cap, sizeof(*items));
	if (items == NULL)
		return IAM_ERR_MEMORY;
	p->items = items;
	p->cap = cap;
	return 0;
}

static size_t
keep(struct snap_builder *b, const void *data, size_t len)
{
	size_t at = b->arena.len;

	buf_put(&b->arena, data, len);
	return at;
}

static void
set_key(struct snap_builder *b, struct item *it, bool by_id, const void *key,
    size_t len)
{
	if (by_id) {
		memcpy(it->id, key, SNAP_ID_LEN);
		it->has_id = true;
		return;
	}
	it->name = keep(b, key, len);
	it->name_len = (uint32_t)len;
}

static uint32_t
new_item(struct snap_builder *b, struct part *p, uint64_t hash,
    const void *value, size_t len)
{
	struct item *it = &p->items[p->count];

	memset(it, 0, sizeof(*it));
	it->value = keep(b, value, len);
	it->value_len = (uint32_t)len;
	index_put(&p->by_value, hash, p->count);
	return p->count++;
}

int
snap_builder_add(struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len, const void *value, size_t value_len)
{
	bool by_id = snap_table_by_id(table);
	uint64_t key_hash, value_hash;
	struct index *ix;
	struct part *p;
	uint32_t i;
	int r;

	if (!snap_table_in_kind(table, b->info.kind) || key_len == 0 ||
	    key_len > SNAP_KEY_MAX || (by_id && key_len != SNAP_ID_LEN))
		return IAM_ERR_ARG;
	if (value_len > SNAP_VALUE_MAX)
		return IAM_ERR_LIMIT;
	p = &b->parts[part_of(table)];
	ix = by_id ? &p->by_id : &p->by_name;
	key_hash = snap_check64(key, key_len, (uint64_t)table);
	if (key_taken(b, p, by_id, key_hash, key, key_len))
		return IAM_ERR_CONFLICT;
	if ((r = items_reserve(p)) != 0 || (r = index_reserve(ix)) != 0 ||
	    (r = index_reserve(&p->by_value)) != 0)
		return r;
	value_hash = snap_check64(value, value_len, 0);
	i = same_value(b, p, by_id, value_hash, value, value_len);
	if (i == NO_ITEM)
		i = new_item(b, p, value_hash, value, value_len);
	set_key(b, &p->items[i], by_id, key, key_len);
	index_put(ix, key_hash, i);
	return b->arena.err;
}

static uint64_t
value_at(const struct item *it)
{
	return snap_round(SNAP_RECORD_HEAD + it->name_len +
	    (it->has_id ? SNAP_ID_LEN : 0), 8);
}

static uint64_t
record_len(const struct item *it)
{
	return value_at(it) + snap_round(it->value_len, 8);
}

static const struct index *
index_of(const struct snap_builder *b, enum snap_table t)
{
	const struct part *p = &b->parts[part_of(t)];

	return snap_table_by_id(t) ? &p->by_id : &p->by_name;
}

static int
lay_out(struct snap_builder *b, struct image *im)
{
	struct snap_row *row;
	uint64_t off = SNAP_HEADER_FIXED + 8, buckets;
	struct part *p;
	uint32_t i;
	unsigned t;

	for (t = 0; t < SNAP_TABLE_COUNT; t++)
		off += snap_table_in_kind(t, b->info.kind) ? SNAP_ROW_LEN : 0;
	off = snap_round(off, SNAP_BUCKET_LEN);
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (!snap_table_in_kind(t, b->info.kind))
			continue;
		row = &im->rows[t];
		row->keys = index_of(b, t)->count;
		buckets = row->keys / ENTRIES_PER_BUCKET + 1;
		row->buckets = (uint32_t)buckets;
		row->bucket_off = off;
		off += buckets * SNAP_BUCKET_LEN;
	}
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		row = &im->rows[t];
		if (row->buckets == 0)
			continue;
		if (snap_table_by_id(t)) { /* follows the one by name */
			row->record_off = row[-1].record_off;
			row->record_len = row[-1].record_len;
			continue;
		}
		row->record_off = off;
		p = &b->parts[part_of(t)];
		for (i = 0; i < p->count; i++) {
			p->items[i].off = off;
			off += record_len(&p->items[i]);
		}
		row->record_len = off - row->record_off;
	}
	im->size = off;
	return off > SNAP_FILE_MAX || off > BUF_SIZE_MAX ? IAM_ERR_LIMIT : 0;
}

static void
put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static void
put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static uint64_t
salt_of(const struct snap_builder *b)
{
	uint64_t head[3] = { htole64((uint64_t)b->info.kind),
	    htole64(b->info.revision), htole64((uint64_t)b->info.created_s) };
	uint64_t salt = snap_check64(head, sizeof(head), 0);
	const struct item *it;
	size_t n;
	uint32_t i;

	for (n = 0; n < PART_COUNT; n++) {
		for (i = 0; i < b->parts[n].count; i++) {
			it = &b->parts[n].items[i];
			salt = snap_check64(b->arena.p + it->name, it->name_len,
			    salt + n);
			salt = snap_check64(it->id, SNAP_ID_LEN, salt);
			salt = snap_check64(b->arena.p + it->value,
			    it->value_len, salt);
		}
	}
	return salt;
}

static void
put_record(const struct snap_builder *b, struct image *im,
    const struct item *it)
{
	uint8_t *p = im->p + it->off;

	put32(p + 4, it->value_len);
	p[8] = (uint8_t)it->name_len;
	p[9] = (uint8_t)(it->name_len >> 8);
	p[10] = it->has_id ? SNAP_ID_LEN : 0;
	memcpy(p + SNAP_RECORD_HEAD, b->arena.p + it->name, it->name_len);
	if (it->has_id)
		memcpy(p + SNAP_RECORD_HEAD + it->name_len, it->id, SNAP_ID_LEN);
	memcpy(p + value_at(it), b->arena.p + it->value, it->value_len);
	put32(p, (uint32_t)snap_check64(p + 4, (size_t)record_len(it) - 4,
	    im->salt ^ it->off));
}

static void
put_entry(struct image *im, const struct snap_row *row, uint64_t hash,
    uint64_t off)
{
	uint32_t i = snap_bucket_of(hash, row->buckets);
	uint8_t *base = im->p + row->bucket_off, *p;

	for (;;) {
		p = base + (size_t)i * SNAP_BUCKET_LEN;
		if (p[4] < SNAP_BUCKET_ENTRIES)
			break;
		p[5] = 1;
		i = i + 1 < row->buckets ? i + 1 : 0;
	}
	put32(p + 8 + (size_t)p[4] * 8, (uint32_t)hash);
	put32(p + 12 + (size_t)p[4] * 8, (uint32_t)(off / 8));
	p[4]++;
}

static void
put_table(const struct snap_builder *b, struct image *im, enum snap_table t)
{
	const struct snap_row *row = &im->rows[t];
	const struct part *p = &b->parts[part_of(t)];
	bool by_id = snap_table_by_id(t);
	const struct item *it;
	uint64_t off;
	uint32_t i;

	for (i = 0; i < p->count; i++) {
		it = &p->items[i];
		if (by_id ? !it->has_id : it->name_len == 0)
			continue;
		put_entry(im, row, by_id ?
		    snap_check64(it->id, SNAP_ID_LEN, (uint64_t)t) :
		    snap_check64(b->arena.p + it->name, it->name_len,
		    (uint64_t)t), it->off);
	}
	for (i = 0; i < row->buckets; i++) {
		off = row->bucket_off + (uint64_t)i * SNAP_BUCKET_LEN;
		put32(im->p + off, (uint32_t)snap_check64(im->p + off + 4,
		    SNAP_BUCKET_LEN - 4, im->salt ^ off));
	}
}

static void
put_header(const struct snap_builder *b, struct image *im)
{
	uint8_t *row = im->p + SNAP_HEADER_FIXED;
	const struct snap_row *r;
	uint32_t rows = 0;
	unsigned t;

	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		r = &im->rows[t];
		if (r->buckets == 0)
			continue;
		put32(row, t);
		put32(row + 4, r->buckets);
		put64(row + 8, r->bucket_off);
		put64(row + 16, r->record_off);
		put64(row + 24, r->record_len);
		put64(row + 32, r->keys);
		row += SNAP_ROW_LEN;
		rows++;
	}
	memcpy(im->p, SNAP_MAGIC, 8);
	put32(im->p + 8, SNAP_VERSION);
	put32(im->p + 12, (uint32_t)b->info.kind);
	put32(im->p + 16, (uint32_t)(row + 8 - im->p));
	put32(im->p + 20, rows);
	put64(im->p + 24, b->info.revision);
	put64(im->p + 32, (uint64_t)b->info.created_s);
	put64(im->p + 40, im->size);
	put64(im->p + 48, im->salt);
	put64(row, snap_check64(im->p, (size_t)(row - im->p), 0));
}

static int
make_image(struct snap_builder *b, struct image *im)
{
	uint32_t i;
	unsigned t;
	int r;

	buf_put(&b->arena, "", 0); /* so that it has an address when empty */
	if ((r = b->arena.err) != 0 || (r = lay_out(b, im)) != 0)
		return r;
	if ((im->p = calloc(1, (size_t)im->size)) == NULL)
		return IAM_ERR_MEMORY;
	im->salt = salt_of(b);
	for (t = 0; t < PART_COUNT; t++) {
		for (i = 0; i < b->parts[t].count; i++)
			put_record(b, im, &b->parts[t].items[i]);
	}
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (im->rows[t].buckets != 0)
			put_table(b, im, t);
	}
	put_header(b, im);
	return 0;
}

/* Is entry what file_replace calls its temporary file for name? */
static bool
is_leftover(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '.' &&
	    strlen(entry + len + 1) == 6 &&
	    strspn(entry + len + 1, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == 6;
}

/* Remove what a writer left that was killed: best effort, it only takes room. */
static void
sweep(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	struct dirent *e;
	DIR *d;
	int n;

	if (slash == NULL)
		return;
	n = snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - path), path);
	if (n < 0 || (size_t)n >= sizeof(dir) || (d = opendir(dir)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (is_leftover(e->d_name, slash + 1))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

/* Until no reader goes by a look at the file name from before the rename. */
static void
wait_for_tick(void)
{
	const struct timespec ms = { 0, 1000000 };
	unsigned tick = snap_tick(), n;

	for (n = 0; n < TICK_WAIT_MS && tick != 0 && snap_tick() == tick; n++)
		nanosleep(&ms, NULL);
}

int
snap_builder_write(struct snap_builder *b, const char *path, mode_t mode,
    gid_t gid)
{
	struct image im = { 0 };
	int r;

	if ((r = make_image(b, &im)) == 0) {
		sweep(path);
		r = file_replace(path, im.p, (size_t)im.size, mode, gid);
		wait_for_tick();
	}
	if (im.p != NULL)
		explicit_bzero(im.p, (size_t)im.size); /* password hashes */
	free(im.p);
	return r;
}
