/*
 * table - aligned columns for a person
 *
 * Cells are texts with a colour; the table measures, aligns, cleans and, on a terminal
 * that is too narrow, cuts the columns that may be cut.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "cli/terminal/terminal.h"

enum table_kind {
    TABLE_LEFT,
    TABLE_RIGHT,
    TABLE_FLEXIBLE, /* left, and the first to be cut */
};

struct table;

struct table *table_new(void);

/* NULL is fine; always returns NULL. */
struct table *table_free(struct table *table);

/* Adds a column; its title may be "". Before any row. */
void table_column(struct table *table, const char *title, enum table_kind kind);

/* Fills the next cell; rows follow by themselves. Copies. NULL is an empty cell. */
void table_cell(struct table *table, enum terminal_colour colour, const char *text);
void table_printf(struct table *table,
                  enum terminal_colour colour,
                  const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

size_t table_row_count(const struct table *table);

/* Appends the table, each line ended by eol; columns without any content are left out.
 * At most rows_max lines (0: all), the title line included. */
void table_render(const struct table *table,
                  const struct terminal *terminal,
                  const char *eol,
                  size_t rows_max,
                  struct buf *out);

/* Writes it to standard output. */
void table_print(const struct table *table, const struct terminal *terminal);
