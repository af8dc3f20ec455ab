/*
 * Where a value stands in JSON text. jansson keeps no places for values, so
 * the text, already known to be valid, is walked again for a finding.
 */
#include "common/base/base.h"
#include "common/policy/document.h"

struct cursor {
	const char *p, *end;
};

static void
skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' ||
	    *c->p == '\r'))
		c->p++;
}

static void
skip_string(struct cursor *c)
{
	for (c->p++; c->p < c->end && *c->p != '"'; c->p++)
		if (*c->p == '\\')
			c->p++;
	if (c->p < c->end)
		c->p++;
}

static void
skip_value(struct cursor *c)
{
	unsigned depth = 0;

	do {
		skip_space(c);
		if (c->p >= c->end)
			return;
		switch (*c->p) {
		case '"':
			skip_string(c);
			break;
		case '{': case '[':
			depth++;
			c->p++;
			break;
		case '}': case ']':
			depth--;
			c->p++;
			break;
		case ',': case ':':
			c->p++;
			break;
		default:
			while (c->p < c->end && strchr(" \t\r\n,:]}", *c->p) == NULL)
				c->p++;
			break;
		}
	} while (depth > 0);
}

/* Does the string at the cursor read as key? Moves behind it. */
static bool
is_key(struct cursor *c, const char *key)
{
	const char *from = c->p;
	json_t *v;
	bool same;

	skip_string(c);
	if (memchr(from, '\\', (size_t)(c->p - from)) == NULL)
		return (size_t)(c->p - from) == strlen(key) + 2 &&
		    memcmp(from + 1, key, strlen(key)) == 0;
	v = json_loadb(from, (size_t)(c->p - from), JSON_DECODE_ANY, NULL);
	same = v != NULL && json_is_string(v) && strcmp(json_string_value(v), key) == 0;
	json_decref(v);
	return same;
}

static bool
enter_member(struct cursor *c, const struct step *s)
{
	const char *name;

	if (c->p >= c->end || *c->p != '{')
		return false;
	for (c->p++; ; ) {
		skip_space(c);
		if (c->p >= c->end || *c->p != '"')
			return false;
		name = c->p;
		if (is_key(c, s->key)) {
			if (s->at_key) {
				c->p = name;
				return true;
			}
			skip_space(c);
			c->p++; /* the colon */
			skip_space(c);
			return true;
		}
		skip_space(c);
		c->p++;
		skip_value(c);
		skip_space(c);
		if (c->p >= c->end || *c->p++ != ',')
			return false;
	}
}

static bool
enter_element(struct cursor *c, size_t index)
{
	if (c->p >= c->end || *c->p != '[')
		return index == 0; /* a scalar that stands for a list */
	for (c->p++; index > 0; index--) {
		skip_value(c);
		skip_space(c);
		if (c->p >= c->end || *c->p++ != ',')
			return false;
	}
	skip_space(c);
	return true;
}

static bool
walk(struct cursor *c, const struct step *s)
{
	if (s == NULL)
		return true;
	if (!walk(c, s->up))
		return false;
	return s->key != NULL ? enter_member(c, s) : enter_element(c, s->index);
}

bool
locate_step(const char *json, size_t len, const struct step *step,
    size_t *ret_off)
{
	struct cursor c = { json, json + len };

	skip_space(&c);
	if (!walk(&c, step) || c.p > c.end)
		return false;
	*ret_off = (size_t)(c.p - json);
	return true;
}

void
locate_line(const char *json, size_t len, size_t off, unsigned *ret_line,
    unsigned *ret_col)
{
	size_t i;

	*ret_line = *ret_col = 1;
	for (i = 0; i < off && i < len; i++) {
		if (json[i] == '\n') {
			(*ret_line)++;
			*ret_col = 1;
		} else if (((uint8_t)json[i] & 0xc0) != 0x80) {
			(*ret_col)++;
		}
	}
}

bool
pol_statement_span(const char *json, size_t len, unsigned statement,
    struct pol_span *ret)
{
	const struct step list = { NULL, "Statement", 0, false };
	const struct step item = { &list, NULL, statement, false };
	struct cursor c = { json, json + len };
	size_t off;

	if (!locate_step(json, len, &item, &off))
		return false;
	c.p += off;
	skip_value(&c);
	if (c.p > c.end)
		return false;
	locate_line(json, len, off, &ret->line, &ret->col);
	locate_line(json, len, (size_t)(c.p - json), &ret->end_line, &ret->end_col);
	return true;
}
