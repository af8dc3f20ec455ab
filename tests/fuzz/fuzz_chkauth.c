/* What an unprivileged caller sends to iam-chkauth (S32). */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/chkauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chk_request req;
	struct buf again = BUF_INIT;

	if (chk_decode(data, size, &req) != 0)
		return 0;
	if (strlen(req.user) > CHK_TEXT_MAX || strlen(req.password) > PASSWORD_MAX)
		abort();
	/* One text only means one request. */
	chk_encode(&req, &again);
	if (again.err != 0 || again.len != size ||
	    memcmp(again.p, data, size) != 0)
		abort();
	buf_release(&again);
	return 0;
}
