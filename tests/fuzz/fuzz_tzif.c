/* A TZif file of any bytes: refused, or every instant has a sane local time. */
#include "common/base/base.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t at[] = { INT64_MIN, -377705116800, -1, 0, 1795512600,
		4102444799, 253402300799, INT64_MAX };
	struct tz_local l;
	struct tz *tz;
	size_t i;

	if (tz_parse(data, size, &tz) != 0)
		return 0;
	for (i = 0; i < IAM_COUNT(at); i++) {
		if (tz_at(tz, at[i], &l) != 0)
			continue;
		if (l.month < 1 || l.month > 12 || l.day < 1 || l.day > 31 ||
		    l.weekday < 0 || l.weekday > 6 ||
		    l.second_of_day < 0 || l.second_of_day >= 86400)
			abort();
	}
	tz_free(tz);
	return 0;
}
