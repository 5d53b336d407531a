/*
 * fleet_values - metrics that a fleet makes up
 *
 * Every value follows from seed, epoch, seq and the place of the metric alone, so that
 * anyone can compute what a sample must be: walks, rates that come in bursts, counters,
 * levels that seldom change, and values that are absent at times. All arithmetic is of
 * unsigned 64-bit integers that wrap:
 *
 *   mix(x)      = splitmix64 of x
 *   key         = mix(mix(seed ^ epoch) + place)
 *   noise(x)    = mix(key + x)
 *   walk(range) = between noise(seq / 64) and noise(seq / 64 + 1) of range, in proportion
 *                 to seq % 64, plus noise(seq ^ 2^32) of range / 256
 *
 * where "n of range" is n % range.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "agent/collect/sampler.h"

enum { FLEET_VALUES_MAX = 1000 };

/* The series of a fleet whose agents have count of them; all alike. */
struct fleet_values {
    size_t count;
    struct metric_info *series; /* owned, its names too */
    uint64_t seed;
};

void fleet_values_init(struct fleet_values *values, size_t count, uint64_t seed);
void fleet_values_done(struct fleet_values *values);

/* The values of one sample. */
void fleet_values_fill(const struct fleet_values *values,
                       uint64_t epoch,
                       uint64_t seq,
                       int64_t *ret_values);
