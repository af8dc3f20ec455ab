/*
 * From the builders to the disk. Rule that this file keeps: the private snapshot is
 * never older than the public one.
 */
#include "common/base/base.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common/base/governed.h"
#include "common/store/publish.h"

static int
write_governed(struct publish *p)
{
	size_t i, n = 0, count = json_array_size(p->adopted);
	const char **names = calloc(count + 1, sizeof(*names));
	const char *path = p->paths->governed;
	int r;

	if (names == NULL)
		return IAM_ERR_MEMORY;
	for (i = 0; i < count; i++) {
		names[n] = json_string_value(json_array_get(p->adopted, i));
		n += names[n] != NULL && name_is_unix(names[n]);
	}
	r = governed_write(path, p->settings.id_min, p->settings.id_max, names,
	    (unsigned)n);
	free(names);
	if (r != 0)
		iam_why_set(p->why, 0, 0, "%s: %s", path, iam_strerror(r));
	return r;
}

/* For iam-authorized-principals, which may not read the private snapshot. */
static int
write_ssh_revoked(struct publish *p)
{
	const char *path = p->paths->ssh_revoked;
	struct buf text = BUF_INIT, had = BUF_INIT;
	uint32_t i;
	int r;

	if (path == NULL || p->account.ssh_ca == NULL)
		return 0;
	for (i = 0; i < p->account.revoked_count; i++)
		buf_printf(&text, "%" PRIu64 "\n", p->account.revoked[i]);
	r = text.err;
	if (r == 0 && (file_read(path, FILE_ROOT_ONLY, SNAP_REVOKED_MAX * 24, &had) != 0 ||
	    had.len != text.len || strcmp(buf_cstr(&had), buf_cstr(&text)) != 0))
		r = file_replace(path, buf_cstr(&text), text.len, 0644, (gid_t)-1);
	if (r != 0)
		iam_why_set(p->why, 0, 0, "%s: %s", path, iam_strerror(r));
	buf_release(&text);
	buf_release(&had);
	return r;
}

/* The directory belongs to the package; somebody may have removed it. */
static void
make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (slash != NULL && slash - path < PATH_MAX) {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		if (mkdir(dir, 0755) == 0 && chmod(dir, 0755) == 0)
			file_sync_dir(dir);
	}
}

static int
write_snapshot(struct publish *p, struct snap_builder *b, const char *path,
    mode_t mode, gid_t gid)
{
	int r;

	make_directory(path);
	r = snap_builder_write(b, path, mode, gid);
	if (r == IAM_ERR_IO)
		iam_why_set(p->why, 0, 0, "%s: %m", path);
	else if (r != 0)
		iam_why_set(p->why, 0, 0, "%s: %s", path, iam_strerror(r));
	return r;
}

/* Private first: an account that the host knows is one that can be decided. */
int
pub_write(struct publish *p)
{
	const struct store_paths *paths = p->paths;
	int r;

	if ((r = write_governed(p)) != 0 || (r = write_ssh_revoked(p)) != 0 ||
	    (r = write_snapshot(p, p->priv, paths->private_snapshot, 0640,
	    paths->auth_gid)) != 0)
		return r;
	return write_snapshot(p, p->pub, paths->public_snapshot, 0644, (gid_t)-1);
}
