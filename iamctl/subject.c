/* The principal of a simulation, from the snapshot by which logins decide. */
#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/simulate.h"

int
subject_find(struct op_call *c, const char *arn, json_t **ret)
{
	const struct entity_kind *kind = entity_kind_of_arn(arn);
	const char *name = strrchr(arn, '/');

	*ret = NULL;
	if (kind == NULL || name == NULL)
		return op_fail(c, "InvalidInput", "%s is not the ARN of a user, a group"
		    " or a role: get-user, get-group and get-role show it.", arn);
	if (name_is_iam(name + 1, 128) &&
	    document_find(c, kind->documents, name + 1, ret) != 0)
		return -1;
	if (*ret == NULL || strcmp(text_of(*ret, "Arn"), arn) != 0)
		return op_fail(c, "NoSuchEntity", "The %s %s cannot be found.",
		    kind->noun, arn);
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
		return op_fail(s->c, "PolicyEvaluation", "A policy cannot be read"
		    " from %s (%s): every login is denied; 'iamctl publish' makes"
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
		return op_fail(s->c, "PolicyEvaluation", "The %s is not in the"
		    " snapshot, by which logins decide: 'iamctl publish' makes it"
		    " anew.", entity_kind_of(user)->noun);
	if (open_policies(s) != 0)
		return -1;
	/* Some session of it. */
	if (s->principal.role != 0 && (r = authz_assume(s->authz,
	    &(struct authz_session){ .name = "simulated" })) != 0)
		return op_fail_err(s->c, r, IAM_PATH_PRIVATE);
	return 0;
}

static int
add_ref(struct subject *s, const char *key)
{
	struct snap_principal *p = &s->principal;

	if (p->policy_count == SNAP_POLICIES_MAX)
		return op_fail_err(s->c, IAM_ERR_LIMIT, "The group's policies");
	p->policies[p->policy_count++] = (struct snap_policy_ref){
		SNAP_LAYER_IDENTITY, key, "group" };
	return 0;
}

/* The keys as publishing makes them. */
int
subject_group(struct subject *s, const json_t *group)
{
	const char *name;
	json_t *v;
	size_t i;

	snprintf(s->nobody, sizeof(s->nobody), "arn:aws:iam::%s:user/somebody",
	    s->c->account_id);
	s->principal = (struct snap_principal){ .arn = s->nobody, .enabled = 1 };
	json_array_foreach(json_object_get(group, "AttachedPolicies"), i, v)
		if (add_ref(s, json_is_string(v) ? json_string_value(v) : "") != 0)
			return -1;
	json_object_foreach(json_object_get(group, "InlinePolicies"), name, v) {
		buf_printf(&s->keys, "group/%s/%s", text_of(group, "GroupName"), name);
		buf_putc(&s->keys, '\0');
	}
	if (s->keys.err != 0)
		return op_fail_err(s->c, s->keys.err, "The group's policies");
	for (i = 0; i < s->keys.len; i += strlen(buf_cstr(&s->keys) + i) + 1)
		if (add_ref(s, buf_cstr(&s->keys) + i) != 0)
			return -1;
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
	buf_release(&s->keys);
	s->authz = NULL;
	s->snap = NULL;
}

/* ---- the documents, for the places of statements ---- */

static int
put_managed(struct op_call *c, json_t *texts, const char *arn)
{
	json_t *policy = NULL, *version;
	int r = 0;

	if (policy_find(c, arn, &policy) != 0)
		return -1;
	version = policy_version(policy, text_of(policy, "DefaultVersionId"));
	if (version != NULL)
		r = member_set(c, texts, arn,
		    json_incref(json_object_get(version, "Document")));
	json_decref(policy);
	return r;
}

static int
put_own(struct op_call *c, json_t *texts, const json_t *entity)
{
	const char *name, *owner = entity_name(entity);
	json_t *v;
	char id[400];
	size_t i;

	json_array_foreach(json_object_get(entity, "AttachedPolicies"), i, v)
		if (json_is_string(v) && put_managed(c, texts, json_string_value(v)) != 0)
			return -1;
	if (text_of(entity, "PermissionsBoundary")[0] != '\0' && put_managed(c, texts,
	    text_of(entity, "PermissionsBoundary")) != 0)
		return -1;
	json_object_foreach(json_object_get(entity, "InlinePolicies"), name, v) {
		snprintf(id, sizeof(id), "%s_%s_%s", entity_kind_of(entity)->noun,
		    owner, name);
		if (member_set(c, texts, id, json_incref(v)) != 0)
			return -1;
	}
	return 0;
}

int
subject_texts(struct op_call *c, const json_t *entity, json_t **ret)
{
	json_t *texts = json_object(), *v, *group = NULL;
	size_t i;
	int r;

	*ret = texts;
	if (texts == NULL)
		return no_memory(c);
	r = put_own(c, texts, entity);
	json_array_foreach(json_object_get(entity, "Groups"), i, v) {
		if (r != 0 || !json_is_string(v))
			break;
		if ((r = document_find(c, "groups", json_string_value(v), &group)) == 0)
			r = put_own(c, texts, group);
		json_decref(group);
		group = NULL;
	}
	return r;
}
