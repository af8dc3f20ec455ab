/*
 * A host in a directory, for tests of logins: configuration files, seal key
 * and a private snapshot with the people of a table. Everything is made with the
 * real libraries, apart from the store.
 */
#ifndef IAM_TESTS_PAM_WORLD_H
#define IAM_TESTS_PAM_WORLD_H

#include "common/credential/credential.h"
#include "pam_iam/flow.h"

#define WORLD_ACCOUNT "123456789012"
#define WORLD_SEED "12345678901234567890" /* RFC 6238, appendix B */

#define WORLD_KEY_ID "APKAEXAMPLE2222222222"

struct world_person {
	const char *unix_name, *user_name;
	uint32_t uid;
	const char *password;  /* NULL: no login profile */
	bool disabled, reset, device;
	const char *policy;    /* JSON, inline; NULL: none */
};

/* Its sessions last two hours. */
struct world_role {
	const char *unix_name, *role_name;
	uint32_t uid;
	bool disabled;
	const char *policy; /* JSON, inline; NULL: none */
	const char *trust;  /* JSON */
};

/* A compiler of policies, where the test links one: pol_compile's work. */
typedef int world_compile(const char *json, struct buf *ret);

struct world {
	char root[256];
	bool temporary;
	char paths[10][320];
	struct flow_host host;
	const struct world_person *people; /* ends with a NULL name */
	const struct world_role *roles;    /* likewise; NULL: none */
	world_compile *compile, *compile_trust;
	/* Settings of the account; world_open fills in the defaults. */
	uint32_t mfa_when_enrolled, mfa_memory_s, throttle_free, throttle_max_s, source_free;
	uint32_t users_may_change_password;
	const char *helper_group;
	uint32_t password_max_age_days, password_hard_expiry, password_warn_days;
	int64_t enabled_s;                 /* of the devices */
	const char *setting;               /* crypt(3)'s; the default is quick */
	const char *key_of, *key;          /* who has an SSH key, its fingerprint; NULL: nobody */
	int64_t uploaded_s;                /* when */
	uint32_t digits;                   /* of the devices; 0: 6 */
	/* Instead of one device: alg, digits, period, drifts of so many, whose serial
	 * numbers end in their index. */
	const struct snap_device *devices;
	uint32_t device_count;
	const char *one_line;              /* a service with one prompt; NULL: none */
	uint32_t self_enrolment, enrolment_days;
	int64_t enrol_from_s;
	const char *recovery;              /* a recovery code of those who have a device */
	const char *ssh_ca;                /* fingerprint; NULL: none */
	uint64_t revoked;                  /* serial of a certificate; 0: none */
	int64_t created_s;                 /* of everyone */
};

/* A tmpfs of this process's own at root, where the kernel lets us: tests that
 * share the compiled-in directory do not disturb each other. */
void world_isolate(const char *root);
/*
 * A root directory of this process's own, for what is built for a real host, whose
 * paths cannot be moved: a tmpfs with the system's programs and libraries, /proc, and
 * the directory keep under its own name. As root.
 */
void world_own_root(const char *keep);
/* root NULL: a temporary directory. */
void world_open(struct world *w, const char *root);
/* What the group may read and change on a real host, for this group. */
void world_share(struct world *w, gid_t gid);
void world_publish(struct world *w);
/* Nothing but the directories that packages and the system make. */
void world_clear(struct world *w);
void world_close(struct world *w);
/* Replace a file by these bytes. */
void world_write(const char *path, const void *data, size_t len, mode_t mode);
/* The code of the device at that time. */
void world_code(int64_t t, char ret[9]);

#endif
