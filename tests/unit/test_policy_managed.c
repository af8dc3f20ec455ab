/*
 * The policies that ship, each with a table of requests and what must come
 * out. Expected values follow from the policy's name and iam-policy(5).
 * S45: time conditions at their edges, DST included.
 */
#include "common/base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>

#include "common/policy/policy.h"

#define WEB1 "arn:aws:host:eu-central-1:123456789012:instance/web1"
#define COMMAND "arn:aws:host:eu-central-1:123456789012:command/web1/"
#define OPERATOR "arn:aws:iam::123456789012:role/Operator"
#define SARAH "arn:aws:iam::123456789012:user/sarah"
#define MFA "aws:MultiFactorAuthPresent=true"
#define NO_MFA "aws:MultiFactorAuthPresent=false"
#define FRESH MFA ";aws:MultiFactorAuthAge=900"
#define ME "aws:username=sarah"
/* 2026-11-24 is a Tuesday; Berlin is one hour ahead of UTC then. */
#define TUE(hms) "aws:CurrentTime=2026-11-24T" hms "+01:00"

enum { DENY, ALLOW };

struct row {
	const char *policy, *action, *resource, *keys;
	int expected;
};

static const struct row rows[] = {
	{ "managed/AdministratorAccess", "iam:CreateUser", SARAH, "", ALLOW },
	{ "managed/AdministratorAccess", "host:Sudo", WEB1, "", ALLOW },
	{ "managed/AdministratorAccess", "sts:AssumeRole", "*", "", ALLOW },

	{ "managed/PowerUserAccess", "host:Login", WEB1, "", ALLOW },
	{ "managed/PowerUserAccess", "host:Sudo", WEB1, "", ALLOW },
	{ "managed/PowerUserAccess", "iam:GetUser", SARAH, "", ALLOW },
	{ "managed/PowerUserAccess", "iam:CreateUser", SARAH, "", DENY },
	{ "managed/PowerUserAccess", "IAM:AttachUserPolicy", SARAH, "", DENY },
	{ "managed/PowerUserAccess", "sts:AssumeRole", "*", "", DENY },
	{ "managed/PowerUserAccess", "cloudtrail:StopLogging", "*", "", DENY },
	{ "managed/PowerUserAccess", "host:Doctor", "*", "", ALLOW },
	{ "managed/PowerUserAccess", "host:RunCommand", COMMAND "/bin/bash", "", ALLOW },
	/* users and policies could come in, and tags that policies ask for */
	{ "managed/PowerUserAccess", "host:Import", "*", "", DENY },
	{ "managed/PowerUserAccess", "host:Export", "*", "", DENY },
	{ "managed/PowerUserAccess", "host:UpdateHost", WEB1, "", DENY },
	{ "managed/PowerUserAccess", "host:UnlockUser", SARAH, "", DENY },
	{ "managed/PowerUserAccess", "host:CreateRecoveryCodes", SARAH, "", DENY },
	{ "managed/PowerUserAccess", "host:CreateSSHCertificateAuthority", "*", "", DENY },
	{ "managed/PowerUserAccess", "sts:GetCallerIdentity", "*", "", ALLOW },
	{ "managed/PowerUserAccess", "s3:GetObject", "*", "", ALLOW },

	{ "managed/ReadOnlyAccess", "iam:GetUser", SARAH, "", ALLOW },
	{ "managed/ReadOnlyAccess", "iam:ListUsers", "*", "", ALLOW },
	{ "managed/ReadOnlyAccess", "iam:SimulatePrincipalPolicy", SARAH, "", ALLOW },
	{ "managed/ReadOnlyAccess", "cloudtrail:LookupEvents", "*", "", ALLOW },
	{ "managed/ReadOnlyAccess", "host:ShowAccess", SARAH, "", ALLOW },
	{ "managed/ReadOnlyAccess", "iam:GetContextKeysForCustomPolicy", "*", "", ALLOW },
	{ "managed/ReadOnlyAccess", "host:Export", "*", "", DENY },
	{ "managed/ReadOnlyAccess", "iam:DeleteUser", SARAH, "", DENY },
	{ "managed/ReadOnlyAccess", "iam:UpdateUser", SARAH, "", DENY },
	{ "managed/ReadOnlyAccess", "host:Login", WEB1, "", DENY },

	{ "managed/HostLogin", "host:Login", WEB1, "", ALLOW },
	{ "managed/HostLogin", "host:Authenticate", WEB1, "", ALLOW },
	{ "managed/HostLogin", "host:RunScheduled", WEB1, "", ALLOW },
	{ "managed/HostLogin", "host:Sudo", WEB1, "", DENY },
	{ "managed/HostLogin", "host:SwitchUser", SARAH, "", DENY },

	{ "managed/HostLoginWithMFA", "host:Login", WEB1, MFA, ALLOW },
	{ "managed/HostLoginWithMFA", "host:Login", WEB1, NO_MFA, DENY },
	{ "managed/HostLoginWithMFA", "host:Login", WEB1, "", DENY },
	{ "managed/HostLoginWithMFA", "host:RunScheduled", WEB1, "", ALLOW },
	{ "managed/HostLoginWithMFA", "host:Sudo", WEB1, MFA, DENY },

	{ "managed/BusinessHoursLogin", "host:Login", WEB1, TUE("07:59:59"), DENY },
	{ "managed/BusinessHoursLogin", "host:Login", WEB1, TUE("08:00:00"), ALLOW },
	{ "managed/BusinessHoursLogin", "host:Login", WEB1, TUE("17:59:59"), ALLOW },
	{ "managed/BusinessHoursLogin", "host:Login", WEB1, TUE("18:00:00"), DENY },
	{ "managed/BusinessHoursLogin", "host:Login", WEB1,
	    "aws:CurrentTime=2026-11-28T12:00:00+01:00", DENY },
	{ "managed/BusinessHoursLogin", "host:Login", WEB1, "", DENY },

	{ "managed/SudoWithRecentMFA", "host:Sudo", WEB1, FRESH, ALLOW },
	{ "managed/SudoWithRecentMFA", "host:Sudo", WEB1,
	    MFA ";aws:MultiFactorAuthAge=901", DENY },
	{ "managed/SudoWithRecentMFA", "host:Sudo", WEB1, MFA, DENY },
	{ "managed/SudoWithRecentMFA", "host:Sudo", WEB1,
	    NO_MFA ";aws:MultiFactorAuthAge=1", DENY },
	{ "managed/SudoWithRecentMFA", "host:Login", WEB1, FRESH, DENY },

	{ "managed/SudoOperators", "host:Sudo", WEB1, "", ALLOW },
	{ "managed/SudoOperators", "host:RunCommand", COMMAND "/usr/bin/systemctl", "", ALLOW },
	{ "managed/SudoOperators", "host:RunCommand", COMMAND "/usr/sbin/reboot", "", ALLOW },
	{ "managed/SudoOperators", "host:RunCommand", COMMAND "/bin/bash", "", DENY },
	{ "managed/SudoOperators", "host:RunCommand", COMMAND "/usr/bin/systemctl2", "", DENY },
	{ "managed/SudoOperators", "host:SwitchUser", SARAH, "", DENY },

	{ "managed/AssumeOperatorRole", "sts:AssumeRole", OPERATOR, MFA, ALLOW },
	{ "managed/AssumeOperatorRole", "sts:AssumeRole",
	    "arn:aws:iam::123456789012:role/eu/Operator", MFA, ALLOW },
	{ "managed/AssumeOperatorRole", "sts:AssumeRole", OPERATOR, NO_MFA, DENY },
	{ "managed/AssumeOperatorRole", "sts:AssumeRole", OPERATOR, "", DENY },
	{ "managed/AssumeOperatorRole", "sts:AssumeRole", OPERATOR "s", MFA, DENY },
	{ "managed/AssumeOperatorRole", "sts:AssumeRole",
	    "arn:aws:iam::123456789012:role/Administrator", MFA, DENY },
	{ "managed/AssumeOperatorRole", "host:Login", WEB1, MFA, DENY },

	{ "managed/DenyWithoutMFA", "host:Login", WEB1, MFA, DENY }, /* allows nothing */
	{ "managed/BreakGlass", "host:Login", WEB1, FRESH, ALLOW },
	{ "managed/BreakGlass", "iam:CreateUser", SARAH, FRESH, ALLOW },
	{ "managed/BreakGlass", "iam:CreateUser", SARAH, MFA, DENY },

	{ "managed/ManageOwnCredentials", "iam:ChangePassword", SARAH, ME, ALLOW },
	{ "managed/ManageOwnCredentials", "iam:UploadSSHPublicKey",
	    "arn:aws:iam::123456789012:user/marketing/sarah", ME, ALLOW },
	{ "managed/ManageOwnCredentials", "iam:ChangePassword",
	    "arn:aws:iam::123456789012:user/bob", ME, DENY },
	{ "managed/ManageOwnCredentials", "iam:ChangePassword", SARAH, "", DENY },
	{ "managed/ManageOwnCredentials", "iam:EnableMFADevice",
	    "arn:aws:iam::123456789012:mfa/sarah", ME, ALLOW },
	{ "managed/ManageOwnCredentials", "iam:EnableMFADevice",
	    "arn:aws:iam::123456789012:mfa/bob", ME, DENY },
	{ "managed/ManageOwnCredentials", "iam:DeactivateMFADevice", SARAH, ME, DENY },
	{ "managed/ManageOwnCredentials", "iam:DeactivateMFADevice", SARAH, ME ";" MFA, ALLOW },
	{ "managed/ManageOwnCredentials", "iam:UpdateLoginProfile", SARAH, ME ";" MFA, DENY },

	{ "managed/AuditorAccess", "cloudtrail:LookupEvents", "*", "", ALLOW },
	{ "managed/AuditorAccess", "host:ValidateLogs", "*", "", ALLOW },
	{ "managed/AuditorAccess", "host:ShowAccess", SARAH, "", ALLOW },
	{ "managed/AuditorAccess", "host:Export", "*", "", DENY },
	{ "managed/AuditorAccess", "host:UnlockUser", SARAH, "", DENY },
	{ "managed/AuditorAccess", "iam:GenerateCredentialReport", "*", "", ALLOW },
	{ "managed/AuditorAccess", "access-analyzer:ListFindings", "*", "", ALLOW },
	{ "managed/AuditorAccess", "iam:UpdateLoginProfile", SARAH, "", DENY },
	{ "managed/AuditorAccess", "cloudtrail:StopLogging", "*", "", DENY },
	{ "managed/AuditorAccess", "host:Login", WEB1, "", DENY },

	{ "examples/sarah", "host:Login", WEB1,
	    "aws:PrincipalTag/department=marketing;" TUE("08:59:59"), DENY },
	{ "examples/sarah", "host:Login", WEB1,
	    "aws:PrincipalTag/department=marketing;" TUE("09:00:00"), ALLOW },
	{ "examples/sarah", "host:Login", WEB1,
	    "aws:PrincipalTag/department=marketing;" TUE("16:59:59"), ALLOW },
	{ "examples/sarah", "host:Login", WEB1,
	    "aws:PrincipalTag/department=marketing;" TUE("17:00:00"), DENY },
	{ "examples/sarah", "host:Login", WEB1,
	    "aws:PrincipalTag/department=marketing;"
	    "aws:CurrentTime=2026-11-23T12:00:00+01:00", DENY },
	{ "examples/sarah", "host:Login", WEB1,
	    "aws:PrincipalTag/department=sales;" TUE("12:00:00"), DENY },
	/* UTC says Tuesday 08:30, Berlin's summer clock 10:30 */
	{ "examples/sarah", "host:Login", WEB1,
	    "aws:PrincipalTag/department=marketing;aws:CurrentTime=2026-07-07T08:30:00Z", ALLOW },
	{ "examples/sarah", "host:Login", WEB1,
	    "aws:PrincipalTag/department=marketing;aws:CurrentTime=2026-07-07T15:30:00Z", DENY },

	{ "examples/bob", "host:Login", WEB1,
	    "aws:PrincipalTag/department=development;aws:RequestedRegion=us-east-1", ALLOW },
	{ "examples/bob", "host:Login", WEB1,
	    "aws:PrincipalTag/department=development;aws:RequestedRegion=eu-central-1", DENY },
	{ "examples/bob", "host:Login", WEB1, "aws:RequestedRegion=us-east-1", DENY },

	{ "examples/abac", "host:Login", WEB1,
	    "aws:PrincipalTag/project=apollo;aws:ResourceTag/project=apollo;"
	    "aws:PrincipalTag/classification=secret;aws:ResourceTag/classification=secret", ALLOW },
	{ "examples/abac", "host:Login", WEB1,
	    "aws:PrincipalTag/project=apollo;aws:ResourceTag/project=gemini;"
	    "aws:PrincipalTag/classification=secret;aws:ResourceTag/classification=secret", DENY },
	{ "examples/abac", "host:Login", WEB1,
	    "aws:PrincipalTag/project=apollo;aws:ResourceTag/project=apollo;"
	    "aws:PrincipalTag/classification=open;aws:ResourceTag/classification=secret", DENY },
	/* a wildcard in the person's tag is a plain character */
	{ "examples/abac", "host:Login", WEB1,
	    "aws:PrincipalTag/project=*;aws:ResourceTag/project=apollo;"
	    "aws:PrincipalTag/classification=secret;aws:ResourceTag/classification=secret", DENY },
	{ "examples/abac", "host:Login", WEB1,
	    "aws:ResourceTag/project=;aws:ResourceTag/classification=", DENY },

	{ "examples/night-shift", "host:Login", WEB1, TUE("21:59:59"), DENY },
	{ "examples/night-shift", "host:Login", WEB1, TUE("22:00:00"), ALLOW },
	{ "examples/night-shift", "host:Login", WEB1, TUE("05:59:59"), ALLOW },
	{ "examples/night-shift", "host:Login", WEB1, TUE("06:00:00"), DENY },
	/* Saturday morning belongs to Friday's shift, Monday morning to none */
	{ "examples/night-shift", "host:Login", WEB1,
	    "aws:CurrentTime=2026-11-28T05:00:00+01:00", ALLOW },
	{ "examples/night-shift", "host:Login", WEB1,
	    "aws:CurrentTime=2026-11-23T05:00:00+01:00", DENY },
	{ "examples/night-shift", "host:Login", WEB1,
	    "aws:CurrentTime=2026-11-28T22:30:00+01:00", DENY },
	/* the night DST ends, 2026-10-25, is Saturday's: none; the one before is in */
	{ "examples/night-shift", "host:Login", WEB1,
	    "aws:CurrentTime=2026-10-24T03:59:59Z", ALLOW },

	{ "examples/office-network", "host:Login", WEB1, "aws:SourceIp=192.0.2.200", ALLOW },
	{ "examples/office-network", "host:Login", WEB1, "aws:SourceIp=::ffff:192.0.2.200", ALLOW },
	{ "examples/office-network", "host:Login", WEB1, "aws:SourceIp=2001:db8:10::7", ALLOW },
	{ "examples/office-network", "host:Login", WEB1, "aws:SourceIp=192.0.3.1", DENY },
	{ "examples/office-network", "host:Login", WEB1, "aws:SourceIp=192.0.3.1;" MFA, ALLOW },
	{ "examples/office-network", "host:Login", WEB1, "", DENY },

	{ "examples/contractor", "host:Login", WEB1,
	    "aws:CurrentTime=2026-08-31T21:59:59Z", DENY },
	{ "examples/contractor", "host:Login", WEB1,
	    "aws:CurrentTime=2026-08-31T22:00:00Z", ALLOW },
	{ "examples/contractor", "host:Login", WEB1,
	    "aws:CurrentTime=2026-12-31T22:59:59Z", ALLOW },
	{ "examples/contractor", "host:Login", WEB1,
	    "aws:CurrentTime=2026-12-31T23:00:00Z", DENY },

	{ "examples/deny-outside-office-hours", "host:Login", WEB1, TUE("17:59:59"), ALLOW },
	{ "examples/deny-outside-office-hours", "host:Login", WEB1, TUE("18:00:00"), DENY },
	{ "examples/deny-outside-office-hours", "host:Login", WEB1,
	    "aws:CurrentTime=2026-11-27T15:59:59+01:00", ALLOW },
	{ "examples/deny-outside-office-hours", "host:Login", WEB1,
	    "aws:CurrentTime=2026-11-27T16:00:00+01:00", DENY },
	{ "examples/deny-outside-office-hours", "host:Login", WEB1, "", DENY },
};

/* The host stands in Berlin. */
static int
berlin(void *arg, const char *zone, int64_t t, struct tz_local *ret)
{
	struct tz *tz;
	int r;

	(void)arg;
	if ((r = tz_load(zone != NULL ? zone : "Europe/Berlin", &tz)) != 0)
		return r;
	r = tz_at(tz, t, ret);
	tz_free(tz);
	return r;
}

static void
load(const char *name, struct buf *ret, struct pol_doc *doc)
{
	struct buf json = BUF_INIT;
	struct pol_findings f;
	char path[200];
	size_t i;

	snprintf(path, sizeof(path), "policies/%s.json", name);
	assert_int_equal(file_read(path, FILE_ANY, 65536, &json), 0);
	assert_int_equal(pol_compile(buf_cstr(&json), json.len, POL_IDENTITY, NULL, &f, ret), 0);
	for (i = 0; i < f.n; i++)
		if (f.v[i].severity != POL_SUGGESTION)
			fail_msg("%s: %s %s", name, f.v[i].code, f.v[i].text);
	pol_findings_release(&f);
	assert_int_equal(pol_open(ret->p, ret->len, doc), 0);
	buf_release(&json);
}

static void
fill_keys(char *text, struct pol_key *keys, struct pol_value *values,
    struct pol_request *req)
{
	char *next, *equals;
	size_t n = 0;

	for (; text != NULL && *text != 0; text = next) {
		if ((next = strchr(text, ';')) != NULL)
			*next++ = 0;
		equals = strchr(text, '=');
		*equals = 0;
		values[n] = (struct pol_value){ equals + 1, strlen(equals + 1) };
		keys[n] = (struct pol_key){ text, &values[n], 1, false };
		n++;
	}
	req->keys = keys;
	req->key_count = n;
}

static enum pol_effect
decide(const struct pol_source *v, size_t n, const char *action, const char *resource,
    const char *key_text)
{
	struct pol_set set = { .identity = { v, n } };
	struct pol_request req = { .principal = SARAH, .action = action,
		.resource = resource, .local_time = berlin };
	struct pol_decision d;
	struct pol_value values[8];
	struct pol_key keys[8];
	char text[300];

	snprintf(text, sizeof(text), "%s", key_text);
	fill_keys(text, keys, values, &req);
	assert_int_equal(pol_eval(&set, &req, &d), 0);
	return d.effect;
}

static void
test_policies__each_row_comes_out_as_written(void **state)
{
	struct pol_source src;
	struct buf b = BUF_INIT;
	size_t i;
	bool allowed;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		buf_reset(&b);
		load(rows[i].policy, &b, &src.doc);
		src.name = rows[i].policy;
		allowed = decide(&src, 1, rows[i].action, rows[i].resource, rows[i].keys) ==
		    POL_ALLOWED;
		if (allowed != (rows[i].expected == ALLOW))
			fail_msg("%s %s %s [%s]: %s", rows[i].policy, rows[i].action,
			    rows[i].resource, rows[i].keys, allowed ? "allowed" : "denied");
	}
	buf_release(&b);
}

static bool
is_asked(const char *dir, const char *file)
{
	char name[300];
	size_t i;

	snprintf(name, sizeof(name), "%s/%.*s", dir, (int)(strlen(file) - 5), file);
	for (i = 0; i < IAM_COUNT(rows); i++)
		if (strcmp(rows[i].policy, name) == 0)
			return true;
	return false;
}

/* Every file has rows above, and every one that ships as managed a description. */
static void
test_policies__none_is_left_out(void **state)
{
	static const char *const dirs[] = { "managed", "examples" };
	struct buf text = BUF_INIT;
	struct dirent *e;
	char path[300];
	size_t i;
	DIR *d;

	(void)state;
	assert_int_equal(file_read("policies/managed/descriptions.tsv", FILE_ANY, 65536,
	    &text), 0);
	for (i = 0; i < IAM_COUNT(dirs); i++) {
		snprintf(path, sizeof(path), "policies/%s", dirs[i]);
		assert_non_null(d = opendir(path));
		while ((e = readdir(d)) != NULL) {
			if (strstr(e->d_name, ".json") == NULL)
				continue;
			if (!is_asked(dirs[i], e->d_name))
				fail_msg("%s/%s has no row", dirs[i], e->d_name);
			snprintf(path, sizeof(path), "%.*s\t", (int)strlen(e->d_name) - 5,
			    e->d_name);
			if (i == 0 && strstr(buf_cstr(&text), path) == NULL)
				fail_msg("%s has no description", e->d_name);
		}
		closedir(d);
	}
	buf_release(&text);
}

static void
test_deny_without_mfa__limits_an_administrator(void **state)
{
	static const struct row v[] = {
		{ "", "host:Login", WEB1, "", DENY },
		{ "", "host:Login", WEB1, NO_MFA, DENY },
		{ "", "host:Login", WEB1, MFA, ALLOW },
		{ "", "iam:CreateUser", SARAH, NO_MFA, DENY },
		{ "", "iam:EnableMFADevice", SARAH, NO_MFA, ALLOW },
		{ "", "host:RunScheduled", WEB1, "", ALLOW },
	};
	struct buf b[2] = { BUF_INIT, BUF_INIT };
	struct pol_source src[2] = { { .name = "admin" }, { .name = "deny" } };
	enum pol_effect e;
	size_t i;

	(void)state;
	load("managed/AdministratorAccess", &b[0], &src[0].doc);
	load("managed/DenyWithoutMFA", &b[1], &src[1].doc);
	for (i = 0; i < IAM_COUNT(v); i++) {
		e = decide(src, 2, v[i].action, v[i].resource, v[i].keys);
		assert_int_equal(e, v[i].expected == ALLOW ? POL_ALLOWED : POL_EXPLICIT_DENY);
	}
	buf_release(&b[0]);
	buf_release(&b[1]);
}

static void
test_break_glass__needs_a_fresh_code(void **state)
{
	struct buf b = BUF_INIT;
	struct pol_source src = { .name = "break-glass" };

	(void)state;
	load("managed/BreakGlass", &b, &src.doc);
	assert_int_equal(decide(&src, 1, "iam:DeleteUser", SARAH, FRESH), POL_ALLOWED);
	assert_int_equal(decide(&src, 1, "iam:DeleteUser", SARAH,
	    MFA ";aws:MultiFactorAuthAge=901"), POL_IMPLICIT_DENY);
	assert_int_equal(decide(&src, 1, "iam:DeleteUser", SARAH, ""), POL_IMPLICIT_DENY);
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies__each_row_comes_out_as_written),
		cmocka_unit_test(test_policies__none_is_left_out),
		cmocka_unit_test(test_deny_without_mfa__limits_an_administrator),
		cmocka_unit_test(test_break_glass__needs_a_fresh_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
