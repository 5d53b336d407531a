/*
 * load - load averages and pressure, which the kernel itself averages
 *
 * The kernel renews them every 5 s and 2 s, so more reads would tell nothing new.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collector.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    LOAD_EVERY_S = 5, /* LOAD_FREQ of the kernel */
    PSI_EVERY_S = 2,  /* PSI_FREQ of the kernel */
};

/* The files of /proc/pressure and the series of their two lines. */
static const struct pressure {
    const char *path, *some, *full;
} pressures[] = {
    { "pressure/cpu", "psi.cpu", NULL }, /* "full" of all cores is always 0 */
    { "pressure/memory", "psi.mem", "psi.mem_full" },
    { "pressure/io", "psi.io", "psi.io_full" },
};

enum { PRESSURES = sizeof(pressures) / sizeof(pressures[0]) };

struct load {
    struct source averages;
    struct source pressure[PRESSURES];
    uint64_t next_load_ns, next_psi_ns;
    int load[3], some[PRESSURES], full[PRESSURES]; /* places */
};

static void *load_new(const struct sampling *sampling) {
    struct load *load = mem_new(sizeof(*load));
    source_init(&load->averages, collector_proc_path(sampling, "loadavg"));
    for (size_t i = 0; i < PRESSURES; i++)
        source_init(&load->pressure[i], collector_proc_path(sampling, pressures[i].path));
    return load;
}

static void load_free(void *self) {
    struct load *load = self;
    source_done(&load->averages);
    for (size_t i = 0; i < PRESSURES; i++)
        source_done(&load->pressure[i]);
    free(load);
}

/* Kernels with psi=0 have the files and refuse to read them. */
static bool open_readable(struct source *source, struct sampling *sampling) {
    bool was_open = source_is_open(source);

    if (!was_open && source_open(source) == 0)
        source_read(source, &sampling->page);
    return was_open != source_is_open(source);
}

static bool load_scan(void *self, struct sampling *sampling) {
    struct load *load = self;
    bool has_changed = open_readable(&load->averages, sampling);

    for (size_t i = 0; i < PRESSURES; i++)
        has_changed |= open_readable(&load->pressure[i], sampling);
    return has_changed;
}

static void load_declare(void *self, struct sampling *sampling) {
    static const char *const names[] = { "load1", "load5", "load15" };
    struct load *load = self;

    if (source_is_open(&load->averages))
        for (size_t i = 0; i < 3; i++)
            load->load[i] = collector_add(sampling, names[i], NULL);
    for (size_t i = 0; i < PRESSURES; i++) {
        load->some[i] = load->full[i] = -1;
        if (!source_is_open(&load->pressure[i]))
            continue;
        load->some[i] = collector_add(sampling, pressures[i].some, NULL);
        if (pressures[i].full)
            load->full[i] = collector_add(sampling, pressures[i].full, NULL);
    }
}

static void take_averages(struct load *load, struct sampling *sampling) {
    if (source_read(&load->averages, &sampling->page) < 0)
        return;
    const char *at = sampling->page.text;
    for (size_t i = 0; i < 3; i++) {
        int64_t value;
        if (text_fixed(&at, 2, &value))
            collector_set(sampling, load->load[i], value);
    }
}

static void take_line(struct sampling *sampling, const char *line, int place) {
    const char *at = line ? strstr(line, "avg10=") : NULL;
    int64_t value;

    if (!at)
        return;
    at += strlen("avg10=");
    if (text_fixed(&at, 2, &value))
        collector_set(sampling, place, value);
}

static void load_take(void *self, struct sampling *sampling) {
    struct load *load = self;

    if (collector_is_due(sampling, &load->next_load_ns, LOAD_EVERY_S))
        take_averages(load, sampling);
    if (!collector_is_due(sampling, &load->next_psi_ns, PSI_EVERY_S))
        return;
    for (size_t i = 0; i < PRESSURES; i++) {
        if (source_read(&load->pressure[i], &sampling->page) < 0)
            continue;
        take_line(sampling, strstr(sampling->page.text, "some "), load->some[i]);
        take_line(sampling, strstr(sampling->page.text, "full "), load->full[i]);
    }
}

const struct collector load_collector = {
    .new = load_new,
    .free = load_free,
    .scan = load_scan,
    .declare = load_declare,
    .take = load_take,
};
