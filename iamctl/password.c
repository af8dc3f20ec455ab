#include "common/base/base.h"

#include <ctype.h>

#include "common/credential/credential.h"
#include "iamctl/password.h"
#include "iamctl/sealed.h"

#define PASSWORD_CHARS_MAX 128
#define DAY_S 86400
/* Of the profile: [{"SealedHash": Base64, "PasswordChanged": date}], the newest first. */
#define FORMER "FormerPasswords"

int
password_policy_get(struct op_call *c, struct password_policy *ret)
{
	json_t *account = NULL;
	int r;

	if ((r = store_get(c->store, "account", &account)) != 0)
		return op_fail_err(c, r, "The account could not be read");
	password_policy_of(account, ret);
	json_decref(account);
	return 0;
}

/* ---- form ---- */

struct form {
	long chars; /* -1: one that no prompt takes */
	bool symbol, number, upper, lower;
};

/* The classes are ASCII's, as AWS has them; any other letter just counts. */
static void
look_at(const char *s, struct form *f)
{
	unsigned char ch;

	*f = (struct form){ 0 };
	for (; *s != '\0' && f->chars >= 0; s++) {
		ch = (unsigned char)*s;
		if (ch < 0x20 || ch == 0x7f) {
			f->chars = -1;
			return;
		}
		f->chars += (ch & 0xc0) != 0x80;
		f->symbol |= ch < 0x80 && !isalnum(ch);
		f->number |= ch >= '0' && ch <= '9';
		f->upper |= ch >= 'A' && ch <= 'Z';
		f->lower |= ch >= 'a' && ch <= 'z';
	}
}

int
password_check_form(struct op_call *c, const struct password_policy *policy,
    const char *password)
{
	static const char code[] = "PasswordPolicyViolation";
	struct form f;

	look_at(password, &f);
	if (f.chars < 0)
		return op_fail(c, code, "A password must not have line breaks or other"
		    " control characters.");
	if (f.chars < (long)policy->min_len || f.chars == 0)
		return op_fail(c, code, "Password should have a minimum length of %u.",
		    policy->min_len);
	if (f.chars > PASSWORD_CHARS_MAX || strlen(password) > PASSWORD_MAX)
		return op_fail(c, code, "Password should have a maximum length of %d.",
		    PASSWORD_CHARS_MAX);
	if (policy->uppercase && !f.upper)
		return op_fail(c, code, "Password should have at least one uppercase"
		    " letter.");
	if (policy->lowercase && !f.lower)
		return op_fail(c, code, "Password should have at least one lowercase"
		    " letter.");
	if (policy->numbers && !f.number)
		return op_fail(c, code, "Password should have at least one number.");
	if (policy->symbols && !f.symbol)
		return op_fail(c, code, "Password should have at least one symbol.");
	return 0;
}

/* ---- the present one and those before it ---- */

static int
matches(struct op_call *c, const char *hash, const char *password, bool *ret)
{
	struct secret s = SECRET_INIT;
	int r;

	*ret = false;
	if ((r = secret_set(&s, password, strlen(password))) == 0)
		r = password_check(&s, hash, ret);
	secret_release(&s);
	return r != 0 ? op_fail_err(c, r, "The password could not be checked") : 0;
}

int
password_is_present(struct op_call *c, const json_t *profile,
    const char *password, bool *ret)
{
	const char *hash = text_of(profile, "PasswordHash");

	return matches(c, hash[0] != '\0' ? hash : NULL, password, ret);
}

/* What binds a former hash to its user. */
static int
seal_context(const json_t *user, char *ret, size_t size)
{
	return snprintf(ret, size, "%s:password", text_of(user, "UserId"));
}

static int
is_former(struct op_call *c, const json_t *user, const json_t *entry,
    const char *password, bool *ret)
{
	struct secret hash = SECRET_INIT;
	char context[256];
	int r;

	seal_context(user, context, sizeof(context));
	if ((r = sealed_get(c, entry, "SealedHash", context, &hash)) == 0)
		r = matches(c, secret_str(&hash), password, ret);
	secret_release(&hash);
	return r;
}

static int
check_reuse(struct op_call *c, const struct password_policy *policy,
    const json_t *user, const char *password)
{
	const json_t *profile = json_object_get(user, "LoginProfile"), *entry;
	bool same = false;
	size_t i;

	if (policy->reuse == 0)
		return 0;
	if (text_of(profile, "PasswordHash")[0] != '\0' &&
	    password_is_present(c, profile, password, &same) != 0)
		return -1;
	json_array_foreach(json_object_get(profile, FORMER), i, entry) {
		if (same || i + 1 >= policy->reuse)
			break;
		if (is_former(c, user, entry, password, &same) != 0)
			return -1;
	}
	return !same ? 0 : op_fail(c, "PasswordPolicyViolation", "Password should"
	    " not be one of the last %u.", policy->reuse);
}

/* The present hash in front of the former ones, as many as the policy asks for. */
static int
remember(struct op_call *c, const struct password_policy *policy,
    const json_t *user, json_t *profile)
{
	const char *hash = text_of(profile, "PasswordHash");
	json_t *former = json_object_get(profile, FORMER), *entry;
	struct secret s = SECRET_INIT;
	char context[256];
	int r;

	if (policy->reuse < 2 || hash[0] == '\0') {
		(void)json_object_del(profile, FORMER);
		return 0;
	}
	if (former == NULL && (former = json_array()) != NULL &&
	    member_set(c, profile, FORMER, former) != 0)
		return -1;
	entry = json_pack("{s:s}", "PasswordChanged",
	    text_of(profile, "PasswordChanged"));
	if (entry == NULL || json_array_insert_new(former, 0, entry) != 0)
		return no_memory(c);
	seal_context(user, context, sizeof(context));
	if ((r = secret_set(&s, hash, strlen(hash))) != 0)
		r = no_memory(c);
	else
		r = sealed_set(c, entry, "SealedHash", context, &s);
	secret_release(&s);
	while (json_array_size(former) > policy->reuse - 1)
		json_array_remove(former, json_array_size(former) - 1);
	return r;
}

int
password_rehash(struct op_call *c, json_t *profile, const char *password)
{
	struct secret s = SECRET_INIT;
	char hash[PASSWORD_HASH_MAX];
	int r;

	if ((r = secret_set(&s, password, strlen(password))) == 0)
		r = password_hash(&s, hash);
	secret_release(&s);
	if (r != 0)
		return op_fail_err(c, r, "The password could not be hashed");
	r = member_set(c, profile, "PasswordHash", json_string(hash));
	explicit_bzero(hash, sizeof(hash));
	return r;
}

int
password_set(struct op_call *c, json_t *user, const char *password)
{
	json_t *profile = json_object_get(user, "LoginProfile");
	struct password_policy policy;

	if (password_policy_get(c, &policy) != 0 ||
	    password_check_form(c, &policy, password) != 0 ||
	    check_reuse(c, &policy, user, password) != 0 ||
	    remember(c, &policy, user, profile) != 0 ||
	    password_rehash(c, profile, password) != 0)
		return -1;
	return member_set(c, profile, "PasswordChanged", time_now(c));
}

int64_t
password_expires_s(const struct password_policy *policy, const json_t *profile)
{
	int64_t changed;

	if (policy->max_age_days == 0 || profile == NULL ||
	    !time_parse(text_of(profile, "PasswordChanged"), &changed))
		return 0;
	return changed + (int64_t)policy->max_age_days * DAY_S;
}
