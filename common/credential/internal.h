/* For common/credential and its tests. */
#ifndef IAM_CREDENTIAL_INTERNAL_H
#define IAM_CREDENTIAL_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/base.h"

/* Times beyond this (the year 9999) are nobody's clock. */
#define TOTP_NOW_MAX INT64_C(253402300799)

/* libsodium's one-time initialisation: before its first use in every function. */
int credential_init(void);

/*
 * MD5, only to print AWS's Fingerprint of an SSH key; nothing relies on its
 * strength, and no library that is linked anyway has it. Source: RFC 1321.
 */
#define MD5_LEN 16
void md5(const void *data, size_t len, uint8_t ret[MD5_LEN]);

#endif
