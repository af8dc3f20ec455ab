#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* A file that was replaced between two opens is tried again. */
#define OPEN_TRIES 4

bool
snap_table_by_id(enum snap_table t)
{
	return t == SNAP_USER_UID || t == SNAP_GROUP_GID;
}

bool
snap_table_in_kind(enum snap_table t, enum snap_kind kind)
{
	if ((unsigned)t >= SNAP_TABLE_COUNT)
		return false;
	return (kind == SNAP_PUBLIC) == (t < SNAP_PRINCIPAL || t == SNAP_SUBIDS);
}

/* Of whole blocks, and not the header. */
static bool
inside(uint64_t off, uint64_t len, uint64_t size)
{
	return off >= SNAP_BLOCK && off % SNAP_BLOCK == 0 && off <= size &&
	    len <= size - off;
}

static uint64_t
bucket_len(const struct snap_row *row)
{
	return snap_round((uint64_t)row->buckets * SNAP_BUCKET_LEN, SNAP_BLOCK);
}

static int
read_row(struct snap_file *f, struct rd *r)
{
	struct snap_row row;
	uint32_t table = rd_u32(r);

	row.buckets = rd_u32(r);
	row.bucket_off = rd_u64(r);
	row.record_off = rd_u64(r);
	row.record_len = rd_u64(r);
	row.keys = rd_u64(r);
	row.total = rd_u64(r);
	if (r->err != 0)
		return r->err;
	if (table >= SNAP_TABLE_COUNT)
		return 0;
	if (!snap_table_in_kind(table, f->info.kind) ||
	    f->rows[table].buckets != 0 || row.buckets == 0 ||
	    !inside(row.bucket_off, bucket_len(&row), f->info.size) ||
	    !inside(row.record_off, row.record_len, f->info.size) ||
	    row.record_len % SNAP_BLOCK != 0)
		return IAM_ERR_FORMAT;
	f->rows[table] = row;
	return 0;
}

/* All buckets come before all records, so that a block is one or the other. */
static int
find_border(struct snap_file *f)
{
	const struct snap_row *row;
	unsigned t;

	f->records = f->info.size;
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (f->rows[t].buckets != 0 && f->rows[t].record_off < f->records)
			f->records = f->rows[t].record_off;
	}
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		row = &f->rows[t];
		if (row->buckets != 0 &&
		    row->bucket_off + bucket_len(row) > f->records)
			return IAM_ERR_FORMAT;
	}
	return 0;
}

static int
read_rows(struct snap_file *f, struct rd *r, uint32_t count)
{
	unsigned t;
	int err;

	while (count-- > 0) {
		if ((err = read_row(f, r)) != 0)
			return err;
	}
	/* Subordinate ids came later: a file without their row has none. */
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (snap_table_in_kind(t, f->info.kind) && t != SNAP_SUBIDS &&
		    f->rows[t].buckets == 0)
			return IAM_ERR_FORMAT;
	}
	return find_border(f);
}

/* Magic and version, before anything else is believed. */
static int
check_header(struct snap_file *f, uint8_t p[SNAP_BLOCK])
{
	int r;

	if ((r = snap_read(f, 0, p, SNAP_BLOCK)) != 0)
		return r;
	if (memcmp(p, SNAP_MAGIC, 8) != 0)
		return IAM_ERR_FORMAT;
	if (le_u32(p + 8) != SNAP_VERSION)
		return IAM_ERR_VERSION;
	return snap_check64(p, SNAP_BLOCK - 8, 0) ==
	    le_u64(p + SNAP_BLOCK - 8) ? 0 : IAM_ERR_FORMAT;
}

static int
read_header(struct snap_file *f)
{
	uint8_t header[SNAP_BLOCK];
	uint32_t rows;
	struct rd r;
	int err;

	if ((err = check_header(f, header)) != 0)
		return err;
	rd_init(&r, header + 12, SNAP_BLOCK - 12 - 8);
	if (rd_u32(&r) != (uint32_t)f->info.kind || rd_u32(&r) != SNAP_BLOCK)
		return IAM_ERR_FORMAT;
	rows = rd_u32(&r);
	f->info.revision = rd_u64(&r);
	f->info.created_s = (int64_t)rd_u64(&r);
	if (rd_u64(&r) != f->info.size)
		return IAM_ERR_FORMAT;
	f->salt = rd_u64(&r);
	f->under = rd_u64(&r);
	if (rows > SNAP_BLOCK / SNAP_ROW_LEN)
		return IAM_ERR_FORMAT;
	return read_rows(f, &r, rows);
}

/* ---- files ---- */

static void
release_file(struct snap_file *f)
{
	if (f == NULL || atomic_fetch_sub(&f->users, 1) != 1)
		return;
	snap_blocks_close(f);
	free(f);
}

static int
open_one(const char *path, enum snap_kind kind, struct snap_file **ret)
{
	size_t len = strlen(path) + 1;
	struct snap_file *f;
	int r, saved;

	if ((f = calloc(1, sizeof(*f) + len)) == NULL)
		return IAM_ERR_MEMORY;
	memcpy(f->path, path, len);
	f->info.kind = kind;
	if ((r = snap_blocks_open(f)) == 0 && (r = read_header(f)) == 0) {
		*ret = f;
		return 0;
	}
	saved = errno;
	release_file(f);
	errno = saved;
	return r;
}

/*
 * The file that top lies on. IAM_ERR_CONFLICT when it is not there: then top
 * has been replaced meanwhile.
 */
static int
open_under(const struct snap_file *top, const char *path,
    struct snap_file **ret)
{
	char name[PATH_MAX];
	int r;

	if ((r = snap_under_path(path, top->under, name, sizeof(name))) != 0)
		return r;
	if ((r = open_one(name, top->info.kind, ret)) != 0)
		return r == IAM_ERR_ABSENT ? IAM_ERR_CONFLICT : r;
	if ((*ret)->salt != top->under || (*ret)->under != 0) {
		release_file(*ret);
		*ret = NULL;
		return IAM_ERR_FORMAT;
	}
	return 0;
}

/* Both are one revision: what lies under a file never changes. */
static int
open_both(struct snap *s, const char *path, enum snap_kind kind,
    const struct snap *old)
{
	int r;

	if ((r = open_one(path, kind, &s->top)) != 0 || s->top->under == 0)
		return r;
	if (old != NULL && old->under != NULL &&
	    old->under->salt == s->top->under) {
		s->under = old->under;
		atomic_fetch_add(&s->under->users, 1);
		return 0;
	}
	return open_under(s->top, path, &s->under);
}

int
snap_open_next(const char *path, enum snap_kind kind, const struct snap *old,
    struct snap **ret)
{
	struct snap *s;
	unsigned n;
	int r = IAM_ERR_CONFLICT, saved;

	if (kind != SNAP_PUBLIC && kind != SNAP_PRIVATE)
		return IAM_ERR_ARG;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return IAM_ERR_MEMORY;
	for (n = 0; n < OPEN_TRIES && r == IAM_ERR_CONFLICT; n++) {
		release_file(s->top);
		s->top = NULL;
		/* Taken first: what changes after it is seen at the next tick. */
		atomic_store(&s->tick, snap_tick());
		r = open_both(s, path, kind, old);
	}
	if (r == 0) {
		*ret = s;
		return 0;
	}
	saved = errno;
	snap_close(s);
	errno = saved;
	/* Replaced each time, or else somebody has removed what it lies on. */
	return r == IAM_ERR_CONFLICT ? IAM_ERR_FORMAT : r;
}

int
snap_open(const char *path, enum snap_kind kind, struct snap **ret)
{
	int r = snap_open_next(path, kind, NULL, ret);

	if (r == 0) {
		(*ret)->top->held = false;
		if ((*ret)->under != NULL)
			(*ret)->under->held = false;
	}
	return r;
}

void
snap_close(struct snap *s)
{
	if (s == NULL)
		return;
	release_file(s->top);
	release_file(s->under);
	free(s);
}

void
snap_info(const struct snap *s, struct snap_info *ret)
{
	*ret = s->top->info;
	ret->gid = s->top->id.gid;
	ret->changes = s->under == NULL ? 0 : ret->size;
	ret->size += s->under == NULL ? 0 : s->under->info.size;
}

uint64_t
snap_count(const struct snap *s, enum snap_table table)
{
	return (unsigned)table < SNAP_TABLE_COUNT ? s->top->rows[table].total :
	    0;
}
