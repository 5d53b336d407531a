/*
 * power - batteries and the mains, from /sys/class/power_supply
 *
 * Batteries of mice and keyboards (scope "Device") are not the host's.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collector.h"
#include "agent/collect/folder.h"
#include "agent/collect/text.h"
#include "base/mem.h"

enum {
    MAINS_EVERY_S = 5,
    BATTERY_EVERY_S = 30, /* asking an embedded controller can take 10 ms */
    SUPPLIES_MAX = 8,
};

struct supply {
    struct source level;  /* of a battery: capacity; of the mains: online */
    struct source status; /* of a battery */
    char *name;           /* owned */
    bool is_battery;
    int place;
};

struct power {
    struct supply supplies[SUPPLIES_MAX];
    size_t count;
    size_t battery_count;
    uint64_t names;
    uint64_t next_mains_ns, next_battery_ns;
    int battery, charging, mains; /* places */
};

static void *power_new(const struct sampling *sampling) {
    return mem_new(sizeof(struct power));
}

static void close_all(struct power *power) {
    for (size_t i = 0; i < power->count; i++) {
        source_done(&power->supplies[i].level);
        source_done(&power->supplies[i].status);
        free(power->supplies[i].name);
    }
    power->count = 0;
    power->battery_count = 0;
}

static void power_free(void *self) {
    close_all(self);
    free(self);
}

/* Reads a short attribute; "" when it is not there. */
static void read_attribute(const char *path,
                           const char *name,
                           char *ret_text,
                           size_t cap) {
    char *whole = mem_printf("%s/%s", path, name);
    if (source_peek(whole, ret_text, cap) < 0)
        ret_text[0] = '\0';
    free(whole);
}

static void add_supply(struct power *power, const char *path, const char *name) {
    char type[16], scope[16];

    read_attribute(path, "type", type, sizeof(type));
    read_attribute(path, "scope", scope, sizeof(scope));
    bool is_battery = strcmp(type, "Battery") == 0;
    bool is_mains = strcmp(type, "Mains") == 0 || strcmp(type, "USB") == 0 ||
                    strcmp(type, "UPS") == 0;
    if (power->count == SUPPLIES_MAX || strcmp(scope, "Device") == 0 ||
        (!is_battery && !is_mains))
        return;
    struct supply *supply = &power->supplies[power->count];
    *supply = (struct supply) { .is_battery = is_battery };
    source_init(&supply->level,
                mem_printf("%s/%s", path, is_battery ? "capacity" : "online"));
    if (source_open(&supply->level) < 0) {
        source_done(&supply->level);
        return;
    }
    if (is_battery) {
        source_init(&supply->status, mem_printf("%s/status", path));
        source_open(&supply->status);
    }
    supply->name = mem_strdup(name);
    power->battery_count += is_battery;
    power->count++;
}

static bool power_scan(void *self, struct sampling *sampling) {
    struct power *power = self;
    struct folder names;

    char *folder = collector_sys_path(sampling, "class/power_supply");
    folder_list(&names, folder, "*");
    uint64_t fingerprint = folder_fingerprint(&names);
    bool has_changed = fingerprint != power->names;
    power->names = fingerprint;
    if (has_changed) {
        close_all(power);
        for (size_t i = 0; i < names.count; i++) {
            char *path = mem_printf("%s/%s", folder, names.names[i]);
            add_supply(power, path, names.names[i]);
            free(path);
        }
        power->next_mains_ns = power->next_battery_ns = 0;
    }
    free(folder);
    folder_done(&names);
    return has_changed;
}

static void power_declare(void *self, struct sampling *sampling) {
    struct power *power = self;

    power->battery = power->charging = power->mains = -1;
    if (power->battery_count > 0) {
        power->battery = collector_add(sampling, "battery", NULL);
        power->charging = collector_add(sampling, "battery.charging", NULL);
    }
    if (power->count > power->battery_count)
        power->mains = collector_add(sampling, "power.mains", NULL);
    for (size_t i = 0; i < power->count; i++) {
        struct supply *supply = &power->supplies[i];
        supply->place = supply->is_battery && power->battery_count > 1
                            ? collector_add(sampling, "battery", supply->name)
                            : -1;
    }
}

static void take_mains(struct power *power, struct sampling *sampling) {
    int64_t online, any = 0;

    for (size_t i = 0; i < power->count; i++)
        if (!power->supplies[i].is_battery &&
            source_read_number(&power->supplies[i].level, &online) == 0)
            any |= online > 0;
    collector_set(sampling, power->mains, any);
}

static void take_batteries(struct power *power, struct sampling *sampling) {
    int64_t percent, sum = 0, count = 0;
    bool is_charging = false;

    for (size_t i = 0; i < power->count; i++) {
        struct supply *supply = &power->supplies[i];
        if (!supply->is_battery || source_read_number(&supply->level, &percent) < 0)
            continue;
        collector_set(sampling, supply->place, percent);
        sum += percent;
        count++;
        if (source_read(&supply->status, &sampling->page) == 0)
            is_charging |= strncmp(sampling->page.text, "Charging", 8) == 0;
    }
    collector_set(sampling, power->battery,
                  count ? (sum + count / 2) / count : SAMPLER_ABSENT);
    collector_set(sampling, power->charging, is_charging);
}

static void power_take(void *self, struct sampling *sampling) {
    struct power *power = self;

    if (power->mains >= 0 &&
        collector_is_due(sampling, &power->next_mains_ns, MAINS_EVERY_S))
        take_mains(power, sampling);
    if (power->battery >= 0 &&
        collector_is_due(sampling, &power->next_battery_ns, BATTERY_EVERY_S))
        take_batteries(power, sampling);
}

const struct collector power_collector = {
    .new = power_new,
    .free = power_free,
    .scan = power_scan,
    .declare = power_declare,
    .take = power_take,
};
