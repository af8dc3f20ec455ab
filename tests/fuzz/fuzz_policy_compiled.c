/*
 * Compiled bytes of anyone: the checksum is made right, so that the evaluator
 * and the explanations see whatever the fuzzer thinks of.
 */
#include "common/base/base.h"

#include "common/policy/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(const struct pol_doc *doc)
{
	static const struct pol_value value = { "2026-11-24T09:30:00Z", 20 };
	static const struct pol_key keys[] = { { "aws:CurrentTime", &value, 1, false },
		{ "aws:username", &value, 1, false } };
	const struct pol_request req = { .principal = "arn:aws:sts::123456789012:assumed-role/Ops/s",
		.action = "s3:GetObject", .resource = "arn:aws:s3:::box/alice", .keys = keys,
		.key_count = IAM_COUNT(keys) };
	static struct pol_explanation x;
	const struct pol_source src = { *doc, "fuzz" };
	struct pol_set set = { .identity = { &src, 1 }, .resource = &src };
	const char *name;
	size_t cursor = 0;

	(void)pol_explain(&set, &req, &x);
	while (pol_key_next(doc, &cursor, &name))
		;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p = malloc(size > 0 ? size : 1);
	struct pol_doc doc;
	uint64_t sum;
	uint32_t len;

	if (p == NULL)
		return 0;
	memcpy(p, data, size);
	if (size >= CF_HEADER) {
		len = htole32((uint32_t)size);
		memcpy(p + 12, &len, sizeof(len));
		sum = htole64(cf_checksum(p + CF_SUM_FROM, size - CF_SUM_FROM));
		memcpy(p + 16, &sum, sizeof(sum));
	}
	if (pol_open(p, size, &doc) == 0)
		ask(&doc);
	free(p);
	return 0;
}
