#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t MS_MIN = INT64_C(-62167219200000); /* 0000-01-01 */
static const int64_t MS_MAX = INT64_C(253402300799999); /* the end of 9999 */

static const uint64_t DURATION_MAX_MS = UINT64_C(100) * 365 * 86400 * 1000;

static struct timespec now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time;
}

int64_t clock_wall_ms(void) {
    struct timespec time = now(CLOCK_REALTIME);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t clock_wall_ns(void) {
    struct timespec time = now(CLOCK_REALTIME);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

uint64_t clock_boot_ns(void) {
    struct timespec time = now(CLOCK_BOOTTIME);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t clock_boot_ms(void) {
    return clock_boot_ns() / 1000000u;
}

void clock_print(int64_t wall_ms, char ret_text[static CLOCK_TEXT_LEN]) {
    int64_t ms = wall_ms < MS_MIN ? MS_MIN : wall_ms > MS_MAX ? MS_MAX : wall_ms;
    int64_t part = (ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((ms - part) / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    snprintf(ret_text, CLOCK_TEXT_LEN, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
             (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)part);
}

/* Takes exactly count digits of a value from low to high, then the letter (0: none). */
static bool take(
    const char **at, int count, char letter, int low, int high, int *ret_value) {
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (**at - '0');
    }
    if (value < low || value > high || (letter && **at != letter))
        return false;
    *at += letter ? 1 : 0;
    *ret_value = value;
    return true;
}

static bool take_decimals(const char **at, int *ret_ms) {
    int scale = 100;
    *ret_ms = 0;
    if (**at != '.')
        return true;
    const char *start = ++*at;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        *ret_ms += (**at - '0') * scale;
        scale /= 10;
    }
    return *at > start;
}

/* Takes "Z", "+HH:MM" or "-HH:MM", and the end. */
static bool take_offset(const char **at, int *ret_minutes) {
    int sign = **at == '-' ? -1 : 1, hours, minutes;
    if (**at == 'Z' || **at == 'z') {
        *ret_minutes = 0;
        return (*at)[1] == '\0';
    }
    if (**at != '+' && **at != '-')
        return false;
    (*at)++;
    if (!take(at, 2, ':', 0, 23, &hours) || !take(at, 2, 0, 0, 59, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return **at == '\0';
}

static bool take_date(const char **at, struct tm *tm) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year, month, day;

    if (!take(at, 4, '-', 0, 9999, &year) || !take(at, 2, '-', 1, 12, &month) ||
        !take(at, 2, 0, 1, 31, &day))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > days[month - 1] + (month == 2 && leap))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

int clock_parse(const char *text, int64_t *ret_wall_ms) {
    struct tm tm = { 0 };
    int ms, offset;

    if (!take_date(&text, &tm))
        return CLOCK_E_DAMAGED;
    if (*text != 'T' && *text != 't' && *text != ' ')
        return CLOCK_E_DAMAGED;
    text++;
    if (!take(&text, 2, ':', 0, 23, &tm.tm_hour) ||
        !take(&text, 2, ':', 0, 59, &tm.tm_min) || !take(&text, 2, 0, 0, 60, &tm.tm_sec))
        return CLOCK_E_DAMAGED;
    if (!take_decimals(&text, &ms) || !take_offset(&text, &offset))
        return CLOCK_E_DAMAGED;

    *ret_wall_ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
    return 0;
}

/* The unit at the text in ms and its length; 0 when there is none. */
static uint64_t unit_ms(const char *text, size_t *ret_len) {
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {
        { "ms", 1 },       { "s", 1000 },      { "m", 60000 },       { "h", 3600000 },
        { "d", 86400000 }, { "w", 604800000 }, { "y", 31536000000 },
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t len = strlen(units[i].name);
        if (strncmp(text, units[i].name, len) == 0) {
            *ret_len = len;
            return units[i].ms;
        }
    }
    return 0;
}

int clock_parse_duration(const char *text, uint64_t *ret_ms) {
    uint64_t total = 0;
    const char *start = text;

    do {
        uint64_t number = 0;
        size_t digits = 0, len = 0;
        for (; *text >= '0' && *text <= '9' && digits < 16; text++, digits++)
            number = number * 10 + (uint64_t)(*text - '0');
        uint64_t unit = unit_ms(text, &len);
        bool alone = text == start + digits && *text == '\0';
        if (digits == 0 || (unit == 0 && !alone))
            return CLOCK_E_DAMAGED;
        unit = unit ? unit : 1000;
        if (number > DURATION_MAX_MS / unit)
            return CLOCK_E_DAMAGED;
        total += number * unit;
        text += len;
        if (total > DURATION_MAX_MS)
            return CLOCK_E_DAMAGED;
    } while (*text);
    *ret_ms = total;
    return 0;
}
