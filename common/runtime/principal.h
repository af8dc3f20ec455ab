/* A principal's file while it is locked; for common/runtime alone. */
#ifndef IAM_RUNTIME_PRINCIPAL_H
#define IAM_RUNTIME_PRINCIPAL_H

#include "common/runtime/internal.h"

struct principal_file {
	int fd;
	uint32_t uid;
	int newest; /* the copy that state was read from; -1: write both */
	struct principal state;
};

/* Open (made when missing and the caller is root), lock, read. On success
 * *ret is to be given to principal_unlock. */
int principal_lock(const struct runtime *rt, uint32_t uid,
    struct principal_file *ret);
/* Write state over the older copy. Until this has returned 0, nothing of it holds. */
int principal_store(struct principal_file *f);
void principal_unlock(struct principal_file *f);

#endif
