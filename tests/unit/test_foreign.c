/* Files of other programs: iamctl/foreign.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "iamctl/foreign.h"

/* Drepper, "Unix crypt using SHA-256 and SHA-512", test vector 1. */
#define SHA512 "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJ" \
	"uesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
/* RFC 6238, appendix B: the seed of SHA-1. */
#define SEED "12345678901234567890"
#define SEED_HEX "3132333435363738393031323334353637383930"
#define SEED_BASE32 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static void
test_foreign_shadow__entries(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t changed_s;
		bool must_change;
		const char *why;
	} rows[] = {
		{ "anna:" SHA512 ":19000:0:99999:7:::\n", 0, 19000 * 86400, false, "" },
		{ "annalena:*:1::::::\nanna:" SHA512 ":0::::::", 0, 0, true, "" },
		{ "anna:" SHA512 "::::::::\n", 0, 0, false, "" },
		{ "", IAM_ERR_ABSENT, 0, false, "" },
		{ "ann:" SHA512 ":1::::::\n", IAM_ERR_ABSENT, 0, false, "" },
		{ "anna:!" SHA512 ":1::::::\n", IAM_ERR_FORMAT, 0, false, "locked" },
		{ "anna:*:1::::::\n", IAM_ERR_FORMAT, 0, false, "no password" },
		{ "anna::1::::::\n", IAM_ERR_FORMAT, 0, false, "no password" },
		{ "anna:" SHA512 "\n", IAM_ERR_FORMAT, 0, false, "shadow(5)" },
		{ "anna:\n", IAM_ERR_FORMAT, 0, false, "shadow(5)" },
	};
	struct foreign_password p;
	struct iam_why why;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		why.text[0] = '\0';
		assert_int_equal(foreign_shadow(rows[i].text, "anna", &p, &why),
		    rows[i].r);
		assert_non_null(strstr(why.text, rows[i].why));
		if (rows[i].r != 0)
			continue;
		assert_string_equal(p.hash, SHA512);
		assert_int_equal(p.changed_s, rows[i].changed_s);
		assert_int_equal(p.must_change, rows[i].must_change);
	}
}

static void
assert_seed(struct foreign_device *d)
{
	assert_int_equal(d->seed.len, 20);
	assert_memory_equal(d->seed.p, SEED, 20);
	secret_release(&d->seed);
}

static void
test_foreign_google__files(void **state)
{
	static const struct {
		const char *text, *why; /* NULL: good */
		uint32_t period_s;
		unsigned scratch_codes;
	} rows[] = {
		{ SEED_BASE32 "\n\" RATE_LIMIT 3 30 1795512600\n\" WINDOW_SIZE 17\n"
		    "\" DISALLOW_REUSE 59850420\n\" TOTP_AUTH\n12345678\n87654321\n",
		    NULL, 30, 2 },
		{ SEED_BASE32 "\n\" TOTP_AUTH\n\" STEP_SIZE 60\n", NULL, 60, 0 },
		{ SEED_BASE32 "\n\" HOTP_COUNTER 1\n", "counts codes", 0, 0 },
		{ SEED_BASE32 "\n\" TOTP_AUTH\n\" STEP_SIZE 45\n", "neither 30", 0, 0 },
		{ SEED_BASE32 "\n", "TOTP_AUTH", 0, 0 },
		{ "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n", "10 bytes", 0, 0 },
		{ "1\n\" TOTP_AUTH\n", "Base32", 0, 0 },
		{ "", "Base32", 0, 0 },
		{ SEED_BASE32 "\n\" TOTP_AUTH\nrm -rf /\n", "neither an option", 0, 0 },
	};
	struct foreign_device d = { .seed = SECRET_INIT };
	struct iam_why why;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		if (rows[i].why != NULL) {
			assert_int_equal(foreign_google(rows[i].text, &d, &why),
			    IAM_ERR_FORMAT);
			assert_non_null(strstr(why.text, rows[i].why));
			assert_null(d.seed.p);
			continue;
		}
		assert_int_equal(foreign_google(rows[i].text, &d, &why), 0);
		assert_int_equal(d.params.period_s, rows[i].period_s);
		assert_int_equal(d.params.digits, 6);
		assert_int_equal(d.scratch_codes, rows[i].scratch_codes);
		assert_seed(&d);
	}
}

static void
test_foreign_oath_line__lines(void **state)
{
	static const struct {
		const char *line, *why; /* NULL: good */
		uint32_t digits, period_s;
	} rows[] = {
		{ "HOTP/T30 anna - " SEED_HEX, NULL, 6, 30 },
		{ "HOTP/T30/6\tanna\t-\t" SEED_HEX "\t5\t755224\t2009-12-07L22:00:00L",
		    NULL, 6, 30 },
		{ "  HOTP/T60/8 anna + " SEED_HEX "\r", NULL, 8, 60 },
		{ "HOTP anna - " SEED_HEX, "30 or 60 seconds", 0, 0 },
		{ "HOTP/E/6 anna - " SEED_HEX, "30 or 60 seconds", 0, 0 },
		{ "HOTP/T300 anna - " SEED_HEX, "30 or 60 seconds", 0, 0 },
		{ "HOTP/T30/7 anna - " SEED_HEX, "digits", 0, 0 },
		{ "MOTP anna 1234 " SEED_HEX, "30 or 60 seconds", 0, 0 },
		{ "HOTP/T30 anna 1234 " SEED_HEX, "PIN", 0, 0 },
		{ "HOTP/T30 An+na - " SEED_HEX, "not the name", 0, 0 },
		{ "HOTP/T30 anna - xyz", "hexadecimal", 0, 0 },
		{ "HOTP/T30 anna - 3132", "2 bytes", 0, 0 },
		{ "HOTP/T30 anna", "not a line", 0, 0 },
	};
	struct foreign_device d = { .seed = SECRET_INIT };
	struct iam_why why;
	bool device;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		if (rows[i].why != NULL) {
			assert_int_equal(foreign_oath_line(rows[i].line, &device, &d,
			    &why), IAM_ERR_FORMAT);
			assert_false(device);
			assert_non_null(strstr(why.text, rows[i].why));
			assert_null(d.seed.p);
			continue;
		}
		assert_int_equal(foreign_oath_line(rows[i].line, &device, &d, &why), 0);
		assert_true(device);
		assert_string_equal(d.user, "anna");
		assert_int_equal(d.params.digits, rows[i].digits);
		assert_int_equal(d.params.period_s, rows[i].period_s);
		assert_seed(&d);
	}
	assert_int_equal(foreign_oath_line("# HOTP", &device, &d, &why), 0);
	assert_false(device);
	assert_int_equal(foreign_oath_line(" \t\r", &device, &d, &why), 0);
	assert_false(device);
}

/* Every truncation and every byte changed: an answer, and nothing is left behind. */
static void
test_foreign__damaged_texts(void **state)
{
	static const char *const texts[] = {
		"anna:" SHA512 ":19000:0:99999:7:::\n",
		SEED_BASE32 "\n\" STEP_SIZE 60\n\" TOTP_AUTH\n12345678\n",
		"HOTP/T30/6 anna - " SEED_HEX,
	};
	struct foreign_device d = { .seed = SECRET_INIT };
	struct foreign_password p;
	struct iam_why why;
	char copy[512];
	size_t i, at, len;
	unsigned flip;
	bool device;

	(void)state;
	for (i = 0; i < IAM_COUNT(texts); i++) {
		len = strlen(texts[i]);
		for (at = 0; at < len; at++) {
			for (flip = 0; flip < 256; flip++) {
				memcpy(copy, texts[i], len + 1);
				copy[at] = (char)flip; /* 0 cuts it off */
				(void)foreign_shadow(copy, "anna", &p, &why);
				(void)foreign_google(copy, &d, &why);
				secret_release(&d.seed);
				(void)foreign_oath_line(copy, &device, &d, &why);
				secret_release(&d.seed);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_shadow__entries),
		cmocka_unit_test(test_foreign_google__files),
		cmocka_unit_test(test_foreign_oath_line__lines),
		cmocka_unit_test(test_foreign__damaged_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
