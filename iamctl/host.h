/*
 * What the operations on the host itself share (ops_host.c, doctor.c,
 * transfer.c).
 */
#ifndef IAM_IAMCTL_HOST_H
#define IAM_IAMCTL_HOST_H

#include "common/store/settings.h"
#include "iamctl/op.h"

int host_run_doctor(struct op_call *c);
int host_run_export(struct op_call *c);
int host_run_import(struct op_call *c);
/* What export wrote (import.c). */
int import_export(struct op_call *c);
/* The password of the user's local account, as her new login profile; the
 * document of the call or this host's shadow(5). The caller puts the user. */
int import_shadow_password(struct op_call *c, json_t *user);

/* host.json, with errors reported. 0 or -1; settings_host_release. */
int host_read(struct op_call *c, struct settings_host *ret);

#endif
