/* Documents of n statements, and the request that the middle one allows: what
 * the benches of the policy language, and its peers in peers.mjs, measure. */
#ifndef TESTS_BENCH_POLICIES_H
#define TESTS_BENCH_POLICIES_H

#include "common/base/base.h"
#include "common/policy/policy.h"

#define BENCH_HOST "arn:aws:host:eu-central-1:123456789012:instance/web"

enum shape { BY_RESOURCE, BY_ACTION, BY_CONDITION, BY_SUFFIX, HOSTILE, SHAPES };

static const char *const shape_names[SHAPES] = { "own resource each", "own action each",
	"no index: a condition each", "no index: an ending each", "no index: hostile" };

static inline void
put_statement(struct buf *b, enum shape shape, unsigned i)
{
	buf_puts(b, i > 0 ? "," : "");
	switch (shape) {
	case BY_RESOURCE:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\""
		    BENCH_HOST "%u\"}", i);
		break;
	case BY_ACTION:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"svc%u:Act%u\","
		    "\"Resource\":\"arn:aws:svc:eu-central-1:123456789012:thing/*\"}",
		    i / 100, i % 100);
		break;
	case BY_CONDITION:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
		    "\"Condition\":{\"StringEquals\":{\"aws:username\":\"user%u\"}}}", i);
		break;
	case BY_SUFFIX:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"*\","
		    "\"Resource\":\"arn:*:*:*:*:*/web%u\"}", i);
		break;
	case HOSTILE: /* every one is tried to its end against a resource of a's */
	case SHAPES:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"*\","
		    "\"Resource\":\"arn:*:*:*:*:*a*a*a*a*aaaaaaab%ua*\"}", i);
		break;
	}
}

static inline void
put_document(struct buf *json, enum shape shape, unsigned n)
{
	unsigned i;

	buf_puts(json, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (i = 0; i < n; i++)
		put_statement(json, shape, i);
	buf_puts(json, "]}");
}

/* Compiled, without the limit on size that a saved document has. */
static inline void
compile_or_die(const struct buf *json, struct buf *ret)
{
	const struct pol_limits limits = { .max_chars = 100000000 };

	if (pol_compile((const char *)json->p, json->len, POL_IDENTITY, &limits, NULL, ret) != 0)
		abort();
}

struct request {
	struct pol_request r;
	struct pol_value user[1];
	struct pol_key key[1];
	char name[32], action[64], resource[2049];
};

static inline void
make_request(struct request *q, enum shape shape, unsigned n)
{
	unsigned i = n / 2;

	memset(q, 0, sizeof(*q));
	snprintf(q->name, sizeof(q->name), "user%u", i);
	snprintf(q->action, sizeof(q->action), "host:Login");
	snprintf(q->resource, sizeof(q->resource), BENCH_HOST "%u", i);
	if (shape == BY_ACTION) {
		snprintf(q->action, sizeof(q->action), "svc%u:Act%u", i / 100, i % 100);
		snprintf(q->resource, sizeof(q->resource),
		    "arn:aws:svc:eu-central-1:123456789012:thing/%u", i);
	} else if (shape == HOSTILE) { /* as long as an ARN may be */
		memset(q->resource, 'a', sizeof(q->resource) - 1);
		memcpy(q->resource, "arn:a:a:a:a:", 12);
	}
	q->user[0] = (struct pol_value){ q->name, strlen(q->name) };
	q->key[0] = (struct pol_key){ "aws:username", q->user, 1, false };
	q->r.principal = "arn:aws:iam::123456789012:user/sarah";
	q->r.action = q->action;
	q->r.resource = q->resource;
	q->r.keys = q->key;
	q->r.key_count = 1;
}

static inline int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
