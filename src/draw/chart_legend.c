#include "draw/chart_legend.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "draw/chart_page.h"
#include "draw/text.h"
#include "draw/theme.h"

/* Lengths in heights of plain text. */
static const double ROW = 1.5;
static const double SWATCH = 1.4; /* width of a series' mark */
static const double WIDE_GAP = 1.3;
static const double NARROW_GAP = 0.7; /* between columns, where there is little room */
static const double TABLE_GAP = 3;
static const double LABEL_MAX = 22;   /* longer names end with an ellipsis */
static const double LABEL_LEAST = 10; /* before figures are left out */

static const double HEIGHT_LEAST = 16;

/* The table may have so much of the picture's height. */
static const double SHARE = 0.4;

enum {
    FIGURES = 4,
    ONE_TABLE = 4,      /* rows; more are shown in two tables side by side */
    TABLES_WIDTH = 700, /* points that two tables need */
};

static const char *const heads[FIGURES] = { "last", "min", "mean", "max" };

/* How the tables are set, in pixels. */
struct columns {
    double x; /* of the first table */
    double label;
    double gap;
    double figures[FIGURES];
    bool dropped[FIGURES]; /* there was no room */
};

/* The height is asked for before the series are reduced. */
static size_t drawn_count(const struct chart_page *page) {
    size_t count = page->chart->series_count;
    return count < CHART_DRAWN_MAX ? count : CHART_DRAWN_MAX;
}

static size_t table_count(const struct chart_page *page) {
    return drawn_count(page) > ONE_TABLE && page->chart->width >= TABLES_WIDTH ? 2 : 1;
}

static size_t rows_for(const struct chart_page *page, size_t series) {
    return (series + table_count(page) - 1) / table_count(page);
}

/* How many series have a row; where not all have, one row says how many there are. */
static size_t listed_count(const struct chart_page *page) {
    double room = SHARE * page->height / (ROW * page->font) - 1;
    size_t rows = room > 2 ? (size_t)room : 2;
    size_t series = drawn_count(page);

    if (page->chart->series_count == series && rows_for(page, series) <= rows)
        return series;
    size_t most = (rows - 1) * table_count(page);
    return series < most ? series : most;
}

static bool has_more(const struct chart_page *page) {
    return listed_count(page) < page->chart->series_count;
}

/* A picture of a few lines' height has room for its plot alone. */
static bool has_table(const struct chart_page *page) {
    return drawn_count(page) > 0 && page->height >= HEIGHT_LEAST * page->font;
}

double chart_legend_height(const struct chart_page *page) {
    size_t rows = rows_for(page, listed_count(page)) + has_more(page);

    if (!has_table(page))
        return 0;
    /* The base line of the last row stands on the lower margin. */
    return (1 + (double)rows * ROW) * page->font;
}

static void print_figure(const struct chart_page *page,
                         size_t series,
                         int column,
                         char *ret_text) {
    const struct reduced *reduced = &page->series[series];
    const double figures[FIGURES] = { reduced->last, reduced->lowest, reduced->average,
                                      reduced->highest };
    figure_print(figures[column], page->chart->unit, page->chart->fixed, ret_text);
}

static double table_width(const struct chart_page *page, const struct columns *columns) {
    double width = SWATCH * page->font + columns->label;

    for (int k = 0; k < FIGURES; k++)
        if (!columns->dropped[k])
            width += columns->figures[k] + columns->gap;
    return width;
}

/* How much the tables are too wide; zero or less when they fit. */
static double excess(const struct chart_page *page, const struct columns *columns) {
    size_t tables = table_count(page);
    double all = (double)tables * table_width(page, columns) +
                 (double)(tables - 1) * TABLE_GAP * page->font;
    return columns->x + all - (page->width - page->pad);
}

/* Shortens names that are longer than so many heights. */
static void shorten(const struct chart_page *page,
                    struct columns *columns,
                    double least) {
    double over = excess(page, columns) / (double)table_count(page);

    if (over > 0)
        columns->label =
            fmax(columns->label - over, fmin(columns->label, least * page->font));
}

/* Makes room step by step until the tables fit. */
static void fit(const struct chart_page *page, struct columns *columns) {
    if (excess(page, columns) > 0)
        columns->gap = NARROW_GAP * page->font;
    if (excess(page, columns) > 0)
        columns->x = page->pad;
    shorten(page, columns, LABEL_LEAST);
    /* The picture shows the lowest value, and about the mean. */
    for (int k = 1; k <= 2; k++)
        columns->dropped[k] = excess(page, columns) > 1;
    shorten(page, columns, 0);
}

static void measure(const struct chart_page *page, struct columns *columns) {
    char text[FIGURE_LEN];

    *columns = (struct columns) { .x = page->plot.x, .gap = WIDE_GAP * page->font };
    for (int k = 0; k < FIGURES; k++)
        columns->figures[k] = text_width(page->text, TEXT_SMALL, heads[k]);
    for (size_t i = 0; i < listed_count(page); i++) {
        double width = text_width(page->text, TEXT_PLAIN, page->chart->series[i].label);
        columns->label = fmax(columns->label, width);
        for (int k = 0; k < FIGURES; k++) {
            print_figure(page, i, k, text);
            columns->figures[k] =
                fmax(columns->figures[k], text_width(page->text, TEXT_PLAIN, text));
        }
    }
    columns->label = fmin(columns->label, LABEL_MAX * page->font);
    fit(page, columns);
}

static void draw_swatch(const struct chart_page *page,
                        size_t series,
                        double x,
                        double y) {
    int unit = (int)page->unit;
    uint32_t colour = page->theme->hues[series % THEME_HUES];
    struct chart_box box = {
        .x = (int)lround(x),
        .y = (int)lround(y - 0.5 * page->font),
        .width = (int)lround(0.9 * page->font),
        .height = 3 * unit,
    };

    if (series >= THEME_HUES) {
        int whole = box.width;
        box.width = (int)(0.35 * page->font);
        chart_page_bar(page, colour, box);
        box.x += whole - box.width;
    }
    chart_page_bar(page, colour, box);
}

/* Calls for a row of words: the heads, or the figures of a series. */
static void draw_figures(const struct chart_page *page,
                         const struct columns *columns,
                         struct text_place place,
                         const struct chart_series *series) {
    char text[FIGURE_LEN];

    place.align = TEXT_RIGHT;
    place.x += SWATCH * page->font + columns->label;
    for (int k = 0; k < FIGURES; k++) {
        if (columns->dropped[k])
            continue;
        place.x += columns->gap + columns->figures[k];
        if (series)
            print_figure(page, (size_t)(series - page->chart->series), k, text);
        text_draw(page->text, series ? text : heads[k], &place);
    }
}

static void draw_row(const struct chart_page *page,
                     const struct columns *columns,
                     size_t series,
                     double x,
                     double y) {
    struct text_place place = { .colour = page->theme->text, .x = x, .y = y };
    struct text_place label = place;

    label.x += SWATCH * page->font;
    label.max_width = columns->label + 1;
    draw_swatch(page, series, x, y);
    text_draw(page->text, page->chart->series[series].label, &label);
    draw_figures(page, columns, place, &page->chart->series[series]);
}

static void draw_more(const struct chart_page *page, double x, double y) {
    char text[64];
    size_t drawn = drawn_count(page);
    size_t all = page->chart->series_count;
    struct text_place place = {
        .colour = page->theme->muted,
        .x = x + SWATCH * page->font,
        .y = y,
    };

    if (listed_count(page) == drawn)
        snprintf(text, sizeof(text), "and %zu more, not drawn", all - drawn);
    else if (all > drawn)
        snprintf(text, sizeof(text), "and %zu more, %zu of them not drawn",
                 all - listed_count(page), all - drawn);
    else
        snprintf(text, sizeof(text), "and %zu more", all - listed_count(page));
    text_draw(page->text, text, &place);
}

void chart_legend_draw(const struct chart_page *page) {
    struct columns columns;
    size_t listed = listed_count(page);
    size_t rows = rows_for(page, listed);
    double line = ROW * page->font;
    double top = page->legend_top + page->font;

    if (!has_table(page))
        return;
    measure(page, &columns);
    for (size_t table = 0; table < table_count(page); table++) {
        double step = table_width(page, &columns) + TABLE_GAP * page->font;
        struct text_place head = {
            .style = TEXT_SMALL,
            .colour = page->theme->muted,
            .x = columns.x + (double)table * step,
            .y = top,
        };
        draw_figures(page, &columns, head, NULL);
        for (size_t i = table * rows; i < listed && i < (table + 1) * rows; i++)
            draw_row(page, &columns, i, head.x,
                     top + (double)(i - table * rows + 1) * line);
    }
    if (has_more(page))
        draw_more(page, columns.x, top + (double)(rows + 1) * line);
}
