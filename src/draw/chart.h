/*
 * chart - samples in, a PNG out
 *
 * Draws lines over time with a legend, in one call, without I/O but for the time zone and
 * the fonts. Any number of threads may draw at once; a thread that draws again is
 * quicker, because it has its fonts loaded.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "draw/figure.h"

struct buf;

enum {
    CHART_SERIES_MAX = 64, /* more is refused */
    CHART_DRAWN_MAX = 12,  /* what is beyond is only counted in the legend */
    CHART_THRESHOLDS_MAX = 8,
    CHART_SIDE_MIN = 200,  /* points; below there is no room for the axes */
    CHART_SIDE_MAX = 4096, /* points: 64 MiB of pixels at scale 1 */
    CHART_SCALE_MAX = 3,
};

enum chart_theme { CHART_DARK, CHART_LIGHT };

/* Everything is borrowed from the caller until chart_render() returns. */
struct chart_series {
    const char *label;
    const int64_t *times_ms; /* rising */
    const double *mean;      /* NAN: nothing was measured here */
    const double *min;       /* NULL when raw */
    const double *max;       /* NULL when raw */
    size_t count;
};

struct chart_threshold {
    double value;
    const char *label; /* borrowed; NULL: the value itself is written */
};

struct chart {
    const char *title;    /* borrowed; which node and metric */
    const char *subtitle; /* borrowed; NULL: the period, in the time zone */
    const struct chart_series *series;
    size_t series_count;
    const struct chart_threshold *thresholds;
    size_t threshold_count;
    int64_t since_ms;
    int64_t until_ms;
    int64_t gap_ms;        /* a longer step between samples is a gap; 0: none is */
    const char *time_zone; /* borrowed; IANA name; NULL: the machine's */
    enum figure_unit unit; /* of all series */
    enum figure_fixed fixed;
    double y_bottom; /* in the metric's unit; NAN: automatic */
    double y_top;
    enum chart_theme theme;
    int width; /* points */
    int height;
    int scale; /* pixels a point: 2 for phones */
};

/* A chart of 1200 x 600 with automatic axes, dark, and nothing in it. */
void chart_init(struct chart *chart);

/*
 * Draws the chart and appends the picture to png: 0; -ECANCELED when *cancelled became
 * true (NULL: never); -EINVAL when sizes, times, axes, or counts are out of range or the
 * time zone is unknown; or another -errno. png is untouched on failure.
 */
int chart_render(const struct chart *chart,
                 const atomic_bool *cancelled,
                 struct buf *png);
