/*
 * hub_clock - the hub's own wall time, which does not jump
 *
 * Samples of a year are placed by this clock, so a step of the system's wall clock must
 * not move it at once: it is CLOCK_BOOTTIME plus an offset. A small difference to the
 * wall clock is made up for at 500 ppm at most, so time never goes back. A step is
 * followed when it has held for a quarter of an hour, or at once when the kernel's clock
 * was not synchronised (by NTP, say) when the offset was found and is now. Pure
 * arithmetic: no clock is read here, timekeeper.h does.
 *
 *   steady <--difference <= 2 s-- stepped --held 15 min, or synchronised--> followed
 *      \______difference > 2 s_____/                                        = steady
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    HUB_CLOCK_BOOT_LEN = 36, /* a boot id with its dashes */
    HUB_CLOCK_TEXT_LEN = 192,
};

/* The system's clocks at one instant. */
struct hub_clock_reading {
    int64_t wall_ms;
    int64_t boot_ms;      /* CLOCK_BOOTTIME */
    bool is_synchronised; /* as the kernel says of the wall clock */
};

/* A plain value. */
struct hub_clock {
    char boot_id[HUB_CLOCK_BOOT_LEN + 1];
    int64_t offset_us;     /* wall time minus boot time, as it was at base_ms */
    int64_t target_us;     /* what it moves to */
    int64_t base_ms;       /* boot time */
    int64_t step_us;       /* the offset after a step that is not followed yet */
    int64_t step_since_ms; /* boot time; -1: there is none */
    bool is_synchronised;  /* the offset was found with a synchronised clock */
};

/* What a reading changed. */
enum hub_clock_news {
    HUB_CLOCK_STEADY,
    HUB_CLOCK_STEPPED,  /* the wall clock has gone elsewhere; not followed yet */
    HUB_CLOCK_RETURNED, /* it has come back by itself */
    HUB_CLOCK_FOLLOWED, /* this clock has gone there too: samples that come do as well */
};

/*
 * Starts with what was kept (hub_clock_print(); NULL or anything else: nothing). In the
 * same boot time goes on as it was; in another one it begins with the wall clock, but,
 * unless that is synchronised, not before the time that was kept.
 */
void hub_clock_init(struct hub_clock *clock,
                    const char *boot_id,
                    const char *kept,
                    const struct hub_clock_reading *reading);

/* The hub's time at that boot time; does not go back while boot time does not, except
 * with HUB_CLOCK_FOLLOWED. */
int64_t hub_clock_at(const struct hub_clock *clock, int64_t boot_ms);

/* Takes a reading, to be done every few seconds. *ret_by_ms is how far the wall clock is
 * ahead of this one (before it was followed). */
enum hub_clock_news hub_clock_observe(struct hub_clock *clock,
                                      const struct hub_clock_reading *reading,
                                      int64_t *ret_by_ms);

/* What a later start goes on with. */
void hub_clock_print(const struct hub_clock *clock,
                     int64_t boot_ms,
                     char ret_text[static HUB_CLOCK_TEXT_LEN]);
