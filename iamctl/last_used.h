/* When credentials were used last at this host, out of the record of its logins. */
#ifndef IAMCTL_LAST_USED_H
#define IAMCTL_LAST_USED_H

#include "common/runtime/lastlogin.h"
#include "iamctl/op.h"

/* What the host knows of a user or a role; zeros where it knows nothing. The record decides
 * nothing, so what cannot be read of it is not known. */
void last_used_read(const json_t *user, struct lastlogin *ret);

/*
 * Add to an answer: PasswordLastUsed, as AWS's User has it; and to that of a key LastUsed:
 * LastUsedDate, ServiceName, SourceIPAddress. What is not known is left out.
 * 0, or the call's error is set.
 */
int last_used_password(struct op_call *c, const struct lastlogin *l,
    json_t *shape);
/* RoleLastUsed, as AWS's Role has it: LastUsedDate and Region; empty when it never was. */
int last_used_role(struct op_call *c, const struct lastlogin *l, json_t *shape);
int last_used_key(struct op_call *c, const struct lastlogin *l,
    json_t *shape);

#endif
