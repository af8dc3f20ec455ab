/*
 * replay DIR: give every file of a corpus to a fuzz target, without libFuzzer, so
 * that `make check` does it with any compiler. TAP: one line for the corpus; a
 * target without one is asked about the empty input.
 */
#include "common/base/base.h"

#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay_file(const char *dir, const char *name)
{
	char path[512];
	struct buf b = BUF_INIT;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fprintf(stderr, "# %s\n", path); /* the last one is who crashed */
	if (file_read(path, FILE_ANY, 1 << 24, &b) != 0) {
		printf("Bail out! %s cannot be read\n", path);
		exit(1);
	}
	LLVMFuzzerTestOneInput(b.len > 0 ? b.p : (const uint8_t *)"", b.len);
	buf_release(&b);
}

int
main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *e;
	unsigned n = 0;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		replay_file(argv[1], e->d_name);
		n++;
	}
	if (d != NULL)
		closedir(d);
	printf("ok 1 - %u inputs and the empty one\n1..1\n", n);
	return 0;
}
