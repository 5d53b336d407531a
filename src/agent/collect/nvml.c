#include "agent/collect/nvml.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collector.h"
#include "agent/collect/gpu.h"
#include "base/mem.h"

enum {
    DEVICES_MAX = 32,
    SENSOR_GPU = 0,
    PROCESSES_MAX = 256,
    SAMPLES_US = 1000000, /* the driver keeps some a second for each process */
};

/* nvmlUtilization_t, in percent. */
struct utilization {
    unsigned gpu, memory;
};

/* nvmlMemory_t, in bytes. */
struct memory_info {
    unsigned long long total, free, used;
};

/* nvmlProcessInfo_t of the second and third version. */
struct process_info {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu_instance, compute_instance;
};

/* nvmlProcessUtilizationSample_t, in percent. */
struct process_sample {
    unsigned pid;
    unsigned long long time_us;
    unsigned load, memory, encoder, decoder;
};

/* Each answers 0 when it went well. */
struct calls {
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *ret_count);
    int (*handle)(unsigned place, void **ret_device);
    int (*load)(void *device, struct utilization *ret_load);
    int (*memory)(void *device, struct memory_info *ret_memory);
    int (*temperature)(void *device, int sensor, unsigned *ret_celsius);
    int (*power)(void *device, unsigned *ret_milliwatt);

    /* NULL: the driver is too old for them. */
    int (*computing)(void *device, unsigned *count, struct process_info *processes);
    int (*drawing)(void *device, unsigned *count, struct process_info *processes);
    int (*samples)(void *device,
                   struct process_sample *samples,
                   unsigned *count,
                   unsigned long long since_us);
};

static const struct {
    const char *name;
    size_t at;
} symbols[] = {
    { "nvmlInit_v2", offsetof(struct calls, init) },
    { "nvmlShutdown", offsetof(struct calls, shutdown) },
    { "nvmlDeviceGetCount_v2", offsetof(struct calls, count) },
    { "nvmlDeviceGetHandleByIndex_v2", offsetof(struct calls, handle) },
    { "nvmlDeviceGetUtilizationRates", offsetof(struct calls, load) },
    { "nvmlDeviceGetMemoryInfo", offsetof(struct calls, memory) },
    { "nvmlDeviceGetTemperature", offsetof(struct calls, temperature) },
    { "nvmlDeviceGetPowerUsage", offsetof(struct calls, power) },
    { "nvmlDeviceGetComputeRunningProcesses_v2", offsetof(struct calls, computing) },
    { "nvmlDeviceGetComputeRunningProcesses_v3", offsetof(struct calls, computing) },
    { "nvmlDeviceGetGraphicsRunningProcesses_v2", offsetof(struct calls, drawing) },
    { "nvmlDeviceGetGraphicsRunningProcesses_v3", offsetof(struct calls, drawing) },
    { "nvmlDeviceGetProcessUtilization", offsetof(struct calls, samples) },
};

struct nvml {
    void *library; /* owned */
    struct calls calls;
    void *devices[DEVICES_MAX]; /* borrowed: the library's */
    size_t count;
};

static int find_calls(struct nvml *nvml) {
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *symbol = dlsym(nvml->library, symbols[i].name);
        if (!symbol && symbols[i].at >= offsetof(struct calls, computing))
            continue;
        if (!symbol)
            return -ENOSYS;
        memcpy((char *)&nvml->calls + symbols[i].at, &symbol, sizeof(symbol));
    }
    return 0;
}

static void find_devices(struct nvml *nvml) {
    unsigned count = 0;

    if (nvml->calls.count(&count) != 0)
        return;
    for (unsigned i = 0; i < count && nvml->count < DEVICES_MAX; i++)
        if (nvml->calls.handle(i, &nvml->devices[nvml->count]) == 0)
            nvml->count++;
}

int nvml_open(const char *path, struct nvml **ret_nvml) {
    void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (!library)
        return -ENOENT;

    struct nvml *nvml = mem_new(sizeof(*nvml));
    nvml->library = library;
    int r = find_calls(nvml);
    if (r == 0 && nvml->calls.init() != 0)
        r = -ENODEV;
    if (r < 0) {
        dlclose(library);
        free(nvml);
        return r;
    }
    find_devices(nvml);
    *ret_nvml = nvml;
    return 0;
}

struct nvml *nvml_free(struct nvml *nvml) {
    if (!nvml)
        return NULL;
    nvml->calls.shutdown();
    dlclose(nvml->library);
    free(nvml);
    return NULL;
}

size_t nvml_count(const struct nvml *nvml) {
    return nvml->count;
}

void nvml_read(struct nvml *nvml, size_t place, struct gpu_reading *ret_reading) {
    void *device = nvml->devices[place];
    struct utilization load;
    struct memory_info memory;
    unsigned celsius, milliwatt;

    *ret_reading = (struct gpu_reading) { SAMPLER_ABSENT, SAMPLER_ABSENT, SAMPLER_ABSENT,
                                          SAMPLER_ABSENT, SAMPLER_ABSENT };
    if (nvml->calls.load(device, &load) == 0 && load.gpu <= 100)
        ret_reading->load = load.gpu * 10;
    if (nvml->calls.memory(device, &memory) == 0) {
        ret_reading->vram_used = (int64_t)memory.used;
        ret_reading->vram_total = (int64_t)memory.total;
    }
    if (nvml->calls.temperature(device, SENSOR_GPU, &celsius) == 0 && celsius < 1000)
        ret_reading->temp = celsius * 10;
    if (nvml->calls.power(device, &milliwatt) == 0)
        ret_reading->power = (milliwatt + 50) / 100;
}

/* Adds those that are not there yet: a process may both compute and draw. */
static size_t add_processes(const struct process_info *found,
                            unsigned count,
                            struct nvml_process *processes,
                            size_t used,
                            size_t cap) {
    for (unsigned i = 0; i < count && used < cap; i++) {
        size_t at = 0;
        while (at < used && processes[at].pid != found[i].pid)
            at++;
        if (at < used)
            continue;
        bool is_known = found[i].memory != UINT64_MAX; /* NVML_VALUE_NOT_AVAILABLE */
        processes[used++] = (struct nvml_process) {
            .pid = found[i].pid,
            .memory_bytes = is_known ? found[i].memory : 0,
        };
    }
    return used;
}

/* The newest sample of each process counts. */
static void add_samples(const struct process_sample *samples,
                        unsigned count,
                        struct nvml_process *process) {
    unsigned long long newest_us = 0;

    for (unsigned i = 0; i < count; i++) {
        if (samples[i].pid != process->pid || samples[i].time_us < newest_us ||
            samples[i].load > 100)
            continue;
        newest_us = samples[i].time_us;
        process->percent = samples[i].load;
        process->has_percent = true;
    }
}

size_t nvml_processes(struct nvml *nvml,
                      size_t place,
                      uint64_t now_us,
                      struct nvml_process *processes,
                      size_t cap) {
    int (*const lists[])(void *, unsigned *, struct process_info *) = {
        nvml->calls.computing,
        nvml->calls.drawing,
    };
    struct process_info *found = mem_new_array(PROCESSES_MAX, sizeof(*found));
    struct process_sample *samples = mem_new_array(PROCESSES_MAX, sizeof(*samples));
    void *device = nvml->devices[place];
    size_t used = 0;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        unsigned count = PROCESSES_MAX;
        if (lists[i] && lists[i](device, &count, found) == 0 && count <= PROCESSES_MAX)
            used = add_processes(found, count, processes, used, cap);
    }
    unsigned count = PROCESSES_MAX;
    if (nvml->calls.samples &&
        nvml->calls.samples(device, samples, &count, now_us - SAMPLES_US) == 0 &&
        count <= PROCESSES_MAX)
        for (size_t i = 0; i < used; i++)
            add_samples(samples, count, &processes[i]);
    free(samples);
    free(found);
    return used;
}
