/*
 * iam-authorized-keys USER: sshd's AuthorizedKeysCommand.
 *
 * Prints the authorized_keys lines of an IAM user's active keys. Needs no
 * privilege, reads the public snapshot and nothing else, no environment. A user
 * who is not known or has no key gets no line, and so does everyone as long as
 * there is no snapshot; a snapshot that cannot be believed is a failure, which
 * sshd takes for "no key" and logs. Never serves root (S27).
 */
#include "common/base/base.h"
#include "common/snapshot/accounts.h"

#include <string.h>
#include <unistd.h>

static int
print_keys(const char *user)
{
	struct snap *s = NULL;
	const char *text;
	bool found;
	size_t len;
	int r;

	r = snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &s);
	if (r == IAM_ERR_ABSENT)
		return 0;
	if (r == 0)
		r = snap_ssh_keys(s, user, &found, &text, &len);
	if (r == 0 && found)
		r = file_write_all(STDOUT_FILENO, text, len);
	snap_close(s);
	return r;
}

int
main(int argc, char **argv)
{
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: iam-authorized-keys USER\n");
		return 2;
	}
	if (!name_is_unix(argv[1]) || strcmp(argv[1], "root") == 0)
		return 0;
	if ((r = print_keys(argv[1])) != 0) {
		fprintf(stderr, "iam-authorized-keys: %s: %s\n",
		    IAM_PATH_PUBLIC, iam_strerror(r));
		return 1;
	}
	return 0;
}
