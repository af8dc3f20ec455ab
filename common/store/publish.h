/* One publish on its way: publish.c and the files that help it. */
#ifndef IAM_STORE_PUBLISH_H
#define IAM_STORE_PUBLISH_H

#include "common/snapshot/accounts.h"
#include "common/snapshot/principal.h"
#include "common/store/internal.h"
#include "common/store/settings.h"

/* A group, until its members are known. Strings are borrowed from doc. */
struct pub_group {
	json_t *doc;             /* owned */
	json_t *policies;        /* keys into SNAP_POLICY; owned */
	char *via;               /* "group NAME"; owned */
	char *lower;             /* its IAM name in lower case; owned */
	const char *unix_name;
	uint32_t gid;
	bool served;             /* in the public snapshot */
	json_t *joined, *left;   /* Unix names of members, in this publish; owned */
	bool touched;            /* its record has to be made anew */
	bool gone;               /* deleted: nobody may be left in it */
	uint32_t local_count;    /* local groups that its members are put into */
	uint32_t local_gids[SETTINGS_LOCAL_GROUPS_MAX];
};

/*
 * What the private snapshot says of how both were made (table "publish"), so that
 * the next publish may go on from there.
 */
struct pub_state {
	const char *version;     /* of the program and of what it compiles */
	uint32_t clean;          /* there was nothing to warn of */
	struct store_point point;/* the history went as far as that */
	uint64_t managed;        /* digest of the managed policies' files */
	uint64_t local_groups;   /* digest of the listed local groups and their gids */
	uint64_t settings;       /* of iam.json */
};

struct publish {
	struct store *store;
	const struct store_paths *paths;
	struct iam_why *why;
	json_t *warnings;
	uint64_t revision;
	int64_t now_s;

	struct settings_host host;
	struct settings settings;
	struct local local;
	json_t *names, *ids;     /* ours so far: Unix name, id -> key of the document */
	json_t *group_index;     /* IAM name in lower case -> index into groups */
	struct pub_group *groups;
	size_t group_count;
	json_t *adopted;         /* Unix names of local accounts that are governed; owned, NULL: none */
	json_t *devices;         /* IAM name in lower case -> documents of devices */

	json_t *compiled;        /* text of a policy -> index into bytecode */
	struct buf *bytecode;    /* empty: refused */
	size_t bytecode_count;
	json_t *policies;        /* managed policies dealt with, by ARN */

	/* Only changes, on top of these; NULL: everything. */
	struct snap *old_pub, *old_priv;
	struct pub_state state;  /* as old_priv has it */
	json_t *freed_names, *freed_ids; /* by documents that are gone or changed */
	json_t *changed_devices; /* keys of MFA documents, lower case -> UserName now */
	bool unsure;             /* what these changes come to is not certain */

	struct snap_builder *pub, *priv;
	struct buf record, text; /* scratch */
	struct snap_principal principal;
	struct snap_account account;
};

/* ---- publish_record.c ---- */

/* "users/sarah: left out: REASON". Of changes it is one that the whole must be
 * looked at for. */
int pub_warn(struct publish *p, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A member's string, NULL when it is not there or no string. */
const char *pub_str(const json_t *doc, const char *name);
/* A member that is an id, 0 when it is not there or none. */
uint32_t pub_id(const json_t *doc, const char *name);
/* A member's time as seconds since 1970, 0 when it is not there or none. */
int64_t pub_time(const json_t *doc, const char *name);
/* A name in lower case (ASCII), as a key of a json object. */
void pub_lower(const char *name, char ret[STORE_KEY_MAX + 1]);
/* p->record into a builder, which is then empty again. */
int pub_add(struct publish *p, struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len);
/* The same record under a name and an id. */
int pub_add_both(struct publish *p, enum snap_table by_name, const char *name,
    enum snap_table by_id, uint32_t id);
/* Without the old record of a name, when there is one. */
int pub_remove(struct snap_builder *b, enum snap_table table, const char *key);

/* ---- publish_claim.c ---- */

/*
 * May this document have this Unix name and id? If so they are its own from
 * now on; if not, a warning says why. *ret starts out false.
 */
int pub_claim(struct publish *p, const char *key, const char *unix_name,
    uint32_t id, bool *ret);
/* The same for subordinate ids that begin at start. */
int pub_claim_subids(struct publish *p, const char *key, uint32_t start,
    bool *ret);

/* ---- publish_group.c ---- */

/* The group of this IAM name, or NULL with *ret_err (0: there is none). */
struct pub_group *pub_group_of(struct publish *p, const json_t *name,
    int *ret_err);
/* A group of a document (borrowed): known from now on, and nothing published.
 * NULL: *ret_err, or 0 after a warning. */
struct pub_group *pub_read_group(struct publish *p, const char *key,
    json_t *doc, int *ret_err);
/* The same of changes: one that was served and goes on to be. */
struct pub_group *pub_load_group(struct publish *p, const char *key,
    json_t *doc, int *ret_err);
/* store_visit: a group, as something new. */
int pub_group(void *arg, const char *key, json_t *doc);
/* The records of the groups whose members or policies are new. */
int pub_put_groups(struct publish *p);

/* ---- publish_account.c ---- */

int pub_put_account(struct publish *p);

/* ---- publish_write.c ---- */

/* The governed file, the list of revoked certificates and both snapshots. */
int pub_write(struct publish *p);
/* The changes are seen now; it is time to make one file of two when they have
 * become many. If that fails, the next writer tries again. */
void pub_merge(const struct publish *p);

/* ---- publish.c ---- */

/* store_visit: an MFA device. */
int pub_device(void *arg, const char *key, json_t *doc);
/* Both builders, for this revision. */
int pub_open_builders(struct publish *p);
/* What both were made from. */
int pub_put_state(struct publish *p);

/* ---- publish_changes.c ---- */

/* What has changed since p->old_*, into the builders. p->unsure: it takes a
 * publish of everything. *ret_none: there is nothing at all. */
int pub_changes(struct publish *p, bool *ret_none);
int pub_state_now(struct publish *p, struct pub_state *ret);
void pub_state_encode(const struct pub_state *state, struct buf *b);

/* ---- publish_policy.c ---- */

/* Tells the files of a directory of policies from what was there before. */
int pub_managed_digest(const struct publish *p, uint64_t *ret);
/* Without the inline policies of a document. */
int pub_policies_remove(struct publish *p, const char *kind, const char *name,
    const json_t *doc);

/* A document policies/NAME. */
int pub_policy(struct publish *p, const char *key, json_t *doc);
/*
 * The policies of a user's, group's or role's document: inline ones go into the
 * snapshot, attached ones must be there (else a warning). kind: "user", "group", "role".
 * *ret is new: the keys into SNAP_POLICY.
 */
int pub_policies_of(struct publish *p, const char *key, const char *kind,
    const char *name, json_t *doc, json_t **ret);
/* See that a managed policy is in the snapshot; a warning when it cannot be. */
int pub_managed(struct publish *p, const char *key, const char *arn);
/* The trust policy of a role; *ret_key is its key into SNAP_POLICY, owned. */
int pub_trust(struct publish *p, const char *key, const char *name,
    const char *text, char **ret_key);
void pub_policies_release(struct publish *p);

/* ---- publish_user.c ---- */

int pub_user(struct publish *p, const char *key, json_t *doc);
/* Without what an earlier version of the document has published. */
int pub_user_remove(struct publish *p, const json_t *doc);
/* The same for a role. */
int pub_role(struct publish *p, const char *key, json_t *doc);
int pub_role_remove(struct publish *p, const json_t *doc);

#endif
