/*
 * The decision: AWS's evaluation order over the layers of a request.
 *
 *  - An explicit deny in any layer wins.
 *  - Every guardrail level, the boundary and the session policy must allow;
 *    they never grant.
 *  - In one account, identity or resource policy grants; across accounts, both
 *    must. A trust policy must always allow.
 *  - Anything not understood or damaged is a deny.
 *
 * Source: IAM User Guide, "Policy evaluation logic"; iam-policy(5).
 */
#include "common/base/base.h"
#include "common/policy/internal.h"

#define ARN_MAX 2048 /* what AWS allows for an ARN */

/* ---- the request ---- */

static struct val_slice
slice(const char *s)
{
	struct val_slice r = { s, strlen(s) };

	return r;
}

static bool
has_prefix(struct val_slice *s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (s->len < n || memcmp(s->p, prefix, n) != 0)
		return false;
	s->p += n;
	s->len -= n;
	return true;
}

static struct val_slice
after_last_slash(struct val_slice s)
{
	const char *slash = memrchr(s.p, '/', s.len);

	if (slash != NULL) {
		s.len -= (size_t)(slash + 1 - s.p);
		s.p = slash + 1;
	}
	return s;
}

bool
principal_parse(const char *arn, struct principal *ret)
{
	struct val_slice part[ARN_PARTS], rest;
	const char *slash;
	bool iam, sts;

	ret->type = PR_OTHER;
	ret->arn = slice(arn);
	ret->account.p = ret->name.p = "";
	ret->account.len = ret->name.len = 0;
	if (!val_arn(ret->arn.p, ret->arn.len, part))
		return false;
	iam = part[2].len == 3 && memcmp(part[2].p, "iam", 3) == 0;
	sts = part[2].len == 3 && memcmp(part[2].p, "sts", 3) == 0;
	ret->account = part[4];
	rest = part[5];
	if (iam && has_prefix(&rest, "user/")) {
		ret->type = PR_USER;
		ret->name = after_last_slash(rest);
	} else if (sts && has_prefix(&rest, "federated-user/")) {
		ret->type = PR_FEDERATED;
		ret->name = rest;
	} else if (sts && has_prefix(&rest, "assumed-role/")) {
		if ((slash = memchr(rest.p, '/', rest.len)) == NULL)
			return false;
		ret->type = PR_ROLE_SESSION;
		ret->name.p = rest.p;
		ret->name.len = (size_t)(slash - rest.p);
	} else if (iam && rest.len == 4 && memcmp(rest.p, "root", 4) == 0) {
		ret->type = PR_ROOT;
	}
	return true;
}

static uint32_t
tail(struct val_slice s)
{
	uint8_t b[CF_TAIL] = { 0 };
	size_t n = s.len < CF_TAIL ? s.len : CF_TAIL;

	if (n == 0)
		return 0;
	memcpy(b + CF_TAIL - n, s.p + s.len - n, n);
	return le_u32(b);
}

int
ev_init(struct ev *ev, const struct pol_set *set, const struct pol_request *req)
{
	struct val_slice part[ARN_PARTS];
	size_t i;

	if (req->principal == NULL || req->action == NULL || req->resource == NULL ||
	    req->principal[0] == 0 || req->action[0] == 0 || req->resource[0] == 0)
		return IAM_ERR_ARG;
	ev->req = req;
	ev->bounded = set->boundary != NULL;
	ev->clock_known = false;
	for (i = 0; req->action[i] != 0; i++) {
		if (i == POL_ACTION_MAX)
			return IAM_ERR_ARG;
		ev->action[i] = ascii_lower(req->action[i]);
	}
	ev->action_len = i;
	ev->resource = slice(req->resource);
	if (ev->resource.len > ARN_MAX)
		return IAM_ERR_ARG;
	ev->resource_tail = tail(ev->resource);
	principal_parse(req->principal, &ev->principal);
	ev->account = req->principal_account != NULL ?
	    slice(req->principal_account) : ev->principal.account;
	ev->resource_account = ev->account;
	if (req->resource_account != NULL)
		ev->resource_account = slice(req->resource_account);
	else if (val_arn(ev->resource.p, ev->resource.len, part) && part[4].len > 0)
		ev->resource_account = part[4];
	return 0;
}

/* ---- one statement ---- */

static enum tri
any_pattern(struct ev *ev, struct view *v, uint32_t first, uint32_t n,
    const char *text, size_t len)
{
	enum tri any = TRI_NO, r;
	struct val w;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (!view_val(v, first + i, &w))
			return TRI_DOUBT;
		r = match_pattern(ev, v, w.form, w.data, w.data_len, text, len, false);
		if (r == TRI_YES)
			return TRI_YES;
		if (r == TRI_DOUBT)
			any = TRI_DOUBT;
	}
	return any;
}

static enum tri
tri_not(enum tri t)
{
	return t == TRI_DOUBT ? TRI_DOUBT : t == TRI_YES ? TRI_NO : TRI_YES;
}

enum tri
stmt_actions(struct ev *ev, struct view *v, const struct stmt *s)
{
	enum tri r = any_pattern(ev, v, s->action, s->action_n, ev->action,
	    ev->action_len);

	return (s->flags & CF_NOT_ACTION) != 0 ? tri_not(r) : r;
}

enum tri
stmt_resources(struct ev *ev, struct view *v, const struct stmt *s)
{
	enum tri r;

	if ((s->flags & CF_HAS_RESOURCE) == 0)
		return TRI_YES;
	r = any_pattern(ev, v, s->resource, s->resource_n, ev->resource.p,
	    ev->resource.len);
	return (s->flags & CF_NOT_RESOURCE) != 0 ? tri_not(r) : r;
}

static bool
is_bytes(struct val_slice s, const uint8_t *p, size_t len)
{
	return s.len == len && memcmp(s.p, p, len) == 0;
}

/* How one entry of Principal names the caller. */
static unsigned
grant(const struct ev *ev, const struct val *w)
{
	const struct principal *p = &ev->principal;
	size_t account_len = ev->account.len;

	switch (w->form) {
	case CF_P_ANY:
		return GRANT_ANY;
	case CF_P_ACCOUNT:
		if (!is_bytes(ev->account, w->data, w->data_len))
			return 0;
		return p->type == PR_ROOT ? GRANT_ACCOUNT | GRANT_EXACT : GRANT_ACCOUNT;
	case CF_P_ROLE:
		if (p->type == PR_ROLE_SESSION &&
		    w->data_len == account_len + p->name.len &&
		    memcmp(w->data, ev->account.p, account_len) == 0 &&
		    memcmp(w->data + account_len, p->name.p, p->name.len) == 0)
			return GRANT_ROLE;
		return 0;
	case CF_P_ARN:
	case CF_P_OTHER:
		return is_bytes(p->arn, w->data, w->data_len) ? GRANT_EXACT : 0;
	default:
		return 0;
	}
}

unsigned
stmt_principals(struct ev *ev, struct view *v, const struct stmt *s)
{
	unsigned named = 0, needed;
	struct val w;
	uint32_t i;

	if ((s->flags & CF_HAS_PRINCIPAL) == 0)
		return GRANT_ANY;
	for (i = 0; i < s->principal_n; i++) {
		if (!view_val(v, s->principal + i, &w))
			return 0;
		named |= grant(ev, &w);
	}
	if ((s->flags & CF_NOT_PRINCIPAL) == 0)
		return named;
	if ((s->flags & CF_DENY) == 0) /* an Allow must not reach whom it names in part */
		return named != 0 ? 0 : GRANT_ANY;
	/* IAM User Guide, "NotPrincipal": a Deny always reaches a principal that has
	 * a permissions boundary, whomever it names. */
	if (ev->bounded)
		return GRANT_ANY;
	needed = GRANT_EXACT | GRANT_ACCOUNT;
	if (ev->principal.type == PR_ROLE_SESSION)
		needed |= GRANT_ROLE;
	return (named & GRANT_ANY) != 0 || (named & needed) == needed ? 0 : GRANT_ANY;
}

/* ---- one layer ---- */

struct layer {
	enum pol_layer id;
	bool allow, deny;
	unsigned grants;
};

struct work {
	struct ev ev;
	struct view view;
	struct pol_decision *d;
	struct layer *layer;
	const char *policy;
	bool denied; /* somewhere: only denials are named from here on */
};

static bool
named_before(const struct pol_decision *d, const struct pol_match *m)
{
	unsigned i;

	for (i = 0; i < d->match_count; i++)
		if (d->matches[i].policy == m->policy &&
		    d->matches[i].statement == m->statement &&
		    d->matches[i].layer == m->layer)
			return true;
	return false;
}

static void
name_match(struct work *k, const struct stmt *s, bool deny)
{
	struct pol_match m = { k->layer->id, k->policy, s->index,
		view_sid(&k->view, s), deny };

	if (deny && !k->denied) {
		k->d->match_count = 0;
		k->denied = true;
	}
	if (deny != k->denied || k->d->match_count == POL_MATCHES_MAX ||
	    named_before(k->d, &m))
		return;
	k->d->matches[k->d->match_count++] = m;
}

static void
try_stmt(struct work *k, uint32_t index)
{
	enum tri all = TRI_YES, r;
	unsigned grants;
	struct stmt s;
	bool deny;

	if (!view_stmt(&k->view, index, &s) ||
	    (r = stmt_actions(&k->ev, &k->view, &s)) == TRI_NO)
		return;
	if (r == TRI_DOUBT)
		all = TRI_DOUBT;
	if ((r = stmt_resources(&k->ev, &k->view, &s)) == TRI_NO)
		return;
	if (r == TRI_DOUBT)
		all = TRI_DOUBT;
	if ((grants = stmt_principals(&k->ev, &k->view, &s)) == 0 ||
	    (r = stmt_conditions(&k->ev, &k->view, &s)) == TRI_NO)
		return;
	if (r == TRI_DOUBT)
		all = TRI_DOUBT;
	deny = (s.flags & CF_DENY) != 0;
	if (!deny && all == TRI_DOUBT)
		return;
	if (deny) {
		k->layer->deny = true;
	} else {
		k->layer->allow = true;
		k->layer->grants |= grants;
	}
	name_match(k, &s, deny);
}

/* ---- candidates out of the index ---- */

static void
resolve_key(struct work *k, unsigned slot)
{
	struct view *v = &k->view;
	const struct pol_key *key = NULL;
	const char *name;
	uint32_t len;

	if ((name = view_key(v, slot, &len)) != NULL)
		key = ev_key(&k->ev, name, len);
	v->key[slot] = key;
	v->key_value_hash[slot] = key != NULL && key->n == 1 ?
	    (uint32_t)cf_hash(key->values[0].p, key->values[0].len, CF_SEED_VALUE) : 0;
	v->resolved |= (uint64_t)1 << slot;
}

/* Could the first condition hold? Only a StringEquals with one plain value is
 * asked here; a hash that agrees is looked at in full later. */
static inline bool
condition_possible(struct work *k, const uint8_t *e)
{
	unsigned slot = e[14];
	const struct pol_key *key;

	if (slot >= VIEW_KEYS)
		return true;
	if ((k->view.resolved >> slot & 1) == 0)
		resolve_key(k, slot);
	key = k->view.key[slot];
	if (key == NULL || key->n == 0)
		return false;
	return key->n != 1 || k->view.key_value_hash[slot] == le_u32(e + 8);
}

/* Entry: tail u32, statement u32, value hash u32, tail length u8, flags u8,
 * condition slot u8, 0 u8. */
static void
scan(struct work *k, uint32_t first, uint32_t n)
{
	static const uint8_t shift[CF_TAIL + 1] = { 0, 24, 16, 8, 0 };
	const uint8_t *e, *end;
	uint32_t last;
	bool full;

	if (!view_range(&k->view, CF_ENTRY, first, n))
		return;
	e = k->view.s[CF_ENTRY].p + (size_t)first * CF_ENTRY_SIZE;
	end = e + (size_t)n * CF_ENTRY_SIZE;
	last = k->ev.resource_tail;
	for (; e < end; e += CF_ENTRY_SIZE) {
		if (e[12] != 0 && e[12] <= CF_TAIL &&
		    (last ^ le_u32(e)) >> shift[e[12]] != 0)
			continue;
		if (!condition_possible(k, e))
			continue;
		/* An allow more changes nothing once there is no room to name it. */
		full = k->denied || (k->layer->allow &&
		    k->d->match_count == POL_MATCHES_MAX);
		if (full && (e[13] & CF_DENY) == 0 && k->layer->id != POL_L_RESOURCE &&
		    k->layer->allow)
			continue;
		try_stmt(k, le_u32(e + 4));
	}
}

static void
probe_resource(struct work *k, const uint8_t *bucket, uint64_t hash)
{
	uint32_t first = le_u32(bucket + 20), size = le_u32(bucket + 24), i, at;
	const uint8_t *s;

	for (i = 0, at = (uint32_t)hash & (size - 1); i < size; i++) {
		s = k->view.s[CF_SUB].p + (size_t)(first + at) * CF_SUB_SIZE;
		if (le_u32(s + 8) == 0)
			return;
		/* Half a hash: others may have the same, and come behind. */
		if (le_u32(s) == (uint32_t)(hash >> 32))
			scan(k, le_u32(s + 4), le_u32(s + 8));
		at = (at + 1) & (size - 1);
	}
}

/* Bucket: hash u64, length u32, entries (first, count), sub table (first,
 * size), resource lengths (first, count), 0 u32. */
static void
scan_bucket(struct work *k, const uint8_t *b)
{
	uint32_t size = le_u32(b + 24), len_first = le_u32(b + 28), i, len;
	uint32_t len_n = le_u32(b + 32);
	struct val_slice r = k->ev.resource;

	scan(k, le_u32(b + 12), le_u32(b + 16));
	if (size == 0)
		return;
	if ((size & (size - 1)) != 0 ||
	    !view_range(&k->view, CF_SUB, le_u32(b + 20), size) ||
	    !view_range(&k->view, CF_LEN, len_first, len_n)) {
		k->view.bad = true;
		return;
	}
	for (i = 0; i < len_n; i++) {
		len = le_u32(k->view.s[CF_LEN].p + (size_t)(len_first + i) * 4);
		if (len <= r.len)
			probe_resource(k, b, cf_hash(r.p, len, CF_SEED_PREFIX));
	}
	probe_resource(k, b, cf_hash(r.p, r.len, CF_SEED_EXACT));
}

static void
probe_action(struct work *k, uint64_t hash)
{
	uint32_t size = k->view.s[CF_BUCKET].n, at = (uint32_t)hash & (size - 1), i;
	const uint8_t *b;

	for (i = 0; i < size; i++) {
		b = k->view.s[CF_BUCKET].p + (size_t)at * CF_BUCKET_SIZE;
		if (le_u32(b + 36) == 0) /* not in use */
			return;
		if (le_u64(b) == hash) {
			scan_bucket(k, b);
			return;
		}
		at = (at + 1) & (size - 1);
	}
}

static int
eval_doc(struct work *k, const struct pol_source *src)
{
	uint32_t i, len;
	int r;

	if ((r = view_init(&k->view, &src->doc)) != 0)
		return r;
	k->policy = src->name;
	for (i = 0; i < k->view.action_lens; i++) {
		len = le_u32(k->view.s[CF_LEN].p + (size_t)i * 4);
		if (len <= k->ev.action_len)
			probe_action(k, cf_hash(k->ev.action, len, CF_SEED_PREFIX));
	}
	probe_action(k, cf_hash(k->ev.action, k->ev.action_len, CF_SEED_EXACT));
	return k->view.bad ? IAM_ERR_FORMAT : 0;
}

static int
eval_list(struct work *k, struct layer *layer, enum pol_layer id,
    const struct pol_source *v, size_t n)
{
	size_t i;
	int r;

	layer->id = id;
	k->layer = layer;
	for (i = 0; i < n; i++)
		if ((r = eval_doc(k, &v[i])) != 0)
			return r;
	return 0;
}

/* ---- all layers ---- */

struct layers {
	struct layer identity, resource, boundary, session, scp;
	bool has_boundary, has_session, has_resource, scp_ok, trust;
	bool same_account;
};

static int
eval_layers(struct work *k, const struct pol_set *set, struct layers *l)
{
	size_t i;
	int r;

	memset(l, 0, sizeof(*l));
	l->scp_ok = true;
	for (i = 0; set->scp != NULL && i < set->scp_levels; i++) {
		l->scp.allow = false;
		if ((r = eval_list(k, &l->scp, POL_L_SCP, set->scp[i].v, set->scp[i].n)) != 0)
			return r;
		l->scp_ok = l->scp_ok && l->scp.allow;
	}
	if (set->resource != NULL &&
	    (r = eval_list(k, &l->resource, POL_L_RESOURCE, set->resource, 1)) != 0)
		return r;
	if ((r = eval_list(k, &l->identity, POL_L_IDENTITY, set->identity.v,
	    set->identity.n)) != 0)
		return r;
	if (set->boundary != NULL && (r = eval_list(k, &l->boundary, POL_L_BOUNDARY,
	    set->boundary->v, set->boundary->n)) != 0)
		return r;
	if (set->session != NULL && (r = eval_list(k, &l->session, POL_L_SESSION,
	    set->session->v, set->session->n)) != 0)
		return r;
	l->has_boundary = set->boundary != NULL;
	l->has_session = set->session != NULL;
	l->has_resource = set->resource != NULL;
	l->trust = set->trust;
	l->same_account = k->ev.account.len == k->ev.resource_account.len &&
	    memcmp(k->ev.account.p, k->ev.resource_account.p, k->ev.account.len) == 0;
	return 0;
}

static enum pol_effect
deny_by(struct pol_decision *d, enum pol_layer layer, enum pol_effect effect)
{
	d->denied_by = layer;
	return effect;
}

static enum pol_effect
combine(const struct layers *l, struct pol_decision *d)
{
	const enum pol_effect no = POL_IMPLICIT_DENY, never = POL_EXPLICIT_DENY;
	unsigned grants = l->resource.grants;
	bool granted;

	if (l->scp.deny)
		return deny_by(d, POL_L_SCP, never);
	if (l->resource.deny)
		return deny_by(d, POL_L_RESOURCE, never);
	if (l->identity.deny)
		return deny_by(d, POL_L_IDENTITY, never);
	if (l->boundary.deny)
		return deny_by(d, POL_L_BOUNDARY, never);
	if (l->session.deny)
		return deny_by(d, POL_L_SESSION, never);
	if (!l->scp_ok)
		return deny_by(d, POL_L_SCP, no);
	if ((l->trust || !l->same_account) && grants == 0)
		return deny_by(d, POL_L_RESOURCE, no);
	if (l->same_account && (grants & GRANT_EXACT) != 0)
		return POL_ALLOWED;
	granted = l->identity.allow ||
	    (l->same_account && (grants & (GRANT_ROLE | GRANT_ANY)) != 0);
	if (!granted)
		return deny_by(d, POL_L_IDENTITY, no);
	if (l->has_boundary && !l->boundary.allow)
		return deny_by(d, POL_L_BOUNDARY, no);
	if (l->has_session && !l->session.allow)
		return deny_by(d, POL_L_SESSION, no);
	return POL_ALLOWED;
}

int
pol_eval(const struct pol_set *set, const struct pol_request *req,
    struct pol_decision *ret)
{
	struct layers l;
	struct work k;
	int r;

	ret->effect = POL_IMPLICIT_DENY;
	ret->denied_by = POL_L_IDENTITY;
	ret->match_count = 0;
	k.d = ret;
	k.denied = false;
	if ((r = ev_init(&k.ev, set, req)) != 0 || (r = eval_layers(&k, set, &l)) != 0) {
		ret->match_count = 0;
		return r;
	}
	ret->effect = combine(&l, ret);
	if (ret->effect == POL_IMPLICIT_DENY) /* nothing decided: nothing is named */
		ret->match_count = 0;
	return 0;
}
