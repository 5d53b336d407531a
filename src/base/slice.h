/*
 * slice - bytes that belong to somebody else
 *
 * A plain value: a pointer and a length. Who lends the bytes, and until when, is said
 * by the function that hands the slice out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *at; /* borrowed; may be NULL when len is 0 */
    size_t len;
};

static inline struct slice slice_of(const void *at, size_t len) {
    return (struct slice) { .at = (const uint8_t *)at, .len = len };
}

/* The characters of a string without its NUL; NULL gives an empty slice. */
static inline struct slice slice_of_text(const char *text) {
    return slice_of(text, text ? strlen(text) : 0);
}

static inline bool slice_equal(struct slice a, struct slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool slice_is_text(struct slice a, const char *text) {
    return slice_equal(a, slice_of_text(text));
}

/* What follows the first n bytes; n may be at most a.len. */
static inline struct slice slice_after(struct slice a, size_t n) {
    return n == 0 ? a : slice_of(a.at + n, a.len - n);
}
