#include "common/base/base.h"
#include "common/snapshot/accounts.h"
#include "common/snapshot/internal.h"

/* Fixed parts of a user and of a group. */
#define USER_HEAD 12
#define GROUP_HEAD 16
/* Bits beside the number of the shell. */
#define SHELL_MASK 0x1fu
#define NAME_APART 0x20u /* the name is not the end of home */
#define GID_APART 0x40u
#define PRIVATE_GROUP 0x80u

/* Shells that have a number; 0: as text. Numbers stay what they are. */
#define SHELL(text) { sizeof(text) - 1, text }
static const struct {
	uint8_t len;
	char text[23];
} shells[] = {
	SHELL(""), SHELL("/bin/bash"), SHELL("/bin/sh"), SHELL("/usr/bin/bash"),
	SHELL("/usr/sbin/nologin"), SHELL("/sbin/nologin"), SHELL("/bin/false"),
	SHELL("/usr/bin/false"), SHELL("/bin/zsh"), SHELL("/usr/bin/zsh"),
	SHELL("/bin/dash"), SHELL("/usr/bin/fish"), SHELL("/usr/bin/sh"),
};

/* In the cursor of a walk through groups: those of the users have begun. */
#define PRIVATE_GROUPS (UINT64_C(1) << 63)

/* ---- texts ---- */

/* Every look-up and every step of a walk asks this of each text: sixteen bytes at a
 * time, by whatever the machine has for it. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* By pointers: a machine without such registers has no convention to pass them. */
static inline bool
is_none(const bytes16 *v)
{
	uint64_t w[2];

	memcpy(w, v, sizeof(w));
	return (w[0] | w[1]) == 0;
}

/* A field of passwd(5) has no colon, and nothing that breaks a line or a terminal. */
static inline void
bad_in_field(bytes16 *v)
{
	*v = (bytes16)(*v < 0x20) | (bytes16)(*v == 0x7f) | (bytes16)(*v == ':');
}

/* A Unix name, wherever in it. */
static inline void
bad_in_name(bytes16 *v)
{
	*v = ~((bytes16)(*v - 'a' < 26) | (bytes16)(*v - '0' < 10) |
	    (bytes16)(*v == '_') | (bytes16)(*v == '.') | (bytes16)(*v == '-'));
}

/* Of sixteen bytes at p, add what is bad of the last len. */
static inline void
add_bad(bytes16 *all, const char *p, size_t len, void (*bad)(bytes16 *))
{
	static const uint8_t edge[32] = { [16] = 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	bytes16 v, mask;

	memcpy(&v, p, sizeof(v));
	memcpy(&mask, edge + len, sizeof(mask));
	bad(&v);
	*all |= v & mask;
}

/* Add what is bad of len bytes at p. From start on may be looked at. */
static inline void
add_bad_of(bytes16 *all, const char *p, size_t len, const uint8_t *start,
    void (*bad)(bytes16 *))
{
	const char *end = p + len;
	char copy[16];

	for (; end - p > 16; p += 16)
		add_bad(all, p, 16, bad);
	len = (size_t)(end - p);
	if (end - (const char *)start >= 16) {
		add_bad(all, end - 16, len, bad);
		return;
	}
	memcpy(copy + 16 - len, p, len);
	memset(copy, 'x', 16 - len);
	add_bad(all, copy, len, bad);
}

static bool
is_field(const char *p)
{
	bytes16 bad = { 0 };

	add_bad_of(&bad, p, strlen(p), (const uint8_t *)p, bad_in_field);
	return is_none(&bad);
}

/* ---- users ---- */

static void
fail(struct buf *b, int err)
{
	if (b->err == 0)
		b->err = err;
}

static bool
user_ok(const struct snap_user *u)
{
	return u->uid != 0 && u->gid != 0 && u->home[0] == '/' && (u->shell[0] == '/' || u->shell[0] == '\0') &&
	    (!u->private_group || u->gid == u->uid);
}

static bool
fields_ok(const struct snap_user *u)
{
	const char *text[4] = { u->name, u->gecos, u->home, u->shell };
	size_t i;

	for (i = 0; i < IAM_COUNT(text); i++) {
		if (text[i] == NULL || strlen(text[i]) > UINT16_MAX - 512 ||
		    !is_field(text[i]))
			return false;
	}
	return true;
}

static unsigned
shell_number(const char *shell)
{
	unsigned n;

	for (n = IAM_COUNT(shells) - 1; n > 0 && strcmp(shell, shells[n].text) != 0; n--)
		;
	return n;
}

/* Is the name what home ends with, behind a slash? */
static bool
is_end_of(const char *name, const char *home)
{
	size_t name_len = strlen(name), home_len = strlen(home);

	return home_len > name_len && home[home_len - name_len - 1] == '/' &&
	    strcmp(home + home_len - name_len, name) == 0;
}

void
snap_user_encode(const struct snap_user *u, struct buf *b)
{
	size_t home_len, place;
	unsigned bits;

	if (!fields_ok(u) || !name_is_unix(u->name) || !user_ok(u)) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	home_len = strlen(u->home);
	bits = shell_number(u->shell) | (u->private_group ? PRIVATE_GROUP : 0) |
	    (u->gid != u->uid ? GID_APART : 0) |
	    (is_end_of(u->name, u->home) ? 0 : NAME_APART);
	place = USER_HEAD + ((bits & GID_APART) != 0 ? sizeof(uint32_t) : 0) +
	    home_len;
	place = (bits & NAME_APART) != 0 ? place + 1 : place - strlen(u->name);
	buf_u32(b, u->uid);
	buf_u8(b, (uint8_t)strlen(u->name));
	buf_u8(b, (uint8_t)bits);
	buf_u16(b, (uint16_t)place);
	buf_u16(b, (uint16_t)home_len);
	buf_u16(b, (uint16_t)strlen(u->gecos));
	if ((bits & GID_APART) != 0)
		buf_u32(b, u->gid);
	buf_put(b, u->home, home_len + 1);
	if ((bits & NAME_APART) != 0)
		buf_put(b, u->name, strlen(u->name) + 1);
	if (u->gecos[0] != '\0')
		buf_put(b, u->gecos, strlen(u->gecos) + 1);
	if ((bits & SHELL_MASK) == 0)
		buf_put(b, u->shell, strlen(u->shell) + 1);
}

/* Where the texts of a user are, by what its head says. */
static int
user_texts(struct snap_bytes in, struct snap_user *u)
{
	const char *p = (const char *)in.p;
	unsigned bits = in.p[5], shell = bits & SHELL_MASK;
	size_t at = USER_HEAD + ((bits & GID_APART) != 0 ? sizeof(uint32_t) : 0);

	u->home = p + at;
	at += u->home_len + 1;
	u->name = p + at - 1 - u->name_len;
	if ((bits & NAME_APART) != 0) {
		u->name = p + at;
		at += u->name_len + 1;
	} else if (u->name_len >= u->home_len)
		return IAM_ERR_FORMAT;
	u->gecos = "";
	if (u->gecos_len > 0) {
		u->gecos = p + at;
		at += u->gecos_len + 1;
	}
	if (shell >= IAM_COUNT(shells) || at > in.len ||
	    (shell == 0) != (at < in.len))
		return IAM_ERR_FORMAT;
	u->shell = shell == 0 ? p + at : shells[shell].text;
	u->shell_len = shell == 0 ? in.len - at - 1 : shells[shell].len;
	return 0;
}

/* Texts that are inside the value, which begins at start, and end where they have
 * to. */
static inline bool
texts_ok(const struct snap_user *u, const uint8_t *start, bool own_shell)
{
	bytes16 bad = { 0 };

	if (u->name_len == 0 || u->name_len > IAM_UNIX_NAME_MAX)
		return false;
	add_bad_of(&bad, u->home, u->home_len, start, bad_in_field);
	add_bad_of(&bad, u->name, u->name_len, start, bad_in_name);
	if (u->gecos_len > 0)
		add_bad_of(&bad, u->gecos, u->gecos_len, start, bad_in_field);
	if (own_shell)
		add_bad_of(&bad, u->shell, u->shell_len, start, bad_in_field);
	return is_none(&bad) && (u->home[u->home_len] | u->name[u->name_len] |
	    u->gecos[u->gecos_len] | u->shell[u->shell_len]) == 0 &&
	    u->name[u->name_len - 1] != '.' &&
	    ((u->name[0] >= 'a' && u->name[0] <= 'z') || u->name[0] == '_');
}

int
snap_user_decode(struct snap_bytes in, struct snap_user *ret)
{
	const uint8_t *p = in.p;
	struct snap_user u;

	if (in.len < USER_HEAD)
		return IAM_ERR_FORMAT;
	u.uid = u.gid = le_u32(p);
	u.name_len = p[SNAP_INSIDE_LEN];
	u.private_group = (p[5] & PRIVATE_GROUP) != 0;
	u.home_len = le_u16(p + 8);
	u.gecos_len = le_u16(p + 10);
	if (user_texts(in, &u) != 0 ||
	    u.name - (const char *)p != le_u16(p + SNAP_INSIDE_PLACE) ||
	    !texts_ok(&u, p, (p[5] & SHELL_MASK) == 0))
		return IAM_ERR_FORMAT;
	if ((p[5] & GID_APART) != 0)
		u.gid = le_u32(p + USER_HEAD);
	if (!user_ok(&u))
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
	buf_u8(b, (uint8_t)strlen(g->name));
	buf_u8(b, 0);
	buf_u16(b, GROUP_HEAD);
	buf_u32(b, g->member_count);
	buf_u32(b, (uint32_t)g->members_len);
	buf_put(b, g->name, strlen(g->name) + 1);
	snap_members_pack(g->members, g->member_count, b);
}

/* All but the members. */
static int
group_view(struct snap_bytes in, struct snap_group *ret)
{
	const uint8_t *p = in.p;
	struct snap_group g;
	size_t name;

	if (in.len < GROUP_HEAD || p[5] != 0 ||
	    le_u16(p + SNAP_INSIDE_PLACE) != GROUP_HEAD)
		return IAM_ERR_FORMAT;
	name = (size_t)p[SNAP_INSIDE_LEN] + 1;
	if (GROUP_HEAD + name > in.len)
		return IAM_ERR_FORMAT;
	g.gid = le_u32(p);
	g.name = (const char *)p + GROUP_HEAD;
	g.member_count = le_u32(p + 8);
	g.members = NULL;
	g.members_len = le_u32(p + 12);
	g.packed.p = p + GROUP_HEAD + name;
	g.packed.len = in.len - GROUP_HEAD - name;
	/* The bound of the encoder: what readers compute of it fits 32 bits. */
	if (g.gid == 0 || g.name[name - 1] != '\0' || !name_is_unix(g.name) ||
	    strlen(g.name) != name - 1 || g.members_len > SNAP_VALUE_MAX / 2 ||
	    !snap_members_fit(g.packed, g.member_count, g.members_len))
		return IAM_ERR_FORMAT;
	*ret = g;
	return 0;
}

int
snap_group_unpack(const struct snap_group *g, char *text, size_t room,
    char **list)
{
	return snap_members_unpack(g->packed, g->member_count, g->members_len,
	    text, room, list);
}

int
snap_group_members(const struct snap_group *g, struct buf *b)
{
	int r;

	buf_reserve(b, g->members_len);
	if (b->err != 0 || g->members_len == 0)
		return b->err;
	r = snap_group_unpack(g, (char *)b->p + b->len, g->members_len, NULL);
	if (r == 0) {
		b->len += g->members_len;
		b->p[b->len] = '\0';
	}
	return r;
}

int
snap_group_decode(struct snap_bytes in, struct snap_group *ret)
{
	struct buf text = BUF_INIT;
	struct snap_group g;
	int r;

	if ((r = group_view(in, &g)) != 0)
		return r;
	if ((r = snap_group_members(&g, &text)) == 0 &&
	    !members_ok(buf_cstr(&text), text.len, g.member_count))
		r = IAM_ERR_FORMAT;
	buf_release(&text);
	if (r == 0)
		*ret = g;
	return r;
}

static void
group_of_user(const struct snap_user *u, struct snap_group *ret)
{
	*ret = (struct snap_group){ .gid = u->uid, .name = u->name };
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
snap_user_next(const struct snap *s, struct snap_cursor *cursor,
    bool *ret_found, struct snap_user *ret)
{
	struct snap_bytes v;
	int r;

	r = snap_next(s, SNAP_USER_NAME, cursor, ret_found, NULL, &v);
	if (r == 0 && *ret_found && (r = snap_user_decode(v, ret)) != 0)
		*ret_found = false;
	return r;
}

/* The next private group. */
static int
private_next(const struct snap *s, struct snap_cursor *cursor, bool *ret_found,
    struct snap_group *ret)
{
	struct snap_user u;
	int r;

	do {
		if ((r = snap_user_next(s, cursor, ret_found, &u)) != 0)
			return r;
	} while (*ret_found && !u.private_group);
	if (*ret_found)
		group_of_user(&u, ret);
	return 0;
}

/* Those with a record, then those of the users. */
int
snap_group_next(const struct snap *s, struct snap_cursor *cursor,
    bool *ret_found, struct snap_group *ret)
{
	struct snap_bytes v;
	int r;

	*ret_found = false;
	if ((cursor->at & PRIVATE_GROUPS) == 0) {
		r = snap_next(s, SNAP_GROUP_NAME, cursor, ret_found, NULL, &v);
		if (r == 0 && *ret_found && (r = group_view(v, ret)) != 0)
			*ret_found = false;
		if (r != 0 || *ret_found)
			return r;
		cursor->at = PRIVATE_GROUPS;
	}
	cursor->at &= ~PRIVATE_GROUPS;
	r = private_next(s, cursor, ret_found, ret);
	cursor->at |= PRIVATE_GROUPS;
	return r;
}

int
snap_member_of(const struct snap *s, const char *name, bool *ret_found,
    struct snap_gids *ret)
{
	struct snap_bytes v;
	bool found;
	int r;

	*ret_found = false;
	r = find_name(s, SNAP_MEMBER_OF, name, &found, &v);
	if (r != 0 || !found)
		return r;
	if ((r = snap_gids_view(v, ret)) == 0)
		*ret_found = true;
	return r;
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
