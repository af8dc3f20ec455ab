/*
 * Many processes write one trail at once, and some die while they do.
 */
#include "common/trail/internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#define WRITERS 8
#define EACH 40

struct fixture {
	char dir[64], file[96], spool[96];
	struct trail_where where;
};

static int
set_up(void **state)
{
	static struct fixture f;

	snprintf(f.dir, sizeof(f.dir), "/tmp/iam-trail.XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.file, sizeof(f.file), "%s/trail.jsonl", f.dir);
	snprintf(f.spool, sizeof(f.spool), "%s/spool", f.dir);
	f.where = (struct trail_where){ f.file, f.spool, getegid() };
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->file);
	rmdir(f->spool);
	rmdir(f->dir);
	return 0;
}

static struct trail_event
event(const char *name)
{
	return (struct trail_event){ .who = { .type = "Root", .mfa = -1 },
		.source = "host.iam", .name = name, .type = "AwsServiceEvent",
		.now_s = 1795512600 };
}

/* A writer of n events named by its number; ends with 0 when all were kept. */
static pid_t
start_writer(const struct fixture *f, unsigned number, unsigned n, bool spool)
{
	struct trail_event e;
	struct buf b = BUF_INIT;
	char name[32];
	unsigned i;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "W%u-%u", number, i);
		e = event(name);
		if (spool && i % 4 == 0) {
			buf_reset(&b);
			if (trail_event_id(e.event_id) != 0)
				_exit(1);
			trail_body(&b, &e);
			if (trail_spool_put(&f->where, buf_cstr(&b), b.len) != 0)
				_exit(1);
		} else if (trail_write(&f->where, &e, NULL) != 0) {
			_exit(1);
		}
	}
	_exit(0);
}

static void
wait_good(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

struct seen {
	unsigned count[WRITERS][EACH];
	unsigned other;
};

static bool
tick(void *arg, const char *json, size_t len)
{
	json_t *o = json_loadb(json, len, 0, NULL);
	struct seen *seen = arg;
	unsigned w, i;

	assert_non_null(o);
	if (sscanf(json_string_value(json_object_get(o, "eventName")), "W%u-%u",
	    &w, &i) == 2 && w < WRITERS && i < EACH)
		seen->count[w][i]++;
	else
		seen->other++;
	json_decref(o);
	return true;
}

static void
assert_all_once(const struct fixture *f)
{
	struct trail_filter all = { 0 };
	static struct seen seen;
	struct trail_check check;
	unsigned w, i;

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(trail_lookup(f->file, &all, tick, &seen), 0);
	for (w = 0; w < WRITERS; w++) {
		for (i = 0; i < EACH; i++)
			assert_int_equal(seen.count[w][i], 1);
	}
	assert_int_equal(seen.other, 0);
	assert_int_equal(trail_validate(f->file, &check), 0);
	assert_int_equal(check.records, WRITERS * EACH);
	assert_int_equal(check.bad, 0);
}

static void
run_writers(const struct fixture *f, bool spool)
{
	pid_t pids[WRITERS];
	unsigned i, moved;

	for (i = 0; i < WRITERS; i++)
		pids[i] = start_writer(f, i, EACH, spool);
	for (i = 0; i < WRITERS; i++)
		wait_good(pids[i]);
	assert_int_equal(trail_flush(&f->where, &moved), 0);
	assert_all_once(f);
}

static void
test_trail_write__eight_processes(void **state)
{
	run_writers(*state, false);
}

static void
test_trail_write__eight_processes_and_the_spool(void **state)
{
	run_writers(*state, true);
}

/* kill -9 at any moment: what is in the file is a good chain, but for a line
 * that the dead writer did not finish. */
static void
test_trail_write__writers_that_are_killed(void **state)
{
	struct fixture *f = *state;
	struct trail_event e = event("After");
	struct trail_check check;
	struct stat st;
	unsigned round;
	off_t before;
	pid_t pid;

	for (round = 0; round < 40; round++) {
		before = stat(f->file, &st) == 0 ? st.st_size : 0;
		pid = start_writer(f, 0, 100000, false);
		/* Let it write something, however slow the machine is. */
		while (stat(f->file, &st) != 0 || st.st_size < before + 700 * (off_t)(round % 5))
			;
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(trail_write(&f->where, &e, NULL), 0);
	}
	assert_int_equal(trail_validate(f->file, &check), 0);
	assert_true(check.records > 40);
	if (check.bad > 0)
		assert_string_equal(check.reason, "not a record");
	assert_true(check.bad <= 40);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_trail_write__eight_processes),
		T(test_trail_write__eight_processes_and_the_spool),
		T(test_trail_write__writers_that_are_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
