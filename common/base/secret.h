/*
 * Bytes that must not outlive their use: passwords, codes, seeds.
 *
 * The heap block behind a secret is wiped when released. A secret is never
 * logged, put on a command line or into an environment (SECURITY.md, S9).
 */
#ifndef IAM_BASE_SECRET_H
#define IAM_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct secret {
	uint8_t *p; /* followed by a NUL that len does not count; NULL when empty */
	size_t len;
};
#define SECRET_INIT { NULL, 0 }

/* Copy len bytes; the old content is wiped. IAM_ERR_MEMORY leaves it empty. */
int secret_set(struct secret *s, const void *data, size_t len);
/* Wipe and free; the struct is SECRET_INIT again. NULL content is fine. */
void secret_release(struct secret *s);
/* The content as a C string, "" when empty. Borrowed. */
const char *secret_str(const struct secret *s);
/* Constant-time comparison of two runs of len bytes. */
bool secret_equal(const void *a, const void *b, size_t len);
/* Wipe a C string in place and free it; NULL is fine. For answers of a PAM
 * conversation and the like. */
void secret_free_str(char *s);

#endif
