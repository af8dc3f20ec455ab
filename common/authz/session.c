/*
 * What a session of a role has beside its name, as bytes: tags and policies of
 * its own, source identity. They travel in an SSH certificate and lie under
 * /run/iam (docs/runtime-format.md).
 */
#include "common/base/base.h"
#include "common/authz/authz.h"

#include <string.h>

#define SESSION_VERSION 1

void
authz_session_encode(const struct authz_session *s, struct buf *b)
{
	size_t start = b->len;
	uint32_t i;

	buf_u32(b, SESSION_VERSION);
	buf_str(b, s->source_identity);
	buf_u32(b, s->tag_count);
	for (i = 0; i < s->tag_count; i++) {
		buf_str(b, s->tags[i].key);
		buf_str(b, s->tags[i].value);
	}
	buf_u32(b, s->policy_count);
	for (i = 0; i < s->policy_count; i++) {
		buf_str(b, s->policies[i].name);
		buf_u32(b, (uint32_t)s->policies[i].doc.len);
		while (b->err == 0 && (b->len - start) % 8 != 0)
			buf_u8(b, 0);
		buf_put(b, s->policies[i].doc.p, s->policies[i].doc.len);
	}
}

static int
take_policy(struct rd *r, const uint8_t *start, struct pol_source *ret)
{
	const char *name = rd_str_must(r);
	uint32_t len = rd_u32(r);
	const uint8_t *p;

	(void)rd_bytes(r, (size_t)(8 - (r->p - start) % 8) % 8);
	if ((p = rd_bytes(r, len)) == NULL || r->err != 0)
		return IAM_ERR_FORMAT;
	ret->name = name;
	return pol_open(p, len, &ret->doc);
}

int
authz_session_decode(const void *p, size_t len, struct authz_session *ret)
{
	struct authz_session s = { .name = NULL };
	struct rd r;
	uint32_t i;
	int err;

	rd_init(&r, p, len);
	if (rd_u32(&r) != SESSION_VERSION)
		return r.err != 0 ? r.err : IAM_ERR_VERSION;
	s.source_identity = rd_str(&r);
	if ((s.tag_count = rd_u32(&r)) > SNAP_TAGS_MAX)
		return IAM_ERR_FORMAT;
	for (i = 0; i < s.tag_count; i++) {
		s.tags[i].key = rd_str_must(&r);
		s.tags[i].value = rd_str_must(&r);
	}
	if ((s.policy_count = rd_u32(&r)) > AUTHZ_SESSION_POLICIES_MAX)
		return IAM_ERR_FORMAT;
	for (i = 0; i < s.policy_count; i++)
		if ((err = take_policy(&r, p, &s.policies[i])) != 0)
			return err;
	if ((err = rd_end(&r)) == 0)
		*ret = s;
	return err;
}
