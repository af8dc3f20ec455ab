#include "common/base/base.h"

#include "common/base/suggest.h"

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
suggest_distance(const char *a, const char *b)
{
	size_t rows[3][SUGGEST_WORD_MAX];
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	size_t i, j, a_len = strlen(a), b_len = strlen(b);

	if (a_len >= SUGGEST_WORD_MAX || b_len >= SUGGEST_WORD_MAX)
		return SIZE_MAX;
	memset(rows, 0, sizeof(rows));
	for (j = 0; j <= b_len; j++)
		last[j] = j;
	for (i = 1; i <= a_len; i++) {
		now[0] = i;
		for (j = 1; j <= b_len; j++) {
			now[j] = min(min(last[j], now[j - 1]) + 1,
			    last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = min(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

void
suggest_init(struct suggest *s, const char *word)
{
	s->word = word;
	s->best[0] = '\0';
	s->distance = SIZE_MAX;
}

void
suggest_try(struct suggest *s, const char *candidate)
{
	size_t d = suggest_distance(s->word, candidate);

	/* A third of the word may be wrong, at least two letters of it. */
	if (d >= s->distance || d > 2 + strlen(s->word) / 3 ||
	    d >= strlen(candidate))
		return;
	s->distance = d;
	snprintf(s->best, sizeof(s->best), "%s", candidate);
}
