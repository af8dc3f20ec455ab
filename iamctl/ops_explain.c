/*
 * Why a login came out as it did, for the administrator whom a person has told an
 * event id. The event has the true reason, which the person was not told; what
 * else is said is what store and runtime state know of it now.
 */
#include "common/base/base.h"

#include <stdarg.h>

#include "common/runtime/runtime.h"
#include "common/trail/trail.h"
#include "iamctl/mfa.h"

/* ---- reasons ---- */

enum hint { HINT_NONE, HINT_DEVICES, HINT_THROTTLE, HINT_ENROL, HINT_POLICY,
	HINT_DOCTOR, HINT_PASSWORD, HINT_EXPIRED, HINT_CERTIFICATE };

static const struct {
	const char *reason, *summary;
	enum hint hint;
} reasons[] = {
	{ "WrongPassword", "The password was wrong.", HINT_PASSWORD },
	{ "WrongPasswordOrCode", "Password and code came in one answer, and no code"
	    " that is good on one of the user's devices was at its end, or the password"
	    " before it was wrong.", HINT_DEVICES },
	{ "WrongCode", "The password was right and the code was not: mistyped, of"
	    " another account, or of a device whose clock is off by more than one"
	    " step.", HINT_DEVICES },
	{ "CodeReused", "The code was right, but it had been used before, or another"
	    " login used it at the same moment. The next code is good.",
	    HINT_DEVICES },
	{ "NoDevice", "A code was asked alone, after a key or another module's"
	    " password, and the user has no MFA device.", HINT_ENROL },
	{ "RecoveryCodeNotHere", "It was a recovery code, in a program that is not"
	    " root: these take codes of a device only.", HINT_DEVICES },
	{ "EnrolmentOver", "This host wants an MFA device of everyone, and the"
	    " user's time to enrol one is over.", HINT_ENROL },
	{ "EnrolmentNotCompleted", "The user was asked to enrol an MFA device and"
	    " did not: two codes in a row did not come.", HINT_ENROL },
	{ "EnrolmentNotHere", "The user has no MFA device, and the program wants PAM to"
	    " be silent, so that nothing could be shown to enrol one: sudo does, but for"
	    " 1.9.16 and later with 'Defaults !pam_silent'. At a login she can.", HINT_ENROL },
	{ "Throttled", "The attempt was not looked at: too many had failed from"
	    " there before.", HINT_THROTTLE },
	{ "SourceThrottled", "The attempt was not looked at: too many had failed from"
	    " this source, for whatever user, and this one has not logged in from"
	    " there since the host was started. Others are not concerned.",
	    HINT_NONE },
	{ "InvalidAnswer", "An answer was missing, empty or too long, or the"
	    " question was given up.", HINT_NONE },
	{ "UserDisabled", "The user is disabled, or was left out of the snapshot in"
	    " part (iamctl publish says why).", HINT_NONE },
	{ "NoLoginProfile", "The user has no password.", HINT_PASSWORD },
	{ "PasswordExpired", "The password has expired, and the password policy"
	    " leaves it to an administrator to set a new one (HardExpiry).",
	    HINT_EXPIRED },
	{ "CertificateRevoked", "The SSH certificate has been revoked.",
	    HINT_CERTIFICATE },
	{ "CertificateOfAnother", "The SSH certificate was made for another user, or"
	    " for one of this name who is no more.", HINT_CERTIFICATE },
	{ "CertificateExpired", "The SSH certificate ended during the login.",
	    HINT_CERTIFICATE },
	{ "CertificateDamaged", "What the SSH certificate says of its session cannot"
	    " be read by this version: assume the role again.", HINT_CERTIFICATE },
	{ "RoleNotAssumed", "It was a role, which nobody logs in as: it is assumed with"
	    " su or sudo -u, or a certificate of assume-role opens ssh where sshd_config"
	    " has AuthenticationMethods publickey,keyboard-interactive for it.",
	    HINT_NONE },
	{ "RoleSessionEnded", "The session of the role has ended, or the process has"
	    " left it: the role has to be assumed again.", HINT_NONE },
	{ "RoleDisabled", "The role is disabled, or was left out of the snapshot in part"
	    " (iamctl publish says why).", HINT_NONE },
	{ "NoTrustPolicy", "The role's trust policy is missing in the snapshot or"
	    " damaged (iamctl publish says why).", HINT_DOCTOR },
	{ "CallerNotGoverned", "The caller is none of IAM's users, whom no trust policy"
	    " can name.", HINT_NONE },
	{ "CallerNotKnown", "sudo says that somebody else called it than the kernel"
	    " does.", HINT_NONE },
	{ "NoSuchUser", "Nobody on this host has that name. The name itself is not"
	    " recorded: passwords are typed there by mistake.", HINT_NONE },
	{ "NotGoverned", "The user is none of IAM's.", HINT_NONE },
	{ "NameClash", "A local account has the same name and another uid.",
	    HINT_DOCTOR },
	{ "AdoptedUserMissing", "The account was adopted, and the snapshot has nothing"
	    " of it: its document is damaged, or a claim on its name or id was lost"
	    " (iamctl publish says which).", HINT_DOCTOR },
	{ "StaleConfiguration", "host.json or iam.json was changed, and no snapshot"
	    " could be made from it.", HINT_DOCTOR },
	{ "SnapshotUnavailable", "The snapshot could not be read.", HINT_DOCTOR },
	{ "RuntimeUnavailable", "/run/iam could not be used.", HINT_DOCTOR },
	{ "InternalError", "It could not be decided because of an error, which is a"
	    " denial.", HINT_DOCTOR },
};

/* ---- the event ---- */

struct finding {
	struct op_call *c;
	json_t *record;
};

static bool
keep_record(void *arg, const char *line, size_t len)
{
	struct finding *f = arg;

	f->record = json_loadb(line, len, 0, NULL);
	return false;
}

static int
find_event(struct op_call *c, json_t **ret)
{
	struct trail_filter filter = { .event_id = op_str(c, "EventId") };
	struct finding f = { .c = c };
	int r;

	r = trail_lookup(IAM_PATH_TRAIL, &filter, keep_record, &f);
	if (r != 0 && r != IAM_ERR_ABSENT)
		return op_fail_err(c, r, IAM_PATH_TRAIL);
	if (f.record == NULL)
		return op_fail(c, "NoSuchEntity", "There is no event %s in %s. Events of"
		    " a full disk wait in /run/iam; older ones may be in rotated"
		    " files.", op_str(c, "EventId"), IAM_PATH_TRAIL);
	if (strcmp(text_of(f.record, "eventSource"), "host.iam") == 0 ||
	    strncmp(text_of(f.record, "userAgent"), "pam_iam/", 8) == 0) {
		*ret = f.record;
		return 0;
	}
	r = op_fail(c, "InvalidInput", "Event %s is a call of %s, not a login;"
	    " lookup-events shows it.", op_str(c, "EventId"),
	    text_of(f.record, "eventName"));
	json_decref(f.record);
	return r;
}

static const json_t *
additional(const json_t *record)
{
	return json_object_get(record, "additionalEventData");
}

static const char *
user_of(const json_t *record)
{
	return text_of(json_object_get(record, "userIdentity"), "userName");
}

static bool
denied(const json_t *record)
{
	return text_of(record, "errorMessage")[0] != '\0' ||
	    text_of(record, "errorCode")[0] != '\0';
}

/* ---- what is said ---- */

struct report {
	struct op_call *c;
	const json_t *record;
	json_t *details, *steps; /* borrowed from the answer */
};

static int say(struct report *r, json_t *list, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
say(struct report *r, json_t *list, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return list_add(r->c, list, json_string(text));
}

struct devices {
	struct report *r;
	struct runtime *rt; /* NULL: nobody has logged in since boot */
	const char *user_name;
	uint32_t uid;
	unsigned n;
	bool failed;
};

/* A device: when it was used, and what is known of its clock. */
static int
say_device(void *arg, const char *key, json_t *device)
{
	const char *serial = text_of(device, "SerialNumber");
	json_int_t period = json_integer_value(json_object_get(device, "Period"));
	json_int_t base = json_integer_value(json_object_get(device, "DriftSteps"));
	struct devices *d = arg;
	struct runtime_drift drift = { .base = (int32_t)base };
	const json_t *learnt = json_object_get(device, "LearntDriftSteps");
	char used[TZ_ISO_LEN] = "never since boot";
	uint64_t last = 0;

	(void)key;
	d->n++;
	drift.drift = (int32_t)(learnt != NULL ? json_integer_value(learnt) : base);
	if (d->rt != NULL && runtime_totp_drift(d->rt, d->uid, serial, &drift,
	    &last) == 0 && last > 0)
		tz_iso(((int64_t)last - drift.drift) * period, used);
	d->failed = say(d->r, d->r->details, "Device %s: a code was last used %s; its"
	    " clock runs %+d s against the host's%s.", serial, used,
	    (int)(drift.drift * period), drift.drift >= drift.base +
	    RUNTIME_DRIFT_MAX || drift.drift <= drift.base - RUNTIME_DRIFT_MAX ?
	    ", as far as logins follow it: resync-mfa-device sets it right" : "") != 0;
	return d->failed ? VISIT_FAILED : VISIT_NEXT;
}

static int
say_devices(struct report *r)
{
	struct devices d = { .r = r, .user_name = user_of(r->record) };
	json_t *user = NULL;
	int ret = -1;

	if (document_find(r->c, "users", d.user_name, &user) != 0)
		return -1;
	if (user == NULL)
		return say(r, r->details, "User %s is no more.", d.user_name);
	d.uid = (uint32_t)json_integer_value(json_object_get(user, "Uid"));
	if (host_runtime_open(r->c, &d.rt) == 0 &&
	    document_each_with(r->c, "mfa", "UserName", d.user_name,
	    say_device, &d) == 0)
		ret = d.n > 0 ? 0 : say(r, r->details, "User %s has no MFA device.",
		    d.user_name);
	if (ret == 0)
		ret = say(r, r->steps, "iamctl list-mfa-devices --user-name %s",
		    d.user_name);
	runtime_close(d.rt);
	json_decref(user);
	return ret;
}

/* Whose policies decided: of a session of a role, the role's. */
static const char *
source_arn(const json_t *record)
{
	const json_t *who = json_object_get(record, "userIdentity");
	const char *role = text_of(json_object_get(json_object_get(who,
	    "sessionContext"), "sessionIssuer"), "arn");

	return role[0] != '\0' ? role : text_of(who, "arn");
}

static int
say_simulation(struct report *r, const char *arn)
{
	const json_t *asked = json_object_get(r->record, "requestParameters");
	const char *role = text_of(asked, "roleArn");
	const char *target = text_of(asked, "targetUser");

	/* Policies of the resource are given to a simulation, as in AWS. */
	if (role[0] != '\0')
		return say(r, r->steps, "iamctl simulate-principal-policy"
		    " --policy-source-arn %s --action-names sts:AssumeRole"
		    " --resource-arns %s", arn, role) != 0 ? -1 : say(r, r->steps,
		    "iamctl get-role --role-name %s", strrchr(role, '/') + 1);
	return say(r, r->steps, "iamctl"
	    " simulate-principal-policy --policy-source-arn %s --action-names host:%s"
	    "%s%s --context-entries ContextKeyName=aws:CurrentTime,ContextKeyValues=%s,"
	    "ContextKeyType=date", arn, text_of(r->record, "eventName"),
	    target[0] != '\0' ? " --resource-arns " : "", target, text_of(r->record, "eventTime"));
}

static int
say_policy(struct report *r)
{
	const json_t *x = additional(r->record), *v;
	const char *arn = source_arn(r->record);
	const char *why = text_of(x, "Explanation");
	size_t i;

	if (why[0] != '\0' && list_add(r->c, r->details, json_string(why)) != 0)
		return -1;
	json_array_foreach(json_object_get(x, "MatchedStatements"), i, v) {
		if (say(r, r->details, "Statement %lld%s%s of %s: %s.",
		    (long long)json_integer_value(json_object_get(v,
		    "StatementIndex")), text_of(v, "StatementId")[0] != '\0' ? " " : "",
		    text_of(v, "StatementId"), text_of(v, "SourcePolicyId"),
		    text_of(v, "Effect")) != 0)
			return -1;
	}
	json_array_foreach(json_object_get(x, "MissingContextValues"), i, v) {
		if (say(r, r->details, "A statement asks for %s, which was not there.",
		    json_string_value(v)) != 0)
			return -1;
	}
	return arn[0] == '\0' ? 0 : say_simulation(r, arn);
}

static int
say_throttle(struct report *r)
{
	const char *name = user_of(r->record);

	return say(r, r->steps, "iamctl get-login-status --user-name %s",
	    name) != 0 ? -1 : say(r, r->steps, "iamctl unlock-user --user-name %s",
	    name);
}

static int
say_hint(struct report *r, enum hint hint)
{
	const char *name = user_of(r->record);

	switch (hint) {
	case HINT_DEVICES:
		return say_devices(r);
	case HINT_THROTTLE:
		return say_throttle(r);
	case HINT_ENROL:
		return say(r, r->steps, "iamctl allow-mfa-enrolment --user-name %s",
		    name);
	case HINT_POLICY:
		return say_policy(r);
	case HINT_DOCTOR:
		return say(r, r->steps, "iamctl doctor");
	case HINT_PASSWORD:
		return say(r, r->steps, "iamctl get-login-status --user-name %s", name);
	case HINT_EXPIRED:
		return say(r, r->steps, "iamctl update-login-profile --user-name %s"
		    " --password-stdin --password-reset-required", name);
	case HINT_CERTIFICATE:
		return say(r, r->details, "Its serial number is %s.",
		    text_of(additional(r->record), "CertificateSerial")) != 0 ? -1 :
		    say(r, r->steps, "iamctl get-ssh-certificate-authority");
	case HINT_NONE:
		break;
	}
	return 0;
}

/* The sentence, and what it is about. */
static const char *
summary_of(const json_t *record, enum hint *ret)
{
	const json_t *x = additional(record);
	const char *reason = text_of(x, "reason"), *decision = text_of(x, "Decision");
	size_t i;

	for (i = 0; i < IAM_COUNT(reasons); i++) {
		if (strcmp(reasons[i].reason, reason) == 0) {
			*ret = reasons[i].hint;
			return reasons[i].summary;
		}
	}
	*ret = HINT_POLICY;
	if (strcmp(decision, "explicitDeny") == 0)
		return "A statement of a policy denies it.";
	if (strcmp(decision, "implicitDeny") == 0)
		return "No statement of any policy allows it under these conditions.";
	if (!denied(record))
		return "It was permitted.";
	*ret = HINT_NONE;
	return "It was denied; the event does not say more.";
}

/* The user's, or that of the session of a role. */
static const char *
name_of(const json_t *record)
{
	const json_t *who = json_object_get(record, "userIdentity");
	const char *slash = strrchr(text_of(who, "arn"), '/');

	return user_of(record)[0] != '\0' || slash == NULL ? user_of(record) :
	    slash + 1;
}

static json_t *
explanation_shape(const json_t *record, const char *summary)
{
	const json_t *x = additional(record);

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:[],s:[]}", "EventId",
	    text_of(record, "eventID"), "EventName", text_of(record, "eventName"),
	    "EventTime", text_of(record, "eventTime"), "UserName", name_of(record),
	    "SourceIPAddress", text_of(record, "sourceIPAddress"), "Service",
	    text_of(x, "Service"), "Outcome", denied(record) ? "Failure" : "Success",
	    "Reason", text_of(x, "reason"), "Summary", summary, "Details",
	    "NextSteps");
}

static int
explain_login(struct op_call *c)
{
	struct report r = { .c = c };
	json_t *record = NULL, *shape;
	enum hint hint;
	int ret = -1;

	if (find_event(c, &record) != 0)
		return -1;
	shape = explanation_shape(record, summary_of(record, &hint));
	if (shape == NULL)
		no_memory(c);
	else {
		r.record = record;
		r.details = json_object_get(shape, "Details");
		r.steps = json_object_get(shape, "NextSteps");
		ret = say_hint(&r, hint);
	}
	if (ret == 0)
		ret = out_set(c, "LoginExplanation", json_incref(shape));
	json_decref(shape);
	json_decref(record);
	return ret;
}

/* ---- rows ---- */

static const struct op_param explain_params[] = {
	{ .name = "EventId", .type = OP_STRING, .required = true, .min = 36,
	    .max = 36, .help = "The event's id, as the person was told it." },
	PARAM_END
};

const struct op ops_explain[] = {
	{ .name = "ExplainLogin", .service = "host",
	    .summary = "Say why a login was let in or not: code, throttle, statement,"
	    " time window or missing value, and what to do.",
	    .params = explain_params, .read_only = true, .needs_init = true,
	    .run = explain_login },
	{ .name = NULL },
};
