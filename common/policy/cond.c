/*
 * Conditions. Three answers: yes, no, and doubt, for a request whose value
 * cannot be judged. A statement in doubt allows nothing, and denies.
 */
#include "common/base/base.h"
#include "common/policy/internal.h"

bool
key_present(const struct pol_key *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->values[i].len > 0)
			return true;
	return false;
}

/* name comes out of compiled bytes: forged ones may hold a NUL. */
static bool
name_equal(const char *cstr, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (cstr[i] == 0 || (cstr[i] != name[i] &&
		    ascii_lower(cstr[i]) != ascii_lower(name[i])))
			return false;
	return cstr[len] == 0;
}

const struct pol_key *
ev_key(const struct ev *ev, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ev->req->key_count; i++)
		if (name_equal(ev->req->keys[i].name, name, len))
			return &ev->req->keys[i];
	return NULL;
}

static bool
same_slice(struct val_slice a, struct val_slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

int
ev_local(struct ev *ev, struct val_slice zone, int64_t t, struct tz_local *ret)
{
	int r = IAM_ERR_ABSENT;

	if (!ev->clock_known || ev->clock_s != t || !same_slice(ev->clock_zone, zone)) {
		if (ev->req->local_time != NULL)
			r = ev->req->local_time(ev->req->local_time_arg,
			    zone.len == 0 ? NULL : zone.p, t, &ev->clock);
		else if (zone.len == 0)
			r = tz_utc(t, &ev->clock);
		ev->clock_known = true;
		ev->clock_ok = r == 0 && ev->clock.weekday >= 0 && ev->clock.weekday < 7;
		ev->clock_zone = zone;
		ev->clock_s = t;
	}
	*ret = ev->clock;
	return ev->clock_ok ? 0 : IAM_ERR_ABSENT;
}

/* One request value, read once and compared with each value of the document. */
struct asked {
	struct val_slice text;
	struct val_number number;
	struct val_date date;
	bool truth;
	struct val_ip ip;
	struct val_slice arn[ARN_PARTS];
};

static bool
asked_read(uint8_t op, const struct pol_value *value, struct asked *ret)
{
	const char *p = value->p;
	size_t len = value->len, n;

	ret->text.p = p;
	ret->text.len = len;
	switch ((enum cf_op)op) {
	case OP_NUM_EQ: case OP_NUM_LT: case OP_NUM_LE: case OP_NUM_GT: case OP_NUM_GE:
		return val_number(p, len, &ret->number);
	case OP_DATE_EQ: case OP_DATE_LT: case OP_DATE_LE: case OP_DATE_GT:
	case OP_DATE_GE: case OP_WINDOW:
		return val_date(p, len, &ret->date);
	case OP_BOOL:
		return val_bool(p, len, &ret->truth);
	case OP_BINARY:
		return val_base64(p, len, NULL, &n);
	case OP_IP:
		return val_ip(p, len, false, &ret->ip);
	case OP_ARN:
		return val_arn(p, len, ret->arn);
	case OP_STRING_EQ: case OP_STRING_EQ_CASE: case OP_STRING_LIKE:
	case OP_NULL: case OP_END:
		return true;
	}
	return false;
}

static enum tri
ordered(uint8_t op, int order)
{
	switch ((enum cf_op)op) {
	case OP_NUM_EQ: case OP_DATE_EQ:
		return order == 0 ? TRI_YES : TRI_NO;
	case OP_NUM_LT: case OP_DATE_LT:
		return order < 0 ? TRI_YES : TRI_NO;
	case OP_NUM_LE: case OP_DATE_LE:
		return order <= 0 ? TRI_YES : TRI_NO;
	case OP_NUM_GT: case OP_DATE_GT:
		return order > 0 ? TRI_YES : TRI_NO;
	case OP_NUM_GE: case OP_DATE_GE:
		return order >= 0 ? TRI_YES : TRI_NO;
	case OP_STRING_EQ: case OP_STRING_EQ_CASE: case OP_STRING_LIKE: case OP_BOOL:
	case OP_BINARY: case OP_IP: case OP_ARN: case OP_NULL: case OP_WINDOW: case OP_END:
		break;
	}
	return TRI_NO;
}

static enum tri
compare_number(struct view *v, uint8_t op, const struct asked *a, const struct val *w)
{
	struct val_number n;

	if (!val_number((const char *)w->data, w->data_len, &n)) {
		v->bad = true;
		return TRI_NO;
	}
	return ordered(op, val_number_compare(&a->number, &n));
}

static enum tri
compare_date(struct view *v, uint8_t op, const struct asked *a, const struct val *w)
{
	struct val_date d;

	if (w->data_len != 12) {
		v->bad = true;
		return TRI_NO;
	}
	d.s = (int64_t)le_u64(w->data);
	d.ns = le_u32(w->data + 8);
	return ordered(op, val_date_compare(&a->date, &d));
}

static enum tri
compare_ip(struct view *v, const struct asked *a, const struct val *w)
{
	struct val_ip ip;

	if (w->data_len != 18) {
		v->bad = true;
		return TRI_NO;
	}
	ip.family = w->data[0];
	ip.prefix = w->data[1];
	memcpy(ip.addr, w->data + 2, 16);
	return val_ip_within(&ip, &a->ip) ? TRI_YES : TRI_NO;
}

static enum tri
compare_arn(struct ev *ev, struct view *v, const struct asked *a, const struct val *w)
{
	const uint8_t *p = w->data, *end = p + w->data_len;
	enum tri all = TRI_YES, r;
	uint32_t len;
	int i;

	for (i = 0; i < ARN_PARTS; i++) {
		if (end - p < 5 || (len = le_u32(p + 1)) > (size_t)(end - p) - 5) {
			v->bad = true;
			return TRI_NO;
		}
		r = match_pattern(ev, v, p[0], p + 5, len, a->arn[i].p,
		    a->arn[i].len, false);
		if (r == TRI_NO)
			return TRI_NO;
		if (r == TRI_DOUBT)
			all = TRI_DOUBT;
		p += 5 + len;
	}
	return all;
}

static enum tri
compare_window(struct ev *ev, struct view *v, const struct asked *a,
    const struct val *w)
{
	struct val_window win;
	struct tz_local l;

	if (w->data_len < 13 || w->data[w->data_len - 1] != 0) {
		v->bad = true;
		return TRI_NO;
	}
	win.days = w->data[0];
	win.start_s = le_u32(w->data + 4);
	win.end_s = le_u32(w->data + 8);
	win.zone.p = (const char *)w->data + 12;
	win.zone.len = w->data_len - 13;
	if (ev_local(ev, win.zone, a->date.s, &l) != 0)
		return TRI_DOUBT;
	return val_window_holds(&win, l.weekday, l.second_of_day) ? TRI_YES : TRI_NO;
}

/* Every operator takes values of these forms only; others are damage. */
static bool
form_fits(uint8_t op, uint8_t form)
{
	switch ((enum cf_op)op) {
	case OP_STRING_EQ: case OP_STRING_EQ_CASE:
		return form == CF_LITERAL || form == CF_VARS;
	case OP_STRING_LIKE:
		return form >= CF_ANY && form <= CF_VARS;
	case OP_NUM_EQ: case OP_NUM_LT: case OP_NUM_LE: case OP_NUM_GT: case OP_NUM_GE:
		return form == CF_NUMBER;
	case OP_DATE_EQ: case OP_DATE_LT: case OP_DATE_LE: case OP_DATE_GT: case OP_DATE_GE:
		return form == CF_DATE;
	case OP_BOOL: case OP_NULL:
		return form == CF_BOOL;
	case OP_BINARY:
		return form == CF_BINARY;
	case OP_IP:
		return form == CF_IP;
	case OP_ARN:
		return form == CF_ARN || form == CF_ANY;
	case OP_WINDOW:
		return form == CF_WINDOW;
	case OP_END:
		break;
	}
	return false;
}

static enum tri
compare(struct ev *ev, struct view *v, uint8_t op, const struct asked *a,
    const struct val *w)
{
	bool ok;

	if (!form_fits(op, w->form)) {
		v->bad = true;
		return TRI_NO;
	}
	switch (w->form) {
	case CF_NUMBER:
		return compare_number(v, op, a, w);
	case CF_DATE:
		return compare_date(v, op, a, w);
	case CF_BOOL:
		return w->data_len == 1 && (w->data[0] != 0) == a->truth ? TRI_YES : TRI_NO;
	case CF_BINARY:
		return val_base64_equal(a->text.p, a->text.len, w->data,
		    w->data_len, &ok) ? TRI_YES : TRI_NO;
	case CF_IP:
		return compare_ip(v, a, w);
	case CF_ARN:
		return compare_arn(ev, v, a, w);
	case CF_WINDOW:
		return compare_window(ev, v, a, w);
	default:
		return match_pattern(ev, v, w->form, w->data, w->data_len,
		    a->text.p, a->text.len, op == OP_STRING_EQ_CASE);
	}
}

/* One value of the request against all values of the document: any may match,
 * or for a negated operator none. */
static enum tri
one_value(struct ev *ev, struct view *v, const struct cond *c,
    const struct pol_value *value)
{
	bool negated = (c->flags & PC_NEGATED) != 0, doubt = false;
	struct asked a;
	struct val w;
	enum tri r;
	uint32_t i;

	if (!asked_read(c->op, value, &a))
		return !negated && (v->flags & CF_FLAG_KEPT) != 0 ? TRI_NO : TRI_DOUBT;
	for (i = 0; i < c->val_n; i++) {
		if (!view_val(v, c->val + i, &w))
			return TRI_DOUBT;
		if (w.form == CF_BAD) {
			doubt = doubt || negated;
			continue;
		}
		r = compare(ev, v, c->op, &a, &w);
		if (r == TRI_YES)
			return negated ? TRI_NO : TRI_YES;
		if (r == TRI_DOUBT)
			doubt = true;
	}
	return doubt ? TRI_DOUBT : negated ? TRI_YES : TRI_NO;
}

static enum tri
null_holds(struct view *v, const struct cond *c, bool present)
{
	struct val w;
	uint32_t i;

	for (i = 0; i < c->val_n; i++) {
		if (!view_val(v, c->val + i, &w))
			return TRI_DOUBT;
		if (w.form == CF_BAD)
			continue;
		if (w.form != CF_BOOL || w.data_len != 1) {
			v->bad = true;
			return TRI_DOUBT;
		}
		if ((w.data[0] != 0) == !present)
			return TRI_YES;
	}
	return TRI_NO;
}

static enum tri
missing_holds(const struct cond *c)
{
	if (c->qual == QUAL_ALL)
		return TRI_YES;
	if (c->qual == QUAL_ANY)
		return TRI_NO;
	return (c->flags & (PC_IF_EXISTS | PC_NEGATED)) != 0 ? TRI_YES : TRI_NO;
}

/* What the request has under this key of the document; remembered. */
static const struct pol_key *
asked_key(struct ev *ev, struct view *v, uint32_t key)
{
	const char *name;
	uint32_t len;

	if (key < VIEW_KEYS && (v->resolved >> key & 1) != 0)
		return v->key[key];
	if ((name = view_key(v, key, &len)) == NULL)
		return NULL;
	return ev_key(ev, name, len);
}

enum tri
cond_holds(struct ev *ev, struct view *v, const struct cond *c)
{
	const struct pol_key *k = asked_key(ev, v, c->key);
	enum tri r, all = c->qual == QUAL_ANY ? TRI_NO : TRI_YES;
	bool present = k != NULL && key_present(k);
	size_t i;

	if (c->op == OP_NULL)
		return null_holds(v, c, present);
	if (!present)
		return missing_holds(c);
	if (c->qual == QUAL_NONE && k->n > 1)
		return TRI_DOUBT;
	for (i = 0; i < k->n; i++) {
		r = one_value(ev, v, c, &k->values[i]);
		if (r == TRI_DOUBT)
			return TRI_DOUBT;
		if (c->qual == QUAL_ANY ? r == TRI_YES : r == TRI_NO)
			all = r;
	}
	return all;
}

enum tri
stmt_conditions(struct ev *ev, struct view *v, const struct stmt *s)
{
	enum tri all = TRI_YES, r;
	struct cond c;
	uint32_t i;

	for (i = 0; i < s->cond_n; i++) {
		if (!view_cond(v, s->cond + i, &c))
			return TRI_DOUBT;
		r = cond_holds(ev, v, &c);
		if (r == TRI_NO)
			return TRI_NO;
		if (r == TRI_DOUBT)
			all = TRI_DOUBT;
	}
	return all;
}
