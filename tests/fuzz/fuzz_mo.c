/* A catalogue of translations, whatever its bytes are. */
#include "common/base/base.h"
#include "pam_iam/mo.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const texts[] = { "Password: ",
		"%d recovery codes left.", "" };
	const char *s;
	size_t i;

	for (i = 0; i < IAM_COUNT(texts); i++) {
		s = mo_find(data, size, texts[i]);
		if (s != texts[i] && strlen(s) >= size)
			abort();
	}
	return 0;
}
