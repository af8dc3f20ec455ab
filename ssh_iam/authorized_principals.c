/*
 * iam-authorized-principals USER SERIAL: sshd's AuthorizedPrincipalsCommand.
 *
 * Prints the name that a certificate must have for letting the IAM user in: her own.
 * Nobody else gets in by a certificate of the account's authority: not root (S27), not
 * a local account; and nobody by one that was revoked, since the account phase is not
 * told about a certificate that was the only proof. Needs no privilege, reads the public
 * snapshot and the list of revoked certificates, no environment, has no side effects.
 */
#include "common/base/base.h"
#include "common/snapshot/accounts.h"

#include <string.h>
#include <unistd.h>

#define LIST_MAX ((size_t)1 << 20)

static int
is_revoked(const char *serial, bool *ret)
{
	struct buf text = BUF_INIT;
	size_t len = strlen(serial);
	const char *p;
	int r;

	r = file_read(IAM_PATH_SSH_REVOKED, FILE_ROOT_ONLY, LIST_MAX, &text);
	*ret = r != 0;
	for (p = buf_cstr(&text); r == 0 && *p != '\0'; p += strcspn(p, "\n"), p += *p != '\0')
		if (strncmp(p, serial, len) == 0 && (p[len] == '\n' || p[len] == '\0'))
			*ret = true;
	buf_release(&text);
	return r;
}

static int
print_principal(const char *user, const char *serial)
{
	struct snap *s = NULL;
	struct snap_user u;
	bool found, revoked;
	int r;

	if ((r = snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &s)) != 0)
		return r == IAM_ERR_ABSENT ? 0 : r;
	r = snap_user_by_name(s, user, &found, &u);
	if (r == 0 && found && (r = is_revoked(serial, &revoked)) == 0 && !revoked &&
	    (r = file_write_all(STDOUT_FILENO, u.name, strlen(u.name))) == 0)
		r = file_write_all(STDOUT_FILENO, "\n", 1);
	snap_close(s);
	return r;
}

int
main(int argc, char **argv)
{
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: iam-authorized-principals USER SERIAL\n");
		return 2;
	}
	if (!name_is_unix(argv[1]) || strcmp(argv[1], "root") == 0)
		return 0;
	if ((r = print_principal(argv[1], argv[2])) != 0) {
		fprintf(stderr, "iam-authorized-principals: %s\n", iam_strerror(r));
		return 1;
	}
	return 0;
}
