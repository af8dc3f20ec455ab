/*
 * A case of the corpus as JSON text (tests/policy/README.md): any policies in
 * any layers, any request. Whatever is accepted decides as the naive evaluator
 * does, and the explanation agrees with the decision.
 */
#include "tests/policy/compare.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(json_t *j)
{
	static struct pol_explanation x;
	struct corpus_case c;
	const char *compiled;

	if (corpus_case_make(&c, j) == 0 && (compiled = compare_ask(&c)) != NULL) {
		assert(strcmp(compiled, "damage") != 0);
		assert(pol_explain(&c.set, &c.req, &x) == 0);
		assert(strcmp(corpus_effect(x.decision.effect), compiled) == 0);
		if (!c.kept)
			assert(strcmp(naive_decide(j, COMPARE_ZONE, false), compiled) == 0);
	}
	corpus_case_release(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *j = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);

	if (json_is_object(j))
		ask(j);
	json_decref(j);
	return 0;
}
