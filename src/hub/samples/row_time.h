/*
 * row_time - where the rows of one boot of a node lie in the hub's time
 *
 * A row carries CLOCK_BOOTTIME of its host; here is the offset that makes wall time of
 * it. While the boot lasts the offset is measured: the hub's time minus boot time is too
 * large by what a row was under way, so the least of what live rows give is right. The
 * offset follows that at 500 ppm at most, so that a month's drift moves nothing and times
 * of a boot do not go back. Steps of the hub's own clock are followed exactly. An offset
 * that was kept is given up when it is two seconds more than what is measured, or a
 * quarter of a minute less: a slow link can be to blame for that, but not for so much. A
 * boot that is over is placed by what the host's wall clock said then,
 * mended by what it is wrong by now. Pure arithmetic: no clock is read here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    ROW_TIME_E_AHEAD = 1, /* of its own catalogue: the agent makes times up */
    ROW_TIME_E_OLD,       /* older than any spool */
};

/* The hub's clocks at the instant. */
struct row_time_now {
    int64_t boot_ms;
    int64_t wall_ms; /* hub_clock.h */
};

/* What a catalogue says of time. */
struct row_time_boot {
    int64_t boottime_ms; /* both clocks of the host at one instant */
    int64_t wall_ms;
    int64_t now_boottime_ms; /* of a boot that is over: its present clocks; else 0 */
    int64_t now_wall_ms;
    int64_t interval_ms;
};

/* A plain value. */
struct row_time {
    struct row_time_boot boot;
    int64_t offset_us;        /* wall time minus boot time of the host, for placing */
    struct row_time_now last; /* the hub's clocks when something came last */
    int64_t slewed_ms;        /* boot time of the host up to which it was moved */
    int64_t heard_ms;         /* boot time of the hub when the catalogue came */
    int64_t least_ms;         /* least of hub's minus host's boot time: in this window */
    int64_t least_old_ms;     /* in the one before */
    int64_t window_ms;        /* boot time of the hub when this window began */
    int64_t limit_ms;         /* of a boot that is over: it ended before */
    unsigned live_rows;       /* seen so far, counted to a few */
    bool is_over;
};

struct row_time_place {
    int64_t wall_ms;
    bool is_live; /* of now, not of a spool */
};

/* Begins with a catalogue; known_ms is the offset that was kept of this boot, or NULL. */
void row_time_init(struct row_time *time,
                   const struct row_time_boot *boot,
                   const struct row_time_now *now,
                   const int64_t *known_ms);

/* Places a row by its boot time, learning from it: 0 or ROW_TIME_E_*. */
int row_time_place(struct row_time *time,
                   const struct row_time_now *now,
                   uint64_t boottime_ms,
                   struct row_time_place *ret_place);

/* The offset as it is to be kept. */
int64_t row_time_offset_ms(const struct row_time *time);
