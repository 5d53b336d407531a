/*
 * chunk - the samples of one node over one span, column by column
 *
 * A chunk of the raw tier holds rows: times (rising, equal ones allowed) and a column of
 * values for each series, SAMPLE_ABSENT where a row has none. A chunk of a tier above
 * holds buckets: their starts, and four columns (min, max, mean, count) for each series.
 * Columns are found through a directory and compressed on their own, so that reading one
 * series costs nothing for the others. Values are exact; a mean keeps at least six
 * significant digits of the greatest mean of its column.
 *
 * The codec holds compression contexts and scratch memory: one a thread. What is read
 * may be damaged or hostile: every function checks, none trusts a length.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/tier.h"

struct buf;
struct chunk_codec;

enum {
    CHUNK_ROWS_MAX = 1 << 20,   /* of one chunk */
    CHUNK_SERIES_MAX = 1 << 14, /* of one chunk: over a span the catalogue may change */
};

enum { CHUNK_E_DAMAGED = 1 };

/* An open chunk: borrows the bytes. */
struct chunk {
    struct slice bytes;
    size_t count;        /* rows, or buckets */
    size_t series_count; /* series ids rise from place to place */
    int64_t first_ms;    /* time of the first and last row; 0 when there is none */
    int64_t last_ms;
    size_t directory; /* where it begins; for the functions below alone */
};

struct chunk_codec *chunk_codec_new(void);

/* NULL is fine; always returns NULL. */
struct chunk_codec *chunk_codec_free(struct chunk_codec *codec);

/* Checks the directory and opens: 0 or CHUNK_E_DAMAGED. */
int chunk_open(struct slice bytes, struct chunk *ret_chunk);

/* The series at a place, and the place of a series (series_count when it is not there).
 */
uint32_t chunk_series(const struct chunk *chunk, size_t place);
size_t chunk_find(const struct chunk *chunk, uint32_t series);

/* Reads chunk->count times, values or buckets: 0 or CHUNK_E_DAMAGED. */
int chunk_read_times(struct chunk_codec *codec,
                     const struct chunk *chunk,
                     int64_t *times_ms);
int chunk_read_values(struct chunk_codec *codec,
                      const struct chunk *chunk,
                      size_t place,
                      int64_t *values);
int chunk_read_buckets(struct chunk_codec *codec,
                       const struct chunk *chunk,
                       size_t place,
                       struct tier_bucket *buckets);

/*
 * Appends a chunk of raw rows to out: count times, and for each of series_count rising
 * series ids a column of count values.
 */
void chunk_write_values(struct chunk_codec *codec,
                        const int64_t *times_ms,
                        size_t count,
                        const uint32_t *series,
                        const int64_t *const *columns,
                        size_t series_count,
                        struct buf *out);

/* The same with buckets; buckets with count 0 are fine. */
void chunk_write_buckets(struct chunk_codec *codec,
                         const int64_t *times_ms,
                         size_t count,
                         const uint32_t *series,
                         const struct tier_bucket *const *columns,
                         size_t series_count,
                         struct buf *out);
