/* What is legal, and still wrong more often than right. */
#include "common/base/base.h"
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

/* What a host is asked for, and iamctl's operations on it. */
static const char *const host_actions[] = { "authenticate", "createrecoverycodes",
	"deleterecoverycodes", "doctor", "export", "gethost", "getloginstatus",
	"import", "init", "login", "publish", "runcommand", "runscheduled", "showaccess", "sudo",
	"switchuser", "unlockuser", "updatehost", "userecoverycode", "validatelogs",
	NULL };

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
	for (a = host_actions; *a != NULL; a++)
		if (matches(action + 5, *a))
			return true;
	return false;
}

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
		if (!matches(a, "iam:PassRole"))
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

static bool
asks_null(json_t *conditions, const char *key)
{
	json_t *map, *v;
	const char *name, *k;

	json_object_foreach(conditions, name, map)
		if (strcmp(name, "Null") == 0)
			json_object_foreach(map, k, v)
				if (ascii_equal_case(k, strlen(k), key, strlen(key)))
					return true;
	return false;
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
			else if (!asks_null(conditions, key))
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
