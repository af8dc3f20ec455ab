/*
 * Time windows in every zone of the system's tzdata, at every change of its
 * clock from 2020 to 2040, as glibc's localtime_r(3) reads it (S45).
 */
#include <ftw.h>

#include "common/base/tz.h"
#include "tests/policy/harness.h"
#include "tests/policy/libc_clock.h"

#define ZONEINFO "/usr/share/zoneinfo/"
#define ZONES_MAX 1000
#define FROM 1577836800 /* 2020-01-01 */
#define TO 2240524800   /* 2041-01-01 */
#define WEEK (7 * 86400)

static char zones[ZONES_MAX][64];
static size_t zone_count;

/* What the windows say, in plain arithmetic of the wall clock's minute of the week. */
static const struct window {
	const char *text;
	unsigned days; /* bit 0 is Sunday */
	int from, to;  /* minutes of the day; to may be in the next */
} windows[] = {
	{ "00:30-02:30", 0x7f, 30, 150 },
	{ "02:00-03:00", 0x7f, 120, 180 },
	{ "Sun 01:00-02:00", 0x01, 60, 120 },
	{ "Sat 22:00-02:30", 0x40, 1320, 1440 + 150 },
	{ "Fri-Sun", 0x61, 0, 1440 },
	{ "Mon-Fri 23:59-00:01", 0x3e, 1439, 1441 },
};

static int
add_zone(const char *path, const struct stat *st, int type, struct FTW *where)
{
	const char *name = path + strlen(ZONEINFO);
	char magic[4] = "";
	FILE *f;

	(void)st;
	(void)where;
	if ((type != FTW_F && type != FTW_SL) || strncmp(name, "right/", 6) == 0 ||
	    strncmp(name, "posix/", 6) == 0 || (f = fopen(path, "re")) == NULL)
		return 0;
	if (fread(magic, 1, 4, f) == 4 && memcmp(magic, "TZif", 4) == 0) {
		assert_true(zone_count < ZONES_MAX && strlen(name) < sizeof(zones[0]));
		memcpy(zones[zone_count++], name, strlen(name) + 1);
	}
	fclose(f);
	return 0;
}

static int
local_time(void *arg, const char *zone, int64_t t, struct tz_local *ret)
{
	(void)zone;
	return tz_at(arg, t, ret);
}

struct zone {
	struct asker asker;
	struct pol_set set[IAM_COUNT(windows)];
	struct buf bytes[IAM_COUNT(windows)];
	struct pol_source src[IAM_COUNT(windows)];
	struct tz *tz;
	const char *name;
};

static void
zone_open(struct zone *z, const char *name)
{
	char json[400];
	size_t i;

	memset(z, 0, sizeof(*z));
	z->name = name;
	libc_clock_zone(name);
	if (tz_load(name, &z->tz) != 0)
		fail_msg("%s is not loaded", name);
	asker_init(&z->asker);
	z->asker.req.local_time = local_time;
	z->asker.req.local_time_arg = z->tz;
	for (i = 0; i < IAM_COUNT(windows); i++) {
		snprintf(json, sizeof(json), "{\"Version\":\"2012-10-17\",\"Statement\":"
		    "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"
		    "{\"TimeOfDayWithin\":{\"aws:EpochTime\":\"%s %s\"}}}}", windows[i].text, name);
		if (pol_compile(json, strlen(json), POL_IDENTITY, NULL, NULL, &z->bytes[i]) != 0 ||
		    pol_open(z->bytes[i].p, z->bytes[i].len, &z->src[i].doc) != 0)
			fail_msg("%s is no zone of a window", name);
		z->set[i].identity = (struct pol_list){ &z->src[i], 1 };
	}
}

static void
zone_close(struct zone *z)
{
	size_t i;

	for (i = 0; i < IAM_COUNT(windows); i++)
		buf_release(&z->bytes[i]);
	tz_free(z->tz);
}

static bool
expected(const struct window *w, const struct libc_clock *c)
{
	int s = c->second;
	bool today = (w->days >> c->weekday & 1) != 0;
	bool yesterday = (w->days >> (c->weekday + 6) % 7 & 1) != 0;

	return (today && s >= w->from * 60 && s < w->to * 60) ||
	    (yesterday && s + 86400 >= w->from * 60 && s + 86400 < w->to * 60);
}

static void
check_at(struct zone *z, int64_t t)
{
	char text[32];
	struct pol_value value = { text, 0 };
	struct pol_key key = { "aws:EpochTime", &value, 1, false };
	struct pol_decision d;
	struct libc_clock c;
	size_t i;

	libc_clock_at(t, &c);
	value.len = (size_t)snprintf(text, sizeof(text), "%lld", (long long)t);
	z->asker.req.keys = &key;
	z->asker.req.key_count = 1;
	for (i = 0; i < IAM_COUNT(windows); i++) {
		assert_int_equal(pol_eval(&z->set[i], &z->asker.req, &d), 0);
		if ((d.effect == POL_ALLOWED) != expected(&windows[i], &c))
			fail_msg("%s at %lld, weekday %d second %d: %s", z->name,
			    (long long)t, c.weekday, c.second, windows[i].text);
	}
}

/* The second of a change, between two instants whose offsets differ. */
static int64_t
edge(int64_t lo, int64_t hi)
{
	struct libc_clock a, m;
	int64_t mid;

	libc_clock_at(lo, &a);
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		libc_clock_at(mid, &m);
		if (m.offset_s == a.offset_s)
			lo = mid;
		else
			hi = mid;
	}
	return hi;
}

/* The seconds around it, and every half hour of the day around it. */
static void
check_edge(struct zone *z, int64_t at)
{
	int k;

	for (k = -2; k <= 2; k++)
		check_at(z, at + k);
	for (k = -24; k <= 24; k++) {
		check_at(z, at + k * 1800 - 1);
		check_at(z, at + k * 1800);
	}
}

static unsigned
check_zone(struct zone *z)
{
	struct libc_clock a, b;
	unsigned edges = 0;
	int64_t t;

	libc_clock_at(FROM, &a);
	for (t = FROM; t < TO; t += WEEK, a = b) {
		check_at(z, t + (t / WEEK * 3671) % WEEK);
		libc_clock_at(t + WEEK, &b);
		if (a.offset_s == b.offset_s)
			continue;
		edges++;
		check_edge(z, edge(t, t + WEEK));
	}
	return edges;
}

static void
test_windows__S45_every_zone_and_change_as_libc(void **state)
{
	static struct zone z;
	unsigned edges = 0;
	size_t i;

	(void)state;
	assert_int_equal(nftw(ZONEINFO, add_zone, 8, FTW_PHYS), 0); /* other names, too */
	for (i = 0; i < zone_count; i++) {
		zone_open(&z, zones[i]);
		edges += check_zone(&z);
		zone_close(&z);
	}
	print_message("# %zu zones, %u changes of the clock\n", zone_count, edges);
	assert_true(zone_count > 400 && edges > 6000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows__S45_every_zone_and_change_as_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
