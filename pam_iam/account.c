/*
 * The account phase: whose policies decide, the decision, its event.
 *
 * Who is the principal under su, and why: docs/architecture.md.
 */
#include "common/base/base.h"
#include "common/authz/authz.h"
#include "common/base/governed.h"
#include "pam_iam/internal.h"

#include <stdlib.h>
#include <string.h>

#define SWITCH_ACTION "host:SwitchUser"
#define REASONS_TOLD 3

/* ---- whose policies ---- */

static bool
is_switch(const struct flow *f)
{
	return strcmp(f->action, SWITCH_ACTION) == 0;
}

/*
 * The governed caller of su, or no caller at all when it is a local account.
 * An id that cannot be resolved, or that is in our range or adopted and not in the
 * snapshot, is not known to be unmanaged: an error.
 */
int
flow_find_caller(const struct flow *f, bool *ret_hit, struct snap_principal *ret)
{
	const struct snap_account *account = &f->id.account;
	uid_t uid = f->facts->caller_uid;
	char name[IAM_UNIX_NAME_MAX + 1];
	bool known = false, hit = false;
	int r;

	*ret_hit = false;
	r = f->host->name_of(uid, &known, name, sizeof(name));
	if (r == IAM_ERR_RANGE)
		known = true; /* longer than any name of ours */
	else if (r != 0)
		return r;
	if (!known)
		return IAM_ERR_ABSENT;
	if (r == 0 && name_is_unix(name)) {
		r = snap_principal_by_name(f->id.snap, name, &hit, ret);
		if (r != 0)
			return r;
		if (hit && ret->uid != uid)
			return IAM_ERR_CONFLICT;
	}
	if (!hit && ((uid >= account->id_min && uid <= account->id_max) ||
	    (r == 0 && governed_adopted(name, f->host->governed))))
		return IAM_ERR_ABSENT;
	*ret_hit = hit;
	return 0;
}

static int
find_caller(const struct flow *f, struct judge *j)
{
	bool hit;
	int r;

	if ((j->caller = malloc(sizeof(*j->caller))) == NULL)
		return IAM_ERR_MEMORY;
	if ((r = flow_find_caller(f, &hit, j->caller)) != 0 || !hit)
		return r;
	j->rule = RULE_CALLER;
	j->principal = j->caller;
	return 0;
}

/* A role decides as a session of it, or not at all. */
static int
open_policies(const struct flow *f, struct judge *j)
{
	int r;

	if (j->principal->role != 0 && j->principal == &f->id.principal)
		j->as = f->as;
	else if (j->principal->role != 0 && !assume_session(f, j->principal, &j->as))
		j->as = (struct authz_session){ 0 };
	if (j->principal->role != 0 && j->as.name == NULL) {
		j->refused = "RoleSessionEnded";
		return 0;
	}
	r = authz_open(f->id.snap, &f->id.account, j->principal, &j->authz);
	return r == 0 && j->as.name != NULL ? authz_assume(j->authz, &j->as) : r;
}

int
judge_open(const struct flow *f, struct judge *j)
{
	int r;

	*j = (struct judge){ .rule = RULE_SELF, .principal = &f->id.principal };
	if (f->becoming == ROLE_REFUSED) {
		j->refused = f->role_refused;
		return 0;
	}
	if (f->becoming == ROLE_WANTED)
		j->rule = RULE_ASSUME;
	if (f->becoming == ROLE_BY_ROOT ||
	    (is_switch(f) && f->facts->caller_uid == 0)) {
		j->rule = RULE_ROOT;
		j->principal = NULL;
		return 0;
	}
	if (is_switch(f) && f->facts->caller_uid != f->id.principal.uid &&
	    (r = find_caller(f, j)) != 0)
		return r;
	return open_policies(f, j);
}

void
judge_release(struct judge *j)
{
	authz_free(j->authz);
	free(j->caller);
	*j = (struct judge){ 0 };
}

static const char *
text(const char *s)
{
	return s != NULL && s[0] != '\0' ? s : NULL;
}

static bool
is_assume(const struct flow *f)
{
	return strcmp(f->action, ASSUME_ACTION) == 0;
}

static void
attempt_target(const struct snap_principal *target, struct authz_attempt *at)
{
	at->resource = target->arn;
	at->resource_tags = target->tags;
	at->resource_tag_count = target->tag_count;
	at->run_as_user = target->unix_name;
}

void
judge_attempt(const struct flow *f, const struct judge *j,
    const struct proof *p, struct authz_attempt *at)
{
	*at = (struct authz_attempt){ 0 };
	at->action = f->action;
	at->service = text(f->facts->service);
	at->tty = text(f->facts->tty);
	at->rhost = text(f->facts->rhost);
	at->method = event_method(p->methods);
	at->now_s = f->facts->now_s;
	at->mfa_known = p->mfa_known;
	at->mfa = p->mfa_s != 0;
	at->mfa_s = p->mfa_s;
	at->issued_s = p->issued_s;
	at->key_type = text(f->key.type);
	at->key_bits = f->key.bits;
	if (f->key.known != NULL) {
		at->key_id = f->key.known->id;
		at->key_s = f->key.known->uploaded_s;
	}
	if (j->rule == RULE_CALLER || is_switch(f) || is_assume(f))
		attempt_target(assume_target(f), at);
	if (j->rule == RULE_ASSUME) {
		at->trust = &f->trust;
		at->session_name = f->role_session;
		at->source_identity = j->as.source_identity;
		at->duration_s = f->role_duration_s;
	}
}

/* ---- evidence ---- */

/* What the auth phase left for this process, if it was this user's. */
static int
find_evidence(struct flow *f, const struct runtime_evidence *given,
    struct runtime_evidence *room, const struct runtime_evidence **ret)
{
	const char *service = f->facts->service != NULL ? f->facts->service : "";
	bool hit = false;
	int r;

	*ret = NULL;
	if (given != NULL) {
		if (given->uid == f->id.principal.uid)
			*ret = given;
		return 0;
	}
	if (f->rt == NULL)
		return IAM_ERR_BUG;
	r = runtime_evidence_peek(f->rt, flow_pid(f), f->facts->now_s, &hit,
	    room);
	if (r == 0 && hit && room->uid == f->id.principal.uid &&
	    strncmp(room->service, service, sizeof(room->service) - 1) == 0)
		*ret = room;
	return r;
}

/* ---- the event ---- */

static void
explain(const struct judge *j, const struct authz_attempt *at, struct buf *b,
    struct event *e)
{
	struct pol_explanation *x;
	unsigned i;

	if ((x = calloc(1, sizeof(*x))) == NULL)
		return;
	if (authz_explain(j->authz, at, NULL, x) == 0) {
		for (i = 0; i < x->reason_count && i < REASONS_TOLD; i++) {
			if (i > 0)
				buf_puts(b, " ");
			buf_puts(b, x->reasons[i].text);
		}
		if (x->reason_count == 0)
			buf_puts(b, "No statement of any policy mentions this action.");
		/* The names lie in the policies, which outlive the event. */
		for (i = 0; i < x->missing_count && i < EVENT_MISSING_MAX; i++)
			e->missing[e->missing_count++] = x->missing[i];
	}
	free(x);
}

static void
event_base(const struct flow *f, struct event *e)
{
	e->who = EVENT_UNKNOWN;
	e->name = event_name(f->action);
	e->type = is_assume(f) ? "AwsApiCall" :
	    strcmp(f->action, "host:Login") == 0 ? "AwsConsoleSignIn" :
	    "AwsServiceEvent";
	if (f->id.principal.role != 0 && f->as.name != NULL) {
		e->role_session = f->as.name;
		e->source_identity = f->as.source_identity;
	}
}

static void
event_outcome(const struct flow *f, struct event *e, bool permitted)
{
	if (strcmp(f->action, "host:Login") == 0)
		e->outcome = permitted ? "Success" : "Failure";
	if (!permitted) {
		if (e->error_code == NULL)
			e->error_code = "AccessDenied";
		if (e->error_message == NULL)
			e->error_message = "Access denied by policy";
	}
}

/* Write; an event that is lost takes its id with it. */
static int
put_event(struct flow *f, const struct event *e, struct flow_decision *d)
{
	int r;

	r = flow_event(f, e, d->event_id);
	if (r != 0)
		d->event_id[0] = '\0';
	return r;
}

/* ---- the password's age ---- */

#define DAY_S 86400

bool
flow_password_expired(const struct flow *f)
{
	const struct snap_principal *p = &f->id.principal;
	int64_t age_s = f->facts->now_s - p->password_changed_s;

	if (f->id.who != FLOW_OURS || f->id.account.password_max_age_days == 0)
		return false;
	return age_s >= (int64_t)f->id.account.password_max_age_days * DAY_S;
}

bool
flow_password_due(const struct flow *f)
{
	return f->id.who == FLOW_OURS &&
	    (f->id.principal.password_reset_required != 0 ||
	    flow_password_expired(f));
}

/* Whole days until then, when a login is to tell of it; else -1. */
static int
days_to_tell(const struct flow *f)
{
	const struct snap_account *a = &f->id.account;
	int64_t left_s;

	if (a->password_max_age_days == 0 || strcmp(f->action, "host:Login") != 0)
		return -1;
	left_s = f->id.principal.password_changed_s +
	    (int64_t)a->password_max_age_days * DAY_S - f->facts->now_s;
	if (left_s <= 0 || left_s > (int64_t)a->password_warn_days * DAY_S)
		return -1;
	return (int)(left_s / DAY_S);
}

/* Nobody but an administrator makes it good again (AWS: HardExpiry). */
static bool
expired_for_good(const struct flow *f)
{
	return f->id.account.password_hard_expiry != 0 && flow_password_expired(f);
}

/* Has the target's password been typed for this attempt? Its age is of no
 * matter to who came with a key. */
static bool
was_typed(const struct judge *j, const struct runtime_evidence *e)
{
	return j->rule != RULE_ROOT && e != NULL &&
	    (e->methods & RUNTIME_PASSWORD) != 0;
}

/* ---- the decision ---- */

/* uid 0 is never governed; its use is seen, but never hindered (S0). Jobs that
 * run by themselves are no use by a person. */
static int
note_root(struct flow *f, struct flow_decision *d)
{
	struct event e = { 0 };

	d->event_id[0] = '\0';
	if (strcmp(f->action, "host:RunScheduled") == 0 ||
	    trail_event_id(d->event_id) != 0)
		return 0;
	event_base(f, &e);
	e.who = EVENT_ROOT;
	e.methods = f->facts->publickey ? RUNTIME_PUBLICKEY : 0;
	event_outcome(f, &e, true);
	put_event(f, &e, d);
	return 0;
}

/* Governed, but nothing can be decided. */
static int
deny_broken(struct flow *f, int err, const char *reason, struct flow_decision *d)
{
	struct event e = { 0 };

	event_base(f, &e);
	if (f->id.have_account && f->id.principal.arn != NULL) {
		e.who = EVENT_PRINCIPAL;
		e.principal = &f->id.principal;
	}
	e.error_code = reason;
	e.error_message = iam_strerror(err);
	e.reason = reason;
	event_outcome(f, &e, false);
	put_event(f, &e, d);
	flow_set_note(f, reason, err);
	return err;
}

/* Is anybody in it disabled? */
static const char *
disabled(const struct flow *f, const struct judge *j)
{
	if (j->principal->enabled == 0 || f->id.principal.enabled == 0)
		return "UserDisabled";
	return f->role != NULL && f->role->enabled == 0 ? "RoleDisabled" : NULL;
}

static void
event_assume(const struct flow *f, const struct judge *j, bool permitted,
    struct event_assume *a, struct event *e)
{
	const struct snap_principal *role = assume_target(f);

	*a = (struct event_assume){ .role = role, .session = f->role_session,
		.source_identity = j->as.source_identity, .permitted = permitted,
		.duration_s = j->rule == RULE_ROOT ? role->max_session_s :
		f->role_duration_s };
	e->assume = a;
	e->target = NULL;
}

/* A source identity that a role brings along is a permission of its own (STS AssumeRole). */
static int
decide_by(const struct judge *j, const struct authz_attempt *at,
    struct pol_decision *ret)
{
	struct authz_attempt set = *at;
	int r = authz_decide(j->authz, at, ret);

	if (r != 0 || ret->effect != POL_ALLOWED || at->source_identity == NULL)
		return r;
	set.action = "sts:SetSourceIdentity";
	return authz_decide(j->authz, &set, ret);
}

static int
decide(struct flow *f, const struct judge *j, const struct proof *p,
    bool typed, bool tell, struct flow_decision *d)
{
	struct pol_decision decision = { .effect = POL_IMPLICIT_DENY };
	struct buf why = BUF_INIT;
	struct authz_attempt at;
	struct event_assume assume;
	struct event e = { 0 };
	bool permitted = false;
	int r;

	event_base(f, &e);
	judge_attempt(f, j, p, &at);
	e.who = j->rule == RULE_ROOT ? EVENT_ROOT : EVENT_PRINCIPAL;
	e.principal = j->principal;
	if (j->as.name != NULL) {
		e.role_session = j->as.name;
		e.source_identity = j->as.source_identity;
	}
	e.target = at.resource;
	e.methods = p->methods;
	e.mfa_known = p->mfa_known;
	e.mfa_s = p->mfa_s;
	e.issued_s = p->issued_s;
	e.key = &f->key;
	e.device = p->device;
	r = 0;
	if (j->rule == RULE_ROOT) {
		permitted = true;
	} else if (j->refused != NULL) {
		e.reason = j->refused;
	} else if (f->key.refused != NULL) {
		e.reason = f->key.refused;
	} else if (disabled(f, j) != NULL) {
		e.reason = disabled(f, j);
	} else if (typed && expired_for_good(f)) {
		e.reason = "PasswordExpired";
		e.error_message = "The password has expired";
		d->expired = true;
	} else {
		r = decide_by(j, &at, &decision);
		permitted = r == 0 && decision.effect == POL_ALLOWED;
		e.decision = &decision;
		if (r != 0)
			e.reason = "InternalError";
		else if (!permitted)
			explain(j, &at, &why, &e);
	}
	if (why.len > 0)
		e.explanation = buf_cstr(&why);
	if (r != 0)
		e.error_message = iam_strerror(r);
	event_outcome(f, &e, permitted);
	if (is_assume(f))
		event_assume(f, j, permitted, &assume, &e);
	/* A login that leaves no trace is refused; one that is refused anyway
	 * stays so. */
	if ((tell || !permitted) && put_event(f, &e, d) != 0 && permitted)
		r = IAM_ERR_IO;
	buf_release(&why);
	if (r == 0 && permitted)
		d->verdict = FLOW_PERMIT;
	if (r != 0)
		flow_set_note(f, "cannot decide", r);
	return r;
}

/* tell: a permit is an event, too. */
static int
authorize(struct flow *f, const struct runtime_evidence *evidence, bool tell,
    struct flow_decision *d)
{
	struct runtime_evidence room;
	const struct runtime_evidence *e;
	struct judge j = { 0 };
	struct proof p;
	int r;

	*d = (struct flow_decision){ .verdict = FLOW_DENY, .password_days = -1 };
	if (f->id.who == FLOW_ROOT)
		return note_root(f, d);
	if ((r = trail_event_id(d->event_id)) != 0)
		return r;
	if (f->id.who == FLOW_BROKEN)
		return deny_broken(f, f->id.err, f->id.reason, d);
	if (f->id.who != FLOW_OURS)
		return IAM_ERR_BUG;
	if ((r = find_evidence(f, evidence, &room, &e)) != 0 ||
	    (r = judge_open(f, &j)) != 0) {
		r = deny_broken(f, r, "InternalError", d);
		goto out;
	}
	flow_proof(f, j.rule == RULE_ROOT ? f->id.principal.uid :
	    j.principal->uid, e, &p);
	if ((r = decide(f, &j, &p, was_typed(&j, e), tell, d)) == 0 &&
	    d->verdict == FLOW_PERMIT && f->becoming == ROLE_NONE &&
	    was_typed(&j, e)) {
		d->change_password = flow_password_due(f);
		if (!d->change_password)
			d->password_days = days_to_tell(f);
	}
out:
	judge_release(&j);
	flow_park_snapshot(f);
	explicit_bzero(&room, sizeof(room));
	return r;
}

int
flow_authorize(struct flow *f, const struct runtime_evidence *evidence,
    struct flow_decision *d)
{
	return authorize(f, evidence, true, d);
}

int
flow_authorize_session(struct flow *f, const struct runtime_evidence *evidence,
    struct flow_decision *d)
{
	int r;

	*d = (struct flow_decision){ .verdict = FLOW_DENY };
	if (f->id.who != FLOW_OURS)
		return f->id.who == FLOW_BROKEN ? f->id.err : IAM_ERR_BUG;
	/* Of a certificate that was the only proof sshd tells here, and not in the account
	 * phase: someone's who had the name before opens nothing. */
	if (f->id.principal.role == 0 && f->becoming == ROLE_NONE &&
	    f->key.refused == NULL) {
		d->verdict = FLOW_PERMIT;
		return 0;
	}
	if (f->id.principal.role != 0 && f->becoming == ROLE_NONE)
		return IAM_ERR_BUG; /* looked at, and not to be judged */
	r = authorize(f, evidence, f->named_late, d);
	f->session_permitted = r == 0 && d->verdict == FLOW_PERMIT;
	return r;
}
