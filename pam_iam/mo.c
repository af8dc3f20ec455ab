#include "common/base/base.h"
#include "pam_iam/mo.h"

#include <string.h>

#define MO_MAGIC 0x950412deU
#define MO_HEADER 20

struct mo {
	const uint8_t *p;
	size_t len;
};

static uint32_t
number(const struct mo *mo, size_t off)
{
	struct rd rd;

	if (off > mo->len)
		return 0;
	rd_init(&rd, mo->p + off, mo->len - off);
	return rd_u32(&rd);
}

/* The i-th text of a table: in bounds and with its NUL, or NULL. */
static const char *
entry(const struct mo *mo, uint32_t table, uint32_t i)
{
	size_t at = (size_t)table + (size_t)i * 8;
	size_t len, off;

	if (at > mo->len || mo->len - at < 8)
		return NULL;
	len = number(mo, at);
	off = number(mo, at + 4);
	if (off >= mo->len || len >= mo->len - off || mo->p[off + len] != '\0')
		return NULL;
	return (const char *)mo->p + off;
}

/* Do both take the same arguments, in the same order? */
static bool
same_directives(const char *a, const char *b)
{
	size_t n;

	for (;;) {
		a = strchrnul(a, '%');
		b = strchrnul(b, '%');
		if (*a == '\0' || *b == '\0')
			return *a == *b;
		n = 1 + strspn(a + 1, "0123456789.*-+ #hlz") + 1;
		if (strncmp(a, b, n) != 0)
			return false;
		a += strnlen(a, n);
		b += strnlen(b, n);
	}
}

const char *
mo_find(const void *data, size_t len, const char *msgid)
{
	const struct mo catalogue = { data, len }, *mo = &catalogue;
	uint32_t count, originals, translations, i;
	const char *s;

	if (mo->len < MO_HEADER || number(mo, 0) != MO_MAGIC ||
	    number(mo, 4) >> 16 != 0)
		return msgid;
	count = number(mo, 8);
	originals = number(mo, 12);
	translations = number(mo, 16);
	for (i = 0; i < count && i < mo->len / 8; i++) {
		s = entry(mo, originals, i);
		if (s == NULL || strcmp(s, msgid) != 0)
			continue;
		s = entry(mo, translations, i);
		return s != NULL && s[0] != '\0' && same_directives(msgid, s) ? s :
		    msgid;
	}
	return msgid;
}

