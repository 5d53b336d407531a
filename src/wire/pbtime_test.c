#include "wire/pbtime.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"

static void stamps_are_read_and_written(void) {
    static const struct {
        const char *text;
        int64_t seconds;
        int32_t nanos;
        const char *again; /* NULL: the same */
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0, 0, NULL },
        { "1969-12-31T23:59:59.999Z", -1, 999000000, NULL },
        { "0001-01-01T00:00:00Z", -62135596800, 0, NULL },
        { "9999-12-31T23:59:59.999999999Z", 253402300799, 999999999, NULL },
        { "2000-02-29T12:00:00Z", 951825600, 0, NULL },
        { "2026-11-21T05:13:36.000001Z", 1795238016, 1000, NULL },
        { "1970-01-01T00:00:00.1Z", 0, 100000000, "1970-01-01T00:00:00.100Z" },
        { "1970-01-01T00:00:00.0000000Z", 0, 0, "1970-01-01T00:00:00Z" },
        { "1970-01-01T02:30:00+02:30", 0, 0, "1970-01-01T00:00:00Z" },
        { "1969-12-31T16:00:00-08:00", 0, 0, "1970-01-01T00:00:00Z" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pbtime time;
        struct buf out = { 0 };
        print_message("# %s\n", rows[i].text);
        CHECK_INT(pbtime_read_stamp(slice_of_text(rows[i].text), &time), 0);
        CHECK(time.seconds == rows[i].seconds);
        CHECK(time.nanos == rows[i].nanos);
        CHECK_INT(pbtime_add_stamp(&out, time), 0);
        CHECK_TEXT(buf_text(&out), rows[i].again ? rows[i].again : rows[i].text);
        buf_done(&out);
    }
}

static void every_day_agrees_with_the_c_library(void) {
    for (int64_t day = -719162; day <= 2932896; day += 1) {
        time_t seconds = day * 86400 + 3661;
        struct tm parts;
        char wanted[40];
        struct buf out = { 0 };
        struct pbtime back;

        gmtime_r(&seconds, &parts);
        snprintf(wanted, sizeof(wanted), "%04d-%02d-%02dT01:01:01Z", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday);
        CHECK(pbtime_add_stamp(&out, (struct pbtime) { seconds, 0 }) == 0);
        CHECK(strcmp(buf_text(&out), wanted) == 0);
        CHECK(pbtime_read_stamp(buf_slice(&out), &back) == 0 && back.seconds == seconds);
        buf_done(&out);
    }
}

static void broken_stamps_are_refused(void) {
    static const struct {
        const char *text;
        int wanted;
    } rows[] = {
        { "", PBTIME_E_BAD },
        { "1970-01-01", PBTIME_E_BAD },
        { "1970-01-01T00:00:00", PBTIME_E_BAD },
        { "1970-01-01 00:00:00Z", PBTIME_E_BAD },
        { "1970-01-01t00:00:00Z", PBTIME_E_BAD },
        { "1970-01-01T00:00:00z", PBTIME_E_BAD },
        { "1970-1-01T00:00:00Z", PBTIME_E_BAD },
        { "70-01-01T00:00:00Z", PBTIME_E_BAD },
        { "1970-13-01T00:00:00Z", PBTIME_E_BAD },
        { "1970-00-01T00:00:00Z", PBTIME_E_BAD },
        { "1970-02-29T00:00:00Z", PBTIME_E_BAD },
        { "1900-02-29T00:00:00Z", PBTIME_E_BAD },
        { "1970-01-32T00:00:00Z", PBTIME_E_BAD },
        { "1970-01-00T00:00:00Z", PBTIME_E_BAD },
        { "0000-01-01T00:00:00Z", PBTIME_E_BAD },
        { "1970-01-01T24:00:00Z", PBTIME_E_BAD },
        { "1970-01-01T00:60:00Z", PBTIME_E_BAD },
        { "1970-01-01T00:00:60Z", PBTIME_E_BAD },
        { "1970-01-01T00:00:00.Z", PBTIME_E_BAD },
        { "1970-01-01T00:00:00.0000000000Z", PBTIME_E_BAD },
        { "1970-01-01T00:00:00+1:00", PBTIME_E_BAD },
        { "1970-01-01T00:00:00+24:00", PBTIME_E_BAD },
        { "1970-01-01T00:00:00Zx", PBTIME_E_BAD },
        { "-970-01-01T00:00:00Z", PBTIME_E_BAD },
        { "0001-01-01T00:00:00+01:00", PBTIME_E_RANGE },
        { "9999-12-31T23:59:59-01:00", PBTIME_E_RANGE },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pbtime time;
        print_message("# %s\n", rows[i].text);
        CHECK_INT(pbtime_read_stamp(slice_of_text(rows[i].text), &time), rows[i].wanted);
    }
}

static void times_out_of_range_are_not_written(void) {
    static const struct pbtime stamps[] = {
        { -62135596801, 0 }, { 253402300800, 0 }, { 0, -1 },
        { 0, 1000000000 },   { INT64_MIN, 0 },    { INT64_MAX, 0 },
    };
    static const struct pbtime spans[] = {
        { 315576000001, 0 }, { -315576000001, 0 },
        { 0, 1000000000 },   { 0, -1000000000 },
        { 1, -1 },           { -1, 1 },
        { INT64_MIN, 0 },
    };
    struct buf out = { 0 };

    for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++)
        CHECK_INT(pbtime_add_stamp(&out, stamps[i]), PBTIME_E_RANGE);
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        CHECK_INT(pbtime_add_span(&out, spans[i]), PBTIME_E_RANGE);
    CHECK(out.len == 0);
}

static void spans_are_read_and_written(void) {
    static const struct {
        const char *text;
        int wanted;
        int64_t seconds;
        int32_t nanos;
        const char *again; /* NULL: the same */
    } rows[] = {
        { "0s", 0, 0, 0, NULL },
        { "1.500s", 0, 1, 500000000, NULL },
        { "1.5s", 0, 1, 500000000, "1.500s" },
        { "-1.000001s", 0, -1, -1000, NULL },
        { "-0.000000001s", 0, 0, -1, NULL },
        { "-0s", 0, 0, 0, "0s" },
        { "007s", 0, 7, 0, "7s" },
        { "315576000000s", 0, 315576000000, 0, NULL },
        { "-315576000000s", 0, -315576000000, 0, NULL },
        { "315576000001s", PBTIME_E_RANGE, 0, 0, NULL },
        { "99999999999999999999999999s", PBTIME_E_RANGE, 0, 0, NULL },
        { "", PBTIME_E_BAD, 0, 0, NULL },
        { "s", PBTIME_E_BAD, 0, 0, NULL },
        { "1", PBTIME_E_BAD, 0, 0, NULL },
        { "1.s", PBTIME_E_BAD, 0, 0, NULL },
        { ".5s", PBTIME_E_BAD, 0, 0, NULL },
        { "+1s", PBTIME_E_BAD, 0, 0, NULL },
        { "--1s", PBTIME_E_BAD, 0, 0, NULL },
        { "1 s", PBTIME_E_BAD, 0, 0, NULL },
        { "1.0000000000s", PBTIME_E_BAD, 0, 0, NULL },
        { "1ss", PBTIME_E_BAD, 0, 0, NULL },
        { "1e3s", PBTIME_E_BAD, 0, 0, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pbtime span = { 0 };
        struct buf out = { 0 };
        print_message("# %s\n", rows[i].text);
        CHECK_INT(pbtime_read_span(slice_of_text(rows[i].text), &span), rows[i].wanted);
        CHECK(span.seconds == rows[i].seconds && span.nanos == rows[i].nanos);
        if (rows[i].wanted != 0)
            continue;
        CHECK_INT(pbtime_add_span(&out, span), 0);
        CHECK_TEXT(buf_text(&out), rows[i].again ? rows[i].again : rows[i].text);
        buf_done(&out);
    }
}

TESTS(TEST(stamps_are_read_and_written),
      TEST(every_day_agrees_with_the_c_library),
      TEST(broken_stamps_are_refused),
      TEST(times_out_of_range_are_not_written),
      TEST(spans_are_read_and_written))
