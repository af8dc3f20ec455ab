/* Of the trail and its tests only. */
#ifndef IAM_TRAIL_INTERNAL_H
#define IAM_TRAIL_INTERNAL_H

#include <sys/types.h>

#include "common/trail/trail.h"

/* The longest line, its line feed not counted. */
#define TRAIL_LINE_MAX ((size_t)256 * 1024)
/* What the chain adds to a record at most: with the spool's mark and room. */
#define TRAIL_CHAIN_MAX ((size_t)512)
#define TRAIL_BODY_MAX (TRAIL_LINE_MAX - TRAIL_CHAIN_MAX)
#define TRAIL_HASH_LEN 32
#define TRAIL_HEX_LEN 64

/* ---- json_out.c, json_check.c ---- */

/* Escape as json_out_str does, without the quotes, at most max bytes of s
 * (SIZE_MAX: all). A cut text ends in the marker TRAIL_CUT. */
void json_put_escaped(struct buf *b, const char *s, size_t len, size_t max);
#define TRAIL_CUT "...[cut]"
/* Copy a valid JSON text, writing what a terminal could act upon as \uXXXX. */
void json_put_filtered(struct buf *b, const char *json, size_t len);

/* What a JSON text looks like from outside. */
struct json_shape {
	bool object;              /* an object at the top */
	const char *last;         /* name of its last member, without quotes; NULL: none */
	size_t last_len;
	bool last_object;         /* that member's value is an object */
	unsigned last_count;      /* ... of so many members */
};

/* RFC 8259, in one line (no control character, not even as white space), valid
 * UTF-8, at most 32 deep, nothing before or after. ret may be NULL. */
bool json_check(const char *p, size_t len, struct json_shape *ret);

/* ---- record.c ---- */

/* A record without its chain: one line, whose last member is the object
 * additionalEventData. Errors stay in b. */
void trail_body(struct buf *b, const struct trail_event *e);
/* May this text be chained? */
bool trail_body_ok(const char *p, size_t len);

/* ---- chain.c ---- */

struct trail_link { /* what the next record refers to */
	uint64_t seq;                       /* of the last record, 0: none */
	char previous[TRAIL_HEX_LEN + 1];   /* hash of the last line; zeros: none */
};

void trail_link_init(struct trail_link *l);
/* A line became the last one. A line that is too long counts by its last
 * TRAIL_LINE_MAX bytes. */
void trail_link_hash(struct trail_link *l, const void *line, size_t len);
/* The sequence number in the fixed text at the end of a record. */
bool trail_link_seq(const char *line, size_t len, uint64_t *ret);
/* body with the chain in it. spool_uid >= 0: who left it in the spool. */
void trail_link_record(struct buf *b, const char *body, size_t len,
    int64_t spool_uid, const struct trail_link *l);

/* ---- append.c ---- */

struct trail_file { /* open and locked */
	int fd;
	off_t end;      /* of the last complete write of ours, or of the file as found */
	bool torn;      /* the last line lacks its line feed */
	struct trail_link link;
};

/* Lock, waiting at most wait_ms. IAM_ERR_BUSY. */
int trail_lock(int fd, int operation, unsigned wait_ms);
#define TRAIL_LOCK_WAIT_MS 2000
int trail_file_open(const char *path, struct trail_file *ret);
void trail_file_close(struct trail_file *f);
/* Nothing of a record that failed stays behind. */
int trail_file_append(struct trail_file *f, const char *body, size_t len,
    int64_t spool_uid);
int trail_file_sync(const struct trail_file *f);

/* ---- spool.c ---- */

#define TRAIL_SPOOL_BATCH 1024

int trail_spool_put(const struct trail_where *w, const char *body, size_t len);
/* Append what is there, oldest first, at most TRAIL_SPOOL_BATCH; synced, then
 * removed from the spool. An unusable record becomes an event. */
int trail_spool_move(const struct trail_where *w, struct trail_file *f,
    unsigned *ret_moved);

#endif
