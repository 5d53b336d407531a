/*
 * metric - what the names of metrics mean
 *
 * One table says for each metric its unit, scale, meaning and the older names that a
 * person may still type. A series is a metric, or a metric and what it was measured on:
 * "net.rx" and "net.rx:eth0". docs/metrics.md is this table (the test compares them).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum metric_kind {
    METRIC_GAUGE, /* a level: may rise and fall */
    METRIC_RATE,  /* per second, over the time since the sample before */
    METRIC_FACT,  /* changes only when the host is changed */
    METRIC_STATE, /* 0 or 1 */
};

struct metric {
    const char *name;
    const char *unit;   /* as in MetricInfo of the API: "%", "By", "By/s", "Cel" */
    uint8_t scale;      /* values are integers times 10^-scale */
    uint8_t kind;       /* enum metric_kind */
    const char *object; /* what may follow a colon: "interface"; NULL: nothing may */
    const char *older;  /* older names, parted by spaces; NULL: none */
    const char *meaning;
};

/* The row at this place of the table, NULL past its end. */
const struct metric *metric_at(size_t place);

/* The row of a series name, without regard to what follows a colon; NULL: unknown. */
const struct metric *metric_find(const char *series);

/* The name for what a person typed: an older name gives today's, the rest itself. */
const char *metric_resolve(const char *typed);

/* The word for a kind: "level", "rate", "fact", "state". */
const char *metric_kind_word(uint8_t kind);
