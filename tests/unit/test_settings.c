#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/settings.h"

#define HOST "{\"region\": \"eu-central-1\", \"hostname\": \"web1.example\"," \
	" \"tags\": {\"environment\": \"prod\"}}"
#define SETTINGS "{\"ids\": {\"min\": 2000000000, \"max\": 2000009999}," \
	" \"services\": {\"sshd\": \"host:Authenticate\", \"kde*\": \"host:Login\"}," \
	" \"mfa\": {\"whenEnrolled\": \"policy\", \"memorySeconds\": 0," \
	" \"selfEnrolment\": \"policy\", \"selfEnrolmentDays\": 3," \
	" \"oneLine\": [\"lock*\"]}," \
	" \"throttle\": {\"freeAttempts\": 3, \"maxDelaySeconds\": 60, \"sourceFreeAttempts\": 40}," \
	" \"home\": {\"create\": false, \"umask\": \"027\"}," \
	" \"helper\": {\"group\": \"iam-services\"}," \
	" \"localGroups\": [\"adm\", \"Debian-exim\"]}"

static const char *
action(const struct settings *s, const char *service)
{
	uint32_t i;

	for (i = 0; i < s->service_count; i++) {
		if (strcmp(s->services[i].service, service) == 0)
			return s->services[i].action;
	}
	return "";
}

/* ---- what is taken ---- */

static void
test_settings_parse__defaults(void **state)
{
	struct iam_why why;
	struct settings s;

	(void)state;
	assert_int_equal(settings_parse("{}", 2, &s, &why), 0);
	assert_int_equal(s.id_min, 2100000000u);
	assert_int_equal(s.subid_min, 2147483648u);
	assert_int_equal(s.subid_max, 4294901759u);
	assert_int_equal(s.id_max, 2146999999u);
	assert_int_equal(s.mfa_when_enrolled, 1);
	assert_int_equal(s.mfa_memory_s, 900);
	assert_int_equal(s.self_enrolment, SNAP_ENROLMENT_OFF);
	assert_int_equal(s.enrolment_days, 14);
	assert_int_equal(s.one_line_count, 9);
	assert_int_equal(s.throttle_free, 10);
	assert_int_equal(s.throttle_max_s, 300);
	assert_int_equal(s.source_free, 100);
	assert_int_equal(s.password_warn_days, 7);
	assert_int_equal(s.create_home, 1);
	assert_int_equal(s.home_umask, 0077);
	assert_null(s.helper_group);
	assert_int_equal(s.local_group_count, 0);
	/* DESIGN, the table of PAM services. */
	assert_int_equal(s.service_count, 13);
	assert_string_equal(action(&s, "sshd"), "host:Login");
	assert_string_equal(action(&s, "gdm*"), "host:Login");
	assert_string_equal(action(&s, "cockpit"), "host:Login");
	assert_string_equal(action(&s, "sudo-i"), "host:Sudo");
	assert_string_equal(action(&s, "su"), "host:SwitchUser");
	assert_string_equal(action(&s, "systemd-user"), "host:RunScheduled");
	settings_release(&s);
}

static void
test_settings_parse__everything_set(void **state)
{
	struct iam_why why;
	struct settings s;

	(void)state;
	assert_int_equal(settings_parse(SETTINGS, strlen(SETTINGS), &s, &why), 0);
	assert_int_equal(s.id_min, 2000000000u);
	assert_int_equal(s.id_max, 2000009999u);
	assert_int_equal(s.mfa_when_enrolled, 0);
	assert_int_equal(s.mfa_memory_s, 0);
	assert_int_equal(s.self_enrolment, SNAP_ENROLMENT_POLICY);
	assert_int_equal(s.enrolment_days, 3);
	assert_int_equal(s.one_line_count, 1);
	assert_string_equal(s.one_line[0], "lock*");
	assert_int_equal(s.throttle_free, 3);
	assert_int_equal(s.throttle_max_s, 60);
	assert_int_equal(s.source_free, 40);
	assert_int_equal(s.password_warn_days, 7);
	assert_int_equal(s.create_home, 0);
	assert_int_equal(s.home_umask, 027);
	assert_string_equal(s.helper_group, "iam-services");
	assert_int_equal(s.service_count, 14);
	assert_string_equal(action(&s, "sshd"), "host:Authenticate");
	assert_string_equal(action(&s, "kde*"), "host:Login");
	assert_int_equal(s.local_group_count, 2);
	assert_string_equal(s.local_groups[1], "Debian-exim");
	settings_release(&s);
}

/* ---- what is refused, and how it is said ---- */

static const struct refused {
	const char *text, *why;
	unsigned line, col;
} bad_settings[] = {
	{ "", "near end of file", 1, 1 },
	{ "[]", "must be an object", 1, 1 },
	{ "{\n \"mfa\" {}}", "':' expected", 2, 8 },
	{ "{\n\"\xc3\xa9\": x}", "invalid token", 2, 7 },
	{ "{\"mfa\": {}, \"mfa\": {}}", "duplicate object key", 1, 17 },
	{ "{} {}", "end of file expected", 1, 4 },
	{ "{\"Mfa\": {}}", "Mfa: there is no such member", 0, 0 },
	{ "{\"mfa\": {\"memory\": 1}}", "mfa.memory: there is no such", 0, 0 },
	{ "{\"mfa\": []}", "mfa: must be an object", 0, 0 },
	{ "{\"mfa\": {\"memorySeconds\": \"900\"}}", "mfa.memorySeconds: must be a"
	    " whole number from 0 to 86400", 0, 0 },
	{ "{\"mfa\": {\"memorySeconds\": 900.0}}", "mfa.memorySeconds", 0, 0 },
	{ "{\"mfa\": {\"memorySeconds\": -1}}", "mfa.memorySeconds", 0, 0 },
	{ "{\"mfa\": {\"memorySeconds\": 86401}}", "mfa.memorySeconds", 0, 0 },
	{ "{\"mfa\": {\"selfEnrolment\": true}}", "mfa.selfEnrolment: must be \"off\"", 0, 0 },
	{ "{\"mfa\": {\"selfEnrolmentDays\": 0}}", "mfa.selfEnrolmentDays: must be", 0, 0 },
	{ "{\"mfa\": {\"oneLine\": \"i3lock\"}}", "mfa.oneLine: must be a list", 0, 0 },
	{ "{\"mfa\": {\"oneLine\": [\"a b\"]}}", "mfa.oneLine.a b: not the name", 0, 0 },
	{ "{\"mfa\": {\"oneLine\": [1]}}", "mfa.oneLine.?: not the name", 0, 0 },
	{ "{\"mfa\": {\"whenEnrolled\": \"never\"}}", "\"always\" or \"policy\"", 0, 0 },
	{ "{\"home\": {\"create\": 1}}", "home.create: must be true or false", 0, 0 },
	{ "{\"home\": {\"umask\": 77}}", "home.umask: must be an octal", 0, 0 },
	{ "{\"home\": {\"umask\": \"0000\"}}", "home.umask", 0, 0 },
	{ "{\"home\": {\"umask\": \"0088\"}}", "home.umask", 0, 0 },
	{ "{\"home\": {\"umask\": \"77\"}}", "home.umask", 0, 0 },
	{ "{\"home\": {\"umask\": \"7777\"}}", "home.umask", 0, 0 },
	{ "{\"password\": {\"minimumLength\": 8}}",
	    "update-account-password-policy", 0, 0 },
	{ "{\"throttle\": {\"maxDelaySeconds\": 0}}", "from 1 to 86400", 0, 0 },
	{ "{\"throttle\": {\"sourceFreeAttempts\": 1001}}", "from 0 to 1000", 0, 0 },
	{ "{\"login\": {\"passwordWarnDays\": 366}}", "from 0 to 365", 0, 0 },
	/* S26: never local, system, subordinate or container ids, nor -1 and -2. */
	{ "{\"ids\": {\"min\": 1000}}", "ids: min to max must lie", 0, 0 },
	{ "{\"ids\": {\"min\": 65535, \"max\": 70000}}", "ids:", 0, 0 },
	{ "{\"ids\": {\"min\": 99000, \"max\": 100000}}", "ids:", 0, 0 },
	{ "{\"ids\": {\"min\": 65536, \"max\": 2146999999}}", "ids:", 0, 0 },
	{ "{\"ids\": {\"min\": 1879048191}}", "ids:", 0, 0 },
	{ "{\"ids\": {\"max\": 4294967294}}", "ids:", 0, 0 },
	{ "{\"ids\": {\"min\": 2146999999, \"max\": 2100000000}}", "ids:", 0, 0 },
	{ "{\"ids\": {\"max\": 4294967296}}", "ids.max: must be a whole", 0, 0 },
	{ "{\"subordinateIds\": {\"min\": 100000}}", "subordinateIds: min to max", 0, 0 },
	{ "{\"subordinateIds\": {\"min\": 2147483649}}", "subordinateIds: min", 0, 0 },
	{ "{\"subordinateIds\": {\"max\": 4294967293}}", "subordinateIds: min", 0, 0 },
	{ "{\"subordinateIds\": {\"min\": 4294901760}}", "subordinateIds: min", 0, 0 },
	{ "{\"subordinateIds\": {\"min\": 2099970048}}", "must not overlap ids", 0, 0 },
	{ "{\"ids\": {\"max\": 2147483648}}", "must not overlap ids", 0, 0 },
	{ "{\"services\": {\"a/b\": \"host:Login\"}}", "services.a/b", 0, 0 },
	{ "{\"services\": {\"\": \"host:Login\"}}", "services.:", 0, 0 },
	{ "{\"services\": {\"a**\": \"host:Login\"}}", "services.a**", 0, 0 },
	{ "{\"services\": {\"sshd\": \"host:login\"}}", "services.sshd: must be", 0, 0 },
	{ "{\"services\": {\"sshd\": null}}", "services.sshd", 0, 0 },
	/* S27: root is no group that people may be put into. */
	{ "{\"localGroups\": [\"root\"]}", "localGroups.root", 0, 0 },
	{ "{\"localGroups\": [\"adm\", \"adm\"]}", "is there twice", 0, 0 },
	{ "{\"localGroups\": [1]}", "localGroups", 0, 0 },
	{ "{\"localGroups\": \"adm\"}", "must be a list", 0, 0 },
	{ "{\"a\\u001b[2J\": 1}", "a?[2J: there is no", 0, 0 },
}, bad_host[] = {
	{ "{}", "region: must be", 0, 0 },
	{ "{\"region\": \"eu\"}", "hostname: must be", 0, 0 },
	{ "{\"region\": \"eu:1\", \"hostname\": \"a\"}", "region:", 0, 0 },
	{ "{\"region\": \"*\", \"hostname\": \"a\"}", "region:", 0, 0 },
	{ "{\"region\": 1, \"hostname\": \"a\"}", "region:", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a/b\"}", "hostname:", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"\"}", "hostname:", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a\", \"x\": 1}", "x: there is no", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a\", \"tags\": []}", "tags:", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a\", \"tags\": {\"aws:x\": \"\"}}", "tags.aws:x", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a\", \"tags\": {\"AWS:x\": \"\"}}", "tags.AWS:x", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a\", \"tags\": {\"\": \"\"}}", "tags.:", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a\", \"tags\": {\"a\": 1}}", "tags.a:", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a\", \"tags\": {\"a\": \"*\"}}", "tags.a:", 0, 0 },
	{ "{\"region\": \"r\", \"hostname\": \"a\", \"tags\": {\"a\": \"1\", \"A\": \"2\"}}", "in another case", 0, 0 },
};

static void
test_settings_parse__refused(void **state)
{
	const struct refused *v;
	struct settings_host h;
	struct iam_why why;
	struct settings s;
	size_t i, n = IAM_COUNT(bad_settings);
	int r;

	(void)state;
	for (i = 0; i < n + IAM_COUNT(bad_host); i++) {
		v = i < n ? &bad_settings[i] : &bad_host[i - n];
		r = i < n ? settings_parse(v->text, strlen(v->text), &s, &why) :
		    settings_host_parse(v->text, strlen(v->text), &h, &why);
		if (r != IAM_ERR_FORMAT || strstr(why.text, v->why) == NULL ||
		    why.line != v->line || why.col != v->col)
			fail_msg("%s: %d %u:%u %s", v->text, r, why.line, why.col,
			    why.text);
	}
}

/* AWS: 128 and 256 characters, not bytes. */
static void
test_settings_tag__limits_are_in_characters(void **state)
{
	char text[2 * 257 + 1];
	size_t i;

	(void)state;
	for (i = 0; i < 257; i++)
		memcpy(text + 2 * i, "\xc3\xa9", 2);
	text[2 * 257] = '\0';
	assert_false(settings_tag_value_ok(text));
	text[2 * 256] = '\0';
	assert_true(settings_tag_value_ok(text));
	assert_false(settings_tag_key_ok(text));
	text[2 * 128] = '\0';
	assert_true(settings_tag_key_ok(text));
	assert_false(settings_tag_key_ok("a\xe2\x80\xae")); /* S42: U+202E */
	assert_false(settings_tag_value_ok("a\nb"));
	assert_true(settings_tag_key_ok("Cost Center:a/b=+-@_."));
}

/* ---- files ---- */

struct files {
	char dir[64], path[96];
};

static int
setup(void **state)
{
	struct files *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/iam-settings.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/file", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct files *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
test_settings_read__a_missing_file_is_the_defaults(void **state)
{
	static const struct snap_file_mark none = { 0 };
	struct files *f = *state;
	struct settings_host h;
	struct iam_why why;
	struct settings s;

	assert_int_equal(settings_read(f->path, &s, &why), 0);
	assert_memory_equal(&s.mark, &none, sizeof(none));
	assert_int_equal(s.mfa_memory_s, 900);
	settings_release(&s);
	assert_int_equal(settings_host_read(f->path, &h, &why), IAM_ERR_ABSENT);
	assert_non_null(strstr(why.text, f->path));
}

static void
test_settings_read__a_file_that_others_may_write_is_refused(void **state)
{
	struct files *f = *state;
	struct iam_why why;
	struct settings s;

	assert_int_equal(file_replace(f->path, "{}", 2, 0646, (gid_t)-1), 0);
	assert_int_equal(settings_read(f->path, &s, &why), IAM_ERR_UNSAFE);
	assert_int_equal(file_replace(f->path, "{x", 2, 0644, (gid_t)-1), 0);
	assert_int_equal(settings_read(f->path, &s, &why), IAM_ERR_FORMAT);
	assert_int_equal(why.line, 1);
	assert_non_null(strstr(why.text, f->path));
}

static void
test_settings_host_write__what_is_written_is_read(void **state)
{
	struct settings_host h = { .region = "us-east-1", .hostname = "db-1",
		.tag_count = 2, .tags = { { "a", "1" }, { "b", "" } } }, again;
	struct files *f = *state;
	struct iam_why why;
	struct stat st;

	assert_int_equal(settings_host_write(f->path, &h, &why), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(settings_host_read(f->path, &again, &why), 0);
	assert_string_equal(again.region, "us-east-1");
	assert_string_equal(again.hostname, "db-1");
	assert_int_equal(again.tag_count, 2);
	assert_true(snap_mark_current(f->path, &again.mark));
	settings_host_release(&again);

	/* What could not be read back is not written: the old file stays. */
	h.tags[1].key = "a";
	assert_int_equal(settings_host_write(f->path, &h, &why), IAM_ERR_FORMAT);
	h.tags[1].key = "aws:b";
	assert_int_equal(settings_host_write(f->path, &h, &why), IAM_ERR_FORMAT);
	h.tag_count = 0;
	h.hostname = "\xff";
	assert_int_equal(settings_host_write(f->path, &h, &why), IAM_ERR_FORMAT);
	h.hostname = NULL;
	assert_int_equal(settings_host_write(f->path, &h, &why), IAM_ERR_ARG);
	assert_int_equal(settings_host_read(f->path, &again, &why), 0);
	settings_host_release(&again);
}

/* ---- the three loops ---- */

static int
parse_both(const char *text, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len); /* exactly so long, for ASan */
	struct settings_host h;
	struct iam_why why;
	struct settings s;
	int a, b;

	assert_non_null(copy);
	memcpy(copy, text, len);
	a = settings_parse(copy, len, &s, &why);
	settings_release(&s);
	b = settings_host_parse(copy, len, &h, &why);
	settings_host_release(&h);
	free(copy);
	return a == 0 || b == 0 ? 0 : a;
}

static void
test_settings_parse__every_truncation_is_refused(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < strlen(SETTINGS); i++)
		assert_int_equal(parse_both(SETTINGS, i), IAM_ERR_FORMAT);
	for (i = 0; i < strlen(HOST); i++)
		assert_int_equal(parse_both(HOST, i), IAM_ERR_FORMAT);
}

static void
test_settings_parse__every_byte_flipped_is_survived(void **state)
{
	char text[sizeof(SETTINGS)];
	size_t i;
	int bit, r;

	(void)state;
	for (i = 0; i < strlen(SETTINGS); i++) {
		for (bit = 0; bit < 8; bit++) {
			memcpy(text, SETTINGS, sizeof(text));
			text[i] = (char)(text[i] ^ (1 << bit));
			r = parse_both(text, strlen(SETTINGS));
			assert_true(r == 0 || r == IAM_ERR_FORMAT);
		}
	}
}

static unsigned long allocations_left;

static void *
failing_malloc(size_t n)
{
	return allocations_left == 0 ? NULL : (allocations_left--, malloc(n));
}

/* jansson calls some of these a mistake in the syntax: an error all the same. */
static void
test_settings_parse__every_allocation_failing_is_an_error(void **state)
{
	struct settings_host h;
	struct iam_why why;
	struct settings s;
	unsigned long n;
	int r;

	(void)state;
	for (n = 0, r = 1; r != 0; n++) {
		allocations_left = n;
		json_set_alloc_funcs(failing_malloc, free);
		r = settings_parse(SETTINGS, strlen(SETTINGS), &s, &why);
		assert_true(r == 0 || r == IAM_ERR_MEMORY ||
		    r == IAM_ERR_FORMAT);
		settings_release(&s);
		json_set_alloc_funcs(malloc, free);
	}
	assert_true(n > 10);
	for (n = 0, r = 1; r != 0; n++) {
		allocations_left = n;
		json_set_alloc_funcs(failing_malloc, free);
		r = settings_host_parse(HOST, strlen(HOST), &h, &why);
		assert_true(r == 0 || r == IAM_ERR_MEMORY ||
		    r == IAM_ERR_FORMAT);
		settings_host_release(&h);
		json_set_alloc_funcs(malloc, free);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_parse__defaults),
		cmocka_unit_test(test_settings_parse__everything_set),
		cmocka_unit_test(test_settings_parse__refused),
		cmocka_unit_test(test_settings_tag__limits_are_in_characters),
		T(test_settings_read__a_missing_file_is_the_defaults),
		T(test_settings_read__a_file_that_others_may_write_is_refused),
		T(test_settings_host_write__what_is_written_is_read),
		cmocka_unit_test(test_settings_parse__every_truncation_is_refused),
		cmocka_unit_test(test_settings_parse__every_byte_flipped_is_survived),
		cmocka_unit_test(test_settings_parse__every_allocation_failing_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
