/*
 * What the files of this directory share. docs/snapshot-format.md has the
 * numbers; the names here follow it.
 */
#ifndef IAM_SNAPSHOT_INTERNAL_H
#define IAM_SNAPSHOT_INTERNAL_H

#include <stdatomic.h>

#include "common/base/base.h"
#include "common/snapshot/snapshot.h"

#define SNAP_MAGIC "\x89IAMS\r\n\x1a"
#define SNAP_VERSION 1
#define SNAP_HEADER_FIXED 64
#define SNAP_HEADER_MAX 4096
#define SNAP_ROW_LEN 40
#define SNAP_BUCKET_LEN 64
#define SNAP_BUCKET_ENTRIES 7
#define SNAP_RECORD_HEAD 12
#define SNAP_ID_LEN 4

#define SNAP_BLOCK 4096u
/* Address space becomes memory in steps of this: a multiple of every page size. */
#define SNAP_SEGMENT ((uint64_t)1 << 20)
/* Read so far ahead when a table is walked. */
#define SNAP_AHEAD ((uint64_t)64 << 10)

#define SNAP_FILE_MAX \
	(sizeof(size_t) > 4 ? (uint64_t)1 << 35 : (uint64_t)1 << 30)

struct snap_row {
	uint32_t buckets; /* 0: no such table in this kind */
	uint64_t bucket_off;
	uint64_t record_off, record_len;
	uint64_t keys;
};

/* What says that a file is still the one that was opened. */
struct snap_file_id {
	dev_t dev;
	ino_t ino;
	off_t size;
	int64_t ctime_ns;
};

struct snap {
	struct snap_info info;
	uint64_t salt;
	struct snap_row rows[SNAP_TABLE_COUNT];
	char *path;
	struct snap_file_id id;
	atomic_int fd;           /* -1: parked */
	uint8_t *base;           /* reserved address space of map_len bytes */
	size_t map_len;
	atomic_uchar *block;     /* enum block_state of each block */
	atomic_uchar *segment;   /* 1: may be written to */
	atomic_size_t cached;
	atomic_uint tick;        /* when the file name was looked at last */
};

/* XXH64. Source: xxHash specification 0.1.1. */
uint64_t snap_check64(const void *data, size_t len, uint64_t seed);

uint16_t snap_get16(const uint8_t *p);
uint32_t snap_get32(const uint8_t *p);
uint64_t snap_get64(const uint8_t *p);

/* Is a key of this table an id? */
bool snap_table_by_id(enum snap_table t);
bool snap_table_in_kind(enum snap_table t, enum snap_kind kind);

/* The coarse clock as a number that changes with every tick, never 0; 0 when there
 * is no such clock. */
unsigned snap_tick(void);

/* Open the file and reserve room for it. s is zeroed but for info.kind; after an
 * error, too, snap_blocks_close frees what is there. */
int snap_blocks_open(struct snap *s, const char *path);
void snap_blocks_close(struct snap *s);

/* The one way to bytes of the file: bounds, then presence. ahead: read so much
 * more while at it, if there is more. */
int snap_slice(const struct snap *s, uint64_t off, uint64_t len,
    uint64_t ahead, struct snap_bytes *ret);

/* A record, checked. */
struct snap_record {
	struct snap_bytes name, id, value;
	uint64_t end; /* offset behind it */
};
int snap_record_at(const struct snap *s, const struct snap_row *row,
    uint64_t off, uint64_t ahead, struct snap_record *ret);

/* A bucket, checked. Entries are not looked into. */
int snap_bucket_at(const struct snap *s, const struct snap_row *row,
    uint32_t index, const uint8_t **ret);

/* The first bucket of a key. */
uint32_t snap_bucket_of(uint64_t hash, uint32_t buckets);

static inline uint64_t
snap_round(uint64_t v, uint64_t n)
{
	return (v + n - 1) & ~(n - 1);
}

#endif
