/*
 * query_out - rows of values as a table, CSV, or a line of JSON each
 *
 * Columns are fixed before the first row; rows are printed as they come, so that any span
 * fits into memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/terminal/terminal.h"
#include "roost/v1/metrics.pb-c.h"

struct query_out;

enum query_form { QUERY_TABLE, QUERY_CSV, QUERY_LINES };

struct query_out_config {
    const struct terminal *terminal; /* borrowed: outlives it */
    enum query_form form;
    bool seconds;    /* of times in a table */
    bool is_rounded; /* values are means: more decimals than the metric's may be right */
};

/* One column for each series of the response, which also tells how large values get.
 * Prints the head. Copies. */
struct query_out *query_out_new(const struct query_out_config *config,
                                const Roost__V1__QueryResponse *response);

/* NULL is fine; always returns NULL. */
struct query_out *query_out_free(struct query_out *out);

/* The column of the series, or SIZE_MAX. */
size_t query_out_find(const struct query_out *out, const Roost__V1__Series *series);

size_t query_out_count(const struct query_out *out);

/* Prints a row: NaN is a gap. */
void query_out_row(struct query_out *out, int64_t time_ms, const double *values);
