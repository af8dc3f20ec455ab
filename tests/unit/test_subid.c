/*
 * libsubid_iam.so's entry points, called as shadow's libsubid calls them, and its
 * records. S26, S27: what a snapshot must not delegate.
 */
#include "tests/unit/snap_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* Shadow's, as in subid_iam/subid.c. */
enum subid_type { ID_TYPE_UID = 1, ID_TYPE_GID = 2 };
enum subid_status { SUCCESS, UNKNOWN_USER, ERROR_CONN, ERROR };
struct subid_range {
	unsigned long start, count;
};
enum subid_status shadow_subid_has_range(const char *, unsigned long,
    unsigned long, enum subid_type, bool *);
enum subid_status shadow_subid_list_owner_ranges(const char *, enum subid_type,
    struct subid_range **, int *);
enum subid_status shadow_subid_find_subid_owners(unsigned long,
    enum subid_type, uid_t **, int *);
void shadow_subid_free(void *);

#define START 2147483648u

static bool out_of_memory;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

void *
__wrap_malloc(size_t n)
{
	return out_of_memory ? NULL : __real_malloc(n);
}

static void
make_dirs(const char *file)
{
	char part[512];
	const char *p;

	for (p = strchr(file + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - file), file);
		mkdir(part, 0755);
	}
}

static void
add_subids(struct snap_builder *b, const char *owner, uint32_t uid,
    uint32_t start)
{
	const struct snap_subids range = { uid, owner, start, IAM_SUBID_COUNT };
	char key[SNAP_SUBIDS_KEY_MAX];
	struct buf v = BUF_INIT;

	snap_subids_key(start, key);
	snap_subids_encode(&range, &v);
	assert_int_equal(v.err, 0);
	must_add(b, SNAP_SUBIDS, owner, strlen(owner), v.p, v.len);
	must_add(b, SNAP_SUBIDS, key, strlen(key), v.p, v.len);
	buf_release(&v);
}

static int
setup(void **state)
{
	struct snap_builder *b;

	(void)state;
	make_dirs(IAM_PATH_PUBLIC);
	b = new_builder(SNAP_PUBLIC, 1);
	add_plain_user(b, "sarah", FIRST_ID);
	add_plain_user(b, "bob", FIRST_ID + 1);
	add_plain_user(b, "carla", FIRST_ID + 2);
	add_subids(b, "sarah", FIRST_ID, START);
	add_subids(b, "carla", FIRST_ID + 2, START + 65536);
	publish(b, IAM_PATH_PUBLIC);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	out_of_memory = false;
	unlink(IAM_PATH_PUBLIC);
	return 0;
}

static bool
has(const char *owner, unsigned long start, unsigned long count)
{
	bool uid = true, gid = true;

	assert_int_equal(shadow_subid_has_range(owner, start, count, ID_TYPE_UID,
	    &uid), SUCCESS);
	assert_int_equal(shadow_subid_has_range(owner, start, count, ID_TYPE_GID,
	    &gid), SUCCESS);
	assert_int_equal(uid, gid);
	return uid;
}

static void
test_has_range__S26_hers_and_no_other(void **state)
{
	bool result = true;

	(void)state;
	assert_true(has("sarah", START, 65536));
	assert_true(has("sarah", START, 1));
	assert_true(has("sarah", START + 65535, 1));
	assert_false(has("sarah", START + 65535, 2));
	assert_false(has("sarah", START + 65536, 1)); /* carla's */
	assert_false(has("sarah", START - 1, 2));
	assert_false(has("sarah", START, 65537));
	assert_false(has("sarah", START, 0));
	assert_false(has("sarah", START + 1, ULONG_MAX));
	assert_false(has("sarah", ULONG_MAX, 2));
	assert_false(has("sarah", 0, 1));
	assert_false(has("bob", START, 1));
	assert_int_equal(shadow_subid_has_range("nobody-there", START, 1,
	    ID_TYPE_UID, &result), UNKNOWN_USER);
	assert_false(result);
	result = true;
	assert_int_equal(shadow_subid_has_range("#2147483648", START, 1,
	    ID_TYPE_UID, &result), UNKNOWN_USER);
	assert_false(result);
	result = true;
	assert_int_equal(shadow_subid_has_range("sarah", START, 1, 3, &result),
	    ERROR);
	assert_false(result);
}

static void
test_list_owner_ranges__one_or_none(void **state)
{
	struct subid_range *ranges;
	int count;

	(void)state;
	assert_int_equal(shadow_subid_list_owner_ranges("carla", ID_TYPE_GID,
	    &ranges, &count), SUCCESS);
	assert_int_equal(count, 1);
	assert_int_equal(ranges[0].start, START + 65536);
	assert_int_equal(ranges[0].count, 65536);
	shadow_subid_free(ranges);
	assert_int_equal(shadow_subid_list_owner_ranges("bob", ID_TYPE_UID,
	    &ranges, &count), SUCCESS);
	assert_int_equal(count, 0);
	assert_null(ranges);
	assert_int_equal(shadow_subid_list_owner_ranges("root", ID_TYPE_UID,
	    &ranges, &count), UNKNOWN_USER);
	assert_int_equal(count, 0);
}

static void
test_find_subid_owners__by_any_id_of_the_range(void **state)
{
	static const unsigned long nobody[] = { 0, 1000, FIRST_ID, START - 1,
		START + 2 * 65536u, UINT32_MAX };
	uid_t *uids;
	size_t i;
	int count;

	(void)state;
	assert_int_equal(shadow_subid_find_subid_owners(START + 65535,
	    ID_TYPE_UID, &uids, &count), SUCCESS);
	assert_int_equal(count, 1);
	assert_int_equal(uids[0], FIRST_ID);
	shadow_subid_free(uids);
	assert_int_equal(shadow_subid_find_subid_owners(START + 65536,
	    ID_TYPE_GID, &uids, &count), SUCCESS);
	assert_int_equal(uids[0], FIRST_ID + 2);
	shadow_subid_free(uids);
	for (i = 0; i < IAM_COUNT(nobody); i++) {
		assert_int_equal(shadow_subid_find_subid_owners(nobody[i],
		    ID_TYPE_UID, &uids, &count), SUCCESS);
		assert_int_equal(count, 0);
		assert_null(uids);
	}
	assert_int_equal(shadow_subid_find_subid_owners(1ul << 32, ID_TYPE_UID,
	    &uids, &count), ERROR);
}

/* S2, S25: no answer is no "yes" and no "no". */
static void
test_states__no_snapshot_or_a_damaged_one_is_an_error(void **state)
{
	struct subid_range *ranges;
	bool result = true;
	uid_t *uids;
	int count, fd, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		if (i == 0)
			assert_int_equal(unlink(IAM_PATH_PUBLIC), 0);
		else {
			fd = open(IAM_PATH_PUBLIC, O_WRONLY | O_CREAT | O_CLOEXEC,
			    0644);
			assert_int_equal(file_write_all(fd, "garbage", 7), 0);
			close(fd);
		}
		assert_int_equal(shadow_subid_has_range("sarah", START, 1,
		    ID_TYPE_UID, &result), ERROR_CONN);
		assert_false(result);
		assert_int_equal(shadow_subid_list_owner_ranges("sarah",
		    ID_TYPE_UID, &ranges, &count), ERROR_CONN);
		assert_int_equal(shadow_subid_find_subid_owners(START,
		    ID_TYPE_UID, &uids, &count), ERROR_CONN);
	}
}

static void
test_states__out_of_memory(void **state)
{
	struct subid_range *ranges;
	uid_t *uids;
	int count;

	(void)state;
	out_of_memory = true;
	assert_int_equal(shadow_subid_list_owner_ranges("sarah", ID_TYPE_UID,
	    &ranges, &count), ERROR);
	assert_int_equal(count, 0);
	assert_int_equal(shadow_subid_find_subid_owners(START, ID_TYPE_UID,
	    &uids, &count), ERROR);
	assert_int_equal(count, 0);
}

/* S26, S27: not written, and not read if somebody wrote them by hand. */
static void
test_subids__S27_ids_of_others_are_refused(void **state)
{
	static const uint32_t starts[] = { 0, 65536, 100000, 131072, 1879048192 - 65536,
		START + 1, 4294901760u };
	struct snap_subids range = { FIRST_ID, "sarah", 0, 65536 }, got;
	struct buf v = BUF_INIT;
	struct snap_bytes in;
	uint8_t bytes[22] = { 0 };
	size_t i;

	(void)state;
	range.start = START;
	snap_subids_encode(&range, &v);
	assert_int_equal(v.err, 0);
	assert_int_equal(v.len, sizeof(bytes));
	memcpy(bytes, v.p, v.len);
	in = (struct snap_bytes){ bytes, sizeof(bytes) };
	assert_int_equal(snap_subids_decode(in, &got), 0);
	assert_int_equal(got.start, START);
	for (i = 0; i < IAM_COUNT(starts); i++) {
		const uint32_t le = htole32(starts[i]);

		range.start = starts[i];
		buf_reset(&v);
		snap_subids_encode(&range, &v);
		assert_int_equal(v.err, IAM_ERR_ARG);
		memcpy(bytes + 4, &le, 4);
		assert_int_equal(snap_subids_decode(in, &got), IAM_ERR_FORMAT);
	}
	buf_release(&v);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_has_range__S26_hers_and_no_other),
		TEST(test_list_owner_ranges__one_or_none),
		TEST(test_find_subid_owners__by_any_id_of_the_range),
		TEST(test_states__no_snapshot_or_a_damaged_one_is_an_error),
		TEST(test_states__out_of_memory),
		TEST(test_subids__S27_ids_of_others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
