/*
 * Whom trust policies name, when that user or role goes or is renamed.
 *
 * IAM User Guide, "AWS JSON policy elements: Principal": a trust policy means the user or
 * the role, and not whoever has the name. AWS keeps the unique id for that; here the ARN is
 * kept, and changed in all trust policies in the same transaction: into the new ARN, or
 * into the unique id of who is deleted, which is what AWS shows then and which is nobody's.
 */
#include "common/base/base.h"

#include "iamctl/policies.h"
#include "iamctl/role.h"
#include "iamctl/util.h"

struct change {
	struct op_call *c;
	const char *from, *to;
	bool made; /* in the policy that is looked at */
};

static bool
is_from(const struct change *ch, const json_t *v)
{
	return json_is_string(v) && strcmp(json_string_value(v), ch->from) == 0;
}

static int
in_principal(struct change *ch, json_t *principal)
{
	json_t *v = json_object_get(principal, "AWS"), *one;
	size_t i;

	if (is_from(ch, v)) {
		ch->made = true;
		return member_set(ch->c, principal, "AWS", json_string(ch->to));
	}
	json_array_foreach(v, i, one) {
		if (!is_from(ch, one))
			continue;
		ch->made = true;
		if (json_array_set_new(v, i, json_string(ch->to)) != 0)
			return no_memory(ch->c);
	}
	return 0;
}

static int
in_policy(struct change *ch, json_t *policy)
{
	json_t *statements = json_object_get(policy, "Statement"), *one;
	size_t i;

	if (json_is_object(statements))
		return in_principal(ch, json_object_get(statements, "Principal"));
	json_array_foreach(statements, i, one)
		if (in_principal(ch, json_object_get(one, "Principal")) != 0)
			return -1;
	return 0;
}

static int
put_policy(struct change *ch, json_t *role, const json_t *policy)
{
	char *text = json_dumps(policy, JSON_COMPACT);
	int r;

	if (text == NULL)
		return no_memory(ch->c);
	r = member_set(ch->c, role, "AssumeRolePolicyDocument", json_string(text));
	free(text);
	return r != 0 ? r :
	    document_put(ch->c, "roles", text_of(role, "RoleName"), role);
}

static int
in_role(void *arg, const char *key, json_t *role)
{
	struct change *ch = arg;
	json_t *policy = policy_json(text_of(role, "AssumeRolePolicyDocument"));
	int r;

	(void)key;
	ch->made = false;
	r = in_policy(ch, policy);
	if (r == 0 && ch->made)
		r = put_policy(ch, role, policy);
	json_decref(policy);
	return r == 0 ? VISIT_NEXT : VISIT_FAILED;
}

int
role_principal_becomes(struct op_call *c, const char *arn, const char *to)
{
	struct change ch = { c, arn, to, false };

	return strcmp(arn, to) == 0 ? 0 :
	    document_each(c, "roles", in_role, &ch);
}
