/*
 * policy_corpus FILE...: run files of cases and invalid documents (README.md;
 * one JSON object a line, of both kinds), print the ids that differ with what
 * came out, and last "N passed, M failed". The status is 0 when none differs,
 * 1 when some do or a file cannot be read. A line that cannot be understood is
 * one that failed; none ends the run.
 */
#include "tests/policy/corpus_run.h"

struct tally {
	unsigned passed, failed;
};

static void
run_line(struct tally *t, const char *path, size_t no, const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
	const char *got = "no JSON object", *id;
	bool ok = false;

	if (json_is_object(j))
		ok = json_object_get(j, "kind") != NULL ? corpus_run_invalid(j, &got) :
		    corpus_run_case(j, &got);
	t->passed += ok;
	t->failed += !ok;
	id = json_string_value(json_object_get(j, "id"));
	if (!ok && id != NULL)
		printf("%s %s\n", id, got);
	else if (!ok)
		printf("%s:%zu %s\n", path, no, got);
	json_decref(j);
}

static void
run_file(struct tally *t, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0, no;
	ssize_t len;

	for (no = 1; f != NULL && (len = getline(&line, &cap, f)) > 0; no++)
		if (strspn(line, " \t\r\n") < (size_t)len)
			run_line(t, path, no, line, (size_t)len);
	if (f == NULL || ferror(f)) {
		perror(path);
		t->failed++;
	}
	free(line);
	if (f != NULL)
		fclose(f);
}

int
main(int argc, char **argv)
{
	struct tally t = { 0, 0 };
	int i;

	for (i = 1; i < argc; i++)
		run_file(&t, argv[i]);
	printf("%u passed, %u failed\n", t.passed, t.failed);
	return t.failed > 0;
}
