#include "cli/terminal/when.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"

/* Takes exactly so many digits, then that character (0: none): false when they differ. */
static bool take(const char **at, int digits, char after, int *ret_value) {
    int value = 0;

    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        value = value * 10 + (**at - '0');
    }
    if (after && **at != after)
        return false;
    *at += after ? 1 : 0;
    *ret_value = value;
    return true;
}

/* ":MM" and maybe ":SS" after the hours, up to the end. */
static bool take_time(const char *at, struct tm *tm) {
    if (!take(&at, 2, ':', &tm->tm_hour) || !take(&at, 2, 0, &tm->tm_min))
        return false;
    if (*at == ':') {
        at++;
        if (!take(&at, 2, 0, &tm->tm_sec))
            return false;
    }
    return *at == '\0' && tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
}

/* A date, and maybe a time of day, as clocks on the wall show it here. */
static bool parse_local(const char *at, int64_t *ret_ms) {
    struct tm tm = { .tm_isdst = -1 };
    int year, month;

    if (!take(&at, 4, '-', &year) || !take(&at, 2, '-', &month) ||
        !take(&at, 2, 0, &tm.tm_mday))
        return false;
    if (year < 1970 || month < 1 || month > 12 || tm.tm_mday < 1)
        return false;
    if (*at != '\0' && ((*at != ' ' && *at != 'T') || !take_time(at + 1, &tm)))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    time_t seconds = mktime(&tm);
    if (tm.tm_mon != month - 1)
        return false; /* 31 February */
    *ret_ms = (int64_t)seconds * 1000;
    return true;
}

static int64_t start_of_day(int64_t now_ms, int days_back) {
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;

    localtime_r(&seconds, &tm);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_mday -= days_back;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

int when_parse(const char *text, int64_t now_ms, int64_t *ret_ms) {
    uint64_t ago_ms;

    if (strcmp(text, "now") == 0)
        *ret_ms = now_ms;
    else if (strcmp(text, "today") == 0)
        *ret_ms = start_of_day(now_ms, 0);
    else if (strcmp(text, "yesterday") == 0)
        *ret_ms = start_of_day(now_ms, 1);
    else if (clock_parse_duration(text, &ago_ms) == 0)
        *ret_ms = now_ms - (int64_t)ago_ms;
    else if (!parse_local(text, ret_ms) && clock_parse(text, ret_ms) != 0)
        return WHEN_E_DAMAGED;
    return 0;
}

int when_option(const struct cli *cli, const char *option, int64_t *ret_ms) {
    const char *text = args_value(cli->args, option);

    if (!text || when_parse(text, clock_wall_ms(), ret_ms) == 0)
        return 0;
    return cli_usage(cli,
                     "--%s: \"%s\" is no time: 24h (ago), 2026-11-20, \"2026-11-20 "
                     "14:00\", yesterday, 2026-11-20T14:00:00Z",
                     option, text);
}

void when_print(int64_t wall_ms, bool seconds, char ret_text[static WHEN_LEN]) {
    time_t time = (time_t)(wall_ms / 1000);
    struct tm tm;

    ret_text[0] = '\0';
    if (localtime_r(&time, &tm))
        strftime(ret_text, WHEN_LEN, seconds ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M",
                 &tm);
}
