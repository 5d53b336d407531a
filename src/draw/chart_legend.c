#include "draw/chart_legend.h"

#include <math.h>
#include <stdio.h>

#include "draw/chart_page.h"
#include "draw/text.h"
#include "draw/theme.h"

/* Lengths in heights of plain text. */
static const double ROW = 1.5;
static const double SWATCH = 1.4; /* width of a series' mark */
static const double COLUMN_GAP = 1.3;
static const double TABLE_GAP = 3;
static const double LABEL_MAX = 22; /* longer names end with an ellipsis */

enum {
    FIGURES = 4,
    ONE_TABLE = 4,      /* rows; more are shown in two tables side by side */
    TABLES_WIDTH = 700, /* points that two tables need */
};

static const char *const heads[FIGURES] = { "last", "min", "mean", "max" };

/* Widths of the columns, in pixels. */
struct columns {
    double label;
    double figures[FIGURES];
};

/* The height is asked for before the series are reduced. */
static size_t row_count(const struct chart_page *page) {
    size_t count = page->chart->series_count;
    return count < CHART_DRAWN_MAX ? count : CHART_DRAWN_MAX;
}

static size_t table_count(const struct chart_page *page) {
    return row_count(page) > ONE_TABLE && page->chart->width >= TABLES_WIDTH ? 2 : 1;
}

static size_t rows_of(const struct chart_page *page) {
    size_t tables = table_count(page);
    return (row_count(page) + tables - 1) / tables;
}

static bool has_more(const struct chart_page *page) {
    return page->chart->series_count > CHART_DRAWN_MAX;
}

double chart_legend_height(const struct chart_page *page) {
    if (row_count(page) == 0)
        return 0;
    /* The base line of the last row stands on the lower margin. */
    return (1 + (double)(rows_of(page) + has_more(page)) * ROW) * page->font;
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

static void measure(const struct chart_page *page, struct columns *columns) {
    char text[FIGURE_LEN];

    *columns = (struct columns) { 0 };
    for (int k = 0; k < FIGURES; k++)
        columns->figures[k] = text_width(page->text, TEXT_SMALL, heads[k]);
    for (size_t i = 0; i < row_count(page); i++) {
        double width = text_width(page->text, TEXT_PLAIN, page->chart->series[i].label);
        columns->label = fmax(columns->label, width);
        for (int k = 0; k < FIGURES; k++) {
            print_figure(page, i, k, text);
            columns->figures[k] =
                fmax(columns->figures[k], text_width(page->text, TEXT_PLAIN, text));
        }
    }
    columns->label = fmin(columns->label, LABEL_MAX * page->font);
}

static double table_width(const struct chart_page *page, const struct columns *columns) {
    double width = SWATCH * page->font + columns->label;

    for (int k = 0; k < FIGURES; k++)
        width += columns->figures[k] + COLUMN_GAP * page->font;
    return width;
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

static void draw_row(const struct chart_page *page,
                     const struct columns *columns,
                     size_t series,
                     double x,
                     double y) {
    char text[FIGURE_LEN];
    struct text_place label = {
        .colour = page->theme->text,
        .x = x + SWATCH * page->font,
        .y = y,
        .max_width = columns->label + 1,
    };
    struct text_place figure = {
        .align = TEXT_RIGHT,
        .colour = page->theme->text,
        .x = label.x + columns->label,
        .y = y,
    };

    draw_swatch(page, series, x, y);
    text_draw(page->text, page->chart->series[series].label, &label);
    for (int k = 0; k < FIGURES; k++) {
        print_figure(page, series, k, text);
        figure.x += COLUMN_GAP * page->font + columns->figures[k];
        text_draw(page->text, text, &figure);
    }
}

static void draw_heads(const struct chart_page *page,
                       const struct columns *columns,
                       double x,
                       double y) {
    struct text_place place = {
        .style = TEXT_SMALL,
        .align = TEXT_RIGHT,
        .colour = page->theme->muted,
        .x = x + SWATCH * page->font + columns->label,
        .y = y,
    };

    for (int k = 0; k < FIGURES; k++) {
        place.x += COLUMN_GAP * page->font + columns->figures[k];
        text_draw(page->text, heads[k], &place);
    }
}

static void draw_more(const struct chart_page *page, double y) {
    char text[48];

    snprintf(text, sizeof(text), "and %zu more, not drawn",
             page->chart->series_count - CHART_DRAWN_MAX);
    text_draw(page->text, text,
              &(struct text_place) { .colour = page->theme->muted,
                                     .x = page->plot.x + SWATCH * page->font,
                                     .y = y });
}

void chart_legend_draw(const struct chart_page *page) {
    struct columns columns;
    size_t rows = rows_of(page);
    double line = ROW * page->font;
    double top = page->legend_top + page->font;

    if (row_count(page) == 0)
        return;
    measure(page, &columns);
    for (size_t table = 0; table < table_count(page); table++) {
        double x = page->plot.x +
                   (double)table * (table_width(page, &columns) + TABLE_GAP * page->font);
        draw_heads(page, &columns, x, top);
        for (size_t i = table * rows; i < row_count(page) && i < (table + 1) * rows; i++)
            draw_row(page, &columns, i, x, top + (double)(i - table * rows + 1) * line);
    }
    if (has_more(page))
        draw_more(page, top + (double)(rows + 1) * line);
}
