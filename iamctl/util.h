/*
 * What the operations share: documents and who refers to them, AWS ids and
 * ARNs, tags, paging, Unix names and ids.
 *
 * Functions that take a struct op_call report their errors with op_fail and
 * return 0 or -1, so that a handler just passes -1 on. json_t values come back
 * "new" (json_decref) unless it says borrowed.
 */
#ifndef IAM_IAMCTL_UTIL_H
#define IAM_IAMCTL_UTIL_H

#include "iamctl/op.h"

/*
 * Quotas. AWS's, but for the number of users and groups: a company's hosts
 * know more people than AWS's default account. Inline policies have no count
 * in AWS, only a size; the count here keeps a principal's policies within
 * SNAP_POLICIES_MAX.
 */
#define QUOTA_USERS 1000000
#define QUOTA_GROUPS 100000
#define QUOTA_ROLES 5000
#define QUOTA_POLICIES 5000
#define QUOTA_POLICY_VERSIONS 5
#define QUOTA_ATTACHED 10
#define QUOTA_INLINE 20
#define QUOTA_GROUPS_PER_USER 10
#define QUOTA_DEVICES_PER_USER 8
#define QUOTA_SSH_KEYS 5
#define QUOTA_TAGS 50
#define SIZE_POLICY 6144
#define SIZE_USER_INLINE 2048
#define SIZE_GROUP_INLINE 5120
#define SIZE_ROLE_INLINE 10240
#define SIZE_SESSION 2048
#define SIZE_TRUST 4096 /* AWS gives 2,048, and up to 4,096 on request */

/* The longest key of a list: the ARN of a policy in a long path. */
#define MARKER_MAX 1024

/* ---- rows ---- */

#define PARAM_USER_NAME(must, text) \
	{ .name = "UserName", .type = OP_STRING, .required = (must), .min = 1, \
	    .max = 64, .pattern = OP_IAM_NAME, .help = (text) }
#define PARAM_GROUP_NAME(text) \
	{ .name = "GroupName", .type = OP_STRING, .required = true, .min = 1, \
	    .max = 128, .pattern = OP_IAM_NAME, .help = (text) }
#define PARAM_ROLE_NAME(text) \
	{ .name = "RoleName", .type = OP_STRING, .required = true, .min = 1, \
	    .max = 64, .pattern = OP_IAM_NAME, .help = (text) }
#define PARAM_POLICY_NAME(text) \
	{ .name = "PolicyName", .type = OP_STRING, .required = true, .min = 1, \
	    .max = 128, .pattern = OP_IAM_NAME, .help = (text) }
#define PARAM_POLICY_ARN(text) \
	{ .name = "PolicyArn", .type = OP_STRING, .required = true, .min = 20, \
	    .max = 2048, .pattern = OP_ARN, .help = (text) }
#define PARAM_POLICY_DOCUMENT(text) \
	{ .name = "PolicyDocument", .type = OP_DOCUMENT, .required = true, \
	    .min = 1, .max = 131072, .help = (text) }
#define PARAM_PATH \
	{ .name = "Path", .type = OP_STRING, .min = 1, .max = 512, \
	    .pattern = OP_PATH, .fallback = "/", \
	    .help = "The path in the ARN; begins and ends with a slash." }
#define PARAM_PATH_PREFIX \
	{ .name = "PathPrefix", .type = OP_STRING, .min = 1, .max = 512, \
	    .pattern = OP_PATH_PREFIX, .help = "Only those whose path begins so." }
#define PARAM_TAGS(must) \
	{ .name = "Tags", .type = OP_TAGS, .required = (must), .max = QUOTA_TAGS, \
	    .help = "Tags to attach, each with a Key and a Value." }
#define PARAM_PAGING \
	{ .name = "MaxItems", .type = OP_INT, .min = 1, .max = 1000, \
	    .help = "At most so many entries; the rest follows with the Marker." }, \
	{ .name = "Marker", .type = OP_STRING, .min = 1, .max = MARKER_MAX, \
	    .help = "Where to go on: the Marker of a truncated answer." }
#define PARAM_END { .name = NULL }

/* op_str with a default of its own. */
const char *op_str_or(const struct op_call *c, const char *name,
    const char *fallback);

/* ---- JSON with errors reported ---- */

/* Put a member into an object; value is taken, NULL means memory was short. */
int member_set(struct op_call *c, json_t *object, const char *name,
    json_t *value);
int out_set(struct op_call *c, const char *name, json_t *value);
int list_add(struct op_call *c, json_t *list, json_t *value);
int no_memory(struct op_call *c);
/* A text member, borrowed; "" when it is not there. */
const char *text_of(const json_t *object, const char *name);
/* These members of doc, where it has them; the values are shared. names is a
 * list that ends with NULL. */
json_t *members_of(const json_t *doc, const char *const *names);
json_t *time_now(const struct op_call *c);
/* A member that is a time; 0 is none. As member_set. */
int time_put(struct op_call *c, json_t *object, const char *name, int64_t t);
/* Seconds since 1970 of "2026-11-24T09:30[:00](Z|+01:00)", "2026-11-24" (UTC) or
 * a whole number of seconds; false for anything else. */
bool time_parse(const char *s, int64_t *ret);
/* Order and equality without regard to ASCII case, whatever the locale. */
int name_cmp(const char *a, const char *b);
/* Position of a text in a list of texts, without regard to ASCII case; -1. */
int list_index(const json_t *list, const char *text);
/* Texts of a list, "a, b and 3 more", for messages; at most size bytes. */
void list_join(const json_t *list, char *ret, size_t size);

/* ---- documents ---- */

/* kind is "users", "groups", "roles", "policies", "mfa". *ret is new, NULL when there is none. */
int document_find(struct op_call *c, const char *kind, const char *name,
    json_t **ret);
int document_put(struct op_call *c, const char *kind, const char *name,
    const json_t *doc);
int document_delete(struct op_call *c, const char *kind, const char *name);

/* What a visitor of document_each returns. */
enum visit { VISIT_NEXT = 0, VISIT_STOP = 1, VISIT_FAILED = 2 /* after op_fail */ };
int document_each(struct op_call *c, const char *kind, store_visit *visit,
    void *arg);
/* The same, of those alone that name value as the member (store_each_with). */
int document_each_with(struct op_call *c, const char *kind, const char *member,
    const char *value, store_visit *visit, void *arg);
/* How many documents do, of any kind; value NULL: that name anything there. */
int document_count_with(struct op_call *c, const char *member,
    const char *value, uint64_t *ret);
int document_count(struct op_call *c, const char *kind, uint64_t *ret);
/* LimitExceeded when there are quota of them already. */
int quota_check(struct op_call *c, const char *kind, uint64_t quota,
    const char *quota_name);

/* By name; NoSuchEntity when there is none. */
int user_get(struct op_call *c, const char *name, json_t **ret);
int group_get(struct op_call *c, const char *name, json_t **ret);
/* UserName of the call, else the caller herself; InvalidInput for root. */
int user_of_call(struct op_call *c, json_t **ret);
int user_put(struct op_call *c, const json_t *user);
int group_put(struct op_call *c, const json_t *group);

/* AWS's shapes. brief: as in lists, without tags and boundary. */
json_t *user_shape(const json_t *user, bool brief);
json_t *group_shape(const json_t *group);
json_t *role_shape(const json_t *role, bool brief);

/* ---- ids and ARNs ---- */

#define AWS_ID_LEN 21
/* A prefix of four letters and 17 characters of A-Z2-7, from getrandom(2). */
int aws_id_new(struct op_call *c, const char *prefix, char ret[AWS_ID_LEN + 1]);
/* "arn:aws:iam::ACCOUNT:KIND/PATH/NAME" */
json_t *arn_new(const struct op_call *c, const char *kind, const char *path,
    const char *name);

/* ---- tags ---- */

/* Check a list of {Key,Value}, as AWS does. */
int tags_check(struct op_call *c, const json_t *tags);
/* Merge Tags of the call into doc, remove TagKeys, list Tags into out. */
int tags_merge(struct op_call *c, json_t *doc);
int tags_remove(struct op_call *c, json_t *doc);
int tags_list(struct op_call *c, const json_t *doc);

/* ---- paging ---- */

/*
 * Entries come sorted by key without regard to case; the Marker is the key of
 * the last one given out, so that entries deleted or made between two pages
 * neither repeat nor hide others. Without MaxItems everything is one page, as
 * the AWS CLI shows it.
 */
struct page {
	const char *marker; /* borrowed from the call */
	long max, n;        /* max 0: no bound */
	bool truncated;
	char last[MARKER_MAX + 1];
	json_t *list;
};

/* page_release frees what page_end did not take over. */
int page_init(struct page *p, struct op_call *c);
void page_release(struct page *p);
/* Is this entry to be added? Sets truncated when the page is full. */
bool page_wants(struct page *p, const char *key);
/* item is taken. */
int page_add(struct page *p, struct op_call *c, const char *key, json_t *item);
/* Visit the documents of a kind that are not on a page before this one, where
 * pages are in the order of names; member NULL: all, else as document_each_with. */
int page_each(struct page *p, struct op_call *c, const char *kind,
    const char *member, const char *value, store_visit *visit, void *arg);
/* Put the list as member into out, with IsTruncated and Marker. */
int page_end(struct page *p, struct op_call *c, const char *member);
/* IsTruncated and Marker only, for answers with several lists. */
int page_mark(const struct page *p, struct op_call *c);

/* A copy of a list of texts or of objects (member: the key), sorted. */
json_t *list_sorted(const json_t *list, const char *member);

/* ---- Unix names and ids ---- */

/*
 * May this Unix name be given out? Unique over users, groups and roles, valid, and not the
 * name of a local account or group (S27). own_kind and own_name: the document that may have
 * it already; NULL for a new one.
 */
int unix_name_check(struct op_call *c, const char *unix_name,
    const char *own_kind, const char *own_name);
/* The same for a group, which must not have a privileged one's name (S27). */
int unix_group_name_check(struct op_call *c, const char *unix_name,
    const char *own_name);
/* The same, whatever the host's files say: an adopted account has the name there. */
int unix_name_free(struct op_call *c, const char *unix_name);
/* The entry of a name in the host's passwd(5) file as members of a user document
 * (UnixName, Uid, Gid, Gecos, Home, Shell); *ret is new, NULL when there is none. */
int unix_local_account(struct op_call *c, const char *name, json_t **ret);
/* The IAM name in lower case, when that is a Unix name; InvalidInput with the
 * mend otherwise. ret has IAM_UNIX_NAME_MAX + 1 bytes. */
int unix_name_default(struct op_call *c, const char *name, char *ret);
/* An id never used before, on this host or by a document (S26): the next one, or wanted
 * (0: none in particular) when it is in the range and was never used. */
int unix_id_new(struct op_call *c, uint32_t wanted, uint32_t *ret);
/* The first of IAM_SUBID_COUNT subordinate ids that nobody ever had: not by a
 * document, and not in this host's /etc/subuid and /etc/subgid (S26). wanted as above. */
int subordinate_ids_new(struct op_call *c, uint32_t wanted, uint32_t *ret);
/* Home, shell, comment: no colon and no control character (passwd(5)). */
int unix_field_check(struct op_call *c, const char *name);

/* ---- the host's settings ---- */

struct host_limits {
	uint32_t id_min, id_max;
	uint32_t subid_min, subid_max;
	uint32_t self_enrolment; /* enum snap_enrolment */
	uint32_t enrolment_days;
	uint32_t throttle_free, throttle_max_s;
};
int host_limits_get(struct op_call *c, struct host_limits *ret);

/* ---- SSH public keys ---- */

/* The line of a .pub file, whose parts *ret borrows; InvalidPublicKey with what is
 * wrong with it. */
struct ssh_key;
int public_key_read(struct op_call *c, const char *line, struct ssh_key *ret);

/* ---- the runtime state ---- */

/* /run/iam, owned (runtime_close). *ret NULL: it is not there, so nobody has
 * logged in since boot. */
struct runtime;
int host_runtime_open(struct op_call *c, struct runtime **ret);

#endif
