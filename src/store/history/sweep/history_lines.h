/*
 * history_lines - the series of one node, by what they are
 *
 * Two metrics are one series when name, unit and scale are the same. New ones get the
 * next id of the node.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct history_lines;
struct history_metric;
struct history_series_row;

struct history_lines *history_lines_new(void);
struct history_lines *history_lines_free(struct history_lines *lines);

/* Puts in a series of the database. */
void history_lines_put(struct history_lines *lines, const struct history_series_row *row);

/* The id for a metric; 0 when the node has too many. */
uint32_t history_lines_id(struct history_lines *lines,
                          const struct history_metric *metric,
                          uint32_t interval_ms);

/* What has to be written: rows that are new, or whose interval changed; to be freed with
 * their texts. */
struct history_series_row *history_lines_take_news(struct history_lines *lines,
                                                   size_t *ret_count);
