#include "draw/zone_rule.h"

#include <errno.h>

enum {
    DAY_S = 86400,
    HOURS_MAX = 167,  /* RFC 8536 allows a week for the hour of a change */
    OFFSET_HOURS = 24 /* POSIX's limit of an offset */
};

/* What is left to read; every step answers whether it found what it wants. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* Years begin in March here, so that the leap day is the last of its year. */
int64_t zone_rule_days(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t zone_rule_year(int64_t days) {
    int64_t year = 1970 + days * 400 / 146097; /* days of 400 years */

    while (zone_rule_days(year + 1, 1, 1) <= days)
        year++;
    while (zone_rule_days(year, 1, 1) > days)
        year--;
    return year;
}

static bool take(struct reader *in, char wanted) {
    if (in->at == in->end || *in->at != (uint8_t)wanted)
        return false;
    in->at++;
    return true;
}

static bool take_number(struct reader *in, int max, int *ret_number) {
    const uint8_t *start = in->at;
    int number = 0;

    while (in->at < in->end && *in->at >= '0' && *in->at <= '9' && number <= max)
        number = number * 10 + (*in->at++ - '0');
    if (in->at == start || number > max)
        return false;
    *ret_number = number;
    return true;
}

static bool is_letter(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* "CET" or "<+03>". */
static bool take_name(struct reader *in, char ret_name[static ZONE_NAME_LEN]) {
    bool quoted = take(in, '<');
    size_t len = 0;

    while (in->at < in->end && (quoted ? *in->at != '>' : is_letter(*in->at))) {
        if (len == ZONE_NAME_LEN - 1)
            return false;
        ret_name[len++] = (char)*in->at++;
    }
    ret_name[len] = '\0';
    return len > 0 && (!quoted || take(in, '>'));
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool take_time(struct reader *in, int hours_max, int32_t *ret_second) {
    bool negative = take(in, '-');
    int hour = 0;
    int minute = 0;
    int second = 0;

    if (!negative)
        take(in, '+');
    if (!take_number(in, hours_max, &hour))
        return false;
    if (take(in, ':') && !take_number(in, 59, &minute))
        return false;
    if (take(in, ':') && !take_number(in, 59, &second))
        return false;
    int32_t sum = hour * 3600 + minute * 60 + second;
    *ret_second = negative ? -sum : sum;
    return true;
}

static bool take_month(struct reader *in, struct zone_rule_date *date) {
    date->form = 'M';
    return take_number(in, 12, &date->month) && date->month >= 1 && take(in, '.') &&
           take_number(in, 5, &date->week) && date->week >= 1 && take(in, '.') &&
           take_number(in, 6, &date->day);
}

static bool take_date(struct reader *in, struct zone_rule_date *date) {
    date->second = 2 * 3600;
    if (take(in, 'M')) {
        if (!take_month(in, date))
            return false;
    } else {
        date->form = take(in, 'J') ? 'J' : '0';
        if (!take_number(in, 365, &date->day) || (date->form == 'J' && date->day < 1))
            return false;
    }
    return !take(in, '/') || take_time(in, HOURS_MAX, &date->second);
}

static bool take_summer(struct reader *in, struct zone_rule *rule) {
    rule->offset_s[1] = rule->offset_s[0] + 3600;
    if (!take_name(in, rule->name[1]))
        return false;
    if (in->at < in->end && *in->at != ',') {
        int32_t west;
        if (!take_time(in, OFFSET_HOURS, &west))
            return false;
        rule->offset_s[1] = -west;
    }
    rule->has_summer = true;
    return take(in, ',') && take_date(in, &rule->begin) && take(in, ',') &&
           take_date(in, &rule->end);
}

int zone_rule_parse(struct slice text, struct zone_rule *ret_rule) {
    struct reader in = { .at = text.at, .end = text.at + text.len };
    struct zone_rule rule = { 0 };
    int32_t west = 0;

    if (text.len == 0 || !take_name(&in, rule.name[0]) ||
        !take_time(&in, OFFSET_HOURS, &west))
        return -EBADMSG;
    rule.offset_s[0] = -west;
    if (in.at < in.end && !take_summer(&in, &rule))
        return -EBADMSG;
    if (in.at != in.end)
        return -EBADMSG;
    *ret_rule = rule;
    return 0;
}

/* Seconds since 1970 of a change in its year, as the clocks before it count. */
static int64_t local_change(const struct zone_rule_date *date, int64_t year) {
    int64_t day;

    if (date->form == 'M') {
        int64_t first = zone_rule_days(year, date->month, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        day = first + (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
        int64_t next = date->month == 12 ? zone_rule_days(year + 1, 1, 1)
                                         : zone_rule_days(year, date->month + 1, 1);
        if (day >= next)
            day -= 7;
    } else {
        bool leap = zone_rule_days(year, 3, 1) - zone_rule_days(year, 2, 1) == 29;
        day = zone_rule_days(year, 1, 1) + date->day;
        if (date->form == 'J')
            day -= !(leap && date->day >= 60);
    }
    return day * DAY_S + date->second;
}

bool zone_rule_is_summer(const struct zone_rule *rule, int64_t utc_s) {
    if (!rule->has_summer)
        return false;
    int64_t local = utc_s + rule->offset_s[0];
    int64_t days = local / DAY_S - (local % DAY_S < 0);
    int64_t year = zone_rule_year(days);
    int64_t begin = local_change(&rule->begin, year) - rule->offset_s[0];
    int64_t end = local_change(&rule->end, year) - rule->offset_s[1];

    /* In the south summer lasts over the turn of the year. */
    if (begin < end)
        return utc_s >= begin && utc_s < end;
    return utc_s >= begin || utc_s < end;
}
