/*
 * The tables of the throttle with any bytes in them: what a member of the auth group could
 * write into a user's file, and damage in the sources' one. However they look, an attempt
 * is begun and ended or refused, failures that follow are counted, and nothing is read or
 * written beside the table.
 */
#include "common/base/base.h"
#include "common/runtime/internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define UID 7
#define NOW 100000
#define SOURCES_HEAD 16 /* magic, and a word that is 0 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct runtime *rt;
static char dir[] = "/tmp/fuzz_throttle.XXXXXX";
static int principal_fd = -1, sources_fd = -1;

/* Nobody waits here for an attempt that the table says is in flight. */
int
clock_gettime(clockid_t clock, struct timespec *ret)
{
	static int64_t now_s = 1000;

	if (clock != CLOCK_BOOTTIME)
		return (int)syscall(SYS_clock_gettime, clock, ret);
	now_s += RUNTIME_WAIT_S;
	*ret = (struct timespec){ .tv_sec = (time_t)now_s };
	return 0;
}

static int
open_in(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, O_WRONLY | O_CLOEXEC);
}

static void
end(void)
{
	static const char *const names[] = { "principal.7", "sources", "epoch", "" };
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
	if (rt != NULL)
		return;
	if (mkdtemp(dir) == NULL)
		abort();
	atexit(end);
	if (runtime_open(dir, getegid(), &rt) != 0 ||
	    runtime_user_prepare(rt, UID) != 0 ||
	    runtime_source_failed(rt, 1, NOW) != 0 ||
	    (principal_fd = open_in("principal.7")) < 0 ||
	    (sources_fd = open_in("sources")) < 0)
		abort();
}

/* The same bytes again and again, up to the end of the file. */
static void
fill(int fd, off_t from, off_t to, const uint8_t *data, size_t size)
{
	off_t at, n;

	for (at = from; at < to && size > 0; at += n) {
		n = to - at < (off_t)size ? to - at : (off_t)size;
		if (pwrite(fd, data, (size_t)n, at) != n)
			abort();
	}
}

static void
run_user(uint64_t source)
{
	const struct runtime_limits limits = { 1000000, 60 };
	struct runtime_throttle list[RUNTIME_SOURCES_MAX];
	struct runtime_attempt a;
	bool begun, known;
	uint32_t all;
	unsigned n;

	if (runtime_attempt_begin(rt, UID, source, NOW, &limits, &begun, &a) != 0)
		abort();
	if (begun && runtime_attempt_end(rt, &a, RUNTIME_FAILED, NOW, NULL) != 0)
		abort();
	if (runtime_throttle_list(rt, UID, NOW, &limits, list, &n, &all) != 0 ||
	    n > RUNTIME_SOURCES_MAX || runtime_event_allowed(rt, UID, NOW, &known) != 0)
		abort();
	if (runtime_attempt_begin(rt, UID, source, NOW, &limits, &begun, &a) != 0 ||
	    (begun && runtime_attempt_end(rt, &a, RUNTIME_PROVED, NOW, &all) != 0) ||
	    runtime_source_known(rt, UID, source, &known) != 0 || (begun && !known))
		abort();
	if (runtime_throttle_clear(rt, UID) != 0)
		abort();
}

static void
run_source(uint64_t source)
{
	const struct runtime_limits none = { 0, 60 };
	bool allowed;

	if (runtime_source_ask(rt, source, NOW, &none, &allowed) != 0 ||
	    runtime_source_failed(rt, source, NOW) != 0 ||
	    runtime_source_ask(rt, source, NOW, &none, &allowed) != 0 || allowed ||
	    runtime_source_proved(rt, source, NOW) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t source = 0;

	begin();
	memcpy(&source, data, size < sizeof(source) ? size : sizeof(source));
	source |= 1; /* never 0 */
	fill(principal_fd, 2 * 8, PRINCIPAL_SIZE, data, size);
	fill(sources_fd, SOURCES_HEAD, 2050 * 8, data, size);
	run_user(source);
	run_source(source);
	run_source(UINT64_C(0x1c6336407));
	return 0;
}
