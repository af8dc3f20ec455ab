/*
 * What SimulatePrincipalPolicy and SimulateCustomPolicy share: the request
 * side (actions, resources, context entries) and AWS's shape of the answer.
 * Conventions as in util.h.
 */
#ifndef IAM_IAMCTL_SIMULATE_H
#define IAM_IAMCTL_SIMULATE_H

#include "iamctl/policies.h"

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

#endif
