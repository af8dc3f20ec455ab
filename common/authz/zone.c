/* Zones are loaded when a policy asks for them, and kept for the next statement. */
#include "common/base/base.h"
#include "common/authz/internal.h"

#include <string.h>

static int
zone_find(struct authz_clock *c, const char *name, const struct tz **ret)
{
	struct authz_zone *z;
	struct tz *tz;
	unsigned i;
	int r;

	if (strlen(name) >= AUTHZ_ZONE_NAME_MAX)
		return IAM_ERR_ARG;
	for (i = 0; i < AUTHZ_ZONES_MAX; i++) {
		z = &c->zones[i];
		if (z->tz != NULL && strcmp(z->name, name) == 0) {
			*ret = z->tz;
			return 0;
		}
	}
	if ((r = tz_load(name[0] == '\0' ? NULL : name, &tz)) != 0)
		return r;
	z = &c->zones[c->next++ % AUTHZ_ZONES_MAX];
	tz_free(z->tz);
	snprintf(z->name, sizeof(z->name), "%s", name);
	z->tz = tz;
	*ret = tz;
	return 0;
}

int
authz_local_time(void *clock, const char *zone, int64_t t, struct tz_local *ret)
{
	const struct tz *tz;
	int r;

	if (zone != NULL && zone[0] == '\0') /* not the host's: a mistake */
		return IAM_ERR_ARG;
	if ((r = zone_find(clock, zone == NULL ? "" : zone, &tz)) != 0)
		return r;
	return tz_at(tz, t, ret);
}

void
authz_clock_release(struct authz_clock *c)
{
	unsigned i;

	for (i = 0; i < AUTHZ_ZONES_MAX; i++)
		tz_free(c->zones[i].tz);
	*c = (struct authz_clock){ 0 };
}
