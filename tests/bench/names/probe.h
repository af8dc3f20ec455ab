/*
 * The file of limit_probe.c, in this machine's own words: head; two tables of
 * mask + 1 slots (by name, by uid), each 0 or 1 + the number of a record; the
 * records; the members of "everyone", each with its NUL. No checks, no
 * checksums: it is what a look-up costs at least.
 */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <stdint.h>
#include <string.h>

#define PROBE_FILE "/var/lib/bench/probe"

struct probe_head {
	uint32_t users, mask, members, unused;
};

struct probe_record {
	char name[24];
	char home[32];
	uint32_t id;
	uint32_t gids[16]; /* 0: no more */
	uint32_t unused;
};

static inline uint64_t
probe_mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	return h ^ h >> 33;
}

static inline uint64_t
probe_hash(const char *name)
{
	uint64_t h = 14695981039346656037u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211u;
	return probe_mix(h);
}

static inline uint64_t
probe_hash_id(uint32_t id)
{
	return probe_mix(id * 0x9e3779b97f4a7c15u);
}

#endif
