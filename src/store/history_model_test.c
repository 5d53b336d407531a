/*
 * Random rows, late and replayed, of several epochs and catalogues, over restarts and
 * crashes: what the history answers is compared with a plain list of rows.
 */
#include "store/history_testing.h"
#include "store/tier.h"

enum { ROWS_MAX = 4000, METRICS = 5 };

/* Two catalogues that share some metrics. */
static const struct history_metric all_metrics[METRICS] = {
    { "cpu", "%", 1 },
    { "mem.used", "By", 0 },
    { "disk.read:sda", "By/s", 0 },
    { "temperature:cpu", "Cel", 2 },
    { "gpu", "%", 0 },
};

struct row {
    struct history_cursor cursor;
    int64_t time_ms;
    int64_t values[METRICS]; /* by place in all_metrics */
};

/* One node's rows in the order in which they were taken. */
struct model {
    struct history_testing testing;
    struct history_catalogue *catalogues[2];
    struct row rows[ROWS_MAX];
    size_t count;
    uint64_t epoch;
    uint64_t seq;
    int64_t clock_ms; /* of the node */
    uint64_t random;
};

/* Places in all_metrics of what the catalogues have. */
static const size_t places[2][3] = { { 0, 1, 2 }, { 3, 1, 4 } };

static uint64_t pick(struct model *model, uint64_t below) {
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random % below;
}

static void make_catalogues(struct model *model) {
    for (size_t i = 0; i < 2; i++) {
        struct history_metric metrics[3];
        for (size_t j = 0; j < 3; j++)
            metrics[j] = all_metrics[places[i][j]];
        model->catalogues[i] = history_catalogue_new(metrics, 3, 5000);
    }
}

static int send_row(struct model *model, const struct row *row) {
    /* The catalogue is told by what a row has. */
    size_t which = row->cursor.seq / 100 % 2;
    int64_t values[3];
    for (size_t i = 0; i < 3; i++)
        values[i] = row->values[places[which][i]];
    return history_append(model->testing.history, "pi", row->cursor, row->time_ms,
                          model->catalogues[which], values);
}

static void make_row(struct model *model, struct row *row) {
    size_t which = model->seq / 100 % 2;

    row->cursor = (struct history_cursor) { model->epoch, model->seq };
    row->time_ms = model->clock_ms + (int64_t)pick(model, 400) - 200;
    if (pick(model, 50) == 0)
        row->time_ms -= (int64_t)pick(model, 5 * TESTING_HOUR_MS);
    for (size_t i = 0; i < METRICS; i++)
        row->values[i] = SAMPLE_ABSENT;
    for (size_t i = 0; i < 3; i++)
        if (pick(model, 10) > 0)
            row->values[places[which][i]] = (int64_t)pick(model, 100000) - 50000;
}

static void add_row(struct model *model) {
    if (model->count == ROWS_MAX)
        return;
    struct row *row = &model->rows[model->count];

    if (pick(model, 300) == 0) {
        model->epoch = 1 + pick(model, 1u << 30);
        model->seq = 0;
    }
    model->seq++;
    model->clock_ms +=
        pick(model, 200) == 0 ? (int64_t)pick(model, 3 * TESTING_HOUR_MS) : 5000;
    make_row(model, row);
    CHECK_INT(send_row(model, row), 0);
    model->count++;
    model->testing.now_ms = model->clock_ms;
}

/* What was taken before is known, whichever it is. */
static void replay(struct model *model) {
    if (model->count == 0)
        return;
    size_t from = model->count - 1 - pick(model, model->count < 50 ? model->count : 50);
    for (size_t i = from; i < model->count; i++)
        CHECK_INT(send_row(model, &model->rows[i]), HISTORY_E_KNOWN);
}

/* A question about one metric and what the model says to it. */
struct checking {
    struct model *model;
    size_t metric;
    int64_t since_ms;
    int64_t until_ms;
    bool was_answered;
};

struct sample {
    int64_t time_ms;
    int64_t value;
};

static int compare_samples(const void *a, const void *b) {
    const struct sample *left = a, *right = b;
    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return (left->value > right->value) - (left->value < right->value);
}

/* The samples of the metric within the time, by time and value. */
static size_t list_samples(const struct checking *checking,
                           int64_t since_ms,
                           int64_t until_ms,
                           struct sample *samples) {
    size_t count = 0;
    for (size_t i = 0; i < checking->model->count; i++) {
        const struct row *row = &checking->model->rows[i];
        if (row->values[checking->metric] != SAMPLE_ABSENT && row->time_ms >= since_ms &&
            row->time_ms < until_ms)
            samples[count++] =
                (struct sample) { row->time_ms, row->values[checking->metric] };
    }
    qsort(samples, count, sizeof(*samples), compare_samples);
    return count;
}

static void on_raw(void *arg, const struct history_answer *answer) {
    struct checking *checking = arg;
    static struct sample wanted[ROWS_MAX], got[ROWS_MAX];
    size_t count = list_samples(checking, checking->since_ms, checking->until_ms, wanted);
    double unit = pow(10, all_metrics[checking->metric].scale);

    checking->was_answered = true;
    CHECK_INT(answer->series_count, count > 0);
    if (count == 0)
        return;
    const struct history_series *series = &answer->series[0];
    CHECK_INT(series->count, count);
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || series->times_ms[i - 1] <= series->times_ms[i]);
        got[i] = (struct sample) { series->times_ms[i],
                                   (int64_t)llround(series->mean[i] * unit) };
    }
    qsort(got, count, sizeof(*got), compare_samples);
    CHECK_INT(memcmp(got, wanted, count * sizeof(*got)), 0);
}

static void check_point(const struct history_series *series,
                        size_t at,
                        const struct sample *samples,
                        size_t count,
                        double factor) {
    double sum = 0, min = INFINITY, max = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double value = (double)samples[i].value * factor;
        sum += value;
        min = fmin(min, value);
        max = fmax(max, value);
    }
    CHECK(count > 0 || !series->samples || series->samples[at] == 0);
    if (count == 0)
        return;
    CHECK_INT(series->samples ? series->samples[at] : 1, count);
    CHECK(fabs(series->mean[at] - sum / (double)count) < 1e-3 * factor * 50000);
    CHECK(!series->min || fabs(series->min[at] - min) < factor / 2);
    CHECK(!series->max || fabs(series->max[at] - max) < factor / 2);
}

static void on_points(void *arg, const struct history_answer *answer) {
    struct checking *checking = arg;
    static struct sample wanted[ROWS_MAX];
    int64_t end_ms = answer->since_ms + (int64_t)answer->points * answer->step_ms;
    size_t count = list_samples(checking, answer->since_ms, end_ms, wanted), at = 0;

    checking->was_answered = true;
    CHECK(answer->since_ms <= checking->since_ms && end_ms >= checking->until_ms);
    CHECK_INT(answer->series_count, count > 0);
    if (count == 0)
        return;
    for (size_t i = 0; i < answer->points; i++) {
        int64_t step_end_ms = answer->since_ms + (int64_t)(i + 1) * answer->step_ms;
        size_t from = at;
        while (at < count && wanted[at].time_ms < step_end_ms)
            at++;
        check_point(&answer->series[0], i, wanted + from, at - from,
                    pow(10, -(double)all_metrics[checking->metric].scale));
    }
    CHECK_INT(at, count);
}

static void check_span(struct model *model, int64_t since_ms, int64_t until_ms) {
    static const int64_t steps_ms[] = { 0, 20000, 60000, 900000, 2 * TESTING_HOUR_MS };
    size_t metric = (size_t)pick(model, METRICS);
    struct checking checking = { model, metric, since_ms, until_ms, false };

    for (size_t i = 0; i < sizeof(steps_ms) / sizeof(steps_ms[0]); i++) {
        size_t points =
            steps_ms[i] == 0 ? 0 : (size_t)((until_ms - since_ms) / steps_ms[i]) + 2;
        model->testing.on_answer = steps_ms[i] == 0 ? on_raw : on_points;
        model->testing.arg = &checking;
        CHECK_INT(history_testing_ask(&model->testing, "pi", all_metrics[metric].name,
                                      since_ms, until_ms, points),
                  0);
        CHECK(checking.was_answered);
    }
}

static void check(struct model *model) {
    int64_t first_ms = TESTING_DAY_MS - 6 * TESTING_HOUR_MS;
    int64_t last_ms = model->clock_ms + TESTING_HOUR_MS;
    uint64_t span_ms = (uint64_t)(last_ms - first_ms);
    int64_t since_ms = first_ms + (int64_t)pick(model, span_ms - 1);
    int64_t until_ms =
        since_ms + 1 + (int64_t)pick(model, (uint64_t)(last_ms - since_ms));

    check_span(model, first_ms, last_ms);
    check_span(model, since_ms, until_ms);
}

/* Rows that were not durable are forgotten, and sent again. */
static void crash(struct model *model) {
    struct history_testing *testing = &model->testing;
    char path[64];
    struct history_cursor durable = history_durable(testing->history, "pi");
    struct history *old = testing->history;
    struct store *old_store = testing->store;

    snprintf(path, sizeof(path), "%s/%d.db", testing->dir, (int)pick(model, 1 << 30));
    auto_(mem_freep) char *command = mem_printf("cp '%s' '%s'; cp '%s-wal' '%s-wal'",
                                                testing->path, path, testing->path, path);
    CHECK_INT(system(command), 0);
    memcpy(testing->path, path, sizeof(path));
    history_testing_open(testing);
    history_free(old);
    store_close(old_store);

    struct history_cursor found = history_durable(testing->history, "pi");
    CHECK_INT(found.epoch, durable.epoch);
    CHECK_INT(found.seq, durable.seq);
    size_t at = model->count;
    while (at > 0 && (model->rows[at - 1].cursor.epoch != durable.epoch ||
                      model->rows[at - 1].cursor.seq != durable.seq))
        at--;
    for (; at < model->count; at++)
        CHECK_INT(send_row(model, &model->rows[at]), 0);
}

static void flush(struct model *model) {
    struct history_testing *testing = &model->testing;
    struct history_cursor taken = history_taken(testing->history, "pi");
    struct history_cursor durable = history_durable(testing->history, "pi");
    if (taken.epoch == durable.epoch && taken.seq == durable.seq)
        return;
    history_testing_watch(testing, "pi");
    history_flush(testing->history);
    loop_run(testing->loop);
    history_unwatch(&testing->watcher);
}

static void restart(struct model *model) {
    history_testing_close(&model->testing);
    history_testing_open(&model->testing);
}

static void run(uint64_t seed) {
    static struct model model;
    static void (*const events[])(struct model *) = { replay, flush,   flush,
                                                      crash,  restart, check };
    model = (struct model) { .random = 88172645463325252u + seed * 7919, .epoch = 1 };
    history_testing_init(&model.testing);
    history_testing_open(&model.testing);
    make_catalogues(&model);
    model.clock_ms = TESTING_DAY_MS;

    for (int turn = 0; turn < 60; turn++) {
        for (uint64_t rows = pick(&model, 120); rows > 0; rows--)
            add_row(&model);
        if (pick(&model, 3) == 0)
            history_testing_compact(&model.testing);
        events[pick(&model, sizeof(events) / sizeof(events[0]))](&model);
    }
    check(&model);
    history_testing_compact(&model.testing);
    check(&model);
    restart(&model);
    check(&model);
    history_catalogue_release(model.catalogues[0]);
    history_catalogue_release(model.catalogues[1]);
    history_testing_done(&model.testing);
}

static void rows_land_exactly_once_in_every_tier(void) {
    for (uint64_t seed = 1; seed <= 12; seed++)
        run(seed);
}

TESTS(TEST(rows_land_exactly_once_in_every_tier))
