/*
 * Enrolment at login: a user without an MFA device gets one of her own making,
 * while the settings give her time for it. pam_iam runs Begin and Complete as root
 * when her password or key was right and shows her what they answer. Rules that
 * this file keeps: never a second device, never off the time, whatever the login
 * believed; the seed exists nowhere until two of its codes were right.
 */
#include "common/base/base.h"

#include "common/snapshot/principal.h"
#include "iamctl/mfa.h"
#include "iamctl/qr.h"

#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"
#define ISSUER "Host IAM"
#define SEED_LEN 20 /* 160 bits: what RFC 4226 wants, and the QR code stays small */
#define DEVICE_NAME_TRIES 100

static const char *const secret_members[] = { "Base32StringSeed",
	"OtpauthUri", "QRCode", "Codes", NULL };

/* ---- may she? ---- */

static int
enrolment_end(struct op_call *c, const json_t *user,
    const struct host_limits *limits, int64_t *ret)
{
	int64_t created = 0, from = 0;

	(void)time_parse(text_of(user, "CreateDate"), &created);
	(void)time_parse(text_of(user, "MFAEnrolmentFrom"), &from);
	if (created > from)
		from = created;
	if (from <= 0 || from > INT64_MAX / 2)
		return op_fail_err(c, IAM_ERR_FORMAT, "CreateDate");
	*ret = from + (int64_t)limits->enrolment_days * 86400;
	return 0;
}

static int
check_may_enrol(struct op_call *c, const json_t *user)
{
	struct host_limits limits;
	uint64_t devices;
	int64_t end;

	if (host_limits_get(c, &limits) != 0)
		return -1;
	if (limits.self_enrolment == SNAP_ENROLMENT_OFF)
		return op_fail(c, "AccessDenied", "This host's settings"
		    " (mfa.selfEnrolment) leave MFA devices to the administrator.");
	if (enrolment_end(c, user, &limits, &end) != 0)
		return -1;
	if (c->now_s >= end)
		return op_fail(c, "AccessDenied", "The time in which user %s could"
		    " enrol a device is over; allow-mfa-enrolment begins it anew.",
		    text_of(user, "UserName"));
	if (mfa_count_devices(c, user, &devices) != 0)
		return -1;
	if (devices > 0)
		return op_fail(c, "EntityAlreadyExists", "User %s has an MFA device"
		    " already.", text_of(user, "UserName"));
	return 0;
}

/* ---- BeginMFAEnrolment ---- */

/*
 * The shortest URI that says it: what is left out has these values by default
 * (Key Uri Format). A QR code that is too big for the screen is no use, so a long
 * name goes without the account.
 */
static int
short_uri(struct op_call *c, const json_t *user, bool utf8,
    const struct secret *base32, struct buf *ret)
{
	const char *name = text_of(user, "UserName");
	char label[400];
	int pass;

	if (mfa_label(c, name, label, sizeof(label)) != 0)
		return -1;
	for (pass = utf8 ? 0 : 1; pass < 2; pass++) {
		buf_reset(ret);
		buf_puts(ret, "otpauth://totp/");
		if (pass == 0) {
			uri_encode(ret, ISSUER);
			buf_putc(ret, ':');
		}
		uri_encode(ret, pass == 0 ? label : name);
		buf_printf(ret, "?secret=%s", secret_str(base32));
		if (pass == 0) {
			buf_puts(ret, "&issuer=");
			uri_encode(ret, ISSUER);
		}
		if (ret->len <= QR_LINE_MAX)
			break;
	}
	return ret->err != 0 ? op_fail_err(c, ret->err, "The otpauth URI could not"
	    " be made") : 0;
}

/* Lines of text as a list. */
static int
add_lines(struct op_call *c, json_t *shape, struct buf *lines)
{
	const char *line = buf_cstr(lines), *end;
	json_t *list = json_array();
	int r = list == NULL ? no_memory(c) : 0;

	for (; r == 0 && (end = strchr(line, '\n')) != NULL; line = end + 1)
		r = list_add(c, list, json_stringn(line, (size_t)(end - line)));
	if (r == 0)
		r = member_set(c, shape, "QRCode", json_incref(list));
	json_decref(list);
	return r;
}

static int
give_enrolment(struct op_call *c, const json_t *user,
    const struct secret *base32)
{
	bool utf8 = strcmp(op_str_or(c, "Charset", "UTF-8"), "UTF-8") == 0;
	struct buf uri = BUF_INIT, lines = BUF_INIT;
	json_t *shape = NULL;
	int r;

	if (short_uri(c, user, utf8, base32, &uri) != 0)
		goto fail;
	if ((r = qr_plain(buf_cstr(&uri), utf8, &lines)) != 0) {
		op_fail_err(c, r, "The QR code could not be made");
		goto fail;
	}
	shape = json_pack("{s:s,s:s}", "Base32StringSeed", secret_str(base32),
	    "OtpauthUri", buf_cstr(&uri));
	if (add_lines(c, shape, &lines) != 0)
		goto fail;
	buf_release(&uri);
	buf_release(&lines);
	return out_set(c, "Enrolment", shape);
fail:
	json_decref(shape);
	buf_release(&uri);
	buf_release(&lines);
	return -1;
}

static int
begin_mfa_enrolment(struct op_call *c)
{
	struct secret seed = SECRET_INIT, base32 = SECRET_INIT;
	json_t *user = NULL;
	int r = -1;

	c->secret_members = secret_members;
	if (user_get(c, op_str(c, "UserName"), &user) != 0 ||
	    check_may_enrol(c, user) != 0)
		goto out;
	if ((r = totp_seed_new(&seed)) == 0) {
		seed.len = SEED_LEN;
		r = base32_encode(&seed, &base32);
		seed.len = TOTP_SEED_NEW;
	}
	r = r != 0 ? op_fail_err(c, r, "No seed could be made") :
	    give_enrolment(c, user, &base32);
out:
	secret_release(&seed);
	secret_release(&base32);
	json_decref(user);
	return r;
}

/* ---- CompleteMFAEnrolment ---- */

static int
check_codes(struct op_call *c, const struct secret *seed, int32_t *ret_drift,
    uint64_t *ret_step)
{
	const struct totp_params params = { TOTP_SHA1, 6, 30, 0 };
	bool ok = false;
	int r;

	r = totp_sync(seed, &params, op_str(c, "AuthenticationCode1"),
	    op_str(c, "AuthenticationCode2"), c->now_s, 0, MFA_ENABLE_SEARCH_STEPS,
	    &ok, ret_drift, ret_step);
	if (r != 0)
		return op_fail_err(c, r, "The codes could not be checked");
	return ok ? 0 : op_fail(c, "InvalidAuthenticationCode", "Two codes are"
	    " needed that the device shows one after the other.");
}

/* The user's name, with a number behind it when there is such a device. */
static int
free_name(struct op_call *c, const char *user_name, char *ret, size_t size)
{
	json_t *doc;
	int i;

	snprintf(ret, size, "%s", user_name);
	for (i = 2; i < DEVICE_NAME_TRIES; i++) {
		if (document_find(c, "mfa", ret, &doc) != 0)
			return -1;
		if (doc == NULL)
			return 0;
		json_decref(doc);
		snprintf(ret, size, "%s-%d", user_name, i);
	}
	return op_fail(c, "LimitExceeded", "Too many devices are named after user"
	    " %s; delete-virtual-mfa-device removes unused ones.", user_name);
}

static int
put_device(struct op_call *c, const json_t *user, const struct secret *seed,
    int32_t drift, uint64_t step, json_t *shape)
{
	const char *user_name = text_of(user, "UserName");
	char name[128];
	json_t *device;
	int r = -1;

	if (free_name(c, user_name, name, sizeof(name)) != 0)
		return -1;
	device = json_pack("{s:s,s:s,s:i,s:i,s:I,s:i,s:[],s:s,s:o,s:o,s:o}",
	    "Path", "/", "Algorithm", "SHA1", "Digits", 6, "Period", 30,
	    "EnableStep", (json_int_t)step, "DriftSteps", (int)drift, "Tags",
	    "UserName", user_name, "SerialNumber", arn_new(c, "mfa", "/", name),
	    "CreateDate", time_now(c), "EnableDate", time_now(c));
	if (device == NULL)
		return no_memory(c);
	if (mfa_seal_seed(c, device, seed) == 0 &&
	    document_put(c, "mfa", name, device) == 0)
		r = member_set(c, shape, "SerialNumber",
		    json_string(text_of(device, "SerialNumber")));
	json_decref(device);
	return r;
}

static int
seed_of_call(struct op_call *c, struct secret *seed)
{
	int r = base32_decode(op_str(c, "Seed"), seed);

	if (r == IAM_ERR_MEMORY)
		return no_memory(c);
	return r == 0 && seed->len == SEED_LEN ? 0 : op_fail(c, "InvalidInput",
	    "The seed must be one of begin-mfa-enrolment.");
}

static int
complete_mfa_enrolment(struct op_call *c)
{
	json_t *user = NULL, *codes = NULL, *shape = json_object();
	struct secret seed = SECRET_INIT;
	uint64_t step = 0;
	int32_t drift = 0;
	int r = -1;

	c->secret_members = secret_members;
	if (user_get(c, op_str(c, "UserName"), &user) != 0 ||
	    check_may_enrol(c, user) != 0 || seed_of_call(c, &seed) != 0 ||
	    check_codes(c, &seed, &drift, &step) != 0 ||
	    put_device(c, user, &seed, drift, step, shape) != 0 ||
	    recovery_make(c, user, &codes) != 0 || user_put(c, user) != 0 ||
	    member_set(c, shape, "Codes", json_incref(codes)) != 0)
		goto out;
	r = out_set(c, "Enrolment", json_incref(shape));
out:
	secret_release(&seed);
	json_decref(codes);
	json_decref(shape);
	json_decref(user);
	return r;
}

/* ---- AllowMFAEnrolment ---- */

static int
allow_mfa_enrolment(struct op_call *c)
{
	struct host_limits limits;
	json_t *user = NULL;
	char iso[TZ_ISO_LEN];
	int64_t end;
	int r = -1;

	if (host_limits_get(c, &limits) != 0 ||
	    user_get(c, op_str(c, "UserName"), &user) != 0 ||
	    member_set(c, user, "MFAEnrolmentFrom", time_now(c)) != 0 ||
	    enrolment_end(c, user, &limits, &end) != 0 || user_put(c, user) != 0)
		goto out;
	if (limits.self_enrolment == SNAP_ENROLMENT_OFF)
		(void)json_array_append_new(c->warnings, json_string("it has no effect"
		    " while mfa.selfEnrolment in iam.json is off"));
	tz_iso(end, iso);
	r = out_set(c, "EnrolUntil", json_string(iso));
out:
	json_decref(user);
	return r;
}

/* ---- rows ---- */

#define PARAM_CODE(param, text) \
	{ .name = (param), .type = OP_SECRET, .required = true, .min = 6, \
	    .max = 8, .pattern = OP_CODE6, .help = (text) }

static const struct op_param begin_params[] = {
	PARAM_USER_NAME(true, "The user."),
	{ .name = "Charset", .type = OP_STRING, .choices = "UTF-8|ASCII",
	    .fallback = "UTF-8", .help = "What the QR code is drawn with." },
	PARAM_END
};

static const struct op_param complete_params[] = {
	PARAM_USER_NAME(true, "The user."),
	{ .name = "Seed", .type = OP_SECRET, .required = true, .min = 16,
	    .max = 128, .help = "The seed of begin-mfa-enrolment." },
	PARAM_CODE("AuthenticationCode1", "A code that the device shows."),
	PARAM_CODE("AuthenticationCode2", "The code that it shows next."),
	PARAM_END
};

static const struct op_param allow_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_END
};

const struct op ops_enrol[] = {
	{ .name = "AllowMFAEnrolment", .service = "host",
	    .summary = "Begin the time anew in which a user without an MFA device"
	    " may enrol one at login (iam.json, mfa.selfEnrolment).",
	    .params = allow_params, .resource = USER_ARN, .needs_init = true,
	    .run = allow_mfa_enrolment },
	{ .name = "BeginMFAEnrolment", .service = "host",
	    .summary = "Make a seed and its QR code for a user without an MFA device;"
	    " logins do it. Nothing is kept.",
	    .params = begin_params, .resource = USER_ARN, .read_only = true,
	    .needs_init = true, .run = begin_mfa_enrolment,
	    .access = OP_ACCESS_SELF },
	{ .name = "CompleteMFAEnrolment", .service = "host",
	    .summary = "Enable a device with that seed, with two codes in a row, and"
	    " make recovery codes; logins do it.",
	    .params = complete_params, .resource = USER_ARN, .needs_init = true,
	    .run = complete_mfa_enrolment, .access = OP_ACCESS_SELF },
	{ .name = NULL },
};
