#include "hub/hub_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_US = 2000000,    /* more is a step; a bad NTP server is off by less */
    HOLD_MS = 15 * 60000, /* a mistake of a person is mended within that time */
    SLEW_DIVISOR = 2,     /* 500 ppm: a microsecond in two milliseconds */
    NO_STEP = -1,
    NUMBERS = 5, /* behind the boot id in what is kept */
};

/* Kept times beyond this (the year 2200) were not written by us. */
static const int64_t time_max_ms = INT64_C(7258118400000);

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static int64_t floor_ms(int64_t us) {
    return us / 1000 - (us % 1000 < 0 ? 1 : 0);
}

static int64_t offset_at(const struct hub_clock *clock, int64_t boot_ms) {
    int64_t room =
        boot_ms > clock->base_ms ? (boot_ms - clock->base_ms) / SLEW_DIVISOR : 0;
    return clock->offset_us + clamp(clock->target_us - clock->offset_us, -room, room);
}

static void anchor(struct hub_clock *clock, int64_t offset_us, int64_t boot_ms) {
    clock->offset_us = offset_us;
    clock->target_us = offset_us;
    clock->base_ms = boot_ms;
}

static bool take_number(const char **at, int64_t *ret_number) {
    char *end;

    if (**at != ' ')
        return false;
    errno = 0;
    *ret_number = strtoll(*at + 1, &end, 10);
    if (errno != 0 || end == *at + 1)
        return false;
    *at = end;
    return true;
}

static bool is_time(int64_t ms) {
    return ms >= -time_max_ms && ms <= time_max_ms;
}

/* What hub_clock_print() wrote: false when it is nothing of that kind. */
static bool read_kept(const char *text, struct hub_clock *ret_kept, int64_t *ret_now_ms) {
    int64_t numbers[NUMBERS];

    if (!text || strncmp(text, "1 ", 2) != 0)
        return false;
    size_t len = strcspn(text + 2, " ");
    if (len > HUB_CLOCK_BOOT_LEN)
        return false;
    memcpy(ret_kept->boot_id, text + 2, len);
    ret_kept->boot_id[len] = '\0';
    const char *at = text + 2 + len;
    for (int i = 0; i < NUMBERS; i++)
        if (!take_number(&at, &numbers[i]))
            return false;
    if (*at != '\0' || !is_time(numbers[0] / 1000) || !is_time(numbers[4]) ||
        numbers[4] < 0)
        return false;
    ret_kept->offset_us = numbers[0];
    ret_kept->is_synchronised = numbers[1] != 0;
    ret_kept->step_us = numbers[2];
    ret_kept->step_since_ms = numbers[3];
    *ret_now_ms = numbers[4];
    return true;
}

void hub_clock_init(struct hub_clock *clock,
                    const char *boot_id,
                    const char *kept,
                    const struct hub_clock_reading *reading) {
    struct hub_clock before = { 0 };
    int64_t wall_ms = reading->wall_ms, kept_ms;

    bool is_kept = read_kept(kept, &before, &kept_ms);
    *clock = (struct hub_clock) { .step_since_ms = NO_STEP };
    snprintf(clock->boot_id, sizeof(clock->boot_id), "%s", boot_id);
    if (is_kept && strcmp(before.boot_id, boot_id) == 0) {
        anchor(clock, before.offset_us, reading->boot_ms);
        clock->is_synchronised = before.is_synchronised;
        clock->step_us = before.step_us;
        if (before.step_since_ms >= 0 && before.step_since_ms <= reading->boot_ms)
            clock->step_since_ms = before.step_since_ms;
        return;
    }
    if (is_kept && !reading->is_synchronised && wall_ms < kept_ms)
        wall_ms = kept_ms;
    anchor(clock, (wall_ms - reading->boot_ms) * 1000, reading->boot_ms);
    clock->is_synchronised = reading->is_synchronised;
}

int64_t hub_clock_at(const struct hub_clock *clock, int64_t boot_ms) {
    return boot_ms + floor_ms(offset_at(clock, boot_ms));
}

static bool is_near(int64_t us, int64_t other_us) {
    int64_t gap = us - other_us;
    return gap <= STEP_US && gap >= -STEP_US;
}

static enum hub_clock_news watch_step(struct hub_clock *clock,
                                      const struct hub_clock_reading *reading,
                                      int64_t wall_us) {
    bool is_mended = reading->is_synchronised && !clock->is_synchronised;
    bool is_new = clock->step_since_ms == NO_STEP || !is_near(wall_us, clock->step_us);

    if (is_new)
        clock->step_since_ms = reading->boot_ms;
    clock->step_us = wall_us;
    if (!is_mended && reading->boot_ms - clock->step_since_ms < HOLD_MS)
        return is_new ? HUB_CLOCK_STEPPED : HUB_CLOCK_STEADY;
    anchor(clock, wall_us, reading->boot_ms);
    clock->step_since_ms = NO_STEP;
    clock->is_synchronised = reading->is_synchronised;
    return HUB_CLOCK_FOLLOWED;
}

enum hub_clock_news hub_clock_observe(struct hub_clock *clock,
                                      const struct hub_clock_reading *reading,
                                      int64_t *ret_by_ms) {
    int64_t wall_us = (reading->wall_ms - reading->boot_ms) * 1000;

    clock->offset_us = offset_at(clock, reading->boot_ms);
    clock->base_ms = reading->boot_ms;
    *ret_by_ms = (wall_us - clock->offset_us) / 1000;
    if (!is_near(wall_us, clock->offset_us))
        return watch_step(clock, reading, wall_us);
    bool has_returned = clock->step_since_ms != NO_STEP;
    clock->target_us = wall_us;
    clock->step_since_ms = NO_STEP;
    if (reading->is_synchronised)
        clock->is_synchronised = true;
    return has_returned ? HUB_CLOCK_RETURNED : HUB_CLOCK_STEADY;
}

void hub_clock_print(const struct hub_clock *clock,
                     int64_t boot_ms,
                     char ret_text[static HUB_CLOCK_TEXT_LEN]) {
    snprintf(ret_text, HUB_CLOCK_TEXT_LEN,
             "1 %s %" PRId64 " %u %" PRId64 " %" PRId64 " %" PRId64,
             clock->boot_id[0] ? clock->boot_id : "-", offset_at(clock, boot_ms),
             clock->is_synchronised ? 1u : 0u, clock->step_us, clock->step_since_ms,
             hub_clock_at(clock, boot_ms));
}
