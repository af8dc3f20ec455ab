/*
 * What SimulatePrincipalPolicy, SimulateCustomPolicy and ShowAccess share: the
 * request side (context entries, given policies), the principal as logins see
 * it, and AWS's shape of the answer. Conventions as in util.h.
 */
#ifndef IAM_IAMCTL_SIMULATE_H
#define IAM_IAMCTL_SIMULATE_H

#include "common/authz/authz.h"
#include "common/snapshot/principal.h"
#include "iamctl/policies.h"

/* ---- the request (simulate_input.c) ---- */

#define CONTEXT_ENTRIES_MAX 100

/* The context entries of a call as condition keys. */
struct context {
	struct pol_key keys[CONTEXT_ENTRIES_MAX];
	struct pol_value *values[CONTEXT_ENTRIES_MAX]; /* owned; strings borrowed from the call */
	size_t count;
	int64_t now_s; /* aws:CurrentTime when given, else the call's */
};
/* The struct is zeroed by the caller; context_release even after an error. */
int context_read(struct op_call *c, struct context *x);
void context_release(struct context *x);

#define INPUT_POLICIES_MAX 32

/* Policies out of a call, compiled. Zeroed by the caller; input_release even
 * after an error. */
struct input_policies {
	struct buf compiled[INPUT_POLICIES_MAX];
	struct pol_source sources[INPUT_POLICIES_MAX];
	char names[INPUT_POLICIES_MAX][64];
	size_t n;
};
/* One more, called "WHAT.N" as AWS does; InvalidInput when it is malformed. */
int input_add(struct op_call *c, struct input_policies *in, const char *what,
    const char *text, enum pol_kind kind);
/* All of a list parameter. */
int input_read(struct op_call *c, struct input_policies *in, const char *param,
    enum pol_kind kind);
void input_release(struct input_policies *in);

/* ---- a principal as a login sees it (subject.c) ---- */

struct subject { /* about 100 KiB: on the heap, zeroed */
	struct op_call *c;
	struct snap *snap;
	struct snap_account account;
	struct snap_principal principal;
	struct authz *authz;
};
/* The snapshot and the account in it, then a user of it: by her document in the store. */
int subject_open(struct op_call *c, struct subject *s);
int subject_user(struct subject *s, const json_t *user);
/* Nobody in particular: a user of this name without tags and policies. */
int subject_nobody(struct subject *s, const char *arn, const char *name);
void subject_release(struct subject *s);

/* The user whose ARN this is; new. */
int subject_find(struct op_call *c, const char *arn, json_t **ret);

/* ---- the answer (simulate.c) ---- */

/* Decides one action on one resource and says why; reports its errors. */
typedef int simulate_one(void *arg, const char *action, const char *resource,
    struct pol_explanation *ret);

/*
 * Every action on every resource. host_arn (may be "") is the resource of
 * host:* actions when none is given; "*" for the others, as in AWS. boundary:
 * is there one?
 */
int simulate(struct op_call *c, const char *host_arn, bool boundary,
    simulate_one *one, void *arg);

/* InvalidInput unless it is the name of one action. */
int simulate_check_action(struct op_call *c, const char *action);
/* "allowed", "explicitDeny", "implicitDeny" */
const char *simulate_decision(enum pol_effect effect);
/*
 * One sentence: what allowed, what denied, or which kind of policy does not
 * allow it. *ret is appended to.
 */
void simulate_sentence(const struct pol_decision *d, struct buf *ret);
/* A member of MatchedStatements. */
json_t *simulate_match(const struct pol_match *m);

#endif
