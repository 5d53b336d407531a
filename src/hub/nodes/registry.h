/*
 * registry - the nodes of this hub, by name
 *
 * Holds every node in memory, says who may see what, and tells watchers what changes.
 * What must survive is handed to the keeper (the store) with each change.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "hub/nodes/node.h"

struct actor;
struct registry;

/* Told of each change; embedded in whoever watches. on_change may not add or remove
 * nodes. */
struct registry_watcher {
    struct list node;
    void (*on_change)(struct registry_watcher *watcher, struct node *node, bool removed);
    void (*on_values)(struct registry_watcher *watcher, struct node *node);
};

/* Where nodes are kept over restarts; but not those that are anonymous. */
struct registry_keeper {
    void (*save)(void *arg, const struct node *node);
    void (*remove)(void *arg, const char *name);
    void (*rename)(void *arg, const char *from, const char *to);
    void *arg; /* borrowed: outlives the registry */
};

struct registry *registry_new(const struct registry_keeper *keeper);

/* Asserts that no session and no watcher is left. Always returns NULL. */
struct registry *registry_free(struct registry *registry);

/* Takes a node as it was kept; nobody is told. */
void registry_load(struct registry *registry, struct node *node);

/* The node of that name, or NULL. */
struct node *registry_find(const struct registry *registry, const char *name);

/* By name, then by a title that is unique among what the actor may see; NULL also when he
 * may not see it. */
struct node *registry_resolve(const struct registry *registry,
                              const struct actor *actor,
                              const char *text);

/* The anonymous node of that name, or else of that title; NULL. */
struct node *registry_find_anonymous(const struct registry *registry, const char *text);

/*
 * The nodes that a selection means ("" is all), as far as the actor may see them, by
 * name. 0 or a NAME_E_*; *ret_nodes is an array to free, *ret_why a text to free.
 */
int registry_select(const struct registry *registry,
                    const struct actor *actor,
                    const char *selection,
                    struct node ***ret_nodes,
                    size_t *ret_count,
                    char **ret_why);

/* Does the selection ("" is all) mean the node, whoever asks? */
bool registry_is_picked(const struct node *node, const char *selection);

/* Does the selection ("" is all) mean the node, and may the actor see it? For watchers.
 */
bool registry_is_meant(const struct node *node,
                       const struct actor *actor,
                       const char *selection);

/* Keeps nodes from taking the name, which no node has: it stands for something else. */
void registry_reserve(struct registry *registry, const char *name);
void registry_unreserve(struct registry *registry, const char *name);
bool registry_is_reserved(const struct registry *registry, const char *name);

/* Adds an empty node of a free, valid name. */
struct node *registry_add(struct registry *registry, const char *name);

/* Gives the node another free, valid name. A reserved one is not free. */
void registry_rename(struct registry *registry, struct node *node, const char *name);

/* Forgets the node (its session must be closed before) and frees it. */
void registry_remove(struct registry *registry, struct node *node);

/* The node was changed: keeps it and tells the watchers. */
void registry_changed(struct registry *registry, struct node *node);

/* A new sample is there. */
void registry_values(struct registry *registry, struct node *node);

void registry_watch(struct registry *registry, struct registry_watcher *watcher);
void registry_unwatch(struct registry_watcher *watcher);

size_t registry_count(const struct registry *registry);

/* Walks in no particular order: *at starts at 0; NULL at the end. */
struct node *registry_next(const struct registry *registry, size_t *at);
