#include "common/base/base.h"
#include "pam_iam/module.h"

#include <string.h>

void
args_read(int argc, const char **argv, struct args *ret)
{
	int i;

	*ret = (struct args){ 0 };
	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "debug") == 0)
			ret->debug = true;
		else if (strcmp(argv[i], "try_first_pass") == 0)
			ret->try_first_pass = true;
		else if (strcmp(argv[i], "use_first_pass") == 0)
			ret->use_first_pass = true;
		else if (strcmp(argv[i], "use_authtok") == 0)
			ret->use_authtok = true;
		else if (strcmp(argv[i], "mfa_only") == 0)
			ret->mfa_only = true;
		else if (strcmp(argv[i], "no_last_login") == 0)
			ret->no_last_login = true;
		else if (ret->unknown == NULL)
			ret->unknown = argv[i];
	}
}
