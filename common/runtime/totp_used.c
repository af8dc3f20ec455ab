#include "common/base/base.h"
#include "common/runtime/principal.h"

#include <string.h>

/* 0 is a free place. */
static uint64_t
device_id(const char *device)
{
	uint64_t id = rt_sum(device, strlen(device));

	return id == 0 ? 1 : id;
}

static struct principal_device *
find(struct principal *p, uint64_t id)
{
	size_t i;

	for (i = 0; i < PRINCIPAL_DEVICES; i++) {
		if (p->devices[i].id == id)
			return &p->devices[i];
	}
	return NULL;
}

/* A free place, or that of the device used longest ago. */
static struct principal_device *
make_room(struct principal *p)
{
	struct principal_device *d = find(p, 0);
	size_t i;

	if (d != NULL)
		return d;
	d = &p->devices[0];
	for (i = 1; i < PRINCIPAL_DEVICES; i++) {
		if (p->devices[i].step < d->step)
			d = &p->devices[i];
	}
	p->strict = true; /* one is forgotten: unknown is no longer unused */
	return d;
}

/* The compare-and-set itself. Returns whether the step is the caller's. */
static bool
claim(struct principal *p, uint64_t id, uint64_t step)
{
	struct principal_device *d = find(p, id);
	bool strict = p->strict;

	if (d == NULL) {
		d = make_room(p);
		d->id = id;
		d->step = strict ? step + PRINCIPAL_REPAIR_STEPS : step;
		return !strict;
	}
	if (step <= d->step)
		return false;
	d->step = step;
	return true;
}

int
runtime_totp_claim(struct runtime *rt, uint32_t uid, const char *device,
    uint64_t step, bool *ret_won)
{
	struct principal_file f;
	bool won;
	int r;

	*ret_won = false;
	if (step == 0 || step > INT64_MAX)
		return IAM_ERR_ARG;
	if ((r = principal_lock(rt, uid, &f)) != 0)
		return r;
	won = claim(&f.state, device_id(device), step);
	r = principal_store(&f);
	principal_unlock(&f);
	if (r == 0)
		*ret_won = won;
	return r;
}

int
runtime_totp_last(struct runtime *rt, uint32_t uid, const char *device,
    uint64_t *ret_step)
{
	const struct principal_device *d;
	struct principal_file f;
	int r;

	if ((r = principal_lock(rt, uid, &f)) != 0)
		return r;
	d = find(&f.state, device_id(device));
	*ret_step = d == NULL ? 0 : d->step;
	principal_unlock(&f);
	return 0;
}
