/*
 * Whose a Unix name or an id is. Rule that this file keeps: a local account is
 * never shadowed, and nobody gets what another document has (S26, S27).
 */
#include "common/base/base.h"

#include <string.h>

#include "common/store/publish.h"

/* Of ours, the key of the document; NULL: nobody's. */
static const char *
owner(const struct publish *p, const struct pub_map *ours, const char *what)
{
	const struct pub_slot *s = pub_map_find(ours, what);

	return s == NULL ? NULL : (const char *)p->keys.p + s->value;
}

/* Who has it? NULL: nobody. */
static const char *
holder(const struct publish *p, const json_t *local, const struct pub_map *ours,
    const char *what)
{
	const char *s = pub_json_str(local, what);

	return s != NULL ? s : owner(p, ours, what);
}

/* A document's key, kept. */
static int
keep_key(struct publish *p, const char *key, uint32_t *ret)
{
	*ret = (uint32_t)p->keys.len;
	buf_put(&p->keys, key, strlen(key) + 1);
	return p->keys.err;
}

static int
claim(struct publish *p, const char *key, const char *name, const char *id,
    uint32_t *ret)
{
	const struct pub_slot *s;
	uint32_t whose;
	int r;

	if ((r = keep_key(p, key, &whose)) != 0 ||
	    (r = pub_map_put(&p->ids, id, whose, NULL)) != 0 ||
	    (r = pub_map_put(&p->names, name, whose, &s)) != 0)
		return r;
	*ret = s->text;
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
    uint32_t id, uint32_t *ret)
{
	const char *who;
	char number[12];
	bool published;
	int r;

	*ret = 0;
	snprintf(number, sizeof(number), "%u", id);
	if (unix_name == NULL || !name_is_unix(unix_name))
		return pub_warn(p, key, "left out: it has no valid Unix name");
	if (strcmp(unix_name, "root") == 0)
		return pub_warn(p, key, "left out: root is the host's own");
	if (id < p->settings.id_min || id > p->settings.id_max)
		return pub_warn(p, key, "left out: id %u is not within %u-%u", id,
		    p->settings.id_min, p->settings.id_max);
	if ((who = holder(p, p->local.names, &p->names, unix_name)) != NULL)
		return pub_warn(p, key, "left out: the Unix name %s is taken by %s",
		    unix_name, who);
	if ((who = holder(p, p->local.ids, &p->ids, number)) != NULL)
		return pub_warn(p, key, "left out: id %u is taken by %s", id, who);
	r = is_published(p, unix_name, id, number, &published);
	if (r == 0 && published)
		return pub_warn(p, key, "left out: its name or id is taken");
	return r != 0 ? r : claim(p, key, unix_name, number, ret);
}

/*
 * A local account is adopted by name and id, outside our range. It is published
 * whatever the host's files say of it, since what is not in the snapshot is not
 * governed; when they say another id, the login denies (NameClash).
 */
int
pub_claim_adopted(struct publish *p, const char *key, const char *unix_name,
    uint32_t id, uint32_t *ret)
{
	char number[12];
	int r;

	*ret = 0;
	snprintf(number, sizeof(number), "%u", id);
	if (unix_name == NULL || !name_is_unix(unix_name) ||
	    strcmp(unix_name, "root") == 0 || id < 1000 ||
	    (id >= p->settings.id_min && id <= p->settings.id_max))
		return pub_warn(p, key, "left out: no local account that may be"
		    " adopted");
	if (owner(p, &p->names, unix_name) != NULL ||
	    owner(p, &p->ids, number) != NULL)
		return pub_warn(p, key, "left out: its name or id is taken by"
		    " another document");
	if ((r = claim(p, key, unix_name, number, ret)) != 0 ||
	    json_object_get(p->local.names, unix_name) != NULL)
		return r;
	return pub_warn(p, key, "the local account %s is not there", unix_name);
}

int
pub_claim_subids(struct publish *p, const char *key, uint32_t start, bool *ret)
{
	struct snap_subids old;
	bool published = false;
	char number[12];
	const char *who;
	uint32_t whose;
	int r;

	*ret = false;
	snprintf(number, sizeof(number), "%u", start);
	if (start < p->settings.subid_min || start > p->settings.subid_max ||
	    start % IAM_SUBID_COUNT != 0)
		return pub_warn(p, key, "no subordinate ids: %u is not the start of a"
		    " range within %u-%u", start, p->settings.subid_min,
		    p->settings.subid_max);
	if ((who = owner(p, &p->ids, number)) != NULL)
		return pub_warn(p, key, "no subordinate ids: those from %u are taken"
		    " by %s", start, who);
	if (p->old_pub != NULL && (r = snap_subids_by_id(p->old_pub, start,
	    &published, &old)) != 0)
		return r;
	if (published && json_object_get(p->freed_ids, number) == NULL)
		return pub_warn(p, key, "no subordinate ids: those from %u are taken",
		    start);
	if ((r = keep_key(p, key, &whose)) == 0 &&
	    (r = pub_map_put(&p->ids, number, whose, NULL)) == 0)
		*ret = true;
	return r;
}

void
pub_claims_done(struct publish *p)
{
	pub_map_release(&p->ids);
	pub_map_close(&p->names); /* members are texts of it */
	buf_release(&p->keys);
}
