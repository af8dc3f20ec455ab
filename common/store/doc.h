/*
 * A document of the store, to be read and not changed.
 *
 * Publishing reads every document there is, and needs few members of each. So the
 * text is read once, without an allocation a member: the values stand in one array in
 * the order of the text, strings lie where the text had them. All memory is used
 * again for the next document. Who changes documents uses jansson.
 *
 * A value is borrowed from its struct doc until that reads another document or is
 * released. Every function takes NULL for a value that is not there, and answers
 * with NULL, 0 or false. Not shared between threads.
 */
#ifndef IAM_STORE_DOC_H
#define IAM_STORE_DOC_H

#include "common/base/base.h"

#define DOC_DEPTH_MAX 32
#define DOC_VALUES_MAX ((size_t)1 << 20)

enum doc_kind { DOC_NULL, DOC_FALSE, DOC_TRUE, DOC_INTEGER, DOC_REAL, DOC_STRING,
	DOC_ARRAY, DOC_OBJECT };

struct doc_value {
	const char *name;   /* of a member, NULL of an element */
	union {
		const char *text;  /* DOC_STRING: no NUL inside; DOC_REAL: as it was written */
		int64_t integer;
		uint32_t count; /* of members or elements, which follow */
	} u;
	uint32_t size;      /* this value and all that is in it, in values */
	uint8_t kind;       /* enum doc_kind */
	bool last;          /* nothing follows in what it is in */
};

struct doc {
	char *text;         /* the strings lie in it */
	size_t text_cap;
	struct doc_value *values;
	size_t count, cap;
};
#define DOC_INIT { NULL, 0, NULL, 0, 0 }

/*
 * Read a text (copied). *ret is the value that it is. Strict as RFC 8259 and jansson
 * (JSON_REJECT_DUPLICATES) are: no member's name or string has a NUL, integers are of
 * 64 bits (a real number may be of any size), and the whole is an object or array;
 * else IAM_ERR_FORMAT. IAM_ERR_LIMIT:
 * deeper than DOC_DEPTH_MAX or more values than DOC_VALUES_MAX.
 */
int doc_read(struct doc *d, const void *text, size_t len,
    const struct doc_value **ret);
/* The memory is wiped: documents have password hashes. d is DOC_INIT again. */
void doc_release(struct doc *d);

const struct doc_value *doc_get(const struct doc_value *object,
    const char *name);
/* NULL when it is no string. */
const char *doc_text(const struct doc_value *v);
/* 0 when it is no integer. */
int64_t doc_integer(const struct doc_value *v);
bool doc_is_true(const struct doc_value *v);
/* Of an array or object: how much is in it. */
size_t doc_size(const struct doc_value *v);
const struct doc_value *doc_first(const struct doc_value *v);
const struct doc_value *doc_next(const struct doc_value *v);
/* Do they say the same? NULL and NULL do. Members may stand in any order; a name is
 * not compared. */
bool doc_equal(const struct doc_value *a, const struct doc_value *b);

#define doc_foreach(v, in) \
	for ((v) = doc_first(in); (v) != NULL; (v) = doc_next(v))

#endif
