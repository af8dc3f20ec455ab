/* Policies of users, groups and roles: attached and inline. */
#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/policies.h"

/* ---- attached ---- */

/* Position of an ARN, which is exact; -1. */
static int
arn_index(const json_t *list, const char *arn)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		if (json_is_string(v) && strcmp(json_string_value(v), arn) == 0)
			return (int)i;
	}
	return -1;
}

int
attach_policy(struct op_call *c)
{
	const char *arn = op_str(c, "PolicyArn");
	json_t *attached;
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) != 0 || policy_attachable(c, arn) != 0)
		goto out;
	attached = json_object_get(e.doc, "AttachedPolicies");
	if (arn_index(attached, arn) >= 0) {
		r = 0;
		goto out;
	}
	if (json_array_size(attached) >= QUOTA_ATTACHED) {
		op_fail(c, "LimitExceeded", "Cannot exceed quota for PoliciesPer%s:"
		    " %d; detach one from %s first.", e.kind->title,
		    QUOTA_ATTACHED, e.name);
		goto out;
	}
	if (list_add(c, attached, json_string(arn)) == 0)
		r = entity_put(c, &e);
out:
	entity_release(&e);
	return r;
}

int
detach_policy(struct op_call *c)
{
	const char *arn = op_str(c, "PolicyArn");
	json_t *attached;
	struct entity e;
	int at, r = -1;

	if (entity_get(c, &e) != 0)
		goto out;
	attached = json_object_get(e.doc, "AttachedPolicies");
	if ((at = arn_index(attached, arn)) < 0) {
		op_fail(c, "NoSuchEntity", "Policy %s was not found: it is not"
		    " attached to the %s %s.", arn, e.kind->noun, e.name);
		goto out;
	}
	json_array_remove(attached, (size_t)at);
	r = entity_put(c, &e);
out:
	entity_release(&e);
	return r;
}

static int
list_attached(struct op_call *c, const json_t *arns, struct page *page)
{
	const char *prefix = op_str_or(c, "PathPrefix", "/"), *path;
	const json_t *v;
	size_t i;

	json_array_foreach(arns, i, v) {
		path = strchr(json_string_value(v), '/');
		if (path == NULL || strncmp(path, prefix, strlen(prefix)) != 0 ||
		    !page_wants(page, json_string_value(v)))
			continue;
		if (page_add(page, c, json_string_value(v),
		    policy_attached_shape(json_string_value(v))) != 0)
			return -1;
	}
	return page_end(page, c, "AttachedPolicies");
}

int
list_attached_policies(struct op_call *c)
{
	struct page page = { 0 };
	json_t *arns = NULL;
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) != 0 || page_init(&page, c) != 0)
		goto out;
	arns = list_sorted(json_object_get(e.doc, "AttachedPolicies"), NULL);
	r = arns != NULL ? list_attached(c, arns, &page) : no_memory(c);
out:
	page_release(&page);
	json_decref(arns);
	entity_release(&e);
	return r;
}

/* ---- inline ---- */

/* The name as the document has it, borrowed; NULL when there is none. */
static const char *
inline_name(json_t *policies, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach(policies, key, value) {
		if (name_cmp(key, name) == 0)
			return key;
	}
	return NULL;
}

/* Size and number of the entity's other inline policies. */
static size_t
inline_chars(json_t *policies, const char *but, size_t *ret_count)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	*ret_count = 0;
	json_object_foreach(policies, key, value) {
		if (but != NULL && strcmp(key, but) == 0)
			continue;
		n += policy_chars(json_string_value(value));
		(*ret_count)++;
	}
	return n;
}

static int
check_inline(struct op_call *c, const struct entity *e, const char *old)
{
	json_t *policies = json_object_get(e->doc, "InlinePolicies");
	size_t max = e->kind->inline_max;
	size_t count, others = inline_chars(policies, old, &count);
	const char *text = op_str(c, "PolicyDocument");
	char what[200];

	if (count >= QUOTA_INLINE)
		return op_fail(c, "LimitExceeded", "Cannot exceed quota for inline"
		    " policies of a %s: %d.", e->kind->noun, QUOTA_INLINE);
	if (others + policy_chars(text) > max)
		return op_fail(c, "LimitExceeded", "Maximum policy size of %zu bytes"
		    " exceeded for %s %s: its inline policies together would have %zu"
		    " characters without white space. Make a managed policy of it.",
		    max, e->kind->noun, e->name, others + policy_chars(text));
	snprintf(what, sizeof(what), "The policy %s", op_str(c, "PolicyName"));
	return policy_check(c, what, text, POL_IDENTITY, max);
}

static int
no_inline(struct op_call *c, const struct entity *e)
{
	return op_fail(c, "NoSuchEntity", "The %s policy with name %s cannot be"
	    " found: the %s %s has no inline policy of that name.", e->kind->noun,
	    op_str(c, "PolicyName"), e->kind->noun, e->name);
}

static int
show_inline(struct op_call *c, const struct entity *e, const char *name,
    const char *text)
{
	if (out_set(c, e->kind->name, json_string(e->name)) != 0 ||
	    out_set(c, "PolicyName", json_string(name)) != 0)
		return -1;
	return out_set(c, "PolicyDocument", policy_json(text));
}

/*
 * The entity, and its inline policy of the call's name: do something with it, and
 * keep it when that changed it. name is NULL when there is none of that name.
 */
static int
with_inline(struct op_call *c, int (*what)(struct op_call *c,
    struct entity *e, json_t *policies, const char *name))
{
	json_t *policies;
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0) {
		policies = json_object_get(e.doc, "InlinePolicies");
		r = what(c, &e, policies, inline_name(policies,
		    op_str(c, "PolicyName")));
	}
	if (r == 0 && !c->op->read_only)
		r = entity_put(c, &e);
	entity_release(&e);
	return r;
}

static int
put_inline(struct op_call *c, struct entity *e, json_t *policies,
    const char *name)
{
	if (check_inline(c, e, name) != 0)
		return -1;
	return member_set(c, policies, name != NULL ? name :
	    op_str(c, "PolicyName"), json_string(op_str(c, "PolicyDocument")));
}

int
put_inline_policy(struct op_call *c)
{
	return with_inline(c, put_inline);
}

static int
get_inline(struct op_call *c, struct entity *e, json_t *policies,
    const char *name)
{
	return name == NULL ? no_inline(c, e) :
	    show_inline(c, e, name, text_of(policies, name));
}

int
get_inline_policy(struct op_call *c)
{
	return with_inline(c, get_inline);
}

static int
delete_inline(struct op_call *c, struct entity *e, json_t *policies,
    const char *name)
{
	if (name == NULL)
		return no_inline(c, e);
	json_object_del(policies, name);
	return 0;
}

int
delete_inline_policy(struct op_call *c)
{
	return with_inline(c, delete_inline);
}

static int
list_inline(struct op_call *c, json_t *policies, struct page *page)
{
	json_t *names = json_array(), *sorted = NULL, *v;
	const char *key;
	size_t i;
	int r = -1;

	json_object_foreach(policies, key, v) {
		if (list_add(c, names, json_string(key)) != 0)
			goto out;
	}
	if (names == NULL || (sorted = list_sorted(names, NULL)) == NULL) {
		no_memory(c);
		goto out;
	}
	json_array_foreach(sorted, i, v) {
		if (page_wants(page, json_string_value(v)) &&
		    page_add(page, c, json_string_value(v), json_incref(v)) != 0)
			goto out;
	}
	r = page_end(page, c, "PolicyNames");
out:
	json_decref(names);
	json_decref(sorted);
	return r;
}

int
list_inline_policies(struct op_call *c)
{
	struct page page = { 0 };
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0 && page_init(&page, c) == 0)
		r = list_inline(c, json_object_get(e.doc, "InlinePolicies"), &page);
	page_release(&page);
	entity_release(&e);
	return r;
}
