/*
 * spool_testing - samples whose every value follows from epoch and seq, for tests
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/collect/sampler.h"
#include "agent/spool/spool_catalogue.h"
#include "agent/spool/spool_reader.h"
#include "base/check.h"
#include "base/mem.h"

enum {
    TESTING_SERIES_MAX = 4096,
    TESTING_NAME_LEN = 32,
    TESTING_INTERVAL_MS = 5000,
};

/* A catalogue of count series; id names it. */
struct testing_series {
    uint32_t id;
    size_t count;
    char (*names)[TESTING_NAME_LEN]; /* owned */
    struct metric_info *infos;       /* owned */
};

static inline void testing_series_init(struct testing_series *series,
                                       uint32_t id,
                                       size_t count) {
    series->id = id;
    series->count = count;
    series->names = mem_new_array(count + 1, TESTING_NAME_LEN);
    series->infos = mem_new_array(count + 1, sizeof(*series->infos));
    for (size_t i = 0; i < count; i++) {
        snprintf(series->names[i], TESTING_NAME_LEN, "series%u.%zu", id % 1000, i);
        series->infos[i] =
            (struct metric_info) { .name = series->names[i], .unit = "%", .scale = 1 };
    }
}

static inline void testing_series_done(struct testing_series *series) {
    free(series->names);
    free(series->infos);
}

/* Most stay near what they were, some jump, some are absent. */
static inline int64_t testing_value(uint64_t epoch, uint64_t seq, size_t i) {
    uint64_t mixed = (epoch + seq * 7 + i) * 0x9e3779b97f4a7c15u;

    if (i % 7 == 3 && seq % 50 < 5)
        return SAMPLER_ABSENT;
    if (i % 5 == 0)
        return (int64_t)(mixed >> 52);
    return (int64_t)(i * 1000 + seq / (i + 1) + (i % 3 == 0 ? mixed >> 62 : 0));
}

static inline uint64_t testing_time(uint64_t epoch, uint64_t seq) {
    return epoch % 1000 * 1000 + seq * TESTING_INTERVAL_MS;
}

static inline void testing_take(struct spool *spool,
                                const struct testing_series *series) {
    struct spool_cursor next = spool_newest(spool);
    static int64_t values[TESTING_SERIES_MAX];
    uint64_t boot_ms = testing_time(next.epoch, ++next.seq);
    struct spool_sample sample = {
        .at = { .boot_ms = boot_ms, .wall_ms = 1700000000000 + (int64_t)boot_ms },
        .catalogue_id = series->id,
        .series = series->infos,
        .count = series->count,
        .values = values,
    };

    for (size_t i = 0; i < series->count; i++)
        values[i] = testing_value(next.epoch, next.seq, i);
    spool_take(spool, &sample);
    CHECK(spool_newest(spool).seq == next.seq);
}

/* The row is what was taken under its name. */
static inline void testing_check_row(const struct spool_item *item) {
    uint64_t epoch = spool_era_start(item->era)->epoch;

    CHECK(item->kind == SPOOL_ITEM_ROW);
    CHECK(item->first_seq == item->last_seq);
    CHECK(item->boot_ms == testing_time(epoch, item->first_seq));
    for (size_t i = 0; i < item->catalogue->count; i++)
        CHECK(item->values[i] == testing_value(epoch, item->first_seq, i));
}
