#include "common/base/base.h"
#include "common/runtime/internal.h"

#include <string.h>

#define RECORD_MAGIC UINT64_C(0x3230454352544d49) /* "IMTRCE02" */
#define RECORD_MAGIC_1 UINT64_C(0x3130454352544d49) /* without roles: of sessions that
                                                     * were open during an upgrade */

int
record_encode(const struct record *rec, uint8_t ret[RECORD_SIZE])
{
	const struct runtime_evidence *e = &rec->e;
	struct buf b = BUF_INIT;
	int r;

	buf_u64(&b, RECORD_MAGIC);
	buf_u64(&b, rec->start);
	buf_u32(&b, e->uid);
	buf_u32(&b, e->methods);
	buf_u64(&b, (uint64_t)e->auth_s);
	buf_u64(&b, (uint64_t)e->mfa_s);
	buf_str(&b, e->user);
	buf_str(&b, e->service);
	buf_str(&b, e->rhost);
	buf_str(&b, e->tty);
	buf_str(&b, e->device);
	buf_str(&b, e->session_id);
	buf_str(&b, e->role_session);
	buf_str(&b, e->source_identity);
	buf_u64(&b, (uint64_t)e->expires_s);
	buf_u32(&b, e->extra);
	if ((r = b.err) == 0 && b.len > RECORD_SIZE - 8)
		r = IAM_ERR_BUG;
	if (r == 0) {
		memset(ret, 0, RECORD_SIZE);
		memcpy(ret, b.p, b.len);
		buf_reset(&b);
		buf_u64(&b, rt_sum(ret, RECORD_SIZE - 8));
		memcpy(ret + RECORD_SIZE - 8, b.p, 8);
	}
	buf_release(&b);
	return r;
}

static void
get_text(struct rd *rd, char *ret, size_t size)
{
	const char *s = rd_str_must(rd);
	size_t len = strlen(s);

	if (len >= size)
		rd->err = IAM_ERR_FORMAT;
	else
		memcpy(ret, s, len + 1);
}

int
record_decode(const uint8_t data[RECORD_SIZE], struct record *ret)
{
	struct runtime_evidence *e = &ret->e;
	struct rd rd, end;
	uint64_t magic;

	rd_init(&end, data + RECORD_SIZE - 8, 8);
	if (rd_u64(&end) != rt_sum(data, RECORD_SIZE - 8))
		return IAM_ERR_FORMAT;
	memset(ret, 0, sizeof(*ret));
	rd_init(&rd, data, RECORD_SIZE - 8);
	magic = rd_u64(&rd);
	if (magic != RECORD_MAGIC && magic != RECORD_MAGIC_1)
		return IAM_ERR_FORMAT;
	ret->start = rd_u64(&rd);
	e->uid = rd_u32(&rd);
	e->methods = rd_u32(&rd);
	e->auth_s = (int64_t)rd_u64(&rd);
	e->mfa_s = (int64_t)rd_u64(&rd);
	get_text(&rd, e->user, sizeof(e->user));
	get_text(&rd, e->service, sizeof(e->service));
	get_text(&rd, e->rhost, sizeof(e->rhost));
	get_text(&rd, e->tty, sizeof(e->tty));
	get_text(&rd, e->device, sizeof(e->device));
	get_text(&rd, e->session_id, sizeof(e->session_id));
	if (magic == RECORD_MAGIC_1)
		return rd.err;
	get_text(&rd, e->role_session, sizeof(e->role_session));
	get_text(&rd, e->source_identity, sizeof(e->source_identity));
	e->expires_s = (int64_t)rd_u64(&rd);
	e->extra = rd_u32(&rd);
	return rd.err; /* zeros follow */
}
