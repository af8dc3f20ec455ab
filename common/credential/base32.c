#include "common/base/base.h"
#include "common/credential/credential.h"

#include <liboath/oath.h>
#include <stdlib.h>
#include <string.h>

static int
from_oath(int r)
{
	if (r == OATH_MALLOC_ERROR)
		return IAM_ERR_MEMORY;
	return r == OATH_OK ? 0 : IAM_ERR_FORMAT;
}

int
base32_encode(const struct secret *raw, struct secret *ret)
{
	char *text = NULL;
	size_t len;
	int r;

	if (raw->len == 0) {
		secret_release(ret);
		return 0;
	}
	r = from_oath(oath_base32_encode((const char *)raw->p, raw->len, &text, &len));
	if (r != 0)
		return r;
	while (len > 0 && text[len - 1] == '=')
		text[--len] = '\0';
	r = secret_set(ret, text, len);
	secret_free_str(text);
	return r;
}

/* Capitals only, without blanks, dashes and the padding at the end. */
static int
tidy(const char *text, struct buf *b)
{
	bool padding = false;
	size_t i;
	char c;

	for (i = 0; text[i] != '\0'; i++) {
		c = text[i];
		if (c == ' ' || c == '-')
			continue;
		if (c == '=') {
			padding = true;
			continue;
		}
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (padding || !((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7')))
			return IAM_ERR_FORMAT;
		if (b->len == BASE32_TEXT_MAX)
			return IAM_ERR_LIMIT;
		buf_putc(b, c);
	}
	return b->err;
}

/* 1, 3 and 6 characters in the last group of 8 cannot end at a byte. */
static bool
is_length(size_t len)
{
	return len % 8 != 1 && len % 8 != 3 && len % 8 != 6;
}

int
base32_decode(const char *text, struct secret *ret)
{
	struct buf b = BUF_INIT;
	char *raw = NULL;
	size_t len = 0;
	int r;

	if ((r = tidy(text, &b)) != 0)
		goto out;
	if (b.len == 0 || !is_length(b.len)) {
		r = IAM_ERR_FORMAT;
		goto out;
	}
	r = from_oath(oath_base32_decode(buf_cstr(&b), b.len, &raw, &len));
	if (r != 0)
		goto out;
	r = secret_set(ret, raw, len);
	explicit_bzero(raw, len);
out:
	free(raw);
	buf_release(&b);
	return r;
}

void
uri_encode(struct buf *b, const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if ((s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= '0' && s[i] <= '9') || strchr("-._~", s[i]) != NULL)
			buf_putc(b, s[i]);
		else
			buf_printf(b, "%%%02X", (unsigned)(unsigned char)s[i]);
	}
}

static const char *
alg_name(uint32_t alg)
{
	if (alg == TOTP_SHA256)
		return "SHA256";
	return alg == TOTP_SHA512 ? "SHA512" : "SHA1";
}

int
otpauth_uri(const char *issuer, const char *label, const struct secret *seed,
    const struct totp_params *params, struct secret *ret)
{
	struct secret text = SECRET_INIT;
	struct buf b = BUF_INIT;
	int r;

	if ((r = base32_encode(seed, &text)) != 0)
		return r;
	buf_puts(&b, "otpauth://totp/");
	uri_encode(&b, issuer);
	buf_puts(&b, ":");
	uri_encode(&b, label);
	buf_puts(&b, "?secret=");
	buf_puts(&b, secret_str(&text));
	buf_puts(&b, "&issuer=");
	uri_encode(&b, issuer);
	buf_printf(&b, "&algorithm=%s&digits=%u&period=%u", alg_name(params->alg),
	    params->digits, params->period_s);
	if ((r = b.err) == 0)
		r = secret_set(ret, b.p, b.len);
	secret_release(&text);
	buf_release(&b);
	return r;
}
