#include "draw/timeaxis.h"

#include <stdio.h>
#include <string.h>

#include "draw/zone.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

enum step_kind { CLOCK, DAYS, MONTHS };

/* From small to large; count is of seconds, days or months. */
static const struct step {
    enum step_kind kind;
    int count;
    int typical_s;
    int minor; /* how many steps before is the finer one; 0: none */
} steps[] = {
    { CLOCK, 1, 1, 0 },
    { CLOCK, 2, 2, 0 },
    { CLOCK, 5, 5, 2 },
    { CLOCK, 10, 10, 1 },
    { CLOCK, 15, 15, 2 },
    { CLOCK, 30, 30, 2 },
    { CLOCK, 1 * MINUTE, 1 * MINUTE, 2 },
    { CLOCK, 2 * MINUTE, 2 * MINUTE, 1 },
    { CLOCK, 5 * MINUTE, 5 * MINUTE, 2 },
    { CLOCK, 10 * MINUTE, 10 * MINUTE, 2 },
    { CLOCK, 15 * MINUTE, 15 * MINUTE, 2 },
    { CLOCK, 30 * MINUTE, 30 * MINUTE, 2 },
    { CLOCK, 1 * HOUR, 1 * HOUR, 2 },
    { CLOCK, 2 * HOUR, 2 * HOUR, 2 },
    { CLOCK, 3 * HOUR, 3 * HOUR, 2 },
    { CLOCK, 6 * HOUR, 6 * HOUR, 3 },
    { DAYS, 1, DAY, 1 },
    { DAYS, 2, 2 * DAY, 1 },
    { DAYS, 7, 7 * DAY, 2 },
    { DAYS, 14, 14 * DAY, 1 },
    { MONTHS, 1, 30 * DAY, 0 },
    { MONTHS, 2, 61 * DAY, 1 },
    { MONTHS, 3, 91 * DAY, 2 },
    { MONTHS, 6, 182 * DAY, 3 },
    { MONTHS, 12, 365 * DAY, 2 },
    { MONTHS, 24, 730 * DAY, 1 },
    { MONTHS, 60, 1826 * DAY, 2 },
    { MONTHS, 120, 3652 * DAY, 3 },
    { MONTHS, 600, 18262 * DAY, 0 },
};

enum { STEP_COUNT = sizeof(steps) / sizeof(steps[0]) };

/* What the functions that walk over the calendar share. */
struct walk {
    const struct zone *zone;
    const struct step *step;
    int64_t since_ms;
    int64_t until_ms;
    bool is_minor; /* only places are wanted */
    struct timeaxis *axis;
};

static const struct step *choose_step(int64_t span_ms, size_t ticks_max) {
    /* A row of dates is wider than one of times. */
    for (size_t i = 0; i < STEP_COUNT; i++) {
        double room = steps[i].kind == DAYS ? 0.8 : 1;
        double ticks = (double)span_ms / 1000 / steps[i].typical_s;
        if (ticks <= (double)ticks_max * room)
            return &steps[i];
    }
    return &steps[STEP_COUNT - 1];
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int64_t local_of(const struct zone *zone, int64_t at_ms) {
    struct zone_time time;
    int64_t utc_s = floor_div(at_ms, 1000);

    zone_split(zone, utc_s, &time);
    return utc_s + time.offset_s;
}

static void print_tick(const struct walk *walk, struct timeaxis_tick *tick) {
    const struct step *step = walk->step;
    struct zone_time time;
    char *text = tick->text;
    zone_split(walk->zone, floor_div(tick->at_ms, 1000), &time);

    if (step->kind == CLOCK && step->count < MINUTE)
        snprintf(text, TIMEAXIS_TEXT_LEN, "%02d:%02d:%02d", time.hour, time.minute,
                 time.second);
    else if (step->kind == CLOCK)
        snprintf(text, TIMEAXIS_TEXT_LEN, "%02d:%02d", time.hour, time.minute);
    else if (step->kind == DAYS && step->count == 1)
        snprintf(text, TIMEAXIS_TEXT_LEN, "%s %d %s", zone_weekday_name(time.weekday),
                 time.day, zone_month_name(time.month));
    else if (step->kind == DAYS)
        snprintf(text, TIMEAXIS_TEXT_LEN, "%d %s", time.day, zone_month_name(time.month));
    else if (step->count < 12)
        snprintf(text, TIMEAXIS_TEXT_LEN, "%s", zone_month_name(time.month));
    else
        snprintf(text, TIMEAXIS_TEXT_LEN, "%d", (int)time.year);
}

/* What the ticks near this instant belong to. */
static void print_below(const struct walk *walk,
                        int64_t at_ms,
                        char ret_text[static TIMEAXIS_TEXT_LEN]) {
    struct zone_time time;
    zone_split(walk->zone, floor_div(at_ms, 1000), &time);

    if (walk->step->kind == CLOCK)
        snprintf(ret_text, TIMEAXIS_TEXT_LEN, "%s %d %s", zone_weekday_name(time.weekday),
                 time.day, zone_month_name(time.month));
    else if (walk->step->kind == DAYS || walk->step->count < 12)
        snprintf(ret_text, TIMEAXIS_TEXT_LEN, "%d", (int)time.year);
    else
        ret_text[0] = '\0';
}

/* Puts a tick where it belongs in time: doubled hours come out of order. */
static void add_tick(const struct walk *walk, int64_t utc_s) {
    struct timeaxis *axis = walk->axis;
    int64_t at_ms = utc_s * 1000;

    if (at_ms < walk->since_ms || at_ms > walk->until_ms)
        return;
    if (walk->is_minor) {
        if (axis->minor_count < TIMEAXIS_MINOR_MAX)
            axis->minor_ms[axis->minor_count++] = at_ms;
        return;
    }
    if (axis->count == TIMEAXIS_TICKS_MAX)
        return;
    size_t place = axis->count++;
    for (; place > 0 && axis->ticks[place - 1].at_ms > at_ms; place--)
        axis->ticks[place] = axis->ticks[place - 1];
    axis->ticks[place] = (struct timeaxis_tick) { .at_ms = at_ms };
    print_tick(walk, &axis->ticks[place]);
}

/* Steps of the clock, which shows some times twice in autumn and some never in spring. */
static void add_clock_steps(const struct walk *walk) {
    int64_t step = walk->step->count;
    int64_t at = floor_div(local_of(walk->zone, walk->since_ms) - 3 * HOUR, step) * step;
    int64_t last = local_of(walk->zone, walk->until_ms) + 3 * HOUR;

    for (; at <= last; at += step) {
        int64_t instants[2];
        unsigned count = zone_instants(walk->zone, at, instants);
        if (count > 0)
            add_tick(walk, instants[0]);
        if (count > 1 && step <= HOUR)
            add_tick(walk, instants[1]);
    }
}

/* Midnights: each, every other one, Mondays, every other Monday. */
static void add_day_steps(const struct walk *walk) {
    enum { A_MONDAY = 4 }; /* 5 January 1970 */
    int64_t day = floor_div(local_of(walk->zone, walk->since_ms), DAY) - 1;
    int64_t last = floor_div(local_of(walk->zone, walk->until_ms), DAY) + 1;

    for (; day <= last; day++)
        if ((day - A_MONDAY) % walk->step->count == 0)
            add_tick(walk, zone_instant(walk->zone, day * DAY));
}

static void add_month_steps(const struct walk *walk) {
    struct zone_time time;
    zone_split(walk->zone, floor_div(walk->since_ms, 1000), &time);
    int64_t month = time.year * 12 + time.month - 1;

    month = floor_div(month, walk->step->count) * walk->step->count;
    for (;; month += walk->step->count) {
        int64_t year = floor_div(month, 12);
        int64_t day = zone_rule_days(year, (int)(month - year * 12) + 1, 1);
        int64_t utc_s = zone_instant(walk->zone, day * DAY);
        if (utc_s * 1000 > walk->until_ms)
            break;
        add_tick(walk, utc_s);
    }
}

static void add_steps(const struct walk *walk) {
    if (walk->step->kind == CLOCK)
        add_clock_steps(walk);
    else if (walk->step->kind == DAYS)
        add_day_steps(walk);
    else
        add_month_steps(walk);
}

/* Names what each tick belongs to where that differs from the one before. */
static void mark_turns(const struct walk *walk) {
    struct timeaxis *axis = walk->axis;
    char now[TIMEAXIS_TEXT_LEN];
    char before[TIMEAXIS_TEXT_LEN];

    print_below(walk, walk->since_ms, before);
    strcpy(axis->first_below, before);
    for (size_t i = 0; i < axis->count; i++) {
        struct timeaxis_tick *tick = &axis->ticks[i];
        print_below(walk, tick->at_ms, now);
        tick->is_turn = strcmp(now, before) != 0;
        if (tick->is_turn)
            strcpy(tick->below, now);
        strcpy(before, now);
    }
    /* The title has the year: only its change is worth a word below days. */
    if (walk->step->kind == DAYS && strcmp(axis->first_below, before) == 0)
        axis->first_below[0] = '\0';
}

void timeaxis_make(const struct zone *zone,
                   int64_t since_ms,
                   int64_t until_ms,
                   size_t ticks_max,
                   struct timeaxis *ret_axis) {
    *ret_axis = (struct timeaxis) { .count = 0 };
    struct walk walk = {
        .zone = zone,
        .step = choose_step(until_ms - since_ms, ticks_max),
        .since_ms = since_ms,
        .until_ms = until_ms,
        .axis = ret_axis,
    };

    add_steps(&walk);
    mark_turns(&walk);
    if (walk.step->minor > 0) {
        walk.step -= walk.step->minor;
        walk.is_minor = true;
        add_steps(&walk);
    }
}

/* "Sat 21 Nov", the year and the time as wanted. */
static void print_moment(const struct zone_time *time,
                         bool with_year,
                         bool with_clock,
                         char ret_text[static TIMEAXIS_TEXT_LEN]) {
    char year[12] = "";
    char clock[12] = "";

    if (with_year)
        snprintf(year, sizeof(year), " %d", (int)time->year);
    if (with_clock)
        snprintf(clock, sizeof(clock), " %02d:%02d", time->hour, time->minute);
    snprintf(ret_text, TIMEAXIS_TEXT_LEN, "%s %d %s%s%s",
             zone_weekday_name(time->weekday), time->day, zone_month_name(time->month),
             year, clock);
}

void timeaxis_print_period(const struct zone *zone,
                           int64_t since_ms,
                           int64_t until_ms,
                           char ret_text[static TIMEAXIS_PERIOD_LEN]) {
    struct zone_time since;
    struct zone_time until;
    char from[TIMEAXIS_TEXT_LEN];
    char to[TIMEAXIS_TEXT_LEN];
    zone_split(zone, floor_div(since_ms, 1000), &since);
    zone_split(zone, floor_div(until_ms, 1000), &until);

    bool same_year = since.year == until.year;
    bool same_day = same_year && since.month == until.month && since.day == until.day;
    bool with_clock = until_ms - since_ms < INT64_C(45) * DAY * 1000;

    print_moment(&since, same_day || !same_year, with_clock, from);
    if (same_day)
        snprintf(to, sizeof(to), "%02d:%02d", until.hour, until.minute);
    else
        print_moment(&until, true, with_clock, to);
    snprintf(ret_text, TIMEAXIS_PERIOD_LEN, "%s \u2013 %s %s", from, to, until.name);
}
