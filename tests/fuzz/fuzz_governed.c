/* Both files of the decision without a snapshot: up to the first NUL the rules,
 * after it the passwd file. Root is never governed, an unknown name always. */
#include "common/base/base.h"
#include "common/base/governed.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
make(char path[64], const char *name, const void *data, size_t size)
{
	snprintf(path, 64, "/tmp/fuzz_governed.%d.%s", (int)getpid(), name);
	if (file_replace(path, data, size, 0600, (gid_t)-1) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size == 0 ? NULL : memchr(data, '\0', size);
	size_t rules_len = cut == NULL ? size : (size_t)(cut - data);
	char rules[64], passwd[64];

	make(rules, "rules", data, rules_len);
	make(passwd, "passwd", cut == NULL ? NULL : cut + 1,
	    cut == NULL ? 0 : size - rules_len - 1);
	if (governed_without_snapshot("root", rules, passwd) != GOVERNED_NO)
		abort();
	if (governed_without_snapshot("no\nbody", rules, passwd) != GOVERNED_YES)
		abort();
	(void)governed_without_snapshot("alice", rules, passwd);
	unlink(rules);
	unlink(passwd);
	return 0;
}
