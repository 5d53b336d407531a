#include "hub/metrics/prometheus.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/metric.h"

struct unit {
    const char *ours;
    const char *theirs;
    double factor;
};

/* Prometheus writes units out, and wants them without prefixes. */
static const struct unit units[] = {
    { "%", "percent", 1 },     { "By", "bytes", 1 },    { "By/s", "bytes_per_second", 1 },
    { "/s", "per_second", 1 }, { "Cel", "celsius", 1 }, { "s", "seconds", 1 },
    { "ms", "seconds", 1e-3 }, { "W", "watts", 1 },     { "Hz", "hertz", 1 },
    { "RPM", "rpm", 1 },       { "", NULL, 1 }, /* any other */
};

static const struct unit *unit_of(const char *unit) {
    const struct unit *at = units;

    while (at->theirs && strcmp(at->ours, unit) != 0)
        at++;
    return at;
}

/* What is no letter or digit becomes "_". */
static void add_word(char *name, const char *word, size_t len) {
    size_t at = strlen(name);

    for (size_t i = 0; i < len && at + 1 < PROMETHEUS_NAME_LEN; i++) {
        unsigned char c = (unsigned char)word[i];
        name[at++] = isalnum(c) && c < 0x80 ? (char)c : '_';
    }
    name[at] = '\0';
}

static void add_text(char *name, const char *text) {
    add_word(name, text, strlen(text));
}

/* "_count" would be a histogram's. */
static void add_metric(char *name, const char *metric, size_t len) {
    static const char count[] = ".count";
    size_t cut = sizeof(count) - 1;
    bool counts = len > cut && strncmp(metric + len - cut, count, cut) == 0;

    add_word(name, metric, counts ? len - cut : len);
    if (counts)
        add_text(name, "s");
}

static void set_label(struct prometheus_name *name, const struct metric *metric) {
    const char *word = metric && metric->object ? metric->object : "object";
    size_t i = 0;

    for (; word[i] && i + 1 < sizeof(name->label); i++)
        name->label[i] = (char)tolower((unsigned char)word[i]);
    name->label[i] = '\0';
}

void prometheus_name(const char *series, const char *unit, struct prometheus_name *ret) {
    const struct metric *metric = metric_find(series);
    const struct unit *words = unit_of(unit);
    size_t len = strcspn(series, ":");

    *ret = (struct prometheus_name) {
        .name = "roost_",
        .object = series[len] ? series + len + 1 : NULL,
        .unit = words->theirs,
        .factor = words->factor,
        .help = metric ? metric->meaning : "Of this node's agent alone",
    };
    add_metric(ret->name, series, len);
    if (ret->object) {
        set_label(ret, metric);
        add_text(ret->name, "_by_");
        add_text(ret->name, ret->label);
    }
    if (ret->unit) {
        add_text(ret->name, "_");
        add_text(ret->name, ret->unit);
    }
}
