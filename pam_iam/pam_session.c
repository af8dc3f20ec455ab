/* Credentials and sessions. */
#include "common/base/base.h"
#include "pam_iam/module.h"

#include <errno.h>
#include <limits.h>
#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* There is nothing to set; the answer says whose user it is, in any process
 * and after any time (S11). */
int
phase_setcred(struct phase *ph)
{
	int r;

	if (ph->unprivileged)
		return phase_permitted(ph) ? PAM_SUCCESS : PAM_USER_UNKNOWN;
	if ((r = phase_open(ph, FLOW_LOOK)) != PAM_SUCCESS)
		return r;
	if (flow_who(ph->flow) == FLOW_OURS)
		return PAM_SUCCESS;
	return flow_who(ph->flow) == FLOW_BROKEN ?
	    phase_code(flow_error(ph->flow)) : PAM_USER_UNKNOWN;
}

/* The directory that would hold the new home: root's own, so that nobody can
 * have put something in its way. */
static bool
parent_is_safe(const char *home)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(home, '/');
	struct stat st;

	if (home[0] != '/' || slash == home || slash[1] == '\0' ||
	    (size_t)(slash - home) >= sizeof(parent))
		return false;
	memcpy(parent, home, (size_t)(slash - home));
	parent[slash - home] = '\0';
	return lstat(parent, &st) == 0 && S_ISDIR(st.st_mode) &&
	    file_owner_ok(st.st_uid) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* At the first login. Without a home a login is poorer, not unsafe: it goes on. */
static void
make_home(struct phase *ph)
{
	const struct snap_principal *p = flow_target(ph->flow);
	const struct snap_account *account = flow_account(ph->flow);
	struct stat st;
	int r = IAM_ERR_UNSAFE;

	/* An adopted account's home is none of our business. */
	if (account->create_home == 0 || p->uid < account->id_min ||
	    p->uid > account->id_max || p->home[0] != '/' ||
	    lstat(p->home, &st) == 0 || errno != ENOENT)
		return;
	if (parent_is_safe(p->home))
		r = spawn_make_home(p->unix_name, account->home_umask);
	if (r != 0)
		pam_syslog(ph->pamh, LOG_WARNING,
		    "the home directory of %s is not made: %s", p->unix_name,
		    iam_strerror(r));
}

static int
ours(struct phase *ph, enum flow_mode mode)
{
	int r;

	/* The session of somebody who authenticated through the helper is not
	 * recorded: only root keeps records. */
	if (ph->unprivileged)
		return PAM_USER_UNKNOWN;
	if ((r = phase_open(ph, mode)) != PAM_SUCCESS)
		return r;
	switch (flow_who(ph->flow)) {
	case FLOW_OURS:
		return PAM_SUCCESS;
	case FLOW_BROKEN:
		return phase_code(flow_error(ph->flow));
	case FLOW_UNMANAGED:
	case FLOW_ROOT:
	case FLOW_NOBODY:
		return PAM_USER_UNKNOWN;
	}
	return PAM_SYSTEM_ERR;
}

/* "2026-11-24 10:30:05 +0100", by the host's zone; UTC when that cannot be had. */
static void
put_time(struct buf *b, int64_t t_s)
{
	struct tz_local l = { 0 };
	struct tz *tz = NULL;
	int offset;

	if (tz_load(NULL, &tz) != 0 || tz_at(tz, t_s, &l) != 0)
		(void)tz_utc(t_s, &l);
	tz_free(tz);
	offset = l.utc_offset_s < 0 ? -l.utc_offset_s : l.utc_offset_s;
	buf_printf(b, "%04d-%02d-%02d %02d:%02d:%02d %c%02d%02d", l.year, l.month,
	    l.day, l.second_of_day / 3600, l.second_of_day / 60 % 60,
	    l.second_of_day % 60, l.utc_offset_s < 0 ? '-' : '+', offset / 3600,
	    offset / 60 % 60);
}

/* What the other side or a program has named: nothing that a terminal obeys (S42). */
static void
put_plain(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		buf_putc(b, *s > 0x20 && *s < 0x7f ? *s : '?');
}

/*
 * As pam_lastlog does it, from our own record. Whether there is a ~/.hushlogin is
 * not looked at: nothing under a home is opened by root (S36).
 */
static void
say_last_login(struct phase *ph)
{
	const struct lastlogin *last = flow_last_login(ph->flow);
	struct buf line = BUF_INIT, time = BUF_INIT, from = BUF_INIT;

	if (last == NULL || ph->args.no_last_login)
		return;
	if (last->at_s > 0) {
		put_time(&time, last->at_s);
		put_plain(&from, last->rhost[0] != '\0' ? last->rhost : last->tty);
		buf_printf(&line, last->rhost[0] != '\0' ?
		    tr(ph, "Last login: %s from %s") :
		    tr(ph, "Last login: %s on %s"), buf_cstr(&time),
		    from.len > 0 ? buf_cstr(&from) : "?");
		conv_say(ph->pamh, ph->flags, PAM_TEXT_INFO, buf_cstr(&line));
	}
	if (last->failures > 0) {
		buf_reset(&line);
		buf_reset(&time);
		put_time(&time, last->failed_s);
		buf_printf(&line, last->failures == 1 ?
		    tr(ph, "%u failed attempt to log in since then, at %s") :
		    tr(ph, "%u failed attempts to log in since then, the last at %s"),
		    (unsigned)last->failures, buf_cstr(&time));
		conv_say(ph->pamh, ph->flags, PAM_TEXT_INFO, buf_cstr(&line));
	}
	buf_release(&line);
	buf_release(&time);
	buf_release(&from);
}

/* Not PAM_SESSION_ERR: sudo goes on after that. */
static int
may_open(struct phase *ph)
{
	struct flow_decision d;
	int r;

	if ((r = flow_authorize_session(ph->flow, phase_kept(ph), &d)) != 0) {
		phase_say_denied(ph, DENIED_ERROR, d.event_id);
		return phase_code(r);
	}
	if (d.verdict == FLOW_PERMIT)
		return PAM_SUCCESS;
	phase_say_denied(ph, DENIED_POLICY, d.event_id);
	return PAM_PERM_DENIED;
}

static void
limit_free(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

/*
 * A role's session: its ARN in the environment, for people and scripts (nothing of ours
 * reads it there), and its length for pam_systemd, which ends the login session then where it
 * makes one.
 */
static int
tell_limit(struct phase *ph)
{
	uint32_t limit_s = flow_session_limit(ph->flow);
	struct buf arn = BUF_INIT;
	char *text;
	int r = PAM_BUF_ERR;

	if (limit_s == 0)
		return PAM_SUCCESS;
	buf_puts(&arn, "IAM_SESSION_ARN=");
	flow_put_session_arn(ph->flow, &arn);
	if (arn.err == 0)
		r = pam_putenv(ph->pamh, buf_cstr(&arn));
	buf_release(&arn);
	if (r != PAM_SUCCESS || asprintf(&text, "%u", limit_s) < 0)
		return PAM_BUF_ERR;
	r = pam_set_data(ph->pamh, "systemd.runtime_max_sec", text, limit_free);
	if (r != PAM_SUCCESS)
		free(text);
	return r == PAM_SUCCESS ? PAM_SUCCESS : PAM_SYSTEM_ERR;
}

int
phase_open_session(struct phase *ph)
{
	int r;

	if ((r = ours(ph, FLOW_SESSION)) != PAM_SUCCESS ||
	    (r = may_open(ph)) != PAM_SUCCESS)
		return r;
	if ((r = flow_session_open(ph->flow, phase_kept(ph))) != 0)
		return phase_code(r);
	if ((r = tell_limit(ph)) != PAM_SUCCESS)
		return r;
	make_home(ph);
	say_last_login(ph);
	return PAM_SUCCESS;
}

int
phase_close_session(struct phase *ph)
{
	int r;

	if ((r = ours(ph, FLOW_LOOK)) != PAM_SUCCESS)
		return r;
	return (r = flow_session_close(ph->flow)) == 0 ? PAM_SUCCESS :
	    phase_code(r);
}
