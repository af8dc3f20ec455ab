/*
 * Goes through a week with the evaluator. Looked at is every full minute, at
 * which the edges of time windows are, and every moment that a policy names;
 * where two neighbours differ, the second between them is searched for.
 */
#include "common/base/base.h"

#include "iamctl/access.h"

#define DAY_S 86400
#define DAYS 7
#define MOMENTS_MAX 4096
#define EXPLAINED_MAX 3 /* sentences about one reason */

static const char day_names[DAYS][4] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat",
	"Sun" };

struct verdict {
	unsigned ways;  /* bits 1 << enum access_proof */
	uint64_t why;   /* what decided, folded into a number */
};

struct span {
	int64_t begin_s, end_s;
	struct verdict verdict;
};

struct week {
	const struct access_ask *ask;
	int64_t begin_s, end_s;
	int64_t moments[MOMENTS_MAX];
	size_t moment_count;
	struct verdict known[256]; /* of the reasons so far */
	struct pol_explanation *why;
	json_t *days, *reasons, *missing;
};

/* ---- deciding ---- */

static const char *
state_name(unsigned ways)
{
	bool plain = (ways & 1u << ACCESS_PASSWORD) != 0;
	bool code = (ways & 1u << ACCESS_CODE) != 0;

	if (plain && code)
		return ACCESS_IN;
	return code ? ACCESS_IN_CODE : plain ? ACCESS_IN_PLAIN : ACCESS_OUT;
}

/* Whose decision explains the state: the best that one can do. */
static enum access_proof
telling(unsigned ways)
{
	return (ways & 1u << ACCESS_PASSWORD) != 0 ? ACCESS_PASSWORD : ACCESS_CODE;
}

static struct authz_attempt
attempt_at(const struct week *w, enum access_proof proof, int64_t t)
{
	struct authz_attempt at = *w->ask->attempt;

	at.now_s = t;
	at.issued_s = t;
	at.mfa_known = proof != ACCESS_KEY;
	at.mfa = proof == ACCESS_CODE;
	at.mfa_s = proof == ACCESS_CODE ? t : 0;
	at.method = proof == ACCESS_KEY ? "publickey" : "password";
	return at;
}

static uint64_t
fold(uint64_t h, uint64_t v)
{
	return (h ^ v) * 0x100000001b3u;
}

static uint64_t
fold_decision(const struct pol_decision *d)
{
	uint64_t h = fold(0xcbf29ce484222325u, (uint64_t)d->effect);
	unsigned i;

	if (d->effect != POL_ALLOWED)
		h = fold(h, (uint64_t)d->denied_by);
	for (i = 0; i < d->match_count; i++)
		h = fold(fold(h, (uint64_t)(uintptr_t)d->matches[i].policy),
		    d->matches[i].statement);
	return h;
}

static int
failed(const struct week *w, int r)
{
	return op_fail(w->ask->c, "PolicyEvaluation", "%s could not be decided: %s."
	    " A login would be denied.", w->ask->attempt->action, iam_strerror(r));
}

static int
look(const struct week *w, int64_t t, struct verdict *ret)
{
	struct pol_decision d[ACCESS_PROOFS];
	struct authz_attempt at;
	unsigned i;
	int r;

	*ret = (struct verdict){ 0 };
	for (i = 0; i < ACCESS_PROOFS; i++) {
		if (i == ACCESS_KEY && !w->ask->key_too)
			continue;
		at = attempt_at(w, (enum access_proof)i, t);
		if ((r = authz_simulate(w->ask->authz, &at, w->ask->extra,
		    &d[i])) != 0)
			return failed(w, r);
		if (d[i].effect == POL_ALLOWED)
			ret->ways |= 1u << i;
	}
	ret->why = fold_decision(&d[telling(ret->ways)]);
	return 0;
}

static bool
same(const struct verdict *a, const struct verdict *b)
{
	return a->ways == b->ways && a->why == b->why;
}

/* The first second after from (whose verdict is known) that differs; by to it does. */
static int
find_edge(const struct week *w, int64_t from, const struct verdict *known,
    int64_t to, int64_t *ret_s, struct verdict *ret)
{
	struct verdict v;
	int64_t mid;

	if (look(w, to, ret) != 0)
		return -1;
	while (to - from > 1) {
		mid = from + (to - from) / 2;
		if (look(w, mid, &v) != 0)
			return -1;
		if (same(&v, known)) {
			from = mid;
		} else {
			to = mid;
			*ret = v;
		}
	}
	*ret_s = to;
	return 0;
}

/* ---- the calendar ---- */

static int
local_at(const struct week *w, int64_t t, int64_t *ret_day, int *ret_second)
{
	struct tz_local l;
	int r = tz_at(w->ask->zone, t, &l);

	if (r != 0)
		return op_fail_err(w->ask->c, r, "The wall clock is not known");
	*ret_day = tz_from_utc(l.year, l.month, l.day, 0) / DAY_S;
	*ret_second = l.second_of_day;
	return 0;
}

/* The first minute of a local day. No zone is 15 hours away from UTC. */
static int
day_begin(const struct week *w, int64_t day, int64_t *ret)
{
	int64_t t = day * DAY_S - 15 * 3600, at;
	int second;

	for (;; t += 60) {
		if (local_at(w, t, &at, &second) != 0)
			return -1;
		if (at >= day)
			break;
	}
	*ret = t;
	return 0;
}

/* Daylight saving puts the clock from one time to another. */
static int
note_jump(const struct week *w, int64_t day, int from, int to)
{
	json_t *notes = json_object_get(w->ask->c->out, "Notes");
	int a = from < to ? from : to, b = from < to ? to : from;

	return list_add(w->ask->c, notes, json_sprintf("%s: the clock is put %s,"
	    " %02d:%02d-%02d:%02d %s.", day_names[day - w->ask->monday],
	    to > from ? "on" : "back", a / 3600, a / 60 % 60, b / 3600, b / 60 % 60,
	    to > from ? "does not come" : "comes twice"));
}

/* Does another line of the calendar begin at t: a day, or a clock put back or on? */
static int
is_new_line(const struct week *w, int64_t begin, int64_t t, bool *ret)
{
	int64_t day0, day1, expected;
	int second0, second1;

	if (local_at(w, begin, &day0, &second0) != 0 ||
	    local_at(w, t, &day1, &second1) != 0)
		return -1;
	expected = second0 + t - begin;
	*ret = day0 != day1 || second1 != expected;
	if (day0 == day1 && second1 != expected)
		return note_jump(w, day0, (int)expected, second1);
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
add_moments(struct week *w, const struct pol_list *list)
{
	size_t i, cursor;
	int64_t s;

	for (i = 0; list != NULL && i < list->n; i++) {
		cursor = 0;
		while (pol_moment_next(&list->v[i].doc, &cursor, &s)) {
			if (s < w->begin_s - 1 || s >= w->end_s ||
			    w->moment_count + 2 > MOMENTS_MAX)
				continue;
			w->moments[w->moment_count++] = s;
			w->moments[w->moment_count++] = s + 1;
		}
	}
}

/* The next second after t to be looked at. */
static int64_t
next_point(const struct week *w, size_t *m, int64_t t)
{
	int64_t minute = (t / 60 + 1) * 60;

	while (*m < w->moment_count && w->moments[*m] <= t)
		(*m)++;
	return *m < w->moment_count && w->moments[*m] < minute ? w->moments[*m] :
	    minute;
}

/* ---- the answer ---- */

static json_t *
clock_shape(int64_t second)
{
	int s = (int)second;

	if (s % 60 == 0)
		return json_sprintf("%02d:%02d", s / 3600, s / 60 % 60);
	return json_sprintf("%02d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
}

static json_t *
iso_shape(int64_t t)
{
	char text[TZ_ISO_LEN];

	tz_iso(t, text);
	return json_string(text);
}

static int
add_missing(struct week *w)
{
	const char *name;
	unsigned i;

	for (i = 0; i < w->why->missing_count; i++) {
		name = w->why->missing[i];
		/* That is the difference between the states. */
		if (strncasecmp(name, "aws:MultiFactorAuth", 19) == 0 ||
		    list_index(w->missing, name) >= 0)
			continue;
		if (list_add(w->ask->c, w->missing, json_string(name)) != 0)
			return -1;
	}
	return 0;
}

/* The drawing shows when; a sentence about its first second would only confuse.
 * A window that cannot be judged, as in a zone unknown here, never shows. */
static bool
is_about_time(const struct pol_reason *r)
{
	return !r->doubt && r->key != NULL && (name_cmp(r->key, "aws:CurrentTime") == 0 ||
	    name_cmp(r->key, "aws:EpochTime") == 0);
}

static int
put_sentence(struct week *w, json_t *reason)
{
	struct buf b = BUF_INIT;
	int r;

	simulate_sentence(w->why, w->ask->attempt->action, &b);
	r = member_set(w->ask->c, reason, "Summary", json_string(buf_cstr(&b)));
	buf_release(&b);
	return r;
}

static int
put_statements(struct week *w, json_t *reason)
{
	struct op_call *c = w->ask->c;
	json_t *matches = json_array(), *texts = json_array();
	unsigned i;

	if (member_set(c, reason, "MatchedStatements", matches) != 0 ||
	    member_set(c, reason, "Explanation", texts) != 0)
		return -1;
	for (i = 0; i < w->why->decision.match_count; i++)
		if (list_add(c, matches,
		    simulate_match(&w->why->decision.matches[i])) != 0)
			return -1;
	for (i = 0; i < w->why->reason_count; i++)
		if (json_array_size(texts) < EXPLAINED_MAX &&
		    !is_about_time(&w->why->reasons[i]) &&
		    list_add(c, texts, json_string(w->why->reasons[i].text)) != 0)
			return -1;
	return 0;
}

static int
add_reason(struct week *w, const struct span *span)
{
	enum access_proof proof = telling(span->verdict.ways);
	struct authz_attempt at = attempt_at(w, proof, span->begin_s);
	json_t *reason;
	int r;

	if ((r = authz_explain(w->ask->authz, &at, w->ask->extra, w->why)) != 0)
		return failed(w, r);
	reason = json_pack("{s:s,s:s,s:i}", "State", state_name(span->verdict.ways),
	    "EvalDecision", simulate_decision(w->why->decision.effect), "Seconds", 0);
	if (list_add(w->ask->c, w->reasons, reason) != 0 ||
	    put_sentence(w, reason) != 0 || put_statements(w, reason) != 0)
		return -1;
	return add_missing(w);
}

/* What decided, as an index into Reasons; the time is added up there. */
static int
find_reason(struct week *w, const struct span *span, size_t *ret)
{
	size_t i, n = json_array_size(w->reasons);
	json_t *reason;
	json_int_t s;

	for (i = 0; i < n; i++)
		if (w->known[i].why == span->verdict.why && strcmp(state_name(
		    w->known[i].ways), state_name(span->verdict.ways)) == 0)
			break;
	if (i == n) {
		if (n == IAM_COUNT(w->known))
			return op_fail(w->ask->c, "LimitExceeded", "More than %zu"
			    " combinations of statements decide in one week.", n);
		w->known[i] = span->verdict;
		if (add_reason(w, span) != 0)
			return -1;
	}
	reason = json_array_get(w->reasons, i);
	s = json_integer_value(json_object_get(reason, "Seconds"));
	*ret = i;
	return member_set(w->ask->c, reason, "Seconds",
	    json_integer(s + span->end_s - span->begin_s));
}

static int
add_span(struct week *w, const struct span *span)
{
	struct op_call *c = w->ask->c;
	json_t *day, *entry;
	int64_t number;
	size_t reason = 0;
	int second;

	if (find_reason(w, span, &reason) != 0 ||
	    local_at(w, span->begin_s, &number, &second) != 0)
		return -1;
	day = json_array_get(w->days, (size_t)(number - w->ask->monday));
	entry = json_pack("{s:o,s:o,s:s,s:i,s:o,s:o}", "From", clock_shape(second),
	    "Until", clock_shape(second + span->end_s - span->begin_s), "State",
	    state_name(span->verdict.ways), "Reason", (int)reason, "Begin",
	    iso_shape(span->begin_s), "End", iso_shape(span->end_s));
	if (list_add(c, json_object_get(day, "Access"), entry) != 0)
		return -1;
	return w->ask->key_too ? member_set(c, entry, "WithKeyAlone",
	    json_boolean(span->verdict.ways & 1u << ACCESS_KEY)) : 0;
}

static int
add_days(struct week *w)
{
	char iso[TZ_ISO_LEN];
	int64_t from, to;
	unsigned i;

	for (i = 0; i < DAYS; i++) {
		if (day_begin(w, w->ask->monday + i, &from) != 0 ||
		    day_begin(w, w->ask->monday + i + 1, &to) != 0)
			return -1;
		tz_iso((w->ask->monday + i) * DAY_S, iso);
		iso[10] = '\0';
		if (list_add(w->ask->c, w->days, json_pack("{s:s,s:s,s:I,s:[]}",
		    "Date", iso, "Day", day_names[i], "Minutes",
		    (json_int_t)((to - from) / 60), "Access")) != 0)
			return -1;
		if (i == 0)
			w->begin_s = from;
		w->end_s = to;
	}
	return 0;
}

/* ---- the walk ---- */

/* Spans end where the verdict changes between from and to. */
static int
split(struct week *w, struct span *span, int64_t from, int64_t to)
{
	struct verdict now;
	int64_t edge;

	for (;;) {
		if (look(w, to, &now) != 0)
			return -1;
		if (same(&now, &span->verdict))
			return 0;
		if (find_edge(w, from, &span->verdict, to, &edge, &now) != 0)
			return -1;
		span->end_s = edge;
		if (span->end_s > span->begin_s && add_span(w, span) != 0)
			return -1;
		*span = (struct span){ edge, 0, now };
		from = edge;
	}
}

static int
walk(struct week *w)
{
	struct span span = { .begin_s = w->begin_s };
	int64_t t = w->begin_s, next;
	size_t m = 0;
	bool line;

	if (look(w, t, &span.verdict) != 0)
		return -1;
	for (; (next = next_point(w, &m, t)) < w->end_s; t = next) {
		if (is_new_line(w, span.begin_s, next, &line) != 0)
			return -1;
		/* What ends with the line ends there, whatever comes next. */
		if (split(w, &span, t, line ? next - 1 : next) != 0)
			return -1;
		if (!line)
			continue;
		span.end_s = next;
		if (add_span(w, &span) != 0)
			return -1;
		span.begin_s = next;
		if (look(w, next, &span.verdict) != 0)
			return -1;
	}
	if (split(w, &span, t, w->end_s - 1) != 0)
		return -1;
	span.end_s = w->end_s;
	return add_span(w, &span);
}

static int
put_week(struct week *w)
{
	const struct pol_list trust = { w->ask->attempt->trust, 1 };
	struct op_call *c = w->ask->c;

	if (out_set(c, "Days", json_incref(w->days)) != 0 ||
	    out_set(c, "Reasons", json_incref(w->reasons)) != 0 ||
	    out_set(c, "MissingContextValues", json_incref(w->missing)) != 0 ||
	    add_days(w) != 0)
		return -1;
	add_moments(w, authz_identity(w->ask->authz));
	add_moments(w, authz_boundary(w->ask->authz));
	if (trust.v != NULL)
		add_moments(w, &trust);
	qsort(w->moments, w->moment_count, sizeof(w->moments[0]), by_time);
	return walk(w);
}

int
access_week(const struct access_ask *ask)
{
	struct week *w = calloc(1, sizeof(*w));
	int r = -1;

	if (w == NULL)
		return no_memory(ask->c);
	w->ask = ask;
	w->days = json_array();
	w->reasons = json_array();
	w->missing = json_array();
	w->why = calloc(1, sizeof(*w->why));
	if (w->why == NULL || w->days == NULL || w->reasons == NULL ||
	    w->missing == NULL)
		no_memory(ask->c);
	else
		r = put_week(w);
	free(w->why);
	json_decref(w->days);
	json_decref(w->reasons);
	json_decref(w->missing);
	free(w);
	return r;
}
