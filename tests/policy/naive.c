/*
 * The naive evaluator. Every rule stands here as the documentation says it, the
 * page of the IAM User Guide beside it; no index, no compiled form, no cleverness.
 * Authorities for values: inet_pton(3), timegm(3), localtime_r(3), libsodium's
 * base64.
 */
#include "tests/policy/naive.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <sodium.h>

/* UNSURE: the request cannot be judged. No Allow applies then, and every Deny. */
enum answer { NO, YES, UNSURE };

struct text {
	const char *p;
	size_t n;
};

struct asking { /* one request, and the document that is being read */
	const char *principal, *action, *resource;
	struct text principal_account, resource_account;
	json_t *context;
	bool bounded;   /* there is a permissions boundary */
	bool variables; /* the document's version has them */
	bool kept;
	const char *host_zone;
};

static enum answer
not(enum answer a)
{
	return a == UNSURE ? UNSURE : a == YES ? NO : YES;
}

static enum answer
and(enum answer a, enum answer b)
{
	if (a == NO || b == NO)
		return NO;
	return a == UNSURE || b == UNSURE ? UNSURE : YES;
}

static enum answer
or(enum answer a, enum answer b)
{
	return not(and(not(a), not(b)));
}

/* "Wherever a list stands, a single value may stand as well." */
static size_t
count(const json_t *v)
{
	return json_is_array(v) ? json_array_size(v) : v == NULL || json_is_null(v) ? 0 : 1;
}

static const json_t *
item(const json_t *v, size_t i)
{
	return json_is_array(v) ? json_array_get(v, i) : v;
}

static struct text
text_of(const json_t *v)
{
	struct text t = { "", 0 };

	if (json_is_string(v)) {
		t.p = json_string_value(v);
		t.n = json_string_length(v);
	}
	return t;
}

static bool
same(struct text a, struct text b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static bool
is(struct text a, const char *b)
{
	return a.n == strlen(b) && memcmp(a.p, b, a.n) == 0;
}

/* ---- the request's context ---- */

/* "Key names are not case-sensitive." */
static const json_t *
key_of(const struct asking *q, struct text name)
{
	const char *k;
	json_t *v;

	json_object_foreach(q->context, k, v)
		if (strlen(k) == name.n && strncasecmp(k, name.p, name.n) == 0)
			return v;
	return NULL;
}

/* "An empty set or an empty string counts as missing." */
static bool
is_missing(const json_t *key)
{
	size_t i;

	for (i = 0; i < count(key); i++)
		if (text_of(item(key, i)).n > 0)
			return false;
	return true;
}

/* ---- characters (RFC 3629); a byte that is no UTF-8 is one of its own ---- */

static size_t
char_len(const char *s, size_t left)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n, i;
	unsigned long u;

	if (p[0] < 0x80)
		return 1;
	n = (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 :
	    (p[0] & 0xf8) == 0xf0 ? 4 : 0;
	if (n == 0 || n > left)
		return 1;
	u = p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		u = u << 6 | (p[i] & 0x3fu);
	}
	if (u < (n == 2 ? 0x80u : n == 3 ? 0x800u : 0x10000u) || u > 0x10ffff ||
	    (u >= 0xd800 && u < 0xe000))
		return 1;
	return n;
}

static bool
is_utf8(struct text t)
{
	size_t i, n;

	for (i = 0; i < t.n; i += n) {
		n = char_len(t.p + i, t.n - i);
		if (n == 1 && (unsigned char)t.p[i] >= 0x80)
			return false;
	}
	return true;
}

/* ---- patterns: "Wildcards", "Policy variables and tags" ---- */

struct token {
	enum { CHARACTER, STAR, ONE } kind;
	char c[4];
	size_t n;
	bool written; /* in the document, not by a variable */
};

struct pattern {
	struct token *v;
	size_t n;
	bool no_value; /* a variable without one */
	bool unsure;   /* a variable with several, or with bytes that are no text */
};

enum { WILD = 1, VARIABLES = 2, FOLD = 4 };

static void
put(struct pattern *pat, int kind, const char *p, size_t n, bool written)
{
	struct token *t;

	pat->v = realloc(pat->v, (pat->n + 1) * sizeof(*pat->v));
	if (pat->v == NULL)
		abort();
	t = &pat->v[pat->n++];
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	memcpy(t->c, p, n);
	t->n = n;
	t->written = written;
}

static void
put_plain(struct pattern *pat, struct text t)
{
	size_t i, n;

	for (i = 0; i < t.n; i += n) {
		n = char_len(t.p + i, t.n - i);
		put(pat, CHARACTER, t.p + i, n, false);
	}
}

/* What is between "${" and "}". */
static void
put_variable(const struct asking *q, struct pattern *pat, struct text inner)
{
	const char *comma = memchr(inner.p, ',', inner.n), *quote;
	struct text name = inner, value = { "", 0 };
	const json_t *key;

	if (inner.n == 1 && strchr("*?$", inner.p[0]) != NULL) {
		put_plain(pat, inner);
		return;
	}
	if (comma != NULL)
		name.n = (size_t)(comma - inner.p);
	key = key_of(q, name);
	if (!is_missing(key)) {
		value = text_of(item(key, 0));
		if (count(key) == 1 && is_utf8(value)) {
			put_plain(pat, value);
		} else {
			pat->unsure = true;
			put(pat, STAR, "", 0, false); /* it may be anything */
		}
	} else if (comma != NULL) {
		quote = memchr(comma, '\'', inner.n - name.n);
		value.p = quote + 1;
		value.n = (size_t)(inner.p + inner.n - 1 - value.p);
		put_plain(pat, value);
	} else {
		pat->no_value = true;
	}
}

/* A default value may hold anything but a quote, braces too. */
static const char *
closing_brace(const char *p, const char *end)
{
	bool quoted = false;

	for (; p < end; p++) {
		if (*p == '\'')
			quoted = !quoted;
		else if (*p == '}' && !quoted)
			return p;
	}
	return NULL;
}

static struct pattern
read_pattern(const struct asking *q, struct text t, unsigned how)
{
	const char *p = t.p, *end = t.p + t.n, *close;
	struct pattern pat = { NULL, 0, false, false };
	size_t n;

	for (; p < end; p += n) {
		n = char_len(p, (size_t)(end - p));
		if ((how & VARIABLES) != 0 && q->variables && p[0] == '$' &&
		    end - p > 1 && p[1] == '{' && (close = closing_brace(p, end)) != NULL) {
			struct text inner = { p + 2, (size_t)(close - p - 2) };

			put_variable(q, &pat, inner);
			n = (size_t)(close + 1 - p);
		} else if ((how & WILD) != 0 && (*p == '*' || *p == '?')) {
			put(&pat, *p == '*' ? STAR : ONE, p, 1, true);
		} else {
			put(&pat, CHARACTER, p, n, true);
		}
	}
	return pat;
}

static bool
same_character(const struct token *t, const char *p, size_t n, bool fold)
{
	if (t->n != n)
		return false;
	if (fold && n == 1 && (t->c[0] & 0x80) == 0 && (p[0] & 0x80) == 0)
		return tolower(t->c[0]) == tolower(p[0]);
	return memcmp(t->c, p, n) == 0;
}

/* Which places of the text can be reached, token by token. */
static bool
tokens_match(const struct token *v, size_t n, struct text t, bool fold)
{
	bool *at = calloc(t.n + 1, 1), *next = calloc(t.n + 1, 1), *swap, all;
	size_t i, j, len;

	if (at == NULL || next == NULL)
		abort();
	at[0] = true;
	for (i = 0; i < n; i++) {
		memset(next, 0, t.n + 1);
		for (j = 0; j <= t.n; j++) {
			if (!at[j] && !(v[i].kind == STAR && next[j]))
				continue;
			if (v[i].kind == STAR)
				next[j] = true;
			if (j == t.n)
				continue;
			len = char_len(t.p + j, t.n - j);
			if (v[i].kind != CHARACTER || same_character(&v[i], t.p + j, len, fold))
				next[j + len] = true;
		}
		swap = at;
		at = next;
		next = swap;
	}
	all = at[t.n];
	free(at);
	free(next);
	return all;
}

static enum answer
judged(const struct pattern *pat, bool matches)
{
	if (pat->no_value || !matches)
		return NO;
	return pat->unsure ? UNSURE : YES;
}

static enum answer
text_matches(const struct asking *q, struct text pattern, unsigned how, struct text t)
{
	struct pattern pat = read_pattern(q, pattern, how);
	enum answer a = judged(&pat, tokens_match(pat.v, pat.n, t, (how & FOLD) != 0));

	free(pat.v);
	return a;
}

/* ---- values by type: "Condition operators" ---- */

/* A decimal number: its sign, and the digit of each power of ten. */
struct number {
	bool negative;
	struct text whole, fraction;
};

static bool
all_digits(struct text t)
{
	size_t i;

	for (i = 0; i < t.n; i++)
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
	return t.n > 0;
}

static bool
read_number(struct text t, struct number *ret)
{
	const char *dot;

	ret->negative = t.n > 0 && t.p[0] == '-';
	if (t.n > 0 && (t.p[0] == '-' || t.p[0] == '+'))
		t.p++, t.n--;
	dot = memchr(t.p, '.', t.n);
	ret->whole = t;
	ret->fraction = (struct text){ "", 0 };
	if (dot == NULL)
		return all_digits(ret->whole);
	ret->whole.n = (size_t)(dot - t.p);
	ret->fraction = (struct text){ dot + 1, t.n - ret->whole.n - 1 };
	return all_digits(ret->whole) && all_digits(ret->fraction);
}

static int
digit(const struct number *n, long power)
{
	if (power >= 0)
		return (size_t)power < n->whole.n ?
		    n->whole.p[n->whole.n - 1 - (size_t)power] - '0' : 0;
	return (size_t)-power <= n->fraction.n ? n->fraction.p[-power - 1] - '0' : 0;
}

static int
compare_numbers(const struct number *a, const struct number *b)
{
	long top = (long)(a->whole.n > b->whole.n ? a->whole.n : b->whole.n);
	long bottom = -(long)(a->fraction.n > b->fraction.n ? a->fraction.n : b->fraction.n);
	long i;
	int x, y;

	for (i = top; i >= bottom; i--) {
		x = a->negative ? -digit(a, i) : digit(a, i);
		y = b->negative ? -digit(b, i) : digit(b, i);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

struct instant {
	long long s;
	long ns;
};

/* form: '0' is a digit, all else is itself. */
static bool
looks(struct text t, const char *form)
{
	size_t i;

	if (t.n != strlen(form))
		return false;
	for (i = 0; i < t.n; i++)
		if (form[i] == '0' ? t.p[i] < '0' || t.p[i] > '9' : t.p[i] != form[i])
			return false;
	return true;
}

static int
two(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* "Z" or "+hh:mm". */
static bool
read_offset(struct text t, long *ret_s)
{
	*ret_s = 0;
	if (is(t, "Z"))
		return true;
	if (!looks(t, "+00:00") && !looks(t, "-00:00"))
		return false;
	*ret_s = (two(t.p + 1) * 60 + two(t.p + 4)) * 60;
	if (two(t.p + 1) > 23 || two(t.p + 4) > 59)
		return false;
	if (t.p[0] == '-')
		*ret_s = -*ret_s;
	return true;
}

/* ".5" behind the seconds; to the nanosecond. Returns its length. */
static size_t
read_fraction(struct text t, long *ret_ns)
{
	size_t i, n = 1;

	*ret_ns = 0;
	if (t.n < 2 || t.p[0] != '.')
		return 0;
	while (n < t.n && isdigit((unsigned char)t.p[n]))
		n++;
	for (i = 1; i <= 9; i++)
		*ret_ns = *ret_ns * 10 + (i < n ? t.p[i] - '0' : 0);
	return n > 1 ? n : 0;
}

static struct text
first(struct text t, size_t n)
{
	t.n = n < t.n ? n : t.n;
	return t;
}

static struct text
after(struct text t, size_t n)
{
	n = n < t.n ? n : t.n;
	t.p += n;
	t.n -= n;
	return t;
}

/* W3C NOTE-datetime: a year, a month, a day, or a time with its zone. */
static bool
read_calendar(struct text t, struct instant *ret)
{
	struct tm tm = { 0 }, was;
	bool month = looks(first(t, 7), "0000-00"), day = looks(first(t, 10), "0000-00-00");
	bool clock = day && looks(after(first(t, 16), 10), "T00:00");
	size_t at = clock ? 16 : day ? 10 : month ? 7 : 4;
	long offset = 0;

	ret->ns = 0;
	if (!looks(first(t, 4), "0000"))
		return false;
	tm.tm_year = two(t.p) * 100 + two(t.p + 2) - 1900;
	tm.tm_mon = month ? two(t.p + 5) - 1 : 0;
	tm.tm_mday = day ? two(t.p + 8) : 1;
	tm.tm_hour = clock ? two(t.p + 11) : 0;
	tm.tm_min = clock ? two(t.p + 14) : 0;
	if (clock && looks(after(first(t, 19), 16), ":00")) {
		tm.tm_sec = two(t.p + 17);
		at = 19 + read_fraction(after(t, 19), &ret->ns);
	}
	if (clock ? !read_offset(after(t, at), &offset) : t.n != at)
		return false;
	was = tm; /* timegm makes a real day and time of any */
	ret->s = timegm(&tm) - offset;
	return was.tm_mon == tm.tm_mon && was.tm_mday == tm.tm_mday &&
	    was.tm_hour == tm.tm_hour && was.tm_min == tm.tm_min &&
	    was.tm_sec == tm.tm_sec;
}

/* "…or whole seconds since 1970. Four digits are a year." */
static bool
read_date(struct text t, struct instant *ret)
{
	bool negative = t.n > 0 && t.p[0] == '-';
	struct text d = negative ? after(t, 1) : t;
	size_t i;

	if (looks(t, "0000") || !all_digits(d) || d.n > 18)
		return read_calendar(t, ret);
	ret->ns = 0;
	ret->s = 0;
	for (i = 0; i < d.n; i++)
		ret->s = ret->s * 10 + (d.p[i] - '0');
	if (negative)
		ret->s = -ret->s;
	return true;
}

static int
compare_dates(const struct instant *a, const struct instant *b)
{
	if (a->s != b->s)
		return a->s < b->s ? -1 : 1;
	return a->ns < b->ns ? -1 : a->ns > b->ns;
}

static bool
read_bytes(struct text t, unsigned char *room, size_t size, size_t *ret_n)
{
	size_t i;

	for (i = 0; i < t.n; i++) /* libsodium takes some bytes that are none of these */
		if (!isalnum((unsigned char)t.p[i]) && memchr("+/=", t.p[i], 3) == NULL)
			return false;
	return t.n % 4 == 0 &&
	    sodium_base642bin(room, size, t.p, t.n, NULL, ret_n, NULL,
	    sodium_base64_VARIANT_ORIGINAL) == 0;
}

struct address {
	int bits; /* 32 or 128 */
	unsigned char a[16];
	int prefix;
};

static bool
read_address(struct text t, bool range, struct address *ret)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255 };
	char room[64], *slash;
	size_t i;

	if (t.n >= sizeof(room) || memchr(t.p, 0, t.n) != NULL)
		return false;
	memcpy(room, t.p, t.n);
	room[t.n] = 0;
	slash = strchr(room, '/');
	if (slash != NULL)
		*slash++ = 0;
	memset(ret->a, 0, sizeof(ret->a));
	ret->bits = strchr(room, ':') != NULL ? 128 : 32;
	if (inet_pton(ret->bits == 32 ? AF_INET : AF_INET6, room, ret->a) != 1)
		return false;
	ret->prefix = ret->bits;
	if (slash != NULL) {
		if (!range || strlen(slash) > 3 || slash[0] == 0 ||
		    (slash[0] == '0' && slash[1] != 0))
			return false;
		for (i = 0, ret->prefix = 0; slash[i] != 0; i++) {
			if (!isdigit((unsigned char)slash[i]))
				return false;
			ret->prefix = ret->prefix * 10 + slash[i] - '0';
		}
		if (ret->prefix > ret->bits)
			return false;
	}
	/* "IPv4-mapped IPv6 is IPv4." */
	if (ret->bits == 128 && ret->prefix >= 96 && memcmp(ret->a, mapped, 12) == 0) {
		memcpy(ret->a, ret->a + 12, 4);
		ret->bits = 32;
		ret->prefix -= 96;
	}
	return true;
}

static bool
address_within(const struct address *range, const struct address *a)
{
	int i;

	if (range->bits != a->bits)
		return false;
	for (i = 0; i < range->prefix; i++)
		if (((range->a[i / 8] ^ a->a[i / 8]) & (0x80 >> i % 8)) != 0)
			return false;
	return true;
}

/* ---- ARNs: six parts at the first five colons ---- */

#define PARTS 6

static bool
split_arn(struct text t, struct text part[PARTS])
{
	const char *colon;
	int i;

	for (i = 0; i < PARTS - 1; i++) {
		if ((colon = memchr(t.p, ':', t.n)) == NULL)
			return false;
		part[i] = first(t, (size_t)(colon - t.p));
		t = after(t, part[i].n + 1);
	}
	part[i] = t;
	return is(part[0], "arn");
}

static bool
read_arn(struct text t)
{
	struct text part[PARTS];

	return split_arn(t, part);
}

/* Colons that the document wrote part the pattern; those of a variable do not. */
static bool
arn_parts_match(const struct pattern *pat, const struct text part[PARTS])
{
	size_t from = 0, to;
	int i;

	for (i = 0; i < PARTS; i++) {
		for (to = from; to < pat->n; to++)
			if (i < PARTS - 1 && pat->v[to].kind == CHARACTER &&
			    pat->v[to].written && pat->v[to].c[0] == ':')
				break;
		if (!tokens_match(pat->v + from, to - from, part[i], false))
			return false;
		from = to + 1;
	}
	return true;
}

static bool
is_arn_pattern(const struct pattern *pat)
{
	size_t i;
	int colons = 0;

	for (i = 0; i < pat->n; i++)
		colons += pat->v[i].kind == CHARACTER && pat->v[i].written &&
		    pat->v[i].c[0] == ':';
	return colons >= PARTS - 1 && pat->v[0].c[0] == 'a' && pat->v[1].c[0] == 'r' &&
	    pat->v[2].c[0] == 'n' && pat->v[3].c[0] == ':';
}

/* ---- windows: iam-policy(5), "Time of day" ---- */

static const char *const day_names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static int
day_of(struct text t)
{
	int i;

	for (i = 0; i < 7; i++)
		if (is(first(t, 3), day_names[i]))
			return i;
	return -1;
}

/* "Mon-Fri,Sun" */
static bool
read_days(struct text t, bool days[7])
{
	int a, b;

	memset(days, 0, 7 * sizeof(*days));
	for (;;) {
		if ((a = b = day_of(t)) < 0)
			return false;
		t = after(t, 3);
		if (t.n > 0 && t.p[0] == '-') {
			if ((b = day_of(after(t, 1))) < 0)
				return false;
			t = after(t, 4);
		}
		for (days[b] = true; a != b; a = (a + 1) % 7)
			days[a] = true;
		if (t.n == 0)
			return true;
		if (t.p[0] != ',')
			return false;
		t = after(t, 1);
	}
}

static bool
read_times(struct text t, long *ret_from, long *ret_to)
{
	if (!looks(t, "00:00-00:00") || two(t.p) > 23 || two(t.p + 3) > 59 ||
	    two(t.p + 9) > 59)
		return false;
	*ret_from = two(t.p) * 3600 + two(t.p + 3) * 60;
	*ret_to = two(t.p + 6) * 3600 + two(t.p + 9) * 60;
	return *ret_to <= 86400 && *ret_from != *ret_to;
}

static struct text
next_word(struct text *t)
{
	const char *space = memchr(t->p, ' ', t->n);
	struct text w = first(*t, space != NULL ? (size_t)(space - t->p) : t->n);

	*t = after(*t, w.n + (space != NULL));
	return w;
}

static bool
is_zone(const char *zone)
{
	char path[160], magic[4];
	bool ok;
	FILE *f;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	if (strstr(zone, "..") != NULL || (f = fopen(path, "re")) == NULL)
		return false;
	ok = fread(magic, 1, 4, f) == 4 && memcmp(magic, "TZif", 4) == 0;
	fclose(f);
	return ok;
}

static bool
local_time(const char *zone, long long s, struct tm *ret)
{
	static char now[80];
	time_t t = (time_t)s;

	if (strcmp(now, zone) != 0) {
		if (!is_zone(zone))
			return false;
		snprintf(now, sizeof(now), "%s", zone);
		setenv("TZ", zone, 1);
		tzset();
	}
	return localtime_r(&t, ret) != NULL && ret->tm_year + 1900 >= -9999 &&
	    ret->tm_year + 1900 <= 9999;
}

static enum answer
window_holds(const struct asking *q, struct text t, const struct instant *when)
{
	bool days[7] = { true, true, true, true, true, true, true };
	struct text word = next_word(&t);
	long from = 0, to = 86400, s;
	char zone[80];
	struct tm tm;

	if (word.n > 0 && !isdigit((unsigned char)word.p[0])) {
		if (!read_days(word, days))
			return NO;
		word = next_word(&t);
	}
	if (word.n > 0 && isdigit((unsigned char)word.p[0])) {
		if (!read_times(word, &from, &to))
			return NO;
		word = next_word(&t);
	}
	snprintf(zone, sizeof(zone), "%.*s", (int)word.n, word.p);
	if (!local_time(zone[0] != 0 ? zone : q->host_zone, when->s, &tm))
		return UNSURE;
	/* "A window whose end is before its start runs into the next day, and its
	 * day names the start." */
	s = tm.tm_hour * 3600 + tm.tm_min * 60 + (tm.tm_sec > 59 ? 59 : tm.tm_sec);
	if (to <= from)
		to += 86400;
	if (days[tm.tm_wday] && s >= from && s < to)
		return YES;
	return days[(tm.tm_wday + 6) % 7] && s + 86400 >= from && s + 86400 < to ? YES : NO;
}

/* ---- one condition ---- */

enum type { STRING, STRING_NOCASE, STRING_LIKE, NUMERIC, DATE, BOOL, BINARY, IP, ARN,
	NULLNESS, WINDOW };
enum relation { EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

struct operator {
	const char *name;
	enum type type;
	enum relation relation;
	bool negated;
};

static const struct operator operators[] = {
	{ "StringEquals", STRING, EQUAL, false },
	{ "StringNotEquals", STRING, EQUAL, true },
	{ "StringEqualsIgnoreCase", STRING_NOCASE, EQUAL, false },
	{ "StringNotEqualsIgnoreCase", STRING_NOCASE, EQUAL, true },
	{ "StringLike", STRING_LIKE, EQUAL, false },
	{ "StringNotLike", STRING_LIKE, EQUAL, true },
	{ "NumericEquals", NUMERIC, EQUAL, false },
	{ "NumericNotEquals", NUMERIC, EQUAL, true },
	{ "NumericLessThan", NUMERIC, LESS, false },
	{ "NumericLessThanEquals", NUMERIC, LESS_OR_EQUAL, false },
	{ "NumericGreaterThan", NUMERIC, GREATER, false },
	{ "NumericGreaterThanEquals", NUMERIC, GREATER_OR_EQUAL, false },
	{ "DateEquals", DATE, EQUAL, false },
	{ "DateNotEquals", DATE, EQUAL, true },
	{ "DateLessThan", DATE, LESS, false },
	{ "DateLessThanEquals", DATE, LESS_OR_EQUAL, false },
	{ "DateGreaterThan", DATE, GREATER, false },
	{ "DateGreaterThanEquals", DATE, GREATER_OR_EQUAL, false },
	{ "Bool", BOOL, EQUAL, false },
	{ "BinaryEquals", BINARY, EQUAL, false },
	{ "IpAddress", IP, EQUAL, false },
	{ "NotIpAddress", IP, EQUAL, true },
	{ "ArnEquals", ARN, EQUAL, false },
	{ "ArnLike", ARN, EQUAL, false },
	{ "ArnNotEquals", ARN, EQUAL, true },
	{ "ArnNotLike", ARN, EQUAL, true },
	{ "Null", NULLNESS, EQUAL, false },
	{ "TimeOfDayWithin", WINDOW, EQUAL, false },
	{ "TimeOfDayNotWithin", WINDOW, EQUAL, true },
};

enum set { SINGLE, FOR_ALL, FOR_ANY };

static const struct operator *
operator_of(const char *name, enum set *ret_set, bool *ret_if_exists)
{
	struct text t = { name, strlen(name) };
	size_t i;

	*ret_set = SINGLE;
	if (is(first(t, 13), "ForAllValues:")) {
		*ret_set = FOR_ALL;
		t = after(t, 13);
	} else if (is(first(t, 12), "ForAnyValue:")) {
		*ret_set = FOR_ANY;
		t = after(t, 12);
	}
	*ret_if_exists = t.n > 8 && is(after(t, t.n - 8), "IfExists");
	if (*ret_if_exists)
		t.n -= 8;
	for (i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (is(t, operators[i].name))
			return &operators[i];
	abort();
}

static bool
stands_in(enum relation r, int order)
{
	switch (r) {
	case EQUAL: return order == 0;
	case LESS: return order < 0;
	case LESS_OR_EQUAL: return order <= 0;
	case GREATER: return order > 0;
	case GREATER_OR_EQUAL: return order >= 0;
	}
	return false;
}

/* Can the text of a request be read as the operator's type? */
static bool
readable(enum type type, struct text t)
{
	unsigned char bytes[4096];
	struct number number;
	struct instant date;
	struct address ip;
	size_t n;

	switch (type) {
	case NUMERIC: return read_number(t, &number);
	case DATE: case WINDOW: return read_date(t, &date);
	case BOOL: return is(t, "true") || is(t, "false");
	case BINARY: return read_bytes(t, bytes, sizeof(bytes), &n);
	case IP: return read_address(t, false, &ip);
	case ARN: return read_arn(t);
	case STRING: case STRING_NOCASE: case STRING_LIKE: case NULLNESS: return true;
	}
	return false;
}

static enum answer
arn_holds(const struct asking *q, struct text wanted, struct text t)
{
	struct pattern pat;
	struct text part[PARTS];
	enum answer a;

	if (is(wanted, "*"))
		return YES;
	pat = read_pattern(q, wanted, WILD | VARIABLES);
	a = pat.n > 4 && is_arn_pattern(&pat) && split_arn(t, part) ?
	    judged(&pat, arn_parts_match(&pat, part)) : NO;
	free(pat.v);
	return a;
}

/* wanted comes from the document, t from the request; t is readable. */
static enum answer
value_holds(const struct asking *q, const struct operator *op, struct text wanted,
    struct text t)
{
	unsigned char xb[4096], yb[4096];
	size_t xn, yn;
	struct number xnum, ynum;
	struct instant xd, yd;
	struct address xa, ya;

	switch (op->type) {
	case STRING:
		return text_matches(q, wanted, VARIABLES, t);
	case STRING_NOCASE:
		return text_matches(q, wanted, VARIABLES | FOLD, t);
	case STRING_LIKE:
		return text_matches(q, wanted, VARIABLES | WILD, t);
	case NUMERIC:
		return read_number(t, &xnum) && read_number(wanted, &ynum) &&
		    stands_in(op->relation, compare_numbers(&xnum, &ynum)) ? YES : NO;
	case DATE:
		return read_date(t, &xd) && read_date(wanted, &yd) &&
		    stands_in(op->relation, compare_dates(&xd, &yd)) ? YES : NO;
	case BOOL:
		return same(wanted, t) ? YES : NO;
	case BINARY:
		return read_bytes(t, xb, sizeof(xb), &xn) &&
		    read_bytes(wanted, yb, sizeof(yb), &yn) &&
		    xn == yn && memcmp(xb, yb, xn) == 0 ? YES : NO;
	case IP:
		return read_address(t, false, &xa) && read_address(wanted, true, &ya) &&
		    address_within(&ya, &xa) ? YES : NO;
	case ARN:
		return arn_holds(q, wanted, t);
	case WINDOW:
		return read_date(t, &xd) ? window_holds(q, wanted, &xd) : NO;
	case NULLNESS:
		break;
	}
	return NO;
}

/* "JSON numbers and booleans are accepted as values." */
static struct text
written(const json_t *v, char *room, size_t size)
{
	struct text t = text_of(v);

	if (json_is_string(v))
		return t;
	if (json_is_boolean(v))
		snprintf(room, size, "%s", json_is_true(v) ? "true" : "false");
	else if (json_is_integer(v))
		snprintf(room, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else
		snprintf(room, size, "%.12f", json_real_value(v));
	return (struct text){ room, strlen(room) };
}

/* Only where the corpus keeps malformed values of documents. */
static bool
malformed(const struct asking *q, enum type type, struct text wanted)
{
	struct address ip;
	struct pattern pat;
	bool arn;

	if (!q->kept || type == WINDOW)
		return false;
	if (type == IP)
		return !read_address(wanted, true, &ip);
	if (type == ARN) {
		pat = read_pattern(q, wanted, WILD | VARIABLES);
		arn = is(wanted, "*") || (pat.n > 4 && is_arn_pattern(&pat));
		free(pat.v);
		return !arn;
	}
	return !readable(type == NULLNESS ? BOOL : type, wanted);
}

/* One value of the request: any value of the list matches, or under a negated
 * operator none (NOR). */
static enum answer
one_holds(const struct asking *q, const struct operator *op, const json_t *list,
    struct text t)
{
	enum answer any = NO;
	struct text wanted;
	char room[400];
	size_t i;

	if (!readable(op->type, t)) /* "no Allow applies and every Deny" */
		return q->kept && !op->negated ? NO : UNSURE;
	for (i = 0; i < count(list); i++) {
		wanted = written(item(list, i), room, sizeof(room));
		if (malformed(q, op->type, wanted))
			any = or(any, op->negated ? UNSURE : NO);
		else
			any = or(any, value_holds(q, op, wanted, t));
	}
	return op->negated ? not(any) : any;
}

static enum answer
null_holds(const struct asking *q, const json_t *list, bool missing)
{
	struct text wanted;
	char room[400];
	size_t i;

	for (i = 0; i < count(list); i++) {
		wanted = written(item(list, i), room, sizeof(room));
		if (!malformed(q, NULLNESS, wanted) && is(wanted, missing ? "true" : "false"))
			return YES;
	}
	return NO;
}

static enum answer
key_holds(const struct asking *q, const char *name, const char *key, const json_t *list)
{
	enum set set;
	bool if_exists, missing, unsure = false, all = true, any = false;
	const struct operator *op = operator_of(name, &set, &if_exists);
	const json_t *asked = key_of(q, (struct text){ key, strlen(key) });
	enum answer a;
	size_t i;

	missing = is_missing(asked);
	if (op->type == NULLNESS)
		return null_holds(q, list, missing);
	if (missing) {
		if (set != SINGLE) /* "ForAllValues true, ForAnyValue false, also IfExists" */
			return set == FOR_ALL ? YES : NO;
		return if_exists || op->negated ? YES : NO;
	}
	if (set == SINGLE && count(asked) > 1)
		return UNSURE;
	for (i = 0; i < count(asked); i++) {
		a = one_holds(q, op, list, text_of(item(asked, i)));
		unsure = unsure || a == UNSURE;
		all = all && a == YES;
		any = any || a == YES;
	}
	if (unsure)
		return UNSURE;
	return (set == FOR_ANY ? any : all) ? YES : NO;
}

/* AND across operators and keys. */
static enum answer
conditions_hold(const struct asking *q, json_t *conditions)
{
	enum answer all = YES;
	const char *name, *key;
	json_t *keys, *list;

	json_object_foreach(conditions, name, keys)
		json_object_foreach(keys, key, list)
			all = and(all, key_holds(q, name, key, list));
	return all;
}

/* ---- principals: "Principal", "NotPrincipal" ---- */

struct naming { /* how a policy of a resource names the caller */
	bool everyone, account, role, exactly;
};

static bool
begins(struct text t, const char *with)
{
	return is(first(t, strlen(with)), with);
}

/* The account and name of the role behind a session. */
static bool
session_role(const char *arn, struct text *ret_name)
{
	struct text part[PARTS], rest;
	const char *slash;

	if (!split_arn((struct text){ arn, strlen(arn) }, part) || !is(part[2], "sts") ||
	    !begins(part[5], "assumed-role/"))
		return false;
	rest = after(part[5], 13);
	if ((slash = memchr(rest.p, '/', rest.n)) == NULL)
		return false;
	*ret_name = first(rest, (size_t)(slash - rest.p));
	return true;
}

static bool
is_root(const char *arn)
{
	struct text part[PARTS];

	return split_arn((struct text){ arn, strlen(arn) }, part) && is(part[2], "iam") &&
	    is(part[5], "root");
}

static void
name_aws(const struct asking *q, struct text t, struct naming *n)
{
	struct text part[PARTS], name, role;
	const char *slash;

	if (is(t, "*")) {
		n->everyone = true;
		return;
	}
	if (!split_arn(t, part)) {
		part[4] = t; /* the account's number */
		part[5] = (struct text){ "root", 4 };
		part[2] = (struct text){ "iam", 3 };
	}
	if (is(part[2], "iam") && is(part[5], "root")) {
		if (same(part[4], q->principal_account)) {
			n->account = true;
			n->exactly = n->exactly || is_root(q->principal);
		}
	} else if (is(part[2], "iam") && begins(part[5], "role/")) {
		slash = memrchr(part[5].p, '/', part[5].n);
		name = after(part[5], (size_t)(slash + 1 - part[5].p));
		if (session_role(q->principal, &role) && same(name, role) &&
		    same(part[4], q->principal_account))
			n->role = true;
	} else if (is(t, q->principal)) {
		n->exactly = true;
	}
}

static struct naming
named_in(const struct asking *q, const json_t *v)
{
	struct naming n = { false, false, false, false };
	const char *kind;
	json_t *list;
	size_t i;

	if (json_is_string(v))
		name_aws(q, text_of(v), &n);
	json_object_foreach((json_t *)(uintptr_t)v, kind, list)
		for (i = 0; i < count(list); i++) {
			if (strcmp(kind, "AWS") == 0)
				name_aws(q, text_of(item(list, i)), &n);
			else if (is(text_of(item(list, i)), q->principal))
				n.exactly = true;
		}
	return n;
}

static bool
names_anyone(struct naming n)
{
	return n.everyone || n.account || n.role || n.exactly;
}

/* Does the statement reach the caller, and as whom? */
static struct naming
reached(const struct asking *q, const json_t *st, bool deny)
{
	const json_t *p = json_object_get(st, "Principal");
	const json_t *np = json_object_get(st, "NotPrincipal");
	const struct naming everyone = { true, false, false, false }, nobody = { 0 };
	struct naming n;
	struct text role;

	if (p != NULL)
		return named_in(q, p);
	if (np == NULL)
		return everyone;
	n = named_in(q, np);
	if (!deny)
		return names_anyone(n) ? nobody : everyone;
	/* "always deny any IAM principal that has a permissions boundary" */
	if (q->bounded)
		return everyone;
	/* "must also specify the account", and for a session its role */
	if (n.everyone || (n.exactly && n.account &&
	    (n.role || !session_role(q->principal, &role))))
		return nobody;
	return everyone;
}

/* ---- statements and layers: "Policy evaluation logic" ---- */

static enum answer
any_matches(const struct asking *q, const json_t *list, unsigned how, const char *t)
{
	enum answer any = NO;
	size_t i;

	for (i = 0; i < count(list); i++)
		any = or(any, text_matches(q, text_of(item(list, i)), how,
		    (struct text){ t, strlen(t) }));
	return any;
}

static enum answer
is_about(const struct asking *q, const json_t *st)
{
	const json_t *action = json_object_get(st, "Action");
	const json_t *not_action = json_object_get(st, "NotAction");
	const json_t *resource = json_object_get(st, "Resource");
	const json_t *not_resource = json_object_get(st, "NotResource");
	enum answer a, r = YES; /* a trust policy has no resource */

	a = action != NULL ? any_matches(q, action, WILD | FOLD, q->action) :
	    not(any_matches(q, not_action, WILD | FOLD, q->action));
	if (resource != NULL)
		r = any_matches(q, resource, WILD | VARIABLES, q->resource);
	else if (not_resource != NULL)
		r = not(any_matches(q, not_resource, WILD | VARIABLES, q->resource));
	return and(a, r);
}

struct outcome {
	bool allow, deny;
	struct naming by; /* of a resource policy: all that it allowed as */
};

static void
evaluate_statement(const struct asking *q, const json_t *st, struct outcome *o)
{
	bool deny = is(text_of(json_object_get(st, "Effect")), "Deny");
	struct naming n = reached(q, st, deny);
	enum answer a;

	if (!names_anyone(n))
		return;
	a = and(is_about(q, st), conditions_hold(q, json_object_get(st, "Condition")));
	if (deny) {
		o->deny = o->deny || a != NO;
	} else if (a == YES) {
		o->allow = true;
		o->by.everyone |= n.everyone;
		o->by.account |= n.account;
		o->by.role |= n.role;
		o->by.exactly |= n.exactly;
	}
}

static struct outcome
evaluate(struct asking *q, const json_t *policies)
{
	struct outcome o = { false, false, { false, false, false, false } };
	const json_t *doc, *list;
	size_t i, j;

	for (i = 0; i < count(policies); i++) {
		doc = item(policies, i);
		q->variables = is(text_of(json_object_get(doc, "Version")), "2012-10-17");
		list = json_object_get(doc, "Statement");
		for (j = 0; j < count(list); j++)
			evaluate_statement(q, item(list, j), &o);
	}
	return o;
}

static bool
is_there(const json_t *v)
{
	return v != NULL && !json_is_null(v);
}

static const char *
decide(struct asking *q, const json_t *c)
{
	const json_t *scp = json_object_get(c, "scp"), *boundary = json_object_get(c, "boundary");
	const json_t *session = json_object_get(c, "session");
	const json_t *policy = json_object_get(c, "resource_policy");
	struct outcome identity, resource, limit;
	bool deny, within = true, limited = true, same_account, named;
	bool trust = strcasecmp(q->action, "sts:AssumeRole") == 0;
	size_t i;

	q->bounded = is_there(boundary);
	identity = evaluate(q, json_object_get(c, "identity"));
	resource = evaluate(q, count(policy) > 0 ? item(policy, 0) : NULL);
	deny = identity.deny || resource.deny;
	/* "Every level must allow": guardrails. */
	for (i = 0; i < count(scp); i++) {
		limit = evaluate(q, item(scp, i));
		deny = deny || limit.deny;
		within = within && limit.allow;
	}
	/* Boundary and session policy limit; they never grant. */
	if (is_there(boundary)) {
		limit = evaluate(q, boundary);
		deny = deny || limit.deny;
		limited = limited && limit.allow;
	}
	if (is_there(session)) {
		limit = evaluate(q, session);
		deny = deny || limit.deny;
		limited = limited && limit.allow;
	}
	if (deny)
		return "ExplicitlyDenied";
	if (!within)
		return "ImplicitlyDenied";
	same_account = same(q->principal_account, q->resource_account);
	named = names_anyone(resource.by);
	/* "If the resource belongs to another account, both must allow"; a trust
	 * policy always. */
	if (!same_account && !(named && identity.allow && limited))
		return "ImplicitlyDenied";
	if (!same_account)
		return "Allowed";
	if (trust && !named)
		return "ImplicitlyDenied";
	/* "A grant to the exact user or session is not limited." */
	if (resource.by.exactly)
		return "Allowed";
	if (identity.allow || resource.by.role || resource.by.everyone)
		return limited ? "Allowed" : "ImplicitlyDenied";
	return "ImplicitlyDenied"; /* an account alone only delegates */
}

const char *
naive_decide(const json_t *c, const char *host_zone, bool kept)
{
	const json_t *req = json_object_get(c, "request");
	const char *account = json_string_value(json_object_get(req, "resource_account"));
	struct text part[PARTS];
	struct asking q = {
		.principal = json_string_value(json_object_get(req, "principal")),
		.action = json_string_value(json_object_get(req, "action")),
		.resource = json_string_value(json_object_get(req, "resource")),
		.context = json_object_get(req, "context"),
		.kept = kept,
		.host_zone = host_zone,
	};

	q.principal_account = (struct text){ "", 0 };
	if (split_arn((struct text){ q.principal, strlen(q.principal) }, part))
		q.principal_account = part[4];
	/* The resource's account, out of its ARN, or the caller's. */
	q.resource_account = q.principal_account;
	if (account != NULL)
		q.resource_account = (struct text){ account, strlen(account) };
	else if (split_arn((struct text){ q.resource, strlen(q.resource) }, part) &&
	    part[4].n > 0)
		q.resource_account = part[4];
	return decide(&q, c);
}
