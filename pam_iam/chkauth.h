/*
 * Between the module in a process that is not root (a screen locker) and the
 * helper iam-chkauth.
 *
 * The mode is the only argument: "ask" (which questions?), "auth" (are the
 * answers right, and do the policies let them in?), "account" (do the policies
 * let them in?). The request comes on standard input, all of it at once, at
 * most CHK_REQUEST_MAX bytes: six strings as buf_str writes them: user,
 * service, tty, rhost, password, code. The answer is the exit status and nothing else
 * (S32). Every other status means CHK_BROKEN.
 *
 * About whom: the caller, by the real user id; members of the group that
 * iam.json names (helper.group) about every IAM user. What they say of the remote
 * host is believed as far as a login daemon's word is, that of others is not.
 */
#ifndef IAM_PAM_CHKAUTH_H
#define IAM_PAM_CHKAUTH_H

#include "common/base/base.h"

#define CHK_REQUEST_MAX 2048
#define CHK_TEXT_MAX 255  /* user, service, tty, rhost */

enum chk_answer {
	CHK_ASK_PASSWORD = 65,
	CHK_ASK_CODE = 66,
	CHK_ASK_BOTH = 67,
	CHK_ASK_JOINED = 72,/* both in one answer, the password's */
	CHK_PERMIT = 85,
	CHK_WRONG = 90,     /* the answers, or an attempt too many */
	CHK_DENIED = 102,   /* by the policies */
	CHK_UNMANAGED = 105,/* the caller, whom IAM does not govern */
	CHK_REFUSED = 112,  /* somebody else's name */
	CHK_BROKEN = 119,   /* cannot be decided: deny */
};

struct chk_request {
	const char *user, *service, *tty, *rhost, *password, *code; /* never NULL */
};

void chk_encode(const struct chk_request *req, struct buf *b);
/* Strings are borrowed from data. IAM_ERR_FORMAT, IAM_ERR_LIMIT. */
int chk_decode(const void *data, size_t len, struct chk_request *ret);

#endif
