/*
 * Collects what goes into a snapshot. Not linked into the modules.
 */
#include "common/base/base.h"
#include "common/snapshot/accounts.h"
#include "common/snapshot/build.h"

#include <stdlib.h>

#define CHUNK_SIZE ((size_t)1 << 20)

/* ---- parts and tables ---- */

enum part_number
snap_part_of(enum snap_table t)
{
	switch (t) {
	case SNAP_USER_NAME:
	case SNAP_USER_UID:
	case SNAP_MEMBER_OF:
		return PART_USER;
	case SNAP_GROUP_NAME:
	case SNAP_GROUP_GID:
		return PART_GROUP;
	case SNAP_SSH_KEYS:
		return PART_SSH_KEYS;
	case SNAP_PRINCIPAL:
		return PART_PRINCIPAL;
	case SNAP_POLICY:
		return PART_POLICY;
	case SNAP_GROUP_POLICIES:
		return PART_GROUP_POLICIES;
	case SNAP_PUBLISH:
		return PART_PUBLISH;
	case SNAP_SUBIDS:
		return PART_SUBIDS;
	case SNAP_ACCOUNT:
	case SNAP_TABLE_COUNT:
		break;
	}
	return PART_ACCOUNT;
}

enum snap_table
snap_named_table(enum part_number n)
{
	static const enum snap_table named[PART_COUNT] = {
		[PART_USER] = SNAP_USER_NAME,
		[PART_GROUP] = SNAP_GROUP_NAME,
		[PART_SSH_KEYS] = SNAP_SSH_KEYS,
		[PART_PRINCIPAL] = SNAP_PRINCIPAL,
		[PART_POLICY] = SNAP_POLICY,
		[PART_ACCOUNT] = SNAP_ACCOUNT,
		[PART_GROUP_POLICIES] = SNAP_GROUP_POLICIES,
		[PART_PUBLISH] = SNAP_PUBLISH,
		[PART_SUBIDS] = SNAP_SUBIDS,
	};

	return named[n];
}

enum snap_table
snap_numbered_table(enum part_number n)
{
	return n == PART_USER ? SNAP_USER_UID :
	    n == PART_GROUP ? SNAP_GROUP_GID : SNAP_TABLE_COUNT;
}

/* ---- index ---- */

static void
index_put(struct index *ix, uint64_t hash, uint32_t item)
{
	size_t i = (size_t)hash & (ix->cap - 1);

	while (ix->slots[i].item != 0)
		i = (i + 1) & (ix->cap - 1);
	ix->slots[i].hash = (uint32_t)hash;
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

uint32_t
snap_index_next(const struct index *ix, uint64_t hash, size_t *pos)
{
	const struct slot *s;

	if (ix->cap == 0)
		return NO_ITEM;
	for (;;) {
		s = &ix->slots[((size_t)hash + *pos) & (ix->cap - 1)];
		if (s->item == 0)
			return NO_ITEM;
		++*pos;
		if (s->hash == (uint32_t)hash)
			return s->item - 1;
	}
}

/* ---- memory ---- */

uint8_t *
snap_builder_keep(struct snap_builder *b, const void *data, size_t len)
{
	size_t size = len > CHUNK_SIZE / 4 ? len : CHUNK_SIZE;
	struct chunk *c = b->arena;
	uint8_t *p;

	if (c == NULL || c->size - c->used < len) {
		if ((c = malloc(sizeof(*c) + size)) == NULL)
			return NULL;
		*c = (struct chunk){ b->arena, size, 0 };
		b->arena = c;
	}
	p = c->data + c->used;
	if (len > 0)
		memcpy(p, data, len);
	c->used += len;
	return p;
}

static void
release_arena(struct snap_builder *b)
{
	struct chunk *c;

	while ((c = b->arena) != NULL) {
		b->arena = c->next;
		explicit_bzero(c->data, c->used); /* password hashes */
		free(c);
	}
}

static struct snap_builder *
new_builder(enum snap_kind kind, uint64_t revision, int64_t created_s)
{
	struct snap_builder *b;
	size_t i;

	if ((b = calloc(1, sizeof(*b))) == NULL)
		return NULL;
	b->info.kind = kind;
	b->info.revision = revision;
	b->info.created_s = created_s;
	for (i = 0; i < PART_COUNT; i++)
		b->parts[i].last = NO_ITEM;
	return b;
}

int
snap_builder_new(enum snap_kind kind, uint64_t revision, int64_t created_s,
    struct snap_builder **ret)
{
	struct snap_builder *b;

	if (kind != SNAP_PUBLIC && kind != SNAP_PRIVATE)
		return IAM_ERR_ARG;
	if ((b = new_builder(kind, revision, created_s)) == NULL)
		return IAM_ERR_MEMORY;
	*ret = b;
	return 0;
}

int
snap_builder_over(const struct snap *under, uint64_t revision,
    int64_t created_s, struct snap_builder **ret)
{
	struct snap_builder *b;

	b = new_builder(under->top->info.kind, revision, created_s);
	if (b == NULL)
		return IAM_ERR_MEMORY;
	b->under = under;
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
		free(b->parts[i].alone.slots);
	}
	release_arena(b);
	buf_release(&b->scratch);
	free(b);
}

/* ---- items ---- */

static bool
has_key(const struct item *it, bool by_id, const void *key, size_t len)
{
	if (by_id)
		return (it->flags & SNAP_NUMBERED) != 0 &&
		    memcmp(it->id, key, SNAP_ID_LEN) == 0;
	return (it->flags & SNAP_NAMED) != 0 && it->name_len == len &&
	    memcmp(it->name, key, len) == 0;
}

uint32_t
snap_item_of(const struct part *p, enum snap_table t, const void *key,
    size_t len, unsigned gone)
{
	bool by_id = snap_table_by_id(t);
	const struct index *ix = by_id ? &p->by_id : &p->by_name;
	uint64_t hash = snap_hash(t, key, len);
	size_t pos = 0;
	uint32_t i;

	while ((i = snap_index_next(ix, hash, &pos)) != NO_ITEM) {
		if ((p->items[i].flags & SNAP_GONE) == gone &&
		    has_key(&p->items[i], by_id, key, len))
			break;
	}
	return i;
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

static int
index_key(struct part *p, enum snap_table t, const void *key, size_t len,
    uint32_t i)
{
	struct index *ix = snap_table_by_id(t) ? &p->by_id : &p->by_name;
	int r;

	if ((r = index_reserve(ix)) == 0)
		index_put(ix, snap_hash(t, key, len), i);
	return r;
}

int
snap_item_add(struct part *p, enum part_number n, const struct item *it)
{
	int r;

	if ((r = items_reserve(p)) != 0)
		return r;
	if ((it->flags & SNAP_NAMED) != 0 && (r = index_key(p,
	    snap_named_table(n), it->name, it->name_len, p->count)) != 0)
		return r;
	if ((it->flags & SNAP_NUMBERED) != 0 && (r = index_key(p,
	    snap_numbered_table(n), it->id, SNAP_ID_LEN, p->count)) != 0)
		return r;
	p->items[p->count++] = *it;
	return 0;
}

static uint64_t
hash_value(const struct item *it)
{
	return snap_check64(it->value, it->value_len, 0);
}

static bool
is_alone(const struct item *it, bool by_id, const void *value, size_t len)
{
	return (it->flags & SNAP_GONE) == 0 &&
	    (it->flags & (SNAP_NAMED | SNAP_NUMBERED)) ==
	    (by_id ? SNAP_NAMED : SNAP_NUMBERED) && it->value_len == len &&
	    memcmp(it->value, value, len) == 0;
}

/* An item with these bytes that has no such key yet: the newest one mostly. */
static uint32_t
same_value(const struct part *p, bool by_id, const void *value, size_t len)
{
	size_t pos = 0;
	uint64_t hash;
	uint32_t i;

	if (p->last != NO_ITEM && is_alone(&p->items[p->last], by_id, value, len))
		return p->last;
	if (p->alone.count == 0)
		return NO_ITEM;
	hash = snap_check64(value, len, 0);
	while ((i = snap_index_next(&p->alone, hash, &pos)) != NO_ITEM) {
		if (is_alone(&p->items[i], by_id, value, len))
			break;
	}
	return i;
}

/* Another one is the newest: whoever is alone until now goes into the index. */
static int
set_last(struct part *p, uint32_t i)
{
	int r;

	if (p->last != NO_ITEM && p->last != i) {
		if ((r = index_reserve(&p->alone)) != 0)
			return r;
		index_put(&p->alone, hash_value(&p->items[p->last]), p->last);
	}
	p->last = i;
	return 0;
}

static int
new_item(struct snap_builder *b, struct part *p, const void *value, size_t len)
{
	struct item it = { .value = snap_builder_keep(b, value, len),
		.value_len = (uint32_t)len };
	int r;

	if (it.value == NULL)
		return IAM_ERR_MEMORY;
	if ((r = items_reserve(p)) == 0)
		p->items[p->count++] = it;
	return r;
}

const uint8_t *
snap_name_inside(const uint8_t *value, size_t value_len, const void *name,
    size_t len)
{
	size_t place;

	if (value_len < SNAP_INSIDE_MIN || value[SNAP_INSIDE_LEN] != len)
		return NULL;
	place = le_u16(value + SNAP_INSIDE_PLACE);
	if (place < SNAP_INSIDE_MIN || place + len > value_len ||
	    memcmp(value + place, name, len) != 0)
		return NULL;
	return value + place;
}

static int
set_key(struct snap_builder *b, struct item *it, bool by_id, const void *key,
    size_t len)
{
	if (by_id) {
		memcpy(it->id, key, SNAP_ID_LEN);
		it->flags |= SNAP_NUMBERED;
		return 0;
	}
	it->name = snap_name_inside(it->value, it->value_len, key, len);
	if (it->name == NULL &&
	    (it->name = snap_builder_keep(b, key, len)) == NULL)
		return IAM_ERR_MEMORY;
	it->name_len = (uint16_t)len;
	it->flags |= SNAP_NAMED;
	return 0;
}

static int
set_gids(struct snap_builder *b, struct item *it, const void *gids, size_t count)
{
	struct buf *v = &b->scratch;

	buf_reset(v);
	buf_reserve(v, count * 4 + SNAP_GIDS_MAX(count));
	buf_put(v, gids, count * 4);
	if (v->err != 0)
		return v->err;
	it->extra_len = (uint32_t)snap_gids_pack(v->p, count, v->p + v->len);
	it->extra = snap_builder_keep(b, v->p + v->len, it->extra_len);
	return it->extra == NULL ? IAM_ERR_MEMORY : 0;
}

static int
add_member_of(struct snap_builder *b, const void *key, size_t key_len,
    const void *value, size_t len)
{
	struct part *p = &b->parts[PART_USER];
	uint32_t i = snap_item_of(p, SNAP_USER_NAME, key, key_len, 0);
	int r;

	if (len % 4 != 0)
		return IAM_ERR_ARG;
	if (i == NO_ITEM) { /* a local account's */
		i = p->count;
		if ((r = new_item(b, p, "", 0)) != 0 ||
		    (r = set_key(b, &p->items[i], false, key, key_len)) != 0 ||
		    (r = index_key(p, SNAP_USER_NAME, key, key_len, i)) != 0)
			return r;
	}
	if (p->items[i].extra != NULL)
		return IAM_ERR_CONFLICT;
	return set_gids(b, &p->items[i], value, len / 4);
}

static int
check_key(const struct snap_builder *b, enum snap_table table, size_t key_len)
{
	if (!snap_table_in_kind(table, b->info.kind) || key_len == 0 ||
	    key_len > SNAP_KEY_MAX ||
	    (snap_table_by_id(table) && key_len != SNAP_ID_LEN))
		return IAM_ERR_ARG;
	return 0;
}

int
snap_builder_add(struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len, const void *value, size_t value_len)
{
	enum part_number n = snap_part_of(table);
	bool by_id = snap_table_by_id(table);
	bool two = snap_numbered_table(n) != SNAP_TABLE_COUNT;
	struct part *p = &b->parts[n];
	uint32_t i = NO_ITEM;
	int r;

	if ((r = check_key(b, table, key_len)) != 0)
		return r;
	if (value_len > SNAP_VALUE_MAX)
		return IAM_ERR_LIMIT;
	if (table == SNAP_MEMBER_OF)
		return add_member_of(b, key, key_len, value, value_len);
	if (snap_item_of(p, table, key, key_len, 0) != NO_ITEM)
		return IAM_ERR_CONFLICT;
	if (two)
		i = same_value(p, by_id, value, value_len);
	if (i == NO_ITEM) {
		i = p->count;
		if ((r = new_item(b, p, value, value_len)) != 0 ||
		    (two && (r = set_last(p, i)) != 0))
			return r;
	} else if (i == p->last)
		p->last = NO_ITEM;
	if ((r = set_key(b, &p->items[i], by_id, key, key_len)) != 0)
		return r;
	return index_key(p, table, key, key_len, i);
}

int
snap_builder_remove(struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len)
{
	enum part_number n = snap_part_of(table);
	struct item it = { .name_len = (uint16_t)key_len,
		.flags = SNAP_NAMED | SNAP_GONE };
	int r;

	if ((r = check_key(b, table, key_len)) != 0)
		return r;
	if (b->under == NULL || snap_table_by_id(table) ||
	    table == SNAP_MEMBER_OF)
		return IAM_ERR_ARG;
	if (snap_item_of(&b->parts[n], table, key, key_len, SNAP_GONE) != NO_ITEM)
		return 0;
	if ((it.name = snap_builder_keep(b, key, key_len)) == NULL)
		return IAM_ERR_MEMORY;
	return snap_item_add(&b->parts[n], n, &it);
}
