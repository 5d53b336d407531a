/*
 * throttle - is the processor slowed down by heat or a weak supply?
 *
 * A Raspberry Pi's firmware tells it as bits: 0 to 3 are now, 16 to 19 since boot. Where
 * only the driver of its voltage sensor is there (rpi_volt), low voltage alone is known.
 * x86 counts thermal events per package and core; cores are asked less often.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collector.h"
#include "agent/collect/folder.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    CORES_EVERY_S = 10,
    PACKAGES_MAX = 4,
    CORES_MAX = 64,
    BITS = 4,
    BIT_UNDERVOLTAGE = 0,
};

static const char *const bit_names[2][BITS] = {
    { "throttle.undervoltage", "throttle.freq_capped", "throttle.throttled",
      "throttle.temp_limit" },
    { "throttle.undervoltage_seen", "throttle.freq_capped_seen",
      "throttle.throttled_seen", "throttle.temp_limit_seen" },
};

struct event_counter {
    struct source source;
    struct counter counter;
};

struct throttle {
    struct source firmware; /* Raspberry Pi: all bits */
    struct source voltage;  /* Raspberry Pi: one alarm */
    struct event_counter packages[PACKAGES_MAX];
    size_t package_count;
    struct event_counter *cores; /* owned */
    size_t core_count;
    uint64_t next_cores_ns;
    bool has_looked_at_x86;
    int any, events, now[BITS], seen[BITS]; /* places */
};

static void *throttle_new(const struct sampling *sampling) {
    return mem_new(sizeof(struct throttle));
}

static void throttle_free(void *self) {
    struct throttle *throttle = self;
    source_done(&throttle->firmware);
    source_done(&throttle->voltage);
    for (size_t i = 0; i < throttle->package_count; i++)
        source_done(&throttle->packages[i].source);
    for (size_t i = 0; i < throttle->core_count; i++)
        source_done(&throttle->cores[i].source);
    free(throttle->cores);
    free(throttle);
}

/* Opens the first file that matches below /sys. */
static bool open_match(struct source *source,
                       const struct sampling *sampling,
                       const char *pattern) {
    char *path = collector_sys_path(sampling, pattern);
    glob_t found;

    source_done(source);
    if (glob(path, GLOB_NOSORT, NULL, &found) == 0) {
        source_init(source, mem_strdup(found.gl_pathv[0]));
        if (source_open(source) < 0)
            source_done(source);
        globfree(&found);
    }
    free(path);
    return source_is_open(source);
}

static bool open_firmware(struct throttle *throttle, const struct sampling *sampling) {
    return open_match(&throttle->firmware, sampling,
                      "devices/platform/soc/soc:firmware/get_throttled") ||
           open_match(&throttle->firmware, sampling,
                      "devices/platform/soc*/*firmware*/get_throttled");
}

static bool open_voltage(struct throttle *throttle, const struct sampling *sampling) {
    struct folder chips;
    char name[16];

    char *path = collector_sys_path(sampling, "class/hwmon");
    folder_list(&chips, path, "hwmon*");
    for (size_t i = 0; i < chips.count && !source_is_open(&throttle->voltage); i++) {
        char *name_path = mem_printf("%s/%s/name", path, chips.names[i]);
        if (source_peek(name_path, name, sizeof(name)) == 0 &&
            strcmp(name, "rpi_volt") == 0) {
            source_done(&throttle->voltage);
            source_init(&throttle->voltage,
                        mem_printf("%s/%s/in0_lcrit_alarm", path, chips.names[i]));
            source_open(&throttle->voltage);
        }
        free(name_path);
    }
    free(path);
    folder_done(&chips);
    return source_is_open(&throttle->voltage);
}

static bool open_counter(struct event_counter *counter, char *path) {
    source_init(&counter->source, path);
    if (source_open(&counter->source) == 0)
        return true;
    source_done(&counter->source);
    return false;
}

/* The package of a core, -1 when it does not say. */
static int64_t package_of(const char *core_path) {
    char text[16];
    char *path = mem_printf("%s/topology/physical_package_id", core_path);
    int r = source_peek(path, text, sizeof(text));
    free(path);
    return r < 0 ? -1 : strtol(text, NULL, 10);
}

static void add_core(struct throttle *throttle, const char *path, uint64_t *packages) {
    int64_t package = package_of(path);
    struct event_counter *next = &throttle->cores[throttle->core_count];

    if (throttle->core_count < CORES_MAX &&
        open_counter(next, mem_printf("%s/thermal_throttle/core_throttle_count", path)))
        throttle->core_count++;
    if (package < 0 || package >= 64 || *packages & UINT64_C(1) << package ||
        throttle->package_count == PACKAGES_MAX)
        return;
    if (open_counter(&throttle->packages[throttle->package_count],
                     mem_printf("%s/thermal_throttle/package_throttle_count", path))) {
        throttle->package_count++;
        *packages |= UINT64_C(1) << package;
    }
}

static void open_counters(struct throttle *throttle, const struct sampling *sampling) {
    struct folder cores;
    uint64_t packages = 0;

    char *path = collector_sys_path(sampling, "devices/system/cpu");
    folder_list(&cores, path, "cpu[0-9]*");
    throttle->cores = mem_new_array(CORES_MAX + 1, sizeof(*throttle->cores));
    for (size_t i = 0; i < cores.count; i++) {
        char *core_path = mem_printf("%s/%s", path, cores.names[i]);
        add_core(throttle, core_path, &packages);
        free(core_path);
    }
    folder_done(&cores);
    free(path);
}

static bool throttle_scan(void *self, struct sampling *sampling) {
    struct throttle *throttle = self;
    bool has_changed = false;

    if (!source_is_open(&throttle->firmware))
        has_changed = open_firmware(throttle, sampling);
    if (!source_is_open(&throttle->firmware) && !source_is_open(&throttle->voltage))
        has_changed |= open_voltage(throttle, sampling);
    if (!throttle->has_looked_at_x86) {
        throttle->has_looked_at_x86 = true;
        open_counters(throttle, sampling);
        has_changed |= throttle->package_count + throttle->core_count > 0;
    }
    return has_changed;
}

static bool has_counters(const struct throttle *throttle) {
    return throttle->package_count + throttle->core_count > 0;
}

static void throttle_declare(void *self, struct sampling *sampling) {
    struct throttle *throttle = self;
    bool has_bits = source_is_open(&throttle->firmware);
    bool has_alarm = source_is_open(&throttle->voltage);

    throttle->any = throttle->events = -1;
    if (has_bits || has_alarm || has_counters(throttle))
        throttle->any = collector_add(sampling, "throttle", NULL);
    if (has_counters(throttle))
        throttle->events = collector_add(sampling, "throttle.events", NULL);
    for (size_t i = 0; i < BITS; i++) {
        bool is_told = has_bits || (has_alarm && i == BIT_UNDERVOLTAGE);
        throttle->now[i] = is_told ? collector_add(sampling, bit_names[0][i], NULL) : -1;
        throttle->seen[i] =
            has_bits ? collector_add(sampling, bit_names[1][i], NULL) : -1;
    }
}

/* "50005" or "throttled=0x50005"; what is no such number is no bit. */
static uint32_t parse_bits(const char *text) {
    text_skip(&text, "throttled=");
    return (uint32_t)strtoul(text, NULL, 16);
}

/* Sets the bits; returns whether one of now is set. */
static bool take_bits(struct throttle *throttle, struct sampling *sampling) {
    if (source_read(&throttle->firmware, &sampling->page) < 0)
        return false;
    uint32_t bits = parse_bits(sampling->page.text);
    for (unsigned i = 0; i < BITS; i++) {
        collector_set(sampling, throttle->now[i], bits >> i & 1);
        collector_set(sampling, throttle->seen[i], bits >> (16 + i) & 1);
    }
    return bits & 0xf;
}

static bool take_alarm(struct throttle *throttle, struct sampling *sampling) {
    int64_t alarm = 0;

    if (source_read_number(&throttle->voltage, &alarm) < 0)
        return false;
    collector_set(sampling, throttle->now[BIT_UNDERVOLTAGE], alarm != 0);
    return alarm != 0;
}

static uint64_t count_events(struct event_counter *counters, size_t count) {
    uint64_t sum = 0, by;
    int64_t number;

    for (size_t i = 0; i < count; i++)
        if (source_read_number(&counters[i].source, &number) == 0 && number >= 0 &&
            collector_grew(&counters[i].counter, (uint64_t)number, &by))
            sum += by;
    return sum;
}

static void throttle_take(void *self, struct sampling *sampling) {
    struct throttle *throttle = self;
    bool is_slowed = false;

    if (throttle->any < 0)
        return;
    if (source_is_open(&throttle->firmware))
        is_slowed |= take_bits(throttle, sampling);
    else if (source_is_open(&throttle->voltage))
        is_slowed |= take_alarm(throttle, sampling);
    if (has_counters(throttle)) {
        uint64_t events = count_events(throttle->packages, throttle->package_count);
        if (collector_is_due(sampling, &throttle->next_cores_ns, CORES_EVERY_S))
            events += count_events(throttle->cores, throttle->core_count);
        collector_set(sampling, throttle->events, (int64_t)events);
        is_slowed |= events > 0;
    }
    collector_set(sampling, throttle->any, is_slowed);
}

const struct collector throttle_collector = {
    .new = throttle_new,
    .free = throttle_free,
    .scan = throttle_scan,
    .declare = throttle_declare,
    .take = throttle_take,
};
