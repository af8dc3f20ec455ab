#include "common/base/base.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "common/store/settings.h"
#include "iamctl/behind.h"
#include "iamctl/call.h"
#include "iamctl/cli.h"
#include "iamctl/input.h"

struct run {
	struct op_call c;
	const struct caller *who;
	struct call_reply *reply;
	struct store_paths paths;
	struct settings_host host; /* zeroed when there is no host.json */
	char account_id[16];
	uint64_t before, revision; /* of the store: at the beginning, after the commit */
	json_t *request;           /* what came in */
	sigset_t signals;          /* to be put back after the commit */
	bool begun, held;
	char *made;                /* the OP_OUTFILE that was written */
};

static void fail(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An error of ours, not of the service. */
static void
fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	r->reply->status = CLI_EXIT_OTHER;
	va_start(ap, fmt);
	vsnprintf(r->reply->message, sizeof(r->reply->message), fmt, ap);
	va_end(ap);
}

static void
warn(struct run *r, const char *text)
{
	(void)json_array_append_new(r->reply->warnings, json_string(text));
}

int
call_paths(struct store_paths *ret, struct iam_why *why)
{
	struct group *g = getgrnam(IAM_AUTH_GROUP);

	*ret = (struct store_paths){ .host = IAM_PATH_HOST,
		.settings = IAM_PATH_SETTINGS, .governed = IAM_PATH_GOVERNED,
		.ssh_revoked = IAM_PATH_SSH_REVOKED,
		.public_snapshot = IAM_PATH_PUBLIC,
		.private_snapshot = IAM_PATH_PRIVATE, .passwd = IAM_PATH_PASSWD,
		.group = IAM_PATH_GROUP, .auth_gid = (gid_t)-1 };
#ifdef IAM_TEST_BUILD
	(void)g;
	(void)why;
	return 0;
#else
	if (g != NULL && g->gr_gid != 0) {
		ret->auth_gid = g->gr_gid;
		return 0;
	}
	iam_why_set(why, 0, 0, "there is no group " IAM_AUTH_GROUP " on this host; "
	    "the package iamctl makes it: run 'dpkg-reconfigure iamctl' or "
	    "'addgroup --system " IAM_AUTH_GROUP "'");
	return IAM_ERR_ABSENT;
#endif
}

/* ---- signals ---- */

/*
 * Until the commit a signal ends the process, and with it the transaction. From the
 * commit on all of them wait, those of timers and limits and the terminal's stop
 * included: a change is followed by its snapshots and its event.
 */
static void
hold_signals(struct run *r)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	sigdelset(&set, SIGFPE);
	sigdelset(&set, SIGILL);
	sigdelset(&set, SIGABRT);
	sigprocmask(SIG_BLOCK, &set, &r->signals);
	r->held = true;
}

static void
release_signals(struct run *r)
{
	if (r->held)
		sigprocmask(SIG_SETMASK, &r->signals, NULL);
	r->held = false;
}

/* ---- before the handler ---- */

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void
say_no_account(struct run *r)
{
	if (exists(IAM_PATH_HOST) || exists(IAM_PATH_PRIVATE))
		fail(r, "%s is gone, although this host has an account: restore it "
		    "from a backup. Logins go on from the snapshots meanwhile.",
		    IAM_PATH_DB);
	else
		fail(r, "This host has no account yet: run 'iamctl init --region "
		    "REGION' first.");
}

static int
load_account(struct run *r)
{
	json_t *doc = NULL;
	const char *id;
	int err;

	if ((err = store_get(r->c.store, "account", &doc)) != 0) {
		fail(r, "%s: %s.", IAM_PATH_DB, iam_strerror(err));
		return -1;
	}
	id = json_string_value(json_object_get(doc, "AccountId"));
	snprintf(r->account_id, sizeof(r->account_id), "%s", id != NULL ? id : "");
	json_decref(doc);
	if (r->account_id[0] != '\0')
		r->c.account_id = r->account_id;
	else
		say_no_account(r);
	return r->account_id[0] != '\0' ? 0 : -1;
}

static int
open_store(struct run *r)
{
	struct iam_why why = { 0, 0, "" };
	int err = store_open(IAM_PATH_DB, false, &r->c.store, &why);

	if (err == IAM_ERR_ABSENT)
		say_no_account(r);
	else if (err != 0)
		fail(r, "%s: %s.", IAM_PATH_DB, why.text[0] != '\0' ? why.text :
		    iam_strerror(err));
	return err != 0 ? -1 : load_account(r);
}

/* Rows that go without the store (init, doctor) have an account in their event
 * all the same, where there is one. */
static void
peek_account(struct run *r)
{
	if (open_store(r) != 0) {
		r->reply->status = 0;
		r->reply->message[0] = '\0';
	}
	store_close(r->c.store);
	r->c.store = NULL;
}

/* An IAM user is judged by the snapshot: it must be the store's newest, and what it
 * says of her undamaged. */
static int
refresh_snapshot(struct run *r)
{
	struct iam_why why = { 0, 0, "" };
	bool current = false;
	int err;

	if (!r->who->user || r->c.store == NULL)
		return 0;
	if ((err = store_published(r->c.store, &r->paths, &current)) == 0 &&
	    !current)
		err = store_publish_changes(r->c.store, &r->paths, NULL, &why);
	if (err == 0 && !caller_readable(r->who))
		err = store_publish(r->c.store, &r->paths, NULL, &why);
	if (err != 0)
		fail(r, "The snapshots are out of date and cannot be made anew, so "
		    "your permissions are not known: %s. Ask root to run 'iamctl "
		    "doctor'.", why.text[0] != '\0' ? why.text : iam_strerror(err));
	return err != 0 ? -1 : 0;
}

static int
prepare(struct run *r)
{
	struct iam_why why = { 0, 0, "" };
	int err;

	if (call_paths(&r->paths, &why) != 0 && r->c.op->needs_init) {
		fail(r, "%s.", why.text);
		return -1;
	}
	if (settings_host_read(IAM_PATH_HOST, &r->host, NULL) != 0)
		memset(&r->host, 0, sizeof(r->host));
	if (!r->c.op->needs_init) {
		peek_account(r);
	} else if (open_store(r) != 0 || refresh_snapshot(r) != 0) {
		return -1;
	}
	if (r->c.store == NULL)
		return 0;
	/* An answer is of one revision, even while another iamctl writes. */
	err = r->c.op->read_only ? store_begin_read(r->c.store) :
	    store_begin(r->c.store);
	if (err != 0) {
		fail(r, "%s: %s.", IAM_PATH_DB, err == IAM_ERR_BUSY ? "another change "
		    "has been going on for 10 seconds; try again" :
		    iam_strerror(err));
		return -1;
	}
	r->begun = !r->c.op->read_only;
	if (r->begun)
		r->before = store_revision(r->c.store);
	return 0;
}

/* ---- after the handler ---- */

static const char *
outfile_name(const struct run *r)
{
	const struct op_param *p;

	for (p = r->c.op->params; p != NULL && p->name != NULL; p++)
		if (p->type == OP_OUTFILE)
			return op_str(&r->c, p->name);
	return NULL;
}

/* Before the commit: a seed whose file cannot be written is no device. */
static int
make_outfile(struct run *r)
{
	const char *path = outfile_name(r);
	struct iam_why why = { 0, 0, "" };

	if (path == NULL || r->c.outfile.len == 0)
		return 0;
	if (r->c.outfile.err != 0)
		return op_fail_err(&r->c, r->c.outfile.err, path);
	if (input_make_file(r->who, path, &r->c.outfile, &why) != 0) {
		fail(r, "%s: %s. Nothing was changed.", path, why.text);
		return -1;
	}
	r->made = strdup(path);
	return 0;
}

static const char *
caller_arn(const struct run *r)
{
	const char *arn = json_string_value(json_object_get(r->c.caller, "Arn"));

	return arn != NULL ? arn : "";
}

static int
commit(struct run *r)
{
	int err;

	if (r->c.dry_run)
		r->c.publish = false;
	if (!r->begun || r->c.dry_run)
		return 0;
	hold_signals(r);
	err = store_commit(r->c.store, caller_arn(r), r->c.op->name, &r->revision);
	r->begun = false;
	if (err != 0) {
		store_rollback(r->c.store);
		fail(r, "%s: the change could not be saved: %s. Nothing was changed.",
		    IAM_PATH_DB, iam_strerror(err));
		return -1;
	}
	r->reply->changed = r->revision != r->before || r->c.changed;
	return 0;
}

static void
publish(struct run *r)
{
	struct iam_why why = { 0, 0, "" };
	json_t *warnings = NULL;
	int err;

	if (!r->c.publish || r->c.store == NULL)
		return;
	err = store_publish_changes(r->c.store, &r->paths, &warnings, &why);
	if (warnings != NULL)
		(void)json_array_extend(r->reply->warnings, warnings);
	json_decref(warnings);
	if (err == 0 && store_merge_due(&r->paths))
		behind_merge(r->c.store, &r->paths);
	if (err != 0)
		fail(r, "%s, but this host's snapshots could not be made: %s. Logins "
		    "go on as before it. Mend that, then run 'iamctl publish'.",
		    r->reply->changed ? "The change was made" :
		    "Nothing had to be changed",
		    why.text[0] != '\0' ? why.text : iam_strerror(err));
}

static void
write_event(struct run *r)
{
	int err;

	/* Before there is an account there is no trail. */
	if (r->c.account_id == NULL)
		return;
	err = call_event(&r->c, r->who, r->request, r->host.region,
	    r->host.hostname, r->paths.auth_gid);
	if (err == 0)
		return;
	if (r->reply->message[0] != '\0') {
		warn(r, "the audit event could not be written");
		return;
	}
	fail(r, "%s: the audit event could not be written: %s.%s", IAM_PATH_TRAIL,
	    iam_strerror(err), r->reply->changed ? " The change was made." : "");
}

static void
say_error(struct run *r)
{
	r->reply->status = CLI_EXIT_SERVICE;
	snprintf(r->reply->message, sizeof(r->reply->message),
	    "An error occurred (%s) when calling the %s operation: %s",
	    r->c.error_code, r->c.op->name, r->c.error_text);
}

/* What init has just made belongs into its own event. */
static void
adopt_account(struct run *r)
{
	const char *id = json_string_value(json_object_get(r->c.out, "AccountId"));

	if (r->c.account_id != NULL || id == NULL || r->c.op->needs_init)
		return;
	snprintf(r->account_id, sizeof(r->account_id), "%s", id);
	r->c.account_id = r->account_id;
	json_decref(r->c.caller);
	r->c.caller = NULL;
	(void)caller_identity(&r->c, r->who, &r->c.caller);
	settings_host_release(&r->host);
	if (settings_host_read(IAM_PATH_HOST, &r->host, NULL) != 0)
		memset(&r->host, 0, sizeof(r->host));
}

/* 0: go on to the commit. The error is in the call, or in the reply. */
static int
perform(struct run *r)
{
	if (caller_identity(&r->c, r->who, &r->c.caller) != 0 ||
	    call_check_params(&r->c) != 0 ||
	    caller_authorize(&r->c, r->who) != 0)
		return -1;
	if (r->c.op->run(&r->c) != 0) {
		if (r->c.error_code == NULL)
			(void)op_fail_err(&r->c, IAM_ERR_BUG, r->c.op->name);
		return -1;
	}
	return make_outfile(r);
}

static void
run_op(struct run *r)
{
	if (prepare(r) != 0)
		return;
	if (perform(r) == 0 && commit(r) == 0) {
		r->reply->status = r->c.exit_status;
		adopt_account(r);
		publish(r);
	} else if (r->made != NULL) {
		input_remove_file(r->who, r->made);
	}
	if (r->begun)
		store_rollback(r->c.store);
	if (r->c.error_code != NULL)
		say_error(r);
	else if (r->reply->message[0] != '\0' && !r->reply->changed)
		(void)op_fail(&r->c, "ServiceFailure", "%s", r->reply->message);
	write_event(r);
	release_signals(r);
}

static int
start(struct run *r, const struct op *op, json_t *in, bool utf8)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	r->c = (struct op_call){ .op = op, .in = in,
		.caller_mfa_s = r->who->user ? r->who->session.mfa_s : 0, .out = json_object(),
		.now_s = now.tv_sec, .publish = !op->read_only, .utf8 = utf8,
		.warnings = json_array() };
	r->reply->warnings = r->c.warnings;
	r->c.caller_temporary = caller_is_temporary(r->who);
	r->request = json_copy(in); /* values are not changed in place */
	if (r->c.out == NULL || r->c.warnings == NULL || r->request == NULL) {
		fail(r, "out of memory");
		return -1;
	}
	return 0;
}

void
call_run(const struct op *op, json_t *in, const struct caller *who, bool utf8,
    struct call_reply *reply)
{
	struct run *r = calloc(1, sizeof(*r));

	memset(reply, 0, sizeof(*reply));
	if (r == NULL) {
		reply->status = CLI_EXIT_OTHER;
		snprintf(reply->message, sizeof(reply->message), "out of memory");
		return;
	}
	r->who = who;
	r->reply = reply;
	if (start(r, op, in, utf8) == 0)
		run_op(r);
	if (reply->status != CLI_EXIT_SERVICE && r->c.error_code == NULL) {
		reply->out = r->c.out;
		r->c.out = NULL;
		reply->picture = r->c.picture;
		r->c.picture = (struct buf)BUF_INIT;
		reply->lines = r->c.lines;
		r->c.lines = (struct buf)BUF_INIT;
	}
	store_close(r->c.store);
	settings_host_release(&r->host);
	buf_release(&r->c.outfile);
	buf_release(&r->c.picture);
	buf_release(&r->c.lines);
	json_decref(r->c.out);
	json_decref(r->c.caller);
	json_decref(r->request);
	free(r->made);
	free(r);
}

void
call_reply_release(struct call_reply *reply)
{
	json_decref(reply->out);
	json_decref(reply->warnings);
	buf_release(&reply->picture);
	buf_release(&reply->lines);
	memset(reply, 0, sizeof(*reply));
}
