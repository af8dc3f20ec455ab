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
#include "common/base/le.h"
#include "common/snapshot/accounts.h"
#include "common/snapshot/snapshot.h"

#define SNAP_MAGIC "\x89IAMS\r\n\x1a"
#define SNAP_VERSION 3
#define SNAP_HEADER_FIXED 64
#define SNAP_ROW_LEN 48

/* The unit of reading, of checking and of keeping. */
#define SNAP_BLOCK 1024u
#define SNAP_CHECK_LEN 4 /* at the start of each */

/* A bucket: spare bytes (of a block's first one, the check), tags, offsets. */
#define SNAP_BUCKET_LEN 64
#define SNAP_BUCKET_ENTRIES 10
#define SNAP_BUCKET_OFFSETS 24
#define SNAP_BLOCK_BUCKETS (SNAP_BLOCK / SNAP_BUCKET_LEN)

/* A record begins at a multiple of this, which is what offsets count. */
#define SNAP_ALIGN 4
#define SNAP_HEAD_SHORT 4
#define SNAP_HEAD_LONG 12
#define SNAP_SHORT_MAX 4095u /* a length that a short head can say */
#define SNAP_ID_LEN 4

#define SNAP_FILE_MAX ((uint64_t)1 << 34)

/* Bits of a record. */
enum {
	SNAP_INSIDE = 1, /* the keys are in the value */
	SNAP_GONE = 2,   /* what is underneath does not count any more */
	SNAP_NAMED = 4,  /* the table by name has it */
	SNAP_NUMBERED = 8, /* the table by id has it */
	SNAP_SHORT = 16, /* the head is a short one */
};
/* Where users and groups have their keys: id at 0, length of the name and its
 * place in the value at */
#define SNAP_INSIDE_LEN 4
#define SNAP_INSIDE_PLACE 6
#define SNAP_INSIDE_MIN 8

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

/* A block that this process has, checked; or several with one check. */
struct snap_kept {
	atomic_uint block; /* its number, set last; 0: none */
	uint32_t len;
	const uint8_t *p;
};

/* Open addressing, or, when it is large, a place for each block of the file (factor
 * 1). Nothing is ever taken out of one; a larger one takes its place. */
struct snap_map {
	struct snap_map *older; /* readers may still be in it */
	uint32_t factor, shift, mask, count;
	struct snap_kept kept[];
};

static inline uint32_t
snap_place_of(const struct snap_map *m, uint32_t block)
{
	return (block * m->factor >> m->shift) & m->mask;
}

struct snap_chunk;

/* One file. Revisions that lie on the same one share it. */
struct snap_file {
	struct snap_info info;
	uint64_t salt;
	uint64_t under;   /* salt of the file that this one changes; 0: none */
	uint64_t records; /* buckets end and records begin */
	struct snap_row rows[SNAP_TABLE_COUNT];
	struct snap_file_id id;
	atomic_int fd;    /* -1: parked */
	bool held;        /* nobody can have closed it: see snap_open_next */
	struct snap_map *_Atomic map;
	/* For who has busy: */
	atomic_flag busy;
	struct snap_chunk *chunks;
	uint8_t *spare; /* room for blocks */
	size_t spare_len, chunk_len;
	atomic_size_t cached;
	atomic_uint users;
	char path[];
};

struct snap {
	struct snap_file *top;
	struct snap_file *under; /* NULL: top is everything */
	atomic_uint tick;        /* when the file name was looked at last */
};

/* XXH64. Source: xxHash specification 0.1.1. */
uint64_t snap_check64(const void *data, size_t len, uint64_t seed);

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

/* Open path, which f->path repeats, and make room for its first blocks. f is
 * zeroed but for info.kind; after an error, too, snap_blocks_close frees what is there. */
int snap_blocks_open(struct snap_file *f);
void snap_blocks_close(struct snap_file *f);

/* Copy bytes of the file. Says nothing about what they are. */
int snap_read(const struct snap_file *f, uint64_t off, void *p, size_t len);

/* How many bytes from off on, where a block begins, have one check: b has the first
 * block. IAM_ERR_FORMAT when that is not in the file. */
int snap_unit_len(const struct snap_file *f, uint64_t off, const uint8_t *b,
    size_t *ret);
/* Are these bytes what the writer put there? */
int snap_unit_check(const struct snap_file *f, uint64_t off, const uint8_t *b,
    size_t len);

/* The block that begins at off, and those that share its check: read and checked
 * once, kept until f is closed. */
int snap_keep(const struct snap_file *f, uint64_t off,
    const struct snap_kept **ret);

static inline int
snap_block_at(const struct snap_file *f, uint64_t off,
    const struct snap_kept **ret)
{
	const struct snap_map *m = atomic_load_explicit(&f->map,
	    memory_order_acquire);
	uint32_t block = (uint32_t)(off / SNAP_BLOCK), i, b;

	for (i = snap_place_of(m, block);; i = (i + 1) & m->mask) {
		b = atomic_load_explicit(&m->kept[i].block, memory_order_acquire);
		if (b == block) {
			*ret = &m->kept[i];
			return 0;
		}
		if (b == 0)
			return snap_keep(f, off, ret);
	}
}

struct snap_record {
	struct snap_bytes name, id; /* an id's length is 4, or 0: none */
	struct snap_bytes value, extra;
	unsigned flags; /* 0: the rest of the block is empty */
	uint64_t end;   /* where the next one may be */
};
/* Where the parts of a record are that begins at off. */
struct snap_extent {
	size_t name, value, extra, len; /* from the start of the record */
};
/* What the head at p says; avail bytes are there. */
int snap_extent_of(const uint8_t *p, size_t avail, uint64_t off,
    struct snap_extent *ret);
/* The record at off: unit has what has one check with it, from the start of a block on. */
int snap_record_in(const uint8_t *unit, size_t unit_len, uint64_t off,
    struct snap_record *ret);
int snap_record_at(const struct snap_file *f, const struct snap_row *row,
    uint64_t off, struct snap_record *ret);
/* The first record of one file at or behind *cursor; what *cursor says of another file
 * is of no concern. *ret_found false at the end. Borrowed until the next one. */
int snap_record_next(const struct snap_file *f, const struct snap_row *row,
    struct snap_cursor *cursor, bool *ret_found, struct snap_record *ret);

const uint8_t *snap_bucket_in(const struct snap_kept *block, uint32_t index);
/* The first bucket of a key. */
uint32_t snap_bucket_of(uint64_t hash, uint32_t buckets);
static inline uint64_t
snap_bucket_block(const struct snap_row *row, uint32_t index)
{
	return row->bucket_off +
	    (uint64_t)(index / SNAP_BLOCK_BUCKETS) * SNAP_BLOCK;
}

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

/* ---- packed lists (packed.c) ---- */

/* count names, each with its NUL, end to end. */
void snap_members_pack(const char *names, uint32_t count, struct buf *b);
/* Can it be so many, with text of that length? */
bool snap_members_fit(struct snap_bytes in, uint32_t count, size_t text_len);
/* Exactly count of them, with text of that length, or IAM_ERR_FORMAT. */
int snap_members_unpack(struct snap_bytes in, uint32_t count, size_t text_len,
    char *text, size_t room, char **list);

/* The longest list of count gids. */
#define SNAP_GIDS_MAX(count) (5 + (size_t)(count) * 4)
/* gids: count times 4 bytes, little-endian; becomes sorted. Returns the length. */
int snap_gids_view(struct snap_bytes in, struct snap_gids *ret);
size_t snap_gids_pack(uint8_t *gids, size_t count, uint8_t *ret);

static inline uint64_t
snap_round(uint64_t v, uint64_t n)
{
	return (v + n - 1) & ~(n - 1);
}

#endif
