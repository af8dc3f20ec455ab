/*
 * The week in 80 columns. A state is a sign first and a colour second; a half
 * hour in which it changes has a sign of its own, and the exact times are
 * below, so that a window of five minutes is not lost.
 */
#include "common/base/base.h"

#include "iamctl/access.h"
#include "iamctl/output.h"

#define SLOTS 48
#define SLOT_S 1800
#define INDENT 2

struct sign {
	const char *state;
	const char *utf8, *ascii;
	const char *color; /* SGR, also for people who confuse red and green */
	const char *words;
};

static const struct sign signs[] = {
	{ ACCESS_IN, "\u2588", "#", "36", "gets in, with a code or without" },
	{ ACCESS_IN_CODE, "\u2592", "+", "33", "gets in with a code only" },
	{ ACCESS_IN_PLAIN, "\u2573", "x", "35", "gets in without a code only" },
	{ ACCESS_OUT, "\u00b7", ".", "2", "denied" },
};
static const struct sign mixed = { NULL, "\u259a", "/", "1",
	"changes within the half hour" };

struct draw {
	const json_t *answer;
	const struct op_face *face;
	struct buf *out;
	bool has_mixed;
};

static const struct sign *
sign_of(const char *state)
{
	size_t i;

	for (i = 0; i + 1 < IAM_COUNT(signs); i++)
		if (strcmp(signs[i].state, state) == 0)
			break;
	return &signs[i];
}

static void
put_sign(const struct draw *d, const struct sign *s)
{
	const char *text = d->face->utf8 ? s->utf8 : s->ascii;

	if (d->face->color)
		buf_printf(d->out, "\033[%sm%s\033[0m", s->color, text);
	else
		buf_puts(d->out, text);
}

static void
put_bold(const struct draw *d, const char *text)
{
	buf_printf(d->out, d->face->color ? "\033[1m%s\033[0m\n" : "%s\n", text);
}

/* ---- the grid ---- */

/* NULL: the clock never shows that half hour. */
static const struct sign *
slot_sign(const json_t *access, int slot)
{
	const struct sign *found = NULL, *s;
	int from = slot * SLOT_S, until = from + SLOT_S;
	json_t *entry;
	size_t i;

	json_array_foreach(access, i, entry) {
		if (access_seconds(text_of(entry, "From")) >= until ||
		    access_seconds(text_of(entry, "Until")) <= from)
			continue;
		s = sign_of(text_of(entry, "State"));
		if (found != NULL && found != s)
			return &mixed;
		found = s;
	}
	return found;
}

static void
put_day(struct draw *d, const json_t *day)
{
	const json_t *access = json_object_get(day, "Access");
	const struct sign *s, *before = NULL;
	int i;

	buf_printf(d->out, "%s %s", text_of(day, "Day"),
	    text_of(day, "Date") + strlen("2026-11-"));
	for (i = 0; i < SLOTS; i++) {
		if (i % 2 == 0)
			buf_putc(d->out, ' ');
		s = slot_sign(access, i);
		if (s != before && d->face->color)
			buf_printf(d->out, "\033[0;%sm", s != NULL ? s->color : "0");
		before = s;
		buf_puts(d->out, s == NULL ? " " : d->face->utf8 ? s->utf8 : s->ascii);
		d->has_mixed = d->has_mixed || s == &mixed;
	}
	buf_puts(d->out, d->face->color ? "\033[0m\n" : "\n");
}

static void
put_grid(struct draw *d)
{
	json_t *day;
	size_t i;

	buf_puts(d->out, "      ");
	for (i = 0; i < 24; i++)
		buf_printf(d->out, " %02zu", i);
	buf_putc(d->out, '\n');
	json_array_foreach(json_object_get(d->answer, "Days"), i, day)
		put_day(d, day);
}

/* ---- exact times ---- */

struct time_span {
	size_t day, last_day; /* 0..6 */
	const char *from, *until;
};

#define TIME_SPANS_MAX 512

struct time_list {
	struct time_span v[TIME_SPANS_MAX];
	size_t n;
	bool cut;
};

typedef bool is_wanted(const json_t *entry, const char *state);

static bool
has_state(const json_t *entry, const char *state)
{
	return strcmp(text_of(entry, "State"), state) == 0;
}

/* An SSH key alone gets in where a password alone does not, or the other way. */
static bool
key_differs(const json_t *entry, const char *state)
{
	const json_t *key = json_object_get(entry, "WithKeyAlone");
	bool plain = has_state(entry, ACCESS_IN) || has_state(entry, ACCESS_IN_PLAIN);

	(void)state;
	return key != NULL && json_is_true(key) != plain;
}

static bool
key_gets_in(const json_t *entry, const char *state)
{
	(void)state;
	return json_is_true(json_object_get(entry, "WithKeyAlone"));
}

/* Neighbours are one span, over midnight, too. */
static void
collect(const struct draw *d, is_wanted *wanted, const char *state,
    struct time_list *ret)
{
	json_t *day, *entry;
	bool open = false, want;
	size_t i, j;

	ret->n = 0;
	ret->cut = false;
	json_array_foreach(json_object_get(d->answer, "Days"), i, day)
		json_array_foreach(json_object_get(day, "Access"), j, entry) {
			want = wanted(entry, state);
			if (want && !open && ret->n == TIME_SPANS_MAX)
				ret->cut = true;
			else if (want && !open)
				ret->v[ret->n++] = (struct time_span){ i, i,
					text_of(entry, "From"), NULL };
			if (want && ret->n > 0 && !ret->cut) {
				ret->v[ret->n - 1].last_day = i;
				ret->v[ret->n - 1].until = text_of(entry, "Until");
			}
			open = want;
		}
}

static const char *
day_name(const struct draw *d, size_t day)
{
	return text_of(json_array_get(json_object_get(d->answer, "Days"), day), "Day");
}

static bool
is_over_night(const struct time_span *s)
{
	return s->last_day == s->day + 1 &&
	    access_seconds(s->until) <= access_seconds(s->from);
}

static bool
is_daily(const struct time_span *s)
{
	return s->last_day == s->day || is_over_night(s);
}

static bool
is_alike(const struct time_span *a, const struct time_span *b)
{
	return is_daily(a) && is_daily(b) && strcmp(a->from, b->from) == 0 &&
	    strcmp(a->until, b->until) == 0;
}

/* Which days have a span like the first, as "Mon-Wed,Fri". Marks them. */
static void
put_days(const struct draw *d, const struct time_list *l, size_t first,
    bool *done, struct buf *b)
{
	bool on[9] = { false };
	size_t i, end;

	for (i = first; i < l->n; i++) {
		if (!is_alike(&l->v[first], &l->v[i]))
			continue;
		done[i] = true;
		on[l->v[i].day] = true;
	}
	for (i = 0; i < 7; i = end + 1) {
		for (end = i; on[i] && on[end + 1]; end++)
			;
		if (!on[i])
			continue;
		buf_printf(b, "%s%s", b->len > 0 && b->p[b->len - 1] != ' ' ? "," : "",
		    day_name(d, i));
		if (end > i)
			buf_printf(b, "%s%s", end > i + 1 ? "-" : ",", day_name(d, end));
	}
}

static void
put_spans(const struct draw *d, const struct time_list *l, struct buf *b)
{
	bool done[TIME_SPANS_MAX] = { false };
	const struct time_span *s;
	size_t i;

	if (l->n == 1 && l->v[0].day == 0 && l->v[0].last_day == 6 &&
	    strcmp(l->v[0].from, "00:00") == 0 && strcmp(l->v[0].until, "24:00") == 0) {
		buf_puts(b, "always");
		return;
	}
	for (i = 0; i < l->n; i++) {
		s = &l->v[i];
		if (done[i])
			continue;
		if (b->len > 0)
			buf_puts(b, ", ");
		if (is_daily(s))
			put_days(d, l, i, done, b);
		else
			buf_puts(b, day_name(d, s->day));
		buf_printf(b, " %s-%s%s%s", s->from, is_daily(s) ? "" :
		    day_name(d, s->last_day), is_daily(s) ? "" : " ", s->until);
	}
	if (l->cut)
		buf_puts(b, " and more (--output json has all)");
}

static long
seconds_of(const struct draw *d, const char *state)
{
	json_t *reason;
	json_int_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(d->answer, "Reasons"), i, reason)
		if (strcmp(text_of(reason, "State"), state) == 0)
			n += json_integer_value(json_object_get(reason, "Seconds"));
	return (long)n;
}

static void
put_legend(struct draw *d)
{
	struct time_list *list = malloc(sizeof(*list));
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; list != NULL && i < IAM_COUNT(signs); i++) {
		if (seconds_of(d, signs[i].state) == 0)
			continue;
		put_sign(d, &signs[i]);
		buf_printf(d->out, " %s, ", signs[i].words);
		access_duration(d->out, seconds_of(d, signs[i].state));
		buf_putc(d->out, '\n');
		if (strcmp(signs[i].state, ACCESS_OUT) == 0)
			continue;
		collect(d, has_state, signs[i].state, list);
		put_spans(d, list, &b);
		output_wrap(d->out, buf_cstr(&b), INDENT, 0);
		buf_reset(&b);
	}
	if (d->has_mixed) {
		put_sign(d, &mixed);
		buf_printf(d->out, " %s\n", mixed.words);
	}
	if (list == NULL || b.err != 0)
		d->out->err = IAM_ERR_MEMORY;
	free(list);
	buf_release(&b);
}

/* ---- why ---- */

static void
put_reason(const struct draw *d, const json_t *reason)
{
	bool silent = strcmp(text_of(reason, "EvalDecision"), "implicitDeny") == 0;
	json_t *text;
	struct buf b = BUF_INIT;
	size_t i;

	output_escape(&b, text_of(reason, "Summary"),
	    strlen(text_of(reason, "Summary")));
	put_sign(d, sign_of(text_of(reason, "State")));
	output_wrap(d->out, buf_cstr(&b), INDENT, 1);
	json_array_foreach(json_object_get(reason, "Explanation"), i, text) {
		if (!silent)
			break;
		buf_reset(&b);
		output_escape(&b, json_string_value(text), json_string_length(text));
		output_wrap(d->out, buf_cstr(&b), INDENT + 2, 0);
	}
	buf_release(&b);
}

void
access_key_alone(const json_t *answer, struct buf *ret)
{
	struct time_list *list = malloc(sizeof(*list));
	struct draw d = { .answer = answer };
	struct buf spans = BUF_INIT;

	if (list == NULL) {
		ret->err = IAM_ERR_MEMORY;
		return;
	}
	collect(&d, key_differs, NULL, list);
	if (list->n > 0) {
		collect(&d, key_gets_in, NULL, list);
		put_spans(&d, list, &spans);
		buf_printf(ret, "An SSH key alone, without password and code, gets in"
		    " at other times: %s.", list->n > 0 ? buf_cstr(&spans) : "never");
	}
	free(list);
	buf_release(&spans);
}

static void
put_texts(const struct draw *d, const char *member)
{
	json_t *text;
	struct buf b = BUF_INIT;
	size_t i;

	json_array_foreach(json_object_get(d->answer, member), i, text) {
		buf_reset(&b);
		output_escape(&b, json_string_value(text), json_string_length(text));
		output_wrap(d->out, buf_cstr(&b), 0, 0);
	}
	buf_release(&b);
}

static void
put_missing(const struct draw *d)
{
	const json_t *list = json_object_get(d->answer, "MissingContextValues");
	struct buf b = BUF_INIT;
	char names[512];

	if (json_array_size(list) == 0)
		return;
	list_join(list, names, sizeof(names));
	buf_puts(&b, "Not known, so taken as missing: ");
	output_escape(&b, names, strlen(names));
	buf_puts(&b, ". Give them with --context-entries, --service or --source-ip.");
	output_wrap(d->out, buf_cstr(&b), 0, 0);
	buf_release(&b);
}

void
access_text(const json_t *in, const json_t *answer, const struct op_face *face,
    struct buf *ret)
{
	struct draw d = { answer, face, ret, false };
	const char *user = text_of(answer, "UserName");
	struct buf b = BUF_INIT;
	json_t *v;
	size_t i;

	(void)in;
	buf_printf(&b, "%s by %s, week of %s, %s", text_of(answer, "ActionName"),
	    user[0] != '\0' ? user : "whom the policy is attached to",
	    text_of(answer, "WeekOf"), text_of(answer, "Zone"));
	put_bold(&d, buf_cstr(&b));
	buf_reset(&b);
	output_escape(&b, text_of(answer, "ResourceName"),
	    strlen(text_of(answer, "ResourceName")));
	buf_printf(ret, "on %s\n\n", buf_cstr(&b));
	put_grid(&d);
	buf_putc(ret, '\n');
	put_legend(&d);
	buf_putc(ret, '\n');
	json_array_foreach(json_object_get(answer, "Reasons"), i, v)
		put_reason(&d, v);
	buf_reset(&b);
	access_key_alone(answer, &b);
	if (b.len > 0)
		output_wrap(ret, buf_cstr(&b), 0, 0);
	put_missing(&d);
	put_texts(&d, "Notes");
	buf_release(&b);
}
