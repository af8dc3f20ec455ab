/* What is legal, and still wrong more often than right. */
#include "common/base/base.h"
#include "common/base/suggest.h"
#include "common/policy/document.h"

/* Names after "aws:" of the IAM User Guide's "AWS global condition context
 * keys"; one that ends in / has a tag's name behind it. */
static const char *const aws_keys[] = { "AssumedRoot", "CalledVia", "CalledViaFirst",
	"CalledViaLast", "ChatbotSourceArn", "CurrentTime", "Ec2InstanceSourcePrivateIPv4",
	"Ec2InstanceSourceVpc", "EpochTime", "FederatedProvider", "IsMcpServiceAction",
	"MultiFactorAuthAge", "MultiFactorAuthPresent", "PrincipalAccount", "PrincipalArn",
	"PrincipalIsAWSService", "PrincipalOrgID", "PrincipalOrgPaths",
	"PrincipalServiceName", "PrincipalServiceNamesList", "PrincipalTag/",
	"PrincipalType", "referer", "RequestedRegion", "RequestTag/", "ResourceAccount",
	"ResourceOrgID", "ResourceOrgPaths", "ResourceTag/", "SecureTransport",
	"SourceAccount", "SourceArn", "SourceIdentity", "SourceIp", "SourceOrgID",
	"SourceOrgPaths", "SourceOwner", "SourceVpc", "SourceVpcArn", "SourceVpce",
	"TagKeys", "TokenIssueTime", "UserAgent", "userid", "username", "ViaAWSService",
	"ViaAWSMCPService", "VpceAccount", "VpceOrgID", "VpceOrgPaths", "VpcSourceIp",
	NULL };

static const char *const host_keys[] = { "AuthenticationMethod", "CommandLine",
	"DayOfWeek", "LocalTime", "Remote", "RunAsGroup", "RunAsUser", "Service", "Tty",
	NULL };

/* What a host decides, then the operations of iamctl that are the host's own. */
static const char *const host_action_names[] = { "Authenticate", "Login", "RunCommand",
	"RunScheduled", "Sudo", "SwitchUser",
	"AdoptLocalUser", "AllowMFAEnrolment", "BeginMFAEnrolment", "CompleteMFAEnrolment",
	"CreateRecoveryCodes", "CreateSSHCertificateAuthority", "DeleteRecoveryCodes",
	"Doctor", "ExplainLogin", "Export", "FlushTrail", "GetHost", "GetLoginStatus",
	"GetSSHCertificateAuthority", "Import", "Init", "Publish", "RecordMFADrift",
	"ReleaseLocalUser", "RevokeSSHCertificate", "ShowAccess", "UnlockUser",
	"UpdateHost", "UpgradePasswordHash", "UseRecoveryCode", "ValidateLogs", NULL };

static bool
in_list(const char *const *list, const char *name)
{
	size_t n, len = strlen(name);

	for (; *list != NULL; list++) {
		n = strlen(*list);
		if ((*list)[n - 1] == '/' ? len > n && ascii_equal_case(*list, n, name, n) :
		    ascii_equal_case(*list, n, name, len))
			return true;
	}
	return false;
}

bool
validate_known_key(const char *name)
{
	if (ascii_equal_case("aws:", 4, name, strnlen(name, 4)))
		return in_list(aws_keys, name + 4);
	if (ascii_equal_case("host:", 5, name, strnlen(name, 5)))
		return in_list(host_keys, name + 5);
	return true;
}

/* Does a pattern with * and ? match a name? Both in any case. */
static bool
matches(const char *pattern, const char *name)
{
	const char *star = NULL, *back = NULL;

	while (*name != 0) {
		if (*pattern == '*') {
			star = ++pattern;
			back = name;
		} else if (*pattern == '?' ||
		    (*pattern != 0 && ascii_lower(*pattern) == ascii_lower(*name))) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

bool
validate_known_action(const char *action)
{
	const char *const *a;

	if (!ascii_equal_case("host:", 5, action, strnlen(action, 5)))
		return true;
	for (a = host_action_names; *a != NULL; a++)
		if (matches(action + 5, *a))
			return true;
	return false;
}

/* ---- did you mean ---- */

/* A word in lower case; "" when it is too long to be near anything. */
static void
lower_word(const char *word, char ret[SUGGEST_WORD_MAX])
{
	size_t i, len = strlen(word);

	for (i = 0; len < SUGGEST_WORD_MAX && i < len; i++)
		ret[i] = ascii_lower(word[i]);
	ret[i] = 0;
}

/* Compares without case, and gives the word as it is written. */
struct nearest {
	struct suggest s;
	char typed[SUGGEST_WORD_MAX];
	const char *best;
};

static void
nearest_init(struct nearest *n, const char *typed)
{
	lower_word(typed, n->typed);
	suggest_init(&n->s, n->typed);
	n->best = NULL;
}

static void
nearest_try(struct nearest *n, const char *word)
{
	size_t before = n->s.distance;
	char lower[SUGGEST_WORD_MAX];

	lower_word(word, lower);
	suggest_try(&n->s, lower);
	if (n->s.distance < before)
		n->best = word;
}

static const char *
hint_put(struct hint *ret, const char *prefix, const char *best, const char *suffix)
{
	ret->text[0] = 0;
	if (best != NULL)
		snprintf(ret->text, sizeof(ret->text), " Did you mean %s%s%s?", prefix, best,
		    suffix);
	return ret->text;
}

const char *
hint_word(const char *name, const char *const *words, struct hint *ret)
{
	struct nearest n;

	nearest_init(&n, name);
	for (; *words != NULL; words++)
		nearest_try(&n, *words);
	return hint_put(ret, "", n.best, "");
}

const char *
hint_key(const char *name, struct hint *ret)
{
	bool host = ascii_equal_case("host:", 5, name, strnlen(name, 5));
	const char *const *k = host ? host_keys : aws_keys;
	struct nearest n;

	nearest_init(&n, name + (host ? 5 : 4));
	for (; *k != NULL; k++)
		if ((*k)[strlen(*k) - 1] != '/')
			nearest_try(&n, *k);
	return hint_put(ret, host ? "host:" : "aws:", n.best, "");
}

const char *
hint_action(const char *name, struct hint *ret)
{
	const char *const *a;
	struct nearest n;

	nearest_init(&n, name + strlen("host:"));
	for (a = host_action_names; *a != NULL; a++)
		nearest_try(&n, *a);
	return hint_put(ret, "host:", n.best, "");
}

/* The qualifier and IfExists stay as they are. */
const char *
hint_operator(const char *name, struct hint *ret)
{
	const char *colon = strchr(name, ':'), *word = colon != NULL ? colon + 1 : name;
	size_t len = strlen(word);
	bool optional = len > 8 && strcmp(word + len - 8, "IfExists") == 0;
	char prefix[24] = "", base[SUGGEST_WORD_MAX];
	const char *known;
	struct nearest n;
	size_t i;

	if (colon != NULL && word - name < (ptrdiff_t)sizeof(prefix))
		snprintf(prefix, sizeof(prefix), "%.*s", (int)(word - name), name);
	snprintf(base, sizeof(base), "%.*s", (int)(optional ? len - 8 : len), word);
	nearest_init(&n, base);
	for (i = 0; (known = cf_operator_at(i)) != NULL; i++)
		nearest_try(&n, known);
	return hint_put(ret, prefix, n.best, optional ? "IfExists" : "");
}

/* ---- lists ---- */

static bool
has_text(const json_t *list, const char *text)
{
	size_t i;

	for (i = 0; i < list_count(list); i++)
		if (strcmp(json_string_value(list_item(list, i)), text) == 0)
			return true;
	return false;
}

/* The first of the list that another of it makes needless; SIZE_MAX. Long
 * lists are left alone: the check is quadratic. */
static size_t
redundant(const json_t *list)
{
	size_t i, j, n = list_count(list);
	const char *a, *b;

	for (i = 0; i < n && n <= 64; i++)
		for (j = 0; j < n; j++) {
			a = json_string_value(list_item(list, i));
			b = json_string_value(list_item(list, j));
			if (i != j && strchr(a, '$') == NULL && strchr(b, '$') == NULL &&
			    (strcmp(a, b) == 0 ? j < i : strcmp(b, "*") == 0 ||
				(b[strcspn(b, "*")] != 0 && matches(b, a) && !matches(a, b))))
				return i;
		}
	return SIZE_MAX;
}

static void
advise_redundant(struct doc *d, const struct step *at, json_t *st, const char *name,
    const char *code)
{
	struct step list_at = { at, name, 0, false };
	json_t *list = json_object_get(st, name);
	size_t i = list == NULL ? SIZE_MAX : redundant(list);
	struct step item = { &list_at, NULL, i, false };

	if (i != SIZE_MAX)
		doc_find(d, &item, POL_SUGGESTION, code, "Another entry of the list "
		    "covers this one. Remove one of them.");
}

static void
advise_pass_role(struct doc *d, const struct step *at, json_t *st)
{
	json_t *actions = json_object_get(st, "Action");
	bool star = has_text(json_object_get(st, "Resource"), "*"), named = false;
	bool wild = false;
	const char *a;
	size_t i;

	for (i = 0; i < list_count(actions); i++) {
		a = json_string_value(list_item(actions, i));
		/* Who writes "*" means everything, this too. */
		if (strcmp(a, "*") == 0 || !matches(a, "iam:PassRole"))
			continue;
		named = true;
		wild = wild || strpbrk(a, "*?") != NULL;
	}
	if (!named)
		return;
	if (star)
		doc_find(d, at, POL_SECURITY_WARNING, wild ?
		    "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE" :
		    "PASS_ROLE_WITH_STAR_IN_RESOURCE", "This allows iam:PassRole for every "
		    "role. Name the roles in Resource.");
	else if (json_object_get(st, "NotResource") != NULL)
		doc_find(d, at, POL_SECURITY_WARNING, "PASS_ROLE_WITH_NOT_RESOURCE",
		    "This allows iam:PassRole for every role but some. Use Resource.");
}

/* ---- resources that nothing is ---- */

/* ARNs of these services are of a known shape; another one matches nothing. */
static void
advise_arn(struct doc *d, const struct step *at, const char *text)
{
	static const char *const host_types[] = { "instance/", "command/" };
	static const char *const iam_types[] = { "user/", "group/", "role/", "policy/",
		"mfa/", "root", "instance-profile/", "saml-provider/", "oidc-provider/",
		"server-certificate/", "sms-mfa/", "access-report/" };
	struct val_slice a[ARN_PARTS];
	bool host, iam, fits = false;
	size_t i, n;

	if (!val_arn(text, strlen(text), a))
		return;
	host = a[2].len == 4 && memcmp(a[2].p, "host", 4) == 0;
	iam = a[2].len == 3 && memcmp(a[2].p, "iam", 3) == 0;
	if (iam && a[3].len > 0)
		doc_find(d, at, POL_WARNING, "ARN_REGION_NOT_ALLOWED", "An ARN of iam has no"
		    " region, so this matches nothing. Write arn:aws:iam::ACCOUNT:...");
	if (host && a[3].len == 0)
		doc_find(d, at, POL_WARNING, "MISSING_ARN_REGION", "An ARN of a host has a"
		    " region, so this matches nothing. Write arn:aws:host:*:*:instance/NAME.");
	if ((host || iam) && a[4].len == 0)
		doc_find(d, at, POL_WARNING, "INVALID_ARN_ACCOUNT", "An ARN of %s has an"
		    " account, so this matches nothing. Write * for any.",
		    host ? "a host" : "iam");
	for (i = 0; i < (host ? IAM_COUNT(host_types) : IAM_COUNT(iam_types)); i++) {
		const char *type = host ? host_types[i] : iam_types[i];

		n = strcspn(a[5].p, "*?$");
		fits = fits || strncmp(a[5].p, type, n < strlen(type) ? n : strlen(type)) == 0;
	}
	if ((host || iam) && !fits)
		doc_find(d, at, POL_WARNING, "INVALID_ARN_RESOURCE", host ? "A host has"
		    " instance/NAME and command/NAME/PATH only, so this matches nothing." :
		    "iam has user/, group/, role/, policy/ and mfa/, so this matches"
		    " nothing.");
}

/* Which kind of resource a host's action is about: the start of its last part. */
static const char *
resource_of(const char *action)
{
	static const struct {
		const char *action, *type;
	} kinds[] = {
		{ "host:Login", "instance/" }, { "host:Authenticate", "instance/" },
		{ "host:Sudo", "instance/" }, { "host:RunScheduled", "instance/" },
		{ "host:RunCommand", "command/" }, { "host:SwitchUser", "user/" },
	};
	size_t i;

	for (i = 0; i < IAM_COUNT(kinds); i++)
		if (ascii_equal_case(action, strlen(action), kinds[i].action,
		    strlen(kinds[i].action)))
			return kinds[i].type;
	return NULL;
}

static bool
may_be_type(const char *resource, const char *type)
{
	struct val_slice a[ARN_PARTS];
	const char *service = type[0] == 'u' ? "iam" : "host";
	char name[16];
	size_t n;

	if (!val_arn(resource, strlen(resource), a) || a[2].len >= sizeof(name))
		return true;
	snprintf(name, sizeof(name), "%.*s", (int)a[2].len, a[2].p);
	n = strcspn(a[5].p, "*?$");
	return matches(name, service) &&
	    strncmp(a[5].p, type, n < strlen(type) ? n : strlen(type)) == 0;
}

/* An action whose resources are of another kind than all of the statement's. */
static void
advise_resources(struct doc *d, const struct step *at, json_t *st)
{
	struct step resource_at = { at, "Resource", 0, false };
	struct step action_at = { at, "Action", 0, false };
	json_t *actions = json_object_get(st, "Action");
	json_t *resources = json_object_get(st, "Resource");
	const char *type;
	size_t i, j;

	for (i = 0; i < list_count(resources); i++) {
		struct step item = { &resource_at, NULL, i, false };

		advise_arn(d, json_is_array(resources) ? &item : &resource_at,
		    json_string_value(list_item(resources, i)));
	}
	for (i = 0; resources != NULL && i < list_count(actions); i++) {
		struct step item = { &action_at, NULL, i, false };

		if ((type = resource_of(json_string_value(list_item(actions, i)))) == NULL)
			continue;
		for (j = 0; j < list_count(resources); j++)
			if (may_be_type(json_string_value(list_item(resources, j)), type))
				break;
		if (j == list_count(resources))
			doc_find(d, json_is_array(actions) ? &item : &action_at, POL_WARNING,
			    "UNSUPPORTED_RESOURCE_FOR_ACTION", "The resource of %s is %s..., and"
			    " Resource names none, so this matches nothing.",
			    json_string_value(list_item(actions, i)), type[0] == 'u' ?
			    "the user one becomes, arn:aws:iam::ACCOUNT:user/" : type[0] == 'c' ?
			    "the command, arn:aws:host:REGION:ACCOUNT:command/" :
			    "the host, arn:aws:host:REGION:ACCOUNT:instance/");
	}
}

/* ---- conditions ---- */

/* What a well-known key holds, as a set of 1 << enum pol_type; 0: not known. */
#define T(type) (1u << POL_T_##type)

static unsigned
key_types(const char *name)
{
	static const struct {
		const char *name;
		unsigned types;
	} keys[] = {
		{ "aws:CurrentTime", T(DATE) }, { "aws:EpochTime", T(DATE) | T(NUMERIC) },
		{ "aws:TokenIssueTime", T(DATE) },
		{ "aws:MultiFactorAuthAge", T(NUMERIC) },
		{ "aws:MultiFactorAuthPresent", T(BOOLEAN) },
		{ "aws:SecureTransport", T(BOOLEAN) },
		{ "aws:ViaAWSService", T(BOOLEAN) },
		{ "aws:PrincipalIsAWSService", T(BOOLEAN) },
		{ "aws:SourceIp", T(IP) }, { "aws:VpcSourceIp", T(IP) },
		{ "aws:username", T(STRING) }, { "aws:userid", T(STRING) },
		{ "aws:PrincipalAccount", T(STRING) }, { "aws:PrincipalType", T(STRING) },
		{ "aws:RequestedRegion", T(STRING) }, { "aws:TagKeys", T(STRING) },
		{ "host:Service", T(STRING) }, { "host:Tty", T(STRING) },
		{ "host:Remote", T(BOOLEAN) }, { "host:DayOfWeek", T(STRING) },
		{ "host:LocalTime", T(STRING) }, { "host:RunAsUser", T(STRING) },
		{ "host:RunAsGroup", T(STRING) }, { "host:CommandLine", T(STRING) },
		{ "host:AuthenticationMethod", T(STRING) },
		{ "host:KeySize", T(NUMERIC) }, { "host:KeyAge", T(NUMERIC) },
		{ "host:KeyType", T(STRING) }, { "host:KeyId", T(STRING) },
	};
	size_t i;

	for (i = 0; i < IAM_COUNT(keys); i++)
		if (ascii_equal_case(keys[i].name, strlen(keys[i].name), name,
		    strlen(name)))
			return keys[i].types;
	return 0;
}

static unsigned
operator_types(uint8_t op)
{
	if (op <= OP_STRING_LIKE)
		return T(STRING);
	if (op <= OP_NUM_GE)
		return T(NUMERIC);
	if (op <= OP_DATE_GE || op == OP_WINDOW)
		return T(DATE);
	if (op == OP_BOOL)
		return T(BOOLEAN);
	return op == OP_IP ? T(IP) : op == OP_BINARY ? T(BINARY) : 0;
}

static const char *
operators_for(unsigned types)
{
	if ((types & T(DATE)) != 0)
		return "a Date operator or TimeOfDayWithin";
	if ((types & T(NUMERIC)) != 0)
		return "a Numeric operator";
	if ((types & T(BOOLEAN)) != 0)
		return "Bool";
	return (types & T(IP)) != 0 ? "IpAddress or NotIpAddress" : "a String operator";
}

static void
advise_type(struct doc *d, const struct step *key_at, uint8_t op, const char *key)
{
	unsigned wants = operator_types(op), has = key_types(key);

	/* Windows on other keys have a finding of their own. */
	if (wants != 0 && has != 0 && (wants & has) == 0 && op != OP_WINDOW)
		doc_find(d, key_at, POL_WARNING, "TYPE_MISMATCH", "%s is of another type"
		    " than the operator compares. Use %s.", key, operators_for(has));
}

/* Less and greater: of several values one decides. */
static void
advise_numbers(struct doc *d, const struct step *val_at, uint8_t op, const json_t *v)
{
	bool less = op == OP_NUM_LT || op == OP_NUM_LE || op == OP_DATE_LT ||
	    op == OP_DATE_LE;
	bool greater = op == OP_NUM_GT || op == OP_NUM_GE || op == OP_DATE_GT ||
	    op == OP_DATE_GE;

	if (list_count(v) > 1 && (less || greater))
		doc_find(d, val_at, POL_SUGGESTION, "REDUNDANT_CONDITION_VALUE_NUM",
		    "Of several values only the %s one counts. Remove the others.",
		    less ? "greatest" : "least");
}

static json_t *
asked_null(json_t *conditions, const char *key)
{
	json_t *map = json_object_get(conditions, "Null"), *v;
	const char *k;

	json_object_foreach(map, k, v)
		if (ascii_equal_case(k, strlen(k), key, strlen(key)))
			return v;
	return NULL;
}

static bool
is_true(const json_t *v)
{
	const json_t *item = list_item(v, 0);

	return list_count(v) == 1 && (json_is_true(item) || (json_is_string(item) &&
	    strcmp(json_string_value(item), "true") == 0));
}

/* The key must be missing, and must be there. */
static void
advise_contradiction(struct doc *d, const struct step *key_at, uint8_t op, uint8_t qual,
    uint8_t flags, json_t *conditions, const char *key)
{
	if (op != OP_NULL && qual != QUAL_ALL &&
	    (flags & (PC_NEGATED | PC_IF_EXISTS)) == 0 &&
	    is_true(asked_null(conditions, key)))
		doc_find(d, key_at, POL_WARNING, "CONDITION_NEVER_HOLDS", "\"Null\" asks that"
		    " %s be missing, and this that it have a value. The statement never"
		    " applies.", key);
}

static void
advise_conditions(struct doc *d, const struct step *at, json_t *conditions)
{
	struct step cond = { at, "Condition", 0, false };
	uint8_t op, qual, flags;
	const char *name, *key;
	json_t *map, *v;

	json_object_foreach(conditions, name, map) {
		struct step op_at = { &cond, name, 0, false };

		if (!cf_operator_parse(name, &op, &qual, &flags))
			continue;
		json_object_foreach(map, key, v) {
			struct step key_at = { &op_at, key, 0, true };
			struct step val_at = { &op_at, key, 0, false };

			advise_type(d, &key_at, op, key);
			advise_numbers(d, &val_at, op, v);
			advise_contradiction(d, &key_at, op, qual, flags, conditions, key);
		}
	}
}

/* ForAllValues is true without any value: unwise in an Allow. */
static void
advise_for_all(struct doc *d, const struct step *at, json_t *conditions)
{
	struct step cond = { at, "Condition", 0, false };
	uint8_t op, qual, flags;
	const char *name, *key;
	json_t *map, *v;

	json_object_foreach(conditions, name, map) {
		struct step op_at = { &cond, name, 0, false };

		if (!cf_operator_parse(name, &op, &qual, &flags) || qual != QUAL_ALL)
			continue;
		json_object_foreach(map, key, v) {
			struct step key_at = { &op_at, key, 0, true };

			if (key_is_single(key))
				doc_find(d, &key_at, POL_SECURITY_WARNING,
				    "FORALLVALUES_WITH_SINGLE_VALUED_KEY", "ForAllValues "
				    "holds when the key is missing. This key has one value: "
				    "remove ForAllValues.");
			else if (asked_null(conditions, key) == NULL)
				doc_find(d, &key_at, POL_WARNING,
				    "FORALLVALUES_WITHOUT_NULL", "ForAllValues holds when "
				    "the key is missing. Add \"Null\": {\"%.60s\": \"false\"}.",
				    key);
		}
	}
}

static bool
is_everyone(const json_t *principal)
{
	if (json_is_string(principal))
		return true;
	return json_is_object(principal) &&
	    has_text(json_object_get(principal, "AWS"), "*");
}

void
validate_advice(struct doc *d, json_t *st, const struct step *at)
{
	bool allow = strcmp(json_string_value(json_object_get(st, "Effect")), "Allow") == 0;
	json_t *conditions = json_object_get(st, "Condition");
	struct step not_principal = { at, "NotPrincipal", 0, true };
	struct step principal = { at, "Principal", 0, true };

	advise_redundant(d, at, st, "Action", "REDUNDANT_ACTION");
	advise_redundant(d, at, st, "Resource", "REDUNDANT_RESOURCE");
	advise_resources(d, at, st);
	advise_conditions(d, at, conditions);
	if (!allow)
		return;
	if (json_object_get(st, "NotPrincipal") != NULL)
		doc_find(d, &not_principal, POL_SECURITY_WARNING, "ALLOW_WITH_NOT_PRINCIPAL",
		    "Allow with NotPrincipal reaches everyone who is not named, of every "
		    "account. Use Principal.");
	if (is_everyone(json_object_get(st, "Principal")) &&
	    json_object_size(conditions) == 0)
		doc_find(d, &principal, POL_SECURITY_WARNING, "ALLOW_EVERYONE",
		    "This allows everyone, of every account. Name principals, or add a "
		    "condition.");
	advise_for_all(d, at, conditions);
	if (d->kind == POL_IDENTITY)
		advise_pass_role(d, at, st);
}

static size_t
size_without_sid(const json_t *st)
{
	return json_object_size(st) - (json_object_get(st, "Sid") != NULL ? 1 : 0);
}

/* Nothing is copied: jansson's copies lack members, without a word, when memory
 * is short. */
static bool
same_but_for_sid(json_t *a, const json_t *b)
{
	const char *name;
	json_t *v;

	if (size_without_sid(a) != size_without_sid(b))
		return false;
	json_object_foreach(a, name, v)
		if (strcmp(name, "Sid") != 0 && !json_equal(v, json_object_get(b, name)))
			return false;
	return true;
}

/* The same statement twice, whatever their Sids are. Long lists are left alone. */
void
validate_repeated(struct doc *d, const struct step *list_at, json_t *list)
{
	size_t i, j, n = json_array_size(list);

	for (i = 1; i < n && n <= 64; i++)
		for (j = 0; j < i; j++) {
			struct step item = { list_at, NULL, i, false };

			if (!same_but_for_sid(json_array_get(list, i), json_array_get(list, j)))
				continue;
			doc_find(d, &item, POL_SUGGESTION, "REDUNDANT_STATEMENT",
			    "Statement %zu says the same. Remove one of them.", j + 1);
			break;
		}
}
