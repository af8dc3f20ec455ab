/*
 * What has been proved: by this attempt, by the login session that this process
 * belongs to, by a certificate; and what is left of it for the phases that follow.
 */
#include "common/base/base.h"
#include "pam_iam/internal.h"

bool
flow_session_counts(const struct flow *f, uint32_t uid)
{
	return f->has_session && f->session.uid == uid &&
	    f->facts->caller_uid == uid;
}

bool
flow_mfa_fresh(const struct flow *f, int64_t mfa_s)
{
	return mfa_s > 0 && mfa_s <= f->facts->now_s &&
	    f->facts->now_s - mfa_s < (int64_t)f->id.account.mfa_memory_s;
}

void
flow_proof(const struct flow *f, uint32_t uid, const struct runtime_evidence *e,
    struct proof *p)
{
	*p = (struct proof){ 0 };
	if (flow_session_counts(f, uid)) {
		p->mfa_known = true;
		p->issued_s = f->session.auth_s;
		p->methods = f->session.methods & ~(uint32_t)RUNTIME_MFA;
		if (flow_mfa_fresh(f, f->session.mfa_s)) {
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

static void
copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

void
evidence_make(const struct flow *f, uint32_t methods, const char *device,
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

int
evidence_leave(struct flow *f, const struct runtime_evidence *e)
{
	int r = 0;

	/* This handle's later phases have it from the front. */
	if (!f->facts->by_proxy)
		r = runtime_evidence_put(f->rt, f->facts->parent > 1 ?
		    f->facts->parent : flow_pid(f), e);
	if (r == 0 && runtime_is_crowded(f->rt))
		(void)runtime_sweep(f->rt, f->facts->now_s);
	/* A code typed for sudo is good for the session's next sudo, too. When
	 * that cannot be kept, the next one asks again. */
	if (r == 0 && e->mfa_s != 0 && flow_session_counts(f, e->uid) &&
	    runtime_session_mfa(f->rt, f->session_pid, e->mfa_s, e->device) != 0)
		flow_set_note(f, "MFA is not remembered", IAM_ERR_IO);
	return r;
}
