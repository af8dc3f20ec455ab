/*
 * Where things are. Compile-time constants, so that no caller can move them
 * (S28); only test builds set IAM_ROOT to a directory of their own.
 *
 * Libraries take paths as arguments; the edges (module entry points, the
 * command line, the helper) pass these.
 */
#ifndef IAM_BASE_PATHS_H
#define IAM_BASE_PATHS_H

#ifndef IAM_ROOT
#define IAM_ROOT ""
#endif

#define IAM_PATH_ETC IAM_ROOT "/etc/iam"
#define IAM_PATH_HOST IAM_PATH_ETC "/host.json"
#define IAM_PATH_SETTINGS IAM_PATH_ETC "/iam.json"
/* What a damaged snapshot still leaves governed: id range and adopted names,
 * one per line, readable without a JSON parser (common/base/governed.h). */
#define IAM_PATH_GOVERNED IAM_PATH_ETC "/governed"
#define IAM_PATH_SEAL_KEY IAM_PATH_ETC "/seal.key"
/* Signs SSH certificates; the public half is for sshd's TrustedUserCAKeys. */
#define IAM_PATH_SSH_CA IAM_PATH_ETC "/ssh_ca"
#define IAM_PATH_SSH_CA_PUB IAM_PATH_SSH_CA ".pub"
/* Serials of certificates that are refused, one a line. */
#define IAM_PATH_SSH_REVOKED IAM_PATH_ETC "/ssh_revoked"
#define IAM_PATH_LIB IAM_ROOT "/var/lib/iam"
#define IAM_PATH_DB IAM_PATH_LIB "/iam.db"
#define IAM_PATH_SNAPSHOT_DIR IAM_PATH_LIB "/snapshot"
#define IAM_PATH_PUBLIC IAM_PATH_SNAPSHOT_DIR "/public"
#define IAM_PATH_PRIVATE IAM_PATH_SNAPSHOT_DIR "/private"
#define IAM_PATH_LOGINS IAM_PATH_LIB "/logins"
#define IAM_PATH_RUN IAM_ROOT "/run/iam"
#define IAM_PATH_LOG_DIR IAM_ROOT "/var/log/iam"
#define IAM_PATH_TRAIL IAM_PATH_LOG_DIR "/trail.jsonl"
#define IAM_PATH_MANAGED IAM_ROOT "/usr/share/iam/policies"
#define IAM_PATH_PASSWD IAM_ROOT "/etc/passwd"
#define IAM_PATH_GROUP IAM_ROOT "/etc/group"
#define IAM_PATH_SHADOW IAM_ROOT "/etc/shadow"
#define IAM_PATH_SUBUID IAM_ROOT "/etc/subuid"
#define IAM_PATH_SUBGID IAM_ROOT "/etc/subgid"
/* Not moved: the system's own. */
#define IAM_PATH_ZONEINFO "/usr/share/zoneinfo"
#define IAM_PATH_LOCALTIME "/etc/localtime"

#define IAM_AUTH_GROUP "iam-auth"

/* Default id range: above the ranges of local users, subordinate ids
 * (login.defs), systemd (containers end at 1879048191) and SSSD's default id
 * mapping (ends at 2000200000), and below 2^31, where some programs stop. */
#define IAM_ID_MIN_DEFAULT 2100000000u
#define IAM_ID_MAX_DEFAULT 2146999999u

/*
 * Subordinate ids: each user who has any has one range of this many, which begins
 * at a multiple of it (what useradd(8) gives, and newuidmap(1) wants). By default
 * above 2^31, where nobody has accounts and FreeIPA keeps its own, up to the
 * block that ends in the ids that mean "none".
 */
#define IAM_SUBID_COUNT 65536u
#define IAM_SUBID_MIN_DEFAULT 2147483648u
#define IAM_SUBID_MAX_DEFAULT 4294901759u

#endif
