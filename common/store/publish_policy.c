#include "common/base/base.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "common/policy/policy.h"
#include "common/store/publish.h"

/* AWS's policyDocumentType: quotas were checked when it was saved. */
#define POLICY_CHARS_MAX 131072
#define POLICY_FILE_MAX ((size_t)512 << 10)
#define MANAGED_MAX 1024 /* files in their directory */
#define MANAGED_ARN "arn:aws:iam::aws:policy/"

int
store_managed_policy(const char *dir, const char *arn, struct buf *ret)
{
	const char *name = arn + strlen(MANAGED_ARN);
	struct buf path = BUF_INIT;
	int r;

	/* The name rule has no '/': nothing but a file of that directory. */
	if (strncmp(arn, MANAGED_ARN, strlen(MANAGED_ARN)) != 0 ||
	    !name_is_iam(name, 128))
		return IAM_ERR_ABSENT;
	buf_printf(&path, "%s/%s.json", dir, name);
	r = path.err;
	if (r == 0)
		r = file_read(buf_cstr(&path), FILE_ROOT_ONLY, POLICY_FILE_MAX, ret);
	buf_release(&path);
	return r;
}

/* Appended to *code; nothing when it is refused, and a warning has said so. */
static int
compile(struct publish *p, const char *key, enum pol_kind kind, const void *text,
    size_t len, struct buf *code)
{
	const struct pol_limits limits = { .max_chars = POLICY_CHARS_MAX };
	struct pol_findings findings = { 0 };
	int r;

	r = pol_compile(text, len, kind, &limits, &findings, code);
	if (r == IAM_ERR_FORMAT || r == IAM_ERR_LIMIT)
		r = pub_warn(p, key, "left out, and whoever it applies to is denied:"
		    " %s", findings.n == 0 ? iam_strerror(r) : findings.v[0].text);
	pol_findings_release(&findings);
	return r;
}

static int
keep_bytecode(struct publish *p, struct buf *code)
{
	struct buf *v;

	v = reallocarray(p->bytecode, p->bytecode_count + 1, sizeof(*v));
	if (v == NULL)
		return IAM_ERR_MEMORY;
	p->bytecode = v;
	v[p->bytecode_count++] = *code;
	*code = (struct buf)BUF_INIT;
	return 0;
}

/*
 * Thousands of users may have the same inline policy: a text is compiled once.
 * *ret is borrowed until the next call; empty when the policy is refused.
 */
static int
compile_once(struct publish *p, const char *key, const char *text,
    const struct buf **ret)
{
	json_t *known = json_object_get(p->compiled, text);
	struct buf code = BUF_INIT;
	int r = 0;

	if (known == NULL) {
		if ((r = compile(p, key, POL_IDENTITY, text, strlen(text),
		    &code)) == 0 &&
		    (r = keep_bytecode(p, &code)) == 0 &&
		    json_object_set_new(p->compiled, text,
		    json_integer((json_int_t)p->bytecode_count - 1)) != 0)
			r = IAM_ERR_MEMORY;
		buf_release(&code);
		known = json_object_get(p->compiled, text);
	}
	if (r == 0)
		*ret = &p->bytecode[json_integer_value(known)];
	return r;
}

static int
put_policy(struct publish *p, const char *key, const char *arn,
    const char *name, const struct buf *code)
{
	struct snap_policy policy = { arn, name, code->p, code->len };

	if (code->len == 0)
		return 0;
	snap_policy_encode(&policy, &p->record);
	return pub_add(p, p->priv, SNAP_POLICY, key, strlen(key));
}

/* ---- managed policies ---- */

static int
note_managed(struct publish *p, const char *arn)
{
	return json_object_set_new(p->policies, arn, json_true()) == 0 ? 0 :
	    IAM_ERR_MEMORY;
}

static const char *
default_version(const struct doc_value *doc)
{
	const char *id = pub_str(doc, "DefaultVersionId"), *v;
	const struct doc_value *version;

	doc_foreach(version, doc_get(doc, "Versions")) {
		v = pub_str(version, "VersionId");
		if (id != NULL && v != NULL && strcmp(v, id) == 0)
			return pub_str(version, "Document");
	}
	return NULL;
}

int
pub_policy(struct publish *p, const char *key, const struct doc_value *doc)
{
	const char *arn = pub_str(doc, "Arn"), *text = default_version(doc);
	const struct buf *code;
	int r;

	if (arn == NULL || text == NULL || strlen(arn) > SNAP_KEY_MAX)
		return pub_warn(p, key, "left out, and whoever it applies to is"
		    " denied: no ARN or no default version");
	if (json_object_get(p->policies, arn) != NULL)
		return pub_warn(p, key, "left out: another policy has the ARN %s",
		    arn);
	if ((r = compile_once(p, key, text, &code)) != 0 ||
	    (r = put_policy(p, arn, arn, arn, code)) != 0)
		return r;
	return note_managed(p, arn);
}

static const char *
managed_dir(const struct publish *p)
{
	return p->paths->managed == NULL ? IAM_PATH_MANAGED "/managed" :
	    p->paths->managed;
}

static bool
is_policy_file(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

static int
compare_entries(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names, sizes and times of the files: they are replaced with the package. */
static int
describe_files(const char *dir, char **names, size_t count, struct buf *text)
{
	struct stat st;
	char path[PATH_MAX];
	size_t i;

	qsort(names, count, sizeof(*names), compare_entries);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (lstat(path, &st) != 0)
			continue;
		buf_printf(text, "%s %llu %lld %lld %ld %u %o\n", names[i],
		    (unsigned long long)st.st_ino, (long long)st.st_size,
		    (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
		    (unsigned)st.st_uid, (unsigned)st.st_mode);
	}
	return text->err;
}

int
pub_managed_digest(const struct publish *p, uint64_t *ret)
{
	const char *dir = managed_dir(p);
	struct buf text = BUF_INIT;
	char *names[MANAGED_MAX];
	size_t count = 0;
	struct dirent *e;
	DIR *d;
	int r = 0;

	if ((d = opendir(dir)) != NULL) {
		while (r == 0 && (e = readdir(d)) != NULL) {
			if (!is_policy_file(e->d_name))
				continue;
			if (count == MANAGED_MAX)
				r = IAM_ERR_LIMIT;
			else if ((names[count] = strdup(e->d_name)) == NULL)
				r = IAM_ERR_MEMORY;
			else
				count++;
		}
		closedir(d);
	}
	if (r == 0 && (r = describe_files(dir, names, count, &text)) == 0)
		*ret = store_digest(buf_cstr(&text), text.len);
	while (count > 0)
		free(names[--count]);
	buf_release(&text);
	return r;
}

/* Of changes: it is in the snapshot already, and its file is the same. */
static int
is_published(const struct publish *p, const char *arn, bool *ret)
{
	struct snap_bytes v;

	*ret = false;
	if (p->old_priv == NULL || json_object_get(p->freed_names, arn) != NULL)
		return 0;
	return snap_find(p->old_priv, SNAP_POLICY, arn, strlen(arn), ret, &v);
}

/* A file of ours is read when somebody has it attached for the first time. */
int
pub_managed(struct publish *p, const char *key, const char *arn)
{
	struct buf text = BUF_INIT, code = BUF_INIT;
	bool published;
	int r;

	if (json_object_get(p->policies, arn) != NULL)
		return 0;
	if ((r = is_published(p, arn, &published)) != 0)
		return r;
	if (published)
		return note_managed(p, arn);
	r = store_managed_policy(managed_dir(p), arn, &text);
	if (r == 0)
		r = compile(p, arn, POL_IDENTITY, buf_cstr(&text), text.len, &code);
	else if (r != IAM_ERR_MEMORY)
		r = pub_warn(p, key, "the policy %s is not there (%s): whoever it"
		    " applies to is denied", arn, iam_strerror(r));
	if (r == 0 && (r = put_policy(p, arn, arn, arn, &code)) == 0)
		r = note_managed(p, arn);
	buf_release(&text);
	buf_release(&code);
	return r;
}

/* ---- policies of users, groups and roles ---- */

static int
add_key(struct pub_keys *keys, const char *key)
{
	buf_put(&keys->text, key, strlen(key) + 1);
	keys->count++;
	return keys->text.err;
}

/* The key and then the name of an inline policy, in p->text. */
static int
name_inline(struct publish *p, const char *kind, const char *owner,
    const char *name, const char **ret_name)
{
	size_t at;

	buf_reset(&p->text);
	buf_printf(&p->text, "%s/%s/%s", kind, owner, name);
	buf_putc(&p->text, '\0');
	at = p->text.len;
	buf_printf(&p->text, "%s_%s_%s", kind, owner, name);
	*ret_name = buf_cstr(&p->text) + at;
	return p->text.err;
}

static int
add_inline(struct publish *p, const char *doc_key, const char *kind,
    const char *owner, const struct doc_value *v, struct pub_keys *keys)
{
	const char *name = v->name, *id, *key;
	const struct buf *code;
	int r;

	if ((r = name_inline(p, kind, owner, name, &id)) != 0)
		return r;
	key = buf_cstr(&p->text);
	if ((r = add_key(keys, key)) != 0)
		return r;
	if (doc_text(v) == NULL || !name_is_iam(name, 128))
		return pub_warn(p, doc_key, "the inline policy %s is left out, and"
		    " whoever it applies to is denied", name);
	if ((r = compile_once(p, key, doc_text(v), &code)) != 0)
		return r;
	return put_policy(p, key, NULL, id, code);
}

int
pub_policies_of(struct publish *p, const char *key, const char *kind,
    const char *name, const struct doc_value *doc, struct pub_keys *ret)
{
	const struct doc_value *v;
	const char *arn;
	int r;

	doc_foreach(v, doc_get(doc, "AttachedPolicies")) {
		arn = doc_text(v) == NULL ? "" : doc_text(v);
		if ((r = pub_managed(p, key, arn)) != 0 ||
		    (r = add_key(ret, arn)) != 0)
			return r;
	}
	doc_foreach(v, doc_get(doc, "InlinePolicies")) {
		if ((r = add_inline(p, key, kind, name, v, ret)) != 0)
			return r;
	}
	return 0;
}

int
pub_policies_remove(struct publish *p, const char *kind, const char *name,
    const struct doc_value *doc)
{
	const struct doc_value *v;
	int r;

	doc_foreach(v, doc_get(doc, "InlinePolicies")) {
		buf_reset(&p->text);
		buf_printf(&p->text, "%s/%s/%s", kind, name, v->name);
		if ((r = p->text.err) != 0 || (r = pub_remove(p->priv, SNAP_POLICY,
		    buf_cstr(&p->text))) != 0)
			return r;
	}
	return 0;
}

int
pub_trust(struct publish *p, const char *key, const char *name,
    const char *text, char **ret_key)
{
	struct buf code = BUF_INIT;
	int r;

	if (asprintf(ret_key, "trust/%s", name) < 0) {
		*ret_key = NULL;
		return IAM_ERR_MEMORY;
	}
	buf_reset(&p->text);
	buf_printf(&p->text, "trust_%s", name);
	if (text == NULL)
		r = pub_warn(p, key, "the trust policy is missing: nobody can assume"
		    " the role");
	else if ((r = compile(p, key, POL_TRUST, text, strlen(text), &code)) == 0 &&
	    (r = p->text.err) == 0)
		r = put_policy(p, *ret_key, NULL, buf_cstr(&p->text), &code);
	buf_release(&code);
	return r;
}

void
pub_policies_release(struct publish *p)
{
	size_t i;

	for (i = 0; i < p->bytecode_count; i++)
		buf_release(&p->bytecode[i]);
	free(p->bytecode);
	json_decref(p->compiled);
	json_decref(p->policies);
}
