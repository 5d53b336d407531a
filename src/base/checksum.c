#include "base/checksum.h"

#include <string.h>

enum { LANES = 4, STRIPE = LANES * 8 };

static const uint64_t prime1 = 0x9e3779b185ebca87, prime2 = 0xc2b2ae3d27d4eb4f,
                      prime3 = 0x165667b19e3779f9, prime4 = 0x85ebca77c2b2ae63,
                      prime5 = 0x27d4eb2f165667c5;

static uint64_t rotate(uint64_t number, unsigned bits) {
    return number << bits | number >> (64 - bits);
}

/* Numbers are little-endian, as the hosts that we build for are. */
static uint64_t read64(const uint8_t *at) {
    uint64_t number;
    memcpy(&number, at, sizeof(number));
    return number;
}

static uint32_t read32(const uint8_t *at) {
    uint32_t number;
    memcpy(&number, at, sizeof(number));
    return number;
}

static uint64_t mix(uint64_t lane, uint64_t input) {
    return rotate(lane + input * prime2, 31) * prime1;
}

static uint64_t merge(uint64_t hash, uint64_t lane) {
    return (hash ^ mix(0, lane)) * prime1 + prime4;
}

/* Takes whole stripes off the front. */
static uint64_t hash_stripes(struct slice *bytes) {
    uint64_t lanes[LANES] = { prime1 + prime2, prime2, 0, 0 - prime1 };
    const uint8_t *at = bytes->at;
    size_t left = bytes->len;

    for (; left >= STRIPE; left -= STRIPE, at += STRIPE) {
        lanes[0] = mix(lanes[0], read64(at));
        lanes[1] = mix(lanes[1], read64(at + 8));
        lanes[2] = mix(lanes[2], read64(at + 16));
        lanes[3] = mix(lanes[3], read64(at + 24));
    }
    *bytes = slice_of(at, left);

    uint64_t hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) +
                    rotate(lanes[3], 18);
    for (size_t i = 0; i < LANES; i++)
        hash = merge(hash, lanes[i]);
    return hash;
}

uint64_t checksum_xxh64(struct slice bytes) {
    uint64_t total = bytes.len;
    uint64_t hash = (total >= STRIPE ? hash_stripes(&bytes) : prime5) + total;

    for (; bytes.len >= 8; bytes = slice_after(bytes, 8))
        hash = rotate(hash ^ mix(0, read64(bytes.at)), 27) * prime1 + prime4;
    if (bytes.len >= 4) {
        hash = rotate(hash ^ read32(bytes.at) * prime1, 23) * prime2 + prime3;
        bytes = slice_after(bytes, 4);
    }
    for (; bytes.len > 0; bytes = slice_after(bytes, 1))
        hash = rotate(hash ^ bytes.at[0] * prime5, 11) * prime1;
    hash = (hash ^ hash >> 33) * prime2;
    hash = (hash ^ hash >> 29) * prime3;
    return hash ^ hash >> 32;
}
