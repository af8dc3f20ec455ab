#include "common/base/base.h"
#include "iamctl/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static int
start(const char *path, const char *const argv[], int out, pid_t *ret_pid)
{
	char *const envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	r = posix_spawn(ret_pid, path, &actions, NULL,
	    (char *const *)(uintptr_t)argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static void
read_all(int fd, struct buf *said)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && said->len < PROGRAM_SAID_MAX)
			buf_put(said, chunk, (size_t)n);
}

int
program_run(const char *path, const char *const argv[], struct buf *said,
    int *ret_status)
{
	int fds[2], r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return IAM_ERR_IO;
	r = start(path, argv, fds[1], &pid);
	close(fds[1]);
	if (r == 0)
		read_all(fds[0], said);
	close(fds[0]);
	if (r != 0) {
		errno = r;
		return IAM_ERR_IO;
	}
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return IAM_ERR_IO;
	return 0;
}
