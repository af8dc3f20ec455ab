#include "common/base/base.h"

#include <unistd.h>

#include "iamctl/access.h"
#include "iamctl/entity.h"

#define DAY_S 86400
#define ZONE_NAME_MAX 64

struct show {
	struct op_call *c;
	struct subject subject;
	struct context context;
	struct input_policies tried;
	struct authz_attempt attempt;
	struct tz *zone;
	struct snap_principal *role; /* of sts:AssumeRole; owned */
	struct pol_source trust;
	char zone_name[ZONE_NAME_MAX];
	char resource[2049], hostname[256], region[64], nobody[128];
};

/* ---- who ---- */

/* A policy's name as the user knows it: an ARN, or the name of one of her
 * inline policies or of her groups'. */
static bool
is_called(const char *source, const char *name)
{
	size_t len = strlen(source), n = strlen(name);

	if (strcmp(source, name) == 0)
		return true;
	return (strncmp(source, "user_", 5) == 0 || strncmp(source, "group_", 6) == 0) &&
	    len > n && source[len - n - 1] == '_' && strcmp(source + len - n, name) == 0;
}

static int
try_policy(struct show *s)
{
	const char *text = op_str(s->c, "PolicyDocument");
	const char *name = op_str(s->c, "InPlaceOf"), *instead = NULL;
	const struct pol_list *list = authz_identity(s->subject.authz);
	size_t i;
	int r;

	if (text == NULL)
		return name == NULL ? 0 : op_fail(s->c, "InvalidInput",
		    "--in-place-of needs the --policy-document that takes the place.");
	for (i = 0; name != NULL && i < list->n && instead == NULL; i++)
		if (is_called(list->v[i].name, name))
			instead = list->v[i].name;
	if (name != NULL && instead == NULL)
		return op_fail(s->c, "NoSuchEntity", "The user has no policy %s:"
		    " list-attached-user-policies and list-user-policies show hers.",
		    name);
	if (input_add(s->c, &s->tried, "PolicyDocument", text, POL_IDENTITY) != 0)
		return -1;
	r = authz_try(s->subject.authz, &s->tried.sources[0], instead);
	return r != 0 ? op_fail_err(s->c, r, "PolicyDocument") : 0;
}

/* Another host: its tags are not known here. */
static int
set_host(struct show *s)
{
	const char *host = op_str(s->c, "Host"), *name = host;
	struct snap_account *a = &s->subject.account;

	if (host == NULL)
		return 0;
	if (strncmp(host, "arn:", 4) == 0) {
		if (sscanf(host, "arn:aws:host:%63[a-z0-9-]:%*12[0-9]:instance/%255s",
		    s->region, s->hostname) != 2)
			return op_fail(s->c, "InvalidInput", "%s is not the ARN of a"
			    " host; an example: arn:aws:host:%s:%s:instance/%s.", host,
			    a->region, a->account_id, a->hostname);
		a->region = s->region;
		name = s->hostname;
	}
	if (strcmp(name, a->hostname) != 0)
		a->host_tag_count = 0;
	a->hostname = name;
	return 0;
}

static int
open_subject(struct show *s)
{
	const char *name = op_str(s->c, "UserName");
	json_t *user = NULL;
	int r = -1;

	if (name == NULL && !op_has(s->c, "PolicyDocument"))
		return op_fail(s->c, "InvalidInput", "Say whose access is to be shown"
		    " with --user-name, or which policy's with --policy-document.");
	if (name != NULL && user_get(s->c, name, &user) != 0)
		return -1;
	if (subject_open(s->c, &s->subject) != 0 || set_host(s) != 0)
		goto out;
	snprintf(s->nobody, sizeof(s->nobody), "arn:aws:iam::%s:user/somebody",
	    s->c->account_id);
	r = user != NULL ? subject_user(&s->subject, user) :
	    subject_nobody(&s->subject, s->nobody, "somebody");
out:
	json_decref(user);
	return r == 0 ? try_policy(s) : r;
}

/* ---- what and when ---- */

/* The week goes through these itself. */
static int
check_entries(struct show *s)
{
	static const char *const own[] = { "aws:CurrentTime", "aws:EpochTime",
		"aws:TokenIssueTime", "aws:MultiFactorAuthPresent",
		"aws:MultiFactorAuthAge", "host:DayOfWeek", "host:LocalTime" };
	size_t i, j;

	if (context_read(s->c, &s->context) != 0)
		return -1;
	for (i = 0; i < s->context.count; i++)
		for (j = 0; j < IAM_COUNT(own); j++)
			if (name_cmp(s->context.keys[i].name, own[j]) == 0)
				return op_fail(s->c, "InvalidInput", "%s is not for"
				    " --context-entries here: the view goes through the"
				    " whole week, with a code and without.", own[j]);
	return 0;
}

/*
 * Becoming a role is decided by its trust policy as well: the week in which she can
 * su to it. Of a role that is not here nothing is known but her own policies.
 */
static int
take_role(struct show *s)
{
	struct authz_attempt *at = &s->attempt;
	const struct entity_kind *kind = entity_kind_of_arn(at->resource);
	json_t *doc = NULL;
	bool found = false;
	int r;

	if (strcasecmp(at->action, "sts:AssumeRole") != 0 || kind == NULL ||
	    strcmp(kind->noun, "role") != 0)
		return 0;
	if (subject_find(s->c, at->resource, &doc) != 0)
		return -1;
	if ((s->role = malloc(sizeof(*s->role))) == NULL) {
		json_decref(doc);
		return no_memory(s->c);
	}
	r = snap_principal_by_name(s->subject.snap, text_of(doc, "UnixName"), &found,
	    s->role);
	json_decref(doc);
	if (r == 0 && found)
		r = authz_trust(s->subject.snap, s->role, &s->trust);
	if (r != 0 || !found)
		return op_fail(s->c, "PolicyEvaluation", "The trust policy of %s is not in"
		    " the snapshot, by which logins decide: 'iamctl publish' makes it"
		    " anew.", at->resource);
	at->trust = &s->trust;
	at->resource_tags = s->role->tags;
	at->resource_tag_count = s->role->tag_count;
	at->run_as_user = s->role->unix_name;
	at->session_name = s->subject.principal.user_name;
	at->duration_s = s->role->max_session_s;
	return 0;
}

static int
fill_attempt(struct show *s)
{
	struct authz_attempt *at = &s->attempt;
	const char *action = op_str(s->c, "Action");
	char address[64];

	at->service = op_str(s->c, "Service");
	at->rhost = op_str(s->c, "SourceIp");
	if (at->rhost != NULL &&
	    !authz_literal_address(at->rhost, address, sizeof(address)))
		return op_fail(s->c, "InvalidInput", "\"%.64s\" is not an address; an"
		    " example: 192.0.2.7.", at->rhost);
	at->action = action != NULL ? action : at->service == NULL ? "host:Login" :
	    snap_action_for(&s->subject.account, at->service);
	if (simulate_check_action(s->c, at->action) != 0)
		return -1;
	at->resource = op_str(s->c, "Resource");
	if (at->resource == NULL &&
	    authz_instance_arn(&s->subject.account, s->resource,
	    sizeof(s->resource)) == 0)
		at->resource = s->resource;
	return take_role(s);
}

/* The name of the host's zone, when /etc/localtime is a link as it should be. */
static void
host_zone_name(char *ret, size_t size)
{
	char target[256];
	const char *name;
	ssize_t n = readlink(IAM_PATH_LOCALTIME, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	name = strstr(target, "/zoneinfo/");
	snprintf(ret, size, "%s", name != NULL ? name + strlen("/zoneinfo/") :
	    "the host's time");
}

static int
open_zone(struct show *s)
{
	const char *name = op_str(s->c, "Zone");
	int r = tz_load(name, &s->zone);

	if (r != 0 && name != NULL)
		return op_fail(s->c, "InvalidInput", "\"%.64s\" is not a time zone of"
		    " this host (%s); an example: Europe/Berlin.", name,
		    iam_strerror(r));
	if (r != 0)
		return op_fail_err(s->c, r, IAM_PATH_LOCALTIME);
	if (name != NULL)
		snprintf(s->zone_name, sizeof(s->zone_name), "%s", name);
	else
		host_zone_name(s->zone_name, sizeof(s->zone_name));
	return 0;
}

/* The Monday of a day's week, in days since 1970. */
static int
find_monday(struct show *s, int64_t *ret)
{
	const char *text = op_str(s->c, "WeekOf");
	struct tz_local l;
	int64_t t;
	int r;

	if (text != NULL) {
		if (strlen(text) != 10 || !time_parse(text, &t) || text[4] != '-')
			return op_fail(s->c, "InvalidInput", "\"%.40s\" is not a day; an"
			    " example: 2026-11-24.", text);
		r = tz_utc(t, &l);
	} else {
		r = tz_at(s->zone, s->c->now_s, &l);
	}
	if (r != 0)
		return op_fail_err(s->c, r, "The day is not known");
	*ret = tz_from_utc(l.year, l.month, l.day, 0) / DAY_S - (l.weekday + 6) % 7;
	return 0;
}

/* ---- the answer ---- */

static int
note(struct show *s, const char *text)
{
	json_t *notes = json_object_get(s->c->out, "Notes");

	return list_add(s->c, notes, json_string(text));
}

static bool
needs_code(const json_t *answer)
{
	json_t *reason;
	size_t i;

	json_array_foreach(json_object_get(answer, "Reasons"), i, reason)
		if (strcmp(text_of(reason, "State"), ACCESS_IN_CODE) == 0)
			return true;
	return false;
}

/* What a login looks at besides the policies. */
static int
put_notes(struct show *s)
{
	const struct snap_principal *p = &s->subject.principal;

	if (p->enabled == 0 &&
	    note(s, "The user is disabled: no login gets through, whatever the"
	    " policies say.") != 0)
		return -1;
	if (op_str(s->c, "UserName") == NULL)
		return 0;
	if (p->device_count == 0 && needs_code(s->c->out) &&
	    note(s, "The user has no MFA device: \"with a code\" is not within"
	    " reach yet.") != 0)
		return -1;
	if (p->device_count > 0 && s->subject.account.mfa_when_enrolled != 0 &&
	    note(s, "The user has an MFA device and is asked for its code whenever"
	    " a password is (mfa.whenEnrolled in iam.json).") != 0)
		return -1;
	return 0;
}

static int
put_head(struct show *s, int64_t monday)
{
	char iso[TZ_ISO_LEN];

	tz_iso(monday * DAY_S, iso);
	iso[10] = '\0';
	if (op_str(s->c, "UserName") != NULL && out_set(s->c, "UserName",
	    json_string(s->subject.principal.user_name)) != 0)
		return -1;
	if (out_set(s->c, "ActionName", json_string(s->attempt.action)) != 0 ||
	    out_set(s->c, "ResourceName", json_string(s->attempt.resource)) != 0 ||
	    out_set(s->c, "Zone", json_string(s->zone_name)) != 0 ||
	    out_set(s->c, "WeekOf", json_string(iso)) != 0)
		return -1;
	return out_set(s->c, "Notes", json_array());
}

static int
show_week(struct show *s)
{
	struct authz_extra extra = { .keys = s->context.keys,
		.count = s->context.count };
	struct access_ask ask = { .c = s->c, .attempt = &s->attempt,
		.extra = &extra };

	if (check_entries(s) != 0 || open_subject(s) != 0 || fill_attempt(s) != 0 ||
	    open_zone(s) != 0 || find_monday(s, &ask.monday) != 0 ||
	    put_head(s, ask.monday) != 0)
		return -1;
	ask.authz = s->subject.authz;
	ask.zone = s->zone;
	ask.key_too = strcasecmp(s->attempt.action, "host:Login") == 0;
	if (access_week(&ask) != 0 || put_notes(s) != 0)
		return -1;
	if (op_has(s->c, "Outfile"))
		access_svg(s->c->out, &s->c->outfile);
	return 0;
}

int
access_show(struct op_call *c)
{
	struct show *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return no_memory(c);
	s->c = c;
	r = show_week(s);
	subject_release(&s->subject);
	context_release(&s->context);
	input_release(&s->tried);
	tz_free(s->zone);
	free(s->role);
	free(s);
	return r;
}

int
access_seconds(const char *clock)
{
	int h = 0, m = 0, s = 0;

	if (sscanf(clock, "%2d:%2d:%2d", &h, &m, &s) < 2)
		return 0;
	return h * 3600 + m * 60 + s;
}

void
access_duration(struct buf *b, long s)
{
	if (s >= 3600)
		buf_printf(b, "%ld h", s / 3600);
	if (s / 60 % 60 != 0)
		buf_printf(b, "%s%ld min", s >= 3600 ? " " : "", s / 60 % 60);
	if (s % 60 != 0)
		buf_printf(b, "%s%ld s", s >= 60 ? " " : "", s % 60);
}
