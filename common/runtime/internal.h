/* For common/runtime and its tests. The format: docs/runtime-format.md. */
#ifndef IAM_RUNTIME_INTERNAL_H
#define IAM_RUNTIME_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/base.h"
#include "common/runtime/runtime.h"

struct runtime {
	int dir_fd;
	gid_t auth_gid;
	int64_t epoch_s;
};

#define RUNTIME_NAME_MAX 48 /* "evidence.2147483647.18446744073709551615" */
#define RUNTIME_LOCK_MS 2000

/* ---- files.c ---- */

/* May this process make files that others will trust? */
bool rt_is_owner(void);
/* O_RDWR or O_RDONLY; checked through the descriptor: regular, owner, one
 * name, closed to others; group: the group that may read and write it, or
 * (gid_t)-1 when none may. *ret_fd is owned. */
int rt_open(const struct runtime *rt, const char *name, int flags, gid_t group,
    int *ret_fd);
/* Put a whole file in place. mode 0660 also gives it to the auth group.
 * replace false: IAM_ERR_CONFLICT when there is one. */
int rt_put(const struct runtime *rt, const char *name, const void *data,
    size_t len, mode_t mode, bool replace);
/* flock with a bounded wait: IAM_ERR_BUSY after RUNTIME_LOCK_MS. */
int rt_lock(int fd, int operation);
/* Unlock, which a child forked meanwhile cannot hold up, and close. */
void rt_unlock_close(int fd);
/* Exactly the first len bytes; *ret_len is less when the file is shorter. */
int rt_read(int fd, void *data, size_t len, size_t *ret_len);
int rt_write_at(int fd, const void *data, size_t len, off_t off);

/* FNV-1a of 64 bits: every change of a single byte changes it. For damage,
 * not against people: these files are root's. */
uint64_t rt_sum(const void *data, size_t len);

/* ---- principal.c ---- */

#define PRINCIPAL_DEVICES 8
#define PRINCIPAL_SOURCES 32
#define PRINCIPAL_SOURCE_MAX 24
#define PRINCIPAL_HALF 1536
#define PRINCIPAL_SIZE (2 * PRINCIPAL_HALF)
/* A device that is met first after damage: its codes up to so many steps
 * after the one shown count as used. Both ends of the window (2 * 1). */
#define PRINCIPAL_REPAIR_STEPS 2
/* Failures older than this are forgotten, and their place is free. */
#define PRINCIPAL_FORGET_S 86400
/* Sources that logged in successfully keep a place of their own. */
#define PRINCIPAL_KNOWN_MAX 8

struct principal_device {
	uint64_t id;   /* rt_sum of the serial; 0: free */
	uint64_t step; /* the last one used */
};

struct principal_source {
	char name[PRINCIPAL_SOURCE_MAX]; /* "": free */
	uint32_t failures;
	int64_t last_s; /* the last failure, or when failures is 0 the last success */
};

struct principal {
	uint64_t seq;
	bool strict; /* devices may have been forgotten: see docs/runtime-format.md */
	uint32_t failures_all;
	struct principal_device devices[PRINCIPAL_DEVICES];
	struct principal_source sources[PRINCIPAL_SOURCES];
};

void principal_encode(const struct principal *p, uint32_t uid,
    uint8_t ret[PRINCIPAL_HALF]);
/* false: damaged, another user's, or of another version. */
bool principal_decode(const uint8_t half[PRINCIPAL_HALF], uint32_t uid,
    struct principal *ret);
/* Both halves, whatever the bytes are. *ret_newest: 0 or 1, -1 when both must
 * be written. len may be anything. */
void principal_decode_file(const uint8_t *data, size_t len, uint32_t uid,
    struct principal *ret, int *ret_newest);

/* ---- process.c ---- */

struct process {
	pid_t pid, parent;
	uint64_t start; /* clock ticks after boot: with the pid, a name that is used once */
};

/* /proc/PID/stat; IAM_ERR_ABSENT when there is no such process. */
int process_read(pid_t pid, struct process *ret);
/* Its text: proc(5). */
int process_parse(const char *text, struct process *ret);

/* ---- record.c: evidence and sessions ---- */

#define RECORD_SIZE 1024

struct record {
	uint64_t start; /* of the process it belongs to */
	struct runtime_evidence e;
};

int record_encode(const struct record *rec, uint8_t ret[RECORD_SIZE]);
int record_decode(const uint8_t data[RECORD_SIZE], struct record *ret);

#endif
