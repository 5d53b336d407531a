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

/* Both strings are the list's, or those of the list that lent them; NUL follows each. */
struct header {
    const char *name;  /* borrowed: lower case */
    const char *value; /* borrowed: it may hold NULs too, value_len counts */
    size_t name_len;
    size_t value_len;
};

struct headers {
    struct header *fields; /* owned; the first ones are in a block */
    size_t count;
    size_t cap;
    size_t bytes; /* names and values, plus 32 a field as RFC 9113, 6.5.2 counts */
    struct headers_block *blocks; /* owned: the strings of fields that were copied */
};

/* A zeroed struct is an empty list too. */
void headers_init(struct headers *headers);

/* Frees the fields; the list is empty and usable afterwards. */
void headers_done(struct headers *headers);

/* Appends a copy; false (and nothing appended) when the name or value holds what no field
 * may hold. */
bool headers_add(struct headers *headers, const char *name, const char *value);
bool headers_add_slice(struct headers *headers, struct slice name, struct slice value);

/* The same for who has seen to it that a field may hold them, the name in lower case. */
void headers_add_seen(struct headers *headers, struct slice name, struct slice value);

/* The first value of the name, or NULL. Lent. */
const char *headers_find(const struct headers *headers, struct slice name);

static inline const char *headers_get(const struct headers *headers, const char *name) {
    return headers_find(headers, slice_of_text(name));
}

/* Does any value of the name, read as a comma-separated list, hold the token (any case)?
 */
bool headers_has_token(const struct headers *headers,
                       const char *name,
                       const char *token);

/* Removes every field of the name. Its bytes stay as long as the list does. */
void headers_remove(struct headers *headers, const char *name);

/* Keeps the fields for which keep() is true, likewise. */
void headers_filter(struct headers *headers, bool (*keep)(const struct header *field));

/* Appends copies of all fields of from, which is another list. */
void headers_add_all(struct headers *headers, const struct headers *from);

/* Appends a field without copying: whatever holds its strings outlives the list. */
void headers_lend(struct headers *headers, const struct header *field);

/* The same of two strings, which must be what a field may hold, the name in lower case.
 */
static inline void headers_lend_text(struct headers *headers,
                                     const char *name,
                                     const char *value) {
    const struct header field = { name, value, strlen(name), strlen(value) };
    headers_lend(headers, &field);
}

/* Moves everything to an empty list; from is empty and usable afterwards. */
void headers_move(struct headers *to, struct headers *from);
