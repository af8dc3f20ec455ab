/* What the parts of the module share: the front of the flow that knows PAM. */
#ifndef IAM_PAM_MODULE_H
#define IAM_PAM_MODULE_H

#include <security/pam_modules.h>
#include <sys/resource.h>

#include "pam_iam/chkauth.h"
#include "pam_iam/flow.h"

/* ---- args.c ---- */

struct args {
	bool debug, try_first_pass, use_first_pass, use_authtok, mfa_only;
	bool no_last_login;
	const char *unknown; /* the first option that is none; borrowed */
};

void args_read(int argc, const char **argv, struct args *ret);

/* ---- pam_rlimit.c ---- */

#define LIMITS 2

struct limits {
	bool cramped; /* there is too little, and no more to be had */
	bool lifted[LIMITS];
	struct rlimit before[LIMITS];
};

/* In a set-user-id program: room for the phase, whatever its caller has set. Nothing
 * in any other. */
void limits_lift(struct limits *l, uid_t real_uid, uid_t effective_uid);
void limits_restore(const struct limits *l);
struct phase;
/* Before anything is judged: PAM_SUCCESS, or PAM_SYSTEM_ERR and a line for syslog. */
int phase_has_room(const struct phase *ph);

/* ---- conv.c ---- */

/*
 * Ask without echo. *ret_bad is true when there is no usable answer: the
 * conversation failed or was given up, the answer is missing, empty or longer
 * than PASSWORD_MAX; *answer is empty then. Only IAM_ERR_MEMORY is an error.
 */
int conv_ask(pam_handle_t *pamh, const char *prompt, struct secret *answer,
    bool *ret_bad);
/* The same, where an empty answer is one. */
int conv_ask_or_empty(pam_handle_t *pamh, const char *prompt,
    struct secret *answer, bool *ret_bad);
/* The same for a code, without the blanks that it may be typed with. */
int conv_ask_code(pam_handle_t *pamh, const char *prompt, bool may_be_empty,
    struct secret *answer, bool *ret_bad);
/* A line for the person, unless PAM_SILENT. style: PAM_TEXT_INFO, PAM_ERROR_MSG. */
void conv_say(pam_handle_t *pamh, int flags, int style, const char *text);

/* ---- pam_text.c ---- */

/* The catalogue of the person's language; zeroed: not looked for yet. */
struct text {
	bool tried;
	struct buf mo;
};

/* In the person's language, or as it is; valid until the phase ends. */
const char *tr(struct phase *ph, const char *msgid)
    __attribute__((format_arg(2)));
/* For tables: what tr will be called with. */
#define N_(msgid) (msgid)

#define TEXT_LOCALE_MAX 64
/* What PAM's environment says of the locale, else the host's default; "": nothing. */
void text_locale(pam_handle_t *pamh, char ret[TEXT_LOCALE_MAX]);
bool text_is_utf8(const char *locale);

/* ---- spawn.c ---- */

/* How a program ended: its exit status, 128 + signal when it was killed. */
#define SPAWN_NOT_RUN 127

/*
 * Run a program with a clean environment, these arguments and this input (at
 * most SPAWN_INPUT_MAX bytes), as uid 0 when the effective one is 0. What it
 * says (standard output and error, the first 16 KiB) is appended to *said; may
 * be NULL. Works whatever the application does with SIGCHLD, and changes no
 * signal handler. IAM_ERR_BUSY: not done within the limit, and killed.
 */
#define SPAWN_INPUT_MAX 4096
int spawn_run(const char *path, const char *const argv[], const void *input,
    size_t input_len, struct buf *said, int *ret_status);

/* "iamctl publish"; the shape is flow_host.publish. */
int spawn_publish(void *arg);
/* "iamctl use-recovery-code"; the shape is flow_host.use_recovery. */
int spawn_use_recovery(void *arg, const char *user_name,
    const struct secret *code, bool *ret_ok, unsigned *ret_left);
/*
 * "iamctl begin-mfa-enrolment" and "complete-mfa-enrolment", as text output in
 * *said, which is secret. *ret_ok says whether it was done; else code is AWS's
 * error code ("" when there is none).
 */
int spawn_begin_enrolment(const char *user_name, bool utf8, struct buf *said,
    bool *ret_ok, char *code, size_t code_size);
int spawn_complete_enrolment(const char *user_name, const char *seed,
    const struct secret *code1, const struct secret *code2, struct buf *said,
    bool *ret_ok, char *code, size_t code_size);
/* "iamctl create-recovery-codes", as text output in *said, which is secret. */
int spawn_new_codes(const char *user_name, struct buf *said, bool *ret_ok,
    char *code, size_t code_size);
/* "iamctl record-mfa-drift"; the shape is flow_host.record_drift. */
int spawn_record_drift(void *arg, const char *user_name, const char *serial,
    int32_t drift);
int spawn_make_home(const char *name, uint32_t home_umask);
/*
 * "iamctl change-password" with the passwords on standard input. old may be
 * NULL: iamctl takes a user who runs passwd in her own session for herself, and
 * she needs it; root does not. *ret_ok says whether it was changed; else code is
 * AWS's error code and why the sentence after it ("" when there is none, or when it
 * is longer).
 */
int spawn_change_password(const char *user_name, const char *old,
    const struct secret *password, bool *ret_ok, char *code, size_t code_size,
    char *why, size_t why_size);
/* "iamctl upgrade-password-hash", with the password on standard input. */
int spawn_upgrade_hash(const char *user_name, const struct secret *password);
/* Ask the helper; every failure is CHK_BROKEN. */
enum chk_answer spawn_chkauth(const char *mode, const struct chk_request *req);

/* ---- pam_phase.c ---- */

struct phase {
	pam_handle_t *pamh;
	int flags;
	struct args args;
	struct text text;
	const char *user; /* borrowed from pamh */
	struct flow_host host;
	struct flow_facts facts;
	struct flow *flow;
	bool unprivileged; /* not root: everything goes to the helper */
	bool keep; /* the flow for the next phase, at phase_end */
	struct limits limits;
};

/* One switch from our errors to PAM's codes; never PAM_SUCCESS or PAM_IGNORE. */
int phase_code(int err);

/*
 * Look the user up. PAM_SUCCESS: go on; PAM_USER_UNKNOWN: IAM is not
 * initialised; else: what to answer. phase_end in any case.
 */
int phase_begin(struct phase *ph, pam_handle_t *pamh, int flags, int argc,
    const char **argv);
int phase_open(struct phase *ph, enum flow_mode mode);
void phase_end(struct phase *ph);
/* The request for the helper, without answers. */
void phase_chk_request(const struct phase *ph, struct chk_request *req);
/* Without the helper's word: PAM_USER_UNKNOWN for a local account that is not
 * ours, otherwise code. */
int phase_without_helper(const struct phase *ph, int code);

/* Evidence kept with the handle, for the phases of the same process. */
int phase_keep(struct phase *ph, const struct runtime_evidence *e);
const struct runtime_evidence *phase_kept(const struct phase *ph);
/* phase_open for the account phase: with the auth phase's flow, where that can go on. */
int phase_open_again(struct phase *ph);

/* The helper has let this user in, for this handle. */
int phase_permitted_set(struct phase *ph);
bool phase_permitted(const struct phase *ph);

/* The person's one line about a denial; event_id "": none was kept. pam_account.c */
enum denied { DENIED_POLICY, DENIED_EXPIRED, DENIED_ERROR };
void phase_say_denied(struct phase *ph, enum denied why, const char *event_id);

/* The phases. They answer PAM codes. */
int phase_authenticate(struct phase *ph); /* pam_auth.c */
/* Has the user enrol a device, after FLOW_ENROL. pam_enrol.c */
int phase_enrol(struct phase *ph, struct runtime_evidence *ret);
/* New recovery codes at a login, after a right second factor: may they be shown here;
 * does she want them; make and show them. pam_enrol.c */
bool phase_can_show_codes(const struct phase *ph);
bool phase_wants_codes(struct phase *ph);
void phase_new_codes(struct phase *ph);
int phase_account(struct phase *ph);      /* pam_account.c */
int phase_setcred(struct phase *ph);      /* pam_session.c, as the next two */
int phase_open_session(struct phase *ph);
int phase_close_session(struct phase *ph);
int phase_change_password(struct phase *ph); /* pam_password.c */
/* PAM_USER_UNKNOWN, after asking for a new password on behalf of the modules
 * behind us: pam-auth-update gives them use_authtok. */
int phase_others_password(pam_handle_t *pamh, int flags);

#endif
