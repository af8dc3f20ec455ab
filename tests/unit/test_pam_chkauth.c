/*
 * The helper iam-chkauth, run for real by a user who is not root, with the group
 * that its mode would give it. The people are accounts that every Debian has.
 * Needs root, to become them.
 */
#include "common/base/base.h"
#include "common/policy/policy.h"
#include "pam_iam/chkauth.h"
#include "common/runtime/internal.h"
#include "tests/pam/world.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HELPER IAM_TEST_BIN "/iam-chkauth"
#define MODULE IAM_TEST_BIN "/pam_iam.so"
/* base-passwd's, on every Debian */
#define GAMES 5u
#define MAN 6u
#define NEWS 9u
#define LP 7u
#define PROXY 13u
#define GROUP 60u
#define FREE 3
#define SERVICES "backup"
#define SERVICES_GID 34u

#define ALLOW(condition) \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," \
	"\"Action\":\"host:*\",\"Resource\":\"*\"" condition "}}"
#define ELSEWHERE ",\"Condition\":{\"StringEquals\":" \
	"{\"aws:RequestedRegion\":\"us-east-1\"}}"

static const struct world_person people[] = {
	{ "games", "games", GAMES, "right", false, false, true, ALLOW("") },
	{ "man", "man", MAN, "right", false, false, false, ALLOW("") },
	{ "news", "news", NEWS, "right", false, false, false, ALLOW(ELSEWHERE) },
	/* who has never logged in: there is no state */
	{ "lp", "lp", LP, "right", false, false, false, ALLOW("") },
	{ NULL, NULL, 0, NULL, false, false, false, NULL },
};

static int
compile(const char *json, struct buf *ret)
{
	return pol_compile(json, strlen(json), POL_IDENTITY, NULL, NULL, ret);
}

/* The states that root has made at their first login. */
static void
make_state(const struct world *w, uint32_t uid)
{
	struct runtime *rt;

	assert_int_equal(runtime_open(w->host.run, GROUP, &rt), 0);
	assert_int_equal(runtime_user_prepare(rt, uid), 0);
	runtime_close(rt);
}

static int
setup(void **state)
{
	struct world *w;

	*state = NULL;
	if (geteuid() != 0)
		return 0;
	w = calloc(1, sizeof(*w));
	world_open(w, IAM_ROOT);
	w->people = people;
	w->compile = compile;
	w->throttle_free = FREE;
	w->helper_group = SERVICES;
	world_share(w, GROUP);
	world_publish(w);
	make_state(w, GAMES);
	make_state(w, MAN);
	make_state(w, NEWS);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	free(*state);
	return 0;
}

/* PROXY is a service of that group. */
static void
become(uid_t uid)
{
	const gid_t group = SERVICES_GID;

	if (setgroups(uid == PROXY, &group) != 0 || setresgid(GROUP, GROUP, GROUP) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		_exit(99);
}

/* What a caller may do to the helper before it runs. */
enum prank { NONE, NO_FDS, MANY_FDS, NO_FILE_SIZE, NO_LIMIT_OF = 1000 };

static void
play(enum prank prank, int input)
{
	struct rlimit limit = { 0, 0 };
	int i;

	switch (prank) {
	case NONE:
		break;
	case NO_FDS:
		for (i = 0; i < 3; i++)
			close(i);
		break;
	case MANY_FDS:
		for (i = 0; i < 1000 && dup(input) >= 0; i++)
			;
		break;
	case NO_FILE_SIZE:
		setrlimit(RLIMIT_FSIZE, &limit);
		break;
	case NO_LIMIT_OF:
		break;
	}
	/* NO_LIMIT_OF + RLIMIT_x: 0 of it */
	if (prank >= NO_LIMIT_OF)
		setrlimit((int)prank - (int)NO_LIMIT_OF, &limit);
}

static pid_t
start(uid_t uid, const char *mode, const void *input, size_t len, enum prank prank)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		become(uid);
		dup2(fds[0], 0);
		play(prank, fds[0]);
		execl(HELPER, "iam-chkauth", mode, (char *)NULL);
		_exit(98);
	}
	signal(SIGPIPE, SIG_IGN);
	close(fds[0]);
	if (write(fds[1], input, len) != (ssize_t)len)
		print_message("the helper does not listen\n");
	close(fds[1]);
	return pid;
}

static int
run(uid_t uid, const char *mode, const void *input, size_t len, enum prank prank)
{
	pid_t pid = start(uid, mode, input, len, prank);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *rhost = "";

static int
ask(uid_t uid, const char *mode, const char *user, const char *password,
    const char *code, enum prank prank)
{
	const struct chk_request req = { user, "locker", "tty1", rhost, password,
		code };
	struct buf b = BUF_INIT;
	int r;

	chk_encode(&req, &b);
	assert_int_equal(b.err, 0);
	r = run(uid, mode, b.p, b.len, prank);
	buf_release(&b);
	return r;
}

static struct world *
need_root(void **state)
{
	if (*state == NULL)
		skip();
	return *state;
}

static void
test_chkauth__questions(void **state)
{
	need_root(state);
	assert_int_equal(ask(GAMES, "ask", "games", "", "", NONE), CHK_ASK_BOTH);
	assert_int_equal(ask(MAN, "ask", "man", "", "", NONE), CHK_ASK_PASSWORD);
	/* Somebody whom IAM does not govern, by his own name. */
	assert_int_equal(ask(2, "ask", "bin", "", "", NONE), CHK_UNMANAGED);
}

static void
test_chkauth__S30_own_name_only(void **state)
{
	static const char *const modes[] = { "ask", "auth", "account" };
	static const char *const names[] = { "games", "root", "bin", "",
		"no-such-user", "man\n", "../man" };
	size_t i, k;

	need_root(state);
	/* Known, unknown, root: nothing is learnt about others. */
	for (i = 0; i < IAM_COUNT(modes); i++) {
		for (k = 0; k < IAM_COUNT(names); k++)
			assert_int_equal(ask(MAN, modes[i], names[k], "right",
			    "000000", NONE), CHK_REFUSED);
	}
}

/* S30: a service in the configured group asks about every IAM user, and about
 * nobody else; whom nobody knows is not told from a wrong password (S8). */
static void
test_chkauth__S30_service_in_the_group(void **state)
{
	need_root(state);
	assert_int_equal(ask(PROXY, "ask", "games", "", "", NONE), CHK_ASK_BOTH);
	assert_int_equal(ask(PROXY, "ask", "no-such-user", "", "", NONE),
	    CHK_ASK_BOTH);
	assert_int_equal(ask(PROXY, "auth", "no-such-user", "right", "000000",
	    NONE), CHK_WRONG);
	assert_int_equal(ask(PROXY, "auth", "man", "wrong", "", NONE), CHK_WRONG);
	assert_int_equal(ask(PROXY, "auth", "man", "right", "", NONE), CHK_PERMIT);
	assert_int_equal(ask(PROXY, "account", "man", "", "", NONE), CHK_PERMIT);
	assert_int_equal(ask(PROXY, "account", "news", "", "", NONE), CHK_DENIED);
	assert_int_equal(ask(PROXY, "ask", "root", "", "", NONE), CHK_UNMANAGED);
	assert_int_equal(ask(PROXY, "ask", "bin", "", "", NONE), CHK_UNMANAGED);
	/* Whose state nobody has made yet: counted all the same. */
	assert_int_equal(ask(PROXY, "auth", "lp", "wrong", "", NONE), CHK_WRONG);
	assert_int_equal(ask(PROXY, "auth", "lp", "right", "", NONE), CHK_PERMIT);
	/* A user who asks for herself makes none. */
	assert_int_equal(ask(LP, "auth", "lp", "right", "", NONE), CHK_PERMIT);
}

static void
test_chkauth__S30_without_a_group(void **state)
{
	struct world *w = need_root(state);

	w->helper_group = NULL;
	world_publish(w);
	assert_int_equal(ask(PROXY, "ask", "man", "", "", NONE), CHK_REFUSED);
	/* Names that mean no group, root's, or the helper's own. */
	w->helper_group = "no-such-group";
	world_publish(w);
	assert_int_equal(ask(PROXY, "ask", "man", "", "", NONE), CHK_REFUSED);
	w->helper_group = "games"; /* GROUP: everybody has it by the helper's mode */
	world_publish(w);
	assert_int_equal(ask(PROXY, "ask", "man", "", "", NONE), CHK_REFUSED);
}

/* More failures of whoever has failed: a delay that outlasts a slow machine. */
static void
fail_more(struct world *w)
{
	const struct runtime_limits any = { 1000, 300 };
	struct runtime_throttle list[RUNTIME_SOURCES_MAX];
	struct runtime_attempt a;
	struct runtime *rt;
	unsigned i, n = 0;
	uint32_t all;
	bool begun;

	assert_int_equal(runtime_open(w->host.run, GROUP, &rt), 0);
	assert_int_equal(runtime_throttle_list(rt, MAN, time(NULL), &any, list, &n,
	    &all), 0);
	assert_true(n > 0);
	for (i = 0; i < n * 16; i++) {
		assert_true(list[i % n].failures > FREE);
		assert_int_equal(runtime_attempt_begin(rt, MAN, list[i % n].source,
		    time(NULL), &any, &begun, &a), 0);
		assert_true(begun);
		assert_int_equal(runtime_attempt_end(rt, &a, RUNTIME_FAILED,
		    time(NULL), NULL), 0);
	}
	runtime_close(rt);
}

/* S33, S16: guesses that come through a service count by where they come from;
 * what an ordinary user says of that is not listened to. */
static void
test_chkauth__S33_guesses_through_a_service(void **state)
{
	struct world *w = need_root(state);
	int i;

	rhost = "198.51.100.7";
	for (i = 0; i <= FREE; i++)
		assert_int_equal(ask(PROXY, "auth", "man", "guess", "", NONE),
		    CHK_WRONG);
	fail_more(w);
	assert_int_equal(ask(PROXY, "auth", "man", "right", "", NONE), CHK_WRONG);
	rhost = "192.0.2.1";
	assert_int_equal(ask(PROXY, "auth", "man", "right", "", NONE), CHK_PERMIT);
	for (i = 0; i <= FREE; i++)
		assert_int_equal(ask(MAN, "auth", "man", "guess", "", NONE),
		    CHK_WRONG);
	fail_more(w);
	rhost = "203.0.113.9";
	assert_int_equal(ask(MAN, "auth", "man", "right", "", NONE), CHK_WRONG);
	rhost = "";
}

/* S31: whatever the caller leaves no room for, no wrong answer opens, and the
 * right one opens or does not. */
static void
test_chkauth__S31_limits(void **state)
{
	static const char *const passwords[] = { "right", "wrong" };
	struct buf b = BUF_INIT;
	int limit, status;
	size_t i;
	pid_t pid;

	need_root(state);
	for (i = 0; i < IAM_COUNT(passwords); i++) {
		const struct chk_request req = { "man", "locker", "", "",
			passwords[i], "" };

		buf_reset(&b);
		chk_encode(&req, &b);
		for (limit = 0; limit < RLIM_NLIMITS; limit++) {
			pid = start(MAN, "auth", b.p, b.len,
			    (enum prank)((int)NO_LIMIT_OF + limit));
			assert_int_equal(waitpid(pid, &status, 0), pid);
			if (i == 1 && WIFEXITED(status))
				assert_int_not_equal(WEXITSTATUS(status), CHK_PERMIT);
		}
	}
	buf_release(&b);
}

/* Attempts of MAN's own in flight, or counted as failed. */
static unsigned
counted(const struct world *w)
{
	uint64_t words[PRINCIPAL_WORDS], state;
	unsigned i, n = 0;
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/principal.%u", w->host.run, MAN);
	assert_true((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
	assert_int_equal(read(fd, words, sizeof(words)), sizeof(words));
	close(fd);
	for (i = WORD_SOURCES + 1; i < WORD_SOURCES + 2 * PRINCIPAL_SOURCES; i += 2) {
		state = words[i] >> (14 + 34); /* docs/runtime-format.md */
		n += (unsigned)(state & 63) + (unsigned)(state >> 6);
	}
	return n;
}

/* S31: killed in the middle of judging, a guess has been counted. */
static void
test_chkauth__S31_kill_races(void **state)
{
	const struct chk_request req = { "man", "locker", "", "", "guess", "" };
	const struct runtime_limits limits = { FREE, 300 };
	struct world *w = need_root(state);
	struct runtime_throttle list[RUNTIME_SOURCES_MAX];
	struct buf b = BUF_INIT;
	struct runtime *rt;
	unsigned i, n = 0;
	uint32_t all;
	int status;
	pid_t pid;

	chk_encode(&req, &b);
	for (i = 0; i <= FREE; i++) {
		pid = start(MAN, "auth", b.p, b.len, NONE);
		while (counted(w) == i)
			;
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(counted(w), i + 1);
	}
	buf_release(&b);
	assert_int_equal(runtime_open(w->host.run, GROUP, &rt), 0);
	assert_int_equal(runtime_throttle_list(rt, MAN, time(NULL) +
	    RUNTIME_FLIGHT_S, &limits, list, &n, &all), 0);
	runtime_close(rt);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].failures, FREE + 1);
}

static void
test_chkauth__judges(void **state)
{
	char code[9];

	need_root(state);
	assert_int_equal(ask(MAN, "auth", "man", "right", "", NONE), CHK_PERMIT);
	assert_int_equal(ask(MAN, "auth", "man", "wrong", "", NONE), CHK_WRONG);
	assert_int_equal(ask(MAN, "auth", "man", "", "", NONE), CHK_WRONG);
	/* The policies decide in the same go. */
	assert_int_equal(ask(NEWS, "auth", "news", "right", "123456", NONE),
	    CHK_DENIED);
	assert_int_equal(ask(NEWS, "account", "news", "", "", NONE), CHK_DENIED);
	assert_int_equal(ask(MAN, "account", "man", "", "", NONE), CHK_PERMIT);
	/* S33: the replay store is the module's. */
	world_code((int64_t)time(NULL) + 30, code);
	assert_int_equal(ask(GAMES, "auth", "games", "right", code, NONE),
	    CHK_PERMIT);
	assert_int_equal(ask(GAMES, "auth", "games", "right", code, NONE),
	    CHK_WRONG);
}

/* A screen locker with one prompt: the code is behind the password. */
static void
test_chkauth__one_line(void **state)
{
	struct world *w = need_root(state);
	char code[9], line[32];

	w->one_line = "lock*";
	world_publish(w);
	assert_int_equal(ask(GAMES, "ask", "games", "", "", NONE), CHK_ASK_JOINED);
	assert_int_equal(ask(MAN, "ask", "man", "", "", NONE), CHK_ASK_PASSWORD);
	world_code((int64_t)time(NULL) + 30, code);
	snprintf(line, sizeof(line), "right%s", code);
	assert_int_equal(ask(GAMES, "auth", "games", "right", "", NONE), CHK_WRONG);
	assert_int_equal(ask(GAMES, "auth", "games", line, "", NONE), CHK_PERMIT);
	/* S33, S35 */
	assert_int_equal(ask(GAMES, "auth", "games", line, "", NONE), CHK_WRONG);
}

static void
test_chkauth__S33_is_no_oracle(void **state)
{
	struct world *w = need_root(state);
	int i;

	for (i = 0; i < 20; i++)
		assert_int_equal(ask(MAN, "auth", "man", "guess", "", NONE),
		    CHK_WRONG);
	fail_more(w);
	assert_int_equal(ask(MAN, "auth", "man", "right", "", NONE), CHK_WRONG);
}

static void
test_chkauth__S31_whatever_the_caller_left(void **state)
{
	int i;

	need_root(state);
	assert_int_equal(ask(MAN, "auth", "man", "right", "", MANY_FDS),
	    CHK_PERMIT);
	assert_int_equal(ask(MAN, "auth", "man", "right", "", NO_FDS),
	    CHK_BROKEN);
	/* Who may write no file is counted all the same, and no right answer
	 * opens without its event. */
	assert_int_equal(ask(MAN, "auth", "man", "right", "", NO_FILE_SIZE),
	    CHK_BROKEN);
	for (i = 0; i < 4; i++)
		assert_int_equal(ask(MAN, "auth", "man", "wrong", "",
		    NO_FILE_SIZE), CHK_WRONG);
	assert_int_equal(ask(MAN, "auth", "man", "right", "", NONE), CHK_WRONG);
}

static void
test_chkauth__S32_hostile_requests(void **state)
{
	const struct chk_request req = { "man", "locker", "", "", "right", "" };
	struct buf b = BUF_INIT;
	char much[CHK_REQUEST_MAX + 100];
	size_t i;

	need_root(state);
	chk_encode(&req, &b);
	assert_int_equal(run(MAN, "auth", b.p, b.len, NONE), CHK_PERMIT);
	for (i = 0; i < b.len; i++)
		assert_int_equal(run(MAN, "auth", b.p, i, NONE), CHK_BROKEN);
	assert_int_equal(run(MAN, "AUTH", b.p, b.len, NONE), CHK_BROKEN);
	assert_int_equal(run(MAN, "", b.p, b.len, NONE), CHK_BROKEN);
	assert_int_equal(run(MAN, NULL, b.p, b.len, NONE), CHK_BROKEN);
	memset(much, 0, sizeof(much));
	assert_int_equal(run(MAN, "auth", much, sizeof(much), NONE), CHK_BROKEN);
	buf_release(&b);
}

/* ---- the module in a screen locker ---- */

static int
answer(int n, const struct pam_message **msg, struct pam_response **resp,
    void *data)
{
	(void)n;
	*resp = calloc(1, sizeof(**resp));
	if (msg[0]->msg_style == PAM_PROMPT_ECHO_OFF)
		(*resp)->resp = strdup(data);
	return PAM_SUCCESS;
}

static void
no_delay(int status, unsigned us, void *data)
{
	(void)status;
	(void)us;
	(void)data;
}

/* authenticate, then account, in a process of that user; the first code that
 * is no success. */
static int
locker(const char *conf, uid_t uid, const char *user, const char *password)
{
	const struct pam_conv conv = { answer, (void *)(uintptr_t)password };
	pam_handle_t *pamh;
	int status, r;
	pid_t pid;

	if ((pid = fork()) == 0) {
		become(uid);
		if (pam_start_confdir("locker", user, &conv, conf, &pamh) != 0)
			_exit(97);
		pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)no_delay);
		if ((r = pam_authenticate(pamh, 0)) == PAM_SUCCESS &&
		    (r = pam_acct_mgmt(pamh, 0)) == PAM_SUCCESS)
			r = pam_setcred(pamh, PAM_REFRESH_CRED);
		pam_end(pamh, r);
		_exit(r);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_module__in_a_screen_locker(void **state)
{
	struct world *w = need_root(state);
	static const char text[] = "auth required " MODULE "\n"
	    "account required " MODULE "\n";
	char conf[] = "/tmp/test_pam_chkauth.XXXXXX", file[64];

	assert_non_null(mkdtemp(conf));
	assert_int_equal(chmod(conf, 0755), 0);
	snprintf(file, sizeof(file), "%s/locker", conf);
	world_write(file, text, sizeof(text) - 1, 0644);
	assert_int_equal(locker(conf, MAN, "man", "right"), PAM_SUCCESS);
	assert_int_equal(locker(conf, MAN, "man", "wrong"), PAM_AUTH_ERR);
	assert_int_equal(locker(conf, NEWS, "news", "right"), PAM_PERM_DENIED);
	/* Others: refused, or left to the next module. */
	assert_int_equal(locker(conf, MAN, "root", "right"), PAM_USER_UNKNOWN);
	assert_int_equal(locker(conf, MAN, "sarah", "right"), PAM_AUTH_ERR);
	/* S2: without a snapshot. "games" is local there. */
	unlink(w->host.private_snapshot);
	assert_int_equal(locker(conf, MAN, "man", "right"), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(locker(conf, GAMES, "games", "right"), PAM_USER_UNKNOWN);
	unlink(file);
	rmdir(conf);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_chkauth__questions),
		T(test_chkauth__S30_own_name_only),
		T(test_chkauth__S30_service_in_the_group),
		T(test_chkauth__S30_without_a_group),
		T(test_chkauth__judges),
		T(test_chkauth__S33_guesses_through_a_service),
		T(test_chkauth__S31_limits),
		T(test_chkauth__S31_kill_races),
		T(test_chkauth__one_line),
		T(test_chkauth__S33_is_no_oracle),
		T(test_chkauth__S31_whatever_the_caller_left),
		T(test_chkauth__S32_hostile_requests),
		T(test_module__in_a_screen_locker),
	};

	world_isolate(IAM_ROOT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
