/*
 * Who calls, and may she?
 *
 * iamctl runs as root. The caller is the IAM user of the login session found
 * among the ancestors of this process, who is then authorized by her own
 * policies as the private snapshot has them. Without such a session it is the IAM
 * user of the login, as the kernel knows it, and nothing is known of how she
 * authenticated; else it is the account's root. Nothing of it comes from the
 * environment. Rules kept here:
 *
 *   - a session whose user the snapshot does not have is nobody's, not root's
 *   - a role acts in a session that AssumeRole has opened, and until that ends
 *   - whatever fails on the way is a denial
 *   - files that an IAM user names are opened as that user (input.h)
 */
#ifndef IAM_IAMCTL_CALLER_H
#define IAM_IAMCTL_CALLER_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/base/base.h"
#include "common/runtime/runtime.h"
#include "iamctl/op.h"

/* Zeroed for root. */
struct caller {
	bool user;                       /* an IAM user, or a session of a role; else root */
	struct runtime_evidence session; /* of an IAM user or a role */
	struct buf extra;                /* runtime_extra_get of it; caller_release */
};

/*
 * Find the session. An error means that it cannot be told who calls: then
 * nobody may go on but for operations that need no account (init, doctor).
 */
int caller_find(const char *run_dir, gid_t auth_gid, struct caller *ret,
    struct iam_why *why);
void caller_release(struct caller *c);

/* The IAM user whose login this process descends from, if any: *ret is written when
 * there is one. caller_login.c; for caller_find. */
int caller_from_login(struct caller *ret);
/* A session was found, of the process session_pid. Where another governed user acts
 * below it (her own session has ended, and her process was adopted by this one's), *ret
 * becomes that user without a session. caller_login.c; for caller_find. */
int caller_within(pid_t session_pid, struct caller *ret);

/* {Arn, UserId, Account, UserName?}, and of a session of a role {RoleName, RoleId,
 * RoleArn} in place of UserName: *ret is new. c->account_id may be NULL for root.
 * 0, or -1 after op_fail. */
int caller_identity(struct op_call *c, const struct caller *who, json_t **ret);

/* Can everything that a decision about this IAM user needs be read from the
 * snapshot? False: damage; who is not in it is not there. */
bool caller_readable(const struct caller *who);

/* By temporary credentials: a certificate, a role; or has this process left its login
 * session, so that nobody knows? */
bool caller_is_temporary(const struct caller *who);

/*
 * May the caller run c->op with c->in? Root may. 0, or -1 after
 * op_fail(AccessDenied) in AWS's words.
 */
int caller_authorize(struct op_call *c, const struct caller *who);

/*
 * The resource of a call from its row's template. Names and ARNs are replaced by
 * those of the documents that they find, so that another case of the same
 * name does not slip past a policy. ret is the caller's (buf_release).
 */
int caller_resource(struct op_call *c, struct buf *ret);

#endif
