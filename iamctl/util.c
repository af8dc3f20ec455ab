#include "common/base/base.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/runtime/runtime.h"
#include "common/store/settings.h"
#include "iamctl/call.h"
#include "iamctl/policies.h"

const char *
op_str_or(const struct op_call *c, const char *name, const char *fallback)
{
	const char *s = op_str(c, name);

	return s != NULL ? s : fallback;
}

/* ---- JSON with errors reported ---- */

int
no_memory(struct op_call *c)
{
	return op_fail_err(c, IAM_ERR_MEMORY, "The answer could not be made");
}

int
member_set(struct op_call *c, json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0 ? 0 : no_memory(c);
}

int
out_set(struct op_call *c, const char *name, json_t *value)
{
	return member_set(c, c->out, name, value);
}

int
list_add(struct op_call *c, json_t *list, json_t *value)
{
	return json_array_append_new(list, value) == 0 ? 0 : no_memory(c);
}

const char *
text_of(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s != NULL ? s : "";
}

json_t *
members_of(const json_t *doc, const char *const *names)
{
	json_t *ret = json_object(), *value;

	for (; ret != NULL && *names != NULL; names++) {
		if ((value = json_object_get(doc, *names)) == NULL)
			continue;
		if (json_object_set(ret, *names, value) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

json_t *
time_now(const struct op_call *c)
{
	char iso[TZ_ISO_LEN];

	tz_iso(c->now_s, iso);
	return json_string(iso);
}

int
time_put(struct op_call *c, json_t *object, const char *name, int64_t t)
{
	char iso[TZ_ISO_LEN];

	if (t == 0)
		return 0;
	tz_iso(t, iso);
	return member_set(c, object, name, json_string(iso));
}

/* n digits at *s, which moves on. */
static bool
take_digits(const char **s, int n, int *ret)
{
	*ret = 0;
	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*ret = *ret * 10 + (**s - '0');
	}
	return true;
}

static bool
take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* "Z" or "+01:00" to the end of the text. */
static bool
take_zone(const char *s, int *ret_s)
{
	int sign = *s == '-' ? -1 : 1, hours, minutes;

	*ret_s = 0;
	if (strcmp(s, "Z") == 0)
		return true;
	if (!take_char(&s, '+') && !take_char(&s, '-'))
		return false;
	if (!take_digits(&s, 2, &hours) || !take_char(&s, ':') ||
	    !take_digits(&s, 2, &minutes) || *s != '\0' || hours > 23 ||
	    minutes > 59)
		return false;
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool
take_date(const char **s, int *ret_year, int *ret_month, int *ret_day)
{
	struct tz_local back;

	if (!take_digits(s, 4, ret_year) || !take_char(s, '-') ||
	    !take_digits(s, 2, ret_month) || !take_char(s, '-') ||
	    !take_digits(s, 2, ret_day) || *ret_month < 1 || *ret_month > 12 ||
	    *ret_day < 1 || *ret_day > 31)
		return false;
	/* Real days only: no 30th of February. */
	return tz_utc(tz_from_utc(*ret_year, *ret_month, *ret_day, 0),
	    &back) == 0 && back.day == *ret_day;
}

bool
time_parse(const char *s, int64_t *ret)
{
	int year, month, day, hour, minute, second = 0, zone_s;
	uint32_t seconds;

	if (name_parse_u32(s, &seconds)) {
		*ret = seconds;
		return true;
	}
	if (!take_date(&s, &year, &month, &day))
		return false;
	if (*s == '\0') {
		*ret = tz_from_utc(year, month, day, 0);
		return true;
	}
	if (!take_char(&s, 'T') || !take_digits(&s, 2, &hour) ||
	    !take_char(&s, ':') || !take_digits(&s, 2, &minute) ||
	    (*s == ':' && (!take_char(&s, ':') ||
	    !take_digits(&s, 2, &second))) || !take_zone(s, &zone_s) ||
	    hour > 23 || minute > 59 || second > 59)
		return false;
	*ret = tz_from_utc(year, month, day,
	    hour * 3600 + minute * 60 + second) - zone_s;
	return true;
}

static int
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

int
name_cmp(const char *a, const char *b)
{
	while (*a != '\0' && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) - fold(*b);
}

int
list_index(const json_t *list, const char *text)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		if (json_is_string(v) && name_cmp(json_string_value(v), text) == 0)
			return (int)i;
	}
	return -1;
}

void
list_join(const json_t *list, char *ret, size_t size)
{
	const json_t *v;
	size_t i, len = 0;
	int n;

	ret[0] = '\0';
	json_array_foreach(list, i, v) {
		if (i == 5) {
			snprintf(ret + len, size - len, " and %zu more",
			    json_array_size(list) - i);
			return;
		}
		n = snprintf(ret + len, size - len, "%s%s", i == 0 ? "" : ", ",
		    json_is_string(v) ? json_string_value(v) : "?");
		if (n < 0 || (size_t)n >= size - len)
			return;
		len += (size_t)n;
	}
}

/* ---- documents ---- */

static int
doc_key(struct op_call *c, const char *kind, const char *name, char *ret,
    size_t size)
{
	int n = snprintf(ret, size, "%s/%s", kind, name);

	if (n < 0 || (size_t)n >= size)
		return op_fail(c, "InvalidInput", "The name %.64s… is too long.", name);
	return 0;
}

static int
store_failed(struct op_call *c, int err, const char *key)
{
	char what[600];

	if (err == IAM_ERR_LIMIT)
		return op_fail(c, "LimitExceeded", "%s would be larger than a document"
		    " may be (1 MiB); remove something from it first.", key);
	snprintf(what, sizeof(what), "The store could not keep or read %s", key);
	return op_fail_err(c, err, what);
}

int
document_find(struct op_call *c, const char *kind, const char *name, json_t **ret)
{
	char key[512];
	int r;

	*ret = NULL;
	if (doc_key(c, kind, name, key, sizeof(key)) != 0)
		return -1;
	if ((r = store_get(c->store, key, ret)) != 0)
		return store_failed(c, r, key);
	return 0;
}

int
document_put(struct op_call *c, const char *kind, const char *name,
    const json_t *doc)
{
	char key[512];
	int r;

	if (doc_key(c, kind, name, key, sizeof(key)) != 0)
		return -1;
	if ((r = store_put(c->store, key, doc)) != 0)
		return store_failed(c, r, key);
	return 0;
}

int
document_delete(struct op_call *c, const char *kind, const char *name)
{
	char key[512];
	int r;

	if (doc_key(c, kind, name, key, sizeof(key)) != 0)
		return -1;
	if ((r = store_delete(c->store, key, NULL)) != 0)
		return store_failed(c, r, key);
	return 0;
}

static int
query(struct op_call *c, const char *kind, struct store_query *q,
    store_visit *visit, void *arg)
{
	char prefix[64];
	int r;

	snprintf(prefix, sizeof(prefix), "%s/", kind);
	q->prefix = prefix;
	r = store_find(c->store, q, visit, arg);
	if (r == VISIT_FAILED)
		return -1;
	return r < 0 ? store_failed(c, r, kind) : 0;
}

int
document_each(struct op_call *c, const char *kind, store_visit *visit, void *arg)
{
	return query(c, kind, &(struct store_query){ 0 }, visit, arg);
}

int
document_each_with(struct op_call *c, const char *kind, const char *member,
    const char *value, store_visit *visit, void *arg)
{
	return query(c, kind, &(struct store_query){ .member = member,
	    .value = value }, visit, arg);
}

int
page_each(struct page *p, struct op_call *c, const char *kind,
    const char *member, const char *value, store_visit *visit, void *arg)
{
	return query(c, kind, &(struct store_query){ .after = p->marker,
	    .member = member, .value = value }, visit, arg);
}

int
document_count_with(struct op_call *c, const char *member, const char *value,
    uint64_t *ret)
{
	int r = store_count_with(c->store, member, value, ret);

	return r != 0 ? store_failed(c, r, member) : 0;
}

int
document_count(struct op_call *c, const char *kind, uint64_t *ret)
{
	char prefix[64];
	int r;

	snprintf(prefix, sizeof(prefix), "%s/", kind);
	r = store_count(c->store, prefix, ret);
	return r != 0 ? store_failed(c, r, kind) : 0;
}

int
quota_check(struct op_call *c, const char *kind, uint64_t quota,
    const char *quota_name)
{
	uint64_t n;

	if (document_count(c, kind, &n) != 0)
		return -1;
	if (n >= quota)
		return op_fail(c, "LimitExceeded", "Cannot exceed quota for %s: %llu.",
		    quota_name, (unsigned long long)quota);
	return 0;
}

int
user_get(struct op_call *c, const char *name, json_t **ret)
{
	if (document_find(c, "users", name, ret) != 0)
		return -1;
	if (*ret == NULL)
		return op_fail(c, "NoSuchEntity",
		    "The user with name %s cannot be found.", name);
	return 0;
}

int
group_get(struct op_call *c, const char *name, json_t **ret)
{
	if (document_find(c, "groups", name, ret) != 0)
		return -1;
	if (*ret == NULL)
		return op_fail(c, "NoSuchEntity",
		    "The group with name %s cannot be found.", name);
	return 0;
}

int
user_of_call(struct op_call *c, json_t **ret)
{
	const char *name = op_str(c, "UserName");

	*ret = NULL;
	if (name == NULL)
		name = json_string_value(json_object_get(c->caller, "UserName"));
	if (name == NULL && json_object_get(c->caller, "RoleArn") != NULL)
		return op_fail(c, "ValidationError", "Must specify userName when calling"
		    " with non-User credentials");
	if (name == NULL)
		return op_fail(c, "InvalidInput", "The caller is not an IAM user;"
		    " say which user is meant with --user-name.");
	return user_get(c, name, ret);
}

int
user_put(struct op_call *c, const json_t *user)
{
	return document_put(c, "users", text_of(user, "UserName"), user);
}

int
group_put(struct op_call *c, const json_t *group)
{
	return document_put(c, "groups", text_of(group, "GroupName"), group);
}

/* ---- shapes ---- */

static int
shape_boundary(json_t *shape, const char *arn)
{
	return json_object_set_new(shape, "PermissionsBoundary", json_pack(
	    "{s:s,s:s}", "PermissionsBoundaryType", "PermissionsBoundaryPolicy",
	    "PermissionsBoundaryArn", arn));
}

/* What lists leave out. shape is taken. */
static json_t *
shape_details(json_t *shape, const json_t *doc)
{
	json_t *tags = json_object_get(doc, "Tags");
	const char *boundary = text_of(doc, "PermissionsBoundary");

	if (shape == NULL ||
	    (boundary[0] != '\0' && shape_boundary(shape, boundary) != 0) ||
	    (json_array_size(tags) > 0 &&
	    json_object_set(shape, "Tags", tags) != 0)) {
		json_decref(shape);
		return NULL;
	}
	return shape;
}

json_t *
user_shape(const json_t *user, bool brief)
{
	static const char *const names[] = { "Path", "UserName", "UserId", "Arn",
		"CreateDate", "UnixName", "Uid", "Gid", "Gecos", "Home", "Shell",
		"Enabled", "Adopted", "SubordinateIdStart", NULL };
	json_t *ret = members_of(user, names);

	return brief ? ret : shape_details(ret, user);
}

json_t *
role_shape(const json_t *role, bool brief)
{
	static const char *const names[] = { "Path", "RoleName", "RoleId", "Arn",
		"CreateDate", "Description", "MaxSessionDuration", "UnixName", "Uid",
		"Gid", "Gecos", "Home", "Shell", "Enabled", "SubordinateIdStart", NULL };
	json_t *ret = members_of(role, names);

	if (ret == NULL || json_object_set_new(ret, "AssumeRolePolicyDocument",
	    policy_json(text_of(role, "AssumeRolePolicyDocument"))) != 0) {
		json_decref(ret);
		return NULL;
	}
	return brief ? ret : shape_details(ret, role);
}

json_t *
group_shape(const json_t *group)
{
	static const char *const names[] = { "Path", "GroupName", "GroupId", "Arn",
		"CreateDate", "UnixName", "Gid", "LocalGroups", NULL };

	return members_of(group, names);
}

/* ---- ids and ARNs ---- */

int
aws_id_new(struct op_call *c, const char *prefix, char ret[AWS_ID_LEN + 1])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t random[17];
	size_t i;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return op_fail_err(c, IAM_ERR_IO, "No random id could be made");
	memcpy(ret, prefix, 4);
	for (i = 0; i < sizeof(random); i++)
		ret[4 + i] = alphabet[random[i] % 32];
	ret[AWS_ID_LEN] = '\0';
	return 0;
}

json_t *
arn_new(const struct op_call *c, const char *kind, const char *path,
    const char *name)
{
	return json_sprintf("arn:aws:iam::%s:%s%s%s", c->account_id, kind, path,
	    name);
}

/* ---- tags ---- */

/* As AWS, tag keys of one object differ in more than case. */
static int
tag_index(const json_t *tags, const char *key)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag) {
		if (name_cmp(text_of(tag, "Key"), key) == 0)
			return (int)i;
	}
	return -1;
}

int
tags_check(struct op_call *c, const json_t *tags)
{
	const char *key, *value;
	const json_t *tag;
	size_t i;

	if (json_array_size(tags) > QUOTA_TAGS)
		return op_fail(c, "LimitExceeded", "Cannot exceed quota for TagsPer"
		    "Resource: %d.", QUOTA_TAGS);
	json_array_foreach(tags, i, tag) {
		key = text_of(tag, "Key");
		value = text_of(tag, "Value");
		if (!settings_tag_key_ok(key))
			return op_fail(c, "InvalidInput", "The tag key \"%.128s\" is not"
			    " valid: 1 to 128 letters, digits, spaces and _.:/=+-@,"
			    " not beginning with \"aws:\".", key);
		if (!settings_tag_value_ok(value))
			return op_fail(c, "InvalidInput", "The value of the tag %s is not"
			    " valid: at most 256 letters, digits, spaces and"
			    " _.:/=+-@.", key);
		if ((size_t)tag_index(tags, key) != i)
			return op_fail(c, "InvalidInput", "Duplicate tag keys found: %s."
			    " Tag keys are case insensitive.", key);
	}
	return 0;
}

static int
tag_put(struct op_call *c, json_t *tags, const json_t *tag)
{
	json_t *copy = json_pack("{s:s,s:s}", "Key", text_of(tag, "Key"), "Value",
	    text_of(tag, "Value"));
	int i = tag_index(tags, text_of(tag, "Key"));

	if (i < 0)
		return list_add(c, tags, copy);
	return json_array_set_new(tags, (size_t)i, copy) == 0 ? 0 : no_memory(c);
}

/* A list member of doc, made when it is missing; borrowed. */
static json_t *
list_member(json_t *doc, const char *name)
{
	if (!json_is_array(json_object_get(doc, name)) &&
	    json_object_set_new(doc, name, json_array()) != 0)
		return NULL;
	return json_object_get(doc, name);
}

int
tags_merge(struct op_call *c, json_t *doc)
{
	const json_t *add = json_object_get(c->in, "Tags"), *tag;
	json_t *tags = list_member(doc, "Tags");
	size_t i;

	if (tags == NULL)
		return no_memory(c);
	if (tags_check(c, add) != 0)
		return -1;
	json_array_foreach(add, i, tag) {
		if (tag_put(c, tags, tag) != 0)
			return -1;
	}
	return tags_check(c, tags);
}

int
tags_remove(struct op_call *c, json_t *doc)
{
	const json_t *keys = json_object_get(c->in, "TagKeys"), *key;
	json_t *tags = list_member(doc, "Tags");
	size_t i;
	int at;

	if (tags == NULL)
		return no_memory(c);
	json_array_foreach(keys, i, key) {
		at = tag_index(tags, json_is_string(key) ?
		    json_string_value(key) : "");
		if (at >= 0)
			json_array_remove(tags, (size_t)at);
	}
	return 0;
}

int
tags_list(struct op_call *c, const json_t *doc)
{
	json_t *sorted = list_sorted(json_object_get(doc, "Tags"), "Key");
	const json_t *tag;
	struct page p;
	size_t i;
	int r = -1;

	if (sorted == NULL || page_init(&p, c) != 0) {
		json_decref(sorted);
		return no_memory(c);
	}
	json_array_foreach(sorted, i, tag) {
		if (page_wants(&p, text_of(tag, "Key")) &&
		    page_add(&p, c, text_of(tag, "Key"), json_copy((json_t *)tag)) != 0)
			goto out;
	}
	r = page_end(&p, c, "Tags");
out:
	page_release(&p);
	json_decref(sorted);
	return r;
}

/* ---- paging ---- */

int
page_init(struct page *p, struct op_call *c)
{
	*p = (struct page){ .marker = op_str(c, "Marker"),
		.max = op_int(c, "MaxItems", 0), .list = json_array() };
	return p->list != NULL ? 0 : no_memory(c);
}

void
page_release(struct page *p)
{
	json_decref(p->list);
	p->list = NULL;
}

bool
page_wants(struct page *p, const char *key)
{
	if (p->marker != NULL && name_cmp(key, p->marker) <= 0)
		return false;
	if (p->max > 0 && p->n >= p->max) {
		p->truncated = true;
		return false;
	}
	return true;
}

int
page_add(struct page *p, struct op_call *c, const char *key, json_t *item)
{
	if (list_add(c, p->list, item) != 0)
		return -1;
	snprintf(p->last, sizeof(p->last), "%s", key);
	p->n++;
	return 0;
}

int
page_mark(const struct page *p, struct op_call *c)
{
	if (out_set(c, "IsTruncated", json_boolean(p->truncated)) != 0)
		return -1;
	return p->truncated ? out_set(c, "Marker", json_string(p->last)) : 0;
}

int
page_end(struct page *p, struct op_call *c, const char *member)
{
	json_t *list = p->list;

	p->list = NULL;
	if (out_set(c, member, list) != 0)
		return -1;
	return page_mark(p, c);
}

static const char *
sort_key(const json_t *v, const char *member)
{
	const char *s = member != NULL ? text_of(v, member) :
	    json_string_value(v);

	return s != NULL ? s : "";
}

json_t *
list_sorted(const json_t *list, const char *member)
{
	json_t *ret = json_array(), *v;
	size_t i, k;

	/* By insertion: a document's lists are short. */
	json_array_foreach(list, i, v) {
		for (k = json_array_size(ret); k > 0; k--)
			if (name_cmp(sort_key(json_array_get(ret, k - 1), member),
			    sort_key(v, member)) <= 0)
				break;
		if (json_array_insert(ret, k, v) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

/* ---- the host's settings ---- */

int
host_limits_get(struct op_call *c, struct host_limits *ret)
{
	struct settings *s = calloc(1, sizeof(*s));
	struct iam_why why = { 0 };
	int r;

	if (s == NULL)
		return no_memory(c);
	if ((r = settings_read(IAM_PATH_SETTINGS, s, &why)) != 0) {
		r = op_fail(c, "ServiceFailure", "%s: %s", IAM_PATH_SETTINGS,
		    why.text[0] != '\0' ? why.text : iam_strerror(r));
		goto out;
	}
	*ret = (struct host_limits){ .id_min = s->id_min, .id_max = s->id_max,
		.subid_min = s->subid_min, .subid_max = s->subid_max,
		.self_enrolment = s->self_enrolment,
		.enrolment_days = s->enrolment_days,
		.throttle_free = s->throttle_free,
		.throttle_max_s = s->throttle_max_s };
out:
	settings_release(s);
	free(s);
	return r;
}

/* ---- the runtime state ---- */

int
host_runtime_open(struct op_call *c, struct runtime **ret)
{
	struct store_paths paths;
	struct iam_why why;
	int r;

	*ret = NULL;
	if (access(IAM_PATH_RUN, F_OK) != 0)
		return 0;
	if (call_paths(&paths, &why) != 0)
		return op_fail(c, "ServiceFailure", "The runtime state is out of reach: %s.",
		    why.text);
	if ((r = runtime_open(IAM_PATH_RUN, paths.auth_gid, ret)) != 0)
		return op_fail_err(c, r, IAM_PATH_RUN);
	return 0;
}
