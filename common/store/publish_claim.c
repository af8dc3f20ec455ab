/*
 * Whose a Unix name or an id is. Rule that this file keeps: a local account is
 * never shadowed, and nobody gets what another document has (S26, S27).
 */
#include "common/base/base.h"

#include <string.h>

#include "common/store/publish.h"

/* Who has it? NULL: nobody. */
static const char *
holder(const json_t *local, const json_t *ours, const char *what)
{
	const char *s = pub_str(local, what);

	return s != NULL ? s : pub_str(ours, what);
}

static int
claim(struct publish *p, const char *key, const char *name, const char *id)
{
	if (json_object_set_new(p->names, name, json_string(key)) != 0 ||
	    json_object_set_new(p->ids, id, json_string(key)) != 0)
		return IAM_ERR_MEMORY;
	return 0;
}

/*
 * Is it in the snapshot that changes are made to, and stays? Whose it is
 * does not matter: only a publish of everything knows what becomes of them.
 */
static int
is_published(struct publish *p, const char *unix_name, uint32_t id,
    const char *number, bool *ret)
{
	struct snap_group g;
	struct snap_user u;
	bool name = false, name2 = false, number1 = false, number2 = false;
	int r;

	*ret = false;
	if (p->old_pub == NULL)
		return 0;
	if ((r = snap_user_by_name(p->old_pub, unix_name, &name, &u)) != 0 ||
	    (r = snap_group_by_name(p->old_pub, unix_name, &name2, &g)) != 0 ||
	    (r = snap_user_by_uid(p->old_pub, id, &number1, &u)) != 0 ||
	    (r = snap_group_by_gid(p->old_pub, id, &number2, &g)) != 0)
		return r;
	*ret = ((name || name2) &&
	    json_object_get(p->freed_names, unix_name) == NULL) ||
	    ((number1 || number2) &&
	    json_object_get(p->freed_ids, number) == NULL);
	return 0;
}

int
pub_claim(struct publish *p, const char *key, const char *unix_name,
    uint32_t id, bool *ret)
{
	const char *who;
	char number[12];
	bool published;
	int r;

	*ret = false;
	snprintf(number, sizeof(number), "%u", id);
	if (unix_name == NULL || !name_is_unix(unix_name))
		return pub_warn(p, key, "left out: it has no valid Unix name");
	if (strcmp(unix_name, "root") == 0)
		return pub_warn(p, key, "left out: root is the host's own");
	if (id < p->settings.id_min || id > p->settings.id_max)
		return pub_warn(p, key, "left out: id %u is not within %u-%u", id,
		    p->settings.id_min, p->settings.id_max);
	if ((who = holder(p->local.names, p->names, unix_name)) != NULL)
		return pub_warn(p, key, "left out: the Unix name %s is taken by %s",
		    unix_name, who);
	if ((who = holder(p->local.ids, p->ids, number)) != NULL)
		return pub_warn(p, key, "left out: id %u is taken by %s", id, who);
	r = is_published(p, unix_name, id, number, &published);
	if (r == 0 && published)
		return pub_warn(p, key, "left out: its name or id is taken");
	if (r == 0 && (r = claim(p, key, unix_name, number)) == 0)
		*ret = true;
	return r;
}

int
pub_claim_subids(struct publish *p, const char *key, uint32_t start, bool *ret)
{
	const json_t *taken;
	struct snap_subids old;
	bool published = false;
	char number[12];
	int r;

	*ret = false;
	snprintf(number, sizeof(number), "%u", start);
	if (start < p->settings.subid_min || start > p->settings.subid_max ||
	    start % IAM_SUBID_COUNT != 0)
		return pub_warn(p, key, "no subordinate ids: %u is not the start of a"
		    " range within %u-%u", start, p->settings.subid_min,
		    p->settings.subid_max);
	if ((taken = json_object_get(p->ids, number)) != NULL)
		return pub_warn(p, key, "no subordinate ids: those from %u are taken"
		    " by %s", start, json_string_value(taken));
	if (p->old_pub != NULL && (r = snap_subids_by_id(p->old_pub, start,
	    &published, &old)) != 0)
		return r;
	if (published && json_object_get(p->freed_ids, number) == NULL)
		return pub_warn(p, key, "no subordinate ids: those from %u are taken",
		    start);
	if (json_object_set_new(p->ids, number, json_string(key)) != 0)
		return IAM_ERR_MEMORY;
	*ret = true;
	return 0;
}
