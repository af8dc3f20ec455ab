/*
 * The one vocabulary of errors.
 *
 * Functions that can fail return int: 0, or one of these negative codes. A
 * "no" (no such user, wrong code, deny) is an answer, not an error, and comes
 * back through a ret_ parameter. Translation to PAM_* and NSS_STATUS_* happens
 * once per module; whatever is not understood there fails closed.
 */
#ifndef IAM_BASE_ERR_H
#define IAM_BASE_ERR_H

enum iam_err {
	IAM_OK = 0,
	IAM_ERR_MEMORY = -1,   /* out of memory */
	IAM_ERR_IO = -2,       /* a system call failed; errno says how */
	IAM_ERR_ABSENT = -3,   /* the file that is needed is not there */
	IAM_ERR_UNSAFE = -4,   /* wrong owner, mode or type: not to be trusted */
	IAM_ERR_FORMAT = -5,   /* damaged, or not in the format that is demanded */
	IAM_ERR_VERSION = -6,  /* a format version that this program does not know */
	IAM_ERR_LIMIT = -7,    /* a stated limit on size, depth or count */
	IAM_ERR_RANGE = -8,    /* the caller's buffer is too small */
	IAM_ERR_ARG = -9,      /* an argument outside the contract */
	IAM_ERR_CRYPTO = -10,  /* a cryptographic library refused, or a seal is broken */
	IAM_ERR_BUSY = -11,    /* a lock could not be had in time */
	IAM_ERR_CONFLICT = -12,/* somebody else changed it first */
	IAM_ERR_BUG = -13,     /* cannot happen */
};

/* A constant English phrase for a code, never NULL. Thread-safe, fork-safe. */
const char *iam_strerror(int err);

/*
 * Where and why a text was refused. The caller's; may be NULL wherever a
 * function takes one. line and col count from 1, col in bytes; both are 0
 * when the mistake has no place.
 */
struct iam_why {
	unsigned line, col;
	char text[240];
};

/* Fill *why (may be NULL) as printf does; truncates. line and col may be 0. */
void iam_why_set(struct iam_why *why, unsigned line, unsigned col,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
