/*
 * Load, memory, heat and power of graphics processors, one by one and together. NVIDIA's
 * library is loaded only where its driver is, because it is big.
 */
#include "agent/collect/gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/amdgpu.h"
#include "agent/collect/collector.h"
#include "agent/collect/folder.h"
#include "agent/collect/nvml.h"
#include "base/mem.h"

enum { AMD_MAX = 8 };

enum { LOAD, VRAM, VRAM_USED, VRAM_TOTAL, TEMP, POWER, FIGURES };

static const char *const names[FIGURES] = {
    [LOAD] = "gpu",
    [VRAM] = "vram",
    [VRAM_USED] = "vram.used",
    [VRAM_TOTAL] = "vram.total",
    [TEMP] = "temp.gpu",
    [POWER] = "gpu.power",
};

struct gpus {
    struct nvml *nvml; /* owned; NULL: not there */
    struct amdgpu amd[AMD_MAX];
    size_t amd_count;
    uint64_t cards;         /* fingerprint of the names in /sys/class/drm */
    int (*places)[FIGURES]; /* owned; a row each, the sums in the first */
    bool has[FIGURES];
};

static void *gpus_new(const struct sampling *sampling) {
    return mem_new(sizeof(struct gpus));
}

static void close_amd(struct gpus *gpus) {
    for (size_t i = 0; i < gpus->amd_count; i++)
        amdgpu_done(&gpus->amd[i]);
    gpus->amd_count = 0;
}

static void gpus_free(void *self) {
    struct gpus *gpus = self;
    nvml_free(gpus->nvml);
    close_amd(gpus);
    free(gpus->places);
    free(gpus);
}

static size_t nvidia_count(const struct gpus *gpus) {
    return gpus->nvml ? nvml_count(gpus->nvml) : 0;
}

/* Of a library that the configuration names, nobody asks whether the driver is there. */
static bool has_driver(const struct sampling *sampling) {
    if (sampling->config.nvml_path)
        return true;
    char *path = collector_proc_path(sampling, "driver/nvidia/version");
    bool is_there = access(path, F_OK) == 0;
    free(path);
    return is_there;
}

static bool scan_nvidia(struct gpus *gpus, const struct sampling *sampling) {
    const char *path = sampling->config.nvml_path;

    return !gpus->nvml && has_driver(sampling) &&
           nvml_open(path ? path : "libnvidia-ml.so.1", &gpus->nvml) == 0;
}

static bool scan_amd(struct gpus *gpus, const struct sampling *sampling) {
    struct folder cards;
    char *folder = collector_sys_path(sampling, "class/drm");

    folder_list(&cards, folder, "card[0-9]*");
    uint64_t fingerprint = folder_fingerprint(&cards);
    bool is_same = fingerprint == gpus->cards;
    gpus->cards = fingerprint;
    bool has_changed = !is_same && gpus->amd_count > 0;
    if (!is_same)
        close_amd(gpus);
    for (size_t i = 0; i < cards.count && !is_same && gpus->amd_count < AMD_MAX; i++) {
        if (strchr(cards.names[i], '-')) /* card0-HDMI-A-1 is a socket */
            continue;
        char *path = mem_printf("%s/%s/device", folder, cards.names[i]);
        gpus->amd_count += amdgpu_init(&gpus->amd[gpus->amd_count], path) == 0;
        free(path);
    }
    folder_done(&cards);
    free(folder);
    return has_changed || (!is_same && gpus->amd_count > 0);
}

static void read_one(struct gpus *gpus, size_t place, int64_t values[static FIGURES]) {
    struct gpu_reading reading;
    size_t nvidia = nvidia_count(gpus);

    if (place < nvidia)
        nvml_read(gpus->nvml, place, &reading);
    else
        amdgpu_read(&gpus->amd[place - nvidia], &reading);
    values[LOAD] = reading.load;
    values[VRAM_USED] = reading.vram_used;
    values[VRAM_TOTAL] = reading.vram_total;
    values[TEMP] = reading.temp;
    values[POWER] = reading.power;
    values[VRAM] = SAMPLER_ABSENT;
    if (reading.vram_total > 0 && reading.vram_used >= 0)
        values[VRAM] =
            collector_share((uint64_t)reading.vram_used, (uint64_t)reading.vram_total);
}

static size_t count_all(const struct gpus *gpus) {
    return nvidia_count(gpus) + gpus->amd_count;
}

/* What no processor tells gets no series. */
static void find_figures(struct gpus *gpus) {
    int64_t values[FIGURES];

    memset(gpus->has, 0, sizeof(gpus->has));
    for (size_t i = 0; i < count_all(gpus); i++) {
        read_one(gpus, i, values);
        for (size_t f = 0; f < FIGURES; f++)
            gpus->has[f] |= values[f] != SAMPLER_ABSENT;
    }
}

static bool gpus_scan(void *self, struct sampling *sampling) {
    struct gpus *gpus = self;
    bool has_changed = scan_nvidia(gpus, sampling);

    has_changed |= scan_amd(gpus, sampling);
    if (has_changed)
        find_figures(gpus);
    return has_changed;
}

static void gpus_declare(void *self, struct sampling *sampling) {
    struct gpus *gpus = self;
    size_t rows = count_all(gpus) + 1;
    char number[24];

    free(gpus->places);
    gpus->places = mem_new_array(rows, sizeof(*gpus->places));
    for (size_t i = 0; i < rows && rows > 1; i++) {
        snprintf(number, sizeof(number), "%zu", i - 1);
        for (size_t f = 0; f < FIGURES; f++)
            gpus->places[i][f] =
                gpus->has[f] ? collector_add(sampling, names[f], i ? number : NULL) : -1;
    }
}

/* Adds what belongs into a sum, keeps the highest of temperatures. */
static void add_up(int64_t sums[static FIGURES], const int64_t values[static FIGURES]) {
    for (size_t f = 0; f < FIGURES; f++) {
        if (values[f] == SAMPLER_ABSENT)
            continue;
        if (sums[f] == SAMPLER_ABSENT)
            sums[f] = values[f];
        else if (f == TEMP)
            sums[f] = sums[f] > values[f] ? sums[f] : values[f];
        else
            sums[f] += values[f];
    }
}

static void set_all(struct sampling *sampling,
                    const int places[static FIGURES],
                    const int64_t values[static FIGURES]) {
    for (size_t f = 0; f < FIGURES; f++)
        collector_set(sampling, places[f], values[f]);
}

static void gpus_take(void *self, struct sampling *sampling) {
    struct gpus *gpus = self;
    int64_t sums[FIGURES], values[FIGURES], loads = 0;
    size_t count = count_all(gpus);

    if (count == 0)
        return;
    for (size_t f = 0; f < FIGURES; f++)
        sums[f] = SAMPLER_ABSENT;
    for (size_t i = 0; i < count; i++) {
        read_one(gpus, i, values);
        set_all(sampling, gpus->places[i + 1], values);
        add_up(sums, values);
        loads += values[LOAD] != SAMPLER_ABSENT;
    }
    if (loads > 0)
        sums[LOAD] = (sums[LOAD] + loads / 2) / loads;
    if (sums[VRAM_TOTAL] > 0 && sums[VRAM_USED] >= 0)
        sums[VRAM] =
            collector_share((uint64_t)sums[VRAM_USED], (uint64_t)sums[VRAM_TOTAL]);
    set_all(sampling, gpus->places[0], sums);
}

const struct collector gpu_collector = {
    .new = gpus_new,
    .free = gpus_free,
    .scan = gpus_scan,
    .declare = gpus_declare,
    .take = gpus_take,
};
