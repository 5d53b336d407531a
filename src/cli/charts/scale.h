/*
 * scale - one unit for a whole column or axis
 *
 * units.h chooses a unit for each number; numbers that stand below each other need one
 * that fits all of them.
 */
#pragma once

#include <stdbool.h>

enum { SCALE_NUMBER_LEN = 32 };

struct scale {
    double divisor;
    const char *word; /* "GiB", "MB/s", "%"; "" for a bare number; static or the unit */
    int decimals;
};

/* For values of a MetricInfo's unit up to `greatest`, which have so many decimal places
 * at most (in that unit). The unit is borrowed. */
struct scale scale_of(const char *unit, unsigned places, double greatest, bool unicode);

/* The number alone; "-" for one that is not there. */
void scale_print(const struct scale *scale,
                 double value,
                 char ret_text[static SCALE_NUMBER_LEN]);
