#include "store/history/sweep/history_span.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/chunk/chunk.h"
#include "store/history/history_backend.h"
#include "store/history/sweep/history_table.h"

enum { HOUR_MS = 3600 * 1000, BUCKETS_OF_HOUR_MAX = 60 };

void history_span_init(struct history_span *span, enum tier tier, int64_t start_ms) {
    *span = (struct history_span) {
        .tier = tier,
        .start_ms = start_ms,
        .count = (size_t)(tier_span_ms(tier) / tier_step_ms(tier)),
    };
}

void history_span_done(struct history_span *span) {
    for (size_t i = 0; i < span->column_count; i++)
        free(span->columns[i].buckets);
    free(span->columns);
    *span = (struct history_span) { 0 };
}

static struct tier_bucket *add_column(struct history_span *span, uint32_t series) {
    enum { STEP = 32 };
    if (span->column_count % STEP == 0)
        span->columns =
            mem_grow(span->columns, (span->column_count + STEP) * sizeof(*span->columns));
    struct tier_bucket *buckets = mem_new_array(span->count, sizeof(*buckets));
    span->columns[span->column_count++] =
        (struct history_span_column) { .series = series, .buckets = buckets };
    return buckets;
}

/* The place of a bucket, count when it begins elsewhere. */
static size_t place_of(const struct history_span *span, int64_t time_ms) {
    int64_t step_ms = tier_step_ms(span->tier);
    if (time_ms < span->start_ms || (time_ms - span->start_ms) % step_ms != 0)
        return span->count;
    int64_t place = (time_ms - span->start_ms) / step_ms;
    return place < (int64_t)span->count ? (size_t)place : span->count;
}

static int read_column(struct history_span *span,
                       struct chunk_codec *codec,
                       const struct chunk *chunk,
                       size_t at,
                       const int64_t *times_ms,
                       struct tier_bucket *scratch) {
    struct tier_bucket *buckets = add_column(span, chunk_series(chunk, at));

    if (chunk_read_buckets(codec, chunk, at, scratch) != 0)
        return CHUNK_E_DAMAGED;
    for (size_t i = 0; i < chunk->count; i++) {
        size_t place = place_of(span, times_ms[i]);
        if (place == span->count)
            return CHUNK_E_DAMAGED;
        buckets[place] = scratch[i];
    }
    return 0;
}

int history_span_read(struct history_span *span,
                      struct chunk_codec *codec,
                      struct slice bytes) {
    struct chunk chunk;

    if (chunk_open(bytes, &chunk) != 0 || chunk.count > span->count)
        return CHUNK_E_DAMAGED;
    int64_t *times_ms = mem_new_array(chunk.count + 1, sizeof(*times_ms));
    struct tier_bucket *scratch = mem_new_array(chunk.count + 1, sizeof(*scratch));
    int r = chunk_read_times(codec, &chunk, times_ms);
    for (size_t i = 0; r == 0 && i < chunk.series_count; i++)
        r = read_column(span, codec, &chunk, i, times_ms, scratch);
    free(times_ms);
    free(scratch);
    if (r != 0) {
        struct history_span old = *span;
        history_span_done(span);
        history_span_init(span, old.tier, old.start_ms);
    }
    return r;
}

void history_span_clear(struct history_span *span, int64_t from_ms, int64_t until_ms) {
    int64_t step_ms = tier_step_ms(span->tier);

    for (size_t i = 0; i < span->column_count; i++)
        for (size_t place = 0; place < span->count; place++) {
            int64_t at_ms = span->start_ms + (int64_t)place * step_ms;
            if (at_ms >= from_ms && at_ms < until_ms)
                span->columns[i].buckets[place] = (struct tier_bucket) { 0 };
        }
}

/* Columns of tables and spans come in the same order, so a search begins where the last
 * one ended. */
static struct tier_bucket *find_column(struct history_span *span,
                                       uint32_t series,
                                       size_t *hint) {
    for (size_t i = 0; i < span->column_count; i++) {
        size_t at = (*hint + i) % span->column_count;
        if (span->columns[at].series == series) {
            *hint = at + 1;
            return span->columns[at].buckets;
        }
    }
    return add_column(span, series);
}

static void add_bucket(struct tier_bucket *into, const struct tier_bucket *from) {
    if (from->count == 0)
        return;
    if (into->count == 0)
        *into = *from;
    else
        tier_merge(into, from);
}

void history_span_add(struct history_span *span, const struct history_table *table) {
    struct tier_bucket buckets[BUCKETS_OF_HOUR_MAX];
    int64_t step_ms = tier_step_ms(span->tier);
    int64_t first_ms = tier_floor(table->start_ms, step_ms);
    size_t count = step_ms < HOUR_MS ? (size_t)(HOUR_MS / step_ms) : 1;
    size_t place = place_of(span, first_ms), hint = 0;

    if (place + count > span->count)
        return; /* never: spans are multiples of two hours */
    for (size_t i = 0; i < table->column_count; i++) {
        tier_aggregate(table->times_ms, table->columns[i].values, table->count, first_ms,
                       step_ms, buckets, count);
        struct tier_bucket *into = find_column(span, table->columns[i].series, &hint);
        for (size_t j = 0; j < count; j++)
            add_bucket(&into[place + j], &buckets[j]);
    }
}

static int compare_columns(const void *a, const void *b) {
    const struct history_span_column *left = a, *right = b;
    return (left->series > right->series) - (left->series < right->series);
}

/* Marks the buckets in which any series has something, and counts what they hold. */
static size_t find_used(const struct history_span *span, bool *used, uint64_t *values) {
    size_t count = 0;
    for (size_t place = 0; place < span->count; place++) {
        for (size_t i = 0; i < span->column_count; i++)
            if (span->columns[i].buckets[place].count > 0) {
                used[place] = true;
                (*values)++;
            }
        count += used[place];
    }
    return count;
}

/* Moves the used buckets of a column to its front; false when it has none. */
static bool pack_column(struct tier_bucket *buckets, const bool *used, size_t count) {
    bool has_any = false;
    size_t to = 0;
    for (size_t place = 0; place < count; place++) {
        if (!used[place])
            continue;
        has_any = has_any || buckets[place].count > 0;
        buckets[to++] = buckets[place];
    }
    return has_any;
}

bool history_span_write(struct history_span *span,
                        struct chunk_codec *codec,
                        struct buf *out,
                        struct history_chunk_row *ret_row) {
    bool *used = mem_new_array(span->count, sizeof(*used));
    uint64_t values = 0;
    size_t rows = find_used(span, used, &values), columns = 0, at = 0;

    if (rows == 0) {
        free(used);
        return false;
    }
    qsort(span->columns, span->column_count, sizeof(*span->columns), compare_columns);
    int64_t *times_ms = mem_new_array(rows, sizeof(*times_ms));
    uint32_t *series = mem_new_array(span->column_count, sizeof(*series));
    const struct tier_bucket **buckets =
        mem_new_array(span->column_count, sizeof(struct tier_bucket *));
    for (size_t place = 0; place < span->count; place++)
        if (used[place])
            times_ms[at++] = span->start_ms + (int64_t)place * tier_step_ms(span->tier);
    for (size_t i = 0; i < span->column_count; i++)
        if (pack_column(span->columns[i].buckets, used, span->count)) {
            series[columns] = span->columns[i].series;
            buckets[columns++] = span->columns[i].buckets;
        }
    chunk_write_buckets(codec, times_ms, rows, series, buckets, columns, out);
    *ret_row = (struct history_chunk_row) {
        .tier = span->tier,
        .start_ms = span->start_ms,
        .first_ms = times_ms[0],
        .last_ms = times_ms[rows - 1],
        .rows = rows,
        .values = values,
    };
    free(times_ms);
    free(series);
    free(buckets);
    free(used);
    return true;
}
