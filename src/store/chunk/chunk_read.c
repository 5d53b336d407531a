#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/varint.h"
#include "store/chunk/chunk.h"
#include "store/chunk/chunk_column.h"
#include "store/chunk/chunk_internal.h"
#include "store/chunk/chunk_relation.h"

int chunk_read_times(struct chunk_codec *codec,
                     const struct chunk *chunk,
                     int64_t *times_ms) {
    size_t count = chunk->count;
    int r =
        chunk_column_decode(codec->column, chunk_column_bytes(chunk, 0), times_ms, count);
    if (r != 0)
        return CHUNK_E_DAMAGED;
    for (size_t i = 1; i < count; i++)
        if (times_ms[i] < times_ms[i - 1])
            return CHUNK_E_DAMAGED;
    if (count > 0 &&
        (times_ms[0] != chunk->first_ms || times_ms[count - 1] != chunk->last_ms))
        return CHUNK_E_DAMAGED;
    return 0;
}

/* Reads the others into the parts, and puts back what they let expect. */
static bool read_related(struct chunk_codec *codec,
                         const struct chunk *chunk,
                         size_t place,
                         int64_t *values) {
    struct slice bytes = chunk_column_bytes(chunk, place + 1);
    struct chunk_relation relation;

    if (!chunk_relation_take(&bytes, place, chunk->series_count, &relation) ||
        chunk_column_decode(codec->column, bytes, values, chunk->count) != 0)
        return false;
    chunk_make_room(codec, chunk->count);
    for (size_t i = 0; i < relation.count; i++) {
        bytes = chunk_column_bytes(chunk, relation.others[i].place + 1);
        if (chunk_column_decode(codec->column, bytes, codec->parts[i], chunk->count) != 0)
            return false;
        chunk_relation_restore(&relation, i, codec->parts[i], values, chunk->count);
    }
    return true;
}

int chunk_read_values(struct chunk_codec *codec,
                      const struct chunk *chunk,
                      size_t place,
                      int64_t *values) {
    struct slice bytes = chunk_column_bytes(chunk, place + 1);

    if (chunk->bytes.at[1] != CHUNK_KIND_VALUES)
        return CHUNK_E_DAMAGED;
    if (chunk_relation_is(bytes))
        return read_related(codec, chunk, place, values) ? 0 : CHUNK_E_DAMAGED;
    int r = chunk_column_decode(codec->column, bytes, values, chunk->count);
    return r == 0 ? 0 : CHUNK_E_DAMAGED;
}

enum { COUNT, LEAST, RANGE, MEAN };

/* What a column of buckets is made of. */
struct parts {
    struct slice bytes[CHUNK_BUCKET_COLUMNS];
    uint64_t mean_kind;
};

static bool take_parts(struct slice bytes, struct parts *parts) {
    uint64_t lengths[MEAN];

    for (size_t i = 0; i < MEAN; i++)
        if (!varint_take(&bytes, &lengths[i]))
            return false;
    if (!varint_take(&bytes, &parts->mean_kind))
        return false;
    for (size_t i = 0; i < MEAN; i++) {
        if (lengths[i] > bytes.len)
            return false;
        parts->bytes[i] = slice_of(bytes.at, lengths[i]);
        bytes = slice_after(bytes, lengths[i]);
    }
    parts->bytes[MEAN] = bytes;
    return true;
}

/* Counts, and how many of them are not 0. */
static bool read_counts(struct chunk_codec *codec,
                        struct slice bytes,
                        size_t count,
                        size_t *ret_present) {
    const int64_t *counts = codec->parts[COUNT];
    size_t present = 0;

    if (chunk_column_decode(codec->column, bytes, codec->parts[COUNT], count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (counts[i] < 0 || counts[i] > UINT32_MAX)
            return false;
        present += counts[i] > 0;
    }
    *ret_present = present;
    return true;
}

static double mean_of(uint64_t kind, int64_t number, const struct tier_bucket *bucket) {
    double mean;

    if (kind == CHUNK_MEAN_BITS) {
        memcpy(&mean, &number, sizeof(mean));
        return mean;
    }
    if (kind == CHUNK_MEAN_SUM)
        mean = (double)bucket->min + (double)number / bucket->count;
    else
        mean = (double)bucket->min +
               ldexp((double)number, -(int)varint_unzigzag(kind - CHUNK_MEAN_SCALED));
    return fmin(fmax(mean, (double)bucket->min), (double)bucket->max);
}

static bool fill_buckets(const struct chunk_codec *codec,
                         uint64_t mean_kind,
                         struct tier_bucket *buckets,
                         size_t count) {
    size_t from = 0;

    for (size_t i = 0; i < count; i++) {
        struct tier_bucket *bucket = &buckets[i];
        *bucket = (struct tier_bucket) { .count = (uint32_t)codec->parts[COUNT][i] };
        if (bucket->count == 0)
            continue;
        uint64_t range = (uint64_t)codec->parts[RANGE][from];
        bucket->min = codec->parts[LEAST][from];
        if (range > (uint64_t)INT64_MAX - (uint64_t)bucket->min)
            return false;
        bucket->max = (int64_t)((uint64_t)bucket->min + range);
        bucket->mean = mean_of(mean_kind, codec->parts[MEAN][from], bucket);
        if (!isfinite(bucket->mean))
            return false;
        from++;
    }
    return true;
}

int chunk_read_buckets(struct chunk_codec *codec,
                       const struct chunk *chunk,
                       size_t place,
                       struct tier_bucket *buckets) {
    struct parts parts;
    size_t present;

    if (chunk->bytes.at[1] != CHUNK_KIND_BUCKETS ||
        !take_parts(chunk_column_bytes(chunk, place + 1), &parts) ||
        parts.mean_kind > CHUNK_MEAN_SCALED + 2 * CHUNK_EXPONENT_MAX)
        return CHUNK_E_DAMAGED;
    chunk_make_room(codec, chunk->count);
    if (!read_counts(codec, parts.bytes[COUNT], chunk->count, &present))
        return CHUNK_E_DAMAGED;
    for (size_t i = LEAST; i <= MEAN; i++)
        if (chunk_column_decode(codec->column, parts.bytes[i], codec->parts[i],
                                present) != 0)
            return CHUNK_E_DAMAGED;
    return fill_buckets(codec, parts.mean_kind, buckets, chunk->count) ? 0
                                                                       : CHUNK_E_DAMAGED;
}
