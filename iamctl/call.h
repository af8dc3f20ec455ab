/*
 * Running one row of the operation table: caller, transaction, parameters,
 * authorization, handler, commit, snapshots, audit event. Every way to an
 * operation goes through call_run.
 */
#ifndef IAM_IAMCTL_CALL_H
#define IAM_IAMCTL_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/base.h"
#include "iamctl/caller.h"
#include "iamctl/op.h"

struct call_reply { /* zeroed by the caller; call_reply_release */
	int status;       /* exit status */
	bool changed;     /* a change was committed, whatever came after */
	json_t *out;      /* NULL after an error */
	json_t *warnings; /* array of strings */
	struct buf lines, picture;
	char message[1600]; /* what went wrong; "" */
};

/*
 * Run op with in (borrowed; its types are right, the rest is checked here). utf8: the terminal takes
 * it. SIGINT, SIGTERM and SIGHUP end the process before the commit, which rolls
 * back, and wait from the commit to the event.
 */
void call_run(const struct op *op, json_t *in, const struct caller *who,
    bool utf8, struct call_reply *reply);
void call_reply_release(struct call_reply *reply);

/* Where this host has its files; the group is looked up. IAM_ERR_ABSENT: no group iam-auth. */
int call_paths(struct store_paths *ret, struct iam_why *why);

/* Check c->in against the row: required, lengths, patterns, choices; then put
 * the defaults in. 0, or -1 after op_fail with AWS's words (params.c). */
int call_check_params(struct op_call *c);
/* May this be an account's alias? */
bool call_is_alias(const char *s);

/*
 * Write the audit event of a call: request is what came in, without defaults
 * (event.c). 0 or an iam_err.
 */
int call_event(const struct op_call *c, const struct caller *who,
    const json_t *request, const char *region, const char *hostname,
    gid_t auth_gid);
/* Members of v in the shape that CloudTrail has them, without what must not be
 * in an event; new, NULL when memory is short. For the event and its tests. */
json_t *call_event_request(const struct op *op, const json_t *in);
json_t *call_event_response(const struct op_call *c);

#endif
