/*
 * stability_chart - a stability test's picture: round trips over time, outages hatched
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct painters;
struct stability_chart;

struct stability_chart_config {
    const char *title;    /* copied */
    const char *subtitle; /* copied */
    int64_t started_ms;
    unsigned interval_ms;
    unsigned outage_ms;   /* a longer silence is hatched */
    const float *rtts_ms; /* copied; negative: lost */
    size_t count;
    /* The picture, lent; or result is -errno. Once, later, unless it was forgotten. */
    void (*on_painted)(void *arg, int result, struct slice png);
    void *arg; /* borrowed: until on_painted or stability_chart_forget() */
};

/* NULL: the painters have too much to do. */
struct stability_chart *stability_chart_start(
    struct painters *painters, const struct stability_chart_config *config);

/* Nobody waits any more. NULL is fine; always returns NULL. */
struct stability_chart *stability_chart_forget(struct stability_chart *chart);
