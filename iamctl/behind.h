/* Work that goes on when iamctl has answered. */
#ifndef IAM_IAMCTL_BEHIND_H
#define IAM_IAMCTL_BEHIND_H

#include "common/store/store.h"

/*
 * store_merge in a process of its own, which nobody waits for: it has no terminal, none of
 * our descriptors and no parent but init. Whether it could be started is of no
 * consequence: the next change comes by. s and paths are borrowed.
 */
void behind_merge(const struct store *s, const struct store_paths *paths);

#endif
