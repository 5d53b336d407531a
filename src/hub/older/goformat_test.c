#include "hub/older/goformat.h"

#include "base/check.h"

/* What Go's time.Duration.String() prints. */
static void durations_are_printed_as_go_does(void) {
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        { 0, "0s" },
        { 1, "1ns" },
        { 999, "999ns" },
        { 1000, "1\xc2\xb5s" },
        { 1100, "1.1\xc2\xb5s" },
        { 2200000, "2.2ms" },
        { 999999999, "999.999999ms" },
        { 1000000000, "1s" },
        { 1009501536, "1.009501536s" },
        { 3300000000, "3.3s" },
        { 59999999999, "59.999999999s" },
        { 60000000000, "1m0s" },
        { 245000000000, "4m5s" },
        { 245001000000, "4m5.001s" },
        { 3723500000000, "1h2m3.5s" },
        { 3600000000000, "1h0m0s" },
        { 18367001000000, "5h6m7.001s" },
        { 480000000001, "8m0.000000001s" },
        { INT64_MAX, "2562047h47m16.854775807s" },
        { INT64_MIN, "-2562047h47m16.854775808s" },
        { -1, "-1ns" },
        { -1500000000, "-1.5s" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[GOFORMAT_DURATION_LEN];
        goformat_duration(rows[i].ns, text);
        CHECK_TEXT(text, rows[i].text);
    }
}

/* What Go's time.Time.String() prints of time.Now(). */
static void times_are_printed_as_go_does(void) {
    static const struct {
        int64_t wall, since;
        const char *text;
    } rows[] = {
        { 1795225767957169013, 1004636889,
          "2026-11-21 01:49:27.957169013 +0000 UTC m=+1.004636889" },
        { 1795225767000000000, 0, "2026-11-21 01:49:27 +0000 UTC m=+0.000000000" },
        { 1795225767500000000, 3600000000001,
          "2026-11-21 01:49:27.5 +0000 UTC m=+3600.000000001" },
        { 1795225767000000001, -5,
          "2026-11-21 01:49:27.000000001 +0000 UTC m=-0.000000005" },
        { -1, 1, "1969-12-31 23:59:59.999999999 +0000 UTC m=+0.000000001" },
        { INT64_MIN, INT64_MIN,
          "1677-09-21 00:12:43.145224192 +0000 UTC m=-9223372036.854775808" },
        { INT64_MAX, INT64_MAX,
          "2262-04-11 23:47:16.854775807 +0000 UTC m=+9223372036.854775807" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[GOFORMAT_TIME_LEN];
        goformat_time(rows[i].wall, rows[i].since, text);
        CHECK_TEXT(text, rows[i].text);
    }
}

TESTS(TEST(durations_are_printed_as_go_does), TEST(times_are_printed_as_go_does))
