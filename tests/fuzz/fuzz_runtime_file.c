/* A principal file of any bytes, a record with a good checksum, a line of /proc/PID/stat. */
#include "common/base/base.h"
#include "common/runtime/internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
sign(uint8_t *p, size_t len)
{
	uint64_t sum = rt_sum(p, len - 8);
	size_t i;

	for (i = 0; i < 8; i++)
		p[len - 8 + i] = (uint8_t)(sum >> (8 * i));
}

static struct runtime *rt;
static int principal_fd;
static char dir[] = "/tmp/fuzz_runtime.XXXXXX";

static void
end(void)
{
	static const char *const names[] = { "principal.7", "epoch", "" };
	char path[64];
	size_t i;

	for (i = 0; i < IAM_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
}

static void
begin(void)
{
	char path[64];

	if (rt != NULL)
		return;
	if (mkdtemp(dir) == NULL)
		abort();
	atexit(end);
	snprintf(path, sizeof(path), "%s/principal.7", dir);
	if (runtime_open(dir, getegid(), &rt) != 0 ||
	    runtime_user_prepare(rt, 7) != 0 ||
	    (principal_fd = open(path, O_WRONLY | O_CLOEXEC)) < 0)
		abort();
}

/* Behind the magic and the uid everything may be anything. */
static void
run_principal(const uint8_t *data, size_t size)
{
	const struct runtime_limits limits = { 5, 900 };
	struct runtime_throttle list[RUNTIME_SOURCES_MAX];
	uint64_t last;
	uint32_t all;
	unsigned n;
	bool yes;

	if (size > PRINCIPAL_SIZE - 16)
		size = PRINCIPAL_SIZE - 16;
	if (pwrite(principal_fd, data, size, 16) != (ssize_t)size)
		abort();
	if (runtime_totp_last(rt, 7, "device", &last) != 0 ||
	    runtime_totp_claim(rt, 7, "device", 1000, &yes) != 0 ||
	    (yes && last >= 1000) ||
	    runtime_totp_claim(rt, 7, "device", 1000, &yes) != 0 || yes ||
	    runtime_throttle_list(rt, 7, 5000, &limits, list, &n, &all) != 0 ||
	    n > RUNTIME_SOURCES_MAX || runtime_throttle_clear(rt, 7) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t file[RECORD_SIZE] = { 0 };
	size_t len = size < sizeof(file) ? size : sizeof(file);
	struct process proc;
	struct record rec;
	char text[512];

	begin();
	run_principal(data, size);
	if (size > 0)
		memcpy(file, data, len);
	sign(file, RECORD_SIZE);
	(void)record_decode(file, &rec);
	len = size < sizeof(text) ? size : sizeof(text) - 1;
	if (size > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	(void)process_parse(text, &proc);
	return 0;
}
