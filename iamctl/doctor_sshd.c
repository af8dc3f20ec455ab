/* What sshd has to be set to. */
#include "common/base/base.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/policy/policy.h"
#include "common/store/settings.h"
#include "iamctl/doctor.h"
#include "iamctl/program.h"

#define SSHD IAM_ROOT "/usr/sbin/sshd"

static int
ask_sshd(struct buf *ret, int *ret_status)
{
	static const char *const argv[] = { "sshd", "-T", NULL };

	return program_run(SSHD, argv, ret, ret_status);
}

/* The value of a keyword in sshd -T's list. */
static bool
sshd_value(const char *text, const char *keyword, char *ret, size_t size)
{
	char line[1024];
	size_t n = strlen(keyword);

	while (doctor_next_line(&text, line, sizeof(line))) {
		if (strncmp(line, keyword, n) == 0 && line[n] == ' ') {
			snprintf(ret, size, "%s", line + n + 1);
			return true;
		}
	}
	snprintf(ret, size, "%s", "");
	return false;
}

static void
check_sshd_yes(struct doctor *d, const char *text, const char *keyword,
    const char *effect)
{
	char value[64], check[64];

	snprintf(check, sizeof(check), "sshd %s", keyword);
	(void)sshd_value(text, keyword, value, sizeof(value));
	if (strcmp(value, "yes") == 0)
		doctor_say(d, check, DOCTOR_OK, "", "yes");
	else
		doctor_say(d, check, DOCTOR_FAILED, "set it to yes in the first file of "
		    "/etc/ssh that names it", "it is '%s': %s", value, effect);
}

static void
check_sshd_keys(struct doctor *d, const char *text)
{
	char value[512];

	(void)sshd_value(text, "authorizedkeyscommand", value, sizeof(value));
	if (strncmp(value, IAM_LIBEXECDIR "/iam-authorized-keys",
	    strlen(IAM_LIBEXECDIR "/iam-authorized-keys")) == 0)
		doctor_say(d, "sshd authorizedkeyscommand", DOCTOR_OK, "", "%s", value);
	else
		doctor_say(d, "sshd authorizedkeyscommand", DOCTOR_WARNING,
		    "see iam-authorized-keys(8)", "it is '%s': SSH keys of IAM users "
		    "are not used", value);
}

/* Without the command sshd asks for, a revoked certificate is accepted. */
static void
check_sshd_principals(struct doctor *d, const char *text)
{
	const char *want = IAM_LIBEXECDIR "/iam-authorized-principals %u %s";
	char ca[512], value[512];

	if (access(IAM_PATH_SSH_CA_PUB, F_OK) != 0)
		return;
	(void)sshd_value(text, "trustedusercakeys", ca, sizeof(ca));
	(void)sshd_value(text, "authorizedprincipalscommand", value, sizeof(value));
	if (strcmp(ca, IAM_PATH_SSH_CA_PUB) != 0)
		doctor_say(d, "sshd trustedusercakeys", DOCTOR_WARNING,
		    "see iam-authorized-principals(8)", "it is '%s': certificates of "
		    "get-session-token are not used", ca);
	else if (strcmp(value, want) != 0)
		doctor_say(d, "sshd authorizedprincipalscommand", DOCTOR_FAILED,
		    "set it in a file that is read before AuthorizedKeysCommand; see "
		    "iam-authorized-principals(8)", "it is '%s': revoked certificates "
		    "are accepted", value);
	else
		doctor_say(d, "sshd authorizedprincipalscommand", DOCTOR_OK, "", "%s",
		    value);
}

/* Whoever enrols scans a picture, waits for two codes and writes ten down. */
#define ENROLMENT_S 300

static void
check_sshd_grace(struct doctor *d, const char *text)
{
	struct settings settings;
	unsigned long grace_s;
	char value[64];
	bool off;

	if (settings_read(IAM_PATH_SETTINGS, &settings, NULL) != 0)
		return; /* said elsewhere */
	off = settings.self_enrolment == SNAP_ENROLMENT_OFF;
	settings_release(&settings);
	if (off || !sshd_value(text, "logingracetime", value, sizeof(value)))
		return;
	grace_s = strtoul(value, NULL, 10);
	if (grace_s == 0 || grace_s >= ENROLMENT_S)
		doctor_say(d, "sshd logingracetime", DOCTOR_OK, "", "%s", value);
	else
		doctor_say(d, "sshd logingracetime", DOCTOR_WARNING,
		    "set LoginGraceTime 5m", "%s seconds are short for enrolling an MFA "
		    "device at login (mfa.selfEnrolment)", value);
}

/* Does a policy ask which key it was? What cannot be read is said elsewhere. */
static bool
policy_asks(const struct snap_bytes *record)
{
	struct snap_policy policy;
	struct pol_doc doc;
	const char *name;
	size_t cursor = 0;

	if (snap_policy_decode(*record, &policy) != 0 ||
	    pol_open(policy.compiled, policy.compiled_len, &doc) != 0)
		return false;
	while (pol_key_next(&doc, &cursor, &name)) {
		if (strncasecmp(name, "host:Key", strlen("host:Key")) == 0)
			return true;
	}
	return false;
}

static bool
policies_ask_for_keys(void)
{
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_bytes record;
	struct snap *snap;
	bool found = false, asks = false;

	if (snap_open(IAM_PATH_PRIVATE, SNAP_PRIVATE, &snap) != 0)
		return false;
	while (!asks && snap_next(snap, SNAP_POLICY, &cursor, &found, NULL,
	    &record) == 0 && found)
		asks = policy_asks(&record);
	snap_cursor_release(&cursor);
	snap_close(snap);
	return asks;
}

/*
 * sshd tells PAM of a key before the account phase only when something is asked after it.
 * Without that, host:KeyType and its like are absent, and so is a certificate's MFA.
 */
static void
check_sshd_facts(struct doctor *d, const char *text)
{
	bool certificates = access(IAM_PATH_SSH_CA_PUB, F_OK) == 0;
	char value[512];

	if (!certificates && !policies_ask_for_keys())
		return;
	(void)sshd_value(text, "authenticationmethods", value, sizeof(value));
	if (strstr(value, "publickey,keyboard-interactive") != NULL)
		doctor_say(d, "sshd authenticationmethods", DOCTOR_OK, "", "%s", value);
	else
		doctor_say(d, "sshd authenticationmethods", DOCTOR_WARNING,
		    "set AuthenticationMethods publickey,keyboard-interactive", "it is "
		    "'%s': which key was used is not known to %s", value, certificates ?
		    "the policies, nor the MFA of a certificate" :
		    "the policies that ask for host:Key…");
}

void
doctor_sshd(struct doctor *d)
{
	struct buf text = BUF_INIT;
	char line[256], value[64];
	const char *p;
	int status = 0, r;

	if (access(SSHD, X_OK) != 0) {
		doctor_say(d, "sshd", DOCTOR_OK, "", "there is no OpenSSH server");
		return;
	}
	r = ask_sshd(&text, &status);
	p = buf_cstr(&text);
	if (r != 0) {
		doctor_say(d, "sshd", DOCTOR_WARNING, "sshd -T", "%s cannot be asked: %s",
		    SSHD, iam_strerror(r));
	} else if (!sshd_value(p, "usepam", value, sizeof(value))) {
		(void)doctor_next_line(&p, line, sizeof(line));
		doctor_say(d, "sshd", DOCTOR_WARNING, "sshd -T", "sshd does not tell its "
		    "settings (status %d): %s", WEXITSTATUS(status), line);
	} else {
		check_sshd_yes(d, p, "usepam", "no policy is asked for SSH logins");
		check_sshd_yes(d, p, "kbdinteractiveauthentication",
		    "nobody can be asked for a code");
		check_sshd_keys(d, p);
		check_sshd_principals(d, p);
		check_sshd_grace(d, p);
		check_sshd_facts(d, p);
	}
	buf_release(&text);
}
