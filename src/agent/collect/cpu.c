/*
 * cpu - where the time of the cores went, from /proc/stat
 *
 * Guest time is part of user time. The kernel lets idle and iowait fall now and then;
 * such a part counts as 0. The numbers of running and blocked tasks stand in the same
 * file and are taken here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

/* The columns of a "cpu" line. */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, TIME_COUNT };

struct core {
    uint64_t times[TIME_COUNT];
    bool is_known;
    bool is_online; /* there at the last scan */
    int place;
};

struct cpu {
    struct source stat;
    struct core all;
    struct core *cores; /* owned; cores_max of them, by number */
    size_t cores_max;
    size_t online; /* cores at the last scan */
    bool has_cores;
    int user, system, iowait, steal, count, running, blocked; /* places */
};

static void *cpu_new(const struct sampling *sampling) {
    struct cpu *cpu = mem_new(sizeof(*cpu));
    source_init(&cpu->stat, collector_proc_path(sampling, "stat"));
    cpu->cores_max = sampling->config.cores_max;
    cpu->cores = mem_new_array(cpu->cores_max, sizeof(*cpu->cores));
    return cpu;
}

static void cpu_free(void *self) {
    struct cpu *cpu = self;
    source_done(&cpu->stat);
    free(cpu->cores);
    free(cpu);
}

/* Takes "cpuN " and gives N; false at the end of such lines. */
static bool take_core(const char **at, uint64_t *ret_number) {
    return text_skip(at, "cpu") && text_number(at, ret_number);
}

/* Forgets what is not there any more; true when cores came or went. */
static bool note_core(struct core *core, bool is_online) {
    bool has_changed = core->is_online != is_online;

    if (has_changed)
        *core = (struct core) { .is_online = is_online, .place = -1 };
    return has_changed;
}

static bool cpu_scan(void *self, struct sampling *sampling) {
    struct cpu *cpu = self;
    uint64_t number;
    size_t online = 0, next = 0;
    bool has_changed = false;

    source_open(&cpu->stat);
    if (source_read(&cpu->stat, &sampling->page) < 0)
        return false;
    const char *at = text_next_line(sampling->page.text);
    for (; take_core(&at, &number); at = text_next_line(at), online++)
        for (; next <= number && next < cpu->cores_max; next++)
            has_changed |= note_core(&cpu->cores[next], next == number);
    for (; next < cpu->cores_max; next++)
        has_changed |= note_core(&cpu->cores[next], false);
    has_changed |= online != cpu->online;
    cpu->online = online;
    cpu->has_cores = online <= cpu->cores_max;
    return has_changed;
}

static void cpu_declare(void *self, struct sampling *sampling) {
    struct cpu *cpu = self;
    char number[24];

    if (!source_is_open(&cpu->stat))
        return;
    cpu->all.place = collector_add(sampling, "cpu", NULL);
    cpu->user = collector_add(sampling, "cpu.user", NULL);
    cpu->system = collector_add(sampling, "cpu.system", NULL);
    for (size_t i = 0; i < cpu->cores_max && cpu->has_cores; i++) {
        if (!cpu->cores[i].is_online)
            continue;
        snprintf(number, sizeof(number), "%zu", i);
        cpu->cores[i].place = collector_add(sampling, "cpu", number);
    }
    cpu->iowait = collector_add(sampling, "cpu.iowait", NULL);
    cpu->steal = collector_add(sampling, "cpu.steal", NULL);
    cpu->running = collector_add(sampling, "proc.running", NULL);
    cpu->blocked = collector_add(sampling, "proc.blocked", NULL);
    cpu->count = collector_add(sampling, "cpu.count", NULL);
}

/* What each part grew since the line before; the sum, or 0 when there is none. */
static uint64_t grow(struct core *core,
                     const uint64_t now[static TIME_COUNT],
                     uint64_t ret_by[static TIME_COUNT]) {
    uint64_t sum = 0;

    for (size_t i = 0; i < TIME_COUNT; i++) {
        bool is_good = core->is_known && now[i] >= core->times[i];
        ret_by[i] = is_good ? now[i] - core->times[i] : 0;
        sum += ret_by[i];
        core->times[i] = now[i];
    }
    core->is_known = true;
    return sum;
}

static int64_t busy_share(const uint64_t by[static TIME_COUNT], uint64_t sum) {
    return collector_share(sum - by[IDLE] - by[IOWAIT], sum);
}

static void take_all(struct cpu *cpu, struct sampling *sampling, const char **at) {
    uint64_t now[TIME_COUNT] = { 0 }, by[TIME_COUNT];

    if (!text_skip(at, "cpu") || text_numbers(at, now, TIME_COUNT) <= IDLE)
        return;
    uint64_t sum = grow(&cpu->all, now, by);
    const struct {
        int place;
        int64_t value;
    } parts[] = {
        { cpu->all.place, busy_share(by, sum) },
        { cpu->user, collector_share(by[USER] + by[NICE], sum) },
        { cpu->system, collector_share(by[SYSTEM] + by[IRQ] + by[SOFTIRQ], sum) },
        { cpu->iowait, collector_share(by[IOWAIT], sum) },
        { cpu->steal, collector_share(by[STEAL], sum) },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        collector_set(sampling, parts[i].place, sum ? parts[i].value : SAMPLER_ABSENT);
}

static void take_cores(struct cpu *cpu, struct sampling *sampling, const char *at) {
    uint64_t number;
    size_t online = 0;

    for (; take_core(&at, &number); at = text_next_line(at), online++) {
        uint64_t now[TIME_COUNT] = { 0 }, by[TIME_COUNT];
        if (!cpu->has_cores || number >= cpu->cores_max)
            continue;
        struct core *core = &cpu->cores[number];
        text_numbers(&at, now, TIME_COUNT);
        uint64_t sum = grow(core, now, by);
        if (core->is_online)
            collector_set(sampling, core->place,
                          sum ? busy_share(by, sum) : SAMPLER_ABSENT);
    }
    collector_set(sampling, cpu->count, (int64_t)online);
    sampling->wants_scan = online != cpu->online;
}

/* "\nNAME 12" somewhere in the file. */
static int64_t find_number(const char *text, const char *name) {
    uint64_t number;
    const char *at = strstr(text, name);

    if (!at)
        return SAMPLER_ABSENT;
    at += strlen(name);
    return text_number(&at, &number) ? (int64_t)number : SAMPLER_ABSENT;
}

static void cpu_take(void *self, struct sampling *sampling) {
    struct cpu *cpu = self;

    if (source_read(&cpu->stat, &sampling->page) < 0)
        return;
    const char *at = sampling->page.text;
    take_all(cpu, sampling, &at);
    take_cores(cpu, sampling, text_next_line(at));
    collector_set(sampling, cpu->running,
                  find_number(sampling->page.text, "\nprocs_running "));
    collector_set(sampling, cpu->blocked,
                  find_number(sampling->page.text, "\nprocs_blocked "));
}

const struct collector cpu_collector = {
    .new = cpu_new,
    .free = cpu_free,
    .scan = cpu_scan,
    .declare = cpu_declare,
    .take = cpu_take,
};
