/*
 * frequency - the mean clock of the cores, from cpufreq
 *
 * Reading a clock interrupts its core, so it is done seldom, and not for all cores of a
 * big machine.
 */
#include <stdlib.h>

#include "agent/collect/collector.h"
#include "agent/collect/folder.h"
#include "base/mem.h"

enum {
    EVERY_S = 5,
    POLICIES_MAX = 8,
};

struct frequency {
    struct source policies[POLICIES_MAX];
    size_t count;
    uint64_t names; /* fingerprint of the policies */
    uint64_t next_ns;
    int place;
};

static void *frequency_new(const struct sampling *sampling) {
    return mem_new(sizeof(struct frequency));
}

static void close_all(struct frequency *frequency) {
    for (size_t i = 0; i < frequency->count; i++)
        source_done(&frequency->policies[i]);
    frequency->count = 0;
}

static void frequency_free(void *self) {
    close_all(self);
    free(self);
}

/* Picks policies evenly, so that big and little cores are both among them. */
static void open_some(struct frequency *frequency,
                      const struct sampling *sampling,
                      const struct folder *names) {
    size_t step = (names->count + POLICIES_MAX - 1) / POLICIES_MAX;

    for (size_t i = 0; i < names->count; i += step) {
        struct source *source = &frequency->policies[frequency->count];
        source_init(source,
                    mem_printf("%s/devices/system/cpu/cpufreq/%s/scaling_cur_freq",
                               sampling->config.sys, names->names[i]));
        if (source_open(source) == 0)
            frequency->count++;
        else
            source_done(source);
    }
}

static bool frequency_scan(void *self, struct sampling *sampling) {
    struct frequency *frequency = self;
    struct folder names;
    bool had_any = frequency->count > 0;

    char *path = collector_sys_path(sampling, "devices/system/cpu/cpufreq");
    folder_list(&names, path, "policy*");
    free(path);
    uint64_t fingerprint = folder_fingerprint(&names);
    if (fingerprint != frequency->names) {
        frequency->names = fingerprint;
        close_all(frequency);
        open_some(frequency, sampling, &names);
    }
    folder_done(&names);
    return had_any != (frequency->count > 0);
}

static void frequency_declare(void *self, struct sampling *sampling) {
    struct frequency *frequency = self;
    frequency->place =
        frequency->count > 0 ? collector_add(sampling, "cpu.freq", NULL) : -1;
}

static void frequency_take(void *self, struct sampling *sampling) {
    struct frequency *frequency = self;
    int64_t sum = 0, got = 0, khz;

    if (frequency->count == 0 ||
        !collector_is_due(sampling, &frequency->next_ns, EVERY_S))
        return;
    for (size_t i = 0; i < frequency->count; i++) {
        if (source_read_number(&frequency->policies[i], &khz) < 0 || khz <= 0 ||
            khz > 100000000) /* 100 GHz */
            continue;
        sum += khz;
        got++;
    }
    collector_set(sampling, frequency->place, got ? sum / got * 1000 : SAMPLER_ABSENT);
}

const struct collector frequency_collector = {
    .new = frequency_new,
    .free = frequency_free,
    .scan = frequency_scan,
    .declare = frequency_declare,
    .take = frequency_take,
};
