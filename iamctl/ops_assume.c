/*
 * AssumeRole: a session of a role as an SSH certificate, which the account's own
 * authority signs.
 *
 * What AWS's token service keeps is in the certificate: whose session it is (the key
 * id), until when, when MFA was proved, and the session's own tags and policies. Whether the
 * caller may is decided before the handler runs (OP_ACCESS_TRUST). On this host a role
 * is assumed with su and sudo as well, without a certificate (pam_iam/assume.c).
 */
#include "common/base/base.h"

#include <sodium.h>

#include "common/authz/authz.h"
#include "common/credential/credential.h"
#include "iamctl/policies.h"
#include "iamctl/token.h"

#define CHAINED_MAX_S 3600
#define POLICY_ARNS_MAX (AUTHZ_SESSION_POLICIES_MAX - 1)

/* What the session has of its own, while it is put together. */
struct session {
	struct authz_session as;
	struct buf compiled[AUTHZ_SESSION_POLICIES_MAX];
};

static void
session_release(struct session *s)
{
	size_t i;

	for (i = 0; i < AUTHZ_SESSION_POLICIES_MAX; i++)
		buf_release(&s->compiled[i]);
}

/* Never root, which is not governed (as in AWS). */
static int
check_caller(struct op_call *c)
{
	if (json_object_get(c->caller, "UserName") != NULL ||
	    json_object_get(c->caller, "RoleArn") != NULL)
		return 0;
	return op_fail(c, "AccessDenied", "Roles may not be assumed by root accounts."
	    " As root of this host, use su.");
}

static int
role_of_call(struct op_call *c, json_t **ret)
{
	const char *arn = op_str(c, "RoleArn"), *name = strrchr(arn, '/');

	*ret = NULL;
	if (name != NULL && name_is_iam(name + 1, 64) &&
	    document_find(c, "roles", name + 1, ret) != 0)
		return -1;
	if (*ret == NULL || strcmp(text_of(*ret, "Arn"), arn) != 0 ||
	    !json_is_true(json_object_get(*ret, "Enabled")))
		return op_fail(c, "AccessDenied", "User: %s is not authorized to perform:"
		    " sts:AssumeRole on resource: %s", text_of(c->caller, "Arn"), arn);
	return 0;
}

static int
check_duration(struct op_call *c, const json_t *role, long life_s)
{
	if (life_s > json_integer_value(json_object_get(role, "MaxSessionDuration")))
		return op_fail(c, "ValidationError", "The requested DurationSeconds"
		    " exceeds the MaxSessionDuration set for this role.");
	if (life_s > CHAINED_MAX_S && json_object_get(c->caller, "RoleArn") != NULL)
		return op_fail(c, "ValidationError", "The requested DurationSeconds"
		    " exceeds the 1 hour session limit for roles assumed by role"
		    " chaining.");
	return 0;
}

/* It stays that of the first role of a chain. */
static int
take_source(struct op_call *c, struct session *s)
{
	const char *had = json_string_value(json_object_get(c->caller,
	    "SourceIdentity"));
	const char *given = op_str(c, "SourceIdentity");

	if (had != NULL && given != NULL && strcmp(had, given) != 0)
		return op_fail(c, "AccessDenied", "The source identity of this session is"
		    " %s and cannot be changed.", had);
	s->as.source_identity = given != NULL ? given : had;
	return 0;
}

static int
take_policy(struct op_call *c, struct session *s, const char *name,
    const char *text, size_t max_chars)
{
	struct buf *code = &s->compiled[s->as.policy_count];
	int r;

	if (policy_compile(c, name, text, POL_SESSION, max_chars, code) != 0)
		return -1;
	if ((r = pol_open(code->p, code->len,
	    &s->as.policies[s->as.policy_count].doc)) != 0)
		return op_fail_err(c, r, name);
	s->as.policies[s->as.policy_count++].name = name;
	return 0;
}

static int
take_managed(struct op_call *c, struct session *s, const char *arn)
{
	json_t *policy = NULL, *version;
	int r = -1;

	if (policy_get(c, arn, &policy) != 0)
		return -1;
	version = policy_version(policy, text_of(policy, "DefaultVersionId"));
	if (version != NULL)
		r = take_policy(c, s, arn, text_of(version, "Document"), SIZE_POLICY);
	json_decref(policy);
	return r;
}

static int
take_policies(struct op_call *c, struct session *s)
{
	const json_t *arns = json_object_get(c->in, "PolicyArns"), *one;
	const char *text = op_str(c, "Policy");
	size_t i;

	if (json_array_size(arns) > POLICY_ARNS_MAX)
		return op_fail(c, "ValidationError", "There are more than %d PolicyArns.",
		    POLICY_ARNS_MAX);
	json_array_foreach(arns, i, one)
		if (take_managed(c, s, text_of(one, "arn")) != 0)
			return -1;
	return text != NULL ?
	    take_policy(c, s, "SessionPolicy", text, SIZE_SESSION) : 0;
}

static int
take_tags(struct op_call *c, struct session *s)
{
	const json_t *tags = json_object_get(c->in, "Tags"), *tag;
	size_t i;

	if (tags_check(c, tags) != 0)
		return -1;
	json_array_foreach(tags, i, tag)
		s->as.tags[s->as.tag_count++] = (struct snap_tag){
			text_of(tag, "Key"), text_of(tag, "Value") };
	return 0;
}

/* As the extension of the certificate; nothing when it has nothing of its own. */
static int
pack(struct op_call *c, const struct session *s, struct buf *ret)
{
	struct buf b = BUF_INIT;
	char *text = NULL;
	size_t len;
	int r = 0;

	if (s->as.source_identity == NULL && s->as.tag_count == 0 &&
	    s->as.policy_count == 0)
		return 0;
	authz_session_encode(&s->as, &b);
	len = sodium_base64_ENCODED_LEN(b.len, sodium_base64_VARIANT_ORIGINAL);
	if (b.err != 0 || (text = malloc(len)) == NULL)
		r = no_memory(c);
	else if (b.len > SSH_CERT_SESSION_MAX)
		r = op_fail(c, "PackedPolicyTooLarge", "Policies and tags of the session,"
		    " packed, have %zu bytes, and %d are allowed.", b.len,
		    SSH_CERT_SESSION_MAX);
	else {
		buf_puts(ret, sodium_bin2base64(text, len, b.p, b.len,
		    sodium_base64_VARIANT_ORIGINAL));
		r = out_set(c, "PackedPolicySize", json_integer((json_int_t)
		    ((b.len * 100 + SSH_CERT_SESSION_MAX - 1) / SSH_CERT_SESSION_MAX)));
	}
	free(text);
	buf_release(&b);
	return r;
}

static int
give(struct op_call *c, const json_t *role, const struct session *s)
{
	static const char *const large[] = { "SSHCertificate", NULL };
	const char *name = op_str(c, "RoleSessionName");
	struct buf arn = BUF_INIT, packed = BUF_INIT;
	struct token t = { .unix_name = text_of(role, "UnixName"),
		.mfa_s = c->caller_mfa_s,
		.life_s = op_int(c, "DurationSeconds", CHAINED_MAX_S) };
	int r = -1;

	authz_put_session(&arn, c->account_id, text_of(role, "Arn"), name);
	t.key_id = buf_cstr(&arn);
	if (pack(c, s, &packed) != 0)
		goto out;
	t.session = packed.len > 0 ? buf_cstr(&packed) : NULL;
	if (token_give(c, &t) != 0 || out_set(c, "AssumedRoleUser",
	    json_pack("{s:s++,s:s}", "AssumedRoleId", text_of(role, "RoleId"), ":",
	    name, "Arn", t.key_id)) != 0 || (s->as.source_identity != NULL &&
	    out_set(c, "SourceIdentity", json_string(s->as.source_identity)) != 0))
		goto out;
	c->event_answer = true;
	c->secret_members = large;
	r = 0;
out:
	buf_release(&arn);
	buf_release(&packed);
	return r;
}

static int
assume_role(struct op_call *c)
{
	struct session *s = calloc(1, sizeof(*s));
	json_t *role = NULL;
	int r = -1;

	if (s == NULL)
		return no_memory(c);
	if (check_caller(c) == 0 && role_of_call(c, &role) == 0 &&
	    check_duration(c, role, op_int(c, "DurationSeconds", CHAINED_MAX_S)) == 0 &&
	    take_source(c, s) == 0 && take_tags(c, s) == 0 &&
	    take_policies(c, s) == 0)
		r = give(c, role, s);
	session_release(s);
	free(s);
	json_decref(role);
	return r;
}

static const struct op_param assume_params[] = {
	{ .name = "RoleArn", .type = OP_STRING, .required = true, .min = 20,
	    .max = 2048, .pattern = OP_ARN, .help = "ARN of the role." },
	{ .name = "RoleSessionName", .type = OP_STRING, .required = true, .min = 2,
	    .max = 64, .pattern = OP_IAM_NAME, .help = "What the session is called:"
	    " the end of its ARN, in every event of it." },
	PARAM_SSH_PUBLIC_KEY,
	{ .name = "DurationSeconds", .type = OP_INT, .min = TOKEN_LIFE_MIN_S,
	    .max = TOKEN_LIFE_MAX_S, .fallback = "3600", .help = "How long it is good:"
	    " at most the role's MaxSessionDuration, and an hour when another role"
	    " assumes it." },
	{ .name = "Policy", .type = OP_DOCUMENT, .min = 1, .max = SIZE_SESSION,
	    .help = "A session policy, as JSON or file://FILE: the session may do what"
	    " this and the role's policies allow." },
	{ .name = "PolicyArns", .type = OP_STRUCTS, .choices = "arn", .help = "Managed"
	    " policies as session policies, ten at most: as they are now." },
	{ .name = "Tags", .type = OP_TAGS, .max = QUOTA_TAGS, .help = "Session tags, in"
	    " place of the role's tags of the same keys (sts:TagSession)." },
	{ .name = "ExternalId", .type = OP_STRING, .min = 2, .max = 1224,
	    .help = "What a trust policy may ask for as sts:ExternalId." },
	{ .name = "SourceIdentity", .type = OP_STRING, .min = 2, .max = 64,
	    .pattern = OP_IAM_NAME, .help = "Who stands behind the session, also when it"
	    " assumes other roles (sts:SetSourceIdentity)." },
	PARAM_CERT_OUTFILE,
	PARAM_END
};

const struct op ops_assume[] = {
	{ .name = "AssumeRole", .service = "sts", .run = assume_role,
	    .params = assume_params, .resource = "{RoleArn}", .needs_init = true,
	    .read_only = true, .access = OP_ACCESS_TRUST,
	    .summary = "Get an SSH certificate for a session of a role, where the"
	    " caller's policies and the role's trust policy allow it. It carries the"
	    " MFA of the caller's login session." },
	{ .name = NULL },
};
