/*
 * headers - HTTP fields, in order, for any version of HTTP
 *
 * Names are lower case (put does that) and pseudo-headers (":path") are fields like
 * others. Values are checked: no CR, LF or NUL goes in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct header {
    char *name;  /* owned, lower case; one block with the value */
    char *value; /* borrowed: behind the name; NUL-terminated, value_len counts */
    size_t value_len;
};

struct headers {
    struct header *fields; /* owned */
    size_t count;
    size_t cap;
    size_t bytes; /* names and values, plus 32 a field as RFC 9113, 6.5.2 counts */
};

/* A zeroed struct is an empty list too. */
void headers_init(struct headers *headers);

/* Frees the fields; the list is empty and usable afterwards. */
void headers_done(struct headers *headers);

/* Appends a copy; false (and nothing appended) when the name or value holds what no field
 * may hold. */
bool headers_add(struct headers *headers, const char *name, const char *value);
bool headers_add_slice(struct headers *headers, struct slice name, struct slice value);

/* The first value of the name, or NULL. Lent. */
const char *headers_get(const struct headers *headers, const char *name);

/* Does any value of the name, read as a comma-separated list, hold the token (any case)?
 */
bool headers_has_token(const struct headers *headers,
                       const char *name,
                       const char *token);

/* Removes every field of the name, which must not be one of the list's own strings. */
void headers_remove(struct headers *headers, const char *name);

/* Appends copies of all fields of from, which is another list. */
void headers_add_all(struct headers *headers, const struct headers *from);
