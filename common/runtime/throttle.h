/* The state of a source that fails, in one word: for common/runtime alone. */
#ifndef IAM_RUNTIME_THROTTLE_H
#define IAM_RUNTIME_THROTTLE_H

#include "common/runtime/principal.h"

#define THROTTLE_FLIGHT_BITS 6
#define THROTTLE_FLIGHT_MAX ((1u << THROTTLE_FLIGHT_BITS) - 1)

struct throttle_state {
	uint32_t failures, flight;
	int64_t last_s; /* the last beginning or failure; of a known source, success */
};

uint64_t throttle_pack(const struct principal *p, unsigned i,
    const struct throttle_state *s);
/* A damaged state is forgotten: it would only delay. */
struct throttle_state throttle_unpack(const struct principal *p, unsigned i,
    uint64_t word);
void throttle_fail(struct throttle_state *s, uint32_t n);
/*
 * How a state looks at a later time: what is old enough is forgotten, a clock
 * that was put back restarts the delay instead of stretching it, and whoever
 * did not end in time has failed. Returns how many.
 */
uint32_t throttle_age(struct throttle_state *s, int64_t now_s);
/* When the next attempt will be looked at. */
int64_t throttle_retry_at(const struct throttle_state *s,
    const struct runtime_limits *l);
/* Nothing lies outside of what a word can hold. */
int64_t throttle_time(int64_t now_s);

#endif
