/*
 * zone - the local time of an instant, anywhere
 *
 * Reads the TZif files of /usr/share/zoneinfo itself, because the C library knows one
 * time zone a process. Immutable after opening, so any thread may ask.
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "draw/zone_rule.h"

struct zone;

struct zone_time {
    int64_t year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
    int hour;
    int minute;
    int second;
    int weekday; /* 0: Sunday */
    int32_t offset_s;
    char name[ZONE_NAME_LEN]; /* "CET" */
};

/*
 * Opens a zone by its IANA name; NULL or "" is the machine's (/etc/localtime), UTC when
 * it has none. 0, -EINVAL when this can be no name, -ENOENT, -EBADMSG or another -errno.
 */
int zone_open(const char *name, struct zone **ret_zone);

/* Reads the bytes of a TZif file, versions 1 to 4: 0 or -EBADMSG. */
int zone_parse(struct slice tzif, struct zone **ret_zone);

struct zone *zone_free(struct zone *zone);

/* For auto_(zone_freep). */
void zone_freep(struct zone **zone);

/* Splits an instant into the local date and time. */
void zone_split(const struct zone *zone, int64_t utc_s, struct zone_time *ret_time);

/*
 * The instants at which local clocks show this (seconds since 1970 as if it were UTC):
 * none where summer time begins, two where it ends, the earlier one first.
 */
unsigned zone_instants(const struct zone *zone, int64_t local_s, int64_t ret_utc_s[2]);

/* The first instant at which local clocks show this or, where it is skipped, later. */
int64_t zone_instant(const struct zone *zone, int64_t local_s);

/* "Jan" for 1 and "Sun" for 0. */
const char *zone_month_name(int month);
const char *zone_weekday_name(int weekday);
