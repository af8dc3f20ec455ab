/* Compiled bytes: the checks at the door, and checked access behind it. */
#include "common/base/base.h"
#include "common/policy/internal.h"

static int
check_header(const uint8_t *p, size_t len)
{
	if (len < CF_HEADER || memcmp(p, CF_MAGIC, 8) != 0)
		return IAM_ERR_FORMAT;
	if (le_u32(p + 8) != CF_VERSION)
		return IAM_ERR_VERSION;
	if (le_u32(p + 12) != len)
		return IAM_ERR_FORMAT;
	return 0;
}

int
view_init(struct view *v, const struct pol_doc *doc)
{
	const uint8_t *p = doc->p, *d;
	uint32_t off, n;
	int i, r;

	if (p == NULL)
		return IAM_ERR_FORMAT;
	if ((r = check_header(p, doc->len)) != 0)
		return r;
	for (i = 0; i < CF_SECTIONS; i++) {
		d = p + 32 + 8 * i;
		off = le_u32(d);
		n = le_u32(d + 4);
		if (off % 8 != 0 || off > doc->len ||
		    n > (doc->len - off) / cf_record_size[i])
			return IAM_ERR_FORMAT;
		v->s[i].p = p + off;
		v->s[i].n = n;
	}
	v->flags = le_u32(p + 28);
	v->action_lens = le_u32(p + 32 + 8 * CF_SECTIONS);
	n = v->s[CF_BUCKET].n;
	if (v->action_lens > v->s[CF_LEN].n || n == 0 || (n & (n - 1)) != 0)
		return IAM_ERR_FORMAT;
	v->base = p;
	v->bad = false;
	v->resolved = 0;
	return 0;
}

int
pol_open(const void *p, size_t len, struct pol_doc *ret)
{
	struct pol_doc doc = { p, len };
	struct view v;
	int r;

	if (p == NULL || (uintptr_t)p % 8 != 0)
		return IAM_ERR_FORMAT;
	if ((r = check_header(p, len)) != 0)
		return r;
	if (le_u64(doc.p + 16) != cf_checksum(doc.p + CF_SUM_FROM, len - CF_SUM_FROM))
		return IAM_ERR_FORMAT;
	if ((r = view_init(&v, &doc)) != 0)
		return r;
	*ret = doc;
	return 0;
}

/* len bytes of the pool at off. */
static const uint8_t *
pool(struct view *v, uint32_t off, uint32_t len)
{
	if (!view_range(v, CF_POOL, off, len))
		return NULL;
	return v->s[CF_POOL].p + off;
}

/* The same, where a NUL has to follow. */
static const char *
pool_string(struct view *v, uint32_t off, uint32_t len)
{
	const uint8_t *p;

	if (len == UINT32_MAX || (p = pool(v, off, len + 1)) == NULL || p[len] != 0) {
		v->bad = true;
		return NULL;
	}
	return (const char *)p;
}

bool
view_stmt(struct view *v, uint32_t i, struct stmt *ret)
{
	const uint8_t *p = view_record(v, CF_STMT, i);

	if (p == NULL)
		return false;
	ret->index = i;
	ret->flags = le_u32(p);
	ret->sid = le_u32(p + 4);
	ret->sid_len = le_u32(p + 8);
	ret->action = le_u32(p + 12);
	ret->action_n = le_u32(p + 16);
	ret->resource = le_u32(p + 20);
	ret->resource_n = le_u32(p + 24);
	ret->principal = le_u32(p + 28);
	ret->principal_n = le_u32(p + 32);
	ret->cond = le_u32(p + 36);
	ret->cond_n = le_u32(p + 40);
	return view_range(v, CF_VAL, ret->action, ret->action_n) &&
	    view_range(v, CF_VAL, ret->resource, ret->resource_n) &&
	    view_range(v, CF_VAL, ret->principal, ret->principal_n) &&
	    view_range(v, CF_COND, ret->cond, ret->cond_n);
}

const char *
view_sid(struct view *v, const struct stmt *s)
{
	const char *sid = s->sid_len == 0 ? "" : pool_string(v, s->sid, s->sid_len);

	return sid == NULL ? "" : sid;
}

bool
view_val(struct view *v, uint32_t i, struct val *ret)
{
	const uint8_t *p = view_record(v, CF_VAL, i);

	if (p == NULL)
		return false;
	ret->text.len = le_u32(p + 4);
	ret->text.p = (const char *)pool(v, le_u32(p), le_u32(p + 4));
	ret->data_len = le_u32(p + 12);
	ret->data = pool(v, le_u32(p + 8), ret->data_len);
	ret->form = p[16];
	return ret->text.p != NULL && ret->data != NULL;
}

bool
view_cond(struct view *v, uint32_t i, struct cond *ret)
{
	const uint8_t *p = view_record(v, CF_COND, i);

	if (p == NULL)
		return false;
	ret->op = p[0];
	ret->qual = p[1];
	ret->flags = p[2];
	ret->key = le_u32(p + 4);
	ret->val = le_u32(p + 8);
	ret->val_n = le_u32(p + 12);
	if (ret->op == 0 || ret->op >= OP_END || ret->qual >= QUAL_END) {
		v->bad = true;
		return false;
	}
	return view_range(v, CF_VAL, ret->val, ret->val_n);
}

const char *
view_key(struct view *v, uint32_t i, uint32_t *ret_len)
{
	const uint8_t *p = view_record(v, CF_KEY, i);

	if (p == NULL)
		return NULL;
	*ret_len = le_u32(p + 4);
	return pool_string(v, le_u32(p), *ret_len);
}

bool
pol_key_next(const struct pol_doc *doc, size_t *cursor, const char **ret_name)
{
	struct view v;
	uint32_t len;

	if (view_init(&v, doc) != 0 || *cursor >= v.s[CF_KEY].n)
		return false;
	*ret_name = view_key(&v, (uint32_t)*cursor, &len);
	(*cursor)++;
	return *ret_name != NULL;
}

bool
pol_moment_next(const struct pol_doc *doc, size_t *cursor, int64_t *ret_s)
{
	struct val_date d;
	struct view v;
	struct val w;

	if (view_init(&v, doc) != 0)
		return false;
	while (*cursor < v.s[CF_VAL].n) {
		if (!view_val(&v, (uint32_t)(*cursor)++, &w))
			return false;
		if ((w.form != CF_DATE && w.form != CF_NUMBER) ||
		    !val_date(w.text.p, w.text.len, &d))
			continue;
		*ret_s = d.s;
		return true;
	}
	return false;
}
