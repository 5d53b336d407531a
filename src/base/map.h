/*
 * map - from strings to pointers
 *
 * Open addressing with a keyed hash, so that names chosen by a peer cannot make it
 * slow. The map copies keys and borrows values.
 */
#pragma once

#include <stddef.h>

struct map;

struct map *map_new(void);

/* Frees the map and its keys, not the values; NULL is fine. Always returns NULL. */
struct map *map_free(struct map *map);

/* The value under key, or NULL. */
void *map_get(const struct map *map, const char *key);

/* Puts a value (not NULL) under key; returns the one that was there before, or NULL. */
void *map_put(struct map *map, const char *key, void *value);

/* Takes the key out; returns its value, or NULL. */
void *map_remove(struct map *map, const char *key);

size_t map_count(const struct map *map);

/*
 * Walks in no particular order: *at starts at 0. Returns the next value, or NULL at the
 * end; *ret_key (unless NULL) lends the key. The map must not change meanwhile.
 */
void *map_next(const struct map *map, size_t *at, const char **ret_key);
