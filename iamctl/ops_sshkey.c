/* SSH public keys, served to sshd from the snapshot while they are Active. */
#include "common/base/base.h"

#include "common/credential/credential.h"
#include "iamctl/last_used.h"
#include "iamctl/util.h"

#define USER_ARN "arn:aws:iam::{account}:user{path}{UserName}"

/* The whole document's entry with the user's name, as AWS shows it. */
static json_t *
key_shape(const json_t *user, const json_t *key, bool brief)
{
	static const char *const all[] = { "SSHPublicKeyId", "Fingerprint",
		"SSHPublicKeyBody", "Status", "UploadDate", NULL };
	static const char *const few[] = { "SSHPublicKeyId", "Status",
		"UploadDate", NULL };
	json_t *ret = members_of(key, brief ? few : all);

	if (ret == NULL || json_object_set(ret, "UserName",
	    json_object_get(user, "UserName")) != 0) {
		json_decref(ret);
		return NULL;
	}
	return ret;
}

/* The same, and when it was used last. */
static json_t *
used_shape(struct op_call *c, const json_t *user, const json_t *key, bool brief,
    const struct lastlogin *last)
{
	json_t *ret = key_shape(user, key, brief);

	if (ret != NULL && last_used_key(c, last, ret) != 0) {
		json_decref(ret);
		return NULL;
	}
	return ret;
}

/* ---- UploadSSHPublicKey ---- */

int
public_key_read(struct op_call *c, const char *line, struct ssh_key *ret)
{
	struct iam_why why = { 0 };
	int r = ssh_key_parse(line, ret, &why);

	if (r == IAM_ERR_MEMORY)
		return no_memory(c);
	if (r != 0)
		return op_fail(c, "InvalidPublicKey", "The key is not a usable SSH"
		    " public key: %s. Give the one line of a .pub file.",
		    why.text[0] != '\0' ? why.text : iam_strerror(r));
	return 0;
}

/* Without the line end that a file has. */
static int
parse_body(struct op_call *c, struct buf *line, struct ssh_key *ret)
{
	const char *body = op_str(c, "SSHPublicKeyBody");
	size_t len = strlen(body);

	while (len > 0 && strchr(" \t\r\n", body[len - 1]) != NULL)
		len--;
	buf_put(line, body, len);
	if (line->err != 0)
		return no_memory(c);
	return public_key_read(c, buf_cstr(line), ret);
}

static int
check_new(struct op_call *c, const json_t *user, const struct ssh_key *key)
{
	const json_t *keys = json_object_get(user, "SSHPublicKeys"), *old;
	size_t i;

	json_array_foreach(keys, i, old) {
		if (strcmp(text_of(old, "Fingerprint"), key->fingerprint_md5) == 0)
			return op_fail(c, "DuplicateSSHPublicKey", "The SSH public key is"
			    " already associated with the user %s, as %s.",
			    text_of(user, "UserName"), text_of(old, "SSHPublicKeyId"));
	}
	if (json_array_size(keys) >= QUOTA_SSH_KEYS)
		return op_fail(c, "LimitExceeded", "Cannot exceed quota for"
		    " SSHPublicKeysPerUser: %d; delete one first.", QUOTA_SSH_KEYS);
	return 0;
}

static int
add_key(struct op_call *c, json_t *user, const struct ssh_key *key)
{
	char id[AWS_ID_LEN + 1];

	if (check_new(c, user, key) != 0 || aws_id_new(c, "APKA", id) != 0)
		return -1;
	return list_add(c, json_object_get(user, "SSHPublicKeys"),
	    json_pack("{s:s,s:s,s:s%,s:s,s:o}", "SSHPublicKeyId", id,
	    "Fingerprint", key->fingerprint_md5, "SSHPublicKeyBody", key->body,
	    key->body_len, "Status", "Active", "UploadDate", time_now(c)));
}

static int
upload_ssh_public_key(struct op_call *c)
{
	struct buf line = BUF_INIT;
	json_t *user = NULL, *keys;
	struct ssh_key key;
	int r = -1;

	if (user_get(c, op_str(c, "UserName"), &user) != 0 ||
	    parse_body(c, &line, &key) != 0 || add_key(c, user, &key) != 0 ||
	    user_put(c, user) != 0)
		goto out;
	keys = json_object_get(user, "SSHPublicKeys");
	r = out_set(c, "SSHPublicKey", key_shape(user,
	    json_array_get(keys, json_array_size(keys) - 1), false));
out:
	buf_release(&line);
	json_decref(user);
	return r;
}

/* ---- the others ---- */

/* The user of the call and the position of the key that is named. */
static int
key_get(struct op_call *c, json_t **ret_user, size_t *ret_at)
{
	const char *id = op_str(c, "SSHPublicKeyId");
	const json_t *key;
	size_t i;

	if (user_get(c, op_str(c, "UserName"), ret_user) != 0)
		return -1;
	json_array_foreach(json_object_get(*ret_user, "SSHPublicKeys"), i, key) {
		if (strcmp(text_of(key, "SSHPublicKeyId"), id) == 0) {
			*ret_at = i;
			return 0;
		}
	}
	return op_fail(c, "NoSuchEntity", "The Public Key with id %s cannot be"
	    " found: the user %s has no such key.", id,
	    text_of(*ret_user, "UserName"));
}

static int
update_ssh_public_key(struct op_call *c)
{
	json_t *user = NULL;
	size_t at;
	int r = -1;

	if (key_get(c, &user, &at) == 0 && member_set(c, json_array_get(
	    json_object_get(user, "SSHPublicKeys"), at), "Status",
	    json_string(op_str(c, "Status"))) == 0)
		r = user_put(c, user);
	json_decref(user);
	return r;
}

static int
get_ssh_public_key(struct op_call *c)
{
	struct lastlogin last;
	json_t *user = NULL;
	size_t at;
	int r = -1;

	if (strcmp(op_str_or(c, "Encoding", "SSH"), "SSH") != 0)
		return op_fail(c, "UnrecognizedPublicKeyEncoding", "Keys are kept and"
		    " shown in the encoding SSH only; ssh-keygen -e -m PKCS8 makes PEM"
		    " of it.");
	if (key_get(c, &user, &at) == 0) {
		last_used_read(user, &last);
		r = out_set(c, "SSHPublicKey", used_shape(c, user, json_array_get(
		    json_object_get(user, "SSHPublicKeys"), at), false, &last));
	}
	json_decref(user);
	return r;
}

static int
delete_ssh_public_key(struct op_call *c)
{
	json_t *user = NULL;
	size_t at;
	int r = -1;

	if (key_get(c, &user, &at) == 0 && json_array_remove(
	    json_object_get(user, "SSHPublicKeys"), at) == 0)
		r = user_put(c, user);
	json_decref(user);
	return r;
}

static int
list_ssh_public_keys(struct op_call *c)
{
	json_t *user = NULL, *keys = NULL;
	struct page page = { 0 };
	struct lastlogin last;
	const json_t *key;
	size_t i;
	int r = -1;

	if (user_of_call(c, &user) != 0 || page_init(&page, c) != 0)
		goto out;
	keys = list_sorted(json_object_get(user, "SSHPublicKeys"),
	    "SSHPublicKeyId");
	if (keys == NULL) {
		no_memory(c);
		goto out;
	}
	last_used_read(user, &last);
	json_array_foreach(keys, i, key) {
		if (page_wants(&page, text_of(key, "SSHPublicKeyId")) &&
		    page_add(&page, c, text_of(key, "SSHPublicKeyId"),
		    used_shape(c, user, key, true, &last)) != 0)
			goto out;
	}
	r = page_end(&page, c, "SSHPublicKeys");
out:
	page_release(&page);
	json_decref(keys);
	json_decref(user);
	return r;
}

/* ---- rows ---- */

#define PARAM_KEY_ID \
	{ .name = "SSHPublicKeyId", .type = OP_STRING, .required = true, \
	    .min = 20, .max = 128, .help = "The key's id, as it was given at its" \
	    " upload." }

static const struct op_param upload_params[] = {
	PARAM_USER_NAME(true, "The user who logs in with the key."),
	{ .name = "SSHPublicKeyBody", .type = OP_STRING, .required = true,
	    .min = 1, .max = 16384, .help = "The line of a .pub file, or"
	    " file://FILE." },
	PARAM_END
};

static const struct op_param update_params[] = {
	PARAM_USER_NAME(true, "The key's user."),
	PARAM_KEY_ID,
	{ .name = "Status", .type = OP_STRING, .required = true,
	    .choices = "Active|Inactive", .help = "Inactive keys open nothing." },
	PARAM_END
};

static const struct op_param get_params[] = {
	PARAM_USER_NAME(true, "The key's user."),
	PARAM_KEY_ID,
	{ .name = "Encoding", .type = OP_STRING, .choices = "SSH|PEM",
	    .fallback = "SSH", .help = "The form of the key; only SSH is known." },
	PARAM_END
};

static const struct op_param delete_params[] = {
	PARAM_USER_NAME(true, "The key's user."),
	PARAM_KEY_ID,
	PARAM_END
};

static const struct op_param list_params[] = {
	PARAM_USER_NAME(false, "The user; by default the caller."),
	PARAM_PAGING,
	PARAM_END
};

const struct op ops_sshkey[] = {
	{ .name = "UploadSSHPublicKey", .service = "iam",
	    .summary = "Let a user log in with an SSH key.",
	    .params = upload_params, .resource = USER_ARN, .needs_init = true,
	    .run = upload_ssh_public_key },
	{ .name = "GetSSHPublicKey", .service = "iam",
	    .summary = "Show an SSH key of a user, and when and from where it was last used at"
	    " this host.",
	    .params = get_params, .resource = USER_ARN, .read_only = true,
	    .needs_init = true, .run = get_ssh_public_key },
	{ .name = "ListSSHPublicKeys", .service = "iam",
	    .summary = "List the SSH keys of a user, and when and from where each was last used"
	    " at this host.",
	    .params = list_params, .resource = USER_ARN, .read_only = true,
	    .needs_init = true, .run = list_ssh_public_keys,
	    .columns = "UserName,SSHPublicKeyId,Status,UploadDate" },
	{ .name = "UpdateSSHPublicKey", .service = "iam",
	    .summary = "Activate or deactivate an SSH key of a user.",
	    .params = update_params, .resource = USER_ARN, .needs_init = true,
	    .run = update_ssh_public_key },
	{ .name = "DeleteSSHPublicKey", .service = "iam",
	    .summary = "Delete an SSH key of a user.",
	    .params = delete_params, .resource = USER_ARN, .needs_init = true,
	    .run = delete_ssh_public_key },
	{ .name = NULL },
};
