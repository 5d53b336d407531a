/*
 * metrics_query - one Metrics.Query under way
 *
 * Checks what was asked for, asks the history, and answers when it does; forgotten when
 * the caller goes.
 */
#pragma once

#include <stddef.h>

#include "roost/v1/metrics.pb-c.h"

struct history;
struct invocation;
struct registry;
struct timekeeper;

/* What all queries share. Borrowed pointers, all outlive them. */
struct metrics_query_shared {
    struct registry *registry;
    struct history *history;
    const struct timekeeper *timekeeper;
    size_t running;
};

/* Answers the invocation, now or later. The request is lent for the call. */
void metrics_query_start(struct metrics_query_shared *shared,
                         struct invocation *invocation,
                         const Roost__V1__QueryRequest *request);
