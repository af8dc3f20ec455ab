/*
 * The audit trail: one CloudTrail record a line, chained.
 *
 * Writing (trail.c, json_out.c: libc and libsodium only, because logins write)
 * is apart from reading (trail_read.c: jansson). A record is appended under an
 * exclusive lock on the file; its additionalEventData.chain carries "seq" and
 * "previous", the hex SHA-256 of the line before it (without its line feed),
 * 64 zeros at the beginning. No password, code, secret or hash may be passed in.
 *
 * A writer that cannot reach the file (not root: the helper; disk full or
 * read-only) leaves the record in the spool directory (/run/iam/spool), one
 * file an event, and any later writer that can moves the spool into the file
 * first, oldest first. Losing both is an error the caller reports to syslog;
 * it never blocks the break-glass login.
 */
#ifndef IAM_TRAIL_TRAIL_H
#define IAM_TRAIL_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/base.h"

/* ---- emit-only JSON ---- */

struct json_out {
	struct buf *b; /* borrowed; errors stay in it */
	unsigned depth;
	bool comma[32];
};

/* All text is escaped (S42): control characters, U+007F, line and paragraph
 * separators and bidi controls as \uXXXX, invalid UTF-8 as U+FFFD: one line. */
void json_out_init(struct json_out *j, struct buf *b);
void json_out_object(struct json_out *j, const char *name); /* name NULL at the top or in an array */
void json_out_array(struct json_out *j, const char *name);
void json_out_end(struct json_out *j, char close);          /* '}' or ']' */
void json_out_str(struct json_out *j, const char *name, const char *value); /* NULL: null */
void json_out_int(struct json_out *j, const char *name, int64_t value);
void json_out_bool(struct json_out *j, const char *name, bool value);
void json_out_null(struct json_out *j, const char *name);
/* A complete JSON text, copied as it is (from jansson). */
void json_out_raw(struct json_out *j, const char *name, const char *json);

/* ---- writing ---- */

struct trail_identity {
	const char *type;        /* "IAMUser", "Root", "AssumedRole", "Role", "Unknown" */
	const char *principal_id;/* AIDA…; NULL leaves the member out, as below */
	const char *arn;
	const char *account_id;
	const char *user_name;   /* "HIDDEN_DUE_TO_SECURITY_REASONS" for an unknown name */
	int mfa;                 /* sessionContext.attributes.mfaAuthenticated: -1 leaves it out */
	int64_t created_s;       /* …creationDate, with mfa >= 0 */
	/* Of an AssumedRole: sessionContext.sessionIssuer, the role, and sourceIdentity. */
	const char *issuer_id, *issuer_arn, *issuer_name;
	const char *source_identity;
};

struct trail_event {
	struct trail_identity who;
	const char *source;      /* eventSource: "host.iam", "iam.amazonaws.com", … */
	const char *name;        /* eventName */
	const char *type;        /* eventType: "AwsApiCall", "AwsConsoleSignIn", "AwsServiceEvent" */
	const char *region;
	const char *account_id;  /* recipientAccountId */
	const char *source_ip;   /* sourceIPAddress: literal address, or the host's name when local */
	const char *user_agent;  /* "pam_iam/VERSION (sshd)", "iamctl/VERSION" */
	const char *error_code, *error_message; /* NULL: no error */
	bool read_only;
	bool management;         /* managementEvent */
	/* Complete JSON texts, or NULL for null / left out. */
	const char *request_parameters, *response_elements, *additional;
	const char *resources;
	int64_t now_s;
	char event_id[37];       /* a random UUID (version 4) put here by trail_event_id */
};

/* Fill event_id. Source: RFC 4122 section 4.4; getrandom(2). */
int trail_event_id(char ret[37]);

struct trail_where {
	const char *file;   /* /var/log/iam/trail.jsonl, made 0600 when missing */
	const char *spool;  /* /run/iam/spool, made 0770 when missing */
	gid_t auth_gid;     /* group of the spool */
};

enum trail_kept { TRAIL_WRITTEN = 1, TRAIL_SPOOLED = 2 };

/*
 * Append a record. *ret_kept (may be NULL) says where it went. Waits at most
 * 2 s for the lock, then spools. A process that somebody else than root has started
 * (su, sudo: its real user) does not lock the trail, since he may stop it: it spools, and
 * root's next record or trail_flush moves it. Only where nothing can be spooled it does.
 */
int trail_write(const struct trail_where *where, const struct trail_event *e,
    enum trail_kept *ret_kept);
/* Move the spool into the file; *ret_moved counts. IAM_ERR_UNSAFE: not for root. */
int trail_flush(const struct trail_where *where, unsigned *ret_moved);

/* ---- reading (trail_read.c; not linked into the modules) ---- */

struct trail_filter { /* LookupEvents; NULL members do not filter */
	const char *event_id, *event_name, *username, *resource_name,
	    *event_source, *read_only;
	int64_t start_s, end_s; /* 0: open */
};

/* Called for each record that matches, newest first; json is the line, borrowed.
 * Returning false stops. */
typedef bool trail_visit(void *arg, const char *json, size_t len);

int trail_lookup(const char *file, const struct trail_filter *f,
    trail_visit *visit, void *arg);

struct trail_check {
	uint64_t records, bad;
	uint64_t first_bad_line; /* from 1; 0: none */
	char reason[160];
};

/* Walk the chain from the first record to the last. */
int trail_validate(const char *file, struct trail_check *ret);

#endif
