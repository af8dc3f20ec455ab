/*
 * What people read, in their language. Why not gettext(3): its functions look at
 * the environment of whoever called us (LANGUAGE, OUTPUT_CHARSET), keep global
 * state, and know only locales that the host has generated. So the catalogues of
 * msgfmt(1) are read here. Rules kept:
 *
 *  - the language is what PAM's environment says, and without that the host's own
 *    default, a file of root's; never the process's environment (S7);
 *  - catalogues come from one place, root's, and every offset in them is checked (mo.c);
 *  - no setlocale, no global: each phase has its own catalogue (S12);
 *  - whatever fails, the text is English.
 */
#include "common/base/base.h"
#include "pam_iam/mo.h"
#include "pam_iam/module.h"

#include <string.h>
#include <strings.h>

#ifdef IAM_TEST_BUILD
#define LOCALE_DIR IAM_TEST_BIN "/../locale"
#else
#define LOCALE_DIR IAM_LOCALEDIR
#endif
#define DEFAULT_LOCALE IAM_ROOT "/etc/default/locale"

#define MO_MAX ((size_t)256 << 10)
#define LOCALE_TEXT_MAX 4096

/* ---- which language ---- */

/* "LANG=de_DE.UTF-8", with or without quotation marks; the last one counts. */
static void
default_locale(char ret[TEXT_LOCALE_MAX])
{
	struct buf b = BUF_INIT;
	const char *line, *value;
	size_t len;

	if (file_read(DEFAULT_LOCALE, FILE_ROOT_ONLY, LOCALE_TEXT_MAX, &b) != 0)
		goto out;
	for (line = buf_cstr(&b); *line != '\0'; line += *line == '\n') {
		value = line + strlen("LANG=");
		if (strncmp(line, "LANG=", strlen("LANG=")) == 0) {
			value += *value == '"' || *value == '\'';
			len = strcspn(value, "\"' \t\r\n");
			snprintf(ret, TEXT_LOCALE_MAX, "%.*s", (int)len, value);
		}
		line += strcspn(line, "\n");
	}
out:
	buf_release(&b);
}

void
text_locale(pam_handle_t *pamh, char ret[TEXT_LOCALE_MAX])
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	const char *value;
	size_t i;

	ret[0] = '\0';
	for (i = 0; i < IAM_COUNT(names) && ret[0] == '\0'; i++) {
		value = pam_getenv(pamh, names[i]);
		if (value != NULL)
			snprintf(ret, TEXT_LOCALE_MAX, "%s", value);
	}
	if (ret[0] == '\0')
		default_locale(ret);
}

bool
text_is_utf8(const char *locale)
{
	return strcasestr(locale, ".utf-8") != NULL ||
	    strcasestr(locale, ".utf8") != NULL;
}

/* "de_DE" out of "de_DE.UTF-8@euro": nothing else may get into a path. */
static bool
language_of(const char *locale, char ret[8])
{
	size_t n = strspn(locale, "abcdefghijklmnopqrstuvwxyz");

	if (n < 2 || n > 3 || !text_is_utf8(locale))
		return false;
	memcpy(ret, locale, n);
	ret[n] = '\0';
	if (locale[n] != '_')
		return locale[n] == '.';
	if (strspn(locale + n + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2 ||
	    locale[n + 3] != '.')
		return false;
	memcpy(ret + n, locale + n, 3);
	ret[n + 3] = '\0';
	return true;
}

static int
read_catalogue(const char *language, struct buf *mo)
{
	char path[256];

	snprintf(path, sizeof(path), LOCALE_DIR "/%s/LC_MESSAGES/host-iam.mo",
	    language);
	return file_read(path, FILE_ROOT_ONLY, MO_MAX, mo);
}

static void
load(struct phase *ph)
{
	char locale[TEXT_LOCALE_MAX], language[8];

	ph->text.tried = true;
	text_locale(ph->pamh, locale);
	if (!language_of(locale, language) || strncmp(language, "en", 2) == 0)
		return;
	/* "pt_BR" before "pt". */
	if (read_catalogue(language, &ph->text.mo) != 0) {
		buf_release(&ph->text.mo);
		language[strcspn(language, "_")] = '\0';
		if (read_catalogue(language, &ph->text.mo) != 0)
			buf_release(&ph->text.mo);
	}
}

const char *
tr(struct phase *ph, const char *msgid)
{
	if (!ph->text.tried)
		load(ph);
	return mo_find(ph->text.mo.p, ph->text.mo.len, msgid);
}
