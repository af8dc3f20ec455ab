/* The account phase: the policies decide; the person hears one calm line. */
#include "common/base/base.h"
#include "pam_iam/module.h"

#include <string.h>

static const char *const denials[] = {
	[DENIED_POLICY] = N_("Access denied by policy."),
	[DENIED_EXPIRED] = N_("Your password has expired, and a new one is set by your"
	    " administrator."),
	[DENIED_ERROR] = N_("Access cannot be decided."),
};

void
phase_say_denied(struct phase *ph, enum denied why, const char *event_id)
{
	char line[400];

	if (event_id[0] == '\0')
		snprintf(line, sizeof(line), "%s", tr(ph, denials[why]));
	else
		snprintf(line, sizeof(line), tr(ph, "%s Your administrator can look up"
		    " event %s."), tr(ph, denials[why]), event_id);
	conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG, line);
}

/* As pam_unix does it before a shadow password expires. */
static void
say_days(struct phase *ph, int days)
{
	char line[320];

	if (days < 0)
		return;
	if (days < 2)
		snprintf(line, sizeof(line), "%s", tr(ph, "Your password expires in"
		    " less than two days. Change it with passwd."));
	else
		snprintf(line, sizeof(line), tr(ph, "Your password expires in %d days."
		    " Change it with passwd."), days);
	conv_say(ph->pamh, ph->flags, PAM_TEXT_INFO, line);
}

static int
account_here(struct phase *ph)
{
	struct flow_decision d;
	enum flow_who who;
	int r;

	if ((r = phase_open_again(ph)) != PAM_SUCCESS)
		return r;
	who = flow_who(ph->flow);
	if (who == FLOW_NOBODY)
		return PAM_USER_UNKNOWN;
	r = flow_authorize(ph->flow, phase_kept(ph), &d);
	if (who == FLOW_ROOT)
		return PAM_USER_UNKNOWN;
	if (r != 0) {
		phase_say_denied(ph, DENIED_ERROR, d.event_id);
		return phase_code(r);
	}
	if (d.verdict != FLOW_PERMIT) {
		phase_say_denied(ph, d.expired ? DENIED_EXPIRED : DENIED_POLICY,
		    d.event_id);
		return PAM_PERM_DENIED;
	}
	say_days(ph, d.password_days);
	if (!d.change_password)
		return PAM_SUCCESS;
	conv_say(ph->pamh, ph->flags, PAM_TEXT_INFO,
	    flow_password_expired(ph->flow) ?
	    tr(ph, "Your password has expired. Choose a new one now.") :
	    tr(ph, "Your administrator asks you to choose a new password now."));
	return PAM_NEW_AUTHTOK_REQD;
}

static int
account_by_helper(struct phase *ph)
{
	struct chk_request req;

	if (strcmp(ph->user, "root") == 0)
		return PAM_USER_UNKNOWN;
	if (phase_permitted(ph))
		return PAM_SUCCESS;
	phase_chk_request(ph, &req);
	switch (spawn_chkauth("account", &req)) {
	case CHK_PERMIT:
		return PAM_SUCCESS;
	case CHK_DENIED:
	case CHK_WRONG:
		phase_say_denied(ph, DENIED_POLICY, "");
		return PAM_PERM_DENIED;
	case CHK_UNMANAGED:
		return PAM_USER_UNKNOWN;
	case CHK_REFUSED:
		return phase_without_helper(ph, PAM_PERM_DENIED);
	case CHK_BROKEN:
	case CHK_ASK_PASSWORD:
	case CHK_ASK_CODE:
	case CHK_ASK_BOTH:
	case CHK_ASK_JOINED:
		break;
	}
	return phase_without_helper(ph, PAM_AUTHINFO_UNAVAIL);
}

int
phase_account(struct phase *ph)
{
	return ph->unprivileged ? account_by_helper(ph) : account_here(ph);
}
