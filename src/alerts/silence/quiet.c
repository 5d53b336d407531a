#include "alerts/silence/quiet.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "draw/zone.h"

enum { DAY_MINUTES = 24 * 60, DAY_S = 86400, WEEK_DAYS = 7 };

/* "HH:MM" off the front: minutes, or -1. 24:00 is the end of a day. */
static int take_time(const char **text) {
    const char *at = *text;
    int part[2];

    for (int i = 0; i < 2; i++) {
        if (i == 1 && *at++ != ':')
            return -1;
        if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
            return -1;
        part[i] = (at[0] - '0') * 10 + (at[1] - '0');
        at += 2;
    }
    if (part[0] > 24 || part[1] > 59 || (part[0] == 24 && part[1] > 0))
        return -1;
    *text = at;
    return (part[0] * 60 + part[1]) % DAY_MINUTES;
}

static int take_zone(const char *text, struct quiet *quiet) {
    struct zone *zone;

    if (*text == '\0')
        return 0;
    if (*text++ != ' ' || strlen(text) >= sizeof(quiet->zone) || *text == '\0')
        return -EINVAL;
    if (zone_open(text, &zone) != 0)
        return -EINVAL;
    zone_free(zone);
    memcpy(quiet->zone, text, strlen(text) + 1);
    return 0;
}

int quiet_parse(const char *text, struct quiet *ret_quiet) {
    struct quiet quiet = { 0 };

    quiet.from = take_time(&text);
    if (quiet.from < 0 || *text++ != '-')
        return -EINVAL;
    quiet.to = take_time(&text);
    if (quiet.to < 0 || quiet.to == quiet.from || take_zone(text, &quiet) != 0)
        return -EINVAL;
    *ret_quiet = quiet;
    return 0;
}

int quiet_parse_weekly(const char *text, struct quiet *ret_quiet) {
    static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
    struct quiet quiet = { .weekday = -1 };

    for (int i = 0; i < WEEK_DAYS; i++)
        if (strncasecmp(text, days[i], 3) == 0 && text[3] == ' ')
            quiet.weekday = i;
    if (quiet.weekday < 0)
        return -EINVAL;
    text += 4;
    quiet.from = take_time(&text);
    if (quiet.from < 0 || take_zone(text, &quiet) != 0)
        return -EINVAL;
    *ret_quiet = quiet;
    return 0;
}

/* The machine's zone where there is none of that name any more. */
static struct zone *open_zone(const struct quiet *quiet, const char *home) {
    struct zone *zone;

    if (zone_open(quiet->zone[0] ? quiet->zone : home, &zone) == 0 ||
        zone_open(NULL, &zone) == 0)
        return zone;
    return NULL;
}

static int64_t split(const struct zone *zone,
                     int64_t now_ms,
                     struct zone_time *ret_time) {
    zone_split(zone, now_ms / 1000, ret_time);
    return now_ms / 1000 + ret_time->offset_s; /* as if local time were UTC */
}

int64_t quiet_until(const struct quiet *quiet, const char *home, int64_t now_ms) {
    auto_(zone_freep) struct zone *zone = open_zone(quiet, home);
    struct zone_time time;

    if (!zone)
        return 0;
    int64_t local_s = split(zone, now_ms, &time);
    int minute = time.hour * 60 + time.minute;
    bool is_over_midnight = quiet->from > quiet->to;
    bool is_quiet = is_over_midnight ? minute >= quiet->from || minute < quiet->to
                                     : minute >= quiet->from && minute < quiet->to;
    if (!is_quiet)
        return 0;
    int64_t day_s = local_s - local_s % DAY_S;
    if (minute >= quiet->to)
        day_s += DAY_S;
    int64_t end_s = day_s + quiet->to * 60;
    int64_t utc_s[2];
    /* Where clocks go back an hour is there twice, and its first end may have passed. */
    for (unsigned i = 0, count = zone_instants(zone, end_s, utc_s); i < count; i++)
        if (utc_s[i] * 1000 > now_ms)
            return utc_s[i] * 1000;
    return zone_instant(zone, end_s) * 1000;
}

int64_t quiet_last_weekly(const struct quiet *quiet, const char *home, int64_t now_ms) {
    auto_(zone_freep) struct zone *zone = open_zone(quiet, home);
    struct zone_time time;

    if (!zone)
        return 0;
    int64_t local_s = split(zone, now_ms, &time);
    int back = (time.weekday - quiet->weekday + WEEK_DAYS) % WEEK_DAYS;
    int64_t day_s = local_s - local_s % DAY_S - (int64_t)back * DAY_S;
    int64_t at_ms = zone_instant(zone, day_s + quiet->from * 60) * 1000;
    if (at_ms <= now_ms)
        return at_ms;
    return zone_instant(zone, day_s - WEEK_DAYS * DAY_S + quiet->from * 60) * 1000;
}
