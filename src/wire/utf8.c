#include "wire/utf8.h"

/* What may follow a first byte: how many bytes in all, and the range of the second. */
static const struct lead {
    uint8_t from, to;
    uint8_t len;
    uint8_t second_from, second_to;
} leads[] = {
    { 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf },
    { 0xe1, 0xec, 3, 0x80, 0xbf }, { 0xed, 0xed, 3, 0x80, 0x9f },
    { 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
    { 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct lead *find_lead(uint8_t byte) {
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
        if (byte >= leads[i].from && byte <= leads[i].to)
            return &leads[i];
    return NULL;
}

size_t utf8_char_len(struct slice text) {
    if (text.len == 0)
        return 0;
    if (text.at[0] < 0x80)
        return 1;

    const struct lead *lead = find_lead(text.at[0]);
    if (!lead || text.len < lead->len)
        return 0;
    if (text.at[1] < lead->second_from || text.at[1] > lead->second_to)
        return 0;
    for (size_t i = 2; i < lead->len; i++)
        if ((text.at[i] & 0xc0) != 0x80)
            return 0;
    return lead->len;
}

bool utf8_is_valid(struct slice text) {
    size_t at = 0;

    while (at < text.len) {
        size_t len = utf8_char_len(slice_after(text, at));
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

void utf8_add(struct buf *out, uint32_t code) {
    if (code < 0x80) {
        buf_add_byte(out, (uint8_t)code);
        return;
    }
    if (code < 0x800) {
        buf_add_byte(out, (uint8_t)(0xc0 | code >> 6));
    } else {
        if (code < 0x10000) {
            buf_add_byte(out, (uint8_t)(0xe0 | code >> 12));
        } else {
            buf_add_byte(out, (uint8_t)(0xf0 | code >> 18));
            buf_add_byte(out, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        }
        buf_add_byte(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
    }
    buf_add_byte(out, (uint8_t)(0x80 | (code & 0x3f)));
}
