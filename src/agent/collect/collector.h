/*
 * collector - what every collector is, and what the sampler gives to it
 *
 * A collector has up to four duties. scan() looks for its sources, opens them and tells
 * whether its series are others than before; it runs at the start, every SCAN_S seconds
 * and after the collector asked for it. declare() adds its series to a fresh catalogue.
 * take() runs on every tick and sets values; a value that is not set again stays.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/collect/sampler.h"
#include "agent/collect/source.h"

/* What collectors share; the sampler owns it. */
struct sampling {
    struct sampler_config config; /* as given, with defaults filled in */
    struct page page;             /* valid inside one scan() or take() */
    uint64_t now_ns;
    uint64_t elapsed_ns;       /* since the last tick; 0 in the first */
    bool wants_scan;           /* set by take(): scan me before the next tick */
    struct metric_info *infos; /* owned; cap of them */
    int64_t *values;           /* owned; cap of them */
    size_t count;
    size_t cap;
};

struct collector {
    void *(*new)(const struct sampling *sampling);
    void (*free)(void *self);
    bool (*scan)(void *self, struct sampling *sampling);
    void (*declare)(void *self, struct sampling *sampling);
    void (*take)(void *self, struct sampling *sampling);
};

/* A counter that was seen before, or not. */
struct counter {
    uint64_t last;
    bool is_known;
};

/*
 * Adds a series: a metric of base/metric.h, with what it is measured on or NULL. Returns
 * its place for collector_set(), -1 when the catalogue is full.
 */
int collector_add(struct sampling *sampling, const char *metric, const char *object);

/* Sets a value; place -1 is nowhere. */
void collector_set(struct sampling *sampling, int place, int64_t value);

/*
 * What the counter grew per second times factor; SAMPLER_ABSENT when it was not known or
 * went backwards (a reset, a wrap).
 */
int64_t collector_rate(const struct sampling *sampling,
                       struct counter *counter,
                       uint64_t now,
                       unsigned factor);

/* What the counter grew; false when it was not known or went backwards. */
bool collector_grew(struct counter *counter, uint64_t now, uint64_t *ret_by);

/* Tenths of a percent, rounded, never above 1000; 0 of nothing is 0. */
int64_t collector_share(uint64_t part, uint64_t whole);

/* Is a slower job due? *next_ns starts at 0; the first tick is always due. */
bool collector_is_due(const struct sampling *sampling,
                      uint64_t *next_ns,
                      unsigned every_s);

/* What this thread has used of a processor, for collector_put_off(). */
uint64_t collector_used_ns(void);

/*
 * A slow job that began when collector_used_ns() was this is over: puts it off further if
 * it would else take more than a 20,000th of a processor.
 */
void collector_put_off(const struct sampling *sampling,
                       uint64_t *next_ns,
                       uint64_t began_ns);

/* "ROOT/NAME" under /proc or /sys, as a new string. */
char *collector_proc_path(const struct sampling *sampling, const char *name);
char *collector_sys_path(const struct sampling *sampling, const char *name);

/* The default choice, unless the configuration says otherwise. */
bool collector_chooses(const struct sampler_choice *choice,
                       const char *name,
                       bool by_default);

/* All of them, a file each. */
extern const struct collector block_collector;
extern const struct collector cpu_collector;
extern const struct collector frequency_collector;
extern const struct collector gpu_collector;
extern const struct collector load_collector;
extern const struct collector memory_collector;
extern const struct collector mount_collector;
extern const struct collector network_collector;
extern const struct collector power_collector;
extern const struct collector process_collector;
extern const struct collector sensors_collector;
extern const struct collector tcp_collector;
extern const struct collector throttle_collector;
extern const struct collector uptime_collector;
