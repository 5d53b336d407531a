#include "base/base64.h"

enum {
    STANDARD = 1, /* '+' and '/' */
    URL = 2,      /* '-' and '_' */
};

static const char standard_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct buf *out, struct slice bytes, const char *letters, bool pad) {
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t have = bytes.len - at < 3 ? bytes.len - at : 3;
        uint32_t group = (uint32_t)bytes.at[at] << 16;
        if (have > 1)
            group |= (uint32_t)bytes.at[at + 1] << 8;
        if (have > 2)
            group |= bytes.at[at + 2];

        for (size_t i = 0; i <= have; i++)
            buf_add_byte(out, (uint8_t)letters[group >> (18 - 6 * i) & 63]);
        for (size_t i = have; pad && i < 3; i++)
            buf_add_byte(out, '=');
    }
}

void base64_encode(struct buf *out, struct slice bytes) {
    encode(out, bytes, standard_letters, true);
}

void base64_encode_url(struct buf *out, struct slice bytes) {
    encode(out, bytes, url_letters, false);
}

/* The six bits of a letter, or -1. */
static int letter_value(uint8_t letter, int alphabets) {
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    if (alphabets & STANDARD && (letter == '+' || letter == '/'))
        return letter == '+' ? 62 : 63;
    if (alphabets & URL && (letter == '-' || letter == '_'))
        return letter == '-' ? 62 : 63;
    return -1;
}

static int decode(struct buf *out, struct slice text, int alphabets) {
    size_t start = out->len;
    uint32_t bits = 0;
    unsigned have = 0;

    if (text.len % 4 == 1)
        return BASE64_E_DAMAGED;
    for (size_t at = 0; at < text.len; at++) {
        int value = letter_value(text.at[at], alphabets);
        if (value < 0) {
            out->len = start;
            return BASE64_E_DAMAGED;
        }
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_add_byte(out, (uint8_t)(bits >> have));
            bits &= (1u << have) - 1;
        }
    }
    if (bits != 0) {
        out->len = start;
        return BASE64_E_DAMAGED;
    }
    return 0;
}

/* Takes off one or two '=' of a text that is whole groups of four. */
static struct slice without_padding(struct slice text) {
    if (text.len == 0 || text.len % 4 != 0)
        return text;
    for (int i = 0; i < 2 && text.at[text.len - 1] == '='; i++)
        text.len--;
    return text;
}

int base64_decode(struct buf *out, struct slice text) {
    if (text.len % 4 != 0)
        return BASE64_E_DAMAGED;
    return decode(out, without_padding(text), STANDARD);
}

int base64_decode_url(struct buf *out, struct slice text) {
    return decode(out, text, URL);
}

int base64_decode_any(struct buf *out, struct slice text) {
    return decode(out, without_padding(text), STANDARD | URL);
}
