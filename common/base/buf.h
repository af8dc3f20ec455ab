/*
 * A growing byte buffer for building records, and a cursor for reading them.
 *
 * Both keep the first error and turn later calls into no-ops, so that a record
 * is written or read straight through and checked once at the end. Numbers are
 * little-endian on every machine. Not shared between threads without a lock;
 * no global state, so safe after fork.
 */
#ifndef IAM_BASE_BUF_H
#define IAM_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#define BUF_SIZE_MAX ((size_t)1 << 31)

struct buf {
	uint8_t *p; /* always followed by a NUL that len does not count, once allocated */
	size_t len;
	size_t cap;
	int err; /* 0, IAM_ERR_MEMORY or IAM_ERR_LIMIT: the first one stays */
};
#define BUF_INIT { NULL, 0, 0, 0 }

/* Wipes the bytes and frees them; the struct is BUF_INIT again. */
void buf_release(struct buf *b);
/* Forget the content, keep the memory (wiped) and clear the error. */
void buf_reset(struct buf *b);

/* Room for more bytes, so that what follows does not move what is there. */
void buf_reserve(struct buf *b, size_t more);
void buf_put(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s); /* without its NUL */
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* u32 length, the bytes, a NUL: read back by rd_str as a C string in place.
 * A NULL is written as length UINT32_MAX and read back as NULL. */
void buf_str(struct buf *b, const char *s);
/* u32 length, the bytes. */
void buf_blob(struct buf *b, const void *data, size_t len);
/* Zero bytes until len is a multiple of n, a power of two. */
void buf_align(struct buf *b, size_t n);
/* Overwrite 4 bytes at off, which must have been written; else IAM_ERR_BUG. */
void buf_patch_u32(struct buf *b, size_t off, uint32_t v);
/* The content as a C string: "" when empty. Borrowed until the next change. */
const char *buf_cstr(const struct buf *b);
/* The content as a C string on the heap, owned by the caller (free); NULL when
 * an error was kept or memory is short. The buffer is empty afterwards. */
char *buf_steal(struct buf *b);

struct rd {
	const uint8_t *p;
	size_t len; /* what is left */
	int err;    /* 0 or IAM_ERR_FORMAT */
};

void rd_init(struct rd *r, const void *data, size_t len);
uint8_t rd_u8(struct rd *r);   /* 0 on error, as the others */
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* A string written by buf_str: borrowed from the input, NUL-terminated, without
 * inner NULs (checked). NULL when NULL was written, and on error. */
const char *rd_str(struct rd *r);
/* Like rd_str, but NULL is an error as well: "" then. */
const char *rd_str_must(struct rd *r);
/* Bytes written by buf_blob; borrowed. NULL and 0 on error. */
const uint8_t *rd_blob(struct rd *r, size_t *ret_len);
/* Exactly len raw bytes; borrowed. NULL on error. */
const uint8_t *rd_bytes(struct rd *r, size_t len);
/* r->err, or IAM_ERR_FORMAT when bytes are left over. */
int rd_end(const struct rd *r);

#endif
