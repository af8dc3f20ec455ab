/*
 * Tables of requests: bench_requests [LINES]. A million requests, by default,
 * against ten policies, from the text of the table to the lines of the answer,
 * as simulate-custom-policy --requests does it. Prints CPU time; asserts nothing.
 */
#include "common/base/base.h"

#include <time.h>

#include "iamctl/op.h"

#define POLICIES 10

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
make_table(struct buf *b, unsigned lines)
{
	unsigned i;

	buf_puts(b, "ActionName\tResourceArn\taws:CurrentTime\t"
	    "aws:MultiFactorAuthPresent\taws:PrincipalTag/department\n");
	for (i = 0; i < lines; i++)
		buf_printf(b, "host:%s\tarn:aws:host:eu-central-1:123456789012:instance/web%u"
		    "\t2026-11-%02uT%02u:30:00Z\t%s\tmarketing\n",
		    i % 7 == 0 ? "Sudo" : "Login", i % 1000, 1 + i % 28, i % 24,
		    i % 3 == 0 ? "true" : "false");
}

static json_t *
make_policies(void)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < POLICIES; i++)
		json_array_append_new(list, json_sprintf("{\"Version\":\"2012-10-17\","
		    "\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"host:Login\","
		    "\"Resource\":\"arn:aws:host:*:*:instance/web%u*\",\"Condition\":"
		    "{\"TimeOfDayWithin\":{\"aws:CurrentTime\":\"Mon-Fri 08:00-18:00 "
		    "Europe/Berlin\"},\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}}}]}",
		    i));
	return list;
}

int
main(int argc, char **argv)
{
	unsigned lines = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
	const struct op *op = op_find("SimulateCustomPolicy");
	struct op_call c = { .op = op, .account_id = "123456789012",
		.now_s = 1795512600, .out = json_object(), .warnings = json_array() };
	struct buf table = BUF_INIT;
	double begin;
	int r;

	make_table(&table, lines);
	begin = cpu_s();
	c.in = json_pack("{s:o,s:s#}", "PolicyInputList", make_policies(), "Requests",
	    buf_cstr(&table), (int)table.len);
	r = c.in != NULL ? op->run(&c) : -1;
	if (r == 0)
		printf("%u requests in a table, %zu MB: %.2f s of CPU, %.2f us each\n",
		    lines, table.len / 1000000, cpu_s() - begin,
		    (cpu_s() - begin) * 1e6 / lines);
	else
		fprintf(stderr, "bench_requests: %s\n", c.error_text);
	json_decref(c.in);
	json_decref(c.out);
	json_decref(c.warnings);
	buf_release(&c.lines);
	buf_release(&table);
	return r == 0 ? 0 : 1;
}
