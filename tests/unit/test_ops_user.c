/* Users: iamctl/ops_user.c. Shapes and messages after the IAM API reference. */
#include "tests/unit/ops_bed.h"

#include "iamctl/util.h"

static void
test_create_user__gives_aws_shape_and_unix_account(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'Sarah','Path':'/ops/','Tags':"
	    "[{'Key':'department','Value':'marketing'}],'Gecos':'Sarah Connor'}");
	assert_string_equal(bed_text(b, "User.UserName"), "Sarah");
	assert_string_equal(bed_text(b, "User.Arn"), BED_ARN "user/ops/Sarah");
	assert_string_equal(bed_text(b, "User.CreateDate"), "2026-11-24T09:30:00Z");
	assert_int_equal(strlen(bed_text(b, "User.UserId")), 21);
	assert_memory_equal(bed_text(b, "User.UserId"), "AIDA", 4);
	assert_string_equal(bed_text(b, "User.Tags.0.Value"), "marketing");
	assert_string_equal(bed_text(b, "User.UnixName"), "sarah");
	assert_string_equal(bed_text(b, "User.Home"), "/home/sarah");
	assert_string_equal(bed_text(b, "User.Shell"), "/bin/bash");
	assert_int_equal(bed_int(b, "User.Uid"), 2100000000);
	assert_int_equal(bed_int(b, "User.Gid"), 2100000000);
	assert_true(json_is_true(bed_at(b, "User.Enabled")));
}

static void
test_create_user__names_are_unique_without_regard_to_case(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'Sarah'}");
	bed_fails(b, "CreateUser", "{'UserName':'sARAH','UnixName':'other'}",
	    "EntityAlreadyExists");
	bed_ok(b, "GetUser", "{'UserName':'SARAH'}");
	assert_string_equal(bed_text(b, "User.UserName"), "Sarah");
}

/* S26: no id of a local account, none twice, none outside the range. */
static void
test_create_user__ids_are_never_used_twice(void **state)
{
	struct bed *b = *state;
	int i;
	char in[64];

	for (i = 0; i < 3; i++) {
		snprintf(in, sizeof(in), "{'UserName':'u%d'}", i);
		bed_ok(b, "CreateUser", in);
		assert_int_equal(bed_int(b, "User.Uid"), 2100000000 + i);
	}
	/* 2100000003 is strange's in the bed's passwd file. */
	bed_ok(b, "CreateUser", "{'UserName':'u3'}");
	assert_int_equal(bed_int(b, "User.Uid"), 2100000004);
	bed_ok(b, "DeleteUser", "{'UserName':'u3'}");
	bed_fails(b, "CreateUser", "{'UserName':'again','Uid':2100000004}",
	    "EntityAlreadyExists");
	bed_fails(b, "CreateUser", "{'UserName':'again','Uid':2100000003}",
	    "EntityAlreadyExists");
	bed_fails(b, "CreateUser", "{'UserName':'again','Uid':1000}",
	    "InvalidInput");
	bed_ok(b, "CreateUser", "{'UserName':'again','Uid':2100000010}");
	bed_ok(b, "CreateUser", "{'UserName':'next'}");
	assert_int_equal(bed_int(b, "User.Uid"), 2100000011);
}

/* S26: whole ranges, none twice, none of /etc/subuid or /etc/subgid. */
static void
test_update_user__subordinate_ids_are_given_once(void **state)
{
	struct bed *b = *state;

	bed_file(IAM_PATH_SUBUID, "local:100000:65536\nodd\nlocal:2147549184:10\n",
	    0644);
	bed_file(IAM_PATH_SUBGID, "local:2147680255:5\nlocal:x:5\n", 0644);
	bed_ok(b, "CreateUser", "{'UserName':'a','SubordinateIds':true}");
	assert_int_equal(bed_int(b, "User.SubordinateIdStart"), 2147483648);
	bed_ok(b, "CreateUser", "{'UserName':'b'}");
	assert_null(bed_at(b, "User.SubordinateIdStart"));
	bed_ok(b, "UpdateUser", "{'UserName':'b','SubordinateIds':true}");
	bed_ok(b, "GetUser", "{'UserName':'b'}");
	/* After 2147549184 of subuid and 2147614720, whose last id is in subgid. */
	assert_int_equal(bed_int(b, "User.SubordinateIdStart"), 2147745792);
	/* Asked for again, it stays; given up, it is gone. */
	bed_ok(b, "UpdateUser", "{'UserName':'b','SubordinateIds':true}");
	bed_ok(b, "UpdateUser", "{'UserName':'b','Gecos':'B'}");
	bed_ok(b, "GetUser", "{'UserName':'b'}");
	assert_int_equal(bed_int(b, "User.SubordinateIdStart"), 2147745792);
	bed_ok(b, "UpdateUser", "{'UserName':'b','SubordinateIds':false}");
	bed_ok(b, "GetUser", "{'UserName':'b'}");
	assert_null(bed_at(b, "User.SubordinateIdStart"));
	bed_ok(b, "UpdateUser", "{'UserName':'b','SubordinateIds':true}");
	bed_ok(b, "GetUser", "{'UserName':'b'}");
	assert_int_equal(bed_int(b, "User.SubordinateIdStart"), 2147811328);
	bed_file(IAM_PATH_SETTINGS, "{\"subordinateIds\": {\"min\": 3221225472,"
	    " \"max\": 3221291007}}", 0644);
	bed_ok(b, "CreateUser", "{'UserName':'c','SubordinateIds':true}");
	assert_int_equal(bed_int(b, "User.SubordinateIdStart"), 3221225472);
	bed_fails(b, "CreateUser", "{'UserName':'d','SubordinateIds':true}",
	    "LimitExceeded");
	unlink(IAM_PATH_SETTINGS);
	unlink(IAM_PATH_SUBUID);
	unlink(IAM_PATH_SUBGID);
}

/* S27: never root, never a local name, never one name twice. */
static void
test_create_user__local_and_taken_unix_names_are_refused(void **state)
{
	static const char *const names[] = { "root", "local", "locals", "adm",
		"taken", "crew" };
	struct bed *b = *state;
	char in[96];
	size_t i;

	bed_ok(b, "CreateUser", "{'UserName':'first','UnixName':'taken'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'Crew'}");
	for (i = 0; i < IAM_COUNT(names); i++) {
		snprintf(in, sizeof(in), "{'UserName':'x','UnixName':'%s'}", names[i]);
		assert_string_equal(bed_call(b, "CreateUser", in),
		    i == 0 ? "InvalidInput" : "EntityAlreadyExists");
	}
	unlink(IAM_PATH_PASSWD);
	unlink(IAM_PATH_GROUP);
	bed_fails(b, "CreateUser", "{'UserName':'root'}", "InvalidInput");
}

/* S14 */
static void
test_create_user__bad_unix_fields_are_refused(void **state)
{
	static const char *const bad[] = {
		"{'UserName':'a@b'}", "{'UserName':'1234'}",
		"{'UserName':'x','UnixName':'X'}", "{'UserName':'x','UnixName':'a.'}",
		"{'UserName':'abcdefghijklmnopqrstuvwxyzabcdefg'}",
		"{'UserName':'x','UnixName':'abcdefghijklmnopqrstuvwxyzabcdefg'}",
		"{'UserName':'x','Home':'/home/a:b'}",
		"{'UserName':'x','Shell':'/bin/sh\\nroot::0:0'}",
		"{'UserName':'x','Gecos':'a:b'}", "{'UserName':'x','Gecos':'a\\nb'}",
	};
	struct bed *b = *state;
	size_t i;

	for (i = 0; i < IAM_COUNT(bad); i++)
		bed_fails(b, "CreateUser", bad[i], "InvalidInput");
	bed_ok(b, "ListUsers", "{}");
	assert_int_equal(bed_size(b, "Users"), 0);
}

static void
test_get_user__caller_by_default(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'Sarah'}");
	b->caller = "Sarah";
	bed_ok(b, "GetUser", "{}");
	assert_string_equal(bed_text(b, "User.UserName"), "Sarah");
	b->caller = NULL;
	bed_ok(b, "GetUser", "{}");
	assert_string_equal(bed_text(b, "User.Arn"), BED_ARN "root");
	bed_fails(b, "GetUser", "{'UserName':'bob'}", "NoSuchEntity");
	assert_string_equal(b->c.error_text,
	    "The user with name bob cannot be found.");
}

static void
test_list_users__pages_and_prefix(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'bob','Path':'/ops/'}");
	bed_ok(b, "CreateUser", "{'UserName':'Alice'}");
	bed_ok(b, "CreateUser", "{'UserName':'carl','Path':'/ops/eu/'}");
	bed_ok(b, "ListUsers", "{}");
	assert_int_equal(bed_size(b, "Users"), 3);
	assert_true(json_is_false(bed_at(b, "IsTruncated")));
	bed_ok(b, "ListUsers", "{'MaxItems':2}");
	assert_int_equal(bed_size(b, "Users"), 2);
	assert_string_equal(bed_text(b, "Users.0.UserName"), "Alice");
	assert_true(json_is_true(bed_at(b, "IsTruncated")));
	assert_string_equal(bed_text(b, "Marker"), "bob");
	/* The marker's user may go between two pages. */
	bed_ok(b, "DeleteUser", "{'UserName':'bob'}");
	bed_ok(b, "ListUsers", "{'MaxItems':2,'Marker':'bob'}");
	assert_int_equal(bed_size(b, "Users"), 1);
	assert_string_equal(bed_text(b, "Users.0.UserName"), "carl");
	assert_null(bed_at(b, "Marker"));
	bed_ok(b, "ListUsers", "{'PathPrefix':'/ops/'}");
	assert_int_equal(bed_size(b, "Users"), 1);
}

static void
test_update_user__renaming_keeps_ids_and_references(void **state)
{
	struct bed *b = *state;
	json_t *doc;

	bed_ok(b, "CreateUser", "{'UserName':'Sarah'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'G'}");
	bed_ok(b, "AddUserToGroup", "{'GroupName':'g','UserName':'sarah'}");
	bed_ok(b, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'d'}");
	doc = bed_doc(b, "mfa/d");
	json_object_set_new(doc, "UserName", json_string("Sarah"));
	assert_int_equal(store_begin(b->store), 0);
	assert_int_equal(store_put(b->store, "mfa/d", doc), 0);
	assert_int_equal(store_commit(b->store, "t", "t", NULL), 0);
	json_decref(doc);
	bed_ok(b, "UpdateUser", "{'UserName':'sarah','NewUserName':'Sally',"
	    "'NewPath':'/x/'}");
	bed_fails(b, "GetUser", "{'UserName':'Sarah'}", "NoSuchEntity");
	bed_ok(b, "GetUser", "{'UserName':'Sally'}");
	assert_string_equal(bed_text(b, "User.Arn"), BED_ARN "user/x/Sally");
	assert_string_equal(bed_text(b, "User.UnixName"), "sarah");
	assert_string_equal(bed_text(b, "User.Home"), "/home/sarah");
	assert_int_equal(bed_int(b, "User.Uid"), 2100000000);
	bed_ok(b, "GetGroup", "{'GroupName':'G'}");
	assert_string_equal(bed_text(b, "Users.0.UserName"), "Sally");
	doc = bed_doc(b, "mfa/d");
	assert_string_equal(json_string_value(json_object_get(doc, "UserName")),
	    "Sally");
	json_decref(doc);
	/* Case alone is a renaming, too. */
	bed_ok(b, "UpdateUser", "{'UserName':'sally','NewUserName':'SALLY'}");
	bed_ok(b, "GetUser", "{'UserName':'sally'}");
	assert_string_equal(bed_text(b, "User.UserName"), "SALLY");
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_fails(b, "UpdateUser", "{'UserName':'bob','NewUserName':'Sally'}",
	    "EntityAlreadyExists");
}

static void
test_update_user__unix_account(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'Sarah'}");
	bed_ok(b, "UpdateUser", "{'UserName':'Sarah','UnixName':'sconnor',"
	    "'Home':'/srv/s','Shell':'/bin/sh','Enabled':false}");
	bed_ok(b, "GetUser", "{'UserName':'Sarah'}");
	assert_string_equal(bed_text(b, "User.UnixName"), "sconnor");
	assert_string_equal(bed_text(b, "User.Home"), "/srv/s");
	assert_true(json_is_false(bed_at(b, "User.Enabled")));
	/* Its own name is no clash; a local one is. */
	bed_ok(b, "UpdateUser", "{'UserName':'Sarah','UnixName':'sconnor'}");
	bed_fails(b, "UpdateUser", "{'UserName':'Sarah','UnixName':'local'}",
	    "EntityAlreadyExists");
}

static void
test_delete_user__everything_of_hers_goes_first(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'Sarah'}");
	bed_ok(b, "CreateGroup", "{'GroupName':'G'}");
	bed_ok(b, "AddUserToGroup", "{'GroupName':'G','UserName':'Sarah'}");
	bed_ok(b, "CreateLoginProfile",
	    "{'UserName':'Sarah','Password':'long enough'}");
	bed_ok(b, "AttachUserPolicy",
	    "{'UserName':'Sarah','PolicyArn':'" BED_MANAGED "'}");
	bed_fails(b, "DeleteUser", "{'UserName':'Sarah'}", "DeleteConflict");
	assert_non_null(strstr(b->c.error_text, "must delete login profile first"));
	bed_ok(b, "DeleteLoginProfile", "{'UserName':'Sarah'}");
	bed_fails(b, "DeleteUser", "{'UserName':'Sarah'}", "DeleteConflict");
	bed_ok(b, "DetachUserPolicy",
	    "{'UserName':'Sarah','PolicyArn':'" BED_MANAGED "'}");
	bed_fails(b, "DeleteUser", "{'UserName':'Sarah'}", "DeleteConflict");
	bed_ok(b, "RemoveUserFromGroup", "{'GroupName':'G','UserName':'Sarah'}");
	bed_ok(b, "DeleteUser", "{'UserName':'Sarah'}");
	bed_fails(b, "GetUser", "{'UserName':'Sarah'}", "NoSuchEntity");
}

/* ---- local accounts ---- */

static void
test_adopt_local_user__who_may_be(void **state)
{
	struct bed *b = *state;

	bed_file(IAM_PATH_PASSWD, "root:x:0:0::/root:/bin/sh\n"
	    "www-data:x:33:33::/var/www:/usr/sbin/nologin\n"
	    "nobody:x:65534:65534::/:\ntoor:x:0:0::/:\n"
	    "local:x:1000:1000:Lo Cal,,,:/home/local:/bin/sh\n"
	    "same:x:1000:1000::/:\n"
	    "strange:x:2100000003:2100000003::/:/bin/sh\n", 0644);
	bed_fails(b, "AdoptLocalUser", "{'UserName':'nobody1'}", "NoSuchEntity");
	bed_fails(b, "AdoptLocalUser", "{'UserName':'root'}", "InvalidInput");
	bed_fails(b, "AdoptLocalUser", "{'UserName':'toor'}", "InvalidInput");
	bed_fails(b, "AdoptLocalUser", "{'UserName':'www-data'}", "InvalidInput");
	bed_fails(b, "AdoptLocalUser", "{'UserName':'nobody'}", "InvalidInput");
	bed_fails(b, "AdoptLocalUser", "{'UserName':'strange'}", "InvalidInput");
	bed_ok(b, "AdoptLocalUser", "{'UserName':'Lora','UnixName':'local',"
	    "'Tags':[{'Key':'a','Value':'b'}]}");
	assert_string_equal(bed_text(b, "User.UnixName"), "local");
	assert_string_equal(bed_text(b, "User.Home"), "/home/local");
	assert_string_equal(bed_text(b, "User.Gecos"), "Lo Cal,,,");
	assert_int_equal(bed_int(b, "User.Uid"), 1000);
	assert_true(json_is_true(bed_at(b, "User.Adopted")));
	/* Twice neither by name, nor by account, nor by id. */
	bed_fails(b, "AdoptLocalUser", "{'UserName':'lora','UnixName':'local'}",
	    "EntityAlreadyExists");
	bed_fails(b, "AdoptLocalUser", "{'UserName':'local'}",
	    "EntityAlreadyExists");
	bed_fails(b, "AdoptLocalUser", "{'UserName':'same'}",
	    "EntityAlreadyExists");
}

static void
test_adopt_local_user__and_release(void **state)
{
	struct bed *b = *state;
	json_t *account;

	bed_file(IAM_PATH_SHADOW, "local:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/:20000:"
	    ":::::\n", 0640);
	bed_ok(b, "AdoptLocalUser", "{'UserName':'local','TakePassword':true}");
	bed_ok(b, "GetLoginStatus", "{'UserName':'local'}");
	assert_true(json_is_true(bed_at(b, "LoginStatus.HasPassword")));
	account = bed_doc(b, "account");
	assert_int_equal(list_index(json_object_get(account, "AdoptedUsers"),
	    "local"), 0);
	json_decref(account);
	/* What is in passwd(5) is changed there. */
	bed_fails(b, "UpdateUser", "{'UserName':'local','Home':'/x'}",
	    "InvalidInput");
	bed_ok(b, "UpdateUser", "{'UserName':'local','NewUserName':'Lora'}");
	bed_ok(b, "UpdateUser", "{'UserName':'Lora','Enabled':false}");
	bed_fails(b, "DeleteUser", "{'UserName':'Lora'}", "DeleteConflict");
	bed_ok(b, "CreateUser", "{'UserName':'bob'}");
	bed_fails(b, "ReleaseLocalUser", "{'UserName':'bob'}", "InvalidInput");
	bed_ok(b, "ReleaseLocalUser", "{'UserName':'lora'}");
	bed_fails(b, "GetUser", "{'UserName':'Lora'}", "NoSuchEntity");
	account = bed_doc(b, "account");
	assert_null(json_object_get(account, "AdoptedUsers"));
	json_decref(account);
	bed_ok(b, "AdoptLocalUser", "{'UserName':'local'}");
	bed_ok(b, "ReleaseLocalUser", "{'UserName':'local'}");
	unlink(IAM_PATH_SHADOW);
}

static void
test_tag_user__merges_without_regard_to_case(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'s','Tags':[{'Key':'Team','Value':'a'}]}");
	bed_ok(b, "TagUser", "{'UserName':'s','Tags':[{'Key':'team','Value':'b'},"
	    "{'Key':'empty','Value':''}]}");
	bed_ok(b, "ListUserTags", "{'UserName':'s'}");
	assert_int_equal(bed_size(b, "Tags"), 2);
	assert_string_equal(bed_text(b, "Tags.1.Key"), "team");
	assert_string_equal(bed_text(b, "Tags.1.Value"), "b");
	bed_ok(b, "UntagUser", "{'UserName':'s','TagKeys':['TEAM','absent']}");
	bed_ok(b, "ListUserTags", "{'UserName':'s'}");
	assert_int_equal(bed_size(b, "Tags"), 1);
	bed_fails(b, "TagUser",
	    "{'UserName':'s','Tags':[{'Key':'aws:x','Value':''}]}", "InvalidInput");
	bed_fails(b, "TagUser", "{'UserName':'s','Tags':[{'Key':'a','Value':''},"
	    "{'Key':'A','Value':''}]}", "InvalidInput");
}

static void
test_permissions_boundary__put_and_delete(void **state)
{
	struct bed *b = *state;

	bed_ok(b, "CreateUser", "{'UserName':'s','PermissionsBoundary':'"
	    BED_MANAGED "'}");
	assert_string_equal(
	    bed_text(b, "User.PermissionsBoundary.PermissionsBoundaryArn"),
	    BED_MANAGED);
	bed_ok(b, "DeleteUserPermissionsBoundary", "{'UserName':'s'}");
	bed_fails(b, "DeleteUserPermissionsBoundary", "{'UserName':'s'}",
	    "NoSuchEntity");
	bed_fails(b, "PutUserPermissionsBoundary", "{'UserName':'s',"
	    "'PermissionsBoundary':'" BED_ARN "policy/none'}", "NoSuchEntity");
	bed_ok(b, "PutUserPermissionsBoundary", "{'UserName':'s',"
	    "'PermissionsBoundary':'" BED_MANAGED "'}");
}

/* ---- the n-th allocation of jansson fails ---- */

static unsigned long countdown;
static bool armed;

static void *
failing_malloc(size_t size)
{
	if (armed && countdown != 0 && --countdown == 0)
		return NULL;
	return malloc(size);
}

static void
arm(bool begins)
{
	armed = begins;
}

/* Without memory: ServiceFailure, no crash, no leak. */
static void
test_operations__nth_allocation_fails(void **state)
{
	static const struct {
		const char *op, *in;
	} steps[] = {
		{ "CreateUser", "{'UserName':'s','Tags':[{'Key':'a','Value':'b'}]}" },
		{ "CreateGroup", "{'GroupName':'g'}" },
		{ "AddUserToGroup", "{'UserName':'s','GroupName':'g'}" },
		{ "AttachUserPolicy",
		    "{'UserName':'s','PolicyArn':'" BED_MANAGED "'}" },
		{ "GetAccountAuthorizationDetails", "{}" },
		{ "UpdateGroup", "{'GroupName':'g','NewGroupName':'h'}" },
		{ "UpdateUser", "{'UserName':'s','NewUserName':'t'}" },
		{ "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'d'}" },
		{ "ListPolicies", "{}" },
	};
	struct bed *b = *state;
	unsigned long n;
	const char *error;
	size_t i;

	b->around = arm;
	for (i = 0; i < IAM_COUNT(steps); i++) {
		b->dry = true;
		n = 0;
		do {
			countdown = ++n;
			error = bed_call(b, steps[i].op, steps[i].in);
			/* jansson's lexer does without some of its memory. */
			if (error[0] != '\0')
				assert_string_equal(error, "ServiceFailure");
		} while (countdown == 0);
		assert_true(n > 5);
		countdown = 0;
		b->dry = false;
		bed_ok(b, steps[i].op, steps[i].in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_create_user__gives_aws_shape_and_unix_account),
		BED_TEST(test_create_user__names_are_unique_without_regard_to_case),
		BED_TEST(test_create_user__ids_are_never_used_twice),
		BED_TEST(test_update_user__subordinate_ids_are_given_once),
		BED_TEST(test_create_user__local_and_taken_unix_names_are_refused),
		BED_TEST(test_create_user__bad_unix_fields_are_refused),
		BED_TEST(test_get_user__caller_by_default),
		BED_TEST(test_list_users__pages_and_prefix),
		BED_TEST(test_update_user__renaming_keeps_ids_and_references),
		BED_TEST(test_update_user__unix_account),
		BED_TEST(test_delete_user__everything_of_hers_goes_first),
		BED_TEST(test_adopt_local_user__who_may_be),
		BED_TEST(test_adopt_local_user__and_release),
		BED_TEST(test_tag_user__merges_without_regard_to_case),
		BED_TEST(test_permissions_boundary__put_and_delete),
		BED_TEST(test_operations__nth_allocation_fails),
	};

	json_set_alloc_funcs(failing_malloc, free);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
