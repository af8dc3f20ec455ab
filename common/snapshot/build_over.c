/*
 * What changes to a snapshot come to: which records the new file has to have so
 * that, together with the one that it lies on, it says what was asked for.
 *
 * A record goes with both of its keys. Whatever key a new record takes, or a
 * removed one leaves, the record that had it is no more, under its other key
 * neither.
 */
#include "common/base/base.h"
#include "common/snapshot/build.h"

/* The file that stays, and the one with the changes until now (or NULL). */
static const struct snap_file *
bottom(const struct snap *s)
{
	return s->under != NULL ? s->under : s->top;
}

const struct snap_file *
snap_builder_low(const struct snap_builder *b)
{
	return b->low != NULL ? b->low : bottom(b->under);
}

static int
find_below(const struct snap_file *f, enum snap_table t, struct snap_bytes key,
    bool *ret_found, struct snap_record *ret)
{
	return snap_find_in(f, t, key.p, key.len, snap_hash(t, key.p, key.len),
	    ret_found, ret);
}

/* What readers see now; a record that is gone is not found. */
static int
find_now(const struct snap *s, enum snap_table t, struct snap_bytes key,
    bool *ret_found, struct snap_record *ret)
{
	int r;

	r = find_below(s->top, t, key, ret_found, ret);
	if (r == 0 && !*ret_found && s->under != NULL)
		r = find_below(s->under, t, key, ret_found, ret);
	if (r == 0 && *ret_found && (ret->flags & SNAP_GONE) != 0)
		*ret_found = false;
	return r;
}

static struct snap_bytes
key_of_item(const struct item *it, bool by_id)
{
	struct snap_bytes name = { it->name, it->name_len };
	struct snap_bytes id = { it->id, SNAP_ID_LEN };

	return by_id ? id : name;
}

/* This key has no record any more, unless there is a new one. */
static int
leave(struct part *p, enum part_number n, enum snap_table t,
    struct snap_bytes key)
{
	bool by_id = snap_table_by_id(t);
	struct item it = { .flags = SNAP_GONE |
	    (by_id ? SNAP_NUMBERED : SNAP_NAMED) };

	if (key.len == 0 || snap_item_of(p, t, key.p, key.len, 0) != NO_ITEM ||
	    snap_item_of(p, t, key.p, key.len, SNAP_GONE) != NO_ITEM)
		return 0;
	if (by_id)
		memcpy(it.id, key.p, SNAP_ID_LEN);
	else {
		it.name = key.p;
		it.name_len = (uint16_t)key.len;
	}
	return snap_item_add(p, n, &it);
}

/* Whoever has this key now leaves the other one. */
static int
take(struct snap_builder *b, struct part *p, enum part_number n,
    enum snap_table t, struct snap_bytes key)
{
	enum snap_table named = snap_named_table(n);
	enum snap_table numbered = snap_numbered_table(n);
	struct snap_record rec;
	bool found;
	int r;

	if ((r = find_now(b->under, t, key, &found, &rec)) != 0 || !found)
		return r;
	if ((r = leave(p, n, named, snap_listed_key(&rec, false))) != 0 ||
	    numbered == SNAP_TABLE_COUNT)
		return r;
	return leave(p, n, numbered, snap_listed_key(&rec, true));
}

static int
take_all(struct snap_builder *b, struct part *p, enum part_number n)
{
	uint32_t i, count = p->count;
	struct item it;
	int r;

	for (i = 0; i < count; i++) {
		it = p->items[i]; /* the array grows */
		if ((it.flags & SNAP_NAMED) != 0 && (r = take(b, p, n,
		    snap_named_table(n), key_of_item(&it, false))) != 0)
			return r;
		if ((it.flags & SNAP_NUMBERED) != 0 && (r = take(b, p, n,
		    snap_numbered_table(n), key_of_item(&it, true))) != 0)
			return r;
	}
	return 0;
}

static bool
is_known(const struct part *p, enum snap_table t, struct snap_bytes key)
{
	return snap_item_of(p, t, key.p, key.len, 0) != NO_ITEM ||
	    snap_item_of(p, t, key.p, key.len, SNAP_GONE) != NO_ITEM;
}

/* Is anything known of one of its keys? */
static bool
is_covered(const struct part *p, enum part_number n,
    const struct snap_record *rec)
{
	struct snap_bytes name = snap_listed_key(rec, false);
	struct snap_bytes id = snap_listed_key(rec, true);

	return (name.len > 0 && is_known(p, snap_named_table(n), name)) ||
	    (id.len > 0 && is_known(p, snap_numbered_table(n), id));
}

/* What the walk shows is there until its next step: a copy stays. */
static int
absorb_record(struct snap_builder *b, struct part *p, enum part_number n,
    const struct snap_record *rec)
{
	struct item it = {
		.name_len = (uint16_t)rec->name.len,
		.value = snap_builder_keep(b, rec->value.p, rec->value.len),
		.value_len = (uint32_t)rec->value.len,
		.extra_len = (uint32_t)rec->extra.len,
		.flags = (uint8_t)(rec->flags &
		    ~(unsigned)(SNAP_INSIDE | SNAP_SHORT)),
	};

	if (it.value == NULL || (it.extra_len > 0 && (it.extra =
	    snap_builder_keep(b, rec->extra.p, rec->extra.len)) == NULL))
		return IAM_ERR_MEMORY;
	if ((rec->flags & SNAP_INSIDE) != 0)
		it.name = it.value + (rec->name.p - rec->value.p);
	else if ((it.name = snap_builder_keep(b, rec->name.p,
	    rec->name.len)) == NULL)
		return IAM_ERR_MEMORY;
	if (rec->id.len == SNAP_ID_LEN)
		memcpy(it.id, rec->id.p, SNAP_ID_LEN);
	return snap_item_add(p, n, &it);
}

/* Everything of a file of which nothing newer is known. */
static int
absorb(struct snap_builder *b, enum part_number n, const struct snap_file *f)
{
	const struct snap_row *row = &f->rows[snap_named_table(n)];
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct part *p = &b->parts[n];
	struct snap_record rec;
	bool found;
	int r;

	while ((r = snap_record_next(f, row, &cursor, &found, &rec)) == 0 &&
	    found) {
		if (!is_covered(p, n, &rec) &&
		    (r = absorb_record(b, p, n, &rec)) != 0)
			break;
	}
	snap_cursor_release(&cursor);
	return r;
}

/* A key of which today's changes say nothing is what lies under them says, or gone. The
 * key is copied: the walk takes it away. */
static int
restore(struct snap_builder *b, enum part_number n, enum snap_table t,
    struct snap_bytes key)
{
	struct part *p = &b->parts[n];
	struct snap_record rec;
	bool found;
	int r;

	if (t == SNAP_TABLE_COUNT || key.len == 0 || is_known(p, t, key))
		return 0;
	if ((r = find_now(b->under, t, key, &found, &rec)) != 0)
		return r;
	if (found)
		return absorb_record(b, p, n, &rec);
	if ((key.p = snap_builder_keep(b, key.p, key.len)) == NULL)
		return IAM_ERR_MEMORY;
	return leave(p, n, t, key);
}

/* Whatever the changes of then had said is in the file that is to be lain on: what
 * today's do not speak of any more has to be taken back. */
static int
take_back(struct snap_builder *b, enum part_number n, const struct snap_file *f)
{
	const struct snap_row *row = &f->rows[snap_named_table(n)];
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_record rec;
	bool found;
	int r;

	while ((r = snap_record_next(f, row, &cursor, &found, &rec)) == 0 &&
	    found) {
		if ((r = restore(b, n, snap_named_table(n),
		    snap_listed_key(&rec, false))) != 0 ||
		    (r = restore(b, n, snap_numbered_table(n),
		    snap_listed_key(&rec, true))) != 0)
			break;
	}
	snap_cursor_release(&cursor);
	return r;
}

/* ---- counting ---- */

/* Is this record there already, under the same keys? */
static bool
is_same(const struct item *it, const struct snap_record *rec)
{
	unsigned keys = SNAP_NAMED | SNAP_NUMBERED | SNAP_GONE;

	return (it->flags & SNAP_GONE) == 0 &&
	    (it->flags & keys) == (rec->flags & keys) &&
	    it->value_len == rec->value.len && it->extra_len == rec->extra.len &&
	    memcmp(it->value, rec->value.p, it->value_len) == 0 &&
	    (it->extra_len == 0 ||
	    memcmp(it->extra, rec->extra.p, it->extra_len) == 0) &&
	    ((it->flags & SNAP_NAMED) == 0 || (it->name_len == rec->name.len &&
	    memcmp(it->name, rec->name.p, it->name_len) == 0)) &&
	    ((it->flags & SNAP_NUMBERED) == 0 ||
	    (rec->id.len == SNAP_ID_LEN &&
	    memcmp(it->id, rec->id.p, SNAP_ID_LEN) == 0));
}

static int
count_key(const struct snap_file *low, enum snap_table t, struct item *it,
    struct image *im, bool *same)
{
	bool by_id = snap_table_by_id(t), gone = (it->flags & SNAP_GONE) != 0;
	struct snap_record rec;
	bool found = false;
	int r;

	if (it->skip || (it->flags & (by_id ? SNAP_NUMBERED : SNAP_NAMED)) == 0)
		return 0;
	if (low != NULL && (r = find_below(low, t, key_of_item(it, by_id),
	    &found, &rec)) != 0)
		return r;
	/* Memberships alone are no user. */
	im->rows[t].total +=
	    (uint64_t)(!gone && (t != SNAP_USER_NAME || it->value_len > 0)) -
	    (uint64_t)(found && snap_key_of(&rec, t).len > 0);
	if (t == SNAP_USER_NAME)
		im->rows[SNAP_MEMBER_OF].total += (uint64_t)(it->extra_len > 0) -
		    (uint64_t)(found && rec.extra.len > 0);
	/* What is gone need not be said where there is nothing. */
	it->skip = gone && !found;
	*same = *same || (found && is_same(it, &rec));
	return 0;
}

static int
count_part(const struct snap_file *low, struct part *p, enum part_number n,
    struct image *im)
{
	enum snap_table t = snap_named_table(n), u = snap_numbered_table(n);
	struct item *it;
	uint32_t i;
	bool same;
	int r;

	if (low != NULL)
		im->rows[t].total = low->rows[t].total;
	if (low != NULL && u != SNAP_TABLE_COUNT)
		im->rows[u].total = low->rows[u].total;
	if (low != NULL && n == PART_USER)
		im->rows[SNAP_MEMBER_OF].total = low->rows[SNAP_MEMBER_OF].total;
	for (i = 0; i < p->count; i++) {
		it = &p->items[i];
		/* Removed and added again: it is replaced. */
		it->skip = (it->flags & SNAP_GONE) != 0 &&
		    (it->flags & SNAP_NAMED) != 0 &&
		    snap_item_of(p, t, it->name, it->name_len, 0) != NO_ITEM;
		same = false;
		if ((r = count_key(low, t, it, im, &same)) != 0 ||
		    (u != SNAP_TABLE_COUNT &&
		    (r = count_key(low, u, it, im, &same)) != 0))
			return r;
		it->skip = it->skip || same;
	}
	return 0;
}

int
snap_builder_combine(struct snap_builder *b, bool whole, struct image *im)
{
	const struct snap_file *low = NULL;
	struct part *p;
	unsigned n;
	int r;

	if (b->under != NULL && !whole)
		low = snap_builder_low(b);
	im->under = low == NULL ? 0 : low->salt;
	for (n = 0; n < PART_COUNT; n++) {
		p = &b->parts[n];
		if (!snap_table_in_kind(snap_named_table(n), b->info.kind))
			continue;
		if (b->under != NULL && ((r = take_all(b, p, n)) != 0 ||
		    (b->under->under != NULL &&
		    (r = absorb(b, n, b->under->top)) != 0) ||
		    (b->since != NULL && (r = take_back(b, n, b->since)) != 0) ||
		    (whole && (r = absorb(b, n, bottom(b->under))) != 0)))
			return r;
		if ((r = count_part(low, p, n, im)) != 0)
			return r;
	}
	return 0;
}
