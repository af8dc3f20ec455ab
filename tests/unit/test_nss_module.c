/*
 * The built module in a process, as strangers have it there: loaded and unloaded,
 * in threads with small stacks, by people with many groups, under a new root,
 * and with a writer that is killed. S19, S20, S22, S25, S28 by name below.
 *
 * Functions that a name service must not call are defined here, in front of
 * libc's: the module's calls would end up in them.
 */
#include "tests/unit/snap_fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <glob.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define MODULE IAM_TEST_BIN "/libnss_iam.so.2"
#define READERS 8

/* ---- S19, S20: what it must not call ---- */

static atomic_uint talked, recursed;

int
socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	talked++;
	errno = EACCES;
	return -1;
}

int
connect(int fd, const struct sockaddr *to, socklen_t len)
{
	(void)fd;
	(void)to;
	(void)len;
	talked++;
	errno = EACCES;
	return -1;
}

void
syslog(int priority, const char *fmt, ...)
{
	(void)priority;
	(void)fmt;
	talked++;
}

int
getpwnam_r(const char *restrict name, struct passwd *restrict pw,
    char *restrict buf, size_t len, struct passwd **restrict found)
{
	(void)name;
	(void)pw;
	(void)buf;
	(void)len;
	*found = NULL;
	recursed++;
	return ENOSYS;
}

int
getgrnam_r(const char *restrict name, struct group *restrict gr,
    char *restrict buf, size_t len, struct group **restrict found)
{
	(void)name;
	(void)gr;
	(void)buf;
	(void)len;
	*found = NULL;
	recursed++;
	return ENOSYS;
}

/* ---- the module ---- */

typedef enum nss_status by_name_pw(const char *, struct passwd *, char *,
    size_t, int *);
typedef enum nss_status by_name_gr(const char *, struct group *, char *,
    size_t, int *);

static struct {
	void *so;
	by_name_pw *getpwnam;
	enum nss_status (*getpwuid)(uid_t, struct passwd *, char *, size_t, int *);
	enum nss_status (*setpwent)(int);
	enum nss_status (*getpwent)(struct passwd *, char *, size_t, int *);
	enum nss_status (*endpwent)(void);
	by_name_gr *getgrnam;
	enum nss_status (*getgrgid)(gid_t, struct group *, char *, size_t, int *);
	enum nss_status (*setgrent)(int);
	enum nss_status (*getgrent)(struct group *, char *, size_t, int *);
	enum nss_status (*endgrent)(void);
	enum nss_status (*initgroups)(const char *, gid_t, long *, long *, gid_t **,
	    long, int *);
} iam;

static void *
entry(const char *name)
{
	void *p = dlsym(iam.so, name);

	assert_non_null(p);
	return p;
}

static void
load(void)
{
	iam.so = dlopen(MODULE, RTLD_NOW);
	assert_non_null(iam.so);
	*(void **)&iam.getpwnam = entry("_nss_iam_getpwnam_r");
	*(void **)&iam.getpwuid = entry("_nss_iam_getpwuid_r");
	*(void **)&iam.setpwent = entry("_nss_iam_setpwent");
	*(void **)&iam.getpwent = entry("_nss_iam_getpwent_r");
	*(void **)&iam.endpwent = entry("_nss_iam_endpwent");
	*(void **)&iam.getgrnam = entry("_nss_iam_getgrnam_r");
	*(void **)&iam.getgrgid = entry("_nss_iam_getgrgid_r");
	*(void **)&iam.setgrent = entry("_nss_iam_setgrent");
	*(void **)&iam.getgrent = entry("_nss_iam_getgrent_r");
	*(void **)&iam.endgrent = entry("_nss_iam_endgrent");
	*(void **)&iam.initgroups = entry("_nss_iam_initgroups_dyn");
}

static uint64_t revision;

static void
make_dirs(const char *root, const char *file)
{
	char part[1024], whole[1024];
	char *p;

	snprintf(whole, sizeof(whole), "%s%s", root, file);
	for (p = strchr(whole + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - whole), whole);
		if (mkdir(part, 0755) != 0)
			assert_int_equal(errno, EEXIST);
	}
}

static void
touch(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static int
setup(void **state)
{
	(void)state;
	make_dirs("", IAM_PATH_PUBLIC);
	make_dirs("", IAM_PATH_HOST);
	touch(IAM_PATH_HOST);
	load();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	iam.endpwent();
	iam.endgrent();
	dlclose(iam.so);
	unlink(IAM_PATH_PUBLIC);
	unlink(IAM_PATH_HOST);
	return 0;
}

/* ---- a host with one large group and one person in many ---- */

#define MEMBERS 10000u
#define GROUPS 1000u
#define CREW_ID (FIRST_ID + 100000)

static void
person(unsigned i, char name[33])
{
	/* The longest name that there is, so that buffers are filled. */
	snprintf(name, 33, "p%031u", i);
}

static void
publish_many(void)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, ++revision);
	struct buf members = BUF_INIT;
	uint32_t gids[GROUPS];
	char name[33];
	unsigned i;

	for (i = 0; i < MEMBERS; i++) {
		person(i, name);
		add_plain_user(b, name, FIRST_ID + i);
		buf_printf(&members, i == 0 ? "%s" : " %s", name);
	}
	add_group(b, "everyone", FIRST_ID + MEMBERS, buf_cstr(&members));
	person(7, name);
	for (i = 0; i < GROUPS; i++) {
		char group[33];

		snprintf(group, sizeof(group), "g%031u", i);
		gids[i] = CREW_ID + i;
		add_group(b, group, gids[i], name);
	}
	add_member_of(b, name, gids, GROUPS);
	buf_release(&members);
	publish(b, IAM_PATH_PUBLIC);
}

/* As glibc does it: a larger buffer until it fits. Returns the buffer (owned). */
static char *
grow_until_it_fits(const char *group, struct group *gr, unsigned *ret_tries)
{
	enum nss_status s = NSS_STATUS_TRYAGAIN;
	size_t len = 1024;
	char *buf = NULL;
	int e = ERANGE;

	for (*ret_tries = 0; s == NSS_STATUS_TRYAGAIN && e == ERANGE; len *= 2) {
		assert_true(len < (size_t)1 << 24);
		free(buf);
		assert_non_null(buf = malloc(len));
		s = iam.getgrnam(group, gr, buf, len, &e);
		(*ret_tries)++;
	}
	assert_int_equal(s, NSS_STATUS_SUCCESS);
	return buf;
}

static void
test_group__ten_thousand_members_of_the_longest_name(void **state)
{
	struct group gr;
	unsigned i, tries;
	char name[33];
	char *buf;

	(void)state;
	publish_many();
	buf = grow_until_it_fits("everyone", &gr, &tries);
	assert_true(tries > 5);
	for (i = 0; i < MEMBERS; i++) {
		person(i, name);
		assert_string_equal(gr.gr_mem[i], name);
	}
	assert_null(gr.gr_mem[MEMBERS]);
	free(buf);
}

/* S24 where it is largest: one byte less is not enough, and nothing is touched. */
static void
test_group__S24_exact_for_ten_thousand_members(void **state)
{
	const size_t need = (MEMBERS + 1) * sizeof(char *) + sizeof("everyone") +
	    sizeof("x") + (size_t)MEMBERS * 33;
	struct group gr, mark;
	char *buf = malloc(need);
	int e = 0;

	(void)state;
	publish_many();
	assert_non_null(buf);
	memset(&mark, 0x5a, sizeof(mark));
	gr = mark;
	assert_int_equal(iam.getgrnam("everyone", &gr, buf, need - 1, &e),
	    NSS_STATUS_TRYAGAIN);
	assert_int_equal(e, ERANGE);
	assert_memory_equal(&gr, &mark, sizeof(gr));
	assert_int_equal(iam.getgrnam("everyone", &gr, buf, need, &e),
	    NSS_STATUS_SUCCESS);
	free(buf);
}

static void
test_initgroups__one_person_in_a_thousand_groups(void **state)
{
	long start = 1, size = 1;
	gid_t *gids = calloc(1, sizeof(*gids));
	char name[33];
	unsigned i;
	int e;

	(void)state;
	publish_many();
	person(7, name);
	gids[0] = FIRST_ID + 7;
	assert_int_equal(iam.initgroups(name, FIRST_ID + 7, &start, &size, &gids,
	    -1, &e), NSS_STATUS_SUCCESS);
	assert_int_equal(start, GROUPS + 1);
	for (i = 0; i < GROUPS; i++)
		assert_int_equal(gids[i + 1], CREW_ID + i);
	free(gids);
}

/* ---- S22: what initgroups says is what the groups say ---- */

#define SOME 200u

static void
publish_random(unsigned seed)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, ++revision);
	struct buf members[50];
	char name[33];
	unsigned i, g;

	srandom(seed);
	memset(members, 0, sizeof(members));
	for (i = 0; i < SOME; i++) {
		uint32_t gids[IAM_COUNT(members)];
		size_t n = 0;

		person(i, name);
		add_plain_user(b, name, FIRST_ID + i);
		for (g = 0; g < IAM_COUNT(members); g++) {
			if (random() % 7 != 0)
				continue;
			buf_printf(&members[g], members[g].len == 0 ? "%s" : " %s", name);
			gids[n++] = CREW_ID + g;
		}
		if (n > 0)
			add_member_of(b, name, gids, n);
	}
	for (g = 0; g < IAM_COUNT(members); g++) {
		snprintf(name, sizeof(name), "crew%u", g);
		add_group(b, name, CREW_ID + g, buf_cstr(&members[g]));
		buf_release(&members[g]);
	}
	publish(b, IAM_PATH_PUBLIC);
}

static bool
is_listed(const gid_t *gids, long n, gid_t gid)
{
	while (n > 0 && gids[n - 1] != gid)
		n--;
	return n > 0;
}

static void
test_initgroups__S22_agrees_with_the_enumeration(void **state)
{
	static unsigned in_groups[SOME];
	static char buf[65536];
	long start, size = 0;
	gid_t *gids = NULL;
	struct group gr;
	unsigned i, n = 0;
	char **m;
	int e;

	(void)state;
	publish_random(4);
	memset(in_groups, 0, sizeof(in_groups));
	iam.setgrent(0);
	while (iam.getgrent(&gr, buf, sizeof(buf), &e) == NSS_STATUS_SUCCESS) {
		for (m = gr.gr_mem; *m != NULL; m++, n++) {
			i = (unsigned)strtoul(*m + 1, NULL, 10);
			in_groups[i]++;
			start = 0;
			iam.initgroups(*m, FIRST_ID + i, &start, &size, &gids, -1, &e);
			assert_true(is_listed(gids, start, gr.gr_gid));
		}
	}
	assert_true(n > SOME);
	for (i = 0; i < SOME; i++) {
		char name[33];

		person(i, name);
		start = 0;
		iam.initgroups(name, FIRST_ID + i, &start, &size, &gids, -1, &e);
		assert_int_equal(start, in_groups[i]);
	}
	free(gids);
}

/* ---- every entry point ---- */

static void
ask_everything(void)
{
	static char buf[1 << 20];
	long start = 0, size = 0;
	gid_t *gids = NULL;
	struct passwd pw;
	struct group gr;
	char name[33];
	int e;

	person(7, name);
	iam.getpwnam(name, &pw, buf, sizeof(buf), &e);
	iam.getpwnam("nobody-there", &pw, buf, sizeof(buf), &e);
	iam.getpwuid(FIRST_ID + 9, &pw, buf, sizeof(buf), &e);
	iam.getgrnam("everyone", &gr, buf, sizeof(buf), &e);
	iam.getgrgid(CREW_ID + 9, &gr, buf, sizeof(buf), &e);
	iam.initgroups(name, 1, &start, &size, &gids, -1, &e);
	iam.setpwent(0);
	iam.getpwent(&pw, buf, sizeof(buf), &e);
	iam.endpwent();
	iam.setgrent(0);
	iam.getgrent(&gr, buf, sizeof(buf), &e);
	iam.endgrent();
	free(gids);
}

static void
test_module__S19_talks_to_nobody_S20_asks_no_name_service(void **state)
{
	(void)state;
	assert_ptr_equal(dlsym(RTLD_DEFAULT, "connect"), connect);
	assert_ptr_equal(dlsym(RTLD_DEFAULT, "getpwnam_r"), getpwnam_r);
	talked = recursed = 0;
	publish_many();
	ask_everything();
	unlink(IAM_PATH_PUBLIC);
	ask_everything();
	touch(IAM_PATH_PUBLIC); /* damaged */
	ask_everything();
	assert_int_equal(talked, 0);
	assert_int_equal(recursed, 0);
}

/* ---- S20: the stack belongs to the program ---- */

#define STACK ((size_t)256 << 10)
#define MAY_USE ((size_t)16 << 10)

static void *
ask_in_thread(void *arg)
{
	(void)arg;
	ask_everything();
	return NULL;
}

static void *
do_nothing(void *arg)
{
	return arg;
}

/* How deep a thread goes. */
static size_t
stack_of(void *(*f)(void *))
{
	unsigned char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attr;
	pthread_t t;
	size_t low = 0;

	assert_true(stack != MAP_FAILED);
	memset(stack, 0x5a, STACK);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
	assert_int_equal(pthread_create(&t, &attr, f, NULL), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	while (low < STACK && stack[low] == 0x5a)
		low++;
	pthread_attr_destroy(&attr);
	munmap(stack, STACK);
	return STACK - low;
}

static void
test_module__S20_needs_little_stack(void **state)
{
	size_t base, used;

	(void)state;
	publish_many();
	base = stack_of(do_nothing);
	used = stack_of(ask_in_thread); /* opens, reads, finds, walks */
	assert_true(used > base);
	assert_in_range(used - base, 1, MAY_USE);
}

/* ---- loading and unloading ---- */

static atomic_bool stop;

static void *
ask_for_ever(void *arg)
{
	by_name_pw *getpwnam_in = *(by_name_pw **)arg;
	struct passwd pw;
	uintptr_t bad = 0;
	char buf[1024], name[33];
	int e;

	person(7, name);
	while (!atomic_load(&stop))
		bad += getpwnam_in(name, &pw, buf, sizeof(buf), &e) !=
		    NSS_STATUS_SUCCESS || pw.pw_uid != FIRST_ID + 7;
	return (void *)bad;
}

/* A program may close what glibc or it has opened, in the middle of look-ups. */
static void
test_module__dlclose_during_look_ups(void **state)
{
	by_name_pw *f = iam.getpwnam;
	pthread_t t[4];
	void *bad;
	unsigned i;

	(void)state;
	publish_many();
	atomic_store(&stop, false);
	for (i = 0; i < IAM_COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask_for_ever, &f), 0);
	for (i = 0; i < 200; i++) {
		dlclose(iam.so);
		iam.so = dlopen(MODULE, i % 2 == 0 ? RTLD_NOW : RTLD_LAZY);
		assert_non_null(iam.so);
		assert_ptr_equal(entry("_nss_iam_getpwnam_r"), f);
	}
	atomic_store(&stop, true);
	for (i = 0; i < IAM_COUNT(t); i++) {
		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
}

/* ---- S28: under another root ---- */

static void
publish_sarah_at(const char *path, const char *home)
{
	struct snap_user u = { .uid = FIRST_ID, .gid = FIRST_ID, .name = "sarah",
		.gecos = "", .home = home, .shell = "/bin/sh" };
	struct snap_builder *b = new_builder(SNAP_PUBLIC, ++revision);

	add_user(b, &u);
	publish(b, path);
}

static void
wait_for_readers(void)
{
	const struct timespec t = { 0, 20000000 };

	nanosleep(&t, NULL); /* two ticks of the slowest coarse clock */
}

/* In a child that has changed its root. The snapshot there is whole and newer, but
 * somebody else's. */
static int
ask_under(const char *root)
{
	struct passwd pw = { .pw_dir = NULL };
	char buf[1024];
	int e;

	if (iam.getpwnam("sarah", &pw, buf, sizeof(buf), &e) !=
	    NSS_STATUS_SUCCESS || strcmp(pw.pw_dir, "/home/sarah") != 0)
		return 1;
	if (chroot(root) != 0 || chdir("/") != 0)
		return 2;
	wait_for_readers();
	e = 0;
	if (iam.getpwnam("sarah", &pw, buf, sizeof(buf), &e) !=
	    NSS_STATUS_UNAVAIL || e != EIO)
		return 3;
	iam.setpwent(0);
	return iam.getpwent(&pw, buf, sizeof(buf), &e) ==
	    NSS_STATUS_UNAVAIL ? 0 : 4;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
test_module__S28_a_foreign_root_is_not_believed(void **state)
{
	char root[] = "/tmp/iam-root-XXXXXX", path[1024];
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(root));
	make_dirs(root, IAM_PATH_PUBLIC);
	make_dirs(root, IAM_PATH_HOST);
	snprintf(path, sizeof(path), "%s%s", root, IAM_PATH_HOST);
	touch(path);
	snprintf(path, sizeof(path), "%s%s", root, IAM_PATH_PUBLIC);
	publish_sarah_at(path, "/home/mallory");
	assert_int_equal(chown(path, 65534, 65534), 0);
	publish_sarah_at(IAM_PATH_PUBLIC, "/home/sarah");
	if ((pid = fork()) == 0)
		_exit(ask_under(root));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- S25: eight readers in a storm ---- */

#define STORM_UIDS 500000u

#define STORM_PEOPLE 1200u /* so that a change is a small file beside a large one */
#define STORM_ROUNDS 25u
#define MERGE_EACH 8u

static unsigned storm_revisions; /* at least; an argument */

/* Revision r has sarah with the id FIRST_ID + r, and a group of that id. */
static void
add_storm(struct snap_builder *b, unsigned r)
{
	char home[32];
	struct snap_user u = { .uid = FIRST_ID + r, .gid = FIRST_ID + r,
		.name = "sarah", .gecos = "", .home = home, .shell = "/bin/sh" };

	snprintf(home, sizeof(home), "/home/r%u", r);
	add_user(b, &u);
	add_group(b, "crew", FIRST_ID + r, "sarah");
}

static int
publish_storm(unsigned r)
{
	struct snap_builder *b = new_builder(SNAP_PUBLIC, r);
	char name[33];
	unsigned i;
	int err;

	add_storm(b, r);
	for (i = 0; i < STORM_PEOPLE; i++) {
		person(i, name);
		add_plain_user(b, name, FIRST_ID + STORM_UIDS + i);
	}
	err = snap_builder_write(b, IAM_PATH_PUBLIC, 0644, (gid_t)-1);
	snap_builder_free(b);
	return err;
}

/* The same as a change to what there is. */
static int
publish_change(unsigned r)
{
	struct snap_builder *b = NULL;
	struct snap *s = NULL;
	int err;

	if ((err = snap_open(IAM_PATH_PUBLIC, SNAP_PUBLIC, &s)) != 0)
		return err;
	if ((err = snap_builder_over(s, r, r, &b)) == 0 &&
	    (err = snap_builder_remove(b, SNAP_USER_NAME, "sarah", 5)) == 0) {
		add_storm(b, r);
		err = snap_builder_write(b, IAM_PATH_PUBLIC, 0644, (gid_t)-1);
	}
	snap_builder_free(b);
	snap_close(s);
	return err;
}

/* While the two files become one. */
static int
publish_merging(unsigned r)
{
	struct snap *then = NULL;
	int err;

	err = snap_merge_begin(IAM_PATH_PUBLIC, SNAP_PUBLIC, 0644, (gid_t)-1,
	    &then);
	if (err == 0 && (err = publish_change(r)) == 0 && then != NULL)
		err = snap_merge_end(IAM_PATH_PUBLIC, SNAP_PUBLIC, 0644, (gid_t)-1,
		    then);
	snap_close(then);
	return err;
}

struct storm {
	atomic_bool damage; /* from here on UNAVAIL is an answer */
	atomic_bool stop;
	atomic_uint bad, answers;
	atomic_uint changes, merges; /* that were published */
	atomic_uint written; /* the newest revision that was reported as published */
};

static void
complain(struct storm *storm, const char *what, unsigned a, unsigned b)
{
	if (atomic_fetch_add(&storm->bad, 1) < 10)
		print_message("storm: %s (%u, %u)\n", what, a, b);
}

static void
judge_user(struct storm *storm, const struct passwd *pw, unsigned published,
    unsigned *newest)
{
	unsigned r = pw->pw_uid - FIRST_ID;
	char home[32];

	snprintf(home, sizeof(home), "/home/r%u", r);
	if (pw->pw_gid != pw->pw_uid || strcmp(pw->pw_dir, home) != 0)
		complain(storm, "torn", pw->pw_uid, pw->pw_gid);
	if (r < *newest)
		complain(storm, "back to an older revision", r, *newest);
	if (r < published)
		complain(storm, "out of date", r, published);
	*newest = r;
	atomic_fetch_add(&storm->answers, 1);
}

static void
read_storm(struct storm *storm)
{
	unsigned newest = 0, published;
	enum nss_status s;
	struct passwd pw;
	struct group gr;
	char buf[1024];
	bool damage;
	int e;

	while (!atomic_load(&storm->stop)) {
		published = atomic_load(&storm->written);
		damage = atomic_load(&storm->damage);
		s = iam.getpwnam("sarah", &pw, buf, sizeof(buf), &e);
		if (s == NSS_STATUS_SUCCESS)
			judge_user(storm, &pw, published, &newest);
		else if ((!damage && !atomic_load(&storm->damage)) ||
		    s == NSS_STATUS_NOTFOUND)
			complain(storm, "no answer", (unsigned)s, (unsigned)e);
		s = iam.getgrnam("crew", &gr, buf, sizeof(buf), &e);
		if (s == NSS_STATUS_SUCCESS ? strcmp(gr.gr_mem[0], "sarah") != 0 :
		    s == NSS_STATUS_NOTFOUND)
			complain(storm, "crew", (unsigned)s, gr.gr_gid);
	}
}

static void *
read_storm_in_thread(void *arg)
{
	read_storm(arg);
	return NULL;
}

/* A child that does not outlive the test. */
static pid_t
fork_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    getppid() != parent))
		_exit(1);
	assert_true(pid >= 0);
	return pid;
}

/* Publish until killed. */
static void
write_storm(struct storm *storm, unsigned r)
{
	bool merging;

	for (;; r++) {
		merging = atomic_load(&storm->changes) % MERGE_EACH == 3;
		if ((merging ? publish_merging(r) : publish_change(r)) != 0)
			continue;
		atomic_store(&storm->written, r);
		atomic_fetch_add(&storm->changes, 1);
		atomic_fetch_add(&storm->merges, merging);
	}
}

/* A disk with room for half a snapshot, or half of the changes, so far as its writer can
 * tell. */
static int
write_without_room(unsigned r, bool whole)
{
	struct rlimit room = { whole ? 32768 : 1500, RLIM_INFINITY };
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &room);
		_exit((whole ? publish_storm(r) : publish_change(r)) == 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
kill_writers(struct storm *storm)
{
	struct timespec t = { 0, 0 };
	unsigned i, r = 1;
	pid_t pid;

	for (i = 0; i < STORM_ROUNDS ||
	    atomic_load(&storm->changes) < storm_revisions; i++) {
		if ((pid = fork_child()) == 0)
			write_storm(storm, r);
		/* In the first revision, or in a later one. */
		while (i % 2 == 1 && atomic_load(&storm->written) < r)
			sched_yield();
		/* With many revisions to come, let them live longer. */
		t.tv_nsec = random() % (storm_revisions > 0 ? 200000000 : 40000000);
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		/* What was renamed into place just before the end counts, too. */
		r = atomic_load(&storm->written) + 2;
		assert_int_equal(write_without_room(r, i % 2 == 0), 0);
	}
	print_message("storm: %u writers killed\n", i);
}

static void
damage_one(const char *path, unsigned i)
{
	char junk[4096];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	memset(junk, (int)(random() & 0xff), sizeof(junk));
	if (i % 2 == 0)
		assert_int_equal(ftruncate(fd, random() % 20000), 0);
	else
		assert_true(pwrite(fd, junk, (size_t)(1 + random() % 4096),
		    random() % 20000) > 0);
	close(fd);
}

/* The large file, when there is one beneath. */
static void
damage_beneath(unsigned i)
{
	glob_t g;
	size_t n;

	if (glob(IAM_PATH_PUBLIC ".????????????????", 0, NULL, &g) != 0)
		return;
	for (n = 0; n < g.gl_pathc; n++)
		damage_one(g.gl_pathv[n], i);
	globfree(&g);
}

static void
damage_files(struct storm *storm)
{
	unsigned rounds = STORM_ROUNDS + storm_revisions / 50, i;
	unsigned r = atomic_load(&storm->written) + 2;

	atomic_store(&storm->damage, true);
	for (i = 0; i < rounds; i++, r += 2) {
		assert_int_equal(publish_storm(r), 0);
		assert_int_equal(publish_change(r + 1), 0);
		if (i % 3 != 0)
			damage_one(IAM_PATH_PUBLIC, i);
		if (i % 3 != 1)
			damage_beneath(i);
	}
	print_message("storm: %u times damaged\n", rounds);
}

static void
test_module__S25_eight_readers_in_a_storm(void **state)
{
	struct storm *storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_t thread[READERS / 2];
	pid_t child[READERS / 2];
	glob_t left = { 0 };
	unsigned i;
	int status;

	(void)state;
	assert_true(storm != MAP_FAILED);
	srandom(25);
	assert_int_equal(publish_storm(1), 0);
	for (i = 0; i < IAM_COUNT(child); i++) {
		if ((child[i] = fork_child()) == 0) {
			read_storm(storm);
			_exit(0);
		}
	}
	for (i = 0; i < IAM_COUNT(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
		    read_storm_in_thread, storm), 0);
	kill_writers(storm);
	damage_files(storm);
	atomic_store(&storm->stop, true);
	for (i = 0; i < IAM_COUNT(thread); i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	for (i = 0; i < IAM_COUNT(child); i++) {
		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_int_equal(status, 0); /* no SIGBUS, no crash */
	}
	print_message("storm: %u changes, %u while two files became one, %u"
	    " answers, %u wrong\n", atomic_load(&storm->changes),
	    atomic_load(&storm->merges), atomic_load(&storm->answers),
	    atomic_load(&storm->bad));
	assert_int_equal(storm->bad, 0);
	assert_true(storm->merges > 0);
	assert_true(storm->answers > 0);
	/* And out of it again: what killed writers and merges left is swept away. */
	assert_int_equal(publish_storm(STORM_UIDS - 3), 0);
	assert_int_equal(publish_merging(STORM_UIDS - 2), 0);
	assert_int_equal(publish_storm(STORM_UIDS - 1), 0);
	assert_int_equal(glob(IAM_PATH_PUBLIC ".*", 0, NULL, &left), GLOB_NOMATCH);
	munmap(storm, sizeof(*storm));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_group__ten_thousand_members_of_the_longest_name),
		TEST(test_group__S24_exact_for_ten_thousand_members),
		TEST(test_initgroups__one_person_in_a_thousand_groups),
		TEST(test_initgroups__S22_agrees_with_the_enumeration),
		TEST(test_module__S19_talks_to_nobody_S20_asks_no_name_service),
		TEST(test_module__S20_needs_little_stack),
		TEST(test_module__dlclose_during_look_ups),
		TEST(test_module__S28_a_foreign_root_is_not_believed),
		TEST(test_module__S25_eight_readers_in_a_storm),
	};

	if (argc > 1)
		storm_revisions = (unsigned)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
