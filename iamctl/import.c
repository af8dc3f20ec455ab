/*
 * Read back what export wrote: into an account that has nothing yet, which
 * then takes over the number of the one exported, or into the same account,
 * where documents of the same name are replaced and others stay.
 *
 * All of it runs in the row's transaction, so that one mistake anywhere changes
 * nothing. Checked are the members of every document by the tables below
 * (unknown ones are refused), quotas, every policy by the language, ids against
 * what the host has ever given out (who was deleted here comes back with her
 * own), and, when all is in, every reference.
 */
#include "common/base/base.h"

#include "iamctl/call.h"
#include "iamctl/host.h"
#include "iamctl/import.h"
#include "iamctl/password.h"
#include "iamctl/policies.h"
#include "iamctl/role.h"

static const struct import_member account_members[] = {
	{ "AccountId", TEXT, true }, { "AccountAlias", TEXT, false },
	{ "CreateDate", DATE, true }, { PASSWORD_POLICY, OBJECT, false },
	{ "AdoptedUsers", TEXTS, false },
	{ NULL, TEXT, false },
};

/* ---- references, over the whole account ---- */

static int
check_attached(struct import *im, const json_t *doc)
{
	const char *boundary = json_string_value(json_object_get(doc,
	    "PermissionsBoundary"));
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(doc, "AttachedPolicies"), i, v)
		if (policy_attachable(im->c, json_string_value(v)) != 0)
			return -1;
	return boundary != NULL ? policy_attachable(im->c, boundary) : 0;
}

static int
check_account_ids(struct import *im, const char *what, const json_t *doc,
    const char *id_member)
{
	char id[32];

	snprintf(id, sizeof(id), "%lld",
	    (long long)json_integer_value(json_object_get(doc, id_member)));
	if (import_once(im, im->unix_names, text_of(doc, "UnixName"), what) != 0 ||
	    import_once(im, im->ids, id, what) != 0)
		return -1;
	return check_attached(im, doc);
}

static int
check_user_refs(void *arg, const char *key, json_t *doc)
{
	struct import *im = arg;
	json_t *v, *group;
	size_t i;

	json_array_foreach(json_object_get(doc, "Groups"), i, v) {
		if (group_get(im->c, json_string_value(v), &group) != 0)
			return VISIT_FAILED;
		json_decref(group);
	}
	if (json_is_true(json_object_get(doc, "Adopted")) &&
	    list_add(im->c, im->adopted, json_string(text_of(doc, "UnixName"))) != 0)
		return VISIT_FAILED;
	return check_account_ids(im, key, doc, "Uid") == 0 ? VISIT_NEXT :
	    VISIT_FAILED;
}

static int
check_group_refs(void *arg, const char *key, json_t *doc)
{
	return check_account_ids(arg, key, doc, "Gid") == 0 ? VISIT_NEXT :
	    VISIT_FAILED;
}

/* Whom the trust policy names is there only when all is in. */
static int
check_role_refs(void *arg, const char *key, json_t *doc)
{
	struct import *im = arg;

	if (role_check_trust(im->c, im->account, text_of(doc, "RoleName"),
	    text_of(doc, "AssumeRolePolicyDocument")) != 0)
		return VISIT_FAILED;
	return check_account_ids(im, key, doc, "Uid") == 0 ? VISIT_NEXT :
	    VISIT_FAILED;
}

static int
check_device_refs(void *arg, const char *key, json_t *doc)
{
	struct import *im = arg;
	const char *name = json_string_value(json_object_get(doc, "UserName"));
	json_int_t n;
	json_t *user;

	if (name == NULL)
		return VISIT_NEXT;
	if (user_get(im->c, name, &user) != 0)
		return VISIT_FAILED;
	name = text_of(user, "UserName");
	n = 1 + json_integer_value(json_object_get(im->devices_of, name));
	if (n > QUOTA_DEVICES_PER_USER)
		import_bad(im, key, "%s has more than %d devices", name,
		    QUOTA_DEVICES_PER_USER);
	else
		(void)member_set(im->c, im->devices_of, name, json_integer(n));
	json_decref(user);
	return im->c->error_code != NULL ? VISIT_FAILED : VISIT_NEXT;
}

static int
check_references(struct import *im)
{
	return document_each(im->c, "groups", check_group_refs, im) != 0 ||
	    document_each(im->c, "users", check_user_refs, im) != 0 ||
	    document_each(im->c, "roles", check_role_refs, im) != 0 ||
	    document_each(im->c, "mfa", check_device_refs, im) != 0 ? -1 : 0;
}

/* ---- all of it ---- */

static int
is_empty(struct op_call *c, bool *ret)
{
	static const char *const kinds[] = { "users/", "groups/", "roles/", "policies/",
		"mfa/" };
	uint64_t n, sum = 0;
	size_t i;
	int r;

	for (i = 0; i < IAM_COUNT(kinds); i++) {
		if ((r = store_count(c->store, kinds[i], &n)) != 0)
			return op_fail_err(c, r, kinds[i]);
		sum += n;
	}
	*ret = sum == 0;
	return 0;
}

/* By the row that would have made it. */
static int
check_password_policy(struct import *im, json_t *policy)
{
	struct op_call check = { .op = op_find("UpdateAccountPasswordPolicy"),
		.in = policy };

	if (policy == NULL || call_check_params(&check) == 0)
		return 0;
	return import_bad(im, PASSWORD_POLICY, "%s", check.error_text);
}

/* The key of the certificate authority is this host's own. */
static int
keep_authority(struct import *im, json_t *doc)
{
	json_t *old = NULL;
	int r;

	if ((r = store_get(im->c->store, "account", &old)) != 0)
		return op_fail_err(im->c, r, "account");
	r = import_keep(im, "Account", doc, old, "SSHCertificateAuthority");
	json_decref(old);
	return r;
}

static int
import_account(struct import *im, const json_t *all)
{
	json_t *doc = json_object_get(all, "Account");
	bool empty = false;
	int r;

	if (import_check_members(im, "Account", doc, account_members) != 0)
		return -1;
	im->account = text_of(doc, "AccountId");
	if (json_object_get(doc, "AccountAlias") != NULL &&
	    !call_is_alias(text_of(doc, "AccountAlias")))
		return import_bad(im, "Account", "'%s' is not an alias",
		    text_of(doc, "AccountAlias"));
	if (check_password_policy(im, json_object_get(doc, PASSWORD_POLICY)) != 0)
		return -1;
	if (strlen(im->account) != 12 || strspn(im->account, "0123456789") != 12)
		return import_bad(im, "Account", "'%s' is not an account number",
		    im->account);
	if (strcmp(im->account, im->c->account_id) != 0) {
		if (is_empty(im->c, &empty) != 0)
			return -1;
		if (!empty)
			return import_bad(im, "Account", "the document is of account %s and this "
			    "one, %s, is not empty", im->account, im->c->account_id);
	}
	if (keep_authority(im, doc) != 0)
		return -1;
	if ((r = store_put(im->c->store, "account", doc)) != 0)
		return op_fail_err(im->c, r, "account");
	return 0;
}

/* The list in the account is what the users say, whatever the document says. */
static int
list_adopted(struct import *im)
{
	json_t *account = NULL;
	int r;

	if ((r = store_get(im->c->store, "account", &account)) != 0)
		return op_fail_err(im->c, r, "account");
	json_object_del(account, "AdoptedUsers");
	if (json_array_size(im->adopted) > 0)
		r = json_object_set(account, "AdoptedUsers", im->adopted);
	if (r != 0)
		r = op_fail_err(im->c, IAM_ERR_MEMORY, "account");
	else if ((r = store_put(im->c->store, "account", account)) != 0)
		r = op_fail_err(im->c, r, "account");
	json_decref(account);
	return r;
}

static const struct {
	const char *name;
	int (*one)(struct import *im, json_t *doc);
} lists[] = {
	{ "Policies", import_policy }, { "Groups", import_group },
	{ "Users", import_user }, { "Roles", import_role },
	{ "MFADevices", import_device },
};

static int
import_all(struct import *im, const json_t *all)
{
	static const struct import_member members[] = {
		{ "FormatVersion", NUMBER, true }, { "Account", OBJECT, true },
		{ "Policies", OBJECTS, true }, { "Groups", OBJECTS, true },
		{ "Users", OBJECTS, true }, { "Roles", OBJECTS, false },
		{ "MFADevices", OBJECTS, true }, { NULL, TEXT, false } };
	json_t *doc;
	size_t i, j;

	if (import_check_members(im, "Document", all, members) != 0)
		return -1;
	if (json_integer_value(json_object_get(all, "FormatVersion")) != 1)
		return import_bad(im, "Document", "this program reads FormatVersion 1 only");
	if (import_account(im, all) != 0)
		return -1;
	for (i = 0; i < IAM_COUNT(lists); i++)
		json_array_foreach(json_object_get(all, lists[i].name), j, doc)
			if (lists[i].one(im, doc) != 0)
				return -1;
	return check_references(im) != 0 ? -1 : list_adopted(im);
}

static int
answer(struct import *im)
{
	json_t *done = json_pack("{s:i,s:i,s:i,s:i,s:i}", "Policies", (int)im->policies,
	    "Groups", (int)im->groups, "Users", (int)im->users, "Roles",
	    (int)im->roles, "MFADevices", (int)im->devices);

	return out_set(im->c, im->c->dry_run ? "WouldImport" : "Imported", done);
}

int
import_export(struct op_call *c)
{
	struct import im = { .c = c };
	json_error_t e;
	json_t *all;
	int r;

	if (!op_has(c, "Document"))
		return op_fail(c, "InvalidInput", "Say which file with --document"
		    " file://FILE.");
	all = json_loads(op_str(c, "Document"), JSON_REJECT_DUPLICATES, &e);
	if (all == NULL)
		return op_fail(c, "InvalidInput", "Document: not valid JSON: line %d, "
		    "column %d: %s. Give the file as file://FILE.", e.line, e.column,
		    e.text);
	im.names = json_object();
	im.unix_names = json_object();
	im.ids = json_object();
	im.devices_of = json_object();
	im.adopted = json_array();
	if ((r = import_all(&im, all)) == 0)
		r = answer(&im);
	json_decref(im.names);
	json_decref(im.unix_names);
	json_decref(im.ids);
	json_decref(im.devices_of);
	json_decref(im.adopted);
	json_decref(all);
	return r;
}
