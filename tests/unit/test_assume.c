/*
 * Becoming a role with su and sudo -u, with real policies, credentials, runtime
 * state and trail. Event shapes: CloudTrail userIdentity element; STS AssumeRole.
 */
#include "common/base/base.h"
#include "common/authz/authz.h"
#include "pam_iam/flow.h"
#include "pam_iam/internal.h"
#include "tests/pam/world.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/credential/internal.h"

#define SARAH 2100000001u
#define NORA 2100000002u
#define DEPLOY 2100000020u
#define AUDIT 2100000021u
#define CHAIN 2100000022u
#define SHUT 2100000023u
#define SOURCE 2100000024u
#define LENA 1001u

#define ARN(what) "arn:aws:iam::" WORLD_ACCOUNT ":" what
#define SESSION(role, name) "arn:aws:sts::" WORLD_ACCOUNT ":assumed-role/" role "/" name
#define ALLOW(actions) "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":[" actions \
	"],\"Resource\":\"*\"}}"
#define TRUST(who, more) "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" \
	who "\"},\"Action\":\"sts:AssumeRole\"" more "}}"

static const struct world_person people[] = {
	{ "sarah", "Sarah", SARAH, "right", false, false, true,
	    ALLOW("\"sts:AssumeRole\"") },
	{ "nora", "nora", NORA, "right", false, false, false, ALLOW("\"host:*\"") },
	{ NULL, NULL, 0, NULL, false, false, false, NULL },
};

static const struct world_role roles[] = {
	{ "deploy", "Deploy", DEPLOY, false, ALLOW("\"host:*\",\"sts:AssumeRole\""),
	    TRUST(WORLD_ACCOUNT, ",\"Condition\":{\"Bool\":{"
	    "\"aws:MultiFactorAuthPresent\":\"true\"}}") },
	{ "audit", "Audit", AUDIT, false, NULL, TRUST(ARN("user/nora"), "") },
	{ "chain", "Chain", CHAIN, false, NULL, TRUST(ARN("role/Deploy"), "") },
	{ "source", "Source", SOURCE, false, NULL, "{\"Statement\":{\"Effect\":\"Allow\","
	    "\"Principal\":{\"AWS\":\"" ARN("role/Deploy") "\"},\"Action\":["
	    "\"sts:AssumeRole\",\"sts:SetSourceIdentity\"]}}" },
	{ "shut", "Shut", SHUT, true, NULL, TRUST(ARN("user/nora"), "") },
	{ NULL, NULL, 0, false, NULL, NULL },
};

static const struct {
	const char *name;
	uid_t uid;
} known[] = {
	{ "root", 0 }, { "sarah", SARAH }, { "nora", NORA }, { "deploy", DEPLOY },
	{ "audit", AUDIT }, { "chain", CHAIN }, { "shut", SHUT },
	{ "source", SOURCE }, { "lena", LENA },
};

static int
test_uid_of(const char *name, bool *ret_known, uid_t *ret_uid)
{
	size_t i;

	*ret_known = false;
	for (i = 0; i < IAM_COUNT(known); i++) {
		if (strcmp(known[i].name, name) == 0) {
			*ret_known = true;
			*ret_uid = known[i].uid;
		}
	}
	return 0;
}

static int
test_name_of(uid_t uid, bool *ret_known, char *ret, size_t size)
{
	size_t i;

	*ret_known = false;
	for (i = 0; i < IAM_COUNT(known); i++) {
		if (known[i].uid == uid) {
			*ret_known = true;
			snprintf(ret, size, "%s", known[i].name);
		}
	}
	return 0;
}

static int
compile(const char *json, struct buf *ret)
{
	return pol_compile(json, strlen(json), POL_IDENTITY, NULL, NULL, ret);
}

static int
compile_trust(const char *json, struct buf *ret)
{
	return pol_compile(json, strlen(json), POL_TRUST, NULL, NULL, ret);
}

struct test {
	struct world w;
	struct flow_facts facts;
	struct buf trail; /* as last read */
};

static int
setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));

	world_open(&t->w, NULL);
	t->w.people = people;
	t->w.roles = roles;
	t->w.compile = compile;
	t->w.compile_trust = compile_trust;
	t->w.host.uid_of = test_uid_of;
	t->w.host.name_of = test_name_of;
	world_publish(&t->w);
	t->facts.user = "deploy";
	t->facts.service = "su-l";
	t->facts.tty = "pts/0";
	t->facts.caller_uid = SARAH;
	t->facts.pid = 0; /* as the module: this process */
	t->facts.now_s = ((int64_t)time(NULL) + 3600) / 30 * 30;
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct test *t = *state;

	buf_release(&t->trail);
	world_close(&t->w);
	free(t);
	return 0;
}

/* The newest event has this text. */
static void
event_has(struct test *t, const char *text)
{
	const char *line, *nl;

	buf_reset(&t->trail);
	assert_int_equal(file_read(t->w.host.trail, FILE_SECRET, 1 << 20, &t->trail),
	    0);
	for (line = buf_cstr(&t->trail); (nl = strchr(line, '\n')) != NULL &&
	    nl[1] != '\0'; line = nl + 1)
		;
	if (strstr(line, text) == NULL)
		fail_msg("%s is not in %s", text, line);
}

static struct flow *
open_flow(struct test *t, enum flow_mode mode)
{
	struct flow *f = NULL;

	assert_int_equal(flow_open(&t->w.host, &t->facts, mode, &f), 0);
	return f;
}

/* The auth phase, with the right answers to whatever is asked but this password. */
static enum flow_verdict
authenticate(struct test *t, const char *password, unsigned *ret_questions,
    struct runtime_evidence *e)
{
	struct secret p = SECRET_INIT, c = SECRET_INIT;
	struct flow *f = open_flow(t, FLOW_DECIDE);
	struct flow_answers a = { 0 };
	enum flow_verdict verdict;
	unsigned q = flow_questions(f);
	char right[9];

	world_code(t->facts.now_s, right);
	secret_set(&p, password, strlen(password));
	secret_set(&c, right, strlen(right));
	a.password = (q & FLOW_PASSWORD) != 0 ? &p : NULL;
	a.code = (q & FLOW_CODE) != 0 ? &c : NULL;
	assert_int_equal(flow_judge(f, &a, &verdict, e), 0);
	secret_release(&p);
	secret_release(&c);
	flow_close(f);
	*ret_questions = q;
	return verdict;
}

static enum flow_verdict
account(struct test *t, const struct runtime_evidence *e)
{
	struct flow *f = open_flow(t, FLOW_DECIDE);
	struct flow_decision d;

	assert_int_equal(flow_authorize(f, e, &d), 0);
	flow_close(f);
	return d.verdict;
}

/* The session phase; *ret is the record that it left. */
static enum flow_verdict
session(struct test *t, const struct runtime_evidence *e,
    struct runtime_evidence *ret)
{
	struct flow *f = open_flow(t, FLOW_SESSION);
	struct flow_decision d;
	struct runtime *rt;
	bool found;
	pid_t pid;

	assert_int_equal(flow_authorize_session(f, e, &d), 0);
	if (d.verdict == FLOW_PERMIT) {
		assert_int_equal(flow_session_open(f, e), 0);
		assert_int_equal(runtime_open(t->w.host.run, (gid_t)-1, &rt), 0);
		assert_int_equal(runtime_session_find(rt, getpid(), &found, &pid,
		    ret), 0);
		assert_true(found);
		runtime_close(rt);
	} else {
		assert_int_equal(flow_session_open(f, e), IAM_ERR_BUG);
	}
	flow_close(f);
	return d.verdict;
}

/* ---- su ---- */

static void
test_su__who_assumes_a_role_authenticates_as_herself(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e, s;
	struct lastlogin last;
	unsigned q;
	bool found;

	assert_int_equal(authenticate(t, "wrong", &q, &e), FLOW_DENY);
	assert_int_equal(q, FLOW_PASSWORD | FLOW_CODE);
	event_has(t, "\"eventName\":\"AssumeRole\"");
	event_has(t, "\"eventSource\":\"sts.amazonaws.com\"");
	event_has(t, "\"arn\":\"" ARN("user/Sarah") "\"");
	t->facts.now_s += 30;
	assert_int_equal(authenticate(t, "right", &q, &e), FLOW_PERMIT);
	assert_int_equal(e.uid, SARAH);
	assert_int_equal(account(t, &e), FLOW_PERMIT);
	event_has(t, "\"eventType\":\"AwsApiCall\"");
	event_has(t, "\"readOnly\":true");
	event_has(t, "\"userIdentity\":{\"type\":\"IAMUser\"");
	event_has(t, "\"requestParameters\":{\"roleArn\":\"" ARN("role/Deploy")
	    "\",\"roleSessionName\":\"Sarah\",\"durationSeconds\":7200}");
	event_has(t, "\"responseElements\":{\"assumedRoleUser\":{\"assumedRoleId\":"
	    "\"AROAEXAMPLE2100000020:Sarah\",\"arn\":\"" SESSION("Deploy", "Sarah")
	    "\"}}");
	event_has(t, "\"resources\":[{\"ARN\":\"" ARN("role/Deploy") "\"");
	assert_int_equal(session(t, &e, &s), FLOW_PERMIT);
	assert_int_equal(s.uid, DEPLOY);
	assert_string_equal(s.user, "deploy");
	assert_string_equal(s.role_session, "Sarah");
	assert_int_equal(s.expires_s, t->facts.now_s + 7200);
	assert_int_equal(s.mfa_s, t->facts.now_s);
	assert_int_equal(lastlogin_read(t->w.host.logins, DEPLOY, &found, &last), 0);
	assert_true(found);
	assert_int_equal(last.at_s, t->facts.now_s);
	event_has(t, "\"eventName\":\"OpenSession\"");
	event_has(t, "\"userIdentity\":{\"type\":\"AssumedRole\",\"principalId\":"
	    "\"AROAEXAMPLE2100000020:Sarah\",\"arn\":\"" SESSION("Deploy", "Sarah")
	    "\",\"accountId\":\"" WORLD_ACCOUNT "\",\"sessionContext\":{"
	    "\"sessionIssuer\":{\"type\":\"Role\",\"principalId\":"
	    "\"AROAEXAMPLE2100000020\",\"arn\":\"" ARN("role/Deploy") "\",\"accountId\":"
	    "\"" WORLD_ACCOUNT "\",\"userName\":\"Deploy\"},\"attributes\":{"
	    "\"mfaAuthenticated\":\"true\"");
}

/* The trust policy wants MFA; the caller's own policies must allow as well. */
static void
test_su__both_policies_decide(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e = { .uid = SARAH, .methods = RUNTIME_PASSWORD,
		.auth_s = t->facts.now_s, .user = "sarah", .service = "su-l" };

	assert_int_equal(account(t, &e), FLOW_DENY);
	event_has(t, "\"errorCode\":\"AccessDenied\"");
	event_has(t, "\"errorMessage\":\"User: " ARN("user/Sarah") " is not authorized"
	    " to perform: sts:AssumeRole on resource: " ARN("role/Deploy") "\"");
	event_has(t, "\"responseElements\":null");
	e.mfa_s = t->facts.now_s;
	assert_int_equal(account(t, &e), FLOW_PERMIT);
	/* nora: no policy of hers allows it, and the account is trusted, not she. */
	t->facts.caller_uid = e.uid = NORA;
	assert_int_equal(account(t, &e), FLOW_DENY);
	/* Named herself she needs none (IAM User Guide, "Principal" in one account). */
	t->facts.user = "audit";
	assert_int_equal(account(t, &e), FLOW_PERMIT);
	t->facts.caller_uid = e.uid = SARAH;
	assert_int_equal(account(t, &e), FLOW_DENY);
	t->facts.caller_uid = e.uid = NORA;
	t->facts.user = "shut";
	assert_int_equal(account(t, &e), FLOW_DENY);
	event_has(t, "\"reason\":\"RoleDisabled\"");
}

/* Evidence of another one is none of hers. */
static void
test_su__evidence_is_the_callers(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e = { .uid = DEPLOY, .methods = RUNTIME_MFA,
		.auth_s = t->facts.now_s, .mfa_s = t->facts.now_s, .user = "deploy",
		.service = "su-l" };

	assert_int_equal(account(t, &e), FLOW_DENY);
}

static void
test_su__callers_whom_iam_does_not_govern_are_refused(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e, s;
	unsigned q;

	t->facts.caller_uid = LENA;
	assert_int_equal(authenticate(t, "right", &q, &e), FLOW_DENY);
	assert_int_equal(q, FLOW_PASSWORD | FLOW_CODE);
	assert_int_equal(account(t, NULL), FLOW_DENY);
	event_has(t, "\"reason\":\"CallerNotGoverned\"");
	assert_int_equal(session(t, NULL, &s), FLOW_DENY);
}

/* As with users: root could become it without PAM (S0). */
static void
test_su__root_may_with_an_event(void **state)
{
	struct test *t = *state;
	struct runtime_evidence s;

	t->facts.caller_uid = 0;
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	event_has(t, "\"userIdentity\":{\"type\":\"Root\"");
	event_has(t, "\"eventName\":\"AssumeRole\"");
	event_has(t, "\"roleSessionName\":\"root\"");
	assert_int_equal(session(t, NULL, &s), FLOW_PERMIT);
	assert_int_equal(s.uid, DEPLOY);
	assert_string_equal(s.role_session, "root");
	assert_int_equal(s.mfa_s, 0);
}

/* runuser has no phase but this one. */
static void
test_runuser__is_roots_su(void **state)
{
	struct test *t = *state;
	struct runtime_evidence s;

	t->facts.service = "runuser-l";
	t->facts.caller_uid = 0;
	assert_int_equal(session(t, NULL, &s), FLOW_PERMIT);
	assert_string_equal(s.role_session, "root");
	assert_int_equal(account(t, NULL), FLOW_DENY);
	t->facts.caller_uid = SARAH;
	assert_int_equal(session(t, NULL, &s), FLOW_DENY);
}

/* ---- sudo -u ---- */

/* sudo names the role when it opens the session: that is where it is decided. */
static void
test_sudo__the_session_phase_decides(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e = { .uid = SARAH, .methods = RUNTIME_PASSWORD |
		RUNTIME_MFA, .auth_s = t->facts.now_s, .mfa_s = t->facts.now_s,
		.user = "sarah", .service = "sudo" };
	struct runtime_evidence s;

	t->facts.service = "sudo";
	t->facts.ruser = "sarah";
	assert_int_equal(session(t, &e, &s), FLOW_PERMIT);
	assert_string_equal(s.role_session, "Sarah");
	assert_int_equal(s.uid, DEPLOY);
	t->facts.user = "audit";
	assert_int_equal(session(t, &e, &s), FLOW_DENY);
	event_has(t, "\"eventName\":\"AssumeRole\"");
	event_has(t, "\"errorCode\":\"AccessDenied\"");
	t->facts.user = "deploy";
	t->facts.caller_uid = LENA;
	t->facts.ruser = "lena";
	assert_int_equal(session(t, &e, &s), FLOW_DENY);
	/* Should the kernel take sudo for root, it is not believed. */
	t->facts.caller_uid = 0;
	assert_int_equal(session(t, &e, &s), FLOW_DENY);
	event_has(t, "\"reason\":\"CallerNotKnown\"");
	t->facts.ruser = "root";
	assert_int_equal(session(t, NULL, &s), FLOW_PERMIT);
}

/* ---- within the session ---- */

static void
assume(struct test *t)
{
	struct runtime_evidence e, s;
	unsigned q;

	assert_int_equal(authenticate(t, "right", &q, &e), FLOW_PERMIT);
	assert_int_equal(account(t, &e), FLOW_PERMIT);
	assert_int_equal(session(t, &e, &s), FLOW_PERMIT);
	t->facts.caller_uid = DEPLOY;
}

/* The role's policies decide, its session is the only credential that it has, and
 * MFA came along. */
static void
test_role__sudo_within_the_session(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e;
	unsigned q;

	assume(t);
	t->facts.service = "sudo";
	assert_int_equal(authenticate(t, "", &q, &e), FLOW_PERMIT);
	assert_int_equal(q, FLOW_NOTHING);
	assert_int_equal(account(t, &e), FLOW_PERMIT);
	event_has(t, "\"eventName\":\"Sudo\"");
	event_has(t, "\"arn\":\"" SESSION("Deploy", "Sarah") "\"");
	event_has(t, "\"mfaAuthenticated\":\"true\"");
	/* What ends is the session, whatever runs in it. */
	t->facts.now_s += 7200;
	assert_int_equal(account(t, &e), FLOW_DENY);
	event_has(t, "\"type\":\"Role\"");
	event_has(t, "\"reason\":\"RoleNotAssumed\"");
	assert_int_equal(authenticate(t, "", &q, &e), FLOW_DENY);
	assert_int_equal(q, FLOW_PASSWORD | FLOW_CODE);
}

static void
test_role__su_to_a_user_asks_the_roles_policies(void **state)
{
	struct test *t = *state;

	assume(t);
	t->facts.service = "su";
	t->facts.user = "nora";
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	event_has(t, "\"eventName\":\"SwitchUser\"");
	event_has(t, "\"arn\":\"" SESSION("Deploy", "Sarah") "\"");
	t->facts.now_s += 7200;
	assert_int_equal(account(t, NULL), FLOW_DENY);
	event_has(t, "\"reason\":\"RoleSessionEnded\"");
}

/* IAM User Guide, "Role chaining": an hour at most. The person stays visible. */
static void
test_role__chaining(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e, s;
	unsigned q;

	assume(t);
	t->facts.user = "chain";
	assert_int_equal(authenticate(t, "", &q, &e), FLOW_PERMIT);
	assert_int_equal(q, FLOW_NOTHING);
	assert_int_equal(account(t, &e), FLOW_PERMIT);
	event_has(t, "\"type\":\"AssumedRole\"");
	event_has(t, "\"roleSessionName\":\"Sarah\",\"durationSeconds\":3600");
	assert_int_equal(session(t, &e, &s), FLOW_PERMIT);
	assert_string_equal(s.role_session, "Sarah");
	assert_int_equal(s.expires_s, t->facts.now_s + 3600);
	/* Without a session of its own a role is nobody. */
	t->facts.user = "chain";
	t->facts.caller_uid = AUDIT;
	assert_int_equal(account(t, &e), FLOW_DENY);
	event_has(t, "\"reason\":\"RoleSessionEnded\"");
}

/* ---- SSH certificates of a session ---- */

#define SERIAL 4711u

static void
put_string(struct buf *b, const void *p, size_t len)
{
	const uint8_t n[4] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16),
		(uint8_t)(len >> 8), (uint8_t)len };

	buf_put(b, n, 4);
	buf_put(b, p, len);
}

static void
put_text(struct buf *b, const char *s)
{
	put_string(b, s, strlen(s));
}

static void
put_number(struct buf *b, uint64_t v, int bytes)
{
	while (bytes-- > 0)
		buf_u8(b, (uint8_t)(v >> (8 * bytes)));
}

static void
put_extension(struct buf *b, const char *name, const char *text)
{
	struct buf data = BUF_INIT;

	put_text(&data, text);
	put_text(b, name);
	put_string(b, data.p, data.len);
	buf_release(&data);
}

/*
 * The line of a certificate as sshd hands it over; its signature is sshd's business.
 * OpenSSH PROTOCOL.certkeys. session: SSH_CERT_SESSION, NULL: none.
 */
static const char *
certificate(struct test *t, const char *key_id, const char *session)
{
	static char line[SSH_KEY_LINE_MAX];
	struct buf b = BUF_INIT, ca = BUF_INIT, x = BUF_INIT;
	uint8_t zeros[64] = { 0 };
	char mfa[24];
	static char ca_print[SSH_FINGERPRINT_SIZE];

	put_text(&ca, "ssh-ed25519");
	put_string(&ca, zeros, 32);
	ssh_fingerprint(ca.p, ca.len, ca_print);
	t->w.ssh_ca = ca_print;
	snprintf(mfa, sizeof(mfa), "%lld", (long long)t->facts.now_s - 60);
	put_extension(&x, SSH_CERT_MFA, mfa);
	put_text(&x, "permit-pty");
	put_text(&x, "");
	if (session != NULL)
		put_extension(&x, SSH_CERT_SESSION, session);
	put_text(&b, "ssh-ed25519-cert-v01@openssh.com");
	put_string(&b, zeros, 32);
	put_string(&b, zeros, 32);
	put_number(&b, SERIAL, 8);
	put_number(&b, 1, 4);
	put_text(&b, key_id);
	put_text(&b, "");
	put_number(&b, (uint64_t)t->facts.now_s - 100, 8);
	put_number(&b, (uint64_t)t->facts.now_s + 800, 8);
	put_text(&b, "");
	put_string(&b, x.p, x.len);
	put_text(&b, "");
	put_string(&b, ca.p, ca.len);
	put_string(&b, zeros, 64);
	snprintf(line, sizeof(line), "ssh-ed25519-cert-v01@openssh.com ");
	sodium_bin2base64(line + strlen(line), sizeof(line) - strlen(line), b.p, b.len,
	    sodium_base64_VARIANT_ORIGINAL);
	buf_release(&b);
	buf_release(&ca);
	buf_release(&x);
	world_publish(&t->w);
	return line;
}

/* A session with this policy and one tag, as AssumeRole packs it. */
static const char *
packed(const char *policy)
{
	static char text[SSH_CERT_SESSION_MAX * 2];
	struct authz_session s = { .source_identity = "sarah@example.org",
		.tag_count = 1, .tags = { { "team", "blue" } } };
	struct buf code = BUF_INIT, b = BUF_INIT;

	assert_int_equal(pol_compile(policy, strlen(policy), POL_SESSION, NULL, NULL,
	    &code), 0);
	assert_int_equal(pol_open(code.p, code.len, &s.policies[0].doc), 0);
	s.policies[0].name = "SessionPolicy";
	s.policy_count = 1;
	authz_session_encode(&s, &b);
	assert_int_equal(b.err, 0);
	sodium_bin2base64(text, sizeof(text), b.p, b.len,
	    sodium_base64_VARIANT_ORIGINAL);
	buf_release(&code);
	buf_release(&b);
	return text;
}

static void
by_ssh(struct test *t, const char *line)
{
	t->facts.service = "sshd";
	t->facts.rhost = "192.0.2.7";
	t->facts.caller_uid = 0;
	t->facts.publickey = true;
	t->facts.key = line;
}

static void
test_certificate__is_a_session_of_the_role(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e, s;
	unsigned q;

	by_ssh(t, certificate(t, SESSION("Deploy", "ci-42"), NULL));
	assert_int_equal(authenticate(t, "", &q, &e), FLOW_PERMIT);
	assert_int_equal(q, FLOW_NOTHING);
	assert_int_equal(account(t, &e), FLOW_PERMIT);
	event_has(t, "\"eventName\":\"Login\"");
	event_has(t, "\"arn\":\"" SESSION("Deploy", "ci-42") "\"");
	event_has(t, "\"MFAUsed\":\"Yes\"");
	event_has(t, "\"CertificateSerial\":\"4711\"");
	assert_int_equal(session(t, &e, &s), FLOW_PERMIT);
	assert_string_equal(s.role_session, "ci-42");
	assert_int_equal(s.expires_s, t->facts.now_s + 800);
	assert_int_equal(s.mfa_s, t->facts.now_s - 60);
	assert_int_equal(s.auth_s, t->facts.now_s - 100);
	assert_int_equal(s.extra, 0);
	/* Without the auth phase, where sshd tells PAM nothing of the key: no. */
	t->facts.key = NULL;
	t->facts.publickey = false;
	assert_int_equal(account(t, NULL), FLOW_DENY);
}

static void
test_certificate__of_others_and_revoked_ones(void **state)
{
	static const char *const others[] = { ARN("user/Sarah"), ARN("role/Deploy"),
		SESSION("Audit", "ci-42"), SESSION("Deploy", ""), SESSION("Deploy",
		"a/b"), SESSION("Deploy", "a b"), SESSION("Deploy2", "x"),
		"arn:aws:sts::210987654321:assumed-role/Deploy/x" };
	struct test *t = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(others); i++) {
		by_ssh(t, certificate(t, others[i], NULL));
		if (account(t, NULL) != FLOW_DENY)
			fail_msg("%s", others[i]);
		event_has(t, "\"reason\":\"CertificateOfAnother\"");
	}
	/* Nor is a user's login opened by a session of a role. */
	by_ssh(t, certificate(t, SESSION("Deploy", "sarah"), NULL));
	t->facts.user = "nora";
	assert_int_equal(account(t, NULL), FLOW_DENY);
	event_has(t, "\"reason\":\"CertificateOfAnother\"");
	t->facts.user = "deploy";
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	t->w.revoked = SERIAL;
	world_publish(&t->w);
	assert_int_equal(account(t, NULL), FLOW_DENY);
	t->w.revoked = 0;
	/* To a role of this name that was there before. */
	t->w.created_s = t->facts.now_s - 99;
	world_publish(&t->w);
	assert_int_equal(account(t, NULL), FLOW_DENY);
}

/* sshd tells PAM of a key alone only when the session opens. */
static void
test_certificate__of_another_as_the_only_proof(void **state)
{
	struct test *t = *state;
	const char *line = certificate(t, SESSION("Deploy", "ci-42"), NULL);
	struct runtime_evidence s;

	by_ssh(t, NULL);
	t->facts.user = "nora";
	t->facts.publickey = false;
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	by_ssh(t, line);
	assert_int_equal(session(t, NULL, &s), FLOW_DENY);
	event_has(t, "\"eventName\":\"Login\"");
	event_has(t, "\"reason\":\"CertificateOfAnother\"");
	by_ssh(t, certificate(t, ARN("user/nora"), NULL));
	assert_int_equal(session(t, NULL, &s), FLOW_PERMIT);
	t->w.revoked = SERIAL;
	world_publish(&t->w);
	assert_int_equal(session(t, NULL, &s), FLOW_DENY);
	event_has(t, "\"reason\":\"CertificateRevoked\"");
}

/* Between sshd's look at it and the session there is time for it to end. */
static void
test_certificate__that_ends_during_the_login(void **state)
{
	struct test *t = *state;
	struct runtime_evidence s;

	by_ssh(t, certificate(t, SESSION("Deploy", "ci-42"), NULL));
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	t->facts.now_s += 800;
	assert_int_equal(session(t, NULL, &s), FLOW_DENY);
	event_has(t, "\"reason\":\"CertificateExpired\"");
	assert_int_equal(account(t, NULL), FLOW_DENY);
	t->facts.now_s--;
	assert_int_equal(session(t, NULL, &s), FLOW_PERMIT);
	assert_int_equal(s.expires_s, t->facts.now_s + 1);
}

/* IAM User Guide, "Session policies": what both allow; and session tags. */
static void
test_certificate__session_policies_and_tags(void **state)
{
	struct test *t = *state;
	struct runtime_evidence s;

	by_ssh(t, certificate(t, SESSION("Deploy", "ci"), packed(ALLOW("\"host:Sudo\""))));
	assert_int_equal(account(t, NULL), FLOW_DENY);
	by_ssh(t, certificate(t, SESSION("Deploy", "ci"), packed("{\"Statement\":{"
	    "\"Effect\":\"Allow\",\"Action\":[\"host:Login\",\"host:SwitchUser\"],"
	    "\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{"
	    "\"aws:PrincipalTag/team\":\"blue\",\"aws:SourceIdentity\":"
	    "\"sarah@example.org\"}}}}")));
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	event_has(t, "\"sourceIdentity\":\"sarah@example.org\"");
	assert_int_equal(session(t, NULL, &s), FLOW_PERMIT);
	assert_int_equal(s.extra, 1);
	assert_string_equal(s.source_identity, "sarah@example.org");
	/* They hold within the session as well. */
	t->facts.key = NULL;
	t->facts.publickey = false;
	t->facts.caller_uid = DEPLOY;
	t->facts.service = "sudo";
	assert_int_equal(account(t, NULL), FLOW_DENY);
	event_has(t, "\"arn\":\"" SESSION("Deploy", "ci") "\"");
	t->facts.service = "su";
	t->facts.user = "nora";
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	/* An allow of a session policy alone is none. */
	t->facts.user = "audit";
	by_ssh(t, certificate(t, SESSION("Audit", "ci"), packed(ALLOW("\"*\""))));
	assert_int_equal(account(t, NULL), FLOW_DENY);
}

/* The source identity stays, and is a permission of its own (STS, SetSourceIdentity). */
static void
test_certificate__source_identity_in_a_chain(void **state)
{
	struct test *t = *state;
	struct runtime_evidence s;

	by_ssh(t, certificate(t, SESSION("Deploy", "ci"), packed(ALLOW("\"*\""))));
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	assert_int_equal(session(t, NULL, &s), FLOW_PERMIT);
	t->facts.key = NULL;
	t->facts.publickey = false;
	t->facts.caller_uid = DEPLOY;
	t->facts.service = "su";
	t->facts.user = "chain"; /* trusts Deploy for sts:AssumeRole, and no more */
	assert_int_equal(account(t, NULL), FLOW_DENY);
	event_has(t, "\"sourceIdentity\":\"sarah@example.org\"");
	t->facts.user = "source";
	assert_int_equal(account(t, NULL), FLOW_PERMIT);
	assert_int_equal(session(t, NULL, &s), FLOW_PERMIT);
	assert_string_equal(s.source_identity, "sarah@example.org");
	assert_int_equal(s.extra, 0);
}

static void
test_certificate__damaged_sessions_are_none(void **state)
{
	static const char *const bad[] = { "AAAA", "%%%", "", "AgAAAA==",
		"AQAAAP////8AAAAAAAAAAAA=" };
	struct test *t = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(bad); i++) {
		by_ssh(t, certificate(t, SESSION("Deploy", "ci"), bad[i]));
		if (account(t, NULL) != FLOW_DENY)
			fail_msg("%s", bad[i]);
	}
}

/* ---- nobody logs in as a role ---- */

static void
test_role__nobody_logs_in(void **state)
{
	static const char *const services[] = { "sshd", "login", "gdm-password",
		"cron", "sudo", "other" };
	struct test *t = *state;
	struct runtime_evidence e, s;
	unsigned q;
	size_t i;

	for (i = 0; i < IAM_COUNT(services); i++) {
		t->facts.service = services[i];
		t->facts.caller_uid = 0;
		t->facts.publickey = i % 2 == 0;
		assert_int_equal(account(t, NULL), FLOW_DENY);
		event_has(t, "\"reason\":\"RoleNotAssumed\"");
		t->facts.publickey = false;
		assert_int_equal(authenticate(t, "right", &q, &e), FLOW_DENY);
		assert_int_equal(q, FLOW_PASSWORD | FLOW_CODE);
		if (strcmp(services[i], "sudo") != 0)
			assert_int_equal(session(t, NULL, &s), FLOW_DENY);
	}
	/* Nor does the helper let a role's screen be unlocked. */
	t->facts.service = "su";
	t->facts.caller_uid = SARAH;
	t->facts.by_proxy = true;
	assert_int_equal(account(t, NULL), FLOW_DENY);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_su__who_assumes_a_role_authenticates_as_herself),
		T(test_su__both_policies_decide),
		T(test_su__evidence_is_the_callers),
		T(test_su__callers_whom_iam_does_not_govern_are_refused),
		T(test_su__root_may_with_an_event),
		T(test_runuser__is_roots_su),
		T(test_sudo__the_session_phase_decides),
		T(test_role__sudo_within_the_session),
		T(test_role__su_to_a_user_asks_the_roles_policies),
		T(test_role__chaining),
		T(test_certificate__is_a_session_of_the_role),
		T(test_certificate__of_others_and_revoked_ones),
		T(test_certificate__of_another_as_the_only_proof),
		T(test_certificate__that_ends_during_the_login),
		T(test_certificate__session_policies_and_tags),
		T(test_certificate__source_identity_in_a_chain),
		T(test_certificate__damaged_sessions_are_none),
		T(test_role__nobody_logs_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
