#include "agent/collect/collector.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "agent/collect/text.h"
#include "base/mem.h"
#include "base/metric.h"

enum {
    SERIES_MAX = 4096, /* what a hub accepts (SAMPLE_SERIES_MAX) */
    SHARE_OF_SLOW_JOB = 20000,
    EARLY_NS = 100000000, /* a tick that comes a little early still counts as due */
};

static void make_room(struct sampling *sampling) {
    if (sampling->count < sampling->cap)
        return;
    sampling->cap = sampling->cap ? sampling->cap * 2 : 64;
    sampling->infos = mem_grow(sampling->infos, sampling->cap * sizeof(*sampling->infos));
    sampling->values =
        mem_grow(sampling->values, sampling->cap * sizeof(*sampling->values));
}

int collector_add(struct sampling *sampling, const char *metric, const char *object) {
    const struct metric *row = metric_find(metric);
    assert(row && (!object || row->object));

    if (sampling->count == SERIES_MAX)
        return -1;
    make_room(sampling);
    size_t place = sampling->count++;
    sampling->infos[place] = (struct metric_info) {
        .name = object ? mem_printf("%s:%s", metric, object) : mem_strdup(metric),
        .unit = row->unit,
        .scale = row->scale,
    };
    sampling->values[place] = SAMPLER_ABSENT;
    return (int)place;
}

void collector_set(struct sampling *sampling, int place, int64_t value) {
    if (place >= 0)
        sampling->values[place] = value;
}

bool collector_grew(struct counter *counter, uint64_t now, uint64_t *ret_by) {
    bool is_good = counter->is_known && now >= counter->last;

    if (is_good)
        *ret_by = now - counter->last;
    *counter = (struct counter) { .last = now, .is_known = true };
    return is_good;
}

int64_t collector_rate(const struct sampling *sampling,
                       struct counter *counter,
                       uint64_t now,
                       unsigned factor) {
    uint64_t by;

    if (!collector_grew(counter, now, &by) || sampling->elapsed_ns == 0)
        return SAMPLER_ABSENT;
    double rate = (double)by * factor * 1e9 / (double)sampling->elapsed_ns;
    return rate < 9e15 ? (int64_t)(rate + 0.5) : SAMPLER_ABSENT;
}

int64_t collector_share(uint64_t part, uint64_t whole) {
    if (whole == 0)
        return 0;
    if (part >= whole)
        return 1000;
    return (int64_t)((double)part * 1000 / (double)whole + 0.5);
}

bool collector_is_due(const struct sampling *sampling,
                      uint64_t *next_ns,
                      unsigned every_s) {
    if (sampling->now_ns + EARLY_NS < *next_ns)
        return false;
    *next_ns = sampling->now_ns + every_s * UINT64_C(1000000000);
    return true;
}

uint64_t collector_used_ns(void) {
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

void collector_put_off(const struct sampling *sampling,
                       uint64_t *next_ns,
                       uint64_t began_ns) {
    uint64_t spent_ns = collector_used_ns() - began_ns;
    uint64_t next = sampling->now_ns + spent_ns * SHARE_OF_SLOW_JOB;

    if (*next_ns < next)
        *next_ns = next;
}

char *collector_proc_path(const struct sampling *sampling, const char *name) {
    return mem_printf("%s/%s", sampling->config.proc, name);
}

char *collector_sys_path(const struct sampling *sampling, const char *name) {
    return mem_printf("%s/%s", sampling->config.sys, name);
}

bool collector_chooses(const struct sampler_choice *choice,
                       const char *name,
                       bool by_default) {
    if (text_list_matches(choice->include, name))
        return true;
    return by_default && !text_list_matches(choice->exclude, name);
}
