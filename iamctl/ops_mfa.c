/*
 * Virtual MFA devices (TOTP). Rules that this file keeps: a seed leaves it
 * sealed, but for the one moment when the device is made; the codes that enable a
 * device are used up by that (S35); what shows a seed is never in an event.
 */
#include "common/base/base.h"

#include <unistd.h>

#include "common/credential/credential.h"
#include "common/runtime/runtime.h"
#include "iamctl/mfa.h"
#include "iamctl/qr.h"
#include "iamctl/sealed.h"
#include "iamctl/util.h"

#define DEVICE_ARN "arn:aws:iam::{account}:mfa{path}{VirtualMFADeviceName}"
#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"

/* An hour when it is resynchronised; two codes in a row are asked for either. */
#define RESYNC_SEARCH_STEPS 120

static const char *const secret_members[] = { "Base32StringSeed",
	"OtpauthUri", NULL };

/* ---- seeds ---- */

static uint32_t
alg_of(const char *name)
{
	return strcmp(name, "SHA256") == 0 ? TOTP_SHA256 :
	    strcmp(name, "SHA512") == 0 ? TOTP_SHA512 : TOTP_SHA1;
}

static struct totp_params
params_of(const json_t *device)
{
	return (struct totp_params){ .alg = alg_of(text_of(device, "Algorithm")),
		.digits = (uint32_t)json_integer_value(
		    json_object_get(device, "Digits")),
		.period_s = (uint32_t)json_integer_value(
		    json_object_get(device, "Period")) };
}

int
mfa_seal_seed(struct op_call *c, json_t *device, const struct secret *seed)
{
	return sealed_set(c, device, "SealedSeed", text_of(device, "SerialNumber"),
	    seed);
}

/* ---- CreateVirtualMFADevice ---- */

int
mfa_label(struct op_call *c, const char *name, char *ret, size_t size)
{
	json_t *account = NULL;
	const char *alias;
	int r;

	if ((r = store_get(c->store, "account", &account)) != 0)
		return op_fail_err(c, r, "The account could not be read");
	alias = text_of(account, "AccountAlias");
	snprintf(ret, size, "%s@%s", name, alias[0] != '\0' ? alias :
	    c->account_id);
	json_decref(account);
	return 0;
}

static int
bootstrap_uri(struct op_call *c, const json_t *device,
    const struct secret *seed, struct secret *ret)
{
	struct totp_params params = params_of(device);
	char label[400];
	int r;

	if (mfa_label(c, op_str(c, "VirtualMFADeviceName"), label,
	    sizeof(label)) != 0)
		return -1;
	if ((r = otpauth_uri("Host IAM", label, seed, &params, ret)) != 0)
		return op_fail_err(c, r, "The otpauth URI could not be made");
	return 0;
}

/* Into the file that was asked for, as the AWS CLI: a picture, or the seed. */
static int
give_file(struct op_call *c, const struct secret *base32,
    const struct secret *uri)
{
	int r;

	if (strcmp(op_str_or(c, "BootstrapMethod", "QRCodePNG"),
	    "QRCodePNG") == 0)
		r = qr_png(secret_str(uri), &c->outfile);
	else {
		buf_put(&c->outfile, base32->p, base32->len);
		r = c->outfile.err;
	}
	return r != 0 ? op_fail_err(c, r, "The file could not be made") : 0;
}

/* Into the answer and onto the terminal. */
static int
give_answer(struct op_call *c, json_t *shape, const struct secret *base32,
    const struct secret *uri)
{
	int r;

	c->secret_members = secret_members;
	if (member_set(c, shape, "Base32StringSeed",
	    json_string(secret_str(base32))) != 0 ||
	    member_set(c, shape, "OtpauthUri", json_string(secret_str(uri))) != 0)
		return -1;
	if ((r = qr_terminal(secret_str(uri), c->utf8, &c->picture)) != 0)
		return op_fail_err(c, r, "The QR code could not be made");
	return 0;
}

static int
give_seed(struct op_call *c, const json_t *device, json_t *shape,
    const struct secret *seed)
{
	struct secret base32 = SECRET_INIT, uri = SECRET_INIT;
	int r;

	if ((r = base32_encode(seed, &base32)) != 0)
		r = op_fail_err(c, r, "The seed could not be written down");
	else if ((r = bootstrap_uri(c, device, seed, &uri)) == 0)
		r = op_has(c, "Outfile") ? give_file(c, &base32, &uri) :
		    give_answer(c, shape, &base32, &uri);
	secret_release(&base32);
	secret_release(&uri);
	return r;
}

static int
new_device(struct op_call *c, const char *name, json_t **ret)
{
	const char *path = op_str_or(c, "Path", "/");
	json_t *device;

	device = json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:[]}", "Path", path,
	    "Algorithm", op_str_or(c, "Algorithm", "SHA1"),
	    "Digits", (int)op_int(c, "Digits", 6),
	    "Period", (int)op_int(c, "Period", 30), "EnableStep", 0,
	    "DriftSteps", 0, "Tags");
	if (device == NULL)
		return no_memory(c);
	*ret = device;
	if (params_of(device).digits != 6 && params_of(device).digits != 8)
		return op_fail(c, "InvalidInput", "A code has 6 or 8 digits.");
	if (params_of(device).period_s != 30 && params_of(device).period_s != 60)
		return op_fail(c, "InvalidInput", "A code is good for 30 or 60"
		    " seconds.");
	if (member_set(c, device, "CreateDate", time_now(c)) != 0)
		return -1;
	return member_set(c, device, "SerialNumber",
	    arn_new(c, "mfa", path, name));
}

static int
make_device(struct op_call *c, const char *name, json_t **ret)
{
	struct secret seed = SECRET_INIT;
	json_t *shape = NULL;
	int r;

	if (new_device(c, name, ret) != 0 || tags_merge(c, *ret) != 0)
		return -1;
	if (strlen(text_of(*ret, "SerialNumber")) > 255)
		return op_fail(c, "InvalidInput", "Path and name together are too long"
		    " for a serial number of at most 255 characters.");
	if ((r = totp_seed_new(&seed)) != 0)
		return op_fail_err(c, r, "No seed could be made");
	shape = json_pack("{s:s}", "SerialNumber", text_of(*ret, "SerialNumber"));
	r = shape == NULL ? no_memory(c) : mfa_seal_seed(c, *ret, &seed);
	if (r == 0 && (r = give_seed(c, *ret, shape, &seed)) == 0)
		r = out_set(c, "VirtualMFADevice", json_incref(shape));
	secret_release(&seed);
	json_decref(shape);
	return r;
}

static int
create_virtual_mfa_device(struct op_call *c)
{
	const char *name = op_str(c, "VirtualMFADeviceName");
	json_t *device = NULL, *old = NULL;
	int r = -1;

	if (document_find(c, "mfa", name, &old) != 0)
		goto out;
	if (old != NULL) {
		op_fail(c, "EntityAlreadyExists", "MFADevice entity at the same path"
		    " and name already exists: %s.", text_of(old, "SerialNumber"));
		goto out;
	}
	if (quota_check(c, "mfa", (uint64_t)QUOTA_USERS * QUOTA_DEVICES_PER_USER,
	    "MFADevices") == 0 && make_device(c, name, &device) == 0)
		r = document_put(c, "mfa", name, device);
out:
	json_decref(old);
	json_decref(device);
	return r;
}

/* ---- finding ---- */

static int
device_get(struct op_call *c, json_t **ret)
{
	const char *serial = op_str(c, "SerialNumber");
	const char *name = strrchr(serial, '/');

	*ret = NULL;
	if (name != NULL && name_is_iam(name + 1, 226) &&
	    document_find(c, "mfa", name + 1, ret) != 0)
		return -1;
	if (*ret == NULL || strcmp(text_of(*ret, "SerialNumber"), serial) != 0)
		return op_fail(c, "NoSuchEntity", "VirtualMFADevice with serial number"
		    " %s does not exist.", serial);
	return 0;
}

static int
device_put(struct op_call *c, const json_t *device)
{
	return document_put(c, "mfa",
	    strrchr(text_of(device, "SerialNumber"), '/') + 1, device);
}

static bool
is_enabled(const json_t *device)
{
	return text_of(device, "UserName")[0] != '\0';
}

/* The device, enabled for the call's user (if one is named). */
static int
device_get_enabled(struct op_call *c, json_t **ret)
{
	const char *user = op_str(c, "UserName");

	if (device_get(c, ret) != 0)
		return -1;
	if (!is_enabled(*ret) || (user != NULL &&
	    name_cmp(text_of(*ret, "UserName"), user) != 0))
		return op_fail(c, "NoSuchEntity", "MFADevice %s is not enabled for %s.",
		    op_str(c, "SerialNumber"), user != NULL ? user : "anyone");
	return 0;
}

/* ---- EnableMFADevice, ResyncMFADevice ---- */

/* Codes up to this step have been used: by enabling, or at a login. */
static int
used_step(struct op_call *c, const json_t *device, uint32_t uid,
    uint64_t *ret)
{
	struct runtime *rt = NULL;
	uint64_t last = 0;
	int r;

	*ret = (uint64_t)json_integer_value(json_object_get(device, "EnableStep"));
	if (host_runtime_open(c, &rt) != 0)
		return -1;
	if (rt == NULL)
		return 0;
	r = runtime_totp_last(rt, uid, text_of(device, "SerialNumber"), &last);
	runtime_close(rt);
	if (r != 0)
		return op_fail_err(c, r, IAM_PATH_RUN);
	if (last > *ret)
		*ret = last;
	return 0;
}

static int
sync_device(struct op_call *c, json_t *device, uint32_t uid, unsigned steps)
{
	struct totp_params params = params_of(device);
	struct secret seed = SECRET_INIT;
	uint64_t min_step, step = 0;
	int32_t drift = 0;
	bool ok = false;
	int r;

	if (used_step(c, device, uid, &min_step) != 0 ||
	    sealed_get(c, device, "SealedSeed",
	    text_of(device, "SerialNumber"), &seed) != 0)
		return -1;
	r = totp_sync(&seed, &params, op_str(c, "AuthenticationCode1"),
	    op_str(c, "AuthenticationCode2"), c->now_s, min_step, steps, &ok,
	    &drift, &step);
	secret_release(&seed);
	if (r != 0)
		return op_fail_err(c, r, "The codes could not be checked");
	if (!ok)
		return op_fail(c, "InvalidAuthenticationCode", "Authentication code for"
		    " device is not valid: two codes are needed that the device shows"
		    " one after the other, and none that was used before.");
	if (member_set(c, device, "EnableStep",
	    json_integer((json_int_t)step)) != 0)
		return -1;
	json_object_del(device, "LearntDriftSteps");
	return member_set(c, device, "DriftSteps", json_integer(drift));
}

int
mfa_count_devices(struct op_call *c, const json_t *user, uint64_t *ret)
{
	return document_count_with(c, "UserName", text_of(user, "UserName"), ret);
}

static int
check_enable(struct op_call *c, const json_t *user, const json_t *device)
{
	uint64_t n;

	if (is_enabled(device))
		return op_fail(c, "EntityAlreadyExists", "MFADevice %s is in use by"
		    " user %s already; deactivate it first.",
		    text_of(device, "SerialNumber"), text_of(device, "UserName"));
	if (mfa_count_devices(c, user, &n) != 0)
		return -1;
	if (n >= QUOTA_DEVICES_PER_USER)
		return op_fail(c, "LimitExceeded", "Cannot exceed quota for"
		    " MFADevicesPerUser: %d.", QUOTA_DEVICES_PER_USER);
	return 0;
}

static uint32_t
uid_of(const json_t *user)
{
	return (uint32_t)json_integer_value(json_object_get(user, "Uid"));
}

static int
enable_mfa_device(struct op_call *c)
{
	json_t *user = NULL, *device = NULL;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) != 0 ||
	    device_get(c, &device) != 0 || check_enable(c, user, device) != 0 ||
	    sync_device(c, device, uid_of(user), MFA_ENABLE_SEARCH_STEPS) != 0 ||
	    member_set(c, device, "UserName",
	    json_string(text_of(user, "UserName"))) != 0 ||
	    member_set(c, device, "EnableDate", time_now(c)) != 0)
		goto out;
	r = device_put(c, device);
out:
	json_decref(device);
	json_decref(user);
	return r;
}

static int
resync_mfa_device(struct op_call *c)
{
	json_t *user = NULL, *device = NULL;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) == 0 &&
	    device_get_enabled(c, &device) == 0 &&
	    sync_device(c, device, uid_of(user), RESYNC_SEARCH_STEPS) == 0)
		r = device_put(c, device);
	json_decref(device);
	json_decref(user);
	return r;
}

/* ---- RecordMFADrift ---- */

/* Within what the module learns by itself; it changes no code that was used. */
static int
record_mfa_drift(struct op_call *c)
{
	json_t *user = NULL, *device = NULL;
	long drift = op_int(c, "DriftSteps", 0), base;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) != 0 ||
	    device_get_enabled(c, &device) != 0)
		goto out;
	base = (long)json_integer_value(json_object_get(device, "DriftSteps"));
	if (drift > base + RUNTIME_DRIFT_MAX || drift < base - RUNTIME_DRIFT_MAX)
		op_fail(c, "InvalidInput", "A device's drift is learnt up to %d steps"
		    " from its last synchronisation; resync-mfa-device sets it right.",
		    RUNTIME_DRIFT_MAX);
	else if (member_set(c, device, "LearntDriftSteps",
	    json_integer(drift)) == 0)
		r = device_put(c, device);
out:
	json_decref(device);
	json_decref(user);
	return r;
}

/* ---- DeactivateMFADevice, DeleteVirtualMFADevice ---- */

/* Whoever lost it has time to enrol another one, where the settings say so. A
 * device of a user who is gone is taken from nobody. */
static int
restart_enrolment(struct op_call *c, const char *user_name)
{
	json_t *user = NULL;
	int r;

	if ((r = document_find(c, "users", user_name, &user)) == 0 &&
	    user != NULL && (r = member_set(c, user, "MFAEnrolmentFrom",
	    time_now(c))) == 0)
		r = user_put(c, user);
	json_decref(user);
	return r;
}

/* EnableStep stays: codes that were used are not good a second time. */
static int
deactivate_mfa_device(struct op_call *c)
{
	json_t *user = NULL, *device = NULL;
	int r = -1;

	if ((op_has(c, "UserName") &&
	    user_get(c, op_str(c, "UserName"), &user) != 0) ||
	    device_get_enabled(c, &device) != 0 ||
	    restart_enrolment(c, text_of(device, "UserName")) != 0)
		goto out;
	json_object_del(device, "UserName");
	json_object_del(device, "EnableDate");
	r = device_put(c, device);
out:
	json_decref(device);
	json_decref(user);
	return r;
}

static int
delete_virtual_mfa_device(struct op_call *c)
{
	json_t *device = NULL;
	int r = -1;

	if (device_get(c, &device) != 0)
		goto out;
	if (is_enabled(device)) {
		op_fail(c, "DeleteConflict", "MFA VirtualDevice in use by user %s. Must"
		    " deactivate first (deactivate-mfa-device).",
		    text_of(device, "UserName"));
		goto out;
	}
	r = document_delete(c, "mfa",
	    strrchr(text_of(device, "SerialNumber"), '/') + 1);
out:
	json_decref(device);
	return r;
}

/* ---- tags ---- */

static int
change_tags(struct op_call *c, int (*change)(struct op_call *c, json_t *doc))
{
	json_t *device = NULL;
	int r = -1;

	if (device_get(c, &device) == 0 && change(c, device) == 0)
		r = device_put(c, device);
	json_decref(device);
	return r;
}

static int
tag_mfa_device(struct op_call *c)
{
	return change_tags(c, tags_merge);
}

static int
untag_mfa_device(struct op_call *c)
{
	return change_tags(c, tags_remove);
}

static int
list_mfa_device_tags(struct op_call *c)
{
	json_t *device = NULL;
	int r = -1;

	if (device_get(c, &device) == 0)
		r = tags_list(c, device);
	json_decref(device);
	return r;
}

/* ---- lists ---- */

struct listing {
	struct op_call *c;
	struct page page;
	const char *user_name; /* NULL: anyone */
	const char *assigned;  /* "Assigned", "Unassigned", "Any" */
};

/* "mfa/phone": what pages are ordered by. */
static const char *
device_name(const char *key)
{
	return strchr(key, '/') + 1;
}

static int
list_mfa_device(void *arg, const char *key, json_t *device)
{
	static const char *const names[] = { "UserName", "SerialNumber",
		"EnableDate", NULL };
	struct listing *l = arg;

	if (!page_wants(&l->page, device_name(key)))
		return l->page.truncated ? VISIT_STOP : VISIT_NEXT;
	return page_add(&l->page, l->c, device_name(key), members_of(device, names)) == 0 ?
	    VISIT_NEXT : VISIT_FAILED;
}

static int
list_mfa_devices(struct op_call *c)
{
	struct listing l = { .c = c };
	json_t *user = NULL;
	int r = -1;

	if (user_of_call(c, &user) != 0 || page_init(&l.page, c) != 0)
		goto out;
	l.user_name = text_of(user, "UserName");
	if (page_each(&l.page, c, "mfa", "UserName", l.user_name,
	    list_mfa_device, &l) == 0)
		r = page_end(&l.page, c, "MFADevices");
out:
	page_release(&l.page);
	json_decref(user);
	return r;
}

static json_t *
virtual_shape(struct listing *l, const json_t *device)
{
	static const char *const names[] = { "SerialNumber", "EnableDate", NULL };
	json_t *ret = members_of(device, names), *user = NULL;
	int r = ret == NULL ? -1 : 0;

	if (r == 0 && is_enabled(device) && (r = user_get(l->c,
	    text_of(device, "UserName"), &user)) == 0)
		r = json_object_set_new(ret, "User", user_shape(user, true));
	json_decref(user);
	if (r == 0)
		return ret;
	json_decref(ret);
	return NULL;
}

static int
list_virtual_device(void *arg, const char *key, json_t *device)
{
	struct listing *l = arg;
	json_t *shape;

	if (strcmp(l->assigned, "Any") != 0 &&
	    is_enabled(device) != (strcmp(l->assigned, "Assigned") == 0))
		return VISIT_NEXT;
	if (!page_wants(&l->page, device_name(key)))
		return l->page.truncated ? VISIT_STOP : VISIT_NEXT;
	if ((shape = virtual_shape(l, device)) == NULL) {
		if (l->c->error_code == NULL)
			no_memory(l->c);
		return VISIT_FAILED;
	}
	return page_add(&l->page, l->c, device_name(key), shape) == 0 ? VISIT_NEXT :
	    VISIT_FAILED;
}

static int
list_virtual_mfa_devices(struct op_call *c)
{
	struct listing l = { .c = c,
		.assigned = op_str_or(c, "AssignmentStatus", "Any") };
	int r = -1;

	if (page_init(&l.page, c) != 0)
		return -1;
	if (page_each(&l.page, c, "mfa", NULL, NULL, list_virtual_device, &l) == 0)
		r = page_end(&l.page, c, "VirtualMFADevices");
	page_release(&l.page);
	return r;
}

/* ---- rows ---- */

#define PARAM_SERIAL \
	{ .name = "SerialNumber", .type = OP_STRING, .required = true, .min = 9, \
	    .max = 256, .help = "The device's serial number, an ARN." }
#define PARAM_CODE(param, text) \
	{ .name = (param), .type = OP_STRING, .required = true, .min = 6, \
	    .max = 8, .pattern = OP_CODE6, .help = (text) }

static const struct op_param create_params[] = {
	{ .name = "VirtualMFADeviceName", .type = OP_STRING, .required = true,
	    .min = 1, .max = 226, .pattern = OP_IAM_NAME,
	    .help = "The new device's name, often the user's." },
	PARAM_PATH,
	PARAM_TAGS(false),
	{ .name = "Outfile", .type = OP_OUTFILE,
	    .help = "The file that gets the QR code or the seed." },
	{ .name = "BootstrapMethod", .type = OP_STRING,
	    .choices = "QRCodePNG|Base32StringSeed", .fallback = "QRCodePNG",
	    .help = "What the file gets." },
	{ .name = "Algorithm", .type = OP_STRING,
	    .choices = "SHA1|SHA256|SHA512", .fallback = "SHA1",
	    .help = "The hash; many apps know SHA1 only. (Extension.)" },
	{ .name = "Digits", .type = OP_INT, .min = 6, .max = 8, .fallback = "6",
	    .help = "Digits of a code, 6 or 8. (Extension.)" },
	{ .name = "Period", .type = OP_INT, .min = 30, .max = 60,
	    .fallback = "30", .help = "Seconds between codes, 30 or 60."
	    " (Extension.)" },
	PARAM_END
};

static const struct op_param codes_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_SERIAL,
	PARAM_CODE("AuthenticationCode1", "A code that the device shows."),
	PARAM_CODE("AuthenticationCode2", "The code that it shows next."),
	PARAM_END
};

static const struct op_param drift_params[] = {
	PARAM_USER_NAME(true, "The user."),
	PARAM_SERIAL,
	{ .name = "DriftSteps", .type = OP_INT, .required = true, .min = -2884,
	    .max = 2884, .help = "How many steps its clock runs ahead." },
	PARAM_END
};

static const struct op_param deactivate_params[] = {
	PARAM_USER_NAME(false, "The user; by default whoever has it."),
	PARAM_SERIAL,
	PARAM_END
};

static const struct op_param delete_params[] = {
	PARAM_SERIAL,
	PARAM_END
};

static const struct op_param tag_params[] = {
	PARAM_SERIAL,
	PARAM_TAGS(true),
	PARAM_END
};

static const struct op_param untag_params[] = {
	PARAM_SERIAL,
	{ .name = "TagKeys", .type = OP_TAG_KEYS, .required = true,
	    .max = QUOTA_TAGS, .help = "The keys of the tags to be removed." },
	PARAM_END
};

static const struct op_param list_tags_params[] = {
	PARAM_SERIAL,
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param list_params[] = {
	PARAM_USER_NAME(false, "The user; by default the caller."),
	PARAM_PAGING,
	PARAM_END
};

static const struct op_param list_virtual_params[] = {
	{ .name = "AssignmentStatus", .type = OP_STRING,
	    .choices = "Assigned|Unassigned|Any", .fallback = "Any",
	    .help = "Only devices that are, or are not, enabled for a user." },
	PARAM_PAGING,
	PARAM_END
};

const struct op ops_mfa[] = {
	{ .name = "CreateVirtualMFADevice", .service = "iam",
	    .summary = "Make a virtual MFA device, to be enabled with two codes.",
	    .params = create_params, .resource = DEVICE_ARN, .needs_init = true,
	    .run = create_virtual_mfa_device },
	{ .name = "EnableMFADevice", .service = "iam",
	    .summary = "Enable a device for a user, with two codes in a row.",
	    .params = codes_params, .resource = USER_ARN, .needs_init = true,
	    .run = enable_mfa_device },
	{ .name = "ResyncMFADevice", .service = "iam",
	    .summary = "Set a device right whose clock is off, with two codes in a"
	    " row.",
	    .params = codes_params, .resource = USER_ARN, .needs_init = true,
	    .run = resync_mfa_device },
	{ .name = "RecordMFADrift", .service = "host",
	    .summary = "Keep what logins have learnt of a device's clock; logins do"
	    " it.",
	    .params = drift_params, .resource = USER_ARN, .needs_init = true,
	    .run = record_mfa_drift, .access = OP_ACCESS_SELF },
	{ .name = "DeactivateMFADevice", .service = "iam",
	    .summary = "Take a device from its user.",
	    .params = deactivate_params, .resource = USER_ARN,
	    .needs_init = true, .run = deactivate_mfa_device },
	{ .name = "DeleteVirtualMFADevice", .service = "iam",
	    .summary = "Delete a device that nobody has.",
	    .params = delete_params, .resource = "{SerialNumber}",
	    .needs_init = true, .run = delete_virtual_mfa_device },
	{ .name = "ListMFADevices", .service = "iam",
	    .summary = "List the devices of a user.",
	    .params = list_params, .resource = USER_ARN, .read_only = true,
	    .needs_init = true, .run = list_mfa_devices,
	    .columns = "UserName,SerialNumber,EnableDate" },
	{ .name = "ListVirtualMFADevices", .service = "iam",
	    .summary = "List the virtual devices of the account.",
	    .params = list_virtual_params, .read_only = true,
	    .needs_init = true, .run = list_virtual_mfa_devices },
	{ .name = "TagMFADevice", .service = "iam",
	    .summary = "Add tags to a device, or change their values.",
	    .params = tag_params, .resource = "{SerialNumber}",
	    .needs_init = true, .run = tag_mfa_device },
	{ .name = "UntagMFADevice", .service = "iam",
	    .summary = "Remove tags from a device.",
	    .params = untag_params, .resource = "{SerialNumber}",
	    .needs_init = true, .run = untag_mfa_device },
	{ .name = "ListMFADeviceTags", .service = "iam",
	    .summary = "List the tags of a device.",
	    .params = list_tags_params, .resource = "{SerialNumber}",
	    .read_only = true, .needs_init = true, .run = list_mfa_device_tags,
	    .columns = "Key,Value" },
	{ .name = NULL },
};
