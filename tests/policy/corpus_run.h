/*
 * Runs the cases of a corpus (tests/policy/README.md) through the public face
 * of the policy language. Included by the unit test and by policy_corpus.
 */
#ifndef TESTS_POLICY_CORPUS_RUN_H
#define TESTS_POLICY_CORPUS_RUN_H

#include <jansson.h>

#include "common/base/base.h"
#include "common/policy/policy.h"

#define CORPUS_DOCS 64
#define CORPUS_KEYS 64
#define CORPUS_VALUES 256

struct corpus_case { /* one line, made ready */
	struct buf bytes[CORPUS_DOCS];
	struct pol_source source[CORPUS_DOCS];
	size_t docs;
	bool kept; /* documents have malformed values: they are read as the corpus does */
	struct pol_list boundary, session, scp[8];
	struct pol_set set;
	struct pol_key keys[CORPUS_KEYS];
	struct pol_value values[CORPUS_VALUES];
	struct pol_request req;
};

static inline void
corpus_case_release(struct corpus_case *c)
{
	size_t i;

	for (i = 0; i < c->docs; i++)
		buf_release(&c->bytes[i]);
}

/* Compile one document into the next place. */
static inline int
corpus_add(struct corpus_case *c, const json_t *doc, enum pol_kind kind)
{
	const struct pol_limits limits = { .max_chars = 100000, .keep_malformed = c->kept };
	char *text = json_dumps(doc, 0);
	int r;

	if (text == NULL || c->docs == CORPUS_DOCS)
		return IAM_ERR_LIMIT;
	c->bytes[c->docs] = (struct buf)BUF_INIT;
	r = pol_compile(text, strlen(text), kind, &limits, NULL, &c->bytes[c->docs]);
	free(text);
	if (r != 0) {
		buf_release(&c->bytes[c->docs]);
		return r;
	}
	c->source[c->docs].name = "policy";
	r = pol_open(c->bytes[c->docs].p, c->bytes[c->docs].len,
	    &c->source[c->docs].doc);
	c->docs++;
	return r;
}

static inline int
corpus_list(struct corpus_case *c, const json_t *list, enum pol_kind kind,
    struct pol_list *ret)
{
	size_t i;
	int r;

	ret->v = &c->source[c->docs];
	ret->n = json_array_size(list);
	for (i = 0; i < ret->n; i++)
		if ((r = corpus_add(c, json_array_get(list, i), kind)) != 0)
			return r;
	return 0;
}

static inline int
corpus_layers(struct corpus_case *c, const json_t *j)
{
	const json_t *v;
	bool assume = strcasecmp(c->req.action, "sts:AssumeRole") == 0;
	size_t i;
	int r;

	if ((r = corpus_list(c, json_object_get(j, "identity"), POL_IDENTITY,
	    &c->set.identity)) != 0)
		return r;
	if (json_is_array(v = json_object_get(j, "boundary"))) {
		if ((r = corpus_list(c, v, POL_BOUNDARY, &c->boundary)) != 0)
			return r;
		c->set.boundary = &c->boundary;
	}
	if (json_is_array(v = json_object_get(j, "session"))) {
		if ((r = corpus_list(c, v, POL_SESSION, &c->session)) != 0)
			return r;
		c->set.session = &c->session;
	}
	v = json_object_get(j, "scp");
	for (i = 0; json_is_array(v) && i < json_array_size(v); i++) {
		if (i == IAM_COUNT(c->scp))
			return IAM_ERR_LIMIT;
		if ((r = corpus_list(c, json_array_get(v, i), POL_SCP, &c->scp[i])) != 0)
			return r;
	}
	if (json_is_array(v)) {
		c->set.scp = c->scp;
		c->set.scp_levels = json_array_size(v);
	}
	if (json_is_object(v = json_object_get(j, "resource_policy"))) {
		if ((r = corpus_add(c, v, assume ? POL_TRUST : POL_RESOURCE)) != 0)
			return r;
		c->set.resource = &c->source[c->docs - 1];
		c->set.trust = assume;
	}
	return 0;
}

static inline int
corpus_request(struct corpus_case *c, json_t *req)
{
	size_t n = 0, at = 0, i;
	const char *name;
	json_t *v, *item;

	c->req.principal = json_string_value(json_object_get(req, "principal"));
	c->req.action = json_string_value(json_object_get(req, "action"));
	c->req.resource = json_string_value(json_object_get(req, "resource"));
	c->req.resource_account =
	    json_string_value(json_object_get(req, "resource_account"));
	json_object_foreach(json_object_get(req, "context"), name, v) {
		struct pol_key *k = &c->keys[n++];

		if (n == CORPUS_KEYS)
			return IAM_ERR_LIMIT;
		k->name = name;
		k->multivalued = json_is_array(v);
		k->n = json_is_array(v) ? json_array_size(v) : 1;
		k->values = &c->values[at];
		for (i = 0; i < k->n; i++) {
			if (at == CORPUS_VALUES)
				return IAM_ERR_LIMIT;
			item = json_is_array(v) ? json_array_get(v, i) : v;
			c->values[at].p = json_string_value(item);
			c->values[at++].len = json_string_length(item);
		}
	}
	c->req.keys = c->keys;
	c->req.key_count = n;
	return 0;
}

/*
 * A document with a malformed value is refused by this language. The corpus has
 * some, whose malformed values "never match": such a case is read once more,
 * with keep_malformed.
 */
static inline int
corpus_case_make(struct corpus_case *c, json_t *j)
{
	bool kept = false;
	int r;

	for (;;) {
		memset(c, 0, sizeof(*c));
		c->kept = kept;
		if ((r = corpus_request(c, json_object_get(j, "request"))) != 0)
			return r;
		r = corpus_layers(c, j);
		if (r != IAM_ERR_FORMAT || kept)
			return r;
		corpus_case_release(c);
		kept = true;
	}
}

static inline const char *
corpus_effect(enum pol_effect e)
{
	switch (e) {
	case POL_ALLOWED:
		return "Allowed";
	case POL_EXPLICIT_DENY:
		return "ExplicitlyDenied";
	case POL_IMPLICIT_DENY:
		return "ImplicitlyDenied";
	}
	return "nothing known";
}

/* Does this case come out as expected? *ret_got says what did. */
static inline bool
corpus_run_case(json_t *j, const char **ret_got)
{
	const char *expected = json_string_value(json_object_get(j, "expected"));
	struct corpus_case *c = malloc(sizeof(*c));
	struct pol_decision d;

	*ret_got = "error";
	if (c != NULL && corpus_case_make(c, j) == 0 &&
	    pol_eval(&c->set, &c->req, &d) == 0)
		*ret_got = corpus_effect(d.effect);
	if (c != NULL)
		corpus_case_release(c);
	free(c);
	return expected != NULL && strcmp(*ret_got, expected) == 0;
}

/* The bytes of a line's document, out of base64 where they are no UTF-8. */
static inline void
corpus_document(json_t *j, struct buf *b)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/";
	const char *b64 = json_string_value(json_object_get(j, "document_b64")), *at;
	json_t *doc = json_object_get(j, "document");
	unsigned bits = 0, have = 0;

	if (doc != NULL)
		buf_put(b, json_string_value(doc), json_string_length(doc));
	for (; b64 != NULL && *b64 != 0 && (at = strchr(abc, *b64)) != NULL; b64++) {
		bits = bits << 6 | (unsigned)(at - abc);
		have += 6;
		if (have >= 8)
			buf_u8(b, (uint8_t)(bits >> (have -= 8)));
	}
}

/* A document that has to be refused: is it, with a finding that says where? */
static inline bool
corpus_run_invalid(json_t *j, const char **ret_got)
{
	const char *kind = json_string_value(json_object_get(j, "kind"));
	enum pol_kind k = strcmp(kind, "trust") == 0 ? POL_TRUST :
	    strcmp(kind, "resource") == 0 ? POL_RESOURCE : POL_IDENTITY;
	struct buf b = BUF_INIT, document = BUF_INIT;
	struct pol_findings f;
	bool refused;
	int r;

	corpus_document(j, &document);
	r = pol_compile(buf_cstr(&document), document.len, k, NULL, &f, &b);
	refused = (r == IAM_ERR_FORMAT || r == IAM_ERR_LIMIT) && f.n > 0 &&
	    f.v[0].line > 0 && f.v[0].col > 0 && b.len == 0;

	*ret_got = refused ? "refused" : r == 0 ? "accepted" : "no finding";
	pol_findings_release(&f);
	buf_release(&b);
	buf_release(&document);
	return refused;
}

#endif
