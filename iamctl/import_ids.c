/* Ids that documents of an export bring: none that this host gave to another. */
#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/host.h"
#include "iamctl/import.h"

struct former {
	const char *id_member; /* "UserId" */
	const char *member;    /* "Uid" */
	const json_t *doc;
	bool same;
};

/* The last document under the key: was it this very user or group? */
static int
look_at_former(void *arg, const char *key, json_t *entry)
{
	struct former *f = arg;
	json_t *was = json_object_get(entry, "document");

	(void)key;
	if (!json_is_object(was))
		return 0; /* its deletion */
	f->same = strcmp(text_of(was, f->id_member),
	    text_of(f->doc, f->id_member)) == 0 && json_equal(
	    json_object_get(was, f->member), json_object_get(f->doc, f->member));
	return 1;
}

/* Somebody who was deleted here and comes back with her own id. */
static int
is_restored(struct import *im, const char *kind, const char *name,
    const json_t *doc, const char *member, bool *ret)
{
	struct former f = { .doc = doc, .member = member,
		.id_member = entity_kind_of(doc)->id };
	char key[320];
	int r;

	snprintf(key, sizeof(key), "%s/%s", kind, name);
	r = store_history(im->c->store, key, look_at_former, &f);
	*ret = f.same;
	return r < 0 ? op_fail_err(im->c, r, key) : 0;
}

/* The host's own id: of a person, and outside our range. */
static int
check_adopted(struct import *im, const char *what, json_int_t id)
{
	struct host_limits limits;

	if (host_limits_get(im->c, &limits) != 0)
		return -1;
	if (id < 1000 || (id >= limits.id_min && id <= limits.id_max))
		return import_bad(im, what, "%lld is not the id of a local account that"
		    " may be adopted", (long long)id);
	return 0;
}

int
import_claim_id(struct import *im, const char *kind, const char *what,
    const json_t *doc, const json_t *old, const char *member)
{
	json_int_t id = json_integer_value(json_object_get(doc, member));
	bool restored;
	uint32_t got;

	if (id <= 0 || id > UINT32_MAX)
		return import_bad(im, what, "%s %lld is no id", member, (long long)id);
	if (json_is_true(json_object_get(doc, "Adopted")))
		return check_adopted(im, what, id);
	if (old == NULL) {
		if (is_restored(im, kind, what, doc, member, &restored) != 0)
			return -1;
		return restored ? 0 : unix_id_new(im->c, (uint32_t)id, &got);
	}
	if (json_integer_value(json_object_get(old, member)) != id)
		return import_bad(im, what, "%s %lld differs from the one it has here",
		    member, (long long)id);
	return 0;
}

int
import_claim_subordinate_ids(struct import *im, const char *what,
    const json_t *doc, const json_t *old)
{
	const json_t *start = json_object_get(doc, "SubordinateIdStart");
	json_int_t first = json_integer_value(start);
	uint32_t got;

	if (start == NULL ||
	    json_equal(start, json_object_get(old, "SubordinateIdStart")))
		return 0;
	if (first <= 0 || first > UINT32_MAX)
		return import_bad(im, what, "SubordinateIdStart %lld is no id",
		    (long long)first);
	return subordinate_ids_new(im->c, (uint32_t)first, &got);
}
