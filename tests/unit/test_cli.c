#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <errno.h>

#include "common/base/base.h"
#include "iamctl/cli.h"
#include "iamctl/help.h"
#include "iamctl/output.h"
#include "iamctl/shorthand.h"
#include "common/base/suggest.h"

/* ---- the world ---- */

static const char *secret_line = "secret";

static int
fake_file(void *arg, const char *path, struct buf *ret, struct iam_why *why)
{
	(void)arg;
	if (strcmp(path, "none") == 0) {
		iam_why_set(why, 0, 0, "no such file");
		return IAM_ERR_ABSENT;
	}
	buf_puts(ret, path); /* a file whose content is its name */
	return 0;
}

static int
fake_secret(void *arg, const char *prompt, bool confirm, struct secret *ret,
    struct iam_why *why)
{
	(void)arg, (void)prompt, (void)confirm, (void)why;
	return secret_set(ret, secret_line, strlen(secret_line));
}

static const struct cli_io io = { NULL, false, fake_file, fake_secret };

/* argv from words separated by '|'. */
static int
parse_words(const char *line, struct cli *cli, char *copy, char **argv)
{
	char *p = copy;
	int argc = 1;

	argv[0] = (char[]){ "iamctl" };
	snprintf(copy, 1024, "%s", line);
	while (*p != '\0' && argc < 31) {
		argv[argc++] = p;
		p += strcspn(p, "|");
		if (*p == '|')
			*p++ = '\0';
	}
	argv[argc] = NULL;
	return cli_parse(argc, argv, cli);
}

/* The JSON that a command line gives, as compact text; "!" and the error else. */
static void
result(const char *line, char *ret, size_t size)
{
	struct cli cli;
	char copy[1024], *argv[32], *text;

	if (parse_words(line, &cli, copy, argv) != 0 || cli_load(&cli, &io) != 0) {
		snprintf(ret, size, "!%s", cli.error);
	} else {
		text = json_dumps(cli.in, JSON_COMPACT);
		snprintf(ret, size, "%s", text);
		free(text);
	}
	cli_release(&cli);
}

static const struct {
	const char *line, *want; /* want "!…": the error begins so */
} lines[] = {
	{ "create-user|--user-name|sarah", "{\"UserName\":\"sarah\"}" },
	{ "create-user|--user-name=sarah", "{\"UserName\":\"sarah\"}" },
	{ "create-user|--user-name=--x", "{\"UserName\":\"--x\"}" },
	{ "create-user|--user-name=", "{\"UserName\":\"\"}" },
	{ "--output|text|create-user|--user-name|-", "{\"UserName\":\"-\"}" },
	{ "create-user|--user-name|file://abc", "{\"UserName\":\"abc\"}" },
	{ "create-user|--user-name|a|--tags|Key=k,Value=v|Key=l,Value=",
	    "{\"UserName\":\"a\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"},"
	    "{\"Key\":\"l\",\"Value\":\"\"}]}" },
	{ "create-user|--tags|[]|--user-name|a", "{\"Tags\":[],\"UserName\":\"a\"}" },
	{ "create-user|--user-name|a|--no-enabled",
	    "{\"UserName\":\"a\",\"Enabled\":false}" },
	{ "untag-user|--user-name|a|--tag-keys|b|c",
	    "{\"UserName\":\"a\",\"TagKeys\":[\"b\",\"c\"]}" },
	{ "untag-user|--user-name|a|--tag-keys|[\"b\",\"c\"]",
	    "{\"UserName\":\"a\",\"TagKeys\":[\"b\",\"c\"]}" },
	{ "list-users|--max-items|7", "{\"MaxItems\":7}" },
	{ "simulate-custom-policy|--policy-input-list|{}|--action-names|a:B|"
	    "--context-entries|ContextKeyName=k,ContextKeyValues=v,ContextKeyType=string",
	    "{\"PolicyInputList\":[\"{}\"],\"ActionNames\":[\"a:B\"],"
	    "\"ContextEntries\":[{\"ContextKeyName\":\"k\",\"ContextKeyValues\":[\"v\"],"
	    "\"ContextKeyType\":\"string\"}]}" },
	{ "create-login-profile|--user-name|a|--password-stdin",
	    "{\"UserName\":\"a\",\"Password\":\"secret\"}" },
	{ "create-user|--cli-input-json|{\"UserName\":\"a\",\"Path\":\"/x/\"}|--path|/y/",
	    "{\"UserName\":\"a\",\"Path\":\"/y/\"}" },
	{ "create-login-profile|--user-name|a|--cli-input-json|file://{\"Password\":\"x\"}",
	    "{\"Password\":\"x\",\"UserName\":\"a\"}" },
	{ "create-login-profile|--user-name|a|--password|x", "!--password is not taken" },
	{ "create-login-profile|--user-name|a|--password=x", "!--password is not taken" },
	{ "create-login-profile|--user-name|a|--password-stdin=x",
	    "!--password-stdin takes no value" },
	{ "create-login-profile|--cli-input-json|{\"UserName\":\"a\",\"Password\":\"x\"}",
	    "!--cli-input-json: Password is a secret" },
	{ "create-user|--user-name|file://none", "!--user-name: file://none: no such file" },
	{ "create-user|--user-name", "!--user-name needs a value." },
	{ "create-user|--tags|--user-name|a", "!--tags needs one value or more." },
	{ "create-user|--enabled=yes|--user-name|a", "!--enabled takes no value." },
	{ "list-users|--max-items|7x", "!--max-items: '7x' is not a whole number." },
	{ "list-users|--max-items|99999999999999999999",
	    "!--max-items: '99999999999999999999' is not a whole number." },
	{ "list-users|--max-items| 7", "!--max-items: ' 7' is not a whole number." },
	{ "create-user|--cli-input-json|[]", "!--cli-input-json: expected a JSON object." },
	{ "untag-user|--user-name|a|--tag-keys|[1]", "!Parameter validation failed: TagKeys" },
	{ "list-users|--user-name|a", "!list-users has no option --user-name." },
	{ "--user-name|a|create-user", "!--user-name comes after the operation" },
};

static void
test_cli_load__table(void **state)
{
	char got[2048];
	size_t i, n;

	(void)state;
	for (i = 0; i < IAM_COUNT(lines); i++) {
		result(lines[i].line, got, sizeof(got));
		n = lines[i].want[0] == '!' ? strlen(lines[i].want) : sizeof(got);
		if (strncmp(got, lines[i].want, n) != 0)
			print_message("%s\n", lines[i].line);
		got[n < sizeof(got) ? n : sizeof(got) - 1] = '\0';
		assert_string_equal(got, lines[i].want);
	}
}

/* Every prefix of every line: an answer or an error, never a crash. */
static void
test_cli_load__every_truncation(void **state)
{
	char line[1024], got[2048];
	size_t i, n;

	(void)state;
	for (i = 0; i < IAM_COUNT(lines); i++)
		for (n = 0; n <= strlen(lines[i].line); n++) {
			snprintf(line, sizeof(line), "%.*s", (int)n, lines[i].line);
			result(line, got, sizeof(got));
		}
}

/* S9: no refusal repeats what may be a secret. */
static void
test_cli_parse__a_refused_secret_is_not_repeated(void **state)
{
	char got[2048];

	(void)state;
	result("create-login-profile|--user-name|a|--password|hunter2", got,
	    sizeof(got));
	assert_null(strstr(got, "hunter2"));
}

/* Names as botocore's xform_name(name, '-') gives them. */
static void
test_op_kebab__as_botocore(void **state)
{
	static const struct {
		const char *name, *want;
	} v[] = {
		{ "CreateUser", "create-user" }, { "SSHPublicKeyId", "ssh-public-key-id" },
		{ "UploadSSHPublicKey", "upload-ssh-public-key" },
		{ "ListSSHPublicKeys", "list-ssh-public-keys" },
		{ "CreateVirtualMFADevice", "create-virtual-mfa-device" },
		{ "ListMFADevices", "list-mfa-devices" },
		{ "AuthenticationCode1", "authentication-code1" },
		{ "PolicySourceArn", "policy-source-arn" },
		{ "VirtualMFADeviceName", "virtual-mfa-device-name" },
		{ "ARNs", "arns" }, { "", "" },
	};
	char got[OP_KEBAB_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(v); i++) {
		op_kebab(v[i].name, got);
		assert_string_equal(got, v[i].want);
	}
}

/* What the table promises to the front, for every row there is. */
static void
test_op_all__rows_are_sound(void **state)
{
	const struct op *const *o, *const *q;
	const struct op_param *p;
	struct buf b = BUF_INIT;
	json_t *v;
	char kebab[OP_KEBAB_MAX];

	(void)state;
	for (o = op_all(); *o != NULL; o++) {
		for (q = op_all(); q != o; q++)
			assert_string_not_equal((*o)->name, (*q)->name);
		assert_non_null((*o)->run);
		assert_non_null((*o)->service);
		assert_non_null((*o)->summary);
		op_kebab((*o)->name, kebab);
		assert_ptr_equal(op_find(kebab), *o);
		assert_ptr_equal(op_find((*o)->name), *o);
		for (p = (*o)->params; p != NULL && p->name != NULL; p++) {
			assert_non_null(p->help);
			assert_ptr_equal(op_param_find(*o, p->name), p);
			assert_false(p->required && p->fallback != NULL);
		}
		help_operation(*o, &b);
		v = help_skeleton(*o);
		assert_non_null(v);
		json_decref(v);
	}
	assert_int_equal(b.err, 0);
	buf_release(&b);
	assert_null(op_find("nothing-like-it"));
}

/* Examples of the AWS Command Line Interface User Guide, "Using shorthand
 * syntax", and of awscli's tests (tests/unit/test_shorthand.py). */
static void
test_shorthand_parse__table(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} v[] = {
		{ "foo=bar", "{\"foo\":\"bar\"}" },
		{ "foo=bar,baz=qux", "{\"foo\":\"bar\",\"baz\":\"qux\"}" },
		{ "a=b,c,d", "{\"a\":[\"b\",\"c\",\"d\"]}" },
		{ "a=b,c,d=e", "{\"a\":[\"b\",\"c\"],\"d\":\"e\"}" },
		{ "foo=[a,b,c]", "{\"foo\":[\"a\",\"b\",\"c\"]}" },
		{ "foo=[]", "{\"foo\":[]}" }, { "foo=[a,]", NULL },
		{ "foo={a=b,c=d}", "{\"foo\":{\"a\":\"b\",\"c\":\"d\"}}" },
		{ "foo={a=[x,{y=z}]}", "{\"foo\":{\"a\":[\"x\",{\"y\":\"z\"}]}}" },
		{ "foo='b,c'", "{\"foo\":\"b,c\"}" },
		{ "foo=\"b \\\" c\"", "{\"foo\":\"b \\\" c\"}" },
		{ "foo=a\\,b", "{\"foo\":\"a,b\"}" }, { "foo=", "{\"foo\":\"\"}" },
		{ "foo=a=b", "{\"foo\":\"a=b\"}" },
		{ "", NULL }, { "foo", NULL }, { "=a", NULL }, { "foo=a,", "{\"foo\":[\"a\",\"\"]}" },
		{ "foo='a", NULL }, { "foo=[a", NULL }, { "foo={a=b", NULL },
		{ "foo={a=b}c", NULL }, { "a=b,a=c", NULL }, { "a=\xff", NULL },
	};
	json_t *got;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(v); i++) {
		got = NULL;
		if (shorthand_parse(v[i].text, &got, NULL) != 0) {
			if (v[i].want != NULL)
				print_message("%s\n", v[i].text);
			assert_null(v[i].want);
			continue;
		}
		text = json_dumps(got, JSON_COMPACT);
		assert_string_equal(text, v[i].want == NULL ? v[i].text : v[i].want);
		free(text);
		json_decref(got);
	}
}

static void
test_shorthand_parse__depth_is_bounded(void **state)
{
	char text[512] = "a=";
	json_t *got;

	(void)state;
	memset(text + 2, '[', 400);
	assert_int_equal(shorthand_parse(text, &got, NULL), IAM_ERR_LIMIT);
}

static void
test_shorthand_parse__every_byte_flipped(void **state)
{
	static const char good[] = "foo={a=[x,{y='z'}]},bar=b\\,c,d";
	char text[sizeof(good)];
	json_t *got;
	size_t i;
	unsigned bit;

	(void)state;
	for (i = 0; i < sizeof(good) - 1; i++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(text, good, sizeof(good));
			text[i] ^= (char)(1 << bit);
			if (shorthand_parse(text, &got, NULL) == 0)
				json_decref(got);
		}
}

/* n-th allocation of jansson failing. */
static int fail_at = -1;

static void *
failing_malloc(size_t size)
{
	return fail_at >= 0 && fail_at-- == 0 ? NULL : malloc(size);
}

static void
test_cli_load__no_memory(void **state)
{
	static const char line[] = "create-user|--user-name|a|--tags|Key=k,Value=v|"
	    "--cli-input-json|{\"Path\":\"/x/\"}";
	char got[2048];
	int n;

	(void)state;
	json_set_alloc_funcs(failing_malloc, free);
	for (n = 0; n < 1000; n++) {
		fail_at = n;
		result(line, got, sizeof(got));
		if (fail_at >= 0)
			break;
	}
	fail_at = -1;
	json_set_alloc_funcs(malloc, free);
	assert_in_range(n, 5, 999);
	assert_true(got[0] == '{');
}

/* Distances of the optimal string alignment. */
static void
test_suggest_distance__table(void **state)
{
	(void)state;
	assert_int_equal(suggest_distance("", ""), 0);
	assert_int_equal(suggest_distance("a", ""), 1);
	assert_int_equal(suggest_distance("kitten", "sitting"), 3);
	assert_int_equal(suggest_distance("ca", "ac"), 1);
	assert_int_equal(suggest_distance("ca", "abc"), 3);
	assert_int_equal(suggest_distance("creat-user", "create-user"), 1);
}

static void
test_output_escape__steering_characters(void **state)
{
	static const char text[] = "a\tb\n\x1b[31m\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xc3\xa9\x7f";
	struct buf b = BUF_INIT;

	(void)state;
	output_escape(&b, text, sizeof(text) - 1);
	assert_string_equal(buf_cstr(&b), "a\\tb\\n\\u001b[31m\\u009b\\u202e\\u2066"
	    "\xc3\xa9\\u007f");
	buf_release(&b);
}

/* Escaped JSON still says the same. */
static void
test_output_make__json_stays_json(void **state)
{
	static const char text[] = "{\"a\":\"x\xe2\x80\xae\xc2\x9b\\u0007\\n\"}";
	json_t *v = json_loads(text, 0, NULL), *back;
	struct buf b = BUF_INIT;

	(void)state;
	output_make(v, CLI_JSON, "X", NULL, false, &b);
	back = json_loads(buf_cstr(&b), 0, NULL);
	assert_true(json_equal(v, back));
	json_decref(v);
	json_decref(back);
	buf_release(&b);
}

/* The shape of awscli's text formatter (awscli/text.py): scalars of an object
 * by the order of their names, lists after them, missing members empty. */
static void
test_output_make__text_as_awscli(void **state)
{
	json_t *v = json_loads("{\"B\":true,\"A\":\"x\",\"L\":[{\"P\":1,\"Q\":[\"r\"]},"
	    "{\"S\":null}],\"W\":[\"u\",\"v\"]}", 0, NULL);
	struct buf b = BUF_INIT;

	(void)state;
	output_make(v, CLI_TEXT, "X", NULL, false, &b);
	assert_string_equal(buf_cstr(&b), "x\tTrue\nL\t1\t\nQ\tr\nL\t\tNone\nW\tu\nW\tv\n");
	json_decref(v);
	buf_release(&b);
}

#ifndef __SANITIZE_ADDRESS__ /* whose address space has no limit */
static rlim_t
address_space(void)
{
	struct buf b = BUF_INIT;
	rlim_t pages;

	assert_int_equal(file_read("/proc/self/statm", FILE_ANY, 256, &b), 0);
	pages = strtoul(buf_cstr(&b), NULL, 10);
	buf_release(&b);
	return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* A string for which jansson finds no room ends the program; it is not shortened. */
static void
test_cli_json_memory__out_of_memory_ends(void **state)
{
	struct rlimit limit = { 0, 0 };
	size_t len = (size_t)24 << 20;
	char *text = malloc(len + 1);
	int status;
	pid_t pid;

	(void)state;
	memset(text, 'a', len);
	text[0] = text[len - 1] = '"';
	text[len] = '\0';
	if ((pid = fork()) == 0) {
		close(STDERR_FILENO);
		cli_json_memory();
		limit.rlim_cur = limit.rlim_max = address_space() + len;
		setrlimit(RLIMIT_AS, &limit);
		/* A string that is shorter, or no word about it. */
		_exit(json_loads(text, JSON_DECODE_ANY, NULL) != NULL);
	}
	free(text);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CLI_EXIT_OTHER);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(test_cli_json_memory__out_of_memory_ends),
#endif
		cmocka_unit_test(test_cli_load__table),
		cmocka_unit_test(test_cli_load__every_truncation),
		cmocka_unit_test(test_cli_load__no_memory),
		cmocka_unit_test(test_cli_parse__a_refused_secret_is_not_repeated),
		cmocka_unit_test(test_op_kebab__as_botocore),
		cmocka_unit_test(test_op_all__rows_are_sound),
		cmocka_unit_test(test_shorthand_parse__table),
		cmocka_unit_test(test_shorthand_parse__depth_is_bounded),
		cmocka_unit_test(test_shorthand_parse__every_byte_flipped),
		cmocka_unit_test(test_suggest_distance__table),
		cmocka_unit_test(test_output_escape__steering_characters),
		cmocka_unit_test(test_output_make__json_stays_json),
		cmocka_unit_test(test_output_make__text_as_awscli),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
