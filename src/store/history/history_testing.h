/*
 * history_testing - a history in a folder of its own, for tests
 *
 * A store and a history on a loop with a clock of the test's, and calls that wait for
 * their answer.
 */
#pragma once

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "store/history/history.h"
#include "store/store.h"
#include "wire/sample.h"

/* 2026-01-01 00:00 UTC */
#define TESTING_DAY_MS  INT64_C(1767225600000)
#define TESTING_HOUR_MS INT64_C(3600000)

struct history_testing {
    char dir[40];
    char path[64];
    struct loop *loop;       /* owned */
    struct store *store;     /* owned */
    struct history *history; /* owned */
    struct history_config config;
    struct store_facts facts;
    int64_t now_ms;
    struct history_watcher watcher;
    struct history_cursor told; /* by the watcher */
    unsigned told_times;
    int result;
    void (*on_answer)(void *arg, const struct history_answer *answer);
    void *arg;
};

static inline int64_t history_testing_now(void *arg) {
    return ((struct history_testing *)arg)->now_ms;
}

static inline int history_testing_try_open(struct history_testing *testing) {
    char *why = NULL;
    int r = store_open(testing->path, &testing->store, &why);
    if (r == 0)
        r = store_start(testing->store, testing->loop, 100, &testing->facts);
    testing->config.loop = testing->loop;
    testing->config.store = testing->store;
    testing->config.now_ms = history_testing_now;
    testing->config.arg = testing;
    if (r == 0)
        r = history_new(&testing->config, &testing->history, &why);
    if (r != 0)
        print_message("# cannot open: %s\n", why ? why : "?");
    free(why);
    return r;
}

static inline void history_testing_open(struct history_testing *testing) {
    CHECK_INT(history_testing_try_open(testing), 0);
}

static inline void history_testing_close(struct history_testing *testing) {
    testing->history = history_free(testing->history);
    testing->store = store_close(testing->store);
}

static inline void history_testing_init(struct history_testing *testing) {
    *testing = (struct history_testing) { .dir = "/tmp/roost-history-XXXXXX" };
    CHECK(mkdtemp(testing->dir));
    snprintf(testing->path, sizeof(testing->path), "%s/roost.db", testing->dir);
    testing->loop = loop_new();
    testing->now_ms = TESTING_DAY_MS + 12 * TESTING_HOUR_MS;
}

static inline void history_testing_done(struct history_testing *testing) {
    auto_(mem_freep) char *command = mem_printf("rm -r '%s'", testing->dir);
    if (testing->store)
        history_testing_close(testing);
    loop_free(testing->loop);
    CHECK_INT(system(command), 0);
}

static inline void history_testing_on_durable(struct history_watcher *watcher,
                                              struct history_cursor durable) {
    struct history_testing *testing =
        container_of(watcher, struct history_testing, watcher);
    testing->told = durable;
    testing->told_times++;
    loop_stop(testing->loop);
}

static inline void history_testing_watch(struct history_testing *testing,
                                         const char *node) {
    testing->watcher = (struct history_watcher) {
        .node = node,
        .on_durable = history_testing_on_durable,
    };
    history_watch(testing->history, &testing->watcher);
}

static inline void history_testing_stop(void *arg) {
    loop_stop(((struct history_testing *)arg)->loop);
}

/* Flushes and merges all that there is. */
static inline void history_testing_compact(struct history_testing *testing) {
    history_compact(testing->history, history_testing_stop, testing);
    loop_run(testing->loop);
}

static inline void history_testing_on_answer(void *arg,
                                             int result,
                                             const struct history_answer *answer) {
    struct history_testing *testing = arg;
    testing->result = result;
    if (result == 0)
        testing->on_answer(testing->arg, answer);
    loop_stop(testing->loop);
}

/* Asks and waits; on_answer is called when there is one. */
static inline int history_testing_ask(struct history_testing *testing,
                                      const char *node,
                                      const char *metric,
                                      int64_t since_ms,
                                      int64_t until_ms,
                                      size_t points) {
    const struct history_query query = {
        .nodes = &node,
        .node_count = 1,
        .metrics = &metric,
        .metric_count = 1,
        .since_ms = since_ms,
        .until_ms = until_ms,
        .points = points,
    };
    history_ask(testing->history, &query, history_testing_on_answer, testing);
    loop_run(testing->loop);
    return testing->result;
}
