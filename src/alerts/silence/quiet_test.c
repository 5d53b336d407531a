#include "alerts/silence/quiet.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"

static int64_t at(const char *text) {
    int64_t ms;

    if (clock_parse(text, &ms) != 0)
        fail_msg("%s is no time", text);
    return ms;
}

static void check_until(const char *hours, const char *now, const char *until) {
    struct quiet quiet;

    CHECK_INT(quiet_parse(hours, &quiet), 0);
    int64_t got_ms = quiet_until(&quiet, "UTC", at(now));
    char text[CLOCK_TEXT_LEN] = "";
    if (got_ms > 0)
        clock_print(got_ms, text);
    int64_t wanted_ms = *until ? at(until) : 0;
    if (got_ms != wanted_ms)
        print_error("%s at %s: until %s, not %s\n", hours, now, text, until);
    CHECK(got_ms == wanted_ms);
}

static void hours_are_quiet_also_over_midnight(void) {
    check_until("22:00-07:00", "2026-11-21T21:59:59Z", "");
    check_until("22:00-07:00", "2026-11-21T22:00:00Z", "2026-11-22T07:00:00Z");
    check_until("22:00-07:00", "2026-11-22T00:00:00Z", "2026-11-22T07:00:00Z");
    check_until("22:00-07:00", "2026-11-22T06:59:59Z", "2026-11-22T07:00:00Z");
    check_until("22:00-07:00", "2026-11-22T07:00:00Z", "");
    check_until("09:00-17:30", "2026-11-22T17:29:59Z", "2026-11-22T17:30:00Z");
    check_until("09:00-17:30", "2026-11-22T17:30:00Z", "");
    check_until("18:00-24:00", "2026-11-22T23:00:00Z", "2026-11-23T00:00:00Z");
    check_until("00:00-06:00", "2026-12-31T23:59:59Z", "");
    check_until("22:00-07:00", "2026-12-31T23:00:00Z", "2027-01-01T07:00:00Z");
}

/* Berlin: clocks go forward on 29 March 2026 at 01:00 UTC, back on 25 October. */
static void the_clock_on_the_wall_counts(void) {
    check_until("22:00-07:00 Europe/Berlin", "2026-03-28T21:00:00Z",
                "2026-03-29T05:00:00Z");
    check_until("22:00-07:00 Europe/Berlin", "2026-03-28T20:59:59Z", "");
    check_until("22:00-07:00 Europe/Berlin", "2026-10-24T20:00:00Z",
                "2026-10-25T06:00:00Z");
    check_until("22:00-07:00 Asia/Kolkata", "2026-10-24T17:00:00Z",
                "2026-10-25T01:30:00Z");
    /* 02:30 is skipped: until it would have been. */
    check_until("22:00-02:30 Europe/Berlin", "2026-03-29T00:30:00Z",
                "2026-03-29T01:30:00Z");
    /* 02:30 is there twice, and so is the quiet. */
    check_until("22:00-02:30 Europe/Berlin", "2026-10-25T00:10:00Z",
                "2026-10-25T00:30:00Z");
    check_until("22:00-02:30 Europe/Berlin", "2026-10-25T01:10:00Z",
                "2026-10-25T01:30:00Z");
}

static void nonsense_is_no_quiet(void) {
    static const char *const texts[] = {
        "",
        "22:00",
        "22-07",
        "22:00-07:00 ",
        "24:30-7:00",
        "22:00-22:00",
        "-",
        "22:00-07:00 Nowhere/Land",
        "22:60-07:0",
        "22:00–07:00",
        "aa:bb-cc:dd",
        "22:00-07:00Europe/Berlin",
        "25:00-07:0",
        "22:00-07:00 ..",
        "22:00-07:00 /etc/passwd",
    };
    struct quiet quiet;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK(quiet_parse(texts[i], &quiet) != 0);
}

static void check_weekly(const char *when, const char *now, const char *last) {
    struct quiet quiet;

    CHECK_INT(quiet_parse_weekly(when, &quiet), 0);
    CHECK(quiet_last_weekly(&quiet, "UTC", at(now)) == at(last));
}

/* 21 November 2026 is a Saturday. */
static void a_week_begins_when_it_says(void) {
    struct quiet quiet;

    check_weekly("mon 08:00", "2026-11-21T12:00:00Z", "2026-11-16T08:00:00Z");
    check_weekly("sat 08:00", "2026-11-21T12:00:00Z", "2026-11-21T08:00:00Z");
    check_weekly("sat 12:00", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z");
    check_weekly("Sat 12:01", "2026-11-21T12:00:00Z", "2026-11-14T12:01:00Z");
    check_weekly("sun 08:00 Europe/Berlin", "2026-10-25T07:00:00Z",
                 "2026-10-25T07:00:00Z");
    check_weekly("sun 08:00 Europe/Berlin", "2026-10-25T06:59:59Z",
                 "2026-10-18T06:00:00Z");
    CHECK(quiet_parse_weekly("someday 08:00", &quiet) != 0);
    CHECK(quiet_parse_weekly("mon", &quiet) != 0);
    CHECK(quiet_parse_weekly("mon 8:00", &quiet) != 0);
    CHECK(quiet_parse_weekly("", &quiet) != 0);
}

TESTS(TEST(hours_are_quiet_also_over_midnight),
      TEST(the_clock_on_the_wall_counts),
      TEST(nonsense_is_no_quiet),
      TEST(a_week_begins_when_it_says))
