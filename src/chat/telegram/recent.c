#include "chat/telegram/recent.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

struct pair {
    struct list node;
    char *key;   /* owned */
    char *value; /* owned */
};

struct recent {
    struct map *pairs;   /* owned */
    struct list by_time; /* owned; the newest last */
    size_t max;
};

struct recent *recent_new(size_t max) {
    struct recent *recent = mem_new(sizeof(*recent));

    recent->pairs = map_new();
    recent->max = max;
    list_init(&recent->by_time);
    return recent;
}

static void free_pair(struct pair *pair) {
    free(pair->key);
    free(pair->value);
    free(pair);
}

struct recent *recent_free(struct recent *recent) {
    if (!recent)
        return NULL;
    list_for_each_safe(node, after, &recent->by_time)
        free_pair(container_of(node, struct pair, node));
    map_free(recent->pairs);
    free(recent);
    return NULL;
}

void recent_remove(struct recent *recent, const char *key) {
    struct pair *pair = map_remove(recent->pairs, key);

    if (!pair)
        return;
    list_remove(&pair->node);
    free_pair(pair);
}

void recent_put(struct recent *recent, const char *key, const char *value) {
    struct pair *pair = mem_new(sizeof(*pair));

    pair->key = mem_strdup(key);
    pair->value = mem_strdup(value);
    recent_remove(recent, pair->key);
    map_put(recent->pairs, pair->key, pair);
    list_add_tail(&recent->by_time, &pair->node);
    if (map_count(recent->pairs) > recent->max)
        recent_remove(recent, container_of(recent->by_time.next, struct pair, node)->key);
}

const char *recent_get(const struct recent *recent, const char *key) {
    const struct pair *pair = map_get(recent->pairs, key);

    return pair ? pair->value : NULL;
}
