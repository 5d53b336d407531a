#include "draw/timeaxis.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "draw/zone.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000 };

static const int64_t DAY_MS = INT64_C(86400000);
static const int64_t NOW_MS = INT64_C(1792573200000); /* Wed 21 Oct 2026, 09:00 UTC */

static struct zone *open_zone(const char *name) {
    struct zone *zone = NULL;
    if (zone_open(name, &zone) == -ENOENT) {
        print_message("# skipped: tzdata is not installed\n");
        skip();
    }
    CHECK(zone);
    return zone;
}

/* All words of the axis in one line: "[first] 11:00 12:00/Wed 21 Oct". */
static void words_of(const struct timeaxis *axis, char *text, size_t room) {
    size_t len = (size_t)snprintf(text, room, "[%s]", axis->first_below);

    for (size_t i = 0; i < axis->count; i++) {
        const struct timeaxis_tick *tick = &axis->ticks[i];
        len += (size_t)snprintf(text + len, room - len, " %s%s%s", tick->text,
                                tick->below[0] ? "/" : "", tick->below);
    }
}

static void steps_are_whole_and_dates_shown_where_they_change(void) {
    static const struct {
        int64_t span_ms;
        size_t ticks_max;
        const char *words;
    } rows[] = {
        { 10 * MINUTE_MS, 6, "[Wed 21 Oct] 10:50 10:52 10:54 10:56 10:58 11:00" },
        { HOUR_MS, 7, "[Wed 21 Oct] 10:00 10:10 10:20 10:30 10:40 10:50 11:00" },
        { 24 * (int64_t)HOUR_MS, 5, "[Tue 20 Oct] 12:00 18:00 00:00/Wed 21 Oct 06:00" },
        { 7 * INT64_C(86400000), 10,
          "[] Thu 15 Oct Fri 16 Oct Sat 17 Oct Sun 18 Oct Mon 19 Oct Tue 20 Oct "
          "Wed 21 Oct" },
        { 30 * INT64_C(86400000), 8, "[] 28 Sep 5 Oct 12 Oct 19 Oct" },
        { 365 * INT64_C(86400000), 15,
          "[2025] Nov Dec Jan/2026 Feb Mar Apr May Jun Jul Aug Sep Oct" },
        { 1826 * INT64_C(86400000), 8, "[] 2022 2023 2024 2025 2026" },
        { 20 * 1000, 5, "[Wed 21 Oct] 10:59:40 10:59:45 10:59:50 10:59:55 11:00:00" },
    };
    struct zone *zone = open_zone("Europe/Berlin");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct timeaxis axis;
        char words[1024];
        timeaxis_make(zone, NOW_MS - rows[i].span_ms, NOW_MS, rows[i].ticks_max, &axis);
        words_of(&axis, words, sizeof(words));
        CHECK_TEXT(words, rows[i].words);
    }
    zone_free(zone);
}

/* 29 March 2026: from 01:59 to 03:00; ticks stay whole hours. */
static void the_skipped_hour_has_no_tick(void) {
    struct zone *zone = open_zone("Europe/Berlin");
    struct timeaxis axis;
    char words[1024];
    int64_t noon = (zone_rule_days(2026, 3, 29) * 86400 + 10 * 3600) * 1000;

    timeaxis_make(zone, noon - 12 * HOUR_MS, noon, 12, &axis);
    words_of(&axis, words, sizeof(words));
    CHECK_TEXT(words,
               "[Sat 28 Mar] 23:00 00:00/Sun 29 Mar 01:00 03:00 04:00 05:00 06:00 07:00 "
               "08:00 09:00 10:00 11:00 12:00");
    CHECK(axis.ticks[3].at_ms - axis.ticks[2].at_ms == HOUR_MS);
    zone_free(zone);
}

static void the_doubled_hour_has_both(void) {
    struct zone *zone = open_zone("Europe/Berlin");
    struct timeaxis axis;
    char words[1024];
    int64_t four = (zone_rule_days(2026, 10, 25) * 86400 + 3 * 3600) * 1000;

    timeaxis_make(zone, four - 4 * HOUR_MS, four, 9, &axis);
    words_of(&axis, words, sizeof(words));
    CHECK_TEXT(words,
               "[Sun 25 Oct] 01:00 01:30 02:00 02:30 02:00 02:30 03:00 03:30 04:00");
    for (size_t i = 1; i < axis.count; i++)
        CHECK(axis.ticks[i].at_ms - axis.ticks[i - 1].at_ms == HOUR_MS / 2);
    zone_free(zone);
}

static void days_begin_at_local_midnight_across_summer_time(void) {
    struct zone *zone = open_zone("America/New_York");
    struct timeaxis axis;

    timeaxis_make(zone, NOW_MS, NOW_MS + 14 * DAY_MS, 20, &axis);
    for (size_t i = 0; i < axis.count; i++) {
        struct zone_time time;
        zone_split(zone, axis.ticks[i].at_ms / 1000, &time);
        CHECK(time.hour == 0 && time.minute == 0);
    }
    CHECK_INT(axis.count, 14);
    zone_free(zone);
}

/* Ticks rise, lie within, and are as few as wished, for any span and zone. */
static void any_span_has_ticks(void) {
    static const char *const names[] = { "UTC", "Asia/Kathmandu", "Pacific/Apia",
                                         "America/St_Johns" };

    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        struct zone *zone = open_zone(names[n]);
        for (int64_t span = 1000; span < 36500 * DAY_MS; span += span / 3 + 1)
            for (size_t most = 1; most < 30; most += 4) {
                struct timeaxis axis;
                timeaxis_make(zone, NOW_MS - span, NOW_MS, most, &axis);
                CHECK(axis.count <= most + 2 || most > TIMEAXIS_TICKS_MAX);
                for (size_t i = 0; i < axis.count; i++) {
                    CHECK(axis.ticks[i].at_ms >= NOW_MS - span);
                    CHECK(axis.ticks[i].at_ms <= NOW_MS);
                    CHECK(i == 0 || axis.ticks[i].at_ms > axis.ticks[i - 1].at_ms);
                    CHECK(axis.ticks[i].text[0]);
                }
            }
        zone_free(zone);
    }
}

static void periods_are_said_as_shortly_as_they_can(void) {
    static const struct {
        int64_t span_ms;
        const char *text;
    } rows[] = {
        { HOUR_MS, "Wed 21 Oct 2026 10:00 – 11:00 CEST" },
        { 24 * (int64_t)HOUR_MS, "Tue 20 Oct 11:00 – Wed 21 Oct 2026 11:00 CEST" },
        { 330 * INT64_C(86400000), "Tue 25 Nov 2025 – Wed 21 Oct 2026 CEST" },
    };
    struct zone *zone = open_zone("Europe/Berlin");
    char text[TIMEAXIS_PERIOD_LEN];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        timeaxis_print_period(zone, NOW_MS - rows[i].span_ms, NOW_MS, text);
        CHECK_TEXT(text, rows[i].text);
    }
    zone_free(zone);
}

TESTS(TEST(steps_are_whole_and_dates_shown_where_they_change),
      TEST(the_skipped_hour_has_no_tick),
      TEST(the_doubled_hour_has_both),
      TEST(days_begin_at_local_midnight_across_summer_time),
      TEST(any_span_has_ticks),
      TEST(periods_are_said_as_shortly_as_they_can))
