/*
 * What comes in from outside: files that the caller names, secrets, and the
 * file that an operation leaves.
 *
 * iamctl is root, its caller need not be: files are opened with the caller's
 * own user and groups, so that nobody reads or writes through iamctl what she
 * could not herself. Secrets come from one line of stdin or from the terminal
 * without echo, and are wiped.
 */
#ifndef IAM_IAMCTL_INPUT_H
#define IAM_IAMCTL_INPUT_H

#include "common/base/base.h"
#include "iamctl/caller.h"

#define INPUT_SECRET_MAX 1023 /* bytes of a line */

/* Append the file's bytes; at most max. who may be NULL: as this process. */
int input_read_file(const struct caller *who, const char *path, size_t max,
    struct buf *ret, struct iam_why *why);

/* Make a new file, 0600, of the caller, with these bytes, fsync included. A file
 * that is there already is never replaced: IAM_ERR_CONFLICT. */
int input_make_file(const struct caller *who, const char *path,
    const struct buf *data, struct iam_why *why);
/* Take back what input_make_file made. */
void input_remove_file(const struct caller *who, const char *path);

/* One line of fd, without its line feed. IAM_ERR_ABSENT: nothing there;
 * IAM_ERR_LIMIT: too long; IAM_ERR_FORMAT: a NUL byte. Reads no byte beyond the line. */
int input_read_line(int fd, struct secret *ret);

/* Ask on the terminal without echo, again with confirm; signals put the echo back. */
int input_ask(const char *prompt, bool confirm, struct secret *ret,
    struct iam_why *why);

#endif
