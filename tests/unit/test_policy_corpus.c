/*
 * The corpus: 1,200 decisions and 62 documents that must be refused
 * (tests/policy/README.md says how its answers were made).
 */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/policy/corpus_run.h"

/*
 * Two answers of the corpus are not followed. Both deny a caller whom a Deny
 * with NotPrincipal names in full: the user and its account (s-00644), the
 * session, its role and its account (s-01048). The IAM User Guide, "AWS JSON
 * policy elements: NotPrincipal", says that such a caller is not denied, and
 * so do s-00109, s-01173 and s-01178 of the same corpus.
 */
static const struct {
	const char *id, *got;
} disputed[] = {
	{ "s-00644", "Allowed" },
	{ "s-01048", "ImplicitlyDenied" },
};

static const char *
disputed_answer(const char *id)
{
	size_t i;

	for (i = 0; i < IAM_COUNT(disputed); i++)
		if (strcmp(disputed[i].id, id) == 0)
			return disputed[i].got;
	return NULL;
}

typedef bool each_line(json_t *j, const char **ret_got);

static unsigned
run_file(const char *path, each_line *run, unsigned *ret_passed)
{
	FILE *f = fopen(path, "re");
	const char *id, *got, *other;
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
		other = disputed_answer(id);
		if (run(j, &got) || (other != NULL && strcmp(other, got) == 0)) {
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

static void
test_pol_compile__corpus_documents_are_refused(void **state)
{
	unsigned passed;

	(void)state;
	assert_int_equal(run_file("tests/policy/invalid.jsonl", corpus_run_invalid, &passed), 0);
	assert_int_equal(passed, 62);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pol_eval__corpus_cases),
		cmocka_unit_test(test_pol_compile__corpus_documents_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
