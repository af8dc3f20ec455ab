/*
 * The audit event of an operation. What it keeps out: OP_SECRET, codes, files,
 * and the members of the answer that the row's handler calls secret.
 */
#include "common/base/base.h"

#include <ctype.h>

#include "common/authz/authz.h"
#include "common/trail/trail.h"
#include "iamctl/call.h"
#include "iamctl/util.h"

/* Whatever a handler says, these never enter an event. */
static const char *const always_secret[] = { "Base32StringSeed", "QRCodePNG",
	"OtpauthUri", "Password", "OldPassword", "NewPassword", "PasswordHash",
	"SealedSeed", "SecretAccessKey", "SessionToken", NULL };

static bool
in_list(const char *const *list, const char *name)
{
	for (; list != NULL && *list != NULL; list++)
		if (strcasecmp(*list, name) == 0)
			return true;
	return false;
}

static json_t *copy_value(const json_t *v, const char *const *secrets);

static json_t *
copy_array(const json_t *v, const char *const *secrets)
{
	json_t *ret = json_array(), *item;
	size_t i;

	json_array_foreach(v, i, item) {
		if (json_array_append_new(ret, copy_value(item, secrets)) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

/* CloudTrail writes the names of members with a small first letter. */
static json_t *
copy_object(const json_t *v, const char *const *secrets)
{
	json_t *ret = json_object(), *item;
	const char *name;
	char small[128];

	json_object_foreach((json_t *)v, name, item) {
		if (in_list(always_secret, name) || in_list(secrets, name))
			continue;
		snprintf(small, sizeof(small), "%s", name);
		small[0] = (char)tolower((unsigned char)small[0]);
		if (json_object_set_new(ret, small, copy_value(item, secrets)) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

static json_t *
copy_value(const json_t *v, const char *const *secrets)
{
	if (json_is_object(v))
		return copy_object(v, secrets);
	if (json_is_array(v))
		return copy_array(v, secrets);
	return json_deep_copy(v);
}

static bool
goes_into_events(const struct op_param *p)
{
	return p != NULL && p->type != OP_SECRET && p->type != OP_OUTFILE &&
	    p->type != OP_INFILE && p->pattern != OP_CODE6;
}

json_t *
call_event_request(const struct op *op, const json_t *in)
{
	json_t *kept = json_object(), *ret, *v;
	const char *name;

	json_object_foreach((json_t *)in, name, v) {
		if (goes_into_events(op_param_find(op, name)) &&
		    json_object_set(kept, name, v) != 0) {
			json_decref(kept);
			return NULL;
		}
	}
	ret = copy_value(kept, NULL);
	json_decref(kept);
	return ret;
}

json_t *
call_event_response(const struct op_call *c)
{
	return copy_value(c->out, c->secret_members);
}

/* "null" for nothing, as CloudTrail does. */
static char *
dump(json_t *v)
{
	if (v == NULL || json_object_size(v) == 0)
		return NULL;
	return json_dumps(v, JSON_COMPACT);
}

static const char *
source_of(const char *service, char ret[80])
{
	if (strcmp(service, "host") == 0)
		return "host.iam";
	snprintf(ret, 80, "%s.amazonaws.com", service);
	return ret;
}

static void
fill_identity(const struct op_call *c, const struct caller *who,
    struct trail_identity *id)
{
	*id = (struct trail_identity){ .type = who->user ? "IAMUser" : "Root",
		.principal_id = json_string_value(json_object_get(c->caller, "UserId")),
		.arn = json_string_value(json_object_get(c->caller, "Arn")),
		.account_id = c->account_id,
		.user_name = json_string_value(json_object_get(c->caller, "UserName")),
		.mfa = -1 };
	if (!who->user)
		return;
	if (json_object_get(c->caller, "RoleArn") != NULL) {
		id->type = "AssumedRole";
		id->issuer_id = text_of(c->caller, "RoleId");
		id->issuer_arn = text_of(c->caller, "RoleArn");
		id->issuer_name = text_of(c->caller, "RoleName");
		if (who->session.source_identity[0] != '\0')
			id->source_identity = who->session.source_identity;
	} else if (id->user_name == NULL)
		id->user_name = who->session.user;
	id->mfa = who->session.mfa_s != 0;
	id->created_s = who->session.auth_s;
}

#define WARNINGS_MAX 100

/* What the caller was warned of; above all what publishing left out, such as names
 * and ids that are the host's own (S27). */
static json_t *
additional_of(const struct op_call *c)
{
	json_t *list = json_array(), *text;
	size_t i;

	json_array_foreach(c->warnings, i, text) {
		if (i < WARNINGS_MAX)
			(void)json_array_append(list, text);
	}
	if (json_array_size(list) == 0) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:i,s:o}", "warningCount",
	    (int)json_array_size(c->warnings), "warnings", list);
}

/* As CloudTrail has it of AssumeRole. */
static json_t *
resources_of(const struct op_call *c)
{
	const char *arn = op_str(c, "RoleArn");

	return arn == NULL ? NULL : json_pack("[{s:s,s:s,s:s}]", "ARN", arn,
	    "accountId", c->account_id, "type", "AWS::IAM::Role");
}

int
call_event(const struct op_call *c, const struct caller *who,
    const json_t *request, const char *region, const char *hostname,
    gid_t auth_gid)
{
	struct trail_where where = { IAM_PATH_TRAIL, IAM_PATH_RUN "/spool",
		auth_gid };
	struct trail_event e = { .type = "AwsApiCall", .name = c->op->name,
		.region = region, .account_id = c->account_id,
		.user_agent = "iamctl/" IAM_VERSION, .read_only = c->op->read_only,
		.management = true, .now_s = c->now_s };
	json_t *in = call_event_request(c->op, request), *out = NULL;
	json_t *more = additional_of(c);
	char *in_text = dump(in), *out_text = NULL, *more_text = dump(more);
	char source[80], address[46], *resources_text;
	json_t *resources;
	int r;

	fill_identity(c, who, &e.who);
	e.source = source_of(c->op->service, source);
	e.source_ip = hostname;
	if (who->user && authz_literal_address(who->session.rhost, address,
	    sizeof(address)))
		e.source_ip = address;
	e.request_parameters = in_text;
	resources = resources_of(c);
	e.resources = resources_text = resources != NULL ?
	    json_dumps(resources, JSON_COMPACT) : NULL;
	e.additional = more_text;
	if (c->error_code != NULL) {
		e.error_code = c->error_code;
		e.error_message = c->error_text;
	} else if (!c->op->read_only || c->event_answer) {
		out = call_event_response(c);
		e.response_elements = out_text = dump(out);
	}
	if ((r = trail_event_id(e.event_id)) == 0)
		r = trail_write(&where, &e, NULL);
	free(in_text);
	free(out_text);
	free(more_text);
	free(resources_text);
	json_decref(resources);
	json_decref(more);
	json_decref(in);
	json_decref(out);
	return r;
}
