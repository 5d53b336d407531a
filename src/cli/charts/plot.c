#include "cli/charts/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/charts/braille.h"
#include "cli/terminal/table.h"
#include "cli/terminal/text.h"
#include "draw/reduce.h"
#include "draw/timeaxis.h"
#include "draw/valueaxis.h"

enum {
    ROWS_A_TICK = 4,    /* of the value axis, about */
    COLUMNS_A_TICK = 8, /* of the time axis: "Sat 21" and room */
    GUTTER_MAX = 16,
    DOTS_OF_THRESHOLD = 4, /* one of so many is set */
};

/* A picture being drawn. */
struct picture {
    const struct plot *plot;         /* borrowed: the caller */
    const struct terminal *terminal; /* borrowed: the caller */
    struct reduced *lines;           /* owned; one for each series */
    struct valueaxis values;
    struct timeaxis times;
    struct braille *canvas; /* owned */
    size_t gutter;          /* columns left of the axis */
    size_t columns;         /* of the canvas */
    size_t rows;
};

enum terminal_colour plot_colour(size_t place) {
    static const enum terminal_colour colours[PLOT_SERIES_MAX] = {
        TERMINAL_CYAN,    TERMINAL_YELLOW, TERMINAL_GREEN,
        TERMINAL_MAGENTA, TERMINAL_BLUE,   TERMINAL_BOLD,
    };
    return colours[place % PLOT_SERIES_MAX];
}

size_t plot_dots(size_t columns) {
    return (columns < PLOT_COLUMNS_MIN ? PLOT_COLUMNS_MIN : columns) * BRAILLE_ACROSS;
}

/* What draw/ writes, for a terminal that knows ASCII alone. */
static void add_text(const struct picture *picture, struct buf *out, const char *text) {
    unsigned rune;
    size_t len;

    if (picture->terminal->unicode) {
        text_add_clean(out, text);
        return;
    }
    for (; (len = text_next(text, &rune)) > 0; text += len)
        if (rune < 0x80)
            buf_add_byte(out, (uint8_t)rune);
        else if (rune == 0x2013 || rune == 0x2212) /* a dash, a minus */
            buf_add_byte(out, '-');
        else if (rune == 0xa0 || rune == 0x202f || rune == 0x2009) /* narrow spaces */
            buf_add_byte(out, ' ');
}

static size_t width_of(const struct picture *picture, const char *text) {
    struct buf shown = { 0 };

    add_text(picture, &shown, text);
    size_t width = text_width(buf_text(&shown));
    buf_done(&shown);
    return width;
}

static void colour(const struct picture *picture,
                   struct buf *out,
                   enum terminal_colour which) {
    buf_add_text(out, terminal_colour(picture->terminal, which));
}

static void reduce(struct picture *picture) {
    const struct plot *plot = picture->plot;

    picture->lines = mem_new_array(plot->series_count, sizeof(*picture->lines));
    for (size_t i = 0; i < plot->series_count; i++) {
        const struct plot_series *series = &plot->series[i];
        struct reduce_input input = {
            .times_ms = series->times_ms,
            .mean = series->mean,
            .min = series->min,
            .max = series->max,
            .count = series->count,
            .since_ms = plot->since_ms,
            .until_ms = plot->until_ms,
            .gap_ms = plot->gap_ms,
            .columns = (int)(picture->columns * BRAILLE_ACROSS),
        };
        reduce_series(&input, NULL, &picture->lines[i]);
    }
}

static void make_axes(struct picture *picture) {
    const struct plot *plot = picture->plot;
    struct valueaxis_want want = {
        .low = (double)NAN,
        .high = (double)NAN,
        .bottom = plot->y_bottom,
        .top = plot->y_top,
        .unit = plot->unit,
        .fixed = plot->fixed,
        .ticks = (int)(picture->rows / ROWS_A_TICK) + 1,
    };

    for (size_t i = 0; i < plot->series_count; i++) {
        want.low = fmin(want.low, picture->lines[i].lowest);
        want.high = fmax(want.high, picture->lines[i].highest);
    }
    for (size_t i = 0; i < plot->threshold_count; i++)
        want.high = fmax(want.high, plot->thresholds[i]);
    valueaxis_make(&want, &picture->values);
    timeaxis_make(plot->zone, plot->since_ms, plot->until_ms,
                  picture->columns / COLUMNS_A_TICK, &picture->times);
}

static void tick_text(const struct picture *picture,
                      int tick,
                      char ret_text[static FIGURE_LEN + 16]) {
    const struct valueaxis *axis = &picture->values;
    char number[FIGURE_LEN];

    figure_print_shown(valueaxis_first(axis) + tick * axis->step, axis->decimals, number);
    snprintf(ret_text, FIGURE_LEN + 16, "%s%s%s", number, *axis->scale.symbol ? " " : "",
             axis->scale.symbol);
}

static size_t widest_tick(const struct picture *picture) {
    char text[FIGURE_LEN + 16];
    size_t widest = 0;

    for (int i = 0; i < valueaxis_count(&picture->values); i++) {
        tick_text(picture, i, text);
        size_t width = width_of(picture, text);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Dots from the top for what is shown; outside of the axis stays outside. */
static int y_of_shown(const struct picture *picture, double shown) {
    const struct valueaxis *axis = &picture->values;
    double share = (axis->top - shown) / (axis->top - axis->bottom);
    double dots = (double)(picture->rows * BRAILLE_DOWN - 1);

    share = share < -1 ? -1 : share > 2 ? 2 : share;
    return (int)lround(share * dots);
}

static int y_of(const struct picture *picture, double value) {
    return y_of_shown(picture, value / picture->values.scale.size);
}

static int x_of(double x) {
    return (int)floor(x);
}

static void draw_run(struct picture *picture,
                     const struct reduced *line,
                     const struct reduce_run *run,
                     struct braille_ink ink) {
    const struct reduce_point *at = line->points + run->first;

    for (size_t i = 0; i < run->count; i++) {
        const struct reduce_point *from = &at[i > 0 ? i - 1 : 0];
        braille_line(picture->canvas, x_of(from->x), y_of(picture, from->mean),
                     x_of(at[i].x), y_of(picture, at[i].mean), ink);
    }
}

/* Bands of several lines would hide each other. */
static void draw_band(struct picture *picture, const struct reduced *line) {
    struct braille_ink ink = { TERMINAL_DIM, 1 };

    if (picture->plot->series_count > 1 || !line->has_band)
        return;
    for (size_t i = 0; i < line->point_count; i++) {
        const struct reduce_point *at = &line->points[i];
        braille_line(picture->canvas, x_of(at->x), y_of(picture, at->min), x_of(at->x),
                     y_of(picture, at->max), ink);
    }
}

static void draw_lines(struct picture *picture) {
    const struct plot *plot = picture->plot;

    for (size_t i = 0; i < plot->threshold_count; i++) {
        struct braille_ink ink = { TERMINAL_RED, 2 };
        int dots = (int)(picture->columns * BRAILLE_ACROSS);
        for (int x = 0; x < dots; x += DOTS_OF_THRESHOLD)
            braille_dot(picture->canvas, x, y_of(picture, plot->thresholds[i]), ink);
    }
    for (size_t i = 0; i < plot->series_count; i++) {
        struct braille_ink ink = { plot->series[i].colour, 3 };
        const struct reduced *line = &picture->lines[i];
        draw_band(picture, line);
        for (size_t run = 0; run < line->run_count; run++)
            draw_run(picture, line, &line->runs[run], ink);
    }
}

static void add_title(const struct picture *picture, struct buf *out) {
    const struct plot *plot = picture->plot;
    const char *cut = terminal_sign(picture->terminal, "\xe2\x80\xa6", "~");
    char period[TIMEAXIS_PERIOD_LEN];
    struct buf shown = { 0 };

    timeaxis_print_period(plot->zone, plot->since_ms, plot->until_ms, period);
    colour(picture, out, TERMINAL_BOLD);
    text_add_cut(out, plot->title, plot->columns, cut);
    colour(picture, out, TERMINAL_PLAIN);
    if (text_width(plot->title) + 2 + width_of(picture, period) > plot->columns)
        buf_add_byte(out, '\n');
    else
        buf_add_text(out, "  ");
    colour(picture, out, TERMINAL_DIM);
    add_text(picture, &shown, period);
    text_add_cut(out, buf_text(&shown), plot->columns, cut);
    colour(picture, out, TERMINAL_PLAIN);
    buf_add_byte(out, '\n');
    buf_done(&shown);
}

/* The tick whose place is in this row of characters; -1: none. */
static int tick_in_row(const struct picture *picture, size_t row) {
    const struct valueaxis *axis = &picture->values;

    for (int i = 0; i < valueaxis_count(axis); i++) {
        int y = y_of_shown(picture, valueaxis_first(axis) + i * axis->step);
        if (y >= 0 && (size_t)y / BRAILLE_DOWN == row)
            return i;
    }
    return -1;
}

static void add_row(const struct picture *picture, size_t row, struct buf *out) {
    char text[FIGURE_LEN + 16] = "";
    int tick = tick_in_row(picture, row);

    if (tick >= 0)
        tick_text(picture, tick, text);
    size_t width = width_of(picture, text);
    colour(picture, out, TERMINAL_DIM);
    text_add_spaces(out, picture->gutter > width ? picture->gutter - width : 0);
    add_text(picture, out, text);
    buf_add_text(out, tick >= 0
                          ? terminal_sign(picture->terminal, " \xe2\x94\xa4", " +")
                          : terminal_sign(picture->terminal, " \xe2\x94\x82", " |"));
    colour(picture, out, TERMINAL_PLAIN);
    braille_add_row(picture->canvas, row, picture->terminal, out);
    buf_add_byte(out, '\n');
}

static size_t column_of(const struct picture *picture, int64_t at_ms) {
    const struct plot *plot = picture->plot;
    double share =
        (double)(at_ms - plot->since_ms) / (double)(plot->until_ms - plot->since_ms);
    size_t column = (size_t)(share * (double)picture->columns);
    return column < picture->columns ? column : picture->columns - 1;
}

static bool is_tick_at(const struct picture *picture, size_t column) {
    for (size_t i = 0; i < picture->times.count; i++)
        if (column_of(picture, picture->times.ticks[i].at_ms) == column)
            return true;
    return false;
}

static void add_line(const struct picture *picture, struct buf *out) {
    const struct terminal *terminal = picture->terminal;

    colour(picture, out, TERMINAL_DIM);
    text_add_spaces(out, picture->gutter + 1);
    buf_add_text(out, terminal_sign(terminal, "\xe2\x94\x94", "+"));
    for (size_t i = 0; i < picture->columns; i++)
        buf_add_text(out, is_tick_at(picture, i)
                              ? terminal_sign(terminal, "\xe2\x94\xac", "+")
                              : terminal_sign(terminal, "\xe2\x94\x80", "-"));
    colour(picture, out, TERMINAL_PLAIN);
    buf_add_byte(out, '\n');
}

/* Puts a text below its tick unless it would touch the one before. Returns the columns
 * that are used then. */
static size_t add_word(const struct picture *picture,
                       struct buf *out,
                       const char *text,
                       size_t centre,
                       size_t used) {
    size_t width = width_of(picture, text);
    size_t left = centre > width / 2 ? centre - width / 2 : 0;

    size_t end = picture->gutter + 2 + picture->columns;
    if (left + width > end)
        left = end > width ? end - width : 0;
    if (*text == '\0' || (used > 0 && left < used + 1))
        return used;
    text_add_spaces(out, left - used);
    add_text(picture, out, text);
    return left + width;
}

static void add_words(const struct picture *picture, bool below, struct buf *out) {
    const struct timeaxis *axis = &picture->times;
    size_t start = picture->gutter + 2, used = 0;

    colour(picture, out, TERMINAL_DIM);
    if (below && (axis->count == 0 || column_of(picture, axis->ticks[0].at_ms) > 0 ||
                  !*axis->ticks[0].below))
        used = add_word(picture, out, axis->first_below,
                        start + width_of(picture, axis->first_below) / 2, used);
    for (size_t i = 0; i < axis->count; i++)
        used = add_word(picture, out, below ? axis->ticks[i].below : axis->ticks[i].text,
                        start + column_of(picture, axis->ticks[i].at_ms), used);
    colour(picture, out, TERMINAL_PLAIN);
    buf_add_byte(out, '\n');
}

static void add_figure(const struct picture *picture, struct table *table, double value) {
    const struct plot *plot = picture->plot;
    char text[FIGURE_LEN];
    struct buf shown = { 0 };

    figure_print(value, plot->unit, plot->fixed, text);
    add_text(picture, &shown, text);
    table_cell(table, TERMINAL_PLAIN, buf_text(&shown));
    buf_done(&shown);
}

static void add_legend(const struct picture *picture, struct buf *out) {
    static const char *const titles[] = { "LAST", "MIN", "MEAN", "MAX" };
    struct table *table = table_new();

    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_FLEXIBLE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        table_column(table, titles[i], TABLE_RIGHT);
    for (size_t i = 0; i < picture->plot->series_count; i++) {
        const struct reduced *line = &picture->lines[i];
        table_cell(table, picture->plot->series[i].colour,
                   terminal_sign(picture->terminal, "\xe2\xa0\xa4\xe2\xa0\xa4", "--"));
        table_cell(table, TERMINAL_PLAIN, picture->plot->series[i].label);
        add_figure(picture, table, line->last);
        add_figure(picture, table, line->lowest);
        add_figure(picture, table, line->average);
        add_figure(picture, table, line->highest);
    }
    table_render(table, picture->terminal, "\n", 0, out);
    table_free(table);
}

/* The axis needs the data, the data the room beside the axis. */
static void lay_out(struct picture *picture) {
    const struct plot *plot = picture->plot;
    size_t around = 5 + plot->series_count; /* title, axis, two lines of words, legend */
    size_t columns = plot->columns < PLOT_COLUMNS_MIN ? PLOT_COLUMNS_MIN : plot->columns;

    picture->rows =
        plot->rows > around + PLOT_ROWS_MIN ? plot->rows - around : PLOT_ROWS_MIN;
    picture->columns = columns - GUTTER_MAX;
    reduce(picture);
    make_axes(picture);
    picture->gutter = widest_tick(picture);
    if (picture->gutter > GUTTER_MAX)
        picture->gutter = GUTTER_MAX;
    for (size_t i = 0; i < plot->series_count; i++)
        reduce_done(&picture->lines[i]);
    free(picture->lines);
    picture->columns = columns - picture->gutter - 2;
    reduce(picture);
    make_axes(picture);
    picture->canvas = braille_new(picture->columns, picture->rows);
}

void plot_draw(const struct plot *plot,
               const struct terminal *terminal,
               struct buf *out) {
    struct picture picture = { .plot = plot, .terminal = terminal };

    lay_out(&picture);
    draw_lines(&picture);
    add_title(&picture, out);
    for (size_t row = 0; row < picture.rows; row++)
        add_row(&picture, row, out);
    add_line(&picture, out);
    add_words(&picture, false, out);
    add_words(&picture, true, out);
    add_legend(&picture, out);
    braille_free(picture.canvas);
    for (size_t i = 0; i < plot->series_count; i++)
        reduce_done(&picture.lines[i]);
    free(picture.lines);
}
