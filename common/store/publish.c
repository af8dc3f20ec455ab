/*
 * Rules that this file keeps: both snapshots come from one revision, read in
 * one transaction; publishers take turns, so that revisions never go back.
 */
#include "common/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/store/publish.h"

#define LOCK_WAIT_MS 10000
#define LOCK_POLL_MS 10

/* ---- documents ---- */

/* A device counts from the moment that it is enabled for somebody. */
int
pub_device(void *arg, const char *key, json_t *doc)
{
	const char *user = pub_str(doc, "UserName");
	char lower[STORE_KEY_MAX + 1];
	struct publish *p = arg;
	json_t *list;

	(void)key;
	if (user == NULL || json_object_get(doc, "EnableDate") == NULL)
		return 0;
	pub_lower(user, lower);
	if ((list = json_object_get(p->devices, lower)) == NULL) {
		list = json_array();
		if (json_object_set_new(p->devices, lower, list) != 0)
			return IAM_ERR_MEMORY;
	}
	return json_array_append(list, doc) == 0 ? 0 : IAM_ERR_MEMORY;
}

static int
visit_policy(void *arg, const char *key, json_t *doc)
{
	return pub_policy(arg, key, doc);
}

static int
visit_role(void *arg, const char *key, json_t *doc)
{
	return pub_role(arg, key, doc);
}

static int
visit_user(void *arg, const char *key, json_t *doc)
{
	return pub_user(arg, key, doc);
}

/* ---- from the store to the builders ---- */

int
pub_open_builders(struct publish *p)
{
	int r;

	if (p->old_pub != NULL) {
		r = snap_builder_over(p->old_pub, p->revision, p->now_s, &p->pub);
		return r != 0 ? r : snap_builder_over(p->old_priv, p->revision,
		    p->now_s, &p->priv);
	}
	r = snap_builder_new(SNAP_PUBLIC, p->revision, p->now_s, &p->pub);
	return r != 0 ? r : snap_builder_new(SNAP_PRIVATE, p->revision, p->now_s,
	    &p->priv);
}

int
pub_put_state(struct publish *p)
{
	struct pub_state state;
	int r;

	if ((r = pub_state_now(p, &state)) != 0)
		return r;
	p->unsure = p->unsure || state.clean == 0;
	pub_state_encode(&state, &p->record);
	return pub_add(p, p->priv, SNAP_PUBLISH, "publish", strlen("publish"));
}

static int
read_documents(struct publish *p)
{
	struct store *s = p->store;
	int r;

	if ((r = store_read_revision(s, &p->revision)) != 0 ||
	    (r = pub_open_builders(p)) != 0 ||
	    (r = pub_put_account(p)) != 0 ||
	    (r = store_each(s, "policies/", visit_policy, p)) != 0 ||
	    (r = store_each(s, "mfa/", pub_device, p)) != 0 ||
	    (r = store_each(s, "groups/", pub_group, p)) != 0 ||
	    (r = store_each(s, "users/", visit_user, p)) != 0 ||
	    (r = store_each(s, "roles/", visit_role, p)) != 0 ||
	    (r = pub_put_groups(p)) != 0)
		return r;
	return pub_put_state(p);
}

static int
read_host(struct publish *p)
{
	int r;

	if ((r = settings_host_read(p->paths->host, &p->host, p->why)) != 0 ||
	    (r = settings_read(p->paths->settings, &p->settings, p->why)) != 0)
		return r;
	return local_read(&p->local, p->paths->passwd, p->paths->group, p->why);
}

static int
build(struct publish *p)
{
	int r;

	if ((r = read_host(p)) != 0 || (r = store_begin_read(p->store)) != 0)
		return r;
	r = read_documents(p);
	store_rollback(p->store);
	return r;
}

static int
build_changes(struct publish *p, bool *ret_none)
{
	const struct store_paths *paths = p->paths;
	int r;

	if ((r = snap_open(paths->public_snapshot, SNAP_PUBLIC, &p->old_pub)) != 0 ||
	    (r = snap_open(paths->private_snapshot, SNAP_PRIVATE, &p->old_priv)) != 0 ||
	    (r = read_host(p)) != 0 || (r = store_begin_read(p->store)) != 0)
		return r;
	r = pub_changes(p, ret_none);
	store_rollback(p->store);
	return r;
}

/* ---- one at a time ---- */

/* The file beside the store stays: its inode is the lock. */
static int
lock(const struct store *s, int *ret_fd, struct iam_why *why)
{
	const struct timespec poll = { 0, LOCK_POLL_MS * 1000000L };
	struct buf path = BUF_INIT;
	int fd, waited, r = 0;

	buf_printf(&path, "%s.lock", s->path);
	if (path.err != 0)
		return path.err;
	fd = open(buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK, 0600);
	if (fd < 0)
		r = IAM_ERR_IO;
	for (waited = 0; r == 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
	    waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			r = IAM_ERR_IO;
		else if (waited >= LOCK_WAIT_MS)
			r = IAM_ERR_BUSY;
		else
			nanosleep(&poll, NULL);
	}
	if (r != 0)
		iam_why_set(why, 0, 0, "%s: %s", buf_cstr(&path), iam_strerror(r));
	buf_release(&path);
	if (r == 0)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return r;
}

static struct publish *
publish_new(struct store *s, const struct store_paths *paths,
    struct iam_why *why)
{
	struct publish *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->store = s;
	p->paths = paths;
	p->why = why;
	p->now_s = time(NULL);
	p->warnings = json_array();
	p->names = json_object();
	p->ids = json_object();
	p->freed_names = json_object();
	p->freed_ids = json_object();
	p->changed_devices = json_object();
	p->group_index = json_object();
	p->devices = json_object();
	p->compiled = json_object();
	p->policies = json_object();
	return p;
}

static void
publish_free(struct publish *p)
{
	size_t i;

	for (i = 0; i < p->group_count; i++) {
		json_decref(p->groups[i].doc);
		json_decref(p->groups[i].policies);
		json_decref(p->groups[i].joined);
		json_decref(p->groups[i].left);
		free(p->groups[i].via);
		free(p->groups[i].lower);
	}
	free(p->groups);
	pub_policies_release(p);
	json_decref(p->warnings);
	json_decref(p->names);
	json_decref(p->ids);
	json_decref(p->freed_names);
	json_decref(p->freed_ids);
	json_decref(p->changed_devices);
	json_decref(p->group_index);
	json_decref(p->devices);
	json_decref(p->adopted);
	local_release(&p->local);
	settings_host_release(&p->host);
	settings_release(&p->settings);
	snap_builder_free(p->pub);
	snap_builder_free(p->priv);
	snap_close(p->old_pub);
	snap_close(p->old_priv);
	buf_release(&p->record);
	buf_release(&p->text);
	free(p);
}

static bool
publish_complete(const struct publish *p)
{
	return p->warnings != NULL && p->names != NULL && p->ids != NULL &&
	    p->freed_names != NULL && p->freed_ids != NULL &&
	    p->changed_devices != NULL &&
	    p->group_index != NULL && p->devices != NULL &&
	    p->compiled != NULL && p->policies != NULL;
}

/* *ret_done false: it takes everything. */
static int
publish_changes(struct store *s, const struct store_paths *paths,
    bool *ret_done, struct iam_why *why)
{
	struct publish *p;
	bool none = false;
	int r;

	*ret_done = false;
	if ((p = publish_new(s, paths, why)) == NULL)
		return IAM_ERR_MEMORY;
	r = publish_complete(p) ? build_changes(p, &none) : IAM_ERR_MEMORY;
	if (r == 0 && !p->unsure && !none && (r = pub_write(p)) == 0)
		pub_merge(p);
	*ret_done = r == 0 && !p->unsure;
	publish_free(p);
	return r;
}

static int
publish_whole(struct store *s, const struct store_paths *paths,
    json_t **warnings, struct iam_why *why)
{
	struct publish *p;
	int r;

	if ((p = publish_new(s, paths, why)) == NULL)
		return IAM_ERR_MEMORY;
	r = publish_complete(p) ? build(p) : IAM_ERR_MEMORY;
	if (r == 0)
		r = pub_write(p);
	if (warnings != NULL)
		*warnings = json_incref(p->warnings);
	publish_free(p);
	return r;
}

static int
publish(struct store *s, const struct store_paths *paths, bool whole,
    json_t **warnings, struct iam_why *why)
{
	bool done = false;
	int fd = -1, r;

	iam_why_set(why, 0, 0, "%s", "");
	if (warnings != NULL)
		*warnings = NULL;
	if ((r = lock(s, &fd, why)) != 0)
		return r;
	/* Whatever keeps changes from being published, everything may do. */
	if (!whole && publish_changes(s, paths, &done, why) != 0)
		done = false;
	if (!done) {
		iam_why_set(why, 0, 0, "%s", "");
		r = publish_whole(s, paths, warnings, why);
	} else if (warnings != NULL)
		*warnings = json_array();
	close(fd);
	if (r != 0 && why != NULL && why->text[0] == '\0')
		iam_why_set(why, 0, 0, "the snapshots could not be made: %s",
		    iam_strerror(r));
	return r;
}

int
store_publish(struct store *s, const struct store_paths *paths,
    json_t **warnings, struct iam_why *why)
{
	return publish(s, paths, true, warnings, why);
}

int
store_publish_changes(struct store *s, const struct store_paths *paths,
    json_t **warnings, struct iam_why *why)
{
	return publish(s, paths, false, warnings, why);
}
