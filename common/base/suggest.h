/*
 * "Did you mean": the nearest of some words, by the Damerau-Levenshtein
 * distance (optimal string alignment). Pure.
 */
#ifndef IAM_BASE_SUGGEST_H
#define IAM_BASE_SUGGEST_H

#include <stddef.h>

#define SUGGEST_WORD_MAX 80

struct suggest {
	const char *word;  /* what was typed; borrowed */
	char best[SUGGEST_WORD_MAX]; /* "" while nothing is near enough */
	size_t distance;
};

void suggest_init(struct suggest *s, const char *word);
/* Consider a word; the nearest one that is near enough stays in best. */
void suggest_try(struct suggest *s, const char *candidate);
/* Longer words than SUGGEST_WORD_MAX - 1 bytes are as far as can be. */
size_t suggest_distance(const char *a, const char *b);

#endif
