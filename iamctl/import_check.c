/* What documents of an export must look like before anything of them is put. */
#include "common/base/base.h"

#include <ctype.h>
#include <stdarg.h>

#include "iamctl/import.h"
#include "iamctl/policies.h"

static const struct import_member tag_members[] = {
	{ "Key", TEXT, true }, { "Value", TEXT, true }, { NULL, TEXT, false },
};

int
import_bad(struct import *im, const char *what, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return op_fail(im->c, "InvalidInput", "%s: %s. Nothing was imported.", what,
	    text);
}

/* ---- shapes ---- */

static bool
all_are(const json_t *list, bool objects)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (objects ? !json_is_object(v) : !json_is_string(v))
			return false;
	return json_is_array(list);
}

static bool
all_texts(const json_t *map)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)map, name, v)
		if (!json_is_string(v))
			return false;
	return json_is_object(map);
}

/* As we write them: 2026-11-24T09:30:00Z. */
static bool
is_date(const char *s)
{
	int64_t t;

	return s != NULL && strlen(s) == TZ_ISO_LEN - 1 &&
	    s[TZ_ISO_LEN - 2] == 'Z' && time_parse(s, &t);
}

static bool
has_shape(const json_t *v, enum import_shape shape)
{
	switch (shape) {
	case TEXT:
		return json_is_string(v);
	case DATE:
		return is_date(json_string_value(v));
	case NUMBER:
		return json_is_integer(v);
	case FLAG:
		return json_is_boolean(v);
	case TEXTS:
		return all_are(v, false);
	case TEXT_MAP:
		return all_texts(v);
	case OBJECT:
		return json_is_object(v);
	case OBJECTS:
		return all_are(v, true);
	}
	return false;
}

int
import_check_members(struct import *im, const char *what, const json_t *doc,
    const struct import_member *members)
{
	const struct import_member *m;
	const char *name;
	json_t *v;

	if (!json_is_object(doc))
		return import_bad(im, what, "expected an object");
	json_object_foreach((json_t *)doc, name, v) {
		for (m = members; m->name != NULL && strcmp(m->name, name) != 0; m++)
			;
		if (m->name == NULL)
			return import_bad(im, what, "unknown member '%s'", name);
		if (!has_shape(v, m->shape))
			return import_bad(im, what, "'%s' has the wrong type", name);
	}
	for (m = members; m->name != NULL; m++)
		if (m->required && json_object_get(doc, m->name) == NULL)
			return import_bad(im, what, "'%s' is missing", m->name);
	return 0;
}

int
import_check_objects(struct import *im, const char *what, const json_t *list,
    const struct import_member *members)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (import_check_members(im, what, v, members) != 0)
			return -1;
	return 0;
}

/* ---- what users, groups and policies share ---- */

int
import_once(struct import *im, json_t *set, const char *key, const char *what)
{
	const char *other = json_string_value(json_object_get(set, key));

	if (other != NULL)
		return import_bad(im, what, "'%s' belongs to %s as well", key, other);
	if (json_object_set_new(set, key, json_string(what)) != 0)
		return op_fail_err(im->c, IAM_ERR_MEMORY, what);
	return 0;
}

int
import_check_new_name(struct import *im, const char *what, const char *kind,
    const char *name)
{
	char key[320];
	size_t i;

	snprintf(key, sizeof(key), "%s/%s", kind, name);
	for (i = 0; key[i] != '\0'; i++)
		key[i] = (char)tolower((unsigned char)key[i]);
	if (json_object_get(im->names, key) != NULL)
		return import_bad(im, what, "the name is there twice");
	if (json_object_set_new(im->names, key, json_true()) != 0)
		return op_fail_err(im->c, IAM_ERR_MEMORY, what);
	return 0;
}

int
import_check_id(struct import *im, const char *what, const json_t *doc,
    const char *member, const char *prefix)
{
	const char *id = text_of(doc, member);
	size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	if (strncmp(id, prefix, 4) != 0 || id[n] != '\0' || n < 16 || n > 128)
		return import_bad(im, what, "%s is not %s and 12 to 124 of A-Z0-9", member,
		    prefix);
	return 0;
}

int
import_check_list(struct import *im, const char *what, const json_t *doc,
    const char *member, size_t max)
{
	const json_t *list = json_object_get(doc, member), *v;
	size_t i;

	if (json_array_size(list) > max)
		return import_bad(im, what, "%s has more than %zu entries", member, max);
	json_array_foreach(list, i, v)
		if ((size_t)list_index(list, json_string_value(v)) != i)
			return import_bad(im, what, "%s has '%s' twice", member,
			    json_string_value(v));
	return 0;
}

int
import_check_tags(struct import *im, const char *what, const json_t *doc)
{
	const json_t *tags = json_object_get(doc, "Tags");

	if (import_check_objects(im, what, tags, tag_members) != 0)
		return -1;
	return tags != NULL ? tags_check(im->c, tags) : 0;
}

int
import_put_default(struct import *im, const char *what, json_t *doc,
    const char *member, json_t *value)
{
	int r;

	if (json_object_get(doc, member) != NULL)
		json_decref(value);
	else if ((r = json_object_set_new(doc, member, value)) != 0)
		return op_fail_err(im->c, IAM_ERR_MEMORY, what);
	return 0;
}

int
import_check_entity(struct import *im, const char *what, const json_t *doc,
    const char *kind, const char *name_member, unsigned name_max)
{
	const char *name = text_of(doc, name_member), *path = text_of(doc, "Path");
	char arn[1024];

	if (!name_is_iam(name, name_max))
		return import_bad(im, what, "'%s' is not a name", name);
	if (!name_is_path(path))
		return import_bad(im, what, "'%s' is not a path", path);
	snprintf(arn, sizeof(arn), "arn:aws:iam::%s:%s%s%s", im->account, kind,
	    path, name);
	if (strcmp(arn, text_of(doc, "Arn")) != 0)
		return import_bad(im, what, "the ARN is not %s", arn);
	if (import_check_new_name(im, what, kind, name) != 0)
		return -1;
	return import_check_tags(im, what, doc);
}

int
import_check_unix(struct import *im, const char *what, const json_t *doc)
{
	const char *name = text_of(doc, "UnixName");

	/* Clashes with local names are found, and kept out, when publishing. */
	if (!name_is_unix(name) || strcmp(name, "root") == 0)
		return import_bad(im, what, "'%s' is not a Unix name of an IAM user or group",
		    name);
	return 0;
}

int
import_check_inline(struct import *im, const char *what, const json_t *doc,
    size_t max_chars)
{
	json_t *all = json_object_get(doc, "InlinePolicies"), *v;
	const char *name;
	size_t chars = 0;

	if (json_object_size(all) > QUOTA_INLINE)
		return import_bad(im, what, "more than %d inline policies", QUOTA_INLINE);
	json_object_foreach(all, name, v) {
		if (!name_is_iam(name, 128))
			return import_bad(im, what, "'%s' is not a policy name", name);
		if (policy_check(im->c, name, json_string_value(v), POL_IDENTITY,
		    max_chars) != 0)
			return -1;
		chars += policy_chars(json_string_value(v));
	}
	if (chars > max_chars)
		return import_bad(im, what, "the inline policies together have more than %zu "
		    "characters", max_chars);
	return 0;
}
