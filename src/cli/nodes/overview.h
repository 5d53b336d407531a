/*
 * overview - a table of nodes with the figures that matter most
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/nodes/values.h"
#include "cli/terminal/table.h"

/* One node; everything is borrowed from the caller. */
struct overview_row {
    const char *name;
    const char *title; /* may be NULL */
    const struct values *values;
    bool online;
    bool chosen;     /* marked */
    int64_t seen_ms; /* when it was last heard of; -1: never */
};

/* The table of these rows. metrics: the names of the columns, NULL-terminated; NULL: the
 * usual ones. */
struct table *overview_make(const struct terminal *terminal,
                            const struct overview_row *rows,
                            size_t count,
                            const char *const *metrics,
                            int64_t now_ms);
