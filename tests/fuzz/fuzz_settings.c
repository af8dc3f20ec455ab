/* host.json and iam.json: any bytes. What is taken must be within its bounds. */
#include "common/base/base.h"

#include <assert.h>

#include "common/store/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct settings_host h;
	struct iam_why why;
	struct settings s;
	uint32_t i;

	if (settings_parse(text, size, &s, &why) == 0) {
		assert(settings_range_ok(s.id_min, s.id_max));
		assert(s.service_count <= SNAP_SERVICES_MAX);
		assert(s.local_group_count <= SETTINGS_LOCAL_GROUPS_MAX);
		assert(s.throttle_max_s >= 1);
	} else
		assert(why.text[0] != '\0');
	settings_release(&s);
	if (settings_host_parse(text, size, &h, &why) == 0) {
		assert(h.region[0] != '\0' && h.hostname[0] != '\0');
		for (i = 0; i < h.tag_count; i++)
			assert(settings_tag_key_ok(h.tags[i].key));
	}
	settings_host_release(&h);
	return 0;
}
