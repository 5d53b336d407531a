#include "store/history/question/history_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/history/history.h"

/* Samples that are further apart than this many quarters of the usual have a gap between
 * them. */
enum { GAP_QUARTERS = 7, INTERVAL_UNKNOWN_MS = 60000 };

void history_curve_init(struct history_curve *curve,
                        const struct history_grid *grid,
                        const char *metric,
                        const char *unit) {
    *curve = (struct history_curve) {
        .grid = grid,
        .metric = mem_strdup(metric),
        .unit = mem_strdup(unit),
    };
}

void history_curve_done(struct history_curve *curve) {
    free(curve->metric);
    free(curve->unit);
    free(curve->sum);
    free(curve->min);
    free(curve->max);
    free(curve->samples);
    free(curve->first_ms);
    free(curve->last_ms);
    free(curve->times_ms);
    *curve = (struct history_curve) { 0 };
}

static void make_points(struct history_curve *curve) {
    size_t points = curve->grid->points;

    curve->is_touched = true;
    curve->sum = mem_new_array(points, sizeof(*curve->sum));
    curve->min = mem_new_array(points, sizeof(*curve->min));
    curve->max = mem_new_array(points, sizeof(*curve->max));
    curve->samples = mem_new_array(points, sizeof(*curve->samples));
    curve->first_ms = mem_new_array(points, sizeof(*curve->first_ms));
    curve->last_ms = mem_new_array(points, sizeof(*curve->last_ms));
}

static void keep_sample(struct history_curve *curve, int64_t time_ms, double value) {
    if (curve->count == curve->cap) {
        curve->cap = curve->cap ? 2 * curve->cap : 256;
        curve->times_ms =
            mem_grow(curve->times_ms, curve->cap * sizeof(*curve->times_ms));
        curve->sum = mem_grow(curve->sum, curve->cap * sizeof(*curve->sum));
    }
    curve->is_touched = true;
    curve->times_ms[curve->count] = time_ms;
    curve->sum[curve->count++] = value;
}

static void add_to_point(struct history_curve *curve,
                         size_t point,
                         int64_t first_ms,
                         int64_t last_ms,
                         const double bounds[static 2],
                         double sum,
                         uint32_t samples) {
    if (!curve->is_touched)
        make_points(curve);
    if (curve->samples[point] == 0) {
        curve->min[point] = bounds[0];
        curve->max[point] = bounds[1];
        curve->first_ms[point] = first_ms;
        curve->last_ms[point] = last_ms;
    } else {
        curve->min[point] = fmin(curve->min[point], bounds[0]);
        curve->max[point] = fmax(curve->max[point], bounds[1]);
        if (first_ms < curve->first_ms[point])
            curve->first_ms[point] = first_ms;
        if (last_ms > curve->last_ms[point])
            curve->last_ms[point] = last_ms;
    }
    curve->sum[point] += sum;
    curve->samples[point] += samples;
}

void history_curve_add(struct history_curve *curve, int64_t time_ms, double value) {
    const struct history_grid *grid = curve->grid;

    if (time_ms < grid->since_ms || time_ms >= grid->until_ms)
        return;
    if (grid->step_ms == 0)
        keep_sample(curve, time_ms, value);
    else
        add_to_point(curve, (size_t)((time_ms - grid->since_ms) / grid->step_ms), time_ms,
                     time_ms, (double[2]) { value, value }, value, 1);
}

void history_curve_add_bucket(struct history_curve *curve,
                              int64_t time_ms,
                              int64_t step_ms,
                              const struct tier_bucket *bucket,
                              double factor) {
    const struct history_grid *grid = curve->grid;
    const double bounds[2] = { (double)bucket->min * factor,
                               (double)bucket->max * factor };
    double mean = bucket->mean * factor;

    if (bucket->count == 0 || grid->step_ms == 0)
        return;
    /* A bucket that is longer than a point stands for each point in it. */
    int64_t parts = (step_ms + grid->step_ms - 1) / grid->step_ms;
    uint32_t share = (uint32_t)(bucket->count / parts);
    share = share == 0 ? 1 : share;
    for (int64_t part = 0; part < parts; part++) {
        int64_t at_ms = time_ms + part * grid->step_ms;
        if (at_ms >= grid->since_ms && at_ms < grid->until_ms)
            add_to_point(curve, (size_t)((at_ms - grid->since_ms) / grid->step_ms), at_ms,
                         at_ms, bounds, mean * share, share);
    }
}

/* Fills the points between two that have samples with the value of the first. */
static void bridge(struct history_curve *curve, size_t from, size_t to, int64_t near_ms) {
    if (curve->first_ms[to] - curve->last_ms[from] > near_ms)
        return;
    for (size_t i = from + 1; i < to; i++)
        curve->sum[i] = curve->min[i] = curve->max[i] = curve->sum[from];
}

/* Turns sums into means; a point without samples is a gap unless it is bridged. */
static bool make_means(struct history_curve *curve, int64_t near_ms) {
    size_t before = SIZE_MAX;
    bool has_many = false;

    for (size_t i = 0; i < curve->grid->points; i++) {
        if (curve->samples[i] == 0) {
            curve->sum[i] = curve->min[i] = curve->max[i] = NAN;
            continue;
        }
        has_many = has_many || curve->samples[i] > 1;
        curve->sum[i] /= curve->samples[i];
        if (before != SIZE_MAX && before + 1 < i)
            bridge(curve, before, i, near_ms);
        before = i;
    }
    return has_many;
}

struct sample {
    int64_t time_ms;
    size_t place; /* keeps the order of equal times */
    double value;
};

static int compare_samples(const void *a, const void *b) {
    const struct sample *left = a, *right = b;
    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

static void sort_samples(struct history_curve *curve) {
    size_t at = 1;
    while (at < curve->count && curve->times_ms[at - 1] <= curve->times_ms[at])
        at++;
    if (at >= curve->count)
        return;
    struct sample *samples = mem_new_array(curve->count, sizeof(*samples));
    for (size_t i = 0; i < curve->count; i++)
        samples[i] = (struct sample) { curve->times_ms[i], i, curve->sum[i] };
    qsort(samples, curve->count, sizeof(*samples), compare_samples);
    for (size_t i = 0; i < curve->count; i++) {
        curve->times_ms[i] = samples[i].time_ms;
        curve->sum[i] = samples[i].value;
    }
    free(samples);
}

void history_curve_finish(struct history_curve *curve,
                          int64_t slack_ms,
                          struct history_series *ret_series) {
    uint32_t interval_ms = curve->interval_ms ? curve->interval_ms : INTERVAL_UNKNOWN_MS;
    bool is_grid = curve->grid->step_ms > 0, has_many = false;

    if (is_grid)
        has_many = make_means(curve, (int64_t)interval_ms * GAP_QUARTERS / 4 + slack_ms);
    else
        sort_samples(curve);
    ret_series->metric = TAKE(curve->metric);
    ret_series->unit = TAKE(curve->unit);
    ret_series->scale = curve->scale;
    ret_series->interval_ms = interval_ms;
    ret_series->mean = TAKE(curve->sum);
    ret_series->min = has_many ? TAKE(curve->min) : NULL;
    ret_series->max = has_many ? TAKE(curve->max) : NULL;
    ret_series->samples = has_many ? TAKE(curve->samples) : NULL;
    ret_series->times_ms = TAKE(curve->times_ms);
    ret_series->count = is_grid ? curve->grid->points : curve->count;
    history_curve_done(curve);
}
