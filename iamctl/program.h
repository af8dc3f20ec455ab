/*
 * Other programs, run by iamctl: sshd and ssh-keygen. Absolute paths, an empty
 * environment, no shell (S34).
 */
#ifndef IAM_IAMCTL_PROGRAM_H
#define IAM_IAMCTL_PROGRAM_H

#include "common/base/base.h"

#define PROGRAM_SAID_MAX ((size_t)1 << 20)

/*
 * Run it and wait. What it says (standard output and error) is appended to *said, as
 * far as PROGRAM_SAID_MAX. *ret_status is as waitpid(2) has it. IAM_ERR_IO with errno: it
 * could not be run.
 */
int program_run(const char *path, const char *const argv[], struct buf *said,
    int *ret_status);

#endif
