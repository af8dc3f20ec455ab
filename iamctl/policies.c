#include "common/base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/tz.h"
#include "iamctl/entity.h"
#include "iamctl/policies.h"

#define MANAGED_DIR IAM_PATH_MANAGED "/managed"

/* ---- policies that ship ---- */

/* AWS's policies have fixed ids, the same in every account: from the name. */
static void
shipped_id(const char *name, char ret[AWS_ID_LEN + 1])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t hash[17];
	size_t i;

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)name,
	    strlen(name), NULL, 0);
	memcpy(ret, "ANPA", 4);
	for (i = 0; i < sizeof(hash); i++)
		ret[4 + i] = alphabet[hash[i] % 32];
	ret[AWS_ID_LEN] = '\0';
}

/* What a shipped policy is for, from descriptions.tsv: a name, a tab, the text.
 * "" when nothing is said. */
static void
shipped_description(const char *name, char *ret, size_t size)
{
	struct buf b = BUF_INIT;
	const char *p, *end;
	size_t len = strlen(name);

	ret[0] = '\0';
	if (file_read(MANAGED_DIR "/descriptions.tsv", FILE_ROOT_ONLY, 65536, &b) == 0)
		for (p = buf_cstr(&b); *p != '\0'; p = *end == '\0' ? end : end + 1) {
			end = strchrnul(p, '\n');
			if (strncmp(p, name, len) == 0 && p[len] == '\t')
				snprintf(ret, size, "%.*s", (int)(end - p - (ptrdiff_t)len - 1),
				    p + len + 1);
		}
	buf_release(&b);
}

static json_t *
shipped_doc(const char *name, const char *text, int64_t mtime_s)
{
	char id[AWS_ID_LEN + 1], date[TZ_ISO_LEN], description[1001];
	json_t *ret;

	shipped_id(name, id);
	tz_iso(mtime_s, date);
	shipped_description(name, description, sizeof(description));
	ret = json_pack("{s:s,s:s,s:s,s:s+,s:s,s:s,s:s,s:i,s:[],s:[{s:s,s:s,s:s}]}",
	    "PolicyName", name, "PolicyId", id, "Path", "/",
	    "Arn", AWS_POLICY_PREFIX, name, "CreateDate", date, "UpdateDate", date,
	    "DefaultVersionId", "v1", "NextVersion", 2, "Tags", "Versions",
	    "VersionId", "v1", "Document", text, "CreateDate", date);
	if (ret != NULL && description[0] != '\0' && json_object_set_new(ret,
	    "Description", json_string(description)) != 0) {
		json_decref(ret);
		return NULL;
	}
	return ret;
}

/* When the file was written stands for both dates. */
static int64_t
shipped_time(const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s.json", MANAGED_DIR, name);
	return stat(path, &st) == 0 ? st.st_mtime : 0;
}

static int
shipped_find(struct op_call *c, const char *arn, json_t **ret)
{
	const char *name = arn + strlen(AWS_POLICY_PREFIX);
	struct buf text = BUF_INIT;
	int r;

	*ret = NULL;
	r = store_managed_policy(MANAGED_DIR, arn, &text);
	if (r == 0) {
		*ret = shipped_doc(name, buf_cstr(&text), shipped_time(name));
		r = *ret != NULL ? 0 : no_memory(c);
	} else
		r = r == IAM_ERR_ABSENT ? 0 : op_fail_err(c, r, arn);
	buf_release(&text);
	return r;
}

static int
add_shipped(struct op_call *c, json_t *names, const char *file)
{
	size_t len = strlen(file);
	char name[160];

	if (len <= 5 || len >= sizeof(name) ||
	    strcmp(file + len - 5, ".json") != 0)
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)(len - 5), file);
	if (!name_is_iam(name, 128) || name[0] == '.')
		return 0;
	return list_add(c, names, json_string(name));
}

int
policy_shipped(struct op_call *c, json_t **ret)
{
	json_t *names = json_array();
	const struct dirent *e;
	DIR *dir = NULL;
	int fd, r = -1;

	*ret = NULL;
	if (names == NULL)
		return no_memory(c);
	fd = open(MANAGED_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (dir = fdopendir(fd)) == NULL)
		close(fd);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (add_shipped(c, names, e->d_name) != 0)
			goto out;
	}
	*ret = list_sorted(names, NULL);
	r = *ret != NULL ? 0 : no_memory(c);
out:
	if (dir != NULL)
		closedir(dir);
	json_decref(names);
	return r;
}

/* ---- finding ---- */

static bool
is_shipped(const char *arn)
{
	return strncmp(arn, AWS_POLICY_PREFIX, strlen(AWS_POLICY_PREFIX)) == 0;
}

static int
own_find(struct op_call *c, const char *arn, json_t **ret)
{
	const char *name = strrchr(arn, '/');

	*ret = NULL;
	if (name == NULL || !name_is_iam(name + 1, 128))
		return 0;
	if (document_find(c, "policies", name + 1, ret) != 0)
		return -1;
	/* Account, path and case belong to the ARN. */
	if (*ret != NULL && strcmp(text_of(*ret, "Arn"), arn) != 0) {
		json_decref(*ret);
		*ret = NULL;
	}
	return 0;
}

int
policy_find(struct op_call *c, const char *arn, json_t **ret)
{
	if (is_shipped(arn))
		return shipped_find(c, arn, ret);
	return own_find(c, arn, ret);
}

int
policy_get(struct op_call *c, const char *arn, json_t **ret)
{
	if (policy_find(c, arn, ret) != 0)
		return -1;
	if (*ret == NULL)
		return op_fail(c, "NoSuchEntity", "Policy %s was not found.", arn);
	return 0;
}

int
policy_get_own(struct op_call *c, const char *arn, json_t **ret)
{
	*ret = NULL;
	if (is_shipped(arn))
		return op_fail(c, "AccessDenied", "Cannot perform operation on AWS"
		    " managed policy %s: it ships with the program; make a copy of"
		    " your own with create-policy.", arn);
	return policy_get(c, arn, ret);
}

int
policy_attachable(struct op_call *c, const char *arn)
{
	json_t *policy;

	if (policy_find(c, arn, &policy) != 0)
		return -1;
	json_decref(policy);
	if (policy == NULL)
		return op_fail(c, "NoSuchEntity", "Policy %s does not exist or is not"
		    " attachable.", arn);
	return 0;
}

json_t *
policy_version(const json_t *policy, const char *id)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(policy, "Versions"), i, v) {
		if (strcmp(text_of(v, "VersionId"), id) == 0)
			return v;
	}
	return NULL;
}

/* ---- usage ---- */

int
policy_usage(struct op_call *c, const char *arn, struct policy_usage *ret)
{
	return document_count_with(c, "AttachedPolicies", arn,
	    &ret->attached) != 0 || document_count_with(c, "PermissionsBoundary",
	    arn, &ret->boundary) != 0 ? -1 : 0;
}

/* ---- shapes ---- */

json_t *
policy_shape(const json_t *policy, const struct policy_usage *usage,
    bool brief)
{
	static const char *const names[] = { "PolicyName", "PolicyId", "Arn",
		"Path", "DefaultVersionId", "CreateDate", "UpdateDate", NULL };
	json_t *description = json_object_get(policy, "Description");
	json_t *tags = json_object_get(policy, "Tags");
	json_t *ret = members_of(policy, names);

	if (ret == NULL || json_object_set_new(ret, "AttachmentCount",
	    json_integer((json_int_t)usage->attached)) != 0 ||
	    json_object_set_new(ret, "PermissionsBoundaryUsageCount",
	    json_integer((json_int_t)usage->boundary)) != 0 ||
	    json_object_set_new(ret, "IsAttachable", json_true()) != 0)
		goto fail;
	if (brief)
		return ret;
	if ((description != NULL &&
	    json_object_set(ret, "Description", description) != 0) ||
	    (json_array_size(tags) > 0 &&
	    json_object_set(ret, "Tags", tags) != 0))
		goto fail;
	return ret;
fail:
	json_decref(ret);
	return NULL;
}

json_t *
policy_json(const char *text)
{
	json_t *ret = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	return ret != NULL ? ret : json_string(text);
}

json_t *
policy_version_shape(const json_t *policy, const json_t *version, bool document)
{
	static const char *const names[] = { "VersionId", "CreateDate", NULL };
	json_t *ret = members_of(version, names);
	bool is_default = strcmp(text_of(policy, "DefaultVersionId"),
	    text_of(version, "VersionId")) == 0;

	if (ret == NULL || json_object_set_new(ret, "IsDefaultVersion",
	    json_boolean(is_default)) != 0 ||
	    (document && json_object_set_new(ret, "Document",
	    policy_json(text_of(version, "Document"))) != 0)) {
		json_decref(ret);
		return NULL;
	}
	return ret;
}

json_t *
policy_attached_shape(const char *arn)
{
	const char *name = strrchr(arn, '/');

	return json_pack("{s:s,s:s}", "PolicyName",
	    name != NULL ? name + 1 : arn, "PolicyArn", arn);
}

/* ---- checking ---- */

size_t
policy_chars(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (strchr(" \t\r\n", *text) == NULL &&
		    ((unsigned char)*text & 0xc0) != 0x80)
			n++;
	}
	return n;
}

static void
describe(const struct pol_finding *f, struct buf *b)
{
	if (f->line != 0)
		buf_printf(b, "line %u, column %u: ", f->line, f->col);
	if (f->path != NULL && f->path[0] != '\0')
		buf_printf(b, "%s: ", f->path);
	buf_printf(b, "%s", f->text);
}

/* The first errors; what remains is counted. */
static int
malformed(struct op_call *c, const char *what, const struct pol_findings *found)
{
	struct buf b = BUF_INIT;
	unsigned errors = 0;
	size_t i;
	int r;

	for (i = 0; i < found->n; i++) {
		if (found->v[i].severity != POL_ERROR || ++errors > 3)
			continue;
		buf_puts(&b, errors == 1 ? "" : "; ");
		describe(&found->v[i], &b);
	}
	if (errors > 3)
		buf_printf(&b, "; and %u more (iamctl validate-policy lists them)",
		    errors - 3);
	r = op_fail(c, "MalformedPolicyDocument", "%s is not a valid policy: %s",
	    what, errors > 0 ? buf_cstr(&b) : "it cannot be understood");
	buf_release(&b);
	return r;
}

static int
warn(struct op_call *c, const char *what, const struct pol_findings *found)
{
	struct buf b = BUF_INIT;
	size_t i;
	int r = 0;

	for (i = 0; c->warnings != NULL && i < found->n && r == 0; i++) {
		if (found->v[i].severity == POL_SUGGESTION)
			continue;
		buf_printf(&b, "%s: ", what);
		describe(&found->v[i], &b);
		r = list_add(c, c->warnings, json_string(buf_cstr(&b)));
		buf_reset(&b);
	}
	buf_release(&b);
	return r;
}

bool
policy_zone_known(const char *name)
{
	struct tz *zone;

	if (tz_load(name, &zone) != 0)
		return false;
	tz_free(zone);
	return true;
}

int
policy_compile(struct op_call *c, const char *what, const char *text,
    enum pol_kind kind, size_t max_chars, struct buf *ret)
{
	struct pol_limits limits = { .max_chars = max_chars,
		.zone_known = policy_zone_known };
	struct pol_findings found = { 0 };
	int r;

	r = pol_compile(text, strlen(text), kind, &limits, &found, ret);
	if (r == IAM_ERR_LIMIT && policy_chars(text) > max_chars)
		r = op_fail(c, "LimitExceeded", "Cannot exceed quota for PolicySize:"
		    " %zu characters without white space, and %s has %zu.", max_chars,
		    what, policy_chars(text));
	else if (r == IAM_ERR_FORMAT || r == IAM_ERR_LIMIT)
		r = malformed(c, what, &found);
	else if (r != 0)
		r = op_fail_err(c, r, what);
	else
		r = warn(c, what, &found);
	pol_findings_release(&found);
	return r;
}

int
policy_check(struct op_call *c, const char *what, const char *text,
    enum pol_kind kind, size_t max_chars)
{
	struct buf compiled = BUF_INIT;
	int r = policy_compile(c, what, text, kind, max_chars, &compiled);

	buf_release(&compiled);
	return r;
}
