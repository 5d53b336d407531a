#include "base/clock.h"

#include <stdio.h>

#include "base/check.h"

static void times_are_written_and_read_back(void) {
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 1, "1970-01-01T00:00:00.001Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
        { -62167219200000, "0000-01-01T00:00:00.000Z" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[CLOCK_TEXT_LEN];
        int64_t ms = 7;
        clock_print(rows[i].ms, text);
        CHECK_TEXT(text, rows[i].text);
        CHECK_INT(clock_parse(text, &ms), 0);
        CHECK(ms == rows[i].ms);
    }
}

static void years_beyond_four_digits_are_clipped(void) {
    char text[CLOCK_TEXT_LEN];
    clock_print(INT64_MAX, text);
    CHECK_TEXT(text, "9999-12-31T23:59:59.999Z");
    clock_print(INT64_MIN, text);
    CHECK_TEXT(text, "0000-01-01T00:00:00.000Z");
}

static void offsets_and_decimals_are_understood(void) {
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        { "1970-01-01T01:00:00+01:00", 0 },
        { "1969-12-31T18:30:00-05:30", 0 },
        { "1970-01-01t00:00:00.5z", 500 },
        { "1970-01-01 00:00:00.123456789Z", 123 },
        { "1972-06-30T23:59:60Z", 78796800000 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = 7;
        CHECK_INT(clock_parse(rows[i].text, &ms), 0);
        CHECK(ms == rows[i].ms);
    }
}

static void what_is_no_time_is_refused(void) {
    static const char *const rows[] = {
        "",
        "1970",
        "1970-01-01",
        "1970-01-01T00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+01:00x",
        "1970-01-01T00:00:00Zx",
        " 1970-01-01T00:00:00Z",
        "+970-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = 7;
        CHECK_INT(clock_parse(rows[i], &ms), CLOCK_E_DAMAGED);
        CHECK_INT(ms, 7);
    }
}

static void durations_have_units(void) {
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        { "5", 5000 },
        { "0", 0 },
        { "250ms", 250 },
        { "5s", 5000 },
        { "2m", 120000 },
        { "1h30m", 5400000 },
        { "1d", 86400000 },
        { "2w", 1209600000 },
        { "1y", UINT64_C(31536000000) },
        { "100y", UINT64_C(3153600000000) },
        { "1s500ms", 1500 },
        { "3153600000", UINT64_C(3153600000000) },
    };
    static const char *const bad[] = {
        "",          "s",      "5 s",        "-5",
        "5x",        "1h30",   "5.5s",       "99999999999999999",
        "m",         "3650d1", "3153600001", "36501d",
        "36500d1ms",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t ms = 7;
        CHECK_INT(clock_parse_duration(good[i].text, &ms), 0);
        CHECK(ms == good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t ms = 7;
        CHECK_INT(clock_parse_duration(bad[i], &ms), CLOCK_E_DAMAGED);
        CHECK_INT(ms, 7);
    }
}

static void clocks_run(void) {
    CHECK(clock_wall_ms() > INT64_C(1600000000000));
    uint64_t before = clock_boot_ns();
    CHECK(clock_boot_ns() >= before);
    CHECK(clock_boot_ms() >= before / 1000000);
}

TESTS(TEST(times_are_written_and_read_back),
      TEST(years_beyond_four_digits_are_clipped),
      TEST(offsets_and_decimals_are_understood),
      TEST(what_is_no_time_is_refused),
      TEST(durations_have_units),
      TEST(clocks_run))
