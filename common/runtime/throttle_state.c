#include "common/base/base.h"
#include "common/runtime/throttle.h"

#define FLIGHT_MAX THROTTLE_FLIGHT_MAX
#define FAILURES_BITS 10
#define FAILURES_MAX ((1u << FAILURES_BITS) - 1)
#define FLIGHT_BITS THROTTLE_FLIGHT_BITS
#define TIME_BITS 34
#define TIME_MAX ((INT64_C(1) << TIME_BITS) - 1)

uint64_t
throttle_pack(const struct principal *p, unsigned i, const struct throttle_state *s)
{
	return word_pack(p, i, ((uint64_t)s->failures << FLIGHT_BITS |
	    s->flight) << TIME_BITS | (uint64_t)s->last_s);
}

struct throttle_state
throttle_unpack(const struct principal *p, unsigned i, uint64_t word)
{
	struct throttle_state s = { 0 };
	uint64_t v;

	if (!word_unpack(p, i, word, &v))
		return s;
	s.last_s = (int64_t)(v & (uint64_t)TIME_MAX);
	s.flight = (uint32_t)(v >> TIME_BITS & FLIGHT_MAX);
	s.failures = (uint32_t)(v >> (TIME_BITS + FLIGHT_BITS));
	return s;
}

void
throttle_fail(struct throttle_state *s, uint32_t n)
{
	s->failures += n < FAILURES_MAX - s->failures ? n :
	    FAILURES_MAX - s->failures;
}

uint32_t
throttle_age(struct throttle_state *s, int64_t now_s)
{
	uint32_t lost = 0;

	if (s->last_s > now_s)
		s->last_s = now_s;
	if (now_s - s->last_s >= RUNTIME_FLIGHT_S) {
		lost = s->flight;
		throttle_fail(s, lost);
		s->flight = 0;
	}
	if (now_s - s->last_s > PRINCIPAL_FORGET_S)
		s->failures = 0;
	return lost;
}

static int64_t
delay_s(uint32_t failures, const struct runtime_limits *l)
{
	uint32_t doublings;

	if (failures <= l->free)
		return 0;
	doublings = failures - l->free - 1;
	if (doublings >= 32 || (INT64_C(1) << doublings) > l->max_s)
		return l->max_s;
	return INT64_C(1) << doublings;
}

int64_t
throttle_retry_at(const struct throttle_state *s, const struct runtime_limits *l)
{
	return s->last_s + delay_s(s->failures, l);
}

int64_t
throttle_time(int64_t now_s)
{
	return now_s < 0 ? 0 : now_s > TIME_MAX ? TIME_MAX : now_s;
}
