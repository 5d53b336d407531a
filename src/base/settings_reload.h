/*
 * settings_reload - fresh values take the place of old ones while a program runs
 *
 * A program that gets SIGHUP reads every source again into another struct. What its table
 * calls live is taken over; the rest takes a restart and stays as it was, so that the
 * struct in use always says what is in force.
 */
#pragma once

#include <stdbool.h>

struct settings_row;
struct settings_table;

/*
 * Swaps the fields that differ and are live between the two structs: afterwards fresh
 * holds what was replaced, to be cleared once nobody borrows from it. on_change is told
 * of every row that differs, also of those that take a restart. Members of a group are
 * live and swapped together; on_change is told of one row in which they differ.
 */
void settings_reload(const struct settings_table *table,
                     void *values,
                     void *fresh,
                     void (*on_change)(void *arg, const struct settings_row *row),
                     void *arg);

/* Have two structs of the table the same values in all its rows? */
bool settings_reload_is_same(const struct settings_table *table,
                             const void *a,
                             const void *b);
