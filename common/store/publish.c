/*
 * Rules that this file keeps: both snapshots come from one revision, read in
 * one transaction; publishers take turns, so that revisions never go back.
 */
#include "common/base/base.h"

#include <string.h>
#include <unistd.h>

#include "common/store/publish.h"

/* ---- documents ---- */

struct visit {
	struct publish *p;
	pub_take *take; /* NULL: devices */
};

static int
visit(void *arg, const char *key, const char *text, size_t len)
{
	const struct visit *v = arg;
	const struct doc_value *doc;
	int r;

	if ((r = doc_read(&v->p->doc, text, len, &doc)) != 0)
		return r;
	v->p->current = key;
	return v->take != NULL ? v->take(v->p, key, doc) :
	    pub_device(v->p, doc, text, len);
}

static int
take_all(struct publish *p, const char *prefix, pub_take *take)
{
	struct visit v = { p, take };
	int r = store_each_text(p->store, prefix, visit, &v);

	p->current = NULL;
	return r;
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

	if ((r = pub_devices_left(p)) != 0 || (r = pub_state_now(p, &state)) != 0)
		return r;
	pub_state_encode(p, &state, &p->record);
	return pub_add(p, p->priv, SNAP_PUBLISH, "publish", strlen("publish"));
}

static int
read_documents(struct publish *p)
{
	int r;

	if ((r = store_read_revision(p->store, &p->revision)) != 0 ||
	    (r = pub_open_builders(p)) != 0 ||
	    (r = pub_put_account(p)) != 0 ||
	    (r = take_all(p, "policies/", pub_policy)) != 0 ||
	    (r = take_all(p, "mfa/", NULL)) != 0 ||
	    (r = take_all(p, "groups/", pub_group)) != 0 ||
	    (r = take_all(p, "users/", pub_user)) != 0 ||
	    (r = take_all(p, "roles/", pub_role)) != 0)
		return r;
	pub_claims_done(p);
	if ((r = pub_put_groups(p)) != 0)
		return r;
	pub_map_release(&p->names);
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

/* The two snapshots of one publish are known by their revision and time: a publish that
 * is killed between them must not have those of the one before. */
static int64_t
time_of_publish(const struct store_paths *paths)
{
	struct snap_info info = { 0 };
	int64_t now_s = time(NULL);
	struct snap *s;

	if (snap_open(paths->private_snapshot, SNAP_PRIVATE, &s) == 0) {
		snap_info(s, &info);
		snap_close(s);
	}
	return info.created_s == now_s ? now_s + 1 : now_s;
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
	p->now_s = time_of_publish(paths);
	p->warnings = json_array();
	p->was_odd = json_object();
	p->still = json_object();
	p->odd = json_object();
	p->freed_names = json_object();
	p->freed_ids = json_object();
	p->changed_devices = json_object();
	p->compiled = json_object();
	p->policies = json_object();
	return p;
}

static void
publish_free(struct publish *p)
{
	pub_groups_release(p);
	pub_devices_release(p);
	pub_policies_release(p);
	pub_map_release(&p->names);
	pub_map_release(&p->ids);
	buf_release(&p->keys);
	doc_release(&p->doc);
	json_decref(p->warnings);
	json_decref(p->was_odd);
	json_decref(p->still);
	json_decref(p->odd);
	json_decref(p->freed_names);
	json_decref(p->freed_ids);
	json_decref(p->changed_devices);
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
	pub_space_release(&p->space);
	free(p);
}

static bool
publish_complete(const struct publish *p)
{
	return p->warnings != NULL && p->was_odd != NULL && p->still != NULL &&
	    p->odd != NULL && p->freed_names != NULL &&
	    p->freed_ids != NULL && p->changed_devices != NULL &&
	    p->compiled != NULL && p->policies != NULL;
}

/* *ret_done false: it takes everything. */
static int
publish_changes(struct store *s, const struct store_paths *paths,
    bool *ret_done, json_t **warnings, struct iam_why *why)
{
	struct publish *p;
	bool none = false;
	int r;

	*ret_done = false;
	if ((p = publish_new(s, paths, why)) == NULL)
		return IAM_ERR_MEMORY;
	r = publish_complete(p) ? build_changes(p, &none) : IAM_ERR_MEMORY;
	if (r == 0 && !p->unsure && !none && (r = pub_write(p)) == 0)
		pub_merge_overdue(paths);
	*ret_done = r == 0 && !p->unsure;
	if (*ret_done && warnings != NULL)
		*warnings = json_incref(p->warnings);
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
	if ((r = pub_lock(s, "lock", PUB_LOCK_WAIT_MS, &fd, why)) != 0)
		return r;
	/* Whatever keeps changes from being published, everything may do. */
	if (!whole && publish_changes(s, paths, &done, warnings, why) != 0)
		done = false;
	if (!done) {
		iam_why_set(why, 0, 0, "%s", "");
		r = publish_whole(s, paths, warnings, why);
	}
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
