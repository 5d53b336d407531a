/*
 * forecast - when a series will come to a level, if it goes on like this
 *
 * The slope is the median of the slopes between pairs of points (Theil and Sen), so that
 * single outliers mean nothing. A step (files that were deleted, a disk that was
 * enlarged) is no trend: what lies before the last large one is not looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FORECAST_SPAN_MS = 3600000 }; /* less says nothing of days */

struct forecast {
    double slope; /* a millisecond */
    double now;   /* the level at the last point, without its noise */
};

/* Times rising. False: there is too little to say. */
bool forecast_make(const int64_t *times_ms,
                   const double *values,
                   size_t count,
                   struct forecast *ret_forecast);

/* Milliseconds until the level is reached: 0 when it is there already; INFINITY: never.
 */
double forecast_reach(const struct forecast *forecast, double level);
