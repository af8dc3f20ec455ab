/*
 * The policy language: parse, validate, compile, evaluate, explain.
 *
 * A JSON document is parsed and validated once, when it is saved, and compiled
 * into bytes that the data plane evaluates where they lie: no parsing, no
 * allocation, no I/O, no clock, no globals. Source of the rules: the IAM User
 * Guide (policy grammar, evaluation logic, condition operators), and
 * iam-policy(5) where implementations differ. Thread-safe, fork-safe.
 *
 * Parts with jansson (not linked into modules): parse*.c, validate*.c,
 * compile*.c, locate.c. Parts without: all others.
 */
#ifndef IAM_POLICY_POLICY_H
#define IAM_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/base.h"

/* ---- documents (jansson) ---- */

enum pol_kind { POL_IDENTITY = 1, POL_RESOURCE = 2, POL_TRUST = 3, POL_SCP = 4,
	POL_SESSION = 5, POL_BOUNDARY = 6 };

enum pol_severity { POL_ERROR = 1, POL_SECURITY_WARNING, POL_WARNING, POL_SUGGESTION };

struct pol_finding {
	enum pol_severity severity;
	const char *code;      /* ValidatePolicy's issueCode, constant */
	unsigned line, col;    /* from 1; col in characters */
	char *path;            /* "Statement[0].Condition.StringEquals"; owned by the list */
	char *text;            /* what is wrong and what to do; owned by the list */
};

struct pol_findings {
	struct pol_finding *v;
	size_t n;
	bool truncated; /* more than 100 */
};
void pol_findings_release(struct pol_findings *f);

#define POL_MAX_MANAGED 6144  /* characters, white space not counted */

struct pol_limits {
	size_t max_chars; /* white space not counted; 0: the kind's default */
	/* A condition value that cannot be read as its operator's type is an error.
	 * Set, it is a warning, and such values match nothing, in the document as in
	 * the request. For documents of others in corpora, never for what is saved. */
	bool keep_malformed;
	/* Does the host know this time zone? An unknown one is a warning: its windows
	 * allow nothing and deny always. NULL: not asked. */
	bool (*zone_known)(const char *name);
};

/*
 * Check and compile. On success *ret has the compiled form appended (8-byte
 * aligned relative to its start) and findings may hold warnings. A document
 * with any POL_ERROR is not compiled: IAM_ERR_FORMAT (or IAM_ERR_LIMIT for
 * its size), with the findings saying where and why; *ret is untouched.
 * findings may be NULL. json need not be NUL-terminated.
 */
int pol_compile(const char *json, size_t len, enum pol_kind kind,
    const struct pol_limits *limits, struct pol_findings *findings,
    struct buf *ret);

/* Only the findings: ValidatePolicy. 0 also when there are errors in it. */
int pol_validate(const char *json, size_t len, enum pol_kind kind,
    const struct pol_limits *limits, struct pol_findings *findings);

/* Where a statement stands in a document that pol_compile accepted: from its
 * brace to behind its last. Lines and columns from 1; columns are characters. */
struct pol_span {
	unsigned line, col, end_line, end_col;
};
bool pol_statement_span(const char *json, size_t len, unsigned statement,
    struct pol_span *ret);

/* ---- compiled policies ---- */

struct pol_doc { /* borrowed view of compiled bytes; trivially copyable */
	const uint8_t *p;
	size_t len;
};

/* Check all bounds of compiled bytes once (S41: hostile bytes are refused,
 * never crash, never allow). p must be 8-byte aligned. IAM_ERR_FORMAT, _VERSION. */
int pol_open(const void *p, size_t len, struct pol_doc *ret);

/* ---- requests ---- */

struct pol_value {
	const char *p; /* UTF-8, need not be NUL-terminated */
	size_t len;
};

struct pol_key { /* one condition key of the request */
	const char *name; /* "aws:PrincipalTag/team"; compared without regard to ASCII case */
	const struct pol_value *values;
	size_t n;
	bool multivalued;
};

/* Wall clock at t in a zone: zone NULL is the host's. 0 or an iam_err; an
 * error makes the window never match for Allow and always for Deny. */
struct tz_local;
typedef int pol_local_time(void *arg, const char *zone, int64_t t,
    struct tz_local *ret);

struct pol_request {
	const char *principal;        /* ARN: user, assumed-role session, federated user, root */
	const char *principal_account;/* NULL: from the ARN */
	const char *action;           /* "host:Login"; more than 256 bytes are IAM_ERR_ARG */
	const char *resource;         /* ARN, or "*" */
	const char *resource_account; /* NULL: from the ARN, else the principal's */
	const struct pol_key *keys;
	size_t key_count;
	pol_local_time *local_time;   /* NULL: windows use UTC only; a named zone is an error */
	void *local_time_arg;
};

/* A policy in its place. name is what explanations and MatchedStatements call
 * it (SourcePolicyId); type as AWS: "IAM Policy", "Permissions Boundary", … */
struct pol_source {
	struct pol_doc doc;
	const char *name;
};

struct pol_list {
	const struct pol_source *v;
	size_t n;
};

struct pol_set {
	struct pol_list identity;       /* a union; may be empty */
	const struct pol_list *boundary;/* NULL: none set. An empty list allows nothing */
	const struct pol_list *scp;     /* scp_levels lists, each must allow; NULL: none */
	size_t scp_levels;
	const struct pol_list *session; /* NULL: no session policy */
	const struct pol_source *resource; /* NULL: none; for sts:AssumeRole the trust policy */
	bool trust;                     /* resource is a trust policy */
};

/* Does a value read as its type? What a simulation checks before it asks. */
enum pol_type { POL_T_STRING = 1, POL_T_NUMERIC, POL_T_BOOLEAN, POL_T_IP, POL_T_BINARY,
	POL_T_DATE };
bool pol_value_is(enum pol_type type, const char *p, size_t len);

/* ---- decisions ---- */

/* Distant constants (S10). Anything but POL_ALLOWED denies. */
enum pol_effect {
	POL_ALLOWED = 0x5ac3a53c,
	POL_IMPLICIT_DENY = 0x1e96699e,
	POL_EXPLICIT_DENY = 0x27d81e27,
};

enum pol_layer { POL_L_IDENTITY = 1, POL_L_RESOURCE, POL_L_BOUNDARY, POL_L_SCP, POL_L_SESSION };

struct pol_match { /* a statement that decided */
	enum pol_layer layer;
	const char *policy;    /* pol_source.name, borrowed */
	unsigned statement;    /* index in its document, from 0 */
	const char *sid;       /* "" when it has none; borrowed from the compiled bytes */
	bool deny;
};

#define POL_MATCHES_MAX 16

struct pol_decision {
	enum pol_effect effect;  /* POL_IMPLICIT_DENY until decided */
	enum pol_layer denied_by;/* the layer without an allow, or with the deny; meaningless when allowed */
	unsigned match_count;    /* at most POL_MATCHES_MAX are named */
	struct pol_match matches[POL_MATCHES_MAX];
};

/*
 * Decide. *ret starts out POL_IMPLICIT_DENY and stays so on any error. No
 * allocation. Errors: IAM_ERR_ARG for a request without principal, action or
 * resource, or with an action over 256 or a resource over 2048 bytes; IAM_ERR_FORMAT for damaged compiled bytes.
 */
int pol_eval(const struct pol_set *set, const struct pol_request *req,
    struct pol_decision *ret);

/* ---- explanations ---- */

enum pol_near { POL_NEAR_MATCHED = 1, POL_NEAR_ACTION_ONLY, POL_NEAR_CONDITION };

/* One line about one statement, for people: "Statement 1 'Tuesdays' of
 * arn:…:policy/sarah would allow, but aws:CurrentTime was Mon 10:02
 * Europe/Berlin and the window is Tue 09:00-17:00". */
struct pol_reason {
	enum pol_near near;
	struct pol_match match;
	const char *key;    /* the condition key that failed, borrowed; NULL */
	const char *op;     /* its operator, borrowed; NULL */
	bool doubt;         /* that condition could not be judged: a zone unknown here, … */
	char text[512];
};

#define POL_REASONS_MAX 32 /* statements that allow take half of the room at most */
#define POL_MISSING_MAX 32

struct pol_explanation { /* about 20 KiB: put it on the heap */
	struct pol_decision decision; /* the same as pol_eval's */
	/* What each kind of policies says by itself, whatever came out; indexed by
	 * enum pol_layer. Guardrails allow when every level does. */
	enum pol_effect says[POL_L_SESSION + 1];
	unsigned reason_count;
	struct pol_reason reasons[POL_REASONS_MAX];
	unsigned missing_count;       /* context keys that statements asked for and the request lacks */
	const char *missing[POL_MISSING_MAX]; /* borrowed from the compiled bytes */
};

/* Decide and say why. Same errors as pol_eval; no allocation. */
int pol_explain(const struct pol_set *set, const struct pol_request *req,
    struct pol_explanation *ret);

/* Every condition key name that a compiled policy mentions (variables too);
 * for GetContextKeysFor… and for MissingContextValues. Returns false at the end. */
bool pol_key_next(const struct pol_doc *doc, size_t *cursor, const char **ret_name);

/* Every moment that a compiled policy names, in seconds since 1970: the values
 * of date operators, rounded down, and of numeric ones, which may be an
 * aws:EpochTime. A decision changes with the time at these seconds or the ones
 * after them, at full minutes (time windows), and nowhere else. Returns false
 * at the end. */
bool pol_moment_next(const struct pol_doc *doc, size_t *cursor, int64_t *ret_s);

#endif
