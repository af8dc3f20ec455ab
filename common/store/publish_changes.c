/*
 * What a change in the store comes to in the snapshots.
 *
 * Rules that this file keeps: the outcome is what a publish of everything would
 * have come to, or p->unsure is set. Of a document that nothing had to be warned of, and of
 * its group, everything is there under its own name and id; so it touches its own
 * records and the member lists of its groups, and no more. Documents that were warned
 * of ("odd") are listed, and dealt with anew each time, as if they had changed, since others may
 * have made them whole. Whatever else gives rise to a warning makes it unsure.
 */
#include "common/base/base.h"

#include <dirent.h>
#include <string.h>

#include "common/store/publish.h"

/* More documents than these at once: everything is about as quick. */
#define CHANGES_AT_ONCE 2000

/* ---- what the snapshots were made from ---- */

/* The listed local groups that there are, with their gids. */
static int
local_groups_digest(const struct publish *p, uint64_t *ret)
{
	struct buf text = BUF_INIT;
	const char *name;
	uint32_t i;
	int r;

	for (i = 0; i < p->settings.local_group_count; i++) {
		name = p->settings.local_groups[i];
		buf_printf(&text, "%s %lld\n", name, (long long)json_integer_value(
		    json_object_get(p->local.gids, name)));
	}
	*ret = store_digest(buf_cstr(&text), text.len);
	r = text.err;
	buf_release(&text);
	return r;
}

int
pub_state_now(struct publish *p, struct pub_state *ret)
{
	int r;

	ret->version = IAM_VERSION;
	ret->clean = json_object_size(p->odd) <= PUB_ODD_MAX;
	ret->settings = p->settings.mark.hash;
	if ((r = store_point_now(p->store, &ret->point)) != 0 ||
	    (r = pub_managed_digest(p, &ret->managed)) != 0)
		return r;
	return local_groups_digest(p, &ret->local_groups);
}

void
pub_state_encode(const struct publish *p, const struct pub_state *state,
    struct buf *b)
{
	const char *key;
	json_t *v;

	buf_u32(b, state->clean);
	buf_u64(b, state->point.id);
	buf_u64(b, state->point.mark);
	buf_u64(b, state->managed);
	buf_u64(b, state->local_groups);
	buf_u64(b, state->settings);
	buf_str(b, state->version);
	buf_u32(b, state->clean == 0 ? 0 : (uint32_t)json_object_size(p->odd));
	json_object_foreach(p->odd, key, v) {
		if (state->clean != 0)
			buf_str(b, json_string_value(v));
	}
}

/* Each of them has not changed, until the history says so. */
static int
odd_decode(struct publish *p, struct rd *r)
{
	uint32_t i, count = rd_u32(r);
	char lower[STORE_KEY_MAX + 1];
	const char *key;

	for (i = 0; i < count && r->err == 0; i++) {
		key = rd_str_must(r);
		pub_lower(key, lower);
		if (json_object_set_new(p->was_odd, lower, json_string(key)) != 0 ||
		    json_object_set_new(p->still, lower, json_true()) != 0)
			return IAM_ERR_MEMORY;
	}
	return rd_end(r);
}

static int
state_decode(struct publish *p, struct snap_bytes in, struct pub_state *ret)
{
	struct rd r;

	rd_init(&r, in.p, in.len);
	ret->clean = rd_u32(&r);
	ret->point.id = rd_u64(&r);
	ret->point.mark = rd_u64(&r);
	ret->managed = rd_u64(&r);
	ret->local_groups = rd_u64(&r);
	ret->settings = rd_u64(&r);
	ret->version = rd_str_must(&r);
	return odd_decode(p, &r);
}

/* ---- is it something to build on? ---- */

static bool
same_publish(const struct publish *p)
{
	struct snap_info pub, priv;

	snap_info(p->old_pub, &pub);
	snap_info(p->old_priv, &priv);
	return pub.revision == priv.revision && pub.created_s == priv.created_s;
}

static int
check_state(struct publish *p)
{
	const struct pub_state *old = &p->state;
	struct snap_bytes v;
	struct pub_state now;
	bool found, past;
	int r;

	if ((r = snap_find(p->old_priv, SNAP_PUBLISH, "publish",
	    strlen("publish"), &found, &v)) != 0)
		return r;
	p->unsure = !found || state_decode(p, v, &p->state) != 0;
	if (p->unsure || (r = pub_state_now(p, &now)) != 0 ||
	    (r = store_point_is_past(p->store, &old->point, &past)) != 0)
		return p->unsure ? 0 : r;
	p->unsure = !past || old->clean != 1 || old->managed != now.managed ||
	    old->local_groups != now.local_groups ||
	    old->settings != now.settings ||
	    strcmp(old->version, now.version) != 0;
	return 0;
}

static int
check_account(struct publish *p, bool *ret_host_same)
{
	struct snap_account *old = calloc(1, sizeof(*old));
	json_t *doc = NULL;
	const char *id;
	int r;

	if (old == NULL)
		return IAM_ERR_MEMORY;
	if ((r = snap_account_get(p->old_priv, old)) == 0 &&
	    (r = store_get(p->store, "account", &doc)) == 0) {
		id = pub_json_str(doc, "AccountId");
		p->unsure = id == NULL || strcmp(id, old->account_id) != 0;
		*ret_host_same =
		    memcmp(&old->host_mark, &p->host.mark, sizeof(p->host.mark)) == 0 &&
		    memcmp(&old->settings_mark, &p->settings.mark,
		    sizeof(p->settings.mark)) == 0;
	}
	json_decref(doc);
	free(old);
	return r;
}

/* Has one of ours the name or the id of a local account that is new? */
static int
check_local(struct publish *p)
{
	struct snap_group g;
	const char *key;
	bool found = false;
	json_t *v;
	uint32_t id;
	int r;

	json_object_foreach(p->local.names, key, v) {
		if ((r = snap_group_by_name(p->old_pub, key, &found, &g)) != 0)
			return r;
		p->unsure = p->unsure || found;
	}
	json_object_foreach(p->local.ids, key, v) {
		if (!name_parse_u32(key, &id))
			continue;
		if ((r = snap_group_by_gid(p->old_pub, id, &found, &g)) != 0)
			return r;
		p->unsure = p->unsure || found;
	}
	return 0;
}

static int
check_basis(struct publish *p, bool *ret_host_same)
{
	int r = 0;

	p->unsure = !same_publish(p);
	if (p->unsure || (r = check_state(p)) != 0 || p->unsure)
		return p->unsure ? 0 : r;
	if ((r = check_account(p, ret_host_same)) != 0 || p->unsure)
		return r;
	return check_local(p);
}

/* ---- documents ---- */

static bool
has_prefix(const char *key, const char *prefix)
{
	size_t i;

	for (i = 0; prefix[i] != '\0'; i++) {
		if ((key[i] | 0x20) != (prefix[i] | 0x20))
			return false;
	}
	return true;
}

/* A document that has changed, as it was and as it is; NULL: not there. */
struct change {
	struct doc docs[2];
	const struct doc_value *old, *new;
};

static int
read_one(struct publish *p, const char *key, const struct store_point *then,
    struct doc *d, const struct doc_value **ret)
{
	struct buf text = BUF_INIT;
	bool found;
	int r;

	r = then != NULL ? store_text_then(p->store, then, key, &text, &found) :
	    store_text(p->store, key, &text, &found);
	if (r == 0 && found)
		r = doc_read(d, text.p, text.len, ret);
	buf_release(&text);
	return r;
}

/* To be released, also after an error. */
static int
read_change(struct publish *p, const char *key, struct change *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = read_one(p, key, &p->state.point, &ret->docs[0], &ret->old);
	return r != 0 ? r : read_one(p, key, NULL, &ret->docs[1], &ret->new);
}

static void
release_change(struct change *c)
{
	doc_release(&c->docs[0]);
	doc_release(&c->docs[1]);
}

static int
change_policy(struct publish *p, const char *key,
    const struct doc_value *old, const struct doc_value *new)
{
	const char *was = pub_str(old, "Arn"), *arn = pub_str(new, "Arn");
	struct snap_bytes v;
	bool found = false;
	int r;

	/* It may not be its own that is there. */
	if (pub_has_key(p->was_odd, key) && was != NULL) {
		r = snap_find(p->old_priv, SNAP_POLICY, was, strlen(was), &found, &v);
		p->unsure = p->unsure || found;
		if (r != 0 || p->unsure)
			return r;
	}
	if (was != NULL && ((r = pub_remove(p->priv, SNAP_POLICY, was)) != 0 ||
	    (r = json_object_set_new(p->freed_names, was, json_true())) != 0))
		return r < 0 ? r : IAM_ERR_MEMORY;
	if (new == NULL)
		return 0;
	if (arn != NULL && json_object_get(p->freed_names, arn) == NULL &&
	    (r = snap_find(p->old_priv, SNAP_POLICY, arn, strlen(arn), &found,
	    &v)) != 0)
		return r;
	/* Another document's, or one of ours. */
	p->unsure = p->unsure || found || has_prefix(arn == NULL ? "" : arn,
	    "arn:aws:iam::aws:");
	return pub_policy(p, key, new);
}

static bool
same_member(const struct doc_value *a, const struct doc_value *b,
    const char *name)
{
	return doc_equal(doc_get(a, name), doc_get(b, name));
}

/* Everything that its members' records depend on. */
static bool
same_group(const struct doc_value *a, const struct doc_value *b)
{
	return same_member(a, b, "GroupName") && same_member(a, b, "UnixName") &&
	    same_member(a, b, "Gid") && same_member(a, b, "LocalGroups");
}

static int
drop_group(struct publish *p, const struct doc_value *old)
{
	const char *unix_name = pub_str(old, "UnixName");
	struct pub_group *g;
	char number[12];
	int r;

	if ((g = pub_read_group(p, "", old, &r)) == NULL || unix_name == NULL)
		return r;
	g->served = g->gone = true;
	snprintf(number, sizeof(number), "%u", g->gid);
	if (json_object_set_new(p->freed_names, unix_name, json_true()) != 0 ||
	    json_object_set_new(p->freed_ids, number, json_true()) != 0)
		return IAM_ERR_MEMORY;
	if ((r = pub_remove(p->pub, SNAP_GROUP_NAME, unix_name)) != 0)
		return r;
	return pub_remove(p->priv, SNAP_GROUP_POLICIES, g->lower);
}

/* One that was odd may have been left out, and its members' records with it. */
static int
check_odd_group(struct publish *p, const char *key, const struct doc_value *old)
{
	const char *unix_name = pub_str(old, "UnixName");
	struct snap_bytes v;
	struct snap_group g;
	bool found = false;
	int r = 0;

	if (old == NULL || !pub_has_key(p->was_odd, key))
		return 0;
	if (unix_name != NULL && name_is_unix(unix_name))
		r = snap_find(p->old_pub, SNAP_GROUP_NAME, unix_name,
		    strlen(unix_name), &found, &v);
	if (r == 0 && found)
		r = snap_group_by_name(p->old_pub, unix_name, &found, &g);
	p->unsure = p->unsure || !found || g.gid != pub_id(old, "Gid");
	return r;
}

static int
change_group(struct publish *p, const char *key,
    const struct doc_value *old, const struct doc_value *new)
{
	const char *name = pub_str(old, "GroupName");
	struct pub_group *g;
	int r;

	if ((r = check_odd_group(p, key, old)) != 0 || p->unsure)
		return r;
	if (old != NULL && new != NULL && !same_group(old, new)) {
		p->unsure = true;
		return 0;
	}
	if (old != NULL && name != NULL)
		r = pub_policies_remove(p, "group", name, old);
	if (r != 0 || (old == NULL && new == NULL))
		return r;
	if (new == NULL)
		return drop_group(p, old);
	if (old == NULL)
		return pub_group(p, key, new);
	if ((g = pub_load_group(p, key, new, &r)) == NULL)
		return r;
	g->has_policies = true;
	return pub_policies_of(p, key, "group", name, new, &g->policies);
}

/* ---- users ---- */

static int
note_user(json_t *users, const char *name)
{
	char lower[STORE_KEY_MAX + 1];

	if (name == NULL || strlen(name) > STORE_KEY_MAX)
		return 0;
	pub_lower(name, lower);
	return json_object_set_new(users, lower, json_true()) == 0 ? 0 :
	    IAM_ERR_MEMORY;
}

/* Its user's record is made anew; both users' when it is another's now. */
static int
change_device(struct publish *p, const char *key,
    const struct doc_value *old, const struct doc_value *new, json_t *users)
{
	char lower[STORE_KEY_MAX + 1], user[STORE_KEY_MAX + 1];
	int r;

	pub_lower(key, lower);
	pub_lower(pub_str(new, "UserName") == NULL ? "" : pub_str(new, "UserName"),
	    user);
	if (json_object_set_new(p->changed_devices, lower, json_string(user)) != 0)
		return IAM_ERR_MEMORY;
	if ((r = note_user(users, pub_str(old, "UserName"))) != 0)
		return r;
	return note_user(users, pub_str(new, "UserName"));
}

static int
change_document(struct publish *p, const char *key, json_t *users)
{
	struct change c;
	int r;

	if (has_prefix(key, "users/"))
		return note_user(users, key + strlen("users/"));
	p->current = key;
	r = read_change(p, key, &c);
	if (r == 0 && has_prefix(key, "policies/"))
		r = change_policy(p, key, c.old, c.new);
	else if (r == 0 && has_prefix(key, "mfa/"))
		r = change_device(p, key, c.old, c.new, users);
	else if (!has_prefix(key, "groups/") && !has_prefix(key, "roles/") &&
	    !has_prefix(key, "account"))
		p->unsure = true; /* what is it? */
	release_change(&c);
	p->current = NULL;
	return r;
}

static int
change_groups(struct publish *p, const json_t *keys)
{
	struct change c;
	const char *text;
	json_t *key;
	size_t i;
	int r = 0;

	json_array_foreach(keys, i, key) {
		text = json_string_value(key);
		if (!has_prefix(text, "groups/"))
			continue;
		p->current = text;
		if ((r = read_change(p, text, &c)) == 0)
			r = change_group(p, text, c.old, c.new);
		release_change(&c);
		p->current = NULL;
		if (r != 0)
			break;
	}
	return r;
}

/* ---- their devices ---- */

/*
 * The keys of those that she had and that are as they were. A serial number
 * ends with what the key ends with.
 */
static int
had_devices(struct publish *p, const struct doc_value *old, json_t *keys)
{
	const char *unix_name = pub_str(old, "UnixName"), *name;
	struct snap_principal *had = &p->principal;
	char lower[STORE_KEY_MAX + 1], key[STORE_KEY_MAX + 1];
	bool found = false;
	uint32_t i;
	int r;

	if (unix_name == NULL || (r = snap_principal_by_name(p->old_priv,
	    unix_name, &found, had)) != 0 || !found) {
		p->unsure = true;
		return 0;
	}
	for (i = 0; i < had->device_count; i++) {
		name = strrchr(had->devices[i].serial, '/');
		snprintf(key, sizeof(key), "mfa/%s", name == NULL ? "" : name + 1);
		pub_lower(key, lower);
		if (json_object_get(p->changed_devices, lower) == NULL &&
		    json_object_set_new(keys, lower, json_string(
		    had->devices[i].serial)) != 0)
			return IAM_ERR_MEMORY;
	}
	return 0;
}

/* One that may be hers. serial: as it was published; NULL: it has changed. */
static int
take_device(struct publish *p, const struct buf *text, const char *user,
    const char *serial)
{
	const struct doc_value *doc = NULL;
	char lower[STORE_KEY_MAX + 1];
	const char *now;
	int r;

	if (text->len > 0 && (r = doc_read(&p->doc, text->p, text->len, &doc)) != 0)
		return r;
	now = pub_str(doc, "UserName");
	pub_lower(now == NULL ? "" : now, lower);
	if (serial != NULL) {
		now = pub_str(doc, "SerialNumber");
		p->unsure = p->unsure || strcmp(lower, user) != 0 || now == NULL ||
		    strcmp(now, serial) != 0;
	}
	return strcmp(lower, user) != 0 ? 0 :
	    pub_device(p, doc, (const char *)text->p, text->len);
}

static int
read_device(struct publish *p, const char *key, const char *user,
    const char *serial)
{
	struct buf text = BUF_INIT;
	bool found;
	int r;

	if ((r = store_text(p->store, key, &text, &found)) == 0)
		r = take_device(p, &text, user, serial);
	buf_release(&text);
	return r;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of their keys, as a publish of everything reads them. */
static int
read_devices(struct publish *p, const char *user, json_t *keys)
{
	size_t count = json_object_size(keys), i = 0;
	const char **v = calloc(count + 1, sizeof(*v)), *key;
	json_t *serial;
	int r = v == NULL ? IAM_ERR_MEMORY : 0;

	json_object_foreach(keys, key, serial) {
		if (r == 0)
			v[i++] = key;
	}
	if (r == 0)
		qsort(v, count, sizeof(*v), compare_keys);
	for (i = 0; i < count && r == 0; i++)
		r = read_device(p, v[i], user,
		    json_string_value(json_object_get(keys, v[i])));
	free(v);
	return r;
}

static int
devices_of(struct publish *p, const char *user, const struct doc_value *old)
{
	json_t *keys = json_object(), *now;
	const char *key;
	int r = 0;

	if (keys == NULL)
		return IAM_ERR_MEMORY;
	json_object_foreach(p->changed_devices, key, now) {
		if (strcmp(json_string_value(now), user) == 0 &&
		    json_object_set_new(keys, key, json_true()) != 0)
			r = IAM_ERR_MEMORY;
	}
	if (r == 0 && old != NULL)
		r = had_devices(p, old, keys);
	if (r == 0)
		r = read_devices(p, user, keys);
	json_decref(keys);
	return r;
}

struct user_change {
	char *key;
	struct change c;
};

static bool
is_adopted(const struct doc_value *doc)
{
	return doc_is_true(doc_get(doc, "Adopted"));
}

/* Names and ids of adopted accounts are not in the public snapshot, where they could
 * be looked for. */
static bool
same_adoption(const struct doc_value *old, const struct doc_value *new)
{
	if (!is_adopted(old) && !is_adopted(new))
		return true;
	return is_adopted(old) && is_adopted(new) &&
	    same_member(old, new, "UnixName") && same_member(old, new, "Uid");
}

/* Is what is there of this name its own? What was left out has nothing. */
static int
was_published(struct publish *p, const struct doc_value *old, const char *name,
    uint32_t role, bool *ret)
{
	const char *unix_name = pub_str(old, "UnixName");
	struct snap_principal *had = &p->principal;
	bool found;
	int r;

	*ret = false;
	if (unix_name == NULL || name == NULL)
		return 0;
	if ((r = snap_principal_by_name(p->old_priv, unix_name, &found, had)) != 0)
		return r;
	*ret = found && had->role == role && strcmp(had->user_name, name) == 0;
	return 0;
}

/* Of one that was odd, what it was counts only if it was there. */
static int
forget_left_out(struct publish *p, const char *key, const char *member,
    struct change *c)
{
	bool published;
	int r;

	if (c->old == NULL || !pub_has_key(p->was_odd, key))
		return 0;
	r = was_published(p, c->old, pub_str(c->old, member),
	    has_prefix(key, "roles/"), &published);
	if (r == 0 && !published)
		c->old = NULL;
	return r;
}

static int
name_user(const char *name, const struct doc_value *doc, char **ret)
{
	const char *user = pub_str(doc, "UserName");
	char lower[STORE_KEY_MAX + 1];

	if (user != NULL) {
		pub_lower(user, lower);
		if (strcmp(lower, name) == 0)
			name = user;
	}
	free(*ret);
	if (asprintf(ret, "users/%s", name) < 0)
		*ret = NULL;
	return *ret == NULL ? IAM_ERR_MEMORY : 0;
}

static int
read_user(struct publish *p, const char *name, struct user_change *ret)
{
	const char *user;
	char lower[STORE_KEY_MAX + 1];
	int r;

	if ((r = name_user(name, NULL, &ret->key)) != 0 ||
	    (r = read_change(p, ret->key, &ret->c)) != 0 ||
	    (r = forget_left_out(p, ret->key, "UserName", &ret->c)) != 0 ||
	    (r = name_user(name, ret->c.new, &ret->key)) != 0)
		return r;
	user = pub_str(ret->c.new, "UserName");
	pub_lower(user == NULL ? name : user, lower);
	if (strcmp(lower, name) != 0 || !same_adoption(ret->c.old, ret->c.new))
		p->unsure = true;
	return devices_of(p, name, ret->c.old);
}

/* In the order in which a publish of everything reads them. */
static int
compare_users(const void *a, const void *b)
{
	const struct user_change *x = a, *y = b;

	return strcasecmp(x->key == NULL ? "" : x->key,
	    y->key == NULL ? "" : y->key);
}

/* Those who leave first, so that their names and ids are free for others. */
static int
change_users(struct publish *p, const json_t *users)
{
	struct user_change *v = calloc(json_object_size(users) + 1, sizeof(*v));
	const char *name;
	size_t n = 0, i;
	json_t *mark;
	int r = v == NULL ? IAM_ERR_MEMORY : 0;

	if (v == NULL)
		return r;
	json_object_foreach((json_t *)(uintptr_t)users, name, mark) {
		if (r == 0)
			r = read_user(p, name, &v[n++]);
	}
	if (v != NULL)
		qsort(v, n, sizeof(*v), compare_users);
	for (i = 0; i < n && r == 0; i++) {
		p->current = v[i].key;
		r = v[i].c.old == NULL ? 0 : pub_user_remove(p, v[i].c.old);
	}
	for (i = 0; i < n && r == 0; i++) {
		p->current = v[i].key;
		r = v[i].c.new == NULL ? 0 : pub_user(p, v[i].key, v[i].c.new);
	}
	p->current = NULL;
	for (i = 0; i < n; i++) {
		free(v[i].key);
		release_change(&v[i].c);
	}
	free(v);
	return r;
}

/* ---- roles ---- */

static int
change_roles(struct publish *p, const json_t *keys, bool leave)
{
	struct change c;
	const char *text;
	json_t *key;
	size_t i;
	int r = 0;

	json_array_foreach(keys, i, key) {
		text = json_string_value(key);
		if (r != 0 || !has_prefix(text, "roles/"))
			continue;
		p->current = text;
		if ((r = read_change(p, text, &c)) == 0)
			r = forget_left_out(p, text, "RoleName", &c);
		if (r == 0 && leave)
			r = c.old == NULL ? 0 : pub_role_remove(p, c.old);
		else if (r == 0)
			r = c.new == NULL ? 0 : pub_role(p, text, c.new);
		release_change(&c);
		p->current = NULL;
	}
	return r;
}

/* ---- all of it ---- */

static int
change_all(struct publish *p, const json_t *keys)
{
	json_t *users = json_object(), *key;
	size_t i;
	int r;

	if (users == NULL)
		return IAM_ERR_MEMORY;
	if ((r = pub_open_builders(p)) != 0 || (r = pub_put_account(p)) != 0)
		goto out;
	json_array_foreach(keys, i, key) {
		r = change_document(p, json_string_value(key), users);
		if (r != 0)
			goto out;
	}
	if ((r = change_groups(p, keys)) == 0 &&
	    (r = change_roles(p, keys, true)) == 0 &&
	    (r = change_users(p, users)) == 0 &&
	    (r = change_roles(p, keys, false)) == 0 &&
	    (r = pub_put_groups(p)) == 0)
		r = pub_put_state(p);
out:
	json_decref(users);
	return r;
}

static int
compare_json(const void *a, const void *b)
{
	return strcasecmp(json_string_value(*(json_t *const *)a),
	    json_string_value(*(json_t *const *)b));
}

/* What has changed is odd no longer, until something is to be warned of; what was odd and
 * has not changed is dealt with as well. *keys is in the order of keys then. */
static int
add_odd(struct publish *p, json_t **keys)
{
	char lower[STORE_KEY_MAX + 1];
	json_t *key, *sorted = json_array(), **v;
	const char *odd;
	size_t i, n;
	int r = 0;

	json_array_foreach(*keys, i, key) {
		pub_lower(json_string_value(key), lower);
		json_object_del(p->still, lower);
	}
	n = json_array_size(*keys) + json_object_size(p->still);
	v = calloc(n + 1, sizeof(*v));
	if (v == NULL || sorted == NULL)
		r = IAM_ERR_MEMORY;
	n = 0;
	json_array_foreach(*keys, i, key) {
		if (r == 0)
			v[n++] = key;
	}
	json_object_foreach(p->still, odd, key) {
		if (r == 0)
			v[n++] = json_object_get(p->was_odd, odd);
	}
	if (r == 0)
		qsort(v, n, sizeof(*v), compare_json);
	for (i = 0; i < n && r == 0; i++)
		r = json_array_append(sorted, v[i]) == 0 ? 0 : IAM_ERR_MEMORY;
	free(v);
	json_decref(*keys);
	*keys = sorted;
	return r;
}

int
pub_changes(struct publish *p, bool *ret_none)
{
	bool host_same = false;
	json_t *keys = NULL;
	int r;

	*ret_none = false;
	if ((r = check_basis(p, &host_same)) != 0 || p->unsure)
		return r;
	r = store_changed_since(p->store, &p->state.point, CHANGES_AT_ONCE, &keys);
	if (r == IAM_ERR_LIMIT)
		p->unsure = true;
	if (r != 0)
		return p->unsure ? 0 : r;
	if ((r = add_odd(p, &keys)) == 0 &&
	    (r = store_read_revision(p->store, &p->revision)) == 0) {
		if (json_array_size(keys) == 0 && host_same)
			*ret_none = true;
		else
			r = change_all(p, keys);
	}
	json_decref(keys);
	return r;
}
