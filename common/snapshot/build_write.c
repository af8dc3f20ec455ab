/*
 * From what was collected to the file. The file is laid out first, and then
 * written from its start to its end, so that it is never in memory as a whole.
 */
#include "common/base/base.h"
#include "common/snapshot/accounts.h"
#include "common/snapshot/build.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Of 20: one bucket in eight overflows. */
#define ENTRIES_IN_TWO 13
#define TICK_WAIT_MS 100
#define WRITE_SIZE ((size_t)1 << 20)

/* ---- layout ---- */

/* Are both keys in the value, where readers look for them? */
static bool
is_inside(enum part_number n, const struct item *it)
{
	return snap_numbered_table(n) != SNAP_TABLE_COUNT &&
	    (it->flags & (SNAP_NAMED | SNAP_NUMBERED | SNAP_GONE)) ==
	    (SNAP_NAMED | SNAP_NUMBERED) &&
	    snap_name_inside(it->value, it->value_len, it->name,
	    it->name_len) != NULL &&
	    memcmp(it->value, it->id, SNAP_ID_LEN) == 0;
}

/* Most users have so little that a short head says it. */
static unsigned
form_of(enum part_number n, const struct item *it)
{
	uint64_t len = SNAP_HEAD_SHORT + (uint64_t)it->value_len + it->extra_len;

	if (!is_inside(n, it))
		return 0;
	return len > SNAP_BLOCK - SNAP_CHECK_LEN ? SNAP_INSIDE :
	    SNAP_INSIDE | SNAP_SHORT;
}

static size_t
named_len(const struct item *it)
{
	return (it->flags & SNAP_INSIDE) != 0 ? 0 : it->name_len;
}

static size_t
id_len(const struct item *it)
{
	return (it->flags & SNAP_INSIDE) == 0 && (it->flags & SNAP_NUMBERED) != 0 ?
	    SNAP_ID_LEN : 0;
}

/* The parts of a record at off: what snap_extent_of will say of it. */
static struct snap_extent
extent_at(const struct item *it, uint64_t off)
{
	struct snap_extent e = { .name = SNAP_HEAD_LONG,
		.value = SNAP_HEAD_SHORT };
	unsigned odd = off % 8;

	if ((it->flags & SNAP_SHORT) == 0)
		e.value = (size_t)snap_round(odd + SNAP_HEAD_LONG +
		    named_len(it) + id_len(it), 8) - odd;
	e.extra = e.value + it->value_len;
	e.len = (size_t)snap_round((uint64_t)e.extra + it->extra_len, SNAP_ALIGN);
	return e;
}

/* No record crosses the end of a block, but one that is longer than a block. It has
 * its blocks for itself. */
static uint64_t
place(const struct item *it, uint64_t off)
{
	uint64_t left = SNAP_BLOCK - off % SNAP_BLOCK;

	if (left == SNAP_BLOCK || left < extent_at(it, off).len)
		return snap_round(off, SNAP_BLOCK) + SNAP_CHECK_LEN;
	return off;
}

static uint64_t
count_keys(const struct part *p, enum snap_table t)
{
	unsigned flag = snap_table_by_id(t) ? SNAP_NUMBERED : SNAP_NAMED;
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < p->count; i++) {
		if (p->items[i].skip)
			continue;
		if (t == SNAP_MEMBER_OF)
			n += p->items[i].extra_len > 0;
		else
			n += (p->items[i].flags & flag) != 0;
	}
	return n;
}

static uint64_t
lay_out_buckets(struct snap_builder *b, struct image *im, uint64_t off)
{
	struct snap_row *row;
	unsigned t;

	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (!snap_table_in_kind(t, b->info.kind))
			continue;
		row = &im->rows[t];
		row->keys = count_keys(&b->parts[snap_part_of(t)], t);
		if (t == SNAP_MEMBER_OF) { /* found through the users */
			row->buckets = im->rows[SNAP_USER_NAME].buckets;
			row->bucket_off = im->rows[SNAP_USER_NAME].bucket_off;
			continue;
		}
		row->buckets = (uint32_t)(row->keys * 2 / ENTRIES_IN_TWO + 1);
		row->bucket_off = off;
		off += snap_round((uint64_t)row->buckets * SNAP_BUCKET_LEN,
		    SNAP_BLOCK);
	}
	return off;
}

static uint64_t
lay_out_records(struct snap_builder *b, enum part_number n, uint64_t off)
{
	struct part *p = &b->parts[n];
	struct item *it;
	uint32_t i;

	for (i = 0; i < p->count; i++) {
		it = &p->items[i];
		if (it->skip)
			continue;
		it->flags = (uint8_t)(it->flags | form_of(n, it));
		it->off = place(it, off);
		off = it->off + extent_at(it, it->off).len;
		if (off - it->off > SNAP_BLOCK - SNAP_CHECK_LEN)
			off = snap_round(off, SNAP_BLOCK);
	}
	return snap_round(off, SNAP_BLOCK);
}

int
snap_image_lay_out(struct snap_builder *b, struct image *im)
{
	uint64_t off = lay_out_buckets(b, im, SNAP_BLOCK), end;
	unsigned t;

	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		struct snap_row *row = &im->rows[t];

		if (row->buckets == 0)
			continue;
		if (t == SNAP_USER_UID || t == SNAP_GROUP_GID ||
		    t == SNAP_MEMBER_OF) {
			row->record_off = im->rows[snap_named_table(
			    snap_part_of(t))].record_off;
			row->record_len = im->rows[snap_named_table(
			    snap_part_of(t))].record_len;
			continue;
		}
		end = lay_out_records(b, snap_part_of(t), off);
		row->record_off = off;
		row->record_len = end - off;
		off = end;
	}
	im->size = off;
	return off > SNAP_FILE_MAX ? IAM_ERR_LIMIT : 0;
}

/* Different for whatever else ever has this name, so that no block of it fits. */
static uint64_t
salt_of(const struct snap_builder *b, const struct image *im)
{
	uint64_t head[4] = { htole64((uint64_t)b->info.kind),
	    htole64(b->info.revision), htole64((uint64_t)b->info.created_s),
	    htole64(im->under) };
	uint64_t salt = snap_check64(head, sizeof(head), 0);
	const struct item *it;
	size_t n;
	uint32_t i;

	for (n = 0; n < PART_COUNT; n++) {
		for (i = 0; i < b->parts[n].count; i++) {
			it = &b->parts[n].items[i];
			salt = snap_check64(it->name, it->name_len,
			    salt + n + it->flags);
			salt = snap_check64(it->id, SNAP_ID_LEN, salt);
			salt = snap_check64(it->value, it->value_len, salt);
			salt = snap_check64(it->extra, it->extra_len, salt);
		}
	}
	return salt != 0 ? salt : 1; /* 0 is "none" */
}

/* ---- bytes ---- */

static void
put16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
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

/* Blocks on their way to the file. */
struct out {
	int fd, err;
	uint64_t off;  /* in the file, of what is behind the bytes in p */
	uint64_t salt;
	uint8_t *p;
	size_t used, cap;
};

static void
flush(struct out *o)
{
	if (o->err == 0)
		o->err = file_write_all(o->fd, o->p, o->used);
	explicit_bzero(o->p, o->used); /* password hashes */
	o->used = 0;
}

/* len zero bytes to be filled, whole blocks; NULL when that is not possible. */
static uint8_t *
next_blocks(struct out *o, size_t len)
{
	uint8_t *p;

	if (o->cap - o->used < len)
		flush(o);
	if (o->cap < len) {
		free(o->p);
		o->cap = len;
		if ((o->p = calloc(1, len)) == NULL) {
			o->cap = 0;
			if (o->err == 0)
				o->err = IAM_ERR_MEMORY;
		}
	}
	if (o->err != 0)
		return NULL;
	p = o->p + o->used;
	o->used += len;
	o->off += len;
	return p;
}

static void
seal(const struct out *o, uint8_t *p, size_t len)
{
	put32(p, (uint32_t)snap_check64(p + 4, len - 4,
	    o->salt ^ (o->off - len)));
}

/* ---- header ---- */

static void
put_header(const struct snap_builder *b, const struct image *im, struct out *o)
{
	uint8_t *p = next_blocks(o, SNAP_BLOCK), *row;
	const struct snap_row *r;
	uint32_t rows = 0;
	unsigned t;

	if (p == NULL)
		return;
	row = p + SNAP_HEADER_FIXED;
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
		put64(row + 40, r->total);
		row += SNAP_ROW_LEN;
		rows++;
	}
	memcpy(p, SNAP_MAGIC, 8);
	put32(p + 8, SNAP_VERSION);
	put32(p + 12, (uint32_t)b->info.kind);
	put32(p + 16, SNAP_BLOCK);
	put32(p + 20, rows);
	put64(p + 24, b->info.revision);
	put64(p + 32, (uint64_t)b->info.created_s);
	put64(p + 40, im->size);
	put64(p + 48, im->salt);
	put64(p + 56, im->under);
	put64(p + SNAP_BLOCK - 8, snap_check64(p, SNAP_BLOCK - 8, 0));
}

/* ---- buckets ---- */

static void
put_entry(uint8_t *table, uint32_t buckets, uint64_t hash, uint64_t off)
{
	uint32_t i = snap_bucket_of(hash, buckets);
	uint8_t *b;
	unsigned n;

	for (;; i = i + 1 < buckets ? i + 1 : 0) {
		b = table + (size_t)i * SNAP_BUCKET_LEN;
		for (n = 0; n < SNAP_BUCKET_ENTRIES; n++) {
			if (le_u32(b + SNAP_BUCKET_OFFSETS + 4 * n) != 0)
				continue;
			put16(b + SNAP_CHECK_LEN + 2 * n, (uint16_t)hash);
			put32(b + SNAP_BUCKET_OFFSETS + 4 * n,
			    (uint32_t)(off / SNAP_ALIGN));
			return;
		}
	}
}

static void
fill_table(const struct part *p, enum snap_table t, uint32_t buckets,
    uint8_t *table)
{
	bool by_id = snap_table_by_id(t);
	const struct item *it;
	uint32_t i;

	for (i = 0; i < p->count; i++) {
		it = &p->items[i];
		if (it->skip ||
		    (it->flags & (by_id ? SNAP_NUMBERED : SNAP_NAMED)) == 0)
			continue;
		put_entry(table, buckets, by_id ?
		    snap_hash(t, it->id, SNAP_ID_LEN) :
		    snap_hash(t, it->name, it->name_len), it->off);
	}
}

static void
put_table(const struct snap_builder *b, const struct image *im,
    enum snap_table t, struct out *o)
{
	uint32_t buckets = im->rows[t].buckets;
	size_t len = (size_t)snap_round((uint64_t)buckets * SNAP_BUCKET_LEN,
	    SNAP_BLOCK), at;
	uint8_t *table, *block;

	if ((table = calloc(1, len)) == NULL) {
		o->err = o->err != 0 ? o->err : IAM_ERR_MEMORY;
		return;
	}
	fill_table(&b->parts[snap_part_of(t)], t, buckets, table);
	for (at = 0; at < len; at += SNAP_BLOCK) {
		if ((block = next_blocks(o, SNAP_BLOCK)) == NULL)
			break;
		memcpy(block, table + at, SNAP_BLOCK);
		seal(o, block, SNAP_BLOCK);
	}
	free(table);
}

/* ---- records ---- */

static void
put_head(uint8_t *p, const struct item *it)
{
	if ((it->flags & SNAP_SHORT) != 0) {
		put32(p, it->flags | it->value_len << 8 | it->extra_len << 20);
		return;
	}
	put32(p, it->flags | (uint32_t)id_len(it) << 8 |
	    (uint32_t)named_len(it) << 16);
	put32(p + 4, it->value_len);
	put32(p + 8, it->extra_len);
	if (named_len(it) > 0)
		memcpy(p + SNAP_HEAD_LONG, it->name, named_len(it));
	memcpy(p + SNAP_HEAD_LONG + named_len(it), it->id, id_len(it));
}

static void
put_record(uint8_t *p, const struct item *it)
{
	struct snap_extent e = extent_at(it, it->off);

	put_head(p, it);
	if (it->value_len > 0)
		memcpy(p + e.value, it->value, it->value_len);
	if (it->extra_len > 0)
		memcpy(p + e.extra, it->extra, it->extra_len);
}

/* Each block, or run of blocks, is sealed when nothing more comes into it. */
static void
put_records(const struct part *p, struct out *o)
{
	uint64_t start = 0; /* of the blocks that are being filled */
	uint8_t *block = NULL;
	const struct item *it;
	size_t len = 0;
	uint32_t i;

	for (i = 0; i < p->count; i++) {
		it = &p->items[i];
		if (it->skip)
			continue;
		if (block == NULL || it->off >= start + len) {
			if (block != NULL)
				seal(o, block, len);
			start = o->off;
			len = (size_t)snap_round(SNAP_CHECK_LEN +
			    (uint64_t)extent_at(it, it->off).len, SNAP_BLOCK);
			if ((block = next_blocks(o, len)) == NULL)
				return;
		}
		put_record(block + (it->off - start), it);
	}
	if (block != NULL)
		seal(o, block, len);
}

int
snap_image_write(struct snap_builder *b, struct image *im, int fd)
{
	struct out o = { .fd = fd, .salt = im->salt, .cap = WRITE_SIZE };
	unsigned t;

	if (im->size < o.cap)
		o.cap = (size_t)im->size;
	if ((o.p = calloc(1, o.cap)) == NULL)
		return IAM_ERR_MEMORY;
	put_header(b, im, &o);
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (im->rows[t].buckets != 0 && t != SNAP_MEMBER_OF)
			put_table(b, im, t, &o);
	}
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (im->rows[t].buckets != 0 &&
		    snap_named_table(snap_part_of(t)) == t)
			put_records(&b->parts[snap_part_of(t)], &o);
	}
	if (o.p != NULL)
		flush(&o);
	if (o.err == 0 && o.off != im->size)
		o.err = IAM_ERR_BUG;
	free(o.p);
	return o.err;
}

/* ---- names ---- */

static bool
is_of(const char *s, size_t len, const char *letters)
{
	return strlen(s) == len && strspn(s, letters) == len;
}

/* Is entry what file_replace calls its temporary file for name? */
static bool
is_leftover(const char *rest)
{
	return is_of(rest, 6, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

static bool
is_under(const char *rest)
{
	return is_of(rest, SNAP_UNDER_SUFFIX - 1, "0123456789abcdef");
}

/*
 * Remove the files beside path whose names go on with a dot and what is_it
 * says, but for keep: best effort, they only take room.
 */
static void
sweep(const char *path, bool (*is_it)(const char *), const char *keep)
{
	const char *slash = strrchr(path, '/'), *rest;
	char dir[PATH_MAX];
	struct dirent *e;
	size_t len;
	DIR *d;
	int n;

	if (slash == NULL)
		return;
	n = snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - path), path);
	if (n < 0 || (size_t)n >= sizeof(dir) || (d = opendir(dir)) == NULL)
		return;
	len = strlen(slash + 1);
	while ((e = readdir(d)) != NULL) {
		rest = e->d_name + len;
		if (strncmp(e->d_name, slash + 1, len) == 0 && *rest == '.' &&
		    is_it(rest + 1) && strcmp(rest, keep) != 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

/* What a writer left that was killed. */
void
snap_sweep_leftovers(const char *path)
{
	sweep(path, is_leftover, "");
}

/* What the new file does not lie on. */
static void
sweep_under(const char *path, uint64_t salt)
{
	char keep[SNAP_UNDER_SUFFIX + 1];

	if (snap_under_path("", salt, keep, sizeof(keep)) == 0)
		sweep(path, is_under, keep);
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

/*
 * The file that path's new one will lie on gets its name. It has it already
 * unless it was everything until now; then it must have both for a moment. One that
 * was made beside has no other from now on: a name less would change its ctime, and
 * whoever had opened it would take it for another file.
 */
static int
keep_under(const struct snap_builder *b, const struct image *im,
    const char *path)
{
	const char *from = b->low != NULL ? b->low->path : path;
	char name[PATH_MAX];
	int r;

	if (b->low == NULL && b->under->under != NULL)
		return 0;
	if ((r = snap_under_path(path, im->under, name, sizeof(name))) != 0)
		return r;
	(void)unlink(name);
	if ((b->low != NULL ? rename(from, name) : link(from, name)) != 0)
		return IAM_ERR_IO;
	return file_sync_dir(path);
}

/* ---- writing ---- */

struct job {
	struct snap_builder *b;
	struct image *im;
};

static int
fill(int fd, void *arg)
{
	struct job *job = arg;

	return snap_image_write(job->b, job->im, fd);
}

static int
prepare(struct snap_builder *b, bool whole, struct image *im)
{
	int r;

	*im = (struct image){ 0 };
	if ((r = snap_builder_combine(b, whole, im)) != 0)
		return r;
	return snap_image_lay_out(b, im);
}

/* Are they few enough to be worth a file of their own? */
static bool
is_small(const struct snap_builder *b, const struct image *im)
{
	return im->size * 4 <= snap_builder_low(b)->info.size;
}

void
snap_replaced(const char *path, uint64_t under)
{
	sweep_under(path, under);
	wait_for_tick();
}

int
snap_builder_write_file(struct snap_builder *b, bool whole, const char *path,
    mode_t mode, gid_t gid)
{
	struct image im;
	struct job job = { b, &im };
	int r;

	if ((r = prepare(b, whole, &im)) != 0)
		return r;
	/* A file system without links has whole files. */
	if (im.under != 0 && (!is_small(b, &im) ||
	    keep_under(b, &im, path) != 0) && (r = prepare(b, true, &im)) != 0)
		return r;
	im.salt = salt_of(b, &im);
	snap_sweep_leftovers(path);
	if ((r = file_replace_by(path, fill, &job, mode, gid)) == 0)
		sweep_under(path, im.under);
	wait_for_tick();
	return r;
}

int
snap_builder_write(struct snap_builder *b, const char *path, mode_t mode,
    gid_t gid)
{
	return snap_builder_write_file(b, false, path, mode, gid);
}
