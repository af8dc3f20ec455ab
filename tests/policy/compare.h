/*
 * One case of the corpus through the compiled policies and through the naive
 * evaluator. Included by differential.c and the fuzz target.
 */
#ifndef TESTS_POLICY_COMPARE_H
#define TESTS_POLICY_COMPARE_H

#include "common/base/tz.h"
#include "tests/policy/corpus_run.h"
#include "tests/policy/naive.h"

#define COMPARE_ZONE "America/St_Johns" /* of the host: odd, half an hour, with DST */
#define COMPARE_ZONES 16

/* Zones are loaded once; those that there are not stay NULL. */
static inline int
compare_local_time(void *arg, const char *zone, int64_t t, struct tz_local *ret)
{
	static struct {
		char name[65];
		struct tz *tz;
	} known[COMPARE_ZONES];
	size_t i;

	(void)arg;
	if (zone == NULL)
		zone = COMPARE_ZONE;
	if (strlen(zone) >= sizeof(known[0].name))
		return IAM_ERR_ABSENT;
	for (i = 0; i < COMPARE_ZONES && known[i].name[0] != 0; i++)
		if (strcmp(known[i].name, zone) == 0)
			break;
	if (i == COMPARE_ZONES) { /* a fuzzer thinks of many */
		i = 0;
		tz_free(known[i].tz);
		known[i].name[0] = 0;
	}
	if (known[i].name[0] == 0) {
		if (tz_load(zone, &known[i].tz) != 0)
			known[i].tz = NULL;
		memcpy(known[i].name, zone, strlen(zone) + 1);
	}
	return known[i].tz != NULL ? tz_at(known[i].tz, t, ret) : IAM_ERR_ABSENT;
}

/* What the compiled policies of c answer; NULL when the request is none. Policies
 * that were compiled are never damaged: "damage" differs from every answer. */
static inline const char *
compare_ask(struct corpus_case *c)
{
	struct pol_decision d;
	int r;

	c->req.local_time = compare_local_time;
	if ((r = pol_eval(&c->set, &c->req, &d)) == IAM_ERR_ARG)
		return NULL;
	return r == 0 ? corpus_effect(d.effect) : "damage";
}

/* Both answers. False when the case cannot be asked: a document is refused, or
 * the request is none. */
static inline bool
compare_case(json_t *j, const char **ret_compiled, const char **ret_naive)
{
	struct corpus_case c;
	bool asked;

	asked = corpus_case_make(&c, j) == 0 && (*ret_compiled = compare_ask(&c)) != NULL;
	if (asked)
		*ret_naive = naive_decide(j, COMPARE_ZONE, c.kept);
	corpus_case_release(&c);
	return asked;
}

#endif
