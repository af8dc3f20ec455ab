#include "common/base/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/store/doc.h"

/* What is read, and where: the text is changed in place, as strings lose their
 * escapes and get a NUL for their end. */
struct reader {
	struct doc *d;
	char *p, *end; /* *end is NUL */
	unsigned depth;
};

static int read_value(struct reader *r, const char *name);

static void
skip_space(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')
		r->p++;
}

static bool
take(struct reader *r, char c)
{
	skip_space(r);
	if (*r->p != c)
		return false;
	r->p++;
	return true;
}

/* *ret is the index: the array moves. */
static int
new_value(struct doc *d, enum doc_kind kind, const char *name, size_t *ret)
{
	size_t cap = d->cap < 64 ? 64 : d->cap * 2;
	struct doc_value *v;

	if (d->count == DOC_VALUES_MAX)
		return IAM_ERR_LIMIT;
	if (d->count == d->cap) {
		v = reallocarray(d->values, cap, sizeof(*v));
		if (v == NULL)
			return IAM_ERR_MEMORY;
		d->values = v;
		d->cap = cap;
	}
	d->values[d->count] = (struct doc_value){ .name = name, .size = 1,
		.kind = (uint8_t)kind, .last = true };
	*ret = d->count++;
	return 0;
}

/* ---- strings ---- */

static int
hex4(const char *p, uint32_t *ret)
{
	uint32_t v = 0;
	int i;

	for (i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return IAM_ERR_FORMAT;
	}
	*ret = v;
	return 0;
}

/* Never longer than its escape of six or twelve characters was. */
static char *
put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* Behind "\u"; half a pair of surrogates is no character, and NUL ends texts. */
static int
read_unicode(struct reader *r, char **to)
{
	uint32_t c, low;

	if (hex4(r->p, &c) != 0)
		return IAM_ERR_FORMAT;
	r->p += 4;
	if (c >= 0xd800 && c < 0xdc00) {
		if (r->p[0] != '\\' || r->p[1] != 'u' || hex4(r->p + 2, &low) != 0 ||
		    low < 0xdc00 || low > 0xdfff)
			return IAM_ERR_FORMAT;
		r->p += 6;
		c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
	} else if (c == 0 || (c >= 0xdc00 && c <= 0xdfff)) {
		return IAM_ERR_FORMAT;
	}
	*to = put_utf8(*to, c);
	return 0;
}

static int
read_escape(struct reader *r, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *hit;
	char c = *r->p;

	if (c == '\0')
		return IAM_ERR_FORMAT;
	r->p++;
	if (c == 'u')
		return read_unicode(r, to);
	if ((hit = strchr(from, c)) == NULL)
		return IAM_ERR_FORMAT;
	*(*to)++ = into[hit - from];
	return 0;
}

static bool
is_utf8(const char *p, size_t len)
{
	uint32_t c;
	size_t n;

	while (len > 0) {
		n = utf8_next(p, len, &c);
		if (c == UINT32_MAX)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

#define EACH(c) (UINT64_C(0x0101010101010101) * (c))
#define HIGH EACH(0x80)
#define STEP sizeof(uint64_t)

/* Has one of eight bytes the value 0? Or says so of one that follows such a byte. */
static uint64_t
zeros(uint64_t v)
{
	return (v - EACH(1)) & ~v & HIGH;
}

/* Behind what stands for itself; *all gathers the bits of its bytes. Eight at a time, of which
 * some may lie behind the text: there are zeros. */
static char *
skip_plain(char *p, unsigned *all)
{
	uint64_t v, bits = 0;
	unsigned c;

	for (;; p += STEP, bits |= v) {
		memcpy(&v, p, STEP);
		if ((((v - EACH(0x20)) & ~v & HIGH) | zeros(v ^ EACH('"')) |
		    zeros(v ^ EACH('\\'))) != 0)
			break;
	}
	*all |= (bits & HIGH) != 0 ? 0x80 : 0;
	/* The end of the text is a control character, too. */
	for (; (c = (unsigned char)*p) >= 0x20 && c != '"' && c != '\\'; p++)
		*all |= c;
	return p;
}

/* The text from its quote on. */
static int
read_string(struct reader *r, const char **ret)
{
	char *start, *to, *plain;
	unsigned all = 0;

	if (!take(r, '"'))
		return IAM_ERR_FORMAT;
	start = r->p;
	to = r->p = skip_plain(start, &all);
	while (*r->p == '\\') {
		r->p++;
		if (read_escape(r, &to) != 0)
			return IAM_ERR_FORMAT;
		plain = r->p;
		r->p = skip_plain(plain, &all);
		memmove(to, plain, (size_t)(r->p - plain));
		to += r->p - plain;
	}
	if (*r->p != '"' ||
	    (all >= 0x80 && !is_utf8(start, (size_t)(to - start))))
		return IAM_ERR_FORMAT;
	r->p++;
	*to = '\0';
	*ret = start;
	return 0;
}

static int
put_string(struct reader *r, const char *name)
{
	const char *text;
	size_t at;
	int err;

	if ((err = read_string(r, &text)) == 0 &&
	    (err = new_value(r->d, DOC_STRING, name, &at)) == 0)
		r->d->values[at].u.text = text;
	return err;
}

/* ---- numbers and words ---- */

static bool
skip_digits(char **p)
{
	char *start = *p;

	while (**p >= '0' && **p <= '9')
		++*p;
	return *p > start;
}

/* RFC 8259, section 6. */
static bool
skip_number(char **p, bool *ret_real)
{
	char *first;

	*ret_real = false;
	if (**p == '-')
		++*p;
	first = *p;
	if (!skip_digits(p) || (*first == '0' && *p - first > 1))
		return false;
	if (**p == '.') {
		*ret_real = true;
		++*p;
		if (!skip_digits(p))
			return false;
	}
	if (**p == 'e' || **p == 'E') {
		*ret_real = true;
		++*p;
		if (**p == '+' || **p == '-')
			++*p;
		return skip_digits(p);
	}
	return true;
}

static int
put_number(struct reader *r, const char *name)
{
	const char *start = r->p;
	bool real;
	size_t at;
	int err;

	if (!skip_number(&r->p, &real))
		return IAM_ERR_FORMAT;
	err = new_value(r->d, real ? DOC_REAL : DOC_INTEGER, name, &at);
	if (err != 0)
		return err;
	if (real) {
		r->d->values[at].u.text = start;
		return 0;
	}
	errno = 0;
	r->d->values[at].u.integer = strtoll(start, NULL, 10);
	return errno == 0 ? 0 : IAM_ERR_FORMAT;
}

static int
put_word(struct reader *r, const char *name)
{
	static const struct {
		const char *text;
		enum doc_kind kind;
	} words[] = { { "true", DOC_TRUE }, { "false", DOC_FALSE },
		{ "null", DOC_NULL } };
	size_t i, len, at;

	for (i = 0; i < IAM_COUNT(words); i++) {
		len = strlen(words[i].text);
		if (strncmp(r->p, words[i].text, len) == 0) {
			r->p += len;
			return new_value(r->d, words[i].kind, name, &at);
		}
	}
	return IAM_ERR_FORMAT;
}

/* ---- arrays and objects ---- */

/* What is in an array or object so far. */
struct members {
	size_t in, last;  /* last == in: nothing yet */
	bool sorted;      /* canonical documents are: then one comparison tells */
};

static bool
is_new_name(const struct doc_value *all, struct members *m, const char *name)
{
	const struct doc_value *v;

	if (m->last == m->in)
		return true;
	m->sorted = m->sorted && strcmp(all[m->last].name, name) < 0;
	for (v = all + m->in + 1; !m->sorted && v <= all + m->last; v += v->size) {
		if (strcmp(v->name, name) == 0)
			return false;
	}
	return true;
}

static int
read_name(struct reader *r, struct members *m, const char **ret)
{
	*ret = NULL;
	if (r->d->values[m->in].kind == DOC_ARRAY)
		return 0;
	if (read_string(r, ret) != 0 || !take(r, ':') ||
	    !is_new_name(r->d->values, m, *ret))
		return IAM_ERR_FORMAT;
	return 0;
}

static int
read_members(struct reader *r, size_t in, char close)
{
	struct members m = { in, in, true };
	const char *name;
	size_t next;
	int err;

	if (take(r, close))
		return 0;
	do {
		if ((err = read_name(r, &m, &name)) != 0)
			return err;
		next = r->d->count;
		if ((err = read_value(r, name)) != 0)
			return err;
		if (m.last != in)
			r->d->values[m.last].last = false;
		m.last = next;
		r->d->values[in].u.count++;
	} while (take(r, ','));
	return take(r, close) ? 0 : IAM_ERR_FORMAT;
}

static int
put_many(struct reader *r, const char *name)
{
	bool object = *r->p == '{';
	size_t at;
	int err;

	if (r->depth == DOC_DEPTH_MAX)
		return IAM_ERR_LIMIT;
	r->p++;
	r->depth++;
	err = new_value(r->d, object ? DOC_OBJECT : DOC_ARRAY, name, &at);
	if (err == 0 && (err = read_members(r, at, object ? '}' : ']')) == 0)
		r->d->values[at].size = (uint32_t)(r->d->count - at);
	r->depth--;
	return err;
}

static int
read_value(struct reader *r, const char *name)
{
	skip_space(r);
	switch (*r->p) {
	case '{':
	case '[':
		return put_many(r, name);
	case '"':
		return put_string(r, name);
	case 't':
	case 'f':
	case 'n':
		return put_word(r, name);
	default:
		return put_number(r, name);
	}
}

int
doc_read(struct doc *d, const void *text, size_t len,
    const struct doc_value **ret)
{
	struct reader r = { .d = d };
	char *bigger;
	int err;

	if (len + STEP >= d->text_cap) {
		if ((bigger = malloc(len * 2 + STEP + 1)) == NULL)
			return IAM_ERR_MEMORY;
		if (d->text != NULL)
			explicit_bzero(d->text, d->text_cap);
		free(d->text);
		d->text = bigger;
		d->text_cap = len * 2 + STEP + 1;
	}
	memcpy(d->text, text, len);
	memset(d->text + len, 0, STEP);
	d->count = 0;
	r.p = d->text;
	r.end = d->text + len;
	if ((err = read_value(&r, NULL)) != 0)
		return err;
	skip_space(&r);
	if (r.p != r.end || d->values[0].kind < DOC_ARRAY)
		return IAM_ERR_FORMAT;
	*ret = d->values;
	return 0;
}

void
doc_release(struct doc *d)
{
	if (d->text != NULL)
		explicit_bzero(d->text, d->text_cap);
	free(d->text);
	free(d->values);
	*d = (struct doc)DOC_INIT;
}

/* ---- asking ---- */

const struct doc_value *
doc_first(const struct doc_value *v)
{
	if (v == NULL || v->kind < DOC_ARRAY || v->u.count == 0)
		return NULL;
	return v + 1;
}

const struct doc_value *
doc_next(const struct doc_value *v)
{
	return v->last ? NULL : v + v->size;
}

const struct doc_value *
doc_get(const struct doc_value *object, const char *name)
{
	const struct doc_value *v;
	uint32_t n;

	if (object == NULL || object->kind != DOC_OBJECT)
		return NULL;
	for (v = object + 1, n = object->u.count; n > 0; v += v->size, n--) {
		if (v->name[0] == name[0] && strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

const char *
doc_text(const struct doc_value *v)
{
	return v != NULL && v->kind == DOC_STRING ? v->u.text : NULL;
}

int64_t
doc_integer(const struct doc_value *v)
{
	return v != NULL && v->kind == DOC_INTEGER ? v->u.integer : 0;
}

bool
doc_is_true(const struct doc_value *v)
{
	return v != NULL && v->kind == DOC_TRUE;
}

size_t
doc_size(const struct doc_value *v)
{
	return v != NULL && v->kind >= DOC_ARRAY ? v->u.count : 0;
}

static bool
equal_members(const struct doc_value *a, const struct doc_value *b)
{
	const struct doc_value *v;

	doc_foreach(v, a) {
		if (doc_get(b, v->name) == NULL ||
		    !doc_equal(v, doc_get(b, v->name)))
			return false;
	}
	return true;
}

static bool
equal_elements(const struct doc_value *a, const struct doc_value *b)
{
	const struct doc_value *v, *w = doc_first(b);

	doc_foreach(v, a) {
		if (!doc_equal(v, w))
			return false;
		w = doc_next(w);
	}
	return true;
}

bool
doc_equal(const struct doc_value *a, const struct doc_value *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || doc_size(a) != doc_size(b))
		return false;
	switch ((enum doc_kind)a->kind) {
	case DOC_NULL:
	case DOC_FALSE:
	case DOC_TRUE:
		return true;
	case DOC_INTEGER:
		return a->u.integer == b->u.integer;
	case DOC_REAL:
		return strtod(a->u.text, NULL) == strtod(b->u.text, NULL);
	case DOC_STRING:
		return strcmp(a->u.text, b->u.text) == 0;
	case DOC_ARRAY:
		return equal_elements(a, b);
	case DOC_OBJECT:
		return equal_members(a, b);
	}
	return false;
}
