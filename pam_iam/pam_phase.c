/* What every phase begins with: who, where, when. */
#include "common/base/base.h"
#include "common/base/governed.h"
#include "pam_iam/module.h"

#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define EVIDENCE_DATA "iam_evidence"
#define PERMITTED_DATA "iam_permitted"
#define FLOW_DATA "iam_flow"

int
phase_code(int err)
{
	switch ((enum iam_err)err) {
	case IAM_ERR_MEMORY:
		return PAM_BUF_ERR;
	case IAM_ERR_IO:
	case IAM_ERR_ABSENT:
	case IAM_ERR_UNSAFE:
	case IAM_ERR_FORMAT:
	case IAM_ERR_VERSION:
	case IAM_ERR_BUSY:
	case IAM_ERR_CONFLICT:
		return PAM_AUTHINFO_UNAVAIL;
	case IAM_ERR_LIMIT:
	case IAM_ERR_RANGE:
	case IAM_ERR_ARG:
	case IAM_ERR_CRYPTO:
		return PAM_SYSTEM_ERR;
	case IAM_OK: /* no error to translate: a mistake of ours */
	case IAM_ERR_BUG:
		return PAM_SERVICE_ERR;
	}
	return PAM_SYSTEM_ERR;
}

static const char *
item(pam_handle_t *pamh, int type)
{
	const void *value = NULL;

	if (pam_get_item(pamh, type, &value) != PAM_SUCCESS || value == NULL)
		return "";
	return value;
}

/*
 * OpenSSH tells what has succeeded in PAM's own environment, which the user
 * cannot reach; a variable of that name from any other service says nothing.
 * Returns what follows the first "publickey " and is borrowed, or NULL.
 */
static const char *
publickey_done(pam_handle_t *pamh, const char *service)
{
	const char *info, *line;

	if (strcmp(service, "sshd") != 0)
		return NULL;
	info = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	for (line = info; line != NULL; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, "publickey ", strlen("publickey ")) == 0)
			return line + strlen("publickey ");
	}
	return NULL;
}

static void
gather(struct phase *ph)
{
	struct flow_facts *facts = &ph->facts;

	facts->user = ph->user;
	facts->service = item(ph->pamh, PAM_SERVICE);
	facts->ruser = item(ph->pamh, PAM_RUSER);
	facts->tty = item(ph->pamh, PAM_TTY);
	facts->rhost = item(ph->pamh, PAM_RHOST);
	facts->now_s = time(NULL);
	facts->key = publickey_done(ph->pamh, facts->service);
	facts->publickey = facts->key != NULL;
	facts->mfa_only = ph->args.mfa_only;
}

int
phase_begin(struct phase *ph, pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	uid_t effective = geteuid();
	int r;

	*ph = (struct phase){ .pamh = pamh, .flags = flags,
		.unprivileged = effective != 0, .facts.caller_uid = getuid() };
	limits_lift(&ph->limits, ph->facts.caller_uid, effective);
	args_read(argc, argv, &ph->args);
	flow_host_init(&ph->host);
	/* Installed is not initialised: not even the name is asked for. Where it is known and
	 * root asks, the flow finds out by itself. */
	if ((ph->unprivileged || item(pamh, PAM_USER)[0] == '\0') &&
	    !flow_initialised(&ph->host))
		return PAM_USER_UNKNOWN;
	r = pam_get_user(pamh, &ph->user, NULL);
	if (r == PAM_CONV_AGAIN)
		return PAM_INCOMPLETE;
	if (r == PAM_BUF_ERR)
		return PAM_BUF_ERR;
	if (r != PAM_SUCCESS || ph->user == NULL)
		return PAM_SERVICE_ERR;
	gather(ph);
	return PAM_SUCCESS;
}

static void
lend_programs(struct phase *ph)
{
	ph->host.publish = spawn_publish;
	ph->host.use_recovery = spawn_use_recovery;
	ph->host.record_drift = spawn_record_drift;
	ph->facts.can_enrol = true;
}

int
phase_open(struct phase *ph, enum flow_mode mode)
{
	enum flow_who who;
	int r;

	if (mode == FLOW_DECIDE && !ph->unprivileged)
		lend_programs(ph);
	if ((r = flow_open(&ph->host, &ph->facts, mode, &ph->flow)) != 0)
		return strcmp(ph->user, "root") == 0 ? PAM_USER_UNKNOWN :
		    phase_code(r);
	who = flow_who(ph->flow);
	if (who == FLOW_UNMANAGED)
		return PAM_USER_UNKNOWN;
	/* A mistyped option could be the one that matters. Root goes on (S0). */
	if (who != FLOW_ROOT && ph->args.unknown != NULL) {
		pam_syslog(ph->pamh, LOG_ERR, "unknown option: %s",
		    ph->args.unknown);
		return PAM_SERVICE_ERR;
	}
	if (ph->args.debug)
		pam_syslog(ph->pamh, LOG_DEBUG, "who %#x, user %s, caller %u",
		    (unsigned)who, ph->user, (unsigned)ph->facts.caller_uid);
	return PAM_SUCCESS;
}

/* ---- the flow with the handle, from one phase to the next ---- */

struct kept {
	struct flow *flow; /* NULL: taken */
};

static void
kept_free(pam_handle_t *pamh, void *data, int status)
{
	struct kept *k = data;

	(void)pamh;
	(void)status;
	flow_close(k->flow);
	free(k);
}

/* Where that fails, the next phase looks for itself. */
static void
keep_flow(struct phase *ph)
{
	struct kept *k = malloc(sizeof(*k));

	if (k == NULL)
		return;
	flow_park(ph->flow);
	k->flow = ph->flow;
	ph->flow = NULL;
	if (pam_set_data(ph->pamh, FLOW_DATA, k, kept_free) != PAM_SUCCESS)
		kept_free(ph->pamh, k, 0);
}

static struct flow *
take_flow(const struct phase *ph)
{
	const void *data = NULL;
	struct kept *k;
	struct flow *f;

	if (pam_get_data(ph->pamh, FLOW_DATA, &data) != PAM_SUCCESS)
		return NULL;
	k = (struct kept *)(uintptr_t)data;
	f = k->flow;
	k->flow = NULL;
	return f;
}

int
phase_open_again(struct phase *ph)
{
	struct flow *f = take_flow(ph);

	ph->facts.proved = phase_kept(ph) != NULL;
	if (f != NULL && !ph->unprivileged && ph->args.unknown == NULL &&
	    !ph->args.debug && flow_resume(f, &ph->host, &ph->facts)) {
		ph->flow = f;
		return PAM_SUCCESS;
	}
	flow_close(f);
	return phase_open(ph, FLOW_DECIDE);
}

void
phase_end(struct phase *ph)
{
	if (ph->flow != NULL && flow_note(ph->flow)[0] != '\0')
		pam_syslog(ph->pamh, LOG_ERR, "%s", flow_note(ph->flow));
	if (ph->keep)
		keep_flow(ph);
	flow_close(ph->flow);
	ph->flow = NULL;
	buf_release(&ph->text.mo);
	ph->text.tried = false;
	limits_restore(&ph->limits);
}

/* ---- not root ---- */

void
phase_chk_request(const struct phase *ph, struct chk_request *req)
{
	*req = (struct chk_request){ ph->user, ph->facts.service,
		ph->facts.tty, ph->facts.rhost, "", "" };
}

int
phase_without_helper(const struct phase *ph, int code)
{
	if (governed_without_snapshot(ph->user, ph->host.governed,
	    ph->host.passwd) == GOVERNED_NO)
		return PAM_USER_UNKNOWN;
	return code;
}

/* ---- evidence with the handle ---- */

static void
evidence_free(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	explicit_bzero(data, sizeof(struct runtime_evidence));
	free(data);
}

int
phase_keep(struct phase *ph, const struct runtime_evidence *e)
{
	struct runtime_evidence *copy;
	int r;

	if ((copy = malloc(sizeof(*copy))) == NULL)
		return PAM_BUF_ERR;
	*copy = *e;
	r = pam_set_data(ph->pamh, EVIDENCE_DATA, copy, evidence_free);
	if (r != PAM_SUCCESS) {
		evidence_free(ph->pamh, copy, 0);
		return PAM_SYSTEM_ERR;
	}
	return PAM_SUCCESS;
}

const struct runtime_evidence *
phase_kept(const struct phase *ph)
{
	const void *data = NULL;

	if (pam_get_data(ph->pamh, EVIDENCE_DATA, &data) != PAM_SUCCESS)
		return NULL;
	return data;
}

/* The name is kept: PAM_USER may be another one by now. */
static void
name_free(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

int
phase_permitted_set(struct phase *ph)
{
	char *name = strdup(ph->user);

	if (name == NULL)
		return PAM_BUF_ERR;
	if (pam_set_data(ph->pamh, PERMITTED_DATA, name, name_free) == PAM_SUCCESS)
		return PAM_SUCCESS;
	free(name);
	return PAM_SYSTEM_ERR;
}

bool
phase_permitted(const struct phase *ph)
{
	const void *data = NULL;

	return pam_get_data(ph->pamh, PERMITTED_DATA, &data) == PAM_SUCCESS &&
	    data != NULL && strcmp(data, ph->user) == 0;
}
