/*
 * The built module through libpam: what each entry point answers, what the
 * person sees, what is left behind. Needs root, as logins do.
 */
#include "common/base/base.h"
#include "common/policy/policy.h"
#include "tests/pam/world.h"
#include "tests/unit/ssh_certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MODULE IAM_TEST_BIN "/pam_iam.so"
#define SARAH 2100000001u

/* ---- memory that runs out, in this process and the module ---- */

static _Thread_local long fail_at;

#ifndef __SANITIZE_ADDRESS__
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);

void *
malloc(size_t size)
{
	return fail_at > 0 && --fail_at == 0 ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fail_at > 0 && --fail_at == 0 ? NULL : __libc_calloc(n, size);
}
#endif

/* ---- a person at the other end ---- */

struct person {
	const char *password, *code; /* NULL: gives up at this question */
	bool null_response;          /* success, and no response */
	const char *new_password;    /* NULL: password */
	bool wants_new;              /* recovery codes, when they are offered */
	bool app;                    /* has an authenticator app, and scans what is shown */
	const char *wrong_pair;      /* types this instead of what the app shows */
	char transcript[16384];      /* "[Password: ][Verification code: ]" */
	char shown[2][9];
};

/* The app, when it has been told the key: the codes of the last step and this. */
static const char *
app_code(struct person *p, bool second)
{
	const struct totp_params params = { TOTP_SHA1, 6, 30, 0 };
	struct secret seed = SECRET_INIT;
	char key[128];
	uint64_t step = (uint64_t)time(NULL) / 30;
	const char *at;

	if (p->wrong_pair != NULL)
		return p->wrong_pair;
	if (second) /* of the same moment as the first */
		return p->shown[1];
	at = strstr(p->transcript, "{Key: ");
	assert_non_null(at);
	at += strlen("{Key: ");
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, "}"), at);
	assert_int_equal(base32_decode(key, &seed), 0);
	assert_int_equal(seed.len, 20);
	assert_int_equal(totp_code(&seed, &params, step - 1, p->shown[0]), 0);
	assert_int_equal(totp_code(&seed, &params, step, p->shown[1]), 0);
	secret_release(&seed);
	return p->shown[0];
}

static const char *
reply(struct person *p, const char *prompt)
{
	if (strstr(prompt, "First code") != NULL)
		return p->app ? app_code(p, false) : NULL;
	if (strstr(prompt, "shows next") != NULL)
		return app_code(p, true);
	if (strstr(prompt, "Type \"new\"") != NULL)
		return p->wants_new ? "new" : "";
	if (strstr(prompt, "Press Enter") != NULL)
		return "";
	if (strstr(prompt, "code") != NULL)
		return p->code;
	if (p->new_password != NULL && strstr(prompt, "ew password") != NULL)
		return p->new_password;
	return p->password;
}

static void
write_down(struct person *p, int style, const char *text)
{
	size_t len = strlen(p->transcript);

	snprintf(p->transcript + len, sizeof(p->transcript) - len, "%c%s%c",
	    style == PAM_PROMPT_ECHO_OFF ? '[' : '{', text,
	    style == PAM_PROMPT_ECHO_OFF ? ']' : '}');
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp,
    void *data)
{
	struct person *p = data;
	struct pam_response *r;
	const char *text;
	int i;

	r = calloc((size_t)n, sizeof(*r));
	if (r == NULL)
		return PAM_BUF_ERR;
	for (i = 0; i < n; i++) {
		write_down(p, msg[i]->msg_style, msg[i]->msg);
		if (msg[i]->msg_style != PAM_PROMPT_ECHO_OFF)
			continue;
		text = reply(p, msg[i]->msg);
		if (text == NULL || p->null_response) {
			free(r);
			*resp = NULL;
			return text == NULL ? PAM_CONV_ERR : PAM_SUCCESS;
		}
		r[i].resp = strdup(text);
	}
	*resp = r;
	return PAM_SUCCESS;
}

/* Nobody waits in a test. */
static void
no_delay(int status, unsigned us, void *data)
{
	(void)status;
	(void)us;
	(void)data;
}

/* ---- the host ---- */

#define ALLOW(condition) \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," \
	"\"Action\":\"host:*\",\"Resource\":\"*\"" condition "}}"
#define NEEDS_MFA ",\"Condition\":{\"Bool\":" \
	"{\"aws:MultiFactorAuthPresent\":\"true\"}}"
#define ELSEWHERE ",\"Condition\":{\"StringEquals\":" \
	"{\"aws:RequestedRegion\":\"us-east-1\"}}"

#define KEY \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICD2H604SHHYIsfx4aej/GsZt5UH" \
	"ePlYwgSLh6dEnXC7"
#define KEY_FINGERPRINT "SHA256:5csefM/GDuMZs/gJ47RNTdEJDV/w+kEoGPL3ehkHv0E"
#define RSA_KEY \
	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC19Ttkk3JG3bqnppyiGDnQ2b+L" \
	"5joefyq0oOSdWYE2qyjZfVvVp03tdltB8KhwM8wdhntaYcPWCDwGJAp5MB/FV+kC" \
	"M/MoU7QXhROAgNAooPccwmCAdT8rFclUeIGJuDGpNSR5KSq54lmAwQ7Cjt869vV0" \
	"Jv62ST5v6T03iOjQdg0y0XFudAlzHVlLcGVciXW6oDk/3AAArQR9DdNvMayZ3tgP" \
	"ROGwuCZBOdcrA7+JAtt0rClV+EJdOarPb/rAbGa0LwVYUpfzk2uwW3x9gOcsW6B3" \
	"XjRHoYDbnlI7SJKneqyozvL86SF+xxEo6a9bbOj9B2OfeGdqsGu33vjPmRs/"
/* An ed25519 key that IAM knows, younger than 90 days. */
#define GOOD_KEY ",\"Condition\":{\"StringEquals\":{\"host:KeyType\":\"ssh-ed25519\"," \
	"\"host:KeyId\":\"" WORLD_KEY_ID "\"},\"NumericEquals\":{\"host:KeySize\":\"256\"}," \
	"\"NumericLessThan\":{\"host:KeyAge\":\"7776000\"}}"

static const struct world_person people[] = {
	{ "sarah", "Sarah", SARAH, "right", false, false, true, ALLOW("") },
	{ "nora", "nora", 2100000002u, "right", false, false, false, ALLOW("") },
	{ "ned", "ned", 2100000003u, "right", false, false, false, ALLOW(NEEDS_MFA) },
	{ "dora", "dora", 2100000004u, "right", true, false, true, ALLOW("") },
	{ "bob", "bob", 2100000005u, "right", false, false, false, ALLOW(ELSEWHERE) },
	{ "rita", "rita", 2100000006u, "right", false, true, false, ALLOW("") },
	{ "pol", "pol", 2100000007u, "right", false, false, false, NULL },
	{ "kim", "kim", 2100000008u, "right", false, false, false, ALLOW(GOOD_KEY) },
	{ NULL, NULL, 0, NULL, false, false, false, NULL },
};

#define TRUST(arn) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," \
	"\"Principal\":{\"AWS\":\"" arn "\"},\"Action\":\"sts:AssumeRole\"}}"

static const struct world_role roles[] = {
	{ "deploy", "Deploy", 2100000020u, false, ALLOW(""),
	    TRUST("arn:aws:iam::" WORLD_ACCOUNT ":user/nora") },
	{ NULL, NULL, 0, false, NULL, NULL },
};

static int
compile_trust(const char *json, struct buf *ret)
{
	return pol_compile(json, strlen(json), POL_TRUST, NULL, NULL, ret);
}

static int
compile(const char *json, struct buf *ret)
{
	return pol_compile(json, strlen(json), POL_IDENTITY, NULL, NULL, ret);
}

struct test {
	struct world w;
	char conf[64];
	struct person person;
};

static void
write_conf(const struct test *t, const char *service, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->conf, service);
	world_write(path, text, strlen(text), 0644);
}

static const char plain[] =
    "auth required " MODULE "\n"
    "account required " MODULE "\n"
    "session required " MODULE "\n"
    "session optional " IAM_TEST_BIN "/pam_limit.so\n"
    "password required " MODULE "\n";

static int
setup(void **state)
{
	static const char *const services[] = { "sshd", "sudo", "su", "login",
		"cron", "locker" };
	struct test *t;
	size_t i;

	if (geteuid() != 0) {
		*state = NULL;
		return 0;
	}
	t = calloc(1, sizeof(*t));
	world_open(&t->w, IAM_ROOT);
	t->w.people = people;
	t->w.compile = compile;
	t->w.roles = roles;
	t->w.compile_trust = compile_trust;
	t->w.throttle_free = 1000;
	world_publish(&t->w);
	snprintf(t->conf, sizeof(t->conf), "/tmp/test_pam_module.XXXXXX");
	if (mkdtemp(t->conf) == NULL)
		return -1;
	for (i = 0; i < IAM_COUNT(services); i++)
		write_conf(t, services[i], plain);
	t->person.password = "right";
	t->person.code = "000000";
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct test *t = *state;
	char path[512];
	struct dirent *d;
	DIR *dir;

	if (t == NULL)
		return 0;
	dir = opendir(t->conf);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", t->conf, d->d_name);
		unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(t->conf);
	free(t);
	return 0;
}

static struct test *
need_root(void **state)
{
	if (*state == NULL)
		skip();
	return *state;
}

static pam_handle_t *
start(struct test *t, const char *service, const char *user)
{
	const struct pam_conv conv = { converse, &t->person };
	pam_handle_t *pamh = NULL;

	t->person.transcript[0] = '\0';
	assert_int_equal(pam_start_confdir(service, user, &conv, t->conf, &pamh),
	    PAM_SUCCESS);
	pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)no_delay);
	if (strcmp(service, "sshd") == 0)
		pam_set_item(pamh, PAM_RHOST, "192.0.2.7");
	return pamh;
}

/*
 * The right code for sarah. Steps up to the one in which the test's /run/iam was
 * made are over, so it is the next one's: her device is a little fast.
 */
static void
next_code(struct test *t, char code[9])
{
	world_code((int64_t)time(NULL) + 30, code);
	t->person.code = code;
}

enum call { AUTH, SETCRED, ACCOUNT, OPEN, CLOSE, CALLS };

static int
call(pam_handle_t *pamh, enum call which)
{
	switch (which) {
	case AUTH:
		return pam_authenticate(pamh, 0);
	case SETCRED:
		return pam_setcred(pamh, PAM_ESTABLISH_CRED);
	case ACCOUNT:
		return pam_acct_mgmt(pamh, 0);
	case OPEN:
		return pam_open_session(pamh, 0);
	case CLOSE:
		return pam_close_session(pamh, 0);
	case CALLS:
		break;
	}
	return PAM_ABORT;
}

/* Each call with a handle of its own: none needs the one before (S11). */
static int
alone(struct test *t, const char *service, const char *user, enum call which)
{
	pam_handle_t *pamh = start(t, service, user);
	int r = call(pamh, which);

	pam_end(pamh, r);
	return r;
}

/* A stack of which every module says PAM_IGNORE. */
#define IGNORED PAM_PERM_DENIED

/* ---- tables ---- */

static void
test_module__answers(void **state)
{
	struct test *t = need_root(state);
	const struct {
		const char *user;
		int answers[CALLS];
	} rows[] = {
		{ "root", { PAM_USER_UNKNOWN, IGNORED, IGNORED, IGNORED, IGNORED } },
		{ "games", { PAM_USER_UNKNOWN, IGNORED, IGNORED, IGNORED, IGNORED } },
		{ "nora", { 0, 0, 0, 0, 0 } },
		{ "sarah", { PAM_AUTH_ERR, 0, 0, 0, 0 } },
		{ "dora", { PAM_AUTH_ERR, 0, PAM_PERM_DENIED, 0, 0 } },
		{ "bob", { 0, 0, PAM_PERM_DENIED, 0, 0 } },
		{ "pol", { 0, 0, PAM_PERM_DENIED, 0, 0 } },
		{ "no-such-user", { PAM_AUTH_ERR, IGNORED, IGNORED, IGNORED, IGNORED } },
		{ "../sarah", { PAM_AUTH_ERR, IGNORED, IGNORED, IGNORED, IGNORED } },
	};
	size_t i;
	int c, r;

	for (i = 0; i < IAM_COUNT(rows); i++) {
		for (c = 0; c < CALLS; c++) {
			r = alone(t, "sshd", rows[i].user, (enum call)c);
			if (r != rows[i].answers[c])
				fail_msg("%s, call %d: %d", rows[i].user, c, r);
		}
	}
}

static void
test_module__S2_name_times_snapshot_state(void **state)
{
	static const char *const users[] = { "root", "games", "sarah",
		"no-such-user" };
	struct test *t = need_root(state);
	size_t s, u;
	int c, r;
	bool ours;

	for (s = 0; s < 3; s++) {
		unlink(t->w.host.private_snapshot);
		if (s == 1)
			world_write(t->w.host.private_snapshot, "rubbish", 7, 0640);
		if (s == 2)
			world_write(t->w.host.private_snapshot, "", 0, 0640);
		for (u = 0; u < IAM_COUNT(users); u++) {
			ours = u >= 2;
			for (c = 0; c < CALLS; c++) {
				r = alone(t, "sshd", users[u], (enum call)c);
				if (r != (ours ? PAM_AUTHINFO_UNAVAIL : c == AUTH ?
				    PAM_USER_UNKNOWN : IGNORED))
					fail_msg("state %zu, %s, call %d: %d", s,
					    users[u], c, r);
			}
		}
	}
}

static void
test_module__S0_inert_before_init(void **state)
{
	static const char *const users[] = { "root", "games", "sarah",
		"no-such-user" };
	struct test *t = need_root(state);
	size_t u;
	int c;

	unlink(t->w.host.host_file);
	for (u = 0; u < IAM_COUNT(users); u++) {
		for (c = 0; c < CALLS; c++)
			assert_int_equal(alone(t, "sshd", users[u], (enum call)c),
			    c == AUTH ? PAM_USER_UNKNOWN : IGNORED);
		assert_string_equal(t->person.transcript, "");
	}
	assert_int_not_equal(access(t->w.host.trail, F_OK), 0);
}

/* ---- what a person sees ---- */

static void
test_module__S8_all_noes_look_alike(void **state)
{
	static const struct {
		const char *user, *password, *code;
	} rows[] = {
		{ "sarah", "wrong", "000000" },
		{ "sarah", "right", "000000" },
		{ "sarah", "right", "" },
		{ "sarah", "right", "12345678" },
		{ "dora", "right", "000000" },
		{ "ned", "wrong", "000000" },
		{ "no-such-user", "right", "000000" },
		{ "../etc", "right", "000000" },
	};
	struct test *t = need_root(state);
	size_t i;

	for (i = 0; i < IAM_COUNT(rows); i++) {
		t->person.password = rows[i].password;
		t->person.code = rows[i].code;
		assert_int_equal(alone(t, "sshd", rows[i].user, AUTH), PAM_AUTH_ERR);
		assert_string_equal(t->person.transcript,
		    "[Password: ][Verification code: ]");
	}
}

static void
test_module__S6_conversations_that_fail(void **state)
{
	char over[600];
	struct test *t = need_root(state);
	const struct {
		const char *password, *code;
		bool null_response;
	} rows[] = {
		{ NULL, "000000", false }, { "right", NULL, false },
		{ "", "000000", false }, { over, "000000", false },
		{ "right", over, false }, { "right", "000000", true },
	};
	const struct runtime_limits limits = { 1000, 300 };
	struct runtime_throttle seen[RUNTIME_SOURCES_MAX];
	struct runtime *rt;
	uint32_t all;
	unsigned n;
	size_t i;

	memset(over, 'x', sizeof(over));
	over[sizeof(over) - 1] = '\0';
	for (i = 0; i < IAM_COUNT(rows); i++) {
		t->person.password = rows[i].password;
		t->person.code = rows[i].code;
		t->person.null_response = rows[i].null_response;
		assert_int_equal(alone(t, "sshd", "sarah", AUTH), PAM_AUTH_ERR);
	}
	t->person.null_response = false;
	/* All of them counted. */
	assert_int_equal(runtime_open(t->w.host.run, (gid_t)-1, &rt), 0);
	assert_int_equal(runtime_throttle_list(rt, SARAH, time(NULL), &limits,
	    seen, &n, &all), 0);
	assert_int_equal(n, 1);
	assert_true(seen[0].source == runtime_source_remote("192.0.2.7"));
	assert_int_equal(seen[0].failures, IAM_COUNT(rows));
	runtime_close(rt);
}

/* S15: fifty correct logins of one user at once, where three may fail. */
static void
test_module__S15_correct_logins_at_once(void **state)
{
	struct test *t = need_root(state);
	int i, status;

	t->w.throttle_free = 3;
	world_publish(&t->w);
	for (i = 0; i < 50; i++) {
		if (fork() == 0)
			_exit(alone(t, "sshd", "nora", AUTH) != PAM_SUCCESS);
	}
	for (i = 0; i < 50; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

static void
test_module__denial_names_an_event_unless_silent(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh = start(t, "sudo", "bob");
	char text[64 * 1024], *id, *end;
	struct buf trail = BUF_INIT;

	/* S17: the code that sudo understands. */
	assert_int_equal(pam_acct_mgmt(pamh, PAM_SILENT), PAM_PERM_DENIED);
	assert_string_equal(t->person.transcript, "");
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	pam_end(pamh, 0);
	id = strstr(t->person.transcript,
	    "{Access denied by policy. Your administrator can look up event ");
	assert_non_null(id);
	id = strstr(id, "event ") + 6;
	end = strchr(id, '.');
	assert_non_null(end);
	*end = '\0';
	assert_int_equal(file_read(t->w.host.trail, FILE_ANY, sizeof(text) - 1,
	    &trail), 0);
	assert_non_null(strstr(buf_cstr(&trail), id));
	assert_non_null(strstr(buf_cstr(&trail), "\"eventName\":\"Sudo\""));
	buf_release(&trail);
}

static void
test_module__right_password_and_code(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;
	char code[9];

	next_code(t, code);
	pamh = start(t, "sshd", "sarah");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_REINITIALIZE_CRED), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_REFRESH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, 0);
	/* S35 */
	assert_int_equal(alone(t, "sshd", "sarah", AUTH), PAM_AUTH_ERR);
}

static void
test_module__S3_mfa_needed_and_no_device(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh = start(t, "sshd", "ned");

	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(t->person.transcript,
	    "[Password: ][Verification code: ]");
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	pam_end(pamh, 0);
}

static void
test_module__after_a_key_only_the_code(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;
	char code[9];

	next_code(t, code);
	pamh = start(t, "sshd", "sarah");
	pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(t->person.transcript, "[Verification code: ]");
	pam_end(pamh, 0);
	/* Used a moment ago: beside a key that is no secret. */
	pamh = start(t, "sshd", "sarah");
	pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_string_equal(t->person.transcript, "[Verification code: ]{Your code was"
	    " right but already used. Wait for the next one.}");
	pam_end(pamh, 0);
	/* Another service's environment says nothing. */
	pamh = start(t, "login", "sarah");
	pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_string_equal(t->person.transcript,
	    "[Password: ][Verification code: ]");
	pam_end(pamh, 0);
}

/* The account phase of a login that a key alone has opened. */
static int
key_login(struct test *t, const char *service, const char *user,
    const char *info)
{
	pam_handle_t *pamh = start(t, service, user);
	char env[4200];
	int r;

	snprintf(env, sizeof(env), "SSH_AUTH_INFO_0=%s", info);
	pam_putenv(pamh, env);
	r = pam_acct_mgmt(pamh, 0);
	pam_end(pamh, 0);
	return r;
}

static void
test_module__policies_see_the_ssh_key(void **state)
{
	struct test *t = need_root(state);
	char text[64 * 1024];
	struct buf trail = BUF_INIT;

	t->w.key_of = "kim";
	t->w.key = KEY_FINGERPRINT;
	t->w.uploaded_s = time(NULL) - 86400;
	world_publish(&t->w);
	assert_int_equal(key_login(t, "sshd", "kim", "publickey " KEY "\n"), PAM_SUCCESS);
	/* Another type; no key at all; a key that only another service tells of. */
	assert_int_equal(key_login(t, "sshd", "kim", "publickey " RSA_KEY "\n"), PAM_PERM_DENIED);
	assert_int_equal(key_login(t, "sshd", "kim", "password\n"), PAM_PERM_DENIED);
	assert_int_equal(key_login(t, "login", "kim", "publickey " KEY "\n"), PAM_PERM_DENIED);
	t->w.uploaded_s = time(NULL) - 91 * 86400;
	world_publish(&t->w);
	assert_int_equal(key_login(t, "sshd", "kim", "publickey " KEY "\n"), PAM_PERM_DENIED);

	assert_int_equal(file_read(t->w.host.trail, FILE_ANY, sizeof(text) - 1,
	    &trail), 0);
	assert_non_null(strstr(buf_cstr(&trail), "\"KeyType\":\"ssh-ed25519\","
	    "\"KeyFingerprint\":\"" KEY_FINGERPRINT "\",\"SSHPublicKeyId\":\""
	    WORLD_KEY_ID "\""));
	assert_non_null(strstr(buf_cstr(&trail), "\"KeyType\":\"ssh-rsa\""));
	buf_release(&trail);
}

static int
cert_login(struct test *t, const char *user, const char *cert)
{
	char info[4096];

	world_publish(&t->w);
	snprintf(info, sizeof(info), "publickey %s\n", cert);
	return key_login(t, "sshd", user, info);
}

/* A certificate of the account's own CA brings its MFA along; ned's policy asks for it. */
static void
test_module__a_certificate_is_a_session(void **state)
{
	struct test *t = need_root(state);

	assert_int_equal(cert_login(t, "ned", CERT_NED_MFA), PAM_PERM_DENIED);
	t->w.ssh_ca = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	assert_int_equal(cert_login(t, "ned", CERT_NED_MFA), PAM_PERM_DENIED);
	t->w.ssh_ca = CERT_CA;
	assert_int_equal(cert_login(t, "ned", CERT_NED_MFA), PAM_SUCCESS);
	assert_int_equal(cert_login(t, "ned", CERT_NED), PAM_PERM_DENIED);
	/* Nora's policy allows everything, but not with what belongs to ned. */
	assert_int_equal(cert_login(t, "nora", CERT_NED_MFA), PAM_PERM_DENIED);
	/* Nor to a ned of before. */
	t->w.created_s = CERT_FROM_S + 1;
	assert_int_equal(cert_login(t, "ned", CERT_NED_MFA), PAM_PERM_DENIED);
	t->w.created_s = CERT_FROM_S;
	assert_int_equal(cert_login(t, "ned", CERT_NED_MFA), PAM_SUCCESS);
	t->w.revoked = CERT_SERIAL;
	assert_int_equal(cert_login(t, "ned", CERT_NED_MFA), PAM_PERM_DENIED);
	t->w.revoked = CERT_SERIAL + 1;
	assert_int_equal(cert_login(t, "ned", CERT_NED_MFA), PAM_SUCCESS);
}

/* In its own auth phase a certificate with MFA asks for nothing, and any other key for
 * the code as before. */
static void
test_module__a_certificate_with_mfa_answers_the_question(void **state)
{
	struct test *t = need_root(state);
	struct runtime_evidence e;
	struct runtime *rt;
	pam_handle_t *pamh;
	bool found;
	pid_t pid;

	t->w.ssh_ca = CERT_CA;
	world_publish(&t->w);
	pamh = start(t, "sshd", "ned");
	pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey " CERT_NED_MFA "\n");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_string_equal(t->person.transcript, "");
	/* iamctl sees it in the session: no certificate begets another. */
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(runtime_open(t->w.host.run, (gid_t)-1, &rt), 0);
	assert_int_equal(runtime_session_find(rt, getpid(), &found, &pid, &e), 0);
	assert_true(found);
	assert_int_equal(e.methods & RUNTIME_CERTIFICATE, RUNTIME_CERTIFICATE);
	runtime_close(rt);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, 0);
	pamh = start(t, "sshd", "ned");
	pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey " CERT_NED "\n");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_string_equal(t->person.transcript, "[Verification code: ]");
	pam_end(pamh, 0);
	/* Another service's environment says nothing. */
	pamh = start(t, "login", "ned");
	pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey " CERT_NED_MFA "\n");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	pam_end(pamh, 0);
}

static void
test_module__password_reset_required(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh = start(t, "login", "rita");

	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_NEW_AUTHTOK_REQD);
	pam_end(pamh, 0);
}

static void
test_module__password_expires_soon(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;

	/* Set in 1970. */
	t->w.password_max_age_days = (uint32_t)(time(NULL) / 86400) + 6;
	t->w.password_warn_days = 7;
	world_publish(&t->w);
	pamh = start(t, "login", "nora");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_string_equal(t->person.transcript, "[Password: ]{Your password expires"
	    " in 5 days. Change it with passwd.}");
	pam_end(pamh, 0);
	pamh = start(t, "login", "nora");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, PAM_SILENT), PAM_SUCCESS);
	assert_string_equal(t->person.transcript, "[Password: ]");
	pam_end(pamh, 0);
}

static void
test_module__password_expired(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;

	t->w.password_max_age_days = 1;
	world_publish(&t->w);
	pamh = start(t, "login", "nora");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_NEW_AUTHTOK_REQD);
	assert_non_null(strstr(t->person.transcript, "Your password has expired."));
	pam_end(pamh, 0);
	t->w.password_hard_expiry = 1;
	world_publish(&t->w);
	pamh = start(t, "login", "nora");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_non_null(strstr(t->person.transcript, "set by your administrator"));
	/* passwd is no way around it. */
	assert_int_equal(pam_chauthtok(pamh, (int)PAM_CHANGE_EXPIRED_AUTHTOK),
	    PAM_PERM_DENIED);
	pam_end(pamh, 0);
}

/* ---- options ---- */

/* Another module that left a password behind. */
static void
test_module__first_pass(void **state)
{
	static const struct {
		const char *options, *transcript;
		const char *token;
		int answer;
	} rows[] = {
		{ "use_first_pass", "", "right", PAM_SUCCESS },
		{ "use_first_pass", "", "wrong", PAM_AUTH_ERR },
		{ "use_first_pass", "", NULL, PAM_AUTH_ERR },
		{ "try_first_pass", "", "right", PAM_SUCCESS },
		{ "try_first_pass", "[Password: ]", NULL, PAM_SUCCESS },
		{ "", "[Password: ]", "wrong", PAM_SUCCESS },
		{ "mfa_only", "[Verification code: ]", "right", PAM_AUTH_ERR },
		{ "mfa_olny", "", NULL, PAM_SERVICE_ERR },
	};
	struct test *t = need_root(state);
	char text[512];
	pam_handle_t *pamh;
	size_t i;
	int r;

	for (i = 0; i < IAM_COUNT(rows); i++) {
		/* pam_authenticate forgets what was set before it: a module of
		 * the stack has to leave the password. */
		snprintf(text, sizeof(text), "auth optional pam_exec.so quiet "
		    "expose_authtok /bin/true\nauth required " MODULE " %s\n",
		    rows[i].options);
		if (rows[i].token == NULL)
			snprintf(text, sizeof(text), "auth required " MODULE " %s\n",
			    rows[i].options);
		write_conf(t, "login", text);
		t->person.password = rows[i].token != NULL ? rows[i].token : "right";
		if (rows[i].options[0] == '\0')
			t->person.password = "right";
		pamh = start(t, "login", "nora");
		r = pam_authenticate(pamh, 0);
		if (r != rows[i].answer)
			fail_msg("row %zu: %d %s", i, r, t->person.transcript);
		/* pam_exec asked first. */
		if (rows[i].token != NULL)
			assert_memory_equal(t->person.transcript, "[Password: ]", 12);
		assert_string_equal(t->person.transcript +
		    (rows[i].token != NULL ? 12 : 0), rows[i].transcript);
		pam_end(pamh, 0);
	}
}

/* ---- processes, threads, descriptors ---- */

/* As apps show it. */
static void
test_module__a_code_may_be_typed_with_a_blank(void **state)
{
	struct test *t = need_root(state);
	char code[9], typed[16];

	next_code(t, code);
	snprintf(typed, sizeof(typed), " %.3s %s ", code, code + 3);
	t->person.code = "   ";
	assert_int_equal(alone(t, "login", "sarah", AUTH), PAM_AUTH_ERR);
	t->person.code = typed;
	assert_int_equal(alone(t, "login", "sarah", AUTH), PAM_SUCCESS);
	t->person.code = code;
	assert_int_equal(alone(t, "login", "sarah", AUTH), PAM_AUTH_ERR);
}

static void
test_module__S11_evidence_reaches_the_parent(void **state)
{
	struct test *t = need_root(state);
	struct runtime_evidence e;
	struct runtime *rt;
	pam_handle_t *pamh;
	char code[9];
	bool found;
	int status;
	pid_t pid;

	/* As sshd does it: authentication in a child of the monitor. */
	next_code(t, code);
	if ((pid = fork()) == 0) {
		pamh = start(t, "sshd", "sarah");
		status = pam_authenticate(pamh, 0);
		pam_end(pamh, status);
		_exit(status == PAM_SUCCESS ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pamh = start(t, "sshd", "sarah");
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(runtime_open(t->w.host.run, (gid_t)-1, &rt), 0);
	assert_int_equal(runtime_session_find(rt, getpid(), &found, &pid, &e), 0);
	assert_true(found);
	assert_int_equal(e.uid, SARAH);
	assert_true((e.methods & RUNTIME_MFA) != 0);
	/* Used up. */
	assert_int_equal(runtime_evidence_peek(rt, getpid(), time(NULL), &found,
	    &e), 0);
	assert_false(found);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(runtime_session_find(rt, getpid(), &found, &pid, &e), 0);
	assert_false(found);
	runtime_close(rt);
	pam_end(pamh, 0);
}

static unsigned
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
test_module__S12_no_descriptor_stays_open(void **state)
{
	static const char *const users[] = { "root", "games", "nora", "bob",
		"no-such-user" };
	struct test *t = need_root(state);
	unsigned before;
	size_t u;
	int c;

	alone(t, "sshd", "games", AUTH); /* syslog's and the name services' own */
	alone(t, "sshd", "bob", ACCOUNT);
	before = open_fds();
	for (u = 0; u < IAM_COUNT(users); u++) {
		for (c = 0; c < CALLS; c++) {
			alone(t, "sshd", users[u], (enum call)c);
			assert_int_equal(open_fds(), before);
		}
	}
}

struct worker {
	struct test *t;
	struct person person;
	const char *user;
	int answer, bad;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	const struct pam_conv conv = { converse, &w->person };
	pam_handle_t *pamh;
	int i, r;

	for (i = 0; i < 10; i++) {
		w->person.transcript[0] = '\0';
		if (pam_start_confdir("sudo", w->user, &conv, w->t->conf, &pamh) != 0) {
			w->bad++;
			continue;
		}
		pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)no_delay);
		r = pam_authenticate(pamh, 0);
		w->bad += r != w->answer;
		pam_end(pamh, r);
	}
	return NULL;
}

static void
test_module__S12_in_threads(void **state)
{
	struct test *t = need_root(state);
	struct worker w[4] = {
		{ .user = "nora", .answer = PAM_SUCCESS },
		{ .user = "sarah", .answer = PAM_AUTH_ERR },
		{ .user = "games", .answer = PAM_USER_UNKNOWN },
		{ .user = "nora", .answer = PAM_SUCCESS },
	};
	pthread_t threads[4];
	size_t i;

	for (i = 0; i < 4; i++) {
		w[i].t = t;
		w[i].person.password = "right";
		w[i].person.code = "000000";
		assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(w[i].bad, 0);
	}
}

/* ---- the shipped profile ---- */

/* The control fields of debian/pam-configs/iam as pam-auth-update renders them,
 * with pam_deny in pam_unix's place, who refuses users without a shadow entry,
 * or pam_permit for a local one. */
static void
profile(const struct test *t, const char *module, const char *unix_module)
{
	static const char ignore[] = "ignore=ignore user_unknown=ignore "
	    "module_unknown=ignore open_err=ignore symbol_err=ignore";
	char text[4096];

	snprintf(text, sizeof(text),
	    "auth [success=2 %s default=die] %s\n"
	    "auth [success=1 default=ignore] %s\n"
	    "auth requisite pam_deny.so\nauth required pam_permit.so\n"
	    "account [success=2 new_authtok_reqd=done %s default=die] %s\n"
	    "account [success=1 new_authtok_reqd=done default=ignore] %s\n"
	    "account requisite pam_deny.so\naccount required pam_permit.so\n"
	    "session [default=1] pam_permit.so\nsession requisite pam_deny.so\n"
	    "session required pam_permit.so\n"
	    "session [success=ok %s default=bad] %s\n",
	    ignore, module, unix_module, ignore, module, unix_module, ignore,
	    module);
	write_conf(t, "sshd", text);
}

static int
whole_login(struct test *t, const char *user)
{
	pam_handle_t *pamh = start(t, "sshd", user);
	int r;

	if ((r = pam_authenticate(pamh, 0)) == PAM_SUCCESS &&
	    (r = pam_acct_mgmt(pamh, 0)) == PAM_SUCCESS &&
	    (r = pam_setcred(pamh, PAM_ESTABLISH_CRED)) == PAM_SUCCESS)
		r = pam_open_session(pamh, 0);
	pam_end(pamh, r);
	return r;
}

static void
test_profile__S4_a_denial_is_final(void **state)
{
	struct test *t = need_root(state);

	/* Even if the next module would let them in. */
	profile(t, MODULE, "pam_permit.so");
	assert_int_equal(whole_login(t, "nora"), PAM_SUCCESS);
	assert_int_equal(whole_login(t, "bob"), PAM_PERM_DENIED);
	assert_int_equal(alone(t, "sshd", "bob", ACCOUNT), PAM_PERM_DENIED);
	assert_int_equal(whole_login(t, "sarah"), PAM_AUTH_ERR);
	assert_int_equal(whole_login(t, "no-such-user"), PAM_AUTH_ERR);
	assert_int_equal(whole_login(t, "rita"), PAM_NEW_AUTHTOK_REQD);
	unlink(t->w.host.private_snapshot);
	assert_int_equal(whole_login(t, "nora"), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(alone(t, "sshd", "bob", ACCOUNT), PAM_AUTHINFO_UNAVAIL);
	/* S0 */
	assert_int_equal(whole_login(t, "root"), PAM_SUCCESS);
	assert_int_equal(whole_login(t, "games"), PAM_SUCCESS);
}

static void
test_profile__S5_module_missing_or_broken(void **state)
{
	struct test *t = need_root(state);
	char file[128], junk[4096];
	size_t i;

	memset(junk, 0xa5, sizeof(junk));
	snprintf(file, sizeof(file), "%s/broken.so", t->conf);
	for (i = 0; i < 3; i++) {
		unlink(file);
		if (i > 0)
			world_write(file, junk, i == 1 ? 0 : sizeof(junk), 0644);
		profile(t, file, "pam_permit.so");
		assert_int_equal(whole_login(t, "root"), PAM_SUCCESS);
		assert_int_equal(whole_login(t, "games"), PAM_SUCCESS);
		profile(t, file, "pam_deny.so");
		assert_int_not_equal(whole_login(t, "nora"), PAM_SUCCESS);
		assert_int_not_equal(alone(t, "sshd", "nora", ACCOUNT), PAM_SUCCESS);
	}
}

/* ---- passwords ---- */

static void
test_chauthtok__old_password_first(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;

	t->person.password = "wrong";
	pamh = start(t, "login", "nora");
	/* Called by root, but for a login: the old one is asked for. */
	assert_int_equal(pam_chauthtok(pamh, (int)PAM_CHANGE_EXPIRED_AUTHTOK),
	    PAM_AUTH_ERR);
	assert_string_equal(t->person.transcript, "[Current password: ]");
	pam_end(pamh, 0);
}

/* pam_pwquality before us, or nobody where somebody should be. */
static void
test_chauthtok__use_authtok(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;

	write_conf(t, "login", "password required " MODULE " use_authtok\n");
	pamh = start(t, "login", "nora");
	assert_int_equal(pam_chauthtok(pamh, 0), PAM_AUTHTOK_ERR);
	assert_string_equal(t->person.transcript, "");
	pam_end(pamh, 0);
}

static void
test_chauthtok__others_are_asked_on_behalf_of_the_next_module(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;

	write_conf(t, "login",
	    "password [success=1 user_unknown=ignore default=die] " MODULE "\n"
	    "password required pam_permit.so use_authtok\n"
	    "password required pam_permit.so\n");
	pamh = start(t, "login", "games");
	assert_int_equal(pam_chauthtok(pamh, 0), PAM_SUCCESS);
	assert_string_equal(t->person.transcript,
	    "[New password: ][Retype new password: ]");
	pam_end(pamh, 0);
}

/* A program with its input, which must work; what it says is in said. */
static char said[16384];

static void
run_program(const char *path, const char *input, const char *const argv[])
{
	int fds[2], answer[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		dup2(fds[0], 0);
		dup2(answer[1], 1);
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(98);
	}
	close(fds[0]);
	close(answer[1]);
	assert_int_equal(write(fds[1], input, strlen(input)), strlen(input));
	close(fds[1]);
	while (len < sizeof(said) - 1 &&
	    (n = read(answer[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	close(answer[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define CTL(input, ...) \
	run_program(IAM_TEST_BIN "/iamctl", input, (const char *const[]){ "iamctl", __VA_ARGS__, NULL })

static void
login(struct test *t, const char *password, int answer)
{
	t->person.password = password;
	assert_int_equal(alone(t, "login", "vera", AUTH), answer);
}

/* A hash of another program is yescrypt after the first good login, and the person
 * has noticed nothing. */
static void
test_module__old_hash_is_upgraded(void **state)
{
	/* Drepper, "Unix crypt using SHA-256 and SHA-512", test vector 1. */
	static const char shadow[] = "root:*:1::::::\nvera:$6$saltstring$svn8UoSVapNt"
	    "Muq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
	    ":19000:0:99999:7:::\n";
	struct test *t = need_root(state);
	struct snap *s;
	struct snap_principal *p = calloc(1, sizeof(*p));
	bool found;

	world_clear(&t->w);
	CTL("", "init", "--region", "eu-central-1");
	CTL("", "create-user", "--user-name", "Vera");
	world_write(IAM_PATH_SHADOW, shadow, sizeof(shadow) - 1, 0640);
	CTL("", "import", "--from", "shadow", "--user-name", "Vera");
	CTL("", "put-user-policy", "--user-name", "Vera", "--policy-name", "p",
	    "--policy-document", ALLOW(""));
	login(t, "Hello world?", PAM_AUTH_ERR);
	login(t, "Hello world!", PAM_SUCCESS);
	assert_string_equal(t->person.transcript, "[Password: ]");
	assert_int_equal(snap_open(IAM_PATH_PRIVATE, SNAP_PRIVATE, &s), 0);
	assert_int_equal(snap_principal_by_name(s, "vera", &found, p), 0);
	assert_int_equal(strncmp(p->password_hash, "$y$j9T$", 7), 0);
	assert_int_equal(p->password_changed_s, (int64_t)19000 * 86400);
	snap_close(s);
	free(p);
	login(t, "Hello world!", PAM_SUCCESS);
	unlink(IAM_PATH_SHADOW);
}

static uid_t
uid_in_snapshot(const char *name)
{
	struct snap_principal *p = malloc(sizeof(*p));
	struct snap *s;
	bool found;
	uid_t uid;

	assert_non_null(p);
	assert_int_equal(snap_open(IAM_PATH_PRIVATE, SNAP_PRIVATE, &s), 0);
	assert_int_equal(snap_principal_by_name(s, name, &found, p), 0);
	assert_true(found);
	uid = p->uid;
	snap_close(s);
	free(p);
	return uid;
}

static void
test_chauthtok__through_iamctl(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;

	/* A host of iamctl's making, in place of the fixture's. */
	world_clear(&t->w);
	CTL("", "init", "--region", "eu-central-1");
	CTL("", "create-user", "--user-name", "vera");
	CTL("first-password\n", "create-login-profile", "--user-name", "vera",
	    "--password-stdin", "--password-reset-required");
	CTL("", "put-user-policy", "--user-name", "vera", "--policy-name", "p",
	    "--policy-document", ALLOW(""));
	/* The first login: the password has to be changed, and is. */
	t->person.password = "first-password";
	pamh = start(t, "login", "vera");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_NEW_AUTHTOK_REQD);
	t->person.transcript[0] = '\0';
	t->person.password = "short";
	assert_int_equal(pam_chauthtok(pamh, (int)PAM_CHANGE_EXPIRED_AUTHTOK),
	    PAM_AUTHTOK_ERR);
	assert_non_null(strstr(t->person.transcript, "password policy"));
	t->person.transcript[0] = '\0';
	t->person.password = "second-password";
	assert_int_equal(pam_chauthtok(pamh, (int)PAM_CHANGE_EXPIRED_AUTHTOK),
	    PAM_SUCCESS);
	assert_string_equal(t->person.transcript,
	    "[New password: ][Retype new password: ]");
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	login(t, "first-password", PAM_AUTH_ERR);
	login(t, "second-password", PAM_SUCCESS);
	/* Within the session that this process opens: iamctl finds it, and takes
	 * the caller for vera, who needs her old password. */
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	t->person.transcript[0] = '\0';
	t->person.new_password = "third-password";
	pam_end(pamh, 0);
	pamh = start(t, "login", "vera");
	assert_int_equal(pam_chauthtok(pamh, (int)PAM_CHANGE_EXPIRED_AUTHTOK),
	    PAM_SUCCESS);
	assert_string_equal(t->person.transcript,
	    "[Current password: ][New password: ][Retype new password: ]");
	login(t, "second-password", PAM_AUTH_ERR);
	login(t, "third-password", PAM_SUCCESS);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, 0);
}

/* ---- roles ---- */

/* Root, by su: the session has a limit that pam_systemd keeps, and its ARN. */
static void
test_module__a_session_of_a_role(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh = start(t, "su", "deploy");

	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_string_equal(pam_getenv(pamh, "IAM_SESSION_ARN"),
	    "arn:aws:sts::" WORLD_ACCOUNT ":assumed-role/Deploy/root");
	assert_string_equal(pam_getenv(pamh, "RUNTIME_MAX_SEC"), "7200");
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	/* Not even root gives it a password; nora, a user's, is another matter. */
	assert_int_equal(pam_chauthtok(pamh, 0), PAM_PERM_DENIED);
	pam_end(pamh, 0);
}

/* sudo goes on after PAM_SESSION_ERR, and after nothing else. */
static void
test_module__a_role_that_may_not_be_assumed_has_no_session(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh = start(t, "sudo", "deploy");

	pam_set_item(pamh, PAM_RUSER, "nora");
	assert_int_equal(pam_open_session(pamh, 0), PAM_PERM_DENIED);
	assert_non_null(strstr(t->person.transcript, "Access denied by policy."));
	assert_null(pam_getenv(pamh, "IAM_SESSION_ARN"));
	pam_end(pamh, 0);
	assert_int_equal(alone(t, "sshd", "deploy", ACCOUNT), PAM_PERM_DENIED);
	assert_int_equal(alone(t, "sshd", "deploy", OPEN), PAM_PERM_DENIED);
}

/* sudo within a session of hers: iamctl finds that, and wants the old password. */
static void
test_chauthtok__due_at_sudo(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *session, *pamh;
	uid_t uid;

	world_clear(&t->w);
	CTL("", "init", "--region", "eu-central-1");
	CTL("", "create-user", "--user-name", "vera");
	CTL("For once only 5\n", "create-login-profile", "--user-name", "vera",
	    "--password-stdin", "--password-reset-required");
	CTL("", "put-user-policy", "--user-name", "vera", "--policy-name", "p",
	    "--policy-document", ALLOW(""));
	uid = uid_in_snapshot("vera");
	session = start(t, "sshd", "vera");
	assert_int_equal(pam_open_session(session, 0), PAM_SUCCESS);
	assert_int_equal(setresuid(uid, 0, 0), 0);
	t->person.password = "For once only 5";
	t->person.new_password = "Fresh password 6";
	pamh = start(t, "sudo", "vera");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_NEW_AUTHTOK_REQD);
	assert_int_equal(pam_chauthtok(pamh, (int)PAM_CHANGE_EXPIRED_AUTHTOK),
	    PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, 0);
	assert_int_equal(setresuid(0, 0, 0), 0);
	assert_int_equal(pam_close_session(session, 0), PAM_SUCCESS);
	pam_end(session, 0);
	login(t, "For once only 5", PAM_AUTH_ERR);
	login(t, "Fresh password 6", PAM_SUCCESS);
}

/* What a user's su has left where root's next event will find it. */
static unsigned
spooled(const struct test *t)
{
	DIR *dir = opendir(t->w.host.spool);
	const struct dirent *d;
	unsigned n = 0;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		n += d->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* A person's su under a limit, in a process of its own: what pam_authenticate answers. */
static int
su_within(struct test *t, int resource, bool hard, const char *password)
{
	struct rlimit given = { 0, 0 }, after;
	pam_handle_t *pamh;
	int r, status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGXFSZ, SIG_IGN);
		t->person.password = password;
		if (setresuid(12345, 0, 0) != 0)
			_exit(255);
		pamh = start(t, "su", "nora");
		if (!hard && getrlimit(resource, &given) != 0)
			_exit(254);
		given.rlim_cur = 0;
		if (setrlimit(resource, &given) != 0)
			_exit(253);
		r = pam_authenticate(pamh, 0);
		/* They are the caller's again. */
		if (getrlimit(resource, &after) != 0 || after.rlim_cur != 0 ||
		    after.rlim_max != given.rlim_max)
			_exit(252);
		_exit(r);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A guess with su leaves its event, whatever limits the caller has set; or, where root
 * may not raise them, nothing is judged, and the right password gets the same answer. */
static void
test_module__S33_limits_of_the_caller(void **state)
{
	static const int resources[] = { RLIMIT_FSIZE, RLIMIT_NOFILE };
	struct test *t = need_root(state);
	unsigned before;
	size_t i;
	int hard, r;

	for (i = 0; i < IAM_COUNT(resources); i++) {
		for (hard = 0; hard < 2; hard++) {
			before = spooled(t);
			r = su_within(t, resources[i], hard != 0, "a guess");
			assert_int_not_equal(r, PAM_SUCCESS);
			if (spooled(t) == before + 1)
				continue; /* libpam itself may fail for want of a file */
			assert_int_equal(hard, 1);
			assert_int_equal(r, PAM_SYSTEM_ERR);
			assert_int_equal(su_within(t, resources[i], true, "right"),
			    PAM_SYSTEM_ERR);
			assert_int_equal(spooled(t), before);
		}
	}
}

/* ---- languages ---- */

static void
prompts(struct test *t, const char *locale, const char *expected)
{
	pam_handle_t *pamh = start(t, "sshd", "no-such-user");

	if (locale != NULL)
		pam_putenv(pamh, locale);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_string_equal(t->person.transcript, expected);
	pam_end(pamh, 0);
}

static void
test_language__S7_of_pam_never_of_the_environment(void **state)
{
	static const char english[] = "[Password: ][Verification code: ]",
	    german[] = "[Passwort: ][Best\xc3\xa4tigungscode: ]",
	    french[] = "[Mot de passe : ][Code de v\xc3\xa9rification : ]";
	static const char file[] = "# the host's\nLANGUAGE=es\n"
	    "LANG=\"fr_FR.UTF-8\"\n";
	char *hostile[] = { (char[]){ "LANG=de_DE.UTF-8" },
		(char[]){ "LC_ALL=de_DE.UTF-8" }, (char[]){ "LANGUAGE=de" }, NULL };
	struct test *t = need_root(state);
	char path[320], **before = environ;

	/* Of whoever runs us: not looked at. */
	environ = hostile;
	prompts(t, NULL, english);
	prompts(t, "LANG=de_DE.UTF-8", german);
	prompts(t, "LC_ALL=de_AT.utf8", german); /* there is no de_AT: de */
	prompts(t, "LANG=fr.UTF-8", french);
	/* A terminal that does not take UTF-8, and what is no locale at all. */
	prompts(t, "LANG=de_DE.ISO-8859-1", english);
	prompts(t, "LANG=de_DE", english);
	prompts(t, "LANG=C.UTF-8", english);
	prompts(t, "LANG=en_US.UTF-8", english);
	prompts(t, "LANG=xx_XX.UTF-8", english);
	prompts(t, "LANG=../../de_DE.UTF-8", english);
	prompts(t, "LANG=de/../de.UTF-8", english);
	prompts(t, "LANG=dddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	    "dddddddddddddddddddddddddd.UTF-8", english);
	/* The host's own default, and only root's file. */
	snprintf(path, sizeof(path), "%s/etc/default/locale", t->w.root);
	world_write(path, file, sizeof(file) - 1, 0644);
	prompts(t, NULL, french);
	prompts(t, "LANG=de_DE.UTF-8", german);
	world_write(path, file, sizeof(file) - 1, 0666);
	prompts(t, NULL, english);
	unlink(path);
	environ = before;
}

static void
test_language__what_is_said(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh = start(t, "sshd", "bob");

	pam_putenv(pamh, "LANG=ja_JP.UTF-8");
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	pam_end(pamh, 0);
	assert_non_null(strstr(t->person.transcript,
	    "\xe3\x83\x9d\xe3\x83\xaa\xe3\x82\xb7\xe3\x83\xbc"));
	assert_null(strstr(t->person.transcript, "%s"));
}

/* ---- last login ---- */

static void
open_and_close(struct test *t, const char *service, int flags)
{
	pam_handle_t *pamh = start(t, service, "nora");

	assert_int_equal(pam_open_session(pamh, flags), PAM_SUCCESS);
	assert_int_equal(pam_close_session(pamh, flags), PAM_SUCCESS);
	pam_end(pamh, 0);
}

static void
test_last_login__is_told_unless_silent(void **state)
{
	struct test *t = need_root(state);
	char evil[64];
	pam_handle_t *pamh;

	open_and_close(t, "sshd", 0);
	assert_string_equal(t->person.transcript, "");
	open_and_close(t, "sshd", 0);
	assert_memory_equal(t->person.transcript, "{Last login: 20", 15);
	assert_non_null(strstr(t->person.transcript, " from 192.0.2.7}"));
	t->person.password = "wrong";
	alone(t, "sshd", "nora", AUTH);
	alone(t, "sshd", "nora", AUTH);
	open_and_close(t, "sshd", 0);
	assert_non_null(strstr(t->person.transcript,
	    "{2 failed attempts to log in since then, the last at 20"));
	open_and_close(t, "sshd", (int)PAM_SILENT);
	assert_string_equal(t->person.transcript, "");
	/* sudo is no login. */
	open_and_close(t, "sudo", 0);
	assert_string_equal(t->person.transcript, "");
	write_conf(t, "login", "session required " MODULE " no_last_login\n");
	open_and_close(t, "login", 0);
	assert_string_equal(t->person.transcript, "");
	/* S42: what the other side calls itself. */
	snprintf(evil, sizeof(evil), "evil\033[2J\nroot \xc3\xa4");
	pamh = start(t, "sshd", "nora");
	pam_set_item(pamh, PAM_RHOST, evil);
	assert_int_equal(pam_open_session(pamh, (int)PAM_SILENT), PAM_SUCCESS);
	pam_end(pamh, 0);
	open_and_close(t, "sshd", 0);
	assert_non_null(strstr(t->person.transcript, " from evil?[2J?root???}"));
}

/* ---- one line ---- */

/* Keyrings behind us get the password, and not the code. */
static void
test_one_line__the_password_alone_is_handed_on(void **state)
{
	struct test *t = need_root(state);
	char text[512], line[32], code[9], file[128];
	struct buf b = BUF_INIT;
	pam_handle_t *pamh;

	snprintf(file, sizeof(file), "%s/token", t->conf);
	snprintf(text, sizeof(text), "auth required " MODULE "\n"
	    "auth required pam_exec.so quiet expose_authtok /bin/cp /dev/stdin %s\n",
	    file);
	t->w.one_line = "login";
	world_publish(&t->w);
	write_conf(t, "login", text);
	world_code((int64_t)time(NULL) + 30, code);
	snprintf(line, sizeof(line), "right%s", code);
	t->person.code = line; /* it is asked for in the same prompt */
	pamh = start(t, "login", "sarah");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(t->person.transcript,
	    "[Password and verification code: ]");
	pam_end(pamh, 0);
	assert_int_equal(file_read(file, FILE_ANY, 64, &b), 0);
	assert_string_equal(buf_cstr(&b), "right");
	buf_release(&b);
	/* S8 */
	write_conf(t, "login", plain);
	t->person.code = "right000000";
	assert_int_equal(alone(t, "login", "no-such-user", AUTH), PAM_AUTH_ERR);
	assert_string_equal(t->person.transcript,
	    "[Password and verification code: ]");
}

/* ---- recovery codes ---- */

/* vera, whom iamctl has made, with password and device. */
static void
make_vera(struct test *t, struct secret *seed)
{
	static const char settings[] = "{\"throttle\": {\"freeAttempts\": 1000}}";
	const struct totp_params params = { TOTP_SHA1, 6, 30, 0 };
	uint64_t step = (uint64_t)time(NULL) / 30;
	char *base32, first[9], second[9];

	world_clear(&t->w);
	world_write(t->w.host.settings_file, settings, sizeof(settings) - 1, 0644);
	CTL("", "init", "--region", "eu-central-1");
	CTL("", "create-user", "--user-name", "vera");
	CTL("first-password\n", "create-login-profile", "--user-name", "vera",
	    "--password-stdin");
	CTL("", "put-user-policy", "--user-name", "vera", "--policy-name", "p",
	    "--policy-document", ALLOW(NEEDS_MFA));
	CTL("", "create-virtual-mfa-device", "--virtual-mfa-device-name", "vera",
	    "--output", "text");
	/* VIRTUALMFADEVICE seed uri serial */
	base32 = strchr(said, '\t') + 1;
	*strchr(base32, '\t') = '\0';
	assert_int_equal(base32_decode(base32, seed), 0);
	assert_int_equal(totp_code(seed, &params, step - 1, first), 0);
	assert_int_equal(totp_code(seed, &params, step, second), 0);
	CTL("", "list-virtual-mfa-devices", "--output", "text");
	base32 = strstr(said, "arn:");
	base32[strcspn(base32, "\t\n")] = '\0';
	CTL("", "enable-mfa-device", "--user-name", "vera", "--serial-number",
	    base32, "--authentication-code1", first, "--authentication-code2", second);
	t->person.password = "first-password";
}

/* One line of said. */
static void
take_line(const char *prefix, unsigned n, char *ret, size_t size)
{
	const char *line = said;

	for (;; n--) {
		line = strstr(line, prefix);
		assert_non_null(line);
		line += strlen(prefix);
		if (n == 0)
			break;
	}
	snprintf(ret, size, "%.*s", (int)strcspn(line, "\t\n"), line);
}

static void
test_recovery__S35_one_of_eight_simultaneous_uses_wins(void **state)
{
	struct test *t = need_root(state);
	struct secret seed = SECRET_INIT;
	char codes[3][32], line[64];
	unsigned i, k, won;
	pid_t pids[8];
	int status;

	make_vera(t, &seed);
	secret_release(&seed);
	CTL("", "create-recovery-codes", "--user-name", "vera", "--output", "text");
	for (i = 0; i < IAM_COUNT(codes); i++)
		take_line("\nCODES\t", i, codes[i], sizeof(codes[i]));
	for (i = 0; i < IAM_COUNT(codes); i++) {
		t->person.code = codes[i];
		snprintf(line, sizeof(line), "{%u recovery codes left.}", 9 - i);
		for (k = 0; k < IAM_COUNT(pids); k++) {
			if ((pids[k] = fork()) != 0)
				continue;
			status = alone(t, "sshd", "vera", AUTH);
			if (status == PAM_SUCCESS &&
			    strstr(t->person.transcript, line) == NULL)
				status = PAM_ABORT;
			_exit(status);
		}
		for (k = won = 0; k < IAM_COUNT(pids); k++) {
			assert_int_equal(waitpid(pids[k], &status, 0), pids[k]);
			assert_true(WIFEXITED(status));
			won += WEXITSTATUS(status) == PAM_SUCCESS;
			if (WEXITSTATUS(status) != PAM_SUCCESS)
				assert_int_equal(WEXITSTATUS(status), PAM_AUTH_ERR);
		}
		assert_int_equal(won, 1);
	}
}

static void
test_recovery__a_whole_login(void **state)
{
	struct test *t = need_root(state);
	struct secret seed = SECRET_INIT;
	pam_handle_t *pamh;
	char code[32];

	make_vera(t, &seed);
	secret_release(&seed);
	CTL("", "create-recovery-codes", "--user-name", "vera", "--output", "text");
	take_line("\nCODES\t", 9, code, sizeof(code));
	t->person.code = code;
	pamh = start(t, "sshd", "vera");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	/* The policy wants MFA: that it was. */
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, 0);
	CTL("", "lookup-events", "--lookup-attributes",
	    "AttributeKey=EventName,AttributeValue=UseRecoveryCode");
	assert_non_null(strstr(said, "UseRecoveryCode"));
	assert_null(strstr(said, code));
	CTL("", "lookup-events", "--lookup-attributes",
	    "AttributeKey=EventName,AttributeValue=Login");
	assert_non_null(strstr(said, "recovery-code"));
}

/* How many recovery codes the transcript shows; the first one into ret. */
static unsigned
shown_codes(const struct test *t, char ret[32])
{
	const char *at = t->person.transcript;
	unsigned n = 0;

	for (; (at = strstr(at, "{    ")) != NULL; at++, n++) {
		if (n == 0)
			snprintf(ret, 32, "%.*s", RECOVERY_TEXT_LEN, at + 5);
	}
	return n;
}

static void
test_recovery__new_ones_at_login(void **state)
{
	struct test *t = need_root(state);
	struct secret seed = SECRET_INIT;
	char codes[10][32], fresh[2][32], wish[40];
	unsigned i;

	make_vera(t, &seed);
	secret_release(&seed);
	CTL("", "create-recovery-codes", "--user-name", "vera", "--output", "text");
	for (i = 0; i < IAM_COUNT(codes); i++)
		take_line("\nCODES\t", i, codes[i], sizeof(codes[i]));
	/* Not after a wrong one, and not where nobody looks. */
	t->person.code = "000000+";
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	assert_int_equal(shown_codes(t, fresh[0]), 0);
	/* Few are left: an offer, which may be declined. */
	for (i = 0; i < 9; i++) {
		t->person.code = codes[i];
		assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_SUCCESS);
		assert_int_equal(strstr(t->person.transcript, "Type \"new\"") != NULL,
		    i >= 7);
		assert_int_equal(shown_codes(t, fresh[0]), 0);
	}
	t->person.code = codes[9];
	t->person.wants_new = true;
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_SUCCESS);
	assert_int_equal(shown_codes(t, fresh[0]), 10);
	/* At her wish, the code's plus sign. */
	snprintf(wish, sizeof(wish), "%s+", fresh[0]);
	t->person.code = wish;
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_SUCCESS);
	assert_int_equal(shown_codes(t, fresh[1]), 10);
	/* The others are worthless now. */
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	t->person.code = fresh[1];
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_SUCCESS);
	assert_non_null(strstr(t->person.transcript, "{9 recovery codes left.}"));
	CTL("", "lookup-events", "--max-results", "1000");
	assert_null(strstr(said, fresh[1])); /* S9 */
}

/* From the line on the screen to the reason, as an administrator goes. */
static void
test_explain_login__what_the_person_was_told(void **state)
{
	struct test *t = need_root(state);
	char event[64];
	const char *at;

	world_clear(&t->w);
	CTL("", "init", "--region", "eu-central-1");
	CTL("", "create-user", "--user-name", "vera");
	CTL("", "put-user-policy", "--user-name", "vera", "--policy-name", "p",
	    "--policy-document", ALLOW(",\"Condition\":{\"StringEquals\":"
	    "{\"aws:PrincipalTag/department\":\"marketing\"}}"));
	assert_int_equal(alone(t, "login", "vera", ACCOUNT), PAM_PERM_DENIED);
	at = strstr(t->person.transcript, "event ");
	assert_non_null(at);
	snprintf(event, sizeof(event), "%.36s", at + 6);
	CTL("", "explain-login", "--event-id", event);
	assert_non_null(strstr(said, "No statement of any policy allows it"));
	assert_non_null(strstr(said, "asks for aws:PrincipalTag/department"));
}

/* ---- enrolment at login ---- */

/* vera again, without a device. */
static void
make_vera_new(struct test *t, const char *mode)
{
	char settings[160];

	snprintf(settings, sizeof(settings), "{\"mfa\": {\"selfEnrolment\": \"%s\"},"
	    " \"throttle\": {\"freeAttempts\": 1000}}", mode);
	world_clear(&t->w);
	world_write(t->w.host.settings_file, settings, strlen(settings), 0644);
	CTL("", "init", "--region", "eu-central-1");
	CTL("", "create-user", "--user-name", "vera");
	CTL("first-password\n", "create-login-profile", "--user-name", "vera",
	    "--password-stdin");
	CTL("", "put-user-policy", "--user-name", "vera", "--policy-name", "p",
	    "--policy-document", ALLOW(NEEDS_MFA));
	t->person.password = "first-password";
	t->person.code = "";
	t->person.app = true;
}

static int
device_count(void)
{
	const char *at;
	int n = 0;

	CTL("", "list-virtual-mfa-devices", "--output", "json");
	for (at = said; (at = strstr(at, "SerialNumber")) != NULL; at++)
		n++;
	return n;
}

/* The pixels of the QR code in the transcript: one byte a module, 1 light. */
static void
read_picture(const char *transcript, bool utf8, uint8_t rows[96][96],
    unsigned *ret_height, unsigned *ret_width)
{
	const char *light = utf8 ? "{\xe2\x96\x88\xe2\x96\x88" : "{####", *p;
	unsigned x, y = 0;

	*ret_width = 0;
	for (p = strstr(transcript, light); p != NULL && *p == '{' &&
	    (p[1] == '#' || p[1] == '\xe2'); p++) {
		for (x = 0, p++; *p != '}'; x++) {
			assert_true(x < 96 && y < 94);
			if (!utf8) {
				rows[y][x] = *p == '#';
				p += 2;
			} else if (*p == ' ') {
				rows[y][x] = rows[y + 1][x] = 0;
				p++;
			} else {
				rows[y][x] = p[2] == '\x88' || p[2] == '\x80';
				rows[y + 1][x] = p[2] == '\x88' || p[2] == '\x84';
				p += 3;
			}
		}
		y += utf8 ? 2 : 1;
		*ret_width = x;
	}
	*ret_height = y;
}

/* What a scanner makes of it: zbar's. */
static void
scan(const struct test *t, bool utf8, char *ret, size_t size)
{
	static uint8_t rows[96][96];
	unsigned height, width, x, y;
	struct buf image = BUF_INIT;
	char file[128];

	read_picture(t->person.transcript, utf8, rows, &height, &width);
	/* An 80x24 terminal, with a line for the prompt; ASCII needs a higher one. */
	assert_in_range(width, 21, utf8 ? 80 : 40);
	if (utf8)
		assert_in_range(height, 21, 46);
	buf_printf(&image, "P5 %u %u 255\n", width * 4, height * 4);
	for (y = 0; y < height * 4; y++)
		for (x = 0; x < width * 4; x++)
			buf_u8(&image, rows[y / 4][x / 4] ? 255 : 0);
	snprintf(file, sizeof(file), "%s/qr.pgm", t->conf);
	world_write(file, image.p, image.len, 0600);
	buf_release(&image);
	run_program("/usr/bin/zbarimg", "", (const char *const[]){ "zbarimg", "-q",
		"--nodbus", "--raw", file, NULL });
	snprintf(ret, size, "%.*s", (int)strcspn(said, "\n"), said);
}

static void
test_enrolment__S3_device_recovery_codes_and_in(void **state)
{
	struct test *t = need_root(state);
	char scanned[512], line[600], code[32];
	struct runtime_evidence e;
	struct runtime *rt;
	pam_handle_t *pamh;
	const char *at;
	bool found;

	make_vera_new(t, "policy");
	pamh = start(t, "sshd", "vera");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_memory_equal(t->person.transcript,
	    "[Password: ][Verification code (Enter if you have none): ]{\nThis login"
	    " needs a second factor", 88);
	/* The scanner reads what the text says. */
	scan(t, true, scanned, sizeof(scanned));
	assert_memory_equal(scanned, "otpauth://totp/Host%20IAM:vera%40", 33);
	snprintf(line, sizeof(line), "{%s}", scanned);
	assert_non_null(strstr(t->person.transcript, line));
	assert_non_null(strstr(t->person.transcript, "[First code of the app: ]"
	    "[The code that it shows next: ]{\nYour device is enabled."));
	at = strstr(t->person.transcript, "{    ");
	assert_non_null(at);
	snprintf(code, sizeof(code), "%.*s", RECOVERY_TEXT_LEN, at + 5);
	assert_int_equal(device_count(), 1);
	/* It was MFA: the policy lets her in, and the session has it. */
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_int_equal(runtime_open(t->w.host.run, (gid_t)-1, &rt), 0);
	assert_int_equal(runtime_evidence_peek(rt, getppid(), time(NULL), &found,
	    &e), 0); /* for sshd's monitor */
	assert_true(found);
	assert_true((e.methods & RUNTIME_MFA) != 0);
	assert_non_null(strstr(e.device, ":mfa/vera"));
	runtime_close(rt);
	pam_end(pamh, 0);
	/* S35: her codes are used up, and from now on a code is asked. */
	t->person.code = t->person.shown[1];
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	t->person.code = "";
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	assert_null(strstr(t->person.transcript, "otpauth"));
	/* The recovery codes are hers. */
	t->person.code = code;
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_SUCCESS);
	assert_non_null(strstr(t->person.transcript, "{9 recovery codes left.}"));
	/* S9: nothing of it in the trail. */
	CTL("", "lookup-events", "--max-results", "1000");
	assert_non_null(strstr(said, "CompleteMFAEnrolment"));
	assert_null(strstr(said, strstr(scanned, "secret=")));
	assert_null(strstr(said, code));
}

static void
test_enrolment__in_ascii_where_the_terminal_cannot(void **state)
{
	struct test *t = need_root(state);
	char scanned[512];
	pam_handle_t *pamh;

	make_vera_new(t, "policy");
	pamh = start(t, "login", "vera");
	pam_putenv(pamh, "LANG=de_DE.ISO-8859-1");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, 0);
	scan(t, false, scanned, sizeof(scanned));
	assert_memory_equal(scanned, "otpauth://totp/vera?secret=", 27);
}

static void
test_enrolment__S3_what_is_no_success(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;

	/* Off: the account phase denies, and nothing is shown. */
	make_vera_new(t, "off");
	t->person.code = "000000";
	pamh = start(t, "sshd", "vera");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_string_equal(t->person.transcript,
	    "[Password: ][Verification code: ]");
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	pam_end(pamh, 0);
	/* Three wrong pairs; no number at all; a conversation that ends. */
	make_vera_new(t, "policy");
	t->person.wrong_pair = "000000";
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	t->person.wrong_pair = "x\ny";
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_SYSTEM_ERR);
	t->person.wrong_pair = "";
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	t->person.wrong_pair = NULL;
	t->person.app = false;
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	t->person.app = true;
	/* Silence: nothing could be shown, and nothing is promised. */
	t->person.code = "000000";
	pamh = start(t, "sshd", "vera");
	assert_int_equal(pam_authenticate(pamh, PAM_SILENT), PAM_AUTH_ERR);
	assert_string_equal(t->person.transcript,
	    "[Password: ][Verification code: ]");
	pam_end(pamh, 0);
	/* A wrong password. */
	t->person.password = "wrong";
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	assert_null(strstr(t->person.transcript, "otpauth"));
	assert_int_equal(device_count(), 0);
	CTL("", "lookup-events", "--max-results", "1000");
	assert_non_null(strstr(said, "EnrolmentNotCompleted"));
	assert_non_null(strstr(said, "EnrolmentNotHere"));
}

static void
test_enrolment__S8_all_get_the_same_prompts(void **state)
{
	static const char *const users[] = { "vera", "no-such-user", "../etc" };
	struct test *t = need_root(state);
	size_t i;

	make_vera_new(t, "policy");
	t->person.password = "wrong";
	for (i = 0; i < IAM_COUNT(users); i++) {
		assert_int_equal(alone(t, "sshd", users[i], AUTH), PAM_AUTH_ERR);
		assert_string_equal(t->person.transcript,
		    "[Password: ][Verification code (Enter if you have none): ]");
	}
}

static void
test_enrolment__always_whatever_the_policies_say(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;

	make_vera_new(t, "always");
	CTL("", "put-user-policy", "--user-name", "vera", "--policy-name", "p",
	    "--policy-document", ALLOW(""));
	t->person.app = false;
	assert_int_equal(alone(t, "sshd", "vera", AUTH), PAM_AUTH_ERR);
	assert_non_null(strstr(t->person.transcript, "otpauth"));
	t->person.app = true;
	pamh = start(t, "sshd", "vera");
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, 0);
	assert_int_equal(device_count(), 1);
}

static void
test_module__configuration_edited(void **state)
{
	static const char bad[] = "{\"region\": 1}";
	static const char good[] = "{\"region\": \"us-east-1\", "
	    "\"hostname\": \"web1\", \"tags\": {}}";
	struct test *t = need_root(state);

	world_clear(&t->w);
	CTL("", "init", "--region", "eu-central-1");
	CTL("", "create-user", "--user-name", "vera");
	CTL("", "put-user-policy", "--user-name", "vera", "--policy-name", "p",
	    "--policy-document", ALLOW(ELSEWHERE));
	assert_int_equal(alone(t, "login", "vera", ACCOUNT), PAM_PERM_DENIED);
	/* The login itself has the snapshot made anew. */
	world_write(t->w.host.host_file, good, sizeof(good) - 1, 0644);
	assert_int_equal(alone(t, "login", "vera", ACCOUNT), PAM_SUCCESS);
	world_write(t->w.host.host_file, bad, sizeof(bad) - 1, 0644);
	assert_int_equal(alone(t, "login", "vera", ACCOUNT), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(alone(t, "login", "games", ACCOUNT), IGNORED);
	assert_int_equal(alone(t, "login", "root", ACCOUNT), IGNORED);
}

/* ---- the n-th allocation failing ---- */

static void
test_module__S1_nth_allocation_fails(void **state)
{
	struct test *t = need_root(state);
	pam_handle_t *pamh;
	int c, r;
	long n;

#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	for (c = 0; c < CALLS; c++) {
		for (n = 1; n < 400; n++) {
			pamh = start(t, "sudo", "bob");
			fail_at = n;
			r = call(pamh, (enum call)c);
			if (fail_at > 0) {
				fail_at = 0;
				pam_end(pamh, r);
				break;
			}
			fail_at = 0;
			pam_end(pamh, r);
			/* bob is denied here: no shortage opens. */
			if (c == ACCOUNT && (r == PAM_SUCCESS || r == PAM_IGNORE))
				fail_msg("allocation %ld: %d", n, r);
			if (r == PAM_USER_UNKNOWN || r == PAM_IGNORE)
				fail_msg("call %d, allocation %ld: %d", c, n, r);
		}
		assert_true(n < 400);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_module__answers),
		T(test_module__S2_name_times_snapshot_state),
		T(test_module__S0_inert_before_init),
		T(test_module__S8_all_noes_look_alike),
		T(test_module__S6_conversations_that_fail),
		T(test_module__S15_correct_logins_at_once),
		T(test_module__denial_names_an_event_unless_silent),
		T(test_module__right_password_and_code),
		T(test_module__S3_mfa_needed_and_no_device),
		T(test_module__after_a_key_only_the_code),
		T(test_module__policies_see_the_ssh_key),
		T(test_module__a_session_of_a_role),
		T(test_module__a_role_that_may_not_be_assumed_has_no_session),
		T(test_module__a_certificate_is_a_session),
		T(test_module__a_certificate_with_mfa_answers_the_question),
		T(test_module__password_reset_required),
		T(test_module__password_expires_soon),
		T(test_module__password_expired),
		T(test_module__first_pass),
		T(test_module__a_code_may_be_typed_with_a_blank),
		T(test_module__S11_evidence_reaches_the_parent),
		T(test_module__S12_no_descriptor_stays_open),
		T(test_module__S12_in_threads),
		T(test_profile__S4_a_denial_is_final),
		T(test_profile__S5_module_missing_or_broken),
		T(test_chauthtok__old_password_first),
		T(test_chauthtok__use_authtok),
		T(test_chauthtok__others_are_asked_on_behalf_of_the_next_module),
		T(test_module__old_hash_is_upgraded),
		T(test_chauthtok__through_iamctl),
		T(test_chauthtok__due_at_sudo),
		T(test_module__S33_limits_of_the_caller),
		T(test_language__S7_of_pam_never_of_the_environment),
		T(test_language__what_is_said),
		T(test_last_login__is_told_unless_silent),
		T(test_one_line__the_password_alone_is_handed_on),
		T(test_recovery__S35_one_of_eight_simultaneous_uses_wins),
		T(test_recovery__a_whole_login),
		T(test_recovery__new_ones_at_login),
		T(test_explain_login__what_the_person_was_told),
		T(test_enrolment__S3_device_recovery_codes_and_in),
		T(test_enrolment__in_ascii_where_the_terminal_cannot),
		T(test_enrolment__S3_what_is_no_success),
		T(test_enrolment__S8_all_get_the_same_prompts),
		T(test_enrolment__always_whatever_the_policies_say),
		T(test_module__configuration_edited),
		T(test_module__S1_nth_allocation_fails),
	};

	world_isolate(IAM_ROOT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
