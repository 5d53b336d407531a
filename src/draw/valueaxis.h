/*
 * valueaxis - where a value axis begins and ends, and its steps
 *
 * Round numbers in the unit that is shown: 1, 2, 5, their tenfolds and 25; powers of two
 * for bytes.
 */
#pragma once

#include "draw/figure.h"

enum { VALUEAXIS_TICKS_MAX = 64 };

struct valueaxis_want {
    double low; /* of the data; NAN: there is none */
    double high;
    double bottom; /* asked for; NAN: automatic */
    double top;
    enum figure_unit unit;
    enum figure_fixed fixed;
    int ticks; /* at most, about */
};

/* All but scale is in what is shown: a value / scale.size. */
struct valueaxis {
    double bottom;
    double top;
    double step;
    int decimals; /* that the ticks need */
    struct figure_scale scale;
};

/* Makes an axis with bottom < top for any finite wish. */
void valueaxis_make(const struct valueaxis_want *want, struct valueaxis *ret_axis);

/* The first tick, and how many there are. */
double valueaxis_first(const struct valueaxis *axis);
int valueaxis_count(const struct valueaxis *axis);
