#include "common/base/base.h"
#include "common/credential/credential.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

/* What nobody's password hashes to: its setting has Debian's default cost, and
 * its hash part was never computed from anything. */
#define NOBODY "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" \
	"X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"

/* One crypt(3) of phrase; owned by the caller (free_data), NULL when refused. */
static int
hash_with(const char *phrase, const char *setting, struct crypt_data **ret_data,
    const char **ret)
{
	/* On the heap: 32 KiB is much for the stack of a stranger's thread. */
	*ret_data = calloc(1, sizeof(**ret_data));
	if (*ret_data == NULL)
		return IAM_ERR_MEMORY;
	*ret = crypt_rn(phrase, setting, *ret_data, (int)sizeof(**ret_data));
	return *ret == NULL ? IAM_ERR_CRYPTO : 0;
}

static void
free_data(struct crypt_data *data)
{
	if (data == NULL)
		return;
	explicit_bzero(data, sizeof(*data));
	free(data);
}

/* Something that crypt(3) can take whole: not empty, not too long, no NUL inside. */
static bool
is_phrase(const struct secret *password)
{
	return password->len > 0 && password->len <= PASSWORD_MAX &&
	    memchr(password->p, '\0', password->len) == NULL;
}

int
password_hash(const struct secret *password, char ret[PASSWORD_HASH_MAX])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data = NULL;
	const char *hash;
	int r;

	if (!is_phrase(password))
		return IAM_ERR_ARG;
	/* Count 0 is the default cost, 5: that of login.defs and pam_unix. */
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, (int)sizeof(setting)) == NULL)
		return IAM_ERR_CRYPTO;
	r = hash_with(secret_str(password), setting, &data, &hash);
	if (r == 0 && strlen(hash) >= PASSWORD_HASH_MAX)
		r = IAM_ERR_RANGE;
	if (r == 0)
		memcpy(ret, hash, strlen(hash) + 1);
	free_data(data);
	return r;
}

/* crypt_checksalt(3) takes the empty text and much else for DES of old: a hash
 * is one that crypt(3) could have made, so it has no blank and no colon. */
bool
password_hash_known(const char *hash)
{
	int r = crypt_checksalt(hash);

	return r != CRYPT_SALT_INVALID && r != CRYPT_SALT_METHOD_DISABLED &&
	    strlen(hash) >= 13 && strpbrk(hash, " \t\n:!*") == NULL;
}

bool
password_hash_is_current(const char *hash)
{
	return strncmp(hash, "$y$", 3) == 0 || strncmp(hash, "$gy$", 4) == 0;
}

int
password_check(const struct secret *password, const char *hash, bool *ret_ok)
{
	bool usable = hash != NULL && password_hash_known(hash);
	bool possible = usable && is_phrase(password);
	const char *setting = usable ? hash : NOBODY;
	struct crypt_data *data = NULL;
	const char *got;
	int r;

	*ret_ok = false;
	/* A phrase that cannot be right is not hashed, but as much is done. */
	r = hash_with(is_phrase(password) ? secret_str(password) : "-", setting,
	    &data, &got);
	if (r == 0 && possible && strlen(got) == strlen(hash))
		*ret_ok = secret_equal(got, hash, strlen(hash));
	free_data(data);
	if (r == 0 && hash != NULL && !usable)
		return IAM_ERR_FORMAT;
	return r;
}
