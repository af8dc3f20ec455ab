/*
 * QR codes of short texts: as a PNG file, and for a terminal.
 *
 * Error correction level L, byte mode, the smallest version that holds the
 * text (libqrencode). The text is usually a secret: the symbol is wiped.
 * Source: ISO/IEC 18004; the quiet zone is 4 modules in the file and 2 on
 * terminals, where the surroundings are plain.
 */
#ifndef IAM_IAMCTL_QR_H
#define IAM_IAMCTL_QR_H

#include "common/base/base.h"

/* Appended to *ret. IAM_ERR_LIMIT: more than a QR code holds (2953 bytes). */
int qr_png(const char *text, struct buf *ret);
/*
 * Lines for a terminal, appended to *ret. utf8: two modules a character with
 * half blocks, black on white by colour, whatever the terminal's own. Else two
 * characters a module in ASCII, '#' for the light ones: right on a dark screen.
 */
int qr_terminal(const char *text, bool utf8, struct buf *ret);
/*
 * The same for what passes on text only, such as a PAM conversation over ssh: no
 * colours, so light modules are drawn, right on a dark screen (and most scanners
 * take the negative as well). One line of UTF-8 for two rows of modules: the text
 * fits into 24 lines of 80 columns up to QR_LINE_MAX bytes (version 6-L). In ASCII
 * it is 80 columns wide up to QR_ASCII_MAX bytes (4-L), and 37 lines high.
 */
#define QR_LINE_MAX 134
#define QR_ASCII_MAX 78
int qr_plain(const char *text, bool utf8, struct buf *ret);

#endif
