/* The SSH certificate authority, for init as well. Conventions as in util.h. */
#ifndef IAM_IAMCTL_TOKEN_H
#define IAM_IAMCTL_TOKEN_H

#include "iamctl/op.h"

/* A certificate to be signed for the call's SSHPublicKey. Borrowed. */
struct token {
	const char *key_id;    /* ARN of a user, or of a session of a role */
	const char *unix_name; /* its only principal */
	const char *session;   /* SSH_CERT_SESSION; NULL: none */
	int64_t life_s, mfa_s; /* mfa_s 0: without MFA */
};
/* Sign it, and put it into out (Credentials) and outfile. */
int token_give(struct op_call *c, const struct token *t);
#define TOKEN_LIFE_MIN_S 900
#define TOKEN_LIFE_MAX_S 43200

#define PARAM_SSH_PUBLIC_KEY \
	{ .name = "SSHPublicKey", .type = OP_STRING, .required = true, .min = 1, \
	    .max = 16384, .help = "The public key to be certified: the line of a .pub" \
	    " file, or file://FILE." }
#define PARAM_CERT_OUTFILE \
	{ .name = "Outfile", .type = OP_OUTFILE, .min = 1, .max = 4095, \
	    .help = "A new file for the certificate: the key's name with -cert.pub" \
	    " makes ssh(1) find it." }

/* Make the key pair in its place and name it in the account's document, which the
 * caller puts. EntityAlreadyExists when both are there. */
int token_ca_make(struct op_call *c, json_t *account);

#endif
