/*
 * A principal's file: used codes and failures. docs/runtime-format.md has the layout.
 */
#include "common/base/base.h"
#include "common/runtime/principal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRINCIPAL_MAGIC UINT64_C(0x3230505254524d49) /* "IMRTRP02" */
#define CHECK_BITS 14
#define CHECK_MASK ((UINT64_C(1) << CHECK_BITS) - 1)

_Static_assert(__atomic_always_lock_free(sizeof(uint64_t), NULL),
    "a lock of the C library's would be one process's own");

/* ---- words ---- */

uint64_t
word_load(const struct principal *p, unsigned i)
{
	return __atomic_load_n(&p->words[i], __ATOMIC_SEQ_CST);
}

bool
word_swap(struct principal *p, unsigned i, uint64_t *expected, uint64_t desired)
{
	return __atomic_compare_exchange_n(&p->words[i], expected, desired, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Folding finds every single flipped bit; whose word it is, and which, is mixed
 * in, so that none is believed in another's place. */
static uint64_t
check_of(const struct principal *p, unsigned i, uint64_t payload)
{
	uint64_t c = ((uint64_t)p->uid << 8 | i) * UINT64_C(0x9e3779b97f4a7c15) >>
	    (64 - CHECK_BITS);

	for (; payload != 0; payload >>= CHECK_BITS)
		c ^= payload & CHECK_MASK;
	return c;
}

uint64_t
word_pack(const struct principal *p, unsigned i, uint64_t payload)
{
	return payload << CHECK_BITS | check_of(p, i, payload);
}

bool
word_unpack(const struct principal *p, unsigned i, uint64_t word,
    uint64_t *ret_payload)
{
	*ret_payload = word >> CHECK_BITS;
	return word == 0 ||
	    (word & CHECK_MASK) == check_of(p, i, *ret_payload);
}

/* futex(2) compares the half of the word that has the check bits: any change of
 * the payload changes them. */
static uint32_t *
futex_half(struct principal *p, unsigned i)
{
	uint32_t *half = (uint32_t *)(void *)&p->words[i];

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	half++;
#endif
	return half;
}

void
word_wait(struct principal *p, unsigned i, uint64_t seen, unsigned ms)
{
	const struct timespec limit = { ms / 1000, (long)(ms % 1000) * 1000000 };

	syscall(SYS_futex, futex_half(p, i), FUTEX_WAIT, (uint32_t)seen, &limit,
	    NULL, 0);
}

void
word_wake(struct principal *p, unsigned i)
{
	syscall(SYS_futex, futex_half(p, i), FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* ---- the file ---- */

static uint64_t
uid_word(uint32_t uid)
{
	return (uint64_t)~uid << 32 | uid;
}

static int
make(const struct runtime *rt, const char *name, uint32_t uid, bool damaged)
{
	uint64_t words[PRINCIPAL_WORDS] = { 0 };
	int r;

	words[WORD_MAGIC] = PRINCIPAL_MAGIC;
	words[WORD_UID] = uid_word(uid);
	/* What a lost file knew may have been used. */
	words[WORD_STRICT] = damaged;
	r = rt_put(rt, name, words, sizeof(words), 0660, damaged);
	if (r == IAM_ERR_ABSENT && damaged)
		return IAM_ERR_FORMAT; /* root will mend it */
	return r == IAM_ERR_CONFLICT ? 0 : r; /* another login was first */
}

static int
map(struct principal *p, off_t size)
{
	void *words;

	if (size != PRINCIPAL_SIZE)
		return IAM_ERR_FORMAT;
	words = mmap(NULL, PRINCIPAL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    p->fd, 0);
	if (words == MAP_FAILED)
		return errno == ENOMEM ? IAM_ERR_MEMORY : IAM_ERR_IO;
	p->words = words;
	if (word_load(p, WORD_MAGIC) != PRINCIPAL_MAGIC ||
	    word_load(p, WORD_UID) != uid_word(p->uid))
		return IAM_ERR_FORMAT;
	return 0;
}

static int
open_and_map(struct runtime *rt, const char *name, uint32_t uid)
{
	struct principal *p = &rt->principal;
	struct stat st;
	int r;

	principal_close(p);
	p->uid = uid;
	if ((r = rt_open(rt, name, O_RDWR, rt->auth_gid, &p->fd, &st)) != 0)
		p->fd = -1;
	else if ((r = map(p, st.st_size)) != 0)
		principal_close(p);
	return r;
}

static bool
is_whole(const struct stat *st)
{
	return st->st_nlink == 1 && st->st_size == PRINCIPAL_SIZE;
}

int
principal_open(struct runtime *rt, uint32_t uid, struct principal **ret)
{
	struct principal *p = &rt->principal;
	char name[RUNTIME_NAME_MAX];
	struct stat st;
	int r;

	if (p->fd >= 0 && (r = rt_check(rt, p->fd, rt->auth_gid, &st)) != 0)
		return r;
	if (p->fd < 0 || p->uid != uid || !is_whole(&st)) {
		snprintf(name, sizeof(name), "principal.%u", uid);
		r = open_and_map(rt, name, uid);
		if ((r == IAM_ERR_ABSENT || r == IAM_ERR_FORMAT) &&
		    (r = make(rt, name, uid, r == IAM_ERR_FORMAT)) == 0)
			r = open_and_map(rt, name, uid);
		if (r != 0)
			return r;
	}
	*ret = p;
	return 0;
}

int
principal_of(struct runtime *rt, uint32_t uid, struct principal **ret)
{
	if (rt->principal.fd < 0 || rt->principal.uid != uid)
		return principal_open(rt, uid, ret);
	*ret = &rt->principal;
	return 0;
}

int
runtime_user_prepare(struct runtime *rt, uint32_t uid)
{
	struct principal *p;

	return principal_open(rt, uid, &p);
}

bool
principal_is_current(const struct principal *p)
{
	struct stat st;

	return fstat(p->fd, &st) == 0 && is_whole(&st);
}

void
principal_close(struct principal *p)
{
	int saved = errno;

	if (p->words != NULL)
		munmap(p->words, PRINCIPAL_SIZE);
	if (p->fd >= 0)
		close(p->fd);
	p->words = NULL;
	p->fd = -1;
	errno = saved;
}
