/* What the parts of the flow share. */
#ifndef IAM_PAM_INTERNAL_H
#define IAM_PAM_INTERNAL_H

#include "common/authz/authz.h"
#include "common/credential/credential.h"
#include "common/policy/policy.h"
#include "common/trail/trail.h"
#include "pam_iam/flow.h"

/* ---- host.c ---- */

/* The group of /run/iam; snap may be NULL. */
gid_t flow_auth_gid(const struct flow_host *host, const struct snap *snap);

/* ---- identify.c ---- */

struct identity {
	enum flow_who who;
	int err;             /* with FLOW_BROKEN */
	const char *reason;  /* with FLOW_BROKEN: the event's reason, constant */
	bool have_account;   /* snapshot and account can be used */
	struct snap *snap;
	struct snap_account account;
	struct snap_principal principal; /* with FLOW_OURS, and when stale */
};

void identify(const struct flow_host *host, const char *name,
    enum flow_mode mode, struct identity *ret);
void identity_release(struct identity *id);
/* Were it asked again, would snapshot and configuration be the same? */
bool identity_is_current(const struct flow_host *host, const struct identity *id);

flow_uid_of identify_uid_of;
flow_name_of identify_name_of;

/* ---- event.c ---- */

#define EVENT_MISSING_MAX 8

enum event_who { EVENT_PRINCIPAL, EVENT_ROOT, EVENT_UNKNOWN };

/* An audit event of a login. Everything is borrowed; NULL is left out. */
struct event {
	enum event_who who;
	const struct snap_principal *principal; /* with EVENT_PRINCIPAL */
	const char *name;         /* eventName */
	const char *type;         /* eventType */
	const char *target;       /* ARN or name of the user switched to */
	const char *error_code, *error_message;
	const char *reason;       /* additionalEventData.reason: the true one */
	const char *explanation;
	const struct pol_decision *decision;
	unsigned missing_count;   /* condition keys that were asked for and not there */
	const char *missing[EVENT_MISSING_MAX];
	const char *outcome;      /* "Success", "Failure": responseElements of a Login */
	uint32_t methods;         /* enum runtime_method, of this attempt or its session */
	bool mfa_known;
	int64_t mfa_s, issued_s;
	const char *device;       /* what answered with the code: MFAIdentifier */
	const char *session_id;
	const struct login_key *key;
	const char *role_session;  /* the principal is this session of a role; NULL: a user */
	const char *source_identity;
	const struct event_assume {/* an AssumeRole; NULL: something else */
		const struct snap_principal *role;
		const char *session, *source_identity;
		uint32_t duration_s;
		bool permitted;
	} *assume;
};

/* The eventName of an action: "Login" for "host:Login". */
const char *event_name(const char *action);
/* "publickey", "password", "mfa"; NULL when nothing is known. */
const char *event_method(uint32_t methods);

/*
 * Write one. event_id is made by the caller (trail_event_id). An error means that the event is lost.
 */
int event_write(const struct flow_host *host, const struct flow_facts *facts,
    const struct identity *id, const struct event *e, const char event_id[37]);

/* ---- sshkey.c ---- */

/* The SSH key that opened this login, as far as it is known. */
struct login_key {
	char type[64];        /* "": none */
	unsigned bits;        /* 0: not known */
	char fingerprint[64]; /* "SHA256:…", "": not known */
	const struct snap_ssh_key *known; /* the principal's; NULL: not uploaded to IAM */
	bool certified;       /* by a certificate that IAM signed, and which still is good */
	const char *refused;  /* such a one that is not: why, a constant; NULL */
	uint64_t serial;
	int64_t issued_s, mfa_s; /* of a certified one: its session's; mfa_s 0: without MFA */
	int64_t expires_s;
	char role_session[65];   /* of a certified one of a role: the session's name */
	struct authz_session as; /* and the session, which lies in extra */
	size_t extra_len;
	_Alignas(8) uint8_t extra[SSH_CERT_SESSION_MAX];
};

/* line as facts.key; may be NULL. ret->known is borrowed from the principal. sshd has
 * verified the key and, of a certificate, its signature, names and dates.
 * IAM_ERR_MEMORY: a Deny that asks for the key could not apply, so nobody is let in. */
int login_key_read(const char *line, const struct snap_account *account,
    const struct snap_principal *principal, int64_t now_s, struct login_key *ret);

/* ---- flow.c ---- */

/* What has been proved: now, or earlier in the same login session. */
struct proof {
	uint32_t methods;   /* enum runtime_method */
	bool mfa_known;     /* false: aws:MultiFactorAuthPresent is absent */
	int64_t mfa_s;      /* 0: no MFA */
	int64_t issued_s;   /* when the session began; 0: not known */
	const char *device; /* of mfa_s, borrowed; NULL: none */
};

struct flow {
	const struct flow_host *host;    /* borrowed */
	const struct flow_facts *facts;  /* borrowed */
	struct identity id;
	bool parked;                     /* flow_park_snapshot */
	struct runtime *rt;              /* with FLOW_OURS */
	bool has_session;                /* the login session that this process belongs to */
	pid_t session_pid;
	struct runtime_evidence session;
	struct buf extra;                /* of it; empty: none */
	unsigned questions;              /* what was asked */
	enum enrolment {
		ENROLMENT_NO = 0,
		ENROLMENT_OFFERED,
		ENROLMENT_OVER,          /* needed, but the time for it is over */
	} enrolment;
	size_t code_len;                 /* of the code behind a joined answer */
	bool enrolling;                  /* flow_judge has said FLOW_ENROL */
	uint32_t proved;                 /* enum runtime_method, by then */
	bool code_used;                  /* flow_code_was_used */
	int recovery_left;               /* -1: no recovery code was used */
	uint64_t source;                 /* of the throttle */
	const char *action;              /* of the PAM service */
	struct login_key key;
	enum becoming {                  /* PAM_USER is a role (assume.c) */
		ROLE_NONE = 0,           /* it is not, or nothing is decided */
		ROLE_ACTS,               /* it is in a session of its own: as */
		ROLE_WANTED,             /* id.principal is the caller, who assumes role */
		ROLE_BY_ROOT,            /* uid 0 does */
		ROLE_REFUSED,            /* whatever the policies say */
	} becoming;
	const char *role_refused;        /* the event's reason, constant */
	bool named_late;                 /* sudo: no phase before has judged */
	bool session_permitted;          /* by flow_authorize_session */
	struct snap_principal *role;     /* owned */
	struct pol_source trust;         /* of role */
	struct authz_session as;         /* of id.principal, when that is a role; name NULL: none */
	char role_session[65];           /* the new session's name */
	uint32_t role_duration_s;
	uint32_t limit_s;                /* of the session that was opened; 0: none */
	bool has_last;                   /* of flow_session_open */
	struct lastlogin last;
	char note[256];
};

/* Write an event of this login. On behalf of a program that anybody can run, only
 * so many a minute: IAM_ERR_LIMIT. An error leaves a note. */
int flow_event(struct flow *f, const struct event *e, const char id[37]);

/*
 * Keep no descriptor of the snapshot from here on: before the program has its turn, in
 * the conversation or after the phase. What is to be read has been read; what was not
 * thought of opens the file again.
 */
void flow_park_snapshot(struct flow *f);
/* The process that logs in: asked for where it matters. */
pid_t flow_pid(const struct flow *f);
/* Open /run/iam as f->rt, unless it is. */
int flow_need_runtime(struct flow *f);
/* Keep a line for syslog. */
void flow_set_note(struct flow *f, const char *what, int err);

/* ---- assume.c ---- */

#define ASSUME_ACTION "sts:AssumeRole"

/* When PAM_USER is a role: what becomes of this login. */
int assume_begin(struct flow *f, enum flow_mode mode);
void assume_end(struct flow *f);
/* The role that is meant, whoever the principal is. */
const struct snap_principal *assume_target(const struct flow *f);
/* The session that this role acts in; false: none, one that has ended, or a damaged
 * one. */
bool assume_session(const struct flow *f, const struct snap_principal *role,
    struct authz_session *ret);
/* The evidence becomes the role's session, where it is one. */
int assume_record(struct flow *f, struct runtime_evidence *e);

/* ---- evidence.c ---- */

/*
 * MFA of the session counts while it is fresh, and only for the session's own
 * user acting in person: a daemon that she restarted is among her session's
 * processes as well, but it runs as root, and those who log in through it are
 * somewhere else.
 */
bool flow_session_counts(const struct flow *f, uint32_t uid);
bool flow_mfa_fresh(const struct flow *f, int64_t mfa_s);
/* Put together what a principal proved; e is this attempt's, may be NULL. */
void flow_proof(const struct flow *f, uint32_t uid,
    const struct runtime_evidence *e, struct proof *ret);
/* device: what answered with a code; NULL: nothing did. */
void evidence_make(const struct flow *f, uint32_t methods, const char *device,
    struct runtime_evidence *ret);
/* For this process, its parent where that opens the session, and the login session. */
int evidence_leave(struct flow *f, const struct runtime_evidence *e);

/* ---- codes.c ---- */

struct code_match {
	bool hit;
	bool reused;          /* right, but used before */
	bool recovery;        /* it is one of the recovery codes */
	unsigned device;
	uint64_t step;
	struct runtime_drift drift;
};

/*
 * Compare with every device, whichever matches. A device that cannot be
 * checked is an error only when no other one matched, and then whatever the
 * password was.
 */
int code_check(struct flow *f, const char *code, struct code_match *ret);
/* How far ahead of our clock the device was with this code. Nothing of it can
 * keep her out: it is there to let her in next time, too. */
void code_learn_drift(struct flow *f, struct code_match *m);

/* ---- account.c ---- */

/* Whose policies decide. */
enum rule {
	RULE_SELF,    /* the user's own */
	RULE_CALLER,  /* su: those of the governed caller, for the target */
	RULE_ASSUME,  /* su, sudo: those of the governed caller and the role's trust policy */
	RULE_ROOT,    /* su by uid 0: allowed, with an event */
};

struct judge {
	enum rule rule;
	const struct snap_principal *principal; /* NULL with RULE_ROOT */
	struct snap_principal *caller;          /* owned */
	struct authz *authz;                    /* NULL with RULE_ROOT, and when refused */
	const char *refused;                    /* before any policy: why, a constant; NULL */
	struct authz_session as;                /* of a role; name NULL: a user */
};

/* The principal of facts.caller_uid; *ret_hit false: it is positively not ours. */
int flow_find_caller(const struct flow *f, bool *ret_hit, struct snap_principal *ret);
int judge_open(const struct flow *f, struct judge *ret);
void judge_release(struct judge *j);
struct authz_attempt;
/* The facts of the attempt as the policies see them. */
void judge_attempt(const struct flow *f, const struct judge *j,
    const struct proof *p, struct authz_attempt *ret);

#endif
