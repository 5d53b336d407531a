/*
 * pbtime - Timestamp and Duration of protobuf as text
 *
 * "2026-03-01T12:00:00.500Z" (RFC 3339, years 0001 to 9999) and "-1.500s" (up to 10,000
 * years). Fractions are written with 0, 3, 6 or 9 digits and read with any up to 9.
 */
#pragma once

#include "base/buf.h"

enum {
    PBTIME_E_BAD = 1, /* not such a text */
    PBTIME_E_RANGE,   /* out of the range above */
};

struct pbtime {
    int64_t seconds;
    int32_t nanos; /* of a Duration: with the sign of seconds */
};

/* Append; 0 or PBTIME_E_RANGE, and out is as it was. */
int pbtime_add_stamp(struct buf *out, struct pbtime time);
int pbtime_add_span(struct buf *out, struct pbtime span);

/* 0 or PBTIME_E_*. */
int pbtime_read_stamp(struct slice text, struct pbtime *ret_time);
int pbtime_read_span(struct slice text, struct pbtime *ret_span);
