/*
 * What users, groups and roles have in common: a name, a path, an ARN, policies,
 * and of users and roles tags and a permissions boundary. A row has either
 * UserName, GroupName or RoleName, and that says which of them is meant.
 */
#ifndef IAM_IAMCTL_ENTITY_H
#define IAM_IAMCTL_ENTITY_H

#include "iamctl/util.h"

struct entity_kind {
	const char *noun, *title;    /* "user", "User" */
	const char *documents;       /* "users" */
	const char *name, *id;       /* members: "UserName", "UserId" */
	const char *new_name;        /* parameter "NewUserName"; NULL: cannot be renamed */
	const char *named_in, *named_as; /* documents and member that know it by name */
	size_t inline_max;           /* characters of all inline policies */
};
/* Users, groups, roles; ends with a NULL noun. Constant. */
extern const struct entity_kind entity_kinds[];
/* Of a document, by its members; a user's when it is none of them. */
const struct entity_kind *entity_kind_of(const json_t *doc);
/* By its part of an ARN, ":role/"; NULL. */
const struct entity_kind *entity_kind_of_arn(const char *arn);
const char *entity_name(const json_t *doc);

struct entity {
	const struct entity_kind *kind;
	json_t *doc;       /* new: entity_release */
	const char *name;  /* borrowed from doc */
};

/* The entity that the call names; NoSuchEntity. entity_release in any case. */
int entity_get(struct op_call *c, struct entity *ret);
int entity_put(struct op_call *c, const struct entity *e);
void entity_release(struct entity *e);

/* A new user's document, without its Unix side; *ret is new, also after an error. */
int user_new(struct op_call *c, const char *name, json_t **ret);
/* PermissionsBoundary of the call, when there is one. */
int entity_set_boundary(struct op_call *c, json_t *doc);

/*
 * NewPath, and NewUserName or NewGroupName, of the call: the document moves to its
 * new key with a new ARN, and rename_in is called (with a struct entity_rename) for
 * every document that names it: a user's devices, a group's members.
 */
struct entity_rename {
	struct op_call *c;
	const char *old_name, *new_name;
};
int entity_move(struct op_call *c, struct entity *e,
    store_visit *rename_in);

/*
 * The documents of a kind whose path begins with the call's PathPrefix, a page of
 * them, as the member as of the answer, each in its shape. member, value: only
 * those that name value there (document_each_with); NULL: all.
 */
typedef json_t *entity_shape(const json_t *doc);
int entity_list(struct op_call *c, const char *documents, const char *as,
    entity_shape *shape, const char *member, const char *value);

/* DeleteConflict while there are inline or attached policies. */
int entity_without_policies(struct op_call *c, const json_t *doc);
int entity_conflict(struct op_call *c, const char *what, const char *which,
    const char *mend);

/* ---- handlers of the rows that users and roles share ---- */

#define PARAM_BOUNDARY(must) \
	{ .name = "PermissionsBoundary", .type = OP_STRING, .required = (must), \
	    .min = 20, .max = 2048, .pattern = OP_ARN, \
	    .help = "ARN of the managed policy that bounds what it may do." }

int tag_entity(struct op_call *c);
int untag_entity(struct op_call *c);
int list_entity_tags(struct op_call *c);
int put_boundary(struct op_call *c);
int delete_boundary(struct op_call *c);

#endif
