/*
 * The answer as json, table or text.
 *
 * All formats are made in memory first, so that what is printed is whole or
 * nothing. Characters that could steer a terminal or turn text around are
 * escaped as \uXXXX in every format (S42). Pure but for output_write.
 */
#ifndef IAM_IAMCTL_OUTPUT_H
#define IAM_IAMCTL_OUTPUT_H

#include <jansson.h>

#include "common/base/base.h"
#include "iamctl/cli.h"

/* Append answer to *ret; an empty object is nothing at all. Errors stay in *ret.
 * title: the operation's name. columns: members of table rows, or NULL. */
void output_make(const json_t *answer, enum cli_format format,
    const char *title, const char *columns, bool color, struct buf *ret);

/* Text from anybody, safe for a terminal: one line. */
void output_escape(struct buf *ret, const char *text, size_t len);

/* Words of text, broken before column 78, the lines indented; column: where on its
 * line *ret is now, 0 at its start. Ends with a line feed. Escape text first. */
void output_wrap(struct buf *ret, const char *text, size_t indent, size_t column);

/* Everything to fd; IAM_ERR_IO with errno. */
int output_write(int fd, const struct buf *b);

#endif
