/* For common/runtime and its tests. The format: docs/runtime-format.md. */
#ifndef IAM_RUNTIME_INTERNAL_H
#define IAM_RUNTIME_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/base.h"
#include "common/runtime/runtime.h"


#define RUNTIME_NAME_MAX 48 /* "evidence.2147483647.18446744073709551615" */

struct runtime;

/* ---- files.c ---- */

/* May this process make files that others will trust? */
bool rt_is_owner(void);
/* Regular, the right owner, closed to others; group: the group that may read and
 * write it, or (gid_t)-1 when none may. IAM_ERR_UNSAFE else. */
int rt_check(const struct runtime *rt, int fd, gid_t group, struct stat *st);
/* O_RDWR or O_RDONLY; checked through the descriptor. *ret_fd is owned. */
int rt_open(const struct runtime *rt, const char *name, int flags, gid_t group,
    int *ret_fd, struct stat *st);
/* Put a whole file in place. mode 0660 also gives it to the auth group.
 * replace false: IAM_ERR_CONFLICT when there is one. */
int rt_put(const struct runtime *rt, const char *name, const void *data,
    size_t len, mode_t mode, bool replace);
/* The same with a symbolic link, for a short text that is its target. */
int rt_put_link(const struct runtime *rt, const char *name, const char *target,
    bool replace);
/* A file 0600 that nobody looks for before it is whole: written in place, which is
 * half the work. One of that name is replaced. */
int rt_put_own(const struct runtime *rt, const char *name, const void *data,
    size_t len);
/* Exactly the first len bytes; *ret_len is less when the file is shorter. */
int rt_read(int fd, void *data, size_t len, size_t *ret_len);

/* FNV-1a of 64 bits: every change of a single byte changes it. For damage,
 * not against people: these files are root's. */
uint64_t rt_sum(const void *data, size_t len);

/* ---- principal.c ---- */

#define PRINCIPAL_WORDS 128
#define PRINCIPAL_SIZE (PRINCIPAL_WORDS * 8)
#define PRINCIPAL_DEVICES 8
#define PRINCIPAL_SOURCES 32

/* Which word is what: docs/runtime-format.md. */
enum principal_word {
	WORD_MAGIC,
	WORD_UID,
	WORD_STRICT,
	WORD_FAILURES,
	WORD_DEVICES,
	WORD_EVENTS = 12,
	WORD_SOURCES = 16, /* pairs: who, state */
	WORD_DRIFTS = 80,  /* of the devices, in the same order */
	WORD_KNOWN = 88,   /* sources that she has logged in from */
};

/* A device that is met first after damage: its codes up to so many steps
 * after the one shown count as used. Both ends of the window (2 * 1). */
#define PRINCIPAL_REPAIR_STEPS 2
/* Failures older than this are forgotten, and their place is free. */
#define PRINCIPAL_FORGET_S 86400
/* Sources that logged in successfully keep a place of their own. */
#define PRINCIPAL_KNOWN_MAX 8

/* A user's file, mapped. */
struct principal {
	int fd;              /* -1: none */
	uint32_t uid;
	uint64_t *words;
};

struct runtime {
	int dir_fd;
	gid_t auth_gid;
	int64_t epoch_s;
	bool closed;      /* the directory, to all but root and the auth group */
	off_t dir_size;   /* of the directory, when it was opened */
	bool may_make;    /* runtime_allow_make */
	struct principal principal; /* the one that was used last */
};

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
