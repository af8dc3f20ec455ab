/* Groups and policies: iamctl/ops_group.c, ops_policy.c, entity_policy.c. */
#include "tests/unit/ops_bed.h"

#define OWN_ARN BED_ARN "policy/Deploy"

static void
test_create_group__unix_group_beside_the_iam_group(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'Marketing','LocalGroups':['adm']}");
	assert_string_equal(bed_text(b, "Group.Arn"), BED_ARN "group/Marketing");
	assert_memory_equal(bed_text(b, "Group.GroupId"), "AGPA", 4);
	assert_string_equal(bed_text(b, "Group.UnixName"), "marketing");
	assert_int_equal(bed_int(b, "Group.Gid"), 2100000001);
	assert_string_equal(bed_text(b, "Group.LocalGroups.0"), "adm");
	bed_fails(b, "CreateGroup", "{'GroupName':'MARKETING'}",
	    "EntityAlreadyExists");
	/* A user has a private group of the same name. */
	bed_fails(b, "CreateGroup", "{'GroupName':'Bob'}", "EntityAlreadyExists");
	bed_fails(b, "CreateGroup", "{'GroupName':'g','LocalGroups':['root']}",
	    "InvalidInput");
}

static void
test_membership__add_list_rename_remove(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateUser", "{'UserName':'Alice'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'Crew'}");
	bed_ok(b, "AddUserToGroup", "{'GroupName':'crew','UserName':'BOB'}");
	bed_ok(b, "AddUserToGroup", "{'GroupName':'crew','UserName':'bob'}");
	bed_ok(b, "AddUserToGroup", "{'GroupName':'crew','UserName':'alice'}");
	bed_ok(b, "GetGroup", "{'GroupName':'Crew','MaxItems':1}");
	assert_string_equal(bed_text(b, "Users.0.UserName"), "Alice");
	assert_string_equal(bed_text(b, "Marker"), "Alice");
	bed_fails(b, "DeleteGroup", "{'GroupName':'Crew'}", "DeleteConflict");
	bed_ok(b, "UpdateGroup", "{'GroupName':'Crew','NewGroupName':'Team'}");
	bed_ok(b, "ListGroupsForUser", "{'UserName':'bob'}");
	assert_int_equal(bed_size(b, "Groups"), 1);
	assert_string_equal(bed_text(b, "Groups.0.GroupName"), "Team");
	assert_string_equal(bed_text(b, "Groups.0.UnixName"), "crew");
	bed_ok(b, "RemoveUserFromGroup", "{'GroupName':'team','UserName':'bob'}");
	bed_fails(b, "RemoveUserFromGroup",
	    "{'GroupName':'team','UserName':'bob'}", "NoSuchEntity");
	bed_ok(b, "RemoveUserFromGroup", "{'GroupName':'team','UserName':'alice'}");
	bed_ok(b, "DeleteGroup", "{'GroupName':'Team'}");
}

static void
test_add_user_to_group__ten_at_most(void **state)
{
	struct bed *b = *state;
	char in[80];
	int i;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	for (i = 0; i < 11; i++) {
		snprintf(in, sizeof(in), "{'GroupName':'g%d'}", i);
		bed_ok(b, "CreateGroup", in);
		snprintf(in, sizeof(in), "{'GroupName':'g%d','UserName':'bob'}", i);
		assert_string_equal(bed_call(b, "AddUserToGroup", in),
		    i < 10 ? "" : "LimitExceeded");
	}
}

static void
test_create_policy__shape_and_uniqueness(void **state)
{
	struct bed *b = *state;

	assert_string_equal(bed_policy(b, "CreatePolicy", "Description", "Why",
	    "Deploy", BED_ALLOW), "");
	assert_string_equal(bed_text(b, "Policy.Arn"), OWN_ARN);
	assert_memory_equal(bed_text(b, "Policy.PolicyId"), "ANPA", 4);
	assert_string_equal(bed_text(b, "Policy.DefaultVersionId"), "v1");
	assert_int_equal(bed_int(b, "Policy.AttachmentCount"), 0);
	assert_true(json_is_true(bed_at(b, "Policy.IsAttachable")));
	assert_string_equal(bed_text(b, "Policy.Description"), "Why");
	assert_string_equal(bed_policy(b, "CreatePolicy", "Path", "/x/", "DEPLOY",
	    BED_ALLOW), "EntityAlreadyExists");
	bed_ok(b, "GetPolicyVersion",
	    "{'PolicyArn':'" OWN_ARN "','VersionId':'v1'}");
	assert_string_equal(
	    bed_text(b, "PolicyVersion.Document.Statement.0.Effect"), "Allow");
	bed_fails(b, "GetPolicy", "{'PolicyArn':'" BED_ARN "policy/deploy'}",
	    "NoSuchEntity");
	bed_fails(b, "GetPolicy",
	    "{'PolicyArn':'arn:aws:iam::999999999999:policy/Deploy'}",
	    "NoSuchEntity");
}

/* S41: what cannot be understood wholly is not kept in part. */
static void
test_create_policy__malformed_says_where(void **state)
{
	static const char bad[] = "{\n \"Version\": \"2012-10-17\",\n"
	    " \"Statement\": [{\"Effect\": \"Alow\", \"Action\": \"*\","
	    " \"Resource\": \"*\"}]\n}";
	struct bed *b = *state;

	assert_string_equal(bed_policy(b, "CreatePolicy", "Path", "/", "P", bad),
	    "MalformedPolicyDocument");
	assert_non_null(strstr(b->c.error_text, "line 3, column "));
	assert_non_null(strstr(b->c.error_text, "Statement[0].Effect"));
	assert_string_equal(bed_policy(b, "CreatePolicy", "Path", "/", "P", "{"),
	    "MalformedPolicyDocument");
	assert_string_equal(bed_policy(b, "CreatePolicy", "Path", "/", "P", ""),
	    "MalformedPolicyDocument");
	bed_ok(b, "ListPolicies", "{'Scope':'Local'}");
	assert_int_equal(bed_size(b, "Policies"), 0);
}

/* A policy of so many characters, white space not counted. */
static void
sized_policy(struct buf *text, size_t chars)
{
	size_t i;

	buf_reset(text);
	buf_puts(text, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":"
	    "\"Allow\",\"Action\":\"host:Login\",\"Resource\":[\"*\"");
	for (i = 0; text->len + 48 < chars; i++)
		buf_printf(text, ",\"arn:aws:s3:::%05zu\"", i);
	buf_puts(text, ",\"arn:aws:s3:::");
	while (text->len + 4 < chars)
		buf_putc(text, 'a');
	buf_puts(text, "\"]}}");
	assert_int_equal(text->len, chars);
	for (i = 0; i < 3000; i++)
		buf_putc(text, ' ');
}

/* White space is not counted; 6,144 characters are (AWS: IAM and STS quotas). */
static void
test_create_policy__size_quota(void **state)
{
	struct bed *b = *state;
	struct buf text = BUF_INIT;

	sized_policy(&text, 6144);
	assert_string_equal(bed_policy(b, "CreatePolicy", "Path", "/", "P",
	    buf_cstr(&text)), "");
	sized_policy(&text, 6145);
	assert_string_equal(bed_policy(b, "CreatePolicy", "Path", "/", "Q",
	    buf_cstr(&text)), "LimitExceeded");
	buf_release(&text);
}

static void
test_policy_versions__five_and_the_default(void **state)
{
	struct bed *b = *state;
	int i;

	bed_policy(b, "CreatePolicy", "Path", "/", "Deploy", BED_ALLOW);
	for (i = 2; i <= 6; i++)
		assert_string_equal(bed_policy(b, "CreatePolicyVersion", "PolicyArn",
		    OWN_ARN, NULL, BED_ALLOW), i < 6 ? "" : "LimitExceeded");
	bed_fails(b, "DeletePolicyVersion",
	    "{'PolicyArn':'" OWN_ARN "','VersionId':'v1'}", "DeleteConflict");
	bed_ok(b, "SetDefaultPolicyVersion",
	    "{'PolicyArn':'" OWN_ARN "','VersionId':'v5'}");
	bed_ok(b, "DeletePolicyVersion",
	    "{'PolicyArn':'" OWN_ARN "','VersionId':'v1'}");
	/* Numbers are never used again. */
	bed_policy(b, "CreatePolicyVersion", "PolicyArn", OWN_ARN, NULL, BED_ALLOW);
	assert_string_equal(bed_text(b, "PolicyVersion.VersionId"), "v6");
	bed_ok(b, "ListPolicyVersions", "{'PolicyArn':'" OWN_ARN "','MaxItems':2}");
	assert_string_equal(bed_text(b, "Versions.0.VersionId"), "v6");
	assert_true(json_is_true(bed_at(b, "Versions.1.IsDefaultVersion")));
	bed_fails(b, "DeletePolicy", "{'PolicyArn':'" OWN_ARN "'}",
	    "DeleteConflict");
	bed_fails(b, "SetDefaultPolicyVersion",
	    "{'PolicyArn':'" OWN_ARN "','VersionId':'v9'}", "NoSuchEntity");
}

static void
test_attach__lists_counts_and_conflicts(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'crew'}");
	bed_policy(b, "CreatePolicy", "Path", "/", "Deploy", BED_ALLOW);
	bed_ok(b, "AttachUserPolicy",
	    "{'UserName':'bob','PolicyArn':'" OWN_ARN "'}");
	bed_ok(b, "AttachUserPolicy",
	    "{'UserName':'bob','PolicyArn':'" OWN_ARN "'}");
	bed_ok(b, "AttachGroupPolicy",
	    "{'GroupName':'crew','PolicyArn':'" OWN_ARN "'}");
	bed_ok(b, "AttachUserPolicy",
	    "{'UserName':'bob','PolicyArn':'" BED_MANAGED "'}");
	bed_ok(b, "ListAttachedUserPolicies", "{'UserName':'bob'}");
	assert_int_equal(bed_size(b, "AttachedPolicies"), 2);
	bed_ok(b, "GetPolicy", "{'PolicyArn':'" OWN_ARN "'}");
	assert_int_equal(bed_int(b, "Policy.AttachmentCount"), 2);
	bed_ok(b, "ListEntitiesForPolicy", "{'PolicyArn':'" OWN_ARN "'}");
	assert_string_equal(bed_text(b, "PolicyGroups.0.GroupName"), "crew");
	assert_string_equal(bed_text(b, "PolicyUsers.0.UserName"), "bob");
	assert_int_equal(bed_size(b, "PolicyRoles"), 0);
	bed_fails(b, "DeletePolicy", "{'PolicyArn':'" OWN_ARN "'}",
	    "DeleteConflict");
	bed_ok(b, "ListPolicies", "{'OnlyAttached':true}");
	assert_int_equal(bed_size(b, "Policies"), 2);
	assert_string_equal(bed_text(b, "Policies.1.Arn"), BED_MANAGED);
	bed_ok(b, "DetachUserPolicy",
	    "{'UserName':'bob','PolicyArn':'" OWN_ARN "'}");
	bed_ok(b, "DetachGroupPolicy",
	    "{'GroupName':'crew','PolicyArn':'" OWN_ARN "'}");
	bed_ok(b, "DeletePolicy", "{'PolicyArn':'" OWN_ARN "'}");
}

/* A marker holds the whole key, however long a policy's path makes its ARN. */
static void
test_list_attached_policies__pages_of_long_arns(void **state)
{
	struct bed *b = *state;
	char path[401], arn[600], marker[1100];
	int i;

	memset(path, 'p', sizeof(path) - 1);
	path[0] = path[sizeof(path) - 2] = '/';
	path[sizeof(path) - 1] = '\0';
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	for (i = 0; i < 2; i++) {
		assert_string_equal(bed_run(b, "CreatePolicy", json_pack(
		    "{s:s,s:s,s:s}", "PolicyName", i == 0 ? "one" : "two", "Path",
		    path, "PolicyDocument", BED_ALLOW)), "");
		snprintf(arn, sizeof(arn), "%s", bed_text(b, "Policy.Arn"));
		assert_string_equal(bed_run(b, "AttachUserPolicy", json_pack(
		    "{s:s,s:s}", "UserName", "bob", "PolicyArn", arn)), "");
	}
	bed_ok(b, "ListAttachedUserPolicies", "{'UserName':'bob','MaxItems':1}");
	assert_string_equal(bed_text(b, "AttachedPolicies.0.PolicyName"), "one");
	snprintf(marker, sizeof(marker), "%s", bed_text(b, "Marker"));
	assert_string_equal(bed_run(b, "ListAttachedUserPolicies", json_pack(
	    "{s:s,s:i,s:s}", "UserName", "bob", "MaxItems", 1, "Marker", marker)),
	    "");
	assert_string_equal(bed_text(b, "AttachedPolicies.0.PolicyName"), "two");
	assert_true(json_is_false(bed_at(b, "IsTruncated")));
}

static void
test_shipped_policies__are_read_only(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "GetPolicy", "{'PolicyArn':'" BED_MANAGED "'}");
	assert_string_equal(bed_text(b, "Policy.PolicyName"), "HostLogin");
	bed_fails(b, "DeletePolicy", "{'PolicyArn':'" BED_MANAGED "'}",
	    "AccessDenied");
	assert_string_equal(bed_policy(b, "CreatePolicyVersion", "PolicyArn",
	    BED_MANAGED, NULL, BED_ALLOW), "AccessDenied");
	bed_fails(b, "GetPolicy",
	    "{'PolicyArn':'arn:aws:iam::aws:policy/../../../etc/passwd'}",
	    "NoSuchEntity");
	bed_ok(b, "ListPolicies", "{'Scope':'AWS'}");
	assert_int_equal(bed_size(b, "Policies"), 1);
}

static void
test_inline_policies__put_get_list_delete(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'crew'}");
	assert_string_equal(bed_policy(b, "PutUserPolicy", "UserName", "bob",
	    "Night", BED_ALLOW), "");
	assert_string_equal(bed_policy(b, "PutUserPolicy", "UserName", "bob",
	    "NIGHT", BED_ALLOW), "");
	assert_string_equal(bed_policy(b, "PutGroupPolicy", "GroupName", "crew",
	    "Day", BED_ALLOW), "");
	bed_ok(b, "ListUserPolicies", "{'UserName':'bob'}");
	assert_int_equal(bed_size(b, "PolicyNames"), 1);
	assert_string_equal(bed_text(b, "PolicyNames.0"), "Night");
	bed_ok(b, "GetGroupPolicy", "{'GroupName':'crew','PolicyName':'day'}");
	assert_string_equal(bed_text(b, "PolicyDocument.Statement.0.Sid"), "In");
	assert_string_equal(bed_policy(b, "PutUserPolicy", "UserName", "bob", "x",
	    "{\"Statement\":1}"), "MalformedPolicyDocument");
	bed_ok(b, "DeleteUserPolicy", "{'UserName':'bob','PolicyName':'night'}");
	bed_fails(b, "DeleteUserPolicy",
	    "{'UserName':'bob','PolicyName':'night'}", "NoSuchEntity");
	bed_fails(b, "DeleteGroup", "{'GroupName':'crew'}", "DeleteConflict");
}

/* 2,048 characters for all inline policies of a user together. */
static void
test_put_user_policy__sizes_add_up(void **state)
{
	struct bed *b = *state;
	char name[8];
	size_t i, fit = 2048 / strlen(BED_ALLOW);

	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	for (i = 0; i <= fit; i++) {
		snprintf(name, sizeof(name), "p%zu", i);
		assert_string_equal(bed_policy(b, "PutUserPolicy", "UserName", "bob",
		    name, BED_ALLOW), i < fit ? "" : "LimitExceeded");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_create_group__unix_group_beside_the_iam_group),
		BED_TEST(test_membership__add_list_rename_remove),
		BED_TEST(test_add_user_to_group__ten_at_most),
		BED_TEST(test_create_policy__shape_and_uniqueness),
		BED_TEST(test_create_policy__malformed_says_where),
		BED_TEST(test_create_policy__size_quota),
		BED_TEST(test_policy_versions__five_and_the_default),
		BED_TEST(test_attach__lists_counts_and_conflicts),
		BED_TEST(test_list_attached_policies__pages_of_long_arns),
		BED_TEST(test_shipped_policies__are_read_only),
		BED_TEST(test_inline_policies__put_get_list_delete),
		BED_TEST(test_put_user_policy__sizes_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
