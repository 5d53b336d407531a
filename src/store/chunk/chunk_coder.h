/*
 * chunk_coder - numbers in as many bits as they surprise
 *
 * An entropy coder (rANS) with models that learn while they code, so that a short column
 * pays for no table. A number is one or more symbols of 16: small ones are a symbol of
 * their own, others that of their length in bits; the bits after the highest follow as
 * they are, or the first four of them as another symbol. There are four ways, of which
 * the writer chooses one:
 *
 *   CHUNK_CODER_AFTER   what is likely depends on the number before
 *   CHUNK_CODER_TOPS    the first four bits after the highest are a symbol
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct chunk_coder;
struct slice;

enum {
    CHUNK_CODER_AFTER = 1,
    CHUNK_CODER_TOPS = 2,
    CHUNK_CODER_WAYS = 4,
};

struct chunk_coder *chunk_coder_new(void);

/* NULL is fine; always returns NULL. */
struct chunk_coder *chunk_coder_free(struct chunk_coder *coder);

/* About how many bits the numbers take in the way that suits them best. */
double chunk_coder_estimate(const uint64_t *numbers, size_t count, unsigned *ret_way);

/* Appends count numbers. */
void chunk_coder_encode(struct chunk_coder *coder,
                        unsigned way,
                        const uint64_t *numbers,
                        size_t count,
                        struct buf *out);

/* Reads count numbers from all of the bytes: false when they are damaged. */
bool chunk_coder_decode(struct chunk_coder *coder,
                        unsigned way,
                        struct slice bytes,
                        uint64_t *numbers,
                        size_t count);
