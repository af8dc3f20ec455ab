#include "common/base/base.h"

#include "common/base/utf8.h"

/* Lead byte: how many bytes follow, and the range of the first of them
 * (Unicode 15, table 3-7, well-formed byte sequences). */
struct lead {
	uint8_t from, to, more, low, high;
};

static const struct lead leads[] = {
	{ 0xc2, 0xdf, 1, 0x80, 0xbf }, { 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf }, { 0xed, 0xed, 2, 0x80, 0x9f },
	{ 0xee, 0xef, 2, 0x80, 0xbf }, { 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf }, { 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static const struct lead *
lead_of(uint8_t c)
{
	size_t i;

	for (i = 0; i < IAM_COUNT(leads); i++) {
		if (c >= leads[i].from && c <= leads[i].to)
			return &leads[i];
	}
	return NULL;
}

size_t
utf8_next(const char *p, size_t len, uint32_t *ret)
{
	const uint8_t *u = (const uint8_t *)p;
	const struct lead *l;
	uint32_t cp;
	size_t i;

	*ret = u[0];
	if (u[0] < 0x80)
		return 1;
	*ret = UINT32_MAX;
	if ((l = lead_of(u[0])) == NULL)
		return 1;
	cp = u[0] & (0x3fu >> l->more);
	for (i = 1; i <= l->more; i++) {
		if (i == len || u[i] < (i == 1 ? l->low : 0x80) ||
		    u[i] > (i == 1 ? l->high : 0xbf))
			return i;
		cp = cp << 6 | (u[i] & 0x3f);
	}
	*ret = cp;
	return i;
}

bool
utf8_harmful(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x061c ||
	    cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}
