/*
 * S8: can a failed login be told apart by how long it takes? bench_timing [RUNS]
 * (2000). The module that the packages install. For every pair of cases twice RUNS
 * logins, taken in turns so that what else the machine does falls on all alike; prints
 * each median, by the wall clock and in processor time, and by how much it is away from
 * that of an unknown name. Nothing is asserted; the requirement is 2 %.
 *
 * By the wall clock is what an attacker sees, and on a busy machine mostly the other work;
 * processor time leaves that out, and the waiting for the trail's disk, which is the same
 * for all. Needs root; makes a root directory of its own.
 */
#include "common/base/base.h"
#include "common/policy/policy.h"
#include "tests/pam/world.h"

#include <errno.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MODULE IAM_TEST_BIN "/pam_iam.so"
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

static const struct world_person people[] = {
	{ "sarah", "sarah", 2100000001u, "right", false, false, true, ALLOW },
	{ "dora", "dora", 2100000002u, "right", true, false, true, ALLOW },
	{ "ned", "ned", 2100000003u, "right", false, false, false, ALLOW },
	{ NULL, NULL, 0, NULL, false, false, false, NULL },
};

enum { CASES = 5 };

static const struct {
	const char *name, *user, *password;
} cases[CASES] = {
	{ "unknown name", "nobody-at-all", "wrong" },
	{ "disabled", "dora", "right" },
	{ "no device", "ned", "wrong" },
	{ "wrong password", "sarah", "wrong" },
	{ "wrong code", "sarah", "right" },
};

static const char *password;
static char conf[96];

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp,
    void *data)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));
	int i;

	(void)data;
	for (i = 0; i < n; i++)
		r[i].resp = strdup(strncmp(msg[i]->msg, "Password", 8) == 0 ?
		    password : "000000");
	*resp = r;
	return PAM_SUCCESS;
}

/* Nobody waits in a benchmark. */
static void
no_delay(int status, unsigned us, void *data)
{
	(void)status;
	(void)us;
	(void)data;
}

static const clockid_t clocks[2] = { CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID };

static double
clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* How long it takes, by each clock. */
static void
one(unsigned k, double ret[2])
{
	const struct pam_conv conv = { converse, NULL };
	void (*delay)(int, unsigned, void *) = no_delay;
	const void *item = (const void *)(uintptr_t)delay;
	pam_handle_t *pamh;
	unsigned i;

	password = cases[k].password;
	MUST(pam_start_confdir("sshd", cases[k].user, &conv, conf, &pamh) ==
	    PAM_SUCCESS);
	pam_set_item(pamh, PAM_FAIL_DELAY, item);
	pam_set_item(pamh, PAM_RHOST, "192.0.2.7");
	for (i = 0; i < 2; i++)
		ret[i] = clock_ms(clocks[i]);
	MUST(pam_authenticate(pamh, 0) == PAM_AUTH_ERR);
	for (i = 0; i < 2; i++)
		ret[i] = clock_ms(clocks[i]) - ret[i];
	pam_end(pamh, PAM_AUTH_ERR);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int
compile(const char *json, struct buf *ret)
{
	return pol_compile(json, strlen(json), POL_IDENTITY, NULL, NULL, ret);
}

static void
make_host(struct world *w)
{
	static const char service[] = "auth required " MODULE "\n";
	static const char nsswitch[] = "passwd: files\ngroup: files\n";
	char path[128];

	world_own_root(IAM_TEST_BIN);
	world_open(w, IAM_ROOT);
	world_write("/etc/nsswitch.conf", nsswitch, strlen(nsswitch), 0644);
	w->people = people;
	w->compile = compile;
	w->setting = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$";
	w->throttle_free = UINT32_MAX; /* every attempt is looked at */
	w->source_free = UINT32_MAX; /* and counted for its source */
	world_publish(w);
	snprintf(conf, sizeof(conf), "%s/pam", IAM_ROOT);
	MUST(mkdir(conf, 0755) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/sshd", conf);
	world_write(path, service, sizeof(service) - 1, 0644);
}

/* One table: the medians by a clock, and how far they are from the first. */
static void
print_table(const char *what, double *ms[CASES], unsigned runs)
{
	double first = 0, median, away, most = 0;
	unsigned k;

	printf("%s\n", what);
	for (k = 0; k < CASES; k++) {
		qsort(ms[k], runs, sizeof(double), compare);
		median = ms[k][runs / 2];
		if (k == 0)
			first = median;
		away = (median - first) / first * 100;
		if ((away < 0 ? -away : away) > most)
			most = away < 0 ? -away : away;
		printf("  %-20s %9.3f ms  %+.3f ms  %+.2f %%\n", cases[k].name, median,
		    median - first, away);
	}
	printf("  furthest away        %9.2f %%  of 2 allowed, 2 x %u runs each\n",
	    most, runs);
}

int
main(int argc, char **argv)
{
	unsigned i, k, n, runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000;
	double *ms[2][CASES], t[2];
	struct world w;

	if (geteuid() != 0 || runs == 0) {
		printf("bench_timing needs root, and a number of runs\n");
		return 0;
	}
	make_host(&w);
	for (k = 0; k < 2 * CASES; k++)
		MUST((ms[k / CASES][k % CASES] = calloc(runs, sizeof(double))) != NULL);
	for (k = 0; k < CASES; k++)
		one(k, t);
	for (i = 0; i < runs; i++) {
		for (n = 0; n < CASES; n++) {
			k = (n + i) % CASES;
			one(k, t);
			ms[0][k][i] = t[0];
			ms[1][k][i] = t[1];
		}
	}
	print_table("by the wall clock", ms[0], runs);
	print_table("processor time", ms[1], runs);
	for (k = 0; k < 2 * CASES; k++)
		free(ms[k / CASES][k % CASES]);
	return 0;
}
