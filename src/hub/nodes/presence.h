/*
 * presence - which nodes are online, and since when
 *
 * Watches the registry and tells of what matters to who counts nodes: one comes, one
 * goes. A link that replaces another of the same node is neither; a node that gets
 * another name goes by the old one and comes by the new.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct node;
struct presence;
struct registry;

/* A node that is online. */
struct presence_row {
    const struct node *node; /* borrowed: the registry */
    int64_t wall_ns;         /* when its link was made */
    uint64_t boot_ns;        /* the same in boot time */
    int64_t online_since_ms; /* as the node says it */
};

/* Told of each change; embedded in whoever watches. The node is lent. */
struct presence_watcher {
    struct list node;
    void (*on_change)(struct presence_watcher *watcher,
                      const struct node *node,
                      bool online);
};

/* registry is borrowed and outlives it. */
struct presence *presence_new(struct registry *registry);

/* Asserts that nobody watches. NULL is fine; always returns NULL. */
struct presence *presence_free(struct presence *presence);

size_t presence_count(const struct presence *presence);

/* Walks in no particular order: *at starts at 0; NULL at the end. */
const struct presence_row *presence_next(const struct presence *presence, size_t *at);

/* When the hub started, near enough, in boot time. */
uint64_t presence_start_ns(const struct presence *presence);

void presence_watch(struct presence *presence, struct presence_watcher *watcher);
void presence_unwatch(struct presence_watcher *watcher);
