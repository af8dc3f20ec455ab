#include "common/base/base.h"
#include "common/snapshot/internal.h"

#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

static uint64_t
rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static uint64_t
mix(uint64_t acc, uint64_t lane)
{
	return rotl(acc + lane * P2, 31) * P1;
}

static uint64_t
merge(uint64_t acc, uint64_t v)
{
	return (acc ^ mix(0, v)) * P1 + P4;
}

/* Stripes of 32 bytes; moves *p past them. */
static uint64_t
stripes(const uint8_t **p, const uint8_t *end, uint64_t seed)
{
	uint64_t a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1, acc;

	for (; end - *p >= 32; *p += 32) {
		a = mix(a, le_u64(*p));
		b = mix(b, le_u64(*p + 8));
		c = mix(c, le_u64(*p + 16));
		d = mix(d, le_u64(*p + 24));
	}
	acc = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
	return merge(merge(merge(merge(acc, a), b), c), d);
}

uint64_t
snap_check64(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data, *end = p + len;
	uint64_t acc;

	acc = (len >= 32 ? stripes(&p, end, seed) : seed + P5) + len;
	for (; end - p >= 8; p += 8)
		acc = rotl(acc ^ mix(0, le_u64(p)), 27) * P1 + P4;
	for (; end - p >= 4; p += 4)
		acc = rotl(acc ^ le_u32(p) * P1, 23) * P2 + P3;
	for (; p < end; p++)
		acc = rotl(acc ^ *p * P5, 11) * P1;
	acc = (acc ^ acc >> 33) * P2;
	acc = (acc ^ acc >> 29) * P3;
	return acc ^ acc >> 32;
}
