#include "common/base/base.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/snapshot/accounts.h"
#include "iamctl/doctor.h"
#include "iamctl/program.h"

#define FILE_MAX ((size_t)1 << 20)
#define PAM_DIR IAM_ROOT "/etc/pam.d"
#define NSSWITCH IAM_ROOT "/etc/nsswitch.conf"
/* Without --force it leaves a block that was edited as it is, and says nothing. */
#define PROFILE "pam-auth-update --enable iam, with --force where its block was edited"

/* ---- lines and words ---- */

/* The next line of *p into line, cut to size; false at the end. */
bool
doctor_next_line(const char **p, char *line, size_t size)
{
	size_t n = strcspn(*p, "\n");

	if (**p == '\0')
		return false;
	snprintf(line, size, "%.*s", (int)(n < size ? n : size - 1), *p);
	*p += n + ((*p)[n] == '\n');
	return true;
}

static bool
has_word(const char *line, const char *word)
{
	size_t n = strlen(word);
	const char *p;

	for (p = strstr(line, word); p != NULL; p = strstr(p + 1, word))
		if ((p == line || isspace((unsigned char)p[-1]) || p[-1] == '/') &&
		    (p[n] == '\0' || isspace((unsigned char)p[n])))
			return true;
	return false;
}

/* ---- PAM ---- */

/* In a process of its own: a truncated file ends it with SIGBUS. */
static bool
can_load(const char *path, char *why, size_t size)
{
	int fds[2], status = 0;
	void *module;
	ssize_t n;
	pid_t pid;

	snprintf(why, size, "%s", "the program that tried it did not survive");
	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	if ((pid = fork()) == 0) {
		module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (module != NULL && dlsym(module, "pam_sm_acct_mgmt") != NULL)
			_exit(0);
		snprintf(why, size, "%s", dlerror());
		(void)file_write_all(fds[1], why, strlen(why));
		_exit(1);
	}
	close(fds[1]);
	n = read(fds[0], why, size - 1);
	if (n > 0)
		why[n] = '\0';
	close(fds[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
check_module(struct doctor *d)
{
	glob_t found = { 0 };
	char why[256];
	int fd;

	if (glob(IAM_ROOT "/lib/*/security/pam_iam.so", 0, NULL, &found) != 0 &&
	    glob(IAM_ROOT "/usr/lib/*/security/pam_iam.so", 0, NULL, &found) != 0) {
		doctor_say(d, "PAM module", DOCTOR_FAILED, "apt install libpam-iam",
		    "pam_iam.so is not installed");
		globfree(&found);
		return;
	}
	if (file_open(found.gl_pathv[0], FILE_ROOT_ONLY, &fd, NULL) != 0) {
		doctor_say(d, "PAM module", DOCTOR_FAILED,
		    "apt install --reinstall libpam-iam",
		    "%s is not a file that only root may write", found.gl_pathv[0]);
	} else {
		close(fd);
		if (can_load(found.gl_pathv[0], why, sizeof(why)))
			doctor_say(d, "PAM module", DOCTOR_OK, "", "%s",
			    found.gl_pathv[0]);
		else
			doctor_say(d, "PAM module", DOCTOR_FAILED,
			    "apt install --reinstall libpam-iam",
			    "%s cannot be loaded: %s", found.gl_pathv[0], why);
	}
	globfree(&found);
}

struct pam_lines {
	bool ours, before_unix, unix_seen, final;
};

/* A denial must be final: default=die, or a plain required or requisite. */
static bool
is_final(const char *line)
{
	return strstr(line, "default=die") != NULL ||
	    strstr(line, "default=bad") != NULL || has_word(line, "required") ||
	    has_word(line, "requisite");
}

static void
read_pam(const char *text, const char *type, struct pam_lines *ret)
{
	char line[1024];
	const char *p = text;
	size_t skip;

	memset(ret, 0, sizeof(*ret));
	while (doctor_next_line(&p, line, sizeof(line))) {
		skip = strspn(line, " \t-");
		if (strncmp(line + skip, type, strlen(type)) != 0)
			continue;
		if (has_word(line, "pam_iam.so") && !ret->ours) {
			ret->ours = true;
			ret->before_unix = !ret->unix_seen;
			ret->final = is_final(line);
		}
		ret->unix_seen |= has_word(line, "pam_unix.so");
	}
}

static void
check_profile(struct doctor *d, const char *type)
{
	struct buf text = BUF_INIT;
	struct pam_lines lines;
	char path[256], check[64];
	bool session = strcmp(type, "session") == 0;
	int r;

	snprintf(path, sizeof(path), PAM_DIR "/common-%s", type);
	snprintf(check, sizeof(check), "PAM %s", type);
	r = file_read(path, FILE_ROOT_ONLY, FILE_MAX, &text);
	read_pam(buf_cstr(&text), type, &lines);
	if (r != 0)
		doctor_say(d, check, DOCTOR_FAILED, PROFILE, "%s: %s", path,
		    iam_strerror(r));
	else if (!lines.ours)
		doctor_say(d, check, DOCTOR_FAILED, PROFILE, "pam_iam is not in %s",
		    path);
	else if (!lines.before_unix && !session)
		doctor_say(d, check, DOCTOR_FAILED, PROFILE, "in %s pam_unix comes "
		    "before pam_iam and decides instead of it", path);
	else if (!lines.final && !session)
		doctor_say(d, check, DOCTOR_FAILED, PROFILE, "in %s a denial of pam_iam "
		    "is not final: its control lacks default=die", path);
	else
		doctor_say(d, check, DOCTOR_OK, "", "%s", path);
	buf_release(&text);
}

/* Programs with a stack of their own pass by the profile. */
static void
check_service(struct doctor *d, const char *service)
{
	struct buf text = BUF_INIT;
	char path[256], check[64];
	int r;

	snprintf(path, sizeof(path), PAM_DIR "/%s", service);
	snprintf(check, sizeof(check), "PAM service %s", service);
	r = file_read(path, FILE_ROOT_ONLY, FILE_MAX, &text);
	if (r == IAM_ERR_ABSENT)
		goto out;
	if (r != 0)
		doctor_say(d, check, DOCTOR_WARNING, "", "%s: %s", path,
		    iam_strerror(r));
	else if (strstr(buf_cstr(&text), "common-auth") == NULL ||
	    strstr(buf_cstr(&text), "common-account") == NULL)
		doctor_say(d, check, DOCTOR_WARNING, "include common-auth and "
		    "common-account in it", "%s does not include the common stacks: "
		    "IAM does not decide there", path);
	else
		doctor_say(d, check, DOCTOR_OK, "", "%s", path);
out:
	buf_release(&text);
}

void
doctor_pam(struct doctor *d)
{
	check_module(d);
	check_profile(d, "auth");
	check_profile(d, "account");
	check_profile(d, "session");
	check_profile(d, "password");
	check_service(d, "sshd");
	check_service(d, "login");
	check_service(d, "sudo");
	check_service(d, "su");
}

/* ---- NSS ---- */

static void
check_database(struct doctor *d, const char *text, const char *database,
    bool optional)
{
	char line[1024], check[64];
	const char *p = text, *files, *iam;
	size_t n = strlen(database);

	snprintf(check, sizeof(check), "nsswitch %s", database);
	while (doctor_next_line(&p, line, sizeof(line))) {
		if (strncmp(line, database, n) != 0 || line[n] != ':')
			continue;
		line[strcspn(line, "#")] = '\0';
		files = strstr(line, "files");
		iam = strstr(line + n, "iam");
		if (!has_word(line, "iam"))
			doctor_say(d, check, DOCTOR_FAILED, "add iam after files in "
			    NSSWITCH, "iam is not asked");
		else if (files == NULL || files > iam)
			doctor_say(d, check, DOCTOR_FAILED, "put iam after files in "
			    NSSWITCH, "local names must come first");
		else
			doctor_say(d, check, DOCTOR_OK, "", "%s", line + n + 1 +
			    strspn(line + n + 1, " \t"));
		return;
	}
	/* glibc takes the line of group then. */
	if (optional)
		doctor_say(d, check, DOCTOR_OK, "", "as group");
	else
		doctor_say(d, check, DOCTOR_FAILED, "apt install --reinstall libnss-iam",
		    "%s has no line for it", NSSWITCH);
}

static void
check_glibc(struct doctor *d)
{
	struct snap *snap = NULL;
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_user user;
	struct passwd pw, *found = NULL;
	char space[4096];
	bool any = false;

	if (snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &snap) != 0)
		return;
	if (snap_user_next(snap, &cursor, &any, &user) != 0 || !any)
		doctor_say(d, "name service", DOCTOR_OK, "", "no IAM user to ask for");
	else if (getpwnam_r(user.name, &pw, space, sizeof(space), &found) != 0 ||
	    found == NULL)
		doctor_say(d, "name service", DOCTOR_FAILED, "apt install --reinstall "
		    "libnss-iam", "glibc does not find the user %s", user.name);
	else if (found->pw_uid != user.uid)
		doctor_say(d, "name service", DOCTOR_FAILED, "rename one of them",
		    "the user %s has the id %u here, not %u: another source gives it",
		    user.name, (unsigned)found->pw_uid, user.uid);
	else
		doctor_say(d, "name service", DOCTOR_OK, "", "glibc finds the user %s",
		    user.name);
	snap_cursor_release(&cursor);
	snap_close(snap);
}

void
doctor_nss(struct doctor *d)
{
	struct buf text = BUF_INIT;
	int r = file_read(NSSWITCH, FILE_ROOT_ONLY, FILE_MAX, &text);

	if (r != 0) {
		doctor_say(d, "nsswitch", DOCTOR_FAILED, "apt install --reinstall "
		    "libnss-iam", "%s: %s", NSSWITCH, iam_strerror(r));
	} else {
		check_database(d, buf_cstr(&text), "passwd", false);
		check_database(d, buf_cstr(&text), "group", false);
		check_database(d, buf_cstr(&text), "initgroups", true);
	}
	buf_release(&text);
	check_glibc(d);
}

/* ---- the rest ---- */

void
doctor_clock(struct doctor *d)
{
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);

	/* Before this program was made. */
	if (d->c->now_s < tz_from_utc(2026, 1, 1, 0))
		doctor_say(d, "clock", DOCTOR_FAILED, "set the clock",
		    "it is before 2026: codes and time windows cannot be right");
	else if (state == TIME_ERROR || state < 0)
		doctor_say(d, "clock", DOCTOR_WARNING, "apt install systemd-timesyncd",
		    "it is not synchronised: codes are refused when it is more than "
		    "30 seconds off");
	else
		doctor_say(d, "clock", DOCTOR_OK, "", "synchronised");
}

void
doctor_helper(struct doctor *d)
{
	const char *path = IAM_ROOT IAM_LIBEXECDIR "/iam-chkauth";
	struct stat st;

	if (lstat(path, &st) != 0)
		doctor_say(d, "helper", DOCTOR_WARNING, "apt install --reinstall iamctl",
		    "%s is missing: screen lockers cannot check passwords", path);
	else if (!S_ISREG(st.st_mode) || !file_owner_ok(st.st_uid) ||
	    (st.st_mode & 07777) != 02755 ||
	    (d->paths.auth_gid != (gid_t)-1 && st.st_gid != d->paths.auth_gid))
		doctor_say(d, "helper", DOCTOR_WARNING, "dpkg-reconfigure iamctl",
		    "%s is not 2755 root:iam-auth", path);
	else
		doctor_say(d, "helper", DOCTOR_OK, "", "%s", path);
}
