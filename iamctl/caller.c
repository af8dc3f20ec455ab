#include "common/base/base.h"

#include <ctype.h>
#include <unistd.h>

#include "common/authz/authz.h"
#include "common/store/settings.h"
#include "iamctl/caller.h"
#include "iamctl/util.h"

int
caller_find(const char *run_dir, gid_t auth_gid, struct caller *ret,
    struct iam_why *why)
{
	struct runtime *rt = NULL;
	pid_t pid;
	bool found = false;
	int r;

	memset(ret, 0, sizeof(*ret));
	if ((r = runtime_open(run_dir, auth_gid, &rt)) == 0)
		r = runtime_session_find(rt, getpid(), &found, &pid,
		    &ret->session);
	if (r == 0 && found && ret->session.extra != 0)
		r = runtime_extra_get(rt, pid, &ret->extra);
	ret->user = found;
	if (r == 0 && found)
		r = caller_within(pid, ret);
	runtime_close(rt);
	if (r != 0) {
		iam_why_set(why, 0, 0, "%s: %s", run_dir, iam_strerror(r));
		return r;
	}
	if (!found && (r = caller_from_login(ret)) != 0)
		iam_why_set(why, 0, 0, "the user of this login: %s",
		    iam_strerror(r));
	return r;
}

void
caller_release(struct caller *c)
{
	buf_release(&c->extra);
}

/* ---- the caller's principal ---- */

struct snap_view { /* the snapshot and what is read from it */
	struct snap *snap;
	struct snap_account account;
	struct snap_principal principal;
};

static void
view_free(struct snap_view *v)
{
	if (v == NULL)
		return;
	snap_close(v->snap);
	free(v);
}

/* *ret is new, also after an error. */
static int
view_read(const struct caller *who, struct snap_view **ret, bool *ret_found)
{
	struct snap_view *v = calloc(1, sizeof(*v));
	int r;

	*ret_found = false;
	if ((*ret = v) == NULL)
		return IAM_ERR_MEMORY;
	if ((r = snap_open(IAM_PATH_PRIVATE, SNAP_PRIVATE, &v->snap)) != 0 ||
	    (r = snap_account_get(v->snap, &v->account)) != 0)
		return r;
	return snap_principal_by_name(v->snap, who->session.user, ret_found,
	    &v->principal);
}

/* Credentials that are over open nothing, whatever goes on in the session's processes. */
static int
check_session(struct op_call *c, const struct caller *who,
    const struct snap_principal *role)
{
	if (who->session.role_session[0] == '\0')
		return op_fail(c, "AccessDenied", "The role %s has not been assumed"
		    " here: that is done with su, sudo -u or assume-role.",
		    role->user_name);
	if (c->now_s >= who->session.expires_s)
		return op_fail(c, "ExpiredToken", "The session %s of the role %s has"
		    " ended: assume the role again.", who->session.role_session,
		    role->user_name);
	return 0;
}

static int
view_open(struct op_call *c, const struct caller *who, struct snap_view **ret)
{
	struct snap_view *v;
	bool found;
	int r;

	if ((r = view_read(who, &v, &found)) != 0) {
		view_free(v);
		return op_fail_err(c, r, IAM_PATH_PRIVATE);
	}
	if (!found || v->principal.uid != who->session.uid ||
	    v->principal.enabled == 0) {
		view_free(v);
		return op_fail(c, "AccessDenied", "This login session belongs to the "
		    "user %s, who is not an enabled IAM user any more.",
		    who->session.user);
	}
	if (v->principal.role != 0 && check_session(c, who, &v->principal) != 0) {
		view_free(v);
		return -1;
	}
	*ret = v;
	return 0;
}

/* What is missing is no damage: the decision will say so. */
static int
read_policies(const struct snap_view *v)
{
	struct snap_policy policy;
	bool found;
	uint32_t i;
	int r;

	for (i = 0; i < v->principal.policy_count; i++) {
		r = snap_policy_by_key(v->snap, v->principal.policies[i].key, &found,
		    &policy);
		if (r != 0)
			return r;
	}
	return 0;
}

bool
caller_readable(const struct caller *who)
{
	struct snap_view *v;
	bool found;
	int r;

	if ((r = view_read(who, &v, &found)) == 0 && found)
		r = read_policies(v);
	view_free(v);
	return r == 0;
}

bool
caller_is_temporary(const struct caller *who)
{
	const struct runtime_evidence *e = &who->session;

	return who->user && ((e->methods & RUNTIME_CERTIFICATE) != 0 ||
	    e->role_session[0] != '\0' || e->session_id[0] == '\0');
}

static int
root_identity(const struct op_call *c, json_t **ret)
{
	char arn[64];

	snprintf(arn, sizeof(arn), "arn:aws:iam::%s:root",
	    c->account_id != NULL ? c->account_id : "");
	*ret = json_pack("{s:s,s:s*,s:s*}", "Arn", arn, "UserId", c->account_id,
	    "Account", c->account_id);
	return 0;
}

static json_t *
role_identity(const struct caller *who, const struct snap_view *v)
{
	const struct snap_principal *p = &v->principal;
	struct buf arn = BUF_INIT;
	json_t *ret = NULL;

	authz_put_session(&arn, v->account.account_id, p->arn,
	    who->session.role_session);
	if (arn.err == 0)
		ret = json_pack("{s:s,s:s++,s:s,s:s,s:s,s:s,s:s*}", "Arn", buf_cstr(&arn),
		    "UserId", p->user_id, ":", who->session.role_session, "Account",
		    v->account.account_id, "RoleName", p->user_name, "RoleId",
		    p->user_id, "RoleArn", p->arn, "SourceIdentity",
		    who->session.source_identity[0] != '\0' ?
		    who->session.source_identity : NULL);
	buf_release(&arn);
	return ret;
}

int
caller_identity(struct op_call *c, const struct caller *who, json_t **ret)
{
	struct snap_view *v = NULL;

	if (!who->user) {
		(void)root_identity(c, ret);
	} else {
		if (view_open(c, who, &v) != 0)
			return -1;
		*ret = v->principal.role != 0 ? role_identity(who, v) :
		    json_pack("{s:s,s:s,s:s,s:s}", "Arn", v->principal.arn,
		    "UserId", v->principal.user_id, "Account",
		    v->account.account_id, "UserName", v->principal.user_name);
		view_free(v);
	}
	if (*ret == NULL)
		return op_fail_err(c, IAM_ERR_MEMORY, "the caller");
	return 0;
}

/* ---- the resource ---- */

static const struct {
	const char *param, *kind; /* NULL: what the ARN says */
	bool arn; /* the parameter is an ARN whose last part is the name */
} kinds[] = {
	{ "UserName", "users/", false },
	{ "GroupName", "groups/", false },
	{ "RoleName", "roles/", false },
	{ "RoleArn", "roles/", true },
	{ "PolicyName", "policies/", false },
	{ "VirtualMFADeviceName", "mfa/", false },
	{ "PolicyArn", "policies/", true },
	{ "SerialNumber", "mfa/", true },
	{ "PolicySourceArn", NULL, true },
};

static const char *
kind_of(const char *kind, const char *arn)
{
	if (kind != NULL)
		return kind;
	if (strstr(arn, ":role/") != NULL)
		return "roles/";
	return strstr(arn, ":group/") != NULL ? "groups/" : "users/";
}

/* The document that a parameter names; NULL when there is none. */
static int
find_document(struct op_call *c, const char *param, const char *value,
    json_t **ret)
{
	char key[320];
	const char *name = value, *slash;
	size_t i;
	int r;

	*ret = NULL;
	for (i = 0; i < IAM_COUNT(kinds); i++) {
		if (strcmp(kinds[i].param, param) != 0 || c->store == NULL)
			continue;
		if (kinds[i].arn) {
			if ((slash = strrchr(value, '/')) == NULL)
				return 0;
			name = slash + 1;
		}
		if (snprintf(key, sizeof(key), "%s%s", kind_of(kinds[i].kind, value),
		    name) >= (int)sizeof(key))
			return 0;
		if ((r = store_get(c->store, key, ret)) != 0)
			return op_fail_err(c, r, key);
		return 0;
	}
	return 0;
}

/* The name of an entity in its ARN: what comes after the last slash. */
static const char *
arn_name(const json_t *doc)
{
	const char *arn = json_string_value(json_object_get(doc, "Arn"));

	if (arn == NULL)
		arn = json_string_value(json_object_get(doc, "SerialNumber"));
	if (arn == NULL || strrchr(arn, '/') == NULL)
		return "";
	return strrchr(arn, '/') + 1;
}

static const char *
param_value(const struct op_call *c, const char *name)
{
	const char *value = op_str(c, name);

	/* "For herself", where AWS takes the caller. */
	if (value == NULL && strcmp(name, "UserName") == 0)
		value = json_string_value(json_object_get(c->caller, "UserName"));
	return value;
}

static void
put_arn(struct buf *ret, const json_t *doc, const char *value)
{
	const char *arn = json_string_value(json_object_get(doc, "Arn"));

	if (arn == NULL)
		arn = json_string_value(json_object_get(doc, "SerialNumber"));
	buf_puts(ret, arn != NULL ? arn : value);
}

static bool
is_arn_param(const char *name)
{
	size_t i;

	for (i = 0; i < IAM_COUNT(kinds); i++)
		if (strcmp(kinds[i].param, name) == 0)
			return kinds[i].arn;
	return false;
}

/* {path}{UserName}: the path belongs to the entity that is named after it. */
static int
put_entity(struct op_call *c, const char *name, bool with_path,
    struct buf *ret)
{
	const char *value = param_value(c, name), *path;
	json_t *doc = NULL;

	if (value == NULL) {
		buf_puts(ret, with_path ? "/*" : "*");
		return 0;
	}
	if (find_document(c, name, value, &doc) != 0)
		return -1;
	if (with_path) {
		path = json_string_value(json_object_get(doc, "Path"));
		if (path == NULL)
			path = op_str(c, "Path");
		buf_puts(ret, path != NULL ? path : "/");
	}
	if (is_arn_param(name))
		put_arn(ret, doc, value);
	else
		buf_puts(ret, doc != NULL ? arn_name(doc) : value);
	json_decref(doc);
	return 0;
}

static int
put_host(struct op_call *c, const char *what, struct buf *ret)
{
	struct settings_host host;
	struct iam_why why = { 0, 0, "" };

	if (settings_host_read(IAM_PATH_HOST, &host, &why) != 0)
		return op_fail(c, "ServiceFailure", "%s: %s", IAM_PATH_HOST,
		    why.text);
	buf_puts(ret, strcmp(what, "region") == 0 ? host.region : host.hostname);
	settings_host_release(&host);
	return 0;
}

/* {NewPath}, {NewUserName}, {NewGroupName}: as it will be. What the call does
 * not change is the entity's own. */
static int
put_new(struct op_call *c, const char *name, struct buf *ret)
{
	const char *value = op_str(c, name), *param;
	json_t *doc = NULL;

	param = op_has(c, "GroupName") ? "GroupName" : "UserName";
	if (value == NULL && find_document(c, param, op_str(c, param), &doc) != 0)
		return -1;
	if (value == NULL && strcmp(name, "NewPath") == 0)
		value = json_string_value(json_object_get(doc, "Path"));
	else if (value == NULL)
		value = doc != NULL ? arn_name(doc) : op_str(c, param);
	buf_puts(ret, value != NULL ? value : "/");
	json_decref(doc);
	return 0;
}

static int
put_placeholder(struct op_call *c, const char *name, bool *with_path,
    struct buf *ret)
{
	if (strncmp(name, "New", 3) == 0)
		return put_new(c, name, ret);
	if (strcmp(name, "path") == 0) {
		*with_path = true;
		return 0;
	}
	if (strcmp(name, "account") == 0) {
		buf_puts(ret, c->account_id != NULL ? c->account_id : "");
		return 0;
	}
	if (strcmp(name, "region") == 0 || strcmp(name, "hostname") == 0)
		return put_host(c, name, ret);
	if (put_entity(c, name, *with_path, ret) != 0)
		return -1;
	*with_path = false;
	return 0;
}

static int
make_arn(struct op_call *c, const char *p, struct buf *ret)
{
	const char *end;
	char name[64];
	bool with_path = false;

	for (; *p != '\0'; p++) {
		if (*p != '{') {
			buf_putc(ret, *p);
			continue;
		}
		if ((end = strchr(p, '}')) == NULL ||
		    (size_t)(end - p) > sizeof(name))
			return op_fail_err(c, IAM_ERR_BUG, "resource template");
		snprintf(name, sizeof(name), "%.*s", (int)(end - p - 1), p + 1);
		if (put_placeholder(c, name, &with_path, ret) != 0)
			return -1;
		p = end;
	}
	return ret->err != 0 ? op_fail_err(c, ret->err, "resource") : 0;
}

int
caller_resource(struct op_call *c, struct buf *ret)
{
	return make_arn(c, c->op->resource != NULL ? c->op->resource : "*", ret);
}

/* ---- authorization ---- */

static int
deny(struct op_call *c, const char *arn, const char *action,
    const char *resource, const struct pol_decision *d)
{
	static const char *const kinds_of[] = {
		[POL_L_IDENTITY] = "identity-based policy",
		[POL_L_RESOURCE] = "resource-based policy",
		[POL_L_BOUNDARY] = "permissions boundary",
		[POL_L_SCP] = "service control policy",
		[POL_L_SESSION] = "session policy",
	};
	const char *policy = kinds_of[d->denied_by];

	if (d->effect == POL_EXPLICIT_DENY)
		return op_fail(c, "AccessDenied", "User: %s is not authorized to "
		    "perform: %s on resource: %s with an explicit deny in %s %s",
		    arn, action, resource, d->denied_by == POL_L_IDENTITY ? "an" : "a",
		    policy);
	return op_fail(c, "AccessDenied", "User: %s is not authorized to perform: "
	    "%s on resource: %s because no %s allows the %s action", arn, action,
	    resource, policy, action);
}

static void
fill_attempt(const struct op_call *c, const struct caller *who,
    const char *action, const char *resource, struct authz_attempt *at)
{
	const struct runtime_evidence *e = &who->session;

	*at = (struct authz_attempt){ .action = action, .resource = resource,
		.service = e->service[0] != '\0' ? e->service : NULL,
		.tty = e->tty[0] != '\0' ? e->tty : NULL,
		.rhost = e->rhost[0] != '\0' ? e->rhost : NULL,
		.method = (e->methods & RUNTIME_PUBLICKEY) ? "publickey" :
		    "password",
		.now_s = c->now_s, .mfa_known = e->auth_s != 0, .mfa = e->mfa_s != 0,
		.mfa_s = e->mfa_s, .issued_s = e->auth_s };
}

/* Is this a user at what everyone may do for herself? */
static bool
own_business(const struct op_call *c, const struct snap_view *v)
{
	const char *name = op_str(c, "UserName");

	if (v->principal.role != 0)
		return false;
	if (name != NULL && strcasecmp(name, v->principal.user_name) != 0)
		return false;
	return c->op->access == OP_ACCESS_SELF ||
	    (c->op->access == OP_ACCESS_OWN_PASSWORD &&
	    v->account.users_may_change_password == 1);
}

/* authz_free, also after an error. */
static int
caller_policies(const struct caller *who, const struct snap_view *v,
    struct authz **ret)
{
	const struct runtime_evidence *e = &who->session;
	struct authz_session s = { .name = NULL };
	int r = authz_open(v->snap, &v->account, &v->principal, ret);

	if (r != 0 || v->principal.role == 0)
		return r;
	if (e->extra != 0 && (r = authz_session_decode(who->extra.p, who->extra.len,
	    &s)) != 0)
		return r;
	s.name = e->role_session;
	s.source_identity = e->source_identity[0] != '\0' ? e->source_identity : NULL;
	return authz_assume(*ret, &s);
}

static int
decide_attempt(struct op_call *c, const struct caller *who,
    const struct snap_view *v, const struct authz_attempt *at)
{
	struct authz *a = NULL;
	struct pol_decision d = { .effect = POL_IMPLICIT_DENY };
	int r;

	if ((r = caller_policies(who, v, &a)) == 0)
		r = authz_decide(a, at, &d);
	if (r != 0)
		r = op_fail_err(c, r, "the policies of the caller");
	else if (d.effect == POL_ALLOWED)
		r = 0;
	else if (d.effect == POL_IMPLICIT_DENY && own_business(c, v))
		r = 0;
	else
		r = deny(c, authz_arn(a), at->action, at->resource, &d);
	/* The matches of the decision lie in the policies. */
	authz_free(a);
	return r;
}

static int
decide(struct op_call *c, const struct caller *who, const struct snap_view *v,
    const char *resource)
{
	struct authz_attempt at;
	char action[128];

	snprintf(action, sizeof(action), "%s:%s", c->op->service, c->op->name);
	fill_attempt(c, who, action, resource, &at);
	return decide_attempt(c, who, v, &at);
}

/* ---- AssumeRole ---- */

struct wanted { /* about 30 KiB */
	struct snap_principal role;
	struct pol_source trust;
	struct snap_tag tags[SNAP_TAGS_MAX];
	uint32_t tag_count;
};

/* AWS tells nobody which roles there are. */
static int
no_such_role(struct op_call *c)
{
	return op_fail(c, "AccessDenied", "User: %s is not authorized to perform:"
	    " sts:AssumeRole on resource: %s", text_of(c->caller, "Arn"),
	    op_str(c, "RoleArn"));
}

static int
wanted_role(struct op_call *c, const struct snap_view *v, struct wanted *w)
{
	json_t *doc = NULL;
	bool found = false;
	int r;

	if (find_document(c, "RoleArn", op_str(c, "RoleArn"), &doc) != 0)
		return -1;
	if (strcmp(text_of(doc, "Arn"), op_str(c, "RoleArn")) != 0) {
		json_decref(doc);
		return no_such_role(c);
	}
	r = snap_principal_by_name(v->snap, text_of(doc, "UnixName"), &found,
	    &w->role);
	if (r == 0 && found && w->role.role != 0 &&
	    strcmp(w->role.arn, text_of(doc, "Arn")) == 0)
		r = authz_trust(v->snap, &w->role, &w->trust);
	else if (r == 0)
		r = IAM_ERR_FORMAT;
	json_decref(doc);
	return r != 0 ? op_fail_err(c, r, "the role's trust policy") : 0;
}

static int
wanted_tags(struct op_call *c, struct wanted *w)
{
	const json_t *tags = json_object_get(c->in, "Tags"), *tag;
	size_t i;

	if (tags_check(c, tags) != 0)
		return -1;
	json_array_foreach(tags, i, tag)
		w->tags[w->tag_count++] = (struct snap_tag){ text_of(tag, "Key"),
			text_of(tag, "Value") };
	return 0;
}

/* STS AssumeRole: tags and a source identity are actions of their own. */
static int
decide_assume(struct op_call *c, const struct caller *who,
    const struct snap_view *v, const struct wanted *w)
{
	const char *source = op_str(c, "SourceIdentity");
	struct authz_attempt at;

	if (source == NULL && who->session.source_identity[0] != '\0')
		source = who->session.source_identity;
	fill_attempt(c, who, "sts:AssumeRole", w->role.arn, &at);
	at.trust = &w->trust;
	at.resource_tags = w->role.tags;
	at.resource_tag_count = w->role.tag_count;
	at.run_as_user = w->role.unix_name;
	at.session_name = op_str(c, "RoleSessionName");
	at.external_id = op_str(c, "ExternalId");
	at.duration_s = (uint32_t)op_int(c, "DurationSeconds", 3600);
	at.source_identity = source;
	at.request_tags = w->tags;
	at.request_tag_count = w->tag_count;
	if (decide_attempt(c, who, v, &at) != 0)
		return -1;
	at.action = "sts:TagSession";
	if (w->tag_count > 0 && decide_attempt(c, who, v, &at) != 0)
		return -1;
	at.action = "sts:SetSourceIdentity";
	return source != NULL ? decide_attempt(c, who, v, &at) : 0;
}

static int
authorize_assume(struct op_call *c, const struct caller *who,
    const struct snap_view *v)
{
	struct wanted *w = calloc(1, sizeof(*w));
	int r = -1;

	if (w == NULL)
		return no_memory(c);
	if (wanted_role(c, v, w) == 0 && wanted_tags(c, w) == 0)
		r = decide_assume(c, who, v, w);
	free(w);
	return r;
}

int
caller_authorize(struct op_call *c, const struct caller *who)
{
	struct snap_view *v = NULL;
	struct buf resource = BUF_INIT, target = BUF_INIT;
	int r = -1;

	if (!who->user || c->op->access == OP_ACCESS_ANY)
		return 0;
	if (view_open(c, who, &v) != 0)
		r = -1;
	else if (c->op->access == OP_ACCESS_TRUST)
		r = authorize_assume(c, who, v);
	else if (caller_resource(c, &resource) == 0)
		r = decide(c, who, v, buf_cstr(&resource));
	if (r == 0 && c->op->target != NULL &&
	    (r = make_arn(c, c->op->target, &target)) == 0)
		r = decide(c, who, v, buf_cstr(&target));
	buf_release(&resource);
	buf_release(&target);
	view_free(v);
	return r;
}
