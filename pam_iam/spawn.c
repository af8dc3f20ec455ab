/*
 * Other programs, run from within a stranger's process. Rules kept here:
 *
 *  - absolute constant paths, fork and execve, an environment of our own, no
 *    shell (S7, S34); secrets go over a pipe, never on the command line;
 *  - the application may ignore SIGCHLD, or reap children that it never made: the
 *    program is the child of a process of ours in between, and its status
 *    comes over a pipe;
 *  - no signal handler of the application is changed, and none of them runs in the children;
 *  - between fork and execve only async-signal-safe functions are called.
 */
#include "common/base/base.h"
#include "pam_iam/module.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef IAM_TEST_BUILD
#define IAMCTL_PATH IAM_TEST_BIN "/iamctl"
#define CHKAUTH_PATH IAM_TEST_BIN "/iam-chkauth"
#else
#define IAMCTL_PATH "/usr/bin/iamctl"
#define CHKAUTH_PATH IAM_LIBEXECDIR "/iam-chkauth"
#endif
#define MKHOMEDIR_PATH "/usr/sbin/mkhomedir_helper"

#define LIMIT_MS 60000
#define SAID_MAX 16384
#define STATUS_FD 3

enum { READ_END, WRITE_END };

struct pipes {
	int input[2], said[2], status[2];
};

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
pipes_close(struct pipes *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		close_one(&p->input[i]);
		close_one(&p->said[i]);
		close_one(&p->status[i]);
	}
}

/* The input fits into the pipe, so it is all in there before anyone reads, and
 * no write can meet a closed pipe. */
static int
pipes_open(struct pipes *p, const void *input, size_t len)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (len > SPAWN_INPUT_MAX)
		return IAM_ERR_LIMIT;
	if (pipe2(p->input, O_CLOEXEC) != 0 || pipe2(p->said, O_CLOEXEC) != 0 ||
	    pipe2(p->status, O_CLOEXEC) != 0 ||
	    file_write_all(p->input[WRITE_END], input, len) != 0) {
		pipes_close(p);
		return IAM_ERR_IO;
	}
	close_one(&p->input[WRITE_END]);
	return 0;
}

/* ---- in the children ---- */

static void
default_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		sigaction(i, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The user's limits must not cut short what root does for her. */
static void
become_root(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_FSIZE, &unlimited);
	setrlimit(RLIMIT_CPU, &unlimited);
	setrlimit(RLIMIT_AS, &unlimited);
	setrlimit(RLIMIT_DATA, &unlimited);
	if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
		_exit(SPAWN_NOT_RUN);
}

/* The caller may own the cgroup that we are in, and freeze it while iamctl holds the
 * store's lock. Where there is no such file he cannot either. */
static void
leave_cgroup(void)
{
	int fd = open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "0", 1);
	close(fd);
}

/* 0, 1 and 2 are the pipes, 3 is the status, everything else is gone. */
static void
arrange_fds(const struct pipes *p)
{
	int in, out, status;

	/* First away from 0..3, where the application may have left a hole. */
	in = fcntl(p->input[READ_END], F_DUPFD, STATUS_FD + 1);
	out = fcntl(p->said[WRITE_END], F_DUPFD, STATUS_FD + 1);
	status = fcntl(p->status[WRITE_END], F_DUPFD, STATUS_FD + 1);
	if (in < 0 || out < 0 || status < 0 || dup2(in, 0) < 0 ||
	    dup2(out, 1) < 0 || dup2(out, 2) < 0 || dup2(status, STATUS_FD) < 0 ||
	    fcntl(STATUS_FD, F_SETFD, FD_CLOEXEC) != 0 ||
	    close_range(STATUS_FD + 1, ~0U, 0) != 0)
		_exit(SPAWN_NOT_RUN);
}

static __attribute__((noreturn)) void
run_program(const char *path, const char *const argv[])
{
	static const char *const clean[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL=C.UTF-8", NULL };

	close(STATUS_FD);
	execve(path, (char *const *)argv, (char *const *)clean);
	_exit(SPAWN_NOT_RUN);
}

/* The process in between: waits for the program, which nobody else can do, and
 * writes its status. A session of its own: the terminal's keys are not for it. */
static __attribute__((noreturn)) void
stand_between(const struct pipes *p, const char *path, const char *const argv[])
{
	pid_t child;
	int status = 0, answer;

	default_signals();
	arrange_fds(p);
	setsid();
	umask(077);
	if (chdir("/") != 0)
		_exit(SPAWN_NOT_RUN);
	if (geteuid() == 0) {
		become_root();
		leave_cgroup();
	}
	if ((child = fork()) == 0)
		run_program(path, argv);
	if (child < 0)
		_exit(SPAWN_NOT_RUN);
	close(0);
	close(1);
	close(2);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			_exit(SPAWN_NOT_RUN);
	}
	answer = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	file_write_all(STATUS_FD, &answer, sizeof(answer));
	_exit(0);
}

/* ---- in the application ---- */

/* Signals are held back over the fork, so that no handler of the application
 * runs in the child. */
static pid_t
fork_quietly(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return -1;
	pid = fork();
	if (pid != 0)
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Read once; false at the end. */
static bool
take(int fd, struct buf *to, size_t max)
{
	char chunk[512];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0 && to != NULL && to->len < max)
		buf_put(to, chunk, (size_t)n < max - to->len ? (size_t)n :
		    max - to->len);
	explicit_bzero(chunk, sizeof(chunk));
	return n > 0;
}

/*
 * Listen until both pipes are at their end, or only the status one: a daemon
 * that the program left behind may hold the other for ever.
 */
static int
listen_to(const struct pipes *p, struct buf *said, struct buf *status)
{
	struct pollfd fds[2] = {
		{ .fd = p->status[READ_END], .events = POLLIN },
		{ .fd = p->said[READ_END], .events = POLLIN },
	};
	int64_t left, end = now_ms() + LIMIT_MS;
	int n;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		left = fds[0].fd < 0 ? 0 : end - now_ms();
		n = poll(fds, 2, left < 0 ? 0 : (int)left);
		if (n < 0 && errno != EINTR)
			return IAM_ERR_IO;
		if (n < 0)
			continue;
		if (n == 0)
			return fds[0].fd < 0 ? 0 : IAM_ERR_BUSY;
		if (fds[1].revents != 0 && !take(fds[1].fd, said, SAID_MAX))
			fds[1].fd = -1;
		if (fds[0].revents != 0 && !take(fds[0].fd, status, sizeof(int)))
			fds[0].fd = -1;
	}
	return 0;
}

static void
reap(pid_t pid)
{
	/* ECHILD: the application ignores SIGCHLD, or was quicker. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
spawn_run(const char *path, const char *const argv[], const void *input,
    size_t input_len, struct buf *said, int *ret_status)
{
	struct buf status = BUF_INIT;
	struct pipes p;
	pid_t pid;
	int r;

	if ((r = pipes_open(&p, input, input_len)) != 0)
		return r;
	if ((pid = fork_quietly()) < 0) {
		pipes_close(&p);
		return IAM_ERR_IO;
	}
	if (pid == 0)
		stand_between(&p, path, argv);
	close_one(&p.input[READ_END]);
	close_one(&p.said[WRITE_END]);
	close_one(&p.status[WRITE_END]);
	r = listen_to(&p, said, &status);
	/* It holds its end of the status pipe: it is alive, the id is its own. */
	if (r == IAM_ERR_BUSY)
		kill(-pid, SIGKILL);
	reap(pid);
	pipes_close(&p);
	if (r == 0 && (r = status.err) == 0) {
		if (status.len == sizeof(int))
			memcpy(ret_status, status.p, sizeof(int));
		else
			r = IAM_ERR_IO;
	}
	buf_release(&status);
	return r;
}

/* ---- the programs ---- */

static int
run_quietly(const char *path, const char *const argv[])
{
	int r, status;

	if ((r = spawn_run(path, argv, "", 0, NULL, &status)) != 0)
		return r;
	return status == 0 ? 0 : IAM_ERR_IO;
}

int
spawn_publish(void *arg)
{
	const char *const argv[] = { "iamctl", "publish", NULL };

	(void)arg;
	return run_quietly(IAMCTL_PATH, argv);
}

int
spawn_make_home(const char *name, uint32_t home_umask)
{
	char user[IAM_UNIX_NAME_MAX + 1], mask[16];
	const char *const argv[] = { "mkhomedir_helper", user, mask, NULL };

	if (!name_is_unix(name))
		return IAM_ERR_ARG;
	snprintf(user, sizeof(user), "%s", name);
	snprintf(mask, sizeof(mask), "%04o", home_umask & 0777);
	return run_quietly(MKHOMEDIR_PATH, argv);
}

/* "An error occurred (PasswordPolicyViolation) when calling …" */
static void
error_code(const char *said, char *code, size_t size)
{
	const char *open = strstr(said, "error occurred ("), *end;
	size_t len;

	code[0] = '\0';
	if (open == NULL)
		return;
	open += strlen("error occurred (");
	if ((end = strchr(open, ')')) == NULL)
		return;
	len = (size_t)(end - open);
	if (len >= size)
		return;
	memcpy(code, open, len);
	code[len] = '\0';
}

/* "… operation: Password should have …", or "iamctl: …" of an error that is none of
 * AWS's: the rest of that line, printable ASCII. */
static void
error_text(const char *said, char *text, size_t size)
{
	const char *mark = " operation: ", *from = strstr(said, mark);
	size_t i, len;

	text[0] = '\0';
	if (from == NULL && (from = strstr(said, mark = "iamctl: ")) == NULL)
		return;
	from += strlen(mark);
	len = strcspn(from, "\n");
	for (i = 0; i < len; i++)
		if (from[i] < 0x20 || from[i] > 0x7e)
			return;
	if (len < size) {
		memcpy(text, from, len);
		text[len] = '\0';
	}
}

/* One line each, the old one first. */
static int
password_lines(const char *old, const struct secret *password, struct buf *b)
{
	if (memchr(password->p, '\n', password->len) != NULL ||
	    (old != NULL && strchr(old, '\n') != NULL))
		return IAM_ERR_ARG;
	if (old != NULL) {
		buf_puts(b, old);
		buf_putc(b, '\n');
	}
	buf_put(b, password->p, password->len);
	buf_putc(b, '\n');
	return b->err;
}

int
spawn_change_password(const char *user_name, const char *old,
    const struct secret *password, bool *ret_ok, char *code, size_t code_size,
    char *why, size_t why_size)
{
	struct buf said = BUF_INIT, input = BUF_INIT;
	char user[65];
	const char *const argv[] = { "iamctl", "change-password", "--user-name",
		user, old != NULL ? "--old-password-stdin" :
		"--new-password-stdin", old != NULL ? "--new-password-stdin" :
		NULL, NULL };
	int r, status = SPAWN_NOT_RUN;

	*ret_ok = false;
	code[0] = why[0] = '\0';
	if (!name_is_iam(user_name, sizeof(user) - 1))
		return IAM_ERR_ARG;
	snprintf(user, sizeof(user), "%s", user_name);
	if ((r = password_lines(old, password, &input)) == 0)
		r = spawn_run(IAMCTL_PATH, argv, input.p, input.len, &said,
		    &status);
	if (r == 0 && status == SPAWN_NOT_RUN)
		r = IAM_ERR_ABSENT;
	if (r == 0 && status != 0) {
		error_code(buf_cstr(&said), code, code_size);
		error_text(buf_cstr(&said), why, why_size);
	}
	*ret_ok = r == 0 && status == 0;
	buf_release(&said);
	buf_release(&input);
	return r;
}

int
spawn_upgrade_hash(const char *user_name, const struct secret *password)
{
	struct buf input = BUF_INIT;
	char user[65];
	const char *const argv[] = { "iamctl", "upgrade-password-hash",
		"--user-name", user, "--password-stdin", NULL };
	int r, status = SPAWN_NOT_RUN;

	if (!name_is_iam(user_name, sizeof(user) - 1))
		return IAM_ERR_ARG;
	snprintf(user, sizeof(user), "%s", user_name);
	if ((r = password_lines(NULL, password, &input)) == 0)
		r = spawn_run(IAMCTL_PATH, argv, input.p, input.len, NULL, &status);
	buf_release(&input);
	return r == 0 && status != 0 ? IAM_ERR_IO : r;
}

int
spawn_record_drift(void *arg, const char *user_name, const char *serial,
    int32_t drift)
{
	char user[65], device[257], steps[32];
	const char *const argv[] = { "iamctl", "record-mfa-drift", "--user-name",
		user, "--serial-number", device, steps, NULL };

	(void)arg;
	if (!name_is_iam(user_name, sizeof(user) - 1) ||
	    strlen(serial) >= sizeof(device) || strncmp(serial, "arn:", 4) != 0)
		return IAM_ERR_ARG;
	snprintf(user, sizeof(user), "%s", user_name);
	snprintf(device, sizeof(device), "%s", serial);
	snprintf(steps, sizeof(steps), "--drift-steps=%d", (int)drift);
	return run_quietly(IAMCTL_PATH, argv);
}

/* *ret_ok: it has done it; else code is its error's. */
static int
run_saying(const char *const argv[], const void *input, size_t input_len,
    struct buf *said, bool *ret_ok, char *code, size_t code_size)
{
	int r, status = SPAWN_NOT_RUN;

	r = spawn_run(IAMCTL_PATH, argv, input, input_len, said, &status);
	if (r == 0 && (r = said->err) == 0 && status != 0)
		error_code(buf_cstr(said), code, code_size);
	*ret_ok = r == 0 && status == 0;
	return r;
}

int
spawn_begin_enrolment(const char *user_name, bool utf8, struct buf *said,
    bool *ret_ok, char *code, size_t code_size)
{
	char user[65];
	const char *const argv[] = { "iamctl", "begin-mfa-enrolment", "--output",
		"text", "--charset", utf8 ? "UTF-8" : "ASCII", "--user-name", user,
		NULL };

	*ret_ok = false;
	code[0] = '\0';
	if (!name_is_iam(user_name, sizeof(user) - 1))
		return IAM_ERR_ARG;
	snprintf(user, sizeof(user), "%s", user_name);
	return run_saying(argv, "", 0, said, ret_ok, code, code_size);
}

int
spawn_new_codes(const char *user_name, struct buf *said, bool *ret_ok,
    char *code, size_t code_size)
{
	char user[65];
	const char *const argv[] = { "iamctl", "create-recovery-codes", "--output",
		"text", "--user-name", user, NULL };

	*ret_ok = false;
	code[0] = '\0';
	if (!name_is_iam(user_name, sizeof(user) - 1))
		return IAM_ERR_ARG;
	snprintf(user, sizeof(user), "%s", user_name);
	return run_saying(argv, "", 0, said, ret_ok, code, code_size);
}

/* Answers with a line feed in them would be more lines than were asked for. */
static int
enrolment_lines(const char *seed, const struct secret *code1,
    const struct secret *code2, struct buf *b)
{
	if (memchr(code1->p, '\n', code1->len) != NULL ||
	    memchr(code2->p, '\n', code2->len) != NULL)
		return IAM_ERR_ARG;
	buf_printf(b, "%s\n%s\n%s\n", seed, secret_str(code1),
	    secret_str(code2));
	return b->err;
}

int
spawn_complete_enrolment(const char *user_name, const char *seed,
    const struct secret *code1, const struct secret *code2, struct buf *said,
    bool *ret_ok, char *code, size_t code_size)
{
	struct buf input = BUF_INIT;
	char user[65];
	const char *const argv[] = { "iamctl", "complete-mfa-enrolment",
		"--output", "text", "--user-name", user, "--seed-stdin",
		"--authentication-code1-stdin", "--authentication-code2-stdin",
		NULL };
	int r;

	*ret_ok = false;
	code[0] = '\0';
	if (!name_is_iam(user_name, sizeof(user) - 1))
		return IAM_ERR_ARG;
	snprintf(user, sizeof(user), "%s", user_name);
	if ((r = enrolment_lines(seed, code1, code2, &input)) == 0)
		r = run_saying(argv, input.p, input.len, said, ret_ok, code,
		    code_size);
	buf_release(&input);
	return r;
}

/* The first line that is a number and nothing else. */
static bool
number_line(const char *said, unsigned *ret)
{
	const char *line = said, *end;
	unsigned long n;
	char *stop;

	for (; *line != '\0'; line = *end == '\n' ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (*line < '0' || *line > '9')
			continue;
		n = strtoul(line, &stop, 10);
		if (stop == end && n <= INT_MAX) {
			*ret = (unsigned)n;
			return true;
		}
	}
	return false;
}

int
spawn_use_recovery(void *arg, const char *user_name, const struct secret *code,
    bool *ret_ok, unsigned *ret_left)
{
	struct buf said = BUF_INIT, input = BUF_INIT;
	char user[65], error[64] = "";
	const char *const argv[] = { "iamctl", "use-recovery-code", "--output",
		"text", "--user-name", user, "--recovery-code-stdin", NULL };
	int r, status = SPAWN_NOT_RUN;

	(void)arg;
	*ret_ok = false;
	if (!name_is_iam(user_name, sizeof(user) - 1))
		return IAM_ERR_ARG;
	snprintf(user, sizeof(user), "%s", user_name);
	if ((r = password_lines(NULL, code, &input)) == 0)
		r = spawn_run(IAMCTL_PATH, argv, input.p, input.len, &said,
		    &status);
	if (r == 0 && status == 0)
		*ret_ok = number_line(buf_cstr(&said), ret_left);
	else if (r == 0)
		error_code(buf_cstr(&said), error, sizeof(error));
	/* Whatever else it says, the code is not known to be used up. */
	if (r == 0 && !*ret_ok &&
	    strcmp(error, "InvalidAuthenticationCode") != 0)
		r = IAM_ERR_IO;
	buf_release(&said);
	buf_release(&input);
	return r;
}

static enum chk_answer
known_answer(int status)
{
	switch ((enum chk_answer)status) {
	case CHK_ASK_PASSWORD:
	case CHK_ASK_CODE:
	case CHK_ASK_BOTH:
	case CHK_ASK_JOINED:
	case CHK_PERMIT:
	case CHK_WRONG:
	case CHK_DENIED:
	case CHK_UNMANAGED:
	case CHK_REFUSED:
	case CHK_BROKEN:
		return (enum chk_answer)status;
	}
	return CHK_BROKEN;
}

enum chk_answer
spawn_chkauth(const char *mode, const struct chk_request *req)
{
	struct buf b = BUF_INIT;
	char word[16];
	const char *const argv[] = { "iam-chkauth", word, NULL };
	int r, status = CHK_BROKEN;

	snprintf(word, sizeof(word), "%s", mode);
	chk_encode(req, &b);
	if ((r = b.err) == 0)
		r = spawn_run(CHKAUTH_PATH, argv, b.p, b.len, NULL, &status);
	buf_release(&b);
	return r == 0 ? known_answer(status) : CHK_BROKEN;
}
