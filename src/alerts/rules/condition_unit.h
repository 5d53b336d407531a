/*
 * condition_unit - units as people write them
 *
 * "GiB", "Mbit/s", "C" and their like against the units of the table of metrics: what a
 * number in one is in the other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct condition_unit {
    const char *text;
    const char *unit; /* as base/metric.h has it */
    double factor;
};

/* What one of the unit typed is in the metric's: false when they do not fit. An empty
 * unit is the metric's own; of a metric that is unknown (NULL) any is its own. */
bool condition_unit_factor(const char *typed, const char *unit, double *ret_factor);

/* The same of a change a second: "%/h", "MiB/s". */
bool condition_unit_rate(const char *typed, const char *unit, double *ret_factor);

/* Is this a word for a unit of time ("min"), and how long is it? */
bool condition_unit_time(const char *word, uint64_t *ret_ms);
