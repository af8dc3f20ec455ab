/*
 * What other programs keep about a person's password and second factor, read
 * strictly: shadow(5), google-authenticator's file, pam_oath's users file.
 *
 * Pure parsers of text that somebody else wrote: no I/O, no global state. Texts
 * are NUL-terminated and borrowed. IAM_ERR_FORMAT with why for what cannot be used.
 */
#ifndef IAM_IAMCTL_FOREIGN_H
#define IAM_IAMCTL_FOREIGN_H

#include "common/credential/credential.h"

struct foreign_password {
	char hash[PASSWORD_HASH_MAX]; /* one that crypt(5) knows; to be wiped */
	int64_t changed_s;            /* 0: not known */
	bool must_change;             /* the last change is day 0 */
};

/*
 * The entry of a name in a shadow(5) text. IAM_ERR_ABSENT: there is none.
 * Locked entries, empty passwords and "*" are no password: IAM_ERR_FORMAT.
 */
int foreign_shadow(const char *text, const char *name,
    struct foreign_password *ret, struct iam_why *why);

struct foreign_device {
	struct secret seed;        /* owned: secret_release; SECRET_INIT before */
	struct totp_params params; /* SHA-1, no drift */
	unsigned scratch_codes;    /* of google-authenticator: not taken over */
	char user[IAM_UNIX_NAME_MAX + 1]; /* of pam_oath: whose */
};

/* A file ~/.google_authenticator (libpam-google-authenticator, FILEFORMAT). */
int foreign_google(const char *text, struct foreign_device *ret,
    struct iam_why *why);
/*
 * One line of pam_oath's users file (usersfile of liboath), without its line feed.
 * *ret_device stays false for a comment or an empty line. Counter-based tokens
 * and those with a PIN are refused.
 */
int foreign_oath_line(const char *line, bool *ret_device,
    struct foreign_device *ret, struct iam_why *why);

#endif
