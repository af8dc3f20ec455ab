/* Groups: what they are to the host, who is in them, which policies they have. */
#include "common/base/base.h"

#include <stdlib.h>
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
take_local_groups(struct publish *p, struct pub_group *g, const char *key,
    const struct doc_value *doc)
{
	const struct doc_value *v;
	const char *name;
	json_t *gid;
	int r = 0;

	doc_foreach(v, doc_get(doc, "LocalGroups")) {
		name = doc_text(v) == NULL ? "?" : doc_text(v);
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
new_group(struct publish *p, const char *lower)
{
	size_t cap = p->group_cap < 16 ? 16 : p->group_cap * 2;
	struct pub_group *v;

	if (p->group_count == p->group_cap) {
		v = reallocarray(p->groups, cap, sizeof(*v));
		if (v == NULL)
			return NULL;
		p->groups = v;
		p->group_cap = cap;
	}
	if (pub_map_put(&p->group_index, lower, (uint32_t)p->group_count, NULL) != 0)
		return NULL;
	v = &p->groups[p->group_count++];
	memset(v, 0, sizeof(*v));
	return v;
}

/* What the members of a group need to know of it. */
static int
fill_group(struct pub_group *g, const char *name, const char *lower,
    const struct doc_value *doc)
{
	const char *unix_name = pub_str(doc, "UnixName");

	if (unix_name != NULL && (g->unix_name = strdup(unix_name)) == NULL)
		return IAM_ERR_MEMORY;
	g->gid = pub_id(doc, "Gid");
	g->left = json_object();
	g->lower = strdup(lower);
	if (asprintf(&g->via, "group %s", name) < 0)
		g->via = NULL;
	return g->left == NULL || g->lower == NULL || g->via == NULL ?
	    IAM_ERR_MEMORY : 0;
}

struct pub_group *
pub_read_group(struct publish *p, const char *key, const struct doc_value *doc,
    int *ret_err)
{
	const char *name = pub_str(doc, "GroupName");
	char lower[STORE_KEY_MAX + 1];
	struct pub_group *g;

	if (name == NULL || !name_is_iam(name, 128)) {
		*ret_err = pub_warn(p, key, "left out: GroupName is missing or no"
		    " such thing");
		return NULL;
	}
	pub_lower(name, lower);
	*ret_err = (g = new_group(p, lower)) == NULL ? IAM_ERR_MEMORY :
	    fill_group(g, name, lower, doc);
	return *ret_err == 0 ? g : NULL;
}

/* A group that is not served to the host still has its policies. */
int
pub_group(struct publish *p, const char *key, const struct doc_value *doc)
{
	struct pub_group *g;
	uint32_t name;
	int r;

	if ((g = pub_read_group(p, key, doc, &r)) == NULL)
		return r;
	g->touched = g->has_policies = true;
	if ((r = pub_policies_of(p, key, "group", pub_str(doc, "GroupName"), doc,
	    &g->policies)) != 0 ||
	    (r = pub_claim(p, key, g->unix_name, g->gid, &name)) != 0)
		return r;
	g->served = name != 0;
	return take_local_groups(p, g, key, doc);
}

/* It was served, for there was nothing to warn of. */
struct pub_group *
pub_load_group(struct publish *p, const char *key, const struct doc_value *doc,
    int *ret_err)
{
	struct pub_group *g;

	if ((g = pub_read_group(p, key, doc, ret_err)) == NULL)
		return NULL;
	g->served = true;
	*ret_err = take_local_groups(p, g, key, doc);
	return *ret_err == 0 ? g : NULL;
}

static int
load_group(struct publish *p, const char *name)
{
	struct buf key = BUF_INIT, text = BUF_INIT;
	struct doc d = DOC_INIT;
	const char *outer = p->current;
	const struct doc_value *doc;
	bool found = false;
	int r;

	buf_printf(&key, "groups/%s", name);
	p->current = buf_cstr(&key);
	if ((r = key.err) == 0 &&
	    (r = store_text(p->store, buf_cstr(&key), &text, &found)) == 0 &&
	    found && (r = doc_read(&d, text.p, text.len, &doc)) == 0)
		pub_load_group(p, buf_cstr(&key), doc, &r);
	p->current = outer;
	doc_release(&d);
	buf_release(&key);
	buf_release(&text);
	return r;
}

static struct pub_group *
known_group(struct publish *p, const char *name)
{
	char lower[STORE_KEY_MAX + 1];
	const struct pub_slot *s;

	pub_lower(name, lower);
	s = pub_map_find(&p->group_index, lower);
	return s == NULL ? NULL : &p->groups[s->value];
}

struct pub_group *
pub_group_of(struct publish *p, const struct doc_value *name, int *ret_err)
{
	const char *text = doc_text(name);
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

int
pub_join(struct pub_group *g, uint32_t name)
{
	size_t cap = g->joined_cap < 16 ? 16 : g->joined_cap * 2;
	uint32_t *v;

	if (g->joined_count == g->joined_cap) {
		v = reallocarray(g->joined, cap, sizeof(*v));
		if (v == NULL)
			return IAM_ERR_MEMORY;
		g->joined = v;
		g->joined_cap = cap;
	}
	g->joined[g->joined_count++] = name;
	return 0;
}

/* Users come in the order of their names, mostly. */
static void
sort_names(const char **v, size_t n)
{
	size_t i;

	for (i = 1; i < n && strcmp(v[i - 1], v[i]) <= 0; i++)
		;
	if (i < n)
		qsort(v, n, sizeof(*v), compare_names);
}

/* Who is in it now: who was before and has not left, and who has joined. In
 * the order of their names, whichever way it was come to. *ret is owned. */
static int
list_members(const struct publish *p, const struct pub_group *g,
    const struct snap_group *old, const char ***ret, size_t *ret_count)
{
	const char *s = old->members, *end = s + old->members_len, **v;
	size_t n = 0, i;

	v = calloc(old->member_count + g->joined_count + 1, sizeof(*v));
	if (v == NULL)
		return IAM_ERR_MEMORY;
	for (i = 0; i < old->member_count && s < end; i++, s += strlen(s) + 1) {
		if (json_object_get(g->left, s) == NULL)
			v[n++] = s;
	}
	for (i = 0; i < g->joined_count; i++)
		v[n++] = pub_map_text(&p->names, g->joined[i]);
	sort_names(v, n);
	*ret = v;
	*ret_count = n;
	return 0;
}

static int
put_members(struct publish *p, struct pub_group *g, struct snap_group *old)
{
	struct snap_group record = { .gid = g->gid, .name = g->unix_name };
	struct buf text = BUF_INIT, had = BUF_INIT;
	const char **v = NULL;
	size_t n, i;
	int r;

	if ((r = snap_group_members(old, &had)) != 0)
		goto out;
	old->members = buf_cstr(&had);
	if ((r = list_members(p, g, old, &v, &n)) != 0)
		goto out;
	free(g->joined);
	g->joined = NULL;
	g->joined_count = g->joined_cap = 0;
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
out:
	free(v);
	buf_release(&text);
	buf_release(&had);
	return r;
}

/* Who is in a group that has too many is disabled: the record is missing. */
static int
put_group_policies(struct publish *p, const struct pub_group *g)
{
	const char *keys[SNAP_POLICIES_MAX];
	const char *key = buf_cstr(&g->policies.text);
	uint32_t i;

	if (g->policies.count > SNAP_POLICIES_MAX)
		return 0;
	for (i = 0; i < g->policies.count; i++, key += strlen(key) + 1)
		keys[i] = key;
	snap_group_policies_encode(g->via, keys, g->policies.count, &p->record);
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
		if (g->has_policies && (r = put_group_policies(p, g)) != 0)
			return r;
		if (!g->served)
			continue;
		if (p->old_pub != NULL && (r = snap_group_by_gid(p->old_pub, g->gid,
		    &found, &old)) != 0)
			return r;
		if (!found)
			old = (struct snap_group){ .name = NULL };
		p->unsure = p->unsure || (p->old_pub != NULL && found == g->touched);
		if ((r = put_members(p, g, &old)) != 0)
			return r;
	}
	return 0;
}

void
pub_groups_release(struct publish *p)
{
	struct pub_group *g;
	size_t i;

	for (i = 0; i < p->group_count; i++) {
		g = &p->groups[i];
		free(g->via);
		free(g->lower);
		free(g->unix_name);
		free(g->joined);
		buf_release(&g->policies.text);
		json_decref(g->left);
	}
	free(p->groups);
	pub_map_release(&p->group_index);
}
