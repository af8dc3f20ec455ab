#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/base.h"
#include "common/runtime/internal.h"

#define PROCESSES 8
#define ROUNDS 25
#define UID 2100000001u

struct shared {
	pthread_barrier_t start;
	bool won[ROUNDS][PROCESSES];
	int err[PROCESSES];
};

static char dir[64], run[80];
static struct shared *shared;

static int
setup(void **state)
{
	pthread_barrierattr_t attr;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_runtime_c.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(run, sizeof(run), "%s/run", dir);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start, &attr, PROCESSES);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "epoch", "principal.2100000001" };
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", run, names[i]);
		unlink(path);
	}
	munmap(shared, sizeof(*shared));
	assert_int_equal(rmdir(run), 0); /* no temporary file was left */
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void
in_processes(void (*what)(int))
{
	int i, status;
	pid_t pid;

	for (i = 0; i < PROCESSES; i++) {
		if ((pid = fork()) == 0) {
			what(i);
			_exit(0);
		}
		assert_true(pid > 0);
	}
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
	for (i = 0; i < PROCESSES; i++)
		assert_int_equal(shared->err[i], 0);
}

/* Also the making of the directory, the epoch and the file, all at once. */
static void
claimer(int me)
{
	struct runtime *rt;
	int i;

	pthread_barrier_wait(&shared->start);
	shared->err[me] = runtime_open(run, getegid(), &rt);
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&shared->start);
		if (shared->err[me] == 0)
			shared->err[me] = runtime_totp_claim(rt, UID, "device",
			    1000 + (uint64_t)i, &shared->won[i][me]);
	}
}

/* S35: of eight simultaneous uses of one code, one wins, in each of 25 rounds. */
static void
test_runtime_totp_claim__one_of_eight_wins_S35(void **state)
{
	int i, j, winners;

	(void)state;
	in_processes(claimer);
	for (i = 0; i < ROUNDS; i++) {
		winners = 0;
		for (j = 0; j < PROCESSES; j++)
			winners += shared->won[i][j];
		assert_int_equal(winners, 1);
	}
}

static const struct runtime_limits limits = { 3, 300 }, endless = { 1000, 300 };

static uint32_t
failures(struct runtime *rt, uint32_t *ret_all)
{
	struct runtime_throttle t[RUNTIME_SOURCES_MAX];
	unsigned n;

	assert_int_equal(runtime_throttle_list(rt, UID, 1000, &limits, t, &n,
	    ret_all), 0);
	return n == 0 ? 0 : t[0].failures;
}

static void
failer(int me)
{
	struct runtime_attempt a;
	struct runtime *rt;
	bool begun = true;
	int i;

	shared->err[me] = runtime_open(run, getegid(), &rt);
	pthread_barrier_wait(&shared->start);
	for (i = 0; i < ROUNDS && shared->err[me] == 0 && begun; i++) {
		shared->err[me] = runtime_attempt_begin(rt, UID,
		    runtime_source_local(0), 1000, &endless, &begun, &a);
		if (shared->err[me] == 0 && begun)
			shared->err[me] = runtime_attempt_end(rt, &a,
			    RUNTIME_FAILED, 1000, NULL);
	}
}

/* S35: counters too; none of 200 failures is lost. */
static void
test_runtime_attempt__none_is_lost_S35(void **state)
{
	struct runtime *rt;
	uint32_t all;

	(void)state;
	assert_int_equal(runtime_open(run, getegid(), &rt), 0);
	in_processes(failer);
	assert_int_equal(failures(rt, &all), PROCESSES * ROUNDS);
	assert_int_equal(all, PROCESSES * ROUNDS);
	runtime_close(rt);
}

/* Judging takes a while, and meanwhile the others come. */
static void
attempts(int me, int n, enum runtime_outcome outcome)
{
	const struct timespec judging = { 0, 500000 };
	struct runtime_attempt a;
	struct runtime *rt;
	bool begun;
	int i;

	shared->err[me] = runtime_open(run, getegid(), &rt);
	pthread_barrier_wait(&shared->start);
	for (i = 0; i < n && shared->err[me] == 0; i++) {
		shared->err[me] = runtime_attempt_begin(rt, UID,
		    runtime_source_local(0), 1000, &limits, &begun, &a);
		if (shared->err[me] != 0 || !begun)
			continue;
		nanosleep(&judging, NULL);
		shared->won[i][me] = true;
		shared->err[me] = runtime_attempt_end(rt, &a, outcome, 1000, NULL);
	}
}

static void
correct(int me)
{
	attempts(me, ROUNDS, RUNTIME_PROVED);
}

static void
guess(int me)
{
	attempts(me, 3, RUNTIME_FAILED);
}

static int
count_won(void)
{
	int i, j, n = 0;

	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < PROCESSES; j++)
			n += shared->won[i][j];
	}
	return n;
}

/* S15: 200 correct logins, eight at once where three may fail: none is refused. */
static void
test_runtime_attempt__correct_ones_at_once_S15(void **state)
{
	struct runtime *rt;
	uint32_t all;

	(void)state;
	in_processes(correct);
	assert_int_equal(count_won(), PROCESSES * ROUNDS);
	assert_int_equal(runtime_open(run, getegid(), &rt), 0);
	assert_int_equal(failures(rt, &all), 0);
	assert_int_equal(all, 0);
	runtime_close(rt);
}

/* S33: 24 guesses at once have the tries of one after the other: free + 1, and of those
 * that wait so long another one when the delay, a second at least, is over. */
static void
test_runtime_attempt__guesses_at_once_S33(void **state)
{
	struct timespec before, after;
	struct runtime *rt;
	uint32_t all;
	int won;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &before), 0);
	in_processes(guess);
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &after), 0);
	won = count_won();
	assert_in_range(won, limits.free + 1,
	    limits.free + 1 + (after.tv_sec - before.tv_sec));
	assert_int_equal(runtime_open(run, getegid(), &rt), 0);
	assert_int_equal(failures(rt, &all), won);
	runtime_close(rt);
}

/* Everything that changes the user's file, until it is killed. */
static __attribute__((noreturn)) void
busy(void)
{
	struct runtime_attempt a;
	struct runtime *rt;
	uint64_t step;
	bool ok;

	if (runtime_open(run, getegid(), &rt) != 0)
		_exit(1);
	for (step = 1;; step++) {
		runtime_totp_claim(rt, UID, "other", step, &ok);
		runtime_attempt_begin(rt, UID, runtime_source_local(12345), 1000,
		    &endless, &ok, &a);
		runtime_attempt_end(rt, &a, RUNTIME_PROVED, 1000, NULL);
	}
}

/* Whoever runs su may stop it at any moment: that hinders nobody else. */
static void
test_runtime__a_stopped_process_hinders_nobody(void **state)
{
	struct runtime_attempt a;
	struct runtime *rt;
	int i, status;
	bool ok;
	pid_t pid;

	(void)state;
	assert_int_equal(runtime_open(run, getegid(), &rt), 0);
	assert_int_equal(runtime_user_prepare(rt, UID), 0);
	if ((pid = fork()) == 0)
		busy();
	for (i = 1; i <= 100; i++) {
		assert_int_equal(kill(pid, SIGSTOP), 0);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status));
		assert_int_equal(runtime_totp_claim(rt, UID, "device",
		    (uint64_t)i, &ok), 0);
		assert_true(ok);
		assert_int_equal(runtime_attempt_begin(rt, UID,
		    runtime_source_local(0), 1000, &limits, &ok, &a), 0);
		assert_true(ok);
		assert_int_equal(runtime_attempt_end(rt, &a, RUNTIME_PROVED,
		    1000, NULL), 0);
		assert_int_equal(kill(pid, SIGCONT), 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	runtime_close(rt);
}

static void *
thread_claimer(void *arg)
{
	struct runtime *rt;
	bool *won = arg;

	if (runtime_open(run, getegid(), &rt) != 0)
		return NULL;
	pthread_barrier_wait(&shared->start);
	runtime_totp_claim(rt, UID, "device", 5, won);
	runtime_close(rt);
	return NULL;
}

/* S12: threads of one process are as good as processes. */
static void
test_runtime_totp_claim__threads_S12(void **state)
{
	pthread_t threads[PROCESSES];
	bool won[PROCESSES] = { false };
	int i, winners = 0;

	(void)state;
	for (i = 0; i < PROCESSES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_claimer,
		    &won[i]), 0);
	for (i = 0; i < PROCESSES; i++) {
		pthread_join(threads[i], NULL);
		winners += won[i];
	}
	assert_int_equal(winners, 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_runtime_totp_claim__one_of_eight_wins_S35),
		T(test_runtime_attempt__none_is_lost_S35),
		T(test_runtime_attempt__correct_ones_at_once_S15),
		T(test_runtime_attempt__guesses_at_once_S33),
		T(test_runtime__a_stopped_process_hinders_nobody),
		T(test_runtime_totp_claim__threads_S12),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
