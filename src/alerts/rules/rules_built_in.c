#include "alerts/rules/rules_built_in.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/judge/alerts.h"
#include "alerts/rules/rule.h"
#include "base/mem.h"

static char *write_offline(const struct alerts_defaults *defaults) {
    return mem_printf("offline for %" PRIu64 "ms", defaults->offline_grace_ms);
}

static char *write_disk(const struct alerts_defaults *defaults) {
    return mem_printf("disk:* > %.17g for %" PRIu64 "ms clear %.17g",
                      defaults->disk_percent, defaults->disk_for_ms,
                      defaults->disk_clear < defaults->disk_percent
                          ? defaults->disk_clear
                          : defaults->disk_percent);
}

/* Where the kernel does not tell the pressure, little memory alone has to do. */
static char *write_memory(const struct alerts_defaults *defaults) {
    uint64_t for_ms = defaults->memory_for_ms;

    double most = 100 - defaults->memory_percent;

    return mem_printf("mem > %.17g for %" PRIu64 "ms clear %.17g and (psi.mem > 10 for "
                      "%" PRIu64 "ms clear 5 or absent(psi.mem) for %" PRIu64 "ms)",
                      most, for_ms, most > 3 ? most - 3 : most, for_ms, for_ms);
}

static char *write_temperature(const struct alerts_defaults *defaults) {
    return mem_printf("temp.cpu > %.17g for %" PRIu64
                      "ms clear %.17g or throttle = 1 for %" PRIu64 "ms",
                      defaults->temperature, defaults->temperature_for_ms,
                      defaults->temperature - 3, defaults->temperature_for_ms);
}

static char *write_unit(const struct alerts_defaults *defaults) {
    return mem_printf("unit(*) for %" PRIu64 "ms", defaults->unit_for_ms);
}

static const struct built_in {
    const char *name;
    enum incident_severity severity;
    char *(*write)(const struct alerts_defaults *defaults);
    const char *note;
} built_ins[] = {
    { "offline", INCIDENT_CRITICAL, write_offline,
      "Is it switched off, or is its network gone?" },
    { "disk", INCIDENT_WARNING, write_disk,
      "Remove what is not needed, or give it more space." },
    { "memory", INCIDENT_CRITICAL, write_memory,
      "Programs wait for memory; the kernel may end one soon." },
    { "temperature", INCIDENT_WARNING, write_temperature,
      "Look for dust, a fan that stands still, or a load that should not be." },
    { "unit", INCIDENT_WARNING, write_unit, "Its log says why: roost logs NODE UNIT." },
};

enum { BUILT_INS = sizeof(built_ins) / sizeof(built_ins[0]) };

struct rule *rules_built_in(const struct alerts_defaults *defaults, size_t at) {
    char *why = NULL;

    if (at >= BUILT_INS)
        return NULL;
    struct rule *rule = rule_new(built_ins[at].name);
    auto_(mem_freep) char *text = built_ins[at].write(defaults);
    if (rule_set_condition(rule, text, &why) != 0)
        abort(); /* settings are checked before they come here */
    auto_(mem_freep) char *shortest = rule_print_condition(rule);
    incident_set(&rule->text, shortest);
    incident_set(&rule->note, built_ins[at].note);
    rule->severity = built_ins[at].severity;
    rule->is_built_in = true;
    rule->is_disabled = defaults->is_off;
    return rule;
}

bool rules_built_in_has(const char *name) {
    for (size_t i = 0; i < BUILT_INS; i++)
        if (strcmp(built_ins[i].name, name) == 0)
            return true;
    return false;
}

void rules_built_in_defaults(struct alerts_defaults *ret_defaults) {
    *ret_defaults = (struct alerts_defaults) {
        .offline_grace_ms = 180000,
        .disk_percent = 90,
        .disk_clear = 87,
        .disk_for_ms = 600000,
        .memory_percent = 5,
        .memory_for_ms = 600000,
        .temperature = 80,
        .temperature_for_ms = 120000,
        .unit_for_ms = 120000,
    };
}
