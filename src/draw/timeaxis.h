/*
 * timeaxis - the ticks of a time axis in somebody's time zone
 *
 * Two rows: times or dates at whole steps of the local clock and calendar, and below them
 * what they belong to (the day of a time, the year of a month) where it changes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone;

enum {
    TIMEAXIS_TICKS_MAX = 64,
    TIMEAXIS_MINOR_MAX = 128,
    TIMEAXIS_TEXT_LEN = 32,
    TIMEAXIS_PERIOD_LEN = 96,
};

struct timeaxis_tick {
    int64_t at_ms;
    bool is_turn; /* a day begins here among times, a year among dates */
    char text[TIMEAXIS_TEXT_LEN];
    char below[TIMEAXIS_TEXT_LEN]; /* "" where nothing changes */
};

struct timeaxis {
    struct timeaxis_tick ticks[TIMEAXIS_TICKS_MAX];
    size_t count;
    int64_t
        minor_ms[TIMEAXIS_MINOR_MAX]; /* finer steps between the ticks, without words */
    size_t minor_count;
    char first_below[TIMEAXIS_TEXT_LEN]; /* what holds at the left edge; "" for nothing */
};

/*
 * Makes the ticks between two instants: the smallest step that gives at most ticks_max.
 * Steps that fall into the skipped hour of summer time are left out.
 */
void timeaxis_make(const struct zone *zone,
                   int64_t since_ms,
                   int64_t until_ms,
                   size_t ticks_max,
                   struct timeaxis *ret_axis);

/* Writes the period as a title says it: "Fri 20 Nov 18:00 – Sat 21 Nov 2026 18:00 CET".
 */
void timeaxis_print_period(const struct zone *zone,
                           int64_t since_ms,
                           int64_t until_ms,
                           char ret_text[static TIMEAXIS_PERIOD_LEN]);
