/* Recovery codes: shape, hash, comparison (common/credential/recovery.c). */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/credential/credential.h"

static const struct seal_key key = { "0123456789abcdef0123456789abcde" };

static void
test_recovery_new__four_groups_of_four_and_none_twice(void **state)
{
	char codes[200][RECOVERY_TEXT_LEN + 1];
	size_t i, k;

	(void)state;
	for (i = 0; i < IAM_COUNT(codes); i++) {
		assert_int_equal(recovery_new(codes[i]), 0);
		assert_int_equal(strlen(codes[i]), RECOVERY_TEXT_LEN);
		assert_int_equal(strspn(codes[i],
		    "abcdefghijklmnopqrstuvwxyz234567-"), RECOVERY_TEXT_LEN);
		for (k = 4; k < RECOVERY_TEXT_LEN; k += 5)
			assert_int_equal(codes[i][k], '-');
		for (k = 0; k < i; k++)
			assert_string_not_equal(codes[i], codes[k]);
	}
}

static bool
hash(const struct seal_key *k, const char *id, const char *text,
    uint8_t ret[RECOVERY_HASH_LEN])
{
	bool is = false;

	assert_int_equal(recovery_hash(k, id, text, &is, ret), 0);
	return is;
}

static void
test_recovery_hash__as_people_type(void **state)
{
	static const char *const same[] = { "K3FQ-7W2M-ABCD-EFGH",
		"k3fq7w2mabcdefgh", "k3fq 7w2m abcd efgh", " k3fq--7w2m-abcd-efgh " };
	uint8_t a[RECOVERY_HASH_LEN], b[RECOVERY_HASH_LEN];
	size_t i;

	(void)state;
	assert_true(hash(&key, "AIDA1", "k3fq-7w2m-abcd-efgh", a));
	for (i = 0; i < IAM_COUNT(same); i++) {
		assert_true(hash(&key, "AIDA1", same[i], b));
		assert_memory_equal(a, b, sizeof(a));
	}
}

static void
test_recovery_hash__depends_on_code_user_and_key(void **state)
{
	struct seal_key other = key;
	uint8_t a[RECOVERY_HASH_LEN], b[RECOVERY_HASH_LEN];

	(void)state;
	assert_true(hash(&key, "AIDA1", "k3fq-7w2m-abcd-efgh", a));
	assert_true(hash(&key, "AIDA1", "k3fq-7w2m-abcd-efga", b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(hash(&key, "AIDA2", "k3fq-7w2m-abcd-efgh", b));
	assert_memory_not_equal(a, b, sizeof(a));
	other.bytes[31] ^= 1;
	assert_true(hash(&other, "AIDA1", "k3fq-7w2m-abcd-efgh", b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void
test_recovery_hash__other_texts_are_none(void **state)
{
	static const char *const none[] = { "", "000000", "123456", "12345678",
		"22222222", "k3fq-7w2m-abcd-efg", "k3fq-7w2m-abcd-efghi",
		"k3fq-7w2m-abcd-efg1", "k3fq-7w2m-abcd-efg\xc3\xa4", "----",
		"k3fq-7w2m-abcd-efgh-k3fq-7w2m-abcd-efgh",
		"k3fq-7w2m-abcd-efgh                                              " };
	uint8_t a[RECOVERY_HASH_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(none); i++) {
		if (hash(&key, "AIDA1", none[i], a))
			fail_msg("%s", none[i]);
	}
}

static void
test_recovery_find__which_one(void **state)
{
	uint8_t all[3 * RECOVERY_HASH_LEN], one[RECOVERY_HASH_LEN];

	(void)state;
	memset(all, 1, sizeof(all));
	memset(all + RECOVERY_HASH_LEN, 2, RECOVERY_HASH_LEN);
	memset(one, 2, sizeof(one));
	assert_int_equal(recovery_find(one, all, 3), 1);
	assert_int_equal(recovery_find(one, all, 1), -1);
	assert_int_equal(recovery_find(one, NULL, 0), -1);
	one[31] ^= 0x80;
	assert_int_equal(recovery_find(one, all, 3), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recovery_new__four_groups_of_four_and_none_twice),
		cmocka_unit_test(test_recovery_hash__as_people_type),
		cmocka_unit_test(test_recovery_hash__depends_on_code_user_and_key),
		cmocka_unit_test(test_recovery_hash__other_texts_are_none),
		cmocka_unit_test(test_recovery_find__which_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
