/*
 * Simulation in AWS's shape (iamctl/simulate*.c, subject.c, ops_access.c).
 * Shapes and names: botocore's model of iam, and the IAM API reference.
 */
#include "tests/unit/ops_bed.h"

#include "common/store/store.h"

#define WEB1 "arn:aws:host:eu-central-1:" BED_ACCOUNT ":instance/web1"
#define ALLOW(action) "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"," \
	"\"Action\":\"" action "\",\"Resource\":\"*\"}]}"

/* A call of SimulateCustomPolicy; more is taken: what else it has. */
static const char *
custom(struct bed *b, const char *policy, json_t *more)
{
	json_t *in = json_pack("{s:[s],s:[s]}", "PolicyInputList", policy,
	    "ActionNames", "s3:GetObject");

	assert_non_null(more);
	assert_int_equal(json_object_update(in, more), 0);
	json_decref(more);
	return bed_run(b, "SimulateCustomPolicy", in);
}

static const char *
decision(struct bed *b)
{
	return bed_text(b, "EvaluationResults.0.EvalDecision");
}

/* ---- shapes ---- */

static void
test_simulate__matched_statements_have_their_place(void **state)
{
	static const char text[] = "{\"Version\": \"2012-10-17\",\n"
	    "  \"Id\": \"Gr\xc3\xb6\xc3\x9f" "e\", \"Statement\": [\n"
	    "    {\"Effect\": \"Allow\", \"Action\": \"ec2:*\", \"Resource\": \"*\"},\n"
	    "    {\"Sid\": \"S3\",\n"
	    "     \"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}]}";
	struct bed *b = *state;

	assert_string_equal(custom(b, text, json_object()), "");
	assert_string_equal(decision(b), "allowed");
	assert_int_equal(bed_int(b, "EvaluationResults.0.MatchedStatements.0."
	    "StartPosition.Line"), 4);
	assert_int_equal(bed_int(b, "EvaluationResults.0.MatchedStatements.0."
	    "StartPosition.Column"), 5);
	assert_int_equal(bed_int(b, "EvaluationResults.0.MatchedStatements.0."
	    "EndPosition.Line"), 5);
	assert_int_equal(bed_int(b, "EvaluationResults.0.MatchedStatements.0."
	    "EndPosition.Column"), 59);
	assert_null(bed_at(b, "EvaluationResults.0.ResourceSpecificResults"));
}

static void
test_simulate__a_resource_is_an_arn(void **state)
{
	static const char everything[] = "{\"Version\":\"2012-10-17\",\"Statement\":["
	    "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}";
	static const char *const bad[] = { "", "web1", "**", "arn:aws:s3", "arn:aws:s3:::",
		"urn:aws:s3:::box" };
	struct bed *b = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(bad); i++)
		assert_string_equal(custom(b, everything, json_pack("{s:[s]}",
		    "ResourceArns", bad[i])), "InvalidInput");
	assert_string_equal(custom(b, everything, json_pack("{s:[s]}",
	    "ResourceArns", "*")), "");
}

static void
test_simulate__resources_one_by_one_and_together(void **state)
{
	static const char policy[] = "{\"Version\":\"2012-10-17\",\"Statement\":["
	    "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::a\"}]}";
	struct bed *b = *state;

	assert_string_equal(custom(b, policy, json_pack("{s:[ss]}", "ResourceArns",
	    "arn:aws:s3:::a", "arn:aws:s3:::b")), "");
	assert_int_equal(bed_size(b, "EvaluationResults"), 2);
	assert_string_equal(bed_text(b, "EvaluationResults.1.EvalDecision"),
	    "implicitDeny");
	assert_string_equal(bed_text(b, "EvaluationResults.0."
	    "ResourceSpecificResults.0.EvalResourceDecision"), "allowed");
	assert_string_equal(custom(b, policy, json_pack("{s:[ss],s:s}",
	    "ResourceArns", "arn:aws:s3:::a", "arn:aws:s3:::b",
	    "ResourceHandlingOption", "EC2-VPC-EBS")), "");
	assert_int_equal(bed_size(b, "EvaluationResults"), 1);
	assert_string_equal(decision(b), "implicitDeny");
	assert_int_equal(bed_size(b, "EvaluationResults.0.ResourceSpecificResults"), 2);
	assert_string_equal(custom(b, policy, json_pack("{s:[ss],s:i}",
	    "ResourceArns", "arn:aws:s3:::a", "arn:aws:s3:::b", "MaxItems", 1)), "");
	assert_int_equal(bed_size(b, "EvaluationResults"), 1);
	assert_true(json_is_true(bed_at(b, "IsTruncated")));
	assert_string_equal(custom(b, policy, json_pack("{s:[ss],s:s}",
	    "ResourceArns", "arn:aws:s3:::a", "arn:aws:s3:::b", "Marker",
	    "000000000")), "");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalResourceName"),
	    "arn:aws:s3:::b");
}

/* Both accounts must allow; the details say what each side says. */
static void
test_simulate__between_accounts(void **state)
{
	static const char bucket[] = "{\"Version\":\"2012-10-17\",\"Statement\":["
	    "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\",\"Principal\":"
	    "{\"AWS\":\"" BED_ARN "user/bob\"}}]}";
	struct bed *b = *state;
	json_t *in;

	assert_string_equal(custom(b, ALLOW("s3:*"), json_pack("{s:s}",
	    "ResourcePolicy", bucket)), "InvalidInput"); /* who asks? */
	in = json_pack("{s:s,s:s,s:[s],s:s}", "ResourcePolicy", bucket, "CallerArn",
	    BED_ARN "user/bob", "ResourceArns", "arn:aws:s3:::box", "ResourceOwner",
	    "arn:aws:iam::999999999999:root");
	assert_string_equal(custom(b, ALLOW("s3:*"), json_incref(in)), "");
	assert_string_equal(decision(b), "allowed");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalDecisionDetails."
	    "IAM Policy"), "allowed");
	assert_string_equal(custom(b, ALLOW("ec2:*"), json_incref(in)), "");
	assert_string_equal(decision(b), "implicitDeny");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalDecisionDetails."
	    "IAM Policy"), "implicitDeny");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalDecisionDetails."
	    "Resource Policy"), "allowed");
	json_object_set_new(in, "ResourceOwner", json_string(BED_ACCOUNT));
	assert_string_equal(custom(b, ALLOW("ec2:*"), in), "");
	assert_string_equal(decision(b), "allowed");
	assert_string_equal(bed_text(b, "EvaluationResults.0.MatchedStatements.0."
	    "SourcePolicyType"), "resource");
	assert_int_equal(json_object_size(bed_at(b, "EvaluationResults.0."
	    "EvalDecisionDetails")), 0);
}

static void
test_simulate__boundary_and_control_policies(void **state)
{
	struct bed *b = *state;

	assert_string_equal(custom(b, ALLOW("s3:*"), json_pack("{s:[s],s:[s]}",
	    "PermissionsBoundaryPolicyInputList", ALLOW("s3:*"),
	    "ServiceControlPolicyInputList", ALLOW("ec2:*"))), "");
	assert_string_equal(decision(b), "implicitDeny");
	assert_true(json_is_true(bed_at(b, "EvaluationResults.0."
	    "PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary")));
	assert_true(json_is_false(bed_at(b, "EvaluationResults.0."
	    "OrganizationsDecisionDetail.AllowedByOrganizations")));
	assert_string_equal(bed_text(b, "EvaluationResults.0.Summary"),
	    "A service control policy does not allow it.");
}

/* Each type of AWS's takes what reads as it, alone and as a list. */
static void
test_simulate__types_of_context_entries(void **state)
{
	static const struct {
		const char *type, *good, *bad;
	} types[] = {
		{ "numeric", "900", "12abc" }, { "boolean", "true", "True" },
		{ "ip", "192.0.2.7", "192.0.2.0/24" }, { "binary", "QQ==", "Q" },
		{ "date", "2026-11-24T09:30:00Z", "2026-02-30" },
		{ "string", "anything", NULL },
	};
	struct bed *b = *state;
	char list[32];
	size_t i, j;

	for (i = 0; i < IAM_COUNT(types); i++) {
		snprintf(list, sizeof(list), "%sList", types[i].type);
		for (j = 0; j < 2; j++) {
			const char *type = j == 0 ? types[i].type : list;

			assert_string_equal(custom(b, ALLOW("s3:*"), json_pack(
			    "{s:[{s:s,s:[s],s:s}]}", "ContextEntries", "ContextKeyName",
			    "s3:x", "ContextKeyValues", types[i].good,
			    "ContextKeyType", type)), "");
			if (types[i].bad != NULL)
				assert_string_equal(custom(b, ALLOW("s3:*"), json_pack(
				    "{s:[{s:s,s:[s],s:s}]}", "ContextEntries",
				    "ContextKeyName", "s3:x", "ContextKeyValues",
				    types[i].bad, "ContextKeyType", type)), "InvalidInput");
		}
	}
	assert_string_equal(custom(b, ALLOW("s3:*"), json_pack("{s:[{s:s,s:[s],s:s}]}",
	    "ContextEntries", "ContextKeyName", "s3:x", "ContextKeyValues", "1",
	    "ContextKeyType", "number")), "InvalidInput");
}

/* ---- principals ---- */

static void
test_simulate_principal__groups_and_more_policies(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateGroup", "{'GroupName':'crew'}");
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "AddUserToGroup", "{'UserName':'bob','GroupName':'crew'}");
	bed_policy(b, "PutGroupPolicy", "GroupName", "crew", "Sudo", ALLOW("host:Sudo"));
	bed_ok(b, "AttachGroupPolicy",
	    "{'GroupName':'crew','PolicyArn':'" BED_MANAGED "'}");
	bed_publish(b);
	bed_ok(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN "group/crew',"
	    "'ActionNames':['host:Sudo','host:Login','host:SwitchUser']}");
	assert_string_equal(decision(b), "allowed");
	assert_string_equal(bed_text(b, "EvaluationResults.0.MatchedStatements.0."
	    "SourcePolicyId"), "group_crew_Sudo");
	assert_string_equal(bed_text(b, "EvaluationResults.0.MatchedStatements.0."
	    "SourcePolicyType"), "group");
	assert_int_equal(bed_int(b, "EvaluationResults.0.MatchedStatements.0."
	    "StartPosition.Line"), 1);
	assert_string_equal(bed_text(b, "EvaluationResults.1.EvalDecision"), "allowed");
	assert_string_equal(bed_text(b, "EvaluationResults.2.EvalDecision"),
	    "implicitDeny");
	/* Beside her own, and limited by another boundary. */
	assert_string_equal(bed_run(b, "SimulatePrincipalPolicy", json_pack(
	    "{s:s,s:[ss],s:[s],s:[s]}", "PolicySourceArn", BED_ARN "user/bob",
	    "ActionNames", "host:SwitchUser", "host:Sudo", "PolicyInputList",
	    ALLOW("host:SwitchUser"), "PermissionsBoundaryPolicyInputList",
	    ALLOW("host:SwitchUser"))), "");
	assert_string_equal(decision(b), "allowed");
	assert_string_equal(bed_text(b, "EvaluationResults.0.MatchedStatements.0."
	    "SourcePolicyId"), "PolicyInputList.1");
	assert_string_equal(bed_text(b, "EvaluationResults.1.EvalDecision"),
	    "implicitDeny");
	assert_string_equal(bed_text(b, "EvaluationResults.1.Summary"),
	    "The permissions boundary does not allow it.");
	bed_fails(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "group/none','ActionNames':['host:Sudo']}", "NoSuchEntity");
	bed_fails(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "user/bob'}", "InvalidInput");
	bed_unpublish();
}

static void
test_get_context_keys__of_policies_and_principals(void **state)
{
	static const char policy[] = "{\"Version\":\"2012-10-17\",\"Statement\":["
	    "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":"
	    "\"arn:aws:s3:::${aws:username}\",\"Condition\":{\"Bool\":"
	    "{\"aws:SecureTransport\":\"true\"}}}]}";
	struct bed *b = *state;

	assert_string_equal(bed_run(b, "GetContextKeysForCustomPolicy", json_pack(
	    "{s:[ss]}", "PolicyInputList", policy, policy)), "");
	assert_int_equal(bed_size(b, "ContextKeyNames"), 2);
	assert_string_equal(bed_text(b, "ContextKeyNames.1"), "aws:username");
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_policy(b, "PutUserPolicy", "UserName", "bob", "S3", policy);
	bed_publish(b);
	assert_string_equal(bed_run(b, "GetContextKeysForPrincipalPolicy", json_pack(
	    "{s:s,s:[s]}", "PolicySourceArn", BED_ARN "user/bob", "PolicyInputList",
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":"
	    "\"*\",\"Resource\":\"*\",\"Condition\":{\"Null\":{\"aws:SourceIp\":"
	    "\"true\"}}}}")), "");
	assert_int_equal(bed_size(b, "ContextKeyNames"), 3);
	bed_fails(b, "GetContextKeysForPrincipalPolicy",
	    "{'PolicySourceArn':'" BED_ARN "user/eve'}", "NoSuchEntity");
	bed_unpublish();
}

/* ---- tables of requests ---- */

static const char *
table(struct bed *b, const char *policy, const char *requests)
{
	return bed_run(b, "SimulateCustomPolicy", json_pack("{s:[s],s:s}",
	    "PolicyInputList", policy, "Requests", requests));
}

#define TUESDAYS "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"," \
	"\"Action\":\"host:Login\",\"Resource\":\"*\",\"Condition\":{\"TimeOfDayWithin\":" \
	"{\"aws:CurrentTime\":\"Tue 09:00-17:00 Europe/Berlin\"}}}," \
	"{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":" \
	"{\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"a\\tb\",\"c\"]}}}]}"

static void
test_requests__one_decision_a_line(void **state)
{
	struct bed *b = *state;

	assert_string_equal(table(b, TUESDAYS,
	    "# people\nActionName\tResourceArn\taws:CurrentTime\taws:TagKeys[]\r\n"
	    "host:Login\t" WEB1 "\t2026-11-24T09:00:00+01:00\t\n"
	    "\n"
	    "host:Login\t" WEB1 "\t2026-11-24T07:59:59Z\r\n"
	    "host:Login\t\t\t\n"
	    "host:Login\t*\t2026-11-24T09:00:00Z\tx|a\\tb\n"
	    "host:Login\t*\t2026-11-24T09:00:00Z\tx|y"), "");
	assert_string_equal(buf_cstr(&b->c.lines),
	    "allowed\tPolicyInputList.1\t1\n"
	    "implicitDeny\n"
	    "implicitDeny\n"
	    "explicitDeny\tPolicyInputList.1\t2\n"
	    "allowed\tPolicyInputList.1\t1\n");
	assert_int_equal(b->c.exit_status, 0);
}

/* A policy's test: what it should decide stands beside the request. */
static void
test_requests__what_is_expected(void **state)
{
	static const char requests[] = "EvalDecision\tActionName\taws:CurrentTime\n"
	    "allowed\thost:Login\t2026-11-24T09:00:00Z\n"
	    "allowed\thost:Login\t2026-11-25T09:00:00Z\n"
	    "\thost:Sudo\t\n";
	struct bed *b = *state;

	assert_string_equal(table(b, TUESDAYS, requests), "");
	assert_int_equal(b->c.exit_status, 1);
	assert_int_equal(json_array_size(b->c.warnings), 2);
	assert_string_equal(json_string_value(json_array_get(b->c.warnings, 0)),
	    "Requests, line 3: implicitDeny, not allowed as expected.");
	assert_string_equal(json_string_value(json_array_get(b->c.warnings, 1)),
	    "1 of 3 decisions are not as expected.");
}

static void
test_requests__mistakes_have_a_line(void **state)
{
	static const struct {
		const char *requests, *text;
	} cases[] = {
		{ "# nothing\n", "there is no line" },
		{ "host:Login\t*\n", "\"*\" is no column" },
		{ "host:Login\n", "no column ActionName" },
		{ "Action\tResourceArn\n", "\"Action\" is no column" },
		{ "ActionName\taws:username\tAWS:UserName\n", "two columns" },
		{ "ActionName\n\nhost:Login\tx\n", "line 3: it has more fields" },
		{ "ActionName\tResourceArn\nhost:Login\t*\nhost:Login\tarn:aws:s3\n",
		    "line 3: a resource is an ARN" },
		{ "ActionName\nhost:*\n", "line 2: \"host:*\" is not the name" },
		{ "ActionName\taws:CurrentTime\nhost:Login\tnoon\n", "line 2: aws:CurrentTime" },
		{ "ActionName\tEvalDecision\nhost:Sudo\tdenied\n", "line 2: EvalDecision is" },
	};
	struct bed *b = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(cases); i++) {
		assert_string_equal(table(b, TUESDAYS, cases[i].requests), "InvalidInput");
		if (strstr(b->c.error_text, cases[i].text) == NULL)
			fail_msg("%s: %s", cases[i].requests, b->c.error_text);
	}
	assert_string_equal(bed_run(b, "SimulateCustomPolicy", json_pack(
	    "{s:[s],s:s,s:[s]}", "PolicyInputList", TUESDAYS, "Requests",
	    "ActionName\n", "ActionNames", "host:Login")), "InvalidInput");
}

/* S44: a table asks as a single question does, host facts included. */
static void
test_requests__S44_of_a_principal(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob','Tags':[{'Key':'team','Value':'a'}]}");
	bed_policy(b, "PutUserPolicy", "UserName", "bob", "Own",
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":"
	    "\"host:Login\",\"Resource\":\"" WEB1 "\",\"Condition\":{\"StringEquals\":"
	    "{\"aws:PrincipalTag/team\":\"a\",\"host:DayOfWeek\":\"Tue\"}}}}");
	bed_publish(b);
	assert_string_equal(bed_run(b, "SimulatePrincipalPolicy", json_pack(
	    "{s:s,s:s}", "PolicySourceArn", BED_ARN "user/bob", "Requests",
	    "ActionName\taws:CurrentTime\taws:PrincipalTag/team\n"
	    "host:Login\n"
	    "host:Login\t2026-11-25T12:00:00Z\n"
	    "host:Login\t\tb\n")), "");
	assert_string_equal(buf_cstr(&b->c.lines), "allowed\tuser_bob_Own\t1\n"
	    "implicitDeny\nimplicitDeny\n");
	bed_unpublish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_simulate__matched_statements_have_their_place),
		BED_TEST(test_simulate__a_resource_is_an_arn),
		BED_TEST(test_simulate__resources_one_by_one_and_together),
		BED_TEST(test_simulate__between_accounts),
		BED_TEST(test_simulate__boundary_and_control_policies),
		BED_TEST(test_simulate__types_of_context_entries),
		BED_TEST(test_simulate_principal__groups_and_more_policies),
		BED_TEST(test_get_context_keys__of_policies_and_principals),
		BED_TEST(test_requests__one_decision_a_line),
		BED_TEST(test_requests__what_is_expected),
		BED_TEST(test_requests__mistakes_have_a_line),
		BED_TEST(test_requests__S44_of_a_principal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
