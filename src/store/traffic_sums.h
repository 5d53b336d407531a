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

/* Adds a row that is wanted and of a wanted time. Copies its texts. */
void traffic_sums_add(struct traffic_sums *sums, const struct store_traffic *row);

/*
 * Sorts by time, then most calls first, and lends the sums, at most the query's limit;
 * *ret_cut: something was left out.
 */
const struct store_traffic *traffic_sums_list(struct traffic_sums *sums,
                                              size_t *ret_count,
                                              bool *ret_cut);
