/*
 * A record in CloudTrail's shape (docs/trail-format.md). Members of unbounded
 * length are bounded here, as CloudTrail does: large values of the fields
 * that hold JSON are left out with a note, texts are cut with a marker.
 */
#include "common/base/base.h"
#include "common/trail/internal.h"

#include <string.h>

/* CloudTrail record contents, "Maximum field size": 100 KB, 100 KB, 28 KB and
 * 1 KB of text; the sum must stay below a line's maximum. */
#define REQUEST_MAX ((size_t)100 * 1024)
#define RESPONSE_MAX ((size_t)64 * 1024)
#define ADDITIONAL_MAX ((size_t)28 * 1024)
#define RESOURCES_MAX ((size_t)16 * 1024)
#define TEXT_MAX ((size_t)1024)
#define ARN_MAX ((size_t)2048)

static void
put_text(struct json_out *j, const char *name, const char *value, size_t max)
{
	if (value == NULL)
		return;
	json_out_raw(j, name, "\"");
	json_put_escaped(j->b, value, strlen(value), max);
	buf_putc(j->b, '"');
}

static void
put_omitted(struct json_out *j, const char *name, size_t size, const char *why)
{
	char reason[80];

	snprintf(reason, sizeof(reason), "%s %s", name, why);
	json_out_object(j, name);
	json_out_bool(j, "omitted", true);
	json_out_int(j, "originalSize", (int64_t)size);
	json_out_str(j, "reason", reason);
	json_out_end(j, '}');
}

/* first is '{' or '['; a value of another kind is not what the field holds. */
static void
put_json(struct json_out *j, const char *name, const char *json, char first,
    size_t max)
{
	size_t len = strlen(json);

	if (len > max) {
		put_omitted(j, name, len, "too large");
	} else if (json[0] != first || !json_check(json, len, NULL)) {
		put_omitted(j, name, len, "not valid JSON");
	} else {
		json_out_raw(j, name, "");
		json_put_filtered(j->b, json, len);
	}
}

static void
put_json_or_null(struct json_out *j, const char *name, const char *json,
    size_t max)
{
	if (json == NULL)
		json_out_null(j, name);
	else
		put_json(j, name, json, '{', max);
}

static void
put_time(struct json_out *j, const char *name, int64_t t)
{
	char text[TZ_ISO_LEN];

	tz_iso(t, text);
	json_out_str(j, name, text);
}

/* CloudTrail userIdentity element, "sessionContext". */
static void
put_session(struct json_out *j, const struct trail_identity *who)
{
	json_out_object(j, "sessionContext");
	if (who->issuer_arn != NULL) {
		json_out_object(j, "sessionIssuer");
		json_out_str(j, "type", "Role");
		put_text(j, "principalId", who->issuer_id, TEXT_MAX);
		put_text(j, "arn", who->issuer_arn, ARN_MAX);
		put_text(j, "accountId", who->account_id, TEXT_MAX);
		put_text(j, "userName", who->issuer_name, TEXT_MAX);
		json_out_end(j, '}');
	}
	if (who->mfa >= 0) {
		json_out_object(j, "attributes");
		json_out_str(j, "mfaAuthenticated", who->mfa > 0 ? "true" : "false");
		put_time(j, "creationDate", who->created_s);
		json_out_end(j, '}');
	}
	put_text(j, "sourceIdentity", who->source_identity, TEXT_MAX);
	json_out_end(j, '}');
}

static void
put_identity(struct json_out *j, const struct trail_identity *who)
{
	json_out_object(j, "userIdentity");
	put_text(j, "type", who->type, TEXT_MAX);
	put_text(j, "principalId", who->principal_id, TEXT_MAX);
	put_text(j, "arn", who->arn, ARN_MAX);
	put_text(j, "accountId", who->account_id, TEXT_MAX);
	put_text(j, "userName", who->user_name, TEXT_MAX);
	if (who->mfa >= 0 || who->issuer_arn != NULL)
		put_session(j, who);
	json_out_end(j, '}');
}

static void
put_source(struct json_out *j, const struct trail_event *e)
{
	put_time(j, "eventTime", e->now_s);
	put_text(j, "eventSource", e->source, TEXT_MAX);
	put_text(j, "eventName", e->name, TEXT_MAX);
	put_text(j, "awsRegion", e->region, TEXT_MAX);
	put_text(j, "sourceIPAddress", e->source_ip, TEXT_MAX);
	put_text(j, "userAgent", e->user_agent, TEXT_MAX);
	put_text(j, "errorCode", e->error_code, TEXT_MAX);
	put_text(j, "errorMessage", e->error_message, TEXT_MAX);
}

/* With factor 0 the fields that hold JSON are all left out. */
static void
put_record(struct buf *b, const struct trail_event *e, size_t factor)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j, NULL);
	json_out_str(&j, "eventVersion", "1.11");
	put_identity(&j, &e->who);
	put_source(&j, e);
	put_json_or_null(&j, "requestParameters", e->request_parameters,
	    factor * REQUEST_MAX);
	put_json_or_null(&j, "responseElements", e->response_elements,
	    factor * RESPONSE_MAX);
	json_out_str(&j, "eventID", e->event_id);
	json_out_bool(&j, "readOnly", e->read_only);
	if (e->resources != NULL)
		put_json(&j, "resources", e->resources, '[', factor * RESOURCES_MAX);
	put_text(&j, "eventType", e->type, TEXT_MAX);
	json_out_bool(&j, "managementEvent", e->management);
	put_text(&j, "recipientAccountId", e->account_id, TEXT_MAX);
	json_out_str(&j, "eventCategory", e->management ? "Management" : "Data");
	put_json(&j, "additionalEventData",
	    e->additional == NULL ? "{}" : e->additional, '{',
	    factor == 0 && e->additional == NULL ? 2 : factor * ADDITIONAL_MAX);
	json_out_end(&j, '}');
}

void
trail_body(struct buf *b, const struct trail_event *e)
{
	put_record(b, e, 1);
	if (b->err == 0 && b->len > TRAIL_BODY_MAX) { /* all of it was escapes */
		buf_reset(b);
		put_record(b, e, 0);
	}
}

bool
trail_body_ok(const char *p, size_t len)
{
	static const char last[] = "additionalEventData";
	struct json_shape shape;

	return len <= TRAIL_BODY_MAX && json_check(p, len, &shape) &&
	    shape.object && shape.last_object &&
	    shape.last_len == sizeof(last) - 1 &&
	    memcmp(shape.last, last, sizeof(last) - 1) == 0 &&
	    memcmp(p + len - 2, "}}", 2) == 0;
}
