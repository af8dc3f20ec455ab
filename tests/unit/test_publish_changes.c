/*
 * Publishing what has changed comes to what publishing everything comes to:
 * thousands of random changes, and after each few of them both ways, compared by
 * whatever readers can ask. Documents are made at random, too: some are odd, and
 * the state of the host changes.
 */
#include "tests/unit/members.h"
#include "tests/unit/store_fixture.h"

#include "common/snapshot/accounts.h"
#include "common/snapshot/principal.h"
#include "common/store/internal.h"

#define ROUNDS 250
#define STATIC_USERS 400 /* so that a few changes are few */
#define USERS 24
#define GROUPS 6
#define POLICIES 5
#define DEVICES 8
#define SUBIDS (USERS + 2)
#define ROLES 6
#define ID 2100000000u
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJOGGRbvkgaqy5qvM1o4IX8CEkDwOOkyt6hanDGmzi51"

/* Nothing here is about a disk or a clock, and both take their time. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);

int
__wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	static long ms;

	if (id != CLOCK_MONOTONIC_COARSE)
		return __real_clock_gettime(id, t);
	ms++;
	t->tv_sec = ms / 1000;
	t->tv_nsec = ms % 1000 * 1000000;
	return 0;
}

struct world {
	struct fix fix;
	struct store_paths whole; /* the same store and host, other snapshots */
	char path[2][96];
	uint64_t random;
	unsigned odd;             /* rounds in which something was left out */
	unsigned few;             /* publishes that wrote changes only */
	bool warned;              /* by the last publish of changes */
	unsigned few_odd;         /* publishes that did so although something is odd */
	unsigned merged;          /* rounds in which two files were made one */
	struct snap *a[2], *b[2]; /* public and private: by changes, whole */
};

static unsigned
pick(struct world *w, unsigned n)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (unsigned)(w->random >> 33) % n;
}

static bool
one_in(struct world *w, unsigned n)
{
	return pick(w, n) == 0;
}

/* ---- documents ---- */

static void
put(struct world *w, const char *key, json_t *doc)
{
	assert_non_null(doc);
	assert_int_equal(store_put(w->fix.store, key, doc), 0);
	json_decref(doc);
}

static void
drop(struct world *w, const char *key)
{
	assert_int_equal(store_delete(w->fix.store, key, NULL), 0);
}

static json_t *
some_policy(struct world *w)
{
	static const char *const actions[] = { "host:Login", "host:Sudo", "*" };

	if (one_in(w, 60))
		return json_string("{}"); /* does not compile */
	return json_sprintf("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"%s\","
	    "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":"
	    "{\"aws:PrincipalTag/t\":\"%u\"}}}}", actions[pick(w, 3)], pick(w, 50));
}

static json_t *
some_inline(struct world *w)
{
	json_t *v = json_object();
	char name[8];
	unsigned n;

	for (n = pick(w, 3); n > 0; n--) {
		snprintf(name, sizeof(name), "P%u", pick(w, 4));
		json_object_set_new(v, name, some_policy(w));
	}
	return v;
}

static bool
exists(struct world *w, const char *key)
{
	json_t *doc = NULL;

	assert_int_equal(store_get(w->fix.store, key, &doc), 0);
	json_decref(doc);
	return doc != NULL;
}

static json_t *
some_attached(struct world *w)
{
	json_t *v = json_array();
	char key[32];
	unsigned n;

	for (n = pick(w, 3); n > 0; n--) {
		snprintf(key, sizeof(key), "policies/p%u", pick(w, POLICIES));
		if (one_in(w, 3))
			json_array_append_new(v, json_string(FIX_MANAGED));
		else if (exists(w, key) || one_in(w, 100))
			json_array_append_new(v, json_sprintf("arn:aws:iam::"
			    FIX_ACCOUNT ":policy/%s", key + 9));
	}
	return v;
}

static json_t *
some_groups(struct world *w)
{
	json_t *v = json_array();
	char key[32];
	unsigned n;

	for (n = pick(w, 4); n > 0; n--) {
		snprintf(key, sizeof(key), "groups/G%u", pick(w, GROUPS));
		if (exists(w, key) || one_in(w, 200))
			json_array_append_new(v, json_string(key + 7));
	}
	return v;
}

/* A range that no other user has: the next one mostly, so that all go around. */
static unsigned
free_range(struct world *w, const char *key)
{
	bool used[SUBIDS] = { false };
	char other[32];
	json_t *doc;
	json_int_t n;
	unsigned i;

	for (i = 0; i < USERS; i++) {
		snprintf(other, sizeof(other), "users/User%u", i);
		assert_int_equal(store_get(w->fix.store, other, &doc), 0);
		n = json_integer_value(json_object_get(doc, "SubordinateIdStart"));
		if (n != 0 && strcmp(other, key) != 0)
			used[(n - IAM_SUBID_MIN_DEFAULT) / IAM_SUBID_COUNT] = true;
		json_decref(doc);
	}
	for (i = pick(w, SUBIDS); used[i]; i = (i + 1) % SUBIDS)
		;
	return i;
}

static void
change_user(struct world *w)
{
	unsigned i = pick(w, USERS), id = ID + 1000 + i;
	char key[32], unix_name[32];
	json_t *doc;

	snprintf(key, sizeof(key), "users/User%u", i);
	if (one_in(w, 5)) {
		drop(w, key);
		return;
	}
	/* One name or id may be another's, or a local account's. */
	snprintf(unix_name, sizeof(unix_name), "u%u%s", one_in(w, 150) ?
	    pick(w, USERS) : i, one_in(w, 8) ? "x" : "");
	if (one_in(w, 150))
		snprintf(unix_name, sizeof(unix_name), "%s",
		    one_in(w, 2) ? "alice" : "g1");
	if (one_in(w, 100))
		id = ID + 1000 + pick(w, USERS);
	doc = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:b,"
	    " s:o, s:o, s:o, s:{s:s}, s:[{s:s, s:s}],"
	    " s:[{s:s, s:s, s:s}], s:s}", "UserName", key + 6, "UserId",
	    "AIDA", "Arn", key, "UnixName", unix_name, "Uid", (int)id, "Gid",
	    (int)(one_in(w, 300) ? id + 1 : id), "Gecos", one_in(w, 2) ? "" : "X",
	    "Home", "/home/x", "Shell", "/bin/sh", "Enabled", !one_in(w, 4),
	    "Groups", some_groups(w), "AttachedPolicies", some_attached(w),
	    "InlinePolicies", some_inline(w), "LoginProfile", "PasswordHash",
	    one_in(w, 2) ? "$y$a" : "$y$b", "Tags", "Key", "t", "Value", "1",
	    "SSHPublicKeys", "SSHPublicKeyBody", KEY, "SSHPublicKeyId", "APKA",
	    "Status", one_in(w, 2) ? "Active" : "Inactive", "CreateDate",
	    "2026-11-24T09:30:00Z");
	if (i == 5 && !one_in(w, 20)) { /* a local account */
		json_object_set_new(doc, "Adopted", json_true());
		json_object_set_new(doc, "UnixName", json_string("alice"));
		json_object_set_new(doc, "Uid", json_integer(1000));
		json_object_set_new(doc, "Gid", json_integer(1000));
	}
	if (one_in(w, 6))
		json_object_set_new(doc, "PermissionsBoundary",
		    json_string(FIX_MANAGED));
	if (!one_in(w, 3)) /* few of them: one goes from user to user */
		json_object_set_new(doc, "SubordinateIdStart", json_integer(
		    IAM_SUBID_MIN_DEFAULT + IAM_SUBID_COUNT *
		    (json_int_t)(one_in(w, 50) ? pick(w, SUBIDS) : free_range(w, key))));
	put(w, key, doc);
}

/* A group is emptied before it goes, but for now and then. */
static void
drop_group(struct world *w, const char *key)
{
	char user[32];
	json_t *doc, *name;
	unsigned i;
	size_t k;

	for (i = 0; i < USERS && !one_in(w, 100); i++) {
		snprintf(user, sizeof(user), "users/User%u", i);
		assert_int_equal(store_get(w->fix.store, user, &doc), 0);
		if (doc == NULL)
			continue;
		json_array_foreach(json_object_get(doc, "Groups"), k, name) {
			if (strcmp(json_string_value(name), key + 7) == 0)
				json_array_remove(json_object_get(doc, "Groups"), k--);
		}
		put(w, user, doc);
	}
	drop(w, key);
}

static void
change_group(struct world *w)
{
	unsigned i = pick(w, GROUPS);
	char key[32], unix_name[16];
	json_t *doc, *local;

	snprintf(key, sizeof(key), "groups/G%u", i);
	if (one_in(w, 6)) {
		drop_group(w, key);
		return;
	}
	snprintf(unix_name, sizeof(unix_name), "g%u%s", i, one_in(w, 30) ? "y" : "");
	local = json_array();
	if (i == 2 || one_in(w, 40))
		json_array_append_new(local, json_string("sudo"));
	if (one_in(w, 12)) /* not listed */
		json_array_append_new(local, json_string("games"));
	doc = json_pack("{s:s, s:s, s:i, s:o, s:o, s:o}", "GroupName", key + 7,
	    "UnixName", unix_name, "Gid", (int)(ID + 100 + i), "LocalGroups", local,
	    "AttachedPolicies", some_attached(w), "InlinePolicies", some_inline(w));
	put(w, key, doc);
}

static void
change_policy(struct world *w)
{
	unsigned i = pick(w, POLICIES);
	char key[32];

	snprintf(key, sizeof(key), "policies/p%u", i);
	if (one_in(w, 60)) {
		drop(w, key);
		return;
	}
	put(w, key, json_pack("{s:s, s:o, s:s, s:[{s:s, s:o}]}", "PolicyName",
	    key + 9, "Arn", json_sprintf("arn:aws:iam::" FIX_ACCOUNT ":policy/p%u",
	    one_in(w, 60) ? pick(w, POLICIES) : i), "DefaultVersionId", "v1",
	    "Versions", "VersionId", "v1", "Document", some_policy(w)));
}

static void
change_device(struct world *w)
{
	unsigned i = pick(w, DEVICES);
	char key[32], user[32];
	json_t *doc;

	snprintf(key, sizeof(key), "mfa/Dev%u", i);
	snprintf(user, sizeof(user), "users/USER%u", pick(w, USERS));
	if (one_in(w, 4)) {
		drop(w, key);
		return;
	}
	doc = json_pack("{s:o, s:s, s:s, s:i, s:i, s:i}", "SerialNumber",
	    json_sprintf("arn:aws:iam::" FIX_ACCOUNT ":mfa/Dev%u", i), "SealedSeed",
	    one_in(w, 2) ? "AAECAw==" : "AAECBA==", "Algorithm", "SHA1", "Digits",
	    6, "Period", 30, "EnableStep", (int)pick(w, 1000) + 1);
	if (exists(w, user) || one_in(w, 30)) {
		json_object_set_new(doc, "UserName", json_string(user + 6));
		json_object_set_new(doc, "EnableDate",
		    json_string("2026-11-24T09:30:00Z"));
	}
	put(w, key, doc);
}

static void
change_role(struct world *w)
{
	unsigned i = pick(w, ROLES);
	char key[32], unix_name[32];

	/* Named as a user, whose devices and policies are not its own. */
	snprintf(key, sizeof(key), "roles/User%u", i);
	if (one_in(w, 5)) {
		drop(w, key);
		return;
	}
	snprintf(unix_name, sizeof(unix_name), "r%u%s", i, one_in(w, 8) ? "x" : "");
	if (one_in(w, 100))
		snprintf(unix_name, sizeof(unix_name), "u%u", pick(w, USERS));
	put(w, key, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:b,"
	    " s:i, s:s, s:o, s:o}", "RoleName", key + 6, "RoleId", "AROA", "Arn",
	    key, "UnixName", unix_name, "Uid", (int)(ID + 500 + i), "Gid",
	    (int)(ID + 500 + i), "Gecos", "", "Home", "/home/x", "Shell", "/bin/sh",
	    "Enabled", !one_in(w, 4), "MaxSessionDuration", 3600 + (int)pick(w, 9),
	    "AssumeRolePolicyDocument", one_in(w, 60) ? "{}" :
	    "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
	    "\"sts:AssumeRole\"}}", "AttachedPolicies", some_attached(w),
	    "InlinePolicies", some_inline(w)));
}

static void
change_account(struct world *w)
{
	put(w, "account", json_pack("{s:s, s:o}", "AccountId", FIX_ACCOUNT,
	    "AccountAlias", json_sprintf("a%u", pick(w, 9))));
}

static void
change_something(struct world *w)
{
	unsigned n = pick(w, 100);

	if (n < 45)
		change_user(w);
	else if (n < 55)
		change_role(w);
	else if (n < 70)
		change_device(w);
	else if (n < 85)
		change_group(w);
	else if (n < 97)
		change_policy(w);
	else
		change_account(w);
}

static void
change_host(struct world *w)
{
	struct store_paths *paths = &w->fix.paths;
	char text[256];

	switch (pick(w, 4)) {
	case 0:
		snprintf(text, sizeof(text), "{\"region\": \"r%u\", \"hostname\":"
		    " \"h\"}", pick(w, 5));
		fix_file(paths->host, text);
		break;
	case 1:
		snprintf(text, sizeof(text), "{\"localGroups\": [\"sudo\"%s]}",
		    one_in(w, 2) ? ", \"adm\"" : "");
		fix_file(paths->settings, text);
		break;
	case 2:
		snprintf(text, sizeof(text), "root:x:0:0::/:/bin/sh\nu%u:x:%u:1::/:\n",
		    pick(w, 3 * USERS), one_in(w, 2) ? 1000 : ID + 1000 + pick(w, 99));
		fix_file(paths->passwd, text);
		break;
	default:
		snprintf(text, sizeof(text), "root:x:0:\nsudo:x:%u:\n",
		    27 + pick(w, 2));
		fix_file(paths->group, text);
		break;
	}
}

/* Away with what is odd, and the host as it was. */
static int
drop_one(void *arg, const char *key, json_t *doc)
{
	(void)doc;
	if (strncmp(key, "users/static", 12) != 0)
		drop(arg, key);
	return 0;
}

static void
mend(struct world *w)
{
	struct store *s = w->fix.store;

	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_each(s, "users/", drop_one, w), 0);
	assert_int_equal(store_each(s, "roles/", drop_one, w), 0);
	assert_int_equal(store_each(s, "groups/", drop_one, w), 0);
	assert_int_equal(store_each(s, "policies/", drop_one, w), 0);
	assert_int_equal(store_each(s, "mfa/", drop_one, w), 0);
	assert_int_equal(store_commit(s, "arn:root", "Mend", NULL), 0);
	fix_file(w->fix.paths.passwd, "root:x:0:0::/:/bin/sh\n"
	    "alice:x:1000:1000::/:/bin/sh\n");
}

/* ---- comparing ---- */

static void
assert_same(const struct buf *a, const struct buf *b, const char *what)
{
	assert_int_equal(a->err, 0);
	assert_int_equal(b->err, 0);
	if (a->len != b->len || memcmp(buf_cstr(a), buf_cstr(b), a->len) != 0)
		fail_msg("%s differs", what);
}

static void
put_group(const struct snap_group *g, struct buf *b)
{
	struct buf members = members_of(g);
	struct snap_group with = *g;

	with.members = buf_cstr(&members);
	snap_group_encode(&with, b);
	buf_release(&members);
}

static void
say_subids(const struct snap *s, const char *name, uint32_t id, struct buf *b)
{
	uint32_t start = IAM_SUBID_MIN_DEFAULT + IAM_SUBID_COUNT * (id % SUBIDS);
	struct snap_subids range;
	bool found;

	assert_int_equal(snap_subids_by_owner(s, name, &found, &range), 0);
	if (found)
		snap_subids_encode(&range, b);
	assert_int_equal(snap_subids_by_id(s, start, &found, &range), 0);
	if (found)
		snap_subids_encode(&range, b);
}

/* Everything that the public snapshot says of a name and of an id. */
static void
say_account(const struct snap *s, const char *name, uint32_t id, struct buf *b)
{
	struct snap_user u;
	struct snap_group g;
	struct snap_gids gids;
	const char *text;
	bool found;
	size_t n;

	assert_int_equal(snap_user_by_name(s, name, &found, &u), 0);
	if (found)
		snap_user_encode(&u, b);
	assert_int_equal(snap_user_by_uid(s, id, &found, &u), 0);
	if (found)
		snap_user_encode(&u, b);
	assert_int_equal(snap_group_by_name(s, name, &found, &g), 0);
	if (found)
		put_group(&g, b);
	assert_int_equal(snap_group_by_gid(s, id, &found, &g), 0);
	if (found)
		put_group(&g, b);
	assert_int_equal(snap_member_of(s, name, &found, &gids), 0);
	while (found && gids.count > 0)
		buf_u32(b, snap_gids_next(&gids));
	assert_int_equal(snap_ssh_keys(s, name, &found, &text, &n), 0);
	if (found)
		buf_put(b, text, n);
	say_subids(s, name, id, b);
}

static void
compare_account(struct world *w, const char *name, uint32_t id)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	say_account(w->a[0], name, id, &a);
	say_account(w->b[0], name, id, &b);
	assert_same(&a, &b, name);
	buf_release(&a);
	buf_release(&b);
}

static void
say_principal(const struct snap *s, const char *name, struct buf *b)
{
	static struct snap_principal p;
	struct snap_policy policy;
	bool found;
	uint32_t i;

	assert_int_equal(snap_principal_by_name(s, name, &found, &p), 0);
	if (!found)
		return;
	snap_principal_encode(&p, b);
	for (i = 0; i < p.policy_count; i++) {
		assert_int_equal(snap_policy_by_key(s, p.policies[i].key, &found,
		    &policy), 0);
		buf_u8(b, found);
		if (found)
			snap_policy_encode(&policy, b);
	}
}

static void
compare_principal(struct world *w, const char *name)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	say_principal(w->a[1], name, &a);
	say_principal(w->b[1], name, &b);
	assert_same(&a, &b, name);
	buf_release(&a);
	buf_release(&b);
}

static void
compare_accounts(struct world *w)
{
	static struct snap_account account;
	struct buf a = BUF_INIT, b = BUF_INIT;

	assert_int_equal(snap_account_get(w->a[1], &account), 0);
	snap_account_encode(&account, &a);
	assert_int_equal(snap_account_get(w->b[1], &account), 0);
	snap_account_encode(&account, &b);
	assert_same(&a, &b, "account");
	buf_release(&a);
	buf_release(&b);
}

/* Walk one, and ask both for everything that it has. */
static void
compare_walk(struct world *w, const struct snap *s)
{
	struct snap_user u;
	struct snap_group g;
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	bool found;

	for (;;) {
		assert_int_equal(snap_user_next(s, &cursor, &found, &u), 0);
		if (!found)
			break;
		compare_account(w, u.name, u.uid);
		compare_principal(w, u.name);
	}
	snap_cursor_release(&cursor);
	for (;;) {
		assert_int_equal(snap_group_next(s, &cursor, &found, &g), 0);
		if (!found)
			break;
		compare_account(w, g.name, g.gid);
	}
	snap_cursor_release(&cursor);
}

static void
open_all(struct world *w)
{
	assert_int_equal(snap_open(w->fix.paths.public_snapshot, SNAP_PUBLIC,
	    &w->a[0]), 0);
	assert_int_equal(snap_open(w->fix.paths.private_snapshot, SNAP_PRIVATE,
	    &w->a[1]), 0);
	assert_int_equal(snap_open(w->whole.public_snapshot, SNAP_PUBLIC,
	    &w->b[0]), 0);
	assert_int_equal(snap_open(w->whole.private_snapshot, SNAP_PRIVATE,
	    &w->b[1]), 0);
}

static void
close_all(struct world *w)
{
	int i;

	for (i = 0; i < 2; i++) {
		snap_close(w->a[i]);
		snap_close(w->b[i]);
		w->a[i] = w->b[i] = NULL;
	}
}

static void
compare(struct world *w)
{
	static const enum snap_table tables[] = { SNAP_USER_NAME, SNAP_USER_UID,
		SNAP_GROUP_NAME, SNAP_GROUP_GID, SNAP_MEMBER_OF, SNAP_SSH_KEYS,
		SNAP_SUBIDS };
	struct snap_info info, other;
	size_t i;

	open_all(w);
	for (i = 0; i < 2; i++) {
		assert_int_equal(snap_verify(w->a[i]), 0);
		snap_info(w->a[i], &info);
		snap_info(w->b[i], &other);
		assert_int_equal(info.revision, other.revision);
		w->few += info.changes > 0;
		w->few_odd += info.changes > 0 && w->warned;
	}
	for (i = 0; i < IAM_COUNT(tables); i++)
		assert_int_equal(snap_count(w->a[0], tables[i]),
		    snap_count(w->b[0], tables[i]));
	assert_int_equal(snap_count(w->a[1], SNAP_PRINCIPAL),
	    snap_count(w->b[1], SNAP_PRINCIPAL));
	assert_int_equal(snap_count(w->a[1], SNAP_GROUP_POLICIES),
	    snap_count(w->b[1], SNAP_GROUP_POLICIES));
	compare_accounts(w);
	compare_walk(w, w->a[0]);
	compare_walk(w, w->b[0]);
	close_all(w);
}

/* Of the same document. */
static bool
is_warned_of(const json_t *warnings, const char *text)
{
	size_t len = strcspn(text, " "), i;
	json_t *one;

	json_array_foreach(warnings, i, one) {
		if (strncasecmp(json_string_value(one), text, len) == 0)
			return true;
	}
	return false;
}

static void
publish_both(struct world *w)
{
	json_t *a = NULL, *b = NULL, *one;
	struct iam_why why = { 0 };
	bool current;
	size_t i;

	if (store_publish_changes(w->fix.store, &w->fix.paths, &a, &why) != 0)
		fail_msg("%s", why.text);
	if (store_publish(w->fix.store, &w->whole, &b, &why) != 0)
		fail_msg("%s", why.text);
	/* A policy that is not there is nobody's change who has it; and who has taken a name
	 * is not always known. */
	json_array_foreach(a, i, one) {
		if (!is_warned_of(b, json_string_value(one)))
			fail_msg("%s", json_string_value(one));
	}
	w->odd = json_array_size(b) > 0 ? w->odd + 1 : 0;
	w->warned = json_array_size(a) > 0;
	json_decref(a);
	json_decref(b);
	assert_int_equal(store_published(w->fix.store, &w->fix.paths, &current), 0);
	assert_true(current);
}

/* Two files become one meanwhile, as behind the back of whoever publishes. */
static void
begin_merge(struct world *w, struct snap *then[2], bool now)
{
	then[0] = then[1] = NULL;
	if (!now)
		return;
	assert_int_equal(snap_merge_begin(w->fix.paths.public_snapshot,
	    SNAP_PUBLIC, 0644, (gid_t)-1, &then[0]), 0);
	assert_int_equal(snap_merge_begin(w->fix.paths.private_snapshot,
	    SNAP_PRIVATE, 0640, (gid_t)-1, &then[1]), 0);
}

static bool
end_merge(struct world *w, struct snap *then[2])
{
	bool any = then[0] != NULL || then[1] != NULL;

	if (then[0] != NULL)
		assert_int_equal(snap_merge_end(w->fix.paths.public_snapshot,
		    SNAP_PUBLIC, 0644, (gid_t)-1, then[0]), 0);
	if (then[1] != NULL)
		assert_int_equal(snap_merge_end(w->fix.paths.private_snapshot,
		    SNAP_PRIVATE, 0640, (gid_t)-1, then[1]), 0);
	w->merged += any;
	snap_close(then[0]);
	snap_close(then[1]);
	return any;
}

static void
test_store_publish_changes__comes_to_what_everything_comes_to(void **state)
{
	struct world *w = *state;
	struct snap *then[2];
	unsigned round, n;

	for (round = 0; round < ROUNDS; round++) {
		begin_merge(w, then, round > 0 && one_in(w, 4));
		assert_int_equal(store_begin(w->fix.store), 0);
		for (n = one_in(w, 10) ? 10 : 1 + pick(w, 3); n > 0; n--)
			change_something(w);
		assert_int_equal(store_commit(w->fix.store, "arn:root", "Test", NULL),
		    0);
		if (one_in(w, 40))
			change_host(w);
		publish_both(w);
		compare(w);
		if (end_merge(w, then))
			compare(w);
		if (w->odd > 12)
			mend(w);
	}
	/* It has been about changes, and not about publishing everything twice. */
	print_message("%u snapshots were changes, %u with warnings, %u were made"
	    " one file\n", w->few, w->few_odd, w->merged);
	assert_true(w->few_odd > ROUNDS / 8);
	assert_true(w->few > ROUNDS / 2);
	assert_true(w->merged > ROUNDS / 16);
}

static void
copy(const char *from, const char *to)
{
	struct buf b = BUF_INIT;

	assert_int_equal(file_read(from, FILE_ROOT_ONLY, 64 << 20, &b), 0);
	assert_int_equal(file_replace(to, b.p, b.len, 0600, (gid_t)-1), 0);
	buf_release(&b);
}

static void
put_gecos(struct world *w, const char *user, const char *gecos)
{
	json_t *doc = NULL;
	char key[32];

	snprintf(key, sizeof(key), "users/%s", user);
	assert_int_equal(store_get(w->fix.store, key, &doc), 0);
	assert_non_null(doc);
	json_object_set_new(doc, "Gecos", json_string(gecos));
	assert_int_equal(store_begin(w->fix.store), 0);
	put(w, key, doc);
	assert_int_equal(store_commit(w->fix.store, "arn:root", "Test", NULL), 0);
}

/*
 * A store that was restored from a backup counts the same revisions once more, with
 * other changes in them: what was published from the first is not built upon.
 */
static void
test_store_publish_changes__a_store_that_was_restored(void **state)
{
	struct world *w = *state;
	char saved[128];

	snprintf(saved, sizeof(saved), "%s.saved", w->fix.path[0]);
	publish_both(w);
	store_close(w->fix.store);
	copy(w->fix.path[0], saved);
	fix_open(&w->fix, false);
	put_gecos(w, "static1", "before");
	put_gecos(w, "static2", "before");
	publish_both(w);
	compare(w);
	assert_true(w->few > 0);
	store_close(w->fix.store);
	copy(saved, w->fix.path[0]);
	fix_open(&w->fix, false);
	put_gecos(w, "static3", "after");
	put_gecos(w, "static4", "after");
	publish_both(w);
	compare(w);
	put_gecos(w, "static5", "after");
	publish_both(w);
	compare(w);
}

/*
 * S27: killed when one of the two was written, in the second of the publish before, and of the
 * same revision: what is left of that one is not taken for this one's.
 */
static void
test_store_publish_changes__killed_between_the_two(void **state)
{
	struct world *w = *state;
	char saved[128];
	unsigned i;

	snprintf(saved, sizeof(saved), "%s.saved", w->fix.path[0]);
	assert_int_equal(store_begin(w->fix.store), 0);
	put(w, "groups/Ops", json_pack("{s:s, s:s, s:i, s:[s]}", "GroupName", "Ops",
	    "UnixName", "ops", "Gid", (int)(ID + 900), "LocalGroups", "sudo"));
	put(w, "users/Carla", json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s,"
	    " s:b, s:[s]}", "UserName", "Carla", "UserId", "AIDA", "Arn", "carla",
	    "UnixName", "carla", "Uid", (int)(ID + 901), "Gid", (int)(ID + 901),
	    "Home", "/h", "Shell", "/bin/sh", "Enabled", 1, "Groups", "Ops"));
	assert_int_equal(store_commit(w->fix.store, "arn:root", "Test", NULL), 0);
	fix_file(w->fix.paths.group, "root:x:0:\nsudo:x:27:\n");
	for (i = 0; i < 3; i++) {
		fix_file(w->fix.paths.settings, "{\"localGroups\": [\"sudo\"]}");
		publish_both(w);
		copy(w->fix.paths.public_snapshot, saved);
		fix_file(w->fix.paths.settings, "{\"localGroups\": []}");
		publish_both(w);
		copy(saved, w->fix.paths.public_snapshot);
		publish_both(w);
		compare(w);
	}
}

/* Damage that is met on the way is mended by publishing everything. */
static void
test_store_publish_changes__damage_is_mended(void **state)
{
	struct world *w = *state;

	publish_both(w);
	assert_int_equal(truncate(w->fix.paths.public_snapshot, 8192), 0);
	put_gecos(w, "static1", "x");
	publish_both(w);
	compare(w);
	put_gecos(w, "static1", "y");
	publish_both(w);
	assert_int_equal(unlink(w->fix.paths.private_snapshot), 0);
	put_gecos(w, "static1", "z");
	publish_both(w);
	compare(w);
}

static void
add_static(struct world *w, unsigned from, unsigned to)
{
	char key[32], home[200];
	unsigned i;

	memset(home, 'h', sizeof(home) - 1);
	home[0] = '/';
	home[sizeof(home) - 1] = '\0';
	assert_int_equal(store_begin(w->fix.store), 0);
	for (i = from; i < to; i++) {
		snprintf(key, sizeof(key), "users/static%u", i);
		put(w, key, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:b,"
		    " s:{s:s}}", "UserName", key + 6, "UserId", "AIDA", "Arn", key,
		    "UnixName", key + 6, "Uid", (int)(ID + 5000 + i), "Gid",
		    (int)(ID + 5000 + i), "Home", home, "Shell", "/bin/sh", "Enabled",
		    1, "InlinePolicies", "P", FIX_ALLOW));
	}
	assert_int_equal(store_commit(w->fix.store, "arn:root", "Test", NULL), 0);
}

/* Steps of SQLite's machine and blocks of the snapshots that one change takes. */
static int
steps_of_a_change(struct world *w, const char *gecos)
{
	struct store *s = w->fix.store;
	int steps = 0;
	size_t i;

	put_gecos(w, "static1", gecos);
	for (i = 0; i < STORE_STMT_COUNT; i++)
		if (s->stmt[i] != NULL)
			sqlite3_stmt_status(s->stmt[i], SQLITE_STMTSTATUS_VM_STEP, 1);
	assert_int_equal(store_publish_changes(s, &w->fix.paths, NULL, NULL), 0);
	for (i = 0; i < STORE_STMT_COUNT; i++)
		if (s->stmt[i] != NULL)
			steps += sqlite3_stmt_status(s->stmt[i],
			    SQLITE_STMTSTATUS_VM_STEP, 0);
	return steps;
}

static void
test_store_publish_changes__costs_the_same_in_a_large_store(void **state)
{
	struct world *w = *state;
	int few, many;

	publish_both(w);
	steps_of_a_change(w, "first");
	few = steps_of_a_change(w, "second");
	add_static(w, STATIC_USERS, 5 * STATIC_USERS);
	publish_both(w);
	many = steps_of_a_change(w, "third");
	if (many > few + 50)
		fail_msg("%d steps, and %d in a smaller store", many, few);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	fix_setup(&w->fix);
	w->random = 88172645463325252u;
	w->whole = w->fix.paths;
	snprintf(w->path[0], sizeof(w->path[0]), "%s/whole/public", w->fix.dir);
	snprintf(w->path[1], sizeof(w->path[1]), "%s/whole/private", w->fix.dir);
	w->whole.public_snapshot = w->path[0];
	w->whole.private_snapshot = w->path[1];
	add_static(w, 0, STATIC_USERS);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	close_all(w);
	fix_teardown(&w->fix);
	free(w);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_store_publish_changes__a_store_that_was_restored,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_store_publish_changes__killed_between_the_two, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_store_publish_changes__damage_is_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_store_publish_changes__costs_the_same_in_a_large_store,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_store_publish_changes__comes_to_what_everything_comes_to,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
