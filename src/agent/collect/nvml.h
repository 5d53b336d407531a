/*
 * nvml - NVIDIA's processors, by its management library
 *
 * The library is loaded when asked for and comes with the driver. Its few types that we
 * need are written down here again, so that nothing of NVIDIA's is needed to build.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpu_reading;
struct nvml;

/* Loads and starts the library: 0 or -errno (-ENOENT, -ENOSYS, -ENODEV). */
int nvml_open(const char *path, struct nvml **ret_nvml);

/* Stops and unloads; NULL is fine. Always returns NULL. */
struct nvml *nvml_free(struct nvml *nvml);

size_t nvml_count(const struct nvml *nvml);

void nvml_read(struct nvml *nvml, size_t place, struct gpu_reading *ret_reading);

/* A process that uses a processor. */
struct nvml_process {
    unsigned pid;
    uint64_t memory_bytes; /* 0: not known */
    unsigned percent;      /* of the processor, when has_percent */
    bool has_percent;
};

/* Writes at most cap of them and returns how many; drivers before 2021 name none. now_us:
 * wall time, for what was used lately. */
size_t nvml_processes(struct nvml *nvml,
                      size_t place,
                      uint64_t now_us,
                      struct nvml_process *processes,
                      size_t cap);
