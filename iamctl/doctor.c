/*
 * Is what the policies say enforced on this host? Installed is not enforced
 * (S47): every link of the chain is looked at where the system itself looks.
 */
#include "common/base/base.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/credential/credential.h"
#include "common/snapshot/principal.h"
#include "common/store/settings.h"
#include "common/trail/trail.h"
#include "iamctl/call.h"
#include "iamctl/doctor.h"
#include "iamctl/foreign.h"
#include "iamctl/host.h"
#include "iamctl/util.h"

#define RESTORE "restore it from a backup"
#define PUBLISH "iamctl publish"

void
doctor_say(struct doctor *d, const char *check, enum doctor_status status,
    const char *repair, const char *fmt, ...)
{
	static const char *const names[] = { "OK", "WARNING", "FAILED" };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (status == DOCTOR_FAILED)
		d->failed++;
	(void)json_array_append_new(d->checks, json_pack("{s:s,s:s,s:s,s:s}", "Check",
	    check, "Status", names[status], "Detail", text, "Repair",
	    status == DOCTOR_OK ? "" : repair));
}

/* The text of an error of ours, errno's where it says more. */
static const char *
reason(int err, const struct iam_why *why, char *text, size_t size)
{
	if (why != NULL && why->text[0] != '\0')
		return why->text;
	if (err == IAM_ERR_IO)
		return strerror_r(errno, text, size);
	return iam_strerror(err);
}

static void
check_group(struct doctor *d)
{
	struct iam_why why = { 0, 0, "" };

	d->has_group = call_paths(&d->paths, &why) == 0;
	if (d->has_group)
		doctor_say(d, "group", DOCTOR_OK, "", "the group %s is there",
		    IAM_AUTH_GROUP);
	else
		doctor_say(d, "group", DOCTOR_FAILED, "dpkg-reconfigure iamctl", "%s",
		    why.text);
}

static void
check_store(struct doctor *d, struct store **ret)
{
	struct iam_why why = { 0, 0, "" };
	char text[128];
	uint64_t users = 0, roles = 0;
	json_t *account = NULL;
	int r = store_open(IAM_PATH_DB, false, ret, &why);

	if (r == IAM_ERR_ABSENT && access(IAM_PATH_HOST, F_OK) != 0) {
		doctor_say(d, "store", DOCTOR_FAILED, "iamctl init --region REGION",
		    "this host has no account: nobody is governed");
		return;
	}
	if (r != 0) {
		doctor_say(d, "store", DOCTOR_FAILED, RESTORE, "%s: %s; logins go on "
		    "from the snapshots", IAM_PATH_DB,
		    reason(r, &why, text, sizeof(text)));
		d->has_account = true;
		return;
	}
	if ((r = store_get(*ret, "account", &account)) != 0 || account == NULL ||
	    (r = store_count(*ret, "users/", &users)) != 0 ||
	    (r = store_count(*ret, "roles/", &roles)) != 0) {
		doctor_say(d, "store", DOCTOR_FAILED, r != 0 ? RESTORE :
		    "iamctl init --region REGION", "%s: %s", IAM_PATH_DB, r != 0 ?
		    iam_strerror(r) : "there is no account in it");
	} else {
		d->has_account = true;
		doctor_say(d, "store", DOCTOR_OK, "", "account %s, %llu users, %llu roles",
		    json_string_value(json_object_get(account, "AccountId")),
		    (unsigned long long)users, (unsigned long long)roles);
	}
	json_decref(account);
}

/* ---- adopted local accounts ---- */

struct adopted {
	struct doctor *d;
	struct buf shadow; /* empty: it cannot be read */
};

/* An account that is gone or another one now is denied; one that has a password of
 * its own can use it as soon as the module is gone (S5). */
static int
check_adopted(void *arg, const char *key, json_t *user)
{
	struct adopted *a = arg;
	const char *name = text_of(user, "UnixName");
	struct foreign_password p = { "", 0, false };
	struct iam_why why = { 0, 0, "" };
	json_t *local = NULL;

	(void)key;
	if (unix_local_account(a->d->c, name, &local) == 0 && !json_equal(
	    json_object_get(local, "Uid"), json_object_get(user, "Uid")))
		doctor_say(a->d, "adopted account", DOCTOR_WARNING,
		    "iamctl release-local-user", "%s is %s in %s: every login is denied",
		    name, local == NULL ? "not there" : "under another id",
		    IAM_PATH_PASSWD);
	else if (foreign_shadow(buf_cstr(&a->shadow), name, &p, &why) == 0)
		doctor_say(a->d, "adopted account", DOCTOR_WARNING, "passwd -l",
		    "%s has a local password still, which counts again should the "
		    "module be removed", name);
	else
		doctor_say(a->d, "adopted account", DOCTOR_OK, "", "%s is governed",
		    name);
	explicit_bzero(&p, sizeof(p));
	json_decref(local);
	return 0;
}

static void
check_all_adopted(struct doctor *d, struct store *s)
{
	struct adopted a = { .d = d };

	(void)file_read(IAM_PATH_SHADOW, FILE_ROOT_ONLY, (size_t)16 << 20,
	    &a.shadow);
	(void)store_find(s, &(struct store_query){ .prefix = "users/",
	    .member = "Adopted", .value = "1" }, check_adopted, &a);
	buf_release(&a.shadow);
}

static void
check_settings(struct doctor *d)
{
	struct settings_host host;
	struct settings settings;
	struct iam_why why = { 0, 0, "" };
	char text[128];
	int r;

	if ((r = settings_host_read(IAM_PATH_HOST, &host, &why)) != 0)
		doctor_say(d, "host.json", DOCTOR_FAILED, r == IAM_ERR_ABSENT ?
		    "iamctl init --region REGION" : "edit it, or iamctl update-host",
		    "%s: %s", IAM_PATH_HOST, reason(r, &why, text, sizeof(text)));
	else
		doctor_say(d, "host.json", DOCTOR_OK, "", "%s in %s", host.hostname,
		    host.region);
	if (r == 0)
		settings_host_release(&host);
	memset(&why, 0, sizeof(why));
	if ((r = settings_read(IAM_PATH_SETTINGS, &settings, &why)) != 0)
		doctor_say(d, "iam.json", DOCTOR_FAILED, "edit it; see iam.json(5)",
		    "%s: %s", IAM_PATH_SETTINGS, reason(r, &why, text, sizeof(text)));
	else
		doctor_say(d, "iam.json", DOCTOR_OK, "", "ids %u to %u",
		    settings.id_min, settings.id_max);
	if (r == 0)
		settings_release(&settings);
}

static void
check_snapshot(struct doctor *d, const char *check, const char *path,
    enum snap_kind kind)
{
	struct snap *snap = NULL;
	struct snap_info info;
	char text[128], date[TZ_ISO_LEN];
	int r;

	if ((r = snap_open(path, kind, &snap)) == 0)
		r = snap_verify(snap);
	if (r != 0) {
		doctor_say(d, check, DOCTOR_FAILED, PUBLISH, "%s: %s", path,
		    reason(r, NULL, text, sizeof(text)));
	} else {
		snap_info(snap, &info);
		tz_iso(info.created_s, date);
		doctor_say(d, check, DOCTOR_OK, "", "revision %llu of %s",
		    (unsigned long long)info.revision, date);
		if (info.created_s > d->c->now_s + 60)
			doctor_say(d, "clock", DOCTOR_WARNING, "set the clock",
			    "the snapshot is newer than the clock: %s", date);
	}
	snap_close(snap);
}

static void
check_current(struct doctor *d, struct store *s)
{
	bool current = false;
	int r = store_published(s, &d->paths, &current);

	if (r != 0)
		doctor_say(d, "snapshots current", DOCTOR_FAILED, PUBLISH, "%s",
		    iam_strerror(r));
	else if (!current)
		doctor_say(d, "snapshots current", DOCTOR_FAILED, PUBLISH,
		    "the store or the host's files have changed since");
	else
		doctor_say(d, "snapshots current", DOCTOR_OK, "",
		    "they match the store and the host's files");
}

static void
check_seal_key(struct doctor *d)
{
	struct seal_key key;
	struct stat st;
	char text[128];
	int r = seal_key_load(IAM_PATH_SEAL_KEY, &key);

	explicit_bzero(&key, sizeof(key));
	if (r != 0) {
		doctor_say(d, "seal key", DOCTOR_FAILED, RESTORE, "%s: %s; no MFA code "
		    "can be checked", IAM_PATH_SEAL_KEY,
		    reason(r, NULL, text, sizeof(text)));
		return;
	}
	if (lstat(IAM_PATH_SEAL_KEY, &st) != 0 || (st.st_mode & 07777) != 0640 ||
	    (d->paths.auth_gid != (gid_t)-1 && st.st_gid != d->paths.auth_gid))
		doctor_say(d, "seal key", DOCTOR_WARNING, "chown root:iam-auth "
		    IAM_PATH_SEAL_KEY "; chmod 0640 " IAM_PATH_SEAL_KEY,
		    "owner or mode is not root:iam-auth 0640");
	else
		doctor_say(d, "seal key", DOCTOR_OK, "", "%s", IAM_PATH_SEAL_KEY);
}

static void
check_run_dir(struct doctor *d)
{
	struct stat st;

	if (lstat(IAM_PATH_RUN, &st) != 0)
		doctor_say(d, "runtime state", DOCTOR_FAILED,
		    "systemd-tmpfiles --create host-iam.conf",
		    "%s is missing: codes and failures cannot be counted", IAM_PATH_RUN);
	else if (!S_ISDIR(st.st_mode) || !file_owner_ok(st.st_uid) ||
	    (d->paths.auth_gid != (gid_t)-1 && ((st.st_mode & 07777) != 0770 ||
	    st.st_gid != d->paths.auth_gid)))
		doctor_say(d, "runtime state", DOCTOR_FAILED,
		    "systemd-tmpfiles --create host-iam.conf",
		    "%s is not a directory of root:iam-auth, 0770", IAM_PATH_RUN);
	else
		doctor_say(d, "runtime state", DOCTOR_OK, "", "%s", IAM_PATH_RUN);
}

static unsigned
count_spool(void)
{
	DIR *dir = opendir(IAM_PATH_RUN "/spool");
	struct dirent *e;
	unsigned n = 0;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
check_trail(struct doctor *d)
{
	struct trail_check check = { 0 };
	unsigned waiting = count_spool();
	char text[128];
	int r;

	if (access(IAM_PATH_LOG_DIR, W_OK) != 0)
		doctor_say(d, "trail", DOCTOR_FAILED, "make room or mount it writable",
		    "%s: %s", IAM_PATH_LOG_DIR, strerror_r(errno, text, sizeof(text)));
	else if ((r = trail_validate(IAM_PATH_TRAIL, &check)) != 0)
		doctor_say(d, "trail", DOCTOR_FAILED, "", "%s: %s", IAM_PATH_TRAIL,
		    reason(r, NULL, text, sizeof(text)));
	else if (check.bad > 0)
		doctor_say(d, "trail", DOCTOR_FAILED, "compare with a copy kept "
		    "elsewhere", "the chain is broken at line %llu: %s",
		    (unsigned long long)check.first_bad_line, check.reason);
	else
		doctor_say(d, "trail", DOCTOR_OK, "", "%llu records, the chain is whole",
		    (unsigned long long)check.records);
	if (waiting > 0)
		doctor_say(d, "trail spool", DOCTOR_WARNING, "the next event writes them",
		    "%u events wait in %s/spool", waiting, IAM_PATH_RUN);
}

int
host_run_doctor(struct op_call *c)
{
	struct doctor d = { .c = c, .checks = json_array() };
	struct store *s = NULL;

	if (d.checks == NULL || json_object_set(c->out, "Checks", d.checks) != 0)
		return op_fail_err(c, IAM_ERR_MEMORY, "answer");
	check_group(&d);
	check_store(&d, &s);
	if (d.has_account) {
		check_settings(&d);
		check_snapshot(&d, "public snapshot", IAM_PATH_PUBLIC, SNAP_PUBLIC);
		check_snapshot(&d, "private snapshot", IAM_PATH_PRIVATE, SNAP_PRIVATE);
		if (s != NULL) {
			check_current(&d, s);
			check_all_adopted(&d, s);
		}
		check_seal_key(&d);
		check_run_dir(&d);
		check_trail(&d);
	}
	doctor_pam(&d);
	doctor_nss(&d);
	doctor_sshd(&d);
	doctor_helper(&d);
	doctor_clock(&d);
	c->exit_status = d.failed > 0 ? 1 : 0;
	store_close(s);
	json_decref(d.checks);
	return 0;
}
