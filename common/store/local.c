/*
 * The host's own accounts. Rules that this file keeps: they come from the files
 * and never from NSS, which is us; and a file that cannot be read to its end is
 * an error, since a name that was missed would be a name to take (S26, S27).
 */
#include "common/base/base.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "common/store/internal.h"

#define LOCAL_FILE_MAX ((off_t)64 << 20)

/*
 * *ret_line is a buffer (owned, free) that holds any line of the file with the
 * pointers that go with it, so that no entry is ever too long.
 */
static int
open_lines(const char *path, FILE **ret, char **ret_line, size_t *ret_size)
{
	struct stat st;
	int fd, r;

	if ((r = file_open(path, FILE_ROOT_ONLY, &fd, &st)) != 0)
		return r;
	if (st.st_size > LOCAL_FILE_MAX) {
		close(fd);
		return IAM_ERR_LIMIT;
	}
	*ret_size = (size_t)st.st_size * (1 + sizeof(char *)) + 4096;
	*ret_line = malloc(*ret_size);
	*ret = *ret_line == NULL ? NULL : fdopen(fd, "re");
	if (*ret == NULL) {
		free(*ret_line);
		close(fd);
		return IAM_ERR_MEMORY;
	}
	return 0;
}

/* jansson takes UTF-8 only; a name that is not ASCII is never asked for. */
static bool
is_ascii(const char *s)
{
	while (*s != '\0' && (unsigned char)*s < 0x80)
		s++;
	return *s == '\0';
}

static int
add(struct local *l, const char *what, const char *name, uint32_t id)
{
	char number[12];

	snprintf(number, sizeof(number), "%u", id);
	if ((is_ascii(name) && json_object_get(l->names, name) == NULL &&
	    json_object_set_new(l->names, name, json_string(what)) != 0) ||
	    (json_object_get(l->ids, number) == NULL &&
	    json_object_set_new(l->ids, number, json_string(what)) != 0))
		return IAM_ERR_MEMORY;
	return 0;
}

static int
read_users(struct local *l, const char *path)
{
	struct passwd pw, *hit;
	char *line;
	size_t size;
	FILE *f;
	int rc, r;

	if ((r = open_lines(path, &f, &line, &size)) != 0)
		return r;
	while (r == 0 && (rc = fgetpwent_r(f, &pw, line, size, &hit)) == 0) {
		if ((r = add(l, "local user", pw.pw_name, pw.pw_uid)) == 0)
			r = add(l, "local user", pw.pw_name, pw.pw_gid);
	}
	if (r == 0 && (rc != ENOENT || ferror(f)))
		r = IAM_ERR_IO;
	fclose(f);
	free(line);
	return r;
}

static int
read_groups(struct local *l, const char *path)
{
	struct group gr, *hit;
	char *line;
	size_t size;
	FILE *f;
	int rc, r;

	if ((r = open_lines(path, &f, &line, &size)) != 0)
		return r;
	while (r == 0 && (rc = fgetgrent_r(f, &gr, line, size, &hit)) == 0) {
		/* As NSS: the first of a name counts. */
		if (is_ascii(gr.gr_name) &&
		    json_object_get(l->gids, gr.gr_name) == NULL &&
		    json_object_set_new(l->gids, gr.gr_name,
		    json_integer(gr.gr_gid)) != 0)
			r = IAM_ERR_MEMORY;
		else
			r = add(l, "local group", gr.gr_name, gr.gr_gid);
	}
	if (r == 0 && (rc != ENOENT || ferror(f)))
		r = IAM_ERR_IO;
	fclose(f);
	free(line);
	return r;
}

int
local_read(struct local *l, const char *passwd, const char *group,
    struct iam_why *why)
{
	const char *path = passwd;
	int r;

	l->names = json_object();
	l->ids = json_object();
	l->gids = json_object();
	if (l->names == NULL || l->ids == NULL || l->gids == NULL)
		r = IAM_ERR_MEMORY;
	else if ((r = read_users(l, passwd)) == 0) {
		path = group;
		r = read_groups(l, group);
	}
	if (r != 0)
		iam_why_set(why, 0, 0, "%s: %s", path, iam_strerror(r));
	return r;
}

void
local_release(struct local *l)
{
	json_decref(l->names);
	json_decref(l->ids);
	json_decref(l->gids);
	*l = (struct local){ 0 };
}
