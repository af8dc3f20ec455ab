/*
 * One evaluator for "may she?" and "what may she?" (S44).
 *
 * Turns a principal of the private snapshot, this host, and the facts of an
 * attempt into a policy request, and decides. The login, simulation and the
 * command line's own authorization all come through here. Knows neither PAM
 * nor the store. No global state; reads zone files on demand.
 */
#ifndef IAM_AUTHZ_AUTHZ_H
#define IAM_AUTHZ_AUTHZ_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/base.h"
#include "common/policy/policy.h"
#include "common/snapshot/principal.h"

/* The facts of an attempt. NULL or 0 members are not known: their keys are
 * absent, never empty. Nothing of it comes from the caller's environment. */
struct authz_attempt {
	const char *action;      /* "host:Login" */
	const char *resource;    /* NULL: this host's instance ARN */
	/* aws:ResourceTag of another resource than this host: of the user to be
	 * switched to. The host's own tags when the resource is the host's. */
	const struct snap_tag *resource_tags;
	uint32_t resource_tag_count;
	const char *service;     /* PAM service: host:Service */
	const char *tty;         /* host:Tty */
	const char *rhost;       /* PAM_RHOST: aws:SourceIp if a literal address; host:Remote */
	const char *method;      /* host:AuthenticationMethod: "password", "publickey" */
	const char *run_as_user; /* host:RunAsUser */
	const char *key_type;    /* host:KeyType: the SSH key's, as sshd says it */
	unsigned key_bits;       /* host:KeySize; 0: not known */
	const char *key_id;      /* host:KeyId: of a key that IAM knows */
	int64_t key_s;           /* when it was uploaded: host:KeyAge; 0: not known */
	int64_t now_s;           /* aws:CurrentTime, aws:EpochTime, host:DayOfWeek, host:LocalTime */
	bool mfa_known;          /* false: aws:MultiFactorAuthPresent is absent */
	bool mfa;
	int64_t mfa_s;           /* when: aws:MultiFactorAuthAge */
	int64_t issued_s;        /* aws:TokenIssueTime: when the session began; 0: absent */
	/* Of sts:AssumeRole, whose resource is the role: */
	const struct pol_source *trust; /* the role's trust policy (authz_trust), which must allow */
	const char *session_name;       /* sts:RoleSessionName */
	const char *source_identity;    /* sts:SourceIdentity */
	const char *external_id;        /* sts:ExternalId */
	uint32_t duration_s;            /* sts:DurationSeconds; 0: absent */
	const struct snap_tag *request_tags; /* aws:RequestTag/K, aws:TagKeys */
	uint32_t request_tag_count;
};

/* What a simulation adds or replaces; NULL in logins (S44: never the host's
 * own keys from a caller in a real decision). Members that are NULL change nothing. */
struct authz_extra {
	const struct pol_key *keys;
	size_t count;
	const struct pol_source *resource; /* a policy of the resource */
	const struct pol_list *boundary;   /* in place of the principal's */
	const struct pol_list *scp;        /* one level of service control policies */
	const char *caller;                /* another principal's ARN, with these policies */
	const char *resource_account;
};

/* Time zones that were asked for, kept. {0} at first; authz_clock_release. */
#define AUTHZ_ZONES_MAX 8
#define AUTHZ_ZONE_NAME_MAX 64
struct authz_clock {
	struct authz_zone {
		char name[AUTHZ_ZONE_NAME_MAX]; /* "": the host's */
		struct tz *tz;                  /* NULL: a free place */
	} zones[AUTHZ_ZONES_MAX];
	unsigned next; /* the place to be used next */
};
void authz_clock_release(struct authz_clock *c);
/* Wall clock in a zone: a pol_local_time with a struct authz_clock as its argument. */
int authz_local_time(void *clock, const char *zone, int64_t t, struct tz_local *ret);

struct authz; /* a principal's policies, opened, with everything they need */

/*
 * Open the policies of a principal. snap, account and principal are borrowed and must
 * outlive *ret (authz_free). A policy that is missing or damaged is
 * IAM_ERR_FORMAT: never decided in part.
 */
int authz_open(const struct snap *snap, const struct snap_account *account,
    const struct snap_principal *principal, struct authz **ret);
void authz_free(struct authz *a);

/* A session of a role. Everything is borrowed. */
#define AUTHZ_SESSION_POLICIES_MAX 11 /* AWS: ten managed ones and one inline */
struct authz_session {
	const char *name;            /* RoleSessionName */
	const char *source_identity; /* NULL: none */
	uint32_t tag_count;          /* in place of the role's tags of the same key */
	struct snap_tag tags[SNAP_TAGS_MAX];
	uint32_t policy_count;       /* one of them must allow, too; 0: none asks */
	struct pol_source policies[AUTHZ_SESSION_POLICIES_MAX];
};
/* All but the name, appended as bytes, and back: p is at a multiple of 8 and lent.
 * IAM_ERR_FORMAT, _VERSION. */
void authz_session_encode(const struct authz_session *s, struct buf *b);
int authz_session_decode(const void *p, size_t len, struct authz_session *ret);
/*
 * The principal is a role: decide for this session of it, whose ARN is
 * arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME. A role by itself is nobody:
 * without a session every decision is IAM_ERR_ARG, which denies. The tags and policies
 * of s must outlive a.
 */
int authz_assume(struct authz *a, const struct authz_session *s);
/* The same ARN, appended. */
void authz_put_session(struct buf *b, const char *account_id, const char *role_arn,
    const char *name);
/* That session's ARN, and ROLEID:NAME; the user's own. NULL: a role by itself. */
const char *authz_arn(const struct authz *a);
const char *authz_user_id(const struct authz *a);
/* The trust policy of a role, for authz_attempt.trust: borrowed from snap. IAM_ERR_FORMAT
 * when it is not there or damaged: nobody is trusted. */
int authz_trust(const struct snap *snap, const struct snap_principal *role,
    struct pol_source *ret);

/* Decide; *ret is a deny on every error. */
int authz_decide(struct authz *a, const struct authz_attempt *at,
    struct pol_decision *ret);
/* The same with keys of a simulation; extra may be NULL. */
int authz_simulate(struct authz *a, const struct authz_attempt *at,
    const struct authz_extra *extra, struct pol_decision *ret);
/* Decide and say why; *ret is the caller's (about 20 KiB). */
int authz_explain(struct authz *a, const struct authz_attempt *at,
    const struct authz_extra *extra, struct pol_explanation *ret);

/* The policies that decide. Borrowed until the next authz_try. */
const struct pol_list *authz_identity(const struct authz *a);
const struct pol_list *authz_boundary(const struct authz *a); /* NULL: none */

/*
 * For simulations: an identity policy more, or in place of the one that is called
 * instead (IAM_ERR_ABSENT when none is; NULL: one more). policy is copied, its
 * bytes and name are borrowed.
 */
int authz_try(struct authz *a, const struct pol_source *policy,
    const char *instead);

/* arn:aws:host:REGION:ACCOUNT:instance/HOSTNAME */
int authz_instance_arn(const struct snap_account *account, char *ret,
    size_t size);

/*
 * A literal IPv4 or IPv6 address out of PAM_RHOST, canonical (IPv4-mapped IPv6
 * as IPv4, zone id dropped); false for a host name and anything else. Never
 * resolves (S13). ret needs 46 bytes (INET6_ADDRSTRLEN).
 */
bool authz_literal_address(const char *rhost, char *ret, size_t size);

#endif
