/*
 * Judging the answers. Rules kept here:
 *
 *  - a judged password costs one crypt(3), known name or not;
 *  - a code is claimed before it opens anything, and only when the rest is right (S35);
 *  - what cannot be counted or recorded does not open (S1, S33).
 */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/internal.h"

#include <string.h>

#define RECOVERY_DEVICE "recovery-code" /* for MFAIdentifier: it is no ARN */

/* What is wrong with an attempt; NULL: nothing. */
struct attempt {
	const struct flow_answers *a;
	bool begun; /* counted, and not judged yet: end_attempt */
	struct runtime_attempt count;
	struct secret password, typed; /* of a joined answer; owned */
	bool throttled;
	bool source_throttled; /* whoever she is: too much has failed from there */
	bool stranger;         /* not yet seen from there: the source's budget is asked */
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
		r = code_check(f, secret_str(answer) + front, &t->code);
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
	e.role_session = f->as.name;
	e.source_identity = f->as.source_identity;
	e.methods = f->facts->publickey ? RUNTIME_PUBLICKEY : 0;
	if ((r = trail_event_id(id)) == 0)
		r = flow_event(f, &e, id);
	return r;
}

/* Of one person or household, so that its failures say something: not the console's or
 * a daemon's, nor a service's that asks the helper. */
static bool
source_has_budget(const struct flow *f)
{
	return f->id.account.source_free != 0 && !f->facts->by_proxy &&
	    f->source != runtime_source_local(0);
}

/* The user's own throttle has counted; this one makes a guesser of many names slow, and
 * where it cannot, that one stays. */
static void
count_for_source(struct flow *f)
{
	int r = runtime_source_failed(f->rt, f->source, f->facts->now_s);

	if (r != 0)
		flow_set_note(f, "the source's failure is not counted", r);
}

static int
may_try(struct flow *f, bool *ret)
{
	const struct runtime_limits limits = { f->id.account.source_free,
		f->id.account.throttle_max_s };

	return runtime_source_ask(f->rt, f->source, f->facts->now_s, &limits, ret);
}

/* Names that nobody has are guesses as well, and like others count only when their
 * time has come: else they would keep the delay going for ever (S16). */
static void
count_nobody(struct flow *f)
{
	bool allowed = false;

	if (f->id.have_account && source_has_budget(f) &&
	    flow_need_runtime(f) == 0 && may_try(f, &allowed) == 0 && allowed)
		count_for_source(f);
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
		count_nobody(f);
		write_failure(f, "NoSuchUser", "Failed authentication");
		return r;
	}
	write_failure(f, f->id.who == FLOW_BROKEN ? f->id.reason : "NotGoverned",
	    "Failed authentication");
	return f->id.who == FLOW_BROKEN ? f->id.err : IAM_ERR_BUG;
}

/* Guesses at many names. Whoever has logged in from there before is no stranger. */
static int
ask_source(struct flow *f, struct attempt *t)
{
	bool known = true, allowed = true;
	int r;

	if (!source_has_budget(f))
		return 0;
	if ((r = runtime_source_known(f->rt, f->id.principal.uid, f->source,
	    &known)) != 0)
		return r;
	t->stranger = !known;
	if (t->stranger)
		r = may_try(f, &allowed);
	t->source_throttled = !allowed;
	return r;
}

/* Counted before it is judged; a no when there were too many failures. */
static int
begin_attempt(struct flow *f, struct attempt *t)
{
	const struct runtime_limits limits = { f->id.account.throttle_free,
		f->id.account.throttle_max_s };
	int r;

	t->throttled = true;
	if ((r = ask_source(f, t)) != 0 || t->source_throttled)
		return r;
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
		return t->source_throttled ? "SourceThrottled" : "Throttled";
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
		r2 = code_check(f, a->code != NULL && !a->bad ?
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
		code_learn_drift(f, &t->code);
	return r;
}

static void
forgive_source(struct flow *f, const struct attempt *t)
{
	if (t->stranger && runtime_source_proved(f->rt, f->source,
	    f->facts->now_s) != 0)
		flow_set_note(f, "the source's success is not counted", IAM_ERR_IO);
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

	if (t->stranger && !t->throttled)
		count_for_source(f);
	f->code_used = t->a->password == NULL &&
	    strcmp(t->reason, "CodeReused") == 0;
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

	evidence_make(f, f->proved, device, &e);
	if ((r = evidence_leave(f, &e)) != 0 ||
	    (r = end_attempt(f, t, RUNTIME_PROVED)) != 0)
		return cannot_judge(f, t, r);
	forgive_source(f, t);
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
	if (f->rt == NULL || f->questions == 0 ||
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
flow_not_enrolled(struct flow *f, bool shown)
{
	f->enrolling = false;
	write_failure(f, shown ? "EnrolmentNotCompleted" : "EnrolmentNotHere",
	    "Failed authentication");
}

size_t
flow_password_len(const struct flow *f, const struct secret *answer)
{
	return answer->len - (joined(f) ? f->code_len : 0);
}

bool
flow_code_was_used(const struct flow *f)
{
	return f->code_used;
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
	if (f->rt == NULL || a->password == NULL)
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
