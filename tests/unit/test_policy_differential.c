/*
 * The naive evaluator (tests/policy/naive.c) against the corpus, and the
 * compiled policies against the naive evaluator. `make fuzz-differential` does
 * the latter for as long as one likes.
 */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/policy/compare.h"
#include "tests/policy/generate.h"

static size_t
naive_passes(const char *path)
{
	FILE *f = fopen(path, "re");
	const char *expected, *compiled, *naive;
	char *line = NULL;
	size_t cap = 0, n = 0;
	ssize_t len;
	json_t *j;

	assert_non_null(f);
	for (; (len = getline(&line, &cap, f)) > 0; n++) {
		j = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
		assert_non_null(j);
		assert_true(compare_case(j, &compiled, &naive));
		expected = json_string_value(json_object_get(j, "expected"));
		if (strcmp(naive, expected) != 0)
			fail_msg("%s: %s", json_string_value(json_object_get(j, "id")), naive);
		json_decref(j);
	}
	free(line);
	fclose(f);
	return n;
}

/* Otherwise the two could be wrong together. */
static void
test_naive_decide__corpus_cases(void **state)
{
	(void)state;
	assert_int_equal(naive_passes("tests/policy/cases.jsonl"), 1200);
	assert_int_equal(naive_passes("tests/policy/extra.jsonl"), 272);
}

static void
test_pol_eval__agrees_with_the_naive_evaluator(void **state)
{
	const char *compiled, *naive;
	unsigned asked = 0, i;
	struct random r;
	json_t *j;

	(void)state;
	for (i = 0; i < 3000; i++) {
		r.s = i;
		j = generate_case(&r);
		if (compare_case(j, &compiled, &naive)) {
			asked++;
			if (strcmp(compiled, naive) != 0)
				fail_msg("case %u: compiled %s, naive %s; see make "
				    "fuzz-differential", i, compiled, naive);
		}
		json_decref(j);
	}
	assert_true(asked > 2800);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_naive_decide__corpus_cases),
		cmocka_unit_test(test_pol_eval__agrees_with_the_naive_evaluator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
