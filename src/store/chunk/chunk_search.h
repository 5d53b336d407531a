/*
 * chunk_search - finds columns that others foretell
 *
 * Compares how columns change from row to row: what one or two others leave unexplained
 * of a column's changes, by least squares, says about how many bits a relation saves.
 * Looks at some of the rows and at columns that stand near each other only, so that the
 * time it takes grows with the number of columns alone. Whether a relation found pays is
 * for the caller to try.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_relation;
struct chunk_search;

struct chunk_search *chunk_search_new(void);

/* NULL is fine; always returns NULL. */
struct chunk_search *chunk_search_free(struct chunk_search *search);

/* Looks at columns of count values; they are borrowed until the next start. Columns where
 * nothing changes are related to none. */
void chunk_search_start(struct chunk_search *search,
                        const int64_t *const *columns,
                        size_t series_count,
                        size_t count);

/*
 * The relation that saves most among those to columns before this place, or behind it:
 * how many bits it may save for each value, 0 when there is none.
 */
double chunk_search_best(const struct chunk_search *search,
                         size_t place,
                         bool is_behind,
                         struct chunk_relation *ret_relation);

/* The column at place is related from now on: it is no other's other. Its others are
 * told apart, because they must stay as they are. */
void chunk_search_relate(struct chunk_search *search,
                         size_t place,
                         const struct chunk_relation *relation);

/* May the column still be related: it is not, and no other needs it. */
bool chunk_search_is_free(const struct chunk_search *search, size_t place);
