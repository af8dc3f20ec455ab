/*
 * Random cases of the corpus (README.md), for comparing evaluators.
 *
 * Documents are valid, with few exceptions; patterns and values are made out of
 * what the request has, so that they match often. All operators, qualifiers,
 * variables, layers and principals occur, and odd values in requests: malformed,
 * empty, several, bytes that are no UTF-8, NUL.
 */
#ifndef TESTS_POLICY_GENERATE_H
#define TESTS_POLICY_GENERATE_H

#include <stdint.h>

#include <jansson.h>

struct random {
	uint64_t s;
};

uint64_t random_next(struct random *r);

/* A whole case; owned. */
json_t *generate_case(struct random *r);
/* Another request for the same policies; owned. */
json_t *generate_request(struct random *r);

#endif
