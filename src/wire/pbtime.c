#include "wire/pbtime.h"

#include <stdbool.h>

#define STAMP_MIN (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define STAMP_MAX 253402300799LL   /* 9999-12-31T23:59:59Z */
#define SPAN_MAX  315576000000LL   /* 10,000 years of 365.25 days */

enum { DAY = 24 * 60 * 60, SECOND_NANOS = 1000 * 1000 * 1000 };

struct date {
    int64_t year;
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
};

/*
 * Days since 1970-01-01, by Howard Hinnant's way: years begin in March, so that the leap
 * day is the last of its year, and 400 years are always 146,097 days.
 */
static int64_t days_of(struct date date) {
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static struct date date_of(int64_t days) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */

    return (struct date) {
        .year = year_of_era + era * 400 + (month >= 10),
        .month = (unsigned)(month < 10 ? month + 3 : month - 9),
        .day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

static void add_fraction(struct buf *out, int32_t nanos) {
    if (nanos == 0)
        return;
    if (nanos % 1000000 == 0)
        buf_printf(out, ".%03d", nanos / 1000000);
    else if (nanos % 1000 == 0)
        buf_printf(out, ".%06d", nanos / 1000);
    else
        buf_printf(out, ".%09d", nanos);
}

int pbtime_add_stamp(struct buf *out, struct pbtime time) {
    if (time.seconds < STAMP_MIN || time.seconds > STAMP_MAX)
        return PBTIME_E_RANGE;
    if (time.nanos < 0 || time.nanos >= SECOND_NANOS)
        return PBTIME_E_RANGE;

    int64_t days = (time.seconds - STAMP_MIN) / DAY + STAMP_MIN / DAY;
    int second = (int)(time.seconds - days * DAY);
    struct date date = date_of(days);
    buf_printf(out, "%04d-%02u-%02u", (int)date.year, date.month, date.day);
    buf_printf(out, "T%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60);
    add_fraction(out, time.nanos);
    buf_add_byte(out, 'Z');
    return 0;
}

int pbtime_add_span(struct buf *out, struct pbtime span) {
    if (span.seconds < -SPAN_MAX || span.seconds > SPAN_MAX)
        return PBTIME_E_RANGE;
    if (span.nanos <= -SECOND_NANOS || span.nanos >= SECOND_NANOS)
        return PBTIME_E_RANGE;
    if ((span.seconds < 0 && span.nanos > 0) || (span.seconds > 0 && span.nanos < 0))
        return PBTIME_E_RANGE;

    bool is_negative = span.seconds < 0 || span.nanos < 0;
    int64_t seconds = is_negative ? -span.seconds : span.seconds;
    buf_printf(out, "%s%lld", is_negative ? "-" : "", (long long)seconds);
    add_fraction(out, is_negative ? -span.nanos : span.nanos);
    buf_add_byte(out, 's');
    return 0;
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

/* Takes exactly count digits. */
static bool take_digits(struct slice *text, size_t count, unsigned *ret_value) {
    unsigned value = 0;

    if (text->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(text->at[i]))
            return false;
        value = value * 10 + (unsigned)(text->at[i] - '0');
    }
    *text = slice_after(*text, count);
    *ret_value = value;
    return true;
}

static bool take_byte(struct slice *text, uint8_t byte) {
    if (text->len == 0 || text->at[0] != byte)
        return false;
    *text = slice_after(*text, 1);
    return true;
}

/* An optional point with one to nine digits behind it. */
static bool take_fraction(struct slice *text, int32_t *ret_nanos) {
    int32_t nanos = 0;
    int32_t unit = SECOND_NANOS / 10;

    if (take_byte(text, '.')) {
        if (text->len == 0 || !is_digit(text->at[0]))
            return false;
        for (; text->len > 0 && is_digit(text->at[0]); unit /= 10) {
            if (unit == 0)
                return false;
            nanos += (text->at[0] - '0') * unit;
            *text = slice_after(*text, 1);
        }
    }
    *ret_nanos = nanos;
    return true;
}

static bool is_leap(unsigned year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_len(unsigned year, unsigned month) {
    static const uint8_t lens[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : lens[month - 1];
}

static bool take_date(struct slice *text, int64_t *ret_days) {
    unsigned year;
    unsigned month;
    unsigned day;

    if (!take_digits(text, 4, &year) || !take_byte(text, '-') ||
        !take_digits(text, 2, &month) || !take_byte(text, '-') ||
        !take_digits(text, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12)
        return false;
    if (day < 1 || day > month_len(year, month))
        return false;
    *ret_days = days_of((struct date) { year, month, day });
    return true;
}

/* hh:mm in seconds. */
static bool take_minutes(struct slice *text, int64_t *ret_seconds) {
    unsigned hour;
    unsigned minute;

    if (!take_digits(text, 2, &hour) || !take_byte(text, ':') ||
        !take_digits(text, 2, &minute))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    *ret_seconds = (int64_t)hour * 3600 + (int64_t)minute * 60;
    return true;
}

static bool take_offset(struct slice *text, int64_t *ret_seconds) {
    *ret_seconds = 0;
    if (take_byte(text, 'Z'))
        return true;
    if (take_byte(text, '+'))
        return take_minutes(text, ret_seconds);
    if (!take_byte(text, '-') || !take_minutes(text, ret_seconds))
        return false;
    *ret_seconds = -*ret_seconds;
    return true;
}

int pbtime_read_stamp(struct slice text, struct pbtime *ret_time) {
    int64_t days;
    int64_t minutes;
    unsigned second;
    int32_t nanos;
    int64_t offset;

    if (!take_date(&text, &days) || !take_byte(&text, 'T') ||
        !take_minutes(&text, &minutes) || !take_byte(&text, ':') ||
        !take_digits(&text, 2, &second) || second > 59)
        return PBTIME_E_BAD;
    if (!take_fraction(&text, &nanos) || !take_offset(&text, &offset) || text.len > 0)
        return PBTIME_E_BAD;

    int64_t seconds = days * DAY + minutes + second - offset;
    if (seconds < STAMP_MIN || seconds > STAMP_MAX)
        return PBTIME_E_RANGE;
    *ret_time = (struct pbtime) { seconds, nanos };
    return 0;
}

int pbtime_read_span(struct slice text, struct pbtime *ret_span) {
    bool is_negative = take_byte(&text, '-');
    int64_t seconds = 0;
    int32_t nanos;

    if (text.len == 0 || !is_digit(text.at[0]))
        return PBTIME_E_BAD;
    for (; text.len > 0 && is_digit(text.at[0]); text = slice_after(text, 1))
        if (seconds <= SPAN_MAX)
            seconds = seconds * 10 + (text.at[0] - '0');
    if (!take_fraction(&text, &nanos) || !take_byte(&text, 's') || text.len > 0)
        return PBTIME_E_BAD;
    if (seconds > SPAN_MAX)
        return PBTIME_E_RANGE;
    *ret_span = (struct pbtime) {
        .seconds = is_negative ? -seconds : seconds,
        .nanos = is_negative ? -nanos : nanos,
    };
    return 0;
}
