/*
 * One file of two while writers go on: whatever was changed before, during and
 * after, back to what it was included, readers see what was written last.
 */
#include "tests/unit/snap_faults.h"
#include "tests/unit/snap_fixture.h"
#include "tests/unit/snap_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MANY 2000u
#define KEYS 24u
#define ROUNDS 120u

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

/* Somebody who comes at once when path has another file, when there is such a one. */
static bool come_at_once;
static struct snap *newcomer;

int
__wrap_rename(const char *from, const char *to)
{
	int rc = __real_rename(from, to);

	if (rc == 0 && come_at_once && strcmp(to, path) == 0) {
		assert_int_equal(snap_open(path, SNAP_PUBLIC, &newcomer), 0);
		snap_park(newcomer);
	}
	return rc;
}

/* ---- what there should be ---- */

struct model {
	uint64_t random, revision;
	uint32_t uid[KEYS];  /* of "kN"; 0: there is none */
	unsigned keys[KEYS]; /* her SSH keys: a number, 0: none */
};

static unsigned
pick(struct model *m, unsigned n)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (unsigned)(m->random >> 33) % n;
}

static bool
is_used(const struct model *m, uint32_t uid)
{
	unsigned i;

	for (i = 0; i < KEYS; i++) {
		if (m->uid[i] == uid)
			return true;
	}
	return false;
}

static void
put(struct snap_builder *b, const struct model *m, unsigned i)
{
	char name[16], text[32];

	snprintf(name, sizeof(name), "k%u", i);
	if (m->uid[i] != 0)
		add_plain_user(b, name, m->uid[i]);
	snprintf(text, sizeof(text), "key %u\n", m->keys[i]);
	if (m->keys[i] != 0)
		must_add(b, SNAP_SSH_KEYS, name, strlen(name), text, strlen(text));
}

static void
publish_all(struct model *m)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, ++m->revision);
	char name[16];
	unsigned i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		add_plain_user(b, name, FIRST_ID + 1000 + i);
	}
	for (i = 0; i < KEYS; i++)
		put(b, m, i);
	publish(b, path);
}

/* One, two or three of them become something else; ids go around among them. */
static void
publish_some(struct model *m)
{
	struct snap_builder *b = NULL;
	struct snap *s = NULL;
	bool touched[KEYS] = { false };
	char name[16];
	unsigned n, i;
	uint32_t uid;

	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), 0);
	assert_int_equal(snap_builder_over(s, ++m->revision, 1795512600, &b), 0);
	for (n = 1 + pick(m, 3); n > 0; n--) {
		i = pick(m, KEYS);
		uid = FIRST_ID + pick(m, KEYS);
		m->uid[i] = pick(m, 3) == 0 ? 0 : is_used(m, uid) ? m->uid[i] : uid;
		m->keys[i] = m->uid[i] == 0 ? 0 : pick(m, 3);
		touched[i] = true;
	}
	for (i = 0; i < KEYS; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		if (!touched[i])
			continue;
		assert_int_equal(snap_builder_remove(b, SNAP_USER_NAME, name,
		    strlen(name)), 0);
		assert_int_equal(snap_builder_remove(b, SNAP_SSH_KEYS, name,
		    strlen(name)), 0);
	}
	for (i = 0; i < KEYS; i++)
		if (touched[i])
			put(b, m, i);
	publish(b, path);
	snap_close(s);
}

static void
assert_key(const struct model *m, const struct snap *s, unsigned i)
{
	char name[16], want[32];
	const char *text;
	struct snap_user u;
	bool found;
	size_t len;

	snprintf(name, sizeof(name), "k%u", i);
	assert_int_equal(snap_user_by_name(s, name, &found, &u), 0);
	assert_int_equal(found, m->uid[i] != 0);
	if (found)
		assert_int_equal(u.uid, m->uid[i]);
	assert_int_equal(snap_ssh_keys(s, name, &found, &text, &len), 0);
	assert_int_equal(found, m->keys[i] != 0);
	snprintf(want, sizeof(want), "key %u\n", m->keys[i]);
	if (found)
		assert_memory_equal(text, want, len);
	assert_int_equal(snap_user_by_uid(s, FIRST_ID + i, &found, &u), 0);
	assert_int_equal(found, is_used(m, FIRST_ID + i));
	if (found)
		assert_int_equal(m->uid[strtoul(u.name + 1, NULL, 10)], FIRST_ID + i);
}

static void
assert_all(const struct model *m)
{
	struct snap_info info;
	struct snap *s = NULL;
	unsigned i, n = MANY;

	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), 0);
	assert_int_equal(snap_verify(s), 0);
	snap_info(s, &info);
	assert_int_equal(info.revision, m->revision);
	for (i = 0; i < KEYS; i++) {
		assert_key(m, s, i);
		n += m->uid[i] != 0;
	}
	assert_int_equal(snap_count(s, SNAP_USER_NAME), n);
	assert_int_equal(snap_count(s, SNAP_USER_UID), n);
	snap_close(s);
}

static uint64_t
changes(void)
{
	struct snap_info info;
	struct snap *s = NULL;

	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), 0);
	snap_info(s, &info);
	snap_close(s);
	return info.changes;
}

static struct snap *
begin(void)
{
	struct snap *s = NULL;

	assert_int_equal(snap_merge_begin(path, SNAP_PUBLIC, 0644, (gid_t)-1, &s),
	    0);
	return s;
}

static void
end(struct snap *s)
{
	assert_int_equal(snap_merge_end(path, SNAP_PUBLIC, 0644, (gid_t)-1, s), 0);
	snap_close(s);
}

static struct model
new_model(void)
{
	struct model m = { .random = 88172645463325252u };
	unsigned i;

	for (i = 0; i < KEYS; i += 2)
		m.uid[i] = FIRST_ID + i;
	publish_all(&m);
	return m;
}

static void
test_snap_merge_end__changes_before_and_meanwhile(void **state)
{
	struct model m = new_model();
	unsigned round, n;
	struct snap *s;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		for (n = pick(&m, 8) + 1; n > 0; n--)
			publish_some(&m);
		s = begin();
		assert_non_null(s);
		for (n = pick(&m, 4); n > 0; n--)
			publish_some(&m);
		assert_all(&m);
		end(s);
		assert_all(&m);
		assert_int_equal(count_files(), changes() > 0 ? 2 : 1);
	}
}

/* What has been merged is not written beside it once more. */
static void
test_snap_merge_end__only_what_was_changed_meanwhile(void **state)
{
	struct model m = new_model();
	struct snap_builder *b = NULL;
	struct snap *s = NULL;
	uint64_t before;
	char name[16];
	unsigned i;

	(void)state;
	assert_int_equal(snap_open(path, SNAP_PUBLIC, &s), 0);
	assert_int_equal(snap_builder_over(s, ++m.revision, 1795512600, &b), 0);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		add_plain_user(b, name, FIRST_ID + 500 + i);
	}
	publish(b, path);
	snap_close(s);
	s = begin();
	publish_some(&m);
	before = changes();
	end(s);
	assert_in_range(changes(), 1, before / 2);
}

/* Both files stay what they are from the moment that the upper one is there: nobody
 * who has opened them has to do so again. */
static void
test_snap_merge_end__nobody_opens_twice(void **state)
{
	struct model m = new_model();
	struct snap_user u;
	struct snap *s;
	bool found;

	(void)state;
	publish_some(&m);
	s = begin();
	publish_some(&m);
	come_at_once = true;
	end(s);
	come_at_once = false;
	assert_non_null(newcomer);
	assert_true(changes() > 0);
	assert_int_equal(snap_user_by_name(newcomer, "u7", &found, &u), 0);
	assert_true(found);
	snap_close(newcomer);
}

static void
test_snap_merge_begin__nothing_to_do(void **state)
{
	struct model m = new_model();

	(void)state;
	assert_null(begin());
	assert_int_equal(count_files(), 1);
	assert_all(&m);
}

/* Everything was published meanwhile: what was merged is of no use. */
static void
test_snap_merge_end__everything_is_new(void **state)
{
	struct model m = new_model();
	struct snap *s;

	(void)state;
	publish_some(&m);
	s = begin();
	publish_some(&m);
	publish_all(&m);
	end(s);
	assert_all(&m);
	assert_int_equal(count_files(), 1);
	publish_some(&m);
	s = begin();
	publish_all(&m);
	publish_some(&m);
	end(s);
	assert_all(&m);
	assert_int_equal(count_files(), 2);
}

/* Killed in between: the next one begins anew, and nothing of it stays. */
static void
test_snap_merge_begin__after_one_that_was_killed(void **state)
{
	struct model m = new_model();

	(void)state;
	publish_some(&m);
	snap_close(begin());
	assert_int_equal(count_files(), 3);
	publish_some(&m);
	assert_all(&m);
	end(begin());
	assert_all(&m);
	assert_int_equal(count_files(), 1);
}

static void
test_snap_merge__disk_full(void **state)
{
	struct model m = new_model();
	struct snap *s = NULL;

	(void)state;
	publish_some(&m);
	disk_full = true;
	assert_int_equal(snap_merge_begin(path, SNAP_PUBLIC, 0644, (gid_t)-1, &s),
	    IAM_ERR_IO);
	disk_full = false;
	assert_null(s);
	assert_int_equal(count_files(), 2);
	s = begin();
	publish_some(&m);
	disk_full = true;
	assert_int_equal(snap_merge_end(path, SNAP_PUBLIC, 0644, (gid_t)-1, s),
	    IAM_ERR_IO);
	disk_full = false;
	snap_close(s);
	assert_all(&m);
	assert_int_equal(count_files(), 2);
	publish_some(&m);
	assert_int_equal(count_files(), 2);
}

static void
test_snap_merge_end__every_allocation_failing(void **state)
{
	struct model m = new_model();
	struct snap *s;
	long n;
	int r;

	(void)state;
	for (n = 1;; n++) {
		publish_some(&m);
		s = begin();
		publish_some(&m);
		fail_at = n;
		r = snap_merge_end(path, SNAP_PUBLIC, 0644, (gid_t)-1, s);
		snap_close(s);
		if (fail_at > 0)
			break; /* there was no n-th */
		fail_at = 0;
		assert_true(r == 0 || r == IAM_ERR_MEMORY);
		assert_all(&m);
	}
	fail_at = 0;
	assert_int_equal(r, 0);
	assert_all(&m);
	assert_in_range(n, 8, 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snap_merge_end__changes_before_and_meanwhile),
		cmocka_unit_test(test_snap_merge_end__only_what_was_changed_meanwhile),
		cmocka_unit_test(test_snap_merge_end__nobody_opens_twice),
		cmocka_unit_test(test_snap_merge_begin__nothing_to_do),
		cmocka_unit_test(test_snap_merge_end__everything_is_new),
		cmocka_unit_test(test_snap_merge_begin__after_one_that_was_killed),
		cmocka_unit_test(test_snap_merge__disk_full),
		cmocka_unit_test(test_snap_merge_end__every_allocation_failing),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
