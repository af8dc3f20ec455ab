/* One line: an SSH public key, or a certificate. */
#include "common/base/base.h"
#include "common/credential/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iam_why why;
	struct ssh_cert cert;
	struct ssh_key key;
	char *line = malloc(size + 1);

	if (line == NULL)
		return 0;
	if (size > 0)
		memcpy(line, data, size);
	line[size] = '\0';
	if (ssh_key_parse(line, &key, &why) == 0 &&
	    (key.body != line || key.body_len > size || key.bits == 0 ||
	    strlen(key.fingerprint_md5) != 47))
		abort();
	if (ssh_cert_parse(line, &cert, &why) == 0 &&
	    (cert.bits == 0 || cert.mfa_s < 0))
		abort();
	free(line);
	return 0;
}
