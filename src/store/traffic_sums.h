/*
 * traffic_sums - counts of calls added up as a question wants them
 *
 * Told of single counts in any order, keeps one sum for each time, node, caller and
 * method that the question tells apart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct traffic_sums;

/* query is borrowed and outlives the sums. */
struct traffic_sums *traffic_sums_new(const struct store_traffic_query *query);

/* Always returns NULL. */
struct traffic_sums *traffic_sums_free(struct traffic_sums *sums);

/* Is this node, caller and method asked for, and may it be seen? */
bool traffic_sums_want(const struct traffic_sums *sums, const struct store_traffic *row);

/* The sum that a row of this time, node, caller and method is part of; copies its texts.
 * NULL: there are too many already. Lent: the sums. */
struct store_traffic *traffic_sums_of(struct traffic_sums *sums,
                                      const struct store_traffic *row);

/* Where the step begins in which this time is. */
int64_t traffic_sums_step(const struct traffic_sums *sums, int64_t time_ms);

/*
 * Sorts by time, then most calls first, and lends the sums, at most the query's limit;
 * *ret_cut: something was left out.
 */
const struct store_traffic *traffic_sums_list(struct traffic_sums *sums,
                                              size_t *ret_count,
                                              bool *ret_cut);
