/*
 * Names that cross a border are checked here, once (S14).
 *
 * All functions are pure.
 */
#ifndef IAM_BASE_NAME_H
#define IAM_BASE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#define IAM_UNIX_NAME_MAX 32

/*
 * Is this a name that a Unix account or group of ours may have?
 * [a-z_][a-z0-9_.-]*, at most 32 bytes, not all digits, not ending in '.'.
 * Stricter than AWS's [\w+=,.@-]{1,64}: those characters break shells, chown
 * and home directories. The IAM name keeps AWS's rule; this is for the Unix
 * name beside it. Source: useradd(8), DESIGN "IAM user".
 */
bool name_is_unix(const char *name);

/*
 * Is this a group by whose name Linux systems give privileges (root, sudo, docker,
 * shadow and the like), on some host somewhere? None of ours may have it (S27).
 */
bool name_is_privileged_group(const char *name);

/* AWS's rule for user, group, role and policy names: [\w+=,.@-]{1,max}. */
bool name_is_iam(const char *name, unsigned max);

/* AWS's rule for paths: "/" or "/…/", at most 512 bytes of U+0021..U+007E. */
bool name_is_path(const char *path);

/*
 * Decimal without sign, space or leading zeros beyond one digit; the whole
 * string. ret is written on success only.
 */
bool name_parse_u32(const char *s, uint32_t *ret);

#endif
