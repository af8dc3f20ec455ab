/*
 * A second evaluator, for tests only: slow, plain, written from the IAM User
 * Guide and iam-policy(5), and without a line of common/. What the compiled
 * policies answer is compared with it (differential.c, fuzz_policy_eval.c).
 *
 * It takes a case of the corpus (README.md) with documents that are valid, and
 * says what comes out: "Allowed", "ImplicitlyDenied" or "ExplicitlyDenied".
 * Constant; the case stays the caller's.
 *
 *   host_zone  the time zone of windows that name none, "Europe/Berlin"
 *   kept       malformed values of documents match nothing, as in the corpus;
 *              otherwise there are none
 *
 * Sets TZ: not for programs with threads.
 */
#ifndef TESTS_POLICY_NAIVE_H
#define TESTS_POLICY_NAIVE_H

#include <stdbool.h>

#include <jansson.h>

const char *naive_decide(const json_t *c, const char *host_zone, bool kept);

#endif
