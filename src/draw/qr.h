/*
 * qr - a text as a QR code (ISO/IEC 18004), as a PNG
 */
#pragma once

struct buf;

/*
 * Appends the picture, black on white with the quiet zone of four modules: 0; -EMSGSIZE
 * for a text that no code holds; out is as it was on failure.
 */
int qr_draw(const char *text, struct buf *out);
