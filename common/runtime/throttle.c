/*
 * Failures, by source. Two words each: who, and a state that changes by one
 * compare-and-set. Rules kept here:
 *
 *  - an attempt is in the state before it is judged, as one in flight;
 *  - those in flight count like failures when it is asked whether another one
 *    may begin, but it waits for them instead of being refused;
 *  - whoever ends as a failure, or never ends, is a failure.
 */
#include "common/base/base.h"
#include "common/runtime/principal.h"
#include "common/runtime/throttle.h"

#include <time.h>

#define TRIES_MAX 1000
/* A wake-up may go to a process that is stopped: look again by oneself. */
#define LOOK_AGAIN_MS 50

static int64_t
boot_s(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_BOOTTIME, &t) == 0 ? t.tv_sec : 0;
}

static void
add_failures(struct principal *p, uint32_t n)
{
	uint64_t seen = word_load(p, WORD_FAILURES), v;

	do {
		if (!word_unpack(p, WORD_FAILURES, seen, &v))
			v = 0;
		v = v + n < UINT32_MAX ? v + n : UINT32_MAX;
	} while (n > 0 && !word_swap(p, WORD_FAILURES, &seen,
	    word_pack(p, WORD_FAILURES, v)));
}

static uint32_t
take_failures(struct principal *p, bool reset)
{
	uint64_t seen = word_load(p, WORD_FAILURES), v;

	while (reset && !word_swap(p, WORD_FAILURES, &seen, 0))
		;
	return word_unpack(p, WORD_FAILURES, seen, &v) ? (uint32_t)v : 0;
}

/* ---- places ---- */

struct place {
	unsigned i;       /* of the word that says who; the state follows */
	uint64_t who;     /* what was there */
	struct throttle_state s;   /* aged */
	bool is_free;
};

static unsigned
rank(const struct place *x)
{
	if (x->is_free)
		return 0;
	/* Failing ones are lost first: at most PRINCIPAL_KNOWN_MAX are others. */
	return x->s.failures + x->s.flight > 0 ? 1 : 2;
}

static struct place
look_at(const struct principal *p, unsigned n, int64_t now_s)
{
	struct place x = { .i = WORD_SOURCES + 2 * n };
	bool failing;

	x.who = word_load(p, x.i);
	x.s = throttle_unpack(p, x.i + 1, word_load(p, x.i + 1));
	failing = x.s.failures + x.s.flight > 0;
	throttle_age(&x.s, now_s);
	x.is_free = x.who == 0 ||
	    (failing && x.s.failures + x.s.flight == 0); /* forgotten */
	return x;
}

/* The source's place; else the one that it would get. */
static bool
find(const struct principal *p, uint64_t source, int64_t now_s,
    struct place *ret)
{
	struct place x;
	unsigned n;

	for (n = 0; n < PRINCIPAL_SOURCES; n++) {
		x = look_at(p, n, now_s);
		if (x.who == source) {
			*ret = x;
			return true;
		}
		if (n == 0 || rank(&x) < rank(ret) ||
		    (rank(&x) == rank(ret) && x.s.last_s < ret->s.last_s))
			*ret = x;
	}
	return false;
}

/* Find or take a place; what is counted there stays: it is the place's. */
static int
take(struct principal *p, uint64_t source, int64_t now_s, unsigned *ret_state)
{
	struct place x;
	unsigned tries;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		if (find(p, source, now_s, &x)) {
			*ret_state = x.i + 1;
			return 0;
		}
		word_swap(p, x.i, &x.who, source); /* and look again */
	}
	return IAM_ERR_BUSY;
}

/* Of those without failures only the latest few keep their places. */
static void
limit_known(struct principal *p, int64_t now_s)
{
	struct place x, oldest = { 0 };
	unsigned n, known = 0;

	for (n = 0; n < PRINCIPAL_SOURCES; n++) {
		x = look_at(p, n, now_s);
		if (rank(&x) != 2)
			continue;
		if (known++ == 0 || x.s.last_s < oldest.s.last_s)
			oldest = x;
	}
	if (known > PRINCIPAL_KNOWN_MAX)
		word_swap(p, oldest.i, &oldest.who, 0);
}

/* ---- from where she has logged in ---- */

/* A place a source: another one that falls on it makes the first a stranger again. */
static unsigned
known_place(uint64_t source)
{
	return WORD_KNOWN + (unsigned)(rt_sum(&source, sizeof(source)) %
	    PRINCIPAL_KNOWN_MAX);
}

static void
remember(struct principal *p, uint64_t source)
{
	unsigned i = known_place(source);
	uint64_t seen = word_load(p, i);

	while (seen != source && !word_swap(p, i, &seen, source))
		;
}

int
runtime_source_known(struct runtime *rt, uint32_t uid, uint64_t source,
    bool *ret_known)
{
	struct principal *p;
	int r;

	*ret_known = false;
	if ((r = principal_open(rt, uid, &p)) != 0)
		return r;
	*ret_known = word_load(p, known_place(source)) == source;
	return 0;
}

/* ---- attempts ---- */

enum answer { BEGUN, REFUSED, WAIT };

/* May one more begin, if all those in flight were to fail now? */
static enum answer
ask(const struct throttle_state *s, int64_t now_s, const struct runtime_limits *l)
{
	if (s->flight > 0)
		return s->failures + s->flight <= l->free &&
		    s->flight < THROTTLE_FLIGHT_MAX ? BEGUN : WAIT;
	return throttle_retry_at(s, l) <= now_s ? BEGUN : REFUSED;
}

/* One look; *ret_seen is the word to be waited at. */
static enum answer
try_begin(struct principal *p, unsigned i, int64_t now_s,
    const struct runtime_limits *l, uint64_t *ret_seen)
{
	enum answer answer;
	struct throttle_state s;
	uint32_t lost;

	*ret_seen = word_load(p, i);
	do {
		s = throttle_unpack(p, i, *ret_seen);
		lost = throttle_age(&s, now_s);
		if ((answer = ask(&s, now_s, l)) == BEGUN) {
			s.flight++;
			s.last_s = now_s;
		}
		if (answer == WAIT || (answer == REFUSED && lost == 0))
			return answer;
	} while (!word_swap(p, i, ret_seen, throttle_pack(p, i, &s)));
	add_failures(p, lost);
	return answer;
}

int
runtime_attempt_begin(struct runtime *rt, uint32_t uid, uint64_t source,
    int64_t now_s, const struct runtime_limits *limits, bool *ret_begun,
    struct runtime_attempt *ret)
{
	int64_t start = boot_s(), waited = 0;
	enum answer answer;
	struct principal *p;
	uint64_t seen;
	unsigned i;
	int r;

	*ret_begun = false;
	for (;;) {
		if ((r = principal_open(rt, uid, &p)) != 0 ||
		    (r = take(p, source, throttle_time(now_s + waited), &i)) != 0)
			return r;
		answer = try_begin(p, i, throttle_time(now_s + waited), limits, &seen);
		if (answer != WAIT || waited >= RUNTIME_WAIT_S)
			break;
		word_wait(p, i, seen, LOOK_AGAIN_MS);
		waited = boot_s() - start;
	}
	*ret = (struct runtime_attempt){ uid, source, boot_s() };
	*ret_begun = answer == BEGUN;
	return 0;
}

/* The state of somebody whose attempt is over. */
static void
settle(struct throttle_state *s, enum runtime_outcome outcome, bool late, int64_t now_s)
{
	/* One that took too long has been counted as failed already. */
	if (!late && s->flight > 0)
		s->flight--;
	switch (outcome) {
	case RUNTIME_FAILED:
		if (!late)
			throttle_fail(s, 1);
		s->last_s = now_s;
		return;
	case RUNTIME_PROVED:
		s->failures = 0;
		s->last_s = now_s;
		return;
	case RUNTIME_NEITHER:
		return;
	}
}

int
runtime_attempt_end(struct runtime *rt, const struct runtime_attempt *a,
    enum runtime_outcome outcome, int64_t now_s, uint32_t *ret_failures)
{
	bool late = boot_s() - a->boot_s >= RUNTIME_FLIGHT_S;
	uint64_t seen;
	struct principal *p;
	uint32_t lost, before;
	struct throttle_state s;
	unsigned i;
	int r;

	now_s = throttle_time(now_s);
	if ((r = principal_open(rt, a->uid, &p)) != 0 ||
	    (r = take(p, a->source, now_s, &i)) != 0)
		return r;
	seen = word_load(p, i);
	do {
		s = throttle_unpack(p, i, seen);
		lost = throttle_age(&s, now_s);
		settle(&s, outcome, late, now_s);
	} while (!word_swap(p, i, &seen, throttle_pack(p, i, &s)));
	add_failures(p, lost + (outcome == RUNTIME_FAILED && !late));
	word_wake(p, i);
	if (outcome != RUNTIME_PROVED)
		return 0;
	limit_known(p, now_s);
	remember(p, a->source);
	before = take_failures(p, true);
	if (ret_failures != NULL)
		*ret_failures = before;
	return 0;
}

/* ---- events ---- */

#define COUNT_BITS 16

int
runtime_event_allowed(struct runtime *rt, uint32_t uid, int64_t now_s,
    bool *ret_allowed)
{
	uint64_t minute = (uint64_t)throttle_time(now_s) / 60, count, seen, v;
	struct principal *p;
	int r;

	*ret_allowed = false;
	if ((r = principal_open(rt, uid, &p)) != 0)
		return r;
	seen = word_load(p, WORD_EVENTS);
	do {
		if (!word_unpack(p, WORD_EVENTS, seen, &v) ||
		    v >> COUNT_BITS != minute)
			v = minute << COUNT_BITS;
		count = v & ((1u << COUNT_BITS) - 1);
		if (count >= RUNTIME_EVENTS_A_MINUTE)
			return 0;
	} while (!word_swap(p, WORD_EVENTS, &seen,
	    word_pack(p, WORD_EVENTS, v + 1)));
	*ret_allowed = true;
	return 0;
}

/* ---- for people ---- */

int
runtime_throttle_list(struct runtime *rt, uint32_t uid, int64_t now_s,
    const struct runtime_limits *limits,
    struct runtime_throttle ret[RUNTIME_SOURCES_MAX], unsigned *ret_count,
    uint32_t *ret_all)
{
	struct principal *p;
	struct place x;
	unsigned n;
	int r;

	now_s = throttle_time(now_s);
	if ((r = principal_open(rt, uid, &p)) != 0)
		return r;
	*ret_count = 0;
	for (n = 0; n < PRINCIPAL_SOURCES; n++) {
		x = look_at(p, n, now_s);
		if (x.who == 0 || x.s.failures == 0)
			continue;
		ret[*ret_count] = (struct runtime_throttle){ x.who, x.s.failures,
			x.s.last_s, throttle_retry_at(&x.s, limits) };
		if (ret[*ret_count].retry_at_s <= now_s)
			ret[*ret_count].retry_at_s = 0;
		(*ret_count)++;
	}
	*ret_all = take_failures(p, false);
	return 0;
}

int
runtime_throttle_clear(struct runtime *rt, uint32_t uid)
{
	struct principal *p;
	uint64_t seen;
	struct throttle_state s;
	unsigned i;
	int r;

	if ((r = principal_open(rt, uid, &p)) != 0)
		return r;
	for (i = WORD_SOURCES + 1; i < WORD_SOURCES + 2 * PRINCIPAL_SOURCES; i += 2) {
		seen = word_load(p, i);
		do {
			s = throttle_unpack(p, i, seen);
			s.failures = 0; /* those in flight are still to end */
		} while (seen != 0 && !word_swap(p, i, &seen, throttle_pack(p, i, &s)));
	}
	take_failures(p, true);
	return 0;
}
