/*
 * quiet - hours of the day and times of the week, in a time zone
 *
 *   quiet hours   HH:MM-HH:MM [ZONE]    from until before; over midnight when from > to
 *   weekly        DAY HH:MM [ZONE]      "mon 08:00", "sun 20:00 Europe/Berlin"
 *
 * By the clocks on the wall: where summer time begins or ends, the night is shorter or
 * longer. Reads no clock.
 */
#pragma once

#include <stdint.h>

enum { QUIET_ZONE_MAX = 64 };

struct quiet {
    int from; /* minutes of the day; of a weekly time: its minute */
    int to;
    int weekday;               /* 0: Sunday; of a weekly time */
    char zone[QUIET_ZONE_MAX]; /* "": the hub's */
};

/* 0, or -EINVAL: no such hours, no such zone. */
int quiet_parse(const char *text, struct quiet *ret_quiet);
int quiet_parse_weekly(const char *text, struct quiet *ret_quiet);

/* When the quiet hours that now is in end; 0: it is in none. home is the zone of a text
 * that names none. */
int64_t quiet_until(const struct quiet *quiet, const char *home, int64_t now_ms);

/* The last time of the week at or before now. */
int64_t quiet_last_weekly(const struct quiet *quiet, const char *home, int64_t now_ms);
