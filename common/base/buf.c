#include "common/base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
grow(struct buf *b, size_t more)
{
	size_t need, cap;
	uint8_t *p;

	if (b->err != 0)
		return false;
	if (more > BUF_SIZE_MAX || b->len > BUF_SIZE_MAX - more) {
		b->err = IAM_ERR_LIMIT;
		return false;
	}
	need = b->len + more + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap < 128 ? 128 : b->cap;
	while (cap < need)
		cap += cap / 2 + 1;
	/* Not realloc: the bytes may be secret, and the old block must be wiped. */
	if ((p = malloc(cap)) == NULL) {
		b->err = IAM_ERR_MEMORY;
		return false;
	}
	if (b->len > 0)
		memcpy(p, b->p, b->len);
	if (b->p != NULL) {
		explicit_bzero(b->p, b->cap);
		free(b->p);
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void
buf_release(struct buf *b)
{
	if (b->p != NULL) {
		explicit_bzero(b->p, b->cap);
		free(b->p);
	}
	*b = (struct buf)BUF_INIT;
}

void
buf_reset(struct buf *b)
{
	/* Behind len there has never been anything. */
	if (b->p != NULL)
		explicit_bzero(b->p, b->len);
	b->len = 0;
	b->err = 0;
}

void
buf_reserve(struct buf *b, size_t more)
{
	(void)grow(b, more);
}

void
buf_put(struct buf *b, const void *data, size_t len)
{
	if ((b->err != 0 || len >= b->cap - b->len) && !grow(b, len))
		return;
	if (len > 0)
		memcpy(b->p + b->len, data, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !grow(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

static void
put_le(struct buf *b, uint64_t v, size_t n)
{
	uint8_t raw[8];
	size_t i;

	for (i = 0; i < n; i++)
		raw[i] = (uint8_t)(v >> (8 * i));
	buf_put(b, raw, n);
}

void
buf_u8(struct buf *b, uint8_t v)
{
	put_le(b, v, 1);
}

void
buf_u16(struct buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void
buf_u32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void
buf_str(struct buf *b, const char *s)
{
	size_t len;

	if (s == NULL) {
		buf_u32(b, UINT32_MAX);
		return;
	}
	len = strlen(s);
	if (len >= BUF_SIZE_MAX) {
		b->err = b->err != 0 ? b->err : IAM_ERR_LIMIT;
		return;
	}
	buf_u32(b, (uint32_t)len);
	buf_put(b, s, len + 1);
}

void
buf_blob(struct buf *b, const void *data, size_t len)
{
	if (len >= BUF_SIZE_MAX) {
		b->err = b->err != 0 ? b->err : IAM_ERR_LIMIT;
		return;
	}
	buf_u32(b, (uint32_t)len);
	buf_put(b, data, len);
}

void
buf_align(struct buf *b, size_t n)
{
	static const uint8_t zero[64];
	size_t rest = b->len & (n - 1);

	if (n > sizeof(zero))
		b->err = b->err != 0 ? b->err : IAM_ERR_BUG;
	else if (rest != 0)
		buf_put(b, zero, n - rest);
}

void
buf_patch_u32(struct buf *b, size_t off, uint32_t v)
{
	size_t i;

	if (b->err != 0)
		return;
	if (off > b->len || b->len - off < 4) {
		b->err = IAM_ERR_BUG;
		return;
	}
	for (i = 0; i < 4; i++)
		b->p[off + i] = (uint8_t)(v >> (8 * i));
}

const char *
buf_cstr(const struct buf *b)
{
	return b->p == NULL ? "" : (const char *)b->p;
}

char *
buf_steal(struct buf *b)
{
	char *s;

	buf_put(b, "", 0); /* an empty buffer still gives a string */
	if (b->err != 0) {
		buf_release(b);
		return NULL;
	}
	s = (char *)b->p;
	*b = (struct buf)BUF_INIT;
	return s;
}

void
rd_init(struct rd *r, const void *data, size_t len)
{
	r->p = data;
	r->len = len;
	r->err = 0;
}

const uint8_t *
rd_bytes(struct rd *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->err != 0 || len > r->len) {
		r->err = IAM_ERR_FORMAT;
		return NULL;
	}
	r->p += len;
	r->len -= len;
	return p;
}

static uint64_t
get_le(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

uint8_t
rd_u8(struct rd *r)
{
	return (uint8_t)get_le(r, 1);
}

uint16_t
rd_u16(struct rd *r)
{
	return (uint16_t)get_le(r, 2);
}

uint32_t
rd_u32(struct rd *r)
{
	return (uint32_t)get_le(r, 4);
}

uint64_t
rd_u64(struct rd *r)
{
	return get_le(r, 8);
}

const char *
rd_str(struct rd *r)
{
	uint32_t len = rd_u32(r);
	const uint8_t *p;

	if (r->err != 0 || len == UINT32_MAX)
		return NULL;
	if (len >= r->len) { /* its NUL must fit as well */
		r->err = IAM_ERR_FORMAT;
		return NULL;
	}
	p = rd_bytes(r, (size_t)len + 1);
	if (p == NULL || memchr(p, '\0', (size_t)len + 1) != p + len) {
		r->err = IAM_ERR_FORMAT;
		return NULL;
	}
	return (const char *)p;
}

const char *
rd_str_must(struct rd *r)
{
	const char *s = rd_str(r);

	if (s == NULL) {
		r->err = IAM_ERR_FORMAT;
		return "";
	}
	return s;
}

const uint8_t *
rd_blob(struct rd *r, size_t *ret_len)
{
	uint32_t len = rd_u32(r);
	const uint8_t *p = rd_bytes(r, len);

	*ret_len = p == NULL ? 0 : len;
	return p;
}

int
rd_end(const struct rd *r)
{
	if (r->err != 0)
		return r->err;
	return r->len == 0 ? 0 : IAM_ERR_FORMAT;
}
