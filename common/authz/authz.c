#include "common/base/base.h"
#include "common/authz/internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
open_policy(const struct snap *snap, const struct snap_policy_ref *ref,
    struct pol_source *ret)
{
	struct snap_policy policy;
	bool found;
	int r;

	r = snap_policy_by_key(snap, ref->key, &found, &policy);
	if (r != 0)
		return r;
	if (!found)
		return IAM_ERR_FORMAT;
	ret->name = policy.name;
	return pol_open(policy.compiled, policy.compiled_len, &ret->doc);
}

/* All of one layer, from place *n on. A layer that is not known is an error:
 * a policy is never left out. */
static int
open_layer(struct authz *a, const struct snap *snap, uint32_t layer, size_t *n,
    struct pol_list *ret)
{
	const struct snap_policy_ref *ref;
	uint32_t i;
	int r;

	ret->v = a->sources + *n;
	ret->n = 0;
	for (i = 0; i < a->principal->policy_count; i++) {
		ref = &a->principal->policies[i];
		if (ref->layer != SNAP_LAYER_IDENTITY &&
		    ref->layer != SNAP_LAYER_BOUNDARY &&
		    ref->layer != SNAP_LAYER_TRUST)
			return IAM_ERR_FORMAT;
		if (ref->layer != layer)
			continue;
		if ((r = open_policy(snap, ref, &a->sources[*n])) != 0)
			return r;
		(*n)++;
		ret->n++;
	}
	return 0;
}

void
name_tags(struct buf *b, const char *prefix, const struct snap_tag *tags,
    uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		buf_puts(b, prefix);
		buf_put(b, tags[i].key, strlen(tags[i].key) + 1);
	}
}

static int
name_all_tags(struct authz *a)
{
	buf_reset(&a->tag_names);
	name_tags(&a->tag_names, "aws:PrincipalTag/", a->tags, a->tag_count);
	name_tags(&a->tag_names, "aws:ResourceTag/", a->account->host_tags,
	    a->account->host_tag_count);
	return a->tag_names.err;
}

static int
open_all(struct authz *a, const struct snap *snap)
{
	size_t n = 0;
	int r;

	a->sources = calloc((size_t)a->principal->policy_count + 1,
	    sizeof(*a->sources));
	if (a->sources == NULL)
		return IAM_ERR_MEMORY;
	if ((r = open_layer(a, snap, SNAP_LAYER_IDENTITY, &n, &a->identity)) != 0 ||
	    (r = open_layer(a, snap, SNAP_LAYER_BOUNDARY, &n, &a->boundary)) != 0)
		return r;
	a->has_boundary = a->boundary.n > 0;
	a->tag_count = a->principal->tag_count;
	memcpy(a->tags, a->principal->tags, a->tag_count * sizeof(*a->tags));
	if ((r = name_all_tags(a)) != 0)
		return r;
	return authz_instance_arn(a->account, a->instance, sizeof(a->instance));
}

int
authz_open(const struct snap *snap, const struct snap_account *account,
    const struct snap_principal *principal, struct authz **ret)
{
	struct authz *a;
	int r;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return IAM_ERR_MEMORY;
	a->account = account;
	a->principal = principal;
	if (principal->role == 0) {
		a->arn = principal->arn;
		a->user_id = principal->user_id;
	}
	if ((r = open_all(a, snap)) != 0) {
		authz_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void
authz_free(struct authz *a)
{
	if (a == NULL)
		return;
	authz_clock_release(&a->clock);
	buf_release(&a->tag_names);
	buf_release(&a->resource_names);
	buf_release(&a->request_names);
	buf_release(&a->session);
	free(a->sources);
	free(a);
}

/* The name of an entity in its ARN, without the path. */
static const char *
name_in(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash != NULL ? slash + 1 : arn;
}

void
authz_put_session(struct buf *b, const char *account_id, const char *role_arn,
    const char *name)
{
	buf_printf(b, "arn:aws:sts::%s:assumed-role/%s/%s", account_id,
	    name_in(role_arn), name);
}

/* IAM User Guide, "Passing session tags": they override those of the role. */
static void
put_tag(struct authz *a, const struct snap_tag *tag)
{
	uint32_t i;

	for (i = 0; i < a->tag_count; i++)
		if (strcasecmp(a->tags[i].key, tag->key) == 0)
			break;
	a->tags[i] = *tag;
	if (i == a->tag_count)
		a->tag_count++;
}

int
authz_assume(struct authz *a, const struct authz_session *s)
{
	struct buf *b = &a->session;
	size_t id, source;
	uint32_t i;
	int r;

	if (a->principal->role == 0 || s->name == NULL || s->name[0] == '\0' ||
	    s->tag_count > SNAP_TAGS_MAX ||
	    s->policy_count > AUTHZ_SESSION_POLICIES_MAX)
		return IAM_ERR_ARG;
	buf_reset(b);
	authz_put_session(b, a->account->account_id, a->principal->arn, s->name);
	buf_putc(b, '\0');
	id = b->len;
	buf_printf(b, "%s:%s", a->principal->user_id, s->name);
	buf_putc(b, '\0');
	source = b->len;
	buf_puts(b, s->source_identity != NULL ? s->source_identity : "");
	if (b->err != 0)
		return b->err;
	a->tag_count = a->principal->tag_count;
	for (i = 0; i < s->tag_count; i++)
		put_tag(a, &s->tags[i]);
	if ((r = name_all_tags(a)) != 0)
		return r;
	memcpy(a->session_policies, s->policies, sizeof(a->session_policies));
	a->session_list = (struct pol_list){ a->session_policies, s->policy_count };
	a->arn = buf_cstr(b);
	a->user_id = buf_cstr(b) + id;
	a->source_identity = buf_cstr(b) + source;
	return 0;
}

const char *
authz_arn(const struct authz *a)
{
	return a->arn;
}

const char *
authz_user_id(const struct authz *a)
{
	return a->user_id;
}

int
authz_trust(const struct snap *snap, const struct snap_principal *role,
    struct pol_source *ret)
{
	uint32_t i;

	for (i = 0; i < role->policy_count; i++)
		if (role->policies[i].layer == SNAP_LAYER_TRUST)
			return open_policy(snap, &role->policies[i], ret);
	return IAM_ERR_FORMAT;
}

static void
prepare_extra(const struct authz_extra *extra, struct pol_set *set,
    struct pol_request *req)
{
	if (extra == NULL)
		return;
	if (extra->resource != NULL)
		set->resource = extra->resource;
	if (extra->boundary != NULL)
		set->boundary = extra->boundary;
	set->scp = extra->scp;
	set->scp_levels = extra->scp != NULL ? 1 : 0;
	if (extra->caller != NULL) {
		req->principal = extra->caller;
		req->principal_account = NULL;
	}
	if (extra->resource_account != NULL)
		req->resource_account = extra->resource_account;
}

/* A request and its set of policies; everything in it is borrowed. */
static void
prepare(struct authz *a, const struct authz_attempt *at,
    const struct context *c, struct pol_set *set, struct pol_request *req)
{
	*set = (struct pol_set){ 0 };
	set->identity = a->identity;
	set->boundary = a->has_boundary ? &a->boundary : NULL;
	set->session = a->session_list.n > 0 ? &a->session_list : NULL;
	*req = (struct pol_request){ 0 };
	set->resource = at->trust;
	set->trust = at->trust != NULL;
	req->principal = a->arn;
	req->principal_account = a->account->account_id;
	req->action = at->action;
	req->resource = at->resource != NULL ? at->resource : a->instance;
	req->resource_account = a->account->account_id;
	req->keys = c->keys;
	req->key_count = c->count;
	req->local_time = authz_local_time;
	req->local_time_arg = &a->clock;
}

int
authz_decide(struct authz *a, const struct authz_attempt *at,
    struct pol_decision *ret)
{
	return authz_simulate(a, at, NULL, ret);
}

int
authz_simulate(struct authz *a, const struct authz_attempt *at,
    const struct authz_extra *extra, struct pol_decision *ret)
{
	struct pol_request req;
	struct pol_set set;
	struct context *c;
	int r;

	*ret = (struct pol_decision){ .effect = POL_IMPLICIT_DENY };
	if (a->arn == NULL)
		return IAM_ERR_ARG;
	if ((c = malloc(sizeof(*c))) == NULL)
		return IAM_ERR_MEMORY;
	if ((r = context_fill(c, a, at, extra)) == 0) {
		prepare(a, at, c, &set, &req);
		prepare_extra(extra, &set, &req);
		r = pol_eval(&set, &req, ret);
	}
	if (r != 0)
		ret->effect = POL_IMPLICIT_DENY;
	free(c);
	return r;
}

int
authz_explain(struct authz *a, const struct authz_attempt *at,
    const struct authz_extra *extra, struct pol_explanation *ret)
{
	struct pol_request req;
	struct pol_set set;
	struct context *c;
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->decision.effect = POL_IMPLICIT_DENY;
	if (a->arn == NULL)
		return IAM_ERR_ARG;
	if ((c = malloc(sizeof(*c))) == NULL)
		return IAM_ERR_MEMORY;
	if ((r = context_fill(c, a, at, extra)) == 0) {
		prepare(a, at, c, &set, &req);
		prepare_extra(extra, &set, &req);
		r = pol_explain(&set, &req, ret);
	}
	if (r != 0)
		ret->decision.effect = POL_IMPLICIT_DENY;
	free(c);
	return r;
}

const struct pol_list *
authz_identity(const struct authz *a)
{
	return &a->identity;
}

const struct pol_list *
authz_boundary(const struct authz *a)
{
	return a->has_boundary ? &a->boundary : NULL;
}

/* The identity policies come first: one more moves the boundary. */
static int
add_source(struct authz *a, const struct pol_source *policy)
{
	size_t n = a->identity.n, all = n + a->boundary.n;
	struct pol_source *v;

	v = reallocarray(a->sources, all + 1, sizeof(*v));
	if (v == NULL)
		return IAM_ERR_MEMORY;
	memmove(v + n + 1, v + n, a->boundary.n * sizeof(*v));
	v[n] = *policy;
	a->sources = v;
	a->identity = (struct pol_list){ v, n + 1 };
	a->boundary.v = v + n + 1;
	return 0;
}

int
authz_try(struct authz *a, const struct pol_source *policy, const char *instead)
{
	size_t i;

	if (instead == NULL)
		return add_source(a, policy);
	for (i = 0; i < a->identity.n; i++) {
		if (strcmp(a->sources[i].name, instead) == 0) {
			a->sources[i] = *policy;
			return 0;
		}
	}
	return IAM_ERR_ABSENT;
}

int
authz_instance_arn(const struct snap_account *account, char *ret, size_t size)
{
	int n;

	n = snprintf(ret, size, "arn:aws:host:%s:%s:instance/%s",
	    account->region, account->account_id, account->hostname);
	return n < 0 || (size_t)n >= size ? IAM_ERR_RANGE : 0;
}

/* What follows an IPv6 address: nothing, or "%" and the name of an interface. */
static bool
is_zone_id(const char *s)
{
	size_t len;

	if (s[0] == '\0')
		return true;
	len = strspn(s + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_.-");
	return len > 0 && s[1 + len] == '\0';
}

bool
authz_literal_address(const char *rhost, char *ret, size_t size)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char text[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	struct in_addr v4;
	size_t len = strcspn(rhost, "%");

	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, rhost, len);
	text[len] = '\0';
	/* A zone id belongs to IPv6 only. */
	if (rhost[len] == '\0' && inet_pton(AF_INET, text, &v4) == 1)
		return inet_ntop(AF_INET, &v4, ret, (socklen_t)size) != NULL;
	if (!is_zone_id(rhost + len) || inet_pton(AF_INET6, text, &v6) != 1)
		return false;
	if (memcmp(v6.s6_addr, mapped, sizeof(mapped)) == 0)
		return inet_ntop(AF_INET, v6.s6_addr + 12, ret, (socklen_t)size) != NULL;
	return inet_ntop(AF_INET6, &v6, ret, (socklen_t)size) != NULL;
}
