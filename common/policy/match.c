/*
 * Names, hashes and patterns.
 *
 * A pattern with wildcards is matched by going back to the last star only, so
 * its cost is at most pattern length times text length. '?' and '*' move by
 * characters of UTF-8, not by bytes; bytes that are no UTF-8 count one each.
 */
#include "common/base/base.h"
#include "common/policy/internal.h"

uint64_t
cf_hash(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data;
	uint64_t h = seed ^ (len * 0x9fb21c651e98df25u), w;

	for (; len >= 8; p += 8, len -= 8) {
		h = (h ^ le_u64(p)) * 0x9fb21c651e98df25u;
		h ^= h >> 35;
	}
	for (w = 0; len > 0; len--)
		w = w << 8 | p[len - 1];
	h = (h ^ w) * 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	return h != 0 ? h : 1; /* 0 marks an empty place in tables */
}

static inline uint64_t
lane(uint64_t a, const uint8_t *p)
{
	a = (a ^ le_u64(p)) * 0x9fb21c651e98df25u;
	return a ^ a >> 29;
}

/* Four lanes, so that a large policy is read at the speed of memory. */
uint64_t
cf_checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = 1, b = 2, c = 3, d = 4, all[4];
	size_t left = len;

	for (; left >= 32; p += 32, left -= 32) {
		a = lane(a, p);
		b = lane(b, p + 8);
		c = lane(c, p + 16);
		d = lane(d, p + 24);
	}
	all[0] = htole64(a);
	all[1] = htole64(b);
	all[2] = htole64(c);
	all[3] = htole64(d);
	return cf_hash(all, sizeof(all), cf_hash(p, left, len));
}

uint32_t
cf_key_hash(const char *p, size_t len)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (uint8_t)ascii_lower(p[i])) * 16777619u;
	return h;
}

bool
ascii_equal_case(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t i;

	if (alen != blen)
		return false;
	for (i = 0; i < alen; i++)
		if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

size_t
cf_char_len(const char *p, const char *end)
{
	uint8_t c = (uint8_t)*p, next;
	size_t n = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 1;
	size_t i;

	if (n > (size_t)(end - p))
		return 1;
	for (i = 1; i < n; i++)
		if (((uint8_t)p[i] & 0xc0) != 0x80)
			return 1;
	next = n > 1 ? (uint8_t)p[1] : 0;
	if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ||
	    (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f))
		return 1; /* too long a form, a surrogate, beyond U+10FFFF */
	return n;
}

/* A place in a pattern; inside the value of a variable while var < var_end. */
struct place {
	const uint8_t *p, *end;
	const char *var, *var_end;
};

enum { SYM_END = -1, SYM_STAR = -2, SYM_ONE = -3, SYM_NO_VALUE = -4, SYM_DOUBT = -5 };

static bool
is_utf8(const char *p, size_t len)
{
	const char *end = p + len;
	size_t n;

	for (; p < end; p += n) {
		n = cf_char_len(p, end);
		if (n == 1 && (uint8_t)*p >= 0x80)
			return false;
	}
	return true;
}

/* Go over the variable whose mark p is at and into its value: 0, SYM_NO_VALUE,
 * or SYM_DOUBT for one with several values or one that is no text. */
static int
enter_variable(struct ev *ev, struct view *v, struct place *pl)
{
	const struct pol_key *k;
	const char *name;
	uint32_t key, len, name_len;

	if (pl->end - pl->p < 9) {
		v->bad = true;
		return SYM_NO_VALUE;
	}
	key = le_u32(pl->p + 1);
	len = le_u32(pl->p + 5);
	if (len > (size_t)(pl->end - pl->p) - 8 ||
	    (name = view_key(v, key, &name_len)) == NULL) {
		v->bad = true;
		return SYM_NO_VALUE;
	}
	k = ev_key(ev, name, name_len);
	pl->var = (const char *)pl->p + 9;
	pl->var_end = pl->var + (len > 0 ? len - 1 : 0);
	pl->p = (const uint8_t *)pl->var_end;
	if (k == NULL || !key_present(k))
		return len > 0 ? 0 : SYM_NO_VALUE;
	pl->var = pl->var_end = k->values[0].p;
	if (k->n != 1 || !is_utf8(pl->var, k->values[0].len))
		return SYM_DOUBT;
	pl->var_end += k->values[0].len;
	return 0;
}

/* The next byte of a pattern, or one of SYM_. */
static inline int
next_symbol(struct ev *ev, struct view *v, struct place *pl)
{
	int r;

	for (;;) {
		if (pl->var != pl->var_end)
			return (uint8_t)*pl->var++;
		if (pl->p == pl->end)
			return SYM_END;
		switch (*pl->p) {
		case CF_STAR:
			pl->p++;
			return SYM_STAR;
		case CF_ONE:
			pl->p++;
			return SYM_ONE;
		case CF_VAR:
			if ((r = enter_variable(ev, v, pl)) != 0)
				return r;
			continue;
		default:
			return *pl->p++;
		}
	}
}

/* Have all variables of the pattern a value? Asked first, because a variable
 * without one never matches, whatever the rest is. */
static int
check_variables(struct ev *ev, struct view *v, struct place pl)
{
	int all = 0, sym;

	while (pl.p != pl.end) {
		if (*pl.p != CF_VAR) {
			pl.p++;
			continue;
		}
		if ((sym = enter_variable(ev, v, &pl)) == SYM_NO_VALUE)
			return sym;
		if (sym != 0)
			all = sym;
	}
	return all;
}

static bool
glob(struct ev *ev, struct view *v, struct place at, const char *t,
    const char *end, bool fold)
{
	struct place star = { 0 };
	const char *star_t = NULL;
	int sym;

	for (;;) {
		sym = next_symbol(ev, v, &at);
		/* A variable in doubt may be anything: what cannot match then, does not. */
		if (sym == SYM_STAR || sym == SYM_DOUBT) {
			if (at.p == at.end && at.var == at.var_end)
				return true;
			star = at;
			star_t = t;
			continue;
		}
		if (sym == SYM_END && t == end)
			return true;
		if (t != end && sym == SYM_ONE) {
			t += cf_char_len(t, end);
			continue;
		}
		if (t != end && sym >= 0 &&
		    (fold ? ascii_lower((char)sym) == ascii_lower(*t) :
			    sym == (uint8_t)*t)) {
			t++;
			continue;
		}
		if (sym == SYM_NO_VALUE)
			return false;
		if (star_t == NULL || star_t == end)
			return false;
		star_t += cf_char_len(star_t, end);
		t = star_t;
		at = star;
	}
}

static bool
equal_fold(const char *text, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((uint8_t)ascii_lower(text[i]) != data[i])
			return false;
	return true;
}

static bool
starts_with(const char *text, const uint8_t *data, size_t len, bool fold)
{
	return fold ? equal_fold(text, data, len) : memcmp(text, data, len) == 0;
}

enum tri
match_pattern(struct ev *ev, struct view *v, uint8_t form, const uint8_t *data,
    size_t len, const char *text, size_t text_len, bool fold)
{
	struct place pl = { data, data + len, NULL, NULL };
	int sym = 0;

	switch (form) {
	case CF_ANY:
		return TRI_YES;
	case CF_LITERAL:
		return text_len == len && starts_with(text, data, len, fold) ?
		    TRI_YES : TRI_NO;
	case CF_PREFIX:
		return text_len >= len && starts_with(text, data, len, fold) ?
		    TRI_YES : TRI_NO;
	case CF_VARS:
		if ((sym = check_variables(ev, v, pl)) == SYM_NO_VALUE)
			return TRI_NO;
		/* fall through */
	case CF_GLOB:
		if (!glob(ev, v, pl, text, text + text_len, fold))
			return TRI_NO;
		return sym == SYM_DOUBT ? TRI_DOUBT : TRI_YES;
	default:
		v->bad = true;
		return TRI_NO;
	}
}
