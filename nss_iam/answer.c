#include "common/base/base.h"
#include "nss_iam/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

bool
nss_id_ok(uint32_t id)
{
	/* Local system accounts end at 999; homed, dynamic users and nobody
	 * are in 60000 to 65535; the last two values mean "none". Sources:
	 * Debian Policy 9.2.2; systemd, UIDS-GIDS. */
	return id >= 1000 && (id < 60000 || id > 65535) && id < UINT32_MAX - 1;
}

bool
nss_user_name_ok(const char *name)
{
	return name_is_unix(name) && !nss_is_root(name);
}

/* Local groups win in nsswitch.conf when asked by name; asked by id, ours would
 * bring its name along (S27). */
bool
nss_group_name_ok(const char *name)
{
	return name_is_unix(name) && !name_is_privileged_group(name);
}

static enum nss_status
with_error(enum nss_status status, int error, int *errnop)
{
	*errnop = error;
	return status;
}

/* Without a snapshot: nobody is ours as long as "iamctl init" has not run, and
 * nothing is certain afterwards. */
static enum nss_status
absent(int saved_errno, int *errnop)
{
	struct stat st;
	bool inert;

	/* Not stat(2): each function more is one to look for at loading. */
	inert = fstatat(AT_FDCWD, IAM_PATH_HOST, &st, 0) != 0 &&
	    (errno == ENOENT || errno == ENOTDIR);
	errno = saved_errno;
	return inert ? NSS_STATUS_NOTFOUND :
	    with_error(NSS_STATUS_UNAVAIL, EIO, errnop);
}

static enum nss_status
io_failure(int error, int *errnop)
{
	if (error == EMFILE || error == ENFILE)
		return with_error(NSS_STATUS_TRYAGAIN, error, errnop);
	/* ERANGE would be taken for a small buffer, ENOENT for "not there". */
	if (error == 0 || error == ERANGE || error == ENOENT)
		error = EIO;
	return with_error(NSS_STATUS_UNAVAIL, error, errnop);
}

enum nss_status
nss_failure(int err, int saved_errno, int *errnop)
{
	int error = errno;

	errno = saved_errno;
	switch ((enum iam_err)err) {
	case IAM_ERR_RANGE:
		return with_error(NSS_STATUS_TRYAGAIN, ERANGE, errnop);
	case IAM_ERR_MEMORY:
		return with_error(NSS_STATUS_TRYAGAIN, ENOMEM, errnop);
	case IAM_ERR_BUSY:
	case IAM_ERR_CONFLICT:
		return with_error(NSS_STATUS_TRYAGAIN, EAGAIN, errnop);
	case IAM_ERR_ABSENT:
		return absent(saved_errno, errnop);
	case IAM_ERR_IO:
		return io_failure(error, errnop);
	case IAM_OK:
	case IAM_ERR_UNSAFE:
	case IAM_ERR_FORMAT:
	case IAM_ERR_VERSION:
	case IAM_ERR_LIMIT:
	case IAM_ERR_ARG:
	case IAM_ERR_CRYPTO:
	case IAM_ERR_BUG:
		break;
	}
	return with_error(NSS_STATUS_UNAVAIL, EIO, errnop);
}
