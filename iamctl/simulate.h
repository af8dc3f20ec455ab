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

/* ContextEntries by themselves are checked; so are these: now follows
 * aws:CurrentTime or aws:EpochTime. */
int context_now(struct op_call *c, const struct pol_key *keys, size_t n, int64_t *ret);

/* ---- a principal as a login sees it (subject.c) ---- */

struct subject { /* about 100 KiB: on the heap, zeroed */
	struct op_call *c;
	struct snap *snap;
	struct snap_account account;
	struct snap_principal principal;
	struct authz *authz;
	struct buf keys;  /* of a group's inline policies, end to end */
	char nobody[64];
};
/* The snapshot and the account in it, then a user or a role of it: by the document in
 * the store. */
int subject_open(struct op_call *c, struct subject *s);
int subject_user(struct subject *s, const json_t *user);
/* The policies of a group alone, for a member without tags and other policies. */
int subject_group(struct subject *s, const json_t *group);
/* Nobody in particular: a user of this name without tags and policies. */
int subject_nobody(struct subject *s, const char *arn, const char *name);
void subject_release(struct subject *s);

/* The user, the group or the role whose ARN this is; new. */
int subject_find(struct op_call *c, const char *arn, json_t **ret);
/* The documents of these policies by their SourcePolicyId; new. */
int subject_texts(struct op_call *c, const json_t *entity, json_t **ret);

/* ---- the answer (simulate.c) ---- */

struct simulate_request { /* one question; borrowed */
	const char *action, *resource;
	const struct pol_key *keys;
	size_t key_count;
	int64_t now_s;
};

struct simulation {
	struct op_call *c;
	const char *host_arn; /* the resource of host:* actions when none is given; "" */
	bool boundary, scp;   /* is there one? */
	const char *account;  /* the principal's */
	json_t *texts;        /* SourcePolicyId -> document, as far as they are known */
	struct context *context;
	/* Decide; with why, say why too (*d is unused then). Reports its errors. */
	int (*decide)(void *arg, const struct simulate_request *q,
	    struct pol_decision *d, struct pol_explanation *why);
	void *arg;
};

/* ActionNames on ResourceArns: EvaluationResults in AWS's shape. */
int simulate(struct simulation *s);
/* The row's show. */
void simulate_text(const json_t *in, const json_t *answer, const struct op_face *face,
    struct buf *ret);

/*
 * Requests (simulate_lines.c): a table of requests, one a line, and one line for
 * each in the answer. The format is in iamctl(1). Exit status 1 when a decision
 * is not the one that the table expects.
 */
int simulate_lines(struct simulation *s);

/* The account that owns a resource: the ARN's, else ResourceOwner's; NULL when
 * neither says. ret has 13 bytes. */
const char *simulate_owner(const struct op_call *c, const char *resource, char *ret);

/* "*", or an ARN of six parts and at most 2048 bytes: of anything else no policy
 * could speak. */
bool simulate_is_resource(const char *resource);

/* InvalidInput unless it is the name of one action. */
int simulate_check_action(struct op_call *c, const char *action);
/* "allowed", "explicitDeny", "implicitDeny" */
const char *simulate_decision(enum pol_effect effect);
/*
 * One sentence: what allowed, what denied, or which kind of policy does not
 * allow it. *ret is appended to.
 */
void simulate_sentence(const struct pol_explanation *e, const char *action, struct buf *ret);
/* A member of MatchedStatements. */
json_t *simulate_match(const struct pol_match *m);

#endif
