/*
 * Runs the cases of a corpus (tests/policy/README.md) through the public face
 * of the policy language. Included by the unit test and by policy_corpus.
 */
#ifndef TESTS_POLICY_CORPUS_RUN_H
#define TESTS_POLICY_CORPUS_RUN_H

#include <jansson.h>

#include "common/base/base.h"
#include "common/base/tz.h"
#include "common/policy/policy.h"

#define CORPUS_LEVELS 16

/* One line, made ready. It borrows from the JSON. Odd lines are errors. */
struct corpus_case {
	struct buf *bytes;
	struct pol_source *source;
	size_t docs, docs_max;
	bool kept; /* documents have malformed values: they are read as the corpus does */
	struct pol_list boundary, session, scp[CORPUS_LEVELS];
	struct pol_set set;
	struct pol_key *keys;
	struct pol_value *values;
	struct pol_request req;
};

/* A list, or one thing that stands for a list of itself; null and nothing are none. */
static inline size_t
corpus_count(const json_t *v)
{
	return json_is_array(v) ? json_array_size(v) : v == NULL || json_is_null(v) ? 0 : 1;
}

static inline json_t *
corpus_item(json_t *v, size_t i)
{
	return json_is_array(v) ? json_array_get(v, i) : v;
}

static inline void
corpus_case_release(struct corpus_case *c)
{
	size_t i;

	for (i = 0; i < c->docs; i++)
		buf_release(&c->bytes[i]);
	free(c->bytes);
	free(c->source);
	free(c->keys);
	free(c->values);
}

/* Compile one document into the next place. */
static inline int
corpus_add(struct corpus_case *c, const json_t *doc, enum pol_kind kind)
{
	const struct pol_limits limits = { .max_chars = 1000000, .keep_malformed = c->kept };
	char *text = doc != NULL ? json_dumps(doc, JSON_ENCODE_ANY) : NULL;
	struct buf *b = &c->bytes[c->docs];
	int r;

	if (text == NULL || c->docs == c->docs_max) {
		free(text);
		return IAM_ERR_LIMIT;
	}
	*b = (struct buf)BUF_INIT;
	r = pol_compile(text, strlen(text), kind, &limits, NULL, b);
	free(text);
	if (r != 0) {
		buf_release(b);
		return r;
	}
	c->source[c->docs].name = "policy";
	r = pol_open(b->p, b->len, &c->source[c->docs].doc);
	c->docs++;
	return r;
}

static inline int
corpus_list(struct corpus_case *c, json_t *list, enum pol_kind kind,
    struct pol_list *ret)
{
	size_t i;
	int r;

	ret->v = &c->source[c->docs];
	ret->n = corpus_count(list);
	for (i = 0; i < ret->n; i++)
		if ((r = corpus_add(c, corpus_item(list, i), kind)) != 0)
			return r;
	return 0;
}

/* A layer that limits: none when it is null. */
static inline int
corpus_limit(struct corpus_case *c, json_t *list, enum pol_kind kind,
    struct pol_list *room, const struct pol_list **ret)
{
	int r;

	if (list == NULL || json_is_null(list))
		return 0;
	if ((r = corpus_list(c, list, kind, room)) == 0)
		*ret = room;
	return r;
}

static inline int
corpus_scp(struct corpus_case *c, json_t *levels)
{
	size_t i, n = corpus_count(levels);
	int r;

	if (n > CORPUS_LEVELS)
		return IAM_ERR_LIMIT;
	for (i = 0; i < n; i++)
		if ((r = corpus_list(c, corpus_item(levels, i), POL_SCP, &c->scp[i])) != 0)
			return r;
	if (levels != NULL && !json_is_null(levels)) {
		c->set.scp = c->scp;
		c->set.scp_levels = n;
	}
	return 0;
}

static inline int
corpus_layers(struct corpus_case *c, const json_t *j)
{
	bool assume = strcasecmp(c->req.action, "sts:AssumeRole") == 0;
	json_t *v = json_object_get(j, "resource_policy");
	int r;

	if ((r = corpus_list(c, json_object_get(j, "identity"), POL_IDENTITY,
	    &c->set.identity)) != 0 ||
	    (r = corpus_limit(c, json_object_get(j, "boundary"), POL_BOUNDARY,
	    &c->boundary, &c->set.boundary)) != 0 ||
	    (r = corpus_limit(c, json_object_get(j, "session"), POL_SESSION,
	    &c->session, &c->set.session)) != 0 ||
	    (r = corpus_scp(c, json_object_get(j, "scp"))) != 0)
		return r;
	c->set.trust = assume; /* a role without a trust policy trusts nobody */
	if (corpus_count(v) == 0)
		return 0;
	if ((r = corpus_add(c, corpus_item(v, 0), assume ? POL_TRUST : POL_RESOURCE)) != 0)
		return r;
	c->set.resource = &c->source[c->docs - 1];
	return 0;
}

/* A value of the context. Numbers and truth values have become text before. */
static inline void
corpus_value(struct pol_value *ret, const json_t *v)
{
	ret->p = json_is_string(v) ? json_string_value(v) : "";
	ret->len = json_string_length(v);
}

static inline int
corpus_context(struct corpus_case *c, json_t *context)
{
	size_t n = json_object_size(context), values = 0, at = 0, i;
	const char *name;
	struct pol_key *k;
	json_t *v;

	json_object_foreach(context, name, v)
		values += corpus_count(v);
	c->keys = calloc(n + 1, sizeof(*c->keys));
	c->values = calloc(values + 1, sizeof(*c->values));
	if (c->keys == NULL || c->values == NULL)
		return IAM_ERR_MEMORY;
	k = c->keys;
	json_object_foreach(context, name, v) {
		k->name = name;
		k->multivalued = json_is_array(v);
		k->n = corpus_count(v);
		k->values = &c->values[at];
		for (i = 0; i < k->n; i++)
			corpus_value(&c->values[at++], corpus_item(v, i));
		k++;
	}
	c->req.keys = c->keys;
	c->req.key_count = n;
	return 0;
}

/* Numbers and truth values in a context as the text that they are written with. */
static inline void
corpus_context_texts(json_t *v)
{
	const char *name;
	json_t *item;
	char *text;
	size_t i;

	json_array_foreach(v, i, item)
		if ((json_is_number(item) || json_is_boolean(item)) &&
		    (text = json_dumps(item, JSON_ENCODE_ANY)) != NULL) {
			json_array_set_new(v, i, json_string(text));
			free(text);
		}
	json_object_foreach(v, name, item) {
		corpus_context_texts(item);
		if ((json_is_number(item) || json_is_boolean(item)) &&
		    (text = json_dumps(item, JSON_ENCODE_ANY)) != NULL) {
			json_object_set_new(v, name, json_string(text));
			free(text);
		}
	}
}

static inline int
corpus_request(struct corpus_case *c, json_t *req)
{
	c->req.principal = json_string_value(json_object_get(req, "principal"));
	c->req.action = json_string_value(json_object_get(req, "action"));
	c->req.resource = json_string_value(json_object_get(req, "resource"));
	c->req.resource_account =
	    json_string_value(json_object_get(req, "resource_account"));
	if (c->req.principal == NULL || c->req.action == NULL || c->req.resource == NULL)
		return IAM_ERR_ARG;
	corpus_context_texts(json_object_get(req, "context"));
	return corpus_context(c, json_object_get(req, "context"));
}

static inline size_t
corpus_documents(json_t *j)
{
	json_t *scp = json_object_get(j, "scp");
	size_t n = 1, i;

	for (i = 0; i < corpus_count(scp); i++)
		n += corpus_count(corpus_item(scp, i));
	return n + corpus_count(json_object_get(j, "identity")) +
	    corpus_count(json_object_get(j, "boundary")) +
	    corpus_count(json_object_get(j, "session"));
}

/*
 * A document with a malformed value is refused by this language. The corpus has
 * some, whose malformed values "never match": such a case is read once more,
 * with keep_malformed. Release the case, whatever comes back.
 */
static inline int
corpus_case_make(struct corpus_case *c, json_t *j)
{
	bool kept = false;
	int r;

	for (;;) {
		memset(c, 0, sizeof(*c));
		c->kept = kept;
		c->docs_max = corpus_documents(j);
		c->bytes = calloc(c->docs_max, sizeof(*c->bytes));
		c->source = calloc(c->docs_max, sizeof(*c->source));
		if (c->bytes == NULL || c->source == NULL)
			return IAM_ERR_MEMORY;
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

/* The wall clock of a case: where a window names no zone, UTC. */
static inline int
corpus_local_time(void *arg, const char *zone, int64_t t, struct tz_local *ret)
{
	struct tz *tz;
	int r;

	(void)arg;
	if (zone == NULL)
		return tz_utc(t, ret);
	if ((r = tz_load(zone, &tz)) != 0)
		return r;
	r = tz_at(tz, t, ret);
	tz_free(tz);
	return r;
}

/* Does this case come out as expected? *ret_got says what did. */
static inline bool
corpus_run_case(json_t *j, const char **ret_got)
{
	const char *expected = json_string_value(json_object_get(j, "expected"));
	struct corpus_case *c = malloc(sizeof(*c));
	struct pol_decision d;

	*ret_got = "error";
	if (c == NULL)
		return false;
	if (corpus_case_make(c, j) == 0) {
		c->req.local_time = corpus_local_time;
		if (pol_eval(&c->set, &c->req, &d) == 0)
			*ret_got = corpus_effect(d.effect);
	}
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

	if (json_is_string(doc))
		buf_put(b, json_string_value(doc), json_string_length(doc));
	for (; b64 != NULL && *b64 != 0 && (at = strchr(abc, *b64)) != NULL; b64++) {
		bits = bits << 6 | (unsigned)(at - abc);
		have += 6;
		if (have >= 8)
			buf_u8(b, (uint8_t)(bits >> (have -= 8)));
	}
}

static inline enum pol_kind
corpus_kind(const char *name)
{
	static const struct {
		const char *name;
		enum pol_kind kind;
	} kinds[] = { { "trust", POL_TRUST }, { "resource", POL_RESOURCE },
		{ "scp", POL_SCP }, { "session", POL_SESSION }, { "boundary", POL_BOUNDARY } };
	size_t i;

	for (i = 0; name != NULL && i < IAM_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	return POL_IDENTITY;
}

/* A document that has to be refused: is it, with a finding that says where? */
static inline bool
corpus_run_invalid(json_t *j, const char **ret_got)
{
	struct buf b = BUF_INIT, document = BUF_INIT;
	struct pol_findings f;
	bool refused;
	int r;

	corpus_document(j, &document);
	r = pol_compile(buf_cstr(&document), document.len,
	    corpus_kind(json_string_value(json_object_get(j, "kind"))), NULL, &f, &b);
	refused = (r == IAM_ERR_FORMAT || r == IAM_ERR_LIMIT) && f.n > 0 &&
	    f.v[0].line > 0 && f.v[0].col > 0 && b.len == 0;

	*ret_got = refused ? "refused" : r == 0 ? "accepted" : "no finding";
	pol_findings_release(&f);
	buf_release(&b);
	buf_release(&document);
	return refused;
}

#endif
