#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/base.h"
#include "common/credential/credential.h"

static const char digits64[] = "12345678901234567890123456789012"
    "34567890123456789012345678901234";

static struct secret
seed_of(size_t len)
{
	struct secret s = SECRET_INIT;

	assert_int_equal(secret_set(&s, digits64, len), 0);
	return s;
}

/* RFC 6238 appendix B (with its errata: seeds of 20, 32 and 64 bytes). */
static void
test_totp_code__rfc6238_vectors(void **state)
{
	static const struct {
		int64_t t;
		const char *code[3];
	} rows[] = {
		{ 59, { "94287082", "46119246", "90693936" } },
		{ 1111111109, { "07081804", "68084774", "25091201" } },
		{ 1111111111, { "14050471", "67062674", "99943326" } },
		{ 1234567890, { "89005924", "91819424", "93441116" } },
		{ 2000000000, { "69279037", "90698825", "38618901" } },
		{ 20000000000, { "65353130", "77737706", "47863826" } },
	};
	static const size_t lens[] = { 20, 32, 64 };
	struct totp_params p = { 0, 8, 30, 0 };
	struct secret s;
	uint64_t step;
	char code[9];
	size_t i, a;
	bool ok;

	(void)state;
	for (a = 0; a < 3; a++) {
		s = seed_of(lens[a]);
		p.alg = (uint32_t)a + 1;
		for (i = 0; i < IAM_COUNT(rows); i++) {
			assert_int_equal(totp_code(&s, &p, (uint64_t)rows[i].t / 30, code), 0);
			assert_string_equal(code, rows[i].code[a]);
			assert_int_equal(totp_check(&s, &p, code, rows[i].t, 0, &ok,
			    &step, NULL), 0);
			assert_true(ok);
			assert_int_equal(step, rows[i].t / 30);
		}
		secret_release(&s);
	}
}

/* RFC 4226 appendix D: counters 0 to 9. */
static void
test_totp_code__rfc4226_vectors(void **state)
{
	static const char *const codes[] = { "755224", "287082", "359152", "969429",
		"338314", "254676", "287922", "162583", "399871", "520489" };
	struct totp_params p = { TOTP_SHA1, 6, 30, 0 };
	struct secret s = seed_of(20);
	char code[9];
	uint64_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(codes); i++) {
		assert_int_equal(totp_code(&s, &p, i, code), 0);
		assert_string_equal(code, codes[i]);
	}
	secret_release(&s);
}

static void
test_totp_check__window_and_replay(void **state)
{
	/* Codes of RFC 4226; the code of step 1 is 287082. */
	static const struct {
		const char *what, *code;
		int64_t now;
		uint64_t min;
		int32_t drift;
		bool ok;
		uint64_t step;
		bool reused;
	} rows[] = {
		{ "its step begins", "287082", 30, 0, 0, true, 1, false },
		{ "its step ends", "287082", 59, 0, 0, true, 1, false },
		{ "one step early", "287082", 0, 0, 0, true, 1, false },
		{ "one step late", "287082", 89, 0, 0, true, 1, false },
		{ "two steps late", "287082", 90, 0, 0, false, 0, false },
		{ "used already", "287082", 59, 1, 0, false, 0, true },
		{ "a later one was used", "287082", 59, 2, 0, false, 0, true },
		{ "wrong, others used", "287083", 59, 5, 0, false, 0, false },
		{ "device two ahead", "287082", 0, 0, 2, true, 1, false },
		{ "device five behind", "287082", 180, 0, -5, true, 1, false },
		{ "device ahead, plain", "287082", 30, 0, 3, false, 0, false },
		{ "before 1970", "755224", 0, 0, -9, false, 0, false },
		{ "empty", "", 59, 0, 0, false, 0, false },
		{ "short", "28708", 59, 0, 0, false, 0, false },
		{ "long", "2870820", 59, 0, 0, false, 0, false },
		{ "blank before", " 28708", 59, 0, 0, false, 0, false },
		{ "sign", "+28708", 59, 0, 0, false, 0, false },
		{ "letters", "28708x", 59, 0, 0, false, 0, false },
	};
	struct totp_params p = { TOTP_SHA1, 6, 30, 0 };
	struct secret s = seed_of(20);
	bool ok, reused;
	uint64_t step;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		p.drift_steps = rows[i].drift;
		step = 0;
		ok = !rows[i].ok;
		assert_int_equal(totp_check(&s, &p, rows[i].code, rows[i].now,
		    rows[i].min, &ok, &step, &reused), 0);
		if (ok != rows[i].ok || step != rows[i].step ||
		    reused != rows[i].reused)
			fail_msg("%s: %d %llu %d", rows[i].what, ok,
			    (unsigned long long)step, reused);
	}
	secret_release(&s);
}

/* S39: whatever the clock does, a step at or before min_step is never good. */
static void
test_totp_check__clock_sequences_S39(void **state)
{
	static const int64_t clock[] = { 3000, 3030, 3000, 2990, 100000, 3031, 0,
		100030, 99999, 3060, 253402300799, 100060 };
	struct totp_params p = { TOTP_SHA1, 6, 30, 0 };
	struct secret s = seed_of(20);
	uint64_t last = 0, step;
	char code[9];
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < IAM_COUNT(clock); i++) {
		assert_int_equal(totp_code(&s, &p, (uint64_t)clock[i] / 30, code), 0);
		assert_int_equal(totp_check(&s, &p, code, clock[i], last, &ok, &step,
		    NULL), 0);
		assert_int_equal(ok, (uint64_t)clock[i] / 30 > last);
		if (ok)
			last = step;
	}
	secret_release(&s);
}

/* Steps ADJACENT and ADJACENT + 1 of this seed have the same code (found by search). */
#define ADJACENT UINT64_C(910737)
static void
test_totp_check__two_steps_with_one_code_take_the_later(void **state)
{
	struct totp_params p = { TOTP_SHA1, 6, 30, 0 };
	struct secret s = seed_of(20);
	char a[9], b[9];
	uint64_t step;
	bool ok;

	(void)state;
	assert_int_equal(totp_code(&s, &p, ADJACENT, a), 0);
	assert_int_equal(totp_code(&s, &p, ADJACENT + 1, b), 0);
	assert_string_equal(a, b);
	assert_int_equal(totp_check(&s, &p, a, (int64_t)ADJACENT * 30, 0, &ok,
	    &step, NULL), 0);
	assert_true(ok);
	assert_int_equal(step, ADJACENT + 1);
	secret_release(&s);
}

static void
test_totp_check__arguments(void **state)
{
	static const struct totp_params bad[] = { { 0, 6, 30, 0 }, { 4, 6, 30, 0 },
		{ 1, 7, 30, 0 }, { 1, 6, 0, 0 }, { 1, 6, 31, 0 } };
	struct totp_params p = { TOTP_SHA1, 6, 30, 0 };
	struct secret s = seed_of(TOTP_SEED_MIN - 1);
	uint64_t step;
	bool ok = true;
	size_t i;

	(void)state;
	assert_int_equal(totp_check(&s, &p, "123456", 0, 0, &ok, &step, NULL),
	    IAM_ERR_LIMIT);
	assert_false(ok);
	secret_release(&s);
	s = seed_of(20);
	for (i = 0; i < IAM_COUNT(bad); i++) {
		ok = true;
		assert_int_equal(totp_check(&s, &bad[i], "123456", 0, 0, &ok, &step,
		    NULL), IAM_ERR_ARG);
		assert_false(ok);
	}
	assert_int_equal(totp_check(&s, &p, "123456", -1, 0, &ok, &step, NULL),
	    IAM_ERR_ARG);
	assert_int_equal(totp_check(&s, &p, "123456", INT64_MAX, 0, &ok, &step,
	    NULL), IAM_ERR_ARG);
	secret_release(&s);
}

static void
test_totp_sync__two_consecutive_codes(void **state)
{
	/* RFC 4226: step 4 is 338314, step 5 is 254676, step 6 is 287922. */
	static const struct {
		const char *what, *one, *two;
		int64_t now;
		uint64_t min;
		unsigned search;
		bool ok;
		int32_t drift;
	} rows[] = {
		{ "now", "338314", "254676", 150, 0, 10, true, 0 },
		{ "device ahead", "338314", "254676", 30, 0, 10, true, 4 },
		{ "device behind", "338314", "254676", 450, 0, 10, true, -10 },
		{ "too far", "338314", "254676", 480, 0, 10, false, 0 },
		{ "edge ahead", "338314", "254676", 120, 0, 1, true, 1 },
		{ "search of nothing", "338314", "254676", 150, 0, 0, true, 0 },
		{ "not consecutive", "338314", "287922", 150, 0, 10, false, 0 },
		{ "wrong order", "254676", "338314", 150, 0, 10, false, 0 },
		{ "same twice", "338314", "338314", 150, 0, 10, false, 0 },
		{ "first one used", "338314", "254676", 150, 4, 10, false, 0 },
		{ "one before used", "338314", "254676", 150, 3, 10, true, 0 },
		{ "no code", "33831", "254676", 150, 0, 10, false, 0 },
	};
	struct totp_params p = { TOTP_SHA1, 6, 30, 0 };
	struct secret s = seed_of(20);
	uint64_t step;
	int32_t drift;
	size_t i;
	bool ok;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		assert_int_equal(totp_sync(&s, &p, rows[i].one, rows[i].two,
		    rows[i].now, rows[i].min, rows[i].search, &ok, &drift, &step), 0);
		if (ok != rows[i].ok || (ok && (drift != rows[i].drift || step != 5)))
			fail_msg("%s", rows[i].what);
	}
	assert_int_equal(totp_sync(&s, &p, "338314", "254676", 150, 0,
	    TOTP_SEARCH_MAX + 1, &ok, &drift, &step), IAM_ERR_LIMIT);
	secret_release(&s);
}

static void
test_totp_seed_new__is_new(void **state)
{
	struct secret a = SECRET_INIT, b = SECRET_INIT;

	(void)state;
	assert_int_equal(totp_seed_new(&a), 0);
	assert_int_equal(totp_seed_new(&b), 0);
	assert_int_equal(a.len, TOTP_SEED_NEW);
	assert_memory_not_equal(a.p, b.p, TOTP_SEED_NEW);
	secret_release(&a);
	secret_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_totp_code__rfc6238_vectors),
		cmocka_unit_test(test_totp_code__rfc4226_vectors),
		cmocka_unit_test(test_totp_check__window_and_replay),
		cmocka_unit_test(test_totp_check__clock_sequences_S39),
		cmocka_unit_test(test_totp_check__two_steps_with_one_code_take_the_later),
		cmocka_unit_test(test_totp_check__arguments),
		cmocka_unit_test(test_totp_sync__two_consecutive_codes),
		cmocka_unit_test(test_totp_seed_new__is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
