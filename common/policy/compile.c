/*
 * A validated document into the compiled form (docs/policy-format.md).
 *
 * The index: a statement stands in a bucket for what each of its actions
 * starts with (all of it, when the action has no wildcard). A bucket with many
 * statements has a second table, for what the resource starts with. Whatever
 * has no such start is in the bucket of the empty prefix, or in the bucket's
 * own list, and is looked at always.
 */
#include "common/base/base.h"
#include "common/policy/document.h"

#define LENS_MAX 24      /* prefix lengths probed in one table */
#define SUB_MIN 8        /* entries that are sooner scanned than looked up */
#define RESOURCES_MAX 8  /* of a statement that is indexed by resource */

/* One way by which a statement is found. */
struct cand {
	uint64_t action; /* hash */
	uint64_t resource;
	const uint8_t *resource_p; /* NULL: found under any resource */
	uint32_t resource_len;
	bool resource_exact;
	uint32_t stmt;
};

/* A hash table of what is written once: keys, and values that stand alone. */
struct slot {
	uint32_t hash, index;
	bool used;
};

struct slots {
	struct slot *v;
	size_t size, n; /* size is a power of two */
};

struct compiler {
	const struct doc *doc;
	struct encoder enc;
	struct buf s[CF_SECTIONS];
	struct buf scratch;
	struct pattern *pat; /* of each value, as far as it is a pattern */
	size_t pat_n, pat_cap;
	struct slots keys, values;
	uint8_t *entries; /* one per statement, as the index repeats them */
	struct cand *cands;
	size_t cand_n, cand_cap;
	uint32_t stmt_n, action_lens;
	int err;
};

static uint32_t
count(const struct compiler *c, enum cf_section s)
{
	return (uint32_t)(c->s[s].len / cf_record_size[s]);
}

static bool
grow(struct compiler *c, void *vec, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? 64 : *cap * 2;
	void *old, *p;

	if (n < *cap)
		return true;
	memcpy(&old, vec, sizeof(old));
	if ((p = reallocarray(old, want, size)) == NULL) {
		c->err = IAM_ERR_MEMORY;
		return false;
	}
	memcpy(vec, &p, sizeof(p));
	*cap = want;
	return true;
}

/* Bytes into the pool, with a NUL behind them. */
static uint32_t
pool_put(struct compiler *c, const void *p, size_t len)
{
	uint32_t off = (uint32_t)c->s[CF_POOL].len;

	buf_put(&c->s[CF_POOL], p, len);
	buf_u8(&c->s[CF_POOL], 0);
	return off;
}

/* ---- what is written once ---- */

static bool
grow_slots(struct compiler *c, struct slots *t)
{
	size_t n = t->size == 0 ? 64 : t->size * 2, i, at;
	struct slot *v;

	if ((v = calloc(n, sizeof(*v))) == NULL) {
		c->err = IAM_ERR_MEMORY;
		return false;
	}
	for (i = 0; i < t->size; i++) {
		if (!t->v[i].used)
			continue;
		for (at = t->v[i].hash & (n - 1); v[at].used; at = (at + 1) & (n - 1))
			;
		v[at] = t->v[i];
	}
	free(t->v);
	t->v = v;
	t->size = n;
	return true;
}

struct named { /* what is looked for */
	const char *p;
	size_t len;
	uint8_t kind;
};

typedef bool same_as(const struct compiler *c, uint32_t index, const struct named *what);

/* The place of what is looked for, in use or free to be; NULL without memory. */
static struct slot *
slot_of(struct compiler *c, struct slots *t, uint32_t hash, same_as *same,
    const struct named *what)
{
	size_t at;

	if (c->err != 0 || (t->n * 2 >= t->size && !grow_slots(c, t)))
		return NULL;
	for (at = hash & (t->size - 1); t->v[at].used; at = (at + 1) & (t->size - 1))
		if (t->v[at].hash == hash && same(c, t->v[at].index, what))
			break;
	return &t->v[at];
}

static void
take_slot(struct slots *t, struct slot *s, uint32_t hash, uint32_t index)
{
	*s = (struct slot){ hash, index, true };
	t->n++;
}

/* ---- keys ---- */

static bool
same_key(const struct compiler *c, uint32_t index, const struct named *what)
{
	const uint8_t *k = c->s[CF_KEY].p + (size_t)index * CF_KEY_SIZE;

	return ascii_equal_case((const char *)c->s[CF_POOL].p + le_u32(k), le_u32(k + 4),
	    what->p, what->len);
}

static uint32_t
key_intern(void *arg, const char *name, size_t len)
{
	struct compiler *c = arg;
	const struct named what = { name, len, 0 };
	uint32_t hash = cf_key_hash(name, len), index, off;
	struct slot *s = slot_of(c, &c->keys, hash, same_key, &what);

	if (s == NULL || s->used)
		return s == NULL ? 0 : s->index;
	index = count(c, CF_KEY);
	off = pool_put(c, name, len);
	buf_u32(&c->s[CF_KEY], off);
	buf_u32(&c->s[CF_KEY], (uint32_t)len);
	buf_u32(&c->s[CF_KEY], hash);
	buf_u32(&c->s[CF_KEY], 0);
	take_slot(&c->keys, s, hash, index);
	if (c->s[CF_KEY].err != 0 || c->s[CF_POOL].err != 0)
		c->err = IAM_ERR_MEMORY;
	return index;
}

/* ---- values ---- */

static void
put_value(struct compiler *c, const char *text, size_t len, const struct pattern *pat)
{
	struct buf *b = &c->s[CF_VAL];
	uint32_t off = pool_put(c, text, len);
	const struct buf *data = &c->scratch;

	buf_u32(b, off);
	buf_u32(b, (uint32_t)len);
	if (data->len == len && (len == 0 || memcmp(text, data->p, len) == 0))
		buf_u32(b, off);
	else
		buf_u32(b, pool_put(c, data->p, data->len));
	buf_u32(b, (uint32_t)data->len);
	buf_u32(b, pat->form);
	if (grow(c, &c->pat, c->pat_n, &c->pat_cap, sizeof(*c->pat)))
		c->pat[c->pat_n++] = *pat;
}

static bool
same_value(const struct compiler *c, uint32_t index, const struct named *what)
{
	const uint8_t *w = c->s[CF_VAL].p + (size_t)index * CF_VAL_SIZE;

	return c->pat[index].kind == what->kind && le_u32(w + 4) == what->len &&
	    (what->len == 0 || memcmp(c->s[CF_POOL].p + le_u32(w), what->p, what->len) == 0);
}

/* What was validated could not be encoded: memory, or a mistake of ours. */
static void
encode_failed(struct compiler *c)
{
	c->err = c->scratch.err != 0 ? c->scratch.err : IAM_ERR_BUG;
}

/* kind: what a value is encoded as, one of PAT_ flags or an operator. */
#define KIND_OPERATOR 0x80u

static void
encode_one(struct compiler *c, const struct named *v)
{
	struct pattern pat = { .kind = v->kind };
	bool ok;

	c->scratch.len = 0;
	if ((v->kind & KIND_OPERATOR) == 0)
		ok = encode_pattern(&c->enc, v->p, v->len, v->kind, &c->scratch, &pat);
	else
		ok = encode_value(&c->enc, (uint8_t)(v->kind & ~KIND_OPERATOR), v->p, v->len,
		    &c->scratch, &pat.form);
	if (!ok && (!c->doc->keep_malformed || c->scratch.err != 0)) {
		encode_failed(c);
		return;
	}
	if (!ok) {
		pat.form = CF_BAD;
		c->scratch.len = 0;
	}
	pat.kind = v->kind;
	put_value(c, v->p, v->len, &pat);
}

static bool
named_text(struct compiler *c, const json_t *item, uint8_t kind, struct scalar *room,
    struct named *ret)
{
	if (!scalar_text(item, room)) {
		c->err = IAM_ERR_BUG;
		return false;
	}
	*ret = (struct named){ room->p, room->len, kind };
	return true;
}

/* A value that stands alone, as most do: written once in a document. */
static uint32_t
put_alone(struct compiler *c, const struct named *v)
{
	uint32_t hash = (uint32_t)cf_hash(v->p, v->len, v->kind), index = count(c, CF_VAL);
	struct slot *s = slot_of(c, &c->values, hash, same_value, v);

	if (s == NULL || s->used)
		return s == NULL ? 0 : s->index;
	encode_one(c, v);
	if (c->err == 0 && c->s[CF_VAL].err == 0 && c->s[CF_POOL].err == 0)
		take_slot(&c->values, s, hash, index);
	return index;
}

/* One value or a list; returns how many. */
static uint32_t
put_values(struct compiler *c, const json_t *list, uint8_t kind, uint32_t *ret_first)
{
	size_t i, n = list_count(list);
	struct scalar room;
	struct named v;

	*ret_first = count(c, CF_VAL);
	if (n == 1 && named_text(c, list_item(list, 0), kind, &room, &v))
		*ret_first = put_alone(c, &v);
	for (i = 0; n > 1 && i < n && c->err == 0; i++)
		if (named_text(c, list_item(list, i), kind, &room, &v))
			encode_one(c, &v);
	return (uint32_t)n;
}

static void
put_principal(struct compiler *c, const char *type, const json_t *item)
{
	struct pattern pat = { 0 };
	const char *text = json_string_value(item), *why;
	size_t len = json_string_length(item);

	c->scratch.len = 0;
	if (strcmp(type, "AWS") != 0) {
		pat.form = CF_P_OTHER;
		buf_put(&c->scratch, text, len);
	} else if (!encode_principal(text, len, &c->scratch, &pat.form, &why)) {
		c->err = IAM_ERR_BUG;
		return;
	}
	put_value(c, text, len, &pat);
}

static uint32_t
put_principals(struct compiler *c, json_t *v)
{
	uint32_t from = count(c, CF_VAL);
	const char *type;
	json_t *list;
	size_t i;

	if (json_is_string(v))
		put_principal(c, "AWS", v);
	json_object_foreach(v, type, list)
		for (i = 0; i < list_count(list) && c->err == 0; i++)
			put_principal(c, type, list_item(list, i));
	return count(c, CF_VAL) - from;
}

static uint32_t
put_conditions(struct compiler *c, json_t *v)
{
	struct buf *b = &c->s[CF_COND];
	uint32_t from = count(c, CF_COND), key, first, n;
	uint8_t op, qual, flags;
	const char *name, *k;
	json_t *map, *list;

	json_object_foreach(v, name, map) {
		if (!cf_operator_parse(name, &op, &qual, &flags)) {
			c->err = IAM_ERR_BUG;
			return 0;
		}
		json_object_foreach(map, k, list) {
			key = key_intern(c, k, strlen(k));
			n = put_values(c, list, (uint8_t)(KIND_OPERATOR | op), &first);
			buf_u8(b, op);
			buf_u8(b, qual);
			buf_u8(b, flags);
			buf_u8(b, 0);
			buf_u32(b, key);
			buf_u32(b, first);
			buf_u32(b, n);
		}
	}
	return count(c, CF_COND) - from;
}

/* ---- statements ---- */

struct ranges {
	uint32_t flags, action, action_n, resource, resource_n, principal, principal_n;
	uint32_t cond, cond_n;
};

/* A StringEquals with one plain value, as the index asks it: its key's slot. */
static uint8_t
quick_condition(const struct compiler *c, const struct ranges *r, uint32_t *ret_hash)
{
	const uint8_t *q, *w;
	uint32_t i, key;

	for (i = 0; i < r->cond_n; i++) {
		q = c->s[CF_COND].p + (size_t)(r->cond + i) * CF_COND_SIZE;
		key = le_u32(q + 4);
		if (q[0] != OP_STRING_EQ || q[1] != QUAL_NONE || q[2] != 0 ||
		    key >= VIEW_KEYS || le_u32(q + 12) != 1)
			continue;
		w = c->s[CF_VAL].p + (size_t)le_u32(q + 8) * CF_VAL_SIZE;
		if (w[16] != CF_LITERAL)
			continue;
		*ret_hash = (uint32_t)cf_hash(c->s[CF_POOL].p + le_u32(w + 8),
		    le_u32(w + 12), CF_SEED_VALUE);
		return (uint8_t)key;
	}
	*ret_hash = 0;
	return 0xff;
}

/* The last bytes of the pattern, at most four, as they stand at a text's end. */
static uint32_t
tail_of(const struct compiler *c, uint32_t val, uint8_t *ret_len)
{
	const uint8_t *w = c->s[CF_VAL].p + (size_t)val * CF_VAL_SIZE;
	const uint8_t *end = c->s[CF_POOL].p + le_u32(w + 8) + le_u32(w + 12);
	uint32_t n = c->pat[val].suffix_len;
	uint8_t b[CF_TAIL] = { 0 };

	n = n > CF_TAIL ? CF_TAIL : n;
	memcpy(b + CF_TAIL - n, end - n, n);
	*ret_len = (uint8_t)n;
	return le_u32(b);
}

static void
put_entry(struct compiler *c, const struct ranges *r, uint32_t stmt, uint8_t *out)
{
	uint32_t hash, tail = 0;

	memset(out, 0, CF_ENTRY_SIZE);
	if ((r->flags & (CF_HAS_RESOURCE | CF_NOT_RESOURCE)) == CF_HAS_RESOURCE &&
	    r->resource_n == 1)
		tail = tail_of(c, r->resource, &out[12]);
	out[13] = (uint8_t)(r->flags & CF_DENY);
	out[14] = quick_condition(c, r, &hash);
	tail = htole32(tail);
	stmt = htole32(stmt);
	hash = htole32(hash);
	memcpy(out, &tail, 4);
	memcpy(out + 4, &stmt, 4);
	memcpy(out + 8, &hash, 4);
}

static void
put_stmt(struct compiler *c, json_t *st, uint32_t index)
{
	const char *sid = json_string_value(json_object_get(st, "Sid"));
	json_t *v;
	struct ranges r = { 0 };
	struct buf *b = &c->s[CF_STMT];
	uint32_t sid_off = 0, *f;

	if (strcmp(json_string_value(json_object_get(st, "Effect")), "Deny") == 0)
		r.flags |= CF_DENY;
	if ((v = json_object_get(st, "Action")) == NULL) {
		v = json_object_get(st, "NotAction");
		r.flags |= CF_NOT_ACTION;
	}
	r.action_n = put_values(c, v, PAT_WILD | PAT_LOWER, &r.action);
	if ((v = json_object_get(st, "Resource")) == NULL &&
	    (v = json_object_get(st, "NotResource")) != NULL)
		r.flags |= CF_NOT_RESOURCE;
	if (v != NULL)
		r.flags |= CF_HAS_RESOURCE;
	r.resource_n = put_values(c, v, PAT_WILD | PAT_VARS, &r.resource);
	r.principal = count(c, CF_VAL);
	if ((v = json_object_get(st, "Principal")) == NULL &&
	    (v = json_object_get(st, "NotPrincipal")) != NULL)
		r.flags |= CF_NOT_PRINCIPAL;
	if (v != NULL) {
		r.flags |= CF_HAS_PRINCIPAL;
		r.principal_n = put_principals(c, v);
	}
	r.cond = count(c, CF_COND);
	r.cond_n = put_conditions(c, json_object_get(st, "Condition"));
	if (sid != NULL && sid[0] != 0)
		sid_off = pool_put(c, sid, strlen(sid));
	if (c->err != 0 || c->s[CF_POOL].err != 0 || c->s[CF_VAL].err != 0 ||
	    c->s[CF_COND].err != 0)
		return;
	buf_u32(b, r.flags);
	buf_u32(b, sid_off);
	buf_u32(b, sid != NULL ? (uint32_t)strlen(sid) : 0);
	for (f = &r.action; f <= &r.cond_n; f++)
		buf_u32(b, *f);
	put_entry(c, &r, index, c->entries + (size_t)index * CF_ENTRY_SIZE);
}

/* ---- the index ---- */

static const uint8_t *
val_data(const struct compiler *c, uint32_t i)
{
	const uint8_t *w = c->s[CF_VAL].p + (size_t)i * CF_VAL_SIZE;

	return c->s[CF_POOL].p + le_u32(w + 8);
}

static void
put_cand(struct compiler *c, uint64_t action, uint32_t stmt, uint32_t res, bool by_res)
{
	struct cand *k;

	if (!grow(c, &c->cands, c->cand_n, &c->cand_cap, sizeof(*c->cands)))
		return;
	k = &c->cands[c->cand_n++];
	memset(k, 0, sizeof(*k));
	k->action = action;
	k->stmt = stmt;
	if (by_res) {
		k->resource_p = val_data(c, res);
		k->resource_len = c->pat[res].prefix_len;
		k->resource_exact = c->pat[res].form == CF_LITERAL;
	}
}

static bool
indexable_by_resource(const struct compiler *c, const uint8_t *s)
{
	uint32_t flags = le_u32(s), first = le_u32(s + 20), n = le_u32(s + 24), i;

	if ((flags & (CF_HAS_RESOURCE | CF_NOT_RESOURCE)) != CF_HAS_RESOURCE ||
	    n > RESOURCES_MAX)
		return false;
	for (i = 0; i < n; i++)
		if (c->pat[first + i].prefix_len == 0)
			return false;
	return true;
}

static void
put_cands(struct compiler *c, uint32_t stmt, uint64_t action)
{
	const uint8_t *s = c->s[CF_STMT].p + (size_t)stmt * CF_STMT_SIZE;
	uint32_t first = le_u32(s + 20), n = le_u32(s + 24), i;

	if (!indexable_by_resource(c, s)) {
		put_cand(c, action, stmt, 0, false);
		return;
	}
	for (i = 0; i < n; i++)
		put_cand(c, action, stmt, first + i, true);
}

/* Lengths are rounded down to multiples of the quantum, so that few differ. */
static uint32_t
quantum(const bool *seen, size_t n)
{
	uint32_t q, lens;
	size_t i, last;

	for (q = 1; ; q *= 2) {
		for (i = 0, lens = 0, last = SIZE_MAX; i < n; i++)
			if (seen[i] && i - i % q != last) {
				last = i - i % q;
				lens++;
			}
		if (lens <= LENS_MAX)
			return q;
	}
}

#define ACTION_LEN_MAX 256
#define RESOURCE_LEN_MAX 256

static bool
action_everywhere(const struct compiler *c, const uint8_t *s)
{
	uint32_t first = le_u32(s + 12), n = le_u32(s + 16), i;

	for (i = 0; i < n; i++)
		if (c->pat[first + i].prefix_len == 0)
			return true;
	return (le_u32(s) & CF_NOT_ACTION) != 0;
}

static uint32_t
clip(uint32_t len, uint32_t max, uint32_t q)
{
	len = len < max ? len : max - 1;
	return len - len % q;
}

static void
gather(struct compiler *c)
{
	bool seen[ACTION_LEN_MAX] = { true };
	const uint8_t *s;
	uint32_t i, j, q, len, first, n, stmts = count(c, CF_STMT);

	for (i = 0; i < stmts; i++) {
		s = c->s[CF_STMT].p + (size_t)i * CF_STMT_SIZE;
		first = le_u32(s + 12);
		n = action_everywhere(c, s) ? 0 : le_u32(s + 16);
		for (j = first; j < first + n; j++)
			if (c->pat[j].form != CF_LITERAL)
				seen[clip(c->pat[j].prefix_len, ACTION_LEN_MAX, 1)] = true;
	}
	q = quantum(seen, ACTION_LEN_MAX);
	for (i = 0, len = UINT32_MAX; i < ACTION_LEN_MAX; i++)
		if (seen[i] && i - i % q != len) {
			len = i - i % q;
			buf_u32(&c->s[CF_LEN], len);
			c->action_lens++;
		}
	for (i = 0; i < stmts && c->err == 0; i++) {
		s = c->s[CF_STMT].p + (size_t)i * CF_STMT_SIZE;
		first = le_u32(s + 12);
		n = le_u32(s + 16);
		if (action_everywhere(c, s)) {
			put_cands(c, i, cf_hash("", 0, CF_SEED_PREFIX));
			continue;
		}
		for (j = first; j < first + n; j++)
			if (c->pat[j].form == CF_LITERAL)
				put_cands(c, i, cf_hash(val_data(c, j),
				    c->pat[j].prefix_len, CF_SEED_EXACT));
			else
				put_cands(c, i, cf_hash(val_data(c, j),
				    clip(c->pat[j].prefix_len, ACTION_LEN_MAX, q),
				    CF_SEED_PREFIX));
	}
}

static int
by_action(const void *va, const void *vb)
{
	const struct cand *a = va, *b = vb;

	if (a->action != b->action)
		return a->action < b->action ? -1 : 1;
	if (a->resource != b->resource)
		return a->resource < b->resource ? -1 : 1;
	return a->stmt < b->stmt ? -1 : a->stmt > b->stmt;
}

/* They often are in order already. */
static void
sort_cands(struct cand *v, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (by_action(&v[i - 1], &v[i]) > 0) {
			qsort(v, n, sizeof(*v), by_action);
			return;
		}
}

/* Entries of candidates that differ in their statement; returns how many. */
static uint32_t
put_entries(struct compiler *c, const struct cand *v, size_t n)
{
	uint32_t made = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i > 0 && v[i].stmt == v[i - 1].stmt)
			continue;
		buf_put(&c->s[CF_ENTRY], c->entries + (size_t)v[i].stmt * CF_ENTRY_SIZE,
		    CF_ENTRY_SIZE);
		made++;
	}
	return made;
}

static size_t
pow2_above(size_t n)
{
	size_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

struct bucket {
	uint64_t hash;
	uint32_t entry, entry_n, sub, sub_n, len, len_n;
};

/* Hash the resources of one bucket's candidates, with few prefix lengths. */
static void
hash_resources(struct compiler *c, struct cand *v, size_t n, struct bucket *b)
{
	bool seen[RESOURCE_LEN_MAX] = { false };
	uint32_t q, i, len = UINT32_MAX;
	size_t k;

	for (k = 0; k < n; k++)
		if (v[k].resource_p != NULL && !v[k].resource_exact)
			seen[clip(v[k].resource_len, RESOURCE_LEN_MAX, 1)] = true;
	q = quantum(seen, RESOURCE_LEN_MAX);
	b->len = count(c, CF_LEN);
	for (i = 0; i < RESOURCE_LEN_MAX; i++)
		if (seen[i] && i - i % q != len) {
			len = i - i % q;
			buf_u32(&c->s[CF_LEN], len);
			b->len_n++;
		}
	for (k = 0; k < n; k++) {
		if (v[k].resource_p == NULL)
			continue;
		v[k].resource = v[k].resource_exact ?
		    cf_hash(v[k].resource_p, v[k].resource_len, CF_SEED_EXACT) :
		    cf_hash(v[k].resource_p, clip(v[k].resource_len, RESOURCE_LEN_MAX, q),
			CF_SEED_PREFIX);
	}
}

static void
put_sub(struct compiler *c, struct cand *v, size_t n, struct bucket *b)
{
	size_t i, j, groups = 0, size, at;
	uint32_t first, made, hash;
	uint8_t *t;

	for (i = 0; i < n; i++)
		groups += i == 0 || v[i].resource != v[i - 1].resource;
	size = pow2_above(groups + groups / 3 + 1);
	if ((t = calloc(size, CF_SUB_SIZE)) == NULL) {
		c->err = IAM_ERR_MEMORY;
		return;
	}
	for (i = 0; i < n; i = j) {
		for (j = i; j < n && v[j].resource == v[i].resource; j++)
			;
		first = count(c, CF_ENTRY);
		made = put_entries(c, v + i, j - i);
		at = v[i].resource & (size - 1);
		while (le_u32(t + at * CF_SUB_SIZE + 8) != 0)
			at = (at + 1) & (size - 1);
		hash = htole32((uint32_t)(v[i].resource >> 32));
		first = htole32(first);
		made = htole32(made);
		memcpy(t + at * CF_SUB_SIZE, &hash, 4);
		memcpy(t + at * CF_SUB_SIZE + 4, &first, 4);
		memcpy(t + at * CF_SUB_SIZE + 8, &made, 4);
	}
	b->sub = count(c, CF_SUB);
	b->sub_n = (uint32_t)size;
	buf_put(&c->s[CF_SUB], t, size * CF_SUB_SIZE);
	free(t);
}

static void
make_bucket(struct compiler *c, struct cand *v, size_t n, struct bucket *b)
{
	size_t always, i;

	b->hash = v[0].action;
	b->entry = count(c, CF_ENTRY);
	for (i = 0, always = 0; i < n; i++)
		always += v[i].resource_p == NULL;
	if (n - always > SUB_MIN)
		hash_resources(c, v, n, b);
	sort_cands(v, n); /* those without a hash come first */
	for (i = 0; i < n && v[i].resource == 0; i++)
		;
	b->entry_n = put_entries(c, v, i);
	if (i < n)
		put_sub(c, v + i, n - i, b);
}

static void
put_bucket(uint8_t *t, size_t size, const struct bucket *b)
{
	size_t at = b->hash & (size - 1);
	const uint32_t v[8] = { 0, b->entry, b->entry_n, b->sub, b->sub_n, b->len,
		b->len_n, 1 };
	uint64_t hash = htole64(b->hash);
	uint32_t le;
	int i;

	while (le_u32(t + at * CF_BUCKET_SIZE + 36) != 0)
		at = (at + 1) & (size - 1);
	memcpy(t + at * CF_BUCKET_SIZE, &hash, 8);
	for (i = 0; i < 8; i++) {
		le = htole32(v[i]);
		memcpy(t + at * CF_BUCKET_SIZE + 8 + 4 * i, &le, 4);
	}
}

static void
build_index(struct compiler *c)
{
	size_t i, j, groups = 0, size;
	struct bucket b;
	uint8_t *t;

	gather(c);
	if (c->err != 0)
		return;
	sort_cands(c->cands, c->cand_n);
	for (i = 0; i < c->cand_n; i++)
		groups += i == 0 || c->cands[i].action != c->cands[i - 1].action;
	size = pow2_above(groups + groups / 3 + 1);
	if ((t = calloc(size, CF_BUCKET_SIZE)) == NULL) {
		c->err = IAM_ERR_MEMORY;
		return;
	}
	for (i = 0; i < c->cand_n && c->err == 0; i = j) {
		for (j = i; j < c->cand_n && c->cands[j].action == c->cands[i].action; j++)
			;
		memset(&b, 0, sizeof(b));
		make_bucket(c, c->cands + i, j - i, &b);
		put_bucket(t, size, &b);
	}
	buf_put(&c->s[CF_BUCKET], t, size * CF_BUCKET_SIZE);
	free(t);
}

/* ---- the whole ---- */

/* Append the whole to *out; it is left as it was when memory is short. */
static int
assemble(struct compiler *c, struct buf *out)
{
	size_t from = out->len, len = CF_HEADER;
	uint32_t off = CF_HEADER;
	uint64_t sum;
	int i;

	for (i = 0; i < CF_SECTIONS; i++)
		len += (c->s[i].len + 7) & ~(size_t)7;
	buf_reserve(out, len);
	if (out->err != 0)
		return out->err;

	buf_put(out, CF_MAGIC, 8);
	buf_u32(out, CF_VERSION);
	buf_u32(out, 0);
	buf_u64(out, 0);
	buf_u32(out, c->doc->kind);
	buf_u32(out, (c->doc->variables ? CF_FLAG_VARIABLES : 0) |
	    (c->doc->keep_malformed ? CF_FLAG_KEPT : 0));
	for (i = 0; i < CF_SECTIONS; i++) {
		buf_u32(out, off);
		buf_u32(out, count(c, i));
		off += (uint32_t)((c->s[i].len + 7) & ~(size_t)7);
	}
	buf_u32(out, c->action_lens);
	buf_u32(out, 0);
	for (i = 0; i < CF_SECTIONS; i++) {
		buf_put(out, c->s[i].p, c->s[i].len);
		buf_put(out, "\0\0\0\0\0\0\0", (8 - c->s[i].len % 8) % 8);
	}
	buf_patch_u32(out, from + 12, (uint32_t)len);
	sum = htole64(cf_checksum(out->p + from + CF_SUM_FROM, len - CF_SUM_FROM));
	memcpy(out->p + from + 16, &sum, 8);
	return 0;
}

static int
first_error(const struct compiler *c)
{
	int i;

	if (c->err != 0)
		return c->err;
	if (c->scratch.err != 0)
		return c->scratch.err;
	for (i = 0; i < CF_SECTIONS; i++)
		if (c->s[i].err != 0)
			return c->s[i].err;
	return 0;
}

static void
compiler_release(struct compiler *c)
{
	int i;

	for (i = 0; i < CF_SECTIONS; i++)
		buf_release(&c->s[i]);
	buf_release(&c->scratch);
	free(c->pat);
	free(c->keys.v);
	free(c->values.v);
	free(c->entries);
	free(c->cands);
}

int
compile_document(const struct doc *d, struct buf *ret)
{
	json_t *list = json_object_get(d->root, "Statement");
	size_t i, n = list_count(list);
	struct compiler c = { .doc = d };
	int r;

	c.enc = (struct encoder){ .key = key_intern, .key_arg = &c,
		.variables = d->variables };
	buf_reserve(&c.s[CF_POOL], d->len);
	buf_reserve(&c.s[CF_STMT], n * CF_STMT_SIZE);
	buf_reserve(&c.s[CF_VAL], n * CF_VAL_SIZE);
	if ((c.entries = calloc(n + 1, CF_ENTRY_SIZE)) == NULL)
		c.err = IAM_ERR_MEMORY;
	for (i = 0; i < n && c.err == 0; i++)
		put_stmt(&c, list_item(list, i), (uint32_t)i);
	if (first_error(&c) == 0)
		build_index(&c);
	if ((r = first_error(&c)) == 0)
		r = assemble(&c, ret);
	compiler_release(&c);
	return r;
}
