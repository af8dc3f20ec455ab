#include "common/base/base.h"
#include "common/runtime/internal.h"
#include "common/runtime/lastlogin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LASTLOGIN_MAGIC UINT64_C(0x32304c4c54524d49) /* "IMRTLL02" */
#define LASTLOGIN_SIZE 4096
#define LOCK_TRIES 100

static void
encode_keys(const struct lastlogin *l, struct buf *b)
{
	unsigned i;

	for (i = 0; i < LASTLOGIN_KEYS; i++) {
		buf_str(b, l->keys[i].id);
		buf_u64(b, (uint64_t)l->keys[i].at_s);
		buf_str(b, l->keys[i].service);
		buf_str(b, l->keys[i].rhost);
	}
}

static int
encode(uint32_t uid, const struct lastlogin *l, uint8_t ret[LASTLOGIN_SIZE])
{
	struct buf b = BUF_INIT;
	int r;

	buf_u64(&b, LASTLOGIN_MAGIC);
	buf_u32(&b, uid);
	buf_u32(&b, l->failures);
	buf_u64(&b, (uint64_t)l->at_s);
	buf_u64(&b, (uint64_t)l->failed_s);
	buf_str(&b, l->service);
	buf_str(&b, l->rhost);
	buf_str(&b, l->tty);
	buf_u64(&b, (uint64_t)l->password_s);
	encode_keys(l, &b);
	memset(ret, 0, LASTLOGIN_SIZE);
	if ((r = b.err) == 0 && b.len <= LASTLOGIN_SIZE - 8) {
		memcpy(ret, b.p, b.len);
		buf_reset(&b);
		buf_u64(&b, rt_sum(ret, LASTLOGIN_SIZE - 8));
		if ((r = b.err) == 0)
			memcpy(ret + LASTLOGIN_SIZE - 8, b.p, 8);
	}
	buf_release(&b);
	return r;
}

static bool
get_text(struct rd *rd, char *ret, size_t size)
{
	const char *s = rd_str_must(rd);

	if (strlen(s) >= size)
		return false;
	memcpy(ret, s, strlen(s) + 1);
	return true;
}

static bool
decode_keys(struct rd *rd, struct lastlogin *ret)
{
	struct lastlogin_key *k;
	unsigned i;

	for (i = 0; i < LASTLOGIN_KEYS; i++) {
		k = &ret->keys[i];
		if (!get_text(rd, k->id, sizeof(k->id)))
			return false;
		k->at_s = (int64_t)rd_u64(rd);
		if (!get_text(rd, k->service, sizeof(k->service)) ||
		    !get_text(rd, k->rhost, sizeof(k->rhost)))
			return false;
	}
	return true;
}

static bool
decode(const uint8_t data[LASTLOGIN_SIZE], uint32_t uid, struct lastlogin *ret)
{
	struct rd rd, end;

	memset(ret, 0, sizeof(*ret));
	rd_init(&end, data + LASTLOGIN_SIZE - 8, 8);
	if (rd_u64(&end) != rt_sum(data, LASTLOGIN_SIZE - 8))
		return false;
	rd_init(&rd, data, LASTLOGIN_SIZE - 8);
	if (rd_u64(&rd) != LASTLOGIN_MAGIC || rd_u32(&rd) != uid)
		return false;
	ret->failures = rd_u32(&rd);
	ret->at_s = (int64_t)rd_u64(&rd);
	ret->failed_s = (int64_t)rd_u64(&rd);
	if (!get_text(&rd, ret->service, sizeof(ret->service)) ||
	    !get_text(&rd, ret->rhost, sizeof(ret->rhost)) ||
	    !get_text(&rd, ret->tty, sizeof(ret->tty)))
		return false;
	ret->password_s = (int64_t)rd_u64(&rd);
	return decode_keys(&rd, ret) && rd.err == 0;
}

/* Root's directory, which nobody else may even look into. */
static int
open_dir(const char *dir, int *ret_fd)
{
	struct stat st;
	int fd;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST && errno != EROFS)
		return IAM_ERR_IO;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? IAM_ERR_ABSENT : IAM_ERR_IO;
	if (fstat(fd, &st) != 0 || !file_owner_ok(st.st_uid) ||
	    (st.st_mode & 077) != 0) {
		close(fd);
		return IAM_ERR_UNSAFE;
	}
	*ret_fd = fd;
	return 0;
}

/* Only root's processes have it, and hold it for a moment. */
static int
lock(int fd, int operation)
{
	const struct timespec pause = { 0, 2000000 };
	unsigned tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (flock(fd, operation | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return IAM_ERR_IO;
		nanosleep(&pause, NULL);
	}
	return IAM_ERR_BUSY;
}

static void
unlock_close(int fd)
{
	flock(fd, LOCK_UN);
	close(fd);
}

/* Open and locked; *ret_writable (in: is it wanted, then the file is made) is false where
 * the file system takes nothing. */
static int
open_file(const char *dir, uint32_t uid, int *ret_fd, bool *ret_writable)
{
	const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	struct stat st;
	char name[16];
	int at, fd, r;

	if (!rt_is_owner())
		return IAM_ERR_UNSAFE;
	if ((r = open_dir(dir, &at)) != 0)
		return r;
	snprintf(name, sizeof(name), "%u", uid);
	fd = openat(at, name, *ret_writable ? O_RDWR | O_CREAT | flags :
	    O_RDONLY | flags, 0600);
	if (fd < 0 && *ret_writable && errno == EROFS) {
		*ret_writable = false;
		fd = openat(at, name, O_RDONLY | flags);
	}
	r = fd >= 0 ? 0 : errno == ENOENT ? IAM_ERR_ABSENT : IAM_ERR_IO;
	close(at);
	if (r != 0)
		return r;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    !file_owner_ok(st.st_uid) || (st.st_mode & 077) != 0)
		r = IAM_ERR_UNSAFE;
	else
		r = lock(fd, *ret_writable ? LOCK_EX : LOCK_SH);
	if (r != 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

static int
load(int fd, uint32_t uid, bool *ret_found, struct lastlogin *ret)
{
	uint8_t data[LASTLOGIN_SIZE];
	size_t len;
	int r;

	if ((r = rt_read(fd, data, sizeof(data), &len)) != 0)
		return r;
	*ret_found = len == sizeof(data) && decode(data, uid, ret);
	if (!*ret_found)
		memset(ret, 0, sizeof(*ret));
	return 0;
}

static int
save(int fd, uint32_t uid, const struct lastlogin *l)
{
	uint8_t data[LASTLOGIN_SIZE];
	int r;

	if ((r = encode(uid, l, data)) != 0)
		return r;
	return pwrite(fd, data, sizeof(data), 0) == (ssize_t)sizeof(data) ? 0 :
	    IAM_ERR_IO;
}

/* The place of a key, or else of the one used longest ago; a free one is that. */
static struct lastlogin_key *
key_place(struct lastlogin *l, const char *id)
{
	struct lastlogin_key *k, *oldest = &l->keys[0];
	unsigned i;

	for (i = 0; i < LASTLOGIN_KEYS; i++) {
		k = &l->keys[i];
		if (strcmp(k->id, id) == 0)
			return k;
		if (k->at_s < oldest->at_s)
			oldest = k;
	}
	return oldest;
}

/* What a login does not replace. */
static void
keep_older(const struct lastlogin *before, const struct lastlogin *now,
    struct lastlogin *next)
{
	if (next->password_s == 0)
		next->password_s = before->password_s;
	memcpy(next->keys, before->keys, sizeof(next->keys));
	if (now->keys[0].id[0] != '\0')
		*key_place(next, now->keys[0].id) = now->keys[0];
}

int
lastlogin_swap(const char *dir, uint32_t uid, const struct lastlogin *now,
    bool *ret_found, struct lastlogin *ret_before)
{
	struct lastlogin next = *now;
	bool writable = true;
	int fd, r;

	*ret_found = false;
	if ((r = open_file(dir, uid, &fd, &writable)) != 0)
		return r;
	r = load(fd, uid, ret_found, ret_before);
	if (r == 0) {
		keep_older(ret_before, now, &next);
		r = writable ? save(fd, uid, &next) : IAM_ERR_IO;
	}
	unlock_close(fd);
	return r;
}

int
lastlogin_failed(const char *dir, uint32_t uid, int64_t now_s)
{
	struct lastlogin l;
	bool writable = true, found;
	int fd, r;

	if ((r = open_file(dir, uid, &fd, &writable)) != 0)
		return r;
	if ((r = load(fd, uid, &found, &l)) == 0) {
		if (l.failures < UINT32_MAX)
			l.failures++;
		l.failed_s = now_s;
		r = writable ? save(fd, uid, &l) : IAM_ERR_IO;
	}
	unlock_close(fd);
	return r;
}

int
lastlogin_read(const char *dir, uint32_t uid, bool *ret_found,
    struct lastlogin *ret)
{
	bool writable = false;
	int fd, r;

	*ret_found = false;
	memset(ret, 0, sizeof(*ret));
	r = open_file(dir, uid, &fd, &writable);
	if (r != 0)
		return r == IAM_ERR_ABSENT ? 0 : r;
	r = load(fd, uid, ret_found, ret);
	unlock_close(fd);
	return r;
}
