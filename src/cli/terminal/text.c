#include "cli/terminal/text.h"

#include <wchar.h>

enum { REPLACEMENT = 0xfffd, RUNE_MAX = 0x10ffff };

/* Length and first bits of a sequence that begins with this byte; 0: none does. */
static size_t head_of(unsigned char byte, unsigned *ret_bits) {
    if (byte < 0x80) {
        *ret_bits = byte;
        return 1;
    }
    if (byte >= 0xc2 && byte <= 0xdf) {
        *ret_bits = byte & 0x1fu;
        return 2;
    }
    if (byte >= 0xe0 && byte <= 0xef) {
        *ret_bits = byte & 0x0fu;
        return 3;
    }
    if (byte >= 0xf0 && byte <= 0xf4) {
        *ret_bits = byte & 0x07u;
        return 4;
    }
    return 0;
}

size_t text_next(const char *text, unsigned *ret_rune) {
    static const unsigned smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *at = (const unsigned char *)text;
    unsigned rune = 0;

    *ret_rune = REPLACEMENT;
    if (*at == '\0')
        return 0;
    size_t len = head_of(*at, &rune);
    if (len == 0)
        return 1;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 1;
        rune = rune << 6 | (at[i] & 0x3fu);
    }
    if (rune < smallest[len] || rune > RUNE_MAX || (rune >= 0xd800 && rune <= 0xdfff))
        return 1;
    *ret_rune = rune;
    return len;
}

/* Controls, and what turns the direction of writing or hides in it. */
static bool is_harmful(unsigned rune) {
    return rune < 0x20 || (rune >= 0x7f && rune < 0xa0) || rune == 0x200e ||
           rune == 0x200f || (rune >= 0x2028 && rune <= 0x202e) ||
           (rune >= 0x2066 && rune <= 0x2069) || rune == 0xfeff;
}

static size_t rune_width(unsigned rune) {
    int width = rune < 0x80 ? 1 : wcwidth((wchar_t)rune);
    return width < 0 ? 1 : (size_t)width;
}

/* One character made harmless: its bytes and its columns. */
static size_t next_clean(const char **at, struct slice *ret_bytes) {
    unsigned rune;
    size_t len = text_next(*at, &rune);

    *ret_bytes = slice_of(*at, len);
    *at += len;
    if (len == 0)
        return 0;
    if (is_harmful(rune) || rune == REPLACEMENT) {
        *ret_bytes = slice_of_text("\xef\xbf\xbd");
        return 1;
    }
    return rune_width(rune);
}

size_t text_width(const char *text) {
    size_t width = 0;
    struct slice bytes;

    while (*text)
        width += next_clean(&text, &bytes);
    return width;
}

void text_add_clean(struct buf *out, const char *text) {
    struct slice bytes;

    while (*text) {
        next_clean(&text, &bytes);
        buf_add_slice(out, bytes);
    }
}

size_t text_add_cut(struct buf *out, const char *text, size_t columns, const char *mark) {
    size_t used = 0;
    struct slice bytes;

    if (text_width(text) <= columns) {
        text_add_clean(out, text);
        return text_width(text);
    }
    size_t mark_width = text_width(mark);
    if (columns < mark_width)
        return 0;
    for (;;) {
        size_t width = next_clean(&text, &bytes);
        if (used + width + mark_width > columns)
            break;
        buf_add_slice(out, bytes);
        used += width;
    }
    buf_add_text(out, mark);
    return used + mark_width;
}

void text_add_spaces(struct buf *out, size_t n) {
    for (; n > 0; n--)
        buf_add_byte(out, ' ');
}
