/*
 * fields - what is wanted of a JSON value, by path
 *
 * "message.chat.id" is a member of a member; "photo.*.file_id" is of an array's elements,
 * of which the last counts. What is not asked for is stepped over, however deep.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* One value that is wanted: into a char * at that place of the caller's struct. */
struct fields_want {
    const char *path;
    size_t at; /* offsetof() */
};

/*
 * Reads the wanted values into ret as new strings: texts without their escapes (NULs in
 * them become blanks), numbers as they stand, true and false as "1" and "", objects and
 * arrays as their JSON. What is missing or null is left alone; what is there replaces
 * (and frees) what was. False: not JSON; ret may hold a part of it.
 */
bool fields_read(struct slice json,
                 const struct fields_want *wants,
                 size_t count,
                 void *ret);

/* Frees what was read. */
void fields_done(const struct fields_want *wants, size_t count, void *values);

/* Calls visit with the JSON of each element of an array until it says false. False: not
 * an array. */
bool fields_each(struct slice json,
                 bool (*visit)(void *arg, struct slice element),
                 void *arg);
