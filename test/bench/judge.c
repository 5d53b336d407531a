/*
 * judge - what the rules of alerts cost
 *
 * judge RULES NODES SERIES SECONDS: gives each node a row each 5 s of the samples' time,
 * and prints processor time a second of it, and memory. Values move at random; now and
 * then one is far up, so that rules fire.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/alerts.h"
#include "alerts/rules/rule.h"
#include "alerts/rules/rules_built_in.h"
#include "base/mem.h"
#include "store/records.h"

enum { INTERVAL_MS = 5000, NAME_LEN = 32 };

struct bench {
    struct incidents *incidents;
    struct alerts *alerts;
    size_t rules, nodes, series, seconds;
    struct alerts_metric *metrics;
    int64_t *values; /* nodes x series */
    uint64_t random;
};

static uint64_t next(struct bench *bench) {
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return bench->random;
}

static double cpu_seconds(void) {
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Bytes in memory. */
static size_t resident(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";

    if (!file)
        return 0;
    if (fgets(line, sizeof(line), file)) {
        char *rest = line;
        strtoul(rest, &rest, 10);
        pages = strtoul(rest, NULL, 10);
    }
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void make_metrics(struct bench *bench) {
    bench->metrics = mem_new_array(bench->series, sizeof(*bench->metrics));
    bench->values = mem_new_array(bench->nodes * bench->series, sizeof(int64_t));
    for (size_t i = 0; i < bench->series; i++)
        bench->metrics[i] = (struct alerts_metric) {
            .name = i == 0 ? mem_strdup("cpu") : mem_printf("disk:/%zu", i),
            .unit = "%",
            .scale = 1,
        };
    for (size_t i = 0; i < bench->nodes * bench->series; i++)
        bench->values[i] = 200 + (int64_t)(next(bench) % 400);
}

/* Each on one series, with a bound above what is usual, as people choose them. */
static void put_rules(struct bench *bench) {
    for (size_t i = 0; i < bench->rules; i++) {
        char *why = NULL;
        auto_(mem_freep) char *name = mem_printf("rule%zu", i);
        auto_(mem_freep) char *text = mem_printf("%s > %.1f for 1m clear 79",
                                                 bench->metrics[i % bench->series].name,
                                                 80 + (double)(next(bench) % 180) / 10);
        struct rule *rule = rule_new(name);
        if (rule_set_condition(rule, text, &why) != 0)
            abort();
        alerts_put_rule(bench->alerts, rule);
    }
}

static void put_nodes(struct bench *bench) {
    char name[NAME_LEN];

    for (size_t i = 0; i < bench->nodes; i++) {
        snprintf(name, sizeof(name), "node%zu", i);
        alerts_put_node(bench->alerts,
                        &(struct alerts_node) {
                            .name = name, .is_online = true, .joined_ms = 1, .why = "" },
                        0);
    }
}

/* A third of the series moves by a little; one row of 500 has one that is far up. */
static void move(struct bench *bench, int64_t *values) {
    for (size_t i = 0; i < bench->series; i++) {
        uint64_t random = next(bench);
        if (random % 3 == 0)
            values[i] += (int64_t)(random >> 8) % 21 - 10;
        if (values[i] > 750 && random % 40 == 1) /* it lasts some three minutes */
            values[i] -= 400;
    }
    if (next(bench) % 500 == 0)
        values[next(bench) % bench->series] = 900;
}

static void give_rows(struct bench *bench, uint64_t seq) {
    char name[NAME_LEN];

    for (size_t i = 0; i < bench->nodes; i++) {
        int64_t *values = bench->values + i * bench->series;
        snprintf(name, sizeof(name), "node%zu", i);
        move(bench, values);
        alerts_take_row(bench->alerts, &(struct alerts_row) {
                                           .node = name,
                                           .catalogue = 1,
                                           .metrics = bench->metrics,
                                           .count = bench->series,
                                           .epoch = 1,
                                           .seq = seq,
                                           .time_ms = (int64_t)seq * INTERVAL_MS,
                                           .interval_ms = INTERVAL_MS,
                                           .values = values,
                                       });
    }
}

/* What a flush collects, each 5 s, and the clock's looks. */
static void flush(struct bench *bench, uint64_t seq) {
    struct records records = { 0 };

    for (int i = 0; i < INTERVAL_MS / 1000; i++)
        alerts_tick(bench->alerts, (int64_t)seq * INTERVAL_MS + i * 1000);
    incidents_collect(bench->incidents, &records);
    alerts_collect(bench->alerts, &records);
    records_done(&records);
    alerts_settle(bench->alerts, true);
    incidents_settle(bench->incidents, true);
}

static void run(struct bench *bench) {
    size_t before = resident();
    uint64_t steps = bench->seconds * 1000 / INTERVAL_MS;

    put_rules(bench);
    put_nodes(bench);
    double start = cpu_seconds();
    give_rows(bench, 1);
    flush(bench, 1);
    double first = cpu_seconds() - start;
    size_t memory = resident() - before;
    start = cpu_seconds();
    for (uint64_t seq = 2; seq < steps + 2; seq++) {
        give_rows(bench, seq);
        flush(bench, seq);
    }
    double spent = cpu_seconds() - start;
    printf("{\"rules\":%zu,\"nodes\":%zu,\"series\":%zu,\"first_ms\":%.1f,"
           "\"core_percent\":%.3f,\"ns_a_row\":%.0f,\"bytes\":%zu,"
           "\"bytes_a_test\":%.3f,\"open\":%zu}\n",
           bench->rules, bench->nodes, bench->series, first * 1000,
           100 * spent / (double)bench->seconds,
           spent * 1e9 / (double)(steps * bench->nodes), memory,
           (double)memory / (double)(bench->rules * bench->nodes),
           incidents_open_count(bench->incidents));
}

static size_t number(char **argv, int argc, int at, size_t usual) {
    return argc > at ? strtoul(argv[at], NULL, 10) : usual;
}

int main(int argc, char **argv) {
    struct bench bench = {
        .rules = number(argv, argc, 1, 10000),
        .nodes = number(argv, argc, 2, 1000),
        .series = number(argv, argc, 3, 30),
        .seconds = number(argv, argc, 4, 600),
        .random = UINT64_C(0x9e3779b97f4a7c15),
    };
    struct alerts_config config = { 0 };

    bench.incidents = incidents_new(&(struct incidents_config) { 0 });
    config.incidents = bench.incidents;
    rules_built_in_defaults(&config.defaults);
    bench.alerts = alerts_new(&config);
    alerts_start(bench.alerts);
    make_metrics(&bench);
    run(&bench);
    alerts_free(bench.alerts);
    incidents_free(bench.incidents);
    for (size_t i = 0; i < bench.series; i++)
        free((char *)(uintptr_t)bench.metrics[i].name);
    free(bench.metrics);
    free(bench.values);
    return 0;
}
