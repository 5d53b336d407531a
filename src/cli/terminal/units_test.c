#include "cli/terminal/units.h"

#include <math.h>

#include "base/check.h"

static void latencies_have_two_digits_or_three(void) {
    static const struct {
        uint64_t us;
        const char *text;
    } rows[] = {
        { 0, "0.00 ms" },     { 850, "0.85 ms" },        { 994, "0.99 ms" },
        { 995, "1.0 ms" },    { 1500, "1.5 ms" },        { 12345, "12 ms" },
        { 999499, "999 ms" }, { 999500, "1.0 s" },       { 9949999, "9.9 s" },
        { 59000000, "59 s" }, { 61000000, "1 min 1 s" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[UNITS_LEN];
        units_latency(rows[i].us, text);
        CHECK_TEXT(text, rows[i].text);
    }
}

static void values_read_well_in_their_units(void) {
    static const struct {
        double value;
        const char *unit;
        const char *text;
    } rows[] = {
        { 0, "By", "0 B" },
        { 1023, "By", "1023 B" },
        { 1024, "By", "1.0 KiB" },
        { 1288490189, "By", "1.2 GiB" },
        { 16718491648.0, "By", "15.6 GiB" },
        { 200e9, "By", "186 GiB" },
        { 3400000, "By/s", "3.4 MB/s" },
        { 999.6, "By/s", "1.0 kB/s" },
        { 12.4, "%", "12 %" },
        { 3.25, "%", "3.2 %" },
        { 54.3, "Cel", "54 C" },
        { 0.25, "1", "0.25" },
        { 12, "1", "12" },
        { 273600, "s", "3 d 4 h" },
        { 61, "s", "1 min 1 s" },
        { 0.02, "s", "20 ms" },
        { 1800000000, "Hz", "1.8 GHz" },
        { 2100, "RPM", "2100 RPM" },
        { 7.5, "/s", "7.50/s" },
        { -3, "W", "-3 W" },
        { (double)NAN, "%", "-" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[UNITS_LEN];
        units_value(rows[i].value, rows[i].unit, false, text);
        CHECK_TEXT(text, rows[i].text);
    }
}

static void numbers_of_json_keep_their_exactness(void) {
    static const struct {
        double value;
        unsigned scale;
        const char *text;
    } rows[] = {
        { 16718491648.0, 0, "16718491648" },
        { 9007199254740991.0, 3, "9007199254740991" },
        { 12.5, 2, "12.5" },
        { 12.0, 2, "12" },
        { 0.123456, 2, "0.12" },
        { -0.001, 2, "0" },
        { 100, 0, "100" },
        { (double)INFINITY, 0, "null" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[UNITS_LEN];
        units_json(rows[i].value, rows[i].scale, text);
        CHECK_TEXT(text, rows[i].text);
    }
}

static void the_past_is_told_in_one_unit(void) {
    static const struct {
        int64_t then_ms;
        const char *text;
    } rows[] = {
        { 1000000000, "just now" },
        { 1000000000 - 5000, "5 s ago" },
        { 1000000000 - 180000, "3 min ago" },
        { 1000000000 - 7200000, "2 h ago" },
        { 1000000000 - 259200000, "3 d ago" },
        { 1000000000 + 300000, "in 5 min" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[UNITS_LEN];
        units_ago(rows[i].then_ms, 1000000000, text);
        CHECK_TEXT(text, rows[i].text);
    }
}

TESTS(TEST(latencies_have_two_digits_or_three),
      TEST(values_read_well_in_their_units),
      TEST(numbers_of_json_keep_their_exactness),
      TEST(the_past_is_told_in_one_unit))
