#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/checksum.h"
#include "base/varint.h"
#include "store/chunk/chunk.h"
#include "store/chunk/chunk_column.h"
#include "store/chunk/chunk_internal.h"
#include "store/chunk/chunk_relation.h"
#include "store/chunk/chunk_search.h"
#include "wire/sample.h"

/* Where a column that is written lies in the codec's bodies. */
struct span {
    size_t begin;
    size_t end;
};

static void begin(struct chunk_codec *codec) {
    buf_clear(&codec->bodies);
    buf_clear(&codec->spans);
}

static void end_column(struct chunk_codec *codec, size_t began) {
    struct span span = { .begin = began, .end = codec->bodies.len };
    buf_add(&codec->spans, &span, sizeof(span));
}

static struct span *span_at(const struct chunk_codec *codec, size_t column) {
    return (struct span *)(void *)codec->spans.data + column;
}

static void add_column(struct chunk_codec *codec, const int64_t *values, size_t count) {
    size_t began = codec->bodies.len;
    chunk_column_encode(codec->column, values, count, &codec->bodies);
    end_column(codec, began);
}

static size_t width_of(uint64_t greatest) {
    size_t width = 1;

    while (width < CHUNK_WIDTH_MAX && greatest >> (8 * width) != 0)
        width++;
    assert(greatest >> (8 * width) == 0);
    return width;
}

static void add_number(struct buf *out, uint64_t number, size_t width) {
    for (size_t i = 0; i < width; i++)
        buf_add_byte(out, (uint8_t)(number >> (8 * i)));
}

static void add_directory(const struct chunk_codec *codec,
                          const uint32_t *series,
                          size_t series_count,
                          struct buf *out) {
    size_t id_width = width_of(series_count > 0 ? series[series_count - 1] : 0);
    size_t end_width = width_of(codec->bodies.len);
    size_t end = 0;

    buf_add_byte(out, (uint8_t)(id_width | end_width << 4));
    for (size_t i = 0; i < series_count; i++) {
        assert(i == 0 || series[i] > series[i - 1]);
        add_number(out, series[i], id_width);
    }
    for (size_t i = 0; i <= series_count; i++) {
        end += span_at(codec, i)->end - span_at(codec, i)->begin;
        add_number(out, end, end_width);
    }
}

static void add_bodies(const struct chunk_codec *codec,
                       size_t series_count,
                       struct buf *out) {
    struct slice bodies = buf_slice(&codec->bodies);

    for (size_t i = 0; i <= series_count; i++) {
        const struct span *span = span_at(codec, i);
        struct slice body = slice_after(bodies, span->begin);
        buf_add_slice(out, slice_of(body.at, span->end - span->begin));
    }
}

/* What a chunk says of itself before its directory. */
struct head {
    uint8_t kind;
    const int64_t *times_ms;
    size_t count;
};

static void finish(const struct chunk_codec *codec,
                   const struct head *head,
                   const uint32_t *series,
                   size_t series_count,
                   struct buf *out) {
    size_t began = out->len;
    uint64_t first = head->count ? (uint64_t)head->times_ms[0] : 0;
    uint64_t last = head->count ? (uint64_t)head->times_ms[head->count - 1] : 0;

    buf_add_byte(out, CHUNK_FORMAT);
    buf_add_byte(out, head->kind);
    varint_add(out, head->count);
    varint_add(out, varint_zigzag(first));
    varint_add(out, last - first);
    varint_add(out, series_count);
    add_directory(codec, series, series_count, out);
    add_bodies(codec, series_count, out);
    struct slice all = slice_of(out->data + began, out->len - began);
    add_number(out, (uint32_t)checksum_xxh64(all), CHUNK_CHECKSUM_LEN);
}

static void check_times(const int64_t *times_ms, size_t count) {
    assert(count <= CHUNK_ROWS_MAX);
    for (size_t i = 1; i < count; i++)
        assert(times_ms[i] >= times_ms[i - 1]);
}

/* Columns that others foretell are worth it when they shrink to so much, in percent. */
enum { WORTH_PERCENT = 85, WORTH_BYTES = 16 };

/* Writes what the relation leaves of a column in place of the column, if that pays. */
static bool try_relation(struct chunk_codec *codec,
                         const struct chunk_relation *relation,
                         const int64_t *const *columns,
                         size_t place,
                         size_t count) {
    struct span *span = span_at(codec, place + 1);
    size_t began = codec->bodies.len;
    int64_t *values = codec->parts[0];

    memcpy(values, columns[place], count * sizeof(*values));
    for (size_t i = 0; i < relation->count; i++)
        chunk_relation_subtract(relation, i, columns[relation->others[i].place], values,
                                count);
    for (size_t i = 0; i < count; i++)
        if (values[i] == SAMPLE_ABSENT && columns[place][i] != SAMPLE_ABSENT)
            return false; /* by chance, and it would stay so */
    chunk_relation_add(relation, place, &codec->bodies);
    chunk_column_encode(codec->column, values, count, &codec->bodies);
    if ((codec->bodies.len - began) * 100 > (span->end - span->begin) * WORTH_PERCENT)
        return false;
    *span = (struct span) { .begin = began, .end = codec->bodies.len };
    return true;
}

/* Relates columns to those before them; then what nobody needs to those behind it. */
static void relate(struct chunk_codec *codec,
                   const int64_t *const *columns,
                   size_t series_count,
                   size_t count) {
    chunk_make_room(codec, count);
    chunk_search_start(codec->search, columns, series_count, count);
    for (size_t i = 0; i < 2 * series_count; i++) {
        size_t place = i % series_count;
        const struct span *span = span_at(codec, place + 1);
        size_t len = span->end - span->begin;
        struct chunk_relation relation;
        if (len < WORTH_BYTES || !chunk_search_is_free(codec->search, place))
            continue;
        double bits = chunk_search_best(codec->search, place, i != place, &relation);
        if (bits * (double)count * 100 < (double)len * 8 * (100 - WORTH_PERCENT))
            continue;
        if (try_relation(codec, &relation, columns, place, count))
            chunk_search_relate(codec->search, place, &relation);
    }
}

void chunk_write_values(struct chunk_codec *codec,
                        const int64_t *times_ms,
                        size_t count,
                        const uint32_t *series,
                        const int64_t *const *columns,
                        size_t series_count,
                        struct buf *out) {
    assert(series_count <= CHUNK_SERIES_MAX);
    check_times(times_ms, count);
    begin(codec);
    add_column(codec, times_ms, count);
    for (size_t i = 0; i < series_count; i++)
        add_column(codec, columns[i], count);
    relate(codec, columns, series_count, count);
    struct head head = { .kind = CHUNK_KIND_VALUES,
                         .times_ms = times_ms,
                         .count = count };
    finish(codec, &head, series, series_count, out);
}

/* --- Buckets -------------------------------------------------------------------------
 */

enum { COUNT, LEAST, RANGE, MEAN };

enum { MEAN_BITS = 20 }; /* of the greatest mean of a column: six digits and a bit */

static const double exact_max = 9007199254740992; /* whole numbers in a double: 2^53 */

/* Is every mean the quotient of a whole sum and the count? Fills in the sums. */
static bool try_sums(const struct tier_bucket *buckets, size_t count, int64_t *sums) {
    size_t to = 0;

    for (size_t i = 0; i < count; i++) {
        const struct tier_bucket *bucket = &buckets[i];
        if (bucket->count == 0)
            continue;
        double sum = rint((bucket->mean - (double)bucket->min) * bucket->count);
        double again = (double)bucket->min + sum / bucket->count;
        if (!(sum >= 0 && sum <= exact_max) ||
            fabs(again - bucket->mean) > fabs(bucket->mean) * 1e-12)
            return false;
        sums[to++] = (int64_t)sum;
    }
    return true;
}

static bool try_scale(const struct tier_bucket *buckets,
                      size_t count,
                      int exponent,
                      int64_t *scaled) {
    size_t to = 0;

    for (size_t i = 0; i < count; i++) {
        const struct tier_bucket *bucket = &buckets[i];
        if (bucket->count == 0)
            continue;
        double over = bucket->mean - (double)bucket->min;
        double number = rint(ldexp(over, exponent));
        double lost = fabs((double)bucket->min + over - bucket->mean);
        if (!(number >= 0 && number <= exact_max) || lost > fabs(bucket->mean) * 1e-7)
            return false;
        scaled[to++] = (int64_t)number;
    }
    return true;
}

static int exponent_for(const struct tier_bucket *buckets, size_t count) {
    double greatest = 0;
    int exponent;

    for (size_t i = 0; i < count; i++)
        if (buckets[i].count > 0)
            greatest = fmax(greatest, fabs(buckets[i].mean));
    frexp(greatest, &exponent);
    return MEAN_BITS + 1 - exponent;
}

static int64_t greatest_of(const int64_t *numbers, size_t count) {
    int64_t greatest = 0;

    for (size_t i = 0; i < count; i++)
        greatest = numbers[i] > greatest ? numbers[i] : greatest;
    return greatest;
}

/* Puts the means into their part, in the way that gives the smallest numbers. */
static uint64_t keep_means(struct chunk_codec *codec,
                           const struct tier_bucket *buckets,
                           size_t count,
                           size_t present) {
    int exponent = exponent_for(buckets, count);
    int64_t *means = codec->parts[MEAN], *sums = codec->parts[COUNT];

    bool scales = try_scale(buckets, count, exponent, means);
    bool sums_up = try_sums(buckets, count, sums);
    if (sums_up &&
        (!scales || greatest_of(sums, present) <= greatest_of(means, present))) {
        memcpy(means, sums, present * sizeof(*means));
        return CHUNK_MEAN_SUM;
    }
    if (scales)
        return CHUNK_MEAN_SCALED + varint_zigzag((uint64_t)exponent);
    for (size_t i = 0; i < count; i++) {
        if (buckets[i].count == 0)
            continue;
        assert(isfinite(buckets[i].mean));
        memcpy(means++, &buckets[i].mean, sizeof(*means));
    }
    return CHUNK_MEAN_BITS;
}

static size_t keep_ranges(struct chunk_codec *codec,
                          const struct tier_bucket *buckets,
                          size_t count) {
    size_t present = 0;

    for (size_t i = 0; i < count; i++) {
        const struct tier_bucket *bucket = &buckets[i];
        codec->parts[COUNT][i] = bucket->count;
        if (bucket->count == 0)
            continue;
        assert(bucket->min <= bucket->max);
        codec->parts[LEAST][present] = bucket->min;
        codec->parts[RANGE][present] =
            (int64_t)((uint64_t)bucket->max - (uint64_t)bucket->min);
        present++;
    }
    return present;
}

static void encode_buckets(struct chunk_codec *codec,
                           const struct tier_bucket *buckets,
                           size_t count) {
    size_t present = keep_ranges(codec, buckets, count);
    size_t began = codec->bodies.len, part_began = 0;

    buf_clear(&codec->body);
    for (size_t part = COUNT; part <= MEAN; part++) {
        uint64_t mean_kind = 0;
        if (part == MEAN)
            mean_kind = keep_means(codec, buckets, count, present);
        chunk_column_encode(codec->column, codec->parts[part],
                            part == COUNT ? count : present, &codec->body);
        varint_add(&codec->bodies,
                   part == MEAN ? mean_kind : codec->body.len - part_began);
        part_began = codec->body.len;
    }
    buf_add_slice(&codec->bodies, buf_slice(&codec->body));
    end_column(codec, began);
}

void chunk_write_buckets(struct chunk_codec *codec,
                         const int64_t *times_ms,
                         size_t count,
                         const uint32_t *series,
                         const struct tier_bucket *const *columns,
                         size_t series_count,
                         struct buf *out) {
    assert(series_count <= CHUNK_SERIES_MAX);
    check_times(times_ms, count);
    chunk_make_room(codec, count);
    begin(codec);
    add_column(codec, times_ms, count);
    for (size_t i = 0; i < series_count; i++)
        encode_buckets(codec, columns[i], count);
    struct head head = { .kind = CHUNK_KIND_BUCKETS,
                         .times_ms = times_ms,
                         .count = count };
    finish(codec, &head, series, series_count, out);
}
