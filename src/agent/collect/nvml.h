/*
 * nvml - NVIDIA's processors, by its management library
 *
 * The library is loaded when asked for and comes with the driver. Its few types that we
 * need are written down here again, so that nothing of NVIDIA's is needed to build.
 */
#pragma once

#include <stddef.h>

struct gpu_reading;
struct nvml;

/* Loads and starts the library: 0 or -errno (-ENOENT, -ENOSYS, -ENODEV). */
int nvml_open(const char *path, struct nvml **ret_nvml);

/* Stops and unloads; NULL is fine. Always returns NULL. */
struct nvml *nvml_free(struct nvml *nvml);

size_t nvml_count(const struct nvml *nvml);

void nvml_read(struct nvml *nvml, size_t place, struct gpu_reading *ret_reading);
