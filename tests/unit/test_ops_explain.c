/* Logins explained: iamctl/ops_explain.c. */
#include "tests/unit/ops_bed.h"

#include "common/trail/trail.h"
#include "iamctl/cli.h"

static char id[37];

/* An event as the module writes it. */
static void
record(const char *source, const char *name, const char *user,
    const char *message, const char *additional)
{
	const struct trail_where where = { .file = IAM_PATH_TRAIL,
		.spool = IAM_ROOT "/run/iam/spool", .auth_gid = (gid_t)-1 };
	struct trail_event e = { .who = { .type = "IAMUser", .user_name = user,
		.arn = BED_ARN "user/bob", .mfa = -1 }, .source = source, .name = name,
		.type = "AwsConsoleSignIn", .region = "eu-central-1",
		.account_id = BED_ACCOUNT, .source_ip = "192.0.2.1",
		.user_agent = "test", .error_message = message,
		.additional = additional, .now_s = BED_NOW };

	assert_int_equal(trail_event_id(e.event_id), 0);
	assert_int_equal(trail_write(&where, &e, NULL), 0);
	snprintf(id, sizeof(id), "%s", e.event_id);
}

static const char *
explain(struct bed *b)
{
	char in[80];

	snprintf(in, sizeof(in), "{'EventId':'%s'}", id);
	return bed_call(b, "ExplainLogin", in);
}

static void
explain_reason(struct bed *b, const char *reason, const char *more)
{
	char additional[512];

	snprintf(additional, sizeof(additional), "{\"Service\":\"sshd\",%s"
	    "\"reason\":\"%s\"}", more, reason);
	record("host.iam", "Login", "bob", "Failed authentication", additional);
	assert_string_equal(explain(b), "");
	assert_string_equal(bed_text(b, "LoginExplanation.Reason"), reason);
	assert_string_equal(bed_text(b, "LoginExplanation.Outcome"), "Failure");
	assert_string_equal(bed_text(b, "LoginExplanation.Service"), "sshd");
}

#define SUMMARY(part) \
	assert_non_null(strstr(bed_text(b, "LoginExplanation.Summary"), (part)))
#define STEP(n, text) \
	assert_string_equal(bed_text(b, "LoginExplanation.NextSteps." #n), (text))

/* What is to be typed next must be something that iamctl takes. */
static void
check_steps(struct bed *b)
{
	const json_t *step;
	char line[1024], *argv[32], *save = NULL, *word;
	struct cli cli;
	size_t i;
	int argc;

	json_array_foreach(bed_at(b, "LoginExplanation.NextSteps"), i, step) {
		snprintf(line, sizeof(line), "%s", json_string_value(step));
		argc = 0;
		for (word = strtok_r(line, " ", &save); word != NULL && argc < 31;
		    word = strtok_r(NULL, " ", &save))
			argv[argc++] = word;
		argv[argc] = NULL;
		assert_string_equal(argv[0], "iamctl");
		if (cli_parse(argc, argv, &cli) != 0)
			fail_msg("%s: %s", json_string_value(step), cli.error);
	}
}

/* Every reason that the module gives has a sentence of its own. */
static void
test_explain_login__every_reason(void **state)
{
	static const char *const all[] = { "WrongPassword", "WrongPasswordOrCode",
		"WrongCode", "CodeReused", "NoDevice", "RecoveryCodeNotHere",
		"EnrolmentOver", "EnrolmentNotCompleted", "EnrolmentNotHere", "Throttled",
		"SourceThrottled", "AdoptedUserMissing", "InvalidAnswer", "UserDisabled", "NoLoginProfile", "NoSuchUser",
		"NotGoverned", "NameClash", "StaleConfiguration",
		"SnapshotUnavailable", "RuntimeUnavailable", "InternalError",
		"PasswordExpired", "CertificateOfAnother", "CertificateRevoked",
		"CertificateExpired", "CertificateDamaged", "RoleNotAssumed", "RoleSessionEnded",
		"RoleDisabled", "NoTrustPolicy", "CallerNotGoverned",
		"CallerNotKnown" };
	struct bed *b = *state;
	size_t i;

	unlink(IAM_PATH_TRAIL);
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	for (i = 0; i < IAM_COUNT(all); i++) {
		explain_reason(b, all[i], "");
		assert_null(strstr(bed_text(b, "LoginExplanation.Summary"),
		    "does not say more"));
		check_steps(b);
	}
	unlink(IAM_PATH_TRAIL);
}

static void
test_explain_login__code_and_throttle(void **state)
{
	struct bed *b = *state;
	json_t *doc;

	unlink(IAM_PATH_TRAIL);
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	explain_reason(b, "WrongCode", "");
	SUMMARY("clock is off");
	assert_string_equal(bed_text(b, "LoginExplanation.Details.0"),
	    "User bob has no MFA device.");
	/* A device whose clock is as far off as it is followed. */
	doc = json_pack("{s:s,s:s,s:i,s:i,s:i}", "SerialNumber", BED_ARN "mfa/p",
	    "UserName", "bob", "Period", 30, "DriftSteps", 1, "LearntDriftSteps", 5);
	assert_int_equal(store_begin(b->store), 0);
	assert_int_equal(store_put(b->store, "mfa/p", doc), 0);
	assert_int_equal(store_commit(b->store, "test", "Test", NULL), 0);
	json_decref(doc);
	explain_reason(b, "CodeReused", "");
	SUMMARY("used before");
	assert_non_null(strstr(bed_text(b, "LoginExplanation.Details.0"),
	    "runs +150 s against the host's, as far as logins follow it"));
	STEP(0, "iamctl list-mfa-devices --user-name bob");
	explain_reason(b, "Throttled", "");
	STEP(0, "iamctl get-login-status --user-name bob");
	STEP(1, "iamctl unlock-user --user-name bob");
	explain_reason(b, "PasswordExpired", "");
	STEP(0, "iamctl update-login-profile --user-name bob --password-stdin"
	    " --password-reset-required");
	explain_reason(b, "CertificateRevoked", "\"CertificateSerial\":\"77\",");
	assert_string_equal(bed_text(b, "LoginExplanation.Details.0"),
	    "Its serial number is 77.");
	explain_reason(b, "EnrolmentOver", "");
	STEP(0, "iamctl allow-mfa-enrolment --user-name bob");
	unlink(IAM_PATH_TRAIL);
}

static void
test_explain_login__policies(void **state)
{
	struct bed *b = *state;

	unlink(IAM_PATH_TRAIL);
	record("host.iam", "Sudo", "bob", "Access denied by policy",
	    "{\"Decision\":\"implicitDeny\",\"MatchedStatements\":[],"
	    "\"MissingContextValues\":[\"aws:PrincipalTag/department\"],"
	    "\"Explanation\":\"the window is Tue 09:00-17:00\"}");
	assert_string_equal(explain(b), "");
	SUMMARY("No statement");
	assert_string_equal(bed_text(b, "LoginExplanation.Details.0"),
	    "the window is Tue 09:00-17:00");
	assert_string_equal(bed_text(b, "LoginExplanation.Details.1"),
	    "A statement asks for aws:PrincipalTag/department, which was not there.");
	check_steps(b);
	assert_memory_equal(bed_text(b, "LoginExplanation.NextSteps.0"),
	    "iamctl simulate-principal-policy --policy-source-arn " BED_ARN "user/bob"
	    " --action-names host:Sudo ", 100);
	record("host.iam", "Login", "bob", "Access denied by policy",
	    "{\"Decision\":\"explicitDeny\",\"MatchedStatements\":[{"
	    "\"SourcePolicyId\":\"user_bob_p\",\"StatementIndex\":1,"
	    "\"StatementId\":\"NoWeekends\",\"Effect\":\"Deny\"}]}");
	assert_string_equal(explain(b), "");
	SUMMARY("denies it");
	assert_string_equal(bed_text(b, "LoginExplanation.Details.0"),
	    "Statement 1 NoWeekends of user_bob_p: Deny.");
	record("host.iam", "Login", "bob", NULL, "{\"Decision\":\"allowed\"}");
	assert_string_equal(explain(b), "");
	SUMMARY("permitted");
	assert_string_equal(bed_text(b, "LoginExplanation.Outcome"), "Success");
	unlink(IAM_PATH_TRAIL);
}

/* Of a role that was refused, and of a session of a role. */
static void
test_explain_login__roles(void **state)
{
	const struct trail_where where = { IAM_PATH_TRAIL, IAM_PATH_RUN "/spool",
		(gid_t)-1 };
	struct trail_event e = { .who = { .type = "IAMUser", .arn = BED_ARN
		"user/bob", .user_name = "bob", .mfa = -1 }, .source =
		"sts.amazonaws.com", .name = "AssumeRole", .type = "AwsApiCall",
		.user_agent = "pam_iam/0 (su)", .error_code = "AccessDenied",
		.request_parameters = "{\"roleArn\":\"" BED_ARN "role/ops/Deploy\"}",
		.additional = "{\"Decision\":\"implicitDeny\"}", .now_s = BED_NOW };
	struct bed *b = *state;

	unlink(IAM_PATH_TRAIL);
	assert_int_equal(trail_event_id(e.event_id), 0);
	assert_int_equal(trail_write(&where, &e, NULL), 0);
	snprintf(id, sizeof(id), "%s", e.event_id);
	assert_string_equal(explain(b), "");
	SUMMARY("No statement");
	STEP(0, "iamctl simulate-principal-policy --policy-source-arn " BED_ARN
	    "user/bob --action-names sts:AssumeRole --resource-arns " BED_ARN
	    "role/ops/Deploy");
	STEP(1, "iamctl get-role --role-name Deploy");
	check_steps(b);
	e.who = (struct trail_identity){ .type = "AssumedRole", .arn = "arn:aws:sts::"
		BED_ACCOUNT ":assumed-role/Deploy/ci", .issuer_arn = BED_ARN
		"role/ops/Deploy", .mfa = -1 };
	e.source = "host.iam";
	e.name = "Sudo";
	e.request_parameters = NULL;
	assert_int_equal(trail_event_id(e.event_id), 0);
	assert_int_equal(trail_write(&where, &e, NULL), 0);
	snprintf(id, sizeof(id), "%s", e.event_id);
	assert_string_equal(explain(b), "");
	assert_string_equal(bed_text(b, "LoginExplanation.UserName"), "ci");
	assert_non_null(strstr(bed_text(b, "LoginExplanation.NextSteps.0"),
	    "--policy-source-arn " BED_ARN "role/ops/Deploy --action-names host:Sudo"
	    " --context-entries"));
	check_steps(b);
	/* What is on another user is asked for that one. */
	e.name = "SwitchUser";
	e.request_parameters = "{\"targetUser\":\"" BED_ARN "user/eve\"}";
	assert_int_equal(trail_event_id(e.event_id), 0);
	assert_int_equal(trail_write(&where, &e, NULL), 0);
	snprintf(id, sizeof(id), "%s", e.event_id);
	assert_string_equal(explain(b), "");
	assert_non_null(strstr(bed_text(b, "LoginExplanation.NextSteps.0"),
	    "host:SwitchUser --resource-arns " BED_ARN "user/eve --context-entries"));
	check_steps(b);
	unlink(IAM_PATH_TRAIL);
}

static void
test_explain_login__other_events(void **state)
{
	struct bed *b = *state;

	unlink(IAM_PATH_TRAIL);
	snprintf(id, sizeof(id), "00000000-0000-4000-8000-000000000000");
	assert_string_equal(explain(b), "NoSuchEntity");
	record("iam.amazonaws.com", "CreateUser", "bob", NULL, NULL);
	assert_string_equal(explain(b), "InvalidInput");
	unlink(IAM_PATH_TRAIL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_explain_login__every_reason),
		BED_TEST(test_explain_login__code_and_throttle),
		BED_TEST(test_explain_login__policies),
		BED_TEST(test_explain_login__roles),
		BED_TEST(test_explain_login__other_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
