#include "common/base/base.h"

#include <stdarg.h>
#include <stdio.h>

const char *
iam_strerror(int err)
{
	switch ((enum iam_err)err) {
	case IAM_OK:
		return "no error";
	case IAM_ERR_MEMORY:
		return "out of memory";
	case IAM_ERR_IO:
		return "input or output failed";
	case IAM_ERR_ABSENT:
		return "file not found";
	case IAM_ERR_UNSAFE:
		return "wrong owner, mode or type of file";
	case IAM_ERR_FORMAT:
		return "damaged or not in the expected format";
	case IAM_ERR_VERSION:
		return "unknown format version";
	case IAM_ERR_LIMIT:
		return "a limit was exceeded";
	case IAM_ERR_RANGE:
		return "buffer too small";
	case IAM_ERR_ARG:
		return "invalid argument";
	case IAM_ERR_CRYPTO:
		return "cryptographic failure";
	case IAM_ERR_BUSY:
		return "locked by another process";
	case IAM_ERR_CONFLICT:
		return "changed by someone else";
	case IAM_ERR_BUG:
		return "internal error";
	}
	return "unknown error";
}

void
iam_why_set(struct iam_why *why, unsigned line, unsigned col, const char *fmt,
    ...)
{
	va_list ap;

	if (why == NULL)
		return;
	why->line = line;
	why->col = col;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
}
