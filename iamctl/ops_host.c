/*
 * The host itself: its account, its description, its snapshots.
 *
 * init makes, in this order: directories, seal key, host.json, the account's
 * document, the snapshots. Each step is left alone where it was done before, so
 * that a run that was cut off is finished by the next one, and a host whose
 * packages were removed and installed again finds its account as it was. It
 * never makes a second account, and never a new store beside snapshots of a lost one.
 */
#include "common/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/credential/credential.h"
#include "common/runtime/runtime.h"
#include "iamctl/call.h"
#include "iamctl/host.h"
#include "iamctl/token.h"

#define ACCOUNT_ID_LEN 12

int
host_read(struct op_call *c, struct settings_host *ret)
{
	struct iam_why why = { 0, 0, "" };
	int r = settings_host_read(IAM_PATH_HOST, ret, &why);

	if (r != 0)
		return op_fail(c, "ServiceFailure", "%s: %s", IAM_PATH_HOST,
		    why.text[0] != '\0' ? why.text : iam_strerror(r));
	return 0;
}

/* ---- init ---- */

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int
make_dir(struct op_call *c, const char *path, mode_t mode)
{
	int fd = -1, r = 0;

	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return op_fail_err(c, IAM_ERR_IO, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) != 0)
		r = op_fail_err(c, IAM_ERR_IO, path);
	if (fd >= 0)
		close(fd);
	return r;
}

static int
make_dirs(struct op_call *c, const struct store_paths *paths)
{
	struct runtime *rt = NULL;
	int r;

	if (make_dir(c, IAM_PATH_ETC, 0755) != 0 ||
	    make_dir(c, IAM_PATH_LIB, 0755) != 0 ||
	    make_dir(c, IAM_PATH_SNAPSHOT_DIR, 0755) != 0 ||
	    make_dir(c, IAM_PATH_LOG_DIR, 0700) != 0)
		return -1;
	if ((r = runtime_open(IAM_PATH_RUN, paths->auth_gid, &rt)) != 0)
		return op_fail_err(c, r, IAM_PATH_RUN);
	runtime_close(rt);
	return 0;
}

static bool
is_account_id(const char *s)
{
	return strlen(s) == ACCOUNT_ID_LEN && strspn(s, "0123456789") ==
	    ACCOUNT_ID_LEN && s[0] != '0';
}

/* 100000000000..999999999999, each alike. */
static int
random_account_id(struct op_call *c, char ret[ACCOUNT_ID_LEN + 1])
{
	const uint64_t span = 900000000000u, limit = UINT64_MAX - UINT64_MAX % span;
	uint64_t v;

	do {
		if (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
			return op_fail_err(c, IAM_ERR_IO, "getrandom");
	} while (v >= limit);
	snprintf(ret, ACCOUNT_ID_LEN + 1, "%llu",
	    (unsigned long long)(v % span + 100000000000u));
	return 0;
}

static int
make_seal_key(struct op_call *c, struct store *s, gid_t gid)
{
	uint64_t devices = 0;
	int r;

	if (exists(IAM_PATH_SEAL_KEY))
		return 0;
	if ((r = store_count(s, "mfa/", &devices)) != 0)
		return op_fail_err(c, r, IAM_PATH_DB);
	if (devices > 0)
		return op_fail(c, "ServiceFailure", "%s is gone, and %llu MFA devices "
		    "are sealed with it: restore it from a backup. If it is lost, "
		    "delete the devices first and enrol them again.",
		    IAM_PATH_SEAL_KEY, (unsigned long long)devices);
	if ((r = seal_key_create(IAM_PATH_SEAL_KEY, gid)) != 0)
		return op_fail_err(c, r, IAM_PATH_SEAL_KEY);
	return 0;
}

static void
fill_tags(const json_t *tags, struct settings_host *host)
{
	json_t *tag;
	size_t i;

	host->tag_count = 0;
	json_array_foreach(tags, i, tag) {
		if (host->tag_count == SNAP_TAGS_MAX)
			break;
		host->tags[host->tag_count++] = (struct snap_tag){
			json_string_value(json_object_get(tag, "Key")),
			json_string_value(json_object_get(tag, "Value")) };
	}
}

static int
write_host(struct op_call *c, const struct settings_host *host)
{
	struct iam_why why = { 0, 0, "" };
	int r = settings_host_write(IAM_PATH_HOST, host, &why);

	if (r == IAM_ERR_FORMAT || r == IAM_ERR_LIMIT || r == IAM_ERR_ARG)
		return op_fail(c, "InvalidInput", "%s", why.text[0] != '\0' ?
		    why.text : iam_strerror(r));
	return r != 0 ? op_fail_err(c, r, IAM_PATH_HOST) : 0;
}

static int
make_host(struct op_call *c)
{
	struct settings_host host;
	char name[256];

	memset(&host, 0, sizeof(host));
	host.region = op_str(c, "Region");
	host.hostname = op_str(c, "Hostname");
	if (host.hostname == NULL) {
		if (gethostname(name, sizeof(name)) != 0)
			return op_fail_err(c, IAM_ERR_IO, "gethostname");
		name[sizeof(name) - 1] = '\0';
		host.hostname = name;
	}
	fill_tags(json_object_get(c->in, "Tags"), &host);
	return write_host(c, &host);
}

/* The account that there is, or a new one. */
static int
make_account(struct op_call *c, struct store *s, char id[ACCOUNT_ID_LEN + 1])
{
	const char *wanted = op_str(c, "AccountId"), *had;
	json_t *doc = NULL;
	char date[TZ_ISO_LEN];
	int r;

	if (wanted != NULL && !is_account_id(wanted))
		return op_fail(c, "ValidationError", "The specified value for accountId "
		    "is invalid. It is twelve digits, the first of them not 0.");
	if ((r = store_get(s, "account", &doc)) != 0)
		return op_fail_err(c, r, IAM_PATH_DB);
	if (doc != NULL) {
		had = json_string_value(json_object_get(doc, "AccountId"));
		snprintf(id, ACCOUNT_ID_LEN + 1, "%s", had != NULL ? had : "");
		json_decref(doc);
		if (exists(IAM_PATH_HOST) && exists(IAM_PATH_SEAL_KEY))
			return op_fail(c, "EntityAlreadyExists", "This host has an "
			    "account already: %s. 'iamctl update-host' changes "
			    "region, host name and tags.", id);
		if (wanted != NULL && strcmp(wanted, id) != 0)
			return op_fail(c, "EntityAlreadyExists", "The store of this host "
			    "belongs to account %s, not to %s.", id, wanted);
		return 0;
	}
	if (wanted != NULL)
		snprintf(id, ACCOUNT_ID_LEN + 1, "%s", wanted);
	else if (random_account_id(c, id) != 0)
		return -1;
	tz_iso(c->now_s, date);
	doc = json_pack("{s:s,s:s}", "AccountId", id, "CreateDate", date);
	if (doc == NULL)
		return op_fail_err(c, IAM_ERR_MEMORY, "account");
	if (op_bool(c, "SSHCertificateAuthority", false) &&
	    token_ca_make(c, doc) != 0) {
		json_decref(doc);
		return -1;
	}
	r = store_put(s, "account", doc);
	json_decref(doc);
	return r != 0 ? op_fail_err(c, r, IAM_PATH_DB) : 0;
}

/* Within the transaction: the account's document last, as it ends the matter. */
static int
init_store(struct op_call *c, struct store *s, const struct store_paths *paths,
    char id[ACCOUNT_ID_LEN + 1])
{
	char arn[64];
	int r;

	if ((r = store_begin(s)) != 0)
		return op_fail_err(c, r, IAM_PATH_DB);
	if (make_account(c, s, id) != 0 ||
	    make_seal_key(c, s, paths->auth_gid) != 0 ||
	    (!exists(IAM_PATH_HOST) && make_host(c) != 0)) {
		store_rollback(s);
		return -1;
	}
	snprintf(arn, sizeof(arn), "arn:aws:iam::%s:root", id);
	if ((r = store_commit(s, arn, c->op->name, NULL)) != 0) {
		store_rollback(s);
		return op_fail_err(c, r, IAM_PATH_DB);
	}
	return 0;
}

static json_t *
tags_json(const struct settings_host *host)
{
	json_t *tags = json_array();
	uint32_t i;

	for (i = 0; i < host->tag_count; i++)
		(void)json_array_append_new(tags, json_pack("{s:s,s:s}", "Key",
		    host->tags[i].key, "Value", host->tags[i].value));
	return tags;
}

/* AccountId, Region, Hostname, Arn, Tags. */
static json_t *
host_json(const char *account_id, const struct settings_host *host)
{
	char arn[512];

	snprintf(arn, sizeof(arn), "arn:aws:host:%s:%s:instance/%s", host->region,
	    account_id, host->hostname);
	return json_pack("{s:s,s:s,s:s,s:s,s:o}", "AccountId", account_id, "Region",
	    host->region, "Hostname", host->hostname, "Arn", arn, "Tags",
	    tags_json(host));
}

static int
publish_first(struct op_call *c, struct store *s,
    const struct store_paths *paths)
{
	struct iam_why why = { 0, 0, "" };
	json_t *warnings = NULL;
	int r = store_publish(s, paths, &warnings, &why);

	if (warnings != NULL)
		(void)json_array_extend(c->warnings, warnings);
	json_decref(warnings);
	if (r != 0)
		return op_fail(c, "ServiceFailure", "The account was made, but its "
		    "snapshots could not be: %s. Mend that, then run 'iamctl "
		    "publish'.", why.text[0] != '\0' ? why.text : iam_strerror(r));
	return 0;
}

static int
open_new_store(struct op_call *c, struct store **ret)
{
	struct iam_why why = { 0, 0, "" };
	int r;

	if (!exists(IAM_PATH_DB) && (exists(IAM_PATH_PRIVATE) ||
	    exists(IAM_PATH_PUBLIC)))
		return op_fail(c, "EntityAlreadyExists", "This host has snapshots of an "
		    "account whose store, %s, is gone: restore it from a backup. "
		    "Logins go on meanwhile. Only if the account is to be given up, "
		    "remove %s and run init again.", IAM_PATH_DB,
		    IAM_PATH_SNAPSHOT_DIR);
	if ((r = store_open(IAM_PATH_DB, true, ret, &why)) != 0)
		return op_fail(c, "ServiceFailure", "%s: %s", IAM_PATH_DB,
		    why.text[0] != '\0' ? why.text : iam_strerror(r));
	return 0;
}

static int
run_init(struct op_call *c)
{
	struct store *s = NULL;
	struct store_paths paths;
	struct settings_host host;
	struct iam_why why = { 0, 0, "" };
	char id[ACCOUNT_ID_LEN + 1];
	json_t *answer;
	int r = -1;

	memset(&host, 0, sizeof(host));
	if (call_paths(&paths, &why) != 0)
		return op_fail(c, "ServiceFailure", "%s", why.text);
	if (make_dirs(c, &paths) != 0 || open_new_store(c, &s) != 0 ||
	    init_store(c, s, &paths, id) != 0)
		goto out;
	c->changed = true;
	if (publish_first(c, s, &paths) != 0 || host_read(c, &host) != 0)
		goto out;
	answer = host_json(id, &host);
	r = answer != NULL ? json_object_update(c->out, answer) : -1;
	json_decref(answer);
	if (r != 0)
		r = op_fail_err(c, IAM_ERR_MEMORY, "answer");
out:
	settings_host_release(&host);
	store_close(s);
	return r;
}

static const struct op_param init_params[] = {
	{ .name = "Region", .type = OP_STRING, .required = true, .min = 1, .max = 64,
	    .help = "The region of this host, as aws:RequestedRegion has it." },
	{ .name = "Hostname", .type = OP_STRING, .min = 1, .max = 253,
	    .help = "The name in this host's ARN; the kernel's host name if left out." },
	{ .name = "Tags", .type = OP_TAGS, .max = SNAP_TAGS_MAX,
	    .help = "Tags of this host, as aws:ResourceTag/KEY has them." },
	{ .name = "AccountId", .type = OP_STRING, .min = ACCOUNT_ID_LEN,
	    .max = ACCOUNT_ID_LEN,
	    .help = "Twelve digits; chosen at random if left out." },
	{ .name = "SSHCertificateAuthority", .type = OP_BOOL,
	    .help = "Make the key that signs SSH certificates as well." },
	{ .name = NULL },
};

/* ---- get-host, update-host, publish ---- */

static int
run_get_host(struct op_call *c)
{
	struct settings_host host;
	int r;

	if (host_read(c, &host) != 0)
		return -1;
	r = json_object_set_new(c->out, "Host", host_json(c->account_id, &host));
	settings_host_release(&host);
	return r == 0 ? 0 : op_fail_err(c, IAM_ERR_MEMORY, "answer");
}

static int
run_update_host(struct op_call *c)
{
	struct settings_host host;
	int r;

	if (!op_has(c, "Region") && !op_has(c, "Hostname") && !op_has(c, "Tags"))
		return op_fail(c, "InvalidInput", "Nothing to change: give --region, "
		    "--hostname or --tags.");
	if (host_read(c, &host) != 0)
		return -1;
	if (op_has(c, "Region"))
		host.region = op_str(c, "Region");
	if (op_has(c, "Hostname"))
		host.hostname = op_str(c, "Hostname");
	if (op_has(c, "Tags"))
		fill_tags(json_object_get(c->in, "Tags"), &host);
	if ((r = write_host(c, &host)) == 0) {
		c->changed = true;
		r = json_object_set_new(c->out, "Host",
		    host_json(c->account_id, &host));
		if (r != 0)
			r = op_fail_err(c, IAM_ERR_MEMORY, "answer");
	}
	settings_host_release(&host);
	return r;
}

static const struct op_param update_host_params[] = {
	{ .name = "Region", .type = OP_STRING, .min = 1, .max = 64,
	    .help = "The new region." },
	{ .name = "Hostname", .type = OP_STRING, .min = 1, .max = 253,
	    .help = "The new name in this host's ARN." },
	{ .name = "Tags", .type = OP_TAGS, .max = SNAP_TAGS_MAX,
	    .help = "The new tags; all of the old ones go." },
	{ .name = NULL },
};

/* The front makes the snapshots after every row that writes. */
static int
run_publish(struct op_call *c)
{
	c->publish = true;
	return 0;
}

static const struct op_param no_params[] = { { .name = NULL } };

static const struct op_param export_params[] = {
	{ .name = "IncludeSecrets", .type = OP_BOOL,
	    .help = "Password hashes and MFA seeds as well: keep the file as safe as they are." },
	{ .name = "Outfile", .type = OP_OUTFILE, .min = 1, .max = 4095,
	    .help = "A new file for the document, readable by its owner only." },
	{ .name = NULL },
};

static const struct op_param import_params[] = {
	{ .name = "Document", .type = OP_INFILE, .min = 2,
	    .help = "The file: what export wrote; a shadow(5) file in place of this"
	    " host's own; a file ~/.google_authenticator; a users file of pam_oath." },
	{ .name = "From", .type = OP_STRING, .fallback = "export",
	    .choices = "export|shadow|google-authenticator|oath",
	    .help = "What the file is. From shadow and google-authenticator one user"
	    " takes over the password or the device of the account of her Unix name;"
	    " from oath everyone does whose Unix name is in the file. A password's"
	    " hash is replaced by a yescrypt one at the next good login." },
	{ .name = "UserName", .type = OP_STRING, .min = 1, .max = 64,
	    .pattern = OP_IAM_NAME,
	    .help = "The user, from shadow and google-authenticator." },
	{ .name = "DryRun", .type = OP_BOOL,
	    .help = "Check all of it and change nothing." },
	{ .name = NULL },
};

#define INSTANCE "arn:aws:host:{region}:{account}:instance/{hostname}"

const struct op ops_host[] = {
	{ .name = "Init", .service = "host", .run = run_init, .params = init_params,
	    .summary = "Make this host's account. Until then the modules leave every "
	    "login alone. A host whose packages were installed again keeps its "
	    "account: init then makes the files that are missing." },
	{ .name = "Doctor", .service = "host", .run = host_run_doctor,
	    .params = no_params, .read_only = true,
	    .columns = "Status,Check,Detail,Repair",
	    .summary = "Check that what the policies say is enforced on this host, and "
	    "say how to mend what is not. The exit status is 1 when a check has "
	    "failed." },
	{ .name = "GetHost", .service = "host", .run = run_get_host,
	    .params = no_params, .resource = INSTANCE, .read_only = true,
	    .needs_init = true,
	    .summary = "Show this host's region, name, tags and ARN." },
	{ .name = "UpdateHost", .service = "host", .run = run_update_host,
	    .params = update_host_params, .resource = INSTANCE, .needs_init = true,
	    .summary = "Change this host's region, name or tags. Decisions follow at "
	    "once." },
	{ .name = "Publish", .service = "host", .run = run_publish,
	    .params = no_params, .needs_init = true, .access = OP_ACCESS_ANY,
	    .summary = "Make the snapshots anew from the store and this host's files. "
	    "Every change does so by itself; this repairs what was cut off." },
	{ .name = "Export", .service = "host", .run = host_run_export,
	    .params = export_params, .read_only = true, .needs_init = true,
	    .summary = "Write the whole account as one JSON document." },
	{ .name = "Import", .service = "host", .run = host_run_import,
	    .params = import_params, .needs_init = true,
	    .summary = "Read a document that export wrote into an empty account, or "
	    "into the one that it came from: all of it or nothing. Or take over "
	    "passwords and MFA devices that people have already." },
	{ .name = NULL },
};
