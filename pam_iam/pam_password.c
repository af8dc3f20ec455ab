/*
 * passwd and expired passwords: the old password is proved here, the new one
 * goes to the same operation as on iamctl's command line.
 */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/module.h"

#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define PROVED_DATA "iam_old_password"
#define FAIL_DELAY_US 2000000

/* root may set a password without the old one; but not where a login asks for
 * it on behalf of the person. */
static bool
by_root(const struct phase *ph)
{
	return ph->facts.caller_uid == 0 &&
	    (ph->flags & (int)PAM_CHANGE_EXPIRED_AUTHTOK) == 0;
}

/* Typed a moment ago, for the same login. Under sudo and su iamctl finds the session of
 * the person who calls, and wants to see the old password of her. */
static bool
proved_at_login(const struct phase *ph)
{
	const struct runtime_evidence *e = phase_kept(ph);

	return e != NULL && ph->facts.caller_uid == 0 &&
	    (e->methods & RUNTIME_PASSWORD) != 0 &&
	    e->uid == flow_principal(ph->flow)->uid;
}

static void
proved_free(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

/* Remembered for the second call, for this very user. */
static int
remember_proof(struct phase *ph)
{
	uint32_t *uid = malloc(sizeof(*uid));

	if (uid == NULL)
		return PAM_BUF_ERR;
	*uid = flow_principal(ph->flow)->uid;
	if (pam_set_data(ph->pamh, PROVED_DATA, uid, proved_free) == PAM_SUCCESS)
		return PAM_SUCCESS;
	free(uid);
	return PAM_SYSTEM_ERR;
}

static bool
is_proved(const struct phase *ph)
{
	const void *data = NULL;

	return pam_get_data(ph->pamh, PROVED_DATA, &data) == PAM_SUCCESS &&
	    data != NULL &&
	    *(const uint32_t *)data == flow_principal(ph->flow)->uid;
}

/* Of a module before this one, where the options say so; else asked for. */
static int
old_password(struct phase *ph, struct secret *old, bool *ret_bad)
{
	const void *token = NULL;
	size_t len;

	*ret_bad = true;
	if ((ph->args.try_first_pass || ph->args.use_first_pass) &&
	    pam_get_item(ph->pamh, PAM_OLDAUTHTOK, &token) == PAM_SUCCESS &&
	    token != NULL) {
		len = strlen(token);
		*ret_bad = len == 0 || len > PASSWORD_MAX;
		return *ret_bad ? 0 : secret_set(old, token, len);
	}
	if (ph->args.use_first_pass)
		return 0;
	return conv_ask(ph->pamh, tr(ph, "Current password: "), old, ret_bad);
}

static int
prove(struct phase *ph)
{
	struct secret old = SECRET_INIT;
	struct flow_answers a = { .password = &old };
	enum flow_verdict verdict;
	int r, code;

	if ((code = phase_has_room(ph)) != PAM_SUCCESS)
		return code;
	pam_fail_delay(ph->pamh, FAIL_DELAY_US);
	if ((r = old_password(ph, &old, &a.bad)) != 0 ||
	    (r = flow_check_password(ph->flow, &a, &verdict)) != 0)
		code = phase_code(r);
	else if (verdict != FLOW_PERMIT)
		code = PAM_AUTH_ERR;
	else if (pam_set_item(ph->pamh, PAM_OLDAUTHTOK, secret_str(&old)) !=
	    PAM_SUCCESS)
		code = PAM_SYSTEM_ERR;
	else
		code = PAM_SUCCESS;
	secret_release(&old);
	return code;
}

/* What must be changed may be changed, but for what has expired for good. */
static bool
may_change(const struct phase *ph)
{
	const struct snap_account *account = flow_account(ph->flow);

	if (account->password_hard_expiry != 0 && flow_password_expired(ph->flow))
		return false;
	return account->users_may_change_password != 0 ||
	    flow_password_due(ph->flow);
}

static int
preliminary(struct phase *ph)
{
	int r;

	if (by_root(ph))
		return remember_proof(ph);
	if (!may_change(ph)) {
		conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG,
		    tr(ph, "Your password is changed by your administrator only."));
		return PAM_PERM_DENIED;
	}
	if (!proved_at_login(ph) && (r = prove(ph)) != PAM_SUCCESS)
		return r;
	return remember_proof(ph);
}

/* ---- the new one ---- */

static int
ask_twice(struct phase *ph, struct secret *password)
{
	struct secret again = SECRET_INIT;
	bool bad, bad_again;
	int r, code = PAM_SUCCESS;

	if ((r = conv_ask(ph->pamh, tr(ph, "New password: "), password, &bad)) == 0 &&
	    !bad)
		r = conv_ask(ph->pamh, tr(ph, "Retype new password: "), &again,
		    &bad_again);
	if (r != 0) {
		code = phase_code(r);
	} else if (bad || bad_again) {
		conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG,
		    tr(ph, "Password unchanged."));
		code = PAM_AUTHTOK_ERR;
	} else if (password->len != again.len ||
	    !secret_equal(password->p, again.p, again.len)) {
		conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG,
		    tr(ph, "The passwords do not match. Password unchanged."));
		code = PAM_AUTHTOK_ERR;
	}
	secret_release(&again);
	return code;
}

/* From pam_pwquality and its like, or from the person. */
static int
new_password(struct phase *ph, struct secret *password)
{
	const void *token = NULL;
	size_t len;
	int r;

	if (pam_get_item(ph->pamh, PAM_AUTHTOK, &token) == PAM_SUCCESS &&
	    token != NULL) {
		len = strlen(token);
		if (len == 0 || len > PASSWORD_MAX)
			return PAM_AUTHTOK_ERR;
		r = secret_set(password, token, len);
		return r == 0 ? PAM_SUCCESS : phase_code(r);
	}
	if (ph->args.use_authtok)
		return PAM_AUTHTOK_ERR;
	if ((r = ask_twice(ph, password)) != PAM_SUCCESS)
		return r;
	return pam_set_item(ph->pamh, PAM_AUTHTOK, secret_str(password)) ==
	    PAM_SUCCESS ? PAM_SUCCESS : PAM_SYSTEM_ERR;
}

/* What iamctl refused, in the words of somebody who types a password. */
static const struct {
	const char *code, *text;
	int answer;
} refusals[] = {
	{ "PasswordPolicyViolation",
	    N_("The new password does not meet the password policy. Password"
	    " unchanged."), PAM_AUTHTOK_ERR },
	{ "AccessDenied",
	    N_("You are not allowed to change this password. Password unchanged."),
	    PAM_PERM_DENIED },
	{ "NoSuchEntity",
	    N_("There is no password to be changed. Password unchanged."),
	    PAM_AUTHTOK_ERR },
	{ "ValidationError",
	    N_("The new password cannot be used. Password unchanged."),
	    PAM_AUTHTOK_ERR },
	{ "EntityTemporarilyUnmodifiable",
	    N_("Passwords cannot be changed right now; please try again. Password"
	    " unchanged."), PAM_AUTHTOK_LOCK_BUSY },
};

static int
refused(struct phase *ph, const char *code, const char *why)
{
	char line[256];
	size_t i;

	/* The policy's own words say what to do better. */
	if (strcmp(code, "PasswordPolicyViolation") == 0 && why[0] != '\0') {
		snprintf(line, sizeof(line), tr(ph, "The new password does not meet"
		    " the password policy: %s Password unchanged."), why);
		conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG, line);
		return PAM_AUTHTOK_ERR;
	}
	for (i = 0; i < IAM_COUNT(refusals); i++) {
		if (strcmp(refusals[i].code, code) == 0) {
			conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG,
			    tr(ph, refusals[i].text));
			return refusals[i].answer;
		}
	}
	pam_syslog(ph->pamh, LOG_ERR, "changing the password of %s failed: %s: %s",
	    ph->user, code[0] != '\0' ? code : "error", why);
	conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG,
	    tr(ph, "The password could not be changed."));
	return PAM_AUTHTOK_ERR;
}

static int
update(struct phase *ph)
{
	struct secret password = SECRET_INIT;
	const void *old = NULL;
	char code[64] = "", why[160] = "";
	bool ok;
	int r;

	if (!is_proved(ph))
		return PAM_AUTHTOK_RECOVERY_ERR;
	if ((r = new_password(ph, &password)) != PAM_SUCCESS)
		goto out;
	/* What preliminary() has asked for; nothing when root calls. */
	if (pam_get_item(ph->pamh, PAM_OLDAUTHTOK, &old) != PAM_SUCCESS)
		old = NULL;
	r = spawn_change_password(flow_principal(ph->flow)->user_name, old,
	    &password, &ok, code, sizeof(code), why, sizeof(why));
	if (r != 0)
		r = phase_code(r);
	else
		r = ok ? PAM_SUCCESS : refused(ph, code, why);
out:
	secret_release(&password);
	return r;
}

int
phase_change_password(struct phase *ph)
{
	int r;

	if (ph->unprivileged)
		return phase_without_helper(ph, PAM_PERM_DENIED);
	if ((r = phase_open(ph, FLOW_LOOK)) != PAM_SUCCESS)
		return r;
	switch (flow_who(ph->flow)) {
	case FLOW_UNMANAGED:
	case FLOW_ROOT:
	case FLOW_NOBODY:
		return PAM_USER_UNKNOWN;
	case FLOW_BROKEN:
		return phase_code(flow_error(ph->flow));
	case FLOW_OURS:
		/* A role has no password; a user of its name may have one. */
		if (flow_principal(ph->flow)->role != 0)
			return PAM_PERM_DENIED;
		return (ph->flags & (int)PAM_PRELIM_CHECK) != 0 ?
		    preliminary(ph) : update(ph);
	}
	return PAM_SYSTEM_ERR;
}

/*
 * Somebody who is not ours, or nothing is initialised: the first module of the
 * stack asks for the new password all the same, because pam-auth-update tells
 * those after it not to. pam-krb5 does it likewise for users whom it ignores.
 */
int
phase_others_password(pam_handle_t *pamh, int flags)
{
	const char *token;

	if ((flags & (int)PAM_UPDATE_AUTHTOK) != 0 &&
	    pam_get_authtok(pamh, PAM_AUTHTOK, &token, NULL) != PAM_SUCCESS)
		return PAM_AUTHTOK_ERR;
	return PAM_USER_UNKNOWN;
}
