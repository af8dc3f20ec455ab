#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <crypt.h>

#include "common/base/base.h"
#include "common/credential/credential.h"

static int crypts;
char *__real_crypt_rn(const char *phrase, const char *setting, void *data, int size);
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size);

char *
__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
	char *got = __real_crypt_rn(phrase, setting, data, size);

	crypts += got != NULL && strncmp(setting, "$y$j9T$", 7) == 0;
	return got;
}

static bool
check(const char *text, size_t len, const char *hash, int want_r)
{
	struct secret s = SECRET_INIT;
	bool ok = true;

	assert_int_equal(secret_set(&s, text, len), 0);
	assert_int_equal(password_check(&s, hash, &ok), want_r);
	secret_release(&s);
	return ok;
}

static void
test_password_hash__is_yescrypt_of_debian_and_found_again(void **state)
{
	struct secret s = SECRET_INIT;
	char a[PASSWORD_HASH_MAX], b[PASSWORD_HASH_MAX];

	(void)state;
	assert_int_equal(secret_set(&s, "correct horse", 13), 0);
	assert_int_equal(password_hash(&s, a), 0);
	assert_int_equal(password_hash(&s, b), 0);
	assert_int_equal(strncmp(a, "$y$j9T$", 7), 0); /* login.defs, pam_unix */
	assert_string_not_equal(a, b);
	secret_release(&s);
	assert_true(check("correct horse", 13, a, 0));
	assert_false(check("correct horsf", 13, a, 0));
	assert_false(check("correct hors", 12, a, 0));
	assert_false(check("", 0, a, 0));
}

/* Drepper, "Unix crypt using SHA-256 and SHA-512", test vector 1. */
static void
test_password_check__hash_of_another_implementation(void **state)
{
	const char *h = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI"
	    "FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";

	(void)state;
	assert_true(check("Hello world!", 12, h, 0));
	assert_false(check("Hello world?", 12, h, 0));
}

static void
test_password_hash_known__what_crypt_makes(void **state)
{
	static const struct {
		const char *hash;
		bool known, current;
	} rows[] = {
		{ "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd."
		    "RhAtQ7", true, true },
		{ "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJue"
		    "sI68u4OTLiBFdcbYEdFCoEOfaS35inz1", true, false },
		{ "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", true, false },
		{ "rl.3StKT.4T8M", true, false },
		{ "", false, false }, { "*", false, false }, { "!", false, false },
		{ "!$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKw", false, false },
		{ "*LK*aaaaaaaaaaaaa", false, false }, { "x", false, false },
		{ "plain text of some length", false, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		assert_int_equal(password_hash_known(rows[i].hash), rows[i].known);
		assert_int_equal(password_hash_is_current(rows[i].hash),
		    rows[i].current);
	}
}

/* S8: one crypt of the same cost, whoever asks for whatever. */
static void
test_password_check__always_one_crypt_S8(void **state)
{
	static char longest[PASSWORD_MAX + 2];
	struct secret s = SECRET_INIT;
	char hash[PASSWORD_HASH_MAX];
	const struct {
		const char *text;
		size_t len;
		const char *hash;
		int r;
	} rows[] = {
		{ "secret", 6, NULL, 0 },
		{ "secret", 6, "!", IAM_ERR_FORMAT },
		{ "secret", 6, "*", IAM_ERR_FORMAT },
		{ "secret", 6, "", IAM_ERR_FORMAT },
		{ "secret", 6, "*0", IAM_ERR_FORMAT },
		{ "secrex", 6, hash, 0 },
		{ "", 0, hash, 0 },
		{ "secret\0x", 8, hash, 0 },
		{ longest, sizeof(longest) - 1, hash, 0 },
		{ longest, sizeof(longest) - 1, NULL, 0 },
	};
	size_t i;

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	assert_int_equal(secret_set(&s, "secret", 6), 0);
	assert_int_equal(password_hash(&s, hash), 0);
	secret_release(&s);
	for (i = 0; i < IAM_COUNT(rows); i++) {
		crypts = 0;
		assert_false(check(rows[i].text, rows[i].len, rows[i].hash, rows[i].r));
		assert_int_equal(crypts, 1);
	}
	assert_true(check("secret", 6, hash, 0));
}

static void
test_password_hash__what_cannot_be_a_password(void **state)
{
	char hash[PASSWORD_HASH_MAX], longest[PASSWORD_MAX + 1];
	struct secret s = SECRET_INIT;

	(void)state;
	assert_int_equal(password_hash(&s, hash), IAM_ERR_ARG);
	assert_int_equal(secret_set(&s, "a\0b", 3), 0);
	assert_int_equal(password_hash(&s, hash), IAM_ERR_ARG);
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(secret_set(&s, longest, PASSWORD_MAX + 1), 0);
	assert_int_equal(password_hash(&s, hash), IAM_ERR_ARG);
	assert_int_equal(secret_set(&s, longest, PASSWORD_MAX), 0);
	assert_int_equal(password_hash(&s, hash), 0);
	assert_true(check(longest, PASSWORD_MAX, hash, 0));
	secret_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password_hash__is_yescrypt_of_debian_and_found_again),
		cmocka_unit_test(test_password_check__hash_of_another_implementation),
		cmocka_unit_test(test_password_hash_known__what_crypt_makes),
		cmocka_unit_test(test_password_check__always_one_crypt_S8),
		cmocka_unit_test(test_password_hash__what_cannot_be_a_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
