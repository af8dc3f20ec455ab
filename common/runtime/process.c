#include "common/base/base.h"
#include "common/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_PARENT 4 /* proc(5) counts fields from 1 */
#define STAT_START 22

static bool
number(const char *s, uint64_t *ret)
{
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return false;
	errno = 0;
	*ret = strtoull(s, &end, 10);
	return errno == 0 && (*end == ' ' || *end == '\n' || *end == '\0');
}

int
process_parse(const char *text, struct process *ret)
{
	/* The command's name, in parentheses, may have any character inside. */
	const char *p = strrchr(text, ')');
	uint64_t parent = 0, start = 0;
	unsigned field;

	if (p == NULL)
		return IAM_ERR_FORMAT;
	for (field = 3; field <= STAT_START; field++) {
		if ((p = strchr(p, ' ')) == NULL)
			return IAM_ERR_FORMAT;
		p++;
		if ((field == STAT_PARENT && !number(p, &parent)) ||
		    (field == STAT_START && !number(p, &start)))
			return IAM_ERR_FORMAT;
	}
	if (parent > INT_MAX)
		return IAM_ERR_FORMAT;
	ret->parent = (pid_t)parent;
	ret->start = start;
	return 0;
}

int
process_read(pid_t pid, struct process *ret)
{
	char path[32], text[2048];
	ssize_t len;
	int fd, r = 0;

	if (pid <= 0)
		return IAM_ERR_ARG;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? IAM_ERR_ABSENT : IAM_ERR_IO;
	/* The kernel gives all of it at once. */
	do
		len = read(fd, text, sizeof(text) - 1);
	while (len < 0 && errno == EINTR);
	if (len < 0) /* it ended in between */
		r = errno == ESRCH ? IAM_ERR_ABSENT : IAM_ERR_IO;
	close(fd);
	if (r != 0)
		return r;
	text[len] = '\0';
	ret->pid = pid;
	return process_parse(text, ret);
}
