#include "tests/policy/libc_clock.h"

#include <stdlib.h>
#include <time.h>

void
libc_clock_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

void
libc_clock_at(long long t, struct libc_clock *ret)
{
	time_t when = (time_t)t;
	struct tm tm;

	if (localtime_r(&when, &tm) == NULL)
		abort();
	ret->weekday = tm.tm_wday;
	ret->second = tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
	ret->offset_s = tm.tm_gmtoff;
}
