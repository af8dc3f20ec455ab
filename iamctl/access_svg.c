/*
 * The week as an SVG drawing: one bar a day, to the second, with its times
 * above. Colours are told apart by people who confuse red and green (Okabe and
 * Ito), and each state has a pattern as well. Light or dark as the viewer is.
 */
#include "common/base/base.h"

#include "iamctl/access.h"

#define LEFT 92
#define HOUR_W 36
#define WIDTH (LEFT + 24 * HOUR_W + 28)
#define TOP 112
#define ROW_H 46
#define BAR_Y 16 /* in its row, below the times */
#define BAR_H 22
#define CHAR_W 7 /* of a time above the bars */
#define SHORT_S 3600 /* a shorter state has both its times */
#define LINE_H 19
#define WORDS_MAX 118 /* characters of a line at the foot */

static const char style[] =
    "<style>"
    "text{font:13px system-ui,-apple-system,'DejaVu Sans',sans-serif;fill:#1b1f24}"
    ".h{font-size:20px;font-weight:600}.s{font-size:12px;fill:#57606a}"
    ".t{font-size:11px}.d{font-weight:600}.page{fill:#ffffff}"
    ".out{fill:#eceef1}.in{fill:#0072b2}.code{fill:#e69f00}.plain{fill:#aa4499}"
    ".none{fill:url(#none)}.grid{stroke:#8c959f;stroke-opacity:.35}"
    ".half{stroke-dasharray:1 4}.edge{fill:none;stroke:#8c959f;stroke-opacity:.6}"
    ".mark{stroke:#000;stroke-opacity:.5;stroke-width:1.5;fill:none}"
    "@media (prefers-color-scheme:dark){"
    "text{fill:#e6edf3}.s{fill:#9da7b3}.page{fill:#0d1117}.out{fill:#21262d}"
    ".in{fill:#56b4e9}.code{fill:#f0b429}.plain{fill:#cc79a7}}"
    "</style>\n"
    "<defs>"
    "<pattern id=\"code\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
    "<rect class=\"code\" width=\"8\" height=\"8\"/>"
    "<path class=\"mark\" d=\"M-2 2l4-4M0 8l8-8M6 10l4-4\"/></pattern>"
    "<pattern id=\"plain\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
    "<rect class=\"plain\" width=\"8\" height=\"8\"/>"
    "<path class=\"mark\" d=\"M2 2l4 4M6 2l-4 4\"/></pattern>"
    "<pattern id=\"none\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
    "<path class=\"grid\" d=\"M0 6l6-6\" fill=\"none\"/></pattern>"
    "</defs>\n";

struct paint {
	const char *state, *fill, *words;
};

static const struct paint paints[] = {
	{ ACCESS_IN, "class=\"in\"", "gets in, with a code or without" },
	{ ACCESS_IN_CODE, "fill=\"url(#code)\"", "gets in with a code only" },
	{ ACCESS_IN_PLAIN, "fill=\"url(#plain)\"", "gets in without a code only" },
	{ ACCESS_OUT, "class=\"out\"", "denied" },
};

static const struct paint *
paint_of(const char *state)
{
	size_t i;

	for (i = 0; i + 1 < IAM_COUNT(paints); i++)
		if (strcmp(paints[i].state, state) == 0)
			break;
	return &paints[i];
}

/* XML 1.0 has no place for control characters. */
static void
put_escaped(struct buf *b, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		switch (s[i]) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		default:
			buf_putc(b, (unsigned char)s[i] < ' ' ? ' ' : s[i]);
		}
	}
}

static void
put_text(struct buf *b, int x, int y, const char *more, const char *text)
{
	buf_printf(b, "<text x=\"%d\" y=\"%d\" %s>", x, y, more);
	put_escaped(b, text, strlen(text));
	buf_puts(b, "</text>\n");
}

/* Hundredths of a unit: numbers in SVG have a point in every locale. */
static long
x_of(int second)
{
	return LEFT * 100L + (long)second * HOUR_W * 100 / 3600;
}

static void
put_x(struct buf *b, const char *name, long hundredths)
{
	buf_printf(b, " %s=\"%ld.%02ld\"", name, hundredths / 100, hundredths % 100);
}

/* ---- bars ---- */

struct row {
	struct buf *out;
	int y;
	int twice_from, twice_until; /* the hour that comes twice; 0, 0: none */
	bool second_time;
	long label_end;
};

static void
put_bar(struct row *r, const struct paint *p, int from, int until, int y, int h,
    const char *title)
{
	long x = x_of(from), w = x_of(until) - x;

	/* What is narrower than a hair is still seen. */
	if (w < 200 && strcmp(p->state, ACCESS_OUT) != 0)
		w = 200;
	buf_printf(r->out, "<rect %s y=\"%d\" height=\"%d\"", p->fill, y, h);
	put_x(r->out, "x", x);
	put_x(r->out, "width", w);
	buf_puts(r->out, "><title>");
	put_escaped(r->out, title, strlen(title));
	buf_puts(r->out, "</title></rect>\n");
}

/* In an hour that comes twice the first time is above, the second below. */
static void
put_span(struct row *r, const struct paint *p, int from, int until, const char *title)
{
	int a = from > r->twice_from ? from : r->twice_from;
	int b = until < r->twice_until ? until : r->twice_until;
	int y = r->y + BAR_Y;

	if (a >= b) {
		put_bar(r, p, from, until, y, BAR_H, title);
		return;
	}
	if (from < a)
		put_bar(r, p, from, a, y, BAR_H, title);
	put_bar(r, p, a, b, r->second_time ? y + BAR_H / 2 : y, BAR_H / 2, title);
	if (b < until)
		put_bar(r, p, b, until, y, BAR_H, title);
}

static void
put_label(struct row *r, int second, const char *text, size_t chars)
{
	long x = x_of(second), w = (long)chars * CHAR_W * 100;

	/* The last label of a day ends with its bar. */
	if (x > x_of(86400) - w)
		x = x_of(86400) - w;
	if (x < r->label_end)
		return;
	put_text(r->out, (int)(x / 100), r->y + 11, "class=\"t\"", text);
	r->label_end = x + w;
}

/* The time at which a state begins; of a short one, from when until when. */
static void
put_times(struct row *r, const json_t *access, size_t first, size_t last)
{
	const json_t *entry = json_array_get(access, first);
	const char *from = text_of(entry, "From");
	const char *until = text_of(json_array_get(access, last), "Until");
	int a = access_seconds(from), b = access_seconds(until);
	char text[32];

	if (strcmp(text_of(entry, "State"), ACCESS_OUT) != 0 && b - a < SHORT_S) {
		snprintf(text, sizeof(text), "%s\u2013%s", from, until);
		put_label(r, a, text, strlen(from) + strlen(until) + 1);
	} else if (a > 0) {
		put_label(r, a, from, strlen(from));
	}
}

static void
put_entry(struct row *r, const json_t *answer, const json_t *entry)
{
	const struct paint *p = paint_of(text_of(entry, "State"));
	const json_t *reason = json_array_get(json_object_get(answer, "Reasons"),
	    (size_t)json_integer_value(json_object_get(entry, "Reason")));
	const char *from = text_of(entry, "From"), *until = text_of(entry, "Until");
	struct buf title = BUF_INIT;

	buf_printf(&title, "%s\u2013%s %s. %s", from, until, p->words,
	    text_of(reason, "Summary"));
	put_span(r, p, access_seconds(from), access_seconds(until), buf_cstr(&title));
	buf_release(&title);
}

/* The next entry that goes on in the same state, for one label over both. */
static size_t
last_alike(const json_t *access, size_t i)
{
	const char *state = text_of(json_array_get(access, i), "State");
	const json_t *next;

	for (; i + 1 < json_array_size(access); i++) {
		next = json_array_get(access, i + 1);
		if (strcmp(text_of(next, "State"), state) != 0)
			break;
	}
	return i;
}

static void
find_twice(struct row *r, const json_t *access)
{
	int until, from;
	size_t i;

	for (i = 0; i + 1 < json_array_size(access); i++) {
		until = access_seconds(text_of(json_array_get(access, i), "Until"));
		from = access_seconds(text_of(json_array_get(access, i + 1), "From"));
		if (until > from) {
			r->twice_from = from;
			r->twice_until = until;
		}
	}
}

static void
put_entries(struct row *r, const json_t *answer, const json_t *access)
{
	const json_t *entry, *before = NULL;
	size_t i, last = SIZE_MAX;

	for (i = 0; i < json_array_size(access); i++) {
		entry = json_array_get(access, i);
		if (before != NULL && access_seconds(text_of(before, "Until")) >
		    access_seconds(text_of(entry, "From")))
			r->second_time = true;
		put_entry(r, answer, entry);
		if (last == SIZE_MAX || i > last) {
			last = last_alike(access, i);
			put_times(r, access, i, last);
		}
		before = entry;
	}
}

static void
put_day(struct buf *out, const json_t *answer, const json_t *day, int y)
{
	const json_t *access = json_object_get(day, "Access");
	struct row r = { .out = out, .y = y };
	char more[64];

	put_text(out, 20, y + BAR_Y + 16, "class=\"d\"", text_of(day, "Day"));
	put_text(out, 56, y + BAR_Y + 16, "class=\"s\"", text_of(day, "Date") + 8);
	snprintf(more, sizeof(more), "height=\"%d\"", BAR_H);
	buf_printf(out, "<rect class=\"none\" x=\"%d\" y=\"%d\" width=\"%d\" %s/>\n",
	    LEFT, y + BAR_Y, 24 * HOUR_W, more);
	find_twice(&r, access);
	put_entries(&r, answer, access);
	buf_printf(out, "<rect class=\"edge\" x=\"%d\" y=\"%d\" width=\"%d\" %s/>\n",
	    LEFT, y + BAR_Y, 24 * HOUR_W, more);
}

static void
put_hours(struct buf *out, int bottom)
{
	char text[8];
	int i, x;

	for (i = 0; i <= 24; i++) {
		x = LEFT + i * HOUR_W;
		snprintf(text, sizeof(text), "%02d", i);
		put_text(out, x, TOP - 18, "class=\"s\" text-anchor=\"middle\"", text);
		buf_printf(out, "<path class=\"grid%s\" d=\"M%d %dV%d\" fill=\"none\"/>\n",
		    i % 6 == 0 ? "" : " half", x, TOP, bottom);
	}
}

/* ---- the foot ---- */

/* Words in lines of WORDS_MAX; returns the y of the next line. */
static int
put_lines(struct buf *out, int x, int y, const char *class, const char *text)
{
	size_t n, cut;

	while (*text != '\0') {
		n = strlen(text);
		if (n > WORDS_MAX) {
			for (cut = WORDS_MAX; cut > 0 && text[cut] != ' '; cut--)
				;
			n = cut > 0 ? cut : WORDS_MAX;
			/* Not within a character. */
			while (cut == 0 && n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80)
				n--;
		}
		buf_printf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
		put_escaped(out, text, n);
		buf_puts(out, "</text>\n");
		text += n + (text[n] == ' ');
		y += LINE_H;
	}
	return y;
}

static int
put_reason(struct buf *out, const json_t *reason, int y)
{
	const struct paint *p = paint_of(text_of(reason, "State"));
	struct buf b = BUF_INIT;
	json_t *text;
	size_t i;

	buf_printf(out, "<rect %s x=\"%d\" y=\"%d\" width=\"22\" height=\"14\"/>\n"
	    "<rect class=\"edge\" x=\"%d\" y=\"%d\" width=\"22\" height=\"14\"/>\n",
	    p->fill, LEFT, y - 12, LEFT, y - 12);
	buf_printf(&b, "%s, ", p->words);
	access_duration(&b, (long)json_integer_value(json_object_get(reason,
	    "Seconds")));
	buf_printf(&b, ". %s", text_of(reason, "Summary"));
	y = put_lines(out, LEFT + 32, y, "", buf_cstr(&b));
	json_array_foreach(json_object_get(reason, "Explanation"), i, text)
		if (strcmp(text_of(reason, "EvalDecision"), "implicitDeny") == 0)
			y = put_lines(out, LEFT + 32, y, "s", json_string_value(text));
	buf_release(&b);
	return y + 6;
}

static int
put_foot(struct buf *out, const json_t *answer, int y)
{
	const json_t *missing = json_object_get(answer, "MissingContextValues");
	char names[512], line[640];
	struct buf b = BUF_INIT;
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(answer, "Reasons"), i, v)
		y = put_reason(out, v, y);
	access_key_alone(answer, &b);
	y = put_lines(out, LEFT, y, "s", buf_cstr(&b));
	buf_release(&b);
	if (json_array_size(missing) > 0) {
		list_join(missing, names, sizeof(names));
		snprintf(line, sizeof(line), "Not known, so taken as missing: %s.", names);
		y = put_lines(out, LEFT, y, "s", line);
	}
	json_array_foreach(json_object_get(answer, "Notes"), i, v)
		y = put_lines(out, LEFT, y, "s", json_string_value(v));
	return y;
}

static void
put_title(struct buf *out, const json_t *answer)
{
	const char *user = text_of(answer, "UserName");
	char line[256];

	snprintf(line, sizeof(line), "%s by %s", text_of(answer, "ActionName"),
	    user[0] != '\0' ? user : "whom the policy is attached to");
	put_text(out, 20, 34, "class=\"h\"", line);
	snprintf(line, sizeof(line), "Week of %s, %s. %s", text_of(answer, "WeekOf"),
	    text_of(answer, "Zone"), text_of(answer, "ResourceName"));
	put_text(out, 20, 58, "class=\"s\"", line);
}

void
access_svg(const json_t *answer, struct buf *ret)
{
	const json_t *days = json_object_get(answer, "Days");
	int bottom = TOP + 7 * ROW_H, height;
	struct buf foot = BUF_INIT;
	size_t i;

	height = put_foot(&foot, answer, bottom + 34) + 12;
	buf_printf(ret, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\""
	    " height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n", WIDTH, height,
	    WIDTH, height);
	buf_puts(ret, "<title>Week view</title>\n");
	buf_puts(ret, style);
	buf_printf(ret, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", WIDTH,
	    height);
	put_title(ret, answer);
	for (i = 0; i < json_array_size(days); i++)
		put_day(ret, answer, json_array_get(days, i), TOP + (int)i * ROW_H - 6);
	put_hours(ret, bottom);
	buf_put(ret, foot.p, foot.len);
	buf_puts(ret, "</svg>\n");
	if (foot.err != 0)
		ret->err = foot.err;
	buf_release(&foot);
}
