#include "common/base/base.h"
#include "common/snapshot/principal.h"

#include <string.h>

#define ACCOUNT_KEY "account"

static void
fail(struct buf *b, int err)
{
	if (b->err == 0)
		b->err = err;
}

/* There are dozens in a principal, and most are short: the length is one byte, unless it
 * is TEXT_LONG and four bytes follow. */
#define TEXT_NONE 255
#define TEXT_LONG 254

static void
put_text(struct buf *b, const char *s)
{
	size_t len = s == NULL ? 0 : strlen(s);

	if (s == NULL) {
		buf_u8(b, TEXT_NONE);
		return;
	}
	if (len >= BUF_SIZE_MAX) {
		fail(b, IAM_ERR_LIMIT);
		return;
	}
	buf_u8(b, len < TEXT_LONG ? (uint8_t)len : TEXT_LONG);
	if (len >= TEXT_LONG)
		buf_u32(b, (uint32_t)len);
	buf_put(b, s, len + 1);
}

/* NULL: none, or an error. */
static const char *
get_text(struct rd *r)
{
	size_t len = rd_u8(r);
	const uint8_t *p;

	if (r->err != 0 || len == TEXT_NONE)
		return NULL;
	if (len == TEXT_LONG)
		len = rd_u32(r);
	p = rd_bytes(r, len + 1);
	if (p == NULL || memchr(p, '\0', len + 1) != p + len) {
		r->err = IAM_ERR_FORMAT;
		return NULL;
	}
	return (const char *)p;
}

/* A text that must be there. */
static void
put_must(struct buf *b, const char *s)
{
	if (s == NULL)
		fail(b, IAM_ERR_ARG);
	else
		put_text(b, s);
}

static const char *
get_must(struct rd *r)
{
	const char *s = get_text(r);

	if (s == NULL) {
		r->err = IAM_ERR_FORMAT;
		return "";
	}
	return s;
}

/* A count that fits its array; else the encoding fails, and nothing is walked. */
static uint32_t
put_count(struct buf *b, uint32_t count, uint32_t max)
{
	if (count > max) {
		fail(b, IAM_ERR_LIMIT);
		return 0;
	}
	buf_u32(b, count);
	return count;
}

static uint32_t
get_count(struct rd *r, uint32_t max)
{
	uint32_t count = rd_u32(r);

	if (count > max) {
		r->err = IAM_ERR_FORMAT;
		return 0;
	}
	return count;
}

static void
put_tags(struct buf *b, const struct snap_tag *tags, uint32_t count)
{
	uint32_t i, n = put_count(b, count, SNAP_TAGS_MAX);

	for (i = 0; i < n; i++) {
		put_must(b, tags[i].key);
		put_must(b, tags[i].value);
	}
}

static uint32_t
get_tags(struct rd *r, struct snap_tag *tags)
{
	uint32_t i, n = get_count(r, SNAP_TAGS_MAX);

	for (i = 0; i < n; i++) {
		tags[i].key = get_must(r);
		tags[i].value = get_must(r);
	}
	return n;
}

static bool
device_ok(const struct snap_device *d)
{
	return (d->alg == SNAP_TOTP_SHA1 || d->alg == SNAP_TOTP_SHA256 ||
	    d->alg == SNAP_TOTP_SHA512) && (d->digits == 6 || d->digits == 8) &&
	    (d->period_s == 30 || d->period_s == 60) && d->seed != NULL &&
	    d->seed_len > 0;
}

static void
put_device(struct buf *b, const struct snap_device *d)
{
	if (!device_ok(d)) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	put_must(b, d->serial);
	buf_u64(b, d->enabled_s);
	buf_u32(b, d->alg);
	buf_u32(b, d->digits);
	buf_u32(b, d->period_s);
	buf_u32(b, (uint32_t)d->drift_steps);
	buf_u32(b, (uint32_t)d->learnt_steps);
	buf_blob(b, d->seed, d->seed_len);
}

static void
get_device(struct rd *r, struct snap_device *d)
{
	d->serial = get_must(r);
	d->enabled_s = rd_u64(r);
	d->alg = rd_u32(r);
	d->digits = rd_u32(r);
	d->period_s = rd_u32(r);
	d->drift_steps = (int32_t)rd_u32(r);
	d->learnt_steps = (int32_t)rd_u32(r);
	d->seed = rd_blob(r, &d->seed_len);
	if (!device_ok(d))
		r->err = IAM_ERR_FORMAT;
}

static bool
layer_ok(uint32_t layer)
{
	return layer == SNAP_LAYER_IDENTITY || layer == SNAP_LAYER_BOUNDARY ||
	    layer == SNAP_LAYER_GROUP || layer == SNAP_LAYER_TRUST;
}

static bool
principal_ok(const struct snap_principal *p)
{
	return p->uid != 0 && p->gid != 0 && p->unix_name != NULL &&
	    name_is_unix(p->unix_name) && p->enabled <= 1 &&
	    p->password_reset_required <= 1 && p->role <= 1 &&
	    (p->role == 0 ? p->max_session_s == 0 : p->password_hash == NULL &&
	    p->device_count == 0 && p->key_count == 0);
}

static void
put_lists(struct buf *b, const struct snap_principal *p)
{
	uint32_t i, n;

	put_tags(b, p->tags, p->tag_count);
	n = put_count(b, p->device_count, SNAP_DEVICES_MAX);
	for (i = 0; i < n; i++)
		put_device(b, &p->devices[i]);
	n = put_count(b, p->key_count, SNAP_USER_KEYS_MAX);
	for (i = 0; i < n; i++) {
		put_must(b, p->keys[i].id);
		put_must(b, p->keys[i].fingerprint);
		buf_u64(b, (uint64_t)p->keys[i].uploaded_s);
	}
	if (p->recovery_count > SNAP_RECOVERY_MAX)
		fail(b, IAM_ERR_LIMIT);
	else
		buf_blob(b, p->recovery,
		    (size_t)p->recovery_count * SNAP_RECOVERY_HASH);
	n = put_count(b, p->policy_count, SNAP_POLICIES_MAX);
	for (i = 0; i < n; i++) {
		if (!layer_ok(p->policies[i].layer))
			fail(b, IAM_ERR_ARG);
		buf_u8(b, (uint8_t)p->policies[i].layer);
		put_must(b, p->policies[i].key);
		if (p->policies[i].layer != SNAP_LAYER_GROUP)
			put_must(b, p->policies[i].via);
	}
}

void
snap_principal_encode(const struct snap_principal *p, struct buf *b)
{
	if (!principal_ok(p)) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	buf_u32(b, p->uid);
	buf_u32(b, p->gid);
	buf_u32(b, p->role);
	buf_u32(b, p->max_session_s);
	buf_u32(b, p->enabled);
	buf_u32(b, p->password_reset_required);
	buf_u64(b, (uint64_t)p->password_changed_s);
	buf_u64(b, (uint64_t)p->created_s);
	buf_u64(b, (uint64_t)p->enrol_from_s);
	put_must(b, p->unix_name);
	put_must(b, p->user_name);
	put_must(b, p->user_id);
	put_must(b, p->arn);
	put_must(b, p->home);
	put_must(b, p->shell);
	put_text(b, p->password_hash);
	put_lists(b, p);
}

static void
get_recovery(struct rd *r, struct snap_principal *p)
{
	size_t len = 0;

	p->recovery = rd_blob(r, &len);
	if (len > SNAP_RECOVERY_MAX * SNAP_RECOVERY_HASH ||
	    len % SNAP_RECOVERY_HASH != 0)
		r->err = IAM_ERR_FORMAT;
	else
		p->recovery_count = (uint32_t)(len / SNAP_RECOVERY_HASH);
}

static void
get_lists(struct rd *r, struct snap_principal *p)
{
	uint32_t i;

	p->tag_count = get_tags(r, p->tags);
	p->device_count = get_count(r, SNAP_DEVICES_MAX);
	for (i = 0; i < p->device_count && r->err == 0; i++)
		get_device(r, &p->devices[i]);
	p->key_count = get_count(r, SNAP_USER_KEYS_MAX);
	for (i = 0; i < p->key_count && r->err == 0; i++) {
		p->keys[i].id = get_must(r);
		p->keys[i].fingerprint = get_must(r);
		p->keys[i].uploaded_s = (int64_t)rd_u64(r);
	}
	get_recovery(r, p);
	p->policy_count = get_count(r, SNAP_POLICIES_MAX);
	for (i = 0; i < p->policy_count && r->err == 0; i++) {
		p->policies[i].layer = rd_u8(r);
		p->policies[i].key = get_must(r);
		p->policies[i].via = p->policies[i].layer == SNAP_LAYER_GROUP ? "" :
		    get_must(r);
		if (!layer_ok(p->policies[i].layer))
			r->err = IAM_ERR_FORMAT;
	}
}

int
snap_principal_decode(struct snap_bytes in, struct snap_principal *ret)
{
	struct rd r;

	/* Whatever fails, no caller acts on half a principal. */
	memset(ret, 0, sizeof(*ret));
	rd_init(&r, in.p, in.len);
	ret->uid = rd_u32(&r);
	ret->gid = rd_u32(&r);
	ret->role = rd_u32(&r);
	ret->max_session_s = rd_u32(&r);
	ret->enabled = rd_u32(&r);
	ret->password_reset_required = rd_u32(&r);
	ret->password_changed_s = (int64_t)rd_u64(&r);
	ret->created_s = (int64_t)rd_u64(&r);
	ret->enrol_from_s = (int64_t)rd_u64(&r);
	ret->unix_name = get_must(&r);
	ret->user_name = get_must(&r);
	ret->user_id = get_must(&r);
	ret->arn = get_must(&r);
	ret->home = get_must(&r);
	ret->shell = get_must(&r);
	ret->password_hash = get_text(&r);
	get_lists(&r, ret);
	if (rd_end(&r) != 0 || !principal_ok(ret)) {
		memset(ret, 0, sizeof(*ret));
		return IAM_ERR_FORMAT;
	}
	return 0;
}

void
snap_group_policies_encode(const char *via, const char *const *keys,
    uint32_t count, struct buf *b)
{
	uint32_t i, n = put_count(b, count, SNAP_POLICIES_MAX);

	put_must(b, via);
	for (i = 0; i < n; i++)
		put_must(b, keys[i]);
}

/* The group's policies instead of the reference at i; none, and disabled, when
 * they are not there or are too many. */
static int
expand_group(const struct snap *s, struct snap_principal *p, uint32_t i,
    uint32_t *ret_count)
{
	struct snap_policy_ref group = p->policies[i], *to = &p->policies[i];
	struct snap_bytes v = { NULL, 0 };
	struct rd r;
	const char *via = "";
	uint32_t n = 0, k;
	bool found;
	int err;

	err = snap_find(s, SNAP_GROUP_POLICIES, group.key, strlen(group.key),
	    &found, &v);
	if (err != 0)
		return err;
	rd_init(&r, v.p, v.len);
	if (found) {
		n = get_count(&r, SNAP_POLICIES_MAX);
		via = get_must(&r);
	}
	if (!found || p->policy_count - 1 + n > SNAP_POLICIES_MAX) {
		p->enabled = 0;
		n = 0;
	}
	memmove(to + n, to + 1, (p->policy_count - i - 1) * sizeof(*to));
	p->policy_count += n - 1;
	for (k = 0; k < n; k++)
		to[k] = (struct snap_policy_ref){ SNAP_LAYER_IDENTITY,
			get_must(&r), via };
	*ret_count = n;
	return n > 0 ? rd_end(&r) : 0;
}

static int
expand_groups(const struct snap *s, struct snap_principal *p)
{
	uint32_t i = 0, n;
	int r;

	while (i < p->policy_count) {
		n = 1;
		if (p->policies[i].layer == SNAP_LAYER_GROUP &&
		    (r = expand_group(s, p, i, &n)) != 0)
			return r;
		i += n;
	}
	return 0;
}

int
snap_principal_by_name(const struct snap *s, const char *unix_name,
    bool *ret_found, struct snap_principal *ret)
{
	struct snap_bytes v;
	bool found;
	int r;

	*ret_found = false;
	r = snap_find(s, SNAP_PRINCIPAL, unix_name, strlen(unix_name), &found,
	    &v);
	if (r != 0 || !found)
		return r;
	if ((r = snap_principal_decode(v, ret)) != 0)
		return r;
	if (strcmp(ret->unix_name, unix_name) != 0)
		r = IAM_ERR_FORMAT;
	else
		r = expand_groups(s, ret);
	if (r != 0) {
		memset(ret, 0, sizeof(*ret));
		return r;
	}
	*ret_found = true;
	return 0;
}

void
snap_policy_encode(const struct snap_policy *p, struct buf *b)
{
	static const uint8_t zero[7];

	/* The compiled policy comes first, since it must be aligned. */
	if (p->compiled == NULL || p->compiled_len == 0 ||
	    p->compiled_len > SNAP_VALUE_MAX / 2) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	buf_u32(b, (uint32_t)p->compiled_len);
	buf_u32(b, 0);
	buf_put(b, p->compiled, p->compiled_len);
	buf_put(b, zero, -p->compiled_len & 7);
	put_text(b, p->arn);
	put_must(b, p->name);
}

int
snap_policy_decode(struct snap_bytes in, struct snap_policy *ret)
{
	struct snap_policy p;
	struct rd r;

	rd_init(&r, in.p, in.len);
	p.compiled_len = rd_u32(&r);
	if (rd_u32(&r) != 0 || p.compiled_len == 0)
		return IAM_ERR_FORMAT;
	p.compiled = rd_bytes(&r, p.compiled_len);
	(void)rd_bytes(&r, -p.compiled_len & 7);
	p.arn = get_text(&r);
	p.name = get_must(&r);
	if (rd_end(&r) != 0)
		return IAM_ERR_FORMAT;
	*ret = p;
	return 0;
}

int
snap_policy_by_key(const struct snap *s, const char *key, bool *ret_found,
    struct snap_policy *ret)
{
	struct snap_bytes v;
	bool found;
	int r;

	*ret_found = false;
	r = snap_find(s, SNAP_POLICY, key, strlen(key), &found, &v);
	if (r != 0 || !found)
		return r;
	if ((r = snap_policy_decode(v, ret)) != 0)
		return r;
	*ret_found = true;
	return 0;
}

static void
put_mark(struct buf *b, const struct snap_file_mark *m)
{
	buf_u64(b, m->dev);
	buf_u64(b, m->ino);
	buf_u64(b, m->size);
	buf_u64(b, (uint64_t)m->mtime_ns);
	buf_u64(b, (uint64_t)m->ctime_ns);
	buf_u64(b, m->hash);
}

static void
get_mark(struct rd *r, struct snap_file_mark *m)
{
	m->dev = rd_u64(r);
	m->ino = rd_u64(r);
	m->size = rd_u64(r);
	m->mtime_ns = (int64_t)rd_u64(r);
	m->ctime_ns = (int64_t)rd_u64(r);
	m->hash = rd_u64(r);
}

static bool
account_ok(const struct snap_account *a)
{
	return a->id_min != 0 && a->id_min <= a->id_max &&
	    a->mfa_when_enrolled <= 1 &&
	    a->self_enrolment <= SNAP_ENROLMENT_ALWAYS && a->create_home <= 1 &&
	    a->home_umask <= 0777 && a->users_may_change_password <= 1 &&
	    a->password_hard_expiry <= 1;
}

void
snap_account_encode(const struct snap_account *a, struct buf *b)
{
	uint32_t i, n;

	if (!account_ok(a)) {
		fail(b, IAM_ERR_ARG);
		return;
	}
	buf_u32(b, a->id_min);
	buf_u32(b, a->id_max);
	buf_u32(b, a->mfa_when_enrolled);
	buf_u32(b, a->mfa_memory_s);
	buf_u32(b, a->self_enrolment);
	buf_u32(b, a->enrolment_days);
	buf_u32(b, a->throttle_free);
	buf_u32(b, a->throttle_max_s);
	buf_u32(b, a->source_free);
	buf_u32(b, a->create_home);
	buf_u32(b, a->home_umask);
	buf_u32(b, a->users_may_change_password);
	buf_u32(b, a->password_max_age_days);
	buf_u32(b, a->password_warn_days);
	buf_u32(b, a->password_hard_expiry);
	put_mark(b, &a->host_mark);
	put_mark(b, &a->settings_mark);
	put_must(b, a->account_id);
	put_text(b, a->alias);
	put_must(b, a->region);
	put_must(b, a->hostname);
	put_text(b, a->helper_group);
	put_tags(b, a->host_tags, a->host_tag_count);
	put_text(b, a->ssh_ca);
	n = put_count(b, a->revoked_count, SNAP_REVOKED_MAX);
	for (i = 0; i < n; i++)
		buf_u64(b, a->revoked[i]);
	n = put_count(b, a->service_count, SNAP_SERVICES_MAX);
	for (i = 0; i < n; i++) {
		put_must(b, a->services[i].service);
		put_must(b, a->services[i].action);
	}
	n = put_count(b, a->one_line_count, SNAP_ONE_LINE_MAX);
	for (i = 0; i < n; i++)
		put_must(b, a->one_line[i]);
}

static void
get_account(struct rd *r, struct snap_account *a)
{
	uint32_t i;

	a->id_min = rd_u32(r);
	a->id_max = rd_u32(r);
	a->mfa_when_enrolled = rd_u32(r);
	a->mfa_memory_s = rd_u32(r);
	a->self_enrolment = rd_u32(r);
	a->enrolment_days = rd_u32(r);
	a->throttle_free = rd_u32(r);
	a->throttle_max_s = rd_u32(r);
	a->source_free = rd_u32(r);
	a->create_home = rd_u32(r);
	a->home_umask = rd_u32(r);
	a->users_may_change_password = rd_u32(r);
	a->password_max_age_days = rd_u32(r);
	a->password_warn_days = rd_u32(r);
	a->password_hard_expiry = rd_u32(r);
	get_mark(r, &a->host_mark);
	get_mark(r, &a->settings_mark);
	a->account_id = get_must(r);
	a->alias = get_text(r);
	a->region = get_must(r);
	a->hostname = get_must(r);
	a->helper_group = get_text(r);
	a->host_tag_count = get_tags(r, a->host_tags);
	a->ssh_ca = get_text(r);
	a->revoked_count = get_count(r, SNAP_REVOKED_MAX);
	for (i = 0; i < a->revoked_count && r->err == 0; i++)
		a->revoked[i] = rd_u64(r);
	a->service_count = get_count(r, SNAP_SERVICES_MAX);
	for (i = 0; i < a->service_count && r->err == 0; i++) {
		a->services[i].service = get_must(r);
		a->services[i].action = get_must(r);
	}
	a->one_line_count = get_count(r, SNAP_ONE_LINE_MAX);
	for (i = 0; i < a->one_line_count && r->err == 0; i++)
		a->one_line[i] = get_must(r);
}

int
snap_account_decode(struct snap_bytes in, struct snap_account *ret)
{
	struct rd r;

	memset(ret, 0, sizeof(*ret));
	rd_init(&r, in.p, in.len);
	get_account(&r, ret);
	if (rd_end(&r) != 0 || !account_ok(ret)) {
		memset(ret, 0, sizeof(*ret));
		return IAM_ERR_FORMAT;
	}
	return 0;
}

int
snap_account_get(const struct snap *s, struct snap_account *ret)
{
	struct snap_bytes v;
	bool found;
	int r;

	r = snap_find(s, SNAP_ACCOUNT, ACCOUNT_KEY, strlen(ACCOUNT_KEY), &found,
	    &v);
	if (r != 0)
		return r;
	return found ? snap_account_decode(v, ret) : IAM_ERR_FORMAT;
}

/* How well a row fits: 0 not at all, the whole name best, else by length. */
static size_t
fit(const char *pattern, const char *service)
{
	size_t len = strlen(pattern);

	if (strcmp(pattern, service) == 0)
		return SIZE_MAX;
	if (len == 0 || pattern[len - 1] != '*' ||
	    strncmp(pattern, service, len - 1) != 0)
		return 0;
	return len;
}

const char *
snap_action_for(const struct snap_account *a, const char *service)
{
	const char *action = "host:Authenticate";
	size_t best = 0, n;
	uint32_t i;

	for (i = 0; i < a->service_count; i++) {
		n = fit(a->services[i].service, service);
		if (n > best) {
			best = n;
			action = a->services[i].action;
		}
	}
	return action;
}

bool
snap_is_one_line(const struct snap_account *a, const char *service)
{
	uint32_t i;

	for (i = 0; i < a->one_line_count; i++) {
		if (fit(a->one_line[i], service) > 0)
			return true;
	}
	return false;
}
