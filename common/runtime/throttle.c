#include "common/base/base.h"
#include "common/runtime/principal.h"

#include <arpa/inet.h>
#include <string.h>

/* Under which name a source is kept: an IPv6 address as its /64. */
static void
source_name(const char *source, char ret[PRINCIPAL_SOURCE_MAX])
{
	struct in6_addr a;
	char text[INET6_ADDRSTRLEN];

	memset(ret, 0, PRINCIPAL_SOURCE_MAX);
	if (inet_pton(AF_INET6, source, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a)) {
		memset(a.s6_addr + 8, 0, 8);
		if (inet_ntop(AF_INET6, &a, text, sizeof(text)) != NULL)
			source = text;
	}
	memcpy(ret, source, strnlen(source, PRINCIPAL_SOURCE_MAX - 1));
	if (ret[0] == '\0')
		ret[0] = '-';
}

static bool
is_free(const struct principal_source *s)
{
	return s->name[0] == '\0';
}

/* What is old enough to be forgotten is, and a clock that was put back
 * restarts the delays instead of stretching them. */
static bool
age(struct principal *p, int64_t now_s)
{
	struct principal_source *s;
	bool changed = false;

	for (s = p->sources; s < p->sources + PRINCIPAL_SOURCES; s++) {
		if (is_free(s))
			continue;
		if (s->last_s > now_s) {
			s->last_s = now_s;
			changed = true;
		} else if (s->failures > 0 &&
		    now_s - s->last_s > PRINCIPAL_FORGET_S) {
			memset(s, 0, sizeof(*s));
			changed = true;
		}
	}
	return changed;
}

/* The stalest source with failures (failing) or without; NULL: there is none. */
static struct principal_source *
stalest(struct principal *p, bool failing)
{
	struct principal_source *s, *best = NULL;

	for (s = p->sources; s < p->sources + PRINCIPAL_SOURCES; s++) {
		if (!is_free(s) && (s->failures > 0) == failing &&
		    (best == NULL || s->last_s < best->last_s))
			best = s;
	}
	return best;
}

/* The place of a source, or the one that it would get. */
static struct principal_source *
place(struct principal *p, const char name[PRINCIPAL_SOURCE_MAX])
{
	struct principal_source *s, *empty = NULL;

	for (s = p->sources; s < p->sources + PRINCIPAL_SOURCES; s++) {
		if (strcmp(s->name, name) == 0)
			return s;
		if (empty == NULL && is_free(s))
			empty = s;
	}
	if (empty != NULL)
		return empty;
	/* Failing ones first: at most PRINCIPAL_KNOWN_MAX are without. */
	s = stalest(p, true);
	return s != NULL ? s : stalest(p, false);
}

static int64_t
delay_s(uint32_t failures, uint32_t free, uint32_t max_s)
{
	uint32_t doublings;

	if (failures <= free)
		return 0;
	doublings = failures - free - 1;
	if (doublings >= 32 || (INT64_C(1) << doublings) > max_s)
		return max_s;
	return INT64_C(1) << doublings;
}

int
runtime_throttle_get(struct runtime *rt, uint32_t uid, const char *source,
    int64_t now_s, uint32_t free, uint32_t max_s, struct runtime_throttle *ret)
{
	char name[PRINCIPAL_SOURCE_MAX];
	const struct principal_source *s;
	struct principal_file f;
	int64_t until;
	int r;

	if (now_s < 0 || now_s > INT64_MAX - UINT32_MAX)
		return IAM_ERR_ARG;
	source_name(source, name);
	if ((r = principal_lock(rt, uid, &f)) != 0)
		return r;
	if (age(&f.state, now_s))
		r = principal_store(&f);
	s = place(&f.state, name);
	principal_unlock(&f);
	if (r != 0)
		return r;
	until = s->last_s + delay_s(s->failures, free, max_s);
	ret->failures = s->failures;
	ret->last_s = s->failures > 0 ? s->last_s : 0;
	ret->retry_at_s = s->failures > 0 && until > now_s ? until : 0;
	ret->failures_all = f.state.failures_all;
	return 0;
}

int
runtime_throttle_failed(struct runtime *rt, uint32_t uid, const char *source,
    int64_t now_s)
{
	char name[PRINCIPAL_SOURCE_MAX];
	struct principal_source *s;
	struct principal_file f;
	int r;

	if (now_s < 0 || now_s > INT64_MAX - UINT32_MAX)
		return IAM_ERR_ARG;
	source_name(source, name);
	if ((r = principal_lock(rt, uid, &f)) != 0)
		return r;
	age(&f.state, now_s);
	s = place(&f.state, name);
	memcpy(s->name, name, sizeof(s->name)); /* the failures stay: they are the place's */
	if (s->failures < UINT32_MAX)
		s->failures++;
	s->last_s = now_s;
	if (f.state.failures_all < UINT32_MAX)
		f.state.failures_all++;
	r = principal_store(&f);
	principal_unlock(&f);
	return r;
}

static void
limit_known(struct principal *p)
{
	const struct principal_source *s;
	unsigned known = 0;

	for (s = p->sources; s < p->sources + PRINCIPAL_SOURCES; s++)
		known += !is_free(s) && s->failures == 0;
	if (known > PRINCIPAL_KNOWN_MAX)
		memset(stalest(p, false), 0, sizeof(*s));
}

int
runtime_throttle_succeeded(struct runtime *rt, uint32_t uid,
    const char *source, int64_t now_s, uint32_t *ret_failures)
{
	char name[PRINCIPAL_SOURCE_MAX];
	struct principal_source *s;
	struct principal_file f;
	uint32_t failures;
	int r;

	if (now_s < 0 || now_s > INT64_MAX - UINT32_MAX)
		return IAM_ERR_ARG;
	source_name(source, name);
	if ((r = principal_lock(rt, uid, &f)) != 0)
		return r;
	age(&f.state, now_s);
	failures = f.state.failures_all;
	f.state.failures_all = 0;
	s = place(&f.state, name);
	memcpy(s->name, name, sizeof(s->name));
	s->failures = 0;
	s->last_s = now_s;
	limit_known(&f.state);
	r = principal_store(&f);
	principal_unlock(&f);
	if (r == 0)
		*ret_failures = failures;
	return r;
}

int
runtime_throttle_clear(struct runtime *rt, uint32_t uid)
{
	struct principal_file f;
	int r;

	if ((r = principal_lock(rt, uid, &f)) != 0)
		return r;
	memset(f.state.sources, 0, sizeof(f.state.sources));
	f.state.failures_all = 0;
	r = principal_store(&f);
	principal_unlock(&f);
	return r;
}
