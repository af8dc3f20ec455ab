/*
 * Rules that this file keeps: both snapshots come from one revision, read in
 * one transaction; publishers take turns, so that revisions never go back; and
 * a local account is never shadowed (S26, S27).
 */
#include "common/base/base.h"

#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/governed.h"
#include "common/store/password_policy.h"
#include "common/store/publish.h"

#define LOCK_WAIT_MS 10000
#define CHANGES_MAX ((uint64_t)1 << 20)
#define LOCK_POLL_MS 10

/* ---- documents ---- */

int
pub_warn(struct publish *p, const char *key, const char *fmt, ...)
{
	json_t *text;
	va_list ap;

	p->unsure = true;
	va_start(ap, fmt);
	text = json_vsprintf(fmt, ap);
	va_end(ap);
	if (text != NULL) {
		json_array_append_new(p->warnings, json_sprintf("%s: %s", key,
		    json_string_value(text)));
		json_decref(text);
	}
	return text == NULL ? IAM_ERR_MEMORY : 0;
}

const char *
pub_str(const json_t *doc, const char *name)
{
	return json_string_value(json_object_get(doc, name));
}

uint32_t
pub_id(const json_t *doc, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(doc, name));

	return v > 0 && v < UINT32_MAX ? (uint32_t)v : 0;
}

/* Exactly as tz_iso writes it. */
int64_t
pub_time(const json_t *doc, const char *name)
{
	const char *s = pub_str(doc, name);
	int y, mon, d, h, m, sec;
	char again[TZ_ISO_LEN];
	int64_t t;

	if (s == NULL || strlen(s) != TZ_ISO_LEN - 1 || sscanf(s,
	    "%4d-%2d-%2dT%2d:%2d:%2dZ", &y, &mon, &d, &h, &m, &sec) != 6 ||
	    mon < 1 || mon > 12 || d < 1 || d > 31)
		return 0;
	t = tz_from_utc(y, mon, d, h * 3600 + m * 60 + sec);
	tz_iso(t, again);
	return strcmp(s, again) == 0 ? t : 0;
}

void
pub_lower(const char *name, char ret[STORE_KEY_MAX + 1])
{
	size_t i;

	for (i = 0; name[i] != '\0' && i < STORE_KEY_MAX; i++)
		ret[i] = name[i] >= 'A' && name[i] <= 'Z' ?
		    (char)(name[i] + ('a' - 'A')) : name[i];
	ret[i] = '\0';
}

/* ---- records ---- */

static int
add_record(struct publish *p, struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len)
{
	if (p->record.err != 0)
		return p->record.err;
	return snap_builder_add(b, table, key, key_len, p->record.p,
	    p->record.len);
}

int
pub_add(struct publish *p, struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len)
{
	int r = add_record(p, b, table, key, key_len);

	buf_reset(&p->record);
	return r;
}

int
pub_add_both(struct publish *p, enum snap_table by_name, const char *name,
    enum snap_table by_id, uint32_t id)
{
	struct buf key = BUF_INIT;
	int r;

	buf_u32(&key, id);
	if ((r = key.err) == 0 &&
	    (r = add_record(p, p->pub, by_name, name, strlen(name))) == 0)
		r = add_record(p, p->pub, by_id, key.p, key.len);
	buf_release(&key);
	buf_reset(&p->record);
	return r;
}

int
pub_remove(struct snap_builder *b, enum snap_table table, const char *key)
{
	size_t len = strlen(key);

	return len == 0 || len > SNAP_KEY_MAX ? 0 :
	    snap_builder_remove(b, table, key, len);
}

/* ---- names and ids ---- */

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

/* ---- groups and devices ---- */

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
visit_user(void *arg, const char *key, json_t *doc)
{
	return pub_user(arg, key, doc);
}

/* ---- the account ---- */

static void
fill_account(struct publish *p, const json_t *doc)
{
	struct snap_account *a = &p->account;
	const struct settings *s = &p->settings;
	struct password_policy policy;

	password_policy_of(doc, &policy);
	a->account_id = pub_str(doc, "AccountId");
	a->alias = pub_str(doc, "AccountAlias");
	a->region = p->host.region;
	a->hostname = p->host.hostname;
	a->id_min = s->id_min;
	a->id_max = s->id_max;
	a->mfa_when_enrolled = s->mfa_when_enrolled;
	a->mfa_memory_s = s->mfa_memory_s;
	a->self_enrolment = s->self_enrolment;
	a->enrolment_days = s->enrolment_days;
	a->throttle_free = s->throttle_free;
	a->throttle_max_s = s->throttle_max_s;
	a->create_home = s->create_home;
	a->home_umask = s->home_umask;
	a->users_may_change_password = policy.users_may_change;
	a->password_max_age_days = policy.max_age_days;
	a->password_hard_expiry = policy.hard_expiry;
	a->helper_group = s->helper_group;
	a->host_mark = p->host.mark;
	a->settings_mark = s->mark;
	a->host_tag_count = p->host.tag_count;
	memcpy(a->host_tags, p->host.tags, sizeof(a->host_tags));
	a->service_count = s->service_count;
	memcpy(a->services, s->services, sizeof(a->services));
	a->one_line_count = s->one_line_count;
	memcpy(a->one_line, s->one_line, sizeof(a->one_line));
}

/* What cannot be read is not passed over: a certificate that was revoked would be good. */
static int
fill_ssh_ca(struct publish *p, const json_t *doc)
{
	const json_t *ca = json_object_get(doc, "SSHCertificateAuthority"), *one;
	struct snap_account *a = &p->account;
	const char *serial;
	char *end;
	size_t i;

	a->ssh_ca = pub_str(ca, "Fingerprint");
	a->revoked_count = 0;
	json_array_foreach(json_object_get(ca, "Revoked"), i, one) {
		serial = pub_str(one, "Serial");
		if (a->revoked_count == SNAP_REVOKED_MAX || serial == NULL)
			return IAM_ERR_FORMAT;
		a->revoked[a->revoked_count++] = strtoull(serial, &end, 10);
		if (end == serial || *end != '\0')
			return IAM_ERR_FORMAT;
	}
	return 0;
}

int
pub_put_account(struct publish *p)
{
	json_t *doc = NULL;
	int r;

	if ((r = store_get(p->store, "account", &doc)) != 0)
		return r;
	fill_account(p, doc);
	p->adopted = json_incref(json_object_get(doc, "AdoptedUsers"));
	if (p->account.account_id == NULL) {
		iam_why_set(p->why, 0, 0, "the store has no account; run"
		    " 'iamctl init'");
		r = IAM_ERR_ABSENT;
	} else if ((r = fill_ssh_ca(p, doc)) != 0) {
		iam_why_set(p->why, 0, 0, "the account's document has a damaged list of"
		    " revoked SSH certificates");
	} else {
		snap_account_encode(&p->account, &p->record);
		r = pub_add(p, p->priv, SNAP_ACCOUNT, "account",
		    strlen("account"));
	}
	json_decref(doc);
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

/* ---- from the builders to the disk ---- */

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
static int
write_all(struct publish *p)
{
	const struct store_paths *paths = p->paths;
	int r;

	if ((r = write_governed(p)) != 0 || (r = write_ssh_revoked(p)) != 0 ||
	    (r = write_snapshot(p, p->priv, paths->private_snapshot, 0640,
	    paths->auth_gid)) != 0)
		return r;
	return write_snapshot(p, p->pub, paths->public_snapshot, 0644, (gid_t)-1);
}

/* The changes are seen now; it is time to make one file of two when they have
 * become many. If that fails, the next writer tries again. */
static void
merge_one(const char *path, enum snap_kind kind, mode_t mode, gid_t gid)
{
	struct snap_info info;
	struct snap *s;

	if (snap_open(path, kind, &s) != 0)
		return;
	snap_info(s, &info);
	snap_close(s);
	if (info.changes > CHANGES_MAX)
		(void)snap_merge(path, kind, mode, gid);
}

static void
merge_all(const struct publish *p)
{
	merge_one(p->paths->private_snapshot, SNAP_PRIVATE, 0640,
	    p->paths->auth_gid);
	merge_one(p->paths->public_snapshot, SNAP_PUBLIC, 0644, (gid_t)-1);
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
	if (r == 0 && !p->unsure && !none && (r = write_all(p)) == 0)
		merge_all(p);
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
		r = write_all(p);
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

/* ---- are they current? ---- */

/* *ret stays false for a snapshot that is not there, damaged or of another revision. */
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
	if (info.revision == revision && snap_verify(*ret) == 0)
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
		id = pub_str(doc, "AccountId");
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
