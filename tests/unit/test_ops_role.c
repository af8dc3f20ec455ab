/* Roles: iamctl/ops_role.c. Shapes, limits and errors after the IAM API reference. */
#include "tests/unit/ops_bed.h"

#include "common/runtime/lastlogin.h"
#include "iamctl/util.h"

#define TRUST(principal) "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":" \
	"\"Allow\",\"Principal\":{\"AWS\":\"" principal "\"}," \
	"\"Action\":\"sts:AssumeRole\"}]}"
#define TRUST_ACCOUNT TRUST(BED_ACCOUNT)

static const char *
create(struct bed *b, const char *name, const char *trust)
{
	return bed_run(b, "CreateRole", json_pack("{s:s,s:s,s:s}", "RoleName", name,
	    "Path", "/ops/", "AssumeRolePolicyDocument", trust));
}

static void
test_create_role__gives_aws_shape_and_unix_account(void **state)
{
	struct bed *b = *state;
	json_t *doc;

	assert_string_equal(create(b, "Deploy", TRUST_ACCOUNT), "");
	assert_string_equal(bed_text(b, "Role.Arn"), BED_ARN "role/ops/Deploy");
	assert_int_equal(strlen(bed_text(b, "Role.RoleId")), 21);
	assert_memory_equal(bed_text(b, "Role.RoleId"), "AROA", 4);
	assert_string_equal(bed_text(b, "Role.CreateDate"), "2026-11-24T09:30:00Z");
	assert_int_equal(bed_int(b, "Role.MaxSessionDuration"), 3600);
	/* A JSON value, as the AWS CLI shows it. */
	assert_string_equal(bed_text(b, "Role.AssumeRolePolicyDocument.Statement.0"
	    ".Principal.AWS"), BED_ACCOUNT);
	assert_string_equal(bed_text(b, "Role.UnixName"), "deploy");
	assert_string_equal(bed_text(b, "Role.Home"), "/home/deploy");
	assert_int_equal(bed_int(b, "Role.Uid"), 2100000000);
	doc = bed_doc(b, "roles/deploy");
	assert_null(json_object_get(doc, "LoginProfile"));
	json_decref(doc);
	bed_ok(b, "GetRole", "{'RoleName':'DEPLOY'}");
	assert_string_equal(bed_text(b, "Role.RoleName"), "Deploy");
	bed_fails(b, "GetRole", "{'RoleName':'x'}", "NoSuchEntity");
	assert_string_equal(b->c.error_text, "The role with name x cannot be found.");
}

/* S26, S27: one space of names and ids with users and groups. */
static void
test_create_role__names_and_ids_are_shared_with_users_and_groups(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'sarah'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'crew'}");
	assert_string_equal(create(b, "Sarah", TRUST_ACCOUNT), "EntityAlreadyExists");
	assert_string_equal(create(b, "crew", TRUST_ACCOUNT), "EntityAlreadyExists");
	assert_string_equal(create(b, "local", TRUST_ACCOUNT), "EntityAlreadyExists");
	assert_string_equal(create(b, "root", TRUST_ACCOUNT), "InvalidInput");
	assert_string_equal(create(b, "deploy", TRUST_ACCOUNT), "");
	assert_int_equal(bed_int(b, "Role.Uid"), 2100000002);
	assert_string_equal(create(b, "DEPLOY", TRUST_ACCOUNT), "EntityAlreadyExists");
	assert_string_equal(b->c.error_text, "Role with name DEPLOY already exists.");
	bed_fails(b, "CreateUser", "{'UserName':'Deploy'}", "EntityAlreadyExists");
	bed_ok(b, "DeleteRole", "{'RoleName':'deploy'}");
	bed_fails(b, "CreateUser", "{'UserName':'again','Uid':2100000002}",
	    "EntityAlreadyExists");
}

static void
test_create_role__trust_policies_are_checked(void **state)
{
	static const struct {
		const char *trust, *code;
	} bad[] = {
		{ "{", "MalformedPolicyDocument" },
		{ BED_ALLOW, "MalformedPolicyDocument" }, /* Resource, no Principal */
		{ "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
		    "\"Principal\":\"*\",\"Action\":\"iam:CreateUser\"}}",
		    "MalformedPolicyDocument" },
		{ TRUST("arn:aws:iam::" BED_ACCOUNT ":user/nobody"),
		    "MalformedPolicyDocument" },
		{ TRUST("arn:aws:iam::" BED_ACCOUNT ":role/nobody"),
		    "MalformedPolicyDocument" },
	};
	struct bed *b = *state;
	char *large;
	size_t i;

	for (i = 0; i < IAM_COUNT(bad); i++)
		assert_string_equal(create(b, "r", bad[i].trust), bad[i].code);
	assert_non_null(strstr(b->c.error_text, "Invalid principal in policy"));
	bed_ok(b, "CreateUser", "{'UserName':'Sarah','Path':'/hq/'}");
	assert_string_equal(create(b, "r", TRUST("arn:aws:iam::" BED_ACCOUNT
	    ":user/Sarah")), "MalformedPolicyDocument"); /* another path */
	assert_string_equal(create(b, "r", TRUST("arn:aws:iam::" BED_ACCOUNT
	    ":user/hq/Sarah")), "");
	assert_string_equal(create(b, "s", TRUST("arn:aws:iam::999999999999:role/x")),
	    "");
	assert_true(asprintf(&large, "{\"Version\":\"2012-10-17\",\"Id\":\"%0*d\","
	    "\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
	    "\"sts:AssumeRole\"}]}", SIZE_TRUST, 0) > 0);
	assert_string_equal(create(b, "t", large), "LimitExceeded");
	free(large);
}

static void
test_update_assume_role_policy__replaces_and_checks(void **state)
{
	struct bed *b = *state;

	assert_string_equal(create(b, "r", TRUST_ACCOUNT), "");
	assert_string_equal(bed_run(b, "UpdateAssumeRolePolicy", json_pack(
	    "{s:s,s:s}", "RoleName", "r", "PolicyDocument", BED_ALLOW)),
	    "MalformedPolicyDocument");
	assert_string_equal(bed_run(b, "UpdateAssumeRolePolicy", json_pack(
	    "{s:s,s:s}", "RoleName", "r", "PolicyDocument",
	    TRUST("arn:aws:iam::" BED_ACCOUNT ":role/ops/r"))), "");
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	assert_string_equal(bed_text(b, "Role.AssumeRolePolicyDocument.Statement.0"
	    ".Principal.AWS"), BED_ARN "role/ops/r");
}

static void
test_update_role__changes_what_is_given(void **state)
{
	struct bed *b = *state;

	assert_string_equal(create(b, "r", TRUST_ACCOUNT), "");
	bed_ok(b, "UpdateRole", "{'RoleName':'r','Description':'Puts out',"
	    "'MaxSessionDuration':7200,'Shell':'/bin/sh'}");
	bed_ok(b, "UpdateRole", "{'RoleName':'r','Enabled':false}");
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	assert_string_equal(bed_text(b, "Role.Description"), "Puts out");
	assert_int_equal(bed_int(b, "Role.MaxSessionDuration"), 7200);
	assert_string_equal(bed_text(b, "Role.Shell"), "/bin/sh");
	assert_true(json_is_false(bed_at(b, "Role.Enabled")));
}

/* In GetRole only, as in AWS; from the host's own record of sessions. */
static void
test_get_role__last_used(void **state)
{
	const struct lastlogin now = { .at_s = BED_NOW - 60, .service = "su-l" };
	struct lastlogin before;
	struct bed *b = *state;
	char file[320];
	uint32_t uid;
	bool found;

	assert_string_equal(create(b, "r", TRUST_ACCOUNT), "");
	uid = (uint32_t)bed_int(b, "Role.Uid");
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	assert_true(json_is_object(bed_at(b, "Role.RoleLastUsed")));
	assert_null(bed_at(b, "Role.RoleLastUsed.LastUsedDate"));
	bed_file(IAM_PATH_HOST, "{\"region\":\"eu-central-1\",\"hostname\":\"web1\"}",
	    0644);
	assert_int_equal(lastlogin_swap(IAM_PATH_LOGINS, uid, &now, &found, &before), 0);
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	assert_string_equal(bed_text(b, "Role.RoleLastUsed.LastUsedDate"),
	    "2026-11-24T09:29:00Z");
	assert_string_equal(bed_text(b, "Role.RoleLastUsed.Region"), "eu-central-1");
	bed_ok(b, "ListRoles", "{}");
	assert_null(bed_at(b, "Roles.0.RoleLastUsed"));
	unlink(IAM_PATH_HOST);
	snprintf(file, sizeof(file), "%s/%u", IAM_PATH_LOGINS, uid);
	unlink(file);
}

static void
test_list_roles__pages_and_prefix(void **state)
{
	struct bed *b = *state;

	assert_string_equal(create(b, "b", TRUST_ACCOUNT), "");
	assert_string_equal(create(b, "A", TRUST_ACCOUNT), "");
	bed_ok(b, "ListRoles", "{'MaxItems':1}");
	assert_string_equal(bed_text(b, "Roles.0.RoleName"), "A");
	assert_string_equal(bed_text(b, "Marker"), "A");
	bed_ok(b, "ListRoles", "{'Marker':'A'}");
	assert_string_equal(bed_text(b, "Roles.0.RoleName"), "b");
	bed_ok(b, "ListRoles", "{'PathPrefix':'/other/'}");
	assert_int_equal(bed_size(b, "Roles"), 0);
}

static void
test_delete_role__policies_go_first(void **state)
{
	struct bed *b = *state;

	assert_string_equal(create(b, "r", TRUST_ACCOUNT), "");
	bed_ok(b, "AttachRolePolicy", "{'RoleName':'r','PolicyArn':'" BED_MANAGED
	    "'}");
	assert_string_equal(bed_policy(b, "PutRolePolicy", "RoleName", "r", "own",
	    BED_ALLOW), "");
	bed_ok(b, "GetRolePolicy", "{'RoleName':'r','PolicyName':'own'}");
	assert_string_equal(bed_text(b, "RoleName"), "r");
	bed_ok(b, "ListRolePolicies", "{'RoleName':'r'}");
	assert_string_equal(bed_text(b, "PolicyNames.0"), "own");
	bed_ok(b, "ListAttachedRolePolicies", "{'RoleName':'r'}");
	assert_string_equal(bed_text(b, "AttachedPolicies.0.PolicyName"), "HostLogin");
	bed_fails(b, "DeleteRole", "{'RoleName':'r'}", "DeleteConflict");
	assert_string_equal(b->c.error_text, "Cannot delete entity, must delete"
	    " policies first: own (delete-role-policy).");
	bed_ok(b, "DeleteRolePolicy", "{'RoleName':'r','PolicyName':'own'}");
	bed_fails(b, "DeleteRole", "{'RoleName':'r'}", "DeleteConflict");
	bed_ok(b, "DetachRolePolicy", "{'RoleName':'r','PolicyArn':'" BED_MANAGED
	    "'}");
	bed_ok(b, "DeleteRole", "{'RoleName':'r'}");
	bed_fails(b, "GetRole", "{'RoleName':'r'}", "NoSuchEntity");
}

static void
test_role__tags_and_boundary(void **state)
{
	struct bed *b = *state;

	assert_string_equal(create(b, "r", TRUST_ACCOUNT), "");
	bed_ok(b, "TagRole", "{'RoleName':'r','Tags':[{'Key':'a','Value':'1'},"
	    "{'Key':'b','Value':'2'}]}");
	bed_ok(b, "UntagRole", "{'RoleName':'r','TagKeys':['a']}");
	bed_ok(b, "ListRoleTags", "{'RoleName':'r'}");
	assert_int_equal(bed_size(b, "Tags"), 1);
	assert_string_equal(bed_text(b, "Tags.0.Key"), "b");
	bed_fails(b, "DeleteRolePermissionsBoundary", "{'RoleName':'r'}",
	    "NoSuchEntity");
	bed_ok(b, "PutRolePermissionsBoundary", "{'RoleName':'r',"
	    "'PermissionsBoundary':'" BED_MANAGED "'}");
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	assert_string_equal(bed_text(b, "Role.PermissionsBoundary"
	    ".PermissionsBoundaryArn"), BED_MANAGED);
	bed_ok(b, "ListEntitiesForPolicy", "{'PolicyArn':'" BED_MANAGED "'}");
	assert_string_equal(bed_text(b, "PolicyRoles.0.RoleName"), "r");
	bed_ok(b, "ListEntitiesForPolicy", "{'PolicyArn':'" BED_MANAGED "',"
	    "'EntityFilter':'User'}");
	assert_int_equal(bed_size(b, "PolicyRoles"), 0);
	bed_ok(b, "GetPolicy", "{'PolicyArn':'" BED_MANAGED "'}");
	assert_int_equal(bed_int(b, "Policy.PermissionsBoundaryUsageCount"), 1);
	bed_ok(b, "DeleteRolePermissionsBoundary", "{'RoleName':'r'}");
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	assert_null(bed_at(b, "Role.PermissionsBoundary"));
}

/* IAM User Guide, "Principal": the user is trusted, and nobody who has the name later. */
static void
test_trust__follows_the_user_and_not_the_name(void **state)
{
	struct bed *b = *state;
	const char *path = "Role.AssumeRolePolicyDocument.Statement.0.Principal.AWS";
	char id[32];

	bed_ok(b, "CreateUser", "{'UserName':'sarah'}");
	snprintf(id, sizeof(id), "%s", bed_text(b, "User.UserId"));
	assert_string_equal(create(b, "r", TRUST(BED_ARN "user/sarah")), "");
	assert_string_equal(create(b, "list", "{\"Version\":\"2012-10-17\",\"Statement\":{"
	    "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"" BED_ACCOUNT "\",\"" BED_ARN
	    "user\\/sarah\",\"" BED_ARN "role/ops/r\"]},\"Action\":\"sts:AssumeRole\"}}"), "");
	bed_ok(b, "UpdateUser", "{'UserName':'sarah','NewUserName':'sara',"
	    "'NewPath':'/hq/'}");
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	assert_string_equal(bed_text(b, path), BED_ARN "user/hq/sara");
	bed_ok(b, "DeleteUser", "{'UserName':'sara'}");
	bed_ok(b, "CreateUser", "{'UserName':'sara','Path':'/hq/'}");
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	assert_string_equal(bed_text(b, path), id);
	bed_ok(b, "GetRole", "{'RoleName':'list'}");
	path = "Role.AssumeRolePolicyDocument.Statement.Principal.AWS.1";
	assert_string_equal(bed_text(b, path), id);
	bed_ok(b, "GetRole", "{'RoleName':'r'}");
	snprintf(id, sizeof(id), "%s", bed_text(b, "Role.RoleId"));
	bed_ok(b, "DeleteRole", "{'RoleName':'r'}");
	bed_ok(b, "GetRole", "{'RoleName':'list'}");
	path = "Role.AssumeRolePolicyDocument.Statement.Principal.AWS.2";
	assert_string_equal(bed_text(b, path), id);
	path = "Role.AssumeRolePolicyDocument.Statement.Principal.AWS.0";
	assert_string_equal(bed_text(b, path), BED_ACCOUNT);
	bed_ok(b, "UpdateRole", "{'RoleName':'list','Description':'x'}");
}

static void
test_account__knows_roles(void **state)
{
	struct bed *b = *state;

	assert_string_equal(create(b, "r", TRUST_ACCOUNT), "");
	assert_string_equal(bed_policy(b, "PutRolePolicy", "RoleName", "r", "own",
	    BED_ALLOW), "");
	bed_ok(b, "GetAccountSummary", "{}");
	assert_int_equal(bed_int(b, "SummaryMap.Roles"), 1);
	assert_int_equal(bed_int(b, "SummaryMap.AssumeRolePolicySizeQuota"), 4096);
	bed_ok(b, "GetAccountAuthorizationDetails", "{'Filter':['Role']}");
	assert_string_equal(bed_text(b, "RoleDetailList.0.RoleName"), "r");
	assert_string_equal(bed_text(b, "RoleDetailList.0.RolePolicyList.0.PolicyName"),
	    "own");
	assert_non_null(bed_at(b, "RoleDetailList.0.AssumeRolePolicyDocument"
	    ".Statement"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_create_role__gives_aws_shape_and_unix_account),
		BED_TEST(test_create_role__names_and_ids_are_shared_with_users_and_groups),
		BED_TEST(test_create_role__trust_policies_are_checked),
		BED_TEST(test_update_assume_role_policy__replaces_and_checks),
		BED_TEST(test_update_role__changes_what_is_given),
		BED_TEST(test_get_role__last_used),
		BED_TEST(test_list_roles__pages_and_prefix),
		BED_TEST(test_delete_role__policies_go_first),
		BED_TEST(test_role__tags_and_boundary),
		BED_TEST(test_trust__follows_the_user_and_not_the_name),
		BED_TEST(test_account__knows_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
