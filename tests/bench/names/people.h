/* Who is on the bench's host. */
#ifndef BENCH_PEOPLE_H
#define BENCH_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define USER_ID 2100000000u
#define TEAM_ID 2120000000u
#define TEAMS_MAX 100000u
#define EVERYONE_ID 2140000000u
#define EVERYONE_MAX 10000u
#define GROUPS_EACH 10u

/* People are in teams of a thousand. */
static inline unsigned
teams(unsigned users)
{
	return users < 1000 ? 1 : users / 1000;
}

static inline unsigned
everyone(unsigned users)
{
	return users < EVERYONE_MAX ? users : EVERYONE_MAX;
}

static inline void
user_name(unsigned i, char name[24])
{
	snprintf(name, 24, "user%u", i);
}

/* The n-th group of user i; the last one is "everyone" for the first users. */
static inline uint32_t
group_id(unsigned users, unsigned i, unsigned n)
{
	if (n == GROUPS_EACH - 1 && i < EVERYONE_MAX)
		return EVERYONE_ID;
	return TEAM_ID + n * TEAMS_MAX + i % teams(users);
}

#endif
