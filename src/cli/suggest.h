/*
 * suggest - what was perhaps meant
 */
#pragma once

#include <stddef.h>

/* The candidate nearest to the word, if it is near enough to be a slip; else NULL. */
const char *suggest_nearest(const char *word,
                            const char *const *candidates,
                            size_t count);

/* Insertions, deletions, changes and swaps of neighbours that turn a into b; at most 64
 * characters of each count. */
size_t suggest_distance(const char *a, const char *b);
