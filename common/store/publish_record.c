/* What a publish reads of documents, and how a record goes into the snapshots. */
#include "common/base/base.h"

#include <stdarg.h>
#include <string.h>

#include "common/store/publish.h"

/* ---- documents ---- */

int
pub_warn(struct publish *p, const char *key, const char *fmt, ...)
{
	json_t *text;
	va_list ap;

	p->unsure = p->unsure || p->current == NULL ||
	    !pub_has_key(p->still, p->current);
	if (p->current != NULL && pub_note_odd(p, p->current) != 0)
		return IAM_ERR_MEMORY;
	va_start(ap, fmt);
	text = json_vsprintf(fmt, ap);
	va_end(ap);
	if (text != NULL) {
		json_array_append_new(p->warnings, json_sprintf("%s: %s", key,
		    json_string_value(text)));
		json_decref(text);
	}
	return text == NULL ? IAM_ERR_MEMORY : 0;
}

bool
pub_has_key(const json_t *set, const char *key)
{
	char lower[STORE_KEY_MAX + 1];

	pub_lower(key, lower);
	return json_object_get(set, lower) != NULL;
}

/* More than there may be are not kept, but that there are more is. */
int
pub_note_odd(struct publish *p, const char *key)
{
	char lower[STORE_KEY_MAX + 1];

	if (json_object_size(p->odd) > PUB_ODD_MAX)
		return 0;
	pub_lower(key, lower);
	return json_object_set_new(p->odd, lower, json_string(key)) == 0 ? 0 :
	    IAM_ERR_MEMORY;
}

const char *
pub_str(const struct doc_value *doc, const char *name)
{
	return doc_text(doc_get(doc, name));
}

const char *
pub_json_str(const json_t *doc, const char *name)
{
	return json_string_value(json_object_get(doc, name));
}

uint32_t
pub_id(const struct doc_value *doc, const char *name)
{
	int64_t v = doc_integer(doc_get(doc, name));

	return v > 0 && v < UINT32_MAX ? (uint32_t)v : 0;
}

/* -1: no digits there. */
static int
digits(const char *p, int count)
{
	int v = 0;

	for (; count > 0; count--, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v;
}

/* Exactly as tz_iso writes it. */
int64_t
pub_time(const struct doc_value *doc, const char *name)
{
	const char *s = pub_str(doc, name);
	char again[TZ_ISO_LEN];
	int month, day;
	int64_t t;

	if (s == NULL || strlen(s) != TZ_ISO_LEN - 1)
		return 0;
	month = digits(s + 5, 2);
	day = digits(s + 8, 2);
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return 0;
	t = tz_from_utc(digits(s, 4), month, day, digits(s + 11, 2) * 3600 +
	    digits(s + 14, 2) * 60 + digits(s + 17, 2));
	tz_iso(t, again);
	return strcmp(s, again) == 0 ? t : 0;
}

void
pub_lower(const char *name, char ret[STORE_KEY_MAX + 1])
{
	size_t i;

	for (i = 0; name[i] != '\0' && i < STORE_KEY_MAX; i++)
		ret[i] = name[i] >= 'A' && name[i] <= 'Z' ?
		    (char)(name[i] + ('a' - 'A')) : name[i];
	ret[i] = '\0';
}

/* ---- records ---- */

static int
add_record(struct publish *p, struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len)
{
	if (p->record.err != 0)
		return p->record.err;
	return snap_builder_add(b, table, key, key_len, p->record.p,
	    p->record.len);
}

int
pub_add(struct publish *p, struct snap_builder *b, enum snap_table table,
    const void *key, size_t key_len)
{
	int r = add_record(p, b, table, key, key_len);

	buf_reset(&p->record);
	return r;
}

int
pub_add_both(struct publish *p, enum snap_table by_name, const char *name,
    enum snap_table by_id, uint32_t id)
{
	struct buf key = BUF_INIT;
	int r;

	buf_u32(&key, id);
	if ((r = key.err) == 0 &&
	    (r = add_record(p, p->pub, by_name, name, strlen(name))) == 0)
		r = add_record(p, p->pub, by_id, key.p, key.len);
	buf_release(&key);
	buf_reset(&p->record);
	return r;
}

int
pub_remove(struct snap_builder *b, enum snap_table table, const char *key)
{
	size_t len = strlen(key);

	return len == 0 || len > SNAP_KEY_MAX ? 0 :
	    snap_builder_remove(b, table, key, len);
}
