/* Zones are loaded when a policy asks for them, and kept for the next statement. */
#include "common/base/base.h"
#include "common/authz/internal.h"

#include <string.h>

static int
zone_find(struct authz *a, const char *name, const struct tz **ret)
{
	struct zone *z;
	struct tz *tz;
	unsigned i;
	int r;

	if (strlen(name) >= ZONE_NAME_MAX)
		return IAM_ERR_ARG;
	for (i = 0; i < ZONES_MAX; i++) {
		z = &a->zones[i];
		if (z->tz != NULL && strcmp(z->name, name) == 0) {
			*ret = z->tz;
			return 0;
		}
	}
	if ((r = tz_load(name[0] == '\0' ? NULL : name, &tz)) != 0)
		return r;
	z = &a->zones[a->zone_next++ % ZONES_MAX];
	tz_free(z->tz);
	snprintf(z->name, sizeof(z->name), "%s", name);
	z->tz = tz;
	*ret = tz;
	return 0;
}

int
zone_local_time(void *arg, const char *zone, int64_t t, struct tz_local *ret)
{
	const struct tz *tz;
	int r;

	if (zone != NULL && zone[0] == '\0') /* not the host's: a mistake */
		return IAM_ERR_ARG;
	if ((r = zone_find(arg, zone == NULL ? "" : zone, &tz)) != 0)
		return r;
	return tz_at(tz, t, ret);
}

void
zones_release(struct authz *a)
{
	unsigned i;

	for (i = 0; i < ZONES_MAX; i++)
		tz_free(a->zones[i].tz);
}
