/*
 * What users and groups have in common: a name, a path, an ARN, policies. A row
 * has either UserName or GroupName, and that says which of them is meant.
 */
#ifndef IAM_IAMCTL_ENTITY_H
#define IAM_IAMCTL_ENTITY_H

#include "iamctl/util.h"

struct entity {
	bool group;
	json_t *doc;       /* new: entity_release */
	const char *name;  /* borrowed from doc */
	const char *noun;  /* "user", "group" */
};

/* The entity that the call names; NoSuchEntity. entity_release in any case. */
int entity_get(struct op_call *c, struct entity *ret);
int entity_put(struct op_call *c, const struct entity *e);
void entity_release(struct entity *e);

/* A new user's document, without its Unix side; *ret is new, also after an error. */
int user_new(struct op_call *c, const char *name, json_t **ret);

/*
 * NewPath, and NewUserName or NewGroupName, of the call: the document moves to its
 * new key with a new ARN, and refs tells those who know it by name (store_visit
 * over kind, with a struct entity_rename).
 */
struct entity_rename {
	struct op_call *c;
	const char *old_name, *new_name;
};
int entity_move(struct op_call *c, struct entity *e, const char *refs_kind,
    store_visit *refs);

#endif
