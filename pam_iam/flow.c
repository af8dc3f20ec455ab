/* The login's beginning and end, and what it tells of itself. */
#include "common/base/base.h"
#include "common/authz/authz.h"
#include "common/credential/credential.h"
#include "pam_iam/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

pid_t
flow_pid(const struct flow *f)
{
	return f->facts->pid != 0 ? f->facts->pid : getpid();
}

int
flow_need_runtime(struct flow *f)
{
	int r = 0;

	if (f->rt == NULL && (r = runtime_open(f->host->run,
	    flow_auth_gid(f->host, f->id.snap), &f->rt)) != 0)
		f->rt = NULL;
	return r;
}

/*
 * The runtime state is needed for everything that opens, but a decision about what has
 * just been proved by this very handle. The session that this
 * process belongs to counts for its own user acting in person only, so nobody
 * looks for it on behalf of a daemon; and the helper may not see it, nor, with
 * hidepid, the processes on the way.
 */
static void
open_runtime(struct flow *f)
{
	int r = flow_need_runtime(f);

	if (r == 0 && f->facts->caller_uid != 0 && !f->facts->by_proxy)
		r = runtime_session_find(f->rt, flow_pid(f), &f->has_session,
		    &f->session_pid, &f->session);
	if (r == 0 && f->has_session && f->session.extra != 0)
		r = runtime_extra_get(f->rt, f->session_pid, &f->extra);
	if (r == 0 && f->facts->makes_state)
		runtime_allow_make(f->rt);
	if (r != 0) {
		f->has_session = false;
		broken(f, r, "RuntimeUnavailable");
	}
}

/* What depends on the attempt, when it is known who it is. */
static void
begin(struct flow *f, enum flow_mode mode)
{
	const struct flow_facts *facts = f->facts;
	int r;

	f->recovery_left = -1;
	f->source = source_of(facts);
	buf_release(&f->extra);
	if (f->id.who == FLOW_OURS &&
	    (!facts->proved || facts->caller_uid != 0 || facts->by_proxy))
		open_runtime(f);
	if (f->id.who == FLOW_OURS &&
	    (r = login_key_read(facts->key, &f->id.account, &f->id.principal,
	    facts->now_s, &f->key)) != 0)
		broken(f, r, "InternalError");
	/* The helper's caller says what he likes: no login comes of it. */
	f->action = f->id.have_account && facts->service != NULL &&
	    !facts->by_proxy ? snap_action_for(&f->id.account, facts->service) :
	    "host:Authenticate";
	assume_end(f);
	if (f->id.who == FLOW_OURS && (r = assume_begin(f, mode)) != 0)
		broken(f, r, "InternalError");
	if (f->id.who == FLOW_BROKEN)
		flow_set_note(f, f->id.reason, f->id.err);
}

/* What the phases after this one read. */
static void
read_policies(const struct flow *f)
{
	const struct snap_principal *p = &f->id.principal;
	struct snap_policy policy;
	bool found;
	uint32_t i;

	for (i = 0; i < p->policy_count; i++)
		(void)snap_policy_by_key(f->id.snap, p->policies[i].key, &found,
		    &policy);
}

void
flow_park_snapshot(struct flow *f)
{
	if (f->id.snap == NULL || f->parked)
		return;
	if (f->id.who == FLOW_OURS)
		read_policies(f);
	snap_park(f->id.snap);
	f->parked = true;
}

int
flow_open(const struct flow_host *host, const struct flow_facts *facts,
    enum flow_mode mode, struct flow **ret)
{
	struct flow *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return IAM_ERR_MEMORY;
	f->host = host;
	f->facts = facts;
	identify(host, facts->user, mode, &f->id);
	begin(f, mode);
	if (mode == FLOW_LOOK)
		flow_park_snapshot(f);
	*ret = f;
	return 0;
}

void
flow_park(struct flow *f)
{
	runtime_close(f->rt);
	f->rt = NULL;
	f->host = NULL;
	f->facts = NULL;
	f->note[0] = '\0';
	flow_park_snapshot(f);
}

bool
flow_resume(struct flow *f, const struct flow_host *host,
    const struct flow_facts *facts)
{
	if (f->id.who != FLOW_OURS || !facts->proved || facts->by_proxy ||
	    facts->caller_uid != 0 ||
	    strcmp(facts->user, f->id.principal.unix_name) != 0 ||
	    !identity_is_current(host, &f->id))
		return false;
	f->host = host;
	f->facts = facts;
	begin(f, FLOW_DECIDE);
	return true;
}

void
flow_close(struct flow *f)
{
	if (f == NULL)
		return;
	assume_end(f);
	buf_release(&f->extra);
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

const struct snap_principal *
flow_target(const struct flow *f)
{
	return f->id.who == FLOW_OURS ? assume_target(f) : NULL;
}

const struct snap_account *
flow_account(const struct flow *f)
{
	return f->id.who == FLOW_OURS ? &f->id.account : NULL;
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
		r = event_write(f->host, f->facts, &f->id, e, id);
	if (r != 0)
		flow_set_note(f, "the audit event is lost", r);
	return r;
}

bool
flow_hash_is_old(const struct flow *f)
{
	const char *hash = f->id.principal.password_hash;

	return f->id.who == FLOW_OURS && !f->has_session && hash != NULL &&
	    !password_hash_is_current(hash);
}
