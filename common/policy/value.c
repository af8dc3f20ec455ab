/*
 * Values of conditions, read in the same way out of documents and requests.
 *
 * Numbers: decimal text, compared exactly and without rounding. Dates: the
 * W3C profile of ISO 8601 (NOTE-datetime) or whole seconds since 1970.
 * Addresses: inet_pton(3). Binary: RFC 4648 section 4.
 */
#include <arpa/inet.h>

#include "common/base/base.h"
#include "common/policy/internal.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && is_digit(p[n]))
		n++;
	return n;
}

/* ---- numbers ---- */

bool
val_number(const char *p, size_t len, struct val_number *ret)
{
	size_t n;

	ret->negative = false;
	if (len > 0 && (p[0] == '-' || p[0] == '+')) {
		ret->negative = p[0] == '-';
		p++, len--;
	}
	if ((n = digits(p, len)) == 0)
		return false;
	ret->whole = p;
	ret->whole_len = n;
	p += n, len -= n;
	ret->fraction = p;
	ret->fraction_len = 0;
	if (len > 0) {
		if (p[0] != '.' || digits(p + 1, len - 1) != len - 1 || len == 1)
			return false;
		ret->fraction = p + 1;
		ret->fraction_len = len - 1;
	}
	while (ret->whole_len > 0 && ret->whole[0] == '0')
		ret->whole++, ret->whole_len--;
	while (ret->fraction_len > 0 && ret->fraction[ret->fraction_len - 1] == '0')
		ret->fraction_len--;
	if (ret->whole_len == 0 && ret->fraction_len == 0)
		ret->negative = false;
	return true;
}

static int
compare_magnitude(const struct val_number *a, const struct val_number *b)
{
	size_t n = a->fraction_len < b->fraction_len ? a->fraction_len : b->fraction_len;
	int r;

	if (a->whole_len != b->whole_len)
		return a->whole_len < b->whole_len ? -1 : 1;
	if ((r = memcmp(a->whole, b->whole, a->whole_len)) != 0 ||
	    (r = memcmp(a->fraction, b->fraction, n)) != 0)
		return r;
	return a->fraction_len == b->fraction_len ? 0 :
	    a->fraction_len < b->fraction_len ? -1 : 1;
}

int
val_number_compare(const struct val_number *a, const struct val_number *b)
{
	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	return a->negative ? compare_magnitude(b, a) : compare_magnitude(a, b);
}

/* ---- dates ---- */

/* Exactly n digits at *p; moves on. */
static bool
take_digits(const char **p, const char *end, int n, int *ret)
{
	int i, v = 0;

	if (end - *p < n)
		return false;
	for (i = 0; i < n; i++) {
		if (!is_digit((*p)[i]))
			return false;
		v = v * 10 + ((*p)[i] - '0');
	}
	*p += n;
	*ret = v;
	return true;
}

static bool
take_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

static int
month_days(int year, int month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* ":ss" and ".fraction", both optional. */
static bool
take_seconds(const char **p, const char *end, int *ret_s, uint32_t *ret_ns)
{
	uint32_t unit = 100000000;
	const char *from;

	*ret_s = 0;
	*ret_ns = 0;
	if (!take_char(p, end, ':'))
		return true;
	if (!take_digits(p, end, 2, ret_s) || *ret_s > 59)
		return false;
	if (!take_char(p, end, '.'))
		return true;
	for (from = *p; *p != end && is_digit(**p); (*p)++, unit /= 10)
		*ret_ns += unit * (uint32_t)(**p - '0');
	return *p != from;
}

/* "Z" or "+hh:mm". */
static bool
take_zone(const char **p, const char *end, int *ret_offset_s)
{
	int h, m, sign;

	*ret_offset_s = 0;
	if (take_char(p, end, 'Z'))
		return true;
	sign = take_char(p, end, '+') ? 1 : take_char(p, end, '-') ? -1 : 0;
	if (sign == 0 || !take_digits(p, end, 2, &h) || !take_char(p, end, ':') ||
	    !take_digits(p, end, 2, &m) || h > 23 || m > 59)
		return false;
	*ret_offset_s = sign * (h * 3600 + m * 60);
	return true;
}

static bool
calendar_date(const char *p, const char *end, struct val_date *ret)
{
	int year, month = 1, day = 1, h, m, s, offset;

	ret->ns = 0;
	if (!take_digits(&p, end, 4, &year))
		return false;
	if (take_char(&p, end, '-')) {
		if (!take_digits(&p, end, 2, &month) || month < 1 || month > 12)
			return false;
		if (take_char(&p, end, '-')) {
			if (!take_digits(&p, end, 2, &day) || day < 1 ||
			    day > month_days(year, month))
				return false;
			if (take_char(&p, end, 'T')) {
				if (!take_digits(&p, end, 2, &h) || h > 23 ||
				    !take_char(&p, end, ':') ||
				    !take_digits(&p, end, 2, &m) || m > 59 ||
				    !take_seconds(&p, end, &s, &ret->ns) ||
				    !take_zone(&p, end, &offset) || p != end)
					return false;
				ret->s = tz_from_utc(year, month, day,
				    h * 3600 + m * 60 + s) - offset;
				return true;
			}
		}
	}
	if (p != end)
		return false;
	ret->s = tz_from_utc(year, month, day, 0);
	return true;
}

bool
val_date(const char *p, size_t len, struct val_date *ret)
{
	bool negative = len > 1 && p[0] == '-';
	size_t i = negative ? 1 : 0;

	/* Four digits are a year: W3C's own first form. */
	if (len - i > 18 || digits(p + i, len - i) != len - i || len == i ||
	    (len == 4 && !negative))
		return calendar_date(p, p + len, ret);
	for (ret->s = 0, ret->ns = 0; i < len; i++)
		ret->s = ret->s * 10 + (p[i] - '0');
	if (negative)
		ret->s = -ret->s;
	return true;
}

int
val_date_compare(const struct val_date *a, const struct val_date *b)
{
	if (a->s != b->s)
		return a->s < b->s ? -1 : 1;
	return a->ns == b->ns ? 0 : a->ns < b->ns ? -1 : 1;
}

/* ---- truth, addresses ---- */

bool
val_bool(const char *p, size_t len, bool *ret)
{
	*ret = len == 4 && memcmp(p, "true", 4) == 0;
	return *ret || (len == 5 && memcmp(p, "false", 5) == 0);
}

static bool
take_prefix(const char *p, size_t len, uint8_t max, uint8_t *ret)
{
	size_t i;
	unsigned v = 0;

	if (len == 0 || len > 3 || digits(p, len) != len || (len > 1 && p[0] == '0'))
		return false;
	for (i = 0; i < len; i++)
		v = v * 10 + (unsigned)(p[i] - '0');
	*ret = (uint8_t)v;
	return v <= max;
}

bool
val_ip(const char *p, size_t len, bool range, struct val_ip *ret)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char text[INET6_ADDRSTRLEN];
	const char *slash = memchr(p, '/', len);
	size_t n = slash == NULL ? len : (size_t)(slash - p);

	if (n == 0 || n >= sizeof(text) || (slash != NULL && !range) ||
	    memchr(p, 0, len) != NULL)
		return false;
	memcpy(text, p, n);
	text[n] = 0;
	memset(ret, 0, sizeof(*ret));
	ret->family = memchr(text, ':', n) != NULL ? 6 : 4;
	if (inet_pton(ret->family == 6 ? AF_INET6 : AF_INET, text, ret->addr) != 1)
		return false;
	ret->prefix = ret->family == 6 ? 128 : 32;
	if (slash != NULL &&
	    !take_prefix(slash + 1, len - n - 1, ret->prefix, &ret->prefix))
		return false;
	if (ret->family == 6 && ret->prefix >= 96 && memcmp(ret->addr, mapped, 12) == 0) {
		memmove(ret->addr, ret->addr + 12, 4);
		memset(ret->addr + 4, 0, 12);
		ret->family = 4;
		ret->prefix = (uint8_t)(ret->prefix - 96);
	}
	return true;
}

bool
val_ip_within(const struct val_ip *range, const struct val_ip *addr)
{
	size_t whole = range->prefix / 8;
	uint8_t mask = (uint8_t)(0xff00 >> range->prefix % 8);

	if (range->family != addr->family || whole > sizeof(range->addr) ||
	    memcmp(range->addr, addr->addr, whole) != 0)
		return false;
	return range->prefix % 8 == 0 || whole >= sizeof(range->addr) ||
	    ((range->addr[whole] ^ addr->addr[whole]) & mask) == 0;
}

bool
val_ip_host_bits(const struct val_ip *range)
{
	size_t bits = range->family == 6 ? 128 : 32, i;

	for (i = range->prefix; i < bits; i++)
		if ((range->addr[i / 8] & (0x80 >> i % 8)) != 0)
			return true;
	return false;
}

/* ---- base64 ---- */

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four characters into at most three bytes; 0 when it is none. */
static size_t
group(const char *p, bool last, uint8_t out[3])
{
	int a = sextet(p[0]), b = sextet(p[1]), c = sextet(p[2]), d = sextet(p[3]);

	if (a < 0 || b < 0)
		return 0;
	out[0] = (uint8_t)(a << 2 | b >> 4);
	if (last && p[2] == '=' && p[3] == '=')
		return (b & 15) == 0 ? 1 : 0;
	if (c < 0)
		return 0;
	out[1] = (uint8_t)(b << 4 | c >> 2);
	if (last && p[3] == '=')
		return (c & 3) == 0 ? 2 : 0;
	if (d < 0)
		return 0;
	out[2] = (uint8_t)(c << 6 | d);
	return 3;
}

bool
val_base64(const char *p, size_t len, uint8_t *ret, size_t *ret_len)
{
	uint8_t g[3];
	size_t i, n, at = 0;

	if (len % 4 != 0)
		return false;
	for (i = 0; i < len; i += 4) {
		if ((n = group(p + i, i + 4 == len, g)) == 0)
			return false;
		if (ret != NULL)
			memcpy(ret + at, g, n);
		at += n;
	}
	*ret_len = at;
	return true;
}

bool
val_base64_equal(const char *p, size_t len, const uint8_t *data,
    size_t data_len, bool *ret_ok)
{
	uint8_t g[3];
	size_t i, n, at = 0;
	bool same = true;

	*ret_ok = len % 4 == 0;
	for (i = 0; *ret_ok && i < len; i += 4) {
		if ((n = group(p + i, i + 4 == len, g)) == 0)
			*ret_ok = false;
		else if (n > data_len - at || memcmp(data + at, g, n) != 0)
			same = false;
		else
			at += n;
	}
	return *ret_ok && same && at == data_len;
}

/* ---- ARNs ---- */

bool
val_arn(const char *p, size_t len, struct val_slice ret[ARN_PARTS])
{
	const char *colon;
	int i;

	for (i = 0; i < ARN_PARTS - 1; i++) {
		if ((colon = memchr(p, ':', len)) == NULL)
			return false;
		ret[i].p = p;
		ret[i].len = (size_t)(colon - p);
		len -= ret[i].len + 1;
		p = colon + 1;
	}
	ret[i].p = p;
	ret[i].len = len;
	return ret[0].len == 3 && memcmp(ret[0].p, "arn", 3) == 0;
}

/* ---- windows: "Mon-Fri,Sun 08:30-18:00 Europe/Berlin" ---- */

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static bool
take_day(const char **p, const char *end, int *ret)
{
	for (*ret = 0; end - *p >= 3 && *ret < 7; (*ret)++)
		if (memcmp(*p, day_names[*ret], 3) == 0) {
			*p += 3;
			return true;
		}
	return false;
}

static bool
take_days(const char **p, const char *end, uint8_t *ret)
{
	int a, b;

	*ret = 0;
	do {
		if (!take_day(p, end, &a))
			return false;
		b = a;
		if (take_char(p, end, '-') && !take_day(p, end, &b))
			return false;
		for (*ret |= (uint8_t)(1 << a); a != b; *ret |= (uint8_t)(1 << a))
			a = (a + 1) % 7;
	} while (take_char(p, end, ','));
	return true;
}

static bool
take_clock(const char **p, const char *end, bool is_end, uint32_t *ret)
{
	int h, m;

	if (!take_digits(p, end, 2, &h) || !take_char(p, end, ':') ||
	    !take_digits(p, end, 2, &m) || m > 59)
		return false;
	*ret = (uint32_t)(h * 3600 + m * 60);
	return h < 24 || (is_end && h == 24 && m == 0);
}

static bool
is_zone_name(const char *p, const char *end)
{
	const char *q;

	if (p == end || end - p > 64 || *p == '/' || *p == '-')
		return false;
	for (q = p; q < end; q++) {
		if (!is_digit(*q) && !(ascii_lower(*q) >= 'a' && ascii_lower(*q) <= 'z') &&
		    *q != '/' && *q != '_' && *q != '-' && *q != '+')
			return false;
		if (*q == '/' && (q + 1 == end || q[1] == '/'))
			return false;
	}
	return true;
}

static bool
refuse(const char **ret_why, const char *why)
{
	if (ret_why != NULL)
		*ret_why = why;
	return false;
}

bool
val_window(const char *p, size_t len, struct val_window *ret,
    const char **ret_why)
{
	const char *end = p + len;

	ret->days = 0x7f;
	ret->start_s = 0;
	ret->end_s = 86400;
	ret->zone.p = end;
	ret->zone.len = 0;
	if (p != end && !is_digit(*p)) {
		if (!take_days(&p, end, &ret->days))
			return refuse(ret_why, "days are Mon Tue Wed Thu Fri Sat Sun, "
			    "as lists and ranges: \"Mon-Fri,Sun\"");
		if (p != end && !take_char(&p, end, ' '))
			return refuse(ret_why, "one space follows the days");
		if (p == end && end[-1] == ' ')
			return refuse(ret_why, "a space is left over");
	}
	if (p != end && is_digit(*p)) {
		if (!take_clock(&p, end, false, &ret->start_s) ||
		    !take_char(&p, end, '-') ||
		    !take_clock(&p, end, true, &ret->end_s))
			return refuse(ret_why, "times are HH:MM-HH:MM, from 00:00 to 24:00");
		if (ret->start_s == ret->end_s)
			return refuse(ret_why, "start and end are the same: leave the "
			    "times away for the whole day");
		if (p != end && !take_char(&p, end, ' '))
			return refuse(ret_why, "one space follows the times");
		if (p == end && end[-1] == ' ')
			return refuse(ret_why, "a space is left over");
	}
	if (len == 0)
		return refuse(ret_why, "the window is empty");
	if (p == end)
		return true;
	if (!is_zone_name(p, end))
		return refuse(ret_why, "the time zone is not a name as Europe/Berlin");
	ret->zone.p = p;
	ret->zone.len = (size_t)(end - p);
	return true;
}

bool
val_window_holds(const struct val_window *w, int weekday, int second)
{
	uint32_t s = (uint32_t)second;
	bool today = (w->days >> weekday & 1) != 0;
	bool yesterday = (w->days >> (weekday + 6) % 7 & 1) != 0;

	if (w->start_s < w->end_s)
		return today && s >= w->start_s && s < w->end_s;
	return (today && s >= w->start_s) || (yesterday && s < w->end_s);
}

bool
pol_value_is(enum pol_type type, const char *p, size_t len)
{
	struct val_number number;
	struct val_date date;
	struct val_ip ip;
	size_t n;
	bool truth;

	switch (type) {
	case POL_T_STRING:
		return true;
	case POL_T_NUMERIC:
		return val_number(p, len, &number);
	case POL_T_BOOLEAN:
		return val_bool(p, len, &truth);
	case POL_T_IP:
		return val_ip(p, len, false, &ip);
	case POL_T_BINARY:
		return val_base64(p, len, NULL, &n);
	case POL_T_DATE:
		return val_date(p, len, &date);
	}
	return false;
}
