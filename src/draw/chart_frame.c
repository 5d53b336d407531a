#include "draw/chart_frame.h"

#include <math.h>

#include "draw/chart_legend.h"
#include "draw/chart_page.h"
#include "draw/text.h"
#include "draw/theme.h"

/* Lengths in heights of plain text, unless they say points. */
static const double TICK_POINTS = 5;
static const double MINOR_TICK_POINTS = 2;
static const double LABEL_GAP = 0.6;  /* between a value and its grid line */
static const double TICK_SPACE = 5.4; /* between two times, so that dates fit */
static const double LINE = 1.45;      /* from a base line to the next */
static const double FIRST_LINE = 1.5; /* from the plot to the first row of times */

static double period_text(const struct chart_page *page, char *ret_text) {
    const struct chart *chart = page->chart;

    timeaxis_print_period(page->zone, chart->since_ms, chart->until_ms, ret_text);
    return text_width(page->text, TEXT_PLAIN,
                      chart->subtitle ? chart->subtitle : ret_text);
}

/* The period stands at the right end of the title's line, or below a long title. */
static void measure_title(struct chart_page *page) {
    char period[TIMEAXIS_PERIOD_LEN];
    double pad = page->pad;
    double title = text_width(page->text, TEXT_TITLE, page->chart->title);
    double both = title + 2 * page->font + period_text(page, period);

    page->title_line = page->subtitle_line = pad + page->font;
    if (title > 0 && both > page->width - 2 * pad)
        page->subtitle_line += LINE * page->font;
}

/* Is there a second row of words below the times? */
static bool has_second_row(const struct chart_page *page) {
    if (page->times.first_below[0])
        return true;
    for (size_t i = 0; i < page->times.count; i++)
        if (page->times.ticks[i].below[0])
            return true;
    return false;
}

static void place_plot(struct chart_page *page) {
    const struct chart *chart = page->chart;
    double pad = page->pad;
    double left = pad + page->label_width + LABEL_GAP * page->font;

    page->plot.x = (int)ceil(left);
    page->plot.width = page->width - page->plot.x - (int)pad;
    size_t ticks_max = (size_t)(page->plot.width / (TICK_SPACE * page->font));
    timeaxis_make(page->zone, chart->since_ms, chart->until_ms, ticks_max, &page->times);

    double rows = FIRST_LINE + (has_second_row(page) ? LINE : 0);
    double foot = page->height - pad - chart_legend_height(page);
    page->legend_top = foot;
    /* The unit stands above the topmost value. */
    page->plot.y = (int)ceil(page->subtitle_line + 2.6 * page->font);
    page->plot.height = (int)(foot - (rows + 0.8) * page->font) - page->plot.y;
    if (page->plot.height < 1)
        page->plot.height = 1;
}

void chart_frame_measure(struct chart_page *page) {
    measure_title(page);
    page->label_width = text_width(page->text, TEXT_PLAIN, "0000");
    place_plot(page);
}

static void value_label(const struct chart_page *page, int place, char *ret_text) {
    const struct valueaxis *axis = &page->values;
    figure_print_shown(valueaxis_first(axis) + place * axis->step, axis->decimals,
                       ret_text);
}

bool chart_frame_make_room(struct chart_page *page) {
    char label[FIGURE_LEN];
    double widest = text_width(page->text, TEXT_PLAIN, page->values.scale.symbol);

    for (int i = 0; i < valueaxis_count(&page->values); i++) {
        value_label(page, i, label);
        widest = fmax(widest, text_width(page->text, TEXT_PLAIN, label));
    }
    if (widest <= page->label_width || widest > page->width / 3.0)
        return false;
    page->label_width = widest;
    place_plot(page);
    return true;
}

static bool has_samples(const struct chart_page *page) {
    for (size_t i = 0; i < page->drawn_count; i++)
        if (!isnan(page->series[i].last))
            return true;
    return false;
}

/* Without samples and a given end the axis would be an invention. */
static bool has_values(const struct chart_page *page) {
    return has_samples(page) || !isnan(page->chart->y_top);
}

/* Grid lines are whole pixels: one at scale 1. */
static int line_width(const struct chart_page *page) {
    return (int)fmax(1, floor(page->unit));
}

static int row_of_tick(const struct chart_page *page, int place) {
    const struct valueaxis *axis = &page->values;
    double shown = valueaxis_first(axis) + place * axis->step;
    return page->plot.y + (int)lround(chart_page_row(page, shown * axis->scale.size));
}

static int column_of(const struct chart_page *page, int64_t at_ms) {
    const struct chart *chart = page->chart;
    double part =
        (double)(at_ms - chart->since_ms) / (double)(chart->until_ms - chart->since_ms);
    return page->plot.x + (int)lround(part * page->plot.width);
}

/* Below the plot: short where there are no words, longer where there are. */
static void draw_tick(const struct chart_page *page, int64_t at_ms, double length) {
    struct chart_box box = {
        .x = column_of(page, at_ms),
        .y = page->plot.y + page->plot.height,
        .width = line_width(page),
        .height = (int)lround(length * page->unit) + line_width(page),
    };
    chart_page_bar(page, page->theme->axis, box);
}

static void draw_ticks(const struct chart_page *page) {
    for (size_t i = 0; i < page->times.minor_count; i++)
        draw_tick(page, page->times.minor_ms[i], MINOR_TICK_POINTS);
    for (size_t i = 0; i < page->times.count; i++)
        draw_tick(page, page->times.ticks[i].at_ms, TICK_POINTS);
}

void chart_frame_draw_grid(const struct chart_page *page) {
    const struct chart_box *plot = &page->plot;
    int thick = line_width(page);

    for (size_t i = 0; i < page->times.count; i++) {
        const struct timeaxis_tick *tick = &page->times.ticks[i];
        uint32_t colour = tick->is_turn ? page->theme->turn : page->theme->grid;
        chart_page_bar(page, colour,
                       (struct chart_box) { column_of(page, tick->at_ms), plot->y, thick,
                                            plot->height });
    }
    for (int i = 0; has_values(page) && i < valueaxis_count(&page->values); i++)
        chart_page_bar(
            page, page->theme->grid,
            (struct chart_box) { plot->x, row_of_tick(page, i), plot->width, thick });
    draw_ticks(page);
    chart_page_bar(
        page, page->theme->axis,
        (struct chart_box) { plot->x, plot->y + plot->height, plot->width, thick });
}

static void draw_title(const struct chart_page *page) {
    const struct chart *chart = page->chart;
    char period[TIMEAXIS_PERIOD_LEN];
    double pad = page->pad;
    double room = page->width - 2 * pad;
    double subtitle_width = period_text(page, period);
    bool one_line = page->title_line == page->subtitle_line;

    struct text_place title = {
        .style = TEXT_TITLE,
        .colour = page->theme->text,
        .x = pad,
        .y = page->title_line,
        .max_width = room,
    };
    text_draw(page->text, chart->title, &title);
    struct text_place subtitle = {
        .colour = page->theme->muted,
        .x = one_line ? page->width - pad : pad,
        .align = one_line ? TEXT_RIGHT : TEXT_LEFT,
        .y = page->subtitle_line,
        .max_width = subtitle_width > room ? room : 0,
    };
    text_draw(page->text, chart->subtitle ? chart->subtitle : period, &subtitle);
}

static void draw_values(const struct chart_page *page) {
    char label[FIGURE_LEN];
    struct text_place place = {
        .align = TEXT_RIGHT,
        .colour = page->theme->muted,
        .x = page->plot.x - LABEL_GAP * page->font,
    };

    for (int i = 0; i < valueaxis_count(&page->values); i++) {
        value_label(page, i, label);
        /* Digits are 0.73 of the size high: their middle lies on the line. */
        place.y = row_of_tick(page, i) + 0.365 * page->font;
        text_draw(page->text, label, &place);
    }
    place.y = page->plot.y - 1.1 * page->font;
    text_draw(page->text, page->values.scale.symbol, &place);
}

/* Words centred at x, but not over the edges of the page. */
static void draw_time(const struct chart_page *page,
                      const char *words,
                      double x,
                      double y) {
    double half = text_width(page->text, TEXT_PLAIN, words) / 2;
    struct text_place place = {
        .align = TEXT_CENTRE,
        .colour = page->theme->muted,
        .x = fmin(x, page->width - half - 2 * page->unit),
        .y = y,
    };
    text_draw(page->text, words, &place);
}

static void draw_times(const struct chart_page *page) {
    double first_row = page->plot.y + page->plot.height + FIRST_LINE * page->font;
    double second_row = first_row + LINE * page->font;
    double first_turn = page->plot.x + page->plot.width;

    for (size_t i = page->times.count; i-- > 0;) {
        const struct timeaxis_tick *tick = &page->times.ticks[i];
        double x = column_of(page, tick->at_ms);
        draw_time(page, tick->text, x, first_row);
        draw_time(page, tick->below, x, second_row);
        if (tick->below[0])
            first_turn = x - text_width(page->text, TEXT_PLAIN, tick->below) / 2;
    }
    double end =
        page->plot.x + text_width(page->text, TEXT_PLAIN, page->times.first_below);
    if (end + page->font <= first_turn)
        text_draw(page->text, page->times.first_below,
                  &(struct text_place) {
                      .colour = page->theme->muted, .x = page->plot.x, .y = second_row });
}

/* On a patch of plain ground, for the hatch would run through the words. */
static void draw_absence(const struct chart_page *page) {
    static const char words[] = "No data in this period";
    const struct chart_box *plot = &page->plot;
    double width = text_width(page->text, TEXT_TITLE, words) + 3 * page->font;
    struct text_place place = {
        .style = TEXT_TITLE,
        .align = TEXT_CENTRE,
        .colour = page->theme->muted,
        .x = plot->x + plot->width / 2.0,
        .y = plot->y + plot->height / 2.0,
    };

    chart_page_bar(page, page->theme->ground,
                   (struct chart_box) { (int)(place.x - width / 2),
                                        (int)(place.y - 2.2 * page->font), (int)width,
                                        (int)(3.4 * page->font) });
    text_draw(page->text, words, &place);
}

void chart_frame_draw_words(const struct chart_page *page) {
    if (!has_samples(page))
        draw_absence(page);
    draw_title(page);
    if (has_values(page))
        draw_values(page);
    draw_times(page);
}
