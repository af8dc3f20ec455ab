/*
 * The host's two configuration files, read strictly.
 *
 * /etc/iam/host.json says what this host is, /etc/iam/iam.json how it behaves
 * (host.json(5), iam.json(5)). Unknown members, wrong types, values out of
 * range and members that come twice are refused: why carries line and column
 * for a mistake in the syntax, the member's name for one in the meaning.
 * Both files are read with FILE_ROOT_ONLY trust; 256 KiB at most.
 *
 * Strings are borrowed from the json member until the release function, which
 * takes any struct that was zeroed or read. No global state.
 */
#ifndef IAM_STORE_SETTINGS_H
#define IAM_STORE_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/base.h"
#include "common/snapshot/principal.h"

#define SETTINGS_LOCAL_GROUPS_MAX 64

/* host.json. To write one, fill in region, hostname and tags; json stays NULL
 * and the strings remain the caller's. */
struct settings_host {
	json_t *json;                  /* owned: what the strings lie in */
	const char *region;            /* [A-Za-z0-9_-]{1,64} */
	const char *hostname;          /* [A-Za-z0-9._-]{1,253}, as in the instance ARN */
	uint32_t tag_count;
	struct snap_tag tags[SNAP_TAGS_MAX];
	struct snap_file_mark mark;    /* of the file that was read */
};

/* iam.json with the defaults filled in; members as in struct snap_account. */
struct settings {
	json_t *json;
	uint32_t id_min, id_max;
	uint32_t subid_min, subid_max; /* whole ranges of IAM_SUBID_COUNT */
	uint32_t mfa_when_enrolled;    /* 1: "always", 0: "policy" */
	uint32_t mfa_memory_s;
	uint32_t self_enrolment;       /* enum snap_enrolment */
	uint32_t enrolment_days;
	uint32_t one_line_count;       /* the default list, or the file's in its place */
	const char *one_line[SNAP_ONE_LINE_MAX];
	uint32_t throttle_free, throttle_max_s, source_free;
	uint32_t password_warn_days;
	uint32_t create_home, home_umask;
	const char *helper_group;      /* NULL: none */
	uint32_t service_count;        /* the default table and the file's, which wins */
	struct snap_service services[SNAP_SERVICES_MAX];
	uint32_t local_group_count;
	const char *local_groups[SETTINGS_LOCAL_GROUPS_MAX];
	struct snap_file_mark mark;    /* all zero: there is no such file */
};

/*
 * Read a file. IAM_ERR_ABSENT for a host.json that is missing (the host has no
 * account yet); a missing iam.json means the defaults. IAM_ERR_FORMAT and
 * IAM_ERR_LIMIT for its content; the rest as file_open. On an error *ret is
 * zeroed.
 */
int settings_host_read(const char *path, struct settings_host *ret,
    struct iam_why *why);
int settings_read(const char *path, struct settings *ret, struct iam_why *why);
/* The same from a text; marks are zero. text need not be NUL-terminated. */
int settings_host_parse(const char *text, size_t len,
    struct settings_host *ret, struct iam_why *why);
int settings_parse(const char *text, size_t len, struct settings *ret,
    struct iam_why *why);
void settings_host_release(struct settings_host *h);
void settings_release(struct settings *s);

/* Replace host.json (0644), checked by the rules that reading has. */
int settings_host_write(const char *path, const struct settings_host *host,
    struct iam_why *why);

/*
 * AWS's rule for tags: key 1..128 characters, not "aws:…"; value 0..256;
 * letters, digits, spaces and _.:/=+-@. Source: IAM API reference, Tag.
 */
bool settings_tag_key_ok(const char *key);
bool settings_tag_value_ok(const char *value);
/* May these ids be an id range of ours? Above local, system and nobody's ids,
 * clear of subordinate ids and containers (S26), not -1 or -2. */
bool settings_range_ok(uint32_t min, uint32_t max);

#endif
