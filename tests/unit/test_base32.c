#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/base.h"
#include "common/credential/credential.h"

/* RFC 4648 section 10. */
static void
test_base32__rfc4648_vectors(void **state)
{
	static const char *const rows[][2] = { { "f", "MY" }, { "fo", "MZXQ" },
		{ "foo", "MZXW6" }, { "foob", "MZXW6YQ" }, { "fooba", "MZXW6YTB" },
		{ "foobar", "MZXW6YTBOI" } };
	struct secret raw = SECRET_INIT, text = SECRET_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		assert_int_equal(secret_set(&raw, rows[i][0], strlen(rows[i][0])), 0);
		assert_int_equal(base32_encode(&raw, &text), 0);
		assert_string_equal(secret_str(&text), rows[i][1]);
		assert_int_equal(base32_decode(rows[i][1], &raw), 0);
		assert_string_equal(secret_str(&raw), rows[i][0]);
	}
	secret_release(&raw);
	secret_release(&text);
}

static void
test_base32_decode__what_people_type(void **state)
{
	static const struct {
		const char *text;
		int r;
	} rows[] = { { "mzxw6ytb", 0 }, { "MZXW 6YTB", 0 }, { "mzxw-6ytb", 0 },
		{ "MZXW6===", 0 }, { "MZXW6", 0 }, { "", IAM_ERR_FORMAT },
		{ "====", IAM_ERR_FORMAT }, { "MZXW6YT1", IAM_ERR_FORMAT },
		{ "MZXW6=YT", IAM_ERR_FORMAT }, { "M", IAM_ERR_FORMAT },
		{ "MZX", IAM_ERR_FORMAT }, { "MZXW6Y", IAM_ERR_FORMAT },
		{ "MZXW\n6YTB", IAM_ERR_FORMAT }, { "MZ\xc3\xa4X", IAM_ERR_FORMAT } };
	struct secret raw = SECRET_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		if (base32_decode(rows[i].text, &raw) != rows[i].r)
			fail_msg("%s", rows[i].text);
		secret_release(&raw);
	}
}

static void
test_base32__every_length_and_truncation(void **state)
{
	struct secret raw = SECRET_INIT, text = SECRET_INIT, back = SECRET_INIT;
	uint8_t bytes[64];
	char cut[128];
	size_t len, i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 200);
	for (len = 1; len <= sizeof(bytes); len++) {
		assert_int_equal(secret_set(&raw, bytes, len), 0);
		assert_int_equal(base32_encode(&raw, &text), 0);
		assert_int_equal(text.len, (len * 8 + 4) / 5);
		assert_int_equal(base32_decode(secret_str(&text), &back), 0);
		assert_int_equal(back.len, len);
		assert_memory_equal(back.p, bytes, len);
	}
	for (i = 1; i < text.len; i++) {
		memcpy(cut, text.p, i);
		cut[i] = '\0';
		r = base32_decode(cut, &back);
		assert_int_equal(r, i % 8 == 1 || i % 8 == 3 || i % 8 == 6 ?
		    IAM_ERR_FORMAT : 0);
	}
	secret_release(&raw);
	secret_release(&text);
	secret_release(&back);
}

static void
test_base32_decode__limit(void **state)
{
	static char text[BASE32_TEXT_MAX + 2];
	struct secret raw = SECRET_INIT;

	(void)state;
	memset(text, 'A', BASE32_TEXT_MAX);
	assert_int_equal(base32_decode(text, &raw), 0);
	text[BASE32_TEXT_MAX] = 'A';
	assert_int_equal(base32_decode(text, &raw), IAM_ERR_LIMIT);
	secret_release(&raw);
}

/* Key Uri Format of google-authenticator's wiki, and its secret of the examples. */
static void
test_otpauth_uri__encodes(void **state)
{
	struct totp_params p = { TOTP_SHA1, 6, 30, 0 };
	struct secret seed = SECRET_INIT, uri = SECRET_INIT;

	(void)state;
	assert_int_equal(secret_set(&seed, "Hello!\xde\xad\xbe\xef", 10), 0);
	assert_int_equal(otpauth_uri("ACME Co", "john.doe@email.com", &seed, &p,
	    &uri), 0);
	assert_string_equal(secret_str(&uri),
	    "otpauth://totp/ACME%20Co:john.doe%40email.com?secret=JBSWY3DPEHPK3PXP"
	    "&issuer=ACME%20Co&algorithm=SHA1&digits=6&period=30");
	p = (struct totp_params){ TOTP_SHA512, 8, 60, 0 };
	assert_int_equal(otpauth_uri("a&b:c", "\xc3\xa9", &seed, &p, &uri), 0);
	assert_string_equal(secret_str(&uri),
	    "otpauth://totp/a%26b%3Ac:%C3%A9?secret=JBSWY3DPEHPK3PXP"
	    "&issuer=a%26b%3Ac&algorithm=SHA512&digits=8&period=60");
	secret_release(&seed);
	secret_release(&uri);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base32__rfc4648_vectors),
		cmocka_unit_test(test_base32_decode__what_people_type),
		cmocka_unit_test(test_base32__every_length_and_truncation),
		cmocka_unit_test(test_base32_decode__limit),
		cmocka_unit_test(test_otpauth_uri__encodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
