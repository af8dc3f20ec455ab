/* Short ways to compile a document and ask it, for the unit tests. */
#ifndef TESTS_POLICY_HARNESS_H
#define TESTS_POLICY_HARNESS_H

#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "common/policy/policy.h"

#define ACCOUNT "123456789012"
#define ALICE "arn:aws:iam::" ACCOUNT ":user/alice"
#define THING "arn:aws:s3:::box/thing"

struct asker { /* up to 8 keys of up to 8 values, and 4 documents */
	struct pol_request req;
	struct pol_key keys[8];
	struct pol_value values[8][8];
	struct buf bytes[4];
	struct pol_source src[4];
	size_t docs;
};

static inline void
asker_init(struct asker *a)
{
	memset(a, 0, sizeof(*a));
	a->req.principal = ALICE;
	a->req.action = "s3:GetObject";
	a->req.resource = THING;
	a->req.resource_account = ACCOUNT;
	a->req.keys = a->keys;
}

static inline void
asker_release(struct asker *a)
{
	size_t i;

	for (i = 0; i < IAM_COUNT(a->bytes); i++)
		buf_release(&a->bytes[i]);
}

/* Add a key; NULL ends its values. */
static inline void
asker_key(struct asker *a, const char *name, ...)
{
	struct pol_key *k = &a->keys[a->req.key_count];
	struct pol_value *v = a->values[a->req.key_count++];
	const char *s;
	va_list ap;

	k->name = name;
	k->values = v;
	k->n = 0;
	va_start(ap, name);
	while ((s = va_arg(ap, const char *)) != NULL)
		v[k->n++] = (struct pol_value){ s, strlen(s) };
	va_end(ap);
	k->multivalued = k->n != 1;
}

/* Compile a document into the next place; must succeed. */
static inline const struct pol_source *
asker_doc(struct asker *a, enum pol_kind kind, const char *json)
{
	struct pol_findings f;
	size_t i = a->docs++;

	if (pol_compile(json, strlen(json), kind, NULL, &f, &a->bytes[i]) != 0)
		fail_msg("%s: %s", json, f.n > 0 ? f.v[0].text : "no finding");
	pol_findings_release(&f);
	assert_int_equal(pol_open(a->bytes[i].p, a->bytes[i].len, &a->src[i].doc), 0);
	a->src[i].name = "test";
	return &a->src[i];
}

static inline enum pol_effect
asker_ask(struct asker *a, const struct pol_set *set)
{
	struct pol_decision d;

	assert_int_equal(pol_eval(set, &a->req, &d), 0);
	return d.effect;
}

#endif
