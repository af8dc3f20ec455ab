/*
 * One file of two, of which the second one has become large. It takes as long as
 * everything does to write. So the work is done beside path, while writers go on, and
 * what they have changed meanwhile comes to lie on the new file in the end.
 */
#include "common/base/base.h"
#include "common/snapshot/build.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* Whoever sweeps beside path leaves that name alone. */
static int
merge_path(const char *path, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s.merge", path);

	return n < 0 || n >= PATH_MAX ? IAM_ERR_LIMIT : 0;
}

/* Everything of s as one file. */
static int
write_whole(const struct snap *s, const char *path, mode_t mode, gid_t gid)
{
	struct snap_builder *b = NULL;
	int r;

	if ((r = snap_builder_over(s, s->top->info.revision,
	    s->top->info.created_s, &b)) == 0)
		r = snap_builder_write_file(b, true, path, mode, gid);
	snap_builder_free(b);
	return r;
}

int
snap_merge(const char *path, enum snap_kind kind, mode_t mode, gid_t gid)
{
	struct snap *s = NULL;
	int r;

	if ((r = snap_open(path, kind, &s)) == 0 && s->under != NULL)
		r = write_whole(s, path, mode, gid);
	snap_close(s);
	return r;
}

int
snap_merge_begin(const char *path, enum snap_kind kind, mode_t mode, gid_t gid,
    struct snap **ret)
{
	char beside[PATH_MAX];
	struct snap *s = NULL;
	int r;

	*ret = NULL;
	if ((r = merge_path(path, beside)) != 0)
		return r;
	(void)unlink(beside);
	snap_sweep_leftovers(beside);
	if ((r = snap_open(path, kind, &s)) != 0)
		return r;
	if (s->under != NULL &&
	    (r = write_whole(s, beside, mode, gid)) == 0) {
		*ret = s;
		return 0;
	}
	snap_close(s);
	return r;
}

/* Nothing has happened meanwhile: the file takes its place. */
static int
put_in_place(const char *beside, const char *path)
{
	int r;

	if (rename(beside, path) != 0)
		return IAM_ERR_IO;
	if ((r = file_sync_dir(path)) == 0)
		snap_replaced(path, 0);
	return r;
}

/* What has: it will lie on the new file. */
static int
write_changes(const struct snap *now, const struct snap *then,
    const struct snap *merged, const char *path, mode_t mode, gid_t gid)
{
	struct snap_builder *b = NULL;
	int r;

	if ((r = snap_builder_over(now, now->top->info.revision,
	    now->top->info.created_s, &b)) != 0)
		return r;
	b->low = merged->top;
	b->since = then->top;
	r = snap_builder_write_file(b, false, path, mode, gid);
	snap_builder_free(b);
	return r;
}

/* What was made is as large as everything, and the disk may be full: away with it,
 * unless the file in path's place lies on it after all. */
static void
give_up(const char *path, enum snap_kind kind)
{
	struct snap *s = NULL;

	if (snap_open(path, kind, &s) == 0)
		snap_replaced(path, s->top->under);
	snap_close(s);
}

int
snap_merge_end(const char *path, enum snap_kind kind, mode_t mode, gid_t gid,
    const struct snap *then)
{
	struct snap *now = NULL, *merged = NULL;
	char beside[PATH_MAX];
	int r, saved;

	if ((r = merge_path(path, beside)) != 0)
		return r;
	if ((r = snap_open(path, kind, &now)) == 0 &&
	    (r = snap_open(beside, kind, &merged)) == 0) {
		/* Another file beneath: everything was published meanwhile. */
		if (now->under == NULL || now->under->salt != then->under->salt)
			r = 0;
		else if (now->top->salt == then->top->salt)
			r = put_in_place(beside, path);
		else
			r = write_changes(now, then, merged, path, mode, gid);
	}
	snap_close(now);
	snap_close(merged);
	saved = errno;
	if (r != 0)
		give_up(path, kind);
	(void)unlink(beside);
	errno = saved;
	return r;
}
