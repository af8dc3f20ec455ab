/* What makes snapshots: build.c collects, build_over.c combines, build_write.c writes,
 * build_merge.c makes one file of two. */
#ifndef IAM_SNAPSHOT_BUILDER_H
#define IAM_SNAPSHOT_BUILDER_H

#include "common/snapshot/internal.h"

#define NO_ITEM UINT32_MAX

/* The records that one or two tables share. */
enum part_number { PART_USER, PART_GROUP, PART_SSH_KEYS, PART_PRINCIPAL,
	PART_POLICY, PART_ACCOUNT, PART_GROUP_POLICIES, PART_PUBLISH,
	PART_SUBIDS, PART_COUNT };

struct item {
	const uint8_t *name, *value, *extra; /* in the arena, or in what lies under */
	uint64_t off;                        /* in the file */
	uint32_t value_len, extra_len;
	uint16_t name_len;
	uint8_t id[SNAP_ID_LEN];
	uint8_t flags; /* SNAP_… */
	bool skip;     /* not in this file: nothing is there that could be gone */
};

struct slot {
	uint32_t hash; /* its lower half */
	uint32_t item; /* + 1; 0: free */
};

/* Open addressing; several items may have one hash. */
struct index {
	struct slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t count;
};

struct part {
	struct item *items;
	uint32_t count, cap;
	struct index by_name, by_id;
	struct index alone; /* by value: those that have one of two keys */
	uint32_t last;      /* the newest one while it has, else NO_ITEM */
};

struct chunk {
	struct chunk *next;
	size_t size, used;
	uint8_t data[];
};

struct snap_builder {
	struct snap_info info;
	const struct snap *under; /* borrowed; NULL: none */
	/* The file to lie on, which has everything of under as it was with the changes
	 * of since; NULL: what under lies on itself. Borrowed. */
	const struct snap_file *low, *since;
	struct chunk *arena;
	struct buf scratch;
	struct part parts[PART_COUNT];
};

/* The file being laid out. */
struct image {
	uint64_t size, salt, under;
	struct snap_row rows[SNAP_TABLE_COUNT];
};

enum part_number snap_part_of(enum snap_table t);
/* The table by name of a part, and the one by id (TABLE_COUNT: none). */
enum snap_table snap_named_table(enum part_number n);
enum snap_table snap_numbered_table(enum part_number n);

/* Walk the items with this hash: start with *pos = 0; NO_ITEM at the end. */
uint32_t snap_index_next(const struct index *ix, uint64_t hash, size_t *pos);
/* A copy that stays as long as b; NULL: no memory. */
uint8_t *snap_builder_keep(struct snap_builder *b, const void *data, size_t len);
/* Where the name is in the value of a user or group; NULL: not there. */
const uint8_t *snap_name_inside(const uint8_t *value, size_t value_len,
    const void *name, size_t len);
/* The item of a key, one that is gone or not (SNAP_GONE or 0). */
uint32_t snap_item_of(const struct part *p, enum snap_table t,
    const void *key, size_t len, unsigned gone);
/* A new item with all of its keys; what it points to is borrowed. */
int snap_item_add(struct part *p, enum part_number n, const struct item *it);

/* build_over.c: the file that the new one will lie on. */
const struct snap_file *snap_builder_low(const struct snap_builder *b);
/* What has to go into the file beside what was added. whole: everything
 * that lies under, and no file under it any more. */
int snap_builder_combine(struct snap_builder *b, bool whole,
    struct image *im);

/* build_write.c */
int snap_image_lay_out(struct snap_builder *b, struct image *im);
int snap_image_write(struct snap_builder *b, struct image *im, int fd);
/* As snap_builder_write; whole: never only changes. */
int snap_builder_write_file(struct snap_builder *b, bool whole,
    const char *path, mode_t mode, gid_t gid);
/* There is a new file in path's place, without a writer: away with what it does not
 * lie on, and wait for the readers. */
void snap_replaced(const char *path, uint64_t under);
/* What a writer left beside path that was killed. */
void snap_sweep_leftovers(const char *path);

#endif
