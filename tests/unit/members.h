/* The members of a group that was found in a snapshot, for tests. */
#ifndef IAM_TESTS_MEMBERS_H
#define IAM_TESTS_MEMBERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/base.h"
#include "common/snapshot/accounts.h"

/* As text; owned (buf_release). */
static inline struct buf
members_of(const struct snap_group *g)
{
	struct buf b = BUF_INIT;

	assert_int_equal(snap_group_members(g, &b), 0);
	assert_int_equal(b.len, g->members_len);
	return b;
}

static inline void
assert_members(const struct snap_group *g, const void *names, size_t len)
{
	struct buf b = members_of(g);

	assert_int_equal(b.len, len);
	assert_memory_equal(buf_cstr(&b), names, len);
	buf_release(&b);
}

#endif
