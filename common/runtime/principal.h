/*
 * A principal's file, for common/runtime alone: words of 64 bits that many
 * processes change at once, each by one compare-and-set and without a lock. So
 * a process that is stopped or killed at any moment hinders nobody, and a
 * change is there whole or not at all.
 */
#ifndef IAM_RUNTIME_PRINCIPAL_H
#define IAM_RUNTIME_PRINCIPAL_H

#include "common/runtime/internal.h"

/*
 * Map the file (made when missing, made anew when damaged, both by root only)
 * as rt->principal. *ret is borrowed until the next call or runtime_close.
 * IAM_ERR_ABSENT, IAM_ERR_FORMAT: missing, damaged, and not root.
 */
int principal_open(struct runtime *rt, uint32_t uid, struct principal **ret);
/* The same, without looking again at one that is mapped: for what is
 * asked between the beginning of an attempt and the claim of its code, which look. */
int principal_of(struct runtime *rt, uint32_t uid, struct principal **ret);
/* Is it still the file of that name? Asked after a change that matters. */
bool principal_is_current(const struct principal *p);
void principal_close(struct principal *p);

uint64_t word_load(const struct principal *p, unsigned i);
/* Change *expected to desired; on failure *expected is what is there. */
bool word_swap(struct principal *p, unsigned i, uint64_t *expected,
    uint64_t desired);

/* 50 bits of payload and 14 that a damaged word betrays itself by. 0 stands
 * for a word that was never used. */
#define WORD_PAYLOAD_MAX ((UINT64_C(1) << 50) - 1)
uint64_t word_pack(const struct principal *p, unsigned i, uint64_t payload);
/* false: damaged. */
bool word_unpack(const struct principal *p, unsigned i, uint64_t word,
    uint64_t *ret_payload);

/* Wait until word i is not seen any more, or for ms; and end such waits. */
void word_wait(struct principal *p, unsigned i, uint64_t seen, unsigned ms);
void word_wake(struct principal *p, unsigned i);

#endif
