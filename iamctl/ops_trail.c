/* Reading the audit trail. */
#include "common/base/base.h"

#include "common/trail/trail.h"
#include "iamctl/call.h"
#include "iamctl/util.h"

#define RESULTS_DEFAULT 50

/* What su, sudo and the helper left in the spool belongs to the trail. */
static int
take_spool(unsigned *ret_moved)
{
	struct trail_where where = { IAM_PATH_TRAIL, IAM_PATH_RUN "/spool",
		(gid_t)-1 };
	struct store_paths paths;
	int r;

	*ret_moved = 0;
	if ((r = call_paths(&paths, NULL)) != 0)
		return r;
	where.auth_gid = paths.auth_gid;
	return trail_flush(&where, ret_moved);
}

static int
flush_trail(struct op_call *c)
{
	unsigned moved;
	int r;

	c->publish = false;
	if ((r = take_spool(&moved)) != 0)
		return op_fail_err(c, r, IAM_PATH_TRAIL);
	return out_set(c, "Moved", json_integer(moved));
}

/* ---- LookupEvents ---- */

static int
set_attribute(struct op_call *c, const json_t *attribute,
    struct trail_filter *f)
{
	struct {
		const char *key;
		const char **member;
	} known[] = {
		{ "EventId", &f->event_id },
		{ "EventName", &f->event_name },
		{ "Username", &f->username },
		{ "ResourceName", &f->resource_name },
		{ "EventSource", &f->event_source },
		{ "ReadOnly", &f->read_only },
	};
	const char *key = text_of(attribute, "AttributeKey");
	const char *value = text_of(attribute, "AttributeValue");
	size_t i;

	if (value[0] == '\0')
		return op_fail(c, "InvalidLookupAttributesException",
		    "The attribute %.64s has no AttributeValue.", key);

	for (i = 0; i < IAM_COUNT(known); i++) {
		if (strcmp(key, known[i].key) != 0)
			continue;
		if (*known[i].member != NULL)
			return op_fail(c, "InvalidLookupAttributesException",
			    "The attribute %s is given twice.", key);
		*known[i].member = value;
		return 0;
	}
	return op_fail(c, "InvalidLookupAttributesException", "\"%.64s\" is not an"
	    " attribute that can be looked up: EventId, EventName, ReadOnly,"
	    " Username, ResourceName or EventSource.", key);
}

static int
set_time(struct op_call *c, const char *name, int64_t *ret)
{
	const char *s = op_str(c, name);

	if (s == NULL)
		return 0;
	if (time_parse(s, ret)) {
		/* 0 means no bound there, and no event is so old. */
		*ret = *ret > 0 ? *ret : 1;
		return 0;
	}
	return op_fail(c, "InvalidTimeRangeException", "%s is not a time: write"
	    " 2026-11-24T09:30:00Z, 2026-11-24, or seconds since 1970.", name);
}

static int
make_filter(struct op_call *c, struct trail_filter *f)
{
	const json_t *attributes = json_object_get(c->in, "LookupAttributes");
	const json_t *attribute;
	size_t i;

	*f = (struct trail_filter){ 0 };
	json_array_foreach(attributes, i, attribute) {
		if (set_attribute(c, attribute, f) != 0)
			return -1;
	}
	if (set_time(c, "StartTime", &f->start_s) != 0 ||
	    set_time(c, "EndTime", &f->end_s) != 0)
		return -1;
	if (f->start_s != 0 && f->end_s != 0 && f->start_s > f->end_s)
		return op_fail(c, "InvalidTimeRangeException",
		    "StartTime is later than EndTime.");
	return 0;
}

struct lookup {
	struct op_call *c;
	json_t *events;
	long max;
	const char *after; /* the event after which to go on; NULL: from the newest */
	const char *last;  /* borrowed from events */
	bool more, failed;
};

static json_t *
resources_of(const json_t *record)
{
	json_t *ret = json_array(), *item;
	const json_t *resource;
	size_t i;

	json_array_foreach(json_object_get(record, "resources"), i, resource) {
		item = json_pack("{s:s,s:s}", "ResourceType", text_of(resource, "type"),
		    "ResourceName", text_of(resource, "ARN"));
		if (json_array_append_new(ret, item) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

static const char *
username_of(const json_t *record)
{
	const json_t *who = json_object_get(record, "userIdentity");
	const char *name = text_of(who, "userName");

	return name[0] != '\0' ? name :
	    strcmp(text_of(who, "type"), "Root") == 0 ? "root" : "";
}

/*
 * What came of it, for the table. A login that was denied is no error of an
 * operation: it says so in its answer.
 */
static const char *
outcome_of(const json_t *record)
{
	const json_t *answer = json_object_get(record, "responseElements"), *v;
	const char *error = text_of(record, "errorCode"), *key;

	if (error[0] != '\0')
		return error;
	if (text_of(record, "errorMessage")[0] != '\0')
		return "Failure";
	json_object_foreach((json_t *)answer, key, v) {
		if (json_is_string(v) && (strcmp(json_string_value(v), "Failure") == 0 ||
		    strcmp(json_string_value(v), "Success") == 0))
			return json_string_value(v);
	}
	return "Success";
}

static json_t *
event_shape(const json_t *record, const char *line, size_t len)
{
	const json_t *read_only = json_object_get(record, "readOnly");

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s%}",
	    "EventId", text_of(record, "eventID"),
	    "EventName", text_of(record, "eventName"),
	    "ReadOnly", json_is_true(read_only) ? "true" : "false",
	    "EventTime", text_of(record, "eventTime"),
	    "EventSource", text_of(record, "eventSource"),
	    "Username", username_of(record),
	    "Outcome", outcome_of(record),
	    "Resources", resources_of(record),
	    "CloudTrailEvent", line, len);
}

static bool
add_event(void *arg, const char *line, size_t len)
{
	struct lookup *l = arg;
	json_t *record, *shape;

	if ((record = json_loadb(line, len, 0, NULL)) == NULL)
		return true; /* validate-logs is for that */
	if (l->after != NULL) {
		if (strcmp(text_of(record, "eventID"), l->after) == 0)
			l->after = NULL;
		json_decref(record);
		return true;
	}
	if ((long)json_array_size(l->events) >= l->max) {
		l->more = true;
		json_decref(record);
		return false;
	}
	shape = event_shape(record, line, len);
	json_decref(record);
	l->failed = list_add(l->c, l->events, shape) != 0;
	if (!l->failed)
		l->last = text_of(shape, "EventId");
	return !l->failed;
}

static int
give_events(struct op_call *c, struct lookup *l)
{
	if (l->failed)
		return -1;
	if (l->after != NULL)
		return op_fail(c, "InvalidNextTokenException", "NextToken is not one of"
		    " this look-up: look up without it.");
	if (out_set(c, "Events", json_incref(l->events)) != 0)
		return -1;
	return l->more ? out_set(c, "NextToken", json_string(l->last)) : 0;
}

static int
lookup_events(struct op_call *c)
{
	struct lookup l = { .c = c, .events = json_array(),
		.max = op_int(c, "MaxResults", RESULTS_DEFAULT),
		.after = op_str(c, "NextToken") };
	struct trail_filter f;
	unsigned moved;
	int r = -1;

	if (l.events == NULL) {
		no_memory(c);
		goto out;
	}
	if (make_filter(c, &f) != 0)
		goto out;
	/* Without what waits there is still the file. */
	(void)take_spool(&moved);
	r = trail_lookup(IAM_PATH_TRAIL, &f, add_event, &l);
	r = r != 0 && r != IAM_ERR_ABSENT ? op_fail_err(c, r, IAM_PATH_TRAIL) :
	    give_events(c, &l);
out:
	json_decref(l.events);
	return r;
}

/* ---- ValidateLogs ---- */

static int
validate_logs(struct op_call *c)
{
	struct trail_check check = { 0 };
	json_t *result;
	unsigned moved;
	int r;

	(void)take_spool(&moved);
	if ((r = trail_validate(IAM_PATH_TRAIL, &check)) != 0)
		return op_fail_err(c, r, IAM_PATH_TRAIL);
	result = json_pack("{s:b,s:I,s:I}", "Valid", check.bad == 0, "Records",
	    (json_int_t)check.records, "BadRecords", (json_int_t)check.bad);
	if (out_set(c, "Validation", result) != 0)
		return -1;
	if (check.bad == 0)
		return 0;
	c->exit_status = 1;
	if (member_set(c, result, "FirstBadLine",
	    json_integer((json_int_t)check.first_bad_line)) != 0)
		return -1;
	return member_set(c, result, "Reason", json_string(check.reason));
}

/* ---- rows ---- */

static const struct op_param lookup_params[] = {
	{ .name = "LookupAttributes", .type = OP_STRUCTS,
	    .choices = "AttributeKey|AttributeValue", .help = "Only events with"
	    " these: EventId, EventName, ReadOnly, Username, ResourceName,"
	    " EventSource." },
	{ .name = "StartTime", .type = OP_STRING, .min = 1, .max = 32,
	    .help = "Only events at this time or later." },
	{ .name = "EndTime", .type = OP_STRING, .min = 1, .max = 32,
	    .help = "Only events at this time or earlier." },
	{ .name = "MaxResults", .type = OP_INT, .min = 1, .max = 100000,
	    .fallback = "50", .help = "At most so many, the newest first." },
	{ .name = "NextToken", .type = OP_STRING, .min = 1, .max = 64,
	    .help = "Where to go on: the NextToken of the answer before." },
	PARAM_END
};

static const struct op_param no_params[] = {
	PARAM_END
};

const struct op ops_trail[] = {
	{ .name = "LookupEvents", .service = "cloudtrail",
	    .summary = "Show logins and operations from the audit trail, the newest"
	    " first.",
	    .params = lookup_params, .read_only = true, .needs_init = true,
	    .run = lookup_events,
	    .columns = "EventTime,Username,EventName,Outcome,EventId" },
	{ .name = "ValidateLogs", .service = "host",
	    .summary = "Check that no event of the audit trail was changed, cut or"
	    " removed.",
	    .params = no_params, .read_only = true, .needs_init = true,
	    .run = validate_logs },
	{ .name = "FlushTrail", .service = "host",
	    .summary = "Move the events that wait in /run/iam/spool into the audit"
	    " trail. A timer does so every minute; reading the trail does it, too.",
	    .params = no_params, .needs_init = true, .run = flush_trail },
	{ .name = NULL },
};
