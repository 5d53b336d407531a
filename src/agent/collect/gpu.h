/*
 * gpu - what the makers' back ends tell of one graphics processor
 */
#pragma once

#include <stdint.h>

/* At the scales of base/metric.h; SAMPLER_ABSENT where it is not told. */
struct gpu_reading {
    int64_t load, vram_used, vram_total, temp, power;
};
