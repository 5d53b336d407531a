/*
 * history_bytes - fixed numbers and bytes in what the history keeps
 *
 * Beside varint: numbers of 64 bits, little endian, and bytes with their length. Taking
 * checks: false when the bytes are not all there.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/varint.h"

static inline void history_bytes_add_fixed(struct buf *out, uint64_t number) {
    for (unsigned shift = 0; shift < 64; shift += 8)
        buf_add_byte(out, (uint8_t)(number >> shift));
}

static inline bool history_bytes_take_fixed(struct slice *bytes, uint64_t *ret_number) {
    uint64_t number = 0;

    if (bytes->len < 8)
        return false;
    for (unsigned i = 0; i < 8; i++)
        number |= (uint64_t)bytes->at[i] << 8 * i;
    *bytes = slice_after(*bytes, 8);
    *ret_number = number;
    return true;
}

static inline bool history_bytes_take(struct slice *bytes,
                                      size_t len,
                                      struct slice *ret_part) {
    if (bytes->len < len)
        return false;
    *ret_part = slice_of(bytes->at, len);
    *bytes = slice_after(*bytes, len);
    return true;
}

/* Bytes with their length before them. */
static inline void history_bytes_add_part(struct buf *out, struct slice part) {
    varint_add(out, part.len);
    buf_add_slice(out, part);
}

static inline bool history_bytes_take_part(struct slice *bytes, struct slice *ret_part) {
    uint64_t len;
    return varint_take(bytes, &len) && len <= bytes->len &&
           history_bytes_take(bytes, (size_t)len, ret_part);
}
