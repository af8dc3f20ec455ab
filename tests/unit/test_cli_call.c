/* Rows run from end to end: caller, authorization, events, snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/authz/authz.h"
#include "common/snapshot/principal.h"
#include "iamctl/call.h"
#include "iamctl/cli.h"
#include "iamctl/input.h"

#define ACCOUNT "123456789012"
#define ARN "arn:aws:iam::" ACCOUNT ":"
#define ALLOW(action, resource) "{\"Version\":\"2012-10-17\",\"Statement\":[{" \
	"\"Effect\":\"Allow\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"}]}"
#define DENY(action, resource) "{\"Version\":\"2012-10-17\",\"Statement\":[{" \
	"\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},{\"Effect\":\"Deny\"," \
	"\"Action\":\"" action "\",\"Resource\":\"" resource "\"}]}"

static const struct caller root_caller;
static struct call_reply reply;

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st, (void)flag, (void)f;
	return remove(path);
}

static void
make_dirs(void)
{
	static const char *const dirs[] = { IAM_ROOT, IAM_ROOT "/etc", IAM_ROOT "/run",
		IAM_ROOT "/var", IAM_ROOT "/var/lib", IAM_ROOT "/var/log" };
	size_t i;

	nftw(IAM_ROOT, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	for (i = 0; i < IAM_COUNT(dirs); i++)
		mkdir(dirs[i], 0755);
	assert_int_equal(file_replace(IAM_PATH_PASSWD, "root:x:0:0::/:/bin/sh\n", 22,
	    0644, (gid_t)-1), 0);
	assert_int_equal(file_replace(IAM_PATH_GROUP, "root:x:0:\n", 10, 0644,
	    (gid_t)-1), 0);
}

/* The status; the rest is in reply until the next call. */
static int
call(const struct caller *who, const char *name, const char *fmt, ...)
{
	json_t *in;
	json_error_t e;
	va_list ap;

	va_start(ap, fmt);
	in = json_vpack_ex(&e, 0, fmt, ap);
	va_end(ap);
	assert_non_null(in);
	call_reply_release(&reply);
	call_run(op_find(name), in, who, false, &reply);
	json_decref(in);
	return reply.status;
}

static void
must(int status)
{
	if (status != 0)
		print_message("%s\n", reply.message);
	assert_int_equal(status, 0);
}

static void
put_policy(const char *user, const char *name, const char *text)
{
	must(call(&root_caller, "PutUserPolicy", "{s:s,s:s,s:s}", "UserName", user,
	    "PolicyName", name, "PolicyDocument", text));
}

static int
setup(void **state)
{
	(void)state;
	make_dirs();
	must(call(&root_caller, "Init", "{s:s,s:s,s:s}", "Region", "eu-central-1",
	    "Hostname", "web1", "AccountId", ACCOUNT));
	must(call(&root_caller, "CreateUser", "{s:s}", "UserName", "Ada"));
	must(call(&root_caller, "CreateUser", "{s:s,s:s}", "UserName", "Bob", "Path",
	    "/ops/"));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	call_reply_release(&reply);
	nftw(IAM_ROOT, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* Ada's login session, opened by this very process. */
static void
log_in(struct caller *who, int64_t mfa_s, const char *rhost)
{
	struct runtime_evidence e = { .uid = IAM_ID_MIN_DEFAULT, .methods =
		RUNTIME_PASSWORD, .auth_s = 1795512600, .mfa_s = mfa_s };
	struct runtime *rt;

	snprintf(e.user, sizeof(e.user), "ada");
	snprintf(e.service, sizeof(e.service), "sshd");
	snprintf(e.rhost, sizeof(e.rhost), "%s", rhost);
	snprintf(e.session_id, sizeof(e.session_id),
	    "00000000-0000-4000-8000-000000000000");
	assert_int_equal(runtime_open(IAM_PATH_RUN, (gid_t)-1, &rt), 0);
	assert_int_equal(runtime_session_open(rt, getpid(), &e), 0);
	runtime_close(rt);
	assert_int_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, who, NULL), 0);
	assert_true(who->user);
}

static void
assert_denied(const char *part)
{
	assert_int_equal(reply.status, CLI_EXIT_SERVICE);
	assert_non_null(strstr(reply.message, "(AccessDenied)"));
	if (strstr(reply.message, part) == NULL)
		print_message("%s\n", reply.message);
	assert_non_null(strstr(reply.message, part));
	assert_false(reply.changed);
}

static bool
user_exists(const char *name)
{
	return call(&root_caller, "GetUser", "{s:s}", "UserName", name) == 0;
}

static void
last_event(struct buf *ret)
{
	const char *p;
	struct buf all = BUF_INIT;

	assert_int_equal(file_read(IAM_PATH_TRAIL, FILE_ROOT_ONLY, 1 << 20, &all), 0);
	all.p[all.len - 1] = '\0';
	p = strrchr((const char *)all.p, '\n');
	buf_puts(ret, p != NULL ? p + 1 : (const char *)all.p);
	buf_release(&all);
}

/* ---- who calls ---- */

static void
test_caller_find__no_session_is_root(void **state)
{
	struct caller who;

	(void)state;
	assert_int_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL), 0);
	assert_false(who.user);
}

/* A daemon, tmux, setsid: no session among the ancestors, but the kernel knows. */
static void
test_caller_find__detached_from_the_session(void **state)
{
	static const struct {
		const char *uid, *user; /* NULL: root */
	} rows[] = { { "2100000000", "ada" }, { "2100000001", "bob" },
		{ "4294967295", NULL }, { "0", NULL }, { "5", NULL },
		{ "54321", NULL } /* nobody's, and out of our range */ };
	const char *path = IAM_ROOT "/loginuid";
	struct caller who;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		assert_int_equal(file_replace(path, rows[i].uid,
		    strlen(rows[i].uid), 0644, (gid_t)-1), 0);
		assert_int_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL), 0);
		assert_int_equal(who.user, rows[i].user != NULL);
		if (rows[i].user != NULL)
			assert_string_equal(who.session.user, rows[i].user);
	}
	/* Deleted users, nonsense and a snapshot that is gone: nobody, not root. */
	assert_int_equal(file_replace(path, "2100000777", 10, 0644, (gid_t)-1), 0);
	assert_int_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL),
	    IAM_ERR_ABSENT);
	assert_int_equal(file_replace(path, "x", 1, 0644, (gid_t)-1), 0);
	assert_int_not_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL), 0);
	assert_int_equal(file_replace(path, "2100000000", 10, 0644, (gid_t)-1), 0);
	assert_int_equal(unlink(IAM_PATH_PRIVATE), 0);
	assert_int_not_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL), 0);
}

/* Whom caller_find finds in a process with this real user id, below this one. */
static void
assert_caller_of(uid_t real, const char *user, bool session)
{
	struct caller who;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setresuid(real, 0, 0) != 0 ||
		    caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL) != 0)
			_exit(3);
		if (who.user != (user != NULL))
			_exit(4);
		if (user != NULL && strcmp(who.session.user, user) != 0)
			_exit(5);
		_exit((who.session.session_id[0] != '\0') == session ? 0 : 6);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* tmux in a su of root's or of a local account: sudo has her user id, whatever the
 * login's is. And who was adopted by another's session does not act in it. */
static void
test_caller_find__sudo_knows_whose_child_it_is(void **state)
{
	struct caller who;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_caller_of(2100000001, "bob", false);
	assert_caller_of(54321, NULL, false);
	assert_caller_of(0, NULL, false);
	assert_int_equal(file_replace(IAM_ROOT "/loginuid", "5", 1, 0644, (gid_t)-1), 0);
	assert_caller_of(2100000001, "bob", false);
	log_in(&who, 1, "192.0.2.7");
	assert_caller_of(0, "ada", true);
	assert_caller_of(2100000000, "ada", true);
	assert_caller_of(54321, "ada", true);
	assert_caller_of(2100000001, "bob", false);
	caller_release(&who);
}

/* She has what her policies give her, and no MFA of any session. */
static void
test_call_run__detached_user_is_authorized(void **state)
{
	struct caller who;

	(void)state;
	assert_int_equal(file_replace(IAM_ROOT "/loginuid", "2100000000", 10, 0644,
	    (gid_t)-1), 0);
	assert_int_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL), 0);
	assert_int_not_equal(call(&who, "CreateUser", "{s:s}", "UserName", "Eve"), 0);
	assert_denied("iam:CreateUser");
	assert_false(user_exists("Eve"));
}

/* AWS's words: IAM User Guide, "Troubleshoot access denied error messages". */
static void
test_call_run__user_without_policies_is_denied(void **state)
{
	struct caller who;
	struct buf event = BUF_INIT;

	(void)state;
	log_in(&who, 0, "192.0.2.7");
	call(&who, "CreateUser", "{s:s}", "UserName", "Eve");
	assert_denied("User: " ARN "user/Ada is not authorized to perform: "
	    "iam:CreateUser on resource: " ARN "user/Eve because no identity-based "
	    "policy allows the iam:CreateUser action");
	last_event(&event);
	assert_non_null(strstr(buf_cstr(&event), "\"errorCode\":\"AccessDenied\""));
	assert_non_null(strstr(buf_cstr(&event), "\"userName\":\"Ada\""));
	assert_non_null(strstr(buf_cstr(&event), "\"sourceIPAddress\":\"192.0.2.7\""));
	buf_release(&event);
	assert_false(user_exists("Eve"));
}

static void
test_call_run__user_with_a_policy(void **state)
{
	struct caller who;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", ALLOW("iam:CreateUser", ARN "user/team/*"));
	call(&who, "CreateUser", "{s:s}", "UserName", "Eve");
	assert_denied(ARN "user/Eve");
	must(call(&who, "CreateUser", "{s:s,s:s}", "UserName", "Eve", "Path",
	    "/team/"));
	assert_true(user_exists("Eve"));
}

/*
 * Who may change users in one path takes none of them into another: IAM API
 * reference, UpdateUser and UpdateGroup ("permissions on both").
 */
static void
test_call_run__renaming_needs_both_names(void **state)
{
	struct caller who;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", ALLOW("iam:*", ARN "*/team/*"));
	must(call(&who, "CreateUser", "{s:s,s:s}", "UserName", "Eve", "Path",
	    "/team/"));
	call(&who, "UpdateUser", "{s:s,s:s}", "UserName", "Eve", "NewPath", "/ops/");
	assert_denied("on resource: " ARN "user/ops/Eve");
	call(&who, "UpdateUser", "{s:s,s:s,s:s}", "UserName", "Eve", "NewPath",
	    "/", "NewUserName", "Boss");
	assert_denied("on resource: " ARN "user/Boss");
	call(&who, "UpdateUser", "{s:s,s:s}", "UserName", "Bob", "NewPath",
	    "/team/");
	assert_denied("on resource: " ARN "user/ops/Bob");
	must(call(&who, "UpdateUser", "{s:s,s:s}", "UserName", "Eve",
	    "NewUserName", "Evelyn"));
	must(call(&who, "CreateGroup", "{s:s,s:s}", "GroupName", "Crowd", "Path",
	    "/team/"));
	call(&who, "UpdateGroup", "{s:s,s:s}", "GroupName", "Crowd", "NewPath",
	    "/ops/");
	assert_denied("on resource: " ARN "group/ops/Crowd");
	must(call(&who, "UpdateGroup", "{s:s,s:s}", "GroupName", "Crowd",
	    "NewGroupName", "Crew"));
}

/* The path in the resource is the user's own, not one that the call names. */
static void
test_call_run__resource_has_the_stored_path(void **state)
{
	struct caller who;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", ALLOW("iam:*", ARN "user/ops/*"));
	must(call(&who, "GetUser", "{s:s}", "UserName", "Bob"));
	call(&who, "GetUser", "{s:s}", "UserName", "Ada");
	assert_denied(ARN "user/Ada");
}

/* Another case of a name is the same user: a Deny holds for it as well. */
static void
test_call_run__case_of_a_name_does_not_evade_a_deny(void **state)
{
	struct caller who;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", DENY("iam:DeleteUser", ARN "user/ops/Bob"));
	call(&who, "DeleteUser", "{s:s}", "UserName", "bOB");
	assert_denied("with an explicit deny in an identity-based policy");
	assert_true(user_exists("Bob"));
}

static void
test_call_run__mfa_of_the_session_counts(void **state)
{
	static const char policy[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{"
	    "\"Effect\":\"Allow\",\"Action\":\"iam:GetUser\",\"Resource\":\"*\","
	    "\"Condition\":{\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}}}]}";
	struct caller who;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", policy);
	call(&who, "GetUser", "{s:s}", "UserName", "Bob");
	assert_denied("iam:GetUser");
	who.session.mfa_s = 1795512600;
	must(call(&who, "GetUser", "{s:s}", "UserName", "Bob"));
}

/* Fail closed: the session outlives its user, the snapshot is damaged. */
/* A session of the role Deploy, opened by this very process. */
static void
assume(struct caller *who, const char *session, int64_t expires_s)
{
	struct runtime_evidence e = { .uid = IAM_ID_MIN_DEFAULT + 2,
		.auth_s = time(NULL) - 60, .mfa_s = time(NULL) - 90,
		.expires_s = expires_s };
	struct runtime *rt;

	snprintf(e.user, sizeof(e.user), "deploy");
	snprintf(e.service, sizeof(e.service), "su-l");
	snprintf(e.role_session, sizeof(e.role_session), "%s", session);
	assert_int_equal(runtime_open(IAM_PATH_RUN, (gid_t)-1, &rt), 0);
	assert_int_equal(runtime_session_open(rt, getpid(), &e), 0);
	runtime_close(rt);
	assert_int_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, who, NULL), 0);
	assert_true(who->user);
}

#define SESSION "arn:aws:sts::" ACCOUNT ":assumed-role/Deploy/Ada"

static void
test_call_run__a_session_of_a_role(void **state)
{
	struct buf event = BUF_INIT;
	struct caller who;

	(void)state;
	must(call(&root_caller, "CreateRole", "{s:s,s:s}", "RoleName", "Deploy",
	    "AssumeRolePolicyDocument", "{\"Version\":\"2012-10-17\",\"Statement\":{"
	    "\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
	    "\"sts:AssumeRole\"}}"));
	must(call(&root_caller, "PutRolePolicy", "{s:s,s:s,s:s}", "RoleName",
	    "Deploy", "PolicyName", "own", "PolicyDocument",
	    ALLOW("iam:CreateUser", "*")));
	/* A user of the same name has nothing to do with it. */
	must(call(&root_caller, "CreateUser", "{s:s,s:s}", "UserName", "Deploy",
	    "UnixName", "other"));
	put_policy("Deploy", "All", ALLOW("*", "*"));
	assume(&who, "Ada", time(NULL) + 600);
	must(call(&who, "GetCallerIdentity", "{}"));
	assert_string_equal(json_string_value(json_object_get(reply.out, "Arn")),
	    SESSION);
	assert_non_null(strstr(json_string_value(json_object_get(reply.out,
	    "UserId")), ":Ada"));
	must(call(&who, "CreateUser", "{s:s}", "UserName", "new"));
	last_event(&event);
	assert_non_null(strstr(buf_cstr(&event), "\"userIdentity\":{\"type\":"
	    "\"AssumedRole\""));
	assert_non_null(strstr(buf_cstr(&event), "\"arn\":\"" SESSION "\""));
	assert_non_null(strstr(buf_cstr(&event), "\"sessionIssuer\":{\"type\":\"Role\""
	    ",\"principalId\":\"AROA"));
	assert_non_null(strstr(buf_cstr(&event), "\"mfaAuthenticated\":\"true\""));
	assert_null(strstr(buf_cstr(&event), "\"userName\":\"deploy\""));
	buf_release(&event);
	call(&who, "DeleteUser", "{s:s}", "UserName", "new");
	assert_denied("User: " SESSION " is not authorized to perform: iam:DeleteUser");
	put_policy("Deploy", "All", ALLOW("*", "*"));
	must(call(&root_caller, "PutRolePolicy", "{s:s,s:s,s:s}", "RoleName",
	    "Deploy", "PolicyName", "own", "PolicyDocument",
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
	    "[\"iam:CreateUser\",\"iam:GetUser\",\"iam:ListSSHPublicKeys\"],"
	    "\"Resource\":\"*\"}}"));
	/* The caller is no user, and not root. */
	assert_int_equal(call(&who, "GetUser", "{}"), CLI_EXIT_SERVICE);
	assert_non_null(strstr(reply.message, "Must specify userName"));
	assert_int_equal(call(&who, "ListSSHPublicKeys", "{}"), CLI_EXIT_SERVICE);
	assert_non_null(strstr(reply.message, "Must specify userName"));
	/* What everyone may do for herself is for users. */
	call(&who, "ChangePassword", "{s:s,s:s,s:s}", "UserName", "Deploy",
	    "OldPassword", "x", "NewPassword", "Correct-horse-9");
	assert_denied("iam:ChangePassword");
	/* Nor, with the permission, somebody else's without the old password. */
	must(call(&root_caller, "PutRolePolicy", "{s:s,s:s,s:s}", "RoleName",
	    "Deploy", "PolicyName", "own", "PolicyDocument", ALLOW("iam:*", "*")));
	assert_int_equal(call(&who, "ChangePassword", "{s:s,s:s}", "UserName", "Bob",
	    "NewPassword", "Correct-horse-9"), CLI_EXIT_SERVICE);
	assert_non_null(strstr(reply.message, "(InvalidUserType)"));
	assume(&who, "Ada", time(NULL) - 1);
	assert_int_equal(call(&who, "GetCallerIdentity", "{}"), CLI_EXIT_SERVICE);
	assert_non_null(strstr(reply.message, "(ExpiredToken)"));
	assume(&who, "", time(NULL) + 600);
	call(&who, "CreateUser", "{s:s}", "UserName", "newer");
	assert_denied("has not been assumed");
}

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5" \
	"C9okWi0dh2l9GKJl"
#define TRUST(who, actions) "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":" \
	"\"Allow\",\"Principal\":{\"AWS\":\"" who "\"},\"Action\":[" actions "]}}"
#define TEAM "[{\"Key\":\"team\",\"Value\":\"blue\"}]"

static int
ask_for_role(const struct caller *who, const char *name, const char *source,
    bool tags)
{
	return call(who, "AssumeRole", "{s:s+,s:s,s:s,s:s*,s:o*}", "RoleArn",
	    ARN "role/", name, "RoleSessionName", "ci", "SSHPublicKey", KEY,
	    "SourceIdentity", source, "Tags", tags ? json_loads(TEAM, 0, NULL) : NULL);
}

/* Her policies and the role's trust policy: each action in both, the event in AWS's
 * shape. */
static void
test_call_run__assume_role(void **state)
{
	static const char *const names[] = { "Mine", "Theirs", "Only" };
	const char *const trusts[] = { TRUST(ACCOUNT, "\"sts:AssumeRole\","
	    "\"sts:TagSession\",\"sts:SetSourceIdentity\""), TRUST("210987654321",
	    "\"sts:AssumeRole\""), TRUST(ARN "user/Ada", "\"sts:AssumeRole\"") };
	struct buf event = BUF_INIT;
	struct caller who;
	size_t i;

	(void)state;
	must(call(&root_caller, "CreateSSHCertificateAuthority", "{}"));
	for (i = 0; i < IAM_COUNT(names); i++)
		must(call(&root_caller, "CreateRole", "{s:s,s:s}", "RoleName", names[i],
		    "AssumeRolePolicyDocument", trusts[i]));
	log_in(&who, time(NULL) - 5, "192.0.2.7");
	/* The account is trusted, and she is allowed nothing yet. */
	ask_for_role(&who, "Mine", NULL, false);
	assert_denied("User: " ARN "user/Ada is not authorized to perform: "
	    "sts:AssumeRole on resource: " ARN "role/Mine");
	must(ask_for_role(&who, "Only", NULL, false));
	put_policy("Ada", "Assume", ALLOW("sts:AssumeRole", "*"));
	must(ask_for_role(&who, "Mine", NULL, false));
	last_event(&event);
	assert_non_null(strstr(buf_cstr(&event), "\"eventSource\":\"sts.amazonaws.com\""
	    ",\"eventName\":\"AssumeRole\""));
	assert_non_null(strstr(buf_cstr(&event), "\"roleSessionName\":\"ci\""));
	assert_non_null(strstr(buf_cstr(&event), "\"assumedRoleUser\":{\"assumedRoleId\""));
	assert_non_null(strstr(buf_cstr(&event), "\"resources\":[{\"ARN\":\"" ARN
	    "role/Mine\",\"accountId\":\"" ACCOUNT "\",\"type\":\"AWS::IAM::Role\"}]"));
	assert_null(strstr(buf_cstr(&event), "ssh-ed25519-cert"));
	buf_release(&event);
	ask_for_role(&who, "Theirs", NULL, false);
	assert_denied("because no resource-based policy allows");
	/* AWS does not say which roles there are. */
	ask_for_role(&who, "None", NULL, false);
	assert_denied("sts:AssumeRole on resource: " ARN "role/None");
	ask_for_role(&who, "Mine", NULL, true);
	assert_denied("sts:TagSession");
	ask_for_role(&who, "Mine", "ada", false);
	assert_denied("sts:SetSourceIdentity");
	put_policy("Ada", "Assume", "{\"Version\":\"2012-10-17\",\"Statement\":{"
	    "\"Effect\":\"Allow\",\"Action\":\"sts:*\",\"Resource\":\"*\","
	    "\"Condition\":{\"StringEqualsIfExists\":{\"aws:RequestTag/team\":\"blue\","
	    "\"sts:SourceIdentity\":\"ada\",\"sts:RoleSessionName\":\"ci\"},"
	    "\"ForAllValues:StringEquals\":{\"aws:TagKeys\":\"team\"}}}}");
	must(ask_for_role(&who, "Mine", "ada", true));
	ask_for_role(&who, "Mine", "eve", true);
	assert_denied("sts:AssumeRole");
	/* Named for AssumeRole alone: the rest her own policies would have to allow, and
	 * the trust policy, too. */
	ask_for_role(&who, "Only", NULL, true);
	assert_denied("sts:TagSession");
	assert_int_equal(ask_for_role(&root_caller, "Mine", NULL, false),
	    CLI_EXIT_SERVICE);
	assert_denied("root accounts");
}

/* What a session of a role has of its own holds for iamctl as well. */
static void
test_call_run__session_policies_of_a_role(void **state)
{
	struct authz_session s = { .policy_count = 1 };
	const char *text = ALLOW("iam:GetUser", "*");
	struct buf code = BUF_INIT, extra = BUF_INIT;
	struct caller who;
	struct runtime *rt;

	(void)state;
	must(call(&root_caller, "CreateRole", "{s:s,s:s}", "RoleName", "Deploy",
	    "AssumeRolePolicyDocument", TRUST(ACCOUNT, "\"sts:AssumeRole\"")));
	must(call(&root_caller, "PutRolePolicy", "{s:s,s:s,s:s}", "RoleName",
	    "Deploy", "PolicyName", "own", "PolicyDocument", ALLOW("iam:*", "*")));
	assert_int_equal(pol_compile(text, strlen(text), POL_SESSION, NULL, NULL,
	    &code), 0);
	assert_int_equal(pol_open(code.p, code.len, &s.policies[0].doc), 0);
	s.policies[0].name = "SessionPolicy";
	authz_session_encode(&s, &extra);
	assume(&who, "Ada", time(NULL) + 600);
	must(call(&who, "GetUser", "{s:s}", "UserName", "Bob"));
	must(call(&who, "CreateUser", "{s:s}", "UserName", "one"));
	who.session.extra = 1;
	assert_int_equal(runtime_open(IAM_PATH_RUN, (gid_t)-1, &rt), 0);
	assert_int_equal(runtime_extra_put(rt, getpid(), extra.p, extra.len), 0);
	assert_int_equal(runtime_session_open(rt, getpid(), &who.session), 0);
	assert_int_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL), 0);
	must(call(&who, "GetUser", "{s:s}", "UserName", "Bob"));
	call(&who, "CreateUser", "{s:s}", "UserName", "two");
	assert_denied("because no session policy allows the iam:CreateUser action");
	caller_release(&who);
	/* Lost, it is not as if there were none. */
	assert_int_equal(runtime_session_close(rt, getpid()), 0);
	who.session.extra = 1;
	assert_int_equal(runtime_session_open(rt, getpid(), &who.session), 0);
	assert_int_not_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL), 0);
	runtime_close(rt);
	buf_release(&code);
	buf_release(&extra);
}

static void
test_call_run__session_of_a_deleted_user_is_nobody(void **state)
{
	struct caller who;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", ALLOW("*", "*"));
	must(call(&root_caller, "DeleteUserPolicy", "{s:s,s:s}", "UserName", "Ada",
	    "PolicyName", "p"));
	must(call(&root_caller, "DeleteUser", "{s:s}", "UserName", "Ada"));
	call(&who, "GetUser", "{s:s}", "UserName", "Bob");
	assert_denied("not an enabled IAM user any more");
	call(&who, "CreateUser", "{s:s}", "UserName", "ada");
	assert_denied("not an enabled IAM user any more");
}

static void
test_call_run__disabled_user_is_denied(void **state)
{
	struct caller who;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", ALLOW("*", "*"));
	must(call(&root_caller, "UpdateUser", "{s:s,s:b}", "UserName", "Ada",
	    "Enabled", 0));
	call(&who, "GetUser", "{s:s}", "UserName", "Bob");
	assert_denied("not an enabled IAM user any more");
}

/* A snapshot that lags behind, as after a crash between commit and publish:
 * what was taken from the user is gone all the same. */
static void
test_call_run__stale_snapshot_is_made_anew_before_it_judges(void **state)
{
	struct caller who;
	struct store *s;
	json_t *doc;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", ALLOW("*", "*"));
	must(call(&who, "GetUser", "{s:s}", "UserName", "Bob"));
	assert_int_equal(store_open(IAM_PATH_DB, false, &s, NULL), 0);
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_get(s, "users/Ada", &doc), 0);
	json_object_set_new(doc, "InlinePolicies", json_object());
	assert_int_equal(store_put(s, "users/Ada", doc), 0);
	assert_int_equal(store_commit(s, "test", "Test", NULL), 0);
	json_decref(doc);
	store_close(s);
	call(&who, "GetUser", "{s:s}", "UserName", "Bob");
	assert_denied("iam:GetUser");
}

/* Damage where her records are: made anew, and judged by what the store says. */
static void
test_call_run__damage_that_the_decision_meets_is_mended(void **state)
{
	struct caller who;
	struct buf b = BUF_INIT;
	uint8_t *hit;

	(void)state;
	log_in(&who, 0, "");
	put_policy("Ada", "p", ALLOW("*", "*"));
	assert_int_equal(file_read(IAM_PATH_PRIVATE, FILE_ANY, 64 << 20, &b), 0);
	hit = memmem(b.p, b.len, ":user/Ada", 9);
	assert_non_null(hit);
	hit[1] ^= 1;
	assert_int_equal(file_replace(IAM_PATH_PRIVATE, b.p, b.len, 0600,
	    (gid_t)-1), 0);
	buf_release(&b);
	must(call(&who, "GetUser", "{s:s}", "UserName", "Bob"));
}

/* A policy whose text is large, and another one for every n. */
static void
put_large_policy(struct store *s, unsigned i, unsigned n)
{
	struct buf text = BUF_INIT;
	char key[32];
	unsigned k;
	json_t *doc;

	buf_printf(&text, "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
	    "\"Resource\":[\"arn:aws:iam::*:user/%u\"", n);
	for (k = 0; k < 2500; k++)
		buf_printf(&text, ",\"arn:aws:iam::*:user/%u-%u\"", i, k);
	buf_puts(&text, "]}}");
	snprintf(key, sizeof(key), "policies/large%u", i);
	doc = json_pack("{s:s, s:s, s:s, s:[{s:s, s:s}]}", "PolicyName", key + 9,
	    "Arn", key, "DefaultVersionId", "v1", "Versions", "VersionId", "v1",
	    "Document", buf_cstr(&text));
	assert_non_null(doc);
	assert_int_equal(store_put(s, key, doc), 0);
	json_decref(doc);
	buf_release(&text);
}

static void
put_large_policies(unsigned from, unsigned to, unsigned n)
{
	struct store *s;
	unsigned i;

	assert_int_equal(store_open(IAM_PATH_DB, false, &s, NULL), 0);
	assert_int_equal(store_begin(s), 0);
	for (i = from; i < to; i++)
		put_large_policy(s, i, n);
	assert_int_equal(store_commit(s, "test", "Test", NULL), 0);
	store_close(s);
}

static uint64_t
private_changes(void)
{
	struct snap_info info;
	struct snap *s;

	assert_int_equal(snap_open(IAM_PATH_PRIVATE, SNAP_PRIVATE, &s), 0);
	assert_int_equal(snap_verify(s), 0);
	snap_info(s, &info);
	snap_close(s);
	return info.changes;
}

/* A change finds that changes have become many: a process of its own makes one file of
 * two, and nobody has waited for it. */
static void
test_call_run__many_changes_become_one_file_behind(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	put_large_policies(0, 60, 1);
	must(call(&root_caller, "Publish", "{}"));
	assert_int_equal(private_changes(), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	put_large_policies(0, 12, 2);
	must(call(&root_caller, "UpdateUser", "{s:s,s:s}", "UserName", "Bob",
	    "Gecos", "x"));
	assert_true((pid = waitpid(-1, &status, 0)) > 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(private_changes(), 0);
	/* And not for a few. */
	put_large_policies(0, 1, 3);
	must(call(&root_caller, "UpdateUser", "{s:s,s:s}", "UserName", "Bob",
	    "Gecos", "y"));
	assert_true(private_changes() > 0);
	assert_int_equal(waitpid(-1, &status, 0), -1);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

/* S0: root repairs; nobody else gets root's rights from damage. */
static void
test_call_run__damaged_runtime_state_is_not_root(void **state)
{
	struct caller who = { 0 };

	(void)state;
	nftw(IAM_PATH_RUN, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(symlink("/tmp", IAM_PATH_RUN), 0);
	assert_int_not_equal(caller_find(IAM_PATH_RUN, (gid_t)-1, &who, NULL), 0);
	assert_int_equal(unlink(IAM_PATH_RUN), 0);
}

static void
test_call_run__publish_is_for_everyone(void **state)
{
	struct caller who;

	(void)state;
	log_in(&who, 0, "");
	must(call(&who, "Publish", "{}"));
	call(&who, "Export", "{}");
	assert_denied("host:Export");
	call(&who, "Doctor", "{}");
	assert_denied("host:Doctor");
	call(&who, "UpdateHost", "{s:s}", "Region", "x");
	assert_denied("arn:aws:host:eu-central-1:" ACCOUNT ":instance/web1");
}

static void
test_call_run__own_password_unless_denied(void **state)
{
	struct caller who;

	(void)state;
	must(call(&root_caller, "CreateLoginProfile", "{s:s,s:s}", "UserName", "Ada",
	    "Password", "Correct-horse-9"));
	must(call(&root_caller, "CreateLoginProfile", "{s:s,s:s}", "UserName", "Bob",
	    "Password", "Correct-horse-9"));
	log_in(&who, 0, "");
	must(call(&who, "ChangePassword", "{s:s,s:s}", "OldPassword",
	    "Correct-horse-9", "NewPassword", "Battery-staple-7"));
	call(&who, "ChangePassword", "{s:s,s:s,s:s}", "UserName", "Bob", "OldPassword",
	    "Correct-horse-9", "NewPassword", "Battery-staple-7");
	assert_denied("iam:ChangePassword");
	/* Where the password policy leaves it to the administrator, it is those
	 * whose policies allow it. */
	must(call(&root_caller, "UpdateAccountPasswordPolicy", "{}"));
	call(&who, "ChangePassword", "{s:s,s:s}", "OldPassword", "Battery-staple-7",
	    "NewPassword", "Another-one-5");
	assert_denied("no identity-based policy allows the iam:ChangePassword");
	put_policy("Ada", "p", ALLOW("iam:ChangePassword", "*"));
	must(call(&who, "ChangePassword", "{s:s,s:s}", "OldPassword",
	    "Battery-staple-7", "NewPassword", "Another-one-5"));
	must(call(&root_caller, "DeleteAccountPasswordPolicy", "{}"));
	put_policy("Ada", "p", DENY("iam:ChangePassword", "*"));
	call(&who, "ChangePassword", "{s:s,s:s}", "OldPassword", "Another-one-5",
	    "NewPassword", "Correct-horse-9");
	assert_denied("explicit deny");
}

/* ---- all or nothing ---- */

static int
hanging_run(struct op_call *c)
{
	json_t *doc = json_pack("{s:s}", "UserName", "Ghost");

	(void)store_put(c->store, "users/Ghost", doc);
	json_decref(doc);
	raise(SIGTERM);
	return 0;
}

static const struct op hanging_row = { .name = "Hang", .service = "iam",
	.summary = "", .needs_init = true, .run = hanging_run };

static void
test_call_run__a_signal_rolls_back(void **state)
{
	json_t *in = json_object();
	int status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		signal(SIGTERM, SIG_DFL);
		call_run(&hanging_row, in, &root_caller, false, &reply);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	json_decref(in);
	assert_false(user_exists("Ghost"));
}

/* Somebody else renames Ada's home while an answer is made. */
static int
look_twice(struct op_call *c)
{
	struct store *other = NULL;
	json_t *first = NULL, *second = NULL, *doc = NULL;

	assert_int_equal(store_get(c->store, "users/Ada", &first), 0);
	assert_int_equal(store_open(IAM_PATH_DB, false, &other, NULL), 0);
	assert_int_equal(store_begin(other), 0);
	assert_int_equal(store_get(other, "users/Ada", &doc), 0);
	json_object_set_new(doc, "Home", json_string("/elsewhere"));
	assert_int_equal(store_put(other, "users/Ada", doc), 0);
	assert_int_equal(store_commit(other, "test", "Test", NULL), 0);
	store_close(other);
	assert_int_equal(store_get(c->store, "users/Ada", &second), 0);
	assert_true(json_equal(first, second));
	json_decref(first);
	json_decref(second);
	json_decref(doc);
	return 0;
}

static void
test_call_run__an_answer_is_of_one_revision(void **state)
{
	static const struct op row = { .name = "LookTwice", .service = "host",
		.read_only = true, .needs_init = true, .run = look_twice };
	json_t *in = json_object();

	(void)state;
	call_reply_release(&reply);
	call_run(&row, in, &root_caller, false, &reply);
	json_decref(in);
	must(reply.status);
}

/* The change is made and said to be; publish repairs. */
static void
test_call_run__publishing_fails_after_the_commit(void **state)
{
	(void)state;
	assert_int_equal(unlink(IAM_PATH_PRIVATE), 0);
	assert_int_equal(mkdir(IAM_PATH_PRIVATE, 0700), 0);
	assert_int_equal(call(&root_caller, "CreateUser", "{s:s}", "UserName", "Eve"),
	    CLI_EXIT_OTHER);
	assert_true(reply.changed);
	assert_non_null(strstr(reply.message, "The change was made, but"));
	assert_non_null(strstr(reply.message, "iamctl publish"));
	assert_int_equal(rmdir(IAM_PATH_PRIVATE), 0);
	must(call(&root_caller, "Publish", "{}"));
	assert_true(user_exists("Eve"));
}

/* ---- files of the caller ---- */

static void
test_input__files_are_opened_as_the_caller(void **state)
{
	struct caller who = { .user = true, .session = { .uid = IAM_ID_MIN_DEFAULT } };
	struct buf b = BUF_INIT;
	struct iam_why why = { 0, 0, "" };
	struct stat st;
	char dir[] = "/tmp/input.XXXXXX", path[64], made[64];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(who.session.user, sizeof(who.session.user), "ada");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 01777), 0);
	snprintf(path, sizeof(path), "%s/secret", dir);
	snprintf(made, sizeof(made), "%s/made", dir);
	assert_int_equal(file_replace(path, "x", 1, 0600, (gid_t)-1), 0);
	assert_int_equal(input_read_file(&who, path, 10, &b, &why), IAM_ERR_IO);
	assert_string_equal(why.text, "Permission denied");
	assert_int_equal(input_read_file(&root_caller, path, 10, &b, &why), 0);
	assert_int_equal(input_make_file(&who, made, &b, &why), 0);
	assert_int_equal(stat(made, &st), 0);
	assert_int_equal(st.st_uid, IAM_ID_MIN_DEFAULT);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(input_make_file(&who, "/etc/iam-test-made", &b, &why),
	    IAM_ERR_IO);
	assert_int_equal(input_make_file(&root_caller, made, &b, &why),
	    IAM_ERR_CONFLICT);
	assert_int_equal(geteuid(), 0);
	assert_int_equal(getegid(), 0);
	buf_release(&b);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
test_input_read_line__one_line_and_no_more(void **state)
{
	struct secret s = SECRET_INIT;
	char longer[INPUT_SECRET_MAX + 2];
	int fds[2];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(file_write_all(fds[1], "one\ntwo\0\n\nlast", 14), 0);
	assert_int_equal(input_read_line(fds[0], &s), 0);
	assert_string_equal(secret_str(&s), "one");
	assert_int_equal(input_read_line(fds[0], &s), IAM_ERR_FORMAT);
	assert_int_equal(input_read_line(fds[0], &s), 0);
	assert_int_equal(s.len, 0);
	assert_int_equal(input_read_line(fds[0], &s), 0);
	assert_int_equal(s.len, 0);
	assert_int_equal(file_write_all(fds[1], longer, sizeof(longer)), 0);
	assert_int_equal(input_read_line(fds[0], &s), IAM_ERR_LIMIT);
	close(fds[1]);
	close(fds[0]);
	secret_release(&s);
}

/* S9: what an event never has. */
static void
test_call_event_request__secrets_stay_out(void **state)
{
	static const struct op_param params[] = {
		{ .name = "UserName", .type = OP_STRING },
		{ .name = "Password", .type = OP_SECRET },
		{ .name = "AuthenticationCode1", .type = OP_STRING, .pattern = OP_CODE6 },
		{ .name = "Document", .type = OP_INFILE },
		{ .name = "Outfile", .type = OP_OUTFILE },
		{ .name = "Tags", .type = OP_TAGS },
		{ .name = NULL },
	};
	static const struct op op = { .name = "X", .params = params };
	json_t *in = json_pack("{s:s,s:s,s:s,s:s,s:s,s:[{s:s,s:s}]}", "UserName", "a",
	    "Password", "hunter2", "AuthenticationCode1", "123456", "Document", "d",
	    "Outfile", "o", "Tags", "Key", "k", "Value", "v");
	json_t *kept = call_event_request(&op, in);
	char *text = json_dumps(kept, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "{\"userName\":\"a\",\"tags\":[{\"key\":\"k\","
	    "\"value\":\"v\"}]}");
	free(text);
	json_decref(kept);
	json_decref(in);
}

#define with_host(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_host(test_caller_find__no_session_is_root),
		with_host(test_caller_find__detached_from_the_session),
		with_host(test_caller_find__sudo_knows_whose_child_it_is),
		with_host(test_call_run__detached_user_is_authorized),
		with_host(test_call_run__user_without_policies_is_denied),
		with_host(test_call_run__user_with_a_policy),
		with_host(test_call_run__resource_has_the_stored_path),
		with_host(test_call_run__renaming_needs_both_names),
		with_host(test_call_run__case_of_a_name_does_not_evade_a_deny),
		with_host(test_call_run__mfa_of_the_session_counts),
		with_host(test_call_run__a_session_of_a_role),
		with_host(test_call_run__assume_role),
		with_host(test_call_run__session_policies_of_a_role),
		with_host(test_call_run__session_of_a_deleted_user_is_nobody),
		with_host(test_call_run__disabled_user_is_denied),
		with_host(test_call_run__stale_snapshot_is_made_anew_before_it_judges),
		with_host(test_call_run__damage_that_the_decision_meets_is_mended),
		with_host(test_call_run__many_changes_become_one_file_behind),
		with_host(test_call_run__damaged_runtime_state_is_not_root),
		with_host(test_call_run__publish_is_for_everyone),
		with_host(test_call_run__own_password_unless_denied),
		with_host(test_call_run__a_signal_rolls_back),
		with_host(test_call_run__an_answer_is_of_one_revision),
		with_host(test_call_run__publishing_fails_after_the_commit),
		cmocka_unit_test(test_input__files_are_opened_as_the_caller),
		cmocka_unit_test(test_input_read_line__one_line_and_no_more),
		cmocka_unit_test(test_call_event_request__secrets_stay_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
