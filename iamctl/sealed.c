#include "common/base/base.h"

#include <sodium.h>

#include "iamctl/sealed.h"
#include "iamctl/util.h"

#define SEALED_MAX 1024

int
sealed_key_load(struct op_call *c, struct seal_key *ret)
{
	int r = seal_key_load(IAM_PATH_SEAL_KEY, ret);

	return r != 0 ? op_fail_err(c, r, IAM_PATH_SEAL_KEY) : 0;
}

int
sealed_set(struct op_call *c, json_t *doc, const char *member,
    const char *context, const struct secret *plain)
{
	char text[sodium_base64_ENCODED_LEN(SEALED_MAX,
	    sodium_base64_VARIANT_ORIGINAL)];
	struct buf sealed = BUF_INIT;
	struct seal_key key;
	int r;

	if (sealed_key_load(c, &key) != 0)
		return -1;
	r = seal(&key, context, plain, &sealed);
	explicit_bzero(&key, sizeof(key));
	if (r == 0 && sealed.len > SEALED_MAX)
		r = IAM_ERR_LIMIT;
	if (r != 0) {
		buf_release(&sealed);
		return op_fail_err(c, r, "A secret could not be sealed");
	}
	sodium_bin2base64(text, sizeof(text), sealed.p, sealed.len,
	    sodium_base64_VARIANT_ORIGINAL);
	buf_release(&sealed);
	return member_set(c, doc, member, json_string(text));
}

int
sealed_get(struct op_call *c, const json_t *doc, const char *member,
    const char *context, struct secret *ret)
{
	const char *text = text_of(doc, member);
	struct seal_key key;
	uint8_t sealed[SEALED_MAX];
	size_t len;
	int r;

	if (sodium_base642bin(sealed, sizeof(sealed), text, strlen(text), NULL,
	    &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return op_fail_err(c, IAM_ERR_FORMAT, context);
	if (sealed_key_load(c, &key) != 0)
		return -1;
	r = unseal(&key, context, sealed, len, ret);
	explicit_bzero(&key, sizeof(key));
	return r != 0 ? op_fail_err(c, r, context) : 0;
}
