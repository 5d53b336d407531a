/*
 * braces - cut a stream of JSON objects into objects
 *
 * Objects may stand one a line, several on a line, or over many lines. The cutter counts
 * braces outside of strings; whether an object is good JSON is for its reader to say. It
 * does no I/O.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

enum {
    BRACES_E_MORE = 1, /* no whole object yet: feed, then ask again */
    BRACES_E_BAD,      /* something between objects that is no white space. For good */
    BRACES_E_TOO_LONG, /* an object over object_max. For good */
};

struct braces {
    struct buf data; /* owned; the bytes from `start` on are not yet taken */
    size_t start;
    size_t scanned; /* behind `start`: what was looked at */
    size_t object_max;
    size_t line; /* of the next byte to look at, for messages */
    unsigned depth;
    bool in_string;
    bool escaped;
    int failed;
};

void braces_init(struct braces *braces, size_t object_max);
void braces_done(struct braces *braces);

/* Copies bytes in. Slices from earlier calls of braces_next() end here. */
void braces_feed(struct braces *braces, struct slice bytes);

/* Lends the next whole object: 0 or BRACES_E_*. */
int braces_next(struct braces *braces, struct slice *ret_object);

/* Is nothing but white space left? Otherwise the input ended inside an object. */
bool braces_is_empty(const struct braces *braces);
