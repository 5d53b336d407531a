#include "hub/nodes/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"
#include "rpc/actor.h"

struct registry {
    struct registry_keeper keeper;
    struct map *nodes;    /* owned; of owned struct node */
    struct map *reserved; /* owned; names, the values are the registry itself */
    struct list watchers;
};

struct registry *registry_new(const struct registry_keeper *keeper) {
    struct registry *registry = mem_new(sizeof(*registry));

    registry->keeper = *keeper;
    registry->nodes = map_new();
    registry->reserved = map_new();
    list_init(&registry->watchers);
    return registry;
}

struct registry *registry_free(struct registry *registry) {
    struct node *node;
    size_t at = 0;

    if (!registry)
        return NULL;
    assert(list_is_empty(&registry->watchers));
    while ((node = map_next(registry->nodes, &at, NULL))) {
        assert(!node->session);
        node_free(node);
    }
    map_free(registry->nodes);
    map_free(registry->reserved);
    free(registry);
    return NULL;
}

void registry_load(struct registry *registry, struct node *node) {
    map_put(registry->nodes, node->name, node);
}

struct node *registry_find(const struct registry *registry, const char *name) {
    return map_get(registry->nodes, name);
}

static bool may_see(const struct actor *actor, const struct node *node) {
    return node_role(node, actor) >= ACTOR_VIEWER;
}

struct node *registry_resolve(const struct registry *registry,
                              const struct actor *actor,
                              const char *text) {
    struct node *found = registry_find(registry, text);
    struct node *node;
    size_t at = 0;

    if (found)
        return may_see(actor, found) ? found : NULL;
    while ((node = map_next(registry->nodes, &at, NULL))) {
        if (strcmp(node->title, text) != 0 || text[0] == '\0' || !may_see(actor, node))
            continue;
        if (found)
            return NULL; /* the title says not which */
        found = node;
    }
    return found;
}

static int by_name(const void *a, const void *b) {
    const struct node *const *left = a;
    const struct node *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* All nodes that the actor may see, by name; an array to free. */
static struct node **visible(const struct registry *registry,
                             const struct actor *actor,
                             size_t *ret_count) {
    struct node **nodes = mem_new_array(map_count(registry->nodes) + 1, sizeof(*nodes));
    struct node *node;
    size_t at = 0;
    size_t count = 0;

    while ((node = map_next(registry->nodes, &at, NULL)))
        if (may_see(actor, node))
            nodes[count++] = node;
    qsort(nodes, count, sizeof(*nodes), by_name);
    *ret_count = count;
    return nodes;
}

static struct name_subject subject_of(const struct node *node) {
    return (struct name_subject) {
        .name = node->name,
        .title = node->title,
        .tags = (const char *const *)node->tags,
        .tag_count = node_tag_count(node),
    };
}

bool registry_is_picked(const struct node *node, const char *selection) {
    struct name_subject subject = subject_of(node);
    bool picked = false;

    if (selection[0] == '\0')
        return true;
    name_select(selection, &subject, 1, &picked, NULL);
    return picked;
}

bool registry_is_meant(const struct node *node,
                       const struct actor *actor,
                       const char *selection) {
    return may_see(actor, node) && registry_is_picked(node, selection);
}

int registry_select(const struct registry *registry,
                    const struct actor *actor,
                    const char *selection,
                    struct node ***ret_nodes,
                    size_t *ret_count,
                    char **ret_why) {
    size_t count;
    struct node **nodes = visible(registry, actor, &count);
    int r = 0;

    if (selection && selection[0] != '\0') {
        struct name_subject *subjects = mem_new_array(count + 1, sizeof(*subjects));
        bool *picked = mem_new_array(count + 1, sizeof(*picked));
        char *item = NULL;
        size_t kept = 0;

        for (size_t i = 0; i < count; i++)
            subjects[i] = subject_of(nodes[i]);
        r = name_select(selection, subjects, count, picked, &item);
        for (size_t i = 0; r == 0 && i < count; i++)
            if (picked[i])
                nodes[kept++] = nodes[i];
        count = kept;
        if (r == NAME_E_NO_MATCH)
            *ret_why = mem_printf("no node is meant by \"%s\"", item);
        else if (r != 0)
            *ret_why = mem_strdup(r == NAME_E_TOO_LONG ? "the selection is too long"
                                                       : "the selection is empty");
        free(item);
        free(picked);
        free(subjects);
    }
    if (r != 0) {
        free(nodes);
        return r;
    }
    *ret_nodes = nodes;
    *ret_count = count;
    return 0;
}

static void tell(struct registry *registry, struct node *node, bool removed) {
    list_for_each_safe(at, after, &registry->watchers) {
        struct registry_watcher *watcher =
            container_of(at, struct registry_watcher, node);
        if (watcher->on_change)
            watcher->on_change(watcher, node, removed);
    }
}

struct node *registry_find_anonymous(const struct registry *registry, const char *text) {
    struct node *found = registry_find(registry, text);
    struct node *node;
    size_t at = 0;

    while (!found && (node = map_next(registry->nodes, &at, NULL)))
        if (node->anonymous && strcmp(node->title, text) == 0 && text[0] != '\0')
            found = node;
    return found && found->anonymous ? found : NULL;
}

void registry_reserve(struct registry *registry, const char *name) {
    assert(!registry_find(registry, name));
    map_put(registry->reserved, name, registry);
}

void registry_unreserve(struct registry *registry, const char *name) {
    map_remove(registry->reserved, name);
}

bool registry_is_reserved(const struct registry *registry, const char *name) {
    return map_get(registry->reserved, name) != NULL;
}

struct node *registry_add(struct registry *registry, const char *name) {
    struct node *node = node_new(name);

    assert(name_is_valid(name) && !registry_find(registry, name) &&
           !registry_is_reserved(registry, name));
    map_put(registry->nodes, name, node);
    return node;
}

void registry_rename(struct registry *registry, struct node *node, const char *name) {
    assert(name_is_valid(name) && !registry_find(registry, name) &&
           !registry_is_reserved(registry, name));
    map_remove(registry->nodes, node->name);
    if (!node->anonymous)
        registry->keeper.rename(registry->keeper.arg, node->name, name);
    tell(registry, node, true);
    node_set(&node->name, name);
    map_put(registry->nodes, name, node);
    tell(registry, node, false);
}

void registry_remove(struct registry *registry, struct node *node) {
    assert(!node->session);
    map_remove(registry->nodes, node->name);
    if (!node->anonymous)
        registry->keeper.remove(registry->keeper.arg, node->name);
    tell(registry, node, true);
    node_free(node);
}

void registry_changed(struct registry *registry, struct node *node) {
    if (!node->anonymous)
        registry->keeper.save(registry->keeper.arg, node);
    tell(registry, node, false);
}

void registry_values(struct registry *registry, struct node *node) {
    list_for_each_safe(at, after, &registry->watchers) {
        struct registry_watcher *watcher =
            container_of(at, struct registry_watcher, node);
        if (watcher->on_values)
            watcher->on_values(watcher, node);
    }
}

void registry_watch(struct registry *registry, struct registry_watcher *watcher) {
    list_add_tail(&registry->watchers, &watcher->node);
}

void registry_unwatch(struct registry_watcher *watcher) {
    list_remove(&watcher->node);
}

size_t registry_count(const struct registry *registry) {
    return map_count(registry->nodes);
}

struct node *registry_next(const struct registry *registry, size_t *at) {
    return map_next(registry->nodes, at, NULL);
}
