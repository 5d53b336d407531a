#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/alerts.h"
#include "alerts/judge/judge_testing.h"
#include "alerts/rules/rule.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"

/*
 * Two hubs get the same random rows. One lives on; the other is killed at random moments,
 * begins anew with what was durable, and gets the rows after the store's cursor again,
 * which is at or before what its records have judged. In the end both know the same.
 */
enum { METRICS = 5, ROWS = 400, ROUNDS = 60, INTERVAL_MS = 5000 };

static const char *const names[METRICS] = { "cpu", "mem", "disk:/", "disk:/home",
                                            "temp.cpu" };

static const char *const conditions[] = {
    "cpu > 60 for 20s",
    "cpu > 70 clear 40",
    "disk:* > 55 for 15s clear 45",
    "cpu > 50 for 10s and mem > 50",
    "2 of (cpu > 50 for 10s, mem > 50 for 5s, temp.cpu > 50)",
    "absent(temp.cpu) for 15s",
    "rate(disk:/, 1m) > 0.2",
    "forecast(mem, 100) < 2h",
    "mem < 30 for 25s or disk:* > 80",
    "temp.cpu != 50 for 10s",
};

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct rows {
    int64_t times_ms[ROWS];
    unsigned catalogues[ROWS]; /* odd: without the last metric */
    int64_t values[ROWS][METRICS];
};

/* Values that stay near where they are, gaps, and what comes and goes. */
static void make_rows(struct rows *rows, uint64_t seed) {
    int64_t level[METRICS] = { 500, 500, 500, 500, 500 };
    int64_t time_ms = INT64_C(1700000000000);
    unsigned catalogue = 2;

    for (size_t i = 0; i < ROWS; i++) {
        time_ms += next(&seed) % 40 == 0 ? 60000 : INTERVAL_MS;
        catalogue += next(&seed) % 60 == 0;
        rows->times_ms[i] = time_ms;
        rows->catalogues[i] = catalogue;
        for (size_t j = 0; j < METRICS; j++) {
            int64_t step = (int64_t)(next(&seed) % 241) - 120;
            level[j] += next(&seed) % 3 == 0 ? step : 0;
            level[j] = level[j] < 0 ? 0 : level[j] > 1000 ? 1000 : level[j];
            rows->values[i][j] = next(&seed) % 50 == 0 ? INT64_MIN : level[j];
        }
    }
}

static void put_rules(struct judge_testing *hub) {
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        auto_(mem_freep) char *name = mem_printf("rule%zu", i);
        struct rule *rule = rule_new(name);
        char *why = NULL;
        CHECK_INT(rule_set_condition(rule, conditions[i], &why), 0);
        alerts_put_rule(hub->alerts, rule);
    }
}

static void give(struct judge_testing *hub,
                 const struct rows *rows,
                 size_t at,
                 bool is_replay) {
    struct alerts_metric metrics[METRICS];

    for (size_t i = 0; i < METRICS; i++)
        metrics[i] = (struct alerts_metric) { names[i], i == 4 ? "Cel" : "%", 1 };
    judge_testing_row(hub, &(struct alerts_row) {
                               .node = "nas",
                               .catalogue = rows->catalogues[at],
                               .metrics = metrics,
                               .count = METRICS - rows->catalogues[at] % 2,
                               .epoch = 7,
                               .seq = at + 1,
                               .time_ms = rows->times_ms[at],
                               .interval_ms = INTERVAL_MS,
                               .values = rows->values[at],
                               .is_replay = is_replay,
                           });
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All that is known of incidents but their numbers and figures. */
static char *describe(const struct judge_testing *hub) {
    char **lines = mem_new_array(20000, sizeof(*lines));
    struct buf text = { 0 };
    size_t count = 0;

    for (struct incident *at = incidents_next(hub->incidents, NULL); at;
         at = incidents_next(hub->incidents, at))
        lines[count++] = mem_printf("%s %s %d %" PRId64 " %" PRId64 "\n", at->rule,
                                    at->series, at->state, at->started_ms, at->ended_ms);
    qsort(lines, count, sizeof(*lines), by_text);
    for (size_t i = 0; i < count; i++) {
        buf_add_text(&text, lines[i]);
        free(lines[i]);
    }
    free(lines);
    return buf_take_text(&text);
}

static char *live_on(const struct rows *rows) {
    struct judge_testing hub;

    judge_testing_init(&hub, NULL, NULL);
    put_rules(&hub);
    judge_testing_put_node(&hub, "nas", 1);
    for (size_t i = 0; i < ROWS; i++)
        give(&hub, rows, i, false);
    judge_testing_flush(&hub);
    char *text = describe(&hub);
    judge_testing_done(&hub);
    return text;
}

/* Each flush makes the records durable and some of the rows that they were judged of. */
static char *live_and_die(const struct rows *rows, uint64_t seed, size_t *ret_kills) {
    struct judge_testing hub;
    size_t durable = 0; /* rows that the store has */
    size_t at = 0;
    size_t live = 0; /* rows before it were given once already */

    judge_testing_init(&hub, NULL, NULL);
    put_rules(&hub);
    judge_testing_put_node(&hub, "nas", 1);
    judge_testing_flush(&hub);
    while (at < ROWS) {
        bool is_replay = at < live && next(&seed) % 2 == 0;
        give(&hub, rows, at++, is_replay);
        live = at > live ? at : live;
        if (next(&seed) % 7 == 0) {
            judge_testing_flush(&hub);
            size_t lag = next(&seed) % 4;
            durable = at - durable > lag ? at - lag : durable;
        }
        if (next(&seed) % 25 == 0) {
            judge_testing_restart(&hub);
            at = durable;
            (*ret_kills)++;
        }
    }
    judge_testing_flush(&hub);
    char *text = describe(&hub);
    judge_testing_done(&hub);
    return text;
}

static void after_any_kill_the_state_is_as_if_there_had_been_none(void) {
    static struct rows rows;
    size_t kills = 0, incidents = 0;

    for (uint64_t round = 1; round <= ROUNDS; round++) {
        uint64_t seed = round * UINT64_C(0x9e3779b97f4a7c15);
        make_rows(&rows, seed);
        auto_(mem_freep) char *with_out = live_on(&rows);
        auto_(mem_freep) char *with = live_and_die(&rows, seed ^ 1, &kills);
        CHECK_TEXT(with, with_out);
        for (const char *c = with; *c; c++)
            incidents += *c == '\n';
    }
    CHECK(kills > ROUNDS);
    CHECK(incidents > ROUNDS * 10);
}

TESTS(TEST(after_any_kill_the_state_is_as_if_there_had_been_none))
