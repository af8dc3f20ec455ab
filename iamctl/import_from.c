/*
 * import --from: passwords and second factors that people have already, so that
 * nobody has to enrol anew. Rules kept here: a hash or seed goes from the file into
 * the store and nowhere else (S9); codes up to now are used up, since the other
 * program may have seen them (S35); what cannot be taken over is named, by line.
 */
#include "common/base/base.h"

#include "iamctl/foreign.h"
#include "iamctl/host.h"
#include "iamctl/mfa.h"
#include "iamctl/sealed.h"

#define SHADOW_MAX ((size_t)16 << 20)

static int
warn(struct op_call *c, json_t *text)
{
	return list_add(c, c->warnings, text);
}

static int
answer(struct op_call *c, const char *what, unsigned n)
{
	return out_set(c, c->dry_run ? "WouldImport" : "Imported",
	    json_pack("{s:i}", what, (int)n));
}

/* The user that a row of --from names. */
static int
named_user(struct op_call *c, json_t **ret)
{
	*ret = NULL;
	if (!op_has(c, "UserName"))
		return op_fail(c, "InvalidInput", "Say for which user with --user-name.");
	return user_get(c, op_str(c, "UserName"), ret);
}

static int
document(struct op_call *c, const char **ret)
{
	*ret = op_str(c, "Document");
	if (*ret == NULL)
		return op_fail(c, "InvalidInput", "Say which file with --document"
		    " file://FILE.");
	return 0;
}

/* ---- shadow ---- */

/* A document that was given, or this host's own file; buf_release. */
static int
shadow_text(struct op_call *c, struct buf *ret)
{
	int r;

	if (op_has(c, "Document")) {
		buf_puts(ret, op_str(c, "Document"));
		return ret->err != 0 ? no_memory(c) : 0;
	}
	if ((r = file_read(IAM_PATH_SHADOW, FILE_ROOT_ONLY, SHADOW_MAX, ret)) != 0)
		return op_fail_err(c, r, IAM_PATH_SHADOW);
	return 0;
}

static int
new_profile(struct op_call *c, json_t *user, const struct foreign_password *p)
{
	char iso[TZ_ISO_LEN];
	json_t *profile;

	if (json_object_get(user, "LoginProfile") != NULL)
		return op_fail(c, "EntityAlreadyExists", "Login Profile for user %s"
		    " already exists; delete-login-profile first.",
		    text_of(user, "UserName"));
	tz_iso(p->changed_s > 0 ? p->changed_s : c->now_s, iso);
	profile = json_pack("{s:o,s:b,s:s,s:s}", "CreateDate", time_now(c),
	    "PasswordResetRequired", p->must_change, "PasswordChanged", iso,
	    "PasswordHash", p->hash);
	return member_set(c, user, "LoginProfile", profile);
}

int
import_shadow_password(struct op_call *c, json_t *user)
{
	const char *name = text_of(user, "UnixName");
	struct foreign_password p = { "", 0, false };
	struct iam_why why = { 0, 0, "" };
	struct buf text = BUF_INIT;
	int r;

	if ((r = shadow_text(c, &text)) != 0)
		goto out;
	r = foreign_shadow(buf_cstr(&text), name, &p, &why);
	if (r == IAM_ERR_ABSENT)
		r = op_fail(c, "NoSuchEntity", "There is no entry for %s.", name);
	else if (r != 0)
		r = op_fail(c, "InvalidInput", "The password of %s cannot be taken"
		    " over: %s.", name, why.text);
	else
		r = new_profile(c, user, &p);
out:
	explicit_bzero(&p, sizeof(p));
	buf_release(&text);
	return r;
}

static int
from_shadow(struct op_call *c)
{
	json_t *user;
	int r = -1;

	if (named_user(c, &user) == 0 && import_shadow_password(c, user) == 0 &&
	    user_put(c, user) == 0)
		r = answer(c, "LoginProfiles", 1);
	json_decref(user);
	return r;
}

/* ---- devices ---- */

/* The user's name, with a number behind it when that is taken. */
static int
free_name(struct op_call *c, const char *user, char *ret, size_t size)
{
	json_t *other;
	unsigned n;

	for (n = 1; n <= 100; n++) {
		snprintf(ret, size, n == 1 ? "%s" : "%s-%u", user, n);
		if (document_find(c, "mfa", ret, &other) != 0)
			return -1;
		json_decref(other);
		if (other == NULL)
			return 0;
	}
	return op_fail(c, "EntityAlreadyExists", "There are MFA devices %s to %s"
	    " already.", user, ret);
}

struct same_seed {
	struct op_call *c;
	const struct secret *seed;
	bool found;
};

static int
look_for_seed(void *arg, const char *key, json_t *device)
{
	struct secret seed = SECRET_INIT;
	struct same_seed *s = arg;
	int r;

	(void)key;
	r = sealed_get(s->c, device, "SealedSeed", text_of(device, "SerialNumber"),
	    &seed);
	if (r == 0 && seed.len == s->seed->len)
		s->found = secret_equal(seed.p, s->seed->p, seed.len);
	secret_release(&seed);
	return r != 0 ? VISIT_FAILED : s->found ? VISIT_STOP : VISIT_NEXT;
}

/* Imported before? Twice, its codes would belong to two devices. */
static int
has_device(struct op_call *c, const json_t *user, const struct secret *seed,
    bool *ret)
{
	struct same_seed s = { c, seed, false };
	int r = document_each_with(c, "mfa", "UserName",
	    text_of(user, "UserName"), look_for_seed, &s);

	*ret = s.found;
	return r;
}

/* As enable-mfa-device leaves it, with the codes up to now used up. */
static int
new_device(struct op_call *c, const char *user, const char *name,
    const struct foreign_device *d, json_t **ret)
{
	*ret = json_pack("{s:s,s:s,s:i,s:i,s:I,s:i,s:[],s:o,s:o,s:s,s:o}", "Path",
	    "/", "Algorithm", "SHA1", "Digits", (int)d->params.digits, "Period",
	    (int)d->params.period_s, "EnableStep",
	    (json_int_t)(c->now_s / (int64_t)d->params.period_s), "DriftSteps", 0,
	    "Tags", "CreateDate", time_now(c), "EnableDate", time_now(c),
	    "UserName", user, "SerialNumber", arn_new(c, "mfa", "/", name));
	if (*ret == NULL)
		return no_memory(c);
	return mfa_seal_seed(c, *ret, &d->seed);
}

static int
add_device(struct op_call *c, const json_t *user,
    const struct foreign_device *d)
{
	const char *user_name = text_of(user, "UserName");
	json_t *device = NULL;
	char name[80];
	uint64_t n;
	int r = -1;

	if (mfa_count_devices(c, user, &n) != 0)
		return -1;
	if (n >= QUOTA_DEVICES_PER_USER)
		return op_fail(c, "LimitExceeded", "Cannot exceed quota for"
		    " MFADevicesPerUser: %d (%s).", QUOTA_DEVICES_PER_USER, user_name);
	if (free_name(c, user_name, name, sizeof(name)) == 0 &&
	    new_device(c, user_name, name, d, &device) == 0)
		r = document_put(c, "mfa", name, device);
	json_decref(device);
	return r;
}

/* ---- google-authenticator ---- */

static int
google_device(struct op_call *c, const json_t *user, const char *text)
{
	struct foreign_device d = { .seed = SECRET_INIT };
	struct iam_why why = { 0, 0, "" };
	bool same = false;
	int r;

	if (foreign_google(text, &d, &why) != 0)
		return op_fail(c, "InvalidInput", "The file of google-authenticator"
		    " cannot be taken over: %s.", why.text);
	if ((r = has_device(c, user, &d.seed, &same)) == 0)
		r = !same ? add_device(c, user, &d) : op_fail(c,
		    "EntityAlreadyExists", "User %s has the device of this file"
		    " already.", text_of(user, "UserName"));
	if (r == 0 && d.scratch_codes > 0)
		r = warn(c, json_sprintf("%u emergency codes were left out:"
		    " 'iamctl create-recovery-codes --user-name %s' makes new ones",
		    d.scratch_codes, text_of(user, "UserName")));
	secret_release(&d.seed);
	return r;
}

static int
from_google(struct op_call *c)
{
	const char *text;
	json_t *user;
	int r = -1;

	if (named_user(c, &user) == 0 && document(c, &text) == 0 &&
	    google_device(c, user, text) == 0)
		r = answer(c, "MFADevices", 1);
	json_decref(user);
	return r;
}

/* ---- pam_oath ---- */

struct oath {
	struct op_call *c;
	json_t *users; /* Unix name -> user */
	unsigned line, taken;
};

static int
add_user(void *arg, const char *key, json_t *user)
{
	struct oath *o = arg;

	(void)key;
	if (json_object_set(o->users, text_of(user, "UnixName"), user) == 0)
		return VISIT_NEXT;
	no_memory(o->c);
	return VISIT_FAILED;
}

static int
left_out(struct oath *o, const char *what)
{
	return warn(o->c, json_sprintf("line %u: left out: %s", o->line, what));
}

static int
oath_line(struct oath *o, const char *line)
{
	struct foreign_device d = { .seed = SECRET_INIT };
	struct iam_why why = { 0, 0, "" };
	const json_t *user;
	bool device = false, same = false;
	int r;

	r = foreign_oath_line(line, &device, &d, &why);
	if (r != 0)
		return left_out(o, why.text[0] != '\0' ? why.text : iam_strerror(r));
	if (!device)
		return 0;
	if ((user = json_object_get(o->users, d.user)) == NULL) {
		snprintf(why.text, sizeof(why.text), "there is no user with the Unix"
		    " name %s", d.user);
		r = left_out(o, why.text);
	} else if ((r = has_device(o->c, user, &d.seed, &same)) == 0) {
		r = same ? left_out(o, "its user has this device already") :
		    add_device(o->c, user, &d);
		o->taken += r == 0 && !same;
	}
	secret_release(&d.seed);
	return r;
}

static int
oath_lines(struct oath *o, const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;
	int r = copy != NULL ? 0 : no_memory(o->c);

	while (r == 0 && (line = strsep(&rest, "\n")) != NULL) {
		o->line++;
		r = oath_line(o, line);
	}
	if (copy != NULL)
		explicit_bzero(copy, strlen(text));
	free(copy);
	return r;
}

static int
from_oath(struct op_call *c)
{
	struct oath o = { .c = c };
	const char *text;
	int r = -1;

	if (document(c, &text) != 0)
		return -1;
	if ((o.users = json_object()) == NULL)
		return no_memory(c);
	if (document_each(c, "users", add_user, &o) == 0 &&
	    oath_lines(&o, text) == 0)
		r = answer(c, "MFADevices", o.taken);
	json_decref(o.users);
	return r;
}

/* ---- the row ---- */

int
host_run_import(struct op_call *c)
{
	static const struct {
		const char *from;
		int (*run)(struct op_call *c);
	} sources[] = { { "export", import_export }, { "shadow", from_shadow },
		{ "google-authenticator", from_google }, { "oath", from_oath } };
	const char *from = op_str_or(c, "From", "export");
	size_t i;

	c->dry_run = op_bool(c, "DryRun", false);
	for (i = 0; i < IAM_COUNT(sources); i++)
		if (strcmp(sources[i].from, from) == 0)
			return sources[i].run(c);
	return op_fail_err(c, IAM_ERR_BUG, from);
}
