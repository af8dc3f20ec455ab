/*
 * policy_corpus FILE…: run any files of cases or invalid documents (one JSON
 * object a line), print the ids that differ and "N passed, M failed".
 */
#include "tests/policy/corpus_run.h"

static bool
run_line(json_t *j, const char **ret_got)
{
	if (json_object_get(j, "kind") != NULL)
		return corpus_run_invalid(j, ret_got);
	return corpus_run_case(j, ret_got);
}

int
main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	const char *got, *id;
	size_t cap = 0;
	char *line = NULL;
	ssize_t len;
	json_t *j;
	FILE *f;
	int i;

	for (i = 1; i < argc; i++) {
		if ((f = fopen(argv[i], "re")) == NULL) {
			perror(argv[i]);
			return 2;
		}
		while ((len = getline(&line, &cap, f)) > 0) {
			if (line[0] == '\n')
				continue;
			if ((j = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL)) == NULL) {
				printf("%s: a line is no JSON object\n", argv[i]);
				failed++;
				continue;
			}
			id = json_string_value(json_object_get(j, "id"));
			if (run_line(j, &got)) {
				passed++;
			} else {
				failed++;
				printf("%s %s\n", id != NULL ? id : "?", got);
			}
			json_decref(j);
		}
		fclose(f);
	}
	free(line);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}
