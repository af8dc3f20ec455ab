/*
 * Enrolment of an MFA device at login: a QR code in the conversation, two codes
 * in a row, recovery codes, all by iamctl's operations. Rules kept here: nothing
 * but a device that the store has enabled is success (S3); the lines go to the
 * person and nowhere else.
 *
 * The order is made for a terminal of 24 lines: what is long comes before the QR
 * code, so that all of it is still there while the codes are typed. Each line is a
 * message of its own: PAM_MAX_MSG_SIZE. The first begins on a new line, since
 * OpenSSH's client puts the user's name in front of a prompt.
 */
#include "common/base/base.h"
#include "pam_iam/module.h"

#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#define TRIES 3
#define SEED_TEXT_MAX 128

static void
say(struct phase *ph, const char *text)
{
	conv_say(ph->pamh, ph->flags, PAM_TEXT_INFO, text);
}

/* May half blocks be sent? Where nothing is known of the locale, yes: Debian's
 * terminals take UTF-8, the console included. */
static bool
takes_utf8(pam_handle_t *pamh)
{
	char locale[TEXT_LOCALE_MAX];

	text_locale(pamh, locale);
	return locale[0] == '\0' || text_is_utf8(locale);
}

/* The next line that begins so; from is where to look. NULL: none. */
static const char *
line_with(const char *from, const char *prefix, size_t *ret_len)
{
	size_t n = strlen(prefix);

	for (; *from != '\0'; from += *from == '\n') {
		if (strncmp(from, prefix, n) == 0) {
			*ret_len = strcspn(from + n, "\n");
			return from + n;
		}
		from += strcspn(from, "\n");
	}
	return NULL;
}

static void
say_lines(struct phase *ph, const char *text, const char *prefix,
    const char *before)
{
	const char *at = text;
	char line[1024];
	size_t len;

	while ((at = line_with(at, prefix, &len)) != NULL) {
		snprintf(line, sizeof(line), "%s%.*s", before, (int)len, at);
		say(ph, line);
		at += len;
	}
	explicit_bzero(line, sizeof(line));
}

/* "ENROLMENT\tSEED\tURI": the scalars in the order of their names. */
static bool
read_seed(const char *text, char seed[SEED_TEXT_MAX], const char **ret_uri,
    size_t *ret_uri_len)
{
	const char *line, *tab;
	size_t len, n;

	if ((line = line_with(text, "ENROLMENT\t", &len)) == NULL ||
	    (tab = memchr(line, '\t', len)) == NULL)
		return false;
	n = (size_t)(tab - line);
	if (n == 0 || n >= SEED_TEXT_MAX)
		return false;
	memcpy(seed, line, n);
	seed[n] = '\0';
	*ret_uri = tab + 1;
	*ret_uri_len = len - n - 1;
	return true;
}

/* In groups of four, for those who type it in. */
static void
say_seed(struct phase *ph, const char *seed)
{
	char line[2 * SEED_TEXT_MAX];
	size_t i, n;

	/* The text is ours or a catalogue's, and much shorter than the room. */
	n = (size_t)snprintf(line, sizeof(line), "%.64s", tr(ph, "Key:"));
	for (i = 0; seed[i] != '\0' && n + 3 < sizeof(line); i++) {
		if (i % 4 == 0)
			line[n++] = ' ';
		line[n++] = seed[i];
	}
	line[n] = '\0';
	say(ph, line);
	explicit_bzero(line, sizeof(line));
}

static void
show(struct phase *ph, const char *text, const char *seed, const char *uri,
    size_t uri_len)
{
	char line[1024];

	say(ph, tr(ph, "\nThis login needs a second factor, and you have none yet."));
	say(ph, tr(ph, "Add this account to your authenticator app: scan the code, or"
	    " type in the key."));
	say_seed(ph, seed);
	snprintf(line, sizeof(line), "%.*s", (int)uri_len, uri);
	say(ph, line);
	explicit_bzero(line, sizeof(line));
	say_lines(ph, text, "QRCODE\t", "");
}

/* PAM_SUCCESS, or PAM_AUTH_ERR when there is no usable pair. */
static int
ask_pair(struct phase *ph, struct secret *first, struct secret *second)
{
	bool bad = true, bad2 = true;
	int r;

	if ((r = conv_ask_code(ph->pamh, tr(ph, "First code of the app: "), false,
	    first, &bad)) == 0 &&
	    !bad)
		r = conv_ask_code(ph->pamh, tr(ph, "The code that it shows next: "),
		    false, second, &bad2);
	if (r != 0)
		return phase_code(r);
	return bad || bad2 ? PAM_AUTH_ERR : PAM_SUCCESS;
}

/* One try. *ret_again: the codes were wrong, and no more than that. */
static int
complete(struct phase *ph, const char *seed, struct buf *said, bool *ret_again)
{
	struct secret first = SECRET_INIT, second = SECRET_INIT;
	char code[64] = "";
	bool ok = false;
	int r;

	*ret_again = false;
	if ((r = ask_pair(ph, &first, &second)) != PAM_SUCCESS)
		goto out;
	r = spawn_complete_enrolment(flow_principal(ph->flow)->user_name, seed,
	    &first, &second, said, &ok, code, sizeof(code));
	if (r == 0 && !ok) {
		*ret_again = strcmp(code, "InvalidAuthenticationCode") == 0 ||
		    strcmp(code, "ValidationError") == 0;
		if (!*ret_again)
			pam_syslog(ph->pamh, LOG_ERR, "enrolment of %s failed: %s",
			    ph->user, code[0] != '\0' ? code : "unknown error");
	}
	r = r != 0 ? phase_code(r) : ok ? PAM_SUCCESS : PAM_AUTH_ERR;
out:
	secret_release(&first);
	secret_release(&second);
	return r;
}

/* Shown once; the answer to the prompt does not matter. */
static void
show_codes(struct phase *ph, const char *first, const char *text)
{
	struct secret nothing = SECRET_INIT;
	bool bad;

	say(ph, first);
	say(ph, tr(ph, "They are not shown again: write them down now."));
	say_lines(ph, text, "CODES\t", "    ");
	(void)conv_ask_or_empty(ph->pamh, tr(ph, "Press Enter to go on: "), &nothing,
	    &bad);
	secret_release(&nothing);
}

static int
enrolled(struct phase *ph, const char *text, struct runtime_evidence *ret)
{
	enum flow_verdict verdict;
	char serial[256];
	const char *line;
	size_t len;
	int r;

	if ((line = line_with(text, "ENROLMENT\t", &len)) == NULL ||
	    len >= sizeof(serial))
		return PAM_SYSTEM_ERR;
	memcpy(serial, line, len);
	serial[len] = '\0';
	show_codes(ph, tr(ph, "\nYour device is enabled. These recovery codes let you"
	    " in without it, each once."), text);
	if ((r = flow_enrolled(ph->flow, serial, &verdict, ret)) != 0)
		return phase_code(r);
	return verdict == FLOW_PERMIT ? PAM_SUCCESS : PAM_AUTH_ERR;
}

/* The codes, with a second and a third chance. */
static int
try_codes(struct phase *ph, const char *seed, struct runtime_evidence *ret)
{
	int r = PAM_AUTH_ERR, i;
	bool again = true;

	for (i = 0; i < TRIES && again; i++) {
		struct buf said = BUF_INIT;

		if (i > 0)
			say(ph, tr(ph, "These are not two codes that the app shows one"
			    " after the other. Try again."));
		r = complete(ph, seed, &said, &again);
		if (r == PAM_SUCCESS)
			r = enrolled(ph, buf_cstr(&said), ret);
		buf_release(&said);
	}
	return r;
}

int
phase_enrol(struct phase *ph, struct runtime_evidence *ret)
{
	const char *user_name = flow_principal(ph->flow)->user_name, *uri;
	char code[64], seed[SEED_TEXT_MAX] = "";
	struct buf said = BUF_INIT;
	size_t uri_len;
	bool ok = false;
	int r;

	/* Whoever wants silence cannot be shown a code to scan. */
	if (!phase_can_show_codes(ph)) {
		flow_not_enrolled(ph->flow, false);
		return PAM_AUTH_ERR;
	}
	r = spawn_begin_enrolment(user_name, takes_utf8(ph->pamh), &said, &ok,
	    code, sizeof(code));
	if (r == 0 && ok && read_seed(buf_cstr(&said), seed, &uri, &uri_len)) {
		show(ph, buf_cstr(&said), seed, uri, uri_len);
		r = try_codes(ph, seed, ret);
	} else {
		pam_syslog(ph->pamh, LOG_ERR, "enrolment of %s cannot begin: %s",
		    ph->user, r != 0 ? iam_strerror(r) : code);
		r = r != 0 ? phase_code(r) : PAM_AUTH_ERR;
	}
	if (r != PAM_SUCCESS)
		flow_not_enrolled(ph->flow, true);
	explicit_bzero(seed, sizeof(seed));
	buf_release(&said);
	return r;
}

/* ---- new recovery codes ---- */

/* Not for a program that wants silence, and not through one that shows one prompt. */
bool
phase_can_show_codes(const struct phase *ph)
{
	return !ph->unprivileged && (ph->flags & (int)PAM_SILENT) == 0;
}

bool
phase_wants_codes(struct phase *ph)
{
	struct secret answer = SECRET_INIT;
	bool bad, wants;
	int r;

	r = conv_ask_or_empty(ph->pamh, tr(ph, "Type \"new\" for ten new ones now, or"
	    " press Enter to go on: "), &answer, &bad);
	wants = r == 0 && !bad && strcmp(secret_str(&answer), "new") == 0;
	secret_release(&answer);
	return wants;
}

/* The login goes on without them. */
void
phase_new_codes(struct phase *ph)
{
	struct buf said = BUF_INIT;
	char code[64];
	bool ok = false;
	int r;

	r = spawn_new_codes(flow_principal(ph->flow)->user_name, &said, &ok, code,
	    sizeof(code));
	if (r == 0 && ok)
		show_codes(ph, tr(ph, "\nThese are your new recovery codes, each good"
		    " once. Those that you had are worthless now."), buf_cstr(&said));
	else {
		pam_syslog(ph->pamh, LOG_ERR, "no recovery codes for %s: %s", ph->user,
		    r != 0 ? iam_strerror(r) : code);
		say(ph, tr(ph, "New recovery codes cannot be made now."));
	}
	buf_release(&said);
}
