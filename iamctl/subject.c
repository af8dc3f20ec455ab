/* The principal of a simulation, from the snapshot by which logins decide. */
#include "common/base/base.h"

#include "iamctl/simulate.h"

int
subject_find(struct op_call *c, const char *arn, json_t **ret)
{
	const char *name = strrchr(arn, '/');

	*ret = NULL;
	if (strstr(arn, ":user/") == NULL || name == NULL)
		return op_fail(c, "InvalidInput", "%s is not the ARN of a user:"
		    " get-user shows it.", arn);
	if (name_is_iam(name + 1, 64) &&
	    document_find(c, "users", name + 1, ret) != 0)
		return -1;
	if (*ret == NULL || strcmp(text_of(*ret, "Arn"), arn) != 0)
		return op_fail(c, "NoSuchEntity", "The user %s cannot be found.", arn);
	return 0;
}

static int
warn_stale(struct op_call *c, const struct snap *snap)
{
	struct snap_info info;

	snap_info(snap, &info);
	if (info.revision == store_revision(c->store) || c->warnings == NULL)
		return 0;
	return list_add(c, c->warnings, json_string("The snapshot, by which logins"
	    " decide, is older than the store: 'iamctl publish' makes it anew."));
}

int
subject_open(struct op_call *c, struct subject *s)
{
	int r;

	s->c = c;
	if ((r = snap_open(IAM_PATH_PRIVATE, SNAP_PRIVATE, &s->snap)) != 0 ||
	    (r = snap_account_get(s->snap, &s->account)) != 0)
		return op_fail_err(c, r, IAM_PATH_PRIVATE);
	return 0;
}

static int
open_policies(struct subject *s)
{
	int r = authz_open(s->snap, &s->account, &s->principal, &s->authz);

	if (r != 0)
		return op_fail(s->c, "PolicyEvaluation", "A policy of the user cannot be"
		    " read from %s (%s): every login is denied; 'iamctl publish' makes"
		    " it anew.", IAM_PATH_PRIVATE, iam_strerror(r));
	return warn_stale(s->c, s->snap);
}

int
subject_user(struct subject *s, const json_t *user)
{
	bool found = false;
	int r;

	r = snap_principal_by_name(s->snap, text_of(user, "UnixName"), &found,
	    &s->principal);
	if (r != 0)
		return op_fail_err(s->c, r, IAM_PATH_PRIVATE);
	if (!found)
		return op_fail(s->c, "PolicyEvaluation", "The user is not in the"
		    " snapshot, by which logins decide: 'iamctl publish' makes it"
		    " anew.");
	return open_policies(s);
}

int
subject_nobody(struct subject *s, const char *arn, const char *name)
{
	s->principal = (struct snap_principal){ .arn = arn, .user_name = name,
		.unix_name = name, .enabled = 1 };
	return open_policies(s);
}

void
subject_release(struct subject *s)
{
	authz_free(s->authz);
	snap_close(s->snap);
	s->authz = NULL;
	s->snap = NULL;
}
