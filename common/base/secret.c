#include "common/base/base.h"

#include <stdlib.h>
#include <string.h>

int
secret_set(struct secret *s, const void *data, size_t len)
{
	uint8_t *p;

	if (len >= BUF_SIZE_MAX)
		return IAM_ERR_LIMIT;
	if ((p = malloc(len + 1)) == NULL) {
		secret_release(s);
		return IAM_ERR_MEMORY;
	}
	if (len > 0)
		memcpy(p, data, len); /* data may be a part of the old content */
	p[len] = '\0';
	secret_release(s);
	s->p = p;
	s->len = len;
	return 0;
}

void
secret_release(struct secret *s)
{
	if (s->p != NULL) {
		explicit_bzero(s->p, s->len);
		free(s->p);
	}
	*s = (struct secret)SECRET_INIT;
}

const char *
secret_str(const struct secret *s)
{
	return s->p == NULL ? "" : (const char *)s->p;
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;
	size_t i;

	for (i = 0; i < len; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}

void
secret_free_str(char *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, strlen(s));
	free(s);
}
