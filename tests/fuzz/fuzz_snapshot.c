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

/* Of what one check covers that begins at off, as far as it stays within left bytes;
 * else a block. */
static size_t
unit_len(const uint8_t *p, uint64_t off, size_t left)
{
	struct snap_extent e;
	size_t len;

	if (le_u32(p + SNAP_CHECK_LEN) == 0 ||
	    snap_extent_of(p + SNAP_CHECK_LEN, SNAP_BLOCK - SNAP_CHECK_LEN,
	    off + SNAP_CHECK_LEN, &e) != 0)
		return SNAP_BLOCK;
	len = (size_t)snap_round(SNAP_CHECK_LEN + (uint64_t)e.len, SNAP_BLOCK);
	return len <= left ? len : SNAP_BLOCK;
}

static void
mend_row(uint8_t *p, size_t size, const uint8_t *row, uint64_t salt)
{
	uint64_t off = le_u64(row + 8), n = le_u32(row + 4), end;
	size_t len;

	for (; n > 0 && off <= size && size - off >= SNAP_BLOCK;
	    n -= n < SNAP_BLOCK_BUCKETS ? n : SNAP_BLOCK_BUCKETS) {
		put_check(p + off, SNAP_BLOCK, salt ^ off);
		off += SNAP_BLOCK;
	}
	off = le_u64(row + 16);
	end = le_u64(row + 24);
	end = off <= size && end <= size - off ? off + end : 0;
	for (; off < end && end - off >= SNAP_BLOCK; off += len) {
		len = unit_len(p + off, off, (size_t)(end - off));
		put_check(p + off, len, salt ^ off);
	}
}

static void
mend(uint8_t *p, size_t size)
{
	uint64_t check, v = htole64(size);
	uint32_t i, rows;

	if (size < SNAP_BLOCK)
		return;
	memcpy(p, SNAP_MAGIC "\3\0\0", 11);
	memcpy(p + 40, &v, sizeof(v));
	rows = le_u32(p + 20);
	for (i = 0; i < rows && i < 16; i++)
		mend_row(p, size, p + SNAP_HEADER_FIXED + i * SNAP_ROW_LEN,
		    le_u64(p + 48));
	check = htole64(snap_check64(p, SNAP_BLOCK - 8, 0));
	memcpy(p + SNAP_BLOCK - 8, &check, sizeof(check));
}

static void
read_group(struct snap_bytes v)
{
	struct buf text = BUF_INIT;
	struct snap_group group;

	if (snap_group_decode(v, &group) != 0)
		return;
	if (group.gid == 0 || snap_group_members(&group, &text) != 0 ||
	    text.len != group.members_len)
		abort();
	buf_release(&text);
}

static void
read_gids(struct snap_bytes v)
{
	struct snap_gids gids;

	if (snap_gids_view(v, &gids) == 0) {
		while (gids.count > 0)
			snap_gids_next(&gids);
	}
}

static void
read_value(struct snap_bytes v)
{
	static struct snap_principal principal;
	static struct snap_account account;
	struct snap_policy policy;
	struct snap_user user;

	if (snap_user_decode(v, &user) == 0 && (user.uid == 0 ||
	    strlen(user.name) != user.name_len ||
	    strlen(user.home) != user.home_len ||
	    strlen(user.gecos) != user.gecos_len ||
	    strlen(user.shell) != user.shell_len))
		abort();
	read_group(v);
	read_gids(v);
	if (snap_principal_decode(v, &principal) == 0 &&
	    (principal.uid == 0 || !name_is_unix(principal.unix_name)))
		abort();
	(void)snap_policy_decode(v, &policy);
	if (snap_account_decode(v, &account) == 0)
		(void)snap_action_for(&account, "sshd");
}

/* As the name service does: members that nobody has looked at. */
static void
read_served(const struct snap *s)
{
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct buf text = BUF_INIT;
	struct snap_group group;
	bool found;

	while (snap_group_next(s, &cursor, &found, &group) == 0 && found) {
		buf_reset(&text);
		(void)snap_group_members(&group, &text);
	}
	buf_release(&text);
	snap_cursor_release(&cursor);
}

static void
read_table(const struct snap *s, enum snap_table t)
{
	struct snap_cursor cursor = SNAP_CURSOR_INIT;
	struct snap_bytes key, v, hit;
	bool found;

	while (snap_next(s, t, &cursor, &found, &key, &v) == 0 && found) {
		(void)snap_find(s, t, key.p, key.len, &found, &hit);
		read_value(v);
	}
	snap_cursor_release(&cursor);
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
	if (kind == SNAP_PUBLIC)
		read_served(s);
	snap_close(s);
	return 0;
}
