/*
 * The login as a state machine, with the real snapshot, credentials and
 * runtime state. The policies and the trail are doubles of this file: what they
 * decide is a variable, what is written is kept.
 */
#include "common/base/base.h"
#include "common/authz/authz.h"
#include "common/base/governed.h"
#include "common/trail/trail.h"
#include "pam_iam/flow.h"
#include "pam_iam/internal.h"
#include "tests/pam/world.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SARAH 2100000001u
#define LOCAL_UID 1000u

/* ---- doubles ---- */

struct authz {
	char principal[64];
};

static struct {
	/* what the policies say */
	bool allow_without_mfa, allow_with_mfa;
	int open_error, decide_error;
	enum pol_effect effect_denied;
	/* what they were asked last */
	char action[64], resource[128], principal[64], method[32];
	bool mfa_known, mfa;
	int64_t mfa_s;
	/* the trail */
	int trail_error;
	unsigned events;
	char name[64], who[64], additional[8192], error_code[64], user_name[64];
	char response[128];
} fake;

int
authz_open(const struct snap *snap, const struct snap_account *account,
    const struct snap_principal *principal, struct authz **ret)
{
	(void)snap;
	(void)account;
	if (fake.open_error != 0)
		return fake.open_error;
	if ((*ret = calloc(1, sizeof(**ret))) == NULL)
		return IAM_ERR_MEMORY;
	snprintf((*ret)->principal, sizeof((*ret)->principal), "%s",
	    principal->unix_name);
	return 0;
}

int
authz_assume(struct authz *a, const struct authz_session *s)
{
	(void)a;
	(void)s;
	return 0;
}

int
authz_trust(const struct snap *snap, const struct snap_principal *role,
    struct pol_source *ret)
{
	(void)snap;
	(void)role;
	(void)ret;
	return IAM_ERR_FORMAT;
}

void
authz_put_session(struct buf *b, const char *account_id, const char *role_arn,
    const char *name)
{
	buf_printf(b, "%s %s %s", account_id, role_arn, name);
}

void
authz_free(struct authz *a)
{
	free(a);
}

static void
keep(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

int
authz_decide(struct authz *a, const struct authz_attempt *at,
    struct pol_decision *ret)
{
	bool mfa = at->mfa_known && at->mfa;

	memset(ret, 0, sizeof(*ret));
	ret->effect = POL_IMPLICIT_DENY;
	keep(fake.action, sizeof(fake.action), at->action);
	keep(fake.resource, sizeof(fake.resource), at->resource);
	keep(fake.principal, sizeof(fake.principal), a->principal);
	keep(fake.method, sizeof(fake.method), at->method);
	fake.mfa_known = at->mfa_known;
	fake.mfa = at->mfa;
	fake.mfa_s = at->mfa_s;
	if (fake.decide_error != 0)
		return fake.decide_error;
	if (mfa ? fake.allow_with_mfa : fake.allow_without_mfa)
		ret->effect = POL_ALLOWED;
	else if (fake.effect_denied != 0)
		ret->effect = fake.effect_denied;
	return 0;
}

int
authz_explain(struct authz *a, const struct authz_attempt *at,
    const struct authz_extra *extra, struct pol_explanation *ret)
{
	(void)a;
	(void)at;
	(void)extra;
	ret->reason_count = 1;
	snprintf(ret->reasons[0].text, sizeof(ret->reasons[0].text),
	    "because of a test");
	return 0;
}

bool
authz_literal_address(const char *rhost, char *ret, size_t size)
{
	if (rhost[0] < '0' || rhost[0] > '9')
		return false;
	snprintf(ret, size, "%s", rhost);
	return true;
}

int
trail_event_id(char ret[37])
{
	snprintf(ret, 37, "00000000-0000-4000-8000-%012u", fake.events + 1);
	return 0;
}

int
trail_write(const struct trail_where *where, const struct trail_event *e,
    enum trail_kept *ret_kept)
{
	(void)where;
	(void)ret_kept;
	fake.events++;
	keep(fake.name, sizeof(fake.name), e->name);
	keep(fake.who, sizeof(fake.who), e->who.type);
	keep(fake.user_name, sizeof(fake.user_name), e->who.user_name);
	keep(fake.additional, sizeof(fake.additional), e->additional);
	keep(fake.error_code, sizeof(fake.error_code), e->error_code);
	keep(fake.response, sizeof(fake.response), e->response_elements);
	return fake.trail_error;
}

static bool
reason_is(const char *reason)
{
	char text[128];

	snprintf(text, sizeof(text), "\"reason\":\"%s\"", reason);
	if (strstr(fake.additional, text) != NULL)
		return true;
	print_message("event says %s\n", fake.additional);
	return false;
}

/* ---- the people ---- */

static const struct world_person people[] = {
	{ "sarah", "Sarah", SARAH, "right", false, false, true, NULL },
	{ "nora", "nora", 2100000002u, "right", false, false, false, NULL },
	{ "dora", "dora", 2100000003u, "right", true, false, true, NULL },
	{ "kim", "kim", 2100000004u, NULL, false, false, true, NULL },
	{ "rita", "rita", 2100000005u, "right", false, true, false, NULL },
	{ "adele", "adele", LOCAL_UID, "right", false, false, false, NULL },
	{ "toor", "toor", 2100000007u, "right", false, false, false, NULL },
	{ "clash", "clash", 2100000008u, "right", false, false, false, NULL },
	{ "digit", "digit", 2100000009u, "12345678", false, false, true, NULL },
	{ NULL, NULL, 0, NULL, false, false, false, NULL },
};

static const struct {
	const char *name;
	uid_t uid;
} known[] = {
	{ "root", 0 }, { "toor", 0 }, { "games", 5 }, { "sarah", SARAH },
	{ "adele", LOCAL_UID }, { "clash", 1234 }, { "bob", 1001 },
	{ "DOMAIN\\jo", 300000 },
};

static int
test_uid_of(const char *name, bool *ret_known, uid_t *ret_uid)
{
	size_t i;

	*ret_known = false;
	if (strcmp(name, "sssd-is-down") == 0)
		return IAM_ERR_IO;
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
	if (uid == 4444)
		return IAM_ERR_IO;
	for (i = 0; i < IAM_COUNT(known) && !*ret_known; i++) {
		if (known[i].uid == uid) {
			*ret_known = true;
			snprintf(ret, size, "%s", known[i].name);
		}
	}
	return 0;
}

struct test {
	struct world w;
	struct flow_facts facts;
};

static int
setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));

	memset(&fake, 0, sizeof(fake));
	fake.allow_with_mfa = true;
	world_open(&t->w, NULL);
	t->w.people = people;
	t->w.host.uid_of = test_uid_of;
	t->w.host.name_of = test_name_of;
	world_publish(&t->w);
	t->facts.user = "sarah";
	t->facts.service = "sshd";
	t->facts.rhost = "192.0.2.7";
	t->facts.tty = "ssh";
	t->facts.pid = getpid();
	/* Later than the birth of the test's /run/iam. */
	t->facts.now_s = ((int64_t)time(NULL) + 3600) / 30 * 30;
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct test *t = *state;

	world_close(&t->w);
	free(t);
	return 0;
}

static struct flow *
open_flow(struct test *t)
{
	struct flow *f = NULL;

	assert_int_equal(flow_open(&t->w.host, &t->facts, FLOW_DECIDE, &f), 0);
	return f;
}

static enum flow_who
who_is(struct test *t, const char *name)
{
	struct flow *f;
	enum flow_who who;

	t->facts.user = name;
	f = open_flow(t);
	who = flow_who(f);
	flow_close(f);
	return who;
}

/* A whole attempt. code NULL: the right one, if it is asked. */
static enum flow_verdict
attempt(struct test *t, const char *password, const char *code, int *ret_err,
    struct runtime_evidence *e)
{
	struct secret p = SECRET_INIT, c = SECRET_INIT;
	struct flow_answers a = { 0 };
	struct flow *f = open_flow(t);
	enum flow_verdict verdict;
	unsigned questions;
	char right[9];
	int r;

	questions = flow_questions(f);
	world_code(t->facts.now_s, right);
	secret_set(&p, password, strlen(password));
	secret_set(&c, code != NULL ? code : right,
	    strlen(code != NULL ? code : right));
	if ((questions & FLOW_PASSWORD) != 0)
		a.password = &p;
	if ((questions & FLOW_CODE) != 0)
		a.code = &c;
	a.bad = (a.password != NULL && p.len == 0) ||
	    (a.code != NULL && c.len == 0);
	r = flow_judge(f, &a, &verdict, e);
	secret_release(&p);
	secret_release(&c);
	flow_close(f);
	if (ret_err != NULL)
		*ret_err = r;
	else
		assert_int_equal(r, 0);
	return verdict;
}

static unsigned
questions_for(struct test *t, const char *name)
{
	struct flow *f;
	unsigned q;

	t->facts.user = name;
	f = open_flow(t);
	q = flow_questions(f);
	flow_close(f);
	return q;
}

static int
authorize(struct test *t, const struct runtime_evidence *e,
    struct flow_decision *d)
{
	struct flow *f = open_flow(t);
	int r = flow_authorize(f, e, d);

	flow_close(f);
	return r;
}

/* ---- who ---- */

static void
test_flow_open__S2_who_in_a_valid_snapshot(void **state)
{
	char longest[1200];
	struct test *t = *state;
	const struct {
		const char *name;
		enum flow_who who;
	} rows[] = {
		{ "root", FLOW_ROOT },
		{ "sarah", FLOW_OURS },
		{ "adele", FLOW_OURS },       /* adopted: local, and in the snapshot */
		{ "nora", FLOW_OURS },        /* no name service knows her yet */
		{ "games", FLOW_UNMANAGED },
		{ "DOMAIN\\jo", FLOW_UNMANAGED },
		{ "toor", FLOW_ROOT },        /* uid 0, whatever the snapshot says */
		{ "clash", FLOW_BROKEN },     /* a local account of the same name */
		{ "sssd-is-down", FLOW_UNMANAGED },
		{ "ghost", FLOW_NOBODY },
		/* S14 */
		{ "", FLOW_NOBODY },
		{ "Sarah", FLOW_NOBODY },
		{ "sarah/", FLOW_NOBODY },
		{ "..", FLOW_NOBODY },
		{ "#0", FLOW_NOBODY },
		{ "#-1", FLOW_NOBODY },
		{ "-1", FLOW_NOBODY },
		{ "0", FLOW_NOBODY },
		{ "sarah ", FLOW_NOBODY },
		{ longest, FLOW_NOBODY },
	};
	size_t i;

	memset(longest, 's', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (i = 0; i < IAM_COUNT(rows); i++) {
		if (who_is(t, rows[i].name) != rows[i].who)
			fail_msg("%s", rows[i].name);
	}
}

static void
damage_nothing(struct test *t)
{
	unlink(t->w.host.private_snapshot);
}

static void
damage_empty(struct test *t)
{
	world_write(t->w.host.private_snapshot, "", 0, 0640);
}

static void
damage_garbage(struct test *t)
{
	char junk[5000];

	memset(junk, 0xa5, sizeof(junk));
	world_write(t->w.host.private_snapshot, junk, sizeof(junk), 0640);
}

static void
damage_half(struct test *t)
{
	struct stat st;

	assert_int_equal(stat(t->w.host.private_snapshot, &st), 0);
	assert_int_equal(truncate(t->w.host.private_snapshot, st.st_size / 2), 0);
}

static void
damage_unsafe(struct test *t)
{
	assert_int_equal(chmod(t->w.host.private_snapshot, 0666), 0);
}

static void
damage_symlink(struct test *t)
{
	char other[400];

	snprintf(other, sizeof(other), "%s.other", t->w.host.private_snapshot);
	assert_int_equal(rename(t->w.host.private_snapshot, other), 0);
	assert_int_equal(symlink(other, t->w.host.private_snapshot), 0);
}

static void
test_flow_open__S0_S2_without_a_snapshot(void **state)
{
	static void (*const damages[])(struct test *) = { damage_nothing,
		damage_empty, damage_garbage, damage_half, damage_unsafe,
		damage_symlink };
	static const struct {
		const char *name;
		enum flow_who who;
	} rows[] = {
		{ "root", FLOW_ROOT },
		{ "games", FLOW_UNMANAGED },
		{ "sarah", FLOW_BROKEN },
		{ "DOMAIN\\jo", FLOW_BROKEN },
		{ "ghost", FLOW_BROKEN },
		{ "", FLOW_BROKEN },
	};
	struct test *t = *state;
	size_t d, i;

	for (d = 0; d < IAM_COUNT(damages); d++) {
		unlink(t->w.host.private_snapshot);
		world_publish(&t->w);
		damages[d](t);
		for (i = 0; i < IAM_COUNT(rows); i++) {
			if (who_is(t, rows[i].name) != rows[i].who)
				fail_msg("damage %zu, %s", d, rows[i].name);
		}
		/* A local account with uid 0 goes on, by whatever name. */
		assert_int_not_equal(who_is(t, "toor"), FLOW_BROKEN);
	}
}

static void
test_flow_open__S0_not_initialised_governs_nobody(void **state)
{
	static const char *const names[] = { "root", "sarah", "games", "ghost", "" };
	struct test *t = *state;
	size_t i;

	unlink(t->w.host.host_file);
	for (i = 0; i < IAM_COUNT(names); i++)
		assert_int_equal(who_is(t, names[i]), FLOW_UNMANAGED);
}

static void
test_flow_open__S2_every_byte_of_the_snapshot_flipped(void **state)
{
	struct test *t = *state;
	struct buf whole = BUF_INIT;
	struct flow *f;
	size_t i;

	assert_int_equal(file_read(t->w.host.private_snapshot, FILE_ANY, 1 << 20,
	    &whole), 0);
	for (i = 0; i < whole.len; i += whole.len / 700 + 1) {
		whole.p[i] ^= 0x40;
		world_write(t->w.host.private_snapshot, whole.p, whole.len, 0640);
		f = open_flow(t);
		/* Found, or in doubt; never "not ours". */
		if (flow_who(f) != FLOW_OURS && flow_who(f) != FLOW_BROKEN)
			fail_msg("byte %zu", i);
		flow_close(f);
		whole.p[i] ^= 0x40;
	}
	buf_release(&whole);
}

/* ---- stale configuration ---- */

struct publisher {
	struct test *t;
	unsigned calls;
	int answer;
	bool work;
};

/* Her document was damaged, so a good snapshot is without her; her local password must
 * not let her in past the policies (S2). */
static void
test_flow_open__S2_adopted_and_not_in_the_snapshot(void **state)
{
	static const char *const adopted[] = { "bob", "toor", "gone" };
	struct test *t = *state;
	struct flow *f;
	struct flow_decision d;

	assert_int_equal(who_is(t, "bob"), FLOW_UNMANAGED);
	assert_int_equal(governed_write(t->w.host.governed, IAM_ID_MIN_DEFAULT,
	    IAM_ID_MAX_DEFAULT, adopted, 3), 0);
	assert_int_equal(who_is(t, "bob"), FLOW_BROKEN);
	assert_int_equal(who_is(t, "games"), FLOW_UNMANAGED);
	assert_int_equal(who_is(t, "toor"), FLOW_ROOT); /* S0 */
	assert_int_equal(who_is(t, "root"), FLOW_ROOT);
	assert_int_equal(who_is(t, "gone"), FLOW_NOBODY);
	t->facts.user = "bob";
	assert_int_equal(attempt(t, "right", NULL, &d.password_days, NULL), FLOW_DENY);
	assert_true(reason_is("AdoptedUserMissing"));
	f = open_flow(t);
	assert_int_not_equal(flow_authorize(f, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	flow_close(f);
	/* Nor is she a caller of su whom nobody governs. */
	t->facts.user = "sarah";
	t->facts.service = "su";
	t->facts.caller_uid = 1001;
	f = open_flow(t);
	assert_int_not_equal(flow_authorize(f, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	flow_close(f);
	/* Without the list nobody can know. */
	assert_int_equal(unlink(t->w.host.governed), 0);
	assert_int_equal(who_is(t, "bob"), FLOW_UNMANAGED);
}

static int
test_publish(void *arg)
{
	struct publisher *p = arg;

	p->calls++;
	if (p->work)
		world_publish(&p->t->w);
	return p->answer;
}

static void
test_flow_open__stale_configuration_is_published_anew(void **state)
{
	struct test *t = *state;
	struct publisher p = { t, 0, 0, true };

	t->w.host.publish = test_publish;
	t->w.host.publish_arg = &p;
	assert_int_equal(who_is(t, "sarah"), FLOW_OURS);
	assert_int_equal(p.calls, 0);
	world_write(t->w.host.host_file, "{ }", 3, 0644);
	assert_int_equal(who_is(t, "sarah"), FLOW_OURS);
	assert_int_equal(p.calls, 1);
	assert_int_equal(who_is(t, "sarah"), FLOW_OURS);
	assert_int_equal(p.calls, 1);
	/* iam.json appears */
	world_write(t->w.host.settings_file, "{}", 2, 0644);
	assert_int_equal(who_is(t, "sarah"), FLOW_OURS);
	assert_int_equal(p.calls, 2);
	/* Others are never held up by it. */
	world_write(t->w.host.host_file, "{  }", 4, 0644);
	assert_int_equal(who_is(t, "root"), FLOW_ROOT);
	assert_int_equal(who_is(t, "games"), FLOW_UNMANAGED);
	assert_int_equal(p.calls, 2);
}

static void
test_flow_open__stale_configuration_that_stays_denies(void **state)
{
	struct test *t = *state;
	struct publisher p = { t, 0, 0, false };
	struct flow_decision d;

	world_write(t->w.host.host_file, "{ }", 3, 0644);
	assert_int_equal(who_is(t, "sarah"), FLOW_BROKEN); /* nobody may publish */
	t->w.host.publish = test_publish;
	t->w.host.publish_arg = &p;
	assert_int_equal(who_is(t, "sarah"), FLOW_BROKEN); /* it does nothing */
	p.answer = IAM_ERR_BUSY;
	assert_int_equal(who_is(t, "sarah"), FLOW_BROKEN); /* it fails */
	fake.allow_without_mfa = true;
	assert_int_not_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	assert_string_equal(fake.error_code, "StaleConfiguration");
	assert_true(reason_is("StaleConfiguration"));
}

/* ---- questions ---- */

static void
test_flow_questions__table(void **state)
{
	static const struct {
		const char *name;
		const char *user;
		bool allow, publickey, mfa_only, when_enrolled;
		unsigned questions;
	} rows[] = {
		{ "device", "sarah", true, false, false, true, 3 },
		{ "device, and the policies decide", "sarah", true, false, false, false, 1 },
		{ "device, and the policies want it", "sarah", false, false, false, false, 3 },
		{ "no device, allowed without", "nora", true, false, false, true, 1 },
		{ "S3: no device, MFA needed", "nora", false, false, false, true, 3 },
		{ "S8: disabled", "dora", true, false, false, true, 3 },
		{ "S8: no login profile", "kim", true, false, false, true, 3 },
		{ "S8: nobody", "ghost", true, false, false, true, 3 },
		{ "after a key", "sarah", true, true, false, true, 2 },
		{ "S3: after a key, nothing needed: never nothing", "nora", true, true,
		    false, true, 1 },
		{ "S8: nobody, after a key", "ghost", true, true, false, true, 2 },
		{ "mfa_only", "sarah", true, false, true, true, 2 },
		{ "S3: mfa_only without a device", "nora", true, false, true, true, 2 },
	};
	struct test *t = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(rows); i++) {
		fake.allow_without_mfa = rows[i].allow;
		t->facts.publickey = rows[i].publickey;
		t->facts.mfa_only = rows[i].mfa_only;
		t->w.mfa_when_enrolled = rows[i].when_enrolled;
		world_publish(&t->w);
		if (questions_for(t, rows[i].user) != rows[i].questions)
			fail_msg("%s", rows[i].name);
	}
}

static void
test_flow_questions__damaged_policy_asks_all_and_denies(void **state)
{
	struct test *t = *state;
	struct flow_decision d;

	fake.open_error = IAM_ERR_FORMAT;
	assert_int_equal(questions_for(t, "nora"), 3);
	assert_int_equal(authorize(t, NULL, &d), IAM_ERR_FORMAT);
	assert_int_equal(d.verdict, FLOW_DENY);
}

/* ---- judging ---- */

static void
test_flow_judge__both_right(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e;

	assert_int_equal(attempt(t, "right", NULL, NULL, &e), FLOW_PERMIT);
	assert_int_equal(e.uid, SARAH);
	assert_int_equal(e.methods, RUNTIME_PASSWORD | RUNTIME_MFA);
	assert_int_equal(e.mfa_s, t->facts.now_s);
	assert_string_equal(e.service, "sshd");
	assert_string_equal(e.device, "arn:aws:iam::123456789012:mfa/Sarah");
	assert_int_equal(fake.events, 0); /* the account phase writes it */
}

static unsigned crypts;

int __real_password_check(const struct secret *password, const char *hash,
    bool *ret_ok);
int __wrap_password_check(const struct secret *password, const char *hash,
    bool *ret_ok);

int
__wrap_password_check(const struct secret *password, const char *hash,
    bool *ret_ok)
{
	crypts++;
	return __real_password_check(password, hash, ret_ok);
}

static void
test_flow_judge__every_no_and_its_reason(void **state)
{
	static const struct {
		const char *user, *password, *code, *reason;
	} rows[] = {
		{ "sarah", "wrong", NULL, "WrongPassword" },
		{ "sarah", "right", "000000", "WrongCode" },
		{ "sarah", "wrong", "000000", "WrongPassword" },
		{ "sarah", "", NULL, "InvalidAnswer" },
		{ "sarah", "right", "", "InvalidAnswer" },
		{ "sarah", "right", "12345", "WrongCode" },
		{ "sarah", "right", "1234567", "WrongCode" },
		{ "dora", "right", NULL, "UserDisabled" },
		{ "kim", "right", NULL, "NoLoginProfile" },
		{ "ghost", "right", NULL, "NoSuchUser" },
		{ "", "right", NULL, "NoSuchUser" },
	};
	struct test *t = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(rows); i++) {
		t->facts.user = rows[i].user;
		crypts = 0;
		if (attempt(t, rows[i].password, rows[i].code, NULL, NULL) !=
		    FLOW_DENY || !reason_is(rows[i].reason))
			fail_msg("row %zu", i);
		assert_int_equal(crypts, 1); /* S8: the same work */
		assert_int_equal(fake.events, i + 1);
		assert_string_equal(fake.name, "Login");
		assert_string_equal(fake.response, "{\"Login\":\"Failure\"}");
	}
}

static void
test_flow_judge__unknown_name_is_not_in_the_event(void **state)
{
	struct test *t = *state;

	/* It may be a password, typed into the wrong field. */
	t->facts.user = "hunter2";
	attempt(t, "right", NULL, NULL, NULL);
	assert_string_equal(fake.user_name, "HIDDEN_DUE_TO_SECURITY_REASONS");
	assert_null(strstr(fake.additional, "hunter2"));
}

static void
test_flow_judge__S35_a_code_opens_once(void **state)
{
	struct test *t = *state;
	char code[9];

	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_DENY);
	assert_true(reason_is("CodeReused"));
	/* The one before is over as well. */
	world_code(t->facts.now_s - 30, code);
	assert_int_equal(attempt(t, "right", code, NULL, NULL), FLOW_DENY);
	t->facts.now_s += 30;
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
}

static void
test_flow_judge__S35_one_of_eight_simultaneous_uses_wins(void **state)
{
	struct test *t = *state;
	unsigned round, i, winners;
	int start[2], status;
	pid_t pids[8];
	char go;

	for (round = 0; round < 25; round++) {
		t->facts.now_s += 30;
		assert_int_equal(pipe(start), 0);
		for (i = 0; i < 8; i++) {
			if ((pids[i] = fork()) != 0)
				continue;
			close(start[1]);
			t->facts.pid = getpid();
			while (read(start[0], &go, 1) > 0)
				;
			_exit(attempt(t, "right", NULL, &status, NULL) ==
			    FLOW_PERMIT ? 1 : status == 0 ? 0 : 2);
		}
		close(start[0]);
		close(start[1]); /* all at once */
		for (winners = i = 0; i < 8; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
			winners += WEXITSTATUS(status) == 1;
		}
		assert_int_equal(winners, 1);
	}
}

static bool lose_claim;

int __real_runtime_totp_claim(struct runtime *rt, uint32_t uid,
    const char *device, uint64_t step, bool *ret_won);
int __wrap_runtime_totp_claim(struct runtime *rt, uint32_t uid,
    const char *device, uint64_t step, bool *ret_won);

int
__wrap_runtime_totp_claim(struct runtime *rt, uint32_t uid, const char *device,
    uint64_t step, bool *ret_won)
{
	int r = __real_runtime_totp_claim(rt, uid, device, step, ret_won);

	if (lose_claim)
		*ret_won = false;
	return r;
}

static void
test_flow_judge__S35_who_was_later_loses(void **state)
{
	struct test *t = *state;

	/* Somebody else's claim came between the look and ours. */
	lose_claim = true;
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_DENY);
	lose_claim = false;
	assert_true(reason_is("CodeReused"));
}

static void
test_flow_judge__a_wrong_password_uses_no_code_up(void **state)
{
	struct test *t = *state;

	assert_int_equal(attempt(t, "wrong", NULL, NULL, NULL), FLOW_DENY);
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
}

static void
test_flow_judge__codes_from_before_the_device_was_enabled(void **state)
{
	struct test *t = *state;

	/* The codes that enabled it are of steps up to that moment. */
	t->w.enabled_s = t->facts.now_s;
	world_publish(&t->w);
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_DENY);
	assert_true(reason_is("CodeReused"));
	t->facts.now_s += 30;
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
}

static void
test_flow_judge__codes_from_before_the_runtime_directory(void **state)
{
	struct test *t = *state;

	/* A reboot opens no replay: this step began before /run/iam was made. */
	t->facts.now_s = (int64_t)time(NULL) - 60;
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_DENY);
	assert_true(reason_is("CodeReused"));
}

static void
test_flow_judge__S3_no_device(void **state)
{
	struct test *t = *state;
	struct flow_decision d;
	struct runtime_evidence e;

	/* Asked all the same; the right password is no MFA, and the policies deny. */
	t->facts.user = "nora";
	assert_int_equal(attempt(t, "right", "123456", NULL, &e), FLOW_PERMIT);
	assert_int_equal(e.methods, RUNTIME_PASSWORD);
	assert_int_equal(e.mfa_s, 0);
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	assert_true(fake.mfa_known);
	assert_false(fake.mfa);
	/* Without a password nothing is proved at all. */
	t->facts.mfa_only = true;
	assert_int_equal(attempt(t, "right", "123456", NULL, NULL), FLOW_DENY);
	assert_true(reason_is("NoDevice"));
	t->facts.mfa_only = false;
	t->facts.publickey = true;
	assert_int_equal(attempt(t, "right", "123456", NULL, NULL), FLOW_DENY);
}

/* S8: beside a password it would say that the password was right. */
static void
test_flow_code_was_used__only_where_it_gives_nothing_away(void **state)
{
	static const struct {
		bool publickey, mfa_only, again, used;
	} rows[] = {
		{ true, false, true, true },
		{ false, true, true, true },
		{ true, false, false, false },
		{ false, false, true, false },
	};
	const struct secret right = { (uint8_t *)"right", 5 };
	struct test *t = *state;
	struct secret code = SECRET_INIT;
	enum flow_verdict verdict;
	struct flow_answers a;
	char digits[9];
	struct flow *f;
	size_t i;

	for (i = 0; i < IAM_COUNT(rows); i++) {
		t->facts.now_s += 300;
		t->facts.publickey = rows[i].publickey;
		t->facts.mfa_only = rows[i].mfa_only;
		assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
		world_code(t->facts.now_s, digits);
		secret_set(&code, rows[i].again ? digits : "000000", 6);
		f = open_flow(t);
		a = (struct flow_answers){ NULL, &code, false };
		if ((flow_questions(f) & FLOW_PASSWORD) != 0)
			a.password = &right;
		assert_int_equal(flow_judge(f, &a, &verdict, NULL), 0);
		assert_int_equal(verdict, FLOW_DENY);
		assert_true(reason_is(rows[i].again ? "CodeReused" : "WrongCode"));
		assert_int_equal(flow_code_was_used(f), rows[i].used);
		flow_close(f);
	}
	secret_release(&code);
}

static void
test_flow_judge__after_a_key_only_the_code_counts(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e;

	t->facts.publickey = true;
	assert_int_equal(attempt(t, "", "000000", NULL, NULL), FLOW_DENY);
	assert_true(reason_is("WrongCode"));
	assert_int_equal(attempt(t, "", NULL, NULL, &e), FLOW_PERMIT);
	assert_int_equal(e.methods, RUNTIME_PUBLICKEY | RUNTIME_MFA);
}

static void
test_flow_judge__answers_that_were_not_asked_for(void **state)
{
	const struct secret some = { (uint8_t *)"right", 5 };
	const struct flow_answers none = { NULL, NULL, false },
	    half = { &some, NULL, false };
	struct test *t = *state;
	enum flow_verdict verdict;
	struct flow *f = open_flow(t);

	/* Before the questions, and with one answer of two. */
	verdict = FLOW_PERMIT;
	assert_int_equal(flow_judge(f, &none, &verdict, NULL), IAM_ERR_BUG);
	assert_int_equal(verdict, FLOW_DENY);
	assert_int_equal(flow_questions(f), FLOW_PASSWORD | FLOW_CODE);
	verdict = FLOW_PERMIT;
	assert_int_equal(flow_judge(f, &half, &verdict, NULL), IAM_ERR_BUG);
	assert_int_equal(verdict, FLOW_DENY);
	flow_close(f);
}

static void
test_flow_judge__without_the_seal_key(void **state)
{
	struct test *t = *state;
	int right, wrong;

	/* The same error whether the password was right or not. */
	unlink(t->w.host.seal_key);
	assert_int_equal(attempt(t, "right", NULL, &right, NULL), FLOW_DENY);
	assert_int_equal(attempt(t, "wrong", NULL, &wrong, NULL), FLOW_DENY);
	assert_int_equal(right, IAM_ERR_ABSENT);
	assert_int_equal(wrong, right);
	assert_true(reason_is("InternalError"));
}

static void
test_flow_open__without_runtime_state_denies(void **state)
{
	struct test *t = *state;

	world_write(t->w.host.run, "a file", 6, 0600);
	assert_int_equal(who_is(t, "sarah"), FLOW_BROKEN);
	assert_int_equal(who_is(t, "root"), FLOW_ROOT);
	assert_int_equal(who_is(t, "games"), FLOW_UNMANAGED);
}

static void
test_flow_judge__S16_throttle_is_per_source(void **state)
{
	struct test *t = *state;
	unsigned i;

	t->w.throttle_free = 2;
	world_publish(&t->w);
	for (i = 0; i < 5; i++)
		attempt(t, "wrong", NULL, NULL, NULL);
	/* Looks like a wrong password, though both are right. */
	crypts = 0;
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_DENY);
	assert_int_equal(crypts, 1);
	assert_true(reason_is("Throttled"));
	t->facts.rhost = "192.0.2.8";
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	/* From the first source, too, when the delay is over. */
	t->facts.rhost = "192.0.2.7";
	t->facts.now_s += 330;
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
}

/* Whoever guesses at a terminal of his own does not slow down the console. */
static void
test_flow_judge__S16_local_callers_apart(void **state)
{
	struct test *t = *state;
	unsigned i;

	t->w.throttle_free = 2;
	world_publish(&t->w);
	t->facts.rhost = "";
	t->facts.caller_uid = 1001;
	for (i = 0; i < 5; i++)
		attempt(t, "wrong", NULL, NULL, NULL);
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_DENY);
	assert_true(reason_is("Throttled"));
	t->facts.caller_uid = 0;
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	/* A remote host that has a name only is not the console either. */
	t->facts.rhost = "attacker.example";
	for (i = 0; i < 5; i++)
		attempt(t, "wrong", NULL, NULL, NULL);
	t->facts.rhost = "";
	t->facts.now_s += 30; /* the next code */
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
}

/* S15: the right password alone, proved by passwd, forgets no wrong code. */
static void
test_flow_check_password__S15_forgets_nothing(void **state)
{
	const struct secret right = { (uint8_t *)"right", 5 };
	struct flow_answers a = { &right, NULL, false };
	struct test *t = *state;
	enum flow_verdict verdict;
	struct flow *f;
	unsigned i;

	t->w.throttle_free = 3;
	world_publish(&t->w);
	for (i = 0; i < 4; i++) {
		attempt(t, "wrong", NULL, NULL, NULL);
		f = open_flow(t);
		assert_int_equal(flow_check_password(f, &a, &verdict), 0);
		assert_int_equal(verdict, i < 3 ? FLOW_PERMIT : FLOW_DENY);
		flow_close(f);
	}
}

static void
test_flow_judge__S6_bad_answers_count(void **state)
{
	struct test *t = *state;
	unsigned i;

	t->w.throttle_free = 2;
	world_publish(&t->w);
	for (i = 0; i < 4; i++)
		attempt(t, "", "", NULL, NULL);
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_DENY);
	assert_true(reason_is("Throttled"));
}

/* ---- many names from one source ---- */

static enum flow_verdict
guess(struct test *t, const char *user, const char *rhost)
{
	t->facts.user = user;
	t->facts.rhost = rhost;
	return attempt(t, "wrong", "000000", NULL, NULL);
}

static enum flow_verdict
right(struct test *t, const char *user, const char *rhost)
{
	t->facts.user = user;
	t->facts.rhost = rhost;
	return attempt(t, "right", NULL, NULL, NULL);
}

#define BAD "198.51.100.7"

static void
test_flow_judge__S16_guesses_at_many_names_slow_their_source_alone(void **state)
{
	struct test *t = *state;

	fake.allow_without_mfa = true;
	t->w.source_free = 3;
	world_publish(&t->w);
	/* Two whom IAM knows, and two whom nobody does. */
	guess(t, "sarah", BAD);
	guess(t, "rita", BAD);
	guess(t, "nobody-1", BAD);
	guess(t, "nobody-2", BAD);
	assert_int_equal(right(t, "nora", BAD), FLOW_DENY);
	assert_true(reason_is("SourceThrottled"));
	/* More guesses meanwhile do not make it longer. */
	guess(t, "nobody-3", BAD);
	guess(t, "kim", BAD);
	assert_true(reason_is("SourceThrottled"));
	assert_int_equal(right(t, "nora", "203.0.113.5"), FLOW_PERMIT);
	t->facts.caller_uid = 0;
	assert_int_equal(right(t, "nora", ""), FLOW_PERMIT); /* the console */
	t->facts.now_s += 2;
	assert_int_equal(right(t, "nora", BAD), FLOW_PERMIT);
}

static void
test_flow_judge__S16_who_is_known_there_is_not_concerned(void **state)
{
	struct test *t = *state;
	unsigned i;

	fake.allow_without_mfa = true;
	t->w.source_free = 3;
	world_publish(&t->w);
	assert_int_equal(right(t, "nora", BAD), FLOW_PERMIT);
	for (i = 0; i < 3; i++)
		guess(t, "nora", BAD); /* her own throttle counts these */
	assert_int_equal(right(t, "rita", BAD), FLOW_PERMIT);
	for (i = 0; i < 10; i++)
		guess(t, "nobody-1", BAD);
	assert_int_equal(right(t, "nora", BAD), FLOW_PERMIT);
	assert_int_equal(right(t, "adele", BAD), FLOW_DENY);
	assert_true(reason_is("SourceThrottled"));
}

static void
test_flow_judge__sources_of_many_people_have_no_budget(void **state)
{
	struct test *t = *state;
	unsigned i;

	fake.allow_without_mfa = true;
	t->w.source_free = 3;
	world_publish(&t->w);
	for (i = 0; i < 10; i++)
		guess(t, "nobody-1", ""); /* uid 0: the console, and daemons */
	assert_int_equal(right(t, "nora", ""), FLOW_PERMIT);
	t->w.source_free = 0; /* off */
	world_publish(&t->w);
	for (i = 0; i < 10; i++)
		guess(t, "nobody-1", BAD);
	assert_int_equal(right(t, "nora", BAD), FLOW_PERMIT);
}

static void
test_flow_check_password__same_throttle(void **state)
{
	const struct secret right = { (uint8_t *)"right", 5 },
	    wrong = { (uint8_t *)"wrong", 5 };
	struct flow_answers a = { &wrong, NULL, false };
	struct test *t = *state;
	enum flow_verdict verdict;
	struct flow *f;
	unsigned i;

	t->w.throttle_free = 2;
	world_publish(&t->w);
	f = open_flow(t);
	for (i = 0; i < 4; i++) {
		assert_int_equal(flow_check_password(f, &a, &verdict), 0);
		assert_int_equal(verdict, FLOW_DENY);
	}
	a.password = &right;
	assert_int_equal(flow_check_password(f, &a, &verdict), 0);
	assert_int_equal(verdict, FLOW_DENY);
	flow_close(f);
	t->facts.now_s += 400;
	f = open_flow(t);
	assert_int_equal(flow_check_password(f, &a, &verdict), 0);
	assert_int_equal(verdict, FLOW_PERMIT);
	flow_close(f);
}

/* ---- devices of all kinds, and their clocks ---- */

static const struct snap_device kinds[] = {
	{ .alg = SNAP_TOTP_SHA1, .digits = 6, .period_s = 30 },
	{ .alg = SNAP_TOTP_SHA256, .digits = 6, .period_s = 30 },
	{ .alg = SNAP_TOTP_SHA512, .digits = 6, .period_s = 30 },
	{ .alg = SNAP_TOTP_SHA1, .digits = 8, .period_s = 30 },
	{ .alg = SNAP_TOTP_SHA256, .digits = 8, .period_s = 60 },
	{ .alg = SNAP_TOTP_SHA512, .digits = 8, .period_s = 60 },
	{ .alg = SNAP_TOTP_SHA1, .digits = 6, .period_s = 60 },
	{ .alg = SNAP_TOTP_SHA512, .digits = 6, .period_s = 60 },
};

static void
code_of_kind(const struct snap_device *d, int64_t t_s, int32_t offset,
    char ret[9])
{
	const struct secret seed = { (uint8_t *)WORLD_SEED, 20 };
	const struct totp_params params = { d->alg, d->digits, d->period_s, 0 };

	assert_int_equal(totp_code(&seed, &params,
	    (uint64_t)(t_s / (int64_t)d->period_s + offset), ret), 0);
}

static void
test_flow_judge__any_of_eight_devices_answers(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e;
	char code[9], tail[16];
	int32_t offset;
	size_t i;

	t->w.devices = kinds;
	t->w.device_count = IAM_COUNT(kinds);
	world_publish(&t->w);
	for (i = 0; i < IAM_COUNT(kinds); i++) {
		/* One step either side, and no more. */
		for (offset = -2; offset <= 2; offset++) {
			t->facts.now_s += 1200;
			code_of_kind(&kinds[i], t->facts.now_s, offset, code);
			if (attempt(t, "right", code, NULL, &e) != (offset >= -1 &&
			    offset <= 1 ? FLOW_PERMIT : FLOW_DENY))
				fail_msg("device %zu, step %d", i, offset);
		}
		snprintf(tail, sizeof(tail), "-%zu", i);
		assert_string_equal(strrchr(e.device, '-'), tail);
		/* S35: each has its own used steps. */
		code_of_kind(&kinds[i], t->facts.now_s, 0, code);
		assert_int_equal(attempt(t, "right", code, NULL, NULL), FLOW_PERMIT);
		assert_int_equal(attempt(t, "right", code, NULL, NULL), FLOW_DENY);
	}
}

/* The same seed twice, as after two imports of one file. */
static void
test_flow_judge__S35_one_seed_in_two_devices(void **state)
{
	const struct snap_device twice[] = { kinds[0], kinds[0] };
	struct test *t = *state;
	char code[9];

	t->w.devices = twice;
	t->w.device_count = IAM_COUNT(twice);
	world_publish(&t->w);
	code_of_kind(&twice[0], t->facts.now_s, 0, code);
	assert_int_equal(attempt(t, "right", code, NULL, NULL), FLOW_PERMIT);
	assert_int_equal(attempt(t, "right", code, NULL, NULL), FLOW_DENY);
	assert_non_null(strstr(fake.additional, "\"reason\":\"CodeReused\""));
	t->facts.now_s += 30;
	code_of_kind(&twice[0], t->facts.now_s, 0, code);
	assert_int_equal(attempt(t, "right", code, NULL, NULL), FLOW_PERMIT);
}

static struct {
	unsigned calls;
	int32_t drift;
	char serial[128];
} drift_kept;

static int
test_record_drift(void *arg, const char *user_name, const char *serial,
    int32_t drift)
{
	(void)arg;
	assert_string_equal(user_name, "Sarah");
	drift_kept.calls++;
	drift_kept.drift = drift;
	keep(drift_kept.serial, sizeof(drift_kept.serial), serial);
	return 0;
}

/* So many logins, an hour apart, with a device that far ahead. */
static enum flow_verdict
log_in_with(struct test *t, int32_t offset, unsigned times)
{
	enum flow_verdict verdict = FLOW_DENY;
	char code[9];

	while (times-- > 0) {
		t->facts.now_s += 3600;
		code_of_kind(&kinds[0], t->facts.now_s, offset, code);
		verdict = attempt(t, "right", code, NULL, NULL);
	}
	return verdict;
}

/* What a reboot does. Its epoch is now, and the tests' clock is ahead of it. */
static void
forget_run(struct test *t)
{
	char moved[400];

	snprintf(moved, sizeof(moved), "%s.before", t->w.host.run);
	assert_int_equal(rename(t->w.host.run, moved), 0);
}

/* A flow that has judged and is parked, as the module keeps it for the account phase. */
static struct flow *
parked(struct test *t, struct runtime_evidence *e)
{
	const struct secret password = { (uint8_t *)"right", 5 };
	struct secret code = SECRET_INIT;
	struct flow_answers a = { &password, &code, false };
	enum flow_verdict verdict;
	struct flow *f;
	char digits[9];

	world_code(t->facts.now_s, digits);
	assert_int_equal(secret_set(&code, digits, strlen(digits)), 0);
	f = open_flow(t);
	assert_int_equal(flow_questions(f), FLOW_PASSWORD | FLOW_CODE);
	assert_int_equal(flow_judge(f, &a, &verdict, e), 0);
	assert_int_equal(verdict, FLOW_PERMIT);
	secret_release(&code);
	flow_park(f);
	t->facts.proved = true;
	t->facts.now_s += 30;
	return f;
}

static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Hashes are in it: no descriptor of it is there while the program converses. */
static bool
snapshot_is_open(const struct test *t)
{
	char path[300], target[300];
	const struct dirent *e;
	DIR *d = opendir("/proc/self/fd");
	bool open = false;
	ssize_t n;

	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		open |= strcmp(target, t->w.host.private_snapshot) == 0;
	}
	closedir(d);
	return open;
}

static void
test_flow_questions__leave_no_descriptor_of_the_snapshot(void **state)
{
	static const char *const users[] = { "sarah", "nora", "nobody-at-all", "bob" };
	struct test *t = *state;
	struct flow_decision d;
	struct flow *f;
	size_t i;

	for (i = 0; i < IAM_COUNT(users); i++) {
		t->facts.user = users[i];
		f = open_flow(t);
		assert_true(snapshot_is_open(t)); /* it can be seen */
		flow_questions(f);
		assert_false(snapshot_is_open(t));
		flow_close(f);
	}
	t->facts.user = "sarah";
	f = open_flow(t);
	assert_int_equal(flow_authorize(f, NULL, &d), 0);
	assert_false(snapshot_is_open(t));
	flow_close(f);
	assert_int_equal(flow_open(&t->w.host, &t->facts, FLOW_LOOK, &f), 0);
	assert_false(snapshot_is_open(t));
	flow_close(f);
}

static void
test_flow_resume__decides_as_a_new_flow_would(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e;
	struct flow_decision d;
	unsigned before = descriptors();
	struct flow *f = parked(t, &e);

	assert_int_equal(descriptors(), before); /* nothing is kept open */
	assert_true(flow_resume(f, &t->w.host, &t->facts));
	assert_int_equal(flow_authorize(f, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_true(fake.mfa);
	flow_close(f);
	/* And a new one needs nothing under /run/iam for that. */
	forget_run(t);
	f = open_flow(t);
	assert_int_equal(flow_authorize(f, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	/* But it judges nothing. */
	flow_questions(f);
	assert_int_equal(flow_judge(f, &(struct flow_answers){ 0 }, &d.verdict, &e),
	    IAM_ERR_BUG);
	assert_int_equal(d.verdict, FLOW_DENY);
	flow_close(f);
}

static void
another_user(struct test *t)
{
	t->facts.user = "nora";
}

static void
by_a_user(struct test *t)
{
	t->facts.caller_uid = SARAH;
}

static void
nothing_proved(struct test *t)
{
	t->facts.proved = false;
}

static void
published_again(struct test *t)
{
	world_publish(&t->w);
}

static void
snapshot_is_gone(struct test *t)
{
	assert_int_equal(unlink(t->w.host.private_snapshot), 0);
}

static void
host_is_edited(struct test *t)
{
	world_write(t->w.host.host_file, "{ }", 3, 0644);
}

static void
settings_are_made(struct test *t)
{
	world_write(t->w.host.settings_file, "{}", 2, 0644);
}

static void
wait_tick(void)
{
	struct timespec now, t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	do
		clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	while (t.tv_sec * 1000 + t.tv_nsec / 1000000 ==
	    now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* S41: each decision is made by the whole state of now. */
static void
test_flow_resume__S41_only_when_nothing_has_changed(void **state)
{
	static void (*const changes[])(struct test *) = { another_user, by_a_user,
		nothing_proved, published_again, snapshot_is_gone, host_is_edited,
		settings_are_made };
	struct runtime_evidence e;
	struct flow_facts facts;
	struct test *t = *state;
	struct flow *f;
	size_t i;

	for (i = 0; i < IAM_COUNT(changes); i++) {
		facts = t->facts;
		f = parked(t, &e);
		changes[i](t);
		/* The snapshot's name is looked at once in a tick of the clock. */
		wait_tick();
		assert_false(flow_resume(f, &t->w.host, &t->facts));
		flow_close(f);
		t->facts = facts;
		t->facts.now_s += 300;
		unlink(t->w.host.settings_file);
		world_publish(&t->w);
	}
}

static void
test_flow_judge__a_device_that_drifts_is_followed(void **state)
{
	struct test *t = *state;
	struct snap_device d = kinds[0];
	int32_t k;

	memset(&drift_kept, 0, sizeof(drift_kept));
	t->w.host.record_drift = test_record_drift;
	t->w.devices = &d;
	t->w.device_count = 1;
	world_publish(&t->w);
	for (k = 1; k <= RUNTIME_DRIFT_MAX; k++) {
		assert_int_equal(log_in_with(t, k, 2), FLOW_PERMIT);
		assert_int_equal(drift_kept.calls, k - 1);
		assert_int_equal(log_in_with(t, k, 1), FLOW_PERMIT);
		assert_int_equal(drift_kept.calls, k);
		assert_int_equal(drift_kept.drift, k);
	}
	assert_int_equal(log_in_with(t, k, 3), FLOW_PERMIT); /* one more is seen */
	assert_int_equal(log_in_with(t, k + 1, 1), FLOW_DENY); /* but not learnt */
	assert_int_equal(drift_kept.calls, RUNTIME_DRIFT_MAX);
	/* The host's clock was it, and is put right. */
	assert_int_equal(log_in_with(t, 0, 1), FLOW_PERMIT);
	/* After a reboot, by the snapshot. */
	forget_run(t);
	d.learnt_steps = 3;
	world_publish(&t->w);
	assert_int_equal(log_in_with(t, 4, 1), FLOW_PERMIT);
	assert_int_equal(log_in_with(t, -1, 1), FLOW_PERMIT);
	assert_int_equal(log_in_with(t, -2, 1), FLOW_DENY);
}

/* S39: a clock put back makes no old code good again, learnt drift or not. */
static void
test_flow_judge__S39_clock_steps_back_and_forth(void **state)
{
	static const int jumps[] = { -30, -60, -3600, 86400, -86400, 30, 0 };
	struct test *t = *state;
	char code[9], other[9];
	int64_t now;
	size_t i;

	log_in_with(t, 1, 3);
	now = t->facts.now_s;
	world_code(now + 30, code); /* the last one used: the device is a step ahead */
	for (i = 0; i < IAM_COUNT(jumps); i++) {
		t->facts.now_s = now + jumps[i];
		assert_int_equal(attempt(t, "right", code, NULL, NULL), FLOW_DENY);
		if (jumps[i] <= 0) {
			world_code(t->facts.now_s, other);
			assert_int_equal(attempt(t, "right", other, NULL, NULL),
			    FLOW_DENY);
		}
	}
}

/* ---- recovery codes ---- */

#define RECOVERY "k3fq-7w2m-abcd-efgh"

static struct {
	unsigned calls;
	bool there;
	int error;
	char code[64], user[64];
} store;

static int
test_use_recovery(void *arg, const char *user_name, const struct secret *code,
    bool *ret_ok, unsigned *ret_left)
{
	(void)arg;
	store.calls++;
	keep(store.user, sizeof(store.user), user_name);
	keep(store.code, sizeof(store.code), secret_str(code));
	*ret_ok = store.error == 0 && store.there;
	*ret_left = 7;
	store.there = false;
	return store.error;
}

static void
recovery_world(struct test *t)
{
	memset(&store, 0, sizeof(store));
	store.there = true;
	t->w.recovery = RECOVERY;
	t->w.host.use_recovery = test_use_recovery;
	world_publish(&t->w);
}

static void
test_flow_judge__recovery_code_is_mfa_once(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e;

	recovery_world(t);
	assert_int_equal(attempt(t, "right", RECOVERY, NULL, &e), FLOW_PERMIT);
	assert_int_equal(store.calls, 1);
	assert_string_equal(store.user, "Sarah");
	assert_string_equal(store.code, RECOVERY);
	assert_int_equal(e.mfa_s, t->facts.now_s);
	assert_true((e.methods & RUNTIME_MFA) != 0);
	assert_string_equal(e.device, "recovery-code");
	/* S35: the snapshot still has it; the store, which has not, decides. */
	assert_int_equal(attempt(t, "right", RECOVERY, NULL, NULL), FLOW_DENY);
	assert_true(reason_is("CodeReused"));
	assert_int_equal(store.calls, 2);
}

static void
test_flow_judge__recovery_code_is_not_wasted(void **state)
{
	struct test *t = *state;

	recovery_world(t);
	assert_int_equal(attempt(t, "wrong", RECOVERY, NULL, NULL), FLOW_DENY);
	assert_true(reason_is("WrongPassword"));
	assert_int_equal(attempt(t, "right", "aaaa-bbbb-cccc-dddd", NULL, NULL),
	    FLOW_DENY);
	assert_true(reason_is("WrongCode"));
	/* Somebody else's: dora is disabled, sarah's hash is not hers. */
	t->facts.user = "dora";
	assert_int_equal(attempt(t, "right", RECOVERY, NULL, NULL), FLOW_DENY);
	assert_int_equal(store.calls, 0);
}

/* S38: a store that cannot be written uses nothing up, and nothing opens. */
static void
test_flow_judge__S38_recovery_code_without_a_store_is_refused(void **state)
{
	struct test *t = *state;
	int r;

	recovery_world(t);
	store.error = IAM_ERR_IO;
	assert_int_equal(attempt(t, "right", RECOVERY, &r, NULL), FLOW_DENY);
	assert_int_equal(r, IAM_ERR_IO);
	/* And a front that may not change the store never takes one. */
	t->w.host.use_recovery = NULL;
	assert_int_equal(attempt(t, "right", RECOVERY, NULL, NULL), FLOW_DENY);
	assert_true(reason_is("RecoveryCodeNotHere"));
}

/* ---- one line ---- */

static enum flow_verdict
one_line(struct test *t, const char *user, const char *front, const char *code,
    struct runtime_evidence *e, size_t *ret_len)
{
	struct secret line = SECRET_INIT;
	struct flow_answers a = { .password = &line };
	enum flow_verdict verdict;
	struct buf b = BUF_INIT;
	struct flow *f;

	t->facts.user = user;
	f = open_flow(t);
	assert_true((flow_questions(f) & (FLOW_PASSWORD | FLOW_JOINED)) ==
	    (FLOW_PASSWORD | FLOW_JOINED));
	buf_printf(&b, "%s%s", front, code);
	secret_set(&line, b.p, b.len);
	crypts = 0;
	assert_int_equal(flow_judge(f, &a, &verdict, e), 0);
	/* S8: one crypt, however it was split. */
	assert_int_equal(crypts, 1);
	if (ret_len != NULL)
		*ret_len = flow_password_len(f, &line);
	flow_close(f);
	secret_release(&line);
	buf_release(&b);
	return verdict;
}

static void
test_flow_one_line__password_and_code_in_one_answer(void **state)
{
	const struct secret seed = { (uint8_t *)WORLD_SEED, 20 };
	struct test *t = *state;
	struct runtime_evidence e;
	char code[9];
	size_t len, i;

	t->w.one_line = "i3lock";
	t->facts.service = "i3lock";
	recovery_world(t);
	for (i = 0; i < 2; i++) {
		const struct totp_params params = { TOTP_SHA1, i == 0 ? 6 : 8, 30, 0 };

		t->w.digits = params.digits;
		world_publish(&t->w);
		t->facts.now_s += 300;
		assert_int_equal(totp_code(&seed, &params,
		    (uint64_t)t->facts.now_s / 30, code), 0);
		assert_int_equal(one_line(t, "sarah", "right", code, &e, &len),
		    FLOW_PERMIT);
		assert_int_equal(len, 5);
		assert_int_equal(e.methods, RUNTIME_PASSWORD | RUNTIME_MFA);
		/* S35 */
		assert_int_equal(one_line(t, "sarah", "right", code, &e, NULL),
		    FLOW_DENY);
		assert_true(reason_is("CodeReused"));
		/* A password of eight digits, before six or eight more. */
		assert_int_equal(one_line(t, "digit", "12345678", code, &e, &len),
		    FLOW_PERMIT);
		assert_int_equal(len, 8);
		assert_int_equal(one_line(t, "digit", "12345678", "", &e, NULL),
		    FLOW_DENY);
		assert_true(reason_is("WrongCode"));
		assert_int_equal(one_line(t, "digit", "", code, &e, NULL), FLOW_DENY);
		assert_int_equal(one_line(t, "sarah", "wrong", code, &e, NULL),
		    FLOW_DENY);
		assert_int_equal(one_line(t, "sarah", "right", "000000", &e, NULL),
		    FLOW_DENY);
		assert_true(reason_is("WrongPasswordOrCode"));
		assert_int_equal(one_line(t, "ghost", "right", code, &e, NULL),
		    FLOW_DENY);
	}
	/* Recovery codes, with dashes and without. */
	assert_int_equal(one_line(t, "sarah", "right", RECOVERY, &e, &len),
	    FLOW_PERMIT);
	assert_int_equal(len, 5);
	assert_string_equal(store.code, RECOVERY);
	store.there = true;
	assert_int_equal(one_line(t, "sarah", "right", "k3fq7w2mabcdefgh", &e, &len),
	    FLOW_PERMIT);
	assert_int_equal(len, 5);
}

static void
test_flow_one_line__where_no_code_is_needed(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e;
	char code[9];
	size_t len;

	t->w.one_line = "i3lock";
	t->w.mfa_when_enrolled = 0;
	t->facts.service = "i3lock";
	fake.allow_without_mfa = true;
	world_publish(&t->w);
	assert_int_equal(questions_for(t, "sarah"), FLOW_PASSWORD | FLOW_JOINED);
	assert_int_equal(one_line(t, "sarah", "right", "", &e, &len), FLOW_PERMIT);
	assert_int_equal(len, 5);
	assert_int_equal(e.methods, RUNTIME_PASSWORD);
	/* One who types it all the same, from habit. */
	world_code(t->facts.now_s, code);
	assert_int_equal(one_line(t, "sarah", "right", code, &e, &len), FLOW_PERMIT);
	assert_int_equal(len, 5);
	assert_int_equal(e.methods, RUNTIME_PASSWORD | RUNTIME_MFA);
	/* S8: nobody gets the same prompt as a user with a device. */
	fake.allow_without_mfa = false;
	assert_int_equal(questions_for(t, "sarah"),
	    FLOW_PASSWORD | FLOW_CODE | FLOW_JOINED);
	assert_int_equal(questions_for(t, "ghost"),
	    FLOW_PASSWORD | FLOW_CODE | FLOW_JOINED);
	/* Other services have two prompts, and a key leaves one question anyway. */
	t->facts.service = "sshd";
	assert_int_equal(questions_for(t, "sarah"), FLOW_PASSWORD | FLOW_CODE);
	t->facts.service = "i3lock";
	t->facts.publickey = true;
	assert_int_equal(questions_for(t, "sarah"), FLOW_CODE);
}

/* ---- enrolment ---- */

static void
enrolment_world(struct test *t, enum snap_enrolment mode)
{
	t->w.self_enrolment = mode;
	t->w.enrolment_days = 14;
	t->w.enrol_from_s = t->facts.now_s - 13 * 86400;
	world_publish(&t->w);
	t->facts.can_enrol = true;
	t->facts.user = "nora"; /* has no device */
}

static void
test_flow_judge__S3_enrolment_opens_nothing_by_itself(void **state)
{
	const struct secret password = { (uint8_t *)"right", 5 }, none = SECRET_INIT;
	const struct flow_answers a = { &password, &none, false };
	struct test *t = *state;
	enum flow_verdict verdict;
	struct runtime_evidence e;
	struct flow *f;
	bool found;

	enrolment_world(t, SNAP_ENROLMENT_POLICY);
	f = open_flow(t);
	assert_int_equal(flow_questions(f),
	    FLOW_PASSWORD | FLOW_CODE | FLOW_MAY_BE_EMPTY);
	/* Not before the answers were right. */
	assert_int_equal(flow_enrolled(f, "serial", &verdict, &e), IAM_ERR_BUG);
	assert_int_equal(verdict, FLOW_DENY);
	assert_int_equal(flow_judge(f, &a, &verdict, &e), 0);
	assert_int_equal(verdict, FLOW_ENROL);
	assert_int_equal(runtime_evidence_peek(f->rt, getpid(), t->facts.now_s,
	    &found, &e), 0);
	assert_false(found);
	assert_int_equal(flow_enrolled(f, "serial", &verdict, &e), 0);
	assert_int_equal(verdict, FLOW_PERMIT);
	assert_int_equal(e.methods, RUNTIME_PASSWORD | RUNTIME_MFA);
	assert_int_equal(e.mfa_s, t->facts.now_s);
	assert_string_equal(e.device, "serial");
	/* And once. */
	assert_int_equal(flow_enrolled(f, "serial", &verdict, &e), IAM_ERR_BUG);
	assert_int_equal(verdict, FLOW_DENY);
	flow_close(f);
}

static void
test_flow_judge__S3_who_is_to_enrol(void **state)
{
	static const struct {
		const char *name;
		const char *user, *service;
		enum snap_enrolment mode;
		bool without, with, publickey, mfa_only, can, late;
		enum flow_verdict verdict;
	} rows[] = {
		{ "needs it", "nora", "sshd", SNAP_ENROLMENT_POLICY, false, true, false,
		    false, true, false, FLOW_ENROL },
		{ "for sudo", "nora", "sudo", SNAP_ENROLMENT_POLICY, false, true, false,
		    false, true, false, FLOW_ENROL },
		{ "after a key", "nora", "sshd", SNAP_ENROLMENT_POLICY, false, true,
		    true, false, true, false, FLOW_ENROL },
		{ "off", "nora", "sshd", SNAP_ENROLMENT_OFF, false, true, false, false,
		    true, false, FLOW_PERMIT },
		{ "allowed without", "nora", "sshd", SNAP_ENROLMENT_POLICY, true, true,
		    false, false, true, false, FLOW_PERMIT },
		{ "denied with it, too", "nora", "sshd", SNAP_ENROLMENT_POLICY, false,
		    false, false, false, true, false, FLOW_PERMIT },
		{ "too late: the account phase denies", "nora", "sshd",
		    SNAP_ENROLMENT_POLICY, false, true, false, false, true, true,
		    FLOW_PERMIT },
		{ "too late, after a key", "nora", "sshd", SNAP_ENROLMENT_POLICY, false,
		    true, true, false, true, true, FLOW_DENY },
		{ "a front that cannot", "nora", "sshd", SNAP_ENROLMENT_POLICY, false,
		    true, false, false, false, false, FLOW_PERMIT },
		{ "a service that is no login", "nora", "locker", SNAP_ENROLMENT_POLICY,
		    false, true, false, false, true, false, FLOW_PERMIT },
		{ "only the code is asked: nothing is proved", "nora", "sshd",
		    SNAP_ENROLMENT_POLICY, false, true, false, true, true, false,
		    FLOW_DENY },
		{ "disabled", "dora", "sshd", SNAP_ENROLMENT_ALWAYS, true, true, false,
		    false, true, false, FLOW_DENY },
		{ "has a device", "sarah", "sshd", SNAP_ENROLMENT_ALWAYS, true, true,
		    false, false, true, false, FLOW_DENY },
		{ "always, allowed without", "nora", "sshd", SNAP_ENROLMENT_ALWAYS, true,
		    true, false, false, true, false, FLOW_ENROL },
		{ "always, too late", "nora", "sshd", SNAP_ENROLMENT_ALWAYS, true, true,
		    false, false, true, true, FLOW_DENY },
	};
	struct test *t = *state;
	int64_t now = t->facts.now_s;
	size_t i;

	for (i = 0; i < IAM_COUNT(rows); i++) {
		enrolment_world(t, rows[i].mode);
		t->facts.user = rows[i].user;
		t->facts.service = rows[i].service;
		t->facts.publickey = rows[i].publickey;
		t->facts.mfa_only = rows[i].mfa_only;
		t->facts.can_enrol = rows[i].can;
		t->facts.now_s = now + (rows[i].late ? 2 * 86400 : 0);
		fake.allow_without_mfa = rows[i].without;
		fake.allow_with_mfa = rows[i].with;
		if (attempt(t, "right", "000000", NULL, NULL) != rows[i].verdict)
			fail_msg("%s", rows[i].name);
		/* A wrong password is one in any case. */
		if (!rows[i].publickey && !rows[i].mfa_only &&
		    attempt(t, "wrong", "000000", NULL, NULL) != FLOW_DENY)
			fail_msg("%s", rows[i].name);
		t->facts.now_s = now;
	}
}

static void
test_flow_questions__S8_may_be_empty_for_all_or_none(void **state)
{
	static const char *const users[] = { "sarah", "nora", "dora", "kim", "ghost" };
	struct test *t = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(users); i++) {
		enrolment_world(t, SNAP_ENROLMENT_POLICY);
		assert_int_equal(questions_for(t, users[i]),
		    FLOW_PASSWORD | FLOW_CODE | FLOW_MAY_BE_EMPTY);
		enrolment_world(t, SNAP_ENROLMENT_OFF);
		assert_int_equal(questions_for(t, users[i]),
		    FLOW_PASSWORD | FLOW_CODE);
	}
}

/* ---- authorization ---- */

static void
test_flow_authorize__S10_only_one_value_opens(void **state)
{
	static const int values[] = { 0, 1, 0x5ac3a53d, -1, 0x27d81e27 };
	struct test *t = *state;
	struct flow_decision d;
	size_t i;

	t->facts.user = "nora";
	for (i = 0; i < IAM_COUNT(values); i++) {
		fake.effect_denied = (enum pol_effect)values[i];
		assert_int_equal(authorize(t, NULL, &d), 0);
		assert_int_equal(d.verdict, FLOW_DENY);
	}
	fake.decide_error = IAM_ERR_FORMAT;
	fake.allow_without_mfa = true;
	assert_int_equal(authorize(t, NULL, &d), IAM_ERR_FORMAT);
	assert_int_equal(d.verdict, FLOW_DENY);
	fake.decide_error = 0;
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
}

static void
test_flow_authorize__a_key_alone_knows_of_no_mfa(void **state)
{
	struct test *t = *state;
	struct flow_decision d;

	t->facts.publickey = true;
	fake.allow_without_mfa = true;
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_false(fake.mfa_known);
	assert_string_equal(fake.method, "publickey");
	assert_string_equal(fake.action, "host:Login");
}

static void
test_flow_authorize__evidence_of_the_auth_phase(void **state)
{
	struct test *t = *state;
	struct flow_decision d;

	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_true(fake.mfa);
	assert_string_equal(fake.name, "Login");
	assert_non_null(strstr(fake.additional, "\"MFAUsed\":\"Yes\""));
	assert_string_equal(fake.response, "{\"Login\":\"Success\"}");
	/* Of another service, or another user, it is none. */
	t->facts.service = "login";
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	t->facts.service = "sshd";
	t->facts.user = "nora";
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
}

static void
test_flow_authorize__lost_event_denies(void **state)
{
	struct test *t = *state;
	struct flow_decision d;

	fake.allow_without_mfa = true;
	fake.trail_error = IAM_ERR_IO;
	assert_int_equal(authorize(t, NULL, &d), IAM_ERR_IO);
	assert_int_equal(d.verdict, FLOW_DENY);
	assert_string_equal(d.event_id, "");
	/* S0: but never root. */
	t->facts.user = "root";
	assert_int_equal(authorize(t, NULL, &d), 0);
}

static void
test_flow_authorize__denial_is_explained(void **state)
{
	struct test *t = *state;
	struct flow_decision d;

	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	assert_string_equal(fake.error_code, "AccessDenied");
	assert_non_null(strstr(fake.additional,
	    "\"Explanation\":\"because of a test\""));
	assert_non_null(strstr(fake.additional, "\"Decision\":\"implicitDeny\""));
	assert_int_equal(strlen(d.event_id), 36);
}

static void
test_flow_authorize__disabled_is_denied_with_a_key(void **state)
{
	struct test *t = *state;
	struct flow_decision d;

	t->facts.user = "dora";
	t->facts.publickey = true;
	fake.allow_without_mfa = true;
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	assert_true(reason_is("UserDisabled"));
}

static void
test_flow_authorize__password_reset(void **state)
{
	struct test *t = *state;
	struct flow_decision d;
	struct runtime_evidence e;

	t->facts.user = "rita";
	fake.allow_without_mfa = true;
	assert_int_equal(attempt(t, "right", NULL, NULL, &e), FLOW_PERMIT);
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_true(d.change_password);
	/* Not after a key. */
	e.methods = RUNTIME_PUBLICKEY;
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_false(d.change_password);
}

/* The fixture's passwords were set in 1970. */
static void
test_flow_authorize__tells_of_a_password_that_expires_soon(void **state)
{
	static const struct {
		int64_t now_s;
		uint32_t warn_days, methods;
		const char *service;
		int days;
	} rows[] = {
		{ 20 * 86400 - 1, 10, RUNTIME_PASSWORD, "sshd", -1 },
		{ 20 * 86400, 10, RUNTIME_PASSWORD, "sshd", 10 },
		{ 20 * 86400 + 1, 10, RUNTIME_PASSWORD, "sshd", 9 },
		{ 30 * 86400 - 1, 10, RUNTIME_PASSWORD, "sshd", 0 },
		{ 30 * 86400 - 1, 10, RUNTIME_PASSWORD, "login", 0 },
		{ 30 * 86400, 10, RUNTIME_PASSWORD, "sshd", -1 }, /* expired */
		{ 29 * 86400, 10, RUNTIME_PUBLICKEY, "sshd", -1 },
		{ 29 * 86400, 10, RUNTIME_PASSWORD, "sudo", -1 },
		{ 29 * 86400, 0, RUNTIME_PASSWORD, "sshd", -1 },
	};
	struct runtime_evidence e = { .uid = 2100000002u };
	struct test *t = *state;
	struct flow_decision d;
	size_t i;

	t->facts.user = "nora";
	fake.allow_without_mfa = true;
	t->w.password_max_age_days = 30;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		t->w.password_warn_days = rows[i].warn_days;
		world_publish(&t->w);
		t->facts.now_s = rows[i].now_s;
		t->facts.service = rows[i].service;
		e.methods = rows[i].methods;
		assert_int_equal(authorize(t, &e, &d), 0);
		assert_int_equal(d.verdict, FLOW_PERMIT);
		assert_int_equal(d.password_days, rows[i].days);
	}
	fake.allow_without_mfa = false;
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.password_days, -1);
}

/* The fixture's passwords were set in 1970: any age is enough. */
static void
test_flow_authorize__expired_password(void **state)
{
	struct test *t = *state;
	struct flow_decision d;
	struct runtime_evidence e;

	t->facts.user = "nora";
	fake.allow_without_mfa = true;
	t->w.password_max_age_days = 1095;
	world_publish(&t->w);
	assert_int_equal(attempt(t, "right", NULL, NULL, &e), FLOW_PERMIT);
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_true(d.change_password);
	assert_false(d.expired);
	/* HardExpiry: only an administrator mends it. */
	t->w.password_hard_expiry = 1;
	world_publish(&t->w);
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	assert_true(d.expired);
	assert_true(reason_is("PasswordExpired"));
	/* It is a matter of the password: a key is as good as before. */
	e.methods = RUNTIME_PUBLICKEY;
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_false(d.change_password);
	/* A second before it expires. */
	e.methods = RUNTIME_PASSWORD;
	t->facts.now_s = (int64_t)1095 * 86400 - 1;
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_false(d.change_password);
	t->facts.now_s++;
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
}

static void
test_flow_authorize__su(void **state)
{
	static const struct {
		const char *name;
		uid_t caller;
		bool permitted;
		int error;
		const char *principal, *who;
	} rows[] = {
		{ "root, allowed with an event", 0, true, 0, "", "Root" },
		{ "herself", 2100000002u, false, 0, "nora", "IAMUser" },
		{ "a governed caller: her policies", SARAH, false, 0, "sarah", "IAMUser" },
		{ "an adopted caller: her policies", LOCAL_UID, false, 0, "adele", "IAMUser" },
		{ "a local caller: the target's", 1001, false, 0, "nora", "IAMUser" },
		{ "an id of ours that the snapshot lacks", 2100000999u, false,
		    IAM_ERR_ABSENT, "", "IAMUser" },
		{ "an id that nobody knows", 7777, false, IAM_ERR_ABSENT, "", "IAMUser" },
		{ "no name service", 4444, false, IAM_ERR_IO, "", "IAMUser" },
	};
	struct test *t = *state;
	struct flow_decision d;
	size_t i;

	t->facts.user = "nora";
	t->facts.service = "su-l";
	t->facts.rhost = NULL;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		fake.principal[0] = fake.resource[0] = '\0';
		t->facts.caller_uid = rows[i].caller;
		if (authorize(t, NULL, &d) != rows[i].error ||
		    (d.verdict == FLOW_PERMIT) != rows[i].permitted ||
		    strcmp(fake.principal, rows[i].principal) != 0 ||
		    strcmp(fake.who, rows[i].who) != 0)
			fail_msg("%s: %s", rows[i].name, fake.principal);
		assert_string_equal(fake.name, "SwitchUser");
		if (fake.principal[0] != '\0')
			assert_string_equal(fake.resource,
			    "arn:aws:iam::123456789012:user/nora");
	}
}

/* Whoever runs the helper names the service: no login may come of it. */
static void
test_flow_authorize__by_proxy_is_no_login(void **state)
{
	static const char *const services[] = { "sshd", "sudo", "su", "cron",
		"i3lock" };
	struct test *t = *state;
	struct flow_decision d;
	size_t i;

	t->facts.by_proxy = true;
	for (i = 0; i < IAM_COUNT(services); i++) {
		t->facts.service = services[i];
		assert_int_equal(authorize(t, NULL, &d), 0);
		assert_string_equal(fake.action, "host:Authenticate");
		assert_string_equal(fake.name, "Authenticate");
		assert_string_equal(fake.principal, "sarah");
	}
}

/* What anybody can run does not fill the trail; and no event, no permit. */
static void
test_flow_authorize__by_proxy_has_so_many_events(void **state)
{
	struct test *t = *state;
	struct flow_decision d;
	unsigned i;

	t->facts.by_proxy = true;
	t->facts.service = "i3lock";
	fake.allow_with_mfa = fake.allow_without_mfa = true;
	fake.events = 0;
	for (i = 0; i < RUNTIME_EVENTS_A_MINUTE; i++) {
		assert_int_equal(authorize(t, NULL, &d), 0);
		assert_int_equal(d.verdict, FLOW_PERMIT);
	}
	assert_int_not_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_DENY);
	assert_int_equal(fake.events, RUNTIME_EVENTS_A_MINUTE);
	t->facts.by_proxy = false;
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
}

static void
test_flow_authorize__su_counts_no_mfa_of_the_target(void **state)
{
	struct test *t = *state;
	struct runtime_evidence e;
	struct flow_decision d;

	/* adele knows sarah's password and holds her device: that makes no MFA
	 * of adele's, whose policies decide. */
	t->facts.service = "su";
	t->facts.caller_uid = LOCAL_UID;
	assert_int_equal(attempt(t, "right", NULL, NULL, &e), FLOW_PERMIT);
	assert_int_equal(authorize(t, &e, &d), 0);
	assert_string_equal(fake.principal, "adele");
	assert_false(fake.mfa);
	assert_int_equal(d.verdict, FLOW_DENY);
}

static void
test_flow_authorize__root_is_seen_but_jobs_are_not(void **state)
{
	struct test *t = *state;
	struct flow_decision d;

	t->facts.user = "root";
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(fake.events, 1);
	assert_string_equal(fake.who, "Root");
	t->facts.service = "cron";
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(fake.events, 1);
}

/* ---- sessions ---- */

static void
open_session(struct test *t)
{
	struct flow *f = NULL;

	assert_int_equal(flow_open(&t->w.host, &t->facts, FLOW_LOOK, &f), 0);
	assert_int_equal(flow_session_open(f, NULL), 0);
	flow_close(f);
}

/* Services that open no session leave evidence, and nobody takes it. */
static void
test_flow_judge__evidence_of_the_dead_does_not_pile_up(void **state)
{
	const int many = 4000;
	struct test *t = *state;
	char path[600];
	struct stat st;
	int i;

	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	for (i = 0; i < many; i++) {
		snprintf(path, sizeof(path), "%s/evidence.999999999.%d", t->w.host.run, i);
		world_write(path, "", 0, 0600);
	}
	t->facts.now_s += 60;
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	for (i = 0; i < many; i++) {
		snprintf(path, sizeof(path), "%s/evidence.999999999.%d", t->w.host.run, i);
		assert_int_equal(stat(path, &st), -1);
	}
}

static void
test_flow_session__mfa_of_the_session_counts_for_sudo(void **state)
{
	struct test *t = *state;
	struct flow_decision d;
	struct flow *f;
	int64_t then;

	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	open_session(t);
	assert_string_equal(fake.name, "OpenSession");
	then = t->facts.now_s;
	t->facts.service = "sudo";
	t->facts.rhost = NULL;
	t->facts.caller_uid = SARAH;
	t->facts.now_s += 600;
	fake.allow_without_mfa = true;
	assert_int_equal(questions_for(t, "sarah"), FLOW_PASSWORD);
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
	assert_true(fake.mfa);
	assert_int_equal(fake.mfa_s, then);
	/* Policies that want it fresher ask again. */
	fake.allow_with_mfa = false;
	assert_int_equal(questions_for(t, "sarah"), FLOW_PASSWORD | FLOW_CODE);
	fake.allow_with_mfa = true;
	/* Not for ever. */
	t->facts.now_s += 300;
	assert_int_equal(questions_for(t, "sarah"), FLOW_PASSWORD | FLOW_CODE);
	assert_int_equal(authorize(t, NULL, &d), 0);
	assert_false(fake.mfa);
	/* A code for sudo makes it fresh again, for all of the session. */
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	assert_int_equal(questions_for(t, "sarah"), FLOW_PASSWORD);
	/* And over. */
	assert_int_equal(flow_open(&t->w.host, &t->facts, FLOW_LOOK, &f), 0);
	assert_int_equal(flow_session_close(f), 0);
	flow_close(f);
	assert_string_equal(fake.name, "CloseSession");
	assert_int_equal(questions_for(t, "sarah"), FLOW_PASSWORD | FLOW_CODE);
}

static void
test_flow_session__a_daemon_she_restarted_is_not_her(void **state)
{
	struct test *t = *state;

	/* sshd, started with sudo from her session, asks for her code: the one at
	 * its other end has proved nothing. */
	assert_int_equal(attempt(t, "right", NULL, NULL, NULL), FLOW_PERMIT);
	open_session(t);
	t->facts.caller_uid = 0;
	fake.allow_without_mfa = true;
	assert_int_equal(questions_for(t, "sarah"), FLOW_PASSWORD | FLOW_CODE);
	/* Nor does her session count for somebody else. */
	t->facts.service = "sudo";
	t->facts.caller_uid = 2100000003u;
	assert_int_equal(questions_for(t, "dora"), FLOW_PASSWORD | FLOW_CODE);
}

static const struct lastlogin *
last_login(struct test *t, struct lastlogin *room)
{
	struct flow *f = NULL;
	const struct lastlogin *last;

	assert_int_equal(flow_open(&t->w.host, &t->facts, FLOW_LOOK, &f), 0);
	assert_int_equal(flow_session_open(f, NULL), 0);
	if ((last = flow_last_login(f)) != NULL)
		*room = *last;
	flow_close(f);
	return last != NULL ? room : NULL;
}

/* For administrators: when was this key used, and from where. */
static void
test_flow_session__a_key_that_sshd_names_was_used(void **state)
{
	static const char line[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICD2H604SHHYIs"
	    "fx4aej/GsZt5UHePlYwgSLh6dEnXC7";
	struct test *t = *state;
	struct lastlogin l;
	bool found;
	int64_t first = t->facts.now_s;

	t->w.key_of = "sarah";
	t->w.key = "SHA256:5csefM/GDuMZs/gJ47RNTdEJDV/w+kEoGPL3ehkHv0E";
	world_publish(&t->w);
	t->facts.publickey = true;
	t->facts.key = line;
	last_login(t, &l);
	assert_int_equal(lastlogin_read(t->w.host.logins, SARAH, &found, &l), 0);
	assert_true(found);
	assert_string_equal(l.keys[0].id, WORLD_KEY_ID);
	assert_string_equal(l.keys[0].service, "sshd");
	assert_string_equal(l.keys[0].rhost, "192.0.2.7");
	assert_int_equal(l.keys[0].at_s, first);
	assert_int_equal(l.password_s, 0);
	/* A login without it changes nothing of that, nor does a failure. */
	t->facts.publickey = false;
	t->facts.key = NULL;
	t->facts.now_s += 60;
	attempt(t, "wrong", NULL, NULL, NULL);
	last_login(t, &l);
	assert_int_equal(lastlogin_read(t->w.host.logins, SARAH, &found, &l), 0);
	assert_int_equal(l.at_s, first + 60);
	assert_int_equal(l.keys[0].at_s, first);
	/* Again: the same place, a newer time. */
	t->facts.publickey = true;
	t->facts.key = line;
	t->facts.now_s += 60;
	t->facts.rhost = "2001:db8::1";
	last_login(t, &l);
	assert_int_equal(lastlogin_read(t->w.host.logins, SARAH, &found, &l), 0);
	assert_int_equal(l.keys[0].at_s, first + 120);
	assert_string_equal(l.keys[0].rhost, "2001:db8::1");
	assert_string_equal(l.keys[1].id, "");
	assert_int_equal(lastlogin_read(t->w.host.logins, 1, &found, &l), 0);
	assert_false(found);
}

static void
test_flow_session__last_login(void **state)
{
	struct test *t = *state;
	struct lastlogin l;
	int64_t first = t->facts.now_s;
	char garbage[512];

	assert_null(last_login(t, &l));
	t->facts.rhost = "192.0.2.9";
	t->facts.now_s += 100;
	assert_non_null(last_login(t, &l));
	assert_int_equal(l.at_s, first);
	assert_string_equal(l.rhost, "192.0.2.7");
	assert_int_equal(l.failures, 0);
	/* Failures since, but no sudo, no screen locker and nobody else's. */
	t->facts.now_s += 100;
	attempt(t, "wrong", NULL, NULL, NULL);
	attempt(t, "right", "000000", NULL, NULL);
	t->facts.service = "sudo";
	attempt(t, "wrong", NULL, NULL, NULL);
	t->facts.service = "sshd";
	t->facts.by_proxy = true;
	attempt(t, "wrong", NULL, NULL, NULL);
	t->facts.by_proxy = false;
	t->facts.user = "nora";
	attempt(t, "wrong", NULL, NULL, NULL);
	t->facts.user = "sarah";
	/* After a reboot. */
	forget_run(t);
	t->facts.now_s += 100;
	assert_non_null(last_login(t, &l));
	assert_int_equal(l.at_s, first + 100);
	assert_string_equal(l.rhost, "192.0.2.9");
	assert_int_equal(l.failures, 2);
	assert_int_equal(l.failed_s, first + 200);
	assert_non_null(last_login(t, &l));
	assert_int_equal(l.failures, 0);
	/* Damaged, or another's: nothing is told, and she is in. */
	memset(garbage, 'x', sizeof(garbage));
	snprintf(garbage, sizeof(garbage), "%s/%u", t->w.host.logins, SARAH);
	world_write(garbage, garbage, sizeof(garbage), 0600);
	assert_null(last_login(t, &l));
	assert_non_null(last_login(t, &l));
	/* S37: neither a link nor a fifo nor an open directory is touched. */
	assert_int_equal(unlink(garbage), 0);
	assert_int_equal(mkfifo(garbage, 0600), 0);
	assert_null(last_login(t, &l));
	assert_int_equal(unlink(garbage), 0);
	assert_int_equal(symlink("/etc/passwd", garbage), 0);
	assert_null(last_login(t, &l));
	assert_int_equal(unlink(garbage), 0);
	assert_int_equal(chmod(t->w.host.logins, 0777), 0);
	assert_null(last_login(t, &l));
	assert_null(last_login(t, &l));
}

static void
test_flow_session__S11_open_and_close_by_themselves(void **state)
{
	struct test *t = *state;
	struct flow *f = NULL;

	open_session(t); /* without an auth phase: cron */
	assert_int_equal(flow_open(&t->w.host, &t->facts, FLOW_LOOK, &f), 0);
	assert_int_equal(flow_session_close(f), 0);
	assert_int_equal(flow_session_close(f), 0);
	flow_close(f);
}

/* ---- the n-th allocation failing ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static long fail_at; /* 0: never */

void *
__wrap_malloc(size_t size)
{
	return fail_at > 0 && --fail_at == 0 ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fail_at > 0 && --fail_at == 0 ? NULL : __real_calloc(n, size);
}

static void
test_flow__S1_nth_allocation_fails(void **state)
{
	const struct secret password = { (uint8_t *)"right", 5 };
	struct test *t = *state;
	struct secret code;
	struct flow_answers a = { &password, &code, false };
	enum flow_verdict verdict;
	struct flow_decision d;
	struct flow *f;
	char digits[9];
	long n;
	int r = -1;

	for (n = 1; n < 200; n++) {
		t->facts.now_s += 30;
		world_code(t->facts.now_s, digits);
		code.p = (uint8_t *)digits;
		code.len = 6;
		verdict = FLOW_DENY;
		d.verdict = FLOW_DENY;
		f = NULL;
		fail_at = n;
		r = flow_open(&t->w.host, &t->facts, FLOW_DECIDE, &f);
		if (r == 0) {
			assert_true(flow_who(f) == FLOW_OURS ||
			    flow_who(f) == FLOW_BROKEN);
			flow_questions(f);
			r = flow_judge(f, &a, &verdict, NULL);
			if (r == 0 && verdict == FLOW_PERMIT)
				r = flow_authorize(f, NULL, &d);
			if (r != 0)
				assert_int_equal(d.verdict, FLOW_DENY);
		}
		flow_close(f);
		if (fail_at > 0)
			break;
		/* Memory that was missing never looks like a wrong password,
		 * unless it was a double of this test that lost its event. */
	}
	fail_at = 0;
	assert_true(n > 5 && n < 200);
	assert_int_equal(r, 0);
	assert_int_equal(d.verdict, FLOW_PERMIT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_flow_open__S2_who_in_a_valid_snapshot),
		T(test_flow_open__S0_S2_without_a_snapshot),
		T(test_flow_open__S0_not_initialised_governs_nobody),
		T(test_flow_open__S2_every_byte_of_the_snapshot_flipped),
		T(test_flow_open__S2_adopted_and_not_in_the_snapshot),
		T(test_flow_open__stale_configuration_is_published_anew),
		T(test_flow_open__stale_configuration_that_stays_denies),
		T(test_flow_questions__table),
		T(test_flow_questions__damaged_policy_asks_all_and_denies),
		T(test_flow_judge__both_right),
		T(test_flow_judge__every_no_and_its_reason),
		T(test_flow_judge__unknown_name_is_not_in_the_event),
		T(test_flow_judge__S35_a_code_opens_once),
		T(test_flow_judge__S35_one_of_eight_simultaneous_uses_wins),
		T(test_flow_judge__S35_who_was_later_loses),
		T(test_flow_judge__a_wrong_password_uses_no_code_up),
		T(test_flow_judge__codes_from_before_the_device_was_enabled),
		T(test_flow_judge__codes_from_before_the_runtime_directory),
		T(test_flow_judge__S3_no_device),
		T(test_flow_code_was_used__only_where_it_gives_nothing_away),
		T(test_flow_judge__after_a_key_only_the_code_counts),
		T(test_flow_judge__answers_that_were_not_asked_for),
		T(test_flow_judge__without_the_seal_key),
		T(test_flow_open__without_runtime_state_denies),
		T(test_flow_judge__S16_throttle_is_per_source),
		T(test_flow_judge__S16_local_callers_apart),
		T(test_flow_check_password__S15_forgets_nothing),
		T(test_flow_judge__S6_bad_answers_count),
		T(test_flow_judge__S16_guesses_at_many_names_slow_their_source_alone),
		T(test_flow_judge__S16_who_is_known_there_is_not_concerned),
		T(test_flow_judge__sources_of_many_people_have_no_budget),
		T(test_flow_check_password__same_throttle),
		T(test_flow_judge__any_of_eight_devices_answers),
		T(test_flow_judge__S35_one_seed_in_two_devices),
		T(test_flow_questions__leave_no_descriptor_of_the_snapshot),
		T(test_flow_resume__decides_as_a_new_flow_would),
		T(test_flow_resume__S41_only_when_nothing_has_changed),
		T(test_flow_judge__a_device_that_drifts_is_followed),
		T(test_flow_judge__S39_clock_steps_back_and_forth),
		T(test_flow_judge__recovery_code_is_mfa_once),
		T(test_flow_judge__recovery_code_is_not_wasted),
		T(test_flow_judge__S38_recovery_code_without_a_store_is_refused),
		T(test_flow_judge__S3_enrolment_opens_nothing_by_itself),
		T(test_flow_judge__S3_who_is_to_enrol),
		T(test_flow_questions__S8_may_be_empty_for_all_or_none),
		T(test_flow_one_line__password_and_code_in_one_answer),
		T(test_flow_one_line__where_no_code_is_needed),
		T(test_flow_authorize__S10_only_one_value_opens),
		T(test_flow_authorize__a_key_alone_knows_of_no_mfa),
		T(test_flow_authorize__evidence_of_the_auth_phase),
		T(test_flow_authorize__lost_event_denies),
		T(test_flow_authorize__denial_is_explained),
		T(test_flow_authorize__disabled_is_denied_with_a_key),
		T(test_flow_authorize__password_reset),
		T(test_flow_authorize__tells_of_a_password_that_expires_soon),
		T(test_flow_authorize__expired_password),
		T(test_flow_authorize__su),
		T(test_flow_authorize__by_proxy_is_no_login),
		T(test_flow_authorize__by_proxy_has_so_many_events),
		T(test_flow_authorize__su_counts_no_mfa_of_the_target),
		T(test_flow_authorize__root_is_seen_but_jobs_are_not),
		T(test_flow_judge__evidence_of_the_dead_does_not_pile_up),
		T(test_flow_session__mfa_of_the_session_counts_for_sudo),
		T(test_flow_session__a_daemon_she_restarted_is_not_her),
		T(test_flow_session__a_key_that_sshd_names_was_used),
		T(test_flow_session__last_login),
		T(test_flow_session__S11_open_and_close_by_themselves),
		T(test_flow__S1_nth_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
