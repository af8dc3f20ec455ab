/* The marks of the configuration files that a snapshot was made from. */
#include "common/base/base.h"
#include "common/snapshot/internal.h"
#include "common/snapshot/principal.h"

#include <errno.h>
#include <sys/stat.h>

#define MARKED_FILE_MAX ((size_t)1 << 20)

static int64_t
ns(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
take_stat(const char *path, struct snap_file_mark *ret)
{
	struct stat st;

	*ret = (struct snap_file_mark){ 0 };
	if (lstat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : IAM_ERR_IO;
	ret->dev = (uint64_t)st.st_dev;
	ret->ino = (uint64_t)st.st_ino;
	ret->size = (uint64_t)st.st_size;
	ret->mtime_ns = ns(st.st_mtim);
	ret->ctime_ns = ns(st.st_ctim);
	return 0;
}

static int
take_hash(const char *path, uint64_t *ret)
{
	struct buf text = BUF_INIT;
	int r;

	if ((r = file_read(path, FILE_ROOT_ONLY, MARKED_FILE_MAX, &text)) == 0)
		*ret = snap_check64(text.p, text.len, 0);
	buf_release(&text);
	return r;
}

int
snap_mark_take(const char *path, struct snap_file_mark *ret)
{
	int r;

	if ((r = take_stat(path, ret)) != 0 || ret->ino == 0)
		return r;
	return take_hash(path, &ret->hash);
}

bool
snap_mark_current(const char *path, const struct snap_file_mark *mark)
{
	struct snap_file_mark now;
	uint64_t hash;

	if (take_stat(path, &now) != 0)
		return false;
	if (now.dev == mark->dev && now.ino == mark->ino &&
	    now.size == mark->size && now.mtime_ns == mark->mtime_ns &&
	    now.ctime_ns == mark->ctime_ns)
		return true;
	return now.ino != 0 && mark->ino != 0 && now.size == mark->size &&
	    take_hash(path, &hash) == 0 && hash == mark->hash;
}
