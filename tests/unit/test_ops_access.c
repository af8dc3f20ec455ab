/*
 * Account, simulation, validation, trail, and the table of errors:
 * iamctl/ops_account.c, ops_access.c, ops_trail.c, findings.c, qr.c.
 */
#include "tests/unit/ops_bed.h"

#include "common/runtime/runtime.h"
#include "common/store/store.h"
#include "common/trail/trail.h"
#include "iamctl/qr.h"

/* ---- account ---- */

static void
test_account_alias__one_at_a_time(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "ListAccountAliases", "{}");
	assert_int_equal(bed_size(b, "AccountAliases"), 0);
	bed_ok(b, "CreateAccountAlias", "{'AccountAlias':'acme'}");
	bed_ok(b, "CreateAccountAlias", "{'AccountAlias':'acme-2'}");
	bed_ok(b, "ListAccountAliases", "{}");
	assert_string_equal(bed_text(b, "AccountAliases.0"), "acme-2");
	assert_int_equal(bed_size(b, "AccountAliases"), 1);
	bed_fails(b, "DeleteAccountAlias", "{'AccountAlias':'acme'}",
	    "NoSuchEntity");
	bed_ok(b, "DeleteAccountAlias", "{'AccountAlias':'acme-2'}");
}

static void
test_get_account_summary__counts(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'crew'}");
	bed_policy(b, "CreatePolicy", "Path", "/", "P", BED_ALLOW);
	bed_ok(b, "GetAccountSummary", "{}");
	assert_int_equal(bed_int(b, "SummaryMap.Users"), 1);
	assert_int_equal(bed_int(b, "SummaryMap.Groups"), 1);
	assert_int_equal(bed_int(b, "SummaryMap.Policies"), 1);
	assert_int_equal(bed_int(b, "SummaryMap.PolicyVersionsInUse"), 1);
	assert_int_equal(bed_int(b, "SummaryMap.PolicySizeQuota"), 6144);
}

/* S9: no hash and no sealed seed leaves with it. */
static void
test_get_account_authorization_details__all_but_secrets(void **state)
{
	struct bed *b = *state;
	char *text;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'crew'}");
	bed_ok(b, "AddUserToGroup", "{'UserName':'bob','GroupName':'crew'}");
	bed_ok(b, "CreateLoginProfile", "{'UserName':'bob','Password':'long one'}");
	bed_policy(b, "PutUserPolicy", "UserName", "bob", "In", BED_ALLOW);
	bed_policy(b, "CreatePolicy", "Path", "/", "P", BED_ALLOW);
	bed_ok(b, "AttachGroupPolicy",
	    "{'GroupName':'crew','PolicyArn':'" BED_MANAGED "'}");
	bed_ok(b, "GetAccountAuthorizationDetails", "{}");
	assert_string_equal(bed_text(b, "UserDetailList.0.GroupList.0"), "crew");
	assert_string_equal(bed_text(b, "UserDetailList.0.UserPolicyList.0."
	    "PolicyDocument.Statement.0.Sid"), "In");
	assert_string_equal(bed_text(b,
	    "GroupDetailList.0.AttachedManagedPolicies.0.PolicyArn"), BED_MANAGED);
	assert_int_equal(bed_size(b, "Policies"), 2);
	assert_int_equal(bed_size(b, "RoleDetailList"), 0);
	text = json_dumps(b->c.out, 0);
	assert_null(strstr(text, "PasswordHash"));
	assert_null(strstr(text, "$y$"));
	free(text);
	bed_ok(b, "GetAccountAuthorizationDetails", "{'Filter':['Group']}");
	assert_int_equal(bed_size(b, "UserDetailList"), 0);
	assert_int_equal(bed_size(b, "GroupDetailList"), 1);
	bed_ok(b, "GetAccountAuthorizationDetails", "{'MaxItems':1}");
	assert_true(json_is_true(bed_at(b, "IsTruncated")));
	bed_ok(b, "GetAccountAuthorizationDetails", "{'Marker':'0/bob'}");
	assert_int_equal(bed_size(b, "UserDetailList"), 0);
	assert_int_equal(bed_size(b, "Policies"), 2);
}

static void
test_get_caller_identity(void **state)
{
	struct bed *b = *state;

	b->caller = "bob";
	bed_ok(b, "GetCallerIdentity", "{}");
	assert_string_equal(bed_text(b, "Account"), BED_ACCOUNT);
	assert_string_equal(bed_text(b, "Arn"), BED_ARN "user/bob");
}

/* ---- simulation ---- */

#define TUESDAYS "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Tue\"," \
	"\"Effect\":\"Allow\",\"Action\":\"host:Login\",\"Resource\":\"*\"," \
	"\"Condition\":{\"TimeOfDayWithin\":{\"aws:CurrentTime\":" \
	"\"Tue 09:00-17:00 Europe/Berlin\"}}}]}"

static const char *
custom(struct bed *b, const char *policy, const char *action, const char *now)
{
	return bed_run(b, "SimulateCustomPolicy", json_pack(
	    "{s:[s],s:[s],s:[{s:s,s:[s],s:s}]}", "PolicyInputList", policy,
	    "ActionNames", action, "ContextEntries", "ContextKeyName",
	    "aws:CurrentTime", "ContextKeyValues", now, "ContextKeyType", "date"));
}

/* Sarah, Tuesdays 9 to 5: the edges of the issue's story, in winter time. */
static void
test_simulate_custom_policy__sarah_on_tuesdays(void **state)
{
	static const struct {
		const char *now, *decision;
	} cases[] = {
		{ "2026-11-24T08:00:00Z", "allowed" },
		{ "2026-11-24T07:59:59Z", "implicitDeny" },
		{ "2026-11-24T16:59:59+01:00", "allowed" },
		{ "2026-11-24T17:00:00+01:00", "implicitDeny" },
		{ "2026-11-23T12:00:00Z", "implicitDeny" },
	};
	struct bed *b = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(cases); i++) {
		assert_string_equal(custom(b, TUESDAYS, "host:Login", cases[i].now), "");
		assert_string_equal(bed_text(b, "EvaluationResults.0.EvalDecision"),
		    cases[i].decision);
	}
	assert_true(bed_size(b, "EvaluationResults.0.Explanation") > 0);
	custom(b, TUESDAYS, "host:Login", cases[0].now);
	assert_string_equal(bed_text(b,
	    "EvaluationResults.0.MatchedStatements.0.SourcePolicyId"),
	    "PolicyInputList.1");
	assert_string_equal(bed_text(b,
	    "EvaluationResults.0.MatchedStatements.0.Sid"), "Tue");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalResourceName"),
	    "*");
}

static void
test_simulate_custom_policy__boundary_and_missing_keys(void **state)
{
	struct bed *b = *state;

	assert_string_equal(bed_run(b, "SimulateCustomPolicy", json_pack(
	    "{s:[s],s:[s],s:[ss],s:[s]}", "PolicyInputList", BED_ALLOW,
	    "PermissionsBoundaryPolicyInputList", TUESDAYS, "ActionNames",
	    "host:Login", "host:Sudo", "ResourceArns",
	    "arn:aws:host:eu:" BED_ACCOUNT ":instance/web1")), "");
	assert_int_equal(bed_size(b, "EvaluationResults"), 2);
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalDecision"),
	    "implicitDeny");
	assert_true(json_is_false(bed_at(b, "EvaluationResults.0."
	    "PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary")));
	assert_string_equal(bed_text(b,
	    "EvaluationResults.0.MissingContextValues.0"), "aws:CurrentTime");
}

static void
test_simulate_custom_policy__bad_input(void **state)
{
	struct bed *b = *state;

	assert_string_equal(custom(b, "{", "host:Login", "2026-11-24T08:00:00Z"),
	    "InvalidInput");
	assert_string_equal(custom(b, BED_ALLOW, "host:*", "2026-11-24T08:00:00Z"),
	    "InvalidInput");
	assert_string_equal(custom(b, BED_ALLOW, "host:Login", "yesterday"),
	    "InvalidInput");
	assert_string_equal(custom(b, BED_ALLOW, "host:Login",
	    "2026-02-30T00:00:00Z"), "InvalidInput");
}

/* S44: simulation and login share one evaluator and one snapshot. */
static void
test_simulate_principal_policy__as_a_login_would_be_decided(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'sarah'}");
	bed_policy(b, "PutUserPolicy", "UserName", "sarah", "Days", TUESDAYS);
	bed_publish(b);
	/* BED_NOW is a Tuesday, 10:30 in Berlin. */
	bed_ok(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "user/sarah','ActionNames':['host:Login','host:Sudo','s3:GetObject']}");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalDecision"),
	    "allowed");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalResourceName"),
	    "arn:aws:host:eu-central-1:" BED_ACCOUNT ":instance/web1");
	assert_string_equal(bed_text(b,
	    "EvaluationResults.0.MatchedStatements.0.SourcePolicyType"), "user");
	assert_string_equal(bed_text(b, "EvaluationResults.1.EvalDecision"),
	    "implicitDeny");
	assert_string_equal(bed_text(b, "EvaluationResults.2.EvalResourceName"),
	    "*");
	assert_int_equal(json_array_size(b->c.warnings), 0);
	bed_ok(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "user/sarah','ActionNames':['host:Login'],'ContextEntries':["
	    "{'ContextKeyName':'aws:CurrentTime','ContextKeyValues':"
	    "['2026-11-24T17:00:00+01:00'],'ContextKeyType':'date'}]}");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalDecision"),
	    "implicitDeny");
	bed_fails(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "user/bob','ActionNames':['host:Login']}", "NoSuchEntity");
	bed_fails(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "group/x','ActionNames':['host:Login']}", "NoSuchEntity");
	bed_fails(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "policy/x','ActionNames':['host:Login']}", "InvalidInput");
	bed_ok(b, "CreateUser", "{'UserName':'late'}");
	bed_fails(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "user/late','ActionNames':['host:Login']}", "PolicyEvaluation");
	bed_ok(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "user/sarah','ActionNames':['host:Login']}");
	assert_int_equal(json_array_size(b->c.warnings), 1);
	bed_unpublish();
}

static void
test_simulate_principal_policy__a_role(void **state)
{
	struct bed *b = *state;

	assert_string_equal(bed_run(b, "CreateRole", json_pack("{s:s,s:s}",
	    "RoleName", "Deploy", "AssumeRolePolicyDocument", "{\"Version\":"
	    "\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\","
	    "\"Action\":\"sts:AssumeRole\"}}")), "");
	assert_string_equal(bed_policy(b, "PutRolePolicy", "RoleName", "Deploy",
	    "own", "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
	    "\"Action\":\"host:Login\",\"Resource\":\"*\",\"Condition\":{"
	    "\"StringEquals\":{\"aws:PrincipalType\":\"AssumedRole\"}}}}"), "");
	bed_publish(b);
	bed_ok(b, "SimulatePrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "role/Deploy','ActionNames':['host:Login','host:Sudo']}");
	assert_string_equal(bed_text(b, "EvaluationResults.0.EvalDecision"),
	    "allowed");
	assert_string_equal(bed_text(b, "EvaluationResults.0.MatchedStatements.0"
	    ".SourcePolicyId"), "role_Deploy_own");
	assert_string_equal(bed_text(b, "EvaluationResults.0.MatchedStatements.0"
	    ".SourcePolicyType"), "role");
	assert_int_equal(bed_int(b, "EvaluationResults.0.MatchedStatements.0"
	    ".StartPosition.Line"), 1);
	assert_string_equal(bed_text(b, "EvaluationResults.1.EvalDecision"),
	    "implicitDeny");
	bed_ok(b, "GetContextKeysForPrincipalPolicy", "{'PolicySourceArn':'" BED_ARN
	    "role/Deploy'}");
	assert_string_equal(bed_text(b, "ContextKeyNames.0"), "aws:PrincipalType");
	bed_unpublish();
}

/* ---- ValidatePolicy ---- */

static json_t *
trust_policy(const char *type, const char *resource_type)
{
	return json_pack("{s:s,s:s*,s:s*}", "policyDocument",
	    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
	    "\"Principal\":{\"AWS\":\"" BED_ACCOUNT "\"},"
	    "\"Action\":\"sts:AssumeRole\"}]}", "policyType", type,
	    "validatePolicyResourceType", resource_type);
}

static void
test_validate_policy__trust_policies(void **state)
{
	struct bed *b = *state;

	assert_string_equal(bed_run(b, "ValidatePolicy",
	    trust_policy("RESOURCE_POLICY", "AWS::IAM::AssumeRolePolicyDocument")), "");
	assert_int_equal(bed_size(b, "findings"), 0);
	/* Any other resource policy needs a resource. */
	assert_string_equal(bed_run(b, "ValidatePolicy",
	    trust_policy("RESOURCE_POLICY", NULL)), "");
	assert_int_equal(bed_size(b, "findings"), 1);
	assert_string_equal(bed_run(b, "ValidatePolicy",
	    trust_policy(NULL, "AWS::IAM::AssumeRolePolicyDocument")),
	    "ValidationException");
}


static void
test_validate_policy__locations(void **state)
{
	static const char bad[] = "{\n  \"Version\": \"2012-10-17\",\n"
	    "  \"Statement\": [{\"Effect\": \"Alow\", \"Action\": \"host:Login\","
	    " \"Resource\": \"*\"}]\n}";
	struct bed *b = *state;

	assert_string_equal(bed_run(b, "ValidatePolicy",
	    json_pack("{s:s}", "policyDocument", bad)), "");
	assert_string_equal(bed_text(b, "findings.0.findingType"), "ERROR");
	assert_string_equal(bed_text(b, "findings.0.locations.0.path.0.value"),
	    "Statement");
	assert_int_equal(bed_int(b, "findings.0.locations.0.path.1.index"), 0);
	assert_string_equal(bed_text(b, "findings.0.locations.0.path.2.value"),
	    "Effect");
	assert_int_equal(bed_int(b, "findings.0.locations.0.span.start.line"), 3);
	assert_int_equal(bed_int(b, "findings.0.locations.0.span.end.offset") -
	    bed_int(b, "findings.0.locations.0.span.start.offset"), 6);
	assert_memory_equal(bad + bed_int(b,
	    "findings.0.locations.0.span.start.offset"), "\"Alow\"", 6);
	assert_string_equal(bed_run(b, "ValidatePolicy",
	    json_pack("{s:s}", "policyDocument", BED_ALLOW)), "");
}

/* The validator's list of host actions has every operation of the table. */
static void
test_validate_policy__knows_every_operation_of_the_host(void **state)
{
	const struct op *const *o;
	struct bed *b = *state;
	char text[200];

	for (o = op_all(); *o != NULL; o++) {
		if (strcmp((*o)->service, "host") != 0)
			continue;
		snprintf(text, sizeof(text), "{\"Version\":\"2012-10-17\",\"Statement\":"
		    "{\"Effect\":\"Allow\",\"Action\":\"host:%s\",\"Resource\":\"*\"}}",
		    (*o)->name);
		assert_string_equal(bed_run(b, "ValidatePolicy",
		    json_pack("{s:s}", "policyDocument", text)), "");
		if (bed_size(b, "findings") != 0)
			fail_msg("host:%s: %s", (*o)->name,
			    bed_text(b, "findings.0.findingDetails"));
	}
}

/* ---- trail ---- */

static void
record(const char *name, const char *user, const char *error)
{
	const struct trail_where where = { .file = IAM_PATH_TRAIL,
		.spool = IAM_ROOT "/run/iam/spool", .auth_gid = (gid_t)-1 };
	struct trail_event e = { .who = { .type = "IAMUser", .user_name = user,
		.mfa = -1 }, .source = "host.iam", .name = name, .type = "AwsApiCall",
		.region = "eu-central-1", .account_id = BED_ACCOUNT,
		.source_ip = "192.0.2.1", .user_agent = "test", .error_code = error,
		.now_s = BED_NOW };
	enum trail_kept kept;

	assert_int_equal(trail_event_id(e.event_id), 0);
	assert_int_equal(trail_write(&where, &e, &kept), 0);
	assert_int_equal(kept, TRAIL_WRITTEN);
}

static void
test_lookup_events__filters_pages_and_outcome(void **state)
{
	struct bed *b = *state;
	char in[120];

	unlink(IAM_PATH_TRAIL);
	bed_ok(b, "LookupEvents", "{}");
	assert_int_equal(bed_size(b, "Events"), 0);
	record("Login", "sarah", NULL);
	record("Login", "bob", "AccessDenied");
	record("Sudo", "sarah", NULL);
	bed_ok(b, "LookupEvents", "{}");
	assert_int_equal(bed_size(b, "Events"), 3);
	assert_string_equal(bed_text(b, "Events.0.EventName"), "Sudo");
	assert_string_equal(bed_text(b, "Events.1.Outcome"), "AccessDenied");
	assert_string_equal(bed_text(b, "Events.2.Outcome"), "Success");
	assert_string_equal(bed_text(b, "Events.2.EventTime"),
	    "2026-11-24T09:30:00Z");
	assert_non_null(strstr(bed_text(b, "Events.2.CloudTrailEvent"),
	    "\"sarah\""));
	bed_ok(b, "LookupEvents", "{'LookupAttributes':[{'AttributeKey':"
	    "'Username','AttributeValue':'sarah'}],'MaxResults':1}");
	assert_int_equal(bed_size(b, "Events"), 1);
	snprintf(in, sizeof(in), "{'NextToken':'%s'}", bed_text(b, "NextToken"));
	bed_ok(b, "LookupEvents", in);
	assert_int_equal(bed_size(b, "Events"), 2);
	bed_fails(b, "LookupEvents", "{'NextToken':'x'}",
	    "InvalidNextTokenException");
	bed_fails(b, "LookupEvents", "{'LookupAttributes':[{'AttributeKey':"
	    "'Colour','AttributeValue':'red'}]}",
	    "InvalidLookupAttributesException");
	bed_fails(b, "LookupEvents", "{'StartTime':'noon'}",
	    "InvalidTimeRangeException");
	bed_fails(b, "LookupEvents",
	    "{'StartTime':'2026-11-25','EndTime':'2026-11-24'}",
	    "InvalidTimeRangeException");
	bed_ok(b, "LookupEvents", "{'StartTime':'2026-11-25'}");
	assert_int_equal(bed_size(b, "Events"), 0);
	unlink(IAM_PATH_TRAIL);
}

static void
test_validate_logs__a_changed_record_is_found(void **state)
{
	struct bed *b = *state;
	struct buf text = BUF_INIT;

	unlink(IAM_PATH_TRAIL);
	record("Login", "sarah", NULL);
	record("Login", "bob", NULL);
	bed_ok(b, "ValidateLogs", "{}");
	assert_true(json_is_true(bed_at(b, "Validation.Valid")));
	assert_int_equal(bed_int(b, "Validation.Records"), 2);
	assert_int_equal(b->c.exit_status, 0);
	assert_int_equal(file_read(IAM_PATH_TRAIL, FILE_SECRET, 65536, &text), 0);
	memcpy(strstr((char *)text.p, "sarah"), "clara", 5);
	bed_file(IAM_PATH_TRAIL, buf_cstr(&text), 0600);
	buf_release(&text);
	bed_ok(b, "ValidateLogs", "{}");
	assert_true(json_is_false(bed_at(b, "Validation.Valid")));
	assert_int_equal(b->c.exit_status, 1);
	unlink(IAM_PATH_TRAIL);
}

/* ---- errors ---- */

/* One row an operation that names something: what is not there is NoSuchEntity. */
static void
test_operations__absent_entities(void **state)
{
	static const struct {
		const char *op, *in;
	} cases[] = {
		{ "GetUser", "{'UserName':'x'}" },
		{ "UpdateUser", "{'UserName':'x'}" },
		{ "DeleteUser", "{'UserName':'x'}" },
		{ "TagUser", "{'UserName':'x','Tags':[]}" },
		{ "UntagUser", "{'UserName':'x','TagKeys':[]}" },
		{ "ListUserTags", "{'UserName':'x'}" },
		{ "PutUserPermissionsBoundary",
		    "{'UserName':'x','PermissionsBoundary':'" BED_MANAGED "'}" },
		{ "DeleteUserPermissionsBoundary", "{'UserName':'x'}" },
		{ "GetGroup", "{'GroupName':'x'}" },
		{ "UpdateGroup", "{'GroupName':'x'}" },
		{ "DeleteGroup", "{'GroupName':'x'}" },
		{ "AddUserToGroup", "{'GroupName':'x','UserName':'bob'}" },
		{ "AddUserToGroup", "{'GroupName':'crew','UserName':'x'}" },
		{ "RemoveUserFromGroup", "{'GroupName':'crew','UserName':'bob'}" },
		{ "ListGroupsForUser", "{'UserName':'x'}" },
		{ "GetPolicy", "{'PolicyArn':'" BED_ARN "policy/x'}" },
		{ "DeletePolicy", "{'PolicyArn':'" BED_ARN "policy/x'}" },
		{ "CreatePolicyVersion",
		    "{'PolicyArn':'" BED_ARN "policy/x','PolicyDocument':'{}'}" },
		{ "ListPolicyVersions", "{'PolicyArn':'" BED_ARN "policy/x'}" },
		{ "ListEntitiesForPolicy", "{'PolicyArn':'" BED_ARN "policy/x'}" },
		{ "TagPolicy", "{'PolicyArn':'" BED_ARN "policy/x','Tags':[]}" },
		{ "ListPolicyTags", "{'PolicyArn':'" BED_ARN "policy/x'}" },
		{ "AttachUserPolicy",
		    "{'UserName':'bob','PolicyArn':'" BED_ARN "policy/x'}" },
		{ "DetachGroupPolicy",
		    "{'GroupName':'crew','PolicyArn':'" BED_ARN "policy/x'}" },
		{ "ListAttachedGroupPolicies", "{'GroupName':'x'}" },
		{ "PutUserPolicy", "{'UserName':'x','PolicyName':'p',"
		    "'PolicyDocument':'{}'}" },
		{ "GetUserPolicy", "{'UserName':'bob','PolicyName':'p'}" },
		{ "DeleteGroupPolicy", "{'GroupName':'crew','PolicyName':'p'}" },
		{ "CreateLoginProfile", "{'UserName':'x','Password':'long one'}" },
		{ "GetLoginProfile", "{'UserName':'bob'}" },
		{ "UpdateLoginProfile", "{'UserName':'bob'}" },
		{ "DeleteLoginProfile", "{'UserName':'bob'}" },
		{ "ChangePassword", "{'UserName':'x','NewPassword':'long one'}" },
		{ "GetLoginStatus", "{'UserName':'x'}" },
		{ "UnlockUser", "{'UserName':'x'}" },
		{ "EnableMFADevice", "{'UserName':'bob','SerialNumber':'" BED_ARN
		    "mfa/x','AuthenticationCode1':'000000',"
		    "'AuthenticationCode2':'000001'}" },
		{ "DeactivateMFADevice", "{'SerialNumber':'" BED_ARN "mfa/x'}" },
		{ "DeleteVirtualMFADevice", "{'SerialNumber':'GAHT12345678'}" },
		{ "ListMFADevices", "{'UserName':'x'}" },
		{ "ListSSHPublicKeys", "{'UserName':'x'}" },
		{ "DeleteSSHPublicKey", "{'UserName':'bob',"
		    "'SSHPublicKeyId':'APKAQQQQQQQQQQQQQQQQQ'}" },
		{ "DeleteAccountAlias", "{'AccountAlias':'acme'}" },
	};
	struct bed *b = *state;
	uint64_t revision;
	size_t i;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'crew'}");
	revision = store_revision(b->store);
	for (i = 0; i < IAM_COUNT(cases); i++) {
		if (strcmp(bed_call(b, cases[i].op, cases[i].in),
		    "NoSuchEntity") != 0)
			fail_msg("%s: %s", cases[i].op, b->c.error_text);
		assert_true(strlen(b->c.error_text) > 20);
	}
	assert_int_equal(store_revision(b->store), revision);
}

/* Every row is whole: help, and a handler. */
static void
test_op_all__rows_are_complete(void **state)
{
	const struct op *const *o;
	const struct op_param *p;

	(void)state;
	for (o = op_all(); *o != NULL; o++) {
		assert_non_null((*o)->run);
		assert_non_null((*o)->service);
		assert_non_null((*o)->summary);
		for (p = (*o)->params; p != NULL && p->name != NULL; p++)
			assert_non_null(p->help);
	}
}

static void
test_get_login_status__without_any_attempt(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "GetLoginStatus", "{'UserName':'bob'}");
	assert_true(json_is_true(bed_at(b, "LoginStatus.Enabled")));
	assert_true(json_is_false(bed_at(b, "LoginStatus.HasPassword")));
	assert_int_equal(bed_int(b, "LoginStatus.FailedAttempts"), 0);
	assert_int_equal(json_array_size(bed_at(b, "LoginStatus.Sources")), 0);
	bed_ok(b, "UnlockUser", "{'UserName':'bob'}");
	assert_false(b->c.publish);
}

static void
fail_four_times(uint32_t uid, const char *rhost)
{
	const struct runtime_limits limits = { 100, 300 };
	struct runtime_attempt a;
	struct runtime *rt;
	bool begun;
	int i;

	bed_dir(IAM_PATH_RUN);
	assert_int_equal(runtime_open(IAM_PATH_RUN, (gid_t)-1, &rt), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(runtime_attempt_begin(rt, uid,
		    runtime_source_remote(rhost), time(NULL), &limits, &begun, &a), 0);
		assert_int_equal(runtime_attempt_end(rt, &a, RUNTIME_FAILED,
		    time(NULL), NULL), 0);
	}
	runtime_close(rt);
}

/* S16: who has failed, from where, until when; and unlocked. */
static void
test_get_login_status__sources_and_unlock(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "GetUser", "{'UserName':'bob'}");
	fail_four_times((uint32_t)bed_int(b, "User.Uid"), "2001:db8::7");
	bed_ok(b, "GetLoginStatus", "{'UserName':'bob'}");
	assert_int_equal(bed_int(b, "LoginStatus.FailedAttempts"), 4);
	assert_string_equal(json_string_value(bed_at(b,
	    "LoginStatus.Sources.0.Source")), "2001:db8::/64");
	assert_int_equal(bed_int(b, "LoginStatus.Sources.0.FailedAttempts"), 4);
	assert_non_null(bed_at(b, "LoginStatus.Sources.0.LastFailure"));
	bed_ok(b, "UnlockUser", "{'UserName':'bob'}");
	bed_ok(b, "GetLoginStatus", "{'UserName':'bob'}");
	assert_int_equal(bed_int(b, "LoginStatus.FailedAttempts"), 0);
	assert_int_equal(json_array_size(bed_at(b, "LoginStatus.Sources")), 0);
}

static void
test_flush_trail__moves_the_spool(void **state)
{
	static const char body[] = "{\"eventVersion\":\"1.11\",\"eventName\":\"Sudo\","
	    "\"additionalEventData\":{}}";
	struct bed *b = *state;

	bed_dir(IAM_PATH_RUN "/spool");
	assert_int_equal(chmod(IAM_PATH_RUN "/spool", 0770), 0);
	bed_file(IAM_PATH_RUN "/spool/000001795512600000000000-0000000001-00", body,
	    0600);
	bed_ok(b, "FlushTrail", "{}");
	assert_int_equal(bed_int(b, "Moved"), 1);
	bed_ok(b, "FlushTrail", "{}");
	assert_int_equal(bed_int(b, "Moved"), 0);
}

/* ---- QR ---- */

/* A version 1 symbol has 21 modules: with margins, 25 columns. */
static void
test_qr_terminal__size_and_finder_pattern(void **state)
{
	struct buf out = BUF_INIT;
	char text[3000];

	(void)state;
	assert_int_equal(qr_terminal("A", false, &out), 0);
	assert_int_equal(out.len, 25 * (2 * 25 + 1));
	/* Two light rows, then the finder: two light, seven dark, one light. */
	assert_memory_equal(out.p + 2 * 51, "####" "              " "##", 20);
	buf_reset(&out);
	assert_int_equal(qr_terminal("A", true, &out), 0);
	assert_memory_equal(out.p, "\033[40;97m\xe2\x96\x88", 11);
	buf_reset(&out);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(qr_terminal(text, true, &out), IAM_ERR_LIMIT);
	assert_int_equal(qr_png(text, &out), IAM_ERR_LIMIT);
	buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_simulate_principal_policy__a_role),
		BED_TEST(test_account_alias__one_at_a_time),
		BED_TEST(test_get_account_summary__counts),
		BED_TEST(test_get_account_authorization_details__all_but_secrets),
		BED_TEST(test_get_caller_identity),
		BED_TEST(test_simulate_custom_policy__sarah_on_tuesdays),
		BED_TEST(test_simulate_custom_policy__boundary_and_missing_keys),
		BED_TEST(test_simulate_custom_policy__bad_input),
		BED_TEST(test_simulate_principal_policy__as_a_login_would_be_decided),
		BED_TEST(test_validate_policy__trust_policies),
		BED_TEST(test_validate_policy__locations),
		BED_TEST(test_validate_policy__knows_every_operation_of_the_host),
		BED_TEST(test_lookup_events__filters_pages_and_outcome),
		BED_TEST(test_validate_logs__a_changed_record_is_found),
		BED_TEST(test_operations__absent_entities),
		cmocka_unit_test(test_op_all__rows_are_complete),
		BED_TEST(test_get_login_status__without_any_attempt),
		BED_TEST(test_get_login_status__sources_and_unlock),
		BED_TEST(test_flush_trail__moves_the_spool),
		cmocka_unit_test(test_qr_terminal__size_and_finder_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
