/* The conversation: an application that answers anything at all (S6). */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/module.h"

struct input {
	const uint8_t *p;
	size_t len;
};

static int
answer_anything(int n, const struct pam_message **msg,
    struct pam_response **resp, void *data)
{
	struct input *in = data;
	uint8_t how = in->len > 0 ? in->p[0] : 0;

	(void)n;
	(void)msg;
	if (how % 5 == 0) {
		*resp = (struct pam_response *)(uintptr_t)8;
		return PAM_CONV_ERR;
	}
	if (how % 5 == 1)
		return PAM_SUCCESS;
	if ((*resp = calloc(1, sizeof(**resp))) != NULL && how % 5 != 2)
		(*resp)->resp = strndup((const char *)in->p + 1, in->len - 1);
	return PAM_SUCCESS;
}

static const struct pam_conv *current;

int
pam_get_item(const pam_handle_t *pamh, int type, const void **item)
{
	(void)pamh;
	(void)type;
	*item = current;
	return PAM_SUCCESS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	const struct pam_conv conv = { answer_anything, &in };
	struct secret answer = SECRET_INIT;
	bool bad = false;

	current = &conv;
	if (conv_ask((pam_handle_t *)&answer, "Password: ", &answer, &bad) != 0 ||
	    bad != (answer.len == 0) || answer.len > PASSWORD_MAX)
		abort();
	conv_say((pam_handle_t *)&answer, 0, PAM_TEXT_INFO, "text");
	secret_release(&answer);
	return 0;
}
