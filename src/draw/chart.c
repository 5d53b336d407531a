#include "draw/chart.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/mem.h"
#include "draw/chart_frame.h"
#include "draw/chart_legend.h"
#include "draw/chart_page.h"
#include "draw/chart_plot.h"
#include "draw/pngfile.h"
#include "draw/text.h"
#include "draw/theme.h"
#include "draw/zone.h"

/* Times beyond are no times: some 30,000 years to each side of 1970. */
static const int64_t TIME_LIMIT_MS = INT64_C(1000000000000000);

static const double PAD_POINTS = 20;

/* Between two values of the axis, in heights of plain text; where that makes them few,
 * they may stand nearer. */
static const double VALUE_SPACE = 5;
static const double VALUE_SPACE_MIN = 2.2;
static const double VALUES_FEW = 4;

void chart_init(struct chart *chart) {
    *chart = (struct chart) {
        .width = 1200,
        .height = 600,
        .scale = 1,
        .y_bottom = NAN,
        .y_top = NAN,
    };
}

static bool is_side(int points) {
    return points >= CHART_SIDE_MIN && points <= CHART_SIDE_MAX;
}

static bool is_limit(double value) {
    return isnan(value) || (isfinite(value) && fabs(value) < 1e300);
}

static bool is_valid(const struct chart *chart) {
    if (!is_side(chart->width) || !is_side(chart->height) || chart->scale < 1 ||
        chart->scale > CHART_SCALE_MAX)
        return false;
    if (chart->since_ms >= chart->until_ms || chart->since_ms < -TIME_LIMIT_MS ||
        chart->until_ms > TIME_LIMIT_MS)
        return false;
    if (chart->series_count > CHART_SERIES_MAX ||
        chart->threshold_count > CHART_THRESHOLDS_MAX)
        return false;
    if (chart->unit >= FIGURE_UNIT_COUNT || chart->fixed >= FIGURE_FIXED_COUNT ||
        !figure_fits(chart->unit, chart->fixed))
        return false;
    return is_limit(chart->y_bottom) && is_limit(chart->y_top) &&
           !(chart->y_bottom >= chart->y_top);
}

static void forget_series(struct chart_page *page) {
    for (size_t i = 0; i < page->drawn_count; i++)
        reduce_done(&page->series[i]);
    page->drawn_count = 0;
}

static int reduce_all(struct chart_page *page) {
    const struct chart *chart = page->chart;

    forget_series(page);
    for (size_t i = 0; i < chart->series_count && i < CHART_DRAWN_MAX; i++) {
        const struct chart_series *series = &chart->series[i];
        struct reduce_input input = {
            .times_ms = series->times_ms,
            .mean = series->mean,
            .min = series->min,
            .max = series->max,
            .count = series->count,
            .since_ms = chart->since_ms,
            .until_ms = chart->until_ms,
            .gap_ms = chart->gap_ms,
            .columns = page->plot.width,
        };
        int r = reduce_series(&input, page->cancelled, &page->series[i]);
        if (r < 0)
            return r;
        page->drawn_count++;
    }
    return 0;
}

static int value_count(const struct chart_page *page) {
    double lines = page->plot.height / page->font;
    return (int)fmax(lines / VALUE_SPACE, fmin(VALUES_FEW, lines / VALUE_SPACE_MIN));
}

/* Thresholds widen an automatic axis as long as the data stays readable beside them. */
static void make_value_axis(struct chart_page *page) {
    const struct chart *chart = page->chart;
    double low = NAN;
    double high = NAN;

    for (size_t i = 0; i < page->drawn_count; i++) {
        low = fmin(low, page->series[i].lowest);
        high = fmax(high, page->series[i].highest);
    }
    double reach = fmax(fabs(low), fabs(high));
    for (size_t i = 0; i < chart->threshold_count; i++) {
        double value = chart->thresholds[i].value;
        if (isfinite(value) && fabs(value) <= 2 * reach) {
            low = fmin(low, value);
            high = fmax(high, value);
        }
    }
    struct valueaxis_want want = {
        .low = low,
        .high = high,
        .bottom = chart->y_bottom,
        .top = chart->y_top,
        .unit = chart->unit,
        .fixed = chart->fixed,
        .ticks = value_count(page),
    };
    valueaxis_make(&want, &page->values);
}

/* The words beside the axis decide how wide the plot can be, and its data the words. */
static int lay_out(struct chart_page *page) {
    int r = 0;

    chart_frame_measure(page);
    do {
        r = reduce_all(page);
        if (r < 0)
            return r;
        make_value_axis(page);
    } while (chart_frame_make_room(page));
    return 0;
}

static int draw(struct chart_page *page) {
    static void (*const steps[])(const struct chart_page *page) = {
        chart_frame_draw_grid,      chart_plot_draw_gaps,   chart_plot_draw_series,
        chart_plot_draw_thresholds, chart_frame_draw_words, chart_legend_draw,
    };

    struct chart_box all = { .width = page->width, .height = page->height };

    chart_page_bar(page, page->theme->ground, all);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (chart_page_is_cancelled(page))
            return -ECANCELED;
        steps[i](page);
    }
    return 0;
}

static int encode(const struct chart_page *page, struct buf *png) {
    cairo_surface_flush(page->surface);
    struct pngfile_image image = {
        .pixels = (const uint32_t *)(void *)cairo_image_surface_get_data(page->surface),
        .stride = (size_t)cairo_image_surface_get_stride(page->surface) / 4,
        .width = page->width,
        .height = page->height,
    };
    return pngfile_encode(&image, page->cancelled, png);
}

/* A narrow chart is for a phone, which shows it smaller. Whole points, because each size
 * is a font of its own that stays in memory. */
static double font_points(int width) {
    return fmin(fmax(round(13 + (1000 - width) / 160.0), 13), 16);
}

static int open_page(struct chart_page *page) {
    const struct chart *chart = page->chart;
    int r = zone_open(chart->time_zone, &page->zone);
    if (r < 0)
        return r == -ENOENT ? -EINVAL : r;

    page->theme = chart->theme == CHART_LIGHT ? &theme_light : &theme_dark;
    page->unit = chart->scale;
    page->pad = PAD_POINTS * page->unit;
    page->width = chart->width * chart->scale;
    page->height = chart->height * chart->scale;
    page->font = font_points(chart->width) * page->unit;
    page->surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, page->width, page->height);
    page->cairo = cairo_create(page->surface);
    if (cairo_status(page->cairo) != CAIRO_STATUS_SUCCESS)
        return -ENOMEM;
    page->text = text_new(page->cairo, page->font);
    return 0;
}

static void close_page(struct chart_page *page) {
    forget_series(page);
    text_free(page->text);
    if (page->cairo)
        cairo_destroy(page->cairo);
    if (page->surface)
        cairo_surface_destroy(page->surface);
    zone_free(page->zone);
}

int chart_render(const struct chart *chart,
                 const atomic_bool *cancelled,
                 struct buf *png) {
    if (!is_valid(chart))
        return -EINVAL;

    struct chart_page page = { .chart = chart, .cancelled = cancelled };
    int r = open_page(&page);
    if (r == 0)
        r = lay_out(&page);
    if (r == 0)
        r = draw(&page);
    if (r == 0)
        r = encode(&page, png);
    close_page(&page);
    return r;
}
