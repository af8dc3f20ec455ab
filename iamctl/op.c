#include "common/base/base.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#include "iamctl/op.h"

#define OPS_MAX 256

static const struct op_group groups[] = {
	{ "This host", ops_host },
	{ "Users", ops_user },
	{ "Local accounts", ops_adopt },
	{ "Groups", ops_group },
	{ "Roles", ops_role },
	{ "Policies", ops_policy },
	{ "Passwords", ops_login },
	{ "Password policy", ops_password_policy },
	{ "MFA devices", ops_mfa },
	{ "Enrolment at login", ops_enrol },
	{ "Recovery codes", ops_recovery },
	{ "SSH public keys", ops_sshkey },
	{ "Temporary credentials", ops_token },
	{ "Becoming a role", ops_assume },
	{ "Account", ops_account },
	{ "Access", ops_access },
	{ "Trail", ops_trail },
	{ "Logins explained", ops_explain },
	{ NULL, NULL },
};

const struct op_group *
op_groups(void)
{
	return groups;
}

const struct op *const *
op_all(void)
{
	static const struct op *all[OPS_MAX + 1];
	const struct op_group *g;
	const struct op *o;
	size_t n = 0;

	if (all[0] != NULL)
		return all;
	for (g = groups; g->title != NULL; g++)
		for (o = g->ops; o->name != NULL && n < OPS_MAX; o++)
			all[n++] = o;
	return all;
}

const struct op *
op_find(const char *name)
{
	const struct op *const *o;
	char kebab[OP_KEBAB_MAX];

	for (o = op_all(); *o != NULL; o++) {
		op_kebab((*o)->name, kebab);
		if (strcmp((*o)->name, name) == 0 || strcmp(kebab, name) == 0)
			return *o;
	}
	return NULL;
}

const struct op_param *
op_param_find(const struct op *op, const char *name)
{
	const struct op_param *p;

	for (p = op->params; p != NULL && p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* Does a word begin at s[i]? Capitals are words: "SSHPublic" is two. A plural
 * of capitals at the end ("ARNs") is one. */
static bool
word_begins(const char *s, size_t i)
{
	if (i == 0 || !isupper((unsigned char)s[i]))
		return false;
	if (!isupper((unsigned char)s[i - 1]))
		return true;
	return islower((unsigned char)s[i + 1]) &&
	    !(s[i + 1] == 's' && s[i + 2] == '\0');
}

void
op_kebab(const char *name, char ret[OP_KEBAB_MAX])
{
	size_t i, n = 0;

	for (i = 0; name[i] != '\0' && n + 2 < OP_KEBAB_MAX; i++) {
		if (word_begins(name, i))
			ret[n++] = '-';
		ret[n++] = (char)tolower((unsigned char)name[i]);
	}
	ret[n] = '\0';
}

int
op_fail(struct op_call *c, const char *code, const char *fmt, ...)
{
	va_list ap;

	c->error_code = code;
	va_start(ap, fmt);
	vsnprintf(c->error_text, sizeof(c->error_text), fmt, ap);
	va_end(ap);
	return -1;
}

int
op_fail_err(struct op_call *c, int err, const char *what)
{
	char reason[128];
	int saved = errno;

	if (err == IAM_ERR_IO && saved != 0)
		return op_fail(c, "ServiceFailure", "%s: %s", what,
		    strerror_r(saved, reason, sizeof(reason)));
	return op_fail(c, "ServiceFailure", "%s: %s", what, iam_strerror(err));
}

const char *
op_str(const struct op_call *c, const char *name)
{
	return json_string_value(json_object_get(c->in, name));
}

long
op_int(const struct op_call *c, const char *name, long fallback)
{
	const json_t *v = json_object_get(c->in, name);

	return json_is_integer(v) ? (long)json_integer_value(v) : fallback;
}

bool
op_bool(const struct op_call *c, const char *name, bool fallback)
{
	const json_t *v = json_object_get(c->in, name);

	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

bool
op_has(const struct op_call *c, const char *name)
{
	return json_object_get(c->in, name) != NULL;
}
