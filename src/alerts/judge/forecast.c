#include "alerts/judge/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    POINTS_MAX = 120, /* that are paired: 7,140 slopes */
    POINTS_MIN = 20,
    NEIGHBOURS = 5,
    STEP_TIMES = 12,         /* a change so many times the usual one is a step */
    PASSED_MS = 6 * 3600000, /* what was passed within this was passed by this trend */
};

static int by_value(const void *a, const void *b) {
    const double *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* Of values that are put in order. */
static double median(double *values, size_t count) {
    qsort(values, count, sizeof(*values), by_value);
    return count % 2 ? values[count / 2]
                     : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double spread(const double *values, size_t count) {
    double least = values[0], most = values[0];

    for (size_t i = 1; i < count; i++) {
        least = fmin(least, values[i]);
        most = fmax(most, values[i]);
    }
    return most - least;
}

/* Of a few neighbours, so that an outlier is none of it. */
static double level_at(const double *values) {
    double few[NEIGHBOURS];

    memcpy(few, values, sizeof(few));
    return median(few, NEIGHBOURS);
}

/* What neighbours usually change by, and the least change that there is: what is rounded
 * goes by steps as well. */
static double usual_change(const double *values, size_t count, double *ret_least) {
    double *changes = mem_new_array(count, sizeof(*changes));
    double sum = 0;

    *ret_least = INFINITY;
    for (size_t i = 1; i < count; i++) {
        double change = fabs(values[i] - values[i - 1]);
        changes[i - 1] = change;
        sum += change;
        if (change > 0)
            *ret_least = fmin(*ret_least, change);
    }
    double usual = fmax(median(changes, count - 1), sum / (double)(count - 1) / 4);
    free(changes);
    return usual;
}

/*
 * Where the last step ended: the level behind it differs from the one before by many
 * times what neighbours usually change by, and by a good part of all that was seen.
 */
static size_t behind_step(const double *values, size_t count) {
    double least;
    double usual = usual_change(values, count, &least);
    double *levels = mem_new_array(count, sizeof(*levels));
    size_t places = count - NEIGHBOURS + 1;
    size_t from = 0;

    for (size_t i = 0; i < places; i++)
        levels[i] = level_at(values + i);
    double range = spread(levels, places);
    for (size_t i = NEIGHBOURS; i < places; i++) {
        double change = fabs(levels[i] - levels[i - NEIGHBOURS]);
        if (change > usual * STEP_TIMES && change > range / 4 && change > least * 3)
            from = i;
    }
    free(levels);
    return from;
}

/* One of so many points, so that the pairs stay few. */
static size_t thin(const int64_t *times_ms,
                   const double *values,
                   size_t count,
                   int64_t *ret_times,
                   double *ret_values) {
    size_t every = (count + POINTS_MAX - 1) / POINTS_MAX;
    size_t kept = 0;

    for (size_t i = (count - 1) % every; i < count; i += every) {
        ret_times[kept] = times_ms[i];
        ret_values[kept++] = values[i];
    }
    return kept;
}

static double median_slope(const int64_t *times_ms, const double *values, size_t count) {
    double *slopes = mem_new_array(count * count / 2 + 1, sizeof(*slopes));
    size_t pairs = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (times_ms[j] > times_ms[i])
                slopes[pairs++] =
                    (values[j] - values[i]) / (double)(times_ms[j] - times_ms[i]);
    double slope = pairs > 0 ? median(slopes, pairs) : 0;
    free(slopes);
    return slope;
}

bool forecast_make(const int64_t *times_ms,
                   const double *values,
                   size_t count,
                   struct forecast *ret_forecast) {
    int64_t times[POINTS_MAX + 1] = { 0 };
    double kept[POINTS_MAX + 1] = { 0 };
    double levels[POINTS_MAX + 1];

    if (count < POINTS_MIN)
        return false;
    size_t from = behind_step(values, count);
    if (count - from < POINTS_MIN ||
        times_ms[count - 1] - times_ms[from] < FORECAST_SPAN_MS)
        return false;
    size_t points = thin(times_ms + from, values + from, count - from, times, kept);
    double slope = median_slope(times, kept, points);
    int64_t last_ms = times[points - 1];
    for (size_t i = 0; i < points; i++)
        levels[i] = kept[i] + slope * (double)(last_ms - times[i]);
    ret_forecast->slope = slope;
    ret_forecast->now = median(levels, points);
    return true;
}

double forecast_reach(const struct forecast *forecast, double level) {
    double away = level - forecast->now;
    double slope = forecast->slope;

    if (away == 0)
        return 0;
    if (slope == 0)
        return INFINITY;
    if ((away > 0) == (slope > 0))
        return away / slope;
    /* Is it there already, and came from the other side not long ago? */
    return fabs(away) <= fabs(slope) * PASSED_MS ? 0 : INFINITY;
}
