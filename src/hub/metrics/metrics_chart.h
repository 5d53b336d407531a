/*
 * metrics_chart - one Metrics.Chart under way
 *
 * Checks what was asked for, asks the history, has a painter draw what it answers, and
 * replies with the picture. When the caller goes, so does the work.
 */
#pragma once

#include <stddef.h>

#include "roost/v1/metrics.pb-c.h"

struct history;
struct invocation;
struct painters;
struct registry;
struct timekeeper;

/* What all charts share. Borrowed pointers, all outlive them. */
struct metrics_chart_shared {
    struct registry *registry;
    struct history *history;
    struct painters *painters;
    const struct timekeeper *timekeeper;
    size_t running;
};

/* Answers the invocation, now or later. The request is lent for the call. */
void metrics_chart_start(struct metrics_chart_shared *shared,
                         struct invocation *invocation,
                         const Roost__V1__ChartRequest *request);
