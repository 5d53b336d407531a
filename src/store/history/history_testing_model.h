/*
 * history_testing_model - random rows of one node, and what a history should say of them
 *
 * Rows are late and replayed, of several epochs and catalogues. The model is a plain list
 * of them; checks ask the history for each tier and compare.
 */
#pragma once

#include "store/history/history_testing.h"
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
    bool is_merged;
    bool waits_for_merge;
};

/* Places in all_metrics of what the catalogues have. */
static const size_t places[2][3] = { { 0, 1, 2 }, { 3, 1, 4 } };

static inline uint64_t model_pick(struct model *model, uint64_t below) {
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random % below;
}

static inline void model_init(struct model *model) {
    for (size_t i = 0; i < 2; i++) {
        struct history_metric metrics[3];
        for (size_t j = 0; j < 3; j++)
            metrics[j] = all_metrics[places[i][j]];
        model->catalogues[i] = history_catalogue_new(metrics, 3, 5000);
    }
}

static inline int model_send(struct model *model, const struct row *row) {
    /* The catalogue is told by what a row has. */
    size_t which = row->cursor.seq / 100 % 2;
    int64_t values[3];
    for (size_t i = 0; i < 3; i++)
        values[i] = row->values[places[which][i]];
    return history_append(model->testing.history, "pi", row->cursor, row->time_ms,
                          model->catalogues[which], values);
}

static inline void model_make_row(struct model *model, struct row *row) {
    size_t which = model->seq / 100 % 2;

    row->cursor = (struct history_cursor) { model->epoch, model->seq };
    row->time_ms = model->clock_ms + (int64_t)model_pick(model, 400) - 200;
    if (model_pick(model, 50) == 0)
        row->time_ms -= (int64_t)model_pick(model, 5 * TESTING_HOUR_MS);
    for (size_t i = 0; i < METRICS; i++)
        row->values[i] = SAMPLE_ABSENT;
    for (size_t i = 0; i < 3; i++)
        if (model_pick(model, 10) > 0)
            row->values[places[which][i]] = (int64_t)model_pick(model, 100000) - 50000;
}

static inline void model_add(struct model *model) {
    if (model->count == ROWS_MAX)
        return;
    struct row *row = &model->rows[model->count];

    if (model_pick(model, 300) == 0) {
        model->epoch = 1 + model_pick(model, 1u << 30);
        model->seq = 0;
    }
    model->seq++;
    model->clock_ms += model_pick(model, 200) == 0
                           ? (int64_t)model_pick(model, 3 * TESTING_HOUR_MS)
                           : 5000;
    model_make_row(model, row);
    CHECK_INT(model_send(model, row), 0);
    model->count++;
    model->testing.now_ms = model->clock_ms;
}

/* What was taken before is known, whichever it is. */
static inline void model_replay(struct model *model) {
    if (model->count == 0)
        return;
    size_t from =
        model->count - 1 - model_pick(model, model->count < 50 ? model->count : 50);
    for (size_t i = from; i < model->count; i++)
        CHECK_INT(model_send(model, &model->rows[i]), HISTORY_E_KNOWN);
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

static inline int model_compare(const void *a, const void *b) {
    const struct sample *left = a, *right = b;
    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return (left->value > right->value) - (left->value < right->value);
}

/* The samples of the metric within the time, by time and value. */
static inline size_t model_list(const struct checking *checking,
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
    qsort(samples, count, sizeof(*samples), model_compare);
    return count;
}

static inline void model_on_raw(void *arg, const struct history_answer *answer) {
    struct checking *checking = arg;
    static struct sample wanted[ROWS_MAX], got[ROWS_MAX];
    size_t count = model_list(checking, checking->since_ms, checking->until_ms, wanted);
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
    qsort(got, count, sizeof(*got), model_compare);
    CHECK_INT(memcmp(got, wanted, count * sizeof(*got)), 0);
}

static inline void model_check_point(const struct history_series *series,
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

static inline void model_on_points(void *arg, const struct history_answer *answer) {
    struct checking *checking = arg;
    static struct sample wanted[ROWS_MAX];
    int64_t end_ms = answer->since_ms + (int64_t)answer->points * answer->step_ms;
    size_t count = model_list(checking, answer->since_ms, end_ms, wanted), at = 0;

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
        model_check_point(&answer->series[0], i, wanted + from, at - from,
                          pow(10, -(double)all_metrics[checking->metric].scale));
    }
    CHECK_INT(at, count);
}

static inline void model_check_span(struct model *model,
                                    int64_t since_ms,
                                    int64_t until_ms) {
    static const int64_t steps_ms[] = { 0, 20000, 60000, 900000, 2 * TESTING_HOUR_MS };
    size_t metric = (size_t)model_pick(model, METRICS);
    struct checking checking = { model, metric, since_ms, until_ms, false };

    for (size_t i = 0; i < sizeof(steps_ms) / sizeof(steps_ms[0]); i++) {
        size_t points =
            steps_ms[i] == 0 ? 0 : (size_t)((until_ms - since_ms) / steps_ms[i]) + 2;
        model->testing.on_answer = steps_ms[i] == 0 ? model_on_raw : model_on_points;
        model->testing.arg = &checking;
        CHECK_INT(history_testing_ask(&model->testing, "pi", all_metrics[metric].name,
                                      since_ms, until_ms, points),
                  0);
        CHECK(checking.was_answered);
    }
}

static inline void model_check(struct model *model) {
    int64_t first_ms = TESTING_DAY_MS - 6 * TESTING_HOUR_MS;
    int64_t last_ms = model->clock_ms + TESTING_HOUR_MS;
    uint64_t span_ms = (uint64_t)(last_ms - first_ms);
    int64_t since_ms = first_ms + (int64_t)model_pick(model, span_ms - 1);
    int64_t until_ms =
        since_ms + 1 + (int64_t)model_pick(model, (uint64_t)(last_ms - since_ms));

    model_check_span(model, first_ms, last_ms);
    model_check_span(model, since_ms, until_ms);
}

static inline void model_flush(struct model *model) {
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
