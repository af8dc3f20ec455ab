/*
 * Emit-only JSON: one line of valid UTF-8 whatever the text holds (S42), read
 * back by jansson.
 */
#include "common/trail/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static void
check_text(const char *value, size_t len, const char *want)
{
	struct buf b = BUF_INIT;

	json_put_escaped(&b, value, len, SIZE_MAX);
	assert_string_equal(buf_cstr(&b), want);
	buf_release(&b);
}

/* S42 */
static void
test_json_put_escaped__harmful_characters(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "plain /text", "plain /text" },
		{ "a\"b\\c", "a\\\"b\\\\c" },
		{ "a\nb\r\t\x1b[2J", "a\\u000ab\\u000d\\u0009\\u001b[2J" },
		{ "\x7f", "\\u007f" },
		{ "\xc2\x80\xc2\x9b\xc2\x9f", "\\u0080\\u009b\\u009f" }, /* C1: U+009B is CSI */
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },
		{ "\xe2\x80\xae" "evil", "\\u202eevil" },         /* right-to-left override */
		{ "\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c", "\\u2066\\u2069\\u061c" },
		{ "\xe2\x80\x8e\xe2\x80\x8f", "\\u200e\\u200f" },
		{ "M\xc3\xbcnchen \xf0\x9f\x94\x91", "M\xc3\xbcnchen \xf0\x9f\x94\x91" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(t); i++)
		check_text(t[i].in, strlen(t[i].in), t[i].out);
	check_text("a\0b", 3, "a\\u0000b");
}

/* One U+FFFD for each maximal subpart: Unicode 15, table 3-8 (and Python's
 * bytes.decode(errors='replace'), which follows it). */
static void
test_json_put_escaped__invalid_utf8(void **state)
{
#define R "\xef\xbf\xbd"
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "\x80", R }, { "\xff\xfe", R R }, { "\xc0\xaf", R R },
		{ "\xe0\x80\xbf\xf0\x81\x82", R R R R R R }, /* over-long */
		{ "\xed\xa0\x80", R R R },                   /* surrogate */
		{ "\xf4\x91\x92\x93", R R R R },             /* above U+10FFFF */
		{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf" "A", R R R R "A" },
		{ "a\xc3", "a" R }, { "\xf0\x9f\x94", R }, { "\xc3\"", R "\\\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(t); i++)
		check_text(t[i].in, strlen(t[i].in), t[i].out);
}

static void
test_json_put_escaped__cut_between_characters(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	json_put_escaped(&b, "ab\xc3\xbc" "cd", 6, 3);
	assert_string_equal(buf_cstr(&b), "ab" TRAIL_CUT);
	buf_reset(&b);
	json_put_escaped(&b, "abc", 3, 3);
	assert_string_equal(buf_cstr(&b), "abc");
	buf_release(&b);
}

static void
test_json_out_str__every_byte_is_one_line_that_jansson_reads(void **state)
{
	char text[4] = "x?y";
	struct buf b = BUF_INIT;
	struct json_out j;
	json_t *o;
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		text[1] = (char)c;
		buf_reset(&b);
		json_out_init(&j, &b);
		json_out_object(&j, NULL);
		json_out_str(&j, text, text);
		json_out_end(&j, '}');
		assert_null(memchr(b.p, '\n', b.len));
		assert_true(json_check(buf_cstr(&b), b.len, NULL));
		o = json_loadb(buf_cstr(&b), b.len, 0, NULL);
		assert_non_null(o);
		if (c < 0x80)
			assert_string_equal(json_string_value(json_object_get(o, text)), text);
		json_decref(o);
	}
	buf_release(&b);
}

static void
test_json_out__all_kinds(void **state)
{
	struct buf b = BUF_INIT;
	struct json_out j;

	(void)state;
	json_out_init(&j, &b);
	json_out_object(&j, NULL);
	json_out_str(&j, "a", "b");
	json_out_array(&j, "l");
	json_out_int(&j, NULL, INT64_MIN);
	json_out_bool(&j, NULL, true);
	json_out_object(&j, NULL);
	json_out_end(&j, '}');
	json_out_array(&j, NULL);
	json_out_end(&j, ']');
	json_out_end(&j, ']');
	json_out_null(&j, "n");
	json_out_str(&j, "s", NULL);
	json_out_raw(&j, "r", "[1]");
	json_out_bool(&j, "f", false);
	json_out_end(&j, '}');
	assert_string_equal(buf_cstr(&b), "{\"a\":\"b\",\"l\":[-9223372036854775808,"
	    "true,{},[]],\"n\":null,\"s\":null,\"r\":[1],\"f\":false}");
	assert_int_equal(b.err, 0);
	buf_release(&b);
}

static void
test_json_out__depth_is_bounded(void **state)
{
	struct buf b = BUF_INIT;
	struct json_out j;
	int i;

	(void)state;
	json_out_init(&j, &b);
	for (i = 0; i < 40; i++)
		json_out_array(&j, NULL);
	assert_int_equal(b.err, IAM_ERR_LIMIT);
	buf_reset(&b);
	json_out_init(&j, &b);
	json_out_end(&j, '}');
	assert_int_equal(b.err, IAM_ERR_BUG);
	buf_release(&b);
}

/* ---- json_check ---- */

static const char *const good[] = {
	"{}", "[]", "0", "-0", "1.5e-3", "1E+2", "true", "null", "\"\"",
	"{\"a\": [1, {\"b\": \"\\u00e9\\n\"}], \"c\": false}",
	"[ 1 , 2 ]", "\"\xf0\x9f\x94\x91\"",
};
static const char *const wrong[] = {
	"", " ", "{", "}", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
	"01", "1.", ".5", "1e", "+1", "-", "nul", "truex", "'a'", "\"a", "\"\\x\"",
	"\"\\u12g4\"", "[1 2]", "{} {}", " {}", "{} ", "[\n]", "\"\n\"", "\"\t\"",
	"\"\x80\"", "\"\xed\xa0\x80\"", "\xef\xbb\xbf{}", "NaN", "{\"a\":1 \"b\":2}",
};

static void
test_json_check__agrees_with_jansson(void **state)
{
	json_t *v;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(good); i++) {
		if (!json_check(good[i], strlen(good[i]), NULL))
			fail_msg("refused: %s", good[i]);
		v = json_loads(good[i], JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		json_decref(v);
	}
	for (i = 0; i < IAM_COUNT(wrong); i++) {
		if (json_check(wrong[i], strlen(wrong[i]), NULL))
			fail_msg("accepted: %s", wrong[i]);
	}
}

static void
test_json_check__flipped_bytes_accepted_only_if_jansson_does(void **state)
{
	char text[] = "{\"a\": [1.5e3, \"\\u00e9\\n\xc3\xa9\", {\"b\":null}], \"c\":-0}";
	size_t i, len = strlen(text);
	json_t *v;
	int c;

	(void)state;
	for (i = 0; i < len; i++) {
		char was = text[i];

		for (c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (!json_check(text, len, NULL))
				continue;
			/* jansson also wants surrogates in pairs, keys without
			 * NUL and numbers that a double can hold. */
			v = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			if (v == NULL && strstr(text, "\\ud") == NULL &&
			    strstr(text, "\\uD") == NULL && strstr(text, "5e") == NULL)
				fail_msg("jansson refuses: %s", text);
			json_decref(v);
		}
		text[i] = was;
	}
}

static void
test_json_check__truncations_are_refused(void **state)
{
	const char *text = good[9];
	size_t n;

	(void)state;
	for (n = 0; n < strlen(text); n++)
		assert_false(json_check(text, n, NULL));
}

static void
test_json_check__depth_is_bounded(void **state)
{
	char deep[201];

	(void)state;
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	assert_false(json_check(deep, 200, NULL));
	assert_true(json_check(deep + 70, 60, NULL));
}

static void
test_json_check__shape(void **state)
{
	const char *text = "{\"a\":{\"x\":1},\"last\":{\"p\":[{\"q\":2}],\"r\":{}}}";
	struct json_shape s;

	(void)state;
	assert_true(json_check(text, strlen(text), &s));
	assert_true(s.object);
	assert_true(s.last_object);
	assert_int_equal(s.last_len, 4);
	assert_memory_equal(s.last, "last", 4);
	assert_int_equal(s.last_count, 2);
	assert_true(json_check("[{\"a\":{}}]", 10, &s));
	assert_false(s.object);
	assert_true(json_check("{\"a\":{},\"b\":1}", 14, &s));
	assert_false(s.last_object);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_put_escaped__harmful_characters),
		cmocka_unit_test(test_json_put_escaped__invalid_utf8),
		cmocka_unit_test(test_json_put_escaped__cut_between_characters),
		cmocka_unit_test(test_json_out_str__every_byte_is_one_line_that_jansson_reads),
		cmocka_unit_test(test_json_out__all_kinds),
		cmocka_unit_test(test_json_out__depth_is_bounded),
		cmocka_unit_test(test_json_check__agrees_with_jansson),
		cmocka_unit_test(test_json_check__flipped_bytes_accepted_only_if_jansson_does),
		cmocka_unit_test(test_json_check__truncations_are_refused),
		cmocka_unit_test(test_json_check__depth_is_bounded),
		cmocka_unit_test(test_json_check__shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
