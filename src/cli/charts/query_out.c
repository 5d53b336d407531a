#include "cli/charts/query_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/charts/scale.h"
#include "cli/charts/series.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"

enum {
    GAP = 2,       /* spaces between columns */
    NARROWEST = 6, /* "100.00" */
};

struct column {
    char *node;   /* owned */
    char *metric; /* owned */
    char *unit;   /* owned */
    char *title;  /* owned: with the unit of the table's numbers */
    unsigned places;
    struct scale scale;
    size_t width;
};

struct query_out {
    struct query_out_config config;
    struct column *columns; /* owned */
    size_t count;
    size_t shown; /* those that fit into a table */
    struct buf line;
};

static void column_init(struct column *column,
                        const struct query_out *out,
                        const Roost__V1__QueryResponse *response,
                        const Roost__V1__Series *series) {
    char widest[SCALE_NUMBER_LEN];
    double greatest = series_greatest(series);
    char *title = series_title(response, series);

    *column = (struct column) {
        .node = mem_strdup(series->node),
        .metric = mem_strdup(series->metric->name),
        .unit = mem_strdup(series->metric->unit),
        .places = series->metric->scale,
    };
    unsigned places = column->places + (out->config.is_rounded ? 1 : 0);
    column->scale =
        scale_of(column->unit, places, greatest, out->config.terminal->unicode);
    column->title = column->scale.word && *column->scale.word
                        ? mem_printf("%s %s", title, column->scale.word)
                        : mem_strdup(title);
    free(title);
    scale_print(&column->scale, -greatest, widest);
    column->width = text_width(column->title);
    if (column->width < strlen(widest))
        column->width = strlen(widest);
    if (column->width < NARROWEST)
        column->width = NARROWEST;
}

static size_t time_width(const struct query_out *out) {
    return out->config.seconds ? 19 : 16;
}

/* How many columns fit into the terminal: at least one. */
static size_t count_fitting(const struct query_out *out) {
    size_t room = out->config.terminal->columns, used = time_width(out), i = 0;

    if (room == 0)
        return out->count;
    while (i < out->count && used + GAP + out->columns[i].width <= room)
        used += GAP + out->columns[i++].width;
    return i > 0 ? i : 1;
}

static void write_line(struct query_out *out, const char *eol) {
    buf_add_text(&out->line, eol);
    fwrite(out->line.data, 1, out->line.len, stdout);
    buf_clear(&out->line);
}

static void print_head(struct query_out *out) {
    const struct terminal *terminal = out->config.terminal;

    buf_add_text(&out->line, terminal_colour(terminal, TERMINAL_DIM));
    buf_add_text(&out->line, "TIME");
    text_add_spaces(&out->line, time_width(out) - 4);
    for (size_t i = 0; i < out->shown; i++) {
        const struct column *column = &out->columns[i];
        text_add_spaces(&out->line, GAP + column->width - text_width(column->title));
        text_add_clean(&out->line, column->title);
    }
    buf_add_text(&out->line, terminal_colour(terminal, TERMINAL_PLAIN));
    write_line(out, "\n");
    if (out->shown < out->count)
        report_note("%zu more series do not fit: --csv or --json has them all",
                    out->count - out->shown);
}

/* RFC 4180: quotes where there is a comma, a quote or a line's end. */
static void add_field(struct buf *line, const char *text) {
    if (!strpbrk(text, ",\"\r\n")) {
        buf_add_text(line, text);
        return;
    }
    buf_add_byte(line, '"');
    for (; *text; text++) {
        if (*text == '"')
            buf_add_byte(line, '"');
        buf_add_byte(line, (uint8_t)*text);
    }
    buf_add_byte(line, '"');
}

static void print_csv_head(struct query_out *out) {
    buf_add_text(&out->line, "time");
    for (size_t i = 0; i < out->count; i++) {
        const struct column *column = &out->columns[i];
        bool has_unit = *column->unit && strcmp(column->unit, "1") != 0;
        char *name =
            mem_printf("%s %s%s%s%s", column->node, column->metric, has_unit ? " (" : "",
                       has_unit ? column->unit : "", has_unit ? ")" : "");
        buf_add_byte(&out->line, ',');
        add_field(&out->line, name);
        free(name);
    }
    write_line(out, "\r\n");
}

struct query_out *query_out_new(const struct query_out_config *config,
                                const Roost__V1__QueryResponse *response) {
    struct query_out *out = mem_new(sizeof(*out));

    out->config = *config;
    out->count = response->n_series;
    out->columns = mem_new_array(out->count, sizeof(*out->columns));
    for (size_t i = 0; i < out->count; i++)
        column_init(&out->columns[i], out, response, response->series[i]);
    out->shown = count_fitting(out);
    if (config->form == QUERY_TABLE)
        print_head(out);
    else if (config->form == QUERY_CSV)
        print_csv_head(out);
    return out;
}

struct query_out *query_out_free(struct query_out *out) {
    if (!out)
        return NULL;
    for (size_t i = 0; i < out->count; i++) {
        free(out->columns[i].node);
        free(out->columns[i].metric);
        free(out->columns[i].unit);
        free(out->columns[i].title);
    }
    free(out->columns);
    buf_done(&out->line);
    free(out);
    return NULL;
}

size_t query_out_find(const struct query_out *out, const Roost__V1__Series *series) {
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->columns[i].metric, series->metric->name) == 0 &&
            strcmp(out->columns[i].node, series->node) == 0)
            return i;
    return SIZE_MAX;
}

size_t query_out_count(const struct query_out *out) {
    return out->count;
}

static void print_table_row(struct query_out *out,
                            int64_t time_ms,
                            const double *values) {
    char when[WHEN_LEN], number[SCALE_NUMBER_LEN];

    when_print(time_ms, out->config.seconds, when);
    buf_add_text(&out->line, when);
    for (size_t i = 0; i < out->shown; i++) {
        scale_print(&out->columns[i].scale, values[i], number);
        size_t len = strlen(number), width = out->columns[i].width;
        text_add_spaces(&out->line, GAP + (width > len ? width - len : 0));
        buf_add_text(&out->line, number);
    }
    write_line(out, "\n");
}

/* Means of whole numbers are no whole numbers. */
static void number_text(const struct query_out *out,
                        size_t column,
                        double value,
                        char ret_text[static UNITS_LEN]) {
    unsigned more = out->config.is_rounded ? 3 : 0;
    units_json(value, out->columns[column].places + more, ret_text);
}

static void print_csv_row(struct query_out *out, int64_t time_ms, const double *values) {
    char when[CLOCK_TEXT_LEN], number[UNITS_LEN];

    clock_print(time_ms, when);
    buf_add_text(&out->line, when);
    for (size_t i = 0; i < out->count; i++) {
        number_text(out, i, values[i], number);
        buf_add_byte(&out->line, ',');
        buf_add_text(&out->line, isfinite(values[i]) ? number : "");
    }
    write_line(out, "\r\n");
}

/* {"time": "...", "node": "pi", "cpu": 1.5}; with several nodes, a line for each that has
 * a value. */
static void print_line(struct query_out *out,
                       int64_t time_ms,
                       const double *values,
                       size_t first) {
    char when[CLOCK_TEXT_LEN], number[UNITS_LEN];
    const char *node = out->columns[first].node;

    clock_print(time_ms, when);
    buf_printf(&out->line, "{\"time\": \"%s\", \"node\": ", when);
    output_add_string(&out->line, node);
    for (size_t i = first; i < out->count; i++) {
        if (strcmp(out->columns[i].node, node) != 0 || !isfinite(values[i]))
            continue;
        number_text(out, i, values[i], number);
        buf_add_text(&out->line, ", ");
        output_add_string(&out->line, out->columns[i].metric);
        buf_printf(&out->line, ": %s", number);
    }
    write_line(out, "}\n");
}

static bool begins_node(const struct query_out *out, size_t i) {
    return i == 0 || strcmp(out->columns[i].node, out->columns[i - 1].node) != 0;
}

static bool has_value(const struct query_out *out, const double *values, size_t first) {
    for (size_t i = first; i < out->count; i++) {
        if (i > first && begins_node(out, i))
            return false;
        if (isfinite(values[i]))
            return true;
    }
    return false;
}

void query_out_row(struct query_out *out, int64_t time_ms, const double *values) {
    if (out->config.form == QUERY_TABLE)
        print_table_row(out, time_ms, values);
    else if (out->config.form == QUERY_CSV)
        print_csv_row(out, time_ms, values);
    else
        for (size_t i = 0; i < out->count; i++)
            if (begins_node(out, i) && has_value(out, values, i))
                print_line(out, time_ms, values, i);
}
