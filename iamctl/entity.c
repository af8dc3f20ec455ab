#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/policies.h"

const struct entity_kind entity_kinds[] = {
	{ "user", "User", "users", "UserName", "UserId", "NewUserName", "mfa",
	    "UserName", SIZE_USER_INLINE },
	{ "group", "Group", "groups", "GroupName", "GroupId", "NewGroupName",
	    "users", "Groups", SIZE_GROUP_INLINE },
	{ "role", "Role", "roles", "RoleName", "RoleId", NULL, NULL, NULL,
	    SIZE_ROLE_INLINE },
	{ .noun = NULL },
};

const struct entity_kind *
entity_kind_of(const json_t *doc)
{
	const struct entity_kind *k;

	for (k = entity_kinds; k->noun != NULL; k++)
		if (json_object_get(doc, k->name) != NULL)
			return k;
	return entity_kinds;
}

const struct entity_kind *
entity_kind_of_arn(const char *arn)
{
	const struct entity_kind *k;
	char part[16];

	for (k = entity_kinds; k->noun != NULL; k++) {
		snprintf(part, sizeof(part), ":%s/", k->noun);
		if (strstr(arn, part) != NULL)
			return k;
	}
	return NULL;
}

const char *
entity_name(const json_t *doc)
{
	return text_of(doc, entity_kind_of(doc)->name);
}

/* Rows about groups have the user as well: the group is what changes. */
static const struct entity_kind *
kind_of_call(const struct op_call *c)
{
	if (op_has(c, "GroupName"))
		return &entity_kinds[1];
	return op_has(c, "RoleName") ? &entity_kinds[2] : &entity_kinds[0];
}

int
entity_get(struct op_call *c, struct entity *e)
{
	const char *name;

	*e = (struct entity){ .kind = kind_of_call(c) };
	name = op_str(c, e->kind->name);
	if (document_find(c, e->kind->documents, name, &e->doc) != 0)
		return -1;
	if (e->doc == NULL)
		return op_fail(c, "NoSuchEntity", "The %s with name %s cannot be found.",
		    e->kind->noun, name);
	e->name = text_of(e->doc, e->kind->name);
	return 0;
}

int
entity_put(struct op_call *c, const struct entity *e)
{
	return document_put(c, e->kind->documents, e->name, e->doc);
}

void
entity_release(struct entity *e)
{
	json_decref(e->doc);
	e->doc = NULL;
}

/* Under another key; the Unix side stays. */
static int
rename_to(struct op_call *c, struct entity *e, const char *new_name,
    store_visit *rename_in)
{
	struct entity_rename n = { c, e->name, new_name };
	json_t *other = NULL;

	if (name_cmp(e->name, new_name) != 0) {
		if (document_find(c, e->kind->documents, new_name, &other) != 0)
			return -1;
		json_decref(other);
		if (other != NULL)
			return op_fail(c, "EntityAlreadyExists",
			    "%s with name %s already exists.", e->kind->title, new_name);
	}
	if (document_each_with(c, e->kind->named_in, e->kind->named_as, e->name,
	    rename_in, &n) != 0 ||
	    document_delete(c, e->kind->documents, e->name) != 0 ||
	    member_set(c, e->doc, e->kind->name, json_string(new_name)) != 0)
		return -1;
	e->name = text_of(e->doc, e->kind->name);
	return 0;
}

int
entity_move(struct op_call *c, struct entity *e, store_visit *rename_in)
{
	const char *path = op_str(c, "NewPath");
	const char *name = op_str(c, e->kind->new_name);

	if ((name != NULL && rename_to(c, e, name, rename_in) != 0) ||
	    (path != NULL &&
	    member_set(c, e->doc, "Path", json_string(path)) != 0))
		return -1;
	return member_set(c, e->doc, "Arn", arn_new(c, e->kind->noun,
	    text_of(e->doc, "Path"), e->name));
}

/* ---- deletion ---- */

int
entity_conflict(struct op_call *c, const char *what, const char *which,
    const char *mend)
{
	return op_fail(c, "DeleteConflict", "Cannot delete entity, must %s first"
	    "%s%s (%s).", what, which[0] != '\0' ? ": " : "", which, mend);
}

struct listing {
	struct op_call *c;
	struct page page;
	const char *path_prefix;
	entity_shape *shape;
};

static int
list_one(void *arg, const char *key, json_t *doc)
{
	struct listing *l = arg;
	const char *name = entity_name(doc);

	(void)key;
	if (strncmp(text_of(doc, "Path"), l->path_prefix,
	    strlen(l->path_prefix)) != 0)
		return VISIT_NEXT;
	if (!page_wants(&l->page, name))
		return l->page.truncated ? VISIT_STOP : VISIT_NEXT;
	return page_add(&l->page, l->c, name, l->shape(doc)) == 0 ? VISIT_NEXT :
	    VISIT_FAILED;
}

int
entity_list(struct op_call *c, const char *documents, const char *as,
    entity_shape *shape, const char *member, const char *value)
{
	struct listing l = { .c = c, .shape = shape,
		.path_prefix = op_str_or(c, "PathPrefix", "/") };
	int r = -1;

	if (page_init(&l.page, c) != 0)
		return -1;
	if (page_each(&l.page, c, documents, member, value, list_one, &l) == 0)
		r = page_end(&l.page, c, as);
	page_release(&l.page);
	return r;
}

int
entity_without_policies(struct op_call *c, const json_t *doc)
{
	json_t *inline_policies = json_object_get(doc, "InlinePolicies");
	const char *noun = entity_kind_of(doc)->noun;
	char names[400], mend[32];

	snprintf(mend, sizeof(mend), "delete-%s-policy", noun);
	if (json_object_size(inline_policies) > 0)
		return entity_conflict(c, "delete policies",
		    json_object_iter_key(json_object_iter(inline_policies)), mend);
	snprintf(mend, sizeof(mend), "detach-%s-policy", noun);
	list_join(json_object_get(doc, "AttachedPolicies"), names, sizeof(names));
	return names[0] == '\0' ? 0 :
	    entity_conflict(c, "detach all policies", names, mend);
}

/* ---- tags, permissions boundary ---- */

static int
change(struct op_call *c, int (*how)(struct op_call *, json_t *))
{
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0 && how(c, e.doc) == 0)
		r = entity_put(c, &e);
	entity_release(&e);
	return r;
}

int
tag_entity(struct op_call *c)
{
	return change(c, tags_merge);
}

int
untag_entity(struct op_call *c)
{
	return change(c, tags_remove);
}

int
list_entity_tags(struct op_call *c)
{
	struct entity e;
	int r = -1;

	if (entity_get(c, &e) == 0)
		r = tags_list(c, e.doc);
	entity_release(&e);
	return r;
}

int
entity_set_boundary(struct op_call *c, json_t *doc)
{
	const char *arn = op_str(c, "PermissionsBoundary");

	if (arn == NULL)
		return 0;
	if (policy_attachable(c, arn) != 0)
		return -1;
	return member_set(c, doc, "PermissionsBoundary", json_string(arn));
}

int
put_boundary(struct op_call *c)
{
	return change(c, entity_set_boundary);
}

static int
drop_boundary(struct op_call *c, json_t *doc)
{
	if (json_object_del(doc, "PermissionsBoundary") != 0)
		return op_fail(c, "NoSuchEntity", "The %s with name %s has no"
		    " permissions boundary.", entity_kind_of(doc)->noun,
		    entity_name(doc));
	return 0;
}

int
delete_boundary(struct op_call *c)
{
	return change(c, drop_boundary);
}
