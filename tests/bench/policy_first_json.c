/* policy_first_json FILE: a process from its start to its first decision, the
 * policy as JSON. Status 0 when the request is allowed. */
#include "tests/bench/policies.h"

int
main(int argc, char **argv)
{
	struct buf json = BUF_INIT, bytes = BUF_INIT;
	struct pol_source src = { .name = "bench" };
	struct pol_set set = { .identity = { &src, 1 } };
	struct pol_decision d;
	struct request q;

	if (argc != 2 || file_read(argv[1], FILE_ANY, 1 << 26, &json) != 0)
		return 2;
	compile_or_die(&json, &bytes);
	make_request(&q, BY_RESOURCE, 10000);
	if (pol_open(bytes.p, bytes.len, &src.doc) != 0 || pol_eval(&set, &q.r, &d) != 0)
		return 2;
	return d.effect == POL_ALLOWED ? 0 : 1;
}
