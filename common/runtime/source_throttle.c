/*
 * Failures of a source, whoever it named: pairs of words as in a principal's file, in
 * buckets. Only who fails takes a place; a full bucket gives up the one that failed
 * longest ago. docs/runtime-format.md has the layout.
 */
#include "common/base/base.h"
#include "common/runtime/throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SOURCES_NAME "sources"
#define SOURCES_MAGIC UINT64_C(0x31305253524d4952) /* "RIMRSR01" */
#define SOURCES_PLACES 1024u
#define BUCKET 8u
#define WORD_FIRST 2u
#define SOURCES_WORDS (WORD_FIRST + 2 * SOURCES_PLACES)
#define SOURCES_SIZE (SOURCES_WORDS * 8)
#define TRIES_MAX 1000

static int
make(const struct runtime *rt, bool damaged)
{
	uint64_t words[SOURCES_WORDS] = { SOURCES_MAGIC };
	int r;

	r = rt_put(rt, SOURCES_NAME, words, sizeof(words), 0600, damaged);
	return r == IAM_ERR_CONFLICT ? 0 : r; /* another login was first */
}

/* IAM_ERR_ABSENT, IAM_ERR_FORMAT: missing, of another shape. */
static int
open_once(const struct runtime *rt, struct principal *t)
{
	struct stat st;
	void *words;
	int fd, r;

	*t = (struct principal){ .fd = -1 };
	if ((r = rt_open(rt, SOURCES_NAME, O_RDWR, (gid_t)-1, &fd, &st)) != 0)
		return r;
	if (st.st_size != SOURCES_SIZE) {
		close(fd);
		return IAM_ERR_FORMAT;
	}
	words = mmap(NULL, SOURCES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (words == MAP_FAILED)
		return errno == ENOMEM ? IAM_ERR_MEMORY : IAM_ERR_IO;
	t->words = words;
	if (word_load(t, 0) == SOURCES_MAGIC)
		return 0;
	munmap(words, SOURCES_SIZE);
	return IAM_ERR_FORMAT;
}

static void
table_close(struct principal *t)
{
	munmap(t->words, SOURCES_SIZE);
}

/* To count in: made where it is missing. */
static int
open_or_make(const struct runtime *rt, struct principal *t)
{
	int r;

	if (!rt_is_owner())
		return IAM_ERR_UNSAFE;
	r = open_once(rt, t);
	if ((r == IAM_ERR_ABSENT || r == IAM_ERR_FORMAT) &&
	    (r = make(rt, r == IAM_ERR_FORMAT)) == 0)
		r = open_once(rt, t);
	return r;
}

/* The word that says who, of the source or of the place that it would take. */
static bool
find(const struct principal *t, uint64_t source, int64_t now_s,
    unsigned *ret_i, uint64_t *ret_who)
{
	unsigned first = WORD_FIRST + 2 * BUCKET * (unsigned)(rt_sum(&source,
	    sizeof(source)) % (SOURCES_PLACES / BUCKET)), i, n;
	struct throttle_state s;
	int64_t oldest = INT64_MAX;
	uint64_t who;

	for (n = 0; n < BUCKET; n++) {
		i = first + 2 * n;
		who = word_load(t, i);
		s = throttle_unpack(t, i + 1, word_load(t, i + 1));
		throttle_age(&s, now_s);
		if (who == source) {
			*ret_i = i;
			return true;
		}
		if (who == 0 || s.failures == 0)
			s.last_s = -1; /* free */
		if (s.last_s < oldest) {
			oldest = s.last_s;
			*ret_i = i;
			*ret_who = who;
		}
	}
	return false;
}

static struct throttle_state
state_at(const struct principal *t, unsigned i, int64_t now_s, uint64_t *ret_seen)
{
	struct throttle_state s;

	*ret_seen = word_load(t, i + 1);
	s = throttle_unpack(t, i + 1, *ret_seen);
	throttle_age(&s, now_s);
	return s;
}

int
runtime_source_ask(struct runtime *rt, uint64_t source, int64_t now_s,
    const struct runtime_limits *limits, bool *ret_allowed)
{
	struct throttle_state s;
	struct principal t;
	uint64_t seen, who;
	unsigned i;
	int r;

	*ret_allowed = false;
	now_s = throttle_time(now_s);
	r = open_once(rt, &t);
	if (r == IAM_ERR_ABSENT || r == IAM_ERR_FORMAT) {
		*ret_allowed = true; /* nobody has failed, as far as is known */
		return 0;
	}
	if (r != 0)
		return r;
	*ret_allowed = true;
	if (find(&t, source, now_s, &i, &who)) {
		s = state_at(&t, i, now_s, &seen);
		*ret_allowed = throttle_retry_at(&s, limits) <= now_s;
	}
	table_close(&t);
	return 0;
}

/* A place is taken with a state of its own: what the one before did is not hers. */
static int
take(struct principal *t, uint64_t source, int64_t now_s, unsigned *ret_i)
{
	unsigned tries;
	uint64_t who;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		if (find(t, source, now_s, ret_i, &who))
			return 0;
		if (word_swap(t, *ret_i, &who, source))
			__atomic_store_n(&t->words[*ret_i + 1], 0, __ATOMIC_SEQ_CST);
	}
	return IAM_ERR_BUSY;
}

int
runtime_source_failed(struct runtime *rt, uint64_t source, int64_t now_s)
{
	struct throttle_state s;
	struct principal t;
	uint64_t seen;
	unsigned i;
	int r;

	now_s = throttle_time(now_s);
	if ((r = open_or_make(rt, &t)) != 0)
		return r;
	if ((r = take(&t, source, now_s, &i)) == 0) {
		do {
			s = state_at(&t, i, now_s, &seen);
			throttle_fail(&s, 1);
			s.last_s = now_s;
		} while (!word_swap(&t, i + 1, &seen, throttle_pack(&t, i + 1, &s)));
	}
	table_close(&t);
	return r;
}

int
runtime_source_proved(struct runtime *rt, uint64_t source, int64_t now_s)
{
	struct throttle_state s;
	struct principal t;
	uint64_t seen, who;
	unsigned i;
	int r;

	if (!rt_is_owner())
		return IAM_ERR_UNSAFE;
	now_s = throttle_time(now_s);
	r = open_once(rt, &t);
	if (r == IAM_ERR_ABSENT || r == IAM_ERR_FORMAT)
		return 0;
	if (r != 0)
		return r;
	if (find(&t, source, now_s, &i, &who)) {
		do {
			s = state_at(&t, i, now_s, &seen);
			s.failures -= s.failures > 0;
		} while (!word_swap(&t, i + 1, &seen, throttle_pack(&t, i + 1, &s)));
	}
	table_close(&t);
	return 0;
}
