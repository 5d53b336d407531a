/*
 * history_span - the buckets of one chunk of a tier above raw
 *
 * Read from the chunk, cleared and filled anew where hours have changed, and written
 * again without the buckets and series that are empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/tier.h"

struct buf;
struct chunk_codec;
struct history_chunk_row;
struct history_table;

struct history_span {
    enum tier tier;
    int64_t start_ms;
    size_t count; /* buckets */
    struct history_span_column {
        uint32_t series;
        struct tier_bucket *buckets; /* owned; count of them */
    } * columns;                     /* owned */
    size_t column_count;
};

void history_span_init(struct history_span *span, enum tier tier, int64_t start_ms);
void history_span_done(struct history_span *span);

/* Fills an empty span from its chunk: 0 or CHUNK_E_DAMAGED, and it is empty. */
int history_span_read(struct history_span *span,
                      struct chunk_codec *codec,
                      struct slice bytes);

/* Forgets the buckets that begin in [from, until). */
void history_span_clear(struct history_span *span, int64_t from_ms, int64_t until_ms);

/* Adds what one hour's rows, sorted, make of its buckets; those that hold something of
 * another hour become both. */
void history_span_add(struct history_span *span, const struct history_table *table);

/* Appends the chunk to out and describes it but for node and body; false: it is empty.
 * The span is of no more use. */
bool history_span_write(struct history_span *span,
                        struct chunk_codec *codec,
                        struct buf *out,
                        struct history_chunk_row *ret_row);
