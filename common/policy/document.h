/*
 * Policy documents as JSON: what the parts that use jansson share. Not for
 * anything that a module links.
 */
#ifndef IAM_POLICY_DOCUMENT_H
#define IAM_POLICY_DOCUMENT_H

#include <jansson.h>

#include "common/policy/internal.h"

/* The way to a value, kept on the stack of who walks there. */
struct step {
	const struct step *up; /* NULL at the root's members */
	const char *key;       /* NULL: an array's element */
	size_t index;
	bool at_key;           /* the place is the member's name, not its value */
};

struct doc {
	const char *json;
	size_t len;
	enum pol_kind kind;
	json_t *root;
	bool variables;  /* Version 2012-10-17 */
	bool keep_malformed;
	bool (*zone_known)(const char *name); /* pol_limits; may be NULL */
	unsigned errors;
	int err;         /* IAM_ERR_MEMORY, IAM_ERR_LIMIT; 0 */
	struct pol_findings *findings; /* may be NULL */
};

#define DOC_DEPTH_MAX 16
#define DOC_FINDINGS_MAX 100

/* Where in valid JSON a step leads; false when it leads nowhere. */
bool locate_step(const char *json, size_t len, const struct step *step,
    size_t *ret_off);
/* Line and column (in characters) of a byte, both from 1. */
void locate_line(const char *json, size_t len, size_t off, unsigned *ret_line,
    unsigned *ret_col);

/* Add a finding at a step; NULL is the document's start. */
void doc_find(struct doc *d, const struct step *at, enum pol_severity severity,
    const char *code, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Load JSON into d->root after the checks of size, depth and encoding. */
void parse_document(struct doc *d, size_t max_chars);

/* All checks of the grammar; findings and d->errors say what there is. */
void validate_document(struct doc *d);
/* Beyond the grammar: what is legal and still unwise. */
void validate_advice(struct doc *d, json_t *st, const struct step *at);
void validate_repeated(struct doc *d, const struct step *list_at, json_t *list);
/* Is this name an aws: or host: key, or a host: action, that exists? */
bool validate_known_key(const char *name);
bool validate_known_action(const char *action);
/* " Did you mean X?" for a name that is not known, or "". */
struct hint {
	char text[120];
};
const char *hint_operator(const char *name, struct hint *ret);
const char *hint_key(const char *name, struct hint *ret);
const char *hint_action(const char *name, struct hint *ret);
const char *hint_word(const char *name, const char *const *words, struct hint *ret);

/* Write a validated document. */
int compile_document(const struct doc *d, struct buf *ret);

/* A scalar as text: strings, numbers and booleans are accepted as values. */
struct scalar {
	const char *p;
	size_t len;
	char room[400];
};
bool scalar_text(const json_t *v, struct scalar *ret);

/* An element that is a scalar or a list, seen as a list. */
size_t list_count(const json_t *v);
json_t *list_item(const json_t *v, size_t i);

/* ---- encoding of values (compile_value.c) ---- */

/* Index of a key in the compiled key table; made when it is new. */
typedef uint32_t key_index(void *arg, const char *name, size_t len);

struct encoder {
	key_index *key;
	void *key_arg;
	bool variables;
	const char *code; /* issue code of what was refused */
	const char *why;  /* constant phrase */
};

struct pattern {
	uint8_t form;
	uint8_t kind; /* the compiler's */
	uint32_t prefix_len; /* literal bytes at the start and */
	uint32_t suffix_len; /* at the end of the data */
};

enum { PAT_WILD = 1, PAT_LOWER = 2, PAT_VARS = 4 };

/* Append the pattern's data; false with e->code and e->why. */
bool encode_pattern(struct encoder *e, const char *p, size_t len,
    unsigned flags, struct buf *b, struct pattern *ret);
/* A condition value for an operator; false when it cannot be read as its type. */
bool encode_value(struct encoder *e, uint8_t op, const char *p, size_t len,
    struct buf *b, uint8_t *ret_form);
/* An entry of Principal under "AWS". */
bool encode_principal(const char *p, size_t len, struct buf *b, uint8_t *ret_form,
    const char **ret_why);

#endif
