/*
 * What changes at login, under /run/iam: used TOTP steps, failure counters,
 * evidence that one phase of a login leaves for the next, login sessions.
 *
 * One small fixed-size file per principal, whose words are changed by atomic
 * compare-and-set (S35): no lock is ever held, so a process that its user stops or
 * kills hinders nobody. The directory is 0770 root:iam-auth on tmpfs, so it
 * works when the disk is full or read-only (S38): what is there already can
 * always be changed in place, and what cannot be stored is an error, never a
 * win. Every word carries check bits; when those of a device are damaged, or the
 * whole file is, it counts as "everything used until now": the first code that
 * each device shows afterwards is refused together with all up to two steps later.
 * Nothing here is under anyone's home (S36). All paths are relative to the
 * directory given to runtime_open. Safe after fork; one struct per thread.
 *
 * Who makes files: root. A process with the group iam-auth and a user's
 * own uid (the helper) changes principal files that are there,
 * and gets IAM_ERR_ABSENT when there is none yet: a file that it made would
 * belong to its caller. runtime_allow_make is for the caller who is a service. Evidence and
 * sessions are 0600 root: the helper finds none and leaves none.
 *
 * The format is in docs/runtime-format.md.
 */
#ifndef IAM_RUNTIME_RUNTIME_H
#define IAM_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/base.h"

struct runtime;

/*
 * Open the directory (O_DIRECTORY|O_NOFOLLOW; owner root; not writable by
 * others). When it is missing and the caller is root it is made (0770, group
 * iam-auth by auth_gid; 0700 when auth_gid is (gid_t)-1, no such group).
 * *ret is owned (runtime_close). IAM_ERR_ABSENT: missing, and not root.
 */
int runtime_open(const char *dir, gid_t auth_gid, struct runtime **ret);
void runtime_close(struct runtime *rt);

/* When replay protection began: the directory's birth, as seconds since 1970,
 * kept in a link "epoch" made together with it. Codes of steps that began before are
 * refused, so that a reboot opens no replay. Missing or damaged, it is now; and
 * when the clock was put forward since, it moves along. */
int64_t runtime_epoch_s(const struct runtime *rt);

/* In a process that is not root: make a principal's file that is missing, 0660 with
 * the auth group, for a service that asks about people who never log in. A file
 * that is not root's is believed only while the directory is closed to all but
 * that group: then nobody but its members can have made or changed it. */
void runtime_allow_make(struct runtime *rt);

/* Make a user's file, so that the helper finds one. As root. */
int runtime_user_prepare(struct runtime *rt, uint32_t uid);

/* ---- used codes ---- */

/*
 * Claim a step of a device: *ret_won is true for exactly one caller per step,
 * and only when step is later than every step claimed before (S35, S39). The
 * claim is on tmpfs before the function returns. device is the serial.
 */
int runtime_totp_claim(struct runtime *rt, uint32_t uid, const char *device,
    uint64_t step, bool *ret_won);
/* The last claimed step, 0 when none. */
int runtime_totp_last(struct runtime *rt, uint32_t uid, const char *device,
    uint64_t *ret_step);

#define RUNTIME_DRIFT_MAX 4  /* steps: two minutes, or four */
#define RUNTIME_DRIFT_TURNS 3

struct runtime_drift {
	int32_t base;  /* in: of the last synchronisation (snapshot) */
	int32_t drift; /* in: what was known when the snapshot was made; out: now */
	int32_t lean;  /* out: see below */
};

/*
 * What has been learnt of a device's clock: how many steps it runs ahead of ours.
 * Learning is slow and bounded: three codes in a row on the same side of the
 * drift move it by one step, a code that fits begins anew, and it never goes
 * further from base than RUNTIME_DRIFT_MAX, nor does it when the base is another one
 * than it was learnt for. It moves the window and never the last used step.
 * *ret_last as runtime_totp_last.
 */
int runtime_totp_drift(struct runtime *rt, uint32_t uid, const char *device,
    struct runtime_drift *d, uint64_t *ret_last);
/* A code was accepted that is offset steps ahead of our clock, and claimed.
 * *ret_moved: d->drift is another one now, to be kept for good. */
int runtime_totp_learn(struct runtime *rt, uint32_t uid, const char *device,
    int32_t offset, struct runtime_drift *d, bool *ret_moved);

/* ---- throttle ---- */

/*
 * Where attempts come from, as the throttle keeps them apart. An IPv6 address
 * stands for its /64, since one customer has all of that; a name that is no
 * literal address stands for itself and is never mistaken for the host. Local attempts
 * are those of a user id: who guesses at a terminal of his own does not slow
 * down the console. Never 0.
 */
uint64_t runtime_source_remote(const char *rhost);
uint64_t runtime_source_local(uid_t caller);
/* "192.0.2.1", "2001:db8::/64", "local" (uid 0), "uid 1000", "name 1f2e3d…". */
#define RUNTIME_SOURCE_TEXT 64
void runtime_source_text(uint64_t source, char ret[RUNTIME_SOURCE_TEXT]);

struct runtime_limits {
	uint32_t free;  /* failures that cost nothing */
	uint32_t max_s; /* then the delay doubles from 1 s up to this */
};

/* An attempt that has been counted and is being judged. */
struct runtime_attempt {
	uint32_t uid;
	uint64_t source;
	int64_t boot_s; /* when it began, by CLOCK_BOOTTIME */
};

enum runtime_outcome {
	RUNTIME_FAILED,
	RUNTIME_PROVED,  /* the failures from this source are forgotten */
	RUNTIME_NEITHER, /* was right, but proved too little for that (S15) */
};

/*
 * Count an attempt before it is judged, so that guesses at the same time do not
 * all see the count of before. *ret_begun false: there were too many failures, it
 * must not be judged and is not counted (counting it would let anyone keep
 * the delay going for ever, S16).
 *
 * State is kept per user and source (a table of 32 sources per user), so an
 * attacker elsewhere does not lock the user out (S16). Attempts in flight use up
 * the free failures like failed ones; when they all do, the next one waits, up to
 * RUNTIME_WAIT_S, for one of them to end, so that correct logins at the same time are
 * never taken for failures (S15). One whose process was killed or stopped counts as
 * failed RUNTIME_FLIGHT_S after it began. Failures older than a day
 * are forgotten. When the table is full, a new source takes the place of the
 * stalest one with its failures, so that many addresses are no way around the
 * delay; up to 8 sources that the user succeeded from keep their places. A
 * clock that was put back restarts a running delay.
 */
#define RUNTIME_WAIT_S 15
#define RUNTIME_FLIGHT_S 60
int runtime_attempt_begin(struct runtime *rt, uint32_t uid, uint64_t source,
    int64_t now_s, const struct runtime_limits *limits, bool *ret_begun,
    struct runtime_attempt *ret);
/* What became of it. *ret_failures (may be NULL; written with RUNTIME_PROVED): how
 * many failures there were since the last success, from anywhere. */
int runtime_attempt_end(struct runtime *rt, const struct runtime_attempt *a,
    enum runtime_outcome outcome, int64_t now_s, uint32_t *ret_failures);

/*
 * Guessing many names a few times each: failures are counted per source as well, of
 * whatever user, known or not, in one file of root's (1,024 places). Nobody is concerned
 * who has logged in from that source since the start of the host: neither delayed, nor
 * are her failures counted here (runtime_source_known). So one who guesses cannot keep
 * an office from working that has one address with him, and nobody elsewhere (S16).
 *
 * _ask: may an attempt be looked at? limits.free failures cost nothing, then the delay
 * doubles as a user's does. _failed counts; _proved forgives one failure. As root only
 * (IAM_ERR_UNSAFE). Guesses at the same moment may pass together: each user's own throttle
 * counts them before they are judged, this one after. For sources of many people (uid 0, the
 * helper's services) the caller does not ask.
 */
int runtime_source_known(struct runtime *rt, uint32_t uid, uint64_t source,
    bool *ret_known);
int runtime_source_ask(struct runtime *rt, uint64_t source, int64_t now_s,
    const struct runtime_limits *limits, bool *ret_allowed);
int runtime_source_failed(struct runtime *rt, uint64_t source, int64_t now_s);
int runtime_source_proved(struct runtime *rt, uint64_t source, int64_t now_s);

/*
 * May one more event be written about this user on behalf of a program that anybody
 * can run again and again? So many a minute, or the trail's disk could be filled.
 */
#define RUNTIME_EVENTS_A_MINUTE 300
int runtime_event_allowed(struct runtime *rt, uint32_t uid, int64_t now_s,
    bool *ret_allowed);

struct runtime_throttle {
	uint64_t source;
	uint32_t failures;   /* in a row, of this user from this source */
	int64_t last_s;      /* the last failure */
	int64_t retry_at_s;  /* 0, or when the next attempt will be looked at */
};

/* The sources that failures are kept of; *ret_all: failures from anywhere since
 * the last success. */
#define RUNTIME_SOURCES_MAX 32
int runtime_throttle_list(struct runtime *rt, uint32_t uid, int64_t now_s,
    const struct runtime_limits *limits,
    struct runtime_throttle ret[RUNTIME_SOURCES_MAX], unsigned *ret_count,
    uint32_t *ret_all);
/* For unlock-user: forget every source. */
int runtime_throttle_clear(struct runtime *rt, uint32_t uid);

/* ---- evidence and sessions ---- */

enum runtime_method { /* bits */
	RUNTIME_PASSWORD = 1,
	RUNTIME_PUBLICKEY = 2,
	RUNTIME_MFA = 4,
	RUNTIME_CERTIFICATE = 8, /* the key's, by the account's CA: temporary credentials */
};

/* What was proved, by whom, when. */
struct runtime_evidence {
	uint32_t uid;
	uint32_t methods;    /* enum runtime_method */
	int64_t auth_s;      /* seconds since 1970 */
	int64_t mfa_s;       /* 0: no MFA */
	char user[IAM_UNIX_NAME_MAX + 1];
	char service[64];
	char rhost[128];     /* as PAM_RHOST said, "" when local */
	char tty[64];
	char device[256];    /* serial of the device that answered, "" */
	char session_id[40]; /* UUID of the login session, "" until it is opened */
	/* Of a session of a role (AssumeRole): */
	char role_session[65];    /* RoleSessionName; "": none, a user's */
	char source_identity[65]; /* "" when it has none */
	int64_t expires_s;        /* nothing is allowed from then on */
	uint32_t extra;           /* 1: runtime_extra_put has kept more of it */
};

/*
 * Leave evidence for a process: the one that will open the session. pid may be
 * another process (sshd authenticates in a child of the one that opens the
 * session). Bound to the process's start time, so a reused pid never finds
 * it. Good for 10 minutes. IAM_ERR_ABSENT: no such process; IAM_ERR_UNSAFE:
 * the caller is not root (also from runtime_session_open and _mfa).
 */
int runtime_evidence_put(struct runtime *rt, pid_t pid,
    const struct runtime_evidence *e);
/* Find and remove: of several at once, one finds it. */
int runtime_evidence_take(struct runtime *rt, pid_t pid, int64_t now_s,
    bool *ret_found, struct runtime_evidence *ret);
/* Find and leave. */
int runtime_evidence_peek(struct runtime *rt, pid_t pid, int64_t now_s,
    bool *ret_found, struct runtime_evidence *ret);

/* A session lives as long as the process that opened it. */
int runtime_session_open(struct runtime *rt, pid_t pid,
    const struct runtime_evidence *e);
int runtime_session_close(struct runtime *rt, pid_t pid);
/*
 * Bytes that belong to a session beside its record, which says so in extra: kept before
 * the record is opened, gone with it. At most RUNTIME_EXTRA_MAX. get: appended to *ret, which is
 * empty before; IAM_ERR_ABSENT: there are none.
 */
#define RUNTIME_EXTRA_MAX 16384
int runtime_extra_put(struct runtime *rt, pid_t pid, const void *data, size_t len);
int runtime_extra_get(const struct runtime *rt, pid_t session_pid, struct buf *ret);
/*
 * The session that a process belongs to: the nearest ancestor (itself
 * included) that opened one, by /proc/PID/stat; *ret_pid is that ancestor. Nothing of
 * it comes from the environment, and a process that was adopted by init finds
 * none. A damaged session on the way is IAM_ERR_FORMAT, more than 64 ancestors
 * IAM_ERR_LIMIT: whoever takes "none" for "not governed" must not be led there.
 */
int runtime_session_find(struct runtime *rt, pid_t pid, bool *ret_found,
    pid_t *ret_pid, struct runtime_evidence *ret);
/* Newer MFA within a session: mfa_s is only ever raised. IAM_ERR_ABSENT: no
 * session of this process. */
int runtime_session_mfa(struct runtime *rt, pid_t session_pid, int64_t mfa_s,
    const char *device);
/*
 * Was there so much when the directory was opened that a sweep is due? A service that
 * authenticates and opens no session leaves evidence of one process after another. By
 * the directory's size, which costs nothing: some 3,000 files of a tmpfs.
 */
bool runtime_is_crowded(const struct runtime *rt);
/* Remove evidence and sessions whose processes are gone. Cheap; called at
 * session open. */
int runtime_sweep(struct runtime *rt, int64_t now_s);

#endif
