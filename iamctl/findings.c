#include "common/base/base.h"

#include "iamctl/findings.h"
#include "iamctl/output.h"
#include "iamctl/util.h"

struct position {
	const char *p; /* in the text */
	unsigned line, column;
	size_t offset;
};

/* One character on; a byte sequence of UTF-8 is one. */
static void
step(struct position *at)
{
	if (*at->p == '\n') {
		at->line++;
		at->column = 0;
	} else
		at->column++;
	at->offset++;
	do {
		at->p++;
	} while (((unsigned char)*at->p & 0xc0) == 0x80);
}

static struct position
seek(const char *text, unsigned line, unsigned col)
{
	struct position at = { .p = text, .line = 1 };

	while (*at.p != '\0' && (at.line < line ||
	    (at.line == line && at.column + 1 < col)))
		step(&at);
	return at;
}

static void
skip_string(struct position *at)
{
	step(at);
	while (*at->p != '\0' && *at->p != '"') {
		if (*at->p == '\\' && at->p[1] != '\0')
			step(at);
		step(at);
	}
	if (*at->p != '\0')
		step(at);
}

/* The end of the JSON value that begins here; one character for anything else. */
static struct position
value_end(struct position at)
{
	unsigned depth = 0;

	do {
		if (*at.p == '"') {
			skip_string(&at);
			continue;
		}
		if (*at.p == '{' || *at.p == '[')
			depth++;
		else if ((*at.p == '}' || *at.p == ']') && depth > 0)
			depth--;
		if (*at.p != '\0')
			step(&at);
		/* A number or a word goes on to what cannot be in it. */
		while (depth == 0 && *at.p != '\0' &&
		    strchr(" \t\r\n,:]}[{\"", at.p[-1]) == NULL &&
		    strchr(" \t\r\n,:]}", *at.p) == NULL)
			step(&at);
	} while (depth > 0 && *at.p != '\0');
	return at;
}

static json_t *
position_shape(const struct position *at)
{
	return json_pack("{s:i,s:i,s:I}", "line", (int)at->line, "column",
	    (int)at->column, "offset", (json_int_t)at->offset);
}

/* "Statement[0].Action" -> [{value: Statement}, {index: 0}, {value: Action}] */
static json_t *
path_shape(const char *path)
{
	json_t *ret = json_array(), *item;
	size_t len;
	char *end;

	while (ret != NULL && *path != '\0') {
		if (*path == '[') {
			item = json_pack("{s:i}", "index",
			    (int)strtol(path + 1, &end, 10));
			path = *end == ']' ? end + 1 : end;
		} else {
			len = strcspn(path, "[.");
			item = json_pack("{s:s%}", "value", path, len);
			path += len;
		}
		if (json_array_append_new(ret, item) != 0) {
			json_decref(ret);
			return NULL;
		}
		path += *path == '.' ? 1 : 0;
	}
	return ret;
}

static json_t *
locations_shape(const char *text, const struct pol_finding *f)
{
	struct position start, end;

	if (f->line == 0)
		return json_array();
	start = seek(text, f->line, f->col);
	end = value_end(start);
	return json_pack("[{s:o,s:{s:o,s:o}}]", "path",
	    path_shape(f->path != NULL ? f->path : ""), "span", "start",
	    position_shape(&start), "end", position_shape(&end));
}

static const char *
type_name(enum pol_severity severity)
{
	switch (severity) {
	case POL_ERROR:
		return "ERROR";
	case POL_SECURITY_WARNING:
		return "SECURITY_WARNING";
	case POL_WARNING:
		return "WARNING";
	case POL_SUGGESTION:
		break;
	}
	return "SUGGESTION";
}

json_t *
findings_shape(const char *text, const struct pol_findings *findings)
{
	json_t *ret = json_array();
	const struct pol_finding *f;
	size_t i;

	for (i = 0; ret != NULL && i < findings->n; i++) {
		f = &findings->v[i];
		if (json_array_append_new(ret, json_pack("{s:s,s:s,s:s,s:s,s:o}",
		    "findingDetails", f->text, "findingType", type_name(f->severity),
		    "issueCode", f->code, "learnMoreLink", "man:iam-policy(5)",
		    "locations", locations_shape(text, f))) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

/* ---- for people ---- */

#define SHOWN_MAX 72 /* characters of the line */

/* Begin of the line with this number, and its length in characters. */
static const char *
line_begin(const char *text, json_int_t line, size_t *ret_len)
{
	const char *p;
	size_t n = 0;

	for (; line > 1 && (p = strchr(text, '\n')) != NULL; line--)
		text = p + 1;
	for (p = text; *p != '\0' && *p != '\n' && *p != '\r'; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	*ret_len = n;
	return text;
}

static const char *
skip_chars(const char *p, size_t n)
{
	for (; n > 0 && *p != '\0'; n--)
		do
			p++;
		while (((unsigned char)*p & 0xc0) == 0x80);
	return p;
}

/* A window of the line around the place; a tab is a space. */
static void
put_excerpt(struct buf *ret, const char *line, size_t len, size_t from, size_t marks,
    const struct op_face *face)
{
	size_t first = from > SHOWN_MAX / 2 && len > SHOWN_MAX ? from - SHOWN_MAX / 2 : 0;
	size_t n = len - first < SHOWN_MAX ? len - first : SHOWN_MAX, i;
	const char *p = skip_chars(line, first), *end = skip_chars(p, n), *next;

	if (from - first + marks > n)
		marks = n > from - first ? n - (from - first) : 1;
	buf_puts(ret, "  ");
	for (; p < end; p = next) {
		next = skip_chars(p, 1);
		if (*p == '\t')
			buf_putc(ret, ' ');
		else
			output_escape(ret, p, (size_t)(next - p));
	}
	buf_printf(ret, "\n  %*s%s", (int)(from - first), "",
	    face->color ? "\033[33;1m^" : "^");
	for (i = 1; i < marks; i++)
		buf_putc(ret, '~');
	buf_puts(ret, face->color ? "\033[0m\n" : "\n");
}

static void
put_place(struct buf *ret, const char *text, const json_t *finding,
    const struct op_face *face)
{
	const json_t *span = json_object_get(json_array_get(json_object_get(finding,
	    "locations"), 0), "span"), *start, *end;
	json_int_t line, column, marks = SHOWN_MAX;
	const char *p;
	size_t len;

	if (span == NULL)
		return;
	start = json_object_get(span, "start");
	end = json_object_get(span, "end");
	line = json_integer_value(json_object_get(start, "line"));
	column = json_integer_value(json_object_get(start, "column"));
	if (json_integer_value(json_object_get(end, "line")) == line)
		marks = json_integer_value(json_object_get(end, "column")) - column;
	p = line_begin(text, line, &len);
	if ((size_t)column <= len)
		put_excerpt(ret, p, len, (size_t)column, marks > 0 ? (size_t)marks : 1,
		    face);
}

static const char *
type_color(const char *type)
{
	if (strcmp(type, "ERROR") == 0)
		return "31;1";
	return strcmp(type, "SUGGESTION") == 0 ? "36;1" : "33;1";
}

static void
put_finding(struct buf *ret, const char *text, const json_t *finding,
    const struct op_face *face)
{
	const char *type = text_of(finding, "findingType");
	const char *details = text_of(finding, "findingDetails");
	const json_t *start = json_object_get(json_object_get(json_array_get(
	    json_object_get(finding, "locations"), 0), "span"), "start");
	struct buf b = BUF_INIT;

	if (face->color)
		buf_printf(ret, "\033[%sm%s\033[0m", type_color(type), type);
	else
		buf_puts(ret, type);
	if (start != NULL)
		buf_printf(ret, ", line %d, column %d", (int)json_integer_value(
		    json_object_get(start, "line")), (int)json_integer_value(
		    json_object_get(start, "column")) + 1);
	buf_printf(ret, " (%s)\n", text_of(finding, "issueCode"));
	put_place(ret, text, finding, face);
	output_escape(&b, details, strlen(details));
	output_wrap(ret, buf_cstr(&b), 2, 0);
	buf_release(&b);
}

void
findings_text(const json_t *in, const json_t *out, const struct op_face *face,
    struct buf *ret)
{
	const json_t *list = json_object_get(out, "findings");
	json_t *finding;
	size_t i;

	json_array_foreach(list, i, finding) {
		if (i > 0)
			buf_putc(ret, '\n');
		put_finding(ret, text_of(in, "policyDocument"), finding, face);
	}
	if (json_array_size(list) == 0)
		buf_puts(ret, "No findings.\n");
}
