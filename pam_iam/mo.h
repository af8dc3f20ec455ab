/*
 * Catalogues of msgfmt(1), little-endian, without the process's locale.
 *
 * Every offset is checked: whatever the bytes are, the answer is a NUL-terminated
 * text within them, or msgid. A translation whose printf directives differ from
 * msgid's is not used, so that it may be a format.
 * Source: GNU gettext manual, "The Format of GNU MO Files".
 */
#ifndef IAM_PAM_MO_H
#define IAM_PAM_MO_H

#include <stddef.h>

/* Borrowed from data, or msgid when it is not there; data may be NULL with len 0. */
const char *mo_find(const void *data, size_t len, const char *msgid)
    __attribute__((format_arg(3)));

#endif
