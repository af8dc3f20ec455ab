/*
 * The grammar, checked whole before anything is compiled.
 *
 * A document with one error in it is not used at all. Issue codes are those of
 * IAM Access Analyzer's ValidatePolicy where it has one (IAM User Guide,
 * "Policy check reference").
 */
#include "common/base/base.h"
#include "common/policy/document.h"

#define ARN_LEN_MAX 2048

static bool
is_one_of(const char *s, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

/* Text from a document in a message: short, and nothing that moves a cursor. */
struct quoted {
	char s[84];
};

static const char *
quote(const char *text, struct quoted *q)
{
	size_t i, n = 0;

	for (i = 0; text[i] != 0 && n < sizeof(q->s) - 8; i++)
		q->s[n++] = (uint8_t)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
	if (text[i] != 0) {
		while (n > 0 && ((uint8_t)q->s[n - 1] & 0xc0) == 0x80)
			n--; /* not in the middle of a character */
		if (n > 0 && ((uint8_t)q->s[n - 1] & 0x80) != 0)
			n--;
		memcpy(q->s + n, "...", 3);
		n += 3;
	}
	q->s[n] = 0;
	return q->s;
}

static void
wrong_type(struct doc *d, const struct step *at, const char *what)
{
	doc_find(d, at, POL_ERROR, "DATA_TYPE_MISMATCH", "This has to be %s.", what);
}

/* ---- actions ---- */

static bool
is_service(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!(ascii_lower(p[i]) >= 'a' && ascii_lower(p[i]) <= 'z') &&
		    !(p[i] >= '0' && p[i] <= '9') && p[i] != '-')
			return false;
	return len > 0 && len <= 63;
}

static bool
is_action_name(const char *p)
{
	size_t i;

	for (i = 0; p[i] != 0; i++)
		if (!(ascii_lower(p[i]) >= 'a' && ascii_lower(p[i]) <= 'z') &&
		    !(p[i] >= '0' && p[i] <= '9') && strchr("*?_-", p[i]) == NULL)
			return false;
	return i > 0;
}

static void
check_action(struct doc *d, const struct step *at, const char *text)
{
	const char *colon = strchr(text, ':');
	struct quoted q;
	struct hint h;

	if (strcmp(text, "*") == 0)
		return;
	if (strlen(text) > POL_ACTION_MAX)
		doc_find(d, at, POL_ERROR, "INVALID_ACTION",
		    "An action has at most %d characters.", POL_ACTION_MAX);
	else if (colon == NULL)
		doc_find(d, at, POL_ERROR, "INVALID_ACTION", "The action %s has no "
		    "service. Write it as host:Login, or * for all.", quote(text, &q));
	else if (!is_service(text, (size_t)(colon - text)))
		doc_find(d, at, POL_ERROR, "INVALID_SERVICE_IN_ACTION", "The service of "
		    "the action %s has to be letters, digits and -, without wildcards.",
		    quote(text, &q));
	else if (!is_action_name(colon + 1))
		doc_find(d, at, POL_ERROR, "INVALID_ACTION", "The action %s has to be "
		    "service:Name, where the name has letters, digits, _ - * and ? only.",
		    quote(text, &q));
	else if (d->kind == POL_TRUST && strncasecmp(text, "sts:", 4) != 0)
		doc_find(d, at, POL_ERROR, "UNSUPPORTED_ACTION_IN_POLICY", "A trust policy "
		    "is about becoming the role: sts:AssumeRole, not %s.",
		    quote(text, &q));
	else if (!validate_known_action(text))
		doc_find(d, at, POL_WARNING, "INVALID_ACTION", "No host action is called "
		    "%s, so this matches nothing.%s", quote(text, &q),
		    hint_action(text, &h));
}

/* ---- resources ---- */

static bool
only(struct val_slice s, const char *more)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    (s.p[i] == 0 || strchr(more, s.p[i]) == NULL))
			return false;
	return true;
}

static bool
has_wildcard(struct val_slice s)
{
	return memchr(s.p, '*', s.len) != NULL || memchr(s.p, '?', s.len) != NULL;
}

static bool
has_start(struct val_slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len > n && memcmp(s.p, with, n) == 0;
}

static bool
is_account_part(struct val_slice s)
{
	size_t i;

	if (s.len == 0 || (s.len == 3 && memcmp(s.p, "aws", 3) == 0))
		return true;
	for (i = 0; i < s.len; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '*' && s.p[i] != '?')
			return false;
	return has_wildcard(s) || s.len == 12;
}

static const char *
arn_mistake(const struct val_slice a[ARN_PARTS], const char **ret_code)
{
	size_t i;

	for (i = 0; i < 5; i++)
		if (memchr(a[i].p, '$', a[i].len) != NULL) {
			*ret_code = "VARIABLE_UNSUPPORTED_IN_ELEMENT";
			return "a variable may stand in the last part only, after the fifth colon";
		}
	*ret_code = "INVALID_PARTITION";
	if (a[1].len == 0 || !only(a[1], "-*?"))
		return "the partition is aws";
	*ret_code = "INVALID_ARN_SERVICE_CASE";
	if (a[2].len == 0 || !only(a[2], "-*?"))
		return "the service has to be lower-case letters, digits and -";
	*ret_code = "INVALID_ARN_REGION";
	if (!only(a[3], "-*?"))
		return "the region has to be lower-case letters, digits and -";
	*ret_code = "INVALID_ARN_ACCOUNT";
	if (!is_account_part(a[4]))
		return "the account has twelve digits, or is empty";
	*ret_code = "INVALID_ARN_RESOURCE";
	return a[5].len == 0 ? "the resource is missing after the fifth colon" : NULL;
}

static void
check_pattern(struct doc *d, const struct step *at, const char *text, size_t len)
{
	struct encoder e = { .variables = d->variables };
	struct buf b = BUF_INIT;
	struct pattern pat;
	struct quoted q;

	if (!encode_pattern(&e, text, len, PAT_WILD | PAT_VARS, &b, &pat)) {
		if (b.err != 0)
			d->err = b.err;
		else
			doc_find(d, at, POL_ERROR, e.code, "In %s, %s.", quote(text, &q), e.why);
	}
	buf_release(&b);
	if (!d->variables && strstr(text, "${") != NULL)
		doc_find(d, at, POL_WARNING, "VARIABLE_UNSUPPORTED_IN_VERSION",
		    "Variables have no effect without \"Version\": \"2012-10-17\": %s is "
		    "taken as it is written.", quote(text, &q));
}

static void
check_resource(struct doc *d, const struct step *at, const char *text)
{
	struct val_slice part[ARN_PARTS];
	size_t len = strlen(text);
	const char *code, *why;
	struct quoted q;

	if (strcmp(text, "*") == 0)
		return;
	if (len > ARN_LEN_MAX) {
		doc_find(d, at, POL_ERROR, "INVALID_ARN_RESOURCE",
		    "An ARN has at most %d characters.", ARN_LEN_MAX);
	} else if (strncmp(text, "arn:", 4) != 0) {
		doc_find(d, at, POL_ERROR, "INVALID_ARN_PREFIX", "The resource %s has to "
		    "be an ARN, which starts with arn:, or * for all.", quote(text, &q));
	} else if (!val_arn(text, len, part)) {
		doc_find(d, at, POL_ERROR, "MISSING_ARN_FIELD", "The resource %s has too "
		    "few parts. Write arn:aws:service:region:account:resource.",
		    quote(text, &q));
	} else if ((why = arn_mistake(part, &code)) != NULL) {
		doc_find(d, at, POL_ERROR, code, "In the resource %s, %s.",
		    quote(text, &q), why);
	} else {
		check_pattern(d, at, text, len);
	}
}

typedef void check_text(struct doc *d, const struct step *at, const char *text);

/* Action and Resource: a string, or a list of some. */
static void
check_strings(struct doc *d, const struct step *at, const json_t *v,
    const char *missing_code, check_text *check)
{
	size_t i, n = list_count(v);
	json_t *item;

	if (!json_is_string(v) && !json_is_array(v)) {
		wrong_type(d, at, "a string or a list of strings");
		return;
	}
	if (n == 0)
		doc_find(d, at, POL_ERROR, missing_code, "The list is empty. Name "
		    "something, or * for all.");
	for (i = 0; i < n; i++) {
		struct step item_at = { at, NULL, i, false };

		item = list_item(v, i);
		if (!json_is_string(item))
			wrong_type(d, &item_at, "a string");
		else
			check(d, json_is_array(v) ? &item_at : at, json_string_value(item));
	}
}

/* ---- principals ---- */

static bool
is_service_principal(const char *s)
{
	const char *dot = strchr(s, '.');
	size_t i;

	for (i = 0; s[i] != 0; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= '0' && s[i] <= '9') &&
		    s[i] != '.' && s[i] != '-')
			return false;
	return dot != NULL && dot != s && s[i - 1] != '.';
}

/* A SAML or OIDC provider of an account, or one that everybody has: the name of
 * its host. */
static bool
is_identity_provider(const char *s)
{
	struct val_slice part[ARN_PARTS];

	if (!val_arn(s, strlen(s), part))
		return is_service_principal(s);
	return is_account_part(part[4]) && part[4].len == 12 && part[3].len == 0 &&
	    part[2].len == 3 && memcmp(part[2].p, "iam", 3) == 0 &&
	    strpbrk(s, "*? ") == NULL &&
	    (has_start(part[5], "saml-provider/") || has_start(part[5], "oidc-provider/"));
}

static void
check_principal(struct doc *d, const struct step *at, const char *type,
    const char *text)
{
	struct buf b = BUF_INIT;
	struct quoted q;
	const char *why;
	uint8_t form;
	size_t len = strlen(text);

	if (strcmp(type, "Service") == 0) {
		if (!is_service_principal(text))
			doc_find(d, at, POL_ERROR, "INVALID_PRINCIPAL_FORMAT", "The service "
			    "%s has to be a name as ec2.amazonaws.com.", quote(text, &q));
	} else if (strcmp(type, "Federated") == 0) {
		if (!is_identity_provider(text))
			doc_find(d, at, POL_ERROR, "INVALID_PRINCIPAL_FORMAT", "The identity "
			    "provider %s has to be named in full, as accounts.google.com or "
			    "arn:aws:iam::123456789012:saml-provider/NAME.", quote(text, &q));
	} else if (len > 1 && (strchr(text, '*') != NULL || strchr(text, '?') != NULL)) {
		doc_find(d, at, POL_ERROR, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "%s: a "
		    "principal is * or named in full. Use * and a condition on "
		    "aws:PrincipalArn for a part of them.", quote(text, &q));
	} else if (!encode_principal(text, len, &b, &form, &why)) {
		doc_find(d, at, POL_ERROR, "INVALID_PRINCIPAL_FORMAT", "%s: %s.",
		    quote(text, &q), why);
	}
	if (b.err != 0)
		d->err = b.err;
	buf_release(&b);
}

static void
check_principals(struct doc *d, const struct step *at, json_t *v)
{
	static const char *const types[] = { "AWS", "Service", "Federated", NULL };
	struct quoted q;
	const char *type;
	json_t *list, *item;
	size_t i;

	if (json_is_string(v)) {
		if (strcmp(json_string_value(v), "*") != 0)
			doc_find(d, at, POL_ERROR, "INVALID_PRINCIPAL_FORMAT", "A principal "
			    "is \"*\" or an object as {\"AWS\": \"arn:...\"}.");
		return;
	}
	if (!json_is_object(v)) {
		wrong_type(d, at, "\"*\" or an object");
		return;
	}
	if (json_object_size(v) == 0)
		doc_find(d, at, POL_ERROR, "MISSING_PRINCIPAL", "The object is empty. "
		    "Name a principal.");
	json_object_foreach(v, type, list) {
		struct step key = { at, type, 0, true }, val = { at, type, 0, false };

		if (!is_one_of(type, types)) {
			doc_find(d, &key, POL_ERROR, "INVALID_PRINCIPAL_KEY", "%s is no kind "
			    "of principal. Use AWS, Service or Federated.", quote(type, &q));
			continue;
		}
		if (!json_is_string(list) && !json_is_array(list)) {
			wrong_type(d, &val, "a string or a list of strings");
			continue;
		}
		if (list_count(list) == 0)
			doc_find(d, &val, POL_ERROR, "MISSING_PRINCIPAL",
			    "The list is empty. Name a principal.");
		for (i = 0; i < list_count(list); i++) {
			struct step at_item = { &val, NULL, i, false };

			item = list_item(list, i);
			if (!json_is_string(item))
				wrong_type(d, &at_item, "a string");
			else
				check_principal(d, json_is_array(list) ? &at_item : &val,
				    type, json_string_value(item));
		}
	}
}

/* ---- conditions ---- */

static void
check_key_name(struct doc *d, const struct step *at, const char *key)
{
	const char *colon = strchr(key, ':'), *slash = strchr(key, '/');
	struct quoted q;
	struct hint h;
	size_t i;

	for (i = 0; key[i] != 0; i++)
		if ((uint8_t)key[i] < 0x20 || key[i] == 0x7f ||
		    (key[i] == ' ' && (slash == NULL || key + i < slash)))
			break; /* only the names of tags have spaces */
	if (colon == NULL || colon == key || colon[1] == 0 || key[i] != 0 || i > 512 ||
	    !is_service(key, (size_t)(colon - key))) {
		doc_find(d, at, POL_ERROR, "INVALID_CONDITION_KEY_FORMAT", "The condition "
		    "key %s has to be service:name, as aws:username.",
		    key[0] == 0 ? "\"\"" : quote(key, &q));
	} else if (slash != NULL && slash[1] == 0) {
		doc_find(d, at, POL_ERROR, "MISSING_TAG_KEY_IN_CONDITION", "Name the tag "
		    "after the slash of %s.", quote(key, &q));
	} else if (!validate_known_key(key)) {
		doc_find(d, at, POL_WARNING, "INVALID_GLOBAL_CONDITION_KEY", "No key is "
		    "called %s, so requests never have it.%s", quote(key, &q),
		    hint_key(key, &h));
	}
}

static bool
is_string_operator(uint8_t op)
{
	return op == OP_STRING_EQ || op == OP_STRING_EQ_CASE;
}

static void
advise_zone(struct doc *d, const struct step *at, const struct scalar *s)
{
	struct val_window w;
	struct quoted q;

	if (d->zone_known == NULL || !val_window(s->p, s->len, &w, NULL) ||
	    w.zone.len == 0 || d->zone_known(w.zone.p))
		return;
	doc_find(d, at, POL_WARNING, "UNKNOWN_TIME_ZONE", "This host knows no time zone "
	    "%s: here the window allows nothing, and denies always.",
	    quote(w.zone.p, &q));
}

static void
advise_value(struct doc *d, const struct step *at, uint8_t op,
    const struct scalar *s, const uint8_t *data)
{
	struct quoted q;
	struct val_ip ip;

	if (is_string_operator(op) && strstr(s->p, "${") == NULL &&
	    (memchr(s->p, '*', s->len) != NULL || memchr(s->p, '?', s->len) != NULL))
		doc_find(d, at, POL_WARNING, "WILDCARD_WITHOUT_LIKE_OPERATOR", "In %s the "
		    "wildcard is a plain character. Use StringLike if it should match "
		    "more.", quote(s->p, &q));
	if (op == OP_WINDOW)
		advise_zone(d, at, s);
	if (op == OP_IP) {
		ip.family = data[0];
		ip.prefix = data[1];
		memcpy(ip.addr, data + 2, 16);
		if (val_ip_host_bits(&ip))
			doc_find(d, at, POL_WARNING, "IMPROVE_IP_RANGE", "%s has bits set "
			    "behind its prefix; they are not looked at.", quote(s->p, &q));
	}
	if (!d->variables && op <= OP_STRING_LIKE && strstr(s->p, "${") != NULL)
		doc_find(d, at, POL_WARNING, "VARIABLE_UNSUPPORTED_IN_VERSION",
		    "Variables have no effect without \"Version\": \"2012-10-17\": %s is "
		    "taken as it is written.", quote(s->p, &q));
}

static void
check_value(struct doc *d, const struct step *at, uint8_t op, const json_t *v)
{
	struct encoder e = { .variables = d->variables };
	struct buf b = BUF_INIT;
	struct scalar s;
	struct quoted q;
	uint8_t form;
	bool ok;

	if (!scalar_text(v, &s)) {
		wrong_type(d, at, "a string, a number, true or false");
		return;
	}
	ok = encode_value(&e, op, s.p, s.len, &b, &form);
	if (b.err != 0)
		d->err = b.err;
	else if (ok)
		advise_value(d, at, op, &s, b.p);
	else
		doc_find(d, at, d->keep_malformed ? POL_WARNING : POL_ERROR, e.code,
		    "The value \"%s\" cannot be used: %s.", quote(s.p, &q), e.why);
	buf_release(&b);
}

static void
check_values(struct doc *d, const struct step *at, uint8_t op, const json_t *list)
{
	size_t i, n = list_count(list);
	json_t *item;

	if (json_is_object(list) || json_is_null(list)) {
		wrong_type(d, at, "a value or a list of values");
		return;
	}
	if (n == 0)
		doc_find(d, at, POL_SUGGESTION, "EMPTY_ARRAY_CONDITION", "The list is "
		    "empty, so no value ever matches. Add values or remove the key.");
	if (n > 1 && (op == OP_BOOL || op == OP_NULL))
		doc_find(d, at, POL_WARNING, "INVALID_CONDITION_MULTIPLE_BOOLEAN",
		    "One truth value is enough: with both, every value matches.");
	for (i = 0; i < n; i++) {
		struct step at_item = { at, NULL, i, false };

		item = list_item(list, i);
		check_value(d, json_is_array(list) ? &at_item : at, op, item);
	}
}

static void
check_key(struct doc *d, const struct step *at, uint8_t op, uint8_t qual,
    const char *name, const json_t *list)
{
	struct step key = { at, name, 0, true }, val = { at, name, 0, false };
	struct quoted q;

	check_key_name(d, &key, name);
	if (qual == QUAL_NONE && op != OP_NULL && key_is_multivalued(name))
		doc_find(d, &key, POL_ERROR, "MISSING_QUALIFIER", "%s has several values. "
		    "Put ForAllValues: or ForAnyValue: before the operator.", quote(name, &q));
	if (op == OP_WINDOW && !key_is_date(name))
		doc_find(d, &key, POL_WARNING, "INVALID_CONDITION_DATA_TYPE", "%s holds no "
		    "date. Time windows are for aws:CurrentTime.", quote(name, &q));
	check_values(d, &val, op, list);
}

/* A name twice in another case is twice. The set is small or sorted out by
 * hash: the first letter's case is folded before names are compared. */
static void
check_case_twins(struct doc *d, const struct step *at, json_t *map)
{
	json_t *seen = json_object();
	const char *name;
	char *lower;
	json_t *v;
	size_t i;

	json_object_foreach(map, name, v) {
		struct step key = { at, name, 0, true };
		struct quoted q;

		if (seen == NULL || (lower = strdup(name)) == NULL) {
			d->err = IAM_ERR_MEMORY;
			break;
		}
		for (i = 0; lower[i] != 0; i++)
			lower[i] = ascii_lower(lower[i]);
		if (json_object_get(seen, lower) != NULL)
			doc_find(d, &key, POL_ERROR, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
			    "%s is there twice: keys do not differ by case. Put the values "
			    "into one list.", quote(name, &q));
		if (json_object_set_new(seen, lower, json_true()) != 0)
			d->err = IAM_ERR_MEMORY;
		free(lower);
	}
	json_decref(seen);
}

static void
check_operator(struct doc *d, const struct step *at, const char *name, json_t *map)
{
	struct step op_key = { at, name, 0, true }, op_val = { at, name, 0, false };
	uint8_t op, qual, flags;
	struct quoted q;
	struct hint h;
	const char *key;
	json_t *list;

	if (!cf_operator_parse(name, &op, &qual, &flags)) {
		if (strstr(name, "NullIfExists") != NULL)
			doc_find(d, &op_key, POL_ERROR, "NULL_WITH_IF_EXISTS", "Null asks "
			    "whether a key exists. Remove IfExists.");
		else
			doc_find(d, &op_key, POL_ERROR, "INVALID_CONDITION_OPERATOR", "There "
			    "is no operator %s. Names are exact, upper and lower case too.%s",
			    quote(name, &q), hint_operator(name, &h));
		return;
	}
	if (!json_is_object(map)) {
		wrong_type(d, &op_val, "an object of keys and values");
		return;
	}
	if (json_object_size(map) == 0)
		doc_find(d, &op_val, POL_SUGGESTION, "EMPTY_OBJECT_CONDITION",
		    "The operator asks for nothing. Add keys or remove it.");
	if (op == OP_NULL && qual != QUAL_NONE)
		doc_find(d, &op_key, POL_SUGGESTION, "NULL_WITH_QUALIFIER",
		    "ForAllValues and ForAnyValue change nothing before Null.");
	check_case_twins(d, &op_val, map);
	json_object_foreach(map, key, list)
		check_key(d, &op_val, op, qual, key, list);
}

static void
check_conditions(struct doc *d, const struct step *at, json_t *v)
{
	const char *name;
	json_t *map;

	if (!json_is_object(v)) {
		wrong_type(d, at, "an object of operators");
		return;
	}
	if (json_object_size(v) == 0)
		doc_find(d, at, POL_SUGGESTION, "EMPTY_OBJECT_CONDITION",
		    "The condition asks for nothing. Remove it.");
	json_object_foreach(v, name, map)
		check_operator(d, at, name, map);
}

/* ---- statements ---- */

static const char *const statement_members[] = { "Sid", "Effect", "Principal",
	"NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
	NULL };

static bool
has_principals(enum pol_kind kind)
{
	return kind == POL_RESOURCE || kind == POL_TRUST;
}

static void
check_sid(struct doc *d, const struct step *at, json_t *v, json_t *sids)
{
	struct step key = { at, "Sid", 0, false };
	const char *s = json_string_value(v);
	struct quoted q;
	size_t i;

	if (v == NULL)
		return;
	if (s == NULL) {
		wrong_type(d, &key, "a string");
		return;
	}
	for (i = 0; s[i] != 0; i++)
		if (!(ascii_lower(s[i]) >= 'a' && ascii_lower(s[i]) <= 'z') &&
		    !(s[i] >= '0' && s[i] <= '9'))
			break;
	if (s[i] != 0 || i > 512)
		doc_find(d, &key, POL_ERROR, "UNSUPPORTED_SID",
		    "A Sid has letters and digits only, at most 512.");
	else if (i == 0)
		doc_find(d, &key, POL_SUGGESTION, "EMPTY_SID_VALUE",
		    "The Sid is empty. Give it a name or remove it.");
	else if (json_object_get(sids, s) != NULL)
		doc_find(d, &key, POL_ERROR, "UNIQUE_SIDS_REQUIRED", "The Sid %s is there "
		    "twice. Each is the name of one statement.", quote(s, &q));
	else if (json_object_set_new(sids, s, json_true()) != 0)
		d->err = IAM_ERR_MEMORY;
}

/* Exactly one of two members; the one there is, or NULL. */
static json_t *
either(struct doc *d, const struct step *at, json_t *st, const char *a, const char *b,
    bool required, const char *missing_code, const char **ret_name)
{
	json_t *va = json_object_get(st, a), *vb = json_object_get(st, b);

	if (va != NULL && vb != NULL) {
		struct step key = { at, b, 0, true };

		doc_find(d, &key, POL_ERROR, "UNSUPPORTED_ELEMENT_COMBINATION",
		    "A statement has %s or %s, not both.", a, b);
	} else if (va == NULL && vb == NULL && required) {
		doc_find(d, at, POL_ERROR, missing_code, "The statement needs %s or %s.",
		    a, b);
	}
	*ret_name = va != NULL ? a : b;
	return va != NULL ? va : vb;
}

static void
check_effect(struct doc *d, const struct step *at, json_t *v)
{
	struct step key = { at, "Effect", 0, false };
	const char *s = json_string_value(v);

	if (v == NULL)
		doc_find(d, at, POL_ERROR, "MISSING_EFFECT",
		    "The statement needs \"Effect\": \"Allow\" or \"Deny\".");
	else if (s == NULL)
		wrong_type(d, &key, "\"Allow\" or \"Deny\"");
	else if (strcmp(s, "Allow") != 0 && strcmp(s, "Deny") != 0)
		doc_find(d, &key, POL_ERROR, "INVALID_EFFECT",
		    "The effect is Allow or Deny, written like this.");
}

static void
check_members(struct doc *d, const struct step *at, json_t *st)
{
	struct quoted q;
	struct hint h;
	const char *name;
	json_t *v;

	json_object_foreach(st, name, v) {
		struct step key = { at, name, 0, true };

		if (!is_one_of(name, statement_members))
			doc_find(d, &key, POL_ERROR, "INVALID_POLICY_ELEMENT", "A statement "
			    "has no element %s. Names are exact.%s", quote(name, &q),
			    hint_word(name, statement_members, &h));
	}
}

static void
check_whom(struct doc *d, const struct step *at, json_t *st)
{
	bool wanted = has_principals(d->kind);
	const char *name;
	json_t *v = either(d, at, st, "Principal", "NotPrincipal", wanted,
	    "MISSING_PRINCIPAL", &name);
	struct step key = { at, name, 0, true }, val = { at, name, 0, false };

	if (v == NULL)
		return;
	if (!wanted) {
		doc_find(d, &key, POL_ERROR, d->kind == POL_SCP ?
		    "SCP_SYNTAX_ERROR_PRINCIPAL" : "UNSUPPORTED_PRINCIPAL", "This kind of "
		    "policy has no %s: it belongs to whom it is attached to.", name);
		return;
	}
	if (d->kind == POL_TRUST && name[0] == 'N')
		doc_find(d, &key, POL_ERROR, "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL",
		    "A trust policy has no NotPrincipal. Name whom it trusts in Principal.");
	check_principals(d, &val, v);
}

static void
check_what(struct doc *d, const struct step *at, json_t *st)
{
	bool trust = d->kind == POL_TRUST;
	const char *name;
	json_t *v = either(d, at, st, "Action", "NotAction", true, "MISSING_ACTION", &name);
	struct step action = { at, name, 0, false };

	if (v != NULL)
		check_strings(d, &action, v, "MISSING_ACTION", check_action);
	v = either(d, at, st, "Resource", "NotResource", !trust, "MISSING_RESOURCE", &name);
	struct step key = { at, name, 0, true }, resource = { at, name, 0, false };

	if (v == NULL)
		return;
	if (trust)
		doc_find(d, &key, POL_ERROR, "UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
		    "A trust policy has no %s: it belongs to one role.", name);
	else
		check_strings(d, &resource, v, "MISSING_RESOURCE", check_resource);
}

static void
check_statement(struct doc *d, const struct step *at, json_t *st, json_t *sids)
{
	struct step cond = { at, "Condition", 0, false };
	unsigned before = d->errors;
	json_t *v;

	if (!json_is_object(st)) {
		wrong_type(d, at, "an object: a statement");
		return;
	}
	check_members(d, at, st);
	check_sid(d, at, json_object_get(st, "Sid"), sids);
	check_effect(d, at, json_object_get(st, "Effect"));
	check_whom(d, at, st);
	check_what(d, at, st);
	if ((v = json_object_get(st, "Condition")) != NULL)
		check_conditions(d, &cond, v);
	if (d->errors == before)
		validate_advice(d, st, at);
}

/* ---- the document ---- */

static void
check_version(struct doc *d)
{
	static const struct step at = { NULL, "Version", 0, false };
	json_t *v = json_object_get(d->root, "Version");
	const char *s = json_string_value(v);

	if (v == NULL) {
		doc_find(d, NULL, POL_WARNING, "MISSING_VERSION", "Without \"Version\": "
		    "\"2012-10-17\" variables have no effect. Add it.");
	} else if (s == NULL) {
		wrong_type(d, &at, "a string");
	} else if (strcmp(s, "2012-10-17") == 0) {
		d->variables = true;
	} else if (strcmp(s, "2008-10-17") != 0) {
		doc_find(d, &at, POL_ERROR, "INVALID_VERSION",
		    "The version is 2012-10-17 (or 2008-10-17, without variables).");
	}
}

void
validate_document(struct doc *d)
{
	static const char *const members[] = { "Version", "Id", "Statement", NULL };
	static const struct step at = { NULL, "Statement", 0, false };
	static const struct step id = { NULL, "Id", 0, false };
	json_t *v, *list, *sids;
	struct quoted q;
	struct hint h;
	const char *name;
	size_t i;

	if (!json_is_object(d->root)) {
		wrong_type(d, NULL, "an object: a policy document");
		return;
	}
	json_object_foreach(d->root, name, v) {
		struct step key = { NULL, name, 0, true };

		if (!is_one_of(name, members))
			doc_find(d, &key, POL_ERROR, "INVALID_POLICY_ELEMENT", "A policy has "
			    "no element %s. It has Version, Id and Statement.%s",
			    quote(name, &q), hint_word(name, members, &h));
	}
	check_version(d);
	v = json_object_get(d->root, "Id");
	if (v != NULL && !json_is_string(v))
		wrong_type(d, &id, "a string");
	list = json_object_get(d->root, "Statement");
	if (list == NULL || (json_is_array(list) && json_array_size(list) == 0)) {
		doc_find(d, list != NULL ? &at : NULL, POL_ERROR, "MISSING_STATEMENT",
		    "The policy needs a statement.");
		return;
	}
	if ((sids = json_object()) == NULL) {
		d->err = IAM_ERR_MEMORY;
		return;
	}
	for (i = 0; i < list_count(list); i++) {
		struct step item = { &at, NULL, i, false };

		check_statement(d, json_is_array(list) ? &item : &at, list_item(list, i), sids);
	}
	if (d->errors == 0)
		validate_repeated(d, &at, list);
	json_decref(sids);
}
