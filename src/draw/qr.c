#include "draw/qr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <qrencode.h>

#include "base/buf.h"
#include "base/mem.h"
#include "draw/pngfile.h"

enum {
    QUIET = 4,  /* modules around it */
    SIDE = 500, /* pixels, at least */
    WHITE = 0xffffff,
};

/* Each module becomes a square of zoom pixels. */
static void paint(const QRcode *code, int zoom, int width, uint32_t *pixels) {
    for (int y = 0; y < width; y++)
        for (int x = 0; x < width; x++) {
            int column = x / zoom - QUIET;
            int row = y / zoom - QUIET;
            bool is_in =
                column >= 0 && row >= 0 && column < code->width && row < code->width;
            bool is_dark = is_in && (code->data[row * code->width + column] & 1) != 0;
            pixels[(size_t)y * (size_t)width + (size_t)x] = is_dark ? 0 : WHITE;
        }
}

int qr_draw(const char *text, struct buf *out) {
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);

    if (!code)
        return errno == ENOMEM ? -ENOMEM : -EMSGSIZE;
    int modules = code->width + 2 * QUIET;
    int zoom = (SIDE + modules - 1) / modules;
    int width = zoom * modules;
    uint32_t *pixels = mem_new_array((size_t)width * (size_t)width, sizeof(*pixels));
    paint(code, zoom, width, pixels);
    const struct pngfile_image image = {
        .pixels = pixels,
        .stride = (size_t)width,
        .width = width,
        .height = width,
    };
    int r = pngfile_encode(&image, NULL, out);
    free(pixels);
    QRcode_free(code);
    return r;
}
