/*
 * The conversation. Nothing that the application does here is trusted: success
 * without an answer, an empty one or one without end is a failed attempt (S6).
 */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/module.h"

#include <stdlib.h>
#include <string.h>

static int
converse(pam_handle_t *pamh, int style, const char *text,
    struct pam_response **ret)
{
	struct pam_message message = { .msg_style = style, .msg = text };
	const struct pam_message *list = &message;
	const struct pam_conv *conv;
	const void *item = NULL;
	int r;

	*ret = NULL;
	if (pam_get_item(pamh, PAM_CONV, &item) != PAM_SUCCESS || item == NULL)
		return PAM_CONV_ERR;
	conv = item;
	if (conv->conv == NULL)
		return PAM_CONV_ERR;
	r = conv->conv(1, &list, ret, conv->appdata_ptr);
	/* Who failed may have left anything there: not ours to free. */
	if (r != PAM_SUCCESS)
		*ret = NULL;
	return r;
}

static void
response_free(struct pam_response *resp)
{
	if (resp == NULL)
		return;
	secret_free_str(resp->resp);
	free(resp);
}

static int
ask(pam_handle_t *pamh, const char *prompt, size_t min, struct secret *answer,
    bool *ret_bad)
{
	struct pam_response *resp;
	size_t len;
	int r = 0;

	secret_release(answer);
	*ret_bad = true;
	if (converse(pamh, PAM_PROMPT_ECHO_OFF, prompt, &resp) == PAM_SUCCESS &&
	    resp != NULL && resp->resp != NULL) {
		len = strlen(resp->resp);
		if (len >= min && len <= PASSWORD_MAX) {
			r = secret_set(answer, resp->resp, len);
			*ret_bad = r != 0;
		}
	}
	response_free(resp);
	return r;
}

int
conv_ask(pam_handle_t *pamh, const char *prompt, struct secret *answer,
    bool *ret_bad)
{
	return ask(pamh, prompt, 1, answer, ret_bad);
}

int
conv_ask_or_empty(pam_handle_t *pamh, const char *prompt, struct secret *answer,
    bool *ret_bad)
{
	return ask(pamh, prompt, 0, answer, ret_bad);
}

/* No code has one, and apps show "123 456". */
static void
drop_blanks(struct secret *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->len; i++)
		if (s->p[i] != ' ')
			s->p[n++] = s->p[i];
	if (n < s->len)
		explicit_bzero(s->p + n, s->len - n);
	s->len = n;
}

int
conv_ask_code(pam_handle_t *pamh, const char *prompt, bool may_be_empty,
    struct secret *answer, bool *ret_bad)
{
	int r = ask(pamh, prompt, 0, answer, ret_bad);

	drop_blanks(answer);
	*ret_bad = *ret_bad || (answer->len == 0 && !may_be_empty);
	return r;
}

void
conv_say(pam_handle_t *pamh, int flags, int style, const char *text)
{
	struct pam_response *resp;

	if ((flags & (int)PAM_SILENT) != 0)
		return;
	converse(pamh, style, text, &resp);
	response_free(resp);
}
