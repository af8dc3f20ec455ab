/*
 * The audit events of logins, in CloudTrail's shape. No password, code, secret
 * or hash comes in here; all other text is escaped by the trail's writer (S42).
 */
#include "common/base/base.h"
#include "common/authz/authz.h"
#include "pam_iam/internal.h"

#include <inttypes.h>
#include <string.h>

#define AGENT_MAX 160
#define HIDDEN_NAME "HIDDEN_DUE_TO_SECURITY_REASONS"

const char *
event_name(const char *action)
{
	const char *colon = strchr(action, ':');

	return colon == NULL ? action : colon + 1;
}

const char *
event_method(uint32_t methods)
{
	if ((methods & RUNTIME_PUBLICKEY) != 0)
		return "publickey";
	if ((methods & RUNTIME_PASSWORD) != 0)
		return "password";
	return (methods & RUNTIME_MFA) != 0 ? "mfa" : NULL;
}

static const char *
effect_name(enum pol_effect effect)
{
	switch (effect) {
	case POL_ALLOWED:
		return "allowed";
	case POL_EXPLICIT_DENY:
		return "explicitDeny";
	case POL_IMPLICIT_DENY:
		return "implicitDeny";
	}
	return "implicitDeny";
}

static void
put_matches(struct json_out *j, const struct pol_decision *d)
{
	const struct pol_match *m;
	unsigned i;

	json_out_array(j, "MatchedStatements");
	for (i = 0; i < d->match_count && i < POL_MATCHES_MAX; i++) {
		m = &d->matches[i];
		json_out_object(j, NULL);
		json_out_str(j, "SourcePolicyId", m->policy);
		json_out_int(j, "StatementIndex", (int64_t)m->statement);
		json_out_str(j, "StatementId", m->sid);
		json_out_str(j, "Effect", m->deny ? "Deny" : "Allow");
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static bool
given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static void
put_text(struct json_out *j, const char *name, const char *value)
{
	if (given(value))
		json_out_str(j, name, value);
}

static void
put_key(struct json_out *j, const struct login_key *key)
{
	char serial[24];

	put_text(j, "KeyType", key->type);
	put_text(j, "KeyFingerprint", key->fingerprint);
	if (key->known != NULL)
		put_text(j, "SSHPublicKeyId", key->known->id);
	if (key->certified || key->refused != NULL) {
		snprintf(serial, sizeof(serial), "%" PRIu64, key->serial);
		json_out_str(j, "CertificateSerial", serial);
	}
}

static void
put_missing(struct json_out *j, const struct event *e)
{
	unsigned i;

	if (e->missing_count == 0)
		return;
	json_out_array(j, "MissingContextValues");
	for (i = 0; i < e->missing_count; i++)
		json_out_str(j, NULL, e->missing[i]);
	json_out_end(j, ']');
}

static void
put_additional(struct buf *b, const struct flow_facts *facts,
    const struct event *e)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j, NULL);
	put_text(&j, "Service", facts->service);
	put_text(&j, "Tty", facts->tty);
	put_text(&j, "RemoteHost", facts->rhost);
	if (facts->caller_uid != 0)
		json_out_int(&j, "CallerUid", (int64_t)facts->caller_uid);
	json_out_str(&j, "MFAUsed", e->mfa_s != 0 ? "Yes" : "No");
	put_text(&j, "MFAIdentifier", e->mfa_s != 0 ? e->device : NULL);
	put_text(&j, "AuthenticationMethod", event_method(e->methods));
	if (e->key != NULL)
		put_key(&j, e->key);
	put_text(&j, "SessionId", e->session_id);
	if (e->decision != NULL) {
		json_out_str(&j, "Decision", effect_name(e->decision->effect));
		put_matches(&j, e->decision);
	}
	put_missing(&j, e);
	put_text(&j, "Explanation", e->explanation);
	put_text(&j, "reason", e->reason);
	json_out_end(&j, '}');
}

/* {"member":"value"} */
static void
put_one(struct buf *b, const char *member, const char *value)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j, NULL);
	json_out_str(&j, member, value);
	json_out_end(&j, '}');
}

struct identity_text {
	struct buf arn, id;
};

/* A session of a role, or the role itself where there is none. */
static void
put_role(const struct snap_account *account, const struct event *e,
    struct identity_text *text, struct trail_identity *id)
{
	id->type = "Role";
	if (e->role_session == NULL || account == NULL)
		return;
	authz_put_session(&text->arn, account->account_id, e->principal->arn,
	    e->role_session);
	buf_printf(&text->id, "%s:%s", e->principal->user_id, e->role_session);
	id->type = "AssumedRole";
	id->issuer_id = e->principal->user_id;
	id->issuer_arn = e->principal->arn;
	id->issuer_name = e->principal->user_name;
	id->source_identity = e->source_identity;
	id->principal_id = buf_cstr(&text->id);
	id->arn = buf_cstr(&text->arn);
	id->user_name = NULL;
}

/* ---- AssumeRole, in AWS's own words ---- */

static void
put_assume_request(struct buf *b, const struct event_assume *a)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j, NULL);
	json_out_str(&j, "roleArn", a->role->arn);
	json_out_str(&j, "roleSessionName", a->session);
	json_out_int(&j, "durationSeconds", a->duration_s);
	put_text(&j, "sourceIdentity", a->source_identity);
	json_out_end(&j, '}');
}

static void
put_assume_response(struct buf *b, const struct snap_account *account,
    const struct event_assume *a)
{
	struct buf arn = BUF_INIT, id = BUF_INIT;
	struct json_out j;

	authz_put_session(&arn, account->account_id, a->role->arn, a->session);
	buf_printf(&id, "%s:%s", a->role->user_id, a->session);
	json_out_init(&j, b);
	json_out_object(&j, NULL);
	json_out_object(&j, "assumedRoleUser");
	json_out_str(&j, "assumedRoleId", buf_cstr(&id));
	json_out_str(&j, "arn", buf_cstr(&arn));
	json_out_end(&j, '}');
	put_text(&j, "sourceIdentity", a->source_identity);
	json_out_end(&j, '}');
	if (b->err == 0)
		b->err = arn.err != 0 ? arn.err : id.err;
	buf_release(&arn);
	buf_release(&id);
}

static void
put_assume_resources(struct buf *b, const struct snap_account *account,
    const struct event_assume *a)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_array(&j, NULL);
	json_out_object(&j, NULL);
	json_out_str(&j, "ARN", a->role->arn);
	json_out_str(&j, "accountId", account->account_id);
	json_out_str(&j, "type", "AWS::IAM::Role");
	json_out_end(&j, '}');
	json_out_end(&j, ']');
}

/* "User: ARN is not authorized to perform: sts:AssumeRole on resource: ARN" */
static void
put_assume_denied(struct buf *b, const struct trail_identity *who,
    const struct event_assume *a)
{
	buf_printf(b, "User: %s is not authorized to perform: sts:AssumeRole on"
	    " resource: %s", who->arn != NULL ? who->arn : "", a->role->arn);
}

static void
put_identity(const struct snap_account *account, const struct event *e,
    struct identity_text *text, struct trail_identity *id)
{
	id->mfa = -1;
	id->account_id = account != NULL ? account->account_id : NULL;
	switch (e->who) {
	case EVENT_PRINCIPAL:
		id->type = "IAMUser";
		id->principal_id = e->principal->user_id;
		id->arn = e->principal->arn;
		id->user_name = e->principal->user_name;
		if (e->principal->role != 0)
			put_role(account, e, text, id);
		break;
	case EVENT_ROOT:
		id->type = "Root";
		if (account != NULL) {
			buf_printf(&text->arn, "arn:aws:iam::%s:root",
			    account->account_id);
			id->arn = buf_cstr(&text->arn);
			id->principal_id = account->account_id;
		}
		break;
	case EVENT_UNKNOWN:
		id->type = "Unknown";
		id->user_name = HIDDEN_NAME;
		break;
	}
	if (e->who == EVENT_PRINCIPAL && e->mfa_known) {
		id->mfa = e->mfa_s != 0;
		id->created_s = e->issued_s;
	}
}

/* The address of the other side; the host's own name when it has none. */
static const char *
source_of(const struct flow_facts *facts, const struct snap_account *account,
    char *room, size_t size)
{
	if (facts->rhost != NULL && authz_literal_address(facts->rhost, room, size))
		return room;
	return account != NULL ? account->hostname : NULL;
}

static void
fill(const struct flow_facts *facts, const struct snap_account *account,
    const struct event *e, struct trail_event *t)
{
	bool sts = strcmp(e->name, "AssumeRole") == 0;

	t->source = sts ? "sts.amazonaws.com" : "host.iam";
	t->name = e->name;
	t->type = e->type;
	t->region = account != NULL ? account->region : NULL;
	t->account_id = account != NULL ? account->account_id : NULL;
	t->error_code = e->error_code;
	t->error_message = e->error_message;
	t->read_only = sts; /* as CloudTrail says of it */
	t->management = true;
	t->now_s = facts->now_s;
}

int
event_write(const struct flow_host *host, const struct flow_facts *facts,
    const struct identity *identity, const struct event *e,
    const char event_id[37])
{
	const struct snap_account *account = identity->have_account ?
	    &identity->account : NULL;
	struct trail_where where = { host->trail, host->spool,
		flow_auth_gid(host, identity->snap) };
	struct buf additional = BUF_INIT, response = BUF_INIT,
	    request = BUF_INIT, resources = BUF_INIT, message = BUF_INIT;
	struct identity_text text = { BUF_INIT, BUF_INIT };
	char agent[AGENT_MAX], source[64];
	struct trail_event t = { 0 };
	int r;

	snprintf(agent, sizeof(agent), "pam_iam/%s (%s)", IAM_VERSION,
	    given(facts->service) ? facts->service : "unknown");
	fill(facts, account, e, &t);
	put_identity(account, e, &text, &t.who);
	t.source_ip = source_of(facts, account, source, sizeof(source));
	t.user_agent = agent;
	put_additional(&additional, facts, e);
	t.additional = buf_cstr(&additional);
	if (e->target != NULL) {
		put_one(&request, "targetUser", e->target);
		t.request_parameters = buf_cstr(&request);
	}
	if (e->assume != NULL && account != NULL) {
		put_assume_request(&request, e->assume);
		t.request_parameters = buf_cstr(&request);
		put_assume_resources(&resources, account, e->assume);
		t.resources = buf_cstr(&resources);
		if (e->assume->permitted) {
			put_assume_response(&response, account, e->assume);
			t.response_elements = buf_cstr(&response);
		} else {
			put_assume_denied(&message, &t.who, e->assume);
			t.error_message = buf_cstr(&message);
		}
	}
	if (e->outcome != NULL) {
		put_one(&response, "Login", e->outcome);
		t.response_elements = buf_cstr(&response);
	}
	memcpy(t.event_id, event_id, sizeof(t.event_id));
	if ((r = additional.err) == 0 && (r = response.err) == 0 &&
	    (r = request.err) == 0 && (r = text.arn.err) == 0 &&
	    (r = text.id.err) == 0 && (r = resources.err) == 0 &&
	    (r = message.err) == 0)
		r = trail_write(&where, &t, NULL);
	buf_release(&additional);
	buf_release(&response);
	buf_release(&request);
	buf_release(&resources);
	buf_release(&message);
	buf_release(&text.arn);
	buf_release(&text.id);
	return r;
}
