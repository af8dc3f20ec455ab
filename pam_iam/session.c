/*
 * The session phase: evidence becomes the record that sudo and su will look
 * for among their ancestors.
 */
#include "common/base/base.h"
#include "pam_iam/internal.h"

#include <string.h>

/* A certificate's session goes on: sudo sees when that began, and its MFA; iamctl, that
 * it came by temporary credentials. */
static void
continue_certificate(const struct flow *f, struct runtime_evidence *e)
{
	if (!f->key.certified)
		return;
	e->auth_s = f->key.issued_s;
	e->methods |= RUNTIME_CERTIFICATE;
	if (f->key.mfa_s > e->mfa_s && f->key.mfa_s <= f->facts->now_s)
		e->mfa_s = f->key.mfa_s;
}

/* Take what the auth phase left: here, or in the process that authenticated. */
static int
take_evidence(struct flow *f, const struct runtime_evidence *given,
    struct runtime_evidence *e)
{
	const struct snap_principal *p = &f->id.principal;
	struct runtime_evidence left;
	bool hit = false;
	int r;

	r = runtime_evidence_take(f->rt, flow_pid(f), f->facts->now_s, &hit,
	    &left);
	if (r != 0)
		return r;
	if (given != NULL && given->uid == p->uid) {
		*e = *given;
	} else if (hit && left.uid == p->uid) {
		*e = left;
	} else {
		/* Without an auth phase: a key alone, cron, su by root. */
		*e = (struct runtime_evidence){ .uid = p->uid,
		    .auth_s = f->facts->now_s,
		    .methods = f->facts->publickey ? RUNTIME_PUBLICKEY : 0 };
		snprintf(e->user, sizeof(e->user), "%s", p->unix_name);
	}
	continue_certificate(f, e);
	return 0;
}

static void
put_event(struct flow *f, const char *name, const struct runtime_evidence *e)
{
	struct event ev = { 0 };
	char id[37];
	int r;

	ev.who = EVENT_PRINCIPAL;
	ev.principal = assume_target(f);
	if (e->role_session[0] != '\0') {
		ev.role_session = e->role_session;
		ev.source_identity = e->source_identity;
	}
	ev.name = name;
	ev.type = "AwsServiceEvent";
	ev.methods = e->methods;
	ev.mfa_known = e->methods != 0 || e->role_session[0] != '\0';
	ev.mfa_s = e->mfa_s;
	ev.issued_s = e->auth_s;
	ev.device = e->device;
	ev.session_id = e->session_id;
	if ((r = trail_event_id(id)) == 0)
		r = event_write(f->host, f->facts, &f->id, &ev, id);
	if (r != 0)
		flow_set_note(f, "the audit event is lost", r);
}

/*
 * Only root makes a user's state file. It is there from the first session on, so
 * that the helper of a screen locker finds it, after a login by key, too.
 */
static void
prepare_state(struct flow *f)
{
	int r;

	/* A role has nothing to guess. */
	if (assume_target(f)->role != 0)
		return;
	if ((r = runtime_user_prepare(f->rt, f->id.principal.uid)) != 0)
		flow_set_note(f, "the user's state file is not made", r);
}

/* The key of the user's that sshd has verified, where it says which. */
static void
note_key(const struct flow *f, const struct runtime_evidence *e,
    struct lastlogin_key *k)
{
	if (f->key.known == NULL)
		return;
	snprintf(k->id, sizeof(k->id), "%s", f->key.known->id);
	snprintf(k->service, sizeof(k->service), "%.31s", e->service);
	snprintf(k->rhost, sizeof(k->rhost), "%.63s", e->rhost);
	k->at_s = f->facts->now_s;
}

static void
swap_last_login(struct flow *f, const struct runtime_evidence *e)
{
	struct lastlogin now = { .at_s = f->facts->now_s };

	const struct snap_principal *who = assume_target(f);
	bool login = strcmp(f->action, "host:Login") == 0;

	/* Of a role every session counts, for administrators (RoleLastUsed). */
	if (f->host->logins == NULL || (!login && who->role == 0))
		return;
	snprintf(now.service, sizeof(now.service), "%s", e->service);
	snprintf(now.rhost, sizeof(now.rhost), "%s", e->rhost);
	snprintf(now.tty, sizeof(now.tty), "%s", e->tty);
	if ((e->methods & RUNTIME_PASSWORD) != 0)
		now.password_s = now.at_s;
	note_key(f, e, &now.keys[0]);
	/* An error is no reason to keep her out, and full disks have other signs. */
	(void)lastlogin_swap(f->host->logins, who->uid, &now, &f->has_last, &f->last);
	f->has_last = f->has_last && login;
}

void
flow_put_session_arn(const struct flow *f, struct buf *b)
{
	const struct snap_principal *role = flow_target(f);

	if (role != NULL && role->role != 0 && f->limit_s > 0)
		authz_put_session(b, f->id.account.account_id, role->arn,
		    f->becoming == ROLE_ACTS ? f->as.name : f->role_session);
}

uint32_t
flow_session_limit(const struct flow *f)
{
	return f->limit_s;
}

const struct lastlogin *
flow_last_login(const struct flow *f)
{
	return f->has_last ? &f->last : NULL;
}

int
flow_session_open(struct flow *f, const struct runtime_evidence *evidence)
{
	struct runtime_evidence e;
	int r;

	if (f->id.who != FLOW_OURS)
		return f->id.who == FLOW_BROKEN ? f->id.err : IAM_ERR_BUG;
	if ((assume_target(f)->role != 0 || f->key.refused != NULL) &&
	    !f->session_permitted)
		return IAM_ERR_BUG;
	if (runtime_sweep(f->rt, f->facts->now_s) != 0)
		flow_set_note(f, "old sessions are not swept", IAM_ERR_IO);
	if ((r = take_evidence(f, evidence, &e)) != 0)
		goto out;
	if ((r = assume_record(f, &e)) != 0)
		goto out;
	snprintf(e.service, sizeof(e.service), "%s",
	    f->facts->service != NULL ? f->facts->service : "");
	snprintf(e.rhost, sizeof(e.rhost), "%s",
	    f->facts->rhost != NULL ? f->facts->rhost : "");
	snprintf(e.tty, sizeof(e.tty), "%s",
	    f->facts->tty != NULL ? f->facts->tty : "");
	if ((r = trail_event_id(e.session_id)) != 0 ||
	    (r = runtime_session_open(f->rt, flow_pid(f), &e)) != 0)
		goto out;
	prepare_state(f);
	swap_last_login(f, &e);
	if (e.role_session[0] != '\0')
		f->limit_s = (uint32_t)(e.expires_s - f->facts->now_s);
	put_event(f, "OpenSession", &e);
out:
	if (r != 0)
		flow_set_note(f, "the session cannot be recorded", r);
	return r;
}

int
flow_session_close(struct flow *f)
{
	struct runtime_evidence e = { 0 };
	bool found = false;
	pid_t pid = 0;
	int r;

	if (f->id.who != FLOW_OURS)
		return f->id.who == FLOW_BROKEN ? f->id.err : IAM_ERR_BUG;
	if (runtime_session_find(f->rt, flow_pid(f), &found, &pid, &e) != 0 ||
	    !found || pid != flow_pid(f))
		e = (struct runtime_evidence){ 0 };
	r = runtime_session_close(f->rt, flow_pid(f));
	if (r == 0 || r == IAM_ERR_ABSENT)
		put_event(f, "CloseSession", &e);
	return r == IAM_ERR_ABSENT ? 0 : r;
}
