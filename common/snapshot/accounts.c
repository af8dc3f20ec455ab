#include "common/base/base.h"
#include "common/snapshot/accounts.h"
#include "common/snapshot/internal.h"

#define HEAD SNAP_INSIDE_NAME /* of both records, before the name */
#define LOW UINT64_C(0x0101010101010101)
#define HIGH (LOW * 0x80)
/* In the cursor of a walk through groups: those of the users have begun. */
#define PRIVATE_GROUPS (UINT64_C(1) << 63)

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

/* 0x80 in each byte that is zero. */
static uint64_t
zero_bytes(uint64_t v)
{
	return ~((((v & ~HIGH) + ~HIGH) | v) | ~HIGH);
}

/* Eight bytes: not 0 when one is no part of a field, NULs aside; *nuls is less
 * by those. */
static inline uint64_t
bad_bytes(uint64_t v, int *nuls)
{
	uint64_t zero = zero_bytes(v);

	*nuls -= (int)(((zero >> 7) * LOW) >> 56);
	v |= zero >> 1; /* no more than another letter */
	return ((v - LOW * 0x20) & ~v & HIGH) | zero_bytes(v ^ LOW * 0x7f) |
	    zero_bytes(v ^ LOW * ':');
}

/* Are len bytes fields, of which nuls are NULs? At once: every look-up asks. */
static bool
are_fields(const uint8_t *p, size_t len, int nuls)
{
	uint64_t v, bad = 0;

	for (; len >= sizeof(v); p += sizeof(v), len -= sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		bad |= bad_bytes(v, &nuls);
	}
	v = LOW * 'x';
	memcpy(&v, p, len);
	return (bad | bad_bytes(v, &nuls)) == 0 && nuls == 0;
}

static void
fail(struct buf *b, int err)
{
	if (b->err == 0)
		b->err = err;
}

static bool
user_ok(const struct snap_user *u)
{
	return u->uid != 0 && u->gid != 0 && name_is_unix(u->name) &&
	    u->home[0] == '/' && (u->shell[0] == '/' || u->shell[0] == '\0') &&
	    (!u->private_group || u->gid == u->uid);
}

void
snap_user_encode(const struct snap_user *u, struct buf *b)
{
	const char *text[4] = { u->name, u->gecos, u->home, u->shell };
	size_t i;

	for (i = 0; i < IAM_COUNT(text); i++) {
		if (text[i] == NULL || strlen(text[i]) > UINT16_MAX ||
		    !is_field(text[i])) {
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
	buf_u8(b, (uint8_t)strlen(u->name));
	buf_u8(b, u->private_group);
	for (i = 1; i < IAM_COUNT(text); i++)
		buf_u16(b, (uint16_t)strlen(text[i]));
	for (i = 0; i < IAM_COUNT(text); i++)
		buf_put(b, text[i], strlen(text[i]) + 1);
}

int
snap_user_decode(struct snap_bytes in, struct snap_user *ret)
{
	size_t name, gecos, home, shell;
	const uint8_t *p = in.p;
	struct snap_user u;

	if (in.len < HEAD || p[9] > 1)
		return IAM_ERR_FORMAT;
	name = (size_t)p[8] + 1;
	gecos = (size_t)snap_get16(p + 10) + 1;
	home = (size_t)snap_get16(p + 12) + 1;
	shell = (size_t)snap_get16(p + 14) + 1;
	u.text_len = name + gecos + home + shell;
	if (u.text_len != in.len - HEAD ||
	    !are_fields(p + HEAD, u.text_len, 4))
		return IAM_ERR_FORMAT;
	u.uid = snap_get32(p);
	u.gid = snap_get32(p + 4);
	u.private_group = p[9] != 0;
	u.name = (const char *)p + HEAD;
	u.gecos = u.name + name;
	u.home = u.gecos + gecos;
	u.shell = u.home + home;
	/* With these, the four NULs are where they have to be. */
	if (u.gecos[-1] != '\0' || u.home[-1] != '\0' || u.shell[-1] != '\0' ||
	    u.shell[shell - 1] != '\0' || !user_ok(&u))
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
	const char *p;

	if (g->gid == 0 || g->name == NULL || !name_is_unix(g->name) ||
	    g->members_len > SNAP_VALUE_MAX / 2 ||
	    !members_ok(g->members, g->members_len, g->member_count)) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	buf_u32(b, g->gid);
	buf_u32(b, g->member_count);
	buf_u8(b, (uint8_t)strlen(g->name));
	buf_put(b, "\0\0", 3);
	buf_u32(b, (uint32_t)g->members_len);
	buf_put(b, g->name, strlen(g->name) + 1);
	buf_put(b, g->members, g->members_len);
	for (p = g->members; p < g->members + g->members_len; p += strlen(p) + 1)
		buf_u8(b, (uint8_t)strlen(p));
}

/* All but the members. */
static int
group_view(struct snap_bytes in, struct snap_group *ret)
{
	const uint8_t *p = in.p;
	struct snap_group g;
	size_t name;

	if (in.len < HEAD || memcmp(p + 9, "\0\0", 3) != 0)
		return IAM_ERR_FORMAT;
	name = (size_t)p[8] + 1;
	g.gid = snap_get32(p);
	g.member_count = snap_get32(p + 4);
	g.members_len = snap_get32(p + 12);
	if ((uint64_t)HEAD + name + g.members_len + g.member_count != in.len)
		return IAM_ERR_FORMAT;
	g.name = (const char *)p + HEAD;
	g.members = g.name + name;
	g.member_lens = p + HEAD + name + g.members_len;
	if (g.gid == 0 || g.members[-1] != '\0' || !name_is_unix(g.name) ||
	    strlen(g.name) != name - 1 || (g.members_len > 0 &&
	    g.members[g.members_len - 1] != '\0'))
		return IAM_ERR_FORMAT;
	*ret = g;
	return 0;
}

int
snap_group_decode(struct snap_bytes in, struct snap_group *ret)
{
	struct snap_group g;
	const char *p;
	uint32_t i;
	int r;

	if ((r = group_view(in, &g)) != 0)
		return r;
	if (!members_ok(g.members, g.members_len, g.member_count))
		return IAM_ERR_FORMAT;
	for (i = 0, p = g.members; i < g.member_count; i++, p += strlen(p) + 1) {
		if (g.member_lens[i] != strlen(p))
			return IAM_ERR_FORMAT;
	}
	*ret = g;
	return 0;
}

static void
group_of_user(const struct snap_user *u, struct snap_group *ret)
{
	*ret = (struct snap_group){ .gid = u->uid, .name = u->name,
		.members = "", .member_lens = (const uint8_t *)"" };
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
	struct snap_user u;
	bool found;
	int r;

	*ret_found = false;
	r = find_name(s, SNAP_GROUP_NAME, name, &found, &v);
	if (r == 0 && found)
		r = group_view(v, &g);
	else if (r == 0 && (r = snap_user_by_name(s, name, &found, &u)) == 0 &&
	    found && (found = u.private_group))
		group_of_user(&u, &g);
	if (r != 0 || !found)
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
	struct snap_user u;
	bool found;
	int r;

	*ret_found = false;
	r = find_id(s, SNAP_GROUP_GID, gid, &found, &v);
	if (r == 0 && found)
		r = group_view(v, &g);
	else if (r == 0 && (r = snap_user_by_uid(s, gid, &found, &u)) == 0 &&
	    found && (found = u.private_group))
		group_of_user(&u, &g);
	if (r != 0 || !found)
		return r;
	if (g.gid != gid)
		return IAM_ERR_FORMAT;
	*ret = g;
	*ret_found = true;
	return 0;
}

int
snap_user_next(const struct snap *s, uint64_t *cursor, bool *ret_found,
    struct snap_user *ret)
{
	struct snap_bytes v;
	int r;

	r = snap_next(s, SNAP_USER_NAME, cursor, ret_found, NULL, &v);
	if (r == 0 && *ret_found && (r = snap_user_decode(v, ret)) != 0)
		*ret_found = false;
	return r;
}

/* Those with a record, then those of the users. */
int
snap_group_next(const struct snap *s, uint64_t *cursor, bool *ret_found,
    struct snap_group *ret)
{
	uint64_t at = *cursor & ~PRIVATE_GROUPS;
	struct snap_bytes v;
	struct snap_user u;
	int r;

	*ret_found = false;
	if ((*cursor & PRIVATE_GROUPS) == 0) {
		r = snap_next(s, SNAP_GROUP_NAME, &at, ret_found, NULL, &v);
		if (r == 0 && *ret_found && (r = group_view(v, ret)) != 0)
			*ret_found = false;
		*cursor = at;
		if (r != 0 || *ret_found)
			return r;
		at = 0;
	}
	do {
		if ((r = snap_user_next(s, &at, ret_found, &u)) != 0)
			return r;
	} while (*ret_found && !u.private_group);
	if (*ret_found)
		group_of_user(&u, ret);
	*cursor = at | PRIVATE_GROUPS;
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

/* ---- subordinate ids ---- */

/* Whole ranges above what others use: see settings_range_ok for whom. */
static bool
subids_ok(const struct snap_subids *r)
{
	return r->uid != 0 && name_is_unix(r->owner) &&
	    r->count == IAM_SUBID_COUNT && r->start % IAM_SUBID_COUNT == 0 &&
	    r->start > 1879048191u && r->start <= UINT32_MAX - 2 * IAM_SUBID_COUNT + 1;
}

void
snap_subids_key(uint32_t start, char ret[SNAP_SUBIDS_KEY_MAX])
{
	snprintf(ret, SNAP_SUBIDS_KEY_MAX, "#%u", start);
}

void
snap_subids_encode(const struct snap_subids *r, struct buf *b)
{
	if (r->owner == NULL || !subids_ok(r)) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	buf_u32(b, r->uid);
	buf_u32(b, r->start);
	buf_u32(b, r->count);
	buf_u32(b, (uint32_t)strlen(r->owner));
	buf_put(b, r->owner, strlen(r->owner) + 1);
}

int
snap_subids_decode(struct snap_bytes in, struct snap_subids *ret)
{
	struct snap_subids v;
	const uint8_t *name;
	uint32_t len;
	struct rd r;

	rd_init(&r, in.p, in.len);
	v.uid = rd_u32(&r);
	v.start = rd_u32(&r);
	v.count = rd_u32(&r);
	len = rd_u32(&r);
	if (len > IAM_UNIX_NAME_MAX || (name = rd_bytes(&r, len + 1)) == NULL ||
	    memchr(name, '\0', len + 1) != name + len || rd_end(&r) != 0)
		return IAM_ERR_FORMAT;
	v.owner = (const char *)name;
	if (!subids_ok(&v))
		return IAM_ERR_FORMAT;
	*ret = v;
	return 0;
}

int
snap_subids_by_owner(const struct snap *s, const char *name, bool *ret_found,
    struct snap_subids *ret)
{
	struct snap_bytes v;
	int r;

	*ret_found = false;
	r = find_name(s, SNAP_SUBIDS, name, ret_found, &v);
	if (r == 0 && *ret_found && ((r = snap_subids_decode(v, ret)) != 0 ||
	    strcmp(ret->owner, name) != 0))
		r = IAM_ERR_FORMAT;
	if (r != 0)
		*ret_found = false;
	return r;
}

int
snap_subids_by_id(const struct snap *s, uint32_t id, bool *ret_found,
    struct snap_subids *ret)
{
	uint32_t start = id - id % IAM_SUBID_COUNT;
	char key[SNAP_SUBIDS_KEY_MAX];
	struct snap_bytes v;
	int r;

	snap_subids_key(start, key);
	r = find_name(s, SNAP_SUBIDS, key, ret_found, &v);
	if (r == 0 && *ret_found && ((r = snap_subids_decode(v, ret)) != 0 ||
	    ret->start != start))
		r = IAM_ERR_FORMAT;
	if (r != 0)
		*ret_found = false;
	return r;
}
