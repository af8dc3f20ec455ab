/*
 * MFA devices come before their users. Until then each is kept as the text that its
 * document is: there may be a million.
 */
#include "common/base/base.h"

#include <stdlib.h>
#include <string.h>

#include "common/store/publish.h"

static int
reserve(struct publish *p)
{
	size_t cap = p->device_cap < 64 ? 64 : p->device_cap * 2;
	struct pub_device *v;

	if (p->device_count < p->device_cap)
		return 0;
	if (cap >= UINT32_MAX ||
	    (v = reallocarray(p->devices, cap, sizeof(*v))) == NULL)
		return IAM_ERR_MEMORY;
	p->devices = v;
	p->device_cap = cap;
	return 0;
}

/* A device counts from the moment that it is enabled for somebody. */
int
pub_device(struct publish *p, const struct doc_value *doc, const char *text,
    size_t len)
{
	const char *user = pub_str(doc, "UserName");
	char lower[STORE_KEY_MAX + 1];
	const struct pub_slot *s;
	int r;

	if (user == NULL || doc_get(doc, "EnableDate") == NULL)
		return 0;
	if ((r = reserve(p)) != 0)
		return r;
	pub_lower(user, lower);
	s = pub_map_find(&p->device_index, lower);
	p->devices[p->device_count] = (struct pub_device){
		(uint32_t)p->device_text.len, (uint32_t)len,
		s == NULL ? 0 : s->value };
	buf_put(&p->device_text, text, len);
	if ((r = p->device_text.err) != 0)
		return r;
	p->device_count++;
	return pub_map_put(&p->device_index, lower, (uint32_t)p->device_count,
	    NULL);
}

/* The last of her devices, + 1. */
static uint32_t
last_device(const struct publish *p, const char *user)
{
	char lower[STORE_KEY_MAX + 1];
	const struct pub_slot *s;

	if (p->device_count == 0)
		return 0;
	pub_lower(user, lower);
	s = pub_map_find(&p->device_index, lower);
	return s == NULL ? 0 : s->value;
}

int
pub_devices_of(struct publish *p, const char *user, size_t max,
    const struct doc_value **ret, size_t *ret_count)
{
	uint32_t last = last_device(p, user), i;
	const struct pub_device *d;
	size_t n = 0;
	int r;

	for (i = last; i != 0; i = p->devices[i - 1].before)
		n++;
	*ret_count = n;
	for (i = last; i != 0 && n <= max; i = d->before) {
		d = &p->devices[i - 1];
		n--;
		if ((r = doc_read(&p->device_docs[n], p->device_text.p + d->text,
		    d->len, &ret[n])) != 0)
			return r;
	}
	return 0;
}

/* The key ends with what the serial number ends with. */
static int
note_device(struct publish *p, const struct pub_device *d)
{
	const struct doc_value *doc;
	const char *serial, *name;
	char key[STORE_KEY_MAX + 1];
	int r;

	if ((r = doc_read(&p->device_docs[0], p->device_text.p + d->text, d->len,
	    &doc)) != 0)
		return r;
	serial = pub_str(doc, "SerialNumber");
	name = serial == NULL ? NULL : strrchr(serial, '/');
	snprintf(key, sizeof(key), "mfa/%s", name == NULL ? "" : name + 1);
	return pub_note_odd(p, key);
}

int
pub_devices_left(struct publish *p)
{
	const struct pub_slot *s;
	uint32_t k;
	size_t i;
	int r;

	if (p->device_dealt == p->device_count)
		return 0;
	for (i = 0; i < p->device_index.cap; i++) {
		s = &p->device_index.slots[i];
		for (k = s->text == 0 ? 0 : s->value; k != 0;
		    k = p->devices[k - 1].before) {
			if ((r = note_device(p, &p->devices[k - 1])) != 0)
				return r;
		}
	}
	return 0;
}

int
pub_devices_done(struct publish *p, const char *user)
{
	uint32_t last = last_device(p, user), i;
	char lower[STORE_KEY_MAX + 1];

	for (i = last; i != 0; i = p->devices[i - 1].before)
		p->device_dealt++;
	if (last == 0)
		return 0;
	pub_lower(user, lower);
	return pub_map_put(&p->device_index, lower, 0, NULL);
}

void
pub_devices_release(struct publish *p)
{
	size_t i;

	pub_map_release(&p->device_index);
	free(p->devices);
	buf_release(&p->device_text);
	for (i = 0; i < SNAP_DEVICES_MAX; i++)
		doc_release(&p->device_docs[i]);
}
