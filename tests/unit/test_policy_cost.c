/*
 * What a decision may cost: no allocation, and at most pattern length times
 * text length comparisons, whatever the pattern (iam-policy(5), "Text").
 */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "common/policy/internal.h"
#include "tests/policy/corpus_run.h"

/* ---- the matcher, with a counter in its comparison ---- */

static unsigned long compared;

static char
counted_lower(char c)
{
	compared++;
	return ascii_lower(c);
}

#define ascii_lower(c) counted_lower(c)
#include "common/policy/match.c"
#undef ascii_lower

/* Repeat a text n times. */
static void
repeat(struct buf *b, const char *s, size_t n)
{
	for (; n > 0; n--)
		buf_puts(b, s);
}

static struct ev *
without_keys(void)
{
	static const struct pol_request req = { .key_count = 0 };
	static struct ev ev;

	ev.req = &req;
	return &ev;
}

/* pattern: '*' and '?' are marks. Two calls are one comparison. */
static unsigned long
comparisons(const struct buf *pattern, const struct buf *text, enum tri want)
{
	struct buf data = BUF_INIT;
	struct view v = { .bad = false };
	size_t i;

	for (i = 0; i < pattern->len; i++)
		buf_u8(&data, pattern->p[i] == '*' ? CF_STAR : pattern->p[i] == '?' ? CF_ONE :
		    pattern->p[i]);
	compared = 0;
	assert_int_equal(match_pattern(without_keys(), &v, CF_GLOB, data.p, data.len,
	    (const char *)text->p, text->len, true), want);
	buf_release(&data);
	return compared / 2;
}

static void
test_match_pattern__at_most_pattern_times_text(void **state)
{
	static const struct {
		const char *head, *again, *tail, *text, *end;
		enum tri want;
	} rows[] = {
		{ "", "a*", "b", "a", "", TRI_NO },
		{ "*", "a*", "b", "a", "b", TRI_YES },
		{ "*", "aa*", "ab", "a", "", TRI_NO },
		{ "*", "a?*", "b", "a", "", TRI_NO },
		{ "*", "?a*", "b", "ba", "c", TRI_NO },
		{ "*", "aaaaaaaa", "b*", "a", "", TRI_NO },
		{ "*", "*", "b", "a", "", TRI_NO },
		{ "*", "ab", "*c", "ab", "", TRI_NO },
		{ "", "\xc3\xa9*", "b", "\xc3\xa9", "", TRI_NO },
		{ "*", "?", "b", "\xe2\x82\xac", "", TRI_NO },
	};
	struct buf p = BUF_INIT, t = BUF_INIT;
	unsigned long n;
	size_t i, len;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++)
		for (len = 4; len <= 512; len *= 4) {
			buf_reset(&p);
			buf_reset(&t);
			buf_puts(&p, rows[i].head);
			repeat(&p, rows[i].again, len / 2);
			buf_puts(&p, rows[i].tail);
			repeat(&t, rows[i].text, len);
			buf_puts(&t, rows[i].end);
			n = comparisons(&p, &t, rows[i].want);
			if (n > p.len * t.len)
				fail_msg("row %zu: %lu comparisons for %zu times %zu", i, n,
				    p.len, t.len);
		}
	buf_release(&p);
	buf_release(&t);
}

/* ---- no allocation while deciding or explaining ---- */

static unsigned long allocated;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);

void *
__wrap_malloc(size_t n)
{
	allocated++;
	return __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t m)
{
	allocated++;
	return __real_calloc(n, m);
}

void *
__wrap_realloc(void *p, size_t n)
{
	allocated++;
	return __real_realloc(p, n);
}

static void
decide_and_explain(json_t *j)
{
	static struct pol_explanation x;
	struct corpus_case c;
	struct pol_decision d;

	assert_int_equal(corpus_case_make(&c, j), 0);
	assert_true(allocated > 0);
	allocated = 0;
	assert_int_equal(pol_eval(&c.set, &c.req, &d), 0);
	assert_int_equal(pol_explain(&c.set, &c.req, &x), 0);
	assert_int_equal(allocated, 0);
	corpus_case_release(&c);
}

static void
test_pol_eval__allocates_nothing(void **state)
{
	FILE *f = fopen("tests/policy/cases.jsonl", "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	json_t *j;

	(void)state;
	assert_non_null(f);
	while ((len = getline(&line, &cap, f)) > 0) {
		j = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
		assert_non_null(j);
		decide_and_explain(j);
		json_decref(j);
	}
	free(line);
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match_pattern__at_most_pattern_times_text),
		cmocka_unit_test(test_pol_eval__allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
