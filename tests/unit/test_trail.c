/*
 * The trail: records, chain, spool, readers. Shape of a record: CloudTrail
 * User Guide, "CloudTrail record contents" (docs/trail-format.md).
 */
#include "common/trail/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <jansson.h>

#define NOW 1795512600 /* date -u -d 2026-11-24T09:30:00Z +%s */

struct fixture {
	char dir[64], file[96], spool[96];
	struct trail_where where;
};

/* ---- the n-th allocation ---- */

static long fail_after = -1;

static bool
fails(void)
{
	if (fail_after == 0)
		return true;
	if (fail_after > 0)
		fail_after--;
	return false;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

/* ---- helpers ---- */

static int
set_up(void **state)
{
	static struct fixture f;

	snprintf(f.dir, sizeof(f.dir), "/tmp/iam-trail.XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.file, sizeof(f.file), "%s/log/trail.jsonl", f.dir);
	snprintf(f.spool, sizeof(f.spool), "%s/spool", f.dir);
	f.where = (struct trail_where){ f.file, f.spool, getegid() };
	fail_after = -1;
	*state = &f;
	return 0;
}

static void
empty_dir(const char *path)
{
	char name[512];
	struct dirent *d;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		if (d->d_name[0] != '.' && unlink(name) != 0)
			rmdir(name);
	}
	closedir(dir);
	rmdir(path);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	char log[80];

	snprintf(log, sizeof(log), "%s/log", f->dir);
	empty_dir(f->spool);
	empty_dir(log);
	empty_dir(f->dir);
	return 0;
}

static struct trail_event
event(const char *name)
{
	return (struct trail_event){
		.who = { .type = "IAMUser", .principal_id = "AIDAABCDEFGHIJKLMNOPQ",
		    .arn = "arn:aws:iam::123456789012:user/sarah",
		    .account_id = "123456789012", .user_name = "sarah",
		    .mfa = 1, .created_s = NOW - 60 },
		.source = "host.iam", .name = name, .type = "AwsConsoleSignIn",
		.region = "eu-central-1", .account_id = "123456789012",
		.source_ip = "192.0.2.7", .user_agent = "pam_iam/1 (sshd)",
		.management = true, .now_s = NOW,
	};
}

static enum trail_kept
write_event(const struct fixture *f, const struct trail_event *e)
{
	enum trail_kept kept = 0;

	assert_int_equal(trail_write(&f->where, e, &kept), 0);
	return kept;
}

static enum trail_kept
write_named(const struct fixture *f, const char *name)
{
	struct trail_event e = event(name);

	return write_event(f, &e);
}

static void
put_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, data, len), 0);
	close(fd);
}

static void
get_file(const struct fixture *f, struct buf *b)
{
	assert_int_equal(file_read(f->file, FILE_SECRET, 1 << 26, b), 0);
}

/* The n-th line from 0, parsed; new. */
static json_t *
line_at(const struct fixture *f, unsigned n)
{
	struct buf b = BUF_INIT;
	const char *p, *end;
	json_t *o;

	get_file(f, &b);
	for (p = buf_cstr(&b); n > 0; n--) {
		p = strchr(p, '\n');
		assert_non_null(p);
		p++;
	}
	end = strchr(p, '\n');
	assert_non_null(end);
	o = json_loadb(p, (size_t)(end - p), JSON_REJECT_DUPLICATES, NULL);
	buf_release(&b);
	return o;
}

static const char *
text(const json_t *o, const char *a, const char *b, const char *c)
{
	o = json_object_get(o, a);
	if (b != NULL)
		o = json_object_get(o, b);
	if (c != NULL)
		o = json_object_get(o, c);
	return json_string_value(o);
}

static unsigned
spooled(const struct fixture *f)
{
	struct dirent *d;
	DIR *dir = opendir(f->spool);
	unsigned n = 0;

	if (dir == NULL)
		return 0;
	while ((d = readdir(dir)) != NULL)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

static struct trail_check
validate(const struct fixture *f)
{
	struct trail_check c;

	assert_int_equal(trail_validate(f->file, &c), 0);
	return c;
}

static bool
collect(void *arg, const char *json, size_t len)
{
	struct buf *b = arg;
	json_t *o = json_loadb(json, len, 0, NULL);

	assert_non_null(o);
	buf_printf(b, "%s ", text(o, "eventName", NULL, NULL));
	json_decref(o);
	return true;
}

/* Names of the events that are found, newest first. */
static void
assert_lookup(const struct fixture *f, const struct trail_filter *filter,
    const char *want)
{
	struct buf b = BUF_INIT;

	assert_int_equal(trail_lookup(f->file, filter, collect, &b), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_release(&b);
}

static const struct trail_filter everything;

/* ---- ids ---- */

/* RFC 4122 section 4.4: version 4, variant 10. */
static void
test_trail_event_id__is_a_random_uuid(void **state)
{
	char a[37], b[37];
	size_t i;

	(void)state;
	assert_int_equal(trail_event_id(a), 0);
	assert_int_equal(trail_event_id(b), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), 36);
	for (i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			assert_int_equal(a[i], '-');
		else
			assert_non_null(strchr("0123456789abcdef", a[i]));
	}
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
}

/* ---- records ---- */

static void
test_trail_write__shape_of_a_record(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("HostLogin");
	struct stat st;
	json_t *o;

	e.error_code = "AccessDenied";
	e.error_message = "not now";
	e.response_elements = "{\"HostLogin\": \"Failure\"}";
	e.additional = "{\"MFAUsed\": \"Yes\"}";
	e.resources = "[{\"ARN\":\"arn:aws:host:eu-central-1:123456789012:instance/web1\"}]";
	assert_int_equal(trail_event_id(e.event_id), 0);
	assert_int_equal(write_event(f, &e), TRAIL_WRITTEN);
	o = line_at(f, 0);
	assert_string_equal(text(o, "eventVersion", NULL, NULL), "1.11");
	assert_string_equal(text(o, "userIdentity", "type", NULL), "IAMUser");
	assert_string_equal(text(o, "userIdentity", "userName", NULL), "sarah");
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    json_object_get(json_object_get(o, "userIdentity"), "sessionContext"),
	    "attributes"), "mfaAuthenticated")), "true");
	assert_string_equal(text(o, "eventTime", NULL, NULL), "2026-11-24T09:30:00Z");
	assert_string_equal(text(o, "eventSource", NULL, NULL), "host.iam");
	assert_string_equal(text(o, "eventName", NULL, NULL), "HostLogin");
	assert_string_equal(text(o, "awsRegion", NULL, NULL), "eu-central-1");
	assert_string_equal(text(o, "sourceIPAddress", NULL, NULL), "192.0.2.7");
	assert_string_equal(text(o, "errorCode", NULL, NULL), "AccessDenied");
	assert_string_equal(text(o, "errorMessage", NULL, NULL), "not now");
	assert_true(json_is_null(json_object_get(o, "requestParameters")));
	assert_string_equal(text(o, "responseElements", "HostLogin", NULL), "Failure");
	assert_string_equal(text(o, "additionalEventData", "MFAUsed", NULL), "Yes");
	assert_string_equal(text(o, "eventID", NULL, NULL), e.event_id);
	assert_true(json_is_false(json_object_get(o, "readOnly")));
	assert_string_equal(text(o, "eventType", NULL, NULL), "AwsConsoleSignIn");
	assert_string_equal(text(o, "recipientAccountId", NULL, NULL), "123456789012");
	assert_string_equal(text(o, "eventCategory", NULL, NULL), "Management");
	json_decref(o);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
test_trail_write__unknown_members_are_left_out(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("HostLogin");
	json_t *o;

	e.who = (struct trail_identity){ .type = "IAMUser",
		.user_name = "HIDDEN_DUE_TO_SECURITY_REASONS", .mfa = -1 };
	e.region = NULL;
	write_event(f, &e);
	o = line_at(f, 0);
	assert_null(json_object_get(o, "errorCode"));
	assert_null(json_object_get(o, "awsRegion"));
	assert_null(json_object_get(o, "resources"));
	assert_null(json_object_get(json_object_get(o, "userIdentity"), "arn"));
	assert_null(json_object_get(json_object_get(o, "userIdentity"), "sessionContext"));
	assert_int_equal(strlen(text(o, "eventID", NULL, NULL)), 36);
	json_decref(o);
}

/* S42 */
static void
test_trail_write__hostile_text_stays_one_line(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("HostLogin");
	struct buf b = BUF_INIT;
	json_t *o;

	e.who.user_name = "x\",\"eventName\":\"Nothing\n\x1b]0;t\x07\xe2\x80\xae\xff";
	e.user_agent = "a\r\nb\xc2\x85";
	e.request_parameters = "{\"name\":\"\xe2\x80\xae\x7f\"}";
	write_event(f, &e);
	get_file(f, &b);
	assert_ptr_equal(strchr(buf_cstr(&b), '\n'), b.p + b.len - 1);
	assert_null(memchr(b.p, 0x1b, b.len));
	assert_null(strstr(buf_cstr(&b), "\xe2\x80\xae"));
	assert_null(strstr(buf_cstr(&b), "\xc2\x85"));
	assert_null(memchr(b.p, 0x7f, b.len));
	buf_release(&b);
	o = line_at(f, 0);
	assert_string_equal(text(o, "eventName", NULL, NULL), "HostLogin");
	assert_string_equal(text(o, "requestParameters", "name", NULL), "\xe2\x80\xae\x7f");
	json_decref(o);
	assert_int_equal(validate(f).bad, 0);
}

static void
test_trail_write__values_that_are_no_json_are_left_out(void **state)
{
	static const char *const bad[] = { "", "{", "{}{}", "[]", "7", "{\n}",
		"{\"a\":\"\xff\"}", "{} ", "{\"a\":1}}" };
	struct fixture *f = *state;
	struct trail_event e;
	json_t *o;
	unsigned i;

	for (i = 0; i < IAM_COUNT(bad); i++) {
		e = event("CreateUser");
		e.request_parameters = e.response_elements = e.additional = bad[i];
		e.resources = bad[i][0] == '[' ? "{}" : bad[i];
		write_event(f, &e);
		o = line_at(f, i);
		assert_non_null(o);
		assert_string_equal(text(o, "requestParameters", "reason", NULL),
		    "requestParameters not valid JSON");
		assert_string_equal(text(o, "resources", "reason", NULL),
		    "resources not valid JSON");
		json_decref(o);
	}
	assert_int_equal(validate(f).bad, 0);
}

static void
test_trail_write__long_values_are_cut(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("CreatePolicy");
	char message[2001], *json = malloc(300001);
	json_t *o;
	size_t len;

	assert_non_null(json);
	memset(message, 'm', 2000);
	message[2000] = '\0';
	memset(json, 'j', 300000);
	memcpy(json, "{\"policyDocument\":\"", 19);
	memcpy(json + 299998, "\"}", 3);
	e.error_message = message;
	e.request_parameters = json;
	write_event(f, &e);
	o = line_at(f, 0);
	len = strlen(text(o, "errorMessage", NULL, NULL));
	assert_int_equal(len, 1024 + strlen(TRAIL_CUT));
	assert_true(json_is_true(json_object_get(json_object_get(o,
	    "requestParameters"), "omitted")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(o,
	    "requestParameters"), "originalSize")), 300000);
	json_decref(o);
	free(json);
}

/* Everything at its limit, and every character six bytes long. */
static void
test_trail_write__a_line_has_a_maximum(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("CreatePolicy");
	char message[1025], *json = malloc(100001);
	struct buf b = BUF_INIT;

	assert_non_null(json);
	memset(message, 0x01, 1024);
	message[1024] = '\0';
	memset(json, 0x7f, 100000);
	json[100000] = '\0';
	memcpy(json, "{\"a\":\"", 6);
	memcpy(json + 99998, "\"}", 2);
	e.who.principal_id = e.who.arn = e.who.account_id = e.who.user_name =
	    e.source = e.name = e.type = e.region = e.account_id = e.source_ip =
	    e.user_agent = e.error_code = e.error_message = message;
	e.request_parameters = json;
	assert_int_equal(write_event(f, &e), TRAIL_WRITTEN);
	get_file(f, &b);
	assert_true(b.len <= TRAIL_LINE_MAX);
	buf_release(&b);
	assert_int_equal(validate(f).bad, 0);
	free(json);
}

/* ---- the chain ---- */

static void
test_trail_write__previous_is_the_hash_of_the_line_before(void **state)
{
	struct fixture *f = *state;
	uint8_t hash[crypto_hash_sha256_BYTES];
	char hex[65];
	struct buf b = BUF_INIT;
	json_t *first, *second, *c1, *c2;
	const char *nl;

	write_named(f, "One");
	write_named(f, "Two");
	get_file(f, &b);
	nl = strchr(buf_cstr(&b), '\n');
	crypto_hash_sha256(hash, b.p, (size_t)(nl - buf_cstr(&b)));
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	first = line_at(f, 0);
	second = line_at(f, 1);
	c1 = json_object_get(json_object_get(first, "additionalEventData"), "chain");
	c2 = json_object_get(json_object_get(second, "additionalEventData"), "chain");
	assert_int_equal(json_integer_value(json_object_get(c1, "seq")), 1);
	assert_int_equal(json_integer_value(json_object_get(c2, "seq")), 2);
	assert_string_equal(json_string_value(json_object_get(c1, "previous")),
	    "0000000000000000000000000000000000000000000000000000000000000000");
	assert_string_equal(json_string_value(json_object_get(c2, "previous")), hex);
	json_decref(first);
	json_decref(second);
	buf_release(&b);
}

static void
test_trail_validate__good_chain(void **state)
{
	struct fixture *f = *state;
	struct trail_check c;
	int i;

	for (i = 0; i < 50; i++)
		write_named(f, "Event");
	c = validate(f);
	assert_int_equal(c.records, 50);
	assert_int_equal(c.bad, 0);
	assert_int_equal(c.first_bad_line, 0);
}

static void
test_trail_validate__no_file(void **state)
{
	struct fixture *f = *state;
	struct trail_check c;

	assert_int_equal(trail_validate(f->file, &c), IAM_ERR_ABSENT);
	assert_int_equal(trail_lookup(f->file, &everything, collect, NULL),
	    IAM_ERR_ABSENT);
}

static void
three_events(struct fixture *f, struct buf *b, size_t line[4])
{
	write_named(f, "One");
	write_named(f, "Two");
	write_named(f, "Three");
	get_file(f, b);
	line[0] = 0;
	line[1] = (size_t)(strchr(buf_cstr(b), '\n') - buf_cstr(b)) + 1;
	line[2] = (size_t)(strchr(buf_cstr(b) + line[1], '\n') - buf_cstr(b)) + 1;
	line[3] = b->len;
}

static void
test_trail_validate__removed_swapped_doubled_lines(void **state)
{
	static const struct {
		unsigned order[4], n, bad_line;
		const char *reason;
	} t[] = {
		{ { 0, 2 }, 2, 2, "the line before it was changed, removed or added" },
		{ { 1, 2 }, 2, 1, "the records before it are missing" },
		{ { 1, 0, 2 }, 3, 1, "the records before it are missing" },
		{ { 0, 2, 1 }, 3, 2, "the line before it was changed, removed or added" },
		{ { 0, 0, 1, 2 }, 4, 2, "the line before it was changed, removed or added" },
		{ { 0, 1, 2 }, 3, 0, "" },
	};
	struct fixture *f = *state;
	struct buf b = BUF_INIT, made = BUF_INIT;
	struct trail_check c;
	size_t line[4], i, k;

	three_events(f, &b, line);
	for (i = 0; i < IAM_COUNT(t); i++) {
		buf_reset(&made);
		for (k = 0; k < t[i].n; k++)
			buf_put(&made, b.p + line[t[i].order[k]],
			    line[t[i].order[k] + 1] - line[t[i].order[k]]);
		put_file(f->file, made.p, made.len);
		c = validate(f);
		assert_int_equal(c.first_bad_line, t[i].bad_line);
		assert_string_equal(c.reason, t[i].reason);
	}
	buf_release(&b);
	buf_release(&made);
}

static void
test_trail_validate__every_flipped_byte_before_the_last_line(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT;
	size_t line[4], i;

	three_events(f, &b, line);
	for (i = 0; i < line[2]; i++) {
		b.p[i] ^= 0x01;
		put_file(f->file, b.p, b.len);
		assert_true(validate(f).bad > 0);
		b.p[i] ^= 0x01;
	}
	buf_release(&b);
}

/* A crash can leave any beginning of the file: what follows is readable, and
 * the torn line is reported. */
static void
test_trail_write__after_every_truncation(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT;
	struct trail_check c;
	size_t line[4], n;
	bool whole;

	three_events(f, &b, line);
	for (n = line[1]; n < line[2]; n++) {
		put_file(f->file, b.p, n);
		assert_int_equal(write_named(f, "After"), TRAIL_WRITTEN);
		c = validate(f);
		whole = n == line[1] || n == line[2] - 1;
		assert_int_equal(c.bad, whole ? 0 : 1);
		assert_int_equal(c.first_bad_line, whole ? 0 : 2);
		assert_lookup(f, &everything,
		    n == line[2] - 1 ? "After Two One " : "After One ");
	}
	buf_release(&b);
}

static void
test_trail_write__after_garbage(void **state)
{
	struct fixture *f = *state;
	size_t len = 3 << 20;
	char *garbage = malloc(len);
	struct trail_check c;

	assert_non_null(garbage);
	memset(garbage, 'x', len);
	write_named(f, "One");
	put_file(f->file, garbage, len);
	free(garbage);
	assert_int_equal(write_named(f, "Two"), TRAIL_WRITTEN);
	assert_int_equal(write_named(f, "Three"), TRAIL_WRITTEN);
	c = validate(f);
	assert_int_equal(c.records, 3);
	assert_int_equal(c.bad, 1);
	assert_int_equal(c.first_bad_line, 1);
	assert_string_equal(c.reason, "line too long");
	assert_lookup(f, &everything, "Three Two ");
}

/* The right hash alone is not enough: numbers have no gaps. */
static void
test_trail_validate__number_left_out(void **state)
{
	const char *body = "{\"additionalEventData\":{}}";
	struct fixture *f = *state;
	struct buf b = BUF_INIT;
	struct trail_link l;
	struct trail_check c;

	write_named(f, "One");
	get_file(f, &b);
	trail_link_init(&l);
	trail_link_hash(&l, b.p, b.len - 1);
	l.seq = 2;
	trail_link_record(&b, body, strlen(body), -1, &l);
	buf_putc(&b, '\n');
	put_file(f->file, b.p, b.len);
	c = validate(f);
	assert_int_equal(c.bad, 1);
	assert_string_equal(c.reason, "record number 3 where 2 is expected");
	buf_release(&b);
}

static void
test_trail_validate__last_record_torn(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT;
	struct trail_check c;
	size_t line[4];

	three_events(f, &b, line);
	put_file(f->file, b.p, b.len - 10);
	c = validate(f);
	assert_int_equal(c.bad, 1);
	assert_int_equal(c.first_bad_line, 3);
	assert_string_equal(c.reason, "record cut off in the middle");
	put_file(f->file, b.p, b.len - 1);
	c = validate(f);
	assert_string_equal(c.reason, "the line has no end");
	buf_release(&b);
}

/* ---- when the file cannot be had ---- */

static void
limit_file_size(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes == RLIM_INFINITY ? l.rlim_max : bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* As on a full disk, write(2) first writes less than asked and then fails: half a
 * record must not stay. The signal of this limit must not end us either. (S38) */
static void
test_trail_write__disk_full_half_way(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT;
	size_t line[4];
	struct stat st;
	enum trail_kept kept;
	unsigned moved;

	three_events(f, &b, line);
	limit_file_size(b.len + 100 > 4096 ? b.len + 100 : 4096);
	do /* fill up */
		kept = write_named(f, "Four");
	while (kept == TRAIL_WRITTEN);
	assert_int_equal(kept, TRAIL_SPOOLED);
	assert_int_equal(write_named(f, "Five"), TRAIL_SPOOLED);
	assert_int_equal(stat(f->file, &st), 0);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(validate(f).bad, 0);
	assert_int_equal(spooled(f), 2);
	assert_int_equal(trail_flush(&f->where, &moved), 0);
	assert_int_equal(moved, 2);
	assert_int_equal(spooled(f), 0);
	assert_int_equal(validate(f).bad, 0);
	assert_lookup(f, &(struct trail_filter){ .event_name = "Five" }, "Five ");
	buf_release(&b);
}

static void
test_trail_write__neither_file_nor_spool(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("HostLogin");

	limit_file_size(0);
	assert_int_equal(trail_write(&f->where, &e, NULL), IAM_ERR_IO);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(spooled(f), 0);
}

static void
test_trail_write__unsafe_file_is_not_used(void **state)
{
	struct fixture *f = *state;
	char target[128];

	write_named(f, "One");
	snprintf(target, sizeof(target), "%s/target", f->dir);
	put_file(target, "", 0);
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(symlink(target, f->file), 0);
	assert_int_equal(write_named(f, "Two"), TRAIL_SPOOLED);
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(mkfifo(f->file, 0600), 0); /* S37 */
	assert_int_equal(write_named(f, "Three"), TRAIL_SPOOLED);
	assert_int_equal(unlink(f->file), 0);
	put_file(f->file, "", 0);
	assert_int_equal(chmod(f->file, 0622), 0);
	assert_int_equal(write_named(f, "Four"), TRAIL_SPOOLED);
	assert_int_equal(chmod(f->file, 0600), 0);
	assert_int_equal(write_named(f, "Five"), TRAIL_WRITTEN);
	assert_lookup(f, &everything, "Five Four Three Two ");
}

static void
test_trail_write__lock_that_is_never_released(void **state)
{
	struct fixture *f = *state;
	int fd;

	write_named(f, "One");
	fd = open(f->file, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(write_named(f, "Two"), TRAIL_SPOOLED);
	close(fd);
	assert_int_equal(write_named(f, "Three"), TRAIL_WRITTEN);
	assert_lookup(f, &everything, "Three Two One ");
}

static void
test_trail_write__file_rotated_away(void **state)
{
	struct fixture *f = *state;
	char old[128];

	write_named(f, "One");
	snprintf(old, sizeof(old), "%s.1", f->file);
	assert_int_equal(rename(f->file, old), 0);
	assert_int_equal(write_named(f, "Two"), TRAIL_WRITTEN);
	assert_lookup(f, &everything, "Two ");
	assert_int_equal(validate(f).bad, 0);
}

/* ---- the spool ---- */

static void
spool_named(struct fixture *f, const char *name)
{
	struct trail_event e = event(name);
	struct buf b = BUF_INIT;

	assert_int_equal(trail_event_id(e.event_id), 0);
	trail_body(&b, &e);
	assert_int_equal(trail_spool_put(&f->where, buf_cstr(&b), b.len), 0);
	buf_release(&b);
}

static void
put_spooled(const struct fixture *f, const char *name, const char *content)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->spool, name);
	put_file(path, content, strlen(content));
}

static void
test_trail_spool__order_mode_and_owner(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	json_t *o;
	int i;

	for (i = 0; i < 20; i++)
		spool_named(f, i == 19 ? "Last" : "Spooled");
	assert_int_equal(stat(f->spool, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0770);
	assert_int_equal(spooled(f), 20);
	write_named(f, "Now");
	assert_int_equal(spooled(f), 0);
	o = line_at(f, 19);
	assert_string_equal(text(o, "eventName", NULL, NULL), "Last");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(
	    json_object_get(o, "additionalEventData"), "spool"), "uid")), geteuid());
	json_decref(o);
	assert_int_equal(validate(f).bad, 0);
	assert_int_equal(validate(f).records, 21);
}

static void
test_trail_spool__damaged_records_become_events(void **state)
{
	static const char *const bad[] = {
		"", "{", "not json\n{\"eventName\":\"Forged\"}", "[]", "{}",
		"{\"additionalEventData\":{},\"eventName\":\"Late\"}",
		"{\"additionalEventData\":[]}", "{\"additionalEventData\":{}}\n",
		"{\"additionalEventData\":{} }", "{\"a\":\"\x1b[2J\xff\"}",
	};
	struct fixture *f = *state;
	char name[32];
	json_t *o;
	unsigned i;

	spool_named(f, "Good");
	for (i = 0; i < IAM_COUNT(bad); i++) {
		snprintf(name, sizeof(name), "9999999999%02u", i);
		put_spooled(f, name, bad[i]);
	}
	write_named(f, "Now");
	assert_int_equal(spooled(f), 0);
	assert_int_equal(validate(f).bad, 0);
	assert_int_equal(validate(f).records, 2 + IAM_COUNT(bad));
	o = line_at(f, 3);
	assert_string_equal(text(o, "eventName", NULL, NULL), "TrailRecordDamaged");
	assert_string_equal(text(o, "additionalEventData", "text", NULL), bad[2]);
	json_decref(o);
}

static void
test_trail_spool__files_of_others_prove_nothing(void **state)
{
	struct fixture *f = *state;
	const char *forged = "{\"eventName\":\"Forged\",\"additionalEventData\":{}}";
	char path[256], link_path[256];

	if (geteuid() != 0)
		skip();
	f->where.auth_gid = 4242;
	spool_named(f, "Good");
	/* The helper's: the user's uid, and the group. */
	put_spooled(f, "999999999901", "{\"eventName\":\"Helper\",\"additionalEventData\":{}}");
	snprintf(path, sizeof(path), "%s/999999999901", f->spool);
	assert_int_equal(chown(path, 1000, 4242), 0);
	/* Neither root's nor the group's; writable by others; a symlink; two names. */
	put_spooled(f, "999999999902", forged);
	snprintf(path, sizeof(path), "%s/999999999902", f->spool);
	assert_int_equal(chown(path, 1000, 1000), 0);
	put_spooled(f, "999999999903", forged);
	snprintf(path, sizeof(path), "%s/999999999903", f->spool);
	assert_int_equal(chmod(path, 0666), 0);
	snprintf(path, sizeof(path), "%s/target", f->dir);
	put_file(path, forged, strlen(forged));
	snprintf(link_path, sizeof(link_path), "%s/999999999904", f->spool);
	assert_int_equal(symlink(path, link_path), 0);
	snprintf(link_path, sizeof(link_path), "%s/999999999905", f->spool);
	assert_int_equal(link(path, link_path), 0);
	snprintf(link_path, sizeof(link_path), "%s/999999999906", f->spool);
	assert_int_equal(mkfifo(link_path, 0600), 0);
	snprintf(link_path, sizeof(link_path), "%s/999999999907", f->spool);
	assert_int_equal(mkdir(link_path, 0700), 0);
	write_named(f, "Now");
	assert_int_equal(spooled(f), 0);
	assert_lookup(f, &everything, "Now TrailRecordDamaged TrailRecordDamaged "
	    "TrailRecordDamaged TrailRecordDamaged TrailRecordDamaged "
	    "TrailRecordDamaged Helper Good ");
	assert_int_equal(validate(f).bad, 0);
}

/* The helper cannot make the directory; whoever can, does. */
/* As su and sudo are while they ask: effective root, started by somebody else, who
 * may stop them with the lock in hand. */
static void
test_trail_write__started_by_a_user_takes_no_lock(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("Sudo");
	enum trail_kept kept;
	int status, fd;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	write_named(f, "One");
	assert_true((fd = open(f->where.file, O_RDWR | O_CLOEXEC)) >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0); /* he would wait for it */
	if ((pid = fork()) == 0) {
		if (setresuid(12345, 0, 0) != 0)
			_exit(2);
		_exit(trail_write(&f->where, &e, &kept) != 0 ||
		    kept != TRAIL_SPOOLED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
	assert_int_equal(spooled(f), 1);
	write_named(f, "Two"); /* root's next one moves it */
	assert_int_equal(spooled(f), 0);
	/* Where there is no spool the file is better than nothing. */
	assert_int_equal(rmdir(f->spool), 0);
	assert_true((fd = open(f->spool, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) >= 0);
	close(fd);
	if ((pid = fork()) == 0) {
		if (setresuid(12345, 0, 0) != 0)
			_exit(2);
		_exit(trail_write(&f->where, &e, &kept) != 0 ||
		    kept != TRAIL_WRITTEN);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(unlink(f->spool), 0);
}

static void
test_trail_write__makes_the_spool_for_the_helper(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	write_named(f, "One");
	assert_int_equal(stat(f->spool, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0770);
	assert_int_equal(st.st_gid, f->where.auth_gid);
}

static void
test_trail_spool__directory_of_somebody_else_is_not_used(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("HostLogin");
	struct buf b = BUF_INIT;

	trail_body(&b, &e);
	assert_int_equal(mkdir(f->spool, 0700), 0);
	assert_int_equal(chmod(f->spool, 0777), 0);
	assert_int_equal(trail_spool_put(&f->where, buf_cstr(&b), b.len), IAM_ERR_UNSAFE);
	assert_int_equal(rmdir(f->spool), 0);
	assert_int_equal(symlink("/tmp", f->spool), 0);
	assert_int_equal(trail_spool_put(&f->where, buf_cstr(&b), b.len), IAM_ERR_UNSAFE);
	assert_int_equal(write_named(f, "Written"), TRAIL_WRITTEN);
	assert_int_equal(unlink(f->spool), 0);
	buf_release(&b);
}

static void
test_trail_spool__unfinished_records(void **state)
{
	struct fixture *f = *state;
	const struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	char path[256];

	spool_named(f, "Good");
	put_spooled(f, "000000000001.new", "{\"half\":");
	write_named(f, "Now");
	assert_int_equal(spooled(f), 1); /* its writer may be at work */
	snprintf(path, sizeof(path), "%s/000000000001.new", f->spool);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	write_named(f, "Later");
	assert_int_equal(spooled(f), 0);
	assert_lookup(f, &everything, "Later TrailRecordDamaged Now Good ");
}

static void
test_trail_flush__more_than_a_batch(void **state)
{
	struct fixture *f = *state;
	unsigned moved, i;

	for (i = 0; i < TRAIL_SPOOL_BATCH + 10; i++)
		spool_named(f, "Spooled");
	assert_int_equal(trail_flush(&f->where, &moved), 0);
	assert_int_equal(moved, TRAIL_SPOOL_BATCH + 10);
	assert_int_equal(validate(f).records, TRAIL_SPOOL_BATCH + 10);
	assert_int_equal(validate(f).bad, 0);
}

/* ---- looking up ---- */

static void
test_trail_lookup__filters(void **state)
{
	struct fixture *f = *state;
	struct trail_event e;
	char id[37];

	write_named(f, "First");
	e = event("Second");
	assert_int_equal(trail_event_id(e.event_id), 0);
	memcpy(id, e.event_id, sizeof(id));
	e.read_only = true;
	e.now_s = NOW + 10;
	e.resources = "[{\"ARN\":\"arn:aws:iam::123456789012:policy/ops/Deploy\"}]";
	write_event(f, &e);
	e = event("Third");
	e.who = (struct trail_identity){ .type = "Root", .mfa = -1,
		.arn = "arn:aws:iam::123456789012:root" };
	e.source = "iam.amazonaws.com";
	e.request_parameters = "{\"userName\":\"bob\"}";
	e.now_s = NOW + 20;
	write_event(f, &e);
	assert_lookup(f, &everything, "Third Second First ");
	assert_lookup(f, &(struct trail_filter){ .event_id = id }, "Second ");
	assert_lookup(f, &(struct trail_filter){ .event_name = "First" }, "First ");
	assert_lookup(f, &(struct trail_filter){ .username = "sarah" }, "Second First ");
	assert_lookup(f, &(struct trail_filter){ .username = "root" }, "Third ");
	assert_lookup(f, &(struct trail_filter){ .event_source = "iam.amazonaws.com" }, "Third ");
	assert_lookup(f, &(struct trail_filter){ .read_only = "true" }, "Second ");
	assert_lookup(f, &(struct trail_filter){ .read_only = "false" }, "Third First ");
	assert_lookup(f, &(struct trail_filter){ .resource_name = "Deploy" }, "Second ");
	assert_lookup(f, &(struct trail_filter){ .resource_name = "eploy" }, "");
	assert_lookup(f, &(struct trail_filter){ .resource_name =
	    "arn:aws:iam::123456789012:policy/ops/Deploy" }, "Second ");
	assert_lookup(f, &(struct trail_filter){ .resource_name = "bob" }, "Third ");
	assert_lookup(f, &(struct trail_filter){ .start_s = NOW + 10 }, "Third Second ");
	assert_lookup(f, &(struct trail_filter){ .end_s = NOW + 10 }, "Second First ");
	assert_lookup(f, &(struct trail_filter){ .start_s = NOW + 11, .end_s = NOW + 19 }, "");
	assert_lookup(f, &(struct trail_filter){ .username = "sarah",
	    .read_only = "true" }, "Second ");
}

static bool
stop_at_once(void *arg, const char *json, size_t len)
{
	(void)json;
	(void)len;
	++*(int *)arg;
	return false;
}

static void
test_trail_lookup__stops_when_told(void **state)
{
	struct fixture *f = *state;
	int calls = 0;

	write_named(f, "One");
	write_named(f, "Two");
	assert_int_equal(trail_lookup(f->file, &everything, stop_at_once, &calls), 0);
	assert_int_equal(calls, 1);
}

static void
test_trail_lookup__damaged_lines_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT, made = BUF_INIT;
	size_t line[4];

	three_events(f, &b, line);
	buf_puts(&made, "\n\n{\"eventName\":\"Half\n[]\n");
	buf_put(&made, b.p, line[1]);
	buf_put(&made, "\0\0\0\0\n", 5);
	while (made.len < 900000) /* longer than a line may be, over many chunks */
		buf_puts(&made, "long long long ");
	buf_puts(&made, "\n");
	buf_put(&made, b.p + line[1], b.len - line[1]);
	buf_puts(&made, "{\"torn");
	put_file(f->file, made.p, made.len);
	assert_lookup(f, &everything, "Three Two One ");
	buf_release(&b);
	buf_release(&made);
}

/* Lines of many lengths across the borders of the chunks that are read. */
static void
test_trail_lookup__every_line_once(void **state)
{
	struct fixture *f = *state;
	struct trail_event e;
	struct buf b = BUF_INIT, extra = BUF_INIT;
	int i;

	for (i = 0; i < 60; i++) {
		e = event("E");
		buf_reset(&extra);
		buf_puts(&extra, "{\"p\":\"");
		while (extra.len < (size_t)i * 1357)
			buf_putc(&extra, 'p');
		buf_puts(&extra, "\"}");
		e.request_parameters = buf_cstr(&extra);
		write_event(f, &e);
	}
	assert_int_equal(trail_lookup(f->file, &everything, collect, &b), 0);
	assert_int_equal(b.len, 60 * 2);
	assert_int_equal(validate(f).bad, 0);
	buf_release(&b);
	buf_release(&extra);
}

/* ---- memory short ---- */

static void
test_trail__every_allocation_failing(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("HostLogin");
	struct trail_check c;
	unsigned moved;
	int n, r;

	for (n = 0;; n++) {
		spool_named(f, "Spooled");
		fail_after = n;
		r = trail_write(&f->where, &e, NULL);
		if (r == 0)
			r = trail_flush(&f->where, &moved);
		if (r == 0)
			r = trail_validate(f->file, &c);
		if (r == 0)
			r = trail_lookup(f->file, &everything, stop_at_once, &moved);
		r = fail_after == 0 ? 1 : 0;
		fail_after = -1;
		assert_int_equal(trail_flush(&f->where, &moved), 0);
		assert_int_equal(validate(f).bad, 0);
		if (r == 0)
			break;
	}
	assert_true(n > 5);
	assert_int_equal(spooled(f), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_trail_event_id__is_a_random_uuid),
		T(test_trail_write__shape_of_a_record),
		T(test_trail_write__unknown_members_are_left_out),
		T(test_trail_write__hostile_text_stays_one_line),
		T(test_trail_write__values_that_are_no_json_are_left_out),
		T(test_trail_write__long_values_are_cut),
		T(test_trail_write__a_line_has_a_maximum),
		T(test_trail_write__previous_is_the_hash_of_the_line_before),
		T(test_trail_validate__good_chain),
		T(test_trail_validate__no_file),
		T(test_trail_validate__removed_swapped_doubled_lines),
		T(test_trail_validate__every_flipped_byte_before_the_last_line),
		T(test_trail_write__after_every_truncation),
		T(test_trail_write__after_garbage),
		T(test_trail_validate__number_left_out),
		T(test_trail_validate__last_record_torn),
		T(test_trail_write__disk_full_half_way),
		T(test_trail_write__neither_file_nor_spool),
		T(test_trail_write__unsafe_file_is_not_used),
		T(test_trail_write__lock_that_is_never_released),
		T(test_trail_write__file_rotated_away),
		T(test_trail_spool__order_mode_and_owner),
		T(test_trail_spool__damaged_records_become_events),
		T(test_trail_spool__files_of_others_prove_nothing),
		T(test_trail_write__started_by_a_user_takes_no_lock),
		T(test_trail_write__makes_the_spool_for_the_helper),
		T(test_trail_spool__directory_of_somebody_else_is_not_used),
		T(test_trail_spool__unfinished_records),
		T(test_trail_flush__more_than_a_batch),
		T(test_trail_lookup__filters),
		T(test_trail_lookup__stops_when_told),
		T(test_trail_lookup__damaged_lines_are_passed_over),
		T(test_trail_lookup__every_line_once),
		T(test_trail__every_allocation_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
