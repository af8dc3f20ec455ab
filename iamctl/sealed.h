/*
 * Secrets in documents: sealed with this host's key, as Base64.
 *
 * 0, or -1 after op_fail. The key is read for each call and wiped.
 */
#ifndef IAM_IAMCTL_SEALED_H
#define IAM_IAMCTL_SEALED_H

#include "common/credential/credential.h"
#include "iamctl/op.h"

/* The key itself, for hashes under it; the caller wipes it. */
int sealed_key_load(struct op_call *c, struct seal_key *ret);

/* context is bound into the seal: another document's secret does not fit there. */
int sealed_set(struct op_call *c, json_t *doc, const char *member,
    const char *context, const struct secret *plain);
int sealed_get(struct op_call *c, const json_t *doc, const char *member,
    const char *context, struct secret *ret);

#endif
