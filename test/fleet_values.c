#include "fleet_values.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/metric.h"

enum {
    STEPS = 64,      /* of a walk from one point to the next */
    BURST = 16,      /* samples that a burst of a rate lasts */
    SELDOM = 720,    /* samples between two changes of a level */
    ABSENCE = 100,   /* samples that an absence lasts */
    ABSENT_ONE = 20, /* and one span in so many is one */
};

enum kind { WALK, RATE, COUNTER, SELDOM_LEVEL, FACT, WALK_ABSENT };

/* What one metric does; more are the same again, of other things. */
static const struct plan {
    const char *metric;
    enum kind kind;
    uint64_t range;
} plans[] = {
    { "cpu", WALK, 1000 },
    { "cpu.user", WALK, 600 },
    { "cpu.system", WALK, 300 },
    { "cpu.iowait", RATE, 100 },
    { "load1", WALK, 400 },
    { "load5", WALK, 300 },
    { "load15", WALK, 200 },
    { "mem", WALK, 1000 },
    { "mem.used", WALK, (uint64_t)8 << 30 },
    { "mem.available", WALK, (uint64_t)8 << 30 },
    { "mem.total", FACT, (uint64_t)16 << 30 },
    { "swap.used", SELDOM_LEVEL, (uint64_t)1 << 30 },
    { "net.rx", RATE, 125000000 },
    { "net.tx", RATE, 125000000 },
    { "net.rx_packets", RATE, 100000 },
    { "net.tx_packets", RATE, 100000 },
    { "disk", SELDOM_LEVEL, 1000 },
    { "disk.used", SELDOM_LEVEL, (uint64_t)400 << 30 },
    { "disk.total", FACT, (uint64_t)500 << 30 },
    { "disk.read", RATE, 500000000 },
    { "disk.write", RATE, 500000000 },
    { "disk.busy", RATE, 1000 },
    { "temp.cpu", WALK_ABSENT, 900 },
    { "cpu.freq", WALK, 3000000000 },
    { "proc.count", WALK, 400 },
    { "proc.running", WALK, 8 },
    { "tcp.established", WALK, 200 },
    { "files.open", WALK, 5000 },
    { "uptime", COUNTER, 60 },
    { "throttle.events", SELDOM_LEVEL, 10 },
};

enum { PLANS = sizeof(plans) / sizeof(plans[0]) };

void fleet_values_init(struct fleet_values *values, size_t count, uint64_t seed) {
    assert(count <= FLEET_VALUES_MAX);
    *values = (struct fleet_values) {
        .count = count,
        .series = mem_new_array(count + 1, sizeof(*values->series)),
        .seed = seed,
    };
    for (size_t i = 0; i < count; i++) {
        const struct plan *plan = &plans[i % PLANS];
        const struct metric *metric = metric_find(plan->metric);
        assert(metric);
        values->series[i] = (struct metric_info) {
            .name = i < PLANS ? mem_strdup(plan->metric)
                              : mem_printf("%s:%zu", plan->metric, i / PLANS),
            .unit = metric->unit,
            .scale = metric->scale,
        };
    }
}

void fleet_values_done(struct fleet_values *values) {
    for (size_t i = 0; i < values->count; i++)
        free(values->series[i].name);
    free(values->series);
}

static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t walk(uint64_t key, uint64_t seq, uint64_t range) {
    uint64_t from = mix(key + seq / STEPS) % range;
    uint64_t to = mix(key + seq / STEPS + 1) % range;
    uint64_t jitter = mix(key + (seq ^ (uint64_t)1 << 32)) % (range / 256 + 1);

    return (from * (STEPS - seq % STEPS) + to * (seq % STEPS)) / STEPS + jitter;
}

/* Nothing three times out of four, else some part of the range. */
static uint64_t rate(uint64_t key, uint64_t seq, uint64_t range) {
    uint64_t burst = mix(key + seq / BURST);

    if (burst % 4 != 0)
        return 0;
    return mix(key + (seq ^ (uint64_t)1 << 32)) % (burst / 4 % range + 1);
}

static int64_t compute(const struct plan *plan, uint64_t key, uint64_t seq) {
    switch (plan->kind) {
    case WALK:
        return (int64_t)walk(key, seq, plan->range);
    case RATE:
        return (int64_t)rate(key, seq, plan->range);
    case COUNTER:
        return (int64_t)(key % 1000000 + seq * plan->range);
    case SELDOM_LEVEL:
        return (int64_t)(mix(key + seq / SELDOM) % plan->range);
    case FACT:
        return (int64_t)plan->range;
    case WALK_ABSENT:
        if (mix(key - 1 - seq / ABSENCE) % ABSENT_ONE == 0)
            return SAMPLER_ABSENT;
        return (int64_t)walk(key, seq, plan->range);
    }
    abort();
}

void fleet_values_fill(const struct fleet_values *values,
                       uint64_t epoch,
                       uint64_t seq,
                       int64_t *ret_values) {
    uint64_t base = mix(values->seed ^ epoch);

    for (size_t i = 0; i < values->count; i++)
        ret_values[i] = compute(&plans[i % PLANS], mix(base + i), seq);
}
