#include "common/base/base.h"

#include <ctype.h>

#include "iamctl/shorthand.h"

#define KEY_MAX 256

struct cursor {
	const char *start, *p;
	struct iam_why *why;
	unsigned depth;
};

static int parse_value(struct cursor *c, const char *stop, json_t **ret);

static int
fail(struct cursor *c, const char *what)
{
	iam_why_set(c->why, 1, (unsigned)(c->p - c->start) + 1, "%s", what);
	return IAM_ERR_FORMAT;
}

static bool
is_key_char(char ch)
{
	return isalnum((unsigned char)ch) || (ch != '\0' && strchr("-_.#/:", ch));
}

static size_t
key_len(const char *p)
{
	size_t n = 0;

	while (is_key_char(p[n]))
		n++;
	return n;
}

/* Is there a key and its '=' at p? */
static bool
pair_begins(const char *p)
{
	size_t n;

	while (*p == ' ')
		p++;
	n = key_len(p);
	return n > 0 && p[n] == '=';
}

static int
take_string(struct cursor *c, struct buf *b, json_t **ret)
{
	int err = b->err;

	*ret = err != 0 ? NULL : json_stringn(buf_cstr(b), b->len);
	buf_release(b);
	if (err != 0)
		return err;
	return *ret != NULL ? 0 : fail(c, "the text is not valid UTF-8");
}

static int
parse_quoted(struct cursor *c, json_t **ret)
{
	struct buf b = BUF_INIT;
	char quote = *c->p++;

	for (; *c->p != '\0' && *c->p != quote; c->p++) {
		if (*c->p == '\\' && (c->p[1] == quote || c->p[1] == '\\'))
			c->p++;
		buf_putc(&b, *c->p);
	}
	if (*c->p != quote) {
		buf_release(&b);
		return fail(c, "a quote is not closed");
	}
	c->p++;
	return take_string(c, &b, ret);
}

/* Up to one of the characters in stop. */
static int
parse_word(struct cursor *c, const char *stop, json_t **ret)
{
	struct buf b = BUF_INIT;

	if (*c->p == '"' || *c->p == '\'')
		return parse_quoted(c, ret);
	for (; *c->p != '\0' && strchr(stop, *c->p) == NULL; c->p++) {
		if (*c->p == '\\' && c->p[1] != '\0')
			c->p++;
		buf_putc(&b, *c->p);
	}
	return take_string(c, &b, ret);
}

static int
append(json_t *list, json_t *item)
{
	return json_array_append_new(list, item) == 0 ? 0 : IAM_ERR_MEMORY;
}

static int
parse_list(struct cursor *c, json_t **ret)
{
	json_t *list = json_array(), *item;
	int r = list == NULL ? IAM_ERR_MEMORY : 0;

	c->p++;
	while (r == 0 && *c->p != ']') {
		if ((r = parse_value(c, ",]", &item)) != 0 ||
		    (r = append(list, item)) != 0)
			break;
		if (*c->p == ',' && c->p[1] != ']')
			c->p++;
		else if (*c->p != ']')
			r = fail(c, "expected ',' or ']'");
	}
	if (r != 0) {
		json_decref(list);
		return r;
	}
	c->p++;
	*ret = list;
	return 0;
}

static int
parse_pairs(struct cursor *c, const char *stop, json_t **ret)
{
	json_t *object = json_object(), *value;
	char key[KEY_MAX + 1];
	size_t n;
	int r = object == NULL ? IAM_ERR_MEMORY : 0;

	while (r == 0) {
		while (*c->p == ' ')
			c->p++;
		n = key_len(c->p);
		if (n == 0 || n > KEY_MAX || c->p[n] != '=') {
			r = fail(c, "expected Name=value");
			break;
		}
		snprintf(key, sizeof(key), "%.*s", (int)n, c->p);
		if (json_object_get(object, key) != NULL) {
			r = fail(c, "the name is given twice");
			break;
		}
		c->p += n + 1;
		if ((r = parse_value(c, stop, &value)) != 0)
			break;
		if (json_object_set_new(object, key, value) != 0)
			r = IAM_ERR_MEMORY;
		if (r != 0 || *c->p != ',')
			break;
		c->p++;
	}
	if (r != 0)
		json_decref(object);
	else
		*ret = object;
	return r;
}

static int
parse_object(struct cursor *c, json_t **ret)
{
	int r;

	c->p++;
	if ((r = parse_pairs(c, ",}", ret)) != 0)
		return r;
	if (*c->p == '}') {
		c->p++;
		return 0;
	}
	json_decref(*ret);
	return fail(c, "expected ',' or '}'");
}

/* More words after a comma make a list of them. */
static int
parse_words(struct cursor *c, const char *stop, json_t *first, json_t **ret)
{
	json_t *list = json_array(), *item;
	int r;

	if (list == NULL) {
		json_decref(first);
		return IAM_ERR_MEMORY;
	}
	r = append(list, first);
	while (r == 0 && *c->p == ',' && !pair_begins(c->p + 1)) {
		c->p++;
		if ((r = parse_word(c, stop, &item)) == 0)
			r = append(list, item);
	}
	if (r != 0)
		json_decref(list);
	else
		*ret = list;
	return r;
}

static int
parse_deep(struct cursor *c, const char *stop, json_t **ret)
{
	int r;

	if (*c->p == '[')
		return parse_list(c, ret);
	if (*c->p == '{')
		return parse_object(c, ret);
	if ((r = parse_word(c, stop, ret)) != 0)
		return r;
	/* Within [...] the comma is the list's own. */
	if (*c->p != ',' || strchr(stop, ']') != NULL || pair_begins(c->p + 1))
		return 0;
	return parse_words(c, stop, *ret, ret);
}

static int
parse_value(struct cursor *c, const char *stop, json_t **ret)
{
	int r;

	if (c->depth >= SHORTHAND_DEPTH_MAX) {
		(void)fail(c, "nested too deeply");
		return IAM_ERR_LIMIT;
	}
	c->depth++;
	r = parse_deep(c, stop, ret);
	c->depth--;
	return r;
}

int
shorthand_parse(const char *text, json_t **ret, struct iam_why *why)
{
	struct cursor c = { text, text, why, 0 };
	json_t *object;
	int r;

	if ((r = parse_pairs(&c, ",", &object)) != 0)
		return r;
	if (*c.p != '\0') {
		json_decref(object);
		return fail(&c, "expected ',' or the end");
	}
	*ret = object;
	return 0;
}
