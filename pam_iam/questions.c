/*
 * What is asked. Which questions come depends on the policies and the settings
 * only, never on whether an answer was right (S8).
 */
#include "common/base/base.h"
#include "common/authz/authz.h"
#include "pam_iam/internal.h"

#include <string.h>

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
	if (j.rule == RULE_ROOT || j.refused != NULL) {
		*ret = j.rule == RULE_ROOT;
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
	    !(flow_session_counts(f, uid) && flow_mfa_fresh(f, f->session.mfa_s)))
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

static void
find_questions(struct flow *f)
{
	f->questions = FLOW_PASSWORD | FLOW_CODE;
	/* A role's session is all the credentials that it has. */
	if (f->becoming != ROLE_REFUSED && f->as.name != NULL) {
		f->questions = FLOW_NOTHING;
		return;
	}
	if (f->id.who == FLOW_OURS && !code_needed(f))
		f->questions = certified_mfa(f) ? FLOW_NOTHING : FLOW_PASSWORD;
	else if (f->facts->publickey || f->facts->mfa_only)
		f->questions = FLOW_CODE;
	if (f->questions == FLOW_NOTHING)
		return;
	if ((f->questions & FLOW_PASSWORD) != 0 && one_line(f)) {
		f->questions |= FLOW_JOINED; /* no room for an enrolment */
		return;
	}
	find_enrolment(f);
	if ((f->questions & FLOW_CODE) != 0 && enrolment_possible(f))
		f->questions |= FLOW_MAY_BE_EMPTY;
}

unsigned
flow_questions(struct flow *f)
{
	find_questions(f);
	flow_park_snapshot(f);
	return f->questions;
}
