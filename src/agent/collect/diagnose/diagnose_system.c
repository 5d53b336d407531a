#include "agent/collect/diagnose/diagnose_system.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/diagnose/diagnose.h"
#include "agent/collect/folder.h"
#include "agent/host/host_facts.h"
#include "base/file.h"
#include "base/mem.h"

/* --- system --- */

/* "0.52 0.48 0.40 1/234 5678" */
static bool take_loads(const char *at, double *ret_loads, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *end;
        ret_loads[i] = strtod(at, &end);
        if (end == at)
            return false;
        at = end;
    }
    return true;
}

static void add_uptime(struct diagnose *diagnose) {
    auto_(mem_freep) char *text = diagnose_read(diagnose, "/proc/uptime");
    unsigned long long s = strtoull(text, NULL, 10);

    if (text[0])
        diagnose_add(diagnose, "uptime", "%llu d %llu h %llu min", s / 86400,
                     s / 3600 % 24, s / 60 % 60);
    auto_(mem_freep) char *load = diagnose_read(diagnose, "/proc/loadavg");
    double loads[3];
    if (take_loads(load, loads, 3))
        diagnose_add(diagnose, "load", "%.2f %.2f %.2f", loads[0], loads[1], loads[2]);
}

static void add_firmware(struct diagnose *diagnose) {
    static const struct {
        const char *name, *file;
    } dmi[] = {
        { "vendor", "sys_vendor" },         { "product", "product_name" },
        { "version", "product_version" },   { "board", "board_name" },
        { "board vendor", "board_vendor" }, { "firmware", "bios_version" },
        { "firmware date", "bios_date" },
    };

    for (size_t i = 0; i < sizeof(dmi) / sizeof(dmi[0]); i++)
        diagnose_add_file(diagnose, dmi[i].name, "/sys/class/dmi/id/%s", dmi[i].file);
    diagnose_add_file(diagnose, "model", "/proc/device-tree/model");
}

static void add_reboot_wish(struct diagnose *diagnose) {
    auto_(mem_freep) char *path = mem_printf("%s/run/reboot-required", diagnose->root);

    if (file_exists(path))
        diagnose_worry(diagnose, "an update waits for a restart");
}

void diagnose_system(struct diagnose *diagnose) {
    struct host_facts facts;

    host_facts_read(&facts, diagnose->root);
    diagnose_begin(diagnose, "system");
    diagnose_item(diagnose, "host");
    diagnose_add(diagnose, "name", "%s", facts.hostname);
    diagnose_add(diagnose, "os", "%s", facts.os_release);
    diagnose_add(diagnose, "kernel", "%s", facts.kernel);
    diagnose_add(diagnose, "architecture", "%s", facts.architecture);
    diagnose_add(diagnose, "virtualization", "%s", facts.virtualization);
    add_uptime(diagnose);
    add_reboot_wish(diagnose);
    diagnose_item(diagnose, "hardware");
    diagnose_add(diagnose, "name", "%s", facts.hardware);
    add_firmware(diagnose);
    host_facts_done(&facts);
}

/* --- processors --- */

static void list_cpus(const struct diagnose *diagnose, struct folder *ret_cpus) {
    auto_(mem_freep) char *path = mem_printf("%s/sys/devices/system/cpu", diagnose->root);
    folder_list(ret_cpus, path, "cpu[0-9]*");
}

static void add_frequencies(struct diagnose *diagnose, const struct folder *cpus) {
    long long low = 0, high = 0, max = 0;

    for (size_t i = 0; i < cpus->count; i++) {
        long long now =
            diagnose_number(diagnose, 0, "/sys/devices/system/cpu/%s/cpufreq/%s",
                            cpus->names[i], "scaling_cur_freq");
        long long most =
            diagnose_number(diagnose, 0, "/sys/devices/system/cpu/%s/cpufreq/%s",
                            cpus->names[i], "cpuinfo_max_freq");
        if (now > 0 && (low == 0 || now < low))
            low = now;
        high = now > high ? now : high;
        max = most > max ? most : max;
    }
    if (high > 0)
        diagnose_add(diagnose, "MHz", "%lld to %lld, at most %lld", low / 1000,
                     high / 1000, max / 1000);
    diagnose_add_file(diagnose, "governor",
                      "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
}

/* Bits of a Raspberry Pi's firmware: what is so now, and what was so since the start. */
static void add_pi_throttling(struct diagnose *diagnose) {
    static const char *const names[] = { "too little voltage", "frequency capped",
                                         "throttled", "near its temperature limit" };
    auto_(mem_freep) char *text =
        diagnose_read(diagnose, "/sys/devices/platform/soc/soc:firmware/get_throttled");
    unsigned long bits = strtoul(text, NULL, 16);

    for (unsigned i = 0; i < 4; i++) {
        if (bits >> i & 1)
            diagnose_worry(diagnose, "%s now", names[i]);
        else if (bits >> (16 + i) & 1)
            diagnose_worry(diagnose, "%s at times since the start", names[i]);
    }
}

static void add_throttling(struct diagnose *diagnose, const struct folder *cpus) {
    static const char *const kinds[] = { "core", "package" };

    for (size_t kind = 0; kind < 2; kind++) {
        long long most = -1;
        for (size_t i = 0; i < cpus->count; i++) {
            long long count = diagnose_number(
                diagnose, -1, "/sys/devices/system/cpu/%s/thermal_throttle/%s%s",
                cpus->names[i], kinds[kind], "_throttle_count");
            most = count > most ? count : most;
        }
        if (most >= 0)
            diagnose_add(diagnose, kind ? "package throttled" : "core throttled",
                         "%lld times", most);
        if (most > 0)
            diagnose_worry(diagnose, "throttled %lld times by heat (%s)", most,
                           kinds[kind]);
    }
    add_pi_throttling(diagnose);
}

static void add_vulnerabilities(struct diagnose *diagnose) {
    auto_(mem_freep) char *path =
        mem_printf("%s/sys/devices/system/cpu/vulnerabilities", diagnose->root);
    struct folder names;

    folder_list(&names, path, "*");
    for (size_t i = 0; i < names.count; i++) {
        auto_(mem_freep) char *state = diagnose_read(
            diagnose, "/sys/devices/system/cpu/vulnerabilities/%s", names.names[i]);
        if (strncmp(state, "Not affected", 12) == 0 || !state[0])
            continue;
        diagnose_item(diagnose, names.names[i]);
        diagnose_add(diagnose, "state", "%s", state);
        if (strncmp(state, "Vulnerable", 10) == 0)
            diagnose_worry(diagnose, "the kernel says: %.80s", state);
    }
    folder_done(&names);
}

void diagnose_system_cpu(struct diagnose *diagnose) {
    struct host_facts facts;
    struct folder cpus;

    host_facts_read(&facts, diagnose->root);
    list_cpus(diagnose, &cpus);
    diagnose_begin(diagnose, "cpu");
    diagnose_item(diagnose, "processor");
    diagnose_add(diagnose, "model", "%s", facts.cpu_model);
    diagnose_add(diagnose, "count", "%" PRIu32, facts.cpu_count);
    diagnose_add_file(diagnose, "online", "/sys/devices/system/cpu/online");
    add_frequencies(diagnose, &cpus);
    add_throttling(diagnose, &cpus);
    add_vulnerabilities(diagnose);
    folder_done(&cpus);
    host_facts_done(&facts);
}

/* --- memory --- */

enum { LITTLE_PERCENT = 5, MEMINFO_MAX = 16384 };

/* A line "NAME:   123 kB" as bytes. */
static unsigned long long find_kilobytes(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

static void add_oom_kills(struct diagnose *diagnose) {
    auto_(mem_freep) char *path = mem_printf("%s/proc/vmstat", diagnose->root);
    struct buf text = { 0 };

    if (file_read(path, 65536, &text) == 0) {
        const char *at = strstr(buf_text(&text), "\noom_kill ");
        unsigned long long count = at ? strtoull(at + 10, NULL, 10) : 0;
        if (count > 0)
            diagnose_worry(diagnose, "%llu times a process was killed for want of memory",
                           count);
    }
    buf_done(&text);
}

static void add_usage(struct diagnose *diagnose, const char *text) {
    unsigned long long total = find_kilobytes(text, "MemTotal:");
    unsigned long long available = find_kilobytes(text, "\nMemAvailable:");
    unsigned long long swap = find_kilobytes(text, "\nSwapTotal:");
    unsigned long long swap_free = find_kilobytes(text, "\nSwapFree:");
    char size[DIAGNOSE_SIZE_LEN];

    diagnose_item(diagnose, "memory");
    diagnose_add(diagnose, "total", "%s", diagnose_size(total, size));
    diagnose_add(diagnose, "total bytes", "%llu", total);
    diagnose_add(diagnose, "available", "%s", diagnose_size(available, size));
    if (total > 0 && available < total / 100 * LITTLE_PERCENT)
        diagnose_worry(diagnose, "only %s are available", size);
    add_oom_kills(diagnose);
    if (swap == 0)
        return;
    diagnose_item(diagnose, "swap");
    diagnose_add(diagnose, "total", "%s", diagnose_size(swap, size));
    diagnose_add(diagnose, "free", "%s", diagnose_size(swap_free, size));
    if (swap_free < swap / 10)
        diagnose_worry(diagnose, "more than 90 %% of it are used");
}

/* One controller that counts errors of its memory. */
static void add_controller(struct diagnose *diagnose, const char *name) {
    long long corrected =
        diagnose_number(diagnose, 0, "/sys/devices/system/edac/mc/%s/ce_count", name);
    long long lost =
        diagnose_number(diagnose, 0, "/sys/devices/system/edac/mc/%s/ue_count", name);

    diagnose_item(diagnose, name);
    diagnose_add_file(diagnose, "controller", "/sys/devices/system/edac/mc/%s/mc_name",
                      name);
    diagnose_add(diagnose, "corrected", "%lld", corrected);
    diagnose_add(diagnose, "uncorrected", "%lld", lost);
    if (lost > 0)
        diagnose_worry(diagnose, "%lld errors of memory could not be corrected", lost);
    if (corrected > 0)
        diagnose_worry(diagnose, "%lld errors of memory were corrected", corrected);
}

void diagnose_system_memory(struct diagnose *diagnose) {
    auto_(mem_freep) char *meminfo = mem_printf("%s/proc/meminfo", diagnose->root);
    auto_(mem_freep) char *edac =
        mem_printf("%s/sys/devices/system/edac/mc", diagnose->root);
    struct buf text = { 0 };
    struct folder controllers;

    diagnose_begin(diagnose, "memory");
    if (file_read(meminfo, MEMINFO_MAX, &text) == 0)
        add_usage(diagnose, buf_text(&text));
    buf_done(&text);
    folder_list(&controllers, edac, "mc[0-9]*");
    for (size_t i = 0; i < controllers.count; i++)
        add_controller(diagnose, controllers.names[i]);
    folder_done(&controllers);
}
