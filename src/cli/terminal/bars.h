/*
 * bars - small pictures made of characters
 *
 * Bars of eighths and sparklines where the locale is UTF-8, '#' and digits elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { BARS_HISTORY = 240 }; /* values a history keeps: the widest sparkline */

/* The last values of one metric; zero it. */
struct bars_history {
    double values[BARS_HISTORY];
    size_t count;
    size_t next;
};

void bars_history_add(struct bars_history *history, double value);

/* Appends a bar of `columns` for a share of 0 to 1. */
void bars_add(struct buf *out, double share, size_t columns, bool unicode);

/* Appends the newest values as a sparkline of exactly `columns`, oldest first, padded on
 * the left. top is the full height; 0: the largest value shown. */
void bars_add_spark(struct buf *out,
                    const struct bars_history *history,
                    double top,
                    size_t columns,
                    bool unicode);
