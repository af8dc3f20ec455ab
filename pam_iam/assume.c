/*
 * Becoming a role. Rules kept here:
 *
 *  - a role is nobody who logs in: its name opens something only to who assumes it
 *    (su, sudo -u), or acts within a session of it that has not ended: the one that this
 *    process belongs to, or the one of an SSH certificate;
 *  - who assumes it authenticates as herself, and the kernel says who she is;
 *  - su names the role in every phase, sudo only when it opens the session: so that is
 *    where sudo's caller is judged;
 *  - a caller whom IAM does not govern is nobody whom a trust policy could name.
 */
#include "common/base/base.h"
#include "pam_iam/internal.h"

#include <stdlib.h>
#include <string.h>

#define CHAINED_MAX_S 3600 /* IAM User Guide, "Role chaining" */

const struct snap_principal *
assume_target(const struct flow *f)
{
	return f->role != NULL ? f->role : &f->id.principal;
}

bool
assume_session(const struct flow *f, const struct snap_principal *role,
    struct authz_session *ret)
{
	const struct runtime_evidence *e = &f->session;

	if (!flow_session_counts(f, role->uid) || e->role_session[0] == '\0' ||
	    f->facts->now_s >= e->expires_s)
		return false;
	*ret = (struct authz_session){ .name = NULL };
	if (e->extra != 0 &&
	    authz_session_decode(f->extra.p, f->extra.len, ret) != 0)
		return false;
	ret->name = e->role_session;
	ret->source_identity = e->source_identity[0] != '\0' ?
	    e->source_identity : NULL;
	return true;
}

static void
refuse(struct flow *f, const char *reason)
{
	f->becoming = ROLE_REFUSED;
	f->role_refused = reason;
}

static void
set_name(struct flow *f, const char *name)
{
	snprintf(f->role_session, sizeof(f->role_session), "%s", name);
}

/* sudo itself says who called it, should it ever hide that from the kernel's view. */
static bool
is_root(const struct flow *f)
{
	const char *name = f->facts->ruser;
	bool known = false;
	uid_t uid = 1;

	if (name == NULL || name[0] == '\0')
		return true;
	return f->host->uid_of(name, &known, &uid) == 0 && known && uid == 0;
}

/* Root may become anybody; the session has the name of whoever became root. */
static void
begin_root(struct flow *f)
{
	struct runtime_evidence e;
	bool found = false;
	pid_t pid;

	if (!is_root(f)) {
		refuse(f, "CallerNotKnown");
		return;
	}
	f->becoming = ROLE_BY_ROOT;
	set_name(f, "root");
	if (f->rt != NULL && runtime_session_find(f->rt, flow_pid(f), &found, &pid,
	    &e) == 0 && found)
		set_name(f, e.role_session[0] != '\0' ? e.role_session : e.user);
}

/* The caller takes the place of the role, which is put aside. */
static int
change_places(struct flow *f, bool *ret_governed)
{
	struct snap_principal *caller = malloc(sizeof(*caller));
	int r;

	if (caller == NULL)
		return IAM_ERR_MEMORY;
	r = flow_find_caller(f, ret_governed, caller);
	if (r != 0 || !*ret_governed) {
		free(caller);
		return r;
	}
	if ((f->role = malloc(sizeof(*f->role))) == NULL) {
		free(caller);
		return IAM_ERR_MEMORY;
	}
	*f->role = f->id.principal;
	f->id.principal = *caller;
	free(caller);
	return 0;
}

static int
begin_caller(struct flow *f)
{
	bool governed = false;
	int r;

	if ((r = change_places(f, &governed)) != 0)
		return r;
	if (!governed) {
		refuse(f, "CallerNotGoverned");
		return 0;
	}
	f->becoming = ROLE_WANTED;
	f->role_duration_s = f->role->max_session_s;
	set_name(f, f->id.principal.user_name);
	if (f->id.principal.role == 0)
		return 0;
	if (!assume_session(f, &f->id.principal, &f->as)) {
		refuse(f, "RoleSessionEnded");
		return 0;
	}
	set_name(f, f->as.name);
	if (f->role_duration_s > CHAINED_MAX_S)
		f->role_duration_s = CHAINED_MAX_S;
	return 0;
}

/* Root's own su, which only opens a session. Who else calls it gets no further. */
static bool
is_runuser(const struct flow *f)
{
	const char *service = f->facts->service;

	return f->facts->caller_uid == 0 && service != NULL &&
	    (strcmp(service, "runuser") == 0 || strcmp(service, "runuser-l") == 0);
}

int
assume_begin(struct flow *f, enum flow_mode mode)
{
	bool sudo = strcmp(f->action, "host:Sudo") == 0;
	bool runuser = mode == FLOW_SESSION && is_runuser(f);
	int r = 0;

	if (f->id.principal.role == 0 || mode == FLOW_LOOK)
		return 0;
	if (strcmp(f->action, "host:SwitchUser") != 0 && !runuser &&
	    (!sudo || mode != FLOW_SESSION)) {
		if (f->key.certified) {
			f->as = f->key.as;
			f->becoming = ROLE_ACTS;
		} else if (assume_session(f, &f->id.principal, &f->as)) {
			f->becoming = ROLE_ACTS;
		} else
			refuse(f, f->key.refused != NULL ? f->key.refused :
			    "RoleNotAssumed");
		return 0;
	}
	f->named_late = sudo || runuser;
	f->action = ASSUME_ACTION;
	if (f->facts->caller_uid != 0)
		r = begin_caller(f);
	else
		begin_root(f);
	if (r == 0 && f->becoming == ROLE_WANTED &&
	    authz_trust(f->id.snap, f->role, &f->trust) != 0)
		refuse(f, "NoTrustPolicy");
	return r;
}

void
assume_end(struct flow *f)
{
	free(f->role);
	f->role = NULL;
	f->becoming = ROLE_NONE;
	f->as = (struct authz_session){ 0 };
}

/* ---- the session ---- */

static void
keep_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

/* A session goes on: the one of a certificate, or the one that this process is in. */
static int
record_again(struct flow *f, struct runtime_evidence *e)
{
	const struct login_key *key = &f->key;

	keep_text(e->role_session, sizeof(e->role_session), f->as.name);
	keep_text(e->source_identity, sizeof(e->source_identity),
	    f->as.source_identity);
	if (!key->certified) {
		e->expires_s = f->session.expires_s;
		e->extra = f->session.extra;
		return e->extra == 0 ? 0 : runtime_extra_put(f->rt, flow_pid(f),
		    f->extra.p, f->extra.len);
	}
	e->expires_s = key->expires_s;
	e->extra = key->extra_len > 0;
	return e->extra == 0 ? 0 : runtime_extra_put(f->rt, flow_pid(f), key->extra,
	    key->extra_len);
}

static void
record_assumed(const struct flow *f, struct runtime_evidence *e)
{
	const struct snap_principal *role = assume_target(f);
	struct runtime_evidence was = *e;
	struct proof p = { 0 };

	if (f->becoming == ROLE_WANTED)
		flow_proof(f, f->id.principal.uid, &was, &p);
	e->uid = role->uid;
	e->auth_s = f->facts->now_s;
	e->methods = p.methods;
	e->mfa_s = p.mfa_s;
	keep_text(e->device, sizeof(e->device), p.device);
	keep_text(e->user, sizeof(e->user), role->unix_name);
	keep_text(e->role_session, sizeof(e->role_session), f->role_session);
	keep_text(e->source_identity, sizeof(e->source_identity),
	    f->as.source_identity);
	e->extra = 0;
	e->expires_s = f->facts->now_s + (f->becoming == ROLE_BY_ROOT ?
	    role->max_session_s : f->role_duration_s);
}

int
assume_record(struct flow *f, struct runtime_evidence *e)
{
	switch (f->becoming) {
	case ROLE_NONE:
		return 0;
	case ROLE_ACTS:
		return record_again(f, e);
	case ROLE_WANTED:
	case ROLE_BY_ROOT:
		record_assumed(f, e);
		return 0;
	case ROLE_REFUSED:
		break;
	}
	return IAM_ERR_BUG;
}
