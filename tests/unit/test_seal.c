#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/base.h"
#include "common/credential/credential.h"

#define SERIAL "arn:aws:iam::123456789012:mfa/sarah"

static const struct seal_key key = { { 1, 2, 3 } };

static void
make(struct buf *b)
{
	struct secret s = SECRET_INIT;

	assert_int_equal(secret_set(&s, "12345678901234567890", 20), 0);
	assert_int_equal(seal(&key, SERIAL, &s, b), 0);
	assert_int_equal(b->len, 24 + 20 + 16);
	secret_release(&s);
}

static void
test_unseal__gives_back(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct secret s = SECRET_INIT;

	(void)state;
	make(&a);
	make(&b);
	assert_memory_not_equal(a.p, b.p, a.len); /* nonce */
	assert_int_equal(unseal(&key, SERIAL, a.p, a.len, &s), 0);
	assert_string_equal(secret_str(&s), "12345678901234567890");
	secret_release(&s);
	buf_release(&a);
	buf_release(&b);
}

static void
test_unseal__another_key_or_context(void **state)
{
	struct seal_key other = key;
	struct secret s = SECRET_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	make(&b);
	other.bytes[31] ^= 1;
	assert_int_equal(unseal(&other, SERIAL, b.p, b.len, &s), IAM_ERR_CRYPTO);
	assert_int_equal(unseal(&key, SERIAL "2", b.p, b.len, &s), IAM_ERR_CRYPTO);
	assert_int_equal(unseal(&key, "", b.p, b.len, &s), IAM_ERR_CRYPTO);
	assert_null(s.p);
	buf_release(&b);
}

static void
test_unseal__every_truncation_and_flip(void **state)
{
	struct secret s = SECRET_INIT;
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	make(&b);
	for (i = 0; i < b.len; i++) {
		assert_int_equal(unseal(&key, SERIAL, b.p, i, &s), IAM_ERR_CRYPTO);
		b.p[i] ^= 0x10;
		assert_int_equal(unseal(&key, SERIAL, b.p, b.len, &s), IAM_ERR_CRYPTO);
		b.p[i] ^= 0x10;
	}
	assert_int_equal(unseal(&key, SERIAL, b.p, b.len, &s), 0);
	secret_release(&s);
	buf_release(&b);
}

static void
test_seal_key__made_once_and_read(void **state)
{
	char dir[] = "/tmp/test_seal.XXXXXX", path[64];
	struct seal_key a, b;
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/seal.key", dir);
	assert_int_equal(seal_key_load(path, &a), IAM_ERR_ABSENT);
	assert_int_equal(seal_key_create(path, getegid()), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, SEAL_KEY_LEN);
	assert_int_equal(seal_key_load(path, &a), 0);
	assert_int_equal(seal_key_create(path, getegid()), IAM_ERR_CONFLICT);
	assert_int_equal(seal_key_load(path, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(seal_key_load(path, &b), IAM_ERR_UNSAFE);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(truncate(path, SEAL_KEY_LEN - 1), 0);
	assert_int_equal(seal_key_load(path, &b), IAM_ERR_FORMAT);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "ab", 2), 2);
	close(fd);
	assert_int_equal(seal_key_load(path, &b), IAM_ERR_FORMAT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unseal__gives_back),
		cmocka_unit_test(test_unseal__another_key_or_context),
		cmocka_unit_test(test_unseal__every_truncation_and_flip),
		cmocka_unit_test(test_seal_key__made_once_and_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
