/*
 * TZif files (RFC 8536, RFC 9636) and the POSIX TZ string in their footer.
 *
 * The file's bytes are kept as they are behind struct tz; tz_parse checks all
 * counts, bounds and indices once, so that tz_at reads without further checks.
 */
#include "common/base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((uint64_t)256 * 1024)
#define NAME_LEN_MAX 200
#define HEADER_LEN 44
#define DAY_S 86400
/* RFC 8536 section 3.2: what readers need to support is -25:59:59..26:59:59;
 * this bounds what arithmetic has to bear. */
#define OFFSET_MAX_S (7 * DAY_S)

struct rule { /* one change a year, by the wall clock before it */
	char kind; /* 'M': month, week, day; 'J': 1..365 without 29 February; '0': 0..365 */
	int month, week, day;
	int time_s;
};

struct footer {
	bool dst;
	int std_s, dst_s; /* east of UTC */
	struct rule start, end;
};

struct tz {
	bool has_footer;
	struct footer footer;
	unsigned time_size; /* of a transition: 4 in version 1, else 8 */
	uint32_t time_count, type_count, leap_count;
	const uint8_t *times, *indices, *types, *leaps; /* into data */
	uint64_t len;
	uint8_t data[];
};

/* ---- calendar ---- */

static bool
is_leap_year(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int
days_in_month(int64_t y, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap_year(y));
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days since 1970-01-01. Years are counted from March, so that the leap day
 * is the last of its year. */
static int64_t
days_from_civil(int64_t y, int month, int day)
{
	int64_t era, of_era, of_year;

	y -= month <= 2;
	era = floor_div(y, 400);
	of_era = y - era * 400;
	of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 719468;
}

static void
civil_from_days(int64_t days, struct tz_local *ret)
{
	int64_t era, of_era, year, of_year, mp;

	ret->weekday = (int)(((days + 4) % 7 + 7) % 7);
	days += 719468;
	era = floor_div(days, 146097);
	of_era = days - era * 146097;
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	mp = (5 * of_year + 2) / 153;
	ret->day = (int)(of_year - (153 * mp + 2) / 5 + 1);
	ret->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	ret->year = (int)(year + era * 400 + (ret->month <= 2));
}

int64_t
tz_from_utc(int year, int month, int day, int second_of_day)
{
	return days_from_civil(year, month, day) * DAY_S + second_of_day;
}

static bool
time_ok(int64_t t)
{
	return t >= tz_from_utc(-9999, 1, 1, 0) &&
	    t <= tz_from_utc(9999, 12, 31, DAY_S - 1);
}

static int
local_at(int64_t t, int offset_s, struct tz_local *ret)
{
	int64_t days;

	if (!time_ok(t))
		return IAM_ERR_ARG;
	t += offset_s;
	days = floor_div(t, DAY_S);
	civil_from_days(days, ret);
	ret->second_of_day = (int)(t - days * DAY_S);
	ret->utc_offset_s = offset_s;
	return 0;
}

int
tz_utc(int64_t t, struct tz_local *ret)
{
	return local_at(t, 0, ret);
}

static void
put_digits(char *p, int width, int v)
{
	while (width-- > 0) {
		p[width] = (char)('0' + v % 10);
		v /= 10;
	}
}

void
tz_iso(int64_t t, char ret[TZ_ISO_LEN])
{
	int64_t min = tz_from_utc(0, 1, 1, 0);
	int64_t max = tz_from_utc(9999, 12, 31, DAY_S - 1);
	struct tz_local l = { 0, 1, 1, 4, 0, 0 };

	t = t < min ? min : t > max ? max : t;
	tz_utc(t, &l);
	memcpy(ret, "0000-00-00T00:00:00Z", TZ_ISO_LEN);
	put_digits(ret, 4, l.year);
	put_digits(ret + 5, 2, l.month);
	put_digits(ret + 8, 2, l.day);
	put_digits(ret + 11, 2, l.second_of_day / 3600);
	put_digits(ret + 14, 2, l.second_of_day / 60 % 60);
	put_digits(ret + 17, 2, l.second_of_day % 60);
}

/* ---- the POSIX TZ string (POSIX.1-2017, 8.3; RFC 8536 section 3.3.1) ---- */

struct cursor {
	const char *p, *end;
};

static bool
take(struct cursor *c, char want)
{
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

static bool
take_number(struct cursor *c, int min, int max, int *ret)
{
	const char *from = c->p;
	int v = 0;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
		if (c->p - from == 3)
			return false;
		v = v * 10 + (*c->p++ - '0');
	}
	if (c->p == from || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

static bool
is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "CET" or "<-03>". */
static bool
take_name(struct cursor *c)
{
	bool quoted = take(c, '<');
	const char *from = c->p;

	while (c->p < c->end && (is_alpha(*c->p) || (quoted &&
	    ((*c->p >= '0' && *c->p <= '9') || *c->p == '+' || *c->p == '-'))))
		c->p++;
	return c->p - from >= 3 && (!quoted || take(c, '>'));
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool
take_time(struct cursor *c, int hours_max, int *ret)
{
	int h, m = 0, s = 0, sign = 1;

	if (take(c, '-'))
		sign = -1;
	else
		take(c, '+');
	if (!take_number(c, 0, hours_max, &h))
		return false;
	if (take(c, ':')) {
		if (!take_number(c, 0, 59, &m))
			return false;
		if (take(c, ':') && !take_number(c, 0, 59, &s))
			return false;
	}
	*ret = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool
take_rule(struct cursor *c, struct rule *ret)
{
	bool ok;

	ret->month = ret->week = 0;
	ret->time_s = 2 * 3600;
	if (take(c, 'M')) {
		ret->kind = 'M';
		ok = take_number(c, 1, 12, &ret->month) && take(c, '.') &&
		    take_number(c, 1, 5, &ret->week) && take(c, '.') &&
		    take_number(c, 0, 6, &ret->day);
	} else if (take(c, 'J')) {
		ret->kind = 'J';
		ok = take_number(c, 1, 365, &ret->day);
	} else {
		ret->kind = '0';
		ok = take_number(c, 0, 365, &ret->day);
	}
	return ok && (!take(c, '/') || take_time(c, 167, &ret->time_s));
}

static bool
parse_footer(const char *p, const char *end, struct footer *ret)
{
	struct cursor c = { p, end };

	ret->dst = false;
	if (!take_name(&c) || !take_time(&c, 24, &ret->std_s))
		return false;
	ret->std_s = -ret->std_s; /* POSIX counts westward */
	if (c.p == c.end)
		return true;
	ret->dst = true;
	ret->dst_s = ret->std_s + 3600;
	if (!take_name(&c))
		return false;
	if (c.p < c.end && *c.p != ',') {
		if (!take_time(&c, 24, &ret->dst_s))
			return false;
		ret->dst_s = -ret->dst_s;
	}
	/* DST without rules would mean whatever the implementation likes; zic
	 * writes no such footer. */
	return take(&c, ',') && take_rule(&c, &ret->start) && take(&c, ',') &&
	    take_rule(&c, &ret->end) && c.p == c.end;
}

/* When the rule strikes in a year, by the wall clock before it. */
static int64_t
rule_at(const struct rule *r, int64_t year)
{
	struct tz_local first;
	int64_t days;
	int day;

	switch (r->kind) {
	case 'M':
		days = days_from_civil(year, r->month, 1);
		civil_from_days(days, &first);
		day = (r->day - first.weekday + 7) % 7 + (r->week - 1) * 7;
		if (day >= days_in_month(year, r->month))
			day -= 7;
		days += day;
		break;
	case 'J':
		days = days_from_civil(year, 1, 1) + r->day - 1 +
		    (is_leap_year(year) && r->day >= 60);
		break;
	default:
		days = days_from_civil(year, 1, 1) + r->day;
		break;
	}
	return days * DAY_S + r->time_s;
}

/*
 * The change that came last decides. Neighbouring years are looked at too: a
 * rule's time may lie a week outside its day, and DST may fill a whole year
 * and the next ("XXX3EDT4,0/0,J365/23"), where a start at the moment of an end wins.
 */
static int
footer_offset(const struct footer *f, int64_t t)
{
	struct tz_local l;
	int64_t y, start, end;
	bool dst = false;

	if (!f->dst || local_at(t, f->std_s, &l) != 0)
		return f->std_s;
	for (y = (int64_t)l.year - 2; y <= (int64_t)l.year + 1; y++) {
		start = rule_at(&f->start, y) - f->std_s;
		end = rule_at(&f->end, y) - f->dst_s;
		if (start <= end)
			dst = t >= end ? false : t >= start ? true : dst;
		else
			dst = t >= start ? true : t >= end ? false : dst;
	}
	return dst ? f->dst_s : f->std_s;
}

/* ---- TZif ---- */

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static int32_t
be32s(const uint8_t *p)
{
	return (int32_t)be32(p);
}

static int64_t
be_time(const uint8_t *p, unsigned size)
{
	if (size == 4)
		return be32s(p);
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

struct header {
	char version;
	uint32_t isut, isstd, leap, time, type, chars;
};

static bool
read_header(const uint8_t *p, uint64_t len, struct header *ret)
{
	if (len < HEADER_LEN || memcmp(p, "TZif", 4) != 0)
		return false;
	ret->version = (char)p[4];
	ret->isut = be32(p + 20);
	ret->isstd = be32(p + 24);
	ret->leap = be32(p + 28);
	ret->time = be32(p + 32);
	ret->type = be32(p + 36);
	ret->chars = be32(p + 40);
	return (ret->version == '\0' || (ret->version >= '2' && ret->version <= '9')) &&
	    (ret->isut == 0 || ret->isut == ret->type) &&
	    (ret->isstd == 0 || ret->isstd == ret->type);
}

/* The counts are 32 bits, so the sum cannot overflow. */
static uint64_t
block_len(const struct header *h, unsigned time_size)
{
	return (uint64_t)h->time * (time_size + 1) + (uint64_t)h->type * 6 +
	    h->chars + (uint64_t)h->leap * (time_size + 4) + h->isstd + h->isut;
}

static bool
types_ok(const struct tz *tz, uint32_t chars)
{
	const uint8_t *p = tz->types;
	uint32_t i;

	for (i = 0; i < tz->type_count; i++, p += 6) {
		if (be32s(p) < -OFFSET_MAX_S || be32s(p) > OFFSET_MAX_S ||
		    p[4] > 1 || p[5] >= chars)
			return false;
	}
	return tz->type_count > 0;
}

static bool
times_ok(const struct tz *tz)
{
	uint32_t i;

	for (i = 0; i < tz->time_count; i++) {
		if (tz->indices[i] >= tz->type_count)
			return false;
		if (i > 0 && be_time(tz->times + i * tz->time_size, tz->time_size) <=
		    be_time(tz->times + (i - 1) * tz->time_size, tz->time_size))
			return false;
	}
	return true;
}

static bool
leaps_ok(const struct tz *tz)
{
	unsigned step = tz->time_size + 4;
	int32_t corr;
	uint32_t i;

	for (i = 0; i < tz->leap_count; i++) {
		corr = be32s(tz->leaps + i * step + tz->time_size);
		if (corr < -OFFSET_MAX_S || corr > OFFSET_MAX_S)
			return false;
		if (i > 0 && be_time(tz->leaps + i * step, tz->time_size) <=
		    be_time(tz->leaps + (i - 1) * step, tz->time_size))
			return false;
	}
	return true;
}

/* Point into the block at off, which is known to be inside the data. */
static bool
use_block(struct tz *tz, const struct header *h, uint64_t off, unsigned time_size)
{
	tz->time_size = time_size;
	tz->time_count = h->time;
	tz->type_count = h->type;
	tz->leap_count = h->leap;
	tz->times = tz->data + off;
	tz->indices = tz->times + (uint64_t)h->time * time_size;
	tz->types = tz->indices + h->time;
	tz->leaps = tz->types + (uint64_t)h->type * 6 + h->chars;
	return types_ok(tz, h->chars) && times_ok(tz) && leaps_ok(tz);
}

/* "\n" TZ "\n"; an empty TZ string says nothing. */
static bool
use_footer(struct tz *tz, uint64_t off)
{
	const char *p = (const char *)tz->data + off, *end;

	if (off >= tz->len || *p != '\n')
		return false;
	p++;
	end = memchr(p, '\n', tz->len - off - 1);
	if (end == NULL)
		return false;
	tz->has_footer = end > p;
	return !tz->has_footer || parse_footer(p, end, &tz->footer);
}

static bool
check(struct tz *tz)
{
	struct header h;
	uint64_t off, len;

	if (!read_header(tz->data, tz->len, &h))
		return false;
	off = HEADER_LEN;
	len = block_len(&h, 4);
	if (len > tz->len - off)
		return false;
	if (h.version == '\0')
		return use_block(tz, &h, off, 4);
	off += len;
	if (!read_header(tz->data + off, tz->len - off, &h) || h.version == '\0')
		return false;
	off += HEADER_LEN;
	len = block_len(&h, 8);
	if (len > tz->len - off)
		return false;
	return use_block(tz, &h, off, 8) && use_footer(tz, off + len);
}

static struct tz *
tz_new(uint64_t len)
{
	struct tz *tz = calloc(1, sizeof(*tz) + len);

	if (tz != NULL)
		tz->len = len;
	return tz;
}

void
tz_free(struct tz *tz)
{
	free(tz);
}

int
tz_parse(const void *data, uint64_t len, struct tz **ret)
{
	struct tz *tz;

	if (len > FILE_MAX)
		return IAM_ERR_LIMIT;
	if ((tz = tz_new(len)) == NULL)
		return IAM_ERR_MEMORY;
	if (len > 0)
		memcpy(tz->data, data, len);
	if (!check(tz)) {
		tz_free(tz);
		return IAM_ERR_FORMAT;
	}
	*ret = tz;
	return 0;
}

static bool
name_ok(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++) {
		if (i == NAME_LEN_MAX)
			return false;
		if (name[i] == '/' && (i == 0 || name[i - 1] == '/'))
			return false;
		if (!is_alpha(name[i]) && (name[i] < '0' || name[i] > '9') &&
		    strchr("/_+-", name[i]) == NULL)
			return false;
	}
	return i > 0 && name[i - 1] != '/';
}

static int
read_exactly(int fd, uint8_t *p, uint64_t len)
{
	ssize_t n;

	while (len > 0) {
		n = read(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return IAM_ERR_IO;
		if (n == 0) /* it shrank since fstat */
			return IAM_ERR_FORMAT;
		p += n;
		len -= (uint64_t)n;
	}
	return 0;
}

/* The path is root's, also where it is a symlink: /etc/localtime usually is,
 * and so are many names of zones. */
static int
load_path(const char *path, struct tz **ret)
{
	struct tz *tz = NULL;
	struct stat st;
	int fd, r, saved;

	if ((r = file_open(path, FILE_ANY, &fd, &st)) != 0)
		return r;
	if (st.st_size < 0 || (uint64_t)st.st_size > FILE_MAX)
		r = IAM_ERR_LIMIT;
	else if ((tz = tz_new((uint64_t)st.st_size)) == NULL)
		r = IAM_ERR_MEMORY;
	else if ((r = read_exactly(fd, tz->data, tz->len)) == 0 && !check(tz))
		r = IAM_ERR_FORMAT;
	saved = errno;
	close(fd);
	errno = saved;
	if (r != 0) {
		tz_free(tz);
		return r;
	}
	*ret = tz;
	return 0;
}

static int
load_host(struct tz **ret)
{
	int r = load_path(IAM_PATH_LOCALTIME, ret);

	if (r != IAM_ERR_ABSENT)
		return r;
	if ((*ret = tz_new(0)) == NULL)
		return IAM_ERR_MEMORY;
	(*ret)->has_footer = true; /* all zero: UTC */
	return 0;
}

int
tz_load(const char *name, struct tz **ret)
{
	char path[sizeof(IAM_PATH_ZONEINFO) + 1 + NAME_LEN_MAX];
	int r;

	if (name == NULL)
		return load_host(ret);
	if (!name_ok(name))
		return IAM_ERR_ARG;
	snprintf(path, sizeof(path), "%s/%s", IAM_PATH_ZONEINFO, name);
	r = load_path(path, ret);
	return r == IAM_ERR_UNSAFE ? IAM_ERR_ABSENT : r; /* "Europe" is a directory */
}

/* How many entries of a sorted table, step bytes each, are at or before t. */
static uint32_t
count_until(const uint8_t *table, uint32_t n, unsigned step, unsigned time_size,
    int64_t t)
{
	uint32_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (be_time(table + (size_t)mid * step, time_size) <= t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Zones under right/ count leap seconds; others have none. */
static int32_t
leap_correction(const struct tz *tz, int64_t t)
{
	unsigned step = tz->time_size + 4;
	uint32_t n;

	n = count_until(tz->leaps, tz->leap_count, step, tz->time_size, t);
	return n == 0 ? 0 : be32s(tz->leaps + (size_t)(n - 1) * step + tz->time_size);
}

static int
offset_at(const struct tz *tz, int64_t t)
{
	uint32_t n, type = 0;

	n = count_until(tz->times, tz->time_count, tz->time_size, tz->time_size, t);
	if (n == tz->time_count && tz->has_footer)
		return footer_offset(&tz->footer, t - leap_correction(tz, t));
	if (n > 0)
		type = tz->indices[n - 1];
	return be32s(tz->types + (size_t)type * 6);
}

int
tz_at(const struct tz *tz, int64_t t, struct tz_local *ret)
{
	if (!time_ok(t))
		return IAM_ERR_ARG;
	return local_at(t - leap_correction(tz, t), offset_at(tz, t), ret);
}
