/*
 * history_merge - work out what chunks become when rows of one node come into them
 *
 * Runs on the merger's thread with a reader: nobody waits for it. What it makes is
 * written by the store's thread in one transaction, which holds only if the node is still
 * where it was when this began. Tiers are always computed from all raw rows of the two
 * hours that a bucket of two hours needs.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/history/history_backend.h"
#include "store/history/history_block.h"

struct chunk_codec;

struct history_merge {
    /* What is asked. */
    int64_t node;
    struct history_view *views; /* owned; closed and durable, in order */
    size_t view_count;
    int64_t over_ms; /* hours that end by then are over */

    /* What came out. */
    int result; /* 0, -errno, STORE_E_DAMAGED, HISTORY_BACKEND_E_GONE */
    struct history_progress from;
    struct history_progress to;
    uint64_t lost;    /* rows that came too late, or were too many */
    uint64_t damaged; /* chunks that could not be read and were begun anew */
    struct history_series_row *series; /* owned, with texts: new or changed ones */
    size_t series_count;
    struct history_chunk_row *chunks; /* owned, with bodies */
    size_t chunk_count;
};

void history_merge_run(struct history_merge *merge,
                       const struct history_backend *backend,
                       struct store_database *reader,
                       struct chunk_codec *codec);

/* Writes it, inside a transaction: 0, -errno, STORE_E_*, HISTORY_BACKEND_E_GONE. */
int history_merge_write(const struct history_merge *merge,
                        const struct history_backend *backend,
                        struct store_database *db);

/* Frees what it owns but views, whose references are the loop's. */
void history_merge_done(struct history_merge *merge);
