/*
 * zone_rule - a time zone's rule for the future, as POSIX writes it
 *
 * "CET-1CEST,M3.5.0,M10.5.0/3": the last line of a TZif file says with it what holds
 * after the transitions that the file lists. A plain value, without I/O.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { ZONE_NAME_LEN = 12 };

/* The day of a year on which the offset changes, and the time of that day. */
struct zone_rule_date {
    char form; /* 'M' month, week, weekday; 'J' day 1..365 without 29 Feb; '0' day 0..365
                */
    int month;
    int week; /* 1..5, 5: the last */
    int day;  /* weekday of 'M' (0: Sunday), else the day */
    int32_t second;
};

struct zone_rule {
    char name[2][ZONE_NAME_LEN]; /* standard, summer */
    int32_t offset_s[2];         /* east of UTC */
    bool has_summer;
    struct zone_rule_date begin; /* of summer time, in standard time */
    struct zone_rule_date end;   /* in summer time */
};

/* Days since 1970-01-01 of a date of the Gregorian calendar; month 1..12. */
int64_t zone_rule_days(int64_t year, int month, int day);

/* The year in which these days since 1970-01-01 fall. */
int64_t zone_rule_year(int64_t days);

/* Reads a whole rule: 0 or -EBADMSG. */
int zone_rule_parse(struct slice text, struct zone_rule *ret_rule);

/* Is it summer time at this instant? */
bool zone_rule_is_summer(const struct zone_rule *rule, int64_t utc_s);
