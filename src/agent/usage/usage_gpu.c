#include "agent/usage/usage_gpu.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/nvml.h"
#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_users.h"
#include "base/clock.h"
#include "base/mem.h"
#include "roost/v1/usage.pb-c.h"
#include "rpc/invocation.h"
#include "wire/utf8.h"

enum { PROCESSES_MAX = 256 }; /* of one GPU */

#define NVML_LIBRARY "libnvidia-ml.so.1"

struct usage_gpu {
    struct nvml_process process;
    size_t place;
    char *name; /* owned; "" when it has gone */
    char *user; /* owned; likewise */
};

static void add(struct usage_gpus *gpus,
                const struct proc_host *host,
                size_t place,
                const struct nvml_process *process) {
    struct proc_stat stat;
    uint32_t uid;
    bool is_there = host && proc_host_stat(host, process->pid, &stat);
    bool has_uid = host && proc_host_uid(host, process->pid, &uid);

    gpus->items = mem_grow(gpus->items, (gpus->count + 1) * sizeof(*gpus->items));
    gpus->items[gpus->count++] = (struct usage_gpu) {
        .process = *process,
        .place = place,
        .name = mem_strdup(is_there ? stat.name : ""),
        .user = mem_strdup(has_uid ? proc_users_name(host->users, uid) : ""),
    };
}

static int by_memory(const void *a, const void *b) {
    const struct usage_gpu *one = a, *other = b;

    if (one->place != other->place)
        return one->place < other->place ? -1 : 1;
    if (one->process.memory_bytes != other->process.memory_bytes)
        return one->process.memory_bytes > other->process.memory_bytes ? -1 : 1;
    return one->process.pid < other->process.pid ? -1 : 1;
}

void usage_gpu_read(struct usage_gpus *gpus, const char *library, const char *root) {
    struct nvml_process processes[PROCESSES_MAX];
    struct proc_host *host = NULL;
    struct nvml *nvml;

    if (nvml_open(library ? library : NVML_LIBRARY, &nvml) < 0)
        return;
    if (proc_host_open(root, &host) == 0)
        proc_host_refresh(host);
    for (size_t place = 0; place < nvml_count(nvml); place++) {
        size_t count = nvml_processes(nvml, place, (uint64_t)clock_wall_ns() / 1000,
                                      processes, PROCESSES_MAX);
        for (size_t i = 0; i < count; i++)
            add(gpus, host, place, &processes[i]);
    }
    if (gpus->count > 0)
        qsort(gpus->items, gpus->count, sizeof(*gpus->items), by_memory);
    proc_host_free(host);
    nvml_free(nvml);
}

static void fill(Roost__V1__GpuProcess *out, const struct usage_gpu *gpu) {
    char *none = "";

    roost__v1__gpu_process__init(out);
    out->gpu = mem_printf("gpu%zu", gpu->place);
    out->pid = gpu->process.pid;
    out->name = utf8_is_valid(slice_of_text(gpu->name)) ? gpu->name : none;
    out->user = utf8_is_valid(slice_of_text(gpu->user)) ? gpu->user : none;
    out->memory_bytes = gpu->process.memory_bytes;
    if (!gpu->process.has_percent)
        return;
    out->gpu_percent_known_case = ROOST__V1__GPU_PROCESS__GPU_PERCENT_KNOWN_GPU_PERCENT;
    out->gpu_percent = gpu->process.percent;
}

void usage_gpu_reply(const struct usage_gpus *gpus, struct invocation *invocation) {
    Roost__V1__GpuUsageResponse response = ROOST__V1__GPU_USAGE_RESPONSE__INIT;
    Roost__V1__GpuProcess *items = mem_new_array(gpus->count + 1, sizeof(*items));
    Roost__V1__GpuProcess **pointers = mem_new_array(gpus->count + 1, sizeof(*pointers));

    response.processes = pointers;
    response.n_processes = gpus->count;
    for (size_t i = 0; i < gpus->count; i++) {
        fill(&items[i], &gpus->items[i]);
        pointers[i] = &items[i];
    }
    invocation_reply(invocation, &response.base);
    for (size_t i = 0; i < gpus->count; i++)
        free(items[i].gpu);
    free(items);
    free(pointers);
}

void usage_gpu_done(struct usage_gpus *gpus) {
    for (size_t i = 0; i < gpus->count; i++) {
        free(gpus->items[i].name);
        free(gpus->items[i].user);
    }
    free(gpus->items);
    *gpus = (struct usage_gpus) { 0 };
}
