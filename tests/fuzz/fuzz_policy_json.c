/* A policy document: any bytes, as every kind. What is accepted must open,
 * decide and explain. */
#include "common/base/base.h"

#include <assert.h>

#include "common/policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(const struct buf *b, bool resource)
{
	static const struct pol_value now = { "2026-11-24T09:30:00Z", 20 };
	static const struct pol_value names[2] = { { "alice", 5 }, { "*", 1 } };
	const struct pol_key keys[2] = { { "aws:CurrentTime", &now, 1, false },
		{ "aws:username", names, 1 + (size_t)resource, resource } };
	const struct pol_request req = { .principal = "arn:aws:iam::123456789012:user/alice",
		.action = "s3:GetObject", .resource = "arn:aws:s3:::box/alice", .keys = keys,
		.key_count = 2 };
	static struct pol_explanation x;
	struct pol_source src = { .name = "fuzz" };
	struct pol_set set = { .identity = { &src, 1 } };

	assert(pol_open(b->p, b->len, &src.doc) == 0);
	if (resource)
		set = (struct pol_set){ .resource = &src };
	assert(pol_explain(&set, &req, &x) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct buf b = BUF_INIT;
	struct pol_findings f;
	int kind, r;

	for (kind = POL_IDENTITY; kind <= POL_TRUST; kind++) {
		r = pol_compile(text, size, (enum pol_kind)kind, NULL, &f, &b);
		assert(r == 0 || f.n > 0);
		if (r == 0)
			ask(&b, kind != POL_IDENTITY);
		pol_findings_release(&f);
		buf_release(&b);
	}
	return 0;
}
