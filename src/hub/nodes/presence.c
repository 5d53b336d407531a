#include "hub/nodes/presence.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "hub/nodes/registry.h"

enum { NS_PER_MS = 1000000 };

struct presence {
    struct registry *registry; /* borrowed: outlives us */
    struct registry_watcher watcher;
    struct map *rows; /* owned; values: owned rows */
    struct list watchers;
    uint64_t start_ns;
};

/* The registry knows milliseconds; of a link that is new the clock knows better. */
static void set_times(struct presence_row *row) {
    int64_t now_ns = clock_wall_ns();
    int64_t since_ns = row->node->online_since_ms * NS_PER_MS;
    int64_t ago_ns = now_ns - since_ns;

    if (ago_ns < 1000 * (int64_t)NS_PER_MS)
        ago_ns = 0;
    row->online_since_ms = row->node->online_since_ms;
    row->wall_ns = now_ns - ago_ns;
    row->boot_ns = clock_boot_ns();
    row->boot_ns -= row->boot_ns > (uint64_t)ago_ns ? (uint64_t)ago_ns : row->boot_ns;
}

static void tell(struct presence *presence, const struct node *node, bool online) {
    list_for_each_safe(at, after, &presence->watchers) {
        struct presence_watcher *watcher =
            container_of(at, struct presence_watcher, node);
        watcher->on_change(watcher, node, online);
    }
}

static void add(struct presence *presence, const struct node *node) {
    struct presence_row *row = mem_new(sizeof(*row));

    row->node = node;
    set_times(row);
    map_put(presence->rows, node->name, row);
    tell(presence, node, true);
}

static void take_away(struct presence *presence, const struct node *node) {
    free(map_remove(presence->rows, node->name));
    tell(presence, node, false);
}

static void on_change(struct registry_watcher *watcher, struct node *node, bool removed) {
    struct presence *presence = container_of(watcher, struct presence, watcher);
    struct presence_row *row = map_get(presence->rows, node->name);
    bool online = node->session && !removed;

    if (online && !row)
        add(presence, node);
    else if (!online && row)
        take_away(presence, node);
    else if (row && row->online_since_ms != node->online_since_ms)
        set_times(row);
}

struct presence *presence_new(struct registry *registry) {
    struct presence *presence = mem_new(sizeof(*presence));

    presence->registry = registry;
    presence->rows = map_new();
    presence->start_ns = clock_boot_ns();
    presence->watcher.on_change = on_change;
    list_init(&presence->watchers);
    registry_watch(registry, &presence->watcher);
    return presence;
}

struct presence *presence_free(struct presence *presence) {
    struct presence_row *row;

    if (!presence)
        return NULL;
    assert(list_is_empty(&presence->watchers));
    registry_unwatch(&presence->watcher);
    for (size_t at = 0; (row = map_next(presence->rows, &at, NULL));)
        free(row);
    map_free(presence->rows);
    free(presence);
    return NULL;
}

size_t presence_count(const struct presence *presence) {
    return map_count(presence->rows);
}

const struct presence_row *presence_next(const struct presence *presence, size_t *at) {
    return map_next(presence->rows, at, NULL);
}

uint64_t presence_start_ns(const struct presence *presence) {
    return presence->start_ns;
}

void presence_watch(struct presence *presence, struct presence_watcher *watcher) {
    list_add_tail(&presence->watchers, &watcher->node);
}

void presence_unwatch(struct presence_watcher *watcher) {
    list_remove(&watcher->node);
}
