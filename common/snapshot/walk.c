/*
 * Walks through a table, in the order of the file.
 *
 * Each has a window of its own that moves over the file, so that a process that
 * goes through a large one does not come to have it all in memory.
 */
#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <stdlib.h>

#define WINDOW ((size_t)64 << 10)

struct snap_window {
	const struct snap_file *f;
	uint64_t off;   /* in the file */
	size_t len;     /* so much has been read, */
	size_t checked; /* and so much of it is good */
	size_t cap;
	_Alignas(16) uint8_t data[];
};

static void
free_window(struct snap_cursor *c)
{
	if (c->window != NULL)
		explicit_bzero(c->window->data, c->window->len);
	free(c->window);
	c->window = NULL;
}

void
snap_cursor_release(struct snap_cursor *c)
{
	free_window(c);
	c->at = 0;
}

/* Read from off on: want bytes at least, and more when there are so many. */
static int
fill_window(struct snap_cursor *c, const struct snap_file *f, uint64_t off,
    uint64_t end, size_t want)
{
	size_t len = end - off < WINDOW ? (size_t)(end - off) : WINDOW;
	struct snap_window *w = c->window;
	int r;

	len = len < want ? want : len;
	if (len > end - off)
		return IAM_ERR_FORMAT;
	if (w == NULL || w->cap < len) {
		free_window(c);
		if ((w = malloc(sizeof(*w) + len)) == NULL)
			return IAM_ERR_MEMORY;
		w->cap = len;
		c->window = w;
	}
	w->f = f;
	w->off = off;
	w->len = w->checked = 0;
	if ((r = snap_read(f, off, w->data, len)) == 0)
		w->len = len;
	return r;
}

/* Check what begins at block, and move the window there first where it must. */
static int
check_next(struct snap_cursor *c, const struct snap_file *f, uint64_t block,
    uint64_t end)
{
	struct snap_window *w = c->window;
	size_t len;
	int r;

	if ((w == NULL || w->f != f || block != w->off + w->checked ||
	    w->len - w->checked < SNAP_BLOCK) &&
	    (r = fill_window(c, f, block, end, SNAP_BLOCK)) != 0)
		return r;
	w = c->window;
	if ((r = snap_unit_len(f, block, w->data + w->checked, &len)) != 0)
		return r;
	if (w->len - w->checked < len) {
		if ((r = fill_window(c, f, block, end, len)) != 0)
			return r;
		w = c->window;
		/* It may have changed since: the check of what is there now. */
		if ((r = snap_unit_len(f, block, w->data, &len)) != 0 ||
		    len > w->len)
			return IAM_ERR_FORMAT;
	}
	r = snap_unit_check(f, block, w->data + w->checked, len);
	if (r == 0)
		w->checked += len;
	return r;
}

/* The record at off, in the window. */
static int
record_in_window(struct snap_cursor *c, const struct snap_file *f, uint64_t off,
    uint64_t end, struct snap_record *ret)
{
	uint64_t block = off - off % SNAP_BLOCK;
	const struct snap_window *w = c->window;
	int r;

	if ((w == NULL || w->f != f || block < w->off ||
	    block - w->off >= w->checked) &&
	    (r = check_next(c, f, block, end)) != 0)
		return r;
	w = c->window;
	return snap_record_in(w->data + (block - w->off),
	    w->checked - (size_t)(block - w->off), off, ret);
}

int
snap_record_next(const struct snap_file *f, const struct snap_row *row,
    struct snap_cursor *c, bool *ret_found, struct snap_record *ret)
{
	uint64_t off = row->record_off + c->at;
	uint64_t end = row->record_off + row->record_len;
	int r;

	*ret_found = false;
	if (c->at >= row->record_len)
		return 0;
	while (off < end) {
		if (off % SNAP_BLOCK == 0)
			off += SNAP_CHECK_LEN;
		if ((r = record_in_window(c, f, off, end, ret)) != 0)
			return r;
		if (ret->flags != 0) {
			c->at = ret->end - row->record_off;
			*ret_found = true;
			return 0;
		}
		/* The rest of the block is empty. */
		off = snap_round(off, SNAP_BLOCK);
	}
	c->at = row->record_len;
	return 0;
}

/* ---- both files ---- */

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

/* The next one of a file that counts. */
static int
next_in(const struct snap *s, const struct snap_file *f, enum snap_table table,
    struct snap_cursor *c, bool *ret_found, struct snap_bytes *key,
    struct snap_bytes *ret)
{
	bool upper = f == s->top, found, covered = false;
	struct snap_record rec;
	struct snap_bytes k;
	int r;

	*ret_found = false;
	for (;;) {
		r = snap_record_next(f, &f->rows[table], c, &found, &rec);
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
snap_next(const struct snap *s, enum snap_table table, struct snap_cursor *c,
    bool *ret_found, struct snap_bytes *key, struct snap_bytes *ret)
{
	uint64_t first = 0, at = c->at;
	int r = 0;

	*ret_found = false;
	if (!snap_table_in_kind(table, s->top->info.kind))
		return IAM_ERR_ARG;
	if (s->under != NULL) {
		first = s->under->rows[table].record_len;
		if (at < first)
			r = next_in(s, s->under, table, c, ret_found, key, ret);
		if (r != 0 || *ret_found)
			goto out;
	}
	c->at = c->at < first ? 0 : c->at - first;
	r = next_in(s, s->top, table, c, ret_found, key, ret);
	c->at += first;
out:
	if (r != 0)
		c->at = at;
	return r;
}
