/*
 * A trail of any bytes: readers survive it, and a record that is appended
 * behind it is found, and is not what they complain about.
 */
#include "common/trail/internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
found(void *arg, const char *json, size_t len)
{
	*(bool *)arg = memmem(json, len, "FuzzedEvent", 11) != NULL;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trail_event e = { .who = { .type = "Root", .mfa = -1 },
		.source = "host.iam", .name = "FuzzedEvent", .now_s = 1795512600 };
	struct trail_filter all = { .start_s = 1 };
	struct trail_check before, after;
	struct trail_where where = { "/tmp/iam-fuzz-trail.jsonl", "/dev/null/spool",
		(gid_t)-1 };
	bool seen = false;
	int fd;

	fd = open(where.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || file_write_all(fd, data, size) != 0)
		abort();
	close(fd);
	if (trail_validate(where.file, &before) != 0 ||
	    trail_write(&where, &e, NULL) != 0 ||
	    trail_lookup(where.file, &all, found, &seen) != 0 || !seen ||
	    trail_validate(where.file, &after) != 0)
		abort();
	if (after.records < before.records || after.bad > before.bad + 1)
		abort();
	return 0;
}
