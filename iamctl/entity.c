#include "common/base/base.h"

#include "iamctl/entity.h"

int
entity_get(struct op_call *c, struct entity *e)
{
	*e = (struct entity){ .group = op_has(c, "GroupName") };
	e->noun = e->group ? "group" : "user";
	if (e->group ? group_get(c, op_str(c, "GroupName"), &e->doc) != 0 :
	    user_get(c, op_str(c, "UserName"), &e->doc) != 0)
		return -1;
	e->name = text_of(e->doc, e->group ? "GroupName" : "UserName");
	return 0;
}

int
entity_put(struct op_call *c, const struct entity *e)
{
	return e->group ? group_put(c, e->doc) : user_put(c, e->doc);
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
    const char *refs_kind, store_visit *refs)
{
	struct entity_rename n = { c, e->name, new_name };
	const char *kind = e->group ? "groups" : "users";
	json_t *other = NULL;

	if (name_cmp(e->name, new_name) != 0) {
		if (document_find(c, kind, new_name, &other) != 0)
			return -1;
		json_decref(other);
		if (other != NULL)
			return op_fail(c, "EntityAlreadyExists",
			    "%s with name %s already exists.",
			    e->group ? "Group" : "User", new_name);
	}
	if (document_each(c, refs_kind, refs, &n) != 0 ||
	    document_delete(c, kind, e->name) != 0 ||
	    member_set(c, e->doc, e->group ? "GroupName" : "UserName",
	    json_string(new_name)) != 0)
		return -1;
	e->name = text_of(e->doc, e->group ? "GroupName" : "UserName");
	return 0;
}

int
entity_move(struct op_call *c, struct entity *e, const char *refs_kind,
    store_visit *refs)
{
	const char *path = op_str(c, "NewPath");
	const char *name = op_str(c, e->group ? "NewGroupName" : "NewUserName");

	if ((name != NULL && rename_to(c, e, name, refs_kind, refs) != 0) ||
	    (path != NULL &&
	    member_set(c, e->doc, "Path", json_string(path)) != 0))
		return -1;
	return member_set(c, e->doc, "Arn", arn_new(c, e->noun,
	    text_of(e->doc, "Path"), e->name));
}
