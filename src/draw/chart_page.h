/*
 * chart_page - what the parts of one chart being drawn share
 *
 * Internal to src/draw. chart.c makes the page and asks in turn: chart_frame.c for
 * places, grid, axes and title, chart_plot.c for the data, chart_legend.c for the table.
 * All lengths are pixels; unit is the pixels of a point.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cairo.h>

#include "draw/chart.h"
#include "draw/raster.h"
#include "draw/reduce.h"
#include "draw/timeaxis.h"
#include "draw/valueaxis.h"

struct text;
struct theme;
struct zone;

/* The plot without its axes. */
struct chart_box {
    int x;
    int y;
    int width;
    int height;
};

struct chart_page {
    const struct chart *chart;              /* borrowed: the caller's */
    const atomic_bool *cancelled;           /* borrowed: the caller's; may be NULL */
    const struct theme *theme;              /* borrowed: constant */
    struct zone *zone;                      /* owned */
    cairo_surface_t *surface;               /* owned */
    cairo_t *cairo;                         /* owned */
    struct text *text;                      /* owned */
    struct reduced series[CHART_DRAWN_MAX]; /* owned; drawn_count of them */
    size_t drawn_count;
    struct chart_box plot;
    struct valueaxis values;
    struct timeaxis times;
    int width;
    int height;
    double label_width; /* of the words beside the value axis */
    double pad;         /* margin of the page */
    double unit;        /* pixels a point */
    double font;        /* height of plain text */
    double title_line;  /* base line of the title */
    double subtitle_line;
    double legend_top;
};

/* Is somebody no longer waiting? */
bool chart_page_is_cancelled(const struct chart_page *page);

/* The row of a value, from the top of the plot; kept near the plot. */
double chart_page_row(const struct chart_page *page, double value);

/* Fills whole pixels, as far as they are on the page. */
void chart_page_bar(const struct chart_page *page, uint32_t colour, struct chart_box box);

/* A part of the picture to be written to; chart_page_wrote() ends it. */
struct raster chart_page_raster(const struct chart_page *page, struct chart_box box);
void chart_page_wrote(const struct chart_page *page);
