/*
 * history_catalogue - what the values of rows mean
 *
 * Known by the hash of its bytes, so that equal ones are found to be one. Immutable;
 * references are counted on the loop alone, other threads use those of the blocks.
 */
#pragma once

#include "base/crypto.h"
#include "store/history/history.h"

struct buf;
struct sample_chain;
struct slice;

struct history_catalogue {
    unsigned refs;
    uint8_t hash[CRYPTO_SHA256_LEN];
    char key[2 * CRYPTO_SHA256_LEN + 1]; /* the hash as text, for maps */
    uint32_t interval_ms;
    size_t count;
    size_t memory;                  /* that it takes */
    struct history_metric *metrics; /* owned, with their texts */

    /* Of the copy that a history has of equal ones. */
    size_t blocks;  /* that use it */
    bool is_stored; /* it is in the database */
};

/* The bytes that are kept and hashed. */
void history_catalogue_write(const struct history_catalogue *catalogue, struct buf *out);

/* The other way: NULL when the bytes are no catalogue. */
struct history_catalogue *history_catalogue_read(struct slice bytes);

/* A chain for its rows. */
struct sample_chain *history_catalogue_chain(const struct history_catalogue *catalogue);
