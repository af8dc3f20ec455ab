/*
 * When somebody logged in last, from where, and how many attempts have failed
 * since: what she is shown at the next login, as pam_lastlog does. And when her password
 * and each of her SSH keys was used last at this host, for administrators.
 *
 * One file per user under /var/lib/iam/logins (0700 root), since it must outlive a
 * reboot; 4096 bytes, changed in place under flock, with a checksum. It informs and
 * decides nothing: it is not synced to the disk, a damaged one counts as none, and no
 * caller may deny because of an error. Nothing here is under anyone's home (S36).
 * The format is in docs/runtime-format.md.
 */
#ifndef IAM_RUNTIME_LASTLOGIN_H
#define IAM_RUNTIME_LASTLOGIN_H

#include <stdbool.h>
#include <stdint.h>

#define LASTLOGIN_KEYS 16

struct lastlogin_key {
	char id[32];         /* APKA…, "": none */
	int64_t at_s;
	char service[32];
	char rhost[64];      /* the beginning, where it is longer */
};

struct lastlogin {
	int64_t at_s;        /* seconds since 1970; 0: never */
	uint32_t failures;   /* since then */
	int64_t failed_s;    /* the last of them */
	char service[64];
	char rhost[128];     /* as PAM_RHOST said, "" when local */
	char tty[64];
	int64_t password_s;  /* the last login with the password; 0: none known */
	struct lastlogin_key keys[LASTLOGIN_KEYS];
};

/*
 * She is in: put this in place, and get what was there. What is 0 or "" in now's
 * password_s stays as it was; keys[0] of now is the key that was used, if any, and the others
 * stay, the one used longest ago making room. *ret_found is false when
 * there was nothing. On a read-only file system the old one is still told.
 */
int lastlogin_swap(const char *dir, uint32_t uid, const struct lastlogin *now,
    bool *ret_found, struct lastlogin *ret_before);
/* What is there. *ret_found false: nothing, also IAM_ERR_ABSENT's case. */
int lastlogin_read(const char *dir, uint32_t uid, bool *ret_found,
    struct lastlogin *ret);
/* An attempt has failed. */
int lastlogin_failed(const char *dir, uint32_t uid, int64_t now_s);

#endif
