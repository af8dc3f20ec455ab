/* The C library's wall clock: the authority for zones. Sets TZ. No part of base,
 * which does not let these functions be used. */
#ifndef TESTS_POLICY_LIBC_CLOCK_H
#define TESTS_POLICY_LIBC_CLOCK_H

void libc_clock_zone(const char *zone);

struct libc_clock {
	int weekday;   /* 0 is Sunday */
	int second;    /* of the day */
	long offset_s; /* east of UTC */
};
void libc_clock_at(long long t, struct libc_clock *ret);

#endif
