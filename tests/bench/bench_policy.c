/*
 * Decisions: nanoseconds warm (the compiled bytes are opened) and cold (open
 * and decide), by the number of statements, where an index helps and where
 * none can. One principal, one request that a single statement allows.
 */
#include "common/base/base.h"
#include "common/policy/policy.h"

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

enum shape { BY_ACTION, BY_RESOURCE, BY_CONDITION, BY_SUFFIX, SHAPES };

static const char *const shape_names[SHAPES] = { "own action each",
	"one action, own resource each", "no index: condition on the user",
	"no index: resource ends differently" };

static void
put_statement(struct buf *b, enum shape shape, unsigned i)
{
	buf_puts(b, i > 0 ? "," : "");
	switch (shape) {
	case BY_ACTION:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"svc%u:Act%u\","
		    "\"Resource\":\"arn:aws:svc:eu-central-1:123456789012:thing/*\"}",
		    i / 100, i % 100);
		break;
	case BY_RESOURCE:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":"
		    "\"arn:aws:host:eu-central-1:123456789012:instance/web%u\"}", i);
		break;
	case BY_CONDITION:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
		    "\"Condition\":{\"StringEquals\":{\"aws:username\":\"user%u\"}}}", i);
		break;
	case BY_SUFFIX:
	case SHAPES:
		buf_printf(b, "{\"Effect\":\"Allow\",\"Action\":\"*\","
		    "\"Resource\":\"arn:*:*:*:*:*/web%u\"}", i);
		break;
	}
}

static void
make(enum shape shape, unsigned n, struct buf *ret)
{
	const struct pol_limits limits = { .max_chars = 100000000 };
	struct buf json = BUF_INIT;
	int64_t t0;
	unsigned i;

	buf_puts(&json, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (i = 0; i < n; i++)
		put_statement(&json, shape, i);
	buf_puts(&json, "]}");
	t0 = now_ns();
	if (pol_compile(buf_cstr(&json), json.len, POL_IDENTITY, &limits, NULL, ret) != 0)
		abort();
	if (n == 10000)
		printf("  compiled from %zu KiB of JSON to %zu KiB in %.1f ms\n",
		    json.len / 1024, ret->len / 1024, (double)(now_ns() - t0) / 1e6);
	buf_release(&json);
}

struct request {
	struct pol_request r;
	struct pol_value user[1];
	struct pol_key key[1];
	char name[32], action[64], resource[96];
};

static void
ask(struct request *q, enum shape shape, unsigned n)
{
	unsigned i = n / 2;

	memset(q, 0, sizeof(*q));
	snprintf(q->name, sizeof(q->name), "user%u", i);
	snprintf(q->action, sizeof(q->action), "host:Login");
	snprintf(q->resource, sizeof(q->resource),
	    "arn:aws:host:eu-central-1:123456789012:instance/web%u", i);
	if (shape == BY_ACTION) {
		snprintf(q->action, sizeof(q->action), "svc%u:Act%u", i / 100, i % 100);
		snprintf(q->resource, sizeof(q->resource),
		    "arn:aws:svc:eu-central-1:123456789012:thing/%u", i);
	}
	q->user[0] = (struct pol_value){ q->name, strlen(q->name) };
	q->key[0] = (struct pol_key){ "aws:username", q->user, 1, false };
	q->r.principal = "arn:aws:iam::123456789012:user/sarah";
	q->r.action = q->action;
	q->r.resource = q->resource;
	q->r.keys = q->key;
	q->r.key_count = 1;
}

static double
measure(const struct buf *bytes, const struct request *q, bool cold)
{
	struct pol_source src = { .name = "bench" };
	struct pol_set set = { .identity = { &src, 1 } };
	struct pol_decision d;
	int64_t t0, t1;
	unsigned rounds = 0, i;

	if (pol_open(bytes->p, bytes->len, &src.doc) != 0)
		abort();
	t0 = now_ns();
	do {
		for (i = 0; i < 16; i++) {
			if (cold && pol_open(bytes->p, bytes->len, &src.doc) != 0)
				abort();
			if (pol_eval(&set, &q->r, &d) != 0 || d.effect != POL_ALLOWED)
				abort();
		}
		rounds += 16;
		t1 = now_ns();
	} while (t1 - t0 < 100000000);
	return (double)(t1 - t0) / rounds;
}

int
main(void)
{
	static const unsigned sizes[] = { 1, 100, 10000 };
	struct request q;
	struct buf b = BUF_INIT;
	unsigned i;
	int shape;

	for (shape = 0; shape < SHAPES; shape++) {
		printf("%s\n", shape_names[shape]);
		for (i = 0; i < IAM_COUNT(sizes); i++) {
			buf_reset(&b);
			make((enum shape)shape, sizes[i], &b);
			ask(&q, (enum shape)shape, sizes[i]);
			printf("  %6u statements: %9.1f ns warm %11.1f ns open and decide\n",
			    sizes[i], measure(&b, &q, false), measure(&b, &q, true));
		}
	}
	buf_release(&b);
	return 0;
}
