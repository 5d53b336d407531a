/*
 * chunk_internal - what the files of chunk share: the layout of its bytes
 *
 *   format     1 byte
 *   kind       1 byte: rows or buckets
 *   head       varints: count, first time (zigzag), last time - first, series_count
 *   widths     1 byte: bytes of an id, and of an end (high half)
 *   ids        series_count of them, rising
 *   ends       series_count + 1: where the columns end, from the end of the directory on;
 *              the first is that of the times
 *   columns    as chunk_column or chunk_relation have them; buckets are four of them: the
 * first three's lengths, how means are kept, then count, least, range and mean checksum
 * 4 bytes over all before
 *
 * Numbers of a fixed width are little-endian.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct chunk;

enum {
    CHUNK_FORMAT = 1,
    CHUNK_KIND_VALUES = 0,
    CHUNK_KIND_BUCKETS = 1,
    CHUNK_CHECKSUM_LEN = 4,
    CHUNK_WIDTH_MAX = 4,
    CHUNK_BUCKET_COLUMNS = 4,
};

/* How means are kept; from MEAN_SCALED on, the zigzag of an exponent of 2 is added. */
enum {
    CHUNK_MEAN_BITS,   /* a double's bits */
    CHUNK_MEAN_SUM,    /* how much greater the sum is than if all were the least */
    CHUNK_MEAN_SCALED, /* distance from the least, times 2^exponent */
};

enum { CHUNK_EXPONENT_MAX = 1100 }; /* more than a double has */

struct chunk_codec {
    struct chunk_column *column;          /* owned */
    struct chunk_search *search;          /* owned */
    int64_t *parts[CHUNK_BUCKET_COLUMNS]; /* owned; part_max numbers each */
    size_t part_max;
    struct buf bodies; /* columns of a chunk being written, in any order */
    struct buf spans;  /* where each is in there */
    struct buf body;   /* of one column of buckets */
};

/* The bytes of a column of an open chunk; column 0 is that of the times. */
struct slice chunk_column_bytes(const struct chunk *chunk, size_t column);

/* Makes the parts long enough. */
void chunk_make_room(struct chunk_codec *codec, size_t count);
