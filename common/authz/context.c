/*
 * The condition keys that this host supplies (docs/architecture.md). A key that
 * is not known is absent, never empty.
 */
#include "common/base/base.h"
#include "common/authz/internal.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static void
add(struct context *c, const char *name, const char *value)
{
	struct pol_value *v = &c->values[c->count];
	struct pol_key *k = &c->keys[c->count];

	if (value == NULL || value[0] == '\0' || c->count == CONTEXT_KEYS_MAX)
		return;
	*v = (struct pol_value){ value, strlen(value) };
	*k = (struct pol_key){ name, v, 1, false };
	c->count++;
}

static void
add_bool(struct context *c, const char *name, bool value)
{
	add(c, name, value ? "true" : "false");
}

/* Room for a text of ours; NULL never, since the fixed keys are counted. */
static char *
room(struct context *c)
{
	return c->text[c->text_count++ % CONTEXT_FIXED_MAX];
}

static void
add_int(struct context *c, const char *name, int64_t value)
{
	char *text = room(c);

	snprintf(text, sizeof(c->text[0]), "%" PRId64, value);
	add(c, name, text);
}

static void
add_date(struct context *c, const char *name, int64_t t)
{
	char *text = room(c);

	tz_iso(t, text);
	add(c, name, text);
}

static void
add_principal(struct context *c, const struct authz *a)
{
	bool role = a->principal->role != 0;

	add(c, "aws:username", role ? NULL : a->principal->user_name);
	add(c, "aws:userid", a->user_id);
	/* Of a session of a role it is the role's. */
	add(c, "aws:PrincipalArn", a->principal->arn);
	add(c, "aws:PrincipalAccount", a->account->account_id);
	add(c, "aws:PrincipalType", role ? "AssumedRole" : "User");
	add(c, "aws:SourceIdentity", a->source_identity);
}

/* The names were made when the policies were opened. A tag without a value is
 * there, with the empty string, as in AWS. */
static void
add_tag(struct context *c, const char **name, const struct snap_tag *t)
{
	struct pol_value *v = &c->values[c->count];
	struct pol_key *k = &c->keys[c->count];

	if (c->count < CONTEXT_KEYS_MAX) {
		*v = (struct pol_value){ t->value, strlen(t->value) };
		*k = (struct pol_key){ *name, v, 1, false };
		c->count++;
	}
	*name += strlen(*name) + 1;
}

static void
add_tags(struct context *c, const char **name, const struct snap_tag *tags,
    uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		add_tag(c, name, &tags[i]);
}

/* The principal's tags, and those of the resource: this host, or another user. */
static int
add_all_tags(struct context *c, struct authz *a, const struct authz_attempt *at)
{
	const char *name = buf_cstr(&a->tag_names);

	add_tags(c, &name, a->tags, a->tag_count);
	if (at->resource == NULL || strncmp(at->resource, "arn:aws:host:", 13) == 0) {
		add_tags(c, &name, a->account->host_tags, a->account->host_tag_count);
		return 0;
	}
	if (at->resource_tag_count > SNAP_TAGS_MAX)
		return IAM_ERR_LIMIT;
	buf_reset(&a->resource_names);
	name_tags(&a->resource_names, "aws:ResourceTag/", at->resource_tags,
	    at->resource_tag_count);
	name = buf_cstr(&a->resource_names);
	if (a->resource_names.err == 0)
		add_tags(c, &name, at->resource_tags, at->resource_tag_count);
	return a->resource_names.err;
}

/* The time of day by the host's clock on the wall. */
static const char *const local_keys[] = { "host:DayOfWeek", "host:LocalTime" };

static bool
mentions_local(const struct pol_doc *doc)
{
	size_t cursor = 0, i;
	const char *name;

	while (pol_key_next(doc, &cursor, &name)) {
		for (i = 0; i < IAM_COUNT(local_keys); i++) {
			if (strcasecmp(name, local_keys[i]) == 0)
				return true;
		}
	}
	return false;
}

/* Does any policy ask for it? Most do not, and the zone's file is not read for them. */
static bool
asks_local(const struct authz *a)
{
	size_t i;

	for (i = 0; i < a->identity.n + a->boundary.n; i++) {
		if (mentions_local(&a->sources[i].doc))
			return true;
	}
	return false;
}

/* aws:RequestTag/K of each, and all keys as aws:TagKeys, which has several values. */
static int
add_request_tags(struct context *c, struct authz *a, const struct authz_attempt *at)
{
	const char *name;
	uint32_t i;

	if (at->request_tag_count == 0)
		return 0;
	if (at->request_tag_count > SNAP_TAGS_MAX)
		return IAM_ERR_LIMIT;
	buf_reset(&a->request_names);
	name_tags(&a->request_names, "aws:RequestTag/", at->request_tags,
	    at->request_tag_count);
	if (a->request_names.err != 0)
		return a->request_names.err;
	name = buf_cstr(&a->request_names);
	add_tags(c, &name, at->request_tags, at->request_tag_count);
	for (i = 0; i < at->request_tag_count; i++)
		c->tag_keys[i] = (struct pol_value){ at->request_tags[i].key,
			strlen(at->request_tags[i].key) };
	c->keys[c->count++] = (struct pol_key){ "aws:TagKeys", c->tag_keys,
		at->request_tag_count, true };
	return 0;
}

/* When the host's zone cannot be read there is no decision: were its keys only
 * absent, a statement that denies the weekend would not apply. */
static int
add_local(struct context *c, struct authz *a, int64_t now_s)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
		"Sat" };
	struct tz_local local;
	char *text;
	int r;

	if ((r = authz_local_time(&a->clock, NULL, now_s, &local)) != 0)
		return r;
	add(c, local_keys[0], days[local.weekday]);
	text = room(c);
	snprintf(text, sizeof(c->text[0]), "%02d:%02d",
	    local.second_of_day / 3600, local.second_of_day / 60 % 60);
	add(c, local_keys[1], text);
	return 0;
}

static int
add_time(struct context *c, struct authz *a, int64_t now_s, bool local)
{
	struct tz_local utc;
	int r;

	if (now_s <= 0)
		return 0;
	if ((r = tz_utc(now_s, &utc)) != 0) /* beyond the calendar */
		return r;
	add_date(c, "aws:CurrentTime", now_s);
	add_int(c, "aws:EpochTime", now_s);
	return local ? add_local(c, a, now_s) : 0;
}

static void
add_mfa(struct context *c, const struct authz_attempt *at)
{
	if (!at->mfa_known)
		return;
	add_bool(c, "aws:MultiFactorAuthPresent", at->mfa);
	if (at->mfa)
		add_int(c, "aws:MultiFactorAuthAge",
		    at->now_s > at->mfa_s ? at->now_s - at->mfa_s : 0);
}

static void
add_origin(struct context *c, const struct authz_attempt *at)
{
	char *address = room(c);
	bool remote = at->rhost != NULL && at->rhost[0] != '\0';

	if (remote && authz_literal_address(at->rhost, address, sizeof(c->text[0])))
		add(c, "aws:SourceIp", address);
	/* Without a service there was no attempt that could be local. */
	if (remote || at->service != NULL)
		add_bool(c, "host:Remote", remote);
	add(c, "host:Service", at->service);
	add(c, "host:Tty", at->tty);
	add(c, "host:AuthenticationMethod", at->method);
	add(c, "host:RunAsUser", at->run_as_user);
}

/* The SSH key that opened this login. One that IAM does not know, out of a file
 * in the home directory, has type and size but neither id nor age. */
static void
add_key(struct context *c, const struct authz_attempt *at)
{
	add(c, "host:KeyType", at->key_type);
	if (at->key_bits != 0)
		add_int(c, "host:KeySize", at->key_bits);
	add(c, "host:KeyId", at->key_id);
	if (at->key_s != 0)
		add_int(c, "host:KeyAge",
		    at->now_s > at->key_s ? at->now_s - at->key_s : 0);
}

static int
add_extra(struct context *c, const struct authz_extra *extra)
{
	size_t i, j;

	for (i = 0; i < extra->count; i++) {
		for (j = 0; j < c->count; j++) {
			if (strcasecmp(c->keys[j].name, extra->keys[i].name) == 0)
				break;
		}
		if (j == IAM_COUNT(c->keys))
			return IAM_ERR_LIMIT;
		c->keys[j] = extra->keys[i];
		if (j == c->count)
			c->count++;
	}
	return 0;
}

int
context_fill(struct context *c, struct authz *a, const struct authz_attempt *at,
    const struct authz_extra *extra)
{
	int r;

	c->count = 0;
	c->text_count = 0;
	add_principal(c, a);
	add(c, "aws:RequestedRegion", a->account->region);
	/* What a simulation adds may ask for anything. */
	if ((r = add_time(c, a, at->now_s, extra != NULL || asks_local(a))) != 0)
		return r;
	add_mfa(c, at);
	if (at->issued_s != 0)
		add_date(c, "aws:TokenIssueTime", at->issued_s);
	add_origin(c, at);
	add_key(c, at);
	add(c, "sts:RoleSessionName", at->session_name);
	add(c, "sts:SourceIdentity", at->source_identity);
	add(c, "sts:ExternalId", at->external_id);
	if (at->duration_s != 0)
		add_int(c, "sts:DurationSeconds", at->duration_s);
	if ((r = add_all_tags(c, a, at)) != 0 ||
	    (r = add_request_tags(c, a, at)) != 0)
		return r;
	return extra != NULL ? add_extra(c, extra) : 0;
}
