/*
 * The auth phase: all questions are asked before any answer is judged.
 */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/module.h"

#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define FAIL_DELAY_US 2000000

#define RECOVERY_FEW 2

struct answers {
	struct secret password, code;
	bool bad;
	bool new_codes; /* she wants new recovery codes: a plus sign behind her code */
};

static void
answers_release(struct answers *a)
{
	secret_release(&a->password);
	secret_release(&a->code);
}

/* The password of a module before us; false when there is none. */
static int
first_pass(struct phase *ph, struct secret *password, bool *ret_found)
{
	const void *token = NULL;
	size_t len;

	*ret_found = false;
	if (!ph->args.try_first_pass && !ph->args.use_first_pass)
		return 0;
	if (pam_get_item(ph->pamh, PAM_AUTHTOK, &token) != PAM_SUCCESS ||
	    token == NULL)
		return 0;
	*ret_found = true;
	len = strlen(token);
	if (len == 0 || len > PASSWORD_MAX)
		return 0; /* an empty answer: wrong */
	return secret_set(password, token, len);
}

static int
ask_password(struct phase *ph, const char *prompt, struct answers *a)
{
	bool found;
	int r;

	if ((r = first_pass(ph, &a->password, &found)) != 0)
		return r;
	if (found || ph->args.use_first_pass) {
		a->bad = a->password.len == 0;
		return 0;
	}
	return conv_ask(ph->pamh, prompt, &a->password, &a->bad);
}

/* The second question comes whatever the first answer was, but a conversation
 * that broke down is not gone on with. */
static int
ask(struct phase *ph, unsigned questions, struct answers *a)
{
	const unsigned all = FLOW_CODE | FLOW_JOINED;
	int r;

	if ((questions & FLOW_PASSWORD) != 0 &&
	    ((r = ask_password(ph, (questions & all) == all ?
	    tr(ph, "Password and verification code: ") :
	    tr(ph, "Password: "), a)) != 0 || a->bad))
		return r;
	if ((questions & FLOW_JOINED) != 0)
		return 0;
	/* Where nothing can be shown nobody enrols, so nobody is told to. */
	if ((questions & FLOW_MAY_BE_EMPTY) != 0 && phase_can_show_codes(ph))
		return conv_ask_code(ph->pamh,
		    tr(ph, "Verification code (Enter if you have none): "), true,
		    &a->code, &a->bad);
	if ((questions & FLOW_CODE) != 0)
		return conv_ask_code(ph->pamh, tr(ph, "Verification code: "), false,
		    &a->code, &a->bad);
	return 0;
}

/* No code has one. It goes before anything looks at the code. */
static void
take_plus(struct phase *ph, struct answers *a)
{
	if (a->code.len < 2 || a->code.p[a->code.len - 1] != '+' ||
	    !phase_can_show_codes(ph))
		return;
	a->code.p[--a->code.len] = '\0';
	a->new_codes = true;
}

static void
say_used(struct phase *ph)
{
	if (flow_code_was_used(ph->flow))
		conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG, tr(ph, "Your code was"
		    " right but already used. Wait for the next one."));
}

/* After a right second factor: as she wished, or when few are left. */
static void
renew_recovery(struct phase *ph, const struct answers *a,
    const struct runtime_evidence *e)
{
	int left = flow_recovery_left(ph->flow);

	if (e->mfa_s == 0 || !phase_can_show_codes(ph))
		return;
	if (a->new_codes || (left >= 0 && left <= RECOVERY_FEW &&
	    phase_wants_codes(ph)))
		phase_new_codes(ph);
}

/* For the modules after us: a keyring opens with the same password. */
static int
hand_on(struct phase *ph, const struct secret *answer, size_t len)
{
	struct secret password = SECRET_INIT;
	int r;

	if (len == 0)
		return PAM_SUCCESS;
	if ((r = secret_set(&password, answer->p, len)) != 0)
		return phase_code(r);
	r = pam_set_item(ph->pamh, PAM_AUTHTOK, secret_str(&password));
	secret_release(&password);
	return r == PAM_SUCCESS ? PAM_SUCCESS : PAM_SYSTEM_ERR;
}

/* Before the last one is used, so that a new list is made in time. */
static void
say_recovery(struct phase *ph)
{
	int left = flow_recovery_left(ph->flow);
	char line[320];

	if (left < 0)
		return;
	if (left == 0)
		snprintf(line, sizeof(line), "%s", tr(ph, "That was your last recovery"
		    " code. Make new ones now: iamctl create-recovery-codes"));
	else
		snprintf(line, sizeof(line), left == 1 ?
		    tr(ph, "%d recovery code left.") :
		    tr(ph, "%d recovery codes left."), left);
	conv_say(ph->pamh, ph->flags, PAM_TEXT_INFO, line);
}

/* The person notices nothing of it, and neither of its failing. */
static void
upgrade_hash(struct phase *ph, const struct answers *a)
{
	/* Without a code behind it; a view, which nothing reads beyond its length. */
	const struct secret password = { a->password.p,
		flow_password_len(ph->flow, &a->password) };
	int r;

	if (password.len == 0 || !flow_hash_is_old(ph->flow))
		return;
	r = spawn_upgrade_hash(flow_principal(ph->flow)->user_name, &password);
	if (r != 0)
		pam_syslog(ph->pamh, LOG_NOTICE, "the password hash of %s stays as it"
		    " is: %s", ph->user, iam_strerror(r));
}

static int
judge(struct phase *ph, unsigned questions, const struct answers *a)
{
	struct flow_answers given = {
		.password = (questions & FLOW_PASSWORD) != 0 ? &a->password : NULL,
		.code = (questions & (FLOW_CODE | FLOW_JOINED)) == FLOW_CODE ?
		    &a->code : NULL,
		.bad = a->bad,
	};
	struct runtime_evidence e;
	enum flow_verdict verdict;
	int r;

	if ((r = flow_judge(ph->flow, &given, &verdict, &e)) != 0)
		return phase_code(r);
	if (verdict == FLOW_ENROL) {
		if ((r = phase_enrol(ph, &e)) != PAM_SUCCESS)
			return r;
	} else if (verdict != FLOW_PERMIT) {
		say_used(ph);
		return PAM_AUTH_ERR;
	}
	say_recovery(ph);
	renew_recovery(ph, a, &e);
	upgrade_hash(ph, a);
	r = phase_keep(ph, &e);
	ph->keep = r == PAM_SUCCESS;
	explicit_bzero(&e, sizeof(e));
	return r != PAM_SUCCESS ? r : hand_on(ph, &a->password,
	    flow_password_len(ph->flow, &a->password));
}

static int
authenticate_here(struct phase *ph)
{
	struct answers a = { SECRET_INIT, SECRET_INIT, false, false };
	unsigned questions;
	int r;

	if ((r = phase_open(ph, FLOW_DECIDE)) != PAM_SUCCESS)
		return r;
	if (flow_who(ph->flow) == FLOW_ROOT)
		return PAM_USER_UNKNOWN;
	if ((r = phase_has_room(ph)) != PAM_SUCCESS)
		return r;
	/* sshd authenticates in a child of the process that opens the session. */
	if (strcmp(ph->facts.service, "sshd") == 0)
		ph->facts.parent = getppid();
	pam_fail_delay(ph->pamh, FAIL_DELAY_US);
	questions = flow_questions(ph->flow);
	if ((r = ask(ph, questions, &a)) != 0)
		r = phase_code(r);
	else {
		take_plus(ph, &a);
		r = judge(ph, questions, &a);
	}
	answers_release(&a);
	return r;
}

/* ---- not root ---- */

static int
answer_code(struct phase *ph, enum chk_answer answer)
{
	switch (answer) {
	case CHK_PERMIT:
		return PAM_SUCCESS;
	case CHK_WRONG:
		return PAM_AUTH_ERR;
	case CHK_DENIED:
		conv_say(ph->pamh, ph->flags, PAM_ERROR_MSG,
		    tr(ph, "Access denied by policy."));
		return PAM_PERM_DENIED;
	case CHK_UNMANAGED:
		return PAM_USER_UNKNOWN;
	case CHK_REFUSED:
		return phase_without_helper(ph, PAM_AUTH_ERR);
	case CHK_BROKEN:
	case CHK_ASK_PASSWORD:
	case CHK_ASK_CODE:
	case CHK_ASK_BOTH:
	case CHK_ASK_JOINED:
		return phase_without_helper(ph, PAM_AUTHINFO_UNAVAIL);
	}
	return PAM_SERVICE_ERR;
}

static unsigned
questions_of(enum chk_answer answer)
{
	if (answer == CHK_ASK_PASSWORD)
		return FLOW_PASSWORD;
	if (answer == CHK_ASK_CODE)
		return FLOW_CODE;
	if (answer == CHK_ASK_JOINED)
		return FLOW_PASSWORD | FLOW_CODE | FLOW_JOINED;
	return answer == CHK_ASK_BOTH ? FLOW_PASSWORD | FLOW_CODE : 0;
}

/* The helper looks at the policies in the same go: many screen lockers never
 * call the account phase. */
static int
authenticate_by_helper(struct phase *ph)
{
	struct answers a = { SECRET_INIT, SECRET_INIT, false, false };
	struct chk_request req;
	enum chk_answer answer;
	unsigned questions;
	int r;

	if (strcmp(ph->user, "root") == 0)
		return PAM_USER_UNKNOWN;
	phase_chk_request(ph, &req);
	answer = spawn_chkauth("ask", &req);
	if ((questions = questions_of(answer)) == 0)
		return answer_code(ph, answer == CHK_PERMIT ? CHK_BROKEN : answer);
	pam_fail_delay(ph->pamh, FAIL_DELAY_US);
	if ((r = ask(ph, questions, &a)) != 0) {
		r = phase_code(r);
		goto out;
	}
	/* Bad answers go there as well, as empty ones: they count. */
	req.password = secret_str(&a.password);
	req.code = secret_str(&a.code);
	r = answer_code(ph, spawn_chkauth("auth", &req));
	if (r == PAM_SUCCESS)
		r = phase_permitted_set(ph);
	/* Where the password ends in a joined answer, only the helper knows. */
	if (r == PAM_SUCCESS && (questions & FLOW_JOINED) == 0)
		r = hand_on(ph, &a.password, a.password.len);
out:
	answers_release(&a);
	return r;
}

int
phase_authenticate(struct phase *ph)
{
	return ph->unprivileged ? authenticate_by_helper(ph) :
	    authenticate_here(ph);
}
