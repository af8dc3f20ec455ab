/* The request of the helper's protocol, both ways. */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/chkauth.h"

#include <string.h>

void
chk_encode(const struct chk_request *req, struct buf *b)
{
	buf_str(b, req->user);
	buf_str(b, req->service);
	buf_str(b, req->tty);
	buf_str(b, req->rhost);
	buf_str(b, req->password);
	buf_str(b, req->code);
}

int
chk_decode(const void *data, size_t len, struct chk_request *ret)
{
	struct chk_request q;
	struct rd in;
	int r;

	if (len > CHK_REQUEST_MAX)
		return IAM_ERR_LIMIT;
	rd_init(&in, data, len);
	q.user = rd_str_must(&in);
	q.service = rd_str_must(&in);
	q.tty = rd_str_must(&in);
	q.rhost = rd_str_must(&in);
	q.password = rd_str_must(&in);
	q.code = rd_str_must(&in);
	if ((r = rd_end(&in)) != 0)
		return r;
	if (strlen(q.user) > CHK_TEXT_MAX || strlen(q.service) > CHK_TEXT_MAX ||
	    strlen(q.tty) > CHK_TEXT_MAX || strlen(q.rhost) > CHK_TEXT_MAX ||
	    strlen(q.password) > PASSWORD_MAX ||
	    strlen(q.code) > PASSWORD_MAX)
		return IAM_ERR_LIMIT;
	*ret = q;
	return 0;
}
