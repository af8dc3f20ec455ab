#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/base/base.h"
#include "common/credential/credential.h"
#include "tests/unit/ssh_certs.h"

static void
test_ssh_cert_parse__as_ssh_keygen_says(void **state)
{
	struct ssh_cert c;

	(void)state;
	assert_int_equal(ssh_cert_parse(CERT_NED_MFA, &c, NULL), 0);
	assert_string_equal(c.type, "ssh-ed25519-cert-v01@openssh.com");
	assert_int_equal(c.bits, 256);
	assert_string_equal(c.ca, CERT_CA);
	assert_true(c.serial == CERT_SERIAL);
	assert_string_equal(c.key_id, CERT_NED_ARN);
	assert_int_equal(c.valid_after_s, CERT_FROM_S);
	assert_int_equal(c.valid_before_s, CERT_FROM_S + 12 * 3600);
	assert_int_equal(c.mfa_s, CERT_MFA_S);

	assert_int_equal(ssh_cert_parse(CERT_NED_RSA, &c, NULL), 0);
	assert_string_equal(c.type, "ssh-rsa-cert-v01@openssh.com");
	assert_int_equal(c.bits, 2048);
	assert_string_equal(c.ca, CERT_CA);
	assert_int_equal(c.mfa_s, 0);

	assert_int_equal(ssh_cert_parse(CERT_PLAIN_ECDSA, &c, NULL), 0);
	assert_int_equal(c.bits, 384);
	assert_string_equal(c.key_id, "plain");
	assert_true(c.serial == 0);
	assert_true(c.valid_before_s == INT64_MAX);
}

static void
test_ssh_cert_parse__neither_host_certificates_nor_keys(void **state)
{
	struct ssh_cert c;
	struct iam_why why;

	(void)state;
	assert_int_equal(ssh_cert_parse(CERT_OF_A_HOST, &c, &why), IAM_ERR_FORMAT);
	assert_int_equal(ssh_cert_parse("ssh-ed25519 AAAA", &c, &why), IAM_ERR_FORMAT);
	assert_int_equal(ssh_cert_parse("", &c, &why), IAM_ERR_FORMAT);
}

/* The line of these bytes, in the type of the good one. */
static int
parse_blob(const uint8_t *blob, size_t len, struct ssh_cert *ret)
{
	char line[4096] = "ssh-ed25519-cert-v01@openssh.com ";
	size_t at = strlen(line);

	sodium_bin2base64(line + at, sizeof(line) - at, blob, len,
	    sodium_base64_VARIANT_ORIGINAL);
	return ssh_cert_parse(line, ret, NULL);
}

static size_t
blob_of(const char *line, uint8_t *ret, size_t size)
{
	const char *text = strchr(line, ' ') + 1;
	size_t len;

	assert_int_equal(sodium_base642bin(ret, size, text, strcspn(text, " "), NULL,
	    &len, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	return len;
}

static void
test_ssh_cert_parse__every_truncation_is_refused(void **state)
{
	uint8_t blob[2048];
	size_t len = blob_of(CERT_NED_MFA, blob, sizeof(blob)), n;
	struct ssh_cert c = { .serial = 77 };

	(void)state;
	assert_int_equal(parse_blob(blob, len, &c), 0);
	c.serial = 77;
	for (n = 0; n < len; n++)
		assert_int_equal(parse_blob(blob, n, &c), IAM_ERR_FORMAT);
	assert_true(c.serial == 77);
	assert_true(len + 1 < sizeof(blob));
	blob[len] = 0;
	assert_int_equal(parse_blob(blob, len + 1, &c), IAM_ERR_FORMAT);
}

/* Lengths that lie, and a key id that would break a line of a log. */
static void
test_ssh_cert_parse__every_flipped_byte(void **state)
{
	uint8_t blob[2048];
	size_t len = blob_of(CERT_NED_MFA, blob, sizeof(blob)), i, k;
	struct ssh_cert c;

	(void)state;
	for (i = 0; i < len; i++) {
		blob[i] ^= 0xff;
		if (parse_blob(blob, len, &c) == 0) {
			for (k = 0; c.key_id[k] != '\0'; k++)
				assert_in_range(c.key_id[k], 0x20, 0x7e);
			assert_true(c.mfa_s >= 0);
		}
		blob[i] ^= 0xff;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ssh_cert_parse__as_ssh_keygen_says),
		cmocka_unit_test(test_ssh_cert_parse__neither_host_certificates_nor_keys),
		cmocka_unit_test(test_ssh_cert_parse__every_truncation_is_refused),
		cmocka_unit_test(test_ssh_cert_parse__every_flipped_byte),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
