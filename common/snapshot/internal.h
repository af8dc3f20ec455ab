/*
 * What the files of this directory share. docs/snapshot-format.md has the
 * numbers; the names here follow it.
 */
#ifndef IAM_SNAPSHOT_INTERNAL_H
#define IAM_SNAPSHOT_INTERNAL_H

#include <endian.h>
#include <stdatomic.h>
#include <string.h>

#include "common/base/base.h"
#include "common/snapshot/snapshot.h"

#define SNAP_MAGIC "\x89IAMS\r\n\x1a"
#define SNAP_VERSION 2
#define SNAP_HEADER_FIXED 64
#define SNAP_ROW_LEN 48
#define SNAP_ENTRY_LEN 8
#define SNAP_BUCKET_LEN 64
#define SNAP_BUCKET_ENTRIES 8
#define SNAP_RECORD_HEAD 12
#define SNAP_ID_LEN 4

/* The unit of reading, of checking and of keeping. */
#define SNAP_PAGE 4096u
#define SNAP_PAGE_HEAD 8
#define SNAP_PAGE_BUCKETS (SNAP_PAGE / SNAP_BUCKET_LEN - 1)
/* Address space becomes memory in steps of this: a multiple of every page size. */
#define SNAP_SEGMENT ((uint64_t)1 << 20)
/* Read so far ahead when a table is walked. */
#define SNAP_AHEAD ((uint64_t)64 << 10)

#define SNAP_FILE_MAX \
	(sizeof(size_t) > 4 ? (uint64_t)1 << 35 : (uint64_t)1 << 30)

/* Bits of a record. */
enum {
	SNAP_INSIDE = 1, /* the keys are in the value */
	SNAP_GONE = 2,   /* what is underneath does not count any more */
	SNAP_NAMED = 4,  /* the table by name has it */
	SNAP_NUMBERED = 8, /* the table by id has it */
};
/* Where users and groups have their keys: id at 0, and */
#define SNAP_INSIDE_LEN 8
#define SNAP_INSIDE_NAME 16

struct snap_row {
	uint32_t buckets; /* 0: no such table in this kind */
	uint64_t bucket_off;
	uint64_t record_off, record_len;
	uint64_t keys;  /* in this file */
	uint64_t total; /* with what is underneath */
};

/* What says that a file is still the one that was opened. */
struct snap_file_id {
	dev_t dev;
	ino_t ino;
	off_t size;
	int64_t ctime_ns;
	gid_t gid; /* not part of the identity */
};

/* States of a page. Of a record that has several only the first is CHECKED. */
enum { PAGE_ABSENT = 0, PAGE_READING, PAGE_PRESENT, PAGE_CHECKED };

/* One file. Revisions that lie on the same one share it. */
struct snap_file {
	struct snap_info info;
	uint64_t salt;
	uint64_t under; /* salt of the file that this one changes; 0: none */
	struct snap_row rows[SNAP_TABLE_COUNT];
	char *path;
	struct snap_file_id id;
	atomic_int fd;           /* -1: parked */
	uint8_t *base;           /* reserved address space of map_len bytes */
	size_t map_len;
	atomic_uchar *page;      /* state of each page */
	atomic_uchar *segment;   /* 1: may be written to */
	atomic_size_t cached;
	atomic_uint users;
};

struct snap {
	struct snap_file *top;
	struct snap_file *under; /* NULL: top is everything */
	atomic_uint tick;        /* when the file name was looked at last */
};

/* XXH64. Source: xxHash specification 0.1.1. */
uint64_t snap_check64(const void *data, size_t len, uint64_t seed);

static inline uint16_t
snap_get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t
snap_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t
snap_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* Is a key of this table an id? */
bool snap_table_by_id(enum snap_table t);
bool snap_table_in_kind(enum snap_table t, enum snap_kind kind);

/* The coarse clock as a number that changes with every tick, never 0; 0 when there
 * is no such clock. */
unsigned snap_tick(void);

/* The name of the file that path's file lies on: path, a dot, the salt as 16
 * hex digits. IAM_ERR_LIMIT when it is too long. */
#define SNAP_UNDER_SUFFIX 17
int snap_under_path(const char *path, uint64_t salt, char *ret, size_t size);

/* Open the file and reserve room for it. f is zeroed but for info.kind; after an
 * error, too, snap_blocks_close frees what is there. */
int snap_blocks_open(struct snap_file *f, const char *path);
void snap_blocks_close(struct snap_file *f);

/* Bring what is in the file from off on into memory, and ahead bytes more when
 * there are so many. Says nothing about what it is. */
int snap_slice(struct snap_file *f, uint64_t off, uint64_t len,
    uint64_t ahead, struct snap_bytes *ret);

/* Is this page checked? */
static inline bool
snap_is_checked(const struct snap_file *f, uint64_t off)
{
	return atomic_load_explicit(&f->page[off / SNAP_PAGE],
	    memory_order_acquire) == PAGE_CHECKED;
}

struct snap_record {
	struct snap_bytes name, id; /* an id's length is 4, or 0: none */
	struct snap_bytes value, extra;
	unsigned flags;
	uint64_t end; /* where the next one may be */
};
/* The record at off, out of a checked page. */
int snap_record_at(const struct snap_file *f, const struct snap_row *row,
    uint64_t off, uint64_t ahead, struct snap_record *ret);
/* The first record at or behind *cursor (an offset within the records), and
 * *cursor behind it; *ret_found false at the end. */
int snap_record_next(const struct snap_file *f, const struct snap_row *row,
    uint64_t *cursor, uint64_t ahead, bool *ret_found,
    struct snap_record *ret);

/* A bucket out of a checked page. Entries are not looked into. */
int snap_bucket_at(const struct snap_file *f, const struct snap_row *row,
    uint32_t index, const uint8_t **ret);
/* The first bucket of a key. */
uint32_t snap_bucket_of(uint64_t hash, uint32_t buckets);

/* The key of a record in a table; of length 0 when that table has it not. */
struct snap_bytes snap_key_of(const struct snap_record *rec,
    enum snap_table table);
/* The key under which a record is in the buckets, whatever it says; length 0: it
 * is not. */
struct snap_bytes snap_listed_key(const struct snap_record *rec, bool by_id);
/* What a table says of a record. */
static inline struct snap_bytes
snap_value_of(const struct snap_record *rec, enum snap_table table)
{
	return table == SNAP_MEMBER_OF ? rec->extra : rec->value;
}

/* One file's record of a key, one that is gone included. */
int snap_find_in(const struct snap_file *f, enum snap_table table,
    const void *key, size_t key_len, uint64_t hash, bool *ret_found,
    struct snap_record *ret);
uint64_t snap_hash(enum snap_table table, const void *key, size_t len);

static inline uint64_t
snap_round(uint64_t v, uint64_t n)
{
	return (v + n - 1) & ~(n - 1);
}

#endif
