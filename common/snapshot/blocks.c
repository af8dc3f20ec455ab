/*
 * Pages of a file, copied into the process when first touched.
 *
 * Rules: no byte of the file is ever mapped (S25: no SIGBUS). A page that has
 * been read never changes. No lock is ever waited for without a bound, so that
 * a child forked in the middle of another thread's read goes on. A descriptor
 * is used only after fstat(2) has shown that it is still ours.
 */
#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define WAIT_YIELDS 100
#define SNAP_POPULATE ((uint64_t)64 << 10)
#define WAIT_MS 50

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
	if (fd >= 0 && is_ours(f, fd)) {
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

static uint64_t
min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int
make_writable(struct snap_file *f, uint64_t off, uint64_t len)
{
	uint64_t i;

	for (i = off / SNAP_SEGMENT; i <= (off + len - 1) / SNAP_SEGMENT; i++) {
		if (atomic_load(&f->segment[i]) != 0)
			continue;
		if (mprotect(f->base + i * SNAP_SEGMENT,
		    (size_t)min64(SNAP_SEGMENT, f->map_len - i * SNAP_SEGMENT),
		    PROT_READ | PROT_WRITE) != 0)
			return IAM_ERR_MEMORY;
		atomic_store(&f->segment[i], 1);
	}
	return 0;
}

/* Read the pages first..last, which this thread has claimed. */
static int
read_pages(struct snap_file *f, uint64_t first, uint64_t last)
{
	uint64_t off = first * SNAP_PAGE;
	uint64_t len = min64((last - first + 1) * SNAP_PAGE, f->info.size - off);
	bool own = false;
	int fd, r;

	if ((r = make_writable(f, off, len)) != 0 ||
	    (r = descriptor(f, &fd, &own)) != 0)
		return r;
	if (len >= SNAP_POPULATE) /* page by page would cost more than the reading */
		(void)madvise(f->base + off, (size_t)len, MADV_POPULATE_WRITE);
	r = read_at(fd, f->base + off, (size_t)len, off);
	if (own)
		close(fd);
	if (r == 0)
		atomic_fetch_add(&f->cached, (size_t)len);
	return r;
}

static bool
claim(struct snap_file *f, uint64_t i)
{
	unsigned char absent = PAGE_ABSENT;

	return atomic_compare_exchange_strong(&f->page[i], &absent,
	    PAGE_READING);
}

/* Claim page i and what is absent behind it, up to last, and read it. */
static int
fetch_from(struct snap_file *f, uint64_t i, uint64_t last)
{
	uint64_t end = i, b;
	int r;

	while (end < last && claim(f, end + 1))
		end++;
	r = read_pages(f, i, end);
	for (b = i; b <= end; b++)
		atomic_store(&f->page[b], r == 0 ? PAGE_PRESENT : PAGE_ABSENT);
	return r;
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
need_page(struct snap_file *f, uint64_t i, uint64_t last)
{
	unsigned n;

	for (n = 0; n < WAIT_YIELDS + WAIT_MS; n++) {
		if (atomic_load(&f->page[i]) >= PAGE_PRESENT)
			return 0;
		if (claim(f, i))
			return fetch_from(f, i, last);
		wait_step(n);
	}
	return IAM_ERR_BUSY;
}

int
snap_slice(struct snap_file *f, uint64_t off, uint64_t len, uint64_t ahead,
    struct snap_bytes *ret)
{
	uint64_t i, last, reach;
	int r;

	if (len == 0 || off > f->info.size || len > f->info.size - off)
		return IAM_ERR_FORMAT;
	last = (off + len - 1) / SNAP_PAGE;
	reach = (off + min64(len + ahead, f->info.size - off) - 1) / SNAP_PAGE;
	for (i = off / SNAP_PAGE; i <= last; i++) {
		if (atomic_load(&f->page[i]) < PAGE_PRESENT &&
		    (r = need_page(f, i, reach)) != 0)
			return r;
	}
	ret->p = f->base + off;
	ret->len = (size_t)len;
	return 0;
}

static uint64_t
pages(const struct snap_file *f)
{
	return (f->info.size + SNAP_PAGE - 1) / SNAP_PAGE;
}

/* A small file is memory from the start: one system call less. */
static int
reserve(struct snap_file *f)
{
	uint64_t segments = (f->info.size + SNAP_SEGMENT - 1) / SNAP_SEGMENT;
	bool small = segments == 1;

	f->page = calloc((size_t)(pages(f) + segments), 1);
	if (f->page == NULL)
		return IAM_ERR_MEMORY;
	f->segment = f->page + pages(f);
	atomic_init(&f->segment[0], small);
	f->map_len = (size_t)snap_round(f->info.size,
	    (uint64_t)sysconf(_SC_PAGESIZE));
	f->base = mmap(NULL, f->map_len, small ? PROT_READ | PROT_WRITE : PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f->base == MAP_FAILED) {
		f->base = NULL;
		return IAM_ERR_MEMORY;
	}
	/* Best effort both: hashes stay out of core dumps (S9), and one small
	 * page does not become a huge one. */
	if (f->info.kind == SNAP_PRIVATE)
		(void)madvise(f->base, f->map_len, MADV_DONTDUMP);
	if (!small)
		(void)madvise(f->base, f->map_len, MADV_NOHUGEPAGE);
	return 0;
}

int
snap_under_path(const char *path, uint64_t salt, char *ret, size_t size)
{
	int n = snprintf(ret, size, "%s.%016llx", path, (unsigned long long)salt);

	return n < 0 || (size_t)n >= size ? IAM_ERR_LIMIT : 0;
}

int
snap_blocks_open(struct snap_file *f, const char *path)
{
	int fd, r;

	atomic_init(&f->fd, -1);
	atomic_init(&f->users, 1);
	if ((f->path = strdup(path)) == NULL)
		return IAM_ERR_MEMORY;
	if ((r = open_file(path, f->info.kind, &fd, &f->id)) != 0)
		return r;
	atomic_store(&f->fd, fd);
	if (f->id.size < (off_t)SNAP_PAGE || f->id.size % SNAP_PAGE != 0)
		return IAM_ERR_FORMAT;
	if ((uint64_t)f->id.size > SNAP_FILE_MAX)
		return IAM_ERR_LIMIT;
	f->info.size = (uint64_t)f->id.size;
	return reserve(f);
}

static void
park(struct snap_file *f)
{
	int fd = atomic_exchange(&f->fd, -1);

	if (fd >= 0 && is_ours(f, fd))
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
	park(f);
	if (f->base != NULL)
		munmap(f->base, f->map_len);
	free(f->page);
	free(f->path);
}

size_t
snap_cached(const struct snap *s)
{
	return atomic_load(&s->top->cached) +
	    (s->under == NULL ? 0 : atomic_load(&s->under->cached));
}

static void
forget(struct snap_file *f)
{
	uint64_t i;

	for (i = 0; i < pages(f); i++)
		atomic_store(&f->page[i], PAGE_ABSENT);
	madvise(f->base, f->map_len, MADV_DONTNEED);
	atomic_store(&f->cached, 0);
}

void
snap_forget(struct snap *s)
{
	forget(s->top);
	if (s->under != NULL)
		forget(s->under);
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
