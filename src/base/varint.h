/*
 * varint - whole numbers in as few bytes as they need
 *
 * Seven bits a byte, low ones first, the high bit of a byte says that another follows.
 * Signed numbers go through zigzag: 0, -1, 1, -2 are 0, 1, 2, 3. All arithmetic is
 * modulo 2^64, so that any difference of two numbers fits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { VARINT_LEN_MAX = 10 };

static inline uint64_t varint_zigzag(uint64_t number) {
    return number << 1 ^ (number >> 63 ? UINT64_MAX : 0);
}

static inline uint64_t varint_unzigzag(uint64_t code) {
    return code >> 1 ^ (code & 1 ? UINT64_MAX : 0);
}

static inline void varint_add(struct buf *out, uint64_t number) {
    uint8_t bytes[VARINT_LEN_MAX];
    size_t len = 0;

    for (; number >= 0x80; number >>= 7)
        bytes[len++] = (uint8_t)(number | 0x80);
    bytes[len++] = (uint8_t)number;
    buf_add(out, bytes, len);
}

/* Takes a number off the front: false when there is none, or one of more than 64 bits. */
static inline bool varint_take(struct slice *bytes, uint64_t *ret_number) {
    uint64_t number = 0;
    size_t len = bytes->len < VARINT_LEN_MAX ? bytes->len : VARINT_LEN_MAX;

    for (size_t i = 0; i < len; i++) {
        uint64_t digit = bytes->at[i] & 0x7f;
        if (i == VARINT_LEN_MAX - 1 && bytes->at[i] > 1)
            return false;
        number |= digit << (7 * i);
        if (bytes->at[i] < 0x80) {
            *bytes = slice_after(*bytes, i + 1);
            *ret_number = number;
            return true;
        }
    }
    return false;
}
