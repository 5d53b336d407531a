#include "store/history/history.h"

#include <errno.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "store/history/history_catalogue.h"
#include "store/history/history_testing.h"

static const struct history_metric metrics[] = {
    { "cpu", "%", 1 },
    { "mem.used", "By", 0 },
    { "net.rx:eth0", "By/s", 0 },
};

/* A history with a catalogue and the last answer as text. */
struct place {
    struct history_testing testing;
    struct history_catalogue *catalogue;
    char answer[8192];
    struct history_usage usage[4];
    size_t usage_count;
};

static void write_number(char **at, double number) {
    if (isnan(number))
        *at += sprintf(*at, " -");
    else
        *at += sprintf(*at, " %g", number);
}

static void write_answer(void *arg, const struct history_answer *answer) {
    char *at = ((struct place *)arg)->answer;

    *at = '\0';
    for (size_t i = 0; i < answer->series_count && i < 8; i++) {
        const struct history_series *series = &answer->series[i];
        at += sprintf(at, "%s%s %s %s:", i > 0 ? "; " : "", series->node, series->metric,
                      tier_word(series->tier));
        for (size_t j = 0; j < series->count && j < 60; j++)
            write_number(&at, series->mean[j]);
    }
}

static void place_init(struct place *place) {
    memset(place, 0, sizeof(*place));
    history_testing_init(&place->testing);
    place->testing.on_answer = write_answer;
    place->testing.arg = place;
    place->catalogue = history_catalogue_new(metrics, 3, 5000);
    history_testing_open(&place->testing);
}

static void place_done(struct place *place) {
    history_catalogue_release(place->catalogue);
    history_testing_done(&place->testing);
}

static void reopen(struct place *place) {
    history_testing_close(&place->testing);
    history_testing_open(&place->testing);
}

static int append(struct place *place,
                  const char *node,
                  uint64_t epoch,
                  uint64_t seq,
                  int64_t time_ms) {
    const int64_t values[] = { (int64_t)seq * 10, 1000 + (int64_t)seq,
                               seq % 3 ? 7 : SAMPLE_ABSENT };
    return history_append(place->testing.history, node,
                          (struct history_cursor) { epoch, seq }, time_ms,
                          place->catalogue, values);
}

/* Rows from the time on, one each interval, with the next seqs of the epoch. */
static void append_many(struct place *place,
                        const char *node,
                        int64_t from_ms,
                        size_t count,
                        int64_t interval_ms) {
    struct history_cursor taken = history_taken(place->testing.history, node);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(
            append(place, node, 7, taken.seq + 1 + i, from_ms + (int64_t)i * interval_ms),
            0);
}

/* Flushes, and waits until the node that is watched has something durable. */
static void flush(struct place *place) {
    history_flush(place->testing.history);
    loop_run(place->testing.loop);
}

static const char *ask_node(struct place *place,
                            const char *node,
                            const char *metric,
                            int64_t since_ms,
                            int64_t until_ms,
                            size_t points) {
    int r =
        history_testing_ask(&place->testing, node, metric, since_ms, until_ms, points);
    return r == 0 ? place->answer : r == HISTORY_E_MANY ? "many" : "failed";
}

static const char *ask(struct place *place,
                       const char *metric,
                       int64_t since_ms,
                       int64_t until_ms,
                       size_t points) {
    return ask_node(place, "pi", metric, since_ms, until_ms, points);
}

static void on_usage(void *arg,
                     int result,
                     uint64_t database_bytes,
                     uint64_t journal_bytes,
                     const struct history_usage *usage,
                     size_t count) {
    struct place *place = arg;
    CHECK_INT(result, 0);
    CHECK(database_bytes > 0);
    CHECK(count <= 4);
    memcpy(place->usage, usage, count * sizeof(*usage));
    place->usage_count = count;
    loop_stop(place->testing.loop);
}

static const struct history_usage *look(struct place *place) {
    history_ask_usage(place->testing.history, on_usage, place);
    loop_run(place->testing.loop);
    return place->usage;
}

static void rows_are_taken_once_and_in_order(void) {
    struct place place;
    place_init(&place);
    struct history *history = place.testing.history;
    int64_t at = place.testing.now_ms;

    CHECK_INT(append(&place, "pi", 7, 1, at), 0);
    CHECK_INT(append(&place, "pi", 7, 2, at + 5000), 0);
    CHECK_INT(append(&place, "pi", 7, 2, at + 5000), HISTORY_E_KNOWN);
    CHECK_INT(append(&place, "pi", 7, 4, at + 15000), HISTORY_E_HOLE);
    history_skip(history, "pi", (struct history_cursor) { 7, 3 }, 1);
    CHECK_INT(append(&place, "pi", 7, 4, at + 15000), 0);
    CHECK_INT(append(&place, "pi", 8, 2, at + 20000), HISTORY_E_HOLE);
    CHECK_INT(append(&place, "pi", 8, 1, at + 20000), 0);
    CHECK_INT(append(&place, "pi", 7, 4, at + 15000), HISTORY_E_KNOWN);
    CHECK_INT(append(&place, "pi", 7, 5, at + 25000), 0); /* the old epoch's tail */
    CHECK_INT(append(&place, "pi", 8, 1, at + 20000), HISTORY_E_KNOWN);
    CHECK_INT(history_taken(history, "pi").epoch, 7);
    CHECK_INT(history_durable(history, "pi").seq, 0);
    CHECK_TEXT(ask(&place, "cpu", at, at + 60000, 0), "pi cpu raw: 1 2 4 1 5");
    place_done(&place);
}

static void what_is_durable_is_told_and_found_again(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    int64_t at = testing->now_ms;

    history_testing_watch(testing, "pi");
    append_many(&place, "pi", at + 5000, 5, 5000);
    flush(&place);
    CHECK_INT(testing->told.epoch, 7);
    CHECK_INT(testing->told.seq, 5);
    append_many(&place, "pi", at + 30000, 1, 5000);
    flush(&place);
    CHECK_INT(testing->told.seq, 6);
    CHECK_INT(testing->told_times, 2);
    history_unwatch(&testing->watcher);
    CHECK_INT(append(&place, "nas", 9, 41, at + 1000), 0); /* the end flushes it */
    reopen(&place);

    CHECK_INT(history_durable(testing->history, "pi").seq, 6);
    CHECK_INT(history_durable(testing->history, "nas").seq, 41);
    CHECK_INT(append(&place, "pi", 7, 6, at + 30000), HISTORY_E_KNOWN);
    CHECK_INT(append(&place, "pi", 7, 7, at + 35000), 0);
    CHECK_TEXT(ask(&place, "cpu", at, at + 60000, 0), "pi cpu raw: 1 2 3 4 5 6 7");
    CHECK_TEXT(ask(&place, "net.*", at, at + 60000, 0), "pi net.rx:eth0 raw: 7 7 7 7 7");
    CHECK_TEXT(ask(&place, "cpu", at, at + 45000, 9), "pi cpu raw: - 1 2 3 4 5 6 7 -");
    CHECK_TEXT(ask(&place, "*", at, at + 20000, 4),
               "pi cpu raw: - 1 2 3; pi mem.used raw: - 1001 1002 1003;"
               " pi net.rx:eth0 raw: - 7 7 -");
    CHECK_TEXT(ask_node(&place, "nobody", "cpu", at, at + 60000, 0), "");
    CHECK_TEXT(ask(&place, "cpu", at + 60000, at, 10), "");
    place_done(&place);
}

/* Epochs, what was skipped, and boots are there after a restart. */
static void what_is_known_of_a_node_stays(void) {
    static const uint8_t boot[HISTORY_BOOT_LEN] = { 1, 2, 3 }, other[16] = { 4 };
    struct place place;
    int64_t offset_ms = 0;
    place_init(&place);
    int64_t at = place.testing.now_ms;

    CHECK(!history_boot_offset(place.testing.history, "pi", boot, &offset_ms));
    history_set_boot_offset(place.testing.history, "pi", boot, -5);
    for (uint64_t epoch = 1; epoch <= 10; epoch++)
        CHECK_INT(append(&place, "pi", epoch, 1, at), 0);
    history_skip(place.testing.history, "pi", (struct history_cursor) { 10, 9 }, 8);
    reopen(&place);
    CHECK(history_boot_offset(place.testing.history, "pi", boot, &offset_ms));
    CHECK_INT(offset_ms, -5);
    CHECK(!history_boot_offset(place.testing.history, "pi", other, &offset_ms));
    CHECK_INT(history_durable(place.testing.history, "pi").seq, 9);
    for (uint64_t epoch = 1; epoch <= 10; epoch++)
        CHECK_INT(append(&place, "pi", epoch, 1, at), HISTORY_E_KNOWN);
    CHECK_INT(append(&place, "pi", 10, 10, at), 0);
    CHECK_INT(look(&place)[0].lost, 8);
    place_done(&place);
}

static void too_much_that_waits_is_refused(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    uint64_t seq = 1;

    history_testing_close(testing);
    testing->config.pending_bytes_max = 2000;
    history_testing_open(testing);
    while (append(&place, "pi", 7, seq, testing->now_ms + (int64_t)seq) == 0)
        seq++;
    CHECK_INT(append(&place, "pi", 7, seq, testing->now_ms), HISTORY_E_FULL);
    CHECK_INT(append(&place, "pi", 7, 1, testing->now_ms), HISTORY_E_KNOWN);
    CHECK(seq > 100);
    history_testing_watch(testing, "pi");
    flush(&place);
    CHECK_INT(testing->told.seq, seq - 1);
    CHECK_INT(append(&place, "pi", 7, seq, testing->now_ms), 0);
    history_unwatch(&testing->watcher);
    place_done(&place);
}

static char *check_store(struct place *place);

/* Clocks that were never set, and such as are beyond all calendars. */
static void any_time_has_its_place(void) {
    static const int64_t times_ms[] = {
        -8640000000000001, -3600001,         -1,        0,        1,
        TESTING_DAY_MS,    8640000000000001, INT64_MAX, INT64_MIN
    };
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;

    for (uint64_t i = 0; i < 9; i++)
        CHECK_INT(append(&place, "pi", 7, i + 1, times_ms[i]), 0);
    for (int turn = 0; turn < 2; turn++) {
        CHECK_TEXT(ask(&place, "cpu", -7200000, 7200000, 0), "pi cpu raw: 2 3 4 5");
        CHECK_TEXT(ask(&place, "cpu", -7200000, 7200000, 2), "pi cpu 2h: 2.5 4.5");
        CHECK_TEXT(ask(&place, "cpu", TESTING_DAY_MS, TESTING_DAY_MS + 1, 0),
                   "pi cpu raw: 6");
        CHECK_TEXT(ask(&place, "cpu", INT64_MIN, INT64_MAX, 0),
                   "pi cpu raw: 1 9 2 3 4 5 6");
        CHECK_TEXT(ask(&place, "cpu", 8639999999999999, 8640000000000001, 0), "");
        history_testing_compact(testing);
    }
    history_testing_close(testing);
    CHECK(!check_store(&place));
    history_testing_open(testing);
    place_done(&place);
}

/* A node that changes its catalogue with each row is no way to fill the memory. */
static void catalogues_count_as_memory(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    int r = 0, taken = 0;

    history_testing_close(testing);
    testing->config.pending_bytes_max = 100000;
    history_testing_open(testing);
    for (; r == 0 && taken < 10000; taken += r == 0) {
        static int64_t values[100];
        struct history_metric many[100];
        char names[100][16];
        for (int i = 0; i < 100; i++) {
            snprintf(names[i], sizeof(names[i]), "m%d.%d", taken, i);
            many[i] = (struct history_metric) { names[i], "1", 0 };
        }
        struct history_catalogue *catalogue = history_catalogue_new(many, 100, 5000);
        r = history_append(testing->history, "pi",
                           (struct history_cursor) { 7, (uint64_t)taken + 1 },
                           testing->now_ms, catalogue, values);
        history_catalogue_release(catalogue);
    }
    CHECK_INT(r, HISTORY_E_FULL);
    CHECK(taken > 10 && taken < 100);
    history_testing_compact(testing);
    CHECK_INT(append(&place, "pi", 7, (uint64_t)taken + 1, testing->now_ms), 0);
    place_done(&place);
}

/* Samples that come a little late make no gap; an absent one and a long silence do. */
static void gaps_are_told_and_jitter_is_none(void) {
    struct place place;
    place_init(&place);
    int64_t at = place.testing.now_ms;
    static const int64_t times_ms[] = { 0, 5100, 9900, 15400, 19900, 40000, 45000 };

    for (size_t i = 0; i < 7; i++)
        CHECK_INT(append(&place, "pi", 7, i + 1, at + times_ms[i]), 0);
    CHECK_TEXT(ask(&place, "cpu", at, at + 50000, 10),
               "pi cpu raw: 1 2.5 2.5 4.5 - - - - 6 7");
    CHECK_TEXT(ask(&place, "cpu", at, at + 20000, 20),
               "pi cpu raw: 1 1 1 1 1 2 2 2 2 3 3 3 3 3 3 4 4 4 4 5");
    CHECK_TEXT(ask(&place, "net.rx:eth0", at, at + 50000, 10),
               "pi net.rx:eth0 raw: 7 7 - 7 - - - - - 7");
    place_done(&place);
}

static void a_step_is_round_and_the_tier_is_the_coarsest(void) {
    struct place place;
    place_init(&place);
    int64_t at = TESTING_DAY_MS;

    append_many(&place, "pi", at, 14 * 60, 60000);
    place.testing.now_ms = at + 14 * TESTING_HOUR_MS;
    history_testing_compact(&place.testing);
    CHECK_TEXT(ask(&place, "cpu", at + 61000, at + 240000, 3), "pi cpu 1m: 2 3 4");
    CHECK_TEXT(ask(&place, "cpu", at, at + 600000, 4), "pi cpu 1m: 2 5 8 11");
    CHECK_TEXT(ask(&place, "cpu", at, at + 3600000, 4), "pi cpu 15m: 8 23 38 53");
    CHECK_TEXT(ask(&place, "cpu", at, at + 14 * TESTING_HOUR_MS, 7),
               "pi cpu 2h: 60.5 180.5 300.5 420.5 540.5 660.5 780.5");
    /* The hour that is not over comes from raw. */
    append_many(&place, "pi", at + 14 * TESTING_HOUR_MS, 60, 60000);
    CHECK_TEXT(
        ask(&place, "cpu", at + 12 * TESTING_HOUR_MS, at + 16 * TESTING_HOUR_MS, 2),
        "pi cpu 2h: 780.5 870.5");
    place_done(&place);
}

/* A node that falls silent has its last hour in the tiers all the same. */
static void the_last_hour_ends_by_the_clock(void) {
    struct place place;
    place_init(&place);
    int64_t at = TESTING_DAY_MS;

    place.testing.now_ms = at + TESTING_HOUR_MS / 2;
    append_many(&place, "pi", at, 30, 60000);
    history_testing_compact(&place.testing);
    CHECK_INT(look(&place)[0].tiers[TIER_1M].chunks, 0);
    place.testing.now_ms = at + 2 * TESTING_HOUR_MS;
    history_testing_compact(&place.testing);
    CHECK_INT(look(&place)[0].tiers[TIER_1M].rows, 30);
    CHECK_INT(look(&place)[0].tiers[TIER_2H].rows, 1);
    CHECK_INT(look(&place)[0].tiers[TIER_RAW].values, 80);
    CHECK_TEXT(ask(&place, "cpu", at, at + 2 * TESTING_HOUR_MS, 1), "pi cpu 2h: 15.5");
    place_done(&place);
}

static void what_is_past_its_time_goes(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    int64_t at = TESTING_DAY_MS;

    history_testing_close(testing);
    testing->config.retention_ms[TIER_RAW] = 6 * TESTING_HOUR_MS;
    testing->config.retention_ms[TIER_1M] = 24 * TESTING_HOUR_MS;
    testing->config.retention_ms[TIER_15M] = 240 * TESTING_HOUR_MS;
    history_testing_open(testing);
    testing->now_ms = at + 12 * TESTING_HOUR_MS;
    append_many(&place, "pi", at, 12 * 60, 60000);
    history_testing_compact(testing);
    CHECK_INT(look(&place)[0].tiers[TIER_RAW].chunks, 6);
    CHECK_INT(look(&place)[0].tiers[TIER_1M].rows, 11 * 60);

    /* Raw is gone there: a minute is what is left. */
    CHECK_TEXT(ask(&place, "cpu", at, at + 180000, 180), "pi cpu 1m: 1 2 3");
    /* Rows for what is gone are counted and change nothing. */
    append_many(&place, "pi", at + 60000, 3, 5000);
    testing->now_ms += 60000;
    append_many(&place, "pi", at + 12 * TESTING_HOUR_MS, 2, 60000);
    history_testing_compact(testing);
    CHECK_INT(look(&place)[0].lost, 3);
    CHECK_TEXT(ask(&place, "cpu", at, at + 180000, 180), "pi cpu 1m: 1 2 3");
    reopen(&place);
    CHECK_INT(look(&place)[0].lost, 3);

    testing->now_ms += 36 * TESTING_HOUR_MS;
    history_testing_compact(testing);
    CHECK_INT(look(&place)[0].tiers[TIER_RAW].chunks, 0);
    CHECK_INT(look(&place)[0].tiers[TIER_1M].chunks, 0);
    CHECK_TEXT(ask(&place, "cpu", at, at + 2700000, 100), "pi cpu 15m: 8 23 38");
    testing->now_ms += 2400 * TESTING_HOUR_MS;
    history_testing_compact(testing);
    CHECK_INT(look(&place)[0].tiers[TIER_15M].chunks, 0);
    CHECK_INT(look(&place)[0].tiers[TIER_2H].chunks, 1); /* for ever */
    place_done(&place);
}

/* With a longer retention than before, what raw no longer has comes from a minute. */
static void older_parts_come_from_coarser_tiers(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    int64_t at = TESTING_DAY_MS;

    history_testing_close(testing);
    testing->config.retention_ms[TIER_RAW] = 4 * TESTING_HOUR_MS;
    history_testing_open(testing);
    testing->now_ms = at + 8 * TESTING_HOUR_MS;
    append_many(&place, "pi", at, 8 * 60, 60000);
    history_testing_compact(testing);
    history_testing_close(testing);
    testing->config.retention_ms[TIER_RAW] = 100 * TESTING_HOUR_MS;
    history_testing_open(testing);
    CHECK_TEXT(ask(&place, "cpu", at + 4 * TESTING_HOUR_MS - 60000,
                   at + 4 * TESTING_HOUR_MS + 60000, 4),
               "pi cpu raw: 240 240 241 -");
    place_done(&place);
}

/* Also where the steps do not divide the longer buckets. */
static void older_parts_have_no_false_gaps(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    int64_t at = TESTING_DAY_MS;

    history_testing_close(testing);
    testing->config.retention_ms[TIER_RAW] = 4 * TESTING_HOUR_MS;
    testing->config.retention_ms[TIER_1M] = 4 * TESTING_HOUR_MS;
    history_testing_open(testing);
    testing->now_ms = at + 30 * TESTING_HOUR_MS;
    append_many(&place, "pi", at, 20 * 60, 60000);
    history_testing_compact(testing);
    CHECK_INT(look(&place)[0].tiers[TIER_1M].chunks, 0);
    history_testing_close(testing);
    testing->config.retention_ms[TIER_1M] = 1000 * TESTING_HOUR_MS;
    history_testing_open(testing);
    CHECK_TEXT(ask(&place, "cpu", at, at + TESTING_HOUR_MS / 2, 15),
               "pi cpu 1m: 8 8 8 8 8 8 8 15.5 23 23 23 23 23 23 23");
    place_done(&place);
}

static void a_removed_node_leaves_nothing(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    int64_t at = testing->now_ms - 3 * TESTING_HOUR_MS;

    append_many(&place, "pi", at, 100, 60000);
    append_many(&place, "nas", at, 3, 60000);
    history_testing_compact(testing);
    append_many(&place, "pi", at + 6000000, 1, 60000);
    history_testing_watch(testing, "pi");
    flush(&place);
    history_remove_node(testing->history, "pi");
    CHECK_TEXT(ask(&place, "cpu", at, at + 24 * TESTING_HOUR_MS, 0), "");
    CHECK_INT(history_taken(testing->history, "pi").seq, 0);
    CHECK_INT(append(&place, "pi", 3, 50, at), 0); /* another of this name */
    flush(&place);
    CHECK_INT(testing->told.seq, 50);
    history_unwatch(&testing->watcher);
    CHECK_TEXT(ask(&place, "cpu", at, at + 24 * TESTING_HOUR_MS, 0), "pi cpu raw: 50");
    history_testing_compact(testing);
    reopen(&place);
    CHECK_TEXT(ask(&place, "cpu", at, at + 24 * TESTING_HOUR_MS, 0), "pi cpu raw: 50");
    look(&place);
    CHECK_INT(place.usage_count, 2);
    CHECK_INT(place.usage[0].tiers[TIER_RAW].rows + place.usage[1].tiers[TIER_RAW].rows,
              4);
    history_remove_node(testing->history, "nas");
    reopen(&place);
    history_testing_compact(testing);
    look(&place);
    CHECK_INT(place.usage_count, 1);
    place_done(&place);
}

static void a_renamed_node_keeps_its_samples(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    int64_t at = testing->now_ms;

    append_many(&place, "pi", at, 3, 5000);
    append_many(&place, "nas", at, 2, 5000);
    history_testing_watch(testing, "pi");
    flush(&place);
    history_rename_node(testing->history, "pi", "other");
    history_rename_node(testing->history, "nas", "pi"); /* names change places */
    history_rename_node(testing->history, "other", "nas");
    append_many(&place, "nas", at + 15000, 1, 5000);
    flush(&place);
    CHECK_INT(testing->told.seq, 4); /* the watcher went along */
    history_unwatch(&testing->watcher);
    CHECK_TEXT(ask_node(&place, "nas", "cpu", at, at + 60000, 0), "nas cpu raw: 1 2 3 4");
    reopen(&place);
    CHECK_TEXT(ask_node(&place, "nas", "cpu", at, at + 60000, 0), "nas cpu raw: 1 2 3 4");
    CHECK_TEXT(ask_node(&place, "pi", "cpu", at, at + 60000, 0), "pi cpu raw: 1 2");
    CHECK_TEXT(ask_node(&place, "other", "cpu", at, at + 60000, 0), "");
    history_rename_node(testing->history, "nas", "pi"); /* over one that is there */
    CHECK_TEXT(ask_node(&place, "pi", "cpu", at, at + 60000, 0), "pi cpu raw: 1 2 3 4");
    reopen(&place);
    CHECK_TEXT(ask_node(&place, "pi", "cpu", at, at + 60000, 0), "pi cpu raw: 1 2 3 4");
    place_done(&place);
}

/* A metric that changes its scale stays one series; with another unit it is another. */
static void a_catalogue_may_change(void) {
    static const struct history_metric finer[] = { { "cpu", "%", 3 },
                                                   { "mem.used", "KiBy", 0 } };
    struct place place;
    place_init(&place);
    int64_t at = place.testing.now_ms;
    const int64_t values[] = { 2500, 9 };
    struct history_catalogue *catalogue = history_catalogue_new(finer, 2, 10000);

    CHECK_INT(append(&place, "pi", 7, 1, at), 0);
    CHECK_INT(history_append(place.testing.history, "pi",
                             (struct history_cursor) { 7, 2 }, at + 5000, catalogue,
                             values),
              0);
    history_catalogue_release(catalogue);
    for (int turn = 0; turn < 3; turn++) {
        CHECK_TEXT(ask(&place, "cpu", at, at + 60000, 0), "pi cpu raw: 1 2.5");
        CHECK_TEXT(ask(&place, "mem.used", at, at + 60000, 0),
                   "pi mem.used raw: 1001; pi mem.used raw: 9");
        if (turn == 0)
            history_testing_compact(&place.testing);
        else
            reopen(&place);
    }
    place_done(&place);
}

/* Shared from the first row on, and for longer than the history has it. */
static void nodes_that_are_alike_share_a_catalogue(void) {
    struct place place;
    place_init(&place);
    int64_t at = place.testing.now_ms;
    struct history_catalogue *first = history_catalogue_new(metrics, 3, 5000);
    struct history_catalogue *other = history_catalogue_new(metrics, 3, 1000);

    CHECK(history_share_catalogue(place.testing.history, first) == first);
    CHECK_INT(append(&place, "pi", 7, 1, at), 0);
    first = history_share_catalogue(place.testing.history, first);
    struct history_catalogue *second = history_share_catalogue(
        place.testing.history, history_catalogue_new(metrics, 3, 5000));
    CHECK(first == second);
    CHECK(history_share_catalogue(place.testing.history, other) == other);
    history_catalogue_release(second);
    history_catalogue_release(other);
    place_done(&place);

    size_t count;
    CHECK_TEXT(history_catalogue_metrics(first, &count)[0].name, metrics[0].name);
    CHECK_INT(count, 3);
    history_catalogue_release(first);
}

static void count_result(void *arg, int result, const struct history_answer *answer) {
    int *counts = arg;
    counts[result == 0 ? 0 : result == -ECANCELED ? 1 : result == -EAGAIN ? 2 : 3]++;
}

static void what_nobody_waits_for_is_not_answered(void) {
    struct place place;
    place_init(&place);
    const char *const nodes[] = { "pi" }, *const names[] = { "*" };
    const struct history_query query = {
        nodes, 1, names, 1, place.testing.now_ms - 1000, place.testing.now_ms + 1000000,
        100
    };
    struct history_request *requests[200];
    int counts[4] = { 0 };

    append_many(&place, "pi", place.testing.now_ms, 50, 5000);
    for (size_t i = 0; i < 200; i++)
        requests[i] = history_ask(place.testing.history, &query, count_result, counts);
    for (size_t i = 0; i < 200; i += 2)
        CHECK(!history_cancel(requests[i]));
    CHECK_INT(counts[0] + counts[1] + counts[2] + counts[3], 0);
    place.testing.history = history_free(place.testing.history);
    CHECK_INT(counts[3], 0);
    CHECK_INT(counts[0] + counts[1] + counts[2], 100);
    CHECK(counts[1] > 0);
    place_done(&place);
}

static void too_large_an_answer_is_refused(void) {
    enum { COUNT = 1001 };
    struct history_metric many[COUNT];
    static char names[COUNT][8];
    int64_t values[COUNT] = { 0 };
    struct place place;
    place_init(&place);
    int64_t at = place.testing.now_ms;

    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "m%zu", i);
        many[i] = (struct history_metric) { names[i], "1", 0 };
    }
    struct history_catalogue *catalogue = history_catalogue_new(many, COUNT, 5000);
    CHECK_INT(history_append(place.testing.history, "pi",
                             (struct history_cursor) { 7, 1 }, at, catalogue, values),
              0);
    history_catalogue_release(catalogue);
    CHECK_TEXT(ask(&place, "m*", at, at + 60000, 0), "many");
    CHECK(strncmp(ask(&place, "m??", at, at + 86400000, 10000), "pi m10 raw: 0", 13) ==
          0);
    CHECK_TEXT(ask(&place, "m???", at, at + 86400000, 10000), "many");
    history_testing_compact(&place.testing);
    CHECK_TEXT(ask(&place, "m*", at, at + 60000, 0), "many");
    place_done(&place);
}

static void run_sql(const struct place *place, const char *sql) {
    sqlite3 *handle;
    CHECK_INT(sqlite3_open(place->testing.path, &handle), SQLITE_OK);
    CHECK_INT(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static char *check_store(struct place *place) {
    struct history_testing *testing = &place->testing;
    struct store_counts counts;
    char *why = NULL;

    CHECK_INT(store_open(testing->path, &testing->store, &why), 0);
    int r = store_check_now(testing->store, &counts, &why);
    CHECK_INT(r, why ? STORE_E_DAMAGED : 0);
    testing->store = store_close(testing->store);
    return why;
}

/* The check says which chunk is damaged; for questions it is a gap, and it begins anew
 * with the next rows, while the tiers above keep what they have. */
static void a_damaged_chunk_is_told_and_is_a_gap(void) {
    struct place place;
    place_init(&place);
    struct history_testing *testing = &place.testing;
    int64_t at = TESTING_DAY_MS;

    testing->now_ms = at + 6 * TESTING_HOUR_MS;
    append_many(&place, "pi", at, 180, 60000);
    history_testing_compact(testing);
    history_testing_close(testing);
    CHECK(!check_store(&place));
    run_sql(&place, "UPDATE samples_chunks SET body = zeroblob(length(body))"
                    " WHERE id = (SELECT min(id) FROM samples_chunks)");
    auto_(mem_freep) char *why = check_store(&place);
    CHECK_TEXT(why, "the chunk of tier raw at 1767225600 of node 1 of the samples is "
                    "damaged");
    history_testing_open(testing);
    CHECK_TEXT(ask(&place, "cpu", at + TESTING_HOUR_MS - 120000,
                   at + TESTING_HOUR_MS + 120000, 0),
               "pi cpu raw: 61 62");
    append_many(&place, "pi", at + 90000, 1, 1);
    history_testing_compact(testing);
    CHECK_TEXT(ask(&place, "cpu", at, at + TESTING_HOUR_MS, 0), "pi cpu raw: 181");
    CHECK_TEXT(ask(&place, "cpu", at, at + 180000, 3), "pi cpu 1m: 1 2 3");
    history_testing_close(testing);
    CHECK(!check_store(&place));
    history_testing_open(testing);
    place_done(&place);
}

static void a_damaged_journal_is_told(void) {
    static const struct {
        const char *sql, *why;
    } rows[] = {
        { "UPDATE samples_journal SET body = zeroblob(30)",
          "row 1 of the samples' journal is damaged" },
        { "UPDATE samples_catalogues SET body = zeroblob(30)",
          "a catalogue of the samples is damaged" },
        { "UPDATE samples_nodes SET facts = zeroblob(1)",
          "what is known of node 1 of the samples is damaged" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct place place;
        place_init(&place);
        append_many(&place, "pi", place.testing.now_ms, 9, 60000);
        history_testing_close(&place.testing);
        run_sql(&place, rows[i].sql);
        auto_(mem_freep) char *why = check_store(&place);
        CHECK_TEXT(why, rows[i].why);
        CHECK_INT(history_testing_try_open(&place.testing), STORE_E_DAMAGED);
        place_done(&place);
    }
}

static int keep_aside(void *arg, uint64_t id, struct slice body) {
    struct history_testing *testing = arg;

    CHECK(id > 0 && body.len > 0);
    testing->told_times++;
    return 0;
}

/* Opens it with the row of the journal damaged: how many rows were set aside. */
static unsigned open_damaged(struct place *place, const char *which) {
    auto_(mem_freep) char *sql =
        mem_printf("UPDATE samples_journal SET body = zeroblob(30) WHERE id = "
                   "(SELECT min(id) + %s FROM samples_journal)",
                   which);

    history_testing_close(&place->testing);
    run_sql(place, sql);
    place->testing.config.set_aside = keep_aside;
    place->testing.told_times = 0;
    history_testing_open(&place->testing);
    return place->testing.told_times;
}

/* New rows are taken and merged, and what was damaged goes with the others. */
static void check_that_it_goes_on(struct place *place, uint64_t seq) {
    CHECK_INT(history_durable(place->testing.history, "pi").seq, seq);
    append_many(place, "pi", place->testing.now_ms + 60000, 3, 5000);
    place->testing.now_ms += 2 * TESTING_HOUR_MS;
    history_testing_compact(&place->testing);
    place->testing.told_times = 0;
    reopen(place);
    CHECK_INT(place->testing.told_times, 0);
    CHECK_INT(history_durable(place->testing.history, "pi").seq, seq + 3);
}

static void a_damaged_row_of_the_journal_is_set_aside(void) {
    struct place place;

    place_init(&place);
    int64_t at = place.testing.now_ms;
    for (int i = 0; i < 3; i++) {
        append_many(&place, "pi", at + i * 15000, 3, 5000);
        append_many(&place, "nas", at + i * 15000, 3, 5000);
        reopen(&place);
    }
    CHECK_INT(open_damaged(&place, "1"), 1);
    CHECK_TEXT(ask(&place, "cpu", at, at + 45000, 9), "pi cpu raw: 1 2 3 - - - 7 8 9");
    check_that_it_goes_on(&place, 9);
    place_done(&place);
}

/* Without its beginning a block cannot be read; a node that has nothing else, and of
 * which nothing more comes, does not keep the journal. */
static void what_goes_on_from_a_damaged_row_is_set_aside_too(void) {
    struct place place;

    place_init(&place);
    history_testing_watch(&place.testing, "pi");
    for (int i = 0; i < 2; i++) {
        append_many(&place, "pi", place.testing.now_ms + i * 15000, 3, 5000);
        append_many(&place, "nas", place.testing.now_ms + i * 15000, 3, 5000);
        flush(&place);
    }
    history_unwatch(&place.testing.watcher);
    CHECK_INT(open_damaged(&place, "0"), 2);
    check_that_it_goes_on(&place, 6);
    place_done(&place);
}

TESTS(TEST(rows_are_taken_once_and_in_order),
      TEST(what_is_durable_is_told_and_found_again),
      TEST(what_is_known_of_a_node_stays),
      TEST(too_much_that_waits_is_refused),
      TEST(any_time_has_its_place),
      TEST(catalogues_count_as_memory),
      TEST(gaps_are_told_and_jitter_is_none),
      TEST(a_step_is_round_and_the_tier_is_the_coarsest),
      TEST(the_last_hour_ends_by_the_clock),
      TEST(what_is_past_its_time_goes),
      TEST(older_parts_come_from_coarser_tiers),
      TEST(older_parts_have_no_false_gaps),
      TEST(a_removed_node_leaves_nothing),
      TEST(a_renamed_node_keeps_its_samples),
      TEST(a_catalogue_may_change),
      TEST(nodes_that_are_alike_share_a_catalogue),
      TEST(what_nobody_waits_for_is_not_answered),
      TEST(too_large_an_answer_is_refused),
      TEST(a_damaged_chunk_is_told_and_is_a_gap),
      TEST(a_damaged_journal_is_told),
      TEST(a_damaged_row_of_the_journal_is_set_aside),
      TEST(what_goes_on_from_a_damaged_row_is_set_aside_too))
