/* The Unix account of a user or a role. */
#include "common/base/base.h"

#include "iamctl/entity.h"
#include "iamctl/unix_account.h"

static int
new_unix_name(struct op_call *c, const char *name, char *ret)
{
	const char *given = op_str(c, "UnixName");

	if (given == NULL) {
		if (unix_name_default(c, name, ret) != 0)
			return -1;
	} else
		snprintf(ret, IAM_UNIX_NAME_MAX + 1, "%s", given);
	/* What was given is checked whole, not what fits here. */
	return unix_name_check(c, given != NULL ? given : ret, NULL, NULL);
}

/* A range of subordinate ids: one at most, and when given up, gone (S26). */
static int
set_subordinate_ids(struct op_call *c, json_t *doc)
{
	static const char member[] = "SubordinateIdStart";
	uint32_t first;

	if (!op_has(c, "SubordinateIds"))
		return 0;
	if (!op_bool(c, "SubordinateIds", false)) {
		(void)json_object_del(doc, member);
		return 0;
	}
	if (json_object_get(doc, member) != NULL)
		return 0;
	if (subordinate_ids_new(c, 0, &first) != 0)
		return -1;
	return member_set(c, doc, member, json_integer(first));
}

int
account_create(struct op_call *c, json_t *doc)
{
	char unix_name[IAM_UNIX_NAME_MAX + 1];
	const char *home = op_str(c, "Home");
	uint32_t id;

	if (new_unix_name(c, entity_name(doc), unix_name) != 0 ||
	    unix_field_check(c, "Home") != 0 ||
	    unix_field_check(c, "Shell") != 0 ||
	    unix_field_check(c, "Gecos") != 0 ||
	    unix_id_new(c, (uint32_t)op_int(c, "Uid", 0), &id) != 0)
		return -1;
	if (member_set(c, doc, "UnixName", json_string(unix_name)) != 0 ||
	    member_set(c, doc, "Uid", json_integer(id)) != 0 ||
	    member_set(c, doc, "Gid", json_integer(id)) != 0 ||
	    member_set(c, doc, "Gecos",
	    json_string(op_str_or(c, "Gecos", ""))) != 0 ||
	    member_set(c, doc, "Home", home != NULL ? json_string(home) :
	    json_sprintf("/home/%s", unix_name)) != 0 ||
	    member_set(c, doc, "Shell",
	    json_string(op_str_or(c, "Shell", "/bin/bash"))) != 0 ||
	    set_subordinate_ids(c, doc) != 0)
		return -1;
	return member_set(c, doc, "Enabled",
	    json_boolean(op_bool(c, "Enabled", true)));
}

int
account_update(struct op_call *c, json_t *doc)
{
	static const char *const fields[] = { "Home", "Shell", "Gecos" };
	const char *unix_name = op_str(c, "UnixName");
	size_t i;

	if (json_is_true(json_object_get(doc, "Adopted")) && (unix_name != NULL ||
	    op_has(c, "Home") || op_has(c, "Shell") || op_has(c, "Gecos") ||
	    op_has(c, "SubordinateIds")))
		return op_fail(c, "InvalidInput", "%s is an adopted local account; its"
		    " entries in passwd(5) and subuid(5) are changed with usermod.",
		    entity_name(doc));
	for (i = 0; i < IAM_COUNT(fields); i++) {
		if (!op_has(c, fields[i]))
			continue;
		if (unix_field_check(c, fields[i]) != 0 ||
		    member_set(c, doc, fields[i],
		    json_string(op_str(c, fields[i]))) != 0)
			return -1;
	}
	if (unix_name != NULL &&
	    (unix_name_check(c, unix_name, entity_kind_of(doc)->documents,
	    entity_name(doc)) != 0 ||
	    member_set(c, doc, "UnixName", json_string(unix_name)) != 0))
		return -1;
	if (set_subordinate_ids(c, doc) != 0)
		return -1;
	if (!op_has(c, "Enabled"))
		return 0;
	return member_set(c, doc, "Enabled",
	    json_boolean(op_bool(c, "Enabled", true)));
}
