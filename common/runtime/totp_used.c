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
