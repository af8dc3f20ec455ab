/*
 * What the operation table says about itself: help, the manual's sections,
 * completion, skeletons. Everything is appended to *ret.
 */
#ifndef IAM_IAMCTL_HELP_H
#define IAM_IAMCTL_HELP_H

#include <jansson.h>

#include "common/base/base.h"
#include "iamctl/op.h"

void help_overview(struct buf *ret);
void help_operation(const struct op *op, struct buf *ret);
/* mdoc: a section per group, a subsection per operation; goes into iamctl(1). */
void help_manual(struct buf *ret);
/* What may stand in the place of the last of these words, one a line. words ends with NULL. */
void help_complete(char **words, struct buf *ret);
/* An object for --cli-input-json; new, NULL when memory is short. */
json_t *help_skeleton(const struct op *op);

#endif
