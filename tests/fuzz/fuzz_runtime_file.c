/* A principal file, a record and a line of /proc/PID/stat, with good checksums. */
#include "common/base/base.h"
#include "common/runtime/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
sign(uint8_t *p, size_t len)
{
	uint64_t sum = rt_sum(p, len - 8);
	size_t i;

	for (i = 0; i < 8; i++)
		p[len - 8 + i] = (uint8_t)(sum >> (8 * i));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t file[PRINCIPAL_SIZE] = { 0 };
	size_t len = size < sizeof(file) ? size : sizeof(file);
	struct principal p;
	struct process proc;
	struct record rec;
	char text[512];
	int newest;

	principal_decode_file(data, size, 7, &p, &newest);
	if (size > 0)
		memcpy(file, data, len);
	sign(file, PRINCIPAL_HALF);
	sign(file + PRINCIPAL_HALF, PRINCIPAL_HALF);
	principal_decode_file(file, sizeof(file), 7, &p, &newest);
	if (newest < -1 || newest > 1 || (newest == -1 && !p.strict))
		abort();
	sign(file, RECORD_SIZE);
	(void)record_decode(file, &rec);
	len = size < sizeof(text) ? size : sizeof(text) - 1;
	if (size > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	(void)process_parse(text, &proc);
	return 0;
}
