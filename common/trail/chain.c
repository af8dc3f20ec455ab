/*
 * The chain: every record carries the hash of the line before it.
 *
 * It is the last thing in a record, in a fixed spelling, so that a writer
 * without a JSON parser finds the last sequence number in the file.
 */
#include "common/base/base.h"
#include "common/trail/internal.h"

#include <sodium.h>
#include <string.h>

static const char seq_text[] = "\"chain\":{\"seq\":";
static const char previous_text[] = ",\"previous\":\"";
static const char end_text[] = "\"}}}";

void
trail_link_init(struct trail_link *l)
{
	l->seq = 0;
	memset(l->previous, '0', TRAIL_HEX_LEN);
	l->previous[TRAIL_HEX_LEN] = '\0';
}

void
trail_link_hash(struct trail_link *l, const void *line, size_t len)
{
	const uint8_t *p = line;
	uint8_t hash[crypto_hash_sha256_BYTES];

	if (len > TRAIL_LINE_MAX) {
		p += len - TRAIL_LINE_MAX;
		len = TRAIL_LINE_MAX;
	}
	crypto_hash_sha256(hash, p, len);
	sodium_bin2hex(l->previous, sizeof(l->previous), hash, sizeof(hash));
}

/* Shorten the text by a suffix if it ends so. */
static bool
drop(const char *p, size_t *len, const char *suffix)
{
	size_t n = strlen(suffix);

	if (*len < n || memcmp(p + *len - n, suffix, n) != 0)
		return false;
	*len -= n;
	return true;
}

static size_t
trailing(const char *p, size_t len, const char *set)
{
	size_t n = 0;

	while (n < len && p[len - n - 1] != '\0' &&
	    strchr(set, p[len - n - 1]) != NULL)
		n++;
	return n;
}

bool
trail_link_seq(const char *line, size_t len, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n, i;

	if (!drop(line, &len, end_text) ||
	    trailing(line, len, "0123456789abcdef") != TRAIL_HEX_LEN)
		return false;
	len -= TRAIL_HEX_LEN;
	if (!drop(line, &len, previous_text))
		return false;
	n = trailing(line, len, "0123456789");
	if (n == 0 || n > 18)
		return false;
	for (i = len - n; i < len; i++)
		v = v * 10 + (uint64_t)(line[i] - '0');
	len -= n;
	if (!drop(line, &len, seq_text))
		return false;
	*ret = v;
	return true;
}

void
trail_link_record(struct buf *b, const char *body, size_t len,
    int64_t spool_uid, const struct trail_link *l)
{
	struct json_shape shape;

	if (!json_check(body, len, &shape)) {
		b->err = IAM_ERR_BUG;
		return;
	}
	buf_put(b, body, len - 2);
	if (shape.last_count > 0)
		buf_putc(b, ',');
	if (spool_uid >= 0)
		buf_printf(b, "\"spool\":{\"uid\":%lld},", (long long)spool_uid);
	buf_printf(b, "%s%llu%s%s%s", seq_text, (unsigned long long)l->seq + 1,
	    previous_text, l->previous, end_text);
}
