/* The checks of iamctl doctor: each function adds one line or more to the list. */
#ifndef IAM_IAMCTL_DOCTOR_H
#define IAM_IAMCTL_DOCTOR_H

#include "common/base/base.h"
#include "common/store/store.h"
#include "iamctl/op.h"

enum doctor_status { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED };

struct doctor {
	struct op_call *c;
	json_t *checks;            /* [{Check, Status, Detail, Repair}] */
	struct store_paths paths;
	bool has_group, has_account;
	unsigned failed;
};

/* Add a line; repair "" where there is nothing to do. */
void doctor_say(struct doctor *d, const char *check, enum doctor_status status,
    const char *repair, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The next line of a text into room, cut to its size; false at the end. */
bool doctor_next_line(const char **text, char *ret, size_t size);

/* doctor_system.c, doctor_sshd.c: what belongs to the host and not to us. */
void doctor_pam(struct doctor *d);
void doctor_nss(struct doctor *d);
void doctor_sshd(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_helper(struct doctor *d);

#endif
