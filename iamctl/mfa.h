/* What the operations on MFA devices, recovery codes and enrolment share. */
#ifndef IAM_IAMCTL_MFA_H
#define IAM_IAMCTL_MFA_H

#include "common/credential/credential.h"
#include "iamctl/util.h"

/* How far a device's clock may be off when it is enabled: ten minutes. */
#define MFA_ENABLE_SEARCH_STEPS 20

/* The line under which an authenticator app files it: NAME@ALIAS or NAME@ACCOUNT. */
int mfa_label(struct op_call *c, const char *name, char *ret, size_t size);
/* Into the document's SealedSeed; its SerialNumber is there already. */
int mfa_seal_seed(struct op_call *c, json_t *device, const struct secret *seed);
/* How many devices are enabled for a user. */
int mfa_count_devices(struct op_call *c, const json_t *user, uint64_t *ret);

/*
 * Ten new recovery codes in place of all that the user document has; *ret is
 * the list of them, new: it is shown once and kept nowhere. The caller puts the
 * document.
 */
int recovery_make(struct op_call *c, json_t *user, json_t **ret);

#endif
