/*
 * A principal's file: used codes and failures. docs/runtime-format.md has the
 * layout; it is two copies of one state, of which every change overwrites the older
 * one. So a writer that is killed half-way (the helper's caller may do that)
 * leaves the state of before, failures included, and cannot make it forgotten.
 */
#include "common/base/base.h"
#include "common/runtime/internal.h"
#include "common/runtime/principal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRINCIPAL_MAGIC UINT64_C(0x3130505254524d49) /* "IMRTRP01" */

struct out {
	uint8_t *p;
};

static void
put(struct out *o, uint64_t v, unsigned n)
{
	for (; n > 0; n--, v >>= 8)
		*o->p++ = (uint8_t)v;
}

void
principal_encode(const struct principal *p, uint32_t uid,
    uint8_t ret[PRINCIPAL_HALF])
{
	struct out o = { ret };
	size_t i;

	memset(ret, 0, PRINCIPAL_HALF);
	put(&o, PRINCIPAL_MAGIC, 8);
	put(&o, p->seq, 8);
	put(&o, uid, 4);
	put(&o, p->strict, 4);
	put(&o, p->failures_all, 4);
	put(&o, 0, 4);
	for (i = 0; i < PRINCIPAL_DEVICES; i++) {
		put(&o, p->devices[i].id, 8);
		put(&o, p->devices[i].step, 8);
	}
	for (i = 0; i < PRINCIPAL_SOURCES; i++) {
		memcpy(o.p, p->sources[i].name, PRINCIPAL_SOURCE_MAX);
		o.p += PRINCIPAL_SOURCE_MAX;
		put(&o, p->sources[i].failures, 4);
		put(&o, (uint64_t)p->sources[i].last_s, 8);
	}
	o.p = ret + PRINCIPAL_HALF - 8;
	put(&o, rt_sum(ret, PRINCIPAL_HALF - 8), 8);
}

static void
get_source(struct rd *rd, struct principal_source *s)
{
	const uint8_t *name = rd_bytes(rd, PRINCIPAL_SOURCE_MAX);

	if (name == NULL)
		return;
	if (memchr(name, '\0', PRINCIPAL_SOURCE_MAX) == NULL)
		rd->err = IAM_ERR_FORMAT;
	memcpy(s->name, name, PRINCIPAL_SOURCE_MAX);
	s->failures = rd_u32(rd);
	s->last_s = (int64_t)rd_u64(rd);
}

bool
principal_decode(const uint8_t half[PRINCIPAL_HALF], uint32_t uid,
    struct principal *ret)
{
	struct rd rd, end;
	uint32_t strict;
	size_t i;

	rd_init(&end, half + PRINCIPAL_HALF - 8, 8);
	if (rd_u64(&end) != rt_sum(half, PRINCIPAL_HALF - 8))
		return false;
	rd_init(&rd, half, PRINCIPAL_HALF - 8);
	if (rd_u64(&rd) != PRINCIPAL_MAGIC)
		return false;
	ret->seq = rd_u64(&rd);
	if (rd_u32(&rd) != uid || (strict = rd_u32(&rd)) > 1)
		return false;
	ret->strict = strict != 0;
	ret->failures_all = rd_u32(&rd);
	rd_u32(&rd);
	for (i = 0; i < PRINCIPAL_DEVICES; i++) {
		ret->devices[i].id = rd_u64(&rd);
		ret->devices[i].step = rd_u64(&rd);
	}
	for (i = 0; i < PRINCIPAL_SOURCES; i++)
		get_source(&rd, &ret->sources[i]);
	return rd.err == 0 && ret->seq < UINT64_MAX - 2;
}

void
principal_decode_file(const uint8_t *data, size_t len, uint32_t uid,
    struct principal *ret, int *ret_newest)
{
	struct principal half[2];
	bool ok[2] = { false, false };
	int i;

	memset(half, 0, sizeof(half));
	for (i = 0; i < 2; i++) {
		if (len == PRINCIPAL_SIZE)
			ok[i] = principal_decode(data + (size_t)i * PRINCIPAL_HALF,
			    uid, &half[i]);
	}
	if (ok[0] && ok[1]) {
		*ret_newest = half[1].seq > half[0].seq;
		*ret = half[*ret_newest];
		return;
	}
	*ret_newest = -1;
	memset(ret, 0, sizeof(*ret));
	if (ok[0] || ok[1])
		*ret = half[ok[1]];
	/* The copy that is lost may have been the newer one: keep the failures,
	 * which only delay, and believe no device's last step. */
	memset(ret->devices, 0, sizeof(ret->devices));
	ret->strict = true;
}

static int
create(const struct runtime *rt, const char *name, uint32_t uid)
{
	uint8_t data[PRINCIPAL_SIZE];
	struct principal p;
	int r;

	memset(&p, 0, sizeof(p));
	principal_encode(&p, uid, data);
	p.seq = 1;
	principal_encode(&p, uid, data + PRINCIPAL_HALF);
	r = rt_put(rt, name, data, sizeof(data), 0660, false);
	return r == IAM_ERR_CONFLICT ? 0 : r; /* another login was first */
}

static int
load(struct principal_file *f, uint32_t uid)
{
	uint8_t data[PRINCIPAL_SIZE];
	struct stat st;
	size_t len;
	int r;

	if (fstat(f->fd, &st) != 0)
		return IAM_ERR_IO;
	if (st.st_nlink == 0)
		return IAM_ERR_CONFLICT; /* removed while we waited */
	if ((r = rt_read(f->fd, data, sizeof(data), &len)) != 0)
		return r;
	if (st.st_size != PRINCIPAL_SIZE)
		len = 0;
	principal_decode_file(data, len, uid, &f->state, &f->newest);
	return 0;
}

int
principal_lock(const struct runtime *rt, uint32_t uid,
    struct principal_file *ret)
{
	char name[RUNTIME_NAME_MAX];
	int r;

	ret->uid = uid;
	ret->fd = -1;
	snprintf(name, sizeof(name), "principal.%u", uid);
	r = rt_open(rt, name, O_RDWR, rt->auth_gid, &ret->fd);
	if (r == IAM_ERR_ABSENT && (r = create(rt, name, uid)) == 0)
		r = rt_open(rt, name, O_RDWR, rt->auth_gid, &ret->fd);
	if (r != 0)
		return r;
	if ((r = rt_lock(ret->fd, LOCK_EX)) != 0 || (r = load(ret, uid)) != 0)
		principal_unlock(ret);
	return r;
}

int
principal_store(struct principal_file *f)
{
	uint8_t data[PRINCIPAL_SIZE];
	int older = f->newest == 0;
	int r;

	f->state.seq++;
	principal_encode(&f->state, f->uid, data);
	if (f->newest >= 0) {
		r = rt_write_at(f->fd, data, PRINCIPAL_HALF, older * PRINCIPAL_HALF);
		if (r == 0)
			f->newest = older;
		return r;
	}
	if (ftruncate(f->fd, PRINCIPAL_SIZE) != 0)
		return IAM_ERR_IO;
	f->state.seq++;
	principal_encode(&f->state, f->uid, data + PRINCIPAL_HALF);
	if ((r = rt_write_at(f->fd, data, sizeof(data), 0)) == 0)
		f->newest = 1;
	return r;
}

void
principal_unlock(struct principal_file *f)
{
	if (f->fd >= 0)
		rt_unlock_close(f->fd);
	f->fd = -1;
}
