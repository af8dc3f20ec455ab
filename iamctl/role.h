/* What others ask of roles (ops_role.c). Conventions as in util.h. */
#ifndef IAM_IAMCTL_ROLE_H
#define IAM_IAMCTL_ROLE_H

#include "iamctl/op.h"

/* A trust policy before it is saved: MalformedPolicyDocument, also when it names a
 * user or role of the account that is not there; LimitExceeded. */
int role_check_trust(struct op_call *c, const char *account,
    const char *role_name, const char *text);

#endif
