/* The SSH key of a login: what sshd says of it, and what IAM knows of it. */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/internal.h"

#include <stdlib.h>
#include <string.h>

/* sshd has verified the key; its type counts even when the rest is of a kind that
 * is not read here, such as a certificate. */
static void
read_line(const char *line, struct login_key *ret)
{
	struct ssh_key key;

	if (ssh_key_parse(line, &key, NULL) == 0) {
		memcpy(ret->type, key.type, sizeof(ret->type));
		memcpy(ret->fingerprint, key.fingerprint, sizeof(ret->fingerprint));
		ret->bits = key.bits;
		return;
	}
	snprintf(ret->type, sizeof(ret->type), "%.*s",
	    (int)strcspn(line, " \t\r\n"), line);
}

int
login_key_read(const char *line, const struct snap_principal *principal,
    struct login_key *ret)
{
	char *first;
	uint32_t i;

	*ret = (struct login_key){ .bits = 0 };
	if (line == NULL)
		return 0;
	if ((first = strndup(line, strcspn(line, "\n"))) == NULL)
		return IAM_ERR_MEMORY;
	read_line(first, ret);
	free(first);
	for (i = 0; i < principal->key_count && ret->fingerprint[0] != '\0'; i++) {
		if (strcmp(principal->keys[i].fingerprint, ret->fingerprint) == 0)
			ret->known = &principal->keys[i];
	}
	return 0;
}
