#include "common/base/base.h"

#include <ctype.h>
#include <unistd.h>

#include "common/base/utf8.h"
#include "iamctl/output.h"

#define COLUMNS_MAX 32
#define MARGIN 78
#define CELL_MAX 60 /* characters; longer ones are cut with an ellipsis */

/* ---- characters ---- */

/* keep_lines: line feeds stay, for JSON that is laid out already. */
static void
escape(struct buf *ret, const char *text, size_t len, bool keep_lines)
{
	size_t i, n;
	uint32_t c;

	for (i = 0; i < len; i += n) {
		n = utf8_next(text + i, len - i, &c);
		if (c == UINT32_MAX) /* of a file or an argument: not ours */
			buf_puts(ret, "\xef\xbf\xbd");
		else if (!utf8_harmful(c) || (c == '\n' && keep_lines))
			buf_put(ret, text + i, n);
		else if (c == '\n')
			buf_puts(ret, "\\n");
		else if (c == '\t')
			buf_puts(ret, "\\t");
		else
			buf_printf(ret, "\\u%04x", c);
	}
}

void
output_escape(struct buf *ret, const char *text, size_t len)
{
	escape(ret, text, len, false);
}

/* Characters, not bytes. */
static size_t
width_of(const char *s, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static size_t
width(const char *s)
{
	return width_of(s, strlen(s));
}

/* ---- json ---- */

static void
make_json(const json_t *answer, struct buf *ret)
{
	char *text = json_dumps(answer, JSON_INDENT(4));

	if (text == NULL) {
		ret->err = IAM_ERR_MEMORY;
		return;
	}
	escape(ret, text, strlen(text), true);
	buf_putc(ret, '\n');
	free(text);
}

/* ---- text, as the AWS command line's formatter does it ---- */

static void text_value(const char *name, const json_t *v, const json_t *keys,
    struct buf *ret);

static void
scalar(struct buf *b, const json_t *v)
{
	if (json_is_string(v))
		output_escape(b, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		buf_printf(b, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		buf_printf(b, "%g", json_real_value(v));
	else if (json_is_boolean(v))
		buf_puts(b, json_is_true(v) ? "True" : "False");
	else if (json_is_null(v))
		buf_puts(b, "None");
}

static bool
is_nested(const json_t *v)
{
	return json_is_object(v) || json_is_array(v);
}

static void
upper(struct buf *b, const char *name)
{
	for (; *name != '\0'; name++)
		buf_putc(b, (char)toupper((unsigned char)*name));
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of an object's members in order; NULL when memory is short. */
static const char **
sorted_names(const json_t *object, size_t *ret_n)
{
	const char **names = calloc(json_object_size(object) + 1, sizeof(*names));
	const char *name;
	json_t *v;
	size_t n = 0;

	if (names == NULL)
		return NULL;
	json_object_foreach((json_t *)object, name, v)
		names[n++] = name;
	qsort(names, n, sizeof(*names), by_name);
	*ret_n = n;
	return names;
}

/* keys: an object whose members are the scalar members of all of a list. */
static void
text_object(const char *name, const json_t *v, const json_t *keys,
    struct buf *ret)
{
	const char **names;
	size_t i, n;
	bool any = false;
	const json_t *item;

	if ((names = sorted_names(keys != NULL ? keys : v, &n)) == NULL) {
		ret->err = IAM_ERR_MEMORY;
		return;
	}
	for (i = 0; i < n; i++) {
		item = json_object_get(v, names[i]);
		if (keys == NULL && is_nested(item))
			continue;
		if (any)
			buf_putc(ret, '\t');
		else if (name != NULL)
			upper(ret, name), buf_putc(ret, '\t');
		scalar(ret, item);
		any = true;
	}
	free(names);
	if (any)
		buf_putc(ret, '\n');
	else if (name != NULL)
		upper(ret, name), buf_putc(ret, '\n');
	if ((names = sorted_names(v, &n)) == NULL) {
		ret->err = IAM_ERR_MEMORY;
		return;
	}
	for (i = 0; i < n; i++)
		if (is_nested(item = json_object_get(v, names[i])))
			text_value(names[i], item, NULL, ret);
	free(names);
}

static json_t *
scalar_keys(const json_t *list)
{
	json_t *keys = json_object(), *item, *v;
	const char *name;
	size_t i;

	json_array_foreach(list, i, item)
		json_object_foreach(item, name, v)
			if (!is_nested(v))
				(void)json_object_set_new(keys, name, json_true());
	return keys;
}

static void
text_list(const char *name, const json_t *v, struct buf *ret)
{
	json_t *keys = scalar_keys(v), *item;
	size_t i;

	json_array_foreach(v, i, item) {
		if (is_nested(item)) {
			text_value(name, item, keys, ret);
			continue;
		}
		if (name != NULL)
			upper(ret, name), buf_putc(ret, '\t');
		scalar(ret, item);
		buf_putc(ret, '\n');
	}
	json_decref(keys);
}

static void
text_value(const char *name, const json_t *v, const json_t *keys,
    struct buf *ret)
{
	if (json_is_object(v))
		text_object(name, v, keys, ret);
	else
		text_list(name, v, ret);
}

/* ---- tables ---- */

struct column {
	const char *name;
	size_t width;
};

struct table {
	const char *title;
	struct column cols[COLUMNS_MAX];
	size_t n;
	bool color;
	struct buf *out;
};

/* A cell's text; nested values as JSON in one line, lists of words with commas. */
static void
cell_text(const json_t *v, struct buf *b)
{
	json_t *item;
	char *text;
	size_t i;

	if (v == NULL || json_is_null(v))
		return;
	if (!is_nested(v)) {
		scalar(b, v);
		return;
	}
	if (json_is_array(v) && !is_nested(json_array_get(v, 0))) {
		json_array_foreach(v, i, item) {
			if (i > 0)
				buf_puts(b, ", ");
			scalar(b, item);
		}
		return;
	}
	if ((text = json_dumps(v, JSON_COMPACT)) != NULL)
		output_escape(b, text, strlen(text));
	else
		b->err = IAM_ERR_MEMORY;
	free(text);
}

/* Cut to CELL_MAX characters. A single column is not cut: nothing is beside it. */
static void
cell(const struct table *t, const json_t *v, struct buf *b)
{
	size_t i, n = 0;

	buf_reset(b);
	cell_text(v, b);
	if (t->n <= 2)
		return;
	for (i = 0; i < b->len; i++) {
		if ((b->p[i] & 0xc0) == 0x80 || n++ < CELL_MAX)
			continue;
		b->len = i;
		buf_puts(b, "…");
		break;
	}
}

static void
measure(struct table *t, const json_t *row)
{
	struct buf b = BUF_INIT;
	size_t i, w;

	for (i = 0; i < t->n; i++) {
		cell(t, json_object_get(row, t->cols[i].name), &b);
		w = width(buf_cstr(&b));
		if (w > t->cols[i].width)
			t->cols[i].width = w;
	}
	buf_release(&b);
}

static void
fill(struct buf *out, char c, size_t n)
{
	while (n-- > 0)
		buf_putc(out, c);
}

static void
rule(const struct table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		buf_putc(t->out, '+');
		fill(t->out, '-', t->cols[i].width + 2);
	}
	buf_puts(t->out, "+\n");
}

static size_t
inner_width(const struct table *t)
{
	size_t i, n = t->n - 1;

	for (i = 0; i < t->n; i++)
		n += t->cols[i].width + 2;
	return n;
}

static void
heading(struct table *t)
{
	size_t w = width(t->title), inner = inner_width(t);

	if (inner < w + 2) {
		t->cols[t->n - 1].width += w + 2 - inner;
		inner = w + 2;
	}
	fill(t->out, '-', inner + 2);
	buf_puts(t->out, "\n|");
	fill(t->out, ' ', (inner - w) / 2);
	buf_printf(t->out, t->color ? "\033[1m%s\033[0m" : "%s", t->title);
	fill(t->out, ' ', inner - w - (inner - w) / 2);
	buf_puts(t->out, "|\n");
	rule(t);
}

static const char *
color_of(const char *text)
{
	if (strcmp(text, "OK") == 0 || strcmp(text, "allowed") == 0)
		return "\033[32m";
	if (strcmp(text, "WARNING") == 0)
		return "\033[33m";
	if (strcmp(text, "FAILED") == 0 || strcmp(text, "explicitDeny") == 0 ||
	    strcmp(text, "implicitDeny") == 0)
		return "\033[31m";
	return NULL;
}

static void
put_cell(const struct table *t, size_t i, const char *text)
{
	const char *on = t->color ? color_of(text) : NULL;

	buf_printf(t->out, "| %s%s%s", on != NULL ? on : "", text,
	    on != NULL ? "\033[0m" : "");
	fill(t->out, ' ', t->cols[i].width - width(text) + 1);
}

static void
put_row(const struct table *t, const json_t *row)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < t->n; i++) {
		cell(t, json_object_get(row, t->cols[i].name), &b);
		put_cell(t, i, buf_cstr(&b));
	}
	buf_puts(t->out, "|\n");
	buf_release(&b);
}

static void
add_column(struct table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->cols[i].name, name) == 0)
			return;
	if (t->n < COLUMNS_MAX)
		t->cols[t->n++] = (struct column){ name, width(name) };
}

/* The columns that the row names, as far as an entry has them; else all. */
static void
choose_columns(struct table *t, const json_t *rows, const char *columns)
{
	const char *name;
	json_t *row, *v;
	size_t i, n;

	json_array_foreach(rows, i, row)
		json_object_foreach(row, name, v) {
			const char *p = columns;

			for (; p != NULL && *p != '\0'; p += n + (p[n] == ',')) {
				n = strcspn(p, ",");
				if (strlen(name) == n && memcmp(p, name, n) == 0)
					break;
			}
			if (p == NULL || *p != '\0')
				add_column(t, name);
		}
}

static int
position(const char *columns, const char *name)
{
	const char *p = columns;
	size_t n;
	int i;

	for (i = 0; *p != '\0'; i++, p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (strlen(name) == n && memcmp(p, name, n) == 0)
			break;
	}
	return i;
}

static void
sort_columns(struct table *t, const char *columns)
{
	struct column c;
	size_t i, j;

	if (columns == NULL)
		return;
	for (i = 1; i < t->n; i++) {
		c = t->cols[i];
		for (j = i; j > 0 && position(columns, t->cols[j - 1].name) >
		    position(columns, c.name); j--)
			t->cols[j] = t->cols[j - 1];
		t->cols[j] = c;
	}
}

static void
put_rows(struct table *t, const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		measure(t, row);
	heading(t);
	for (i = 0; i < t->n; i++)
		put_cell(t, i, t->cols[i].name);
	buf_puts(t->out, "|\n");
	rule(t);
	json_array_foreach(rows, i, row)
		put_row(t, row);
	rule(t);
}

static void
table_rows(const char *title, const json_t *rows, const char *columns,
    bool color, struct buf *ret)
{
	struct table t = { .title = title, .color = color, .out = ret };

	choose_columns(&t, rows, columns);
	/* None of the named ones is here: an answer of another shape. */
	if (t.n == 0)
		choose_columns(&t, rows, NULL);
	if (t.n == 0)
		return;
	sort_columns(&t, columns);
	put_rows(&t, rows);
}

/* Name and value, one below the other. */
static void
table_pairs(const char *title, const json_t *object, bool nested_too,
    bool color, struct buf *ret)
{
	struct table t = { .title = title, .color = color, .out = ret, .n = 2,
		.cols = { { "n", 0 }, { "v", 0 } } };
	json_t *rows = json_array(), *v, *row;
	const char *name;
	size_t i;

	json_object_foreach((json_t *)object, name, v)
		if (nested_too || !is_nested(v))
			(void)json_array_append_new(rows,
			    json_pack("{s:s,s:O}", "n", name, "v", v));
	json_array_foreach(rows, i, row)
		measure(&t, row);
	if (json_array_size(rows) > 0) {
		heading(&t);
		json_array_foreach(rows, i, row)
			put_row(&t, row);
		rule(&t);
	}
	json_decref(rows);
}

static void
table_words(const char *title, const json_t *list, bool color, struct buf *ret)
{
	struct table t = { .title = title, .color = color, .out = ret, .n = 1,
		.cols = { { "v", 0 } } };
	json_t *rows = json_array(), *v, *row;
	size_t i;

	json_array_foreach(list, i, v)
		(void)json_array_append_new(rows, json_pack("{s:O}", "v", v));
	json_array_foreach(rows, i, row)
		measure(&t, row);
	heading(&t);
	json_array_foreach(rows, i, row)
		put_row(&t, row);
	rule(&t);
	json_decref(rows);
}

static void
make_table(const json_t *answer, const char *title, const char *columns,
    bool color, struct buf *ret)
{
	const char *name;
	json_t *v;

	table_pairs(title, answer, false, color, ret);
	json_object_foreach((json_t *)answer, name, v) {
		if (json_is_object(v))
			table_pairs(name, v, true, color, ret);
		else if (json_is_array(v) && json_is_object(json_array_get(v, 0)))
			table_rows(name, v, columns, color, ret);
		else if (json_is_array(v))
			table_words(name, v, color, ret);
	}
}

void
output_make(const json_t *answer, enum cli_format format, const char *title,
    const char *columns, bool color, struct buf *ret)
{
	if (json_object_size(answer) == 0)
		return;
	switch (format) {
	case CLI_JSON:
		make_json(answer, ret);
		return;
	case CLI_TABLE:
		make_table(answer, title, columns, color, ret);
		return;
	case CLI_TEXT:
		text_value(NULL, answer, NULL, ret);
		return;
	}
}

void
output_wrap(struct buf *ret, const char *text, size_t indent, size_t column)
{
	size_t n, w;

	if (column != 0)
		buf_printf(ret, "%*s", (int)(indent > column ? indent - column : 0), "");
	for (; *text != '\0'; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		w = width_of(text, n);
		if (column == 0 || (column > indent && column + 1 + w > MARGIN)) {
			if (column != 0)
				buf_putc(ret, '\n');
			buf_printf(ret, "%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			buf_putc(ret, ' ');
			column++;
		} else {
			column = indent;
		}
		buf_put(ret, text, n);
		column += w;
	}
	buf_putc(ret, '\n');
}

int
output_write(int fd, const struct buf *b)
{
	return b->len == 0 ? 0 : file_write_all(fd, b->p, b->len);
}
