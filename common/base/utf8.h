/*
 * UTF-8 of texts that come from outside, for whoever writes them to a log or a
 * terminal (S42). No global state.
 */
#ifndef IAM_BASE_UTF8_H
#define IAM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One character: its bytes, and the code point, or UINT32_MAX for a run that is
 * none (at least one byte). len > 0. Source: Unicode 15, table 3-7 and section 3.9.
 */
size_t utf8_next(const char *p, size_t len, uint32_t *ret);

/* Characters that end lines, steer terminals or reorder text. */
bool utf8_harmful(uint32_t cp);

#endif
