#include "draw/chart_plot.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "draw/chart_page.h"
#include "draw/text.h"
#include "draw/theme.h"

/* Points, unless they say otherwise. */
static const double LINE_THICKNESS = 1.6;
static const double DOT_THICKNESS = 4; /* a sample between two gaps */
static const float FILL_TOP = 0.34F;
static const float FILL_BOTTOM = 0.03F;

enum {
    HATCH_POINTS = 7, /* from one line of the hatch to the next */
    STRIP_POINTS = 5, /* height of the mark of one series' gap */
    DASH_POINTS = 6,
};

/* Which of a point's values a function looks at. */
enum edge { MEAN, MIN, MAX };

static double value_of(const struct reduce_point *point, enum edge edge) {
    if (edge == MIN)
        return point->min;
    return edge == MAX ? point->max : point->mean;
}

static uint32_t hue_of(const struct chart_page *page, size_t place) {
    return page->theme->hues[place % THEME_HUES];
}

/* 45 degrees, with a softer pixel to each side. */
static void hatch(const struct chart_page *page, uint32_t colour, struct chart_box box) {
    struct raster raster = chart_page_raster(page, box);
    int period = HATCH_POINTS * (int)page->unit;
    int thick = (int)page->unit;

    for (int y = 0; y < box.height; y++)
        for (int x = 0; x < box.width; x++)
            if ((box.x + x + box.y + y) % period < thick)
                raster.pixels[(size_t)y * raster.stride + (size_t)x] = colour;
    chart_page_wrote(page);
}

/* The box of a gap: whole columns, at least one. */
static struct chart_box gap_box(const struct chart_page *page, struct reduce_gap gap) {
    struct chart_box box = page->plot;
    int from = (int)lround(gap.from);
    int to = (int)lround(gap.to);

    if (to >= box.width)
        to = box.width;
    if (to <= from)
        from = to - 1;
    box.x += from;
    box.width = to - from;
    return box;
}

/* Cuts gaps down to what lies also in others; both lists rise. Returns how many stay. */
static size_t intersect(struct reduce_gap *gaps,
                        size_t count,
                        const struct reduce_gap *others,
                        size_t other_count,
                        struct reduce_gap *ret_gaps) {
    size_t kept = 0;
    size_t i = 0;
    size_t k = 0;

    while (i < count && k < other_count) {
        double from = fmax(gaps[i].from, others[k].from);
        double to = fmin(gaps[i].to, others[k].to);
        if (from < to)
            ret_gaps[kept++] = (struct reduce_gap) { .from = from, .to = to };
        if (gaps[i].to < others[k].to)
            i++;
        else
            k++;
    }
    return kept;
}

static void hatch_common_gaps(const struct chart_page *page) {
    size_t room = 1;
    for (size_t i = 0; i < page->drawn_count; i++)
        room += page->series[i].gap_count;

    auto_(mem_freep) char *first = mem_new_array(room, sizeof(struct reduce_gap));
    auto_(mem_freep) char *second = mem_new_array(room, sizeof(struct reduce_gap));
    struct reduce_gap *gaps = (struct reduce_gap *)(void *)first;
    struct reduce_gap *spare = (struct reduce_gap *)(void *)second;
    size_t count = 1;

    gaps[0] = (struct reduce_gap) { .from = 0, .to = page->plot.width };
    for (size_t i = 0; i < page->drawn_count; i++) {
        const struct reduced *series = &page->series[i];
        count = intersect(gaps, count, series->gaps, series->gap_count, spare);
        struct reduce_gap *filled = spare;
        spare = gaps;
        gaps = filled;
    }
    for (size_t i = 0; i < count; i++)
        hatch(page, page->theme->hatch, gap_box(page, gaps[i]));
}

/* At the foot, in the colour of the series; strip counts from below. */
static void mark_own_gaps(const struct chart_page *page, size_t place, size_t strip) {
    const struct reduced *series = &page->series[place];
    int height = STRIP_POINTS * (int)page->unit;

    for (size_t i = 0; i < series->gap_count; i++) {
        struct chart_box box = gap_box(page, series->gaps[i]);
        box.y += box.height - (int)(strip + 1) * height;
        box.height = height - (int)page->unit;
        if (box.y > page->plot.y)
            hatch(page, hue_of(page, place), box);
    }
}

void chart_plot_draw_gaps(const struct chart_page *page) {
    size_t strip = 0;

    for (size_t i = 0; page->drawn_count > 1 && i < page->drawn_count; i++)
        if (page->series[i].gap_count > 0)
            mark_own_gaps(page, i, strip++);
    hatch_common_gaps(page);
}

/* Two heights for each column: what raster_fill() takes. */
struct heights {
    float *top;    /* owned */
    float *bottom; /* owned */
    int count;
};

static struct heights heights_new(int count) {
    struct heights heights = {
        .top = mem_new_array((size_t)count, sizeof(float)),
        .bottom = mem_new_array((size_t)count, sizeof(float)),
        .count = count,
    };
    return heights;
}

static void heights_done(struct heights *heights) {
    free(heights->top);
    free(heights->bottom);
}

/* Writes the rows of one edge at the centres of the columns that a run covers. */
static void trace(const struct chart_page *page,
                  const struct reduce_point *points,
                  size_t count,
                  enum edge edge,
                  float *rows) {
    for (size_t i = 0; i + 1 < count; i++) {
        double from_x = points[i].x;
        double to_x = points[i + 1].x;
        double from_y = chart_page_row(page, value_of(&points[i], edge));
        double to_y = chart_page_row(page, value_of(&points[i + 1], edge));
        double slope = to_x > from_x ? (to_y - from_y) / (to_x - from_x) : 0;
        int column = (int)fmax(0, ceil(from_x - 0.5));
        int end = (int)fmin(page->plot.width, floor(to_x - 0.5) + 1);
        for (; column < end; column++)
            rows[column] = (float)(from_y + (column + 0.5 - from_x) * slope);
    }
}

/* A peak between two centres of columns must not be cut off. */
static void widen(const struct chart_page *page,
                  const struct reduce_point *points,
                  size_t count,
                  struct heights *heights) {
    for (size_t i = 0; i < count; i++) {
        int column = (int)floor(points[i].x);
        if (column < 0 || column >= heights->count)
            continue;
        float high = (float)chart_page_row(page, points[i].max);
        float low = (float)chart_page_row(page, points[i].min);
        bool empty = heights->top[column] >= heights->bottom[column];
        if (empty || high < heights->top[column])
            heights->top[column] = high;
        if (empty || low > heights->bottom[column])
            heights->bottom[column] = low;
    }
}

static void draw_band(const struct chart_page *page,
                      const struct reduced *series,
                      uint32_t colour) {
    struct heights heights = heights_new(page->plot.width);

    for (size_t i = 0; i < series->run_count; i++) {
        const struct reduce_point *points = series->points + series->runs[i].first;
        size_t count = series->runs[i].count;
        trace(page, points, count, MAX, heights.top);
        trace(page, points, count, MIN, heights.bottom);
        widen(page, points, count, &heights);
    }
    float opacity = page->theme->band_opacity;
    struct raster raster = chart_page_raster(page, page->plot);
    raster_fill(&raster, heights.top, heights.bottom,
                (struct raster_ink) { colour, opacity, opacity });
    chart_page_wrote(page);
    heights_done(&heights);
}

/* Fills from the line to zero, or to the edge that is nearest to zero. */
static void draw_fill(const struct chart_page *page,
                      const struct reduced *series,
                      uint32_t colour) {
    struct heights heights = heights_new(page->plot.width);
    float base = (float)fmin(fmax(chart_page_row(page, 0), 0), (double)page->plot.height);

    for (int x = 0; x < heights.count; x++)
        heights.top[x] = base;
    for (size_t i = 0; i < series->run_count; i++)
        trace(page, series->points + series->runs[i].first, series->runs[i].count, MEAN,
              heights.top);
    for (int x = 0; x < heights.count; x++) {
        heights.bottom[x] = fmaxf(base, heights.top[x]);
        heights.top[x] = fminf(base, heights.top[x]);
    }
    struct raster raster = chart_page_raster(page, page->plot);
    raster_fill(&raster, heights.top, heights.bottom,
                (struct raster_ink) { colour, FILL_TOP, FILL_BOTTOM });
    chart_page_wrote(page);
    heights_done(&heights);
}

static void draw_runs(const struct chart_page *page,
                      const struct reduced *series,
                      double margin,
                      struct raster_mask *mask) {
    auto_(mem_freep) char *room =
        mem_new_array(series->point_count + 1, sizeof(struct raster_point));
    struct raster_point *line = (struct raster_point *)(void *)room;

    for (size_t i = 0; i < series->run_count; i++) {
        const struct reduce_run *run = &series->runs[i];
        for (size_t k = 0; k < run->count; k++) {
            const struct reduce_point *point = &series->points[run->first + k];
            line[k] = (struct raster_point) {
                .x = (float)point->x,
                .y = (float)(chart_page_row(page, point->mean) + margin),
            };
        }
        double thickness = run->count == 1 ? DOT_THICKNESS : LINE_THICKNESS;
        raster_mask_line(mask, line, run->count, (float)(thickness * page->unit));
    }
}

/* The line may go over the edges of the plot by its own thickness. */
static void draw_line(const struct chart_page *page,
                      const struct reduced *series,
                      size_t place,
                      struct raster_mask *mask) {
    int margin = (int)ceil(LINE_THICKNESS * page->unit);
    struct chart_box box = page->plot;
    box.y -= margin;
    box.height += 2 * margin;

    draw_runs(page, series, margin, mask);
    struct raster raster = chart_page_raster(page, box);
    int dash = place >= THEME_HUES ? DASH_POINTS * (int)page->unit : 0;
    raster_stamp(&raster, mask, hue_of(page, place), dash);
    chart_page_wrote(page);
}

/* An area stands for an amount: only where zero is nothing, and in sight. */
static bool is_amount(const struct chart_page *page) {
    bool zero_in_sight = page->values.bottom <= 0 && page->values.top > 0;
    return figure_is_from_zero(page->chart->unit) && zero_in_sight;
}

void chart_plot_draw_series(const struct chart_page *page) {
    int margin = (int)ceil(LINE_THICKNESS * page->unit);
    auto_(raster_mask_freep) struct raster_mask *mask =
        raster_mask_new(page->plot.width, page->plot.height + 2 * margin);

    if (page->drawn_count == 1 && is_amount(page))
        draw_fill(page, &page->series[0], hue_of(page, 0));
    for (size_t i = page->drawn_count; i-- > 0;)
        if (page->series[i].has_band)
            draw_band(page, &page->series[i], hue_of(page, i));
    for (size_t i = page->drawn_count; i-- > 0;) {
        if (chart_page_is_cancelled(page))
            return;
        draw_line(page, &page->series[i], i, mask);
    }
}

static void draw_dashes(const struct chart_page *page, int y) {
    const struct chart_box *plot = &page->plot;
    int dash = DASH_POINTS * (int)page->unit;

    for (int x = 0; x < plot->width; x += dash + dash / 2) {
        int width = dash < plot->width - x ? dash : plot->width - x;
        chart_page_bar(page, page->theme->threshold,
                       (struct chart_box) { plot->x + x, y, width, (int)page->unit });
    }
}

/* Beyond the axis an arrow says where the line would be. */
static void draw_threshold(const struct chart_page *page,
                           const struct chart_threshold *threshold) {
    const struct chart *chart = page->chart;
    const struct chart_box *plot = &page->plot;
    char value[FIGURE_LEN];
    double row = chart_page_row(page, threshold->value);
    double nearest = fmin(fmax(row, 0), plot->height);
    int y = plot->y + (int)lround(nearest);
    struct text_place place = {
        .style = TEXT_SMALL,
        .align = TEXT_RIGHT,
        .colour = page->theme->threshold,
        .x = plot->x + plot->width - 0.3 * page->font,
        .y = y - 0.4 * page->font,
    };

    figure_print(threshold->value, chart->unit, chart->fixed, value);
    const char *words = threshold->label ? threshold->label : value;
    place.x -= text_draw(page->text, words, &place);
    if (row == nearest)
        draw_dashes(page, y);
    else
        text_draw(page->text, row < 0 ? "\u2191 " : "\u2193 ", &place);
}

void chart_plot_draw_thresholds(const struct chart_page *page) {
    for (size_t i = 0; i < page->chart->threshold_count; i++)
        if (isfinite(page->chart->thresholds[i].value))
            draw_threshold(page, &page->chart->thresholds[i]);
}
