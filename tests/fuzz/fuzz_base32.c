/* What is decoded must be encoded to something that decodes to the same. */
#include "common/base/base.h"
#include "common/credential/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret text = SECRET_INIT, raw = SECRET_INIT, back = SECRET_INIT;

	if (secret_set(&text, data, size) != 0)
		return 0;
	if (base32_decode(secret_str(&text), &raw) == 0) {
		if (base32_encode(&raw, &text) != 0 ||
		    base32_decode(secret_str(&text), &back) != 0 ||
		    back.len != raw.len || memcmp(back.p, raw.p, raw.len) != 0)
			abort();
	}
	secret_release(&text);
	secret_release(&raw);
	secret_release(&back);
	return 0;
}
