/*
 * speed_rate - how fast bytes come, from what was counted now and then
 *
 * A transfer begins slowly, because TCP feels its way: that ramp is left out of the mean.
 * It ends where the rate first reaches most of what it is later on, and never behind the
 * middle of the transfer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    SPEED_RATE_STEP_US = 100000, /* nearer counts are not kept */
    SPEED_RATE_STEPS_MAX = 700,  /* of the longest transfer and its end */
};

struct speed_rate_point {
    uint64_t at_us;
    uint64_t bytes;
};

/* Zero it. */
struct speed_rate {
    struct speed_rate_point points[SPEED_RATE_STEPS_MAX];
    size_t count;
    struct speed_rate_point last; /* counted, kept or not */
};

/* At that time, so many bytes had come in all. Both never go back. */
void speed_rate_add(struct speed_rate *rate, uint64_t at_us, uint64_t bytes);

/* Bits a second of late (half a second). */
double speed_rate_now(const struct speed_rate *rate);

/* Bits a second without the ramp. */
double speed_rate_mean(const struct speed_rate *rate);
