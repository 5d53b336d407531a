/*
 * history_table - the rows of one hour of one node, column by column
 *
 * Filled from the hour's chunk and then with rows that came later, sorted by time and
 * written as a chunk again. Rows of equal times stay in the order in which they came.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;
struct chunk_codec;

/* What one table may hold, rows times columns: an hour of the most series there may be at
 * one a second. */
enum { HISTORY_TABLE_CELLS_MAX = 1 << 24 };

struct history_table {
    int64_t start_ms;
    size_t count;
    size_t cap;
    int64_t *times_ms; /* owned */
    struct history_column {
        uint32_t series;
        int64_t *values; /* owned; cap elements, count of them set */
    } * columns;         /* owned; sorted by series once the table is */
    size_t column_count;
    bool is_dirty;   /* has rows that the chunk has not */
    bool is_damaged; /* the chunk could not be read */
};

void history_table_init(struct history_table *table, int64_t start_ms);
void history_table_done(struct history_table *table);

/* Puts the rows of a chunk into an empty table: 0 or CHUNK_E_DAMAGED, and it is empty. */
int history_table_read(struct history_table *table,
                       struct chunk_codec *codec,
                       struct slice bytes);

/* Can it take one more row, with so many more columns? */
bool history_table_has_room(const struct history_table *table, size_t columns);

bool history_table_has_column(const struct history_table *table, uint32_t series);

/* The place of a series' column, made when there is none. */
size_t history_table_column(struct history_table *table, uint32_t series);

/* Adds a row without values and returns its place. */
size_t history_table_add_row(struct history_table *table, int64_t time_ms);

/* Sorts rows by time and columns by series; places change. */
void history_table_sort(struct history_table *table);

/* Appends the sorted table as a chunk; says how many values it has. */
void history_table_write(const struct history_table *table,
                         struct chunk_codec *codec,
                         struct buf *out,
                         uint64_t *ret_values);
