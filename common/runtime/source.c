/*
 * Sources in 64 bits: the upper half of an IPv6 address as it is. Everything else
 * lies in 0000::/16, from which no packet comes: a kind and 40 bits.
 */
#include "common/base/base.h"
#include "common/runtime/internal.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#define V6_SHIFT 48 /* what is less than 2^48 is no IPv6 source */
#define KIND_SHIFT 40
#define VALUE_MASK ((UINT64_C(1) << KIND_SHIFT) - 1)

enum kind { KIND_V4 = 1, KIND_UID, KIND_NAME, KIND_V6_LOW };

static uint64_t
source_of(enum kind kind, uint64_t value)
{
	return (uint64_t)kind << KIND_SHIFT | value;
}

static uint64_t
from_v4(const uint8_t a[4])
{
	return source_of(KIND_V4, (uint64_t)a[0] << 24 | (uint64_t)a[1] << 16 |
	    (uint64_t)a[2] << 8 | a[3]);
}

static uint64_t
from_v6(const struct in6_addr *a)
{
	uint64_t source = 0;
	unsigned i;

	if (IN6_IS_ADDR_V4MAPPED(a))
		return from_v4(a->s6_addr + 12);
	for (i = 0; i < 8; i++)
		source = source << 8 | a->s6_addr[i];
	/* ::1 and its like */
	return source >> V6_SHIFT != 0 ? source : source_of(KIND_V6_LOW, 0);
}

uint64_t
runtime_source_remote(const char *rhost)
{
	struct in6_addr v6;
	struct in_addr v4;
	uint64_t sum;

	if (inet_pton(AF_INET, rhost, &v4) == 1)
		return from_v4((const uint8_t *)&v4);
	if (inet_pton(AF_INET6, rhost, &v6) == 1)
		return from_v6(&v6);
	sum = rt_sum(rhost, strlen(rhost));
	return source_of(KIND_NAME, (sum ^ sum >> KIND_SHIFT) & VALUE_MASK);
}

uint64_t
runtime_source_local(uid_t caller)
{
	return source_of(KIND_UID, caller);
}

static void
v6_text(uint64_t source, char ret[RUNTIME_SOURCE_TEXT])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a = { 0 };
	unsigned i;

	for (i = 0; i < 8; i++)
		a.s6_addr[i] = (uint8_t)(source >> (56 - 8 * i));
	if (inet_ntop(AF_INET6, &a, text, sizeof(text)) == NULL)
		text[0] = '\0';
	snprintf(ret, RUNTIME_SOURCE_TEXT, "%s/64", text);
}

void
runtime_source_text(uint64_t source, char ret[RUNTIME_SOURCE_TEXT])
{
	uint64_t value = source & VALUE_MASK;

	if (source >> V6_SHIFT != 0) {
		v6_text(source, ret);
		return;
	}
	switch ((enum kind)(source >> KIND_SHIFT)) {
	case KIND_V4:
		snprintf(ret, RUNTIME_SOURCE_TEXT, "%u.%u.%u.%u",
		    (unsigned)(value >> 24 & 255), (unsigned)(value >> 16 & 255),
		    (unsigned)(value >> 8 & 255), (unsigned)(value & 255));
		return;
	case KIND_UID:
		if (value == 0)
			snprintf(ret, RUNTIME_SOURCE_TEXT, "local");
		else
			snprintf(ret, RUNTIME_SOURCE_TEXT, "uid %" PRIu64, value);
		return;
	case KIND_NAME:
		snprintf(ret, RUNTIME_SOURCE_TEXT, "name %010" PRIx64, value);
		return;
	case KIND_V6_LOW:
		snprintf(ret, RUNTIME_SOURCE_TEXT, "::/64");
		return;
	}
	snprintf(ret, RUNTIME_SOURCE_TEXT, "unknown");
}
