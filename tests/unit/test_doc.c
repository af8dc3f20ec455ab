/* Reading documents: the grammar is RFC 8259's, the authority for it is jansson. */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "common/store/doc.h"

#define TEXT "{\"A\":[1,-2,\"x\\u00e4\\ud83d\\ude00\\n\",[],{}],\"B\":{\"b\":true," \
	"\"c\":null},\"N\":12345678901,\"R\":-1.5e3,\"S\":\"\xc3\xa4\\\"/\"}"

static const struct doc_value *
read_text(struct doc *d, const char *text)
{
	const struct doc_value *v = NULL;

	assert_int_equal(doc_read(d, text, strlen(text), &v), 0);
	assert_non_null(v);
	return v;
}

static void
test_doc_read__values_are_where_they_were(void **state)
{
	struct doc d = DOC_INIT;
	const struct doc_value *v, *w;

	(void)state;
	v = read_text(&d, TEXT);
	assert_int_equal(doc_size(v), 5);
	assert_int_equal(doc_integer(doc_get(v, "N")), 12345678901);
	assert_string_equal(doc_text(doc_get(v, "S")), "\xc3\xa4\"/");
	assert_true(doc_is_true(doc_get(doc_get(v, "B"), "b")));
	w = doc_first(doc_get(v, "A"));
	assert_int_equal(doc_integer(w), 1);
	w = doc_next(doc_next(w));
	assert_string_equal(doc_text(w), "x\xc3\xa4\xf0\x9f\x98\x80\n");
	w = doc_next(doc_next(w));
	assert_int_equal(w->kind, DOC_OBJECT);
	assert_null(doc_first(w));
	assert_null(doc_next(w));
	doc_release(&d);
}

static void
test_doc_get__what_is_not_there_is_nothing(void **state)
{
	struct doc d = DOC_INIT;
	const struct doc_value *v;

	(void)state;
	v = read_text(&d, TEXT);
	assert_null(doc_get(v, "b"));
	assert_null(doc_get(doc_get(v, "S"), "b"));
	assert_null(doc_get(NULL, "A"));
	assert_null(doc_text(doc_get(v, "A")));
	assert_int_equal(doc_integer(doc_get(v, "R")), 0);
	assert_int_equal(doc_size(doc_get(v, "N")), 0);
	assert_null(doc_first(doc_get(v, "S")));
	assert_false(doc_is_true(doc_get(doc_get(v, "B"), "c")));
	doc_release(&d);
}

/* The same as jansson, whatever it is; memory is used again. */
static void
test_doc_read__takes_what_jansson_takes(void **state)
{
	static const char *const texts[] = { "{}", "[]", " [ 1 , 2 ] ", "[1,]", "[,1]",
		"{\"a\":1,}", "{\"a\" 1}", "{a:1}", "[01]", "[-]", "[-0]", "[1.]",
		"[.5]", "[1e]", "[1E+2]", "[1e-2]", "[+1]", "[0x1]", "[tru]", "[True]",
		"[\"\\x\"]", "[\"\\u12\"]", "[\"\\u0000\"]", "[\"\\ud800\"]",
		"[\"\\ud800\\u0041\"]", "[\"\\udc00\"]", "[\"a", "[\"\t\"]",
		"[\"\xff\"]", "[\"\xc0\x80\"]", "[\"\xed\xa0\x80\"]",
		"{\"a\":1,\"a\":2}", "{\"b\":1,\"a\":2,\"b\":3}", "{\"b\":1,\"a\":2}",
		"[9223372036854775807]", "[9223372036854775808]",
		"[-9223372036854775808]", "[-9223372036854775809]", "1", "\"a\"", "",
		"[] x", "[]]", "{\"\":1}", "{\"\\u0000\":1}", "[[[[[[1]]]]]]",
		"[nulls]", "[null null]" };
	const struct doc_value *v;
	struct doc d = DOC_INIT;
	json_t *j;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < IAM_COUNT(texts); i++) {
		j = json_loadb(texts[i], strlen(texts[i]), JSON_REJECT_DUPLICATES,
		    NULL);
		r = doc_read(&d, texts[i], strlen(texts[i]), &v);
		if ((r == 0) != (j != NULL))
			fail_msg("%s: %d", texts[i], r);
		json_decref(j);
	}
	doc_release(&d);
}

static void
test_doc_read__every_truncation_and_every_byte(void **state)
{
	const struct doc_value *v;
	struct doc d = DOC_INIT;
	char text[] = TEXT;
	json_error_t e;
	json_t *j;
	size_t i;
	int c;

	(void)state;
	for (i = 0; i < strlen(TEXT); i++)
		assert_int_equal(doc_read(&d, text, i, &v), IAM_ERR_FORMAT);
	for (i = 0; i < strlen(TEXT); i++) {
		for (c = 0; c < 256; c++) {
			text[i] = (char)c;
			/* jansson passes over one behind a number. */
			if (c == 0) {
				assert_int_equal(doc_read(&d, text, strlen(TEXT), &v),
				    IAM_ERR_FORMAT);
				continue;
			}
			j = json_loadb(text, strlen(TEXT), JSON_REJECT_DUPLICATES, &e);
			/* A real number may be of any size here: nobody reads one. */
			if ((doc_read(&d, text, strlen(TEXT), &v) == 0) != (j != NULL) &&
			    (j != NULL || json_error_code(&e) !=
			    json_error_numeric_overflow))
				fail_msg("byte %zu is %d", i, c);
			json_decref(j);
		}
		text[i] = TEXT[i];
	}
	doc_release(&d);
}

static void
test_doc_read__limits(void **state)
{
	const struct doc_value *v;
	struct doc d = DOC_INIT;
	char text[2 * DOC_DEPTH_MAX + 4];

	(void)state;
	memset(text, '[', DOC_DEPTH_MAX);
	memset(text + DOC_DEPTH_MAX, ']', DOC_DEPTH_MAX);
	assert_int_equal(doc_read(&d, text, 2 * DOC_DEPTH_MAX, &v), 0);
	memset(text, '[', DOC_DEPTH_MAX + 1);
	memset(text + DOC_DEPTH_MAX + 1, ']', DOC_DEPTH_MAX + 1);
	assert_int_equal(doc_read(&d, text, 2 * DOC_DEPTH_MAX + 2, &v),
	    IAM_ERR_LIMIT);
	doc_release(&d);
}

static void
test_doc_equal__by_content(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "[1,\"x\",true,null]", " [ 1, \"\\u0078\", true, null ]", true },
		{ "{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true },
		{ "[1]", "[2]", false },
		{ "[1]", "[1,1]", false },
		{ "[1.5]", "[15e-1]", true },
		{ "[1]", "[true]", false },
		{ "{\"a\":1}", "{\"b\":1}", false },
		{ "[[1],[2]]", "[[1],[3]]", false },
		{ "[\"a\"]", "[\"b\"]", false },
	};
	struct doc d = DOC_INIT, e = DOC_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(cases); i++)
		assert_int_equal(doc_equal(read_text(&d, cases[i].a),
		    read_text(&e, cases[i].b)), cases[i].equal);
	assert_true(doc_equal(NULL, NULL));
	assert_false(doc_equal(NULL, read_text(&d, "[]")));
	doc_release(&d);
	doc_release(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doc_read__values_are_where_they_were),
		cmocka_unit_test(test_doc_get__what_is_not_there_is_nothing),
		cmocka_unit_test(test_doc_read__takes_what_jansson_takes),
		cmocka_unit_test(test_doc_read__every_truncation_and_every_byte),
		cmocka_unit_test(test_doc_read__limits),
		cmocka_unit_test(test_doc_equal__by_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
