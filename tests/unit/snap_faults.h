/* The n-th allocation failing, and a full disk. Each test includes it once and is
 * linked with --wrap of malloc, calloc, reallocarray and write. */
#ifndef TESTS_SNAP_FAULTS_H
#define TESTS_SNAP_FAULTS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

static long fail_at;   /* the n-th allocation fails; 0: none */
static bool disk_full;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m);
void *__real_reallocarray(void *p, size_t n, size_t m);
void *__wrap_reallocarray(void *p, size_t n, size_t m);
ssize_t __real_write(int fd, const void *p, size_t len);
ssize_t __wrap_write(int fd, const void *p, size_t len);

static bool
fails(void)
{
	return fail_at > 0 && --fail_at == 0;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t m)
{
	return fails() ? NULL : __real_calloc(n, m);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t m)
{
	return fails() ? NULL : __real_reallocarray(p, n, m);
}

ssize_t
__wrap_write(int fd, const void *p, size_t len)
{
	if (disk_full) {
		errno = ENOSPC;
		return -1;
	}
	return __real_write(fd, p, len);
}

#endif
