/*
 * Used codes: one word a device, its id and the step used last (S35). A word is
 * never set back. What may have been forgotten is told by WORD_STRICT, which is
 * set before anything is taken away, and read after the device was not found.
 */
#include "common/base/base.h"
#include "common/runtime/principal.h"

#include <string.h>

#define STEP_BITS 34
#define STEP_MAX ((UINT64_C(1) << STEP_BITS) - 1 - PRINCIPAL_REPAIR_STEPS)
#define TRIES_MAX 1000

/* A drift word: id (16 bits), base (14), drift less base (4), lean (3), each number
 * with its zero in the middle. */
#define BASE_BITS 14
#define BASE_MAX ((1 << (BASE_BITS - 1)) - 1)
#define AWAY_BITS 4
#define LEAN_BITS 3

struct place {
	unsigned i;    /* of the word */
	uint64_t word; /* what was there */
	uint64_t step; /* the last one used */
	bool found;    /* the device's own; else a free one, or the one to be lost */
};

/* 16 bits: were two of a user's devices to share them, a code would have to
 * be later than the other device's as well. */
static uint64_t
device_id(const char *device)
{
	uint64_t sum = rt_sum(device, strlen(device)), id;

	id = (sum ^ sum >> 16 ^ sum >> 32 ^ sum >> 48) & 0xffff;
	return id == 0 ? 1 : id;
}

static uint64_t
step_of(uint64_t payload)
{
	return payload & ((UINT64_C(1) << STEP_BITS) - 1);
}

static bool
is_strict(const struct principal *p)
{
	return word_load(p, WORD_STRICT) != 0;
}

static void
set_strict(struct principal *p)
{
	uint64_t seen = 0;

	word_swap(p, WORD_STRICT, &seen, 1);
}

/* A damaged word is no device's: it is emptied, and nothing believed of it. */
static uint64_t
device_payload(struct principal *p, unsigned i, uint64_t *ret_word)
{
	uint64_t payload;

	*ret_word = word_load(p, i);
	while (!word_unpack(p, i, *ret_word, &payload)) {
		set_strict(p);
		word_swap(p, i, ret_word, 0);
		*ret_word = word_load(p, i);
	}
	return payload;
}

/* The device's place, or else a free one, or else that of the one used longest ago. */
static void
find(struct principal *p, uint64_t id, struct place *ret)
{
	uint64_t payload, word, oldest = UINT64_MAX;
	unsigned i;

	*ret = (struct place){ 0 };
	for (i = WORD_DEVICES; i < WORD_DEVICES + PRINCIPAL_DEVICES; i++) {
		payload = device_payload(p, i, &word);
		if (word != 0 && payload >> STEP_BITS == id) {
			*ret = (struct place){ i, word, step_of(payload), true };
			return;
		}
		if (step_of(payload) < oldest) { /* 0 when it is free */
			oldest = step_of(payload);
			*ret = (struct place){ i, word, 0, false };
		}
	}
}

/* The compare-and-set itself; false: somebody else was faster, look again. */
static bool
try_claim(struct principal *p, uint64_t id, uint64_t step, bool *ret_won)
{
	struct place at;
	bool strict;

	find(p, id, &at);
	strict = !at.found && is_strict(p);
	*ret_won = false;
	if (at.found && step <= at.step)
		return true;
	if (!at.found && at.word != 0)
		set_strict(p); /* one is forgotten: unknown is no longer unused */
	if (strict)
		step += PRINCIPAL_REPAIR_STEPS;
	if (!word_swap(p, at.i, &at.word,
	    word_pack(p, at.i, id << STEP_BITS | step)))
		return false;
	*ret_won = !strict;
	return true;
}

int
runtime_totp_claim(struct runtime *rt, uint32_t uid, const char *device,
    uint64_t step, bool *ret_won)
{
	uint64_t id = device_id(device);
	struct principal *p;
	unsigned tries;
	bool won;
	int r;

	*ret_won = false;
	if (step == 0 || step > STEP_MAX)
		return IAM_ERR_ARG;
	for (tries = 0; tries < TRIES_MAX; tries++) {
		if ((r = principal_open(rt, uid, &p)) != 0)
			return r;
		if (!try_claim(p, id, step, &won))
			continue;
		/* In a file that was replaced meanwhile nothing is won. */
		if (won && !principal_is_current(p))
			continue;
		*ret_won = won;
		return 0;
	}
	return IAM_ERR_BUSY;
}

int
runtime_totp_last(struct runtime *rt, uint32_t uid, const char *device,
    uint64_t *ret_step)
{
	struct principal *p;
	struct place at;
	int r;

	if ((r = principal_open(rt, uid, &p)) != 0)
		return r;
	find(p, device_id(device), &at);
	*ret_step = at.step;
	return 0;
}

/* ---- drift ---- */

static int32_t
bounded(int64_t drift, int32_t base)
{
	if (drift > base + RUNTIME_DRIFT_MAX)
		return base + RUNTIME_DRIFT_MAX;
	return drift < base - RUNTIME_DRIFT_MAX ? base - RUNTIME_DRIFT_MAX :
	    (int32_t)drift;
}

static bool
base_ok(int32_t base)
{
	return base >= -BASE_MAX && base <= BASE_MAX;
}

static uint64_t
pack_drift(uint64_t id, const struct runtime_drift *d)
{
	uint64_t payload = id;

	payload = payload << BASE_BITS | (uint64_t)(d->base + BASE_MAX + 1);
	payload = payload << AWAY_BITS |
	    (uint64_t)(d->drift - d->base + (1 << (AWAY_BITS - 1)));
	return payload << LEAN_BITS |
	    (uint64_t)(d->lean + (1 << (LEAN_BITS - 1)));
}

/* What is here counts when it was learnt of this device and for the same base, else
 * what came with the snapshot. Damaged, it is nothing. */
static void
merge_drift(struct principal *p, unsigned i, uint64_t id,
    struct runtime_drift *d, uint64_t *ret_word)
{
	uint64_t payload;
	int32_t base;

	d->lean = 0;
	d->drift = bounded(d->drift, d->base);
	*ret_word = word_load(p, i);
	if (*ret_word == 0 || !word_unpack(p, i, *ret_word, &payload) ||
	    payload >> (BASE_BITS + AWAY_BITS + LEAN_BITS) != id)
		return;
	base = (int32_t)(payload >> (AWAY_BITS + LEAN_BITS) &
	    ((1 << BASE_BITS) - 1)) - BASE_MAX - 1;
	if (base != d->base)
		return;
	d->drift = bounded((int64_t)(payload >> LEAN_BITS &
	    ((1 << AWAY_BITS) - 1)) - (1 << (AWAY_BITS - 1)) + base, base);
	d->lean = (int32_t)(payload & ((1 << LEAN_BITS) - 1)) -
	    (1 << (LEAN_BITS - 1));
}

int
runtime_totp_drift(struct runtime *rt, uint32_t uid, const char *device,
    struct runtime_drift *d, uint64_t *ret_last)
{
	uint64_t id = device_id(device), word;
	struct principal *p;
	struct place at;
	int r;

	if (!base_ok(d->base))
		return IAM_ERR_ARG;
	if ((r = principal_of(rt, uid, &p)) != 0)
		return r;
	find(p, id, &at);
	*ret_last = at.step;
	/* Where no device is, id fits none. */
	merge_drift(p, at.i - WORD_DEVICES + WORD_DRIFTS, at.found ? id : 0, d,
	    &word);
	return 0;
}

static void
learn(struct runtime_drift *d, int32_t offset)
{
	if (offset == d->drift)
		d->lean = 0;
	else if (offset > d->drift)
		d->lean = d->lean > 0 ? d->lean + 1 : 1;
	else
		d->lean = d->lean < 0 ? d->lean - 1 : -1;
	if (d->lean < RUNTIME_DRIFT_TURNS && d->lean > -RUNTIME_DRIFT_TURNS)
		return;
	d->drift = bounded((int64_t)d->drift + (d->lean > 0 ? 1 : -1), d->base);
	d->lean = 0;
}

int
runtime_totp_learn(struct runtime *rt, uint32_t uid, const char *device,
    int32_t offset, struct runtime_drift *d, bool *ret_moved)
{
	const struct runtime_drift start = *d;
	uint64_t id = device_id(device), word;
	struct principal *p;
	struct place at;
	int32_t before;
	unsigned i, tries;
	int r;

	*ret_moved = false;
	if (!base_ok(d->base))
		return IAM_ERR_ARG;
	if ((r = principal_of(rt, uid, &p)) != 0)
		return r;
	find(p, id, &at);
	/* It has been claimed, so it is there; else there is nothing to learn. */
	if (!at.found)
		return 0;
	i = at.i - WORD_DEVICES + WORD_DRIFTS;
	for (tries = 0; tries < TRIES_MAX; tries++) {
		*d = start;
		merge_drift(p, i, id, d, &word);
		before = d->drift;
		learn(d, offset);
		if (!word_swap(p, i, &word, word_pack(p, i, pack_drift(id, d))))
			continue;
		*ret_moved = d->drift != before;
		return 0;
	}
	return IAM_ERR_BUSY;
}
