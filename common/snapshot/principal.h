/*
 * Records of the private snapshot: what a login decides by.
 *
 * Decoding allocates nothing: strings and blobs are borrowed from the map, the
 * lists are bounded by the quotas below. An encoder that is given more is
 * refused with IAM_ERR_LIMIT in the buffer. Links libc only.
 */
#ifndef IAM_SNAPSHOT_PRINCIPAL_H
#define IAM_SNAPSHOT_PRINCIPAL_H

#include "common/snapshot/snapshot.h"

#define SNAP_TAGS_MAX 50
#define SNAP_DEVICES_MAX 8
#define SNAP_USER_KEYS_MAX 16
#define SNAP_RECOVERY_MAX 10 /* recovery codes */
#define SNAP_RECOVERY_HASH 32
/* Inline and attached, of a user (10+10) and its ten groups (10+10 each), with room. */
#define SNAP_POLICIES_MAX 512
#define SNAP_SERVICES_MAX 128
#define SNAP_REVOKED_MAX 1024
#define SNAP_ONE_LINE_MAX 32

struct snap_tag {
	const char *key, *value;
};

enum snap_mfa_alg { SNAP_TOTP_SHA1 = 1, SNAP_TOTP_SHA256 = 2, SNAP_TOTP_SHA512 = 3 };

struct snap_device {
	const char *serial;      /* arn:aws:iam::…:mfa/NAME */
	uint64_t enabled_s;      /* codes of the step that began then, and before, are used up */
	uint32_t alg, digits, period_s; /* enum snap_mfa_alg; 6 or 8; 30 or 60 */
	int32_t drift_steps;     /* of when it was enabled or resynchronised */
	int32_t learnt_steps;    /* of its logins, until the snapshot was made */
	const uint8_t *seed;     /* sealed (credential/seal.h) */
	size_t seed_len;
};

/* An active SSH key, for the policies: sshd gets it from the public snapshot. */
struct snap_ssh_key {
	const char *id;          /* APKA… */
	const char *fingerprint; /* "SHA256:…", as ssh-keygen -l prints it */
	int64_t uploaded_s;
};

/* Which layer of AWS's evaluation a policy of the principal belongs to. */
enum snap_layer {
	SNAP_LAYER_IDENTITY = 1,
	SNAP_LAYER_BOUNDARY = 2,
	/* In the record only: whatever SNAP_GROUP_POLICIES has under this key. So
	 * that a change of a group is a change of one record. */
	SNAP_LAYER_GROUP = 3,
	/* A role's trust policy, which speaks of those who assume the role. */
	SNAP_LAYER_TRUST = 4,
};

struct snap_policy_ref {
	uint32_t layer;    /* enum snap_layer */
	const char *key;   /* into SNAP_POLICY */
	/* "user", "role", "group NAME", "boundary", "trust": for explanations. Of
	 * SNAP_LAYER_GROUP the group's own record has it. */
	const char *via;
};

struct snap_principal {
	uint32_t uid, gid;
	uint32_t role;         /* 1: a role, which has nothing to log in with */
	uint32_t max_session_s;/* of a role */
	const char *unix_name;
	const char *user_name; /* the IAM name, with its capitals */
	const char *user_id;   /* AIDA…, AROA… */
	const char *arn;
	const char *home, *shell;
	uint32_t enabled;      /* 0: every login is refused, looking like a wrong password */
	const char *password_hash; /* crypt(5); NULL: no login profile */
	uint32_t password_reset_required;
	int64_t password_changed_s;
	int64_t created_s;
	int64_t enrol_from_s;  /* when her time for enrolling a device at login began */
	uint32_t tag_count;
	struct snap_tag tags[SNAP_TAGS_MAX];
	uint32_t device_count;
	struct snap_device devices[SNAP_DEVICES_MAX];
	uint32_t key_count;
	struct snap_ssh_key keys[SNAP_USER_KEYS_MAX];
	uint32_t recovery_count;   /* codes that are left */
	const uint8_t *recovery;   /* their hashes, SNAP_RECOVERY_HASH bytes each */
	uint32_t policy_count;
	struct snap_policy_ref policies[SNAP_POLICIES_MAX];
};

void snap_principal_encode(const struct snap_principal *p, struct buf *b);
int snap_principal_decode(struct snap_bytes in, struct snap_principal *ret);
/* With the policies of the groups in their place. A principal whose groups are
 * not all there, or have more policies than there is room for, is disabled. */
int snap_principal_by_name(const struct snap *s, const char *unix_name,
    bool *ret_found, struct snap_principal *ret);

/* The value of a group in SNAP_GROUP_POLICIES. via: "group NAME"; keys: count of
 * them; borrowed. */
void snap_group_policies_encode(const char *via, const char *const *keys,
    uint32_t count, struct buf *b);

struct snap_policy {
	const char *arn;  /* NULL for an inline policy */
	const char *name; /* SourcePolicyId: the managed policy's ARN or "user_sarah_NAME" */
	const uint8_t *compiled; /* common/policy, 8-byte aligned in the map */
	size_t compiled_len;
};

void snap_policy_encode(const struct snap_policy *p, struct buf *b);
int snap_policy_decode(struct snap_bytes in, struct snap_policy *ret);
int snap_policy_by_key(const struct snap *s, const char *key, bool *ret_found,
    struct snap_policy *ret);

/* What PAM service stands for what action. */
struct snap_service {
	const char *service; /* "sshd", "gdm*": a trailing '*' matches a prefix */
	const char *action;  /* "host:Login" */
};

/* The state of a configuration file when the snapshot was made: when the file
 * no longer looks so, the snapshot is stale and must be published anew. */
struct snap_file_mark {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	uint64_t hash; /* of the content */
};

/*
 * How a file looks now; all zero when it is not there. The file must be root's
 * (FILE_ROOT_ONLY) and at most 1 MiB.
 */
int snap_mark_take(const char *path, struct snap_file_mark *ret);
/*
 * Does it still look so? Costs one lstat while inode, size and times are the
 * same; when only these have changed (touched, restored, copied back, a clock that
 * was set), the content decides. False on every error.
 */
bool snap_mark_current(const char *path, const struct snap_file_mark *mark);

/* When a user without a device enrols one at login. */
enum snap_enrolment {
	SNAP_ENROLMENT_OFF = 0,
	SNAP_ENROLMENT_POLICY = 1, /* where the policies demand MFA */
	SNAP_ENROLMENT_ALWAYS = 2, /* at every login */
};

/* Throttle and MFA settings, from iam.json with their defaults filled in. */
struct snap_account {
	const char *account_id;  /* twelve digits */
	const char *alias;       /* NULL when none */
	const char *region;      /* the host's */
	const char *hostname;    /* as in the instance ARN */
	const char *helper_group;/* whose members may ask iam-chkauth about others; NULL: none */
	uint32_t id_min, id_max;
	uint32_t mfa_when_enrolled; /* 1 (default): a user with a device is always asked */
	uint32_t mfa_memory_s;   /* how long MFA of the same login session counts for sudo; 0: never */
	uint32_t self_enrolment; /* enum snap_enrolment */
	uint32_t enrolment_days; /* after enrol_from_s */
	uint32_t throttle_free;  /* failures of one user from one source before any delay */
	uint32_t throttle_max_s; /* the longest delay */
	uint32_t source_free;    /* failures from one source, of any users, before any delay */
	uint32_t create_home;    /* 1 (default): make the home directory at first login */
	uint32_t home_umask;     /* octal value, 0077 */
	uint32_t users_may_change_password; /* these three: the account's password policy */
	uint32_t password_max_age_days; /* 0: passwords do not expire */
	uint32_t password_warn_days;    /* so long before, a login tells of it; 0: never */
	uint32_t password_hard_expiry; /* 1: an expired one is changed by an administrator only */
	struct snap_file_mark host_mark, settings_mark;
	uint32_t host_tag_count;
	struct snap_tag host_tags[SNAP_TAGS_MAX];
	const char *ssh_ca;      /* fingerprint of the key that signs SSH certificates; NULL: none */
	uint32_t revoked_count;
	uint64_t revoked[SNAP_REVOKED_MAX]; /* serials of its certificates that are not good any more */
	uint32_t service_count;
	struct snap_service services[SNAP_SERVICES_MAX];
	uint32_t one_line_count;
	const char *one_line[SNAP_ONE_LINE_MAX]; /* services, as in struct snap_service */
};

void snap_account_encode(const struct snap_account *a, struct buf *b);
int snap_account_decode(struct snap_bytes in, struct snap_account *ret);
/* Not found is IAM_ERR_FORMAT: every private snapshot has one. */
int snap_account_get(const struct snap *s, struct snap_account *ret);

/* The action of a PAM service by the account's table; "host:Authenticate" for
 * one that is not listed. Exact names win over prefixes, longer over shorter. */
const char *snap_action_for(const struct snap_account *a, const char *service);
/* Does this service show one prompt, so that password and code come in one answer? */
bool snap_is_one_line(const struct snap_account *a, const char *service);

#endif
