/*
 * fleet_check - does a store hold exactly what a fleet has taken?
 *
 *   fleet_check --data DIR --report FILE [--metrics M] [--seed X]
 *
 * Reads the report that fleet wrote (a line for each sample in a spool) and the store of
 * a hub that does not run, and compares node by node, row by row: each sample once,
 * in order, with the value that fleet_values.h prescribes, at the time at which it was
 * taken; and in each tier above raw as many, with their least, mean and greatest value. A
 * fleet that was killed may have taken one more sample than it reported: it is accepted
 * when its values are right. Ends with a line a fault, a summary, and 0 or 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "fleet_values.h"
#include "loop/loop.h"
#include "store/history/history.h"
#include "store/store.h"

enum {
    NAME_LEN = 64,
    AHEAD_MS = 86400000, /* of samples that were placed in the future */
    PLACED_MS = 3000,    /* how far from the fleet's own wall clock a sample may be */
    FAULTS_MAX = 20,     /* that are told */
    POINTS = HISTORY_POINTS_MAX,
};

/* A sample that was taken. */
struct taken {
    uint64_t epoch;
    uint64_t seq;
    int64_t wall_ms; /* by this machine's clocks as they are now */
};

struct agent {
    char name[NAME_LEN];
    struct taken *all; /* owned; as reported */
    size_t count;
    size_t cap;
};

struct check {
    struct loop *loop;
    struct history *history;
    struct map *agents; /* owned agents */
    struct fleet_values values;
    int64_t since_ms;
    int64_t until_ms;
    const struct agent *agent; /* that is being compared */
    enum tier tier;
    uint64_t samples; /* of all agents, in the store */
    uint64_t unreported;
    uint64_t faults;
};

/* --- the report --- */

static void add_taken(struct agent *agent, const struct taken *taken) {
    if (agent->count == agent->cap) {
        agent->cap = agent->cap ? agent->cap * 2 : 64;
        agent->all = mem_grow(agent->all, agent->cap * sizeof(*agent->all));
    }
    agent->all[agent->count++] = *taken;
}

static struct agent *agent_of(struct check *check, const char *name) {
    struct agent *agent = map_get(check->agents, name);

    if (!agent) {
        agent = mem_new(sizeof(*agent));
        snprintf(agent->name, sizeof(agent->name), "%s", name);
        map_put(check->agents, name, agent);
    }
    return agent;
}

/* The last line of a fleet that was killed may be torn. */
static bool read_report(struct check *check, const char *path) {
    FILE *file = fopen(path, "r");
    char line[256], name[NAME_LEN];
    int64_t boot_wall_ms = clock_wall_ms() - (int64_t)clock_boot_ms();

    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    while (fgets(line, sizeof(line), file)) {
        struct taken taken;
        int64_t boot_ms;
        if (!strchr(line, '\n') || sscanf(line, "%63s %" SCNx64 " %" SCNu64 " %" SCNd64,
                                          name, &taken.epoch, &taken.seq, &boot_ms) != 4)
            continue;
        taken.wall_ms = boot_ms + boot_wall_ms;
        add_taken(agent_of(check, name), &taken);
        if (check->since_ms == 0 || taken.wall_ms < check->since_ms)
            check->since_ms = taken.wall_ms;
    }
    fclose(file);
    return true;
}

/* --- comparing --- */

static void fault(struct check *check, const char *metric, const char *what, size_t at) {
    if (++check->faults <= FAULTS_MAX)
        printf("%s %s: %s at sample %zu\n", check->agent->name, metric, what, at);
}

static size_t place_of(const struct check *check, const char *metric) {
    size_t i = 0;
    while (i < check->values.count && strcmp(check->values.series[i].name, metric) != 0)
        i++;
    return i;
}

static int64_t integer_of(const struct history_series *series, size_t at) {
    return llround(series->mean[at] * pow(10, series->scale));
}

/* The rows that a node's series make: what has one time belongs together. */
struct rows {
    size_t count;
    size_t width;      /* metrics */
    int64_t *times_ms; /* owned; rising */
    int64_t *values;   /* owned; width of them for each row; SAMPLER_ABSENT */
};

static int compare_times(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void collect_times(struct rows *rows, const struct history_answer *answer) {
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < answer->series_count; i++)
        count += answer->series[i].count;
    rows->times_ms = mem_new_array(count, sizeof(*rows->times_ms));
    for (size_t i = 0, at = 0; i < answer->series_count; i++) {
        const struct history_series *series = &answer->series[i];
        memcpy(rows->times_ms + at, series->times_ms, series->count * sizeof(int64_t));
        at += series->count;
    }
    qsort(rows->times_ms, count, sizeof(int64_t), compare_times);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || rows->times_ms[i] != rows->times_ms[kept - 1])
            rows->times_ms[kept++] = rows->times_ms[i];
    rows->count = kept;
}

/* Puts a series into its column. */
static void fill_column(struct check *check,
                        struct rows *rows,
                        const struct history_series *series) {
    size_t place = place_of(check, series->metric), row = 0;

    if (place == rows->width) {
        fault(check, series->metric, "an unknown metric", 0);
        return;
    }
    check->samples += series->count;
    for (size_t i = 0; i < series->count; i++) {
        if (i > 0 && series->times_ms[i] == series->times_ms[i - 1])
            fault(check, series->metric, "stored twice", i);
        while (rows->times_ms[row] < series->times_ms[i])
            row++;
        rows->values[row * rows->width + place] = integer_of(series, i);
    }
}

static void rows_init(struct check *check,
                      struct rows *rows,
                      const struct history_answer *answer) {
    *rows = (struct rows) { .width = check->values.count };
    collect_times(rows, answer);
    rows->values = mem_new_array(rows->count * rows->width, sizeof(*rows->values));
    for (size_t i = 0; i < rows->count * rows->width; i++)
        rows->values[i] = SAMPLER_ABSENT;
    for (size_t i = 0; i < answer->series_count; i++)
        fill_column(check, rows, &answer->series[i]);
}

static void rows_done(struct rows *rows) {
    free(rows->times_ms);
    free(rows->values);
}

/* The first metric in which a row is not the sample of that number; width: it is that. */
static size_t differs_in(const struct check *check,
                         const struct rows *rows,
                         size_t row,
                         uint64_t epoch,
                         uint64_t seq) {
    int64_t *wanted = mem_new_array(rows->width, sizeof(*wanted));
    size_t i = 0;

    fleet_values_fill(&check->values, epoch, seq, wanted);
    while (i < rows->width && wanted[i] == rows->values[row * rows->width + i])
        i++;
    free(wanted);
    return i;
}

static void compare_sample(struct check *check,
                           const struct rows *rows,
                           size_t row,
                           size_t reported) {
    const struct taken *taken = &check->agent->all[reported];

    if (row >= rows->count) {
        fault(check, "all", "missing", reported);
        return;
    }
    size_t metric = differs_in(check, rows, row, taken->epoch, taken->seq);
    if (metric < rows->width)
        fault(check, check->values.series[metric].name, "another value", reported);
    else if (llabs(rows->times_ms[row] - taken->wall_ms) > PLACED_MS)
        fault(check, "all", "misplaced in time", reported);
}

/* At the end of what one start of an agent reported: one more sample may have been taken.
 */
static bool is_unreported(struct check *check,
                          const struct rows *rows,
                          size_t row,
                          size_t reported) {
    const struct agent *agent = check->agent;
    const struct taken *last = &agent->all[reported];
    bool is_end = reported + 1 == agent->count || last[1].epoch != last->epoch;

    if (!is_end || row >= rows->count ||
        differs_in(check, rows, row, last->epoch, last->seq + 1) < rows->width)
        return false;
    check->unreported++;
    return true;
}

static void compare_rows(struct check *check, const struct history_answer *answer) {
    struct rows rows;
    size_t row = 0;

    rows_init(check, &rows, answer);
    for (size_t i = 0; i < check->agent->count; i++) {
        compare_sample(check, &rows, row++, i);
        row += is_unreported(check, &rows, row, i);
    }
    if (row < rows.count)
        fault(check, "all", "more samples than were taken", row);
    rows_done(&rows);
}

/* What a bucket must hold, from the reported samples of the same step. */
static void compare_bucket(struct check *check,
                           const struct history_series *series,
                           size_t point,
                           size_t *total) {
    if (isnan(series->mean[point]))
        return;
    *total += series->samples ? series->samples[point] : 1;
    double least = series->min ? series->min[point] : series->mean[point];
    double most = series->max ? series->max[point] : series->mean[point];
    double slack = 1e-5 * (fabs(least) + fabs(most)) + pow(10, -(double)series->scale);
    if (series->mean[point] < least - slack || series->mean[point] > most + slack)
        fault(check, series->metric, "a mean outside of its bucket", point);
}

/* How many reported samples have a value of that metric. */
static size_t count_present(const struct check *check, size_t place) {
    int64_t *row = mem_new_array(check->values.count + 1, sizeof(*row));
    size_t count = 0;

    for (size_t i = 0; place < check->values.count && i < check->agent->count; i++) {
        const struct taken *taken = &check->agent->all[i];
        fleet_values_fill(&check->values, taken->epoch, taken->seq, row);
        count += row[place] != SAMPLER_ABSENT;
    }
    free(row);
    return count;
}

static void compare_tier(struct check *check, const struct history_series *series) {
    size_t wanted = count_present(check, place_of(check, series->metric)), total = 0;

    for (size_t i = 0; i < series->count; i++)
        compare_bucket(check, series, i, &total);
    if (total < wanted || total > wanted + check->unreported)
        fault(check, series->metric,
              total < wanted ? "a tier has too few" : "a tier has too many", total);
}

static void on_answer(void *arg, int result, const struct history_answer *answer) {
    struct check *check = arg;

    loop_stop(check->loop);
    if (result != 0) {
        printf("%s: the history says %d\n", check->agent->name, result);
        check->faults++;
        return;
    }
    if (answer->series_count == 0 && check->agent->count > 0)
        fault(check, "all", "nothing is stored", 0);
    if (check->tier == TIER_RAW)
        compare_rows(check, answer);
    for (size_t i = 0; check->tier != TIER_RAW && i < answer->series_count; i++)
        compare_tier(check, &answer->series[i]);
}

/* How many points make the history read that tier. */
static size_t points_for(const struct check *check, enum tier tier) {
    int64_t step_ms = tier_step_ms(tier);
    return tier == TIER_RAW ? 0
                            : (size_t)((check->until_ms - check->since_ms) / step_ms) + 1;
}

static void compare_agent(struct check *check, const struct agent *agent) {
    static const char *const all[] = { "*" };
    const char *names[] = { agent->name };

    check->agent = agent;
    for (check->tier = TIER_RAW; check->tier < TIER_COUNT; check->tier++) {
        struct history_query query = {
            .nodes = names,
            .node_count = 1,
            .metrics = all,
            .metric_count = 1,
            .since_ms = check->since_ms,
            .until_ms = check->until_ms,
            .points = points_for(check, check->tier),
        };
        if (query.points > POINTS)
            continue;
        history_ask(check->history, &query, on_answer, check);
        loop_run(check->loop);
    }
}

/* --- the store --- */

static int64_t now_ms(void *arg) {
    return clock_wall_ms();
}

static bool open_history(struct check *check, struct store *store) {
    struct store_facts facts;
    struct history_config config = {
        .loop = check->loop,
        .store = store,
        .retention_ms = { INT64_C(365) * AHEAD_MS, INT64_C(365) * AHEAD_MS,
                          INT64_C(365) * AHEAD_MS, INT64_C(365) * AHEAD_MS },
        .now_ms = now_ms,
    };
    char *why = NULL;

    int r = store_start(store, check->loop, 1000, &facts);
    if (r == 0)
        r = history_new(&config, &check->history, &why);
    if (r != 0)
        fprintf(stderr, "the history cannot be read: %d %s\n", r, why ? why : "");
    free(why);
    return r == 0;
}

static void compare_all(struct check *check) {
    struct agent *agent;
    size_t at = 0;

    check->since_ms -= AHEAD_MS / 24;
    check->until_ms = clock_wall_ms() + AHEAD_MS / 24;
    while ((agent = map_next(check->agents, &at, NULL)))
        compare_agent(check, agent);
    printf("%zu agents, %" PRIu64 " values in the store, %" PRIu64
           " not reported, %" PRIu64 " faults\n",
           map_count(check->agents), check->samples, check->unreported, check->faults);
    at = 0;
    while ((agent = map_next(check->agents, &at, NULL))) {
        free(agent->all);
        free(agent);
    }
}

static int run(struct check *check, const char *data) {
    char *path = file_join(data, "roost.db"), *why = NULL;
    struct store *store = NULL;

    int r = store_open(path, &store, &why);
    free(path);
    if (r != 0) {
        fprintf(stderr, "%s\n", why);
        free(why);
        return 1;
    }
    check->loop = loop_new();
    bool is_open = open_history(check, store);
    if (is_open)
        compare_all(check);
    history_free(check->history);
    store_close(store);
    loop_free(check->loop);
    return is_open && check->faults == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    struct check check = { .agents = map_new() };
    const char *data = NULL, *report = NULL;
    size_t metrics = 30;
    uint64_t seed = 1;

    log_set_level(LOG_LEVEL_WARNING);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--data") == 0)
            data = argv[i + 1];
        else if (strcmp(argv[i], "--report") == 0)
            report = argv[i + 1];
        else if (strcmp(argv[i], "--metrics") == 0)
            metrics = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
    }
    if (!data || !report || metrics > FLEET_VALUES_MAX) {
        fprintf(stderr, "usage: fleet_check --data DIR --report FILE [--metrics M] "
                        "[--seed X]\n");
        return 2;
    }
    fleet_values_init(&check.values, metrics, seed);
    int status = read_report(&check, report) ? run(&check, data) : 1;
    fleet_values_done(&check.values);
    map_free(check.agents);
    return status;
}
