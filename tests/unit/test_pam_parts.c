/* The module's small parts: options, conversation, running programs. */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/module.h"

#include <errno.h>
#include <fcntl.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- args ---- */

static void
test_args_read__knows_its_options(void **state)
{
	const char *argv[] = { "debug", "use_first_pass", "mfa_only" };
	struct args a;

	(void)state;
	args_read(3, argv, &a);
	assert_true(a.debug && a.use_first_pass && a.mfa_only);
	assert_false(a.try_first_pass);
	assert_null(a.unknown);
}

static void
test_args_read__names_the_first_unknown_option(void **state)
{
	const char *argv[] = { "try_first_pass", "mfa_olny", "nonsense" };
	struct args a;

	(void)state;
	args_read(3, argv, &a);
	assert_true(a.try_first_pass);
	assert_false(a.mfa_only);
	assert_string_equal(a.unknown, "mfa_olny");
}

/* ---- conversation ---- */

struct script {
	int answer;       /* what the application returns */
	const char *text; /* NULL: a response without text */
	bool no_response; /* success, and no response at all */
	unsigned asked;
};

static int
scripted(int n, const struct pam_message **msg, struct pam_response **resp,
    void *data)
{
	struct script *s = data;
	struct pam_response *r;

	assert_int_equal(n, 1);
	s->asked++;
	/* Who fails may leave rubbish behind. */
	if (s->answer != PAM_SUCCESS) {
		*resp = (struct pam_response *)(uintptr_t)16;
		return s->answer;
	}
	if (s->no_response)
		return PAM_SUCCESS;
	r = calloc(1, sizeof(*r));
	if (s->text != NULL)
		r->resp = strdup(s->text);
	if ((*msg)->msg_style == PAM_TEXT_INFO) {
		free(r->resp);
		r->resp = NULL;
	}
	*resp = r;
	return PAM_SUCCESS;
}

static pam_handle_t *
handle(struct script *s)
{
	const struct pam_conv conv = { scripted, s };
	char dir[] = "/tmp/test_pam_parts.XXXXXX", file[64];
	pam_handle_t *pamh;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/none", dir);
	f = fopen(file, "we");
	fputs("auth required pam_deny.so\n", f);
	fclose(f);
	assert_int_equal(pam_start_confdir("none", "sarah", &conv, dir, &pamh),
	    PAM_SUCCESS);
	unlink(file);
	rmdir(dir);
	return pamh;
}

static void
test_conv_ask__table(void **state)
{
	char longest[PASSWORD_MAX + 1], over[PASSWORD_MAX + 2];
	const struct {
		const char *name;
		struct script script;
		bool bad;
	} rows[] = {
		{ "an answer", { PAM_SUCCESS, "secret", false, 0 }, false },
		{ "511 bytes", { PAM_SUCCESS, longest, false, 0 }, false },
		{ "S6: 512 bytes", { PAM_SUCCESS, over, false, 0 }, true },
		{ "S6: empty", { PAM_SUCCESS, "", false, 0 }, true },
		{ "S6: success without text", { PAM_SUCCESS, NULL, false, 0 }, true },
		{ "S6: success without response", { PAM_SUCCESS, NULL, true, 0 }, true },
		{ "S6: given up", { PAM_CONV_ERR, "secret", false, 0 }, true },
		{ "S6: out of memory there", { PAM_BUF_ERR, NULL, false, 0 }, true },
		{ "S6: event driven", { PAM_CONV_AGAIN, NULL, false, 0 }, true },
	};
	struct secret answer = SECRET_INIT;
	struct script s;
	pam_handle_t *pamh;
	bool bad;
	size_t i;

	(void)state;
	memset(longest, 'x', PASSWORD_MAX);
	longest[PASSWORD_MAX] = '\0';
	memset(over, 'x', PASSWORD_MAX + 1);
	over[PASSWORD_MAX + 1] = '\0';
	for (i = 0; i < IAM_COUNT(rows); i++) {
		s = rows[i].script;
		pamh = handle(&s);
		bad = false;
		assert_int_equal(conv_ask(pamh, "Password: ", &answer, &bad), 0);
		if (bad != rows[i].bad)
			fail_msg("%s", rows[i].name);
		assert_int_equal(answer.len, bad ? 0 : strlen(s.text));
		pam_end(pamh, 0);
	}
	secret_release(&answer);
}

static void
test_conv_say__silent_says_nothing(void **state)
{
	struct script s = { 0 };
	pam_handle_t *pamh = handle(&s);

	(void)state;
	conv_say(pamh, (int)PAM_SILENT, PAM_TEXT_INFO, "denied");
	assert_int_equal(s.asked, 0);
	conv_say(pamh, 0, PAM_TEXT_INFO, "denied");
	assert_int_equal(s.asked, 1);
	pam_end(pamh, 0);
}

static void
test_conv_ask__no_conversation(void **state)
{
	struct script s = { 0 };
	pam_handle_t *pamh = handle(&s);
	const struct pam_conv none = { NULL, NULL };
	struct secret answer = SECRET_INIT;
	bool bad = false;

	(void)state;
	pam_set_item(pamh, PAM_CONV, &none);
	assert_int_equal(conv_ask(pamh, "Password: ", &answer, &bad), 0);
	assert_true(bad);
	pam_end(pamh, 0);
}

/* ---- programs ---- */

static int
shell(const char *script, const char *input, struct buf *said)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	int status = -1;

	assert_int_equal(spawn_run("/bin/sh", argv, input, strlen(input), said,
	    &status), 0);
	return status;
}

static void
test_spawn_run__status_and_words(void **state)
{
	struct buf said = BUF_INIT;

	(void)state;
	assert_int_equal(shell("echo out; echo err >&2; exit 7", "", &said), 7);
	assert_string_equal(buf_cstr(&said), "out\nerr\n");
	assert_int_equal(shell("exit 0", "", NULL), 0);
	assert_int_equal(shell("kill -9 $$", "", NULL), 128 + SIGKILL);
	buf_release(&said);
}

static void
test_spawn_run__program_missing(void **state)
{
	const char *argv[] = { "gone", NULL };
	int status = 0;

	(void)state;
	assert_int_equal(spawn_run("/nonexistent/gone", argv, "", 0, NULL,
	    &status), 0);
	assert_int_equal(status, SPAWN_NOT_RUN);
}

static void
test_spawn_run__input_arrives_whole(void **state)
{
	char input[SPAWN_INPUT_MAX + 2];
	struct buf said = BUF_INIT;
	const char *argv[] = { "sh", "-c", "wc -c", NULL };
	int status;

	(void)state;
	memset(input, 'p', sizeof(input));
	input[SPAWN_INPUT_MAX] = '\0';
	assert_int_equal(shell("wc -c", input, &said), 0);
	assert_string_equal(buf_cstr(&said), "4096\n");
	assert_int_equal(spawn_run("/bin/sh", argv, input, SPAWN_INPUT_MAX + 1,
	    NULL, &status), IAM_ERR_LIMIT);
	buf_release(&said);
}

static void
test_spawn_run__input_nobody_reads(void **state)
{
	(void)state;
	/* No SIGPIPE reaches the application. */
	assert_int_equal(shell("exec <&-; exit 3", "secret", NULL), 3);
}

static void
test_spawn_run__long_output_is_cut(void **state)
{
	struct buf said = BUF_INIT;

	(void)state;
	assert_int_equal(shell("head -c 300000 /dev/zero; exit 5", "", &said), 5);
	assert_int_equal(said.len, 16384);
	buf_release(&said);
}

static void
test_spawn_run__S7_environment_is_ours(void **state)
{
	struct buf said = BUF_INIT;
	extern char **environ;
	char preload[] = "LD_PRELOAD=/tmp/evil.so", home[] = "HOME=/tmp",
	    ifs[] = "IFS=x";
	char *hostile[] = { preload, home, ifs, NULL };
	char **before = environ;

	(void)state;
	environ = hostile;
	assert_int_equal(shell("/usr/bin/env | grep -v ^_= | grep -v ^PWD= | "
	    "grep -v ^SHLVL= | grep -v ^OLDPWD= | sort", "", &said), 0);
	environ = before;
	assert_string_equal(buf_cstr(&said),
	    "LC_ALL=C.UTF-8\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
	buf_release(&said);
}

static void
test_spawn_run__S12_no_descriptors_leak(void **state)
{
	struct buf said = BUF_INIT;
	int fd = open("/dev/null", O_RDONLY), last = dup(fd), i;

	(void)state;
	for (i = 0; i < 20; i++)
		shell("exit 0", "x", NULL);
	assert_int_equal(dup(fd), last + 1);
	close(last + 1);
	/* Neither into the program: 0, 1, 2, and 3 by which ls reads. */
	assert_int_equal(fcntl(last, F_SETFD, 0), 0);
	assert_int_equal(shell("ls /proc/self/fd", "", &said), 0);
	assert_string_equal(buf_cstr(&said), "0\n1\n2\n3\n");
	close(last);
	close(fd);
	buf_release(&said);
}

static void
reaper(int sig)
{
	int saved = errno;

	(void)sig;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = saved;
}

static void
test_spawn_run__whatever_SIGCHLD_is(void **state)
{
	struct sigaction sa = { .sa_handler = SIG_IGN }, before, seen;
	int i;

	(void)state;
	sigaction(SIGCHLD, &sa, &before);
	assert_int_equal(shell("exit 9", "", NULL), 9);
	sigaction(SIGCHLD, NULL, &seen);
	assert_ptr_equal(seen.sa_handler, SIG_IGN);

	sa.sa_handler = reaper;
	sigaction(SIGCHLD, &sa, NULL);
	for (i = 0; i < 10; i++)
		assert_int_equal(shell("exit 9", "", NULL), 9);
	sigaction(SIGCHLD, NULL, &seen);
	assert_ptr_equal(seen.sa_handler, reaper);
	sigaction(SIGCHLD, &before, NULL);
	/* None is left over. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
test_spawn_run__without_standard_descriptors(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if ((pid = fork()) == 0) {
		struct buf said = BUF_INIT;
		const char *argv[] = { "sh", "-c", "cat; exit 4", NULL };
		int r = 0;

		close(0);
		close(1);
		close(2);
		if (spawn_run("/bin/sh", argv, "in", 2, &said, &status) != 0)
			r = 1;
		else if (status != 4)
			r = 2;
		else if (strcmp(buf_cstr(&said), "in") != 0)
			r = 3;
		buf_release(&said);
		_exit(r);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_spawn_run__daemon_left_behind(void **state)
{
	struct buf said = BUF_INIT;

	(void)state;
	/* It keeps standard output for itself; nobody waits for it. */
	assert_int_equal(shell("echo done; sleep 5 & exit 2", "", &said), 2);
	assert_string_equal(buf_cstr(&said), "done\n");
	buf_release(&said);
}

/* ---- the helper's request ---- */

static void
test_chk_decode__what_was_encoded(void **state)
{
	const struct chk_request req = { "sarah", "i3lock", "tty1", "192.0.2.7", "pa ss", "123456" };
	struct chk_request got;
	struct buf b = BUF_INIT;

	(void)state;
	chk_encode(&req, &b);
	assert_int_equal(chk_decode(b.p, b.len, &got), 0);
	assert_string_equal(got.user, "sarah");
	assert_string_equal(got.service, "i3lock");
	assert_string_equal(got.tty, "tty1");
	assert_string_equal(got.rhost, "192.0.2.7");
	assert_string_equal(got.password, "pa ss");
	assert_string_equal(got.code, "123456");
	buf_release(&b);
}

static void
test_chk_decode__every_truncation_is_refused(void **state)
{
	const struct chk_request req = { "sarah", "i3lock", "tty1", "192.0.2.7", "pass", "123456" };
	struct chk_request got;
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	chk_encode(&req, &b);
	for (i = 0; i < b.len; i++)
		assert_int_equal(chk_decode(b.p, i, &got), IAM_ERR_FORMAT);
	buf_putc(&b, 'x');
	assert_int_equal(chk_decode(b.p, b.len, &got), IAM_ERR_FORMAT);
	buf_release(&b);
}

static void
test_chk_decode__every_byte_flipped_is_survived(void **state)
{
	const struct chk_request req = { "sarah", "i3lock", "tty1", "192.0.2.7", "pass", "123456" };
	struct chk_request got;
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	chk_encode(&req, &b);
	for (i = 0; i < b.len; i++) {
		b.p[i] ^= 0xff;
		if (chk_decode(b.p, b.len, &got) == 0)
			assert_true(strlen(got.password) <= PASSWORD_MAX);
		b.p[i] ^= 0xff;
	}
	buf_release(&b);
}

static void
test_chk_decode__S32_lengths_are_bounded(void **state)
{
	char text[PASSWORD_MAX + 2];
	struct chk_request req = { "sarah", "", "", "", text, "" }, got;
	struct buf b = BUF_INIT;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[PASSWORD_MAX + 1] = '\0';
	chk_encode(&req, &b);
	assert_int_equal(chk_decode(b.p, b.len, &got), IAM_ERR_LIMIT);
	buf_reset(&b);
	text[CHK_TEXT_MAX + 1] = '\0';
	req.user = text;
	chk_encode(&req, &b);
	assert_int_equal(chk_decode(b.p, b.len, &got), IAM_ERR_LIMIT);
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args_read__knows_its_options),
		cmocka_unit_test(test_args_read__names_the_first_unknown_option),
		cmocka_unit_test(test_conv_ask__table),
		cmocka_unit_test(test_conv_say__silent_says_nothing),
		cmocka_unit_test(test_conv_ask__no_conversation),
		cmocka_unit_test(test_spawn_run__status_and_words),
		cmocka_unit_test(test_spawn_run__program_missing),
		cmocka_unit_test(test_spawn_run__input_arrives_whole),
		cmocka_unit_test(test_spawn_run__input_nobody_reads),
		cmocka_unit_test(test_spawn_run__long_output_is_cut),
		cmocka_unit_test(test_spawn_run__S7_environment_is_ours),
		cmocka_unit_test(test_spawn_run__S12_no_descriptors_leak),
		cmocka_unit_test(test_spawn_run__whatever_SIGCHLD_is),
		cmocka_unit_test(test_spawn_run__without_standard_descriptors),
		cmocka_unit_test(test_spawn_run__daemon_left_behind),
		cmocka_unit_test(test_chk_decode__what_was_encoded),
		cmocka_unit_test(test_chk_decode__every_truncation_is_refused),
		cmocka_unit_test(test_chk_decode__every_byte_flipped_is_survived),
		cmocka_unit_test(test_chk_decode__S32_lengths_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
