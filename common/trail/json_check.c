/*
 * Is a text JSON, and one line? Logins link no JSON parser, but what they
 * append to the trail must not break it.
 */
#include "common/base/base.h"
#include "common/base/utf8.h"
#include "common/trail/internal.h"

#include <string.h>

#define DEPTH_MAX 32

struct scan {
	const char *p, *end;
	unsigned depth;
	struct json_shape *shape; /* may be NULL */
};

static bool value(struct scan *s, unsigned *ret_count, bool *ret_object);

static bool
take(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static void
spaces(struct scan *s)
{
	while (take(s, ' '))
		;
}

static bool
literal(struct scan *s, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, text, len) != 0)
		return false;
	s->p += len;
	return true;
}

static bool
digits(struct scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

static bool
number(struct scan *s)
{
	take(s, '-');
	if (!take(s, '0') && !digits(s))
		return false;
	if (take(s, '.') && !digits(s))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			take(s, '-');
		return digits(s);
	}
	return true;
}

static bool
hex4(struct scan *s)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (s->p == s->end || *s->p == '\0' ||
		    strchr("0123456789abcdefABCDEF", *s->p) == NULL)
			return false;
		s->p++;
	}
	return true;
}

static bool
escape(struct scan *s)
{
	if (take(s, 'u'))
		return hex4(s);
	if (s->p == s->end || *s->p == '\0' || strchr("\"\\/bfnrt", *s->p) == NULL)
		return false;
	s->p++;
	return true;
}

static bool
string(struct scan *s)
{
	uint32_t cp;

	if (!take(s, '"'))
		return false;
	while (s->p < s->end) {
		if (take(s, '"'))
			return true;
		if (take(s, '\\')) {
			if (!escape(s))
				return false;
			continue;
		}
		s->p += utf8_next(s->p, (size_t)(s->end - s->p), &cp);
		if (cp < 0x20 || cp == UINT32_MAX)
			return false;
	}
	return false;
}

static void
note(struct scan *s, const char *name, unsigned count, bool object)
{
	if (s->depth != 1 || s->shape == NULL)
		return;
	s->shape->last = name + 1;
	s->shape->last_count = count;
	s->shape->last_object = object;
}

static bool
members(struct scan *s, unsigned *ret_count)
{
	const char *name;
	unsigned count;
	bool object;

	*ret_count = 0;
	spaces(s);
	if (take(s, '}'))
		return true;
	do {
		spaces(s);
		name = s->p;
		if (!string(s))
			return false;
		if (s->depth == 1 && s->shape != NULL)
			s->shape->last_len = (size_t)(s->p - name) - 2;
		spaces(s);
		if (!take(s, ':') || !value(s, &count, &object))
			return false;
		note(s, name, count, object);
		++*ret_count;
	} while (take(s, ','));
	return take(s, '}');
}

static bool
elements(struct scan *s)
{
	unsigned count;
	bool object;

	spaces(s);
	if (take(s, ']'))
		return true;
	do {
		if (!value(s, &count, &object))
			return false;
	} while (take(s, ','));
	return take(s, ']');
}

static bool
value(struct scan *s, unsigned *ret_count, bool *ret_object)
{
	bool ok;

	*ret_object = false;
	*ret_count = 0;
	if (s->depth == DEPTH_MAX)
		return false;
	spaces(s);
	if (take(s, '{')) {
		*ret_object = true;
		s->depth++;
		ok = members(s, ret_count);
		s->depth--;
	} else if (take(s, '[')) {
		s->depth++;
		ok = elements(s);
		s->depth--;
	} else if (s->p < s->end && *s->p == '"') {
		ok = string(s);
	} else {
		ok = literal(s, "true") || literal(s, "false") ||
		    literal(s, "null") || number(s);
	}
	spaces(s);
	return ok;
}

bool
json_check(const char *p, size_t len, struct json_shape *ret)
{
	struct scan s = { p, p + len, 0, ret };
	unsigned count;
	bool object;

	if (ret != NULL)
		memset(ret, 0, sizeof(*ret));
	if (len == 0 || p[0] == ' ' || p[len - 1] == ' ')
		return false;
	if (!value(&s, &count, &object) || s.p != s.end)
		return false;
	if (ret != NULL)
		ret->object = object;
	return true;
}
