/*
 * ask SERVICE USERS [glibc]: what questions to one name service cost.
 *
 * Calls libnss_SERVICE.so.2 as glibc does, or, with "glibc", asks glibc itself,
 * told to use that service ("nscd": as nsswitch.conf and nscd have it). Prints
 * a line for each figure, "FIGURE VALUE": nanoseconds, counts or KiB. Every
 * answer is checked. Times are the best of several rounds, since noise only adds.
 */
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/names/people.h"

/* Many short ones: on a machine that has other work some are not interrupted. */
#define ROUNDS 100
#define BATCH_NS 2000000u   /* a round takes at least this, */
#define FIGURE_NS 3000000000u /* and a figure about this at most */
#define COUNTED 64u         /* questions whose system calls are counted */
#define FRESH 300
#define RANDOM 65536u           /* so many different ones are asked for at random */

int __nss_configure_lookup(const char *db, const char *service);

static struct {
	enum nss_status (*getpwnam)(const char *, struct passwd *, char *, size_t, int *);
	enum nss_status (*getpwuid)(uid_t, struct passwd *, char *, size_t, int *);
	enum nss_status (*setpwent)(int);
	enum nss_status (*getpwent)(struct passwd *, char *, size_t, int *);
	enum nss_status (*endpwent)(void);
	enum nss_status (*getgrnam)(const char *, struct group *, char *, size_t, int *);
	enum nss_status (*initgroups)(const char *, gid_t, long *, long *, gid_t **, long, int *);
} ask;

static const char *service;
static bool by_glibc;
static unsigned users;
static char buffer[1 << 20];

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
figure(const char *what, double value)
{
	printf("%s %.1f\n", what, value);
	fflush(stdout);
}

/* ---- glibc as a service ---- */

static enum nss_status
status_of(int r, const void *found, int *errnop)
{
	*errnop = r;
	if (found != NULL)
		return NSS_STATUS_SUCCESS;
	return r == 0 || r == ENOENT ? NSS_STATUS_NOTFOUND : NSS_STATUS_TRYAGAIN;
}

static enum nss_status
glibc_getpwnam(const char *name, struct passwd *pw, char *buf, size_t len, int *e)
{
	struct passwd *found;
	int r = getpwnam_r(name, pw, buf, len, &found);

	return status_of(r, found, e);
}

static enum nss_status
glibc_getpwuid(uid_t uid, struct passwd *pw, char *buf, size_t len, int *e)
{
	struct passwd *found;
	int r = getpwuid_r(uid, pw, buf, len, &found);

	return status_of(r, found, e);
}

static enum nss_status
glibc_setpwent(int stayopen)
{
	(void)stayopen;
	setpwent();
	return NSS_STATUS_SUCCESS;
}

static enum nss_status
glibc_getpwent(struct passwd *pw, char *buf, size_t len, int *e)
{
	struct passwd *found = NULL;
	int r = getpwent_r(pw, buf, len, &found);

	return status_of(r, found, e);
}

static enum nss_status
glibc_endpwent(void)
{
	endpwent();
	return NSS_STATUS_SUCCESS;
}

static enum nss_status
glibc_getgrnam(const char *name, struct group *gr, char *buf, size_t len, int *e)
{
	struct group *found;
	int r = getgrnam_r(name, gr, buf, len, &found);

	return status_of(r, found, e);
}

static enum nss_status
glibc_initgroups(const char *user, gid_t group, long *start, long *size,
    gid_t **groups, long limit, int *e)
{
	static gid_t list[256];
	int n = 256;

	(void)limit;
	(void)e;
	(void)groups;
	(void)size;
	if (getgrouplist(user, group, list, &n) < 0 || n > 256)
		return NSS_STATUS_UNAVAIL;
	*start += n - 1;
	return n > 1 ? NSS_STATUS_SUCCESS : NSS_STATUS_NOTFOUND;
}

static void
use_glibc(void)
{
	if (strcmp(service, "nscd") != 0 &&
	    (__nss_configure_lookup("passwd", service) != 0 ||
	    __nss_configure_lookup("group", service) != 0 ||
	    __nss_configure_lookup("initgroups", service) != 0))
		err(1, "__nss_configure_lookup");
	ask.getpwnam = glibc_getpwnam;
	ask.getpwuid = glibc_getpwuid;
	ask.setpwent = glibc_setpwent;
	ask.getpwent = glibc_getpwent;
	ask.endpwent = glibc_endpwent;
	ask.getgrnam = glibc_getgrnam;
	ask.initgroups = glibc_initgroups;
}

static void *
entry(void *so, const char *name)
{
	char symbol[96];

	snprintf(symbol, sizeof(symbol), "_nss_%s_%s", service, name);
	return dlsym(so, symbol);
}

static void
use_module(void)
{
	char file[64];
	void *so;

	snprintf(file, sizeof(file), "libnss_%s.so.2", service);
	if ((so = dlopen(file, RTLD_NOW)) == NULL)
		errx(1, "%s", dlerror());
	if (strcmp(service, "files") == 0)
		so = RTLD_DEFAULT; /* since glibc 2.34 it is libc */
	*(void **)&ask.getpwnam = entry(so, "getpwnam_r");
	*(void **)&ask.getpwuid = entry(so, "getpwuid_r");
	*(void **)&ask.setpwent = entry(so, "setpwent");
	*(void **)&ask.getpwent = entry(so, "getpwent_r");
	*(void **)&ask.endpwent = entry(so, "endpwent");
	*(void **)&ask.getgrnam = entry(so, "getgrnam_r");
	*(void **)&ask.initgroups = entry(so, "initgroups_dyn");
}

static void
load(void)
{
	if (by_glibc)
		use_glibc();
	else
		use_module();
}

/* ---- questions: true when the answer is right ---- */

/* Whom to ask for, made before time is taken. */
static struct {
	unsigned i;
	char name[24];
} random_users[RANDOM], hot_user;
static char unknown[RANDOM][24];

static void
choose(void)
{
	unsigned n;

	hot_user.i = users / 2 + 7;
	user_name(hot_user.i, hot_user.name);
	for (n = 0; n < RANDOM; n++) {
		random_users[n].i = (unsigned)(n * 2654435761u % users);
		user_name(random_users[n].i, random_users[n].name);
		user_name(users + random_users[n].i, unknown[n]);
	}
}

static bool
ask_user(unsigned i, const char *name)
{
	struct passwd pw;
	int e;

	return ask.getpwnam(name, &pw, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_SUCCESS && pw.pw_uid == USER_ID + i;
}

static bool
ask_unknown(const char *name)
{
	struct passwd pw;
	int e;

	return ask.getpwnam(name, &pw, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_NOTFOUND;
}

static bool
ask_uid(unsigned i)
{
	struct passwd pw;
	int e;

	return ask.getpwuid(USER_ID + i, &pw, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_SUCCESS && pw.pw_uid == USER_ID + i;
}

static bool
ask_groups(unsigned i, const char *name)
{
	static gid_t *gids;
	static long size;
	long start = 1; /* the primary one is there already */
	int e = 0;

	if (gids == NULL && (gids = calloc((size_t)(size = 16), sizeof(*gids))) == NULL)
		err(1, "groups");
	gids[0] = USER_ID + i;
	return ask.initgroups(name, USER_ID + i, &start, &size, &gids, -1, &e) ==
	    NSS_STATUS_SUCCESS && start == GROUPS_EACH + 1;
}

static bool
name_hot(unsigned n)
{
	(void)n;
	return ask_user(hot_user.i, hot_user.name);
}

static bool
uid_hot(unsigned n)
{
	(void)n;
	return ask_uid(hot_user.i);
}

static bool
name_random(unsigned n)
{
	return ask_user(random_users[n % RANDOM].i, random_users[n % RANDOM].name);
}

static bool
uid_random(unsigned n)
{
	return ask_uid(random_users[n % RANDOM].i);
}

static bool
unknown_hot(unsigned n)
{
	(void)n;
	return ask_unknown("nobody-there");
}

static bool
unknown_random(unsigned n)
{
	return ask_unknown(unknown[n % RANDOM]);
}

static bool
groups_hot(unsigned n)
{
	(void)n;
	return ask_groups(hot_user.i, hot_user.name);
}

static bool
groups_random(unsigned n)
{
	return ask_groups(random_users[n % RANDOM].i, random_users[n % RANDOM].name);
}

static bool
everyone_hot(unsigned n)
{
	struct group gr;
	int e;

	(void)n;
	return ask.getgrnam("everyone", &gr, buffer, sizeof(buffer), &e) ==
	    NSS_STATUS_SUCCESS && gr.gr_gid == EVERYONE_ID &&
	    gr.gr_mem[everyone(users) - 1] != NULL &&
	    gr.gr_mem[everyone(users)] == NULL;
}

/* ---- times ---- */

typedef bool question(unsigned i);

/* 0: a wrong answer was among them. */
static uint64_t
round_of(question *q, unsigned *i, unsigned count)
{
	uint64_t start = now_ns();
	bool right = true;
	unsigned n;

	for (n = 0; n < count; n++)
		right &= q((*i)++);
	return right ? now_ns() - start : 0;
}

/* All random questions once, as far as there is time: what follows is about a
 * process that has seen them before. Then as many as fill a round. */
static void
measure(const char *what, const void *has, question *q)
{
	uint64_t best = UINT64_MAX, took, begin = now_ns();
	unsigned i = 0, count = 1, round;

	if (has == NULL)
		return;
	while (i < RANDOM && now_ns() - begin < FIGURE_NS / 3)
		round_of(q, &i, 1);
	while ((took = round_of(q, &i, count)) < BATCH_NS && took > 0)
		count *= 2;
	for (round = 0; round < ROUNDS && best > 0; round++) {
		took = round_of(q, &i, count);
		best = took < best ? took : best;
		if (now_ns() - begin > FIGURE_NS)
			break;
	}
	if (best == 0)
		warnx("%s: %s: a wrong answer", service, what);
	else
		figure(what, (double)best / count);
}

static void
measure_walk(void)
{
	uint64_t best = UINT64_MAX, took, begin = now_ns();
	struct passwd pw;
	unsigned n, round;
	int e;

	for (round = 0; round < ROUNDS && now_ns() - begin < FIGURE_NS; round++) {
		took = now_ns();
		ask.setpwent(0);
		for (n = 0; ask.getpwent(&pw, buffer, sizeof(buffer), &e) ==
		    NSS_STATUS_SUCCESS; n++)
			;
		ask.endpwent();
		took = now_ns() - took;
		if (n < users) {
			warnx("%s: walk: only %u users", service, n);
			return;
		}
		best = took / n < best ? took / n : best;
	}
	figure("walk", (double)best);
}

/* ---- a fresh process ---- */

static void
must_know_hot(void)
{
	if (!name_hot(0))
		errx(1, "%s: fresh process: wrong answer", service);
}

/* "Anonymous:", "Rss:" of the whole process, KiB. */
static double
memory(const char *field)
{
	static char text[4096];
	ssize_t n;
	char *p;
	int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0)
		err(1, "smaps_rollup");
	close(fd);
	text[n] = '\0';
	if ((p = strstr(text, field)) == NULL)
		errx(1, "smaps_rollup: no %s", field);
	return strtod(p + strlen(field), NULL);
}

static double
mapped(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		err(1, "statm");
	close(fd);
	return strtod(text, NULL) * (double)sysconf(_SC_PAGESIZE) / 1024;
}

struct fresh {
	double ns, private_kib, touched_kib, mapped_kib;
};

static struct fresh
in_fresh(bool with_memory)
{
	struct fresh f = { 0, 0, 0, 0 };
	uint64_t start;

	if (with_memory) {
		f.private_kib = -memory("Anonymous:");
		f.touched_kib = -memory("Rss:");
		f.mapped_kib = -mapped();
	}
	start = now_ns();
	load();
	must_know_hot();
	f.ns = (double)(now_ns() - start);
	if (with_memory) {
		f.private_kib += memory("Anonymous:");
		f.touched_kib += memory("Rss:");
		f.mapped_kib += mapped();
	}
	return f;
}

static struct fresh
fresh_process(bool with_memory)
{
	struct fresh f;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) != 0)
		err(1, "pipe");
	if ((pid = fork()) == 0) {
		buffer[0] = 0;
		f = in_fresh(with_memory);
		if (write(fds[1], &f, sizeof(f)) != sizeof(f))
			err(1, "write");
		_exit(0);
	}
	close(fds[1]);
	if (read(fds[0], &f, sizeof(f)) != sizeof(f) ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "%s: no answer in a fresh process", service);
	close(fds[0]);
	return f;
}

static void
measure_fresh(void)
{
	struct fresh f, best = fresh_process(false);
	unsigned i;

	for (i = 1; i < FRESH; i++) {
		f = fresh_process(false);
		if (f.ns < best.ns)
			best = f;
	}
	figure("fresh", best.ns);
	f = fresh_process(true);
	figure("private", f.private_kib);
	figure("touched", f.touched_kib);
	figure("mapped", f.mapped_kib);
}

/* ---- system calls ---- */

#define MARK_ID (-4242) /* getpgid(MARK_ID): counting begins or ends here */

static void
mark(void)
{
	syscall(SYS_getpgid, MARK_ID);
}

struct calls {
	unsigned all, opens;
};

static struct calls
count_calls(pid_t pid)
{
	struct __ptrace_syscall_info info;
	struct calls c = { 0, 0 };
	bool counting = false;
	int status;

	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
	    (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
		    info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr == SYS_getpgid && (int)info.entry.args[0] == MARK_ID) {
			counting = !counting;
		} else if (counting) {
			c.all++;
			c.opens += info.entry.nr == SYS_openat;
		}
	}
	if (status != 0)
		errx(1, "%s: no answer under ptrace", service);
	return c;
}

static struct calls
calls_of(question *q, unsigned count, bool warm)
{
	unsigned i;
	pid_t pid = fork();

	if (pid != 0)
		return count_calls(pid);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	if (warm) {
		load();
		for (i = 0; i < 3; i++)
			q(0);
	}
	mark();
	if (!warm)
		load();
	for (i = 0; i < count; i++) {
		if (!q(i))
			_exit(1);
	}
	mark();
	_exit(0);
}

static void
measure_calls(void)
{
	struct calls c = calls_of(name_hot, 1, false);

	figure("fresh_calls", c.all);
	figure("fresh_opens", c.opens);
	figure("name_hot_calls", (double)calls_of(name_hot, COUNTED, true).all / COUNTED);
	figure("name_random_calls", (double)calls_of(name_random, COUNTED, true).all / COUNTED);
	if (users <= 100000 || strcmp(service, "sss") != 0)
		figure("unknown_calls", (double)calls_of(unknown_hot, COUNTED, true).all / COUNTED);
}

int
main(int argc, char **argv)
{
	if (argc < 3 || (users = (unsigned)strtoul(argv[2], NULL, 10)) == 0)
		errx(2, "usage: ask SERVICE USERS [glibc]");
	service = argv[1];
	by_glibc = argc > 3;
	choose();
	measure_fresh();
	measure_calls();
	load();
	measure("name_hot", ask.getpwnam, name_hot);
	measure("uid_hot", ask.getpwuid, uid_hot);
	measure("name_random", ask.getpwnam, name_random);
	measure("uid_random", ask.getpwuid, uid_random);
	measure("unknown_hot", ask.getpwnam, unknown_hot);
	measure("unknown_random", ask.getpwnam, unknown_random);
	measure("groups_hot", ask.initgroups, groups_hot);
	measure("groups_random", ask.initgroups, groups_random);
	measure("everyone", ask.getgrnam, everyone_hot);
	if (ask.getpwent != NULL)
		measure_walk();
	return 0;
}
