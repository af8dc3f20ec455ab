/*
 * From principal, host and attempt to a decision: condition keys, layers,
 * addresses (S13), one evaluator (S44), times (S45). Key names and values: IAM
 * User Guide, "AWS global condition context keys"; host: keys, iam-policy(5).
 */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/authz/internal.h"

#define ACCOUNT "123456789012"
#define USER_ARN "arn:aws:iam::" ACCOUNT ":user/Sarah"
#define INSTANCE "arn:aws:host:eu-central-1:" ACCOUNT ":instance/web1"
/* Tuesday 2026-11-24, 10:30 in Berlin: date -u -d 2026-11-24T09:30:00Z +%s */
#define NOW 1795512600

struct fixture {
	char dir[64], path[96];
	struct snap_builder *builder;
	struct snap *snap;
	struct snap_account account;
	struct snap_principal principal;
	struct authz *authz;
};

/* ---- the n-th allocation ---- */

static long fail_after = -1;
static bool has_failed;

static bool
fails(void)
{
	if (fail_after == 0) {
		has_failed = true;
		return true;
	}
	if (fail_after > 0)
		fail_after--;
	return false;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

/* ---- a principal with policies ---- */

static int
set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	fail_after = -1;
	snprintf(f.dir, sizeof(f.dir), "/tmp/iam-authz.XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.path, sizeof(f.path), "%s/private", f.dir);
	assert_int_equal(snap_builder_new(SNAP_PRIVATE, 1, NOW, &f.builder), 0);
	f.account = (struct snap_account){ .account_id = ACCOUNT,
		.region = "eu-central-1", .hostname = "web1", .host_tag_count = 2,
		.host_tags = { { "environment", "prod" }, { "rack", "" } } };
	f.principal = (struct snap_principal){ .uid = 2100000001,
		.gid = 2100000001, .unix_name = "sarah", .user_name = "Sarah",
		.user_id = "AIDAABCDEFGHIJKLMNOPQ", .arn = USER_ARN,
		.home = "/home/sarah", .shell = "/bin/bash", .enabled = 1,
		.tag_count = 2, .tags = { { "department", "marketing" },
		{ "team", "blue" } } };
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	authz_free(f->authz);
	snap_close(f->snap);
	snap_builder_free(f->builder);
	unlink(f->path);
	rmdir(f->dir);
	return 0;
}

static void
add_compiled(struct fixture *f, const char *key, const void *p, size_t len)
{
	struct snap_policy policy = { .name = key, .compiled = p,
		.compiled_len = len };
	struct buf v = BUF_INIT;

	snap_policy_encode(&policy, &v);
	assert_int_equal(v.err, 0);
	assert_int_equal(snap_builder_add(f->builder, SNAP_POLICY, key, strlen(key),
	    v.p, v.len), 0);
	buf_release(&v);
}

static void
refer(struct fixture *f, uint32_t layer, const char *key)
{
	f->principal.policies[f->principal.policy_count++] =
	    (struct snap_policy_ref){ layer, key,
	    layer == SNAP_LAYER_BOUNDARY ? "boundary" : "user" };
}

/* key must live as long as the fixture. */
static void
add_policy(struct fixture *f, uint32_t layer, const char *key, const char *json)
{
	struct buf compiled = BUF_INIT;

	assert_int_equal(pol_compile(json, strlen(json), layer ==
	    SNAP_LAYER_BOUNDARY ? POL_BOUNDARY : layer == SNAP_LAYER_TRUST ?
	    POL_TRUST : POL_IDENTITY, NULL, NULL, &compiled), 0);
	add_compiled(f, key, compiled.p, compiled.len);
	buf_release(&compiled);
	refer(f, layer, key);
}

static void
write_snapshot(struct fixture *f)
{
	assert_int_equal(snap_builder_write(f->builder, f->path, 0600, (gid_t)-1), 0);
	assert_int_equal(snap_open(f->path, SNAP_PRIVATE, &f->snap), 0);
}

static void
open_authz(struct fixture *f)
{
	write_snapshot(f);
	assert_int_equal(authz_open(f->snap, &f->account, &f->principal, &f->authz), 0);
}

/* Host actions allowed under a condition, given as the JSON of its block. */
static void
open_with_condition(struct fixture *f, const char *condition)
{
	char json[1024];

	snprintf(json, sizeof(json), "{\"Version\":\"2012-10-17\",\"Statement\":{"
	    "\"Effect\":\"Allow\",\"Action\":\"host:*\",\"Resource\":\"*\","
	    "\"Condition\":%s}}", condition);
	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/P", json);
	open_authz(f);
}

#define ALLOW_LOGIN "{\"Version\":\"2012-10-17\",\"Statement\":{" \
	"\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"*\"}}"
#define ALLOW_SUDO "{\"Version\":\"2012-10-17\",\"Statement\":{" \
	"\"Effect\":\"Allow\",\"Action\":\"host:Sudo\",\"Resource\":\"*\"}}"
#define ALLOW_HOST "{\"Version\":\"2012-10-17\",\"Statement\":{" \
	"\"Effect\":\"Allow\",\"Action\":\"host:*\",\"Resource\":\"" INSTANCE "\"}}"
#define DENY_LOGIN "{\"Version\":\"2012-10-17\",\"Statement\":{" \
	"\"Effect\":\"Deny\",\"Action\":\"host:Login\",\"Resource\":\"*\"}}"

static const struct authz_attempt login = { .action = "host:Login",
	.service = "sshd", .now_s = NOW };

/* Both evaluations, always: they may not differ (S44). */
static enum pol_effect
decide(struct fixture *f, const struct authz_attempt *at)
{
	struct pol_explanation *x = malloc(sizeof(*x));
	struct pol_decision d;
	enum pol_effect effect;

	assert_non_null(x);
	assert_int_equal(authz_decide(f->authz, at, &d), 0);
	assert_int_equal(authz_explain(f->authz, at, NULL, x), 0);
	effect = x->decision.effect;
	free(x);
	assert_int_equal(effect, d.effect);
	return effect;
}

/* ---- keys ---- */

/* "name=value" of every key, one a line, in the order of the request. */
static void
list_keys(struct fixture *f, const struct authz_attempt *at, struct buf *b)
{
	const struct authz_extra nothing = { 0 }; /* a simulation: every key */
	struct context *c = malloc(sizeof(*c));
	size_t i;

	assert_non_null(c);
	assert_int_equal(context_fill(c, f->authz, at, &nothing), 0);
	for (i = 0; i < c->count; i++) {
		assert_int_equal(c->keys[i].n, 1);
		assert_false(c->keys[i].multivalued);
		buf_printf(b, "\n%s=", c->keys[i].name);
		buf_put(b, c->keys[i].values[0].p, c->keys[i].values[0].len);
	}
	buf_putc(b, '\n');
	free(c);
}

static void
assert_key(const struct buf *b, const char *name, const char *value)
{
	char line[256];

	snprintf(line, sizeof(line), "\n%s=%s%s", name, value != NULL ? value : "",
	    value != NULL ? "\n" : "");
	if ((strstr(buf_cstr(b), line) != NULL) != (value != NULL))
		fail_msg("%s: not %s in%s", name, value, buf_cstr(b));
}

static void
test_context_fill__all_that_the_host_supplies(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = { .action = "host:Login", .service = "sshd",
		.tty = "ssh", .rhost = "::ffff:192.0.2.7", .method = "publickey",
		.run_as_user = "root", .key_type = "ssh-rsa", .key_bits = 3072,
		.key_id = "APKA1", .key_s = NOW - 77, .now_s = NOW, .mfa_known = true, .mfa = true,
		.mfa_s = NOW - 901, .issued_s = NOW - 3600 };
	struct tz_local l;
	struct buf b = BUF_INIT;
	char clock[8];

	open_authz(f);
	list_keys(f, &at, &b);
	assert_key(&b, "aws:username", "Sarah");
	assert_key(&b, "aws:userid", "AIDAABCDEFGHIJKLMNOPQ");
	assert_key(&b, "aws:PrincipalArn", USER_ARN);
	assert_key(&b, "aws:PrincipalAccount", ACCOUNT);
	assert_key(&b, "aws:PrincipalType", "User");
	assert_key(&b, "aws:PrincipalTag/department", "marketing");
	assert_key(&b, "aws:PrincipalTag/team", "blue");
	assert_key(&b, "aws:ResourceTag/environment", "prod");
	assert_key(&b, "aws:ResourceTag/rack", "");
	assert_key(&b, "aws:RequestedRegion", "eu-central-1");
	assert_key(&b, "aws:SourceIp", "192.0.2.7");
	assert_key(&b, "aws:CurrentTime", "2026-11-24T09:30:00Z");
	assert_key(&b, "aws:EpochTime", "1795512600");
	assert_key(&b, "aws:MultiFactorAuthPresent", "true");
	assert_key(&b, "aws:MultiFactorAuthAge", "901");
	assert_key(&b, "aws:TokenIssueTime", "2026-11-24T08:30:00Z");
	assert_key(&b, "host:Service", "sshd");
	assert_key(&b, "host:Tty", "ssh");
	assert_key(&b, "host:Remote", "true");
	assert_key(&b, "host:AuthenticationMethod", "publickey");
	assert_key(&b, "host:RunAsUser", "root");
	assert_key(&b, "host:KeyType", "ssh-rsa");
	assert_key(&b, "host:KeySize", "3072");
	assert_key(&b, "host:KeyId", "APKA1");
	assert_key(&b, "host:KeyAge", "77");
	assert_int_equal(authz_local_time(&f->authz->clock, NULL, NOW, &l), 0);
	snprintf(clock, sizeof(clock), "%02u:%02u", (unsigned)l.second_of_day / 3600 % 24,
	    (unsigned)l.second_of_day / 60 % 60);
	assert_key(&b, "host:LocalTime", clock);
	assert_key(&b, "host:DayOfWeek", l.weekday == 2 ? "Tue" : "Wed");
	buf_release(&b);
}

/* The zone's file is read for those who ask for it, in whatever way. */
static void
test_context_fill__local_time_for_policies_that_ask(void **state)
{
	static const struct {
		const char *condition;
		bool asks;
	} rows[] = {
		{ "{\"Bool\":{\"host:Remote\":\"true\"}}", false },
		{ "{\"StringEquals\":{\"HOST:dayofweek\":\"Tue\"}}", true },
		{ "{\"StringEquals\":{\"host:Tty\":\"${host:LocalTime}\"}}", true },
		{ "{\"Null\":{\"host:LocalTime\":\"false\"}}", true },
	};
	struct authz_attempt at = { .action = "host:Login", .now_s = NOW };
	struct fixture *f = *state;
	struct context *c = malloc(sizeof(*c));
	size_t i, k;

	assert_non_null(c);
	for (i = 0; i < IAM_COUNT(rows); i++) {
		bool there = false;

		tear_down((void **)&f);
		set_up((void **)&f);
		open_with_condition(f, rows[i].condition);
		assert_int_equal(context_fill(c, f->authz, &at, NULL), 0);
		for (k = 0; k < c->count; k++)
			there |= strcmp(c->keys[k].name, "host:LocalTime") == 0;
		assert_int_equal(there, rows[i].asks);
	}
	*state = f;
	free(c);
}

static void
test_context_fill__what_is_not_known_is_absent(void **state)
{
	static const char *const absent[] = { "aws:SourceIp", "host:Remote",
		"host:Service", "host:Tty", "host:AuthenticationMethod", "host:RunAsUser",
		"aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge",
		"aws:TokenIssueTime", "aws:CurrentTime", "aws:EpochTime",
		"host:DayOfWeek", "host:LocalTime", "host:KeyType", "host:KeySize",
		"host:KeyId", "host:KeyAge" };
	struct fixture *f = *state;
	struct authz_attempt at = { .action = "host:Login", .tty = "", .method = "",
		.rhost = "" };
	struct buf b = BUF_INIT;
	size_t i;

	open_authz(f);
	list_keys(f, &at, &b);
	for (i = 0; i < IAM_COUNT(absent); i++)
		assert_key(&b, absent[i], NULL);
	buf_release(&b);
}

/* As AWS does: the resource is the user to be switched to, and so are its tags. */
static void
test_context_fill__tags_of_another_user(void **state)
{
	static const struct snap_tag tags[] = { { "team", "red" }, { "empty", "" } };
	struct fixture *f = *state;
	struct authz_attempt at = { .action = "host:SwitchUser",
		.resource = "arn:aws:iam::" ACCOUNT ":user/deploy",
		.resource_tags = tags, .resource_tag_count = 2 };
	struct buf b = BUF_INIT;

	open_authz(f);
	list_keys(f, &at, &b);
	assert_key(&b, "aws:ResourceTag/team", "red");
	assert_key(&b, "aws:ResourceTag/empty", "");
	assert_key(&b, "aws:ResourceTag/environment", NULL);
	assert_key(&b, "aws:PrincipalTag/team", "blue");
	/* Another one next, and the host again. */
	at.resource_tag_count = 1;
	buf_reset(&b);
	list_keys(f, &at, &b);
	assert_key(&b, "aws:ResourceTag/team", "red");
	assert_key(&b, "aws:ResourceTag/empty", NULL);
	at.resource = NULL;
	buf_reset(&b);
	list_keys(f, &at, &b);
	assert_key(&b, "aws:ResourceTag/environment", "prod");
	assert_key(&b, "aws:ResourceTag/team", NULL);
	buf_release(&b);
}

static void
test_context_fill__console_is_not_remote(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = { .action = "host:Login", .service = "login",
		.now_s = NOW };
	struct buf b = BUF_INIT;

	open_authz(f);
	list_keys(f, &at, &b);
	assert_key(&b, "host:Remote", "false");
	assert_key(&b, "aws:SourceIp", NULL);
	buf_release(&b);
}

static void
test_context_fill__mfa(void **state)
{
	static const struct {
		bool known, mfa;
		int64_t mfa_s;
		const char *present, *age;
	} t[] = {
		{ false, true, NOW - 5, NULL, NULL },
		{ true, false, 0, "false", NULL },
		{ true, false, NOW - 5, "false", NULL },
		{ true, true, NOW, "true", "0" },
		{ true, true, NOW - 5, "true", "5" },
		{ true, true, NOW + 100, "true", "0" }, /* the clock went back (S39) */
	};
	struct fixture *f = *state;
	struct authz_attempt at = login;
	struct buf b = BUF_INIT;
	size_t i;

	open_authz(f);
	for (i = 0; i < IAM_COUNT(t); i++) {
		at.mfa_known = t[i].known;
		at.mfa = t[i].mfa;
		at.mfa_s = t[i].mfa_s;
		buf_reset(&b);
		list_keys(f, &at, &b);
		assert_key(&b, "aws:MultiFactorAuthPresent", t[i].present);
		assert_key(&b, "aws:MultiFactorAuthAge", t[i].age);
	}
	buf_release(&b);
}

/* A user to be switched to does not carry the host's tags. */
static void
test_context_fill__host_tags_belong_to_the_host(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = login;
	struct buf b = BUF_INIT;

	open_authz(f);
	at.resource = INSTANCE;
	list_keys(f, &at, &b);
	assert_key(&b, "aws:ResourceTag/environment", "prod");
	buf_reset(&b);
	at.resource = USER_ARN;
	list_keys(f, &at, &b);
	assert_key(&b, "aws:ResourceTag/environment", NULL);
	buf_release(&b);
}

static void
test_context_fill__as_many_tags_as_there_can_be(void **state)
{
	static char keys[SNAP_TAGS_MAX][8];
	struct fixture *f = *state;
	struct buf b = BUF_INIT;
	uint32_t i;

	for (i = 0; i < SNAP_TAGS_MAX; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%u", i);
		f->principal.tags[i] = f->account.host_tags[i] =
		    (struct snap_tag){ keys[i], "v" };
	}
	f->principal.tag_count = f->account.host_tag_count = SNAP_TAGS_MAX;
	open_authz(f);
	list_keys(f, &login, &b);
	assert_key(&b, "aws:PrincipalTag/k49", "v");
	assert_key(&b, "aws:ResourceTag/k49", "v");
	buf_release(&b);
}

/* ---- S13: addresses ---- */

static void
test_authz_literal_address__forms(void **state)
{
	static const struct {
		const char *rhost, *want; /* NULL: no address */
	} t[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },       /* RFC 4291 section 2.5.5.2 */
		{ "::FFFF:c000:0207", "192.0.2.7" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" }, /* RFC 5952 */
		{ "fe80::1%eth0", "fe80::1" },
		{ "::1", "::1" }, { "127.0.0.1", "127.0.0.1" },
		{ "", NULL }, { "localhost", NULL }, { "web1.example.com", NULL },
		{ "192.0.2.7.example.com", NULL }, { "192.0.2", NULL },
		{ "192.0.2.256", NULL }, { "192.0.2.07", NULL }, { "0xc0000207", NULL },
		{ "3221225991", NULL }, { " 192.0.2.7", NULL }, { "192.0.2.7 ", NULL },
		{ "192.0.2.7\n", NULL }, { "192.0.2.7:22", NULL }, { "[::1]", NULL },
		{ "192.0.2.0/24", NULL }, { "192.0.2.7%eth0", NULL }, { "%eth0", NULL },
		{ "fe80::1%", NULL }, { "fe80::1%a b", NULL }, { "fe80::1%x%y", NULL },
		{ ":0", NULL }, { "pts/0", NULL }, { "::ffff:192.0.2.7.1", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", NULL },
	};
	char ret[46];
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(t); i++) {
		if (authz_literal_address(t[i].rhost, ret, sizeof(ret)) !=
		    (t[i].want != NULL))
			fail_msg("%s", t[i].rhost);
		if (t[i].want != NULL)
			assert_string_equal(ret, t[i].want);
	}
	assert_false(authz_literal_address("2001:db8::1234", ret, 8));
}

/* S13: a name is never looked up, so it has no address, whatever it says. */
static void
test_authz_decide__host_name_has_no_source_address(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = login;

	open_with_condition(f, "{\"IpAddress\":{\"aws:SourceIp\":"
	    "[\"127.0.0.0/8\",\"::1/128\",\"192.0.2.0/24\"]}}");
	at.rhost = "localhost";
	assert_int_equal(decide(f, &at), POL_IMPLICIT_DENY);
	at.rhost = "192.0.2.7.attacker.example";
	assert_int_equal(decide(f, &at), POL_IMPLICIT_DENY);
	at.rhost = "::ffff:192.0.2.7";
	assert_int_equal(decide(f, &at), POL_ALLOWED);
	at.rhost = "198.51.100.1";
	assert_int_equal(decide(f, &at), POL_IMPLICIT_DENY);
}

/* ---- layers ---- */

static void
test_authz_decide__no_policies_allow_nothing(void **state)
{
	struct fixture *f = *state;

	open_authz(f);
	assert_int_equal(decide(f, &login), POL_IMPLICIT_DENY);
}

static void
test_authz_decide__identity_policies_are_a_union(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = login;

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_SUDO);
	add_policy(f, SNAP_LAYER_IDENTITY, "group/G/B", ALLOW_LOGIN);
	open_authz(f);
	assert_int_equal(decide(f, &at), POL_ALLOWED);
	at.action = "host:Sudo";
	assert_int_equal(decide(f, &at), POL_ALLOWED);
	at.action = "host:RunScheduled";
	assert_int_equal(decide(f, &at), POL_IMPLICIT_DENY);
}

static void
test_authz_decide__deny_wins(void **state)
{
	struct fixture *f = *state;

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_LOGIN);
	add_policy(f, SNAP_LAYER_IDENTITY, "group/G/B", DENY_LOGIN);
	open_authz(f);
	assert_int_equal(decide(f, &login), POL_EXPLICIT_DENY);
}

static void
test_authz_decide__boundary_limits_and_grants_nothing(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = login;

	add_policy(f, SNAP_LAYER_BOUNDARY, "arn:aws:iam::aws:policy/B", ALLOW_LOGIN);
	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_SUDO);
	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/L", ALLOW_LOGIN);
	open_authz(f);
	assert_int_equal(decide(f, &at), POL_ALLOWED);
	at.action = "host:Sudo";
	assert_int_equal(decide(f, &at), POL_IMPLICIT_DENY);
}

static void
test_authz_decide__boundary_alone(void **state)
{
	struct fixture *f = *state;

	add_policy(f, SNAP_LAYER_BOUNDARY, "arn:aws:iam::aws:policy/B", ALLOW_LOGIN);
	open_authz(f);
	assert_int_equal(decide(f, &login), POL_IMPLICIT_DENY);
}

static void
test_authz_decide__names_the_statement(void **state)
{
	struct fixture *f = *state;
	struct pol_decision d;

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_LOGIN);
	open_authz(f);
	assert_int_equal(authz_decide(f->authz, &login, &d), 0);
	assert_int_equal(d.match_count, 1);
	assert_string_equal(d.matches[0].policy, "user/Sarah/A");
}

/* ---- never in part ---- */

static int
try_open(struct fixture *f)
{
	write_snapshot(f);
	return authz_open(f->snap, &f->account, &f->principal, &f->authz);
}

static void
test_authz_open__missing_policy(void **state)
{
	struct fixture *f = *state;

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_LOGIN);
	refer(f, SNAP_LAYER_IDENTITY, "user/Sarah/Gone");
	assert_int_equal(try_open(f), IAM_ERR_FORMAT);
	assert_null(f->authz);
}

static void
test_authz_open__damaged_policy(void **state)
{
	struct fixture *f = *state;

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_LOGIN);
	add_compiled(f, "user/Sarah/Bad", "not a compiled policy, but long enough", 38);
	refer(f, SNAP_LAYER_IDENTITY, "user/Sarah/Bad");
	assert_int_equal(try_open(f), IAM_ERR_FORMAT);
	assert_null(f->authz);
}

static void
test_authz_open__layer_of_the_future(void **state)
{
	struct fixture *f = *state;

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_LOGIN);
	refer(f, 7, "user/Sarah/A");
	assert_int_equal(try_open(f), IAM_ERR_FORMAT);
	assert_null(f->authz);
}

static void
test_authz_decide__without_action_is_an_error_and_a_deny(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = login;
	struct pol_decision d = { .effect = POL_ALLOWED };

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_LOGIN);
	open_authz(f);
	at.action = NULL;
	assert_int_equal(authz_decide(f->authz, &at, &d), IAM_ERR_ARG);
	assert_int_equal(d.effect, POL_IMPLICIT_DENY);
}

static void
test_authz_decide__time_beyond_the_calendar_is_an_error_and_a_deny(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = login;
	struct pol_decision d = { .effect = POL_ALLOWED };

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_LOGIN);
	open_authz(f);
	at.now_s = INT64_MAX;
	assert_int_not_equal(authz_decide(f->authz, &at, &d), 0);
	assert_int_equal(d.effect, POL_IMPLICIT_DENY);
}

/* ---- S44 ---- */

static void
test_authz_explain__extra_keys_only_in_simulation(void **state)
{
	const struct pol_value home = { "us-east-1", 9 };
	const struct pol_key key = { "AWS:requestedregion", &home, 1, false };
	const struct authz_extra extra = { .keys = &key, .count = 1 };
	struct fixture *f = *state;
	struct pol_explanation *x = malloc(sizeof(*x));
	struct pol_decision d;

	assert_non_null(x);
	open_with_condition(f, "{\"StringEquals\":{\"aws:RequestedRegion\":\"us-east-1\"}}");
	assert_int_equal(authz_explain(f->authz, &login, &extra, x), 0);
	assert_int_equal(x->decision.effect, POL_ALLOWED);
	/* The same attempt, for real and in simulation without the key. */
	assert_int_equal(authz_decide(f->authz, &login, &d), 0);
	assert_int_equal(d.effect, POL_IMPLICIT_DENY);
	assert_int_equal(decide(f, &login), POL_IMPLICIT_DENY);
	free(x);
}

/* S44: another host's ARN is another resource; this host's identity (region,
 * tags) stays what the snapshot says. */
static void
test_authz_decide__resource_of_another_host(void **state)
{
	struct fixture *f = *state;
	struct authz_attempt at = login;

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_HOST);
	open_authz(f);
	assert_int_equal(decide(f, &at), POL_ALLOWED);
	at.resource = "arn:aws:host:eu-central-1:" ACCOUNT ":instance/web2";
	assert_int_equal(decide(f, &at), POL_IMPLICIT_DENY);
}

static void
test_authz_explain__too_many_extra_keys(void **state)
{
	static struct pol_key keys[1000];
	static char names[1000][16];
	const struct pol_value v = { "x", 1 };
	const struct authz_extra extra = { .keys = keys, .count = IAM_COUNT(keys) };
	struct fixture *f = *state;
	struct pol_explanation *x = malloc(sizeof(*x));
	size_t i;

	assert_non_null(x);
	for (i = 0; i < IAM_COUNT(keys); i++) {
		snprintf(names[i], sizeof(names[i]), "x:%zu", i);
		keys[i] = (struct pol_key){ names[i], &v, 1, false };
	}
	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", ALLOW_LOGIN);
	open_authz(f);
	assert_int_equal(authz_explain(f->authz, &login, &extra, x), IAM_ERR_LIMIT);
	assert_int_equal(x->decision.effect, POL_IMPLICIT_DENY);
	free(x);
}

/* ---- S45: time ---- */

struct when {
	int year, month, day, second; /* UTC */
	bool in;
};

static void
check_times(struct fixture *f, const struct when *t, size_t n)
{
	struct authz_attempt at = login;
	size_t i;

	for (i = 0; i < n; i++) {
		at.now_s = tz_from_utc(t[i].year, t[i].month, t[i].day, t[i].second);
		if ((decide(f, &at) == POL_ALLOWED) != t[i].in)
			fail_msg("row %zu: %04d-%02d-%02d %d", i, t[i].year, t[i].month,
			    t[i].day, t[i].second);
	}
}

#define HM(h, m) ((h) * 3600 + (m) * 60)

/* S45: "Tuesdays 9 to 5" in Berlin: UTC+1 in winter, UTC+2 in summer. */
static void
test_authz_decide__window_edges_and_seasons(void **state)
{
	static const struct when t[] = {
		{ 2026, 11, 24, HM(8, 0) - 1, false }, { 2026, 11, 24, HM(8, 0), true },
		{ 2026, 11, 24, HM(16, 0) - 1, true }, { 2026, 11, 24, HM(16, 0), false },
		{ 2026, 11, 23, HM(10, 0), false }, { 2026, 11, 25, HM(10, 0), false },
		{ 2026, 7, 14, HM(7, 0) - 1, false }, { 2026, 7, 14, HM(7, 0), true },
		{ 2026, 7, 14, HM(15, 0) - 1, true }, { 2026, 7, 14, HM(15, 0), false },
		{ 2028, 2, 29, HM(8, 0), true }, /* a leap day, and a Tuesday */
		{ 2028, 2, 29, HM(16, 0), false },
	};

	open_with_condition(*state, "{\"TimeOfDayWithin\":{\"aws:CurrentTime\":"
	    "\"Tue 09:00-17:00 Europe/Berlin\"}}");
	check_times(*state, t, IAM_COUNT(t));
}

/* S45: on 2026-03-29 the clock goes from 02:00 to 03:00, on 2026-10-25 from 03:00
 * back to 02:00 (zdump -v Europe/Berlin), both at 01:00 UTC. */
static void
test_authz_decide__window_in_the_skipped_and_repeated_hour(void **state)
{
	static const struct when t[] = {
		{ 2026, 3, 28, HM(1, 15), true },       /* 02:15, the day before */
		{ 2026, 3, 29, HM(1, 0) - 1, false },   /* 01:59:59 */
		{ 2026, 3, 29, HM(1, 0), false },       /* 03:00:00 */
		{ 2026, 3, 29, HM(1, 15), false },      /* 03:15: no 02:15 that day */
		{ 2026, 10, 25, HM(0, 0), true },       /* 02:00, the first time */
		{ 2026, 10, 25, HM(0, 30), false },     /* 02:30 */
		{ 2026, 10, 25, HM(1, 0), true },       /* 02:00 again */
		{ 2026, 10, 25, HM(1, 30), false },
	};

	open_with_condition(*state, "{\"TimeOfDayWithin\":{\"aws:CurrentTime\":"
	    "\"02:00-02:30 Europe/Berlin\"}}");
	check_times(*state, t, IAM_COUNT(t));
}

/* S45: Samoa left 2011-12-30 out: Thursday was followed by Saturday. */
static void
test_authz_decide__change_of_the_utc_offset(void **state)
{
	static const struct when t[] = {
		{ 2011, 12, 30, HM(9, 59), false },  /* Thursday 23:59 */
		{ 2011, 12, 30, HM(10, 0), true },   /* Saturday 00:00 */
		{ 2011, 12, 31, HM(9, 59), true },   /* Saturday 23:59 */
		{ 2011, 12, 31, HM(10, 0), false },  /* Sunday */
	};

	open_with_condition(*state, "{\"TimeOfDayWithin\":{\"aws:CurrentTime\":"
	    "\"Fri,Sat Pacific/Apia\"}}");
	check_times(*state, t, IAM_COUNT(t));
}

/* S45 (sudo PR #513): two conditions on time must both hold. */
static void
test_authz_decide__times_combine_as_and(void **state)
{
	static const struct when t[] = {
		{ 2026, 11, 24, HM(10, 0), true },  /* inside both */
		{ 2026, 12, 1, HM(10, 0), false },  /* a Tuesday too late */
		{ 2026, 11, 25, HM(10, 0), false }, /* early enough, but a Wednesday */
		{ 2026, 12, 2, HM(10, 0), false },
		{ 2026, 11, 17, HM(10, 0), false }, /* a Tuesday too early */
	};

	open_with_condition(*state, "{\"TimeOfDayWithin\":{\"aws:CurrentTime\":"
	    "\"Tue 09:00-17:00 UTC\"},"
	    "\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-11-20T00:00:00Z\"},"
	    "\"DateLessThan\":{\"aws:CurrentTime\":\"2026-11-30T00:00:00Z\"}}");
	check_times(*state, t, IAM_COUNT(t));
}

static void
test_authz_decide__unknown_zone_never_allows(void **state)
{
	struct fixture *f = *state;
	struct tz_local l;

	open_authz(f);
	assert_int_equal(authz_local_time(&f->authz->clock, "Europe/Atlantis", NOW, &l),
	    IAM_ERR_ABSENT);
	assert_int_equal(authz_local_time(&f->authz->clock, "", NOW, &l), IAM_ERR_ARG);
	assert_int_equal(authz_local_time(&f->authz->clock, "../etc/passwd", NOW, &l),
	    IAM_ERR_ARG);
}

static void
test_authz_local_time__more_zones_than_are_kept(void **state)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin", "Asia/Tokyo",
		"America/New_York", "Asia/Kolkata", "Australia/Sydney", "Asia/Tehran",
		"America/Lima", "Africa/Cairo", "Pacific/Apia", "Europe/London" };
	static const int offsets[] = { 0, 3600, 32400, -18000, 19800, 39600, 12600,
		-18000, 7200, 46800, 0 }; /* TZ=… date -d @1795512600 +%z */
	struct fixture *f = *state;
	struct tz_local l;
	size_t i, round;

	open_authz(f);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < IAM_COUNT(zones); i++) {
			assert_int_equal(authz_local_time(&f->authz->clock, zones[i], NOW, &l), 0);
			assert_int_equal(l.utc_offset_s, offsets[i]);
			assert_int_equal(authz_local_time(&f->authz->clock, NULL, NOW, &l), 0);
		}
	}
}

/* ---- other ---- */

static void
test_authz_instance_arn__size(void **state)
{
	struct fixture *f = *state;
	char arn[64];

	assert_int_equal(authz_instance_arn(&f->account, arn, sizeof(arn)), 0);
	assert_string_equal(arn, INSTANCE);
	assert_int_equal(authz_instance_arn(&f->account, arn, strlen(INSTANCE) + 1), 0);
	assert_int_equal(authz_instance_arn(&f->account, arn, strlen(INSTANCE)),
	    IAM_ERR_RANGE);
}

static void
test_authz__every_allocation_failing(void **state)
{
	struct fixture *f = *state;
	struct pol_decision d;
	int n, r;

	add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/A", "{\"Version\":\"2012-10-17\","
	    "\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"host:Login\","
	    "\"Resource\":\"*\",\"Condition\":{\"TimeOfDayWithin\":"
	    "{\"aws:CurrentTime\":\"Tue 09:00-17:00 Europe/Berlin\"}}}}");
	write_snapshot(f);
	for (n = 0;; n++) {
		d.effect = POL_ALLOWED;
		has_failed = false;
		fail_after = n;
		r = authz_open(f->snap, &f->account, &f->principal, &f->authz);
		if (r == 0)
			r = authz_decide(f->authz, &login, &d);
		else
			d.effect = POL_IMPLICIT_DENY;
		fail_after = -1;
		authz_free(f->authz);
		f->authz = NULL;
		if (!has_failed)
			break;
		assert_int_equal(d.effect, POL_IMPLICIT_DENY);
	}
	assert_int_equal(r, 0);
	assert_int_equal(d.effect, POL_ALLOWED);
	assert_true(n > 4);
}

/* ---- roles ---- */

#define ROLE_ARN "arn:aws:iam::" ACCOUNT ":role/ops/Deploy"
#define SESSION_ARN "arn:aws:sts::" ACCOUNT ":assumed-role/Deploy/Sarah"

static void
become_role(struct fixture *f)
{
	f->principal.role = 1;
	f->principal.max_session_s = 3600;
	f->principal.user_name = "Deploy";
	f->principal.user_id = "AROAABCDEFGHIJKLMNOPQ";
	f->principal.arn = ROLE_ARN;
}

/* A role by itself is nobody, whatever its policies say. */
static void
test_authz_decide__a_role_without_a_session_may_nothing(void **state)
{
	struct pol_explanation *x = calloc(1, sizeof(*x));
	struct fixture *f = *state;
	struct pol_decision d = { .effect = POL_ALLOWED };

	become_role(f);
	add_policy(f, SNAP_LAYER_IDENTITY, "role/Deploy/P", ALLOW_LOGIN);
	open_authz(f);
	assert_int_equal(authz_decide(f->authz, &login, &d), IAM_ERR_ARG);
	assert_int_equal(d.effect, POL_IMPLICIT_DENY);
	assert_int_equal(authz_explain(f->authz, &login, NULL, x), IAM_ERR_ARG);
	assert_int_equal(x->decision.effect, POL_IMPLICIT_DENY);
	assert_int_equal(authz_assume(f->authz, &(struct authz_session){ .name = "" }),
	    IAM_ERR_ARG);
	assert_int_equal(authz_assume(f->authz, &(struct authz_session){
	    .name = "Sarah" }), 0);
	assert_int_equal(decide(f, &login), POL_ALLOWED);
	free(x);
}

/* Keys: IAM User Guide, "Where you can use policy variables", assumed-role. */
static void
test_context_fill__a_session_of_a_role(void **state)
{
	struct authz_attempt at = { .action = "sts:AssumeRole", .resource = ROLE_ARN,
		.now_s = NOW, .session_name = "next", .duration_s = 900,
		.source_identity = "DiegoRamirez" };
	struct fixture *f = *state;
	struct buf b = BUF_INIT;

	become_role(f);
	open_authz(f);
	assert_int_equal(authz_assume(f->authz, &(struct authz_session){
	    .name = "Sarah", .source_identity = "sarah@example.org" }), 0);
	assert_string_equal(authz_arn(f->authz), SESSION_ARN);
	assert_string_equal(authz_user_id(f->authz), "AROAABCDEFGHIJKLMNOPQ:Sarah");
	list_keys(f, &at, &b);
	assert_key(&b, "aws:username", NULL);
	assert_key(&b, "aws:userid", "AROAABCDEFGHIJKLMNOPQ:Sarah");
	assert_key(&b, "aws:PrincipalArn", ROLE_ARN);
	assert_key(&b, "aws:PrincipalType", "AssumedRole");
	assert_key(&b, "aws:PrincipalTag/team", "blue");
	assert_key(&b, "aws:SourceIdentity", "sarah@example.org");
	assert_key(&b, "sts:RoleSessionName", "next");
	assert_key(&b, "sts:SourceIdentity", "DiegoRamirez");
	assert_key(&b, "sts:DurationSeconds", "900");
	buf_release(&b);
}

static void
test_authz_assume__users_have_no_sessions(void **state)
{
	struct fixture *f = *state;

	open_authz(f);
	assert_int_equal(authz_assume(f->authz, &(struct authz_session){
	    .name = "Sarah" }), IAM_ERR_ARG);
	assert_string_equal(authz_arn(f->authz), USER_ARN);
}

/* Every truncation and every flipped bit: refused, or a session with other texts. */
static void
test_authz_session__encode_and_decode(void **state)
{
	struct authz_session s = { .source_identity = "sarah", .tag_count = 2,
		.tags = { { "a", "1" }, { "b", "" } }, .policy_count = 2 }, back;
	struct buf code = BUF_INIT, b = BUF_INIT, cut = BUF_INIT;
	size_t i;

	(void)state;
	assert_int_equal(pol_compile(ALLOW_LOGIN, strlen(ALLOW_LOGIN), POL_SESSION,
	    NULL, NULL, &code), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pol_open(code.p, code.len, &s.policies[i].doc), 0);
		s.policies[i].name = i == 0 ? "SessionPolicy" : "arn:aws:iam::aws:policy/P";
	}
	authz_session_encode(&s, &b);
	assert_int_equal(authz_session_decode(b.p, b.len, &back), 0);
	assert_string_equal(back.source_identity, "sarah");
	assert_int_equal(back.tag_count, 2);
	assert_string_equal(back.tags[1].key, "b");
	assert_string_equal(back.tags[1].value, "");
	assert_int_equal(back.policy_count, 2);
	assert_string_equal(back.policies[1].name, s.policies[1].name);
	assert_int_equal(back.policies[1].doc.len, code.len);
	for (i = 0; i < b.len; i++) {
		buf_reset(&cut);
		buf_put(&cut, b.p, i);
		assert_int_not_equal(authz_session_decode(cut.p, cut.len, &back), 0);
		b.p[i] ^= 0x10;
		(void)authz_session_decode(b.p, b.len, &back);
		b.p[i] ^= 0x10;
	}
	buf_release(&code);
	buf_release(&b);
	buf_release(&cut);
}

/* As many tags as there can be, half of them in place of the role's. */
static void
test_authz_assume__session_tags_take_the_roles_place(void **state)
{
	struct fixture *f = *state;
	struct authz_session s = { .name = "Sarah", .tag_count = 3, .tags = {
		{ "TEAM", "red" }, { "new", "1" }, { "department", "" } } };
	struct authz_attempt at = { .action = "host:Login", .now_s = NOW };
	struct buf b = BUF_INIT;

	become_role(f);
	open_authz(f);
	assert_int_equal(authz_assume(f->authz, &s), 0);
	list_keys(f, &at, &b);
	assert_key(&b, "aws:PrincipalTag/TEAM", "red");
	assert_key(&b, "aws:PrincipalTag/team", NULL);
	assert_key(&b, "aws:PrincipalTag/new", "1");
	assert_key(&b, "aws:PrincipalTag/department", "");
	assert_key(&b, "aws:ResourceTag/environment", "prod");
	buf_release(&b);
}

#define TRUSTS(who, condition) "{\"Version\":\"2012-10-17\",\"Statement\":{" \
	"\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"" who "\"},\"Action\":" \
	"\"sts:AssumeRole\"" condition "}}"
#define MAY_ASSUME "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":" \
	"\"Allow\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"" ROLE_ARN "\"}}"
#define MUST_NOT "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":" \
	"\"Deny\",\"Action\":\"sts:*\",\"Resource\":\"*\"}}"

/*
 * IAM User Guide, "Policy evaluation logic" for role trust policies, and "Cross
 * account policy evaluation": within an account the trust policy must allow; when it
 * names the account the caller's own policies must, too; when it names her they need not.
 */
static void
test_authz_decide__assume_role(void **state)
{
	static const struct {
		const char *what, *identity, *boundary, *trust;
		bool mfa, allowed;
	} t[] = {
		{ "nothing says yes", ALLOW_LOGIN, NULL, TRUSTS("210987654321", ""),
		    true, false },
		{ "only she may", MAY_ASSUME, NULL, TRUSTS("210987654321", ""),
		    true, false },
		{ "only the account is trusted", ALLOW_LOGIN, NULL, TRUSTS(ACCOUNT, ""),
		    true, false },
		{ "both", MAY_ASSUME, NULL, TRUSTS(ACCOUNT, ""), true, true },
		{ "she is named", ALLOW_LOGIN, NULL, TRUSTS(USER_ARN, ""), true, true },
		{ "somebody else is", MAY_ASSUME, NULL, TRUSTS("arn:aws:iam::" ACCOUNT
		    ":user/Bob", ""), true, false },
		{ "named, but denied", MUST_NOT, NULL, TRUSTS(USER_ARN, ""), true,
		    false },
		{ "a silent boundary", MAY_ASSUME, ALLOW_LOGIN, TRUSTS(ACCOUNT, ""),
		    true, false },
		{ "a silent boundary, and named", ALLOW_LOGIN, ALLOW_LOGIN,
		    TRUSTS(USER_ARN, ""), true, true },
		{ "a boundary that denies", ALLOW_LOGIN, MUST_NOT, TRUSTS(USER_ARN, ""),
		    true, false },
		{ "with MFA", MAY_ASSUME, NULL, TRUSTS(ACCOUNT, ",\"Condition\":{"
		    "\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}}"), true, true },
		{ "without MFA", MAY_ASSUME, NULL, TRUSTS(ACCOUNT, ",\"Condition\":{"
		    "\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}}"), false,
		    false },
		{ "on Tuesdays", MAY_ASSUME, NULL, TRUSTS(ACCOUNT, ",\"Condition\":{"
		    "\"TimeOfDayWithin\":{\"aws:CurrentTime\":\"Tue 00:00-24:00 UTC\"}}"),
		    true, true },
		{ "on Wednesdays", MAY_ASSUME, NULL, TRUSTS(ACCOUNT, ",\"Condition\":{"
		    "\"TimeOfDayWithin\":{\"aws:CurrentTime\":\"Wed 00:00-24:00 UTC\"}}"),
		    true, false },
		{ "with her tag", MAY_ASSUME, NULL, TRUSTS(ACCOUNT, ",\"Condition\":{"
		    "\"StringEquals\":{\"aws:PrincipalTag/team\":\"blue\"}}"), true,
		    true },
	};
	struct authz_attempt at = { .action = "sts:AssumeRole", .resource = ROLE_ARN,
		.now_s = NOW, .mfa_known = true };
	struct pol_source trust;
	struct snap_principal role;
	struct fixture *f;
	size_t i;

	for (i = 0; i < IAM_COUNT(t); i++) {
		if (i > 0) {
			assert_int_equal(tear_down(state), 0);
			assert_int_equal(set_up(state), 0);
		}
		f = *state;
		add_policy(f, SNAP_LAYER_TRUST, "trust/Deploy", t[i].trust);
		role = f->principal;
		f->principal.policy_count = 0;
		add_policy(f, SNAP_LAYER_IDENTITY, "user/Sarah/P", t[i].identity);
		if (t[i].boundary != NULL)
			add_policy(f, SNAP_LAYER_BOUNDARY, "b", t[i].boundary);
		open_authz(f);
		assert_int_equal(authz_trust(f->snap, &role, &trust), 0);
		assert_int_equal(authz_trust(f->snap, &f->principal, &trust),
		    IAM_ERR_FORMAT);
		at.trust = &trust;
		at.mfa = t[i].mfa;
		at.mfa_s = NOW;
		if ((decide(f, &at) == POL_ALLOWED) != t[i].allowed)
			fail_msg("%s", t[i].what);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_context_fill__all_that_the_host_supplies),
		T(test_context_fill__local_time_for_policies_that_ask),
		T(test_context_fill__what_is_not_known_is_absent),
		T(test_context_fill__tags_of_another_user),
		T(test_context_fill__console_is_not_remote),
		T(test_context_fill__mfa),
		T(test_context_fill__host_tags_belong_to_the_host),
		T(test_context_fill__as_many_tags_as_there_can_be),
		T(test_authz_literal_address__forms),
		T(test_authz_decide__host_name_has_no_source_address),
		T(test_authz_decide__no_policies_allow_nothing),
		T(test_authz_decide__identity_policies_are_a_union),
		T(test_authz_decide__deny_wins),
		T(test_authz_decide__boundary_limits_and_grants_nothing),
		T(test_authz_decide__boundary_alone),
		T(test_authz_decide__names_the_statement),
		T(test_authz_open__missing_policy),
		T(test_authz_open__damaged_policy),
		T(test_authz_open__layer_of_the_future),
		T(test_authz_decide__without_action_is_an_error_and_a_deny),
		T(test_authz_decide__time_beyond_the_calendar_is_an_error_and_a_deny),
		T(test_authz_explain__extra_keys_only_in_simulation),
		T(test_authz_decide__resource_of_another_host),
		T(test_authz_explain__too_many_extra_keys),
		T(test_authz_decide__window_edges_and_seasons),
		T(test_authz_decide__window_in_the_skipped_and_repeated_hour),
		T(test_authz_decide__change_of_the_utc_offset),
		T(test_authz_decide__times_combine_as_and),
		T(test_authz_decide__unknown_zone_never_allows),
		T(test_authz_local_time__more_zones_than_are_kept),
		T(test_authz_instance_arn__size),
		T(test_authz_decide__a_role_without_a_session_may_nothing),
		T(test_context_fill__a_session_of_a_role),
		T(test_authz_assume__users_have_no_sessions),
		T(test_authz_session__encode_and_decode),
		T(test_authz_assume__session_tags_take_the_roles_place),
		T(test_authz_decide__assume_role),
		T(test_authz__every_allocation_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
