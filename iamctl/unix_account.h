/*
 * The Unix account that users and roles have: parameters of their rows, and the
 * members of their documents.
 */
#ifndef IAM_IAMCTL_UNIX_ACCOUNT_H
#define IAM_IAMCTL_UNIX_ACCOUNT_H

#include "iamctl/util.h"

#define PARAM_UNIX_NAME(text) \
	{ .name = "UnixName", .type = OP_STRING, .min = 1, .max = 32, \
	    .pattern = OP_UNIX_NAME, .help = (text) }
#define PARAM_UID \
	{ .name = "Uid", .type = OP_INT, .min = 1, .max = 4294967293, \
	    .help = "The user id, within the account's range and never used before;" \
	    " by default the next one. (Extension.)" }
#define PARAM_HOME(text) \
	{ .name = "Home", .type = OP_STRING, .min = 1, .max = 255, \
	    .pattern = OP_UNIX_PATH, .help = (text) }
#define PARAM_SHELL(text) \
	{ .name = "Shell", .type = OP_STRING, .min = 1, .max = 255, \
	    .pattern = OP_UNIX_PATH, .help = (text) }
#define PARAM_GECOS(text) \
	{ .name = "Gecos", .type = OP_STRING, .max = 255, .help = (text) }
#define PARAM_SUBORDINATE_IDS(text) \
	{ .name = "SubordinateIds", .type = OP_BOOL, .help = (text) }
#define PARAM_ENABLED(text) \
	{ .name = "Enabled", .type = OP_BOOL, .help = (text) }

/* The members of a new document from UnixName, Uid, Home, Shell, Gecos,
 * SubordinateIds and Enabled of the call. */
int account_create(struct op_call *c, json_t *doc);
/* The same of one that is there: what the call has. InvalidInput for an adopted
 * account. */
int account_update(struct op_call *c, json_t *doc);

#endif
