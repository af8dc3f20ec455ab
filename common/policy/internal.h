/*
 * The compiled form (docs/policy-format.md) and what its writer and its
 * readers share. Nothing here allocates but the writer.
 *
 * Rules that every reader keeps:
 *  - no offset or count out of the bytes is used before it was compared with
 *    the size of its section;
 *  - damage sets view.bad, and a decision with damage is an error, not a no.
 */
#ifndef IAM_POLICY_INTERNAL_H
#define IAM_POLICY_INTERNAL_H

#include <endian.h>

#include "common/base/le.h"
#include "common/policy/policy.h"

/* ---- layout ---- */

#define CF_MAGIC "IAMPOLIC"
#define CF_VERSION 2u
#define CF_SUM_FROM 24u
#define CF_FLAG_VARIABLES 1u /* Version 2012-10-17 */
#define CF_FLAG_KEPT 2u      /* compiled with keep_malformed */

enum cf_section {
	CF_STMT,   /* statements */
	CF_VAL,    /* patterns, principals and condition values */
	CF_COND,   /* one operator on one key */
	CF_KEY,    /* condition key names, variables' included */
	CF_BUCKET, /* hash table: what an action starts with */
	CF_SUB,    /* hash tables: what a resource starts with, one per big bucket */
	CF_ENTRY,  /* a statement as the index sees it */
	CF_LEN,    /* lengths of prefixes that occur */
	CF_POOL,   /* bytes */
	CF_SECTIONS
};

/* Header: magic 8, version u32, size u32, checksum u64, kind u32, flags u32,
 * (offset u32, count u32) of each section, count of action lengths u32, 0 u32. */
#define CF_HEADER (32u + CF_SECTIONS * 8u + 8u)

#define CF_STMT_SIZE 44u
#define CF_VAL_SIZE 20u
#define CF_COND_SIZE 16u
#define CF_KEY_SIZE 16u
#define CF_BUCKET_SIZE 40u
#define CF_SUB_SIZE 12u
#define CF_ENTRY_SIZE 16u
#define CF_LEN_SIZE 4u
#define CF_TAIL 4u /* last bytes of a resource that an entry has */

static const uint8_t cf_record_size[CF_SECTIONS] = { CF_STMT_SIZE, CF_VAL_SIZE,
	CF_COND_SIZE, CF_KEY_SIZE, CF_BUCKET_SIZE, CF_SUB_SIZE, CF_ENTRY_SIZE,
	CF_LEN_SIZE, 1 };

enum { /* of a statement, and in part of an entry */
	CF_DENY = 1,
	CF_NOT_ACTION = 2,
	CF_NOT_RESOURCE = 4,
	CF_NOT_PRINCIPAL = 8,
	CF_HAS_RESOURCE = 16, /* without it (trust policies) every resource matches */
	CF_HAS_PRINCIPAL = 32,
};

enum cf_form { /* of a value */
	CF_ANY = 1,  /* pattern "*" */
	CF_LITERAL,  /* the data is the text to compare with */
	CF_PREFIX,   /* data, then anything */
	CF_GLOB,     /* data with wildcard marks */
	CF_VARS,     /* data with wildcard and variable marks */
	CF_ARN,      /* condition value: six patterns, each a form byte, u32 length, data */
	CF_NUMBER,   /* the text itself */
	CF_DATE,     /* i64 seconds, u32 nanoseconds */
	CF_BOOL,     /* one byte */
	CF_BINARY,   /* the decoded bytes */
	CF_IP,       /* family 4 or 6, prefix length, 16 bytes */
	CF_WINDOW,   /* days u8, 0 u8 x3, start u32, end u32, zone as text to the end */
	CF_BAD,      /* could not be read as its operator's type: matches nothing */
	CF_P_ANY,    /* principals */
	CF_P_ACCOUNT,
	CF_P_ARN,    /* user, session or federated user: the text, exactly */
	CF_P_ROLE,   /* data: account, then the role's name without path */
	CF_P_OTHER,  /* a service or an identity provider */
	CF_FORM_END
};

/* Marks inside pattern data: bytes that UTF-8 never contains. */
#define CF_STAR 0xff  /* any run of characters */
#define CF_ONE 0xfe   /* one character */
#define CF_VAR 0xfd   /* then u32 key, u32 length of the default + 1 or 0, the default */

enum cf_op {
	OP_STRING_EQ = 1, OP_STRING_EQ_CASE, OP_STRING_LIKE,
	OP_NUM_EQ, OP_NUM_LT, OP_NUM_LE, OP_NUM_GT, OP_NUM_GE,
	OP_DATE_EQ, OP_DATE_LT, OP_DATE_LE, OP_DATE_GT, OP_DATE_GE,
	OP_BOOL, OP_BINARY, OP_IP, OP_ARN, OP_NULL, OP_WINDOW, OP_END
};

enum cf_qual { QUAL_NONE, QUAL_ALL, QUAL_ANY, QUAL_END };

enum { /* of a condition */
	PC_NEGATED = 1,
	PC_IF_EXISTS = 2,
	PC_ARN_EQUALS = 4, /* ArnEquals and ArnLike are one; only the name differs */
};

struct cf_operator { /* one name of the language */
	const char *name;
	uint8_t op;
	uint8_t flags;
};
/* "ForAnyValue:StringLikeIfExists" taken apart; false when there is no such. */
bool cf_operator_parse(const char *name, uint8_t *ret_op, uint8_t *ret_qual,
    uint8_t *ret_flags);
/* The name without qualifier and IfExists; NULL for unknown bytes. Constant. */
const char *cf_operator_name(uint8_t op, uint8_t flags);

/* ---- hashing, folding ---- */

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* len bytes, 8 at a time. Not for untrusted keys in the writer's tables. */
uint64_t cf_hash(const void *p, size_t len, uint64_t seed);
uint64_t cf_checksum(const void *p, size_t len);
/* The hash of a key name, without regard to ASCII case. */
uint32_t cf_key_hash(const char *p, size_t len);
/* Bytes of the character at p (p < end): 1 to 4, and 1 for what is no UTF-8. */
size_t cf_char_len(const char *p, const char *end);
bool ascii_equal_case(const char *a, size_t alen, const char *b, size_t blen);

#define CF_SEED_PREFIX 0x9e3779b97f4a7c15u
#define CF_SEED_EXACT 0xc2b2ae3d27d4eb4fu
#define CF_SEED_VALUE 0x165667b19e3779f9u

/* ---- values (value.c): the same reading for documents and requests ---- */

struct val_number {
	bool negative;
	const char *whole, *fraction; /* without leading and trailing zeros */
	size_t whole_len, fraction_len;
};
bool val_number(const char *p, size_t len, struct val_number *ret);
int val_number_compare(const struct val_number *a, const struct val_number *b);

struct val_date {
	int64_t s;
	uint32_t ns;
};
bool val_date(const char *p, size_t len, struct val_date *ret);
int val_date_compare(const struct val_date *a, const struct val_date *b);

bool val_bool(const char *p, size_t len, bool *ret);

struct val_ip {
	uint8_t family; /* 4 or 6 */
	uint8_t prefix;
	uint8_t addr[16];
};
/* range: a "/N" may follow. IPv4-mapped IPv6 comes back as IPv4. */
bool val_ip(const char *p, size_t len, bool range, struct val_ip *ret);
bool val_ip_within(const struct val_ip *range, const struct val_ip *addr);
bool val_ip_host_bits(const struct val_ip *range);

/* Strict base64 (RFC 4648 section 4, padding required); ret_len at most
 * len / 4 * 3. ret may be NULL to check only. */
bool val_base64(const char *p, size_t len, uint8_t *ret, size_t *ret_len);
/* Is the base64 text the encoding of these bytes? *ret_ok false: not base64. */
bool val_base64_equal(const char *p, size_t len, const uint8_t *data,
    size_t data_len, bool *ret_ok);

struct val_slice {
	const char *p;
	size_t len;
};
#define ARN_PARTS 6
/* Six parts at the first five colons; false when there are fewer, or the
 * first is not "arn". */
bool val_arn(const char *p, size_t len, struct val_slice ret[ARN_PARTS]);

struct val_window {
	uint8_t days;       /* bit 0 is Sunday */
	uint32_t start_s, end_s; /* of the day; start > end runs into the next day */
	struct val_slice zone;   /* empty: the host's */
};
/* *ret_why (may be NULL) says in a constant phrase what is wrong. */
bool val_window(const char *p, size_t len, struct val_window *ret,
    const char **ret_why);
bool val_window_holds(const struct val_window *w, int weekday, int second);

/* ---- views ---- */

#define VIEW_KEYS 64

struct view { /* a document being read */
	const uint8_t *base;
	struct {
		const uint8_t *p;
		uint32_t n;
	} s[CF_SECTIONS];
	uint32_t action_lens, flags;
	bool bad;
	/* What the request has for the first keys of this document. */
	uint64_t resolved;
	const struct pol_key *key[VIEW_KEYS];
	uint32_t key_value_hash[VIEW_KEYS];
};

static inline bool
view_range(struct view *v, enum cf_section sec, uint32_t first, uint32_t n)
{
	if (first <= v->s[sec].n && n <= v->s[sec].n - first)
		return true;
	v->bad = true;
	return false;
}

/* A record, or NULL and v->bad. */
static inline const uint8_t *
view_record(struct view *v, enum cf_section sec, uint32_t i)
{
	if (i < v->s[sec].n)
		return v->s[sec].p + (size_t)i * cf_record_size[sec];
	v->bad = true;
	return NULL;
}

int view_init(struct view *v, const struct pol_doc *doc);

struct stmt {
	uint32_t index, flags;
	uint32_t sid, sid_len;
	uint32_t action, action_n;
	uint32_t resource, resource_n;
	uint32_t principal, principal_n;
	uint32_t cond, cond_n;
};
bool view_stmt(struct view *v, uint32_t i, struct stmt *ret);
/* The statement's Sid, "" when it has none or is damaged. */
const char *view_sid(struct view *v, const struct stmt *s);

struct val {
	struct val_slice text;
	const uint8_t *data;
	uint32_t data_len;
	uint8_t form;
};
bool view_val(struct view *v, uint32_t i, struct val *ret);

struct cond {
	uint8_t op, qual, flags;
	uint32_t key, val, val_n;
};
bool view_cond(struct view *v, uint32_t i, struct cond *ret);
/* A key's name, NUL-terminated; NULL on damage. */
const char *view_key(struct view *v, uint32_t i, uint32_t *ret_len);

/* ---- matching ---- */

enum tri { TRI_NO = 0, TRI_YES = 1, TRI_DOUBT = 2 };

struct principal {
	enum { PR_OTHER, PR_USER, PR_ROLE_SESSION, PR_FEDERATED, PR_ROOT } type;
	struct val_slice arn, account, name; /* name: role's or user's, without path */
};
bool principal_parse(const char *arn, struct principal *ret);

enum { /* how a resource policy names the caller */
	GRANT_ANY = 1,
	GRANT_ACCOUNT = 2,
	GRANT_EXACT = 4,
	GRANT_ROLE = 8,
};

#define POL_ACTION_MAX 256

struct ev { /* a decision in the making */
	const struct pol_request *req;
	char action[POL_ACTION_MAX]; /* in lower case */
	size_t action_len;
	struct val_slice resource;
	uint32_t resource_tail; /* the last CF_TAIL bytes */
	struct principal principal;
	struct val_slice account, resource_account;
	bool bounded; /* the principal has a permissions boundary */
	/* the last wall clock that was asked for */
	bool clock_known, clock_ok;
	struct val_slice clock_zone;
	int64_t clock_s;
	struct tz_local clock;
};

int ev_init(struct ev *ev, const struct pol_set *set, const struct pol_request *req);
const struct pol_key *ev_key(const struct ev *ev, const char *name, size_t len);
/* Does the key have a value: not missing, empty, or all empty strings? */
bool key_present(const struct pol_key *k);
int ev_local(struct ev *ev, struct val_slice zone, int64_t t,
    struct tz_local *ret);

/* A pattern against a text. fold: text is folded to lower case (the pattern is). */
enum tri match_pattern(struct ev *ev, struct view *v, uint8_t form,
    const uint8_t *data, size_t len, const char *text, size_t text_len,
    bool fold);

enum tri stmt_actions(struct ev *ev, struct view *v, const struct stmt *s);
enum tri stmt_resources(struct ev *ev, struct view *v, const struct stmt *s);
/* 0, or GRANT_ bits; GRANT_ANY for a document without principals. */
unsigned stmt_principals(struct ev *ev, struct view *v, const struct stmt *s);
enum tri stmt_conditions(struct ev *ev, struct view *v, const struct stmt *s);
enum tri cond_holds(struct ev *ev, struct view *v, const struct cond *c);

/* ---- the language's own facts ---- */

/* Is this a key that has several values by nature (aws:TagKeys)? */
bool key_is_multivalued(const char *name);
/* Is this a well-known key that never has? */
bool key_is_single(const char *name);
/* A key that holds dates, for TimeOfDayWithin. */
bool key_is_date(const char *name);
/* The i-th operator's name; NULL at the end. */
const char *cf_operator_at(size_t i);

#endif
