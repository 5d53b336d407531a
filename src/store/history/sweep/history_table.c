#include "store/history/sweep/history_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/chunk/chunk.h"
#include "wire/sample.h"

enum { ROWS_MIN = 32 };

void history_table_init(struct history_table *table, int64_t start_ms) {
    *table = (struct history_table) { .start_ms = start_ms };
}

void history_table_done(struct history_table *table) {
    for (size_t i = 0; i < table->column_count; i++)
        free(table->columns[i].values);
    free(table->columns);
    free(table->times_ms);
    *table = (struct history_table) { 0 };
}

static void make_room(struct history_table *table, size_t rows) {
    if (rows <= table->cap)
        return;
    size_t cap = table->cap ? table->cap : ROWS_MIN;
    while (cap < rows)
        cap *= 2;
    table->cap = cap;
    table->times_ms = mem_grow(table->times_ms, cap * sizeof(*table->times_ms));
    for (size_t i = 0; i < table->column_count; i++)
        table->columns[i].values =
            mem_grow(table->columns[i].values, cap * sizeof(int64_t));
}

static int64_t *add_column(struct history_table *table, uint32_t series) {
    enum { STEP = 32 };
    if (table->column_count % STEP == 0)
        table->columns = mem_grow(table->columns,
                                  (table->column_count + STEP) * sizeof(*table->columns));
    int64_t *values = mem_new_array(table->cap + 1, sizeof(*values));
    table->columns[table->column_count++] =
        (struct history_column) { .series = series, .values = values };
    return values;
}

static int read_columns(struct history_table *table,
                        struct chunk_codec *codec,
                        const struct chunk *chunk) {
    make_room(table, chunk->count);
    if (chunk_read_times(codec, chunk, table->times_ms) != 0)
        return CHUNK_E_DAMAGED;
    for (size_t i = 0; i < chunk->series_count; i++) {
        int64_t *values = add_column(table, chunk_series(chunk, i));
        if (chunk_read_values(codec, chunk, i, values) != 0)
            return CHUNK_E_DAMAGED;
    }
    table->count = chunk->count;
    return 0;
}

int history_table_read(struct history_table *table,
                       struct chunk_codec *codec,
                       struct slice bytes) {
    struct chunk chunk;
    int64_t start_ms = table->start_ms;

    if (chunk_open(bytes, &chunk) == 0 &&
        chunk.count * (chunk.series_count + 1) <= 2 * (size_t)HISTORY_TABLE_CELLS_MAX &&
        read_columns(table, codec, &chunk) == 0)
        return 0;
    history_table_done(table);
    history_table_init(table, start_ms);
    return CHUNK_E_DAMAGED;
}

bool history_table_has_room(const struct history_table *table, size_t columns) {
    size_t all = table->column_count + columns;
    return table->count < CHUNK_ROWS_MAX && all <= CHUNK_SERIES_MAX &&
           (table->count + 1) * all <= HISTORY_TABLE_CELLS_MAX;
}

static size_t find_column(const struct history_table *table, uint32_t series) {
    size_t place = 0;
    while (place < table->column_count && table->columns[place].series != series)
        place++;
    return place;
}

bool history_table_has_column(const struct history_table *table, uint32_t series) {
    return find_column(table, series) < table->column_count;
}

size_t history_table_column(struct history_table *table, uint32_t series) {
    size_t place = find_column(table, series);
    if (place < table->column_count)
        return place;
    int64_t *values = add_column(table, series);
    for (size_t i = 0; i < table->count; i++)
        values[i] = SAMPLE_ABSENT;
    return table->column_count - 1;
}

size_t history_table_add_row(struct history_table *table, int64_t time_ms) {
    size_t row = table->count;

    make_room(table, row + 1);
    table->times_ms[row] = time_ms;
    for (size_t i = 0; i < table->column_count; i++)
        table->columns[i].values[row] = SAMPLE_ABSENT;
    table->count++;
    table->is_dirty = true;
    return row;
}

struct order {
    int64_t time_ms;
    size_t row;
};

static int compare_orders(const void *a, const void *b) {
    const struct order *left = a, *right = b;
    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

static int compare_columns(const void *a, const void *b) {
    const struct history_column *left = a, *right = b;
    return (left->series > right->series) - (left->series < right->series);
}

static bool is_sorted(const struct history_table *table) {
    for (size_t i = 1; i < table->count; i++)
        if (table->times_ms[i - 1] > table->times_ms[i])
            return false;
    return true;
}

static void arrange(int64_t *values,
                    const struct order *orders,
                    size_t count,
                    int64_t *scratch) {
    for (size_t i = 0; i < count; i++)
        scratch[i] = values[orders[i].row];
    memcpy(values, scratch, count * sizeof(*values));
}

void history_table_sort(struct history_table *table) {
    if (table->column_count > 1)
        qsort(table->columns, table->column_count, sizeof(*table->columns),
              compare_columns);
    if (is_sorted(table))
        return;
    struct order *orders = mem_new_array(table->count, sizeof(*orders));
    int64_t *scratch = mem_new_array(table->count, sizeof(*scratch));
    for (size_t i = 0; i < table->count; i++)
        orders[i] = (struct order) { table->times_ms[i], i };
    qsort(orders, table->count, sizeof(*orders), compare_orders);
    arrange(table->times_ms, orders, table->count, scratch);
    for (size_t i = 0; i < table->column_count; i++)
        arrange(table->columns[i].values, orders, table->count, scratch);
    free(orders);
    free(scratch);
}

void history_table_write(const struct history_table *table,
                         struct chunk_codec *codec,
                         struct buf *out,
                         uint64_t *ret_values) {
    size_t count = table->column_count;
    uint32_t *series = mem_new_array(count + 1, sizeof(*series));
    const int64_t **columns = mem_new_array(count + 1, sizeof(int64_t *));
    uint64_t values = 0;

    for (size_t i = 0; i < count; i++) {
        series[i] = table->columns[i].series;
        columns[i] = table->columns[i].values;
        for (size_t row = 0; row < table->count; row++)
            values += columns[i][row] != SAMPLE_ABSENT;
    }
    chunk_write_values(codec, table->times_ms, table->count, series, columns, count, out);
    free(series);
    free(columns);
    *ret_values = values;
}
