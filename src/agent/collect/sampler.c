#include "agent/collect/sampler.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/collect/collector.h"
#include "base/map.h"
#include "base/mem.h"

enum {
    SCAN_S = 30, /* how long a device that was plugged in may stay unseen */
    CORES_MAX = 16,
};

/* In the order of the catalogue; what changes often stands together (see sample.h). */
static const struct collector *const collectors[] = {
    &cpu_collector,      &load_collector,  &memory_collector,  &network_collector,
    &block_collector,    &gpu_collector,   &sensors_collector, &uptime_collector,
    &mount_collector,    &tcp_collector,   &process_collector, &frequency_collector,
    &throttle_collector, &power_collector,
};

enum { COLLECTOR_COUNT = sizeof(collectors) / sizeof(collectors[0]) };

struct sampler {
    struct sampling sampling;
    void *selves[COLLECTOR_COUNT]; /* owned: by the free() of each */
    bool wants_scan[COLLECTOR_COUNT];
    uint64_t next_scan_ns;
    uint32_t catalogue_id;
};

static const char *copy_or(const char *text, const char *fallback) {
    return mem_strdup(text ? text : fallback);
}

/* The text, or a folder of the host. */
static const char *copy_or_below(const char *text, const char *root, const char *name) {
    return text ? mem_strdup(text) : mem_printf("%s%s", root ? root : "", name);
}

static struct sampler_config copy_config(const struct sampler_config *from) {
    return (struct sampler_config) {
        .root = copy_or(from->root, ""),
        .proc = copy_or_below(from->proc, from->root, "/proc"),
        .sys = copy_or_below(from->sys, from->root, "/sys"),
        .interfaces = { copy_or(from->interfaces.include, NULL),
                        copy_or(from->interfaces.exclude, NULL) },
        .mounts = { copy_or(from->mounts.include, NULL),
                    copy_or(from->mounts.exclude, NULL) },
        .disks = { copy_or(from->disks.include, NULL),
                   copy_or(from->disks.exclude, NULL) },
        .net_ignore = copy_or(from->net_ignore, NULL),
        .nvml_path = copy_or(from->nvml_path, NULL),
        .cores_max = from->cores_max ? from->cores_max : CORES_MAX,
        .measure = from->measure ? from->measure : statvfs,
    };
}

static void free_config(struct sampler_config *config) {
    const char *texts[] = { config->root,
                            config->proc,
                            config->sys,
                            config->interfaces.include,
                            config->interfaces.exclude,
                            config->mounts.include,
                            config->mounts.exclude,
                            config->disks.include,
                            config->disks.exclude,
                            config->net_ignore,
                            config->nvml_path };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free((void *)(uintptr_t)texts[i]);
}

struct sampler *sampler_new(const struct sampler_config *config) {
    struct sampler *sampler = mem_new(sizeof(*sampler));

    sampler->sampling.config = copy_config(config);
    for (size_t i = 0; i < COLLECTOR_COUNT; i++)
        sampler->selves[i] = collectors[i]->new (&sampler->sampling);
    return sampler;
}

static void free_infos(struct metric_info *infos, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(infos[i].name);
    free(infos);
}

struct sampler *sampler_free(struct sampler *sampler) {
    if (!sampler)
        return NULL;
    for (size_t i = 0; i < COLLECTOR_COUNT; i++)
        collectors[i]->free(sampler->selves[i]);
    free_infos(sampler->sampling.infos, sampler->sampling.count);
    free(sampler->sampling.values);
    source_page_done(&sampler->sampling.page);
    free_config(&sampler->sampling.config);
    free(sampler);
    return NULL;
}

/* Values of series that stay are kept: what is on a slow schedule is not set at once. */
static void carry_over(struct sampling *to, const struct sampling *from) {
    struct map *places = map_new();

    for (size_t i = 0; i < to->count; i++)
        map_put(places, to->infos[i].name, &to->values[i]);
    for (size_t i = 0; i < from->count; i++) {
        int64_t *value = map_get(places, from->infos[i].name);
        if (value)
            *value = from->values[i];
    }
    map_free(places);
}

static void rebuild_catalogue(struct sampler *sampler) {
    struct sampling *sampling = &sampler->sampling;
    struct sampling before = *sampling;

    sampling->infos = NULL;
    sampling->values = NULL;
    sampling->count = 0;
    sampling->cap = 0;
    for (size_t i = 0; i < COLLECTOR_COUNT; i++)
        collectors[i]->declare(sampler->selves[i], sampling);
    carry_over(sampling, &before);
    free_infos(before.infos, before.count);
    free(before.values);
    sampler->catalogue_id++;
}

static void scan(struct sampler *sampler, bool is_all) {
    bool has_changed = sampler->catalogue_id == 0;

    for (size_t i = 0; i < COLLECTOR_COUNT; i++) {
        if (!is_all && !sampler->wants_scan[i])
            continue;
        sampler->wants_scan[i] = false;
        has_changed |= collectors[i]->scan(sampler->selves[i], &sampler->sampling);
    }
    if (has_changed)
        rebuild_catalogue(sampler);
}

int sampler_take(struct sampler *sampler, uint64_t now_boottime_ns) {
    struct sampling *sampling = &sampler->sampling;
    bool is_first = sampler->catalogue_id == 0;

    if (is_first && access(sampling->config.proc, R_OK | X_OK) < 0)
        return -errno;
    sampling->elapsed_ns = is_first ? 0 : now_boottime_ns - sampling->now_ns;
    sampling->now_ns = now_boottime_ns;
    scan(sampler, collector_is_due(sampling, &sampler->next_scan_ns, SCAN_S));

    for (size_t i = 0; i < COLLECTOR_COUNT; i++) {
        sampling->wants_scan = false;
        collectors[i]->take(sampler->selves[i], sampling);
        sampler->wants_scan[i] = sampling->wants_scan;
    }
    return 0;
}

const struct metric_info *sampler_catalogue(const struct sampler *sampler,
                                            size_t *ret_count) {
    *ret_count = sampler->sampling.count;
    return sampler->sampling.infos;
}

const int64_t *sampler_values(const struct sampler *sampler) {
    return sampler->sampling.values;
}

uint32_t sampler_catalogue_id(const struct sampler *sampler) {
    return sampler->catalogue_id;
}
