/*
 * pam_iam.so: the entry points. What each answers is in its phase.
 */
#include "common/base/base.h"
#include "pam_iam/module.h"

typedef int phase_run(struct phase *ph);

static int
enter(pam_handle_t *pamh, int flags, int argc, const char **argv,
    phase_run *run)
{
	struct phase ph;
	int r;

	r = phase_begin(&ph, pamh, flags, argc, argv);
	if (r == PAM_SUCCESS)
		r = run(&ph);
	phase_end(&ph);
	return r;
}

/* Phases in which somebody who is not ours is nothing to us. */
static int
enter_ignoring(pam_handle_t *pamh, int flags, int argc, const char **argv,
    phase_run *run)
{
	int r = enter(pamh, flags, argc, argv, run);

	return r == PAM_USER_UNKNOWN ? PAM_IGNORE : r;
}

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter(pamh, flags, argc, argv, phase_authenticate);
}

int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter_ignoring(pamh, flags, argc, argv, phase_setcred);
}

int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter_ignoring(pamh, flags, argc, argv, phase_account);
}

int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter_ignoring(pamh, flags, argc, argv, phase_open_session);
}

int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return enter_ignoring(pamh, flags, argc, argv, phase_close_session);
}

int
pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int r = enter(pamh, flags, argc, argv, phase_change_password);

	return r == PAM_USER_UNKNOWN ? phase_others_password(pamh, flags) : r;
}
