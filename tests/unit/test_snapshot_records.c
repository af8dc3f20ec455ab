/*
 * The records of both snapshots: what is written is read back, and what could
 * not have been written is refused. S14, S21, S27: names and ids at this border.
 */
#include "tests/unit/snap_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/snapshot/internal.h"
#include "common/snapshot/principal.h"

static const struct snap_user sarah = { .uid = 2100000001,
	.gid = 2100000001, .name = "sarah", .gecos = "Sarah C\xc3\xb4nnor,,,",
	.home = "/home/sarah", .shell = "/bin/bash" };

static struct snap_bytes
bytes(const struct buf *b)
{
	struct snap_bytes v = { b->p, b->len };

	return v;
}

/* An exact copy on the heap, so that sanitizers see every byte read too far. */
static struct snap_bytes
copy(const uint8_t *p, size_t len)
{
	uint8_t *m = malloc(len > 0 ? len : 1);
	struct snap_bytes v = { m, len };

	assert_non_null(m);
	memcpy(m, p, len);
	return v;
}

typedef int decode(struct snap_bytes in);

/* Every truncation is refused; every flipped byte is refused or decodes. */
static void
try_damage(const struct buf *b, decode *d)
{
	struct snap_bytes v;
	size_t i;

	for (i = 0; i < b->len; i++) {
		v = copy(b->p, i);
		assert_int_equal(d(v), IAM_ERR_FORMAT);
		free((void *)(uintptr_t)v.p);
		v = copy(b->p, b->len);
		((uint8_t *)(uintptr_t)v.p)[i] ^= 0xff;
		(void)d(v);
		free((void *)(uintptr_t)v.p);
	}
}

static int
decode_user(struct snap_bytes in)
{
	struct snap_user u;
	int r = snap_user_decode(in, &u);

	if (r == 0)
		assert_true(u.uid != 0 && u.gid != 0 && name_is_unix(u.name) &&
		    strlen(u.name) == u.name_len && strlen(u.gecos) == u.gecos_len &&
		    strlen(u.home) == u.home_len && strlen(u.shell) == u.shell_len);
	return r;
}

static void
test_snap_user__round_trip_and_damage(void **state)
{
	struct buf b = BUF_INIT;
	struct snap_user u;

	(void)state;
	snap_user_encode(&sarah, &b);
	assert_int_equal(b.err, 0);
	assert_int_equal(snap_user_decode(bytes(&b), &u), 0);
	assert_int_equal(u.uid, sarah.uid);
	assert_int_equal(u.gid, sarah.gid);
	assert_string_equal(u.name, sarah.name);
	assert_string_equal(u.gecos, sarah.gecos);
	assert_string_equal(u.home, sarah.home);
	assert_string_equal(u.shell, sarah.shell);
	try_damage(&b, decode_user);
	buf_release(&b);
}

/* S14: texts of every length, with every byte that must not be in them anywhere:
 * they are looked at several at a time. */
static void
test_snap_user_decode__one_bad_byte_anywhere(void **state)
{
	static const uint8_t bad[] = { 0, 1, 0x1f, ':', 0x7f };
	static const uint8_t good[] = { 0x20, '9', ';', 0x7e, 0x80, 0xff };
	struct snap_user u = sarah, got;
	char gecos[600];
	struct buf b = BUF_INIT;
	size_t len, at, i;
	uint8_t *text;

	(void)state;
	for (len = 0; len < sizeof(gecos); len += len < 70 ? 1 : 97) {
		memset(gecos, 'x', len);
		gecos[len] = '\0';
		u.gecos = gecos;
		buf_reset(&b);
		snap_user_encode(&u, &b);
		assert_int_equal(b.err, 0);
		assert_int_equal(snap_user_decode(bytes(&b), &got), 0);
		text = b.p + ((const uint8_t *)got.gecos - b.p);
		for (at = 0; at < len; at++) {
			for (i = 0; i < IAM_COUNT(bad); i++) {
				text[at] = bad[i];
				assert_int_equal(snap_user_decode(bytes(&b), &got),
				    IAM_ERR_FORMAT);
			}
			for (i = 0; i < IAM_COUNT(good); i++) {
				text[at] = good[i];
				assert_int_equal(snap_user_decode(bytes(&b), &got), 0);
			}
			text[at] = 'x';
		}
	}
	buf_release(&b);
}

/* S14: every byte at every place of names of every length: the decoder, which looks at
 * many at once, says what the rule for names says. */
static void
test_snap_user_decode__names_by_the_rule(void **state)
{
	char name[IAM_UNIX_NAME_MAX + 2], home[64];
	struct snap_user u = { .uid = 7, .gid = 7, .name = name, .gecos = "",
		.home = home, .shell = "/bin/sh" }, got;
	struct buf b = BUF_INIT;
	size_t len, at, apart;
	unsigned c;
	uint8_t *p;

	(void)state;
	for (len = 1; len <= IAM_UNIX_NAME_MAX; len++) {
		for (apart = 0; apart < 2; apart++) {
			memset(name, 'n', len);
			name[len] = '\0';
			snprintf(home, sizeof(home), "/%s", apart != 0 ? "x" : name);
			buf_reset(&b);
			snap_user_encode(&u, &b);
			assert_int_equal(snap_user_decode(bytes(&b), &got), 0);
			p = b.p + ((const uint8_t *)got.name - b.p);
			for (at = 0; at < len; at++) {
				for (c = 0; c < 256; c++) {
					p[at] = (uint8_t)c;
					name[at] = (char)c;
					assert_int_equal(snap_user_decode(bytes(&b),
					    &got) == 0, strlen(name) == len &&
					    name_is_unix(name));
				}
				p[at] = 'n';
				name[at] = 'n';
			}
		}
	}
	buf_release(&b);
}

static int
encode_user(struct snap_user u)
{
	struct buf b = BUF_INIT;
	int r;

	snap_user_encode(&u, &b);
	r = b.err;
	buf_release(&b);
	return r;
}

static void
test_snap_user_encode__refuses(void **state)
{
	struct snap_user u = sarah;

	(void)state;
	assert_int_equal(encode_user(u), 0);
#define REFUSED(member, v) \
	u = sarah; u.member = (v); assert_int_equal(encode_user(u), IAM_ERR_ARG)
	REFUSED(uid, 0);
	REFUSED(gid, 0);
	REFUSED(name, "Sarah");
	REFUSED(name, "");
	REFUSED(name, NULL);
	REFUSED(name, "0");
	REFUSED(name, "a/../b");
	REFUSED(gecos, "a:b");
	REFUSED(gecos, "a\nroot:x:0:0::/:/bin/sh");
	REFUSED(gecos, "\x1b[2J");
	REFUSED(gecos, NULL);
	REFUSED(home, "home");
	REFUSED(home, "");
	REFUSED(home, "/home/a:b");
	REFUSED(shell, "sh");
	REFUSED(shell, "/bin/sh\n");
	u = sarah;
	u.shell = "";
	assert_int_equal(encode_user(u), 0);
}

static int
decode_group(struct snap_bytes in)
{
	struct snap_group g;
	int r = snap_group_decode(in, &g);

	if (r == 0) {
		struct buf b = members_of(&g);

		buf_release(&b);
	}
	return r;
}

static int
encode_group(uint32_t gid, const char *name, const char *members, size_t len,
    uint32_t count)
{
	struct snap_group g = { .gid = gid, .name = name, .member_count = count,
		.members = members, .members_len = len };
	struct buf b = BUF_INIT;
	int r;

	snap_group_encode(&g, &b);
	r = b.err;
	buf_release(&b);
	return r;
}

static void
test_snap_group__round_trip_and_damage(void **state)
{
	struct snap_group g = { .gid = 2100000009, .name = "marketing",
		.member_count = 2, .members = "sarah\0bob", .members_len = 10 };
	struct buf b = BUF_INIT;
	struct snap_group got;

	(void)state;
	snap_group_encode(&g, &b);
	assert_int_equal(b.err, 0);
	assert_int_equal(snap_group_decode(bytes(&b), &got), 0);
	assert_int_equal(got.gid, g.gid);
	assert_string_equal(got.name, g.name);
	assert_int_equal(got.member_count, 2);
	assert_members(&got, "sarah\0bob", 10);
	try_damage(&b, decode_group);
	buf_release(&b);
}

static void
test_snap_group_encode__refuses(void **state)
{
	(void)state;
	assert_int_equal(encode_group(5, "g", "", 0, 0), 0);
	assert_int_equal(encode_group(5, "g", NULL, 0, 0), 0);
	assert_int_equal(encode_group(0, "g", "", 0, 0), IAM_ERR_ARG);
	assert_int_equal(encode_group(5, "G", "", 0, 0), IAM_ERR_ARG);
	assert_int_equal(encode_group(5, NULL, "", 0, 0), IAM_ERR_ARG);
	assert_int_equal(encode_group(5, "g", "a", 2, 2), IAM_ERR_ARG);
	assert_int_equal(encode_group(5, "g", "a\0b", 3, 2), IAM_ERR_ARG);
	assert_int_equal(encode_group(5, "g", "a\0", 3, 2), IAM_ERR_ARG);
	assert_int_equal(encode_group(5, "g", "a,b", 4, 1), IAM_ERR_ARG);
}

static uint32_t
some(uint32_t below)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13, x ^= x >> 7, x ^= x << 17;
	return (uint32_t)(x >> 32) % below;
}

/* Names that begin alike, more or less, up to the longest. */
static void
some_names(struct buf *b, unsigned count)
{
	static const char letters[] = "abcd0123_.-z";
	char name[IAM_UNIX_NAME_MAX + 1] = "a";
	size_t len, i;

	buf_reset(b);
	while (count-- > 0) {
		len = 1 + some(IAM_UNIX_NAME_MAX);
		for (i = some((uint32_t)len); i < len; i++)
			name[i] = i == 0 || i + 1 == len ? 'a' + (char)some(26) :
			    letters[some(sizeof(letters) - 1)];
		for (i = 0; i < len; i++)
			name[i] = name[i] == '\0' ? 'x' : name[i];
		if (name[len - 1] == '.')
			name[len - 1] = 'e';
		buf_put(b, name, len);
		buf_u8(b, 0);
	}
}

/* Pointers and text, into memory that ends behind them. */
static void
unpack_exactly(const struct snap_group *g, const struct buf *names)
{
	char **list = malloc(((size_t)g->member_count + 1) * sizeof(*list));
	char *text = malloc(g->members_len + 1);
	const char *p = buf_cstr(names);
	uint32_t i;

	assert_true(list != NULL && text != NULL);
	text[g->members_len] = 'E';
	list[g->member_count] = text;
	assert_int_equal(snap_group_unpack(g, text, g->members_len, list), 0);
	assert_int_equal(text[g->members_len], 'E');
	assert_ptr_equal(list[g->member_count], text);
	for (i = 0; i < g->member_count; i++, p += strlen(p) + 1)
		assert_string_equal(list[i], p);
	free(list);
	free(text);
}

static void
test_snap_group_unpack__any_names(void **state)
{
	struct snap_group g = { .gid = 7, .name = "crew" }, got;
	struct buf names = BUF_INIT, v = BUF_INIT;
	unsigned round;

	(void)state;
	for (round = 0; round < 500; round++) {
		g.member_count = round < 100 ? round : some(400);
		some_names(&names, g.member_count);
		g.members = buf_cstr(&names);
		g.members_len = names.len;
		buf_reset(&v);
		snap_group_encode(&g, &v);
		assert_int_equal(v.err, 0);
		assert_int_equal(snap_group_decode(bytes(&v), &got), 0);
		assert_int_equal(got.member_count, g.member_count);
		assert_members(&got, g.members, g.members_len);
		unpack_exactly(&got, &names);
	}
	buf_release(&names);
	buf_release(&v);
}

/* Where little text follows, and much that says it: copies stay inside. */
static void
test_snap_group_unpack__not_beyond_the_end(void **state)
{
	struct snap_group g = { .gid = 7, .name = "crew" };
	struct buf names = BUF_INIT, packed = BUF_INIT;
	unsigned n, i;

	(void)state;
	for (n = 0; n < 40; n++) {
		buf_reset(&names);
		buf_reset(&packed);
		buf_put(&names, "of-a-long-name1\0of-a-long-name2", 32);
		buf_put(&packed, "\2\016" "of-a-long-name" "\1\1" "12", 20);
		for (i = 0; i < n; i++) {
			buf_put(&names, "z", 2);
			buf_put(&packed, "\1\0\1z", 4);
		}
		g.member_count = 2 + n;
		g.members_len = names.len;
		g.packed = bytes(&packed);
		unpack_exactly(&g, &names);
	}
	buf_release(&names);
	buf_release(&packed);
}

/* What a group of many costs: half of its text here. */
static void
test_snap_group_encode__names_that_begin_alike_are_short(void **state)
{
	struct snap_group g = { .gid = 7, .name = "crew", .member_count = 1000 };
	struct buf names = BUF_INIT, v = BUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < g.member_count; i++) {
		buf_printf(&names, "user%u", i * 1000 + 7);
		buf_u8(&names, 0);
	}
	g.members = buf_cstr(&names);
	g.members_len = names.len;
	snap_group_encode(&g, &v);
	assert_int_equal(v.err, 0);
	assert_in_range(v.len, 5000, 6000);
	assert_true(v.len * 2 < names.len + 1000);
	buf_release(&names);
	buf_release(&v);
}

/* Steps of every width, and up to the last id. */
static void
test_snap_gids__round_trip_in_order(void **state)
{
	static const uint32_t widest[] = { 200, 60000, 16000000, UINT32_MAX / 64 };
	uint8_t in[64 * 4], packed[SNAP_GIDS_MAX(64)];
	uint32_t want[64], gid;
	struct snap_bytes v = { packed, 0 };
	struct snap_gids gids;
	size_t count, i, w;

	(void)state;
	for (w = 0; w < IAM_COUNT(widest); w++) {
		for (count = 1; count <= IAM_COUNT(want); count++) {
			for (i = 0, gid = some(1000); i < count; i++) {
				gid += 1 + some(widest[w] - 1);
				want[i] = gid;
				/* The other way round, on the way in. */
				memcpy(in + 4 * (count - 1 - i),
				    &(uint32_t){ htole32(gid) }, 4);
			}
			v.len = snap_gids_pack(in, count, packed);
			assert_true(v.len <= 5 + (count - 1) * (w + 1));
			assert_int_equal(snap_gids_view(v, &gids), 0);
			assert_int_equal(gids.count, count);
			for (i = 0; i < count; i++)
				assert_int_equal(snap_gids_next(&gids), want[i]);
		}
	}
	for (i = 0; i < 5; i++) { /* cut off */
		v.len = i;
		assert_int_equal(snap_gids_view(v, &gids), IAM_ERR_FORMAT);
	}
}

static struct snap_principal *
new_principal(void)
{
	static const uint8_t seed[] = { 1, 2, 3, 4, 5 };
	struct snap_principal *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->uid = p->gid = 2100000001;
	p->unix_name = "sarah";
	p->user_name = "Sarah";
	p->user_id = "AIDAAAAAAAAAAAAAAAAAA";
	p->arn = "arn:aws:iam::123456789012:user/Sarah";
	p->home = "/home/sarah";
	p->shell = "/bin/bash";
	p->enabled = 1;
	p->password_hash = "$y$j9T$x";
	p->password_reset_required = 1;
	p->password_changed_s = -5;
	p->created_s = 1795512600;
	p->enrol_from_s = 1795512700;
	p->tag_count = 1;
	p->tags[0] = (struct snap_tag){ "department", "" };
	p->recovery_count = 2;
	p->recovery = (const uint8_t *)
	    "0123456789abcdef0123456789abcdefABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP";
	p->device_count = 1;
	p->devices[0] = (struct snap_device){ "arn:aws:iam::1:mfa/s", 77,
		SNAP_TOTP_SHA256, 8, 60, -2, -1, seed, sizeof(seed) };
	p->key_count = 1;
	p->keys[0] = (struct snap_ssh_key){ "APKA1", "SHA256:x", 1795512601 };
	p->policy_count = 2;
	p->policies[0] = (struct snap_policy_ref){ SNAP_LAYER_IDENTITY,
		"user/Sarah/P", "user" };
	p->policies[1] = (struct snap_policy_ref){ SNAP_LAYER_BOUNDARY,
		"arn:aws:iam::1:policy/B", "boundary" };
	return p;
}

static int
decode_principal(struct snap_bytes in)
{
	static struct snap_principal p;
	int r = snap_principal_decode(in, &p);

	/* Nobody acts on half a principal. */
	if (r != 0)
		assert_true(p.enabled == 0 && p.uid == 0 && p.policy_count == 0);
	return r;
}

static void
test_snap_principal__round_trip_and_damage(void **state)
{
	struct snap_principal *p = new_principal(), *q = new_principal();
	struct buf b = BUF_INIT;

	(void)state;
	snap_principal_encode(p, &b);
	assert_int_equal(b.err, 0);
	memset(q, 0xee, sizeof(*q));
	assert_int_equal(snap_principal_decode(bytes(&b), q), 0);
	assert_int_equal(q->uid, p->uid);
	assert_int_equal(q->gid, p->gid);
	assert_string_equal(q->unix_name, "sarah");
	assert_string_equal(q->user_name, "Sarah");
	assert_string_equal(q->user_id, p->user_id);
	assert_string_equal(q->arn, p->arn);
	assert_string_equal(q->home, p->home);
	assert_string_equal(q->shell, p->shell);
	assert_int_equal(q->enabled, 1);
	assert_string_equal(q->password_hash, p->password_hash);
	assert_int_equal(q->password_reset_required, 1);
	assert_int_equal(q->password_changed_s, -5);
	assert_int_equal(q->created_s, 1795512600);
	assert_int_equal(q->enrol_from_s, 1795512700);
	assert_int_equal(q->tag_count, 1);
	assert_string_equal(q->tags[0].key, "department");
	assert_string_equal(q->tags[0].value, "");
	assert_int_equal(q->device_count, 1);
	assert_string_equal(q->devices[0].serial, p->devices[0].serial);
	assert_int_equal(q->devices[0].enabled_s, 77);
	assert_int_equal(q->devices[0].alg, SNAP_TOTP_SHA256);
	assert_int_equal(q->devices[0].digits, 8);
	assert_int_equal(q->devices[0].period_s, 60);
	assert_int_equal(q->devices[0].drift_steps, -2);
	assert_int_equal(q->devices[0].learnt_steps, -1);
	assert_int_equal(q->devices[0].seed_len, 5);
	assert_memory_equal(q->devices[0].seed, "\1\2\3\4\5", 5);
	assert_int_equal(q->key_count, 1);
	assert_string_equal(q->keys[0].id, "APKA1");
	assert_string_equal(q->keys[0].fingerprint, "SHA256:x");
	assert_int_equal(q->keys[0].uploaded_s, 1795512601);
	assert_int_equal(q->recovery_count, 2);
	assert_memory_equal(q->recovery, p->recovery, 2 * SNAP_RECOVERY_HASH);
	assert_int_equal(q->policy_count, 2);
	assert_int_equal(q->policies[1].layer, SNAP_LAYER_BOUNDARY);
	assert_string_equal(q->policies[0].key, "user/Sarah/P");
	assert_string_equal(q->policies[1].via, "boundary");
	try_damage(&b, decode_principal);
	buf_reset(&b);
	p->password_hash = NULL;
	snap_principal_encode(p, &b);
	assert_int_equal(snap_principal_decode(bytes(&b), q), 0);
	assert_null(q->password_hash);
	buf_release(&b);
	free(p);
	free(q);
}

static void
test_snap_principal_encode__refuses(void **state)
{
	struct snap_principal *p;
	struct buf b = BUF_INIT;

	(void)state;
#define BAD(assignment, want) \
	p = new_principal(); \
	assignment; \
	buf_reset(&b); \
	snap_principal_encode(p, &b); \
	assert_int_equal(b.err, want); \
	free(p)
	BAD(p->uid = 0, IAM_ERR_ARG);
	BAD(p->gid = 0, IAM_ERR_ARG);
	BAD(p->unix_name = "A B", IAM_ERR_ARG);
	BAD(p->unix_name = NULL, IAM_ERR_ARG);
	BAD(p->arn = NULL, IAM_ERR_ARG);
	BAD(p->enabled = 2, IAM_ERR_ARG);
	BAD(p->tag_count = SNAP_TAGS_MAX + 1, IAM_ERR_LIMIT);
	BAD(p->device_count = SNAP_DEVICES_MAX + 1, IAM_ERR_LIMIT);
	BAD(p->recovery_count = SNAP_RECOVERY_MAX + 1, IAM_ERR_LIMIT);
	BAD(p->policy_count = SNAP_POLICIES_MAX + 1, IAM_ERR_LIMIT);
	BAD(p->devices[0].seed_len = 0, IAM_ERR_ARG);
	BAD(p->devices[0].digits = 7, IAM_ERR_ARG);
	BAD(p->devices[0].period_s = 0, IAM_ERR_ARG);
	BAD(p->devices[0].alg = 0, IAM_ERR_ARG);
	BAD(p->policies[0].layer = 0, IAM_ERR_ARG);
	BAD(p->policies[0].layer = 5, IAM_ERR_ARG);
	/* A role has nothing to log in with. */
	BAD(p->role = 2, IAM_ERR_ARG);
	BAD(p->role = 1, IAM_ERR_ARG);
	BAD(p->max_session_s = 1, IAM_ERR_ARG);
	BAD(p->policies[0].key = NULL, IAM_ERR_ARG);
	buf_release(&b);
}

static int
decode_policy(struct snap_bytes in)
{
	struct snap_policy p;

	return snap_policy_decode(in, &p);
}

static void
test_snap_policy__round_trip_and_damage(void **state)
{
	struct buf b = BUF_INIT;
	struct snap_policy p, q;
	size_t len;

	(void)state;
	for (len = 1; len <= 17; len++) {
		p = (struct snap_policy){ len % 2 ? NULL : "arn:x", "user_s_P",
			(const uint8_t *)"0123456789abcdefg", len };
		buf_reset(&b);
		snap_policy_encode(&p, &b);
		assert_int_equal(b.err, 0);
		assert_int_equal(snap_policy_decode(bytes(&b), &q), 0);
		assert_int_equal(q.compiled_len, len);
		assert_memory_equal(q.compiled, p.compiled, len);
		assert_int_equal((q.compiled - b.p) % 8, 0);
		assert_string_equal(q.name, "user_s_P");
		assert_int_equal(q.arn == NULL, len % 2);
		try_damage(&b, decode_policy);
	}
	p.compiled_len = 0;
	buf_reset(&b);
	snap_policy_encode(&p, &b);
	assert_int_equal(b.err, IAM_ERR_ARG);
	buf_release(&b);
}

static struct snap_account *
new_account(void)
{
	static const struct snap_service services[] = {
		{ "sshd", "host:Login" }, { "gdm*", "host:Login" },
		{ "gdm-launch*", "host:Never" }, { "su", "host:SwitchUser" },
		{ "su-l", "host:SwitchUser" }, { "gdm-password", "host:Exact" },
	};
	struct snap_account *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->account_id = "123456789012";
	a->region = "eu-central-1";
	a->hostname = "web1";
	a->helper_group = "services";
	a->id_min = 2100000000;
	a->id_max = 2146999999;
	a->mfa_when_enrolled = 1;
	a->mfa_memory_s = 900;
	a->self_enrolment = SNAP_ENROLMENT_ALWAYS;
	a->enrolment_days = 30;
	a->one_line_count = 2;
	a->one_line[0] = "i3lock";
	a->one_line[1] = "xrdp*";
	a->throttle_free = 10;
	a->throttle_max_s = 300;
	a->source_free = 77;
	a->password_warn_days = 9;
	a->create_home = 1;
	a->home_umask = 0077;
	a->users_may_change_password = 1;
	a->password_max_age_days = 90;
	a->password_hard_expiry = 1;
	a->host_mark = (struct snap_file_mark){ 1, 2, 3, -4, 5, 11 };
	a->settings_mark = (struct snap_file_mark){ 6, 7, 8, 9, 10, 12 };
	a->host_tag_count = 1;
	a->host_tags[0] = (struct snap_tag){ "environment", "prod" };
	a->service_count = IAM_COUNT(services);
	memcpy(a->services, services, sizeof(services));
	return a;
}

static int
decode_account(struct snap_bytes in)
{
	static struct snap_account a;

	return snap_account_decode(in, &a);
}

static void
test_snap_account__round_trip_and_damage(void **state)
{
	struct snap_account *a = new_account(), *q = new_account();
	struct buf b = BUF_INIT;

	(void)state;
	snap_account_encode(a, &b);
	assert_int_equal(b.err, 0);
	memset(q, 0xee, sizeof(*q));
	assert_int_equal(snap_account_decode(bytes(&b), q), 0);
	assert_string_equal(q->account_id, a->account_id);
	assert_null(q->alias);
	assert_string_equal(q->region, a->region);
	assert_string_equal(q->hostname, a->hostname);
	assert_string_equal(q->helper_group, "services");
	assert_int_equal(q->id_min, a->id_min);
	assert_int_equal(q->id_max, a->id_max);
	assert_int_equal(q->mfa_when_enrolled, 1);
	assert_int_equal(q->mfa_memory_s, 900);
	assert_int_equal(q->self_enrolment, SNAP_ENROLMENT_ALWAYS);
	assert_int_equal(q->enrolment_days, 30);
	assert_true(snap_is_one_line(q, "i3lock"));
	assert_true(snap_is_one_line(q, "xrdp-sesman"));
	assert_false(snap_is_one_line(q, "i3lock2"));
	assert_false(snap_is_one_line(q, "sshd"));
	assert_int_equal(q->throttle_free, 10);
	assert_int_equal(q->throttle_max_s, 300);
	assert_int_equal(q->source_free, 77);
	assert_int_equal(q->password_warn_days, 9);
	assert_int_equal(q->create_home, 1);
	assert_int_equal(q->home_umask, 0077);
	assert_int_equal(q->users_may_change_password, 1);
	assert_int_equal(q->password_max_age_days, 90);
	assert_int_equal(q->password_hard_expiry, 1);
	assert_memory_equal(&q->host_mark, &a->host_mark, sizeof(a->host_mark));
	assert_memory_equal(&q->settings_mark, &a->settings_mark,
	    sizeof(a->settings_mark));
	assert_int_equal(q->host_tag_count, 1);
	assert_string_equal(q->host_tags[0].value, "prod");
	assert_int_equal(q->service_count, a->service_count);
	assert_string_equal(q->services[0].action, "host:Login");
	try_damage(&b, decode_account);
	buf_release(&b);
	free(a);
	free(q);
}

static void
test_snap_action_for__exact_over_prefix_longer_over_shorter(void **state)
{
	struct snap_account *a = new_account();

	(void)state;
	assert_string_equal(snap_action_for(a, "sshd"), "host:Login");
	assert_string_equal(snap_action_for(a, "sshd2"), "host:Authenticate");
	assert_string_equal(snap_action_for(a, "ssh"), "host:Authenticate");
	assert_string_equal(snap_action_for(a, "su-l"), "host:SwitchUser");
	assert_string_equal(snap_action_for(a, "gdm"), "host:Login");
	assert_string_equal(snap_action_for(a, "gdm-autologin"), "host:Login");
	assert_string_equal(snap_action_for(a, "gdm-launch-x"), "host:Never");
	assert_string_equal(snap_action_for(a, "gdm-password"), "host:Exact");
	assert_string_equal(snap_action_for(a, ""), "host:Authenticate");
	free(a);
}

/* Through a file: found under its key, aligned, and about that key only. */
static void
test_private_snapshot__through_a_file(void **state)
{
	struct snap_builder *b = new_builder(SNAP_PRIVATE, 1);
	struct snap_principal *p = new_principal();
	struct snap_account *a = new_account(), got;
	struct snap_policy pol = { NULL, "user_Sarah_P",
		(const uint8_t *)"compiled", 8 }, pol_got;
	char path[] = "/tmp/test_snapshot_records.XXXXXX";
	struct buf v = BUF_INIT;
	struct snap *s;
	bool found;
	int fd;

	(void)state;
	assert_true((fd = mkstemp(path)) >= 0);
	close(fd);
	snap_principal_encode(p, &v);
	must_add(b, SNAP_PRINCIPAL, "sarah", 5, v.p, v.len);
	must_add(b, SNAP_PRINCIPAL, "mallory", 7, v.p, v.len);
	buf_reset(&v);
	snap_policy_encode(&pol, &v);
	must_add(b, SNAP_POLICY, "user/Sarah/P", 12, v.p, v.len);
	assert_int_equal(snap_builder_write(b, path, 0640, (gid_t)-1), 0);
	assert_int_equal(snap_open(path, SNAP_PRIVATE, &s), 0);
	/* Every private snapshot has an account. */
	assert_int_equal(snap_account_get(s, &got), IAM_ERR_FORMAT);
	snap_close(s);
	buf_reset(&v);
	snap_account_encode(a, &v);
	must_add(b, SNAP_ACCOUNT, "account", 7, v.p, v.len);
	assert_int_equal(snap_builder_write(b, path, 0640, (gid_t)-1), 0);
	snap_builder_free(b);
	assert_int_equal(snap_open(path, SNAP_PRIVATE, &s), 0);
	assert_int_equal(snap_verify(s), 0);
	assert_int_equal(snap_account_get(s, &got), 0);
	assert_string_equal(got.hostname, "web1");
	assert_int_equal(snap_principal_by_name(s, "sarah", &found, p), 0);
	assert_true(found);
	assert_string_equal(p->user_name, "Sarah");
	assert_int_equal(snap_principal_by_name(s, "mallory", &found, p),
	    IAM_ERR_FORMAT);
	assert_false(found);
	assert_int_equal(p->enabled, 0);
	assert_int_equal(snap_principal_by_name(s, "bob", &found, p), 0);
	assert_false(found);
	assert_int_equal(snap_policy_by_key(s, "user/Sarah/P", &found, &pol_got), 0);
	assert_true(found);
	assert_int_equal((uintptr_t)pol_got.compiled % 8, 0);
	snap_close(s);
	unlink(path);
	buf_release(&v);
	free(p);
	free(a);
}

/* Principal "sarah" of these groups, beside a group "ops" of count policies. */
static void
publish_groups(const char *path, const char *first, const char *second,
    uint32_t count)
{
	struct snap_builder *b = new_builder(SNAP_PRIVATE, 1);
	struct snap_principal *p = new_principal();
	const char *keys[SNAP_POLICIES_MAX];
	struct buf v = BUF_INIT;
	uint32_t i;

	p->policies[1] = (struct snap_policy_ref){ SNAP_LAYER_GROUP, first,
		"" };
	p->policies[2] = (struct snap_policy_ref){ SNAP_LAYER_GROUP, second,
		"" };
	p->policies[3] = (struct snap_policy_ref){ SNAP_LAYER_BOUNDARY, "arn:b",
		"boundary" };
	p->policy_count = 4;
	snap_principal_encode(p, &v);
	must_add(b, SNAP_PRINCIPAL, "sarah", 5, v.p, v.len);
	buf_reset(&v);
	for (i = 0; i < count; i++)
		keys[i] = i == 0 ? "arn:first" : "arn:next";
	snap_group_policies_encode("group One", keys, count, &v);
	assert_int_equal(v.err, 0);
	must_add(b, SNAP_GROUP_POLICIES, "ops", 3, v.p, v.len);
	buf_reset(&v);
	snap_group_policies_encode("group Two", keys, 0, &v);
	must_add(b, SNAP_GROUP_POLICIES, "none", 4, v.p, v.len);
	assert_int_equal(snap_builder_write(b, path, 0640, (gid_t)-1), 0);
	snap_builder_free(b);
	buf_release(&v);
	free(p);
}

static void
read_groups(const char *path, struct snap_principal *p)
{
	struct snap *s;
	bool found;
	uint32_t i;

	assert_int_equal(snap_open(path, SNAP_PRIVATE, &s), 0);
	assert_int_equal(snap_principal_by_name(s, "sarah", &found, p), 0);
	assert_true(found);
	for (i = 0; i < p->policy_count; i++)
		assert_int_not_equal(p->policies[i].layer, SNAP_LAYER_GROUP);
	/* What she has of her own stays in any case, and so does the boundary. */
	assert_int_equal(p->policies[0].layer, SNAP_LAYER_IDENTITY);
	assert_int_equal(p->policies[p->policy_count - 1].layer,
	    SNAP_LAYER_BOUNDARY);
	if (p->policy_count == 4) {
		assert_string_equal(p->policies[1].key, "arn:first");
		assert_string_equal(p->policies[1].via, "group One");
		assert_string_equal(p->policies[2].key, "arn:next");
	}
	snap_close(s);
}

static void
test_snap_principal_by_name__policies_of_groups(void **state)
{
	struct snap_principal *p = new_principal();
	char path[] = "/tmp/test_snapshot_records.XXXXXX";
	int fd;

	(void)state;
	assert_true((fd = mkstemp(path)) >= 0);
	close(fd);
	publish_groups(path, "ops", "none", 2);
	read_groups(path, p);
	assert_int_equal(p->policy_count, 4);
	assert_int_equal(p->enabled, 1);
	/* A group that is not there, or more than there is room for: no login. */
	publish_groups(path, "ops", "gone", 2);
	read_groups(path, p);
	assert_int_equal(p->policy_count, 4);
	assert_int_equal(p->enabled, 0);
	publish_groups(path, "ops", "ops", SNAP_POLICIES_MAX / 2);
	read_groups(path, p);
	assert_int_equal(p->enabled, 0);
	unlink(path);
	free(p);
}

/* A record stored under another's key is damage, not an answer. */
static void
test_snap_user_by__record_of_someone_else(void **state)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	char path[] = "/tmp/test_snapshot_records.XXXXXX";
	struct buf v = BUF_INIT;
	struct snap_group g;
	struct snap_user u;
	const char *text;
	struct snap *s;
	size_t n;
	bool found;
	int fd;

	(void)state;
	assert_true((fd = mkstemp(path)) >= 0);
	close(fd);
	snap_user_encode(&sarah, &v);
	must_add(b, SNAP_USER_NAME, "bob", 3, v.p, v.len);
	must_add(b, SNAP_USER_UID, "\7\0\0\0", 4, v.p, v.len);
	must_add(b, SNAP_GROUP_NAME, "bob", 3, v.p, v.len);
	must_add(b, SNAP_SSH_KEYS, "bob", 3, "no newline", 10);
	must_add(b, SNAP_SSH_KEYS, "eve", 3, "a\0b\n", 4);
	publish(b, path);
	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), 0);
	assert_int_equal(snap_user_by_name(s, "bob", &found, &u), IAM_ERR_FORMAT);
	assert_false(found);
	assert_int_equal(snap_user_by_uid(s, 7, &found, &u), IAM_ERR_FORMAT);
	assert_int_equal(snap_group_by_name(s, "bob", &found, &g), IAM_ERR_FORMAT);
	assert_int_equal(snap_ssh_keys(s, "bob", &found, &text, &n), IAM_ERR_FORMAT);
	assert_int_equal(snap_ssh_keys(s, "eve", &found, &text, &n), IAM_ERR_FORMAT);
	snap_close(s);
	unlink(path);
	buf_release(&v);
}

/* More members than the encoder takes: where a pointer has 32 bits, the room for
 * them and their names could be computed as little. */
static void
test_snap_group_by_name__more_members_than_can_be(void **state)
{
	const size_t len = SNAP_VALUE_MAX / 2 + 1;
	uint32_t count = (uint32_t)len / (IAM_UNIX_NAME_MAX + 1) + 1;
	struct snap_builder *b = new_builder(SNAP_PUBLIC, 1);
	char path[] = "/tmp/test_snapshot_records.XXXXXX";
	struct buf v = BUF_INIT;
	struct snap_group g = { .gid = 7, .name = "crew" };
	struct snap *s;
	bool found;
	int fd;

	(void)state;
	assert_true((fd = mkstemp(path)) >= 0);
	close(fd);
	snap_group_encode(&g, &v);
	buf_patch_u32(&v, 8, count);
	buf_patch_u32(&v, 12, (uint32_t)len);
	buf_reserve(&v, count);
	assert_int_equal(v.err, 0);
	memset(v.p + v.len, 0, count);
	v.len += count;
	must_add(b, SNAP_GROUP_NAME, "crew", 4, v.p, v.len);
	publish(b, path);
	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), 0);
	assert_int_equal(snap_group_by_name(s, "crew", &found, &g), IAM_ERR_FORMAT);
	assert_false(found);
	snap_close(s);
	unlink(path);
	buf_release(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snap_user__round_trip_and_damage),
		cmocka_unit_test(test_snap_user_decode__one_bad_byte_anywhere),
		cmocka_unit_test(test_snap_user_decode__names_by_the_rule),
		cmocka_unit_test(test_snap_user_encode__refuses),
		cmocka_unit_test(test_snap_group__round_trip_and_damage),
		cmocka_unit_test(test_snap_group_encode__refuses),
		cmocka_unit_test(test_snap_group_unpack__any_names),
		cmocka_unit_test(test_snap_group_unpack__not_beyond_the_end),
		cmocka_unit_test(
		    test_snap_group_encode__names_that_begin_alike_are_short),
		cmocka_unit_test(test_snap_gids__round_trip_in_order),
		cmocka_unit_test(test_snap_principal__round_trip_and_damage),
		cmocka_unit_test(test_snap_principal_encode__refuses),
		cmocka_unit_test(test_snap_policy__round_trip_and_damage),
		cmocka_unit_test(test_snap_account__round_trip_and_damage),
		cmocka_unit_test(test_snap_action_for__exact_over_prefix_longer_over_shorter),
		cmocka_unit_test(test_private_snapshot__through_a_file),
		cmocka_unit_test(test_snap_principal_by_name__policies_of_groups),
		cmocka_unit_test(test_snap_user_by__record_of_someone_else),
		cmocka_unit_test(test_snap_group_by_name__more_members_than_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
