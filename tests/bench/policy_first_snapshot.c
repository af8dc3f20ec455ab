/* policy_first_snapshot FILE USER: a process from its start to its first
 * decision, as a login makes it from the snapshot. Status 0 when allowed. */
#include "common/authz/authz.h"
#include "tests/bench/policies.h"

int
main(int argc, char **argv)
{
	struct authz_attempt at = { .action = "host:Login", .service = "sshd",
		.resource = BENCH_HOST "5000", .now_s = 1795512600 };
	struct snap_principal *principal = malloc(sizeof(*principal));
	struct snap_account *account = malloc(sizeof(*account));
	struct pol_decision d;
	struct authz *authz;
	struct snap *snap;
	bool found = false;

	if (argc != 3 || principal == NULL || account == NULL ||
	    snap_open(argv[1], SNAP_PRIVATE, &snap) != 0 ||
	    snap_account_get(snap, account) != 0 ||
	    snap_principal_by_name(snap, argv[2], &found, principal) != 0 || !found ||
	    authz_open(snap, account, principal, &authz) != 0 ||
	    authz_decide(authz, &at, &d) != 0)
		return 2;
	return d.effect == POL_ALLOWED ? 0 : 1;
}
