/*
 * The compiled form and the parser against damage: every truncation, every
 * byte flipped (with the checksum as it is, and made right again), every
 * allocation failing. S41: hostile bytes are refused, never crash, never allow
 * by accident.
 */
#include "tests/policy/harness.h"

#include <jansson.h>

#include "common/policy/internal.h"

/* Something of everything in one document. */
static const char document[] = "{\"Version\":\"2012-10-17\",\"Id\":\"x\",\"Statement\":["
    "{\"Sid\":\"A\",\"Effect\":\"Allow\",\"Action\":[\"s3:Get*\",\"s3:PutObject\",\"ec2:?un*s\"],"
    "\"Resource\":[\"arn:aws:s3:::box/${aws:username, 'x'}/*\",\"arn:aws:s3:::box/thing\"],"
    "\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/t\":\"a\"},"
    "\"ForAnyValue:StringLike\":{\"aws:TagKeys\":[\"k?\",\"*\"]},"
    "\"NumericLessThan\":{\"aws:MultiFactorAuthAge\":900},"
    "\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-01-01\"},"
    "\"Bool\":{\"aws:SecureTransport\":true},"
    "\"BinaryEquals\":{\"aws:PrincipalTag/b\":\"Zm9v\"},"
    "\"IpAddress\":{\"aws:SourceIp\":[\"192.0.2.0/24\",\"2001:db8::/32\"]},"
    "\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:s3:::${aws:username}*\"},"
    "\"Null\":{\"aws:userid\":\"true\"},"
    "\"TimeOfDayWithin\":{\"aws:CurrentTime\":[\"Mon-Fri 08:00-18:00\",\"Sat\"]}}},"
    "{\"Sid\":\"D\",\"Effect\":\"Deny\",\"NotAction\":\"s3:*\",\"NotResource\":\"*\"}]}";

static const char resource_document[] = "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"" ALICE "\",\"123456789012\","
    "\"arn:aws:iam::123456789012:role/a/Ops\"],\"Service\":\"ec2.amazonaws.com\"},"
    "\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::box/*\"}]}";

static void
make(const char *json, enum pol_kind kind, struct buf *b)
{
	assert_int_equal(pol_compile(json, strlen(json), kind, NULL, NULL, b), 0);
}

static void
full_request(struct asker *a)
{
	asker_init(a);
	asker_key(a, "aws:PrincipalTag/t", "a", NULL);
	asker_key(a, "AWS:tagkeys", "k1", "zz", NULL);
	asker_key(a, "aws:MultiFactorAuthAge", "10", NULL);
	asker_key(a, "aws:CurrentTime", "2026-11-24T09:30:00Z", NULL);
	asker_key(a, "aws:SecureTransport", "true", NULL);
	asker_key(a, "aws:PrincipalTag/b", "Zm9v", NULL);
	asker_key(a, "aws:SourceIp", "192.0.2.7", NULL);
	asker_key(a, "aws:SourceArn", "arn:aws:s3:::alice-box", NULL);
}

/* Decide and explain; only memory safety and the return code matter. */
static enum pol_effect
ask_bytes(struct asker *a, const struct pol_doc *doc)
{
	struct pol_explanation *x = malloc(sizeof(*x));
	struct pol_source src = { *doc, "bytes" };
	struct pol_set set = { .identity = { &src, 1 }, .resource = &src };
	enum pol_effect e = POL_IMPLICIT_DENY;
	const char *name;
	size_t cursor = 0;
	unsigned i;

	assert_non_null(x);
	set.resource = NULL;
	if (pol_explain(&set, &a->req, x) == 0) {
		e = x->decision.effect;
		for (i = 0; i < x->reason_count; i++)
			assert_true(strlen(x->reasons[i].text) < sizeof(x->reasons[i].text));
	}
	set.resource = &src;
	if (pol_explain(&set, &a->req, x) != 0)
		assert_int_not_equal(x->decision.effect, POL_ALLOWED);
	while (pol_key_next(doc, &cursor, &name))
		assert_true(strlen(name) < 100);
	free(x);
	return e;
}

/* Exactly len bytes on the heap, so that ASan sees the first one beyond. */
static uint8_t *
copy(const struct buf *b, size_t len)
{
	uint8_t *p = malloc(len > 0 ? len : 1);

	assert_non_null(p);
	memcpy(p, b->p, len);
	return p;
}

static void
put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static void
test_pol_open__whole_document_decides(void **state)
{
	struct buf b = BUF_INIT;
	struct pol_doc doc;
	struct asker a;

	(void)state;
	full_request(&a);
	a.values[7][0] = (struct pol_value){ "arn:aws:s3:::x-box", 18 };
	make(document, POL_IDENTITY, &b);
	assert_int_equal(pol_open(b.p, b.len, &doc), 0);
	/* no aws:username: the ARN condition's variable has no value */
	assert_int_equal(ask_bytes(&a, &doc), POL_IMPLICIT_DENY);
	a.keys[5].name = "aws:username";
	a.values[5][0] = (struct pol_value){ "x", 1 };
	assert_int_equal(ask_bytes(&a, &doc), POL_IMPLICIT_DENY); /* no tag b now */
	buf_release(&b);
}

static void
test_pol_open__every_truncation_is_refused(void **state)
{
	struct buf b = BUF_INIT;
	struct pol_doc doc;
	uint8_t *p;
	size_t n;

	(void)state;
	make(document, POL_IDENTITY, &b);
	for (n = 0; n < b.len; n++) {
		p = copy(&b, n);
		assert_int_not_equal(pol_open(p, n, &doc), 0);
		free(p);
	}
	buf_release(&b);
}

static void
test_pol_open__every_flipped_byte_is_refused(void **state)
{
	struct buf b = BUF_INIT;
	struct pol_doc doc;
	size_t i;
	int bit;

	(void)state;
	make(document, POL_IDENTITY, &b);
	for (i = 0; i < b.len; i++)
		for (bit = 0; bit < 8; bit++) {
			b.p[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(pol_open(b.p, b.len, &doc), 0);
			b.p[i] ^= (uint8_t)(1 << bit);
		}
	buf_release(&b);
}

/* Who can write a good checksum gets as far as the evaluator: it must not
 * read or write out of bounds, whatever the bytes. */
static void
flip_and_ask(const char *json, enum pol_kind kind)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };
	struct buf b = BUF_INIT;
	struct pol_doc doc;
	struct asker a;
	uint8_t *p;
	size_t i, m;

	full_request(&a);
	make(json, kind, &b);
	p = copy(&b, b.len);
	for (i = CF_SUM_FROM; i < b.len; i++)
		for (m = 0; m < IAM_COUNT(masks); m++) {
			p[i] ^= masks[m];
			put64(p + 16, cf_checksum(p + CF_SUM_FROM, b.len - CF_SUM_FROM));
			if (pol_open(p, b.len, &doc) == 0)
				ask_bytes(&a, &doc);
			p[i] ^= masks[m];
		}
	free(p);
	buf_release(&b);
}

static void
test_pol_eval__S41_forged_bytes_are_in_bounds(void **state)
{
	(void)state;
	flip_and_ask(document, POL_IDENTITY);
	flip_and_ask(resource_document, POL_RESOURCE);
}

static void
test_pol_open__other_version_and_alignment(void **state)
{
	struct buf b = BUF_INIT;
	struct pol_doc doc;

	(void)state;
	make(document, POL_IDENTITY, &b);
	assert_int_equal(pol_open(b.p + 1, b.len - 1, &doc), IAM_ERR_FORMAT);
	b.p[8]++;
	assert_int_equal(pol_open(b.p, b.len, &doc), IAM_ERR_VERSION);
	assert_int_equal(pol_open(NULL, 0, &doc), IAM_ERR_FORMAT);
	buf_release(&b);
}

static void
test_pol_compile__every_truncation_is_refused_with_a_place(void **state)
{
	struct pol_findings f;
	struct buf b = BUF_INIT;
	char *p;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(document) - 1; n++) {
		p = malloc(n > 0 ? n : 1);
		assert_non_null(p);
		memcpy(p, document, n);
		assert_int_equal(pol_compile(p, n, POL_IDENTITY, NULL, &f, &b), IAM_ERR_FORMAT);
		assert_true(f.n > 0 && f.v[0].line > 0 && f.v[0].col > 0);
		assert_int_equal(b.len, 0);
		pol_findings_release(&f);
		free(p);
	}
}

static void
test_pol_compile__every_byte_flipped_never_crashes(void **state)
{
	struct pol_findings f;
	struct buf b = BUF_INIT;
	struct pol_doc doc;
	char p[sizeof(document)];
	size_t i;
	int bit, r;

	(void)state;
	memcpy(p, document, sizeof(p));
	for (i = 0; i < sizeof(p) - 1; i++)
		for (bit = 0; bit < 8; bit++) {
			p[i] ^= (char)(1 << bit);
			buf_reset(&b);
			r = pol_compile(p, sizeof(p) - 1, POL_IDENTITY, NULL, &f, &b);
			if (r == 0)
				assert_int_equal(pol_open(b.p, b.len, &doc), 0);
			else
				assert_true(r == IAM_ERR_FORMAT && f.n > 0 && b.len == 0);
			pol_findings_release(&f);
			p[i] ^= (char)(1 << bit);
		}
	buf_release(&b);
}

/* ---- the n-th allocation fails ---- */

static long countdown = -1; /* negative: never */

static bool
fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t m);
void *__wrap_reallocarray(void *p, size_t n, size_t m);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t m)
{
	return fails() ? NULL : __real_calloc(n, m);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t m)
{
	return fails() ? NULL : __real_reallocarray(p, n, m);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

static void *
failing_malloc(size_t n)
{
	return __wrap_malloc(n);
}

/* A document with findings and with much to compile. */
static void
fail_at_each_allocation(const char *json, int expected)
{
	struct pol_findings f;
	struct buf b = BUF_INIT;
	long n;
	int r = IAM_ERR_MEMORY;

	json_set_alloc_funcs(failing_malloc, free);
	for (n = 0; n < 100000; n++) {
		countdown = n;
		r = pol_compile(json, strlen(json), POL_IDENTITY, NULL, &f, &b);
		if (countdown >= 0)
			break;
		/* jansson calls some of its own a syntax error */
		if (r != IAM_ERR_MEMORY && r != IAM_ERR_FORMAT)
			fail_msg("allocation %ld failed: %d", n, r);
		assert_int_equal(b.len, 0);
		pol_findings_release(&f);
		buf_release(&b);
	}
	countdown = -1;
	assert_true(n > 20);
	assert_int_equal(r, expected);
	pol_findings_release(&f);
	buf_release(&b);
	json_set_alloc_funcs(malloc, free);
}

static void
test_pol_compile__each_allocation_failing(void **state)
{
	(void)state;
	fail_at_each_allocation(document, 0);
	fail_at_each_allocation("{\"Statement\":[{\"Sid\":\"a b\",\"Effect\":\"Maybe\","
	    "\"Action\":\"x\",\"Resource\":\"y\",\"Condition\":{\"Foo\":{\"k\":1}}},{}]}",
	    IAM_ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pol_open__whole_document_decides),
		cmocka_unit_test(test_pol_open__every_truncation_is_refused),
		cmocka_unit_test(test_pol_open__every_flipped_byte_is_refused),
		cmocka_unit_test(test_pol_eval__S41_forged_bytes_are_in_bounds),
		cmocka_unit_test(test_pol_open__other_version_and_alignment),
		cmocka_unit_test(test_pol_compile__every_truncation_is_refused_with_a_place),
		cmocka_unit_test(test_pol_compile__every_byte_flipped_never_crashes),
		cmocka_unit_test(test_pol_compile__each_allocation_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
