/* Small snapshots for tests. Each test includes it once. */
#ifndef IAM_TESTS_SNAP_FIXTURE_H
#define IAM_TESTS_SNAP_FIXTURE_H

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/base/base.h"
#include "common/snapshot/accounts.h"
#include "tests/unit/members.h"

#define FIRST_ID 2100000000u

static inline void
must_add(struct snap_builder *b, enum snap_table t, const void *key,
    size_t key_len, const void *value, size_t len)
{
	assert_int_equal(snap_builder_add(b, t, key, key_len, value, len), 0);
}

static inline void
add_user(struct snap_builder *b, const struct snap_user *u)
{
	struct buf v = BUF_INIT;
	uint32_t id = htole32(u->uid);

	snap_user_encode(u, &v);
	assert_int_equal(v.err, 0);
	must_add(b, SNAP_USER_NAME, u->name, strlen(u->name), v.p, v.len);
	must_add(b, SNAP_USER_UID, &id, sizeof(id), v.p, v.len);
	buf_release(&v);
}

/* A user "NAME" with home /home/NAME. */
static inline void
add_plain_user(struct snap_builder *b, const char *name, uint32_t uid)
{
	char home[64];
	struct snap_user u = { .uid = uid, .gid = uid, .name = name,
		.gecos = "Some One,,,", .home = home, .shell = "/bin/bash" };

	snprintf(home, sizeof(home), "/home/%s", name);
	add_user(b, &u);
}

/* members: names separated by single spaces. */
static inline void
add_group(struct snap_builder *b, const char *name, uint32_t gid,
    const char *members)
{
	struct snap_group g = { .gid = gid, .name = name };
	struct buf v = BUF_INIT, m = BUF_INIT;
	uint32_t id = htole32(gid);
	size_t i;

	buf_puts(&m, members);
	for (i = 0; i < m.len; i++)
		m.p[i] = m.p[i] == ' ' ? '\0' : m.p[i];
	if (m.len > 0)
		buf_u8(&m, 0);
	for (i = 0; i < m.len; i++)
		g.member_count += m.p[i] == '\0';
	g.members = buf_cstr(&m);
	g.members_len = m.len;
	snap_group_encode(&g, &v);
	assert_int_equal(v.err, 0);
	must_add(b, SNAP_GROUP_NAME, name, strlen(name), v.p, v.len);
	must_add(b, SNAP_GROUP_GID, &id, sizeof(id), v.p, v.len);
	buf_release(&v);
	buf_release(&m);
}

static inline void
add_member_of(struct snap_builder *b, const char *user, const uint32_t *gids,
    size_t count)
{
	struct buf v = BUF_INIT;
	size_t i;

	for (i = 0; i < count; i++)
		buf_u32(&v, gids[i]);
	must_add(b, SNAP_MEMBER_OF, user, strlen(user), buf_cstr(&v), v.len);
	buf_release(&v);
}

static inline struct snap_builder *
new_builder(enum snap_kind kind, uint64_t revision)
{
	struct snap_builder *b = NULL;

	assert_int_equal(snap_builder_new(kind, revision, 1795512600, &b), 0);
	return b;
}

/* Writes and frees. */
static inline void
publish(struct snap_builder *b, const char *path)
{
	assert_int_equal(snap_builder_write(b, path, 0644, (gid_t)-1), 0);
	snap_builder_free(b);
}

#endif
