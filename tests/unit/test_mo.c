/* Catalogues of msgfmt(1): pam_iam/mo.c. */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pam_iam/mo.h"

static struct buf german = BUF_INIT;

static int
setup(void **state)
{
	(void)state;
	return file_read(IAM_TEST_BIN "/../locale/de/LC_MESSAGES/host-iam.mo",
	    FILE_ANY, 1 << 20, &german);
}

static int
teardown(void **state)
{
	(void)state;
	buf_release(&german);
	return 0;
}

static void
test_mo_find__what_msgfmt_wrote(void **state)
{
	static const char *const texts[][2] = {
		{ "Password: ", "Passwort: " },
		{ "Key:", "Schl\xc3\xbcssel:" },
		{ "%d recovery codes left.", "Noch %d Wiederherstellungscodes." },
		{ "not there", "not there" }, { "Password", "Password" },
		{ "%n", "%n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(texts); i++)
		assert_string_equal(mo_find(german.p, german.len, texts[i][0]),
		    texts[i][1]);
	/* No catalogue. */
	assert_string_equal(mo_find(NULL, 0, "Password: "), "Password: ");
}

/* The answer is within the data, or what was asked for. */
static void
check(const void *data, size_t len, const char *msgid)
{
	const char *s = mo_find(data, len, msgid), *p = data;

	if (s == msgid)
		return;
	assert_true(s >= p && s < p + len);
	assert_non_null(memchr(s, '\0', len - (size_t)(s - p)));
}

static void
test_mo_find__every_truncation_and_flipped_byte(void **state)
{
	uint8_t *copy;
	size_t i;

	(void)state;
	for (i = 0; i < german.len; i++) {
		assert_non_null(copy = malloc(i + 1));
		memcpy(copy, german.p, i);
		check(copy, i, "Password: ");
		check(copy, i, "Your password is changed by your administrator only.");
		free(copy);
	}
	assert_non_null(copy = malloc(german.len));
	memcpy(copy, german.p, german.len);
	for (i = 0; i < german.len; i++) {
		copy[i] ^= 0xff;
		check(copy, german.len, "Password: ");
		copy[i] ^= 0x7f;
		check(copy, german.len, "Password: ");
		copy[i] ^= 0x80;
	}
	free(copy);
}

/* One text and its translation. */
static void
catalogue(struct buf *b, const char *text, const char *translation)
{
	size_t n = strlen(text), m = strlen(translation);

	buf_reset(b);
	buf_u32(b, 0x950412de);
	buf_u32(b, 0);
	buf_u32(b, 1);
	buf_u32(b, 28);
	buf_u32(b, 36);
	buf_u32(b, 0);
	buf_u32(b, 0);
	buf_u32(b, (uint32_t)n);
	buf_u32(b, 44);
	buf_u32(b, (uint32_t)m);
	buf_u32(b, (uint32_t)(44 + n + 1));
	buf_put(b, text, n + 1);
	buf_put(b, translation, m + 1);
	assert_int_equal(b->err, 0);
}

static void
test_mo_find__directives_must_be_the_same(void **state)
{
	static const struct {
		const char *text, *translation;
		bool used;
	} rows[] = {
		{ "plain", "schlicht", true },
		{ "%s of %u", "%s von %u", true },
		{ "%s of %u", "%u von %s", false },
		{ "%s", "%s %s", false },
		{ "%s %s", "%s", false },
		{ "%s", "%n", false },
		{ "plain", "%n", false },
		{ "plain", "100 %", false },
		{ "%d", "%ld", false },
		{ "%d", "%5d", false },
		{ "%s", "", false },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		catalogue(&b, rows[i].text, rows[i].translation);
		assert_string_equal(mo_find(b.p, b.len, rows[i].text),
		    rows[i].used ? rows[i].translation : rows[i].text);
	}
	/* Of a big-endian machine, or of another major revision. */
	catalogue(&b, "plain", "schlicht");
	b.p[6] = 1;
	assert_string_equal(mo_find(b.p, b.len, "plain"), "plain");
	b.p[6] = 0;
	b.p[0] = 0x95;
	assert_string_equal(mo_find(b.p, b.len, "plain"), "plain");
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mo_find__what_msgfmt_wrote),
		cmocka_unit_test(test_mo_find__every_truncation_and_flipped_byte),
		cmocka_unit_test(test_mo_find__directives_must_be_the_same),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
