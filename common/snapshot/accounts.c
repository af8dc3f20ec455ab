#include "common/base/base.h"
#include "common/snapshot/accounts.h"
#include "common/snapshot/internal.h"

#include <endian.h>
#include <string.h>

#define USER_HEAD 16
#define GROUP_HEAD 16

/* A field of passwd(5): no colon, nothing that breaks a line or a terminal. */
static bool
is_field(const char *s)
{
	const unsigned char *p;

	for (p = (const unsigned char *)s; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f || *p == ':')
			return false;
	}
	return true;
}

static bool
user_ok(const struct snap_user *u)
{
	return u->uid != 0 && u->gid != 0 && name_is_unix(u->name) &&
	    is_field(u->gecos) && is_field(u->home) && is_field(u->shell) &&
	    u->home[0] == '/' && (u->shell[0] == '/' || u->shell[0] == '\0');
}

static void
fail(struct buf *b, int err)
{
	if (b->err == 0)
		b->err = err;
}

void
snap_user_encode(const struct snap_user *u, struct buf *b)
{
	const char *text[4] = { u->name, u->gecos, u->home, u->shell };
	size_t i;

	for (i = 0; i < IAM_COUNT(text); i++) {
		if (text[i] == NULL || strlen(text[i]) > UINT16_MAX) {
			fail(b, IAM_ERR_ARG);
			return;
		}
	}
	if (!user_ok(u)) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	buf_u32(b, u->uid);
	buf_u32(b, u->gid);
	for (i = 0; i < IAM_COUNT(text); i++)
		buf_u16(b, (uint16_t)strlen(text[i]));
	for (i = 0; i < IAM_COUNT(text); i++)
		buf_put(b, text[i], strlen(text[i]) + 1);
}

/* len bytes and a NUL, and no other NUL. */
static const char *
take_text(struct rd *r, size_t len)
{
	const uint8_t *p = rd_bytes(r, len + 1);

	if (p == NULL || memchr(p, '\0', len + 1) != p + len) {
		r->err = IAM_ERR_FORMAT;
		return "";
	}
	return (const char *)p;
}

int
snap_user_decode(struct snap_bytes in, struct snap_user *ret)
{
	const char **text[4];
	struct snap_user u;
	uint16_t len[4];
	struct rd r;
	size_t i;

	text[0] = &u.name;
	text[1] = &u.gecos;
	text[2] = &u.home;
	text[3] = &u.shell;
	rd_init(&r, in.p, in.len);
	u.uid = rd_u32(&r);
	u.gid = rd_u32(&r);
	for (i = 0; i < IAM_COUNT(text); i++)
		len[i] = rd_u16(&r);
	for (i = 0; i < IAM_COUNT(text); i++)
		*text[i] = take_text(&r, len[i]);
	if (rd_end(&r) != 0 || !user_ok(&u))
		return IAM_ERR_FORMAT;
	*ret = u;
	return 0;
}

/* Exactly count Unix names, each with its NUL, in len bytes? */
static bool
members_ok(const char *p, size_t len, uint32_t count)
{
	const char *end = p + len;
	uint32_t n;

	for (n = 0; p < end; n++) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));

		if (nul == NULL || nul - p > IAM_UNIX_NAME_MAX ||
		    !name_is_unix(p))
			return false;
		p = nul + 1;
	}
	return n == count;
}

void
snap_group_encode(const struct snap_group *g, struct buf *b)
{
	if (g->gid == 0 || g->name == NULL || !name_is_unix(g->name) ||
	    g->members_len > SNAP_VALUE_MAX / 2 ||
	    !members_ok(g->members, g->members_len, g->member_count)) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	buf_u32(b, g->gid);
	buf_u32(b, g->member_count);
	buf_u32(b, (uint32_t)strlen(g->name));
	buf_u32(b, (uint32_t)g->members_len);
	buf_put(b, g->name, strlen(g->name) + 1);
	buf_put(b, g->members, g->members_len);
}

int
snap_group_decode(struct snap_bytes in, struct snap_group *ret)
{
	struct snap_group g;
	const uint8_t *members;
	uint32_t name_len;
	struct rd r;

	rd_init(&r, in.p, in.len);
	g.gid = rd_u32(&r);
	g.member_count = rd_u32(&r);
	name_len = rd_u32(&r);
	g.members_len = rd_u32(&r);
	if (name_len > IAM_UNIX_NAME_MAX)
		return IAM_ERR_FORMAT;
	g.name = take_text(&r, name_len);
	members = rd_bytes(&r, g.members_len);
	g.members = (const char *)members;
	if (rd_end(&r) != 0 || g.gid == 0 || !name_is_unix(g.name) ||
	    !members_ok(g.members, g.members_len, g.member_count))
		return IAM_ERR_FORMAT;
	*ret = g;
	return 0;
}

static int
find_name(const struct snap *s, enum snap_table t, const char *name,
    bool *ret_found, struct snap_bytes *ret)
{
	return snap_find(s, t, name, strlen(name), ret_found, ret);
}

static int
find_id(const struct snap *s, enum snap_table t, uint32_t id, bool *ret_found,
    struct snap_bytes *ret)
{
	uint32_t key = htole32(id);

	return snap_find(s, t, &key, sizeof(key), ret_found, ret);
}

/* What a look-up finds must be about what was asked for: anything else is
 * damage, not an answer. */
int
snap_user_by_name(const struct snap *s, const char *name, bool *ret_found,
    struct snap_user *ret)
{
	struct snap_bytes v;
	struct snap_user u;
	bool found;
	int r;

	*ret_found = false;
	r = find_name(s, SNAP_USER_NAME, name, &found, &v);
	if (r != 0 || !found)
		return r;
	if ((r = snap_user_decode(v, &u)) != 0)
		return r;
	if (strcmp(u.name, name) != 0)
		return IAM_ERR_FORMAT;
	*ret = u;
	*ret_found = true;
	return 0;
}

int
snap_user_by_uid(const struct snap *s, uint32_t uid, bool *ret_found,
    struct snap_user *ret)
{
	struct snap_bytes v;
	struct snap_user u;
	bool found;
	int r;

	*ret_found = false;
	r = find_id(s, SNAP_USER_UID, uid, &found, &v);
	if (r != 0 || !found)
		return r;
	if ((r = snap_user_decode(v, &u)) != 0)
		return r;
	if (u.uid != uid)
		return IAM_ERR_FORMAT;
	*ret = u;
	*ret_found = true;
	return 0;
}

int
snap_group_by_name(const struct snap *s, const char *name, bool *ret_found,
    struct snap_group *ret)
{
	struct snap_bytes v;
	struct snap_group g;
	bool found;
	int r;

	*ret_found = false;
	r = find_name(s, SNAP_GROUP_NAME, name, &found, &v);
	if (r != 0 || !found)
		return r;
	if ((r = snap_group_decode(v, &g)) != 0)
		return r;
	if (strcmp(g.name, name) != 0)
		return IAM_ERR_FORMAT;
	*ret = g;
	*ret_found = true;
	return 0;
}

int
snap_group_by_gid(const struct snap *s, uint32_t gid, bool *ret_found,
    struct snap_group *ret)
{
	struct snap_bytes v;
	struct snap_group g;
	bool found;
	int r;

	*ret_found = false;
	r = find_id(s, SNAP_GROUP_GID, gid, &found, &v);
	if (r != 0 || !found)
		return r;
	if ((r = snap_group_decode(v, &g)) != 0)
		return r;
	if (g.gid != gid)
		return IAM_ERR_FORMAT;
	*ret = g;
	*ret_found = true;
	return 0;
}

int
snap_member_of(const struct snap *s, const char *name, bool *ret_found,
    const uint32_t **ret_gids, size_t *ret_count)
{
	struct snap_bytes v;
	bool found;
	int r;

	*ret_found = false;
	r = find_name(s, SNAP_MEMBER_OF, name, &found, &v);
	if (r != 0 || !found)
		return r;
	if (v.len % sizeof(uint32_t) != 0)
		return IAM_ERR_FORMAT;
	*ret_gids = (const uint32_t *)(const void *)v.p;
	*ret_count = v.len / sizeof(uint32_t);
	*ret_found = true;
	return 0;
}

int
snap_ssh_keys(const struct snap *s, const char *name, bool *ret_found,
    const char **ret_text, size_t *ret_len)
{
	struct snap_bytes v;
	bool found;
	int r;

	*ret_found = false;
	r = find_name(s, SNAP_SSH_KEYS, name, &found, &v);
	if (r != 0 || !found)
		return r;
	if (v.len > 0 && (v.p[v.len - 1] != '\n' ||
	    memchr(v.p, '\0', v.len) != NULL))
		return IAM_ERR_FORMAT;
	*ret_text = (const char *)v.p;
	*ret_len = v.len;
	*ret_found = true;
	return 0;
}
