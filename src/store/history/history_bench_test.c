/*
 * How long others wait while a fleet's samples are kept, how much memory they take, and
 * how fast a day of one metric is answered. Limits are generous: machines differ, and
 * what is printed is what matters.
 */
#include <malloc.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "store/history/history_private.h"
#include "store/history/history_testing.h"

enum { METRICS = 30, STEP_MS = 5000 };

static const struct history_backend *real_backend;
static uint64_t begun_ns, longest_ns, all_ns, transactions; /* of the store's thread */

static int begin_timed(struct store_database *db) {
    begun_ns = clock_boot_ns();
    return real_backend->begin(db);
}

static int commit_timed(struct store_database *db) {
    int r = real_backend->commit(db);
    uint64_t taken_ns = clock_boot_ns() - begun_ns;
    longest_ns = taken_ns > longest_ns ? taken_ns : longest_ns;
    all_ns += taken_ns;
    transactions++;
    return r;
}

/* A fleet whose values wander as those of hosts do. */
struct fleet {
    struct history_testing testing;
    struct history_catalogue *catalogue;
    size_t nodes;
    int64_t (*values)[METRICS]; /* owned; of each node */
    uint64_t seq;
    int64_t clock_ms;
    uint64_t random;
    uint64_t database_bytes;
};

static uint64_t pick(struct fleet *fleet, uint64_t below) {
    fleet->random ^= fleet->random << 13;
    fleet->random ^= fleet->random >> 7;
    fleet->random ^= fleet->random << 17;
    return fleet->random % below;
}

static void fleet_init(struct fleet *fleet, size_t nodes) {
    struct history_metric metrics[METRICS];
    char names[METRICS][32];

    *fleet = (struct fleet) { .nodes = nodes, .random = 88172645463325252u };
    history_testing_init(&fleet->testing);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        fleet->testing.config.retention_ms[tier] = 1000 * 24 * TESTING_HOUR_MS;
    fleet->testing.config.flush_ms = 1000000000; /* when we say so */
    fleet->testing.config.compact_ms = 1000000000;
    history_testing_open(&fleet->testing);
    for (size_t i = 0; i < METRICS; i++) {
        snprintf(names[i], sizeof(names[i]), "metric.%zu", i);
        metrics[i] =
            (struct history_metric) { names[i], i % 3 ? "By" : "%", i % 3 ? 0 : 1 };
    }
    fleet->catalogue = history_catalogue_new(metrics, METRICS, STEP_MS);
    fleet->values = mem_new_array(nodes, sizeof(*fleet->values));
    fleet->clock_ms = TESTING_DAY_MS;
}

static void fleet_done(struct fleet *fleet) {
    history_catalogue_release(fleet->catalogue);
    free(fleet->values);
    history_testing_done(&fleet->testing);
}

/* A third of the metrics wander, a third jumps sometimes, a third stays. */
static void fleet_step(struct fleet *fleet) {
    fleet->seq++;
    fleet->clock_ms += STEP_MS;
    fleet->testing.now_ms = fleet->clock_ms;
    for (size_t node = 0; node < fleet->nodes; node++) {
        char name[32];
        int64_t *values = fleet->values[node];
        for (size_t i = 0; i < METRICS; i++) {
            if (i % 3 == 0)
                values[i] += (int64_t)pick(fleet, 9) - 4;
            else if (i % 3 == 1 && pick(fleet, 10) == 0)
                values[i] = (int64_t)pick(fleet, 1 << 20);
        }
        snprintf(name, sizeof(name), "n%zu", node);
        CHECK_INT(history_append(fleet->testing.history, name,
                                 (struct history_cursor) { 1, fleet->seq },
                                 fleet->clock_ms + (int64_t)pick(fleet, 20),
                                 fleet->catalogue, values),
                  0);
    }
}

static void fleet_flush(struct fleet *fleet) {
    history_testing_watch(&fleet->testing, "n0");
    history_flush(fleet->testing.history);
    loop_run(fleet->testing.loop);
    history_unwatch(&fleet->testing.watcher);
}

static void count_points(void *arg, const struct history_answer *answer) {
    *(size_t *)arg = answer->series_count > 0 ? answer->points : 0;
}

static double ask_once(struct fleet *fleet, const char *metric, size_t points) {
    uint64_t begun = clock_boot_ns();
    CHECK_INT(history_testing_ask(&fleet->testing, "n0", metric,
                                  fleet->clock_ms - 24 * TESTING_HOUR_MS, fleet->clock_ms,
                                  points),
              0);
    return (double)(clock_boot_ns() - begun) / 1e6;
}

static void time_query(struct fleet *fleet, const char *metric, size_t points) {
    double best = 1e9, sum = 0;
    size_t got = 0;

    fleet->testing.on_answer = count_points;
    fleet->testing.arg = &got;
    for (int i = 0; i < 50; i++) {
        double taken = ask_once(fleet, metric, points);
        best = taken < best ? taken : best;
        sum += taken;
    }
    print_message("# 24 h of %s to %zu points: %.3f ms, best %.3f\n", metric, points,
                  sum / 50, best);
    CHECK(got > 0 || points == 0);
    CHECK(best < 100);
}

static void print_usage(void *arg,
                        int result,
                        uint64_t database_bytes,
                        uint64_t journal_bytes,
                        const struct history_usage *usage,
                        size_t count) {
    struct fleet *fleet = arg;
    CHECK_INT(result, 0);
    CHECK_INT(count, fleet->nodes);
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        const struct history_tier_usage *one = &usage[0].tiers[tier];
        print_message("# tier %s: %.2f bytes a value, %llu chunks, %llu rows\n",
                      tier_word((enum tier)tier),
                      one->values ? (double)one->bytes / (double)one->values : 0,
                      (unsigned long long)one->chunks, (unsigned long long)one->rows);
    }
    print_message("# database %llu KiB, journal %llu KiB\n",
                  (unsigned long long)database_bytes / 1024,
                  (unsigned long long)journal_bytes / 1024);
    loop_stop(fleet->testing.loop);
}

static void a_day_of_one_metric_is_answered_fast(void) {
    struct fleet fleet;

    fleet_init(&fleet, 1);
    for (int64_t at = 0; at < 25 * TESTING_HOUR_MS; at += STEP_MS) {
        fleet_step(&fleet);
        if (fleet.seq % 120 == 0)
            history_testing_compact(&fleet.testing);
    }
    history_ask_usage(fleet.testing.history, print_usage, &fleet);
    loop_run(fleet.testing.loop);
    time_query(&fleet, "metric.0", 500);
    time_query(&fleet, "metric.1", 500);
    time_query(&fleet, "metric.2", 500);
    time_query(&fleet, "metric.0", 5000);
    time_query(&fleet, "metric.0", 0);
    time_query(&fleet, "*", 500);
    fleet_done(&fleet);
}

static void take_bytes(void *arg,
                       int result,
                       uint64_t database_bytes,
                       uint64_t journal_bytes,
                       const struct history_usage *usage,
                       size_t count) {
    struct fleet *fleet = arg;
    CHECK_INT(result, 0);
    fleet->database_bytes = database_bytes;
    loop_stop(fleet->testing.loop);
}

/* What removed nodes leave goes back to the file system. */
static void check_shrinking(struct fleet *fleet) {
    history_ask_usage(fleet->testing.history, take_bytes, fleet);
    loop_run(fleet->testing.loop);
    uint64_t before = fleet->database_bytes;

    longest_ns = 0;
    for (size_t node = 0; node < fleet->nodes; node++) {
        char name[32];
        snprintf(name, sizeof(name), "n%zu", node);
        history_remove_node(fleet->testing.history, name);
    }
    history_testing_compact(&fleet->testing);
    history_testing_compact(&fleet->testing);
    history_ask_usage(fleet->testing.history, take_bytes, fleet);
    loop_run(fleet->testing.loop);
    print_message("# all removed: %llu of %llu KiB left, longest transaction %.1f ms\n",
                  (unsigned long long)fleet->database_bytes / 1024,
                  (unsigned long long)before / 1024, (double)longest_ns / 1e6);
    CHECK(fleet->database_bytes < before / 2);
}

static void nobody_waits_long_for_the_store(void) {
    enum { NODES = 200, MINUTES = 75 };
    struct history_backend timed;
    struct fleet fleet;
    struct timespec cpu;

    fleet_init(&fleet, NODES);
    real_backend = fleet.testing.history->backend;
    timed = *real_backend;
    timed.begin = begin_timed;
    timed.commit = commit_timed;
    fleet.testing.history->backend = &timed;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    double begun = (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9, append_s = 0;
    for (int step = 1; step <= MINUTES * 12; step++) {
        uint64_t at_ns = clock_boot_ns();
        fleet_step(&fleet);
        append_s += (double)(clock_boot_ns() - at_ns) / 1e9;
        if (step % 12 == 0)
            fleet_flush(&fleet);
        if (step % 120 == 0)
            history_testing_compact(&fleet.testing);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    double taken = (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9 - begun;
    print_message("# %d nodes: longest transaction %.1f ms, mean %.2f ms of %llu\n",
                  NODES, (double)longest_ns / 1e6,
                  (double)all_ns / 1e6 / (double)transactions,
                  (unsigned long long)transactions);
    print_message("# CPU for %d minutes of them %.2f s (appending %.2f): %.3f %% of one "
                  "core\n",
                  MINUTES, taken, append_s, taken / (MINUTES * 60) * 100);
    struct stat log;
    auto_(mem_freep) char *path = mem_printf("%s-wal", fleet.testing.path);
    CHECK_INT(stat(path, &log), 0);
    print_message("# log of %lld KiB\n", (long long)log.st_size / 1024);
    CHECK(log.st_size < 16 << 20);
    CHECK(longest_ns < 1000 * 1000000u);
    check_shrinking(&fleet);
    fleet_done(&fleet); /* with the timed back end: a thread may still be using it */
}

static void a_thousand_nodes_take_little_memory(void) {
    struct fleet fleet;

    fleet_init(&fleet, 1000);
    size_t before = mallinfo2().uordblks;
    for (int step = 0; step < 120; step++) {
        fleet_step(&fleet);
        if (step % 12 == 0)
            fleet_flush(&fleet);
    }
    fleet_flush(&fleet);
    size_t taken = mallinfo2().uordblks - before;
    print_message("# 1000 nodes after 10 minutes: %zu KiB, by our own count %zu KiB\n",
                  taken / 1024, fleet.testing.history->memory / 1024);
    history_testing_close(&fleet.testing);
    uint64_t begun = clock_boot_ns();
    history_testing_open(&fleet.testing);
    print_message("# opened again in %.1f ms\n", (double)(clock_boot_ns() - begun) / 1e6);
    history_testing_compact(&fleet.testing);
    taken = mallinfo2().uordblks - before;
    print_message("# and merged: %zu KiB\n", taken / 1024);
    CHECK(taken < 64 << 20);
    fleet_done(&fleet);
}

/* Spools of a day come all at once, as after a day without the hub. */
static void a_long_absence_is_caught_up(void) {
    enum { NODES = 20 };
    struct history_backend timed;
    struct fleet fleet;

    fleet_init(&fleet, NODES);
    real_backend = fleet.testing.history->backend;
    timed = *real_backend;
    timed.begin = begin_timed;
    timed.commit = commit_timed;
    fleet.testing.history->backend = &timed;
    longest_ns = all_ns = transactions = 0;
    for (int64_t at = 0; at < 24 * TESTING_HOUR_MS; at += STEP_MS)
        fleet_step(&fleet);
    print_message("# a day of %d nodes in memory: %zu KiB\n", NODES,
                  fleet.testing.history->memory / 1024);
    uint64_t begun = clock_boot_ns();
    history_testing_compact(&fleet.testing);
    double taken = (double)(clock_boot_ns() - begun) / 1e9;
    print_message("# durable and merged in %.2f s, %.1f M values/s, longest transaction "
                  "%.1f ms\n",
                  taken, NODES * METRICS * 17280 / 1e6 / taken, (double)longest_ns / 1e6);
    CHECK(fleet.testing.history->memory < 1 << 20);
    fleet.testing.history->backend = real_backend;
    fleet_done(&fleet);
}

TESTS(TEST(a_day_of_one_metric_is_answered_fast),
      TEST(nobody_waits_long_for_the_store),
      TEST(a_thousand_nodes_take_little_memory),
      TEST(a_long_absence_is_caught_up))
