/* What a session of a role has of its own: signed by our CA, and still bytes. */
#include "common/base/base.h"

#include <stdlib.h>
#include <string.h>

#include "common/authz/authz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p = malloc(size > 0 ? size : 1); /* aligned, and exactly as long */
	struct authz_session s;
	struct buf again = BUF_INIT;

	if (p == NULL)
		return 0;
	memcpy(p, data, size);
	if (authz_session_decode(p, size, &s) == 0)
		authz_session_encode(&s, &again);
	buf_release(&again);
	free(p);
	return 0;
}
