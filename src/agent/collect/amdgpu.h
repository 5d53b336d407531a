/*
 * amdgpu - AMD's graphics processors, from the files of their driver
 *
 * A processor that sleeps is left asleep: reading its files would wake it.
 */
#pragma once

#include <stdint.h>

#include "agent/collect/source.h"

struct gpu_reading;

struct amdgpu {
    struct source load, vram_used, vram_total, temp, power, runtime;
};

/* Opens the files of "SYS/class/drm/cardN/device": 0, or -errno when it is no AMD GPU. */
int amdgpu_init(struct amdgpu *gpu, const char *device_path);

void amdgpu_done(struct amdgpu *gpu);

void amdgpu_read(struct amdgpu *gpu, struct gpu_reading *ret_reading);
