/*
 * Blocks of a file, copied into the process when first needed.
 *
 * Rules: no byte of the file is ever mapped (S25: no SIGBUS). What has been read is
 * checked before anybody else sees it, and never changes. No lock is held while
 * reading, and none is waited for without a bound, so that a child forked at any
 * moment goes on. A descriptor is used only after fstat(2) has shown that it is
 * still ours, or when nobody else has run since it was opened.
 */
#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define WAIT_YIELDS 100
#define WAIT_MS 10

/* Memory for blocks is taken in chunks that double. */
#define CHUNK_MIN ((size_t)4 * SNAP_BLOCK)
#define CHUNK_MAPPED ((size_t)64 << 10) /* the first one that is not the heap's */
#define CHUNK_MAX ((size_t)8 << 20)
#define MAPPED_MIN ((size_t)128 << 10) /* smaller ones are the heap's */
#define HUGE_PAGE ((size_t)2 << 20)
#define CACHE_LINE 64u
#define MAP_BITS 4 /* the first map has sixteen places */
#define MAP_FACTOR 0x9e3779b1u
/* One place in so many makes it worth to have a place for each block. */
#define MAP_DIRECT 16

struct snap_chunk {
	struct snap_chunk *next;
	size_t len;
	bool mapped;
};

static struct snap_file_id
file_id(const struct stat *st)
{
	struct snap_file_id id = {
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.gid = st->st_gid,
		.ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 +
		    st->st_ctim.tv_nsec,
	};

	return id;
}

static bool
same_file(const struct snap_file_id *a, const struct snap_file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->ctime_ns == b->ctime_ns;
}

/* Is fd a descriptor of the file that was opened, and not one that the program
 * put in its place? A file that was replaced or changed is still that file. */
static bool
is_ours(const struct snap_file *f, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == f->id.dev &&
	    st.st_ino == f->id.ino;
}

static enum file_trust
trust_of(enum snap_kind kind)
{
	return kind == SNAP_PRIVATE ? FILE_SECRET : FILE_ROOT_ONLY;
}

/* Standard input, output and error are the program's, also when closed. */
static int
above_standard(int fd)
{
	int moved = fd;

	if (fd <= STDERR_FILENO) {
		moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fd);
	}
	return moved;
}

static int
open_file(const char *path, enum snap_kind kind, int *ret_fd,
    struct snap_file_id *ret_id)
{
	struct stat st;
	int fd, r;

	if ((r = file_open(path, trust_of(kind), &fd, &st)) != 0)
		return r;
	if ((fd = above_standard(fd)) < 0)
		return IAM_ERR_IO;
	*ret_fd = fd;
	*ret_id = file_id(&st);
	return 0;
}

/* A descriptor to read from; *ret_own: to be closed by the caller. */
static int
descriptor(const struct snap_file *f, int *ret_fd, bool *ret_own)
{
	struct snap_file_id id;
	int fd = atomic_load(&f->fd), r;

	*ret_own = false;
	if (fd >= 0 && (f->held || is_ours(f, fd))) {
		*ret_fd = fd;
		return 0;
	}
	if ((r = open_file(f->path, f->info.kind, &fd, &id)) != 0)
		return r;
	if (!same_file(&id, &f->id)) {
		close(fd);
		return IAM_ERR_CONFLICT;
	}
	*ret_fd = fd;
	*ret_own = true;
	return 0;
}

static int
read_at(int fd, uint8_t *p, size_t len, uint64_t off)
{
	ssize_t n;

	while (len > 0) {
		n = pread(fd, p, len, (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? IAM_ERR_IO : IAM_ERR_FORMAT;
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
snap_read(const struct snap_file *f, uint64_t off, void *p, size_t len)
{
	bool own = false;
	int fd, r, saved;

	if (off > f->info.size || len > f->info.size - off)
		return IAM_ERR_FORMAT;
	if ((r = descriptor(f, &fd, &own)) != 0)
		return r;
	r = read_at(fd, p, len, off);
	saved = errno;
	if (own)
		close(fd);
	errno = saved;
	return r;
}

/* ---- memory ---- */

/* Best effort all of it: hashes stay out of core dumps (S9), and a process that has
 * much in memory finds its way there faster with large pages. */
static struct snap_chunk *
map_chunk(enum snap_kind kind, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (kind == SNAP_PRIVATE)
		(void)madvise(p, len, MADV_DONTDUMP);
	else if (len >= HUGE_PAGE)
		(void)madvise(p, len, MADV_HUGEPAGE);
	return p;
}

/* Memory that goes with the file; NULL: none. It begins with a cache line. */
static uint8_t *
obtain(struct snap_file *f, size_t len)
{
	size_t total = sizeof(struct snap_chunk) + CACHE_LINE + len;
	bool mapped = f->info.kind == SNAP_PRIVATE || total >= MAPPED_MIN;
	struct snap_chunk *c;

	c = mapped ? map_chunk(f->info.kind, total) : malloc(total);
	if (c == NULL)
		return NULL;
	*c = (struct snap_chunk){ f->chunks, total, mapped };
	f->chunks = c;
	return (uint8_t *)(((uintptr_t)(c + 1) + CACHE_LINE - 1) &
	    ~(uintptr_t)(CACHE_LINE - 1));
}

static void
release_chunks(struct snap_file *f)
{
	struct snap_chunk *c;

	while ((c = f->chunks) != NULL) {
		f->chunks = c->next;
		if (c->mapped)
			munmap(c, c->len);
		else
			free(c);
	}
}

/* Where len bytes of the file can stay. */
static uint8_t *
room_for(struct snap_file *f, size_t len)
{
	uint8_t *p;

	if (len > CHUNK_MIN)
		return obtain(f, len);
	if (f->spare_len < len) {
		if ((f->spare = obtain(f, f->chunk_len)) == NULL) {
			f->spare_len = 0;
			return NULL;
		}
		f->spare_len = f->chunk_len;
		if (f->chunk_len < CHUNK_MAX)
			f->chunk_len *= 2;
	}
	p = f->spare;
	f->spare += len;
	f->spare_len -= len;
	return p;
}

/* ---- what is kept ---- */

static struct snap_map *
new_map(unsigned bits, uint32_t factor)
{
	size_t places = (size_t)1 << bits;
	struct snap_map *m;

	m = calloc(1, sizeof(*m) + places * sizeof(m->kept[0]));
	if (m != NULL) {
		m->mask = (uint32_t)places - 1;
		m->factor = factor;
		m->shift = factor == 1 ? 0 : 32 - bits;
	}
	return m;
}

/* Twice as large; or one in which nobody has to search. */
static struct snap_map *
larger_map(const struct snap_file *f, const struct snap_map *m)
{
	uint64_t blocks = f->info.size / SNAP_BLOCK;
	unsigned bits = 33 - m->shift;

	if (((uint64_t)1 << bits) * MAP_DIRECT < blocks)
		return new_map(bits, MAP_FACTOR);
	while ((uint64_t)1 << bits < blocks)
		bits++;
	return new_map(bits, 1);
}

static struct snap_kept *
put(struct snap_map *m, uint32_t block, const uint8_t *p, uint32_t len)
{
	uint32_t i = snap_place_of(m, block);

	while (atomic_load_explicit(&m->kept[i].block, memory_order_relaxed) != 0)
		i = (i + 1) & m->mask;
	m->kept[i].p = p;
	m->kept[i].len = len;
	atomic_store_explicit(&m->kept[i].block, block, memory_order_release);
	m->count++;
	return &m->kept[i];
}

/* Room for one more: at most three quarters are used. */
static int
grow(struct snap_file *f)
{
	struct snap_map *m = atomic_load(&f->map), *bigger;
	const struct snap_kept *k;
	uint32_t i;

	if (m->factor == 1 || m->count < m->mask - m->mask / 4)
		return 0;
	if ((bigger = larger_map(f, m)) == NULL)
		return IAM_ERR_MEMORY;
	for (i = 0; i <= m->mask; i++) {
		k = &m->kept[i];
		if (atomic_load_explicit(&k->block, memory_order_relaxed) != 0)
			put(bigger, k->block, k->p, k->len);
	}
	bigger->older = m;
	atomic_store(&f->map, bigger);
	return 0;
}

static const struct snap_kept *
find_kept(const struct snap_file *f, uint32_t block)
{
	const struct snap_map *m = atomic_load(&f->map);
	uint32_t i = snap_place_of(m, block), b;

	for (;; i = (i + 1) & m->mask) {
		b = atomic_load_explicit(&m->kept[i].block, memory_order_acquire);
		if (b == block)
			return &m->kept[i];
		if (b == 0)
			return NULL;
	}
}

static void
wait_step(unsigned n)
{
	const struct timespec ms = { 0, 1000000 };

	if (n < WAIT_YIELDS)
		sched_yield();
	else
		nanosleep(&ms, NULL);
}

static int
enter(struct snap_file *f)
{
	unsigned n;

	for (n = 0; atomic_flag_test_and_set(&f->busy); n++) {
		if (n == WAIT_YIELDS + WAIT_MS)
			return IAM_ERR_BUSY;
		wait_step(n);
	}
	return 0;
}

/* Keep what was read at off: first has the first block, rest the others (NULL: there
 * are none). Another thread may have been quicker. */
static int
keep(struct snap_file *f, uint64_t off, const uint8_t *unit, size_t len,
    const struct snap_kept **ret)
{
	uint32_t block = (uint32_t)(off / SNAP_BLOCK);
	uint8_t *p;
	int r;

	if ((r = enter(f)) != 0)
		return r;
	if ((*ret = find_kept(f, block)) == NULL && (r = grow(f)) == 0) {
		if ((p = room_for(f, len)) == NULL)
			r = IAM_ERR_MEMORY;
		else {
			memcpy(p, unit, len);
			*ret = put(atomic_load(&f->map), block, p, (uint32_t)len);
			atomic_fetch_add(&f->cached, len);
		}
	}
	atomic_flag_clear_explicit(&f->busy, memory_order_release);
	return r;
}

/* Of which the first block has been read. */
static int
keep_long(struct snap_file *f, uint64_t off, const uint8_t *first, size_t len,
    const struct snap_kept **ret)
{
	uint8_t *unit = malloc(len);
	int r, saved;

	if (unit == NULL)
		return IAM_ERR_MEMORY;
	memcpy(unit, first, SNAP_BLOCK);
	if ((r = snap_read(f, off + SNAP_BLOCK, unit + SNAP_BLOCK,
	    len - SNAP_BLOCK)) == 0 &&
	    (r = snap_unit_check(f, off, unit, len)) == 0)
		r = keep(f, off, unit, len, ret);
	saved = errno;
	if (f->info.kind == SNAP_PRIVATE)
		explicit_bzero(unit, len);
	free(unit);
	errno = saved;
	return r;
}

/* The content is constant, its presence is not. */
static struct snap_file *
to_fill(const struct snap_file *f)
{
	return (struct snap_file *)(uintptr_t)f;
}

int
snap_keep(const struct snap_file *f, uint64_t off, const struct snap_kept **ret)
{
	_Alignas(8) uint8_t first[SNAP_BLOCK];
	size_t len;
	int r;

	if ((r = snap_read(f, off, first, sizeof(first))) != 0 ||
	    (r = snap_unit_len(f, off, first, &len)) != 0)
		return r;
	if (len > SNAP_BLOCK)
		r = keep_long(to_fill(f), off, first, len, ret);
	else if ((r = snap_unit_check(f, off, first, len)) == 0)
		r = keep(to_fill(f), off, first, len, ret);
	if (f->info.kind == SNAP_PRIVATE)
		explicit_bzero(first, sizeof(first));
	return r;
}

/* ---- files ---- */

int
snap_under_path(const char *path, uint64_t salt, char *ret, size_t size)
{
	static const char digits[16] = "0123456789abcdef";
	size_t len = strlen(path);
	unsigned i;

	if (len + SNAP_UNDER_SUFFIX + 1 > size)
		return IAM_ERR_LIMIT;
	memcpy(ret, path, len);
	ret[len++] = '.';
	for (i = 0; i < 16; i++)
		ret[len++] = digits[salt >> (60 - 4 * i) & 15];
	ret[len] = '\0';
	return 0;
}

int
snap_blocks_open(struct snap_file *f)
{
	int fd, r;

	atomic_init(&f->fd, -1);
	atomic_init(&f->users, 1);
	atomic_init(&f->map, new_map(MAP_BITS, MAP_FACTOR));
	f->chunk_len = f->info.kind == SNAP_PRIVATE ? CHUNK_MAPPED : CHUNK_MIN;
	if (atomic_load(&f->map) == NULL)
		return IAM_ERR_MEMORY;
	if ((r = open_file(f->path, f->info.kind, &fd, &f->id)) != 0)
		return r;
	atomic_store(&f->fd, fd);
	f->held = true;
	if (f->id.size < (off_t)SNAP_BLOCK || f->id.size % SNAP_BLOCK != 0)
		return IAM_ERR_FORMAT;
	if ((uint64_t)f->id.size > SNAP_FILE_MAX)
		return IAM_ERR_LIMIT;
	f->info.size = (uint64_t)f->id.size;
	return 0;
}

static void
park(struct snap_file *f)
{
	int fd = atomic_exchange(&f->fd, -1);

	if (fd >= 0 && (f->held || is_ours(f, fd)))
		close(fd);
}

void
snap_park(struct snap *s)
{
	park(s->top);
	if (s->under != NULL)
		park(s->under);
}

void
snap_blocks_close(struct snap_file *f)
{
	struct snap_map *m, *older;

	park(f);
	for (m = atomic_load(&f->map); m != NULL; m = older) {
		older = m->older;
		free(m);
	}
	release_chunks(f);
}

size_t
snap_cached(const struct snap *s)
{
	return atomic_load(&s->top->cached) +
	    (s->under == NULL ? 0 : atomic_load(&s->under->cached));
}

unsigned
snap_tick(void)
{
	struct timespec t;
	unsigned tick;

	if (clock_gettime(CLOCK_MONOTONIC_COARSE, &t) != 0)
		return 0;
	tick = (unsigned)t.tv_sec * 1000u + (unsigned)(t.tv_nsec / 1000000);
	return tick != 0 ? tick : 1;
}

bool
snap_is_current(const struct snap *s, const char *path)
{
	struct snap *m = (struct snap *)(uintptr_t)s;
	unsigned tick = snap_tick();
	struct snap_file_id now;
	struct stat st;

	if (tick != 0 && atomic_load(&s->tick) == tick)
		return true;
	if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	now = file_id(&st);
	if (!same_file(&now, &s->top->id))
		return false;
	atomic_store(&m->tick, tick);
	return true;
}
