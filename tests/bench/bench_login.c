/*
 * What a login costs: bench_login [USERS] [AT_ONCE] [lowest]. The module that the
 * packages install through libpam (auth and account phase, as sshd calls them), beside
 * pam_permit, pam_unix and pam_unix with pam_oath in the same run. Prints figures; nothing
 * is asserted. Needs root, and makes a root directory of its own, since the module's
 * paths cannot be moved.
 *
 * "Without the hash": crypt(3) answers from memory, for all modules alike.
 */
#include "common/base/base.h"
#include "common/policy/policy.h"
#include "common/snapshot/accounts.h"
#include "tests/pam/world.h"

#include <crypt.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MODULE IAM_TEST_BIN "/pam_iam.so"
#define OATH "/lib/x86_64-linux-gnu/security/pam_oath.so"
#define YESCRYPT "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$"
#define PASSWORD "right"
#define SEED_HEX "3132333435363738393031323334353637383930"
#define AUTH_GID 999
#define SAMPLES 200
#define LOCAL_USERS 300
#define STATEMENTS 1000
#define ALLOW "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"," \
	"\"Action\":\"host:*\",\"Resource\":\"*\"}}"

#define MUST(x) \
	do { \
		if (!(x)) { \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #x, \
			    strerrordesc_np(errno)); \
			exit(1); \
		} \
	} while (0)

/* ---- crypt(3), counted and, when wanted, free ---- */

static bool free_crypt;
static unsigned crypts;
static char known_hash[CRYPT_OUTPUT_SIZE];

static char *
answer(const char *phrase, const char *setting, struct crypt_data *data)
{
	static char *(*real)(const char *, const char *, struct crypt_data *);

	crypts++;
	if (free_crypt && strcmp(phrase, PASSWORD) == 0) {
		memcpy(data->output, known_hash, sizeof(known_hash));
		return data->output;
	}
	if (real == NULL)
		*(void **)&real = dlsym(dlopen("libcrypt.so.1", RTLD_NOW), "crypt_r");
	return real(phrase, setting, data);
}

char *
crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
	return answer(phrase, setting, data);
}

char *
crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
	(void)size;
	return answer(phrase, setting, data);
}

/* ---- a person ---- */

static char code[9];

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp,
    void *data)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));
	int i;

	(void)data;
	for (i = 0; i < n; i++) {
		if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF ||
		    msg[i]->msg_style == PAM_PROMPT_ECHO_ON)
			r[i].resp = strdup(strstr(msg[i]->msg, "assword:") != NULL &&
			    strstr(msg[i]->msg, "One-time") == NULL ? PASSWORD : code);
	}
	*resp = r;
	return PAM_SUCCESS;
}

static char conf[96];
static bool lowest;

static int
login(const char *service, const char *user)
{
	const struct pam_conv conv = { converse, NULL };
	pam_handle_t *pamh;
	int r;

	if (pam_start_confdir(service, user, &conv, conf, &pamh) != PAM_SUCCESS)
		return PAM_SYSTEM_ERR;
	pam_set_item(pamh, PAM_RHOST, "192.0.2.7");
	if ((r = pam_authenticate(pamh, 0)) == PAM_SUCCESS)
		r = pam_acct_mgmt(pamh, 0);
	pam_end(pamh, r);
	return r;
}

static void
write_conf(const char *service, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", conf, service);
	world_write(path, text, strlen(text), 0644);
}

/* ---- figures ---- */

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Users PREFIX0, PREFIX1, …: each code is good once. The median, in ms; or, with
 * a third argument, the tenth lowest of a hundred, for a machine with other work. */
static double
median(const char *service, const char *prefix, unsigned first, unsigned n)
{
	double ms[SAMPLES], t;
	char user[32];
	unsigned i;

	for (i = 0; i < n; i++) {
		snprintf(user, sizeof(user), "%s%u", prefix, first + i);
		t = now_ms();
		MUST(login(service, user) == PAM_SUCCESS);
		ms[i] = now_ms() - t;
	}
	qsort(ms, n, sizeof(ms[0]), compare);
	return ms[lowest ? n / 10 : n / 2];
}

/* ---- the host ---- */

static int
compile(const char *json, struct buf *ret)
{
	const struct pol_limits limits = { .max_chars = 1 << 20 };

	return pol_compile(json, strlen(json), POL_IDENTITY, &limits, NULL, ret);
}

/* Of 1,000 statements the last one allows. */
static const char *
many_statements(void)
{
	static struct buf b = BUF_INIT;
	unsigned i;

	buf_reset(&b);
	buf_puts(&b, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (i = 1; i < STATEMENTS; i++)
		buf_printf(&b, i % 2 == 0 ? "{\"Effect\":\"Allow\",\"Action\":\"host:*\","
		    "\"Resource\":\"arn:aws:host:*:*:instance/web%u\"}," :
		    "{\"Effect\":\"Deny\",\"Action\":\"host:Log*\",\"Resource\":\"*\","
		    "\"Condition\":{\"StringLike\":{\"host:Tty\":\"x%u*\"}}},", i + 100);
	buf_puts(&b, "{\"Effect\":\"Allow\",\"Action\":\"host:*\","
	    "\"Resource\":\"*\"}]}");
	MUST(b.err == 0);
	return buf_cstr(&b);
}

struct crowd {
	struct world_person *people;
	char (*names)[16];
	unsigned n;
};

static void
add_people(struct crowd *c, const char *prefix, unsigned n, bool device,
    const char *policy)
{
	struct world_person *p;
	unsigned i;

	for (i = 0; i < n; i++, c->n++) {
		p = &c->people[c->n];
		snprintf(c->names[c->n], sizeof(c->names[0]), "%s%u", prefix, i);
		*p = (struct world_person){ c->names[c->n], c->names[c->n],
			IAM_ID_MIN_DEFAULT + c->n, policy != NULL ? PASSWORD : NULL,
			false, false, device, policy };
	}
}

/* What the name service module serves. */
static void
publish_names(const struct crowd *c)
{
	struct snap_builder *b;
	struct buf v = BUF_INIT;
	uint8_t id[4];
	unsigned i, k;

	MUST(snap_builder_new(SNAP_PUBLIC, 1, 0, &b) == 0);
	for (i = 0; i < c->n; i++) {
		const struct snap_user u = { .uid = c->people[i].uid,
			.gid = c->people[i].uid, .name = c->names[i], .gecos = "",
			.home = "/nonexistent", .shell = "/bin/sh" };

		buf_reset(&v);
		snap_user_encode(&u, &v);
		for (k = 0; k < 4; k++)
			id[k] = (uint8_t)(u.uid >> (8 * k));
		MUST(v.err == 0 && snap_builder_add(b, SNAP_USER_NAME, u.name,
		    strlen(u.name), v.p, v.len) == 0 && snap_builder_add(b,
		    SNAP_USER_UID, id, sizeof(id), v.p, v.len) == 0);
	}
	MUST(snap_builder_write(b, IAM_PATH_PUBLIC, 0644, (gid_t)-1) == 0);
	snap_builder_free(b);
	buf_release(&v);
}

static void
publish(struct world *w, unsigned fillers, unsigned at_once)
{
	struct crowd c = { .n = 0 };
	size_t room = fillers + at_once + 5 * SAMPLES + 1;

	c.people = calloc(room, sizeof(c.people[0]));
	c.names = calloc(room, sizeof(c.names[0]));
	MUST(c.people != NULL && c.names != NULL);
	add_people(&c, "code", 3 * SAMPLES, true, ALLOW);
	add_people(&c, "many", SAMPLES, true, many_statements());
	add_people(&c, "plain", at_once, true, ALLOW);
	add_people(&c, "filler", fillers, false, NULL);
	w->people = c.people;
	w->compile = compile;
	w->setting = YESCRYPT;
	w->throttle_free = 1000;
	world_publish(w);
	publish_names(&c);
	free(c.people);
	free(c.names);
}

static void
peers(unsigned oath_users)
{
	struct buf passwd = BUF_INIT, shadow = BUF_INIT, oath = BUF_INIT;
	char path[128];
	unsigned i;

	buf_puts(&passwd, "root:x:0:0:root:/root:/bin/sh\n");
	buf_puts(&shadow, "root:*:19000:0:99999:7:::\n");
	for (i = 0; i < LOCAL_USERS; i++) {
		buf_printf(&passwd, "local%u:x:%u:100::/:/bin/sh\n", i, 20000 + i);
		buf_printf(&shadow, "local%u:%s:19000:0:99999:7:::\n", i, known_hash);
	}
	for (i = 0; i < oath_users; i++)
		buf_printf(&oath, "HOTP/T30 local%u - " SEED_HEX "\n", i);
	snprintf(path, sizeof(path), "%s/users.oath", conf);
	world_write("/etc/passwd", passwd.p, passwd.len, 0644);
	world_write("/etc/shadow", shadow.p, shadow.len, 0600);
	world_write(path, oath.p, oath.len, 0600);
	buf_release(&passwd);
	buf_release(&shadow);
	buf_release(&oath);
}

static void
make_services(void)
{
	char text[512];

	write_conf("permit", "auth required pam_permit.so\n"
	    "account required pam_permit.so\n");
	write_conf("unix", "auth required pam_unix.so\n"
	    "account required pam_unix.so\n");
	write_conf("sshd", "auth required " MODULE "\n"
	    "account required " MODULE "\n");
	snprintf(text, sizeof(text), "auth required pam_unix.so\n"
	    "auth required " OATH " usersfile=%s/users.oath window=3 digits=6\n"
	    "account required pam_unix.so\n", conf);
	write_conf("oath", text);
}

/* ---- system calls ---- */

struct calls {
	unsigned all, opens, syncs;
};

static void
count_one(struct calls *c, uint64_t nr)
{
	c->all++;
	c->opens += nr == SYS_open || nr == SYS_openat || nr == SYS_openat2;
	c->syncs += nr == SYS_fsync || nr == SYS_fdatasync;
}

/* What the first login of a user after a start makes is there already, and what
 * the login before left for sshd is taken, as its monitor does. */
static void
settle(const char *prefix, unsigned i)
{
	struct runtime_evidence e;
	struct runtime *rt;
	bool found;

	MUST(runtime_open(IAM_PATH_RUN, AUTH_GID, &rt) == 0);
	if (strcmp(prefix, "code") == 0)
		MUST(runtime_user_prepare(rt, IAM_ID_MIN_DEFAULT + i) == 0);
	MUST(runtime_evidence_take(rt, getppid(), time(NULL), &found, &e) == 0);
	runtime_close(rt);
}

/* Between two marks: the second login of a process, as the first one also
 * loads libraries. */
static __attribute__((noreturn)) void
traced(const char *service, const char *prefix, unsigned i)
{
	char first[32], second[32];
	int r;

	snprintf(first, sizeof(first), "%s%u", prefix, i);
	snprintf(second, sizeof(second), "%s%u", prefix, i + 1);
	r = login(service, first);
	settle(prefix, i + 1);
	MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	raise(SIGSTOP);
	if (r == PAM_SUCCESS)
		r = login(service, second);
	_exit(r);
}

static struct calls
count_calls(const char *service, const char *prefix, unsigned i)
{
	struct calls c = { 0 };
	struct __ptrace_syscall_info info;
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		traced(service, prefix, i);
	MUST(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	MUST(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) == 0);
	for (;;) {
		MUST(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0);
		MUST(waitpid(pid, &status, 0) == pid);
		if (WIFEXITED(status))
			break;
		MUST(WIFSTOPPED(status));
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY)
			count_one(&c, info.entry.nr);
	}
	MUST(WEXITSTATUS(status) == PAM_SUCCESS);
	return c;
}

/* ---- many at once ---- */

/* Processor time of all children so far, in ms. */
static double
children_ms(void)
{
	struct rusage u;

	MUST(getrusage(RUSAGE_CHILDREN, &u) == 0);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

struct effort {
	double wall_ms, cpu_ms;
	unsigned right;
};

/* n processes begin together; the time until the last one is done, and how much
 * of the processors all of them took. */
static struct effort
at_once(unsigned n, const char *service, bool same_user)
{
	struct effort e = { .cpu_ms = -children_ms() };
	char user[32];
	int gate[2], status;
	unsigned i;
	double t;
	char c;

	MUST(pipe2(gate, O_CLOEXEC) == 0);
	for (i = 0; i < n; i++) {
		if (fork() != 0)
			continue;
		close(gate[1]);
		MUST(read(gate[0], &c, 1) == 0);
		snprintf(user, sizeof(user), "plain%u", same_user ? 0 : i);
		if (service != NULL)
			_exit(login(service, user));
		_exit(answer(PASSWORD, YESCRYPT, calloc(1,
		    sizeof(struct crypt_data))) == NULL);
	}
	close(gate[0]);
	t = now_ms();
	close(gate[1]);
	while (wait(&status) > 0)
		e.right += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	e.wall_ms = now_ms() - t;
	e.cpu_ms += children_ms();
	return e;
}

/* The best of three: all that else runs on the machine is not ours. */
static struct effort
best(unsigned n, const char *service, bool same_user)
{
	struct effort e, least = { 0 };
	unsigned i, right = n;

	for (i = 0; i < 3; i++) {
		e = at_once(n, service, same_user);
		right = e.right < right ? e.right : right;
		if (i == 0 || e.wall_ms < least.wall_ms)
			least = e;
	}
	least.right = right;
	return least;
}

static void
print_effort(const char *what, const struct effort *e, const struct effort *bare)
{
	printf("at once: %-29s %9.1f ms  %u right", what, e->wall_ms, e->right);
	if (bare != NULL)
		printf(", throughput %.2f of bare (%.2f by processor time)",
		    bare->wall_ms / e->wall_ms, bare->cpu_ms / e->cpu_ms);
	printf("\n");
}

/* With a code each user logs in once; with the password alone as often as she likes. */
static void
bench_at_once(struct world *w, unsigned n)
{
	struct effort bare, e;

	e = at_once(n, "sshd", false);
	print_effort("password and code", &e, NULL);
	w->mfa_when_enrolled = 0;
	publish(w, 0, n);
	bare = best(n, NULL, false);
	print_effort("bare crypt(3)", &bare, NULL);
	e = best(n, "sshd", false);
	print_effort("logins of as many users", &e, &bare);
	e = best(n, "sshd", true);
	print_effort("logins of one user", &e, &bare);
}

/* ---- one after the other ---- */

static void
bench_hash(void)
{
	unsigned n = 20;
	double bare, ours, unix_ms;
	struct crypt_data *data = calloc(1, sizeof(*data));

	bare = now_ms();
	for (unsigned i = 0; i < n; i++)
		answer(PASSWORD, YESCRYPT, data);
	bare = (now_ms() - bare) / n;
	free(data);
	crypts = 0;
	ours = median("sshd", "code", 2 * SAMPLES, n);
	printf("crypt(3)                               %9.3f ms\n", bare);
	printf("password, code, policy                 %9.3f ms  %.2f crypt() each, "
	    "%.3f ms beside it\n", ours, (double)crypts / n, ours - bare);
	crypts = 0;
	unix_ms = median("unix", "local", 0, n);
	printf("pam_unix                               %9.3f ms  %.2f crypt() each; "
	    "%.2f x ours\n", unix_ms, (double)crypts / n, unix_ms / ours);
}

static void
bench_rest(bool oath, unsigned users)
{
	double permit, ours, many;

	free_crypt = true;
	median("permit", "local", 0, SAMPLES);
	median("sshd", "code", SAMPLES, SAMPLES);
	permit = median("permit", "local", 0, SAMPLES);
	ours = median("sshd", "code", 0, SAMPLES);
	printf("without the hash: pam_permit           %9.3f ms\n", permit);
	printf("password, code, policy, %7u users  %9.3f ms  %.3f over pam_permit\n",
	    users, ours, ours - permit);
	many = median("sshd", "many", 0, SAMPLES);
	printf("%u statements                        %9.3f ms  %.3f over one\n",
	    STATEMENTS, many, many - ours);
	printf("pam_unix, %u users                    %9.3f ms\n", LOCAL_USERS,
	    median("unix", "local", 0, SAMPLES));
	if (oath)
		printf("pam_unix and pam_oath, %u users       %9.3f ms\n",
		    LOCAL_USERS, median("oath", "local", 0, SAMPLES));
	if (oath && users > 0) {
		peers(users);
		printf("pam_unix and pam_oath, %7u users   %9.3f ms\n", users,
		    median("oath", "local", 0, 20));
	}
	free_crypt = false;
}

static void
bench_calls(void)
{
	struct calls permit, ours;

	free_crypt = true;
	permit = count_calls("permit", "local", 0);
	ours = count_calls("sshd", "code", 450);
	free_crypt = false;
	printf("system calls, over pam_permit          %9d     opens %d, syncs %d\n",
	    (int)ours.all - (int)permit.all, (int)ours.opens - (int)permit.opens,
	    (int)ours.syncs - (int)permit.syncs);
}

int
main(int argc, char **argv)
{
	static char library[] = "LD_LIBRARY_PATH=" IAM_TEST_BIN;
	static char *environment[] = { library, NULL };
	static const char group[] = "root:x:0:\niam-auth:x:999:\n";
	static const char nsswitch[] = "passwd: files iam\ngroup: files iam\n";
	unsigned users = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 200;
	bool oath = access(OATH, R_OK) == 0;
	struct crypt_data *data = calloc(1, sizeof(*data));
	struct world w;

	lowest = argc > 3;
	if (geteuid() != 0) {
		printf("bench_login needs root\n");
		return 0;
	}
	/* glibc finds the module of the build tree by this. */
	if (secure_getenv("LD_LIBRARY_PATH") == NULL)
		execve("/proc/self/exe", argv, environment);
	MUST(data != NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	world_own_root(IAM_TEST_BIN);
	world_open(&w, IAM_ROOT);
	world_share(&w, AUTH_GID);
	/* On the tmpfs of this namespace: it is gone with the process. */
	snprintf(conf, sizeof(conf), "%s/pam", IAM_ROOT);
	MUST(mkdir(conf, 0755) == 0 || errno == EEXIST);
	snprintf(known_hash, sizeof(known_hash), "%s",
	    answer(PASSWORD, YESCRYPT, data));
	free(data);
	make_services();
	peers(LOCAL_USERS);
	world_write("/etc/group", group, strlen(group), 0644);
	world_write("/etc/nsswitch.conf", nsswitch, strlen(nsswitch), 0644);
	free_crypt = true; /* while hashes are made */
	publish(&w, users, n);
	free_crypt = false;
	/* The step that is running began before /run/iam was made. */
	world_code(time(NULL) + 30, code);
	bench_calls();
	bench_hash();
	bench_rest(oath, users);
	bench_at_once(&w, n);
	return 0;
}
