#include "store/history.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "store/store.h"
#include "wire/sample.h"

enum { HOUR_MS = 3600 * 1000, NOON_MS = 12 * HOUR_MS };

/* 2026-01-01 00:00 UTC */
static const int64_t day_ms = INT64_C(1767225600000);

/* A history in a store in a folder of its own, on a loop, with a clock of ours. */
struct place {
    char dir[40];
    char path[64];
    struct loop *loop;
    struct store *store;
    struct history *history;
    struct history_config config;
    struct store_facts facts;
    int64_t now_ms;
    struct history_catalogue *catalogue;
    struct history_watcher watcher;
    struct history_cursor told; /* by the watcher */
    unsigned told_times;
    int result;
    char answer[4096]; /* as text */
};

static int64_t now_of(void *arg) {
    return ((struct place *)arg)->now_ms;
}

static const struct history_metric metrics[] = {
    { "cpu", "%", 1 },
    { "mem.used", "By", 0 },
    { "net.rx:eth0", "By/s", 0 },
};

static void place_open(struct place *place) {
    char *why = NULL;
    CHECK_INT(store_open(place->path, &place->store, &why), 0);
    CHECK_INT(store_start(place->store, place->loop, 100, &place->facts), 0);
    CHECK_INT(history_new(&(struct history_config) { .loop = place->loop,
                                                     .store = place->store,
                                                     .retention_ms = { 0 },
                                                     .now_ms = now_of,
                                                     .arg = place },
                          &place->history, &why),
              0);
}

static void place_close(struct place *place) {
    place->history = history_free(place->history);
    place->store = store_close(place->store);
}

static void place_init(struct place *place) {
    *place = (struct place) { .dir = "/tmp/roost-history-XXXXXX" };
    CHECK(mkdtemp(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/roost.db", place->dir);
    place->loop = loop_new();
    place->now_ms = day_ms + NOON_MS;
    place->catalogue = history_catalogue_new(metrics, 3, 5000);
    place_open(place);
}

static void place_done(struct place *place) {
    auto_(mem_freep) char *command = mem_printf("rm -r '%s'", place->dir);
    place_close(place);
    history_catalogue_release(place->catalogue);
    loop_free(place->loop);
    CHECK_INT(system(command), 0);
}

static int append(struct place *place,
                  const char *node,
                  uint64_t epoch,
                  uint64_t seq,
                  int64_t time_ms) {
    const int64_t values[] = { (int64_t)seq * 10, 1000 + (int64_t)seq,
                               seq % 3 ? 7 : SAMPLE_ABSENT };
    return history_append(place->history, node, (struct history_cursor) { epoch, seq },
                          time_ms, place->catalogue, values);
}

static void on_durable(struct history_watcher *watcher, struct history_cursor durable) {
    struct place *place = container_of(watcher, struct place, watcher);
    place->told = durable;
    place->told_times++;
    loop_stop(place->loop);
}

static void watch(struct place *place, const char *node) {
    place->watcher = (struct history_watcher) { .node = node, .on_durable = on_durable };
    history_watch(place->history, &place->watcher);
}

/* Flushes, and waits until the node that is watched has something durable. */
static void flush(struct place *place) {
    history_flush(place->history);
    loop_run(place->loop);
}

static void write_number(char **at, double number) {
    if (isnan(number))
        *at += sprintf(*at, " -");
    else
        *at += sprintf(*at, " %g", number);
}

static void on_answer(void *arg, int result, const struct history_answer *answer) {
    struct place *place = arg;
    char *at = place->answer;

    place->result = result;
    *at = '\0';
    for (size_t i = 0; result == 0 && i < answer->series_count; i++) {
        const struct history_series *series = &answer->series[i];
        at += sprintf(at, "%s%s %s:", i > 0 ? "; " : "", series->node, series->metric);
        for (size_t j = 0; j < series->count && j < 30; j++)
            write_number(&at, series->mean[j]);
    }
    loop_stop(place->loop);
}

static const char *ask(struct place *place,
                       const char *metric,
                       int64_t since_ms,
                       int64_t until_ms,
                       size_t points) {
    const char *const nodes[] = { "pi", "nas" };
    const struct history_query query = {
        .nodes = nodes,
        .node_count = 2,
        .metrics = &metric,
        .metric_count = 1,
        .since_ms = since_ms,
        .until_ms = until_ms,
        .points = points,
    };
    history_ask(place->history, &query, on_answer, place);
    loop_run(place->loop);
    return place->result == 0 ? place->answer : "failed";
}

static void rows_are_taken_once_and_in_order(void) {
    struct place place;
    place_init(&place);
    int64_t at = place.now_ms;

    CHECK_INT(append(&place, "pi", 7, 1, at), 0);
    CHECK_INT(append(&place, "pi", 7, 2, at + 5000), 0);
    CHECK_INT(append(&place, "pi", 7, 2, at + 5000), HISTORY_E_KNOWN);
    CHECK_INT(append(&place, "pi", 7, 4, at + 15000), HISTORY_E_HOLE);
    history_skip(place.history, "pi", (struct history_cursor) { 7, 3 }, 1);
    CHECK_INT(append(&place, "pi", 7, 4, at + 15000), 0);
    CHECK_INT(append(&place, "pi", 8, 2, at + 20000), HISTORY_E_HOLE);
    CHECK_INT(append(&place, "pi", 8, 1, at + 20000), 0);
    CHECK_INT(append(&place, "pi", 7, 4, at + 15000), HISTORY_E_KNOWN);
    CHECK_INT(history_taken(place.history, "pi").epoch, 8);
    CHECK_INT(history_durable(place.history, "pi").seq, 0);
    CHECK_TEXT(ask(&place, "cpu", at, at + 60000, 0), "pi cpu: 1 2 4 1");
    place_done(&place);
}

static void what_is_durable_is_told_and_found_again(void) {
    struct place place;
    place_init(&place);
    int64_t at = place.now_ms;

    watch(&place, "pi");
    for (uint64_t seq = 1; seq <= 5; seq++)
        CHECK_INT(append(&place, "pi", 7, seq, at + 5000 * (int64_t)seq), 0);
    flush(&place);
    CHECK_INT(place.told.epoch, 7);
    CHECK_INT(place.told.seq, 5);
    CHECK_INT(append(&place, "pi", 7, 6, at + 30000), 0);
    flush(&place);
    CHECK_INT(place.told.seq, 6);
    CHECK_INT(place.told_times, 2);
    history_unwatch(&place.watcher);
    CHECK_INT(append(&place, "nas", 9, 41, at + 1000), 0); /* the end flushes it */
    place_close(&place);

    place_open(&place);
    CHECK_INT(history_durable(place.history, "pi").seq, 6);
    CHECK_INT(history_durable(place.history, "nas").seq, 41);
    CHECK_INT(append(&place, "pi", 7, 6, at + 30000), HISTORY_E_KNOWN);
    CHECK_INT(append(&place, "pi", 7, 7, at + 35000), 0);
    CHECK_TEXT(ask(&place, "cpu", at, at + 60000, 0),
               "pi cpu: 1 2 3 4 5 6 7; nas cpu: 41");
    CHECK_TEXT(ask(&place, "net.*", at, at + 60000, 0),
               "pi net.rx:eth0: 7 7 7 7 7; nas net.rx:eth0: 7");
    CHECK_TEXT(ask(&place, "cpu", at, at + 45000, 9),
               "pi cpu: - 1 2 3 4 5 6 7 -; nas cpu: 41 - - - - - - - -");
    place_done(&place);
}

TESTS(TEST(rows_are_taken_once_and_in_order),
      TEST(what_is_durable_is_told_and_found_again))
