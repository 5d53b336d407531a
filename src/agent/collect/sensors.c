/*
 * sensors - temperatures and fans, from hwmon and thermal zones
 *
 * A zone that the kernel also shows as hwmon is taken once. Which sensor is the
 * processor's is a table of what chips call it; those of the best rank that is there are
 * read on every tick, the others more seldom, because some sit behind a slow bus.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collector.h"
#include "agent/collect/folder.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    EVERY_S = 10,
    SENSORS_MAX = 32,
    LABEL_MAX = 80,
    TEMP_MIN = -100000, /* thousandths; chips say -128 or 255 for "nothing connected" */
    TEMP_MAX = 200000,
};

/* What the processor's sensor is called, the best first. */
static const char *const processor_labels[] = {
    "coretemp.package_id_*,coretemp.physical_id_*",
    "k10temp.tdie,zenpower.tdie",
    "k10temp.tctl,zenpower.tctl",
    "k10temp*,zenpower*",
    "cpu_thermal*",
    "x86_pkg_temp*",
    "coretemp*,via_cputemp*",
    "cpu*,bigcore*,package_thermal*",
    "soc_thermal*,soc*,armada_thermal*",
    "*.cpu*,*.tctl,*.tdie",
    "acpitz*",
};

enum { RANKS = sizeof(processor_labels) / sizeof(processor_labels[0]) };

struct sensor {
    struct source input;
    char label[LABEL_MAX];
    bool is_fan;
    bool is_hidden; /* one of many cores: no series of its own */
    size_t rank;    /* RANKS: not the processor's */
    int place;
};

struct sensors {
    struct sensor *sensors; /* owned */
    size_t count;
    size_t best; /* rank of the processor's sensors; RANKS: there is none */
    uint64_t names;
    uint64_t next_ns;
    int cpu; /* place */
};

static void *sensors_new(const struct sampling *sampling) {
    struct sensors *sensors = mem_new(sizeof(*sensors));
    sensors->best = RANKS;
    return sensors;
}

static void close_all(struct sensors *sensors) {
    for (size_t i = 0; i < sensors->count; i++)
        source_done(&sensors->sensors[i].input);
    free(sensors->sensors);
    sensors->sensors = NULL;
    sensors->count = 0;
    sensors->best = RANKS;
}

static void sensors_free(void *self) {
    close_all(self);
    free(self);
}

/* Lower case; what is no letter, digit, point or dash becomes an underscore. */
static void tidy(char *label) {
    for (char *c = label; *c; c++) {
        unsigned char plain = (unsigned char)tolower((unsigned char)*c);
        bool is_fine = (plain >= 'a' && plain <= 'z') || (plain >= '0' && plain <= '9') ||
                       plain == '.';
        *c = is_fine ? (char)plain : '_';
    }
}

static bool is_taken(const struct sensors *sensors, const char *label, bool is_fan) {
    for (size_t i = 0; i < sensors->count; i++)
        if (sensors->sensors[i].is_fan == is_fan &&
            strcmp(sensors->sensors[i].label, label) == 0)
            return true;
    return false;
}

static size_t rank_of(const char *label) {
    size_t rank = 0;

    while (rank < RANKS && !text_list_matches(processor_labels[rank], label))
        rank++;
    return rank;
}

/* Takes the path. A second sensor of the same label gets "-2" after it. */
static void add_sensor(struct sensors *sensors,
                       char *path,
                       const char *label,
                       bool is_fan) {
    struct sensor sensor = { .is_fan = is_fan, .rank = is_fan ? RANKS : rank_of(label) };

    source_init(&sensor.input, path);
    snprintf(sensor.label, sizeof(sensor.label), "%s", label);
    for (int i = 2; is_taken(sensors, sensor.label, is_fan) && i < SENSORS_MAX; i++)
        snprintf(sensor.label, sizeof(sensor.label), "%.70s-%d", label, i);
    sensor.is_hidden = text_list_matches("coretemp.core_*", label);
    if (source_open(&sensor.input) < 0) {
        source_done(&sensor.input);
        return;
    }
    if (sensor.rank < sensors->best)
        sensors->best = sensor.rank;
    sensors->sensors =
        mem_grow(sensors->sensors, (sensors->count + 1) * sizeof(*sensors->sensors));
    sensors->sensors[sensors->count++] = sensor;
}

/* "coretemp" and "Package id 0" give "coretemp.package_id_0". */
static void label_of(const char *chip_path,
                     const char *chip,
                     const char *input,
                     char ret_label[static LABEL_MAX]) {
    char text[40];
    size_t stem = strlen(input) - strlen("_input");
    char *path = mem_printf("%s/%.*s_label", chip_path, (int)stem, input);

    if (source_peek(path, text, sizeof(text)) == 0 && text[0])
        snprintf(ret_label, LABEL_MAX, "%.38s.%s", chip, text);
    else
        snprintf(ret_label, LABEL_MAX, "%.38s", chip);
    free(path);
    tidy(ret_label);
}

static void add_chip(struct sensors *sensors, const char *path) {
    static const char *const patterns[] = { "temp*_input", "fan*_input" };
    char chip[40], label[LABEL_MAX];
    struct folder inputs;

    char *name = mem_printf("%s/name", path);
    int r = source_peek(name, chip, sizeof(chip));
    free(name);
    if (r < 0)
        return;
    for (size_t kind = 0; kind < 2; kind++) {
        folder_list(&inputs, path, patterns[kind]);
        for (size_t i = 0; i < inputs.count; i++) {
            label_of(path, chip, inputs.names[i], label);
            add_sensor(sensors, mem_printf("%s/%s", path, inputs.names[i]), label, kind);
        }
        folder_done(&inputs);
    }
}

static void add_zone(struct sensors *sensors, const char *path) {
    char type[40];

    char *name = mem_printf("%s/type", path);
    int r = source_peek(name, type, sizeof(type));
    free(name);
    if (r < 0)
        return;
    tidy(type);
    if (!is_taken(sensors, type, false))
        add_sensor(sensors, mem_printf("%s/temp", path), type, false);
}

static void drop(struct sensors *sensors, size_t place) {
    source_done(&sensors->sensors[place].input);
    sensors->count--;
    memmove(&sensors->sensors[place], &sensors->sensors[place + 1],
            (sensors->count - place) * sizeof(*sensors->sensors));
}

/* Keeps what will be shown or tells the processor's heat, and no more than fits. */
static void thin_out(struct sensors *sensors) {
    size_t shown = 0;

    for (size_t i = 0; i < sensors->count;) {
        const struct sensor *sensor = &sensors->sensors[i];
        bool is_best = sensor->rank < RANKS && sensor->rank == sensors->best;
        if (sensor->is_hidden ? !is_best : !is_best && shown >= SENSORS_MAX) {
            drop(sensors, i);
            continue;
        }
        shown += !sensor->is_hidden;
        i++;
    }
}

static void list_folders(const struct sampling *sampling,
                         struct folder *ret_chips,
                         struct folder *ret_zones) {
    char *path = collector_sys_path(sampling, "class/hwmon");
    folder_list(ret_chips, path, "hwmon*");
    free(path);
    path = collector_sys_path(sampling, "class/thermal");
    folder_list(ret_zones, path, "thermal_zone*");
    free(path);
}

static bool is_any_closed(const struct sensors *sensors) {
    for (size_t i = 0; i < sensors->count; i++)
        if (!source_is_open(&sensors->sensors[i].input))
            return true;
    return false;
}

static bool sensors_scan(void *self, struct sampling *sampling) {
    struct sensors *sensors = self;
    struct folder chips, zones;

    list_folders(sampling, &chips, &zones);
    uint64_t names = folder_fingerprint(&chips) ^ folder_fingerprint(&zones) << 1;
    bool has_changed = names != sensors->names || is_any_closed(sensors);
    sensors->names = names;
    if (has_changed) {
        close_all(sensors);
        for (size_t i = 0; i < chips.count; i++) {
            char *path =
                mem_printf("%s/class/hwmon/%s", sampling->config.sys, chips.names[i]);
            add_chip(sensors, path);
            free(path);
        }
        for (size_t i = 0; i < zones.count; i++) {
            char *path =
                mem_printf("%s/class/thermal/%s", sampling->config.sys, zones.names[i]);
            add_zone(sensors, path);
            free(path);
        }
        thin_out(sensors);
        sensors->next_ns = 0;
    }
    folder_done(&chips);
    folder_done(&zones);
    return has_changed;
}

static void sensors_declare(void *self, struct sampling *sampling) {
    struct sensors *sensors = self;

    sensors->cpu = sensors->best < RANKS ? collector_add(sampling, "temp.cpu", NULL) : -1;
    for (size_t i = 0; i < sensors->count; i++) {
        struct sensor *sensor = &sensors->sensors[i];
        sensor->place = -1;
        if (!sensor->is_hidden)
            sensor->place =
                collector_add(sampling, sensor->is_fan ? "fan" : "temp", sensor->label);
    }
}

static int64_t read_sensor(struct sensor *sensor) {
    int64_t raw;

    if (source_read_number(&sensor->input, &raw) < 0)
        return SAMPLER_ABSENT;
    if (sensor->is_fan)
        return raw >= 0 && raw < 1000000 ? raw : SAMPLER_ABSENT;
    if (raw < TEMP_MIN || raw > TEMP_MAX)
        return SAMPLER_ABSENT;
    return (raw + (raw < 0 ? -50 : 50)) / 100;
}

static void sensors_take(void *self, struct sampling *sampling) {
    struct sensors *sensors = self;
    int64_t hottest = SAMPLER_ABSENT; /* which is less than any */

    if (sensors->count == 0)
        return;
    bool is_due = collector_is_due(sampling, &sensors->next_ns, EVERY_S);
    for (size_t i = 0; i < sensors->count; i++) {
        struct sensor *sensor = &sensors->sensors[i];
        bool is_best = sensor->rank < RANKS && sensor->rank == sensors->best;
        if (!is_best && !is_due)
            continue;
        int64_t value = read_sensor(sensor);
        collector_set(sampling, sensor->place, value);
        if (is_best && value > hottest)
            hottest = value;
    }
    collector_set(sampling, sensors->cpu, hottest);
}

const struct collector sensors_collector = {
    .new = sensors_new,
    .free = sensors_free,
    .scan = sensors_scan,
    .declare = sensors_declare,
    .take = sensors_take,
};
