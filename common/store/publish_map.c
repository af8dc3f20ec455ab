#include "common/base/base.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/publish.h"

static uint32_t
hash_of(const struct pub_map *m, const char *text)
{
	uint8_t out[crypto_shorthash_BYTES];
	uint32_t h;

	crypto_shorthash(out, (const uint8_t *)text, strlen(text), m->salt);
	memcpy(&h, out, sizeof(h));
	return h;
}

const char *
pub_map_text(const struct pub_map *m, uint32_t at)
{
	return (const char *)m->text.p + at;
}

/* Where the text is, or would be. There is always a free slot. */
static struct pub_slot *
slot_of(const struct pub_map *m, const char *text, uint32_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->slots[i].text != 0 && (m->slots[i].hash != hash ||
	    strcmp(pub_map_text(m, m->slots[i].text), text) != 0))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

const struct pub_slot *
pub_map_find(const struct pub_map *m, const char *text)
{
	const struct pub_slot *s;

	if (m->count == 0)
		return NULL;
	s = slot_of(m, text, hash_of(m, text));
	return s->text == 0 ? NULL : s;
}

static int
make_room(struct pub_map *m)
{
	struct pub_slot *old = m->slots, *slots;
	size_t cap = m->cap == 0 ? 64 : m->cap * 2, i, j;

	if (m->count * 3 < m->cap * 2)
		return 0;
	if ((slots = calloc(cap, sizeof(*slots))) == NULL)
		return IAM_ERR_MEMORY;
	for (i = 0; i < m->cap; i++) {
		if (old[i].text == 0)
			continue;
		for (j = old[i].hash & (cap - 1); slots[j].text != 0;)
			j = (j + 1) & (cap - 1);
		slots[j] = old[i];
	}
	if (old == NULL) {
		randombytes_buf(m->salt, sizeof(m->salt));
		buf_putc(&m->text, '\0');
	}
	free(old);
	m->slots = slots;
	m->cap = cap;
	return m->text.err;
}

int
pub_map_put(struct pub_map *m, const char *text, uint32_t value,
    const struct pub_slot **ret)
{
	struct pub_slot *s;
	uint32_t hash;
	int r;

	if ((r = make_room(m)) != 0)
		return r;
	hash = hash_of(m, text);
	s = slot_of(m, text, hash);
	if (s->text == 0) {
		*s = (struct pub_slot){ hash, (uint32_t)m->text.len, 0 };
		buf_put(&m->text, text, strlen(text) + 1);
		m->count++;
	}
	s->value = value;
	if (ret != NULL)
		*ret = s;
	return m->text.err;
}

void
pub_map_close(struct pub_map *m)
{
	free(m->slots);
	m->slots = NULL;
	m->cap = m->count = 0;
}

void
pub_map_release(struct pub_map *m)
{
	buf_release(&m->text);
	free(m->slots);
	*m = (struct pub_map){ 0 };
}
