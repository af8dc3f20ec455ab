/*
 * Lists of names and of gids, as short as they can be read fast.
 *
 * Names: runs of names that begin alike. What a run has in common is there once, then
 * the lengths of the rest of each name, then the rests: no name has to wait for the
 * one before it. Gids: ascending, the first one, then steps of one width.
 */
#include "common/base/base.h"
#include "common/snapshot/internal.h"

#include <stdlib.h>

#define RUN_MAX 32u
/* In bytes: what a run costs beside its prefix, the time to begin it included. */
#define RUN_COST 5

/* ---- names ---- */

struct part {
	const char *name;
	int32_t cost;    /* of the best way up to here, names themselves aside */
	uint8_t len;
	uint8_t same;    /* bytes in common with the one before */
	uint8_t run;     /* length of the run that ends here, in the best way */
};

static uint8_t
in_common(const char *a, const char *b)
{
	uint8_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

/* What n names with prefix in common save, less what a run costs. */
static void
best_run(struct part *v, uint32_t i)
{
	int32_t best = 0, cost;
	unsigned prefix = v[i].len;
	uint32_t n;

	for (n = 1; n <= RUN_MAX && n <= i; n++) {
		cost = v[i - n].cost + RUN_COST - (int32_t)(prefix * (n - 1));
		if (n == 1 || cost < best) {
			best = cost;
			v[i].run = (uint8_t)n;
		}
		if (v[i - n + 1].same < prefix)
			prefix = v[i - n + 1].same;
	}
	v[i].cost = best;
}

/* The best way from its end to its start becomes one from start to end: run is then
 * the length of the run that begins behind a name. */
static void
turn_round(struct part *v, uint32_t count)
{
	uint32_t i = count, n = v[count].run, before;

	while (i > 0) {
		i -= n;
		before = v[i].run;
		v[i].run = (uint8_t)n;
		n = before;
	}
}

static void
put_run(const struct part *v, unsigned n, struct buf *b)
{
	unsigned prefix = n > 1 ? v[0].len : 0, i;

	for (i = 1; i < n; i++)
		prefix = v[i].same < prefix ? v[i].same : prefix;
	buf_u8(b, (uint8_t)n);
	buf_u8(b, (uint8_t)prefix);
	buf_put(b, v[0].name, prefix);
	for (i = 0; i < n; i++)
		buf_u8(b, (uint8_t)(v[i].len - prefix));
	for (i = 0; i < n; i++)
		buf_put(b, v[i].name + prefix, v[i].len - prefix);
}

void
snap_members_pack(const char *names, uint32_t count, struct buf *b)
{
	struct part *v;
	uint32_t i, n;

	if (b->err != 0 || count == 0)
		return;
	if ((v = calloc((size_t)count + 1, sizeof(*v))) == NULL) {
		b->err = IAM_ERR_MEMORY;
		return;
	}
	for (i = 1; i <= count; i++, names += strlen(names) + 1) {
		v[i].name = names;
		v[i].len = (uint8_t)strlen(names);
		v[i].same = i > 1 ? in_common(v[i - 1].name, names) : 0;
		best_run(v, i);
	}
	turn_round(v, count);
	for (i = 0; i < count; i += n) {
		n = v[i].run;
		put_run(v + i + 1, n, b);
	}
	free(v);
}

bool
snap_members_fit(struct snap_bytes in, uint32_t count, size_t text_len)
{
	/* A name has a length; its text is a NUL at least. */
	return count <= in.len && count <= text_len &&
	    text_len / (IAM_UNIX_NAME_MAX + 1) <= count &&
	    (count > 0 || (in.len == 0 && text_len == 0));
}

/* A run that is being unpacked, and what is left of everything else. */
struct unpack {
	const uint8_t *p, *end;
	const uint8_t *prefix, *lens;
	unsigned names, prefix_len;
	size_t rest_len; /* of all rests */
	unsigned widest;
	char *text, *text_end; /* end of the text */
	char *room_end;        /* and of what may be written to */
	char **list;
};

static int
begin_run(struct unpack *u)
{
	size_t left = (size_t)(u->end - u->p), sum = 0;
	unsigned i, len, widest = 0;

	if (left < 2 || u->p[0] == 0 || u->p[0] > RUN_MAX ||
	    u->p[1] > IAM_UNIX_NAME_MAX)
		return IAM_ERR_FORMAT;
	u->names = u->p[0];
	u->prefix_len = u->p[1];
	u->prefix = u->p + 2;
	u->lens = u->prefix + u->prefix_len;
	if (left < 2 + u->prefix_len + u->names)
		return IAM_ERR_FORMAT;
	for (i = 0; i < u->names; i++) {
		len = u->lens[i];
		sum += len;
		widest = len > widest ? len : widest;
	}
	u->p = u->lens + u->names;
	u->rest_len = sum;
	u->widest = widest;
	if (widest + u->prefix_len > IAM_UNIX_NAME_MAX ||
	    (size_t)(u->end - u->p) < sum || (size_t)(u->text_end - u->text) <
	    sum + u->names * ((size_t)u->prefix_len + 1))
		return IAM_ERR_FORMAT;
	return 0;
}

/* Whole words of size bytes, more than is needed: what is behind is overwritten by
 * the next name. */
static inline void
copy_wide(struct unpack *u, const size_t size)
{
	const uint8_t *p = u->p, *lens = u->lens, *stop = lens + u->names;
	size_t prefix_len = u->prefix_len;
	char *text = u->text;

	for (; lens < stop; lens++) {
		memcpy(text, u->prefix, size);
		memcpy(text + prefix_len, p, size);
		if (u->list != NULL)
			*u->list++ = text;
		p += *lens;
		text += prefix_len + *lens;
		*text++ = '\0';
	}
	u->p = p;
	u->text = text;
}

static void
copy_exact(struct unpack *u)
{
	unsigned i;

	for (i = 0; i < u->names; i++) {
		if (u->list != NULL)
			*u->list++ = u->text;
		memcpy(u->text, u->prefix, u->prefix_len);
		memcpy(u->text + u->prefix_len, u->p, u->lens[i]);
		u->text += u->prefix_len + u->lens[i];
		*u->text++ = '\0';
		u->p += u->lens[i];
	}
}

/* Are there so many bytes behind the last one that is needed, of both? */
static inline bool
is_room(const struct unpack *u, size_t size)
{
	return (size_t)(u->end - u->p) >= u->rest_len + size &&
	    (size_t)(u->room_end - u->text) >= u->rest_len +
	    u->names * ((size_t)u->prefix_len + 1) + size;
}

int
snap_members_unpack(struct snap_bytes in, uint32_t count, size_t text_len,
    char *text, size_t room, char **list)
{
	struct unpack u = { .p = in.p, .end = in.p + in.len, .text = text,
		.text_end = text + text_len, .room_end = text + room,
		.list = list };
	int r;

	for (; u.p < u.end; count -= u.names) {
		if ((r = begin_run(&u)) != 0)
			return r;
		if (u.names > count)
			return IAM_ERR_FORMAT;
		if (u.widest <= 8 && u.prefix_len <= 8 && is_room(&u, 8))
			copy_wide(&u, 8);
		else if (u.widest <= 16 && u.prefix_len <= 16 && is_room(&u, 16))
			copy_wide(&u, 16);
		else if (is_room(&u, IAM_UNIX_NAME_MAX))
			copy_wide(&u, IAM_UNIX_NAME_MAX);
		else
			copy_exact(&u);
	}
	return count == 0 && u.text == u.text_end ? 0 : IAM_ERR_FORMAT;
}

/* ---- gids ---- */

static int
compare_gids(const void *a, const void *b)
{
	uint32_t x = le_u32(a), y = le_u32(b);

	return x < y ? -1 : x > y;
}

static void
put_wide(uint8_t *p, uint32_t v, unsigned width)
{
	for (; width > 0; width--, v >>= 8)
		*p++ = (uint8_t)v;
}

size_t
snap_gids_pack(uint8_t *gids, size_t count, uint8_t *ret)
{
	uint32_t widest = 0, step;
	unsigned width = 1;
	size_t i;

	if (count == 0)
		return 0;
	qsort(gids, count, 4, compare_gids);
	for (i = 1; i < count; i++) {
		step = le_u32(gids + 4 * i) - le_u32(gids + 4 * (i - 1));
		widest = step > widest ? step : widest;
	}
	while (width < 4 && widest >> (8 * width) != 0)
		width++;
	ret[0] = (uint8_t)width;
	memcpy(ret + 1, gids, 4);
	for (i = 1; i < count; i++)
		put_wide(ret + 5 + (i - 1) * width, le_u32(gids + 4 * i) -
		    le_u32(gids + 4 * (i - 1)), width);
	return 5 + (count - 1) * width;
}

int
snap_gids_view(struct snap_bytes in, struct snap_gids *ret)
{
	if (in.len < 5 || in.p[0] < 1 || in.p[0] > 4 ||
	    (in.len - 5) % in.p[0] != 0)
		return IAM_ERR_FORMAT;
	*ret = (struct snap_gids){ in.p, 1 + (in.len - 5) / in.p[0], 0, 0 };
	return 0;
}

uint32_t
snap_gids_next(struct snap_gids *g)
{
	const uint8_t *p = g->p;

	g->count--;
	if (g->width == 0) {
		g->width = p[0];
		g->p += 5;
		return g->last = le_u32(p + 1);
	}
	g->p += g->width;
	switch (g->width) {
	case 1:
		return g->last += p[0];
	case 2:
		return g->last += le_u16(p);
	case 3:
		return g->last += le_u16(p) | (uint32_t)p[2] << 16;
	default:
		return g->last += le_u32(p);
	}
}
