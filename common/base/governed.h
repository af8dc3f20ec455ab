/*
 * Who stays governed when the snapshot cannot be read (S0, S2).
 *
 * /etc/iam/governed is plain text, written at every publish:
 *
 *     # made by iamctl; do not edit
 *     range 2100000000 2146999999
 *     adopt alice
 *
 * Not part of base.h: only the login and the writer need it.
 */
#ifndef IAM_BASE_GOVERNED_H
#define IAM_BASE_GOVERNED_H

#include <stdbool.h>
#include <stdint.h>

enum governed {
	GOVERNED_NO = 0x1c3a, /* a local account that is not ours, or uid 0 */
	GOVERNED_YES = 0x65d5,/* everyone else: to be denied */
};

/*
 * Decide without a snapshot. Reads passwd_path (a passwd(5) file) itself, never
 * NSS: a local account whose uid is outside our range and whose name is not
 * adopted is not ours; the name "root" and any local account with uid 0 never
 * are. A governed file that is missing, unsafe or damaged means the default
 * range and, since adopted names cannot be known then, nothing beyond it.
 * Every doubt is GOVERNED_YES.
 */
enum governed governed_without_snapshot(const char *name,
    const char *governed_path, const char *passwd_path);

/* Is the name in the list of adopted ones? A good snapshot that has not got such a name
 * is not whole: its document was damaged. A file that is missing or unsafe lists nobody. */
bool governed_adopted(const char *name, const char *governed_path);

/* Write the file, unless it says so already (/etc may be read-only): adopted is
 * an array of count Unix names, may be NULL. */
int governed_write(const char *path, uint32_t id_min, uint32_t id_max,
    const char *const *adopted, unsigned count);

#endif
