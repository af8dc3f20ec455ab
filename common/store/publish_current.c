/*
 * Are the snapshots what the store and the host's files say now?
 *
 * Rule that this file keeps: it costs the same at every size. A snapshot is written
 * whole, synced and renamed, so what opens with this revision is what a publisher
 * made of it; a file that was cut off is found when it is opened, and other damage
 * by whoever touches the page that has it, as an error and never as an answer.
 */
#include "common/base/base.h"

#include <string.h>

#include "common/store/publish.h"

/* *ret stays NULL for a snapshot that is not there, cut off or of another revision. */
static int
snapshot_matches(const char *path, enum snap_kind kind, uint64_t revision,
    struct snap **ret)
{
	struct snap_info info;
	int r;

	*ret = NULL;
	if ((r = snap_open(path, kind, ret)) != 0)
		return r == IAM_ERR_MEMORY ? r : 0;
	snap_info(*ret, &info);
	if (info.revision == revision)
		return 0;
	snap_close(*ret);
	*ret = NULL;
	return 0;
}

/* The account, too: a store that was made anew counts its revisions again. */
static int
account_matches(struct store *s, const struct store_paths *paths,
    const struct snap *priv, bool *ret)
{
	struct snap_account *a = calloc(1, sizeof(*a));
	json_t *doc = NULL;
	const char *id;
	int r;

	if (a == NULL)
		return IAM_ERR_MEMORY;
	if ((r = store_get(s, "account", &doc)) == 0 &&
	    snap_account_get(priv, a) == 0) {
		id = pub_json_str(doc, "AccountId");
		*ret = id != NULL && strcmp(id, a->account_id) == 0 &&
		    snap_mark_current(paths->host, &a->host_mark) &&
		    snap_mark_current(paths->settings, &a->settings_mark);
	}
	json_decref(doc);
	free(a);
	return r;
}

int
store_published(struct store *s, const struct store_paths *paths,
    bool *ret_current)
{
	struct snap *pub = NULL, *priv = NULL;
	uint64_t revision;
	int r;

	*ret_current = false;
	if ((r = store_read_revision(s, &revision)) == 0 &&
	    (r = snapshot_matches(paths->public_snapshot, SNAP_PUBLIC, revision,
	    &pub)) == 0 &&
	    (r = snapshot_matches(paths->private_snapshot, SNAP_PRIVATE, revision,
	    &priv)) == 0 && pub != NULL && priv != NULL)
		r = account_matches(s, paths, priv, ret_current);
	snap_close(pub);
	snap_close(priv);
	return r;
}
