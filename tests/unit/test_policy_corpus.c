/*
 * The corpus: 1,200 decisions and 62 documents that must be refused
 * (tests/policy/README.md says how its answers were made).
 */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/policy/corpus_run.h"

typedef bool each_line(json_t *j, const char **ret_got);

static unsigned
run_file(const char *path, each_line *run, unsigned *ret_passed)
{
	FILE *f = fopen(path, "re");
	const char *id, *got;
	unsigned failed = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	json_t *j;

	assert_non_null(f);
	*ret_passed = 0;
	while ((len = getline(&line, &cap, f)) > 0) {
		j = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
		assert_non_null(j);
		id = json_string_value(json_object_get(j, "id"));
		if (run(j, &got)) {
			(*ret_passed)++;
		} else {
			failed++;
			print_error("%s: %s\n", id, got);
		}
		json_decref(j);
	}
	free(line);
	fclose(f);
	return failed;
}

static void
test_pol_eval__corpus_cases(void **state)
{
	unsigned passed;

	(void)state;
	assert_int_equal(run_file("tests/policy/cases.jsonl", corpus_run_case, &passed), 0);
	assert_int_equal(passed, 1200);
}

/* Written by hand: each layer, kind of principal and form of pattern, with what
 * the IAM User Guide and iam-policy(5) say of it. */
static void
test_pol_eval__extra_cases(void **state)
{
	unsigned passed;

	(void)state;
	assert_int_equal(run_file("tests/policy/extra.jsonl", corpus_run_case, &passed), 0);
	assert_int_equal(passed, 272);
}

static void
test_pol_compile__corpus_documents_are_refused(void **state)
{
	unsigned passed;

	(void)state;
	assert_int_equal(run_file("tests/policy/invalid.jsonl", corpus_run_invalid, &passed), 0);
	assert_int_equal(passed, 62);
}

static void
test_pol_compile__extra_documents_are_refused(void **state)
{
	unsigned passed;

	(void)state;
	assert_int_equal(run_file("tests/policy/extra-invalid.jsonl", corpus_run_invalid, &passed), 0);
	assert_int_equal(passed, 234);
}

/* Others bring their own files: odd lines are failures, never a crash. */
static void
test_policy_corpus__odd_lines_fail(void **state)
{
	static const char *const lines[] = { "{}", "{\"request\":null}", "{\"request\":5}",
		"{\"request\":{\"principal\":\"p\",\"action\":\"a:b\",\"resource\":\"*\","
		"\"context\":{\"aws:a\":null,\"aws:b\":[1,null,{}],\"aws:c\":{\"x\":1}}},"
		"\"expected\":\"Allowed\"}",
		"{\"request\":{\"principal\":\"p\",\"action\":\"a:b\",\"resource\":\"*\"},"
		"\"identity\":[null],\"scp\":[null,[5]],\"boundary\":\"x\",\"resource_policy\":[]}" };
	const char *got;
	json_t *j;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(lines); i++) {
		j = json_loads(lines[i], 0, NULL);
		assert_non_null(j);
		assert_false(corpus_run_case(j, &got));
		assert_non_null(got);
		(void)corpus_run_invalid(j, &got);
		json_decref(j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pol_eval__corpus_cases),
		cmocka_unit_test(test_pol_eval__extra_cases),
		cmocka_unit_test(test_pol_compile__extra_documents_are_refused),
		cmocka_unit_test(test_policy_corpus__odd_lines_fail),
		cmocka_unit_test(test_pol_compile__corpus_documents_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
