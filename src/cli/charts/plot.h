/*
 * plot - lines over time, drawn in a terminal
 *
 * A title, axes with round steps in the values' unit and in somebody's time zone, lines
 * in braille dots with the band between least and greatest values, and a legend. Nothing
 * is drawn where nothing is known.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/terminal/terminal.h"
#include "draw/figure.h"

struct zone;

enum {
    PLOT_SERIES_MAX = 6, /* colours that eyes tell apart on a terminal */
    PLOT_COLUMNS_MIN = 40,
    PLOT_ROWS_MIN = 8,
};

/* Everything is borrowed until plot_draw() returns. */
struct plot_series {
    const char *label;
    const int64_t *times_ms; /* rising */
    const double *mean;      /* NaN: a gap */
    const double *min;       /* NULL: one sample each */
    const double *max;
    size_t count;
    enum terminal_colour colour;
};

struct plot {
    const char *title;
    const struct plot_series *series;
    size_t series_count;
    const double *thresholds; /* in the metrics' unit */
    size_t threshold_count;
    int64_t since_ms;
    int64_t until_ms;
    int64_t gap_ms; /* a longer step between points is a gap */
    const struct zone *zone;
    enum figure_unit unit;
    enum figure_fixed fixed;
    double y_bottom; /* NaN: automatic */
    double y_top;
    size_t columns; /* of the whole, legend included */
    size_t rows;
};

/* The colour of the n-th series. */
enum terminal_colour plot_colour(size_t place);

/* How many dots there are side by side at most: more points are not to be seen. */
size_t plot_dots(size_t columns);

void plot_draw(const struct plot *plot, const struct terminal *terminal, struct buf *out);
