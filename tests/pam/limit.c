/*
 * What pam_systemd reads of the modules before it in the stack: a module, since only
 * modules may. It tells the application in the environment.
 */
#include <security/pam_modules.h>
#include <stdio.h>

int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const void *limit = NULL;
	char text[80];

	(void)flags;
	(void)argc;
	(void)argv;
	if (pam_get_data(pamh, "systemd.runtime_max_sec", &limit) != PAM_SUCCESS)
		return PAM_IGNORE;
	snprintf(text, sizeof(text), "RUNTIME_MAX_SEC=%s", (const char *)limit);
	return pam_putenv(pamh, text);
}

int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}
