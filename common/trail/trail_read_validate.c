/*
 * ValidateLogs: walk the chain and say where it breaks.
 */
#include "common/base/base.h"
#include "common/trail/trail_read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct walk {
	struct trail_check *check;
	uint64_t line;          /* from 1 */
	struct trail_link link; /* what the next record must refer to */
};

__attribute__((format(printf, 2, 3))) static void
bad(struct walk *w, const char *fmt, ...)
{
	struct trail_check *c = w->check;
	va_list ap;

	if (c->bad++ > 0)
		return;
	c->first_bad_line = w->line;
	va_start(ap, fmt);
	vsnprintf(c->reason, sizeof(c->reason), fmt, ap);
	va_end(ap);
}

/* The record's own words, as a parser sees them. */
static bool
chain_of(const char *line, size_t len, uint64_t *ret_seq,
    char previous[TRAIL_HEX_LEN + 1])
{
	json_t *record = trail_read_record(line, len), *seq, *prev, *chain;
	uint64_t last = 0;
	bool ok;

	chain = json_object_get(json_object_get(record, "additionalEventData"),
	    "chain");
	seq = json_object_get(chain, "seq");
	prev = json_object_get(chain, "previous");
	ok = json_is_integer(seq) && json_string_length(prev) == TRAIL_HEX_LEN &&
	    trail_link_seq(line, len, &last) &&
	    (json_int_t)last == json_integer_value(seq);
	if (ok) {
		*ret_seq = last;
		memcpy(previous, json_string_value(prev), TRAIL_HEX_LEN + 1);
	}
	json_decref(record);
	return ok;
}

static void
check_line(struct walk *w, const char *line, size_t len, bool ended)
{
	char previous[TRAIL_HEX_LEN + 1];
	uint64_t seq;

	w->line++;
	w->check->records++;
	if (len > TRAIL_LINE_MAX) {
		bad(w, "line too long");
	} else if (!chain_of(line, len, &seq, previous)) {
		bad(w, ended ? "not a record" : "record cut off in the middle");
	} else {
		if (strcmp(previous, w->link.previous) != 0)
			bad(w, w->line == 1 ? "the records before it are missing" :
			    "the line before it was changed, removed or added");
		else if (seq != w->link.seq + 1)
			bad(w, "record number %" PRIu64 " where %" PRIu64
			    " is expected", seq, w->link.seq + 1);
		else if (!ended)
			bad(w, "the line has no end");
		w->link.seq = seq;
	}
	trail_link_hash(&w->link, line, len);
}

struct line {
	char *p;      /* room for 2 * TRAIL_LINE_MAX; of a longer line, its end */
	size_t kept, len;
	bool ended;
};

/* At most max bytes; false when there is nothing more. */
static bool
read_line(FILE *in, off_t max, struct line *l)
{
	int c = 0;

	l->kept = l->len = 0;
	while ((off_t)l->len < max && (c = getc_unlocked(in)) != EOF && c != '\n') {
		if (l->kept == 2 * TRAIL_LINE_MAX) {
			memcpy(l->p, l->p + TRAIL_LINE_MAX, TRAIL_LINE_MAX);
			l->kept = TRAIL_LINE_MAX;
		}
		l->p[l->kept++] = (char)c;
		l->len++;
	}
	l->ended = c == '\n';
	return l->len > 0 || l->ended;
}

static int
walk_file(FILE *in, off_t size, struct walk *w)
{
	struct line l;

	if ((l.p = malloc(2 * TRAIL_LINE_MAX)) == NULL)
		return IAM_ERR_MEMORY;
	while (size > 0 && read_line(in, size, &l)) {
		check_line(w, l.p, l.kept, l.ended);
		size -= (off_t)l.len + (l.ended ? 1 : 0);
	}
	free(l.p);
	return ferror(in) ? IAM_ERR_IO : 0;
}

int
trail_validate(const char *file, struct trail_check *ret)
{
	struct trail_check check = { 0 };
	struct walk w = { .check = &check };
	off_t size;
	FILE *in;
	int fd, r;

	if ((r = trail_read_open(file, &fd, &size)) != 0)
		return r;
	if ((in = fdopen(fd, "r")) == NULL) {
		close(fd);
		return IAM_ERR_MEMORY;
	}
	trail_link_init(&w.link);
	r = walk_file(in, size, &w);
	fclose(in);
	if (r == 0)
		*ret = check;
	return r;
}
