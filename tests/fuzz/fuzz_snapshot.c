/*
 * A snapshot file of any bytes, with good checksums wherever that is possible, so
 * that what lies behind them is reached: refused, or read without harm. The first
 * byte says public or private, and whether to mend the checksums.
 */
#include "common/base/base.h"
#include "common/snapshot/internal.h"
#include "common/snapshot/principal.h"
#include "common/snapshot/accounts.h"

#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_check(uint8_t *p, size_t len, uint64_t seed)
{
	uint32_t v = htole32((uint32_t)snap_check64(p + 4, len - 4, seed));

	memcpy(p, &v, sizeof(v));
}

/* Of a record at p, as far as it stays within left bytes; else a page. */
static size_t
extent(const uint8_t *p, size_t left)
{
	size_t len;

	if (snap_get32(p) > left || snap_get32(p + 4) > left)
		return SNAP_PAGE;
	len = snap_round(SNAP_RECORD_HEAD + snap_get16(p + 8) + p[10], 8) +
	    snap_round(snap_get32(p), 4) + snap_get32(p + 4);
	len = snap_round(SNAP_PAGE_HEAD + snap_round(len, 8), SNAP_PAGE);
	return len <= left ? len : SNAP_PAGE;
}

static void
mend_row(uint8_t *p, size_t size, const uint8_t *row, uint64_t salt)
{
	uint64_t off = snap_get64(row + 8), n = snap_get32(row + 4), end;
	size_t len;

	for (; n > 0 && off <= size && size - off >= SNAP_PAGE;
	    n -= n < SNAP_PAGE_BUCKETS ? n : SNAP_PAGE_BUCKETS) {
		put_check(p + off, SNAP_PAGE, salt ^ off);
		off += SNAP_PAGE;
	}
	off = snap_get64(row + 16);
	end = snap_get64(row + 24);
	end = off <= size && end <= size - off ? off + end : 0;
	for (; off < end && end - off >= SNAP_PAGE; off += len) {
		len = extent(p + off + SNAP_PAGE_HEAD, (size_t)(end - off));
		put_check(p + off, len, salt ^ off);
	}
}

static void
mend(uint8_t *p, size_t size)
{
	uint64_t check, v = htole64(size);
	uint32_t i, rows;

	if (size < SNAP_PAGE)
		return;
	memcpy(p, SNAP_MAGIC "\2\0\0", 11);
	memcpy(p + 40, &v, sizeof(v));
	rows = snap_get32(p + 20);
	for (i = 0; i < rows && i < 16; i++)
		mend_row(p, size, p + SNAP_HEADER_FIXED + i * SNAP_ROW_LEN,
		    snap_get64(p + 48));
	check = htole64(snap_check64(p, SNAP_PAGE - 8, 0));
	memcpy(p + SNAP_PAGE - 8, &check, sizeof(check));
}

static void
read_table(const struct snap *s, enum snap_table t)
{
	static struct snap_principal principal;
	static struct snap_account account;
	struct snap_bytes key, v, hit;
	struct snap_policy policy;
	struct snap_group group;
	struct snap_user user;
	uint64_t cursor = 0;
	bool found;

	while (snap_next(s, t, &cursor, &found, &key, &v) == 0 && found) {
		(void)snap_find(s, t, key.p, key.len, &found, &hit);
		if (snap_user_decode(v, &user) == 0 && user.uid == 0)
			abort();
		if (snap_group_decode(v, &group) == 0 && group.gid == 0)
			abort();
		if (snap_principal_decode(v, &principal) == 0 &&
		    (principal.uid == 0 || !name_is_unix(principal.unix_name)))
			abort();
		(void)snap_policy_decode(v, &policy);
		if (snap_account_decode(v, &account) == 0)
			(void)snap_action_for(&account, "sshd");
	}
	(void)snap_find(s, t, "abcd", 4, &found, &hit);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/tmp/fuzz_snapshot.XXXXXX";
	static int fd = -1;
	enum snap_kind kind;
	struct snap *s;
	uint8_t *p;
	unsigned t;

	if (size < 2 || size > 65536 || (p = malloc(size - 1)) == NULL)
		return 0;
	if (fd < 0)
		fd = mkstemp(path);
	kind = (data[0] & 1) != 0 ? SNAP_PRIVATE : SNAP_PUBLIC;
	memcpy(p, data + 1, size - 1);
	if ((data[0] & 2) != 0)
		mend(p, size - 1);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, p, size - 1, 0) < 0)
		abort();
	free(p);
	if (snap_open(path, kind, &s) != 0)
		return 0;
	(void)snap_verify(s);
	for (t = 0; t < SNAP_TABLE_COUNT; t++) {
		if (snap_table_in_kind(t, kind))
			read_table(s, t);
	}
	snap_close(s);
	return 0;
}
