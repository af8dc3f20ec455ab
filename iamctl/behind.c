#include "common/base/base.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iamctl/behind.h"

/* A pipe that stayed open would keep its reader waiting for us. */
static void
leave_descriptors(void)
{
	int fd, i;

	(void)close_range(0, ~0U, 0);
	fd = open("/dev/null", O_RDWR);
	for (i = fd + 1; fd == 0 && i < 3; i++)
		(void)dup(fd);
}

static void
leave_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
}

/* The database's descriptors are closed behind SQLite's back: its locks are our
 * parent's and stay. */
static void
merge_apart(const struct store *s, const struct store_paths *paths)
{
	if (setsid() < 0 || fork() != 0)
		_exit(0);
	if (chdir("/") != 0)
		_exit(1);
	leave_descriptors();
	leave_signals();
	_exit(store_merge(s, paths) == 0 ? 0 : 1);
}

void
behind_merge(const struct store *s, const struct store_paths *paths)
{
	pid_t pid;

	if ((pid = fork()) == 0)
		merge_apart(s, paths);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}
