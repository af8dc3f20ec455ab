/*
 * Time zones. The authority is libc: `date` runs in a child with TZ in its
 * environment and reads the instants from its input, for many zones over
 * 1970..2100. (S45: edges, DST, leap days, changes of the UTC offset.)
 */
#include "common/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- asking date(1) ---- */

struct child {
	pid_t pid;
	FILE *out;
};

/* date -f reads one date a line; its input is a file, so no pipe can fill. The
 * child opens it anew, for a position of its own. */
static void
date_start(const char *tz_value, FILE *in, struct child *ret)
{
	char name[] = "date", f[] = "-f", from[] = "-", lc[] = "LC_ALL=C";
	char format[] = "+%Y %m %d %w %H %M %S %z";
	char *argv[] = { name, f, from, format, NULL };
	char tz_entry[300], in_path[64];
	char *envp[] = { tz_entry, lc, NULL };
	int fds[2];

	snprintf(tz_entry, sizeof(tz_entry), "TZ=%s", tz_value);
	snprintf(in_path, sizeof(in_path), "/proc/self/fd/%d", fileno(in));
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	ret->pid = fork();
	assert_true(ret->pid >= 0);
	if (ret->pid == 0) {
		dup2(open(in_path, O_RDONLY | O_CLOEXEC), 0);
		dup2(fds[1], 1);
		execve("/usr/bin/date", argv, envp);
		execve("/bin/date", argv, envp);
		_exit(127);
	}
	close(fds[1]);
	ret->out = fdopen(fds[0], "r");
	assert_non_null(ret->out);
}

static void
date_end(struct child *c)
{
	int status;

	fclose(c->out);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_int_equal(status, 0);
}

static int
parse_offset(const char *s) /* "+0530" */
{
	int hh = 0, mm = 0;
	char sign = '+';

	assert_int_equal(sscanf(s, "%c%2d%2d", &sign, &hh, &mm), 3);
	return (hh * 60 + mm) * (sign == '-' ? -60 : 60);
}

/* Compare date's answers with ours, line by line with the questions (strftime's
 * %s is no help: it guesses in a repeated hour); returns how many there were. */
static unsigned
compare(const struct tz *tz, const char *what, FILE *in, FILE *out)
{
	char line[128], question[64], zone[16];
	struct tz_local l;
	unsigned n = 0;
	long long t;
	int y, mo, d, w, h, mi, s;

	rewind(in);
	while (fgets(line, sizeof(line), out) != NULL) {
		assert_non_null(fgets(question, sizeof(question), in));
		assert_int_equal(sscanf(question, "@%lld", &t), 1);
		assert_int_equal(sscanf(line, "%d %d %d %d %d %d %d %15s",
		    &y, &mo, &d, &w, &h, &mi, &s, zone), 8);
		assert_int_equal(tz_at(tz, t, &l), 0);
		if (l.year != y || l.month != mo || l.day != d || l.weekday != w ||
		    l.second_of_day != h * 3600 + mi * 60 + s ||
		    l.utc_offset_s / 60 != parse_offset(zone) / 60)
			fail_msg("%s at %lld: libc has %s but we %d-%d-%d %d %d %d",
			    what, t, line, l.year, l.month, l.day, l.weekday,
			    l.second_of_day, l.utc_offset_s);
		n++;
	}
	return n;
}

/* All instants where the zone's offset changes between from and to, found by
 * stepping and halving; an edge and the seconds around it go into the file. */
static unsigned
add_edges(const struct tz *tz, int64_t from, int64_t to, FILE *in)
{
	struct tz_local a, b, m;
	int64_t t, lo, hi, mid;
	unsigned n = 0;
	int k;

	for (t = from; t < to; t += 86400 * 7) {
		assert_int_equal(tz_at(tz, t, &a), 0);
		assert_int_equal(tz_at(tz, t + 86400 * 7, &b), 0);
		if (a.utc_offset_s == b.utc_offset_s)
			continue;
		for (lo = t, hi = t + 86400 * 7; hi - lo > 1;) {
			mid = lo + (hi - lo) / 2;
			assert_int_equal(tz_at(tz, mid, &m), 0);
			if (m.utc_offset_s == a.utc_offset_s)
				lo = mid;
			else
				hi = mid;
		}
		/* the edge, the skipped or repeated hour, and a day about it */
		for (k = -2; k <= 1; k++)
			fprintf(in, "@%lld\n", (long long)(hi + k));
		for (k = -24; k <= 24; k++)
			fprintf(in, "@%lld\n", (long long)(hi + k * 1800 + 7));
		n += 53;
	}
	return n;
}

static unsigned
add_steps(int64_t from, int64_t to, int64_t step, FILE *in)
{
	unsigned n = 0;
	int64_t t;

	for (t = from; t < to; t += step, n++)
		fprintf(in, "@%lld\n", (long long)t);
	return n;
}

static void
check_zone(const struct tz *tz, const char *what, const char *tz_value,
    int64_t step)
{
	int64_t to = tz_from_utc(2100, 12, 31, 0);
	FILE *in = tmpfile();
	struct child c;
	unsigned n;

	assert_non_null(in);
	n = add_steps(0, to, step, in) + add_edges(tz, 0, to, in);
	assert_int_equal(fflush(in), 0);
	date_start(tz_value, in, &c);
	assert_int_equal(compare(tz, what, in, c.out), n);
	date_end(&c);
	fclose(in);
}

static void
test_tz_at__agrees_with_libc_from_1970_to_2100(void **state)
{
	/* Both hemispheres; half and quarter hours; DST of half an hour; negative
	 * DST; rules that change; days left out of the calendar; no DST. */
	static const char *const zones[] = {
		"UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin",
		"Europe/Istanbul", "Europe/Moscow", "America/New_York",
		"America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo",
		"America/Santiago", "America/Asuncion", "America/Havana",
		"America/Nuuk", "America/Scoresbysund", "America/Caracas",
		"Australia/Sydney", "Australia/Lord_Howe", "Australia/Adelaide",
		"Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia",
		"Pacific/Kiritimati", "Pacific/Norfolk", "Pacific/Easter",
		"Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Gaza",
		"Asia/Jerusalem", "Asia/Beirut", "Asia/Pyongyang", "Asia/Tokyo",
		"Asia/Shanghai", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Cairo",
		"Africa/Johannesburg", "Africa/Windhoek", "Antarctica/Troll",
		"Antarctica/Casey", "Etc/GMT+12", "Etc/GMT-14", "EST5EDT", "NZ",
	};
	struct tz *tz;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(zones); i++) {
		assert_int_equal(tz_load(zones[i], &tz), 0);
		check_zone(tz, zones[i], zones[i], 86400 * 11 + 4211);
		tz_free(tz);
	}
}

static void
test_tz_at__host_zone_is_what_libc_takes(void **state)
{
	struct tz *tz;

	(void)state;
	assert_int_equal(tz_load(NULL, &tz), 0);
	check_zone(tz, "the host's zone", ":/etc/localtime", 86400 * 30 + 17);
	tz_free(tz);
}

static void
test_tz_at__leap_seconds_of_right_zones_as_libc(void **state)
{
	struct tz *tz;

	(void)state;
	if (access(IAM_PATH_ZONEINFO "/right/Europe/Berlin", R_OK) != 0)
		skip();
	assert_int_equal(tz_load("right/Europe/Berlin", &tz), 0);
	check_zone(tz, "right/Europe/Berlin", "right/Europe/Berlin", 86400 * 5 + 11);
	tz_free(tz);
}

/* ---- footers, through small files made here ---- */

static void
put_header(struct buf *b, char version, uint32_t times, uint32_t types,
    uint32_t chars)
{
	const uint32_t counts[] = { 0, 0, 0, times, types, chars };
	size_t i;

	buf_puts(b, "TZif");
	buf_putc(b, version);
	buf_put(b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
	for (i = 0; i < IAM_COUNT(counts); i++) {
		buf_u8(b, (uint8_t)(counts[i] >> 24));
		buf_u8(b, (uint8_t)(counts[i] >> 16));
		buf_u8(b, (uint8_t)(counts[i] >> 8));
		buf_u8(b, (uint8_t)counts[i]);
	}
}

/* A version 3 file that is all footer, as `zic -b slim` makes them. */
static void
make_file(struct buf *b, const char *footer)
{
	put_header(b, '3', 0, 1, 1);
	buf_put(b, "\0\0\0\0\0\0\0", 7);
	put_header(b, '3', 0, 1, 4);
	buf_put(b, "\0\0\0\0\0\0UTC\0", 10);
	buf_putc(b, '\n');
	buf_puts(b, footer);
	buf_putc(b, '\n');
}

static int
parse_with_footer(const char *footer, struct tz **ret)
{
	struct buf b = BUF_INIT;
	int r;

	make_file(&b, footer);
	assert_int_equal(b.err, 0);
	r = tz_parse(b.p, b.len, ret);
	buf_release(&b);
	return r;
}

static void
test_tz_at__posix_rules_agree_with_libc(void **state)
{
	static const char *const rules[] = {
		"UTC0", "JST-9", "<-03>3", "<+0545>-5:45", "<-00>0",
		"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0",
		"AEST-10AEDT,M10.1.0,M4.1.0/3", "IST-1GMT0,M10.5.0,M3.5.0/1",
		"NZST-12NZDT,M9.5.0,M4.1.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"<-03>3<-02>,M3.4.0/-1,M10.4.0/0", "IST-2IDT,M3.4.4/26,M10.5.0",
		"EET-2EEST,M3.4.4/50,M10.4.4/50", "AAA4BBB,J60/0,J300/12:34:56",
		"AAA4BBB,59/0,300/1", "AAA-3BBB,J300,J60", "AAA+5BBB4:30,M1.1.1,M12.5.6",
		"XXX-1YYY-3,M2.5.0/24,M8.5.0/0",
	};
	struct tz *tz;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rules); i++) {
		assert_int_equal(parse_with_footer(rules[i], &tz), 0);
		check_zone(tz, rules[i], rules[i], 86400 * 9 + 3677);
		tz_free(tz);
	}
}

/* RFC 8536 section 3.3.1: "XXX3EDT4,0/0,J365/23" is DST all year, UTC-4;
 * glibc gets the first hours of a year wrong, so no comparison with it. */
static void
test_tz_at__dst_all_year(void **state)
{
	struct tz_local l;
	struct tz *tz;
	int64_t t;

	(void)state;
	assert_int_equal(parse_with_footer("XXX3EDT4,0/0,J365/23", &tz), 0);
	for (t = tz_from_utc(2027, 12, 30, 0); t < tz_from_utc(2028, 1, 3, 0); t += 600) {
		assert_int_equal(tz_at(tz, t, &l), 0);
		assert_int_equal(l.utc_offset_s, -4 * 3600);
	}
	tz_free(tz);
}

static void
test_tz_parse__bad_footers_are_refused(void **state)
{
	static const char *const bad[] = {
		"U0", "UT0", "UTC", "UTC25", "UTC0:60", "UTC0:00:60", "UTC0X", "<UTC0",
		"<U>0", "<U C>0", "U1C0", "EST5EDT", "CET-1CEST,", "CET-1CEST,M3.5.0",
		"CET-1CEST,M0.5.0,M10.5.0", "CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/168",
		"CET-1CEST,M3.5.0,M10.5.0,", "CET-1CEST,J0,J1", "CET-1CEST,J366,J1",
		"CET-1CEST,366,1", "CET-1CEST,M3.5,M10.5.0", "CET-1CEST,M3.5.0/,M10.5.0",
		"CET-1CEST-2-3", "CET-1C2", "CET--1", "CET+-1", " UTC0", "UTC0 ",
		"CET-1CEST,M3.5.0,M10.5.0/0002",
	};
	struct tz *tz;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(bad); i++) {
		if (parse_with_footer(bad[i], &tz) != IAM_ERR_FORMAT)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void
test_tz_parse__empty_footer_leaves_the_last_type(void **state)
{
	struct tz_local l;
	struct tz *tz;

	(void)state;
	assert_int_equal(parse_with_footer("", &tz), 0);
	assert_int_equal(tz_at(tz, 1795512600, &l), 0);
	assert_int_equal(l.utc_offset_s, 0);
	tz_free(tz);
}

/* ---- tz_load ---- */

static void
test_tz_load__names_that_are_no_zones(void **state)
{
	static const struct {
		const char *name;
		int err;
	} t[] = {
		{ "", IAM_ERR_ARG }, { "/etc/localtime", IAM_ERR_ARG },
		{ "../../../etc/localtime", IAM_ERR_ARG }, { "Europe/../UTC", IAM_ERR_ARG },
		{ "Europe//Berlin", IAM_ERR_ARG }, { "Europe/", IAM_ERR_ARG },
		{ ".", IAM_ERR_ARG }, { "zone.tab", IAM_ERR_ARG },
		{ "Europe/Berlin ", IAM_ERR_ARG }, { "Europe/Berlin\n", IAM_ERR_ARG },
		{ "Europe/M\xc3\xbcnchen", IAM_ERR_ARG }, { ":UTC", IAM_ERR_ARG },
		{ "Europe/Atlantis", IAM_ERR_ABSENT }, { "Europe", IAM_ERR_ABSENT },
		{ "UTC/Berlin", IAM_ERR_ABSENT }, { "leapseconds", IAM_ERR_FORMAT },
	};
	char longest[300];
	struct tz *tz;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(t); i++) {
		if (tz_load(t[i].name, &tz) != t[i].err)
			fail_msg("%s", t[i].name);
	}
	memset(longest, 'A', sizeof(longest));
	longest[200] = '\0';
	assert_int_equal(tz_load(longest, &tz), IAM_ERR_ABSENT);
	longest[200] = 'A';
	longest[201] = '\0';
	assert_int_equal(tz_load(longest, &tz), IAM_ERR_ARG);
}

/* ---- UTC arithmetic ---- */

static void
test_tz_utc__agrees_with_gmtime(void **state)
{
	struct tz_local l;
	struct tm tm;
	int64_t t;

	(void)state;
	for (t = -377705116800; t < 253402300800; t += 86400 * 97 + 12345) {
		assert_int_equal(tz_utc(t, &l), 0);
		assert_non_null(gmtime_r(&(time_t){ t }, &tm));
		assert_int_equal(l.year, tm.tm_year + 1900);
		assert_int_equal(l.month, tm.tm_mon + 1);
		assert_int_equal(l.day, tm.tm_mday);
		assert_int_equal(l.weekday, tm.tm_wday);
		assert_int_equal(l.second_of_day,
		    tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
		assert_int_equal(tz_from_utc(l.year, l.month, l.day,
		    l.second_of_day), t);
	}
}

static void
test_tz_utc__years_beyond_four_digits_are_refused(void **state)
{
	static const int64_t bad[] = { INT64_MIN, INT64_MAX, 253402300800,
		-377705116801 };
	struct tz_local l;
	struct tz *tz;
	size_t i;

	(void)state;
	assert_int_equal(tz_load("Europe/Berlin", &tz), 0);
	for (i = 0; i < IAM_COUNT(bad); i++) {
		assert_int_equal(tz_utc(bad[i], &l), IAM_ERR_ARG);
		assert_int_equal(tz_at(tz, bad[i], &l), IAM_ERR_ARG);
	}
	assert_int_equal(tz_at(tz, 253402300799, &l), 0);
	assert_int_equal(tz_at(tz, -377705116800, &l), 0);
	tz_free(tz);
}

static void
test_tz_utc__leap_days(void **state)
{
	struct tz_local l;

	(void)state;
	/* ISO 8601: 2000 and 2028 are leap years, 1900 and 2100 are not. */
	assert_int_equal(tz_from_utc(2000, 3, 1, 0) - tz_from_utc(2000, 2, 28, 0), 2 * 86400);
	assert_int_equal(tz_from_utc(2028, 3, 1, 0) - tz_from_utc(2028, 2, 28, 0), 2 * 86400);
	assert_int_equal(tz_from_utc(1900, 3, 1, 0) - tz_from_utc(1900, 2, 28, 0), 86400);
	assert_int_equal(tz_from_utc(2100, 3, 1, 0) - tz_from_utc(2100, 2, 28, 0), 86400);
	assert_int_equal(tz_utc(tz_from_utc(2028, 2, 29, 86399), &l), 0);
	assert_int_equal(l.month, 2);
	assert_int_equal(l.day, 29);
	assert_int_equal(l.weekday, 2);
}

static void
test_tz_iso__form(void **state)
{
	static const struct {
		int64_t t;
		const char *text;
	} t[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },   /* date -u -d 2000-02-29 +%s */
		{ 2147483648, "2038-01-19T03:14:08Z" },  /* the year-2038 second */
		{ -1, "1969-12-31T23:59:59Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
		{ INT64_MAX, "9999-12-31T23:59:59Z" },
		{ INT64_MIN, "0000-01-01T00:00:00Z" },
	};
	char text[TZ_ISO_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(t); i++) {
		tz_iso(t[i].t, text);
		assert_string_equal(text, t[i].text);
	}
}

/* ---- damage ---- */

static void
read_zone(const char *name, struct buf *b)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", IAM_PATH_ZONEINFO, name);
	assert_int_equal(file_read(path, FILE_ANY, 1 << 18, b), 0);
}

static void
test_tz_parse__every_truncation_is_refused(void **state)
{
	struct buf b = BUF_INIT;
	struct tz *tz;
	size_t n;

	(void)state;
	read_zone("Australia/Lord_Howe", &b);
	for (n = 0; n < b.len; n++)
		assert_int_equal(tz_parse(b.p, n, &tz), IAM_ERR_FORMAT);
	assert_int_equal(tz_parse(b.p, b.len, &tz), 0);
	tz_free(tz);
	buf_release(&b);
}

static void
test_tz_parse__every_flipped_byte_is_refused_or_bounded(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };
	struct buf b = BUF_INIT;
	struct tz_local l;
	struct tz *tz;
	size_t i, m;
	int64_t t;

	(void)state;
	read_zone("Australia/Lord_Howe", &b);
	for (i = 0; i < b.len; i++) {
		for (m = 0; m < IAM_COUNT(masks); m++) {
			b.p[i] ^= masks[m];
			if (tz_parse(b.p, b.len, &tz) == 0) {
				for (t = -4000000000; t < 5000000000; t += 333333333) {
					assert_int_equal(tz_at(tz, t, &l), 0);
					assert_in_range(l.month, 1, 12);
					assert_in_range(l.day, 1, 31);
					assert_in_range(l.weekday, 0, 6);
					assert_in_range(l.second_of_day, 0, 86399);
				}
				tz_free(tz);
			}
			b.p[i] ^= masks[m];
		}
	}
	buf_release(&b);
}

static void
test_tz_parse__version_1_file(void **state)
{
	struct buf b = BUF_INIT;
	struct tz_local l;
	struct tz *tz;

	(void)state;
	/* One change, at 2001-09-09T01:46:40Z, from UTC to UTC+1. */
	put_header(&b, '\0', 1, 2, 8);
	buf_put(&b, "\x3b\x9a\xca\x00" "\x01", 5);
	buf_put(&b, "\0\0\0\0\0\0" "\0\0\x0e\x10\0\x04" "UTC\0CET\0", 20);
	assert_int_equal(tz_parse(b.p, b.len, &tz), 0);
	assert_int_equal(tz_at(tz, 999999999, &l), 0);
	assert_int_equal(l.utc_offset_s, 0);
	assert_int_equal(tz_at(tz, 1000000000, &l), 0);
	assert_int_equal(l.utc_offset_s, 3600);
	tz_free(tz);
	assert_int_equal(tz_parse(b.p, b.len - 1, &tz), IAM_ERR_FORMAT);
	buf_release(&b);
}

static void
test_tz_parse__large_files_are_refused(void **state)
{
	struct buf b = BUF_INIT;
	struct tz *tz;

	(void)state;
	buf_align(&b, 8);
	buf_put(&b, "TZif", 4);
	while (b.len <= 256 * 1024)
		buf_u64(&b, 0);
	assert_int_equal(tz_parse(b.p, b.len, &tz), IAM_ERR_LIMIT);
	buf_release(&b);
}

/* ---- the n-th allocation ---- */

static long fail_after = -1;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	if (fail_after == 0)
		return NULL;
	if (fail_after > 0)
		fail_after--;
	return __real_calloc(n, size);
}

static void
test_tz_load__memory_short(void **state)
{
	struct tz *tz = NULL;
	int r_named, r_host;

	(void)state;
	fail_after = 0;
	r_named = tz_load("Europe/Berlin", &tz);
	r_host = tz_load(NULL, &tz);
	fail_after = -1;
	assert_int_equal(r_named, IAM_ERR_MEMORY);
	assert_int_equal(r_host, IAM_ERR_MEMORY);
	assert_null(tz);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tz_at__agrees_with_libc_from_1970_to_2100),
		cmocka_unit_test(test_tz_at__host_zone_is_what_libc_takes),
		cmocka_unit_test(test_tz_at__leap_seconds_of_right_zones_as_libc),
		cmocka_unit_test(test_tz_at__posix_rules_agree_with_libc),
		cmocka_unit_test(test_tz_at__dst_all_year),
		cmocka_unit_test(test_tz_parse__bad_footers_are_refused),
		cmocka_unit_test(test_tz_parse__empty_footer_leaves_the_last_type),
		cmocka_unit_test(test_tz_load__names_that_are_no_zones),
		cmocka_unit_test(test_tz_load__memory_short),
		cmocka_unit_test(test_tz_utc__agrees_with_gmtime),
		cmocka_unit_test(test_tz_utc__years_beyond_four_digits_are_refused),
		cmocka_unit_test(test_tz_utc__leap_days),
		cmocka_unit_test(test_tz_iso__form),
		cmocka_unit_test(test_tz_parse__every_truncation_is_refused),
		cmocka_unit_test(test_tz_parse__every_flipped_byte_is_refused_or_bounded),
		cmocka_unit_test(test_tz_parse__version_1_file),
		cmocka_unit_test(test_tz_parse__large_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
