/*
 * Emit-only JSON: what is written is one line of valid UTF-8, whatever the
 * texts hold (S42).
 */
#include "common/base/base.h"
#include "common/base/utf8.h"
#include "common/trail/internal.h"

#include <string.h>

void
json_put_escaped(struct buf *b, const char *s, size_t len, size_t max)
{
	uint32_t cp;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = utf8_next(s + i, len - i, &cp);
		if (n > max - i) {
			buf_puts(b, TRAIL_CUT);
			return;
		}
		if (cp == UINT32_MAX)
			buf_puts(b, "\xef\xbf\xbd"); /* U+FFFD */
		else if (cp == '"' || cp == '\\')
			buf_printf(b, "\\%c", (char)cp);
		else if (utf8_harmful(cp))
			buf_printf(b, "\\u%04x", cp);
		else
			buf_put(b, s + i, n);
	}
}

void
json_put_filtered(struct buf *b, const char *json, size_t len)
{
	uint32_t cp;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = utf8_next(json + i, len - i, &cp);
		if (utf8_harmful(cp))
			buf_printf(b, "\\u%04x", cp);
		else
			buf_put(b, json + i, n);
	}
}

static void
put_string(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	json_put_escaped(b, s, strlen(s), SIZE_MAX);
	buf_putc(b, '"');
}

/* Comma and name before a value. */
static void
begin(struct json_out *j, const char *name)
{
	if (j->comma[j->depth])
		buf_putc(j->b, ',');
	j->comma[j->depth] = true;
	if (name != NULL) {
		put_string(j->b, name);
		buf_putc(j->b, ':');
	}
}

static void
open_level(struct json_out *j, const char *name, char c)
{
	begin(j, name);
	buf_putc(j->b, c);
	if (j->depth + 1 == IAM_COUNT(j->comma)) {
		if (j->b->err == 0)
			j->b->err = IAM_ERR_LIMIT;
		return;
	}
	j->comma[++j->depth] = false;
}

void
json_out_init(struct json_out *j, struct buf *b)
{
	memset(j, 0, sizeof(*j));
	j->b = b;
}

void
json_out_object(struct json_out *j, const char *name)
{
	open_level(j, name, '{');
}

void
json_out_array(struct json_out *j, const char *name)
{
	open_level(j, name, '[');
}

void
json_out_end(struct json_out *j, char close)
{
	if (j->depth == 0) {
		if (j->b->err == 0)
			j->b->err = IAM_ERR_BUG;
		return;
	}
	j->depth--;
	buf_putc(j->b, close);
}

void
json_out_str(struct json_out *j, const char *name, const char *value)
{
	if (value == NULL) {
		json_out_null(j, name);
		return;
	}
	begin(j, name);
	put_string(j->b, value);
}

void
json_out_int(struct json_out *j, const char *name, int64_t value)
{
	begin(j, name);
	buf_printf(j->b, "%lld", (long long)value);
}

void
json_out_bool(struct json_out *j, const char *name, bool value)
{
	begin(j, name);
	buf_puts(j->b, value ? "true" : "false");
}

void
json_out_null(struct json_out *j, const char *name)
{
	begin(j, name);
	buf_puts(j->b, "null");
}

void
json_out_raw(struct json_out *j, const char *name, const char *json)
{
	begin(j, name);
	buf_puts(j->b, json);
}
