#include "base/hex.h"

#include <stdint.h>

void hex_encode(char *ret_text, const void *bytes, size_t len) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;

    for (size_t i = 0; i < len; i++) {
        *ret_text++ = digits[from[i] >> 4];
        *ret_text++ = digits[from[i] & 15];
    }
    *ret_text = '\0';
}

static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool hex_decode(void *ret_bytes, size_t len, const char *text) {
    uint8_t *to = ret_bytes;

    for (size_t i = 0; i < len; i++) {
        int high = digit_value(text[2 * i]);
        if (high < 0)
            return false;
        int low = digit_value(text[2 * i + 1]);
        if (low < 0)
            return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * len] == '\0';
}
