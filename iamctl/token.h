/* The SSH certificate authority, for init as well. Conventions as in util.h. */
#ifndef IAM_IAMCTL_TOKEN_H
#define IAM_IAMCTL_TOKEN_H

#include "iamctl/op.h"

/* Make the key pair in its place and name it in the account's document, which the
 * caller puts. EntityAlreadyExists when both are there. */
int token_ca_make(struct op_call *c, json_t *account);

#endif
