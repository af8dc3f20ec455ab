/*
 * Why a decision came out as it did: every statement is looked at once more,
 * with the functions that decided, and the nearest ones are put into words.
 */
#include <stdarg.h>

#include "common/base/base.h"
#include "common/policy/internal.h"

/* ---- text of bounded length ---- */

struct text {
	char *p;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3)))
put(struct text *t, const char *fmt, ...)
{
	size_t room = t->size - t->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->p + t->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* Values come from requests and documents. What comes out is UTF-8 without
 * control or direction characters (S42), and a long value is cut. */
static void
put_value(struct text *t, const char *p, size_t len)
{
	const char *end = p + len, *stop = p + (len < 80 ? len : 80);
	uint8_t c;
	size_t n, i;

	for (; p < stop; p += n) {
		n = cf_char_len(p, end);
		c = (uint8_t)*p;
		if (c < 0x20 || c == 0x7f || (n == 1 && c >= 0x80) ||
		    (n == 2 && c == 0xc2 && (uint8_t)p[1] < 0xa0) ||
		    (n == 3 && memcmp(p, "\xe2\x80", 2) == 0) ||
		    (n == 3 && memcmp(p, "\xe2\x81", 2) == 0))
			for (i = 0; i < n; i++)
				put(t, "\\x%02x", (unsigned)(uint8_t)p[i]);
		else if (t->size - t->len > n)
			put(t, "%.*s", (int)n, p);
	}
	if (p < end)
		put(t, "...");
}

static void
put_quoted(struct text *t, const char *p, size_t len)
{
	put(t, "\"");
	put_value(t, p, len);
	put(t, "\"");
}

/* ---- one statement, part by part ---- */

struct look {
	struct ev ev;
	struct view view;
	struct pol_explanation *x;
	enum pol_layer layer;
	const char *policy;
	/* Reasons of less weight wait until the others had their turn. */
	enum pol_near pass;
	enum pol_effect says; /* the list that is looked at */
};

static const char *
layer_name(enum pol_layer l)
{
	switch (l) {
	case POL_L_IDENTITY:
		return "identity policy";
	case POL_L_RESOURCE:
		return "resource policy";
	case POL_L_BOUNDARY:
		return "permissions boundary";
	case POL_L_SCP:
		return "service control policy";
	case POL_L_SESSION:
		return "session policy";
	}
	return "policy";
}

static struct pol_reason *
new_reason(struct look *k, const struct stmt *s, enum pol_near near, struct text *t)
{
	bool deny = (s->flags & CF_DENY) != 0;
	struct pol_reason *r;

	/* However many allow, what denies and what is near has to be named. */
	if (k->x->reason_count >= (near == POL_NEAR_MATCHED && !deny ?
	    POL_REASONS_MAX / 2 : POL_REASONS_MAX))
		return NULL;
	r = &k->x->reasons[k->x->reason_count++];
	memset(r, 0, sizeof(*r));
	r->near = near;
	r->match.layer = k->layer;
	r->match.policy = k->policy;
	r->match.statement = s->index;
	r->match.sid = view_sid(&k->view, s);
	r->match.deny = deny;
	*t = (struct text){ r->text, sizeof(r->text), 0 };
	put(t, "Statement %u", s->index + 1);
	if (r->match.sid[0] != 0)
		put(t, " '%.100s'", r->match.sid);
	put(t, " of %s ", layer_name(k->layer));
	put_value(t, k->policy, strlen(k->policy));
	return r;
}

static const char *
verb(const struct stmt *s, bool would)
{
	if ((s->flags & CF_DENY) != 0)
		return would ? " would deny" : " denies";
	return would ? " would allow" : " allows";
}

/* What a pattern with variables stands for in this request; false when one of
 * them has no value. */
static bool
put_expansion(struct look *k, const struct val *w, struct text *t)
{
	const uint8_t *p = w->data, *end = p + w->data_len;
	const struct pol_key *key;
	const char *name;
	uint32_t def, len;

	for (; p < end; p++) {
		if (*p != CF_VAR) {
			if (*p == CF_STAR || *p == CF_ONE)
				put(t, *p == CF_STAR ? "*" : "?");
			else
				put_value(t, (const char *)p, 1);
			continue;
		}
		if (end - p < 9 || (def = le_u32(p + 5)) > (size_t)(end - p) - 8 ||
		    (name = view_key(&k->view, le_u32(p + 1), &len)) == NULL)
			return false;
		key = ev_key(&k->ev, name, len);
		if (key != NULL && key_present(key) && key->n == 1)
			put_value(t, key->values[0].p, key->values[0].len);
		else if (def > 0)
			put_value(t, (const char *)p + 9, def - 1);
		else
			return false;
		p += 8 + (def > 0 ? def - 1 : 0);
	}
	return true;
}

/* "${aws:PrincipalTag/project}", here "gemini" */
static void
put_variables(struct look *k, const struct val *w, struct text *t)
{
	char room[100];
	struct text here = { room, sizeof(room), 0 };

	if (w->form != CF_VARS)
		return;
	room[0] = 0;
	if (put_expansion(k, w, &here))
		put(t, ", here \"%s\"", room);
	else
		put(t, ", which has no value here");
}

static void
put_document_values(struct look *k, const struct cond *c, struct text *t)
{
	struct val w;
	uint32_t i;

	for (i = 0; i < c->val_n && i < 4; i++) {
		if (!view_val(&k->view, c->val + i, &w))
			return;
		put(t, i == 0 ? "" : i + 1 == c->val_n ? " or " : ", ");
		if (c->op == OP_WINDOW || c->op == OP_BOOL || c->op == OP_NULL)
			put_value(t, w.text.p, w.text.len);
		else
			put_quoted(t, w.text.p, w.text.len);
		put_variables(k, &w, t);
	}
	if (i < c->val_n)
		put(t, " or %u more", c->val_n - i);
	if (c->val_n == 0)
		put(t, "an empty list");
}

/* "Mon 10:02 Europe/Berlin", by the clock of the first window. */
static bool
put_clock(struct look *k, const struct cond *c, const struct pol_value *value,
    struct text *t)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	struct val_slice zone;
	struct tz_local l;
	struct val_date d;
	struct val w;

	if (c->val_n == 0 || !view_val(&k->view, c->val, &w) || w.form != CF_WINDOW ||
	    w.data_len < 13 || w.data[w.data_len - 1] != 0 ||
	    !val_date(value->p, value->len, &d))
		return false;
	zone.p = (const char *)w.data + 12;
	zone.len = w.data_len - 13;
	if (ev_local(&k->ev, zone, d.s, &l) != 0)
		return false;
	put(t, "%s %02d:%02d", days[l.weekday], l.second_of_day / 3600,
	    l.second_of_day / 60 % 60);
	if (zone.len > 0)
		put(t, " %s", zone.p);
	else
		put(t, " (%s)", k->ev.req->local_time == NULL ? "UTC" : "the host's time");
	return true;
}

static void
put_request_values(struct look *k, const struct cond *c, const struct pol_key *key,
    struct text *t)
{
	size_t i;

	if (key->n == 1 && c->op == OP_WINDOW && put_clock(k, c, &key->values[0], t))
		return;
	for (i = 0; i < key->n && i < 4; i++) {
		put(t, i == 0 ? "" : ", ");
		put_quoted(t, key->values[i].p, key->values[i].len);
	}
	if (i < key->n)
		put(t, " and %zu more", key->n - i);
}

static void
put_doubt(const struct cond *c, const struct pol_key *key, struct text *t)
{
	if (c->qual == QUAL_NONE && key->n > 1)
		put(t, ", several values, for which ForAllValues or ForAnyValue is missing");
	else if (c->op == OP_WINDOW)
		put(t, ", for which the wall clock of the window's zone is not known");
	else
		put(t, ", which cannot be compared");
}

/* "aws:CurrentTime was … and the window is …" */
static void
put_condition(struct look *k, const struct cond *c, enum tri r, const char *name,
    struct text *t)
{
	const struct pol_key *key = ev_key(&k->ev, name, strlen(name));
	const char *op = cf_operator_name(c->op, c->flags);

	put_value(t, name, strlen(name));
	put(t, " ");
	if (key == NULL || !key_present(key)) {
		put(t, "is not in the request");
	} else {
		put(t, "was ");
		put_request_values(k, c, key, t);
		if (r == TRI_DOUBT)
			put_doubt(c, key, t);
	}
	if (c->op == OP_WINDOW && ((c->flags & PC_NEGATED) != 0 || r == TRI_YES))
		put(t, ((c->flags & PC_NEGATED) != 0) == (r == TRI_YES) ? ", outside " :
		    ", within ");
	else if (c->op == OP_WINDOW)
		put(t, c->val_n > 1 ? " and the windows are " : " and the window is ");
	else
		put(t, "%s %s%s%s %s ", r == TRI_DOUBT ? "," : " and", c->qual == QUAL_ALL ? "ForAllValues:" :
		    c->qual == QUAL_ANY ? "ForAnyValue:" : "", op != NULL ? op : "?",
		    (c->flags & PC_IF_EXISTS) != 0 ? "IfExists" : "",
		    (c->flags & PC_NEGATED) != 0 ? "excludes" : "asks for");
	put_document_values(k, c, t);
}

/* The first condition that kept the statement from applying. */
static void
reason_condition(struct look *k, const struct stmt *s)
{
	bool deny = (s->flags & CF_DENY) != 0;
	struct pol_reason *why;
	struct cond c;
	struct text t;
	const char *name;
	uint32_t i, len;
	enum tri r = TRI_YES;

	for (i = 0; i < s->cond_n; i++) {
		if (!view_cond(&k->view, s->cond + i, &c))
			return;
		r = cond_holds(&k->ev, &k->view, &c);
		if (r == TRI_NO || (r == TRI_DOUBT && !deny))
			break;
	}
	if (i == s->cond_n || (name = view_key(&k->view, c.key, &len)) == NULL ||
	    (why = new_reason(k, s, POL_NEAR_CONDITION, &t)) == NULL)
		return;
	why->key = name;
	why->doubt = r == TRI_DOUBT;
	why->op = cf_operator_name(c.op, c.flags);
	put(&t, "%s, but ", verb(s, true));
	put_condition(k, &c, r, name, &t);
	put(&t, ".");
}

/* A deny that applies: the conditions that made it do so, two of them. */
static void
put_why_denied(struct look *k, const struct stmt *s, struct text *t)
{
	struct cond c;
	const char *name;
	uint32_t i, len;

	for (i = 0; i < s->cond_n && i < 2; i++) {
		if (!view_cond(&k->view, s->cond + i, &c) ||
		    (name = view_key(&k->view, c.key, &len)) == NULL)
			return;
		put(t, i == 0 ? ": " : ", and ");
		put_condition(k, &c, TRI_YES, name, t);
	}
}

static void
reason_matched(struct look *k, const struct stmt *s, bool doubt)
{
	struct text t;
	struct cond c;
	const char *name;
	uint32_t i, len;

	if (new_reason(k, s, POL_NEAR_MATCHED, &t) == NULL)
		return;
	put(&t, "%s", verb(s, false));
	if (!doubt && (s->flags & CF_DENY) != 0)
		put_why_denied(k, s, &t);
	for (i = 0; doubt && i < s->cond_n; i++) {
		if (!view_cond(&k->view, s->cond + i, &c) ||
		    cond_holds(&k->ev, &k->view, &c) != TRI_DOUBT ||
		    (name = view_key(&k->view, c.key, &len)) == NULL)
			continue;
		put(&t, " out of caution: ");
		put_condition(k, &c, TRI_DOUBT, name, &t);
		break;
	}
	put(&t, ".");
}

static void
reason_elsewhere(struct look *k, const struct stmt *s, bool resource)
{
	struct text t;
	struct val w;

	if (new_reason(k, s, POL_NEAR_ACTION_ONLY, &t) == NULL)
		return;
	put(&t, "%s it ", verb(s, true));
	if (!resource) {
		put(&t, "for other principals than ");
		put_value(&t, k->ev.principal.arn.p, k->ev.principal.arn.len);
	} else if ((s->flags & CF_NOT_RESOURCE) != 0) {
		put(&t, "on other resources than ");
		put_value(&t, k->ev.resource.p, k->ev.resource.len);
	} else if (s->resource_n > 0 && view_val(&k->view, s->resource, &w)) {
		put(&t, "on ");
		put_value(&t, w.text.p, w.text.len);
		put_variables(k, &w, &t);
		if (s->resource_n > 1)
			put(&t, " and %u more", s->resource_n - 1);
		put(&t, ", not on ");
		put_value(&t, k->ev.resource.p, k->ev.resource.len);
	}
	put(&t, ".");
}

/* ---- missing keys ---- */

static void
note_missing(struct look *k, uint32_t key)
{
	struct pol_explanation *x = k->x;
	const struct pol_key *have;
	const char *name;
	uint32_t len;
	unsigned i;

	if ((name = view_key(&k->view, key, &len)) == NULL)
		return;
	have = ev_key(&k->ev, name, len);
	if (have != NULL && key_present(have))
		return;
	for (i = 0; i < x->missing_count; i++)
		if (ascii_equal_case(x->missing[i], strlen(x->missing[i]), name, len))
			return;
	if (i < POL_MISSING_MAX)
		x->missing[x->missing_count++] = name;
}

/* The keys of the variables in pattern data. */
static void
note_variables(struct look *k, uint8_t form, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	uint32_t def;

	if (form != CF_VARS)
		return;
	while (p < end) {
		if (*p != CF_VAR) {
			p++;
			continue;
		}
		if (end - p < 9 || (def = le_u32(p + 5)) > (size_t)(end - p) - 8)
			return;
		note_missing(k, le_u32(p + 1));
		p += 9 + (def > 0 ? def - 1 : 0);
	}
}

static void
note_value(struct look *k, const struct val *w)
{
	const uint8_t *p = w->data, *end = p + w->data_len;
	uint32_t len;

	if (w->form != CF_ARN) {
		note_variables(k, w->form, p, w->data_len);
		return;
	}
	while (end - p >= 5 && (len = le_u32(p + 1)) <= (size_t)(end - p) - 5) {
		note_variables(k, p[0], p + 5, len);
		p += 5 + len;
	}
}

static void
note_values(struct look *k, uint32_t first, uint32_t n)
{
	struct val w;
	uint32_t i;

	for (i = 0; i < n; i++)
		if (view_val(&k->view, first + i, &w))
			note_value(k, &w);
}

static void
note_statement(struct look *k, const struct stmt *s)
{
	struct cond c;
	uint32_t i;

	note_values(k, s->resource, s->resource_n);
	for (i = 0; i < s->cond_n; i++) {
		if (!view_cond(&k->view, s->cond + i, &c))
			return;
		note_missing(k, c.key);
		note_values(k, c.val, c.val_n);
	}
}

/* ---- all statements ---- */

static void
look_at(struct look *k, uint32_t index)
{
	bool doubt = false, deny, first = k->pass == POL_NEAR_MATCHED;
	enum tri resource, conditions;
	struct stmt s;

	if (!view_stmt(&k->view, index, &s) ||
	    stmt_actions(&k->ev, &k->view, &s) == TRI_NO)
		return;
	if (first)
		note_statement(k, &s);
	deny = (s.flags & CF_DENY) != 0;
	resource = stmt_resources(&k->ev, &k->view, &s);
	doubt = resource == TRI_DOUBT;
	if (resource == TRI_NO || (doubt && !deny) ||
	    stmt_principals(&k->ev, &k->view, &s) == 0) {
		if (k->pass == POL_NEAR_ACTION_ONLY)
			reason_elsewhere(k, &s, resource != TRI_YES);
		return;
	}
	conditions = stmt_conditions(&k->ev, &k->view, &s);
	doubt = doubt || conditions == TRI_DOUBT;
	if (conditions == TRI_YES || (conditions == TRI_DOUBT && deny)) {
		if (deny || k->says != POL_EXPLICIT_DENY)
			k->says = deny ? POL_EXPLICIT_DENY : POL_ALLOWED;
		if (first)
			reason_matched(k, &s, doubt);
	} else if (k->pass == POL_NEAR_CONDITION) {
		reason_condition(k, &s);
	}
}

static enum pol_effect
look_at_list(struct look *k, enum pol_layer layer, const struct pol_source *v, size_t n)
{
	uint32_t j;
	size_t i;

	k->layer = layer;
	k->says = POL_IMPLICIT_DENY;
	for (i = 0; i < n; i++) {
		if (view_init(&k->view, &v[i].doc) != 0)
			continue;
		k->policy = v[i].name != NULL ? v[i].name : "";
		for (j = 0; j < k->view.s[CF_STMT].n; j++)
			look_at(k, j);
	}
	return k->says;
}

/* A deny of one guardrail level is final, and every level must allow. */
static void
look_at_guardrails(struct look *k, const struct pol_set *set, enum pol_effect *ret)
{
	enum pol_effect level;
	size_t i;

	*ret = POL_ALLOWED;
	for (i = 0; set->scp != NULL && i < set->scp_levels; i++) {
		level = look_at_list(k, POL_L_SCP, set->scp[i].v, set->scp[i].n);
		if (level == POL_EXPLICIT_DENY || *ret == POL_ALLOWED)
			*ret = level;
	}
}

static void
look_at_all(struct look *k, const struct pol_set *set, enum pol_effect *says)
{
	look_at_guardrails(k, set, &says[POL_L_SCP]);
	says[POL_L_RESOURCE] = look_at_list(k, POL_L_RESOURCE, set->resource,
	    set->resource != NULL);
	says[POL_L_IDENTITY] = look_at_list(k, POL_L_IDENTITY, set->identity.v,
	    set->identity.n);
	if (set->boundary != NULL)
		says[POL_L_BOUNDARY] = look_at_list(k, POL_L_BOUNDARY, set->boundary->v,
		    set->boundary->n);
	if (set->session != NULL)
		says[POL_L_SESSION] = look_at_list(k, POL_L_SESSION, set->session->v,
		    set->session->n);
}

int
pol_explain(const struct pol_set *set, const struct pol_request *req,
    struct pol_explanation *ret)
{
	static const enum pol_near order[] = { POL_NEAR_MATCHED, POL_NEAR_CONDITION,
		POL_NEAR_ACTION_ONLY };
	struct look k;
	size_t i;
	int r;

	ret->reason_count = 0;
	ret->missing_count = 0;
	for (i = 0; i < IAM_COUNT(ret->says); i++)
		ret->says[i] = POL_IMPLICIT_DENY;
	if ((r = pol_eval(set, req, &ret->decision)) != 0 ||
	    (r = ev_init(&k.ev, set, req)) != 0)
		return r;
	k.x = ret;
	for (i = 0; i < IAM_COUNT(order); i++) {
		k.pass = order[i];
		look_at_all(&k, set, ret->says);
	}
	return 0;
}
