/*
 * The whole account as one document:
 *
 *     {"FormatVersion": 1, "Account": {…}, "Policies": [documents of the store],
 *      "Groups": […], "Users": […], "Roles": […], "MFADevices": […]}
 *
 * The documents are as docs/documents.md has them, but for secrets: without
 * --include-secrets there are neither password hashes nor seeds; with it a
 * device has Base32StringSeed in place of SealedSeed, since the key of the seal
 * stays on this host. Recovery codes and former passwords are good with that key
 * alone, and are never in it.
 */
#include "common/base/base.h"

#include <sodium.h>

#include "common/credential/credential.h"
#include "iamctl/host.h"

struct exporter {
	struct op_call *c;
	json_t *list;
	bool secrets;
	struct seal_key key;
};

static int
add(void *arg, const char *key, json_t *doc)
{
	struct exporter *e = arg;

	(void)key;
	return json_array_append(e->list, doc) == 0 ? 0 : IAM_ERR_MEMORY;
}

static int
add_user(void *arg, const char *key, json_t *doc)
{
	struct exporter *e = arg;
	json_t *copy = json_deep_copy(doc);

	(void)key;
	/* Bound to this host's key. */
	(void)json_object_del(copy, "RecoveryCodes");
	(void)json_object_del(json_object_get(copy, "LoginProfile"),
	    "FormerPasswords");
	if (!e->secrets)
		(void)json_object_del(json_object_get(copy, "LoginProfile"),
		    "PasswordHash");
	return json_array_append_new(e->list, copy) == 0 ? 0 : IAM_ERR_MEMORY;
}

/* The raw seed in Base32, for a host with another seal. */
static int
open_seed(const struct exporter *e, json_t *device)
{
	const char *text = json_string_value(json_object_get(device, "SealedSeed"));
	const char *serial = json_string_value(json_object_get(device,
	    "SerialNumber"));
	uint8_t sealed[256];
	size_t len;
	struct secret raw = SECRET_INIT, base32 = SECRET_INIT;
	int r = IAM_ERR_FORMAT;

	if (text != NULL && serial != NULL &&
	    sodium_base642bin(sealed, sizeof(sealed), text, strlen(text), NULL,
	    &len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    (r = unseal(&e->key, serial, sealed, len, &raw)) == 0 &&
	    (r = base32_encode(&raw, &base32)) == 0)
		r = json_object_set_new(device, "Base32StringSeed",
		    json_string(secret_str(&base32))) == 0 ? 0 : IAM_ERR_MEMORY;
	secret_release(&raw);
	secret_release(&base32);
	return r;
}

static int
add_device(void *arg, const char *key, json_t *doc)
{
	struct exporter *e = arg;
	json_t *copy = json_deep_copy(doc);
	int r;

	(void)key;
	if (copy == NULL)
		return IAM_ERR_MEMORY;
	if (e->secrets && (r = open_seed(e, copy)) != 0) {
		json_decref(copy);
		return r;
	}
	(void)json_object_del(copy, "SealedSeed");
	return json_array_append_new(e->list, copy) == 0 ? 0 : IAM_ERR_MEMORY;
}

static int
export_kind(struct exporter *e, json_t *all, const char *member,
    const char *prefix, store_visit *visit)
{
	int r;

	if ((e->list = json_array()) == NULL ||
	    json_object_set_new(all, member, e->list) != 0)
		return op_fail_err(e->c, IAM_ERR_MEMORY, member);
	if ((r = store_each(e->c->store, prefix, visit, e)) != 0)
		return op_fail_err(e->c, r, member);
	return 0;
}

static int
export_all(struct exporter *e, json_t *all)
{
	json_t *account = NULL;
	int r;

	if ((r = store_get(e->c->store, "account", &account)) != 0 ||
	    json_object_set_new(all, "FormatVersion", json_integer(1)) != 0 ||
	    json_object_set_new(all, "Account", account) != 0)
		return op_fail_err(e->c, r != 0 ? r : IAM_ERR_MEMORY, "account");
	/* Its key is a file of this host. */
	(void)json_object_del(account, "SSHCertificateAuthority");
	if (export_kind(e, all, "Policies", "policies/", add) != 0 ||
	    export_kind(e, all, "Groups", "groups/", add) != 0 ||
	    export_kind(e, all, "Users", "users/", add_user) != 0 ||
	    export_kind(e, all, "Roles", "roles/", add) != 0)
		return -1;
	return export_kind(e, all, "MFADevices", "mfa/", add_device);
}

static int
put_outfile(struct op_call *c, const json_t *all)
{
	char *text = json_dumps(all, JSON_INDENT(4));

	if (text == NULL)
		return op_fail_err(c, IAM_ERR_MEMORY, "document");
	buf_puts(&c->outfile, text);
	buf_putc(&c->outfile, '\n');
	secret_free_str(text);
	return 0;
}

int
host_run_export(struct op_call *c)
{
	struct exporter e = { .c = c, .secrets = op_bool(c, "IncludeSecrets", false) };
	json_t *all = json_object();
	int r;

	if (all == NULL)
		return op_fail_err(c, IAM_ERR_MEMORY, "document");
	if (e.secrets && (r = seal_key_load(IAM_PATH_SEAL_KEY, &e.key)) != 0) {
		json_decref(all);
		return op_fail_err(c, r, IAM_PATH_SEAL_KEY);
	}
	if ((r = export_all(&e, all)) == 0) {
		if (op_has(c, "Outfile"))
			r = put_outfile(c, all);
		else if (json_object_update(c->out, all) != 0)
			r = op_fail_err(c, IAM_ERR_MEMORY, "document");
	}
	explicit_bzero(&e.key, sizeof(e.key));
	json_decref(all);
	return r;
}
