#include "draw/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"

static void skip_without_tzdata(void) {
    print_message("# skipped: tzdata is not installed\n");
    skip();
}

static struct zone *open_zone(const char *name) {
    struct zone *zone = NULL;
    if (zone_open(name, &zone) == -ENOENT)
        skip_without_tzdata();
    CHECK(zone);
    return zone;
}

static int64_t utc(int year, int month, int day, int hour, int minute) {
    return zone_rule_days(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

/* Whatever the C library says of an instant, so do we. */
static void all_agree_with_the_c_library(void) {
    static const char *const names[] = { "Europe/Berlin",        "America/New_York",
                                         "Asia/Kathmandu",       "Australia/Lord_Howe",
                                         "America/Sao_Paulo",    "Africa/Casablanca",
                                         "Pacific/Apia",         "Asia/Tehran",
                                         "America/St_Johns",     "Antarctica/Troll",
                                         "Pacific/Chatham",      "Africa/Monrovia",
                                         "America/Scoresbysund", "UTC" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct zone *zone = open_zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t at = utc(1935, 1, 1, 0, 7); at < utc(2105, 1, 1, 0, 0);
             at += 399937) {
            time_t instant = (time_t)at;
            struct tm wanted;
            struct zone_time got;
            localtime_r(&instant, &wanted);
            zone_split(zone, at, &got);
            if (got.offset_s != wanted.tm_gmtoff || got.hour != wanted.tm_hour ||
                got.day != wanted.tm_mday || got.month != wanted.tm_mon + 1 ||
                got.year != wanted.tm_year + 1900 || got.weekday != wanted.tm_wday ||
                got.minute != wanted.tm_min || got.second != wanted.tm_sec ||
                strcmp(got.name, wanted.tm_zone) != 0)
                fail_msg("%s at %lld: %s %d", names[i], (long long)at, got.name,
                         got.offset_s);
        }
        zone_free(zone);
    }
}

static void the_hour_that_is_skipped_has_no_instant(void) {
    struct zone *zone = open_zone("Europe/Berlin");
    int64_t instants[2];

    CHECK_INT(zone_instants(zone, utc(2026, 3, 29, 1, 59), instants), 1);
    CHECK_INT(zone_instants(zone, utc(2026, 3, 29, 2, 0), instants), 0);
    CHECK_INT(zone_instants(zone, utc(2026, 3, 29, 2, 59), instants), 0);
    CHECK_INT(zone_instants(zone, utc(2026, 3, 29, 3, 0), instants), 1);
    CHECK(instants[0] == utc(2026, 3, 29, 1, 0));
    CHECK(zone_instant(zone, utc(2026, 3, 29, 2, 30)) == utc(2026, 3, 29, 1, 30));
    zone_free(zone);
}

static void the_hour_that_comes_twice_has_two(void) {
    struct zone *zone = open_zone("Europe/Berlin");
    int64_t instants[2];

    CHECK_INT(zone_instants(zone, utc(2026, 10, 25, 2, 30), instants), 2);
    CHECK(instants[0] == utc(2026, 10, 25, 0, 30));
    CHECK(instants[1] == utc(2026, 10, 25, 1, 30));
    CHECK_INT(zone_instants(zone, utc(2026, 10, 25, 3, 0), instants), 1);
    zone_free(zone);
}

/* Lord Howe moves its clocks by half an hour; Apia once left out a day. */
static void odd_changes_are_followed(void) {
    struct zone *zone = open_zone("Australia/Lord_Howe");
    int64_t instants[2];

    CHECK_INT(zone_instants(zone, utc(2026, 4, 5, 1, 45), instants), 2);
    CHECK(instants[1] - instants[0] == 1800);
    zone_free(zone);
    zone = open_zone("Pacific/Apia");
    CHECK_INT(zone_instants(zone, utc(2011, 12, 30, 12, 0), instants), 0);
    zone_free(zone);
}

static void names_that_lead_elsewhere_are_refused(void) {
    static const char *const names[] = { "../../etc/passwd",
                                         "/etc/localtime",
                                         "Europe/",
                                         "Europe/../UTC",
                                         "Europe/Berlin\n",
                                         "a b",
                                         "\xff" };
    struct zone *zone;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CHECK_INT(zone_open(names[i], &zone), -EINVAL);
    CHECK_INT(zone_open("Europe/Nowhere", &zone), -ENOENT);
    CHECK_INT(zone_open("Europe", &zone), -ENOENT);
    CHECK_INT(zone_open("tzdata.zi", &zone), -EINVAL); /* a point is in no name */
}

static void the_local_zone_can_be_opened(void) {
    struct zone *zone = open_zone(NULL);
    struct zone_time time;

    zone_split(zone, 0, &time);
    zone_free(zone);
    zone = open_zone("");
    zone_free(zone);
}

static void any_part_of_a_file_is_refused_or_read(void) {
    struct buf bytes = { 0 };
    if (file_read("/usr/share/zoneinfo/Europe/Berlin", 1 << 20, &bytes) < 0)
        skip_without_tzdata();

    for (size_t len = 0; len < bytes.len; len++) {
        struct zone *zone = NULL;
        /* A copy of exactly this length, so that the sanitizer sees each step too far. */
        uint8_t *part = mem_dup(bytes.data, len);
        part = mem_grow(part, len);
        CHECK_INT(zone_parse(slice_of(part, len), &zone), -EBADMSG);
        free(part);
    }
    struct zone *zone = NULL;
    CHECK_INT(zone_parse(buf_slice(&bytes), &zone), 0);
    zone_free(zone);
    buf_done(&bytes);
}

static void every_damaged_byte_does_no_harm(void) {
    struct buf bytes = { 0 };
    if (file_read("/usr/share/zoneinfo/America/New_York", 1 << 20, &bytes) < 0)
        skip_without_tzdata();

    for (size_t i = 0; i < bytes.len; i++)
        for (int value = 0; value < 256; value += 51) {
            struct zone *zone = NULL;
            uint8_t whole = bytes.data[i];
            bytes.data[i] = (uint8_t)value;
            if (zone_parse(buf_slice(&bytes), &zone) == 0) {
                struct zone_time time;
                int64_t instants[2];
                zone_split(zone, 1792573200, &time);
                zone_instants(zone, 1792573200, instants);
                zone_free(zone);
            }
            bytes.data[i] = whole;
        }
    buf_done(&bytes);
}

static void rules_are_read(void) {
    static const struct {
        const char *text;
        int32_t offset_s;
        bool has_summer;
    } rows[] = {
        { "UTC0", 0, false },
        { "<+0330>-3:30", 12600, false },
        { "<-03>3", -10800, false },
        { "CET-1CEST,M3.5.0,M10.5.0/3", 3600, true },
        { "EST5EDT,M3.2.0,M11.1.0", -18000, true },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, true },
        { "IST-2IDT,M3.4.4/26,M10.5.0", 7200, true },
        { "XXX3YYY,J60/2,300/0:30:15", -10800, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct zone_rule rule;
        CHECK_INT(zone_rule_parse(slice_of_text(rows[i].text), &rule), 0);
        CHECK_INT(rule.offset_s[0], rows[i].offset_s);
        CHECK_INT(rule.has_summer, rows[i].has_summer);
    }
}

static void wrong_rules_are_refused(void) {
    static const char *const texts[] = {
        "",
        "CET",
        "-1",
        "CET-",
        "CET-25",
        "CET-1:60",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "<CET-1",
        "CET-1 ",
        "CET-1CEST,M13.5.0,M10.5.0",
        "A2B,M3.0.0,M10.5.0",
        "A2B,M3.5.7,M10.5.0",
        "A2B,J0,J5",
        "A2B,J366,J5",
        "A2B,M3.5.0/168,M10.5.0",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0",
        "A2B,M3.5.0,M10.5.0,",
    };
    struct zone_rule rule;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK_INT(zone_rule_parse(slice_of_text(texts[i]), &rule), -EBADMSG);
}

static void days_and_years_fit_together(void) {
    CHECK(zone_rule_days(1970, 1, 1) == 0);
    CHECK(zone_rule_days(2000, 3, 1) - zone_rule_days(2000, 2, 28) == 2);
    CHECK(zone_rule_days(1900, 3, 1) - zone_rule_days(1900, 2, 28) == 1);
    for (int64_t year = -30000; year < 30000; year += 7) {
        CHECK(zone_rule_year(zone_rule_days(year, 1, 1)) == year);
        CHECK(zone_rule_year(zone_rule_days(year, 12, 31)) == year);
    }
}

TESTS(TEST(all_agree_with_the_c_library),
      TEST(the_hour_that_is_skipped_has_no_instant),
      TEST(the_hour_that_comes_twice_has_two),
      TEST(odd_changes_are_followed),
      TEST(names_that_lead_elsewhere_are_refused),
      TEST(the_local_zone_can_be_opened),
      TEST(any_part_of_a_file_is_refused_or_read),
      TEST(every_damaged_byte_does_no_harm),
      TEST(rules_are_read),
      TEST(wrong_rules_are_refused),
      TEST(days_and_years_fit_together))
