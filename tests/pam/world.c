#include "common/base/base.h"
#include "tests/pam/world.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/governed.h"

/* A check that stays with NDEBUG. */
#define MUST(x) \
	do { \
		if (!(x)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			abort(); \
		} \
	} while (0)

static void
make_dirs(const char *path)
{
	char part[512];
	size_t i;

	for (i = 1; path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		MUST(mkdir(part, 0755) == 0 || errno == EEXIST);
	}
}

void
world_write(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd;

	make_dirs(path);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	MUST(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	MUST(fchmod(fd, mode) == 0);
	close(fd);
}

void
world_isolate(const char *root)
{
	char inside[512];

	snprintf(inside, sizeof(inside), "%s/", root);
	make_dirs(inside);
	if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", root, "tmpfs", MS_NOSUID, "mode=0755") != 0)
		fprintf(stderr, "%s is shared with other tests\n", root);
}

static void
bind_into(const char *root, const char *path, unsigned long how)
{
	char to[512], target[512] = "";
	struct stat st;

	if (lstat(path, &st) != 0)
		return;
	snprintf(to, sizeof(to), "%s%s/", root, path);
	if (S_ISLNK(st.st_mode)) { /* /lib, where it is /usr/lib */
		to[strlen(to) - 1] = '\0';
		MUST(readlink(path, target, sizeof(target) - 1) > 0);
		MUST(symlink(target, to) == 0);
		return;
	}
	make_dirs(to);
	MUST(mount(path, to, NULL, MS_BIND | how, NULL) == 0);
}

void
world_own_root(const char *keep)
{
	static const char *const parts[] = { "/usr", "/bin", "/sbin", "/lib",
		"/lib32", "/lib64", "/proc", "/dev" };
	char root[256];
	size_t i;

	snprintf(root, sizeof(root), "%s/own-root", keep);
	MUST(mkdir(root, 0700) == 0 || errno == EEXIST);
	MUST(unshare(CLONE_NEWNS) == 0);
	MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	MUST(mount("tmpfs", root, "tmpfs", MS_NOSUID, "mode=0755") == 0);
	for (i = 0; i < IAM_COUNT(parts); i++)
		bind_into(root, parts[i], MS_REC);
	bind_into(root, keep, 0); /* root lies in it */
	MUST(chroot(root) == 0 && chdir("/") == 0);
	make_dirs("/run/");
	make_dirs("/var/lib/");
}

static const char *
place(struct world *w, unsigned i, const char *tail)
{
	MUST(i < IAM_COUNT(w->paths));
	snprintf(w->paths[i], sizeof(w->paths[i]), "%s%s", w->root, tail);
	make_dirs(w->paths[i]);
	return w->paths[i];
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
remove_ours(const struct world *w)
{
	static const char *const ours[] = { "/etc/iam", "/var/lib/iam",
		"/var/log/iam", "/run/iam", "/etc/default" };
	char path[320];
	size_t i;

	for (i = 0; i < IAM_COUNT(ours); i++) {
		snprintf(path, sizeof(path), "%s%s", w->root, ours[i]);
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
}

void
world_clear(struct world *w)
{
	char group[320];

	remove_ours(w);
	snprintf(group, sizeof(group), "%s/etc/group", w->root);
	world_write(group, "root:x:0:\n", 10, 0644);
	make_dirs(w->host.host_file);
	make_dirs(w->host.private_snapshot);
	make_dirs(w->host.trail);
	make_dirs(w->host.run);
}

void
world_open(struct world *w, const char *root)
{
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
	    "toor:x:0:0:root:/root:/bin/sh\n"
	    "games:x:5:60:games:/usr/games:/usr/sbin/nologin\n";
	uint8_t key[SEAL_KEY_LEN];

	memset(w, 0, sizeof(*w));
	w->temporary = root == NULL;
	snprintf(w->root, sizeof(w->root), "%s", root != NULL ? root :
	    "/tmp/iam-world.XXXXXX");
	if (w->temporary)
		MUST(mkdtemp(w->root) != NULL);
	remove_ours(w);
	w->host.host_file = place(w, 0, "/etc/iam/host.json");
	w->host.settings_file = place(w, 1, "/etc/iam/iam.json");
	w->host.private_snapshot = place(w, 2, "/var/lib/iam/snapshot/private");
	w->host.governed = place(w, 3, "/etc/iam/governed");
	w->host.passwd = place(w, 4, "/etc/passwd");
	w->host.seal_key = place(w, 5, "/etc/iam/seal.key");
	w->host.run = place(w, 6, "/run/iam");
	w->host.trail = place(w, 7, "/var/log/iam/trail.jsonl");
	w->host.spool = place(w, 8, "/run/iam/spool");
	w->host.logins = place(w, 9, "/var/lib/iam/logins");
	/* Made by the runtime itself, with its epoch. */
	rmdir(w->host.run);
	w->host.auth_gid = (gid_t)-1;
	w->mfa_when_enrolled = 1;
	w->mfa_memory_s = 900;
	w->throttle_free = 10;
	w->throttle_max_s = 300;
	w->users_may_change_password = 1;
	/* Few rounds: what crypt(3) costs is not under test. */
	w->setting = "$6$rounds=1000$saltsalt$";
	memset(key, 'k', sizeof(key));
	world_write(w->host.seal_key, key, sizeof(key), 0640);
	world_write(w->host.host_file, "{}", 2, 0644);
	world_write(w->host.passwd, passwd, sizeof(passwd) - 1, 0644);
	MUST(governed_write(w->host.governed, IAM_ID_MIN_DEFAULT,
	    IAM_ID_MAX_DEFAULT, NULL, 0) == 0);
}

void
world_close(struct world *w)
{
	if (w->temporary)
		nftw(w->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
world_share(struct world *w, gid_t gid)
{
	struct runtime *rt;

	w->host.auth_gid = gid;
	MUST(chown(w->host.seal_key, (uid_t)-1, gid) == 0);
	MUST(runtime_open(w->host.run, gid, &rt) == 0);
	runtime_close(rt);
	MUST(mkdir(w->host.spool, 0770) == 0 || errno == EEXIST);
	MUST(chown(w->host.spool, (uid_t)-1, gid) == 0);
	MUST(chmod(w->host.spool, 0770) == 0);
}

static void
mark(const char *path, struct snap_file_mark *m)
{
	struct stat st;

	memset(m, 0, sizeof(*m));
	if (lstat(path, &st) != 0)
		return;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	m->size = (uint64_t)st.st_size;
	m->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	m->ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
}

static void
add_account(const struct world *w, struct snap_builder *b)
{
	static const struct snap_service services[] = {
		{ "sshd", "host:Login" }, { "login", "host:Login" },
		{ "gdm*", "host:Login" }, { "sudo", "host:Sudo" },
		{ "sudo-i", "host:Sudo" }, { "su", "host:SwitchUser" },
		{ "su-l", "host:SwitchUser" }, { "cron", "host:RunScheduled" },
	};
	struct snap_account *a = calloc(1, sizeof(*a));
	struct buf out = BUF_INIT;

	MUST(a != NULL);
	a->account_id = WORLD_ACCOUNT;
	a->region = "eu-central-1";
	a->hostname = "web1";
	a->helper_group = w->helper_group;
	a->id_min = IAM_ID_MIN_DEFAULT;
	a->id_max = IAM_ID_MAX_DEFAULT;
	a->mfa_when_enrolled = w->mfa_when_enrolled;
	a->mfa_memory_s = w->mfa_memory_s;
	a->one_line_count = w->one_line != NULL;
	a->one_line[0] = w->one_line;
	a->self_enrolment = w->self_enrolment;
	a->enrolment_days = w->enrolment_days;
	a->throttle_free = w->throttle_free;
	a->throttle_max_s = w->throttle_max_s;
	a->source_free = w->source_free;
	a->home_umask = 0077;
	a->users_may_change_password = w->users_may_change_password;
	a->password_max_age_days = w->password_max_age_days;
	a->password_hard_expiry = w->password_hard_expiry;
	a->password_warn_days = w->password_warn_days;
	mark(w->host.host_file, &a->host_mark);
	mark(w->host.settings_file, &a->settings_mark);
	a->ssh_ca = w->ssh_ca;
	a->revoked_count = w->revoked != 0;
	a->revoked[0] = w->revoked;
	a->service_count = IAM_COUNT(services);
	memcpy(a->services, services, sizeof(services));
	snap_account_encode(a, &out);
	MUST(out.err == 0);
	MUST(snap_builder_add(b, SNAP_ACCOUNT, "account", 7, out.p, out.len) == 0);
	buf_release(&out);
	free(a);
}

static void
add_policy(struct snap_builder *b, world_compile *compile, const char *json,
    const char *key, const char *name)
{
	struct buf compiled = BUF_INIT, out = BUF_INIT;
	struct snap_policy policy = { 0 };

	MUST(compile(json, &compiled) == 0);
	policy.name = name;
	policy.compiled = compiled.p;
	policy.compiled_len = compiled.len;
	snap_policy_encode(&policy, &out);
	MUST(out.err == 0);
	MUST(snap_builder_add(b, SNAP_POLICY, key, strlen(key), out.p,
	    out.len) == 0);
	buf_release(&compiled);
	buf_release(&out);
}

static struct buf sealed_seeds[SNAP_DEVICES_MAX];

/* Several, all with the same seed, each sealed for its own serial number. */
static void
add_devices(const struct world *w, struct snap_principal *p,
    char serials[SNAP_DEVICES_MAX][200])
{
	const struct secret seed = { (uint8_t *)WORLD_SEED, 20 };
	struct seal_key key;
	uint32_t i;

	memset(&key, 'k', sizeof(key));
	for (i = 0; i < w->device_count; i++) {
		snprintf(serials[i], sizeof(serials[i]), "arn:aws:iam::" WORLD_ACCOUNT
		    ":mfa/%s-%u", p->user_name, i);
		buf_reset(&sealed_seeds[i]);
		MUST(seal(&key, serials[i], &seed, &sealed_seeds[i]) == 0);
		p->devices[i] = w->devices[i];
		p->devices[i].serial = serials[i];
		p->devices[i].seed = sealed_seeds[i].p;
		p->devices[i].seed_len = sealed_seeds[i].len;
	}
	p->device_count = w->device_count;
}

static void
add_person(const struct world *w, struct snap_builder *b,
    const struct world_person *who, const char *trust_policy)
{
	char arn[160], serial[160], id[32], key[160], home[64], trust[160];
	char name[160];
	const struct secret seed = { (uint8_t *)WORLD_SEED, 20 };
	struct snap_principal *p = calloc(1, sizeof(*p));
	struct buf out = BUF_INIT, sealed = BUF_INIT;
	struct crypt_data *crypt = calloc(1, sizeof(*crypt));
	char serials[SNAP_DEVICES_MAX][200];
	uint8_t hash[RECOVERY_HASH_LEN];
	struct seal_key seal_key;

	MUST(p != NULL && crypt != NULL);
	snprintf(arn, sizeof(arn), "arn:aws:iam::" WORLD_ACCOUNT ":%s/%s",
	    trust_policy != NULL ? "role" : "user", who->user_name);
	snprintf(serial, sizeof(serial), "arn:aws:iam::" WORLD_ACCOUNT ":mfa/%s",
	    who->user_name);
	snprintf(id, sizeof(id), "%sEXAMPLE%010u", trust_policy != NULL ? "AROA" :
	    "AIDA", who->uid);
	snprintf(home, sizeof(home), "/nonexistent/%s", who->unix_name);
	p->uid = p->gid = who->uid;
	p->unix_name = who->unix_name;
	p->user_name = who->user_name;
	p->user_id = id;
	p->arn = arn;
	p->home = home;
	p->shell = "/bin/bash";
	p->created_s = w->created_s;
	p->enabled = !who->disabled;
	p->enrol_from_s = w->enrol_from_s;
	if (who->password != NULL)
		p->password_hash = crypt_r(who->password, w->setting, crypt);
	p->password_reset_required = who->reset;
	if (who->device) {
		memset(&seal_key, 'k', sizeof(seal_key));
		MUST(seal(&seal_key, serial, &seed, &sealed) == 0);
		p->device_count = 1;
		p->devices[0] = (struct snap_device){ .serial = serial,
			.enabled_s = (uint64_t)w->enabled_s,
			.alg = SNAP_TOTP_SHA1, .digits = w->digits != 0 ? w->digits : 6,
			.period_s = 30,
			.seed = sealed.p, .seed_len = sealed.len };
	}
	if (w->key_of != NULL && strcmp(w->key_of, who->unix_name) == 0) {
		p->key_count = 1;
		p->keys[0] = (struct snap_ssh_key){ WORLD_KEY_ID, w->key,
			w->uploaded_s };
	}
	if (who->device && w->devices != NULL)
		add_devices(w, p, serials);
	if (who->device && w->recovery != NULL) {
		bool is = false;

		memset(&seal_key, 'k', sizeof(seal_key));
		MUST(recovery_hash(&seal_key, id, w->recovery, &is, hash) == 0 && is);
		p->recovery = hash;
		p->recovery_count = 1;
	}
	if (who->policy != NULL && w->compile != NULL) {
		snprintf(key, sizeof(key), "user/%s/Test", who->user_name);
		snprintf(name, sizeof(name), "user_%s_Test", who->user_name);
		p->policy_count = 1;
		p->policies[0] = (struct snap_policy_ref){ SNAP_LAYER_IDENTITY,
			key, "user" };
		add_policy(b, w->compile, who->policy, key, name);
	}
	if (trust_policy != NULL) {
		p->role = 1;
		p->max_session_s = 7200;
		snprintf(trust, sizeof(trust), "trust/%s", who->user_name);
		p->policies[p->policy_count++] = (struct snap_policy_ref){
			SNAP_LAYER_TRUST, trust, "trust" };
		add_policy(b, w->compile_trust, trust_policy, trust, trust);
	}
	snap_principal_encode(p, &out);
	MUST(out.err == 0);
	MUST(snap_builder_add(b, SNAP_PRINCIPAL, who->unix_name,
	    strlen(who->unix_name), out.p, out.len) == 0);
	buf_release(&out);
	buf_release(&sealed);
	free(crypt);
	free(p);
}

void
world_publish(struct world *w)
{
	const struct world_person *p;
	const struct world_role *role;
	struct snap_builder *b;

	MUST(snap_builder_new(SNAP_PRIVATE, 1, 1000, &b) == 0);
	add_account(w, b);
	for (p = w->people; p->unix_name != NULL; p++)
		add_person(w, b, p, NULL);
	for (role = w->roles; role != NULL && role->unix_name != NULL; role++)
		add_person(w, b, &(struct world_person){ role->unix_name,
		    role->role_name, role->uid, NULL, role->disabled, false, false,
		    role->policy }, role->trust);
	MUST(snap_builder_write(b, w->host.private_snapshot, 0640,
	    w->host.auth_gid) == 0);
	snap_builder_free(b);
}

void
world_code(int64_t t, char ret[9])
{
	const struct secret seed = { (uint8_t *)WORLD_SEED, 20 };
	const struct totp_params params = { TOTP_SHA1, 6, 30, 0 };

	MUST(totp_code(&seed, &params, (uint64_t)t / 30, ret) == 0);
}
