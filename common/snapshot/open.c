#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	return (kind == SNAP_PUBLIC) == (t < SNAP_PRINCIPAL);
}

static bool
inside(uint64_t off, uint64_t len, uint64_t size, uint64_t align)
{
	return off % align == 0 && off <= size && len <= size - off;
}

static int
read_row(struct snap *s, struct rd *r)
{
	struct snap_row row;
	uint32_t table = rd_u32(r);

	row.buckets = rd_u32(r);
	row.bucket_off = rd_u64(r);
	row.record_off = rd_u64(r);
	row.record_len = rd_u64(r);
	row.keys = rd_u64(r);
	if (r->err != 0)
		return r->err;
	if (table >= SNAP_TABLE_COUNT)
		return 0;
	if (!snap_table_in_kind(table, s->info.kind) ||
	    s->rows[table].buckets != 0 || row.buckets == 0 ||
	    !inside(row.bucket_off, (uint64_t)row.buckets * SNAP_BUCKET_LEN,
	    s->info.size, SNAP_BUCKET_LEN) ||
	    !inside(row.record_off, row.record_len, s->info.size, 8) ||
	    row.record_len % 8 != 0)
		return IAM_ERR_FORMAT;
	s->rows[table] = row;
	return 0;
}

static int
read_rows(struct snap *s, struct rd *r, uint32_t count)
{
	unsigned t;
	int err;

	while (count-- > 0) {
		if ((err = read_row(s, r)) != 0)
			return err;
	}
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (snap_table_in_kind(t, s->info.kind) &&
		    s->rows[t].buckets == 0)
			return IAM_ERR_FORMAT;
	}
	return 0;
}

/* Magic, version and length, before anything else is believed. */
static int
check_header(const struct snap *s, struct snap_bytes *ret)
{
	struct snap_bytes b;
	uint32_t len;
	int r;

	if ((r = snap_slice(s, 0, SNAP_HEADER_FIXED, 0, &b)) != 0)
		return r;
	if (memcmp(b.p, SNAP_MAGIC, 8) != 0)
		return IAM_ERR_FORMAT;
	if (snap_get32(b.p + 8) != SNAP_VERSION)
		return IAM_ERR_VERSION;
	len = snap_get32(b.p + 16);
	if (len < SNAP_HEADER_FIXED + 8 || len > SNAP_HEADER_MAX)
		return IAM_ERR_FORMAT;
	if ((r = snap_slice(s, 0, len, 0, &b)) != 0)
		return r;
	if (snap_check64(b.p, len - 8, 0) != snap_get64(b.p + len - 8))
		return IAM_ERR_FORMAT;
	*ret = b;
	return 0;
}

static int
read_header(struct snap *s)
{
	struct snap_bytes h;
	uint32_t rows;
	struct rd r;
	int err;

	if ((err = check_header(s, &h)) != 0)
		return err;
	rd_init(&r, h.p + 12, h.len - 12 - 8);
	if (rd_u32(&r) != (uint32_t)s->info.kind)
		return IAM_ERR_FORMAT;
	(void)rd_u32(&r);
	rows = rd_u32(&r);
	s->info.revision = rd_u64(&r);
	s->info.created_s = (int64_t)rd_u64(&r);
	if (rd_u64(&r) != s->info.size)
		return IAM_ERR_FORMAT;
	s->salt = rd_u64(&r);
	(void)rd_u64(&r);
	if (rows > h.len / SNAP_ROW_LEN)
		return IAM_ERR_FORMAT;
	if ((err = read_rows(s, &r, rows)) != 0)
		return err;
	return rd_end(&r);
}

int
snap_open(const char *path, enum snap_kind kind, struct snap **ret)
{
	struct snap *s;
	int r, saved;

	if (kind != SNAP_PUBLIC && kind != SNAP_PRIVATE)
		return IAM_ERR_ARG;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return IAM_ERR_MEMORY;
	s->info.kind = kind;
	if ((r = snap_blocks_open(s, path)) != 0 || (r = read_header(s)) != 0) {
		saved = errno;
		snap_close(s);
		errno = saved;
		return r;
	}
	*ret = s;
	return 0;
}

void
snap_close(struct snap *s)
{
	if (s == NULL)
		return;
	snap_blocks_close(s);
	free(s);
}

void
snap_info(const struct snap *s, struct snap_info *ret)
{
	*ret = s->info;
}

uint64_t
snap_count(const struct snap *s, enum snap_table table)
{
	return (unsigned)table < SNAP_TABLE_COUNT ? s->rows[table].keys : 0;
}
