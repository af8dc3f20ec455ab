/* Groups: what they are to the host, who is in them, which policies they have. */
#include "common/base/base.h"

#include <string.h>

#include "common/store/publish.h"

/* ---- groups ---- */

static bool
is_allowed(const struct settings *s, const char *group)
{
	uint32_t i;

	for (i = 0; i < s->local_group_count; i++) {
		if (strcmp(s->local_groups[i], group) == 0)
			return true;
	}
	return false;
}

/*
 * Local groups give privileges that the host's own administrator answers for:
 * only what iam.json lists, only what the group file has, never gid 0 (S27).
 */
static int
take_local_groups(struct publish *p, struct pub_group *g, const char *key)
{
	const char *name;
	json_t *v, *gid;
	size_t i;
	int r = 0;

	json_array_foreach(json_object_get(g->doc, "LocalGroups"), i, v) {
		name = json_string_value(v) == NULL ? "?" : json_string_value(v);
		gid = json_object_get(p->local.gids, name);
		if (!is_allowed(&p->settings, name))
			r = pub_warn(p, key, "local group %s: not listed under"
			    " localGroups in %s", name, p->paths->settings);
		else if (gid == NULL || json_integer_value(gid) == 0 ||
		    g->local_count == SETTINGS_LOCAL_GROUPS_MAX)
			r = pub_warn(p, key, "local group %s: not in %s, or not one"
			    " that people may be put into", name, p->paths->group);
		else
			g->local_gids[g->local_count++] =
			    (uint32_t)json_integer_value(gid);
		if (r != 0)
			return r;
	}
	return 0;
}

static struct pub_group *
new_group(struct publish *p, const char *name)
{
	char lower[STORE_KEY_MAX + 1];
	struct pub_group *v;

	v = reallocarray(p->groups, p->group_count + 1, sizeof(*v));
	if (v == NULL)
		return NULL;
	p->groups = v;
	pub_lower(name, lower);
	if (json_object_set_new(p->group_index, lower,
	    json_integer((json_int_t)p->group_count)) != 0)
		return NULL;
	v = &p->groups[p->group_count++];
	memset(v, 0, sizeof(*v));
	return v;
}

/* What the members of a group need to know of it. */
static int
fill_group(struct pub_group *g, const char *name, json_t *doc)
{
	char lower[STORE_KEY_MAX + 1];

	pub_lower(name, lower);
	g->doc = json_incref(doc);
	g->unix_name = pub_str(doc, "UnixName");
	g->gid = pub_id(doc, "Gid");
	g->joined = json_array();
	g->left = json_object();
	g->lower = strdup(lower);
	if (asprintf(&g->via, "group %s", name) < 0)
		g->via = NULL;
	return g->joined == NULL || g->left == NULL || g->lower == NULL ||
	    g->via == NULL ? IAM_ERR_MEMORY : 0;
}

struct pub_group *
pub_read_group(struct publish *p, const char *key, json_t *doc, int *ret_err)
{
	const char *name = pub_str(doc, "GroupName");
	struct pub_group *g;

	if (name == NULL || !name_is_iam(name, 128)) {
		*ret_err = pub_warn(p, key, "left out: GroupName is missing or no"
		    " such thing");
		return NULL;
	}
	*ret_err = (g = new_group(p, name)) == NULL ? IAM_ERR_MEMORY :
	    fill_group(g, name, doc);
	return *ret_err == 0 ? g : NULL;
}

/* A group that is not served to the host still has its policies. */
int
pub_group(void *arg, const char *key, json_t *doc)
{
	struct publish *p = arg;
	struct pub_group *g;
	int r;

	if ((g = pub_read_group(p, key, doc, &r)) == NULL)
		return r;
	g->touched = true;
	if ((r = pub_policies_of(p, key, "group", pub_str(doc, "GroupName"), doc,
	    &g->policies)) != 0 ||
	    (r = pub_claim(p, key, g->unix_name, g->gid, &g->served)) != 0)
		return r;
	return take_local_groups(p, g, key);
}

/* It was served, for there was nothing to warn of. */
struct pub_group *
pub_load_group(struct publish *p, const char *key, json_t *doc, int *ret_err)
{
	struct pub_group *g;

	if ((g = pub_read_group(p, key, doc, ret_err)) == NULL)
		return NULL;
	g->served = true;
	*ret_err = take_local_groups(p, g, key);
	return *ret_err == 0 ? g : NULL;
}

static int
load_group(struct publish *p, const char *name)
{
	struct buf key = BUF_INIT;
	json_t *doc = NULL;
	int r;

	buf_printf(&key, "groups/%s", name);
	if ((r = key.err) == 0 &&
	    (r = store_get(p->store, buf_cstr(&key), &doc)) == 0 && doc != NULL)
		pub_load_group(p, buf_cstr(&key), doc, &r);
	json_decref(doc);
	buf_release(&key);
	return r;
}

static struct pub_group *
known_group(struct publish *p, const char *name)
{
	char lower[STORE_KEY_MAX + 1];
	const json_t *index;

	pub_lower(name, lower);
	index = json_object_get(p->group_index, lower);
	return index == NULL ? NULL : &p->groups[json_integer_value(index)];
}

struct pub_group *
pub_group_of(struct publish *p, const json_t *name, int *ret_err)
{
	const char *text = json_string_value(name);
	struct pub_group *g;

	*ret_err = 0;
	if (text == NULL || strlen(text) > STORE_KEY_MAX)
		return NULL;
	if ((g = known_group(p, text)) == NULL && p->old_pub != NULL) {
		*ret_err = load_group(p, text);
		g = known_group(p, text);
	}
	return *ret_err == 0 ? g : NULL;
}

/* ---- members ---- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who is in it now: who was before and has not left, and who has joined. In
 * the order of their names, whichever way it was come to. *ret is owned. */
static int
list_members(const struct pub_group *g, const struct snap_group *old,
    const char ***ret, size_t *ret_count)
{
	const char *p = old->members, *end = p + old->members_len, **v;
	size_t n = 0, i;
	json_t *name;

	v = calloc(old->member_count + json_array_size(g->joined) + 1, sizeof(*v));
	if (v == NULL)
		return IAM_ERR_MEMORY;
	for (i = 0; i < old->member_count && p < end; i++, p += strlen(p) + 1) {
		if (json_object_get(g->left, p) == NULL)
			v[n++] = p;
	}
	json_array_foreach(g->joined, i, name)
		v[n++] = json_string_value(name);
	qsort(v, n, sizeof(*v), compare_names);
	*ret = v;
	*ret_count = n;
	return 0;
}

static int
put_members(struct publish *p, const struct pub_group *g,
    const struct snap_group *old)
{
	struct snap_group record = { .gid = g->gid, .name = g->unix_name };
	struct buf text = BUF_INIT;
	const char **v = NULL;
	size_t n, i;
	int r;

	if ((r = list_members(g, old, &v, &n)) != 0)
		return r;
	for (i = 0; i < n; i++)
		buf_put(&text, v[i], strlen(v[i]) + 1);
	record.member_count = (uint32_t)n;
	record.members = buf_cstr(&text);
	record.members_len = text.len;
	if (g->gone)
		p->unsure = p->unsure || n > 0;
	else if ((r = text.err) == 0 && (g->touched || old->name == NULL ||
	    text.len != old->members_len ||
	    memcmp(record.members, old->members, text.len) != 0)) {
		snap_group_encode(&record, &p->record);
		r = pub_add_both(p, SNAP_GROUP_NAME, g->unix_name, SNAP_GROUP_GID,
		    g->gid);
	}
	free(v);
	buf_release(&text);
	return r;
}

/* Who is in a group that has too many is disabled: the record is missing. */
static int
put_group_policies(struct publish *p, const struct pub_group *g)
{
	const char *keys[SNAP_POLICIES_MAX];
	size_t count = json_array_size(g->policies), i;
	json_t *key;

	if (count > SNAP_POLICIES_MAX)
		return 0;
	json_array_foreach(g->policies, i, key)
		keys[i] = json_string_value(key);
	snap_group_policies_encode(keys, (uint32_t)count, &p->record);
	return pub_add(p, p->priv, SNAP_GROUP_POLICIES, g->lower,
	    strlen(g->lower));
}

int
pub_put_groups(struct publish *p)
{
	struct snap_group old;
	struct pub_group *g;
	bool found = false;
	size_t i;
	int r;

	for (i = 0; i < p->group_count; i++) {
		g = &p->groups[i];
		if (g->policies != NULL && (r = put_group_policies(p, g)) != 0)
			return r;
		if (!g->served)
			continue;
		if (p->old_pub != NULL && (r = snap_group_by_gid(p->old_pub, g->gid,
		    &found, &old)) != 0)
			return r;
		if (!found)
			old = (struct snap_group){ .members = "" };
		p->unsure = p->unsure || (p->old_pub != NULL && found == g->touched);
		if ((r = put_members(p, g, &old)) != 0)
			return r;
	}
	return 0;
}
