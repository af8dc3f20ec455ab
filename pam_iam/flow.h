/*
 * A login, without PAM: who it is, what to ask, whether the answers are right,
 * whether the policies let them in, and the audit event of each.
 *
 *     flow_open       the name is looked up: unmanaged, ours, nobody, …
 *     flow_questions  which questions come: all of them before any is judged
 *     flow_judge      the answers, with throttle and replay protection
 *     flow_authorize  the policies decide; evidence of flow_judge counts
 *
 * The module and the helper iam-chkauth are two fronts of this. Rules it keeps:
 * every verdict starts out closed and is compared with the one constant that
 * opens (S10); what is asked depends on policies and settings, never on whether
 * an answer was right (S8); a judged password costs exactly one crypt(3); whatever
 * goes wrong is an error and denies (S1). No globals, no environment; one
 * struct flow per thread. Each flow reads one whole snapshot.
 */
#ifndef IAM_PAM_FLOW_H
#define IAM_PAM_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/base.h"
#include "common/runtime/lastlogin.h"
#include "common/runtime/runtime.h"
#include "common/snapshot/principal.h"

/* ---- the host ---- */

/* What a name service says about a name or an id. IAM_ERR_IO: it cannot say. */
typedef int flow_uid_of(const char *name, bool *ret_known, uid_t *ret_uid);
typedef int flow_name_of(uid_t uid, bool *ret_known, char *ret, size_t size);

#define FLOW_GID_UNKNOWN ((gid_t)-2)

/* Where things are, and what a front lends to the flow. All borrowed. */
struct flow_host {
	const char *host_file, *settings_file; /* /etc/iam/host.json, iam.json */
	const char *private_snapshot, *governed, *passwd, *seal_key;
	const char *run, *trail, *spool;
	const char *logins; /* of last logins; NULL: none are kept */
	/* Of /run/iam; -1: no such group. FLOW_GID_UNKNOWN: that of the private snapshot, which
	 * iamctl publishes for this group and only root can have given to another; without
	 * one, the group database is asked. */
	gid_t auth_gid;
	flow_uid_of *uid_of;
	flow_name_of *name_of;
	/* Make the snapshots anew from changed configuration files. NULL for a
	 * front that may not. */
	int (*publish)(void *arg);
	/* Use up a recovery code where it is used up for good: in the store. *ret_ok: it
	 * was there and is not any more; *ret_left: how many are. NULL for a front that may not. */
	int (*use_recovery)(void *arg, const char *user_name,
	    const struct secret *code, bool *ret_ok, unsigned *ret_left);
	/* Keep a device's learnt drift for good, if that can be. May be NULL. */
	int (*record_drift)(void *arg, const char *user_name, const char *serial,
	    int32_t drift);
	void *publish_arg; /* of all */
};

/* The compiled-in places, the system's name services, no publish. */
void flow_host_init(struct flow_host *host);

/* Before "iamctl init" there is no host.json, and everyone is unmanaged. When
 * that cannot be seen: initialised. */
bool flow_initialised(const struct flow_host *host);

/* ---- an attempt ---- */

/* Borrowed; must outlive the flow. Absent text is NULL or "". */
struct flow_facts {
	const char *user;    /* PAM_USER */
	const char *service, *tty, *rhost;
	const char *ruser;   /* PAM_RUSER: whom su and sudo were called by */
	uid_t caller_uid;    /* the real one: getuid() */
	pid_t pid;           /* of the process that logs in; 0: this one */
	pid_t parent;        /* leave evidence for this one instead; 0: none */
	int64_t now_s;
	bool publickey;      /* sshd says that a public key has succeeded */
	const char *key;     /* and which: "TYPE BASE64", to a line's end; NULL: not known */
	bool mfa_only;       /* another module asked for the password */
	bool proved;         /* flow_authorize will be given evidence that the front has kept */
	bool can_enrol;      /* the front can show a QR code and ask for two codes */
	/* The helper: evidence would be for a process that ends, and whatever the
	 * service is called, the action is host:Authenticate. */
	bool by_proxy;
	bool makes_state;    /* and the user's state file may be made in its name */
};

/* Distant constants (S10). */
enum flow_who {
	FLOW_UNMANAGED = 0x6a35,/* not ours: a positive finding (S2) */
	FLOW_ROOT = 0x19c6,     /* not ours: uid 0 on an initialised host */
	FLOW_OURS = 0x4d5a,
	FLOW_NOBODY = 0x32a9,   /* nobody on this host knows the name */
	FLOW_BROKEN = 0x75f0,   /* governed, but it cannot be decided: flow_error */
};

enum flow_mode {
	FLOW_DECIDE, /* a decision follows: the configuration must be current */
	FLOW_LOOK,   /* only who it is */
	FLOW_SESSION,/* a session begins: as FLOW_LOOK, but who becomes a role is judged */
};

struct flow;

/*
 * Look the name up. *ret is owned (flow_close). IAM_ERR_MEMORY only: what is
 * wrong with the host is told by flow_who and flow_error.
 */
int flow_open(const struct flow_host *host, const struct flow_facts *facts,
    enum flow_mode mode, struct flow **ret);
void flow_close(struct flow *f);

/*
 * Between two phases of one handle: keep what was found out, and no descriptor, since
 * the program may close or reuse those that it does not know. Of the snapshot some pages
 * stay in memory, which is not dumped. The flow may then be resumed or closed.
 */
void flow_park(struct flow *f);
/*
 * Go on with it as flow_open would with FLOW_DECIDE: true when that would find the same,
 * with other facts: same user, by root, same snapshot, configuration unchanged, and
 * facts.proved. Which of the name services knows the name is not asked again.
 */
bool flow_resume(struct flow *f, const struct flow_host *host,
    const struct flow_facts *facts);

enum flow_who flow_who(const struct flow *f);
/* Why FLOW_BROKEN, as enum iam_err; 0 else. */
int flow_error(const struct flow *f);
/* One line for syslog about what went wrong, "" when nothing. Borrowed. */
const char *flow_note(const struct flow *f);
/* The principal and the account of FLOW_OURS, NULL else. Borrowed. */
const struct snap_principal *flow_principal(const struct flow *f);
const struct snap_account *flow_account(const struct flow *f);

/* ---- authentication ---- */

enum flow_question { /* bits */
	FLOW_PASSWORD = 1,
	FLOW_CODE = 2,
	FLOW_NOTHING = 4,
	/* With FLOW_CODE: the answer may be empty, of whoever has no device and will
	 * enrol one. Comes for everyone where the settings allow that at all (S8). */
	FLOW_MAY_BE_EMPTY = 8,
	/* With FLOW_PASSWORD: one prompt for all, since this service shows no more
	 * (iam.json, mfa.oneLine). The code is typed behind the password; it is needed
	 * when FLOW_CODE is there, too. The answer goes into flow_answers.password,
	 * and code is NULL. */
	FLOW_JOINED = 16,
};

/*
 * What to ask: FLOW_PASSWORD, FLOW_CODE or both. FLOW_NOTHING only after a public key whose
 * certificate IAM signed in a login with MFA that still counts, or of a role that acts
 * within a session of its own, which has no other credentials: any other
 * authentication that asks nothing must not succeed.
 */
unsigned flow_questions(struct flow *f);

struct flow_answers {
	const struct secret *password, *code; /* borrowed; NULL: not asked */
	/* The conversation failed, or an answer was missing, longer than
	 * PASSWORD_MAX, or empty without FLOW_MAY_BE_EMPTY: a failed attempt, which counts (S6). */
	bool bad;
};

enum flow_verdict {
	FLOW_PERMIT = 0x2b3c95d4, /* nothing else opens */
	FLOW_DENY = 0x5cc26a1b,
	FLOW_ENROL = 0x719aae36,  /* all right but for a device: see flow_enrolled */
};

/*
 * Judge the answers to flow_questions. A no counts against the throttle and is
 * an event with its true reason; a yes leaves evidence under /run/iam for
 * facts.parent when there is one, which knows nothing of this handle, else for facts.pid. *ret_evidence (may be NULL) is written on a permit.
 * *ret is FLOW_DENY on every error.
 *
 * FLOW_ENROL, only with facts.can_enrol: the password or the key was right, and
 * what is missing is MFA of a user without a device, who has time to enrol one
 * (iam.json, mfa.selfEnrolment). It opens nothing (S3): the front has her enrol one and
 * says flow_enrolled, or flow_not_enrolled.
 */
int flow_judge(struct flow *f, const struct flow_answers *a,
    enum flow_verdict *ret, struct runtime_evidence *ret_evidence);

/*
 * The device is enabled in the store, with two of its codes, for the user of this
 * flow: that is MFA. As flow_judge from there on; IAM_ERR_BUG unless that has just
 * said FLOW_ENROL.
 */
int flow_enrolled(struct flow *f, const char *serial, enum flow_verdict *ret,
    struct runtime_evidence *ret_evidence);
/* She did not, or nothing could be shown to her: the event of it. Counts nothing, since
 * nothing was wrong. */
void flow_not_enrolled(struct flow *f, bool shown);

/*
 * After a permit, the length of the password in the answer to FLOW_JOINED, and of
 * every other one the whole.
 */
size_t flow_password_len(const struct flow *f, const struct secret *answer);

/* How many recovery codes are left, after one was used in flow_judge; else -1. */
int flow_recovery_left(const struct flow *f);

/*
 * Was a code right in the flow_judge that denied, but used before? Told only where it
 * gives nothing away: when no password was asked along with it. Beside one it
 * would tell whoever has seen a code that the password was right (S8).
 */
bool flow_code_was_used(const struct flow *f);

/* The password alone, for changing it: same throttle, same single crypt. */
int flow_check_password(struct flow *f, const struct flow_answers *a,
    enum flow_verdict *ret);

/* ---- account ---- */

struct flow_decision {
	enum flow_verdict verdict;
	bool change_password; /* permitted, but the password must be changed first */
	int password_days;    /* permitted, and the password expires in so many whole days, soon
	                       * enough to be told (iam.json, login.passwordWarnDays); else -1 */
	bool expired;         /* denied, because the password has expired for good (HardExpiry) */
	char event_id[37];    /* "" when the event could not be kept */
};

/*
 * Let the policies decide, and write the event. evidence is what the caller
 * kept from flow_judge, NULL: look under /run/iam. A permit whose event can be
 * neither written nor spooled is a denial. For FLOW_ROOT only the event is
 * written, and no failure is an error (S0).
 */
int flow_authorize(struct flow *f, const struct runtime_evidence *evidence,
    struct flow_decision *ret);

/* Is the password of FLOW_OURS older than the account's password policy lets it be? */
bool flow_password_expired(const struct flow *f);
/* Must it be changed at a login: expired, or a reset is required? */
bool flow_password_due(const struct flow *f);

/* Is the password kept as another program's hash, for iamctl to replace? Not
 * within a session, where iamctl would take the caller for the session's user. */
bool flow_hash_is_old(const struct flow *f);

/* ---- session ---- */

/*
 * Before it, of FLOW_SESSION: may this session open? A user's may, since the account phase
 * has let her in, but with an SSH certificate that is not hers. One of a role is judged once more; sudo names the role only now, so
 * there it is the decision, with its event. Errors as flow_authorize.
 */
int flow_authorize_session(struct flow *f, const struct runtime_evidence *evidence,
    struct flow_decision *ret);
/* Whose session it is: the role's that was assumed, else flow_principal's. Borrowed. */
const struct snap_principal *flow_target(const struct flow *f);
/* Of a role's session that was opened, appended: its ARN. */
void flow_put_session_arn(const struct flow *f, struct buf *ret);
/* How many seconds this session may last; 0: no limit. */
uint32_t flow_session_limit(const struct flow *f);

/* Turn evidence into the session record of facts.pid, with an event. A role's only after
 * flow_authorize_session has permitted it (IAM_ERR_BUG). */
int flow_session_open(struct flow *f, const struct runtime_evidence *evidence);
/* After it: the login before this one, of a service that is a login; NULL: not known. */
const struct lastlogin *flow_last_login(const struct flow *f);
/* The end of it. Sessions that were never opened are fine. */
int flow_session_close(struct flow *f);

#endif
