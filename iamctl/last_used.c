#include "common/base/base.h"

#include <string.h>

#include "common/store/settings.h"
#include "iamctl/last_used.h"
#include "iamctl/util.h"

void
last_used_read(const json_t *user, struct lastlogin *ret)
{
	json_int_t uid = json_integer_value(json_object_get(user, "Uid"));
	bool found = false;

	if (uid <= 0 || uid > UINT32_MAX ||
	    lastlogin_read(IAM_PATH_LOGINS, (uint32_t)uid, &found, ret) != 0 ||
	    !found)
		*ret = (struct lastlogin){ 0 };
}

int
last_used_password(struct op_call *c, const struct lastlogin *l, json_t *shape)
{
	return time_put(c, shape, "PasswordLastUsed", l->password_s);
}

int
last_used_role(struct op_call *c, const struct lastlogin *l, json_t *shape)
{
	json_t *used = json_object();
	struct settings_host host;
	struct iam_why why = { 0 };
	int r = 0;

	if (l->at_s > 0 && settings_host_read(IAM_PATH_HOST, &host, &why) == 0) {
		if ((r = time_put(c, used, "LastUsedDate", l->at_s)) == 0)
			r = member_set(c, used, "Region", json_string(host.region));
		settings_host_release(&host);
	}
	if (r == 0)
		r = member_set(c, shape, "RoleLastUsed", json_incref(used));
	json_decref(used);
	return r;
}

static int
put_key(struct op_call *c, const struct lastlogin_key *k, json_t *shape)
{
	json_t *used = json_object();
	int r;

	r = time_put(c, used, "LastUsedDate", k->at_s);
	if (r == 0)
		r = member_set(c, used, "ServiceName", json_string(k->service));
	if (r == 0 && k->rhost[0] != '\0')
		r = member_set(c, used, "SourceIPAddress", json_string(k->rhost));
	if (r == 0)
		r = member_set(c, shape, "LastUsed", json_incref(used));
	json_decref(used);
	return r;
}

int
last_used_key(struct op_call *c, const struct lastlogin *l, json_t *shape)
{
	const char *id = text_of(shape, "SSHPublicKeyId");
	unsigned i;

	for (i = 0; i < LASTLOGIN_KEYS; i++) {
		if (id[0] != '\0' && strcmp(l->keys[i].id, id) == 0)
			return put_key(c, &l->keys[i], shape);
	}
	return 0;
}
