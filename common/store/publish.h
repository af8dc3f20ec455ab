/* One publish on its way: publish.c and the files that help it. */
#ifndef IAM_STORE_PUBLISH_H
#define IAM_STORE_PUBLISH_H

#include "common/snapshot/accounts.h"
#include "common/snapshot/principal.h"
#include "common/store/doc.h"
#include "common/store/internal.h"
#include "common/store/settings.h"

/*
 * Texts, each with a number: an open-addressing hash table (SipHash with a random
 * key, since people choose their names). Texts are copied and stay where they are
 * in it, by their offset.
 */
struct pub_slot {
	uint32_t hash;
	uint32_t text;           /* offset in pub_map.text; 0: free */
	uint32_t value;
};

struct pub_map {
	struct buf text;         /* begins with one NUL: 0 is no text */
	struct pub_slot *slots;
	size_t cap, count;       /* cap is a power of two, or 0 */
	uint8_t salt[16];        /* crypto_shorthash_KEYBYTES */
};

/* Texts end to end, each with its NUL: keys into SNAP_POLICY. */
struct pub_keys {
	struct buf text;
	uint32_t count;
};

/* A group, until its members are known. */
struct pub_group {
	char *via;               /* "group NAME"; owned */
	char *lower;             /* its IAM name in lower case; owned */
	char *unix_name;         /* owned; NULL: it has none */
	uint32_t gid;
	struct pub_keys policies;
	bool has_policies;       /* policies are known: its record has to be made */
	bool served;             /* in the public snapshot */
	uint32_t *joined;        /* Unix names of members, in this publish: texts of publish.names; owned */
	size_t joined_count, joined_cap;
	json_t *left;            /* those of who is a member no more; owned */
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
	uint32_t clean;          /* what there was to warn of is listed as odd */
	struct store_point point;/* the history went as far as that */
	uint64_t managed;        /* digest of the managed policies' files */
	uint64_t local_groups;   /* digest of the listed local groups and their gids */
	uint64_t settings;       /* of iam.json */
};

/* What one user or role comes to, on its way; the memory is the next one's. */
#define PUB_SEED_MAX 256 /* a sealed one; a seal adds 40 bytes to 64 */
struct pub_space {
	struct pub_keys policies; /* of its own */
	struct buf groups;   /* those that there are: indices into publish.groups, 4 bytes each */
	struct buf account;  /* as in SNAP_USER_NAME */
	struct buf gids;     /* supplementary ones, as in SNAP_MEMBER_OF */
	struct buf key_lines;/* of the active SSH keys, as in SNAP_SSH_KEYS */
	char fingerprints[SNAP_USER_KEYS_MAX][64];
	uint8_t seeds[SNAP_DEVICES_MAX][PUB_SEED_MAX];
	uint8_t recovery[SNAP_RECOVERY_MAX * SNAP_RECOVERY_HASH];
};

/* An MFA device's document, until its user comes. */
struct pub_device {
	uint32_t text, len;      /* in publish.device_text */
	uint32_t before;         /* another one of hers, + 1; 0: none */
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
	struct pub_map names, ids; /* ours so far: Unix name, id -> whose, in keys */
	struct buf keys;         /* keys of documents, each with its NUL */
	struct pub_map group_index; /* IAM name in lower case -> index into groups */
	struct pub_group *groups;
	size_t group_count, group_cap;
	json_t *adopted;         /* Unix names of local accounts that are governed; owned, NULL: none */
	struct pub_map device_index; /* IAM name in lower case -> the last of her devices, + 1 */
	struct pub_device *devices;
	size_t device_count, device_cap, device_dealt; /* dealt: whose user has come */
	struct buf device_text;  /* their documents */
	struct doc device_docs[SNAP_DEVICES_MAX]; /* scratch: of one user */

	json_t *compiled;        /* text of a policy -> index into bytecode */
	struct buf *bytecode;    /* empty: refused */
	size_t bytecode_count;
	json_t *policies;        /* managed policies dealt with, by ARN */

	/* Only changes, on top of these; NULL: everything. */
	struct snap *old_pub, *old_priv;
	struct pub_state state;  /* as old_priv has it */
	json_t *freed_names, *freed_ids; /* by documents that are gone or changed */
	json_t *was_odd;         /* by key in lower case: had a warning then, or belonged to nobody */
	json_t *still;           /* those of them that have not changed since */
	json_t *changed_devices; /* keys of MFA documents, lower case -> UserName now */
	bool unsure;             /* what these changes come to is not certain */

	const char *current;     /* key of the document that is dealt with */
	json_t *odd;             /* of this publish: key in lower case -> key */

	struct snap_builder *pub, *priv;
	struct doc doc;          /* the document that is being published */
	struct buf record, text; /* scratch */
	struct snap_principal principal;
	struct pub_space space;
	struct snap_account account;
};

/* ---- publish_record.c ---- */

/* "users/sarah: left out: REASON". p->current is odd now. Of changes it is one that the
 * whole must be looked at for, unless that document was odd then, and is unchanged. */
int pub_warn(struct publish *p, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* So many are odd at most, for changes to be published by themselves. */
#define PUB_ODD_MAX 256
int pub_note_odd(struct publish *p, const char *key);
/* Is a key in a set by key in lower case? */
bool pub_has_key(const json_t *set, const char *key);
/* A member's string, NULL when it is not there or no string. */
const char *pub_str(const struct doc_value *doc, const char *name);
/* The same of what jansson has read. */
const char *pub_json_str(const json_t *doc, const char *name);
/* A member that is an id, 0 when it is not there or none. */
uint32_t pub_id(const struct doc_value *doc, const char *name);
/* A member's time as seconds since 1970, 0 when it is not there or none. */
int64_t pub_time(const struct doc_value *doc, const char *name);
/* A name in lower case (ASCII), as names are compared. */
void pub_lower(const char *name, char ret[STORE_KEY_MAX + 1]);
/* p->record into a builder, which is then empty again. */
int pub_add(struct publish *p, struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len);
/* The same record under a name and an id. */
int pub_add_both(struct publish *p, enum snap_table by_name, const char *name,
    enum snap_table by_id, uint32_t id);
/* Without the old record of a name, when there is one. */
int pub_remove(struct snap_builder *b, enum snap_table table, const char *key);

/* ---- publish_map.c ---- */

/* The slot of a text, NULL: it is not there. Good until the next put. */
const struct pub_slot *pub_map_find(const struct pub_map *m, const char *text);
/* Put it in, or give it another value. *ret (may be NULL) as above. */
int pub_map_put(struct pub_map *m, const char *text, uint32_t value,
    const struct pub_slot **ret);
const char *pub_map_text(const struct pub_map *m, uint32_t at);
/* Nothing is looked for any more: the texts stay. */
void pub_map_close(struct pub_map *m);
void pub_map_release(struct pub_map *m);

/* ---- publish_claim.c ---- */

/*
 * May this document have this Unix name and id? If so they are its own from
 * now on, and *ret is the name in p->names; if not, a warning says why, and *ret is 0.
 */
int pub_claim(struct publish *p, const char *key, const char *unix_name,
    uint32_t id, uint32_t *ret);
/* The same for a local account, whose name and id only another document can have. */
int pub_claim_adopted(struct publish *p, const char *key, const char *unix_name,
    uint32_t id, uint32_t *ret);
/* The same for subordinate ids that begin at start. *ret starts out false. */
int pub_claim_subids(struct publish *p, const char *key, uint32_t start,
    bool *ret);
/* Nobody claims anything any more: of a million, that is a hundred megabytes. */
void pub_claims_done(struct publish *p);

/* ---- publish_group.c ---- */

/* The group of this IAM name, or NULL with *ret_err (0: there is none). Good until
 * the next group is read. */
struct pub_group *pub_group_of(struct publish *p, const struct doc_value *name,
    int *ret_err);
/* A group of a document (borrowed): known from now on, and nothing published.
 * NULL: *ret_err, or 0 after a warning. */
struct pub_group *pub_read_group(struct publish *p, const char *key,
    const struct doc_value *doc, int *ret_err);
/* The same of changes: one that was served and goes on to be. */
struct pub_group *pub_load_group(struct publish *p, const char *key,
    const struct doc_value *doc, int *ret_err);
/* A group, as something new. */
int pub_group(struct publish *p, const char *key, const struct doc_value *doc);
/* A member more: a name in p->names. */
int pub_join(struct pub_group *g, uint32_t name);
/* The records of the groups whose members or policies are new. */
int pub_put_groups(struct publish *p);
void pub_groups_release(struct publish *p);

/* ---- publish_device.c ---- */

/* An MFA device's document, as text. */
int pub_device(struct publish *p, const struct doc_value *doc,
    const char *text, size_t len);
/* The devices of a user (her IAM name) in the order in which they came: at most max are read,
 * *ret_count is how many there are. Borrowed until the next call. */
int pub_devices_of(struct publish *p, const char *user, size_t max,
    const struct doc_value **ret, size_t *ret_count);
/* Those that nobody was there for are odd: with the next document they may be somebody's. */
int pub_devices_left(struct publish *p);
/* They are dealt with: what is left in the end belongs to nobody. */
int pub_devices_done(struct publish *p, const char *user);
void pub_devices_release(struct publish *p);

/* ---- publish_account.c ---- */

int pub_put_account(struct publish *p);

/* ---- publish_write.c ---- */

/* The governed file, the list of revoked certificates and both snapshots. */
int pub_write(struct publish *p);

/* ---- publish_merge.c ---- */

/* The file "STORE.WHAT" stays: its inode is the lock. IAM_ERR_BUSY after wait_ms.
 * *ret_fd is owned (close). */
#define PUB_LOCK_WAIT_MS 10000
int pub_lock(const struct store *s, const char *what, int wait_ms,
    int *ret_fd, struct iam_why *why);
/* Changes that are far too many are made one file with the rest here and now. If
 * that fails, the next writer tries again. */
void pub_merge_overdue(const struct store_paths *paths);

/* ---- publish.c ---- */

/* One document is published; borrowed. */
typedef int pub_take(struct publish *p, const char *key,
    const struct doc_value *doc);
/* Both builders, for this revision. */
int pub_open_builders(struct publish *p);
/* What both were made from. */
int pub_put_state(struct publish *p);

/* ---- publish_changes.c ---- */

/* What has changed since p->old_*, into the builders. p->unsure: it takes a
 * publish of everything. *ret_none: there is nothing at all. */
int pub_changes(struct publish *p, bool *ret_none);
int pub_state_now(struct publish *p, struct pub_state *ret);
void pub_state_encode(const struct publish *p, const struct pub_state *state,
    struct buf *b);

/* ---- publish_policy.c ---- */

/* Tells the files of a directory of policies from what was there before. */
int pub_managed_digest(const struct publish *p, uint64_t *ret);
/* Without the inline policies of a document. */
int pub_policies_remove(struct publish *p, const char *kind, const char *name,
    const struct doc_value *doc);

/* A document policies/NAME. */
int pub_policy(struct publish *p, const char *key,
    const struct doc_value *doc);
/*
 * The policies of a user's, group's or role's document: inline ones go into the
 * snapshot, attached ones must be there (else a warning). kind: "user", "group", "role".
 * Their keys are appended to *ret.
 */
int pub_policies_of(struct publish *p, const char *key, const char *kind,
    const char *name, const struct doc_value *doc, struct pub_keys *ret);
/* See that a managed policy is in the snapshot; a warning when it cannot be. */
int pub_managed(struct publish *p, const char *key, const char *arn);
/* The trust policy of a role; *ret_key is its key into SNAP_POLICY, owned. */
int pub_trust(struct publish *p, const char *key, const char *name,
    const char *text, char **ret_key);
void pub_policies_release(struct publish *p);

/* ---- publish_user.c ---- */

int pub_user(struct publish *p, const char *key, const struct doc_value *doc);
/* Without what an earlier version of the document has published. */
int pub_user_remove(struct publish *p, const struct doc_value *doc);
void pub_space_release(struct pub_space *space);
/* The same for a role. */
int pub_role(struct publish *p, const char *key, const struct doc_value *doc);
int pub_role_remove(struct publish *p, const struct doc_value *doc);

#endif
