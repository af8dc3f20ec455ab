/*
 * iam-chkauth: judges the credentials of the user who runs it, for programs
 * that are not root. setgid iam-auth, never setuid (S30). The real ids and groups are
 * all that it believes of its caller; the answer is its exit status (S32).
 * Throttle, replay store and policies are the module's (S33).
 */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/chkauth.h"
#include "pam_iam/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum mode { MODE_ASK = 1, MODE_AUTH, MODE_ACCOUNT };

/*
 * Before anything else: nothing that the caller left behind may matter (S31).
 * Only async-signal-safe calls until 0, 1 and 2 are surely open.
 */
static bool
clean_up(void)
{
	static char *nothing[] = { NULL };
	struct sigaction plain = { .sa_handler = SIG_DFL };
	const struct rlimit none = { 0, 0 };
	sigset_t empty;
	gid_t gid = getegid();
	uid_t uid = getuid();
	int fd, i;

	environ = nothing;
	do {
		if ((fd = open("/dev/null", O_RDWR)) < 0)
			return false;
	} while (fd < 2);
	if (fd > 2)
		close(fd);
	if (close_range(3, ~0U, 0) != 0)
		return false;
	for (i = 1; i < NSIG; i++)
		sigaction(i, &plain, NULL);
	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write that fails is seen and denies */
	umask(007);
	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || chdir("/") != 0)
		return false;
	/* Never with somebody else's user id; the group is what it is for. */
	return setresuid(uid, uid, uid) == 0 && setresgid(gid, gid, gid) == 0 &&
	    geteuid() == uid && getegid() == gid;
}

static bool
read_mode(int argc, char **argv, enum mode *ret)
{
	if (argc != 2)
		return false;
	if (strcmp(argv[1], "ask") == 0)
		*ret = MODE_ASK;
	else if (strcmp(argv[1], "auth") == 0)
		*ret = MODE_AUTH;
	else if (strcmp(argv[1], "account") == 0)
		*ret = MODE_ACCOUNT;
	else
		return false;
	return true;
}

/* Everything up to the end, if it is not too much. */
static bool
read_request(uint8_t room[CHK_REQUEST_MAX + 1], struct chk_request *req)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(STDIN_FILENO, room + len, CHK_REQUEST_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		if (len > CHK_REQUEST_MAX)
			return false;
	}
	return n == 0 && chk_decode(room, len, req) == 0;
}

/* Is the caller in the group whose members may ask about others? Its groups are
 * the kernel's word, apart from the effective one, which is the helper's. */
static bool
in_group(gid_t group)
{
	gid_t groups[NGROUPS_MAX];
	int i, n = getgroups(NGROUPS_MAX, groups);

	if (getgid() == group)
		return true;
	for (i = 0; i < n; i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

/* A group of that name with gid 0 is a mistake that must not matter. */
static bool
may_ask_others(const struct flow_host *host)
{
	struct snap_account *account = malloc(sizeof(*account));
	struct group gr, *hit = NULL;
	struct snap *snap = NULL;
	char room[16384];
	bool yes = false;

	if (account != NULL &&
	    snap_open(host->private_snapshot, SNAP_PRIVATE, &snap) == 0 &&
	    snap_account_get(snap, account) == 0 &&
	    account->helper_group != NULL &&
	    getgrnam_r(account->helper_group, &gr, room, sizeof(room), &hit) == 0 &&
	    hit != NULL && gr.gr_gid != 0 && gr.gr_gid != getegid())
		yes = in_group(gr.gr_gid);
	snap_close(snap);
	free(account);
	return yes;
}

/* Does the caller go by this name? Checked before the name is looked up in the
 * snapshot, so that nothing is learnt about others. */
static bool
own_name(const struct flow_host *host, const char *name)
{
	char own[CHK_TEXT_MAX + 1];
	bool known = false;

	return host->name_of(getuid(), &known, own, sizeof(own)) == 0 && known &&
	    strcmp(own, name) == 0;
}

static enum chk_answer
ask(struct flow *f)
{
	switch (flow_questions(f)) {
	case FLOW_PASSWORD | FLOW_CODE | FLOW_JOINED:
		return CHK_ASK_JOINED;
	case FLOW_PASSWORD:
	case FLOW_PASSWORD | FLOW_JOINED:
		return CHK_ASK_PASSWORD;
	case FLOW_CODE:
		return CHK_ASK_CODE;
	case FLOW_PASSWORD | FLOW_CODE:
		return CHK_ASK_BOTH;
	default:
		return CHK_BROKEN;
	}
}

static enum chk_answer
account(struct flow *f, const struct runtime_evidence *e)
{
	struct flow_decision d;

	if (flow_authorize(f, e, &d) != 0)
		return CHK_BROKEN;
	return d.verdict == FLOW_PERMIT ? CHK_PERMIT : CHK_DENIED;
}

static enum chk_answer
auth(struct flow *f, const struct chk_request *req)
{
	struct secret password = SECRET_INIT, code = SECRET_INIT;
	enum chk_answer answer = CHK_BROKEN;
	enum flow_verdict verdict;
	struct runtime_evidence e;
	struct flow_answers a = { 0 };
	unsigned questions = flow_questions(f);

	if (secret_set(&password, req->password, strlen(req->password)) != 0 ||
	    secret_set(&code, req->code, strlen(req->code)) != 0)
		goto out;
	if ((questions & FLOW_PASSWORD) != 0) {
		a.password = &password;
		a.bad = a.bad || password.len == 0;
	}
	if ((questions & FLOW_CODE) != 0 && (questions & FLOW_JOINED) == 0) {
		a.code = &code;
		a.bad = a.bad || code.len == 0;
	}
	if (flow_judge(f, &a, &verdict, &e) != 0)
		goto out;
	answer = verdict == FLOW_PERMIT ? account(f, &e) : CHK_WRONG;
	explicit_bzero(&e, sizeof(e));
out:
	secret_release(&password);
	secret_release(&code);
	return answer;
}

static enum chk_answer
answer_for(enum mode mode, struct flow *f, const struct chk_request *req,
    bool own)
{
	switch (flow_who(f)) {
	case FLOW_UNMANAGED:
	case FLOW_ROOT:
		return CHK_UNMANAGED;
	case FLOW_NOBODY:
		if (own || mode == MODE_ACCOUNT)
			return CHK_BROKEN;
		break; /* looks like a wrong password (S8) */
	case FLOW_BROKEN:
		return account(f, NULL); /* for its event */
	case FLOW_OURS:
		if (own && flow_principal(f)->uid != getuid())
			return CHK_REFUSED;
		break;
	}
	switch (mode) {
	case MODE_ASK:
		return ask(f);
	case MODE_AUTH:
		return auth(f, req);
	case MODE_ACCOUNT:
		return account(f, NULL);
	}
	return CHK_BROKEN;
}

static enum chk_answer
run(enum mode mode, const struct chk_request *req)
{
	struct flow_host host;
	struct flow_facts facts = { 0 };
	struct flow *f;
	enum chk_answer answer;
	bool own;

	flow_host_init(&host);
	host.auth_gid = getegid(); /* what its mode gives it */
	own = own_name(&host, req->user);
	if (!own && !may_ask_others(&host))
		return CHK_REFUSED;
	facts.user = req->user;
	facts.service = req->service;
	facts.tty = req->tty;
	facts.rhost = own ? NULL : req->rhost;
	facts.makes_state = !own;
	facts.caller_uid = getuid();
	facts.pid = getpid();
	facts.now_s = time(NULL);
	facts.by_proxy = true;
	if (flow_open(&host, &facts, FLOW_DECIDE, &f) != 0)
		return CHK_BROKEN;
	answer = answer_for(mode, f, req, own);
	if (flow_note(f)[0] != '\0')
		syslog(LOG_AUTHPRIV | LOG_ERR, "%s", flow_note(f));
	flow_close(f);
	return answer;
}

int
main(int argc, char **argv)
{
	uint8_t room[CHK_REQUEST_MAX + 1];
	struct chk_request req;
	enum chk_answer answer = CHK_BROKEN;
	enum mode mode;

	if (!clean_up())
		return CHK_BROKEN;
	openlog("iam-chkauth", LOG_PID, LOG_AUTHPRIV);
	if (read_mode(argc, argv, &mode) && read_request(room, &req))
		answer = run(mode, &req);
	explicit_bzero(room, sizeof(room));
	return answer;
}
