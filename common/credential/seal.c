#include "common/base/base.h"
#include "common/credential/credential.h"
#include "common/credential/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SEAL_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    "a seal key is the cipher's key");

int
credential_init(void)
{
	return sodium_init() < 0 ? IAM_ERR_CRYPTO : 0;
}

int
seal_key_load(const char *path, struct seal_key *ret)
{
	struct buf b = BUF_INIT;
	int r;

	r = file_read(path, FILE_SECRET, SEAL_KEY_LEN, &b);
	if (r == IAM_ERR_LIMIT || (r == 0 && b.len != SEAL_KEY_LEN))
		r = IAM_ERR_FORMAT;
	if (r == 0)
		memcpy(ret->bytes, b.p, SEAL_KEY_LEN);
	buf_release(&b);
	return r;
}

static int
write_key(int fd, const uint8_t *key, gid_t gid)
{
	int r;

	if ((r = file_write_all(fd, key, SEAL_KEY_LEN)) != 0)
		return r;
	if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) != 0)
		return IAM_ERR_IO;
	if (fchmod(fd, 0640) != 0 || fsync(fd) != 0)
		return IAM_ERR_IO;
	return 0;
}

int
seal_key_create(const char *path, gid_t gid)
{
	uint8_t key[SEAL_KEY_LEN];
	char tmp[PATH_MAX];
	int fd, n, r, saved;

	if ((r = credential_init()) != 0)
		return r;
	n = snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return IAM_ERR_LIMIT;
	if ((fd = mkostemp(tmp, O_CLOEXEC)) < 0)
		return IAM_ERR_IO;
	randombytes_buf(key, sizeof(key));
	r = write_key(fd, key, gid);
	explicit_bzero(key, sizeof(key));
	saved = errno;
	close(fd);
	/* link, not rename: never over a key that seals something already. */
	if (r == 0 && link(tmp, path) != 0) {
		saved = errno;
		r = saved == EEXIST ? IAM_ERR_CONFLICT : IAM_ERR_IO;
	}
	unlink(tmp);
	if (r == 0)
		return file_sync_dir(path);
	errno = saved;
	return r;
}

int
seal(const struct seal_key *key, const char *context,
    const struct secret *plain, struct buf *ret)
{
	uint8_t nonce[NONCE_LEN], *box;
	unsigned long long len;
	int r;

	if ((r = credential_init()) != 0)
		return r;
	if (plain->len > SEAL_PLAIN_MAX)
		return IAM_ERR_LIMIT;
	if ((box = malloc(plain->len + TAG_LEN)) == NULL)
		return IAM_ERR_MEMORY;
	randombytes_buf(nonce, sizeof(nonce));
	r = crypto_aead_xchacha20poly1305_ietf_encrypt(box, &len, plain->p,
	    plain->len, (const uint8_t *)context, strlen(context), NULL, nonce,
	    key->bytes);
	if (r == 0) {
		buf_put(ret, nonce, sizeof(nonce));
		buf_put(ret, box, (size_t)len);
		r = ret->err;
	} else
		r = IAM_ERR_CRYPTO;
	free(box);
	return r;
}

int
unseal(const struct seal_key *key, const char *context, const uint8_t *sealed,
    size_t len, struct secret *ret)
{
	uint8_t *plain;
	unsigned long long plain_len;
	size_t room;
	int r;

	if ((r = credential_init()) != 0)
		return r;
	if (len < NONCE_LEN + TAG_LEN || len > NONCE_LEN + TAG_LEN + SEAL_PLAIN_MAX)
		return IAM_ERR_CRYPTO;
	room = len - NONCE_LEN - TAG_LEN;
	if ((plain = malloc(room + 1)) == NULL)
		return IAM_ERR_MEMORY;
	r = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &plain_len, NULL,
	    sealed + NONCE_LEN, len - NONCE_LEN, (const uint8_t *)context,
	    strlen(context), sealed, key->bytes);
	r = r == 0 ? secret_set(ret, plain, (size_t)plain_len) : IAM_ERR_CRYPTO;
	explicit_bzero(plain, room + 1);
	free(plain);
	return r;
}
