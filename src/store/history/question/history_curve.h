/*
 * history_curve - the points of one answered series, as they are gathered
 *
 * Samples and buckets come in any order and land in the point of their time; or, when
 * every sample was asked for, are kept as they are. Pure arithmetic.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/tier.h"

struct history_series;

/* What all curves of an answer share. */
struct history_grid {
    int64_t since_ms;
    int64_t until_ms; /* exclusive; since_ms + points * step_ms */
    int64_t step_ms;  /* 0: every sample as it is */
    size_t points;
};

struct history_curve {
    const struct history_grid *grid; /* borrowed: the question's */
    char *metric;                    /* owned */
    char *unit;                      /* owned */
    unsigned scale;
    uint32_t interval_ms;
    bool is_touched; /* anything came at all */

    double *sum; /* owned, as all arrays; of grid->points elements */
    double *min;
    double *max;
    uint32_t *samples;
    int64_t *first_ms; /* of the samples of a point */
    int64_t *last_ms;

    int64_t *times_ms; /* without steps: count elements, and their values in sum */
    size_t count;
    size_t cap;
};

void history_curve_init(struct history_curve *curve,
                        const struct history_grid *grid,
                        const char *metric,
                        const char *unit);
void history_curve_done(struct history_curve *curve);

void history_curve_add(struct history_curve *curve, int64_t time_ms, double value);

/* A bucket that begins at the time and is step_ms long; all in the series' integers, of
 * which factor makes the unit. */
void history_curve_add_bucket(struct history_curve *curve,
                              int64_t time_ms,
                              int64_t step_ms,
                              const struct tier_bucket *bucket,
                              double factor);

/*
 * Makes means of sums, closes what is no gap (samples not further apart than usual plus
 * slack_ms) and hands the arrays over.
 */
void history_curve_finish(struct history_curve *curve,
                          int64_t slack_ms,
                          struct history_series *ret_series);
