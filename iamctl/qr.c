#include "common/base/base.h"

#include <errno.h>
#include <png.h>
#include <qrencode.h>

#include "iamctl/qr.h"

#define PNG_MARGIN 4
#define PNG_SCALE 6
#define TERMINAL_MARGIN 2

static int
encode(const char *text, QRcode **ret)
{
	*ret = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (*ret != NULL)
		return 0;
	return errno == ENOMEM ? IAM_ERR_MEMORY :
	    errno == ERANGE ? IAM_ERR_LIMIT : IAM_ERR_ARG;
}

static void
discard(QRcode *qr)
{
	if (qr != NULL)
		explicit_bzero(qr->data, (size_t)qr->width * (size_t)qr->width);
	QRcode_free(qr);
}

/* Outside the symbol everything is light: the quiet zone. */
static bool
is_dark(const QRcode *qr, int x, int y)
{
	if (x < 0 || y < 0 || x >= qr->width || y >= qr->width)
		return false;
	return (qr->data[y * qr->width + x] & 1) != 0;
}

/* ---- PNG ---- */

static void
draw(const QRcode *qr, uint8_t *pixels, int side)
{
	int x, y;

	for (y = 0; y < side; y++)
		for (x = 0; x < side; x++)
			pixels[(size_t)y * (size_t)side + (size_t)x] =
			    is_dark(qr, x / PNG_SCALE - PNG_MARGIN,
			    y / PNG_SCALE - PNG_MARGIN) ? 0 : 255;
}

static int
write_png(const uint8_t *pixels, int side, struct buf *ret)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
		.width = (png_uint_32)side, .height = (png_uint_32)side,
		.format = PNG_FORMAT_GRAY };
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
	uint8_t *file = malloc(size);
	int r = IAM_ERR_MEMORY;

	if (file == NULL)
		return r;
	if (png_image_write_to_memory(&image, file, &size, 0, pixels, 0, NULL)) {
		buf_put(ret, file, size);
		r = ret->err;
		explicit_bzero(file, size);
	}
	png_image_free(&image);
	free(file);
	return r;
}

int
qr_png(const char *text, struct buf *ret)
{
	uint8_t *pixels = NULL;
	QRcode *qr = NULL;
	size_t n;
	int side, r;

	if ((r = encode(text, &qr)) != 0)
		return r;
	side = (qr->width + 2 * PNG_MARGIN) * PNG_SCALE;
	n = (size_t)side * (size_t)side;
	if ((pixels = malloc(n)) == NULL) {
		r = IAM_ERR_MEMORY;
		goto out;
	}
	draw(qr, pixels, side);
	r = write_png(pixels, side, ret);
	explicit_bzero(pixels, n);
out:
	free(pixels);
	discard(qr);
	return r;
}

/* ---- terminal ---- */

static void
half_blocks(const QRcode *qr, int y, bool colour, struct buf *b)
{
	/* By upper and lower module; dark is the background. */
	static const char *const glyphs[2][2] = {
		{ "\xe2\x96\x88", "\xe2\x96\x80" }, /* full, upper half */
		{ "\xe2\x96\x84", " " },            /* lower half, none */
	};
	int x;

	if (colour)
		buf_puts(b, "\033[40;97m");
	for (x = -TERMINAL_MARGIN; x < qr->width + TERMINAL_MARGIN; x++)
		buf_puts(b, glyphs[is_dark(qr, x, y)][is_dark(qr, x, y + 1)]);
	buf_puts(b, colour ? "\033[0m\n" : "\n");
}

static void
ascii(const QRcode *qr, int y, struct buf *b)
{
	int x;

	for (x = -TERMINAL_MARGIN; x < qr->width + TERMINAL_MARGIN; x++)
		buf_puts(b, is_dark(qr, x, y) ? "  " : "##");
	buf_putc(b, '\n');
}

static int
draw_lines(const char *text, bool utf8, bool colour, struct buf *ret)
{
	QRcode *qr;
	int y, r;

	if ((r = encode(text, &qr)) != 0)
		return r;
	for (y = -TERMINAL_MARGIN; y < qr->width + TERMINAL_MARGIN;
	    y += utf8 ? 2 : 1) {
		if (utf8)
			half_blocks(qr, y, colour, ret);
		else
			ascii(qr, y, ret);
	}
	discard(qr);
	return ret->err;
}

int
qr_terminal(const char *text, bool utf8, struct buf *ret)
{
	return draw_lines(text, utf8, true, ret);
}

int
qr_plain(const char *text, bool utf8, struct buf *ret)
{
	return draw_lines(text, utf8, false, ret);
}
