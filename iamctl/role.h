/* What others ask of roles (ops_role.c). Conventions as in util.h. */
#ifndef IAM_IAMCTL_ROLE_H
#define IAM_IAMCTL_ROLE_H

#include "iamctl/op.h"

/* A trust policy before it is saved: MalformedPolicyDocument, also when it names a
 * user or role of the account that is not there; LimitExceeded. */
int role_check_trust(struct op_call *c, const char *account,
    const char *role_name, const char *text);

/* All trust policies name the user or role with this ARN by another one from now on: its new
 * ARN, or the unique id of who is deleted, whom nobody can be any more. */
int role_principal_becomes(struct op_call *c, const char *arn, const char *to);

#endif
