#include "common/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "iamctl/input.h"

#define GROUPS_MAX 1024

/* ---- as the caller ---- */

struct identity { /* what to go back to */
	bool changed;
	uid_t uid;
	gid_t gid;
	int group_count;
	gid_t groups[GROUPS_MAX];
};

static gid_t
own_group(const struct caller *who)
{
	const struct passwd *pw = getpwnam(who->session.user);

	/* Every user of ours has a private group of the same id; an adopted
	 * account has the group that it always had. */
	return pw != NULL && pw->pw_uid == who->session.uid ? pw->pw_gid :
	    (gid_t)who->session.uid;
}

/* Only the effective ids: the saved ones are the way back. */
static int
become(const struct caller *who, struct identity *was)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;

	was->changed = false;
	if (who == NULL || !who->user)
		return 0;
	was->uid = geteuid();
	was->gid = getegid();
	was->group_count = getgroups(GROUPS_MAX, was->groups);
	if (was->group_count < 0 || getgrouplist(who->session.user,
	    own_group(who), groups, &n) < 0)
		return IAM_ERR_LIMIT;
	was->changed = true;
	if (setgroups((size_t)n, groups) != 0 || setegid(own_group(who)) != 0 ||
	    seteuid(who->session.uid) != 0)
		return IAM_ERR_IO;
	return 0;
}

static void
come_back(const struct identity *was)
{
	int saved = errno;

	if (!was->changed)
		return;
	/* Going on with half an identity is worse than not going on. */
	if (seteuid(was->uid) != 0 || setegid(was->gid) != 0 ||
	    setgroups((size_t)was->group_count, was->groups) != 0)
		abort();
	errno = saved;
}

static int
open_as(const struct caller *who, const char *path, int flags, int *ret)
{
	struct identity was;
	int r;

	*ret = -1;
	if ((r = become(who, &was)) == 0) {
		*ret = open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);
		if (*ret < 0)
			r = IAM_ERR_IO;
	}
	come_back(&was);
	return r;
}

static int
say_errno(struct iam_why *why, int r)
{
	char text[128];

	iam_why_set(why, 0, 0, "%s", r == IAM_ERR_IO ?
	    strerror_r(errno, text, sizeof(text)) : iam_strerror(r));
	return r;
}

/* ---- files ---- */

static int
read_all(int fd, size_t max, struct buf *ret)
{
	char chunk[16384];
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return IAM_ERR_IO;
		if (n == 0)
			break;
		if (ret->len + (size_t)n > max)
			return IAM_ERR_LIMIT;
		buf_put(ret, chunk, (size_t)n);
	}
	explicit_bzero(chunk, sizeof(chunk));
	return ret->err;
}

int
input_read_file(const struct caller *who, const char *path, size_t max,
    struct buf *ret, struct iam_why *why)
{
	int fd, r;

	if ((r = open_as(who, path, O_RDONLY, &fd)) == 0)
		r = read_all(fd, max, ret);
	if (r == IAM_ERR_LIMIT)
		iam_why_set(why, 0, 0, "larger than %zu bytes", max);
	else if (r != 0)
		(void)say_errno(why, r);
	if (fd >= 0)
		close(fd);
	return r;
}

int
input_make_file(const struct caller *who, const char *path,
    const struct buf *data, struct iam_why *why)
{
	int fd, r;

	r = open_as(who, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, &fd);
	if (r == IAM_ERR_IO && errno == EEXIST) {
		iam_why_set(why, 0, 0, "the file exists and is not replaced; "
		    "name another one or remove it");
		return IAM_ERR_CONFLICT;
	}
	if (r != 0)
		return say_errno(why, r);
	if ((r = file_write_all(fd, data->p, data->len)) == 0 && fsync(fd) != 0)
		r = IAM_ERR_IO;
	if (r != 0)
		(void)say_errno(why, r);
	close(fd);
	if (r != 0)
		input_remove_file(who, path);
	return r;
}

void
input_remove_file(const struct caller *who, const char *path)
{
	struct identity was;

	if (become(who, &was) == 0)
		(void)unlink(path);
	come_back(&was);
}

/* ---- secrets ---- */

int
input_read_line(int fd, struct secret *ret)
{
	char line[INPUT_SECRET_MAX + 1];
	size_t len = 0;
	ssize_t n;
	int r = 0;

	/* Byte by byte: the next line is the next secret's. */
	for (;;) {
		n = read(fd, line + len, 1);
		/* A signal that was caught ends the question, too. */
		if (n < 0)
			r = IAM_ERR_IO;
		else if (n == 0 && len == 0)
			r = IAM_ERR_ABSENT;
		else if (n == 1 && line[len] == '\0')
			r = IAM_ERR_FORMAT;
		if (r != 0 || n == 0 || line[len] == '\n')
			break;
		if (++len == sizeof(line)) {
			r = IAM_ERR_LIMIT;
			break;
		}
	}
	if (r == 0)
		r = secret_set(ret, line, len);
	explicit_bzero(line, sizeof(line));
	return r;
}

static volatile sig_atomic_t caught;

static void
catch(int sig)
{
	caught = sig;
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

/*
 * Until a line can be read, or a signal comes. The signals are blocked everywhere
 * else, so that none falls between the prompt and the wait and is forgotten there.
 */
static int
wait_for_line(int tty, const sigset_t *open)
{
	struct pollfd fd = { .fd = tty, .events = POLLIN };

	return ppoll(&fd, 1, NULL, open) == 1 ? 0 : IAM_ERR_IO;
}

static int
ask_once(int tty, const char *prompt, struct secret *ret)
{
	struct sigaction now = { .sa_handler = catch }, was[IAM_COUNT(signals)];
	struct termios quiet, loud;
	sigset_t closed, open;
	size_t i;
	int r;

	if (tcgetattr(tty, &loud) != 0)
		return IAM_ERR_IO;
	quiet = loud;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	caught = 0;
	sigemptyset(&closed);
	for (i = 0; i < IAM_COUNT(signals); i++)
		sigaddset(&closed, signals[i]);
	sigprocmask(SIG_BLOCK, &closed, &open);
	for (i = 0; i < IAM_COUNT(signals); i++)
		sigaction(signals[i], &now, &was[i]);
	if ((r = tcsetattr(tty, TCSAFLUSH, &quiet)) != 0)
		r = IAM_ERR_IO;
	else if ((r = file_write_all(tty, prompt, strlen(prompt))) == 0 &&
	    (r = wait_for_line(tty, &open)) == 0)
		r = input_read_line(tty, ret);
	(void)tcsetattr(tty, TCSAFLUSH, &loud);
	(void)file_write_all(tty, "\n", 1);
	for (i = 0; i < IAM_COUNT(signals); i++)
		sigaction(signals[i], &was[i], NULL);
	sigprocmask(SIG_SETMASK, &open, NULL);
	if (caught != 0)
		raise(caught);
	return r;
}

/* "NewPassword" -> "New password: " */
static void
label(const char *name, const char *before, char *ret, size_t size)
{
	char kebab[OP_KEBAB_MAX], *p;

	op_kebab(name, kebab);
	for (p = kebab; *p != '\0'; p++)
		if (*p == '-')
			*p = ' ';
	if (before[0] == '\0' && kebab[0] >= 'a' && kebab[0] <= 'z')
		kebab[0] = (char)(kebab[0] - 'a' + 'A');
	snprintf(ret, size, "%s%s: ", before, kebab);
}

int
input_ask(const char *prompt, bool confirm, struct secret *ret,
    struct iam_why *why)
{
	struct secret again = SECRET_INIT;
	char text[OP_KEBAB_MAX + 16];
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC), r;

	if (tty < 0) {
		iam_why_set(why, 0, 0, "there is no terminal to ask on");
		return IAM_ERR_ABSENT;
	}
	label(prompt, "", text, sizeof(text));
	r = ask_once(tty, text, ret);
	if (r == 0 && confirm) {
		label(prompt, "Again the ", text, sizeof(text));
		r = ask_once(tty, text, &again);
		if (r == 0 && (again.len != ret->len ||
		    !secret_equal(again.p, ret->p, ret->len))) {
			iam_why_set(why, 0, 0, "the two answers differ");
			r = IAM_ERR_FORMAT;
		}
	}
	if (r != 0 && (why->text[0] == '\0'))
		iam_why_set(why, 0, 0, "no answer: %s", iam_strerror(r));
	secret_release(&again);
	if (r != 0)
		secret_release(ret);
	close(tty);
	return r;
}
