#include "agent/spool/spool.h"

#include <string.h>

#include "agent/spool/spool_reader.h"
#include "agent/spool/spool_testing.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"

enum { DAY_MS = 86400000, EPOCH = 42 };

static const struct spool_cursor from_start = { 0 };

static struct spool *open_spool(uint64_t span_ms, size_t bytes_max) {
    struct spool_config config = {
        .start = { .epoch = EPOCH, .boot_id = "boot", .interval_ms = 5000 },
        .span_ms = span_ms,
        .bytes_max = bytes_max,
    };
    log_set_level(LOG_LEVEL_ERROR); /* losses are wanted here */
    return spool_new(&config);
}

static void take_many(struct spool *spool,
                      const struct testing_series *series,
                      size_t count) {
    for (size_t i = 0; i < count; i++)
        testing_take(spool, series);
}

/* Reads to the end; rows and losses must follow each other without a hole from seq on.
 * Returns how many rows there were. */
static size_t read_on(struct spool_reader *reader,
                      uint64_t seq,
                      uint64_t last,
                      uint64_t *ret_lost) {
    struct spool_item item;
    size_t rows = 0;

    *ret_lost = 0;
    for (uint64_t next = seq; spool_reader_next(reader, &item) == 0;
         next = item.last_seq + 1) {
        CHECK(item.first_seq == next);
        CHECK(item.last_seq <= last);
        if (item.kind == SPOOL_ITEM_ROW) {
            testing_check_row(&item);
            rows++;
        } else {
            *ret_lost += item.last_seq + 1 - item.first_seq;
        }
    }
    CHECK(rows + *ret_lost == last + 1 - seq);
    return rows;
}

static void what_is_taken_is_read_from_every_cursor(void) {
    struct spool *spool = open_spool(DAY_MS, 2 << 20);
    struct testing_series series;
    uint64_t lost;

    testing_series_init(&series, 1, 72);
    take_many(spool, &series, 1000);
    for (uint64_t seq = 0; seq <= 1000; seq += 37) {
        /* Cursors of an epoch count as durable; a strange one does not. */
        struct spool_cursor after = { .epoch = EPOCH, .seq = seq };
        struct spool_reader *reader = spool_reader_new(spool, after);
        CHECK(read_on(reader, seq + 1, 1000, &lost) == 1000 - seq);
        CHECK(lost == 0);
        spool_reader_free(reader);
    }
    testing_series_done(&series);
    spool_free(spool);
}

static void an_unknown_epoch_begins_with_the_oldest(void) {
    struct spool *spool = open_spool(DAY_MS, 2 << 20);
    struct spool_cursor strange = { .epoch = 7, .seq = 99 };
    struct testing_series series;
    uint64_t lost;

    testing_series_init(&series, 1, 10);
    take_many(spool, &series, 300);
    struct spool_reader *one = spool_reader_new(spool, strange);
    struct spool_reader *two = spool_reader_new(spool, from_start);
    CHECK(read_on(one, 1, 300, &lost) == 300);
    take_many(spool, &series, 20);
    CHECK(read_on(one, 301, 320, &lost) == 20);
    CHECK(read_on(two, 1, 320, &lost) == 320);
    spool_reader_free(one);
    spool_reader_free(two);
    testing_series_done(&series);
    spool_free(spool);
}

static void a_day_of_72_series_fits_into_two_mebibytes(void) {
    struct spool *spool = open_spool(DAY_MS, 8 << 20);
    struct testing_series series;
    struct spool_stats stats;

    testing_series_init(&series, 1, 72);
    take_many(spool, &series, 5 * 17280);
    spool_get_stats(spool, &stats);
    CHECK(stats.held >= 17280 && stats.held < 17280 + 1000);
    CHECK(stats.dropped == stats.taken - stats.held);
    CHECK(stats.bytes <= 2 << 20);
    testing_series_done(&series);
    spool_free(spool);
}

static void the_oldest_go_first_when_bytes_run_out(void) {
    struct spool *spool = open_spool(0, SPOOL_BYTES_MIN);
    struct spool_reader *reader = spool_reader_new(spool, from_start);
    struct testing_series series;
    struct spool_stats stats;
    uint64_t lost;

    testing_series_init(&series, 1, 72);
    for (unsigned i = 0; i < 20000; i++) {
        testing_take(spool, &series);
        spool_get_stats(spool, &stats);
        CHECK(stats.bytes <= SPOOL_BYTES_MIN);
    }
    CHECK(stats.taken == 20000);
    CHECK(stats.dropped + stats.held == 20000);
    CHECK(stats.bytes > SPOOL_BYTES_MIN * 3 / 4);
    CHECK(read_on(reader, 1, 20000, &lost) == stats.held);
    CHECK(lost == stats.dropped);
    spool_reader_free(reader);
    testing_series_done(&series);
    spool_free(spool);
}

static void a_reader_that_is_overtaken_is_told_what_it_missed(void) {
    struct spool *spool = open_spool(0, SPOOL_BYTES_MIN);
    struct spool_reader *reader = spool_reader_new(spool, from_start);
    struct testing_series series;
    struct spool_item item;
    uint64_t lost;

    testing_series_init(&series, 1, 72);
    take_many(spool, &series, 500);
    for (unsigned i = 1; i <= 100; i++) {
        CHECK_INT(spool_reader_next(reader, &item), 0);
        CHECK(item.first_seq == i);
    }
    take_many(spool, &series, 19500);
    CHECK(read_on(reader, 101, 20000, &lost) > 100);
    CHECK(lost > 1000);
    spool_reader_free(reader);
    testing_series_done(&series);
    spool_free(spool);
}

static void what_is_durable_is_freed_and_is_not_lost(void) {
    struct spool *spool = open_spool(0, SPOOL_BYTES_MIN);
    struct spool_cursor cursor = { .epoch = EPOCH };
    struct testing_series series;
    struct spool_stats stats;
    uint64_t lost;

    testing_series_init(&series, 1, 72);
    struct spool_reader *old = spool_reader_new(spool, from_start);
    for (unsigned i = 0; i < 1000; i++) {
        take_many(spool, &series, 60);
        cursor.seq += 60;
        CHECK(spool_durable(spool, cursor));
        spool_get_stats(spool, &stats);
        CHECK(stats.bytes < 64 << 10);
        CHECK(stats.dropped == 0);
    }
    take_many(spool, &series, 5);
    /* One that never read anything steps over what is durable. */
    struct spool_item item;
    CHECK_INT(spool_reader_next(old, &item), 0);
    CHECK(item.kind == SPOOL_ITEM_ROW && item.first_seq > 59000);
    CHECK(read_on(old, item.last_seq + 1, 60005, &lost) >= 5 && lost == 0);
    spool_reader_free(old);

    /* A store that was put back is told what will never come. */
    cursor.seq = 500;
    struct spool_reader *strict = spool_reader_new(spool, cursor);
    CHECK_INT(spool_reader_next(strict, &item), 0);
    CHECK(item.kind == SPOOL_ITEM_LOST && item.first_seq == 501);
    CHECK(read_on(strict, item.last_seq + 1, 60005, &lost) >= 5);
    CHECK(lost == 0);
    spool_reader_free(strict);
    testing_series_done(&series);
    spool_free(spool);
}

static void a_cursor_of_nobody_frees_nothing(void) {
    struct spool *spool = open_spool(0, SPOOL_BYTES_MIN);
    struct spool_cursor strange = { .epoch = 1, .seq = 1000 };
    struct spool_cursor beyond = { .epoch = EPOCH, .seq = UINT64_MAX };
    struct testing_series series;
    struct spool_item item;
    uint64_t lost;

    testing_series_init(&series, 1, 72);
    take_many(spool, &series, 500);
    CHECK(!spool_durable(spool, strange));
    struct spool_reader *reader = spool_reader_new(spool, from_start);
    CHECK(read_on(reader, 1, 500, &lost) == 500);
    spool_reader_free(reader);
    CHECK(spool_durable(spool, beyond)); /* as far as it goes */
    take_many(spool, &series, 3);
    reader = spool_reader_new(spool, from_start);
    CHECK(spool_reader_next(reader, &item) == 0 && item.kind == SPOOL_ITEM_ROW);
    CHECK(read_on(reader, item.last_seq + 1, 503, &lost) >= 2 && lost == 0);
    spool_reader_free(reader);
    testing_series_done(&series);
    spool_free(spool);
}

static void series_may_change_at_any_time(void) {
    struct spool *spool = open_spool(0, SPOOL_BYTES_MIN);
    struct spool_reader *reader = spool_reader_new(spool, from_start);
    struct testing_series series[3];
    struct spool_stats stats;
    uint64_t lost;

    testing_series_init(&series[0], 1, 30);
    testing_series_init(&series[1], 2, 0);
    testing_series_init(&series[2], 3, 31);
    for (unsigned i = 0; i < 3000; i++) {
        testing_take(spool, &series[i % 7 % 3]);
        spool_get_stats(spool, &stats);
        CHECK(stats.bytes <= SPOOL_BYTES_MIN + 16384);
    }
    CHECK(read_on(reader, 1, 3000, &lost) == stats.held);
    CHECK(lost > 0);
    spool_reader_free(reader);
    for (unsigned i = 0; i < 3; i++)
        testing_series_done(&series[i]);
    spool_free(spool);
}

static void the_widest_rows_fit_into_the_smallest_spool(void) {
    struct spool *spool = open_spool(0, SPOOL_BYTES_MIN);
    struct testing_series series;
    static int64_t values[TESTING_SERIES_MAX];
    struct spool_stats stats;

    testing_series_init(&series, 1, TESTING_SERIES_MAX);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        for (size_t i = 0; i < TESTING_SERIES_MAX; i++)
            values[i] = (int64_t)((seq * 131 + i) * 0x9e3779b97f4a7c15u);
        struct spool_sample sample = {
            .at = { .boot_ms = seq * 1000 },
            .catalogue_id = 1,
            .series = series.infos,
            .count = series.count,
            .values = values,
        };
        spool_take(spool, &sample);
    }
    spool_get_stats(spool, &stats);
    CHECK(stats.held >= 2);
    testing_series_done(&series);
    spool_free(spool);
}

/* A spool, one reader of it, and what must be true of both. */
struct model {
    struct spool *spool;
    struct spool_reader *reader;
    struct testing_series series[2];
    uint64_t taken;
    uint64_t told;  /* to the reader */
    uint64_t heard; /* the most that any reader was told */
    uint64_t lost;  /* of that */
    uint64_t done;  /* durable */
};

static void open_model(struct model *model) {
    *model = (struct model) { .spool = open_spool(0, SPOOL_BYTES_MIN) };
    model->reader = spool_reader_new(model->spool, from_start);
    testing_series_init(&model->series[0], 1, 40);
    testing_series_init(&model->series[1], 2, 41);
}

static void close_model(struct model *model) {
    spool_reader_free(model->reader);
    testing_series_done(&model->series[0]);
    testing_series_done(&model->series[1]);
    spool_free(model->spool);
}

static void read_some(struct model *model, unsigned count) {
    struct spool_item item;

    while (count-- > 0 && spool_reader_next(model->reader, &item) == 0) {
        CHECK(item.first_seq == model->told + 1 ||
              (item.first_seq > model->told && model->told < model->done));
        if (item.kind == SPOOL_ITEM_ROW)
            testing_check_row(&item);
        else if (item.last_seq > model->heard)
            model->lost +=
                item.last_seq -
                (item.first_seq > model->heard ? item.first_seq - 1 : model->heard);
        model->told = item.last_seq;
        if (model->told > model->heard)
            model->heard = model->told;
    }
}

static void make_durable(struct model *model, uint64_t seq) {
    struct spool_cursor cursor = { .epoch = EPOCH, .seq = seq };

    CHECK(spool_durable(model->spool, cursor));
    if (seq > model->done)
        model->done = seq;
}

static void read_anew(struct model *model) {
    struct spool_cursor cursor = { .epoch = EPOCH, .seq = model->done };

    spool_reader_free(model->reader);
    model->reader = spool_reader_new(model->spool, cursor);
    model->told = model->done;
}

static void step(struct model *model, unsigned what) {
    unsigned count = what % 20;

    if (what < 50) {
        take_many(model->spool, &model->series[what == 0], count);
        model->taken += count;
    } else if (what < 90) {
        read_some(model, count);
    } else if (what < 92) {
        make_durable(model, model->told - model->told % 7);
    } else if (what < 93) {
        read_anew(model);
    }
}

static void it_behaves_like_its_model(void) {
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct model model;
        struct spool_stats stats;
        uint64_t random = seed;

        open_model(&model);
        for (unsigned i = 0; i < 3000; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            step(&model, (unsigned)(random >> 33) % 100);
        }
        read_some(&model, UINT32_MAX);
        spool_get_stats(model.spool, &stats);
        CHECK(stats.taken == model.taken && model.told == model.taken);
        CHECK(model.lost <= stats.dropped);
        close_model(&model);
    }
}

TESTS(TEST(what_is_taken_is_read_from_every_cursor),
      TEST(an_unknown_epoch_begins_with_the_oldest),
      TEST(a_day_of_72_series_fits_into_two_mebibytes),
      TEST(the_oldest_go_first_when_bytes_run_out),
      TEST(a_reader_that_is_overtaken_is_told_what_it_missed),
      TEST(what_is_durable_is_freed_and_is_not_lost),
      TEST(a_cursor_of_nobody_frees_nothing),
      TEST(series_may_change_at_any_time),
      TEST(the_widest_rows_fit_into_the_smallest_spool),
      TEST(it_behaves_like_its_model))
