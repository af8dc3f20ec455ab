/*
 * Authentication as a state machine: opened, asked, judged. Rules kept here:
 *
 *  - which questions come depends on the policies and the settings only (S8);
 *  - a judged password costs one crypt(3), known name or not;
 *  - a code is claimed before it opens anything, and only when the rest is right (S35);
 *  - what cannot be counted or recorded does not open (S1, S33).
 */
#include "common/base/base.h"
#include "common/authz/authz.h"
#include "common/credential/credential.h"
#include "pam_iam/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECOVERY_DEVICE "recovery-code" /* for MFAIdentifier: it is no ARN */

_Static_assert(RECOVERY_HASH_LEN == SNAP_RECOVERY_HASH &&
    RECOVERY_CODES <= SNAP_RECOVERY_MAX, "what the snapshot holds");

void
flow_set_note(struct flow *f, const char *what, int err)
{
	if (f->note[0] != '\0')
		return; /* the first one is the cause */
	snprintf(f->note, sizeof(f->note), "%s: %s", what, iam_strerror(err));
}

/* The throttle counts per address, and at this host per user id of the caller. */
static uint64_t
source_of(const struct flow_facts *facts)
{
	char address[64];

	if (facts->rhost == NULL || facts->rhost[0] == '\0')
		return runtime_source_local(facts->caller_uid);
	return runtime_source_remote(authz_literal_address(facts->rhost, address,
	    sizeof(address)) ? address : facts->rhost);
}

static void
broken(struct flow *f, int err, const char *reason)
{
	f->id.who = FLOW_BROKEN;
	f->id.err = err;
	f->id.reason = reason;
}

/*
 * The runtime state is needed for everything that opens. The session that this
 * process belongs to counts for its own user acting in person only, so nobody
 * looks for it on behalf of a daemon; and the helper may not see it, nor, with
 * hidepid, the processes on the way.
 */
static void
open_runtime(struct flow *f)
{
	int r;

	r = runtime_open(f->host->run, f->host->auth_gid, &f->rt);
	if (r != 0)
		f->rt = NULL;
	else if (f->facts->caller_uid != 0 && !f->facts->by_proxy)
		r = runtime_session_find(f->rt, f->facts->pid, &f->has_session,
		    &f->session_pid, &f->session);
	if (r == 0 && f->facts->makes_state)
		runtime_allow_make(f->rt);
	if (r != 0) {
		f->has_session = false;
		broken(f, r, "RuntimeUnavailable");
	}
}

int
flow_open(const struct flow_host *host, const struct flow_facts *facts,
    enum flow_mode mode, struct flow **ret)
{
	struct flow *f;
	int r;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return IAM_ERR_MEMORY;
	f->host = host;
	f->facts = facts;
	f->recovery_left = -1;
	f->source = source_of(facts);
	identify(host, facts->user, mode, &f->id);
	if (f->id.who == FLOW_OURS)
		open_runtime(f);
	if (f->id.who == FLOW_OURS &&
	    (r = login_key_read(facts->key, &f->id.account, &f->id.principal,
	    &f->key)) != 0)
		broken(f, r, "InternalError");
	/* The helper's caller says what he likes: no login comes of it. */
	f->action = f->id.have_account && facts->service != NULL &&
	    !facts->by_proxy ? snap_action_for(&f->id.account, facts->service) :
	    "host:Authenticate";
	if (f->id.who == FLOW_BROKEN)
		flow_set_note(f, f->id.reason, f->id.err);
	*ret = f;
	return 0;
}

void
flow_close(struct flow *f)
{
	if (f == NULL)
		return;
	runtime_close(f->rt);
	identity_release(&f->id);
	explicit_bzero(f, sizeof(*f));
	free(f);
}

enum flow_who
flow_who(const struct flow *f)
{
	return f->id.who;
}

int
flow_error(const struct flow *f)
{
	return f->id.who == FLOW_BROKEN ? f->id.err : 0;
}

const char *
flow_note(const struct flow *f)
{
	return f->note;
}

const struct snap_principal *
flow_principal(const struct flow *f)
{
	return f->id.who == FLOW_OURS ? &f->id.principal : NULL;
}

const struct snap_account *
flow_account(const struct flow *f)
{
	return f->id.who == FLOW_OURS ? &f->id.account : NULL;
}

/* ---- what has been proved ---- */

/*
 * MFA of the session counts while it is fresh, and only for the session's own
 * user acting in person: a daemon that she restarted is among her session's
 * processes as well, but it runs as root, and those who log in through it are
 * somewhere else.
 */
static bool
session_counts(const struct flow *f, uint32_t uid)
{
	return f->has_session && f->session.uid == uid &&
	    f->facts->caller_uid == uid;
}

static bool
fresh(const struct flow *f, int64_t mfa_s)
{
	return mfa_s > 0 && mfa_s <= f->facts->now_s &&
	    f->facts->now_s - mfa_s < (int64_t)f->id.account.mfa_memory_s;
}

void
flow_proof(const struct flow *f, uint32_t uid, const struct runtime_evidence *e,
    struct proof *p)
{
	*p = (struct proof){ 0 };
	if (session_counts(f, uid)) {
		p->mfa_known = true;
		p->issued_s = f->session.auth_s;
		p->methods = f->session.methods & ~(uint32_t)RUNTIME_MFA;
		if (fresh(f, f->session.mfa_s)) {
			p->mfa_s = f->session.mfa_s;
			p->device = f->session.device;
		}
	}
	if (e != NULL && e->uid == uid) {
		p->methods = e->methods;
		p->mfa_known = true;
		if (p->issued_s == 0)
			p->issued_s = e->auth_s;
		if (e->mfa_s > p->mfa_s) {
			p->mfa_s = e->mfa_s;
			p->device = e->device;
		}
	}
	if (f->facts->publickey)
		p->methods |= RUNTIME_PUBLICKEY;
	if (f->key.certified && f->id.principal.uid == uid) {
		p->mfa_known = true;
		p->issued_s = f->key.issued_s;
		if (f->key.mfa_s > p->mfa_s && f->key.mfa_s <= f->facts->now_s)
			p->mfa_s = f->key.mfa_s;
	}
	if (p->mfa_s != 0)
		p->methods |= RUNTIME_MFA;
}

/* ---- questions ---- */

/* Would it be allowed with what is proved already and the password, and no
 * further code? with_code: and with one? */
static int
allowed(struct flow *f, bool with_code, bool *ret)
{
	struct runtime_evidence now = { 0 };
	struct pol_decision decision;
	struct authz_attempt at;
	struct judge j;
	struct proof p;
	int r;

	*ret = false;
	if ((r = judge_open(f, &j)) != 0)
		goto out;
	/* As it will be when the password has turned out right. */
	now.uid = f->id.principal.uid;
	now.methods = f->facts->publickey || f->facts->mfa_only ? 0 :
	    RUNTIME_PASSWORD;
	now.auth_s = f->facts->now_s;
	now.mfa_s = with_code ? f->facts->now_s : 0;
	if (j.rule == RULE_ROOT) {
		*ret = true;
		goto out;
	}
	flow_proof(f, j.principal->uid, &now, &p);
	judge_attempt(f, &j, &p, &at);
	r = authz_decide(j.authz, &at, &decision);
	*ret = r == 0 && decision.effect == POL_ALLOWED;
out:
	judge_release(&j);
	return r;
}

/* A certificate's MFA counts as that of the login session that it comes from. */
static bool
certified_mfa(const struct flow *f)
{
	return f->facts->publickey && f->key.certified &&
	    f->key.mfa_s > 0 && f->key.mfa_s <= f->facts->now_s;
}

static bool
code_needed(struct flow *f)
{
	const struct snap_account *account = &f->id.account;
	uint32_t uid = f->id.principal.uid;
	bool without;
	int r;

	if (f->facts->mfa_only)
		return true;
	if (certified_mfa(f))
		return false;
	if (f->id.principal.device_count > 0 && account->mfa_when_enrolled != 0 &&
	    !(session_counts(f, uid) && fresh(f, f->session.mfa_s)))
		return true;
	if ((r = allowed(f, false, &without)) != 0) {
		flow_set_note(f, "cannot decide", r);
		return true;
	}
	return !without;
}

/* Until when a user may enrol a device by herself. */
static bool
in_time(const struct flow *f)
{
	int64_t age;

	if (__builtin_sub_overflow(f->facts->now_s, f->id.principal.enrol_from_s,
	    &age))
		return false;
	return age < (int64_t)f->id.account.enrolment_days * 86400;
}

/* The part of it that is the same for everyone. */
static bool
enrolment_possible(const struct flow *f)
{
	return f->facts->can_enrol && !f->facts->mfa_only && f->id.have_account &&
	    f->id.account.self_enrolment != SNAP_ENROLMENT_OFF &&
	    (strcmp(f->action, "host:Login") == 0 ||
	    strcmp(f->action, "host:Sudo") == 0);
}

/*
 * Is a device what she lacks? Where the settings do not ask for one anyway, only
 * when the policies allow it with MFA and do not without.
 */
static void
find_enrolment(struct flow *f)
{
	bool always = f->id.account.self_enrolment == SNAP_ENROLMENT_ALWAYS;
	bool with = false, without = true;

	f->enrolment = ENROLMENT_NO;
	if (!enrolment_possible(f) || f->id.who != FLOW_OURS ||
	    f->id.principal.device_count > 0 || f->id.principal.enabled == 0 ||
	    allowed(f, true, &with) != 0 || !with ||
	    (!always && (allowed(f, false, &without) != 0 || without)))
		return;
	if (in_time(f))
		f->enrolment = ENROLMENT_OFFERED;
	else if (always)
		f->enrolment = ENROLMENT_OVER;
}

static bool
one_line(const struct flow *f)
{
	return f->id.have_account && f->facts->service != NULL &&
	    snap_is_one_line(&f->id.account, f->facts->service);
}

unsigned
flow_questions(struct flow *f)
{
	f->questions = FLOW_PASSWORD | FLOW_CODE;
	if (f->id.who == FLOW_OURS && !code_needed(f))
		f->questions = certified_mfa(f) ? FLOW_NOTHING : FLOW_PASSWORD;
	else if (f->facts->publickey || f->facts->mfa_only)
		f->questions = FLOW_CODE;
	if (f->questions == FLOW_NOTHING)
		return f->questions;
	if ((f->questions & FLOW_PASSWORD) != 0 && one_line(f)) {
		f->questions |= FLOW_JOINED; /* no room for an enrolment */
		return f->questions;
	}
	find_enrolment(f);
	if ((f->questions & FLOW_CODE) != 0 && enrolment_possible(f))
		f->questions |= FLOW_MAY_BE_EMPTY;
	return f->questions;
}

/* ---- codes ---- */

struct code_match {
	bool hit;
	bool reused;          /* right, but used before */
	bool recovery;        /* it is one of the recovery codes */
	unsigned device;
	uint64_t step;
	struct runtime_drift drift;
};

/* The step that was running at t_s, and all before it, are over. */
static uint64_t
steps_until(int64_t t_s, const struct snap_device *d, int32_t drift)
{
	int64_t step;

	if (t_s <= 0 || d->period_s == 0)
		return 0;
	step = t_s / (int64_t)d->period_s + drift;
	return step > 0 ? (uint64_t)step : 0;
}

static int
min_step(struct flow *f, const struct snap_device *d,
    struct runtime_drift *drift, uint64_t *ret)
{
	uint64_t last, enabled, epoch;
	int64_t enabled_s;
	int r;

	r = runtime_totp_drift(f->rt, f->id.principal.uid, d->serial, drift, &last);
	if (r != 0)
		return r;
	enabled_s = d->enabled_s > INT64_MAX ? INT64_MAX : (int64_t)d->enabled_s;
	enabled = steps_until(enabled_s, d, d->drift_steps);
	/* Whichever its clock is: what it may have shown before the boot is over. */
	epoch = steps_until(runtime_epoch_s(f->rt), d,
	    drift->drift > drift->base ? drift->drift : drift->base);
	if (enabled > last)
		last = enabled;
	*ret = epoch > last ? epoch : last;
	return 0;
}

/* Around one drift. */
static int
check_window(struct flow *f, unsigned i, const struct secret *seed,
    int32_t drift, uint64_t min, const char *code, struct code_match *m)
{
	const struct snap_device *d = &f->id.principal.devices[i];
	struct totp_params params = { d->alg, d->digits, d->period_s, drift };
	bool ok = false, reused = false;
	uint64_t step;
	int r;

	r = totp_check(seed, &params, code, f->facts->now_s, min, &ok, &step,
	    &reused);
	if (r != 0)
		return r;
	if (reused)
		m->reused = true;
	if (ok && !m->hit) {
		m->hit = true;
		m->device = i;
		m->step = step;
	}
	return 0;
}

static int
check_device(struct flow *f, const struct seal_key *key, unsigned i,
    const char *code, struct code_match *m)
{
	const struct snap_device *d = &f->id.principal.devices[i];
	struct runtime_drift drift = { d->drift_steps, d->learnt_steps, 0 };
	struct secret seed = SECRET_INIT;
	bool had = m->hit;
	uint64_t min;
	int r;

	if ((r = unseal(key, d->serial, d->seed, d->seed_len, &seed)) == 0 &&
	    (r = min_step(f, d, &drift, &min)) == 0 &&
	    (r = check_window(f, i, &seed, drift.drift, min, code, m)) == 0 &&
	    drift.drift != drift.base)
		r = check_window(f, i, &seed, drift.base, min, code, m);
	secret_release(&seed);
	if (!had && m->hit)
		m->drift = drift;
	return r;
}

static int
check_recovery(struct flow *f, const struct seal_key *key, const char *code,
    struct code_match *m)
{
	const struct snap_principal *p = &f->id.principal;
	uint8_t hash[RECOVERY_HASH_LEN];
	bool is = false;
	int r;

	r = recovery_hash(key, p->user_id, code, &is, hash);
	m->recovery = r == 0 && is &&
	    recovery_find(hash, p->recovery, p->recovery_count) >= 0;
	return r;
}

/*
 * Compare with every device, whichever matches. A device that cannot be
 * checked is an error only when no other one matched, and then whatever the
 * password was.
 */
static int
check_code(struct flow *f, const char *code, struct code_match *m)
{
	struct seal_key key;
	unsigned i;
	int r, failed = 0;

	*m = (struct code_match){ 0 };
	if (f->id.principal.device_count == 0 && f->id.principal.recovery_count == 0)
		return 0;
	if ((r = seal_key_load(f->host->seal_key, &key)) != 0)
		return r;
	for (i = 0; i < f->id.principal.device_count && i < SNAP_DEVICES_MAX; i++) {
		r = check_device(f, &key, i, code, m);
		if (r != 0)
			failed = r;
	}
	if ((r = check_recovery(f, &key, code, m)) != 0)
		failed = r;
	explicit_bzero(&key, sizeof(key));
	return m->hit || m->recovery ? 0 : failed;
}

/* ---- judging ---- */

/* What is wrong with an attempt; NULL: nothing. */
struct attempt {
	const struct flow_answers *a;
	bool begun; /* counted, and not judged yet: end_attempt */
	struct runtime_attempt count;
	struct secret password, typed; /* of a joined answer; owned */
	bool throttled;
	bool password_ok;
	struct code_match code;
	const char *reason;
};

static int
one_crypt(const struct flow_answers *a, const char *hash, bool *ret_ok)
{
	const struct secret none = SECRET_INIT;

	return password_check(a->password != NULL && !a->bad ? a->password :
	    &none, hash, ret_ok);
}

int
flow_event(struct flow *f, const struct event *e, const char id[37])
{
	bool allowed = true;
	int r = 0;

	if (f->facts->by_proxy && f->rt != NULL)
		r = runtime_event_allowed(f->rt, f->id.principal.uid,
		    f->facts->now_s, &allowed);
	if (r == 0 && !allowed)
		return IAM_ERR_LIMIT; /* without a note: it would fill syslog instead */
	if (r == 0)
		r = event_write(f->host, f->facts,
		    f->id.have_account ? &f->id.account : NULL, e, id);
	if (r != 0)
		flow_set_note(f, "the audit event is lost", r);
	return r;
}

/* ---- password and code in one answer ---- */

/* Could the last len bytes be a code of that length? */
static bool
looks_like_code(const struct secret *answer, size_t len)
{
	size_t i;

	if (answer->len < len)
		return false;
	if (len > 8)
		return true; /* recovery_hash says */
	for (i = answer->len - len; i < answer->len; i++) {
		if (answer->p[i] < '0' || answer->p[i] > '9')
			return false;
	}
	return true;
}

/*
 * Where the password ends is not for guessing: it may end in digits itself, and
 * there are devices of six and of eight. So the code decides: what stands at the end
 * and is good now, or was used, on a device of hers, is the code. Without one, all of
 * it is the password: one crypt(3) either way. (By chance a longer
 * code's end is good as well: 1 in 10^5 logins; the next code will do.)
 */
static int
split(struct flow *f, struct attempt *t)
{
	static const size_t lengths[] = { 6, 8, RECOVERY_TEXT_LEN,
		RECOVERY_TEXT_LEN - 3 };
	const struct secret *answer = t->a->password;
	size_t i, front, len = 0;
	int r = 0;

	for (i = 0; i < IAM_COUNT(lengths) && len == 0; i++) {
		if (!looks_like_code(answer, lengths[i]))
			continue;
		front = answer->len - lengths[i];
		r = check_code(f, secret_str(answer) + front, &t->code);
		if (r != 0)
			return r;
		if (t->code.hit || t->code.recovery || t->code.reused)
			len = lengths[i];
	}
	f->code_len = len;
	front = answer->len - len;
	if ((r = secret_set(&t->password, answer->p, front)) == 0)
		r = secret_set(&t->typed, answer->p + front, len);
	return r;
}

static bool
joined(const struct flow *f)
{
	return (f->questions & FLOW_JOINED) != 0;
}

static int
write_failure(struct flow *f, const char *reason, const char *message)
{
	struct event e = { 0 };
	bool login = strcmp(f->action, "host:Login") == 0;
	char id[37];
	int r;

	e.who = f->id.who == FLOW_OURS ? EVENT_PRINCIPAL : EVENT_UNKNOWN;
	e.principal = &f->id.principal;
	e.name = event_name(f->action);
	e.type = login ? "AwsConsoleSignIn" : "AwsServiceEvent";
	e.outcome = login ? "Failure" : NULL;
	e.error_message = message;
	e.reason = reason;
	e.methods = f->facts->publickey ? RUNTIME_PUBLICKEY : 0;
	if ((r = trail_event_id(id)) == 0)
		r = flow_event(f, &e, id);
	return r;
}

/* Nobody, or nobody whom we can judge: one crypt, an event, a no. */
static int
judge_in_vain(struct flow *f, const struct flow_answers *a)
{
	bool ok;
	int r = 0;

	if (a->password != NULL)
		r = one_crypt(a, NULL, &ok);
	if (f->id.who == FLOW_NOBODY) {
		write_failure(f, "NoSuchUser", "Failed authentication");
		return r;
	}
	write_failure(f, f->id.who == FLOW_BROKEN ? f->id.reason : "NotGoverned",
	    "Failed authentication");
	return f->id.who == FLOW_BROKEN ? f->id.err : IAM_ERR_BUG;
}

/* Counted before it is judged; a no when there were too many failures. */
static int
begin_attempt(struct flow *f, struct attempt *t)
{
	const struct runtime_limits limits = { f->id.account.throttle_free,
		f->id.account.throttle_max_s };
	int r;

	r = runtime_attempt_begin(f->rt, f->id.principal.uid, f->source,
	    f->facts->now_s, &limits, &t->begun, &t->count);
	t->throttled = !t->begun;
	return r;
}

/* Whoever was not looked at proves nothing either way (S16). */
static int
end_attempt(struct flow *f, struct attempt *t, enum runtime_outcome outcome)
{
	if (!t->begun)
		return 0;
	t->begun = false;
	return runtime_attempt_end(f->rt, &t->count, outcome, f->facts->now_s,
	    NULL);
}

static const char *
why_not(const struct flow *f, const struct attempt *t, bool code_asked)
{
	const struct snap_principal *p = &f->id.principal;

	if (t->throttled)
		return "Throttled";
	if (t->a->bad)
		return "InvalidAnswer";
	if (p->enabled == 0)
		return "UserDisabled";
	if (t->a->password != NULL && p->password_hash == NULL)
		return "NoLoginProfile";
	if (t->a->password != NULL && !t->password_ok)
		return joined(f) && f->code_len == 0 ? "WrongPasswordOrCode" :
		    "WrongPassword";
	if (t->code.hit)
		return NULL;
	/* Only a front that can have it used up for good may take it. */
	if (t->code.recovery)
		return f->host->use_recovery != NULL ? NULL : "RecoveryCodeNotHere";
	if (f->enrolment == ENROLMENT_OVER)
		return "EnrolmentOver";
	if (!code_asked || f->enrolment == ENROLMENT_OFFERED)
		return NULL;
	/*
	 * A code was asked of someone without a device: beside a right password
	 * it is the account phase's policies that deny (S3); alone it proves nothing.
	 */
	if (p->device_count == 0)
		return t->a->password != NULL ? NULL : "NoDevice";
	return t->code.reused ? "CodeReused" : "WrongCode";
}

/* Both answers are looked at, whatever the first one was. */
static int
look(struct flow *f, struct attempt *t)
{
	struct flow_answers front = *t->a;
	const struct flow_answers *a = t->a;
	const char *hash;
	bool code_asked = (f->questions & FLOW_CODE) != 0;
	int r, r2 = 0;

	r = begin_attempt(f, t);
	if (joined(f) && !a->bad) {
		if ((r2 = split(f, t)) != 0 && r == 0)
			r = r2;
		front.password = &t->password;
		a = &front;
	}
	hash = t->throttled || a->bad || f->id.principal.enabled == 0 ? NULL :
	    f->id.principal.password_hash;
	if (a->password != NULL)
		r2 = one_crypt(a, hash, &t->password_ok);
	if (r == 0)
		r = r2;
	if (code_asked && !joined(f))
		r2 = check_code(f, a->code != NULL && !a->bad ?
		    secret_str(a->code) : "", &t->code);
	if (r == 0)
		r = r2;
	if (r == 0)
		t->reason = why_not(f, t, code_asked);
	return r;
}

/*
 * The store decides who was first, and what it has decided survives a reboot. When it
 * cannot be written, the code is not used up and opens nothing (S35, S38).
 */
static int
claim_recovery(struct flow *f, struct attempt *t)
{
	unsigned left = 0;
	bool won = false;
	int r;

	r = f->host->use_recovery(f->host->publish_arg, f->id.principal.user_name,
	    joined(f) ? &t->typed : t->a->code, &won, &left);
	if (r == 0 && !won)
		t->reason = "CodeReused";
	else if (r == 0)
		f->recovery_left = (int)left;
	return r;
}

/* How far ahead of our clock the device was with this code. Nothing of it can
 * keep her out: it is there to let her in next time, too. */
static void
learn_drift(struct flow *f, struct code_match *m)
{
	const struct snap_principal *p = &f->id.principal;
	const struct snap_device *d = &p->devices[m->device];
	int64_t offset = (int64_t)m->step - f->facts->now_s / (int64_t)d->period_s;
	bool moved = false;
	int r;

	if (offset == m->drift.drift && m->drift.lean == 0)
		return;
	r = runtime_totp_learn(f->rt, p->uid, d->serial, (int32_t)offset, &m->drift,
	    &moved);
	if (r == 0 && moved && f->host->record_drift != NULL)
		r = f->host->record_drift(f->host->publish_arg, p->user_name,
		    d->serial, m->drift.drift);
	if (r != 0)
		flow_set_note(f, "a device's drift is not kept", r);
}

/* One use of a code opens once: exactly one of several wins (S35). */
static int
claim(struct flow *f, struct attempt *t)
{
	const struct snap_principal *p = &f->id.principal;
	bool won = false;
	int r;

	if (t->reason == NULL && t->code.recovery)
		return claim_recovery(f, t);
	if (t->reason != NULL || !t->code.hit)
		return 0;
	r = runtime_totp_claim(f->rt, p->uid, p->devices[t->code.device].serial,
	    t->code.step, &won);
	if (r == 0 && !won)
		t->reason = "CodeReused";
	else if (r == 0)
		learn_drift(f, &t->code);
	return r;
}

static void
copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

/* device: what answered with a code; NULL: nothing did. */
static void
make_evidence(const struct flow *f, uint32_t methods, const char *device,
    struct runtime_evidence *e)
{
	const struct snap_principal *p = &f->id.principal;

	*e = (struct runtime_evidence){ 0 };
	e->uid = p->uid;
	e->auth_s = f->facts->now_s;
	e->methods = methods;
	if (device != NULL) {
		e->methods |= RUNTIME_MFA;
		e->mfa_s = f->facts->now_s;
		copy_text(e->device, sizeof(e->device), device);
	}
	copy_text(e->user, sizeof(e->user), p->unix_name);
	copy_text(e->service, sizeof(e->service), f->facts->service);
	copy_text(e->rhost, sizeof(e->rhost), f->facts->rhost);
	copy_text(e->tty, sizeof(e->tty), f->facts->tty);
}

static int
leave_evidence(struct flow *f, const struct runtime_evidence *e)
{
	int r = 0;

	if (!f->facts->by_proxy)
		r = runtime_evidence_put(f->rt, f->facts->pid, e);
	if (r == 0 && !f->facts->by_proxy && f->facts->parent > 1)
		r = runtime_evidence_put(f->rt, f->facts->parent, e);
	/* A code typed for sudo is good for the session's next sudo, too. When
	 * that cannot be kept, the next one asks again. */
	if (r == 0 && e->mfa_s != 0 && session_counts(f, e->uid) &&
	    runtime_session_mfa(f->rt, f->session_pid, e->mfa_s, e->device) != 0)
		flow_set_note(f, "MFA is not remembered", IAM_ERR_IO);
	return r;
}

/* For the person's next login; what cannot be kept is not told. */
static void
count_for_her(struct flow *f)
{
	if (!f->facts->by_proxy && f->host->logins != NULL &&
	    strcmp(f->action, "host:Login") == 0)
		(void)lastlogin_failed(f->host->logins, f->id.principal.uid,
		    f->facts->now_s);
}

/* A failure counts, and that it could be counted is a condition: an answer that
 * costs nothing could be asked for without end. */
static int
failed(struct flow *f, struct attempt *t)
{
	int r = end_attempt(f, t, RUNTIME_FAILED);

	count_for_her(f);
	write_failure(f, t->reason, "Failed authentication");
	if (r != 0)
		flow_set_note(f, "the failure cannot be counted", r);
	return r;
}

static int
cannot_judge(struct flow *f, struct attempt *t, int r)
{
	end_attempt(f, t, RUNTIME_FAILED);
	flow_set_note(f, "authentication cannot be judged", r);
	write_failure(f, "InternalError", iam_strerror(r));
	return r;
}

static int
permit(struct flow *f, struct attempt *t, const char *device,
    enum flow_verdict *ret, struct runtime_evidence *ret_evidence)
{
	struct runtime_evidence e;
	int r;

	make_evidence(f, f->proved, device, &e);
	if ((r = leave_evidence(f, &e)) != 0 ||
	    (r = end_attempt(f, t, RUNTIME_PROVED)) != 0)
		return cannot_judge(f, t, r);
	if (ret_evidence != NULL)
		*ret_evidence = e;
	*ret = FLOW_PERMIT;
	return 0;
}

int
flow_judge(struct flow *f, const struct flow_answers *a, enum flow_verdict *ret,
    struct runtime_evidence *ret_evidence)
{
	struct attempt t = { .a = a, .reason = "NotJudged" };
	const char *device = NULL;
	int r;

	*ret = FLOW_DENY;
	if (f->id.who != FLOW_OURS)
		return judge_in_vain(f, a);
	if (f->questions == 0 ||
	    ((f->questions & FLOW_PASSWORD) != 0) != (a->password != NULL) ||
	    ((f->questions & FLOW_CODE) != 0 && !joined(f)) != (a->code != NULL))
		return IAM_ERR_BUG;
	if ((r = look(f, &t)) == 0)
		r = claim(f, &t);
	secret_release(&t.password);
	secret_release(&t.typed);
	if (r != 0)
		return cannot_judge(f, &t, r);
	if (t.reason != NULL)
		return failed(f, &t);
	f->proved = (a->password != NULL ? RUNTIME_PASSWORD : 0) |
	    (f->facts->publickey ? RUNTIME_PUBLICKEY : 0);
	if (t.code.recovery)
		device = RECOVERY_DEVICE;
	else if (t.code.hit)
		device = f->id.principal.devices[t.code.device].serial;
	if (device == NULL && f->enrolment == ENROLMENT_OFFERED) {
		/* It was right, and it proves too little to forget failures (S15). */
		if ((r = end_attempt(f, &t, RUNTIME_NEITHER)) != 0)
			return cannot_judge(f, &t, r);
		f->enrolling = true;
		*ret = FLOW_ENROL;
		return 0;
	}
	return permit(f, &t, device, ret, ret_evidence);
}

int
flow_enrolled(struct flow *f, const char *serial, enum flow_verdict *ret,
    struct runtime_evidence *ret_evidence)
{
	struct attempt over = { .begun = false };

	*ret = FLOW_DENY;
	if (!f->enrolling)
		return IAM_ERR_BUG;
	f->enrolling = false;
	return permit(f, &over, serial, ret, ret_evidence);
}

void
flow_not_enrolled(struct flow *f)
{
	f->enrolling = false;
	write_failure(f, "EnrolmentNotCompleted", "Failed authentication");
}

bool
flow_hash_is_old(const struct flow *f)
{
	const char *hash = f->id.principal.password_hash;

	return f->id.who == FLOW_OURS && !f->has_session && hash != NULL &&
	    !password_hash_is_current(hash);
}

size_t
flow_password_len(const struct flow *f, const struct secret *answer)
{
	return answer->len - (joined(f) ? f->code_len : 0);
}

int
flow_recovery_left(const struct flow *f)
{
	return f->recovery_left;
}

int
flow_check_password(struct flow *f, const struct flow_answers *a,
    enum flow_verdict *ret)
{
	struct attempt t = { .a = a, .reason = "NotJudged" };
	int r, r2;

	*ret = FLOW_DENY;
	if (f->id.who != FLOW_OURS)
		return judge_in_vain(f, a);
	if (a->password == NULL)
		return IAM_ERR_BUG;
	f->questions = FLOW_PASSWORD;
	if ((r = look(f, &t)) == 0 && t.reason != NULL)
		return failed(f, &t);
	/* The password alone is not all that a login proves (S15). */
	r2 = end_attempt(f, &t, r == 0 ? RUNTIME_NEITHER : RUNTIME_FAILED);
	if (r == 0)
		r = r2;
	if (r != 0) {
		flow_set_note(f, "the password cannot be judged", r);
		return r;
	}
	*ret = FLOW_PERMIT;
	return 0;
}
