/*
 * panel - the main metrics of one node, a line each
 *
 * Label, bar, value, what belongs to it ("1.2 GiB of 3.8 GiB"), and in `watch` a
 * sparkline of this session. Lines of metrics that the node does not have are left out.
 */
#pragma once

#include <stdbool.h>

#include "cli/nodes/values.h"
#include "cli/terminal/bars.h"
#include "cli/terminal/table.h"

enum { PANEL_LINES_MAX = 24 };

/* What was seen so far; zero it. */
struct panel_history {
    struct bars_history lines[PANEL_LINES_MAX];
};

/* Adds the values to the history. */
void panel_remember(struct panel_history *history, const struct values *values);

/* A table of the lines. With a history, each has a sparkline that wide. */
struct table *panel_make(const struct terminal *terminal,
                         const struct values *values,
                         const struct panel_history *history,
                         size_t spark_columns);

/* Green, yellow or red, for a percentage or a temperature; plain for other units. */
enum terminal_colour panel_colour(const struct value *value);
