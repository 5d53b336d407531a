#include "cli/terminal/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/terminal/text.h"

enum {
    GAP = 2,       /* spaces between columns */
    NARROWEST = 8, /* columns that a cut column keeps */
};

struct column {
    char *title; /* owned */
    enum table_kind kind;
    size_t width;
};

struct cell {
    char *text; /* owned */
    enum terminal_colour colour;
};

struct table {
    struct column *columns; /* owned */
    size_t column_count;
    struct cell *cells; /* owned; row after row */
    size_t cell_count;
};

struct table *table_new(void) {
    return mem_new(sizeof(struct table));
}

struct table *table_free(struct table *table) {
    if (!table)
        return NULL;
    for (size_t i = 0; i < table->column_count; i++)
        free(table->columns[i].title);
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->columns);
    free(table->cells);
    free(table);
    return NULL;
}

void table_column(struct table *table, const char *title, enum table_kind kind) {
    table->columns =
        mem_grow(table->columns, (table->column_count + 1) * sizeof(*table->columns));
    table->columns[table->column_count++] =
        (struct column) { .title = mem_strdup(title), .kind = kind };
}

void table_cell(struct table *table, enum terminal_colour colour, const char *text) {
    table->cells =
        mem_grow(table->cells, (table->cell_count + 1) * sizeof(*table->cells));
    table->cells[table->cell_count++] =
        (struct cell) { .text = mem_strdup(text ? text : ""), .colour = colour };
}

void table_printf(struct table *table,
                  enum terminal_colour colour,
                  const char *format,
                  ...) {
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    table_cell(table, colour, buf_text(&text));
    buf_done(&text);
}

size_t table_row_count(const struct table *table) {
    return table->cell_count / table->column_count;
}

static size_t widest_cell(const struct table *table, size_t column) {
    size_t widest = 0;

    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        size_t width = text_width(table->cells[i].text);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Natural widths; 0 for a column that nobody filled. Returns their sum with the gaps. */
static size_t measure(const struct table *table, size_t *widths) {
    size_t sum = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        size_t title = text_width(table->columns[i].title);
        widths[i] = widest_cell(table, i);
        if (widths[i] > 0 || table->cell_count == 0)
            widths[i] = widths[i] > title ? widths[i] : title;
        sum += widths[i] > 0 ? widths[i] + GAP : 0;
    }
    return sum > GAP ? sum - GAP : 0;
}

/* Takes columns away from the widest flexible one until the table fits. */
static void squeeze(const struct table *table, size_t *widths, size_t sum, size_t room) {
    while (room > 0 && sum > room) {
        size_t widest = SIZE_MAX;
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].kind == TABLE_FLEXIBLE && widths[i] > NARROWEST &&
                (widest == SIZE_MAX || widths[i] > widths[widest]))
                widest = i;
        if (widest == SIZE_MAX)
            return;
        widths[widest]--;
        sum--;
    }
}

struct writer {
    const struct table *table;
    const struct terminal *terminal;
    const size_t *widths;
    struct buf *out;
};

/* Is there anything to the right of this column? Trailing spaces are left out. */
static bool is_last(const struct writer *writer, size_t column) {
    for (size_t i = column + 1; i < writer->table->column_count; i++)
        if (writer->widths[i] > 0)
            return false;
    return true;
}

static void put_cell(const struct writer *writer,
                     size_t column,
                     enum terminal_colour colour,
                     const char *text) {
    size_t width = writer->widths[column];
    struct buf content = { 0 };
    struct buf *out = writer->out;

    if (width == 0)
        return;
    size_t used = text_add_cut(&content, text, width,
                               terminal_sign(writer->terminal, "\xe2\x80\xa6", "~"));
    if (writer->table->columns[column].kind == TABLE_RIGHT)
        text_add_spaces(out, width - used);
    if (colour != TERMINAL_PLAIN && used > 0)
        buf_add_text(out, terminal_colour(writer->terminal, colour));
    buf_add_slice(out, buf_slice(&content));
    if (colour != TERMINAL_PLAIN && used > 0)
        buf_add_text(out, terminal_colour(writer->terminal, TERMINAL_PLAIN));
    if (!is_last(writer, column)) {
        if (writer->table->columns[column].kind != TABLE_RIGHT)
            text_add_spaces(out, width - used);
        text_add_spaces(out, GAP);
    }
    buf_done(&content);
}

static bool has_titles(const struct table *table) {
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].title[0] != '\0')
            return true;
    return false;
}

static void end_line(struct buf *out, const char *eol) {
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->len--;
    buf_add_text(out, eol);
}

void table_render(const struct table *table,
                  const struct terminal *terminal,
                  const char *eol,
                  size_t rows_max,
                  struct buf *out) {
    auto_(mem_freep) size_t *widths = mem_new_array(table->column_count, sizeof(*widths));
    struct writer writer = { table, terminal, widths, out };
    size_t rows = table_row_count(table);
    size_t lines = 0;

    squeeze(table, widths, measure(table, widths), terminal->columns);
    if (has_titles(table)) {
        for (size_t i = 0; i < table->column_count; i++)
            put_cell(&writer, i, TERMINAL_DIM, table->columns[i].title);
        end_line(out, eol);
        lines++;
    }
    for (size_t row = 0; row < rows && (rows_max == 0 || lines < rows_max); row++) {
        const struct cell *cells = table->cells + row * table->column_count;
        for (size_t i = 0; i < table->column_count; i++)
            put_cell(&writer, i, cells[i].colour, cells[i].text);
        end_line(out, eol);
        lines++;
    }
}

void table_print(const struct table *table, const struct terminal *terminal) {
    struct buf out = { 0 };

    table_render(table, terminal, "\n", 0, &out);
    if (out.len > 0)
        fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
}
