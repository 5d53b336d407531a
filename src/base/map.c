#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };

struct entry {
    char *key;   /* owned; NULL when the place is free */
    void *value; /* borrowed: the map's user */
    uint64_t hash;
};

struct map {
    struct entry *entries; /* owned; cap of them, a power of two */
    size_t cap;
    size_t count;
    uint64_t key[2];
};

static uint64_t rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[static 4]) {
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012). */
static uint64_t hash_of(const struct map *map, const char *text) {
    size_t len = strlen(text);
    uint64_t v[4] = { map->key[0] ^ 0x736f6d6570736575, map->key[1] ^ 0x646f72616e646f6d,
                      map->key[0] ^ 0x6c7967656e657261,
                      map->key[1] ^ 0x7465646279746573 };
    uint64_t word;

    for (size_t left = len; left >= 8; left -= 8, text += 8) {
        memcpy(&word, text, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    memcpy(&word, text, len % 8);
    word |= (uint64_t)len << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *map_new(void) {
    struct map *map = mem_new(sizeof(*map));
    if (getrandom(map->key, sizeof(map->key), 0) != sizeof(map->key))
        abort();
    map->cap = FIRST_CAP;
    map->entries = mem_new_array(map->cap, sizeof(*map->entries));
    return map;
}

struct map *map_free(struct map *map) {
    if (!map)
        return NULL;
    for (size_t i = 0; i < map->cap; i++)
        free(map->entries[i].key);
    free(map->entries);
    free(map);
    return NULL;
}

/* The place of the key, or the free place where it would go. */
static struct entry *find(const struct map *map, const char *key, uint64_t hash) {
    size_t at = hash & (map->cap - 1);

    while (map->entries[at].key &&
           (map->entries[at].hash != hash || strcmp(map->entries[at].key, key) != 0))
        at = (at + 1) & (map->cap - 1);
    return &map->entries[at];
}

void *map_get(const struct map *map, const char *key) {
    return find(map, key, hash_of(map, key))->value;
}

static void grow(struct map *map) {
    struct entry *old = map->entries;
    size_t old_cap = map->cap;

    map->cap *= 2;
    map->entries = mem_new_array(map->cap, sizeof(*map->entries));
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].key)
            *find(map, old[i].key, old[i].hash) = old[i];
    free(old);
}

void *map_put(struct map *map, const char *key, void *value) {
    uint64_t hash = hash_of(map, key);
    struct entry *entry = find(map, key, hash);
    void *before = entry->value;

    if (!entry->key) {
        if (map->count * 4 >= map->cap * 3) {
            grow(map);
            entry = find(map, key, hash);
        }
        entry->key = mem_strdup(key);
        entry->hash = hash;
        map->count++;
    }
    entry->value = value;
    return before;
}

/* Closes the hole that a removal left, so that probing needs no tombstones. */
static void close_hole(struct map *map, size_t hole) {
    for (size_t at = (hole + 1) & (map->cap - 1); map->entries[at].key;
         at = (at + 1) & (map->cap - 1)) {
        size_t home = map->entries[at].hash & (map->cap - 1);
        size_t from_home = (at - home) & (map->cap - 1);
        size_t from_hole = (at - hole) & (map->cap - 1);
        if (from_home < from_hole)
            continue;
        map->entries[hole] = map->entries[at];
        map->entries[at] = (struct entry) { 0 };
        hole = at;
    }
}

void *map_remove(struct map *map, const char *key) {
    struct entry *entry = find(map, key, hash_of(map, key));
    if (!entry->key)
        return NULL;

    void *value = entry->value;
    free(entry->key);
    *entry = (struct entry) { 0 };
    map->count--;
    close_hole(map, (size_t)(entry - map->entries));
    return value;
}

size_t map_count(const struct map *map) {
    return map->count;
}

void *map_next(const struct map *map, size_t *at, const char **ret_key) {
    while (*at < map->cap) {
        const struct entry *entry = &map->entries[(*at)++];
        if (!entry->key)
            continue;
        if (ret_key)
            *ret_key = entry->key;
        return entry->value;
    }
    return NULL;
}
