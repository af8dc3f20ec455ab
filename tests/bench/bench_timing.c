/*
 * S8: can a failed login be told apart by how long it takes? bench_timing [RUNS]
 * (2000). For every pair of cases twice RUNS logins, taken in turns so that
 * what else the machine does falls on all alike; prints each median and by how much
 * the furthest is away from that of an unknown name. Nothing is asserted; the
 * requirement is 2 %.
 *
 * Processor time, since this process's own waiting (for the trail's disk) is the same
 * for all, and a busy machine's is nobody's. Needs root; makes a mount namespace.
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

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double
one(unsigned k)
{
	const struct pam_conv conv = { converse, NULL };
	void (*delay)(int, unsigned, void *) = no_delay;
	const void *item = (const void *)(uintptr_t)delay;
	pam_handle_t *pamh;
	double t;

	password = cases[k].password;
	MUST(pam_start_confdir("sshd", cases[k].user, &conv, conf, &pamh) ==
	    PAM_SUCCESS);
	pam_set_item(pamh, PAM_FAIL_DELAY, item);
	pam_set_item(pamh, PAM_RHOST, "192.0.2.7");
	t = cpu_ms();
	MUST(pam_authenticate(pamh, 0) == PAM_AUTH_ERR);
	t = cpu_ms() - t;
	pam_end(pamh, PAM_AUTH_ERR);
	return t;
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
	char path[128];

	world_isolate(IAM_ROOT);
	world_open(w, IAM_ROOT);
	w->people = people;
	w->compile = compile;
	w->setting = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$";
	w->throttle_free = UINT32_MAX; /* every attempt is looked at */
	world_publish(w);
	snprintf(conf, sizeof(conf), "%s/pam", IAM_ROOT);
	MUST(mkdir(conf, 0755) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/sshd", conf);
	world_write(path, service, sizeof(service) - 1, 0644);
}

int
main(int argc, char **argv)
{
	unsigned i, k, runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000;
	double *ms[CASES], first = 0, median, away, most = 0;
	struct world w;

	if (geteuid() != 0) {
		printf("bench_timing needs root\n");
		return 0;
	}
	make_host(&w);
	for (k = 0; k < CASES; k++)
		MUST((ms[k] = calloc(runs, sizeof(double))) != NULL);
	for (k = 0; k < CASES; k++)
		one(k);
	for (i = 0; i < runs; i++) {
		for (k = 0; k < CASES; k++)
			ms[(k + i) % CASES][i] = one((k + i) % CASES);
	}
	for (k = 0; k < CASES; k++) {
		qsort(ms[k], runs, sizeof(double), compare);
		median = ms[k][runs / 2];
		if (k == 0)
			first = median;
		away = (median - first) / first * 100;
		most = away < 0 ? (-away > most ? -away : most) :
		    away > most ? away : most;
		printf("%-20s %9.3f ms  %+.2f %%\n", cases[k].name, median, away);
		free(ms[k]);
	}
	printf("furthest away        %9.2f %%  of 2 allowed, %u runs each\n", most, runs);
	return 0;
}
