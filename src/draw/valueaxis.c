#include "draw/valueaxis.h"

#include <math.h>
#include <stdbool.h>

/* The parts of a range that a chart leaves free above its highest point. */
static const double HEAD_ROOM = 0.02;

/* How near two values may be, beside their size, before digits run out. */
static const double NEAREST = 1e-9;

/* 1, 2, 5 and their tenfolds, and 25, 250, ..., which need no decimals. */
static double decimal_step(double least) {
    static const double factors[] = { 1, 2, 2.5, 5, 10 };
    double power = pow(10, floor(log10(least)));

    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
        double step = factors[i] * power;
        if (step >= least * (1 - NEAREST) && (factors[i] != 2.5 || power >= 10))
            return step;
    }
    return 10 * power;
}

static double nice_step(double least, enum figure_unit unit, enum figure_fixed fixed) {
    /* Below one, halves and eighths would need more decimals than tenths. */
    bool binary = unit == FIGURE_BYTES && fixed == FIGURE_AUTO && least > 0.5;

    return binary ? exp2(ceil(log2(least) - NEAREST)) : decimal_step(least);
}

static int decimals_for(double step) {
    double scaled = step;
    int decimals = 0;

    while (decimals < 9 && fabs(scaled - round(scaled)) >= 1e-6 * scaled) {
        scaled *= 10;
        decimals++;
    }
    return decimals;
}

/* Data that nearly reaches down to zero is shown from there. */
static double begin_of(const struct valueaxis_want *want, double low, double high) {
    bool from_zero = figure_is_from_zero(want->unit) || low < 0.6 * high || high == 0;

    return low >= 0 && from_zero ? 0 : low;
}

/* The data's range or what was asked for. */
static void choose_range(const struct valueaxis_want *want,
                         double *ret_low,
                         double *ret_high) {
    double low = isnan(want->low) ? 0 : want->low;
    double high = isnan(want->high) ? figure_least_range(want->unit) : want->high;

    low = isnan(want->bottom) ? begin_of(want, low, high) : want->bottom;
    high = isnan(want->top) ? high : want->top;

    /* Widened where it would have no height. */
    double least = fmax(fabs(low), fabs(high)) * NEAREST;
    if (high - low <= least) {
        double room =
            fmax(fabs(high) * 0.05, fmax(figure_least_range(want->unit), least));
        if (isnan(want->top) || high <= low)
            high = fmax(low, high) + room;
        if (isnan(want->bottom) && low != 0)
            low -= room;
    }
    *ret_low = low;
    *ret_high = high;
}

void valueaxis_make(const struct valueaxis_want *want, struct valueaxis *ret_axis) {
    double low;
    double high;
    choose_range(want, &low, &high);

    struct figure_scale scale =
        figure_scale(want->unit, want->fixed, fmax(fabs(low), fabs(high)));
    low /= scale.size;
    high /= scale.size;
    /* One more than wanted is bearable, where a rounder step would be too wide. */
    double least = (high - low) / (want->ticks > 0 ? want->ticks + 1 : 1);
    double step = nice_step(least, want->unit, want->fixed);
    /* What was widened has room already. */
    double room = want->high > want->low ? (high - low) * HEAD_ROOM : 0;

    /* A hundred percent is all there is. */
    bool full = want->unit == FIGURE_PERCENT && high <= 100 && high + room > 100;
    if (full && isnan(want->top))
        high = 100;
    else if (isnan(want->top))
        high = ceil((high + room) / step - NEAREST) * step;
    if (isnan(want->bottom) && low != 0)
        low = floor((low - room) / step + NEAREST) * step;

    *ret_axis = (struct valueaxis) {
        .bottom = low,
        .top = high,
        .step = step,
        .decimals = decimals_for(step),
        .scale = scale,
    };
}

double valueaxis_first(const struct valueaxis *axis) {
    return ceil(axis->bottom / axis->step - 1e-6) * axis->step;
}

int valueaxis_count(const struct valueaxis *axis) {
    double count = floor((axis->top - valueaxis_first(axis)) / axis->step + 1e-6) + 1;

    if (!(count > 0))
        return 0;
    return count < VALUEAXIS_TICKS_MAX ? (int)count : VALUEAXIS_TICKS_MAX;
}
