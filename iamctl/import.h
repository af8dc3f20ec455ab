/*
 * Reading back an export (import.c), in parts: what a document must look like
 * (import_check.c), the ids that it brings (import_ids.c), and each kind of
 * document (import_entity.c).
 *
 * Every function returns 0, or -1 after op_fail: then the row's transaction is
 * undone and nothing was imported. what names the document in messages.
 */
#ifndef IAM_IAMCTL_IMPORT_H
#define IAM_IAMCTL_IMPORT_H

#include "iamctl/op.h"

struct import {
	struct op_call *c;
	const char *account;
	json_t *names;            /* documents of this import: "users/sarah" */
	json_t *unix_names, *ids; /* who has them, over the whole account */
	json_t *devices_of;       /* how many a user has */
	json_t *adopted;          /* Unix names of adopted local accounts */
	unsigned policies, groups, users, roles, devices;
};

enum import_shape { TEXT, DATE, NUMBER, FLAG, TEXTS, TEXT_MAP, OBJECT, OBJECTS };

/* A table of these ends with a name of NULL. */
struct import_member {
	const char *name;
	enum import_shape shape;
	bool required;
};

int import_bad(struct import *im, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- import_check.c ---- */

/* An object with the members of the table, in their shapes, and no others. */
int import_check_members(struct import *im, const char *what,
    const json_t *doc, const struct import_member *members);
int import_check_objects(struct import *im, const char *what,
    const json_t *list, const struct import_member *members);
/* what is the first to have the key; set says who had it before. */
int import_once(struct import *im, json_t *set, const char *key,
    const char *what);
/* Names differ in more than case: the second would take the first one's place. */
int import_check_new_name(struct import *im, const char *what,
    const char *kind, const char *name);
/* The prefix ("AIDA"), then capitals and digits. */
int import_check_id(struct import *im, const char *what, const json_t *doc,
    const char *member, const char *prefix);
/* A list without repetitions, as long as the operations would make it. */
int import_check_list(struct import *im, const char *what, const json_t *doc,
    const char *member, size_t max);
int import_check_tags(struct import *im, const char *what, const json_t *doc);
/* What may be left out is there afterwards, as the operations make it; takes
 * the value. */
int import_put_default(struct import *im, const char *what, json_t *doc,
    const char *member, json_t *value);
/* Name, path and ARN fit together. */
int import_check_entity(struct import *im, const char *what,
    const json_t *doc, const char *kind, const char *name_member,
    unsigned name_max);
int import_check_unix(struct import *im, const char *what, const json_t *doc);
int import_check_inline(struct import *im, const char *what,
    const json_t *doc, size_t max_chars);

/* ---- import_ids.c ---- */

/* A new id is taken for ever; one that a document has, or had, stays with it.
 * old: the document that is replaced, or NULL. */
int import_claim_id(struct import *im, const char *kind, const char *what,
    const json_t *doc, const json_t *old, const char *member);
/* Likewise for subordinate ids, which a user need not have. */
int import_claim_subordinate_ids(struct import *im, const char *what,
    const json_t *doc, const json_t *old);

/* ---- import_entity.c: check and put one ---- */

int import_policy(struct import *im, json_t *doc);
int import_group(struct import *im, json_t *doc);
int import_user(struct import *im, json_t *doc);
int import_role(struct import *im, json_t *doc);
int import_device(struct import *im, json_t *doc);

/* The member of old, if it has it, into doc. */
int import_keep(struct import *im, const char *what, json_t *doc,
    const json_t *old, const char *member);

#endif
