#include "cli/terminal/when.h"

#include <time.h>

#include "base/check.h"
#include "base/clock.h"

static const char now_text[] = "2026-11-21T13:14:15.678Z";

struct row {
    const char *text;
    const char *means; /* RFC 3339; NULL: nothing */
};

static void check(const char *zone, const struct row *rows, size_t count) {
    int64_t now_ms;

    setenv("TZ", zone, 1);
    tzset();
    CHECK_INT(clock_parse(now_text, &now_ms), 0);
    for (size_t i = 0; i < count; i++) {
        int64_t got_ms = 7, wanted_ms = 7;
        int r = when_parse(rows[i].text, now_ms, &got_ms);
        if (rows[i].means)
            CHECK_INT(clock_parse(rows[i].means, &wanted_ms), 0);
        if (r != (rows[i].means ? 0 : WHEN_E_DAMAGED) || got_ms != wanted_ms)
            print_error("%s: %lld\n", rows[i].text, (long long)got_ms);
        CHECK_INT(r, rows[i].means ? 0 : WHEN_E_DAMAGED);
        CHECK(got_ms == wanted_ms);
    }
}

static void times_are_read_as_people_say_them(void) {
    static const struct row rows[] = {
        { "now", "2026-11-21T13:14:15.678Z" },
        { "90m", "2026-11-21T11:44:15.678Z" },
        { "24h", "2026-11-20T13:14:15.678Z" },
        { "7d", "2026-11-14T13:14:15.678Z" },
        { "1d12h", "2026-11-20T01:14:15.678Z" },
        { "1y", "2025-11-21T13:14:15.678Z" },
        { "0", "2026-11-21T13:14:15.678Z" },
        { "2026-11-20", "2026-11-19T23:00:00Z" },
        { "2026-07-01", "2026-06-30T22:00:00Z" },
        { "2026-11-20 14:00", "2026-11-20T13:00:00Z" },
        { "2026-11-20T14:00", "2026-11-20T13:00:00Z" },
        { "2026-11-20 14:00:30", "2026-11-20T13:00:30Z" },
        { "2026-11-20T14:00:00Z", "2026-11-20T14:00:00Z" },
        { "2026-11-20T14:00:00+05:30", "2026-11-20T08:30:00Z" },
        { "2026-11-20 14:00:00.5Z", "2026-11-20T14:00:00.500Z" },
        { "today", "2026-11-20T23:00:00Z" },
        { "yesterday", "2026-11-19T23:00:00Z" },
        { "2024-02-29", "2024-02-28T23:00:00Z" },
        { "", NULL },
        { "tomorrow", NULL },
        { "24", "2026-11-21T13:13:51.678Z" },
        { "-5m", NULL },
        { "2026", "2026-11-21T12:40:29.678Z" },
        { "2026-11", NULL },
        { "2026-13-01", NULL },
        { "2026-02-30", NULL },
        { "2026-02-30 12:00", NULL },
        { "2026-11-20 24:00", NULL },
        { "2026-11-20 14", NULL },
        { "2026-11-20 14:0", NULL },
        { "2026-11-20 14:00x", NULL },
        { "2026-11-20T14:00:00+5", NULL },
        { "1969-12-31", NULL },
        { "yesterday 14:00", NULL },
    };
    check("Europe/Berlin", rows, sizeof(rows) / sizeof(rows[0]));
}

/* The clocks go forward in New York at 2:00, back in Berlin at 3:00. */
static void days_with_a_change_of_the_clocks_begin_at_midnight(void) {
    static const struct row berlin[] = {
        { "2026-10-25", "2026-10-24T22:00:00Z" },
        { "2026-10-26", "2026-10-25T23:00:00Z" },
    };
    static const struct row new_york[] = {
        { "2026-03-08", "2026-03-08T05:00:00Z" },
        { "2026-03-09", "2026-03-09T04:00:00Z" },
    };
    check("Europe/Berlin", berlin, 2);
    check("America/New_York", new_york, 2);
}

static void times_are_printed_in_the_local_zone(void) {
    char text[WHEN_LEN];
    int64_t ms;

    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    CHECK_INT(clock_parse(now_text, &ms), 0);
    when_print(ms, false, text);
    CHECK_TEXT(text, "2026-11-21 14:14");
    when_print(ms, true, text);
    CHECK_TEXT(text, "2026-11-21 14:14:15");
}

TESTS(TEST(times_are_read_as_people_say_them),
      TEST(days_with_a_change_of_the_clocks_begin_at_midnight),
      TEST(times_are_printed_in_the_local_zone))
